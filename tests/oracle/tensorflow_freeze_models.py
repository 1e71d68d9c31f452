"""Models of TensorFlow 2 to be frozen: one for each way in which functions take variables.

Each takes TensorFlow and gives what is saved, the function that is its signature, and what
that is fed with. Those in `KERAS` give a model of Keras, which exports itself.

Runs with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import Any

import numpy as np

ROWS, WIDTH = 2, 3


def numbers(*shape: int, seed: int = 3) -> Any:
    """Give random numbers, the same ones each time."""
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype(np.float32)


def signature(tf: Any, function: Any, **specs: Any) -> Any:
    """Give a function as a signature that takes rows, unless something else is said."""
    given = specs or {"x": ([ROWS, WIDTH], "float32")}
    tensors = {
        name: tf.TensorSpec(shape, tf.as_dtype(dtype), name)
        for name, (shape, dtype) in given.items()
    }
    return tf.function(function).get_concrete_function(**tensors)


def rows() -> Any:
    """Give what most models are fed with."""
    return {"x": numbers(ROWS, WIDTH, seed=7)}


def holder(tf: Any, **parts: Any) -> Any:
    """Give a module that has some parts."""
    module = tf.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


def dense(tf: Any) -> Any:
    """A product and a sum."""
    w, b = tf.Variable(numbers(WIDTH, 4), name="w"), tf.Variable(numbers(4), name="b")
    return holder(tf, w=w, b=b), signature(tf, lambda x: {"y": tf.matmul(x, w) + b}), rows()


def same_name(tf: Any) -> Any:
    """Variables of one name: two of one type and shape, and one of another."""
    a, b = (tf.Variable(numbers(WIDTH, WIDTH, seed=one), name="w") for one in (1, 2))
    c = tf.Variable(3, name="w")

    def call(x: Any) -> Any:
        return {"y": tf.matmul(tf.matmul(x, b) + 1, a) * tf.cast(c, tf.float32)}

    return holder(tf, z=a, y=b, c=c), signature(tf, call), rows()


def loop(tf: Any) -> Any:
    """A loop that reads variables in its condition and in its body."""
    w, limit = tf.Variable(numbers(WIDTH, WIDTH)), tf.Variable(4)

    def call(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            return i + 1, tf.tanh(tf.matmul(y, w))

        return {"y": tf.while_loop(lambda i, _: i < limit, body, [0, x])[1]}

    return holder(tf, w=w, limit=limit), signature(tf, call), rows()


def branches(tf: Any) -> Any:
    """Branches that read variables, in a loop, and one that reads none."""
    w, b = tf.Variable(numbers(WIDTH, WIDTH)), tf.Variable(numbers(WIDTH))

    def call(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            y = tf.cond(tf.equal(i % 2, 0), lambda: tf.matmul(y, w), lambda: y + b)
            return i + 1, y

        y = tf.while_loop(lambda i, _: i < 3, body, [0, x])[1]
        z = tf.switch_case(tf.cast(tf.reduce_sum(x) > 0, tf.int32), [lambda: y * b, lambda: y])
        return {"y": y, "z": z}

    return holder(tf, w=w, b=b), signature(tf, call), rows()


def nested(tf: Any) -> Any:
    """Functions in functions, one of them called with two variables in turn."""
    w, v = tf.Variable(numbers(WIDTH, WIDTH)), tf.Variable(numbers(WIDTH, WIDTH, seed=5))

    @tf.function  # type: ignore[untyped-decorator]
    def product(x: Any, matrix: Any) -> Any:
        return tf.matmul(x, matrix)

    @tf.function  # type: ignore[untyped-decorator]
    def twice(x: Any) -> Any:
        return product(product(x, w), v)

    def call(x: Any) -> Any:
        return {"y": twice(x) + twice(x + 1) * product(x, w)}

    return holder(tf, w=w, v=v), signature(tf, call), rows()


def stateful(tf: Any) -> Any:
    """A function that asserts, and is waited for."""
    w = tf.Variable(numbers(WIDTH, WIDTH))

    @tf.function  # type: ignore[untyped-decorator]
    def checked(x: Any) -> Any:
        with tf.control_dependencies([tf.debugging.assert_less(x, 100.0)]):
            return tf.matmul(x, w)

    return holder(tf, w=w), signature(tf, lambda x: {"y": checked(x)}), rows()


def table(tf: Any) -> Any:
    """A table of words, and rows of a variable that they stand for."""
    words = tf.lookup.KeyValueTensorInitializer(["a", "b", "c"], [1, 2, 3])
    found = tf.lookup.StaticHashTable(words, 0)
    w = tf.Variable(numbers(4, WIDTH))

    def call(words: Any) -> Any:
        return {"y": tf.gather(w.read_value(), found.lookup(words)), "again": words}

    feeds = {"words": np.array([b"c", b"none", b"a"], object)}
    made = signature(tf, call, words=([None], "string"))
    return holder(tf, w=w, table=found), made, feeds


def embedding(tf: Any) -> Any:
    """Rows that are looked up in a variable itself, and elements."""
    w = tf.Variable(numbers(5, WIDTH))

    def call(rows: Any) -> Any:
        elements = tf.gather_nd(w, tf.stack([rows, rows % WIDTH], 1))
        return {"y": tf.nn.embedding_lookup(w, rows), "z": elements}

    made = signature(tf, call, rows=([None], "int64"))
    return holder(tf, w=w), made, {"rows": np.array([1, 4, 1], np.int64)}


def types(tf: Any) -> Any:
    """Variables of other types, and words."""
    half = tf.Variable(tf.cast(numbers(WIDTH), tf.bfloat16))
    whole = tf.Variable([3, 4, 5], dtype=tf.int64)
    words = tf.Variable(["a", "bc", ""])
    flags = tf.Variable([True, False, True])

    def call(x: Any) -> Any:
        y = x * tf.cast(half, tf.float32) + tf.cast(whole, tf.float32)
        return {"y": tf.where(flags, y, 0.0), "words": tf.strings.join([words, "!"])}

    return holder(tf, a=half, b=whole, c=words, d=flags), signature(tf, call), rows()


def shape(tf: Any) -> Any:
    """A variable that is asked for its shape, which is not known before."""
    w = tf.Variable(numbers(WIDTH, 4), shape=[WIDTH, None])

    def call(x: Any) -> Any:
        return {"y": tf.matmul(x, w), "z": tf.raw_ops.VariableShape(input=w.handle)}

    return holder(tf, w=w), signature(tf, call), rows()


def several(tf: Any) -> Any:
    """Nodes with several outputs, results in another order, and an input that is handed on."""
    w = tf.Variable(numbers(WIDTH, 4))

    @tf.function  # type: ignore[untyped-decorator]
    def parts(x: Any) -> Any:
        values, places = tf.math.top_k(tf.matmul(x, w), 2)
        left, right = tf.split(values, 2, 1)
        return right, x, places, left

    def call(x: Any) -> Any:
        right, same, places, left = parts(x)
        return {"y": left - right, "x": same, "places": places}

    return holder(tf, w=w), signature(tf, call), rows()


def mapped(tf: Any) -> Any:
    """Loops that TensorFlow makes of functions, and a variable that decides."""
    w, flag = tf.Variable(numbers(WIDTH, WIDTH)), tf.Variable(initial_value=True)

    def call(x: Any) -> Any:
        y = tf.map_fn(lambda row: tf.linalg.matvec(w, row), x)
        y = tf.scan(lambda a, b: a * w[0] + b, y)
        return {"y": tf.cond(flag, lambda: y + w[1], lambda: y)}

    return holder(tf, w=w, flag=flag), signature(tf, call), rows()


def own_gradient(tf: Any) -> Any:
    """A function with a gradient of its own, and one that is computed again for its gradient."""
    w = tf.Variable(numbers(WIDTH, WIDTH))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def product(x: Any, matrix: Any) -> Any:
        return tf.matmul(x, matrix), lambda dy: (dy, tf.transpose(dy))

    def call(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = product(tf.nn.sigmoid(x), w)
            loss = tf.reduce_sum(y * y)
        return {"y": y, "slope": tape.gradient(loss, x)}

    return holder(tf, w=w), signature(tf, call), rows()


def random(tf: Any) -> Any:
    """Numbers that are drawn anew, and not shown, behind an assertion about a variable."""
    w = tf.Variable(numbers(WIDTH))

    def call(x: Any) -> Any:
        noise = tf.random.uniform([WIDTH], 1, 2)
        tf.debugging.assert_less(w, 2.0)
        tf.print(noise)
        return {"y": tf.cast(noise > 0, tf.float32) * w + x}

    return holder(tf, w=w), signature(tf, call), rows()


def _keras(tf: Any, *layers: Any) -> Any:
    tf.keras.utils.set_random_seed(1)
    return tf.keras.Sequential(list(layers))


def keras_dense(tf: Any) -> Any:
    """Layers whose variables all have the same two names."""
    layer = tf.keras.layers
    model = _keras(
        tf, layer.Input((WIDTH,), ROWS), layer.Dense(4, "relu"), layer.Dense(4), layer.Dense(2)
    )
    return model, numbers(ROWS, WIDTH)


def keras_images(tf: Any) -> Any:
    """A convolution with batch norm."""
    layer = tf.keras.layers
    model = _keras(
        tf,
        layer.Input((6, 6, 1)),
        layer.Conv2D(3, 3),
        layer.BatchNormalization(),
        layer.ReLU(),
        layer.SeparableConv2D(2, 2),
        layer.GlobalAveragePooling2D(),
        layer.Dropout(0.5),
        layer.Dense(2),
    )
    return model, numbers(ROWS, 6, 6, 1)


def keras_words(tf: Any) -> Any:
    """Words that stand for vectors, and a recurrent layer over them."""
    layer = tf.keras.layers
    model = _keras(
        tf,
        layer.Input((5,), dtype="int32"),
        layer.Embedding(7, WIDTH),
        layer.LSTM(4, return_sequences=True),
        layer.GRU(3),
        layer.Dense(1),
    )
    return model, np.array([[1, 2, 3, 0, 6], [5, 5, 0, 1, 1]], np.int32)


def keras_attention(tf: Any) -> Any:
    """Words as numbers, vectors, attention among them, and a recurrent layer both ways."""
    layer = tf.keras.layers
    tf.keras.utils.set_random_seed(2)
    words = layer.Input((4,), dtype="string")
    vocabulary = layer.StringLookup(vocabulary=["a", "b", "c"])
    vectors = layer.Embedding(6, 4)(vocabulary(words))
    mixed = layer.MultiHeadAttention(2, 3)(vectors, vectors)
    mixed = layer.LayerNormalization()(mixed + vectors)
    out = layer.Dense(2)(layer.Bidirectional(layer.LSTM(3))(mixed))
    model = tf.keras.Model(words, out)
    return model, np.array([[b"a", b"c", b"none", b"b"], [b"c", b"c", b"a", b""]], object)


MODELS = {
    one.__name__: one
    for one in (
        dense,
        same_name,
        loop,
        branches,
        nested,
        stateful,
        table,
        embedding,
        types,
        shape,
        several,
        mapped,
        own_gradient,
        random,
    )
}
KERAS = {one.__name__: one for one in (keras_dense, keras_images, keras_words, keras_attention)}
