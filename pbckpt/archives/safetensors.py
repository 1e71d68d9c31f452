"""The .safetensors file: a header in JSON, then the elements of all tensors.

    u64      how long the header is, little-endian; at most 100 MB
    header   {"__metadata__": {text: text},
              name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}
             spaces up to a multiple of 8
    data     little-endian, C order; offsets count from here

The data has no hole, no overlap and no rest: every byte is one tensor's. The
reference writer sorts tensors by alignment, the widest type first, then by
name, so that every element lies at a multiple of its size; so does this one,
and writes the same bytes.

The trap is JSON that two readers read in two ways: keys that come twice,
halves of surrogate pairs, NaN, numbers like 2.0. All of it is refused, a key
that comes twice too, which the reference reader lets through.

Reference: the safetensors format and library, 0.8.0. Pure.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.archives.names import NameRule
from pbckpt.archives.tensor import (
    ArchivedTensor,
    Contents,
    Refused,
    checked_spans,
    contents_of,
    fixed_size,
    is_shape_of_tensor,
)
from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, LimitError, SelectionError
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.wire.span import ByteSource

MAX_HEADER_BYTES = 100_000_000
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8
_METADATA = "__metadata__"
_MAX_SIZE = (1 << 64) - 1
_MAX_DIGITS = 20
# As deep as the reference reader goes, from the object of a tensor on.
_MAX_NESTING = 126

# In the order of the reference writer, which puts the last of these first.
_TYPES = {
    "BOOL": DataType.BOOL,
    "U8": DataType.UINT8,
    "I8": DataType.INT8,
    "F8_E5M2": DataType.FLOAT8_E5M2,
    "F8_E4M3": DataType.FLOAT8_E4M3FN,
    "F8_E4M3FNUZ": DataType.FLOAT8_E4M3FNUZ,
    "F8_E5M2FNUZ": DataType.FLOAT8_E5M2FNUZ,
    "I16": DataType.INT16,
    "U16": DataType.UINT16,
    "F16": DataType.HALF,
    "BF16": DataType.BFLOAT16,
    "I32": DataType.INT32,
    "U32": DataType.UINT32,
    "F32": DataType.FLOAT,
    "C64": DataType.COMPLEX64,
    "F64": DataType.DOUBLE,
    "I64": DataType.INT64,
    "U64": DataType.UINT64,
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_RANKS = {dtype: rank for rank, dtype in enumerate(_NAMES)}
# Types that TensorFlow does not have, or has unpacked.
_FOREIGN_BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E8M0": 8}
_BITS = {name: 8 * dtype.itemsize for name, dtype in _TYPES.items()} | _FOREIGN_BITS


class _Info(NamedTuple):
    """What the header says of one tensor."""

    name: str
    type_name: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(source: ByteSource) -> Contents:
    """Return what a file lists, in the order of its data.

    Raises CorruptFileError or LimitError that names the source.
    """
    try:
        header, data_start = _read_header(source)
        infos = sorted(_infos(header), key=lambda info: (info.begin, info.end))
        _check_layout(infos, len(source.view) - data_start)
        metadata = _metadata(header)
    except CorruptFileError as error:
        raise error.in_file(source.name) from None
    return contents_of((_item(source, data_start, info) for info in infos), metadata)


def _item(source: ByteSource, data_start: int, info: _Info) -> ArchivedTensor | Refused:
    name = NameRule.SAFETENSORS.unescape(info.name)
    dtype = _TYPES.get(info.type_name)
    if dtype is None:
        return Refused(name, f"TensorFlow has no type {info.type_name!r}")
    if not is_shape_of_tensor(info.shape):
        return Refused(name, f"TensorFlow has no shape {list(info.shape)}")
    span = Span(source, data_start + info.begin, info.end - info.begin)
    return fixed_size(name, dtype, info.shape, partial(_one, span))


def _one(span: Span) -> Iterator[Span]:
    yield span


def _read_header(source: ByteSource) -> tuple[dict[str, object], int]:
    """Return the header's object and where the data starts."""
    size = len(source.view)
    if size < _LENGTH.size:
        raise CorruptFileError(f"a file of {size} bytes, too short for a .safetensors file")
    (length,) = _LENGTH.unpack(_read(source, 0, _LENGTH.size))
    end = _LENGTH.size + length
    if end > size:
        raise CorruptFileError(
            "a header that runs out of the file; it is cut short, or no .safetensors file",
            expected=f"{end} bytes",
            actual=f"{size} bytes",
        )
    if length > MAX_HEADER_BYTES:
        msg = f"{source.name}: the header's size"
        raise LimitError(msg, limit="MAX_HEADER_BYTES", value=length, maximum=MAX_HEADER_BYTES)
    header = _parse(_read(source, _LENGTH.size, length))
    if not isinstance(header, dict):
        raise _bad_header("not an object")
    return header, end


def _read(source: ByteSource, offset: int, nbytes: int) -> bytes:
    return bytes(source.chunk(offset, nbytes, memoryview(bytearray(nbytes))))


def _bad_header(fact: str) -> CorruptFileError:
    return CorruptFileError(
        f"the header of a .safetensors file: {fact}",
        offset=_LENGTH.size,
        advice="the file is damaged, or no .safetensors file",
    )


def _parse(header: bytes) -> object:
    """Return the header's JSON value, read as strictly as the reference reads it."""
    if not header.startswith(b"{"):
        raise _bad_header("it does not begin with a brace")
    try:
        return json.loads(
            header.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_number,
            parse_constant=_no_constant,
        )
    except ValueError as error:  # which UnicodeDecodeError and JSONDecodeError are
        raise _bad_header(str(error)) from None
    except RecursionError:
        raise _bad_header("values nested too deep") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _bad_header(f"the key {twice!r} comes twice")
    return found


def _number(text: str) -> int | float:
    """Return a number without a point; minus zero is none that counts anything."""
    if len(text) > _MAX_DIGITS:
        raise _bad_header("a number beyond 64 bits")
    return -0.0 if text == "-0" else int(text)


def _no_constant(text: str) -> object:
    raise _bad_header(f"{text} is not JSON")


def _metadata(header: Mapping[str, object]) -> Mapping[str, str]:
    found = header.get(_METADATA)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _bad_header("__metadata__ is not an object")
    for key, value in found.items():
        if not isinstance(value, str):
            raise _bad_header(f"__metadata__ has something else than text under {key!r}")
        _check_text(key)
        _check_text(value)
    return found


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _bad_header(f"half of a surrogate pair in {text!r}") from None


def _infos(header: Mapping[str, object]) -> Iterator[_Info]:
    for name, value in header.items():
        if name != _METADATA:
            _check_text(name)
            yield _info(name, value)


def _info(name: str, value: object) -> _Info:
    if not isinstance(value, dict):
        raise _bad_header(f"tensor {name!r} is not an object")
    type_name = value.pop("dtype", None)
    if not isinstance(type_name, str):
        raise _bad_header(f"tensor {name!r} has no dtype")
    _check_text(type_name)
    shape = _sizes(name, "shape", value.pop("shape", None))
    offsets = _sizes(name, "data_offsets", value.pop("data_offsets", None))
    if len(offsets) != len(("begin", "end")):
        raise _bad_header(f"tensor {name!r}: data_offsets are not two")
    _check_nesting(value)
    return _Info(name, type_name, shape, offsets[0], offsets[1])


def _sizes(name: str, field: str, value: object) -> tuple[int, ...]:
    """Return a list of numbers from 0 to 64 bits; True is no number here."""
    if not isinstance(value, list) or not all(
        type(size) is int and 0 <= size <= _MAX_SIZE for size in value
    ):
        raise _bad_header(f"tensor {name!r}: {field} is not a list of sizes")
    return tuple(value)


def _check_nesting(unknown: Mapping[str, object]) -> None:
    """Refuse fields of later versions that nest deeper than the reference reads."""
    level: list[object] = list(unknown.values())
    for _ in range(_MAX_NESTING):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner
    if level:
        raise _bad_header("values nested too deep")


def _check_layout(infos: Sequence[_Info], nbytes: int) -> None:
    """Check that the tensors fill the data, each with what its type and shape need."""
    position = 0
    for info in infos:
        if info.begin != position or info.end < info.begin:
            raise _bad_header(
                f"tensor {info.name!r} lies at {info.begin} to {info.end}, not from {position} on"
            )
        position = info.end
        bits = _BITS.get(info.type_name)
        if bits is not None and _count(info) * bits != 8 * (info.end - info.begin):
            raise _bad_header(
                f"tensor {info.name!r} has {info.end - info.begin} bytes, which are not "
                f"{info.type_name} of shape {list(info.shape)}"
            )
    if position != nbytes:
        raise CorruptFileError(
            "the tensors do not end with the file; it is cut short or has a tail",
            offset=position,
            expected=f"{position} bytes of data",
            actual=f"{nbytes} bytes",
        )


def _count(info: _Info) -> int:
    count = 1
    for size in info.shape:
        count *= size
        if count > _MAX_SIZE:
            raise _bad_header(f"tensor {info.name!r}: the product of its shape overflows")
    return count


class SafetensorsPlan(NamedTuple):
    """A file to be written: its header, its tensors in their order, its size."""

    head: bytes
    tensors: tuple[ArchivedTensor, ...]
    nbytes: int

    def spans(self) -> Iterator[Span]:
        """Yield all bytes of the file. A tensor is read when its turn comes."""
        yield Span.of(self.head)
        for tensor in self.tensors:
            yield from checked_spans(tensor)


def plan_safetensors(
    tensors: Sequence[ArchivedTensor], metadata: Mapping[str, str] | None = None
) -> SafetensorsPlan:
    """Decide on order, offsets and header of a file of those tensors, whose names differ.

    Raises SelectionError that lists every tensor of a type that .safetensors
    does not have, LimitError for a header that readers would refuse.
    """
    _check_types(tensors)
    ordered = tuple(sorted(tensors, key=lambda tensor: (-_RANKS[tensor.dtype], _stored(tensor))))
    header: dict[str, object] = {_METADATA: dict(metadata)} if metadata else {}
    position = 0
    for tensor in ordered:
        header[_stored(tensor)] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": tensor.shape,
            "data_offsets": (position, position + tensor.nbytes),
        }
        position += tensor.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    if len(text) > MAX_HEADER_BYTES:
        msg = "the header's size, which is that of all names,"
        raise LimitError(msg, limit="MAX_HEADER_BYTES", value=len(text), maximum=MAX_HEADER_BYTES)
    head = _LENGTH.pack(len(text)) + text
    return SafetensorsPlan(head, ordered, len(head) + position)


def _stored(tensor: ArchivedTensor) -> str:
    return NameRule.SAFETENSORS.escape(tensor.name)


def _check_types(tensors: Sequence[ArchivedTensor]) -> None:
    unfit = [
        f"{tensor.name!r} ({tensor.dtype.label})"
        for tensor in tensors
        if tensor.dtype not in _NAMES
    ]
    if unfit:
        msg = (
            f".safetensors has no type for {', '.join(unfit)}; "
            "give them another with --cast or leave them out with --exclude"
        )
        raise SelectionError(msg)
