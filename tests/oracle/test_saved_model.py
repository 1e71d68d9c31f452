"""TensorFlow loads, runs, trains and saves again the SavedModels that frozen graphs became.

The outputs are those of the frozen graph, bit for bit: with tf.saved_model, with
tf.compat.v1.saved_model in both TensorFlows, by the C++ loader, and as a layer of Keras 3.
Which graphs have no form of TensorFlow 2, and of which TensorFlow has no gradients, is
listed here with the reason, and checked to be still so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pbckpt import api
from tests.oracle.own_graphs import OWN_GRAPHS, ZOO
from tests.oracle.thawed import variable_names
from tests.shared_material import runnable_graphs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.judge import TensorFlowJudge

V1, V2 = api.SavedModelForm
GRAPHS = runnable_graphs()
STEPS = 2

# They want a variable or a table to be fed, or a value that was never frozen.
INCOMPLETE = {
    "d1v-blacklist-partial": "'dense2/kernel', 'dense2/bias', which were never frozen",
    "d1v-whitelist-partial": "'dense1/kernel', 'dense1/bias', 'dense2/kernel' and 1 more, which",
    "d2-keras2-denylist": "the resource 'model/stays/embedding_lookup/234'",
    "d2-keras2-string-lookup": "the resource 'model/lookup/None_Lookup/LookupTableFindV2/table_",
}
# Loops of single nodes, through which TensorFlow 2 has no gradients either where it wrote
# the SavedModel itself.
LOOPS = {
    "d1-deepspeech-bidir",
    "d1-dynamic-rnn-lstm",
    "d1-scoped-cond-variable",
    "d1-while-captured",
    "d2-keras2-gru-aggressive",
    "d2-keras2-lstm-lowered",
    "d2-module-while-lowered",
    "d2-v1graph-in-tf221",
    "r-dl4j-bidir-f64",
    "r-dl4j-gru-dynamic",
    "r-kws-crnn",
}
IN_LOOPS = "'NoneType' object has no attribute 'outer_context'"
NO_GRADIENTS = {
    "d1v-tg-quantize-nodes": "op type: Dequantize",
    # Its gradient is a function of Python's, known where the graph was made.
    "d2-keras3-seq-mlp": "op type: IdentityN",
    "r-dl4j-lenet": "no float output",
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


@dataclass(frozen=True)
class Run:
    """A frozen graph, what is fed and fetched, and the SavedModel that it became."""

    frozen: Path
    values: Path
    feeds: list[dict[str, str]]
    fetches: list[dict[str, str]]
    directory: Path
    init_ops: tuple[str, ...] = ()

    def request(self, steps: int = 0) -> dict[str, Any]:
        """Return what the judge is asked."""
        return {
            "frozen": str(self.frozen),
            "values": str(self.values),
            "feeds": self.feeds,
            "fetches": self.fetches,
            "directory": str(self.directory),
            "init_ops": self.init_ops,
            "steps": steps,
        }


def corpus_run(graph: Path, directory: Path) -> Run:
    """Return how a graph of the corpus is run."""
    told = json.loads(graph.with_name("io.json").read_text())
    return Run(
        graph,
        graph.with_name("io.npz"),
        [{"key": key(one), "tensor": one["tensor"], "npz": one["npz"]} for one in told["inputs"]],
        [{"key": key(one), "tensor": one["tensor"]} for one in told["outputs"]],
        directory,
        tuple(told["init_ops"]),
    )


def key(port: dict[str, Any]) -> str:
    """Return what the signature calls a tensor."""
    return str(port["tensor"]).removesuffix(":0")


def convert(run: Run, form: api.SavedModelForm) -> api.Report:
    """Write the SavedModel."""
    return api.convert_to_saved_model(
        run.frozen,
        run.directory,
        form=form,
        inputs=[one["tensor"] for one in run.feeds],
        outputs=[one["tensor"] for one in run.fetches],
        durability=api.Durability.NONE,
    )


def trainable_names(report: api.Report, name: str) -> list[str]:
    """Return the trainable variables of a model."""
    stay = INTEGERS.get(name, set())
    return sorted(one for one, yes in variable_names(report).items() if yes and one not in stay)


@pytest.mark.parametrize("form", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_corpus(
    object_judge: TensorFlowJudge, tmp_path: Path, graph: Path, form: api.SavedModelForm
) -> None:
    name = graph.parent.name
    run = corpus_run(graph, tmp_path / "model")
    refusal = INCOMPLETE.get(name) or ("is of a loop" if form is V2 and name in LOOPS else "")
    if refusal:
        with pytest.raises(api.UnsupportedGraphError) as refused:
            convert(run, form)
        assert refusal in str(refused.value)
        assert not run.directory.exists()
        return
    report = convert(run, form)
    found = object_judge.ask("run_saved_model", **run.request(STEPS))
    unknown = IN_LOOPS if name in LOOPS else NO_GRADIENTS.get(name, "")
    check(found, report, name, unknown, form)


def check(
    found: dict[str, Any], report: api.Report, name: str, refusal: str, form: api.SavedModelForm
) -> None:
    """Check what TensorFlow found of a model, in its own form and as a layer of Keras."""
    names = set(variable_names(report)) - INTEGERS.get(name, set())
    trainable = trainable_names(report, name)
    assert found["outputs"]
    assert all(found["outputs"])
    assert all(found["again"])
    assert all(found["layer"]["outputs"])
    assert set(found["variables"]) == names
    assert set(found["trainable"]) <= set(trainable)
    if form is V1:
        # TensorFlow 2 has all variables of such a model as those of its function.
        assert found["trainable"] == trainable
    else:
        assert found["trainable_variables"] == trainable
    assert found["layer"]["trainable"] == len(found["trainable"])
    training = found["training"]
    assert (refusal in training["refused"]) if refusal else not training["refused"]
    if not refusal:
        assert training["changed"]
        assert set(training["changed"]) <= set(found["trainable"]) - set(training["idle"])
        falls = [after < before for before, after in pairwise(training["losses"])]
        assert all(falls) or name in RANDOM


@pytest.mark.parametrize("form", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_loaders_of_tensorflow_1(
    judge: TensorFlowJudge, tmp_path: Path, graph: Path, form: api.SavedModelForm
) -> None:
    name = graph.parent.name
    if name in INCOMPLETE or (form is V2 and name in LOOPS):
        pytest.skip("there is no such model, which test_corpus checks")
    run = corpus_run(graph, tmp_path / "model")
    report = convert(run, form)
    found = judge.ask("run_saved_model_v1", **run.request())
    assert found["outputs"]
    assert all(found["outputs"])
    assert set(found["variables"]) == set(variable_names(report)) - INTEGERS.get(name, set())
    assert found["trainable"] == trainable_names(report, name)


def is_numeric(run: Run) -> bool:
    """Tell whether all that goes in and comes out is numbers, which C takes as they are."""
    with np.load(run.values, allow_pickle=True) as values:
        return all(array.dtype.kind not in "OSU" for array in values.values())


@pytest.mark.parametrize("form", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_loader_of_servers(
    judge: TensorFlowJudge, tmp_path: Path, graph: Path, form: api.SavedModelForm
) -> None:
    if judge.version().startswith("1."):
        pytest.skip("its wheel has no C++ library")
    name = graph.parent.name
    run = corpus_run(graph, tmp_path / "model")
    if name in INCOMPLETE or (form is V2 and name in LOOPS) or not is_numeric(run):
        pytest.skip("there is no such model, which test_corpus checks, or it takes words")
    convert(run, form)
    found = judge.ask("run_saved_model_in_c", **run.request())
    assert found["outputs"]
    assert all(found["outputs"])


OWN_LOOPS = {
    "t2-k2-custom-cell-aggressive",
    "t2-k2-stacked-recurrent-aggressive",
    "t2-m-control-flow",
    "t2-s-loop",
    "t2-s-loop-n0-text",
    "tf1-attention-decoder",
    "tf1-bidirectional-gru",
    "tf1-keras-recurrent",
    "tf1-loops-and-branches",
    "tf1-loops-and-branches-grappler-all",
}
# Functions that are called: in the form of TensorFlow 1 its gradients of those fail.
OWN_CALLS = {
    "t2-k2-tied-call": "SymbolicGradient",
    "t2-m-kept-calls-functional": "SymbolicGradient",
}
OWN_NO_GRADIENTS = {
    # Functions that are called by the name of an op, as TensorFlow 1 did.
    "tf1-functions": "SymbolicGradient",
    "tf1-attention-decoder": "no float output",
    "tf1-vgg-parameters-tg-nodes": "op type: Dequantize",
}
# Its random numbers are others in each run, and the loss with them.
RANDOM = {"tf1-variational-code"}


@pytest.mark.parametrize("form", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("name", OWN_GRAPHS)
def test_own_graphs(
    object_judge: TensorFlowJudge, tmp_path: Path, name: str, form: api.SavedModelForm
) -> None:
    [graph] = (ZOO / OWN_GRAPHS[name] / name).glob("frozen.pb*")
    values = tmp_path / "values.npz"
    asked = object_judge.ask("random_feeds", frozen=str(graph), values=str(values))
    feeds = [{"key": key(one), **one} for one in asked["feeds"]]
    fetches = [{"key": key({"tensor": one}), "tensor": one} for one in asked["fetches"]]
    run = Run(graph, values, feeds, fetches, tmp_path / "model")
    if form is V2 and name in OWN_LOOPS:
        with pytest.raises(api.UnsupportedGraphError, match="is of a loop of TensorFlow 1"):
            convert(run, form)
        return
    report = convert(run, form)
    found = object_judge.ask("run_saved_model", **run.request(STEPS))
    calls = OWN_CALLS.get(name, "") if form is V1 else ""
    unknown = OWN_NO_GRADIENTS.get(name) or (IN_LOOPS if name in OWN_LOOPS else calls)
    check(found, report, name, unknown, form)
