"""Cases of ops between numbers and their quantized forms.

Attrs are written down as TensorFlow's documentation has them, not taken from what
is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.oracle.evaluation_case import Case
from tests.oracle.evaluation_values import EITHER, MOSTLY, QUANTIZED, D, makes, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.evaluation_values import Maker

RANGES = [(-6.0, 6.0), (0.0, 1.0), (-1.0, 3.7), (-0.3, 0.1), (1.0, 5.0), (-5.0, -1.0), (0.0, 0.0)]


@makes("Dequantize")
def _dequantize(make: Maker, op: str) -> Iterator[Case]:
    for dtype in QUANTIZED:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in RANGES:
                inputs = (
                    make.values(dtype, make.pick((33,), (2, 3))),
                    scalar(low, D.FLOAT),
                    scalar(high, D.FLOAT),
                )
                attrs: dict[str, object] = {"T": dtype, "mode": mode}
                yield Case(op, inputs, attrs)
                yield Case(op, inputs, {**attrs, "narrow_range": True})
                yield Case(op, inputs, {**attrs, "dtype": D.BFLOAT16})
            for axis in (0, 1, 2):
                count = (2, 3, 4)[axis]
                lows = -np.abs(make.values(D.FLOAT, (count,), tame=True)[1])
                inputs = (
                    make.values(dtype, (2, 3, 4)),
                    (D.FLOAT, lows),
                    make.values(D.FLOAT, (count,), tame=True, positive=True),
                )
                yield Case(op, inputs, {"T": dtype, "mode": mode, "axis": axis})


@makes("FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")
def _fake_quant(make: Maker, op: str) -> Iterator[Case]:
    for low, high in RANGES:
        for bits in (2, 4, 8, 16):
            for narrow in (True, False):
                value = make.values(D.FLOAT, (6, 5), tame=make.pick(*MOSTLY))
                attrs: dict[str, object] = {"num_bits": bits, "narrow_range": narrow}
                if op.endswith("Args"):
                    yield Case(op, (value,), {**attrs, "min": low, "max": high})
                elif op.endswith("Vars"):
                    ends = scalar(low, D.FLOAT), scalar(high, D.FLOAT)
                    yield Case(op, (value, *ends), attrs)
                else:
                    spread = np.linspace(1, 2, 5, dtype=np.float32)
                    lows, highs = (D.FLOAT, low * spread), (D.FLOAT, high * spread)
                    yield Case(op, (value, lows, highs), attrs)


@makes("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4")
def _quantize_and_dequantize(make: Maker, op: str) -> Iterator[Case]:
    for dtype in (D.FLOAT, D.DOUBLE):
        for low, high in RANGES:
            for given in (True, False):
                for narrow in (True, False):
                    attrs: dict[str, object] = {
                        "T": dtype,
                        "signed_input": make.pick(*EITHER),
                        "range_given": given,
                        "narrow_range": narrow,
                    }
                    value = make.values(dtype, (33,), tame=True)
                    ends = (scalar(low, dtype), scalar(high, dtype))
                    if op.endswith("V3"):
                        yield Case(op, (value, *ends, scalar(make.pick(4, 8))), attrs)
                        continue
                    attrs["num_bits"] = make.pick(4, 8)
                    attrs["round_mode"] = make.pick("HALF_TO_EVEN", "HALF_UP")
                    yield Case(op, (value, *ends), attrs)
