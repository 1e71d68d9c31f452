"""Small networks that recommend, compare, act, detect and look up, in TensorFlow 1."""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types; sizes of layers are just numbers

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tools.zoo.tf1_build import constant, images, network

layers = tf.layers


@network(
    "wide-and-deep",
    "held",
    "partitioned variables, embedding_lookup_sparse, linear sparse weights",
    "saved-model grappler-fold",
)
def wide_and_deep() -> list[str]:
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
    "sub-graph rename-hash training-nodes",
    cut="first_order",
)
def factorization_machine() -> list[str]:
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
    "siamese-pairs",
    "held",
    "one scope reused for two inputs, distance with a learned temperature",
    "tg-merge training-nodes tg-atrous",
)
def siamese_pairs() -> list[str]:
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
    "duelling-agent",
    "held",
    "online and target network of equal values, optimiser and step",
    "sub-graph tg-merge tg-deploy",
    keep="^(eval_net|target_net)",
    cut="eval_net/Value/V",
)
def duelling_agent() -> list[str]:
    """Build the two networks of a duelling agent; the target is a copy of the other."""

    def net(state: Any, scope: str) -> Any:
        start = iter(range(10, 20))

        def variable(name: str, shape: list[int]) -> Any:
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
def anchor_boxes() -> list[str]:
    """Build the head of a single-shot detector."""
    x = tf.placeholder(tf.float32, [1, None, None, 3], "image_tensor")
    x = tf.image.resize_bilinear(x, [16, 16]) * (2.0 / 255.0) - 1.0
    x = layers.conv2d(x, 6, 3, 4, "same", activation=tf.nn.relu6, name="FeatureExtractor/conv")
    with tf.variable_scope("BoxPredictor_0"):
        boxes = layers.conv2d(x, 8, 1, name="BoxEncodingPredictor")
        scores = layers.conv2d(x, 6, 1, name="ClassPredictor")
    boxes = tf.reshape(boxes, tf.stack([tf.shape(boxes)[0], -1, 4]))
    centres = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1).reshape(-1, 2) / 4.0 + 0.125
    anchors = np.concatenate(
        [np.repeat(centres, 2, 0), np.tile([[0.3, 0.3], [0.5, 0.2]], (16, 1))], 1
    )
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
    "saved-model tg-weights fp16-cast",
)
def label_tables() -> list[str]:
    """Build a classifier of words with tables around it."""
    words = tf.placeholder(tf.string, [None], "words")
    names = tf.constant(["cat", "dog", "emu", "fox", "gnu"])
    # By hand: the classes for tables give a random name.
    table = tf.raw_ops.HashTableV2(
        key_dtype=tf.string, value_dtype=tf.int64, shared_name="vocabulary", name="hash_table"
    )
    fill = tf.raw_ops.LookupTableImportV2(
        table_handle=table, keys=names, values=tf.range(5, dtype=tf.int64)
    )
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, fill)
    found = tf.raw_ops.LookupTableFindV2(
        table_handle=table, keys=words, default_value=tf.constant(6, tf.int64, name="unknown")
    )
    found.set_shape([None])
    hashed = tf.string_to_hash_bucket_fast(words, 6)
    w = tf.get_variable("lexicon", [7, 4])
    oov = tf.get_variable("hash_embedding", [6, 4])
    h = tf.nn.embedding_lookup(w, found) + tf.gather(oov, hashed)
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
def quantization_aware() -> list[str]:
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
    "estimator-columns",
    "open",
    "names of a canned estimator, feature columns, parts of one piece",
    "saved-model drop-class",
)
def estimator_columns() -> list[str]:
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
            x = layers.dense(x, units, tf.nn.relu, name=f"hiddenlayer_{number}")
        x = layers.dense(x, 2, name="logits")
    with tf.variable_scope("linear/linear_model", partitioner=parts):
        weights = tf.get_variable("age/weights", [1, 2])
        x += tf.matmul(features["age"], weights) + tf.get_variable("bias_weights", [2])
    return [tf.nn.softmax(x, name="head/predictions/probabilities").op.name]
