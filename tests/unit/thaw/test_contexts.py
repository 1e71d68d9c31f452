from __future__ import annotations

import pytest

from pbckpt.errors import LimitError
from pbckpt.thaw.contexts import Branch, ControlFlow, Loop, way_to
from tests.unit.thaw.graphs import cond, enter, loop, typed
from tests.unit.variables.graphs import const, identity, node


def where(flow: ControlFlow, name: str) -> list[str]:
    """Return the contexts of a node, from the outermost on."""
    found = []
    for step in way_to(flow.context(name)):
        if isinstance(step, Loop):
            found.append(f"loop {step.frame}")
        else:
            found.append(f"{step.pred} is {step.taken}")
    return found


def test_the_nodes_of_a_loop() -> None:
    body = [typed("Mul", "mul", "loop/Identity", "loop/Identity"), const("apart")]
    nodes = [
        node("Placeholder", "x"),
        *loop("loop", "x", *body, result="mul"),
        identity("y", "loop/Exit"),
    ]
    flow = ControlFlow(nodes)
    inside = [one.name for one in nodes if where(flow, one.name) == ["loop loop"]]
    assert inside == [
        "loop/Enter",
        "loop/Merge",
        "loop/Less",
        "loop/LoopCond",
        "loop/Switch",
        "loop/Identity",
        "mul",
        "loop/NextIteration",
        "loop/Exit",
    ]
    assert [where(flow, name) for name in ("x", "apart", "y")] == [[], [], []]
    found = flow.context("mul")
    assert isinstance(found, Loop)
    assert (found.depth, found.parallel_iterations) == (1, 7)


@pytest.mark.parametrize(("said", "is_so"), [(0, 10), (-3, 10), (1, 1), (1 << 40, (1 << 31) - 1)])
def test_how_many_iterations_run_at_a_time(said: int, is_so: int) -> None:
    flow = ControlFlow([node("Placeholder", "x"), enter("e", "x", "f", parallel=said)])
    found = flow.context("e")
    assert isinstance(found, Loop)
    assert found.parallel_iterations == is_so


def test_the_branches_of_a_condition() -> None:
    nodes = [
        node("Placeholder", "p"),
        node("Placeholder", "x"),
        *cond("c", "p", "x", "relu", "neg"),
    ]
    flow = ControlFlow(nodes)
    assert {one.name: where(flow, one.name) for one in nodes} == {
        "p": [],
        "x": [],
        "c/Switch": [],
        "c/switch_t": ["p is 1"],
        "c/switch_f": ["p is 0"],
        "c/pred_id": [],
        "c/t/Switch": ["p is 1"],
        "relu": ["p is 1"],
        "c/f/Switch": ["p is 0"],
        "neg": ["p is 0"],
        "c/Merge": [],
    }
    assert flow.context("relu") is flow.context("c/switch_t")
    assert flow.shared_switches() == ["c/Switch"]


def test_identities_of_a_predicate_are_it() -> None:
    nodes = [node("Placeholder", "p"), identity("a", "p:0"), identity("b", "a"), identity("l", "l")]
    flow = ControlFlow(nodes)
    assert [flow.canonical_predicate(text) for text in ("b", "a", "p", "l")] == ["p", "p", "p", "l"]


def test_control_inputs_place_a_node_too() -> None:
    made = const("w")
    made.input.append("^c/switch_t")
    nodes = [
        node("Placeholder", "p"),
        node("Placeholder", "x"),
        *cond("c", "p", "x", "relu", "neg"),
    ]
    assert where(ControlFlow([*nodes, made]), "w") == ["p is 1"]


def test_loops_in_branches_in_loops() -> None:
    inner = loop("inner", "c/t/Switch:1", result="inner/Identity")
    branches = [
        one for one in cond("c", "p", "outer/Identity", "relu", "neg") if one.name != "relu"
    ]
    body = [
        node("Less", "p", "outer/Identity"),
        *branches,
        *inner,
        typed("Relu", "relu", "inner/Exit"),
    ]
    nodes = [node("Placeholder", "x"), *loop("outer", "x", *body, result="c/Merge")]
    flow = ControlFlow(nodes)
    assert where(flow, "inner/Identity") == ["loop outer", "p is 1", "loop inner"]
    assert where(flow, "relu") == ["loop outer", "p is 1"]
    assert where(flow, "c/Merge") == ["loop outer"]
    assert where(flow, "outer/Exit") == ["loop outer"]


def test_one_frame_name_in_two_places_is_two_loops() -> None:
    nodes = [
        node("Placeholder", "x"),
        enter("a", "x", "f"),
        enter("b", "x", "f"),
        enter("c", "a", "f"),
    ]
    flow = ControlFlow(nodes)
    assert flow.context("a") is flow.context("b")
    assert where(flow, "c") == ["loop f", "loop f"]


def test_a_case_has_a_branch_for_each_output() -> None:
    nodes = [node("Placeholder", "x"), node("Placeholder", "i"), node("_SwitchN", "s", "x", "i")]
    flow = ControlFlow(
        [*nodes, identity("a", "s:2"), identity("b", "s"), node("Merge", "m", "a", "b")]
    )
    assert [where(flow, name) for name in ("a", "b", "m")] == [["i is 2"], ["i is 0"], []]
    found = flow.context("a")
    assert isinstance(found, Branch)
    assert found.is_case


# What no graph that runs has


def test_nodes_that_wait_for_each_other_are_nowhere() -> None:
    nodes = [
        node("Add", "a", "b", "e"),
        node("Add", "b", "a"),
        node("Placeholder", "x"),
        enter("e", "x", "f"),
    ]
    flow = ControlFlow(nodes)
    assert (where(flow, "a"), where(flow, "e")) == ([], ["loop f"])


@pytest.mark.parametrize(
    "made",
    [
        node("Switch", "s"),
        node("Switch", "s", "x"),
        node("Switch", "s", "x", "no"),
        node("Switch", "s", "no", "no"),
        node("Switch", "s", "x", "no", "x"),
        node("Switch", "s", "x", "^x", "x"),
        node("Switch", "s", "^x", "x", "x"),
        node("_SwitchN", "s", "x", "x", "no"),
        node("_SwitchN", "s", "x", "x", "^no"),
        node("_SwitchN", "s"),
        node("Merge", "s"),
        node("Merge", "s", "no", "no"),
        node("Exit", "s"),
        node("Exit", "s", "x"),
        node("Enter", "s"),
        node("NextIteration", "s"),
        node("LoopCond", "s", "s"),
    ],
    ids=lambda made: " ".join((made.op, *made.input)),
)
def test_what_lacks_its_inputs_is_placed_all_the_same(made: object) -> None:
    nodes = [node("Placeholder", "x"), made, identity("y", "s:1"), identity("z", "s")]
    flow = ControlFlow(nodes)  # type: ignore[arg-type]
    assert [where(flow, name) for name in ("x", "y", "z")]
    assert flow.context_of_tensor("no:1") is None


@pytest.mark.parametrize("inputs", [("x", "no", "p"), ("x", "^x", "p"), ("^x", "x", "p")])
def test_a_predicate_is_the_second_tensor_that_there_is(inputs: tuple[str, ...]) -> None:
    nodes = [node("Placeholder", "x"), node("Placeholder", "p"), node("Switch", "s", *inputs)]
    assert where(ControlFlow([*nodes, identity("y", "s:1")]), "y") == ["p is 1"]


def test_outputs_that_no_op_has() -> None:
    nodes = [
        node("Placeholder", "x"),
        node("Placeholder", "p"),
        node("Switch", "s", "x", "p"),
        identity("a", "s:99999999"),
        identity("b", "s:" + "9" * 10_000),
        identity("c", "s:one"),
    ]
    flow = ControlFlow(nodes)
    assert [where(flow, name) for name in "abc"] == [["p is 65536"], ["p is 0"], ["p is 0"]]


def test_the_name_of_a_frame_may_be_any_bytes() -> None:
    made = enter("e", "x", "f")
    made.attr["frame_name"].s = b"f\xff"
    assert where(ControlFlow([node("Placeholder", "x"), made]), "e") == ["loop f\udcff"]


def test_contexts_are_nested_so_deep_and_no_deeper() -> None:
    nodes = [node("Placeholder", "e0")]
    nodes += [enter(f"e{number + 1}", f"e{number}", f"f{number}") for number in range(256)]
    assert len(where(ControlFlow(nodes), "e256")) == 256
    with pytest.raises(LimitError) as caught:
        ControlFlow([*nodes, enter("e257", "e256", "f")])
    assert str(caught.value) == (
        "loops and branches in each other: 257 is over the limit nested contexts of 256"
    )
