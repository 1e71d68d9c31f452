"""Dequantize: eight-bit weights as floats, where an op takes them without a Dequantize node.

Ops such as QuantizedConv2D take integers and the two ends of their range.

    unsigned   what Dequantize in the mode MIN_FIRST would make of them: all of
               TensorFlow's own transforms write such
    signed     a scale and no offset, as oneDNN's kernels take them: the larger end
               is the largest integer; one range, or one for each channel
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


def dequantize_weights(array: Array, minimum: Array, maximum: Array) -> Array:
    """Return the float32 numbers of weights of an op that takes them with their range.

    Raises ValueError for another type than integers, and for ranges that are not
    one, nor one for each channel in the last dimension.
    """
    import numpy as np  # noqa: PLC0415 - numpy

    if minimum.size == maximum.size == 1 and array.dtype.kind == "u":
        return dequantize_min_first(array, float(minimum.item()), float(maximum.item()))
    channels = (1, array.shape[-1] if array.ndim else 1)
    if array.dtype.kind != "i" or minimum.shape != maximum.shape or minimum.size not in channels:
        msg = (
            f"{array.dtype.name} of shape {list(array.shape)} with {minimum.size} ends of ranges: "
            "how its integers are meant is not known"
        )
        raise ValueError(msg)
    largest = np.float32(np.iinfo(array.dtype).max)
    with np.errstate(all="ignore"):
        ends = np.maximum(np.abs(minimum), np.abs(maximum)).astype(np.float32)
        scale = ends.reshape(-1) / largest if ends.size > 1 else ends.reshape(()) / largest
        scaled: Array = np.multiply(array, scale, dtype=np.float32)
    return scaled
