"""In what checkpoints differ: names, types, shapes, bits, and by how much."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from tests.corrupt.forms import save_big_endian
from tests.unit.commands.material import FAST, GOLDEN, saved

if TYPE_CHECKING:
    from pathlib import Path

MODULE = GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables"
VALUES = pbckpt.Difference.VALUES


def number(value: float | None) -> float | None:
    return None if value is None else float(value)


def differences(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> list[tuple[Any, ...]]:
    one, other = saved(tmp_path / "1", first), saved(tmp_path / "2", second)
    report = pbckpt.diff(one, other)
    assert (report.first, report.second) == (str(one), str(other))
    assert report.same + len(report.differences) == len(first.keys() | second.keys())
    return [tuple(one) for one in report.differences]


def test_names_types_and_shapes(tmp_path: Path) -> None:
    first = {
        "a": np.float32(1),
        "b": np.float32(1),
        "c": np.array([1], np.float32),
        "e": np.float32(1),
    }
    second = {
        "b": np.float64(1),
        "c": np.array([[1]], np.float32),
        "d": np.int32(1),
        "e": np.float32(1),
    }
    kind = pbckpt.Difference
    assert differences(tmp_path, first, second) == [
        ("a", kind.ONLY_IN_FIRST, "float32 []", "", None, None, None),
        ("b", kind.DTYPE, "float32 []", "float64 []", 0, 0, 0),
        ("c", kind.SHAPE, "float32 [1]", "float32 [1, 1]", None, None, None),
        ("d", kind.ONLY_IN_SECOND, "", "int32 []", None, None, None),
    ]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.array([1, 2, 4], np.float32), np.array([1, 2.5, 3], np.float32), (2, 1, 0.25)),
        (
            np.array([0, 1], np.float32),
            np.array([1e-30, 1], np.float32),
            (1, float(np.float32(1e-30)), 1),
        ),
        # Zeros of both signs have other bits and no distance.
        (np.array([0.0], np.float32), np.array([-0.0], np.float32), (1, 0, 0)),
        (np.array([np.nan, 1], np.float32), np.array([1, 1], np.float32), (1, inf, inf)),
        (np.array([np.inf], np.float32), np.array([-np.inf], np.float32), (1, inf, inf)),
        (np.array([np.inf, 2], np.float32), np.array([1, 3], np.float32), (2, inf, inf)),
        (
            np.array([0x7FC00000], np.uint32).view("f4"),
            np.array([0x7FC00001], np.uint32).view("f4"),
            (1, 0, 0),
        ),
        (np.array([2**62], np.int64), np.array([2**62 + 1], np.int64), (1, 1, 1 / (2**62 + 1))),
        (np.array([2**64 - 1], np.uint64), np.array([0], np.uint64), (1, float(2**64), 1)),
        (np.array([-128], np.int8), np.array([127], np.int8), (1, 255, 255 / 128)),
        (np.array([True, False]), np.array([True, True]), (1, 1, 1)),
        (np.array([3 + 4j], np.complex64), np.array([0], np.complex64), (1, 5, 1)),
        (np.array([1, 2], ml_dtypes.bfloat16), np.array([1, 4], ml_dtypes.bfloat16), (1, 2, 0.5)),
        (np.array([65504], np.float16), np.array([-65504], np.float16), (1, 131008, 2)),
        (np.array([b"a", b"b"], object), np.array([b"a", b"bc"], object), (1, None, None)),
    ],
)
def test_values(first: object, second: object, expected: tuple[Any, ...], tmp_path: Path) -> None:
    (found,) = differences(tmp_path, {"w": first, "x": 1}, {"w": second, "x": 1})
    assert found[:2] == ("w", VALUES)
    assert [found[4], *map(str, found[5:])] == [expected[0], *map(str, map(number, expected[1:]))]


@pytest.mark.parametrize(
    "value",
    [
        np.array([np.nan, np.inf, -0.0], np.float32),
        np.array([b"", b"\xff"], object),
        np.zeros((0, 3), np.int8),
        np.array([], object),
    ],
)
def test_equal_bits_are_equal(value: object, tmp_path: Path) -> None:
    assert differences(tmp_path, {"w": value}, {"w": value}) == []


def test_large_tensors_are_compared_to_the_end(tmp_path: Path) -> None:
    first = np.zeros(700_001, np.float64)
    second = first.copy()
    second[[0, 400_000, 700_000]] = 1, -3, 2
    (found,) = differences(tmp_path, {"w": first}, {"w": second})
    assert found[4:] == (3, 3, 1)


@pytest.mark.parametrize("folder", ["tf1/dtypes", "tf2/dtypes", "tf2/strings", "tf2/names"])
def test_every_type_is_the_same_as_itself(folder: str) -> None:
    prefix = GOLDEN / folder / "ckpt"
    report = pbckpt.diff(prefix, prefix)
    assert report.differences == ()
    assert report.same >= 8


def test_forms_do_not_matter(tmp_path: Path) -> None:
    """Shards, slices, byte order, versions and the order of the data are no difference."""
    array = np.arange(12, dtype=np.float32).reshape(6, 2)
    plain = saved(tmp_path / "plain", {"v": np.array([1, 2], np.int16), "w": array})
    parts = {"v": np.array([1, 2], np.int16), "w": pbckpt.partition(array, 4)}
    saved(tmp_path / "parts", parts, pbckpt.Layout(num_shards=2))
    save_big_endian(tmp_path / "big", {"v": np.array([1, 2], np.int16), "w": array})
    for other in ("parts", "big"):
        assert pbckpt.diff(plain, tmp_path / other) == (str(plain), str(tmp_path / other), 2, ())
    v1, v2 = GOLDEN / "v1" / "partitioned" / "model.ckpt", tmp_path / "v2"
    pbckpt.edit(v1, v2, durability=FAST)
    assert pbckpt.diff(v1, v2)[2:] == (3, ())


def test_objects_are_compared_by_path(tmp_path: Path) -> None:
    pbckpt.edit(MODULE, tmp_path / "m", edits=pbckpt.Edits(renames=("W=V",)), durability=FAST)
    found = pbckpt.diff(MODULE, tmp_path / "m")
    assert [(one.key, one.kind.name) for one in found.differences] == [
        ("V", "ONLY_IN_SECOND"),
        ("W", "ONLY_IN_FIRST"),
    ]
    assert found.same == 1


@pytest.mark.parametrize("objects_first", [True, False])
def test_objects_and_names_are_compared_by_name(objects_first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    names = saved(tmp_path / "names", {"w": w, "b": np.array([7, 8, 10], np.float32)})
    pair = (MODULE, names) if objects_first else (names, MODULE)
    report = pbckpt.diff(*pair)
    assert report.same == 1
    assert [tuple(one) for one in report.differences] == [
        ("b", VALUES, "float32 [3]", "float32 [3]", 1, 1, 0.1)
    ]


def test_both_forms_are_compared_with_each(tmp_path: Path) -> None:
    both = pbckpt.Layout(format=pbckpt.Format.BOTH)
    pbckpt.edit(MODULE, tmp_path / "both", layout=both, durability=FAST)
    assert pbckpt.diff(tmp_path / "both", MODULE).differences == ()
    assert pbckpt.diff(MODULE, tmp_path / "both").differences == ()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.MissingFileError):
        pbckpt.diff(MODULE, tmp_path / "nothing")
