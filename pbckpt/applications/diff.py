"""Diff: in what two checkpoints differ, tensor by tensor, bit by bit.

Both are read as streams, whatever their version, shards, slices and byte order.
Equal bits are equal, NaNs too. Where bits differ, numbers are compared: the
largest difference, and the largest in proportion to the larger number.
"""

from __future__ import annotations

from enum import Enum
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pbckpt.applications.blocks import stored_bytes
from pbckpt.applications.cast import cast_tensor
from pbckpt.applications.layout import Format, Layout
from pbckpt.applications.source import open_source
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.edits.casts import is_castable

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from pbckpt.applications.blocks import Array
    from pbckpt.applications.source import Source
    from pbckpt.bundle.payload import Tensor

_COMPLEX = (DataType.COMPLEX64, DataType.COMPLEX128)


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

    Object-based ones are compared by object paths, if both are. Raises
    BundleError for a checkpoint that cannot be read.
    """
    with open_source(first, join_slices=True) as a, open_source(second, join_slices=True) as b:
        if Format.NAME in (a.layout.form, b.layout.form) and a.layout.form is not b.layout.form:
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
        values = _compare_as_numbers(a.tensor(place_a), b.tensor(place_b))
        return TensorDifference(name, Difference.DTYPE, first, second, *values)
    found = _compare_values(a, b, place_a, place_b)
    return TensorDifference(name, Difference.VALUES, first, second, *found) if found else None


def _shown(source: Source, place: int | None) -> str:
    if place is None:
        return ""
    one = source.candidates[place]
    return f"{one.dtype.label} {list(one.shape)}"


_Values = tuple[int | None, float | None, float | None]


def _compare_as_numbers(first: Tensor, other: Tensor) -> _Values:
    """Compare the numbers of two types in float64, which holds nearly all of them."""
    types = (first.dtype, other.dtype)
    if not all(is_castable(dtype) and dtype not in _COMPLEX for dtype in types):
        return None, None, None
    pairs = zip(
        stored_bytes(cast_tensor(first, DataType.DOUBLE)),
        stored_bytes(cast_tensor(other, DataType.DOUBLE)),
        strict=True,
    )
    return _compare_pairs(pairs, DataType.DOUBLE)


def _compare_values(a: Source, b: Source, place_a: int, place_b: int) -> _Values | None:
    """Return how many elements differ, and by how much; None if none does."""
    dtype = a.candidates[place_a].dtype
    if dtype is DataType.STRING:
        count = int(np.count_nonzero(a.array(place_a) != b.array(place_b)))
        return (count, None, None) if count else None
    pairs = zip_longest(
        stored_bytes(a.tensor(place_a)), stored_bytes(b.tensor(place_b)), fillvalue=memoryview(b"")
    )
    if not dtype.is_fixed_size:
        return (None, None, None) if not all([x == y for x, y in pairs]) else None  # noqa: C419
    found = _compare_pairs(pairs, dtype)
    return found if found[0] else None


def _compare_pairs(pairs: Iterable[tuple[memoryview, memoryview]], dtype: DataType) -> _Values:
    count, max_abs, max_rel = 0, 0.0, 0.0
    for x, y in pairs:
        if x != y:
            found = _compare_blocks(
                np.frombuffer(x, numpy_dtype(dtype)), np.frombuffer(y, numpy_dtype(dtype))
            )
            count += found[0]
            max_abs, max_rel = max(max_abs, found[1]), max(max_rel, found[2])
    return count, max_abs, max_rel


def _compare_blocks(x: Array, y: Array) -> tuple[int, float, float]:
    bits = f"V{x.dtype.itemsize}"
    differ = x.view(bits) != y.view(bits)
    wide: np.dtype[Any] = np.dtype(np.complex128 if x.dtype.kind == "c" else np.float64)
    if x.dtype.itemsize == 8 and x.dtype.kind in "iu":  # noqa: PLR2004 - beyond float64
        wide = np.dtype(np.longdouble)
    with np.errstate(all="ignore"):
        p, q = x[differ].astype(wide), y[differ].astype(wide)
        distance = np.where((p == q) | (np.isnan(p) & np.isnan(q)), 0, np.abs(p - q))
        # A NaN against a number, or infinities of both signs, are as far apart as can be.
        distance = np.where(np.isnan(distance), np.inf, distance)
        larger = np.maximum(np.abs(p), np.abs(q))
        relative = np.where(distance == 0, 0, distance / larger)
        relative = np.where(np.isnan(relative), np.inf, relative)
    return int(np.count_nonzero(differ)), float(distance.max()), float(relative.max())
