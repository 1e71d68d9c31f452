"""Parts: a tensor is cut into slices, or put together from its parts.

One tensor at a time is held for that, and only where the parts of the source are
not those of the target: else they are copied as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pbckpt.arrays.blocks import stored_bytes
from pbckpt.arrays.boxes import index_of
from pbckpt.arrays.given import span_of_array
from pbckpt.bundle.payload import Part, Payload, Tensor
from pbckpt.bundle.slices import bounds, slice_key
from pbckpt.dtypes import numpy_dtype
from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey, key_to_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.arrays.blocks import Array
    from pbckpt.bundle.entry import TensorSlice


def joined_tensor(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Return the tensor whose parts follow each other in one dimension, under the first's key."""
    whole = np.concatenate([_array(tensor) for tensor in tensors], axis)
    return tensors[0]._replace(shape=whole.shape, payload=Payload([span_of_array(whole)]))


def cut_tensor(tensor: Tensor, slices: Sequence[TensorSlice]) -> Iterator[Tensor]:
    """Yield the slices of a tensor, to be written as such."""
    whole = _array(tensor)
    for part in slices:
        piece = whole[index_of(bounds(tensor.shape, part))]
        yield Tensor(
            BundleKey(slice_key(tensor.key, part)),
            tensor.dtype,
            piece.shape,
            Payload([span_of_array(piece)]),
            Part(tensor.key, tensor.shape, part),
        )


def _array(tensor: Tensor) -> Array:
    if not tensor.dtype.is_fixed_size:
        raise SelectionError(
            f"tensor {key_to_text(tensor.key)!r}: a tensor of type {tensor.dtype.label} is not "
            "put together from parts, nor cut; take a target that has it as the graph has it"
        )
    data = b"".join(map(bytes, stored_bytes(tensor)))
    return np.frombuffer(data, numpy_dtype(tensor.dtype)).reshape(tensor.shape)
