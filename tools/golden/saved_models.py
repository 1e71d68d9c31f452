"""The golden SavedModels: y = x W + B, small enough to be checked in the head.

    saved_model.pb           the graph and its signature `serving_default`
    variables/variables.*    a checkpoint as any other
    expected.json            what is in it; no program that reads SavedModels minds it

What TensorFlow writes changes from run to run. So the random directory name in the
saver's graph is fixed, maps are sorted, and `fingerprint.pb` is left out, which holds
a random number and nothing that is needed.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import hashlib
import importlib
import json
import uuid
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from tools.golden.checkpoints import Maker, inside
from tools.golden.values import FLOAT, STRING, Tensor, describe_tensor, packed, tensor

if TYPE_CHECKING:
    from pathlib import Path

W, B = packed("f", 0, 1, 2, 3, 4, 5), packed("f", 7, 8, 9)
W_SHAPE, B_SHAPE = (2, 3), (3,)
PREFIX = "variables/variables"
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
NO_RANDOM = uuid.UUID(int=0)


def write_saved_model(maker: Maker, folder: Path, writer: str, tensors: list[Tensor]) -> None:
    """Move what TensorFlow left in `export` up, made the same in every run, and describe it."""
    export = folder / "export"
    for name in ("fingerprint.pb", "assets"):
        remove(export / name)
    for path in sorted(export.iterdir()):
        path.rename(folder / path.name)
    export.rmdir()
    sort_maps(folder / "saved_model.pb")
    expected = {
        "tensorflow": maker.tf.__version__,
        "files": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
        "writer": writer,
        "prefix": PREFIX,
        "tensors": [describe_tensor(one) for one in sorted(tensors)],
    }
    text = json.dumps(expected, indent=1, ensure_ascii=True) + "\n"
    (folder / "expected.json").write_text(text, encoding="ascii")


def remove(path: Path) -> None:
    """Remove a file or an empty directory, if it is there."""
    if path.is_dir():
        path.rmdir()
    elif path.exists():
        path.unlink()


def sort_maps(path: Path) -> None:
    """Write a SavedModel again with its maps sorted."""
    protos = importlib.import_module("tensorflow.core.protobuf.saved_model_pb2")
    model = protos.SavedModel.FromString(path.read_bytes())
    path.write_bytes(model.SerializeToString(deterministic=True))


def initial(data: bytes, shape: tuple[int, ...]) -> Any:
    """Give the value that a variable starts with."""
    return np.frombuffer(data, "<f4").reshape(shape)


def make_v1api_resource(maker: Maker) -> None:
    """Save resource variables as TensorFlow 1 does: keys are the variables' names."""
    folder = maker.folder("saved_model/v1api_resource")
    v1 = maker.v1
    with maker.session(folder) as session, mock.patch("uuid.uuid4", return_value=NO_RANDOM):
        x = v1.placeholder(v1.float32, [None, 2], name="x")
        w = v1.get_variable("w", initializer=initial(W, W_SHAPE), use_resource=True)
        b = v1.get_variable("b", initializer=initial(B, B_SHAPE), use_resource=True)
        y = v1.add(v1.matmul(x, w), b, name="y")
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, "export", inputs={"x": x}, outputs={"y": y})
    tensors = [tensor("w", FLOAT, W_SHAPE, W), tensor("b", FLOAT, B_SHAPE, B)]
    write_saved_model(maker, folder, "compat.v1.saved_model.simple_save", tensors)


def build_module(tf: Any) -> Any:
    """Make a module of two variables.

    The order in the data file is that in which they are set, the object graph last.
    So that it is the order of the keys too, B comes first, and the names are
    capitals, which sort before the underscore of the object graph's key.
    """

    class Affine(tf.Module):  # type: ignore[misc]
        """An affine map."""

        def __init__(self) -> None:
            super().__init__()
            self.B = tf.Variable(initial(B, B_SHAPE), name="b")
            self.W = tf.Variable(initial(W, W_SHAPE), name="w")

        @tf.function(input_signature=[tf.TensorSpec([None, 2], name="x")])  # type: ignore[untyped-decorator]
        def apply(self, x: Any) -> Any:
            """Give y."""
            return {"y": tf.matmul(x, self.W) + self.B}

    return Affine()


def make_module(maker: Maker) -> None:
    """Save a module as TensorFlow 2 does: keys are paths to the variables from the module."""
    folder = maker.folder("saved_model/module")
    tf, module = maker.tf, build_module(maker.tf)
    with inside(folder), mock.patch("uuid.uuid4", return_value=NO_RANDOM):
        tf.saved_model.save(module, "export", signatures=module.apply)
    reader = tf.train.load_checkpoint(str(folder / "export" / PREFIX))
    tensors = [
        tensor("W/.ATTRIBUTES/VARIABLE_VALUE", FLOAT, W_SHAPE, W),
        tensor("B/.ATTRIBUTES/VARIABLE_VALUE", FLOAT, B_SHAPE, B),
        tensor(OBJECT_GRAPH, STRING, (), [reader.get_tensor(OBJECT_GRAPH)]),
    ]
    write_saved_model(maker, folder, "tf.saved_model.save", tensors)
