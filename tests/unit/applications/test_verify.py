"""Verify: partitioned tensors against a graph, and files that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

import pbckpt
from pbckpt.arrays.values import partition
from pbckpt.checkpoints.layout import Layout

SAMPLE = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
KEY = "conv1/kernel"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return the sample's checkpoint, one tensor of it in slices and shards of its own."""
    pbckpt.convert(SAMPLE, tmp_path / "whole")
    tensors: dict[str, object] = dict(pbckpt.load_checkpoint(tmp_path / "whole"))
    tensors[KEY] = partition(tensors[KEY], 2)
    layout = Layout(shard_of=lambda name: int(name == KEY))
    pbckpt.save_checkpoint(tensors, tmp_path / "m", layout=layout)
    return tmp_path / "m"


def test_a_partitioned_tensor_is_compared_with_the_whole_of_the_graph(prefix: Path) -> None:
    assert pbckpt.verify(prefix, against=SAMPLE).problems == ()


def test_other_values_of_a_partitioned_tensor_are_told(prefix: Path, tmp_path: Path) -> None:
    tensors: dict[str, object] = dict(pbckpt.load_checkpoint(prefix))
    tensors[KEY] = partition(pbckpt.load_variable(prefix, KEY) + 1, 2)
    pbckpt.save_checkpoint(tensors, tmp_path / "other")
    (problem,) = pbckpt.verify(tmp_path / "other", against=SAMPLE).problems
    assert (problem.key, problem.problem) == (KEY, "the values differ from the graph's")


@pytest.mark.parametrize("against", [None, SAMPLE], ids=["alone", "against its graph"])
def test_a_data_file_that_is_not_there_is_a_problem(prefix: Path, against: Path | None) -> None:
    Path(f"{prefix}.data-00001-of-00002").unlink()
    problems = pbckpt.verify(prefix, against=against).problems
    assert {problem.key for problem in problems} == {KEY}
    assert "no such file" in problems[0].problem


@pytest.mark.parametrize("against", [None, SAMPLE], ids=["alone", "against its graph"])
def test_a_data_file_that_is_damaged_is_a_problem(prefix: Path, against: Path | None) -> None:
    shard = Path(f"{prefix}.data-00001-of-00002")
    data = bytearray(shard.read_bytes())
    data[0] ^= 1
    shard.write_bytes(data)
    (problem,) = pbckpt.verify(prefix, against=against).problems
    assert problem.key == KEY
    assert "checksum of a tensor does not match" in problem.problem
