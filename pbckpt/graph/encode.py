"""Encode: nodes and graphs as bytes again, their tensors where they lie.

    GraphDef   1 node*   2 library 1 function*   …

A node that nothing changed is the span of the file that it came from; what was cut
out of a large one is put back. The result is a row of spans and its length, which
a message that holds it says before it.

Reference: tensorflow/core/framework/graph.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.node import TOKEN, Node
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.protos.decode import decode
from pbckpt.wire.fields import LENGTH
from pbckpt.wire.span import Span, Stream, chunks
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbckpt.protos import AttrValue, TensorProto

_NODE, _LIBRARY, _FUNCTION = 1, 2, 1
_FUNCTION_NODE = 3
_ATTR, _KEY, _VALUE, _TENSOR = 5, 1, 2, 8
_CONTENT = 4
_ROW_BYTES = 1 << 20


class Pieces(NamedTuple):
    """Bytes in spans and streams, and how many there are."""

    spans: tuple[Span | Stream, ...]
    nbytes: int

    @classmethod
    def of(cls, *parts: bytes | Span | Stream | Pieces) -> Pieces:
        """Return the parts as one."""
        spans: list[Span | Stream] = []
        for part in parts:
            if isinstance(part, Pieces):
                spans.extend(part.spans)
            else:
                spans.append(Span.of(part) if isinstance(part, bytes) else part)
        return cls(tuple(spans), sum(span.nbytes for span in spans))

    def chunks(self, buffer: memoryview) -> Iterator[memoryview]:
        """Yield all bytes, a buffer's length at most at a time; each until the next."""
        for piece in self.spans:
            if isinstance(piece, Stream):
                yield from piece.chunks(buffer)
            else:
                yield from chunks(iter((piece,)), buffer)


class EncodedFunction(NamedTuple):
    """A function: its nodes, and all else of it as bytes."""

    rest: bytes
    nodes: Sequence[Node | NodeDef | Pieces | bytes]


def field(number: int, content: bytes | Pieces) -> Pieces:
    """Return a field of a message: its tag, its length, its content."""
    pieces = content if isinstance(content, Pieces) else Pieces.of(content)
    head = encode_varint(number << 3 | LENGTH) + encode_varint(pieces.nbytes)
    return Pieces.of(head, pieces)


def encode_graph(
    nodes: Iterable[Node | NodeDef | Pieces | bytes],
    functions: Sequence[EncodedFunction],
    rest: GraphDef,
) -> Pieces:
    """Return a GraphDef: its nodes, its functions, and what else ``rest`` has.

    A node in pieces, or in bytes, is one that is encoded already.
    """
    others = GraphDef()
    others.CopyFrom(rest)
    has_library = others.HasField("library") or bool(functions)
    library = others.library.SerializeToString()
    others.ClearField("library")
    parts = _nodes(_NODE, nodes)
    if has_library:
        encoded = [field(_FUNCTION, _function(one)) for one in functions]
        parts.append(field(_LIBRARY, Pieces.of(*encoded, library)))
    return Pieces.of(*parts, others.SerializeToString())


def _function(function: EncodedFunction) -> Pieces:
    return Pieces.of(function.rest, *_nodes(_FUNCTION_NODE, function.nodes))


def _nodes(
    number: int, nodes: Iterable[Node | NodeDef | Pieces | bytes]
) -> list[bytes | Span | Stream | Pieces]:
    """Return nodes as fields; what is small and lies next to each other is a span of a megabyte."""
    parts: list[bytes | Span | Stream | Pieces] = []
    small = bytearray()
    tag = encode_varint(number << 3 | LENGTH)
    for node in nodes:
        if isinstance(node, Pieces) or (isinstance(node, Node) and node.tensors):
            pieces = node if isinstance(node, Pieces) else encode_node(node)
            parts += (bytes(small), tag + encode_varint(pieces.nbytes), pieces)
            small = bytearray()
            continue
        if isinstance(node, bytes):
            data: bytes | memoryview = node
        elif isinstance(node, Node):
            data = node.span.view
        else:
            data = node.SerializeToString(deterministic=True)
        small += tag + encode_varint(len(data))
        small += data
        if len(small) >= _ROW_BYTES:
            parts.append(bytes(small))
            small = bytearray()
    return [*parts, bytes(small)]


def encode_node(node: Node) -> Pieces:
    """Return the bytes of a node as it was read."""
    if not node.is_cut:
        return Pieces.of(node.span)
    rest = NodeDef()
    rest.CopyFrom(node.definition)
    values = {key: value for key, value in node.definition.attr.items() if value.HasField("tensor")}
    for key in values:
        del rest.attr[key]
    attrs = [_attr(node, key, value) for key, value in values.items()]
    return Pieces.of(rest.SerializeToString(deterministic=True), *attrs)


def _attr(node: Node, key: str, value: AttrValue) -> Pieces:
    tokens = value.tensor.string_val
    tensor = Pieces.of(*(node.tensors[TOKEN.unpack(token)[0]] for token in tokens))
    entry = Pieces.of(field(_KEY, key.encode()), field(_VALUE, field(_TENSOR, tensor)))
    return field(_ATTR, entry)


def whole_definition(node: Node) -> NodeDef:
    """Return a copy of a node's message, the tensors of a large one in it."""
    if node.tensors:
        pieces = encode_node(node)
        buffer = memoryview(bytearray(pieces.nbytes))
        return decode(NodeDef, b"".join(map(bytes, pieces.chunks(buffer))))
    copy = NodeDef()
    copy.CopyFrom(node.definition)
    return copy


def constant_pieces(node: NodeDef, tensor: TensorProto, content: Stream) -> Pieces:
    """Return the bytes of a Const node whose value is a tensor of streamed content.

    ``node`` has no attribute ``value``, ``tensor`` no elements.
    """
    whole = Pieces.of(
        tensor.SerializeToString(),
        encode_varint(_CONTENT << 3 | LENGTH) + encode_varint(content.nbytes),
        content,
    )
    entry = Pieces.of(field(_KEY, b"value"), field(_VALUE, field(_TENSOR, whole)))
    return Pieces.of(node.SerializeToString(deterministic=True), field(_ATTR, entry))
