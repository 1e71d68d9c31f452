"""Make the files that the examples of docs/ start from.

    cd THE ROOT OF THE PROJECT
    PYTHON -m tools.make_workflows        PYTHON has TensorFlow 1.15, then TensorFlow 2

Under TensorFlow 1.15 this freezes the networks `lenet.pb`, `speech.pb` and
`digits_stripped.pb`, from which a tool has taken the reads of the variables. Under
both it runs the blocks of the documents that save an untrained model, the first
of those that need this TensorFlow, so that the documents' commands can be tested
where there is no TensorFlow. All goes into `tests/golden/workflows`. Seeded: a
second run gives the same bytes.

Runs on Python 3.7, the newest that TensorFlow 1.15 has.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

if tf.__version__.startswith("1."):
    from tensorflow.tools.graph_transforms import TransformGraph

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "golden" / "workflows"
BLOCK = re.compile(r"```python no-run: needs TensorFlow( 1\.15| 2|), .*?\n(.*?)```", re.DOTALL)
DOCUMENTS = ("own-code.md", "speech.md")
NOT_NEEDED = ("checkpoint", "speech.ckpt.meta")


def lenet(random: Any) -> str:
    """Build LeNet-5 for images of 28 by 28, as its tutorials did."""
    net = tf.placeholder(tf.float32, [None, 28, 28, 1], "images")
    for number, shape in ((1, [5, 5, 1, 6]), (2, [5, 5, 6, 16])):
        with tf.variable_scope(f"conv{number}"):
            net = tf.nn.conv2d(net, weight(random, "weights", shape), 1, "VALID")
            net = tf.nn.relu(tf.nn.bias_add(net, weight(random, "biases", shape[-1:])))
            net = tf.nn.max_pool(net, 2, 2, "VALID")
    net = tf.reshape(net, [-1, 256])
    for number, shape in ((3, [256, 120]), (4, [120, 84]), (5, [84, 10])):
        with tf.variable_scope(f"fc{number}"):
            weights = weight(random, "weights", shape)
            net = tf.nn.xw_plus_b(net, weights, weight(random, "biases", shape[-1:]))
            net = net if number == 5 else tf.nn.relu(net)  # noqa: PLR2004 - the last layer
    return str(tf.identity(net, "logits").op.name)


def speech(random: Any) -> str:
    """Build a bidirectional LSTM that is fed piece by piece, with its state in variables."""
    features = tf.placeholder(tf.float32, [1, None, 4], "features")
    with tf.variable_scope("deepspeech", initializer=drawn(random)):
        zero = tf.zeros_initializer()
        c, h = (
            tf.get_variable(name, [1, 6], initializer=zero, trainable=False)
            for name in ("previous_state_c", "previous_state_h")
        )
        net = dense(features, "1", 4, 8)
        cells = [tf.nn.rnn_cell.BasicLSTMCell(6) for _ in range(2)]
        state = tf.nn.rnn_cell.LSTMStateTuple(c, h)
        outputs, _ = tf.nn.bidirectional_dynamic_rnn(
            *cells, net, initial_state_fw=state, dtype=tf.float32
        )
        net = dense(tf.concat(outputs, 2), "6", 12, 5)
    return str(tf.identity(net, "logits").op.name)


def digits(random: Any) -> str:
    """Build a small network with a temperature, a variable that nothing but training tells."""
    images = tf.placeholder(tf.float32, [None, 12, 12, 1], "images")
    net = images - tf.constant(0.5, name="image_mean")
    with tf.variable_scope("conv"):
        net = tf.nn.conv2d(net, weight(random, "kernel", [3, 3, 1, 4]), 1, "SAME")
    with tf.variable_scope("norm"):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        norm = [weight(random, name, [4], trainable="moving" not in name) for name in names]
        net = tf.nn.fused_batch_norm(net, *norm, is_training=False)[0]
    with tf.variable_scope("dense"):
        net = tf.reshape(tf.nn.max_pool(tf.nn.relu(net), 4, 4, "SAME"), [-1, 36])
        net = tf.nn.xw_plus_b(net, weight(random, "kernel", [36, 10]), weight(random, "bias", [10]))
    return str(tf.multiply(net, weight(random, "temperature", []), "logits").op.name)


def dense(net: Any, number: str, size_in: int, size: int) -> Any:
    """Multiply each step by a matrix."""
    weights = tf.get_variable(f"h{number}", [size_in, size])
    return tf.nn.relu(tf.tensordot(net, weights, 1) + tf.get_variable(f"b{number}", [size]))


def weight(random: Any, name: str, shape: Any, *, trainable: bool = True) -> Any:
    """Make a variable with random values."""
    return tf.get_variable(name, shape, initializer=drawn(random), trainable=trainable)


def drawn(random: Any) -> Any:
    """Give an initializer that draws small numbers."""

    def initialize(shape: Any, dtype: Any = None, **_: Any) -> Any:
        return tf.constant(random.normal(0, 0.1, [int(one) for one in shape]), dtype)

    return initialize


def freeze(build: Any, transform: str = "") -> None:
    """Freeze a network as it is; if a tool transforms it then, tell what the variables were."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        output = build(np.random.RandomState(28))
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [output]
        )
        truth = {one.op.name: session.run(one) for one in tf.global_variables()}
        trainable = {one.op.name for one in tf.trainable_variables()}
    path = FOLDER / f"{build.__name__}.pb"
    if transform:
        frozen = TransformGraph(frozen, ["images"], [output], [transform])
        constants = {node.name for node in frozen.node if node.op == "Const"}
        path = path.with_name(f"{build.__name__}_stripped.pb")
        write_truth(path.with_suffix(".json"), truth, trainable, sorted(constants - set(truth)))
    path.write_bytes(frozen.SerializeToString(deterministic=True))
    print(path.relative_to(ROOT))


def write_truth(path: Path, values: Any, trainable: Any, others: Any) -> None:
    """Write which constants were variables, as `pbckpt inspect --score` reads it."""
    variables = {
        name: {
            "const": name,
            "status": "exact",
            "trainable": name in trainable,
            "sha256": hashlib.sha256(value.tobytes()).hexdigest(),
        }
        for name, value in sorted(values.items())
    }
    truth = {"variables": variables, "consts_not_variables": others}
    path.write_text(json.dumps(truth, indent=1) + "\n", encoding="ascii")


def save_untrained(document: str, needed: str) -> None:
    """Run the first block of a document that needs this TensorFlow."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    blocks = [code for version, code in BLOCK.findall(text) if version.strip() == needed]
    if not blocks:
        return
    namespace: dict[str, Any] = {}
    exec(compile(blocks[0], document, "exec"), namespace)  # noqa: S102 - it is our own document
    if "keras" in blocks[0]:
        # A megabyte of random numbers is of no use here: only the keys are.
        for variable in namespace["model"].variables:
            variable.assign(np.zeros(variable.shape, np.float32))
        namespace["checkpoint"].write("fresh/keras.ckpt")
    meta = Path("fresh/digits.meta")
    if document == "own-code.md" and not needed:
        graph = tf.compat.v1.MetaGraphDef.FromString(meta.read_bytes())
        meta.write_bytes(graph.SerializeToString(deterministic=True))
    print(f"what {document} saves with TensorFlow {needed or '1.15 or 2'}")


def main() -> None:
    """Make what this TensorFlow is to make."""
    (FOLDER / "fresh").mkdir(parents=True, exist_ok=True)
    os.chdir(FOLDER)
    is_first = tf.__version__.startswith("1.")
    if is_first:
        freeze(lenet)
        freeze(speech)
        freeze(digits, "remove_nodes(op=Identity)")
    for document in DOCUMENTS:
        for needed in ("", "1.15") if is_first else ("2",):
            with tf.Graph().as_default() if is_first else tf.init_scope():
                tf.compat.v1.set_random_seed(1)
                save_untrained(document, needed)
    for name in NOT_NEEDED:
        path = FOLDER / "fresh" / name
        if path.exists():
            path.unlink()


if __name__ == "__main__":
    main()
