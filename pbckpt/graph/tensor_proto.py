"""TensorProto: the value of a constant, as spans of the file it came from.

    2 tensor_shape    absent or no dims: a scalar
    4 tensor_content  the elements' memory image; alone counts when not empty
    5 … 18            typed fields: fewer values than elements repeat the last,
                      none at all means zeros, surplus is dropped

The fields that are memory images of their elements (tensor_content, and the
typed fields of fixed width) are spans and never copied; varints go through
protobuf. The trap is NaN: float_val must not pass through Python floats, which
quiet the signalling ones.

Reference: tensorflow/core/framework/tensor.cc (Tensor::FromProto), whose
verdicts are followed, not those of tf.make_ndarray.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType, TensorField, data_type
from pbckpt.errors import GraphDecodeError, InvalidGraphError, UnsupportedGraphError
from pbckpt.graph.constant import ConstantTensor
from pbckpt.protos import TensorProto, TensorShapeProto
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.shapes import MAX_ELEMENTS, count_elements
from pbckpt.wire.fields import FIXED32, FIXED64, LENGTH, scan
from pbckpt.wire.span import Memory, Span, chunks
from pbckpt.wire.varint import VarintError, decode_varint32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CONTENT_FIELD = 4
# Typed fields whose values lie in the file as in memory: the wire type of one
# value, and its size.
_IMAGE_FIELDS: dict[int, tuple[int, int]] = {
    TensorField.FLOAT: (FIXED32, 4),
    TensorField.DOUBLE: (FIXED64, 8),
    TensorField.SCOMPLEX: (FIXED32, 4),
    TensorField.DCOMPLEX: (FIXED64, 8),
}
# Bytes fields: the last one wins, as for every field that is not repeated.
_BYTES_FIELDS = (CONTENT_FIELD, TensorField.FLOAT8)
_PACKERS = {DataType.FLOAT: struct.Struct("<f"), DataType.DOUBLE: struct.Struct("<d")}
_INT_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_VALUES_AT_ONCE = 1 << 16
# Above this a span of the file takes less memory than a copy of its bytes.
_SMALL_IMAGE_BYTES = 64
_LOOK_BYTES = 1 << 20
# Graphs have the same few shapes again and again, and protobuf is slow to tell one.
_SHAPES = 4096
_SMALL_SHAPE_BYTES = 64
_BOOL_BYTES = b"\0\1"
_NO_IMAGES = frozenset((DataType.BOOL, DataType.STRING))


_REAL_NAMES = {
    TensorField.FLOAT: "float_val",
    TensorField.DOUBLE: "double_val",
    TensorField.SCOMPLEX: "scomplex_val",
    TensorField.DCOMPLEX: "dcomplex_val",
}
_INTEGER_NAMES = {
    TensorField.INT: "int_val",
    TensorField.INT64: "int64_val",
    TensorField.BOOL: "bool_val",
    TensorField.HALF: "half_val",
    TensorField.UINT32: "uint32_val",
    TensorField.UINT64: "uint64_val",
}


class TensorParts(NamedTuple):
    """A TensorProto taken apart: images as spans, all else as a message.

    The message of a small tensor holds the values of its images as well.
    """

    message: TensorProto
    images: dict[int, list[Span]]


def parts_of_message(message: TensorProto) -> TensorParts | None:
    """Take a small decoded TensorProto with typed values apart; None where it cannot be done.

    Numbers pass as they are, but a NaN loses its bits where protobuf hands it on.
    """
    dtype = data_type(message.dtype)
    if dtype is None or dtype.field in (TensorField.FLOAT8, TensorField.VARIANT):
        return None
    name = _REAL_NAMES.get(dtype.field)
    values: Sequence[float] = getattr(message, name) if name else ()
    if not values:
        return TensorParts(message, {})
    if any(map(math.isnan, values)):
        return None
    code = "f" if _IMAGE_FIELDS[dtype.field][0] == FIXED32 else "d"
    image = struct.pack(f"<{len(values)}{code}", *values)
    return TensorParts(message, {dtype.field: [Span.of(image)]})


def split_tensor(fragments: Iterable[Span]) -> TensorParts:
    """Take a TensorProto apart; fragments are merged as protobuf merges them.

    Raises GraphDecodeError, with offsets in the fragments' source, for bytes
    that protobuf would not decode.
    """
    images: dict[int, list[Span]] = {}
    rest = bytearray()
    first: int | None = None
    for fragment in fragments:
        first = fragment.offset if first is None else first
        view = fragment.source.view
        end = fragment.offset + fragment.nbytes
        for field in scan(view, fragment.offset, end):
            span = Span(fragment.source, field.body, field.end - field.body)
            if not _collect_image(images, field.number, field.wire_type, span):
                rest += view[field.start : field.end]
    try:
        return TensorParts(decode(TensorProto, bytes(rest)), images)
    except ProtoDecodeError:
        msg = "a tensor that does not decode"
        raise GraphDecodeError(msg, offset=first or 0) from None


def _collect_image(images: dict[int, list[Span]], number: int, wire_type: int, span: Span) -> bool:
    """Note a field that is an image of elements; False for all others."""
    if number in _BYTES_FIELDS and wire_type == LENGTH:
        images[number] = [span]
        return True
    if number not in _IMAGE_FIELDS:
        return False
    single, size = _IMAGE_FIELDS[number]
    if wire_type not in (single, LENGTH):
        return False
    if span.nbytes % size:
        raise GraphDecodeError("a packed field with a cut last value", offset=span.offset)
    if span.nbytes:
        _append_image(images.setdefault(number, []), span)
    return True


def _append_image(spans: list[Span], span: Span) -> None:
    """Append an image, joining small ones: a field can be given value by value."""
    if span.nbytes > _SMALL_IMAGE_BYTES:
        spans.append(span)
        return
    last = spans[-1].source if spans else None
    if not isinstance(last, _Gathered):
        last = _Gathered()
        spans.append(Span(last, 0, 0))
    last.data += span.view
    spans[-1] = Span(last, 0, len(last.data))


class _Gathered:
    """A source of bytes that are still being gathered; looked at when that is done."""

    name = "values"

    def __init__(self) -> None:
        self.data = bytearray()

    @property
    def view(self) -> memoryview:
        return memoryview(self.data)

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:  # noqa: ARG002
        return self.view[offset : offset + nbytes]


def decode_tensor(parts: TensorParts, node_name: str) -> ConstantTensor:
    """Return the tensor that TensorFlow's runtime makes of a TensorProto.

    Raises InvalidGraphError where the runtime refuses, UnsupportedGraphError
    for types that have no storable elements. The size of the result is what
    the file says, not what is in memory: nothing is allocated for it here.
    """
    dtype, shape, count = _type_and_shape(parts.message, node_name)
    try:
        return _decode_elements(parts, dtype, shape, count)
    except _UnfitValueError as error:
        raise InvalidGraphError(str(error), node_name=node_name) from None


def decode_plain_tensor(message: TensorProto, node_name: str) -> ConstantTensor | None:
    """Return what `decode_tensor` returns, of a message in memory that is like most.

    Most constants are an image of their elements, or a number. None for others: those
    are taken apart first, which takes twice as long.
    """
    dtype, shape, count = _type_and_shape(message, node_name)
    nbytes = count * dtype.itemsize
    image: bytes | None
    if content := message.tensor_content:
        # The bytes of truth values are looked at, those of strings are not all elements.
        is_image = len(content) == nbytes and dtype not in _NO_IMAGES
        image = content if is_image else None
    else:
        image = _image_of_number(message, dtype)
    if image is None or not nbytes:
        return None
    if not image:
        return ConstantTensor(dtype, shape, count, (), bytes(dtype.itemsize))
    images = (Span(Memory(image), 0, len(image)),)
    return ConstantTensor(dtype, shape, count, images, b"" if len(image) == nbytes else image)


def _image_of_number(message: TensorProto, dtype: DataType) -> bytes | None:
    """Return the bytes of a single number, nothing of none; None of other values."""
    if integers := _INTEGER_NAMES.get(dtype.field):
        values: Sequence[int] = getattr(message, integers)
        if len(values) == 1:
            return (values[0] & (1 << 8 * dtype.itemsize) - 1).to_bytes(dtype.itemsize, "little")
    elif packer := _PACKERS.get(dtype):
        values = getattr(message, _REAL_NAMES[dtype.field])
        # A NaN is the one number that is not equal to itself.
        if len(values) == 1 and values[0] == values[0]:
            return packer.pack(values[0])
    else:
        return None
    return None if values else b""


def _type_and_shape(message: TensorProto, node_name: str) -> tuple[DataType, tuple[int, ...], int]:
    """Return what elements there are, and how many in all."""
    dtype = data_type(message.dtype)
    if dtype is None:
        msg = f"a constant of the type number {message.dtype}, which no tensor has"
        raise InvalidGraphError(msg, node_name=node_name)
    described = message.tensor_shape.SerializeToString()
    is_small = len(described) <= _SMALL_SHAPE_BYTES
    shape, count = _known_shape(described) if is_small else _shape(described)
    if count is None or count * dtype.itemsize > MAX_ELEMENTS:
        msg = f"a constant of the impossible shape {list(shape)[:8]}"
        raise InvalidGraphError(msg, node_name=node_name)
    if not dtype.is_fixed_size and dtype is not DataType.STRING:
        msg = f"node {node_name!r}: a constant of type {dtype.label} has no value to store"
        raise UnsupportedGraphError(msg, node_name=node_name, op="Const")
    return dtype, shape, count


def _shape(described: bytes) -> tuple[tuple[int, ...], int | None]:
    """Return a shape and how many elements it has; None for one that no tensor has."""
    shape = tuple([dim.size for dim in TensorShapeProto.FromString(described).dim])
    return shape, count_elements(shape)


# Small ones alone are kept: a file may hold thousands of large ones.
_known_shape = lru_cache(_SHAPES)(_shape)


class _UnfitValueError(ValueError):
    """The value does not fit the type and shape."""


def _decode_elements(
    parts: TensorParts, dtype: DataType, shape: tuple[int, ...], count: int
) -> ConstantTensor:
    if count == 0:
        return ConstantTensor(dtype, shape, 0)
    content = parts.images.get(CONTENT_FIELD)
    if content and content[0].nbytes:
        if dtype is DataType.STRING:
            strings = _strings_of_content(content[0].view, count)
            return ConstantTensor(dtype, shape, count, strings=strings)
        _check_content(content[0], dtype, count)
        return ConstantTensor(dtype, shape, count, (content[0],))
    if dtype is DataType.STRING:
        return ConstantTensor(dtype, shape, count, strings=tuple(parts.message.string_val[:count]))
    images, fill = _typed_values(parts, dtype, count)
    return ConstantTensor(dtype, shape, count, images, fill)


def _check_content(content: Span, dtype: DataType, count: int) -> None:
    if content.nbytes != count * dtype.itemsize:
        msg = (
            f"tensor_content has {content.nbytes} bytes, "
            f"but {count} elements of {dtype.label} take {count * dtype.itemsize}"
        )
        raise _UnfitValueError(msg)
    if dtype is DataType.BOOL and any(_odd_bools(content)):
        raise _UnfitValueError("a bool constant holds bytes other than 0 and 1")


def _odd_bools(content: Span) -> Iterator[bytes]:
    """Yield what is neither 0 nor 1, a part of the content at a time."""
    buffer = memoryview(bytearray(min(content.nbytes, _LOOK_BYTES)))
    for chunk in chunks(iter([content]), buffer):
        yield bytes(chunk).translate(None, _BOOL_BYTES)


def _strings_of_content(content: memoryview, count: int) -> tuple[bytes, ...]:
    """Split a string tensor's content: the lengths as varint32, then the bytes."""
    lengths = []
    position = 0
    try:
        for _ in range(count):
            length, position = decode_varint32(content, position, len(content))
            lengths.append(length)
    except VarintError:
        msg = f"tensor_content does not hold the lengths of {count} strings"
        raise _UnfitValueError(msg) from None
    if position + sum(lengths) != len(content):
        raise _UnfitValueError("the lengths of strings in tensor_content do not add up")
    strings = []
    for length in lengths:
        strings.append(bytes(content[position : position + length]))
        position += length
    return tuple(strings)


def _typed_values(
    parts: TensorParts, dtype: DataType, count: int
) -> tuple[tuple[Span, ...], bytes]:
    """Return the images of at most ``count`` given values, and what fills the rest, if any."""
    size = dtype.itemsize
    name = _INTEGER_NAMES.get(dtype.field)
    given: Sequence[Span]
    if name is None:
        given = parts.images.get(dtype.field, ())
    else:
        given = _encode_integers(getattr(parts.message, name), dtype, count)
    if not given:
        return (), bytes(size)
    total = sum([span.nbytes for span in given])
    # Complex values are pairs: an odd last number is no value.
    wanted = min(total // size, count) * size
    images = tuple(given) if total == wanted else tuple(_leading(given, wanted))
    return images, b"" if wanted == count * size else _last_element(images, size)


def _leading(spans: Sequence[Span], nbytes: int) -> Iterator[Span]:
    for span in spans:
        if nbytes <= 0:
            return
        yield span.head(min(span.nbytes, nbytes))
        nbytes -= span.nbytes


def _last_element(images: Sequence[Span], itemsize: int) -> bytes:
    """Return the last element's bytes, zeros where there is none; it may span two images."""
    tail = b""
    for span in reversed(images):
        end = span.offset + span.nbytes
        tail = bytes(span.source.view[max(span.offset, end - itemsize) : end]) + tail
        if len(tail) >= itemsize:
            return tail[-itemsize:]
    return bytes(itemsize)


def _encode_integers(values: Sequence[int], dtype: DataType, count: int) -> list[Span]:
    """Return the values' images, cut to the low bits of the type."""
    size = dtype.itemsize
    low_bits = (1 << 8 * size) - 1
    code = _INT_FORMATS[size]
    spans = []
    for start in range(0, min(len(values), count), _VALUES_AT_ONCE):
        some = [value & low_bits for value in values[start : start + _VALUES_AT_ONCE]]
        spans.append(Span.of(struct.pack(f"<{len(some)}{code}", *some)))
    return spans
