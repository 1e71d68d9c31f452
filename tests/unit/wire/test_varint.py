from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.wire.varint import (
    VarintError,
    decode_varint,
    decode_varint32,
    encode_varint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


NUMBERS = [
    (0, "00"),
    (1, "01"),
    (127, "7f"),
    (128, "8001"),
    (150, "9601"),
    (300, "ac02"),
    (16383, "ff7f"),
    (16384, "808001"),
    (0x0FFFFFFF, "ffffff7f"),
    (0x10000000, "8080808001"),
    (0xFFFFFFFF, "ffffffff0f"),
    (0x100000000, "8080808010"),
    (0x7FFFFFFFFFFFFFFF, "ffffffffffffffff7f"),
    (0x8000000000000000, "80808080808080808001"),
    (0xFFFFFFFFFFFFFFFF, "ffffffffffffffffff01"),
]


@pytest.mark.parametrize(("value", "stored"), NUMBERS)
def test_a_number_is_written_seven_bits_a_byte_lowest_first(value: int, stored: str) -> None:
    assert encode_varint(value).hex() == stored


@pytest.mark.parametrize(("value", "stored"), NUMBERS)
def test_a_number_is_read_with_the_position_after_it(value: int, stored: str) -> None:
    data = bytes.fromhex(stored)
    assert decode_varint(data, 0, len(data)) == (value, len(data))


@pytest.mark.parametrize(("value", "stored"), NUMBERS)
def test_a_number_between_others_is_read_alone(value: int, stored: str) -> None:
    data = bytes.fromhex("ff05" + stored + "ff05")
    end_of_number = 2 + len(stored) // 2
    assert decode_varint(data, 2, len(data)) == (value, end_of_number)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, list])
def test_any_sequence_of_bytes_can_be_read(kind: type) -> None:
    assert decode_varint(kind(b"\xac\x02"), 0, 2) == (300, 2)


@pytest.mark.parametrize(("value", "stored"), NUMBERS)
def test_a_number_cut_anywhere_does_not_end(value: int, stored: str) -> None:
    data = bytes.fromhex(stored)
    for end in range(len(data)):
        with pytest.raises(VarintError, match="does not end"):
            decode_varint(data, 0, end)
    assert decode_varint(data, 0, len(data))[0] == value


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("8000", 0),
        ("808000", 0),
        ("8100", 1),
        ("ff808000", 127),
        ("80808080808080808000", 0),
        ("ffffffff8f8080808000", 0xFFFFFFFF),
    ],
)
def test_forms_longer_than_need_be_are_read(stored: str, value: int) -> None:
    data = bytes.fromhex(stored)
    assert decode_varint(data, 0, len(data)) == (value, len(data))


@pytest.mark.parametrize("tenth", [0x02, 0x03, 0x40, 0x7F])
def test_the_tenth_byte_holds_the_last_bit_only(tenth: int) -> None:
    with pytest.raises(VarintError, match="more than 64 bits"):
        decode_varint(b"\xff" * 9 + bytes((tenth,)), 0, 10)


@pytest.mark.parametrize("length", [11, 12, 100_000])
def test_an_eleventh_byte_is_never_looked_at(length: int) -> None:
    with pytest.raises(VarintError, match="more than ten bytes"):
        decode_varint(b"\x80" * (length - 1) + b"\0", 0, length)


def test_there_is_no_number_at_the_end() -> None:
    with pytest.raises(VarintError, match="does not end"):
        decode_varint(b"\x01", 1, 1)


def test_an_error_is_a_value_error() -> None:
    assert issubclass(VarintError, ValueError)


@pytest.mark.parametrize(
    ("stored", "value", "after"),
    [
        ("00", 0, 1),
        ("8080808000", 0, 5),
        ("ffffffff0f", 0xFFFFFFFF, 5),
        ("80808000ff", 0, 4),
    ],
)
def test_a_short_number_has_32_bits_in_at_most_five_bytes(
    stored: str, value: int, after: int
) -> None:
    assert decode_varint32(bytes.fromhex(stored), 0, len(stored) // 2) == (value, after)


@pytest.mark.parametrize(
    ("stored", "fact"),
    [
        ("8080808010", "more than 32 bits"),
        ("ffffffff1f", "more than 32 bits"),
        ("ffffffff7f", "more than 32 bits"),
        ("808080808000", "does not end"),
        ("ffffffffffffffffff01", "does not end"),
        ("80808080", "does not end"),
        ("", "does not end"),
    ],
)
def test_what_is_longer_is_not_a_short_number(stored: str, fact: str) -> None:
    with pytest.raises(VarintError, match=fact):
        decode_varint32(bytes.fromhex(stored), 0, len(stored) // 2)


def plainly_decoded(data: Sequence[int], start: int, end: int) -> tuple[int, int] | str:
    value = 0
    for at in range(start, end):
        value |= (data[at] & 0x7F) << 7 * (at - start)
        if data[at] < 0x80:
            return (value, at + 1) if value < 1 << 64 else "a varint of more than 64 bits"
        if at - start == 9:
            return "a varint of more than ten bytes"
    return "a varint that does not end"


@given(
    st.lists(st.sampled_from([0, 1, 0x7F, 0x80, 0x81, 0xFF]), max_size=14),
    st.integers(0, 3),
    st.integers(0, 14),
    st.sampled_from([bytes, bytearray, list, lambda data: memoryview(bytes(data))]),
)
def test_any_bytes_are_what_the_definition_says(
    data: list[int], start: int, end: int, kind: Callable[[list[int]], Sequence[int]]
) -> None:
    end = min(end, len(data))
    try:
        found: tuple[int, int] | str = decode_varint(kind(data), start, end)
    except VarintError as error:
        found = str(error)
    assert found == plainly_decoded(data, start, end)


@pytest.mark.parametrize("bits", range(0, 64, 7))
def test_around_each_length(bits: int) -> None:
    for value in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1, (1 << 64) - 1):
        stored = encode_varint(value)
        assert plainly_decoded(stored, 0, len(stored)) == (value, len(stored))
        assert len(stored) == max(1, -(-value.bit_length() // 7))
