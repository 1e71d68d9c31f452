"""Nodes: each decoded on its own, from a large one the tensors cut out first.

    NodeDef    1 name   2 op   3 input*   4 device   5 attr*
    attr       1 key   2 AttrValue -> 8 tensor -> TensorProto

What protobuf decodes of a large node is the node with a short token in place of
each tensor, and a token stands for a span of the file. Protobuf's own rules,
such as the last of two equal attr keys winning, decide which tokens survive, so
the result is what protobuf would decode from the whole.

Nodes lie in a graph and, under another number, in the body of a function:
`NodeField` tells the two apart.

Reference: tensorflow/core/framework/node_def.proto.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pbckpt.errors import GraphDecodeError, InvalidGraphError
from pbckpt.graph.tensor_proto import (
    CONTENT_FIELD,
    TensorParts,
    decode_plain_tensor,
    decode_tensor,
    parts_of_message,
    split_tensor,
)
from pbckpt.protos import NodeDef
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.wire.fields import LENGTH, Field, read_field, scan
from pbckpt.wire.span import Span
from pbckpt.wire.varint import VarintError, decode_varint, encode_varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.graph.source import GraphSource
    from pbckpt.protos import AttrValue, TensorProto

# Up to this size protobuf decodes a whole node faster than a scan finds the
# tensors in it.
WHOLE_NODE_BYTES = 16 << 10
TOKEN = struct.Struct("<I")
"""What stands for a tensor that was cut out: its place among a node's tensors."""

_NODE_ATTR, _ATTR_VALUE, _VALUE_TENSOR = 5, 2, 8
# A token rides in string_val (field 8), which is repeated: when protobuf merges
# two tensors, the tokens of both survive, in order.
_TOKEN_FIELD = bytes((8 << 3 | LENGTH, TOKEN.size))
_RELEASE_BYTES = 32 << 20
_ROW_BYTES = 256 << 10


class Node(NamedTuple):
    """A node and its bytes. In ``definition`` of a large one, tokens stand for ``tensors``.

    ``is_cut``: they do in the bytes of ``span`` as well, as in what comes of a text.
    """

    name: str
    op: str
    definition: NodeDef
    span: Span
    tensors: tuple[Span, ...] = ()
    is_cut: bool = False

    def tensor_parts(self) -> TensorParts | None:
        """Return the TensorProto of the attr ``value``, or None where there is none."""
        value = self.definition.attr.get("value")
        return _parts(value, self) if value is not None and value.HasField("tensor") else None

    def constant(self) -> ConstantTensor:
        """Return the value of a Const node.

        Raises InvalidGraphError where the node has none, or where its type is
        not the one of its attr ``dtype``; both are what TensorFlow refuses.
        """
        value = self.definition.attr.get("value")
        if value is None or not value.HasField("tensor"):
            raise InvalidGraphError("a constant without a value", node_name=self.name)
        if not self.tensors:
            self._check_dtype(value.tensor)
            plain = decode_plain_tensor(value.tensor, self.name)
            if plain is not None:
                return plain
        parts = _parts(value, self)
        self._check_dtype(parts.message)
        return decode_tensor(parts, self.name)

    def _check_dtype(self, tensor: TensorProto) -> None:
        declared = self.definition.attr.get("dtype")
        number = declared.type if declared is not None else 0
        if declared is None or number != tensor.dtype:
            msg = f"the attr dtype is type number {number}, the value's is {tensor.dtype}"
            raise InvalidGraphError(msg, node_name=self.name)


def _parts(value: AttrValue, node: Node) -> TensorParts:
    """Return the TensorProto in a node's attr, taken apart."""
    if node.tensors:
        tokens = value.tensor.string_val
        return split_tensor(node.tensors[TOKEN.unpack(token)[0]] for token in tokens)
    message = value.tensor
    if content := message.tensor_content:
        return TensorParts(message, {CONTENT_FIELD: [Span.of(content)]})
    parts = parts_of_message(message)
    if parts is not None:
        return parts
    # These are read where they lie: a runtime that holds them as Python
    # floats has made one NaN of all.
    try:
        cut = _decode_large_node(node.span)
    except ProtoDecodeError:
        msg = "a node that decoded before and does not now"
        raise GraphDecodeError(msg, offset=node.span.offset) from None
    return _parts(cut.definition.attr["value"], cut)


class NodeField(NamedTuple):
    """Where a message keeps its nodes, and how protobuf decodes several fields of them."""

    number: int
    definitions: Callable[[bytes], Sequence[NodeDef]]

    @property
    def tag(self) -> int:
        """The byte before a node."""
        return self.number << 3 | LENGTH


def fields_of(source: GraphSource, start: int, end: int, tag: int) -> Iterator[Field]:
    """Yield the fields of a message in the file, giving its pages back on the way.

    ``tag`` is that of the fields which make up nearly all of it.
    """
    view = source.view
    number = tag >> 3
    position = released = start
    while position < end:
        # These fields are most of the scan, and this is most of the time.
        if view[position] == tag:
            try:
                length, body = decode_varint(view, position + 1, end)
            except VarintError as error:
                raise GraphDecodeError(str(error), offset=position) from None
            stop = body + length
            if stop > end:
                msg = f"a field of {length} bytes where {end - body} are left"
                raise GraphDecodeError(msg, offset=position)
            field = Field(number, LENGTH, position, body, stop)
        else:
            field = read_field(view, position, end)
        yield field
        position = field.end
        if position - released > _RELEASE_BYTES:
            source.release_pages(released, position)
            released = position


def decode_nodes(
    source: GraphSource, start: int, end: int, kind: NodeField, other: Callable[[Field], None]
) -> Iterator[Node]:
    """Yield the nodes of a message in the file; its other fields are given to ``other``.

    Small nodes in a row are given to protobuf together, which costs a fifth
    less than one at a time.
    """
    view, tag = source.view, kind.tag
    row: list[Field] = []
    for field in fields_of(source, start, end, tag):
        # In a row each tag must be the usual byte: not all runtimes know the
        # field by another.
        small = field.end - field.body <= WHOLE_NODE_BYTES and view[field.start] == tag
        if row and small and field.start == row[-1].end and field.end - row[0].start <= _ROW_BYTES:
            row.append(field)
            continue
        if row:
            yield from _decode_row(source, row, kind)
            row = []
        if small:
            row.append(field)
        elif field.number == kind.number and field.wire_type == LENGTH:
            yield _decode_one(source, field)
        else:
            other(field)
    if row:
        yield from _decode_row(source, row, kind)


def _decode_row(source: GraphSource, row: list[Field], kind: NodeField) -> Iterator[Node]:
    """Decode nodes that lie one after the other; alone where one of them is damaged."""
    try:
        definitions = kind.definitions(bytes(source.view[row[0].start : row[-1].end]))
    except ProtoDecodeError:
        yield from (_decode_one(source, field) for field in row)
        return
    for field, definition in zip(row, definitions, strict=True):
        span = Span(source, field.body, field.end - field.body)
        yield Node(definition.name, definition.op, definition, span)


def _decode_one(source: GraphSource, field: Field) -> Node:
    """Decode a node by itself, so that an error says where it is."""
    span = Span(source, field.body, field.end - field.body)
    try:
        if span.nbytes > WHOLE_NODE_BYTES:
            return _decode_large_node(span)
        definition = decode(NodeDef, bytes(span.view))
    except ProtoDecodeError:
        raise GraphDecodeError("a node that does not decode", offset=field.start) from None
    return Node(definition.name, definition.op, definition, span)


def _decode_large_node(span: Span) -> Node:
    tensors: list[Span] = []
    definition = decode(NodeDef, _cut_out_tensors(span, tensors))
    for tensor in tensors:
        split_tensor([tensor])
    return Node(definition.name, definition.op, definition, span, tuple(tensors))


def _cut_out_tensors(node: Span, tensors: list[Span]) -> bytes:
    """Return a NodeDef's bytes with a token for each tensor in its attrs."""
    source = node.source

    def value(field: Field) -> bytes:
        return _rewrite(source.view, field, _VALUE_TENSOR, token)

    def attr(field: Field) -> bytes:
        return _rewrite(source.view, field, _ATTR_VALUE, value)

    def token(field: Field) -> bytes:
        tensors.append(Span(source, field.body, field.end - field.body))
        return _TOKEN_FIELD + TOKEN.pack(len(tensors) - 1)

    whole = Field(0, LENGTH, node.offset, node.offset, node.offset + node.nbytes)
    return _rewrite(source.view, whole, _NODE_ATTR, attr)


def _rewrite(view: memoryview, message: Field, number: int, replace: _Replace) -> bytes:
    """Return a message's bytes with the payload of each field ``number`` replaced."""
    out = bytearray()
    for field in scan(view, message.body, message.end):
        if field.number == number and field.wire_type == LENGTH:
            payload = replace(field)
            out += encode_varint(number << 3 | LENGTH) + encode_varint(len(payload)) + payload
        else:
            out += view[field.start : field.end]
    return bytes(out)


class _Replace(Protocol):
    def __call__(self, field: Field, /) -> bytes: ...
