"""MetaGraphDef: a thawed graph with its saver and its collections, as bytes.

    MetaGraphDef  1 meta_info_def   2 graph_def   3 saver_def   4 collection_def*
                  5 signature_def*

Reference: tensorflow/core/protobuf/meta_graph.proto; what TensorFlow needs of it was
tried on 1.15 and 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.errors import UnsupportedGraphError
from pbckpt.graph.encode import Pieces, field
from pbckpt.protos import MetaGraphDef
from pbckpt.thaw.graph import GraphFile

if TYPE_CHECKING:
    from pbckpt.thaw.graph import ThawedGraph

_GRAPH = 2
_MAX_MESSAGE = (1 << 31) - 1


def encode_meta_graph(thawed: ThawedGraph) -> Pieces:
    """Return the bytes of a .meta file.

    Raises UnsupportedGraphError where they are more than protobuf reads.
    """
    return check_size(meta_graph_pieces(thawed, MetaGraphDef()), GraphFile.META)


def meta_graph_pieces(thawed: ThawedGraph, rest: MetaGraphDef) -> Pieces:
    """Return a MetaGraphDef of a thawed graph, and of what else ``rest`` has."""
    rest.saver_def.CopyFrom(thawed.saver)
    for name, messages in thawed.messages.items():
        rest.collection_def[name].bytes_list.value.extend(messages)
    for name, nodes in thawed.names.items():
        rest.collection_def[name].node_list.value.extend(nodes)
    return Pieces.of(field(_GRAPH, thawed.graph), rest.SerializeToString(deterministic=True))


def check_size(pieces: Pieces, file: GraphFile) -> Pieces:
    """Return the bytes of a file; raise UnsupportedGraphError for more than protobuf reads."""
    if pieces.nbytes > _MAX_MESSAGE:
        raise UnsupportedGraphError(
            f"the graph alone takes {pieces.nbytes} bytes, of which TensorFlow reads up to "
            f"{_MAX_MESSAGE} in a file: constants that are no variables are that large; "
            f"{file.advice}",
            kind="meta_graph",
        )
    return pieces
