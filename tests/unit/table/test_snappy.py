"""Snappy blocks, made by hand: data blocks, index blocks, bombs, and no library to read them."""

from __future__ import annotations

import struct
import sys
import tracemalloc
from importlib.util import find_spec

import pytest

from pbckpt.errors import ChecksumError, CorruptFileError, UnsupportedBundleError
from pbckpt.table.block import decode_stored_block
from pbckpt.table.footer import BlockHandle, Footer
from pbckpt.table.reader import TableReader
from pbckpt.table.snappy import decompress
from pbckpt.wire.checksum import crc32c, mask
from pbckpt.wire.span import Memory

EMPTY = bytes.fromhex("00000000 01000000")
# "a" and "c", then "e" and "g", 18 bytes each.
FIRST = bytes.fromhex("000101 61 31  000101 63 32  00000000 01000000")
SECOND = bytes.fromhex("000101 65 33  000101 67 34  00000000 01000000")
ENTRIES = [(b"a", b"1"), (b"c", b"2"), (b"e", b"3"), (b"g", b"4")]

needs_library = pytest.mark.skipif(find_spec("cramjam") is None, reason="needs cramjam")


def literal(data: bytes) -> bytes:
    """Return a Snappy block of one literal of up to 60 bytes."""
    assert 0 < len(data) <= 60
    return bytes((len(data), len(data) - 1 << 2)) + data


def stored(block: bytes, kind: int) -> bytes:
    return block + struct.pack("<BI", kind, mask(crc32c(bytes((kind,)), crc32c(block))))


def table_of(kinds: tuple[int, int, int, int]) -> bytes:
    """Return a table of two data blocks, the metaindex and the index, compressed where told."""
    body, handles = b"", []
    for block, kind in zip([FIRST, SECOND, EMPTY], kinds[:3], strict=True):
        image = literal(block) if kind else block
        handles.append(BlockHandle(len(body), len(image)))
        body += stored(image, kind)
    first, second, metaindex = handles
    index = b"\0\1\2d" + first.encode() + b"\0\1\2h" + second.encode() + EMPTY
    image = literal(index) if kinds[3] else index
    index_handle = BlockHandle(len(body), len(image))
    return body + stored(image, kinds[3]) + Footer(metaindex, index_handle).encode()


def repeating(count: int, claimed: int | None = None) -> bytes:
    """Return a block of an ``x``, and ``count`` copies of 64 bytes more of it."""
    length = 1 + 64 * count if claimed is None else claimed
    varint = bytes((length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14 & 0x7F | 0x80))
    return varint + bytes((length >> 21,)) + b"\0x" + b"\xfe\x01\0" * count


@needs_library
@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(literal(EMPTY), EMPTY, id="a literal"),
        pytest.param(b"\x00", b"", id="nothing"),
        pytest.param(bytes.fromhex("05 00 78 01 01"), b"xxxxx", id="a copy of itself"),
        pytest.param(bytes.fromhex("0a 10 6162636465 12 0500"), b"abcdeabcde", id="a copy"),
        pytest.param(bytes.fromhex("8500 10 6162636465"), b"abcde", id="a long form of the length"),
        pytest.param(repeating(1000), b"x" * 64001, id="21 times its size"),
    ],
)
def test_what_a_snappy_block_holds(block: bytes, expected: bytes) -> None:
    assert decompress(block) == expected
    assert decode_stored_block(stored(block, 1)) == expected


@needs_library
@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("data", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_a_table_with_snappy_blocks_is_read(data: tuple[int, int], index: int) -> None:
    table = table_of((*data, 0, index))
    reader = TableReader(Memory(table))
    assert [tuple(entry) for entry in reader] == ENTRIES
    assert [reader.find(key) for key, _ in ENTRIES] == [b"1", b"2", b"3", b"4"]
    assert reader.find(b"b") is None
    reader.check_layout()


@needs_library
def test_a_snappy_metaindex_block_is_checked_with_the_layout() -> None:
    TableReader(Memory(table_of((1, 1, 1, 1)))).check_layout()


@needs_library
def test_every_flipped_bit_of_a_table_of_snappy_blocks_is_noticed() -> None:
    table = table_of((1, 1, 1, 1))
    for bit in range(8 * len(table)):
        damaged = bytearray(table)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError):
            read_and_check(bytes(damaged))


def read_and_check(table: bytes) -> None:
    reader = TableReader(Memory(table))
    list(reader)
    reader.check_layout()


@needs_library
@pytest.mark.parametrize(
    ("block", "fact"),
    [
        pytest.param("", "does not end", id="no length"),
        pytest.param("80", "does not end", id="a length that does not end"),
        pytest.param("808080808001", "does not end", id="a length of six bytes"),
        pytest.param("ffffffff1f 00 78", "32 bits", id="a length of 33 bits"),
        pytest.param("05", "claims more", id="a length alone"),
        pytest.param("ffffffff0f 00 78", "claims more", id="four gigabytes of two bytes"),
        pytest.param("05 00 78", "does not decompress", id="too few bytes"),
        pytest.param("01 04 7879", "does not decompress", id="too many bytes"),
        pytest.param("05 00 78 01 02", "does not decompress", id="a copy from before the start"),
        pytest.param("05 00 78 01 00", "does not decompress", id="a copy from nowhere"),
        pytest.param("05 10 7878", "does not decompress", id="a literal that is cut"),
        pytest.param("05 00 78 02 01", "does not decompress", id="a copy that is cut"),
        pytest.param("05 fc ffffffff 78", "does not decompress", id="a literal of four gigabytes"),
    ],
)
def test_what_is_no_snappy_block(block: str, fact: str) -> None:
    with pytest.raises(CorruptFileError, match=fact) as caught:
        decompress(bytes.fromhex(block))
    assert not isinstance(caught.value, ChecksumError)


@needs_library
def test_the_checksum_is_looked_at_before_the_block() -> None:
    with pytest.raises(ChecksumError):
        decode_stored_block(b"\x05" + b"\x01\0\0\0\0")


@needs_library
def test_a_bomb_takes_no_memory() -> None:
    """Each copy of three bytes gives 64 bytes at most, so nothing can claim 22 times its size."""
    bomb = repeating(1000, claimed=66_100)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError, match="claims more than it can hold") as caught:
            decompress(bomb)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert (caught.value.expected, caught.value.actual) == ("at most 66044 bytes", "66100")


@needs_library
def test_a_damaged_block_is_told_with_its_place() -> None:
    """The second data block begins where the first one and its trailer end."""
    body = stored(FIRST, 0) + stored(b"\x12\x00", 1)
    index = bytes.fromhex("000102 64 0012  000102 68 1702") + EMPTY
    table = body + stored(EMPTY, 0) + stored(index, 0)
    footer = Footer(BlockHandle(len(body), 8), BlockHandle(len(body) + 13, len(index)))
    reader = TableReader(Memory(table + footer.encode()))
    assert reader.find(b"c") == b"2"
    with pytest.raises(CorruptFileError) as caught:
        reader.find(b"e")
    assert caught.value.offset == 0x17


@pytest.mark.parametrize("kinds", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1)])
def test_without_the_library_it_is_told_what_to_install(
    kinds: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cramjam", None)
    with pytest.raises(UnsupportedBundleError, match=r"pip install pbckpt\[snappy\]"):
        list(TableReader(Memory(table_of(kinds))))


def test_without_the_library_other_blocks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cramjam", None)
    reader = TableReader(Memory(table_of((0, 1, 0, 0))))
    assert reader.find(b"a") == b"1"
    with pytest.raises(UnsupportedBundleError):
        reader.find(b"e")
