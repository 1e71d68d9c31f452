"""Mean: the average of several tensors, a block of their elements at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.arrays.blocks import blocks_of
from pbckpt.arrays.given import span_of_array
from pbckpt.dtypes import DataType, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from pbckpt.bundle.payload import Tensor
    from pbckpt.wire.span import Span

    Array = npt.NDArray[Any]

COMPLEX_TYPES = (DataType.COMPLEX64, DataType.COMPLEX128)


def mean_spans(tensors: Sequence[Tensor]) -> Iterator[Span]:
    """Yield the elements of the mean of tensors of one floating or complex type and shape."""
    dtype = numpy_dtype(tensors[0].dtype)
    wide = np.complex128 if tensors[0].dtype in COMPLEX_TYPES else np.float64
    for blocks in zip(*map(blocks_of, tensors), strict=True):
        yield span_of_array(_mean(blocks, np.dtype(wide)).astype(dtype))


def _mean(blocks: Sequence[Array], wide: np.dtype[Any]) -> Array:
    # Not around the loop above: blocks are asked for by one thread, then by another.
    with np.errstate(all="ignore"):
        total = blocks[0].astype(wide)
        for block in blocks[1:]:
            total += block.astype(wide)
        return total / len(blocks)
