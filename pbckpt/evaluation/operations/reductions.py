"""Reductions: ops that make one number of many along axes.

Floats are not added up: what that comes to depends on the order, and TensorFlow
has one for each processor. Of them there are only the extremes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def _axes(call: Call) -> tuple[Array, tuple[int, ...], bool]:
    """Return the input, the axes to reduce, and whether they stay as axes of one."""
    array, named = call.inputs
    if named.ndim > 1:
        raise call.invalid("axes that are no vector")
    axes = call.axes(named.reshape(-1).tolist(), array.ndim)
    call.work(array.size)
    keep = call.flag("keep_dims")
    call.room([size for at, size in enumerate(array.shape) if at not in axes])
    return array, axes, keep


def _integers(call: Call) -> tuple[Array, tuple[int, ...], bool]:
    """Return the same of integers: in which order floats are added up, TensorFlow alone knows."""
    call.check_numbers()
    if call.inputs[0].dtype.kind not in "iu":
        raise call.unsupported(f"of type {call.inputs[0].dtype.name}")
    return _axes(call)


def sum_(call: Call) -> Array:
    """Add up."""
    array, axes, keep = _integers(call)
    return np.asarray(np.sum(array, axis=axes, keepdims=keep, dtype=array.dtype))


def prod(call: Call) -> Array:
    """Multiply."""
    array, axes, keep = _integers(call)
    return np.asarray(np.prod(array, axis=axes, keepdims=keep, dtype=array.dtype))


def extreme(ufunc: Any, *, largest: bool) -> Callable[[Call], Array]:  # noqa: ANN401
    """Return the operation that finds the largest or the smallest number."""

    def operation(call: Call) -> Array:
        call.check_numbers()
        array, axes, keep = _axes(call)
        if array.dtype.kind == "c" or (array.dtype.kind not in "iu" and np.isnan(array).any()):
            raise call.unsupported("of complex numbers, or of what is no number")
        lowest, highest = _ends(array.dtype)
        start = lowest if largest else highest
        found: Array = ufunc.reduce(array, axis=axes, keepdims=keep, initial=start)
        return np.asarray(found).astype(array.dtype)

    return operation


def _ends(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return what no number of a type is below, and above."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    infinity = np.asarray(np.inf).astype(dtype)[()]
    return -infinity, infinity


def logical(ufunc: Any) -> Callable[[Call], Array]:  # noqa: ANN401 - a ufunc
    """Return the operation that asks whether all or some are true."""

    def operation(call: Call) -> Array:
        array, axes, keep = _axes(call)
        found: Array = ufunc.reduce(array, axis=axes, keepdims=keep)
        return found

    return operation


def first_extreme(function: Any) -> Callable[[Call], Array]:  # noqa: ANN401 - np.argmax, np.argmin
    """Return the operation that finds where the first largest or smallest number is."""

    def operation(call: Call) -> Array:
        array = call.inputs[0]
        if array.dtype.kind == "c" or array.dtype in (object, np.uint32, np.uint64):
            raise call.unsupported(f"of type {array.dtype.name}")
        axis = call.axis(int(call.scalar(1)), array.ndim)
        if array.dtype.kind not in "biu" and np.isnan(array).any():
            raise call.unsupported("of what is no number")
        if not array.shape[axis]:
            raise call.invalid("the place of a number among none")
        call.work(array.size)
        call.room(array.shape[:axis] + array.shape[axis + 1 :], np.dtype(np.int64))
        return np.asarray(function(array, axis=axis)).astype(call.dtype())

    return operation


def cumulative(ufunc: Any, start: int) -> Callable[[Call], Array]:  # noqa: ANN401 - a ufunc
    """Return the operation that adds up or multiplies from one end to each place."""

    def operation(call: Call) -> Array:
        call.check_numbers()
        array = call.inputs[0]
        axis = call.axis(int(call.scalar(1)), array.ndim)
        call.room(array.shape)
        turn = (slice(None),) * axis + (slice(None, None, -1),)
        if call.flag("reverse"):
            array = array[turn]
        if call.flag("exclusive") and array.shape[axis]:
            before = np.full((*array.shape[:axis], 1, *array.shape[axis + 1 :]), start)
            most = array[(slice(None),) * axis + (slice(None, -1),)]
            array = np.concatenate((before.astype(array.dtype), most), axis)
        found: Array = ufunc.accumulate(array, axis=axis, dtype=array.dtype)
        return found[turn] if call.flag("reverse") else found

    return operation


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Sum": sum_,
    "Prod": prod,
    "Max": extreme(np.maximum, largest=True),
    "Min": extreme(np.minimum, largest=False),
    "All": logical(np.logical_and),
    "Any": logical(np.logical_or),
    "ArgMax": first_extreme(np.argmax),
    "ArgMin": first_extreme(np.argmin),
    "Cumsum": cumulative(np.add, 0),
    "Cumprod": cumulative(np.multiply, 1),
}
