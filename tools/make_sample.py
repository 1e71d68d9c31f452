"""Make the bundled sample: a frozen graph of a small network that reads digits.

    PYTHON tools/make_sample.py        PYTHON has TensorFlow 1.15

Two convolutions with batch norm and two dense layers, trained for a few steps
on digits drawn here, so that the moving statistics of the batch norms are not
the ones they start with. Seeded, on one thread: a second run gives the same
bytes. Writes the graph into the package; its truth, and the index of the
checkpoint that it was frozen from, into the tests.

Runs on Python 3.7, the newest that TensorFlow 1.15 has.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

ROOT = Path(__file__).resolve().parent.parent
GRAPH = ROOT / "pbckpt" / "sample" / "frozen_digits.pb"
TRUTH = ROOT / "tests" / "golden" / "sample_truth.json"
CHECKPOINT = ROOT / "tests" / "golden" / "sample" / "model.ckpt"

SEED = 20
STEPS = 60
BATCH = 32
# Which of the seven strokes of a digital clock each digit lights.
STROKES = ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg")
STROKE_PLACES = {
    "a": (4, 8, 3, 12),
    "b": (4, 18, 10, 3),
    "c": (14, 18, 10, 3),
    "d": (21, 8, 3, 12),
    "e": (14, 7, 10, 3),
    "f": (4, 7, 10, 3),
    "g": (12, 8, 3, 12),
}


def draw_digit(digit: int, random: Any) -> Any:
    """Draw a digit as a clock shows it, moved a little, with noise."""
    image = random.normal(0, 0.1, (28, 28))
    down, right = random.randint(-2, 3, 2)
    for stroke in STROKES[digit]:
        top, left, height, width = STROKE_PLACES[stroke]
        image[top + down : top + down + height, left + right : left + right + width] += 1
    return image[:, :, None].astype(np.float32)


def build_network(images: Any, training: Any) -> Any:
    """Build the layers and return the logits."""
    layers = tf.layers
    net = images
    for number, filters in enumerate((16, 32), start=1):
        net = layers.conv2d(net, filters, 3, padding="same", use_bias=False, name=f"conv{number}")
        net = layers.batch_normalization(
            net, training=training, momentum=0.9, fused=True, name=f"bn{number}"
        )
        net = layers.max_pooling2d(tf.nn.relu(net), 2, 2, name=f"pool{number}")
    net = layers.flatten(net, name="flatten")
    net = layers.dense(net, 160, activation=tf.nn.relu, name="hidden")
    return layers.dense(net, 10, name="digits")


def train() -> str:
    """Train for a few steps and save a checkpoint; return its prefix."""
    random = np.random.RandomState(SEED)
    with tf.Graph().as_default(), one_thread() as session:
        tf.set_random_seed(SEED)
        images = tf.placeholder(tf.float32, [None, 28, 28, 1], name="images")
        labels = tf.placeholder(tf.int32, [None])
        logits = build_network(images, training=True)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            step = tf.train.GradientDescentOptimizer(0.05).minimize(loss)
        session.run(tf.global_variables_initializer())
        value = float("nan")
        for _ in range(STEPS):
            digits = random.randint(0, 10, BATCH)
            drawn = np.stack([draw_digit(digit, random) for digit in digits])
            _, value = session.run([step, loss], {images: drawn, labels: digits})
        print(f"loss after {STEPS} steps: {value:.4f}")
        CHECKPOINT.parent.mkdir(parents=True, exist_ok=True)
        saver = tf.train.Saver(tf.global_variables())
        return str(saver.save(session, str(CHECKPOINT), write_meta_graph=False))


def freeze(prefix: str) -> Any:
    """Build the network for use, restore it, and freeze it; return graph and truth."""
    with tf.Graph().as_default() as graph, one_thread() as session:
        images = tf.placeholder(tf.float32, [None, 28, 28, 1], name="images")
        tf.nn.softmax(build_network(images, training=False), name="probabilities")
        tf.train.Saver().restore(session, prefix)
        frozen = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), ["probabilities"]
        )
        trainable = {variable.op.name for variable in tf.trainable_variables()}
        truth = {
            variable.op.name: describe(session.run(variable), variable.op.name in trainable)
            for variable in tf.global_variables()
        }
    return frozen, truth


def describe(value: Any, trainable: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact, not a switch
    """Return what a conversion must find of one variable."""
    return {
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "trainable": trainable,
        "sha256": hashlib.sha256(value.tobytes()).hexdigest(),
    }


def one_thread() -> Any:
    """Return a session in which sums are added up in one order."""
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    return tf.Session(config=config)


def main() -> None:
    """Make the sample and its truth."""
    frozen, truth = freeze(train())
    GRAPH.parent.mkdir(parents=True, exist_ok=True)
    GRAPH.write_bytes(frozen.SerializeToString(deterministic=True))
    text = json.dumps(truth, indent=1, sort_keys=True) + "\n"
    TRUTH.write_text(text, encoding="ascii")
    # The index has the CRCs of all tensors: it stands for the data, which the graph has.
    for name in ("checkpoint", "model.ckpt.data-00000-of-00001"):
        (CHECKPOINT.parent / name).unlink()
    print(f"{GRAPH.name}: {GRAPH.stat().st_size} bytes, {len(truth)} variables")


if __name__ == "__main__":
    main()
