from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.bundle.entry import BundleEntry
from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.bundle.writer import ShardStream, write_index
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey
from pbckpt.wire.span import Memory, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    assert stream.entries == [(b"b", B_ENTRY), (b"w", W_ENTRY)]
    assert stream.nbytes == 32


@pytest.mark.parametrize("buffer_size", BUFFER_SIZES)
def test_bytes_and_checksums_do_not_depend_on_the_buffer(buffer_size: int) -> None:
    stream = ShardStream(many_tensors())
    assert drain(stream, buffer_size) == MANY_BYTES
    assert stream.entries == MANY_ENTRIES


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
    assert [entry.shard_id for _, entry in stream.entries] == [3, 3]


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
    assert stream.entries == [(b"b", B_ENTRY)]


def test_spans_are_asked_for_once() -> None:
    asked = []

    def spans() -> Iterator[Span]:
        for start in range(0, 24, 8):
            asked.append(start)
            yield Span(Memory(W), start, 8)

    stream = ShardStream([Tensor(BundleKey(b"w"), DataType.FLOAT, (2, 3), Payload(spans()))])
    assert drain(stream, 5) == W
    assert asked == [0, 8, 16]
    assert stream.entries[0][1].crc32c == 0x78743A5D


@pytest.mark.parametrize(
    "keys", [(b"b", b"a"), (b"a", b"a"), (b"ab", b"a"), (b"\xff", b"\x00"), (b"",), (b"a", b"")]
)
def test_keys_ascend_strictly_and_are_not_empty(keys: tuple[bytes, ...]) -> None:
    stream = ShardStream(tensor(key, DataType.FLOAT, (2,), B) for key in keys)
    with pytest.raises(ValueError, match="must ascend"):
        drain(stream, 3)


def test_keys_ascend_as_bytes() -> None:
    keys = [b"\x00", b"Z", b"a", b"a\x00", b"a/b", b"a0", b"\xc3\xa9", b"\xff"]
    stream = ShardStream(tensor(key, DataType.FLOAT, (2,), B) for key in keys)
    drain(stream, 64)
    assert [key for key, _ in stream.entries] == keys


def test_what_a_source_raises_passes_through() -> None:
    spans = [Span.of(B), Span(BrokenFile(W), 0, 24)]
    stream = ShardStream([Tensor(BundleKey(b"w"), DataType.FLOAT, (8,), Payload(spans))])
    with pytest.raises(OSError, match="Input/output error"):
        drain(stream, 8)
    assert stream.entries == []


def test_the_index_that_tensorflow_writes() -> None:
    out: list[bytes] = []
    write_index([(b"b", B_ENTRY), (b"w", W_ENTRY)], 1, out.append)
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
        write_index([(key, B_ENTRY) for key in keys], 1, out.append)
