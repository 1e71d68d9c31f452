from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import LimitError
from pbckpt.protos import CondContextDef, WhileContextDef
from pbckpt.thaw import control_flow as control_flow_module
from tests.unit.thaw.graphs import cond, enter, frozen, loop, thaw, typed
from tests.unit.variables.graphs import const, node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import NodeDef

X, P, V = node("Placeholder", "x"), node("Placeholder", "p"), const("v", 2)


def contexts(*nodes: NodeDef) -> tuple[list[WhileContextDef], list[CondContextDef]]:
    messages = thaw([V, *nodes], frozen("v", "v", 2)).messages
    loops: Sequence[bytes] = messages.get("while_context", ())
    conds: Sequence[bytes] = messages.get("cond_context", ())
    return [*map(WhileContextDef.FromString, loops)], [*map(CondContextDef.FromString, conds)]


def test_a_loop_as_tensorflow_notes_it() -> None:
    body = [
        enter("loop/e", "x", "loop", constant=True),
        typed("Mul", "mul", "loop/Identity", "loop/e"),
    ]
    [found], conds = contexts(X, *loop("loop", "x", *body, result="mul"))
    assert conds == []
    assert found.context_name == "loop"
    assert (found.parallel_iterations, found.back_prop, found.swap_memory) == (7, True, False)
    assert found.pivot_name == "loop/LoopCond:0"
    assert found.pivot_for_pred_name == "loop/Merge:0"
    assert found.pivot_for_body_name == "loop/Identity:0"
    assert list(found.loop_enter_names) == ["loop/Enter:0"]
    assert list(found.loop_exit_names) == ["loop/Exit:0"]
    assert dict(found.values_def.external_values) == {"x:0": "loop/e:0"}
    assert list(found.values_def.values) == [
        "loop/Enter:0",
        "loop/Exit:0",
        "loop/Identity:0",
        "loop/Less:0",
        "loop/LoopCond:0",
        "loop/Merge:0",
        "loop/Merge:1",
        "loop/NextIteration:0",
        "loop/Switch:0",
        "loop/Switch:1",
        "loop/e:0",
        "mul:0",
        "x:0",
    ]
    assert len(found.nested_contexts) == 0


def test_a_condition_has_a_context_for_each_branch() -> None:
    loops, [one, other] = contexts(P, X, *cond("c", "p", "x", "relu", "neg"))
    assert loops == []
    true, false = sorted((one, other), key=lambda each: -each.branch)
    assert (true.context_name, false.context_name) == ("c/cond_text", "c/cond_text_1") or (
        true.context_name,
        false.context_name,
    ) == ("c/cond_text_1", "c/cond_text")
    assert (true.branch, true.pred_name, true.pivot_name) == (1, "p:0", "c/switch_t:0")
    assert (false.branch, false.pred_name, false.pivot_name) == (0, "p:0", "c/switch_f:0")
    assert dict(true.values_def.external_values)["x:0"] == "c/t/Switch:1"
    assert dict(true.values_def.external_values)["p:0"] == "p:0"
    assert dict(false.values_def.external_values)["x:0"] == "c/f/Switch:0"
    assert "relu:0" in true.values_def.values
    assert "neg:0" not in true.values_def.values


def test_what_is_inside_is_nested() -> None:
    inner = cond("outer/c", "outer/p", "outer/Identity", "outer/relu", "outer/neg")
    deepest = loop("outer/l", "outer/c/Merge", result="outer/l/Identity")
    body = [typed("Less", "outer/p", "outer/Identity"), *inner, *deepest]
    [found], conds = contexts(X, *loop("outer", "x", *body, result="outer/l/Exit"))
    assert conds == []
    kinds = [one.WhichOneof("ctxt") for one in found.nested_contexts]
    assert sorted(map(str, kinds)) == ["cond_ctxt", "cond_ctxt", "while_ctxt"]
    [nested] = [one.while_ctxt for one in found.nested_contexts if one.HasField("while_ctxt")]
    assert nested.context_name == "outer/l"
    assert set(nested.values_def.values) < set(found.values_def.values)


def test_a_frame_that_is_no_loop_has_no_context() -> None:
    loops, conds = contexts(X, enter("e", "x", "f"), typed("Exit", "y", "e"))
    assert (loops, conds) == ([], [])


def test_a_loop_in_a_case_is_listed_past_it() -> None:
    nodes = [node("_SwitchN", "s", "x", "p"), *loop("l", "s:1", result="l/Identity")]
    [found], conds = contexts(P, X, *nodes)
    assert (found.context_name, conds) == ("l", [])


def test_a_frame_whose_name_is_no_text_has_no_context() -> None:
    nodes = loop("l", "x", result="l/Identity")
    nodes[0].attr["frame_name"].s = b"\xff"
    waiting = const("w", 2)
    waiting.input.append("^l/Identity")
    thawed = thaw([X, *nodes, waiting], frozen("w", "w", 2))
    assert "while_context" not in thawed.messages


def test_contexts_deeper_than_tensorflow_reads_are_left_out() -> None:
    nodes, start = [X], "x"
    for number in range(60):
        nodes += loop(f"l{number}", start, result=f"l{number}/Identity")
        start = f"l{number}/Identity"
    [found], _ = contexts(*nodes)
    depth = 1
    while found.nested_contexts:
        found = found.nested_contexts[0].while_ctxt
        depth += 1
    assert depth == 50


def test_an_enter_that_enters_nothing_is_no_obstacle() -> None:
    made = enter("l/e", "x", "l", constant=True)
    del made.input[:]
    [found], _ = contexts(X, *loop("l", "x", made, result="l/Identity"))
    assert dict(found.values_def.external_values) == {}


def test_what_a_context_knows_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    split = node("Split", "l/s", "l/Identity")
    split.attr["num_split"].i = 1 << 40
    nodes = [X, *loop("l", "x", split, result="l/Identity")]
    [found], _ = contexts(*nodes)
    assert len(found.values_def.values) == (1 << 16) + 10
    monkeypatch.setattr(control_flow_module, "_MAX_VALUES", 1 << 16)
    with pytest.raises(LimitError, match="over the limit values of contexts of 65536"):
        contexts(*nodes)
