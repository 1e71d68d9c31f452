from __future__ import annotations

import pytest

from pbckpt.rewrite.draft import Draft
from pbckpt.thaw.completion import complete
from pbckpt.thaw.contexts import Branch
from tests.unit.thaw.graphs import BOOL, cond, enter, lines_of, loop, typed
from tests.unit.variables.graphs import graph, identity, node

X = node("Placeholder", "x")
P = node("Placeholder", "p")


def draft_of(*nodes: object) -> Draft:
    return Draft(graph(*nodes).nodes)  # type: ignore[arg-type]


def added(draft: Draft) -> list[str]:
    return [line for line in lines_of(draft) if "|" in line]


def test_a_whole_loop_stays_as_it_is() -> None:
    draft = draft_of(X, *loop("loop", "x", result="loop/Identity"))
    completed = complete(draft)
    assert added(draft) == []
    [parts] = completed.loops.values()
    assert parts == (
        "loop/LoopCond",
        "loop/Merge",
        "loop/Identity",
        ("loop/Enter",),
        ("loop/Exit",),
    )
    assert completed.pivots == {}


def test_a_loop_gets_the_exits_and_the_pivot_that_it_lacks() -> None:
    nodes = [
        one
        for one in loop("loop", "x", result="loop/Switch:1", exits=False)
        if one.name != "loop/Identity"
    ]
    draft = draft_of(X, *nodes)
    completed = complete(draft)
    assert added(draft) == [
        "loop/Exit Exit loop/Switch | added",
        "loop/Identity Identity loop/Switch:1 | added",
    ]
    [parts] = completed.loops.values()
    assert (parts.body_pivot, parts.exits) == ("loop/Identity", ("loop/Exit",))
    by_name = {one.name: one for one in draft.definitions()}
    assert by_name["loop/Exit"].attr["T"].type == 1


def test_a_loop_with_two_variables_needs_an_exit_for_each() -> None:
    nodes = loop("loop", "x", result="loop/Identity")
    nodes += [
        enter("loop/Enter_1", "x", "loop"),
        typed("Merge", "loop/Merge_1", "loop/Enter_1", "loop/Next_1"),
        typed("Switch", "loop/Switch_1", "loop/Merge_1", "loop/LoopCond"),
        typed("NextIteration", "loop/Next_1", "loop/Switch_1:1"),
    ]
    draft = draft_of(X, *nodes)
    [parts] = complete(draft).loops.values()
    assert added(draft) == ["loop/Exit_1 Exit loop/Switch_1 | added"]
    assert parts.enters == ("loop/Enter", "loop/Enter_1")
    assert parts.exits == ("loop/Exit", "loop/Exit_1")


def test_nested_loops_have_their_own_parts() -> None:
    inner = loop("outer/inner", "outer/Identity", result="outer/inner/Identity")
    nodes = loop("outer", "x", *inner, result="outer/inner/Exit")
    completed = complete(draft_of(X, *nodes))
    assert {loop.frame: parts.first_merge for loop, parts in completed.loops.items()} == {
        "outer": "outer/Merge",
        "outer/inner": "outer/inner/Merge",
    }


def test_a_whole_condition_only_gets_its_switch_in_two() -> None:
    """The Switch of the predicate by itself serves both branches, and is told of each."""
    draft = draft_of(P, X, *cond("c", "p", "x", "relu", "neg"))
    completed = complete(draft)
    assert {branch.taken: name for branch, name in completed.pivots.items()} == {
        0: "c/switch_f",
        1: "c/switch_t",
    }
    assert "c/Merge Merge neg relu" in lines_of(draft)


def test_branches_get_the_pivots_that_they_lack() -> None:
    nodes = [
        typed("Switch", "c/a", "x", "p"),
        typed("Switch", "c/b", "x", "p"),
        typed("Neg", "neg", "c/a"),
        typed("Relu", "relu", "c/b:1"),
        typed("Merge", "m", "neg", "relu"),
    ]
    draft = draft_of(P, X, *nodes)
    completed = complete(draft)
    assert lines_of(draft)[:5] == [
        "p Placeholder",
        "Switch Switch p p | added",
        "switch_f Identity Switch | added",
        "Switch_1 Switch p p | added",
        "switch_t Identity Switch_1:1 | added",
    ]
    assert {branch.taken: name for branch, name in completed.pivots.items()} == {
        0: "switch_f",
        1: "switch_t",
    }
    assert {one.attr["T"].type for one in draft.definitions() if "witch_" in one.name} == {BOOL}


def test_a_switch_that_serves_both_branches_becomes_two() -> None:
    nodes = [
        typed("Switch", "s", "x", "p"),
        typed("Neg", "neg", "s"),
        typed("Relu", "relu", "s:1"),
        typed("Merge", "m", "neg", "relu"),
    ]
    draft = draft_of(P, X, *nodes)
    completed = complete(draft)
    found = lines_of(draft)
    assert "s Switch x p" in found
    assert "s/false Switch x p | copy" in found
    assert "neg Neg s/false" in found
    assert "relu Relu s:1" in found
    flow = completed.control_flow
    sides = [flow.context(name) for name in ("s", "s/false")]
    assert [side.taken for side in sides if isinstance(side, Branch)] == [1, 0]
    assert draft.look("s/false").attr["T"].type == 1


@pytest.mark.parametrize(
    ("asked", "line"),
    [(False, "m Merge neg relu | swapped"), (True, "m Merge relu neg")],
)
def test_a_merge_with_the_true_branch_first_is_turned_unless_it_is_asked_which(
    *, asked: bool, line: str
) -> None:
    nodes = cond("c", "p", "x", "relu", "neg")[:-1]
    nodes += [typed("Merge", "m", "relu", "neg"), identity("y", "m:1" if asked else "m")]
    draft = draft_of(P, X, *nodes)
    complete(draft)
    assert line in lines_of(draft)


def test_a_merge_of_a_loop_is_not_turned() -> None:
    draft = draft_of(X, *loop("loop", "x", result="loop/Identity"))
    complete(draft)
    assert "loop/Merge Merge loop/Enter loop/NextIteration" in lines_of(draft)


def test_a_case_gets_nothing() -> None:
    nodes = [node("_SwitchN", "s", "x", "p"), typed("Neg", "a", "s:2"), typed("Relu", "b", "s")]
    draft = draft_of(P, X, *nodes, typed("Merge", "m", "a", "b"))
    completed = complete(draft)
    assert added(draft) == []
    assert completed.pivots == {}


@pytest.mark.parametrize(
    "nodes",
    [
        [typed("Merge", "m", "no", "none")],
        [typed("Merge", "m"), typed("Switch", "s", "m", "l"), node("LoopCond", "l")],
        [typed("Switch", "s", "p", "p"), identity("i", "s:1"), typed("Merge", "m", "i", "no")],
        [typed("Switch", "s", "no", "no"), identity("i", "s:1"), identity("j", "s")],
        [typed("Exit", "e"), typed("NextIteration", "n"), node("Enter", "f")],
        [typed("Switch", "s", "s", "s"), identity("i", "s:1"), identity("j", "s")],
    ],
    ids=lambda nodes: " ".join((nodes[0].op, *nodes[0].input)),
)
def test_what_lacks_its_inputs_is_no_obstacle(nodes: list[object]) -> None:
    complete(draft_of(P, X, *nodes))
