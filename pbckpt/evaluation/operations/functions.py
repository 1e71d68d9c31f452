"""Functions: ops of one tensor that give a number for each number.

What TensorFlow computes with an approximation of its own is computed here with
the next wider type and rounded once, which is the number nearest to the truth;
TensorFlow has that or one beside it. Types of 16 bits and less go through
float32, as they do there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def exact(ufunc: Callable[..., Any], *, of_complex: bool = True) -> Callable[[Call], Array]:
    """Return the operation that applies a function in the type of the input."""

    def operation(call: Call) -> Array:
        call.check_numbers()
        if not of_complex and call.inputs[0].dtype.kind == "c":
            raise call.unsupported("of complex numbers")
        call.room(call.inputs[0].shape)
        found: Array = ufunc(call.inputs[0])
        return found

    return operation


def rounded(function: Callable[[Array], Any]) -> Callable[[Call], Array]:
    """Return the operation that computes in a wider type and rounds once."""

    def operation(call: Call) -> Array:
        call.check_numbers()
        array = call.inputs[0]
        dtype = array.dtype
        wide = np.dtype(np.float64)
        call.room(array.shape, wide)
        if dtype.kind != "f":
            # Of bfloat16 versions of TensorFlow differ at the ends.
            raise call.unsupported(f"of type {dtype.name}")
        found: Array = np.asarray(function(array.astype(wide))).astype(dtype)
        return found

    return operation


def relu(call: Call) -> Array:
    """Return the numbers that are above zero, and zero for the others."""
    array = _real(call)
    zero = np.zeros((), array.dtype)
    return np.where(array < 0, zero, array)


def relu6(call: Call) -> Array:
    """Return the numbers between zero and six, and these for the others."""
    array = _real(call)
    low, high = np.zeros((), array.dtype), np.asarray(6).astype(array.dtype)
    return np.where(array < 0, low, np.where(array > high, high, array))


def leaky_relu(call: Call) -> Array:
    """Return the numbers, those below zero multiplied by a slope."""
    array = _real(call)
    slope = np.asarray(call.number("alpha", 0.2), np.float32).astype(array.dtype)
    return np.where(array > 0, array, array * slope)


def integral(ufunc: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the operation that rounds floats, and leaves integers as they are."""
    round_floats = exact(ufunc)

    def operation(call: Call) -> Array:
        return call.inputs[0] if call.inputs[0].dtype.kind in "iu" else round_floats(call)

    return operation


def _real(call: Call) -> Array:
    call.check_numbers()
    call.room(call.inputs[0].shape)
    if call.inputs[0].dtype.kind == "c":
        raise call.unsupported("of complex numbers")
    return call.inputs[0]


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Square": exact(np.square, of_complex=False),
    "Sqrt": exact(np.sqrt, of_complex=False),
    "Rsqrt": rounded(lambda wide: 1 / np.sqrt(wide)),
    "Neg": exact(np.negative),
    "Abs": exact(np.abs, of_complex=False),
    "Conj": exact(np.conjugate),
    "Exp": rounded(np.exp),
    "Log": rounded(np.log),
    "Sin": rounded(np.sin),
    "Cos": rounded(np.cos),
    "Relu": relu,
    "Relu6": relu6,
    "LeakyRelu": leaky_relu,
    "Floor": integral(np.floor),
    "Ceil": integral(np.ceil),
}
