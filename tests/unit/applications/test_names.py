"""Variables by the words of Keras: converted, matched, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pbckpt
from tests.unit.variables.graphs import graph_def, node, variable

if TYPE_CHECKING:
    from pathlib import Path

KERAS = pbckpt.Values(names=pbckpt.Names.KERAS)


def slim(directory: Path) -> Path:
    """Write a network whose variables are called as TF-Slim does."""
    path = directory / "slim.pb"
    nodes = [
        *variable("conv1/weights", 3, 3, 1, 8),
        *variable("conv1/biases", 8),
        node("Conv2D", "conv1/Conv2D", "x", "conv1/weights/read"),
        node("BiasAdd", "conv1/BiasAdd", "conv1/Conv2D", "conv1/biases/read"),
    ]
    path.write_bytes(graph_def(*nodes).SerializeToString())
    return path


def test_convert_by_the_words_of_keras(tmp_path: Path) -> None:
    report = pbckpt.convert(slim(tmp_path), tmp_path / "m", values=KERAS)
    assert [one.key for one in report.variables] == ["conv1/bias", "conv1/kernel"]
    assert [key for key, _ in pbckpt.list_variables(tmp_path / "m")] == [
        "conv1/bias",
        "conv1/kernel",
    ]
    assert pbckpt.verify(tmp_path / "m", against=slim(tmp_path), values=KERAS).problems == ()


def test_options_see_the_words_of_keras(tmp_path: Path) -> None:
    edits = pbckpt.Edits(renames=("conv1/*=block/\\1",))
    chosen = pbckpt.Selection(include=("*kernel",))
    report = pbckpt.convert(
        slim(tmp_path), tmp_path / "m", selection=chosen, edits=edits, values=KERAS
    )
    assert [one.key for one in report.variables] == ["block/kernel"]


def test_targets_see_the_words_of_keras(tmp_path: Path) -> None:
    index = tmp_path / "names.json"
    index.write_text('{"conv1/kernel": [3, 3, 1, 8], "conv1/bias": [8]}')
    like = pbckpt.Like(index)
    report = pbckpt.convert(slim(tmp_path), tmp_path / "m", like=like, values=KERAS)
    assert [one.key for one in report.variables] == ["conv1/bias", "conv1/kernel"]
