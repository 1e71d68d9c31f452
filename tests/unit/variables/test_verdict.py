from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.verdict import Outcome
from tests.unit.variables.graphs import (
    const,
    function,
    identity,
    node,
    rules,
    variable,
    verdicts,
)

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef

VARIABLE, AMBIGUOUS, CONSTANT = Outcome.VARIABLE, Outcome.AMBIGUOUS, Outcome.CONSTANT


def outcomes(*nodes: NodeDef) -> dict[str, Outcome]:
    return {name: verdict.outcome for name, verdict in verdicts(*nodes).items()}


def decisive(name: str, *nodes: NodeDef) -> str:
    evidence = verdicts(*nodes)[name].decisive
    return evidence.rule if evidence else ""


@pytest.mark.parametrize(
    ("strength", "weight"),
    [(Strength.SLIGHT, 1), (Strength.FAIR, 2), (Strength.STRONG, 4), (Strength.PROOF, 16)],
)
def test_weights_of_evidence(strength: Strength, weight: int) -> None:
    assert Evidence("rule", strength, "").weight == weight
    assert Evidence("rule", strength, "", speaks_for=False).weight == -weight


def test_a_proof_stands_whatever_else_is_said() -> None:
    nodes = [
        const("Const", 0, dtype=3),
        identity("Const/read", "Const"),
        node("Reshape", "r", "x", "Const/read"),
    ]
    assert outcomes(*nodes) == {"Const": VARIABLE}
    assert rules(verdicts(*nodes)["Const"]) == ["+read_identity"]


def test_what_an_op_takes_as_a_weight_is_a_variable() -> None:
    nodes = [const("a", 3, 3, 1, 8), node("Conv2D", "c", "x", "a")]
    assert outcomes(*nodes) == {"a": VARIABLE}
    assert rules(verdicts(*nodes)["a"]) == ["+weight_input"]


def test_weights_under_the_name_of_a_plain_number_are_undecided() -> None:
    nodes = [const("Const", 3, 3, 1, 8), node("Conv2D", "c", "x", "Const")]
    nodes += [const("k", 3, 3, 1, 8), node("Conv2D", "d", "x", "k")]
    assert outcomes(*nodes) == {"Const": AMBIGUOUS, "k": VARIABLE}
    assert rules(verdicts(*nodes)["Const"]) == ["+weight_input", "-default_name"]


def test_where_all_weights_are_called_const_that_says_nothing() -> None:
    # So converters of other tools' graphs name them.
    nodes = [
        const("Const", 3, 3, 1, 8),
        node("Conv2D", "c", "x", "Const"),
        const("Const_1", 8),
        node("BiasAdd", "b", "c", "Const_1"),
        const("Const_2"),
        node("Mul", "m", "b", "Const_2"),
        const("Const_3", 8),
        node("Mul", "n", "m", "Const_3"),
    ]
    assert outcomes(*nodes) == {
        "Const": VARIABLE,
        "Const_1": VARIABLE,
        "Const_2": CONSTANT,
        "Const_3": CONSTANT,
    }
    assert rules(verdicts(*nodes)["Const_1"]) == ["+weight_input"]
    # A single number under that name is what tf.constant was given, all the same.
    assert rules(verdicts(*nodes)["Const_2"]) == ["-default_name", "-scalar"]
    assert rules(verdicts(*nodes)["Const_3"]) == []


def test_what_nothing_speaks_for_is_a_constant() -> None:
    nodes = [const("a", 4), node("Mul", "m", "x", "a")]
    assert outcomes(*nodes) == {"a": CONSTANT}
    assert verdicts(*nodes)["a"].evidence == ()
    assert verdicts(*nodes)["a"].decisive is None


def test_a_parameter_is_a_constant() -> None:
    nodes = [const("kernel", 2, dtype=3), node("Reshape", "r", "x", "kernel")]
    assert outcomes(*nodes) == {"kernel": CONSTANT}
    assert decisive("kernel", *nodes) == "parameter"
    assert rules(verdicts(*nodes)["kernel"]) == ["+usual_name", "-parameter", "-not_a_number"]


def test_evidence_is_told_weightiest_first_and_what_speaks_for_before_what_does_not() -> None:
    nodes = [const("w", dtype=3), node("MatMul", "m", "x", "w"), node("GatherV2", "g", "w", "i")]
    assert rules(verdicts(*nodes)["w"]) == ["+usual_name", "+table_rows", "-not_a_number"]


def test_the_name_of_a_variable_without_a_name() -> None:
    nodes = [const("Variable_3", 4, 4), node("Unheard", "u", "x", "Variable_3")]
    assert outcomes(*nodes) == {"Variable_3": VARIABLE}
    assert decisive("Variable_3", *nodes) == "default_variable_name"


def test_a_usual_name_is_enough_where_nothing_speaks_against() -> None:
    nodes = [const("a/kernel", 4, 4), node("Unheard", "u", "x", "a/kernel")]
    assert outcomes(*nodes) == {"a/kernel": VARIABLE}
    assert decisive("a/kernel", *nodes) == "usual_name"


def test_a_name_that_somebody_gave_is_enough_where_ops_give_names_too() -> None:
    nodes = [const("a/mine", 4), node("Mul", "m", "x", "a/mine")]
    assert outcomes(*nodes) == {"a/mine": CONSTANT}
    nodes.append(node("Relu", "a/Relu", "m"))
    assert outcomes(*nodes) == {"a/mine": VARIABLE}
    assert rules(verdicts(*nodes)["a/mine"]) == ["+given_name"]


def test_support_that_is_balanced_is_ambiguous() -> None:
    nodes = [const("kernel", 4), node("Placeholder", "x"), node("Mul", "m", "x", "kernel")]
    nodes.append(node("Conv2D", "c", "m", "k"))
    assert rules(verdicts(*nodes)["kernel"]) == ["+usual_name", "-preprocessing"]
    assert outcomes(*nodes) == {"kernel": AMBIGUOUS}
    assert decisive("kernel", *nodes) == "preprocessing"


def test_a_number_by_a_usual_name_was_a_variable() -> None:
    nodes = [const("l/alpha"), node("Mul", "m", "x", "l/alpha")]
    assert rules(verdicts(*nodes)["l/alpha"]) == ["+usual_name"]
    assert outcomes(*nodes) == {"l/alpha": VARIABLE}
    nodes = [const("l/learning_rate"), node("Mul", "m", "x", "l/learning_rate")]
    assert outcomes(*nodes) == {"l/learning_rate": CONSTANT}


def bounded(name: str) -> list[NodeDef]:
    """Return a constant that is called a variable and used as a bound."""
    return [const(name, 4), node("Maximum", "m", "x", name)]


def convolved(name: str) -> list[NodeDef]:
    """Return a constant that is surely a weight."""
    return [const(name, 3, 3, 1, 8), node("Conv2D", "c", "x", name)]


def test_a_proven_sibling_pulls_what_is_ambiguous() -> None:
    assert outcomes(*bounded("l/bias")) == {"l/bias": AMBIGUOUS}
    nodes = [*bounded("l/bias"), *convolved("l/kernel")]
    assert outcomes(*nodes) == {"l/bias": VARIABLE, "l/kernel": VARIABLE}
    family = next(one for one in verdicts(*nodes)["l/bias"].evidence if one.rule == "family")
    assert (family.strength, family.speaks_for) == (Strength.FAIR, True)
    assert family.reason == "'l/kernel' beside it was a variable"


def test_a_sibling_elsewhere_pulls_nothing() -> None:
    assert outcomes(*bounded("l/bias"), *convolved("k/kernel"))["l/bias"] is AMBIGUOUS
    assert outcomes(*bounded("bias"), *convolved("kernel"))["bias"] is AMBIGUOUS


# --- graphs in which freezing left its marks


def marked(*nodes: NodeDef) -> list[NodeDef]:
    """Return a graph that has a variable with a read besides."""
    return [*variable("w", 3, 3, 1, 8), node("Conv2D", "conv", "x", "w/read"), *nodes]


def test_where_reads_were_left_one_without_is_not_taken() -> None:
    nodes = marked(const("k", 3, 3, 1, 8), node("Conv2D", "c", "x", "k"))
    assert outcomes(*nodes) == {"w": VARIABLE, "k": AMBIGUOUS}
    assert rules(verdicts(*nodes)["k"]) == ["+weight_input", "-unmarked"]
    assert decisive("k", *nodes) == "unmarked"


def test_what_a_constant_is_tells_more_than_that_it_has_no_mark() -> None:
    nodes = marked(const("n", 2, dtype=3), node("Reshape", "r", "x", "n"))
    assert decisive("n", *nodes) == "parameter"


def test_a_marked_graph_has_no_families() -> None:
    nodes = [
        *variable("l/w", 3, 3, 1, 8),
        node("Conv2D", "conv", "x", "l/w/read"),
        const("l/k", 3, 3, 1, 8),
        node("Conv2D", "c", "x", "l/k"),
    ]
    assert outcomes(*nodes) == {"l/w": VARIABLE, "l/k": AMBIGUOUS}
    assert rules(verdicts(*nodes)["l/k"]) == ["+weight_input", "-unmarked"]


def test_a_usual_name_without_a_mark_is_not_enough_to_ask_the_user() -> None:
    nodes = marked(const("l/alpha", 4), node("Mul", "m", "x", "l/alpha"))
    assert outcomes(*nodes) == {"w": VARIABLE, "l/alpha": CONSTANT}
    assert rules(verdicts(*nodes)["l/alpha"]) == ["+usual_name", "-unmarked"]


def test_reads_that_tools_leave_alone_mark_nothing_where_most_have_none() -> None:
    # What stands before control flow is left by tools that take Identities away.
    nodes = [*variable("w", 4, 4), node("Enter", "e", "w/read"), node("MatMul", "m", "x", "e")]
    for name in ("k", "l"):
        nodes += [const(name, 3, 3, 1, 8), node("Conv2D", f"c{name}", "x", name)]
    assert outcomes(*nodes) == {"w": VARIABLE, "k": VARIABLE, "l": VARIABLE}
    assert outcomes(*nodes[:-2]) == {"w": VARIABLE, "k": AMBIGUOUS}


def test_a_read_with_a_control_input_is_no_mark_either() -> None:
    nodes = [
        const("w", 4, 4),
        node("Identity", "w/read", "w", "^x"),
        node("MatMul", "m", "x", "w/read"),
    ]
    for name in ("k", "l"):
        nodes += [const(name, 3, 3, 1, 8), node("Conv2D", f"c{name}", "x", name)]
    assert set(outcomes(*nodes).values()) == {VARIABLE}


def test_a_constant_without_a_value_to_store_is_none() -> None:
    nodes = [const("handle", dtype=20), identity("handle/read", "handle")]
    verdict = verdicts(*nodes)["handle"]
    assert verdict.outcome is CONSTANT
    assert verdict.sight.problem == (
        "node 'handle': a constant of type resource has no value to store"
    )


def test_a_read_that_is_computed_proves_its_largest_constant() -> None:
    nodes = [
        const("q", 4, 4),
        const("scale"),
        node("Mul", "mul", "q", "scale"),
        identity("w/read", "mul"),
        node("MatMul", "m", "x", "w/read"),
    ]
    found = verdicts(*nodes)
    assert found["q"].outcome is VARIABLE
    assert found["scale"].outcome is CONSTANT
    assert decisive("q", *nodes) == "computed_read"


def test_what_could_not_be_followed_is_left_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.variables.walk._MIN_STEPS", 10)
    monkeypatch.setattr("pbckpt.variables.walk._STEPS_PER_NODE", 0)
    names = ["first/c", "second/c", "third/c"]
    nodes = [node("Pack", "p", *names)]
    nodes += [node("Abs", f"n{number}", "p") for number in range(8)]
    found = verdicts(*(const(name, 4) for name in names), *nodes, *variable("w", 4, 4))
    outcomes = [found[name].outcome for name in [*names, "w"]]
    assert outcomes[0] is Outcome.CONSTANT
    assert outcomes[1:] == [Outcome.AMBIGUOUS, Outcome.AMBIGUOUS, Outcome.VARIABLE]
    decisive = found["third/c"].decisive
    assert decisive is not None
    assert decisive.reason == "the graph is too entangled to follow it to all of its uses"


def test_calls_that_could_not_be_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.variables.network._MAX_ENTERED", 1)
    monkeypatch.setattr("pbckpt.variables.network._ENTERED_PER_NODE", 0)
    body = function("f", ["a", "b"], ["m:product:0"], node("MatMul", "m", "a", "b"))
    found = verdicts(const("c", 4, dtype=3), node("f", "call", "x", "c"), functions=[body])
    assert found["c"].outcome is Outcome.AMBIGUOUS
