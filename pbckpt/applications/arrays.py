"""Arrays: numpy on the outside, tensors of a bundle on the inside.

    tensor_of_array   what the user gives -> bytes and spans to be written
    read_array        a stored tensor -> an array, in place where that can be
    read_piece        a part of a stored tensor, without reading the rest

The one room where numpy is imported; whoever handles spans alone never pays
for it.
"""

from __future__ import annotations

import operator
import sys
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.bundle.slices import bounds, part_shape
from pbckpt.dtypes import DataType, dtype_of_array, numpy_dtype
from pbckpt.errors import CorruptFileError, SelectionError, UnsupportedBundleError
from pbckpt.names import key_to_bytes, key_to_text
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from pbckpt.bundle.entry import BundleEntry, TensorSlice
    from pbckpt.bundle.reader import BundleReader
    from pbckpt.names import BundleKey
    from pbckpt.v1.reader import V1Reader

    Array = npt.NDArray[Any]

# Up to this size a tensor's bytes are copied when it is looked at: that costs
# less than remembering where they are.
SMALL_BYTES = 16 << 10
# A multiple of every element's size.
SWAP_BYTES = 1 << 20
BLOCK_BYTES = 4 << 20
# What `Tensor` does, without its Python half: there may be a hundred thousand.
_new_tensor = tuple.__new__
_SWAPS = sys.byteorder == "big"


def tensor_of_array(key: BundleKey, value: object) -> Tensor:
    """Return an array as a tensor to be written.

    Anything with the buffer protocol, ``__array__`` or DLPack will do. Large
    arrays that are contiguous and little-endian are written from where they
    are. (numpy's fixed-width strings have no NULs at their ends; lists and
    object arrays of bytes keep them.) Raises SelectionError for an array of a
    type that no checkpoint can hold.
    """
    array = value if type(value) is np.ndarray else array_of(key, value)
    dtype = _NATIVE.get(array.dtype)
    if dtype is not None and array.nbytes <= SMALL_BYTES:
        return _new_tensor(Tensor, (key, dtype, array.shape, array.tobytes(), None))
    dtype = dtype or dtype_of_array(array.dtype)
    if dtype is None:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: arrays of type {array.dtype} cannot be stored in a "
            "checkpoint"
        )
    if dtype is DataType.STRING:
        return Tensor(key, dtype, array.shape, string_payload(elements_of_strings(key, array)))
    return Tensor(key, dtype, array.shape, Payload([span_of_array(array)]))


def is_array(value: object) -> bool:
    """Tell whether a value is numpy's own kind of array, as nearly all are."""
    return type(value) is np.ndarray


def span_of_array(array: Array) -> Span:
    """Return an array's elements in C order and little-endian, copied only if they are not."""
    # ascontiguousarray would turn a scalar into a vector.
    image = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return Span.of(image.reshape(-1).view(np.uint8).data if image.size else memoryview(b""))


def array_of(key: BundleKey, value: object) -> Array:
    """Return a value as an array; numpy's own fixed-width strings would lose NULs."""
    if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        return _array_of_dlpack(key, value)
    try:
        array = np.asarray(value)
        if array.dtype.kind in "SU" and not isinstance(value, np.ndarray):
            array = np.asarray(value, dtype=object)
    except (TypeError, ValueError) as error:
        if hasattr(value, "__dlpack__"):
            return _array_of_dlpack(key, value)
        raise SelectionError(f"tensor {key_to_text(key)!r}: not an array ({error})") from None
    return array


def _array_of_dlpack(key: BundleKey, value: object) -> Array:
    from pbckpt.applications.dlpack import array_of_dlpack  # noqa: PLC0415 - rarely needed

    try:
        return array_of_dlpack(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: not an array that can be read ({error})"
        ) from None


def elements_of_strings(key: BundleKey, array: Array) -> list[bytes]:
    """Return the elements of an array of strings. Raises SelectionError for others."""
    return [_to_bytes(key, element) for element in array.reshape(-1).tolist()]


def _to_bytes(key: BundleKey, element: object) -> bytes:
    if isinstance(element, bytes):
        return element
    if isinstance(element, str):
        return key_to_bytes(element)
    kind = type(element).__name__
    msg = f"tensor {key_to_text(key)!r}: an element of type {kind}, not bytes or str"
    raise SelectionError(msg)


def read_array(reader: BundleReader, name: bytes, entry: BundleEntry) -> Array:
    """Return a stored tensor; strings as bytes objects.

    Where the bytes in the mapped file are those of an array, it is a view of
    them; else a copy. Neither is written to.
    """
    if entry.slices:
        return read_piece(reader, name, entry, ())
    if entry.dtype is DataType.STRING:
        return _array_of_strings(reader.read_strings(entry), entry.shape)
    dtype = numpy_dtype(entry.dtype)
    if entry.nbytes <= SMALL_BYTES or reader.big_endian != _SWAPS or entry.offset % dtype.alignment:
        array = _native(np.frombuffer(reader.read(entry), dtype), swap=reader.big_endian != _SWAPS)
    else:
        array = np.frombuffer(reader.checked_span(entry).view, dtype)
    array.flags.writeable = False
    return _shaped(array, entry.shape)


def read_own_array(reader: BundleReader, name: bytes, entry: BundleEntry) -> Array:
    """Return a stored tensor as an array of its own, to write to as well."""
    if entry.slices or entry.dtype is DataType.STRING:
        return read_array(reader, name, entry)
    array = np.frombuffer(reader.read(entry), numpy_dtype(entry.dtype))
    return _shaped(_native(array, swap=reader.big_endian != _SWAPS), entry.shape)


def read_piece(reader: BundleReader, name: bytes, entry: BundleEntry, index: object) -> Array:
    """Return ``array[index]`` of a stored tensor, reading no more of it than that takes.

    What is not read whole is not checked against its CRC; strings, and parts of
    a partitioned tensor that are needed whole, are.
    """
    if entry.slices:
        box, rest = _box_of(entry.shape, index)
        parts = _parts_of(reader, name, entry)
        out = _empty([end - start for start, end in box], entry.dtype)
        return part_of_array(_joined(reader, entry.shape, parts, out, box), rest)
    if entry.dtype is DataType.STRING:
        return part_of_array(read_array(reader, name, entry), index)
    view = np.frombuffer(reader.span(entry).view, numpy_dtype(entry.dtype))
    piece = part_of_array(_shaped(view, entry.shape), index)
    if reader.big_endian != _SWAPS:
        return _native(piece, swap=True)
    return piece if piece.flags.aligned else piece.copy()


def part_of_array(array: Array, index: Any) -> Array:  # noqa: ANN401 - as an index is
    """Return a part of an array as an array, even if it is one element."""
    part = array[index]
    return part if isinstance(part, np.ndarray) else _array_of_one(part, array.dtype)


def _array_of_one(element: object, dtype: np.dtype[np.generic]) -> Array:
    array = np.empty((), dtype)
    array[()] = element
    return array


def _joined(
    reader: BundleReader,
    shape: Sequence[int],
    parts: Iterable[tuple[TensorSlice, BundleEntry]],
    out: Array,
    box: Sequence[tuple[int, int]],
) -> Array:
    """Fill an array with the elements of a partitioned tensor that lie in a box."""
    for part, stored in parts:
        place = bounds(shape, part)
        common = _intersection(box, place)
        if common is None:
            continue
        index = _slices(common, place)
        if list(place) == common:
            piece = read_array(reader, b"", stored)
        else:
            piece = read_piece(reader, b"", stored, index)
        out[_slices(common, box)] = piece
    return out


def _parts_of(
    reader: BundleReader, name: bytes, entry: BundleEntry
) -> list[tuple[TensorSlice, BundleEntry]]:
    """Return the parts of a tensor, which all lie within the data files.

    Raises CorruptFileError for parts that together have more bytes than these:
    so many would be allocated.
    """
    parts = list(reader.slices_of(name, entry))
    places = {(part.shard_id, part.offset): reader.span(part).nbytes for _, part in parts}
    if sum(places.values()) < sum(part.nbytes for _, part in parts):
        raise CorruptFileError(f"slices of {key_to_text(name)!r} that share their bytes")
    return parts


def _empty(shape: Sequence[int], dtype: DataType) -> Array:
    try:
        return np.empty(shape, numpy_dtype(dtype))
    except ValueError:
        raise _beyond_numpy(shape) from None


def _beyond_numpy(shape: Sequence[int]) -> UnsupportedBundleError:
    # TensorFlow has up to 254 dimensions, and sizes without elements.
    return UnsupportedBundleError(
        f"numpy has no array of {len(shape)} dimensions {list(shape)[:8]}"
    )


def joined_spans(reader: BundleReader, name: bytes, entry: BundleEntry) -> Iterator[Span]:
    """Yield the elements of a partitioned tensor in C order, a block at a time.

    Every part is checked before the first block.
    """
    parts = _parts_of(reader, name, entry)
    for _, stored in parts:
        reader.check(stored)
    dtype = numpy_dtype(entry.dtype)
    for box in _blocks(entry.shape, dtype.itemsize):
        out = np.empty([end - start for start, end in box], dtype)
        yield span_of_array(_joined(reader, entry.shape, parts, out, box))


def _blocks(shape: Sequence[int], itemsize: int) -> Iterator[list[tuple[int, int]]]:
    """Yield boxes that follow each other in C order, none larger than a block if it need not be."""
    if not shape:
        yield []
        return
    axis, row_bytes = 0, prod(shape[1:]) * itemsize
    while row_bytes > BLOCK_BYTES and axis < len(shape) - 1:
        axis += 1
        row_bytes = prod(shape[axis + 1 :]) * itemsize
    rows = max(1, BLOCK_BYTES // max(1, row_bytes))
    whole = [(0, size) for size in shape[axis + 1 :]]
    for leading in np.ndindex(*shape[:axis]):
        above = [(at, at + 1) for at in leading]
        for start in range(0, shape[axis], rows):
            yield [*above, (start, min(start + rows, shape[axis])), *whole]


def read_v1_array(reader: V1Reader, name: bytes) -> Array:
    """Return a tensor of a V1 checkpoint, its parts joined."""
    tensor = reader.tensors[name]
    out = _empty(tensor.shape, tensor.dtype)
    for part in tensor.parts:
        piece: Array
        if tensor.dtype is DataType.STRING:
            strings = reader.part_strings(tensor, part)
            piece = _array_of_strings(strings, part_shape(tensor.shape, part.part))
        else:
            data = np.frombuffer(reader.part_bytes(tensor, part), numpy_dtype(tensor.dtype))
            piece = _native(data, swap=_SWAPS).reshape(part_shape(tensor.shape, part.part))
        out[_slices_of_box(bounds(tensor.shape, part.part))] = piece
    return out


def swapped_spans(reader: BundleReader, entry: BundleEntry) -> Iterator[Span]:
    """Yield the bytes of a big-endian tensor in the order in which they are written."""
    unit = _unit_bytes(numpy_dtype(entry.dtype))
    buffer = memoryview(bytearray(SWAP_BYTES))
    for chunk in chunks(iter([reader.check(entry)]), buffer):
        swapped = np.frombuffer(chunk, f"u{unit}").byteswap()
        yield Span.of(swapped.view(np.uint8).data)


def _slices_of_box(box: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    return tuple(slice(start, end) for start, end in box)


def _intersection(
    a: Sequence[tuple[int, int]], b: Sequence[tuple[int, int]]
) -> list[tuple[int, int]] | None:
    common = [
        (max(start, other), min(end, stop))
        for (start, end), (other, stop) in zip(a, b, strict=True)
    ]
    return common if all(start < end for start, end in common) else None


def _slices(box: Sequence[tuple[int, int]], within: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    return tuple(
        slice(start - base, end - base) for (start, end), (base, _) in zip(box, within, strict=True)
    )


def _box_of(shape: Sequence[int], index: object) -> tuple[list[tuple[int, int]], Any]:
    """Split an index into the box that it touches and what is to be taken of the box.

    Anything but numbers, slices and an ellipsis touches the whole.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is Ellipsis for part in parts):
        place = next(at for at, part in enumerate(parts) if part is Ellipsis)
        parts[place : place + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    if len(parts) > len(shape) or not all(_is_basic(part) for part in parts):
        return [(0, size) for size in shape], index
    parts += [slice(None)] * (len(shape) - len(parts))
    box, rest = [], []
    for part, size in zip(parts, shape, strict=True):
        touched, taken = _touched(part, size)
        box.append(touched)
        rest.append(taken)
    return box, tuple(rest)


def _is_basic(part: object) -> bool:
    # An array of numbers has __index__ too, if it has one element.
    return isinstance(part, (slice, int, np.integer)) and not isinstance(part, (bool, np.bool_))


def _touched(part: Any, size: int) -> tuple[tuple[int, int], Any]:  # noqa: ANN401 - as an index is
    """Return the range of one dimension that an index touches, and the index within that."""
    if isinstance(part, slice):
        touched = range(*part.indices(size))
        if not touched:
            return (0, 0), slice(None)
        start, end = min(touched[0], touched[-1]), max(touched[0], touched[-1]) + 1
        # Backwards, a step that reaches the first element has no end to name.
        return (start, end), slice(None, None, touched.step)
    at = operator.index(part)
    if not -size <= at < size:
        raise IndexError(f"index {at} is out of bounds for a dimension of size {size}")
    return (at % size, at % size + 1), 0


def _native(array: Array, *, swap: bool) -> Array:
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


def _array_of_strings(elements: list[bytes], shape: Sequence[int]) -> Array:
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return _shaped(array, shape)


def _shaped(array: Array, shape: Sequence[int]) -> Array:
    try:
        return array.reshape(shape)
    except ValueError:
        raise _beyond_numpy(shape) from None


def _native_types() -> dict[np.dtype[np.generic], DataType]:
    """Return numpy's own types, whose memory image is what a data file holds."""
    plain = (
        DataType.FLOAT,
        DataType.DOUBLE,
        DataType.HALF,
        DataType.INT8,
        DataType.INT16,
        DataType.INT32,
        DataType.INT64,
        DataType.UINT8,
        DataType.UINT16,
        DataType.UINT32,
        DataType.UINT64,
        DataType.BOOL,
        DataType.COMPLEX64,
        DataType.COMPLEX128,
    )
    return {} if _SWAPS else {numpy_dtype(dtype): dtype for dtype in plain}


_NATIVE = _native_types()
