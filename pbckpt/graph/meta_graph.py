"""MetaGraphDef and SavedModel: graphs inside of larger messages.

    MetaGraphDef  1 meta_info_def   2 graph_def   3 saver_def   4 collection_def*
                  5 signature_def*  6 asset_file_def*  7 object_graph_def
    MetaInfoDef   4 tags*
    SavedModel    1 saved_model_schema_version   2 meta_graphs*

The graph is decoded where it lies, as a file of its own would be; all else of a
MetaGraphDef is kept as a message, for whoever needs its saver or collections.
The tags of a graph are a set: their order says nothing.

Reference: tensorflow/core/protobuf/meta_graph.proto and saved_model.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import GraphDecodeError, LimitError, SelectionError, UnsupportedGraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Graph, Limits, decode_parts
from pbckpt.graph.node import fields_of
from pbckpt.protos import MetaGraphDef
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.wire.fields import LENGTH, Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.graph.source import GraphSource

    Tags = tuple[str, ...]

_META_INFO, _GRAPH = 1, 2
_GRAPHS = 2
MAX_GRAPHS = 1000
"""How many graphs a SavedModel may have: one for each set of tags."""
_USUAL_TAGS = frozenset(("serve",))


class MetaGraph(NamedTuple):
    """A graph, its tags, and everything else of its MetaGraphDef as a message."""

    tags: Tags
    graph: Graph
    rest: MetaGraphDef


def decode_meta_graph(
    source: GraphSource, limits: Limits = DEFAULT_LIMITS, start: int = 0, end: int | None = None
) -> MetaGraph:
    """Decode the MetaGraphDef at ``start`` to ``end`` of a file.

    Raises what `pbckpt.graph.decode.decode_graph` raises.
    """
    rest = bytearray()

    def parts() -> Iterator[tuple[int, int]]:
        nonlocal rest
        for field in _fields(source, start, len(source.view) if end is None else end, _GRAPH):
            if field.number == _GRAPH and field.wire_type == LENGTH:
                yield field.body, field.end
            else:
                rest += source.view[field.start : field.end]

    graph = decode_parts(source, limits, parts())
    message = _decode_rest(bytes(rest), start)
    return MetaGraph(tuple(message.meta_info_def.tags), graph, message)


def decode_saved_model(
    source: GraphSource, limits: Limits = DEFAULT_LIMITS, tags: Tags | None = None
) -> MetaGraph:
    """Decode the graph with just these tags of the SavedModel that a file holds.

    Raises SelectionError where there is none, or where none are given and
    several graphs could be meant; and what `decode_meta_graph` raises.
    """
    graphs = []
    for field in _fields(source, 0, len(source.view), _GRAPHS):
        if field.number == _GRAPHS and field.wire_type == LENGTH:
            graphs.append(field)
            check_count(len(graphs), source.name)
    chosen = graphs[choose([_tags(source, graph) for graph in graphs], tags, source.name)]
    return decode_meta_graph(source, limits, chosen.body, chosen.end)


def check_count(number: int, name: str) -> None:
    """Refuse more graphs than any SavedModel has: each can take as little as two bytes."""
    if number > MAX_GRAPHS:
        msg = f"{name}: the number of graphs"
        raise LimitError(msg, limit="MAX_GRAPHS", value=number, maximum=MAX_GRAPHS)


def choose(found: Sequence[Tags], tags: Tags | None, name: str) -> int:
    """Return which of the graphs with the tags ``found`` is meant.

    Where no tags are given, it is the only graph, or the one that is tagged
    ``serve`` alone.
    """
    if not found:
        msg = f"{name} is a SavedModel without a graph; export the model again"
        raise UnsupportedGraphError(msg, kind="saved_model")
    if tags is None and len(found) == 1:
        return 0
    wanted = _USUAL_TAGS if tags is None else frozenset(tags)
    for place, have in enumerate(found):
        if frozenset(have) == wanted:
            return place
    listed = tuple(",".join(have) for have in found)
    if tags is None:
        fact = f"has {len(found)} graphs, none of them tagged serve alone"
    else:
        fact = f"has no graph tagged {','.join(tags) or 'with nothing'}"
    shown = "; ".join(text or "(no tags)" for text in listed)
    msg = f"{name} {fact}; choose by --tags one of: {shown}"
    unknown = () if tags is None else (",".join(tags),)
    raise SelectionError(msg, unknown=unknown, suggestions=listed)


def _fields(source: GraphSource, start: int, end: int, number: int) -> Iterator[Field]:
    return fields_of(source, start, end, number << 3 | LENGTH)


def _tags(source: GraphSource, graph: Field) -> Tags:
    infos = bytearray()
    for field in _fields(source, graph.body, graph.end, _GRAPH):
        if field.number == _META_INFO:
            infos += source.view[field.start : field.end]
    return tuple(_decode_rest(bytes(infos), graph.start).meta_info_def.tags)


def _decode_rest(data: bytes, offset: int) -> MetaGraphDef:
    try:
        return decode(MetaGraphDef, data)
    except ProtoDecodeError:
        msg = "a MetaGraphDef whose saver, collections or signatures do not decode"
        raise GraphDecodeError(msg, offset=offset) from None
