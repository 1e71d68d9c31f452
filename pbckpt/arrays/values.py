"""Values: what can be saved besides an array, and how it becomes tensors.

array         the buffer protocol, __array__, DLPack, lists
callable      called when its turn comes, returns one of these
LazyTensor    of a declared type and shape, made in pieces when its turn comes
Partitioned   several slices, as TensorFlow stores a partitioned variable
"""

from __future__ import annotations

import operator
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pbckpt.arrays.given import (
    array_of,
    elements_of_strings,
    small_tensor,
    span_of_array,
    tensor_of_array,
)
from pbckpt.bundle.entry import Extent
from pbckpt.bundle.payload import Part, Payload, Tensor
from pbckpt.bundle.slices import covers, slice_key
from pbckpt.dtypes import DataType, dtype_of_array, dtype_of_label, numpy_dtype
from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey, key_to_text
from pbckpt.shapes import count_elements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.wire.span import Span


class LazyTensor(NamedTuple):
    """A tensor whose elements are made when they are about to be written.

    ``produce()`` returns an array, or an iterator of arrays whose elements
    follow each other in C order: rows, for instance. Only one of them is held
    at a time. ``dtype`` is a DataType, its name, or what numpy takes for a type.
    """

    dtype: Any
    shape: tuple[int, ...]
    produce: Callable[[], object]


class Partitioned(NamedTuple):
    """A partitioned tensor: its whole shape, and its slices in the order to store them.

    Each slice is where it begins in each dimension, and its value: an array or a
    `LazyTensor`.
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
        return prod(_shape_of(key, value.shape)) * _dtype_of(key, value).itemsize
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


def tensors_of_mapping(
    tensors: Mapping[str, object], names: Mapping[BundleKey, str]
) -> Iterator[Tensor]:
    """Yield the tensors of a mapping in the order of their keys.

    One value is taken at a time, and no large one is held while the next one is
    being made. Small arrays of numpy's are dealt with at once, for there may be
    a hundred thousand.
    """
    for key in sorted(names):
        value = tensors[names[key]]
        tensor = small_tensor(key, value)
        if tensor is None:
            values = tensors_of_value(key, value)
            del value
            yield from values
            del values
        else:
            del value
            yield tensor


def _shape_of(key: BundleKey, shape: object) -> tuple[int, ...]:
    """Return a shape that was given, in Python's numbers. Raises SelectionError."""
    try:
        sizes = tuple(operator.index(size) for size in shape)  # type: ignore[attr-defined]
    except TypeError:
        sizes = (-1,)
    if count_elements(sizes) is None:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: {shape!r} is no shape; give a tuple of sizes"
        )
    return sizes


def _dtype_of(key: BundleKey, value: LazyTensor) -> DataType:
    dtype = value.dtype if isinstance(value.dtype, DataType) else _dtype_called(value.dtype)
    if dtype is None or not dtype.is_fixed_size:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: {value.dtype!r} is no type whose size is known "
            "beforehand; give a function that returns the array"
        )
    return dtype


def _dtype_called(name: object) -> DataType | None:
    """Return the type of a name, or of what numpy takes for a type."""
    if isinstance(name, str):
        return dtype_of_label(name)
    try:
        return dtype_of_array(np.dtype(name))  # type: ignore[call-overload]
    except TypeError:
        return None


def _tensor_of_lazy(key: BundleKey, value: LazyTensor) -> Tensor:
    dtype = _dtype_of(key, value)
    value = value._replace(shape=_shape_of(key, value.shape))
    return Tensor(key, dtype, value.shape, Payload(_produced(key, dtype, value)))


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
    shape = _shape_of(key, value.shape)
    parts = [(origin, _part_of(key, part)) for origin, part in value.parts]
    if len(parts) == 1 and _shape_of(key, parts[0][1].shape) == shape:
        # TensorFlow stores a slice that is everything as the tensor itself.
        yield from tensors_of_value(key, parts[0][1])
        return
    places = [_place(key, shape, origin, _shape_of(key, part.shape)) for origin, part in parts]
    if not covers(shape, places):
        raise _misplaced(key, "slices that do not cover it, each place once")
    types = {
        _dtype_of(key, part) if isinstance(part, LazyTensor) else dtype_of_array(part.dtype)
        for _, part in parts
    }
    if len(types) > 1:
        raise _misplaced(key, "slices of different types")
    for place, (_, part) in zip(places, parts, strict=True):
        for stored in tensors_of_value(BundleKey(slice_key(key, place)), part):
            yield stored._replace(part=Part(key, shape, place))


def _part_of(key: BundleKey, part: object) -> Any:  # noqa: ANN401 - a LazyTensor or an array
    """Return a slice whose shape is known before it is made."""
    if isinstance(part, LazyTensor):
        return part
    if is_callable(part):
        raise _misplaced(key, "a slice of unknown shape; give it as LazyTensor")
    return array_of(key, part)


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
