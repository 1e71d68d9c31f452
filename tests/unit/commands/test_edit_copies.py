"""An edit that changes nothing: what TensorFlow wrote comes out byte for byte."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from tests.corrupt.forms import save_big_endian
from tests.shared_material import golden_index_files
from tests.unit.commands.material import FAST, GOLDEN, files, held, listing, placed, saved

if TYPE_CHECKING:
    from pathlib import Path

OWN_INDEX_FILES = [
    pytest.param(path, id=path.relative_to(GOLDEN).as_posix())
    for path in sorted(GOLDEN.rglob("*.index"))
]
V1_FILES = {
    "dtypes": "model.ckpt",
    "partitioned": "model.ckpt",
    "sharded2": "model.ckpt-?????-of-00002",
    "sliced": "model.ckpt",
    "strings": "model.ckpt",
}
FLAT = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([1, 2], np.float32),
    "none": np.zeros((0, 3), np.float32),
}


@pytest.mark.parametrize("index", OWN_INDEX_FILES + golden_index_files())
def test_files_of_tensorflow_are_copied_byte_for_byte(index: Path, tmp_path: Path) -> None:
    source, target = index.with_suffix(""), tmp_path / "copy" / "model"
    expected = files(source)
    if len(expected) == 1:
        # An index without its data, for tests of the table alone.
        with pytest.raises(pbckpt.MissingFileError, match="no such file"):
            pbckpt.edit(source, target, durability=FAST)
        assert listing(tmp_path) == []
        return
    report = pbckpt.edit(source, target, durability=FAST)
    assert files(target) == expected
    assert (report.dropped, report.warnings) == ((), ())
    assert report.nbytes == sum(map(len, expected.values())) - len(expected[".index"])
    assert listing(target.parent) == ["checkpoint", *(f"model{ending}" for ending in expected)]


@pytest.mark.parametrize("form", [pbckpt.Format.OBJECT, pbckpt.Format.BOTH])
def test_object_graphs_are_copied_byte_for_byte(form: pbckpt.Format, tmp_path: Path) -> None:
    source = saved(tmp_path / "source", FLAT, pbckpt.Layout(format=form))
    pbckpt.edit(source, tmp_path / "copy", durability=FAST)
    assert files(tmp_path / "copy") == files(source)


def test_a_save_counter_is_copied(tmp_path: Path) -> None:
    layout = pbckpt.Layout(format=pbckpt.Format.OBJECT, save_counter=3)
    source = saved(tmp_path / "source", FLAT, layout)
    pbckpt.edit(source, tmp_path / "copy", durability=FAST)
    assert files(tmp_path / "copy") == files(source)


@pytest.mark.parametrize("names", ["flat", "renamed"])
def test_a_save_counter_of_both_forms_is_copied(names: str, tmp_path: Path) -> None:
    tensors = {"w" if names == "flat" else "w:0": np.float32(1)}
    layout = pbckpt.Layout(format=pbckpt.Format.BOTH, save_counter=3)
    source = saved(tmp_path / "source", tensors, layout)
    pbckpt.edit(source, tmp_path / "copy", durability=FAST)
    assert files(tmp_path / "copy") == files(source)


def test_an_empty_tensor_keeps_both_its_keys(tmp_path: Path) -> None:
    # "w:0" is an object's name that differs from its full name, "w".
    tensors = {"w:0": np.zeros((0, 3), np.float32), "b": np.float32(1)}
    source = saved(tmp_path / "source", tensors, pbckpt.Layout(format=pbckpt.Format.BOTH))
    pbckpt.edit(source, tmp_path / "copy", durability=FAST)
    assert files(tmp_path / "copy") == files(source)


def test_keys_that_share_their_bytes_go_on_sharing_them(tmp_path: Path) -> None:
    """No Saver writes such a checkpoint: it is one of both forms without its graph."""
    both = saved(tmp_path / "both", FLAT, pbckpt.Layout(format=pbckpt.Format.BOTH))
    leave = pbckpt.Edits(pbckpt.Selection(exclude=("none",)))
    pbckpt.edit(both, tmp_path / "two", edits=leave, durability=FAST)
    assert placed(tmp_path / "two") == {
        "_CHECKPOINTABLE_OBJECT_GRAPH": (0, 32, 140),
        "b": (0, 0, 8),
        "b/.ATTRIBUTES/VARIABLE_VALUE": (0, 0, 8),
        "w": (0, 8, 24),
        "w/.ATTRIBUTES/VARIABLE_VALUE": (0, 8, 24),
    }


@pytest.mark.parametrize("folder", V1_FILES)
def test_v1_becomes_v2(folder: str, tmp_path: Path) -> None:
    source = GOLDEN / "v1" / folder / V1_FILES[folder]
    report = pbckpt.edit(source, tmp_path / "m", durability=FAST)
    assert listing(tmp_path) == ["checkpoint", "m.data-00000-of-00001", "m.index"]
    assert [one.new for one in report.tensors] == [one.old for one in report.tensors]
    assert pbckpt.diff(source, tmp_path / "m").differences == ()
    assert pbckpt.verify(tmp_path / "m").problems == ()
    expected = json.loads((GOLDEN / "v1" / folder / "expected.json").read_text())["tensors"]
    assert [one.new for one in report.tensors] == [one["key"] for one in expected]


def test_v1_slices_stay_slices(tmp_path: Path) -> None:
    pbckpt.edit(GOLDEN / "v1" / "partitioned" / "model.ckpt", tmp_path / "m", durability=FAST)
    contents = pbckpt.inspect(tmp_path / "m")
    assert isinstance(contents, pbckpt.CheckpointContents)
    assert [(key, info.shape, info.num_slices) for key, info in contents.tensors] == [
        ("embedding", (13, 2), 11),
        ("in_one_part", (2,), 0),
        ("plain", (), 0),
    ]
    joined = tmp_path / "joined"
    pbckpt.edit(tmp_path / "m", joined, join_slices=True, durability=FAST)
    values = pbckpt.load_checkpoint(tmp_path / "m")
    assert files(joined) == files(saved(tmp_path / "expected", values))


def test_big_endian_becomes_little_endian(tmp_path: Path) -> None:
    tensors: dict[str, Any] = {
        "c": np.array([1 + 2j], np.complex64),
        "f": np.array([1, -2.5], np.float32),
        "h": np.array([1, 2], np.float16),
        "i": np.array(7, np.int64),
    }
    save_big_endian(tmp_path / "big", tensors)
    pbckpt.edit(tmp_path / "big", tmp_path / "little", durability=FAST)
    assert files(tmp_path / "little") == files(saved(tmp_path / "expected", tensors))
    # One tensor alone, literally: 1.0 and -2.5, the low byte first.
    only = pbckpt.Edits(pbckpt.Selection(include=("f",)))
    pbckpt.edit(tmp_path / "big", tmp_path / "one", edits=only, durability=FAST)
    assert files(tmp_path / "big")[".data-00000-of-00001"][8:16].hex() == "3f800000c0200000"
    assert files(tmp_path / "one")[".data-00000-of-00001"].hex() == "0000803f000020c0"


def test_big_endian_strings_become_little_endian(tmp_path: Path) -> None:
    """Their lengths are varints, but have a checksum in the order of the machine."""
    tensors = {"s": np.array([b"one", b"", b"\xff\0"], object)}
    save_big_endian(tmp_path / "big", tensors)
    pbckpt.edit(tmp_path / "big", tmp_path / "little", durability=FAST)
    assert files(tmp_path / "little") == files(saved(tmp_path / "expected", tensors))


def test_a_part_of_the_tensors_keeps_the_order_of_the_data(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "unsorted" / "ckpt"
    before = placed(source)
    kept = sorted(before)[:-1]
    leave = pbckpt.Edits(pbckpt.Selection(exclude=(max(before),)))
    pbckpt.edit(source, tmp_path / "m", edits=leave, durability=FAST)
    after = placed(tmp_path / "m")
    assert sorted(after, key=after.__getitem__) == sorted(kept, key=before.__getitem__)
    assert sorted(after, key=after.__getitem__) != sorted(after)


def test_a_checkpoint_is_replaced_by_its_edited_self(tmp_path: Path) -> None:
    prefix = saved(tmp_path / "m", {"w": np.array([1, 2], np.float32), "x": np.float32(3)})
    edits = pbckpt.Edits(renames=("w=v",))
    with pytest.raises(pbckpt.PathError, match="exists already"):
        pbckpt.edit(prefix, prefix, edits=edits, durability=FAST)
    assert held(prefix).keys() == {"w", "x"}
    replace = pbckpt.OnExisting.REPLACE
    pbckpt.edit(prefix, prefix, edits=edits, on_existing=replace, durability=FAST)
    assert held(prefix) == {"v": ("float32", (2,), [1, 2]), "x": ("float32", (), 3)}
    # The data file has another name than the one that was read meanwhile.
    two_names = ["m.data-00000-of-00002", "m.data-00001-of-00002"]
    assert listing(tmp_path) == ["checkpoint", *two_names, "m.index"]
    pbckpt.edit(prefix, prefix, on_existing=replace, durability=FAST)
    assert held(prefix).keys() == {"v", "x"}
    assert listing(tmp_path) == ["checkpoint", "m.data-00000-of-00001", "m.index"]


def test_a_dry_run_writes_nothing_and_says_all(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "sharded2" / "ckpt"
    edits = pbckpt.Edits(
        pbckpt.Selection(exclude=("d/*",)),
        renames=(r"*/first=\1/1st",),
        casts=("*/third=float32",),
        settings=("step=int64:7",),
    )
    planned = pbckpt.edit(source, tmp_path / "new" / "m", edits=edits, dry_run=True)
    assert listing(tmp_path) == []
    assert planned == pbckpt.EditReport(
        str(tmp_path / "new" / "m"),
        (),
        12 + 16 + 8,
        (
            pbckpt.EditedTensor("a/first", "a/1st", pbckpt.DataType.FLOAT, (3,)),
            pbckpt.EditedTensor("b/second", "b/second", pbckpt.DataType.INT64, (2,)),
            pbckpt.EditedTensor("c/third", "c/third", pbckpt.DataType.FLOAT, ()),
            pbckpt.EditedTensor("", "step", pbckpt.DataType.INT64, ()),
        ),
        (("d/fourth", "matches --exclude 'd/*'"),),
        (),
    )
    done = pbckpt.edit(source, tmp_path / "new" / "m", edits=edits, durability=FAST)
    assert done._replace(files=(), nbytes=planned.nbytes) == planned
    assert done.nbytes == 12 + 16 + 4 + 8
    assert held(tmp_path / "new" / "m").keys() == {one.new for one in planned.tensors}


def test_the_prefix_may_be_a_directory_or_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(GOLDEN / "tf2" / "saver_mixed", folder)
    for number, name in enumerate(
        ("", "checkpoint", "ckpt-1234.index", "ckpt-1234.data-00000-of-00001", "ckpt-1234")
    ):
        target = tmp_path / str(number)
        pbckpt.edit(folder / name, target, durability=FAST)
        assert files(target) == files(folder / "ckpt-1234")


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    source = saved(tmp_path / "m", {"w": np.zeros(1 << 20, np.float32)})
    pbckpt.edit(
        source,
        tmp_path / "n",
        durability=FAST,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (4 << 20, 4 << 20)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
