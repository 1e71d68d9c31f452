"""Graphs in text form: the same nodes as from bytes, one after the other.

    GraphDef        node*   library   versions   …
    library         function*   gradient*
    function        signature   node_def*   ret*   …
    MetaGraphDef    meta_info_def   graph_def   saver_def   …
    SavedModel      saved_model_schema_version   meta_graphs*

Values of tensors become bytes in memory as they are read; nothing else is held
but one node's text. From a node with large values the tensors are cut out, as
from one in binary form: see `pbckpt.graph.node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.errors import InvalidGraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Graph, Limits
from pbckpt.graph.library import Function, Library, within_function
from pbckpt.graph.limits import NodeCount
from pbckpt.graph.meta_graph import MetaGraph, check_count, choose
from pbckpt.graph.node import TOKEN, WHOLE_NODE_BYTES, Node
from pbckpt.graph.text import END, TextCursor, TextField
from pbckpt.graph.text_pieces import TextPieces
from pbckpt.graph.text_tensor import read_tensor
from pbckpt.protos import (
    FunctionDef,
    FunctionDefLibrary,
    GraphDef,
    MetaGraphDef,
    NodeDef,
    TensorProto,
)
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pbckpt.graph.source import GraphSource

# The fields on the way from a node to a tensor that is an attribute's value.
_WAY_TO_TENSOR = (b"attr", b"value", b"tensor")


def decode_text_graph(source: GraphSource, limits: Limits = DEFAULT_LIMITS) -> Graph:
    """Decode the text form of a GraphDef.

    Raises what `pbckpt.graph.decode.decode_graph` raises, with the line in the
    message of GraphDecodeError.
    """
    cursor = TextCursor(source)
    graph = _GraphText(cursor, source.name, limits)
    return graph.finish(graph.nodes(END))


def decode_text_meta_graph(source: GraphSource, limits: Limits = DEFAULT_LIMITS) -> MetaGraph:
    """Decode the text form of a MetaGraphDef."""
    return _meta_graph(TextCursor(source), END, source.name, limits)


def decode_text_saved_model(
    source: GraphSource, limits: Limits = DEFAULT_LIMITS, tags: tuple[str, ...] | None = None
) -> MetaGraph:
    """Decode the graph with just these tags of a SavedModel in text form.

    The text is read twice: which tags there are is known at its end.
    """
    cursor = TextCursor(source)
    found = list(_tagged(cursor, source.name))
    _, position, closer = found[choose([tags for tags, _, _ in found], tags, source.name)]
    cursor.position = position
    return _meta_graph(cursor, closer, source.name, limits)


def _tagged(cursor: TextCursor, name: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield the tags of each graph, where its message begins, and what closes that."""
    number = 0
    while (field := cursor.field(END)) is not None:
        if field.name == b"meta_graphs":
            for closer in cursor.messages(field):
                number += 1
                check_count(number, name)
                start = cursor.position
                yield _tags(cursor, closer), start, closer
        else:
            cursor.skip()
        cursor.separator()


def _tags(cursor: TextCursor, closer: int) -> tuple[str, ...]:
    infos = TextPieces(MetaGraphDef, cursor)
    while (field := cursor.field(closer)) is not None:
        if field.name == b"meta_info_def":
            infos.take(field)
            infos.settle()
        else:
            cursor.skip()
        cursor.separator()
    return tuple(infos.message().meta_info_def.tags)


def _meta_graph(cursor: TextCursor, closer: int, name: str, limits: Limits) -> MetaGraph:
    graph = _GraphText(cursor, name, limits)
    rest = TextPieces(MetaGraphDef, cursor)

    def nodes() -> Iterator[Node]:
        while (field := cursor.field(closer)) is not None:
            if field.name == b"graph_def":
                for inner in cursor.messages(field):
                    yield from graph.nodes(inner)
            else:
                rest.take(field)
                rest.settle()
            cursor.separator()

    decoded = graph.finish(nodes())
    message = rest.message()
    return MetaGraph(tuple(message.meta_info_def.tags), decoded, message)


class _GraphText:
    """A graph that is being read: what it has beside the nodes that were read so far."""

    def __init__(self, cursor: TextCursor, name: str, limits: Limits) -> None:
        self._cursor = cursor
        self._name = name
        self._count = NodeCount(name, limits)
        self._listed = Library()
        self._rest = TextPieces(GraphDef, cursor)
        self._library: TextPieces[FunctionDefLibrary] | None = None

    def nodes(self, closer: int) -> Iterator[Node]:
        """Yield the nodes of the GraphDef that the cursor is in, and note all else of it."""
        return _nodes(self._cursor, closer, b"node", self._other)

    def finish(self, nodes: Iterator[Node]) -> Graph:
        """Return the graph of all nodes."""
        found = self._count.collect(nodes)
        rest = self._rest.message()
        if self._library is not None:
            rest.library.MergeFrom(self._library.message())
            rest.library.SetInParent()
        return Graph(self._name, found, rest, self._listed.functions())

    def _other(self, field: TextField) -> None:
        if field.name == b"library":
            for closer in self._cursor.messages(field):
                self._read_library(closer)
        else:
            self._rest.take(field)
            self._rest.settle()

    def _read_library(self, closer: int) -> None:
        cursor = self._cursor
        self._library = self._library or TextPieces(FunctionDefLibrary, cursor)
        while (field := cursor.field(closer)) is not None:
            if field.name == b"function":
                for inner in cursor.messages(field):
                    self._listed.add(self._function(inner))
            else:
                self._library.take(field)
                self._library.settle()
            cursor.separator()

    def _function(self, closer: int) -> Function:
        cursor = self._cursor
        rest = TextPieces(FunctionDef, cursor)

        def other(field: TextField) -> None:
            rest.take(field)
            rest.settle()

        self._count.add_function()
        try:
            nodes = self._count.collect(_nodes(cursor, closer, b"node_def", other))
        except InvalidGraphError as error:
            raise within_function(error, rest.message()) from None
        definition = rest.message()
        return Function.of(definition.SerializeToString(), definition, nodes)


def _nodes(
    cursor: TextCursor, closer: int, name: bytes, other: Callable[[TextField], None]
) -> Iterator[Node]:
    """Yield the nodes of a message, which are its fields of that name."""
    while (field := cursor.field(closer)) is not None:
        if field.name == name:
            for inner in cursor.messages(field):
                yield _node(cursor, inner)
        else:
            other(field)
        cursor.separator()


def _node(cursor: TextCursor, closer: int) -> Node:
    pieces = TextPieces(NodeDef, cursor)
    tensors: list[bytearray] = []
    _cut_out_tensors(cursor, closer, _WAY_TO_TENSOR, pieces, tensors)
    definition = pieces.message()
    spans: tuple[Span, ...] = ()
    if sum(map(len, tensors)) > WHOLE_NODE_BYTES:
        spans = tuple(map(Span.of, tensors))
    elif tensors:
        _put_back(definition, tensors)
    span = Span.of(definition.SerializeToString())
    return Node(definition.name, definition.op, definition, span, spans, is_cut=bool(spans))


def _cut_out_tensors(
    cursor: TextCursor,
    closer: int,
    way: tuple[bytes, ...],
    pieces: TextPieces[NodeDef],
    tensors: list[bytearray],
) -> None:
    """Gather a message's text with a token for each tensor; at most three levels deep."""
    step = way[0]
    while (field := cursor.field(closer)) is not None:
        if field.name != step:
            pieces.take(field)
        else:
            for inner in cursor.messages(field):
                pieces.put(step + b" {", field)
                if len(way) > 1:
                    _cut_out_tensors(cursor, inner, way[1:], pieces, tensors)
                else:
                    pieces.put(_token_text(len(tensors)), field)
                    tensors.append(read_tensor(cursor, inner))
                pieces.put(b"}", field)
        if way is _WAY_TO_TENSOR:
            pieces.settle()
        cursor.separator()


def _token_text(place: int) -> bytes:
    return b'string_val: "%b"' % b"".join(b"\\%03o" % byte for byte in TOKEN.pack(place))


def _put_back(definition: NodeDef, tensors: list[bytearray]) -> None:
    """Replace the tokens of a small node by the tensors that they stand for."""
    for value in definition.attr.values():
        if value.WhichOneof("value") == "tensor":
            tokens = value.tensor.string_val
            data = b"".join(tensors[TOKEN.unpack(token)[0]] for token in tokens)
            value.tensor.CopyFrom(TensorProto.FromString(data))
