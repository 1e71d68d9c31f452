from __future__ import annotations

import pytest

from pbckpt.table.builder import (
    BLOCK_BYTES,
    LARGE_ENTRY_BYTES,
    TableBuilder,
    short_successor,
    shortest_separator,
    write_table,
)

# Two float32 variables, b of shape [2] and w of shape [2, 3], as TensorFlow 1.15 and
# 2.21 both wrote them.
HEADER = bytes.fromhex("08011a020801")
B = bytes.fromhex("0801 1204 12020802 2808 35fb29da1a")
W = bytes.fromhex("0801 1208 12020802 12020803 2008 2818 35c0db3d17")
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

# Two empty root blocks.
NO_ENTRIES = bytes.fromhex(
    "00000000 01000000  00 c0f2a1b0"
    "00000000 01000000  00 c0f2a1b0"
    "0008 0d08  0000000000000000 0000000000000000 0000000000000000 0000000000000000 00000000"
    "57fb808b247547db"
)

# The trailer of the index block, and the footer.
TAIL_BYTES = 5 + 48


def table_of(*entries: tuple[bytes, bytes]) -> bytes:
    out: list[bytes] = []
    write_table(entries, out.append)
    return b"".join(out)


def index_block_of(table: bytes) -> str:
    """Return the index block of a table that has an empty metaindex block before it."""
    metaindex = bytes.fromhex("00000000 01000000  00 c0f2a1b0")
    start = table.rindex(metaindex) + len(metaindex)
    return table[start:-TAIL_BYTES].hex(" ")


def spaced(stored: str) -> str:
    return bytes.fromhex(stored).hex(" ")


def test_the_file_that_tensorflow_wrote() -> None:
    assert len(WORKED) == 146
    assert table_of((b"", HEADER), (b"b", B), (b"w", W)) == WORKED


def test_a_table_without_entries() -> None:
    assert table_of() == NO_ENTRIES


def test_bytes_leave_in_order_a_block_at_a_time() -> None:
    out: list[bytes] = []
    write_table([(b"", HEADER), (b"b", B), (b"w", W)], out.append)
    assert [len(part) for part in out] == [0x3D + 5, 8 + 5, 0x0E + 5, 48]
    assert b"".join(out) == WORKED


def test_a_data_block_is_written_as_soon_as_it_is_full() -> None:
    out: list[bytes] = []
    builder = TableBuilder(out.append)
    builder.add(b"a", bytes(262129))
    assert out == []
    builder.add(b"b", b"")
    assert [len(part) for part in out] == [262147 + 5]


@pytest.mark.parametrize(
    ("first", "second"),
    [(b"a", b"a"), (b"b", b"a"), (b"ab", b"a"), (b"", b""), (b"\xff", b"\x00"), (b"a", b"")],
)
def test_keys_ascend_strictly(first: bytes, second: bytes) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        table_of((first, b""), (second, b""))


def test_keys_ascend_across_blocks_too() -> None:
    with pytest.raises(ValueError, match="must ascend"):
        table_of((b"b", bytes(300_000)), (b"a", b""))


def test_keys_ascend_as_bytes_without_a_sign() -> None:
    table = table_of((b"a", b""), (b"a\x00", b""), (b"\x7f", b""), (b"\x80", b""))
    assert table[:17] == bytes.fromhex("000100 61  010100 00  000100 7f  000100 80  00")


@pytest.mark.parametrize(
    ("last", "following", "key"),
    [
        pytest.param(b"ax", b"cy", b"b", id="room between"),
        pytest.param(b"ax", b"by", b"ax", id="no room between"),
        pytest.param(b"a", b"b", b"a", id="neighbours"),
        pytest.param(b"abc", b"abq", b"abd", id="after a common start"),
        pytest.param(b"ab1x", b"ab3", b"ab2", id="in the middle"),
        pytest.param(b"a", b"abc", b"a", id="a start of the next"),
        pytest.param(b"", b"axxx", b"", id="nothing"),
        pytest.param(b"\xfea", b"\xffb", b"\xfea", id="next to the last byte"),
        pytest.param(b"\x00\xff", b"\x02", b"\x01", id="low bytes"),
        pytest.param(b"\x7fa", b"\x81", b"\x80", id="over the sign bit"),
        pytest.param(b"abcdefgh\xff", b"abcdefgz", b"abcdefgi", id="shorter by one"),
        # A longer search would find b"a\x02", which is shorter; TensorFlow does not search.
        pytest.param(b"a\x01xxxx", b"b", b"a\x01xxxx", id="no search"),
    ],
)
def test_a_separator_is_short(last: bytes, following: bytes, key: bytes) -> None:
    assert shortest_separator(last, following) == key


@pytest.mark.parametrize(
    ("last", "key"),
    [
        (b"w", b"x"),
        (b"model/layer_1/kernel_19981/pppp", b"n"),
        (b"\xff\xffqqqqqqqqqq", b"\xff\xffr"),
        (b"\xff\xff\xff", b"\xff\xff\xff"),
        (b"\xff", b"\xff"),
        (b"\xfe", b"\xff"),
        (b"\x00", b"\x01"),
        (b"\x00abc", b"\x01"),
        (b"", b""),
    ],
)
def test_a_successor_is_short(last: bytes, key: bytes) -> None:
    assert short_successor(last) == key


def test_sizes_of_tensorflow() -> None:
    assert BLOCK_BYTES == 262144
    assert LARGE_ENTRY_BYTES == 524288


def test_a_block_of_262143_bytes_takes_another_entry() -> None:
    # 6 bytes of head and key, the value, 8 bytes of restarts; then an entry of 4 bytes.
    table = table_of((b"a", bytes(262129)), (b"b", b""))
    assert index_block_of(table) == spaced("000104 63 00 838010  00000000 01000000")


def test_a_block_of_262144_bytes_is_cut() -> None:
    table = table_of((b"a", bytes(262130)), (b"b", b""))
    assert index_block_of(table) == spaced(
        "000104 61 00 808010"
        "000104 63 8580100c"
        "00000000 08000000 02000000"
    )  # fmt: skip


def test_the_second_restart_counts_towards_a_block() -> None:
    # 6 + 262066 bytes, fifteen entries of 4 and 8 bytes of restarts are 262140: the
    # seventeenth entry has 4 bytes and a restart of 4.
    first = (b"a", bytes(262066))
    others = [(bytes((0x62 + number,)), b"") for number in range(15)]
    assert index_block_of(table_of(first, *others, (b"z", b""))) == spaced(
        "000104 7b 00 848010  00000000 01000000"
    )
    assert index_block_of(table_of(first, *others, (b"y", b""), (b"z", b""))) == spaced(
        "000104 79 00 848010"
        "000104 7b 8980100c"
        "00000000 08000000 02000000"
    )  # fmt: skip


def test_an_entry_of_524288_bytes_cuts_the_block_before_it() -> None:
    table = table_of((b"", HEADER), (b"b", B), (b"k", bytes(524287)), (b"m", b""))
    assert index_block_of(table) == spaced(
        "000102 63 0024"  # the header and b: 9 + 19 + 8 bytes
        "000104 6c 29 8d8020"  # k alone, for it fills its block
        "000104 6e bb80200c"
        "00000000 06000000 0e000000 03000000"
    )


def test_an_entry_of_524287_bytes_stays_in_the_block() -> None:
    table = table_of((b"", HEADER), (b"b", B), (b"k", bytes(524286)), (b"m", b""))
    assert index_block_of(table) == spaced(
        "000104 6c 00 a88020"
        "000104 6e ad80200c"
        "00000000 08000000 02000000"
    )  # fmt: skip


def test_the_key_alone_can_make_a_large_entry() -> None:
    table = table_of((b"", HEADER), (b"k" * 524288, b""))
    assert table[9:17] == bytes.fromhex("00000000 01000000")
    assert table[22:27] == bytes.fromhex("0080802000")


def test_a_large_entry_cuts_even_a_block_that_has_the_header_only() -> None:
    table = table_of((b"", HEADER), (b"k", bytes(524287)))
    assert table[:17] == bytes.fromhex("000006 08011a020801  00000000 01000000")
    assert index_block_of(table) == spaced(
        "000002 0011"
        "000104 6c 16 8d8020"
        "00000000 05000000 02000000"
    )  # fmt: skip


def test_a_large_first_entry_has_nothing_to_cut() -> None:
    table = table_of((b"k", bytes(524288)))
    assert index_block_of(table) == spaced("000104 6c 00 8e8020  00000000 01000000")


def test_large_entries_lie_alone() -> None:
    table = table_of((b"", HEADER), (b"k", bytes(524288)), (b"m", bytes(524288)))
    assert index_block_of(table) == spaced(
        "000002 0011000104 6c 16 8e8020000106 6e a98020 8e802000000000 05000000 0d000000 03000000"
    )


def test_the_next_block_starts_with_a_whole_key() -> None:
    table = table_of((b"model/a", bytes(262144)), (b"model/b", b"\x01"))
    start = 5 + 7 + 262144 + 8 + 5
    assert table[start : start + 19] == bytes.fromhex("000701 6d6f64656c2f62 01  00000000 01000000")


def test_separators_stand_in_the_index_block() -> None:
    table = table_of((b"ax", bytes(262144)), (b"cx", bytes(262144)), (b"cy", b""))
    assert index_block_of(table) == spaced(
        "000104 62 00 8f8010"  # b: between ax and cx
        "000206 6378 948010 8f8010"  # cx: there is no room before cy
        "000104 64 a880200d"  # d: after cy
        "00000000 08000000 13000000 03000000"
    )
