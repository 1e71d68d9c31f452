"""OpenVINO computes with weights that pbckpt put into a SavedModel of TensorFlow's.

The model is y = x W + B, with W = [[0 1 2] [3 4 5]] and B = [7 8 9] when TensorFlow saved it.
"""

# ruff: noqa: ANN401 - OpenVINO is not installed where types are checked

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import pbckpt

GOLDEN = Path(__file__).parent.parent / "golden"
X = np.array([[1, 2], [-3, 0.5]], np.float32)
SAVED_Y = [[13, 17, 21], [8.5, 7, 5.5]]

W = np.array([[0.5, -1, 1000], [0.25, 2, -0.125]], np.float32)
B = np.array([-10, 0, 0.0625], np.float32)
OUR_Y = [[-9, 3, 999.8125], [-11.375, 4, -3000]]


class Model(NamedTuple):
    """A SavedModel in the golden files, and its keys of the two variables."""

    folder: str
    w: str
    b: str


MODELS = [
    Model("tf1/saved_model/v1api_resource", "w", "b"),
    Model("tf2/saved_model/v1api_resource", "w", "b"),
    Model("tf2/saved_model/module", "W/.ATTRIBUTES/VARIABLE_VALUE", "B/.ATTRIBUTES/VARIABLE_VALUE"),
]
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.folder)


def copy_of(model: Model, folder: Path) -> Path:
    """Copy a SavedModel, without what only the tests know it by."""
    ignore = shutil.ignore_patterns("expected.json")
    return Path(shutil.copytree(GOLDEN / model.folder, folder / "model", ignore=ignore))


def other_values(model: Model, prefix: Path) -> dict[str, Any]:
    """Load a checkpoint and give its two variables our values."""
    tensors: dict[str, Any] = pbckpt.load_checkpoint(prefix)
    assert {model.w, model.b} <= tensors.keys()
    return {**tensors, model.w: W, model.b: B}


def computed(openvino: Any, folder: Path) -> Any:
    """Read a SavedModel and compute y on the CPU."""
    core = openvino.Core()
    # Left alone, it takes bfloat16 on a CPU that has it; the values here are to be exact.
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(folder), "CPU", config)
    return compiled({"x": X})["y"].tolist()


@each_model
def test_files_are_as_they_were_written(model: Model) -> None:
    folder = GOLDEN / model.folder
    expected = json.loads((folder / "expected.json").read_bytes())
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "expected.json"
    }
    assert found == expected["files"]


@each_model
def test_as_tensorflow_saved_it(openvino: Any, model: Model, tmp_path: Path) -> None:
    assert computed(openvino, copy_of(model, tmp_path)) == SAVED_Y


@each_model
def test_with_other_files(openvino: Any, model: Model, tmp_path: Path) -> None:
    folder = copy_of(model, tmp_path)
    tensors = other_values(model, folder / "variables" / "variables")
    shutil.rmtree(folder / "variables")
    (folder / "variables").mkdir()
    pbckpt.save_checkpoint(tensors, folder / "variables" / "variables")
    assert computed(openvino, folder) == OUR_Y


@each_model
def test_replaced_twice_in_place(openvino: Any, model: Model, tmp_path: Path) -> None:
    folder = copy_of(model, tmp_path)
    prefix = folder / "variables" / "variables"
    tensors = other_values(model, prefix)
    for values in ({**tensors, model.w: -W}, tensors):
        pbckpt.save_checkpoint(values, prefix, on_existing=pbckpt.OnExisting.REPLACE)
    assert computed(openvino, folder) == OUR_Y


@each_model
def test_replaced_once_in_place(openvino: Any, model: Model, tmp_path: Path) -> None:
    folder = copy_of(model, tmp_path)
    prefix = folder / "variables" / "variables"
    tensors = other_values(model, prefix)
    pbckpt.save_checkpoint(tensors, prefix, on_existing=pbckpt.OnExisting.REPLACE)
    assert computed(openvino, folder) == OUR_Y


@each_model
def test_in_two_shards(openvino: Any, model: Model, tmp_path: Path) -> None:
    folder = copy_of(model, tmp_path)
    prefix = folder / "variables" / "variables"
    tensors = other_values(model, prefix)
    layout = pbckpt.Layout(num_shards=2)
    replace = pbckpt.OnExisting.REPLACE
    pbckpt.save_checkpoint(tensors, prefix, layout=layout, on_existing=replace)
    assert len(list(folder.glob("variables/variables.data-*-of-00002"))) == 2
    assert computed(openvino, folder) == OUR_Y


@each_model
def test_edited_in_place(openvino: Any, model: Model, tmp_path: Path) -> None:
    folder = copy_of(model, tmp_path)
    prefix = folder / "variables" / "variables"
    name = model.w.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
    edits = pbckpt.Edits(settings=(f"{name}=float32:{W.tolist()}",))
    pbckpt.edit(prefix, prefix, edits=edits, on_existing=pbckpt.OnExisting.REPLACE)
    assert computed(openvino, folder) == (X @ W + [7, 8, 9]).tolist()
