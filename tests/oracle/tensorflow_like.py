"""The worker's part for networks that are frozen once, and made again by their own code.

    op               asks                             answers
    freeze_network   network, seed, scope, parts?,    tensors, output
                     out
    save_network     network, seed, scope, prefix,    path
                     excluded, parts?
    restore_network  the same without seed            tensors, output
    save_objects     seed, prefix                     path
    restore_objects_like  prefix, call                tensors, refused

A network is "convnet" or "speech": a convolution with batch normalisation, or a
bidirectional LSTM with variables for its state. Each can be made in a scope, and
``excluded`` are the ends of names that its Saver leaves out. ``output`` is what
it makes of an input that is always the same. The weights are random.

The last two are for a worker that was started with `--eager`: the variables of
the convnet, as attributes of objects.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_forms import refused_by
    from tests.oracle.tensorflow_values import Host, Json, described
else:  # a script finds the files beside it
    from tensorflow_forms import refused_by
    from tensorflow_values import Host, described

UNITS, STEPS = 3, 4
# The variables of the convnet: name -> shape.
CONVNET = {
    "conv/weights": [3, 3, 2, 4],
    "conv/biases": [4],
    "norm/gamma": [4],
    "norm/beta": [4],
    "norm/moving_mean": [4],
    "norm/moving_variance": [4],
    "fc/weights": [4, 3],
    "fc/biases": [3],
}
CELL = "bidirectional_rnn/{}/basic_lstm_cell/"
SPEECH = {
    "h1": [2, 5],
    "b1": [5],
    CELL.format("fw") + "kernel": [5 + UNITS, 4 * UNITS],
    CELL.format("fw") + "bias": [4 * UNITS],
    CELL.format("bw") + "kernel": [5 + UNITS, 4 * UNITS],
    CELL.format("bw") + "bias": [4 * UNITS],
    "h2": [2 * UNITS, 6],
    "b2": [6],
    "previous_state_c": [1, UNITS],
    "previous_state_h": [1, UNITS],
}
SHAPES = {"convnet": CONVNET, "speech": SPEECH}


class LikeOps(Host):
    """Answers requests about networks whose code is there."""

    def op_freeze_network(self, request: Json) -> Json:
        """Make a network, and freeze it as it is."""
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            variables, output = self._scoped(request)
            self._fill(session, variables, request["seed"])
            convert = self.v1.graph_util.convert_variables_to_constants
            frozen = convert(session, graph.as_graph_def(), [output.op.name])
            Path(request["out"]).write_bytes(frozen.SerializeToString())
            return self._found(session, variables, output)

    def op_save_network(self, request: Json) -> Json:
        """Make a network in a scope, and save it untrained, with a step."""
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            variables, _ = self._scoped(request)
            self._fill(session, variables, request["seed"])
            step = self.v1.train.get_or_create_global_step()
            step.load(1000, session)
            saver = self.v1.train.Saver(self._saved(request))
            return {"path": saver.save(session, request["prefix"])}

    def op_restore_network(self, request: Json) -> Json:
        """Make a network in a scope, and restore what its Saver saves."""
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            variables, output = self._scoped(request)
            step = self.v1.train.get_or_create_global_step()
            for one in self.v1.global_variables():
                one.load(np.zeros(one.shape.as_list(), one.dtype.as_numpy_dtype), session)
            self.v1.train.Saver(self._saved(request)).restore(session, request["prefix"])
            return dict(self._found(session, variables, output), step=int(session.run(step)))

    def _saved(self, request: Json) -> list[Any]:
        excluded = tuple(request["excluded"])
        return [one for one in self.v1.global_variables() if not one.op.name.endswith(excluded)]

    def _scoped(self, request: Json) -> Any:
        parts = request.get("parts")
        partitioner = self.v1.fixed_size_partitioner(parts) if parts else None
        with self.v1.variable_scope(request["scope"], partitioner=partitioner):
            return self._network(request["network"])

    def _network(self, name: str) -> Any:
        made = {key: self.v1.get_variable(key, shape) for key, shape in SHAPES[name].items()}
        tensors = {key: self.tf.convert_to_tensor(one) for key, one in made.items()}
        output = self._convnet(tensors) if name == "convnet" else self._speech(tensors)
        return made, output

    def _convnet(self, made: Any) -> Any:
        nn = self.v1.nn
        image = self.tf.constant(np.arange(50, dtype=np.float32).reshape(1, 5, 5, 2) / 50)
        y = nn.conv2d(image, made["conv/weights"], strides=[1, 1, 1, 1], padding="SAME")
        y = nn.bias_add(y, made["conv/biases"])
        norm = [made["norm/" + key] for key in ("gamma", "beta", "moving_mean", "moving_variance")]
        y = nn.fused_batch_norm(y, *norm, is_training=False)[0]
        y = self.v1.reduce_mean(nn.relu(y), [1, 2])
        return self.v1.nn.xw_plus_b(y, made["fc/weights"], made["fc/biases"], name="logits")

    def _speech(self, made: Any) -> Any:
        frames = np.arange(2 * STEPS, dtype=np.float32).reshape(STEPS, 1, 2) / 9
        inputs = [
            self.tf.nn.relu(self.v1.nn.xw_plus_b(self.tf.constant(one), made["h1"], made["b1"]))
            for one in frames
        ]
        forward = self._cell(made, CELL.format("fw"), inputs)
        backward = self._cell(made, CELL.format("bw"), inputs[::-1])
        both = self.tf.concat([forward, backward], 1)
        return self.v1.nn.xw_plus_b(both, made["h2"], made["b2"], name="logits")

    def _cell(self, made: Any, cell: str, inputs: Any) -> Any:
        state, h = made["previous_state_c"], made["previous_state_h"]
        tf = self.tf
        for x in inputs:
            product = tf.matmul(tf.concat([x, h], 1), made[cell + "kernel"])
            i, j, f, o = tf.split(tf.nn.bias_add(product, made[cell + "bias"]), 4, 1)
            state = state * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
            h = tf.tanh(state) * tf.sigmoid(o)
        return h

    def _fill(self, session: Any, variables: Any, seed: int) -> None:
        random = np.random.RandomState(seed)
        for one in variables.values():
            for part in one if hasattr(one, "_get_variable_list") else [one]:
                part.load(random_values(random, part.shape.as_list()), session)

    def _found(self, session: Any, variables: Any, output: Any) -> Json:
        tensors = {key: self.tf.convert_to_tensor(one) for key, one in variables.items()}
        values, made = session.run((tensors, output))
        facts = [dict(described(1, value), name=key) for key, value in sorted(values.items())]
        return {"tensors": facts, "output": described(1, made)}

    def op_save_objects(self, request: Json) -> Json:
        """Save the convnet's variables as objects, under their own names."""
        random = np.random.RandomState(request["seed"])
        root, _ = self._objects(random)
        root.step.assign(1000)
        return {"path": self.tf.train.Checkpoint.save(root, request["prefix"])}

    def op_restore_objects_like(self, request: Json) -> Json:
        """Restore the convnet's variables as objects."""
        root, variables = self._objects(None)
        status = getattr(self.tf.train.Checkpoint, request["call"])(root, request["prefix"])
        asserts = ("assert_consumed", "assert_existing_objects_matched")
        refused = [refused_by(status, name) for name in asserts]
        facts = [
            dict(described(1, one.numpy()), name=name) for name, one in sorted(variables.items())
        ]
        return {"tensors": facts, "refused": refused, "step": int(root.step.numpy())}

    def _objects(self, random: Any) -> Any:
        """Give a root with a layer for each scope, and the variables by their names."""
        tf = self.tf
        layers: dict[str, Any] = {}
        variables = {}
        for name, shape in CONVNET.items():
            layer, _, attribute = name.partition("/")
            value = np.zeros(shape, np.float32) if random is None else random_values(random, shape)
            variables[name] = tf.Variable(value, name=name)
            layers.setdefault(layer, {})[attribute] = variables[name]
        layers = {name: tf.train.Checkpoint(**parts) for name, parts in layers.items()}
        step = tf.Variable(0, dtype=tf.int64, name="global_step")
        return tf.train.Checkpoint(model=tf.train.Checkpoint(**layers), step=step), variables


def random_values(random: Any, shape: list[int]) -> Any:
    """Give positive values: a variance is among them."""
    return random.uniform(0.1, 1.0, shape).astype(np.float32)
