"""Dequantize: eight-bit weights as floats, where an op takes them without a Dequantize node.

Ops such as QuantizedConv2D take integers and the two ends of their range. What the
integers stand for is what Dequantize in the mode MIN_FIRST would make of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def dequantize_min_first(array: Array, minimum: float, maximum: float) -> Array:
    """Return the float32 numbers that integers between two ends of a range stand for.

    ``array`` has an integer type of numpy, as `Evaluator.evaluate` gives quantized
    tensors. Raises ValueError for another type.
    """
    import numpy as np  # noqa: PLC0415 - numpy

    from pbckpt.evaluation.operations import quantized  # noqa: PLC0415 - numpy

    if array.dtype.kind not in "iu":
        msg = f"an array of type {array.dtype.name}, where quantized integers are wanted"
        raise ValueError(msg)
    with np.errstate(all="ignore"):
        return quantized.dequantize_min_first(
            array, np.asarray(minimum, np.float32), np.asarray(maximum, np.float32)
        )
