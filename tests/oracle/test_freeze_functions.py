"""What is frozen of a SavedModel of TensorFlow 2 is, node by node, what TensorFlow makes of it.

TensorFlow makes a model and saves it. pbckpt freezes that twice: with functions, which
TensorFlow compares with what it freezes itself, function by function, and with functions in
the places of their calls, of which TensorFlow's own has the same ops, with the same
attributes and values. TensorFlow runs both, and they give what the model gave, bit for bit.
What is known to be otherwise is listed here with the reason, and checked to be so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pbckpt import api
from tests.oracle.judge import RefusedError
from tests.shared_material import ABSENT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.judge import TensorFlowJudge

MODELS = [
    "dense",
    "same_name",
    "loop",
    "branches",
    "nested",
    "stateful",
    "table",
    "embedding",
    "types",
    "shape",
    "several",
    "mapped",
    "own_gradient",
    "random",
    "keras_dense",
    "keras_images",
    "keras_words",
    "keras_attention",
]
TABLES = {"table", "keras_attention"}
SAME: dict[str, list[str]] = {"differences": [], "order": [], "added": []}
# TensorFlow leaves nodes as they are, which take no constant, or the names of functions where
# a branch is decided by a variable; and refuses what it made.
KNOWN = {
    "mapped": ["is not there", "is not there"],
    "embedding": [
        "embedding_lookup/axis is added",
        "embedding_lookup: op ResourceGather is GatherV2",
        (
            "embedding_lookup: input ['gathernd_resource', 'rows'] is "
            "['gathernd_resource', 'rows', 'embedding_lookup/axis:output:0']"
        ),
        "embedding_lookup: Taxis is only in the second",
        "embedding_lookup: Tparams is only in the second",
        "embedding_lookup: dtype is only in the first",
    ],
    "shape": [
        "VariableShape: op VariableShape is Shape",
        "VariableShape: T is only in the second",
    ],
}
REFUSALS = {
    "embedding": "expected type resource",
    "shape": "expected type resource",
    "mapped": "cond_true",
}
# What only hands on or waits, where arguments and results were.
HANDS_ON = {"Identity", "IdentityN", "NoOp"}
# What TensorFlow has otherwise where it puts functions in their calls' places.
KNOWN_OPS = {
    "branches": {"Case", "Merge", "_SwitchN"},  # it lowers a Case
    **{key: {"HashTableV2", "Placeholder"} for key in TABLES},  # a table is an input there
}
# It cannot do that at all, for the same node.
REFUSED = {"shape": "incompatible with expected resource"}
CORPUS = [
    pytest.param(model, id=model.parent.name)
    for name in ("c-serving-half-plus-two-tf2-cpu", "c-rust-regression-tf2")
    if (model := ROOT / "corpus" / name / "saved_model").exists()
] or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@dataclass(frozen=True)
class Saved:
    """A model that TensorFlow saved, and what went in and came out."""

    folder: Path
    outputs: tuple[str, ...] = ()

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def values(self) -> Path:
        return self.folder / "values.npz"

    @property
    def once(self) -> list[str]:
        """What fills tables."""
        return [one for one in self.outputs if one == "NoOp"]

    def frozen(self, functions: api.Functions) -> Path:
        target = self.folder / f"{functions.value}.pb"
        api.freeze(
            *(self.model, target),
            functions=functions,
            outputs=self.outputs,
            durability=api.Durability.NONE,
        )
        return target


def save(judge: TensorFlowJudge, folder: Path, model: str) -> Saved:
    saved = Saved(folder)
    answer = judge.ask("save_model", model=model, folder=str(saved.model), values=str(saved.values))
    filled = ["NoOp"] if model in TABLES else []
    return Saved(folder, (*answer["outputs"], *filled))


def gives(judge: TensorFlowJudge, saved: Saved, frozen: Path) -> set[bool]:
    """Tell whether what a frozen graph gives is what the model gave."""
    answer = judge.ask(
        "run_model",
        frozen=str(frozen),
        folder=str(saved.model),
        values=str(saved.values),
        once=saved.once,
    )
    return set(answer["same"].values())


def frozen_by_tensorflow(judge: TensorFlowJudge, saved: Saved) -> Path:
    out = saved.folder / "tensorflow.pb"
    answer = judge.ask(
        "freeze_model", folder=str(saved.model), outputs=list(saved.outputs), out=str(out)
    )
    assert answer["refusal"] == ""
    return out


def without_function(text: str) -> str:
    return text.partition(": ")[2]


@pytest.mark.parametrize("model", MODELS)
def test_functions_are_those_of_tensorflow(
    object_judge: TensorFlowJudge, tmp_path: Path, model: str
) -> None:
    saved = save(object_judge, tmp_path, model)
    frozen = saved.frozen(api.Functions.KEEP)
    assert gives(object_judge, saved, frozen) == {True}
    expected = frozen_by_tensorflow(object_judge, saved)
    compared = object_judge.ask("compare_functions", expected=str(expected), found=str(frozen))
    known = KNOWN.get(model, [])
    found = [without_function(text) for text in compared.pop("differences")]
    assert (found, compared) == (known, {"order": [], "added": []})
    if known:
        with pytest.raises(RefusedError, match=REFUSALS[model]):
            gives(object_judge, saved, expected)
    else:
        assert gives(object_judge, saved, expected) == {True}


def ops_of(judge: TensorFlowJudge, path: Path, outputs: list[str]) -> dict[tuple[str, str], int]:
    """Return how many nodes there are of each op and with the same attributes."""
    found = judge.ask("count_ops", path=str(path), outputs=outputs)["ops"]
    return {(op, told): number for op, told, number in found if op not in HANDS_ON}


@pytest.mark.parametrize("model", MODELS)
def test_functions_in_the_places_of_their_calls(
    object_judge: TensorFlowJudge, tmp_path: Path, model: str
) -> None:
    saved = save(object_judge, tmp_path, model)
    frozen = saved.frozen(api.Functions.INLINE)
    assert gives(object_judge, saved, frozen) == {True}
    expected = tmp_path / "tensorflow.pb"
    answer = object_judge.ask("freeze_function", folder=str(saved.model), out=str(expected))
    assert REFUSED.get(model, "") in answer["refusal"]
    assert (model in REFUSED) is bool(answer["refusal"])
    if answer["refusal"]:
        return
    theirs = ops_of(object_judge, expected, answer["outputs"])
    ours = ops_of(object_judge, frozen, [one for one in saved.outputs if one not in saved.once])
    differing = {one[0] for one in {*theirs, *ours} if theirs.get(one) != ours.get(one)}
    assert differing == KNOWN_OPS.get(model, set())


def test_what_is_inferred_fills_tables(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    saved = save(object_judge, tmp_path, "table")
    report = api.freeze(saved.model, tmp_path / "f.pb", durability=api.Durability.NONE)
    assert report.outputs == ("StatefulPartitionedCall", "NoOp")
    assert report.outputs_from is api.OutputsFrom.SIGNATURES
    assert gives(object_judge, saved, tmp_path / "f.pb") == {True}


@pytest.mark.parametrize("model", CORPUS)
def test_corpus(object_judge: TensorFlowJudge, tmp_path: Path, model: Path) -> None:
    """Models of older versions; one has a signature that trains, which is left out."""
    kept, inlined = tmp_path / "kept.pb", tmp_path / "inlined.pb"
    report = api.freeze(model, kept, durability=api.Durability.NONE)
    out = tmp_path / "tensorflow.pb"
    asked: dict[str, Any] = {"folder": str(model), "outputs": list(report.outputs)}
    assert object_judge.ask("freeze_model", **asked, out=str(out)) == {"refusal": ""}
    assert object_judge.ask("compare_functions", expected=str(out), found=str(kept)) == SAME
    api.freeze(model, inlined, functions=api.Functions.INLINE, durability=api.Durability.NONE)
    assert object_judge.ask("import_model", path=str(inlined)) == {"functions": 0}
