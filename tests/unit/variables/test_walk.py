from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.operators.passing import Change
from pbckpt.variables import walk
from tests.unit.variables.graphs import const, function, identity, node, number_of, walker

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef
    from pbckpt.variables.walk import Walker


def uses(walks: Walker, start: str) -> list[tuple[str, int, set[str]]]:
    """Return the uses of a constant: node, slot, changes."""
    net = walks.network
    reach = walks.walk(number_of(net, start))
    assert reach.is_whole
    return [
        (net.title(use.node), use.slot, {change.value for change in use.changes})
        for use in reach.uses
    ]


def passed(walks: Walker, start: str) -> list[tuple[str, str]]:
    """Return what hands a constant's value on, and what each has it from."""
    net = walks.network
    reach = walks.walk(number_of(net, start))
    return [(net.title(one.node), net.title(one.source)) for one in reach.passed]


def test_a_direct_use() -> None:
    walks = walker(const("w"), node("MatMul", "m", "x", "w"))
    assert uses(walks, "w") == [("m", 1, set())]
    assert passed(walks, "w") == []


@pytest.mark.parametrize(
    ("op", "changes"),
    [
        ("Identity", set()),
        ("Enter", set()),
        ("RefEnter", set()),
        ("Switch", set()),
        ("StopGradient", set()),
        ("Cast", {"type"}),
        ("Dequantize", {"quantization"}),
        ("FakeQuantWithMinMaxVars", {"quantization"}),
        ("Reshape", {"layout"}),
        ("Transpose", {"layout"}),
        ("Slice", {"part"}),
    ],
)
def test_a_use_seen_through_one_op(op: str, changes: set[str]) -> None:
    walks = walker(const("w"), node(op, "n", "w", "y"), node("MatMul", "m", "x", "n"))
    assert uses(walks, "w") == [("m", 1, changes)]
    assert passed(walks, "w") == [("n", "w")]


def test_changes_add_up_on_the_way() -> None:
    walks = walker(
        const("w"),
        identity("i", "w"),
        node("Cast", "c", "i"),
        node("Transpose", "t", "c", "perm"),
        node("MatMul", "m", "x", "t"),
        node("Relu", "r", "i"),
    )
    assert uses(walks, "w") == [("r", 0, set()), ("m", 1, {"type", "layout"})]
    assert passed(walks, "w") == [("i", "w"), ("c", "i"), ("t", "c")]


def test_a_parameter_of_what_hands_on_is_used_there() -> None:
    walks = walker(const("perm"), node("Transpose", "t", "x", "perm"), node("Relu", "r", "t"))
    assert uses(walks, "perm") == [("t", 1, set())]


def test_both_outputs_of_a_switch() -> None:
    walks = walker(
        const("w"),
        const("p"),
        node("Switch", "s", "w", "p"),
        node("Relu", "no", "s"),
        node("Relu", "yes", "s:1"),
    )
    assert uses(walks, "w") == [("no", 0, set()), ("yes", 0, set())]
    assert uses(walks, "p") == [("s", 1, set())]


def test_all_outputs_of_what_takes_one_value() -> None:
    walks = walker(
        const("w"),
        node("Unpack", "u", "w"),
        node("Relu", "first", "u"),
        node("Relu", "second", "u:1"),
    )
    assert uses(walks, "w") == [("first", 0, {"part"}), ("second", 0, {"part"})]


def test_identities_of_many_keep_their_lanes() -> None:
    walks = walker(
        const("a"),
        const("b"),
        node("IdentityN", "n", "a", "b"),
        node("Relu", "ra", "n"),
        node("Relu", "rb", "n:1"),
    )
    assert uses(walks, "a") == [("ra", 0, set())]
    assert uses(walks, "b") == [("rb", 0, set())]


def test_a_concatenation_of_constants_is_seen_through() -> None:
    nodes = [const("a"), const("b"), const("axis", dtype=3)]
    whole = walker(
        *nodes, node("ConcatV2", "cat", "a", "b", "axis"), node("MatMul", "m", "x", "cat")
    )
    assert uses(whole, "a") == uses(whole, "b") == [("m", 1, {"part"})]
    assert uses(whole, "axis") == [("cat", 2, set())]
    mixed = walker(
        *nodes,
        node("Placeholder", "x"),
        node("ConcatV2", "cat", "a", "x", "axis"),
        node("MatMul", "m", "x", "cat"),
    )
    assert uses(mixed, "a") == [("cat", 0, set())]


@pytest.mark.parametrize("op", ["Pack", "ParallelConcat"])
def test_other_joins(op: str) -> None:
    walks = walker(const("a"), const("b"), node(op, "j", "a", "b"), node("Relu", "r", "j"))
    assert uses(walks, "b") == [("r", 0, {"part"})]
    walks = walker(const("a"), node(op, "j", "a", "x"), node("Relu", "r", "j"))
    assert uses(walks, "a") == [("j", 0, set())]


def loop(back: NodeDef) -> Walker:
    """A loop of TensorFlow 1, round which ``body`` goes."""
    return walker(
        const("w"),
        node("Enter", "enter", "w"),
        node("Merge", "merge", "enter", "next"),
        node("Switch", "switch", "merge", "p"),
        identity("in", "switch:1"),
        back,
        node("NextIteration", "next", "body"),
        node("MatMul", "m", "x", "in"),
    )


def test_a_loop_that_hands_its_value_round_is_followed() -> None:
    walks = loop(identity("body", "in"))
    assert uses(walks, "w") == [("m", 1, set())]


def test_the_state_of_a_loop_is_not_followed() -> None:
    walks = loop(node("Add", "body", "in", "in"))
    assert uses(walks, "w") == [("merge", 0, set())]


def test_into_a_function_and_out_again() -> None:
    body = function("f", ["a"], ["i:output:0"], identity("i", "a"), node("Relu", "r", "a"))
    walks = walker(
        const("w"), node("f", "call", "w"), node("MatMul", "m", "x", "call"), functions=[body]
    )
    assert uses(walks, "w") == [("call", 0, set()), ("f::r", 0, set()), ("m", 1, set())]
    assert passed(walks, "w") == [("f::a", "w"), ("f::i", "f::a"), ("f::result 0", "f::i")]


@pytest.mark.parametrize(
    "nodes",
    [
        [const("w"), identity("i", "w"), node("Merge", "a", "i", "b"), node("Merge", "b", "a")],
        [const("w"), node("Merge", "a", "w", "a")],
    ],
)
def test_cycles_end(nodes: list[NodeDef]) -> None:
    assert uses(walker(*nodes), "w") == []


def test_a_function_that_calls_itself_ends() -> None:
    body = function("f", ["a"], ["again:r0:0"], node("f", "again", "a"))
    walks = walker(const("w"), node("f", "call", "w"), functions=[body])
    assert [name for name, _, _ in uses(walks, "w")] == ["call", "f::again"]


HANDS_ON = function("f", ["a"], ["i:output:0"], identity("i", "a"))


def test_what_goes_in_by_a_call_comes_out_by_it() -> None:
    walks = walker(
        const("v"),
        const("w"),
        node("PartitionedCall", "one", "v", f="f"),
        node("f", "two", "w"),
        node("Conv2D", "conv", "x", "one"),
        node("Sub", "sub", "x", "two"),
        functions=[HANDS_ON],
    )
    assert uses(walks, "v") == [("one", 0, set()), ("conv", 1, set())]
    assert uses(walks, "w") == [("two", 0, set()), ("sub", 1, set())]
    net = walks.network
    inner = number_of(net, "f::i")
    assert walks.origin((inner, 0)) is None
    assert walks.behind((inner, 0)) == (-1, 0)


def test_calls_in_calls_and_two_of_one_constant() -> None:
    outer = function("g", ["a"], ["second:r0:0"], node("f", "first", "a"), node("f", "second", "a"))
    walks = walker(
        const("v"),
        const("w"),
        node("g", "of_v", "v"),
        node("g", "of_w", "w"),
        node("f", "also", "w"),
        node("Relu", "r", "of_v"),
        node("Tanh", "t", "of_w"),
        node("Abs", "s", "also"),
        functions=[outer, HANDS_ON],
    )
    assert {name for name, _, _ in uses(walks, "v")} == {"of_v", "g::first", "g::second", "r"}
    of_w = {name for name, _, _ in uses(walks, "w")}
    assert of_w == {"of_w", "also", "g::first", "g::second", "t", "s"}


def test_what_a_function_holds_comes_out_by_all_its_calls() -> None:
    body = function("f", [], ["w:output:0"], const("w"))
    walks = walker(
        node("f", "one"), node("f", "two"), node("Relu", "r", "one"), node("Tanh", "t", "two"),
        functions=[body],
    )  # fmt: skip
    assert [name for name, _, _ in uses(walks, "f::w")] == ["r", "t"]


def test_calls_that_give_an_argument_the_same_are_one() -> None:
    walks = walker(const("w"), node("f", "one", "w"), node("f", "two", "w"), functions=[HANDS_ON])
    walks.walk(0)
    inner = number_of(walks.network, "f::i")
    assert walks.origin((inner, 0)) == 0
    assert walks.behind((inner, 0)) == (0, 0)


def test_what_a_function_gives_may_depend_on_anything() -> None:
    bodies = [function("yes", ["a", "b"], ["a"]), function("no", ["a", "b"], ["b"])]
    walks = walker(
        const("w"),
        node("Placeholder", "x"),
        node("If", "if", "w", "w", "x", then_branch="yes", else_branch="no"),
        node("Add", "mixed", "if", "x"),
        node("Neg", "neg", "if"),
        node("f", "call", "w"),
        node("Add", "sum", "call", "x"),
        node("Neg", "of_call", "call"),
        functions=[*bodies, HANDS_ON],
    )
    for name in ("mixed", "neg", "call", "sum", "of_call"):
        assert not walks.constant_only[number_of(walks.network, name)]


def test_takers_do_not_come_out_of_a_function_by_another_call() -> None:
    walks = walker(
        node("Rsqrt", "r", "x"),
        node("f", "one", "r"),
        node("f", "two", "y"),
        node("Mul", "m", "two", "z"),
        functions=[HANDS_ON],
    )
    net = walks.network
    assert [net.title(one) for one, _ in walks.takers(number_of(net, "r"))] == ["one"]


def test_no_more_takers_than_are_worth_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MAX_TAKERS", 5)
    monkeypatch.setattr(walk, "_MIN_STEPS", 12)
    monkeypatch.setattr(walk, "_STEPS_PER_NODE", 0)
    walks = walker(
        node("Rsqrt", "r", "x"), *(node("Mul", f"m{number}", "r", "x") for number in range(9))
    )
    assert len(walks.takers(0)) == 5
    assert walks.takers(0) is walks.takers(0)
    assert not walks.is_whole
    assert walks.takers(0) == ()


def test_a_merge_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    stays = walk.Walker._stays

    def noting(self: Walker, merge: int, producer: tuple[int, int]) -> bool:
        looked.append(merge)
        return stays(self, merge, producer)

    monkeypatch.setattr(walk.Walker, "_stays", noting)
    names = [f"w{number}" for number in range(20)]
    walks = walker(*map(const, names), node("Merge", "m", *names), node("Relu", "r", "m"))
    for name in names:
        assert uses(walks, name) == [("r", 0, set())]
    assert len(looked) == 20


def test_a_budget_ends_walks_that_meet_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MIN_STEPS", 10)
    monkeypatch.setattr(walk, "_STEPS_PER_NODE", 0)
    nodes = [const("a"), const("b"), node("Pack", "p", "a", "b")]
    nodes += [node("Relu", f"r{number}", "p") for number in range(8)]
    walks = walker(*nodes)
    first, second = (walks.walk(number_of(walks.network, name)) for name in ("a", "b"))
    assert first.is_whole
    assert len(first.uses) == 8
    assert not second.is_whole
    assert second.uses == ()
    assert [walks.network.title(one.node) for one in second.passed] == ["p"]


def test_walks_may_meet_four_times_for_each_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MIN_STEPS", 0)
    names = "abcde"
    nodes = [*map(const, names), node("Pack", "p", *names)]
    walks = walker(*nodes, *(node("Relu", f"r{number}", "p") for number in range(30)))
    reaches = [walks.walk(number_of(walks.network, name)) for name in names]
    # 36 nodes: 144 steps, 30 each.
    assert [reach.is_whole for reach in reaches] == [True, True, True, True, False]


def test_a_straight_way_behind_a_join_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MIN_STEPS", 9)
    monkeypatch.setattr(walk, "_STEPS_PER_NODE", 0)
    steps = [identity(f"i{number}", f"i{number - 1}" if number else "p") for number in range(6)]
    walks = walker(const("a"), const("b"), node("Pack", "p", "a", "b"), *steps)
    assert passed(walks, "a")[-1] == ("i5", "i4")
    second = walks.walk(number_of(walks.network, "b"))
    assert not second.is_whole
    assert [walks.network.names[one.node] for one in second.passed] == ["p", "i0", "i1", "i2"]


def test_stretches_of_several_outputs_are_kept_apart() -> None:
    walks = walker(
        const("a"),
        const("b"),
        node("IdentityN", "n", "a", "b"),
        *(
            identity(f"{lane}{step}", f"{lane}{step - 1}" if step else f"n:{place}")
            for place, lane in enumerate("xy")
            for step in range(3)
        ),
    )
    assert passed(walks, "a") == [("n", "a"), ("x0", "n"), ("x1", "x0"), ("x2", "x1")]
    assert passed(walks, "b") == [("n", "b"), ("y0", "n"), ("y1", "y0"), ("y2", "y1")]


def test_walks_that_cannot_meet_need_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MIN_STEPS", 0)
    monkeypatch.setattr(walk, "_STEPS_PER_NODE", 0)
    walks = walker(
        const("a"),
        *(identity(f"i{number}", f"i{number - 1}" if number else "a") for number in range(100)),
    )
    reach = walks.walk(0)
    assert reach.is_whole
    assert len(reach.passed) == 100


# --- what walks know together


def test_origins_are_known_after_the_walks() -> None:
    walks = walker(const("w"), identity("i", "w"), node("Relu", "r", "i"))
    net = walks.network
    i, r = number_of(net, "i"), number_of(net, "r")
    assert walks.origin((i, 0)) is None
    walks.walk(0)
    assert walks.origin((i, 0)) == walks.origin((0, 0)) == 0
    assert walks.origin((r, 0)) is None
    assert walks.origin((-1, 0)) is None


def test_behind_what_hands_on() -> None:
    walks = walker(
        node("MatMul", "m", "x", "y"), identity("i", "m"), node("Reshape", "s", "i", "shape")
    )
    net = walks.network
    assert walks.behind((number_of(net, "s"), 0)) == (number_of(net, "m"), 0)
    assert walks.behind((number_of(net, "m"), 0)) == (number_of(net, "m"), 0)
    assert walks.behind((-1, 0)) == (-1, 0)


def test_takers_through_what_hands_on() -> None:
    walks = walker(
        node("Rsqrt", "r", "x"),
        identity("i", "r"),
        node("Mul", "a", "r", "y"),
        node("Mul", "b", "y", "i"),
    )
    net = walks.network
    found = [(net.title(number), slot) for number, slot in walks.takers(number_of(net, "r"))]
    assert found == [("a", 0), ("b", 1)]


def test_what_depends_on_constants_alone() -> None:
    walks = walker(
        const("a"),
        const("b"),
        node("Add", "sum", "a", "b"),
        node("Neg", "neg", "sum"),
        node("Placeholder", "x"),
        node("Add", "mixed", "x", "a"),
        node("RandomUniform", "random", "a"),
        node("Relu", "of_random", "random"),
        node("Add", "lost", "a", "zzz"),
        node("VarHandleOp", "handle"),
    )
    known = {walks.network.title(k): bool(one) for k, one in enumerate(walks.constant_only)}
    assert known == {
        "a": True, "b": True, "sum": True, "neg": True,
        "x": False, "mixed": False, "random": False, "of_random": False,
        "lost": False, "handle": False,
    }  # fmt: skip


def test_how_ops_hand_on() -> None:
    walks = walker(const("w"), node("Cast", "c", "w"), node("MatMul", "m", "x", "c"))
    way = walks.way(number_of(walks.network, "c"), 0)
    assert way is not None
    assert way.change is Change.TYPE
    assert walks.way(number_of(walks.network, "m"), 1) is None
