"""Reads: what the nodes that read a variable become, when it is a constant.

    ReadVariableOp              Identity
    ResourceGather              GatherV2, and a Const NAME/axis
    ResourceGatherNd            GatherNd
    VariableShape               Shape

Reference: tensorflow/python/framework/convert_to_constants.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.errors import InvalidGraphError
from pbckpt.rewrite.build import MARK, Mark, build_node, data_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.dtypes import DataType
    from pbckpt.protos import AttrValue, NodeDef

_INT64 = 9


def identity_of_read(read: NodeDef) -> NodeDef:
    """Return the Identity that a read becomes: all of it, where it was one before."""
    if MARK in read.attr and read.attr[MARK].s == Mark.READ.value:
        identity = type(read)()
        identity.CopyFrom(read)
        identity.op = "Identity"
        identity.attr["T"].CopyFrom(read.attr["dtype"])
        for key in ("dtype", MARK):
            identity.attr.pop(key, None)
        return identity
    identity = build_node(read.name, "Identity", data_inputs(read)[:1], T=read.attr["dtype"])
    _keep_place(read, identity)
    return identity


def axis_of_gather(name: str, indices: AttrValue, batch: int, waits: Iterable[str]) -> NodeDef:
    """Return the constant that says along which axis: the rows."""
    axis = build_node(name, "Const", waits, dtype=indices)
    tensor = axis.attr["value"].tensor
    tensor.dtype = indices.type
    tensor.tensor_shape.SetInParent()
    (tensor.int64_val if indices.type == _INT64 else tensor.int_val).append(batch)
    return axis


def gather_rows(gather: NodeDef, axis: str) -> NodeDef:
    """Return what looks rows of a value up; ``axis`` is the tensor that says: rows."""
    indices = gather.attr["Tindices"]
    node = build_node(
        gather.name,
        "GatherV2",
        [*_two(gather), axis],
        Tparams=gather.attr["dtype"],
        Tindices=indices,
        Taxis=indices,
    )
    if gather.attr["batch_dims"].i:
        node.attr["batch_dims"].CopyFrom(gather.attr["batch_dims"])
    _keep_place(gather, node)
    return node


def shape_of(asked: NodeDef, dtype: DataType) -> NodeDef:
    """Return what tells the shape of a value."""
    node = build_node(asked.name, "Shape", data_inputs(asked)[:1])
    node.attr["T"].type = int(dtype)
    if "out_type" in asked.attr:
        node.attr["out_type"].CopyFrom(asked.attr["out_type"])
    _keep_place(asked, node)
    return node


def gather_nd(gather: NodeDef) -> NodeDef:
    """Return what looks elements of a value up."""
    node = build_node(
        gather.name,
        "GatherNd",
        _two(gather),
        Tparams=gather.attr["dtype"],
        Tindices=gather.attr["Tindices"],
    )
    _keep_place(gather, node)
    return node


def _two(gather: NodeDef) -> list[str]:
    data = data_inputs(gather)
    if len(data) != len(("params", "indices")):
        msg = f"it takes {len(data)} tensors, and not a variable and indices"
        raise InvalidGraphError(msg, node_name=gather.name)
    return data


def _keep_place(old: NodeDef, new: NodeDef) -> None:
    if "_class" in old.attr:
        new.attr["_class"].CopyFrom(old.attr["_class"])
