"""Byte order: numbers of a machine that has them the other way round."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.dtypes import numpy_dtype
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.bundle.reader import BundleReader

    Array = npt.NDArray[Any]

# A multiple of every element's size.
SWAP_BYTES = 1 << 20
IS_BIG_ENDIAN = sys.byteorder == "big"


def native(array: Array, *, swap: bool) -> Array:
    """Return an array of the same numbers in the machine's byte order.

    Types that numpy does not know cannot be swapped by it, but integers of
    their size can.
    """
    unit = _unit_bytes(array.dtype)
    if not swap or unit == 1:
        return array
    flat = array.copy(order="C").reshape(-1)
    return flat.view(f"u{unit}").byteswap().view(array.dtype).reshape(array.shape)


def _unit_bytes(dtype: np.dtype[np.generic]) -> int:
    """Return how many bytes change places: a complex number is two numbers."""
    return dtype.itemsize // (2 if dtype.kind == "c" else 1)


def swapped_spans(reader: BundleReader, entry: BundleEntry) -> Iterator[Span]:
    """Yield the bytes of a big-endian tensor in the order in which they are written."""
    unit = _unit_bytes(numpy_dtype(entry.dtype))
    buffer = memoryview(bytearray(SWAP_BYTES))
    for chunk in chunks(iter([reader.check(entry)]), buffer):
        swapped = np.frombuffer(chunk, f"u{unit}").byteswap()
        yield Span.of(swapped.view(np.uint8).data)
