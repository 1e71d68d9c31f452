"""CRC32C and the mask under which the formats store it.

    polynomial   Castagnoli, 0x1edc6f41, reflected; not zlib's CRC-32
    crc32c       of "123456789" is e3069283
    mask(c)      rotate right by 15, add 0xa282ead8 (mod 2**32)

A checksum that lies beside the bytes it covers is masked, so that a CRC over
data that holds CRCs stays meaningful. Everything in pbckpt carries the
unmasked value; only encoders and decoders of the formats mask.

Reference: tensorflow/core/lib/hash/crc32c.h. This is the only place that
imports the crc32c package.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from types import ModuleType

    from typing_extensions import Buffer

_MASK_DELTA = 0xA282EAD8
_BITS32 = 0xFFFFFFFF
_ROTATE = 15


class _Crc32c(Protocol):
    def __call__(self, data: Buffer, value: int = 0, /) -> int: ...


def _load_extension() -> ModuleType:
    """Load the compiled half of the crc32c package without the package's start-up.

    The package asks importlib.metadata for its own version when imported, which
    takes longer than converting a small graph. Where the extension is not found
    under the name it has today, the package itself is imported.
    """
    package = importlib.machinery.PathFinder.find_spec("crc32c")
    places = package.submodule_search_locations if package else None
    name = "crc32c._crc32c"
    spec = importlib.machinery.PathFinder.find_spec(name, places) if places else None
    if name in sys.modules or spec is None or spec.loader is None:
        return importlib.import_module("crc32c")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


crc32c = cast("_Crc32c", _load_extension().crc32c)
"""``crc32c(data, value=0)``: the CRC32C of ``data`` after bytes whose CRC32C is ``value``."""


def mask(crc: int) -> int:
    """Return the form of a CRC32C that is stored."""
    return ((crc >> _ROTATE | crc << (32 - _ROTATE)) + _MASK_DELTA) & _BITS32


def unmask(masked: int) -> int:
    """Return the CRC32C of its stored form."""
    rotated = (masked - _MASK_DELTA) & _BITS32
    return (rotated >> (32 - _ROTATE) | rotated << _ROTATE) & _BITS32
