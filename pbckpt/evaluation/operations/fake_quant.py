"""Fake quantization: floats rounded to what quantized integers could stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]

from pbckpt.evaluation.operations.quantized import round_away

_F32 = np.float32
_BITS = range(2, 17)


def args(call: Call) -> Array:
    """Round to a range that attrs give."""
    low, high = _F32(call.number("min", -6.0)), _F32(call.number("max", 6.0))
    return _fake_quant(call, np.asarray(low), np.asarray(high))


def variables(call: Call) -> Array:
    """Round to a range that two scalars give."""
    low, high = call.inputs[1:]
    if low.size != 1 or high.size != 1:
        raise call.invalid("a range of more than one pair")
    return _fake_quant(call, low.reshape(()), high.reshape(()))


def per_channel(call: Call) -> Array:
    """Round to a range for each place along the last axis."""
    array, low, high = call.inputs
    if not array.ndim or low.shape != array.shape[-1:] or high.shape != low.shape:
        raise call.invalid(f"{low.size} ranges for the shape {list(array.shape)[:8]}")
    return _fake_quant(call, low, high)


def _fake_quant(call: Call, low: Array, high: Array) -> Array:
    array = call.inputs[0]
    call.room(array.shape, np.dtype(np.float64))
    bits = call.integer("num_bits", 8)
    if bits not in _BITS:
        raise call.invalid(f"{bits} bits")
    least, most = _F32(int(call.flag("narrow_range"))), _F32((1 << bits) - 1)
    scale = (high - low) / (most - least)
    zero = least - low / scale
    nudged = np.where(zero < least, least, np.where(zero > most, most, round_away(zero)))
    nudged = nudged.astype(_F32)
    bottom, top = (least - nudged) * scale, (most - nudged) * scale
    inverse = _F32(1) / scale
    offset = np.floor(-bottom * inverse + _F32(0.5))
    shifted = np.maximum(np.minimum(array, top), bottom) - bottom
    found = np.floor(shifted * inverse - offset + _F32(0.5)) * scale
    return np.where((low == 0) & (high == 0), _F32(0), found).astype(_F32)


def quantize_and_dequantize(call: Call) -> Array:
    """Round to quantized integers and back; the range is given, or that of the input."""
    call.check_numbers()
    array = call.inputs[0]
    call.room(array.shape, np.dtype(np.float64))
    low, high, given = _range(call, array)
    low, high, scale, inverse = _scaled(call, array.dtype, low, high)
    if given:
        array = np.maximum(np.minimum(array, high), low)
    away = call.text("round_mode", "HALF_TO_EVEN") == "HALF_UP"
    scaled = array * scale
    half = np.asarray(0.5).astype(array.dtype)
    found: Array = (np.floor(scaled + half) if away else np.rint(scaled)) * inverse
    return found


def _range(call: Call, array: Array) -> tuple[Array, Array, bool]:
    given = call.flag("range_given", default=call.op == "QuantizeAndDequantizeV3")
    axis = call.integer("axis", -1)
    shape: tuple[int, ...] = ()
    if axis != -1:
        axis = call.axis(axis, array.ndim)
        shape = (array.shape[axis],) + (1,) * (array.ndim - 1 - axis)
    if not given:
        others = tuple(at for at in range(array.ndim) if axis == -1 or at != axis)
        if not array.size:
            return np.zeros(shape, array.dtype), np.zeros(shape, array.dtype), False
        return array.min(others).reshape(shape), array.max(others).reshape(shape), False
    low, high = _given(call, array.dtype)
    if low.size != (shape[0] if shape else 1) or high.size != low.size or (low > high).any():
        raise call.invalid("ranges that do not fit")
    return low.reshape(shape), high.reshape(shape), True


def _given(call: Call, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    if call.op == "QuantizeAndDequantize":
        ends = (call.number("input_min", 0.0), call.number("input_max", 0.0))
        return np.asarray(ends[0], _F32).astype(dtype), np.asarray(ends[1], _F32).astype(dtype)
    return call.inputs[1], call.inputs[2]


def _scaled(
    call: Call, dtype: np.dtype[Any], low: Array, high: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the range as it is used, what to multiply with, and what to multiply back with."""
    bits = (
        int(call.scalar(3)) if call.op == "QuantizeAndDequantizeV3" else call.integer("num_bits", 8)
    )
    if not 0 < bits < 63:  # noqa: PLR2004 - numbers of 64 bits
        raise call.invalid(f"{bits} bits")
    signed = call.flag("signed_input", default=True)
    least = -(1 << bits - 1) + call.flag("narrow_range") if signed else 0
    most = (1 << bits - 1) - 1 if signed else (1 << bits) - 1
    quantized = [np.asarray(float(end)).astype(dtype) for end in (least, most)]
    highest = np.asarray(np.finfo(dtype).max, dtype)
    from_low = np.where(quantized[0] * low > 0, quantized[0] / low, highest)
    from_high = np.where(quantized[1] * high > 0, quantized[1] / high, highest)
    low_side = from_low < from_high
    scale = np.where(low_side, from_low, from_high)
    inverse = np.where(low_side, low / quantized[0], high / quantized[1])
    return (
        np.where(low_side, low, quantized[0] * inverse),
        np.where(low_side, quantized[1] * inverse, high),
        scale,
        inverse,
    )


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "FakeQuantWithMinMaxArgs": args,
    "FakeQuantWithMinMaxVars": variables,
    "FakeQuantWithMinMaxVarsPerChannel": per_channel,
    **dict.fromkeys(
        (
            "QuantizeAndDequantize",
            "QuantizeAndDequantizeV2",
            "QuantizeAndDequantizeV3",
            "QuantizeAndDequantizeV4",
        ),
        quantize_and_dequantize,
    ),
}
