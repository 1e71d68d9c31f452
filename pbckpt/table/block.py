"""Blocks: runs of sorted entries whose keys share prefixes, and their trailers.

    entry*      varint32 shared | varint32 unshared | varint32 value length
                | key[shared:] | value
    restarts    u32 each: where in the block an entry starts with its whole key
    count       u32: how many restarts

    trailer     type u8 (0 as it is, 1 Snappy) | u32 masked CRC32C of block + type

Every 16th entry of a data block restarts, every entry of the index block.
`restarts` is never empty: a block without entries is 00000000 01000000.

Reference: tensorflow/core/lib/io/block_builder.cc, format.cc. Pure.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from pbckpt.errors import ChecksumError, CorruptFileError
from pbckpt.wire.checksum import crc32c, mask, unmask
from pbckpt.wire.varint import VarintError, decode_varint32, encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESTART_INTERVAL = 16
_U32 = struct.Struct("<I")
_TRAILER = struct.Struct("<BI")
TRAILER_BYTES = _TRAILER.size
_RAW, _SNAPPY = 0, 1
_MAX_RUN = 0x80  # below this a varint is one byte
_HEAD = struct.Struct("3B").pack
_BATCH_BYTES = 256 << 10

Entry = tuple[bytes, bytes]
"""A key and its value."""


class BlockBuilder:
    """Builds one block from entries in strictly ascending key order."""

    def __init__(self, restart_interval: int = RESTART_INTERVAL) -> None:
        """Restart with a whole key at every ``restart_interval``-th entry."""
        self._interval = restart_interval
        self._parts: list[bytes] = []
        self._nbytes = 0
        self._restarts: list[int] = []
        self._until_restart = 0
        self.last_key = b""

    def __bool__(self) -> bool:
        """Tell whether the block holds an entry."""
        return bool(self._parts)

    @property
    def size(self) -> int:
        """How many bytes `finish` would return."""
        return self._nbytes + _U32.size * (max(1, len(self._restarts)) + 1)

    def add(self, key: bytes, value: bytes) -> None:
        """Append an entry; the caller keeps the order."""
        self.fill(iter([(key, value)]), self.size + 1, len(key) + len(value) + 1)

    def fill(
        self, entries: Iterator[tuple[bytes, bytes]], nbytes: int, large: int
    ) -> tuple[bytes, bytes] | None:
        """Append entries until the block has ``nbytes``.

        An entry of ``large`` bytes that is not the block's first is not
        appended but returned: it belongs into a block of its own. Raises
        ValueError for a key that is not above the one before it in the block.
        One loop over local names, for it runs a hundred thousand times.
        """
        parts, restarts, last = self._parts, self._restarts, self.last_key
        position, until_restart, shared = self._nbytes, self._until_restart, 0
        size = self.size
        held = None
        for key, value in entries:
            if parts:
                if key <= last:
                    msg = f"table keys must ascend: {key!r} after {last!r}"
                    raise ValueError(msg)
                if len(key) + len(value) >= large:
                    held = (key, value)
                    break
            if until_restart:
                # Names mostly share as much with the one before as that did.
                if (
                    key[:shared] != last[:shared]
                    or key[shared : shared + 1] == last[shared : shared + 1]
                ):
                    shared = _shared_prefix(last, key)
                rest = key[shared:]
            else:
                until_restart = self._interval
                if restarts:
                    size += _U32.size
                restarts.append(position)
                rest = key
            until_restart -= 1
            unshared = len(rest)
            prefix = len(key) - unshared
            if (prefix | unshared | len(value)) < _MAX_RUN:
                head = _HEAD(prefix, unshared, len(value))
            else:
                head = b"".join(map(encode_varint, (prefix, unshared, len(value))))
            parts += (head, rest, value)
            added = len(head) + unshared + len(value)
            position += added
            size += added
            last = key
            if size >= nbytes:
                break
        self.last_key, self._nbytes, self._until_restart = last, position, until_restart
        return held

    def finish(self) -> bytes:
        """Return the block's bytes, trailer left out."""
        restarts = self._restarts or [0]
        tail = struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
        return b"".join([*self._parts, tail])


def _shared_prefix(a: bytes, b: bytes) -> int:
    """Return the length of the common prefix: the leading zero bytes of a XOR b."""
    n = min(len(a), len(b))
    difference = int.from_bytes(a[:n], "big") ^ int.from_bytes(b[:n], "big")
    return n - (difference.bit_length() + 7) // 8


def encode_trailer(block: bytes) -> bytes:
    """Return the five bytes that follow an uncompressed block."""
    return _TRAILER.pack(_RAW, mask(crc32c(b"\0", crc32c(block))))


def decode_stored_block(stored: bytes) -> bytes:
    """Check a block with its trailer and return the block, decompressed where it is not.

    Raises ChecksumError, CorruptFileError, and UnsupportedBundleError where a
    compressed block needs a library that is not installed.
    """
    block, trailer = stored[:-TRAILER_BYTES], stored[-TRAILER_BYTES:]
    kind, masked = _TRAILER.unpack(trailer)
    expected, actual = unmask(masked), crc32c(stored[: len(block) + 1])
    if expected != actual:
        raise ChecksumError(
            "the checksum of a block does not match",
            expected=f"{expected:08x}",
            actual=f"{actual:08x}",
        )
    if kind == _SNAPPY:
        from pbckpt.table.snappy import decompress  # noqa: PLC0415 - TensorFlow writes none

        return decompress(block)
    if kind != _RAW:
        raise CorruptFileError("a block of an unknown type", offset=len(block), actual=str(kind))
    return block


def entry_batches(block: bytes) -> Iterator[list[Entry]]:
    """Yield every entry of a block, some at a time: there may be a hundred thousand.

    The block must be consumed to the byte before its restarts, every restart
    must be the start of an entry with a whole key, and keys must ascend
    strictly; anything else is a CorruptFileError. A damaged block never
    yields a shorter list without one.
    """
    limit, restarts = _restarts_of(block)
    if limit or len(restarts) > 1:
        yield from _batches_between(block, 0, limit, restarts)


def find_in_block(block: bytes, key: bytes) -> bytes | None:
    """Return the value of a key, or None; looks at one run between restarts alone.

    Of that run it reads a batch at a time, so that damage right after the key is
    an error as well.
    """
    limit, restarts = _restarts_of(block)
    if not limit:
        return None
    after = bisect_right(restarts, key, key=lambda start: _restart_key(block, start, limit))
    if after == 0:
        return None
    run = restarts[after - 1 : after]
    end = restarts[after] if after < len(restarts) else limit
    entries = chain.from_iterable(_batches_between(block, run[0], end, run))
    return next((value for stored, value in entries if stored == key), None)


def edge_keys(block: bytes) -> tuple[bytes, bytes]:
    """Return the first key of a block, and the last one that is stored whole."""
    limit, restarts = _restarts_of(block)
    return _restart_key(block, restarts[0], limit), _restart_key(block, restarts[-1], limit)


def _batches_between(
    block: bytes, start: int, limit: int, restarts: Sequence[int]
) -> Iterator[list[Entry]]:
    """Yield the entries from one restart to the end of a later run, or of all.

    Keys can be much longer than what is stored of them, so a batch ends when it
    holds enough.
    """
    expected = iter(restarts)
    restart = next(expected)
    position = first = start
    key = b""
    batch: list[Entry] = []
    room = _BATCH_BYTES
    while position < limit:
        start = position
        shared, unshared, length = block[position : position + 3]
        if (shared | unshared | length) < _MAX_RUN:
            position += 3
        else:
            shared, unshared, length, position = _decode_head(block, position, limit)
        if start == restart:
            restart = next(expected, -1)
            if shared:
                raise CorruptFileError("a restart entry without its whole key", offset=start)
        middle = position + unshared
        end = middle + length
        if shared > len(key) or end > limit:
            raise CorruptFileError("an entry that runs out of its block", offset=start)
        following = key[:shared] + block[position:middle]
        if following <= key and start != first:
            raise CorruptFileError("keys that do not ascend", offset=start)
        key = following
        position = end
        batch.append((key, block[middle:end]))
        room -= shared + unshared + length
        if room < 0:
            yield batch
            batch, room = [], _BATCH_BYTES
    if restart != -1:
        raise CorruptFileError("a restart that is not the start of an entry", offset=limit)
    if batch:
        yield batch


def _restart_key(block: bytes, start: int, limit: int) -> bytes:
    """Return the key of a restart entry, which is whole."""
    if start >= limit:
        raise CorruptFileError("a restart that is not the start of an entry", offset=start)
    shared, unshared, _, position = _decode_head(block, start, limit)
    if shared or position + unshared > limit:
        raise CorruptFileError("a restart entry without its whole key", offset=start)
    return block[position : position + unshared]


def _decode_head(block: bytes, position: int, limit: int) -> tuple[int, int, int, int]:
    start = position
    try:
        shared, position = decode_varint32(block, position, limit)
        unshared, position = decode_varint32(block, position, limit)
        length, position = decode_varint32(block, position, limit)
    except VarintError as error:
        msg = f"an entry whose lengths hold {error}"
        raise CorruptFileError(msg, offset=start) from None
    return shared, unshared, length, position


def _restarts_of(block: bytes) -> tuple[int, tuple[int, ...]]:
    """Return where the entries end and the restart positions."""
    words = len(block) // _U32.size
    count = _U32.unpack(block[-_U32.size :])[0] if words else 0
    if not 0 < count < words:
        raise CorruptFileError(
            "a block whose restarts do not fit it", offset=len(block), actual=str(count)
        )
    limit = len(block) - _U32.size * (count + 1)
    restarts: tuple[int, ...] = struct.unpack_from(f"<{count}I", block, limit)
    if restarts[0] != 0 or any(a >= b for a, b in pairwise(restarts)):
        raise CorruptFileError("restarts that do not ascend from 0", offset=limit)
    return limit, restarts
