"""The ``checkpoint`` file of a directory: shown, set, repaired."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import FAST, GOLDEN, listing, saved

V1 = "model.ckpt-?????-of-00002"
TWO = """\
model_checkpoint_path: "b"
all_model_checkpoint_paths: "a"
all_model_checkpoint_paths: "b"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of the checkpoints a and b, of which b was written last."""
    for age, name in enumerate(("b", "a")):
        saved(tmp_path / "models" / name, {"w": np.float32(1)})
        os.utime(tmp_path / "models" / f"{name}.index", (1000 - age, 1000 - age))
    (tmp_path / "models" / "checkpoint").write_text(TWO)
    return tmp_path / "models"


def write(folder: Path, latest: str, *listed: str, more: str = "") -> None:
    lines = [f'model_checkpoint_path: "{latest}"'] if latest else []
    lines += [f'all_model_checkpoint_paths: "{path}"' for path in listed]
    (folder / "checkpoint").write_text("\n".join([*lines, more]) + "\n")


def text(folder: Path) -> str:
    return (folder / "checkpoint").read_text()


def shown(folder: Path) -> tuple[str, dict[str, bool]]:
    state = pbckpt.read_state(folder)
    assert state.directory == str(folder)
    return state.latest, {one.path: one.exists for one in state.checkpoints}


def repaired(folder: Path) -> str:
    """Repair, and return the file; what is returned must be what it says."""
    state = pbckpt.repair_state(folder, durability=FAST)
    assert state == pbckpt.read_state(folder)
    assert all(one.exists for one in state.checkpoints)
    assert pbckpt.latest_checkpoint(folder) == str(folder / state.latest)
    return text(folder)


def test_what_is_shown(folder: Path) -> None:
    assert shown(folder) == ("b", {"a": True, "b": True})
    assert pbckpt.read_state(folder / "checkpoint") == pbckpt.read_state(folder)
    write(folder, "gone", "a", "gone")
    assert shown(folder) == ("gone", {"a": True, "gone": False})
    write(folder, "")
    assert shown(folder) == ("", {})


def test_shown_as_tensorflow_wrote_it() -> None:
    source = GOLDEN / "tf2" / "saver_mixed"
    assert shown(source) == ("ckpt-1234", {"ckpt-1234": True})
    assert shown(GOLDEN / "v1" / "sharded2") == (V1, {V1: True})


def test_no_state(folder: Path, tmp_path: Path) -> None:
    (folder / "checkpoint").unlink()
    with pytest.raises(pbckpt.MissingFileError, match="pbckpt state --repair makes one"):
        pbckpt.read_state(folder)
    with pytest.raises(pbckpt.PathError, match="no such directory"):
        pbckpt.read_state(tmp_path / "nothing")


@pytest.mark.parametrize("content", [b"junk {{", b"\xff", b"model_checkpoint_path: 5"])
def test_a_state_that_does_not_parse(content: bytes, folder: Path) -> None:
    (folder / "checkpoint").write_bytes(content)
    with pytest.raises(pbckpt.CorruptFileError, match="not the text form of a checkpoint state"):
        pbckpt.read_state(folder)
    with pytest.raises(pbckpt.CorruptFileError):
        pbckpt.set_state(folder, "a")
    assert (folder / "checkpoint").read_bytes() == content
    # All that is there is listed, and what was written last is the newest.
    assert repaired(folder) == TWO


# Set.


def test_another_checkpoint_becomes_the_newest(folder: Path) -> None:
    state = pbckpt.set_state(folder, "a", durability=FAST)
    assert state.latest == "a"
    assert text(folder) == (
        'model_checkpoint_path: "a"\n'
        'all_model_checkpoint_paths: "b"\n'
        'all_model_checkpoint_paths: "a"\n'
    )
    assert listing(folder) == sorted(
        ["checkpoint", *(f"{n}.{e}" for n in "ab" for e in ("index", "data-00000-of-00001"))]
    )


@pytest.mark.parametrize("name", ["a", "a.index", "a.data-00000-of-00001"])
@pytest.mark.parametrize("is_full", [False, True])
def test_names_for_a_checkpoint(
    name: str,
    is_full: bool,  # noqa: FBT001
    folder: Path,
) -> None:
    pbckpt.set_state(folder, folder / name if is_full else name, durability=FAST)
    assert shown(folder)[0] == "a"


def test_from_inside_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert pbckpt.set_state(".", "a", durability=FAST).latest == "a"
    assert pbckpt.set_state("", "b", durability=FAST).latest == "b"
    monkeypatch.chdir(folder.parent)
    assert pbckpt.set_state("models", Path("models", "a"), durability=FAST).latest == "a"
    assert shown(folder)[0] == "a"


def test_a_checkpoint_in_a_folder_below(folder: Path) -> None:
    saved(folder / "sub" / "m", {"w": np.float32(1)})
    for name in (Path("sub", "m"), folder / "sub" / "m"):
        assert pbckpt.set_state(folder, name, durability=FAST).latest == str(Path("sub", "m"))


def test_what_is_gone_is_not_listed_any_more(folder: Path) -> None:
    write(folder, "gone", "/old/place/a", "gone")
    pbckpt.set_state(folder, "b", durability=FAST)
    assert text(folder) == TWO


def test_a_state_is_made_where_there_is_none(folder: Path) -> None:
    (folder / "checkpoint").unlink()
    pbckpt.set_state(folder, "a", durability=FAST)
    assert text(folder) == 'model_checkpoint_path: "a"\nall_model_checkpoint_paths: "a"\n'


def test_what_cannot_be_set(folder: Path) -> None:
    saved(folder.parent / "outside", {"w": np.float32(1)})
    with pytest.raises(pbckpt.MissingFileError, match=r"no checkpoint c: \S+c.index is not there"):
        pbckpt.set_state(folder, "c")
    for path in (folder.parent / "outside", Path("..", "outside")):
        with pytest.raises(pbckpt.PathError, match="lies outside of"):
            pbckpt.set_state(folder, path)
    with pytest.raises(pbckpt.PathError, match="must not be empty"):
        pbckpt.set_state(folder, "")
    assert text(folder) == TWO


def test_times_are_kept(folder: Path) -> None:
    times = "all_model_checkpoint_timestamps: 1\nall_model_checkpoint_timestamps: 2"
    write(folder, "b", "a", "b", more=times)
    pbckpt.set_state(folder, "b", durability=FAST)
    lines = text(folder).splitlines()
    assert lines[:4] == [*TWO.splitlines(), "all_model_checkpoint_timestamps: 1.0"]
    assert lines[4].startswith("all_model_checkpoint_timestamps: 1")
    assert len(lines) == 5


# Repair.


def test_a_moved_directory_gets_relative_paths(folder: Path) -> None:
    write(folder, "/old/place/b", "/old/place/gone", "/old/place/a", "/old/place/b")
    assert shown(folder)[1] == {
        "/old/place/gone": False,
        "/old/place/a": False,
        "/old/place/b": False,
    }
    assert repaired(folder) == TWO
    moved = folder.with_name("moved")
    folder.rename(moved)
    assert pbckpt.latest_checkpoint(moved) == str(moved / "b")


def test_absolute_paths_that_lead_there_become_relative(folder: Path) -> None:
    write(folder, str(folder / "b"), str(folder / "a"), str(folder / "b"))
    assert repaired(folder) == TWO


def test_gone_checkpoints_are_left_out(folder: Path) -> None:
    write(folder, "gone", "a", "b", "gone")
    # Of those that are listed and there, b was written last.
    assert repaired(folder) == TWO
    write(folder, "gone", "a", "gone")
    only = 'model_checkpoint_path: "a"\nall_model_checkpoint_paths: "a"\n'
    assert repaired(folder) == only
    write(folder, "b", "gone")
    assert repaired(folder) == only.replace('a"', 'b"')
    write(folder, "gone", "gone")
    assert repaired(folder) == TWO


def test_nothing_to_repair_changes_nothing(folder: Path) -> None:
    assert repaired(folder) == TWO
    assert repaired(folder) == TWO


def test_a_state_that_is_gone_is_made_of_what_is_there(folder: Path) -> None:
    (folder / "checkpoint").unlink()
    assert repaired(folder) == TWO


def test_a_directory_without_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.MissingFileError, match="so nothing to repair"):
        pbckpt.repair_state(tmp_path)
    (tmp_path / "checkpoint").write_text("junk {{")
    with pytest.raises(pbckpt.MissingFileError, match="so nothing to repair"):
        pbckpt.repair_state(tmp_path)
    assert text(tmp_path) == "junk {{"


def test_a_checkpoint_outside_stays_listed(folder: Path) -> None:
    outside = saved(folder.parent / "outside", {"w": np.float32(1)})
    write(folder, str(outside), str(outside), "a")
    pbckpt.repair_state(folder, durability=FAST)
    assert shown(folder) == (str(outside), {"a": True, str(outside): True})


def test_patterns_of_v1(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    shutil.copytree(GOLDEN / "v1" / "sharded2", folder)
    write(folder, f"/old/{V1}", f"/old/{V1}")
    assert repaired(folder) == (
        f'model_checkpoint_path: "{V1}"\nall_model_checkpoint_paths: "{V1}"\n'
    )
    (folder / "checkpoint").unlink()
    assert pbckpt.set_state(folder, V1, durability=FAST).latest == V1


def test_a_single_file_of_v1(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    shutil.copytree(GOLDEN / "v1" / "strings", folder)
    pbckpt.set_state(folder, "model.ckpt", durability=FAST)
    assert repaired(folder).startswith('model_checkpoint_path: "model.ckpt"\n')
    assert len(pbckpt.list_variables(folder)) == 8
