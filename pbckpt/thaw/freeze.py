"""Freeze: variables become constants, and what only trained, saved and restored goes.

    VarHandleOp w, VariableV2 w     Const w
    ReadVariableOp w/read           Identity w/read
    ResourceGather                  GatherV2, and a Const NAME/axis
    Switch, Enter, Merge, Identity  of a resource: of its values

The nodes are those that TensorFlow's convert_variables_to_constants gives, in the order
that they were in: of a variable the type and the value are left, of a read the type and
where it is placed.

What thawing has marked becomes what it was, whatever TensorFlow would make of it: see
`pbckpt.thaw.build.Mark`. So a graph that was thawed and frozen again is the same graph.

Reference: tensorflow/python/framework/graph_util_impl.py and convert_to_constants.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import UnsupportedGraphError
from pbckpt.graph.encode import Pieces, constant_pieces, encode_graph
from pbckpt.graph.node import Node
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.protos import TensorProto
from pbckpt.thaw.build import (
    MARK,
    Mark,
    build_node,
    is_control,
    mark_of,
    producer,
    shape_message,
    tensor_of_input,
    type_attr,
)
from pbckpt.thaw.draft import Draft
from pbckpt.thaw.freeze_functions import AddedArguments
from pbckpt.thaw.place import KEPT_OUTPUT_SHAPES, OUTPUT_SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.graph.decode import Graph
    from pbckpt.graph.encode import EncodedFunction
    from pbckpt.graph.library import Function
    from pbckpt.protos import NodeDef
    from pbckpt.wire.span import Stream

_HANDLE = "VarHandleOp"
_RESOURCE, _INT64 = 20, 9
# What hands a resource on, and then hands on what is read of it.
_INTERMEDIATE = frozenset(
    ("Identity", "Enter", "Exit", "Merge", "NextIteration", "Switch", "_SwitchN")
)
# What asks for a variable and is not asked for by anything that counts.
_ONLY_ABOUT = frozenset(("VarIsInitializedOp", "DestroyResourceOp"))


class Value(NamedTuple):
    """The value of a variable: ``content`` streams its elements, a string tensor has them."""

    dtype: DataType
    shape: tuple[int, ...]
    content: Stream | None
    strings: Sequence[bytes] = ()


class FrozenNodes(NamedTuple):
    """A frozen graph, and the variables of it that became constants."""

    graph: Pieces
    variables: tuple[str, ...]
    num_nodes: int


def freeze_graph(
    graph: Graph, outputs: Iterable[str], value_of: Callable[[str], Value | None]
) -> FrozenNodes:
    """Return the part of a graph that leads to some nodes, with constants for variables.

    ``value_of`` gives the value of the variable of that node name; None keeps a
    variable that was one when the graph was thawed.

    Raises UnsupportedGraphError for a node that takes a variable and cannot take its
    value.
    """
    kept = leading_to(graph.nodes, outputs)
    freezing = _Freezing(graph, kept, value_of)
    nodes = list(freezing.nodes())
    functions = [freezing.encoded_function(one) for one in graph.functions]
    encoded = encode_graph(nodes, functions, graph.rest)
    return FrozenNodes(encoded, tuple(freezing.frozen), len(nodes))


def leading_to(nodes: Sequence[Node], outputs: Iterable[str]) -> set[str]:
    """Return the names of the nodes that lead to some, over data and control edges."""
    inputs = {node.name: node.definition.input for node in nodes}
    found = set(outputs)
    waiting = list(found)
    while waiting:
        for text in inputs[waiting.pop()]:
            name = producer(text)
            if name not in found and name in inputs:
                found.add(name)
                waiting.append(name)
    return found


class _Freezing:
    """The nodes of a graph, each becoming what it is when frozen.

    ``frozen`` are the names of those that became constants.
    """

    def __init__(
        self, graph: Graph, kept: set[str], value_of: Callable[[str], Value | None]
    ) -> None:
        nodes = [node for node in graph.nodes if node.name in kept]
        self.frozen: list[str] = []
        self._draft = Draft(nodes)
        self._arguments = AddedArguments(graph._replace(nodes=tuple(nodes)), self._variable_at)
        self._nodes = nodes
        self._value_of = value_of
        self._values: dict[str, Value] = {}
        self._controls: dict[str, list[str]] = {}
        self._taken: dict[str, list[str]] = {}
        for node in nodes:
            for text in node.definition.input:
                if not is_control(text):
                    self._taken.setdefault(producer(text), []).append(node.name)

    def nodes(self) -> Iterator[Node | NodeDef | Pieces]:
        """Yield the frozen nodes."""
        redirected = self._take_away()
        for node in self._nodes:
            mark = mark_of(node.definition)
            if mark is Mark.CONSTANT:
                self._to_constant(node.name, self._variable_of(node))
            elif node.op in VARIABLE_OPS and mark is not Mark.ADDED:
                self._freeze_variable(node, mark)
        self._arguments.take_from(self._draft)
        self._draft.rewire_all(redirected)
        for item in self._draft:
            definition = item.definition if isinstance(item, Node) else item
            value = self._values.get(definition.name)
            yield item if value is None else _with_value(definition, value)

    def _take_away(self) -> dict[str, str]:
        """Remove what was added; return by what those who took it have what they took."""
        redirected: dict[str, str] = {}
        originals = _originals(self._nodes)
        for node in self._nodes:
            mark = mark_of(node.definition)
            if mark is Mark.ADDED and node.op not in VARIABLE_OPS:
                data = [text for text in node.definition.input if not is_control(text)]
                controls = [text for text in node.definition.input if is_control(text)]
                for output in ("", ":1"):
                    redirected[node.name + output] = tensor_of_input(data[0]) if data else ""
                if controls and data:
                    self._controls.setdefault(producer(data[0]), []).extend(controls)
            elif mark is Mark.COPY:
                original = originals.get(_likeness(node.definition), node.name)
                redirected[node.name] = original
                redirected[f"{node.name}:1"] = f"{original}:1"
            elif mark is Mark.SWAPPED:
                changed = self._draft.change(node.name)
                changed.input[0], changed.input[1] = changed.input[1], changed.input[0]
                del changed.attr[MARK]
            if mark in (Mark.ADDED, Mark.COPY):
                self._draft.remove(node.name)
        return {name: _settled(target, redirected) for name, target in redirected.items()}

    def _variable_of(self, node: Node) -> str:
        """Return the variable whose value a node has, which is read and brought to it."""
        return self._variable_at(node.definition.input[0]) if node.definition.input else ""

    def _variable_at(self, text: str) -> str:
        """Return the variable whose value a tensor has."""
        name = producer(text)
        seen = set()
        while name not in seen:
            seen.add(name)
            found = self._draft.original(name)
            if found is None or not found.definition.input or found.op in VARIABLE_OPS:
                break
            name = producer(found.definition.input[0])
        return name

    def _to_constant(self, name: str, variable: str) -> None:
        """Have a node be the constant again that it was."""
        value = self._value_of(variable)
        if value is None:
            return
        constant = _constant_of(self._draft.look(name), value)
        constant.input.extend(self._controls.get(name, ()))
        self._put(constant, value)

    def encoded_function(self, function: Function) -> EncodedFunction:
        """Return a function with the constants that it had."""
        return self._arguments.encoded(function, self._constant_in_function)

    def _constant_in_function(self, definition: NodeDef, variable: str) -> Pieces | None:
        value = self._value_of(variable)
        if value is None:
            return None
        self.frozen.append(definition.name)
        return _with_value(_constant_of(definition, value), value)

    def _put(self, constant: NodeDef, value: Value) -> None:
        self._values[constant.name] = value
        self.frozen.append(constant.name)
        self._draft.replace(constant.name, constant)

    def _freeze_variable(self, node: Node, mark: Mark | None) -> None:
        value = self._value_of(node.name)
        if value is None:
            changed = self._draft.change(node.name)
            del changed.attr[MARK]
            if mark is Mark.NAMED:
                changed.attr["shared_name"].s = b""
            return
        if mark is Mark.VARIABLE:
            self._to_constant(node.name, node.name)
        else:
            constant = build_node(node.name, "Const", dtype=type_attr(value.dtype))
            self._put(constant, value)
        if node.op == _HANDLE:
            self._freeze_takers(node.name, value.dtype)

    def _freeze_takers(self, handle: str, dtype: DataType) -> None:
        """Have all who take a handle take a value."""
        waiting = [handle]
        seen = {handle}
        while waiting:
            for name in self._taken.get(waiting.pop(), ()):
                node = self._draft.original(name)
                if name in seen or node is None or mark_of(node.definition) is Mark.CONSTANT:
                    continue
                seen.add(name)
                if self._freeze_taker(node, handle, dtype):
                    waiting.append(name)

    def _in_loop(self, taker: NodeDef) -> bool:
        """Tell whether a handle comes into a loop before a node takes it."""
        name, seen = producer(taker.input[0]), set[str]()
        while name not in seen:
            seen.add(name)
            found = self._draft.original(name)
            if found is None or not found.definition.input:
                return False
            if found.op == "Enter":
                return True
            name = producer(found.definition.input[0])
        return False

    def _freeze_taker(self, node: Node, handle: str, dtype: DataType) -> bool:
        """Have one node take a value; tell whether it hands the value on."""
        definition = node.definition
        if mark_of(definition) is Mark.ADDED or all(map(is_control, definition.input)):
            return False
        if node.op == "ReadVariableOp":
            self._draft.replace(node.name, _identity(definition))
        elif node.op == "ResourceGather":
            self._draft.replace(node.name, *_gather(definition, in_loop=self._in_loop(definition)))
        elif node.op == "ResourceGatherNd":
            self._draft.replace(node.name, _gather_nd(definition))
        elif node.op in _INTERMEDIATE and definition.attr["T"].type == _RESOURCE:
            changed = self._draft.change(node.name)
            changed.attr["T"].type = int(dtype)
            changed.attr.pop(OUTPUT_SHAPES, None)
            return True
        elif node.op not in _ONLY_ABOUT:
            raise UnsupportedGraphError(
                f"node {node.name!r} ({node.op}) takes the variable {handle!r} itself, for which "
                "a constant cannot stand; give outputs that do not need it with --outputs",
                node_name=node.name,
                op=node.op,
            )
        return False


def _constant_of(definition: NodeDef, value: Value) -> NodeDef:
    """Return the constant, still without its value, that a node was."""
    constant = build_node(
        definition.name,
        "Const",
        [text for text in definition.input if is_control(text)],
        device=definition.device,
        dtype=type_attr(value.dtype),
    )
    for key, attr in definition.attr.items():
        if key == KEPT_OUTPUT_SHAPES:
            constant.attr[OUTPUT_SHAPES].CopyFrom(attr)
        elif key == OUTPUT_SHAPES and definition.op == _HANDLE:
            continue  # of the handle, as TensorFlow 1 writes it when it saves
        elif key.startswith("_") and key != MARK:
            constant.attr[key].CopyFrom(attr)
    return constant


def _with_value(constant: NodeDef, value: Value) -> Pieces:
    """Return a Const node with its value, the elements of which are streamed."""
    tensor = TensorProto(dtype=value.dtype, tensor_shape=shape_message(value.shape))
    if value.content is None:
        tensor.string_val.extend(value.strings)
        constant.attr["value"].tensor.CopyFrom(tensor)
        return Pieces.of(constant.SerializeToString())
    return constant_pieces(constant, tensor, value.content)


def _identity(read: NodeDef) -> NodeDef:
    """Return the Identity that a read becomes: all of it, where it was one before."""
    if mark_of(read) is Mark.READ:
        identity = type(read)()
        identity.CopyFrom(read)
        identity.op = "Identity"
        identity.attr["T"].CopyFrom(read.attr["dtype"])
        for key in ("dtype", MARK):
            del identity.attr[key]
        return identity
    identity = build_node(read.name, "Identity", read.input[:1], T=read.attr["dtype"])
    _keep_place(read, identity)
    return identity


def _gather(gather: NodeDef, *, in_loop: bool) -> tuple[NodeDef, NodeDef]:
    """Return what looks rows of a value up, and the constant that says: rows.

    In a loop the constant waits for the value, which has it be of the same loop.
    """
    if gather.attr["batch_dims"].i:
        raise UnsupportedGraphError(
            f"node {gather.name!r} looks rows of a variable up with batch_dims "
            f"{gather.attr['batch_dims'].i}, which freezing has no node for",
            node_name=gather.name,
            op=gather.op,
        )
    indices = gather.attr["Tindices"]
    waits = [f"^{producer(gather.input[0])}"] if in_loop else []
    axis = build_node(f"{gather.name}/axis", "Const", waits, dtype=indices)
    axis.attr["value"].tensor.dtype = indices.type
    axis.attr["value"].tensor.tensor_shape.SetInParent()
    field = "int64_val" if indices.type == _INT64 else "int_val"
    getattr(axis.attr["value"].tensor, field).append(0)
    inputs = [gather.input[0], gather.input[1], axis.name]
    node = build_node(
        gather.name,
        "GatherV2",
        inputs,
        Tparams=gather.attr["dtype"],
        Tindices=indices,
        Taxis=indices,
    )
    _keep_place(gather, node)
    return node, axis


def _gather_nd(gather: NodeDef) -> NodeDef:
    node = build_node(
        gather.name,
        "GatherNd",
        gather.input[:2],
        Tparams=gather.attr["dtype"],
        Tindices=gather.attr["Tindices"],
    )
    _keep_place(gather, node)
    return node


def _keep_place(old: NodeDef, new: NodeDef) -> None:
    if "_class" in old.attr:
        new.attr["_class"].CopyFrom(old.attr["_class"])


def _originals(nodes: Iterable[Node]) -> dict[tuple[str, ...], str]:
    """Return nodes without a mark by their op and inputs."""
    copies = {_likeness(node.definition) for node in nodes if mark_of(node.definition) is Mark.COPY}
    return {
        likeness: node.name
        for node in nodes
        if MARK not in node.definition.attr and (likeness := _likeness(node.definition)) in copies
    }


def _likeness(node: NodeDef) -> tuple[str, ...]:
    return (node.op, *node.input)


def _settled(tensor: str, redirected: Mapping[str, str]) -> str:
    """Return where a way ends that may go on through more nodes that were added."""
    for _ in range(len(redirected)):
        if tensor not in redirected:
            break
        tensor = redirected[tensor]
    return tensor
