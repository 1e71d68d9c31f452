"""Freeze: variables become constants, and what only trained, saved and restored goes.

    VarHandleOp w, VariableV2 w     Const w
    ReadVariableOp w/read           Identity w/read
    ResourceGather                  GatherV2, and a Const NAME/axis
    Switch, Enter, Merge, Identity  of a resource: of its values

The nodes are those that TensorFlow's convert_variables_to_constants gives, in the order
that they were in: of a variable the type and the value are left, of a read the type and
where it is placed.

What thawing has marked becomes what it was, whatever TensorFlow would make of it: see
`pbckpt.rewrite.build.Mark`. So a graph that was thawed and frozen again is the same graph.

Reference: tensorflow/python/framework/graph_util_impl.py and convert_to_constants.py.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import UnsupportedGraphError
from pbckpt.freezing.body import Body, Place
from pbckpt.freezing.functions import AddedArguments
from pbckpt.freezing.marks import Origins, undo_marks
from pbckpt.freezing.special import SpecialFunctions
from pbckpt.freezing.takers import Carried, turn_takers
from pbckpt.graph.encode import Pieces, constant_pieces, encode_graph
from pbckpt.graph.node import Node
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.protos import TensorProto
from pbckpt.rewrite.build import (
    HANDLE_OP,
    KEPT_OUTPUT_SHAPES,
    MARK,
    OUTPUT_SHAPES,
    SEPARATOR,
    Mark,
    build_node,
    is_control,
    producer,
    shape_message,
    type_attr,
)
from pbckpt.rewrite.draft import Draft
from pbckpt.rewrite.reach import leading_to

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.graph.decode import Graph
    from pbckpt.graph.encode import EncodedFunction
    from pbckpt.protos import GraphDef, NodeDef
    from pbckpt.wire.span import Stream


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
    graph: Graph,
    outputs: Iterable[str],
    value_of: Callable[[str], Value | None],
    *,
    of_objects: Collection[str] = (),
) -> FrozenNodes:
    """Return the part of a graph that leads to some nodes, with constants for variables.

    ``value_of`` gives the value of the variable of that node name; None keeps a
    variable that was one when the graph was thawed. ``of_objects`` are the functions
    that objects call, which a frozen graph has not.

    Raises UnsupportedGraphError for a node that takes a variable and cannot take its
    value.
    """
    ends = frozenset(outputs)
    freezing = _Freezing(graph, ends, value_of)
    nodes = freezing.nodes()
    freezing.check(ends)
    functions, rest = freezing.library(of_objects)
    encoded = encode_graph(nodes, functions, rest)
    return FrozenNodes(encoded, tuple(freezing.frozen), len(nodes))


class _Freezing:
    """The nodes of a graph, each becoming what it is when frozen.

    ``frozen`` are the names of those that became constants.
    """

    def __init__(
        self,
        graph: Graph,
        outputs: frozenset[str],
        value_of: Callable[[str], Value | None],
    ) -> None:
        kept = leading_to(graph.nodes, outputs)
        self._nodes = [node for node in graph.nodes if node.name in kept]
        self.frozen: list[str] = []
        self._draft = Draft(self._nodes)
        self._origins = Origins(self._draft)
        added = AddedArguments(graph, self._origins.of_tensor)
        added.take_from(self._draft)
        self._functions = SpecialFunctions(graph, added)
        self._undone = undo_marks(self._draft, self._nodes, outputs)
        self._value_of = cache(value_of)
        self._values: dict[str, Value] = {}
        self._graph = graph

    def nodes(self) -> list[Node | NodeDef | Pieces]:
        """Return the frozen nodes."""
        undone = self._undone
        carried: dict[Place, Carried] = {}
        for node in self._nodes:
            mark = undone.marks.get(node.name)
            if mark is Mark.CONSTANT:
                self._to_constant(node.name, self._origins.of_node(node))
            elif node.op in VARIABLE_OPS and node.name not in undone.removed:
                value = self._freeze_variable(node, mark)
                if value is not None:
                    is_handle = node.op == HANDLE_OP
                    carried[Place(node.name)] = Carried(value.dtype, value.shape, is_handle)
        if carried:
            body = Body(self._draft, self._functions.results_of)
            turn_takers(body, undone, carried, self._functions)
        undone.rewire()
        return [self._encoded(item) for item in self._draft]

    def _encoded(self, item: Node | NodeDef) -> Node | NodeDef | Pieces:
        definition = item.definition if isinstance(item, Node) else item
        value = self._values.get(definition.name)
        return item if value is None else _with_value(definition, value)

    def check(self, outputs: Iterable[str]) -> None:
        """Raise UnsupportedGraphError for a node that takes what is not there."""
        names = {definition.name for definition in self._draft.definitions()}
        for definition in self._draft.definitions():
            for text in definition.input:
                if producer(text) not in names:
                    raise UnsupportedGraphError(
                        f"node {definition.name!r} ({definition.op}) takes {text!r}, which is not "
                        "in the frozen graph; give other outputs with --outputs",
                        node_name=definition.name,
                        op=definition.op,
                    )
        lost = [name for name in outputs if name not in names]
        if lost:
            raise UnsupportedGraphError(
                f"the output {lost[0]!r} is not in the frozen graph; give others with --outputs",
                node_name=lost[0],
            )

    def _to_constant(self, name: str, variable: str) -> Value | None:
        """Have a node be the constant again that it was."""
        value = self._value_of(variable)
        if value is None:
            return None
        constant = _constant_of(self._draft.look(name), value)
        constant.input.extend(self._undone.controls.get(name, ()))
        self._put(constant, value)
        return value

    def library(self, of_objects: Collection[str]) -> tuple[list[EncodedFunction], GraphDef]:
        """Return the functions, with the constants that they had, and all else of the graph."""
        was_thawed = any(MARK in node.definition.attr for node in self._graph.nodes)
        before = self._graph.nodes if was_thawed else None
        found = self._functions.encoded(self._draft, self._constant_in_function, before)
        if was_thawed:
            found = {name: one for name, one in found.items() if name not in of_objects}
        return list(found.values()), self._functions.kept_gradients(self._graph.rest, found)

    def _constant_in_function(
        self, function: str, definition: NodeDef, variable: str
    ) -> Pieces | None:
        value = self._value_of(variable)
        if value is None:
            return None
        self.frozen.append(f"{function}{SEPARATOR}{definition.name}")
        return _with_value(_constant_of(definition, value), value)

    def _put(self, constant: NodeDef, value: Value) -> None:
        self._values[constant.name] = value
        self.frozen.append(constant.name)
        self._draft.replace(constant.name, constant)

    def _freeze_variable(self, node: Node, mark: Mark | None) -> Value | None:
        value = self._value_of(node.name)
        if value is None:
            changed = self._draft.change(node.name)
            changed.attr.pop(MARK, None)
            if mark is Mark.NAMED:
                changed.attr["shared_name"].s = b""
        elif mark is Mark.VARIABLE:
            self._to_constant(node.name, node.name)
        else:
            self._put(build_node(node.name, "Const", dtype=type_attr(value.dtype)), value)
        return value


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
        # TensorFlow says of a handle too what shape it has, when it saves: no dimensions.
        is_of_handle = key == OUTPUT_SHAPES and definition.op == HANDLE_OP
        if key == KEPT_OUTPUT_SHAPES:
            constant.attr[OUTPUT_SHAPES].CopyFrom(attr)
        elif key.startswith("_") and key != MARK and not is_of_handle:
            constant.attr[key].CopyFrom(attr)
    return constant


def _with_value(constant: NodeDef, value: Value) -> Pieces:
    """Return a Const node with its value, the elements of which are streamed."""
    tensor = TensorProto(dtype=value.dtype, tensor_shape=shape_message(value.shape))
    if value.content is None:
        tensor.string_val.extend(value.strings)
        constant.attr["value"].tensor.CopyFrom(tensor)
        return Pieces.of(constant.SerializeToString(deterministic=True))
    return constant_pieces(constant, tensor, value.content)
