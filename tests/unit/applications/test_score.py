from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pbckpt.applications.score import Score, score
from pbckpt.errors import SelectionError
from tests.unit.variables.graphs import const, graph_def, variable

if TYPE_CHECKING:
    from pathlib import Path

ZEROS = hashlib.sha256(bytes(16)).hexdigest()


def fact(node: str, **changes: object) -> dict[str, Any]:
    return {"const": node, "status": "exact", "trainable": True, "sha256": ZEROS} | changes


def scored(folder: Path, variables: dict[str, Any], constants: tuple[str, ...] = ()) -> Score:
    nodes = [*variable("a/kernel", 4), *variable("a/moving_mean", 4), const("l", 4)]
    (folder / "graph.pb").write_bytes(graph_def(*nodes).SerializeToString())
    truth = {"variables": variables, "consts_not_variables": constants}
    (folder / "truth.json").write_text(json.dumps(truth))
    return score(folder / "graph.pb", folder / "truth.json")


def test_all_right(tmp_path: Path) -> None:
    variables = {
        "a/kernel": fact("a/kernel"),
        "a/moving_mean": fact("a/moving_mean", trainable=False, status="merged"),
    }
    found = scored(tmp_path, variables, ("l",))
    assert found == Score(2, (), 2, (), 2, 2, 2, 2, 2, 2, 0)
    assert found.found == 2


def test_what_is_missed_and_wrong(tmp_path: Path) -> None:
    found = scored(tmp_path, {"l": fact("l")}, ("a/kernel",))
    assert (found.wanted, found.missed, found.found) == (1, ("l",), 0)
    assert (found.taken, found.wrong) == (2, ("a/kernel",))


@pytest.mark.parametrize(
    ("name", "names", "last", "layer"),
    [
        ("a/kernel", 1, 1, 1),
        ("net/a/kernel", 0, 1, 1),
        ("a_1/kernel_2", 0, 1, 1),
        ("b/kernel", 0, 1, 0),
        ("a/weights", 0, 0, 1),
        ("kernel", 0, 1, 1),
    ],
)
def test_names(tmp_path: Path, name: str, names: int, last: int, layer: int) -> None:
    found = scored(tmp_path, {name: fact("a/kernel")})
    assert (found.names, found.last_names, found.layers) == (names, last, layer)


def test_flags_and_bits(tmp_path: Path) -> None:
    found = scored(tmp_path, {"a/kernel": fact("a/kernel", trainable=False, sha256="0")})
    assert (found.trainable, found.comparable, found.bits) == (0, 1, 0)


@pytest.mark.parametrize(
    ("status", "wanted", "comparable"),
    [("exact", 1, 1), ("merged", 1, 1), ("quantized", 1, 0), ("fp16", 1, 0), ("folded-away", 0, 0)],
)
def test_what_the_graph_holds(tmp_path: Path, status: str, wanted: int, comparable: int) -> None:
    found = scored(tmp_path, {"a/kernel": fact("a/kernel", status=status)})
    assert (found.wanted, found.comparable) == (wanted, comparable)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"variables": 1}',
        '{"variables": {"a": {}}}',
        '{"variables": {"a": 1}}',
        '{"variables": {"a": {"status": ["exact"]}}}',
        '{"variables": {"a": {"status": {}}}}',
        '{"variables": {"a": {"status": "exact"}}}',
        '{"variables": {"a": {"status": "exact", "const": "a/kernel"}}}',
        '{"variables": {"a": {"status": "fp16", "const": ["a"], "trainable": true, "sha256": ""}}}',
        '{"variables": {"a": {"status": "fp16", "const": "a", "trainable": 1, "sha256": ""}}}',
        '{"variables": {"a": {"status": "fp16", "const": "a", "trainable": true, "sha256": 1}}}',
        '{"variables": {}, "consts_not_variables": 5}',
        '{"variables": {}, "consts_not_variables": null}',
        '{"variables": {}, "consts_not_variables": [["a"]]}',
        "\xff",
        "[" * 100_000,
    ],
)
def test_what_is_no_truth_file(tmp_path: Path, text: str) -> None:
    scored(tmp_path, {})
    (tmp_path / "truth.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SelectionError, match="is no truth file"):
        score(tmp_path / "graph.pb", tmp_path / "truth.json")
