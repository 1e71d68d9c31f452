"""Graphs of a few nodes: their tensors as literals, and what stands in the way of one."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import (
    InvalidGraphError,
    LimitError,
    PbckptError,
    SelectionError,
    UnsupportedGraphError,
)
from pbckpt.evaluation.evaluator import Evaluator
from pbckpt.evaluation.limits import EvaluationLimits
from pbckpt.evaluation.obstacles import ObstacleKind
from pbckpt.graph.decode import Node
from pbckpt.protos import NodeDef
from pbckpt.wire.span import Span

FLOAT, INT32, BOOL = DataType.FLOAT, DataType.INT32, DataType.BOOL
CODES = {FLOAT: "<f4", INT32: "<i4", BOOL: "?"}


def const(
    name: str, dtype: DataType, value: object, shape: tuple[int, ...] | None = None
) -> NodeDef:
    array = np.asarray(value, CODES[dtype])
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in array.shape if shape is None else shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.size and shape is None:
        tensor.tensor_content = array.tobytes()
    return node


def op(name: str, kind: str, *inputs: str, **attrs: DataType | int) -> NodeDef:
    node = NodeDef(name=name, op=kind, input=inputs)
    for key, value in attrs.items():
        if isinstance(value, DataType):
            node.attr[key].type = value
        else:
            node.attr[key].i = value
    return node


def evaluator(*nodes: NodeDef, limits: EvaluationLimits | None = None) -> Evaluator:
    by_name = {
        node.name: Node(node.name, node.op, node, Span.of(node.SerializeToString()))
        for node in nodes
    }
    return Evaluator(by_name, limits=limits or EvaluationLimits())


def test_a_constant_and_what_is_made_of_it() -> None:
    graph = evaluator(
        const("w", FLOAT, [[1, 2], [3, 4]]),
        const("order", INT32, [1, 0]),
        op("turned", "Transpose", "w", "order", T=FLOAT, Tperm=INT32),
        op("sum", "Add", "turned", "w:0", "^order", T=FLOAT),
    )
    assert graph.evaluate("sum").tolist() == [[2, 5], [5, 8]]
    assert graph.dtype("sum:0") is FLOAT
    assert graph.obstacle("sum") is None
    assert graph.missing("sum") == ()


def test_outputs_have_numbers_and_in_bodies_names() -> None:
    graph = evaluator(
        const("w", INT32, [5, 6, 7]),
        op("parts", "Unpack", "w", T=INT32, num=3),
        op("one", "Identity", "parts:output:1", T=INT32),
    )
    assert graph.evaluate("parts").tolist() == 5
    assert graph.evaluate("parts:2").tolist() == 7
    assert graph.evaluate("one").tolist() == 6
    with pytest.raises(SelectionError):
        graph.evaluate("parts:3")


def test_the_result_is_the_callers_own() -> None:
    graph = evaluator(const("w", INT32, [1, 2]), op("v", "Identity", "w", T=INT32))
    found = graph.evaluate("v")
    found[0] = 9
    assert graph.evaluate("v").tolist() == [1, 2]


@pytest.mark.parametrize(
    "name", ["", "^w", "w:x", "w:-1", "none", "w:1", "w:" + "9" * 5000, "w:a:b:0"]
)
def test_a_name_that_is_none(name: str) -> None:
    graph = evaluator(const("w", INT32, [1]))
    assert graph.obstacle(name) is not None
    with pytest.raises(SelectionError):
        graph.evaluate(name)


def test_an_input_is_named() -> None:
    graph = evaluator(
        op("x", "Placeholder", dtype=FLOAT),
        const("w", FLOAT, [1]),
        op("sum", "Add", "w", "x", T=FLOAT),
        op("out", "Identity", "sum", T=FLOAT),
    )
    obstacle = graph.obstacle("out")
    assert obstacle is not None
    assert (obstacle.kind, obstacle.node) == (ObstacleKind.INPUT, "x")
    assert graph.missing("out") == ("x",)
    with pytest.raises(UnsupportedGraphError, match="'x'") as caught:
        graph.evaluate("out")
    assert (caught.value.node_name, caught.value.op) == ("x", "Placeholder")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("VariableV2", ObstacleKind.VARIABLE),
        ("NextIteration", ObstacleKind.LOOP),
        ("Conv2D", ObstacleKind.UNKNOWN),
    ],
)
def test_other_nodes_in_the_way(kind: str, expected: ObstacleKind) -> None:
    obstacle = evaluator(op("a", kind)).obstacle("a")
    assert obstacle is not None
    assert (obstacle.kind, obstacle.node, obstacle.op) == (expected, "a", kind)


def test_all_that_is_missing() -> None:
    graph = evaluator(
        op("x", "Placeholder"),
        op("y", "Conv2D"),
        op("sum", "Add", "x", "y", T=FLOAT),
        op("out", "Add", "sum", "gone", T=FLOAT),
    )
    assert sorted(graph.missing("out")) == ["gone", "x", "y"]


def test_a_branch_that_is_not_taken() -> None:
    nodes = (
        const("w", FLOAT, [1, 2]),
        const("flag", BOOL, 1),
        op("switch", "Switch", "w", "flag", T=FLOAT),
        op("dead", "Neg", "switch:0", T=FLOAT),
        op("alive", "Neg", "switch:1", T=FLOAT),
        op("merge", "Merge", "dead", "alive", T=FLOAT, N=2),
    )
    graph = evaluator(*nodes)
    assert graph.evaluate("merge").tolist() == [-1, -2]
    assert graph.evaluate("merge:1").tolist() == 1
    with pytest.raises(UnsupportedGraphError, match="not taken"):
        graph.evaluate("dead")


@pytest.mark.parametrize(
    "node",
    [
        op("n", "Add", "w", T=FLOAT),
        op("n", "Add", "w", "w", "w", T=FLOAT),
        op("n", "Add", "w", "w"),
        op("n", "Add", "w", "w", T=INT32),
        op("n", "Add", "w", "w:1", T=FLOAT),
        op("n", "Pack", T=FLOAT, N=-1),
        op("n", "Pack", T=FLOAT, N=1 << 40),
        op("n", "Identity", "w:x", T=FLOAT),
        op("n", "Identity", "gone", T=FLOAT),
        op("n", "Reshape", "w", "w", T=FLOAT, Tshape=INT32),
    ],
    ids=lambda node: f"{node.op} {list(node.input)}",
)
def test_a_node_that_contradicts_itself(node: NodeDef) -> None:
    graph = evaluator(const("w", FLOAT, [1, 2]), node)
    assert graph.obstacle("n") is not None
    with pytest.raises(InvalidGraphError):
        graph.evaluate("n")


def test_shapes_that_do_not_fit() -> None:
    graph = evaluator(
        const("a", FLOAT, [1, 2]), const("b", FLOAT, [1, 2, 3]), op("n", "Add", "a", "b", T=FLOAT)
    )
    with pytest.raises(InvalidGraphError, match="do not fit"):
        graph.evaluate("n")


def test_a_chain_of_twenty_thousand() -> None:
    names = ["w", *(f"n{at}" for at in range(20_000))]
    links = [op(name, "Identity", before, T=FLOAT) for before, name in pairwise(names)]
    graph = evaluator(const("w", FLOAT, [3]), *links)
    assert graph.evaluate(names[-1]).tolist() == [3]


def test_memory_of_a_chain_does_not_grow() -> None:
    names = ["w", *(f"n{at}" for at in range(100))]
    links = [op(name, "Neg", before, T=FLOAT) for before, name in pairwise(names)]
    graph = evaluator(
        const("w", FLOAT, np.zeros(1000)), *links, limits=EvaluationLimits(max_bytes=16_000)
    )
    assert graph.evaluate("n99").shape == (1000,)


def test_doubling_again_and_again_is_walked_once() -> None:
    links = [op("n0", "Add", "w", "w", T=FLOAT)]
    links += [op(f"n{at}", "Add", f"n{at - 1}", f"n{at - 1}", T=FLOAT) for at in range(1, 60)]
    graph = evaluator(const("w", FLOAT, [1]), *links)
    assert graph.evaluate("n59").tolist() == [2.0**60]


def test_cycles_end() -> None:
    graph = evaluator(
        op("a", "Identity", "b", T=FLOAT),
        op("b", "Identity", "a", T=FLOAT),
        op("self", "Add", "self", "self", T=FLOAT),
    )
    for name in ("a", "b", "self"):
        obstacle = graph.obstacle(name)
        assert obstacle is not None
        assert obstacle.kind is ObstacleKind.LOOP
        assert graph.missing(name)
        with pytest.raises(UnsupportedGraphError):
            graph.evaluate(name)


HUGE = [1 << 20, 1 << 20]
BOMBS = {
    "fill": (const("s", INT32, HUGE), op("n", "Fill", "s", "v", T=FLOAT, index_type=INT32)),
    "tile": (
        const("s", INT32, [1 << 30]),
        op("e", "ExpandDims", "v", "zero", T=FLOAT, Tdim=INT32),
        op("n", "Tile", "e", "s", T=FLOAT, Tmultiples=INT32),
    ),
    "broadcast": (const("s", INT32, HUGE), op("n", "BroadcastTo", "v", "s", T=FLOAT, Tidx=INT32)),
    "range": (
        const("end", INT32, 2**31 - 1),
        const("one", INT32, 1),
        op("n", "Range", "zero", "end", "one", Tidx=INT32),
    ),
    "pad": (
        const("s", INT32, [[0, 2**31 - 1]]),
        op("e", "ExpandDims", "v", "zero", T=FLOAT, Tdim=INT32),
        op("n", "Pad", "e", "s", T=FLOAT, Tpaddings=INT32),
    ),
    "one hot": (
        const("depth", INT32, 2**31 - 1),
        op("n", "OneHot", "zero", "depth", "v", "v", T=FLOAT, TI=INT32),
    ),
    "a constant of zeros": (const("n", FLOAT, [], (1 << 20, 1 << 20)),),
    "an outer product of adding": (
        const("col", FLOAT, [], (1 << 16, 1)),
        const("row", FLOAT, [], (1, 1 << 16)),
        op("n", "Add", "col", "row", T=FLOAT),
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_are_made(name: str) -> None:
    graph = evaluator(const("v", FLOAT, 1), const("zero", INT32, 0), *BOMBS[name])
    # Not what the machine says when it has no memory left.
    with pytest.raises(LimitError, match=r"the memory to evaluate|the elements to compute"):
        graph.evaluate("n")


def test_work_is_bounded_too() -> None:
    links = [op("n0", "Neg", "w", T=FLOAT)]
    links += [op(f"n{at}", "Neg", f"n{at - 1}", T=FLOAT) for at in range(1, 100)]
    graph = evaluator(
        const("w", FLOAT, np.zeros(100)), *links, limits=EvaluationLimits(max_work=5000)
    )
    with pytest.raises(LimitError) as caught:
        graph.evaluate("n99")
    assert caught.value.limit == "max_work"


def test_a_shape_that_no_tensor_has() -> None:
    graph = evaluator(
        const("v", FLOAT, 1), const("s", INT32, [-5]), op("n", "Fill", "s", "v", T=FLOAT)
    )
    with pytest.raises(PbckptError):
        graph.evaluate("n")


def test_what_can_be_evaluated_is_told_without_numpy() -> None:
    code = """
import sys
from pbckpt.evaluation.evaluator import Evaluator
assert Evaluator({}).obstacle("w") is not None
print("numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
