"""Records: the elements of one slice, as a TensorProto without type and shape.

    SavedTensorSlices   2 data
    SavedSlice          1 name, 2 slice, 3 data
    TensorProto         one typed field, all elements: 5 float, 6 double, 7 int
                        (all integers of 16 bits or less, int32), 8 string,
                        9 and 12 complex (pairs), 10 int64, 11 bool, 13 half,
                        16 uint32, 17 uint64

Unlike a constant of a graph, a record never leaves elements out, and has no
tensor_content. A field may be packed, or not, or come in several chunks, and a
record can be larger than protobuf decodes: so it is taken apart in place, and
protobuf decodes nothing but varints.

The trap is NaN: floats must not pass through Python floats, which quiet the
signalling ones.

Reference: tensorflow/core/util/saved_tensor_slice_util.h and
tensor_slice_reader.h. Pure.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType, TensorField
from pbckpt.errors import CorruptFileError, GraphDecodeError
from pbckpt.protos import SavedSlice, TensorProto
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.v1.meta import decode_slice
from pbckpt.wire.fields import FIXED32, FIXED64, LENGTH, scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.wire.fields import Field

# Field numbers of SavedTensorSlices and of SavedSlice.
_DATA, _NAME, _SLICE, _TENSOR = 2, 1, 2, 3
# Typed fields whose values lie in the record as in memory: the wire type of one
# value, and its size.
_IMAGE_FIELDS = {
    TensorField.FLOAT: (FIXED32, 4),
    TensorField.DOUBLE: (FIXED64, 8),
    TensorField.SCOMPLEX: (FIXED32, 4),
    TensorField.DCOMPLEX: (FIXED64, 8),
}
_INT_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_VALUES_AT_ONCE = 1 << 16


class SliceRecord(NamedTuple):
    """Whose elements a record holds, and the pieces of the TensorProto that has them."""

    name: bytes
    part: TensorSlice
    pieces: tuple[memoryview, ...]


def decode_record(record: bytes, rank: int) -> SliceRecord:
    """Decode all of a record but the elements. Raises CorruptFileError.

    ``rank`` is that of the tensor: a slice with another is refused undecoded.
    """
    view = memoryview(record)
    head = bytearray()
    pieces: list[memoryview] = []
    try:
        for data in scan(view, 0, len(view)):
            if (data.number, data.wire_type) == (_DATA, LENGTH):
                _take_apart(view[data.body : data.end], head, pieces)
        proto = decode(SavedSlice, bytes(head))
    except GraphDecodeError as error:
        raise CorruptFileError(f"a record that holds {error.fact}") from None
    except ProtoDecodeError:
        raise CorruptFileError("a record whose name or slice does not decode") from None
    if len(proto.slice.extent) != rank:
        raise CorruptFileError("a record with a slice of another rank than its tensor")
    return SliceRecord(proto.name.encode(), decode_slice(proto.slice), tuple(pieces))


def _take_apart(data: memoryview, head: bytearray, pieces: list[memoryview]) -> None:
    """Note the tensor of a SavedSlice in place, and copy what else is known of it."""
    for field in scan(data, 0, len(data)):
        if (field.number, field.wire_type) == (_TENSOR, LENGTH):
            pieces.append(data[field.body : field.end])
        elif field.number in (_NAME, _SLICE):
            head += data[field.start : field.end]


def decode_elements(record: SliceRecord, dtype: DataType, count: int) -> bytearray:
    """Return the ``count`` elements of a fixed-size type, little-endian.

    Raises CorruptFileError where there are more or fewer.
    """
    with_single = _IMAGE_FIELDS.get(dtype.field)
    if with_single is not None:
        elements = _join_images(record, dtype.field, *with_single)
        _check_count(len(elements), count * dtype.itemsize, f"bytes of {dtype.label}")
        return elements
    values = _decode_varints(record, dtype.field)
    _check_count(len(values), count, dtype.label)
    return _encode_integers(values, dtype.itemsize)


def decode_strings(record: SliceRecord, count: int) -> list[bytes]:
    """Return the ``count`` elements of a string tensor. Raises CorruptFileError as above."""
    strings = [
        bytes(piece[field.body : field.end])
        for piece, field in _fields_of(record, TensorField.STRING)
        if field.wire_type == LENGTH
    ]
    _check_count(len(strings), count, "string")
    return strings


def _check_count(actual: int, expected: int, what: str) -> None:
    if actual != expected:
        raise CorruptFileError(
            f"a record with another number of elements than its slice ({what})",
            expected=str(expected),
            actual=str(actual),
        )


def _fields_of(record: SliceRecord, wanted: TensorField) -> Iterator[tuple[memoryview, Field]]:
    """Yield each occurrence of a typed field, with the piece that its places count in."""
    try:
        for piece in record.pieces:
            for field in scan(piece, 0, len(piece)):
                if field.number == wanted.value:
                    yield piece, field
    except GraphDecodeError as error:
        raise CorruptFileError(f"a record whose elements hold {error.fact}") from None


def _join_images(record: SliceRecord, wanted: TensorField, single: int, size: int) -> bytearray:
    """Return the bytes of all values, packed or not; never more than the record has."""
    joined = bytearray()
    for piece, field in _fields_of(record, wanted):
        if field.wire_type in (single, LENGTH):
            if (field.end - field.body) % size:
                raise CorruptFileError("a record with a packed field whose last value is cut")
            joined += piece[field.body : field.end]
    return joined


def _decode_varints(record: SliceRecord, wanted: TensorField) -> Sequence[int]:
    """Have protobuf decode one typed field, and nothing else that a record may hold."""
    wire = b"".join(piece[field.start : field.end] for piece, field in _fields_of(record, wanted))
    try:
        message = decode(TensorProto, wire)
    except ProtoDecodeError:
        raise CorruptFileError("a record whose elements do not decode") from None
    fields: dict[TensorField, Sequence[int]] = {
        TensorField.INT: message.int_val,
        TensorField.INT64: message.int64_val,
        TensorField.BOOL: message.bool_val,
        TensorField.HALF: message.half_val,
        TensorField.UINT32: message.uint32_val,
        TensorField.UINT64: message.uint64_val,
    }
    return fields[wanted]


def _encode_integers(values: Sequence[int], itemsize: int) -> bytearray:
    """Return the memory image of numbers, each cut to the low bits of its type."""
    code, low_bits = _INT_FORMATS[itemsize], (1 << 8 * itemsize) - 1
    out = bytearray()
    for start in range(0, len(values), _VALUES_AT_ONCE):
        some = values[start : start + _VALUES_AT_ONCE]
        out += struct.pack(f"<{len(some)}{code}", *[value & low_bits for value in some])
    return out
