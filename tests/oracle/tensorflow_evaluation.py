"""The worker's part that computes many small graphs of constants, and gives their bytes.

Imported by `tensorflow_worker.py` alone, as a file beside it. Runs on Python 3.7.

    op                 asks                                         answers
    evaluate_many      cases, answers: paths of JSON files          version

Cases are a list of {graph_hex, outputs: names of tensors}. Answers are a list in
the same order of {tensors: [{dtype, shape, hex}]}, or of {error, message}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_values import Host, Json
else:  # a script finds the files beside it
    from tensorflow_values import Host


class EvaluationOps(Host):
    """Answers what graphs of constants come to."""

    def op_evaluate_many(self, request: Json) -> Json:
        """Run each graph in a session of its own: one that fails says nothing of the others."""
        cases = json.loads(Path(request["cases"]).read_text(encoding="ascii"))
        answers = [self._evaluate(case) for case in cases]
        Path(request["answers"]).write_text(json.dumps(answers), encoding="ascii")
        return {"version": self.tf.__version__}

    def _evaluate(self, case: Json) -> Json:
        graph_def = self.v1.GraphDef()
        graph_def.ParseFromString(bytes.fromhex(case["graph_hex"]))
        graph_def.versions.producer = case.get("producer", self.tf.version.GRAPH_DEF_VERSION)
        try:
            with self.tf.Graph().as_default() as graph:
                self.tf.import_graph_def(graph_def, name="")
                with self.v1.Session(config=self.config) as session:
                    outputs = [graph.get_tensor_by_name(name) for name in case["outputs"]]
                    fetched = session.run(outputs)
        except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
            return {"error": type(error).__name__, "message": str(error)[:400]}
        return {
            "tensors": [
                self._in_full(tensor.dtype.as_datatype_enum, value)
                for tensor, value in zip(outputs, fetched)
            ]
        }

    @staticmethod
    def _in_full(dtype: int, value: Any) -> Json:  # noqa: ANN401 - whatever TensorFlow returns
        shape = [int(size) for size in np.shape(value)]
        return {"dtype": dtype, "shape": shape, "hex": np.asarray(value).tobytes().hex()}
