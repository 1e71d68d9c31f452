"""What is told of a constant by the graph as a whole: its marks, its reads, its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.evidence import Strength
from pbckpt.variables.verdict import Outcome
from tests.unit.variables.graphs import (
    const,
    detect_in,
    function,
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


# --- weights that bear no mark beside some that do


MARKED = [*variable("new/w", 3, 3, 1, 8), node("Conv2D", "new/conv", "x", "new/w/read")]


def test_weights_without_a_mark_are_undecided_beside_marked_ones() -> None:
    # Filters that never change, and networks that only compare, are constants like that.
    names = [f"vgg/conv{k}/weights" for k in range(8)]
    found = outcomes(*MARKED, *convolved(*names))
    assert found == {"new/w": VARIABLE, **dict.fromkeys(names, AMBIGUOUS)}
    assert rules_of(names[0], *MARKED, *convolved(*names)) == [
        "+weight_input",
        "+usual_name",
        "-unmarked",
    ]


def test_what_a_marked_function_takes_besides() -> None:
    body = function(
        "f",
        ["x", "k", "fixed"],
        ["y:z:0"],
        identity("d/ReadVariableOp", "k"),
        node("MatMul", "m", "x", "d/ReadVariableOp:output:0"),
        node("MatMul", "n", "m:product:0", "fixed"),
        node("AddV2", "y", "n:product:0", "x"),
    )
    nodes = [const("x", 4, 4), const("k", 4, 4), const("fixed", 4, 4)]
    call = node("PartitionedCall", "call", "x", "k", "fixed", f="f")
    detection = detect_in(*nodes, call, functions=[body])
    assert [one.node for one in detection.variables] == ["k"]
    assert [one.node for one in detection.skipped] == ["x", "fixed"]


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
