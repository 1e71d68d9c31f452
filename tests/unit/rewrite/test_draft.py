from __future__ import annotations

import pytest

from pbckpt.graph.node import Node
from pbckpt.rewrite.draft import Draft
from pbckpt.rewrite.mould import EncodedNode
from tests.unit.thaw.graphs import lines_of
from tests.unit.variables.graphs import const, graph, identity, node


def draft() -> Draft:
    return Draft(graph(const("w"), identity("r", "w:0"), node("Add", "y", "r", "w", "^w")).nodes)


def test_what_is_not_changed_stays_a_span_of_the_file() -> None:
    made = draft()
    made.change("r").input[0] = "other"
    assert [type(one) is Node for one in made] == [True, False, True]
    assert lines_of(made) == ["w Const", "r Identity other", "y Add r w ^w"]
    assert list(made.original("r").definition.input) == ["w:0"]  # type: ignore[union-attr]


def test_nodes_are_added_beside_others_or_behind_all() -> None:
    made = draft()
    made.add(node("NoOp", "a"), node("NoOp", "b"), before="r")
    made.add(node("NoOp", "c"), after="r")
    made.add(node("NoOp", "d"), after="no such")
    made.add(node("NoOp", "e"), after="c")
    assert [line.split()[0] for line in lines_of(made)] == [*"wabrcyde"]
    assert "d" in made
    assert made.look("c").op == "NoOp"
    assert made.original("c") is None


def test_nodes_take_the_place_of_one() -> None:
    made = draft()
    made.replace("r", node("A", "r"), node("B", "b"))
    made.remove("w")
    assert lines_of(made) == ["r A", "b B", "y Add r w ^w"]
    assert ("w" in made, "r" in made, "b" in made) == (False, True, True)
    assert made.change("r") is made.look("r")


def test_what_is_put_in_is_bytes_until_it_is_changed() -> None:
    made = draft()
    made.replace("r", node("A", "r"))
    made.add(EncodedNode("b", b"\n\x01b\x12\x01B"), node("C", "c"), after="w")
    assert [one if isinstance(one, bytes) else one.name for one in made.encoded()] == [
        "w",
        b"\n\x01b\x12\x01B",
        b"\n\x01c\x12\x01C",
        b"\n\x01r\x12\x01A",
        "y",
    ]
    made.look("b").op = "not kept"
    assert made.look("b").op == "B"
    made.change("b").op = "kept"
    assert made.change("b") is made.look("b")
    assert lines_of(made) == ["w Const", "b kept", "c C", "r A", "y Add r w ^w"]


def test_nodes_take_other_tensors_but_wait_for_the_same_node() -> None:
    made = draft()
    made.add(identity("s", "w"))
    made.rewire({"w": "v", "r": "q:1"}, frozenset(["r"]))
    assert lines_of(made) == ["w Const", "r Identity w:0", "y Add q:1 v ^w", "s Identity w"]
    made.rewire_all({"w": "u"})
    assert lines_of(made)[1:] == ["r Identity u", "y Add q:1 v ^w", "s Identity u"]


def test_a_removed_node_takes_nothing_more() -> None:
    made = draft()
    made.remove("r")
    made.rewire({"w": "v"})
    assert lines_of(made) == ["w Const", "y Add r v ^w"]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("a/b-c.d_1", "a/b-c.d_1"),
        ("w", "w_1"),
        ("_w", "v_w"),
        (".w", ".w"),
        ("/w", "v/w"),
        ("", "v"),
        ("größe:0", "gr__e_0"),
        ("\udcff", "v_"),
        ("ñ", "v_"),
    ],
)
def test_a_fresh_name_is_one_that_tensorflow_takes(wanted: str, name: str) -> None:
    assert draft().fresh(wanted) == name


def test_no_name_is_given_twice() -> None:
    made = Draft(graph(const("w"), const("w_2")).nodes)
    assert [made.fresh("w") for _ in range(4)] == ["w_1", "w_3", "w_4", "w_5"]
    assert [made.fresh("x") for _ in range(2)] == ["x", "x_1"]
    assert made.scopes() == {"w", "w_1", "w_2", "w_3", "w_4", "w_5", "x", "x_1"}
