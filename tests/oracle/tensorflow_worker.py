"""Real TensorFlow behind a pipe: one JSON request a line in, one JSON answer a line out.

The project never imports TensorFlow, and its tests must not either: this script
is run by another interpreter, one that has TensorFlow, and `judge.py` talks to it.

    request   {"op": NAME, ...}                       one line on stdin
    answer    {"ok": true, ...}                       one line on the original stdout
              {"ok": false, "error": CLASS, "message": TEXT}

    op                 asks                                         answers
    version            -                                            version
    dtypes             -                                            dtypes: DT numbers it knows
    load               prefix, digests?, keys_hex?                  tensors
    restore            prefix, names: [{name_hex or name,           tensors
                       dtype_enum, shape_and_slice?}]
    saver_save         manifest, prefix, resource?                  path
    savev2             manifest, prefix, shape_and_slices?          path
    state              directory                                    latest, model_checkpoint_path,
                                                                    all_paths
    decode_graph       path or payload_hex                          nodes, consts
    decode_graph_many  paths, or payloads_hex, or dir and count     graphs: answers of decode_graph
    parse_tensor       proto_hex, dtype_enum                        tensor, payload_hex
    run_frozen         path, inputs (.npz or null), outputs         tensors
    read_many, save_many                                            see tensorflow_many.py
    saver_save_parts, saver_restore, checkpoint_save,
    checkpoint_restore, variable_dtypes, resave                     see tensorflow_forms.py
    train_saver, train_objects, restore_objects                     see tensorflow_objects.py
    evaluate_many                                                   see tensorflow_evaluation.py
    write_text, save_graphs, save_module                            see tensorflow_graphs.py
    freeze_network, save_network, restore_network,
    save_objects, restore_objects_like                              see tensorflow_like.py
    run_thawed                                                      see tensorflow_thaw.py
    run_saved_model, run_saved_model_v1, run_saved_model_in_c       see tensorflow_saved_model.py
    random_feeds, freeze_loops                                      see tensorflow_thaw_networks.py
    save_and_freeze, write_graph, compare_graphs,
    run_frozen_like, train_again                                    see tensorflow_freeze.py
    save_model, freeze_model, freeze_function, import_model,
    compare_functions, count_ops, run_model                         see
                                                                    tensorflow_freeze_functions.py
    tensor_types, run_called                                        see tensorflow_functions.py
    quit               -                                            -

A tensor is {dtype, shape, nbytes, sha256}. The digest is taken over the
little-endian C-order element bytes; of strings, over a little-endian u64 length
and the bytes of each element in turn. It is null where there are no bytes to
look at (resource and variant handles). Names travel as hex: a key of a
checkpoint is bytes, not text.

A manifest is a JSON file beside the data that it points into, `file` being
relative to it: {"tensors": [{"name_hex" or "name", "dtype_enum", "shape",
"file", "offset", "nbytes"}]}, or "strings_hex" in place of the last three.

The traps:

- TensorFlow prints to file descriptor 1, also from C++. The real stdout is
  duplicated at the start and descriptor 1 is pointed at stderr.
- TensorFlow aborts the process on some inputs. That is the client's to report.
- A fetched scalar is a numpy scalar object, and a numpy bool scalar has only
  two values, so bytes other than 0 and 1 are lost. Bools are fetched flat, as
  arrays, which keep every bit. (Scalars of all other types were tried and do.)

TensorFlow behaves as its first version did, graphs and sessions, unless the
script is started with `--eager`: then it behaves as it does by itself.

Runs on Python 3.7 with TensorFlow 1.15 and on Python 3.11 with TensorFlow 2.21,
and imports nothing of this project but the files beside it that it is made of:
it is a witness from outside.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_evaluation import EvaluationOps
    from tests.oracle.tensorflow_forms import FormOps
    from tests.oracle.tensorflow_freeze_functions import FreezeFunctionOps
    from tests.oracle.tensorflow_functions import FunctionOps
    from tests.oracle.tensorflow_graphs import GraphOps
    from tests.oracle.tensorflow_like import LikeOps
    from tests.oracle.tensorflow_many import ManyOps
    from tests.oracle.tensorflow_objects import ObjectOps
    from tests.oracle.tensorflow_saved_model import SavedModelOps
    from tests.oracle.tensorflow_values import (
        Array,
        Entry,
        Json,
        flat_array,
        name_of,
        payload_parts,
        refusal,
        size_and_digest,
        string_array,
    )
else:  # a script finds the files beside it
    from tensorflow_evaluation import EvaluationOps
    from tensorflow_forms import FormOps
    from tensorflow_freeze_functions import FreezeFunctionOps
    from tensorflow_functions import FunctionOps
    from tensorflow_graphs import GraphOps
    from tensorflow_like import LikeOps
    from tensorflow_many import ManyOps
    from tensorflow_objects import ObjectOps
    from tensorflow_saved_model import SavedModelOps
    from tensorflow_values import (
        flat_array,
        name_of,
        payload_parts,
        refusal,
        size_and_digest,
        string_array,
    )

DT_STRING = 7
DT_BOOL = 10
OPAQUE_DTYPES = (20, 21)  # resource and variant: handles, no bytes to hash
FIRST_REFERENCE_DTYPE = 101
# A graph damaged in one bit may ask for many gigabytes with a proto of ten
# bytes. The worker has no opinion on those: it has to survive them.
MAX_FILLED_BYTES = 1 << 28
MAX_PAYLOAD_IN_ANSWER = 1 << 16
SCOPE = "pbckpt"  # of the nodes that have no name of their own
STRING_ELEMENT_BYTES = 24  # sizeof(tstring): what an empty string occupies
# What a node may be called.
NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*[A-Za-z0-9_.\\>-]|[A-Za-z0-9.]")


class TooLargeError(Exception):
    """The tensor would be larger than this worker is willing to allocate."""


def claim_stdout() -> BinaryIO:
    """Keep the real stdout for the answers and give descriptor 1 to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def import_tensorflow(*, eager: bool) -> Any:
    """Import TensorFlow quietly, on the CPU, behaving as its first version did unless told."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its kernels round differently
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")
    if not eager:
        tensorflow.compat.v1.disable_v2_behavior()
    return tensorflow


def session_config(v1: Any) -> Any:
    """One thread, and no graph optimizer: the same bits each time, and large graphs start soon."""
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1  # L0
    return config


def feed_name(at: int) -> str:
    """Name the placeholder of the entry at this place."""
    return f"{SCOPE}/feed_{at}:0"


def node_name(entry: Entry, at: int) -> str:
    """Give the key of an entry as the name of a node if it can be one, or else another name."""
    key = entry.name.decode("utf-8")
    possible = NODE_NAME.fullmatch(key) and not key.startswith(SCOPE)
    return key if possible else f"{SCOPE}/variable_{at}"


def element_count(proto: Any) -> int:
    """Count the elements of a TensorProto's shape; 0 for shapes that the runtime must judge."""
    count = 1
    for dim in proto.tensor_shape.dim:
        count *= max(dim.size, 0)
    return count if count < 1 << 63 else 0


class Witness(
    EvaluationOps,
    ManyOps,
    FormOps,
    GraphOps,
    ObjectOps,
    LikeOps,
    SavedModelOps,
    FreezeFunctionOps,
    FunctionOps,
):
    """Answers requests with the help of one imported TensorFlow."""

    def __init__(self, *, eager: bool) -> None:
        """Import TensorFlow, which takes seconds, once."""
        self.tf = import_tensorflow(eager=eager)
        self.v1 = self.tf.compat.v1
        framework = "tensorflow.core.framework."
        self.tensor_pb2: Any = importlib.import_module(framework + "tensor_pb2")
        self.types_pb2 = importlib.import_module(framework + "types_pb2")
        self.variable_pb2: Any = importlib.import_module(framework + "variable_pb2")
        self.config = session_config(self.v1)
        self._parser_graph = self.tf.Graph()
        self._parser_session = self.v1.Session(graph=self._parser_graph, config=self.config)
        self._parser = functools.lru_cache(maxsize=None)(self._build_parser)
        # Graphs that differ in one byte share nearly all their constants.
        self._parse = functools.lru_cache(maxsize=4096)(self._parse_uncached)

    def answer(self, request: Json) -> Json:
        """Carry out one request. Whatever TensorFlow raises is an answer too."""
        try:
            result: Json = getattr(self, "op_" + request["op"])(request)
        except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
            return refusal(error)
        return dict(result, ok=True)

    def op_version(self, _request: Json) -> Json:
        """Say which TensorFlow this is."""
        return {"version": self.tf.__version__}

    def op_dtypes(self, _request: Json) -> Json:
        """List the DT numbers that this TensorFlow knows, 0 and reference types left out."""
        known = sorted(self.types_pb2.DataType.values())
        return {"dtypes": [number for number in known if 0 < number < FIRST_REFERENCE_DTYPE]}

    def op_quit(self, _request: Json) -> Json:
        """Say goodbye: the loop ends after this answer."""
        return {}

    # -- reading checkpoints

    def op_load(self, request: Json) -> Json:
        """List a checkpoint as TensorFlow's Python reader sees it, and read every value."""
        reader = self.tf.train.load_checkpoint(request["prefix"])
        listing = self.listing(reader)
        if "keys_hex" in request:
            listing = {key: listing[key] for key in map(bytes.fromhex, request["keys_hex"])}
        tensors = []
        for key, (dtype, shape) in sorted(listing.items()):
            tensor = {"name_hex": key.hex(), "dtype": dtype, "shape": shape}
            if request.get("digests", True):
                tensor.update(self._read(reader, request["prefix"], tensor))
            tensors.append(tensor)
        return {"tensors": tensors}

    def _read(self, reader: Any, prefix: str, tensor: Json) -> Json:
        """Read one value the way a user's script does, if that keeps its bits."""
        if tensor["dtype"] in OPAQUE_DTYPES:
            return {"nbytes": 0, "sha256": None}
        if tensor["dtype"] == DT_BOOL and not tensor["shape"]:
            return self._restore(prefix, [dict(tensor, dtype_enum=DT_BOOL)])[0]
        return size_and_digest(flat_array(reader.get_tensor(bytes.fromhex(tensor["name_hex"]))))

    def op_restore(self, request: Json) -> Json:
        """Read values with the RestoreV2 op: names and types are demanded, not looked up."""
        return {"tensors": self._restore(request["prefix"], request["names"])}

    def _restore(self, prefix: str, items: list[Json]) -> list[Json]:
        """Run one RestoreV2 and describe its outputs in the order of the request."""
        names = string_array([name_of(item) for item in items])
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            names_in = self.v1.placeholder(self.tf.string, [len(items)])
            values = self.tf.raw_ops.RestoreV2(
                prefix=prefix,
                tensor_names=names_in,
                shape_and_slices=[item.get("shape_and_slice", "") for item in items],
                dtypes=[self.tf.as_dtype(item["dtype_enum"]) for item in items],
            )
            wanted = [
                self._fetches(items[at]["dtype_enum"], value) for at, value in enumerate(values)
            ]
            fetched = session.run(wanted, {names_in: names})
        return [
            self._described(item["dtype_enum"], *fetched[at], name_hex=names[at].hex())
            for at, item in enumerate(items)
        ]

    def _fetches(self, dtype: int, tensor: Any) -> list[Any]:
        """Ask for a tensor in the form that keeps all its bits; `_described` takes the result."""
        return self._flat_and_shape(tensor) if dtype == DT_BOOL else [tensor]

    def _flat_and_shape(self, tensor: Any) -> list[Any]:
        """Ask for the elements in one dimension, and for the shape that they have."""
        return [self.tf.reshape(tensor, [-1]), self.v1.shape(tensor, out_type=self.tf.int64)]

    @staticmethod
    def _described(dtype: int, value: Any, shape: Array | None = None, **more: str) -> Json:
        """Describe what was fetched for `_fetches`."""
        sizes = np.shape(value) if shape is None else shape
        described = size_and_digest(flat_array(value))
        return dict(described, dtype=dtype, shape=[int(size) for size in sizes], **more)

    def op_state(self, request: Json) -> Json:
        """Read the `checkpoint` file of a directory."""
        state = self.tf.train.get_checkpoint_state(request["directory"])
        return {
            "latest": self.tf.train.latest_checkpoint(request["directory"]),
            "model_checkpoint_path": state.model_checkpoint_path if state else None,
            "all_paths": list(state.all_model_checkpoint_paths) if state else [],
        }

    # -- writing checkpoints

    def op_saver_save(self, request: Json) -> Json:
        """Save variables of these names and values with the Saver of TensorFlow 1.

        The graph comes in as a MetaGraphDef: 20,000 variables made one by one take
        twice as long. Initial values are fed, so it stays small. Refused where
        TensorFlow has no Assign kernel for a type.
        """
        entries = self.read_manifest(request["manifest"])
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            meta_graph = self._variable_graph(entries, resource=request.get("resource", False))
            self.v1.train.import_meta_graph(meta_graph)
            feeds = {feed_name(at): entry.value for at, entry in enumerate(entries)}
            variables = self.v1.global_variables()
            session.run([variable.initializer for variable in variables], feeds)
            keys = [entry.name.decode("utf-8") for entry in entries]
            named = {keys[at]: variable for at, variable in enumerate(variables)}
            # The plain Saver() takes the keys from the graph, where not every key can be a name.
            same = all(variable.op.name == key for key, variable in named.items())
            saver = self.v1.train.Saver(None if same else named)
            return {"path": saver.save(session, request["prefix"], write_meta_graph=False)}

    def _variable_graph(self, entries: list[Entry], *, resource: bool) -> Any:
        """Make a graph of variables, in the order of the entries, each with a placeholder."""
        meta_graph = self.v1.MetaGraphDef()
        self._add_placeholders(meta_graph.graph_def, entries)
        made = meta_graph.collection_def["variables"].bytes_list.value
        for at, entry in enumerate(entries):
            name = node_name(entry, at)
            add = self._add_resource_variable if resource else self._add_reference_variable
            add(meta_graph.graph_def, entry, name, at)
            definition = self.variable_pb2.VariableDef(
                variable_name=f"{name}:0",
                initial_value_name=feed_name(at),
                initializer_name=f"{SCOPE}/assign_{at}",
                snapshot_name=f"{SCOPE}/read_{at}:0",
                is_resource=resource,
                trainable=True,
            )
            made.append(definition.SerializeToString())
        return meta_graph

    def _add_reference_variable(self, graph: Any, entry: Entry, name: str, at: int) -> None:
        """Add the three nodes of a VariableV2."""
        variable = graph.node.add(name=name, op="VariableV2")
        self._set_type_and_shape(variable, entry)
        assign = graph.node.add(name=f"{SCOPE}/assign_{at}", op="Assign")
        assign.input.extend([name, feed_name(at)])
        assign.attr["T"].type = entry.dtype
        read = graph.node.add(name=f"{SCOPE}/read_{at}", op="Identity", input=[name])
        read.attr["T"].type = entry.dtype

    def _add_resource_variable(self, graph: Any, entry: Entry, name: str, at: int) -> None:
        """Add the three nodes of a resource variable."""
        variable = graph.node.add(name=name, op="VarHandleOp")
        self._set_type_and_shape(variable, entry)
        variable.attr["shared_name"].s = name.encode("utf-8")
        assign = graph.node.add(name=f"{SCOPE}/assign_{at}", op="AssignVariableOp")
        assign.input.extend([name, feed_name(at)])
        assign.attr["dtype"].type = entry.dtype
        read = graph.node.add(name=f"{SCOPE}/read_{at}", op="ReadVariableOp", input=[name])
        read.attr["dtype"].type = entry.dtype

    def _add_placeholders(self, graph: Any, entries: list[Entry]) -> None:
        """Add a placeholder for each entry."""
        # To a graph of no version, or an old one, a scalar placeholder is one of unknown shape.
        graph.versions.producer = self.tf.version.GRAPH_DEF_VERSION
        for at, entry in enumerate(entries):
            node = graph.node.add(name=feed_name(at).split(":")[0], op="Placeholder")
            self._set_type_and_shape(node, entry)

    def _set_type_and_shape(self, node: Any, entry: Entry) -> None:
        """Set the attrs that placeholders and variables have in common."""
        node.attr["dtype"].type = entry.dtype
        node.attr["shape"].shape.CopyFrom(self.tf.TensorShape(entry.shape).as_proto())

    def op_savev2(self, request: Json) -> Json:
        """Save tensors with the SaveV2 op, in the order of the manifest, under any names."""
        entries = self.read_manifest(request["manifest"])
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            graph_def = self.v1.GraphDef()
            self._add_placeholders(graph_def, entries)
            feeds = [feed_name(at) for at in range(len(entries))]
            tensors = self.tf.import_graph_def(graph_def, return_elements=feeds, name="")
            names_in = self.v1.placeholder(self.tf.string, [len(entries)])
            save = self.tf.raw_ops.SaveV2(
                prefix=request["prefix"],
                tensor_names=names_in,
                shape_and_slices=request.get("shape_and_slices") or [""] * len(entries),
                tensors=tensors,
            )
            values = {tensors[at]: entry.value for at, entry in enumerate(entries)}
            names = string_array([entry.name for entry in entries])
            session.run(save, {**values, names_in: names})
        return {"path": request["prefix"]}

    # -- decoding graphs and protos

    def op_decode_graph(self, request: Json) -> Json:
        """Parse a GraphDef; let the runtime decode each Const in it, in library functions too."""
        payload = request.get("payload_hex")
        data = Path(request["path"]).read_bytes() if payload is None else bytes.fromhex(payload)
        graph = self.v1.GraphDef()
        graph.ParseFromString(data)
        functions = graph.library.function
        nodes = [("", node) for node in graph.node]
        nodes += [(f.signature.name, node) for f in functions for node in f.node_def]
        consts = [self._decode_const(*place) for place in nodes if place[1].op == "Const"]
        return {"nodes": len(graph.node), "consts": consts}

    def op_decode_graph_many(self, request: Json) -> Json:
        """Answer `decode_graph` for each path or payload; `dir` holds files 0, 1 and so on."""
        requests = [{"path": path} for path in request.get("paths", [])]
        requests += [{"payload_hex": payload} for payload in request.get("payloads_hex", [])]
        requests += [
            {"path": Path(request["dir"]) / str(at)} for at in range(request.get("count", 0))
        ]
        return {"graphs": [self.answer(dict(one, op="decode_graph")) for one in requests]}

    def _decode_const(self, function: str, node: Any) -> Json:
        """Describe one Const, or say why the runtime refuses it."""
        place = {"name": node.name, "function": function}
        try:
            # Asking for an attr that is not there would make one: look it up in a plain dict.
            attr = dict(node.attr)
            serialized = attr["value"].tensor.SerializeToString()
            tensor, _ = self._parse(serialized, attr["dtype"].type)
        except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
            return dict(place, error=type(error).__name__, message=str(error))
        return dict(place, **tensor)

    def op_parse_tensor(self, request: Json) -> Json:
        """Let the runtime decode one serialized TensorProto."""
        proto = bytes.fromhex(request["proto_hex"])
        tensor, payload = self._parse(proto, request["dtype_enum"])
        return {"tensor": tensor, "payload_hex": payload}

    def _parse_uncached(self, serialized: bytes, dtype: int) -> tuple[Json, str | None]:
        """Run ParseTensor, which decodes as the Const kernel does. Small payloads come along."""
        self._refuse_reference(dtype)
        self._refuse_large(serialized, dtype)
        fetched = self._parser(dtype)(serialized)
        if dtype in OPAQUE_DTYPES:
            shape = [int(size) for size in fetched[0]]
            return {"dtype": dtype, "shape": shape, "nbytes": 0, "sha256": None}, None
        tensor = self._described(dtype, *fetched)
        if tensor["nbytes"] > MAX_PAYLOAD_IN_ANSWER:
            return tensor, None
        return tensor, b"".join(payload_parts(flat_array(fetched[0]))).hex()

    @staticmethod
    def _refuse_reference(dtype: int) -> None:
        """Raise for a reference type: ParseTensor ignores the difference, a Const does not."""
        if dtype >= FIRST_REFERENCE_DTYPE:
            raise ValueError(f"DT number {dtype} is a reference type")

    def _refuse_large(self, serialized: bytes, dtype: int) -> None:
        """Raise TooLargeError where a small proto stands for a huge tensor."""
        proto = self.tensor_pb2.TensorProto.FromString(serialized)
        size = STRING_ELEMENT_BYTES if dtype == DT_STRING else self.tf.as_dtype(dtype).size
        count = element_count(proto)
        if not proto.tensor_content and count * (size or 1) > MAX_FILLED_BYTES:
            raise TooLargeError(f"{count} elements from a proto of {len(serialized)} bytes")

    def _build_parser(self, dtype: int) -> Any:
        """Make the function that parses a serialized TensorProto of one type."""
        with self._parser_graph.as_default():
            serialized = self.v1.placeholder(self.tf.string, [])
            tensor = self.tf.io.parse_tensor(serialized, self.tf.as_dtype(dtype))
            # Flat, for a damaged shape like [0, 2**40, 2**40] is none for numpy.
            fetches = self._flat_and_shape(tensor)
            if dtype in OPAQUE_DTYPES:
                del fetches[0]
            return self._parser_session.make_callable(fetches, [serialized])

    def op_run_frozen(self, request: Json) -> Json:
        """Run a frozen graph: the .npz maps tensor names to the values to feed."""
        graph_def = self.v1.GraphDef()
        graph_def.ParseFromString(Path(request["path"]).read_bytes())
        feeds = dict(np.load(request["inputs"])) if request.get("inputs") else {}
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            self.tf.import_graph_def(graph_def, name="")
            outputs = [graph.get_tensor_by_name(name) for name in request["outputs"]]
            dtypes = [tensor.dtype.base_dtype.as_datatype_enum for tensor in outputs]
            wanted = [self._fetches(dtypes[at], tensor) for at, tensor in enumerate(outputs)]
            fetched = session.run(wanted, feeds)
        return {
            "tensors": [
                self._described(dtypes[at], *fetched[at], name=tensor.name)
                for at, tensor in enumerate(outputs)
            ]
        }


def main() -> None:
    """Answer requests until there are no more, or `quit` comes."""
    answers = claim_stdout()
    witness = Witness(eager="--eager" in sys.argv[1:])
    for line in sys.stdin.buffer:
        request = json.loads(line.decode("ascii"))
        answers.write(json.dumps(witness.answer(request)).encode("ascii") + b"\n")
        answers.flush()
        if request.get("op") == "quit":
            return


if __name__ == "__main__":
    main()
