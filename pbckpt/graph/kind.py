"""What a file is: one of the forms of a graph, or something else taken for one.

Most files that reach a converter by mistake say what they are in their first
or last bytes. The others are protobuf messages too, and those have no magic:
a SavedModel, a MetaGraphDef and an ONNX model are told from a GraphDef by the
fields that they have and by what lies in them. Text begins with the name of a
field.

Pure: a view in, a verdict out.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.errors import GraphDecodeError, UnsupportedGraphError
from pbckpt.names import INDEX_SUFFIX
from pbckpt.table.footer import MAGIC
from pbckpt.wire.fields import LENGTH, VARINT, read_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.wire.fields import Field


class GraphKind(Enum):
    """The forms in which a graph comes."""

    GRAPH = "a GraphDef"
    TEXT_GRAPH = "a text GraphDef (.pbtxt)"
    META_GRAPH = "a MetaGraphDef (.meta)"
    TEXT_META_GRAPH = "a text MetaGraphDef"
    SAVED_MODEL = "a SavedModel"
    TEXT_SAVED_MODEL = "a text SavedModel"

    @property
    def description(self) -> str:
        """What the file is, with an article."""
        return self.value

    @property
    def is_text(self) -> bool:
        """Whether it is the text form of the message."""
        return self in _TEXT_FIELDS

    @property
    def has_tags(self) -> bool:
        """Whether it holds a graph for each of several sets of tags."""
        return self in (GraphKind.SAVED_MODEL, GraphKind.TEXT_SAVED_MODEL)


# The fields that the messages have, one of which a text begins with.
_TEXT_FIELDS = {
    GraphKind.TEXT_GRAPH: b"node|library|versions|version|debug_info",
    GraphKind.TEXT_META_GRAPH: (
        b"meta_info_def|graph_def|saver_def|collection_def|signature_def|asset_file_def"
        b"|object_graph_def"
    ),
    GraphKind.TEXT_SAVED_MODEL: b"saved_model_schema_version|meta_graphs",
}


class FileKind(Enum):
    """Kinds of other files, with what to do about each."""

    EMPTY = ("an empty file", "copy or export the model again")
    CHECKPOINT_STATE = (
        "a checkpoint state file",
        "it names a checkpoint; a frozen graph is wanted here",
    )
    INDEX = (
        "the index file of a checkpoint",
        "it is a checkpoint already; use pbckpt inspect or verify on it",
    )
    V1_CHECKPOINT = (
        "a V1 checkpoint, one file without .index",
        "it is a checkpoint already; see it with pbckpt inspect, change it with pbckpt edit",
    )
    SHARD = (
        "a data file of a checkpoint",
        "it is a checkpoint already; use pbckpt inspect or verify on it",
    )
    TFLITE = ("a TensorFlow Lite model", "convert the model that it was made from")
    ONNX = ("an ONNX model", "convert the TensorFlow model that it was made from")
    HDF5 = ("an HDF5 file, such as a Keras .h5 model", "save it as a frozen graph first")
    ZIP = ("a zip archive, such as a .keras, .npz or .pt file", "unpack it first")
    GZIP = ("a gzip file", "decompress it first, for example with gunzip")
    LFS_POINTER = ("a Git LFS pointer, not the file itself", "run git lfs pull")
    HTML = ("an HTML page, not the file itself", "download the raw file")
    NUMPY = ("a numpy array file", "a frozen graph is wanted here")
    PICKLE = ("a pickle", "a frozen graph is wanted here; pbckpt never unpickles")
    TEXT = ("a text file", "a frozen graph is wanted here")

    @property
    def description(self) -> str:
        """What the file is, with an article."""
        return self.value[0]

    @property
    def advice(self) -> str:
        """The next step."""
        return self.value[1]


_MAGICS = (
    (b"\x1f\x8b", FileKind.GZIP),
    (b"PK\x03\x04", FileKind.ZIP),
    (b"PK\x05\x06", FileKind.ZIP),
    (b"\x89HDF\r\n\x1a\n", FileKind.HDF5),
    (b"\x93NUMPY", FileKind.NUMPY),
    (b"version https://git-lfs", FileKind.LFS_POINTER),
    (b"\x80\x02", FileKind.PICKLE),
    (b"\x80\x03", FileKind.PICKLE),
    (b"\x80\x04", FileKind.PICKLE),
    (b"\x80\x05", FileKind.PICKLE),
)
_SHARD_NAME = re.compile(r"\.data-\d{5,}-of-\d{5,}$")
_TFLITE_MAGIC = b"TFL3"
_TEXT_KINDS = tuple(
    (kind, re.compile(rb"\s*(?:#[^\n]*\n\s*)*(?:" + names + rb")\s*(?:#[^\n]*\n\s*)*[{<:]"))
    for kind, names in _TEXT_FIELDS.items()
)
_OP_NAME = re.compile(rb"[A-Za-z_>][A-Za-z0-9_>./]*\Z")
# The first entry of an index: no shared bytes, no key, a short value whose
# first field is the number of shards. A V1 checkpoint's begins with a message.
_HEADER_ENTRY = re.compile(rb"\0\0[\x02-\x7f]\x08")
_HEAD_BYTES = 4096
_FEW = 32
# Field numbers: SavedModel and MetaGraphDef keep graphs in field 2, NodeDef its op.
_SCHEMA_VERSION, _GRAPH, _NODE, _OP = 1, 2, 1, 2


def known_kind(view: memoryview, name: str) -> FileKind | GraphKind:
    """Return what the file is by its name, first or last bytes; else it is a GraphDef."""
    head = bytes(view[:_HEAD_BYTES])
    if not head:
        return FileKind.EMPTY
    if bytes(view[-len(MAGIC) :]) == MAGIC:
        named = name.endswith(INDEX_SUFFIX) or _HEADER_ENTRY.match(head)
        return FileKind.INDEX if named else FileKind.V1_CHECKPOINT
    if _SHARD_NAME.search(name):
        return FileKind.SHARD
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    # A flatbuffer begins with the place of its root, which is never far.
    if head[4:8] == _TFLITE_MAGIC and head[2:4] == b"\0\0":
        return FileKind.TFLITE
    return _text_kind(head) or _message_kind(view) or GraphKind.GRAPH


def _text_kind(head: bytes) -> FileKind | GraphKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<" and re.match(rb"<(!doctype|html|head|body|\?xml)", text, re.IGNORECASE):
        return FileKind.HTML
    if text.startswith((b"model_checkpoint_path", b"all_model_checkpoint_paths")):
        return FileKind.CHECKPOINT_STATE
    for kind, field in _TEXT_KINDS:
        if field.match(text):
            return kind
    # A GraphDef begins with 0a and a length, which no text does for long: it
    # would have a control character among its first tags.
    printable = not text.translate(None, bytes(range(32, 256)) + b"\t\n\r")
    return FileKind.TEXT if printable and len(text) > 1 and head[:1] != b"\n" else None


def _message_kind(view: memoryview) -> FileKind | GraphKind | None:
    """Tell other protobuf messages from a GraphDef by their first few fields."""
    fields = list(_leading_fields(view))
    if not fields:
        return None
    first = fields[0]
    if (first.number, first.wire_type) == (_SCHEMA_VERSION, VARINT):
        has_graphs = any(field.number == _GRAPH and _is_meta_graph(view, field) for field in fields)
        if has_graphs or len(fields) == 1:
            return GraphKind.SAVED_MODEL if view[first.body] == 1 else None
        return FileKind.ONNX
    if any(field.number == _GRAPH and _holds_nodes(view, field) for field in fields):
        return GraphKind.META_GRAPH
    return None


def _leading_fields(view: memoryview) -> Iterator[Field]:
    position = 0
    for _ in range(_FEW):
        if position >= len(view):
            return
        try:
            field = read_field(view, position, len(view))
        except GraphDecodeError:
            return
        yield field
        position = field.end


def _is_meta_graph(view: memoryview, field: Field) -> bool:
    """Tell whether a field holds a MetaGraphDef: one of its first fields 2 holds nodes."""
    if field.wire_type != LENGTH:
        return False
    inner = _leading_fields(view[field.body : field.end])
    return any(
        part.number == _GRAPH and _holds_nodes(view[field.body : field.end], part) for part in inner
    )


def _holds_nodes(view: memoryview, field: Field) -> bool:
    """Tell whether a field holds a GraphDef: its field 1 has a name and, as field 2, an op."""
    if field.wire_type != LENGTH:
        return False
    graph = view[field.body : field.end]
    first = next(_leading_fields(graph), None)
    if first is None or (first.number, first.wire_type) != (_NODE, LENGTH):
        return False
    node = graph[first.body : first.end]
    return any(
        part.number == _OP
        and part.wire_type == LENGTH
        and _OP_NAME.match(bytes(node[part.body : part.end]))
        for part in _leading_fields(node)
    )


def graph_kind(view: memoryview, name: str) -> GraphKind:
    """Return in which form a file holds a graph.

    Raises UnsupportedGraphError, naming what the file is, where it is known to
    hold none.
    """
    kind = known_kind(view, name)
    if isinstance(kind, FileKind):
        msg = f"{name} is {kind.description}; {kind.advice}"
        raise UnsupportedGraphError(msg, kind=kind.name.lower())
    return kind
