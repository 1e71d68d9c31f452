"""Check the truth files of the zoo against their graphs, with any TensorFlow.

    PYTHON -m tools.zoo.check [FOLDER]        PYTHON has TensorFlow 1.15 or 2

Reads the constants by itself and believes no code that wrote the truth: every
Const is a variable's or one of the others, once; every value that is said to be
exact has the bytes that are said; a read node of an equal variable leads to it;
what is half or rounded is near in type and shape; nothing of it is in two lists.
"""

# ruff: noqa: ANN401, E402 - TensorFlow has no types, and logs unless told before

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf

ZOO = Path(__file__).resolve().parents[2] / "tests" / "golden" / "zoo"
EVERYWHERE = ("exact", "merged")
ELSEWHERE = ("absent", "folded-away", "left-as-variable")
CHANGED = ("folded", "rounded", "fp16", "quantized", "folded-quantized")


def main(folders: List[str]) -> int:
    """Check all entries and print what is wrong."""
    wrong = 0
    entries = sorted(Path(folders[0] if folders else str(ZOO)).rglob("truth.json"))
    for path in entries:
        for fault in faults_of(path):
            print("%s: %s" % (path.parent.name, fault))
            wrong += 1
    print("%d graphs, %d faults" % (len(entries), wrong))
    return 1 if wrong else 0


def faults_of(path: Path) -> Iterator[str]:
    """Give what is wrong with an entry."""
    truth = json.loads(path.read_text())
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((path.parent / "frozen.pb").read_bytes())
    nodes = {node.name: node for node in graph.node}
    for function in graph.library.function:
        for node in function.node_def:
            nodes[function.signature.name + "::" + node.name] = node
    consts = {name: node for name, node in nodes.items() if node.op == "Const"}
    if truth["id"] != path.parent.name:
        yield "its id is %s" % truth["id"]
    yield from faults_of_lists(truth, consts)
    for name, record in truth["variables"].items():
        yield from faults_of_variable(name, record, nodes, consts)
    for name, record in truth.get("variables_of_first_freeze", {}).items():
        yield from faults_of_variable(name, record, nodes, consts)


def faults_of_lists(truth: Dict[str, Any], consts: Dict[str, Any]) -> Iterator[str]:
    """Check that the lists together are all constants, each in one."""
    records = [*truth["variables"].values(), *truth.get("variables_of_first_freeze", {}).values()]
    taken = {record["const"] for record in records} - {None}
    copies = {name for record in records for name in record.get("copies", [])}
    ranges = set(truth.get("quantization_range_consts", []))
    others = set(truth["consts_not_variables"])
    lists = (taken, copies, ranges, others)
    together = set().union(*lists)
    if sum(map(len, lists)) != len(together):
        yield "a constant is in two lists"
    if together != set(consts):
        yield "not the constants of the graph: %s" % sorted(together ^ set(consts))
    if not set(truth.get("derived_consts", [])) <= others:
        yield "a derived constant is not among the others"
    if len(others) != len(truth["consts_not_variables"]):
        yield "a constant is listed twice"


def faults_of_variable(
    name: str, record: Dict[str, Any], nodes: Dict[str, Any], consts: Dict[str, Any]
) -> Iterator[str]:
    """Check one variable."""
    status = record["status"]
    if status in ELSEWHERE:
        if record["const"] is not None:
            yield "%s is %s and has a constant" % (name, status)
        if (status == "left-as-variable") != ("ariable" in op_of(nodes, name)):
            yield "%s is %s, its node is %r" % (name, status, op_of(nodes, name))
        return
    node = consts.get(record["const"])
    if node is None or status not in EVERYWHERE + CHANGED:
        yield "%s: no constant, or no such status: %s" % (name, status)
        return
    described = describe(node)
    said = {key: record[key] for key in ("dtype", "shape", "sha256")}
    if (described == said) != (status in EVERYWHERE):
        yield "%s is %s, and the constant is %s" % (name, status, described)
    if described["shape"] != said["shape"]:
        yield "%s: other shape" % name
    if status in ("folded", "rounded") and described["dtype"] != said["dtype"]:
        yield "%s: other dtype" % name
    if status == "fp16" and described["dtype"] != "float16":
        yield "%s: not half" % name
    if status.endswith("quantized") and described["dtype"] != "quint8":
        yield "%s: not quantized" % name
    for copy in record.get("copies", []):
        if describe(consts[copy]) != said:
            yield "%s: the copy %s is none" % (name, copy)
    if status == "merged" and leads_to(record["read_node"], nodes) != record["const"]:
        yield "%s: the read leads elsewhere" % name


def op_of(nodes: Dict[str, Any], name: str) -> str:
    """Give the op of a node, if there is one."""
    return str(nodes[name].op) if name in nodes else ""


def leads_to(name: str, nodes: Dict[str, Any]) -> str:
    """Follow first inputs to a constant."""
    while nodes[name].op != "Const":
        name = nodes[name].input[0].split(":")[0]
    return name


def describe(node: Any) -> Dict[str, Any]:
    """Describe the value of a constant."""
    value = tf.make_ndarray(node.attr["value"].tensor)
    dtype = tf.dtypes.as_dtype(node.attr["dtype"].type).name
    if dtype == "string":
        raw = b"".join(struct.pack("<I", len(part)) + part for part in value.ravel())
    else:
        raw = value.tobytes()
    return {
        "dtype": dtype,
        "shape": list(value.shape),
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
