"""The truth of a frozen graph: which variable's value is in which constant.

    variables   name -> dtype, shape, sha256, trainable, resource, const, status, ...
    consts_not_variables      every other Const; FUNCTION::node inside a library function

What a constant is, is found by bytes: the variables' values are random, so a
constant that holds the same bytes in the same type and shape is that variable.
Names only tell equal variables apart, and find what a tool changed the value of
(`x_quantized_const`, `x` with other bytes). The trap is a constant that was made
of weights and never was one: `depends` names what changed when the weights did,
and such a constant is listed in `derived_consts` too.

Runs on Python 3.7 and later, without TensorFlow: whoever has one gives
`make_ndarray`. The format is that of a corpus with `truth.json` files.
"""

# ruff: noqa: ANN401 - TensorFlow has no types, and is not there where types are checked

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SHA256_OF = "raw little-endian C-order bytes; string tensors: per element uint32 length + bytes"
VARIABLE_OPS = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp")
PASSING_OPS = ("Identity", "Cast", "Enter", "RefEnter", "Dequantize")
# A quantized value is at most one of 255 levels away; a rounded one is one of 256.
LEVELS = 255.0


class Variable(NamedTuple):
    """A variable of the network before freezing, with its value."""

    name: str
    value: Any
    trainable: bool
    resource: bool
    key: str = ""
    slice: dict[str, Any] | None = None


class Frozen(NamedTuple):
    """A frozen graph to tell the truth about, and what its maker knows of it.

    `names` gives the new name of a renamed node. `alive` are the nodes of the
    plain frozen graph that the outputs need (None: all). `depends` are the
    constants whose value changes when the weights change (None: not measured).
    """

    graph: Any
    make_ndarray: Any
    names: dict[str, str] = {}  # noqa: RUF012 - never changed
    alive: Any | None = None
    depends: Any | None = None
    rounded: bool = False


def digest(value: Any) -> str:
    """Sum the bytes of a tensor as the corpus does."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in array.ravel()]
        raw = b"".join(struct.pack("<I", len(part)) + part for part in parts)
    else:
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        raw = array.tobytes("C")
    return hashlib.sha256(raw).hexdigest()


def dtype_of(value: Any) -> str:
    """Name the type of a tensor as TensorFlow does."""
    dtype = np.asarray(value).dtype
    if dtype.kind in "OSU":
        return "string"
    if dtype.names:  # TensorFlow's quantized types are records of one field
        return str(dtype.names[0])
    return str(dtype.name)


def nodes_of(graph: Any) -> dict[str, Any]:
    """Give all nodes by name, those of functions as FUNCTION::node, in the order of the graph."""
    nodes = {node.name: node for node in graph.node}
    for function in graph.library.function:
        name = function.signature.name
        nodes.update({f"{name}::{node.name}": node for node in function.node_def})
    return nodes


def consts_of(graph: Any, make_ndarray: Any) -> dict[str, Any]:
    """Give the value of each Const by name."""
    return {
        name: make_ndarray(node.attr["value"].tensor)
        for name, node in nodes_of(graph).items()
        if node.op == "Const"
    }


def identity_of(value: Any) -> Any:
    """Give what makes two tensors the same: type, shape and bytes."""
    return (dtype_of(value), np.shape(value), digest(value))


class Matcher:
    """Finds the constants of the variables of one graph."""

    def __init__(self, variables: list[Variable], frozen: Frozen) -> None:
        self.variables = variables
        self.frozen = frozen
        self.nodes = nodes_of(frozen.graph)
        self.consts = consts_of(frozen.graph, frozen.make_ndarray)
        self.identities = {name: identity_of(value) for name, value in self.consts.items()}
        self.by_identity: dict[Any, list[str]] = {}
        for name, identity in self.identities.items():
            self.by_identity.setdefault(identity, []).append(name)
        self.owners: dict[str, str] = {}
        self.found: dict[str, dict[str, Any]] = {}
        self.ranges: list[str] = []

    def truth(self) -> dict[str, Any]:
        """Match all variables, the certain ones first."""
        for step in (self.by_name, self.by_bytes, self.by_read, self.by_change):
            for variable in self.variables:
                if variable.name not in self.found:
                    step(variable)
        self.take_copies()
        return {
            "variables": {
                variable.name: dict(described(variable), **self.found[variable.name])
                for variable in self.variables
            },
            "consts_not_variables": self.others(),
        }

    def others(self) -> list[str]:
        """Give the constants that hold no variable, sorted."""
        taken = set(self.owners) | set(self.ranges)
        return sorted(name for name in self.consts if name not in taken)

    def home(self, variable: Variable) -> str:
        """Give the name that the variable's own node has now."""
        return self.frozen.names.get(variable.name, variable.name)

    def equals(self, variable: Variable) -> list[str]:
        """Give the constants with the variable's very bytes that a variable may have made."""
        names = self.by_identity.get(identity_of(variable.value), [])
        depends = self.frozen.depends
        return names if depends is None else [name for name in names if name in depends]

    def take(self, variable: Variable, const: str, status: str, **more: Any) -> None:
        """Say that a constant is the variable's."""
        depends = self.frozen.depends
        if depends is not None and const not in depends:
            raise ValueError(f"{const} does not depend on {variable.name}")
        self.owners.setdefault(const, variable.name)
        self.found[variable.name] = dict({"const": const, "status": status}, **more)

    def by_name(self, variable: Variable) -> None:
        """Match a constant that still has the name of the variable or of its read."""
        equals = self.equals(variable)
        read = self.frozen.names.get(variable.name + "/read", variable.name + "/read")
        for name in (self.home(variable), read):
            if name in equals and name not in self.owners:
                self.take(variable, name, "exact")
                return

    def by_bytes(self, variable: Variable) -> None:
        """Match a constant with the same bytes that nobody else owns."""
        rivals = [other for other in self.variables if other.name not in self.found]
        same = [o for o in rivals if identity_of(o.value) == identity_of(variable.value)]
        free = [name for name in self.equals(variable) if name not in self.owners]
        if len(same) != 1 or not free:
            return
        self.take(variable, free[0], "exact")

    def take_copies(self) -> None:
        """Give constants that a tool made of one variable alone, with its bytes, to it."""
        for variable in self.variables if self.frozen.depends is not None else ():
            record = self.found[variable.name]
            if record["status"] not in ("exact", "merged"):
                continue
            free = [name for name in self.equals(variable) if name not in self.owners]
            if free:
                self.owners.update(dict.fromkeys(free, variable.name))
                record["copies"] = record.get("copies", []) + free

    def by_read(self, variable: Variable) -> None:
        """Match a read of the variable's own name that now reads an equal constant."""
        for read in (variable.name + "/read", variable.name):
            source = self.source(self.frozen.names.get(read, read))
            if source is not None and self.identities[source] == identity_of(variable.value):
                node = self.frozen.names.get(read, read)
                self.take(variable, source, "merged", read_node=node)
                return

    def source(self, name: str) -> str | None:
        """Follow single inputs from a node to the constant that it passes on."""
        for _ in range(20):
            node = self.nodes.get(name)
            if node is None or node.op not in PASSING_OPS:
                return None
            name = node.input[0].split(":")[0]
            if name in self.consts:
                return name
        return None

    def by_change(self, variable: Variable) -> None:
        """Say what became of a value that is nowhere in the graph."""
        home = self.home(variable)
        node = self.nodes.get(home)
        if home + "_quantized_const" in self.consts:
            self.take_quantized(variable, home)
        elif node is not None and node.op in VARIABLE_OPS:
            self.found[variable.name] = {"const": None, "status": "left-as-variable"}
        elif self.half_of(variable):
            self.take(variable, self.half_of(variable), "fp16")
        elif home in self.consts and np.shape(self.consts[home]) == np.shape(variable.value):
            near = self.frozen.rounded and is_near(variable.value, self.consts[home])
            self.take(variable, home, "rounded" if near else "folded")
        else:
            self.found[variable.name] = self.gone(variable)

    def take_quantized(self, variable: Variable, home: str) -> None:
        """Take the bytes and the range of a quantized value."""
        low, high = home + "_quantized_min", home + "_quantized_max"
        codes = self.consts[home + "_quantized_const"]
        codes = np.array(codes.tolist(), np.float64).reshape(np.shape(codes))
        bottom, top = float(self.consts[low]), float(self.consts[high])
        value = bottom + codes * (top - bottom) / LEVELS
        near = np.shape(value) == np.shape(variable.value) and is_near(variable.value, value)
        status = "quantized" if near else "folded-quantized"
        self.take(variable, home + "_quantized_const", status, const_min=low, const_max=high)
        self.ranges += [low, high]

    def half_of(self, variable: Variable) -> str:
        """Give the half-precision constant of a float variable, by its name or its bytes."""
        if dtype_of(variable.value) != "float32":
            return ""
        home = self.home(variable)
        half = identity_of(np.asarray(variable.value).astype(np.float16))
        names = [name for name in self.by_identity.get(half, []) if name not in self.owners]
        return home if home in names else names[0] if len(names) == 1 else ""

    def gone(self, variable: Variable) -> dict[str, Any]:
        """Tell a variable that the graph does not need from one that is inside others."""
        record: dict[str, Any] = {"const": None, "status": "absent"}
        owners = [name for name in self.equals(variable) if name in self.owners]
        if owners:
            text = "an equal value is in Const %s, which belongs to the variable %s"
            record["note"] = text % (owners[0], self.owners[owners[0]])
        elif self.frozen.alive is not None and variable.name in self.frozen.alive:
            record["status"] = "folded-away"
        return record


def is_near(value: Any, changed: Any) -> bool:
    """Tell whether a value is the other one, up to a level of its range."""
    old, new = np.asarray(value, np.float64), np.asarray(changed, np.float64)
    spread = max(float(old.max() - old.min()), abs(float(old.max())), 1e-9)
    return bool(np.abs(old - new).max() <= 1.01 * spread / LEVELS)


def described(variable: Variable) -> dict[str, Any]:
    """Describe a variable apart from where it is."""
    record = {
        "dtype": dtype_of(variable.value),
        "shape": list(np.shape(variable.value)),
        "sha256": digest(variable.value),
        "trainable": variable.trainable,
        "resource": variable.resource,
        "ckpt_key": variable.key or variable.name,
    }
    if variable.slice:
        record["slice"] = variable.slice
    return record


def make_truth(variables: list[Variable], frozen: Frozen, head: dict[str, Any]) -> dict[str, Any]:
    """Make the truth of one graph; `head` has id, trace, style, tool and tf."""
    matcher = Matcher(variables, frozen)
    body = matcher.truth()
    truth = dict(head, names_kept=names_kept(body["variables"]), sha256_of=SHA256_OF, **body)
    if matcher.ranges:
        truth["quantization_range_consts"] = sorted(matcher.ranges)
    if frozen.depends is not None:
        others = body["consts_not_variables"]
        truth["derived_consts"] = [name for name in others if name in frozen.depends]
        truth["same_bytes"] = same_bytes(variables, matcher.consts, truth["derived_consts"])
    return truth


def same_bytes(
    variables: list[Variable], consts: dict[str, Any], derived: list[str]
) -> dict[str, str]:
    """Give derived constants with the bytes of a variable in another shape, or of its parts."""
    digests = {digest(v.value): v.name for v in variables if v.slice is None}
    for key in sorted({v.key for v in variables if v.slice}):
        digests[digest(whole(v for v in variables if v.slice and v.key == key))] = key
    return {
        name: digests[digest(consts[name])] for name in derived if digest(consts[name]) in digests
    }


def whole(parts: Any) -> Any:
    """Join the parts of a variable."""
    parts = list(parts)
    array = np.zeros(parts[0].slice["full_shape"], parts[0].value.dtype)
    for part in parts:
        starts, sizes = part.slice["offset"], part.slice["shape"]
        array[tuple(slice(at, at + size) for at, size in zip(starts, sizes))] = part.value
    return array


def names_kept(records: dict[str, Any]) -> bool:
    """Tell whether the constants, or the reads of merged ones, still say the variables' names."""
    places = [
        (name, str(record.get("read_node") or record["const"]))
        for name, record in records.items()
        if record["const"] is not None
    ]
    return all(name in place for name, place in places)


def write(folder: Path, graph: Any, truth: dict[str, Any]) -> None:
    """Write the graph and its truth, a line for each variable."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "frozen.pb").write_bytes(graph.SerializeToString(deterministic=True))
    (folder / "truth.json").write_text(as_text(truth) + "\n")


def as_text(truth: dict[str, Any]) -> str:
    """Write JSON with one line for each entry, and for each variable."""
    lines = []
    for key, value in truth.items():
        if key == "variables":
            inner = ",\n  ".join(json.dumps(k) + ": " + json.dumps(v) for k, v in value.items())
            lines.append(f'"variables": {{\n  {inner}\n }}')
        else:
            lines.append(json.dumps(key) + ": " + json.dumps(value))
    return "{{\n {}\n}}".format(",\n ".join(lines))
