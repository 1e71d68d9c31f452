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
  two values, so bytes other than 0 and 1 are lost. Tensors are fetched flat, as
  arrays of one dimension, which keep every bit.

Runs on Python 3.7 with TensorFlow 1.15 and on Python 3.11 with TensorFlow 2.21,
and imports nothing of this project: it is a witness from outside.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import os
import re
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]
    Array = np.ndarray[Any, Any]

DT_STRING = 7
DT_BOOL = 10
OPAQUE_DTYPES = (20, 21)  # resource and variant: handles, no bytes to hash
FIRST_REFERENCE_DTYPE = 101
# A graph damaged in one bit may ask for many gigabytes with a proto of ten
# bytes. The worker has no opinion on those: it has to survive them.
MAX_FILLED_BYTES = 1 << 28
MAX_PAYLOAD_IN_ANSWER = 1 << 16
STRING_ELEMENT_BYTES = 24  # sizeof(tstring): what an empty string occupies
# A name that a node may have. The Saver takes its keys from the nodes.
NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*[A-Za-z0-9_.\\>-]|[A-Za-z0-9.]")
# A line of CheckpointReader.debug_string: the key (any bytes), its type and shape.
DEBUG_LINE = re.compile(rb"(.*?) \((DT_\w+)\) \[([\d,]*)\]\n", re.DOTALL)


class TooLargeError(Exception):
    """The tensor would be larger than this worker is willing to allocate."""


class Entry(NamedTuple):
    """One tensor of a manifest, its value ready to be fed."""

    name: bytes
    dtype: int
    shape: list[int]
    value: Array


def claim_stdout() -> BinaryIO:
    """Keep the real stdout for the answers and give descriptor 1 to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def import_tensorflow() -> Any:
    """Import TensorFlow quietly, on the CPU, behaving as its first version did."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its kernels round differently
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")
    tensorflow.compat.v1.disable_v2_behavior()
    return tensorflow


def session_config(v1: Any) -> Any:
    """One thread, and no graph optimizer: the same bits each time, and large graphs start soon."""
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1  # L0
    return config


def string_array(values: list[bytes]) -> Array:
    """Byte strings as an object array: numpy's own string type drops trailing NULs."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def flat_array(value: Any) -> Array:
    """Whatever TensorFlow returned, as an array of one dimension."""
    if isinstance(value, bytes):
        return string_array([value])
    return np.asarray(value).reshape(-1)


def payload_parts(flat: Array) -> Iterator[bytes]:
    """Yield the bytes that the digest of a flat array is taken over."""
    if flat.dtype != np.dtype(object):
        yield flat.tobytes()
        return
    for element in flat:
        yield struct.pack("<Q", len(element))
        yield element


def size_and_digest(flat: Array) -> Json:
    """Describe the bytes of a flat array."""
    sha256, size = hashlib.sha256(), 0
    for part in payload_parts(flat):
        sha256.update(part)
        size += len(part)
    return {"nbytes": size, "sha256": sha256.hexdigest()}


def name_of(item: Json) -> bytes:
    """Give the key in a manifest entry or in an item of a restore request."""
    if "name_hex" in item:
        return bytes.fromhex(item["name_hex"])
    return str(item["name"]).encode("utf-8", "surrogateescape")


def element_count(proto: Any) -> int:
    """Count the elements of a TensorProto's shape; 0 for shapes that the runtime must judge."""
    count = 1
    for dim in proto.tensor_shape.dim:
        count *= max(dim.size, 0)
    return count if count < 1 << 63 else 0


class Witness:
    """Answers requests with the help of one imported TensorFlow."""

    def __init__(self) -> None:
        """Import TensorFlow, which takes seconds, once."""
        self.tf = import_tensorflow()
        self.v1 = self.tf.compat.v1
        framework = "tensorflow.core.framework."
        self.tensor_pb2: Any = importlib.import_module(framework + "tensor_pb2")
        self.types_pb2: Any = importlib.import_module(framework + "types_pb2")
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
            return {"ok": False, "error": type(error).__name__, "message": str(error)}
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
        listing = self._listing(reader)
        if "keys_hex" in request:
            listing = {key: listing[key] for key in map(bytes.fromhex, request["keys_hex"])}
        tensors = []
        for key, (dtype, shape) in sorted(listing.items()):
            tensor = {"name_hex": key.hex(), "dtype": dtype, "shape": shape}
            if request.get("digests", True):
                tensor.update(self._read(reader, request["prefix"], tensor))
            tensors.append(tensor)
        return {"tensors": tensors}

    def _listing(self, reader: Any) -> dict[bytes, tuple[int, list[int]]]:
        """Give key -> (dtype, shape).

        The reader's maps raise on a key that is not UTF-8. Its textual dump does
        not: there the keys are raw bytes.
        """
        try:
            types = reader.get_variable_to_dtype_map()
            shapes = reader.get_variable_to_shape_map()
        except UnicodeDecodeError:
            number = self.types_pb2.DataType.Value
            return {
                key: (number(dtype.decode()), [int(size) for size in shape.split(b",") if size])
                for key, dtype, shape in DEBUG_LINE.findall(reader.debug_string())
            }
        return {
            key.encode("utf-8"): (dtype.as_datatype_enum, [int(size) for size in shapes[key]])
            for key, dtype in types.items()
        }

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
            wanted = [self._flat_and_shape(value) for value in values]
            fetched = session.run(wanted, {names_in: names})
        return [
            self._described(item["dtype_enum"], *fetched[at], name_hex=names[at].hex())
            for at, item in enumerate(items)
        ]

    def _flat_and_shape(self, tensor: Any) -> list[Any]:
        """Ask for the elements as one dimension, and for the shape that they had."""
        return [self.tf.reshape(tensor, [-1]), self.v1.shape(tensor, out_type=self.tf.int64)]

    @staticmethod
    def _described(dtype: int, flat: Array, shape: Array, **more: str) -> Json:
        """Describe one fetched pair of `_flat_and_shape`."""
        sizes = [int(size) for size in shape]
        return dict(size_and_digest(flat), dtype=dtype, shape=sizes, **more)

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

        Initial values are fed, so the graph stays small. Refused where TensorFlow
        has no Assign kernel for a type.
        """
        entries = self._read_manifest(request["manifest"])
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            feeds = self._placeholders(entries)
            variables = {}
            for at, feed in enumerate(feeds):
                name = entries[at].name.decode("utf-8")
                node_name = name if NODE_NAME.fullmatch(name) else f"variable_{at}"
                variables[name] = self.v1.Variable(
                    feed, name=node_name, use_resource=request.get("resource", False)
                )
            session.run([variable.initializer for variable in variables.values()], feeds)
            # Where two names differ in case only, or cannot name a node, the graph
            # has other names than were asked for: then the keys are given.
            same = all(variable.op.name == name for name, variable in variables.items())
            saver = self.v1.train.Saver(None if same else variables)
            return {"path": saver.save(session, request["prefix"], write_meta_graph=False)}

    def op_savev2(self, request: Json) -> Json:
        """Save tensors with the SaveV2 op, in the order of the manifest, under any names."""
        entries = self._read_manifest(request["manifest"])
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            feeds = self._placeholders(entries)
            names_in = self.v1.placeholder(self.tf.string, [len(entries)])
            save = self.tf.raw_ops.SaveV2(
                prefix=request["prefix"],
                tensor_names=names_in,
                shape_and_slices=request.get("shape_and_slices") or [""] * len(entries),
                tensors=list(feeds),
            )
            names = string_array([entry.name for entry in entries])
            session.run(save, {**feeds, names_in: names})
        return {"path": request["prefix"]}

    def _placeholders(self, entries: list[Entry]) -> dict[Any, Array]:
        """Make a placeholder for each entry, in order, with the value to feed it."""
        return {
            self.v1.placeholder(
                self.tf.as_dtype(entry.dtype), entry.shape, name=f"pbckpt_feed_{at}"
            ): entry.value
            for at, entry in enumerate(entries)
        }

    def _read_manifest(self, path: str) -> list[Entry]:
        """Read a manifest and the bytes that it points at."""
        manifest = Path(path)
        read = functools.lru_cache(maxsize=None)(Path.read_bytes)
        entries = []
        for item in json.loads(manifest.read_text(encoding="utf-8"))["tensors"]:
            if "strings_hex" in item:
                flat = string_array([bytes.fromhex(text) for text in item["strings_hex"]])
            else:
                flat = self._elements(read(manifest.parent / item["file"]), item)
            value = flat.reshape(item["shape"])
            entries.append(Entry(name_of(item), item["dtype_enum"], item["shape"], value))
        return entries

    def _elements(self, data: bytes, item: Json) -> Array:
        """View the bytes of one manifest entry as elements of TensorFlow's numpy type for them."""
        dtype = np.dtype(self.tf.as_dtype(item["dtype_enum"]).as_numpy_dtype)
        count = item["nbytes"] // dtype.itemsize
        if count == 0:  # numpy refuses to view an empty buffer
            return np.zeros(0, dtype)
        return np.frombuffer(data, dtype, count, item["offset"])

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
        if dtype in OPAQUE_DTYPES:
            (shape,) = self._parser(dtype)(serialized)
            opaque = {"dtype": dtype, "shape": [int(size) for size in shape]}
            return dict(opaque, nbytes=0, sha256=None), None
        flat, shape = self._parser(dtype)(serialized)
        tensor = self._described(dtype, flat, shape)
        small = tensor["nbytes"] <= MAX_PAYLOAD_IN_ANSWER
        return tensor, b"".join(payload_parts(flat)).hex() if small else None

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
            fetches = self._flat_and_shape(tensor)
            if dtype in OPAQUE_DTYPES:
                fetches = fetches[1:]
            return self._parser_session.make_callable(fetches, [serialized])

    def op_run_frozen(self, request: Json) -> Json:
        """Run a frozen graph: the .npz maps tensor names to the values to feed."""
        graph_def = self.v1.GraphDef()
        graph_def.ParseFromString(Path(request["path"]).read_bytes())
        feeds = dict(np.load(request["inputs"])) if request.get("inputs") else {}
        with self.tf.Graph().as_default() as graph, self.v1.Session(config=self.config) as session:
            self.tf.import_graph_def(graph_def, name="")
            outputs = [graph.get_tensor_by_name(name) for name in request["outputs"]]
            fetched = session.run([self._flat_and_shape(tensor) for tensor in outputs], feeds)
        return {
            "tensors": [
                self._described(tensor.dtype.as_datatype_enum, *fetched[at], name=tensor.name)
                for at, tensor in enumerate(outputs)
            ]
        }


def main() -> None:
    """Answer requests until there are no more, or `quit` comes."""
    answers = claim_stdout()
    witness = Witness()
    for line in sys.stdin.buffer:
        request = json.loads(line.decode("ascii"))
        answers.write(json.dumps(witness.answer(request)).encode("ascii") + b"\n")
        answers.flush()
        if request.get("op") == "quit":
            return


if __name__ == "__main__":
    main()
