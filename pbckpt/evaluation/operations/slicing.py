"""Slicing: ops that take a part of a tensor by numbers, or its elements in another order.

A strided slice has a mask of bits for each kind of entry: where to begin and to
end at the edge, the ellipsis, new axes, and axes that are gone afterwards. Where
two claim one entry, the ellipsis goes before a new axis, and that before one that
is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def slice_(call: Call) -> Array:
    """Return a box of the input; a size of -1 is all that is left."""
    array = call.inputs[0]
    begins = call.ints(1, length=array.ndim)
    sizes = call.ints(2, length=array.ndim)
    box: list[Any] = []
    for begin, size, whole in zip(begins, sizes, array.shape, strict=True):
        end = whole if size == -1 else begin + size
        if not 0 <= begin <= end <= whole:
            raise call.invalid(f"{size} from {begin} on of {whole}")
        box.append(slice(begin, end))
    return array[(*box, ...)]


def strided_slice(call: Call) -> Array:
    """Return what Python's own slices would."""
    array = call.inputs[0]
    begins = call.ints(1)
    ends, strides = call.ints(2, length=len(begins)), call.ints(3, length=len(begins))
    index: list[Any] = []
    axis = 0
    kinds = _kinds(call, len(begins), array.ndim)
    for at, kind in enumerate(kinds):
        if kind == "ellipsis":
            left = sum(other in ("slice", "shrink") for other in kinds[at + 1 :])
            index += [slice(None)] * (array.ndim - axis - left)
            axis = array.ndim - left
            continue
        if kind == "new":
            index.append(None)
            continue
        entry = (begins[at], ends[at], strides[at])
        if kind == "shrink":
            index.append(_position(call, entry, array.shape[axis]))
        else:
            index.append(_range(call, at, entry))
        axis += 1
    found = array[(*index, ...)]
    call.room(found.shape)
    return found


def _kinds(call: Call, entries: int, rank: int) -> list[str]:
    """Return what each entry is. Raises InvalidGraphError where they do not fit the rank."""
    ellipsis, new, shrink = (
        call.integer(name, 0) for name in ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    )
    kinds = []
    for at in range(entries):
        if ellipsis >> at & 1:
            kinds.append("ellipsis")
        elif new >> at & 1:
            kinds.append("new")
        else:
            kinds.append("shrink" if shrink >> at & 1 else "slice")
    used = sum(kind in ("slice", "shrink") for kind in kinds)
    if kinds.count("ellipsis") > 1 or used > rank:
        raise call.invalid(f"{entries} entries for a tensor of {rank} dimensions")
    return kinds


def _position(call: Call, entry: tuple[int, int, int], size: int) -> int:
    begin, _, stride = entry
    if stride <= 0 or not -size <= begin < size:
        raise call.invalid(f"element {begin} of {size} by steps of {stride}")
    return begin


def _range(call: Call, at: int, entry: tuple[int, int, int]) -> slice:
    begin, end, stride = entry
    if stride == 0:
        raise call.invalid("steps of 0")
    from_edge = call.integer("begin_mask", 0) >> at & 1
    to_edge = call.integer("end_mask", 0) >> at & 1
    return slice(None if from_edge else begin, None if to_edge else end, stride)


def reverse(call: Call) -> Array:
    """Return the elements backwards along the axes whose flags are set."""
    array, flags = call.inputs
    if flags.shape != (array.ndim,):
        raise call.invalid(f"flags for {flags.size} axes of {array.ndim}")
    return _backwards(array, [at for at, flag in enumerate(flags.tolist()) if flag])


def reverse_v2(call: Call) -> Array:
    """Return the elements backwards along the axes that are named."""
    return _backwards(call.inputs[0], call.axes(call.ints(1), call.inputs[0].ndim))


def _backwards(array: Array, axes: Any) -> Array:  # noqa: ANN401 - any sequence
    steps = [slice(None, None, -1) if at in axes else slice(None) for at in range(array.ndim)]
    return array[(*steps, ...)]


def roll(call: Call) -> Array:
    """Return the elements moved along axes, those at the end to the beginning."""
    array = call.inputs[0]
    shifts, axes = (one.reshape(-1).tolist() for one in call.inputs[1:])
    if len(shifts) != len(axes) or array.ndim < 1:
        raise call.invalid(f"{len(shifts)} shifts along {len(axes)} axes")
    call.room(array.shape)
    # A shift may be larger than any array, and an axis may be named twice.
    for shift, axis in zip(shifts, axes, strict=True):
        at = call.axis(int(axis), array.ndim)
        call.work(array.size)
        array = np.roll(array, int(shift) % max(1, array.shape[at]), at)
    return array


def invert_permutation(call: Call) -> Array:
    """Return where each number of a permutation stands."""
    order = call.inputs[0]
    if order.ndim != 1:
        raise call.invalid("a permutation that is no vector")
    call.room(order.shape, np.dtype(np.int64))
    count = order.size
    if count and not 0 <= int(order.min()) <= int(order.max()) < count:
        raise call.invalid(f"numbers outside of 0 to {count - 1}")
    found = np.full(count, -1, order.dtype)
    found[order] = np.arange(count, dtype=order.dtype)
    if (found < 0).any():
        raise call.invalid("one number twice")
    return found


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Slice": slice_,
    "StridedSlice": strided_slice,
    "Reverse": reverse,
    "ReverseV2": reverse_v2,
    "Roll": roll,
    "InvertPermutation": invert_permutation,
}
