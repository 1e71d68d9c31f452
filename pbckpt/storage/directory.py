"""A directory that files are made, renamed and removed in.

It is opened once: where the system offers it, every later step goes through
that one handle, so that a directory that is moved or swapped meanwhile cannot
redirect a rename. Elsewhere (Windows) the steps use paths, and the directory
itself is not synced, since there is no call for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from enum import Enum
from typing import TYPE_CHECKING, Any

try:
    import fcntl as _fcntl
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, fcntl, flock

    _HAS_LOCKS = True
    _FULL_SYNC: int | None = getattr(_fcntl, "F_FULLFSYNC", None)
except ImportError:  # Windows
    _HAS_LOCKS = False
    _FULL_SYNC = None

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

TEMPORARY_PREFIX = ".pbckpt-"
TEMPORARY_SUFFIX = ".tmp"
# A directory is removed with all that is in it: no other name may be taken for one of ours.
_TEMPORARY = re.compile(re.escape(TEMPORARY_PREFIX) + "[0-9a-f]{16}" + re.escape(TEMPORARY_SUFFIX))
_HAS_DIR_FD = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
_NAME_BYTES = 8
# Large enough for the disk to be busy with one while the next is written.
_WRITEBACK_BYTES = 32 << 20
_COPY_BYTES = 1 << 20


class Durability(Enum):
    """Whether a return means that the disk has the checkpoint.

    FULL survives a power cut. NONE keeps the order of all steps and leaves
    the waiting out, as ``cp`` and TensorFlow do.
    """

    FULL = "full"
    NONE = "none"


class TemporaryFile:
    """A file under a name of its own until it is renamed; a `Sink` for a pipeline.

    It is locked as long as it is open, so that a later run can tell it from
    what a killed one left behind.
    """

    def __init__(self, name: str, fd: int, durability: Durability) -> None:
        """Take over an open, empty file."""
        self.name = name
        self.fd = fd
        self.is_renamed = False
        self._durable = durability is not Durability.NONE

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write all of ``data`` at ``offset``; the system may take it in parts."""
        start, end = offset, offset + len(data)
        while data:
            if hasattr(os, "pwrite"):
                done = os.pwrite(self.fd, data, offset)
            else:
                os.lseek(self.fd, offset, os.SEEK_SET)
                done = os.write(self.fd, data)
            data = data[done:]
            offset += done
        if self._durable and start // _WRITEBACK_BYTES != end // _WRITEBACK_BYTES:
            self._start_writeback(start // _WRITEBACK_BYTES * _WRITEBACK_BYTES)

    def _start_writeback(self, offset: int) -> None:
        """Have the disk begin with what was just written, while more is being made.

        Pages that are still dirty are not dropped by this advice; Linux starts
        to write them. `sync` then waits for little.
        """
        if hasattr(os, "posix_fadvise"):
            # It is advice only: a file system that takes none still syncs.
            with contextlib.suppress(OSError):
                os.posix_fadvise(self.fd, offset, _WRITEBACK_BYTES, os.POSIX_FADV_DONTNEED)

    def append(self, data: bytes) -> None:
        """Write ``data`` after all that was appended so far."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.fd, rest) :]

    def seal(self) -> None:
        """Wait until the disk has the file's bytes, if it is to be durable.

        An error here is final: a second try could succeed without the bytes.
        """
        if self._durable:
            _sync_to_disk(self.fd)

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)


class TemporaryDirectory:
    """A directory under a name of its own until it is renamed, locked as long as it is open."""

    def __init__(self, name: str, fd: int) -> None:
        """Take over an empty directory; ``fd`` is negative where none can be open."""
        self.name = name
        self._fd = fd

    def close(self) -> None:
        """Let go of the directory; closing twice is harmless."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


class Directory:
    """An open directory; a context manager."""

    def __init__(self, path: str) -> None:
        """Open ``path``, which must exist."""
        self.path = path or os.curdir
        self._fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY) if _HAS_DIR_FD else -1

    def __enter__(self) -> Self:
        """Return the directory itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        if self._fd >= 0:
            os.close(self._fd)

    def _at(self, name: str) -> str:
        return name if self._fd >= 0 else os.path.join(self.path, name)

    def _options(self) -> dict[str, Any]:
        return {"dir_fd": self._fd} if self._fd >= 0 else {}

    def names(self) -> list[str]:
        """Return the names of everything in the directory."""
        return os.listdir(self._fd if self._fd >= 0 else self.path)

    def has_file(self, name: str) -> bool:
        """Tell whether something is there that can be removed: no directory."""
        try:
            found = os.stat(self._at(name), follow_symlinks=False, **self._options())
        except FileNotFoundError:
            return False
        return not stat.S_ISDIR(found.st_mode)

    def create_temporary(self, durability: Durability) -> TemporaryFile:
        """Make a new file under a random name; its mode follows the umask."""
        name = TEMPORARY_PREFIX + os.urandom(_NAME_BYTES).hex() + TEMPORARY_SUFFIX
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        fd = -1
        try:
            fd = os.open(self._at(name), flags, 0o666, **self._options())
            _try_lock(fd)
            return TemporaryFile(name, fd, durability)
        except BaseException:
            # An interrupt can come when the file is made and its number not known.
            if fd >= 0:
                os.close(fd)
            with contextlib.suppress(OSError):
                self.remove(name)
            raise

    def create_temporary_directory(self) -> TemporaryDirectory:
        """Make a new directory under a random name; its mode follows the umask."""
        name = TEMPORARY_PREFIX + os.urandom(_NAME_BYTES).hex() + TEMPORARY_SUFFIX
        fd = -1
        try:
            os.mkdir(self._at(name), **self._options())
            if self._fd >= 0:
                fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._fd)
                _try_lock(fd)
            return TemporaryDirectory(name, fd)
        except BaseException:
            # An interrupt can come when it is made and not known.
            if fd >= 0:
                os.close(fd)
            with contextlib.suppress(OSError):
                os.rmdir(self._at(name), **self._options())
            raise

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what has the new name; or a directory."""
        if self._fd >= 0:
            os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        else:
            os.replace(self._at(old), self._at(new))

    def keep(self, name: str) -> str:
        """Return a second, temporary name for a file: a link, or where there are none, a copy.

        The first name can then be given to another file, and back.
        """
        kept = TEMPORARY_PREFIX + os.urandom(_NAME_BYTES).hex() + TEMPORARY_SUFFIX
        try:
            self._link(name, kept)
        except OSError:
            try:
                self._copy(name, kept)
            except BaseException:
                with contextlib.suppress(OSError):
                    self.remove(kept)
                raise
        return kept

    def _link(self, name: str, kept: str) -> None:
        if self._fd >= 0:
            os.link(name, kept, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        else:
            os.link(self._at(name), self._at(kept))

    def _copy(self, name: str, kept: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        reading = os.O_RDONLY | getattr(os, "O_BINARY", 0)
        source = os.open(self._at(name), reading, **self._options())
        try:
            target = os.open(self._at(kept), flags, 0o666, **self._options())
            try:
                while data := memoryview(os.read(source, _COPY_BYTES)):
                    while data:
                        data = data[os.write(target, data) :]
            finally:
                os.close(target)
        finally:
            os.close(source)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._at(name), **self._options())

    def sync(self) -> None:
        """Wait until the disk has the directory's names.

        Some network file systems have no such thing and say so with EINVAL.
        """
        if self._fd >= 0:
            try:
                os.fsync(self._fd)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers of pbckpt out of the directory, where the system can lock it."""
        locks = _HAS_LOCKS and self._fd >= 0
        if locks:
            # A file system without locks still has the order of the renames.
            with contextlib.suppress(OSError):
                flock(self._fd, LOCK_EX)
        try:
            yield
        finally:
            if locks:
                with contextlib.suppress(OSError):
                    flock(self._fd, LOCK_UN)

    def remove_stale_temporaries(self) -> None:
        """Remove temporary files and directories whose writer is gone.

        Call it with the directory locked.
        """
        if not _HAS_LOCKS or self._fd < 0:
            return
        for name in self.names():
            if _TEMPORARY.fullmatch(name):
                self._remove_if_stale(name)

    def _remove_if_stale(self, name: str) -> None:
        # What cannot be opened or removed is somebody else's, and left alone.
        with contextlib.suppress(OSError):
            fd, is_directory = self._open_to_remove(name)
            try:
                if not _try_lock(fd):
                    return
                if is_directory:
                    import shutil  # noqa: PLC0415 - start-up time

                    shutil.rmtree(os.path.join(self.path, name))
                else:
                    self.remove(name)
            finally:
                os.close(fd)

    def _open_to_remove(self, name: str) -> tuple[int, bool]:
        """Open a file or a directory, and tell whether it is one."""
        try:
            flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW
            return os.open(name, flags, dir_fd=self._fd), False
        except IsADirectoryError:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            return os.open(name, flags, dir_fd=self._fd), True


def _sync_to_disk(fd: int) -> None:
    """Wait for the disk itself: on macOS fsync waits for the drive's cache only."""
    if _FULL_SYNC is not None:
        # Not every file system takes it; those that do not have plain fsync.
        with contextlib.suppress(OSError):
            fcntl(fd, _FULL_SYNC)
            return
    os.fsync(fd)


def _try_lock(fd: int) -> bool:
    """Lock an open file if nobody has; False where it is locked or cannot be."""
    if not _HAS_LOCKS:
        return False
    try:
        flock(fd, LOCK_EX | LOCK_NB)
    except OSError:
        return False
    return True


def make_directories(path: str) -> list[str]:
    """Make a directory and its parents; return those that were made, outermost first."""
    made: list[str] = []
    missing = []
    # As it was given: ``link/..`` is where the link leads to, not where it lies.
    place = path.rstrip(os.sep) or path
    while place and not os.path.isdir(place):
        missing.append(place)
        parent = os.path.dirname(place).rstrip(os.sep)
        place = "" if parent == place else parent
    try:
        for directory in reversed(missing):
            # Noted first: an interrupt can come when it is made.
            made.append(directory)
            os.mkdir(directory)
    except FileExistsError:
        made.pop()
        # Another process made it meanwhile: it is not ours to remove.
        os.makedirs(path, exist_ok=True)
    except BaseException:
        remove_directories(made)
        raise
    return made


def remove_directories(made: list[str]) -> None:
    """Remove directories that `make_directories` made, as far as they are empty."""
    for directory in reversed(made):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def sync_parents(made: list[str]) -> None:
    """Wait until the disk knows the names of new directories."""
    for directory in made:
        with Directory(os.path.dirname(directory)) as parent:
            parent.sync()
