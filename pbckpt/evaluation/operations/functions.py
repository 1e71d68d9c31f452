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

import math


def exact(ufunc: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the operation that applies a function in the type of the input."""

    def operation(call: Call) -> Array:
        call.check_numbers()
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
        wide = _WIDE.get(dtype.name, np.dtype(np.float64))
        call.room(array.shape, wide)
        if dtype.kind in "iu":
            raise call.unsupported(f"of type {dtype.name}")
        found: Array = np.asarray(function(array.astype(wide))).astype(dtype)
        return found

    return operation


_WIDE: dict[str, np.dtype[Any]] = {
    "complex64": np.dtype(np.complex128),
    "complex128": np.dtype(np.complex128),
}


def _reciprocal(array: Array) -> Array:
    if array.dtype.kind in "iu":
        return np.floor_divide(np.ones((), array.dtype), array)
    return np.true_divide(np.ones((), array.dtype), array)


def reciprocal(call: Call) -> Array:
    """Divide one by each number."""
    call.check_numbers()
    array = call.inputs[0]
    call.room(array.shape)
    if array.dtype.kind in "iu":
        if not array.all():
            raise call.invalid("one divided by zero")
        one = np.ones((), array.dtype)
        return np.where(np.abs(array) == 1, array, array - array).astype(array.dtype) * one
    return np.true_divide(np.ones((), array.dtype), array)


def _sigmoid(wide: Array) -> Array:
    if wide.dtype.kind == "c":
        return 1 / (1 + np.exp(-wide))
    # Either way round, the exponential does not overflow.
    tail = np.exp(-np.abs(wide))
    return np.where(wide >= 0, 1 / (1 + tail), tail / (1 + tail)) + (wide - wide)


def _softplus(wide: Array) -> Array:
    return np.logaddexp(wide, np.zeros((), wide.dtype))


def _selu(wide: Array) -> Array:
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return scale * np.where(wide < 0, alpha * np.expm1(wide), wide)


def _erf(wide: Array) -> Array:
    return _each(math.erf, wide)


def _erfc(wide: Array) -> Array:
    return _each(math.erfc, wide)


def _each(function: Callable[[float], float], wide: Array) -> Array:
    found = np.fromiter(map(function, wide.reshape(-1).tolist()), np.float64, wide.size)
    return found.reshape(wide.shape)


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


def sign(call: Call) -> Array:
    """Return -1, 0 or 1; of complex numbers, the direction."""
    call.check_numbers()
    array = call.inputs[0]
    call.room(array.shape)
    if array.dtype.kind != "c":
        return np.sign(array)
    size = np.abs(array)
    return np.where(size == 0, 0, array / size).astype(array.dtype)


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
    "Square": exact(np.square),
    "Sqrt": exact(np.sqrt),
    "Rsqrt": rounded(lambda wide: 1 / np.sqrt(wide)),
    "Reciprocal": reciprocal,
    "Inv": reciprocal,
    "Neg": exact(np.negative),
    "Abs": exact(np.abs),
    "Conj": exact(np.conjugate),
    "Exp": rounded(np.exp),
    "Expm1": rounded(np.expm1),
    "Log": rounded(np.log),
    "Log1p": rounded(np.log1p),
    "Sin": rounded(np.sin),
    "Cos": rounded(np.cos),
    "Tan": rounded(np.tan),
    "Asin": rounded(np.arcsin),
    "Acos": rounded(np.arccos),
    "Atan": rounded(np.arctan),
    "Sinh": rounded(np.sinh),
    "Cosh": rounded(np.cosh),
    "Tanh": rounded(np.tanh),
    "Asinh": rounded(np.arcsinh),
    "Acosh": rounded(np.arccosh),
    "Atanh": rounded(np.arctanh),
    "Sigmoid": rounded(_sigmoid),
    "Softplus": rounded(_softplus),
    "Softsign": rounded(lambda wide: wide / (1 + np.abs(wide))),
    "Erf": rounded(_erf),
    "Erfc": rounded(_erfc),
    "Elu": rounded(lambda wide: np.where(wide < 0, np.expm1(wide), wide)),
    "Selu": rounded(_selu),
    "Relu": relu,
    "Relu6": relu6,
    "LeakyRelu": leaky_relu,
    "Sign": sign,
    "Floor": integral(np.floor),
    "Ceil": integral(np.ceil),
    "Round": integral(np.rint),
    "Rint": integral(np.rint),
}
