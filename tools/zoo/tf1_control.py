"""Small networks with loops, functions, Keras, odd names and types, in TensorFlow 1."""

# ruff: noqa: ANN401, PLR2004 - TensorFlow 1.15 has no types; sizes of layers are just numbers

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function
from tensorflow.python.ops import control_flow_util

from tools.zoo.tf1_build import constant, images, network

layers = tf.layers
keras = tf.keras


@network(
    "loops-and-branches",
    "held",
    "while_loop, cond and case around variables of both kinds, TensorArray",
    "tg-remove-identity grappler-all",
)
def loops_and_branches() -> list[str]:
    """Build loops that use variables inside, and branches."""
    x = tf.placeholder(tf.float32, [2, 4], "start")
    steps = tf.placeholder(tf.int32, [], "steps")
    w = tf.get_variable("inside/w", [4, 4])
    r = tf.get_variable("inside/r", [4], use_resource=True)
    fixed = tf.constant(constant(4, 4, seed=8), name="inside/fixed")

    def body(i: Any, state: Any) -> Any:
        state = tf.tanh(tf.matmul(state, w) + tf.matmul(state, fixed) * 0.1 + r)
        return i + 1, state

    _count, x = tf.while_loop(lambda i, _s: i < steps, body, [0, x])
    a, b = tf.get_variable("left/scale", [4]), tf.get_variable("right/scale", [], use_resource=True)
    x = tf.cond(steps > 3, lambda: x * a, lambda: x * b - 1.5)
    third = tf.Variable(constant(4, 2, seed=9), name="third")
    x = tf.case(
        [(steps < 1, lambda: tf.matmul(x, third)), (steps < 2, lambda: x[:, :2] + 0.25)],
        default=lambda: tf.zeros([2, 2]),
    )
    mapped = tf.map_fn(lambda row: row * tf.get_variable("per_row", [2]), x)
    return [tf.identity(mapped, "finished").op.name]


@network(
    "refrozen",
    "open",
    "a frozen graph imported under a prefix, a new head trained on it, frozen again",
    "freeze-graph tg-remove-identity",
    first="backbone/base/weights backbone/base/biases",
)
def refrozen() -> list[str]:
    """Build a head on a frozen network; what was frozen first is constants now."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 7], "given")
        w = tf.Variable(constant(7, 5, seed=41), name="base/weights")
        b = tf.Variable(constant(5, seed=42), name="base/biases")
        tf.nn.relu(tf.matmul(x, w) + b, name="features")
        session.run(tf.global_variables_initializer())
        graph = tf.get_default_graph().as_graph_def()
        first = tf.graph_util.convert_variables_to_constants(session, graph, ["features"])
    x = tf.placeholder(tf.float32, [None, 7], "fresh")
    (features,) = tf.import_graph_def(first, {"given": x}, ["features:0"], name="backbone")
    features = tf.stop_gradient(features)
    with tf.variable_scope("new_head"):
        w, b = tf.get_variable("weights", [5, 3]), tf.get_variable("biases", [3])
    return [tf.nn.softmax(tf.matmul(features, w) + b, name="retrained").op.name]


@network(
    "functions",
    "held",
    "Defun with constants of its own, variables given as arguments",
    "tg-strip-sort drop-class",
)
def functions() -> list[str]:
    """Build with functions of a library."""

    @function.Defun(tf.float32, tf.float32, func_name="gated_layer")  # type: ignore[untyped-decorator]
    def gated_layer(x: Any, w: Any) -> Any:
        mix = tf.constant(constant(4, 4, seed=51), name="mix")
        return tf.sigmoid(tf.matmul(x, mix)) * tf.matmul(x, w) + tf.constant(0.125, name="bias")

    @function.Defun(tf.float32, func_name="swish")  # type: ignore[untyped-decorator]
    def swish(x: Any) -> Any:
        return x * tf.sigmoid(x * tf.constant(1.702, name="beta"))

    x = tf.placeholder(tf.float32, [None, 4], "left")
    for number in range(2):
        x = swish(gated_layer(x, tf.get_variable(f"gate_{number}/w", [4, 4])))
    x.set_shape([None, 4])
    x = tf.matmul(x, tf.get_variable("last/w", [4, 2], use_resource=True))
    return [tf.identity(x, "right").op.name]


@network(
    "functional-control",
    "open",
    "While and If with bodies in the library, variables and constants captured",
    "tg-remove-identity typed-fields import-prefix",
)
def functional_control() -> list[str]:
    """Build loops and branches as functions."""
    control_flow_util.ENABLE_CONTROL_FLOW_V2 = True
    try:
        x = tf.placeholder(tf.float32, [2, 4], "begin")
        w = tf.get_variable("loop_weights", [4, 4])
        b = tf.get_variable("loop_bias", [4])
        mix = tf.constant(constant(4, 4, seed=61), name="mix")

        def body(i: Any, state: Any) -> Any:
            inner = tf.constant(constant(4, seed=62), name="inner")
            return i + 1, tf.tanh(tf.matmul(state, w) + tf.matmul(state, mix) + b * inner)

        _count, x = tf.while_loop(lambda i, _s: i < 3, body, [0, x])
        a, c = tf.get_variable("yes/scale", [4]), tf.get_variable("no/shift", [4])
        x = tf.cond(tf.reduce_sum(x) > 0, lambda: x * a, lambda: (x - c) * 0.75)
        return [tf.identity(x, "end").op.name]
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = False


@network(
    "untrained",
    "open",
    "initial values on purpose: zeros and ones, many variables equal",
    "tg-merge rename-hash",
    keep=".",
)
def untrained() -> list[str]:
    """Build a network that was frozen before any training."""
    x = images(6, 6, 2)
    for number in range(2):
        x = layers.conv2d(x, 3, 3, padding="same", name=f"c{number}")
        x = tf.nn.relu(layers.batch_normalization(x, name=f"n{number}"))
    x = layers.dense(layers.flatten(x), 3, kernel_initializer=tf.zeros_initializer(), name="top")
    return [tf.add(x, tf.zeros([3]), name="logits").op.name]


@network(
    "keras-functional",
    "held",
    "Keras in TensorFlow 1: resource variables, separable convolutions, batch norm",
    "saved-model tg-deploy rename-hash",
)
def keras_functional() -> list[str]:
    """Build a functional Keras model."""
    keras.backend.set_learning_phase(0)
    keras.backend.set_session(tf.get_default_session())
    start = keras.Input((8, 8, 2), name="photo")
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(start)
    x = keras.layers.BatchNormalization()(x)
    y = keras.layers.SeparableConv2D(4, 3, padding="same")(keras.layers.PReLU()(x))
    y = keras.layers.BatchNormalization(scale=False)(y)
    x = keras.layers.add([x, y])
    x = keras.layers.Conv2DTranspose(3, 2, strides=2)(x)
    x = keras.layers.LeakyReLU()(keras.layers.DepthwiseConv2D(3)(x))
    x = keras.layers.Dense(5, activation="softmax", name="probs")(
        keras.layers.GlobalAveragePooling2D()(x)
    )
    return [keras.Model(start, x).outputs[0].op.name]


@network(
    "keras-recurrent",
    "open",
    "Keras Sequential: embedding (ResourceGather), LSTM, GRU, time distributed",
    "tg-remove-identity grappler-fold",
)
def keras_recurrent() -> list[str]:
    """Build a sequential Keras model."""
    keras.backend.set_learning_phase(0)
    model = keras.Sequential(
        [
            keras.layers.Embedding(11, 4, input_length=2, name="lookup"),
            keras.layers.LSTM(3, return_sequences=True),
            keras.layers.GRU(4, return_sequences=True, reset_after=True, unroll=True),
            keras.layers.TimeDistributed(keras.layers.Dense(2)),
            keras.layers.Conv1D(3, 2, name="tail"),
        ],
        name="reader",
    )
    return [model.outputs[0].op.name]


@network(
    "number-types",
    "open",
    "variables of double, half, bfloat16, integers and bool",
    "saved-model tg-remove-identity grappler-fold",
)
def number_types() -> list[str]:
    """Build with many types."""
    x = tf.placeholder(tf.float64, [None, 5], "doubles")
    x = tf.matmul(x, tf.get_variable("w64", [5, 4], tf.float64))
    picks = tf.Variable([[2], [0], [3]], name="picks", trainable=False)
    x = tf.transpose(tf.gather_nd(tf.transpose(x), picks))
    x = tf.where(tf.Variable([True, True, False], name="mask"), tf.transpose(x), -tf.transpose(x))
    x = tf.cast(tf.transpose(x), tf.float16)
    x = tf.matmul(x, tf.get_variable("w16", [3, 4], tf.float16, tf.zeros_initializer()))
    x = x + tf.get_variable("b16", [4], tf.float16, tf.zeros_initializer(), use_resource=True)
    brain = tf.cast(tf.get_variable("wb", [4, 3], tf.bfloat16, tf.zeros_initializer()), tf.float32)
    x = tf.matmul(tf.cast(x, tf.float32), brain)
    counts = tf.Variable(np.array([9, 5, 7], np.int64), name="seen", trainable=False)
    bytes8 = tf.Variable(np.array([[3, -4, 5]], np.int8), name="steps8", trainable=False)
    unsigned = tf.Variable(np.array([200, 1, 17], np.uint8), name="palette", trainable=False)
    x = x / tf.cast(counts, tf.float32) + tf.cast(bytes8, tf.float32) * 0.5
    return [tf.identity(x + tf.cast(unsigned, tf.float32), "mixed").op.name]


@network(
    "odd-names",
    "held",
    "variables called read, Const, weights_, kernel_1, x/read, a.b-c",
    "tg-remove-identity grappler-fold import-prefix",
)
def odd_names() -> list[str]:
    """Build a network whose names mislead."""
    x = tf.placeholder(tf.float32, [None, 6], "kernel")
    shift = tf.constant(constant(6), name="bias")
    x = x + tf.identity(shift, name="bias/read")
    names = (
        "read",
        "Const",
        "weights_",
        "kernel_1",
        "x/read",
        "a.b-c",
        "shape",
        "axis",
        "_".join("qp"),
    )
    for number, name in enumerate(names):
        v = tf.Variable(constant(6, 6, seed=number), name=name, trainable=number % 4 != 3)
        x = tf.tanh(tf.matmul(x, v) + tf.constant(0.01 * number, name="gamma"))
    twice = tf.get_variable("ReadVariableOp", [6], use_resource=True)
    x = x * twice + tf.matmul(x, tf.constant(constant(6, 6, seed=31), name="rotation/weights"))
    return [tf.reduce_sum(x * twice, 1, name="moving_mean").op.name]
