"""Small networks that classify images, in the ways that people wrote them for TensorFlow 1."""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types; sizes of layers are just numbers

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tools.zoo.tf1_build import constant, images, network

layers = tf.layers
slim = tf.contrib.slim


@network(
    "mlp-unnamed",
    "open",
    "tf.Variable without names: Variable, Variable_1, ...",
    "freeze-graph tg-remove-identity grappler-all",
)
def mlp_unnamed() -> list[str]:
    """Build a perceptron as the first tutorials did."""
    x = tf.placeholder(tf.float32, [None, 12])
    keep = tf.placeholder_with_default(1.0, [])
    for size in ((12, 9), (9, 7)):
        w = tf.Variable(tf.truncated_normal(size, stddev=0.1))
        b = tf.Variable(tf.constant(0.1, shape=[size[1]]))
        x = tf.nn.relu(tf.matmul(x, w) + b)
    x = tf.nn.dropout(x, keep)
    w = tf.Variable(tf.truncated_normal([7, 4], stddev=0.1))
    b = tf.Variable(tf.constant(0.1, shape=[4]))
    return [tf.nn.softmax(tf.matmul(x, w) + b, name="final").op.name]


@network(
    "softmax-dictionary",
    "held",
    "raw variables in dictionaries, names W1, out_b",
    "whitelist fp16-cast tg-obfuscate drop-class",
)
def softmax_dictionary() -> list[str]:
    """Build a perceptron with weights in dictionaries."""
    x = tf.placeholder(tf.float32, [None, 10], "X")
    mean = tf.constant(constant(10), name="data_mean")
    scale = tf.constant(np.abs(constant(10, seed=6)) + 1, name="data_std")
    weights = {
        "h1": tf.Variable(tf.random_normal([10, 8]), name="W1"),
        "h2": tf.Variable(tf.random_normal([8, 8]), name="W2"),
        "out": tf.Variable(tf.random_normal([8, 3]), name="out_W"),
    }
    biases = {
        "b1": tf.Variable(tf.random_normal([8]), name="b1"),
        "b2": tf.Variable(tf.random_normal([8]), name="b2"),
        "out": tf.Variable(tf.random_normal([3]), name="out_b"),
    }
    h = tf.nn.sigmoid(tf.add(tf.matmul((x - mean) / scale, weights["h1"]), biases["b1"]))
    h = tf.nn.tanh(tf.nn.xw_plus_b(h, weights["h2"], biases["b2"]))
    h = tf.check_numerics(h, "hidden")
    return [tf.add(tf.matmul(h, weights["out"]), biases["out"], name="pred").op.name]


@network(
    "alexnet-groups",
    "open",
    "local response norm, grouped convolution by splits of the kernel",
    "tg-atrous for-inference tg-weights",
)
def alexnet_groups() -> list[str]:
    """Build the head of AlexNet as the well-known port of its weights."""

    def conv(x: Any, kernel: Any, bias: Any, stride: int, group: int) -> Any:
        def step(i: Any, k: Any) -> Any:
            return tf.nn.conv2d(i, k, [1, stride, stride, 1], padding="SAME")

        if group == 1:
            out = step(x, kernel)
        else:
            parts = zip(tf.split(x, group, 3), tf.split(kernel, group, 3))
            out = tf.concat([step(i, k) for i, k in parts], 3)
        return tf.reshape(tf.nn.bias_add(out, bias), [-1, *out.get_shape().as_list()[1:]])

    x = images(17, 17, 3, "x")
    w1, b1 = tf.Variable(constant(5, 5, 3, 8), name="conv1W"), tf.Variable(constant(8), name="c1b")
    x = tf.nn.relu(conv(x, w1, b1, 2, 1))
    x = tf.nn.local_response_normalization(x, 2, alpha=2e-05, beta=0.75, bias=1.0)
    x = tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "VALID")
    w2, b2 = tf.Variable(constant(3, 3, 4, 12), name="conv2W"), tf.Variable(constant(12))
    x = tf.nn.relu(conv(x, w2, b2, 1, 2))
    w6, b6 = tf.Variable(constant(192, 6), name="fc6W"), tf.Variable(constant(6), name="fc6b")
    x = tf.nn.relu_layer(tf.reshape(x, [-1, int(np.prod(x.get_shape()[1:]))]), w6, b6)
    return [tf.nn.softmax(x).op.name]


@network(
    "vgg-parameters",
    "held",
    "name scopes with weights and biases, mean of the images subtracted",
    "freeze-graph tg-round tg-nodes",
)
def vgg_parameters() -> list[str]:
    """Build a VGG as the port of the Caffe model did."""
    x = images(8, 8)
    with tf.name_scope("preprocess"):
        mean = tf.constant(
            [123.68, 116.779, 103.939], dtype=tf.float32, shape=[1, 1, 1, 3], name="img_mean"
        )
        x = x - mean
    depth = 3
    for block, width in ((1, 4), (2, 6)):
        for layer in (1, 2):
            with tf.name_scope(f"conv{block}_{layer}"):
                kernel = tf.Variable(
                    tf.truncated_normal([3, 3, depth, width], stddev=1e-1), name="weights"
                )
                biases = tf.Variable(tf.constant(0.0, shape=[width]), name="biases")
                conv = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], padding="SAME")
                x = tf.nn.relu(tf.nn.bias_add(conv, biases), name="act")
                depth = width
        x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name=f"pool{block}")
    with tf.name_scope("fc1"):
        size = int(np.prod(x.get_shape()[1:]))
        w = tf.Variable(tf.truncated_normal([size, 7]), name="weights")
        b = tf.Variable(tf.constant(1.0, shape=[7]), trainable=False, name="biases")
        x = tf.nn.relu(tf.nn.bias_add(tf.matmul(tf.reshape(x, [-1, size]), w), b))
    return [x.op.name]


@network(
    "resnet-bottleneck",
    "open",
    "slim, fused batch norm with scale, bottleneck blocks",
    "older-deploy import-prefix tg-fold-old-bn",
)
def resnet_bottleneck() -> list[str]:
    """Build two bottleneck blocks with slim."""
    x = images(12, 12, 3, "input")
    norm = {"scale": True, "is_training": False, "epsilon": 1e-5}
    with slim.arg_scope(
        [slim.conv2d], normalizer_fn=slim.batch_norm, normalizer_params=norm
    ), tf.variable_scope("resnet_v1_8"):
        x = slim.conv2d(x, 6, 3, stride=2, scope="conv1")
        for unit in (1, 2):
            with tf.variable_scope(f"block1/unit_{unit}/bottleneck_v1"):
                shortcut = slim.conv2d(x, 8, 1, activation_fn=None, scope="shortcut")
                y = slim.conv2d(x, 4, 1, scope="conv1")
                y = slim.conv2d(y, 4, 3, scope="conv2")
                y = slim.conv2d(y, 8, 1, activation_fn=None, scope="conv3")
                x = tf.nn.relu(shortcut + y)
        x = tf.reduce_mean(x, [1, 2], name="pool5", keepdims=True)
        x = slim.conv2d(x, 5, 1, activation_fn=None, normalizer_fn=None, scope="logits")
    return [tf.squeeze(x, [1, 2], name="predictions").op.name]


@network(
    "resnet-preactivation",
    "held",
    "tf.layers, batch norm behind a cond on is_training, explicit padding",
    "tg-fold-constants rename-flat",
)
def resnet_preactivation() -> list[str]:
    """Build a pre-activation residual block as the official models."""
    x = images(9, 9)
    training = tf.placeholder_with_default(input=False, shape=[], name="is_training")

    def norm(x: Any) -> Any:
        return tf.nn.relu(
            layers.batch_normalization(x, momentum=0.9, epsilon=1e-5, training=training)
        )

    def conv(x: Any, depth: int, size: int, stride: int) -> Any:
        if stride > 1:
            total = size - 1
            low = total // 2
            x = tf.pad(x, [[0, 0], [low, total - low], [low, total - low], [0, 0]])
        return layers.conv2d(
            x, depth, size, stride, "valid" if stride > 1 else "same", use_bias=False
        )

    with tf.variable_scope("resnet_model"):
        x = conv(x, 4, 3, 1)
        for depth, stride in ((4, 1), (6, 2)):
            y = norm(x)
            short = conv(y, depth, 1, stride)
            y = conv(y, depth, 3, stride)
            x = conv(norm(y), depth, 3, 1) + short
        x = tf.reduce_mean(norm(x), [1, 2])
        x = layers.dense(x, 4)
    return [tf.identity(x, "final_dense").op.name]


@network(
    "inception-block",
    "held",
    "slim, batch norm without scale (gamma is a plain constant), concat of branches",
    "tg-fold-old-bn tg-obfuscate older-deploy",
)
def inception_block() -> list[str]:
    """Build one inception block."""
    x = images(10, 10, 4)
    with slim.arg_scope(
        [slim.conv2d],
        normalizer_fn=slim.batch_norm,
        normalizer_params={"is_training": False, "decay": 0.9997},
    ), tf.variable_scope("InceptionV1/Mixed_3b"):
        with tf.variable_scope("Branch_0"):
            a = slim.conv2d(x, 3, [1, 1], scope="Conv2d_0a_1x1")
        with tf.variable_scope("Branch_1"):
            b = slim.conv2d(x, 2, [1, 1], scope="Conv2d_0a_1x1")
            b = slim.conv2d(b, 4, [1, 7], scope="Conv2d_0b_1x7")
            b = slim.conv2d(b, 4, [7, 1], scope="Conv2d_0c_7x1")
        with tf.variable_scope("Branch_2"):
            c = slim.avg_pool2d(x, [3, 3], stride=1, padding="SAME", scope="AvgPool_0a_3x3")
            c = slim.conv2d(c, 3, [1, 1], scope="Conv2d_0b_1x1")
        x = tf.concat([a, b, c], 3)
    return [tf.nn.sigmoid(slim.flatten(x)).op.name]


@network(
    "mobilenet-separable",
    "open",
    "slim separable convolutions, depthwise_weights, relu6",
    "tg-fold-old-bn tg-eight-bit tg-nodes",
)
def mobilenet_separable() -> list[str]:
    """Build separable convolutions as MobileNet v1."""
    x = images(12, 12)
    norm = {"is_training": False, "center": True, "scale": True}
    with tf.variable_scope("MobilenetV1"), slim.arg_scope(
        [slim.conv2d, slim.separable_conv2d],
        normalizer_fn=slim.batch_norm,
        normalizer_params=norm,
        activation_fn=tf.nn.relu6,
    ):
        x = slim.conv2d(x, 6, 3, stride=2, scope="Conv2d_0")
        for number, depth in ((1, 8), (2, 10)):
            x = slim.separable_conv2d(
                x, None, 3, depth_multiplier=1, scope=f"Conv2d_{number}_depthwise"
            )
            x = slim.conv2d(x, depth, 1, scope=f"Conv2d_{number}_pointwise")
        x = slim.avg_pool2d(x, x.get_shape()[1:3])
        x = slim.conv2d(
            x, 4, 1, activation_fn=None, normalizer_fn=None, scope="Logits/Conv2d_1c_1x1"
        )
    return [tf.squeeze(x, [1, 2]).op.name]


@network(
    "inverted-residual",
    "held",
    "raw get_variable, tf.nn.batch_normalization with and without scale, depthwise_conv2d",
    "tg-deploy grappler-remap tg-fold-bn",
)
def inverted_residual() -> list[str]:
    """Build inverted residuals with batch norms of own make."""

    def norm(x: Any, *, scale: bool) -> Any:
        depth = x.get_shape()[-1]
        with tf.variable_scope("norm"):
            mean = tf.get_variable("pop_mean", [depth], trainable=False)
            var = tf.get_variable("pop_var", [depth], trainable=False)
            shift = tf.get_variable("shift", [depth])
            factor = tf.get_variable("factor", [depth]) if scale else None
            return tf.nn.batch_normalization(x, mean, var, shift, factor, 1e-3)

    x = images(8, 8, 4, "frame")
    for block in range(2):
        with tf.variable_scope(f"bottleneck_{block}"):
            with tf.variable_scope("expand"):
                kernel = tf.get_variable("w", [1, 1, 4, 8])
                y = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")
                y = tf.nn.relu6(norm(y, scale=block == 0))
            with tf.variable_scope("dw"):
                kernel = tf.get_variable("dw_filter", [3, 3, 8, 1])
                y = tf.nn.depthwise_conv2d(y, kernel, [1, 1, 1, 1], "SAME")
                y = tf.nn.relu6(norm(y, scale=True))
            with tf.variable_scope("project"):
                kernel = tf.get_variable("w", [1, 1, 8, 4])
                y = norm(tf.nn.conv2d(y, kernel, [1, 1, 1, 1], "SAME"), scale=False)
            x = x + y
    w = tf.get_variable("head", [4, 3])
    return [tf.matmul(tf.reduce_mean(x, [1, 2]), w, name="scores").op.name]


@network(
    "dense-connections",
    "open",
    "tf.layers, batch norm before the convolution, concat growth",
    "blacklist tg-fold-bn grappler-remap",
)
def dense_connections() -> list[str]:
    """Build a dense block and a transition."""
    x = layers.conv2d(images(8, 8, 2), 4, 3, padding="same", name="stem", use_bias=False)
    for number in range(2):
        with tf.variable_scope(f"dense_block/layer_{number}"):
            y = layers.batch_normalization(x, fused=number == 0, name="bn")
            y = layers.conv2d(tf.nn.relu(y), 3, 3, padding="same", use_bias=False, name="conv")
            x = tf.concat([x, y], axis=-1)
    with tf.variable_scope("transition"):
        x = layers.batch_normalization(x, name="bn", renorm=False, scale=False)
        x = layers.conv2d(x, 4, 1, activation=tf.nn.elu, name="conv")
        x = layers.average_pooling2d(x, 2, 2)
    x = layers.dense(layers.flatten(x), 3, name="classifier")
    return [tf.nn.log_softmax(x, name="log_probabilities").op.name]


@network(
    "fire-modules",
    "held",
    "NCHW data, fire modules, names w and b",
    "tg-strip-sort typed-fields",
)
def fire_modules() -> list[str]:
    """Build fire modules; the data format is that of a GPU."""

    def conv(x: Any, name: str, size: int, depth: int) -> Any:
        with tf.variable_scope(name):
            w = tf.get_variable("w", [size, size, int(x.get_shape()[1]), depth])
            b = tf.get_variable("b", [depth])
            y = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME", data_format="NCHW")
            return tf.nn.relu(tf.nn.bias_add(y, b, data_format="NCHW"))

    x = tf.transpose(images(7, 7), [0, 3, 1, 2])
    for fire in ("fire2", "fire3"):
        with tf.variable_scope(fire):
            s = conv(x, "squeeze1x1", 1, 3)
            x = tf.concat([conv(s, "expand1x1", 1, 4), conv(s, "expand3x3", 3, 4)], 1)
    x = tf.transpose(conv(x, "conv10", 1, 5), [0, 2, 3, 1])
    return [tf.reduce_mean(x, [1, 2], name="gap").op.name]
