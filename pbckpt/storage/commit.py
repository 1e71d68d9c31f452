"""The commit: how the files of a checkpoint appear all at once or not at all.

    1  write each shard, the index and the state under temporary names, sync them
    2  rename the shards to names that no other checkpoint uses, then the .meta
    3  rename the index                         <- the commit point
    4  remove a .meta that goes with the old one, rename the ``checkpoint`` state file
    5  remove the shards of the checkpoint that was replaced

Until step 3 readers see what was there before, from it on the new checkpoint.
A replaced checkpoint stays whole for as long as its index is there, because
the number of shards is part of a shard's name: the new shard is called
``-of-00002`` where the old one was ``-of-00001``. TensorFlow reads a bundle
whose index says two shards and uses one. Other readers open every shard that
the index counts, and map it, so the second is there, and not empty.

A .meta has one name only. That of a replaced checkpoint is linked under a temporary
name until step 3, and comes back where that fails. One that is to go, since no new one
takes its place, goes after step 3: until then it may still be needed.

Everything that can run out of space happens before step 2. The directory is
locked from step 2 on, so that two writers of one prefix follow each other.
"""

from __future__ import annotations

import contextlib
import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import DurabilityError, NotCommittedError, PathError
from pbckpt.names import META_SUFFIX, STATE_FILE, index_name, is_shard_of, meta_name, shard_name
from pbckpt.storage.directory import (
    Directory,
    Durability,
    TemporaryFile,
    make_directories,
    remove_directories,
    sync_parents,
)
from pbckpt.storage.state import updated_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from pbckpt.names import Prefix

UNUSED_SHARD = b"\0"
"""What a shard without tensors holds: an empty file cannot be mapped."""


class OnExisting(Enum):
    """What to do where the prefix has a checkpoint already."""

    REFUSE = "refuse"
    REPLACE = "replace"


class Committed(NamedTuple):
    """The files of a checkpoint in place, by path; and a .meta that is gone, if one is."""

    files: tuple[str, ...]
    removed_meta: str = ""


class Commit:
    """Writes one checkpoint; a context manager that cleans up what it did not commit."""

    def __init__(
        self,
        prefix: Prefix,
        on_existing: OnExisting,
        durability: Durability,
        *,
        has_state: bool = True,
    ) -> None:
        """Without ``has_state`` no ``checkpoint`` file tells of it, as in a SavedModel.

        Nothing is touched before the context is entered.
        """
        self._prefix = prefix
        self._on_existing = on_existing
        self._durability = durability
        self._has_state = has_state
        self._made: list[str] = []
        self._temporaries: list[TemporaryFile] = []
        self._renamed: list[str] = []
        self._meta: TemporaryFile | None = None
        self._old_meta = ""
        self._drops_meta = False
        self._committed = False

    def __enter__(self) -> Self:
        """Open the directory, making it where it is missing.

        Raises PathError for an existing prefix that must not be replaced, and
        NotCommittedError where the system refuses.
        """
        with self.reporting_errors():
            self._made = make_directories(self._prefix.directory)
            try:
                self._directory = Directory(self._prefix.directory)
            except BaseException:
                remove_directories(self._made)
                raise
            try:
                self._refuse_existing()
                if self._has_state:
                    # Found out now, not after all data is written.
                    updated_state(self._directory.path, self._prefix.basename)
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
        """Remove temporary files, and all that was renamed, unless it was committed.

        What cannot be removed stays: the error that led here says more.
        """
        for temporary in self._temporaries:
            with contextlib.suppress(OSError):
                temporary.close()
        self._settle_old_meta()
        leftovers = [file.name for file in self._temporaries if not file.is_renamed]
        for name in leftovers if self._committed else [*leftovers, *self._renamed]:
            with contextlib.suppress(OSError):
                self._directory.remove(name)
        with contextlib.suppress(OSError):
            self._directory.__exit__(None, None, None)
        if not self._committed:
            remove_directories(self._made)

    def new_shard(self) -> TemporaryFile:
        """Return an empty file for the next shard's bytes."""
        with self.reporting_errors(), self._directory.locked():
            self._directory.remove_stale_temporaries()
            return self._new_temporary()

    def new_meta(self) -> TemporaryFile:
        """Return an empty file for the bytes of the .meta.

        Raises PathError for an existing one that must not be replaced.
        """
        self._refuse_existing_meta()
        self._meta = self.new_shard()
        return self._meta

    def drop_meta(self) -> None:
        """Have the .meta of a checkpoint that is replaced go with it.

        One that lies beside no checkpoint stays, as nobody knows whose it is; so does one
        that several prefixes share.
        """
        self._drops_meta = True

    @contextlib.contextmanager
    def reporting_errors(self) -> Iterator[None]:
        """Turn what the system refuses while shards are written into NotCommittedError."""
        try:
            yield
        except NotCommittedError:
            raise
        except OSError as error:
            raise self._not_committed(error) from error

    def commit(
        self,
        shards: list[TemporaryFile],
        write_index: Callable[[int, Callable[[bytes], None]], None],
    ) -> Committed:
        """Put the shards and their index in place.

        ``write_index(num_shards, write)`` writes the index file's bytes; the
        number of shards is at least ``len(shards)``. Raises NotCommittedError
        with everything as it was, or DurabilityError with the new checkpoint
        in place.
        """
        with self.reporting_errors():
            for file in (*shards, self._meta):
                if file is not None:
                    file.seal()
            with self._directory.locked():
                old = self._refuse_existing()
                num_shards = self._free_shard_count(len(shards), old)
                dropped = self._dropped_meta(old)
                shards = [*shards, *(self._unused_shard() for _ in range(len(shards), num_shards))]
                index = self._new_temporary()
                write_index(num_shards, index.append)
                index.seal()
                state = self._write_state() if self._has_state else None
                try:
                    self._rename_all(shards, index, num_shards)
                except BaseException:
                    # As long as the lock is held: nobody else then takes it for stale.
                    self._settle_old_meta()
                    raise
                return self._finish(state, old, dropped)

    def _new_temporary(self) -> TemporaryFile:
        temporary = self._directory.create_temporary(self._durability)
        self._temporaries.append(temporary)
        return temporary

    def _unused_shard(self) -> TemporaryFile:
        """Return a shard that only makes up the number."""
        shard = self._new_temporary()
        shard.append(UNUSED_SHARD)
        shard.seal()
        return shard

    def _refuse_existing(self) -> list[str]:
        """Return the shards that the prefix has; PathError where they must stay."""
        basename = self._prefix.basename
        names = self._directory.names()
        old = [name for name in names if is_shard_of(name, basename)]
        has_index = index_name(basename) in names
        if (old or has_index) and self._on_existing is not OnExisting.REPLACE:
            torn = "has data files without an index, as an interrupted save leaves them"
            what = "exists already" if has_index else torn
            msg = (
                f"checkpoint {self._prefix.path} {what}; choose another prefix, "
                "or allow it with --on-existing replace (on_existing=OnExisting.REPLACE)"
            )
            raise PathError(msg)
        return old

    def _refuse_existing_meta(self) -> None:
        name = meta_name(self._prefix.basename)
        if self._on_existing is OnExisting.REPLACE or name not in self._directory.names():
            return
        msg = (
            f"{self._prefix.meta_path()} exists already; choose another prefix, allow it with "
            "--on-existing replace (on_existing=OnExisting.REPLACE), or write none with --no-meta"
        )
        raise PathError(msg)

    def _dropped_meta(self, old: list[str]) -> str:
        """Return the .meta that goes with the checkpoint that is replaced; empty for none."""
        basename = self._prefix.basename
        name = meta_name(basename)
        has_old = bool(old) or index_name(basename) in self._directory.names()
        # Prefixes that end in the place of a shard share a .meta with others.
        is_own = name == basename + META_SUFFIX
        is_dropped = self._drops_meta and self._meta is None and has_old and is_own
        return name if is_dropped and self._directory.has_file(name) else ""

    def _free_shard_count(self, at_least: int, old: list[str]) -> int:
        """Return a number of shards under which no data file of the prefix exists."""
        count = at_least
        while any(name.endswith(f"-of-{count:05d}") for name in old):
            count += 1
        return count

    def _write_state(self) -> TemporaryFile:
        text = updated_state(self._directory.path, self._prefix.basename)
        state = self._new_temporary()
        state.append(text.encode())
        state.seal()
        return state

    def _rename_all(
        self, shards: list[TemporaryFile], index: TemporaryFile, num_shards: int
    ) -> None:
        for shard_id, shard in enumerate(shards):
            final = shard_name(self._prefix.basename, shard_id, num_shards)
            self._renamed.append(final)
            self._rename(shard, final)
        self._rename_meta()
        if self._durability is not Durability.NONE:
            self._directory.sync()
        # Said before it is so: an interrupt right after the rename must not make
        # the clean-up remove shards that the index now names.
        self._committed = True
        try:
            self._rename(index, index_name(self._prefix.basename))
        except BaseException as error:
            self._committed = index.name not in self._directory.names()
            if self._committed and isinstance(error, OSError):
                raise self._in_place(error) from error
            raise
        self._renamed.append(index_name(self._prefix.basename))

    def _rename_meta(self) -> None:
        if self._meta is None:
            return
        self._refuse_existing_meta()
        name = meta_name(self._prefix.basename)
        if name in self._directory.names():
            self._old_meta = self._directory.keep(name)
        else:
            self._renamed.append(name)
        self._rename(self._meta, name)

    def _settle_old_meta(self) -> None:
        """Let go of the .meta that was replaced, or put it back."""
        kept, self._old_meta = self._old_meta, ""
        if not kept:
            return
        with contextlib.suppress(OSError):
            if not self._committed:
                self._directory.rename(kept, meta_name(self._prefix.basename))
            # Two names of one file are not renamed to each other: one is left then.
            self._directory.remove(kept)

    def _rename(self, file: TemporaryFile, name: str) -> None:
        # Windows renames no open file. The lock that closing gives up is not
        # missed: whoever collects temporary files waits for the directory's.
        file.close()
        self._directory.rename(file.name, name)
        file.is_renamed = True

    def _finish(self, state: TemporaryFile | None, old: list[str], dropped: str) -> Committed:
        """Do what follows the commit point; an error here is about the disk only."""
        try:
            if self._durability is not Durability.NONE:
                self._directory.sync()
            # First: who reads the new checkpoint is to find no graph of the old one.
            if dropped:
                self._directory.remove(dropped)
            if state is not None:
                self._rename(state, STATE_FILE)
            for name in old:
                self._directory.remove(name)
            if self._durability is not Durability.NONE:
                self._directory.sync()
                sync_parents(self._made)
        except OSError as error:
            raise self._in_place(error) from error
        meta = [meta_name(self._prefix.basename)] if self._meta is not None else []
        *before, index = self._renamed
        after = [STATE_FILE] if state is not None else []
        names = list(dict.fromkeys((*before, *meta, index, *after)))
        paths = tuple(os.path.join(self._prefix.directory, name) for name in names)
        return Committed(paths, self._prefix.meta_path() if dropped else "")

    def _in_place(self, error: OSError) -> DurabilityError:
        return DurabilityError(
            f"checkpoint {self._prefix.path} is in place, but the system reported "
            f"{error.strerror} after that: the checkpoint file may still name the one before, "
            "and files of that may be left; run pbckpt verify before relying on it"
        )

    def _not_committed(self, error: OSError) -> NotCommittedError:
        return NotCommittedError(
            error.errno,
            f"checkpoint {self._prefix.path} was not written: {error.strerror}; "
            "what was there before is untouched",
            self._prefix.path,
        )
