"""The bundle writer: tensors become a shard's bytes and index entries.

A shard is a stream: `ShardStream.next_block` packs the bytes of as many tensors
as fit into the caller's buffer, computes their CRCs as it goes, and remembers
one entry per tensor. Whoever drives it decides where the bytes go, and may
write one block while asking for the next. The index is made from the entries
when the shards are done.

    shard streams   entries in the order of the data, slices of partitioned tensors
    index           entries in the order of their keys; a full entry for each
                    partitioned tensor, which lists its slices in the order in
                    which they were stored, shard after shard

Reference: tensorflow/core/util/tensor_bundle/tensor_bundle.cc (BundleWriter,
MergeBundles). Pure: no file is touched here.
"""

from __future__ import annotations

from itertools import chain, islice, pairwise
from operator import itemgetter, lt
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.entry import (
    HEADER_KEY,
    NO_CRC32C,
    BundleEntry,
    BundleHeader,
    encode_entry,
    encode_header,
    encode_place,
    encode_places,
    encode_type,
)
from pbckpt.bundle.payload import Payload
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_text
from pbckpt.table.builder import write_table
from pbckpt.wire.checksum import crc32c
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.bundle.payload import Part, Tensor
    from pbckpt.dtypes import DataType
    from pbckpt.names import BundleKey

_NOTHING = Span.of(b"")


class Block(NamedTuple):
    """Bytes of a shard, where in it they belong, and how many tensors end in them."""

    offset: int
    data: memoryview
    num_tensors: int


class ShardStream:
    """One shard in the making. Not thread-safe: one caller at a time."""

    def __init__(self, tensors: Iterable[Tensor], shard_id: int = 0) -> None:
        """Take tensors in the order in which their data is to lie."""
        self.shard_id = shard_id
        self.nbytes = 0
        """How many bytes were handed out so far."""
        # Two lists of bytes, not one of pairs: there may be a hundred thousand,
        # and the garbage collector would look at each pair again and again.
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self.parts: list[tuple[Part, DataType]] = []
        """Those of them that are slices."""
        self._crc = 0
        self._span = _NOTHING
        self._position = 0
        self._spans: Iterator[Span] = iter(())
        self._tensors = iter(tensors)
        self._held: Tensor | None = None

    @property
    def entries(self) -> list[tuple[bytes, bytes]]:
        """The key and the encoded entry of every tensor whose last byte was handed out."""
        return list(self.each_entry())

    def each_entry(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield what `entries` lists."""
        return zip(self._keys, self._values, strict=True)

    def is_sorted(self) -> bool:
        """Tell whether the keys ascend strictly in the order of the data."""
        return all(map(lt, self._keys, islice(self._keys, 1, None)))

    def __bool__(self) -> bool:
        """Tell whether there is any entry so far."""
        return bool(self._keys)

    def next_block(self, buffer: memoryview) -> Block | None:
        """Return the next bytes of the shard, or None when all were handed out.

        They lie in ``buffer``, and are valid until it is used again.
        """
        start, ended = self.nbytes, len(self._keys)
        filled = 0
        while filled < len(buffer):
            if self._advance():
                filled += self._take(buffer[filled:])
                continue
            gathered = self._gather(len(buffer) - filled)
            buffer[filled : filled + len(gathered)] = gathered
            filled += len(gathered)
            if self._held is None:
                break
            self._spans, self._held = self._walk(self._held), None
        return Block(start, buffer[:filled], len(self._keys) - ended) if filled else None

    def _advance(self) -> bool:
        """Make sure that the current span has bytes left; False at the end of its tensor."""
        while self._position == self._span.nbytes:
            # What was written is let go before the next is made.
            self._span, self._position = _NOTHING, 0
            following = next(self._spans, None)
            if following is None:
                return False
            self._span = following
        return True

    def _gather(self, room: int) -> bytes:
        """Return the bytes of the small tensors that come next, as many as there is room for.

        The tensor that is not among them is held for later.
        """
        # Nothing is kept here that the garbage collector would look at.
        keys: list[bytes] = []
        types: list[bytes] = []
        payloads: list[bytes] = []
        held, self._held = self._held, None
        if held is None:
            held = next(self._tensors, None)
        while held is not None:
            key, dtype, shape, payload, part = held
            if not isinstance(payload, bytes) or len(payload) > room:
                break
            keys.append(key)
            types.append(encode_type(dtype, shape))
            payloads.append(payload)
            if part is not None:
                self.parts.append((part, dtype))
            room -= len(payload)
            held = next(self._tensors, None)
        self._held = held
        if not payloads:
            return b""
        sizes, crcs = list(map(len, payloads)), list(map(crc32c, payloads))
        self._keys += keys
        self._values += encode_places(types, self.shard_id, self.nbytes, sizes, crcs)
        gathered = b"".join(payloads)
        self.nbytes += len(gathered)
        return gathered

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

    def _walk(self, tensor: Tensor) -> Iterator[Span]:
        """Yield each span of a tensor, and note its entry after the last.

        The consumer asks for the next span only when it has taken all of this
        one, so that position and CRC stand at the tensor's end by then. A
        head's own CRC is replaced by the one that its format asks for.
        """
        key, dtype, shape, payload, part = tensor
        if isinstance(payload, bytes):
            payload = Payload([Span.of(payload)])
        begin = self.nbytes
        if payload.head:
            yield Span.of(payload.head)
        self._crc = payload.head_crc32c
        yield from payload.spans
        crc = self._crc if payload.crc32c is None else payload.crc32c
        if payload.confirm is not None:
            payload.confirm(crc)
        nbytes = self.nbytes - begin
        entry = encode_place(dtype, shape, self.shard_id, begin, nbytes, crc)
        self._keys.append(key)
        self._values.append(entry)
        if part is not None:
            self.parts.append((part, dtype))


def index_entries(
    streams: Sequence[ShardStream], aliases: Mapping[BundleKey, BundleKey]
) -> Iterable[tuple[bytes, bytes]]:
    """Return what the index of some shards lists, by ascending key, encoded.

    ``aliases`` are further keys for tensors that are stored. Raises
    SelectionError for a key that is given twice.
    """
    full = _full_entries(streams)
    if len(streams) == 1 and not full and not aliases and streams[0].is_sorted():
        return streams[0].each_entry()
    entries = [entry for stream in streams for entry in stream.each_entry()]
    entries += ((name, encode_entry(entry)) for name, entry in full.items())
    if aliases:
        stored = dict(entries)
        entries += [(alias, stored[key]) for alias, key in aliases.items()]
    entries.sort(key=itemgetter(0))
    for (key, _), (following, _) in pairwise(entries):
        if key == following:
            raise SelectionError(f"two tensors under one name: {key_to_text(key)!r}")
    return entries


def _full_entries(streams: Sequence[ShardStream]) -> dict[bytes, BundleEntry]:
    """Return an entry for each partitioned tensor, in the shard where its first slice is."""
    full: dict[bytes, BundleEntry] = {}
    slices: dict[bytes, list[TensorSlice]] = {}
    for stream in streams:
        for (name, shape, part), dtype in stream.parts:
            full.setdefault(name, BundleEntry(dtype, shape, stream.shard_id, 0, 0, NO_CRC32C))
            slices.setdefault(name, []).append(part)
    return {name: entry._replace(slices=tuple(slices[name])) for name, entry in full.items()}


def write_index(
    entries: Iterable[tuple[bytes, bytes]],
    num_shards: int,
    write: Callable[[bytes], object],
) -> None:
    """Write the index file of encoded ``entries``, which must ascend strictly by key."""
    header = (HEADER_KEY, encode_header(BundleHeader(num_shards)))
    write_table(chain([header], entries), write)
