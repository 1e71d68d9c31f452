"""TensorFlow runs, trains and saves what frozen graphs are thawed to.

The outputs are those of the frozen graph, bit for bit. What TensorFlow itself refuses, and
what a graph does not tell, is listed here with the reason, and checked to be still so.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pbckpt import api
from tests.oracle.judge import RefusedError, TensorFlowJudge
from tests.oracle.own_graphs import NCHW, OWN_GRAPHS, ZOO
from tests.oracle.thawed import (
    NONE,
    Exceptions,
    Network,
    check,
    one_prefix,
    thaw,
    variable_names,
)
from tests.shared_material import base_checkpoint, runnable_graphs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESOURCE, REF = api.VariableKind.RESOURCE, api.VariableKind.REF
GRAPHS = runnable_graphs()
# A third of the graphs is trained with reference variables too; all are run.
TRAINED_AS_REFERENCES = {one.id for one in GRAPHS[::3]}
OWN_AS_REFERENCES = set(sorted(OWN_GRAPHS)[::3])
NETWORKS = ["nested", "captured", "dynamic_rnn", "case", "tensor_arrays"]
IN_BODIES = ["functional_while", "functional_if", "called", "called_inside"]
BODIES = api.Selection(take=("*/kernel", "*/bias"))

KNOWN = {
    # A function is called, and TensorFlow's gradients of those know fewer ops.
    "t2-k2-tied-call": Exceptions(refusal="No gradient defined for op: Selu"),
    "called_inside": Exceptions(refusal="No gradient defined for op: PartitionedCall"),
    # TensorFlow has no gradient of this op.
    "tf1-vgg-parameters-tg-nodes": Exceptions(refusal="op type: Dequantize"),
    # It ends in numbers of words.
    "tf1-attention-decoder": Exceptions(refusal="no float output"),
    # Its random numbers are others in each run, and the loss with them.
    "tf1-variational-code": Exceptions(is_still=True),
    # The gradient is stopped behind what was frozen first.
    "tf1-refrozen": Exceptions(idle=frozenset({"backbone/base/weights", "backbone/base/biases"})),
    # The loops have copies of them, which were made by an optimizer.
    "tf1-loops-and-branches-grappler-all": Exceptions(
        idle=frozenset({"inside/w", "inside/r", "inside/fixed", "per_row"})
    ),
    # One constant was made of them and of others, which are in its place.
    "t2-k3-fresh-merge": Exceptions(
        idle=frozenset(
            {
                "batch_normalization_1/beta",
                "batch_normalization_1/gamma",
                "dense/bias",
                "dense_1/bias",
            }
        )
    ),
    # TensorFlow has no gradient of this op.
    "d1v-tg-quantize-nodes": Exceptions(refusal="op type: Dequantize"),
    # Its gradient is a function of Python's, known where the graph was made.
    "d2-keras3-seq-mlp": Exceptions(refusal="op type: IdentityN"),
    # It ends in numbers of classes.
    "r-dl4j-lenet": Exceptions(refusal="no float output"),
    # Both were folded to one, which is a variable now.
    "d1-weightnorm-folded": Exceptions(missing=frozenset({"wn0/g", "wn0/v"})),
}
# The same for TensorFlow 1 alone, which has fewer gradients.
EINSUM = Exceptions(refusal="op type: Einsum")
KNOWN_IN_1 = {"d2-keras3-attention": EINSUM, "t2-k3-transformer": EINSUM}
# Trainable by all that the graph tells, by node.
NOT_TOLD = {
    # trainable=False was said in code, and of nothing that is updated otherwise.
    "d1-var-dtypes": {"scale64"},
    "t2-k2-custom-cell-aggressive": {
        "sequential/reservoir/peephole_cell/ReadVariableOp_1/resource",
    },
    # One constant was made of it and of a moving mean.
    "d1v-tg-merge-duplicates": {"bn2/beta"},
    "t2-k3-fresh-merge": {
        "functional_1/dense_1/BiasAdd/ReadVariableOp/resource",
        "functional_1/batch_normalization_1/Cast_1/ReadVariableOp/resource",
    },
    # TensorFlow calls a variable of truth values trainable if nobody says otherwise.
    "tf1-number-types": {"mask"},
    # A bias of nothing but zeros.
    "tf1-vgg-parameters-tg-nodes": {"fc1/biases"},
}
# Their variables were constants when the graph with the truth was frozen.
FROZEN_TWICE = {
    "d1-refrozen-feature-extractor": {"base/conv/bias", "base/conv/kernel"},
    "tf1-refrozen": {"backbone/base/biases", "backbone/base/weights"},
}
# A constant from birth, which is used as a weight.
NEVER_VARIABLES = {"tf1-loops-and-branches-grappler-all": {"inside/fixed"}}
# The .meta of before freezing is of no use to this TensorFlow.
NO_ORIGINAL = {
    # Its names are others: it was imported under a prefix before freezing.
    "d1-import-prefix-new": "",
    # It has gradients whose shapes TensorFlow 2 refuses.
    "r-musicnn-vgg": "2.",
    # It was written by TensorFlow 2, with attributes that 1.15 refuses.
    "d2-v1-functional-cond": "1.",
    "d2-v1graph-in-tf221": "1.",
}
# Their values are in the graph as integers alone, and no tensor is there for a variable.
INTEGERS = {
    "d1v-tg-quantize-nodes": {"conv2/kernel", "conv3/kernel", "dense1/kernel"},
    "tf1-vgg-parameters-tg-nodes": {
        "conv1_1/weights",
        "conv1_2/weights",
        "conv2_1/weights",
        "conv2_2/weights",
        "fc1/weights",
    },
}
# What feeds a resource that a graph takes.
EMBEDDINGS = "model/stays/embedding_lookup/234:0"
WORDS = "model/lookup/None_Lookup/LookupTableFindV2/table_handle:0"


@pytest.mark.parametrize("kind", [RESOURCE, REF], ids=lambda kind: kind.value)
@pytest.mark.parametrize("graph", GRAPHS)
def test_corpus(
    judge: TensorFlowJudge, tmp_path: Path, graph: Path, kind: api.VariableKind
) -> None:
    name = graph.parent.name
    truth = read_truth(graph)
    has_original = has_an_original(judge, graph)
    network = corpus_network(graph, truth, tmp_path, has_original=has_original)
    report = thaw(network, tmp_path / "m", kind)
    is_whole = kind is RESOURCE or name in TRAINED_AS_REFERENCES
    found = check(judge, network, tmp_path / "m", known(judge, name), is_whole=is_whole)
    names = placed_names(report, name)
    kept = {one: fact for one, fact in truth.items() if fact["status"] == "left-as-variable"}
    in_graph = kept if name.startswith("d1v-") else {}
    assert set(found["variables"]) == names.keys() | in_graph
    trainable = {one for one, is_trainable in names.items() if is_trainable}
    trainable |= {one for one, fact in in_graph.items() if fact["trainable"]}
    assert set(found["trainable"]) == trainable
    if truth:
        check_trainable(report, truth, name)


def placed_names(report: api.Report, name: str) -> dict[str, bool]:
    """Return the names that variables have in a thawed graph, and which are trainable."""
    names = variable_names(report)
    stay = INTEGERS.get(name, set())
    assert stay <= names.keys()
    assert any("integers alone" in text for text in report.warnings) == bool(stay)
    return {one: is_trainable for one, is_trainable in names.items() if one not in stay}


def known(judge: TensorFlowJudge, name: str) -> Exceptions:
    """Return what is known of a graph in the TensorFlow that judges."""
    in_one = KNOWN_IN_1.get(name) if judge.version().startswith("1.") else None
    return in_one or KNOWN.get(name, NONE)


def read_truth(graph: Path) -> dict[str, Any]:
    """Return the facts of the variables that were frozen, by their names."""
    path = graph.with_name("truth.json")
    facts: dict[str, Any] = json.loads(path.read_text())["variables"] if path.is_file() else {}
    return facts


def check_trainable(report: api.Report, truth: dict[str, Any], name: str) -> None:
    """Check, node by node, that what is trainable is what was."""
    by_node = {fact["const"]: fact for fact in truth.values() if fact.get("const")}
    parts = [part for one in report.variables for part in one.parts or (one,)]
    unknown = {part.node for part in parts} - by_node.keys()
    assert unknown == FROZEN_TWICE.get(name, NEVER_VARIABLES.get(name, set()))
    wrong = {
        part.node
        for part in parts
        if part.node in by_node and part.trainable != by_node[part.node]["trainable"]
    }
    assert wrong == NOT_TOLD.get(name, set())


def has_an_original(judge: TensorFlowJudge, graph: Path) -> bool:
    """Tell whether the graph of before freezing is there, and fit for this TensorFlow."""
    unfit = NO_ORIGINAL.get(graph.parent.name)
    is_fit = unfit is None or not judge.version().startswith(unfit)
    return is_fit and graph.with_name("model.meta").is_file()


def corpus_network(
    graph: Path, truth: dict[str, Any], tmp_path: Path, *, has_original: bool
) -> Network:
    """Return how a graph of the corpus is run."""
    name = graph.parent.name
    told = json.loads(graph.with_name("io.json").read_text())
    original = None
    if has_original:
        checkpoint = graph.with_name("model.ckpt")
        original = one_prefix(tmp_path / "original", graph.with_name("model.meta"), checkpoint)
    kept = [one["ckpt_key"] for one in truth.values() if one["status"] == "left-as-variable"]
    base = {"prefix": str(base_checkpoint("d1v-base")), "names": kept}
    return Network(
        graph,
        graph.with_name("io.npz"),
        [{"tensor": one["tensor"], "npz": one["npz"]} for one in told["inputs"]],
        [one["tensor"] for one in told["outputs"]],
        told["init_ops"],
        original,
        base if kept and name.startswith("d1v-") else None,
        handles(graph, truth),
    )


def handles(graph: Path, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the resources that a graph wants to be fed: a variable, or a table."""
    if graph.parent.name == "d2-keras2-denylist":
        key = truth["stays/embeddings"]["ckpt_key"]
        prefix = str(graph.with_name("model.ckpt"))
        return [{"tensor": EMBEDDINGS, "prefix": prefix, "key": key}]
    if graph.parent.name == "d2-keras2-string-lookup":
        with np.load(graph.with_name("io.npz"), allow_pickle=True) as values:
            words = sorted({word.decode() for word in values["in_0"].ravel()})
        return [{"tensor": WORDS, "words": words, "number": 2}]
    return []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, RESOURCE) for name in OWN_GRAPHS),
        *((name, REF) for name in sorted(OWN_AS_REFERENCES)),
    ],
)
def test_own_graphs(
    judge: TensorFlowJudge, tmp_path: Path, name: str, kind: api.VariableKind
) -> None:
    [graph] = (ZOO / OWN_GRAPHS[name] / name).glob("frozen.pb*")
    values = tmp_path / "values.npz"
    asked = judge.ask("random_feeds", frozen=str(graph), values=str(values))
    assert asked["unfed"] == []
    network = Network(graph, values, asked["feeds"], asked["fetches"])
    report = thaw(network, tmp_path / "m", kind)
    if name in NCHW and judge.version().startswith("1."):
        with pytest.raises(RefusedError, match="only supports NHWC"):
            check(judge, network, tmp_path / "m")
        return
    found = check(judge, network, tmp_path / "m", known(judge, name))
    names = placed_names(report, name)
    assert set(found["variables"]) == names.keys()
    assert set(found["trainable"]) == {one for one, trainable in names.items() if trainable}
    check_trainable(report, read_truth(graph), name)


@pytest.fixture(scope="module")
def maker() -> Iterator[TensorFlowJudge]:
    """Another TensorFlow, for the gradient of a function is known for good where it was made."""
    with TensorFlowJudge.from_environment() as tensorflow:
        yield tensorflow


@pytest.mark.parametrize("kind", [RESOURCE, REF], ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", [*NETWORKS, *IN_BODIES])
def test_control_flow(
    judge: TensorFlowJudge,
    maker: TensorFlowJudge,
    tmp_path: Path,
    name: str,
    kind: api.VariableKind,
) -> None:
    """Loops and branches of our own; those with weights in functions are told what they are."""
    graph, values = tmp_path / "frozen.pb", tmp_path / "values.npz"
    original = tmp_path / "original" / "m"
    original.parent.mkdir()
    made = maker.ask(
        "freeze_loops",
        network=name,
        seed=3,
        out=str(graph),
        values=str(values),
        prefix=str(original),
    )
    exceptions = known(judge, name)
    network = Network(
        graph,
        values,
        made["feeds"],
        made["fetches"],
        original=None if exceptions.refusal else original,
    )
    report = thaw(network, tmp_path / "m", kind, BODIES if name in IN_BODIES else None)
    found = check(judge, network, tmp_path / "m", exceptions)
    assert set(found["trainable"]) == set(found["variables"]) == set(made["trainable"])
    assert variable_names(report) == dict.fromkeys(made["trainable"], True)
