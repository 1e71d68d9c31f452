"""Padding: ops that make a tensor larger, by a value, by its mirror image or by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def pad(call: Call) -> Array:
    """Surround the input with zeros, or with the value that is given."""
    array = call.inputs[0]
    sides = paddings(call, array.ndim)
    shape = [size + sum(side) for size, side in zip(array.shape, sides, strict=True)]
    room = call.room(shape)
    fill = 3 > len(call.inputs)  # noqa: PLR2004, SIM300 - Pad has no third input
    found = np.zeros(room, array.dtype) if fill else np.empty(room, array.dtype)
    if not fill:
        if call.inputs[2].ndim:
            raise call.invalid("a value to pad with that is no scalar")
        found[...] = call.inputs[2]
    inner: list[Any] = [
        slice(before, before + size) for (before, _), size in zip(sides, array.shape, strict=True)
    ]
    found[(*inner, ...)] = array
    return found


def paddings(call: Call, rows: int) -> list[tuple[int, int]]:
    """Return the second input: how much there is before and after each axis."""
    given = call.inputs[1]
    if given.shape != (rows, 2):
        raise call.invalid(f"paddings of shape {list(given.shape)[:8]} for {rows} axes")
    if (given < 0).any():
        raise call.invalid("a padding below 0")
    return [(int(before), int(after)) for before, after in given.tolist()]


def mirror_pad(call: Call) -> Array:
    """Surround the input with its mirror image; the edge itself belongs to it or not."""
    array = call.inputs[0]
    mode = call.text("mode", "")
    if mode not in ("REFLECT", "SYMMETRIC"):
        raise call.invalid(f"the mode {mode!r}")
    edge = 1 if mode == "REFLECT" else 0
    sides = paddings(call, array.ndim)
    for size, side in zip(array.shape, sides, strict=True):
        if max(side) > size - edge:
            raise call.invalid(f"a padding of {max(side)} mirrored from {size}")
    call.room([size + sum(side) for size, side in zip(array.shape, sides, strict=True)])
    for axis, (before, after) in enumerate(sides):
        size = array.shape[axis]
        call.reserve((size + before + after) * 8)
        places = np.concatenate(
            (
                np.arange(before - 1 + edge, edge - 1, -1),
                np.arange(size),
                np.arange(size - 1 - edge, size - 1 - edge - after, -1),
            )
        )
        array = np.take(array, places.astype(np.int64), axis)
    return array


def tile(call: Call) -> Array:
    """Repeat the input along each axis."""
    array = call.inputs[0]
    times = call.ints(1, length=array.ndim)
    if any(one < 0 for one in times):
        raise call.invalid(f"repeated {times[:8]} times")
    shape = call.room([size * one for size, one in zip(array.shape, times, strict=True)])
    if 0 in shape:
        return np.empty(shape, array.dtype)
    # Axes of their own for the repeats: one copy, however many axes there are.
    for axis, one in enumerate(times):
        if one > 1:
            array = (
                np.concatenate([array] * one, axis) if one < _FEW else _repeated(array, one, axis)
            )
    return array


_FEW = 64


def _repeated(array: Array, times: int, axis: int) -> Array:
    shape = array.shape
    spread = (*shape[:axis], times, *shape[axis:])
    wide = np.broadcast_to(np.expand_dims(array, axis), spread)
    return wide.reshape((*shape[:axis], times * shape[axis], *shape[axis + 1 :]))


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Pad": pad,
    "PadV2": pad,
    "MirrorPad": mirror_pad,
    "Tile": tile,
}
