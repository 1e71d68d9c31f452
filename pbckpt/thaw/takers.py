"""Takers: what takes a variable takes a value, when the variable is a constant.

    ReadVariableOp              Identity
    ResourceGather              GatherV2, and a Const NAME/axis
    ResourceGatherNd            GatherNd
    Switch, Enter, ...          the same, of a value
    RefSwitch, RefEnter, ...    Switch, Enter, ...

Whatever else takes a variable itself, to assign it or to ask about it, has no use for a
constant, and is refused: it would be a graph that TensorFlow does not take.

Reference: tensorflow/python/framework/convert_to_constants.py.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from pbckpt.errors import InvalidGraphError, UnsupportedGraphError
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.thaw.build import MARK, Mark, build_node, data_inputs, producer
from pbckpt.thaw.place import OUTPUT_SHAPES
from pbckpt.thaw.variable_nodes import HANDLE_OP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node
    from pbckpt.protos import NodeDef
    from pbckpt.thaw.draft import Draft
    from pbckpt.thaw.marks import Undone

_RESOURCE, _INT64 = 20, 9
# What hands a resource on, and then hands on what is read of it.
_INTERMEDIATE = frozenset(
    ("Identity", "Enter", "Exit", "Merge", "NextIteration", "Switch", "_SwitchN")
)
# The same of references, by what they are of values.
_REFERENCES = {
    f"Ref{op}": op for op in ("Identity", "Enter", "Exit", "Merge", "NextIteration", "Switch")
}
# What takes a reference to change what it refers to, or to ask about it.
_CHANGES = re.compile(
    r"Assign(?:Add|Sub)?|(?:Sparse)?Apply\w+|Scatter(?:Nd)?(?:Add|Sub|Mul|Div|Min|Max|Update)|"
    r"CountUpTo|IsVariableInitialized|RefSelect"
)


def turn_takers(
    draft: Draft, nodes: Sequence[Node], undone: Undone, dtypes: Mapping[str, DataType]
) -> None:
    """Have all who take one of the variables take a value of its type.

    Raises UnsupportedGraphError for who cannot.
    """
    _Takers(draft, nodes, undone).turn(dtypes)


def refuse_variables_in_functions(functions: Iterable[Function], nodes: Sequence[Node]) -> None:
    """Raise UnsupportedGraphError for variables of functions that some nodes call."""
    by_name = {one.name: one for one in functions}
    if not by_name:
        return
    seen: set[str] = set()
    waiting = deque([nodes])
    while waiting:
        for node in waiting.popleft():
            for name in _named(node, by_name) - seen:
                seen.add(name)
                _refuse_variables(by_name[name])
                waiting.append(by_name[name].nodes)


def _named(node: Node, functions: Mapping[str, Function]) -> set[str]:
    names = {node.op}
    for value in node.definition.attr.values():
        if value.HasField("func"):
            names.add(value.func.name)
        elif value.HasField("list"):
            names.update(one.name for one in value.list.func)
    return {name for name in names if name in functions}


def _refuse_variables(function: Function) -> None:
    for node in function.nodes:
        if node.op in VARIABLE_OPS or node.op == "ReadVariableOp":
            raise UnsupportedGraphError(
                f"node {node.name!r} ({node.op}) of function {function.name!r} has or reads a "
                "variable; pbckpt freezes variables of the main graph; give outputs that do not "
                "need it with --outputs",
                node_name=node.name,
                op=node.op,
            )


class _Takers:
    """Who takes what, and what the values are that go along by now."""

    def __init__(self, draft: Draft, nodes: Sequence[Node], undone: Undone) -> None:
        self._draft = draft
        self._undone = undone
        self._carried: dict[str, DataType] = {}
        self._in_loops: set[str] = set()
        self._taken: dict[str, list[Node]] = {}
        for node in nodes:
            if node.name in undone.removed:
                continue
            for text in data_inputs(draft.look(node.name)):
                name = producer(text)
                # What was added reads it: who takes that takes the value.
                if undone.marks.get(name) is Mark.ADDED and name in undone.removed:
                    continue
                source = undone.redirected.get(text.removesuffix(":0"), text)
                self._taken.setdefault(producer(source), []).append(node)

    def turn(self, dtypes: Mapping[str, DataType]) -> None:
        """Turn all takers of the variables, from each on as far as it is handed on."""
        waiting = deque(dtypes)
        self._carried.update(dtypes)
        while waiting:
            name = waiting.popleft()
            for node in self._taken.get(name, ()):
                is_gone = node.name in self._undone.removed
                if is_gone or self._undone.marks.get(node.name) is Mark.CONSTANT:
                    continue
                dtype = self._carried[name]
                known = self._carried.get(node.name)
                if known is not None and known is not dtype:
                    raise _refused(node, f"variables of {known.label} and {dtype.label}")
                if known is None and self._turn(node, name, dtype):
                    self._carried[node.name] = dtype
                    self._follow(node, name)
                    waiting.append(node.name)

    def _follow(self, node: Node, source: str) -> None:
        """Note whether what a node hands on is in a loop."""
        is_in_loop = node.op in ("Enter", "RefEnter") or source in self._in_loops
        if is_in_loop and node.op not in ("Exit", "RefExit"):
            self._in_loops.add(node.name)

    def _turn(self, node: Node, source: str, dtype: DataType) -> bool:
        """Have one node take a value; tell whether it hands the value on."""
        definition = node.definition
        if node.op in _REFERENCES:
            self._draft.change(node.name).op = _REFERENCES[node.op]
            return True
        if _CHANGES.fullmatch(node.op):
            raise _refused(node, f"the variable {source!r} itself")
        if not self._is_resource(source):
            return False
        if node.op == "ReadVariableOp":
            self._draft.replace(node.name, _identity(definition))
        elif node.op == "ResourceGather":
            self._draft.replace(node.name, *self._gather(definition, source))
        elif node.op == "ResourceGatherNd":
            self._draft.replace(node.name, _gather_nd(definition))
        elif node.op in _INTERMEDIATE and definition.attr["T"].type == _RESOURCE:
            changed = self._draft.change(node.name)
            changed.attr["T"].type = int(dtype)
            changed.attr.pop(OUTPUT_SHAPES, None)
            return True
        else:
            raise _refused(node, f"the variable {source!r} itself")
        return False

    def _is_resource(self, name: str) -> bool:
        node = self._draft.original(name)
        return node is not None and (
            node.op == HANDLE_OP
            or (node.op in _INTERMEDIATE and node.definition.attr["T"].type == _RESOURCE)
        )

    def _gather(self, gather: NodeDef, source: str) -> tuple[NodeDef, NodeDef]:
        """Return what looks rows of a value up, and the constant that says: rows.

        In a loop the constant waits for the value, which has it be of the same loop.
        """
        batch = gather.attr["batch_dims"].i
        indices = gather.attr["Tindices"]
        waits = [f"^{source}"] if source in self._in_loops else []
        axis = build_node(self._draft.fresh(f"{gather.name}/axis"), "Const", waits, dtype=indices)
        tensor = axis.attr["value"].tensor
        tensor.dtype = indices.type
        tensor.tensor_shape.SetInParent()
        (tensor.int64_val if indices.type == _INT64 else tensor.int_val).append(batch)
        node = build_node(
            gather.name,
            "GatherV2",
            [*_two(gather), axis.name],
            Tparams=gather.attr["dtype"],
            Tindices=indices,
            Taxis=indices,
        )
        if batch:
            node.attr["batch_dims"].i = batch
        _keep_place(gather, node)
        return node, axis


def _refused(node: Node, what: str) -> UnsupportedGraphError:
    return UnsupportedGraphError(
        f"node {node.name!r} ({node.op}) takes {what}, for which a constant cannot stand; give "
        "outputs that do not need it with --outputs",
        node_name=node.name,
        op=node.op,
    )


def _identity(read: NodeDef) -> NodeDef:
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


def _gather_nd(gather: NodeDef) -> NodeDef:
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
