"""Fits: whether a value can be stored where a target wants one, and if not, why.

Nothing is transposed or reshaped for the user: a shape that differs is told,
with what would make it fit, as that is how frozen layers are found that another
framework had turned around.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.edits.casts import is_castable

if TYPE_CHECKING:
    from pbckpt.matching.sides import Source, Target


def shape_problem(shape: tuple[int, ...], wanted: tuple[int, ...] | None) -> str:
    """Return what keeps a shape from being the wanted one, or nothing if it is."""
    if wanted is None or shape == wanted:
        return ""
    if shape[::-1] == wanted:
        return "transposed, it would fit"
    if sorted(shape) == sorted(wanted):
        return "with its dimensions in another order, it would fit"
    if prod(shape) == prod(wanted):
        return "reshaped, it would fit"
    return "no reshape makes it fit"


def can_cast(dtype: DataType, wanted: DataType) -> bool:
    """Tell whether a cast makes one type of the other."""
    if not is_castable(dtype) or not is_castable(wanted):
        return False
    return wanted.is_complex or not dtype.is_complex


def kind_of(dtype: DataType | None) -> str:
    """Return which types are near each other: those of one kind may be one another's cast."""
    if dtype is None:
        return ""
    if dtype.is_floating:
        return "float"
    if dtype.is_complex:
        return "complex"
    if dtype in (DataType.STRING, DataType.BOOL) or not is_castable(dtype):
        return dtype.label
    return "int"


def has_shape(source: Source, target: Target) -> bool:
    """Tell whether the shape is the wanted one, or none in particular is wanted."""
    return target.shape is None or source.shape == target.shape
