from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import InvalidGraphError, LimitError, UnsupportedGraphError
from pbckpt.freezing.inline import inline_calls
from pbckpt.graph.encode import encode_graph
from pbckpt.protos import GraphDef, NodeDef
from tests.unit.thaw.graphs import FLOAT, line, typed
from tests.unit.variables.graphs import const, function, graph, identity, node, placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import FunctionDef

INT32 = 3
X = node("Placeholder", "x")
C = node("Placeholder", "c")


def inline(
    nodes: Sequence[NodeDef], functions: Sequence[FunctionDef], *outputs: str, maximum: int = 1000
) -> list[NodeDef]:
    found = inline_calls(graph(*nodes, functions=functions), outputs or ("y",), maximum)
    pieces = encode_graph(found.nodes, [], GraphDef())
    data = b"".join(map(bytes, pieces.chunks(memoryview(bytearray(9999)))))
    return list(GraphDef.FromString(data).node)


def lines(nodes: Sequence[NodeDef], functions: Sequence[FunctionDef], *outputs: str) -> list[str]:
    return [line(one) for one in inline(nodes, functions, *outputs)]


def call(name: str, *inputs: str, op: str = "PartitionedCall", f: str = "f") -> NodeDef:
    return node(op, name, *inputs, f=f)


def body(
    name: str,
    arguments: Sequence[str],
    returns: Sequence[str],
    *nodes: NodeDef,
    runs: Sequence[str] = (),
) -> FunctionDef:
    """Return a function of floats in which some nodes are to run."""
    made = function(name, arguments, returns, *nodes)
    for one in (*made.signature.input_arg, *made.signature.output_arg):
        one.type = FLOAT
    made.control_ret.update({f"control_{one}": one for one in runs})
    return made


PRODUCT = body("f", ["a", "b"], ["m:product:0"], typed("MatMul", "m", "a", "b"))
RESULT = node("Relu", "y", "k")


@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall"])
def test_a_body_in_the_place_of_its_call(op: str) -> None:
    assert lines([X, C, call("k", "x", "c:1", op=op), RESULT], [PRODUCT]) == [
        "x Placeholder",
        "c Placeholder",
        "k/m MatMul x c:1",
        "y Relu k/m",
    ]


def test_a_call_by_the_functions_name_says_what_is_left_open() -> None:
    inner = node("Cast", "m", "a")
    inner.attr["SrcT"].placeholder = "T"
    inner.attr["DstT"].type = INT32
    made = body("f", ["a"], ["m:y:0"], inner)
    made.signature.output_arg[0].type_attr = "T"
    called = node("f", "k", "x")
    called.attr["T"].type = INT32
    found = inline([X, called], [made], "k")
    assert [line(one) for one in found][1:] == ["k/m Cast x", "k Identity k/m"]
    assert [found[1].attr["SrcT"].type, found[2].attr["T"].type] == [INT32, INT32]


def test_where_the_graph_ends_the_call_is_an_identity() -> None:
    split = typed("Split", "s", "a", "a")
    made = body("f", ["a"], ["s:output:1", "a", "s:output:0"], split)
    found = inline([X, call("k", "x")], [made], "k")
    assert [line(one) for one in found][1:] == ["k/s Split x x", "k IdentityN k/s:1 x k/s"]
    assert list(found[-1].attr["T"].list.type) == [FLOAT] * 3


def test_functions_in_functions() -> None:
    """Outputs go by their names in bodies: those of a function's own call, too."""
    inner = body("inner", ["a"], ["t:values:0", "t:indices:0"], node("TopKV2", "t", "a"))
    inner.signature.output_arg[1].name = "places"
    inner.ret["places"] = "t:indices:0"
    outer = body(
        *("f", ["b"], ["n:y:0"]),
        node("inner", "i", "b"),
        call("j", "i:places:0", f="inner"),
        node("Neg", "n", "j:output:1"),
    )
    assert lines([X, call("k", "x"), RESULT], [outer, inner]) == [
        "x Placeholder",
        "k/i/t TopKV2 x",
        "k/j/t TopKV2 k/i/t:1",
        "k/n Neg k/j/t:1",
        "y Relu k/n",
    ]


def test_lists_of_outputs() -> None:
    split = node("SparseSplit", "s", "a")
    split.attr["num_split"].i = 3
    returns = ["s:output_indices:1", "s:output_values:2", "s:output_shape:0"]
    nodes = [X, call("k", "x"), node("Sub", "y", "k", "k:1", "k:2")]
    assert lines(nodes, [body("f", ["a"], returns, split)])[-1] == "y Sub k/s:1 k/s:5 k/s:6"


def test_arguments_that_are_handed_on() -> None:
    functions = [body("f", ["a", "b"], ["b", "a"])]
    nodes = [X, C, call("k", "x", "c"), call("l", "k:1", "k"), node("Sub", "y", "l", "l:1")]
    assert lines(nodes, functions)[2:] == ["y Sub c x"]


def test_attributes_are_the_nodes_own() -> None:
    """A node without a device is where the call is; who stands with it stands with it."""
    beside = placed(identity("i", "a"), "other", "gone", "a")
    alone = placed(identity("j", "a"), "gone")
    other = const("other")
    other.device = "/GPU:1"
    called = call("k", "x")
    called.device = "/GPU:7"
    functions = [body("f", ["a"], ["i:output:0", "j:output:0"], beside, other, alone)]
    found = inline([X, called, node("Sub", "y", "k", "k:1")], functions)
    assert [one.device for one in found] == ["", "/GPU:7", "/GPU:1", "/GPU:7", ""]
    assert list(found[1].attr["_class"].list.s) == [b"loc:@k/other"]
    assert "_class" not in found[3].attr


def test_a_name_that_is_taken() -> None:
    nodes = [X, C, call("k", "x", "c"), node("Neg", "k/m", "k"), node("Relu", "y", "k/m")]
    assert lines(nodes, [PRODUCT])[2:] == ["k/m_1 MatMul x c", "k/m Neg k/m_1", "y Relu k/m"]


def test_a_large_constant_stays_where_it_lies() -> None:
    large = const("w", 5000)
    large.attr["value"].tensor.tensor_content = bytes(range(200)) * 100
    made = body("f", ["a"], ["m:product:0"], large, typed("MatMul", "m", "a", "w:output:0"))
    found = inline_calls(graph(X, call("k", "x"), RESULT, functions=[made]), ["y"])
    assert found.nodes[1].tensors
    [again] = [one for one in inline([X, call("k", "x"), RESULT], [made]) if one.name == "k/w"]
    assert again.attr["value"] == large.attr["value"]


def test_loops_and_branches_stay() -> None:
    loop = node("While", "k", "x", body="b", cond="b")
    found = inline([X, loop, RESULT], [body("b", ["a"], ["a"])])
    assert [line(one) for one in found] == ["x Placeholder", "k While x", "y Relu k"]


# Who waits for what


PRINT = node("PrintV2", "p", "a")


def test_who_takes_a_result_waits_for_what_is_to_run() -> None:
    made = body("f", ["a"], ["a"], PRINT, runs=["p"])
    found = inline([X, call("k", "x"), RESULT], [made])
    assert [line(one) for one in found][1:] == ["k/p PrintV2 x", "k Identity x ^k/p", "y Relu k"]


def test_what_is_to_run_in_functions_in_functions() -> None:
    inner = body("inner", ["a"], ["a"], PRINT, runs=["p"])
    outer = body("f", ["b"], ["b"], call("i", "b", f="inner"), runs=["i"])
    assert lines([X, call("k", "x"), RESULT], [outer, inner])[1:] == [
        "k/i/p PrintV2 x",
        "k/i Identity x ^k/i/p",
        "k Identity x ^k/i",
        "y Relu k",
    ]


@pytest.mark.parametrize("op", ["ReadVariableOp", "LookupTableFindV2", "RandomUniform"])
def test_what_only_reads_need_not_run(op: str) -> None:
    made = body("f", ["a"], ["a"], node(op, "r", "a"), runs=["r"])
    assert lines([X, call("k", "x"), RESULT], [made])[-1] == "y Relu x"


FILL = node("LookupTableImportV2", "fill", "a", "a", "a")


@pytest.mark.parametrize(
    "more",
    [
        [node("NoOp", "n", "^fill")],
        [node("NoOp", "m", "^fill"), node("NoOp", "n", "^m")],
        [node("ReadVariableOp", "r", "a", "^fill"), node("NoOp", "n", "^r")],
        [node("Identity", "n", "a", "^fill")],
        [node("ReadVariableOp", "r", "a", "^fill"), node("Identity", "n", "r:value:0")],
        [node("Const", "n", "^fill")],
    ],
    ids=["NoOp", "two", "a read", "Identity", "of a read", "Const"],
)
@pytest.mark.parametrize("is_nested", [False, True])
def test_what_is_listed_may_only_wait_for_what_is_to_run(
    more: Sequence[NodeDef], *, is_nested: bool
) -> None:
    functions = [body("f", ["a"], ["a"], FILL, *more, runs=["n"])]
    if is_nested:
        outer = body("f", ["b"], ["b"], call("i", "b", f="g"), node("NoOp", "n", "^i"), runs=["n"])
        functions = [outer, body("g", ["a"], ["a"], FILL, *more, runs=["n"])]
    found = lines([X, call("k", "x"), RESULT], functions)
    inner = "k/i" if is_nested else "k"
    assert f"{inner} Identity x ^{inner}/fill" in found
    assert not is_nested or "k Identity x ^k/i" in found


def test_what_is_listed_and_waits_for_reads_need_not_run() -> None:
    inner = [node("ReadVariableOp", "r", "a"), node("NoOp", "n", "^r")]
    made = body("f", ["a"], ["a"], *inner, runs=["n", "r"])
    assert lines([X, call("k", "x"), RESULT], [made])[-1] == "y Relu x"


def test_a_loop_is_to_run_for_what_its_functions_wait_for() -> None:
    loop = node("While", "loop", "a", cond="c", body="b")
    functions = [
        body("f", ["a"], ["a"], loop, node("NoOp", "n", "^loop"), runs=["n"]),
        body("b", ["a"], ["a"], FILL, node("NoOp", "n", "^fill"), runs=["n"]),
        body("c", ["a"], ["a"]),
    ]
    assert "k Identity x ^k/loop" in lines([X, call("k", "x"), RESULT], functions)


@pytest.mark.parametrize(
    ("listed", "last"), [([], "y Relu x"), (["p"], "k Identity x ^k/loop")], ids=["no", "yes"]
)
def test_a_loop_is_to_run_for_what_its_functions_do(listed: list[str], last: str) -> None:
    loop = node("While", "loop", "a", cond="c", body="b")
    functions = [
        body("f", ["a"], ["a"], loop, runs=["loop"]),
        body("b", ["a"], ["a"], PRINT, runs=listed),
        body("c", ["a"], ["a"]),
    ]
    assert last in lines([X, call("k", "x"), RESULT], functions)


def test_a_function_that_does_not_say_what_is_to_run() -> None:
    made = body("f", ["a"], ["a"], PRINT)
    made.signature.is_stateful = True
    assert lines([X, call("k", "x"), RESULT], [made])[2] == "k Identity x ^k/p"


def test_a_function_that_only_does() -> None:
    made = body("f", ["a"], [], PRINT, runs=["p"])
    assert lines([X, call("k", "x"), node("Relu", "y", "x", "^k")], [made]) == [
        "x Placeholder",
        "k/p PrintV2 x",
        "k NoOp ^k/p",
        "y Relu x ^k",
    ]


def test_who_waits_for_a_call_waits_for_what_it_gives() -> None:
    """Or takes, where it gives nothing."""
    functions = [PRODUCT, body("g", ["a"], [])]
    nodes = [X, C, call("k", "x", "c"), call("l", "c:1", f="g"), node("Relu", "y", "x", "^k", "^l")]
    assert lines(nodes, functions)[2:] == ["k/m MatMul x c", "y Relu x ^k/m ^c"]


def test_who_waits_for_many_results_waits_for_one_node() -> None:
    inner = [node("Neg", f"n{one}", "a") for one in range(9)]
    made = body("f", ["a"], [f"{one.name}:y:0" for one in inner], *inner)
    found = lines([X, call("k", "x"), node("Relu", "y", "k:3", "^k")], [made])
    assert found[-2:] == [
        "k NoOp " + " ".join(f"^k/n{one}" for one in range(9)),
        "y Relu k/n3 ^k",
    ]


def test_many_results_of_calls_that_are_gone() -> None:
    """Who waits for them waits for what inner calls gave; those that are left count, too."""
    inner = [node("Neg", f"n{one}", "a") for one in range(9)]
    functions = [
        body("f", ["a"], [f"c:r{one}" for one in range(9)], call("c", "a", f="g")),
        body("g", ["a"], [f"{one.name}:y:0" for one in inner], *inner),
    ]
    functions[0].ret.update({f"r{one}": f"c:output:{one}" for one in range(9)})
    found = lines([X, call("k", "x"), node("Relu", "y", "k:3", "^k")], functions)
    assert found[-2:] == [
        "k NoOp " + " ".join(f"^k/c/n{one}" for one in range(9)),
        "y Relu k/c/n3 ^k",
    ]


def test_many_results_of_one_node() -> None:
    made = body("f", ["a"], [f"s:output:{one}" for one in range(9)], typed("Split", "s", "a", "a"))
    found = lines([X, call("k", "x"), node("Relu", "y", "k:3", "^k")], [made])
    assert found[-2:] == ["k/s Split x x", "y Relu k/s:3 ^k/s"]


def test_what_takes_nothing_waits_for_what_the_call_waits_for() -> None:
    """Constants need not: who takes a result waits as well."""
    inner = [const("w"), node("RandomUniform", "r"), typed("Add", "s", "w:output:0", "r:output:0")]
    waiting = [X, C, call("k", "^x", "^c"), RESULT]
    assert lines(waiting, [body("f", [], ["s:z:0"], *inner)])[2:] == [
        "k/start NoOp ^x ^c",
        "k/w Const",
        "k/r RandomUniform ^k/start",
        "k/s Add k/w k/r",
        "k Identity k/s ^x ^c",
        "y Relu k",
    ]


def test_what_takes_constants_alone_waits_for_what_the_call_waits_for() -> None:
    """They do not wait, so that it would wait for nothing; an inner call is no other."""
    inner = [
        const("w"),
        identity("i", "w:output:0"),
        node("Assert", "p", "w:output:0", "a"),
        call("c", "w:output:0", f="g"),
        typed("Add", "s", "i:output:0", "w:output:0"),
    ]
    functions = [
        body("f", ["a"], ["s:z:0"], *inner, runs=["p", "c"]),
        body("g", ["a"], ["a"], PRINT, runs=["p"]),
    ]
    assert lines([X, C, call("k", "x", "^c"), RESULT], functions)[2:] == [
        "k/w Const",
        "k/i Identity k/w ^c",
        "k/p Assert k/w x ^c",
        "k/c/p PrintV2 k/w ^c",
        "k/c Identity k/w ^c ^k/c/p",
        "k/s Add k/i k/w",
        "k Identity k/s ^c ^k/p ^k/c",
        "y Relu k",
    ]


def test_in_a_loop_of_tensorflow_1_constants_wait_as_well() -> None:
    inner = [const("w"), typed("Add", "s", "w:output:0", "a")]
    nodes = [X, node("Enter", "e", "x"), call("k", "e"), RESULT]
    assert lines(nodes, [body("f", ["a"], ["s:z:0"], *inner)])[2:] == [
        "k/input_0 Identity e",
        "k/w Const ^k/input_0",
        "k/s Add k/w k/input_0",
        "y Relu k/s",
    ]


def test_in_a_branch_of_tensorflow_1_nothing_runs_that_is_not_to() -> None:
    """An Identity of what is not there is not there, and nobody who waits for it runs."""
    made = body("f", ["a", "b"], ["a"], node("PrintV2", "p"), runs=["p"])
    nodes = [X, C, node("Switch", "s", "x", "c"), call("k", "s:1", "c", "^x"), RESULT]
    found = inline(nodes, [made])
    assert [line(one) for one in found][3:] == [
        "k/input_0 Identity s:1 ^x",
        "k/input_1 Identity c ^x",
        "k/start NoOp ^x ^k/input_0 ^k/input_1",
        "k/p PrintV2 ^k/start",
        "k Identity k/input_0 ^x ^k/p",
        "y Relu k",
    ]
    assert found[3].attr["T"].type == FLOAT


def test_functions_that_are_in_their_places_go() -> None:
    functions = [PRODUCT, body("kept", ["a"], ["a"]), body("never", ["a"], ["a"])]
    nodes = [X, C, call("k", "x", "c"), node("While", "y", "k", body="kept", cond="kept")]
    found = inline_calls(graph(*nodes, functions=functions), ["y"])
    assert [one.name for one in found.functions] == ["kept", "never"]


def test_waiting_inside_and_for_arguments() -> None:
    inner = [identity("i", "a"), node("NoOp", "n", "^a", "^i"), identity("j", "i:output:0")]
    inner[2].input.append("^n")
    assert lines([X, call("k", "x:1"), RESULT], [body("f", ["a"], ["j:output"], *inner)])[1:] == [
        "k/i Identity x:1",
        "k/n NoOp ^x ^k/i",
        "k/j Identity k/i ^k/n",
        "y Relu k/j",
    ]


# What is refused


def refused(nodes: Sequence[NodeDef], *functions: FunctionDef) -> str:
    with pytest.raises((UnsupportedGraphError, InvalidGraphError)) as caught:
        inline([X, *nodes], functions)
    return str(caught.value)


def test_a_function_that_calls_itself() -> None:
    functions = [body("f", ["a"], ["i:output:0"], call("i", "a", f="g"))]
    functions.append(body("g", ["a"], ["i:output:0"], call("i", "a", f="f")))
    assert refused([call("k", "x"), RESULT], *functions) == (
        "node 'k/i/i' calls function 'f' in itself, which cannot be put in its place; keep the "
        "functions with --functions keep"
    )


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (body("f", [], []), "function 'f': it takes 0 arguments, and is given 1"),
        (body("g", [], []), "function 'f': node 'k' calls it, and the graph does not have it"),
        (
            body("f", ["a"], ["gone:output:0"]),
            "function 'f': it takes 'gone', which is no node and no argument of it",
        ),
        (
            body("f", ["a"], ["i:output:0"], node("Neg", "i", "^gone")),
            "function 'f': it takes 'gone', which is no node and no argument of it",
        ),
    ],
)
def test_what_does_not_fit(made: FunctionDef, text: str) -> None:
    assert refused([call("k", "x"), RESULT], made) == text


def test_an_attribute_that_the_call_does_not_say() -> None:
    inner = node("Neg", "n", "a")
    inner.attr["T"].placeholder = "T"
    assert refused([call("k", "x"), RESULT], body("f", ["a"], ["n:y:0"], inner)) == (
        "node 'n': an attribute is to be 'T' of its call, 'k', which has none"
    )


def test_results_that_are_lists() -> None:
    made = body("f", ["a"], ["a"])
    made.signature.output_arg[0].number_attr = "N"
    assert "'r0' is a list of tensors" in refused([call("k", "x"), RESULT], made)


def test_a_call_that_takes_what_it_gives() -> None:
    """There is no such thing as its result; freezing says so."""
    assert lines([X, call("k", "k"), RESULT], [body("f", ["a"], ["a"])])[-1] == "y Relu k"


def test_functions_that_double_each_time() -> None:
    functions = [
        body(f"f{one}", ["a"], ["i:output:0"], *(call(n, "a", f=f"f{one + 1}") for n in "ij"))
        for one in range(60)
    ]
    functions.append(body("f60", ["a"], ["a"]))
    with pytest.raises(LimitError, match="is over the limit max_nodes of 1000") as caught:
        inline([X, call("k", "x", f="f0"), RESULT], functions)
    assert caught.value.maximum == 1000


def test_a_long_way_down() -> None:
    functions = [
        body(f"f{one}", ["a"], ["i:output:0"], call("i", "a", f=f"f{one + 1}")) for one in range(99)
    ]
    with pytest.raises(LimitError, match="65 is over the limit nested functions of 64"):
        inline([X, call("k", "x", f="f0"), RESULT], functions)


def test_long_names_are_bounded() -> None:
    name = "n" * 100_000
    functions = [
        body(f"f{one}", ["a"], ["a"], *(call(name + n, "a", f=f"f{one + 1}") for n in "ijklmnop"))
        for one in range(60)
    ]
    with pytest.raises(LimitError, match="inlined bytes"):
        inline([X, call("k", "x", f="f0"), RESULT], functions, maximum=1_000_000)


def leaf(arguments: int, results: int) -> FunctionDef:
    return body("leaf", [f"a{one}" for one in range(arguments)], ["a0"] * results)


def test_arguments_are_bounded() -> None:
    """In loops and branches of TensorFlow 1 each is a node, in every call."""
    calls = [call(f"c{one}", *["a"] * 90, f="leaf") for one in range(9)]
    functions = [body("f", ["a"], ["c0:output:0"], *calls), leaf(90, 1)]
    nodes = [X, call("k", "x"), call("l", "k"), RESULT]
    assert lines(nodes, functions) == ["x Placeholder", "y Relu x"]
    with pytest.raises(LimitError, match="is over the limit max_nodes of 1000"):
        inline([X, node("Enter", "e", "x"), call("k", "e"), call("l", "k"), RESULT], functions, "l")


@pytest.mark.parametrize(
    "made",
    [
        call("k", *["x"] * 90, f="leaf"),
        call("k", *["x"] * 90, "^" + "x" * 200_000, f="leaf"),
    ],
    ids=["arguments and results", "what arguments wait for"],
)
def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch, made: NodeDef) -> None:
    monkeypatch.setattr("pbckpt.freezing.inline._MAX_BYTES", 60_000)
    nodes = [X, node("Placeholder", "x" * 200_000), node("Enter", "e", "x"), made, RESULT]
    with pytest.raises(LimitError, match="is over the limit inlined bytes of 60000"):
        inline(nodes, [leaf(90, 900)], "k", "e")


def test_what_nodes_have_of_their_call_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("Neg", f"n{one}", "a") for one in range(9)]
    for one in nodes:
        one.attr["T"].placeholder = "T"
    made = call("k", "x")
    made.attr["f"].func.attr["T"].s = b"t" * 9000
    functions = [body("f", ["a"], ["n0:y:0"], *nodes)]
    assert len(inline([X, made, RESULT], functions)) == 11
    monkeypatch.setattr("pbckpt.freezing.inline._MAX_BYTES", 80_000)
    with pytest.raises(LimitError, match="is over the limit inlined bytes of 80000"):
        inline([X, made, RESULT], functions)
