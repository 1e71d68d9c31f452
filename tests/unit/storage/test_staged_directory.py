from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import DurabilityError, NotCommittedError, PathError
from pbckpt.storage import directory as directory_module
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Directory, Durability, TemporaryFile
from pbckpt.storage.staged_directory import StagedDirectory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REFUSE, REPLACE = OnExisting.REFUSE, OnExisting.REPLACE
PARTS = re.compile(r"model\.pb|data(/x)?|extra(/.*)?")
SIGNS = frozenset({"model.pb"})
NEW = {"m/model.pb": b"new"}

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")
needs_modes = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="modes do not bind this user"
)
needs_locks = pytest.mark.skipif(
    not (directory_module._HAS_LOCKS and directory_module._HAS_DIR_FD),
    reason="directories cannot be locked here",
)
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def begin(
    path: Path | str,
    on_existing: OnExisting = REFUSE,
    durability: Durability = Durability.NONE,
) -> StagedDirectory:
    return StagedDirectory(path, PARTS, SIGNS, on_existing, durability)


def put(
    path: Path | str,
    on_existing: OnExisting = REFUSE,
    durability: Durability = Durability.NONE,
) -> str:
    with begin(path, on_existing, durability) as staging:
        with staging.reporting_errors():
            staging.write("model.pb", [b"n", memoryview(b"ew")])
        return staging.commit()


def make(folder: Path, **files: bytes) -> Path:
    """Make a directory with files, in whose names __ stands for a slash and _ for a dot."""
    for name, data in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def old(folder: Path) -> Path:
    return make(folder / "m", model_pb=b"old", data__x=b"x")


OLD = {"m/model.pb": b"old", "m/data/x": b"x"}


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# A new directory


@pytest.mark.parametrize("durability", Durability)
def test_a_new_directory(durability: Durability, tmp_path: Path) -> None:
    assert put(tmp_path / "m", durability=durability) == str(tmp_path / "m")
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize("durability", Durability)
def test_parents_are_made(durability: Durability, tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "m", durability=durability)
    assert contents(tmp_path) == {"a/b/m/model.pb": b"new"}


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert put("m", durability=Durability.FULL) == "m"
    assert put("n/m/", durability=Durability.FULL) == "n/m/"
    assert contents(tmp_path) == {**NEW, "n/m/model.pb": b"new"}


def test_it_is_filled_beside_its_place(tmp_path: Path) -> None:
    with begin(tmp_path / "m") as staging:
        [name] = names(tmp_path)
        assert re.fullmatch(r"\.pbckpt-[0-9a-f]{16}\.tmp", name)
        assert staging.staged == str(tmp_path / name)
        assert staging.path == str(tmp_path / "m")
        make(tmp_path / name, extra__y=b"y")
        assert staging.write("model.pb", []) == str(tmp_path / name / "model.pb")
        staging.commit()
    assert contents(tmp_path) == {"m/model.pb": b"", "m/extra/y": b"y"}


def test_large_files_are_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    append = TemporaryFile.append

    def note(self: TemporaryFile, data: bytes) -> None:
        sizes.append(len(data))
        append(self, data)

    monkeypatch.setattr(TemporaryFile, "append", note)
    with begin(tmp_path / "m") as staging:
        staging.write("model.pb", [b"a" * 600_000] * 3)
        staging.commit()
    assert sizes == [1_200_000, 600_000]
    assert contents(tmp_path) == {"m/model.pb": b"a" * 1_800_000}


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)]
)
def test_modes_follow_the_umask(
    umask: int, file_mode: int, folder_mode: int, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        put(tmp_path / "m")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == folder_mode
    assert stat.S_IMODE((tmp_path / "m" / "model.pb").stat().st_mode) == file_mode


def test_nothing_is_touched_before_the_beginning(tmp_path: Path) -> None:
    staging = begin(tmp_path / "new" / "m")
    assert names(tmp_path) == []
    with pytest.raises(ValueError, match="m is not open for writing"):
        staging.write("model.pb", [])
    with pytest.raises(ValueError, match="m is not open for writing"):
        staging.commit()


def test_systems_that_hold_no_directory_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "_HAS_DIR_FD", False)
    old(tmp_path)
    put(tmp_path / "m", REPLACE, Durability.FULL)
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize("exists", [False, True])
def test_all_is_synced_before_it_is_renamed_and_the_names_after(
    *, exists: bool, durability: Durability, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_rename, real_sync, real_remove = Directory.rename, Directory.sync, shutil.rmtree

    def note(self: Directory, before: str, after: str) -> None:
        steps.append(f"rename to {after.partition('-')[0]}")
        real_rename(self, before, after)

    def sync(self: Directory) -> None:
        steps.append("sync " + ("inside" if ".pbckpt-" in self.path else "outside"))
        real_sync(self)

    def remove(path: str, *, ignore_errors: bool = False) -> None:
        steps.append("remove")
        real_remove(path, ignore_errors=ignore_errors)

    if exists:
        old(tmp_path)
    monkeypatch.setattr(
        "pbckpt.storage.directory._sync_to_disk", lambda _: steps.append("sync file")
    )
    monkeypatch.setattr(Directory, "rename", note)
    monkeypatch.setattr(Directory, "sync", sync)
    monkeypatch.setattr(shutil, "rmtree", remove)
    put(tmp_path / "m", REPLACE, durability)
    aside = ["rename to m.replaced"] if exists else []
    removed = ["remove"] if exists else []
    if durability is Durability.NONE:
        assert steps == ["rename to model.pb", *aside, "rename to m", *removed]
    else:
        assert steps == [
            "sync file",
            "rename to model.pb",
            "sync inside",
            *aside,
            "rename to m",
            "sync outside",
            *removed,
        ]


# What is there already


@pytest.mark.parametrize("path", ["", "/", ".", "..", "a/..", "a/.", "./", "a/../", "a\0b", "\0"])
def test_a_path_that_names_no_directory(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathError) as caught:
        put(path)
    assert str(caught.value) == f"{path!r} does not name a directory to make; give its name"
    assert names(tmp_path) == []


def test_an_existing_one_is_refused(tmp_path: Path) -> None:
    old(tmp_path)
    with pytest.raises(PathError) as caught:
        put(tmp_path / "m")
    assert str(caught.value) == (
        f"{tmp_path / 'm'} exists already; choose another name, or allow it with "
        "--on-existing replace (on_existing=OnExisting.REPLACE)"
    )
    assert contents(tmp_path) == OLD
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize("durability", Durability)
def test_an_existing_one_is_replaced_where_that_is_allowed(
    durability: Durability, tmp_path: Path
) -> None:
    make(old(tmp_path), extra__deep__y=b"y")
    with begin(tmp_path / "m", REPLACE, durability) as staging:
        staging.write("model.pb", [b"new"])
        assert contents(tmp_path / "m")["model.pb"] == b"old"
        staging.commit()
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize("on_existing", OnExisting)
def test_an_empty_one_is_filled(on_existing: OnExisting, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    put(tmp_path / "m", on_existing)
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize("on_existing", OnExisting)
@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("notes_txt", "notes.txt"),
        ("model_pb_bak", "model.pb.bak"),
        ("data__mine", "data/mine"),
        ("data__x__mine", "data/x/mine"),
        ("_hidden", ".hidden"),
    ],
)
def test_files_of_others_are_never_lost(
    file: str, told: str, on_existing: OnExisting, tmp_path: Path
) -> None:
    make(tmp_path / "m", model_pb=b"old", **{file: b"mine"})
    before = contents(tmp_path)
    with pytest.raises(PathError) as caught:
        put(tmp_path / "m", on_existing)
    assert str(caught.value) == (
        f"{tmp_path / 'm'} has {told!r} in it, which would be lost if the directory was "
        "replaced; choose another name"
    )
    assert contents(tmp_path) == before
    assert names(tmp_path) == ["m"]


def test_an_empty_directory_of_another_is_kept_too(tmp_path: Path) -> None:
    (tmp_path / "m" / "mine").mkdir(parents=True)
    (tmp_path / "m" / "model.pb").touch()
    with pytest.raises(PathError, match="has 'mine' in it"):
        put(tmp_path / "m", REPLACE)
    assert names(tmp_path / "m") == ["mine", "model.pb"]


def test_a_directory_without_the_sign_of_one_is_kept(tmp_path: Path) -> None:
    """It may have the parts that one has: somebody's own folder of data."""
    (tmp_path / "m" / "extra" / "deep").mkdir(parents=True)
    (tmp_path / "m" / "extra" / "deep" / "photo").write_bytes(b"mine")
    before = contents(tmp_path)
    with pytest.raises(PathError, match=r"m is there and has no model\.pb in it"):
        put(tmp_path / "m", REPLACE)
    assert contents(tmp_path) == before


def test_files_of_others_that_appear_at_the_last_moment_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(tmp_path)
    real = Directory.rename

    def rename(self: Directory, before: str, after: str) -> None:
        if before == "m":
            make(tmp_path / "m", mine=b"mine")
        real(self, before, after)

    monkeypatch.setattr(Directory, "rename", rename)
    with pytest.raises(PathError, match="has 'mine' in it"):
        put(tmp_path / "m", REPLACE)
    assert contents(tmp_path) == {**OLD, "m/mine": b"mine"}


def test_what_a_link_in_it_leads_to_is_kept(tmp_path: Path) -> None:
    make(tmp_path / "far", mine=b"mine")
    make(tmp_path / "m", model_pb=b"old")
    (tmp_path / "m" / "data").symlink_to(tmp_path / "far")
    put(tmp_path / "m", REPLACE)
    assert contents(tmp_path) == {**NEW, "far/mine": b"mine"}


@pytest.mark.parametrize("on_existing", OnExisting)
def test_a_file_in_its_place(on_existing: OnExisting, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"mine")
    for path in (tmp_path / "m", f"{tmp_path}/m/"):
        with pytest.raises(PathError) as caught:
            put(path, on_existing)
        assert str(caught.value) == f"{path} is there and is no directory; choose another name"
    assert contents(tmp_path) == {"m": b"mine"}


@pytest.mark.parametrize("path", ["link", "link/"])
def test_what_a_link_leads_to_is_replaced_and_not_the_link(path: str, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    old(tmp_path / "far")
    (tmp_path / "link").symlink_to("far/m")
    with pytest.raises(PathError, match="exists already"):
        put(f"{tmp_path}/{path}")
    assert put(f"{tmp_path}/{path}", REPLACE) == f"{tmp_path}/{path}"
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "far") == NEW
    assert names(tmp_path) == ["far", "link"]


def test_a_link_to_itself_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(PathError, match="is no directory"):
        put(tmp_path / "link", REPLACE)
    assert names(tmp_path) == ["link"]


def test_one_that_appears_meanwhile_is_refused(tmp_path: Path) -> None:
    with begin(tmp_path / "m") as staging:
        staging.write("model.pb", [b"mine"])
        put(tmp_path / "m")
        with pytest.raises(PathError, match="exists already"):
            staging.commit()
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]


# What goes wrong


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("exists", [False, True])
def test_an_error_on_the_way_leaves_what_was_there(
    *, exists: bool, error: type[BaseException], tmp_path: Path
) -> None:
    if exists:
        old(tmp_path)

    def run() -> None:
        with begin(tmp_path / "m", REPLACE) as staging, staging.reporting_errors():
            staging.write("model.pb", [b"half"])
            make(tmp_path / staging.staged, extra__y=b"y")
            raise error

    with pytest.raises(error):
        run()
    assert contents(tmp_path) == (OLD if exists else {})
    assert names(tmp_path) == (["m"] if exists else [])


def test_parents_are_removed_again(tmp_path: Path) -> None:
    with begin(tmp_path / "a" / "b" / "m") as staging:
        staging.write("model.pb", [b"half"])
        assert names(tmp_path / "a") == ["b"]
    assert names(tmp_path) == []


def test_parents_that_others_use_meanwhile_stay(tmp_path: Path) -> None:
    with begin(tmp_path / "a" / "b" / "m"):
        (tmp_path / "a" / "file").touch()
    assert contents(tmp_path) == {"a/file": b""}
    assert names(tmp_path / "a") == ["file"]


def fail(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize(
    "owner_and_call",
    [
        (TemporaryFile, "append"),
        (TemporaryFile, "seal"),
        (Directory, "create_temporary_directory"),
        (Directory, "create_temporary"),
        (Directory, "rename"),
    ],
)
@pytest.mark.parametrize("refuse", [fail, interrupt])
def test_what_the_system_refuses_leaves_what_was_there(
    refuse: Callable[..., None],
    owner_and_call: tuple[type, str],
    *,
    exists: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "m" if exists else tmp_path / "a" / "m"
    if exists:
        old(tmp_path)
    monkeypatch.setattr(*owner_and_call, refuse)
    with pytest.raises((NotCommittedError, KeyboardInterrupt)) as caught:
        put(target, REPLACE, Durability.FULL)
    if isinstance(caught.value, NotCommittedError):
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(target))
        assert str(caught.value) == (
            f"{target} was not written: No space left on device; what was there before is untouched"
        )
    assert contents(tmp_path) == (OLD if exists else {})
    assert names(tmp_path) == (["m"] if exists else [])


class Renames:
    """Stands for `Directory.rename`; does something else at that to some names."""

    def __init__(self, fault: Callable[[Callable[[], None]], None], *to: str) -> None:
        self._fault, self._to, self._rename = fault, to, Directory.rename

    def __call__(self, directory: Directory, before: str, after: str) -> None:
        def go_on() -> None:
            self._rename(directory, before, after)

        if after.partition("-")[0] in self._to:
            self._fault(go_on)
        else:
            go_on()


def renames(
    monkeypatch: pytest.MonkeyPatch, fault: Callable[[Callable[[], None]], None], *to: str
) -> None:
    made = Renames(fault, *to)
    monkeypatch.setattr(Directory, "rename", lambda *arguments: made(*arguments))  # noqa: PLW0108 - binds as a method


def done_and_failed(go_on: Callable[[], None]) -> None:
    go_on()
    raise OSError(errno.EIO, "Input/output error")


def done_and_interrupted(go_on: Callable[[], None]) -> None:
    go_on()
    raise KeyboardInterrupt


@pytest.mark.parametrize("fault", [fail, interrupt, done_and_failed, done_and_interrupted])
def test_the_old_one_is_put_back_whatever_comes_between(
    fault: Callable[[Callable[[], None]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(tmp_path)
    renames(monkeypatch, fault, "m.replaced")
    with pytest.raises((NotCommittedError, KeyboardInterrupt)):
        put(tmp_path / "m", REPLACE)
    assert contents(tmp_path) == OLD
    assert names(tmp_path) == ["m"]


def test_an_old_one_that_cannot_be_put_back_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(tmp_path)
    renames(monkeypatch, fail, "m")
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "m", REPLACE)
    [aside] = names(tmp_path)
    assert re.fullmatch(r"m\.replaced-[0-9a-f]{16}", aside)
    assert str(caught.value) == (
        f"{tmp_path / 'm'} was not written: No space left on device; "
        f"what was there before may be beside it as {aside}, to be renamed"
    )
    assert contents(tmp_path / aside) == {"model.pb": b"old", "data/x": b"x"}


@pytest.mark.parametrize("exists", [False, True])
def test_a_rename_that_was_done_is_no_failure_to_write(
    *, exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system can do it and lose the answer."""
    if exists:
        old(tmp_path)
    renames(monkeypatch, done_and_failed, "m")
    with pytest.raises(DurabilityError) as caught:
        put(tmp_path / "m", REPLACE)
    aside = [name for name in names(tmp_path) if name != "m"]
    assert str(caught.value) == (
        f"{tmp_path / 'm'} is in place, but the system reported Input/output error after that; "
        "it may be lost if the power is cut now"
        + "".join(f", and what it replaced may be left as {name}" for name in aside)
    )
    assert contents(tmp_path / "m") == {"model.pb": b"new"}
    assert len(aside) == exists


@pytest.mark.parametrize("exists", [False, True])
def test_an_interrupt_after_the_rename_keeps_the_new_one(
    *, exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "m" if exists else tmp_path / "a" / "m"
    if exists:
        old(tmp_path)
    renames(monkeypatch, done_and_interrupted, "m")
    with pytest.raises(KeyboardInterrupt):
        put(target, REPLACE, Durability.FULL)
    assert contents(target) == {"model.pb": b"new"}
    assert names(target.parent) == ["m"]


def test_names_that_the_disk_does_not_confirm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one is then not removed, since the new one may be lost."""
    old(tmp_path)
    real = Directory.sync

    def sync(self: Directory) -> None:
        if self.path == str(tmp_path):
            fail()
        real(self)

    monkeypatch.setattr(Directory, "sync", sync)
    with pytest.raises(DurabilityError) as caught:
        put(tmp_path / "m", REPLACE, Durability.FULL)
    kept, aside = names(tmp_path)
    assert (kept, contents(tmp_path / aside)) == ("m", {"model.pb": b"old", "data/x": b"x"})
    assert str(caught.value) == (
        f"{tmp_path / 'm'} is in place, but the system reported No space left on device after "
        "that; it may be lost if the power is cut now, and what it replaced may be left as "
        f"{aside}"
    )
    with pytest.raises(DurabilityError) as caught:
        put(tmp_path / "n", durability=Durability.FULL)
    assert str(caught.value).endswith("it may be lost if the power is cut now")
    assert contents(tmp_path / "n") == {"model.pb": b"new"}


def test_an_old_one_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old(tmp_path)
    monkeypatch.setattr(shutil, "rmtree", fail)
    with pytest.raises(DurabilityError, match=r"is in place, .* be left as m\.replaced-"):
        put(tmp_path / "m", REPLACE)
    assert contents(tmp_path / "m") == {"model.pb": b"new"}
    assert len(names(tmp_path)) == 2


def test_an_interrupt_while_the_old_one_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(tmp_path)
    real, calls = shutil.rmtree, []

    def remove(path: str, *, ignore_errors: bool = False) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        real(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", remove)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path / "m", REPLACE)
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]


def reported(tmp_path: Path, error: BaseException) -> NotCommittedError:
    with (
        pytest.raises(NotCommittedError) as caught,
        begin(tmp_path / "m") as staging,
        staging.reporting_errors(),
    ):
        raise error
    return caught.value


def test_errors_that_tell_of_the_temporary_name_are_told_without(tmp_path: Path) -> None:
    inner = NotCommittedError(errno.ENOSPC, "checkpoint .pbckpt-1.tmp/x was not", ".pbckpt-1.tmp")
    expected = (
        f"{tmp_path / 'm'} was not written: No space left on device; "
        "what was there before is untouched"
    )
    assert str(reported(tmp_path, inner)) == expected
    durability = DurabilityError("checkpoint .pbckpt-1.tmp/x is in place, but")
    durability.__cause__ = OSError(errno.ENOSPC, "full")
    found = reported(tmp_path, durability)
    assert (str(found), found.errno) == (expected, errno.ENOSPC)


def test_an_error_without_a_number_is_told_as_it_is(tmp_path: Path) -> None:
    found = reported(tmp_path, OSError("odd"))
    assert found.errno is None
    assert str(found) == (
        f"{tmp_path / 'm'} was not written: odd; what was there before is untouched"
    )


def test_a_directory_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "file" / "m")
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)
    assert names(tmp_path) == ["file"]


def test_parents_of_a_directory_that_cannot_be_opened_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Directory, "__init__", fail)
    with pytest.raises(NotCommittedError):
        put(tmp_path / "a" / "m")
    assert names(tmp_path) == []


def test_a_name_that_is_too_long_aside_leaves_what_was_there(tmp_path: Path) -> None:
    name = "m" * 250
    make(tmp_path / name, model_pb=b"old")
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / name, REPLACE)
    assert caught.value.errno == errno.ENAMETOOLONG
    assert contents(tmp_path) == {f"{name}/model.pb": b"old"}
    assert names(tmp_path) == [name]


@needs_modes
def test_a_parent_that_may_not_be_written_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    with pytest.raises(NotCommittedError) as caught:
        put(home / "m")
    assert caught.value.errno == errno.EACCES
    assert names(home) == []


# What a killed writer left, and other writers


def killed(action: Callable[[], object]) -> None:
    """Do something in a process that ends at once in it, without any clean-up."""
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def half(path: Path) -> None:
    with begin(path, REPLACE) as staging:
        staging.write("model.pb", [b"half"])
        staging.write("extra", [b"more"])
        os._exit(0)


@needs_fork
@needs_locks
def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    old(tmp_path)
    killed(lambda: half(tmp_path / "m"))
    assert len(names(tmp_path)) == 2
    put(tmp_path / "other")
    assert contents(tmp_path) == {**OLD, "other/model.pb": b"new"}
    assert names(tmp_path) == ["m", "other"]


@needs_fork
@pytest.mark.parametrize("lacking", ["_HAS_LOCKS", "_HAS_DIR_FD"])
def test_where_nobody_can_tell_whose_it_is_it_stays(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, lacking, False)
    killed(lambda: half(tmp_path / "m"))
    [left] = names(tmp_path)
    put(tmp_path / "m")
    assert names(tmp_path) == [left, "m"]


@needs_locks
def test_what_a_running_writer_has_is_kept(tmp_path: Path) -> None:
    with begin(tmp_path / "m") as running:
        running.write("model.pb", [b"half"])
        put(tmp_path / "other")
        put(tmp_path / "other", REPLACE)
        assert len(names(tmp_path)) == 2
        running.commit()
    assert contents(tmp_path) == {"m/model.pb": b"half", "other/model.pb": b"new"}


@needs_fork
@needs_locks
def test_what_was_put_aside_by_a_killed_writer_is_whole_and_stays(tmp_path: Path) -> None:
    """Nobody but its owner can tell whether it is still wanted."""

    def stop(go_on: Callable[[], None]) -> None:  # noqa: ARG001
        os._exit(0)

    def run() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            renames(monkeypatch, stop, "m")
            put(tmp_path / "m", REPLACE)

    old(tmp_path)
    killed(run)
    _, aside = names(tmp_path)
    put(tmp_path / "m", REPLACE)
    assert names(tmp_path) == ["m", aside]
    assert contents(tmp_path / aside) == {"model.pb": b"old", "data/x": b"x"}
    assert contents(tmp_path / "m") == {"model.pb": b"new"}


@needs_locks
def test_a_locked_parent_is_waited_for(tmp_path: Path) -> None:
    thread = threading.Thread(target=lambda: put(tmp_path / "m"))
    with Directory(str(tmp_path)) as other:
        with other.locked():
            thread.start()
            thread.join(0.1)
            assert names(tmp_path) == []
        thread.join(10)
    assert contents(tmp_path) == NEW


@needs_fork
@needs_locks
def test_writers_of_one_name_follow_each_other(tmp_path: Path) -> None:
    children = []
    for _ in range(4):
        children.append(child := os.fork())
        if child == 0:
            try:
                for _ in range(10):
                    put(tmp_path / "m", REPLACE)
                os._exit(0)
            finally:
                os._exit(1)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert contents(tmp_path) == NEW
    assert names(tmp_path) == ["m"]
