from __future__ import annotations

from pbckpt.graph.decode import decode_graph
from pbckpt.graph.encode import (
    EncodedFunction,
    Pieces,
    encode_graph,
    encode_node,
    field,
    whole_definition,
)
from pbckpt.graph.node import WHOLE_NODE_BYTES
from pbckpt.graph.text_graph import decode_text_graph
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.wire.span import Span
from tests.unit.variables.graphs import Source, const, function, graph, graph_def, node


def data_of(pieces: Pieces) -> bytes:
    data = b"".join(map(bytes, pieces.chunks(memoryview(bytearray(1 << 16)))))
    assert len(data) == pieces.nbytes
    return data


def large(name: str = "w") -> NodeDef:
    made = const(name, WHOLE_NODE_BYTES)
    made.attr["value"].tensor.tensor_content = bytes(range(256)) * (WHOLE_NODE_BYTES // 64)
    made.attr["_class"].list.s.append(b"loc:@w")
    return made


def test_pieces_are_parts_in_a_row() -> None:
    pieces = Pieces.of(b"ab", Span.of(b"c"), Pieces.of(b"de", b"f"))
    assert (data_of(pieces), pieces.nbytes, len(pieces.spans)) == (b"abcdef", 6, 4)


def test_a_field_says_how_long_it_is() -> None:
    assert data_of(field(1, b"abc")) == b"\x0a\x03abc"
    assert data_of(field(2, Pieces.of(b"a" * 100, b"b" * 100)))[:3] == b"\x12\xc8\x01"


def test_a_graph_comes_back_byte_for_byte() -> None:
    made = graph_def(const("w", 2), node("Relu", "y", "w"), functions=[function("f", ["x"], ["x"])])
    made.versions.producer = 134
    made.library.gradient.add(function_name="f", gradient_func="g")
    decoded = decode_graph(Source(made.SerializeToString()))
    functions = [EncodedFunction(one.rest, one.nodes) for one in decoded.functions]
    found = data_of(encode_graph(decoded.nodes, functions, decoded.rest))
    assert GraphDef.FromString(found) == made


def test_a_graph_without_a_library_has_none() -> None:
    found = data_of(encode_graph([node("NoOp", "n")], [], GraphDef()))
    assert found == b"\x0a\x09\x0a\x01n\x12\x04NoOp"
    assert not GraphDef.FromString(found).HasField("library")


def test_an_empty_library_stays() -> None:
    rest = GraphDef()
    rest.library.SetInParent()
    assert data_of(encode_graph([], [], rest)) == b"\x12\x00"
    assert rest.HasField("library")


def test_the_nodes_of_a_function_are_behind_its_rest() -> None:
    rest = function("f", ["x"], ["x"]).SerializeToString()
    found = data_of(encode_graph([], [EncodedFunction(rest, [node("NoOp", "n")])], GraphDef()))
    [made] = GraphDef.FromString(found).library.function
    assert made == function("f", ["x"], ["x"], node("NoOp", "n"))


def test_small_neighbours_are_one_span() -> None:
    decoded = graph(const("a", 2), const("b", 2), const("c", 2))
    pieces = encode_graph([decoded.nodes[0], node("NoOp", "n"), decoded.nodes[2]], [], GraphDef())
    assert sum(span.nbytes > 0 for span in pieces.spans) == 1
    nodes = GraphDef.FromString(data_of(pieces)).node
    assert list(nodes) == [const("a", 2), node("NoOp", "n"), const("c", 2)]


def test_a_large_node_stays_where_it_lies() -> None:
    decoded = graph(const("a", 2), large(), const("b", 2))
    pieces = encode_graph(decoded.nodes, [], decoded.rest)
    assert GraphDef.FromString(data_of(pieces)) == graph_def(const("a", 2), large(), const("b", 2))
    assert decoded.nodes[1].tensors
    source = decoded.nodes[1].span.source
    assert any(isinstance(one, Span) and one.source is source for one in pieces.spans)
    assert whole_definition(decoded.nodes[1]) == large()


def test_a_large_node_of_a_text_is_put_together_again() -> None:
    content = "\\001\\002\\003\\377" * WHOLE_NODE_BYTES
    text = (
        'node { name: "w" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } '
        'attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: '
        f'{WHOLE_NODE_BYTES} }} }} tensor_content: "{content}" }} }} }} }}\n'
        'node { name: "y" op: "Relu" input: "w" }'
    )
    decoded = decode_text_graph(Source(text.encode()))
    first = NodeDef.FromString(data_of(encode_node(decoded.nodes[0])))
    assert first.attr["value"].tensor.tensor_content == b"\1\2\3\xff" * WHOLE_NODE_BYTES
    assert [one.size for one in first.attr["value"].tensor.tensor_shape.dim] == [WHOLE_NODE_BYTES]
    assert whole_definition(decoded.nodes[0]) == first
    found = GraphDef.FromString(data_of(encode_graph(decoded.nodes, [], decoded.rest)))
    assert list(found.node) == [first, node("Relu", "y", "w")]


def test_a_definition_that_is_changed_is_a_copy() -> None:
    decoded = graph(const("a", 2)).nodes[0]
    whole_definition(decoded).name = "b"
    assert decoded.definition.name == "a"
