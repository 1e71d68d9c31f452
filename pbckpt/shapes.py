"""Shapes: the rule that says which ones a tensor can have.

Reference: tensorflow/core/framework/tensor_shape.cc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RANK = 254
MAX_ELEMENTS = (1 << 63) - 1


def count_elements(shape: Sequence[int]) -> int | None:
    """Return the number of elements, or None for a shape that no tensor can have.

    At most 254 dimensions, none negative, and the product must fit 63 bits at
    every step from the first to the last: a zero saves what follows it only.
    """
    if len(shape) > MAX_RANK:
        return None
    count = 1
    for size in shape:
        count *= size
        if size < 0 or count > MAX_ELEMENTS:
            return None
    return count
