"""Denormals: the numbers next to zero, which TensorFlow takes for zero.

Its threads run with "flush to zero" and "denormals are zero" set: what goes into
arithmetic and what comes out is a zero of the same sign instead. Ops that move
data, or change only the sign, keep them. float16 has its own range, computed in
float32, and keeps them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class _Image(NamedTuple):
    """The integer type that a float is looked at as, and its bits."""

    integer: type[np.generic]
    exponent: int
    fraction: int
    sign: int


_IMAGES = {
    "float32": _Image(np.uint32, 0x7F800000, 0x7FFFFF, 1 << 31),
    "float64": _Image(np.uint64, 0x7FF << 52, (1 << 52) - 1, 1 << 63),
    "bfloat16": _Image(np.uint16, 0x7F80, 0x7F, 1 << 15),
}


def flushed(array: Array) -> Array:
    """Return an array with zeros for denormals: itself where it has none."""
    parts = _parts(array)
    if not any(_denormals(part).any() for part in parts):
        return array
    found = array.copy()
    for part in _parts(found):
        image = _IMAGES[part.dtype.name]
        bits = part.view(image.integer)
        np.bitwise_and(bits, image.integer(image.sign), out=bits, where=_denormals(part))
    return found


def _parts(array: Array) -> list[Array]:
    """Return the floats that an array consists of: two of a complex one, none of integers."""
    parts = [array.real, array.imag] if array.dtype.kind == "c" else [array]
    return [part for part in parts if part.dtype.name in _IMAGES]


def _denormals(part: Array) -> Array:
    """Tell where denormals are."""
    image = _IMAGES[part.dtype.name]
    bits = part.view(image.integer)
    found: Array = (bits & image.integer(image.exponent)) == 0
    found &= (bits & image.integer(image.fraction)) != 0
    return found
