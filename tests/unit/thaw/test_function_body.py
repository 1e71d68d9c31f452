from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import UnsupportedGraphError
from pbckpt.graph.decode import decode_graph
from pbckpt.graph.encode import EncodedFunction, encode_graph
from pbckpt.graph.node import Node
from pbckpt.protos import FunctionDef, GraphDef, NodeDef
from pbckpt.thaw.function_body import ArgumentNames, function_body
from tests.unit.variables.graphs import Source, const, function, graph, node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def inputs(
    *nodes: NodeDef,
    arguments: Mapping[str, str] | None = None,
    functions: Sequence[FunctionDef] = (),
) -> list[str]:
    """Return the inputs of the last node in the body."""
    library = graph(functions=functions).functions
    found = function_body(nodes, arguments or {}, [], library).nodes[-1]
    assert isinstance(found, NodeDef)
    return list(found.input)


def test_tensors_of_a_body_have_the_names_of_outputs() -> None:
    split = node("Split", "s", "axis", "x")
    split.attr["num_split"].i = 3
    taker = node("AddN", "t", "s", "s:0", "s:1", "s:2")
    assert inputs(const("axis"), split, taker, arguments={"x": "x"}) == [
        "s:output:0",
        "s:output:0",
        "s:output:1",
        "s:output:2",
    ]


@pytest.mark.parametrize(
    ("op", "text", "named"),
    [
        ("MatMul", "n", "n:product:0"),
        ("ReadVariableOp", "n:0", "n:value:0"),
        ("FusedBatchNormV3", "n:5", "n:reserve_space_3:0"),
        ("Switch", "n:1", "n:output_true:0"),
        ("TensorArrayV3", "n:1", "n:flow:0"),
        ("VarHandleOp", "n", "n:resource:0"),
    ],
)
def test_ops_of_so_many_outputs(op: str, text: str, named: str) -> None:
    assert inputs(node(op, "n"), node("Identity", "i", text)) == [named]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("d", "d:decoded_indices:0"),
        ("d:1", "d:decoded_indices:1"),
        ("d:2", "d:decoded_values:0"),
        ("d:6", "d:log_probability:0"),
    ],
)
def test_outputs_behind_lists(text: str, named: str) -> None:
    decoder = node("CTCBeamSearchDecoder", "d")
    decoder.attr["top_paths"].i = 2
    assert inputs(decoder, node("Identity", "i", text)) == [named]


def test_arguments_go_by_their_names() -> None:
    add = node("AddN", "a", "scope/X", "scope/X:0", "it:1", "it")
    iterator = node("IteratorGetNext", "it")
    iterator.attr["output_types"].list.type.extend([1, 1])
    arguments = {"scope/X:0": "scope_x", "it:1": "labels"}
    assert inputs(iterator, add, arguments=arguments) == [
        "scope_x",
        "scope_x",
        "labels",
        "it:components:0",
    ]


def test_nothing_waits_for_an_argument() -> None:
    made = node("AddN", "a", "x", "^x", "^w", "^c")
    assert inputs(const("c"), made, arguments={"x": "x", "w": "w_1"}) == ["x", "^c"]


def test_a_node_is_waited_for_of_which_another_output_is_an_argument() -> None:
    made = node("Identity", "i", "it:1", "^it")
    assert inputs(node("Switch", "it"), made, arguments={"it:1": "x"}) == ["x", "^it"]


def test_what_a_function_of_the_library_puts_out_goes_by_the_names_of_its_results() -> None:
    called = function("F", ["a"], ["i:output:0", "a"], node("Identity", "i", "a"))
    names = [one.name for one in called.signature.output_arg]
    found = inputs(node("F", "c"), node("AddN", "t", "c", "c:1"), functions=[called])
    assert found == [f"c:{names[0]}:0", f"c:{names[1]}:0"]


def test_a_function_goes_before_an_op_of_its_name() -> None:
    called = function("MatMul", ["a"], ["a"])
    called.signature.output_arg[0].name = "mine"
    called.ret.clear()
    called.ret["mine"] = "a"
    found = inputs(node("MatMul", "c"), node("Identity", "i", "c"), functions=[called])
    assert found == ["c:mine:0"]


def test_results_are_tensors_of_the_body_or_arguments() -> None:
    nodes = [const("c"), node("TopKV2", "t", "x", "c")]
    body = function_body(nodes, {"x": "image"}, ["t:1", "t", "x:0", "c:0"])
    assert body.results == ("t:indices:0", "t:values:0", "image", "c:output:0")


def test_what_does_not_change_stays_what_it_was() -> None:
    nodes = [const("c"), node("NoOp", "n", "^c"), node("Identity", "i", "c")]
    before = [one.SerializeToString() for one in nodes]
    body = function_body(nodes, {}, [])
    assert body.nodes[0] is nodes[0]
    assert body.nodes[1] is nodes[1]
    assert body.nodes[2] is not nodes[2]
    assert [one.SerializeToString() for one in nodes] == before


def test_nodes_of_a_file_are_changed_as_messages() -> None:
    made = graph(const("c"), node("Identity", "i", "c")).nodes
    found = function_body(made, {}, []).nodes
    assert found[0] is made[0]
    assert isinstance(found[1], NodeDef)
    assert list(found[1].input) == ["c:output:0"]
    assert list(made[1].definition.input) == ["c"]


def test_a_large_constant_stays_a_span_when_its_inputs_change() -> None:
    large = const("c", 4096)
    large.attr["value"].tensor.tensor_content = bytes(range(256)) * 64
    large.input.extend(["^x", "^y"])
    nodes = decode_graph(Source(GraphDef(node=[const("y"), large]).SerializeToString())).nodes
    assert nodes[1].tensors
    found = function_body(nodes, {"x": "x"}, []).nodes[1]
    assert isinstance(found, Node)
    assert found.tensors is nodes[1].tensors
    pieces = encode_graph([], [EncodedFunction(b"", [found])], GraphDef())
    data = b"".join(map(bytes, pieces.chunks(memoryview(bytearray(1 << 16)))))
    [encoded] = GraphDef.FromString(data).library.function[0].node_def
    del large.input[0]
    assert encoded == large
    assert list(nodes[1].definition.input) == ["^x", "^y"]


@pytest.mark.parametrize(
    "text", ["n:1", "n:x", "n:-1", "n:", "n:12345678901", "gone", "x:1", "^gone", ""]
)
def test_a_tensor_that_is_not_there(text: str) -> None:
    nodes = [node("MatMul", "n"), node("AddN", "t", text)]
    with pytest.raises(UnsupportedGraphError, match="no tensor of the part") as caught:
        function_body(nodes, {"x": "x"}, [])
    assert (caught.value.node_name, caught.value.op) == ("t", "AddN")


def test_an_op_that_is_not_known() -> None:
    with pytest.raises(
        UnsupportedGraphError, match="the op 'Mystery', which is no known"
    ) as caught:
        function_body([node("Mystery", "n"), node("AddN", "t", "n")], {}, [])
    assert (caught.value.node_name, caught.value.op) == ("n", "Mystery")


def test_an_op_that_is_not_known_and_of_which_nothing_is_taken() -> None:
    made = [node("Mystery", "n", "x"), node("NoOp", "t", "^n")]
    body = function_body(made, {"x": "x"}, [])
    assert [list(one.input) for one in body.nodes if isinstance(one, NodeDef)] == [["x"], ["^n"]]


def test_a_result_that_is_not_there() -> None:
    with pytest.raises(UnsupportedGraphError, match="the result 'y:1' is no tensor") as caught:
        function_body([node("MatMul", "y")], {}, ["y:1"])
    assert caught.value.node_name == "y"


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("x", "x"),
        ("Dense_1/Kernel", "dense_1_kernel"),
        ("0/w", "w0_w"),
        ("_x", "w_x"),
        ("", "w"),
        ("größe", "gr__e"),
        ("node", "node_1"),
    ],
)
def test_names_of_arguments(wanted: str, name: str) -> None:
    assert ArgumentNames(["node"]).fresh(wanted) == name


def test_names_of_arguments_are_no_others() -> None:
    names = ArgumentNames(["a", "a_2"])
    assert [names.fresh(wanted) for wanted in ("a", "A", "a/1", "a")] == [
        "a_1",
        "a_3",
        "a_1_1",
        "a_4",
    ]
