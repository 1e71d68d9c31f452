from __future__ import annotations

import pytest

from pbckpt.bundle import payload
from pbckpt.bundle.payload import (
    Payload,
    StringLayout,
    decode_string_head,
    max_string_head,
    split_strings,
    string_payload,
    variant_crc32c,
)
from pbckpt.errors import ChecksumError, CorruptFileError
from pbckpt.wire.checksum import crc32c, mask

# Elements, what lies before them, and the checksum that their entry stores.
STRINGS = [
    pytest.param(
        [b"hello", b"", b"\xff\x00z", b"x" * 300],
        "05 00 03 ac02 548f6f73",
        "96e0dbb9",
        id="four",
    ),
    pytest.param([b"scalar"], "06 1c03ee55", "055fb676", id="one"),
    pytest.param([b"", b""], "00 00 29039807", "3c4c24ac", id="two of nothing"),
    pytest.param([], "d8ea82a2", "f6c10c64", id="none"),
]


def stored(data: Payload) -> tuple[bytes, str]:
    """Return the bytes of a payload, and the checksum that its entry stores."""
    out, crc = bytearray(data.head), data.head_crc32c
    for span in data.spans:
        out += span.view
        crc = crc32c(span.view, crc)
    return bytes(out), mask(crc).to_bytes(4, "little").hex()


@pytest.mark.parametrize(("elements", "head", "crc"), STRINGS)
def test_strings_as_tensorflow_writes_them(elements: list[bytes], head: str, crc: str) -> None:
    data = string_payload(elements)
    assert data.head == bytes.fromhex(head)
    assert stored(data) == (bytes.fromhex(head) + b"".join(elements), crc)


@pytest.mark.parametrize(
    ("elements", "repeats", "whole"),
    [
        ([b"a", b"bc"], 3, [b"a", b"bc", b"bc", b"bc", b"bc"]),
        ([b""], 2, [b"", b"", b""]),
        ([], 2, [b"", b""]),
        ([b"x" * 300], 1000, [b"x" * 300] * 1001),
        ([b"x" * 100_000], 2, [b"x" * 100_000] * 3),
    ],
)
def test_a_last_element_that_is_repeated(
    elements: list[bytes], repeats: int, whole: list[bytes]
) -> None:
    assert stored(string_payload(elements, repeats)) == stored(string_payload(whole))


@pytest.mark.parametrize(("elements", "head", "crc"), STRINGS)
def test_strings_that_tensorflow_wrote(elements: list[bytes], head: str, crc: str) -> None:
    data = memoryview(bytes.fromhex(head) + b"".join(elements))
    layout = decode_string_head(data, len(elements), len(data))
    assert layout.lengths == [len(element) for element in elements]
    assert layout.head_bytes == len(bytes.fromhex(head))
    assert list(split_strings(data, layout)) == elements
    total = crc32c(data[layout.head_bytes :], layout.head_crc32c)
    assert mask(total).to_bytes(4, "little").hex() == crc


def test_what_lies_before_the_elements_counts_towards_the_size() -> None:
    assert len(stored(string_payload([b"hello", b"", b"\xff\x00z", b"x" * 300]))[0]) == 317
    assert len(stored(string_payload([]))[0]) == 4


@pytest.mark.parametrize(
    ("length", "checksummed"),
    [
        (0, "00000000"),
        (1, "01000000"),
        (0xFFFFFFFF, "ffffffff"),
        (0x100000000, "0000000001000000"),
        (0xFFFFFFFFFFFFFFFF, "ffffffffffffffff"),
    ],
)
def test_a_length_is_checksummed_as_32_bits_or_as_64(length: int, checksummed: str) -> None:
    assert payload._checksummed_length(length).hex() == checksummed


def test_a_long_form_of_a_length_is_read() -> None:
    data = memoryview(bytes.fromhex("8600 1c03ee55") + b"scalar")
    assert list(split_strings(data, decode_string_head(data, 1, len(data)))) == [b"scalar"]


@pytest.mark.parametrize(
    ("head", "count", "fact"),
    [
        pytest.param("", 0, "0 strings in 0 bytes", id="no checksum"),
        pytest.param("d8ea82", 0, "0 strings in 3 bytes", id="a cut checksum"),
        pytest.param("06 1c03ee55", 67, "67 strings in", id="more than bytes"),
        pytest.param("06 1c03ee55", 1 << 26, "67108864 strings in", id="2**26"),
        pytest.param("06 1c03ee55", 1 << 62, "4611686018427387904 strings in", id="2**62"),
        pytest.param("05 1c03ee55", 1, "do not add up", id="a length too small"),
        pytest.param("07 1c03ee55", 1, "do not add up", id="a length too large"),
        pytest.param("808080808020 1c03ee55", 1, "do not add up", id="eight terabytes"),
        pytest.param("80808080808080808001 1c03ee55", 1, "do not add up", id="2**63"),
        pytest.param("ffffffffffffffffff01 1c03ee55", 1, "do not add up", id="2**64 - 1"),
        pytest.param("ffffffffffffffffff02 1c03ee55", 1, "length of a string", id="over 64 bits"),
        pytest.param("8080808080808080808000", 1, "length of a string", id="eleven bytes"),
        pytest.param("80" * 64, 1, "length of a string", id="endless"),
        pytest.param("06 1c03ee55", 0, "do not add up", id="an element too few"),
    ],
)
def test_lengths_that_do_not_fit_the_bytes(head: str, count: int, fact: str) -> None:
    data = memoryview((bytes.fromhex(head) + b"scalar" * (len(head) > 10))[:70])
    with pytest.raises(CorruptFileError, match=fact) as caught:
        decode_string_head(data, count, len(data))
    assert not isinstance(caught.value, ChecksumError)


def test_a_wrong_checksum_of_lengths_is_noticed_before_the_elements_are() -> None:
    data = memoryview(bytes.fromhex("06 1d03ee55") + b"scalar")
    with pytest.raises(ChecksumError, match="lengths of strings"):
        decode_string_head(data, 1, len(data))


def test_lengths_that_changed_places_are_noticed() -> None:
    data = memoryview(bytes.fromhex("00 05 03 ac02 548f6f73") + b"hello\xff\x00z" + b"x" * 300)
    with pytest.raises(ChecksumError, match="lengths of strings"):
        decode_string_head(data, 4, len(data))


def test_every_flipped_bit_before_the_elements_is_noticed() -> None:
    elements = b"hello\xff\x00z" + b"x" * 300
    head = bytes.fromhex("05 00 03 ac02 548f6f73")
    for bit in range(8 * len(head)):
        damaged = bytearray(head + elements)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError):
            decode_string_head(memoryview(damaged), 4, len(damaged))


def test_elements_are_split_by_their_lengths() -> None:
    data = memoryview(b"--abbccc")
    layout = StringLayout([1, 2, 0, 3], 2, 0)
    assert list(split_strings(data, layout)) == [b"a", b"bb", b"", b"ccc"]


# The messages "hello" and "", each with its length and its checksum.
VARIANTS = bytes.fromhex("05 68656c6c6f 5d0c5c05  00 08355234")


@pytest.mark.parametrize(
    ("data", "count", "crc"),
    [
        pytest.param(VARIANTS, 2, 0xF9C85618, id="two"),
        pytest.param(bytes.fromhex("00 29039807"), 1, 0xB0B204D0, id="one of nothing"),
        pytest.param(b"", 0, 0, id="none"),
    ],
)
def test_the_checksum_of_variants_runs_over_all_of_them(data: bytes, count: int, crc: int) -> None:
    assert variant_crc32c(memoryview(data), count) == crc


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(VARIANTS, 1, id="bytes after the last"),
        pytest.param(VARIANTS, 3, id="one too many"),
        pytest.param(VARIANTS, 1 << 62, id="far too many"),
        pytest.param(VARIANTS, 0, id="none in bytes"),
        pytest.param(b"", 1, id="one in no bytes"),
        pytest.param(bytes.fromhex("80808080808080808001 00"), 1, id="a length of 2**63"),
        pytest.param(bytes.fromhex("ffffffffffffffffff01 00"), 1, id="a length of 2**64 - 1"),
        pytest.param(b"\x80" * 20, 1, id="a length without end"),
    ],
)
def test_variants_that_do_not_fit_the_bytes(data: bytes, count: int) -> None:
    with pytest.raises(CorruptFileError) as caught:
        variant_crc32c(memoryview(data), count)
    assert not isinstance(caught.value, ChecksumError)


def test_variants_cut_anywhere_are_noticed() -> None:
    for size in range(len(VARIANTS)):
        with pytest.raises(CorruptFileError):
            variant_crc32c(memoryview(VARIANTS[:size]), 2)


def test_every_flipped_bit_of_variants_is_noticed() -> None:
    for bit in range(8 * len(VARIANTS)):
        damaged = bytearray(VARIANTS)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError):
            variant_crc32c(memoryview(damaged), 2)


@pytest.mark.parametrize(
    ("length", "checksummed"),
    [
        (0, "00000000"),
        (1, "00000001"),
        (300, "0000012c"),
        (0xFFFFFFFF, "ffffffff"),
        (0x100000000, "0000000100000000"),
    ],
)
def test_a_big_endian_length_is_checksummed_from_its_high_byte_on(
    length: int, checksummed: str
) -> None:
    assert payload._checksummed_length(length, big_endian=True).hex() == checksummed


def test_big_endian_lengths_have_a_checksum_in_their_own_order() -> None:
    """The varints are the same; the sum is over other bytes, and written the other way round."""
    data = memoryview(bytes.fromhex("05 00 03 ac02 f7aff9e2") + b"hello\xff\x00z" + b"x" * 300)
    layout = decode_string_head(data, 4, len(data), big_endian=True)
    assert layout.lengths == [5, 0, 3, 300]
    assert layout.head_bytes == 9
    assert list(split_strings(data, layout)) == [b"hello", b"", b"\xff\x00z", b"x" * 300]
    with pytest.raises(ChecksumError, match="lengths of strings"):
        decode_string_head(data, 4, len(data))


def test_strings_without_elements_have_the_checksum_of_nothing_in_either_order() -> None:
    little, big = bytes.fromhex("d8ea82a2"), bytes.fromhex("a282ead8")
    assert decode_string_head(memoryview(little), 0, 4).head_bytes == 4
    assert decode_string_head(memoryview(big), 0, 4, big_endian=True).head_bytes == 4
    with pytest.raises(ChecksumError):
        decode_string_head(memoryview(big), 0, 4)


@pytest.mark.parametrize(
    ("count", "nbytes", "expected"),
    [(0, 4, 4), (1, 1000, 14), (1, 10, 10), (100, 317, 317), (1 << 62, 64, 64)],
)
def test_how_much_lies_before_the_elements_at_most(count: int, nbytes: int, expected: int) -> None:
    assert max_string_head(count, nbytes) == expected


def test_the_beginning_of_the_bytes_is_enough() -> None:
    head = memoryview(bytes.fromhex("05 00 03 ac02 548f6f73") + b"hello")
    assert decode_string_head(head, 4, 317).lengths == [5, 0, 3, 300]


def test_a_head_that_is_shorter_than_its_checksum_is_noticed() -> None:
    for size in range(9):
        with pytest.raises(CorruptFileError):
            decode_string_head(memoryview(bytes.fromhex("05 00 03 ac02 548f6f73"))[:size], 4, 317)
