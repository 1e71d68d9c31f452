"""One output file that is there whole or not at all.

    1  write all of it under a temporary name in the same directory, sync it
    2  rename it                    <- the commit point
    3  sync the directory

It is refused where something has its name already, unless that may be
replaced; what was there stays untouched until step 2. The same steps as those
of a checkpoint, for the one file of an archive.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pbckpt.errors import DurabilityError, NotCommittedError, PathError
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import (
    Directory,
    Durability,
    TemporaryFile,
    make_directories,
    remove_directories,
    sync_parents,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self


class SingleFile:
    """Writes one file; a context manager that cleans up what it did not commit.

    It is written to like a binary file, and can be gone back in, as zips need.
    """

    def __init__(
        self, path: str | os.PathLike[str], on_existing: OnExisting, durability: Durability
    ) -> None:
        """Nothing is touched before the context is entered.

        Raises PathError for a path that names no file.
        """
        self.path = os.fsdecode(path)
        self._home, self._name = os.path.split(self.path)
        if "\0" in self.path or self._name in ("", os.curdir, os.pardir):
            raise PathError(f"{self.path!r} does not name a file; give the path of one to write")
        self._on_existing = on_existing
        self._durability = durability
        self._made: list[str] = []
        self._temporary: TemporaryFile | None = None
        self._position = 0
        self._committed = False

    def __enter__(self) -> Self:
        """Open the directory, making it where it is missing, and an empty file in it.

        Raises PathError for an existing file that must not be replaced, and
        NotCommittedError where the system refuses.
        """
        with self._reporting_errors():
            self._made = make_directories(self._home)
            try:
                self._directory = Directory(self._home)
            except BaseException:
                remove_directories(self._made)
                raise
            try:
                self._refuse_existing()
                with self._directory.locked():
                    self._directory.remove_stale_temporaries()
                    self._temporary = self._directory.create_temporary(self._durability)
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the temporary file, unless it was committed.

        What cannot be removed stays: the error that led here says more.
        """
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                self._temporary.close()
            if not self._temporary.is_renamed:
                with contextlib.suppress(OSError):
                    self._directory.remove(self._temporary.name)
        with contextlib.suppress(OSError):
            self._directory.__exit__(None, None, None)
        if not self._committed:
            remove_directories(self._made)

    @property
    def _file(self) -> TemporaryFile:
        if self._temporary is None:
            msg = f"{self.path} is not open for writing"
            raise ValueError(msg)
        return self._temporary

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of ``data`` at the position. Raises NotCommittedError."""
        view = memoryview(data).cast("B")
        with self._reporting_errors():
            self._file.write_at(self._position, view)
        self._position += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, counted from the start or from here."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}[whence]
        self._position = base + offset
        return self._position

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def flush(self) -> None:
        """Do nothing: every write went to the system."""

    def commit(self) -> str:
        """Put the file in place and return its path.

        Raises PathError or NotCommittedError with everything as it was, or
        DurabilityError with the new file in place.
        """
        file = self._file
        with self._reporting_errors():
            file.seal()
            with self._directory.locked():
                self._refuse_existing()
                # Windows renames no open file.
                file.close()
                self._rename(file)
        try:
            if self._durability is not Durability.NONE:
                self._directory.sync()
                sync_parents(self._made)
        except OSError as error:
            raise self._in_place(error) from error
        return self.path

    def _rename(self, file: TemporaryFile) -> None:
        # Said before it is so: an interrupt right after the rename must not
        # make the clean-up look for a file that is gone, or its directory.
        file.is_renamed = self._committed = True
        try:
            self._directory.rename(file.name, self._name)
        except BaseException as error:
            file.is_renamed = self._committed = file.name not in self._directory.names()
            if self._committed and isinstance(error, OSError):
                raise self._in_place(error) from error
            raise

    def _refuse_existing(self) -> None:
        if self._on_existing is OnExisting.REPLACE or self._name not in self._directory.names():
            return
        msg = (
            f"{self.path} exists already; choose another name, "
            "or allow it with --on-existing replace (on_existing=OnExisting.REPLACE)"
        )
        raise PathError(msg)

    @contextlib.contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        """Turn what the system refuses into NotCommittedError."""
        try:
            yield
        except NotCommittedError:
            raise
        except OSError as error:
            raise NotCommittedError(
                error.errno,
                f"{self.path} was not written: {error.strerror}; "
                "what was there before is untouched",
                self.path,
            ) from error

    def _in_place(self, error: OSError) -> DurabilityError:
        return DurabilityError(
            f"{self.path} is in place, but the system reported {error.strerror} after that; "
            "the file may be lost if the power is cut now"
        )
