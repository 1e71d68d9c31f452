"""Thaw a graph: its constants become variables, and all else of it stays.

    frozen graph -> draft -> variables placed -> function arguments -> control flow
                 -> saver -> attributes -> nodes, collections

The rooms beside this one each do one of these; here is their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.encode import EncodedFunction, encode_graph, whole_definition
from pbckpt.graph.node import Node
from pbckpt.graph.still_variables import variable_nodes
from pbckpt.operators import output_lists
from pbckpt.thaw.attributes import superfluous_attributes
from pbckpt.thaw.build import producer
from pbckpt.thaw.collections import table_initializers, variable_collections
from pbckpt.thaw.completion import complete
from pbckpt.thaw.contexts import CONTROL_FLOW_OPS, ControlFlow
from pbckpt.thaw.control_flow import control_flow_collections
from pbckpt.thaw.draft import Draft
from pbckpt.thaw.functions import Arguments
from pbckpt.thaw.place import Placement
from pbckpt.thaw.saver import add_saver
from pbckpt.thaw.variable import FrozenVariable
from pbckpt.variables.variable import is_trainable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.graph.decode import Graph
    from pbckpt.graph.encode import Pieces
    from pbckpt.protos import NodeDef, SaverDef
    from pbckpt.thaw.variable import ThawedVariable, VariableKind

# More than any node has, and few enough to be listed.
_MAX_OUTPUTS = 1 << 16


class ThawedGraph(NamedTuple):
    """A graph with its variables back.

    ``graph`` is its GraphDef. ``messages`` are collections of messages, ``names``
    collections of the names of nodes. ``left`` are variables that stay constants,
    each with the reason.
    """

    graph: Pieces
    saver: SaverDef
    variables: tuple[ThawedVariable, ...]
    messages: Mapping[str, Sequence[bytes]]
    names: Mapping[str, Sequence[str]]
    left: Mapping[str, str]


def thaw_graph(
    graph: Graph, variables: Sequence[FrozenVariable], kind: VariableKind
) -> ThawedGraph:
    """Put variables in the places of the tensors that have their values.

    Raises LimitError for functions that pass on more variables to each other than any
    model does.
    """
    draft = Draft(graph.nodes)
    in_functions: dict[str, list[FrozenVariable]] = {}
    for variable in variables:
        function = variable.tensor.rpartition("::")[0]
        if function:
            in_functions.setdefault(function, []).append(variable)
    arguments = Arguments(graph, in_functions) if in_functions else None
    left = arguments.closed if arguments else {}
    has_control_flow = any(node.op in CONTROL_FLOW_OPS for node in graph.nodes)
    control_flow = ControlFlow(draft.definitions()) if has_control_flow else None
    own = [one.tensor for one in variables if one.tensor and "::" not in one.tensor]
    placement = Placement(draft, control_flow, kind, own)
    placed = {}
    for variable in _in_order(graph, variables):
        if variable.name not in left:
            is_own = variable.tensor and "::" not in variable.tensor
            placed[variable.name] = (placement.put if is_own else placement.add)(variable)
    placement.finish()
    kept = [placement.adopt(one) for one in _still_variables(graph)]
    functions = [EncodedFunction(one.rest, one.nodes) for one in graph.functions]
    if arguments:
        arguments.pass_from_main(
            draft, lambda one, caller: placement.read_for(placed[one.name], caller)
        )
        functions = [arguments.encoded(function) for function in graph.functions]
    thawed = tuple(placed.values())
    messages = variable_collections((*thawed, *kept))
    if has_control_flow:
        completed = complete(draft)
        messages |= control_flow_collections(completed, _OutputCounts(graph))
    saver = add_saver(draft, thawed)
    tables = table_initializers(draft.definitions())
    functions = [one._replace(nodes=list(_portable(one.nodes))) for one in functions]
    encoded = encode_graph(_portable(draft), functions, graph.rest)
    names = {"table_initializer": tables} if tables else {}
    return ThawedGraph(encoded, saver, thawed, messages, names, left)


def _still_variables(graph: Graph) -> Iterator[FrozenVariable]:
    """Yield the variables that the graph has still, as far as their types and shapes are known."""
    for one in variable_nodes(graph.nodes):
        if one.dtype is not None and one.shape is not None and min(one.shape, default=0) >= 0:
            is_trained = is_trainable(one.dtype, None, one.node)
            yield FrozenVariable(
                one.node, one.node, one.node, one.dtype, one.shape, is_trained, one.dtype
            )


def _in_order(graph: Graph, variables: Iterable[FrozenVariable]) -> list[FrozenVariable]:
    """Return the variables in the order of the nodes that have their values, others last."""
    places = {node.name: place for place, node in enumerate(graph.nodes)}
    last = len(places)
    return sorted(variables, key=lambda one: places.get(producer(one.tensor), last))


def _portable(nodes: Iterable[Node | NodeDef]) -> Iterator[Node | NodeDef]:
    """Yield nodes without the attributes that TensorFlow 1.15 would refuse for nothing."""
    for node in nodes:
        definition = node.definition if isinstance(node, Node) else node
        superfluous = superfluous_attributes(definition)
        if superfluous:
            changed = whole_definition(node) if isinstance(node, Node) else node
            for name in superfluous:
                del changed.attr[name]
            yield changed
        else:
            yield node


class _OutputCounts:
    """Tells how many outputs nodes have."""

    def __init__(self, graph: Graph) -> None:
        self._functions = {function.name: len(function.returns) for function in graph.functions}

    def __call__(self, node: NodeDef) -> int:
        if node.op in self._functions:
            return self._functions[node.op]
        number, lists = output_lists(node.op)
        return number + sum(_length(node, name) for name in lists)


def _length(node: NodeDef, name: str) -> int:
    """Return how long the list of outputs is that an attribute tells of."""
    value = node.attr.get(name)
    if value is None:
        return 0
    return min(value.i, _MAX_OUTPUTS) if value.WhichOneof("value") == "i" else len(value.list.type)
