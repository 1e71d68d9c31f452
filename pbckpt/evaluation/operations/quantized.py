"""Quantized: numbers stored as small integers, to floats and back.

    MIN_COMBINED   the steps of the integer type laid evenly over min .. max
    MIN_FIRST      the same, with min moved so that zero is one of the numbers
    SCALED         zero is zero, and the larger side reaches its end

All is computed in float32, step by step, as TensorFlow does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


_F32 = np.float32


def dequantize(call: Call) -> Array:
    """Return the floats that quantized integers stand for."""
    array = call.inputs[0]
    call.room(array.shape, np.dtype(np.float64))
    if call.dtype().kind in "iucO":
        raise call.unsupported(f"to {call.dtype().name}")
    mode = call.text("mode", "MIN_COMBINED")
    if mode != "MIN_COMBINED" and call.dtype() != _F32:
        raise call.unsupported(f"of mode {mode} to {call.dtype().name}")
    low, high = _ranges(call, array)
    if mode == "MIN_COMBINED":
        found = _min_combined(array, low, high)
    elif mode == "MIN_FIRST":
        found = dequantize_min_first(array, low, high)
    elif mode == "SCALED":
        narrow = call.flag("narrow_range")
        found = array.astype(_F32) * _scale(array.dtype, low, high, narrow=narrow)
    else:
        raise call.invalid(f"the mode {mode!r}")
    return found.astype(call.dtype())


def _ranges(call: Call, array: Array) -> tuple[Array, Array]:
    """Return the ends of the range: one pair for all, or one for each place along an axis."""
    low, high = call.inputs[1:3]
    axis = call.integer("axis", -1)
    if axis < 0:
        if axis != -1 or low.size != 1 or high.size != 1:
            raise call.invalid(f"axis {axis}, or a range of more than one pair")
        return low.reshape(()), high.reshape(())
    axis = call.axis(axis, array.ndim)
    shape = (array.shape[axis],) + (1,) * (array.ndim - 1 - axis)
    if low.shape != shape[:1] or high.shape != shape[:1]:
        raise call.invalid(f"{low.size} ranges for {shape[0]} places along axis {axis}")
    return low.reshape(shape), high.reshape(shape)


def _steps(dtype: np.dtype[Any]) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _min_combined(array: Array, low: Array, high: Array) -> Array:
    lowest, highest = _steps(array.dtype)
    half = _F32(0 if lowest == 0 else (highest - lowest + 1) / 2)
    scale = (high - low) / (_F32(highest) - _F32(lowest))
    return (array.astype(_F32) + half) * scale + low


def dequantize_min_first(array: Array, low: Array, high: Array) -> Array:
    """Return the floats that integers stand for in the mode MIN_FIRST.

    The arithmetic is that of Dequantize on a CPU, bit for bit. ``low`` and
    ``high`` are float32, scalars or of a shape that broadcasts.
    """
    lowest, highest = _steps(array.dtype)
    scale = ((high - low).astype(np.float64) / (highest - lowest)).astype(_F32)
    rounded = round_away(low / scale) * scale
    found = array.astype(_F32) * scale + (rounded - _F32(lowest) * scale)
    return np.where(high == low, low, found).astype(_F32)


def _scale(dtype: np.dtype[Any], low: Array, high: Array, *, narrow: bool) -> Array:
    lowest, highest = _steps(dtype)
    if lowest == 0:
        return high / _F32(highest)
    return np.maximum(low / _F32(lowest + narrow), high / _F32(highest))


def round_away(array: Array) -> Array:
    """Round to the nearest integer, from halfway away from zero."""
    whole = np.trunc(array)
    half = np.copysign(np.abs(array - whole) >= 0.5, array)  # noqa: PLR2004
    found: Array = whole + half.astype(array.dtype)
    return found


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Dequantize": dequantize,
}
