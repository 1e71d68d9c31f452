"""Merging checkpoints: all their tensors, or an error that names each clash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import FAST, GOLDEN, files, held, listing, placed, saved

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE = np.float32(1), np.float32(2), np.float32(3)


def test_the_files_are_those_of_a_saver(tmp_path: Path) -> None:
    text = np.array([b"x"], object)
    parts = [
        saved(tmp_path / "a", {"w": ONE, "s": text}),
        saved(tmp_path / "b", {"a": TWO}),
        saved(tmp_path / "c", {"x": THREE, "b": np.int64(4)}),
    ]
    written = pbckpt.merge(parts, tmp_path / "out" / "m", durability=FAST)
    assert written.nbytes == 6 + 4 + 4 + 4 + 8
    tensors = {"w": ONE, "s": text, "a": TWO, "x": THREE, "b": np.int64(4)}
    assert files(tmp_path / "out" / "m") == files(saved(tmp_path / "expected", tensors))


def test_clashes_are_told(tmp_path: Path) -> None:
    a = saved(tmp_path / "a", {"v": ONE, "w": ONE, "x": ONE})
    b = saved(tmp_path / "b", {"w": ONE, "x": ONE, "y": ONE})
    c = saved(tmp_path / "c", {"y": ONE})
    before = listing(tmp_path)
    with pytest.raises(pbckpt.SelectionError) as caught:
        pbckpt.merge([a, b, c], tmp_path / "m")
    assert str(caught.value) == (
        f"several checkpoints have the same keys: 'w' in {a} and {b}; 'x' in {a} and {b}; "
        f"'y' in {b} and {c}; rename or leave out with pbckpt edit, or say whose count with "
        "--prefer first or last"
    )
    assert listing(tmp_path) == before


def test_many_clashes_are_counted(tmp_path: Path) -> None:
    prefix = saved(tmp_path / "a", {f"{at:02}": ONE for at in range(25)})
    with pytest.raises(pbckpt.SelectionError, match=r"'19' in \S+ and \S+; and 5 more; rename"):
        pbckpt.merge([prefix, prefix], tmp_path / "m")


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [(pbckpt.Prefer.FIRST, (1, 1, 2, 3)), (pbckpt.Prefer.LAST, (1, 3, 3, 3))],
)
def test_preferences(prefer: pbckpt.Prefer, expected: tuple[int, ...], tmp_path: Path) -> None:
    sources = [
        saved(tmp_path / "a", {"a": ONE, "all": ONE}),
        saved(tmp_path / "b", {"all": TWO, "bc": TWO}),
        saved(tmp_path / "c", {"all": THREE, "bc": THREE, "c": THREE}),
    ]
    pbckpt.merge(sources, tmp_path / "m", prefer=prefer, durability=FAST)
    values = zip(("a", "all", "bc", "c"), expected, strict=True)
    assert held(tmp_path / "m") == {key: ("float32", (), value) for key, value in values}


def test_other_shapes_and_types_are_a_matter_of_preference_too(tmp_path: Path) -> None:
    a = saved(tmp_path / "a", {"w": ONE})
    b = saved(tmp_path / "b", {"w": np.array([b"x", b"y"], object)})
    pbckpt.merge([a, b], tmp_path / "m", prefer=pbckpt.Prefer.LAST, durability=FAST)
    assert held(tmp_path / "m") == {"w": ("string", (2,), [b"x", b"y"])}


def test_slices_v1_and_shards_are_merged(tmp_path: Path) -> None:
    sources = [
        GOLDEN / "tf2" / "partitioned" / "ckpt",
        GOLDEN / "v1" / "sharded2" / "model.ckpt-?????-of-00002",
        GOLDEN / "tf2" / "sharded2" / "ckpt",
    ]
    layout = pbckpt.Layout(num_shards=2)
    pbckpt.merge(sources, tmp_path / "m", layout=layout, durability=FAST)
    assert held(tmp_path / "m") == {
        key: value for source in sources for key, value in held(source).items()
    }
    assert {shard for shard, _, _ in placed(tmp_path / "m").values()} == {0, 1}
    contents = pbckpt.inspect(tmp_path / "m")
    assert isinstance(contents, pbckpt.CheckpointContents)
    assert {key: info.num_slices for key, info in contents.tensors if info.num_slices} == {
        "embedding": 11,
        "split": 2,
        "wide": 2,
    }


def test_object_graphs_are_not_merged(tmp_path: Path) -> None:
    source = saved(tmp_path / "a", {"w": ONE})
    module = GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables"
    with pytest.raises(pbckpt.SelectionError, match="is object-based, and object graphs cannot"):
        pbckpt.merge([source, module], tmp_path / "m")


def test_names_are_merged_for_objects(tmp_path: Path) -> None:
    a, b = saved(tmp_path / "a", {"w": ONE}), saved(tmp_path / "b", {"v": TWO})
    layout = pbckpt.Layout(format=pbckpt.Format.OBJECT, save_counter=2)
    pbckpt.merge([a, b], tmp_path / "m", layout=layout, durability=FAST)
    expected = saved(tmp_path / "expected", {"v": TWO, "w": ONE}, layout)
    assert files(tmp_path / "m") == files(expected)


def test_one_of_the_sources_is_replaced(tmp_path: Path) -> None:
    a, b = saved(tmp_path / "a", {"w": ONE}), saved(tmp_path / "b", {"v": TWO})
    with pytest.raises(pbckpt.PathError, match="exists already"):
        pbckpt.merge([a, b], a)
    pbckpt.merge([a, b], a, on_existing=pbckpt.OnExisting.REPLACE, durability=FAST)
    assert held(a) == {"v": ("float32", (), 2), "w": ("float32", (), 1)}


def test_nothing_to_merge(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="give at least one checkpoint"):
        pbckpt.merge([], tmp_path / "m")
