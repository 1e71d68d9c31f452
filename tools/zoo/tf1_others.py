"""Small networks of other kinds: recommenders, generators, agents, detectors, Keras, control flow."""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types

from __future__ import annotations

from typing import Any, List

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function

from tools.zoo.tf1_build import network
from tools.zoo.tf1_networks import constant, images

layers = tf.layers
keras = tf.keras


def instance_norm(x: Any, name: str, scale: Any = None, shift: Any = None) -> Any:
    """Normalise each image by itself."""
    with tf.variable_scope(name):
        depth = x.get_shape()[-1]
        mean, var = tf.nn.moments(x, [1, 2], keepdims=True)
        if scale is None:
            scale = tf.get_variable("scale", [depth])
            shift = tf.get_variable("offset", [depth])
        return scale * (x - mean) / tf.sqrt(var + 1e-3) + shift


def prelu(x: Any, name: str) -> Any:
    """Let negative values pass with a learned slope."""
    alphas = tf.get_variable(name, x.get_shape()[-1])
    return tf.nn.relu(x) + alphas * (x - tf.abs(x)) * 0.5


@network(
    "style-transfer",
    "open",
    "instance and group norm, PReLU, blur with a constant filter, style by gather",
    "tg-remove-identity older-deploy import-prefix",
)
def style_transfer() -> List[str]:
    """Build a painter of several styles."""
    x = images(8, 8, 3, "content") / 127.5 - 1.0
    style = tf.placeholder(tf.int32, [], "style_number")
    blur = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16
    blur = tf.constant(np.repeat(blur[:, :, None, None], 3, 2), name="gauss_filter")
    x = tf.nn.depthwise_conv2d(x, blur, [1, 1, 1, 1], "SAME", name="gauss")
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    w = tf.get_variable("enc/filt", [3, 3, 3, 4])
    x = prelu(instance_norm(tf.nn.conv2d(x, w, [1, 1, 1, 1], "VALID"), "enc/in"), "enc/alphas")
    gammas, betas = tf.get_variable("styles/g", [3, 4]), tf.get_variable("styles/b", [3, 4])
    x = instance_norm(x, "cin", tf.gather(gammas, style), tf.gather(betas, style))
    x = tf.contrib.layers.group_norm(x, groups=2, scope="gn")
    w = tf.get_variable("dec/filt", [3, 3, 4, 3])
    x = tf.nn.tanh(tf.nn.conv2d(tf.image.resize_nearest_neighbor(x, [16, 16]), w, 1, "SAME"))
    return [tf.add(x * 127.5, 255.0 / 2, name="painted").op.name]


@network(
    "wide-and-deep",
    "held",
    "partitioned variables, embedding_lookup_sparse, linear sparse weights",
    "saved-model grappler-fold",
)
def wide_and_deep() -> List[str]:
    """Build a recommender with parts of tables."""
    ids = tf.sparse.placeholder(tf.int64, [4, 3], "clicked")
    dense = tf.placeholder(tf.float32, [4, 5], "numbers")
    parts = tf.fixed_size_partitioner(2)
    with tf.variable_scope("wide", partitioner=parts):
        wide = tf.get_variable("linear_weights", [13, 1])
    with tf.variable_scope("deep", partitioner=parts):
        table = tf.get_variable("embedding_weights", [13, 4])
    mean = tf.nn.embedding_lookup_sparse(
        table, ids, None, partition_strategy="div", combiner="mean"
    )
    linear = tf.nn.safe_embedding_lookup_sparse(wide, ids, None, combiner="sum")
    with tf.variable_scope("deep/layer", partitioner=tf.min_max_variable_partitioner(3, 0, 8)):
        w = tf.get_variable("w", [9, 6])
        b = tf.get_variable("b", [6])
    h = tf.nn.relu(tf.matmul(tf.concat([mean, dense], 1), w) + b)
    bias = tf.get_variable("global_bias", [1])
    logit = tf.matmul(h, tf.get_variable("deep/out", [6, 1])) + linear + bias
    return [tf.nn.sigmoid(logit, name="ctr").op.name]


@network(
    "factorization-machine",
    "open",
    "field tables, second order products, scalar bias w0",
    "sub-graph rename-hash",
    cut="first_order",
)
def factorization_machine() -> List[str]:
    """Build a factorisation machine."""
    index = tf.placeholder(tf.int32, [None, 3], "feat_index")
    value = tf.placeholder(tf.float32, [None, 3], "feat_value")
    v = tf.Variable(tf.random_normal([17, 4]), name="feature_embeddings")
    w = tf.Variable(tf.random_uniform([17, 1]), name="feature_bias")
    w0 = tf.Variable(tf.constant(0.01), name="w0")
    values = tf.reshape(value, [-1, 3, 1])
    first = tf.reduce_sum(
        tf.multiply(tf.nn.embedding_lookup(w, index), values), 1, name="first_order"
    )
    e = tf.multiply(tf.nn.embedding_lookup(v, index), values)
    second = 0.5 * (tf.square(tf.reduce_sum(e, 1)) - tf.reduce_sum(tf.square(e), 1))
    concat = tf.Variable(constant(5, 1), name="concat_projection")
    out = tf.add(tf.matmul(tf.concat([first, second], 1), concat), w0)
    return [tf.sigmoid(out, name="click").op.name]


@network(
    "variational-code",
    "open",
    "tied encoder and decoder by transpose, noise, weight normalisation",
    "tg-fold-constants tg-nodes",
)
def variational_code() -> List[str]:
    """Build an autoencoder."""
    x = tf.placeholder(tf.float32, [None, 12], "pixels")
    w = tf.Variable(constant(12, 6), name="enc_w")
    vb, hb = tf.Variable(tf.zeros([12]), name="visible"), tf.Variable(tf.zeros([6]), name="hidden")
    h = tf.nn.softplus(tf.matmul(x, w) + hb)
    with tf.variable_scope("latent"):
        v = tf.get_variable("direction", [6, 4])
        g = tf.get_variable("length", [4])
        mu = tf.matmul(h, g * tf.nn.l2_normalize(v, 0))
        sigma = tf.exp(0.5 * layers.dense(h, 4, name="log_sigma"))
        z = mu + sigma * tf.random_normal(tf.shape(mu), seed=3)
        h = tf.nn.elu(layers.dense(z, 6, name="back"))
    return [tf.nn.sigmoid(tf.matmul(h, tf.transpose(w)) + vb, name="rebuilt").op.name]


@network(
    "siamese-pairs",
    "held",
    "one scope reused for two inputs, distance with a learned temperature",
    "tg-merge training-nodes",
)
def siamese_pairs() -> List[str]:
    """Build twin networks."""

    def tower(x: Any) -> Any:
        with tf.variable_scope("twin", reuse=tf.AUTO_REUSE):
            x = layers.conv2d(x, 4, 3, activation=tf.nn.relu, name="eye")
            x = tf.contrib.layers.fully_connected(tf.contrib.layers.flatten(x), 5, scope="code")
            return tf.nn.l2_normalize(x, 1)

    left, right = tower(images(6, 6, 1, "left")), tower(images(6, 6, 1, "right"))
    temperature = tf.Variable(10.0, name="temperature")
    bias = tf.Variable(-5.0, name="cosine_bias", trainable=False)
    cosine = tf.reduce_sum(left * right, 1)
    return [tf.nn.sigmoid(cosine * temperature + bias, name="same").op.name]


@network(
    "generator",
    "open",
    "deconvolutions and batch norm, discriminator of the same graph left out",
    "sub-graph older-for-inference fp16-cast",
    cut="generator/project/add",
)
def generator() -> List[str]:
    """Build a DCGAN and take its generator."""
    z = tf.placeholder(tf.float32, [4, 6], "z")
    with tf.variable_scope("generator"):
        with tf.variable_scope("project"):
            w = tf.get_variable("Matrix", [6, 64])
            h = tf.add(tf.matmul(z, w), tf.get_variable("bias", [64]), name="add")
        h = tf.reshape(h, [4, 4, 4, 4])
        for number, (size, depth) in enumerate(((8, 4), (16, 1))):
            h = tf.contrib.layers.batch_norm(
                h, scale=True, is_training=False, scope="g_bn%d" % number, updates_collections=None
            )
            with tf.variable_scope("g_h%d" % number):
                w = tf.get_variable("w", [5, 5, depth, 4])
                shape = [4, size, size, depth]
                h = tf.nn.conv2d_transpose(tf.nn.relu(h), w, shape, [1, 2, 2, 1])
                h = tf.reshape(tf.nn.bias_add(h, tf.get_variable("biases", [depth])), shape)
        fake = tf.tanh(h, name="fake")
    with tf.variable_scope("discriminator"):
        layers.dense(layers.flatten(layers.conv2d(fake, 3, 3, 2)), 1, name="d_out")
    return [fake.op.name]


@network(
    "duelling-agent",
    "held",
    "online and target network of equal values, optimiser and step",
    "sub-graph tg-merge tg-deploy",
    keep="^(eval_net|target_net)",
    cut="eval_net/Value/V",
)
def duelling_agent() -> List[str]:
    """Build the two networks of a duelling agent; the target is a copy of the other."""

    def net(state: Any, scope: str) -> Any:
        start = iter(range(10, 20))

        def variable(name: str, shape: List[int]) -> Any:
            value = tf.constant_initializer(constant(*shape, seed=next(start), scale=0.3))
            return tf.get_variable(name, shape, initializer=value)

        with tf.variable_scope(scope):
            with tf.variable_scope("l1"):
                h = tf.nn.relu(tf.matmul(state, variable("w1", [4, 6])) + variable("b1", [1, 6]))
            with tf.variable_scope("Value"):
                v = tf.add(tf.matmul(h, variable("w2", [6, 1])), variable("b2", [1, 1]), name="V")
            with tf.variable_scope("Advantage"):
                a = tf.matmul(h, variable("w2", [6, 3])) + variable("b2", [1, 3])
            return v + (a - tf.reduce_mean(a, axis=1, keep_dims=True))

    s, s2 = tf.placeholder(tf.float32, [None, 4], "s"), tf.placeholder(tf.float32, [None, 4], "s_")
    q, q2 = net(s, "eval_net"), net(s2, "target_net")
    loss = tf.reduce_mean(tf.squared_difference(q, 0.9 * tf.stop_gradient(q2)), name="td_error")
    step = tf.train.get_or_create_global_step()
    tf.train.RMSPropOptimizer(0.001).minimize(
        loss, step, tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "eval_net")
    )
    return [tf.argmax(q, 1, name="action").op.name, loss.op.name]


@network(
    "anchor-boxes",
    "open",
    "detector head: anchors as constants, box decoding, non-maximum suppression",
    "grappler-all tg-eight-bit",
)
def anchor_boxes() -> List[str]:
    """Build the head of a single-shot detector."""
    x = tf.placeholder(tf.float32, [1, None, None, 3], "image_tensor")
    x = tf.image.resize_bilinear(x, [16, 16]) * (2.0 / 255.0) - 1.0
    x = layers.conv2d(x, 6, 3, 4, "same", activation=tf.nn.relu6, name="FeatureExtractor/conv")
    with tf.variable_scope("BoxPredictor_0"):
        boxes = layers.conv2d(x, 8, 1, name="BoxEncodingPredictor")
        scores = layers.conv2d(x, 6, 1, name="ClassPredictor")
    boxes = tf.reshape(boxes, tf.stack([tf.shape(boxes)[0], -1, 4]))
    centres = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1).reshape(-1, 2) / 4.0 + 0.125
    anchors = np.concatenate([np.repeat(centres, 2, 0), np.tile([[0.3, 0.3], [0.5, 0.2]], (16, 1))], 1)
    anchors = tf.constant(anchors.astype(np.float32), name="anchors")
    ya, xa, ha, wa = tf.unstack(tf.transpose(anchors))
    ty, tx, th, tw = tf.unstack(tf.transpose(boxes[0] / [10.0, 10.0, 5.0, 5.0]))
    yc, xc, h, w = ty * ha + ya, tx * wa + xa, tf.exp(th) * ha, tf.exp(tw) * wa
    boxes = tf.stack([yc - h / 2, xc - w / 2, yc + h / 2, xc + w / 2], 1)
    scores = tf.sigmoid(tf.reshape(scores, [-1, 3]))
    picked = tf.image.non_max_suppression(boxes, tf.reduce_max(scores[:, 1:], 1), 5, 0.6)
    boxes = tf.gather(boxes, picked, name="detection_boxes")
    return [boxes.op.name, tf.gather(scores, picked, name="detection_scores").op.name]


@network(
    "label-tables",
    "held",
    "hash tables, class weights and label names as constants, calibration scalars",
    "saved-model tg-weights",
)
def label_tables() -> List[str]:
    """Build a classifier of words with tables around it."""
    words = tf.placeholder(tf.string, [None], "words")
    names = tf.constant(["cat", "dog", "emu", "fox", "gnu"])
    table = tf.contrib.lookup.index_table_from_tensor(names, num_oov_buckets=2)
    hashed = tf.string_to_hash_bucket_fast(words, 6)
    w = tf.get_variable("lexicon", [7, 4])
    oov = tf.get_variable("hash_embedding", [6, 4])
    h = tf.nn.embedding_lookup(w, table.lookup(words)) + tf.gather(oov, hashed)
    prior = tf.constant([0.5, 1.25, 2.0], name="class_weights")
    temperature = tf.get_variable("temperature", [])
    h = layers.dense(h, 3, use_bias=False, name="vote") / temperature
    h = tf.nn.softmax(h) * prior
    label = tf.gather(tf.constant(["no", "perhaps", "yes"], name="label_map"), tf.argmax(h, 1))
    return [tf.identity(h, "weighted").op.name, tf.identity(label, "label").op.name]


@network(
    "quantization-aware",
    "open",
    "contrib.quantize: ranges as variables, fake quantization of weights",
    "tg-strip-sort tg-remove-identity",
)
def quantization_aware() -> List[str]:
    """Build a network that was trained for quantization."""
    x = images(8, 8)
    with tf.contrib.framework.arg_scope(
        [tf.contrib.layers.batch_norm], is_training=False, fused=True, scale=True
    ):
        x = tf.contrib.layers.conv2d(
            x, 4, 3, normalizer_fn=tf.contrib.layers.batch_norm, activation_fn=tf.nn.relu6
        )
        x = tf.contrib.layers.separable_conv2d(
            x, None, 3, 1, normalizer_fn=tf.contrib.layers.batch_norm, activation_fn=tf.nn.relu6
        )
    x = tf.reduce_mean(x, [1, 2])
    x = tf.contrib.layers.fully_connected(x, 3, activation_fn=None)
    out = tf.identity(x, "logits")
    tf.contrib.quantize.create_eval_graph()
    return [out.op.name]


@network(
    "keras-functional",
    "held",
    "Keras in TensorFlow 1: resource variables, separable convolutions, batch norm",
    "saved-model tg-deploy rename-hash",
)
def keras_functional() -> List[str]:
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
def keras_recurrent() -> List[str]:
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
    "estimator-columns",
    "open",
    "names of a canned estimator, feature columns, parts of one piece",
    "saved-model drop-class",
)
def estimator_columns() -> List[str]:
    """Build a classifier as tf.estimator names it."""
    column = tf.feature_column
    features = {
        "age": tf.placeholder(tf.float32, [None, 1], "age"),
        "job": tf.placeholder(tf.int64, [None, 1], "job"),
    }
    jobs = column.categorical_column_with_identity("job", 6)
    ages = column.bucketized_column(column.numeric_column("age"), [18.0, 30.0, 65.0])
    parts = tf.fixed_size_partitioner(1)
    with tf.variable_scope("dnn", partitioner=parts):
        with tf.variable_scope("input_from_feature_columns"):
            x = column.input_layer(features, [column.embedding_column(jobs, 3), ages])
        for number, units in enumerate((6, 4)):
            x = layers.dense(x, units, tf.nn.relu, name="hiddenlayer_%d" % number)
        x = layers.dense(x, 2, name="logits")
    with tf.variable_scope("linear/linear_model", partitioner=parts):
        weights = tf.get_variable("age/weights", [1, 2])
        x += tf.matmul(features["age"], weights) + tf.get_variable("bias_weights", [2])
    return [tf.nn.softmax(x, name="head/predictions/probabilities").op.name]


@network(
    "odd-names",
    "held",
    "variables called read, Const, weights_, kernel_1, x/read, a.b-c",
    "tg-remove-identity grappler-fold import-prefix",
)
def odd_names() -> List[str]:
    """Build a network whose names mislead."""
    x = tf.placeholder(tf.float32, [None, 6], "kernel")
    shift = tf.constant(constant(6), name="bias")
    x = x + tf.identity(shift, name="bias/read")
    names = ("read", "Const", "weights_", "kernel_1", "x/read", "a.b-c", "shape", "axis", "_".join("qp"))
    for number, name in enumerate(names):
        v = tf.Variable(constant(6, 6, seed=number), name=name, trainable=number % 4 != 3)
        x = tf.tanh(tf.matmul(x, v) + tf.constant(0.01 * number, name="gamma"))
    twice = tf.get_variable("ReadVariableOp", [6], use_resource=True)
    x = x * twice + tf.matmul(x, tf.constant(constant(6, 6, seed=31), name="rotation/weights"))
    return [tf.reduce_sum(x * twice, 1, name="moving_mean").op.name]


@network(
    "number-types",
    "open",
    "variables of double, half, bfloat16, integers and bool",
    "saved-model tg-remove-identity grappler-fold",
)
def number_types() -> List[str]:
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
    "loops-and-branches",
    "held",
    "while_loop, cond and case around variables of both kinds, TensorArray",
    "tg-remove-identity grappler-all",
)
def loops_and_branches() -> List[str]:
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
def refrozen() -> List[str]:
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
    (features,) = tf.import_graph_def(
        first, {"given": x}, ["features:0"], name="backbone"
    )
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
def functions() -> List[str]:
    """Build with functions of a library."""

    @function.Defun(tf.float32, tf.float32, func_name="gated_layer")
    def gated_layer(x: Any, w: Any) -> Any:
        mix = tf.constant(constant(4, 4, seed=51), name="mix")
        return tf.sigmoid(tf.matmul(x, mix)) * tf.matmul(x, w) + tf.constant(0.125, name="bias")

    @function.Defun(tf.float32, func_name="swish")
    def swish(x: Any) -> Any:
        return x * tf.sigmoid(x * tf.constant(1.702, name="beta"))

    x = tf.placeholder(tf.float32, [None, 4], "left")
    for number in range(2):
        x = swish(gated_layer(x, tf.get_variable("gate_%d/w" % number, [4, 4])))
    x.set_shape([None, 4])
    x = tf.matmul(x, tf.get_variable("last/w", [4, 2], use_resource=True))
    return [tf.identity(x, "right").op.name]


@network(
    "untrained",
    "open",
    "initial values on purpose: zeros and ones, many variables equal",
    "tg-merge rename-hash",
    keep=".",
)
def untrained() -> List[str]:
    """Build a network that was frozen before any training."""
    x = images(6, 6, 2)
    for number in range(2):
        x = layers.conv2d(x, 3, 3, padding="same", name="c%d" % number)
        x = tf.nn.relu(layers.batch_normalization(x, name="n%d" % number))
    x = layers.dense(layers.flatten(x), 3, kernel_initializer=tf.zeros_initializer(), name="top")
    return [tf.add(x, tf.zeros([3]), name="logits").op.name]
