from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.freezing.graph import Value, freeze_graph
from pbckpt.graph.decode import decode_graph
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.thaw.variable import VariableKind
from pbckpt.wire.span import Stream
from tests.unit.thaw.graphs import FLOAT, encoded, frozen, thaw, typed
from tests.unit.variables.graphs import Source, const, function, graph_def, node

X = node("Placeholder", "x")


def value() -> Value:
    return Value(DataType.FLOAT, (2,), Stream(8, lambda _: iter([memoryview(b"abcdefgh")])))


def freeze(thawed: GraphDef, *outputs: str, keys: tuple[str, ...] = ("w",)) -> GraphDef:
    graph = decode_graph(Source(thawed.SerializeToString()))
    found = freeze_graph(graph, outputs, dict.fromkeys(keys, value()).get)
    return GraphDef.FromString(
        b"".join(map(bytes, found.graph.chunks(memoryview(bytearray(9999)))))
    )


def weight(name: str = "w") -> NodeDef:
    made = const(name, 2)
    made.attr["value"].tensor.tensor_content = b"abcdefgh"
    return made


def call(op: str, name: str, *inputs: str, **functions: str) -> NodeDef:
    made = node(op, name, *inputs, **functions)
    attr = "T" if op.endswith("While") else "Tin"
    made.attr[attr].list.type.extend([FLOAT] * sum(text[0] != "^" for text in inputs))
    return made


USE = typed("MatMul", "m", "x", "w:output:0")


@pytest.mark.parametrize("kind", VariableKind)
@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall"])
def test_a_called_function_has_its_constant_again(op: str, kind: VariableKind) -> None:
    body = function("f", ["x"], ["m:product:0"], weight(), USE)
    body.attr["_input_shapes"].list.shape.add()
    before = graph_def(X, call(op, "y", "x", "^x", f="f"), functions=[body])
    thawed = encoded(thaw(before.node, frozen("w", "f::w", 2), kind=kind, functions=[body]))
    assert [one.name for one in thawed.library.function[0].signature.input_arg] == ["x", "w_1"]
    assert freeze(thawed, "y") == before


@pytest.mark.parametrize("kind", VariableKind)
def test_both_branches_have_what_they_had(kind: VariableKind) -> None:
    """The one that does not use the variable is given it all the same while it is thawed."""
    bodies = [
        function("a", ["x"], ["m:product:0"], weight(), USE),
        function("b", ["x"], ["n:y:0"], typed("Neg", "n", "x")),
    ]
    condition = call("If", "y", "x", then_branch="a", else_branch="b")
    condition.input.insert(0, "x")
    before = graph_def(X, condition, functions=bodies)
    thawed = encoded(thaw(before.node, frozen("w", "a::w", 2), kind=kind, functions=bodies))
    assert [len(one.signature.input_arg) for one in thawed.library.function] == [2, 2]
    assert freeze(thawed, "y") == before


@pytest.mark.parametrize("kind", VariableKind)
def test_a_loop_gives_as_much_as_it_did(kind: VariableKind) -> None:
    bodies = [
        function("body", ["x"], ["m:product:0"], weight(), USE),
        function("cond", ["x"], ["l:z:0"], typed("Less", "l", "x", "x")),
    ]
    loop = call("While", "y", "x", body="body", cond="cond")
    loop.attr["output_shapes"].list.shape.add().dim.add(size=2)
    loop.attr["_num_original_outputs"].i = 1
    before = graph_def(X, loop, node("Relu", "z", "y"), functions=bodies)
    thawed = encoded(thaw(before.node, frozen("w", "body::w", 2), kind=kind, functions=bodies))
    assert thawed.node[1].attr["_num_original_outputs"].i == 2
    assert [len(one.signature.output_arg) for one in thawed.library.function] == [2, 1]
    assert freeze(thawed, "z") == before


@pytest.mark.parametrize("kind", VariableKind)
def test_what_is_passed_on_from_body_to_body(kind: VariableKind) -> None:
    bodies = [
        function("inner", ["x"], ["m:product:0"], weight(), USE),
        function("outer", ["x"], ["c:output:0"], call("PartitionedCall", "c", "x", f="inner")),
    ]
    before = graph_def(X, call("PartitionedCall", "y", "x", f="outer"), functions=bodies)
    thawed = encoded(thaw(before.node, frozen("w", "inner::w", 2), kind=kind, functions=bodies))
    assert [len(one.signature.input_arg) for one in thawed.library.function] == [2, 2]
    assert freeze(thawed, "y") == before


def test_the_op_of_a_function_passes_less_again() -> None:
    body = function("f", ["x"], ["m:product:0"], weight(), USE)
    before = graph_def(X, node("f", "y", "x"), functions=[body])
    thawed = encoded(thaw(before.node, frozen("w", "f::w", 2), functions=[body]))
    assert len(thawed.node[1].input) == 2
    assert freeze(thawed, "y") == before


def test_two_variables_go_where_they_came_from() -> None:
    use = typed("Mul", "m", "v:output:0", "w:output:0")
    body = function("f", ["x"], ["m:z:0"], weight(), weight("v"), use)
    before = graph_def(X, call("PartitionedCall", "y", "x", f="f"), functions=[body])
    variables = (frozen("one", "f::w", 2), frozen("two", "f::v", 2))
    thawed = encoded(thaw(before.node, *variables, functions=[body]))
    assert freeze(thawed, "y", keys=("one", "two")) == before


def test_a_function_without_marks_stays_as_it_is() -> None:
    body = function("f", ["x"], ["n:y:0"], typed("Neg", "n", "x"))
    before = graph_def(X, call("PartitionedCall", "y", "x", f="f"), functions=[body])
    assert freeze(before, "y") == before


@pytest.mark.parametrize(("place", "mark"), [(7, b"added"), (1, b"constant"), (0, b"added")])
def test_marks_of_other_arguments_than_the_last_are_none(place: int, mark: bytes) -> None:
    body = function("f", ["x", "x2"], ["n:y:0"], typed("Neg", "n", "x"))
    body.arg_attr[place].attr["_pbckpt_thaw"].s = mark
    before = graph_def(X, call("PartitionedCall", "y", "x", "x", f="f"), functions=[body])
    assert freeze(before, "y") == before


def test_a_call_that_gives_less_than_is_added_does_no_harm() -> None:
    body = function("f", ["x", "w_1"], ["n:y:0"], typed("Neg", "n", "x"))
    for place in (0, 1):
        body.arg_attr[place].attr["_pbckpt_thaw"].s = b"added"
    made = freeze(graph_def(X, node("f", "y", "x"), node("f", "z"), functions=[body]), "y", "z")
    assert [list(one.input) for one in made.node] == [[], [], []]
