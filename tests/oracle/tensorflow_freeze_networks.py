"""Networks with variables to be frozen: one for each way in which a graph has and takes them.

Each takes a `Kit` and the inputs ``x``, two rows of three numbers, and ``n``, one number,
and gives what is to be the output. What a network gives a second time is an op that is run
once before saving.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import Any

import numpy as np

WIDTH = 3
BATCH = 2


class Kit:
    """What a network is made of: TensorFlow, and variables of one kind."""

    def __init__(self, tf: Any, v1: Any, *, resource: bool) -> None:
        self.tf = tf
        self.v1 = v1
        self.resource = resource
        self._random = np.random.RandomState(11)

    def weight(self, name: str, shape: tuple[int, ...] = (WIDTH, WIDTH), **options: Any) -> Any:
        """Make a variable of random numbers."""
        dtype = options.pop("dtype", "float32")
        value = self._random.uniform(-0.6, 0.6, shape)
        given = self.tf.cast(self.tf.constant(value, self.tf.float32), dtype)
        return self.variable(name, given, **options)

    def variable(self, name: str, value: Any, **options: Any) -> Any:
        """Make a variable."""
        return self.v1.get_variable(name, initializer=value, use_resource=self.resource, **options)

    def dense(self, x: Any, name: str, width: int = WIDTH) -> Any:
        """Make a dense layer."""
        with self.v1.variable_scope(name):
            kernel = self.weight("kernel", (int(x.shape[-1]), width))
            bias = self.weight("bias", (width,))
            return self.tf.tanh(self.v1.nn.bias_add(self.tf.matmul(x, kernel), bias))


def dense(kit: Kit, x: Any, _: Any) -> Any:
    """Two layers in scopes in a scope."""
    with kit.v1.variable_scope("deep/deeper"):
        return kit.dense(kit.dense(x, "one", 4), "two")


def convolution(kit: Kit, x: Any, _: Any) -> Any:
    """A convolution with batch norm, of which moments are kept."""
    image = kit.tf.reshape(x, [1, BATCH, WIDTH, 1])
    values = kit.v1.nn.conv2d(image, kit.weight("filter", (2, 2, 1, 4)), [1, 1, 1, 1], "SAME")
    scale, offset, mean = (kit.weight(one, (4,)) for one in ("gamma", "beta", "mean"))
    variance = kit.variable("variance", np.full(4, 0.7, np.float32), trainable=False)
    normal = kit.v1.nn.fused_batch_norm(values, scale, offset, mean, variance, is_training=False)
    return kit.tf.nn.relu(normal[0])


def embedding(kit: Kit, x: Any, n: Any) -> Any:
    """Rows of a table, by numbers of both types, and elements by places in it."""
    table = kit.weight("table", (7, WIDTH))
    rows = kit.tf.gather(table, [1, 4])
    more = kit.v1.nn.embedding_lookup(table, kit.tf.cast(kit.tf.stack([n, n + 1]), kit.tf.int64))
    return kit.tf.matmul(x + rows, more, transpose_b=True)


def places(kit: Kit, x: Any, n: Any) -> Any:
    """Elements of a table, by their places."""
    table = kit.weight("table", (7, WIDTH))
    return kit.tf.gather_nd(table, kit.tf.stack([[n, 1], [2, 0]])) + x[:, 0]


def loop(kit: Kit, x: Any, n: Any) -> Any:
    """A loop that takes variables from outside."""
    w, b = kit.weight("w"), kit.weight("b", (WIDTH,))
    found = kit.v1.while_loop(
        lambda turn, _: turn < n,
        lambda turn, one: (turn + 1, kit.tf.tanh(kit.tf.matmul(one, w) + b)),
        (kit.tf.constant(0), x),
    )
    return found[1]


def loop_in_loop(kit: Kit, x: Any, n: Any) -> Any:
    """A loop in a loop, both with variables."""
    w, b = kit.weight("w"), kit.weight("b", (WIDTH,))

    def outer(turn: Any, value: Any) -> Any:
        inner = kit.v1.while_loop(
            lambda at, _: at < 2,
            lambda at, one: (at + 1, kit.tf.tanh(kit.tf.matmul(one, w))),
            (kit.tf.constant(0), value * b),
        )
        return turn + 1, inner[1]

    start = (kit.tf.constant(0), x)
    return kit.v1.while_loop(lambda turn, _: turn < n, outer, start)[1]


def branches(kit: Kit, x: Any, n: Any) -> Any:
    """Branches of which both take the same variable, and one looks rows up."""
    w, only, table = kit.weight("w"), kit.weight("only", (WIDTH,)), kit.weight("table", (5, WIDTH))
    return kit.v1.cond(
        n > 1,
        lambda: kit.tf.matmul(x, w) + kit.tf.gather(table, [0, n]),
        lambda: kit.tf.matmul(x, w) * only,
    )


def recurrent(kit: Kit, x: Any, n: Any) -> Any:
    """A recurrent network of TensorFlow's own parts, without the layers of Keras."""
    kernel, bias = kit.weight("kernel", (2 * WIDTH, WIDTH)), kit.weight("bias", (WIDTH,))

    class Cell(getattr(kit.v1.nn.rnn_cell, "RNNCell", object)):  # type: ignore[misc] # 1.15 asks
        state_size = WIDTH
        output_size = WIDTH

        def zero_state(self, batch_size: Any, dtype: Any) -> Any:
            return kit.tf.zeros([batch_size, WIDTH], dtype)

        def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
            del scope  # 1.15 says one
            both = kit.tf.concat([inputs, state], 1)
            new = kit.tf.tanh(kit.tf.matmul(both, kernel) + bias)
            return new, new

    sequence = kit.tf.stack([x, 2 * x, -x, x + 1], 1)
    outputs, state = kit.v1.nn.dynamic_rnn(
        Cell(), sequence, sequence_length=[n, 4], dtype=kit.tf.float32
    )
    return kit.tf.reduce_sum(outputs, 1) + state


def partitioned(kit: Kit, x: Any, n: Any) -> Any:
    """A variable in three parts, looked up, and one that is put together."""
    parts = kit.v1.fixed_size_partitioner(3)
    options = {"use_resource": kit.resource, "partitioner": parts}
    random = kit.v1.random_uniform_initializer(-1, 1, seed=3)
    table = kit.v1.get_variable("table", (7, WIDTH), initializer=random, **options)
    ones = kit.v1.ones_initializer()
    whole = kit.v1.get_variable("whole", (WIDTH, WIDTH), initializer=ones, **options)
    rows = kit.v1.nn.embedding_lookup(table, kit.tf.stack([n, 0]), partition_strategy="div")
    return kit.tf.matmul(x + rows, kit.tf.convert_to_tensor(whole))


def types(kit: Kit, x: Any, _: Any) -> Any:
    """Variables of words, numbers and truth values; scalars; and one of nothing."""
    words = kit.variable("words", np.array([b"one", b"", b"\x00\xff"], object))
    count = kit.variable("count", np.array([3, -4, 1 << 40], np.int64))
    small = kit.variable("small", np.array([[-7, 5]], np.int8))
    mask = kit.variable("mask", np.array([True, False, True]))
    scalar = kit.variable("scalar", np.float32(0.25))
    wide = kit.variable("wide", np.float64(1.5), trainable=False)
    nothing = kit.variable("nothing", np.zeros((0, WIDTH), np.float32))
    cast = kit.tf.cast
    numbers = cast(count, "float32") * cast(mask, "float32") * scalar * cast(wide, "float32")
    numbers += cast(kit.tf.reduce_sum(kit.tf.cast(small, "int32")), "float32")
    rows = kit.tf.concat([x + numbers, nothing], 0)
    return kit.v1.strings.join([words, kit.v1.as_string(rows[0])])


def word(kit: Kit, x: Any, _: Any) -> Any:
    """A variable of one word alone."""
    alone = kit.variable("word", kit.tf.constant(b"alone"))
    return kit.v1.strings.join([alone, kit.v1.as_string(x[0])])


def halves(kit: Kit, x: Any, _: Any) -> Any:
    """A variable of half precision."""
    return kit.tf.matmul(kit.tf.cast(x, "float16"), kit.weight("w", dtype="float16"))


def brain_floats(kit: Kit, x: Any, _: Any) -> Any:
    """A variable of bfloat16."""
    return kit.tf.cast(
        kit.tf.cast(x, "bfloat16") * kit.weight("w", (3,), dtype="bfloat16"), "float32"
    )


def trained(kit: Kit, x: Any, _: Any) -> Any:
    """A network with an optimizer, its slots, and a number of steps."""
    result = kit.dense(x, "layer")
    step = kit.v1.train.get_or_create_global_step()
    adam = kit.v1.train.AdamOptimizer(0.1)
    return result, adam.minimize(kit.tf.reduce_sum(result), step)


def default_input(kit: Kit, x: Any, _: Any) -> Any:
    """An input with a value to fall back to."""
    rate = kit.v1.placeholder_with_default(np.float32(0.5), [], name="rate")
    return kit.dense(x * rate, "layer")


def default_variable(kit: Kit, x: Any, _: Any) -> Any:
    """An input that falls back to a variable."""
    w = kit.weight("w")
    return kit.tf.matmul(
        x, kit.v1.placeholder_with_default(kit.tf.identity(w), [3, 3], name="rate")
    )


def controlled(kit: Kit, x: Any, _: Any) -> Any:
    """Reads that wait for others, and an assertion that the output waits for."""
    w, b = kit.weight("w"), kit.weight("b", (WIDTH,))
    with kit.tf.control_dependencies([kit.v1.assert_non_negative(x * x), kit.tf.identity(b)]):
        read = kit.tf.identity(w.read_value(), name="late")
    with kit.tf.control_dependencies([read]):
        return kit.tf.matmul(x, read) + b.read_value()


def placed(kit: Kit, x: Any, _: Any) -> Any:
    """Variables on a device, and a read beside another one."""
    with kit.tf.device("/device:CPU:0"):
        w = kit.weight("w")
    with kit.v1.colocate_with(w.op):
        read = kit.tf.identity(w)
    return kit.tf.matmul(x, read)


def loop_of_rows(kit: Kit, x: Any, n: Any) -> Any:
    """A loop that looks rows up."""
    table = kit.weight("table", (9, WIDTH))

    def body(turn: Any, value: Any) -> Any:
        return turn + 1, value + kit.tf.gather(table, [turn, n])

    start = (kit.tf.constant(0), x)
    return kit.v1.while_loop(lambda turn, _: turn < n, body, start)[1]


def loop_of_reads(kit: Kit, x: Any, n: Any) -> Any:
    """A loop that reads a variable anew in each turn."""
    w = kit.weight("w")

    def body(turn: Any, value: Any) -> Any:
        return turn + 1, kit.tf.matmul(value, w.read_value())

    start = (kit.tf.constant(0), x)
    return kit.v1.while_loop(lambda turn, _: turn < n, body, start)[1]


def shared(kit: Kit, x: Any, _: Any) -> Any:
    """One variable, read and looked up by many, and one that nothing takes."""
    w = kit.weight("w")
    kit.weight("unused")
    both = kit.tf.matmul(kit.tf.matmul(x, w), w, transpose_b=True)
    return both + kit.tf.gather(w, [0, 2]) + w[1]


def functional(kit: Kit, x: Any, n: Any) -> Any:
    """A branch of functions, which take the variables themselves."""
    from tensorflow.python.ops import cond_v2  # noqa: PLC0415 - TensorFlow's own

    w = kit.weight("w")
    return cond_v2.cond_v2(n > 1, lambda: kit.tf.matmul(x, w), lambda: x * w[0])


def called(kit: Kit, x: Any, n: Any) -> Any:
    """A function that takes a variable, called in a loop and in a branch of TensorFlow 1."""
    w = kit.weight("w")

    def product(y: Any) -> Any:
        return kit.tf.tanh(kit.tf.matmul(y, w)) + kit.tf.constant(0.5)

    function = kit.tf.function(product)

    def body(i: Any, y: Any) -> Any:
        return i + 1, function(y)

    _, y = kit.v1.while_loop(lambda i, _: i < n, body, [0, x])
    return kit.v1.cond(n > 1, lambda: function(y), lambda: y)


NETWORKS: dict[str, Any] = {
    one.__name__: one
    for one in (
        dense,
        convolution,
        embedding,
        places,
        loop,
        loop_in_loop,
        branches,
        recurrent,
        partitioned,
        types,
        word,
        halves,
        brain_floats,
        trained,
        default_input,
        default_variable,
        controlled,
        placed,
        loop_of_rows,
        loop_of_reads,
        shared,
        functional,
        called,
    )
}
