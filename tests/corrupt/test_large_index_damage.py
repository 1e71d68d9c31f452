"""Damage to an index of several blocks: never fewer keys, and never a wrong entry."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import pytest

import pbckpt
from pbckpt.bundle.entry import BundleEntry
from pbckpt.bundle.index import Index
from pbckpt.dtypes import DataType
from pbckpt.table.footer import FOOTER_BYTES
from pbckpt.wire.span import Memory
from tests.corrupt.forms import index_bytes, with_snappy_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNT = 600
BLOCK_BYTES = 4096

ENTRIES = {
    b"block_%03d/layer_%d/kernel" % (number // 4, number % 4): BundleEntry(
        DataType.FLOAT, (number % 7, 3), number % 2, 1000 * number, number % 7 * 12, number * 7919
    )
    for number in range(COUNT)
}
KEYS = list(ENTRIES)
ABSENT = [b"", b"a", b"block_000", b"block_075/layer_2/kernel\0", b"block_07", b"z", b"\xff"]


class Whole(NamedTuple):
    """An index, and how many data blocks it has."""

    table: bytes
    blocks: int


def make() -> bytes:
    from pbckpt.bundle.entry import BundleHeader  # noqa: PLC0415 - for this alone

    return index_bytes(ENTRIES, BundleHeader(2), BLOCK_BYTES)


@pytest.fixture(scope="module", params=["plain", "snappy"])
def whole(request: pytest.FixtureRequest) -> Whole:
    table = make()
    if request.param == "snappy":
        pytest.importorskip("cramjam")
        table = with_snappy_blocks(table)
    index = Index(Memory(table))
    return Whole(table, len(index._table._blocks))


def listed(table: bytes) -> bool:
    """Tell whether an index lists its entries; these must be all of them, and right."""
    try:
        found = Index(Memory(table)).entries
    except pbckpt.PbckptError:
        return False
    assert found == ENTRIES
    return True


def found(table: bytes, keys: Mapping[bytes, BundleEntry | None]) -> int:
    """Look keys up one by one; return how many are found, each as it was."""
    count = 0
    try:
        index = Index(Memory(table))
    except pbckpt.PbckptError:
        return 0
    for key, entry in keys.items():
        with suppress(pbckpt.PbckptError):
            assert index.find(key) == entry
            count += 1
    return count


def verified(table: bytes) -> bool:
    """Tell whether the index passes the check of every byte of it."""
    try:
        index = Index(Memory(table))
        _ = index.entries
        index.check_layout()
    except pbckpt.PbckptError:
        return False
    return True


SOME = {**{key: ENTRIES[key] for key in KEYS[::20]}, **dict.fromkeys(ABSENT)}
ALL: dict[bytes, BundleEntry | None] = {**ENTRIES, **dict.fromkeys(ABSENT)}


def test_what_is_not_damaged_is_right(whole: Whole) -> None:
    assert whole.blocks >= 5
    assert listed(whole.table)
    assert verified(whole.table)
    assert found(whole.table, ALL) == COUNT + len(ABSENT)


def flipped(table: bytes, bit: int) -> bytes:
    damaged = bytearray(table)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_flipped_bits(whole: Whole) -> None:
    """One in each few bytes: of all that a list reads, none is missed."""
    chance = random.Random(20240229)  # noqa: S311 - the same positions every time
    bits = [chance.randrange(8 * len(whole.table)) for _ in range(250)]
    unread = len(whole.table) - FOOTER_BYTES
    metaindex = Index(Memory(whole.table))._table._footer.metaindex_block.offset
    for bit in bits:
        damaged = flipped(whole.table, bit)
        found(damaged, SOME)
        assert not verified(damaged)
        if listed(damaged):
            assert metaindex <= bit // 8 < metaindex + 13 or bit // 8 >= unread


def test_a_flipped_bit_takes_the_keys_of_its_block_alone(whole: Whole) -> None:
    """All others are found as they were."""
    handles = [handle for _, handle in Index(Memory(whole.table))._table._blocks]
    counts = []
    for handle in handles[1:]:
        damaged = flipped(whole.table, 8 * (handle.offset + handle.size // 2))
        assert not listed(damaged)
        counts.append(len(ALL) - found(damaged, ALL))
    assert all(0 < count < len(ALL) // 2 for count in counts)
    assert sum(counts) <= len(ALL)


def test_every_bit_of_the_footer_and_the_metaindex_block(whole: Whole) -> None:
    metaindex = Index(Memory(whole.table))._table._footer.metaindex_block
    footer = range(8 * (len(whole.table) - FOOTER_BYTES), 8 * len(whole.table))
    for bit in [*range(8 * metaindex.offset, 8 * (metaindex.offset + 13)), *footer]:
        damaged = flipped(whole.table, bit)
        assert not verified(damaged)
    for bit in footer[::5]:
        damaged = flipped(whole.table, bit)
        listed(damaged)
        found(damaged, SOME)


@pytest.mark.parametrize("size", [16, 512, 4096])
def test_zeroed_pages(whole: Whole, size: int) -> None:
    step = max(size, len(whole.table) // 60)
    for start in range(0, len(whole.table), step):
        end = min(start + size, len(whole.table))
        damaged = whole.table[:start] + bytes(end - start) + whole.table[end:]
        found(damaged, SOME)
        if damaged == whole.table:
            continue
        assert not verified(damaged)
        if listed(damaged):
            assert start >= Index(Memory(whole.table))._table._footer.metaindex_block.offset


def test_every_block_in_the_place_of_every_other(whole: Whole) -> None:
    """As a disk does that mixes up its pages."""
    handles = [handle for _, handle in Index(Memory(whole.table))._table._blocks]
    for here in handles[:6]:
        for there in handles[:6]:
            size = min(here.size, there.size) + 5
            image = whole.table[there.offset : there.offset + size]
            damaged = whole.table[: here.offset] + image + whole.table[here.offset + size :]
            found(damaged, SOME)
            assert listed(damaged) is (damaged == whole.table)


def test_cut_anywhere(whole: Whole) -> None:
    for size in range(0, len(whole.table), 97):
        with pytest.raises(pbckpt.CorruptFileError):
            Index(Memory(whole.table[:size]))
