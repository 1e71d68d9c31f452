from __future__ import annotations

import errno
import io
import os
import stat
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pbckpt.archives.npz import plan_npz
from pbckpt.archives.tensor import fixed_size
from pbckpt.dtypes import DataType
from pbckpt.errors import DurabilityError, NotCommittedError, PathError
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Directory, Durability, TemporaryFile
from pbckpt.storage.single_file import SingleFile
from pbckpt.storage.tree import files_under
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_modes = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="modes do not bind this user"
)


def put(
    path: Path | str,
    data: bytes,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.NONE,
) -> str:
    with SingleFile(path, on_existing, durability) as file:
        file.write(data)
        return file.commit()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# A new file


@pytest.mark.parametrize("durability", Durability)
def test_a_new_file(durability: Durability, tmp_path: Path) -> None:
    assert put(tmp_path / "x.npz", b"data", durability=durability) == str(tmp_path / "x.npz")
    assert contents(tmp_path) == {"x.npz": b"data"}


@pytest.mark.parametrize("durability", Durability)
def test_directories_are_made(durability: Durability, tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "x", b"data", durability=durability)
    assert contents(tmp_path) == {"a/b/x": b"data"}


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert put("x", b"data") == "x"
    assert contents(tmp_path) == {"x": b"data"}


def test_writes_follow_each_other_and_can_go_back(tmp_path: Path) -> None:
    with SingleFile(tmp_path / "x", OnExisting.REFUSE, Durability.NONE) as file:
        assert file.write(b"....") == 4
        assert file.write(np.array([1, 2], "<u2").data) == 4
        assert file.tell() == 8
        assert file.seek(1) == 1
        file.write(bytearray(b"ab"))
        assert file.seek(5, os.SEEK_CUR) == 8
        file.write(b"")
        file.write(b"!")
        file.flush()
        assert file.seekable()
        file.commit()
    assert contents(tmp_path) == {"x": b".ab.\1\0\2\0!"}


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_mode_follows_the_umask(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        put(tmp_path / "x", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_a_zip_can_be_written_to_it(tmp_path: Path) -> None:
    tensor = fixed_size("w", DataType.UINT8, (3,), lambda: iter([Span.of(b"abc")]))
    with SingleFile(tmp_path / "x.npz", OnExisting.REFUSE, Durability.NONE) as file:
        plan_npz([tensor]).write(file)
        file.commit()
    memory = io.BytesIO()
    plan_npz([tensor]).write(memory)
    assert contents(tmp_path) == {"x.npz": memory.getvalue()}
    with np.load(tmp_path / "x.npz") as found:
        assert found["w"].tolist() == [97, 98, 99]


@pytest.mark.parametrize("durability", Durability)
def test_the_file_is_synced_before_it_is_renamed_and_its_name_after(
    durability: Durability, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_rename = Directory.rename

    def rename(self: Directory, old: str, new: str) -> None:
        steps.append("rename")
        real_rename(self, old, new)

    monkeypatch.setattr(
        "pbckpt.storage.directory._sync_to_disk", lambda _: steps.append("sync file")
    )
    monkeypatch.setattr(Directory, "rename", rename)
    monkeypatch.setattr(Directory, "sync", lambda _: steps.append("sync directory"))
    put(tmp_path / "x", b"data", durability=durability)
    full = ["sync file", "rename", "sync directory"]
    assert steps == (full if durability is Durability.FULL else ["rename"])


# What is refused


@pytest.mark.parametrize("path", ["", "out/", ".", "..", "a/..", "a\0b"])
def test_a_path_that_names_no_file(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathError, match="does not name a file"):
        put(path, b"data")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(PathError) as caught:
        put(tmp_path / "x", b"new")
    assert str(caught.value) == (
        f"{tmp_path / 'x'} exists already; choose another name, "
        "or allow it with --on-existing replace (on_existing=OnExisting.REPLACE)"
    )
    assert contents(tmp_path) == {"x": b"old"}


def test_a_dangling_link_is_something_that_exists(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("nowhere")
    with pytest.raises(PathError):
        put(tmp_path / "x", b"new")


def test_a_file_that_appears_meanwhile_is_refused(tmp_path: Path) -> None:
    with SingleFile(tmp_path / "x", OnExisting.REFUSE, Durability.NONE) as file:
        file.write(b"mine")
        put(tmp_path / "x", b"theirs")
        with pytest.raises(PathError, match="exists already"):
            file.commit()
    assert contents(tmp_path) == {"x": b"theirs"}


def test_an_existing_file_is_replaced_where_that_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with SingleFile(tmp_path / "x", OnExisting.REPLACE, Durability.FULL) as file:
        file.write(b"new")
        assert (tmp_path / "x").read_bytes() == b"old"
        file.commit()
    assert contents(tmp_path) == {"x": b"new"}


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "far").write_bytes(b"theirs")
    (home / "x").symlink_to(tmp_path / "far")
    put(home / "x", b"new", OnExisting.REPLACE)
    assert contents(tmp_path) == {"far": b"theirs", "home/x": b"new"}


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "x", b"new", OnExisting.REPLACE)
    assert caught.value.errno == errno.EISDIR
    assert ".pbckpt-" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


# What goes wrong


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_on_the_way_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def run() -> None:
        with SingleFile(tmp_path / "a" / "x", OnExisting.REFUSE, Durability.NONE) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        run()
    assert list(tmp_path.iterdir()) == []


def test_leaving_without_a_commit_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with SingleFile(tmp_path / "x", OnExisting.REPLACE, Durability.NONE) as file:
        file.write(b"half")
    assert contents(tmp_path) == {"x": b"old"}


def fail(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("owner", "call"),
    [
        (TemporaryFile, "write_at"),
        (TemporaryFile, "seal"),
        (Directory, "rename"),
        (Directory, "create_temporary"),
    ],
)
def test_what_the_system_refuses_leaves_what_was_there(
    owner: type, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"old")
    monkeypatch.setattr(owner, call, fail)
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "x", b"new", OnExisting.REPLACE)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "x"))
    assert str(caught.value) == (
        f"{tmp_path / 'x'} was not written: No space left on device; "
        "what was there before is untouched"
    )
    assert contents(tmp_path) == {"x": b"old"}


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_under_a_zip_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: TemporaryFile, offset: int, _data: memoryview) -> None:
        if offset > 100:
            fail()

    monkeypatch.setattr(TemporaryFile, "write_at", full)
    tensors = [
        fixed_size(name, DataType.UINT8, (900,), lambda: iter([Span.of(bytes(900))]))
        for name in ("a", "b")
    ]
    with (
        pytest.raises(NotCommittedError),
        SingleFile(tmp_path / "x", OnExisting.REFUSE, Durability.NONE) as file,
    ):
        plan_npz(tensors).write(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_tensor_that_fails_under_a_zip_is_that_error(
    kind: type[BaseException], tmp_path: Path
) -> None:
    def broken() -> Iterator[Span]:
        yield Span.of(b"x")
        raise kind

    plan = plan_npz([fixed_size("a", DataType.UINT8, (3,), broken)])
    with (
        pytest.raises(kind),
        SingleFile(tmp_path / "x", OnExisting.REFUSE, Durability.NONE) as file,
    ):
        plan.write(file)
    assert list(tmp_path.iterdir()) == []


def test_what_follows_the_rename_cannot_take_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Directory, "sync", fail)
    with pytest.raises(DurabilityError) as caught:
        put(tmp_path / "a" / "x", b"new", durability=Durability.FULL)
    assert str(caught.value).startswith(f"{tmp_path / 'a' / 'x'} is in place, but the system")
    assert contents(tmp_path) == {"a/x": b"new"}


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_an_interrupt_after_the_rename_keeps_the_file(
    kind: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Directory.rename

    def rename(self: Directory, old: str, new: str) -> None:
        real(self, old, new)
        raise kind

    monkeypatch.setattr(Directory, "rename", rename)
    with pytest.raises(DurabilityError if kind is OSError else kind):
        put(tmp_path / "a" / "x", b"new")
    assert contents(tmp_path) == {"a/x": b"new"}


def test_a_directory_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "file" / "x", b"")
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)


@needs_modes
def test_a_directory_that_may_not_be_written_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    with pytest.raises(NotCommittedError):
        put(home / "x", b"")


def test_it_is_written_to_only_when_it_is_open(tmp_path: Path) -> None:
    file = SingleFile(tmp_path / "x", OnExisting.REFUSE, Durability.NONE)
    with pytest.raises(ValueError, match="is not open for writing"):
        file.write(b"x")


# What is under a directory


def test_files_under_a_directory(tmp_path: Path) -> None:
    for name in ("b.npy", "a/c.npy", "a/b/c.npy", "z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "link.npy").symlink_to(tmp_path / "z")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "dangling.npy").symlink_to("nowhere")
    assert files_under(tmp_path) == ["a/b/c.npy", "a/c.npy", "a/link.npy", "b.npy", "z"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    assert files_under(str(tmp_path)) == []


@pytest.mark.parametrize("name", ["absent", "file"])
def test_what_is_no_directory_is_the_systems_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=name):
        files_under(tmp_path / name)


def test_names_that_are_not_utf8_stay(tmp_path: Path) -> None:
    try:
        (tmp_path / "a\udcff.npy").touch()
    except OSError:
        pytest.skip("this file system has no such names")
    assert files_under(tmp_path) == ["a\udcff.npy"]
