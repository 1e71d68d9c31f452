"""Local files to read: mapped to look at, read into buffers to copy.

A mapping costs nothing to open and lets a scan touch only what it needs, but
every page touched counts as the process's memory until it is given back, and
a file that shrinks under a mapping kills the process. So a scan looks at the
mapping and gives its pages back as it goes, and weights are read with `pread`,
which reports a short file as what it is.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
from typing import TYPE_CHECKING

from pbckpt.errors import CorruptFileError, MissingFileError, PathError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_HAS_PREAD = hasattr(os, "preadv")


class MappedFile:
    """A regular file, open for reading; a context manager."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open and map ``path``.

        Raises PathError for anything but a regular file (a pipe would block
        for ever), and the system's OSError where it cannot be opened.
        """
        self._fd = -1
        self.name = os.fsdecode(path)
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        # Without O_NONBLOCK the open itself waits for a pipe's other end.
        try:
            self._fd = os.open(self.name, flags | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            raise self._irregular() from None  # a socket
        except ValueError:
            raise PathError(f"{self.name!r}: a path cannot hold a NUL") from None
        try:
            self._stat = self._regular_stat()
            self._map = self._map_all()
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            raise
        self.view = memoryview(self._map) if self._map else memoryview(b"")

    def _regular_stat(self) -> os.stat_result:
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            raise self._irregular()
        return found

    def _irregular(self) -> PathError:
        return PathError(f"{self.name}: not a regular file; give the path of a file")

    def _map_all(self) -> mmap.mmap | None:
        if self._stat.st_size == 0:
            return None
        return mmap.mmap(self._fd, self._stat.st_size, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        """Return the size of the file when it was opened."""
        return len(self.view)

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        """Return ``nbytes`` bytes at ``offset``, read into ``buffer`` where that can be done."""
        if not _HAS_PREAD:
            return self.view[offset : offset + nbytes]
        out = buffer[:nbytes]
        done = os.preadv(self._fd, [out], offset) if nbytes else 0
        while done < nbytes:
            got = os.preadv(self._fd, [out[done:]], offset + done)
            if got == 0:
                raise CorruptFileError(
                    "the file became shorter while it was read",
                    file=self.name,
                    offset=offset + done,
                )
            done += got
        return out

    def release_pages(self, start: int, end: int) -> None:
        """Give back the memory of the mapped bytes ``start`` to ``end``."""
        if self._map and hasattr(mmap, "MADV_DONTNEED"):
            page = mmap.PAGESIZE
            start = start // page * page
            if end > start:
                self._map.madvise(mmap.MADV_DONTNEED, start, end - start)

    def check_unchanged(self) -> None:
        """Raise CorruptFileError if the file was written to since it was opened."""
        now = os.fstat(self._fd)
        if (now.st_size, now.st_mtime_ns) != (self._stat.st_size, self._stat.st_mtime_ns):
            raise CorruptFileError(
                "the file was changed while it was read; run again when it is complete",
                file=self.name,
                offset=0,
            )

    def is_same_file(self, path: str) -> bool:
        """Tell whether ``path`` is this file, under whatever name."""
        try:
            return os.path.samestat(self._stat, os.stat(path))
        except OSError:
            return False

    def close(self) -> None:
        """Close the file; views of it must not be used any more. Twice is harmless."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self.view.release()
        if self._map:
            # A span that somebody still holds keeps the mapping alive.
            with contextlib.suppress(BufferError):
                self._map.close()
        os.close(fd)

    def __del__(self) -> None:
        """Close a file that was dropped without being closed."""
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()


def open_existing(path: str, needed_by: str) -> MappedFile:
    """Open a file that a checkpoint consists of; MissingFileError where it is not there."""
    try:
        return MappedFile(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        msg = f"{path}: no such file, but {needed_by}"
        raise MissingFileError(msg, file=path) from None
