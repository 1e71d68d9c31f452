"""Shapes: the rule that says which ones a tensor can have.

Reference: tensorflow/core/framework/tensor_shape.cc.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_RANK = 254
MAX_ELEMENTS = (1 << 63) - 1


def count_elements(shape: Sequence[int]) -> int | None:
    """Return the number of elements, or None for a shape that no tensor can have.

    At most 254 dimensions, none negative, and the product of those that are
    not zero must fit 63 bits, even where another one is zero.
    """
    smallest = min(shape, default=1)
    if smallest < 0 or len(shape) > MAX_RANK:
        return None
    if math.prod(shape if smallest else filter(None, shape)) > MAX_ELEMENTS:
        return None
    return math.prod(shape)
