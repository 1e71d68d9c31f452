"""Variables that a graph still has as variables: nodes without a value.

    op                                    attrs
    VariableV2, Variable, VarHandleOp     dtype   shape   shared_name   container
    AutoReloadVariable                    container   shared_name

Such a node names its variable; the value is in a checkpoint. shared_name, where
it is given, is what the value goes by, whatever the node is called. A
TemporaryVariable is no variable: it lives within one step.

The trap is the op Variable: TensorFlow cannot tell a scalar from a shape that
is not known there, and takes it for the latter.

Reference: tensorflow/core/ops/state_ops.cc and resource_variable_ops.cc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType, data_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.graph.node import Node

_LEGACY_OP = "Variable"
VARIABLE_OPS = frozenset((_LEGACY_OP, "VariableV2", "VarHandleOp", "AutoReloadVariable"))
"""Ops of nodes that stand for a variable."""


class StillVariable(NamedTuple):
    """A variable that was not frozen.

    ``name`` is the variable's, ``node`` the node's, of the graph or of a
    function. The shape is None where its rank is not known; a dimension that is
    not known is -1. A type that is not known is None.
    """

    node: str
    name: str
    dtype: DataType | None
    shape: tuple[int, ...] | None


def variable_nodes(nodes: Iterable[Node]) -> tuple[StillVariable, ...]:
    """Return the variables among the nodes of a graph, or of a function, in their order."""
    return tuple(_variable(node) for node in nodes if node.op in VARIABLE_OPS)


def _variable(node: Node) -> StillVariable:
    attrs = node.definition.attr
    shared = attrs["shared_name"].s if "shared_name" in attrs else b""
    name = shared.decode("utf-8", "surrogateescape") or node.name
    dtype = data_type(attrs["dtype"].type) if "dtype" in attrs else None
    return StillVariable(node.name, name, dtype, _shape(node))


def _shape(node: Node) -> tuple[int, ...] | None:
    attr = node.definition.attr.get("shape")
    if attr is None or attr.WhichOneof("value") != "shape" or attr.shape.unknown_rank:
        return None
    dims = tuple(dim.size for dim in attr.shape.dim)
    return None if node.op == _LEGACY_OP and not dims else dims
