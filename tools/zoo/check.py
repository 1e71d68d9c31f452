"""Check the truth files of the zoo against their graphs, with any TensorFlow.

    PYTHON -m tools.zoo.check [FOLDER]        PYTHON has TensorFlow 1.15 or 2

Reads the constants by itself and believes no code that wrote the truth: every
Const is a variable's or one of the others, once; every value that is said to be
exact has the bytes that are said; a read node of an equal variable leads to it;
what is half or rounded is near in type and shape; nothing of it is in two lists.
"""

# ruff: noqa: ANN401 - TensorFlow has no types, and logs unless told before

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, Iterator

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf

ZOO = Path(__file__).resolve().parents[2] / "tests" / "golden" / "zoo"
EVERYWHERE = ("exact", "merged")
ELSEWHERE = ("absent", "folded-away", "left-as-variable")
CHANGED = {
    "folded": "",
    "rounded": "",
    "fp16": "float16",
    "quantized": "quint8",
    "folded-quantized": "quint8",
}


def main(folders: list[str]) -> int:
    """Check all entries and print what is wrong."""
    wrong = 0
    entries = sorted(Path(folders[0] if folders else str(ZOO)).rglob("truth.json"))
    for path in entries:
        for fault in faults_of(path):
            print(f"{path.parent.name}: {fault}")
            wrong += 1
    print(f"{len(entries)} graphs, {wrong} faults")
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
        yield "its id is {}".format(truth["id"])
    yield from faults_of_lists(truth, consts)
    for name, record in truth["variables"].items():
        yield from faults_of_variable(name, record, nodes, consts)
    for name, record in truth.get("variables_of_first_freeze", {}).items():
        yield from faults_of_variable(name, record, nodes, consts)


def faults_of_lists(truth: dict[str, Any], consts: dict[str, Any]) -> Iterator[str]:
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
        yield f"not the constants of the graph: {sorted(together ^ set(consts))}"
    if not set(truth.get("derived_consts", [])) <= others:
        yield "a derived constant is not among the others"
    if len(others) != len(truth["consts_not_variables"]):
        yield "a constant is listed twice"


def faults_of_variable(
    name: str, record: dict[str, Any], nodes: dict[str, Any], consts: dict[str, Any]
) -> Iterator[str]:
    """Check one variable."""
    status, const = record["status"], record["const"]
    if status in ELSEWHERE:
        if const is not None:
            yield f"{name} is {status} and has a constant"
        if (status == "left-as-variable") != ("ariable" in op_of(nodes, name)):
            yield f"{name} is {status}, its node is {op_of(nodes, name)}"
    elif const not in consts or status not in {*EVERYWHERE, *CHANGED}:
        yield f"{name}: no such constant or status: {const}, {status}"
    else:
        yield from faults_of_value(name, record, describe(consts[const]))
        for copy in record.get("copies", []):
            if describe(consts[copy])["sha256"] != record["sha256"]:
                yield f"{name}: the copy {copy} is none"
        if status == "merged" and leads_to(record["read_node"], nodes) != const:
            yield f"{name}: the read leads elsewhere"


def faults_of_value(name: str, record: dict[str, Any], described: dict[str, Any]) -> Iterator[str]:
    """Check the value of a variable's constant: the same bytes, or others in the right type."""
    status = record["status"]
    same = all(described[key] == record[key] for key in described)
    if same != (status in EVERYWHERE):
        yield f"{name} is {status}, and the constant is {described}"
    if described["shape"] != record["shape"]:
        yield f"{name}: other shape"
    dtype = CHANGED.get(status) or record["dtype"]
    if described["dtype"] != dtype:
        yield f"{name}: {described['dtype']} is not {dtype}"


def op_of(nodes: dict[str, Any], name: str) -> str:
    """Give the op of a node, if there is one."""
    return str(nodes[name].op) if name in nodes else ""


def leads_to(name: str, nodes: dict[str, Any]) -> str:
    """Follow first inputs to a constant."""
    while nodes[name].op != "Const":
        name = nodes[name].input[0].split(":")[0]
    return name


def describe(node: Any) -> dict[str, Any]:
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
