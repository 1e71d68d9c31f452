"""Reading: a stored tensor -> an array, in place where that can be, or a part of one.

The bytes in the mapped file are those of an array if they are aligned and in
this machine's order. A tensor in slices is put together; of a part of it, no
more is read than that takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.arrays.boxes import (
    blocks_of_shape,
    box_of_index,
    index_of,
    index_within,
    intersection,
)
from pbckpt.arrays.byteorder import IS_BIG_ENDIAN, native
from pbckpt.arrays.given import SMALL_BYTES, span_of_array
from pbckpt.bundle.slices import bounds, part_shape
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import CorruptFileError, UnsupportedBundleError
from pbckpt.names import key_to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from pbckpt.bundle.entry import BundleEntry, TensorSlice
    from pbckpt.bundle.reader import BundleReader
    from pbckpt.v1.reader import V1Reader
    from pbckpt.wire.span import Span

    Array = npt.NDArray[Any]

BLOCK_BYTES = 4 << 20


def read_array(reader: BundleReader, name: bytes, entry: BundleEntry) -> Array:
    """Return a stored tensor; strings as bytes objects.

    Where the bytes in the mapped file are those of an array, it is a view of
    them; else a copy. Neither is written to.
    """
    if entry.slices:
        array = read_piece(reader, name, entry, ())
        array.flags.writeable = False
        return array
    if entry.dtype is DataType.STRING:
        array = _array_of_strings(reader.read_strings(entry), entry.shape)
        array.flags.writeable = False
        return array
    swap = reader.big_endian != IS_BIG_ENDIAN
    if entry.nbytes <= SMALL_BYTES and not swap:
        return _small_array(reader, entry)
    dtype = numpy_dtype(entry.dtype)
    if swap or entry.offset % dtype.alignment:
        array = native(np.frombuffer(reader.read(entry), dtype), swap=swap)
    else:
        array = np.frombuffer(reader.checked_span(entry).view, dtype)
    array.flags.writeable = False
    return _shaped(array, entry.shape)


def read_own_array(reader: BundleReader, name: bytes, entry: BundleEntry) -> Array:
    """Return a stored tensor as an array of its own, to write to as well."""
    if entry.slices:
        return read_piece(reader, name, entry, ())
    if entry.dtype is DataType.STRING:
        return _array_of_strings(reader.read_strings(entry), entry.shape)
    swap = reader.big_endian != IS_BIG_ENDIAN
    if entry.nbytes <= SMALL_BYTES and not swap:
        return _small_array(reader, entry).copy()
    dtype = numpy_dtype(entry.dtype)
    # Memory that nobody has touched: filling it with zeros first would take as
    # long as reading into it. What is to be read was found to lie in the file.
    reader.span(entry)
    array = np.empty(entry.nbytes // dtype.itemsize, dtype)
    reader.read_into(entry, array.view(np.uint8).data)
    return _shaped(native(array, swap=swap), entry.shape)


def _small_array(reader: BundleReader, entry: BundleEntry) -> Array:
    """Return a small tensor as an array that is not to be written to; there may be many."""
    dtype, data = numpy_dtype(entry.dtype), reader.read_small(entry)
    try:
        return np.ndarray(entry.shape, dtype, data)
    except ValueError:
        raise _beyond_numpy(entry.shape) from None


def read_piece(reader: BundleReader, name: bytes, entry: BundleEntry, index: object) -> Array:
    """Return ``array[index]`` of a stored tensor, reading no more of it than that takes.

    Of a part the CRC is not known; strings, and what is needed whole, are
    checked.
    """
    if entry.slices:
        box, rest = box_of_index(entry.shape, index)
        parts = _parts_of(reader, name, entry)
        out = _empty([end - start for start, end in box], entry.dtype)
        return part_of_array(_joined(reader, entry.shape, parts, out, box), rest)
    box, _ = box_of_index(entry.shape, index)
    is_whole = all(touched == (0, size) for touched, size in zip(box, entry.shape, strict=True))
    if entry.dtype is DataType.STRING or is_whole:
        return part_of_array(read_array(reader, name, entry), index)
    view = np.frombuffer(reader.present_span(entry).view, numpy_dtype(entry.dtype))
    piece = part_of_array(_shaped(view, entry.shape), index)
    if reader.big_endian != IS_BIG_ENDIAN:
        return native(piece, swap=True)
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
        common = intersection(box, place)
        if common is None:
            continue
        index = index_within(common, place)
        if list(place) == common:
            piece = read_array(reader, b"", stored)
        else:
            piece = read_piece(reader, b"", stored, index)
        out[index_within(common, box)] = piece
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


def joined_spans(reader: BundleReader, name: bytes, entry: BundleEntry) -> Iterator[Span]:
    """Yield the elements of a partitioned tensor in C order, a block at a time.

    Every part is checked before the first block.
    """
    parts = _parts_of(reader, name, entry)
    for _, stored in parts:
        reader.check(stored)
    for box in blocks_of_shape(entry.shape, entry.dtype.itemsize, BLOCK_BYTES):
        out = _empty([end - start for start, end in box], entry.dtype)
        yield span_of_array(_joined(reader, entry.shape, parts, out, box))


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
            piece = native(data, swap=IS_BIG_ENDIAN).reshape(part_shape(tensor.shape, part.part))
        out[index_of(bounds(tensor.shape, part.part))] = piece
    return out


def _array_of_strings(elements: list[bytes], shape: Sequence[int]) -> Array:
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return _shaped(array, shape)


def _shaped(array: Array, shape: Sequence[int]) -> Array:
    try:
        return array.reshape(shape)
    except ValueError:
        raise _beyond_numpy(shape) from None


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
