"""The index: one key at a time, or all of them after a full check."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest

from pbckpt.bundle.entry import BundleEntry, BundleHeader, Extent
from pbckpt.bundle.index import Index
from pbckpt.bundle.slices import slice_key
from pbckpt.dtypes import DataType
from pbckpt.errors import ChecksumError, CorruptFileError, UnsupportedBundleError
from pbckpt.table import block, builder, reader
from pbckpt.table.block import decode_stored_block
from pbckpt.wire.span import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "0801 1a020801"
# The scalar 1.5 at the start of the only shard, and the entry that says so.
SCALAR = "0801 1200 2804 355e2fe1a7"
ENTRY = BundleEntry(DataType.FLOAT, (), 0, 0, 4, 0x224302AF)

# A float32 of shape [2, 2], a row each.
ROWS = [(Extent(0, 1), Extent(0, 2)), (Extent(1, 1), Extent(0, 2))]
FULL = "0801 1208 12020802 12020802 3a08 0a021001 0a021002 3a0a 0a0408011001 0a021002"
ROW = "0801 1208 12020801 12020802 2808 35fb29da1a"
ROW_ENTRY = BundleEntry(DataType.FLOAT, (1, 2), 0, 0, 8, 0x9F91BC2B)


def table_of(values: Mapping[bytes, str], block_bytes: int = 100) -> bytes:
    """Return an index of small blocks: a few entries each."""
    out: list[bytes] = []
    with mock.patch.object(builder, "BLOCK_BYTES", block_bytes):
        builder.write_table(
            ((key, bytes.fromhex(value)) for key, value in sorted({b"": HEADER, **values}.items())),
            out.append,
        )
    return b"".join(out)


def index_of(values: Mapping[bytes, str], block_bytes: int = 100) -> Index:
    return Index(Memory(table_of(values, block_bytes), "some.index"))


# A partitioned tensor among others, and names that begin with a zero byte or look like slices.
PARTS = [slice_key(b"p", place) for place in ROWS]
LOOKS_LIKE_A_PART = slice_key(b"q", ROWS[0])
NAMES = [
    b"\0",
    b"\0\0",
    b"\0a",
    LOOKS_LIKE_A_PART,
    b"\x01",
    *(b"layer_%02d" % number for number in range(20)),
    b"z",
    b"\xff",
]
VALUES = {
    **dict.fromkeys(NAMES, SCALAR),
    b"p": FULL,
    PARTS[0]: ROW,
    PARTS[1]: ROW,
}


class Counted:
    """Counts the blocks that are decoded, by their sizes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocks = 0
        monkeypatch.setattr(reader, "decode_stored_block", self)

    def __call__(self, stored: bytes) -> bytes:
        self.blocks += 1
        return decode_stored_block(stored)


def test_every_key_is_found_as_it_is_listed() -> None:
    listed = index_of(VALUES).entries
    assert list(listed) == sorted([*NAMES, b"p"])
    for key, entry in listed.items():
        assert index_of(VALUES).find(key) == entry
    index = index_of(VALUES)
    assert {key: index.find(key) for key in listed} == listed


def test_every_stored_key_is_found_before_the_list_and_after_it() -> None:
    index = index_of(VALUES)
    before = {key: index.find_stored(key) for key in VALUES}
    assert before.keys() == {*index.entries, *index.slice_entries}
    assert before == {**index.entries, **index.slice_entries}
    assert before == {key: index.find_stored(key) for key in VALUES}
    assert index.slice_entries == dict.fromkeys(PARTS, ROW_ENTRY)


@pytest.mark.parametrize("key", [b"", b"a", b"layer_", b"layer_00\0", b"layer_1", b"\0\x01", b"zz"])
def test_a_key_that_is_absent_is_not_found(key: bytes) -> None:
    index = index_of(VALUES)
    assert index.find(key) is None
    assert key not in index.entries
    assert index.find(key) is None


@pytest.mark.parametrize("key", PARTS)
def test_a_part_is_no_name(key: bytes) -> None:
    index = index_of(VALUES)
    assert index.find(key) is None
    assert index.find_stored(key) == ROW_ENTRY


@pytest.mark.parametrize("key", [b"\0", b"\0\0", b"\0a", LOOKS_LIKE_A_PART])
def test_a_name_may_begin_with_a_zero_byte(key: bytes) -> None:
    assert index_of(VALUES).find(key) == ENTRY


def test_the_header_is_no_tensor() -> None:
    index = index_of(VALUES)
    assert index.find(b"") is None
    assert b"" not in index.entries
    assert index.header == BundleHeader(1, big_endian=False)


def test_a_key_takes_one_block_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {b"tensor_%05d" % number: SCALAR for number in range(3000)}
    table = table_of(values, 1000)
    counted = Counted(monkeypatch)
    index = Index(Memory(table))
    assert counted.blocks == 2  # the index block, and the block of the header
    for number in (2999, 1500, 1500, 700):
        assert index.find(b"tensor_%05d" % number) == ENTRY
    assert index.find(b"tensor_01500x") is None
    assert counted.blocks == 2 + 4
    assert len(index.entries) == 3000
    assert counted.blocks > 40
    so_far = counted.blocks
    assert index.find(b"tensor_00001") == ENTRY
    assert index.find(b"absent") is None
    assert counted.blocks == so_far


def test_one_entry_is_decoded_for_one_key() -> None:
    """The others are not looked at, whatever they hold."""
    values = {**{b"layer_%02d" % number: "deadbeef" for number in range(20)}, b"m": SCALAR}
    index = index_of(values, 1 << 20)
    assert index.find(b"m") == ENTRY
    with pytest.raises(CorruptFileError, match=r"^some\.index: key 'layer_00': "):
        _ = index.entries


def damaged_where(table: bytes, key: bytes) -> bytes:
    """Flip a bit of a value: that of the entry whose key ends so."""
    place = table.index(key) + len(key)
    return table[:place] + bytes((table[place] ^ 1,)) + table[place + 1 :]


def test_damage_to_other_blocks_matters_to_the_list_alone() -> None:
    values = {bytes((letter,)) * 90: SCALAR for letter in b"abcdef"}
    table = table_of(values)
    damaged = damaged_where(damaged_where(table, b"b" * 90), b"d" * 90)
    index = Index(Memory(damaged, "some.index"))
    for letter in b"acef":
        assert index.find(bytes((letter,)) * 90) == ENTRY
    for letter in b"bd":
        with pytest.raises(ChecksumError, match=r"^some\.index: "):
            index.find(bytes((letter,)) * 90)
    with pytest.raises(ChecksumError, match=r"^some\.index: "):
        _ = index.entries
    with pytest.raises(ChecksumError, match=r"^some\.index: "):
        _ = index.slice_entries
    assert index.find(b"a" * 90) == ENTRY


def test_a_list_that_failed_fails_again() -> None:
    table = damaged_where(table_of({b"a" * 90: SCALAR, b"b" * 90: SCALAR}), b"b" * 90)
    index = Index(Memory(table, "some.index"))
    for _ in range(2):
        with pytest.raises(ChecksumError):
            _ = index.entries


def test_a_damaged_header_block_is_told_when_it_is_opened() -> None:
    table = table_of({b"a" * 90: SCALAR, b"b" * 90: SCALAR})
    with pytest.raises(ChecksumError, match=r"^some\.index: ") as caught:
        Index(Memory(b"\x01" + table[1:], "some.index"))
    assert (caught.value.file, caught.value.offset) == ("some.index", 0)


def test_an_entry_is_told_with_the_block_that_it_is_in() -> None:
    index = index_of({b"a" * 90: SCALAR, b"b" * 90: "deadbeef"})
    with pytest.raises(CorruptFileError, match="does not decode") as caught:
        index.find(b"b" * 90)
    assert caught.value.offset > 100
    with pytest.raises(CorruptFileError) as listed:
        _ = index.entries
    assert listed.value.offset == caught.value.offset


def test_an_index_whose_first_key_is_not_the_header() -> None:
    out: list[bytes] = []
    builder.write_table([(b"w", bytes.fromhex(SCALAR))], out.append)
    with pytest.raises(CorruptFileError, match="without a header"):
        Index(Memory(b"".join(out), "some.index"))


def test_a_first_version_that_is_named_as_an_index() -> None:
    out: list[bytes] = []
    value = bytes.fromhex("0a0e 0a0a 0a0177 1202 1200 1801 22001202 0801")
    builder.write_table([(b"", value)], out.append)
    with pytest.raises(UnsupportedBundleError, match=r"without \.index"):
        Index(Memory(b"".join(out), "some.index"))


def test_two_partitioned_tensors_have_their_own_parts() -> None:
    other = [slice_key(b"o", place) for place in ROWS]
    index = index_of({**VALUES, b"o": FULL, other[0]: ROW, other[1]: ROW})
    assert list(index.entries) == sorted([*NAMES, b"o", b"p"])
    assert list(index.slice_entries) == [*other, *PARTS]


def test_a_part_that_is_missing_is_missing_from_the_list_alone() -> None:
    values = {key: value for key, value in VALUES.items() if key != PARTS[1]}
    index = index_of(values)
    assert list(index.slice_entries) == [PARTS[0]]
    assert index.find_stored(PARTS[1]) is None


@pytest.mark.parametrize("batch_bytes", [0, 1, 20, 60, 200, 1 << 20])
@pytest.mark.parametrize("values", [VALUES, dict.fromkeys([b"a", b"b"], SCALAR), {}])
def test_batches_of_any_size_list_the_same(
    values: Mapping[bytes, str], batch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = index_of(values).entries
    monkeypatch.setattr(block, "_BATCH_BYTES", batch_bytes)
    for block_bytes in (100, 100_000):
        assert index_of(values, block_bytes).entries == expected
        assert dict(index_of(values, block_bytes).stream()) == expected
        assert index_of(values, block_bytes).slice_entries == index_of(values).slice_entries
    assert sorted(expected) == sorted(values.keys() - set(PARTS))
