from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pbckpt.applications.explain import explain
from pbckpt.applications.values import Partitions, Values
from pbckpt.errors import SelectionError
from pbckpt.report.json import story_json
from pbckpt.report.text import story_text
from pbckpt.variables.keras import Names
from pbckpt.variables.verdict import Outcome
from tests.unit.variables.graphs import const, graph_def, node, variable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    nodes = [*variable("w", 4, 4), node("MatMul", "m", "x", "w/read"), const("s", 2, dtype=3)]
    made = graph_def(*nodes, node("Reshape", "r", "m", "s"))
    (tmp_path / "graph.pb").write_bytes(made.SerializeToString())
    return tmp_path / "graph.pb"


def test_why_a_constant_was_a_variable(path: Path) -> None:
    story = explain(path, "w")
    assert (story.node, story.outcome, story.keys) == ("w", Outcome.VARIABLE, ("w",))
    assert [one.rule for one in story.evidence] == ["read_identity", "matrix_operand"]
    assert [(one.op, one.node, one.slot) for one in story.consumers] == [("MatMul", "m", 1)]


def test_why_a_constant_was_none(path: Path) -> None:
    story = explain(path, "s")
    assert (story.outcome, story.reason) == (
        Outcome.CONSTANT,
        "Reshape 'r' takes it as the shape",
    )


def test_a_name_that_is_not_there(path: Path) -> None:
    with pytest.raises(SelectionError, match="no constant or variable is called 'zzzzz'"):
        explain(path, "zzzzz")


@pytest.mark.parametrize(
    ("name", "node_name", "part"),
    [
        ("X", "X/part_0", "part 0 of 2 of 'X'"),
        ("X/part_0", "X/part_0", "part 0 of 2 of 'X'"),
        ("X/part_1", "X/part_1", "part 1 of 2 of 'X'"),
        ("w", "w", ""),
    ],
)
def test_a_part_is_told_with_its_variable(
    tmp_path: Path, name: str, node_name: str, part: str
) -> None:
    nodes = [
        *variable("X/part_0", 2, 3),
        *variable("X/part_1", 1, 3),
        *variable("w", 2),
        node("GatherV2", "look0", "X/part_0/read", "ids", "axis"),
        node("GatherV2", "look1", "X/part_1/read", "ids", "axis"),
    ]
    path = tmp_path / "graph.pb"
    path.write_bytes(graph_def(*nodes).SerializeToString())
    story = explain(path, name)
    assert (story.node, story.keys, story.part) == (node_name, (name[0],), part)
    assert (f"\n  {part}\n" in story_text(story)) is bool(part)
    assert json.loads(story_json(story))["part"] == (part or None)


def test_the_story_is_told_by_the_names_that_are_stored(tmp_path: Path) -> None:
    nodes = [
        *variable("X/part_0", 2, 3),
        *variable("X/part_1", 1, 3),
        *variable("c/weights", 3, 3, 1, 4),
        node("Conv2D", "c/Conv2D", "x", "c/weights/read"),
    ]
    path = tmp_path / "graph.pb"
    path.write_bytes(graph_def(*nodes).SerializeToString())
    story = explain(path, "X/part_1", values=Values(partitions=Partitions.PARTS))
    assert (story.keys, story.part) == (("X/part_1",), "")
    story = explain(path, "c/kernel", values=Values(names=Names.KERAS))
    assert (story.node, story.keys) == ("c/weights", ("c/kernel",))
    assert explain(path, "c/weights").keys == ("c/weights",)
