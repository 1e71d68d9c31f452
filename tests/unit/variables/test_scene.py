"""What is told of a constant by the graph as a whole: its marks, its reads, its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.evidence import Strength
from pbckpt.variables.sight import Scene
from pbckpt.variables.verdict import Outcome
from tests.unit.variables.graphs import (
    const,
    detect_in,
    identity,
    node,
    numbers,
    rules,
    variable,
    verdicts,
)

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef

VARIABLE, AMBIGUOUS, CONSTANT = Outcome.VARIABLE, Outcome.AMBIGUOUS, Outcome.CONSTANT
# Such as training leaves: of full length, no two alike.
LONG = (0.123456, -0.654321, 1.234567, -7.654321)


def outcomes(*nodes: NodeDef) -> dict[str, Outcome]:
    return {name: verdict.outcome for name, verdict in verdicts(*nodes).items()}


def rules_of(name: str, *nodes: NodeDef) -> list[str]:
    return rules(verdicts(*nodes)[name])


def convolved(*names: str) -> list[NodeDef]:
    """Return constants that convolutions take as they are."""
    return [
        one
        for name in names
        for one in (const(name, 3, 3, 1, 8), node("Conv2D", f"{name}_conv", "x", name))
    ]


# --- which scopes freezing has marked


@pytest.mark.parametrize(
    ("scene", "name", "is_marked"),
    [
        (Scene(), "a/w", False),
        (Scene(3), "a/w", True),
        (Scene(3), "w", True),
        (Scene(3, apart=frozenset(("a",))), "a/w", False),
        (Scene(3, apart=frozenset(("a",))), "a", False),
        (Scene(3, apart=frozenset(("a",))), "ab/w", True),
        (Scene(0, apart=frozenset(("a",))), "b/w", False),
    ],
)
def test_where_freezing_has_left_its_marks(scene: Scene, name: str, is_marked: bool) -> None:  # noqa: FBT001
    assert scene.is_marked(name) is is_marked


MARKED = [*variable("new/w", 3, 3, 1, 8), node("Conv2D", "new/conv", "x", "new/w/read")]
OLD = [f"old/conv{k}/kernel" for k in range(4)]


def test_a_network_whose_reads_are_gone_is_apart_from_one_that_is_marked() -> None:
    assert outcomes(*MARKED, *convolved(*OLD)) == dict.fromkeys(("new/w", *OLD), VARIABLE)
    assert rules_of(OLD[0], *MARKED, *convolved(*OLD)) == ["+weight_input", "+usual_name"]


def test_three_weights_are_no_network() -> None:
    assert outcomes(*MARKED, *convolved(*OLD[:3])) == {
        "new/w": VARIABLE,
        **dict.fromkeys(OLD[:3], AMBIGUOUS),
    }


def test_a_network_apart_beside_one_whose_reads_tools_leave_alone() -> None:
    # What stands before control flow is left by tools that take Identities away.
    marked = []
    for k in range(4):
        marked += [*variable(f"new/w{k}", 4, 4), node("Enter", f"new/e{k}", f"new/w{k}/read")]
        marked.append(node("MatMul", f"new/m{k}", "x", f"new/e{k}"))
    assert set(outcomes(*marked, *convolved(*OLD)).values()) == {VARIABLE}
    assert set(outcomes(*marked, *convolved(*OLD[:3])).values()) == {VARIABLE, AMBIGUOUS}


def test_a_network_apart_has_families() -> None:
    bound = [const("old/conv0/bias", 8), node("Maximum", "old/conv0/m", "x", "old/conv0/bias")]
    nodes = [*MARKED, *convolved(*OLD), *bound]
    assert rules_of("old/conv0/bias", *nodes) == ["+usual_name", "+family", "-bound"]


def test_weights_beside_marked_ones_are_not_apart() -> None:
    names = [f"new/conv{k}/kernel" for k in range(4)]
    assert set(outcomes(*MARKED, *convolved(*names)).values()) == {VARIABLE, AMBIGUOUS}
    names = [f"kernel_{k}" for k in range(4)]
    assert set(outcomes(*MARKED, *convolved(*names)).values()) == {VARIABLE, AMBIGUOUS}


def test_a_network_apart_has_names_of_weights() -> None:
    names = [f"old/conv{k}/mine" for k in range(4)]
    assert set(outcomes(*MARKED, *convolved(*names)).values()) == {VARIABLE, AMBIGUOUS}


def test_what_is_no_weight_in_a_network_apart_is_judged_as_ever() -> None:
    nodes = [*MARKED, *convolved(*OLD)]
    nodes += [const("old/a", 4), node("Mul", "old/m", "x", "old/a")]
    nodes += [const("new/a", 4), node("Mul", "new/m", "x", "new/a")]
    found = verdicts(*nodes)
    assert rules(found["old/a"]) == []
    assert rules(found["new/a"]) == ["-unmarked"]


# --- reads by Identities whose names are lost


def renamed(*nodes: NodeDef) -> list[NodeDef]:
    """Return a frozen network of two weights, every name of it changed."""
    return [
        const("n0", 3, 3, 1, 8),
        identity("n1", "n0"),
        node("Conv2D", "n2", "x", "n1"),
        const("n3", 8),
        identity("n4", "n3"),
        node("BiasAdd", "n5", "n2", "n4"),
        *nodes,
    ]


def test_where_identities_read_the_weights_they_tell_variables() -> None:
    nodes = renamed(const("n6", 8), identity("n7", "n6"), node("Mul", "n8", "n5", "n7"))
    assert outcomes(*nodes) == dict.fromkeys(("n0", "n3", "n6"), VARIABLE)
    (evidence,) = verdicts(*nodes)["n6"].evidence
    assert (evidence.rule, evidence.strength) == ("plain_read", Strength.STRONG)
    assert evidence.reason == (
        "an Identity reads it, as freezing leaves variables, and one reads most weights"
    )
    assert [one.rule for one in detect_in(*nodes).variables] == [
        "weight_input",
        "weight_input",
        "plain_read",
    ]


def test_where_identities_read_the_weights_one_without_was_none() -> None:
    nodes = renamed(numbers("n6", *LONG), node("Mul", "n7", "n5", "n6"))
    assert outcomes(*nodes)["n6"] is CONSTANT
    assert rules_of("n6", *nodes) == ["-unmarked"]


def test_what_an_identity_and_another_node_take_is_not_read() -> None:
    nodes = renamed(
        const("n6", 8),
        identity("n7", "n6"),
        node("Mul", "n8", "n5", "n7"),
        node("Abs", "n9", "n6"),
    )
    assert rules_of("n6", *nodes) == ["-unmarked"]


def test_tables_have_no_reads() -> None:
    # Of a resource a gather takes its rows, and no Identity.
    table = [const("n6", 9, 4), node("GatherV2", "n7", "n6", "ids", "axis")]
    assert outcomes(*renamed(*table))["n6"] is VARIABLE
    assert rules_of("n6", *renamed(*table)) == ["+table_rows"]
    # So they do not count among those of which most are read.
    tables = [*table, const("m6", 9, 4), node("GatherV2", "m7", "m6", "ids", "axis")]
    assert rules_of("n0", *renamed(*tables)) == ["+weight_input", "+plain_read"]


def test_reads_of_some_weights_tell_nothing() -> None:
    # Two of three are most, two of four are not.
    assert rules_of("n0", *renamed(*convolved("m0"))) == ["+weight_input", "+plain_read"]
    nodes = renamed(*convolved("m0", "m1"))
    assert rules_of("n0", *nodes) == ["+weight_input"]
    assert set(outcomes(*nodes).values()) == {VARIABLE}


def test_one_read_tells_nothing() -> None:
    assert rules_of("n0", *renamed()[:3]) == ["+weight_input"]


def test_a_parameter_that_an_identity_hands_on_is_none() -> None:
    nodes = renamed(
        const("n6", 2, dtype=3), identity("n7", "n6"), node("Reshape", "n8", "n5", "n7")
    )
    assert outcomes(*nodes)["n6"] is not VARIABLE


# --- numbers, where names and reads are lost


def test_numbers_tell_where_names_do_not() -> None:
    nodes = [numbers("n0", *LONG), node("Mul", "n1", "x", "n0")]
    assert outcomes(*nodes) == {"n0": VARIABLE}
    (evidence,) = verdicts(*nodes)["n0"].evidence
    assert (evidence.rule, evidence.strength) == ("trained_values", Strength.FAIR)
    assert evidence.reason == (
        "its numbers are of full length and all different, as training leaves them"
    )


def test_numbers_alone_tell_nothing_where_names_are_left() -> None:
    nodes = [numbers("_0", *LONG), node("Mul", "a/Mul", "x", "_0")]
    assert outcomes(*nodes) == {"_0": CONSTANT}
    assert rules_of("_0", *nodes) == []


def test_numbers_that_nothing_or_an_op_as_its_parameter_takes() -> None:
    assert rules_of("n0", numbers("n0", *LONG)) == ["-unused"]
    nodes = [numbers("n0", *LONG), node("Pad", "n1", "x", "n0")]
    assert rules_of("n0", *nodes) == ["-parameter"]


# --- numbers that somebody wrote


WRITTEN = (0.299, 0.587, 0.114, 0.5, 0.25, 2.0)


def scaled(name: str, *values: float) -> list[NodeDef]:
    """Return a constant that is multiplied, in a graph that has its names."""
    return [numbers(name, *values), node("Mul", "a/Mul", "x", name)]


def test_numbers_that_somebody_wrote_were_not_trained() -> None:
    nodes = scaled("a/luma", *WRITTEN)
    assert outcomes(*nodes) == {"a/luma": CONSTANT}
    assert rules_of("a/luma", *nodes) == ["-written_values"]
    assert verdicts(*nodes)["a/luma"].evidence[0].strength is Strength.STRONG


def test_filters_of_blur_are_no_weights() -> None:
    kernel = numbers("blur", *WRITTEN, dims=(3, 2, 1, 1))
    nodes = [kernel, node("Conv2D", "a/Conv2D", "x", "blur")]
    assert outcomes(*nodes) == {"blur": AMBIGUOUS}
    assert rules_of("blur", *nodes) == ["+weight_input", "-written_values"]
    window = numbers("window", *LONG[:3] * 4, dims=(3, 4, 1, 1))
    nodes = [window, node("Conv2D", "a/Conv2D", "x", "window")]
    assert rules_of("window", *nodes) == ["+weight_input", "-repeated_values"]


def test_a_name_of_weights_is_heard_as_much_as_what_somebody_wrote() -> None:
    nodes = scaled("a/gamma", *WRITTEN)
    assert rules_of("a/gamma", *nodes) == ["+usual_name", "-written_values"]
    assert verdicts(*nodes)["a/gamma"].evidence[1].strength is Strength.FAIR
    assert outcomes(*nodes) == {"a/gamma": AMBIGUOUS}


def test_where_names_are_lost_short_numbers_tell_less() -> None:
    nodes = [numbers("n0", *WRITTEN), node("Mul", "n1", "x", "n0")]
    assert verdicts(*nodes)["n0"].evidence[0].strength is Strength.FAIR


def test_what_freezing_marked_is_not_asked_for_its_numbers() -> None:
    nodes = [numbers("w", *WRITTEN), identity("w/read", "w"), node("Mul", "a/Mul", "x", "w/read")]
    assert rules_of("w", *nodes) == ["+read_identity"]
    nodes = [numbers("w/read", *WRITTEN), node("Mul", "a/Mul", "x", "w/read")]
    assert rules_of("w/read", *nodes) == ["+folded_read", "+given_name"]
    assert rules_of("luma", *MARKED, *scaled("luma", *WRITTEN)) == ["+given_name", "-unmarked"]


# --- names that somebody gave


@pytest.mark.parametrize("name", ["a/mine", "temperature", "net/centre_2", "n0"])
def test_a_given_name(name: str) -> None:
    nodes = [numbers(name, *LONG), node("Mul", "a/Mul", "x", name)]
    assert outcomes(*nodes) == {name: VARIABLE}
    (evidence,) = verdicts(*nodes)[name].evidence
    last = name.rpartition("/")[2]
    assert (evidence.rule, evidence.strength) == ("given_name", Strength.FAIR)
    assert (
        evidence.reason == f"somebody has named it {last}, which plain numbers in formulas are not"
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/Const_2", ["-default_name"]),
        ("a/_3", []),
        ("a/Mul/y", ["-literal"]),
        ("a/zeros_like", ["-folded"]),
        ("ConstantFolding/a/mine", ["-folded"]),
    ],
)
def test_a_name_that_nobody_gave(name: str, found: list[str]) -> None:
    # One weight has a name, so that Const tells something.
    nodes = [numbers(name, *LONG), node("Mul", "a/Mul", "x", name), *convolved("k")]
    assert rules_of(name, *nodes) == found
    assert outcomes(*nodes)[name] is CONSTANT


def test_a_letter_that_is_the_place_of_an_input_is_no_name_of_a_weight() -> None:
    nodes = [const("dense/b", 4, 4), node("MatMul", "dense", "x", "dense/b")]
    assert rules_of("dense/b", *nodes) == ["+matrix_operand", "-literal"]
    nodes = [const("dense/b", 4, 4), node("MatMul", "m", "x", "dense/b")]
    assert rules_of("dense/b", *nodes) == ["+matrix_operand", "+usual_name"]


def test_what_nothing_takes_was_not_named_to_be_used() -> None:
    assert rules_of("a/mine", const("a/mine", 4), node("Relu", "a/Relu", "x")) == ["-unused"]


@pytest.mark.parametrize("name", ["fc.weight", "blocks.0.attn-bias", "conv1-kernel"])
def test_usual_names_of_other_tools(name: str) -> None:
    nodes = [numbers(name, *LONG), node("Mul", "m", "x", name)]
    assert outcomes(*nodes) == {name: VARIABLE}
    assert rules_of(name, *nodes) == ["+usual_name"]


def test_a_constant_whose_copy_a_loop_has() -> None:
    # An optimizer leaves the one that it copied, and nothing takes that.
    nodes = [
        const("rnn/mine", 4),
        const("ConstantFolding/rnn/mine_enter", 4),
        node("Mul", "rnn/Mul", "x", "ConstantFolding/rnn/mine_enter"),
    ]
    assert rules_of("rnn/mine", *nodes) == ["+given_name"]
    assert outcomes(*nodes) == {"rnn/mine": VARIABLE, "ConstantFolding/rnn/mine_enter": CONSTANT}
    assert rules_of("rnn/mine", const("rnn/mine", 4), nodes[2]) == ["-unused"]
