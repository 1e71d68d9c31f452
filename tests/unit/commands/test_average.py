"""The mean of several checkpoints, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import FAST, GOLDEN, files, held, listing, placed, saved

if TYPE_CHECKING:
    from pathlib import Path


def test_floats_are_averaged_and_the_rest_agrees(tmp_path: Path) -> None:
    same = {"n": np.int64(3), "s": np.array([b"x"], object), "t": np.array([True])}
    sources = [
        saved(
            tmp_path / str(at),
            {"w": np.array([at, 10 * at], np.float32), "d": np.float64(at), **same},
        )
        for at in (1, 2, 6)
    ]
    written = pbckpt.average(sources, tmp_path / "out" / "m", durability=FAST)
    assert written.nbytes == 8 + 8 + 6 + 1 + 8
    mean = {"w": np.array([3, 30], np.float32), "d": np.float64(3), **same}
    assert files(tmp_path / "out" / "m") == files(saved(tmp_path / "expected", mean))


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        # Added up in their own type, 1 would be lost beside 2**24 each time.
        ([np.float32(2**24), np.float32(1), np.float32(1)], (2**24 + 2) / 3),
        # 60000 twice is infinite in float16.
        ([np.float16(60000), np.float16(60000)], 60000),
        ([ml_dtypes.bfloat16(256), ml_dtypes.bfloat16(1), ml_dtypes.bfloat16(1)], 86),
        ([ml_dtypes.float8_e4m3fn(448)] * 3, 448),
        ([np.complex64(1 + 2j), np.complex64(3 - 2j)], 2),
        ([np.complex128(1 + 2j), np.complex128(2 + 3j)], 1.5 + 2.5j),
        ([np.float64(0.1), np.float64(0.2)], 0.15000000000000002),
        ([np.float32(np.inf), np.float32(1)], np.inf),
    ],
)
def test_sums_are_wide(values: list[object], mean: complex, tmp_path: Path) -> None:
    sources = [saved(tmp_path / str(at), {"w": value}) for at, value in enumerate(values)]
    pbckpt.average(sources, tmp_path / "m", durability=FAST)
    assert pbckpt.load_variable(tmp_path / "m", "w") == np.asarray(values[0]).dtype.type(mean)


def test_nan_stays_nan(tmp_path: Path) -> None:
    one = saved(tmp_path / "1", {"w": np.array([np.nan, 1, np.inf], np.float32)})
    two = saved(tmp_path / "2", {"w": np.array([1, np.nan, -np.inf], np.float32)})
    pbckpt.average([one, two], tmp_path / "m", durability=FAST)
    assert np.isnan(pbckpt.load_variable(tmp_path / "m", "w")).all()


def test_a_complex_infinity_is_its_own_mean(tmp_path: Path) -> None:
    source = saved(tmp_path / "1", {"w": np.complex64(complex(np.inf, 1))})
    pbckpt.average([source, source], tmp_path / "m", durability=FAST)
    assert held(tmp_path / "m")["w"][2] == complex(np.inf, 1)


def test_the_largest_numbers_have_a_mean(tmp_path: Path) -> None:
    source = saved(tmp_path / "1", {"w": np.float64(1.5e308)})
    pbckpt.average([source, source], tmp_path / "m", durability=FAST)
    assert held(tmp_path / "m")["w"][2] == 1.5e308


def test_the_mean_of_one_is_itself(tmp_path: Path) -> None:
    for source in (
        GOLDEN / "tf1" / "sharded2" / "ckpt",
        GOLDEN / "tf2" / "unsorted" / "ckpt",
        GOLDEN / "tf2" / "saver_mixed" / "ckpt-1234",
        GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables",
    ):
        target = tmp_path / source.parent.name / "m"
        pbckpt.average([source], target, durability=FAST)
        assert files(target) == files(source)


@pytest.mark.parametrize("form", list(pbckpt.Format))
def test_the_form_is_that_of_the_first(form: pbckpt.Format, tmp_path: Path) -> None:
    layout = pbckpt.Layout(format=form)
    first = saved(tmp_path / "1", {"v": np.float32(1), "w": np.array([2, 4], np.float32)}, layout)
    other = saved(tmp_path / "2", {"v": np.float32(3), "w": np.array([4, 8], np.float32)}, layout)
    pbckpt.average([first, other], tmp_path / "m", durability=FAST)
    mean = {"v": np.float32(2), "w": np.array([3, 6], np.float32)}
    assert files(tmp_path / "m") == files(saved(tmp_path / "expected", mean, layout))


def test_shards_and_slices_of_the_others_do_not_matter(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(6, 2)
    first = saved(tmp_path / "1", {"v": np.float32(1), "w": array})
    parts = {"v": np.float32(3), "w": pbckpt.partition(3 * array, 4)}
    other = saved(tmp_path / "2", parts, pbckpt.Layout(num_shards=2))
    pbckpt.average([first, other], tmp_path / "m", durability=FAST)
    expected = saved(tmp_path / "expected", {"v": np.float32(2), "w": 2 * array})
    assert files(tmp_path / "m") == files(expected)
    # Slices are joined, also where the first has them.
    pbckpt.average([other, first], tmp_path / "n", durability=FAST)
    assert held(tmp_path / "n") == held(expected)
    assert placed(tmp_path / "n")["w"][2] == 48


def test_large_tensors_are_averaged_in_blocks(tmp_path: Path) -> None:
    array = np.arange(700_001, dtype=np.float64)
    first, other = saved(tmp_path / "1", {"w": array}), saved(tmp_path / "2", {"w": 3 * array})
    pbckpt.average([first, other], tmp_path / "m", durability=FAST)
    assert (pbckpt.load_variable(tmp_path / "m", "w") == 2 * array).all()


@pytest.mark.parametrize(
    ("one", "other", "dtype"),
    [
        (np.array([1, 2], np.int64), np.array([1, 3], np.int64), "int64"),
        (np.array([True]), np.array([False]), "bool"),
        (np.array([b"a"], object), np.array([b"b"], object), "string"),
        (np.array([b"a"], object), np.array([b"ab"], object), "string"),
    ],
)
def test_what_cannot_be_averaged_must_agree(
    one: object, other: object, dtype: str, tmp_path: Path
) -> None:
    first = saved(tmp_path / "1", {"w": np.float32(1), "x": one})
    second = saved(tmp_path / "2", {"w": np.float32(1), "x": other})
    before = listing(tmp_path)
    with pytest.raises(
        pbckpt.SelectionError,
        match=rf"no mean, and they differ: 'x' \({dtype}\);",
    ):
        pbckpt.average([first, second], tmp_path / "m")
    assert listing(tmp_path) == before


def test_all_that_does_not_fit_together_is_told(tmp_path: Path) -> None:
    first = saved(
        tmp_path / "1", {"a": np.float32(1), "b": np.array([1], np.float32), "c": np.float32(1)}
    )
    other = saved(
        tmp_path / "2", {"b": np.array([1, 2], np.float32), "c": np.float64(1), "d": np.float32(1)}
    )
    with pytest.raises(pbckpt.SelectionError) as caught:
        pbckpt.average([first, first, other], tmp_path / "m")
    assert str(caught.value) == (
        f"checkpoints that cannot be averaged with {first}: 'a' is missing in {other}; "
        f"'b' is float32 [2], not float32 [1], in {other}; "
        f"'c' is float64 [], not float32 [], in {other}; 'd' is only in {other}"
    )


def test_nothing_to_average(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="give at least one checkpoint"):
        pbckpt.average([], tmp_path / "m")
