"""Arithmetic: ops of two tensors, broadcast to each other, that give numbers.

Floats are computed in their own type, as TensorFlow does, and integers wrap
around. Where an integer is divided by zero, TensorFlow stops, and so does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


# How many tensors AddN adds up at a time.
_GROUP = 8


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


def _real(call: Call) -> tuple[Array, Array]:
    """Return both inputs: how complex numbers are rounded differs between processors."""
    first, second = _operands(call)
    if first.dtype.kind == "c":
        raise call.unsupported("of complex numbers")
    return first, second


def multiply(call: Call) -> Array:
    """Multiply."""
    return np.multiply(*_real(call))


def _divisible(call: Call) -> tuple[Array, Array]:
    first, second = _real(call)
    if _is_integer(second) and not second.all() and first.size:
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
    return np.asarray(np.floor_divide(first - remainder, second))


def _integers(call: Call) -> tuple[Array, Array]:
    """Return both inputs: TensorFlow's versions differ in what floats come to."""
    if not _is_integer(call.inputs[0]):
        raise call.unsupported(f"of type {call.inputs[0].dtype.name}")
    first, second = _divisible(call)
    lowest = np.iinfo(first.dtype).min
    if lowest and (second == -1).any() and (first == lowest).any():
        raise call.unsupported("of the lowest number by minus one")
    return first, second


def truncate_divide(call: Call) -> Array:
    """Divide integers, cut towards zero."""
    return _truncated(call, *_integers(call))


def floor_divide(call: Call) -> Array:
    """Divide, and take the next integer below."""
    first, second = _integers(call)
    sizes = np.abs(first.astype(np.float64)), np.abs(second.astype(np.float64))
    if first.dtype.kind == "i" and (np.add(*sizes) >= float(np.iinfo(first.dtype).max)).any():
        raise call.unsupported("of numbers whose sum overflows")
    return np.floor_divide(first, second)


def divide_no_nan(call: Call) -> Array:
    """Divide; by zero, the result is zero."""
    first, second = _real(call)
    found = np.true_divide(first, second)
    return np.where(second == 0, np.zeros((), found.dtype), found)


def truncated_remainder(call: Call) -> Array:
    """Return what is left of a division towards zero, with the sign of the first input."""
    return np.fmod(*_integers(call))


def floored_remainder(call: Call) -> Array:
    """Return what is left of a division downwards, with the sign of the second input."""
    return np.remainder(*_integers(call))


def squared_difference(call: Call) -> Array:
    """Return the square of the difference."""
    return np.square(np.subtract(*_real(call)))


def _ordered(call: Call) -> tuple[Array, Array]:
    """Return both inputs: which of a number and of none is larger differs between versions."""
    first, second = _real(call)
    if not _is_integer(first) and (np.isnan(first).any() or np.isnan(second).any()):
        raise call.unsupported("of what is no number")
    return first, second


def maximum(call: Call) -> Array:
    """Return the larger one of two numbers."""
    return np.maximum(*_ordered(call))


def minimum(call: Call) -> Array:
    """Return the smaller one of two numbers."""
    return np.minimum(*_ordered(call))


def add_n(call: Call) -> Array:
    """Add up tensors of one shape."""
    call.check_numbers()
    first = call.inputs[0] if call.inputs else None
    if first is None or any(array.shape != first.shape for array in call.inputs):
        raise call.invalid("tensors of different shapes, or none")
    call.room(first.shape)
    call.work(first.size * len(call.inputs))
    # TensorFlow adds up what is over, then eight at a time, and these to the rest.
    start = len(call.inputs) % _GROUP or _GROUP
    start = start if start > 1 or len(call.inputs) == 1 else _GROUP + 1
    found = _total(call.inputs[:start])
    for at in range(start, len(call.inputs), _GROUP):
        found = found + _total(call.inputs[at : at + _GROUP])
    return found


def _total(arrays: Sequence[Array]) -> Array:
    found = arrays[0].copy()
    for array in arrays[1:]:
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
    "Mul": multiply,
    **dict.fromkeys(("Div", "RealDiv"), divide),
    "TruncateDiv": truncate_divide,
    "FloorDiv": floor_divide,
    "DivNoNan": divide_no_nan,
    **dict.fromkeys(("Mod", "TruncateMod"), truncated_remainder),
    "FloorMod": floored_remainder,
    "SquaredDifference": squared_difference,
    "Maximum": maximum,
    "Minimum": minimum,
    "AddN": add_n,
    **dict.fromkeys(("BiasAdd", "BiasAddV1"), bias_add),
}
