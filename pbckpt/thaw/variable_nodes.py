"""Variable nodes: a variable, its initial value, its initializer and a read.

    resource                                         reference
    VarHandleOp w                                    VariableV2 w
    Const w/Initializer/initial_value                Const w/initial_value
    AssignVariableOp w/Assign                        Assign w/Assign
    ReadVariableOp w/Read/ReadVariableOp             Identity w/read

Two variables must never be one: each VarHandleOp says its own shared_name, without
which TensorFlow takes all of a type for the same. The initial value is a constant
without values, which are zeros and take no room.

Reference: tensorflow/python/ops/resource_variable_ops.py and variables.py.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.still_variables import variable_nodes
from pbckpt.rewrite.build import (
    HANDLE_OP,
    Mark,
    build_node,
    colocated_attr,
    set_mark,
    shape_attr,
    tensor_attr,
    text_attr,
    type_attr,
)
from pbckpt.rewrite.mould import EncodedNode, Mould, colocated_bytes, text_bytes
from pbckpt.thaw.variable import FrozenVariable, ThawedVariable, VariableKind
from pbckpt.variables.variable import is_trainable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.dtypes import DataType
    from pbckpt.graph.decode import Graph, Node
    from pbckpt.protos import NodeDef
    from pbckpt.rewrite.draft import Draft


class _Moulds(NamedTuple):
    """What the nodes of all variables of one type and shape are cast in."""

    variable: Mould
    value: Mould
    assign: Mould
    read: Mould


def _resource_moulds(dtype: DataType, shape: tuple[int, ...], mark: Mark) -> _Moulds:
    kind = type_attr(dtype)
    return _Moulds(
        Mould(
            HANDLE_OP,
            own="shared_name",
            mark=mark,
            dtype=kind,
            shape=shape_attr(shape),
            container=text_attr(""),
        ),
        Mould("Const", dtype=kind, value=tensor_attr(dtype, shape)),
        Mould("AssignVariableOp", mark=Mark.ADDED, dtype=kind),
        Mould("ReadVariableOp", mark=Mark.ADDED, dtype=kind),
    )


def _reference_moulds(dtype: DataType, shape: tuple[int, ...], mark: Mark) -> _Moulds:
    kind = type_attr(dtype)
    return _Moulds(
        Mould(
            "VariableV2",
            mark=mark,
            dtype=kind,
            shape=shape_attr(shape),
            container=text_attr(""),
            shared_name=text_attr(""),
        ),
        Mould("Const", dtype=kind, value=tensor_attr(dtype, shape)),
        Mould("Assign", own="_class", mark=Mark.ADDED, T=kind),
        Mould("Identity", own="_class", mark=Mark.ADDED, T=kind),
    )


class VariableBuilder:
    """Builds variables of one kind for a draft."""

    def __init__(self, draft: Draft, kind: VariableKind, shared_names: Counter[str]) -> None:
        """``shared_names`` are those that no new variable may have, with how many have them."""
        self.draft = draft
        self.is_resource = kind is VariableKind.RESOURCE
        self._shared_names = shared_names
        self._known: dict[tuple[DataType, tuple[int, ...], Mark], _Moulds] = {}

    def usual_read(self, name: str) -> str:
        """Return what TensorFlow calls the read of a variable."""
        return f"{name}/Read/ReadVariableOp" if self.is_resource else f"{name}/read"

    def nodes(
        self, variable: FrozenVariable, name: str, mark: Mark, read: str = ""
    ) -> tuple[list[EncodedNode], ThawedVariable]:
        """Return the nodes of a variable called ``name``, itself first, with the ``mark``.

        ``read`` is a read that it has.
        """
        moulds = self._moulds(variable, mark)
        value = self.draft.fresh(f"{name}/{'Initializer/' * self.is_resource}initial_value")
        assign = self.draft.fresh(f"{name}/Assign")
        snapshot = read or self.draft.fresh(self.usual_read(name))
        shared = text_bytes(self._shared_name(name)) if self.is_resource else b""
        place = b"" if self.is_resource else colocated_bytes(name)
        nodes = [
            moulds.variable.node(name, own=shared),
            moulds.value.node(value),
            moulds.assign.node(assign, (name, value), place),
        ]
        if not read:
            nodes.append(moulds.read.node(snapshot, (name,), place))
        return nodes, ThawedVariable(variable, name, assign, value, snapshot, self.is_resource)

    def read(self, name: str, variable: str, dtype: DataType, mark: Mark) -> NodeDef:
        """Return a node that reads a variable."""
        kind = type_attr(dtype)
        if self.is_resource:
            return build_node(name, "ReadVariableOp", [variable], dtype=kind, mark=mark)
        node = build_node(name, "Identity", [variable], T=kind, mark=mark)
        if mark is Mark.ADDED:
            node.attr["_class"].CopyFrom(colocated_attr(variable))
        return node

    def _moulds(self, variable: FrozenVariable, mark: Mark) -> _Moulds:
        key = (variable.dtype, variable.shape, mark)
        if key not in self._known:
            make = _resource_moulds if self.is_resource else _reference_moulds
            self._known[key] = make(*key)
        return self._known[key]

    def name_nameless(self, name: str) -> str:
        """Return the shared name for a node that has none: its own name, if that is free."""
        self._shared_names[name] -= 1
        return self._shared_name(name)

    def _shared_name(self, name: str) -> str:
        while self._shared_names[name] > 0:
            name += "_thawed"
        self._shared_names[name] += 1
        return name


def shared_names(graph: Graph) -> Counter[str]:
    """Return the names by which a graph's own nodes share resources, with how many nodes do.

    One without such a name gets its own.
    """
    nodes = chain(graph.nodes, *(function.nodes for function in graph.functions))
    return Counter(_shared_name_of(node) for node in nodes if node.op == HANDLE_OP)


def _shared_name_of(node: Node) -> str:
    value = node.definition.attr.get("shared_name")
    return (value.s.decode("utf-8", "replace") if value else "") or node.name


def adopt_variables(builder: VariableBuilder, graph: Graph) -> list[ThawedVariable]:
    """Give variables that were never frozen what a collection wants to know of them.

    Those of a type or a shape that is not known have no initial value, and stay as they
    are.
    """
    return [_adopted(builder, variable) for variable in _still_variables(graph)]


def _still_variables(graph: Graph) -> Iterator[FrozenVariable]:
    for one in variable_nodes(graph.nodes):
        if one.dtype is not None and one.shape is not None and min(one.shape, default=0) >= 0:
            trained = is_trainable(one.dtype, None, one.node)
            yield FrozenVariable(
                one.node, one.node, one.node, one.dtype, one.shape, trained, one.dtype
            )


def _adopted(builder: VariableBuilder, variable: FrozenVariable) -> ThawedVariable:
    definition = builder.draft.change(variable.name)
    is_resource = definition.op == HANDLE_OP
    is_nameless = is_resource and not definition.attr["shared_name"].s
    if is_nameless:
        definition.attr["shared_name"].s = builder.name_nameless(variable.name).encode()
    set_mark(definition, Mark.NAMED if is_nameless else Mark.KEPT)
    kind = VariableKind.RESOURCE if is_resource else VariableKind.REF
    own = VariableBuilder(builder.draft, kind, Counter())
    nodes, thawed = own.nodes(variable, variable.name, Mark.KEPT)
    builder.draft.add(*nodes[1:], after=variable.name)
    return thawed._replace(is_stored=False)
