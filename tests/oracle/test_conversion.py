"""Converted graphs load in TensorFlow with the values that were frozen, bit for bit."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pbckpt
from tests.shared_material import frozen_graphs

if TYPE_CHECKING:
    from tests.oracle.judge import TensorFacts, TensorFlowJudge

OWN = Path(__file__).parent.parent / "golden"

# Graphs whose variables bear no trace of freezing: they are found by the ops that
# take them as weights, and by nothing else.
NO_TRACE = {
    "d1-weightnorm-folded",
    "d1v-optimize-for-inference",
    "d1v-remove-identity",
    "d1v-renamed-direct",
    "d1v-tg-fold-batch-norms",
    "d1v-tg-fold-constants",
    "d1v-tg-quantize-nodes",
    "r-dl4j-lenet",
    "r-t2o-gru",
    "r-tfdroid",
}


OWN_GRAPHS = sorted((OWN / "tf1").glob("frozen*")) + sorted((OWN / "tf2").glob("frozen*"))


@pytest.mark.parametrize("folder", OWN_GRAPHS, ids=lambda folder: folder.name)
def test_own_graphs(judge: TensorFlowJudge, tmp_path: Path, folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    report = pbckpt.convert(folder / expected["graph"], tmp_path / "m")
    loaded = judge.load(tmp_path / "m")
    assert loaded.keys() == {variable.key for variable in report.variables}
    facts = {fact["const"]: fact for fact in expected["variables"]}
    for variable in report.variables:
        assert loaded[variable.key].sha256 == facts[variable.node]["sha256"]


def test_the_sample(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """The README says that TensorFlow loads it."""
    sample = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
    pbckpt.convert(sample, tmp_path / "out" / "model.ckpt")
    loaded = judge.load(tmp_path / "out" / "model.ckpt")
    truth = json.loads((OWN / "sample_truth.json").read_text())
    assert {key: facts.sha256 for key, facts in loaded.items()} == {
        name: fact["sha256"] for name, fact in truth.items()
    }
    assert loaded["conv1/kernel"].shape == (3, 3, 1, 16)


@pytest.mark.parametrize("graph", frozen_graphs())
def test_corpus(judge: TensorFlowJudge, tmp_path: Path, graph: Path) -> None:
    name = graph.parent.name
    if name in NO_TRACE:
        traced = pbckpt.Selection(pbckpt.Select.TRACED)
        with pytest.raises(pbckpt.SelectionError, match="the selection leaves"):
            pbckpt.convert(graph, tmp_path / "m", selection=traced)
        assert list(tmp_path.iterdir()) == []
    report = pbckpt.convert(graph, tmp_path / "m", durability=pbckpt.Durability.NONE)
    loaded = judge.load(tmp_path / "m")
    assert loaded.keys() == {variable.key for variable in report.variables}
    assert pbckpt.verify(tmp_path / "m", against=graph).problems == ()
    for variable in report.variables:
        facts = loaded[variable.key]
        assert (facts.dtype, facts.shape) == (variable.dtype, variable.shape)
    truth_file = graph.with_name("truth.json")
    if truth_file.is_file():
        truth = json.loads(truth_file.read_text())
        if any(variable.parts for variable in report.variables):
            # The truth tells of parts; that TensorFlow joins them is tested with computed values.
            parts = pbckpt.Values(partitions=pbckpt.Partitions.PARTS)
            report = pbckpt.convert(graph, tmp_path / "parts" / "m", values=parts)
            loaded = judge.load(tmp_path / "parts" / "m")
        compare_with_truth(truth, report, loaded)
        compare_strings(truth, report, tmp_path / "m")


def compare_with_truth(
    truth: dict[str, Any],
    report: pbckpt.Report,
    loaded: dict[str, TensorFacts],
) -> None:
    """Compare what TensorFlow loaded, node by node, with what was frozen.

    All variables that the graph holds as they were must be found, and no constant
    that was none.
    """
    by_node = {variable.node: variable for variable in report.variables}
    assert not by_node.keys() & set(truth["consts_not_variables"])
    exact = exact_facts(truth)
    assert exact.keys() <= by_node.keys()
    for node, fact in exact.items():
        variable = by_node[node]
        assert variable.dtype.label == fact["dtype"]
        assert list(variable.shape) == fact["shape"]
        if fact["dtype"] != "string":
            assert loaded[variable.key].sha256 == fact["sha256"]


def exact_facts(truth: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the facts of the variables that are in the graph as they were, by their node."""
    facts = truth["variables"].values()
    return {fact["const"]: fact for fact in facts if fact["status"] == "exact"}


def compare_strings(truth: dict[str, Any], report: pbckpt.Report, prefix: Path) -> None:
    """Compare string variables, whose truth is a digest with u32 lengths."""
    facts = exact_facts(truth)
    strings = [v for v in report.variables if v.dtype is pbckpt.DataType.STRING]
    for variable in strings:
        elements = pbckpt.load_variable(prefix, variable.key).reshape(-1).tolist()
        data = b"".join(struct.pack("<I", len(element)) + element for element in elements)
        assert hashlib.sha256(data).hexdigest() == facts[variable.node]["sha256"]
