"""Graphs whose edges ask for much: detection ends soon, and does not recurse.

Each is looked at in a process of its own that has hardly any stack to recurse on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pbckpt.protos import GraphDef

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "pbckpt" / "sample" / "frozen_digits.pb"
SECONDS = 60
LONG = 100_000
MANY = 20_000

DETECT = """
import json, sys
import pbckpt

detect, open_graph = pbckpt.detect_variables, pbckpt.open_graph  # imported with all the stack
with open_graph(sys.argv[2]) as graph:
    detect(graph)
sys.setrecursionlimit(100)
with open_graph(sys.argv[1]) as graph:
    found = detect(graph)
print(json.dumps([len(found.variables), len(found.skipped)]))
"""


def detect_apart(graph: GraphDef, directory: Path) -> tuple[int, int]:
    path = directory / "graph.pb"
    path.write_bytes(graph.SerializeToString())
    done = subprocess.run(
        [sys.executable, "-c", DETECT, str(path), str(SMALL)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    variables, skipped = json.loads(done.stdout)
    return variables, skipped


def add_const(graph: GraphDef, name: str) -> None:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = 1
    node.attr["value"].tensor.dtype = 1
    node.attr["value"].tensor.tensor_shape.dim.add(size=4)


def chain_of(op: str) -> GraphDef:
    """A constant, handed on a hundred thousand times."""
    graph = GraphDef()
    add_const(graph, "w")
    graph.node.add(name="n0", op=op, input=["w"])
    for number in range(1, LONG):
        graph.node.add(name=f"n{number}", op=op, input=[f"n{number - 1}"])
    return graph


def chain_of_reads() -> GraphDef:
    """Reads of a resource, each of what another has read."""
    graph = GraphDef()
    add_const(graph, "unknown_1")
    before = "unknown_1"
    for number in range(LONG):
        name = f"a{number}/ReadVariableOp"
        graph.node.add(name=name, op="Identity", input=[before])
        before = name
    graph.node.add(name="m", op="Conv2D", input=["x", before])
    return graph


def chain_backwards() -> GraphDef:
    """The same, each node before what it takes."""
    graph = GraphDef()
    for number in range(LONG, 0, -1):
        graph.node.add(name=f"n{number}", op="Identity", input=[f"n{number - 1}"])
    add_const(graph, "n0")
    return graph


def chain_of_sums() -> GraphDef:
    """A constant that is added again and again, behind a matrix multiplication."""
    graph = GraphDef()
    add_const(graph, "w")
    graph.node.add(name="n0", op="MatMul", input=["x", "w"])
    for number in range(1, LONG):
        graph.node.add(name=f"n{number}", op="Add", input=[f"n{number - 1}", "w"])
    return graph


def cycles() -> GraphDef:
    """Nodes that take each other, and themselves."""
    graph = GraphDef()
    add_const(graph, "w")
    graph.node.add(name="self", op="Identity", input=["self"])
    for number in range(LONG):
        graph.node.add(name=f"n{number}", op="Merge", input=["w", f"n{(number + 1) % LONG}"])
    return graph


def loops_of_roots() -> GraphDef:
    """Normalisations that feed each other in a ring."""
    graph = GraphDef()
    add_const(graph, "w")
    count = MANY // 4
    for number in range(count):
        before = f"mul{(number - 1) % count}"
        graph.node.add(name=f"add{number}", op="Add", input=[before, "w"])
        graph.node.add(name=f"root{number}", op="Rsqrt", input=[f"add{number}"])
        graph.node.add(name=f"sub{number}", op="Sub", input=[before, "w"])
        graph.node.add(name=f"mul{number}", op="Mul", input=[f"root{number}", f"sub{number}"])
    return graph


def self_calling() -> GraphDef:
    """Functions that call themselves and each other, by op and by attribute."""
    graph = GraphDef()
    add_const(graph, "w")
    for number in range(300):
        function = graph.library.function.add()
        function.signature.name = f"f{number}"
        function.signature.input_arg.add(name="a")
        function.signature.output_arg.add(name="r")
        function.ret["r"] = "other:output:0"
        function.node_def.add(name="own", op=f"f{number}", input=["a"])
        other = function.node_def.add(name="other", op="PartitionedCall", input=["own:r:0"])
        other.attr["f"].func.name = f"f{(number + 1) % 300}"
        add_inner = function.node_def.add(name="loop", op="While", input=["a", "own:r:0"])
        add_inner.attr["body"].func.name = f"f{number}"
        add_inner.attr["cond"].func.name = f"f{number}"
        graph.node.add(name=f"call{number}", op=f"f{number}", input=["w"])
    return graph


def calls_of_calls() -> GraphDef:
    """Each function calls the next one twice: 2**400 ways to the last."""
    graph = GraphDef()
    add_const(graph, "w")
    for number in range(400):
        function = graph.library.function.add()
        function.signature.name = f"f{number}"
        function.signature.input_arg.add(name="a")
        function.signature.output_arg.add(name="r")
        function.ret["r"] = "right:r:0"
        function.node_def.add(name="left", op=f"f{number + 1}", input=["a"])
        function.node_def.add(name="right", op=f"f{number + 1}", input=["left:r:0"])
    graph.node.add(name="call", op="f0", input=["w"])
    return graph


def bomb(op: str) -> GraphDef:
    """All constants into one node, and its outputs into another of the kind."""
    graph = GraphDef()
    names = [f"w{number}" for number in range(MANY)]
    for name in names:
        add_const(graph, name)
    add_const(graph, "axis")
    rest = ["axis"] if op == "ConcatV2" else []
    graph.node.add(name="one", op=op, input=[*names, *rest])
    outputs = [f"one:{k}" for k in range(MANY)] if op == "IdentityN" else ["one"] * MANY
    graph.node.add(name="two", op=op, input=[*outputs, *rest])
    for number in range(MANY):
        graph.node.add(name=f"r{number}", op="Relu", input=[f"two:{number}" if number else "two"])
    return graph


def one_for_all(op: str) -> GraphDef:
    """One constant in all slots of a node, a few hundred times over."""
    graph = GraphDef()
    add_const(graph, "w")
    for number in range(300):
        before = f"n{number - 1}" if number else "w"
        graph.node.add(name=f"n{number}", op=op, input=[before] * 1000)
    return graph


def reads_of_one() -> GraphDef:
    """A constant that many variables were merged to, each with uses of its own."""
    graph = GraphDef()
    add_const(graph, "w")
    for number in range(MANY):
        graph.node.add(name=f"v{number}/read", op="Identity", input=["w"])
        graph.node.add(name=f"m{number}", op="Conv2D", input=["x", f"v{number}/read"])
    return graph


def computed_reads_of_one() -> GraphDef:
    """The same, of a value that is computed, and as many uses of the constant itself."""
    graph = GraphDef()
    add_const(graph, "w")
    graph.node.add(name="n", op="Neg", input=["w"])
    for number in range(MANY):
        graph.node.add(name=f"v{number}/read", op="Identity", input=["n"])
        graph.node.add(name=f"c{number}", op="Conv2D", input=["x", "w"])
    return graph


def long_formulas() -> GraphDef:
    """Reads of the sum of all constants, each by a formula of its own."""
    graph = GraphDef()
    for number in range(MANY):
        add_const(graph, f"w{number}")
    graph.node.add(name="s", op="AddN", input=[f"w{number}" for number in range(MANY)])
    for number in range(MANY):
        graph.node.add(name=f"n{number}", op="Neg", input=["s"])
        graph.node.add(name=f"v{number}/read", op="Identity", input=[f"n{number}"])
        graph.node.add(name=f"m{number}", op="Conv2D", input=["x", f"n{number}"])
    return graph


def lists_of(attr: str, op: str) -> GraphDef:
    """A node that takes all constants, with an attr as long."""
    graph = GraphDef()
    names = [f"w{number}" for number in range(MANY)]
    for name in names:
        add_const(graph, name)
    values = graph.node.add(name="n", op=op, input=names).attr[attr].list
    if attr == "fused_ops":
        values.s.extend([b"BiasAdd"] * MANY)
    else:
        values.i.extend(range(MANY))
    return graph


def roots_in_one() -> GraphDef:
    """Many roots that come together, and many products of that."""
    graph = GraphDef()
    add_const(graph, "w")
    add_const(graph, "epsilon")
    graph.node[-1].attr["value"].tensor.tensor_shape.Clear()
    for number in range(MANY):
        graph.node.add(name=f"a{number}", op="Add", input=["w", "epsilon"])
        graph.node.add(name=f"r{number}", op="Rsqrt", input=[f"a{number}"])
    graph.node.add(name="p", op="Pack", input=[f"r{number}" for number in range(MANY)])
    for number in range(MANY):
        graph.node.add(name=f"m{number}", op="Mul", input=["p", "w"])
    return graph


def merges() -> GraphDef:
    """A chain of loops, each with a constant of its own that goes round."""
    graph = GraphDef()
    for number in range(MANY):
        before = f"m{number - 1}" if number else "x"
        add_const(graph, f"w{number}")
        graph.node.add(name=f"e{number}", op="Enter", input=[f"w{number}"])
        graph.node.add(name=f"m{number}", op="Merge", input=[before, f"e{number}", f"n{number}"])
        graph.node.add(name=f"n{number}", op="NextIteration", input=[f"m{number}"])
    return graph


def long_name(part: str) -> GraphDef:
    """A name that looks like those of tools, over and over, and is none."""
    graph = GraphDef()
    add_const(graph, part * (500_000 // len(part)) + "-")
    return graph


def branches_and_takers() -> GraphDef:
    """Many branches, each of whose results has many takers."""
    graph = GraphDef()
    add_const(graph, "w")
    case = graph.node.add(name="case", op="Case", input=["p", "w"])
    for number in range(MANY):
        case.attr["branches"].list.func.add(name=f"f{number}")
        function = graph.library.function.add()
        function.signature.name = f"f{number}"
        function.signature.input_arg.add(name="a")
        function.signature.output_arg.add(name="r")
        function.ret["r"] = "a"
        graph.node.add(name=f"t{number}", op="Relu", input=["case"])
    return graph


def one_function_for_all() -> GraphDef:
    """A function that hands on what many calls give it."""
    graph = GraphDef()
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="a")
    function.signature.output_arg.add(name="r")
    function.ret["r"] = "a"
    for number in range(MANY):
        add_const(graph, f"w{number}")
        graph.node.add(name=f"call{number}", op="f", input=[f"w{number}"])
        graph.node.add(name=f"m{number}", op="MatMul", input=["x", f"call{number}"])
    return graph


def chain_in_a_function() -> GraphDef:
    """A constant handed on a hundred thousand times in a function, and out of it."""
    graph = GraphDef()
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="n0")
    function.signature.output_arg.add(name="r")
    function.ret["r"] = f"n{LONG}:output:0"
    for number in range(1, LONG + 1):
        before = f"n{number - 1}:output:0" if number > 1 else "n0"
        function.node_def.add(name=f"n{number}", op="Identity", input=[before])
    add_const(graph, "w")
    graph.node.add(name="call", op="f", input=["w"])
    graph.node.add(name="m", op="MatMul", input=["x", "call"])
    return graph


BOMBS: dict[str, tuple[Callable[[], GraphDef], int]] = {
    "a chain of Identity": (lambda: chain_of("Identity"), 1),
    "a chain of Neg": (lambda: chain_of("Neg"), 1),
    "a chain of Rsqrt": (lambda: chain_of("Rsqrt"), 1),
    "a chain of reads": (chain_of_reads, 1),
    "a chain backwards": (chain_backwards, 1),
    "a chain of sums": (chain_of_sums, 1),
    "cycles": (cycles, 1),
    "a ring of normalisations": (loops_of_roots, 1),
    "functions that call themselves": (self_calling, 1),
    "functions that call twice": (calls_of_calls, 1),
    "IdentityN of all": (lambda: bomb("IdentityN"), MANY + 1),
    "ConcatV2 of all": (lambda: bomb("ConcatV2"), MANY + 1),
    "AddN of all": (lambda: bomb("AddN"), MANY + 1),
    "reads of one": (reads_of_one, MANY),
    "computed reads of one": (computed_reads_of_one, MANY),
    "long formulas": (long_formulas, MANY),
    "lists of resources": (lambda: lists_of("_read_only_resource_inputs", "While"), MANY),
    "lists of fused ops": (lambda: lists_of("fused_ops", "_FusedConv2D"), MANY),
    "roots in one": (roots_in_one, 2),
    "a chain of loops": (merges, MANY),
    "a name of folded things": (lambda: long_name("-folded-"), 1),
    "a name of scopes": (lambda: long_name("ConstantFolding/"), 1),
    "a name of numbers": (lambda: long_name("num_"), 1),
    "branches and takers": (branches_and_takers, 1),
    "one function for all": (one_function_for_all, MANY),
    "a chain in a function": (chain_in_a_function, 1),
    "ConcatV2 of one": (lambda: one_for_all("ConcatV2"), 1),
    "IdentityN of one": (lambda: one_for_all("IdentityN"), 1),
}


@pytest.mark.parametrize(("make", "constants"), BOMBS.values(), ids=BOMBS)
def test_detection_ends_soon_and_does_not_recurse(
    make: Callable[[], GraphDef], constants: int, tmp_path: Path
) -> None:
    assert sum(detect_apart(make(), tmp_path)) == constants
