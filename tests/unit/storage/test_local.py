from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import CorruptFileError, MissingFileError, PathError
from pbckpt.storage.local import MappedFile, open_existing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Buffer

OPEN_FILES = Path("/proc/self/fd")

counts_files = pytest.mark.skipif(
    not OPEN_FILES.is_dir(), reason="the system does not list a process's open files"
)
needs_modes = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="modes do not bind this user"
)


@pytest.fixture
def pattern(tmp_path: Path) -> Iterator[MappedFile]:
    """A file of 64 KiB, in which every four bytes are their own place."""
    path = tmp_path / "pattern"
    path.write_bytes(place_bytes(0, 65536))
    with MappedFile(path) as file:
        yield file


def place_bytes(start: int, end: int) -> bytes:
    return b"".join(place.to_bytes(4, "big") for place in range(start, end, 4))


def count_open_files() -> int:
    return len(list(OPEN_FILES.iterdir()))


# Opening


def test_bytes_name_and_length(tmp_path: Path) -> None:
    path = tmp_path / "a b"
    path.write_bytes(b"weights")
    with MappedFile(path) as file:
        assert bytes(file.view) == b"weights"
        assert file.view.readonly
        assert file.name == str(path)
        assert len(file) == 7


def test_an_empty_file_has_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with MappedFile(str(path)) as file:
        assert bytes(file.view) == b""
        assert len(file) == 0
        assert bytes(file.chunk(0, 0, memoryview(b""))) == b""
        file.release_pages(0, 0)
        file.check_unchanged()


def test_what_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        MappedFile(tmp_path / "absent")
    assert caught.value.filename == str(tmp_path / "absent")


@needs_modes
def test_what_may_not_be_read_is_the_systems_error(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0)
    with pytest.raises(PermissionError):
        MappedFile(path)


def make_directory(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_link_to_a_device(path: Path) -> None:
    path.symlink_to(os.devnull)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
@pytest.mark.parametrize("make", [make_directory, make_pipe, make_socket, make_link_to_a_device])
def test_only_regular_files_are_opened(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # A socket's path has to be short.
    make(Path("odd"))
    with pytest.raises(PathError, match=r"^odd: not a regular file; give the path of a file$"):
        MappedFile("odd")


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with MappedFile(tmp_path / "link") as file:
        assert bytes(file.view) == b"x"


def test_a_loop_of_links_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(OSError, match="symbolic links"):
        MappedFile(tmp_path / "link")


@counts_files
def test_what_fails_to_open_leaves_nothing_open(tmp_path: Path) -> None:
    before = count_open_files()
    for _ in range(100):
        with pytest.raises(PathError):
            MappedFile(tmp_path)
    assert count_open_files() == before


# Reading


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="only where files are read at places")
@pytest.mark.parametrize(("offset", "nbytes"), [(0, 1), (8, 100), (4, 20000), (0, 65536)])
def test_bytes_are_read_into_the_buffer(offset: int, nbytes: int, pattern: MappedFile) -> None:
    buffer = memoryview(bytearray(65536))
    chunk = pattern.chunk(offset, nbytes, buffer)
    assert chunk == place_bytes(offset, offset + nbytes)[:nbytes]
    assert chunk.obj is buffer.obj


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="only where files are read at places")
def test_a_read_in_parts_is_gone_on_with(
    pattern: MappedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.preadv

    def at_most_1000(fd: int, buffers: Sequence[Buffer], offset: int) -> int:
        return real(fd, [memoryview(buffers[0])[:1000]], offset)

    monkeypatch.setattr(os, "preadv", at_most_1000)
    chunk = pattern.chunk(12, 50000, memoryview(bytearray(50000)))
    assert chunk == place_bytes(12, 50012)


def test_where_files_cannot_be_read_at_places_they_are_looked_at(
    pattern: MappedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbckpt.storage.local._HAS_PREAD", False)
    assert pattern.chunk(4, 50000, memoryview(b"")) == place_bytes(4, 50004)


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="only where files are read at places")
def test_a_file_that_became_shorter_is_an_error(pattern: MappedFile) -> None:
    os.truncate(pattern.name, 20000)
    with pytest.raises(CorruptFileError, match="became shorter while it was read") as caught:
        pattern.chunk(4, 50000, memoryview(bytearray(50000)))
    assert (caught.value.file, caught.value.offset) == (pattern.name, 20000)


def test_bytes_are_the_same_after_their_pages_were_given_back(pattern: MappedFile) -> None:
    for start, end in ((0, 65536), (1, 65535), (5000, 5001), (4096, 8192), (8192, 8192)):
        pattern.release_pages(start, end)
        assert pattern.view == place_bytes(0, 65536)


def test_a_replaced_file_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"old" * 10000)
    (tmp_path / "new").write_bytes(b"new" * 10000)
    with MappedFile(path) as file:
        (tmp_path / "new").rename(path)
        assert file.chunk(0, 30000, memoryview(bytearray(30000))) == b"old" * 10000
        assert file.view == b"old" * 10000


# Knowing the file again


def test_a_file_that_nobody_touched_is_unchanged(pattern: MappedFile) -> None:
    Path(pattern.name).read_bytes()
    pattern.check_unchanged()


@pytest.mark.parametrize("size", [0, 65535, 65536, 65537])
def test_a_file_that_was_written_to_is_changed(size: int, pattern: MappedFile) -> None:
    os.truncate(pattern.name, size)
    os.utime(pattern.name, ns=(1, 1))
    with pytest.raises(CorruptFileError) as caught:
        pattern.check_unchanged()
    assert caught.value.file == pattern.name
    assert caught.value.fact == (
        "the file was changed while it was read; run again when it is complete"
    )


def test_a_file_is_known_under_every_name(pattern: MappedFile, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("pattern")
    (tmp_path / "other").write_bytes(bytes(pattern.view))
    (tmp_path / "second").hardlink_to(pattern.name)
    assert pattern.is_same_file(pattern.name)
    assert pattern.is_same_file(str(tmp_path / "link"))
    assert pattern.is_same_file(str(tmp_path / "second"))
    assert not pattern.is_same_file(str(tmp_path / "other"))
    assert not pattern.is_same_file(str(tmp_path / "absent"))


# Closing


@counts_files
def test_closing_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    before = count_open_files()
    with MappedFile(path) as file:
        assert count_open_files() > before
    assert count_open_files() == before
    with pytest.raises(ValueError, match="released memoryview"):
        file.view[0]


@pytest.mark.parametrize("content", [b"", b"x"])
def test_closing_twice_is_harmless(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    file = MappedFile(path)
    file.close()
    other = os.open(path, os.O_RDONLY)  # Takes the number that became free.
    file.close()
    os.fstat(other)
    os.close(other)


def test_a_part_that_somebody_holds_outlives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"weights")
    with MappedFile(path) as file:
        part = file.view[1:4]
    assert bytes(part) == b"eig"


# Files that a checkpoint needs


def test_a_file_of_a_checkpoint_is_opened(tmp_path: Path) -> None:
    (tmp_path / "m.index").write_bytes(b"x")
    with open_existing(str(tmp_path / "m.index"), "m needs it") as file:
        assert bytes(file.view) == b"x"


def test_a_file_that_is_not_there_is_named_with_who_needs_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "m.index", tmp_path / "no" / "m.index", tmp_path / "file" / "m.index"):
        with pytest.raises(MissingFileError) as caught:
            open_existing(str(path), "checkpoint m needs it")
        assert caught.value.file == str(path)
        assert str(caught.value) == f"{path}: no such file, but checkpoint m needs it"


@needs_modes
def test_other_errors_are_the_systems(tmp_path: Path) -> None:
    (tmp_path / "m.index").touch(mode=0)
    with pytest.raises(PermissionError):
        open_existing(str(tmp_path / "m.index"), "m needs it")
