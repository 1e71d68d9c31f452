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
    if start.dtype.kind in "iu":
        first, last, step = int(start[0]), int(limit[0]), int(delta[0])
        count = -(-abs(last - first) // abs(step))
        call.room((count,), np.dtype(np.int64))
        return np.arange(first, first + count * step, step).astype(call.dtype())
    steps = np.ceil(np.abs((limit - start) / delta)).astype(np.float64)[0]
    if not np.isfinite(steps):
        raise call.invalid(f"{steps} numbers")
    call.room((int(steps),))
    found = np.full(int(steps), delta[0], call.dtype())
    found[:1] = start
    # Each number is the one before it and a step, rounded every time.
    return np.add.accumulate(found, dtype=found.dtype)


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
    return found.astype(call.dtype())


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


def diag(call: Call) -> Array:
    """Return a tensor that has the input on its diagonal, with all axes of that twice."""
    array = call.inputs[0]
    if not array.ndim:
        raise call.invalid("the diagonal is a scalar")
    shape = call.room(array.shape * 2)
    found = np.zeros((array.size, array.size), array.dtype)
    np.fill_diagonal(found, array.reshape(-1))
    return found.reshape(shape)


def diag_part(call: Call) -> Array:
    """Return the diagonal of a tensor that has all its axes twice."""
    array = call.inputs[0]
    half = array.ndim // 2
    if not half or array.shape[:half] != array.shape[half:]:
        raise call.invalid(f"the diagonal of the shape {list(array.shape)[:8]}")
    shape = call.room(array.shape[:half])
    count = int(np.prod(shape, dtype=np.int64))
    return array.reshape(count, count).diagonal().reshape(shape).copy()


def matrix_diag(call: Call) -> Array:
    """Return matrices that have the rows of the input on their diagonals."""
    array = call.inputs[0]
    if not array.ndim:
        raise call.invalid("the diagonal is a scalar")
    size = array.shape[-1]
    found = np.zeros(call.room((*array.shape, size)), array.dtype)
    found[..., np.arange(size), np.arange(size)] = array
    return found


def matrix_diag_part(call: Call) -> Array:
    """Return the diagonals of matrices."""
    return np.diagonal(_matrices(call), axis1=-2, axis2=-1).copy()


def matrix_band_part(call: Call) -> Array:
    """Return matrices with zeros outside of a band around the diagonal."""
    array = _matrices(call)
    lower, upper = int(call.scalar(1)), int(call.scalar(2))
    rows, columns = array.shape[-2:]
    if lower > rows or upper > columns:
        raise call.invalid(f"a band from {lower} to {upper} in {rows} by {columns}")
    call.reserve(rows * columns * 2)
    down = np.arange(rows)[:, None] - np.arange(columns)
    inside = np.ones((rows, columns), bool)
    if lower >= 0:
        inside &= down <= lower
    if upper >= 0:
        inside &= -down <= upper
    return np.where(inside, array, np.zeros((), array.dtype))


def _matrices(call: Call) -> Array:
    array = call.inputs[0]
    if array.ndim < 2:  # noqa: PLR2004 - rows and columns
        raise call.invalid(f"a tensor of {array.ndim} dimensions, where a matrix is wanted")
    call.room(array.shape, np.dtype(np.int64))
    return array


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Fill": fill,
    "ZerosLike": zeros_like,
    "OnesLike": ones_like,
    "Range": range_,
    "LinSpace": lin_space,
    "OneHot": one_hot,
    "Diag": diag,
    "DiagPart": diag_part,
    "MatrixDiag": matrix_diag,
    "MatrixDiagPart": matrix_diag_part,
    "MatrixBandPart": matrix_band_part,
}
