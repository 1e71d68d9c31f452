"""Write: tensors become the committed files of a checkpoint.

Joins the bundle's streams, the pipeline that drives them and the commit. Every
application that makes a checkpoint goes through here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pbckpt.bundle.writer import ShardStream, write_index
from pbckpt.engine.pipeline import Pump
from pbckpt.storage.commit import Commit, OnExisting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pbckpt.bundle.payload import Tensor
    from pbckpt.names import Prefix
    from pbckpt.storage.directory import Durability

_INDEX_WRITE_BYTES = 1 << 20


class Progress(Protocol):
    """Told how far a long job is, by one thread at a time, but not always the same."""

    def __call__(self, done: int, total: int, /) -> None:
        """``done`` of about ``total`` bytes are written."""


def no_progress(done: int, total: int) -> None:
    """Ignore how far the job is."""


class WrittenBundle(NamedTuple):
    """The paths of a checkpoint's files, its data's size, and what the user should know."""

    files: tuple[str, ...]
    nbytes: int
    warnings: tuple[str, ...]


def write_bundle(  # noqa: PLR0913 - one call of two applications
    tensors: Iterable[Tensor],
    nbytes: int,
    prefix: Prefix,
    *,
    on_existing: OnExisting,
    durability: Durability,
    progress: Progress = no_progress,
    before_commit: Callable[[], None] | None = None,
) -> WrittenBundle:
    """Write tensors, in ascending key order, as the checkpoint ``prefix`` with one shard.

    ``nbytes`` is about how long they are together, for ``progress`` alone.
    ``before_commit`` may raise to keep everything as it was.
    """
    stream = ShardStream(tensors)
    done = 0

    def advanced(count: int) -> None:
        nonlocal done
        done += count
        progress(done, nbytes)

    def index(num_shards: int, write: Callable[[bytes], None]) -> None:
        gathered = _Gathered(write)
        write_index(stream.entries, num_shards, gathered.add)
        gathered.flush()

    with Commit(prefix, on_existing, durability) as commit:
        shard = commit.new_shard()
        with commit.reporting_errors():
            Pump(stream, shard, advanced).run()
        if before_commit is not None:
            before_commit()
        committed = commit.commit([shard], index)
    return WrittenBundle(committed.files, stream.nbytes, _stale_meta(prefix))


def _stale_meta(prefix: Prefix) -> tuple[str, ...]:
    meta = prefix.path + ".meta"
    if os.path.exists(meta):
        return (f"{meta} was there before and describes another checkpoint's graph",)
    return ()


class _Gathered:
    """Gathers small writes into large ones."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._parts = bytearray()

    def add(self, data: bytes) -> None:
        self._parts += data
        if len(self._parts) >= _INDEX_WRITE_BYTES:
            self.flush()

    def flush(self) -> None:
        self._write(bytes(self._parts))
        self._parts.clear()
