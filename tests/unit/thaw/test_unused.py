from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.thaw.unused import unused_variables
from tests.unit.thaw.graphs import frozen
from tests.unit.variables.graphs import const, graph, identity, node

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


@pytest.mark.parametrize(
    "takers",
    [
        [node("MatMul", "m", "x", "w")],
        [node("MatMul", "m", "x", "w:0")],
        [identity("r", "w"), node("Relu", "y", "r")],
        [identity("r", "w"), identity("s", "r"), node("Relu", "y", "s")],
        [node("Enter", "e", "w"), identity("r", "e"), node("Relu", "y", "r")],
        [node("Switch", "s", "w", "p"), node("Relu", "y", "s:1")],
        [node("Switch", "s", "x", "w"), node("Relu", "y", "s")],
        [identity("an output", "w")],
        [identity("r", "w"), identity("an output", "r"), node("NoOp", "n", "^r")],
        [node("PartitionedCall", "call", "x", "w")],
        [identity("r", "w"), node("NextIteration", "n", "r"), identity("back", "n")],
    ],
)
def test_a_value_that_is_taken_is_used(takers: list[NodeDef]) -> None:
    assert unused_variables(graph(const("w"), *takers), [frozen("w", "w")]) == []


@pytest.mark.parametrize(
    "takers",
    [
        [],
        [node("NoOp", "n", "^w")],
        [identity("r", "w"), node("NoOp", "n", "^r")],
        [node("Enter", "e", "w"), node("Const", "copy", "^e"), node("Relu", "y", "copy")],
        [identity("r", "s"), identity("s", "r")],
        [identity("r", "w"), identity("s", "r"), node("NoOp", "n", "^s")],
    ],
)
def test_a_value_that_is_only_waited_for_is_not(takers: list[NodeDef]) -> None:
    assert unused_variables(graph(const("w"), *takers), [frozen("w", "w")]) == ["w"]


def test_who_hands_a_value_round_for_ever_is_no_trouble() -> None:
    nodes = [const("w"), node("Identity", "a", "b"), node("Identity", "b", "a")]
    assert unused_variables(graph(*nodes), [frozen("w", "w")]) == ["w"]


def test_a_computed_value_that_is_an_output_is_used() -> None:
    nodes = [const("half"), node("Cast", "w", "half")]
    assert unused_variables(graph(*nodes), [frozen("w", "w")]) == []


@pytest.mark.parametrize(
    "variable",
    [frozen("w", "w", trainable=False), frozen("w", "f::w"), frozen("w")],
    ids=["not trainable", "in a function", "added"],
)
def test_only_what_is_trained_in_the_main_graph_is_told_of(variable: object) -> None:
    assert unused_variables(graph(const("w")), [variable]) == []  # type: ignore[list-item]
