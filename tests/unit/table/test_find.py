"""Looking one key up: in a block by its restarts, in a table by its index block."""

from __future__ import annotations

import random
import struct
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import ChecksumError, CorruptFileError, LimitError
from pbckpt.table import reader as reader_module
from pbckpt.table.block import BlockBuilder, decode_stored_block, encode_trailer, find_in_block
from pbckpt.table.footer import BlockHandle, Footer
from pbckpt.table.reader import TableReader
from pbckpt.wire.span import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY = bytes.fromhex("00000000 01000000")
ONE_RESTART = "00000000 01000000"
# Even numbers are there, odd ones are not.
KEYS = [b"k%03d" % number for number in range(0, 100, 2)]
INTERVALS = [1, 2, 3, 16, 49, 50, 51, 1000]


def value_of(key: bytes) -> bytes:
    return key[::-1]


def block_of(keys: Sequence[bytes], interval: int = 16) -> bytes:
    builder = BlockBuilder(interval)
    for key in keys:
        builder.add(key, value_of(key))
    return builder.finish()


def block(entries: str, restarts: str = ONE_RESTART) -> bytes:
    return bytes.fromhex(entries) + bytes.fromhex(restarts)


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_key_of_a_block_is_found(interval: int) -> None:
    data = block_of(KEYS, interval)
    assert [find_in_block(data, key) for key in KEYS] == [value_of(key) for key in KEYS]


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_key_that_is_not_in_a_block_is_not_found(interval: int) -> None:
    data = block_of(KEYS, interval)
    between = [b"k%03d" % number for number in range(1, 100, 2)]
    near = [key[:-1] for key in KEYS] + [key + b"\0" for key in KEYS]
    around = [b"", b"\0", b"a", b"k", b"k0", b"k100", b"z", b"\xff" * 9]
    assert {find_in_block(data, key) for key in [*between, *near, *around]} == {None}


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("count", [1, 2, 3, 17, 33])
def test_a_block_of_any_size(count: int, interval: int) -> None:
    data = block_of(KEYS[:count], interval)
    assert [find_in_block(data, key) for key in KEYS] == [
        *(value_of(key) for key in KEYS[:count]),
        *[None] * (50 - count),
    ]


def test_the_empty_key_is_a_key() -> None:
    data = block("000001 31  000101 61 32")
    assert find_in_block(data, b"") == b"1"
    assert find_in_block(data, b"a") == b"2"
    assert find_in_block(block("000101 61 32"), b"") is None


def test_an_empty_value_is_not_an_absent_one() -> None:
    assert find_in_block(block("000100 61"), b"a") == b""


def test_a_block_without_entries_has_nothing() -> None:
    assert find_in_block(EMPTY, b"") is None
    assert find_in_block(EMPTY, b"a") is None


def test_keys_and_values_of_long_lengths() -> None:
    key, value = b"k" * 300, b"v" * 20_000
    builder = BlockBuilder(1)
    for entry in ((b"a", b"1"), (key, value), (key + b"k", b"2")):
        builder.add(*entry)
    data = builder.finish()
    assert find_in_block(data, key) == value
    assert find_in_block(data, key + b"k") == b"2"


def test_one_run_alone_is_looked_at() -> None:
    """What is wrong in another run is not noticed: the checksum of the block is for that."""
    first, second = "000101 61 31  000101 61 32", "000101 63 33  010101 64 34"
    data = block(first + second, "00000000 0a000000 02000000")
    assert find_in_block(data, b"c") == b"3"
    assert find_in_block(data, b"cd") == b"4"
    with pytest.raises(CorruptFileError, match="do not ascend"):
        find_in_block(data, b"b")


@pytest.mark.parametrize(
    ("entries", "restarts", "key"),
    [
        pytest.param(
            "000101 61 31  010101 62 32", "00000000 05000000 02000000", b"b", id="a shared key"
        ),
        pytest.param("000101 61 31", "00000000 05000000 02000000", b"a", id="one behind the end"),
        pytest.param("000101 61 31", "00000000 ffffffff 02000000", b"a", id="one far behind it"),
        pytest.param("000101 61 31", "01000000 01000000", b"a", id="a first one above 0"),
        pytest.param("000101 61 31", "00000000 00000000 02000000", b"a", id="the same one twice"),
        pytest.param("000101 61 31", "00000000 00000000", b"a", id="none"),
        pytest.param("000101 61 31", "00000000 ffffffff", b"a", id="2**32 - 1 of them"),
        pytest.param("000101 61 31", "00000000 03000000", b"a", id="more than there is room for"),
        pytest.param("", "", b"a", id="no bytes"),
        pytest.param("01", "", b"a", id="a byte"),
        pytest.param("010101 61 31", ONE_RESTART, b"a", id="a first key that shares"),
        pytest.param("000901 61 31", ONE_RESTART, b"a", id="a key that leaves its block"),
        pytest.param("000109 61 31", ONE_RESTART, b"a", id="a value that leaves its block"),
        pytest.param("0001808080808001 61", ONE_RESTART, b"a", id="a length of six bytes"),
        pytest.param("000101 61 31  0001", ONE_RESTART, b"b", id="an entry that is cut"),
        pytest.param("000101 61 31  020101 62 32", ONE_RESTART, b"b", id="more shared than is"),
        pytest.param("000101 62 31  000101 61 32", ONE_RESTART, b"c", id="keys that descend"),
    ],
)
def test_a_block_that_no_builder_leaves(entries: str, restarts: str, key: bytes) -> None:
    with pytest.raises(CorruptFileError):
        find_in_block(block(entries, restarts), key)


def test_a_restart_within_an_entry_gives_no_wrong_value() -> None:
    """The bytes there may look like an entry: its key is above the one that was looked for."""
    data = block("000105 61 0001017a7a  000101 62 32", "00000000 04000000 02000000")
    for key in (b"a", b"b", b"z"):
        try:
            found = find_in_block(data, key)
        except CorruptFileError:
            continue
        assert found == {b"a": b"\0\1\1zz", b"b": b"2"}.get(key, b"z")


# Tables


def table_of(blocks: Sequence[bytes], bounds: Sequence[bytes]) -> bytes:
    body, index = b"", BlockBuilder(1)
    for data, bound in zip(blocks, bounds, strict=True):
        index.add(bound, BlockHandle(len(body), len(data)).encode())
        body += data + encode_trailer(data)
    footer = Footer(BlockHandle(len(body), 8), BlockHandle(len(body) + 13, len(index.finish())))
    for data in (EMPTY, index.finish()):
        body += data + encode_trailer(data)
    return body + footer.encode()


# Five blocks of ten keys; a bound is the last key of its block, or lies between two blocks.
BLOCKS = [block_of(KEYS[start : start + 10], 3) for start in range(0, 50, 10)]
BOUNDS = [KEYS[9], KEYS[19] + b"\0", b"k059", KEYS[39], b"l"]
TABLE = table_of(BLOCKS, BOUNDS)
STARTS = [sum(len(data) + 5 for data in BLOCKS[:number]) for number in range(5)]


def test_every_key_of_a_table_is_found() -> None:
    reader = TableReader(Memory(TABLE))
    assert [reader.find(key) for key in KEYS] == [value_of(key) for key in KEYS]
    assert [tuple(entry) for entry in reader] == [(key, value_of(key)) for key in KEYS]


def test_every_key_is_found_in_any_order() -> None:
    reader = TableReader(Memory(TABLE))
    keys = random.Random(20240229).sample(KEYS, 50)  # noqa: S311 - the same order every time
    assert [reader.find(key) for key in keys] == [value_of(key) for key in keys]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="before the first"),
        pytest.param(b"k", id="before the first by a beginning"),
        pytest.param(b"k019", id="after the last key of a block, before its bound"),
        pytest.param(b"k018\0", id="after a bound that is the last key"),
        pytest.param(b"k038\0", id="at a bound that is no key"),
        pytest.param(b"k059", id="at a bound between two blocks"),
        pytest.param(b"k05", id="within a block"),
        pytest.param(b"k099", id="after the last key, before the last bound"),
        pytest.param(b"l", id="at the last bound"),
        pytest.param(b"l\0", id="after the last bound"),
        pytest.param(b"\xff" * 300, id="after all"),
    ],
)
def test_a_key_that_is_not_in_a_table(key: bytes) -> None:
    assert TableReader(Memory(TABLE)).find(key) is None


def test_a_table_without_entries_has_nothing() -> None:
    reader = TableReader(Memory(table_of([], [])))
    assert reader.find(b"") is None
    assert reader.find(b"a") is None


@pytest.mark.parametrize("key", KEYS)
def test_damage_to_other_blocks_does_not_matter(key: bytes) -> None:
    own = KEYS.index(key) // 10
    damaged = bytearray(TABLE)
    for number, start in enumerate(STARTS):
        if number != own:
            damaged[start + 4] ^= 1
    reader = TableReader(Memory(damaged))
    assert reader.find(key) == value_of(key)
    with pytest.raises(ChecksumError):
        list(reader)


@pytest.mark.parametrize("number", range(5))
def test_damage_to_its_own_block_does(number: int) -> None:
    damaged = bytearray(TABLE)
    damaged[STARTS[number] + 4] ^= 1
    for key in [*KEYS[10 * number : 10 * number + 10], KEYS[10 * number] + b"x"]:
        with pytest.raises(ChecksumError) as caught:
            TableReader(Memory(damaged)).find(key)
        assert caught.value.offset == STARTS[number]


def test_a_look_up_decodes_one_block_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = TableReader(Memory(TABLE))
    sizes: list[int] = []

    def counted(stored: bytes) -> bytes:
        sizes.append(len(stored))
        return decode_stored_block(stored)

    monkeypatch.setattr(reader_module, "decode_stored_block", counted)
    assert reader.find(b"k000") == b"000k"
    assert reader.find(b"k018") == b"810k"
    assert reader.find(b"k017") is None
    assert sizes == [len(BLOCKS[0]) + 5]
    assert reader.find(b"k020") == b"020k"
    assert sizes == [len(BLOCKS[0]) + 5, len(BLOCKS[1]) + 5]
    assert reader.find(b"l\0") is None
    assert len(sizes) == 2


def test_the_place_of_the_block_is_told() -> None:
    reader = TableReader(Memory(TABLE))
    reader.find(b"k040")
    assert reader.position == STARTS[2]


def test_a_block_past_the_end_is_refused_when_it_is_looked_at() -> None:
    first = block_of([b"a"])
    index = BlockBuilder(1)
    index.add(b"b", BlockHandle(0, len(first)).encode())
    index.add(b"d", BlockHandle(1 << 40, 1 << 40).encode())
    body = first + encode_trailer(first)
    footer = Footer(BlockHandle(len(body), 8), BlockHandle(len(body) + 13, len(index.finish())))
    for data in (EMPTY, index.finish()):
        body += data + encode_trailer(data)
    reader = TableReader(Memory(body + footer.encode()))
    assert reader.find(b"a") == b"a"
    assert reader.find(b"e") is None
    with pytest.raises(CorruptFileError, match="past the end"):
        reader.find(b"c")


@pytest.mark.parametrize("restart", [b"\x00\x00\x00\x00", struct.pack("<I", 1 << 31)])
def test_damaged_restarts_with_a_right_checksum_are_told_with_their_place(restart: bytes) -> None:
    """The second of the restarts of the second block."""
    forged = bytearray(BLOCKS[1])
    forged[-16:-12] = restart
    table = table_of([BLOCKS[0], bytes(forged), *BLOCKS[2:]], BOUNDS)
    reader = TableReader(Memory(table))
    assert reader.find(b"k000") == b"000k"
    with pytest.raises(CorruptFileError) as caught:
        reader.find(b"k020")
    assert STARTS[1] <= caught.value.offset < STARTS[2]


LONG = b"k" * (64 << 10)


@pytest.mark.parametrize("number", [0, 3, 4, 5, 38, 39])
def test_a_key_is_found_in_any_batch_of_a_long_run(number: int) -> None:
    builder = BlockBuilder(1000)
    for other in range(40):
        builder.add(LONG + b"%02d" % other, b"%d" % other)
    data = builder.finish()
    assert find_in_block(data, LONG + b"%02d" % number) == b"%d" % number
    assert find_in_block(data, LONG + b"%02d!" % number) is None


def test_damage_right_after_a_key_is_an_error_as_well() -> None:
    data = block("000101 61 31  000101 62 32  000101 61 33")
    for key in (b"a", b"b", b"c"):
        with pytest.raises(CorruptFileError, match="do not ascend"):
            find_in_block(data, key)


@pytest.mark.parametrize("place", ["index", "data"])
def test_keys_out_of_proportion_to_the_file_are_refused_early(place: str) -> None:
    """20,000 keys that share 64 KiB: 1.3 GB from a file of 0.4 MB."""
    data, index = BlockBuilder(100_000), BlockBuilder(100_000)
    handle = BlockHandle(0, 8).encode()
    for number in range(20_000):
        (index if place == "index" else data).add(LONG + b"%05d" % number, handle)
    stored = data.finish()
    if place == "data":
        index.add(LONG + b"~", BlockHandle(0, len(stored)).encode())
    blocks = [stored, EMPTY, index.finish()]
    start = len(stored) + 5
    footer = Footer(BlockHandle(start, 8), BlockHandle(start + 13, len(blocks[2])))
    table = b"".join(part + encode_trailer(part) for part in blocks) + footer.encode()
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="the size of all keys") as caught:
            list(TableReader(Memory(table)))
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.limit == "key bytes"
    assert caught.value.maximum == (32 << 20) + 16 * len(table)
