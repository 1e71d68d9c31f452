"""Cases of ops that compute element by element.

Attrs are written down as TensorFlow's documentation has them, not taken from what
is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.evaluation_case import Case
from tests.oracle.evaluation_values import (
    COMPLEX,
    EITHER,
    FLOATS,
    INTS,
    PAIRS,
    QUANTIZED,
    SHAPES,
    D,
    makes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.evaluation_values import Maker


@makes(
    "Add",
    "AddV2",
    "Sub",
    "Mul",
    "Div",
    "RealDiv",
    "FloorDiv",
    "TruncateDiv",
    "DivNoNan",
    "Mod",
    "FloorMod",
    "TruncateMod",
    "Maximum",
    "Minimum",
    "SquaredDifference",
)
def _binary(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for first, second in PAIRS * 2:
            positive = dtype in INTS and make.pick(*EITHER)
            right = make.values(dtype, second, positive=positive, tame=make.pick(*EITHER))
            yield Case(op, (make.values(dtype, first), right), {"T": dtype})


@makes("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual")
def _comparison(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX, D.BOOL, *QUANTIZED]:
        for first, second in PAIRS:
            yield Case(op, (make.values(dtype, first), make.values(dtype, second)), {"T": dtype})


@makes("LogicalAnd", "LogicalOr", "LogicalNot")
def _logical(make: Maker, op: str) -> Iterator[Case]:
    for first, second in PAIRS * 3:
        inputs = (make.values(D.BOOL, first), make.values(D.BOOL, second))
        yield Case(op, inputs[:1] if op == "LogicalNot" else inputs, {})


@makes(
    "Square",
    "Sqrt",
    "Rsqrt",
    "Neg",
    "Abs",
    "Exp",
    "Log",
    "Sin",
    "Cos",
    "Relu",
    "Relu6",
    "LeakyRelu",
    "Floor",
    "Ceil",
)
def _unary(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for shape in [*SHAPES, (64,), (64,), (33,)]:
            for tame in (False, True):
                yield Case(op, (make.values(dtype, shape, tame=tame),), {"T": dtype})


@makes("AddN")
def _add_n(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for count in (1, 2, 3, 7, 9, 12):
            inputs = tuple(make.values(dtype, (2, 3), tame=True) for _ in range(count))
            yield Case(op, inputs, {"T": dtype, "N": count})


@makes("BiasAdd", "BiasAddV1")
def _bias_add(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for shape in [(2, 3), (2, 2, 2, 3), (0, 3), (2, 3, 4)]:
            attrs: dict[str, object] = {"T": dtype}
            yield Case(op, (make.values(dtype, shape), make.values(dtype, shape[-1:])), attrs)
            if op == "BiasAdd":
                inputs = (make.values(dtype, shape), make.values(dtype, shape[1:2]))
                yield Case(op, inputs, {**attrs, "data_format": "NCHW"})
