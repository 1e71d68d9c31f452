"""The table builder: sorted entries in, the bytes of a table file out.

A data block is cut when it reaches 256 KiB, and before an entry of twice that
size or more, so that readers find large values alone in their blocks. The
index block names each data block by a key that is at least its last key and
less than the next block's first, as short as can be.

Reference: tensorflow/core/lib/io/table_builder.cc and table_options.h. Pure:
bytes go to the callable that the caller gives.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pbckpt.table.block import TRAILER_BYTES, BlockBuilder, encode_trailer
from pbckpt.table.footer import BlockHandle, Footer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BLOCK_BYTES = 262144
LARGE_ENTRY_BYTES = 2 * BLOCK_BYTES
_BYTE_MAX = 0xFF


def write_table(entries: Iterable[tuple[bytes, bytes]], write: Callable[[bytes], object]) -> None:
    """Write the table of ``entries``, which must ascend strictly by key."""
    builder = TableBuilder(write)
    builder.extend(entries)
    builder.finish()


class TableBuilder:
    """Builds a table from a stream of entries; holds one block at a time."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        """Send the table's bytes to ``write``, in order."""
        self._write = write
        self._offset = 0
        self._block = BlockBuilder()
        self._index = BlockBuilder(restart_interval=1)
        # A block's index key depends on the first key after it, so the handle
        # of the last block written waits until that key is known.
        self._pending: tuple[bytes, BlockHandle] | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Append an entry; see `extend`."""
        self.extend([(key, value)])

    def extend(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Append entries. Raises ValueError unless each key is above all before it."""
        coming = iter(entries)
        following = next(coming, None)
        while following is not None:
            self._name_pending_block(following[0])
            run = chain((following,), coming)
            following = self._block.fill(run, BLOCK_BYTES, LARGE_ENTRY_BYTES)
            if following is not None or self._block.size >= BLOCK_BYTES:
                self._cut_block()
            following = following or next(coming, None)

    def _name_pending_block(self, following: bytes) -> None:
        """Give the last block written its key, now that the first key after it is known."""
        if self._pending is None:
            return
        last_key, handle = self._pending
        if following <= last_key:
            msg = f"table keys must ascend: {following!r} after {last_key!r}"
            raise ValueError(msg)
        self._index.add(shortest_separator(last_key, following), handle.encode())
        self._pending = None

    def finish(self) -> None:
        """Write what is left, the two root blocks and the footer."""
        self._cut_block()
        metaindex = self._write_block(BlockBuilder().finish())
        if self._pending is not None:
            last_key, handle = self._pending
            self._index.add(short_successor(last_key), handle.encode())
        index = self._write_block(self._index.finish())
        self._write(Footer(metaindex, index).encode())

    def _cut_block(self) -> None:
        if self._block:
            handle = self._write_block(self._block.finish())
            self._pending = (self._block.last_key, handle)
            self._block = BlockBuilder()

    def _write_block(self, block: bytes) -> BlockHandle:
        handle = BlockHandle(self._offset, len(block))
        self._write(block + encode_trailer(block))
        self._offset += len(block) + TRAILER_BYTES
        return handle


def shortest_separator(last: bytes, following: bytes) -> bytes:
    """Return a short key that is >= ``last`` and < ``following``.

    Where the first differing byte leaves no room between the two, ``last``
    itself is the answer, even if a longer search would find a shorter key:
    TensorFlow does not search either.
    """
    for position, (a, b) in enumerate(zip(last, following, strict=False)):
        if a != b:
            if a < _BYTE_MAX and a + 1 < b:
                return last[:position] + bytes((a + 1,))
            return last
    return last


def short_successor(last: bytes) -> bytes:
    """Return a short key that is >= ``last``: its first byte below ff, plus one."""
    for position, byte in enumerate(last):
        if byte != _BYTE_MAX:
            return last[:position] + bytes((byte + 1,))
    return last
