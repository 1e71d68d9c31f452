"""SavedModel: a thawed graph with signatures, as bytes.

    SavedModel   1 saved_model_schema_version   2 meta_graphs*
    MetaInfoDef  4 tags*

TensorFlow 2 loads the form of TensorFlow 1 too, and tells its own by the object graph:
the first form must not have that field, be it empty. The second has the same graph with
the same signatures, which is what servers and TensorFlow 1 load, and each signature as a
function besides.

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
    from pbckpt.protos import SavedObjectGraph
    from pbckpt.thaw.graph import ThawedGraph

_META_GRAPHS = 2
_SCHEMA_VERSION = 1
SERVE = "serve"
"""The tag of a graph that is there to be run."""


def encode_saved_model(thawed: ThawedGraph, objects: SavedObjectGraph | None = None) -> Pieces:
    """Return the bytes of a saved_model.pb file; with ``objects`` it is one of TensorFlow 2.

    Raises UnsupportedGraphError where they are more than protobuf reads.
    """
    rest = MetaGraphDef(
        meta_info_def=MetaGraphDef.MetaInfoDef(tags=[SERVE]),
        signature_def={key: one.definition() for key, one in thawed.signatures.items()},
    )
    if objects is not None:
        rest.object_graph_def.CopyFrom(objects)
    head = SavedModel(saved_model_schema_version=_SCHEMA_VERSION).SerializeToString()
    graphs = field(_META_GRAPHS, meta_graph_pieces(thawed, rest))
    return check_size(Pieces.of(head, graphs), GraphFile.SAVED_MODEL)
