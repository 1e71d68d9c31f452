"""Compare: in how many elements two tensors differ, and how far apart their numbers are.

Equal bits are equal, NaNs too. A NaN against a number, and infinities of both
signs, are as far apart as can be.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pbckpt.arrays.blocks import stored_bytes
from pbckpt.arrays.cast import cast_tensor
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.edits.casts import is_castable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from pbckpt.bundle.payload import Tensor

    Array = npt.NDArray[Any]
    Chunks = Iterable[tuple[memoryview, memoryview]]


class Distance(NamedTuple):
    """In how many elements two tensors differ, and by how much at most.

    None is for what is not known: of tensors that are no numbers.
    """

    elements: int | None = None
    max_abs: float | None = None
    max_rel: float | None = None


def compare_as_numbers(first: Tensor, other: Tensor) -> Distance:
    """Compare tensors of two types in float64, which holds nearly all numbers."""
    types = (first.dtype, other.dtype)
    if not all(is_castable(dtype) and not dtype.is_complex for dtype in types):
        return Distance()
    pairs = zip(
        stored_bytes(cast_tensor(first, DataType.DOUBLE)),
        stored_bytes(cast_tensor(other, DataType.DOUBLE)),
        strict=True,
    )
    return _compare_chunks(pairs, DataType.DOUBLE)


def compare_bits(first: Tensor, other: Tensor) -> Distance | None:
    """Compare tensors of one type and shape; None if they are the same."""
    pairs = zip_longest(stored_bytes(first), stored_bytes(other), fillvalue=memoryview(b""))
    if first.dtype.is_fixed_size:
        found = _compare_chunks(pairs, first.dtype)
        return found if found.elements else None
    # To the end, where the CRCs are compared.
    return None if all([a == b for a, b in pairs]) else Distance()  # noqa: C419


def _compare_chunks(pairs: Chunks, dtype: DataType) -> Distance:
    elements, max_abs, max_rel = 0, 0.0, 0.0
    kind = numpy_dtype(dtype)
    for a, b in pairs:
        if a != b:
            found = _compare_arrays(np.frombuffer(a, kind), np.frombuffer(b, kind))
            elements += found[0]
            max_abs, max_rel = max(max_abs, found[1]), max(max_rel, found[2])
    return Distance(elements, max_abs, max_rel)


def _compare_arrays(x: Array, y: Array) -> tuple[int, float, float]:
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
