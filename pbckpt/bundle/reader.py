"""The bundle reader: the bytes of the tensors that an index lists.

Shards are opened when a tensor of theirs is asked for. A tensor's bytes are
read in chunks and only handed on after their CRC was found right, unless the
caller said otherwise; what is handed on in place was read and checked first.

The trap is a mapped file that becomes shorter: looking past its end kills the
process. So bytes are checked as they are read into a buffer, which a short
file answers with an error, and places are looked at only right after that.

Reference: tensorflow/core/util/tensor_bundle/tensor_bundle.cc (BundleReader).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.payload import (
    Payload,
    decode_string_head,
    max_string_head,
    split_strings,
    string_payload,
    variant_crc32c,
)
from pbckpt.bundle.slices import covers, part_shape, slice_key
from pbckpt.dtypes import DataType
from pbckpt.errors import ChecksumError, CorruptFileError, UnsupportedBundleError
from pbckpt.names import key_to_text
from pbckpt.shapes import count_elements
from pbckpt.wire.checksum import crc32c
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pbckpt.bundle.entry import BundleEntry, TensorSlice
    from pbckpt.bundle.index import Index
    from pbckpt.bundle.payload import StringLayout
    from pbckpt.wire.span import ByteSource

CHUNK_BYTES = 1 << 20
WINDOW_BYTES = 256 << 10


class Verify(Enum):
    """Whether reading a tensor checks its bytes against their CRC."""

    CHECKSUMS = "checksums"
    NOTHING = "nothing"


class _Window(NamedTuple):
    """Some bytes of a shard."""

    shard_id: int
    start: int
    data: memoryview


class BundleReader:
    """Reads tensors of one bundle; several threads may at once."""

    def __init__(
        self,
        index: Index,
        open_shard: Callable[[int], ByteSource],
        verify: Verify = Verify.CHECKSUMS,
    ) -> None:
        """``open_shard(shard_id)`` returns the source of a shard, the same one each time."""
        self.index = index
        self.big_endian = index.header.big_endian
        """Whether numbers have their bytes in the other order."""
        self._open_shard = open_shard
        self._verify = verify
        # What `read_small` read last: replaced as one, for other threads may look at it.
        self._window = _Window(0, 0, memoryview(b""))

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

    def present_span(self, entry: BundleEntry) -> Span:
        """Return where the entry's bytes lie, to look at them at once.

        The last one is read first: should the file have become shorter, that is
        the error that it is everywhere.
        """
        span = self.span(entry)
        if span.nbytes:
            span.chunk(span.nbytes - 1, 1, memoryview(bytearray(1)))
        return span

    def check(self, entry: BundleEntry) -> Span:
        """Compare the entry's bytes with its CRC, and return where they are.

        Raises ChecksumError or CorruptFileError that names the data file.
        """
        span = self.span(entry)
        try:
            actual = self._computed_crc32c(entry, span)
        except CorruptFileError as error:
            raise error.in_file(span.source.name, base=span.offset) from None
        _compare(entry, span, actual)
        return span

    def checked_span(self, entry: BundleEntry) -> Span:
        """Return where the entry's bytes lie, checked if this reader is to check."""
        return self.span(entry) if self._verify is Verify.NOTHING else self.check(entry)

    def _computed_crc32c(self, entry: BundleEntry, span: Span) -> int:
        if entry.dtype is DataType.VARIANT:
            if self.big_endian:
                raise UnsupportedBundleError("a variant of a big-endian machine is not read")
            count = count_elements(entry.shape) or 0
            return variant_crc32c(memoryview(_load(span)), count)
        if entry.dtype is DataType.STRING:
            layout = self._string_layout(entry, span)
            crc, span = layout.head_crc32c, span.after(layout.head_bytes)
        else:
            crc = 0
        for chunk in chunks(iter([span]), _buffer_for(span.nbytes)):
            crc = crc32c(chunk, crc)
        return crc

    def _string_layout(self, entry: BundleEntry, span: Span) -> StringLayout:
        count = count_elements(entry.shape) or 0
        head = memoryview(_load(span.head(max_string_head(count, span.nbytes))))
        return decode_string_head(head, count, span.nbytes, big_endian=self.big_endian)

    def read_small(self, entry: BundleEntry) -> memoryview:
        """Return a small fixed-size tensor's stored bytes, which are not to be changed.

        Who reads one after the other gets them out of larger pieces of the shard.
        """
        window = self._window
        start = entry.offset - window.start
        if entry.shard_id != window.shard_id or not 0 <= start <= len(window.data) - entry.nbytes:
            window, start = self._window_from(entry, window), 0
        data = window.data[start : start + entry.nbytes]
        if self._verify is not Verify.NOTHING and crc32c(data) != entry.crc32c:
            _compare(entry, self.span(entry), crc32c(data))
        return data

    def _window_from(self, entry: BundleEntry, last: _Window) -> _Window:
        """Read from a tensor's first byte on: far, if it follows what was read before."""
        span = self.span(entry)
        distance = entry.offset - last.start
        is_next = entry.shard_id == last.shard_id and 0 <= distance <= len(last.data)
        rest = len(span.source.view) - entry.offset
        nbytes = max(entry.nbytes, min(rest, WINDOW_BYTES)) if is_next else entry.nbytes
        data = bytes(_load(Span(span.source, entry.offset, nbytes)))
        self._window = _Window(entry.shard_id, entry.offset, memoryview(data))
        return self._window

    def read(self, entry: BundleEntry) -> bytearray:
        """Return a fixed-size tensor's stored bytes: its elements in C order."""
        self.span(entry)  # whatever an entry claims, it must be there
        data = bytearray(entry.nbytes)
        self.read_into(entry, memoryview(data))
        return data

    def read_into(self, entry: BundleEntry, buffer: memoryview) -> None:
        """Fill a buffer with a fixed-size tensor's stored bytes, checked as they come."""
        span = self.span(entry)
        crc = 0
        for start in range(0, span.nbytes, CHUNK_BYTES):
            part = buffer[start : start + CHUNK_BYTES]
            chunk = span.chunk(start, len(part), part)
            if chunk.obj is not buffer.obj:
                part[:] = chunk
            crc = crc32c(part, crc)
        if self._verify is not Verify.NOTHING:
            _compare(entry, span, crc)

    def read_strings(self, entry: BundleEntry) -> list[bytes]:
        """Return the elements of a string tensor in C order."""
        span = self.span(entry)
        try:
            layout = self._string_layout(entry, span)
        except CorruptFileError as error:
            raise error.in_file(span.source.name, base=span.offset) from None
        data = memoryview(_load(span))
        if self._verify is not Verify.NOTHING:
            _compare(entry, span, crc32c(data[layout.head_bytes :], layout.head_crc32c))
        return list(split_strings(data, layout))

    def payload(self, entry: BundleEntry) -> Payload:
        """Return a tensor's bytes as they are to be written again, in little-endian order.

        They are checked when the last one was taken: the copy's CRC is the
        entry's own. Raises UnsupportedBundleError where the order has to change.
        """
        if self.big_endian and entry.dtype is DataType.STRING:
            # The stored head has numbers in the other order.
            return string_payload(self.read_strings(entry))
        if self.big_endian and entry.nbytes:
            raise UnsupportedBundleError(
                f"a tensor of type {entry.dtype.label} in big-endian order cannot be copied"
            )
        if entry.dtype is DataType.VARIANT:
            return Payload([self.check(entry)], crc32c=entry.crc32c)
        span = self.span(entry)
        if entry.dtype is not DataType.STRING:
            return Payload([span], confirm=lambda actual: _compare(entry, span, actual))
        return self._string_payload(entry, span)

    def _string_payload(self, entry: BundleEntry, span: Span) -> Payload:
        try:
            layout = self._string_layout(entry, span)
        except CorruptFileError as error:
            raise error.in_file(span.source.name, base=span.offset) from None
        head = bytes(_load(span.head(layout.head_bytes)))
        return Payload(
            [span.after(layout.head_bytes)],
            head,
            layout.head_crc32c,
            confirm=lambda actual: _compare(entry, span, actual),
        )

    def slices_of(
        self, name: bytes, entry: BundleEntry, *, is_whole: bool = True
    ) -> Iterator[tuple[TensorSlice, BundleEntry]]:
        """Yield the place and the entry of each part of a partitioned tensor.

        Raises CorruptFileError for one that is not stored, or has another type or
        shape than its place in the tensor, and, if they are to make a whole, for
        parts that do not cover it. (TensorFlow writes a few parts when told to.)
        """
        if is_whole and not covers(entry.shape, entry.slices):
            raise self._bad_slice(name, "do not cover it, each part once")
        for part in entry.slices:
            stored = self.index.find_stored(slice_key(name, part))
            if stored is None:
                raise self._bad_slice(name, f"are not all stored: not {_shown(part)}")
            shape = part_shape(entry.shape, part)
            if (stored.dtype, stored.shape) != (entry.dtype, shape) or stored.slices:
                raise self._bad_slice(
                    name, f"are not all of it: {_shown(part)} is of another tensor"
                )
            yield part, stored

    def _bad_slice(self, name: bytes, fact: str) -> CorruptFileError:
        return CorruptFileError(f"the slices of {key_to_text(name)!r} {fact}", file=self.index.name)


def _shown(part: TensorSlice) -> str:
    """Return a slice as SaveV2 writes it."""
    extents = ("-" if length is None else f"{start},{length}" for start, length in part)
    return ":".join(extents)


def _buffer_for(nbytes: int) -> memoryview:
    return memoryview(bytearray(max(1, min(nbytes, CHUNK_BYTES))))


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
