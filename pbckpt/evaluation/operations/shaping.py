"""Shaping: ops that give elements another shape or order, and ops that tell a shape."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def reshape(call: Call) -> Array:
    """Return the same elements in a shape of which one size may be left open."""
    array = call.inputs[0]
    sizes = call.ints(1)
    open_axes = [at for at, size in enumerate(sizes) if size == -1]
    if len(open_axes) > 1 or any(size < -1 for size in sizes):
        raise call.invalid(f"the shape {sizes[:8]}")
    if open_axes:
        sizes[open_axes[0]] = _open_size(call, array, sizes)
    shape = call.room(sizes)
    count = 1
    for size in shape:
        count *= size
    if count != array.size:
        raise call.invalid(f"{array.size} elements in the shape {sizes[:8]}")
    return array.reshape(shape)


def _open_size(call: Call, array: Array, sizes: list[int]) -> int:
    """Return the size that is left open; where another is none, zeros do not count."""
    has_none = 0 in sizes
    known = prod(size for size in sizes if size > 0)
    given = prod(size for size in array.shape if size or not has_none)
    if given % known:
        raise call.invalid(f"{array.size} elements in the shape {sizes[:8]}")
    return int(given // known)


def transpose(call: Call) -> Array:
    """Return the axes in another order."""
    array = call.inputs[0]
    axes = [call.axis(axis, array.ndim) for axis in call.ints(1, length=array.ndim)]
    if sorted(axes) != list(range(array.ndim)):
        raise call.invalid(f"the order of axes {axes[:8]}")
    return array.transpose(axes)


def conjugate_transpose(call: Call) -> Array:
    """Return the axes in another order, and of complex numbers the conjugates."""
    array = transpose(call)
    if array.dtype.kind != "c":
        return array
    call.room(array.shape)
    return np.conjugate(array)


def expand_dims(call: Call) -> Array:
    """Return the elements with an axis of one more."""
    array = call.inputs[0]
    axis = call.axis(int(call.scalar(1)), array.ndim + 1)
    call.room((*array.shape, 1))
    return array.reshape((*array.shape[:axis], 1, *array.shape[axis:]))


def squeeze(call: Call) -> Array:
    """Return the elements without axes of one: all of these, or those that are named."""
    array = call.inputs[0]
    named = call.int_list("squeeze_dims") or call.int_list("axis")
    axes = {call.axis(axis, array.ndim) for axis in named}
    if any(array.shape[axis] != 1 for axis in axes):
        raise call.invalid(f"axes {sorted(axes)} of the shape {list(array.shape)[:8]}")
    drop = axes or {at for at, size in enumerate(array.shape) if size == 1}
    return array.reshape([size for at, size in enumerate(array.shape) if at not in drop])


def shapes(call: Call) -> list[Array]:
    """Return the shape of each input."""
    return [_numbers(call, array.shape) for array in call.inputs]


def size(call: Call) -> Array:
    """Return the number of elements."""
    return _numbers(call, call.inputs[0].size)


def rank(call: Call) -> Array:
    """Return the number of axes."""
    return _numbers(call, call.inputs[0].ndim)


def _numbers(call: Call, numbers: object) -> Array:
    found = np.asarray(numbers, np.int64)
    if found.size and found.max() > np.iinfo(call.dtype()).max:
        raise call.invalid("a size that does not fit its type")
    return found.astype(call.dtype())


def broadcast_to(call: Call) -> Array:
    """Return the input repeated along axes of one, and along new ones before."""
    array = call.inputs[0]
    shape = call.room(call.ints(1))
    if len(shape) < array.ndim or call.broadcast(array.shape, shape) != shape:
        raise call.invalid(f"the shape {list(array.shape)[:8]} as {list(shape)[:8]}")
    return np.broadcast_to(array, shape).copy()


def broadcast_args(call: Call) -> Array:
    """Return the shape that two shapes broadcast to."""
    first, second = tuple(call.ints(0)), tuple(call.ints(1))
    return np.array(call.broadcast(first, second), call.dtype())


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Reshape": reshape,
    "Transpose": transpose,
    "ConjugateTranspose": conjugate_transpose,
    "ExpandDims": expand_dims,
    "Squeeze": squeeze,
    "Shape": shapes,
    "ShapeN": shapes,
    "Size": size,
    "Rank": rank,
    "BroadcastTo": broadcast_to,
    "BroadcastArgs": broadcast_args,
}
