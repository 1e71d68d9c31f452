"""Eight-bit weights with their range, as ops take them."""

from __future__ import annotations

import numpy as np
import pytest

from pbckpt.evaluation.dequantize import dequantize_weights


def ends(*values: float) -> np.ndarray:
    return np.array(values if len(values) > 1 else values[0], np.float32)


def test_unsigned_ones_have_an_offset() -> None:
    made = dequantize_weights(np.array([0, 1, 255], np.uint8), ends(0), ends(255))
    assert made.dtype == np.float32
    assert made.tolist() == [0.0, 1.0, 255.0]


def test_signed_ones_have_a_scale() -> None:
    made = dequantize_weights(np.array([-127, 0, 127], np.int8), ends(-254), ends(100))
    assert made.dtype == np.float32
    assert made.tolist() == [-254.0, 0.0, 254.0]


def test_a_scale_for_each_channel() -> None:
    made = dequantize_weights(np.array([[127, 127]], np.int8), ends(-1, -2), ends(1, 0))
    assert made.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("array", "low", "high"),
    [
        (np.zeros(3, np.float32), ends(0), ends(1)),
        (np.zeros(3, np.uint8), ends(0, 0, 0), ends(1, 1, 1)),
        (np.zeros((2, 3), np.int8), ends(0, 0), ends(1, 1)),
        (np.zeros(3, np.int8), ends(0), ends(1, 1, 1)),
    ],
)
def test_what_nobody_says_how_to_read(array: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    with pytest.raises(ValueError, match="how its integers are meant is not known"):
        dequantize_weights(array, low, high)
