"""What goes into the cases: types, shapes, and values that are the same each time."""

from __future__ import annotations

import random
import zlib
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.dtypes import DataType, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.oracle.evaluation_case import Array, Case

D = DataType
FLOATS = [D.FLOAT, D.DOUBLE, D.HALF, D.BFLOAT16]
INTS = [D.INT32, D.INT64, D.UINT8, D.INT8, D.INT16, D.UINT16, D.UINT32, D.UINT64]
COMPLEX = [D.COMPLEX64, D.COMPLEX128]
QUANTIZED = [D.QINT8, D.QUINT8, D.QINT16, D.QUINT16, D.QINT32]
FLOAT8 = [D.FLOAT8_E5M2, D.FLOAT8_E4M3FN]
ANY = [*FLOATS, *INTS, *COMPLEX, D.BOOL, *QUANTIZED]
SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (3,), (17,), (2, 3), (2, 0, 3), (2, 3, 4)]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, -0.5, 3.0, 1e-40, -1e-39, 1e-300, 1e30, -1e30]
SPECIAL += [float("nan"), float("inf"), float("-inf"), 65504.0, 6e-8, 2.0**31, -(2.0**31), 2.0**63]
SPECIAL += [0.1, 255.0, 256.0, -128.5, 127.5, 1e10, 5e-324, 3.4028234663852886e38]
PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (4,)),
    ((0,), (1,)),
    ((2, 0), (1, 1)),
    ((2, 3, 4), (3, 1)),
    ((16,), (16,)),
    ((3,), (4,)),
]
# What an attr or a choice may be.
EITHER = (True, False)
MOSTLY = (True, True, False)


class Maker:
    """Makes values, the same ones each time."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(zlib.crc32(seed.encode()))  # noqa: S311 - to be repeated
        self.numpy = np.random.default_rng(zlib.crc32(seed.encode()))

    def values(
        self, dtype: DataType, shape: Sequence[int], *, tame: bool = False, positive: bool = False
    ) -> tuple[DataType, Array]:
        """Return values of a type; tame ones are small and finite."""
        count = prod(shape)
        target = numpy_dtype(dtype)
        if target.kind == "b":
            array = self.numpy.integers(0, 2, count).astype(bool)
        elif target.kind in "iu":
            info = np.iinfo(target.name)
            low, high = (max(info.min, -9), min(info.max, 9)) if tame else (info.min, info.max)
            array = self.numpy.integers(low, high, count, target, endpoint=True)
            if positive:
                array = np.where(array <= 0, 1, array).astype(target)
        else:
            array = self._floats(target, count, tame=tame, positive=positive)
        return dtype, array.reshape(shape)

    def _floats(self, target: np.dtype[Any], count: int, *, tame: bool, positive: bool) -> Array:
        def one() -> float:
            if not tame and self.random.random() < 0.5:
                return self.random.choice(SPECIAL)
            return self.random.gauss(0, 1) * 10.0 ** self.random.choice([-3, 0, 0, 0, 1])

        with np.errstate(all="ignore"):
            if target.kind == "c":
                return np.array([complex(one(), one()) for _ in range(count)]).astype(target)
            drawn = np.array([one() for _ in range(count)], np.float64)
            return (np.abs(drawn) + 1e-3 if positive else drawn).astype(target)

    def pick(self, *options: Any) -> Any:  # noqa: ANN401 - one of them
        """Return one of several."""
        return self.random.choice(options)


def vector(*numbers: int, dtype: DataType = D.INT32) -> tuple[DataType, Array]:
    """Return integers as an input."""
    return dtype, np.array(numbers, numpy_dtype(dtype)).reshape(-1)


def scalar(number: float, dtype: DataType = D.INT32) -> tuple[DataType, Array]:
    """Return one number as an input."""
    return dtype, np.array(number).astype(numpy_dtype(dtype))


MAKERS: dict[str, Callable[[Maker], Iterator[Case]]] = {}


def makes(*names: str) -> Callable[[Any], Any]:
    """Register what makes the cases of some ops; it is told which."""

    def register(function: Callable[[Maker, str], Iterator[Case]]) -> Any:  # noqa: ANN401
        for name in names:
            MAKERS[name] = lambda make, name=name: function(make, name)  # type: ignore[misc]
        return function

    return register
