"""Constants: the value of a Const node as an array.

The bytes are copied, a block at a time: a file may be closed while arrays live
on, and the places of tensors in it are aligned to nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import UnsupportedGraphError
from pbckpt.evaluation.call import MAX_NUMPY_RANK
from pbckpt.wire.span import chunks

if TYPE_CHECKING:
    import numpy.typing as npt

    from pbckpt.evaluation.limits import Ledger
    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.graph.decode import Node

    Array = npt.NDArray[Any]

_BLOCK_BYTES = 1 << 20
_POINTER_BYTES = 8


def constant_array(node: Node, ledger: Ledger) -> Array:
    """Return the value of a Const node.

    Raises what `Node.constant` raises, LimitError where there is no room.
    """
    tensor = node.constant()
    if len(tensor.shape) > MAX_NUMPY_RANK:
        fact = f"node {node.name!r}: a constant of {len(tensor.shape)} dimensions is not computed"
        raise UnsupportedGraphError(fact, node_name=node.name, op=node.op)
    what = f"node {node.name!r}"
    ledger.work(tensor.num_elements, what)
    if tensor.dtype is DataType.STRING:
        ledger.reserve(tensor.num_elements * _POINTER_BYTES, what)
        strings = np.empty(tensor.num_elements, object)
        strings[:] = tensor.elements()
        return strings.reshape(tensor.shape)
    ledger.reserve(tensor.nbytes, what)
    return _numbers(tensor)


def _numbers(tensor: ConstantTensor) -> Array:
    image = np.empty(tensor.nbytes, np.uint8)
    room = image.data
    buffer = memoryview(bytearray(min(tensor.nbytes, _BLOCK_BYTES)))
    filled = 0
    for chunk in chunks(tensor.spans(), buffer):
        room[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    array = image.view(numpy_dtype(tensor.dtype)).reshape(tensor.shape)
    return array.byteswap() if sys.byteorder == "big" else array
