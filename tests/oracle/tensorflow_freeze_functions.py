"""The worker's part for freezing SavedModels of TensorFlow 2: models, and what they give.

    op                 asks                            answers
    save_model         model, folder, values           outputs: nodes that the signature ends in
    freeze_model       folder, outputs, out            refusal
    freeze_function    folder, out                     refusal, outputs
    compare_functions  expected, found                 differences, order, added
    count_ops          path, outputs                   ops: each, a digest of attributes, how many
    import_model       path                            functions: how many there are
    run_model          frozen, folder, values, once    same

``save_model`` makes one of the models, writes it as a SavedModel, loads that, and writes
what goes in and comes out as the .npz ``values``. ``freeze_model`` has TensorFlow load the
SavedModel as its first version does, and freeze that; ``freeze_function`` as its second
does, which puts functions in the places of their calls. ``compare_functions`` compares
graphs as ``compare_graphs`` does, and the functions that they call. ``run_model`` says
whether a frozen graph gives what came out before, after the nodes ``once`` were run.

Runs with TensorFlow 2, started with ``--eager``.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_freeze import FreezeOps, same_array, unnumbered
    from tests.oracle.tensorflow_freeze_models import KERAS, MODELS
    from tests.oracle.tensorflow_values import Json
else:  # a script finds the files beside it
    from tensorflow_freeze import FreezeOps, same_array, unnumbered
    from tensorflow_freeze_models import KERAS, MODELS

KEY = "serving_default"


class FreezeFunctionOps(FreezeOps):
    """Answers requests about SavedModels of TensorFlow 2 that are frozen."""

    def op_save_model(self, request: Json) -> Json:
        """Make a model, save it, and write what goes in and comes out."""
        self.tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        if request["model"] in KERAS:
            model, value = KERAS[request["model"]](self.tf)
            model.export(request["folder"], verbose=False)
            loaded = self.tf.saved_model.load(request["folder"])
            [name] = loaded.signatures[KEY].structured_input_signature[1]
            feeds = {name: value}
        else:
            module, function, feeds = MODELS[request["model"]](self.tf)
            self.tf.saved_model.save(module, request["folder"], {KEY: function})
            loaded = self.tf.saved_model.load(request["folder"])
        given = {name: self.tf.constant(value) for name, value in feeds.items()}
        found = loaded.signatures[KEY](**given)
        values = {f"in/{name}": value for name, value in feeds.items()}
        values.update({f"out/{name}": value.numpy() for name, value in found.items()})
        np.savez(request["values"], **values)
        outputs = self._signature(request["folder"]).outputs.values()
        return {"outputs": sorted({one.name.partition(":")[0] for one in outputs})}

    def op_freeze_model(self, request: Json) -> Json:
        """Have TensorFlow freeze the graph of a SavedModel as its first version does."""
        freeze = self.v1.graph_util.convert_variables_to_constants
        try:
            with self.tf.Graph().as_default() as graph, self.v1.Session() as session:
                self.v1.saved_model.load(session, ["serve"], request["folder"])
                frozen = freeze(session, graph.as_graph_def(), request["outputs"])
        except Exception as error:  # noqa: BLE001 - TensorFlow's verdict, whatever it is
            return {"refusal": f"{type(error).__name__}: {error}"}
        Path(request["out"]).write_bytes(frozen.SerializeToString())
        return {"refusal": ""}

    def op_freeze_function(self, request: Json) -> Json:
        """Have TensorFlow freeze the signature of a SavedModel as its second version does."""
        from tensorflow.python.framework import convert_to_constants  # noqa: PLC0415

        freeze = convert_to_constants.convert_variables_to_constants_v2_as_graph
        loaded = self.tf.saved_model.load(request["folder"])
        try:
            function, frozen = freeze(loaded.signatures[KEY], lower_control_flow=False)
        except Exception as error:  # noqa: BLE001 - TensorFlow's verdict, whatever it is
            return {"refusal": f"{type(error).__name__}: {error}"}
        Path(request["out"]).write_bytes(frozen.SerializeToString())
        return {"refusal": "", "outputs": [one.op.name for one in function.outputs]}

    def op_count_ops(self, request: Json) -> Json:
        """Count the nodes that lead to some by their ops, and those of functions they call."""
        extract = self.v1.graph_util.extract_sub_graph
        graph_def = extract(self._graph(request["path"]), request["outputs"])
        library = {one.signature.name: one for one in graph_def.library.function}
        counted: Any = Counter()
        waiting, seen = [graph_def.node], set()
        while waiting:
            for node in self._plain(waiting.pop()):
                counted[node.op, self._told(node)] += 1
                for name in _called(node):
                    if name in library and name not in seen:
                        seen.add(name)
                        waiting.append(library[name].node_def)
        return {"ops": [[op, told, number] for (op, told), number in counted.items()]}

    def _told(self, node: Any) -> str:
        """Say what a node has in its attributes, but for notes and for names of functions."""
        found = []
        for key, value in sorted(node.attr.items()):
            kind = value.WhichOneof("value")
            if kind == "tensor":
                array = self.tf.make_ndarray(value.tensor)
                found.append(f"{key} {array.dtype} {array.shape} {array.tolist()}")
            elif not key.startswith("_") and key != "output_shapes" and kind != "func":
                found.append(f"{key} {value}")
        return hashlib.sha256("\n".join(found).encode()).hexdigest()

    def op_compare_functions(self, request: Json) -> Json:
        """Compare the nodes of two graphs, and of the functions that these call."""
        answer = self.op_compare_graphs(request)
        graphs = [self._graph(request[one]) for one in ("expected", "found")]
        libraries = [
            {one.signature.name: one for one in graph.library.function} for graph in graphs
        ]
        waiting = list(_pairs(*(graph.node for graph in graphs)))
        seen = set()
        while waiting:
            pair = waiting.pop()
            gone = [name for library, name in zip(libraries, pair) if name not in library]
            if pair not in seen and gone:
                answer["differences"] += [f"{unnumbered(name)}: is not there" for name in gone]
            elif pair not in seen:
                one, other = (library[name] for library, name in zip(libraries, pair))
                found = self._compare_function(one, other)
                answer["differences"] += [f"{pair[0]}: {text}" for text in found]
                waiting += _pairs(one.node_def, other.node_def)
            seen.add(pair)
        called = {name for _, name in seen}
        answer["added"] += [name for name in libraries[1] if name not in called]
        return answer

    def _compare_function(self, one: Any, other: Any) -> list[str]:
        found = []
        for part in ("input_arg", "output_arg"):
            mine, its = ([_argument(a) for a in getattr(f.signature, part)] for f in (one, other))
            found += [] if mine == its else [f"{part} {mine} is {its}"]
        for part in ("ret", "control_ret"):
            returned, others = dict(getattr(one, part)), dict(getattr(other, part))
            found += [] if returned == others else [f"{part} {returned} is {others}"]
        first, second = (_attributes(f) for f in (one, other))
        keys = {*first, *second}
        found += [f"attr {key}" for key in keys if first.get(key) != second.get(key)]
        nodes = [{node.name: node for node in self._plain(f.node_def)} for f in (one, other)]
        found += [f"{name} is missing" for name in nodes[0] if name not in nodes[1]]
        found += [f"{name} is added" for name in nodes[1] if name not in nodes[0]]
        for name in nodes[0]:
            if name in nodes[1]:
                found += self._differences(nodes[0][name], nodes[1][name])
        return found

    def op_import_model(self, request: Json) -> Json:
        """Import a graph, which TensorFlow checks then."""
        graph_def = self._graph(request["path"])
        with self.tf.Graph().as_default():
            self.tf.import_graph_def(graph_def, name="")
        return {"functions": len(graph_def.library.function)}

    def op_run_model(self, request: Json) -> Json:
        """Run a frozen graph on what went into a model; say whether the same comes out."""
        signature = self._signature(request["folder"])
        values = np.load(request["values"], allow_pickle=True)
        config = self.v1.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with self.tf.Graph().as_default(), self.v1.Session(config=config) as session:
            self.tf.import_graph_def(self._graph(request["frozen"]), name="")
            session.run(request["once"])
            feeds = {one.name: values[f"in/{key}"] for key, one in signature.inputs.items()}
            found = session.run({key: one.name for key, one in signature.outputs.items()}, feeds)
        return {
            "same": {key: same_array(values[f"out/{key}"], np.asarray(found[key])) for key in found}
        }

    def _signature(self, folder: str) -> Any:
        from tensorflow.python.saved_model import loader_impl  # noqa: PLC0415

        [meta_graph] = loader_impl.parse_saved_model(folder).meta_graphs
        return meta_graph.signature_def[KEY]

    def _graph(self, path: str) -> Any:
        graph_def = self.v1.GraphDef()
        graph_def.ParseFromString(Path(path).read_bytes())
        return graph_def


def _called(node: Any) -> list[str]:
    names = [node.op]
    for key in sorted(node.attr):
        value = node.attr[key]
        names += [value.func.name] if value.HasField("func") else []
        names += [one.name for one in value.list.func]
    return names


def _pairs(nodes: Any, others: Any) -> Any:
    """Yield what two graphs call in the same places."""
    found = {node.name: node for node in others}
    for node in nodes:
        if node.name in found:
            yield from zip(_called(node)[1:], _called(found[node.name])[1:])


def _attributes(function: Any) -> dict[Any, Any]:
    """Return the attributes of a function and of its arguments.

    Looking at those of an argument makes empty ones, which mean nothing.
    """
    found = dict(function.attr)
    for place, argument in function.arg_attr.items():
        found.update({f"{key} of argument {place}": argument.attr[key] for key in argument.attr})
    return found


def _argument(argument: Any) -> Any:
    return argument.name, argument.type, argument.type_attr, argument.number_attr
