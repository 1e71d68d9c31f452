"""The truth of a frozen graph: what became of each variable, by bytes.

    {"id": …, "variables": {NAME: {dtype, shape, sha256, trainable, resource,
     const, status, ckpt_key}}, "sha256_of": …, "consts_not_variables": [LABEL]}

A label is the name of a Const, or `FUNCTION::node` in a function. The freezer
says where a variable's Const is to be; only equal bytes there, or at exactly one
other place, make it `exact`.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import hashlib
import struct
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tools.zoo.tf2_freezers import Frozen
    from tools.zoo.tf2_networks import Kit

SHA256_OF = "raw little-endian C-order bytes; string tensors: per element uint32 length + bytes"


class Value(NamedTuple):
    """What identifies a tensor: dtype, shape and the hash of its bytes."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str


Consts = dict[str, Value]
Place = tuple[str | None, str]


class Original(NamedTuple):
    """A variable before freezing."""

    value: Any
    dtype: str
    trainable: bool
    resource: bool
    ckpt_key: str | None

    @property
    def identity(self) -> Value:
        """What a Const must be to be this variable."""
        return identify(self.value, self.dtype)


def identify(value: Any, dtype: str) -> Value:
    """Hash a tensor."""
    array = np.asarray(value)
    if dtype == "string":
        raw = b"".join(struct.pack("<I", len(one)) + bytes(one) for one in array.ravel())
    else:
        raw = np.ascontiguousarray(array).tobytes()
    return Value(dtype, tuple(array.shape), hashlib.sha256(raw).hexdigest())


def constants(kit: Kit, graph: Any) -> dict[str, Value]:
    """Find every Const of a graph and of its functions."""
    found = {node.name: held(kit, node) for node in graph.node if node.op == "Const"}
    for function in graph.library.function:
        for node in function.node_def:
            if node.op == "Const":
                found[f"{function.signature.name}::{node.name}"] = held(kit, node)
    return found


def held(kit: Kit, node: Any) -> Value:
    """Hash what a Const holds."""
    proto = node.attr["value"].tensor
    return identify(kit.tf.make_ndarray(proto), kit.tf.as_dtype(proto.dtype).name)


def checkpoint_keys(kit: Kit, root: Any) -> dict[Value, str]:
    """Save the network and see under which key each value went into the checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        reader = kit.tf.train.load_checkpoint(
            kit.tf.train.Checkpoint(model=root).write(f"{folder}/c")
        )
        keys = [key for key in reader.get_variable_to_shape_map() if key.startswith("model/")]
        kinds = reader.get_variable_to_dtype_map()
        return {
            identify(reader.get_tensor(key), kinds[key].name): key
            for key in sorted(keys, reverse=True)
        }


def originals(kit: Kit, network: Any) -> dict[str, Original]:
    """Take the values of a network's variables before anything is frozen."""
    if hasattr(network, "session"):
        values = network.session.run(network.variables)
        keys, resource = {}, network.resource
    else:
        values = {name: variable.numpy() for name, variable in network.variables.items()}
        keys, resource = checkpoint_keys(kit, network.root), True
    found = {}
    for name, variable in network.variables.items():
        dtype = variable.dtype.base_dtype.name
        key = name if not keys else keys.get(identify(values[name], dtype))
        found[name] = Original(values[name], dtype, name in network.trainable, resource, key)
    return found


def place(kit: Kit, frozen: Frozen, name: str, original: Original, there: Consts) -> Place:
    """Say which Const holds a variable, and how well."""
    wanted, node = original.identity, frozen.origin[name]
    now = there.get(node)
    if now == wanted:
        return (node, "merged") if frozen.merged.get(name) else (node, "exact")
    equal = labels(there, wanted)
    if equal:
        return equal, "exact"
    for dtype in ("float16", "bfloat16") if wanted.dtype == "float32" else ():
        less = original.value.astype(kit.tf.as_dtype(dtype).as_numpy_dtype)
        half = labels(there, identify(less, dtype))
        if half:
            return half, "fp16"
    if now is None or now.shape != wanted.shape:
        return None, "folded-away"
    return node, "quantized" if now.dtype == "int8" else "folded"


def labels(there: Consts, wanted: Value) -> str | None:
    """Find the one Const that holds a value; two would leave open which it is."""
    found = [label for label, value in there.items() if value == wanted]
    if len(found) > 1:
        raise ValueError(found)
    return found[0] if found else None


def described(original: Original, const: str | None, status: str) -> dict[str, Any]:
    """Write one variable's entry."""
    dtype, shape, sha256 = original.identity
    entry = {
        "dtype": dtype,
        "shape": list(shape),
        "sha256": sha256,
        "trainable": original.trainable,
        "resource": original.resource,
        "const": const,
        "status": status,
    }
    return entry | ({"ckpt_key": original.ckpt_key} if original.ckpt_key else {})


def reshaped(wanted: Value, there: dict[str, Value]) -> dict[str, str]:
    """Find the bytes of a variable in a Const of another shape, as folding a Reshape leaves."""
    for label, value in there.items():
        if (value.dtype, value.sha256) == (wanted.dtype, wanted.sha256):
            return {"reshaped_const": label}
    return {}


def entry_of(
    kit: Kit, frozen: Frozen, name: str, original: Original, there: Consts
) -> dict[str, Any]:
    """Write one variable's entry, whatever became of it."""
    if name in frozen.left:
        return described(original, None, "left-as-variable")
    if name not in frozen.origin:
        return described(original, None, "absent")
    const, status = place(kit, frozen, name, original, there)
    entry = described(original, const, status)
    if status == "merged":
        entry["read_node"] = frozen.merged[name]
    if status == "folded-away":
        entry |= reshaped(original.identity, there)
    return entry


def truth(kit: Kit, frozen: Frozen, variables: dict[str, Original]) -> dict[str, Any]:
    """Write the truth of a graph."""
    there = constants(kit, frozen.graph)
    entries = {
        name: entry_of(kit, frozen, name, original, there) for name, original in variables.items()
    }
    owners = [e["const"] for e in entries.values() if e["const"] and e["status"] != "merged"]
    if len(owners) != len(set(owners)):
        raise ValueError(sorted(owners))
    return {
        "trace": frozen.trace,
        "style": frozen.style,
        "tool": frozen.tool,
        "tf": kit.tf.__version__,
        "names_kept": frozen.names_kept,
        "variables": entries,
        "sha256_of": SHA256_OF,
        "consts_not_variables": [label for label in there if label not in set(owners)],
    }


def doubles(kit: Kit, frozen: Frozen, told: dict[str, Any]) -> list[str]:
    """Find constants that equal a variable but are not its Const: they are to be looked at."""
    there = constants(kit, frozen.graph)
    exact = {
        there[e["const"]]: name for name, e in told["variables"].items() if e["status"] == "exact"
    }
    return [
        f"{label} equals {exact[there[label]]}"
        for label in told["consts_not_variables"]
        if there[label] in exact
    ]
