"""Arithmetic: ops of two tensors, broadcast to each other, that give numbers.

Floats are computed in their own type, as TensorFlow does, and integers wrap
around. Where an integer is divided by zero, TensorFlow stops, and so does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def _operands(call: Call) -> tuple[Array, Array]:
    """Return both inputs, having asked for the room of the result."""
    call.check_numbers()
    first, second = call.inputs
    call.room(call.broadcast(first.shape, second.shape))
    return first, second


def binary(ufunc: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the operation that applies a function to both inputs."""

    def operation(call: Call) -> Array:
        found: Array = ufunc(*_operands(call))
        return found

    return operation


def _is_integer(array: Array) -> bool:
    return array.dtype.kind in "iu"


def _divisible(call: Call) -> tuple[Array, Array]:
    first, second = _operands(call)
    if _is_integer(second) and not second.all():
        raise call.invalid("an integer divided by zero")
    return first, second


def divide(call: Call) -> Array:
    """Divide; integers are cut towards zero."""
    first, second = _divisible(call)
    if not _is_integer(first):
        return np.true_divide(first, second)
    return _truncated(call, first, second)


def _truncated(call: Call, first: Array, second: Array) -> Array:
    remainder = np.fmod(first, second)
    call.reserve(remainder.nbytes)
    return np.floor_divide(first - remainder, second)


def floor_divide(call: Call) -> Array:
    """Divide, and take the next integer below."""
    first, second = _divisible(call)
    if _is_integer(first):
        return np.floor_divide(first, second)
    return np.floor(np.true_divide(first, second))


def divide_no_nan(call: Call) -> Array:
    """Divide; by zero, the result is zero."""
    first, second = _operands(call)
    found = np.true_divide(first, second)
    return np.where(second == 0, np.zeros((), found.dtype), found)


def multiply_no_nan(call: Call) -> Array:
    """Multiply; where the second factor is zero, so is the result, whatever the first."""
    first, second = _operands(call)
    found = np.multiply(first, second)
    return np.where(second == 0, np.zeros((), found.dtype), found)


def truncated_remainder(call: Call) -> Array:
    """Return what is left of a division towards zero, with the sign of the first input."""
    return np.fmod(*_divisible(call))


def floored_remainder(call: Call) -> Array:
    """Return what is left of a division downwards, with the sign of the second input."""
    first, second = _divisible(call)
    if _is_integer(first):
        return np.remainder(first, second)
    found = np.fmod(first, second)
    wrong_side = (found != 0) & ((second < 0) != (found < 0))
    return np.where(wrong_side, found + second, found)


def power(call: Call) -> Array:
    """Raise to a power. Integers have no negative ones."""
    first, second = _operands(call)
    if _is_integer(second) and (second < 0).any():
        raise call.invalid("an integer to a negative power")
    if first.dtype == np.float32:
        call.room(call.broadcast(first.shape, second.shape), np.dtype(np.float64))
        return np.power(first.astype(np.float64), second.astype(np.float64)).astype(np.float32)
    return np.power(first, second)


def squared_difference(call: Call) -> Array:
    """Return the square of the difference; of complex numbers, that of its size."""
    first, second = _operands(call)
    difference = np.subtract(first, second)
    return np.multiply(difference, np.conjugate(difference) if _is_complex(first) else difference)


def _is_complex(array: Array) -> bool:
    return array.dtype.kind == "c"


def maximum(call: Call) -> Array:
    """Return the larger one of two numbers."""
    first, second = _operands(call)
    return np.where(np.less(first, second) | np.isnan(second), second, first)


def minimum(call: Call) -> Array:
    """Return the smaller one of two numbers."""
    first, second = _operands(call)
    return np.where(np.less(second, first) | np.isnan(second), second, first)


def add_n(call: Call) -> Array:
    """Add up tensors of one shape."""
    call.check_numbers()
    first = call.inputs[0] if call.inputs else None
    if first is None or any(array.shape != first.shape for array in call.inputs):
        raise call.invalid("tensors of different shapes, or none")
    call.room(first.shape)
    found = first.copy()
    for array in call.inputs[1:]:
        call.work(array.size)
        found = found + array
    return found


def bias_add(call: Call) -> Array:
    """Add a vector to each row of channels."""
    call.check_numbers()
    value, bias = call.inputs
    layout = call.text("data_format", "NHWC")
    if layout not in ("NHWC", "NCHW") or value.ndim < 2 or bias.ndim != 1:  # noqa: PLR2004 - batch, channels
        raise call.invalid(f"a bias of {bias.ndim} for a tensor of {value.ndim} dimensions")
    channels = 1 if layout == "NCHW" else value.ndim - 1
    if value.shape[channels] != bias.size:
        raise call.invalid(f"a bias of {bias.size} for {value.shape[channels]} channels")
    call.room(value.shape)
    return value + bias.reshape((-1,) + (1,) * (value.ndim - 1 - channels))


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys(("Add", "AddV2"), binary(np.add)),
    "Sub": binary(np.subtract),
    "Mul": binary(np.multiply),
    **dict.fromkeys(("Div", "RealDiv", "TruncateDiv"), divide),
    "FloorDiv": floor_divide,
    "DivNoNan": divide_no_nan,
    "MulNoNan": multiply_no_nan,
    **dict.fromkeys(("Mod", "TruncateMod"), truncated_remainder),
    "FloorMod": floored_remainder,
    "Pow": power,
    "SquaredDifference": squared_difference,
    "Maximum": maximum,
    "Minimum": minimum,
    "AddN": add_n,
    **dict.fromkeys(("BiasAdd", "BiasAddV1"), bias_add),
}
