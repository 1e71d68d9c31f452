"""Small networks that make images and volumes, in the ways of TensorFlow 1."""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types; sizes of layers are just numbers

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tools.zoo.tf1_build import constant, images, network

layers = tf.layers


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
    "unet",
    "open",
    "transposed convolutions with shape arithmetic, skips by concat",
    "sub-graph tg-obfuscate grappler-arithmetic",
    cut="down1/bottom/Relu",
)
def unet() -> list[str]:
    """Build a U-Net with two levels."""
    x = tf.placeholder(tf.float32, [None, None, None, 2], "scan")
    with tf.variable_scope("down0"):
        top = layers.conv2d(x, 4, 3, padding="same", activation=tf.nn.relu)
    with tf.variable_scope("down1"):
        y = layers.max_pooling2d(top, 2, 2)
        y = layers.conv2d(y, 6, 3, padding="same", activation=tf.nn.relu, name="bottom")
    with tf.variable_scope("up0"):
        y = layers.conv2d_transpose(y, 4, 2, 2, padding="same", name="upconv")
        y = tf.concat([top, y], -1)
        w = tf.get_variable("deconv_filter", [3, 3, 3, 8])
        shape = tf.stack([tf.shape(y)[0], tf.shape(y)[1] * 2, tf.shape(y)[2] * 2, 3])
        y = tf.nn.conv2d_transpose(y, w, shape, [1, 2, 2, 1])
        y = tf.nn.bias_add(y, tf.get_variable("deconv_bias", [3]))
    y = tf.image.resize_bilinear(y, tf.shape(x)[1:3])
    return [tf.nn.sigmoid(layers.conv2d(y, 1, 1, name="mask")).op.name]


@network(
    "dilated-context",
    "held",
    "dilated convolutions as SpaceToBatchND, causal 1-D ones too",
    "tg-atrous tg-fold-constants",
)
def dilated_context() -> list[str]:
    """Build dilated convolutions in two and one dimensions."""
    x = images(12, 12, 2, "spectrogram")
    for rate in (2, 3):
        x = layers.conv2d(x, 4, 3, padding="same", dilation_rate=rate, activation=tf.nn.relu)
    w = tf.get_variable("atrous_weights", [3, 3, 4, 3])
    x = tf.nn.bias_add(tf.nn.atrous_conv2d(x, w, 2, "SAME"), tf.get_variable("atrous_biases", [3]))
    y = tf.reduce_max(x, 2)
    for number, rate in enumerate((1, 2)):
        with tf.variable_scope(f"causal_{number}"):
            y = tf.pad(y, [[0, 0], [rate, 0], [0, 0]])
            y = layers.conv1d(y, 3, 2, dilation_rate=rate, name="filter_gate")
            y = tf.tanh(y) * tf.sigmoid(y)
    return [tf.identity(y, "context").op.name]


@network(
    "video-volumes",
    "held",
    "three-dimensional convolutions, batch norm that is not fused",
    "freeze-graph for-inference grappler-remap",
)
def video_volumes() -> list[str]:
    """Build convolutions of video."""
    x = tf.placeholder(tf.float32, [None, 4, 8, 8, 2], "clip")
    x = layers.conv3d(x, 4, (2, 3, 3), padding="same", use_bias=False, name="c3d_a")
    x = tf.nn.relu(layers.batch_normalization(x, name="c3d_a_norm"))
    x = layers.max_pooling3d(x, (1, 2, 2), (1, 2, 2))
    with tf.variable_scope("c3d_b"):
        w = tf.get_variable("wc", [2, 3, 3, 4, 3])
        b = tf.get_variable("bc", [3])
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "VALID"), b))
        x = layers.conv3d_transpose(x, 2, (2, 2, 2), (1, 2, 2), name="up")
    return [tf.reduce_mean(x, [1, 2, 3], name="embedding").op.name]


@network(
    "style-transfer",
    "open",
    "instance and group norm, PReLU, blur with a constant filter, style by gather",
    "tg-remove-identity older-deploy import-prefix tg-round",
)
def style_transfer() -> list[str]:
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
    "generator",
    "open",
    "deconvolutions and batch norm, discriminator of the same graph left out",
    "sub-graph older-for-inference fp16-cast tg-fold-bn",
    cut="generator/project/add",
)
def generator() -> list[str]:
    """Build a DCGAN and take its generator."""
    z = tf.placeholder(tf.float32, [4, 6], "z")
    with tf.variable_scope("generator"):
        with tf.variable_scope("project"):
            w = tf.get_variable("Matrix", [6, 64])
            h = tf.add(tf.matmul(z, w), tf.get_variable("bias", [64]), name="add")
        h = tf.reshape(h, [4, 4, 4, 4])
        for number, (size, depth) in enumerate(((8, 4), (16, 1))):
            h = tf.contrib.layers.batch_norm(
                h, scale=True, is_training=False, scope=f"g_bn{number}", updates_collections=None
            )
            with tf.variable_scope(f"g_h{number}"):
                w = tf.get_variable("w", [5, 5, depth, 4])
                shape = [4, size, size, depth]
                h = tf.nn.conv2d_transpose(tf.nn.relu(h), w, shape, [1, 2, 2, 1])
                h = tf.reshape(tf.nn.bias_add(h, tf.get_variable("biases", [depth])), shape)
        fake = tf.tanh(h, name="fake")
    with tf.variable_scope("discriminator"):
        layers.dense(layers.flatten(layers.conv2d(fake, 3, 3, 2)), 1, name="d_out")
    return [fake.op.name]


@network(
    "variational-code",
    "open",
    "tied encoder and decoder by transpose, noise, weight normalisation",
    "tg-fold-constants tg-nodes blacklist",
)
def variational_code() -> list[str]:
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
