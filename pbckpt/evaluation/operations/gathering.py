"""Gathering: ops that choose elements by indices or by flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def gather(call: Call) -> Array:
    """Return the rows that indices name."""
    return _gather(call, 0, 0)


def gather_v2(call: Call) -> Array:
    """Return the parts along an axis that indices name, for each of a batch by itself."""
    params, indices, _ = call.inputs
    axis = call.axis(int(call.scalar(2)), params.ndim)
    batch = call.integer("batch_dims", 0)
    batch = call.axis(batch, indices.ndim + 1) if batch >= 0 else call.axis(batch, indices.ndim)
    return _gather(call, axis, batch)


def _gather(call: Call, axis: int, batch: int) -> Array:
    params, indices = call.inputs[:2]
    if params.ndim < 1 or batch > axis or params.shape[:batch] != indices.shape[:batch]:
        raise call.invalid(
            f"indices of shape {list(indices.shape)[:8]} along axis {axis} of "
            f"{list(params.shape)[:8]}, {batch} of them a batch"
        )
    shape = params.shape[:axis] + indices.shape[batch:] + params.shape[axis + 1 :]
    call.room(shape)
    if 0 in shape:
        return np.empty(shape, params.dtype)
    _check_range(call, indices, params.shape[axis])
    if not batch:
        return np.take(params, indices, axis)
    rows = int(np.prod(params.shape[:batch], dtype=np.int64))
    flat = params.reshape(rows, *params.shape[batch:])
    chosen = indices.reshape(rows, *indices.shape[batch:])
    call.work(rows)
    found = np.empty((rows, *shape[batch:]), params.dtype)
    for row in range(rows):
        found[row] = np.take(flat[row], chosen[row], axis - batch)
    return found.reshape(shape)


def _check_range(call: Call, indices: Array, size: int) -> None:
    if not indices.size:
        return
    if int(indices.min()) < 0 or int(indices.max()) >= size:
        raise call.invalid(f"an index outside of 0 to {size - 1}")


def gather_nd(call: Call) -> Array:
    """Return the parts that rows of indices name, one index for each of the first axes."""
    params, indices = call.inputs
    depth = indices.shape[-1] if indices.ndim else 0
    if indices.ndim < 1 or params.ndim < 1 or depth > params.ndim:
        raise call.invalid(f"indices of {depth} for a tensor of {params.ndim} dimensions")
    shape = call.room(indices.shape[:-1] + params.shape[depth:])
    if 0 in shape:
        return np.empty(shape, params.dtype)
    for axis in range(depth):
        _check_range(call, indices[..., axis], params.shape[axis])
    if not depth:
        return np.broadcast_to(params, shape).copy()
    found: Array = params[tuple(np.moveaxis(indices, -1, 0))]
    return found


def select(call: Call) -> Array:
    """Choose between two tensors of one shape: all of it, by rows, or by elements."""
    flags, first, second = call.inputs
    if first.shape != second.shape:
        raise call.invalid("a choice between tensors of different shapes")
    if flags.shape != first.shape:
        by_rows = flags.ndim == 1 and first.ndim >= 1 and flags.size == first.shape[0]
        if flags.ndim and not by_rows:
            raise call.invalid(f"flags of shape {list(flags.shape)[:8]}")
        flags = flags.reshape(flags.shape + (1,) * (first.ndim - flags.ndim))
    call.room(first.shape)
    return np.where(flags, first, second)


def select_v2(call: Call) -> Array:
    """Choose between two tensors, broadcast with the flags."""
    call.room(call.broadcast(*(array.shape for array in call.inputs)))
    flags, first, second = call.inputs
    return np.where(flags, first, second)


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Gather": gather,
    "GatherV2": gather_v2,
    "GatherNd": gather_nd,
    "Select": select,
    "SelectV2": select_v2,
}
