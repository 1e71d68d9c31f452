"""Small frozen graphs for the tests of thawing, and how to look at what became of them.

frozen("w", "w", 2, 3)        a variable w, float32 [2, 3], whose value the tensor w is
lines(thawed)                 one line a node: ``w/read ReadVariableOp w``, marks behind a bar
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.protos import GraphDef
from pbckpt.rewrite.build import mark_of
from pbckpt.thaw.graph import thaw_graph
from pbckpt.thaw.variable import FrozenVariable, VariableKind
from tests.unit.variables.graphs import graph, node

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.protos import AttrValue, FunctionDef, NodeDef
    from pbckpt.rewrite.draft import Draft
    from pbckpt.thaw.graph import ThawedGraph

RESOURCE, REF = VariableKind.RESOURCE, VariableKind.REF
FLOAT, BOOL = 1, 10


def frozen(
    name: str,
    tensor: str = "",
    *dims: int,
    dtype: DataType = DataType.FLOAT,
    stored: DataType | None = None,
    trainable: bool = True,
) -> FrozenVariable:
    return FrozenVariable(name, name, tensor, dtype, dims, trainable, stored or dtype)


def thaw(
    nodes: Iterable[NodeDef],
    *variables: FrozenVariable,
    kind: VariableKind = RESOURCE,
    functions: Sequence[FunctionDef] = (),
) -> ThawedGraph:
    return thaw_graph(graph(*nodes, functions=functions), variables, kind)


def encoded(thawed: ThawedGraph) -> GraphDef:
    data = b"".join(map(bytes, thawed.graph.chunks(memoryview(bytearray(1 << 16)))))
    assert len(data) == thawed.graph.nbytes
    return GraphDef.FromString(data)


def line(made: NodeDef) -> str:
    mark = mark_of(made)
    text = " ".join((made.name, made.op, *made.input))
    return f"{text} | {mark.value.decode()}" if mark else text


def lines(thawed: ThawedGraph, *, but_saver: bool = True) -> list[str]:
    nodes = encoded(thawed).node
    return [line(one) for one in nodes if not (but_saver and one.name.startswith("save"))]


def lines_of(draft: Draft) -> list[str]:
    return [line(one) for one in draft.definitions()]


def attr_of(thawed: ThawedGraph, name: str, attr: str) -> AttrValue:
    found = next(one for one in encoded(thawed).node if one.name == name)
    return found.attr[attr]


def typed(op: str, name: str, *inputs: str, dtype: int = FLOAT) -> NodeDef:
    made = node(op, name, *inputs)
    made.attr["T"].type = dtype
    return made


def enter(name: str, of: str, frame: str, *, constant: bool = False, parallel: int = 0) -> NodeDef:
    made = typed("Enter", name, of)
    made.attr["frame_name"].s = frame.encode()
    if constant:
        made.attr["is_constant"].b = True
    if parallel:
        made.attr["parallel_iterations"].i = parallel
    return made


def loop(scope: str, start: str, *body: NodeDef, result: str, exits: bool = True) -> list[NodeDef]:
    """Return a loop of one variable, whose next value is ``result``."""
    nodes = [
        enter(f"{scope}/Enter", start, scope, parallel=7),
        typed("Merge", f"{scope}/Merge", f"{scope}/Enter", f"{scope}/NextIteration"),
        typed("Less", f"{scope}/Less", f"{scope}/Merge", f"{scope}/Merge"),
        node("LoopCond", f"{scope}/LoopCond", f"{scope}/Less"),
        typed("Switch", f"{scope}/Switch", f"{scope}/Merge", f"{scope}/LoopCond"),
        typed("Identity", f"{scope}/Identity", f"{scope}/Switch:1"),
        *body,
        typed("NextIteration", f"{scope}/NextIteration", result),
    ]
    return [*nodes, typed("Exit", f"{scope}/Exit", f"{scope}/Switch")] if exits else nodes


def cond(scope: str, pred: str, value: str, taken: str, other: str) -> list[NodeDef]:
    """Return a condition as TensorFlow 1 builds it; both branches take ``value``."""
    return [
        typed("Switch", f"{scope}/Switch", pred, pred, dtype=BOOL),
        typed("Identity", f"{scope}/switch_t", f"{scope}/Switch:1", dtype=BOOL),
        typed("Identity", f"{scope}/switch_f", f"{scope}/Switch", dtype=BOOL),
        typed("Identity", f"{scope}/pred_id", pred, dtype=BOOL),
        typed("Switch", f"{scope}/t/Switch", value, f"{scope}/pred_id"),
        typed("Relu", taken, f"{scope}/t/Switch:1"),
        typed("Switch", f"{scope}/f/Switch", value, f"{scope}/pred_id"),
        typed("Neg", other, f"{scope}/f/Switch"),
        typed("Merge", f"{scope}/Merge", other, taken),
    ]
