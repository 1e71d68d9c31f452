"""After a power cut there is the old checkpoint or the new one; after a save, the new.

A disk is modelled: what was written and not synced may be there, in half, or
not at all; of the names that were changed since their directory was last
synced, any may be there and any not. Each such state that a cut at any moment
could leave is put on disk and read.
"""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.storage.state import latest_checkpoint
from tests.faults.layer import Call, Layer
from tests.faults.scene import NEW, OLD, Place, Scene, holds, make_places, save

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    State = frozenset[tuple[str, bytes]]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the model is of POSIX's calls")

DIRECTORY = -1


class File:
    """A file of the model: what it holds, and what of that the disk has for certain."""

    def __init__(self, synced: bytes = b"") -> None:
        self.synced = synced
        self.now = bytearray(synced)

    def write(self, offset: int, data: bytes) -> None:
        self.now[offset : offset + len(data)] = data

    def possible(self) -> set[bytes]:
        half = (len(self.synced) + len(self.now)) // 2
        return {self.synced, bytes(self.now[:half]), bytes(self.now)}


class Disk:
    """A directory of the model, fed with the calls of a save."""

    def __init__(self, folder: Path) -> None:
        self.log: list[str] = []
        self.states: dict[State, int] = {}
        self._path = str(folder)
        self._synced = {path.name: File(path.read_bytes()) for path in folder.iterdir()}
        self._now = dict(self._synced)
        # Each change of names: the name that has gone, or the one that has come.
        self._changes: list[tuple[str, str, File | None]] = []
        self._open: dict[int, tuple[str, File]] = {}
        self._directories: dict[int, str] = {}

    def __call__(self, call: Call) -> object:
        result = call.go_on()
        note = getattr(self, f"_note_{call.name}", None)
        if note is not None:
            note(call, result)
            for state in self.possible():
                self.states[state] = len(self.log)
        return result

    def possible(self) -> Iterator[State]:
        """Yield what a power cut could leave now."""
        for chosen in product((False, True), repeat=len(self._changes)):
            names = dict(self._synced)
            for change, is_there in zip(self._changes, chosen, strict=True):
                if is_there:
                    apply_change(names, change)
            contents = [[(name, data) for data in f.possible()] for name, f in names.items()]
            yield from map(frozenset, product(*contents))

    def _change(self, gone: str, come: str, file: File | None) -> None:
        self._changes.append((gone, come, file))
        apply_change(self._now, self._changes[-1])

    def _note_open(self, call: Call, result: object) -> None:
        path, flags = call.arguments[:2]
        assert isinstance(result, int)
        if flags & os.O_DIRECTORY:
            self._directories[result] = path
        elif flags & os.O_CREAT:
            file = File()
            self._open[result] = (path, file)
            self._change("", path, file)
            self.log.append(f"create {path}")

    def _note_close(self, call: Call, result: object) -> None:  # noqa: ARG002
        self._open.pop(call.arguments[0], None)

    def _note_write(self, call: Call, result: object) -> None:
        fd, data = call.arguments
        name, file = self._open[fd]
        assert isinstance(result, int)
        file.write(len(file.now), bytes(data[:result]))
        self.log.append(f"write {name}")

    def _note_pwrite(self, call: Call, result: object) -> None:
        fd, data, offset = call.arguments
        name, file = self._open[fd]
        assert isinstance(result, int)
        file.write(offset, bytes(data[:result]))
        self.log.append(f"write {name}")

    def _note_fsync(self, call: Call, result: object) -> None:  # noqa: ARG002
        fd = call.arguments[0]
        if fd in self._open:
            name, file = self._open[fd]
            file.synced = bytes(file.now)
            self.log.append(f"sync {name}")
        elif self._directories[fd] == self._path:
            self._synced = dict(self._now)
            self._changes.clear()
            self.log.append("sync names")
        else:
            self.log.append(f"sync names of {self._directories[fd]}")

    def _note_rename(self, call: Call, result: object) -> None:  # noqa: ARG002
        old, new = call.arguments
        self._change(old, new, self._now[old])
        self.log.append(f"rename {old} {new}")

    def _note_unlink(self, call: Call, result: object) -> None:  # noqa: ARG002
        self._change(call.arguments[0], "", None)
        self.log.append(f"unlink {call.arguments[0]}")


def apply_change(names: dict[str, File], change: tuple[str, str, File | None]) -> None:
    gone, come, file = change
    names.pop(gone, None)
    if file is not None:
        names[come] = file


def recorded_save(
    scene: Scene, folder: Path, durability: pbckpt.Durability = pbckpt.Durability.FULL
) -> tuple[Place, Disk]:
    """Save in a directory that is there; return what the disk saw."""
    place = next(make_places(scene, folder))
    place = place._replace(prefix=place.home / "m")
    disk = Disk(place.home)
    with pytest.MonkeyPatch.context() as monkeypatch:
        Layer(disk).install(monkeypatch)
        save(place, NEW, durability)
    return place, disk


def put_on_disk(state: State, folder: Path) -> None:
    folder.mkdir()
    for name, data in state:
        (folder / name).write_bytes(data)


def judge(state: State, scene: Scene, folder: Path) -> str:
    """Return which checkpoint is there after a power cut."""
    put_on_disk(state, folder)
    found = "nothing"
    if (folder / "m.index").exists():
        found = "new" if holds(folder / "m", NEW) else "damaged"
        if found == "damaged" and holds(folder / "m", OLD):
            found = "old"
    if scene is Scene.REPLACE:
        if not holds(folder / "other", OLD):
            return "the other one is damaged"
        named = latest_checkpoint(str(folder))
        if named not in (str(folder / "m"), str(folder / "other")):
            return f"the state names {named}"
    return found


@pytest.mark.parametrize("scene", Scene, ids=lambda scene: scene.value)
def test_at_any_moment_the_old_or_the_new_checkpoint_is_there(scene: Scene, tmp_path: Path) -> None:
    _, disk = recorded_save(scene, tmp_path)
    before = "old" if scene is Scene.REPLACE else "nothing"
    verdicts = [
        judge(state, scene, tmp_path / f"state {number}")
        for number, state in enumerate(disk.states)
    ]
    assert len(verdicts) > 25
    assert set(verdicts) == {before, "new"}


def shards_of(scene: Scene) -> list[str]:
    """A checkpoint that replaces one of a single shard counts two, and uses the first."""
    if scene is Scene.REPLACE:
        return ["m.data-00000-of-00002", "m.data-00001-of-00002"]
    return ["m.data-00000-of-00001"]


@pytest.mark.parametrize("scene", Scene, ids=lambda scene: scene.value)
def test_after_the_save_the_new_checkpoint_is_there(scene: Scene, tmp_path: Path) -> None:
    _, disk = recorded_save(scene, tmp_path)
    left = list(disk.possible())
    assert [judge(state, scene, tmp_path / "left") for state in left] == ["new"]
    assert {name for name, _ in left[0] if not name.startswith("other")} == {
        "checkpoint",
        "m.index",
        *shards_of(scene),
    }


def test_the_model_would_notice_what_is_not_synced(tmp_path: Path) -> None:
    """Without any sync, some states are damaged; with the new index and the old shard gone."""
    _, disk = recorded_save(Scene.REPLACE, tmp_path, pbckpt.Durability.NONE)
    some = list(disk.states)[:: max(1, len(disk.states) // 300)]
    verdicts = {
        judge(state, Scene.FRESH, tmp_path / f"state {number}") for number, state in enumerate(some)
    }
    assert "damaged" in verdicts


@pytest.mark.parametrize("scene", Scene, ids=lambda scene: scene.value)
def test_the_order_of_the_steps(scene: Scene, tmp_path: Path) -> None:
    _, disk = recorded_save(scene, tmp_path)
    log = disk.log
    renames = [line.split(" ") for line in log if line.startswith("rename ")]
    assert [new for _, _, new in renames] == [*shards_of(scene), "m.index", "checkpoint"]
    for _, old, new in renames:
        renamed = log.index(f"rename {old} {new}")
        synced = log.index(f"sync {old}")
        written = max(place for place, line in enumerate(log) if line == f"write {old}")
        assert written < synced < renamed
    names = [
        line.split(" ")[-1]
        for line in log
        if line == "sync names" or line.startswith(("rename ", "unlink m"))
    ]
    removed = ["m.data-00000-of-00001"] if scene is Scene.REPLACE else []
    shards = shards_of(scene)
    assert names == [*shards, "names", "m.index", "names", "checkpoint", *removed, "names"]


@pytest.mark.parametrize("scene", Scene, ids=lambda scene: scene.value)
def test_without_durability_the_order_is_the_same_and_nothing_is_waited_for(
    scene: Scene, tmp_path: Path
) -> None:
    _, disk = recorded_save(scene, tmp_path, pbckpt.Durability.NONE)
    removed = ["m.data-00000-of-00001"] if scene is Scene.REPLACE else []
    assert not any(line.startswith("sync") for line in disk.log)
    assert [
        line.split(" ")[-1] for line in disk.log if line.startswith(("rename ", "unlink m"))
    ] == [*shards_of(scene), "m.index", "checkpoint", *removed]


def test_the_names_of_new_directories_are_synced_too(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with pytest.MonkeyPatch.context() as monkeypatch:
        Layer(disk).install(monkeypatch)
        pbckpt.save_checkpoint(NEW, tmp_path / "a" / "b" / "m")
    assert "sync names" in disk.log
    assert f"sync names of {tmp_path / 'a'}" in disk.log
    assert f"sync names of {tmp_path / 'a' / 'b'}" in disk.log
