"""The worker's part that computes many small graphs of constants, and gives their bytes.

Imported by `tensorflow_worker.py` alone, as a file beside it. Runs on Python 3.7.

    op                 asks                                         answers
    evaluate_many      cases, answers: paths of JSON files          version

Cases are a list of {graph_hex, outputs: names of tensors, group}. Answers are a list
in the same order of {tensors: [{dtype, shape, hex}]}, or of {error, message}.

Cases are computed together, for a session of its own takes longer than what it
computes. One that fails says nothing of the others: these are asked again, those of
a group together, and in the end each alone. Those of a group have the same op and
attrs, so that there is a kernel for all of them or for none.
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

# What TensorFlow says of an op and its attrs, whatever its inputs are.
OF_ALL = ("No OpKernel was registered", "is not in the list of allowed values")


class EvaluationOps(Host):
    """Answers what graphs of constants come to."""

    def op_evaluate_many(self, request: Json) -> Json:
        """Compute all cases."""
        cases = json.loads(Path(request["cases"]).read_text(encoding="ascii"))
        answers: dict[int, Json] = {}
        groups: dict[str, dict[int, Json]] = {}
        for place, case in enumerate(cases):
            groups.setdefault(case["group"], {})[place] = case
        if not self._together(dict(enumerate(cases)), answers):
            for group in groups.values():
                self._grouped(group, answers)
        ordered = [answers[place] for place in range(len(cases))]
        Path(request["answers"]).write_text(json.dumps(ordered), encoding="ascii")
        return {"version": self.tf.__version__}

    def _grouped(self, cases: dict[int, Json], answers: dict[int, Json]) -> None:
        """Answer the cases of a group: together, or each alone."""
        if self._together(cases, answers):
            return
        for place, case in cases.items():
            answers[place] = self._alone(case)
            if any(text in answers[place].get("message", "") for text in OF_ALL):
                answers.update(dict.fromkeys(cases, answers[place]))
                return

    def _together(self, cases: dict[int, Json], answers: dict[int, Json]) -> bool:
        """Answer cases that are in one graph, and tell whether that went well."""
        try:
            answers.update(zip(cases, self._computed(list(cases.values()))))
        except Exception:  # noqa: BLE001 - each of them is asked again
            return False
        return True

    def _alone(self, case: Json) -> Json:
        try:
            return self._computed([case])[0]
        except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
            return {"error": type(error).__name__, "message": str(error)[:400]}

    def _computed(self, cases: list[Json]) -> list[Json]:
        """Return the answers of cases, each in a scope of its own."""
        whole = self.v1.GraphDef()
        whole.versions.producer = self.tf.version.GRAPH_DEF_VERSION
        for at, case in enumerate(cases):
            graph_def = self.v1.GraphDef.FromString(bytes.fromhex(case["graph_hex"]))
            for node in graph_def.node:
                node.name = f"case{at}/{node.name}"
                node.input[:] = [f"case{at}/{name}" for name in node.input]
            whole.MergeFrom(graph_def)
        with self.tf.Graph().as_default() as graph:
            self.tf.import_graph_def(whole, name="")
            outputs = [
                [graph.get_tensor_by_name(f"case{at}/{name}") for name in case["outputs"]]
                for at, case in enumerate(cases)
            ]
            with self.v1.Session(config=self.config) as session:
                # Not session.run: it takes a fifth of a second to word a long error.
                fetched = session.make_callable(outputs)()
        return [
            {"tensors": [self._in_full(*pair) for pair in zip(*one)]}
            for one in zip(outputs, fetched)
        ]

    @staticmethod
    def _in_full(tensor: Any, value: Any) -> Json:  # noqa: ANN401 - whatever TensorFlow returns
        dtype = tensor.dtype.as_datatype_enum
        shape = [int(size) for size in np.shape(value)]
        return {"dtype": dtype, "shape": shape, "hex": np.asarray(value).tobytes().hex()}
