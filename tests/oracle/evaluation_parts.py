"""Cases of ops that join tensors and take parts of them.

Attrs are written down as TensorFlow's documentation has them, not taken from what
is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pbckpt.dtypes import numpy_dtype
from tests.oracle.evaluation_case import Case
from tests.oracle.evaluation_values import ANY, EITHER, D, makes, scalar, vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.evaluation_values import Maker


CONCATENATED: list[tuple[list[tuple[int, ...]], int]] = [
    ([(2, 3), (2, 1)], 1),
    ([(2, 3), (2, 1)], -1),
    ([(2, 3), (1, 3), (0, 3)], 0),
    ([(3,), (0,), (2,)], 0),
    ([(2, 2, 2), (2, 5, 2)], 1),
    ([(2, 3), (2, 1)], 0),
    ([(), ()], 0),
]


@makes("Concat", "ConcatV2")
def _concat(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shapes, axis in CONCATENATED:
            arrays = tuple(make.values(dtype, shape) for shape in shapes)
            attrs: dict[str, object] = {"T": dtype, "N": len(shapes)}
            if op == "Concat":
                yield Case(op, (scalar(axis), *arrays), attrs)
            else:
                yield Case(op, (*arrays, scalar(axis)), {**attrs, "Tidx": D.INT32})


@makes("Pack")
def _pack(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in [(), (3,), (2, 3), (0,)]:
            for axis in (0, 1, -1, 3):
                count = make.pick(1, 2, 3)
                arrays = tuple(make.values(dtype, shape) for _ in range(count))
                yield Case(op, arrays, {"T": dtype, "N": count, "axis": axis})


@makes("Unpack")
def _unpack(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axis, num in [((3,), 0, 3), ((2, 3), 1, 3), ((2, 3), -2, 2), ((2, 3), 0, 3)]:
            attrs = {"T": dtype, "num": num, "axis": axis}
            yield Case(op, (make.values(dtype, shape),), attrs, num)


@makes("Split", "SplitV")
def _split(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axis, sizes in [
            ((4,), 0, [2, 2]),
            ((2, 6), 1, [2, 2, 2]),
            ((2, 6), -1, [1, -1, 3]),
            ((2, 6), 1, [0, 6]),
            ((2, 6), 0, [1, 2]),
            ((2, 6), 0, [2]),
            ((6, 2, 2), 0, [3, 3]),
        ]:
            value = make.values(dtype, shape)
            attrs: dict[str, object] = {"T": dtype, "num_split": len(sizes)}
            if op == "Split":
                yield Case(op, (scalar(axis), value), attrs, len(sizes))
            else:
                attrs["Tlen"] = D.INT32
                yield Case(op, (value, vector(*sizes), scalar(axis)), attrs, len(sizes))


@makes("Slice")
def _slice(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for begin, size in [
            ((0, 0), (2, 3)),
            ((1, 1), (-1, 2)),
            ((1, 2), (0, -1)),
            ((1, 0), (2, 1)),
        ]:
            index = make.pick(D.INT32, D.INT64)
            inputs = (
                make.values(dtype, (2, 3)),
                vector(*begin, dtype=index),
                vector(*size, dtype=index),
            )
            yield Case(op, inputs, {"T": dtype, "Index": index})


@makes("StridedSlice")
def _strided_slice(make: Maker, op: str) -> Iterator[Case]:
    for at in range(600):
        dtype = make.pick(*ANY) if at % 4 == 0 else D.FLOAT
        shape = tuple(make.pick(0, 1, 2, 3, 4, 5) for _ in range(make.pick(0, 1, 2, 3, 4)))
        entries = make.random.randint(0, len(shape) + make.pick(0, 0, 1, 2))
        numbers = [[make.random.randint(-6, 6) for _ in range(entries)] for _ in range(2)]
        strides = [make.pick(1, 1, 2, -1, -2, 3, 0) for _ in range(entries)]
        masks = {
            f"{name}_mask": make.random.getrandbits(entries) if make.pick(*EITHER) else 0
            for name in ("begin", "end", "new_axis", "shrink_axis")
        }
        masks["ellipsis_mask"] = make.pick(0, 0, 1 << make.random.randint(0, max(0, entries - 1)))
        index = make.pick(D.INT32, D.INT64)
        vectors = tuple(vector(*one, dtype=index) for one in (*numbers, strides))
        attrs = {"T": dtype, "Index": index, **masks}
        yield Case(op, (make.values(dtype, shape), *vectors), attrs)


@makes("Gather", "GatherV2")
def _gather(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for params, indices, axis, batch in [
            ((4,), (3,), 0, 0),
            ((4, 2), (), 0, 0),
            ((4, 2), (2, 2), 0, 0),
            ((2, 4), (3,), 1, 0),
            ((2, 4, 2), (2, 3), 1, 1),
            ((2, 4, 2), (2, 3), -2, -1),
            ((2, 3, 4, 2), (2, 3, 2), 2, 2),
            ((2, 4, 3), (2, 3), 2, 1),
            ((4, 0), (3,), 0, 0),
            ((4,), (0,), 0, 0),
        ]:
            index = make.pick(D.INT32, D.INT64)
            highest = make.pick(2, 2, 2, 2, 5)
            chosen = (
                index,
                make.numpy.integers(0, highest, indices, endpoint=True).astype(numpy_dtype(index)),
            )
            value = make.values(dtype, params)
            attrs: dict[str, object] = {"Tparams": dtype, "Tindices": index}
            if op == "Gather":
                yield Case(op, (value, chosen), attrs)
                continue
            attrs["Taxis"] = D.INT32
            if batch:
                attrs["batch_dims"] = batch
            yield Case(op, (value, chosen, scalar(axis)), attrs)


@makes("GatherNd")
def _gather_nd(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for params, rows in [
            ((4,), [[0], [3]]),
            ((2, 3), [[0], [1], [1]]),
            ((2, 3), [[0, 2], [1, 0]]),
            ((2, 3), [[[0, 2]], [[1, 0]]]),
            ((2, 3), [[0, 3]]),
            ((2, 3), [[-1, 0]]),
            ((2, 3, 2), [[1, 1]]),
        ]:
            array = np.array(rows, np.int32)
            inputs = (make.values(dtype, params), (D.INT32, array))
            yield Case(op, inputs, {"Tparams": dtype, "Tindices": D.INT32})
        empty = (D.INT32, np.zeros((2, 0), np.int32))
        yield Case(op, (make.values(dtype, (2, 3)), empty), {"Tparams": dtype, "Tindices": D.INT32})


@makes("Select", "SelectV2")
def _select(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for flags, first, second in [
            ((), (), ()),
            ((), (2, 3), (2, 3)),
            ((2,), (2, 3), (2, 3)),
            ((2, 3), (2, 3), (2, 3)),
            ((3,), (2, 3), (2, 3)),
            ((2, 1), (3,), ()),
            ((0,), (0,), (0,)),
        ]:
            shapes = (
                make.values(D.BOOL, flags),
                make.values(dtype, first),
                make.values(dtype, second),
            )
            yield Case(op, shapes, {"T": dtype})
