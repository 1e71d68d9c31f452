"""Thaw a graph: its constants become variables, and all else of it stays.

    frozen graph -> draft -> variables placed -> function arguments -> control flow
                 -> saver -> attributes -> nodes, collections

The rooms beside this one each do one of these; here is their order.
"""

from __future__ import annotations

from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError, UnsupportedGraphError
from pbckpt.graph.encode import EncodedFunction, Pieces, encode_graph, whole_definition
from pbckpt.graph.node import Node
from pbckpt.graph.outputs import output_length
from pbckpt.operators import output_lists
from pbckpt.protos import FunctionDef
from pbckpt.protos.decode import decode
from pbckpt.rewrite.build import build_node, producer
from pbckpt.rewrite.draft import Draft
from pbckpt.thaw.attributes import superfluous_attributes
from pbckpt.thaw.collections import table_initializers, variable_collections
from pbckpt.thaw.completion import complete
from pbckpt.thaw.contexts import CONTROL_FLOW_OPS, ControlFlow
from pbckpt.thaw.control_flow import control_flow_collections
from pbckpt.thaw.functions import Arguments
from pbckpt.thaw.model_function import Model, ModelFunctions
from pbckpt.thaw.place import Placement
from pbckpt.thaw.saver import add_saver
from pbckpt.thaw.variable_nodes import VariableBuilder, adopt_variables, shared_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.graph.decode import Graph
    from pbckpt.protos import NodeDef, SaverDef
    from pbckpt.thaw.signature import Signature
    from pbckpt.thaw.variable import FrozenVariable, ThawedVariable, VariableKind

OUTPUTS_COLLECTION = "pbckpt_outputs"
"""The collection of the nodes that the frozen graph ended in: freezing begins there."""
TABLES_COLLECTION = "table_initializer"
MAIN_OP_COLLECTION = "saved_model_main_op"
"""The collection of the operation that a loader of SavedModels runs first."""
_MAIN_OP = "init_all_tables"
# A note of an optimizer to itself, with which TensorFlow 2 saves no function.
_SPECIALIZED = "_GrapplerSpecializedFunc"


class GraphFile(Enum):
    """What a graph is written as.

    A SavedModel has its values beside it, and fills its tables as it is loaded: variables
    that were never frozen, which have no value, are not among its own. One of TensorFlow 2,
    OBJECTS, has each signature as a function besides.
    """

    META = "meta"
    SAVED_MODEL = "saved_model"
    OBJECTS = "objects"

    @property
    def advice(self) -> str:
        """What to do where it cannot be written."""
        if self is GraphFile.META:
            return "leave the .meta file out with --no-meta"
        return "write a checkpoint with --format name"


class ThawedGraph(NamedTuple):
    """A graph with its variables back.

    ``graph`` is its GraphDef. ``messages`` are collections of messages, ``names``
    collections of the names of nodes. ``left`` are variables that stay constants,
    each with the reason. ``signatures`` are those of a SavedModel, ``model`` has their
    functions.
    """

    graph: Pieces
    saver: SaverDef
    variables: tuple[ThawedVariable, ...]
    messages: Mapping[str, Sequence[bytes]]
    names: Mapping[str, Sequence[str]]
    left: Mapping[str, str]
    signatures: Mapping[str, Signature]
    model: Model = Model()


def thaw_graph(
    graph: Graph,
    variables: Sequence[FrozenVariable],
    kind: VariableKind,
    file: GraphFile = GraphFile.META,
    signatures: Mapping[str, Signature] | None = None,
) -> ThawedGraph:
    """Put variables in the places of the tensors that have their values.

    ``signatures`` are those of the graph as it was.

    Raises LimitError for functions that pass on more variables to each other than any
    model does, and for loops and branches with more in them; UnsupportedGraphError where
    no variable can be put in; SelectionError for a signature that feeds a variable.
    """
    thawing = _Thawing(graph, variables, kind)
    thawing.place()
    if not thawing.placed:
        raise _nothing_thawed(thawing.left, file)
    messages = thawing.collections(file)
    told = {key: thawing.signature(one) for key, one in (signatures or {}).items()}
    model = thawing.model(told) if file is GraphFile.OBJECTS else Model()
    saver = add_saver(thawing.draft, tuple(thawing.placed.values()))
    tables = table_initializers(node for node in graph.nodes if node.name in thawing.draft)
    names = {OUTPUTS_COLLECTION: _sinks(graph), TABLES_COLLECTION: tables}
    if tables and file is not GraphFile.META:
        names[MAIN_OP_COLLECTION] = [_add_main_op(thawing.draft, tables)]
    return ThawedGraph(
        thawing.encoded(list(model.encoded()), file),
        saver,
        (*thawing.placed.values(), *thawing.kept),
        messages,
        {name: nodes for name, nodes in names.items() if nodes},
        thawing.left,
        told,
        model,
    )


class _Thawing:
    """A graph on the way: its draft, and the variables that are in it by now.

    ``placed`` are they by the names that were wanted, ``kept`` those that were never
    frozen.
    """

    def __init__(
        self, graph: Graph, variables: Sequence[FrozenVariable], kind: VariableKind
    ) -> None:
        _refuse_names(graph)
        self.draft = Draft(graph.nodes)
        self.placed: dict[str, ThawedVariable] = {}
        self.kept: list[ThawedVariable] = []
        self._graph = graph
        self._variables = variables
        self._kind = kind
        self._has_control_flow = any(node.op in CONTROL_FLOW_OPS for node in graph.nodes)
        in_functions: dict[str, list[FrozenVariable]] = {}
        for variable in variables:
            if variable.function:
                in_functions.setdefault(variable.function, []).append(variable)
        self._arguments = Arguments(graph, in_functions) if in_functions else None
        self.left = self._arguments.closed if self._arguments else {}

    def place(self) -> None:
        """Put all variables in, and have everybody who takes them take them."""
        builder = VariableBuilder(self.draft, self._kind, shared_names(self._graph))
        control_flow = ControlFlow(self.draft.definitions()) if self._has_control_flow else None
        own = [one.tensor for one in self._variables if one.is_in_graph]
        placement = Placement(builder, control_flow, own)
        for variable in _in_order(self._graph, self._variables):
            if variable.name not in self.left:
                put = placement.put if variable.is_in_graph else placement.add
                self.placed[variable.name] = put(variable)
        placement.finish()
        self.kept = adopt_variables(builder, self._graph)
        if self._arguments:
            self._arguments.pass_from_main(
                self.draft,
                lambda one, caller: placement.read_for(self.placed[one.name], caller),
            )

    def collections(self, file: GraphFile) -> dict[str, list[bytes]]:
        """Return the collections of messages; control flow is completed for them."""
        kept = self.kept if file is GraphFile.META else ()
        found = variable_collections((*self.placed.values(), *kept))
        if self._has_control_flow:
            completed = complete(self.draft)
            found |= control_flow_collections(completed, _OutputCounts(self._graph))
        return found

    def signature(self, signature: Signature) -> Signature:
        """Return a signature of the graph as it is now: who gives a constant gives its variable.

        Raises SelectionError for one that feeds a variable.
        """
        values = {one.name: one.snapshot for one in self.placed.values() if one.is_resource}
        names = {one.name for one in self.placed.values()}
        for port in (*signature.inputs, *signature.outputs):
            if producer(port.tensor) not in self.draft:
                raise SelectionError(
                    f"{port.tensor!r} only led to the value of a variable, which is there in its "
                    "place; name another tensor, or leave the variable out with --exclude"
                )
        for port in signature.inputs:
            if producer(port.tensor) in names:
                raise SelectionError(
                    f"the input {port.tensor!r} is a variable now, which nothing feeds; leave it "
                    "a constant with --exclude, or out of --inputs"
                )
        outputs = tuple(
            port._replace(tensor=f"{values[name]}:0")
            if (name := producer(port.tensor)) in values
            else port
            for port in signature.outputs
        )
        return signature._replace(outputs=outputs)

    def model(self, signatures: Mapping[str, Signature]) -> Model:
        """Return the functions of signatures, and the tables that those take."""
        made = ModelFunctions(map(_portable, self.draft), self._graph.functions)
        functions = [made.make(key, one) for key, one in signatures.items()]
        return Model(tuple(functions), tuple(made.tables(functions)))

    def encoded(self, more: Sequence[EncodedFunction], file: GraphFile) -> Pieces:
        """Return the GraphDef as it is now, with more functions than it has."""
        graph = self._graph
        functions = [
            self._arguments.encoded(one)
            if self._arguments
            else EncodedFunction(one.rest, one.nodes)
            for one in graph.functions
        ]
        portable = [_portable_function(one, file) for one in functions]
        # What thawing puts in has none of the attributes that 1.15 would refuse.
        nodes = (
            node if isinstance(node, bytes) else _portable(node) for node in self.draft.encoded()
        )
        return encode_graph(nodes, [*portable, *more], graph.rest)


def _refuse_names(graph: Graph) -> None:
    """Raise UnsupportedGraphError for nodes whose names are no names: they say something else."""
    for node in chain(graph.nodes, *(function.nodes for function in graph.functions)):
        if ":" in node.name or node.name.startswith("^"):
            raise UnsupportedGraphError(
                f"no node of TensorFlow can be called {node.name!r}: as an input that names "
                "another; give the graph of another tool",
                node_name=node.name,
                op=node.op,
            )


def _add_main_op(draft: Draft, tables: Sequence[str]) -> str:
    """Add the operation that fills all tables, and return its name."""
    name = draft.fresh(_MAIN_OP)
    draft.add(build_node(name, "NoOp", [f"^{table}" for table in tables]))
    return name


def _nothing_thawed(left: Mapping[str, str], file: GraphFile) -> UnsupportedGraphError:
    """Return why there is no graph: a saver saves one variable at least."""
    reasons = [f": {name!r} cannot, since {reason}" for name, reason in left.items()][:1]
    return UnsupportedGraphError(
        f"none of the variables can be put into the graph{''.join(reasons)}; {file.advice}",
        kind="meta_graph",
    )


def _sinks(graph: Graph) -> list[str]:
    """Return the nodes that no node takes anything of, or waits for."""
    taken = {producer(text) for node in graph.nodes for text in node.definition.input}
    return [node.name for node in graph.nodes if node.name not in taken]


def _in_order(graph: Graph, variables: Iterable[FrozenVariable]) -> list[FrozenVariable]:
    """Return the variables in the order of the nodes that have their values, others last."""
    places = {node.name: place for place, node in enumerate(graph.nodes)}
    last = len(places)
    return sorted(variables, key=lambda one: places.get(producer(one.tensor), last))


def _portable(node: Node | NodeDef) -> Node | NodeDef:
    """Return a node without the attributes that TensorFlow 1.15 would refuse for nothing."""
    definition = node.definition if isinstance(node, Node) else node
    superfluous = superfluous_attributes(definition)
    if not superfluous:
        return node
    changed = whole_definition(node) if isinstance(node, Node) else node
    for name in superfluous:
        del changed.attr[name]
    return changed


def _portable_function(function: EncodedFunction, file: GraphFile) -> EncodedFunction:
    """Return a function with portable nodes, and as TensorFlow 2 saves it again."""
    nodes = [
        node if isinstance(node, (Pieces, bytes)) else _portable(node) for node in function.nodes
    ]
    if file is GraphFile.META or _SPECIALIZED.encode() not in function.rest:
        return function._replace(nodes=nodes)
    definition = decode(FunctionDef, function.rest)
    definition.attr.pop(_SPECIALIZED, None)
    return EncodedFunction(definition.SerializeToString(deterministic=True), nodes)


class _OutputCounts:
    """Tells how many outputs nodes have."""

    def __init__(self, graph: Graph) -> None:
        self._functions = {function.name: len(function.returns) for function in graph.functions}

    def __call__(self, node: NodeDef) -> int:
        if node.op in self._functions:
            return self._functions[node.op]
        number, lists = output_lists(node.op)
        return number + sum(output_length(node, name) for name in lists)
