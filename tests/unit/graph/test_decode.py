"""What is decoded from a graph must be what protobuf decodes from the whole.

Graphs are written here field by field, since protobuf's own writer makes none of
the forms that differ: fields twice, in another order, longer than need be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from google.protobuf.message import DecodeError

from pbckpt.dtypes import DataType
from pbckpt.errors import GraphDecodeError, GraphError, InvalidGraphError, LimitError, PbckptError
from pbckpt.graph import decode
from pbckpt.graph.decode import Function, Graph, Limits, Node, decode_graph
from pbckpt.protos import AttrValue, GraphDef, NodeDef, TensorProto
from pbckpt.storage.local import MappedFile
from pbckpt.wire.span import Memory, Span
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.graph.tensor_proto import TensorParts

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "tensorproto_cases.json"


class Source(Memory):
    """A file that is in memory, and what of it was given back."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, "graph.pb")
        self.released: list[tuple[int, int]] = []

    def release_pages(self, start: int, end: int) -> None:
        self.released.append((start, end))


def decode_bytes(data: bytes, limits: Limits = decode.DEFAULT_LIMITS) -> Graph:
    return decode_graph(Source(data), limits)


@pytest.fixture
def cut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the tensors of every node cut out, not only those of large ones."""
    monkeypatch.setattr("pbckpt.graph.node.WHOLE_NODE_BYTES", 0)


# --- writing


def field(number: int, payload: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(payload)) + payload


def attr(name: bytes, *values: bytes) -> bytes:
    """Return a field of NodeDef: an entry of its map, the value in one piece or several."""
    return field(5, field(1, name) + b"".join(field(2, value) for value in values))


def tensor(proto: bytes) -> bytes:
    """Return a field of AttrValue."""
    return field(8, proto)


DTYPE = attr(b"dtype", b"\x30\x01")
FLOAT = b"\x08\x01"
ONE, TWO = FLOAT + b"\x22\x04\x00\x00\x80\x3f", FLOAT + b"\x22\x04\x00\x00\x00\x40"
NAMED = field(1, b"w") + field(2, b"Const")


def const(*attrs: bytes) -> bytes:
    """Return a GraphDef of one node."""
    return field(1, NAMED + DTYPE + b"".join(attrs))


def over_long(data: bytes, size: int) -> bytes:
    """Write the varint of one byte that ``data`` begins with in ``size`` bytes."""
    return bytes((data[0] | 0x80,)) + (size - 2) * b"\x80" + b"\x00" + data[1:]


# --- reading


class Seen(NamedTuple):
    """A node: all of it but its tensors, and the tensor that is its value."""

    definition: bytes
    value: bytes | None


def without_tensors(definition: NodeDef) -> bytes:
    rest = NodeDef()
    rest.CopyFrom(definition)
    # An entry with a field too many counts as unknown as a whole, its tensor with it.
    rest.DiscardUnknownFields()
    for value in rest.attr.values():
        if value.WhichOneof("value") == "tensor":
            value.tensor.Clear()
    return rest.SerializeToString(deterministic=True)


def joined(parts: TensorParts) -> bytes:
    images = [
        field(number, bytes(span.view)) for number, spans in parts.images.items() for span in spans
    ]
    rest = TensorProto()
    rest.CopyFrom(parts.message)
    for number in parts.images:
        # Small ones are in the message as well.
        rest.ClearField(TensorProto.DESCRIPTOR.fields_by_number[number].name)
    message = rest.SerializeToString()
    return TensorProto.FromString(message + b"".join(images)).SerializeToString(deterministic=True)


def names(nodes: Iterable[Node]) -> list[str]:
    return [node.name for node in nodes]


def seen_in(nodes: Iterable[Node]) -> list[Seen]:
    seen = []
    for node in nodes:
        parts = node.tensor_parts()
        assert (node.name, node.op) == (node.definition.name, node.definition.op)
        value = joined(parts) if parts is not None else None
        seen.append(Seen(without_tensors(node.definition), value))
    return seen


def seen_by_protobuf(graph: GraphDef) -> list[Seen]:
    seen = []
    for node in graph.node:
        value = node.attr.get("value", AttrValue())
        is_tensor = value.WhichOneof("value") == "tensor"
        image = value.tensor.SerializeToString(deterministic=True) if is_tensor else None
        seen.append(Seen(without_tensors(node), image))
    return seen


# --- large and small nodes


def test_a_small_node_is_decoded_whole() -> None:
    (node,) = decode_bytes(const(attr(b"value", tensor(TWO)))).nodes
    assert (node.name, node.op, node.tensors) == ("w", "Const", ())
    assert node.definition.attr["value"].tensor.tensor_content == b"\x00\x00\x00\x40"


def test_the_tensor_of_a_large_node_stays_where_it_is_in_the_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 400
    proto = b"\x08\x04\x12\x06\x12\x04\x08\x80\xa0\x06" + field(4, content)
    small = field(1, field(1, b"first") + field(2, b"NoOp"))
    data = small + field(1, NAMED + attr(b"dtype", b"\x30\x04") + attr(b"value", tensor(proto)))
    path = tmp_path / "graph.pb"
    path.write_bytes(data)
    with MappedFile(path) as file:
        _, node = decode_graph(file).nodes
        assert node.tensors == (Span(file, data.index(proto), len(proto)),)
        assert node.definition.ByteSize() < 100
        constant = node.constant()
        assert constant.images == (Span(file, data.index(content), 102_400),)
        assert (constant.dtype, constant.shape) == (DataType.UINT8, (102_400,))


def test_packed_floats_of_a_large_node_stay_in_the_file_too() -> None:
    values = bytes(range(256)) * 100
    proto = FLOAT + b"\x12\x05\x12\x03\x08\x80\x32" + field(5, values)
    source = Source(const(attr(b"value", tensor(proto))))
    (node,) = decode_graph(source).nodes
    assert node.constant().images == (Span(source, bytes(source.view).index(values), 25_600),)


def test_packed_floats_of_a_small_node_are_those_that_protobuf_decoded() -> None:
    floats = 16 * b"\x00\x00\x80\x3f" + b"\x00\x00\x00\x80"
    shape = b"\x12\x04\x12\x02\x08\x11"
    source = Source(const(attr(b"value", tensor(FLOAT + shape + field(5, floats)))))
    (node,) = decode_graph(source).nodes
    assert node.tensors == ()
    (image,) = node.constant().images
    assert (bytes(image.view), image.source is source) == (floats, False)


def test_packed_floats_of_a_small_node_with_a_nan_stay_in_the_file() -> None:
    floats = 16 * b"\x00\x00\x80\x3f" + b"\x01\x00\xa0\x7f"
    shape = b"\x12\x04\x12\x02\x08\x11"
    source = Source(const(attr(b"value", tensor(FLOAT + shape + field(5, floats)))))
    (node,) = decode_graph(source).nodes
    assert node.tensors == ()
    assert node.constant().images == (Span(source, len(source.view) - 68, 68),)


@pytest.mark.parametrize(("size", "cut"), [(16_384, 0), (16_385, 1)])
def test_a_node_is_large_when_it_is_over_16_kib(size: int, cut: int) -> None:
    body = NAMED + DTYPE + attr(b"value", tensor(ONE))
    body += field(4, bytes(size - len(body) - 3))
    assert len(body) == size
    (node,) = decode_bytes(field(1, body)).nodes
    assert len(node.tensors) == cut


def test_every_tensor_of_a_large_node_is_cut_out_but_not_those_in_lists() -> None:
    big = TWO + field(18, bytes(20_000))
    listed = field(1, field(8, ONE))
    data = const(attr(b"other", tensor(big)), attr(b"value", tensor(ONE)), attr(b"list", listed))
    (node,) = decode_bytes(data).nodes
    assert [span.nbytes for span in node.tensors] == [len(big), len(ONE)]
    assert node.constant().images == (Span(node.tensors[1].source, data.index(ONE) + 4, 4),)
    assert node.definition.attr["list"].list.tensor[0].tensor_content == b"\x00\x00\x80\x3f"


def test_a_large_node_without_tensors_is_a_node_like_others() -> None:
    inputs = [b"input_%d" % number for number in range(3000)]
    data = field(1, field(1, b"n") + field(2, b"AddN") + b"".join(field(3, i) for i in inputs))
    (node,) = decode_bytes(data).nodes
    assert (node.tensors, node.tensor_parts()) == ((), None)
    assert list(node.definition.input) == [text.decode() for text in inputs]


def test_nodes_keep_their_order_and_the_rest_is_kept_beside_them() -> None:
    library = field(2, field(1, field(1, field(1, b"f"))))
    nodes = [field(1, field(1, b"n%d" % i) + field(2, b"NoOp")) for i in range(3)]
    data = b"\xca\x3e\x01x" + nodes[2] + library + nodes[0] + b"\x22\x02\x08\x1b" + nodes[1]
    graph = decode_bytes(data)
    assert graph.source_name == "graph.pb"
    assert [node.name for node in graph.nodes] == ["n2", "n0", "n1"]
    assert [function.name for function in graph.functions] == ["f"]
    assert graph.rest.HasField("library")
    assert graph.rest.versions.producer == 27
    assert b"\xca\x3e\x01x" in graph.rest.SerializeToString()


def test_two_libraries_are_merged() -> None:
    libraries = [
        field(2, field(1, field(1, field(1, name))) + field(2, field(1, name)))
        for name in (b"f", b"g")
    ]
    graph = decode_bytes(b"".join(libraries))
    assert [function.name for function in graph.functions] == ["f", "g"]
    assert [one.function_name for one in graph.rest.library.gradient] == ["f", "g"]
    assert list(graph.rest.library.function) == []


def test_pages_are_given_back_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.graph.node._RELEASE_BYTES", 40)
    node = field(1, field(1, b"0123456789") + field(2, b"NoOp"))
    source = Source(b"".join(node.replace(b"9", b"%d" % i, 1) for i in range(9)))
    assert (len(node), len(decode_graph(source).nodes)) == (20, 9)
    assert source.released == [(0, 60), (60, 120), (120, 180)]


# --- the same as protobuf

GROUP = b"\xa3\x1f" + tensor(TWO) + attr(b"value", tensor(TWO)) + b"\xa4\x1f"
SAME = {
    "attr key twice": const(attr(b"value", tensor(ONE)), attr(b"value", tensor(TWO))),
    "attr key twice, then no value": const(attr(b"value", tensor(ONE)), attr(b"value")),
    "attr key twice, then text": const(attr(b"value", tensor(ONE)), attr(b"value", b"\x12\x01s")),
    "attr key twice, text first": const(attr(b"value", b"\x12\x01s"), attr(b"value", tensor(ONE))),
    "the value of an entry twice": const(attr(b"value", tensor(ONE), tensor(b"\x12\x00"))),
    "the value of an entry twice, contents": const(attr(b"value", tensor(ONE), tensor(TWO))),
    "the value of an entry twice, text last": const(attr(b"value", tensor(ONE), b"\x12\x01s")),
    "tensor twice": const(attr(b"value", tensor(ONE) + tensor(b"\x12\x04\x12\x02\x08\x01"))),
    "tensor twice, contents": const(attr(b"value", tensor(ONE) + tensor(TWO))),
    "tensor twice, the second empty": const(attr(b"value", tensor(ONE) + tensor(b""))),
    "tensor twice, an empty content": const(attr(b"value", tensor(ONE) + tensor(b"\x22\x00"))),
    "tensor twice, floats": const(attr(b"value", 2 * tensor(FLOAT + b"\x2a\x04\x00\x00\x80\x3f"))),
    "tensor twice, strings": const(attr(b"value", 2 * tensor(b"\x08\x07\x42\x01a"))),
    "tensor thrice": const(attr(b"value", tensor(ONE) + tensor(TWO) + tensor(b"\x18\x07"))),
    "tensor, then text": const(attr(b"value", tensor(ONE) + b"\x12\x01s")),
    "text, then tensor": const(attr(b"value", b"\x12\x01s" + tensor(ONE))),
    "tensor, text, tensor": const(attr(b"value", tensor(ONE) + b"\x12\x01s" + tensor(b"\x12\x00"))),
    "tensor, then type": const(attr(b"value", tensor(ONE) + b"\x30\x03")),
    "tensor, then list": const(attr(b"value", tensor(ONE) + field(1, field(8, TWO)))),
    "tensor, then function": const(attr(b"value", tensor(ONE) + field(10, field(1, b"f")))),
    "content twice": const(attr(b"value", tensor(ONE + b"\x22\x04\xff\xff\xff\xff"))),
    "content, then none": const(attr(b"value", tensor(ONE + b"\x22\x00"))),
    "type twice": const(attr(b"value", tensor(b"\x08\x03" + ONE))),
    "shape twice": const(attr(b"value", tensor(ONE + 2 * b"\x12\x04\x12\x02\x08\x01"))),
    "float8 twice": const(attr(b"value", tensor(b"\x08\x18\x92\x01\x01\x3c\x92\x01\x01\x40"))),
    "packed and unpacked": const(
        attr(b"value", tensor(FLOAT + b"\x2a\x04\x00\x00\x80\x3f\x2d\x00\x00\x00\x40"))
    ),
    "a tensor without fields": const(attr(b"value", tensor(b""))),
    "a value without fields": const(attr(b"value", b"")),
    "an entry without a value": const(attr(b"value")),
    "an entry without a key": const(field(5, field(2, tensor(ONE))), attr(b"value", tensor(TWO))),
    "an entry without anything": const(field(5, b""), attr(b"value", tensor(TWO))),
    "an entry with its key last": const(field(5, field(2, tensor(ONE)) + field(1, b"value"))),
    "an entry with two keys": const(
        field(5, field(1, b"value") + field(2, tensor(ONE)) + field(1, b"other"))
    ),
    "strings that look like tokens": const(
        attr(b"other", tensor(TWO)), attr(b"value", tensor(b"\x08\x07" + 2 * field(8, bytes(4))))
    ),
    "tensors in other attrs": const(attr(b"a", tensor(TWO)), attr(b"value", tensor(ONE))),
    "tensors in lists and functions": const(
        attr(b"list", field(1, 2 * field(8, TWO))),
        attr(b"f", field(10, field(1, b"f") + field(2, field(1, b"x") + field(2, tensor(TWO))))),
        attr(b"value", tensor(ONE)),
    ),
    "unknown fields": const(
        b"\xca\x3e\x01n", attr(b"value", b"\xca\x3e\x01v" + tensor(ONE + b"\xca\x3e\x01t"))
    ),
    "unknown fields in an entry": const(
        field(5, field(1, b"value") + b"\xca\x3e\x01e" + field(2, tensor(ONE)))
    ),
    "unknown groups": const(GROUP, attr(b"value", GROUP + tensor(ONE + GROUP))),
    "unknown groups in groups": const(b"\xa3\x1f" + GROUP + b"\xa4\x1f", attr(b"value", GROUP)),
    "fields of unknown wire types": const(
        b"\x28\x07\x29" + bytes(8), attr(b"value", b"\x45" + bytes(4) + tensor(ONE + b"\x20\x07"))
    ),
    "over-long tags": over_long(
        field(1, NAMED + DTYPE + over_long(attr(b"value", tensor(ONE)), 5)), 3
    ),
    "over-long tags within": const(
        field(
            5,
            field(1, b"value")
            + over_long(field(2, over_long(tensor(FLOAT + over_long(ONE[2:], 5)), 2)), 3),
        )
    ),
    "over-long lengths": b"\x0a"
    + over_long(const(attr(b"value", tensor(FLOAT + b"\x22" + over_long(ONE[3:], 5))))[1:], 5),
    "names twice": field(1, field(1, b"v") + NAMED + attr(b"value", tensor(ONE)) + field(2, b"Op")),
    "names last": field(1, attr(b"value", tensor(ONE)) + DTYPE + NAMED),
    "everything else of a node": const(
        field(3, b"^a"),
        field(4, b"/cpu:0"),
        field(6, field(1, b"old")),
        field(7, b"\x08\xe8\x07"),
        attr(b"value", tensor(ONE)),
    ),
}


def without_nodes(graph: GraphDef) -> bytes:
    rest = GraphDef()
    rest.CopyFrom(graph)
    rest.ClearField("node")
    rest.library.ClearField("function")
    if not graph.HasField("library"):
        rest.ClearField("library")
    return rest.SerializeToString(deterministic=True)


def check_same(data: bytes) -> None:
    theirs = GraphDef.FromString(data)
    graph = decode_bytes(data)
    assert seen_in(graph.nodes) == seen_by_protobuf(theirs)
    assert graph.rest.SerializeToString(deterministic=True) == without_nodes(theirs)
    # The one node of the graph as that of a function's body.
    if data[:1] == b"\x0a":
        (function,) = decode_bytes(field(2, field(1, b"\x1a" + data[1:]))).functions
        assert seen_in(function.nodes) == seen_by_protobuf(theirs)


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
def test_a_node_decoded_whole_is_what_protobuf_decodes(data: bytes) -> None:
    check_same(data)


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
@pytest.mark.usefixtures("cut_out")
def test_a_node_with_its_tensors_cut_out_is_what_protobuf_decodes(data: bytes) -> None:
    check_same(data)


def test_a_large_node_is_what_protobuf_decodes() -> None:
    device = field(4, 20_000 * b"d")
    data = const(device, attr(b"value", tensor(ONE) + tensor(TWO)), GROUP)
    assert len(decode_bytes(data).nodes[0].tensors) == 2
    check_same(data)


@pytest.mark.usefixtures("cut_out")
def test_unknown_fields_of_a_node_and_a_value_are_kept() -> None:
    (node,) = decode_bytes(SAME["unknown fields"]).nodes
    kept = node.definition.SerializeToString()
    assert b"\xca\x3e\x01n" in kept
    assert b"\xca\x3e\x01v" in kept
    parts = node.tensor_parts()
    assert parts is not None
    assert parts.message.SerializeToString() == b"\x08\x01\xca\x3e\x01t"


@pytest.mark.usefixtures("cut_out")
def test_a_cut_out_tensor_that_another_value_replaced_is_checked_all_the_same() -> None:
    broken = const(attr(b"value", tensor(b"\x08")), attr(b"value", tensor(ONE)))
    with pytest.raises(DecodeError):
        GraphDef.FromString(broken)
    with pytest.raises(GraphDecodeError):
        decode_bytes(broken)


# --- every damage


def rich_graph() -> bytes:
    """Return a small graph with something of everything that is decoded."""
    graph = GraphDef()
    constants = (
        ("w", TensorProto(dtype=1, tensor_content=b"\x00\x00\x80\x3f")),
        ("f", TensorProto(dtype=1, float_val=[1.0, 2.0, 0.0])),
        ("i", TensorProto(dtype=3, int_val=[-1])),
        ("s", TensorProto(dtype=7, string_val=[b"ab", b""])),
        ("t", TensorProto(dtype=7, tensor_content=b"\x01\x00x")),
        ("h", TensorProto(dtype=19, half_val=[15360])),
        ("c", TensorProto(dtype=8, scomplex_val=[1.0, 2.0, 3.0])),
        ("e", TensorProto(dtype=24, float8_val=b"<")),
    )
    for name, value in constants:
        value.tensor_shape.dim.add(size=2)
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(value)
        if name == "w":
            node.attr["dtype"].type = 1
    read = graph.node.add(name="w/read", op="Identity", input=["w"], device="/cpu:0")
    read.attr["T"].type = 1
    function = graph.library.function.add()
    function.signature.name = "fn"
    function.signature.input_arg.add(name="x", type=1)
    function.signature.output_arg.add(name="y", type=1)
    function.ret["y"] = "k:output:0"
    function.node_def.add(name="k", op="Const").attr["value"].tensor.float_val.append(1)
    graph.versions.producer = 27
    return graph.SerializeToString(deterministic=True)


RICH = rich_graph()


class SeenFunction(NamedTuple):
    """A function: its nodes, and all of it but its nodes."""

    nodes: list[Seen]
    rest: bytes


def is_unique(nodes: Iterable[NodeDef], taken: Iterable[str] = ()) -> bool:
    found = [(node.name, node.op) for node in nodes]
    names = [name for name, _ in found]
    return all(map(all, found)) and len({*names, *taken}) == len(names) + len(set(taken))


def expected_by_protobuf(data: bytes) -> tuple[list[Seen], list[SeenFunction], bytes] | None:
    """Return what protobuf decodes, or None where that is no graph."""
    try:
        graph = GraphDef.FromString(data)
    except (DecodeError, UnicodeDecodeError):
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
    return seen_by_protobuf(graph), functions, without_nodes(graph)


def seen_function(function: Function) -> SeenFunction:
    rest = function.definition().SerializeToString(deterministic=True)
    return SeenFunction(seen_in(function.nodes), rest)


def decoded_by_us(data: bytes) -> tuple[list[Seen], list[SeenFunction], bytes] | None:
    """Return what is decoded, or None for an error of ours; no other is expected."""
    try:
        graph = decode_bytes(data)
        nodes = seen_in(graph.nodes)
        functions = [seen_function(function) for function in graph.functions]
    except PbckptError:
        return None
    for node in graph.nodes:
        try:
            constant = node.constant()
        except PbckptError:
            continue
        assert constant.nbytes >= 0
    return nodes, functions, graph.rest.SerializeToString(deterministic=True)


def damaged() -> Iterable[bytes]:
    for length in range(len(RICH)):
        yield RICH[:length]
    for position in range(len(RICH)):
        for bit in range(8):
            changed = bytearray(RICH)
            changed[position] ^= 1 << bit
            yield bytes(changed)


@pytest.mark.parametrize("whole_node_bytes", [0, 16_384], ids=["cut out", "whole"])
def test_damage_gives_an_error_or_what_protobuf_decodes(
    whole_node_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbckpt.graph.node.WHOLE_NODE_BYTES", whole_node_bytes)
    graphs = errors = 0
    for data in damaged():
        expected = expected_by_protobuf(data)
        assert decoded_by_us(data) == expected, data.hex()
        graphs += expected is not None
        errors += expected is None
    assert graphs + errors == 9 * len(RICH)
    assert graphs > 1000
    assert errors > 1000


def test_the_place_of_damage_is_a_byte_of_the_file() -> None:
    start = len(const())
    with pytest.raises(GraphDecodeError) as caught:
        decode_bytes(const() + field(1, field(1, b"v") + b"\x2e"))
    assert caught.value.offset == start
    with pytest.raises(GraphDecodeError) as caught:
        decode_bytes(const() + b"\x0a\x7f")
    assert caught.value.offset == start
    with pytest.raises(GraphDecodeError) as caught:
        decode_bytes(const() + b"\x0a" + 11 * b"\x80")
    assert caught.value.offset == start


@pytest.mark.usefixtures("cut_out")
def test_the_place_of_damage_in_a_cut_out_tensor_is_a_byte_of_the_file() -> None:
    data = const() + field(1, field(1, b"v") + attr(b"value", tensor(ONE + b"\x2e\xee")))
    with pytest.raises(GraphDecodeError) as caught:
        decode_bytes(data)
    assert caught.value.offset == data.index(b"\x2e\xee")


def test_a_library_that_does_not_decode() -> None:
    with pytest.raises(GraphDecodeError, match="a varint that does not end") as caught:
        decode_bytes(const() + field(2, b"\x0a\x01\x0a"))
    assert caught.value.offset == len(const()) + 4
    with pytest.raises(GraphDecodeError, match="a function that does not decode"):
        decode_bytes(field(2, field(1, b"\x0a\x01\x0a")))
    with pytest.raises(GraphDecodeError, match="function library or version"):
        decode_bytes(field(2, b"\x12\x01\x0a"))


# --- nodes that contradict themselves


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (field(2, b"NoOp"), "node number 1 has no name"),
        (field(1, b"v"), "node number 1 has no op"),
        (b"", "node number 1 has no name"),
        (NAMED, "node 'w': another node has the same name"),
    ],
)
def test_misnamed_nodes(body: bytes, fact: str) -> None:
    with pytest.raises(InvalidGraphError, match=fact):
        decode_bytes(const() + field(1, body))


def test_a_name_that_is_not_utf8_is_no_name() -> None:
    with pytest.raises(GraphDecodeError):
        decode_bytes(field(1, field(1, b"\xff") + field(2, b"NoOp")))


def test_names_may_hold_anything_else() -> None:
    for name in ("a\0b", "a\nb", "größe", 70_000 * "n"):
        (node,) = decode_bytes(field(1, field(1, name.encode()) + field(2, b"NoOp"))).nodes
        assert node.name == name


# --- functions


def function(name: bytes, *nodes: bytes, signature: bytes = b"") -> bytes:
    """Return a field of GraphDef: a library of one function."""
    body = b"".join(field(3, node) for node in nodes)
    return field(2, field(1, field(1, field(1, name) + signature) + body))


def test_a_function_has_arguments_nodes_and_returns_in_the_order_of_its_signature() -> None:
    signature = b"".join(
        [
            field(2, field(1, b"x")),
            field(2, field(1, b"w")),
            field(3, field(1, b"b")),
            field(3, field(1, b"a")),
            field(3, field(1, b"c")),
        ]
    )
    returned = [(b"a", b"mul:z:0"), (b"b", b"x")]
    ret = b"".join(field(4, field(1, key) + field(2, value)) for key, value in returned)
    body = field(3, field(1, b"mul") + field(2, b"Mul") + field(3, b"x"))
    data = field(2, field(1, body + ret + field(1, field(1, b"f") + signature)))
    (found,) = decode_bytes(data).functions
    assert (found.name, found.arguments) == ("f", ("x", "w"))
    assert found.returns == ("x", "mul:z:0", "")
    assert [(node.name, node.op) for node in found.nodes] == [("mul", "Mul")]
    assert found.definition().signature.output_arg[1].name == "a"
    assert list(found.definition().node_def) == []


def test_the_tensor_of_a_large_node_of_a_function_stays_in_the_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 400
    proto = b"\x08\x04\x12\x06\x12\x04\x08\x80\xa0\x06" + field(4, content)
    node = NAMED + attr(b"dtype", b"\x30\x04") + attr(b"value", tensor(proto))
    data = const() + function(b"f", node)
    path = tmp_path / "graph.pb"
    path.write_bytes(data)
    with MappedFile(path) as file:
        ((weight,),) = (found.nodes for found in decode_graph(file).functions)
        assert weight.tensors == (Span(file, data.index(proto), len(proto)),)
        assert weight.constant().images == (Span(file, data.index(content), 102_400),)


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (
            function(b"f", NAMED, NAMED),
            "node 'w': another node has the same name, in function 'f'",
        ),
        (
            function(b"f", NAMED, signature=field(2, field(1, b"w"))),
            "node 'w': an argument of function 'f' has the same name",
        ),
        (
            function(b"f", NAMED, field(2, b"NoOp")),
            "node '': node number 1 has no name, in function 'f'",
        ),
        (function(b"f", field(1, b"w")), "node 'w': node number 0 has no op, in function 'f'"),
    ],
)
def test_nodes_of_a_function_are_told_apart(data: bytes, fact: str) -> None:
    with pytest.raises(InvalidGraphError) as caught:
        decode_bytes(data)
    assert str(caught.value) == fact


def test_two_functions_may_have_nodes_of_one_name() -> None:
    graph = decode_bytes(field(1, NAMED) + function(b"f", NAMED) + function(b"g", NAMED))
    assert [names(one.nodes) for one in graph.functions] == [["w"], ["w"]]


def test_a_function_that_is_given_twice_is_one() -> None:
    graph = decode_bytes(2 * function(b"f", NAMED))
    assert [one.name for one in graph.functions] == ["f"]


@pytest.mark.parametrize(
    "other",
    [
        function(b"f"),
        function(b"f", NAMED, NAMED.replace(b"w", b"v")),
        function(b"f", NAMED.replace(b"w", b"v")),
        function(b"f", NAMED, signature=field(2, field(1, b"a"))),
    ],
)
def test_two_functions_of_one_name_that_differ(other: bytes) -> None:
    fact = "function 'f': another function has the same name and differs; rename one of the two"
    for data in (function(b"f", NAMED) + other, other + function(b"f", NAMED)):
        with pytest.raises(InvalidGraphError, match=fact):
            decode_bytes(data)


def test_nodes_of_functions_count() -> None:
    data = field(1, NAMED) + function(b"f", NAMED) + function(b"g", NAMED)
    assert len(decode_bytes(data, Limits(max_nodes=5)).functions) == 2
    for maximum in (4, 3, 2, 1, 0):
        with pytest.raises(LimitError) as caught:
            decode_bytes(data, Limits(max_nodes=maximum))
        assert caught.value.limit == "max_nodes"


def test_a_graph_that_is_a_part_of_a_file() -> None:
    graph = const(attr(b"value", tensor(ONE))) + function(b"f", NAMED)
    data = b"\xff\xff" + graph + b"\xff"
    part = decode_graph(Source(data), start=2, end=2 + len(graph))
    assert names(part.nodes) == ["w"]
    assert bytes(part.nodes[0].span.view) == const(attr(b"value", tensor(ONE)))[2:]
    assert names(part.functions[0].nodes) == ["w"]
    with pytest.raises(GraphDecodeError) as caught:
        decode_graph(Source(data), start=2, end=1 + len(graph))
    assert caught.value.offset == 2 + len(const(attr(b"value", tensor(ONE))))
    with pytest.raises(GraphDecodeError):
        decode_graph(Source(data), start=2)


def test_more_nodes_than_allowed() -> None:
    data = b"".join(field(1, field(1, b"n%d" % i) + field(2, b"NoOp")) for i in range(5))
    assert len(decode_bytes(data, Limits(max_nodes=5)).nodes) == 5
    with pytest.raises(LimitError) as caught:
        decode_bytes(data, Limits(max_nodes=4))
    assert (caught.value.limit, caught.value.value, caught.value.maximum) == ("max_nodes", 5, 4)
    assert str(caught.value).startswith("graph.pb: the number of nodes")


@pytest.mark.parametrize(
    ("attrs", "fact"),
    [
        (b"", "a constant without a value"),
        (attr(b"value"), "a constant without a value"),
        (attr(b"value", b"\x12\x01s"), "a constant without a value"),
        (attr(b"value", tensor(ONE)), "the attr dtype is type number 0, the value's is 1"),
        (
            attr(b"dtype", b"\x30\x02") + attr(b"value", tensor(ONE)),
            "the attr dtype is type number 2, the value's is 1",
        ),
        (
            attr(b"dtype", b"\x18\x01") + attr(b"value", tensor(ONE)),
            "the attr dtype is type number 0, the value's is 1",
        ),
        (DTYPE + attr(b"value", tensor(b"")), "the attr dtype is type number 1, the value's is 0"),
        (attr(b"dtype", b"\x18\x01") + attr(b"value", tensor(b"")), "the type number 0"),
        (attr(b"dtype", b"\x30\x65") + attr(b"value", tensor(b"\x08\x65")), "the type number 101"),
    ],
)
def test_constants_that_tensorflow_refuses(
    attrs: bytes, fact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for whole_node_bytes in (16_384, 0):
        monkeypatch.setattr("pbckpt.graph.node.WHOLE_NODE_BYTES", whole_node_bytes)
        (node,) = decode_bytes(field(1, NAMED + attrs)).nodes
        with pytest.raises(InvalidGraphError, match=fact) as caught:
            node.constant()
        assert caught.value.node_name == "w"


@pytest.mark.parametrize("whole_node_bytes", [0, 16_384], ids=["cut out", "whole"])
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["label"]) for case in json.loads(GOLDEN.read_text())["cases"]],
)
def test_constants_are_what_the_runtime_of_tensorflow_makes_of_them(
    case: dict[str, Any], whole_node_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbckpt.graph.node.WHOLE_NODE_BYTES", whole_node_bytes)
    dtype = attr(b"dtype", b"\x30" + encode_varint(case["dtype"]))
    value = attr(b"value", tensor(bytes.fromhex(case["proto_hex"])))
    data = field(1, NAMED + dtype + value)
    if "error" in case:
        with pytest.raises(GraphError):
            decode_bytes(data).nodes[0].constant()
        return
    constant = decode_bytes(data).nodes[0].constant()
    assert (int(constant.dtype), list(constant.shape)) == (case["dtype"], case["shape"])
    if constant.dtype is DataType.STRING:
        assert [element.hex() for element in constant.elements()] == case["strings_hex"]
    else:
        image = b"".join(bytes(span.view) for span in constant.spans())
        assert image.hex() == case["bytes_hex"]


NANS = {
    "0100a07f": b"\x08\x01\x2a\x04\x01\x00\xa0\x7f",
    "010000000000f4ff": b"\x08\x02\x32\x08\x01\x00\x00\x00\x00\x00\xf4\xff",
    "efbeedff0100a07f": b"\x08\x08\x4a\x08\xef\xbe\xed\xff\x01\x00\xa0\x7f",
}


@pytest.mark.parametrize("image", NANS)
def test_the_bits_of_a_nan_in_a_small_node(image: str) -> None:
    proto = NANS[image]
    source = Source(
        field(1, NAMED + attr(b"dtype", b"\x30" + proto[1:2]) + attr(b"value", tensor(proto)))
    )
    (span,) = decode_graph(source).nodes[0].constant().spans()
    assert bytes(span.view).hex() == image


def test_a_node_under_an_over_long_tag() -> None:
    assert names(decode_bytes(over_long(const(), 3)).nodes) == ["w"]


@pytest.mark.skipif(
    os.environ.get("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION") == "python", reason="this is that run"
)
@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ("bits_of_a_nan", "3 passed"),
        pytest.param(
            "under_an_over_long_tag",
            "1 passed",
        ),
    ],
)
def test_the_same_with_the_implementation_of_protobuf_in_python(tests: str, outcome: str) -> None:
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", tests, __file__)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome in done.stdout
