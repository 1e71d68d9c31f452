from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.bundle.entry import (
    NO_CRC32C,
    BundleEntry,
    BundleHeader,
    Extent,
    decode_entry,
    encode_entry,
)
from pbckpt.bundle.payload import Part, Payload, Tensor, string_payload
from pbckpt.bundle.slices import slice_key
from pbckpt.bundle.writer import ShardStream, index_entries, write_index
from pbckpt.dtypes import DataType
from pbckpt.errors import ChecksumError, SelectionError
from pbckpt.names import BundleKey
from pbckpt.wire.span import Memory, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# b = [7, 8] and w = [[0, 1, 2], [3, 4, 5]], as TensorFlow writes them.
B = bytes.fromhex("0000e040 00000041")
W = bytes.fromhex("00000000 0000803f 00000040 00004040 00008040 0000a040")
INDEX = bytes.fromhex(
    "000006     08011a020801"
    "00010f 62  0801 1204 12020802 2808 35fb29da1a"
    "000115 77  0801 1208 12020802 12020803 2008 2818 35c0db3d17"
    "00000000 01000000  00 e4d02cc4"
    "00000000 01000000  00 c0f2a1b0"
    "000102 78 003d  00000000 01000000  00 793006f4"
    "4208 4f0e  0000000000000000 0000000000000000 0000000000000000 0000000000000000 00000000"
    "57fb808b247547db"
)
B_ENTRY = BundleEntry(DataType.FLOAT, (2,), 0, 0, 8, 0x9F91BC2B)
W_ENTRY = BundleEntry(DataType.FLOAT, (2, 3), 0, 8, 24, 0x78743A5D)

BUFFER_SIZES = [1, 2, 3, 7, 8, 9, 64, 1 << 20]


class File:
    """A source that reads into the buffer, as a file does."""

    name = "file"

    def __init__(self, data: bytes) -> None:
        self.view = memoryview(data)
        self.reads = 0

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        self.reads += 1
        buffer[:nbytes] = self.view[offset : offset + nbytes]
        return buffer[:nbytes]


class BrokenFile(File):
    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:  # noqa: ARG002
        raise OSError(5, "Input/output error")


def tensor(key: bytes, dtype: DataType, shape: tuple[int, ...], *parts: bytes) -> Tensor:
    spans = [Span.of(part) for part in parts]
    return Tensor(BundleKey(key), dtype, shape, Payload(spans))


def strings(key: bytes, *elements: bytes) -> Tensor:
    data = string_payload(elements)
    return Tensor(BundleKey(key), DataType.STRING, (len(elements),), data)


def two_tensors() -> list[Tensor]:
    return [
        tensor(b"b", DataType.FLOAT, (2,), B),
        tensor(b"w", DataType.FLOAT, (2, 3), W),
    ]


def many_tensors() -> list[Tensor]:
    """Tensors of all kinds: in memory, in a file, in parts, of nothing, of strings."""
    file = File(b"-" * 100 + B + W)
    spans = [Span(file, 100, 3), Span.of(b""), Span(file, 103, 5), Span(file, 108, 24)]
    return [
        tensor(b"a", DataType.UINT8, (0,)),
        tensor(b"b", DataType.FLOAT, (8,), B[:5], B[5:] + W[:1], b"", W[1:]),
        Tensor(BundleKey(b"c"), DataType.FLOAT, (8,), Payload(spans)),
        tensor(b"d", DataType.FLOAT, (), b"\x00\x00\xc0\x3f"),
        tensor(b"e", DataType.INT64, (0, 3), b""),
        strings(b"f", b"hello", b"", b"\xff\x00z", b"x" * 300),
        strings(b"g", b"", b""),
        strings(b"h"),
        tensor(b"i", DataType.BOOL, (1,), b"\x01"),
    ]


MANY_BYTES = b"".join(
    [
        B, W, B, W, bytes.fromhex("0000c03f"),
        bytes.fromhex("05 00 03 ac02 548f6f73"), b"hello", b"\xff\x00z", b"x" * 300,
        bytes.fromhex("0000 29039807"),
        bytes.fromhex("d8ea82a2"),
        b"\x01",
    ]
)  # fmt: skip
MANY_ENTRIES = [
    (b"a", BundleEntry(DataType.UINT8, (0,), 0, 0, 0, 0)),
    (b"b", BundleEntry(DataType.FLOAT, (8,), 0, 0, 32, 0xE5EC7FCF)),
    (b"c", BundleEntry(DataType.FLOAT, (8,), 0, 32, 32, 0xE5EC7FCF)),
    (b"d", BundleEntry(DataType.FLOAT, (), 0, 64, 4, 0x224302AF)),
    (b"e", BundleEntry(DataType.INT64, (0, 3), 0, 68, 0, 0)),
    (b"f", BundleEntry(DataType.STRING, (4,), 0, 68, 317, 0x7ADF0BAC)),
    (b"g", BundleEntry(DataType.STRING, (2,), 0, 385, 6, 0xB0B204D0)),
    (b"h", BundleEntry(DataType.STRING, (0,), 0, 391, 4, 0xEB8F60C4)),
    (b"i", BundleEntry(DataType.BOOL, (1,), 0, 395, 1, 0xA016D052)),
]


def decoded(entries: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, BundleEntry]]:
    """Return entries of up to nine shards as they are read again."""
    return [(key, decode_entry(value, BundleHeader(9))) for key, value in entries]


def drain(stream: ShardStream, buffer_size: int) -> bytes:
    """Return all bytes of a stream, checking that its blocks follow each other."""
    buffer = memoryview(bytearray(buffer_size))
    out = bytearray()
    while (block := stream.next_block(buffer)) is not None:
        assert block.offset == len(out)
        assert 0 < len(block.data) <= buffer_size
        out += block.data
        assert stream.nbytes == len(out)
    return bytes(out)


@pytest.mark.parametrize("buffer_size", BUFFER_SIZES)
def test_two_variables_as_tensorflow_writes_them(buffer_size: int) -> None:
    stream = ShardStream(two_tensors())
    assert drain(stream, buffer_size) == B + W
    assert stream.entries == [
        (b"b", bytes.fromhex("0801 1204 12020802 2808 35fb29da1a")),
        (b"w", bytes.fromhex("0801 1208 12020802 12020803 2008 2818 35c0db3d17")),
    ]
    assert decoded(stream.entries) == [(b"b", B_ENTRY), (b"w", W_ENTRY)]
    assert stream.nbytes == 32


@pytest.mark.parametrize("buffer_size", BUFFER_SIZES)
def test_bytes_and_checksums_do_not_depend_on_the_buffer(buffer_size: int) -> None:
    stream = ShardStream(many_tensors())
    assert drain(stream, buffer_size) == MANY_BYTES
    assert decoded(stream.entries) == MANY_ENTRIES


def test_a_block_is_full_unless_it_is_the_last() -> None:
    stream = ShardStream(many_tensors())
    buffer = memoryview(bytearray(100))
    sizes = []
    while (block := stream.next_block(buffer)) is not None:
        sizes.append(len(block.data))
    assert sizes == [100, 100, 100, 96]


def test_a_shard_without_tensors_is_empty() -> None:
    stream = ShardStream([])
    assert stream.next_block(memoryview(bytearray(8))) is None
    assert (stream.nbytes, stream.entries) == (0, [])


def test_tensors_without_elements_have_entries_and_no_bytes() -> None:
    nothing = [tensor(b"a", DataType.FLOAT, (0,)), tensor(b"b", DataType.HALF, (0,), b"")]
    stream = ShardStream(nothing)
    assert stream.next_block(memoryview(bytearray(8))) is None
    assert [key for key, _ in stream.entries] == [b"a", b"b"]


def test_a_stream_that_has_ended_stays_so() -> None:
    stream = ShardStream(two_tensors())
    drain(stream, 8)
    assert stream.next_block(memoryview(bytearray(8))) is None
    assert len(stream.entries) == 2


def test_entries_name_the_shard_of_the_stream() -> None:
    stream = ShardStream(two_tensors(), shard_id=3)
    drain(stream, 64)
    assert [entry.shard_id for _, entry in decoded(stream.entries)] == [3, 3]


def test_a_file_is_read_no_more_often_than_the_buffer_is_filled() -> None:
    file = File(bytes(1000))
    stream = ShardStream(
        [Tensor(BundleKey(b"w"), DataType.UINT8, (1000,), Payload([Span(file, 0, 1000)]))]
    )
    drain(stream, 256)
    assert file.reads == 4


def test_tensors_are_asked_for_when_their_turn_comes() -> None:
    asked = []

    def tensors() -> Iterator[Tensor]:
        for one in two_tensors():
            asked.append(one.key)
            yield one

    stream = ShardStream(tensors())
    buffer = memoryview(bytearray(8))
    assert asked == []
    stream.next_block(buffer)
    assert asked == [b"b"]
    assert stream.entries == []
    stream.next_block(buffer)
    assert asked == [b"b", b"w"]
    assert decoded(stream.entries) == [(b"b", B_ENTRY)]


def test_spans_are_asked_for_once() -> None:
    asked = []

    def spans() -> Iterator[Span]:
        for start in range(0, 24, 8):
            asked.append(start)
            yield Span(Memory(W), start, 8)

    stream = ShardStream([Tensor(BundleKey(b"w"), DataType.FLOAT, (2, 3), Payload(spans()))])
    assert drain(stream, 5) == W
    assert asked == [0, 8, 16]
    assert decoded(stream.entries)[0][1].crc32c == 0x78743A5D


def test_tensors_come_in_any_order_and_are_listed_by_their_keys() -> None:
    keys = [b"b", b"\xff", b"a/b", b"Z", b"a0", b"\x00", b"\xc3\xa9", b"a", b"a\x00"]
    stream = ShardStream(tensor(key, DataType.FLOAT, (2,), B) for key in keys)
    drain(stream, 3)
    assert [key for key, _ in stream.entries] == keys
    assert [entry.offset for _, entry in decoded(stream.entries)] == list(range(0, 72, 8))
    listed = index_entries([stream], {})
    assert [key for key, _ in listed] == [
        b"\x00", b"Z", b"a", b"a\x00", b"a/b", b"a0", b"b", b"\xc3\xa9", b"\xff"
    ]  # fmt: skip
    assert dict(listed) == dict(stream.entries)


@pytest.mark.parametrize("keys", [(b"a", b"a"), (b"b", b"a", b"b"), (b"\xff", b"\x00", b"\xff")])
def test_a_key_that_is_given_twice_is_refused(keys: tuple[bytes, ...]) -> None:
    stream = ShardStream(tensor(key, DataType.FLOAT, (2,), B) for key in keys)
    drain(stream, 3)
    with pytest.raises(SelectionError, match="two tensors under one name"):
        index_entries([stream], {})


def test_a_key_of_two_shards_is_refused() -> None:
    streams = [ShardStream(two_tensors()[:1]), ShardStream(two_tensors(), 1)]
    for stream in streams:
        drain(stream, 64)
    with pytest.raises(SelectionError, match="two tensors under one name: 'b'"):
        index_entries(streams, {})


def test_an_alias_is_a_further_key_for_the_same_bytes() -> None:
    stream = ShardStream(two_tensors())
    drain(stream, 64)
    aliases = {BundleKey(b"z"): BundleKey(b"b"), BundleKey(b"a"): BundleKey(b"w")}
    assert decoded(index_entries([stream], aliases)) == [
        (b"a", W_ENTRY), (b"b", B_ENTRY), (b"w", W_ENTRY), (b"z", B_ENTRY)
    ]  # fmt: skip


def test_an_alias_that_is_a_key_is_refused() -> None:
    stream = ShardStream(two_tensors())
    drain(stream, 64)
    with pytest.raises(SelectionError, match="two tensors under one name: 'b'"):
        index_entries([stream], {BundleKey(b"b"): BundleKey(b"w")})


def test_the_shards_of_an_index_are_told_by_its_entries() -> None:
    streams = [ShardStream(two_tensors()[:1]), ShardStream(two_tensors()[1:], 1)]
    for stream in streams:
        drain(stream, 64)
    assert decoded(index_entries(streams, {})) == [
        (b"b", B_ENTRY),
        (b"w", W_ENTRY._replace(shard_id=1, offset=0)),
    ]


def test_what_a_source_raises_passes_through() -> None:
    spans = [Span.of(B), Span(BrokenFile(W), 0, 24)]
    stream = ShardStream([Tensor(BundleKey(b"w"), DataType.FLOAT, (8,), Payload(spans))])
    with pytest.raises(OSError, match="Input/output error"):
        drain(stream, 8)
    assert stream.entries == []


def test_the_index_that_tensorflow_writes() -> None:
    out: list[bytes] = []
    write_index([(b"b", encode_entry(B_ENTRY)), (b"w", encode_entry(W_ENTRY))], 1, out.append)
    assert b"".join(out) == INDEX


def test_the_index_of_an_empty_bundle_has_the_header_only() -> None:
    out: list[bytes] = []
    write_index([], 1, out.append)
    assert b"".join(out)[:17] == bytes.fromhex("000006 08011a020801 00000000 01000000")


def test_the_index_tells_the_number_of_shards() -> None:
    out: list[bytes] = []
    write_index([], 2, out.append)
    assert b"".join(out)[:9] == bytes.fromhex("000006 08021a020801")


@pytest.mark.parametrize("keys", [(b"b", b"a"), (b"a", b"a"), (b"",)])
def test_an_index_in_another_order_is_refused(keys: tuple[bytes, ...]) -> None:
    out: list[bytes] = []
    with pytest.raises(ValueError, match="must ascend"):
        write_index([(key, encode_entry(B_ENTRY)) for key in keys], 1, out.append)


# Small tensors, whose bytes come as they are


def small(key: bytes, data: bytes) -> Tensor:
    return Tensor(BundleKey(key), DataType.UINT8, (len(data),), data)


def spread(key: bytes, *parts: bytes) -> Tensor:
    """Return a tensor whose bytes lie in a file."""
    spans = [Span(File(part), 0, len(part)) for part in parts]
    return Tensor(BundleKey(key), DataType.UINT8, (sum(map(len, parts)),), Payload(spans))


def mixed_tensors() -> list[Tensor]:
    return [
        small(b"f", b"123456789"),
        spread(b"e", b"1234", b"", b"56789"),
        small(b"d", b""),
        small(b"c", b"1"),
        spread(b"b"),
        small(b"a", b"123456789" * 20),
        strings(b"9", b"hello", b"", b"\xff\x00z", b"x" * 300),
        small(b"8", b"12345678"),
        small(b"7", b"9"),
    ]


MIXED_BYTES = b"".join(
    [
        b"123456789" * 2 + b"1" + b"123456789" * 20,
        bytes.fromhex("05 00 03 ac02 548f6f73") + b"hello\xff\x00z" + b"x" * 300,
        b"123456789",
    ]
)
MIXED_ENTRIES = [
    (b"f", BundleEntry(DataType.UINT8, (9,), 0, 0, 9, 0xE3069283)),
    (b"e", BundleEntry(DataType.UINT8, (9,), 0, 9, 9, 0xE3069283)),
    (b"d", BundleEntry(DataType.UINT8, (0,), 0, 18, 0, 0)),
    (b"c", BundleEntry(DataType.UINT8, (1,), 0, 18, 1, 0x90F599E3)),
    (b"b", BundleEntry(DataType.UINT8, (0,), 0, 19, 0, 0)),
    (b"a", BundleEntry(DataType.UINT8, (180,), 0, 19, 180, 0x5A2AE5BB)),
    (b"9", BundleEntry(DataType.STRING, (4,), 0, 199, 317, 0x7ADF0BAC)),
    (b"8", BundleEntry(DataType.UINT8, (8,), 0, 516, 8, 0x6087809A)),
    (b"7", BundleEntry(DataType.UINT8, (1,), 0, 524, 1, 0x1A2CC12C)),
]


@pytest.mark.parametrize("buffer_size", [*BUFFER_SIZES, 19, 20, 100, 199, 200, 525])
def test_bytes_that_come_as_they_are_lie_among_others(buffer_size: int) -> None:
    stream = ShardStream(mixed_tensors())
    assert drain(stream, buffer_size) == MIXED_BYTES
    assert decoded(stream.entries) == MIXED_ENTRIES
    assert stream.parts == []


def test_every_block_but_the_last_is_full() -> None:
    for size in (1, 2, 7, 100):
        stream, buffer = ShardStream(mixed_tensors()), memoryview(bytearray(size))
        sizes = []
        while (block := stream.next_block(buffer)) is not None:
            sizes.append(len(block.data))
        assert sizes == [size] * (525 // size) + [525 % size] * (525 % size > 0)


def test_only_the_one_that_has_no_room_is_held() -> None:
    asked = []

    def tensors() -> Iterator[Tensor]:
        for key in (b"a", b"b", b"c", b"d"):
            asked.append(key)
            yield small(key, b"1234")

    stream = ShardStream(tensors())
    buffer = memoryview(bytearray(8))
    stream.next_block(buffer)
    assert asked == [b"a", b"b", b"c"]
    assert [key for key, _ in stream.entries] == [b"a", b"b"]
    stream.next_block(buffer)
    assert asked == [b"a", b"b", b"c", b"d"]
    assert len(stream.entries) == 4


@pytest.mark.parametrize("buffer_size", [1, 2, 7, 64])
def test_a_payload_is_confirmed_with_its_checksum_after_its_last_byte(buffer_size: int) -> None:
    confirmed: list[tuple[int, int]] = []
    stream = ShardStream([])

    def confirm(crc: int) -> None:
        confirmed.append((crc, stream.nbytes))

    payload = Payload([Span.of(b"1234"), Span.of(b"56789")], confirm=confirm)
    strings_of = string_payload([b"scalar"])._replace(confirm=confirm)
    stream = ShardStream(
        [
            Tensor(BundleKey(b"a"), DataType.UINT8, (9,), payload),
            Tensor(BundleKey(b"b"), DataType.STRING, (), strings_of),
            small(b"c", b"1"),
        ]
    )
    drain(stream, buffer_size)
    assert confirmed == [(0xE3069283, 9), (0xBA16EA19, 20)]


@pytest.mark.parametrize("buffer_size", [1, 2, 7, 64])
def test_a_payload_that_is_not_confirmed_has_no_entry(buffer_size: int) -> None:
    def refuse(crc: int) -> None:
        raise ChecksumError("not the one", expected="0", actual=f"{crc:08x}")

    payload = Payload([Span.of(b"123456789")], confirm=refuse)
    stream = ShardStream(
        [small(b"a", b"1"), Tensor(BundleKey(b"b"), DataType.UINT8, (9,), payload)]
    )
    with pytest.raises(ChecksumError, match="found e3069283"):
        drain(stream, buffer_size)
    assert [key for key, _ in stream.entries] == [b"a"]


@pytest.mark.parametrize("buffer_size", [1, 2, 7, 64])
def test_a_checksum_that_is_brought_along_is_the_one_that_is_stored(buffer_size: int) -> None:
    confirmed: list[int] = []
    payload = Payload([Span.of(b"123456789")], crc32c=0x12345678, confirm=confirmed.append)
    stream = ShardStream(
        [Tensor(BundleKey(b"a"), DataType.VARIANT, (), payload), small(b"b", b"1")]
    )
    drain(stream, buffer_size)
    assert [entry.crc32c for _, entry in decoded(stream.entries)] == [0x12345678, 0x90F599E3]
    assert confirmed == [0x12345678]


def test_a_checksum_of_0_is_one_that_is_brought_along() -> None:
    payload = Payload([Span.of(b"123456789")], crc32c=0)
    stream = ShardStream([Tensor(BundleKey(b"a"), DataType.VARIANT, (), payload)])
    drain(stream, 64)
    assert decoded(stream.entries)[0][1].crc32c == 0


class _BrokenError(Exception):
    pass


@pytest.mark.parametrize("buffer_size", [1, 2, 7, 9, 10, 64])
@pytest.mark.parametrize("first", [small(b"a", b"123456789"), spread(b"a", b"1234", b"56789")])
def test_what_the_tensors_raise_passes_through(first: Tensor, buffer_size: int) -> None:
    def tensors() -> Iterator[Tensor]:
        yield first._replace(payload=first.payload)
        raise _BrokenError

    stream = ShardStream(tensors())
    with pytest.raises(_BrokenError):
        drain(stream, buffer_size)
    assert [key for key, _ in stream.entries] in ([], [b"a"])


# Slices


WHOLE_SHAPE = (3, 2)
ROWS = (Extent(0, 2), Extent(0, 2))
LAST_ROW = (Extent(2, 1), Extent(0, 2))


def slice_of(place: tuple[Extent, ...], data: bytes) -> Tensor:
    rows = place[0].length or 0
    key = BundleKey(slice_key(b"p", place))
    part = Part(BundleKey(b"p"), WHOLE_SHAPE, place)
    return Tensor(key, DataType.UINT8, (rows, 2), data, part)


def test_a_partitioned_tensor_has_a_full_entry_with_its_slices_as_they_were_stored() -> None:
    stream = ShardStream(
        [slice_of(LAST_ROW, b"EF"), small(b"b", b"1"), slice_of(ROWS, b"ABCD")], shard_id=2
    )
    assert drain(stream, 3) == b"EF1ABCD"
    entries = dict(decoded(index_entries([stream], {})))
    assert list(entries) == [
        bytes.fromhex("00 70 0001 0102 80 82 80 82"),
        bytes.fromhex("00 70 0001 0102 82 81 80 82"),
        b"b",
        b"p",
    ]
    assert entries[b"p"] == BundleEntry(
        DataType.UINT8, (3, 2), 2, 0, 0, NO_CRC32C, (LAST_ROW, ROWS)
    )
    assert [(entry.shape, entry.offset, entry.slices) for entry in entries.values()][:2] == [
        ((2, 2), 3, ()),
        ((1, 2), 0, ()),
    ]


def test_slices_of_two_shards_are_listed_shard_after_shard() -> None:
    streams = [
        ShardStream([small(b"b", b"1")]),
        ShardStream([slice_of(LAST_ROW, b"EF")], 1),
        ShardStream([slice_of(ROWS, b"ABCD")], 2),
    ]
    for stream in streams:
        drain(stream, 64)
    entries = dict(decoded(index_entries(streams, {})))
    assert entries[b"p"].slices == (LAST_ROW, ROWS)
    assert entries[b"p"].shard_id == 1
    assert [entry.shard_id for entry in entries.values()] == [2, 1, 0, 1]


def test_a_slice_that_is_given_twice_is_refused() -> None:
    stream = ShardStream([slice_of(ROWS, b"ABCD"), slice_of(ROWS, b"ABCD")])
    drain(stream, 64)
    with pytest.raises(SelectionError, match="two tensors under one name"):
        index_entries([stream], {})


def test_a_tensor_under_the_name_of_a_partitioned_one_is_refused() -> None:
    stream = ShardStream([slice_of(ROWS, b"ABCD"), small(b"p", b"1")])
    drain(stream, 64)
    with pytest.raises(SelectionError, match="two tensors under one name: 'p'"):
        index_entries([stream], {})
