"""Casting: ops that give numbers another type, or the same bytes another one.

A float that an integer type cannot hold becomes what a processor of the x86
family makes of it: the lowest number of 32 or 64 bits, of which narrower types
keep the low bits.
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
    if target == np.bool_:
        return np.not_equal(array, np.zeros((), array.dtype))
    if array.dtype.kind == "c" and target.kind != "c":
        array = array.real
    if target.kind in "iu" and array.dtype.kind not in "biu":
        return _float_to_integer(array, target)
    if call.flag("Truncate"):
        array = _cut_off(array, target)
    if target.kind not in "biufc" and array.dtype == np.float64:
        array = array.astype(np.float32)
    return array.astype(target)


def _float_to_integer(array: Array, target: np.dtype[Any]) -> Array:
    """Cut off the fraction; what does not fit becomes the lowest number."""
    wide = array.astype(np.float64)
    if target == np.uint64:
        return _float_to_uint64(wide)
    through: Any = np.int32 if target.itemsize < 4 or target == np.int32 else np.int64  # noqa: PLR2004
    limit = float(2 ** (8 * np.dtype(through).itemsize - 1))
    whole = np.trunc(wide)
    fits = (whole >= -limit) & (whole < limit)
    lowest = np.iinfo(through).min
    found = np.where(fits, np.where(fits, whole, 0).astype(through), lowest)
    return found.astype(through).astype(target)


def _float_to_uint64(wide: Array) -> Array:
    """Do so for 64 bits without a sign, whose upper half is computed apart."""
    half = float(2**63)
    whole = np.trunc(wide)
    upper = whole >= half
    rest = np.where(upper, whole - half, whole)
    fits = (rest >= -half) & (rest < half)
    found = np.where(fits, np.where(fits, rest, 0).astype(np.int64), np.iinfo(np.int64).min)
    bits = found.astype(np.int64).view(np.uint64)
    return np.where(upper, bits ^ np.uint64(1 << 63), bits)


# How many bits of the fraction a float has.
_FRACTION_BITS = {
    "float64": 52,
    "float32": 23,
    "float16": 10,
    "bfloat16": 7,
    "float8_e5m2": 2,
    "float8_e4m3fn": 3,
}


def _cut_off(array: Array, target: np.dtype[Any]) -> Array:
    """Return floats without the bits that the narrower type has no place for."""
    have, want = (_FRACTION_BITS.get(dtype.name, 0) for dtype in (array.dtype, target))
    if not 0 < want < have:
        return array
    image = np.dtype(f"u{array.dtype.itemsize}")
    mask = np.asarray((1 << 8 * array.dtype.itemsize) - (1 << have - want), image)
    return (np.ascontiguousarray(array).reshape(array.shape).view(image) & mask).view(array.dtype)


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
