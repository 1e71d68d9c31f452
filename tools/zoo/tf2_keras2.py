"""Networks of Keras 2 (tf_keras), functional, subclassed, nested and with tables.

Keras 2 names a constant after the place of reading (`model/dense/MatMul/…`) and
lets a layer's name hold slashes; its LSTM and GRU sit in functions of their own
that freezing inlines.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tools.zoo.tf2_networks import Kit, Network


def resnet(kit: Kit) -> Network:
    """Residual blocks with Keras' own names, batch norm with and without scale."""
    la, keras = kit.layers2, kit.tf_keras
    image = keras.Input((10, 10, 3))
    x = la.Conv2D(4, 3, padding="same", use_bias=False)(image)
    x = la.ReLU()(la.BatchNormalization(scale=False)(x))
    for strides in (1, 2):
        y = la.Conv2D(4, 3, strides, padding="same")(x)
        y = la.Activation("relu")(la.BatchNormalization()(y))
        y = la.BatchNormalization(center=False)(la.Conv2D(4, 3, padding="same")(y))
        x = la.add([la.Conv2D(4, 1, strides)(x), y])
    x = la.Dense(3, activation="softmax")(la.GlobalAveragePooling2D()(x))
    return kit.keras2(keras.Model(image, x), kit.spec(None, 10, 10, 3))


def local(kit: Kit) -> Network:
    """Locally connected layers of several implementations, and PReLU."""
    la, keras = kit.layers2, kit.tf_keras
    model = keras.Sequential(
        [
            la.Input((6, 6, 2)),
            la.LocallyConnected2D(3, 3, name="lc_loop"),
            la.PReLU(name="slopes"),
            la.LocallyConnected2D(2, 2, implementation=2, name="lc_dense"),
            la.Reshape((9, 2)),
            la.LocallyConnected1D(2, 3, name="lc_line"),
            la.PReLU(shared_axes=[1]),
            la.Flatten(),
            la.Dense(3, kernel_constraint="non_neg"),
        ],
        name="local",
    )
    return kit.keras2(model, kit.spec(None, 6, 6, 2))


def stacked_recurrent(kit: Kit) -> Network:
    """Put a stack of cells behind a bidirectional LSTM."""
    la, keras = kit.layers2, kit.tf_keras
    x = frames = keras.Input((5, 4), name="mfcc")
    x = la.Bidirectional(la.LSTM(3, return_sequences=True), name="bi")(x)
    x = la.LayerNormalization(name="between")(x)
    x = la.RNN([la.LSTMCell(3), la.GRUCell(3)], return_sequences=True, name="stack")(x)
    x = la.TimeDistributed(la.Dense(6), name="phones")(x)
    return kit.keras2(keras.Model(frames, x, name="acoustic"), kit.spec(1, 5, 4))


def film(kit: Kit) -> Network:
    """ConvLSTM2D and TimeDistributed over images."""
    la, keras = kit.layers2, kit.tf_keras
    x = frames = keras.Input((3, 7, 7, 1))
    x = la.TimeDistributed(la.Conv2D(2, 3), name="per_frame")(x)
    x = la.ConvLSTM2D(2, 2, name="memory")(x)
    x = la.BatchNormalization(fused=False)(x)
    x = la.Dense(2)(la.Flatten()(x))
    return kit.keras2(keras.Model(frames, x), kit.spec(1, 3, 7, 7, 1))


def text(kit: Kit) -> Network:
    """Strings through lookup tables into embeddings."""
    la, keras = kit.layers2, kit.tf_keras
    words = keras.Input((4,), dtype="string", name="words")
    kind = keras.Input((1,), dtype="int64", name="kind")
    vocabulary = ["the", "graph", "was", "frozen", "again"]
    x = la.StringLookup(vocabulary=vocabulary, name="to_ids")(words)
    x = la.Embedding(6, 5, name="word_vectors")(x)
    y = la.IntegerLookup(vocabulary=[3, 5, 8], output_mode="one_hot")(kind)
    x = la.Concatenate()([la.GlobalAveragePooling1D()(x), y])
    x = la.Dense(2, name="sentiment")(la.Dense(4, activation="relu")(x))
    inputs = kit.spec(None, 4, dtype="string"), kit.spec(None, 1, dtype="int64")
    return kit.keras2(keras.Model([words, kind], x, name="text_model"), *inputs)


def feature_columns(kit: Kit) -> Network:
    """Wide and deep over feature columns, as the tutorials of 2019 wrote it."""
    la, keras, columns = kit.layers2, kit.tf_keras, kit.tf.feature_column
    inputs = {
        "age": keras.Input((1,), name="age"),
        "colour": keras.Input((1,), name="colour", dtype="string"),
        "shop": keras.Input((1,), name="shop", dtype="string"),
    }
    age = columns.numeric_column("age", normalizer_fn=lambda x: (x - 38.5) / 13.25)
    names = columns.categorical_column_with_vocabulary_list("colour", ["red", "green", "blue"])
    shop = columns.categorical_column_with_hash_bucket("shop", 8)
    bins = columns.bucketized_column(columns.numeric_column("age"), [18, 30, 65])
    deep = la.DenseFeatures(
        [age, columns.embedding_column(names, 3), columns.embedding_column(shop, 2)]
    )
    wide = la.DenseFeatures([columns.indicator_column(names), bins], name="wide_features")
    x = la.Dense(5, activation="relu")(deep(inputs))
    x = la.Dense(1, activation="sigmoid")(la.concatenate([x, wide(inputs)]))
    model = keras.Model(inputs, x, name="wide_deep")
    strings = kit.spec(2, 1, dtype="string")
    return kit.keras2(
        model,
        kit.spec(2, 1),
        strings,
        strings,
        call=lambda a, c, s: model({"age": a, "colour": c, "shop": s}, training=False),
    )


def slashes(kit: Kit) -> Network:
    """Layer names with slashes, in models inside models."""
    la, keras = kit.layers2, kit.tf_keras
    inner_in = keras.Input((8, 4))
    y = la.Conv1D(4, 3, padding="same", name="res/conv_a")(inner_in)
    y = la.Conv1D(4, 1, name="res/conv_b")(y)
    encoder = keras.Model(inner_in, la.add([y, inner_in]), name="enc/stage1")
    decoder = keras.Sequential(
        [la.Conv1DTranspose(3, 3, name="up/deconv"), la.Dense(2, name="up/out")], name="dec"
    )
    image = keras.Input((8, 4))
    outer = keras.Model(image, decoder(encoder(image)), name="net/v2")
    return kit.keras2(outer, kit.spec(1, 8, 4))


def transfer(kit: Kit) -> Network:
    """Put a head that is trained on a base that is not, with several normalisations."""
    la, keras = kit.layers2, kit.tf_keras
    base = keras.Sequential(name="backbone")
    base.add(la.Input((9, 9, 2)))
    base.add(la.SeparableConv2D(4, 3, depth_multiplier=2, name="sep"))
    base.add(la.BatchNormalization(fused=False, name="slow_bn"))
    base.add(la.DepthwiseConv2D(3, depth_multiplier=2, name="dw"))
    base.add(la.BatchNormalization(name="fast_bn"))
    base.trainable = False
    image = keras.Input((9, 9, 2))
    x = la.GroupNormalization(4, name="group")(base(image))
    x = la.UnitNormalization()(la.GlobalAveragePooling2D()(x))
    frozen = la.Dense(5, name="random_projection", trainable=False)
    x = la.LayerNormalization(scale=False, name="ln")(frozen(x))
    x = la.Dense(2, name="head")(x)
    return kit.keras2(keras.Model(image, x, name="transfer"), kit.spec(1, 9, 9, 2))


def tied(kit: Kit) -> Network:
    """Use the encoder's kernels transposed in the decoder of an autoencoder."""
    la, keras = kit.layers2, kit.tf_keras

    class Transposed(la.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, dense: Any, **options: Any) -> None:
            self.dense = dense
            super().__init__(**options)

        def build(self, _: Any) -> None:
            self.biases = self.add_weight(name="biases", shape=[self.dense.kernel.shape[0]])

        def call(self, x: Any) -> Any:
            return kit.tf.matmul(x, self.dense.kernel, transpose_b=True) + self.biases

    first, second = la.Dense(6, activation="selu"), la.Dense(3, activation="selu")
    encoder = keras.Sequential([la.Input((10,)), first, second], name="coder")
    decoder = keras.Sequential([Transposed(second), Transposed(first)], name="mirror")
    rows = keras.Input((10,))
    return kit.keras2(keras.Model(rows, decoder(encoder(rows))), kit.spec(2, 10))


def custom_cell(kit: Kit) -> Network:
    """Run a cell of one's own, with odd names for its weights."""
    la, keras = kit.layers2, kit.tf_keras

    class PeepholeCell(la.Layer):  # type: ignore[misc, name-defined]
        state_size = 4

        def build(self, shape: Any) -> None:
            self.u = self.add_weight(name="U", shape=(shape[-1], 4))
            self.w = self.add_weight(name="W_hh", shape=(4, 4))
            self.peep = self.add_weight(name="peep", shape=(4,))
            self.leak = self.add_weight(name="leak", shape=(), trainable=False)

        def call(self, x: Any, states: Any) -> tuple[Any, list[Any]]:
            h = states[0]
            drive = kit.tf.matmul(x, self.u) + kit.tf.matmul(h, self.w) + self.peep * h
            h = h + self.leak * (kit.tf.tanh(drive) - h)
            return h, [h]

    model = keras.Sequential(
        [la.Input((6, 3)), la.RNN(PeepholeCell(), name="reservoir"), la.Dense(1, name="readout")]
    )
    return kit.keras2(model, kit.spec(1, 6, 3))


def mixed(kit: Kit) -> Network:
    """Use the policy mixed_bfloat16 over attention and a dense head."""
    la, keras = kit.layers2, kit.tf_keras
    half = {"dtype": keras.mixed_precision.Policy("mixed_bfloat16")}
    x = tokens = keras.Input((4, 6))
    x = la.MultiHeadAttention(2, 3, name="mha", **half)(x, x)
    x = la.LayerNormalization(name="post", **half)(x)
    x = la.EinsumDense("bti,io->bto", (None, 5), bias_axes="o", name="ein", **half)(x)
    x = la.Dense(2, name="head", dtype="float32")(la.GlobalAveragePooling1D(**half)(x))
    return kit.keras2(keras.Model(tokens, x, name="brain"), kit.spec(1, 4, 6))


def speech(kit: Kit) -> Network:
    """Features by constants as large as weights: window, mel matrix, mean, scale."""
    la, keras, tf = kit.layers2, kit.tf_keras, kit.tf
    window, mel = np.hanning(16).astype(np.float32), kit.positive(9, 6)
    mean, scale = kit.normal(6), kit.positive(6)
    sobel = kit.normal(3, 3, 1, 2)

    class Features(la.Layer):  # type: ignore[misc, name-defined]
        def call(self, frames: Any) -> Any:
            power = tf.abs(tf.signal.rfft(frames * window)) ** 2
            logs = tf.math.log(tf.matmul(power, mel) + 1e-6)
            return tf.nn.conv2d(((logs - mean) * scale)[..., None], sobel, 1, "SAME")

    frames = keras.Input((8, 16))
    x = Features(name="frontend")(frames)
    x = la.Conv2D(3, 3, activation="relu", name="conv")(x)
    x = la.BatchNormalization(name="bn")(x)
    x = la.Dense(4, name="words")(la.Flatten()(x))
    penalties = tf.constant(kit.normal(4), name="label_prior")
    model = keras.Model(frames, x, name="kws")
    return kit.keras2(
        model, kit.spec(None, 8, 16), call=lambda f: model(f, training=False) + penalties
    )


RECIPES = {
    "k2-resnet": resnet,
    "k2-local": local,
    "k2-stacked-recurrent": stacked_recurrent,
    "k2-film": film,
    "k2-text": text,
    "k2-feature-columns": feature_columns,
    "k2-slashes": slashes,
    "k2-transfer": transfer,
    "k2-tied": tied,
    "k2-custom-cell": custom_cell,
    "k2-mixed": mixed,
    "k2-speech": speech,
}
