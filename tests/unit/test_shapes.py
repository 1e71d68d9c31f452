from __future__ import annotations

import pytest

from pbckpt.shapes import count_elements


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((), 1),
        ((0,), 0),
        ((1,), 1),
        ((2, 3), 6),
        ([2, 3, 4], 24),
        ((5, 0, 7), 0),
        ((9223372036854775807,), 9223372036854775807),
        ((4611686018427387903, 2), 9223372036854775806),
        ((3037000499, 3037000499), 9223372030926249001),
        ((0, 9223372036854775807), 0),
        ((0, 4611686018427387904, 4611686018427387904), 0),
        ((2, 4611686018427387903, 0, 9223372036854775807), 0),
        ((1,) * 254, 1),
        ((1,) * 253 + (7,), 7),
    ],
)
def test_a_shape_has_the_product_of_its_sizes(shape: tuple[int, ...], count: int) -> None:
    assert count_elements(shape) == count


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((-1,), id="-1"),
        pytest.param((-4, -1), id="a product above zero of sizes below"),
        pytest.param((0, -1), id="-1 beside 0"),
        pytest.param((-9223372036854775808,), id="-2**63"),
        pytest.param((9223372036854775808,), id="2**63"),
        pytest.param((4611686018427387904, 2), id="2**63 in two"),
        pytest.param((4294967296, 4294967296, 16), id="a product that wraps to 0"),
        pytest.param((4611686018427387904, 4611686018427387904, 0), id="too many before 0"),
        pytest.param((2, 0, -3), id="-3 after 0"),
        pytest.param((1,) * 255, id="255 dimensions"),
        pytest.param((0,) * 255, id="255 dimensions of nothing"),
        pytest.param((2,) * 64, id="2**64 in small steps"),
        pytest.param((9223372036854775807,) * 254, id="the largest"),
        pytest.param((1,) * 1_000_000, id="a million dimensions"),
    ],
)
def test_a_shape_that_no_tensor_has(shape: tuple[int, ...]) -> None:
    assert count_elements(shape) is None
