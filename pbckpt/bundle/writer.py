"""The bundle writer: tensors in key order become a shard's bytes and index entries.

A shard is a stream: `ShardStream.next_block` packs the bytes of as many tensors
as fit into the caller's buffer, computes their CRCs as it goes, and remembers
one entry per tensor. Whoever drives it decides where the bytes go, and may
write one block while asking for the next. The index is a stream too, made
from the entries when the shards are done.

Reference: tensorflow/core/util/tensor_bundle/tensor_bundle.cc (BundleWriter).
Pure: no file is touched here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.entry import (
    HEADER_KEY,
    BundleEntry,
    BundleHeader,
    encode_entry,
    encode_header,
)
from pbckpt.table.builder import write_table
from pbckpt.wire.checksum import crc32c
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pbckpt.bundle.payload import Tensor


class Block(NamedTuple):
    """Bytes of a shard and where in it they belong."""

    offset: int
    data: memoryview


class ShardStream:
    """One shard in the making. Not thread-safe: one caller at a time."""

    def __init__(self, tensors: Iterable[Tensor], shard_id: int = 0) -> None:
        """Take tensors in strictly ascending key order; ValueError where they are not."""
        self.shard_id = shard_id
        self.nbytes = 0
        """How many bytes were handed out so far."""
        self.entries: list[tuple[bytes, BundleEntry]] = []
        """Every tensor whose last byte was handed out, with its CRC."""
        self._crc = 0
        self._span = Span.of(b"")
        self._position = 0
        self._spans = self._walk(tensors)

    def next_block(self, buffer: memoryview) -> Block | None:
        """Return the next bytes of the shard, or None when all were handed out.

        They lie in ``buffer``, and are valid until it is used again.
        """
        start = self.nbytes
        filled = 0
        while filled < len(buffer) and self._advance():
            filled += self._take(buffer[filled:])
        return Block(start, buffer[:filled]) if filled else None

    def _advance(self) -> bool:
        """Make sure that the current span has bytes left; False at the end of the shard."""
        while self._position == self._span.nbytes:
            following = next(self._spans, None)
            if following is None:
                return False
            self._span = following
            self._position = 0
        return True

    def _take(self, buffer: memoryview) -> int:
        """Fill the buffer from the current span; return how many bytes came.

        Bytes in memory are copied too, and the CRC is over the copy, which is
        what is written: the array they are from may change meanwhile.
        """
        taken = min(len(buffer), self._span.nbytes - self._position)
        chunk = self._span.chunk(self._position, taken, buffer)
        if chunk.obj is not buffer.obj:
            buffer[:taken] = chunk
        self._crc = crc32c(buffer[:taken], self._crc)
        self._position += taken
        self.nbytes += taken
        return taken

    def _walk(self, tensors: Iterable[Tensor]) -> Iterator[Span]:
        """Yield each span, and note an entry after each tensor.

        The consumer asks for the next span only when it has taken all of this
        one, so that position and CRC stand at the tensor's end by then. A
        head's own CRC is replaced by the one that its format asks for.
        """
        last_key = HEADER_KEY
        for key, dtype, shape, payload in tensors:
            if key <= last_key:
                msg = f"bundle keys must ascend: {key!r} after {last_key!r}"
                raise ValueError(msg)
            last_key = key
            begin = self.nbytes
            if payload.head:
                yield Span.of(payload.head)
            self._crc = payload.head_crc32c
            yield from payload.spans
            entry = BundleEntry(dtype, shape, self.shard_id, begin, self.nbytes - begin, self._crc)
            self.entries.append((key, entry))


def write_index(
    entries: Iterable[tuple[bytes, BundleEntry]],
    num_shards: int,
    write: Callable[[bytes], object],
) -> None:
    """Write the index file of ``entries``, which must ascend strictly by key."""

    def values() -> Iterator[tuple[bytes, bytes]]:
        yield HEADER_KEY, encode_header(BundleHeader(num_shards))
        for key, entry in entries:
            yield key, encode_entry(entry)

    write_table(values(), write)
