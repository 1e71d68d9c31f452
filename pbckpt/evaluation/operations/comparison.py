"""Comparison: ops that tell of numbers whether something holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def compare(ufunc: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the operation that compares two tensors, broadcast to each other."""

    def operation(call: Call) -> Array:
        first, second = call.inputs
        call.room(call.broadcast(first.shape, second.shape))
        if first.dtype == object or (first.dtype.kind == "c" and ufunc not in _OF_ALL):
            raise call.unsupported("of strings or complex numbers")
        found: Array = ufunc(first, second)
        return found

    return operation


def equal(ufunc: Callable[..., Any], otherwise: bool) -> Callable[[Call], Array]:  # noqa: FBT001
    """Return the same for equality, which shapes that do not fit may settle."""
    plain = compare(ufunc)

    def operation(call: Call) -> Array:
        if not call.flag("incompatible_shape_error", default=True):
            shapes = [array.shape[::-1] for array in call.inputs]
            pairs = zip(*shapes)  # noqa: B905 - missing axes fit
            if any(one != other and 1 not in (one, other) for one, other in pairs):
                return np.array(otherwise)
        return plain(call)

    return operation


_OF_ALL = (np.equal, np.not_equal)


def logical(ufunc: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the operation on truth values, broadcast to each other."""

    def operation(call: Call) -> Array:
        call.room(call.broadcast(*(array.shape for array in call.inputs)))
        found: Array = ufunc(*call.inputs)
        return found

    return operation


def test(ufunc: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the operation that asks something of each float."""

    def operation(call: Call) -> Array:
        call.room(call.inputs[0].shape)
        found: Array = ufunc(call.inputs[0])
        return found

    return operation


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "Equal": equal(np.equal, otherwise=False),
    "NotEqual": equal(np.not_equal, otherwise=True),
    "Less": compare(np.less),
    "LessEqual": compare(np.less_equal),
    "Greater": compare(np.greater),
    "GreaterEqual": compare(np.greater_equal),
    "LogicalAnd": logical(np.logical_and),
    "LogicalOr": logical(np.logical_or),
    "LogicalNot": logical(np.logical_not),
    "IsNan": test(np.isnan),
    "IsInf": test(np.isinf),
    "IsFinite": test(np.isfinite),
}
