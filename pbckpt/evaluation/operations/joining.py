"""Joining: ops that make one tensor of several, and several of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def concat(call: Call) -> Array:
    """Join tensors along the axis that the first input names."""
    return _concat(call, list(call.inputs[1:]), int(call.scalar(0)))


def concat_v2(call: Call) -> Array:
    """Join tensors along the axis that the last input names."""
    return _concat(call, list(call.inputs[:-1]), int(call.scalar(len(call.inputs) - 1)))


def _concat(call: Call, arrays: list[Array], axis: int) -> Array:
    if not arrays:
        raise call.invalid("no tensors to join")
    first = arrays[0]
    axis = call.axis(axis, first.ndim)
    for array in arrays:
        if array.ndim != first.ndim or _without(array, axis) != _without(first, axis):
            told = [list(one.shape) for one in (first, array)]
            raise call.invalid(f"the shapes {told[0]} and {told[1]} along axis {axis}")
    total = sum(array.shape[axis] for array in arrays)
    call.room((*first.shape[:axis], total, *first.shape[axis + 1 :]))
    return np.concatenate(arrays, axis)


def _without(array: Array, axis: int) -> tuple[int, ...]:
    return array.shape[:axis] + array.shape[axis + 1 :]


def pack(call: Call) -> Array:
    """Join tensors of one shape along a new axis."""
    first = call.inputs[0] if call.inputs else None
    if first is None or any(array.shape != first.shape for array in call.inputs):
        raise call.invalid("tensors of different shapes, or none")
    axis = call.axis(call.integer("axis", 0), first.ndim + 1)
    call.room((len(call.inputs), *first.shape))
    return np.stack(call.inputs, axis)


def unpack(call: Call) -> list[Array]:
    """Cut a tensor into its parts along an axis, which is gone then."""
    array = call.inputs[0]
    axis = call.axis(call.integer("axis", 0), array.ndim)
    if array.shape[axis] != len(call.results):
        raise call.invalid(f"{array.shape[axis]} parts as {len(call.results)}")
    rows = np.moveaxis(array, axis, 0)
    return [rows[at, ...] for at in range(len(call.results))]


def split(call: Call) -> list[Array]:
    """Cut a tensor into equal parts along an axis."""
    array = call.inputs[1]
    axis = call.axis(int(call.scalar(0)), array.ndim)
    parts = len(call.results)
    if parts < 1 or array.shape[axis] % parts:
        raise call.invalid(f"{array.shape[axis]} cut into {parts} equal parts")
    return _cut(array, [array.shape[axis] // parts] * parts, axis)


def split_v(call: Call) -> list[Array]:
    """Cut a tensor into parts of given sizes, of which one may be left open."""
    array = call.inputs[0]
    axis = call.axis(int(call.scalar(2)), array.ndim)
    sizes = call.ints(1, length=len(call.results))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = array.shape[axis] - sum(sizes) - 1
    if not sizes or min(sizes) < 0 or sum(sizes) != array.shape[axis]:
        raise call.invalid(f"{array.shape[axis]} cut into {sizes[:8]}")
    return _cut(array, sizes, axis)


def _cut(array: Array, sizes: list[int], axis: int) -> list[Array]:
    parts = []
    begin = 0
    for size in sizes:
        parts.append(array[(slice(None),) * axis + (slice(begin, begin + size),)])
        begin += size
    return parts


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Concat": concat,
    "ConcatV2": concat_v2,
    "Pack": pack,
    "Unpack": unpack,
    "Split": split,
    "SplitV": split_v,
}
