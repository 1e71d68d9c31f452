"""Make the files that the examples of docs/ start from.

    cd THE ROOT OF THE PROJECT
    PYTHON -m tools.make_workflows        PYTHON has TensorFlow 1.15, then TensorFlow 2

Under TensorFlow 1.15 this freezes the networks `lenet.pb` and `speech.pb`. Under
both it runs the blocks of the documents that save an untrained model, the first
of those that need this TensorFlow, so that the documents' commands can be tested
where there is no TensorFlow. All goes into `tests/golden/workflows`. Seeded: a
second run gives the same bytes.

Runs on Python 3.7, the newest that TensorFlow 1.15 has.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

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


def dense(net: Any, number: str, size_in: int, size: int) -> Any:
    """Multiply each step by a matrix."""
    weights = tf.get_variable(f"h{number}", [size_in, size])
    return tf.nn.relu(tf.tensordot(net, weights, 1) + tf.get_variable(f"b{number}", [size]))


def weight(random: Any, name: str, shape: Any) -> Any:
    """Make a variable with random values."""
    return tf.get_variable(name, shape, initializer=drawn(random))


def drawn(random: Any) -> Any:
    """Give an initializer that draws small numbers."""

    def initialize(shape: Any, dtype: Any = None, **_: Any) -> Any:
        return tf.constant(random.normal(0, 0.1, [int(one) for one in shape]), dtype)

    return initialize


def freeze(build: Any) -> None:
    """Freeze a network as it is."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        output = build(np.random.RandomState(28))
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [output]
        )
    path = FOLDER / f"{build.__name__}.pb"
    path.write_bytes(frozen.SerializeToString(deterministic=True))
    print(path.relative_to(ROOT))


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
