"""What is read from text must be what protobuf parses from the whole."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import pytest
from google.protobuf import text_format

from pbckpt.dtypes import DataType
from pbckpt.errors import GraphDecodeError, InvalidGraphError, LimitError, PbckptError
from pbckpt.graph.decode import Limits
from pbckpt.graph.text_graph import decode_text_graph, decode_text_meta_graph
from pbckpt.protos import GraphDef
from pbckpt.wire.span import Span
from tests.unit.graph.test_decode import (
    Seen,
    SeenFunction,
    Source,
    is_unique,
    seen_by_protobuf,
    seen_function,
    seen_in,
    without_nodes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.graph.decode import Graph

RICH = rb"""# A graph with something of everything that text can be.
node: < name: "a" 'b' # two strings are one
 op: "Const"; attr { key: "value", value: { tensor { dtype: DT_FLOAT
   tensor_shape { dim { size: 2 } } float_val: [1, 3.5, -inf] float_val: 1.5f, float_val : nan ;
   float_val:1e3 tensor_content: "\001\"x\n" # and here
   'yy\x41' } } } >
library { function { signature { name: "f" input_arg { name: "x" } }
   node_def { name: "q" op: "NoOp" } ret { key: "a" value: "b" } }
   gradient { function_name: "f" } }
node { name: "i" op: "Const" attr { key: "value" value { tensor { dtype: DT_INT32
   int_val: 010 int_val: -1 int_val: 0x7f int64_val: 5 bool_val: true bool_val: f
   string_val: "s" string_val: ["t", "\303\251"] half_val: 3 uint64_val: 18446744073709551615
   double_val: -0.0 scomplex_val: 1 scomplex_val: 2 dcomplex_val: [] uint32_val: 7
   float8_val: "<" version_number: 3 } } } attr { key: "T" value { type: DT_INT32 } } }
node [ { name: "l" op: "NoOp" }, { name: "m" op: "NoOp" input: ["l", "^i"] } ]
versions { producer: 27 }
"""


def decode(text: bytes) -> Graph:
    return decode_text_graph(Source(text))


class Read(NamedTuple):
    """All of a graph."""

    nodes: list[Seen]
    functions: list[SeenFunction]
    rest: bytes


def read_by_protobuf(text: bytes) -> Read | None:
    graph = GraphDef()
    try:
        text_format.Merge(text.decode(), graph)
    except (text_format.ParseError, ValueError):
        return None
    functions = []
    for function in graph.library.function:
        if not is_unique(function.node_def, [one.name for one in function.signature.input_arg]):
            return None
        nodes = seen_by_protobuf(GraphDef(node=function.node_def))
        function.ClearField("node_def")
        functions.append(SeenFunction(nodes, function.SerializeToString(deterministic=True)))
    if not is_unique(graph.node):
        return None
    return Read(seen_by_protobuf(graph), functions, without_nodes(graph))


def read_by_us(text: bytes) -> Read | None:
    try:
        graph = decode(text)
        functions = [seen_function(function) for function in graph.functions]
        rest = graph.rest.SerializeToString(deterministic=True)
        return Read(seen_in(graph.nodes), functions, rest)
    except PbckptError:
        return None


@pytest.fixture(params=[0, 16 << 10], ids=["cut out", "whole"])
def _cut_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.graph.text_graph.WHOLE_NODE_BYTES", request.param)


pytestmark = pytest.mark.usefixtures("_cut_out")


def test_a_graph_with_something_of_everything() -> None:
    read = read_by_us(RICH)
    assert read is not None
    assert len(read.nodes) == 4
    assert read == read_by_protobuf(RICH)


def damaged() -> Iterable[bytes]:
    yield from (RICH[:length] for length in range(len(RICH)))
    for position in range(len(RICH)):
        for other in (b"", b"}", b'"', b"#"):
            yield RICH[:position] + other + RICH[position + 1 :]


def test_damage_gives_an_error_or_what_protobuf_parses() -> None:
    graphs = errors = 0
    for text in damaged():
        if b"\\}" in text or b"\\#" in text:
            continue  # escapes that only some parsers refuse
        expected = read_by_protobuf(text)
        assert read_by_us(text) == expected, text.decode()
        graphs += expected is not None
        errors += expected is None
    assert graphs > 300
    assert errors > 2000


def const(body: str, op: str = "Const") -> bytes:
    text = 'node {{ name: "w" op: "{}" attr {{ key: "dtype" value {{ type: DT_FLOAT }} }} '
    text += 'attr {{ key: "value" value {{ tensor {{ dtype: DT_FLOAT {} }} }} }} }}'
    return text.format(op, body).encode()


def value(body: str) -> bytes:
    (node,) = decode(const(body)).nodes
    return b"".join(bytes(span.view) for span in node.constant().spans())


SHAPE = "tensor_shape { dim { size: 2 } }"
CONTENTS = {
    "octal": (r'"\000\000\200?\177\001\n\""', b'\0\0\x80?\x7f\1\n"'),
    "octal of fewer digits": (r'"\0\1\12\7x\7\7"', b"\0\1\n\7x\7\7"[:8]),
    "hexadecimal": (r'"\x00\xfF\xabcd\xe"', b"\0\xff\xabcd\x0e"),
    "letters": (r'"\a\b\f\n\r\t\v\\"', b"\a\b\f\n\r\t\v\\"),
    "quotes": (r""" "\'\"'" '"a\\' """, b"'\"'\"a\\" + b""),
    "strings that are joined": ("'ab' \"cd\"\n 'ef' # no more\n\"gh\"", b"abcdefgh"),
    "no escapes": ('"abcdefgh"', b"abcdefgh"),
    "not ASCII": ('"ééab"', b"\xc3\xa9\xc3\xa9ab"),
    "beyond the first plane": (r'"\u00e9\U0001f600ab"', "é\U0001f600ab".encode()),
}


@pytest.mark.parametrize(("text", "expected"), CONTENTS.values(), ids=CONTENTS)
def test_strings_are_unescaped(text: str, expected: bytes) -> None:
    content = f"tensor_content: {text}"
    (node,) = decode(const(content)).nodes
    parts = node.tensor_parts()
    assert parts is not None
    (span,) = parts.images[4]
    assert bytes(span.view) == expected


def test_a_string_of_many_escapes() -> None:
    image = bytes(range(256)) * 1000
    text = "".join(f"\\{byte:03o}" for byte in image)
    shape = "tensor_shape { dim { size: 64000 } }"
    assert value(f'{shape} tensor_content: "{text}"') == image


NUMBERS = {
    "plain": ("float_val: 1.5 float_val: -2", (1.5, -2.0)),
    "lines": ("\n  float_val: 1.5\n  float_val: -2\n", (1.5, -2.0)),
    "separated": ("float_val: 1.5, float_val: -2;", (1.5, -2.0)),
    "commented": ("float_val: # one\n 1.5 # and\n float_val # two\n : -2", (1.5, -2.0)),
    "listed": ("float_val: [1.5, -2]", (1.5, -2.0)),
    "listed with comments": ("float_val: [ # one\n 1.5 # and\n, -2 ] # done\n", (1.5, -2.0)),
    "both": ("float_val: 1.5 float_val: [] float_val: [-2]", (1.5, -2.0)),
    "infinite": ("float_val: inf float_val: -infinity", (float("inf"), float("-inf"))),
    "exponents": ("float_val: 1e3 float_val: -2.5E-1f", (1000.0, -0.25)),
    "too large": ("float_val: 1e39 float_val: -1e999", (float("inf"), float("-inf"))),
    "minus zero": ("float_val: -0.0 float_val: .5", (-0.0, 0.5)),
}


@pytest.mark.parametrize(("text", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(text: str, expected: tuple[float, float]) -> None:
    assert value(f"{SHAPE} {text}") == struct.pack("<2f", *expected)


def test_values_keep_their_order_however_they_are_written() -> None:
    ones = "".join(f"float_val: {number}\n" for number in range(10_000))
    more = ", ".join(str(number) for number in range(10_000, 20_000))
    text = f"{ones} float_val: [{more}] # a comment\n float_val: 20000"
    shape = "tensor_shape { dim { size: 20001 } }"
    assert value(shape + text) == struct.pack("<20001f", *range(20_001))


ERRORS = {
    "a string that does not end": (const('tensor_content: "ab'), "a string that does not end"),
    "a string over two lines": (const('tensor_content: "a\nb"'), "a string that does not end"),
    "an unknown escape": (const(r'tensor_content: "\q"'), "an unknown escape in a string"),
    "an octal escape over 255": (const(r'tensor_content: "\400"'), "an unknown escape"),
    "a code point that is no character": (
        const(r'tensor_content: "\ud800"'),
        "an escape of what is no character",
    ),
    "a code point beyond all": (
        rb'node { name: "\Uffffffff" }',
        "an escape of what is no character",
    ),
    "an unknown escape elsewhere": (rb'node { name: "\q" }', "an unknown escape in a string"),
    "an unknown field": (b'node { nam: "w" }', 'has no field named "nam"'),
    "an unknown field of a tensor": (const("values: 1"), 'has no field named "values"'),
    "an unknown field of a graph": (b"nodes { }", 'has no field named "nodes"'),
    "a message that does not end": (b"node { attr { ", "the text ends within a message"),
    "brackets that do not match": (b'node { name: "w" >', "no field name"),
    "brackets that do not match within": (
        b"versions { bad_consumers: [1} }",
        "a bracket that closes nothing",
    ),
    "a number that is none": (const("float_val: 1.5x"), "Couldn't parse float: 1.5x"),
    "an integer that is none": (const("int_val: 1.5"), "Couldn't parse integer: 1.5"),
    "an integer beyond its field": (const("int_val: 2147483648"), "int_val: "),
    "a truth value that is none": (const("bool_val: 2"), "is not a truth value"),
    "a number of many digits": (const("float_val: " + 600 * "1"), "no value"),
    "no colon": (const("float_val 1"), "no colon after float_val"),
    "a list without commas": (const("float_val: [1 2]"), "neither a comma nor the end"),
    "a list that ends with a comma": (const("float_val: [1,]"), "no value"),
    "no message": (b"node: 5", "no message as the value of node"),
    "not UTF-8": (b'node { name: "\xff" }', "text that is not UTF-8"),
    "content that is not UTF-8": (
        const("tensor_content: '@'").replace(b"@", b"\xff"),
        "text that is not UTF-8",
    ),
    "deep": (b"versions { " + 200 * b"x { " + 201 * b"}", "messages nested over 100 deep"),
    "two separators": (b"versions {},,", "no field name"),
    "bytes": (b"node { \x00 }", "no field name"),
}


@pytest.mark.parametrize(("text", "fact"), ERRORS.values(), ids=ERRORS)
def test_what_is_no_text_of_a_graph(text: bytes, fact: str) -> None:
    with pytest.raises(GraphDecodeError) as caught:
        decode(text)
    assert fact in str(caught.value)
    assert 0 <= caught.value.offset <= len(text)


def test_the_place_of_an_error_is_a_line_and_a_byte() -> None:
    text = b'versions { producer: 1 }\nnode {\n  name: "w"\n  op "NoOp"\n}\n'
    with pytest.raises(GraphDecodeError, match="in line 4 at byte") as caught:
        decode(text)
    assert text[caught.value.offset :].startswith(b'"NoOp"')
    text = b'node {\n  name: "w"\n  op: "NoOp"\n  attr {\n    key: "T"\n    valve {}\n  }\n}\n'
    with pytest.raises(GraphDecodeError, match="in line 6 at byte") as caught:
        decode(text)
    assert text[caught.value.offset :].startswith(b"valve")


def test_the_values_of_a_large_node_are_cut_out() -> None:
    image = bytes(range(256)) * 100
    text = "".join(f"\\x{byte:02x}" for byte in image)
    shape = "tensor_shape { dim { size: 6400 } }"
    (node,) = decode(const(f'{shape} tensor_content: "{text}"')).nodes
    assert len(node.tensors) == 1
    assert node.definition.ByteSize() < 100
    constant = node.constant()
    assert constant.images == (Span(node.tensors[0].source, 4, 25_600),)
    assert (constant.dtype, constant.shape) == (DataType.FLOAT, (6400,))
    assert bytes(constant.images[0].view) == image


def test_misnamed_nodes() -> None:
    with pytest.raises(InvalidGraphError, match="another node has the same name"):
        decode(2 * b'node { name: "w" op: "NoOp" }')
    text = b'library { function { %b node_def { op: "NoOp" } } }'
    with pytest.raises(InvalidGraphError, match="node number 0 has no name, in function 'f'"):
        decode(text % b'signature { name: "f" }')
    with pytest.raises(InvalidGraphError, match="node number 0 has no name, in a function"):
        decode(text % b"")


def test_nodes_count() -> None:
    text = b'node { name: "w" op: "NoOp" } library { function { node_def { name: "w" op: "A" } } }'
    assert decode_text_graph(Source(text), Limits(max_nodes=3)).functions
    for maximum in range(3):
        with pytest.raises(LimitError):
            decode_text_graph(Source(text), Limits(max_nodes=maximum))


def test_pages_are_given_back_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.graph.text._RELEASE_BYTES", 1 << 20)
    content = b'node { name: "%d" op: "NoOp" device: "' + 300_000 * b"x" + b'" }\n'
    source = Source(b"".join(content % number for number in range(10)))
    decode_text_graph(source)
    assert len(source.released) == 2
    assert all(end - start > 1 << 20 for start, end in source.released)


def test_a_graph_of_comments_is_empty() -> None:
    graph = decode(b"# nothing\n\n#")
    assert (graph.nodes, graph.functions) == ((), ())


def test_a_meta_graph_keeps_what_is_beside_the_graph() -> None:
    text = b"""
        meta_info_def { tags: "serve" tags: "gpu" }
        graph_def { node { name: "w" op: "NoOp" } }
        saver_def { restore_op_name: "save/restore_all" version: V2 }
        graph_def { node { name: "v" op: "NoOp" } versions { producer: 9 } }
        collection_def { key: "losses" value { node_list { value: "loss" } } }
    """
    found = decode_text_meta_graph(Source(text))
    assert found.tags == ("serve", "gpu")
    assert [node.name for node in found.graph.nodes] == ["w", "v"]
    assert found.graph.rest.versions.producer == 9
    assert found.rest.saver_def.restore_op_name == "save/restore_all"
    assert list(found.rest.collection_def["losses"].node_list.value) == ["loss"]
    assert not found.rest.HasField("graph_def")


def test_code_points_in_names() -> None:
    text = rb"""node { name: "\u00e9\\u00e9\U0001f600\"\u0022" 'x' op: "NoOp" }"""
    (node,) = decode(text).nodes
    assert node.name == 'é\\u00e9\U0001f600""x'


LONG = {
    "blanks": b'node { name: "w" op: "NoOp" device' + 5000 * b" " + b": " + 5000 * b"\n" + b'"d" }',
    "comments": b'node { name: "w" op: "NoOp" attr { ' + 5000 * b"# \"'{\n" + b'key: "k" } }',
    "a string": rb'node { name: "w" op: "NoOp" input: "%b" }' % (2000 * rb"\"a\'\\\0\x0b\12 7"),
    "strings": rb'node { name: "w" op: "NoOp" input: %b }'
    % (2000 * rb""" "\1" '2' '' "" "a  b" """),
    "words": b'node { name: "w" op: "NoOp" attr { value { list { ' + 5000 * b"i: 5 " + b"} } } }",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_what_is_long_is_the_same_in_pieces(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.graph.text._TAME_BYTES", 100)
    monkeypatch.setattr("pbckpt.graph.text_pieces._PARSE_BYTES", 100)
    read = read_by_us(text)
    assert read is not None
    assert read == read_by_protobuf(text)


def test_everything_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.graph.text._TAME_BYTES", 0)
    monkeypatch.setattr("pbckpt.graph.text_pieces._PARSE_BYTES", 0)
    assert read_by_us(RICH) == read_by_protobuf(RICH)
    text = b'node { name: "w" op: "NoOp" }\nversions {\n  producer: x\n}'
    with pytest.raises(GraphDecodeError, match="in line 2 at byte 30;"):
        decode(text)
