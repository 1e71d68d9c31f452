"""Tensors of constants are computed; what is hostile in a graph is an error in bounded time."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import InvalidGraphError, LimitError, SelectionError, UnsupportedGraphError
from pbckpt.evaluation.dequantize import dequantize_min_first
from pbckpt.evaluation.evaluator import Evaluator
from pbckpt.graph.node import Node
from pbckpt.protos import NodeDef
from pbckpt.wire.span import Span


def const(name: str, dtype: DataType, array: object) -> NodeDef:
    values = np.asarray(array)
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = values.tobytes()
    return node


def op(name: str, kind: str, *inputs: str, **types: DataType) -> NodeDef:
    node = NodeDef(name=name, op=kind, input=inputs)
    for attr, dtype in types.items():
        node.attr[attr].type = dtype
    return node


def evaluator(*definitions: NodeDef) -> Evaluator:
    return Evaluator(
        {
            one.name: Node(one.name, one.op, one, Span.of(one.SerializeToString()))
            for one in definitions
        }
    )


def test_integers_times_a_scale_are_floats() -> None:
    found = evaluator(
        const("q", DataType.INT8, np.array([-2, 0, 3], np.int8)),
        const("s", DataType.FLOAT, np.float32(0.5)),
        op("f", "Cast", "q", SrcT=DataType.INT8, DstT=DataType.FLOAT),
        op("w", "Mul", "f", "s", T=DataType.FLOAT),
    )
    assert found.evaluate("w").tolist() == [-1.0, 0.0, 1.5]
    assert found.dtype("w:0") is DataType.FLOAT


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("MIN_COMBINED", [-1.0, 0.0, 1.0]),
        ("MIN_FIRST", [-0.9960784912109375, 0.0, 1.0039215087890625]),
        ("SCALED", [0.0, 0.5, 1.0]),
    ],
)
def test_modes_of_dequantize(mode: str, expected: list[float]) -> None:
    node = op("w", "Dequantize", "q", "low", "high", T=DataType.QUINT8)
    node.attr["mode"].s = mode.encode()
    found = evaluator(
        const("q", DataType.QUINT8, np.array([0, 127, 255], np.uint8)),
        const("low", DataType.FLOAT, np.float32(-1)),
        const("high", DataType.FLOAT, np.float32(1)),
        node,
    ).evaluate("w")
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=0.005)


def test_weights_without_a_node_are_what_the_node_gives() -> None:
    node = op("w", "Dequantize", "q", "low", "high", T=DataType.QUINT8)
    node.attr["mode"].s = b"MIN_FIRST"
    array = np.arange(256).astype(np.uint8)
    found = evaluator(
        const("q", DataType.QUINT8, array),
        const("low", DataType.FLOAT, np.float32(-0.3)),
        const("high", DataType.FLOAT, np.float32(0.1)),
        node,
    ).evaluate("w")
    assert dequantize_min_first(array, -0.3, 0.1).tobytes() == found.tobytes()


def test_halves_become_floats() -> None:
    found = evaluator(
        const("h", DataType.HALF, np.array([0.5, 65504], np.float16)),
        op("f", "Cast", "h", SrcT=DataType.HALF, DstT=DataType.FLOAT),
        const("b", DataType.BFLOAT16, np.array([0x3F80, 0xC000], np.uint16)),
        op("g", "Cast", "b", SrcT=DataType.BFLOAT16, DstT=DataType.FLOAT),
    )
    assert found.evaluate("f").tolist() == [0.5, 65504.0]
    assert found.evaluate("g").tolist() == [1.0, -2.0]


def test_bombs_are_refused_before_they_allocate() -> None:
    huge = np.array([1 << 20, 1 << 20], np.int32)
    found = evaluator(
        const("n", DataType.INT32, huge),
        const("v", DataType.FLOAT, np.float32(1)),
        op("fill", "Fill", "n", "v", T=DataType.FLOAT),
        const("m", DataType.FLOAT, np.ones((1, 1), np.float32)),
        op("tile", "Tile", "m", "n", T=DataType.FLOAT),
        const("zero", DataType.INT64, np.int64(0)),
        const("end", DataType.INT64, np.int64(1 << 62)),
        const("one", DataType.INT64, np.int64(1)),
        op("range", "Range", "zero", "end", "one", Tidx=DataType.INT64),
    )
    for name in ("fill", "tile", "range"):
        with pytest.raises(LimitError):
            found.evaluate(name)


def test_what_is_no_constant_is_named() -> None:
    found = evaluator(
        op("x", "Placeholder", dtype=DataType.FLOAT), op("y", "Identity", "x", T=DataType.FLOAT)
    )
    assert found.missing("y") == ("x",)
    with pytest.raises(UnsupportedGraphError, match="'x'"):
        found.evaluate("y")
    with pytest.raises(SelectionError):
        found.evaluate("nothing")
    with pytest.raises(InvalidGraphError):
        evaluator(op("y", "Identity", "gone", T=DataType.FLOAT)).evaluate("y")


def test_numpy_is_not_loaded_before_a_value_is_wanted() -> None:
    code = "import sys, pbckpt.evaluation.evaluator, pbckpt.evaluation.dequantize; "
    code += "sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
