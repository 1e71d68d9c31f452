"""Diff: in what two checkpoints differ, tensor by tensor, bit by bit.

Both are read as streams, whatever their version, shards, slices and byte order.
Equal bits are equal, NaNs too. Where bits differ, numbers are compared: the
largest difference, and the largest in proportion to the larger number.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.arrays.compare import Distance, compare_as_numbers, compare_bits
from pbckpt.checkpoints.layout import Format, Layout
from pbckpt.checkpoints.source import open_source
from pbckpt.dtypes import DataType

if TYPE_CHECKING:
    import os

    from pbckpt.checkpoints.source import Source


class Difference(Enum):
    """What is different about a tensor."""

    ONLY_IN_FIRST = "only in the first"
    ONLY_IN_SECOND = "only in the second"
    DTYPE = "dtype"
    SHAPE = "shape"
    VALUES = "values"


class TensorDifference(NamedTuple):
    """A tensor that differs.

    ``first`` and ``second`` are type and shape. ``elements`` is how many have other
    bits, or are other numbers where types differ; ``max_abs`` and ``max_rel``
    are None for what are no numbers.
    """

    key: str
    kind: Difference
    first: str
    second: str
    elements: int | None = None
    max_abs: float | None = None
    max_rel: float | None = None


class DiffReport(NamedTuple):
    """``same`` is how many tensors are equal in every bit."""

    first: str
    second: str
    same: int
    differences: tuple[TensorDifference, ...]


def diff(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> DiffReport:
    """Compare two checkpoints: keys, types, shapes, bits and values.

    Object-based ones are compared by object paths if both are, else by names. Raises
    BundleError for a checkpoint that cannot be read.
    """
    with open_source(first, join_slices=True) as a, open_source(second, join_slices=True) as b:
        if a.layout.form is not b.layout.form:
            return _compared_by_name(first, second)
        return _compared(a, b)


def _compared_by_name(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> DiffReport:
    layout = Layout(format=Format.NAME)
    with (
        open_source(first, layout, join_slices=True) as a,
        open_source(second, layout, join_slices=True) as b,
    ):
        return _compared(a, b)


def _compared(a: Source, b: Source) -> DiffReport:
    places_a = {one.names[0]: place for place, one in enumerate(a.candidates)}
    places_b = {one.names[0]: place for place, one in enumerate(b.candidates)}
    found = [
        _difference(a, b, name, places_a.get(name), places_b.get(name))
        for name in sorted(places_a.keys() | places_b.keys())
    ]
    differences = tuple(one for one in found if one is not None)
    paths = a.stored.prefix.path, b.stored.prefix.path
    return DiffReport(*paths, len(found) - len(differences), differences)


def _difference(
    a: Source, b: Source, name: str, place_a: int | None, place_b: int | None
) -> TensorDifference | None:
    first, second = _shown(a, place_a), _shown(b, place_b)
    if place_a is None or place_b is None:
        kind = Difference.ONLY_IN_SECOND if place_a is None else Difference.ONLY_IN_FIRST
        return TensorDifference(name, kind, first, second)
    one, other = a.candidates[place_a], b.candidates[place_b]
    if one.shape != other.shape:
        return TensorDifference(name, Difference.SHAPE, first, second)
    if one.dtype is not other.dtype:
        values = compare_as_numbers(a.tensor(place_a), b.tensor(place_b))
        return TensorDifference(name, Difference.DTYPE, first, second, *values)
    found = _compare_values(a, b, place_a, place_b)
    return TensorDifference(name, Difference.VALUES, first, second, *found) if found else None


def _shown(source: Source, place: int | None) -> str:
    if place is None:
        return ""
    one = source.candidates[place]
    return f"{one.dtype.label} {list(one.shape)}"


def _compare_values(a: Source, b: Source, place_a: int, place_b: int) -> Distance | None:
    """Return how many elements differ, and by how much; None if none does."""
    if a.candidates[place_a].dtype is not DataType.STRING:
        return compare_bits(a.tensor(place_a), b.tensor(place_b))
    strings = (source.array(at).reshape(-1).tolist() for source, at in ((a, place_a), (b, place_b)))
    elements = sum(one != other for one, other in zip(*strings, strict=True))
    return Distance(elements) if elements else None
