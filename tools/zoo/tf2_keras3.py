"""Networks of Keras 3: Sequential, functional, subclassed and nested models.

Keras 3 casts every variable that it reads, so that freezing names a kernel after
`…/Cast/ReadVariableOp` and a bias after `…/BiasAdd/ReadVariableOp` or
`…/Reshape/ReadVariableOp`; batch normalisation is unfused outside a Conv2D.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tools.zoo.tf2_networks import Kit, Network


def default_cnn(kit: Kit) -> Network:
    """Sequential with the names that Keras gives by itself."""
    la = kit.layers
    model = kit.keras.Sequential(
        [
            la.Input((12, 12, 3)),
            la.Rescaling(1 / 127.5, offset=-1.0),
            la.Conv2D(6, 3, activation="relu"),
            la.BatchNormalization(),
            la.MaxPooling2D(),
            la.Conv2D(8, 3, use_bias=False),
            la.BatchNormalization(scale=False),
            la.ReLU(),
            la.Dropout(0.3),
            la.Flatten(),
            la.Dense(10, activation="gelu"),
            la.Dense(4, activation="softmax"),
        ]
    )
    return kit.keras3(model, kit.spec(None, 12, 12, 3))


def squeeze_excite(kit: Kit) -> Network:
    """MBConv blocks of an EfficientNet: expand, depthwise, squeeze, project, add."""
    la, model = kit.layers, kit.keras.Model
    image = la.Input((16, 16, 3), name="image")
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    x = la.Normalization(mean=mean, variance=mean**2, name="norm_in")(image)
    x = la.Conv2D(6, 3, 2, padding="same", use_bias=False, name="stem_conv")(x)
    for tag in ("block1a", "block1b"):
        kept = x
        x = la.Conv2D(12, 1, use_bias=False, name=f"{tag}_expand_conv")(x)
        x = la.BatchNormalization(name=f"{tag}_expand_bn")(x)
        x = la.Activation("swish", name=f"{tag}_expand_activation")(x)
        x = la.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{tag}_dwconv")(x)
        x = la.BatchNormalization(name=f"{tag}_bn")(x)
        se = la.GlobalAveragePooling2D(keepdims=True, name=f"{tag}_se_squeeze")(x)
        se = la.Conv2D(2, 1, activation="swish", name=f"{tag}_se_reduce")(se)
        se = la.Conv2D(12, 1, activation="sigmoid", name=f"{tag}_se_expand")(se)
        x = la.multiply([x, se], name=f"{tag}_se_excite")
        x = la.Conv2D(6, 1, use_bias=False, name=f"{tag}_project_conv")(x)
        x = la.BatchNormalization(name=f"{tag}_project_bn")(x)
        x = la.add([x, kept], name=f"{tag}_add")
    x = la.GlobalAveragePooling2D(name="avg_pool")(x)
    x = la.Dense(5, name="predictions")(x)
    return kit.keras3(model(image, x, name="effnet_tiny"), kit.spec(None, 16, 16, 3))


def transformer(kit: Kit) -> Network:
    """Text classifier: token and position embedding, attention, feed-forward."""
    la, keras = kit.layers, kit.keras

    class TokenAndPosition(la.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.token_emb = la.Embedding(30, 12)
            self.pos_emb = la.Embedding(9, 12)

        def call(self, ids: Any) -> Any:
            return self.token_emb(ids) + self.pos_emb(kit.tf.range(9))

    class Block(la.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.att = la.MultiHeadAttention(3, 4)
            self.ffn = keras.Sequential([la.Dense(16, activation="relu"), la.Dense(12)])
            self.layernorm1 = la.LayerNormalization(epsilon=1e-6)
            self.layernorm2 = la.LayerNormalization(epsilon=1e-6)

        def call(self, x: Any) -> Any:
            x = self.layernorm1(x + self.att(x, x))
            return self.layernorm2(x + self.ffn(x))

    ids = keras.Input((9,), dtype="int32")
    x = Block(name="encoder_block_0")(TokenAndPosition()(ids))
    x = la.Dense(2, activation="softmax")(la.GlobalMaxPooling1D()(x))
    return kit.keras3(keras.Model(ids, x), kit.spec(None, 9, dtype="int32"))


def unet(kit: Kit) -> Network:
    """Join encoder and decoder by skips, with transposed convolutions."""
    la = kit.layers
    image = kit.keras.Input((16, 16, 1))
    a = la.Conv2D(4, 3, padding="same", activation="relu", name="down0.conv")(image)
    a = la.GroupNormalization(2, name="down0.gn")(a)
    b = la.SeparableConv2D(8, 3, strides=2, padding="same", name="down1.sep")(a)
    b = la.GroupNormalization(4, scale=False, name="down1.gn")(b)
    c = la.Conv2D(8, 3, dilation_rate=2, padding="same", name="mid.dilated")(b)
    d = la.Conv2DTranspose(4, 2, strides=2, name="up0.deconv")(c)
    d = la.Concatenate(name="up0.cat")([d, a])
    e = la.Conv2D(4, 3, padding="same", name="up0.conv")(d)
    e = la.PReLU(shared_axes=[1, 2], name="up0.act")(e)
    mask = la.Conv2D(1, 1, activation="sigmoid", name="mask")(la.UpSampling2D(2)(e))
    return kit.keras3(kit.keras.Model(image, mask, name="UNet"), kit.spec(None, 16, 16, 1))


def convnext(kit: Kit) -> Network:
    """ConvNeXt blocks: wide depthwise kernels and a learnt scale for each channel."""
    la = kit.layers

    class LayerScale(la.Layer):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.gamma = self.add_weight(name="gamma", shape=(shape[-1],))

        def call(self, x: Any) -> Any:
            return x * self.gamma

    image = kit.keras.Input((12, 12, 3))
    x = la.Conv2D(6, 4, strides=4, name="convnext_stem_conv")(image)
    for block in range(2):
        tag, kept = f"stage_0_block_{block}", x
        x = la.DepthwiseConv2D(5, padding="same", name=f"{tag}_depthwise_conv")(x)
        x = la.LayerNormalization(epsilon=1e-6, name=f"{tag}_layernorm")(x)
        x = la.Dense(12, name=f"{tag}_pointwise_conv_1")(x)
        x = la.Dense(6, name=f"{tag}_pointwise_conv_2")(la.Activation("gelu")(x))
        x = la.Add()([kept, LayerScale(name=f"{tag}_layer_scale")(x)])
    x = la.LayerNormalization(center=False, name="head_norm")(la.GlobalAveragePooling2D()(x))
    model = kit.keras.Model(image, la.Dense(3, name="head")(x))
    return kit.keras3(model, kit.spec(1, 12, 12, 3))


def recurrent(kit: Kit) -> Network:
    """Masked embedding, a bidirectional LSTM, a GRU and a simple RNN in a row."""
    la = kit.layers
    model = kit.keras.Sequential(
        [
            la.Input((6,), dtype="int32"),
            la.Embedding(15, 5, mask_zero=True),
            la.Bidirectional(la.LSTM(3, return_sequences=True)),
            la.GRU(4, return_sequences=True, reset_after=False),
            la.SimpleRNN(3, use_bias=False),
            la.Dense(2),
        ],
        name="tagger",
    )
    return kit.keras3(model, kit.spec(2, 6, dtype="int32"))


def cells(kit: Kit) -> Network:
    """Stacked cells of several kinds in one RNN, and a ConvLSTM over images."""
    la = kit.layers
    series = kit.keras.Input((5, 3), name="series")
    film = kit.keras.Input((3, 6, 6, 1), name="film")
    stack = [la.LSTMCell(4, name="bottom"), la.GRUCell(3), la.SimpleRNNCell(2)]
    a = la.RNN(stack, name="stack")(series)
    b = la.ConvLSTM2D(2, 3, name="frames")(film)
    b = la.TimeDistributed(la.Dense(2), name="rows")(la.Reshape((4, 8))(b))
    out = la.Concatenate()([a, la.Flatten()(b)])
    model = kit.keras.Model([series, film], la.Dense(1, name="score")(out))
    return kit.keras3(model, kit.spec(1, 5, 3), kit.spec(1, 3, 6, 6, 1))


def adapted(kit: Kit) -> Network:
    """Wide and deep: statistics that were adapted, embeddings, class weights."""
    la = kit.layers
    numbers = kit.keras.Input((4,), name="numbers")
    user = kit.keras.Input((1,), name="user", dtype="int32")
    item = kit.keras.Input((1,), name="item", dtype="int32")
    norm = la.Normalization(name="normalization")
    norm.adapt(kit.normal(50, 4) * 3 + 1)
    wide = la.Dense(1, use_bias=False, name="wide")(norm(numbers))
    deep = la.Concatenate()(
        [
            la.Flatten()(la.Embedding(7, 4, name="user_embedding")(user)),
            la.Flatten()(la.Embedding(9, 4, name="item_embedding")(item)),
            norm(numbers),
        ]
    )
    for units in (8, 6):
        deep = la.Dense(units, activation="relu", name=f"deep_{units}")(deep)
    logits = la.Add()([wide, la.Dense(1, name="deep_out")(deep)])
    inner = kit.keras.Model([numbers, user, item], logits, name="wide_and_deep")
    costs = kit.tf.constant(kit.positive(1, 1), name="class_weights")
    ids = [kit.spec(2, 1, dtype="int32") for _ in range(2)]
    return kit.keras3(
        inner,
        kit.spec(2, 4),
        *ids,
        call=lambda n, u, i: inner([n, u, i], training=False) * costs,
    )


def siamese(kit: Kit) -> Network:
    """Call the same layers on two inputs, in a subclassed model."""
    la, keras = kit.layers, kit.keras

    class Twin(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="twin_net")
            self.trunk = keras.Sequential([la.Dense(7), la.PReLU(), la.BatchNormalization()])
            self.project = la.Dense(4, use_bias=False, name="projection_head")
            self.unit = la.UnitNormalization()

        def embed(self, x: Any) -> Any:
            return self.unit(self.project(self.trunk(x, training=False)))

        def call(self, pair: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002, ARG002 - Keras asks
            return kit.tf.reduce_sum(self.embed(pair[0]) * self.embed(pair[1]), -1)

    model = Twin()
    model([np.zeros((2, 5), np.float32)] * 2)
    return kit.keras3(model, kit.spec(2, 5), kit.spec(2, 5))


def halves(kit: Kit) -> Network:
    """Mixed precision, and layers whose variables themselves are of 16 bits."""
    la = kit.layers
    x = image = kit.keras.Input((8, 8, 2))
    x = la.Conv2D(4, 3, dtype="mixed_float16", name="mixed_conv")(x)
    x = la.BatchNormalization(dtype="mixed_float16", name="mixed_bn")(x)
    x = la.SeparableConv2D(4, 3, dtype="mixed_bfloat16", name="brain_sep")(x)
    x = la.Flatten(dtype="mixed_bfloat16")(x)
    x = la.Dense(6, dtype="float16", name="half_dense")(x)
    x = la.Dense(5, dtype="bfloat16", name="brain_dense")(x)
    x = la.Dense(3, dtype="float32", name="logits")(x)
    return kit.keras3(kit.keras.Model(image, x, name="precise"), kit.spec(1, 8, 8, 2))


def gan_generator(kit: Kit) -> Network:
    """Generate from noise: reshape, deconvolutions, a nested model."""
    la, keras = kit.layers, kit.keras
    up = keras.Sequential(name="upsampler")
    for filters in (6, 4):
        up.add(la.Conv2DTranspose(filters, 4, 2, padding="same", use_bias=False))
        up.add(la.BatchNormalization(momentum=0.8, center=False))
        up.add(la.LeakyReLU(0.2))
    noise = keras.Input((5,), name="z")
    x = la.Dense(2 * 2 * 6, use_bias=False, name="to_grid")(noise)
    x = la.Reshape((2, 2, 6))(x)
    image = la.Conv2D(3, 5, padding="same", activation="tanh", name="to_rgb")(up(x))
    return kit.keras3(keras.Model(noise, image, name="generator"), kit.spec(3, 5))


def einsum_and_volumes(kit: Kit) -> Network:
    """Einsum dense layers, Conv1D, Conv3D and their normalisations."""
    la, keras = kit.layers, kit.keras
    series, volume = keras.Input((8, 3)), keras.Input((4, 4, 4, 2))
    a = la.Conv1D(6, 3, dilation_rate=2, padding="causal")(series)
    a = la.BatchNormalization(axis=-1)(a)
    a = la.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")(a)
    a = la.Reshape((8, 6))(a)
    a = la.SpectralNormalization(la.Dense(4))(a)
    a = la.GlobalAveragePooling1D()(la.DepthwiseConv1D(3)(a))
    b = la.Conv3D(4, 2)(volume)
    b = la.GlobalMaxPooling3D()(la.Conv3DTranspose(3, 2)(b))
    out = la.Dense(2)(la.Concatenate()([a, b]))
    return kit.keras3(
        keras.Model([series, volume], out), kit.spec(1, 8, 3), kit.spec(1, 4, 4, 4, 2)
    )


def misleading_names(kit: Kit) -> Network:
    """Layers that are called like the marks of freezing or like other parts."""
    la = kit.layers
    x = rows = kit.keras.Input((6,), name="weights")
    x = la.Dense(6, name="ReadVariableOp")(x)
    x = la.Dense(5, name="resource")(x)
    x = la.LayerNormalization(name="Const")(x)
    x = la.Dense(5, name="beta", activation="tanh")(x)
    x = la.Dense(4, name="moving_mean")(x)
    x = la.Rescaling(kit.positive(4).tolist(), offset=kit.normal(4).tolist(), name="gamma")(x)
    x = la.Dense(3, name="Layer-7.b")(x)
    x = la.Dense(2, name="import")(x)
    return kit.keras3(kit.keras.Model(rows, x, name="model_1"), kit.spec(None, 6))


def fresh(kit: Kit) -> Network:
    """Give a network as Keras initialises it: biases of zeros, scales of ones."""
    la = kit.layers
    x = rows = kit.keras.Input((5,))
    for units in (6, 6):
        x = la.Dense(units, kernel_initializer=kit.keras.initializers.RandomNormal(seed=units))(x)
        x = la.BatchNormalization()(x)
    x = la.Dense(2, kernel_initializer=kit.keras.initializers.RandomNormal(seed=2))(x)
    model = kit.keras.Model(rows, x)
    first = [value.numpy() for value in (v.value for v in model.variables)]
    network = kit.keras3(model, kit.spec(None, 5))
    for variable, value in zip(network.variables.values(), first, strict=True):
        variable.assign(value)
    return network


RECIPES = {
    "k3-default-cnn": default_cnn,
    "k3-squeeze-excite": squeeze_excite,
    "k3-transformer": transformer,
    "k3-unet": unet,
    "k3-convnext": convnext,
    "k3-recurrent": recurrent,
    "k3-cells": cells,
    "k3-adapted": adapted,
    "k3-siamese": siamese,
    "k3-halves": halves,
    "k3-gan": gan_generator,
    "k3-einsum-volumes": einsum_and_volumes,
    "k3-fresh": fresh,
    "k3-misleading-names": misleading_names,
}
