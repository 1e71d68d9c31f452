"""GraphDef: the nodes of a graph and of its functions, without its weights in memory.

    GraphDef   1 node*   2 library   3 version   4 versions   5 debug_info

Each node is decoded by protobuf on its own, so a file has no limit of 2 GiB,
and tensors of large nodes stay in the file: see `pbckpt.graph.node`. The graph
may be a part of a larger file, such as a SavedModel.

Reference: tensorflow/core/framework/graph.proto.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import GraphDecodeError
from pbckpt.graph.library import Function, Library, decode_functions
from pbckpt.graph.limits import DEFAULT_LIMITS, Limits, NodeCount
from pbckpt.graph.node import Node, NodeField, decode_nodes
from pbckpt.graph.source import GraphSource
from pbckpt.protos import GraphDef
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.wire.fields import LENGTH, Field
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.protos import NodeDef

__all__ = [
    "DEFAULT_LIMITS",
    "Function",
    "Graph",
    "GraphSource",
    "Limits",
    "Node",
    "decode_graph",
    "decode_parts",
]
_GRAPH_LIBRARY = 2


class Graph(NamedTuple):
    """A decoded GraphDef: its nodes, its functions, everything else of it as a message."""

    source_name: str
    nodes: tuple[Node, ...]
    rest: GraphDef
    functions: tuple[Function, ...] = ()


def decode_graph(
    source: GraphSource, limits: Limits = DEFAULT_LIMITS, start: int = 0, end: int | None = None
) -> Graph:
    """Decode all nodes of the GraphDef at ``start`` to ``end`` of a file, in file order.

    Raises GraphDecodeError for bytes that protobuf would not decode,
    InvalidGraphError for nodes without a name or op or with the name of
    another, and for functions with the name of a different one, LimitError for
    more nodes than allowed.
    """
    return decode_parts(source, limits, [(start, len(source.view) if end is None else end)])


def decode_parts(source: GraphSource, limits: Limits, parts: Iterable[tuple[int, int]]) -> Graph:
    """Decode a GraphDef that lies in several parts, as a field that is given twice does."""
    count = NodeCount(source.name, limits)
    library = Library()
    rest, library_rest = bytearray(), bytearray()
    has_library = False
    rest_start = 0

    def other(field: Field) -> None:
        nonlocal rest, rest_start, has_library
        if field.number == _GRAPH_LIBRARY and field.wire_type == LENGTH:
            has_library = True
            for function in decode_functions(source, field, count, library_rest):
                library.add(function)
        else:
            rest_start = rest_start if rest else field.start
            rest += source.view[field.start : field.end]

    nodes = count.collect(
        chain.from_iterable(
            decode_nodes(source, start, end, GRAPH_NODES, other) for start, end in parts
        )
    )
    if has_library:
        rest += encode_varint(_GRAPH_LIBRARY << 3 | LENGTH) + encode_varint(len(library_rest))
        rest += library_rest
    try:
        whole = decode(GraphDef, bytes(rest))
    except ProtoDecodeError:
        msg = "a function library or version that does not decode"
        raise GraphDecodeError(msg, offset=rest_start) from None
    return Graph(source.name, nodes, whole, library.functions())


def _definitions(data: bytes) -> Sequence[NodeDef]:
    return decode(GraphDef, data).node


GRAPH_NODES = NodeField(1, _definitions)
