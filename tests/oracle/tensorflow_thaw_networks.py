"""The worker's part for graphs that are thawed: what is fed to them, and networks of our own.

    op             asks                        answers
    random_feeds   frozen, values              feeds: [{tensor, npz}], fetches, unfed
    freeze_loops   network, seed, out,         feeds, fetches, trainable
                   values, prefix

``random_feeds`` makes values for the placeholders that something takes, of their shapes,
unknown dimensions being 2, and writes them as the .npz ``values``. Integers are 0 and 1, so
that they may be places in a table. ``unfed`` are placeholders of resources, of which nothing
is known. The fetches are the outputs that nothing takes.

``freeze_loops`` makes one of `NETWORKS` with random weights, saves it with its .meta at
``prefix``, and freezes it. Those of `IN_BODIES` have weights that are constants in the body
of a function; these have no .meta.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_values import Host, Json
else:  # a script finds the files beside it
    from tensorflow_values import Host

UNKNOWN = 2
WIDTH = 3
BATCH = 2
TURNS = 3


class ThawNetworkOps(Host):
    """Answers requests about graphs that are to be thawed."""

    def read_graph(self, path: str) -> Any:
        """Read a graph; the worker's other part knows how."""
        raise NotImplementedError

    def op_random_feeds(self, request: Json) -> Json:
        """Make values for the placeholders of a frozen graph."""
        graph_def = self.read_graph(request["frozen"])
        taken = {_producer(text) for node in graph_def.node for text in node.input}
        random = np.random.RandomState(len(graph_def.node))
        values: dict[str, Any] = {}
        feeds: list[Json] = []
        unfed: list[str] = []
        for node in graph_def.node:
            if node.op != "Placeholder" or node.name not in taken:
                continue
            dtype = self.tf.as_dtype(node.attr["dtype"].type)
            if dtype in (self.tf.resource, self.tf.variant):
                unfed.append(node.name)
                continue
            key = f"in_{len(feeds)}"
            values[key] = _random_value(random, dtype, _shape(node.attr["shape"].shape))
            feeds.append({"tensor": node.name + ":0", "npz": key})
        np.savez(request["values"], **values)
        with self.tf.Graph().as_default() as graph:
            self.tf.import_graph_def(graph_def, name="")
            fetches = [
                output.name
                for op in graph.get_operations()
                if op.name not in taken and op.type != "Placeholder"
                for output in op.outputs
                if output.dtype not in (self.tf.resource, self.tf.variant)
            ]
        return {"feeds": feeds, "fetches": fetches, "unfed": unfed}

    def op_freeze_loops(self, request: Json) -> Json:
        """Make a network, save it, and freeze it."""
        name = request["network"]
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            kit = _Kit(self.tf, self.v1, request["seed"])
            kit.made = {one: kit.pair(one) for one in IN_BODIES.get(name, ())}
            self._built(name, kit)
            session.run(self.v1.global_variables_initializer())
            self.v1.train.Saver().save(session, request["prefix"])
            trainable = [one.op.name for one in self.v1.trainable_variables()]
            graph_def = graph.as_graph_def()
            if name not in IN_BODIES:
                freeze = self.v1.graph_util.convert_variables_to_constants
                graph_def = freeze(session, graph_def, ["out"])
        if name in IN_BODIES:
            graph_def = self._with_constants(name, kit)
        Path(request["out"]).write_bytes(graph_def.SerializeToString())
        x = np.random.RandomState(request["seed"]).standard_normal((BATCH, WIDTH))
        np.savez(request["values"], x=x.astype(np.float32), n=TURNS)
        names = {node.name for node in graph_def.node}
        feeds = [{"tensor": one + ":0", "npz": one} for one in ("x", "n") if one in names]
        return {"feeds": feeds, "fetches": ["out:0"], "trainable": trainable}

    def _built(self, name: str, kit: Any) -> None:
        x = self.v1.placeholder(self.tf.float32, [BATCH, WIDTH], name="x")
        n = self.v1.placeholder(self.tf.int32, [], name="n")
        NETWORKS[name](kit, x, n)

    def _with_constants(self, name: str, kit: Any) -> Any:
        """Make the network again, with constants where its layers are used."""
        with self.tf.Graph().as_default() as graph:
            frozen = _Kit(self.tf, self.v1, 0)
            frozen.values = kit.values
            self._built(name, frozen)
            return graph.as_graph_def()


class _Kit:
    """What a network is made of: TensorFlow, and weights.

    ``values`` are those of the weights by now. ``made`` are the weights of layers that
    were made before, since a body of a function cannot make variables.
    """

    def __init__(self, tf: Any, v1: Any, seed: int) -> None:
        self.tf = tf
        self.v1 = v1
        self.values: dict[str, Any] = {}
        self.made: dict[str, Any] = {}
        self._random = np.random.RandomState(seed)

    def weight(self, name: str, shape: tuple[int, ...] = (WIDTH, WIDTH)) -> Any:
        """Make a weight: a constant if its value is known, else a variable of random values."""
        if name in self.values:
            return self.tf.constant(self.values[name], name=name)
        value = self._random.uniform(-0.6, 0.6, shape).astype(np.float32)
        variable = self.v1.get_variable(name, initializer=value)
        self.values[name] = value
        return variable

    def pair(self, name: str) -> Any:
        """Make what a layer needs; of variables, what was read of them."""
        both = self.weight(name + "/kernel"), self.weight(name + "/bias", (WIDTH,))
        return tuple(map(self.tf.identity, both))

    def layer(self, x: Any, name: str) -> Any:
        """Make a dense layer."""
        kernel, bias = self.made.get(name) or self.pair(name)
        return self.tf.tanh(self.v1.nn.bias_add(self.tf.matmul(x, kernel), bias))

    def done(self, value: Any) -> Any:
        """Name the output."""
        return self.tf.identity(value, name="out")

    def repeat(self, body: Any, value: Any, times: Any, **options: Any) -> Any:
        """Run a body some times on a value, with the number of the turn."""
        loop = self.v1.while_loop(
            lambda turn, _: turn < times,
            lambda turn, one: (turn + 1, body(turn, one)),
            (self.tf.constant(0), value),
            **options,
        )
        return loop[1]


def nested(kit: _Kit, x: Any, n: Any) -> Any:
    """Make a loop in a branch in a loop; each takes variables from outside and its own."""
    w, u, b = kit.weight("outer"), kit.weight("inner"), kit.weight("bias", (WIDTH,))

    def inner(_: Any, value: Any) -> Any:
        return kit.tf.tanh(kit.tf.matmul(value, u) + b)

    def outer(turn: Any, value: Any) -> Any:
        return kit.v1.cond(
            kit.tf.equal(turn % 2, 0),
            lambda: kit.repeat(inner, kit.tf.matmul(value, w), turn + 2),
            lambda: value * b + kit.tf.matmul(value, w),
        )

    return kit.done(kit.repeat(outer, kit.layer(x, "first"), n))


def captured(kit: _Kit, x: Any, n: Any) -> Any:
    """Make branches of which both take the same variable, and each one of its own."""
    both, yes, no = kit.weight("both"), kit.weight("yes"), kit.weight("no", (WIDTH,))
    one = kit.v1.cond(
        n > 1,
        lambda: kit.tf.matmul(kit.tf.matmul(x, both), yes),
        lambda: kit.tf.matmul(x, both) * no,
    )
    other = kit.v1.cond(
        n > 5, lambda: kit.tf.matmul(one, yes), lambda: kit.tf.matmul(one * no, both)
    )
    return kit.done(other + one)


def dynamic_rnn(kit: _Kit, x: Any, _: Any) -> Any:
    """Make a recurrent network that stops at the end of each sequence."""
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
        Cell(), sequence, sequence_length=[2, 4], dtype=kit.tf.float32
    )
    return kit.done(kit.tf.reduce_sum(outputs, 1) + state)


def case(kit: _Kit, x: Any, n: Any) -> Any:
    """Choose one of three layers."""
    names = ("zero", "three", "other")
    layers = [[kit.weight(name), kit.weight(name + "_bias", (WIDTH,))] for name in names]
    tf = kit.tf
    zero, three, other = [lambda w=w, b=b: tf.tanh(tf.matmul(x, w) + b) for w, b in layers]
    chosen = kit.v1.case([(tf.equal(n, 0), zero), (tf.equal(n, 3), three)], default=other)
    return kit.done(tf.matmul(chosen, layers[2][0]))


def tensor_arrays(kit: _Kit, x: Any, n: Any) -> Any:
    """Make a loop that reads from one array, some of it twice, and writes to another."""
    kernel, bias = kit.weight("kernel"), kit.weight("bias", (WIDTH,))
    array = kit.v1.TensorArray
    rows = array(kit.tf.float32, size=BATCH, clear_after_read=False).unstack(x)
    written = array(kit.tf.float32, size=n)

    def body(turn: Any, state: Any, out: Any) -> Any:
        row = kit.tf.reshape(rows.read(turn % BATCH), [1, WIDTH])
        state = kit.tf.tanh(kit.tf.matmul(state + row, kernel) + bias)
        return turn + 1, state, out.write(turn, state)

    start = (kit.tf.constant(0), kit.tf.zeros([1, WIDTH]), written)
    loop = kit.v1.while_loop(lambda turn, *_: turn < n, body, start)
    return kit.done(kit.tf.reduce_sum(loop[2].stack(), 0))


def functional_while(kit: _Kit, x: Any, n: Any) -> Any:
    """Make a While with weights in its body, and a branch with some in there."""
    from tensorflow.python.ops import cond_v2, while_v2  # noqa: PLC0415 - TensorFlow's own

    def step(value: Any) -> Any:
        return cond_v2.cond_v2(
            value[0, 0] > 0,
            lambda: kit.layer(value, "above"),
            lambda: kit.layer(value, "below"),
        )

    first = kit.layer(x, "first")
    loop = while_v2.while_loop(
        lambda turn, _: turn < n,
        lambda turn, value: (turn + 1, kit.layer(step(value), "each")),
        (kit.tf.constant(0), first),
        return_same_structure=True,
    )
    return kit.done(loop[1])


def functional_if(kit: _Kit, x: Any, n: Any) -> Any:
    """Make an If with weights in both branches."""
    from tensorflow.python.ops import cond_v2  # noqa: PLC0415 - TensorFlow's own

    chosen = cond_v2.cond_v2(n > 1, lambda: kit.layer(x, "yes"), lambda: kit.layer(x, "no"))
    return kit.done(kit.layer(chosen, "last"))


def called(kit: _Kit, x: Any, _: Any) -> Any:
    """Make a function with weights that is called twice."""

    def called_layer(value: Any) -> Any:
        return kit.layer(value, "layer")

    layer = kit.tf.function(called_layer, autograph=False)
    return kit.done(layer(layer(x) + x))


def called_inside(kit: _Kit, x: Any, _: Any) -> Any:
    """Make a function that calls another, both with weights, and is called twice."""

    def inner(value: Any) -> Any:
        return kit.layer(value, "inner")

    called_inner = kit.tf.function(inner, autograph=False)

    def middle(value: Any) -> Any:
        return called_inner(kit.layer(value, "outer")) + value

    outer = kit.tf.function(middle, autograph=False)
    return kit.done(outer(outer(x)))


NETWORKS: dict[str, Any] = {
    "nested": nested,
    "captured": captured,
    "dynamic_rnn": dynamic_rnn,
    "case": case,
    "tensor_arrays": tensor_arrays,
    "functional_while": functional_while,
    "functional_if": functional_if,
    "called": called,
    "called_inside": called_inside,
}
# The layers that are used in bodies of functions.
IN_BODIES = {
    "functional_while": ("first", "above", "below", "each"),
    "functional_if": ("yes", "no", "last"),
    "called": ("layer",),
    "called_inside": ("inner", "outer"),
}


def _producer(text: str) -> str:
    return text.lstrip("^").split(":", 1)[0]


def _shape(proto: Any) -> list[int]:
    if proto.unknown_rank:
        return []
    return [one.size if one.size >= 0 else UNKNOWN for one in proto.dim]


def _random_value(random: Any, dtype: Any, shape: list[int]) -> Any:
    if dtype.name == "string":
        words = np.array([b"one", b"two", b"three"], object)
        return words[random.randint(0, len(words), shape)]
    if dtype.is_integer or dtype.is_bool:
        return np.asarray(random.randint(0, 2, shape)).astype(dtype.as_numpy_dtype)
    return np.asarray(random.standard_normal(shape)).astype(dtype.as_numpy_dtype)
