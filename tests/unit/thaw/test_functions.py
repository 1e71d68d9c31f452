from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import LimitError, UnsupportedGraphError
from pbckpt.graph.decode import decode_graph
from pbckpt.thaw import functions as functions_module
from pbckpt.thaw.graph import thaw_graph
from tests.unit.thaw.graphs import (
    REF,
    RESOURCE,
    encoded,
    enter,
    frozen,
    line,
    lines,
    loop,
    thaw,
    typed,
)
from tests.unit.variables.graphs import Source, const, function, graph_def, identity, node

if TYPE_CHECKING:
    from pbckpt.protos import FunctionDef, NodeDef
    from pbckpt.thaw.graph import ThawedGraph

FLOAT = 1


def body(thawed: ThawedGraph, name: str) -> FunctionDef:
    library = encoded(thawed).library
    return next(one for one in library.function if one.signature.name == name)


def shown(definition: FunctionDef) -> list[str]:
    """Return arguments, nodes and results, one line each."""
    arguments = " ".join(one.name for one in definition.signature.input_arg)
    results = [f"{one.name}={definition.ret[one.name]}" for one in definition.signature.output_arg]
    return [f"({arguments})", *map(line, definition.node_def), " ".join(results)]


def call(op: str, name: str, *inputs: str, **functions: str) -> NodeDef:
    made = node(op, name, *inputs, **functions)
    attr = "T" if op.endswith("While") else "Tin"
    made.attr[attr].list.type.extend([FLOAT] * sum(text[0] != "^" for text in inputs))
    return made


def dense(name: str = "f", constant: str = "w") -> FunctionDef:
    return function(
        name,
        ["x"],
        ["m:product:0"],
        const(constant, 2),
        typed("MatMul", "m", "x", f"{constant}:output:0"),
    )


def test_a_call_passes_the_value_of_a_variable() -> None:
    nodes = [node("Placeholder", "x"), call("PartitionedCall", "y", "x", "^x", f="f")]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[dense()])
    assert thawed.left == {}
    assert lines(thawed) == [
        "x Placeholder",
        "y PartitionedCall x w/Read/ReadVariableOp ^x",
        "w VarHandleOp | added",
        "w/Initializer/initial_value Const",
        "w/Assign AssignVariableOp w w/Initializer/initial_value | added",
        "w/Read/ReadVariableOp ReadVariableOp w | added",
    ]
    assert list(encoded(thawed).node[1].attr["Tin"].list.type) == [1, 1]
    definition = body(thawed, "f")
    assert shown(definition) == [
        "(x w_1)",
        "w Identity w_1 | constant",
        "m MatMul x w:output:0",
        "r0=m:product:0",
    ]
    assert definition.signature.input_arg[1].type == 1
    marked = {place: one.attr["_pbckpt_thaw"].s for place, one in definition.arg_attr.items()}
    assert marked == {1: b"added"}
    # TensorFlow 2 refuses functions with an attribute that it does not know.
    assert "_pbckpt_thaw" not in definition.attr


def test_a_reference_is_passed_by_its_read() -> None:
    nodes = [node("Placeholder", "x"), call("StatefulPartitionedCall", "y", "x", f="f")]
    thawed = thaw(nodes, frozen("w", "f::w", 2), kind=REF, functions=[dense()])
    assert lines(thawed)[1] == "y StatefulPartitionedCall x w/read"


def test_a_function_that_is_an_op_of_its_own_is_passed_it_too() -> None:
    nodes = [node("Placeholder", "x"), node("f", "y", "x")]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[dense()])
    assert lines(thawed)[1] == "y f x w/Read/ReadVariableOp"


def test_a_result_that_was_the_constant_is_its_identity() -> None:
    nodes = [call("PartitionedCall", "y", f="f")]
    made = function("f", [], ["w:output:0"], const("w", 2))
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[made])
    assert shown(body(thawed, "f")) == ["(w_1)", "w Identity w_1 | constant", "r0=w:output:0"]


def test_both_sides_of_an_if_take_what_one_needs() -> None:
    other = function("g", ["x"], ["n:y:0"], typed("Neg", "n", "x"))
    nodes = [
        node("Placeholder", "p"),
        node("Placeholder", "x"),
        call("If", "y", "p", "x", then_branch="f", else_branch="g"),
    ]
    nodes[-1].attr["Tin"].list.type[:] = [FLOAT]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[dense(), other])
    assert lines(thawed)[2] == "y If p x w/Read/ReadVariableOp"
    assert list(encoded(thawed).node[2].attr["Tin"].list.type) == [1, 1]
    assert shown(body(thawed, "g")) == ["(x w)", "n Neg x", "r0=n:y:0"]


def test_all_branches_of_a_case_take_it() -> None:
    other = function("g", ["x"], ["n:y:0"], typed("Neg", "n", "x"))
    made = call("StatelessCase", "y", "i", "x")
    made.attr["branches"].list.func.add(name="f")
    made.attr["branches"].list.func.add(name="g")
    nodes = [node("Placeholder", "i"), node("Placeholder", "x"), made]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[dense(), other])
    assert lines(thawed)[2] == "y StatelessCase i x w/Read/ReadVariableOp"
    assert shown(body(thawed, "g"))[0] == "(x w)"


def while_functions() -> list[FunctionDef]:
    condition = function("c", ["x"], ["l:z:0"], typed("Less", "l", "x", "x"))
    return [condition, dense("b")]


@pytest.mark.parametrize("op", ["While", "StatelessWhile"])
def test_a_loop_hands_the_value_round(op: str) -> None:
    made = call(op, "y", "x", cond="c", body="b")
    made.attr["output_shapes"].list.shape.add().unknown_rank = True
    made.attr["_num_original_outputs"].i = 1
    nodes = [node("Placeholder", "x"), made, identity("z", "y")]
    thawed = thaw(nodes, frozen("w", "b::w", 2), functions=while_functions())
    found = encoded(thawed).node[1]
    assert line(found) == f"y {op} x w/Read/ReadVariableOp"
    assert list(found.attr["T"].list.type) == [1, 1]
    assert [len(one.dim) for one in found.attr["output_shapes"].list.shape] == [0, 1]
    assert found.attr["_num_original_outputs"].i == 2
    assert shown(body(thawed, "c")) == ["(x w)", "l Less x x", "r0=l:z:0"]
    assert shown(body(thawed, "b")) == [
        "(x w_1)",
        "w Identity w_1 | constant",
        "m MatMul x w:output:0",
        "r0=m:product:0 w_1_out=w_1",
    ]


def test_a_call_in_a_body_passes_on_what_the_body_is_given() -> None:
    middle = function(
        "middle",
        ["a"],
        ["y:output:0"],
        call("PartitionedCall", "y", "a", f="f"),
    )
    outer = function("outer", ["a"], ["y:r0:0"], call("While", "y", "a", cond="c", body="middle"))
    condition = function("c", ["x"], ["l:z:0"], typed("Less", "l", "x", "x"))
    nodes = [node("Placeholder", "x"), call("PartitionedCall", "y", "x", f="outer")]
    functions = [dense(), condition, middle, outer]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=functions)
    assert lines(thawed)[1] == "y PartitionedCall x w/Read/ReadVariableOp"
    assert shown(body(thawed, "outer")) == ["(a w)", "y While a w", "r0=y:r0:0"]
    assert shown(body(thawed, "middle")) == [
        "(a w)",
        "y PartitionedCall a w",
        "r0=y:output:0 w_out=w",
    ]
    assert shown(body(thawed, "c"))[0] == "(x w)"
    assert shown(body(thawed, "f"))[0] == "(x w_1)"


def test_a_call_in_a_loop_of_the_main_graph_has_the_value_by_an_enter() -> None:
    inside = call("PartitionedCall", "loop/y", "loop/Identity", f="f")
    nodes = [node("Placeholder", "x"), *loop("loop", "x", inside, result="loop/y")]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[dense()])
    found = lines(thawed)
    assert "loop/y PartitionedCall loop/Identity w/Enter" in found
    assert "w/Enter Enter w/Read/ReadVariableOp | added" in found


def test_names_of_arguments_are_those_that_tensorflow_allows() -> None:
    nodes = [node("Placeholder", "x"), call("PartitionedCall", "y", "x", f="f")]
    made = function(
        "f", ["x"], [], const("A", 2), const("B", 2), const("l_0", 2), node("NoOp", "layer_kernel")
    )
    variables = (
        frozen("Layer/Kernel", "f::A", 2),
        frozen("0", "f::B", 2),
        frozen("layer-kernel", "f::l_0", 2),
    )
    thawed = thaw(nodes, *variables, functions=[made])
    assert shown(body(thawed, "f"))[:4] == [
        "(x layer_kernel_1 w0 layer_kernel_2)",
        "A Identity layer_kernel_1 | constant",
        "B Identity w0 | constant",
        "l_0 Identity layer_kernel_2 | constant",
    ]


def test_shapes_of_arguments_are_told_on() -> None:
    nodes = [node("Placeholder", "x"), call("PartitionedCall", "y", "x", f="f")]
    made = dense()
    made.attr["_input_shapes"].list.shape.add().unknown_rank = True
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[made])
    shapes = body(thawed, "f").attr["_input_shapes"].list.shape
    assert [[one.size for one in shape.dim] for shape in shapes] == [[], [2]]


# What cannot be passed anything


def dataset(name: str = "f") -> NodeDef:
    return node("MapDataset", "data", "x", f=name)


@pytest.mark.parametrize(
    ("nodes", "functions", "reason"),
    [
        pytest.param(
            [node("Placeholder", "x"), dataset()],
            [dense()],
            "MapDataset 'data' calls it, which cannot pass a variable on",
            id="dataset",
        ),
        pytest.param(
            [node("Placeholder", "x"), dataset("g")],
            [dense(), function("g", ["x"], [], call("PartitionedCall", "y", "x", f="f"))],
            "'g' is called with it, or calls it, and MapDataset 'data' calls it, "
            "which cannot pass a variable on",
            id="called by one that is",
        ),
        pytest.param([], [dense()], "nothing calls it", id="not called"),
        pytest.param(
            [node("Placeholder", "x"), call("While", "y", "x", cond="f", body="f")],
            [dense()],
            "it is the body of a loop and called as well",
            id="body and condition",
        ),
        pytest.param(
            [node("Placeholder", "x"), call("If", "y", "x", then_branch="f", else_branch="no")],
            [dense()],
            "'no' is called with it, or calls it, and If 'y' calls it, "
            "and the graph does not have it",
            id="the other branch is missing",
        ),
    ],
)
def test_where_nothing_can_be_passed_the_constant_stays(
    nodes: list[NodeDef], functions: list[FunctionDef], reason: str
) -> None:
    variables = (frozen("v", "v", 2), frozen("w", "f::w", 2))
    thawed = thaw([const("v", 2), *nodes], *variables, functions=functions)
    assert thawed.left == {"w": reason}
    assert [one.name for one in thawed.variables] == ["v"]
    assert shown(body(thawed, "f"))[:2] == ["(x)", "w Const"]
    with pytest.raises(UnsupportedGraphError) as caught:
        thaw(nodes, frozen("w", "f::w", 2), functions=functions)
    assert str(caught.value) == (
        "none of the variables can be put into the graph: 'w' cannot, since "
        f"{reason}; leave the .meta file out with --no-meta"
    )


def test_a_function_with_a_gradient_stays() -> None:
    nodes = [const("v", 2), call("PartitionedCall", "y", "v", f="f")]
    made = graph_def(*nodes, functions=[dense()])
    made.library.gradient.add(function_name="f", gradient_func="g")
    variables = (frozen("v", "v", 2), frozen("w", "f::w", 2))
    thawed = thaw_graph(decode_graph(Source(made.SerializeToString())), variables, RESOURCE)
    assert thawed.left == {"w": "it has a gradient function, or is one"}
    assert encoded(thawed).library.gradient[0].gradient_func == "g"


def test_functions_that_call_each_other_end() -> None:
    one = function("f", ["x"], [], const("w", 2), call("PartitionedCall", "y", "x", f="g"))
    two = function("g", ["x"], [], call("PartitionedCall", "y", "x", f="f"))
    nodes = [node("Placeholder", "x"), call("PartitionedCall", "y", "x", f="f")]
    thawed = thaw(nodes, frozen("w", "f::w", 2), functions=[one, two])
    assert shown(body(thawed, "f"))[:3] == [
        "(x w_1)",
        "w Identity w_1 | constant",
        "y PartitionedCall x w_1",
    ]
    assert shown(body(thawed, "g"))[:2] == ["(x w)", "y PartitionedCall x w"]


def test_a_long_row_of_functions_that_stay_is_told_in_few_words() -> None:
    last = 2000
    functions = [
        function(f"f{number}", ["x"], [], call("PartitionedCall", "y", "x", f=f"f{number + 1}"))
        for number in range(last)
    ]
    functions.append(function(f"f{last}", ["x"], [], const("w", 2)))
    nodes = [const("v", 2), node("MapDataset", "data", "v", f="f0")]
    variables = (frozen("v", "v", 2), frozen("w", f"f{last}::w", 2))
    assert thaw(nodes, *variables, functions=functions).left == {
        "w": "'f0' is called with it, or calls it, and MapDataset 'data' calls it, "
        "which cannot pass a variable on"
    }


def test_what_is_passed_on_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions_module, "_MAX_PASSED", 5)
    functions = [
        function(f"f{number}", ["x"], [], call("PartitionedCall", "y", "x", f=f"f{number + 1}"))
        for number in range(10)
    ]
    functions.append(function("f10", ["x"], [], const("w", 2)))
    nodes = [node("Placeholder", "x"), call("PartitionedCall", "y", "x", f="f0")]
    with pytest.raises(LimitError, match="over the limit passed variables of 5"):
        thaw(nodes, frozen("w", "f10::w", 2), functions=functions)


def test_other_functions_are_as_they_were() -> None:
    other = function("g", ["x"], ["n:y:0"], typed("Neg", "n", "x"), enter("e", "n:y:0", "frame"))
    nodes = [const("v", 2), call("PartitionedCall", "y", "v", f="g")]
    thawed = thaw(nodes, frozen("v", "v", 2), functions=[other])
    assert body(thawed, "g") == other
