"""Boxes: a range in each dimension, which is what indexes and slices come down to.

index    [2:8, ..., -1]    the box it touches, and what is to be taken of that
slice    rows 4 to 7       where it overlaps a box
blocks   a whole tensor    boxes that follow each other in C order
"""

from __future__ import annotations

import operator
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Range = tuple[int, int]


def intersection(a: Sequence[Range], b: Sequence[Range]) -> list[Range] | None:
    """Return the box that two boxes share, or None."""
    common = [
        (max(start, other), min(end, stop))
        for (start, end), (other, stop) in zip(a, b, strict=True)
    ]
    return common if all(start < end for start, end in common) else None


def index_within(box: Sequence[Range], within: Sequence[Range]) -> tuple[slice, ...]:
    """Return the index of a box within another that holds it."""
    return tuple(
        slice(start - base, end - base) for (start, end), (base, _) in zip(box, within, strict=True)
    )


def index_of(box: Sequence[Range]) -> tuple[slice, ...]:
    """Return the index of a box."""
    return tuple(slice(start, end) for start, end in box)


def box_of_index(shape: Sequence[int], index: object) -> tuple[list[Range], Any]:
    """Split an index into the box that it touches and what is to be taken of the box.

    Anything but numbers, slices and an ellipsis touches the whole.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is Ellipsis for part in parts):
        place = next(at for at, part in enumerate(parts) if part is Ellipsis)
        parts[place : place + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    if len(parts) > len(shape) or not all(_is_basic(part) for part in parts):
        return [(0, size) for size in shape], index
    parts += [slice(None)] * (len(shape) - len(parts))
    box, rest = [], []
    for part, size in zip(parts, shape, strict=True):
        touched, taken = _touched(part, size)
        box.append(touched)
        rest.append(taken)
    return box, tuple(rest)


def _is_basic(part: object) -> bool:
    # An array of numbers has __index__ too, if it has one element.
    return isinstance(part, (slice, int, np.integer)) and not isinstance(part, (bool, np.bool_))


def _touched(part: Any, size: int) -> tuple[Range, Any]:  # noqa: ANN401 - as an index is
    """Return the range of one dimension that an index touches, and the index within that."""
    if isinstance(part, slice):
        touched = range(*part.indices(size))
        if not touched:
            return (0, 0), slice(None)
        start, end = min(touched[0], touched[-1]), max(touched[0], touched[-1]) + 1
        # Backwards, a step that reaches the first element has no end to name.
        return (start, end), slice(None, None, touched.step)
    at = operator.index(part)
    if not -size <= at < size:
        raise IndexError(f"index {at} is out of bounds for a dimension of size {size}")
    return (at % size, at % size + 1), 0


def blocks_of_shape(shape: Sequence[int], itemsize: int, nbytes: int) -> Iterator[list[Range]]:
    """Yield boxes that follow each other in C order, none larger than a block if it need not be."""
    if not shape:
        yield []
        return
    axis, row_bytes = 0, prod(shape[1:]) * itemsize
    while row_bytes > nbytes and axis < len(shape) - 1:
        axis += 1
        row_bytes = prod(shape[axis + 1 :]) * itemsize
    rows = max(1, nbytes // max(1, row_bytes))
    whole = [(0, size) for size in shape[axis + 1 :]]
    for leading in np.ndindex(*shape[:axis]):
        above = [(at, at + 1) for at in leading]
        for start in range(0, shape[axis], rows):
            yield [*above, (start, min(start + rows, shape[axis])), *whole]
