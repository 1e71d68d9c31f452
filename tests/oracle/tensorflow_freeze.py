"""The worker's part for freezing: networks that TensorFlow freezes, and what others made.

    op               asks                              answers
    save_and_freeze  network, resource, prefix,        variables, refusal
                     frozen, values, saved_model
    write_graph      prefix, out                       -
    compare_graphs   expected, found                   differences, order, added
    run_frozen_like  frozen, values, fetch             same
    train_again      prefix, saved, values, fetch      changed

``save_and_freeze`` makes one of `NETWORKS`, saves it at ``prefix`` and as a SavedModel, runs
it on a fixed feed, which is written as the .npz ``values`` with what came ``out``, and
freezes it. ``compare_graphs`` tells what is not the same of the nodes of two graphs, with
attributes at their defaults left out, what comes first in another order, and which nodes
only the second has. ``run_frozen_like`` says whether a frozen graph gives what came out.
``train_again`` changes all variables of a .meta and saves it, and writes what it then gives.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_freeze_networks import BATCH, NETWORKS, WIDTH, Kit
    from tests.oracle.tensorflow_values import Host, Json
else:  # a script finds the files beside it
    from tensorflow_freeze_networks import BATCH, NETWORKS, WIDTH, Kit
    from tensorflow_values import Host

TURNS = 3


class FreezeOps(Host):
    """Answers requests about graphs that are frozen."""

    def op_save_and_freeze(self, request: Json) -> Json:
        """Make a network, save it both ways, run it, and freeze it."""
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            x = self.v1.placeholder(self.tf.float32, [BATCH, WIDTH], name="x")
            n = self.v1.placeholder(self.tf.int32, [], name="n")
            kit = Kit(self.tf, self.v1, resource=request["resource"])
            made = NETWORKS[request["network"]](kit, x, n)
            result, once = made if isinstance(made, tuple) else (made, ())
            out = self.tf.identity(result, name="out")
            session.run(self.v1.global_variables_initializer())
            feeds = self._fixed_feeds()
            session.run(once, feeds)
            self.v1.train.Saver().save(session, request["prefix"])
            self._save_signature(session, request["saved_model"], {"x": x}, {"y": out})
            np.savez(request["values"], out=np.asarray(session.run(out, feeds)))
            refusal = self._freeze(session, graph, request["frozen"])
            variables = [one.op.name for one in self.v1.global_variables()]
        return {"variables": variables, "refusal": refusal}

    def _save_signature(self, session: Any, folder: str, inputs: Json, outputs: Json) -> None:
        """Save a SavedModel; simple_save would take the devices out of it."""
        saved_model = self.v1.saved_model
        predict = saved_model.predict_signature_def(inputs, outputs)
        builder = saved_model.Builder(folder)
        signatures = {"serving_default": predict}
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()

    def _freeze(self, session: Any, graph: Any, path: str) -> str:
        """Freeze a graph; say why it cannot be."""
        freeze = self.v1.graph_util.convert_variables_to_constants
        try:
            frozen = freeze(session, graph.as_graph_def(), ["out"])
        except Exception as error:  # noqa: BLE001 - TensorFlow's verdict, whatever it is
            return f"{type(error).__name__}: {error}"
        Path(path).write_bytes(frozen.SerializeToString())
        return ""

    def op_write_graph(self, request: Json) -> Json:
        """Write the graph of a .meta alone."""
        meta_graph = self.v1.MetaGraphDef()
        meta_graph.ParseFromString(Path(request["prefix"] + ".meta").read_bytes())
        Path(request["out"]).write_bytes(meta_graph.graph_def.SerializeToString())
        return {}

    def _fixed_feeds(self) -> Json:
        values = np.random.RandomState(5).uniform(-1, 1, (BATCH, WIDTH))
        return {"x:0": values.astype(np.float32), "n:0": TURNS}

    def op_compare_graphs(self, request: Json) -> Json:
        """Compare the nodes of two graphs."""
        expected, found = (self._nodes(request[one]) for one in ("expected", "found"))
        differences = [f"{name} is missing" for name in expected if name not in found]
        for name in (one for one in expected if one in found):
            differences += self._differences(expected[name], found[name])
        added = [name for name in found if name not in expected]
        order = [name for name in found if name in expected and not _is_axis(name)]
        wanted = [name for name in expected if name in found and not _is_axis(name)]
        moved = [one for one, other in zip(order, wanted) if one != other]
        return {"differences": differences, "order": moved[:4], "added": added}

    def _nodes(self, path: str) -> dict[str, Any]:
        """Return the nodes of a graph by their names, the same op written the same way."""
        graph_def = self.v1.GraphDef()
        graph_def.ParseFromString(Path(path).read_bytes())
        return {node.name: node for node in self._plain(graph_def.node)}

    def _plain(self, nodes: Any) -> Any:
        """Return nodes without attributes that say what holds anyway."""
        from tensorflow.python.framework import op_def_registry  # noqa: PLC0415

        for node in nodes:
            if hasattr(op_def_registry, "get"):
                op = op_def_registry.get(node.op)
            else:
                op = op_def_registry.get_registered_ops().get(node.op)
            for attr in op.attr if op else ():
                is_there = attr.HasField("default_value") and attr.name in node.attr
                if is_there and attr.default_value == node.attr[attr.name]:
                    del node.attr[attr.name]
            node.attr.pop("_output_shapes", None)
        return nodes

    def _differences(self, one: Any, other: Any) -> list[str]:
        found = []
        for part in ("op", "input", "device"):
            mine, its = getattr(one, part), getattr(other, part)
            if mine != its:
                found.append(f"{one.name}: {part} {mine} is {its}")
        for key in sorted(set(one.attr) | set(other.attr)):
            if (key in one.attr) != (key in other.attr):
                where = "the first" if key in one.attr else "the second"
                found.append(f"{one.name}: {key} is only in {where}")
            elif not self._same_attribute(one.attr[key], other.attr[key]):
                found.append(f"{one.name}: {key} {one.attr[key]} is {other.attr[key]}"[:300])
        return found

    def _same_attribute(self, one: Any, other: Any) -> bool:
        if one.WhichOneof("value") == other.WhichOneof("value") == "func":
            # TensorFlow 2 makes new functions, with a number of their own.
            return unnumbered(one.func.name) == unnumbered(other.func.name)
        if one.list.func:
            names = [[unnumbered(f.name) for f in value.list.func] for value in (one, other)]
            return bool(names[0] == names[1])
        if one.WhichOneof("value") != "tensor":
            return bool(one == other)
        arrays = [self.tf.make_ndarray(value.tensor) for value in (one, other)]
        types = [value.tensor.dtype for value in (one, other)]
        return types[0] == types[1] and same_array(*arrays)

    def op_run_frozen_like(self, request: Json) -> Json:
        """Run a frozen graph on the fixed feed; say whether it gives what came out before."""
        graph_def = self.v1.GraphDef()
        graph_def.ParseFromString(Path(request["frozen"]).read_bytes())
        expected = np.load(request["values"], allow_pickle=True)["out"]
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            self.tf.import_graph_def(graph_def, name="")
            found = session.run(request["fetch"], self._feeds_of(session.graph))
        return {"same": same_array(expected, np.asarray(found))}

    def op_train_again(self, request: Json) -> Json:
        """Change what a .meta's variables have, save it, and write what it gives."""
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            saver = self.v1.train.import_meta_graph(request["prefix"] + ".meta")
            out = graph.get_tensor_by_name(request["fetch"])
            all_floats = [one for one in self.v1.trainable_variables() if one.dtype.is_floating]
            floats = [one for one in all_floats if one.shape.num_elements()]
            updates = [self.v1.assign_add(one, self.tf.ones_like(one) / 16).op for one in floats]
            saver.restore(session, request["prefix"])
            before = np.asarray(session.run(out, self._feeds_of(graph)))
            session.run(updates)
            after = np.asarray(session.run(out, self._feeds_of(graph)))
            self.v1.train.Saver().save(session, request["saved"])
            np.savez(request["values"], out=after)
        return {"changed": not same_array(before, after), "floats": len(floats)}

    def _feeds_of(self, graph: Any) -> Json:
        names = {node.name for node in graph.get_operations()}
        return {key: value for key, value in self._fixed_feeds().items() if key[:-2] in names}


def unnumbered(name: str) -> str:
    """Return the name of a function without the number that it has."""
    return re.sub(r"(?:_frozen)?_[0-9]+$", "", name)


def _is_axis(name: str) -> bool:
    """Tell whether it is a constant that freezing adds, which is in no certain place."""
    return name.endswith("/axis")


def same_array(one: Any, other: Any) -> bool:
    """Tell whether two arrays are the same, bit for bit."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, other))
    return bool(one.tobytes() == other.tobytes())
