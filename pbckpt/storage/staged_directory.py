"""A directory that is there whole or not at all, such as a SavedModel.

    1  make a directory beside it, under a temporary name, and fill it
    2  give what has its name already another one, if that may be replaced
    3  rename the new directory       <- the commit point
    4  remove the old one

A server that watches for models sees a complete one or none. What is replaced must be
made of the parts that such a directory has and nothing else: whatever somebody else put
there is not removed with it. Between steps 2 and 3, where a process could be killed, the
old directory is beside its place, as ``NAME.replaced-…``: no system call that all
platforms have swaps two directories. Whatever else goes wrong there puts it back.
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
    import re
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
        parts: re.Pattern[str],
        signs: frozenset[str],
        on_existing: OnExisting,
        durability: Durability,
    ) -> None:
        """``parts`` matches the paths, with slashes, that such a directory can have in it.

        It has one of the names ``signs``, unless it is empty: another that is like one is
        somebody's own.

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
        self._signs = signs
        self._on_existing = on_existing
        self.durability = durability
        self._made: list[str] = []
        self._temporary: TemporaryDirectory | None = None
        self._old = ""
        self._committed = False

    @property
    def staged(self) -> str:
        """The path at which the directory is filled."""
        return self._place(self._filled.name)

    @property
    def _filled(self) -> TemporaryDirectory:
        if self._temporary is None:
            msg = f"{self.path} is not open for writing"
            raise ValueError(msg)
        return self._temporary

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
                with self._directory.locked():
                    self._refuse_existing()
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
        with contextlib.suppress(OSError):
            # After an interrupt the old one may be there still.
            if not self._committed:
                self._put_back()
            elif self._old:
                self._remove_old()
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
            ours = isinstance(error, NotCommittedError) and error.filename == self.path
            if ours or self._committed:
                raise
            raise self._not_committed(error) from error

    def _not_committed(self, error: OSError | DurabilityError) -> NotCommittedError:
        # Of an error that told of the temporary name the user knows nothing.
        told = error.__cause__ if isinstance(error, DurabilityError) else error
        number = told.errno if isinstance(told, OSError) else None
        return NotCommittedError(
            number,
            f"{self.path} was not written: {os.strerror(number) if number else error}; "
            "what was there before is untouched",
            self.path,
        )

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
            with Directory(self.staged) as staged:
                if self.durability is not Durability.NONE:
                    staged.sync()
            with self._directory.locked():
                self._refuse_existing()
                self._rename()
        try:
            self._remove_old()
        except OSError as error:
            raise self._in_place(error) from error
        return self.path

    def _rename(self) -> None:
        """Put the new directory in place, and give the old one another name."""
        try:
            if os.path.lexists(self._place(self._name)):
                # Noted first: an interrupt can come when it is renamed.
                self._old = f"{self._name}.replaced-{os.urandom(_NAME_BYTES).hex()}"
                self._directory.rename(self._name, self._old)
                self._refuse_others(self._old)
            # Said before it is so: an interrupt right after the rename must not have the
            # clean-up look for a directory that is gone, or remove its parents.
            self._committed = True
            self._directory.rename(self._filled.name, self._name)
        except BaseException as error:
            self._committed = not self._may_have(self._filled.name)
            if not self._committed:
                self._put_back()
            elif isinstance(error, OSError):
                raise self._in_place(error) from error
            raise

    def _put_back(self) -> None:
        """Give the old directory its name again, if it has another."""
        if self._old and self._may_have(self._old):
            try:
                self._directory.rename(self._old, self._name)
            except OSError as error:
                raise NotCommittedError(
                    error.errno,
                    f"{self.path} was not written: {error.strerror}; what was there before may be "
                    f"beside it as {self._old}, to be renamed",
                    self.path,
                ) from error
        self._old = ""

    def _remove_old(self) -> None:
        """Remove the old directory, when the disk knows the new one."""
        if self.durability is not Durability.NONE:
            self._directory.sync()
            sync_parents(self._made)
        if self._old:
            shutil.rmtree(self._place(self._old))
            self._old = ""

    def _in_place(self, error: OSError) -> DurabilityError:
        old, self._old = self._old, ""
        return DurabilityError(
            f"{self.path} is in place, but the system reported {error.strerror} after that; "
            "it may be lost if the power is cut now"
            + (f", and what it replaced may be left as {old}" if old else "")
        )

    def _may_have(self, name: str) -> bool:
        """Tell whether something has a name, or nobody can tell."""
        try:
            return name in self._directory.names()
        except OSError:
            return True

    def _place(self, name: str) -> str:
        return os.path.join(self._directory.path, name)

    def _refuse_existing(self) -> None:
        place = self._place(self._name)
        if not os.path.lexists(place):
            return
        if not os.path.isdir(place):
            raise PathError(f"{self.path} is there and is no directory; choose another name")
        self._refuse_others(self._name)
        if os.listdir(place) and self._on_existing is not OnExisting.REPLACE:
            raise PathError(
                f"{self.path} exists already; choose another name, or allow it with "
                "--on-existing replace (on_existing=OnExisting.REPLACE)"
            )

    def _refuse_others(self, name: str) -> None:
        """Raise PathError for something in a directory that is none of its parts."""
        place = self._place(name)
        names = os.listdir(place)
        if names and self._signs.isdisjoint(names):
            raise PathError(
                f"{self.path} is there and has no {min(self._signs)} in it: what it has would be "
                "lost if the directory was replaced; choose another name"
            )
        for folder, folders, files in os.walk(place, onerror=_raise):
            for one in sorted((*folders, *files)):
                found = os.path.relpath(os.path.join(folder, one), place).replace(os.sep, "/")
                if not self._parts.fullmatch(found):
                    raise PathError(
                        f"{self.path} has {found!r} in it, which would be lost if the directory "
                        "was replaced; choose another name"
                    )


def _raise(error: OSError) -> None:
    """Have a directory that cannot be read be an error, not an empty one."""
    raise error
