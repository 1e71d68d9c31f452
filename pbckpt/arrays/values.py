"""Values: what can be saved besides an array, and how it becomes tensors.

array         the buffer protocol, __array__, DLPack, lists
callable      called when its turn comes, returns one of these
LazyTensor    of a declared type and shape, made in pieces when its turn comes
Partitioned   several slices, as TensorFlow stores a partitioned variable
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from pbckpt.arrays.given import (
    array_of,
    elements_of_strings,
    span_of_array,
    tensor_of_array,
)
from pbckpt.bundle.entry import Extent
from pbckpt.bundle.payload import Part, Payload, Tensor
from pbckpt.bundle.slices import covers, slice_key
from pbckpt.dtypes import DataType, dtype_of_array, dtype_of_label, numpy_dtype
from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey, key_to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.wire.span import Span


class LazyTensor(NamedTuple):
    """A tensor whose elements are made when they are about to be written.

    ``produce()`` returns an array, or an iterator of arrays whose elements
    follow each other in C order: rows, for instance. Only one of them is held
    at a time. ``dtype`` is a type or its name.
    """

    dtype: DataType | str
    shape: tuple[int, ...]
    produce: Callable[[], object]


class Partitioned(NamedTuple):
    """A partitioned tensor: its whole shape, and its slices in the order to store them.

    Each slice is where it begins in each dimension, and its value.
    """

    shape: tuple[int, ...]
    parts: tuple[tuple[tuple[int, ...], Any], ...]


def partition(array: object, num_parts: int, axis: int = 0) -> Partitioned:
    """Cut an array into slices as TensorFlow's fixed_size_partitioner does.

    The first ones are longer by one where it does not divide evenly. They are
    stored in the order of a Saver, which sorts ``part_10:0`` before ``part_1:0``.
    """
    whole = array_of(BundleKey(b"array"), array)
    if not -whole.ndim <= axis < whole.ndim:
        raise SelectionError(f"an array of {whole.ndim} dimensions has no axis {axis} to cut")
    if not whole.size and num_parts != 1:
        raise SelectionError("an array without elements cannot be cut")
    if not 0 < num_parts <= max(1, whole.shape[axis]):
        raise SelectionError(f"{whole.shape[axis]} rows cannot be cut into {num_parts} parts")
    size, longer = divmod(whole.shape[axis], num_parts)
    starts = [number * size + min(number, longer) for number in range(num_parts + 1)]
    parts = []
    # TensorFlow sorts by the names of the variables' tensors: part_10:0 before part_1:0.
    for number in sorted(range(num_parts), key="{}:0".format):
        begin, end = starts[number], starts[number + 1]
        index: list[slice] = [slice(None)] * whole.ndim
        index[axis] = slice(begin, end)
        origin = [0] * whole.ndim
        origin[axis] = begin
        parts.append((tuple(origin), whole[tuple(index)]))
    return Partitioned(whole.shape, tuple(parts))


def nbytes_of_value(key: BundleKey, value: object) -> int:
    """Return about how many bytes a value takes in a data file.

    Raises SelectionError for a callable, which says nothing before it is called.
    """
    if isinstance(value, LazyTensor):
        return prod(value.shape) * _dtype_of(key, value).itemsize
    if isinstance(value, Partitioned):
        return sum(nbytes_of_value(key, part) for _, part in value.parts)
    if is_callable(value):
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: its size must be known to assign it to a shard; "
            "give LazyTensor(dtype, shape, produce) instead of a function"
        )
    array = array_of(key, value)
    if dtype_of_array(array.dtype) is DataType.STRING:
        return sum(map(len, elements_of_strings(key, array))) + array.size
    return array.nbytes


def is_callable(value: object) -> bool:
    """Tell whether a value is a function that returns one: an array is none, whatever it can do."""
    return callable(value) and not hasattr(value, "__array__") and not hasattr(value, "__dlpack__")


def tensors_of_value(key: BundleKey, value: object) -> Iterator[Tensor]:
    """Yield the tensor that a value is to be stored as, or its slices.

    Raises SelectionError for what cannot be stored.
    """
    while is_callable(value) and not isinstance(value, (LazyTensor, Partitioned)):
        value = value()  # type: ignore[operator]
    if isinstance(value, LazyTensor):
        yield _tensor_of_lazy(key, value)
    elif isinstance(value, Partitioned):
        yield from _slices_of(key, value)
    else:
        yield tensor_of_array(key, value)


def _dtype_of(key: BundleKey, value: LazyTensor) -> DataType:
    dtype = value.dtype if isinstance(value.dtype, DataType) else dtype_of_label(value.dtype)
    if dtype is None or not dtype.is_fixed_size:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: {value.dtype!r} is no type whose size is known "
            "beforehand; give a function that returns the array"
        )
    return dtype


def _tensor_of_lazy(key: BundleKey, value: LazyTensor) -> Tensor:
    dtype = _dtype_of(key, value)
    return Tensor(key, dtype, tuple(value.shape), Payload(_produced(key, dtype, value)))


def _produced(key: BundleKey, dtype: DataType, value: LazyTensor) -> Iterator[Span]:
    """Yield what is produced, and hold no piece while the next one is being made."""
    left = prod(value.shape) * dtype.itemsize
    produced = value.produce()
    pieces = produced if hasattr(produced, "__next__") else iter([produced])
    del produced
    while (piece := next(pieces, None)) is not None:
        array = array_of(key, piece)
        if array.dtype.newbyteorder("=") != numpy_dtype(dtype):
            raise _unlike(key, f"arrays of type {array.dtype}, not {dtype.label}")
        left -= array.nbytes
        if left < 0:
            raise _unlike(key, f"more elements than its shape {list(value.shape)} has")
        del piece
        span = span_of_array(array)
        del array
        yield span
        del span
    if left:
        raise _unlike(key, f"{left} bytes fewer than its shape {list(value.shape)} has")


def _unlike(key: BundleKey, fact: str) -> SelectionError:
    return SelectionError(f"tensor {key_to_text(key)!r}: the function that makes it gave {fact}")


def _slices_of(key: BundleKey, value: Partitioned) -> Iterator[Tensor]:
    arrays = [(origin, array_of(key, part)) for origin, part in value.parts]
    if len(arrays) == 1 and arrays[0][1].shape == tuple(value.shape):
        # TensorFlow stores a slice that is everything as the tensor itself.
        yield tensor_of_array(key, arrays[0][1])
        return
    places = [_place(key, value.shape, origin, part.shape) for origin, part in arrays]
    if not covers(value.shape, places):
        raise _misplaced(key, "slices that do not cover it, each place once")
    dtypes = {part.dtype for _, part in arrays}
    if len(dtypes) > 1:
        raise _misplaced(key, f"slices of types {', '.join(sorted(map(str, dtypes)))}")
    for place, (_, part) in zip(places, arrays, strict=True):
        stored = tensor_of_array(BundleKey(slice_key(key, place)), part)
        yield stored._replace(part=Part(key, tuple(value.shape), place))


def _place(
    key: BundleKey, whole: Sequence[int], origin: Sequence[int], shape: Sequence[int]
) -> TensorSlice:
    """Return where a slice lies, which must be within the whole."""
    if not len(whole) == len(origin) == len(shape):
        raise _misplaced(key, f"a slice of {len(shape)} dimensions that begins at {list(origin)}")
    if not all(
        0 <= start < start + size <= end
        for start, size, end in zip(origin, shape, whole, strict=True)
    ):
        raise _misplaced(key, f"a slice of shape {list(shape)} at {list(origin)} outside of it")
    return tuple(Extent(start, size) for start, size in zip(origin, shape, strict=True))


def _misplaced(key: BundleKey, fact: str) -> SelectionError:
    return SelectionError(f"partitioned tensor {key_to_text(key)!r} has {fact}")
