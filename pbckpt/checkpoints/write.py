"""Write: tensors become the committed files of a checkpoint.

Joins the bundle's streams, the pipeline that drives them and the commit. Every
application that makes a checkpoint goes through here.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pbckpt.bundle.writer import ShardStream, index_entries, write_index
from pbckpt.engine.pipeline import Pump
from pbckpt.storage.commit import UNUSED_SHARD, Commit, OnExisting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pbckpt.bundle.payload import Tensor
    from pbckpt.names import BundleKey, Prefix
    from pbckpt.storage.directory import Durability, TemporaryFile

    Chunks = Callable[[memoryview], Iterator[memoryview]]

_INDEX_WRITE_BYTES = 1 << 20


class Progress(Protocol):
    """Told how far a long job is, by one thread at a time, but not always the same."""

    def __call__(self, done: int, total: int, /) -> None:
        """``done`` of about ``total`` bytes are written."""


def no_progress(done: int, total: int) -> None:
    """Ignore how far the job is."""


class OldMeta(Enum):
    """What becomes of the .meta of a checkpoint that is replaced, where none is written.

    KEPT where it may fit the new one: a checkpoint that was edited has the graph that it
    had. REMOVED where it does not.
    """

    KEPT = "kept"
    REMOVED = "removed"


class WrittenBundle(NamedTuple):
    """The paths of a checkpoint's files, its data's size, and what the user should know."""

    files: tuple[str, ...]
    nbytes: int
    warnings: tuple[str, ...]


def write_bundle(  # noqa: PLR0913 - one call of every application
    shards: Iterable[Iterable[Tensor]],
    nbytes: int,
    prefix: Prefix,
    *,
    on_existing: OnExisting,
    durability: Durability,
    aliases: Mapping[BundleKey, BundleKey] | None = None,
    meta: Chunks | None = None,
    old_meta: OldMeta = OldMeta.KEPT,
    has_state: bool = True,
    progress: Progress = no_progress,
    before_commit: Callable[[], None] | None = None,
) -> WrittenBundle:
    """Write the tensors of each shard, in the order of its data, as the checkpoint ``prefix``.

    ``nbytes`` is about how long they are together, for ``progress`` alone.
    ``aliases`` are further keys for some of them. ``meta`` yields the bytes of the
    .meta file beside it, where there is to be one, each chunk until the next; where there
    is not, ``old_meta`` says what becomes of one that is there.
    ``has_state`` tells whether the ``checkpoint`` file names it.
    ``before_commit`` may raise to keep everything as it was. Raises SelectionError for
    a key that is given twice, and WriteError.
    """
    done = 0

    def advanced(count: int) -> None:
        nonlocal done
        done += count
        progress(done, nbytes)

    with Commit(prefix, on_existing, durability, has_state=has_state) as commit:
        if meta is not None:
            _write_meta(meta, commit)
        elif old_meta is OldMeta.REMOVED:
            commit.drop_meta()
        files: list[TemporaryFile] = []
        streams: list[ShardStream] = []
        for shard_id, tensors in enumerate(shards):
            files.append(commit.new_shard())
            streams.append(ShardStream(tensors, shard_id))
            with commit.reporting_errors():
                Pump(streams[-1], files[-1], advanced).run()
                if shard_id and not streams[-1]:
                    files[-1].append(UNUSED_SHARD)
        entries = index_entries(streams, aliases or {})
        if before_commit is not None:
            before_commit()
        committed = commit.commit(files, _IndexOf(entries).write)
    total = sum(stream.nbytes for stream in streams)
    warnings = _stale_meta(prefix, committed.removed_meta) if meta is None else ()
    return WrittenBundle(committed.files, total, warnings)


def _write_meta(meta: Chunks, commit: Commit) -> None:
    file = commit.new_meta()
    with commit.reporting_errors():
        gathered = _Gathered(file.append)
        buffer = memoryview(bytearray(_INDEX_WRITE_BYTES))
        for chunk in meta(buffer):
            gathered.add(chunk)
        gathered.flush()


class _IndexOf(NamedTuple):
    """The index file of some entries."""

    entries: Iterable[tuple[bytes, bytes]]

    def write(self, num_shards: int, write: Callable[[bytes], None]) -> None:
        """Write it, gathered into large pieces."""
        gathered = _Gathered(write)
        write_index(self.entries, num_shards, gathered.add)
        gathered.flush()


def _stale_meta(prefix: Prefix, removed: str) -> tuple[str, ...]:
    meta = prefix.meta_path()
    if removed:
        return (f"{removed} described the checkpoint that was replaced, and was removed with it",)
    if os.path.exists(meta):
        return (f"{meta} was there before and describes another checkpoint's graph",)
    return ()


class _Gathered:
    """Gathers small writes into large ones."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._parts = bytearray()

    def add(self, data: bytes | memoryview) -> None:
        self._parts += data
        if len(self._parts) >= _INDEX_WRITE_BYTES:
            self.flush()

    def flush(self) -> None:
        self._write(bytes(self._parts))
        self._parts.clear()
