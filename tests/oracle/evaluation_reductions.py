"""Cases of ops that go along an axis.

Attrs are written down as TensorFlow's documentation has them, not taken from what
is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.evaluation_case import Case
from tests.oracle.evaluation_values import COMPLEX, EITHER, FLOATS, INTS, D, makes, scalar, vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.evaluation_values import Maker


@makes("Sum", "Prod", "Max", "Min", "All", "Any")
def _reductions(make: Maker, op: str) -> Iterator[Case]:
    truth = op in ("All", "Any")
    for dtype in [D.BOOL] if truth else [*FLOATS, *INTS, *COMPLEX]:
        for shape, axes in [
            ((), []),
            ((5,), [0]),
            ((2, 3), [0]),
            ((2, 3), [-1]),
            ((2, 3), [0, 1]),
            ((2, 3), []),
            ((2, 0), [1]),
            ((0,), [0]),
            ((2, 3, 4), [0, 2]),
            ((2, 3), [2]),
            ((40,), [0]),
        ]:
            tame = op in ("Sum", "Mean", "Prod") or make.pick(*EITHER)
            inputs = (make.values(dtype, shape, tame=tame), vector(*axes))
            attrs = {} if truth else {"T": dtype}
            yield Case(op, inputs, {**attrs, "Tidx": D.INT32, "keep_dims": make.pick(*EITHER)})


@makes("ArgMax", "ArgMin")
def _arg(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS]:
        for shape, axis in [
            ((5,), 0),
            ((2, 3), 1),
            ((2, 3), -2),
            ((0, 2), 1),
            ((2, 0), 1),
            ((), 0),
        ]:
            for tame in (True, False):
                inputs = (make.values(dtype, shape, tame=tame), scalar(axis))
                out = make.pick(D.INT32, D.INT64)
                yield Case(op, inputs, {"T": dtype, "Tidx": D.INT32, "output_type": out})


@makes("Cumsum", "Cumprod")
def _cumulative(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for shape, axis in [((5,), 0), ((2, 3), 1), ((3, 2), -2), ((0,), 0), ((2, 0), 1), ((), 0)]:
            flags = {"exclusive": make.pick(*EITHER), "reverse": make.pick(*EITHER)}
            inputs = (make.values(dtype, shape, tame=True), scalar(axis))
            yield Case(op, inputs, {"T": dtype, "Tidx": D.INT32, **flags})
