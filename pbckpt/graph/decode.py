"""GraphDef: the nodes of a frozen graph, without its weights in memory.

    GraphDef   1 node*   2 library   3 version   4 versions   5 debug_info
    NodeDef    1 name   2 op   3 input*   4 device   5 attr*
    attr       1 key   2 AttrValue -> 8 tensor -> TensorProto

Each node is decoded by protobuf on its own, so a file has no limit of 2 GiB.
From a large node the tensors are cut out first: what protobuf then decodes is
the node with a short token in place of each tensor, and a token stands for a
span of the file. Protobuf's own rules, such as the last of two equal attr keys
winning, decide which tokens survive, so the result is what protobuf would
decode from the whole.

Reference: tensorflow/core/framework/graph.proto and node_def.proto.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pbckpt.errors import GraphDecodeError, InvalidGraphError, LimitError
from pbckpt.graph.tensor_proto import (
    CONTENT_FIELD,
    ConstantTensor,
    TensorParts,
    decode_tensor,
    split_tensor,
)
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.wire.fields import LENGTH, Field, read_field, scan
from pbckpt.wire.span import Span
from pbckpt.wire.varint import VarintError, decode_varint, encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.protos import FunctionDef

# Up to this size protobuf decodes a whole node faster than a scan finds the
# tensors in it.
WHOLE_NODE_BYTES = 16 << 10
_GRAPH_NODE, _NODE_ATTR, _ATTR_VALUE, _VALUE_TENSOR = 1, 5, 2, 8
_NODE_TAG = _GRAPH_NODE << 3 | LENGTH
_TOKEN = struct.Struct("<I")
# A token rides in string_val (field 8), which is repeated: when protobuf merges
# two tensors, the tokens of both survive, in order.
_TOKEN_FIELD = bytes((8 << 3 | LENGTH, _TOKEN.size))
_RELEASE_BYTES = 32 << 20
_ROW_BYTES = 256 << 10


class GraphSource(Protocol):
    """A mapped file: bytes at offsets, and pages that can be given back."""

    @property
    def name(self) -> str:
        """What to call the source in a message."""

    @property
    def view(self) -> memoryview:
        """All bytes, to look at in place."""

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        """Return ``nbytes`` bytes at ``offset``, in ``buffer`` or in place."""

    def release_pages(self, start: int, end: int) -> None:
        """Give back the memory of the mapped bytes ``start`` to ``end``."""


class Limits(NamedTuple):
    """What a graph may ask for at most; LimitError beyond it.

    ``max_nodes`` bounds the number of nodes, and ``max_expanded_bytes`` what
    repeated values and zeros of all variables together may grow to: a few
    bytes can claim to be a tensor of any size.
    """

    max_nodes: int = 10_000_000
    max_expanded_bytes: int = 4 << 30


DEFAULT_LIMITS = Limits()


class Node(NamedTuple):
    """A node and its bytes. In ``definition`` of a large one, tokens stand for ``tensors``."""

    name: str
    op: str
    definition: NodeDef
    span: Span
    tensors: tuple[Span, ...] = ()

    def tensor_parts(self) -> TensorParts | None:
        """Return the TensorProto of the attr ``value``, or None where there is none."""
        value = self.definition.attr.get("value")
        if value is None or value.WhichOneof("value") != "tensor":
            return None
        if self.tensors:
            tokens = value.tensor.string_val
            return split_tensor([self.tensors[_TOKEN.unpack(token)[0]] for token in tokens])
        if value.tensor.tensor_content:
            content = Span.of(value.tensor.tensor_content)
            return TensorParts(value.tensor, {CONTENT_FIELD: [content]})
        # Typed values are read where they lie: a runtime that holds them as
        # Python floats has made one NaN of all.
        try:
            return _decode_large_node(self.span).tensor_parts()
        except ProtoDecodeError:
            msg = "a node that decoded before and does not now"
            raise GraphDecodeError(msg, offset=self.span.offset) from None

    def constant(self) -> ConstantTensor:
        """Return the value of a Const node.

        Raises InvalidGraphError where the node has none, or where its type is
        not the one of its attr ``dtype``; both are what TensorFlow refuses.
        """
        parts = self.tensor_parts()
        if parts is None:
            raise InvalidGraphError("a constant without a value", node_name=self.name)
        declared = self.definition.attr.get("dtype")
        if declared is None or declared.type != parts.message.dtype:
            msg = (
                f"the attr dtype is type number {declared.type if declared else 0}, "
                f"the value's is {parts.message.dtype}"
            )
            raise InvalidGraphError(msg, node_name=self.name)
        return decode_tensor(parts, self.name)


class Function(NamedTuple):
    """A function of the library: its body, what goes in and what comes out.

    ``arguments`` are names that inputs of the body's nodes refer to, without
    ``:k``; ``returns`` are tensors of the body such as ``node:output:0``, or an
    argument's name, in the order of the signature.
    """

    name: str
    nodes: tuple[Node, ...]
    arguments: tuple[str, ...]
    returns: tuple[str, ...]


class Graph(NamedTuple):
    """A decoded GraphDef: its nodes, its functions, everything else of it as a message."""

    source_name: str
    nodes: tuple[Node, ...]
    rest: GraphDef
    functions: tuple[Function, ...] = ()


def decode_graph(source: GraphSource, limits: Limits = DEFAULT_LIMITS) -> Graph:
    """Decode all nodes of a GraphDef, in file order.

    Raises GraphDecodeError for bytes that protobuf would not decode,
    InvalidGraphError for nodes without a name or op or with the name of
    another, LimitError for more nodes than allowed.
    """
    nodes: dict[str, Node] = {}
    rest = bytearray()
    for node in _decode_nodes(source, rest):
        if not node.name or not node.op or node.name in nodes:
            raise _misnamed(node, len(nodes))
        nodes[node.name] = node
        if len(nodes) > limits.max_nodes:
            msg = f"{source.name}: the number of nodes"
            raise LimitError(msg, limit="max_nodes", value=len(nodes), maximum=limits.max_nodes)
    try:
        whole = decode(GraphDef, bytes(rest))
    except ProtoDecodeError:
        msg = "a function library or version that does not decode"
        raise GraphDecodeError(msg, offset=0) from None
    functions = tuple(_function(definition) for definition in whole.library.function)
    return Graph(source.name, tuple(nodes.values()), whole, functions)


def _function(definition: FunctionDef) -> Function:
    signature = definition.signature
    return Function(
        signature.name,
        tuple(
            Node(node.name, node.op, node, Span.of(node.SerializeToString()))
            for node in definition.node_def
        ),
        tuple(argument.name for argument in signature.input_arg),
        tuple(definition.ret.get(argument.name, "") for argument in signature.output_arg),
    )


def _misnamed(node: Node, number: int) -> InvalidGraphError:
    if node.name and node.op:
        return InvalidGraphError("another node has the same name", node_name=node.name)
    return InvalidGraphError(
        f"node number {number} has no {'op' if node.name else 'name'}", node_name=node.name
    )


def _top_level(source: GraphSource) -> Iterator[Field]:
    """Yield the fields of the file, giving its pages back on the way."""
    view = source.view
    size = len(view)
    position = released = 0
    while position < size:
        # Nodes make up nearly all fields, and this loop most of the scan.
        if view[position] == _NODE_TAG:
            try:
                length, body = decode_varint(view, position + 1, size)
            except VarintError as error:
                raise GraphDecodeError(str(error), offset=position) from None
            end = body + length
            if end > size:
                msg = f"a node of {length} bytes where {size - body} are left"
                raise GraphDecodeError(msg, offset=position)
            field = Field(_GRAPH_NODE, LENGTH, position, body, end)
        else:
            field = read_field(view, position, size)
        yield field
        position = field.end
        if position - released > _RELEASE_BYTES:
            source.release_pages(released, position)
            released = position


def _decode_nodes(source: GraphSource, rest: bytearray) -> Iterator[Node]:
    """Yield the nodes, and gather the bytes of all other fields in ``rest``.

    Small nodes in a row are given to protobuf together, which costs a fifth
    less than one at a time.
    """
    row: list[Field] = []
    for field in _top_level(source):
        if _continues(source, row, field):
            row.append(field)
            continue
        yield from _decode_row(source, row)
        row = []
        if field.number != _GRAPH_NODE or field.wire_type != LENGTH:
            rest += source.view[field.start : field.end]
        elif field.end - field.body > WHOLE_NODE_BYTES or source.view[field.start] != _NODE_TAG:
            yield _decode_one(source, field)
        else:
            row.append(field)
    yield from _decode_row(source, row)


def _continues(source: GraphSource, row: list[Field], field: Field) -> bool:
    """Tell whether a field is one more small node after those of a row.

    Its tag must be the usual byte: not all runtimes know the field by another.
    """
    return (
        bool(row)
        and source.view[field.start] == _NODE_TAG
        and field.end - field.body <= WHOLE_NODE_BYTES
        and field.start == row[-1].end
        and field.end - row[0].start <= _ROW_BYTES
    )


def _decode_row(source: GraphSource, row: list[Field]) -> Iterator[Node]:
    """Decode nodes that lie one after the other; alone where one of them is damaged."""
    if not row:
        return
    try:
        graph = decode(GraphDef, bytes(source.view[row[0].start : row[-1].end]))
    except ProtoDecodeError:
        yield from (_decode_one(source, field) for field in row)
        return
    for field, definition in zip(row, graph.node, strict=True):
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
        return _TOKEN_FIELD + _TOKEN.pack(len(tensors) - 1)

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
