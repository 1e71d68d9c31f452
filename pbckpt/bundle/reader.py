"""The bundle reader: what an index file lists, and the tensors' bytes.

Opening reads the index whole: every block's CRC, every entry. Shards are
opened when a tensor of theirs is asked for. A tensor's bytes are read in
chunks and only handed on after their CRC was found right, unless the caller
said otherwise.

Slices: the entry of a partitioned tensor lists its parts, and the parts are
entries of their own under keys that are hidden from the list of names.

Reference: tensorflow/core/util/tensor_bundle/tensor_bundle.cc (BundleReader).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.entry import (
    HEADER_KEY,
    BundleEntry,
    BundleHeader,
    decode_entry,
    decode_header,
)
from pbckpt.bundle.payload import decode_string_head, split_strings, variant_crc32c
from pbckpt.bundle.slices import covers, slice_key
from pbckpt.dtypes import DataType
from pbckpt.errors import ChecksumError, CorruptFileError, LimitError, UnsupportedBundleError
from pbckpt.names import key_to_text
from pbckpt.shapes import count_elements
from pbckpt.table.reader import TableReader
from pbckpt.wire.checksum import crc32c
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pbckpt.wire.span import ByteSource

CHUNK_BYTES = 1 << 20
# Keys are stored without the beginning that they share with the one before, so
# a small file can hold long keys without end.
SPARE_KEY_BYTES = 32 << 20
MAX_KEY_RATIO = 16


class Verify(Enum):
    """Whether reading a tensor checks its bytes against their CRC."""

    CHECKSUMS = "checksums"
    NOTHING = "nothing"


class Index(NamedTuple):
    """A decoded index file: names and slices apart."""

    header: BundleHeader
    entries: dict[bytes, BundleEntry]
    slice_entries: dict[bytes, BundleEntry]


def read_index(source: ByteSource) -> Index:
    """Decode a whole index file.

    Raises a BundleError that names ``source`` where anything in it is wrong;
    the result is never a part of what the file lists.
    """
    try:
        table = TableReader(source.view)
        header, stored = _read_entries(table, source)
    except CorruptFileError as error:
        raise error.in_file(source.name) from None
    return _without_slices(header, stored)


def check_index_layout(source: ByteSource) -> None:
    """Check the parts of an index file that reading does not touch."""
    try:
        TableReader(source.view).check_layout()
    except CorruptFileError as error:
        raise error.in_file(source.name) from None


def _read_header(table: Iterator[tuple[bytes, bytes]]) -> BundleHeader:
    key, value = next(table, (b"?", b""))
    if key != HEADER_KEY:
        raise CorruptFileError("an index without a header: its first key is not empty")
    # The first value of a single-file V1 checkpoint begins with field 1, a message.
    if value[:1] == b"\x0a":
        raise UnsupportedBundleError(
            "this is a V1 checkpoint (one file, no .index); V1 is not read yet"
        )
    return decode_header(value)


def _read_entries(
    table: TableReader, source: ByteSource
) -> tuple[BundleHeader, dict[bytes, BundleEntry]]:
    """Decode all values, as long as the keys together are in proportion to the file."""
    entries = iter(table)
    header = _read_header(entries)
    stored = {}
    budget = maximum = SPARE_KEY_BYTES + MAX_KEY_RATIO * len(source.view)
    for key, value in entries:
        budget -= len(key)
        if budget < 0:
            msg = f"{source.name}: the size of all keys"
            raise LimitError(msg, limit="key bytes", value=maximum - budget, maximum=maximum)
        try:
            stored[key] = decode_entry(value, header)
        except CorruptFileError as error:
            fact = f"key {key_to_text(key)!r}: {error.fact}"
            raise CorruptFileError(
                fact, offset=table.position, expected=error.expected, actual=error.actual
            ) from None
    return header, stored


def _without_slices(header: BundleHeader, stored: dict[bytes, BundleEntry]) -> Index:
    parts = {
        key: stored.pop(key)
        for name, entry in list(stored.items())
        for key in (slice_key(name, part) for part in entry.slices)
        if key in stored
    }
    return Index(header, stored, parts)


class BundleReader:
    """Reads tensors of one bundle."""

    def __init__(
        self,
        index: Index,
        open_shard: Callable[[int], ByteSource],
        verify: Verify = Verify.CHECKSUMS,
    ) -> None:
        """``open_shard(shard_id)`` returns the source of a shard, the same one each time."""
        self.index = index
        self._open_shard = open_shard
        self._verify = verify

    def span(self, entry: BundleEntry) -> Span:
        """Return where the entry's bytes lie. Raises CorruptFileError past the shard's end."""
        shard = self._open_shard(entry.shard_id)
        size = len(shard.view)
        if entry.offset + entry.nbytes > size:
            raise CorruptFileError(
                "a tensor past the end of the data file",
                file=shard.name,
                offset=entry.offset,
                expected=f"{entry.offset + entry.nbytes} bytes",
                actual=f"{size} bytes",
            )
        return Span(shard, entry.offset, entry.nbytes)

    def check(self, entry: BundleEntry, buffer: memoryview) -> None:
        """Compare the entry's bytes with its CRC, a buffer's length at a time.

        Raises ChecksumError or CorruptFileError that names the data file.
        """
        span = self.span(entry)
        try:
            actual = self._computed_crc32c(entry, span, buffer)
        except CorruptFileError as error:
            raise error.in_file(span.source.name, base=span.offset) from None
        _compare(entry, span, actual)

    def _computed_crc32c(self, entry: BundleEntry, span: Span, buffer: memoryview) -> int:
        count = count_elements(entry.shape) or 0
        if entry.dtype is DataType.VARIANT:
            return variant_crc32c(memoryview(_load(span)), count)
        if entry.dtype is DataType.STRING:
            data = memoryview(_load(span))
            layout = decode_string_head(data, count)
            return crc32c(data[layout.head_bytes :], layout.head_crc32c)
        crc = 0
        for chunk in chunks(iter([span]), buffer):
            crc = crc32c(chunk, crc)
        return crc

    def read(self, entry: BundleEntry) -> bytearray:
        """Return a fixed-size tensor's bytes as little-endian elements in C order."""
        span = self._checked_span(entry)
        data = _load(span)
        if self._verify is not Verify.NOTHING:
            _compare(entry, span, crc32c(data))
        return data

    def read_strings(self, entry: BundleEntry) -> list[bytes]:
        """Return the elements of a string tensor in C order."""
        span = self._checked_span(entry)
        data = memoryview(_load(span))
        try:
            layout = decode_string_head(data, count_elements(entry.shape) or 0)
        except CorruptFileError as error:
            raise error.in_file(span.source.name, base=span.offset) from None
        if self._verify is not Verify.NOTHING:
            _compare(entry, span, crc32c(data[layout.head_bytes :], layout.head_crc32c))
        return list(split_strings(data, layout))

    def _checked_span(self, entry: BundleEntry) -> Span:
        if entry.slices:
            raise UnsupportedBundleError(
                "a partitioned tensor: its parts are listed but not joined yet"
            )
        if self.index.header.big_endian:
            raise UnsupportedBundleError("a big-endian checkpoint, which is not read yet")
        return self.span(entry)

    def slices_of(self, name: bytes, entry: BundleEntry) -> Iterator[tuple[bytes, BundleEntry]]:
        """Yield the entry of each part of a partitioned tensor.

        Raises CorruptFileError for a part that is not stored, or that has
        another type or shape than its place in the tensor.
        """
        if not covers(entry.shape, entry.slices):
            raise CorruptFileError(f"the slices of {name!r} do not cover it, each part once")
        for part in entry.slices:
            key = slice_key(name, part)
            stored = self.index.slice_entries.get(key)
            if stored is None:
                raise CorruptFileError(f"the slice {part} of {name!r} is not stored")
            shape = tuple(
                size if extent.length is None else extent.length
                for extent, size in zip(part, entry.shape, strict=True)
            )
            if (stored.dtype, stored.shape) != (entry.dtype, shape) or stored.slices:
                raise CorruptFileError(f"the slice {part} of {name!r} is of another tensor")
            yield key, stored


def _load(span: Span) -> bytearray:
    """Read a span into memory of its own, in chunks; it was found to lie within its file."""
    data = bytearray(span.nbytes)
    view = memoryview(data)
    for start in range(0, span.nbytes, CHUNK_BYTES):
        part = view[start : start + CHUNK_BYTES]
        chunk = span.chunk(start, len(part), part)
        if chunk.obj is not data:
            part[:] = chunk
    return data


def _compare(entry: BundleEntry, span: Span, actual: int) -> None:
    if actual != entry.crc32c:
        raise ChecksumError(
            "the checksum of a tensor does not match",
            file=span.source.name,
            offset=entry.offset,
            expected=f"{entry.crc32c:08x}",
            actual=f"{actual:08x}",
        )
