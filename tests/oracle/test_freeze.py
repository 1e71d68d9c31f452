"""What is frozen is, node by node, what TensorFlow makes of the same graph and values.

TensorFlow makes a network, saves it and freezes it. pbckpt freezes what was saved, and
TensorFlow compares the two, and runs the second: it gives what the variables gave, bit for
bit. What is known to be otherwise is listed here with the reason, and checked to be so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pbckpt import api
from tests.oracle.judge import RefusedError
from tests.shared_material import ABSENT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.judge import TensorFlowJudge

REF, RESOURCE = False, True
KINDS = pytest.mark.parametrize("resource", [REF, RESOURCE], ids=["ref", "resource"])
NETWORKS = [
    "dense",
    "convolution",
    "embedding",
    "places",
    "loop",
    "loop_in_loop",
    "branches",
    "recurrent",
    "partitioned",
    "types",
    "halves",
    "brain_floats",
    "trained",
    "default_input",
    "default_variable",
    "controlled",
    "placed",
    "loop_of_rows",
    "shared",
]
# TensorFlow's constant is in no loop, and it refuses to run what it made.
KNOWN = {
    ("loop_of_rows", RESOURCE): [
        "while/Gather/axis: input [] is ['^while/Gather/Enter']",
    ]
}
# What they were frozen to has other nodes than the graph that was saved.
CHANGED = {
    "d1-import-prefix-new": "it was imported under a prefix before it was frozen",
    "d1-weightnorm-folded": "constants were folded after it was frozen",
}
CORPUS = [
    pytest.param(meta, id=meta.parent.name)
    for meta in sorted((ROOT / "corpus").glob("d1-*/model.meta"))
    if meta.parent.name not in CHANGED
] or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]
SAME: dict[str, list[str]] = {"differences": [], "order": [], "added": []}
# TensorFlow 1.15 leaves the node as it is, which takes no constant, and refuses what it made.
KNOWN_IN_1 = {
    ("places", RESOURCE): [
        "GatherNd: op ResourceGatherNd is GatherNd",
        "GatherNd: Tparams is only in the second",
        "GatherNd: dtype is only in the first",
    ]
}


@dataclass(frozen=True)
class Made:
    """What TensorFlow made of one network."""

    folder: Path
    variables: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def prefix(self) -> Path:
        return self.folder / "model"

    @property
    def frozen(self) -> Path:
        return self.folder / "frozen.pb"

    @property
    def values(self) -> Path:
        return self.folder / "values.npz"

    @property
    def saved_model(self) -> Path:
        return self.folder / "saved"


def make(judge: TensorFlowJudge, folder: Path, network: str, *, resource: bool) -> Made:
    """Have TensorFlow make, save and freeze a network."""
    made = Made(folder)
    answer = judge.ask(
        "save_and_freeze",
        network=network,
        resource=resource,
        prefix=str(made.prefix),
        frozen=str(made.frozen),
        values=str(made.values),
        saved_model=str(made.saved_model),
    )
    return Made(folder, tuple(answer["variables"]), answer["refusal"])


def compare(judge: TensorFlowJudge, expected: Path, found: Path) -> dict[str, Any]:
    """Have TensorFlow compare the nodes of two graphs."""
    return judge.ask("compare_graphs", expected=str(expected), found=str(found))


def gives(judge: TensorFlowJudge, frozen: Path, values: Path) -> bool:
    """Tell whether a frozen graph gives what came out before."""
    answer = judge.ask("run_frozen_like", frozen=str(frozen), values=str(values), fetch="out:0")
    return bool(answer["same"])


@KINDS
@pytest.mark.parametrize("network", NETWORKS)
def test_nodes_are_those_of_tensorflow(
    judge: TensorFlowJudge, tmp_path: Path, network: str, *, resource: bool
) -> None:
    made = make(judge, tmp_path, network, resource=resource)
    assert made.refusal == ""
    of_meta, of_saved_model = tmp_path / "of_meta.pb", tmp_path / "of_saved_model.pb"
    report = api.freeze(f"{made.prefix}.meta", of_meta, outputs=["out"])
    assert report.variables
    assert set(report.variables) <= set(made.variables)
    api.freeze(made.saved_model, of_saved_model)
    expected = KNOWN.get((network, resource), [])
    if judge.version().startswith("1."):
        expected = KNOWN_IN_1.get((network, resource), expected)
    if expected:
        with pytest.raises(RefusedError):
            gives(judge, made.frozen, made.values)
    for found in (of_meta, of_saved_model):
        compared = compare(judge, made.frozen, found)
        assert compared == {"differences": expected, "order": [], "added": []}
        assert gives(judge, found, made.values)


def test_training_is_left_out(judge: TensorFlowJudge, tmp_path: Path) -> None:
    made = make(judge, tmp_path, "trained", resource=RESOURCE)
    report = api.freeze(f"{made.prefix}.meta", tmp_path / "f.pb", outputs=["out:0"])
    assert report.variables == ("layer/kernel", "layer/bias")
    assert {"global_step", "layer/kernel/Adam", "beta1_power"} <= set(made.variables)


def test_a_graphdef_and_a_checkpoint(judge: TensorFlowJudge, tmp_path: Path) -> None:
    made = make(judge, tmp_path, "loop", resource=RESOURCE)
    judge.ask("write_graph", prefix=str(made.prefix), out=str(tmp_path / "graph.pb"))
    found = tmp_path / "found.pb"
    api.freeze(tmp_path / "graph.pb", found, checkpoint=made.prefix, outputs=["out"])
    assert compare(judge, made.frozen, found) == SAME


def test_a_reference_handed_into_a_loop(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """TensorFlow leaves a node that takes references only, and refuses what it made; ours runs."""
    made = make(judge, tmp_path, "loop_of_reads", resource=REF)
    assert made.refusal == ""
    with pytest.raises(RefusedError, match="RefEnter was passed float"):
        gives(judge, made.frozen, made.values)
    found = tmp_path / "found.pb"
    api.freeze(f"{made.prefix}.meta", found, outputs=["out"])
    assert gives(judge, found, made.values)


def test_a_word_alone(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """TensorFlow cannot freeze it itself, but runs what is frozen."""
    made = make(judge, tmp_path, "word", resource=RESOURCE)
    assert "has no attribute 'shape'" in made.refusal
    found = tmp_path / "found.pb"
    api.freeze(f"{made.prefix}.meta", found, outputs=["out"])
    assert gives(judge, found, made.values)


@KINDS
@pytest.mark.parametrize("functions", api.Functions)
def test_functions_that_take_a_variable(
    judge: TensorFlowJudge, tmp_path: Path, functions: api.Functions, *, resource: bool
) -> None:
    made = make(judge, tmp_path, "functional", resource=resource)
    found = tmp_path / "found.pb"
    api.freeze(f"{made.prefix}.meta", found, outputs=["out"], functions=functions)
    assert gives(judge, found, made.values)
    if resource and judge.version().startswith("1."):
        # It leaves the call one of a resource, and refuses that.
        with pytest.raises(RefusedError):
            gives(judge, made.frozen, made.values)
    else:
        assert compare(judge, made.frozen, found) == SAME


@pytest.mark.parametrize("functions", api.Functions)
def test_calls_in_loops_and_branches(
    judge: TensorFlowJudge, tmp_path: Path, functions: api.Functions
) -> None:
    made = make(judge, tmp_path, "called", resource=RESOURCE)
    found = tmp_path / "found.pb"
    api.freeze(f"{made.prefix}.meta", found, outputs=["out"], functions=functions)
    assert gives(judge, found, made.values)


@pytest.mark.parametrize("kind", list(api.VariableKind), ids=lambda kind: kind.value)
@pytest.mark.parametrize("network", ["dense", "branches", "recurrent", "types"])
def test_thawed_trained_and_frozen_again(
    judge: TensorFlowJudge, tmp_path: Path, network: str, kind: api.VariableKind
) -> None:
    made = make(judge, tmp_path, network, resource=REF)
    thaw = api.Thaw(api.MetaFile.REQUIRED, kind)
    thawed, saved = tmp_path / "thawed", tmp_path / "saved_again"
    api.convert(made.frozen, thawed, durability=api.Durability.NONE, thaw=thaw)
    same, found = tmp_path / "same.pb", tmp_path / "found.pb"
    api.freeze(f"{thawed}.meta", same)
    assert compare(judge, made.frozen, same) == SAME
    trained = judge.ask(
        "train_again",
        prefix=str(thawed),
        saved=str(saved),
        values=str(tmp_path / "new.npz"),
        fetch="out:0",
    )
    assert trained["changed"]
    api.freeze(f"{saved}.meta", found)
    compared = compare(judge, made.frozen, found)
    assert compared["added"] == []
    assert len(compared["differences"]) == trained["floats"]
    assert all(": value " in text for text in compared["differences"])
    assert gives(judge, found, tmp_path / "new.npz")


@pytest.mark.parametrize("meta", CORPUS)
def test_corpus(judge: TensorFlowJudge, tmp_path: Path, meta: Path) -> None:
    folder = meta.parent
    told = json.loads((folder / "io.json").read_text())
    outputs = [one["tensor"] for one in told["outputs"]] + told["init_ops"]
    found = tmp_path / "found.pb"
    api.freeze(meta, found, checkpoint=folder / "model.ckpt", outputs=outputs)
    compared = compare(judge, folder / "frozen.pb", found)
    assert compared == SAME
