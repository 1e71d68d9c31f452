"""The worker's part for models that were trained: variables, averages, slots of an optimizer.

    op              asks                       answers
    train_saver     prefix                     values: name -> elements, of all variables
    train_objects   prefix, path               values: w, b, and the slots m and v of w
    restore_objects prefix, path, asserts      values, as above, of a program that restores;
                                               refused: for each assert "" or a class

`train_saver` is for graphs: two variables, their moving averages and an Adam,
saved by the Saver of TensorFlow 1 after a step. The others are for a worker
that was started with `--eager`: a tf.train.Checkpoint that holds a model of two
variables at a path of names, and an Adam at ``opt``.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.oracle.tensorflow_forms import refused_by
    from tests.oracle.tensorflow_values import Host, Json
else:  # a script finds the files beside it
    from tensorflow_forms import refused_by
    from tensorflow_values import Host

W, B = [1.0, 2.0], [3.0]


class ObjectOps(Host):
    """Answers requests about models that were trained."""

    def op_train_saver(self, request: Json) -> Json:
        """Train a graph for a step, and save all that it has."""
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            w = self.v1.get_variable("dense/kernel", initializer=W)
            b = self.v1.get_variable("dense/bias", initializer=B)
            step = self.v1.train.get_or_create_global_step()
            loss = self.v1.reduce_sum(w * w) + self.v1.reduce_sum(b * b)
            train = self.v1.train.AdamOptimizer(0.5).minimize(loss, global_step=step)
            averages = self.v1.train.ExponentialMovingAverage(0.75)
            with self.v1.control_dependencies([train]):
                update = averages.apply([w, b])
            session.run(self.v1.global_variables_initializer())
            session.run(update)
            variables = self.v1.global_variables()
            values = session.run(variables)
            self.v1.train.Saver().save(session, request["prefix"], write_meta_graph=False)
        return {"values": {one.op.name: value.tolist() for one, value in zip(variables, values)}}

    def op_train_objects(self, request: Json) -> Json:
        """Train objects for a step, and write them."""
        trained = self._trained(request["path"], W, B)
        root, model, optimizer = trained
        gradients = [(2 * one, one) for one in (model.w, model.b)]
        optimizer.apply_gradients(gradients)
        self.tf.train.Checkpoint.write(root, request["prefix"])
        return {"values": values_of(trained)}

    def op_restore_objects(self, request: Json) -> Json:
        """Restore objects that lie at another place."""
        trained = self._trained(request["path"], [0.0, 0.0], [0.0])
        status = self.tf.train.Checkpoint.read(trained[0], request["prefix"])
        refused = [refused_by(status, name) for name in request["asserts"]]
        return {"values": values_of(trained), "refused": refused}

    def _trained(self, path: list[str], w: list[float], b: list[float]) -> Any:
        """Make the root, the model at a path below it, and the optimizer."""
        checkpoint = self.tf.train.Checkpoint
        variable = self.tf.Variable
        model = checkpoint(w=variable(w, name="w"), b=variable(b, name="b"))
        node = model
        for name in path[:0:-1]:
            node = checkpoint(**{name: node})
        optimizer = self.v1.train.AdamOptimizer(0.5)
        return checkpoint(**{path[0]: node, "opt": optimizer}), model, optimizer


def values_of(trained: Any) -> dict[str, Any]:
    """Read variables, and those slots that there are."""
    _, model, optimizer = trained
    slots = {name: optimizer.get_slot(model.w, name) for name in ("m", "v")}
    found = {"w": model.w, "b": model.b, **slots}
    return {name: one.numpy().tolist() for name, one in found.items() if one is not None}
