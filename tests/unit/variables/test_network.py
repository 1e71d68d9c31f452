from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.network import NOWHERE, Network
from tests.unit.variables.graphs import const, function, identity, network, node, number_of

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


def takers(net: Network, title: str, output: int = 0) -> list[tuple[str, int]]:
    """Return who takes an output, by name."""
    found = net.consumers(number_of(net, title), output)
    return [(net.title(number), slot) for number, slot in found]


def inputs(net: Network, title: str) -> list[tuple[str, int]]:
    """Return who feeds a node, by name; nowhere is no name."""
    found = net.inputs[number_of(net, title)]
    return [(net.title(number) if number >= 0 else "", output) for number, output in found]


# --- edges


def test_an_edge_is_known_at_both_ends() -> None:
    net = network(const("c"), node("Placeholder", "x"), node("Mul", "m", "x", "c", "^x"))
    assert inputs(net, "m") == [("x", 0), ("c", 0)]
    assert takers(net, "c") == [("m", 1)]
    assert takers(net, "x") == [("m", 0)]
    assert net.input(number_of(net, "m"), 1) == (number_of(net, "c"), 0)
    assert net.input(number_of(net, "m"), 2) == NOWHERE


def test_a_node_may_take_one_that_comes_later_and_one_twice() -> None:
    net = network(node("Mul", "m", "c", "c:0"), const("c"))
    assert takers(net, "c") == [("m", 0), ("m", 1)]


def test_control_inputs_say_nothing() -> None:
    net = network(const("c"), node("NoOp", "n", "^c"), identity("i", "^c"))
    assert takers(net, "c") == []
    assert inputs(net, "n") == inputs(net, "i") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":0",
        "zzz",
        "zzz:0",
        "c:",
        "c:x",
        "c:-1",
        "c:1234567890",
        "c:²",
        "c:٣",
        "c:0:0",
        "C",
    ],
)
def test_an_input_that_names_nothing_leads_nowhere(text: str) -> None:
    net = network(const("c"), node("Mul", "m", text, "c"))
    assert inputs(net, "m") == [("", 0), ("c", 0)]
    assert takers(net, "c") == [("m", 1)]


def test_a_node_that_takes_itself() -> None:
    net = network(identity("i", "i"), identity("j", "k"), identity("k", "j"))
    assert takers(net, "i") == [("i", 0)]
    assert (takers(net, "j"), takers(net, "k")) == ([("k", 0)], [("j", 0)])


def test_outputs_are_those_that_are_taken_and_the_first() -> None:
    net = network(
        node("Switch", "s", "x", "p"), identity("i", "s:1"), node("Split", "t"), const("c")
    )
    assert takers(net, "s", 1) == [("i", 0)]
    assert takers(net, "s") == takers(net, "s", 7) == []
    assert [list(net.outputs(number_of(net, name))) for name in ("s", "t")] == [[0, 1], [0]]


def test_all_nodes_have_numbers_in_the_order_of_the_file() -> None:
    body = function("f", ["a"], ["i:output:0"], const("c"), identity("i", "a"))
    net = network(const("c"), identity("i", "c"), functions=[body])
    titles = [net.title(number) for number in range(len(net))]
    assert titles == ["c", "i", "f::c", "f::i", "f::a", "f::result 0"]
    assert net.ops == ["Const", "Identity", "Const", "Identity", "_Arg", "_Retval"]
    assert list(net.constants()) == [0, 2]
    assert [made is None for made in net.nodes] == [False, False, False, False, True, True]


# --- functions


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("s", 0),
        ("s:output_false:0", 0),
        ("s:output_true:0", 1),
        ("s:output_true", 1),
        ("s:unheard_of:3", 3),
    ],
)
def test_outputs_in_a_body_have_names(text: str, output: int) -> None:
    body = function("f", ["a"], [], node("Switch", "s", "a", "a"), identity("i", text))
    assert inputs(network(functions=[body]), "f::i") == [("f::s", output)]


@pytest.mark.parametrize(
    ("text", "output"),
    [("d:decoded_values:1", 4), ("d:log_probability:0", 9), ("d:log_probability", 9)],
)
def test_outputs_behind_lists_are_counted(text: str, output: int) -> None:
    decoder = node("CTCBeamSearchDecoder", "d", "a", "a")
    decoder.attr["top_paths"].i = 3
    body = function("f", ["a"], [], decoder, identity("i", text))
    assert inputs(network(functions=[body]), "f::i") == [("f::d", output)]


@pytest.mark.parametrize("text", ["", "zzz:y:0", "s:output_true:x", "s:output_true:-1"])
def test_an_input_in_a_body_that_names_nothing(text: str) -> None:
    body = function("f", ["a"], [text], node("Switch", "s", "a", "a"), identity("i", text))
    net = network(functions=[body])
    assert inputs(net, "f::i") == [("", 0)]
    assert takers(net, "f::s") == takers(net, "f::s", 1) == []


def test_names_of_bodies_are_their_own() -> None:
    bodies = [function(name, [], [], const("c"), identity("i", "c")) for name in ("f", "g")]
    net = network(const("c"), identity("i", "c"), functions=bodies)
    assert takers(net, "c") == [("i", 0)]
    assert takers(net, "f::c") == [("f::i", 0)]
    assert takers(net, "g::c") == [("g::i", 0)]


CALLED = function("f", ["a", "b"], ["i:output:0", "a"], identity("i", "b"))


@pytest.mark.parametrize(
    "call",
    [
        node("PartitionedCall", "call", "c", "d", f="f"),
        node("StatefulPartitionedCall", "call", "c", "d", f="f"),
        node("XlaLaunch", "call", "c", "d", function="f"),
        node("f", "call", "c", "d"),
    ],
    ids=lambda call: str(call.op),
)
def test_inputs_of_a_call_go_on_in_the_function(call: NodeDef) -> None:
    net = network(
        const("c"),
        const("d"),
        call,
        identity("x", "call"),
        identity("y", "call:1"),
        functions=[CALLED],
    )
    assert takers(net, "c") == [("call", 0), ("f::a", 0)]
    assert takers(net, "d") == [("call", 1), ("f::b", 0)]
    assert takers(net, "f::a") == [("f::result 1", 0)]
    assert takers(net, "f::result 0") == [("x", 0)]
    assert takers(net, "f::result 1") == [("y", 0)]


def test_a_function_called_twice_is_fed_twice() -> None:
    net = network(
        const("c"),
        const("d"),
        node("f", "one", "c", "c"),
        node("f", "two", "d", "d"),
        identity("x", "one"),
        identity("y", "two"),
        functions=[CALLED],
    )
    assert inputs(net, "f::a") == [("c", 0), ("d", 0)]
    assert takers(net, "f::result 0") == [("x", 0), ("y", 0)]


def test_a_branch_is_given_all_but_the_condition() -> None:
    bodies = [
        function(name, ["a"], ["a"], node("Relu", "r", "a")) for name in ("yes", "no", "other")
    ]
    net = network(
        const("p"),
        const("c"),
        node("If", "if", "p", "c", then_branch="yes", else_branch="no"),
        identity("x", "if"),
        functions=bodies,
    )
    assert takers(net, "p") == [("if", 0)]
    assert takers(net, "c") == [("if", 1), ("yes::a", 0), ("no::a", 0)]
    assert takers(net, "yes::result 0") == takers(net, "no::result 0") == [("x", 0)]
    assert inputs(net, "other::a") == []


def test_a_case_lists_its_branches() -> None:
    case = node("Case", "case", "p", "c")
    case.attr["branches"].list.func.add(name="f0")
    case.attr["branches"].list.func.add(name="f1")
    bodies = [function(f"f{k}", ["a"], ["a"]) for k in range(2)]
    net = network(const("p"), const("c"), case, functions=bodies)
    assert takers(net, "c") == [("case", 1), ("f0::a", 0), ("f1::a", 0)]


def test_a_loop_is_given_what_stays_the_same() -> None:
    body = function(
        "body",
        ["i", "x", "w", "v"],
        ["next:z:0", "m:product:0", "w", "same:output:0"],
        node("AddV2", "next", "i", "i"),
        node("MatMul", "m", "x", "w"),
        identity("same", "v"),
    )
    cond = function("cond", ["i", "x", "w", "v"], ["l:z:0"], node("Less", "l", "i", "i"))
    net = network(
        *(const(name) for name in ("zero", "state", "w", "v")),
        node("While", "loop", "zero", "state", "w", "v", body="body", cond="cond"),
        identity("out", "loop:2"),
        functions=[body, cond],
    )
    assert takers(net, "zero") == [("loop", 0)]
    assert takers(net, "state") == [("loop", 1)]
    assert takers(net, "w") == [("loop", 2), ("cond::w", 0), ("body::w", 0)]
    assert takers(net, "v") == [("loop", 3), ("cond::v", 0), ("body::v", 0)]
    assert takers(net, "body::result 2") == [("out", 0)]
    assert takers(net, "cond::result 0") == []


def test_a_loop_that_swaps_its_arguments_keeps_none() -> None:
    body = function("body", ["a", "b"], ["b", "a"])
    net = network(
        const("c"), const("d"), node("While", "loop", "c", "d", body="body"), functions=[body]
    )
    assert takers(net, "c") == [("loop", 0)]
    assert takers(net, "d") == [("loop", 1)]


def test_the_count_of_a_for_is_no_input() -> None:
    body = function("body", ["i", "w", "x"], ["w", "i"])
    net = network(
        *(const(name) for name in ("start", "limit", "delta", "w", "x")),
        node("For", "loop", "start", "limit", "delta", "w", "x", body="body"),
        functions=[body],
    )
    assert takers(net, "start") == [("loop", 0)]
    assert takers(net, "w") == [("loop", 3), ("body::w", 0)]
    assert takers(net, "x") == [("loop", 4)]


def test_a_call_of_no_function_and_one_with_too_many_inputs() -> None:
    net = network(
        const("c"),
        node("PartitionedCall", "lost", "c", f="gone"),
        node("PartitionedCall", "bare"),
        node("f", "call", "c", "c", "c"),
        functions=[CALLED],
    )
    assert takers(net, "c") == [
        ("lost", 0),
        ("call", 0),
        ("call", 1),
        ("call", 2),
        ("f::a", 0),
        ("f::b", 0),
    ]


def test_a_function_that_calls_itself_is_a_cycle() -> None:
    body = function("f", ["a"], ["again:r0:0"], node("f", "again", "a"))
    net = network(const("c"), node("f", "call", "c"), identity("x", "call"), functions=[body])
    assert takers(net, "c") == [("call", 0), ("f::a", 0)]
    assert sorted(inputs(net, "f::a")) == [("c", 0), ("f::a", 0)]
    assert ("x", 0) in takers(net, "f::result 0")
    assert ("f::result 0", 0) in takers(net, "f::result 0")


def test_calls_without_end_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.variables.network._MAX_ENTERED", 100)
    monkeypatch.setattr("pbckpt.variables.network._ENTERED_PER_NODE", 0)
    bodies = [function(f"f{number}", ["a"], ["a"]) for number in range(20)]
    case = node("Case", "case", "p", "c")
    for body in bodies:
        case.attr["branches"].list.func.add(name=body.signature.name)
    few, many = (
        network(
            const("c"),
            case,
            *(identity(f"i{number}", "case") for number in range(count)),
            functions=bodies,
        )
        for count in (2, 20)
    )
    assert few.is_whole
    assert len(takers(few, "f19::result 0")) == 2
    assert not many.is_whole
    assert takers(many, "f19::result 0") == []


def test_a_result_that_nobody_takes_goes_nowhere() -> None:
    net = network(const("c"), node("f", "call", "c", "c"), functions=[CALLED])
    assert takers(net, "f::result 0") == []
