from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import InvalidGraphError, LimitError, UnsupportedGraphError
from pbckpt.freezing.graph import Value, freeze_graph
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.rewrite.build import Mark, set_mark
from pbckpt.wire.span import Stream
from tests.unit.thaw.graphs import FLOAT, line, typed
from tests.unit.variables.graphs import function, graph, identity, node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import FunctionDef

RESOURCE, INT32 = 20, 3
X = node("Placeholder", "x")


def value(*dims: int, dtype: DataType = DataType.FLOAT) -> Value:
    data = bytes(dtype.itemsize)
    return Value(dtype, dims, Stream(len(data), lambda _: iter([memoryview(data)])))


VALUES = {"w": value(1), "v": value(1), "i": value(dtype=DataType.INT32), "wide": value(1, 1)}


def freeze(nodes: Sequence[NodeDef], functions: Sequence[FunctionDef], *outputs: str) -> GraphDef:
    """Freeze a graph in which w, v and wide are variables of floats, and i one of a number."""
    found = freeze_graph(graph(*nodes, functions=functions), outputs or ("y",), VALUES.get)
    data = b"".join(map(bytes, found.graph.chunks(memoryview(bytearray(9999)))))
    return GraphDef.FromString(data)


def handle(name: str = "w", dtype: int = FLOAT) -> NodeDef:
    made = node("VarHandleOp", name)
    made.attr["dtype"].type = dtype
    return made


def read(name: str = "r", of: str = "w", dtype: int = FLOAT) -> NodeDef:
    made = node("ReadVariableOp", name, of)
    made.attr["dtype"].type = dtype
    return made


def call(
    op: str, name: str, *inputs: str, types: Sequence[int], results: int = 1, **functions: str
) -> NodeDef:
    made = node(op, name, *inputs, **functions)
    loops = op.endswith("While")
    made.attr["T" if loops else "Tin"].list.type.extend(types)
    if not loops:
        made.attr["Tout"].list.type.extend([FLOAT] * results)
    return made


def body(
    name: str, arguments: Sequence[str], returns: Sequence[str], *nodes: NodeDef
) -> FunctionDef:
    """Return a function whose arguments are resources where their names are one letter."""
    made = function(name, arguments, returns, *nodes)
    for argument in made.signature.input_arg:
        argument.type = RESOURCE if len(argument.name) == 1 else FLOAT
    for result in made.signature.output_arg:
        result.type = RESOURCE if len(made.ret[result.name]) == 1 else FLOAT
    return made


def bodies(made: GraphDef) -> dict[str, list[str]]:
    return {one.signature.name: [line(it) for it in one.node_def] for one in made.library.function}


def types(made: FunctionDef) -> tuple[list[int], list[int]]:
    signature = made.signature
    return [one.type for one in signature.input_arg], [one.type for one in signature.output_arg]


USE = typed("MatMul", "m", "xx", "r:value:0")
PLAIN = body("f_7", ["xx", "a"], ["m:product:0"], read(of="a"), USE)


@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall"])
def test_a_function_takes_the_value(op: str) -> None:
    plain = body("f_7", ["xx", "a"], ["m:product:0"], read(of="a"), USE)
    plain.attr["_input_shapes"].list.shape.add().dim.add(size=3)
    plain.attr["_input_shapes"].list.shape.add()
    plain.arg_attr[1].attr["_output_shapes"].list.shape.add()
    plain.signature.input_arg[1].handle_data.add(dtype=FLOAT)
    made = freeze([X, handle(), call(op, "y", "x", "w", types=[FLOAT, RESOURCE], f="f_7")], [plain])
    assert [line(one) for one in made.node] == ["x Placeholder", "w Const", f"y {op} x w"]
    assert made.node[2].attr["f"].func.name == "f_frozen_7"
    assert list(made.node[2].attr["Tin"].list.type) == [FLOAT, FLOAT]
    assert bodies(made) == {"f_frozen_7": ["r Identity a", "m MatMul xx r:output:0"]}
    [found] = made.library.function
    assert types(found) == ([FLOAT, FLOAT], [FLOAT])
    shapes = found.attr["_input_shapes"].list.shape
    assert [one.unknown_rank for one in shapes] == [False, True]
    assert found.arg_attr[1].attr["_output_shapes"].list.shape[0].unknown_rank
    assert not found.signature.input_arg[1].handle_data


def test_a_call_by_the_functions_name() -> None:
    nodes = [X, handle(), node("f", "y", "x", "w"), node("Relu", "z", "y")]
    made = freeze(nodes, [body("f", ["xx", "a"], ["r:value:0"], read(of="a"))], "z")
    assert [line(one) for one in made.node][2:] == ["y f_frozen_0 x w", "z Relu y"]
    assert made.library.function[0].ret["r0"] == "r:output:0"


def test_a_function_is_there_once_for_each_way_it_is_called() -> None:
    """With a number, with vectors, with something wider, and with none of the variables."""
    functions = [body("f_1", ["a"], ["s:output:0"], node("VariableShape", "s", "a"))]
    names = ("w", "v", "i", "wide", "other")
    nodes = [handle(name, INT32 if name == "i" else FLOAT) for name in names]
    nodes += [
        call("PartitionedCall", f"y{name}", name, types=[RESOURCE], f="f_1") for name in names
    ]
    made = freeze(nodes, functions, *(f"y{name}" for name in names))
    called = [one.attr["f"].func.name for one in made.node[5:]]
    assert called == ["f_frozen_1", "f_frozen_1", "f_frozen_1_1", "f_frozen_1_2", "f_1"]
    found = [(one.node_def[0].op, one.node_def[0].attr["T"].type) for one in made.library.function]
    assert found == [("VariableShape", 0), ("Shape", FLOAT), ("Shape", INT32), ("Shape", FLOAT)]


def test_a_name_that_is_taken() -> None:
    functions = [PLAIN, body("f_frozen_7", ["xx"], ["xx"])]
    nodes = [
        *(X, handle(), call("PartitionedCall", "y", "x", "w", types=[FLOAT, RESOURCE], f="f_7")),
        call("PartitionedCall", "z", "y", types=[FLOAT], f="f_frozen_7"),
    ]
    assert list(bodies(freeze(nodes, functions, "z"))) == ["f_frozen_7_1", "f_frozen_7"]


def test_rows_that_are_looked_up_in_a_function() -> None:
    gather = node("ResourceGather", "g", "a", "xx")
    gather.attr["dtype"].type, gather.attr["Tindices"].type = FLOAT, INT32
    functions = [body("f", ["xx", "a"], ["g:output:0"], gather)]
    nodes = [X, handle(), call("PartitionedCall", "y", "x", "w", types=[FLOAT, RESOURCE], f="f")]
    assert bodies(freeze(nodes, functions)) == {
        "f_frozen_0": ["g GatherV2 a xx g/axis:output:0", "g/axis Const"]
    }


def test_a_loop_hands_values_round() -> None:
    functions = [
        body("b_2", ["xx", "a"], ["m:product:0", "h:output:0"], read(of="a"), USE),
        body("c_1", ["xx", "a"], ["l:z:0"], read(of="a"), typed("Less", "l", "xx", "r:value")),
    ]
    functions[0].node_def.append(typed("Identity", "h", "a", dtype=RESOURCE))
    functions[0].signature.output_arg[1].type = RESOURCE
    loop = call("While", "y", "x", "w", types=[FLOAT, RESOURCE], body="b_2", cond="c_1")
    for name in ("output_shapes", "_output_shapes"):
        loop.attr[name].list.shape.add().dim.add(size=5)
        loop.attr[name].list.shape.add()
    made = freeze([X, handle(), loop, read("z", "y:1")], functions, "z")
    assert line(made.node[-1]) == "z Identity y:1"
    assert [one.signature.name for one in made.library.function] == ["b_frozen_2", "c_frozen_1"]
    assert types(made.library.function[0]) == ([FLOAT, FLOAT], [FLOAT, FLOAT])
    assert made.library.function[0].node_def[2].attr["T"].type == FLOAT
    assert list(made.node[2].attr["T"].list.type) == [FLOAT, FLOAT]
    for name in ("output_shapes", "_output_shapes"):
        shapes = made.node[2].attr[name].list.shape
        assert [[dim.size for dim in one.dim] for one in shapes] == [[5], [1]]


def test_branches_give_what_both_have() -> None:
    """Results that are variables are of one type, and of no shape where shapes differ."""
    functions = [body("t_1", ["a", "b"], ["a"]), body("e_1", ["a", "b"], ["b"])]
    nodes = [node("Placeholder", "p"), handle(), handle("wide")]
    nodes.append(
        call(
            *("If", "y", "p", "w", "wide"),
            types=[RESOURCE] * 2,
            then_branch="t_1",
            else_branch="e_1",
        )
    )
    nodes[-1].attr["Tout"].list.type[0] = RESOURCE
    nodes[-1].attr["output_shapes"].list.shape.add()
    made = freeze([*nodes, read("z", "y")], functions, "z")
    assert list(made.node[3].attr["Tin"].list.type) == [FLOAT, FLOAT]
    assert list(made.node[3].attr["Tout"].list.type) == [FLOAT]
    assert made.node[3].attr["output_shapes"].list.shape[0].unknown_rank
    assert line(made.node[4]) == "z Identity y"


def test_cases_and_what_a_node_hands_on_among_others() -> None:
    functions = [
        body("one_1", ["a", "xx"], ["r:value:0"], read(of="a")),
        body("two_2", ["a", "xx"], ["xx"]),
    ]
    case = call("StatelessCase", "c", "p", "n:1", "n", types=[RESOURCE, FLOAT])
    case.attr["branches"].list.func.add(name="one_1")
    case.attr["branches"].list.func.add(name="two_2")
    several = node("IdentityN", "n", "x", "w")
    several.attr["T"].list.type.extend([FLOAT, RESOURCE])
    made = freeze([X, node("Placeholder", "p"), handle(), several, case], functions, "c")
    assert list(made.node[3].attr["T"].list.type) == [FLOAT, FLOAT]
    called = [one.name for one in made.node[4].attr["branches"].list.func]
    assert called == ["one_frozen_1", "two_frozen_2"]
    assert bodies(made)["two_frozen_2"] == []


def test_results_of_functions_in_functions() -> None:
    """A direct call's results go by their names in a body."""
    functions = [
        body("pass_1", ["a", "b"], ["b", "a"]),
        body("f_2", ["a", "b"], ["r:value:0"], node("pass_1", "p", "a", "b"), read(of="p:r1:0")),
    ]
    functions[0].signature.output_arg[0].name = "other"
    functions[0].ret["other"] = functions[0].ret.pop("r0")
    call_of_f = call("PartitionedCall", "y", "w", "i", types=[RESOURCE] * 2, f="f_2")
    made = freeze([handle(), handle("i", INT32), call_of_f], functions)
    assert types(made.library.function[0]) == ([FLOAT, INT32], [INT32, FLOAT])
    assert bodies(made)["f_frozen_2"] == ["p pass_frozen_1 a b", "r Identity p:r1:0"]


def test_references_beside_a_handle_are_values() -> None:
    """As the predicate of a branch, or what is looked up; they are no handles."""
    functions = [body("t_1", ["a"], ["r:value:0"], read(of="a"))]
    flag, rows = node("VariableV2", "v"), node("VariableV2", "i")
    flag.attr["dtype"].type, rows.attr["dtype"].type = FLOAT, INT32
    gather = node("ResourceGather", "g", "w", "i")
    gather.attr["dtype"].type, gather.attr["Tindices"].type = FLOAT, INT32
    switch = typed("Switch", "s", "w", "i", dtype=RESOURCE)
    branch = call("If", "y", "v", "w", types=[RESOURCE], then_branch="t_1", else_branch="t_1")
    nodes = [handle(), flag, rows, gather, switch, branch, read("r", "s:1")]
    made = freeze(nodes, functions, "g", "r", "y")
    assert [line(one) for one in made.node][3:] == [
        "g GatherV2 w i g/axis",
        "g/axis Const",
        "s Switch w i",
        "y If v w",
        "r Identity s:1",
    ]


# What is left out


def test_functions_that_nothing_calls_any_more_go() -> None:
    """With their gradients; what something hands on by an attribute stays."""
    names = ("used", "inner", "handed", "gone", "slope", "steep")
    functions = [body(name, ["xx"], ["xx"]) for name in names]
    functions[0].node_def.append(node("PartitionedCall", "p", "xx", f="inner"))
    functions[0].node_def.append(node("MapDataset", "d", "xx", f="nothing"))
    functions[0].node_def[1].attr["f"].func.attr["more"].list.func.add(name="handed")
    whole = graph(X, node("PartitionedCall", "y", "x", f="used"), functions=functions)
    gradients = whole.rest.library.gradient
    gradients.add(function_name="inner", gradient_func="slope")
    gradients.add(function_name="gone", gradient_func="steep")
    whole.rest.library.registered_gradients.add(gradient_func="steep", registered_op_type="S")
    found = freeze_graph(whole, ("y",), VALUES.get)
    data = b"".join(map(bytes, found.graph.chunks(memoryview(bytearray(9999)))))
    made = GraphDef.FromString(data)
    assert list(bodies(made)) == ["used", "inner", "handed", "slope"]
    assert [one.function_name for one in made.library.gradient] == ["inner"]
    assert not made.library.registered_gradients


@pytest.mark.parametrize(("of_objects", "names"), [((), ["never"]), (("never", "other"), [])])
def test_what_was_never_called_stays_in_a_graph_that_was_thawed(
    of_objects: tuple[str, ...], names: list[str]
) -> None:
    """Not what its objects call."""
    marked = identity("y", "x")
    set_mark(marked, Mark.KEPT)
    functions = [body("never", ["xx"], ["xx"]), body("gone", ["xx"], ["xx"])]
    nodes = [X, marked, node("PartitionedCall", "z", "y", f="gone")]
    found = freeze_graph(
        graph(*nodes, functions=functions), ("y",), VALUES.get, of_objects=of_objects
    )
    data = b"".join(map(bytes, found.graph.chunks(memoryview(bytearray(9999)))))
    assert list(bodies(GraphDef.FromString(data))) == names


# What is refused


def refused(*nodes: NodeDef, functions: Sequence[FunctionDef]) -> str:
    with pytest.raises((UnsupportedGraphError, InvalidGraphError)) as caught:
        freeze([X, handle(), handle("i", INT32), *nodes], functions)
    return str(caught.value)


def test_an_assignment_in_a_function() -> None:
    functions = [body("f", ["xx", "a"], ["xx"], node("AssignVariableOp", "s", "a", "xx"))]
    nodes = [call("PartitionedCall", "y", "x", "w", types=[FLOAT, RESOURCE], f="f")]
    assert refused(*nodes, functions=functions) == (
        "node 's' (AssignVariableOp) of function 'f' takes the variable 'a' itself, for which a "
        "constant cannot stand; give outputs that do not need it with --outputs"
    )


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        (["w"], "function 'f': it takes 2 arguments, and is given 1"),
        (["w", "w", "w"], "function 'f': it takes 2 arguments, and is given 3"),
    ],
)
def test_a_wrong_number_of_arguments(given: list[str], fact: str) -> None:
    nodes = [call("PartitionedCall", "y", *given, types=[RESOURCE], f="f")]
    assert refused(*nodes, functions=[body("f", ["xx", "a"], ["xx"])]) == fact


def test_types_that_do_not_fit() -> None:
    nodes = [call("PartitionedCall", "y", "x", "w", types=[RESOURCE], f="f")]
    assert refused(*nodes, functions=[body("f", ["xx", "a"], ["xx"])]) == (
        "node 'y': its attr Tin has 1 types, for 2 tensors"
    )


def test_a_function_that_is_not_there() -> None:
    nodes = [call("PartitionedCall", "y", "w", types=[RESOURCE], f="f")]
    assert refused(*nodes, functions=[body("other", [], [])]) == (
        "function 'f': node 'y' (PartitionedCall) calls it, and the graph does not have it"
    )


def test_a_function_that_calls_itself() -> None:
    again = call("PartitionedCall", "c", "a", types=[RESOURCE], f="f")
    nodes = [call("PartitionedCall", "y", "w", types=[RESOURCE], f="f")]
    functions = [body("f", ["a"], ["c:output:0"], again)]
    assert "calls function 'f' in itself with a variable" in refused(*nodes, functions=functions)


@pytest.mark.parametrize(
    "returns", [["xx", "i:output:0"], ["a", "a"], ["xx", "xx"]], ids=["another", "both", "none"]
)
def test_a_loop_that_does_not_hand_its_variable_round(returns: list[str]) -> None:
    made = body("b", ["xx", "a", "n"], [*returns, "n"], typed("Identity", "i", "n", dtype=RESOURCE))
    functions = [made, body("c", ["xx", "a", "n"], ["xx"])]
    loop = call(
        *("While", "y", "x", "w", "i"), types=[FLOAT, RESOURCE, RESOURCE], body="b", cond="c"
    )
    assert "does not hand it round" in refused(loop, functions=functions)


def test_branches_that_do_not_give_the_same() -> None:
    functions = [body("t", ["a", "xx"], ["a"]), body("e", ["a", "xx"], ["xx"])]
    condition = call(
        *("If", "y", "x", "w", "x"), types=[RESOURCE, FLOAT], then_branch="t", else_branch="e"
    )
    assert "takes functions that do not return the same" in refused(condition, functions=functions)


def test_a_variable_of_a_functions_own() -> None:
    nodes = [node("PartitionedCall", "y", "x", f="f")]
    text = refused(*nodes, functions=[body("f", ["xx"], ["r:value:0"], handle("q"), read(of="q"))])
    assert "node 'q' (VarHandleOp) of function 'f' is a variable of its own" in text


def test_a_variable_says_which_way_to_go() -> None:
    nodes = [call("If", "y", "w", "x", types=[FLOAT], then_branch="f", else_branch="f")]
    functions = [body("f", ["xx"], ["xx"])]
    assert "node 'y' (If) takes the variable 'w' itself" in refused(*nodes, functions=functions)


def test_a_long_way_down() -> None:
    functions = [
        body(f"f{one}", ["a"], ["c:output:0"], node("PartitionedCall", "c", "a", f=f"f{one + 1}"))
        for one in range(100)
    ]
    for one in functions:
        one.node_def[0].attr["Tin"].list.type.append(RESOURCE)
        one.node_def[0].attr["Tout"].list.type.append(FLOAT)
    nodes = [handle(), call("PartitionedCall", "y", "w", types=[RESOURCE], f="f0")]
    with pytest.raises(LimitError, match="65 is over the limit nested functions of 64"):
        freeze(nodes, functions)


def test_many_ways_to_call_functions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function calls the next with its arguments in both orders."""
    arguments = [*"abcdefghijkl"]
    functions = []
    for one in range(40):
        calls = []
        for name, given in (
            ("same", arguments),
            ("turned", [*arguments[1:], arguments[0]]),
            ("swapped", [arguments[1], arguments[0], *arguments[2:]]),
        ):
            types_of_all = [RESOURCE] * len(arguments)
            made = call("PartitionedCall", name, *given, types=types_of_all, f=f"f{one + 1}")
            calls.append(made)
        functions.append(body(f"f{one}", arguments, ["same:output:0"], *calls))
    functions.append(body("f40", arguments, ["r:value:0"], read(of="a")))
    given = ["w" if place % 2 else "i" for place in range(12)]
    nodes = [handle(), handle("i", INT32)]
    nodes.append(call("PartitionedCall", "y", *given, types=[RESOURCE] * 12, f="f0"))
    monkeypatch.setattr("pbckpt.freezing.special._MAX_SPECIAL", 300)
    with pytest.raises(LimitError, match="301 is over the limit special functions of 300"):
        freeze(nodes, functions)


def test_the_bytes_of_what_functions_say_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    made = body("f", ["a"], ["r:value:0"], read(of="a"))
    made.signature.description = "z" * 9000
    nodes = [
        *(handle(), handle("i", INT32)),
        call("PartitionedCall", "k", "w", types=[RESOURCE], f="f"),
        call("PartitionedCall", "l", "i", types=[RESOURCE], f="f"),
    ]
    assert len(freeze(nodes, [made], "k", "l").library.function) == 2
    monkeypatch.setattr("pbckpt.freezing.special._MAX_BYTES", 10_000)
    with pytest.raises(LimitError, match="limit bytes of special functions of 10000"):
        freeze(nodes, [made], "k", "l")
