"""A directory that is there whole or not at all, such as a SavedModel.

    1  make a directory beside it, under a temporary name, and fill it
    2  give what has its name already another one, if that may be replaced
    3  rename the new directory       <- the commit point
    4  remove the old one

A server that watches for models sees a complete one or none. What is replaced must be
made of the parts that such a directory has and nothing else: whatever somebody else put
there is not removed with it. Between steps 2 and 3, where a process could be killed, the
old directory is beside its place, as ``NAME.replaced-…``: no system call that all
platforms have swaps two directories.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from pbckpt.errors import DurabilityError, NotCommittedError, PathError
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import (
    Directory,
    Durability,
    make_directories,
    remove_directories,
    sync_parents,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from pbckpt.storage.directory import TemporaryDirectory

_NAME_BYTES = 8
_WRITE_BYTES = 1 << 20


class StagedDirectory:
    """Makes one directory; a context manager that removes what it did not commit.

    ``staged`` is the path to fill it at, ``path`` where it will be.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        parts: frozenset[str],
        on_existing: OnExisting,
        durability: Durability,
    ) -> None:
        """``parts`` are the names that such a directory can have in it.

        Nothing is touched before the context is entered. Raises PathError for a path
        that names no directory.
        """
        self.path = os.fsdecode(path)
        place = self.path.rstrip(os.sep + (os.altsep or ""))
        # What a link leads to is replaced, not the link.
        place = os.path.realpath(place) if os.path.islink(place) else place
        self._home, self._name = os.path.split(place)
        if "\0" in self.path or self._name in ("", os.curdir, os.pardir):
            raise PathError(f"{self.path!r} does not name a directory to make; give its name")
        self._parts = parts
        self._on_existing = on_existing
        self.durability = durability
        self._made: list[str] = []
        self._temporary: TemporaryDirectory | None = None
        self._committed = False

    @property
    def staged(self) -> str:
        """The path at which the directory is filled."""
        if self._temporary is None:
            msg = f"{self.path} is not open for writing"
            raise ValueError(msg)
        return os.path.join(self._directory.path, self._temporary.name)

    def __enter__(self) -> Self:
        """Make an empty directory under a temporary name, and parents that are missing.

        Raises PathError for an existing one that must not be replaced, and
        NotCommittedError where the system refuses.
        """
        with self.reporting_errors():
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
                    self._temporary = self._directory.create_temporary_directory()
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
        """Remove the directory with all that is in it, unless it was committed.

        What cannot be removed stays: the error that led here says more.
        """
        if self._temporary is not None:
            if not self._committed:
                shutil.rmtree(self.staged, ignore_errors=True)
            with contextlib.suppress(OSError):
                self._temporary.close()
        with contextlib.suppress(OSError):
            self._directory.__exit__(None, None, None)
        if not self._committed:
            remove_directories(self._made)

    @contextlib.contextmanager
    def reporting_errors(self) -> Iterator[None]:
        """Turn what the system refuses while it is filled into NotCommittedError."""
        try:
            yield
        except (OSError, DurabilityError) as error:
            if isinstance(error, NotCommittedError) and error.filename == self.path:
                raise
            # Of an error that told of the temporary name the user knows nothing.
            number = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(number) if number else str(error)
            raise NotCommittedError(
                number,
                f"{self.path} was not written: {reason}; what was there before is untouched",
                self.path,
            ) from error

    def write(self, name: str, chunks: Iterable[bytes | memoryview]) -> str:
        """Write a file into the directory, and return its path there."""
        with Directory(self.staged) as directory:
            file = directory.create_temporary(self.durability)
            try:
                gathered = bytearray()
                for chunk in chunks:
                    gathered += chunk
                    if len(gathered) >= _WRITE_BYTES:
                        file.append(bytes(gathered))
                        gathered.clear()
                file.append(bytes(gathered))
                file.seal()
            finally:
                file.close()
            directory.rename(file.name, name)
        return os.path.join(self.staged, name)

    def commit(self) -> str:
        """Put the directory in place and return its path.

        Raises PathError or NotCommittedError with everything as it was, or DurabilityError
        with the new directory in place.
        """
        with self.reporting_errors():
            if self.durability is not Durability.NONE:
                with Directory(self.staged) as staged:
                    staged.sync()
            with self._directory.locked():
                self._refuse_existing()
                old = self._rename()
        try:
            if self.durability is not Durability.NONE:
                self._directory.sync()
                sync_parents(self._made)
            if old:
                shutil.rmtree(os.path.join(self._directory.path, old))
        except OSError as error:
            raise DurabilityError(
                f"{self.path} is in place, but the system reported {error.strerror} after that; "
                f"it may be lost if the power is cut now, and what it replaced may be left as {old}"
            ) from error
        return self.path

    def _rename(self) -> str:
        """Put the new directory in place; return the name that the old one has now, if any."""
        staged = os.path.basename(self.staged)
        old = ""
        if os.path.lexists(os.path.join(self._directory.path, self._name)):
            old = f"{self._name}.replaced-{os.urandom(_NAME_BYTES).hex()}"
            self._directory.rename(self._name, old)
        try:
            # Said before it is so: an interrupt right after the rename must not have the
            # clean-up look for a directory that is gone, or remove its parents.
            self._committed = True
            self._directory.rename(staged, self._name)
        except BaseException:
            self._committed = staged not in self._directory.names()
            if old and not self._committed:
                self._directory.rename(old, self._name)
            raise
        return old

    def _refuse_existing(self) -> None:
        place = os.path.join(self._directory.path, self._name)
        if not os.path.lexists(place):
            return
        if not os.path.isdir(place):
            raise PathError(f"{self.path} is there and is no directory; choose another name")
        found = set(os.listdir(place))
        others = sorted(found - self._parts)
        if others:
            raise PathError(
                f"{self.path} has {others[0]!r} in it, which would be lost if the directory was "
                "replaced; choose another name"
            )
        if found and self._on_existing is not OnExisting.REPLACE:
            raise PathError(
                f"{self.path} exists already; choose another name, or allow it with "
                "--on-existing replace (on_existing=OnExisting.REPLACE)"
            )
