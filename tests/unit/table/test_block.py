from __future__ import annotations

import pytest

from pbckpt.errors import ChecksumError, CorruptFileError
from pbckpt.table.block import (
    TRAILER_BYTES,
    BlockBuilder,
    decode_stored_block,
    encode_trailer,
    entry_batches,
)

EMPTY = bytes.fromhex("00000000 01000000")
# A header and the entries of two variables, as TensorFlow wrote them.
HEADER = bytes.fromhex("08011a020801")
B = bytes.fromhex("0801 1204 12020802 2808 35fb29da1a")
W = bytes.fromhex("0801 1208 12020802 12020803 2008 2818 35c0db3d17")
WORKED = b"".join(
    [bytes.fromhex("000006"), HEADER, b"\x00\x01\x0fb", B, b"\x00\x01\x15w", W, EMPTY]
)

ONE_RESTART = "00000000 01000000"


def built(*entries: tuple[bytes, bytes], restart_interval: int = 16) -> bytes:
    builder = BlockBuilder(restart_interval)
    for key, value in entries:
        builder.add(key, value)
    return builder.finish()


def block(entries: str, restarts: str = ONE_RESTART) -> bytes:
    return bytes.fromhex(entries) + bytes.fromhex(restarts)


def entries_of(data: bytes) -> list[tuple[bytes, bytes]]:
    return [entry for batch in entry_batches(data) for entry in batch]


def test_a_block_without_entries_has_one_restart() -> None:
    assert built() == EMPTY
    assert entries_of(EMPTY) == []


def test_the_block_that_tensorflow_wrote() -> None:
    entries = [(b"", HEADER), (b"b", B), (b"w", W)]
    assert len(WORKED) == 0x3D
    assert built(*entries) == WORKED
    assert entries_of(WORKED) == entries


def test_a_key_leaves_out_what_it_shares_with_the_one_before() -> None:
    stored = block("000501 6162636465 31  030201 7879 32  000101 7a 33")
    entries = [(b"abcde", b"1"), (b"abcxy", b"2"), (b"z", b"3")]
    assert built(*entries) == stored
    assert entries_of(stored) == entries


def test_a_key_that_goes_on_from_the_one_before() -> None:
    stored = block("000100 61  010100 61  020300 626364")
    entries = [(b"a", b""), (b"aa", b""), (b"aabcd", b"")]
    assert built(*entries) == stored
    assert entries_of(stored) == entries


def test_long_keys_and_values_have_long_lengths() -> None:
    key = b"a" * 200
    value = b"v" * 300
    stored = b"".join(
        [bytes.fromhex("00c801ac02"), key, value, bytes.fromhex("c8010100"), b"b", EMPTY]
    )
    entries = [(key, value), (key + b"b", b"")]
    assert built(*entries) == stored
    assert entries_of(stored) == entries


@pytest.mark.parametrize(
    ("key_length", "value_length", "head"),
    [
        (0, 128, "00008001"),
        (127, 127, "007f7f"),
        (127, 128, "007f8001"),
        (128, 0, "00800100"),
        (128, 127, "0080017f"),
    ],
)
def test_a_length_up_to_127_takes_a_byte(key_length: int, value_length: int, head: str) -> None:
    key, value = b"k" * key_length, b"v" * value_length
    assert built((key, value)) == bytes.fromhex(head) + key + value + EMPTY


def test_every_sixteenth_key_is_whole() -> None:
    entries = [(b"k%02d" % number, b"") for number in range(33)]
    stored = built(*entries)
    assert len(stored) == 141 + 16
    assert stored[:14] == bytes.fromhex("000300 6b3030  020100 31  020100 32")
    assert stored[0x43 : 0x43 + 6] == bytes.fromhex("000300 6b3136")
    assert stored[0x87 : 0x87 + 6] == bytes.fromhex("000300 6b3332")
    assert stored[141:] == bytes.fromhex("00000000 43000000 87000000 03000000")
    assert entries_of(stored) == entries


def test_sixteen_entries_have_one_restart_and_seventeen_two() -> None:
    entries = [(b"k%02d" % number, b"") for number in range(17)]
    assert built(*entries[:16])[-8:] == bytes.fromhex("00000000 01000000")
    assert built(*entries)[-12:] == bytes.fromhex("00000000 43000000 02000000")


def test_every_key_is_whole_where_the_interval_is_one() -> None:
    stored = block("000201 6161 31  000201 6162 32", "00000000 06000000 02000000")
    entries = [(b"aa", b"1"), (b"ab", b"2")]
    assert built(*entries, restart_interval=1) == stored
    assert entries_of(stored) == entries


def test_any_other_interval_is_read() -> None:
    entries = "000201 6161 31  010101 62 32  000201 6163 33"
    stored = block(entries, "00000000 0b000000 02000000")
    assert entries_of(stored) == [(b"aa", b"1"), (b"ab", b"2"), (b"ac", b"3")]


def test_keys_are_compared_as_bytes_without_a_sign() -> None:
    stored = block("000100 7f  000100 80  000100 ff")
    assert entries_of(stored) == [(b"\x7f", b""), (b"\x80", b""), (b"\xff", b"")]


def test_the_size_is_known_before_the_block_is_finished() -> None:
    builder = BlockBuilder()
    sizes = [builder.size]
    for number in range(17):
        builder.add(b"k%02d" % number, b"")
        sizes.append(builder.size)
    assert sizes[:4] == [8, 14, 18, 22]
    assert sizes[16:] == [67 + 8, 67 + 6 + 12]
    assert bool(builder) is True
    assert bool(BlockBuilder()) is False
    assert builder.last_key == b"k16"
    assert len(builder.finish()) == 85


def test_a_trailer_covers_the_block_and_its_type() -> None:
    assert TRAILER_BYTES == 5
    assert encode_trailer(EMPTY) == bytes.fromhex("00 c0f2a1b0")
    assert encode_trailer(WORKED) == bytes.fromhex("00 e4d02cc4")


def test_a_stored_block_is_checked_and_stripped() -> None:
    assert decode_stored_block(WORKED + bytes.fromhex("00 e4d02cc4")) == WORKED
    assert decode_stored_block(EMPTY + bytes.fromhex("00 c0f2a1b0")) == EMPTY


def test_every_flipped_bit_of_a_stored_block_is_noticed() -> None:
    stored = WORKED + bytes.fromhex("00 e4d02cc4")
    for bit in range(8 * len(stored)):
        damaged = bytearray(stored)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ChecksumError):
            decode_stored_block(bytes(damaged))


def test_a_wrong_checksum_is_told_with_both_values() -> None:
    with pytest.raises(ChecksumError) as caught:
        decode_stored_block(EMPTY + bytes.fromhex("00 d8ea82a2"))
    assert (caught.value.expected, caught.value.actual) == ("00000000", "83f4070f")


@pytest.mark.parametrize(
    ("trailer", "kind"),
    [("02 76b07392", "2"), ("04 b573a3c2", "4"), ("ff ea473f4b", "255")],
)
def test_a_block_of_any_other_type_is_corrupt(trailer: str, kind: str) -> None:
    with pytest.raises(CorruptFileError, match="unknown type") as caught:
        decode_stored_block(EMPTY + bytes.fromhex(trailer))
    assert not isinstance(caught.value, ChecksumError)
    assert caught.value.offset == 8
    assert caught.value.actual == kind


@pytest.mark.parametrize(
    ("entries", "offset"),
    [
        pytest.param("000101 61 31  000101 61 32", 5, id="the same key twice"),
        pytest.param("000101 61 31  010001 31", 5, id="the same key, all of it shared"),
        pytest.param("000101 62 31  000101 61 32", 5, id="keys that descend"),
        pytest.param("000201 6162 31  010001 32", 6, id="a key that starts the last one"),
        pytest.param("000101 61 31  000001 32", 5, id="an empty key after another"),
        pytest.param("000001 31  000001 32", 4, id="two empty keys"),
        pytest.param("010101 61 31", 0, id="a first key that shares"),
        pytest.param("000101 61 31  020101 62 32", 5, id="more shared than there is"),
        pytest.param("000101 61 31  ffffffff0f0101 62 32", 5, id="four gigabytes shared"),
        pytest.param("000201 61", 0, id="a key that leaves its block"),
        pytest.param("000102 61 31", 0, id="a value that leaves its block"),
        pytest.param("00ffffffff0f01 61 31", 0, id="a key of four gigabytes"),
        pytest.param("0001ffffffff0f 61 31", 0, id="a value of four gigabytes"),
        pytest.param("00018080808010 61 31", 0, id="a length of 33 bits"),
        pytest.param("0001808080808000 61", 0, id="a length of six bytes"),
        pytest.param("000101 61 31  00", 5, id="an entry of a byte"),
        pytest.param("000101 61 31  0001", 5, id="an entry of two bytes"),
        pytest.param("000101 61 31  000180", 5, id="a length that does not end"),
    ],
)
def test_entries_that_no_builder_leaves(entries: str, offset: int) -> None:
    with pytest.raises(CorruptFileError) as caught:
        entries_of(block(entries))
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("entries", "restarts", "offset"),
    [
        pytest.param(
            "000101 61 31  010101 62 32",
            "00000000 05000000 02000000",
            5,
            id="a restart without its whole key",
        ),
        pytest.param(
            "000101 61 31  000101 62 32",
            "00000000 06000000 02000000",
            10,
            id="a restart within an entry",
        ),
        pytest.param("000101 61 31", "00000000 05000000 02000000", 5, id="one behind the entries"),
        pytest.param("000101 61 31", "00000000 ffffffff 02000000", 5, id="one out of the block"),
        pytest.param("000101 61 31", "01000000 01000000", 5, id="a first one above 0"),
        pytest.param(
            "000101 61 31  000101 62 32",
            "00000000 00000000 02000000",
            10,
            id="the same one twice",
        ),
        pytest.param(
            "000101 61 31  000101 62 32  000101 63 33",
            "00000000 0a000000 05000000 03000000",
            15,
            id="restarts that descend",
        ),
        pytest.param("000101 61 31", "00000000 00000000", 13, id="none"),
        pytest.param("000101 61 31", "00000000 02000000", 1, id="one among the entries"),
        pytest.param("000101 61 31", "00000000 03000000", 13, id="more than bytes"),
        pytest.param("000101 61 31", "00000000 ffffffff", 13, id="2**32 - 1"),
        pytest.param("", "", 0, id="no bytes"),
        pytest.param("01", "", 1, id="a byte"),
        pytest.param("", "01000000", 4, id="a count of one alone"),
        pytest.param("", "00000000", 4, id="a count of none alone"),
    ],
)
def test_restarts_that_no_builder_leaves(entries: str, restarts: str, offset: int) -> None:
    with pytest.raises(CorruptFileError) as caught:
        entries_of(block(entries, restarts))
    assert caught.value.offset == offset


@pytest.mark.parametrize("restarts", ["00000000 05000000 02000000", "05000000 01000000"])
def test_a_block_without_entries_has_nowhere_to_restart(restarts: str) -> None:
    with pytest.raises(CorruptFileError):
        entries_of(block("", restarts))


def test_a_block_comes_in_batches_of_bounded_size() -> None:
    # Keys that hardly take room in the block: each shares 64 KiB with the one before.
    long = b"k" * (64 << 10)
    entries = [(long + b"%03d" % number, b"value") for number in range(40)]
    data = built(*entries, restart_interval=100)
    assert len(data) < 66_000
    sizes = [len(batch) for batch in entry_batches(data)]
    assert sizes == [4, 4, 4, 4, 4, 4, 4, 4, 4, 4]
    assert [entry for batch in entry_batches(data) for entry in batch] == entries


def test_batches_before_the_damage_come_first() -> None:
    whole = [(b"%06d" % number, b"v" * 100) for number in range(10_000)]
    data = bytearray(built(*whole))
    data[data.rindex(b"v") + 1 - 101] ^= 0x40
    batches = entry_batches(bytes(data))
    found = next(batches)
    assert found == whole[: len(found)]
    assert 2_000 < len(found) < 3_000
    with pytest.raises(CorruptFileError):
        list(batches)
