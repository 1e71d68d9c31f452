from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.freezing.body import Body, Place, ResultNames
from pbckpt.rewrite.draft import Draft
from tests.unit.variables.graphs import function, graph, node

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


def split(name: str) -> NodeDef:
    made = node("SparseSplit", name, "x", "x", "x", "x")
    made.attr["num_split"].i = 4
    return made


def body(*nodes: NodeDef, name: str = "f") -> Body:
    callee = function("g", ["a"], ["a", "a", "a"])
    callee.signature.output_arg[2].name = "last"
    whole = graph(*nodes, functions=[callee])
    return Body(Draft(whole.nodes), ResultNames({one.name: one for one in whole.functions}), name)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("n", Place("n")),
        ("n:0", Place("n")),
        ("n:7", Place("n", 7)),
        ("n:x", Place("n")),
        (f"n:{'9' * 5000}", Place("n")),
    ],
)
def test_tensors_of_the_main_graph(text: str, place: Place) -> None:
    assert body(node("Neg", "n"), name="").place(text) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("argument", Place("argument")),
        ("argument:0", Place("argument")),
        ("n:y:0", Place("n")),
        ("n:y", Place("n")),
        ("w:output_true:0", Place("w", 1)),
        ("m:value_index:0", Place("m", 1)),
        ("c:output:3", Place("c", 3)),
        ("s:output_values:2", Place("s", 6)),
        ("k:r1:0", Place("k", 1)),
        ("k:last:0", Place("k", 2)),
        ("k:gone:0", Place("k", 0)),
        (f"n:y:{'9' * 5000}", Place("n")),
    ],
)
def test_tensors_of_a_function(text: str, place: Place) -> None:
    ops = {"n": "Neg", "w": "Switch", "m": "Merge", "c": "PartitionedCall", "k": "g"}
    nodes = [node(op, name) for name, op in ops.items()]
    assert body(*nodes, split("s")).place(text) == place


def test_nodes_come_behind_what_they_take() -> None:
    """But for what comes round in a loop, and what takes itself."""
    nodes = [
        node("Exit", "out", "s"),
        node("Switch", "s", "m", "x"),
        node("NextIteration", "n", "s:1"),
        node("Merge", "m", "e", "n"),
        node("Enter", "e", "x"),
        node("Placeholder", "x"),
        node("Neg", "itself", "itself", "^out"),
    ]
    made = body(*nodes, name="")
    assert [one.name for one in made.in_order({})] == ["x", "e", "m", "s", "out", "n", "itself"]
    found = [one.name for one in made.in_order({"e": "itself"})]
    assert found.index("itself") < found.index("m")


def test_a_long_chain() -> None:
    nodes = [node("Neg", f"n{one}", f"n{one + 1}") for one in range(20_000)]
    made = body(*nodes, name="")
    assert next(iter(made.in_order({}))).name == "n19999"
