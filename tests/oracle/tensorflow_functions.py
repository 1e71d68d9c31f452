"""The worker's part for graphs that became functions: they are run in both forms at once.

    op             asks                                       answers
    tensor_types   graph, tensors                             types: DT numbers
    run_called     graph, feeds: [{tensor, npz}], values,     same: whether the bits of each
                   fetches, called, init_ops, restore?        fetch and of what is called are

``graph`` has the nodes, and one that calls the function made of them; ``called`` are its
outputs, in the order of the fetches. Both are fetched in one run. ``restore`` says how
variables get their values: {filename, op, prefix}.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_values import Host, Json
else:  # a script finds the files beside it
    from tensorflow_values import Host


class FunctionOps(Host):
    """Answers requests about graphs that became functions."""

    def read_graph(self, path: str) -> Any:
        """Read a graph; the worker's other part knows how."""
        raise NotImplementedError

    def op_tensor_types(self, request: Json) -> Json:
        """Say what types tensors of a graph have."""
        with self.tf.Graph().as_default() as graph:
            self.tf.import_graph_def(self.read_graph(request["graph"]), name="")
            tensors = [graph.get_tensor_by_name(name) for name in request["tensors"]]
            return {"types": [tensor.dtype.as_datatype_enum for tensor in tensors]}

    def op_run_called(self, request: Json) -> Json:
        """Fetch tensors of a graph, and the same of the function that it calls."""
        values = np.load(request["values"], allow_pickle=True)
        feeds = {feed["tensor"]: values[feed["npz"]] for feed in request["feeds"]}
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            self.tf.import_graph_def(self._without_optimizers(request["graph"]), name="")
            restore = request.get("restore")
            if restore:
                operation = graph.get_operation_by_name(restore["op"])
                session.run(operation, {restore["filename"]: restore["prefix"]})
            session.run([graph.get_operation_by_name(name) for name in request["init_ops"]])
            found, called = session.run([request["fetches"], request["called"]], feeds)
        return {"same": [_same(*pair) for pair in zip(found, called)]}

    def _without_optimizers(self, path: str) -> Any:
        """Read a graph; a call goes by options of its own, which are made the session's."""
        graph_def = self.read_graph(path)
        graph_def.node[-1].attr["config_proto"].s = self.config.SerializeToString()
        return graph_def


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, other))
    return bool(one.tobytes() == other.tobytes())
