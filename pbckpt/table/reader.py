"""The table reader: every entry of a table file, or an error.

Each data block is checked against its CRC, its own restarts, and the key
that the index block gives it. The trap is a damaged block that ends a scan
early: here a block is consumed to its last byte or the scan raises. And keys
are stored without the beginning that they share with the one before, so a small
file can hold long keys without end: together they must be in proportion to it.

Reference: tensorflow/core/lib/io/table.cc and format.cc.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from typing import TYPE_CHECKING

from pbckpt.errors import CorruptFileError, LimitError
from pbckpt.table.block import (
    TRAILER_BYTES,
    decode_stored_block,
    edge_keys,
    entry_batches,
    find_in_block,
)
from pbckpt.table.footer import (
    FOOTER_BYTES,
    BlockHandle,
    Footer,
    decode_footer,
    decode_handle,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.table.block import Entry
    from pbckpt.wire.span import ByteSource


SPARE_KEY_BYTES = 32 << 20
MAX_KEY_RATIO = 16


class TableReader:
    """Reads the table that a whole file is, a block at a time."""

    def __init__(self, source: ByteSource) -> None:
        """Decode the footer and the index block; raises CorruptFileError and LimitError."""
        self._source = source
        self.position = 0
        """Where the block of the entry that was yielded last begins."""
        self._size = len(source.view)
        self._body = max(0, self._size - FOOTER_BYTES)
        self._footer = self._read_footer()
        self._blocks = [
            self._data_block(*entry)
            for batch in self._in_proportion(self._batches_at(self._footer.index_block))
            for entry in batch
        ]
        self._bounds = [bound for bound, _ in self._blocks]
        self._looked_at: tuple[BlockHandle, bytes] | None = None

    def _read_footer(self) -> Footer:
        try:
            return decode_footer(self._read(self._body, self._size))
        except CorruptFileError as error:
            error.offset += self._body
            raise

    def _data_block(self, bound: bytes, value: bytes) -> tuple[bytes, BlockHandle]:
        try:
            handle, end = decode_handle(value, 0)
        except CorruptFileError as error:
            raise type(error)(error.fact, offset=self._footer.index_block.offset) from None
        if end != len(value):
            raise CorruptFileError(
                "an index entry with bytes after its handle", offset=self._footer.index_block.offset
            )
        return bound, handle

    def __iter__(self) -> Iterator[Entry]:
        """Yield every entry in key order, as `batches` finds them."""
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[list[Entry]]:
        """Yield every entry in key order, some at a time; checks all that the index block says.

        Raises LimitError for keys that are out of proportion to the file.
        """
        return self._in_proportion(self._checked_batches())

    def _in_proportion(self, batches: Iterator[list[Entry]]) -> Iterator[list[Entry]]:
        budget = maximum = SPARE_KEY_BYTES + MAX_KEY_RATIO * self._size
        for batch in batches:
            budget -= sum(len(key) for key, _ in batch)
            if budget < 0:
                what, value = f"{self._source.name}: the size of all keys", maximum - budget
                raise LimitError(what, limit="key bytes", value=value, maximum=maximum)
            yield batch

    def _checked_batches(self) -> Iterator[list[Entry]]:
        previous: bytes | None = None
        for bound, handle in self._blocks:
            self.position = handle.offset
            last: bytes | None = None
            for batch in self._batches_at(handle):
                # Within the block keys ascend.
                if previous is not None and batch[0][0] <= previous:
                    raise CorruptFileError("keys that do not ascend", offset=handle.offset)
                previous = last = batch[-1][0]
                yield batch
            if last is None:
                raise CorruptFileError("a data block without entries", offset=handle.offset)
            if last > bound:
                raise CorruptFileError(
                    "a block with keys beyond its index key", offset=handle.offset
                )
            previous = bound

    def find(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None, from the one block that can hold it.

        The block's CRC is checked and it is kept for the next look-up; other
        blocks are not touched.
        """
        place = bisect_left(self._bounds, key)
        if place == len(self._blocks):
            return None
        handle = self._blocks[place][1]
        self.position = handle.offset
        looked_at = self._looked_at
        if looked_at is None or looked_at[0] != handle:
            looked_at = self._looked_at = (handle, self._bounded_block(place))
        try:
            return find_in_block(looked_at[1], key)
        except CorruptFileError as error:
            error.offset += handle.offset
            raise

    def _read(self, start: int, end: int) -> bytes:
        """Read bytes, not look at them: a file that became shorter is an error then."""
        buffer = memoryview(bytearray(end - start))
        return bytes(self._source.chunk(start, end - start, buffer))

    def _bounded_block(self, place: int) -> bytes:
        """Return a data block whose keys are those that the index block gives it.

        One in another's place would answer that it has no such key.
        """
        bound, handle = self._blocks[place]
        block = self._block_at(handle)
        try:
            first, last_restart = edge_keys(block)
        except CorruptFileError as error:
            error.offset += handle.offset
            raise
        if last_restart > bound or (place and first <= self._bounds[place - 1]):
            raise CorruptFileError("a block with keys beyond its index key", offset=handle.offset)
        return block

    def check_layout(self) -> None:
        """Check what reading does not need: the metaindex block, and that blocks leave no gap.

        Raises CorruptFileError or ChecksumError.
        """
        for _ in self._batches_at(self._footer.metaindex_block):
            raise CorruptFileError(
                "a metaindex block with entries", offset=self._footer.metaindex_block.offset
            )
        position = 0
        handles = [handle for _, handle in self._blocks]
        for handle in [*handles, self._footer.metaindex_block, self._footer.index_block]:
            if handle.offset != position:
                raise CorruptFileError("bytes that belong to no block", offset=position)
            position += handle.size + TRAILER_BYTES
        if position != self._body:
            raise CorruptFileError("bytes that belong to no block", offset=position)
        self._check_canonical_footer()

    def _check_canonical_footer(self) -> None:
        stored = self._read(self._body, self._size)
        if stored != self._footer.encode():
            raise CorruptFileError(
                "a footer whose padding or numbers are damaged", offset=self._body
            )

    def _batches_at(self, handle: BlockHandle) -> Iterator[list[Entry]]:
        block = self._block_at(handle)
        try:
            yield from entry_batches(block)
        except CorruptFileError as error:
            error.offset += handle.offset
            raise

    def _block_at(self, handle: BlockHandle) -> bytes:
        end = handle.offset + handle.size + TRAILER_BYTES
        if end > self._body:
            raise CorruptFileError(
                "a block that runs past the end of the file",
                offset=handle.offset,
                expected=f"at most {self._body} bytes",
                actual=str(end),
            )
        stored = self._read(handle.offset, end)
        try:
            return decode_stored_block(stored)
        except CorruptFileError as error:
            error.offset += handle.offset
            raise
