"""Blocks: the elements of a tensor in arrays of a fixed size, one at a time.

What casts, averages and compares works on these, in memory that does not grow
with the tensor.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pbckpt.bundle.payload import stored_chunks
from pbckpt.dtypes import numpy_dtype
from pbckpt.shapes import count_elements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.bundle.payload import Tensor

Array: TypeAlias = npt.NDArray[Any]

# A multiple of every element's size.
BLOCK_BYTES = 1 << 20


def blocks_of(tensor: Tensor) -> Iterator[Array]:
    """Yield the elements of a fixed-size tensor; each block is valid until the next.

    All blocks but the last are equally long.
    """
    dtype = numpy_dtype(tensor.dtype)
    for chunk in stored_bytes(tensor):
        yield np.frombuffer(chunk, dtype)


def stored_bytes(tensor: Tensor) -> Iterator[memoryview]:
    """Yield what is stored of a tensor, in chunks that are valid until the next.

    All but the last are equally long.
    """
    nbytes = BLOCK_BYTES
    if tensor.dtype.is_fixed_size:
        nbytes = min(nbytes, max(1, (count_elements(tensor.shape) or 0) * tensor.dtype.itemsize))
    return stored_chunks(tensor.payload, memoryview(bytearray(nbytes)))


def are_equal(first: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors of one type and shape have the same bytes, all of them read."""
    pairs = zip_longest(stored_bytes(first), stored_bytes(other), fillvalue=memoryview(b""))
    return all([a == b for a, b in pairs])  # noqa: C419 - to the end, where CRCs are compared
