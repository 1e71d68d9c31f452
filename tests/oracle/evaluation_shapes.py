"""Cases of ops that hand on, reshape, fill or convert.

Attrs are written down as TensorFlow's documentation has them, not taken from what
is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import numpy_dtype
from tests.oracle.evaluation_case import Case
from tests.oracle.evaluation_values import (
    ANY,
    COMPLEX,
    EITHER,
    FLOAT8,
    FLOATS,
    INTS,
    PAIRS,
    QUANTIZED,
    SHAPES,
    D,
    makes,
    scalar,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.evaluation_values import Maker


@makes(
    "Identity",
    "Snapshot",
    "StopGradient",
    "PreventGradient",
    "ZerosLike",
    "OnesLike",
    "Rank",
    "Size",
)
def _simple(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in SHAPES:
            attrs: dict[str, object] = {"T": dtype}
            if op == "Size":
                attrs["out_type"] = make.pick(D.INT32, D.INT64)
            yield Case(op, (make.values(dtype, shape),), attrs)


@makes("Shape")
def _shape(make: Maker, op: str) -> Iterator[Case]:
    for shape in SHAPES:
        for out in (D.INT32, D.INT64):
            inputs = (make.values(D.FLOAT, shape),)
            yield Case(op, inputs, {"T": D.FLOAT, "out_type": out})
            yield Case("ShapeN", inputs * 2, {"T": D.FLOAT, "out_type": out, "N": 2}, 2)


@makes("CheckNumerics")
def _check(make: Maker, op: str) -> Iterator[Case]:
    for dtype in FLOATS:
        for tame in (True, False):
            inputs = (make.values(dtype, (9,), tame=tame),)
            yield Case(op, inputs, {"T": dtype, "message": "no"})


@makes("Reshape")
def _reshape(make: Maker, op: str) -> Iterator[Case]:
    shapes = [(6,), (2, 3), (3, -1), (-1,), (6, 1, 1), (2, -1, 3), (-1, -1), (7,), (4, -1), (0, -1)]
    for dtype in ANY:
        for shape in shapes:
            index = make.pick(D.INT32, D.INT64)
            inputs = (make.values(dtype, (2, 3)), vector(*shape, dtype=index))
            yield Case(op, inputs, {"T": dtype, "Tshape": index})
    for given, shape in [((0,), (0, -1)), ((0,), (3, -1)), ((), ()), ((1,), ()), ((0, 2), (-1,))]:
        inputs = (make.values(D.FLOAT, given), vector(*shape))
        yield Case(op, inputs, {"T": D.FLOAT, "Tshape": D.INT32})


@makes("Transpose", "ConjugateTranspose")
def _transpose(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in [*SHAPES, (2, 3, 1, 2), (1, 2, 2, 1, 3)]:
            order = list(range(len(shape)))
            make.random.shuffle(order)
            index = make.pick(D.INT32, D.INT64)
            inputs = (make.values(dtype, shape), vector(*order, dtype=index))
            yield Case(op, inputs, {"T": dtype, "Tperm": index})
    for order in ([0, 0], [0, 2], [-1, 0], [0]):
        inputs = (make.values(D.FLOAT, (2, 3)), vector(*order))
        yield Case(op, inputs, {"T": D.FLOAT, "Tperm": D.INT32})


@makes("ExpandDims")
def _expand(make: Maker, op: str) -> Iterator[Case]:
    for shape in SHAPES:
        for axis in range(-len(shape) - 2, len(shape) + 2):
            inputs = (make.values(D.FLOAT, shape), scalar(axis))
            yield Case(op, inputs, {"T": D.FLOAT, "Tdim": D.INT32})


@makes("Squeeze")
def _squeeze(make: Maker, op: str) -> Iterator[Case]:
    for dtype in (D.FLOAT, D.INT64, D.BOOL):
        for shape in [(1,), (1, 3, 1), (2, 1), (), (1, 1), (0, 1)]:
            for axes in ([], [0], [-1], [1], [0, -1], [2]):
                attrs = {"T": dtype, "squeeze_dims": axes}
                yield Case(op, (make.values(dtype, shape),), attrs)


@makes("Fill", "BroadcastTo")
def _fill(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in SHAPES:
            index = make.pick(D.INT32, D.INT64)
            sizes = vector(*shape, dtype=index)
            if op == "Fill":
                attrs: dict[str, object] = {"T": dtype, "index_type": index}
                yield Case(op, (sizes, make.values(dtype, ())), attrs)
                continue
            for given in ((), (1,), (3,), (2, 1, 1)):
                yield Case(op, (make.values(dtype, given), sizes), {"T": dtype, "Tidx": index})


@makes("BroadcastArgs")
def _broadcast_args(make: Maker, op: str) -> Iterator[Case]:
    for first, second in PAIRS:
        for dtype in (D.INT32, D.INT64):
            inputs = vector(*first, dtype=dtype), vector(*second, dtype=dtype)
            yield Case(op, inputs, {"T": dtype})
    del make


@makes("Range")
def _range(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, D.INT32, D.INT64]:
        for start, limit, delta in [
            (0, 10, 1),
            (3, 20, 4),
            (10, 0, -3),
            (0, 0, 1),
            (0, 5, -1),
            (0, 5, 0),
            (0.5, 7.25, 0.3),
            (0, 1, 0.01),
            (-5, 5, 2),
        ]:
            inputs = tuple(scalar(one, dtype) for one in (start, limit, delta))
            yield Case(op, inputs, {"Tidx": dtype})
    del make


@makes("LinSpace")
def _lin_space(make: Maker, op: str) -> Iterator[Case]:
    for dtype in FLOATS:
        for start, stop, num in [
            (0, 1, 5),
            (0, 1, 1),
            (-3.3, 8.1, 17),
            (1, 1, 4),
            (0, 1, 0),
            (5, -2, 33),
        ]:
            inputs = (scalar(start, dtype), scalar(stop, dtype), scalar(num))
            yield Case(op, inputs, {"T": dtype, "Tidx": D.INT32})
    del make


@makes("OneHot")
def _one_hot(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axis, depth in [
            ((), -1, 3),
            ((4,), -1, 3),
            ((4,), 0, 3),
            ((2, 3), 1, 4),
            ((2,), 0, 0),
        ]:
            index = make.pick(D.INT32, D.INT64, D.UINT8)
            low = 0 if index is D.UINT8 else -1
            places = (index, make.numpy.integers(low, 5, shape).astype(numpy_dtype(index)))
            inputs = (places, scalar(depth), make.values(dtype, ()), make.values(dtype, ()))
            yield Case(op, inputs, {"T": dtype, "TI": index, "axis": axis})


@makes("Cast")
def _cast(make: Maker, op: str) -> Iterator[Case]:
    types = [*FLOATS, *INTS, *COMPLEX, D.BOOL, *FLOAT8]
    for source in types:
        for target in types:
            inputs = (make.values(source, (40,)),)
            yield Case(op, inputs, {"SrcT": source, "DstT": target})
            tame = (make.values(source, make.pick((), (0,), (2, 3), (33,)), tame=True),)
            truncate = make.pick(*EITHER)
            yield Case(op, tame, {"SrcT": source, "DstT": target, "Truncate": truncate})


@makes("Bitcast")
def _bitcast(make: Maker, op: str) -> Iterator[Case]:
    types = [*FLOATS, *INTS, *COMPLEX, *QUANTIZED, *FLOAT8]
    for source in types:
        for target in types:
            ratio = numpy_dtype(target).itemsize // numpy_dtype(source).itemsize
            shape = (2, ratio) if ratio > 1 else make.pick((), (3,), (2, 2))
            inputs = (make.values(source, shape),)
            yield Case(op, inputs, {"T": source, "type": target})
