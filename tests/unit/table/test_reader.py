"""The table reader, on files that are whole, damaged, and forged.

A forged table has right checksums: whoever can write a file can write those too.
"""

from __future__ import annotations

import random
import struct
from typing import NamedTuple

import pytest

from pbckpt.errors import ChecksumError, CorruptFileError
from pbckpt.table.builder import write_table
from pbckpt.table.footer import BlockHandle, Footer
from pbckpt.table.reader import TableReader
from pbckpt.wire.checksum import crc32c, mask
from pbckpt.wire.span import Memory

# Two variables, as TensorFlow wrote them.
WORKED = bytes.fromhex(
    "000006     08011a020801"
    "00010f 62  0801 1204 12020802 2808 35fb29da1a"
    "000115 77  0801 1208 12020802 12020803 2008 2818 35c0db3d17"
    "00000000 01000000  00 e4d02cc4"
    "00000000 01000000  00 c0f2a1b0"
    "000102 78 003d  00000000 01000000  00 793006f4"
    "4208 4f0e  0000000000000000 0000000000000000 0000000000000000 0000000000000000 00000000"
    "57fb808b247547db"
)
WORKED_ENTRIES = [
    (b"", bytes.fromhex("08011a020801")),
    (b"b", bytes.fromhex("0801 1204 12020802 2808 35fb29da1a")),
    (b"w", bytes.fromhex("0801 1208 12020802 12020803 2008 2818 35c0db3d17")),
]
METAINDEX_BYTES = range(0x42, 0x4F)
METAINDEX_HANDLE_BYTES = range(0x62, 0x64)
PADDING_BYTES = range(0x66, 0x8A)

ONE_RESTART = "00000000 01000000"


class Stored(NamedTuple):
    """A block of a forged table: its bytes and its type."""

    block: bytes
    kind: int = 0

    def encode(self) -> bytes:
        crc = mask(crc32c(bytes((self.kind,)), crc32c(self.block)))
        return self.block + struct.pack("<BI", self.kind, crc)


def block(entries: str, restarts: str = ONE_RESTART, kind: int = 0) -> Stored:
    return Stored(bytes.fromhex(entries) + bytes.fromhex(restarts), kind)


EMPTY = block("")
# "a" and "c", then "e" and "g": each entry has five bytes, each block 18.
FIRST = block("000101 61 31  000101 63 32")
SECOND = block("000101 65 33  000101 67 34")
# The index of both, with the keys d and h, and what they hold.
INDEX = block("000102 64 0012  000102 68 1712")
ENTRIES = [(b"a", b"1"), (b"c", b"2"), (b"e", b"3"), (b"g", b"4")]

# More than 256 KiB, so that a table of them has two data blocks.
LAYERS = [(b"layer_%04d/kernel" % number, b"\x55" * 1000) for number in range(400)]


def forged(
    *data: Stored, index: Stored, metaindex: Stored = EMPTY, footer: Footer | None = None
) -> bytes:
    """Return a table of these blocks, each with the checksum that it should have."""
    body = b"".join(stored.encode() for stored in data)
    metaindex_handle = BlockHandle(len(body), len(metaindex.block))
    body += metaindex.encode()
    index_handle = BlockHandle(len(body), len(index.block))
    body += index.encode()
    return body + (footer or Footer(metaindex_handle, index_handle)).encode()


def entries_of(table: bytes) -> list[tuple[bytes, bytes]]:
    return list(TableReader(Memory(table)))


def read_and_check(table: bytes) -> None:
    reader = TableReader(Memory(table))
    list(reader)
    reader.check_layout()


def is_all(table: bytes, count: int) -> bool:
    """Tell whether a table can be read; no list may be shorter than it was."""
    try:
        entries = entries_of(table)
    except CorruptFileError:
        return False
    assert len(entries) == count
    assert entries in (WORKED_ENTRIES, ENTRIES, LAYERS)
    return True


def flipped(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


TWO_BLOCKS = forged(FIRST, SECOND, index=INDEX)


def test_the_file_that_tensorflow_wrote() -> None:
    assert entries_of(WORKED) == WORKED_ENTRIES
    TableReader(Memory(WORKED)).check_layout()


def test_two_blocks_are_one_list() -> None:
    assert entries_of(TWO_BLOCKS) == ENTRIES
    TableReader(Memory(TWO_BLOCKS)).check_layout()


def test_a_table_without_entries() -> None:
    table = forged(index=EMPTY)
    assert entries_of(table) == []
    TableReader(Memory(table)).check_layout()


def test_a_table_can_be_read_again() -> None:
    reader = TableReader(Memory(TWO_BLOCKS))
    assert [key for key, _ in reader] == [b"a", b"c", b"e", b"g"]
    assert [key for key, _ in reader] == [b"a", b"c", b"e", b"g"]


@pytest.mark.parametrize("table", [WORKED, TWO_BLOCKS], ids=["worked", "two blocks"])
def test_no_table_ends_early(table: bytes) -> None:
    for size in range(len(table)):
        with pytest.raises(CorruptFileError):
            entries_of(table[:size])


def test_no_table_begins_late() -> None:
    for start in range(1, len(TWO_BLOCKS)):
        with pytest.raises(CorruptFileError):
            entries_of(TWO_BLOCKS[start:])


def test_a_flipped_bit_is_noticed_where_reading_looks() -> None:
    unnoticed = {bit // 8 for bit in range(8 * len(WORKED)) if is_all(flipped(WORKED, bit), 3)}
    # The last byte of the index handle can become a longer form of itself.
    assert unnoticed == {*METAINDEX_BYTES, *METAINDEX_HANDLE_BYTES, 0x65, *PADDING_BYTES}


def test_a_flipped_bit_in_one_of_two_blocks_never_shortens_the_list() -> None:
    unnoticed = [bit for bit in range(8 * len(TWO_BLOCKS)) if is_all(flipped(TWO_BLOCKS, bit), 4)]
    assert min(unnoticed) == 8 * 0x2E  # where the metaindex block begins


@pytest.mark.parametrize("table", [WORKED, TWO_BLOCKS], ids=["worked", "two blocks"])
def test_a_check_of_the_layout_notices_every_flipped_bit(table: bytes) -> None:
    for bit in range(8 * len(table)):
        with pytest.raises(CorruptFileError):
            read_and_check(flipped(table, bit))


def test_a_wrong_byte_is_told_with_the_block_that_it_is_in() -> None:
    damaged = bytearray(TWO_BLOCKS)
    damaged[0x17 + 4] ^= 0xFF
    with pytest.raises(ChecksumError) as caught:
        entries_of(bytes(damaged))
    assert caught.value.offset == 0x17


def test_a_damaged_second_block_does_not_end_the_list() -> None:
    damaged = bytearray(TWO_BLOCKS)
    damaged[0x17:0x29] = bytes(18)
    entries = iter(TableReader(Memory(damaged)))
    assert [next(entries)[0], next(entries)[0]] == [b"a", b"c"]
    with pytest.raises(ChecksumError):
        next(entries)


@pytest.mark.parametrize(
    ("first", "second", "index"),
    [
        pytest.param(
            block("000101 63 31  000101 61 32"), SECOND, INDEX, id="keys of a block descend"
        ),
        pytest.param(block("000101 61 31  000101 61 32"), SECOND, INDEX, id="a key twice in a row"),
        pytest.param(block("000101 61 31  000101 63 32"), FIRST, INDEX, id="a block twice"),
        pytest.param(
            block("000101 61 31  000101 65 32"),
            SECOND,
            block("000102 65 0012  000102 68 1712"),
            id="a key twice in two blocks",
        ),
        pytest.param(SECOND, FIRST, INDEX, id="blocks that changed places"),
        pytest.param(
            block("010101 61 31  000101 63 32"), SECOND, INDEX, id="a first key that shares"
        ),
        pytest.param(
            FIRST, block("000101 65 33  030001 34 ff"), INDEX, id="a key that shares too much"
        ),
        pytest.param(
            block("000101 61 31  000101 63 32", "00000000 06000000 02000000"),
            SECOND,
            block("000102 64 0016  000102 68 1b12"),
            id="a restart within an entry",
        ),
        pytest.param(
            FIRST,
            block("000101 65 33  000101 67 34", "00000000 0a000000 02000000"),
            block("000102 64 0012  000102 68 1716"),
            id="a restart behind the entries",
        ),
        pytest.param(
            block("000101 61 31  000101 63 32", "01000000 01000000"),
            SECOND,
            INDEX,
            id="a first restart above 0",
        ),
        pytest.param(
            block("000101 61 31  000101 63 32", "00000000 00000000"),
            SECOND,
            INDEX,
            id="no restarts",
        ),
        pytest.param(
            FIRST, SECOND, block("000102 62 0012  000102 68 1712"), id="index key below a last key"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 64 0012  000102 66 1712"), id="last index key too low"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 65 0012  000102 68 1712"), id="index key at the next key"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 66 0012  000102 68 1712"), id="index key above a next key"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 68 0012  000102 64 1712"), id="index keys that descend"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 64 0012  000102 64 1712"), id="an index key twice"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 64 0012  000102 68 0012"), id="an index of one block twice"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 64 0011  000102 68 1712"), id="a size too small by one"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 64 0013  000102 68 1712"), id="a size too large by one"
        ),
        pytest.param(
            FIRST, SECOND, block("000102 64 0112  000102 68 1712"), id="an offset too large by one"
        ),
        pytest.param(FIRST, SECOND, block("000102 64 0000  000102 68 1712"), id="a size of 0"),
        pytest.param(
            FIRST, SECOND, block("000103 64 001200  000102 68 1712"), id="bytes after a handle"
        ),
        pytest.param(FIRST, SECOND, block("000101 64 00  000102 68 1712"), id="half a handle"),
        pytest.param(FIRST, SECOND, block("000100 64  000102 68 1712"), id="no handle"),
        pytest.param(
            FIRST, SECOND, block("00010b 64 0080808080808080808002"), id="a size over 64 bits"
        ),
        pytest.param(block("", ""), SECOND, block("000102 64 0000  000102 68 0512"), id="no block"),
    ],
)
def test_forged_blocks_are_corrupt(first: Stored, second: Stored, index: Stored) -> None:
    table = forged(first, second, index=index)
    with pytest.raises(CorruptFileError):
        entries_of(table)


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        pytest.param("00", "8e01", id="as long as the file"),
        pytest.param("00", "ffffffffffffffff7f", id="2**63 - 1 bytes"),
        pytest.param("00", "80808080808080808001", id="2**63 bytes"),
        pytest.param("00", "fbffffffffffffffff01", id="2**64 - 5 bytes"),
        pytest.param("00", "ffffffffffffffffff01", id="2**64 - 1 bytes"),
        pytest.param("80808080808080808001", "12", id="at 2**63"),
        pytest.param("ffffffffffffffffff01", "12", id="at 2**64 - 1"),
        pytest.param("fbffffffffffffffff01", "05", id="where the sum wraps"),
        pytest.param("808080808080808040", "12", id="at 2**62"),
        pytest.param("808080808001", "808080808001", id="far out"),
    ],
)
def test_a_block_past_the_end_is_refused_before_it_is_read(offset: str, size: str) -> None:
    handle = bytes.fromhex(offset + size)
    index = block(bytes((0, 1, len(handle))).hex() + "68" + handle.hex())
    with pytest.raises(CorruptFileError, match="past the end"):
        entries_of(forged(FIRST, index=index))


def test_a_block_may_not_reach_into_the_footer() -> None:
    table = forged(FIRST, SECOND, index=INDEX)
    body = len(table) - 48
    handle = BlockHandle(body - 22, 18).encode()
    index = block(bytes((0, 1, len(handle))).hex() + "68" + handle.hex())
    with pytest.raises(CorruptFileError, match="past the end"):
        entries_of(forged(index=index))


@pytest.mark.parametrize(
    "index_handle",
    [
        BlockHandle(1 << 63, 14),
        BlockHandle((1 << 64) - 1, (1 << 64) - 1),
        BlockHandle(0, (1 << 64) - 5),
        BlockHandle(1 << 20, 14),
    ],
)
def test_the_root_blocks_lie_within_the_file(index_handle: BlockHandle) -> None:
    table = forged(FIRST, index=INDEX, footer=Footer(BlockHandle(23, 8), index_handle))
    with pytest.raises(CorruptFileError, match="past the end"):
        entries_of(table)


@pytest.mark.parametrize("kind", [2, 3, 4, 127, 255])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_blocks_of_an_unknown_type_are_corrupt(kind: int, place: int) -> None:
    blocks = [FIRST, SECOND, INDEX]
    blocks[place] = blocks[place]._replace(kind=kind)
    with pytest.raises(CorruptFileError, match="unknown type"):
        entries_of(forged(blocks[0], blocks[1], index=blocks[2]))


def test_a_data_block_without_entries_at_the_start_is_corrupt() -> None:
    index = block("000102 60 0008  000102 64 0d12  000102 68 2412")
    with pytest.raises(CorruptFileError):
        entries_of(forged(EMPTY, FIRST, SECOND, index=index))


@pytest.mark.parametrize(
    ("blocks", "index"),
    [
        pytest.param(
            (FIRST, EMPTY, SECOND), "000102 64 0012  000202 6430 1708  000102 68 2412", id="between"
        ),
        pytest.param(
            (FIRST, SECOND, EMPTY), "000102 64 0012  000102 68 1712  000102 69 2e08", id="last"
        ),
    ],
)
def test_a_data_block_without_entries_is_corrupt(blocks: tuple[Stored, ...], index: str) -> None:
    with pytest.raises(CorruptFileError):
        entries_of(forged(*blocks, index=block(index)))


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            forged(FIRST, SECOND, index=INDEX, metaindex=block("000101 61 31")),
            id="a metaindex block with an entry",
        ),
        pytest.param(
            forged(FIRST, SECOND, index=INDEX, metaindex=Stored(EMPTY.block, 255)),
            id="a metaindex block of an unknown type",
        ),
        pytest.param(
            forged(FIRST, SECOND, Stored(b"hole"), index=INDEX), id="bytes before the metaindex"
        ),
        pytest.param(
            forged(FIRST, SECOND, index=block("000102 68 1712")), id="a block that no key leads to"
        ),
    ],
)
def test_what_reading_does_not_need_is_checked_with_the_layout(table: bytes) -> None:
    assert entries_of(table)[-1] == (b"g", b"4")
    with pytest.raises(CorruptFileError):
        TableReader(Memory(table)).check_layout()


def test_blocks_lie_in_the_order_of_their_keys_and_the_root_blocks_behind_them() -> None:
    index = block("000102 64 0d12  000102 68 2412")
    blocks = [EMPTY, FIRST, SECOND, index]
    footer = Footer(BlockHandle(0, 8), BlockHandle(0x3B, len(index.block)))
    table = b"".join(stored.encode() for stored in blocks) + footer.encode()
    assert entries_of(table) == ENTRIES
    with pytest.raises(CorruptFileError, match="belong to no block"):
        TableReader(Memory(table)).check_layout()


def test_bytes_before_the_footer_are_found_by_the_layout() -> None:
    table = TWO_BLOCKS[:-48] + b"hole" + TWO_BLOCKS[-48:]
    assert entries_of(table) == ENTRIES
    with pytest.raises(CorruptFileError, match="belong to no block") as caught:
        TableReader(Memory(table)).check_layout()
    assert caught.value.offset == len(TWO_BLOCKS) - 48


@pytest.mark.parametrize("tail", [b"\0", b"junk", bytes(48)])
def test_bytes_after_the_footer_are_corrupt(tail: bytes) -> None:
    with pytest.raises(CorruptFileError, match="no table ends here"):
        entries_of(TWO_BLOCKS + tail)


def test_a_second_footer_is_found_by_the_layout() -> None:
    table = TWO_BLOCKS + TWO_BLOCKS[-48:]
    assert entries_of(table) == ENTRIES
    with pytest.raises(CorruptFileError):
        TableReader(Memory(table)).check_layout()


def test_bytes_before_the_first_block_are_corrupt() -> None:
    with pytest.raises(CorruptFileError):
        entries_of(b"\0" + TWO_BLOCKS)


def large_table() -> bytes:
    out: list[bytes] = []
    write_table(LAYERS, out.append)
    assert len(out) == 2 + 3  # two data blocks, two root blocks, the footer
    return b"".join(out)


def test_a_large_table_has_all_its_keys_or_none() -> None:
    table = large_table()
    chance = random.Random(20240229)  # noqa: S311 - the same positions every time
    bits = [chance.randrange(8 * len(table)) for _ in range(400)]
    assert sum(is_all(flipped(table, bit), 400) for bit in bits) == 0


def test_a_zeroed_page_of_a_large_table_is_noticed() -> None:
    table = large_table()
    starts = range(0, len(table), 4096)
    pages = [table[start : start + 4096] for start in starts]
    for number, start in enumerate(starts):
        damaged = table[:start] + bytes(len(pages[number])) + table[start + 4096 :]
        with pytest.raises(CorruptFileError):
            entries_of(damaged)
