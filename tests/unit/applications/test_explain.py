from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.applications.explain import explain
from pbckpt.errors import SelectionError
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
