"""Outputs: how many a node has by an attribute that says so.

    num_split = 3                 3
    Tout = [DT_FLOAT, DT_INT32]   2

Which attributes these are, the ops say. One that is not there says 0, as TensorFlow's
defaults do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef

# More than any node has, and few enough to be listed.
MAX_OUTPUTS = 1 << 16


def output_length(node: NodeDef, attribute: str) -> int:
    """Return how long the list of outputs is that an attribute tells of."""
    value = node.attr.get(attribute)
    if value is None:
        return 0
    if value.WhichOneof("value") == "i":
        return max(0, min(value.i, MAX_OUTPUTS))
    return len(value.list.type)
