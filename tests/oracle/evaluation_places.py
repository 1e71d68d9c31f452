"""Cases of ops that move elements to other places.

Attrs are written down as TensorFlow's documentation has them, not taken from what
is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.dtypes import numpy_dtype
from tests.oracle.evaluation_case import Case
from tests.oracle.evaluation_values import ANY, D, makes, scalar, vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.evaluation_values import Maker


@makes("Pad", "PadV2", "MirrorPad")
def _pad(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, sides in [
            ((3,), [[1, 2]]),
            ((2, 3), [[0, 0], [2, 1]]),
            ((2, 3), [[1, 1], [0, 2]]),
            ((2, 3), [[2, 0], [0, 3]]),
            ((2, 3), [[3, 0], [0, 0]]),
            ((0, 3), [[1, 0], [0, 0]]),
            ((2, 3, 2), [[1, 0], [0, 1], [1, 1]]),
        ]:
            index = make.pick(D.INT32, D.INT64)
            given = (index, np.array(sides, numpy_dtype(index)))
            inputs: tuple[Any, ...] = (make.values(dtype, shape), given)
            attrs: dict[str, object] = {"T": dtype, "Tpaddings": index}
            if op == "PadV2":
                inputs += (make.values(dtype, ()),)
            if op == "MirrorPad":
                attrs["mode"] = make.pick("REFLECT", "SYMMETRIC")
            yield Case(op, inputs, attrs)
    if op != "PadV2":
        inputs = (make.values(D.FLOAT, ()), (D.INT32, np.zeros((0, 2), np.int32)))
        attrs = {"T": D.FLOAT, "Tpaddings": D.INT32}
        yield Case(op, inputs, {**attrs, "mode": "REFLECT"} if op == "MirrorPad" else attrs)


@makes("Tile")
def _tile(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, times in [
            ((), ()),
            ((3,), (2,)),
            ((2, 3), (2, 3)),
            ((2, 3), (1, 70)),
            ((1, 1, 2), (3, 0, 1)),
            ((0, 2), (3, 2)),
            ((2,), (-1,)),
        ]:
            index = make.pick(D.INT32, D.INT64)
            inputs = (make.values(dtype, shape), vector(*times, dtype=index))
            yield Case(op, inputs, {"T": dtype, "Tmultiples": index})


@makes("Reverse", "ReverseV2")
def _reverse(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axes in [
            ((3,), [0]),
            ((2, 3), [1]),
            ((2, 3), [0, -1]),
            ((), []),
        ]:
            value = make.values(dtype, shape)
            if op == "ReverseV2":
                yield Case(op, (value, vector(*axes)), {"T": dtype, "Tidx": D.INT32})
            else:
                flags = np.array([at in axes for at in range(len(shape))], bool)
                yield Case(op, (value, (D.BOOL, flags)), {"T": dtype})


@makes("Roll")
def _roll(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shift, axis in [(1, 0), (-5, 1), (100, -1)]:
            inputs = (make.values(dtype, (3, 4)), scalar(shift), scalar(axis))
            yield Case(op, inputs, {"T": dtype, "Tshift": D.INT32, "Taxis": D.INT32})
        inputs = (make.values(dtype, (3, 4)), vector(1, 2, -1), vector(0, 1, 0))
        yield Case(op, inputs, {"T": dtype, "Tshift": D.INT32, "Taxis": D.INT32})


@makes("InvertPermutation")
def _invert(make: Maker, op: str) -> Iterator[Case]:
    for dtype in (D.INT32, D.INT64):
        for order in ([2, 0, 1], [0], [], [0, 0], [3, 1], [-1, 0]):
            yield Case(op, (vector(*order, dtype=dtype),), {"T": dtype})
    del make


@makes("SpaceToBatchND", "BatchToSpaceND")
def _batches(make: Maker, op: str) -> Iterator[Case]:
    to_batch = op == "SpaceToBatchND"
    for dtype in ANY:
        for shape, block, sides in [
            ((1, 4, 4, 2), [2, 2], [[0, 0], [0, 0]]),
            ((1, 3, 4, 2), [2, 2], [[1, 0], [2, 0]]),
            ((2, 5), [3], [[0, 1]]),
            ((8, 2, 3, 1), [2, 2], [[0, 0], [0, 0]]),
            ((8, 2, 3, 1), [2, 2], [[1, 0], [0, 2]]),
            ((4, 3), [2], [[1, 1]]),
            ((4, 3, 2), [1, 2], [[0, 0], [0, 0]]),
            ((4, 3), [2], [[4, 4]]),
        ]:
            inputs = (
                make.values(dtype, shape),
                vector(*block),
                (D.INT32, np.array(sides, np.int32)),
            )
            names = ("Tblock_shape", "Tpaddings" if to_batch else "Tcrops")
            yield Case(op, inputs, {"T": dtype, **dict.fromkeys(names, D.INT32)})


@makes("SpaceToBatch", "BatchToSpace")
def _square_batches(make: Maker, op: str) -> Iterator[Case]:
    name = "Tpaddings" if op == "SpaceToBatch" else "Tidx"
    for dtype in ANY:
        for shape, sides in [((4, 2, 4, 1), [[0, 0], [1, 1]]), ((4, 2, 2, 3), [[0, 0], [0, 0]])]:
            inputs = (make.values(dtype, shape), (D.INT32, np.array(sides, np.int32)))
            yield Case(op, inputs, {"T": dtype, name: D.INT32, "block_size": 2})


@makes("SpaceToDepth", "DepthToSpace")
def _depths(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, size in [
            ((1, 4, 6, 4), 2),
            ((2, 2, 2, 8), 2),
            ((1, 3, 3, 9), 3),
            ((1, 3, 2, 5), 2),
        ]:
            attrs: dict[str, object] = {"T": dtype, "block_size": size}
            yield Case(op, (make.values(dtype, shape),), attrs)
            turned = make.values(dtype, (shape[0], shape[3], shape[1], shape[2]))
            yield Case(op, (turned,), {**attrs, "data_format": "NCHW"})
