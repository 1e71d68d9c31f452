"""The worker's part for graphs in their other forms: text, MetaGraphDef, SavedModel.

    op              asks             answers
    write_text      path, out, known nothing: out is the text of the GraphDef in path, and
                                     known what TensorFlow knows of it, in binary form
    save_graphs     directory        tags; m.meta, m.meta.txt, model, model_text are there
    save_module     directory        nothing: model and model_text are there
    freeze_gathers  out              nothing: out is a graph that was frozen, imported and
                                     written again, with a look-up in a variable and one in
                                     a constant

`save_graphs` is for graphs: a variable of each kind and a constant, saved for
the tags "serve" and "serve", "gpu". `save_module` is for a worker that was
started with `--eager`: a tf.Module with a function that branches.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.oracle.tensorflow_values import Host, Json
else:  # a script finds the files beside it
    from tensorflow_values import Host

TAGS = (["serve"], ["serve", "gpu"])


class GraphOps(Host):
    """Answers requests about graphs in their other forms."""

    def op_write_text(self, request: Json) -> Json:
        """Write a graph as text, as tf.io.write_graph does.

        TensorFlow 1 does not know all fields that TensorFlow 2 writes, and text has
        none that are unknown.
        """
        graph = self.v1.GraphDef()
        graph.ParseFromString(Path(request["path"]).read_bytes())
        graph.DiscardUnknownFields()
        Path(request["known"]).write_bytes(graph.SerializeToString())
        directory, name = os.path.split(request["out"])
        self.tf.io.write_graph(graph, directory, name, as_text=True)
        return {}

    def op_save_graphs(self, request: Json) -> Json:
        """Save a graph of variables as MetaGraphDef and as SavedModel, each in both forms."""
        directory = Path(request["directory"])
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            w = self.v1.get_variable("ref/w", initializer=[[1.0, 2.0]], use_resource=False)
            b = self.v1.get_variable("resource/b", initializer=[3.0], use_resource=True)
            self.tf.add(w + b, self.tf.constant([[4.5, float("inf")]]), name="y")
            session.run(self.v1.global_variables_initializer())
            for name, as_text in (("m.meta", False), ("m.meta.txt", True)):
                self.v1.train.export_meta_graph(str(directory / name), as_text=as_text)
            for name, as_text in (("model", False), ("model_text", True)):
                self._save_model(session, str(directory / name), as_text)
        return {"tags": TAGS}

    def _save_model(self, session: Any, directory: str, as_text: bool) -> None:  # noqa: FBT001
        builder = self.v1.saved_model.Builder(directory)
        builder.add_meta_graph_and_variables(session, TAGS[0])
        builder.add_meta_graph(TAGS[1])
        builder.save(as_text=as_text)

    def op_freeze_gathers(self, request: Json) -> Json:
        """Freeze look-ups in tables of both kinds, and import what came out under a prefix."""
        tf, v1 = self.tf, self.v1
        with tf.Graph().as_default(), v1.Session(config=self.config) as session:
            ids = v1.placeholder(tf.int32, [None], "ids")
            with v1.variable_scope("net"):
                table = v1.get_variable("table", [7, 3], use_resource=True)
                kernel = v1.get_variable("kernel", [3, 2], use_resource=True)
            code = tf.constant([[0.5 * row, 1.25, -row] for row in range(7)], name="net/code")
            sums = tf.nn.embedding_lookup(table, ids) + tf.nn.embedding_lookup(code, ids)
            tf.matmul(sums, kernel, name="out")
            session.run(v1.global_variables_initializer())
            frozen = v1.graph_util.convert_variables_to_constants(
                session, session.graph_def, ["out"]
            )
        with tf.Graph().as_default() as again:
            tf.import_graph_def(frozen, name="imported")
            Path(request["out"]).write_bytes(again.as_graph_def().SerializeToString())
        return {}

    def op_save_module(self, request: Json) -> Json:
        """Save objects, and write the file that came out as text too."""
        tf = self.tf
        directory = Path(request["directory"])

        model = tf.Module()
        model.w = tf.Variable([1.0, 2.0], name="w")

        def branch(x: Any) -> Any:
            if tf.reduce_sum(x) > 0.0:
                return x * model.w
            return x + tf.constant([5.0, 6.0])

        model.branch = tf.function(branch, input_signature=[tf.TensorSpec([2], tf.float32)])
        tf.saved_model.save(model, str(directory / "model"))
        text_format = importlib.import_module("google.protobuf.text_format")
        messages = importlib.import_module("tensorflow.core.protobuf.saved_model_pb2")
        saved = messages.SavedModel()
        saved.ParseFromString((directory / "model" / "saved_model.pb").read_bytes())
        (directory / "model_text").mkdir()
        text = text_format.MessageToString(saved)
        (directory / "model_text" / "saved_model.pbtxt").write_text(text, encoding="utf-8")
        return {}
