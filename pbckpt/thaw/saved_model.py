"""SavedModel in the form of TensorFlow 1: a thawed graph with signatures, as bytes.

    SavedModel   1 saved_model_schema_version   2 meta_graphs*
    MetaInfoDef  4 tags*

TensorFlow 2 loads it too. What it must not have is an object graph, be it empty: by that
TensorFlow 2 tells its own form.

Reference: tensorflow/core/protobuf/saved_model.proto; what loaders need of it was tried
on 1.15 and 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.graph.encode import Pieces, field
from pbckpt.protos import MetaGraphDef, SavedModel
from pbckpt.thaw.graph import GraphFile
from pbckpt.thaw.meta_graph import check_size, meta_graph_pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pbckpt.thaw.graph import ThawedGraph
    from pbckpt.thaw.signature import Signature

_META_GRAPHS = 2
_SCHEMA_VERSION = 1
SERVE = "serve"
"""The tag of a graph that is there to be run."""


def encode_saved_model(thawed: ThawedGraph, signatures: Mapping[str, Signature]) -> Pieces:
    """Return the bytes of a saved_model.pb file.

    Raises UnsupportedGraphError where they are more than protobuf reads.
    """
    rest = MetaGraphDef(
        meta_info_def=MetaGraphDef.MetaInfoDef(tags=[SERVE]),
        signature_def={key: one.definition() for key, one in signatures.items()},
    )
    return saved_model_pieces(meta_graph_pieces(thawed, rest))


def saved_model_pieces(meta_graph: Pieces) -> Pieces:
    """Return the bytes of a SavedModel of one MetaGraphDef."""
    head = SavedModel(saved_model_schema_version=_SCHEMA_VERSION).SerializeToString()
    return check_size(Pieces.of(head, field(_META_GRAPHS, meta_graph)), GraphFile.SAVED_MODEL)
