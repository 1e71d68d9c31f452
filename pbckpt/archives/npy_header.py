r"""The header of a .npy stream: which elements follow, in which order.

    \x93NUMPY   magic
    u8 u8       version: 1.0, 2.0 (a longer header) or 3.0 (names in UTF-8)
    u16 or u32  how long the rest of the header is, little-endian
    header      a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
                spaces up to a multiple of 64, and a newline

It is read here without Python's parser, which a hostile literal can keep busy
or bring down, and without numpy, which takes longer to import than most files
take to read; tests compare the two. The trap is the type: ``|O`` is a pickle,
which is never loaded, and ``V2`` is all that numpy knows of bfloat16.

Reference: numpy.lib.format. Pure.
"""

from __future__ import annotations

import re
import sys
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC = b"\x93NUMPY"
# Only structured types have headers of more than a few hundred bytes.
MAX_HEADER_BYTES = 1 << 20
# numpy's own.
MAX_ITEM_BYTES = (1 << 31) - 1
_ALIGNMENT = 64
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
_UTF32_BYTES = 4

# What Python takes for white space in a literal.
_GAP = rb"[ \t\r\n\f]*"
_COUNT = rb"(?:0|[1-9][0-9]{0,18})L?"
_ITEM = re.compile(
    rb"""~(?:'(?P<key>\w{1,20})'|"(?P<key2>\w{1,20})")~:~
    (?:'(?P<text>[^'\\\r\n]*)'|"(?P<text2>[^"\\\r\n]*)"|(?P<flag>True|False)
    |\((?P<sizes>~(?:#~,~)*(?:#~)?)\))
    ~(?:,|(?=\}))""".replace(b"~", _GAP).replace(b"#", _COUNT),
    re.VERBOSE,
)
_FIELDS = re.compile(rb"""\{(?:[^\[]*,)?~(?:'descr'|"descr")~:~\[""".replace(b"~", _GAP))
_END = re.compile(_GAP + rb"\}" + _GAP + rb"\Z")
_SIZE = re.compile(rb"[0-9]+")
_DESCR = re.compile(r"([<>|=]?)([biufcSU])([0-9]{1,10})\Z")


class Text(Enum):
    """How the elements of a string array are stored, each padded with NULs."""

    NONE = "no strings"
    BYTES = "bytes"
    UTF32_LITTLE = "utf-32-le"
    UTF32_BIG = "utf-32-be"


class Element(NamedTuple):
    """What one element is, and how it lies in the file."""

    dtype: DataType
    nbytes: int
    is_big_endian: bool = False
    text: Text = Text.NONE


class Unfit(NamedTuple):
    """A type that no checkpoint can hold."""

    reason: str


class NpyHeader(NamedTuple):
    """A decoded header; ``nbytes`` is its own size, from the magic on."""

    element: Element | Unfit
    is_fortran_order: bool
    shape: tuple[int, ...]
    nbytes: int


_FIXED = {
    ("b", 1): DataType.BOOL,
    ("i", 1): DataType.INT8,
    ("i", 2): DataType.INT16,
    ("i", 4): DataType.INT32,
    ("i", 8): DataType.INT64,
    ("u", 1): DataType.UINT8,
    ("u", 2): DataType.UINT16,
    ("u", 4): DataType.UINT32,
    ("u", 8): DataType.UINT64,
    ("f", 2): DataType.HALF,
    ("f", 4): DataType.FLOAT,
    ("f", 8): DataType.DOUBLE,
    ("c", 8): DataType.COMPLEX64,
    ("c", 16): DataType.COMPLEX128,
}
_DESCRS = {
    dtype: f"{'|' if size == 1 else '<'}{kind}{size}" for (kind, size), dtype in _FIXED.items()
}
DTYPES = frozenset(_DESCRS)
"""The types of fixed size that .npy has."""


def encode_npy_header(dtype: DataType, shape: tuple[int, ...], width: int = 0) -> bytes:
    """Return the header of an array in C order; ``width`` is that of each string.

    The type must be one of `DTYPES` or a string.
    """
    descr = f"|S{width}" if dtype is DataType.STRING else _DESCRS[dtype]
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    start = len(MAGIC) + len((1, 0)) + _LENGTH_BYTES[1, 0]
    text += " " * (-(start + len(text) + 1) % _ALIGNMENT) + "\n"
    length = len(text).to_bytes(_LENGTH_BYTES[1, 0], "little")
    return MAGIC + bytes((1, 0)) + length + text.encode("ascii")


def read_npy_header(read: Callable[[int], bytes]) -> NpyHeader:
    """Decode the header that ``read(nbytes)`` gives, piece by piece, and nothing after it.

    ``read`` returns less at the end of the stream. Raises CorruptFileError or
    LimitError.
    """
    start = _exactly(read, len(MAGIC) + 2)
    version = start[-2], start[-1]
    if not start.startswith(MAGIC):
        raise CorruptFileError("no .npy array: it does not begin with \\x93NUMPY")
    if version not in _LENGTH_BYTES:
        major, minor = version
        raise CorruptFileError(f"a .npy array of the unknown version {major}.{minor}")
    length = int.from_bytes(_exactly(read, _LENGTH_BYTES[version]), "little")
    if length > MAX_HEADER_BYTES:
        msg = "the size of a .npy array's header"
        raise LimitError(msg, limit="MAX_HEADER_BYTES", value=length, maximum=MAX_HEADER_BYTES)
    text = _exactly(read, length)
    return _decode(text, len(start) + _LENGTH_BYTES[version] + length)


def _exactly(read: Callable[[int], bytes], nbytes: int) -> bytes:
    data = read(nbytes)
    if len(data) != nbytes:
        raise CorruptFileError("the header of a .npy array is cut short")
    return data


def _decode(text: bytes, nbytes: int) -> NpyHeader:
    if _FIELDS.match(text):
        unfit = Unfit("it is an array of records; store each field by itself")
        return NpyHeader(unfit, is_fortran_order=False, shape=(), nbytes=nbytes)
    found = _items(text)
    return NpyHeader(
        _element(_text(found.get("descr"))),
        is_fortran_order=_flag(found.get("fortran_order")),
        shape=_shape(found.get("shape")),
        nbytes=nbytes,
    )


def _not_a_header(fact: str) -> CorruptFileError:
    return CorruptFileError(f"the header of a .npy array: {fact}")


def _items(text: bytes) -> dict[str, re.Match[bytes]]:
    """Return the three items by key."""
    found: dict[str, re.Match[bytes]] = {}
    position = 1 if text.startswith(b"{") else len(text)
    while item := _ITEM.match(text, position):
        key = (item["key"] or item["key2"]).decode("ascii")
        if key in found:
            raise _not_a_header(f"{key!r} comes twice")
        found[key] = item
        position = item.end()
    if not _END.match(text, position) or set(found) != {"descr", "fortran_order", "shape"}:
        raise _not_a_header("it is not the three items descr, fortran_order and shape")
    return found


def _text(item: re.Match[bytes] | None) -> str:
    if item is None or (item["text"] is None and item["text2"] is None):
        raise _not_a_header("descr is not a text")
    return (item["text"] or item["text2"] or b"").decode("latin-1")


def _flag(item: re.Match[bytes] | None) -> bool:
    if item is None or item["flag"] is None:
        raise _not_a_header("fortran_order is neither True nor False")
    return bool(item["flag"] == b"True")


def _shape(item: re.Match[bytes] | None) -> tuple[int, ...]:
    sizes: bytes | None = item["sizes"] if item else None
    if sizes is None or (sizes.strip() and b"," not in sizes):
        raise _not_a_header("shape is not a tuple of sizes")
    return tuple(int(size) for size in _SIZE.findall(sizes))


def _element(descr: str) -> Element | Unfit:
    found = _DESCR.match(descr)
    if not found:
        return Unfit(_reason(descr))
    order, kind, count = found[1], found[2], int(found[3])
    is_big = order == ">" or (order != "<" and sys.byteorder == "big")
    nbytes = count * _UTF32_BYTES if kind == "U" else count
    if kind in "SU":
        if not 0 < nbytes <= MAX_ITEM_BYTES:
            return Unfit(f"its strings are {count} letters long")
        return Element(DataType.STRING, nbytes, is_big_endian=False, text=_text_form(kind, is_big))
    dtype = _FIXED.get((kind, nbytes))
    return Element(dtype, nbytes, is_big and nbytes > 1) if dtype else Unfit(_reason(descr))


def _text_form(kind: str, is_big: bool) -> Text:  # noqa: FBT001 - of a file, not an option
    if kind == "S":
        return Text.BYTES
    return Text.UTF32_BIG if is_big else Text.UTF32_LITTLE


def _reason(descr: str) -> str:
    kind = descr.lstrip("<>|=")[:1]
    if kind == "O":
        return "it is an array of Python objects, a pickle, and pickles are never loaded"
    if kind == "V":
        return (
            f"its type is {descr!r}, all that numpy stores of a type that it does not know "
            "(bfloat16, float8); use .safetensors for those"
        )
    return f"TensorFlow has no elements of numpy's type {descr!r}"
