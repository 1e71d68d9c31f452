"""Mean: the average of several tensors, a block of their elements at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.arrays.blocks import blocks_of
from pbckpt.arrays.given import span_of_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from pbckpt.bundle.payload import Tensor
    from pbckpt.wire.span import Span

    Array = npt.NDArray[Any]


def mean_spans(tensors: Sequence[Tensor]) -> Iterator[Span]:
    """Yield the elements of the mean of tensors of one floating or complex type and shape."""
    for blocks in zip(*map(blocks_of, tensors), strict=True):
        # A complex number is two numbers, and its mean that of each.
        parts = [block.view(block.real.dtype) for block in blocks]
        yield span_of_array(_mean(parts).astype(parts[0].dtype))


def _mean(blocks: Sequence[Array]) -> Array:
    # Not around the loop above: blocks are asked for by one thread, then by another.
    with np.errstate(all="ignore"):
        total = blocks[0].astype(np.float64)
        for block in blocks[1:]:
            total += block.astype(np.float64)
        mean: Array = total / len(blocks)
        beyond = ~np.isfinite(mean)
        if beyond.any():
            # The sum of numbers that are finite may not be.
            mean[beyond] = sum(block[beyond].astype(np.float64) / len(blocks) for block in blocks)
    return mean
