from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pbckpt.storage import directory as module
from pbckpt.storage.directory import (
    Directory,
    Durability,
    make_directories,
    remove_directories,
    sync_parents,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")
needs_handles = pytest.mark.skipif(
    not module._HAS_DIR_FD, reason="directories cannot be held open here"
)
needs_locks = pytest.mark.skipif(not module._HAS_LOCKS, reason="files cannot be locked here")
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture(params=[pytest.param(True, marks=needs_handles), False], ids=["handle", "path"])
def directory(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Directory]:
    """An open directory, as on systems that can hold one open and as on others."""
    monkeypatch.setattr(module, "_HAS_DIR_FD", request.param)
    with Directory(str(tmp_path)) as opened:
        yield opened


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(action: Callable[[], object]) -> None:
    """Do something in a process that ends at once after it, without any clean-up."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


# Temporary files


def test_a_temporary_file_is_new_hidden_and_named_by_chance(
    directory: Directory, tmp_path: Path
) -> None:
    files = [directory.create_temporary(Durability.NONE) for _ in range(20)]
    assert len({file.name for file in files}) == 20
    assert all(re.fullmatch(r"\.pbckpt-[0-9a-f]{16}\.tmp", file.name) for file in files)
    assert names(tmp_path) == sorted(file.name for file in files)
    assert directory.names() == [path.name for path in tmp_path.iterdir()]
    for file in files:
        file.close()


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0, 0o666)])
def test_the_mode_of_a_file_follows_the_umask(
    umask: int, mode: int, directory: Directory, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        file = directory.create_temporary(Durability.NONE)
    finally:
        os.umask(before)
    file.close()
    assert stat.S_IMODE((tmp_path / file.name).stat().st_mode) == mode


def test_bytes_go_where_they_belong_in_any_order(directory: Directory, tmp_path: Path) -> None:
    file = directory.create_temporary(Durability.NONE)
    file.write_at(6, memoryview(b"world"))
    file.write_at(0, memoryview(b"hello "))
    file.write_at(11, memoryview(b""))
    file.close()
    assert (tmp_path / file.name).read_bytes() == b"hello world"


def test_appended_bytes_follow_each_other(directory: Directory, tmp_path: Path) -> None:
    file = directory.create_temporary(Durability.NONE)
    for part in (b"one", b"", b"two", b"three"):
        file.append(part)
    file.close()
    assert (tmp_path / file.name).read_bytes() == b"onetwothree"


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_writes_that_take_a_part_are_gone_on_with(
    at_once: int, directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, write_at = os.write, getattr(os, "pwrite", None)

    def short_write(fd: int, data: Buffer) -> int:
        return write(fd, memoryview(data)[:at_once])

    def short_write_at(fd: int, data: Buffer, offset: int) -> int:
        assert write_at is not None
        done: int = write_at(fd, memoryview(data)[:at_once], offset)
        return done

    monkeypatch.setattr(os, "write", short_write)
    if write_at is not None:
        monkeypatch.setattr(os, "pwrite", short_write_at)
    appended, placed = (
        directory.create_temporary(Durability.NONE),
        directory.create_temporary(Durability.NONE),
    )
    appended.append(b"0123456789")
    placed.write_at(2, memoryview(b"23456789"))
    placed.write_at(0, memoryview(b"01"))
    appended.close()
    placed.close()
    assert (tmp_path / appended.name).read_bytes() == b"0123456789"
    assert (tmp_path / placed.name).read_bytes() == b"0123456789"


def test_systems_without_writes_at_places_seek_first(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pwrite", raising=False)
    file = directory.create_temporary(Durability.NONE)
    file.write_at(3, memoryview(b"def"))
    file.write_at(0, memoryview(b"abc"))
    file.close()
    assert (tmp_path / file.name).read_bytes() == b"abcdef"


def test_a_failed_sync_is_not_tried_again(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure the system may call the lost pages clean."""
    calls = []

    def fail(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, "Input/output error")

    file = directory.create_temporary(Durability.FULL)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        file.seal()
    assert calls == [file.fd]
    file.close()


def test_only_what_shall_be_durable_is_waited_for(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    careless = directory.create_temporary(Durability.NONE)
    careless.seal()
    durable = directory.create_temporary(Durability.FULL)
    durable.seal()
    assert calls == [durable.fd]
    careless.close()
    durable.close()


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="no way to tell the system")
@pytest.mark.parametrize(
    ("durability", "expected"),
    [
        (Durability.NONE, []),
        (Durability.FULL, [(0, 32 << 20), (64 << 20, 32 << 20)]),
    ],
)
def test_the_disk_may_begin_with_every_full_part(
    durability: Durability,
    expected: list[tuple[int, int]],
    directory: Directory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[int, int]] = []

    def note_and_refuse(fd: int, offset: int, length: int, advice: int) -> None:
        assert fd == file.fd
        assert advice == os.POSIX_FADV_DONTNEED
        calls.append((offset, length))
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "posix_fadvise", note_and_refuse)
    file = directory.create_temporary(durability)
    for offset in (0, (32 << 20) - 6, (32 << 20) - 1, (40 << 20), (96 << 20) - 5, 96 << 20):
        file.write_at(offset, memoryview(b"12345"))
    file.close()
    assert calls == expected
    assert (tmp_path / file.name).stat().st_size == (96 << 20) + 5


def test_closing_twice_closes_nobody_elses_file(directory: Directory, tmp_path: Path) -> None:
    file = directory.create_temporary(Durability.NONE)
    file.close()
    other = os.open(tmp_path / file.name, os.O_RDONLY)  # Takes the number that became free.
    file.close()
    os.fstat(other)
    os.close(other)


# Temporary directories


def test_a_temporary_directory_is_new_hidden_and_named_by_chance(
    directory: Directory, tmp_path: Path
) -> None:
    made = [directory.create_temporary_directory() for _ in range(20)]
    assert len({one.name for one in made}) == 20
    assert all(re.fullmatch(r"\.pbckpt-[0-9a-f]{16}\.tmp", one.name) for one in made)
    assert names(tmp_path) == sorted(one.name for one in made)
    assert all((tmp_path / one.name).is_dir() for one in made)
    for one in made:
        one.close()
        one.close()


def test_a_temporary_directory_is_renamed_while_it_is_open(
    directory: Directory, tmp_path: Path
) -> None:
    made = directory.create_temporary_directory()
    (tmp_path / made.name / "file").touch()
    directory.rename(made.name, "m")
    made.close()
    assert names(tmp_path) == ["m"]
    assert names(tmp_path / "m") == ["file"]


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many"), KeyboardInterrupt()])
def test_a_temporary_directory_that_cannot_be_opened_is_removed(
    error: BaseException, directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "TemporaryDirectory", fail)
    with pytest.raises(type(error)):
        directory.create_temporary_directory()
    assert names(tmp_path) == []


@needs_fork
@needs_locks
@needs_handles
def test_directories_of_killed_writers_are_removed_and_those_of_living_ones_kept(
    tmp_path: Path,
) -> None:
    def leave() -> None:
        left = Directory(str(tmp_path)).create_temporary_directory()
        (tmp_path / left.name / "deep").mkdir()
        (tmp_path / left.name / "deep" / "file").touch()

    killed(leave)
    with Directory(str(tmp_path)) as writer, Directory(str(tmp_path)) as other:
        living = writer.create_temporary_directory()
        assert len(names(tmp_path)) == 2
        other.remove_stale_temporaries()
        assert names(tmp_path) == [living.name]
        living.close()
        other.remove_stale_temporaries()
        assert names(tmp_path) == []


# Names


def test_a_rename_replaces(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "m.index").write_bytes(b"old")
    file = directory.create_temporary(Durability.NONE)
    file.append(b"new")
    file.close()
    directory.rename(file.name, "m.index")
    assert names(tmp_path) == ["m.index"]
    assert (tmp_path / "m.index").read_bytes() == b"new"


def test_removing_is_for_what_is_there(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    directory.remove("file")
    directory.remove("file")
    assert names(tmp_path) == []


def test_what_cannot_be_removed_is_an_error(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        directory.remove("folder")


def test_names_are_synced_where_a_directory_can_be(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    directory.sync()
    assert calls == ([directory._fd] if directory._fd >= 0 else [])


@needs_handles
def test_a_directory_that_is_swapped_meanwhile_redirects_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with Directory(str(tmp_path / "home")) as opened:
        file = opened.create_temporary(Durability.NONE)
        (tmp_path / "home").rename(tmp_path / "moved")
        (tmp_path / "home").mkdir()
        opened.create_temporary(Durability.NONE).close()
        opened.rename(file.name, "final")
        file.close()
    assert names(tmp_path / "home") == []
    assert "final" in names(tmp_path / "moved")


def test_an_empty_path_is_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Directory("") as opened:
        opened.create_temporary(Durability.NONE).close()
    assert len(names(tmp_path)) == 1


def test_a_directory_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    if module._HAS_DIR_FD:
        for path in ("absent", "file"):
            with pytest.raises(OSError, match=path):
                Directory(str(tmp_path / path))


# Locks, and what a killed writer left


@needs_fork
@needs_locks
@needs_handles
def test_one_process_at_a_time(tmp_path: Path) -> None:
    def append(text: str) -> None:
        with Directory(str(tmp_path)) as opened, opened.locked():
            with (tmp_path / "log").open("a") as log:
                log.write(f"in {text}\n")
            names(tmp_path)
            with (tmp_path / "log").open("a") as log:
                log.write(f"out {text}\n")

    def work(text: str) -> None:
        for _ in range(50):
            append(text)

    child = os.fork()
    if child == 0:
        try:
            work("child")
        finally:
            os._exit(0)
    work("parent")
    os.waitpid(child, 0)
    lines = (tmp_path / "log").read_text().split("\n")[:-1]
    assert len(lines) == 200
    pairs = zip(lines[::2], lines[1::2], strict=True)
    assert all(went_in.replace("in", "out", 1) == came_out for went_in, came_out in pairs)


@needs_handles
def test_a_file_system_without_locks_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, operation: int) -> None:  # noqa: ARG001
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "flock", refuse, raising=False)
    with Directory(str(tmp_path)) as opened, opened.locked():
        file = opened.create_temporary(Durability.NONE)
        opened.remove_stale_temporaries()
        file.close()
    assert names(tmp_path) == [file.name]


def test_a_lock_is_given_back_after_an_error(directory: Directory) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), directory.locked():
            raise KeyError


@needs_fork
@needs_locks
@needs_handles
def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    killed(lambda: Directory(str(tmp_path)).create_temporary(Durability.NONE).append(b"half"))
    assert len(names(tmp_path)) == 1
    with Directory(str(tmp_path)) as opened, opened.locked():
        opened.remove_stale_temporaries()
    assert names(tmp_path) == []


@needs_locks
@needs_handles
def test_what_a_living_writer_has_is_kept(tmp_path: Path) -> None:
    with Directory(str(tmp_path)) as writer, Directory(str(tmp_path)) as other:
        file = writer.create_temporary(Durability.NONE)
        other.remove_stale_temporaries()
        assert names(tmp_path) == [file.name]
        file.append(b"more")
        file.close()
        other.remove_stale_temporaries()
        assert names(tmp_path) == []


@needs_locks
@needs_handles
def test_what_is_no_temporary_file_of_ours_is_kept(tmp_path: Path) -> None:
    folder, link, far = (f".pbckpt-{number * 16}.tmp" for number in "012")
    for name in ("home", ".pbckpt-mine.tmp", f"{folder}.bak", f"a{folder}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "data").write_bytes(b"precious")
    (tmp_path / link).symlink_to("data")
    (tmp_path / far).symlink_to("home")
    for name in (".pbckpt-x", "x.tmp", "checkpoint.tmp1", "a.pbckpt-2.tmp"):
        (tmp_path / name).touch()
    before = names(tmp_path)
    with Directory(str(tmp_path)) as opened:
        opened.remove_stale_temporaries()
    assert names(tmp_path) == before
    assert (tmp_path / "data").read_bytes() == b"precious"


@pytest.mark.parametrize("lacking", ["_HAS_DIR_FD", "_HAS_LOCKS"])
def test_where_nobody_can_tell_nothing_is_removed(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, lacking, False)
    (tmp_path / ".pbckpt-0000000000000000.tmp").touch()
    with Directory(str(tmp_path)) as opened, opened.locked():
        opened.remove_stale_temporaries()
    assert names(tmp_path) == [".pbckpt-0000000000000000.tmp"]


# Making directories


def test_missing_directories_are_made_and_named_outermost_first(tmp_path: Path) -> None:
    made = make_directories(str(tmp_path / "a" / "b" / "c"))
    assert made == [str(tmp_path / "a"), str(tmp_path / "a/b"), str(tmp_path / "a/b/c")]
    assert (tmp_path / "a" / "b" / "c").is_dir()
    remove_directories(made)
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", ["", ".", "here", "here/", "here/.", "here/../here"])
def test_what_is_there_is_not_made(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert make_directories(path) == []


@pytest.mark.parametrize("path", ["new", "./new", "new/", "new/.", "here/../new", "new//sub"])
def test_a_path_may_be_spelled_in_many_ways(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    made = make_directories(path)
    assert Path(path).is_dir()
    remove_directories(made)
    assert names(tmp_path) == ["here"]


def test_what_two_dots_mean_is_up_to_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two dots after a link are the parent of where it leads to."""
    (tmp_path / "home").mkdir()
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "home" / "link").symlink_to(tmp_path / "far" / "away")
    monkeypatch.chdir(tmp_path / "home")
    made = make_directories("link/../new")
    assert names(tmp_path / "far") == ["away", "new"]
    remove_directories(made)
    assert names(tmp_path / "home") == ["link"]
    assert names(tmp_path / "far") == ["away"]


@pytest.mark.parametrize("path", ["file/new", "file/new/sub", "file", "dangling/new"])
def test_a_file_in_the_way_is_the_systems_error(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(OSError, match=r"file|dangling"):
        make_directories(path)
    assert names(tmp_path) == ["dangling", "file"]


def test_a_directory_that_another_makes_meanwhile_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir

    def too_late(path: str, mode: int = 0o777) -> None:
        if path.endswith("b"):
            real(path, mode)
        real(path, mode)

    monkeypatch.setattr(os, "mkdir", too_late)
    made = make_directories(str(tmp_path / "a" / "b" / "c"))
    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert str(tmp_path / "a" / "b") not in made
    remove_directories(made)
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_half_a_path_is_removed_again(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir

    def fail(path: str, mode: int = 0o777) -> None:
        if path.endswith("c"):
            raise error
        real(path, mode)

    monkeypatch.setattr(os, "mkdir", fail)
    with pytest.raises(type(error)):
        make_directories(str(tmp_path / "a" / "b" / "c"))
    assert names(tmp_path) == []


def test_only_empty_directories_are_removed(tmp_path: Path) -> None:
    made = make_directories(str(tmp_path / "a" / "b" / "c"))
    (tmp_path / "a" / "file").touch()
    remove_directories(made)
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["file"]


@needs_handles
def test_the_names_of_new_directories_are_synced_in_their_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def note(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)

    made = make_directories(str(tmp_path / "a" / "b"))
    monkeypatch.setattr(os, "fsync", note)
    sync_parents(made)
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_kept_under_a_second_name(
    *, has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "there are no links here")

    (tmp_path / "m.meta").write_bytes(b"graph" * 1_000_000)
    if not has_links:
        monkeypatch.setattr(Directory, "_link", refuse)
    with Directory(str(tmp_path)) as directory:
        kept = directory.keep("m.meta")
    assert kept.startswith(".pbckpt-")
    assert kept.endswith(".tmp")
    assert (tmp_path / kept).read_bytes() == b"graph" * 1_000_000
    assert (tmp_path / kept).samefile(tmp_path / "m.meta") == has_links


def test_what_cannot_be_kept_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "there are no links here")

    (tmp_path / "m.meta").mkdir()
    monkeypatch.setattr(Directory, "_link", refuse)
    with Directory(str(tmp_path)) as directory, pytest.raises(OSError, match=r"irectory|ermission"):
        directory.keep("m.meta")
    assert [path.name for path in tmp_path.iterdir()] == ["m.meta"]
