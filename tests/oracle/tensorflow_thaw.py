"""The worker's part for graphs that were thawed: they are run, trained and saved again.

    op           asks                                           answers
    run_thawed   frozen, prefix, feeds: [{tensor, npz}],        outputs, variables, trainable,
                 values (.npz), fetches, init_ops, steps,       shared_names, training, saved,
                 original?, kept?, handles?                     fresh_saver, gradients

``frozen`` is the frozen graph and ``prefix`` the checkpoint with its .meta. Of each
output it is said whether the bits are the same, how far they are from each other, and
how far two runs of the frozen graph itself are (``spread``): once with the graph
optimizers and once without, where there are ``steps``. ``training`` takes those on the
squared distance of the first float output to a fixed random target. ``original`` is a
checkpoint and .meta of before freezing, whose gradients are compared. ``kept`` says where
the values are of variables that were never frozen: {prefix, names}. ``handles`` are
resources that the graph wants to be fed, which are made here: of a variable {tensor,
prefix, key}, of a table {tensor, words, number}, the number being what it gives for every
word.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_thaw_networks import ThawNetworkOps
    from tests.oracle.tensorflow_values import Array, Json
else:  # a script finds the files beside it
    from tensorflow_thaw_networks import ThawNetworkOps

SEED = 7
HALVINGS = 30
FIRST_STEP = 0.1
LONGEST = 400


class ThawOps(ThawNetworkOps):
    """Answers requests about graphs with their variables back."""

    def op_run_thawed(self, request: Json) -> Json:
        """Run a frozen graph and what it was thawed to, and train that."""
        feeds = self._feeds(request)
        fetches = request["fetches"]
        expected = self._run_frozen(request, feeds, self.config)
        again = self._run_frozen(request, feeds, None) if request.get("steps") else expected
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            self._restored(session, request)
            found = session.run(fetches, feeds)
            answer: Json = {
                "outputs": [
                    _compared(name, *values)
                    for name, *values in zip(fetches, expected, found, again)
                ],
                "variables": [one.op.name for one in self.v1.global_variables()],
                "trainable": [one.op.name for one in self.v1.trainable_variables()],
                "shared_names": [
                    node.get_attr("shared_name").decode()
                    for node in graph.get_operations()
                    if node.type == "VarHandleOp"
                ],
                "uninitialized": [
                    name.decode() for name in session.run(self.v1.report_uninitialized_variables())
                ],
            }
            answer["saved"] = self._saved_again(session)
        answer["fresh_saver"] = self._fresh_saver(request["prefix"])
        with self.tf.Graph().as_default():
            self.v1.train.import_meta_graph(request["prefix"] + ".meta", import_scope="again")
        if request.get("steps"):
            answer["training"] = self._trained_down(request, feeds, expected)
        if request.get("original"):
            answer["gradients"] = self._against_original(request, feeds, expected)
        return answer

    def _feeds(self, request: Json) -> Json:
        values = np.load(request["values"], allow_pickle=True)
        return {feed["tensor"]: values[feed["npz"]] for feed in request["feeds"]}

    def _restored(self, session: Any, request: Json) -> None:
        """Import the thawed graph and restore it with its own saver."""
        self._prepared(session, request, self._imported(request))

    def _imported(self, request: Json) -> tuple[Any, list[Any]]:
        given, made = self._handles(request)
        path = request["prefix"] + ".meta"
        options = {"input_map": given} if given else {}
        return self.v1.train.import_meta_graph(path, **options), made

    def _prepared(self, session: Any, request: Json, imported: tuple[Any, list[Any]]) -> None:
        saver, made = imported
        saver.restore(session, request["prefix"])
        session.run(made)
        self._initialize(session, request)

    def _initialize(self, session: Any, request: Json) -> None:
        """Run what must run first, and give variables their values that were never frozen."""
        graph = session.graph
        session.run([graph.get_operation_by_name(name) for name in request.get("init_ops", [])])
        kept = request.get("kept")
        if kept:
            values = self.tf.train.load_checkpoint(kept["prefix"])
            for name in kept["names"]:
                handle = graph.get_tensor_by_name(name + ":0")
                value = values.get_tensor(name)
                session.run(self.v1.raw_ops.Assign(ref=handle, value=value).op)

    def _handles(self, request: Json) -> tuple[Json, list[Any]]:
        """Make the resources that a graph wants to be fed, and what fills them."""
        given, made = {}, []
        raw = self.v1.raw_ops
        for one in request.get("handles", []):
            if "words" in one:
                types = {"key_dtype": self.tf.string, "value_dtype": self.tf.int64}
                handle = raw.MutableHashTableV2(**types, shared_name=one["tensor"])
                numbers = np.full(len(one["words"]), one["number"], np.int64)
                fill = raw.LookupTableImportV2(
                    table_handle=handle, keys=one["words"], values=numbers
                )
            else:
                value = self.tf.train.load_checkpoint(one["prefix"]).get_tensor(one["key"])
                handle = raw.VarHandleOp(
                    dtype=value.dtype, shape=value.shape, shared_name=one["tensor"]
                )
                fill = raw.AssignVariableOp(resource=handle, value=value)
            given[one["tensor"]] = handle
            made.append(fill)
        return given, made

    def _run_frozen(self, request: Json, feeds: Json, config: Any) -> list[Array]:
        graph_def = self.read_graph(request["frozen"])
        with self.tf.Graph().as_default(), self.v1.Session(config=config) as session:
            given, made = self._handles(request)
            self.tf.import_graph_def(graph_def, name="", input_map=given)
            session.run(made)
            self._initialize(session, request)
            return list(session.run(request["fetches"], feeds))

    def read_graph(self, path: str) -> Any:
        """Read a graph, as text too, and take away what this TensorFlow does not know."""
        graph_def = self.v1.GraphDef()
        data = Path(path).read_bytes()
        if path.endswith(".pbtxt"):
            from google.protobuf import text_format  # noqa: PLC0415 - TensorFlow's own

            text_format.Parse(data, graph_def)
        else:
            graph_def.ParseFromString(data)
        if self.tf.__version__.startswith("1."):
            _without_newer(graph_def, self._known())
        return graph_def

    def _known(self) -> dict[str, set[str]]:
        """Return the attributes of each op that TensorFlow 1.15 knows."""
        from tensorflow.python.framework import op_def_registry  # noqa: PLC0415

        ops = op_def_registry.get_registered_ops()
        return {name: {attr.name for attr in op.attr} for name, op in ops.items()}

    def _saved_again(self, session: Any) -> Json:
        """Save with a Saver of our own making, lose all, restore; say whether all is back."""
        variables = self.v1.global_variables()
        before = session.run([self._value_of(one) for one in variables])
        with tempfile.TemporaryDirectory() as folder:
            saver = self.v1.train.Saver()
            path = saver.save(session, str(Path(folder, "again")))
            session.run(self.v1.global_variables_initializer())
            zeros = session.run([self._value_of(one) for one in variables])
            saver.restore(session, path)
        after = session.run([self._value_of(one) for one in variables])
        return {
            "same": all(_same(*pair) for pair in zip(before, after)),
            "zeroed": not any(any(value.tobytes()) for value in zeros if value.dtype != object),
        }

    def _fresh_saver(self, prefix: str) -> str:
        """Restore with a Saver that goes by the names of the variables; say why it cannot."""
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            self.v1.train.import_meta_graph(prefix + ".meta")
            try:
                self.v1.train.Saver().restore(session, prefix)
            except Exception as error:  # noqa: BLE001 - told, not judged
                return str(error).split("\n", 1)[0]
        return ""

    def _value_of(self, variable: Any) -> Any:
        return variable.value()

    def _loss(self, graph: Any, fetches: list[str], expected: list[Array]) -> Any:
        """Return the squared distance of the first float output to a fixed target."""
        for name, value in zip(fetches, map(np.asarray, expected)):
            if value.dtype.kind == "f" and value.size:
                random = np.random.RandomState(SEED)
                scale = float(np.abs(value.astype(np.float64)).mean()) or 1.0
                target = value + (scale * random.standard_normal(value.shape)).astype(value.dtype)
                output = graph.get_tensor_by_name(name)
                return self.tf.reduce_sum((output - target) ** 2)
        return None

    def _trained_down(self, request: Json, feeds: Json, expected: list[Array]) -> Json:
        """Take steps down the gradient; say what changed, and what the loss was.

        The gradients are made before anything is run: those of a functional While
        change the loop itself, which a session that has run it does not allow.
        """
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            imported = self._imported(request)
            loss = self._loss(graph, request["fetches"], expected)
            trainable = self.v1.trainable_variables()
            if loss is None or not trainable:
                return {"refused": "no float output" if loss is None else "nothing is trainable"}
            self._know_functional_gradients()
            try:
                gradients = self.v1.gradients(loss, trainable)
                self._prepared(session, request, imported)
                pairs = list(zip(gradients, trainable))
                return self._stepped(session, request, feeds, loss, pairs)
            except Exception as error:  # noqa: BLE001 - TensorFlow's verdict, whatever it is
                said = " ".join(str(error).split())[:LONGEST]
                return {"refused": f"{type(error).__name__}: {said}"}

    def _know_functional_gradients(self) -> None:
        """Have TensorFlow 1.15 know the gradients of While and If, which it loads when needed."""
        importlib.import_module("tensorflow.python.ops.while_v2")
        importlib.import_module("tensorflow.python.ops.cond_v2")

    def _stepped(self, session: Any, request: Json, feeds: Json, loss: Any, found: Any) -> Json:
        pairs = [(g, v) for g, v in found if g is not None]
        idle = [v.op.name for g, v in found if g is None]
        if not pairs:
            return {"refused": "no gradient", "idle": idle}
        everything = self.v1.global_variables()
        names = [one.op.name for one in everything]
        reads = [self._value_of(one) for one in everything]
        start = session.run(reads)
        dense = [self.tf.convert_to_tensor(gradient) for gradient, _ in pairs]
        rate = self.v1.placeholder(self.tf.float64, [])
        updates = [
            self.v1.assign_sub(v, self.tf.cast(rate, g.dtype) * g).op
            for g, (_, v) in zip(dense, pairs)
        ]
        losses = [float(session.run(loss, feeds))]
        for _ in range(request["steps"]):
            values = session.run(dense, feeds)
            norm = sum(float((value.astype(np.float64) ** 2).sum()) for value in values)
            here = session.run(reads)
            step = FIRST_STEP * losses[-1] / norm if norm else 0.0
            for _ in range(HALVINGS):
                session.run(updates, {rate: step, **feeds})
                new = float(session.run(loss, feeds))
                if new < losses[-1]:
                    break
                self._put_back(session, everything, here)
                step /= 2
            losses.append(float(session.run(loss, feeds)))
        end = session.run(reads)
        return {
            "refused": "",
            "losses": losses,
            "idle": idle,
            "changed": [n for n, a, b in zip(names, start, end) if not _same(a, b)],
        }

    def _put_back(self, session: Any, variables: list[Any], values: list[Array]) -> None:
        for variable, value in zip(variables, values):
            variable.load(value, session)

    def _against_original(self, request: Json, feeds: Json, expected: list[Array]) -> Json:
        """Compare the gradients with those of the graph before it was frozen."""
        found = []
        for prefix in (request["original"], request["prefix"]):
            graph = self.tf.Graph()
            with graph.as_default(), self.v1.Session(config=self.config) as session:
                saver = self.v1.train.import_meta_graph(prefix + ".meta")
                loss = self._loss(graph, request["fetches"], expected)
                trainable = self.v1.trainable_variables()
                self._know_functional_gradients()
                grads = self.v1.gradients(loss, trainable)
                self._prepared(session, dict(request, prefix=prefix), (saver, []))
                pairs = [(g, v) for g, v in zip(grads, trainable) if g is not None]
                values = session.run([self.tf.convert_to_tensor(g) for g, _ in pairs], feeds)
                found.append({v.op.name: a for (_, v), a in zip(pairs, values)})
        original, thawed = found
        common = [name for name in thawed if name in original]
        return {
            "compared": len(common),
            "missing": sorted(set(original) - set(thawed)),
            "furthest": max([_relative(original[name], thawed[name]) for name in common] or [0.0]),
        }


def _compared(name: str, expected: Array, found: Array, again: Array) -> Json:
    return {
        "name": name,
        "same": _same(expected, found),
        "difference": _difference(expected, found),
        "spread": _difference(expected, again),
    }


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, other))
    return bool(one.tobytes() == other.tobytes())


def _difference(one: Any, other: Any) -> float:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype == object or one.dtype.kind == "b" or one.shape != other.shape:
        return 0.0 if _same(one, other) else float("inf")
    if not one.size:
        return 0.0
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    return float(np.nanmax(np.abs(one.astype(wide) - other.astype(wide))))


def _relative(one: Array, other: Array) -> float:
    scale = float(np.abs(one).max()) if one.size else 0.0
    return _difference(one, other) / (scale or 1.0)


def _without_newer(graph_def: Any, known: dict[str, set[str]]) -> None:
    """Take away what 1.15 does not know, so that it can run the frozen graph at all."""
    bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    for nodes in bodies:
        for node in nodes:
            for name in list(node.attr):
                if node.op in known and not name.startswith("_") and name not in known[node.op]:
                    del node.attr[name]
