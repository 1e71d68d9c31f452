"""Small graphs for the tests of detection, and how to look at what was found in them.

const("w", 2, 3)                        float32 [2, 3], all zeros
numbers("w", 0.5, 0.25)                 float32 [2], these
node("MatMul", "m", "x", "w")           an op with inputs
function("f", ["a"], ["y:output:0"], …)  a body, its arguments and its results
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pbckpt.graph.decode import decode_graph
from pbckpt.protos import FunctionDef, GraphDef, NodeDef, TensorProto
from pbckpt.variables.detect import detect, examine
from pbckpt.variables.network import Network
from pbckpt.variables.walk import Walker
from pbckpt.wire.span import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.graph.decode import Graph
    from pbckpt.variables.variable import Detection
    from pbckpt.variables.verdict import Verdict


class Source(Memory):
    def release_pages(self, start: int, end: int) -> None:
        """Keep all pages: this is memory."""


def const(name: str, *dims: int, dtype: int = 1) -> NodeDef:
    value = TensorProto(dtype=dtype)
    for size in dims:
        value.tensor_shape.dim.add(size=size)
    made = NodeDef(name=name, op="Const")
    made.attr["dtype"].type = dtype
    made.attr["value"].tensor.CopyFrom(value)
    return made


def numbers(name: str, *values: float, dims: Sequence[int] = (), dtype: int = 1) -> NodeDef:
    """Return a constant that holds numbers: a vector, unless ``dims`` say else."""
    made = const(name, *(dims or (len(values),)), dtype=dtype)
    letter = {1: "f", 2: "d"}[dtype]
    made.attr["value"].tensor.tensor_content = struct.pack(f"<{len(values)}{letter}", *values)
    return made


def consts(*names: str, dims: Sequence[int] = (4,)) -> list[NodeDef]:
    return [const(name, *dims) for name in names]


def node(op: str, name: str, *inputs: str, **functions: str) -> NodeDef:
    """Return a node; keywords are attrs that name functions."""
    made = NodeDef(name=name, op=op, input=inputs)
    for attr, function_name in functions.items():
        made.attr[attr].func.name = function_name
    return made


def identity(name: str, of: str) -> NodeDef:
    return node("Identity", name, of)


def placed(made: NodeDef, *variables: str) -> NodeDef:
    """Return a node that is placed with variables."""
    made.attr["_class"].list.s.extend(f"loc:@{name}".encode() for name in variables)
    return made


def variable(name: str, *dims: int) -> list[NodeDef]:
    """Return what freezing leaves of a reference variable."""
    return [const(name, *dims), identity(f"{name}/read", name)]


def function(
    name: str, arguments: Sequence[str], returns: Sequence[str], *nodes: NodeDef
) -> FunctionDef:
    made = FunctionDef(node_def=nodes)
    made.signature.name = name
    for argument in arguments:
        made.signature.input_arg.add(name=argument)
    for place, text in enumerate(returns):
        made.signature.output_arg.add(name=f"r{place}")
        made.ret[f"r{place}"] = text
    return made


def graph_def(*nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> GraphDef:
    made = GraphDef(node=nodes)
    made.library.function.extend(functions)
    return made


def graph(*nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> Graph:
    return decode_graph(Source(graph_def(*nodes, functions=functions).SerializeToString()))


def network(*nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> Network:
    return Network(graph(*nodes, functions=functions))


def walker(*nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> Walker:
    return Walker(network(*nodes, functions=functions))


def number_of(net: Network, title: str) -> int:
    """Return the number of a node: ``name``, or ``function::name``."""
    return next(number for number in range(len(net)) if net.title(number) == title)


def verdicts(*nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> dict[str, Verdict]:
    """Return the verdict on each constant by the constant's name."""
    found = examine(walker(*nodes, functions=functions))
    return {verdict.sight.network.title(verdict.sight.number): verdict for verdict in found}


def rules(verdict: Verdict) -> list[str]:
    """Return the rules that found something, each with its direction."""
    return [("+" if one.speaks_for else "-") + one.rule for one in verdict.evidence]


def detect_in(*nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> Detection:
    return detect(graph(*nodes, functions=functions))
