"""Casting: ops that give numbers another type, or the same bytes another one.

Floats that an integer type cannot hold are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def cast(call: Call) -> Array:
    """Return the numbers in another type."""
    array = call.inputs[0]
    target = call.dtype()
    if "O" in (array.dtype.kind, target.kind):
        raise call.unsupported("of strings")
    call.room(array.shape, np.dtype(np.complex128))
    if array.dtype == target:
        return array
    if array.dtype.kind == "c" and target.kind != "c":
        raise call.unsupported("of complex numbers to real ones")
    if call.flag("Truncate") and target.kind not in "biu":
        raise call.unsupported("with bits cut off instead of rounded")
    if target == np.bool_:
        return np.not_equal(array, np.zeros((), array.dtype))
    if target.kind in "iu" and array.dtype.kind not in "biu":
        return _float_to_integer(call, array, target)
    if target.kind not in "biufc" and array.dtype == np.float64:
        array = array.astype(np.float32)
    return array.astype(target)


def _float_to_integer(call: Call, array: Array, target: np.dtype[Any]) -> Array:
    """Cut off the fraction; what does not fit comes to something else on each processor."""
    info = np.iinfo(target)
    whole = np.trunc(array.astype(np.float64))
    # Both ends are powers of two, so that they are floats too.
    if not ((whole >= float(info.min)) & (whole < float(int(info.max) + 1))).all():
        raise call.unsupported(f"of a number that {target.name} cannot hold")
    return whole.astype(target)


def bitcast(call: Call) -> Array:
    """Return the same bytes as elements of another type."""
    array, target = call.inputs[0], call.dtype()
    if "O" in (array.dtype.kind, target.kind):
        raise call.unsupported("of strings")
    call.room(array.shape, array.dtype)
    given, wanted = array.dtype.itemsize, target.itemsize
    image = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if given == wanted:
        shape: tuple[int, ...] = array.shape
    elif given > wanted:
        shape = (*array.shape, given // wanted)
    else:
        if not array.ndim or array.shape[-1] != wanted // given:
            raise call.invalid(f"the shape {list(array.shape)[:8]} as elements of {wanted} bytes")
        shape = array.shape[:-1]
    return image.view(target).reshape(shape)


OPERATIONS: dict[str, Callable[[Call], Any]] = {"Cast": cast, "Bitcast": bitcast}
