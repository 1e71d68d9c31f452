"""Creation: ops that make a tensor of little, such as a size and a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def fill(call: Call) -> Array:
    """Return a tensor of one value."""
    shape = call.room(call.ints(0))
    if call.inputs[1].ndim:
        raise call.invalid("a value to fill with that is no scalar")
    found = np.empty(shape, call.dtype())
    found[...] = call.inputs[1]
    return found


def zeros_like(call: Call) -> Array:
    """Return zeros of the shape of the input; of strings, empty ones."""
    found = np.zeros(call.room(call.inputs[0].shape), call.dtype())
    if found.dtype == object:
        found[...] = b""
    return found


def ones_like(call: Call) -> Array:
    """Return ones of the shape of the input."""
    return np.ones(call.room(call.inputs[0].shape), call.dtype())


def range_(call: Call) -> Array:
    """Return numbers from the first up to the limit, that one left out."""
    start, limit, delta = (call.inputs[at].reshape(-1) for at in range(3))
    if not all(array.size == 1 for array in (start, limit, delta)):
        raise call.invalid("a start, limit or step that is no scalar")
    if (
        delta[0] == 0
        or (delta[0] > 0 and start[0] > limit[0])
        or (delta[0] < 0 and start[0] < limit[0])
    ):
        raise call.invalid(f"from {start[0]} to {limit[0]} by {delta[0]}")
    if start.dtype.kind not in "iu":
        # Versions of TensorFlow differ in how they round on the way.
        raise call.unsupported(f"of type {start.dtype.name}")
    first, last, step = int(start[0]), int(limit[0]), int(delta[0])
    count = -(-abs(last - first) // abs(step))
    call.room((count,), np.dtype(np.int64))
    return np.arange(first, first + count * step, step).astype(call.dtype())


def lin_space(call: Call) -> Array:
    """Return numbers from the first to the last, at equal distances."""
    first, last, count = call.inputs[0], call.inputs[1], int(call.scalar(2))
    if first.size != 1 or last.size != 1 or count < 1:
        raise call.invalid(f"{count} numbers, or a first or last one that is no scalar")
    call.room((count,), np.dtype(np.float64))
    first, last = first.reshape(()), last.reshape(())
    if count == 1:
        return first.reshape(1)
    step = (last - first) / np.asarray(count - 1).astype(first.dtype)
    found = first + step * np.arange(count).astype(first.dtype)
    found[-1] = last
    return np.asarray(found).astype(call.dtype())


def one_hot(call: Call) -> Array:
    """Return one value where an index points, and another one elsewhere."""
    indices, _, on, off = call.inputs
    depth = int(call.scalar(1))
    axis = call.integer("axis", -1)
    axis = indices.ndim if axis == -1 else call.axis(axis, indices.ndim + 1)
    if depth < 0 or on.size != 1 or off.size != 1:
        raise call.invalid(f"a depth of {depth}, or values that are no scalars")
    shape = call.room((*indices.shape[:axis], depth, *indices.shape[axis:]))
    call.reserve(2 * int(np.prod(shape, dtype=np.int64)))
    places = np.arange(depth).reshape((depth,) + (1,) * (indices.ndim - axis))
    hits = np.expand_dims(indices, axis) == places
    found = np.where(hits, on.reshape(()), off.reshape(()))
    return found.astype(call.dtype(), copy=False)


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Fill": fill,
    "ZerosLike": zeros_like,
    "OnesLike": ones_like,
    "Range": range_,
    "LinSpace": lin_space,
    "OneHot": one_hot,
}
