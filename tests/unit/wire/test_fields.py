from __future__ import annotations

import pytest

from pbckpt.errors import GraphDecodeError
from pbckpt.wire.fields import (
    FIXED32,
    FIXED64,
    GROUP,
    LENGTH,
    VARINT,
    Field,
    read_field,
    scan,
)

# One field of each kind: where it starts, where its payload starts, where it ends.
EVERY_KIND = bytes.fromhex(
    "089601"  # 1: varint 150
    "110102030405060708"  # 2: eight bytes
    "1a03616263"  # 3: three bytes by length
    "23"  # 4: a group
    "280a"  # with a field 5
    "33"  # and a group 6 of nothing
    "34"
    "24"
    "3d01020304"  # 7: four bytes
    "c23e00"  # 1000: no bytes by length
)
FIELDS = [
    Field(1, VARINT, 0, 1, 3),
    Field(2, FIXED64, 3, 4, 12),
    Field(3, LENGTH, 12, 14, 17),
    Field(4, GROUP, 17, 18, 23),
    Field(7, FIXED32, 23, 24, 28),
    Field(1000, LENGTH, 28, 31, 31),
]


def scan_all(data: bytes, *, base: int = 0) -> list[Field]:
    return list(scan(memoryview(data), 0, len(data), base=base))


def test_the_numbers_of_the_wire_types() -> None:
    assert (VARINT, FIXED64, LENGTH, GROUP, FIXED32) == (0, 1, 2, 3, 5)


def test_every_kind_of_field_is_found_in_order() -> None:
    assert scan_all(EVERY_KIND) == FIELDS


def test_no_bytes_are_a_message_without_fields() -> None:
    assert scan_all(b"") == []


def test_a_message_within_a_message_is_scanned_by_its_place() -> None:
    data = b"\x0a\x05" + bytes.fromhex("0a03616263") + b"\xff"
    assert list(scan(memoryview(data), 2, 7)) == [Field(1, LENGTH, 2, 4, 7)]


def test_one_field_is_read_by_itself() -> None:
    assert read_field(memoryview(EVERY_KIND), 12, 31) == Field(3, LENGTH, 12, 14, 17)


def test_a_cut_between_fields_is_a_shorter_message_and_any_other_an_error() -> None:
    ends = {0: 0, 3: 1, 12: 2, 17: 3, 23: 4, 28: 5, 31: 6}
    for cut in range(len(EVERY_KIND) + 1):
        if cut in ends:
            assert scan_all(EVERY_KIND[:cut]) == FIELDS[: ends[cut]]
            continue
        with pytest.raises(GraphDecodeError) as caught:
            scan_all(EVERY_KIND[:cut])
        assert caught.value.offset == max(start for start in ends if start < cut)


def test_bytes_after_the_end_are_not_touched() -> None:
    view = memoryview(EVERY_KIND + b"\xff\xff")
    assert list(scan(view, 0, 31)) == FIELDS


def test_fields_before_the_damage_are_found_first() -> None:
    fields = scan(memoryview(b"\x08\x01\x0f"), 0, 3)
    assert next(fields) == Field(1, VARINT, 0, 1, 2)
    with pytest.raises(GraphDecodeError) as caught:
        next(fields)
    assert caught.value.offset == 2


@pytest.mark.parametrize("damage", ["0f", "80", "0affffffff"], ids=["type", "tag", "length"])
def test_an_offset_is_counted_from_the_start_of_the_file(damage: str) -> None:
    with pytest.raises(GraphDecodeError, match="at byte 1000002") as caught:
        scan_all(b"\x08\x01" + bytes.fromhex(damage), base=1_000_000)
    assert caught.value.offset == 1_000_002


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        ("7800", 15),
        ("800100", 16),
        ("f8ffffff0f00", 536870911),
        ("880001", 1),
        ("888080800001", 1),
    ],
)
def test_tags_of_up_to_five_bytes(stored: str, number: int) -> None:
    (field,) = scan_all(bytes.fromhex(stored))
    assert (field.number, field.wire_type) == (number, VARINT)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("0000", id="number 0, varint"),
        pytest.param("0200", id="number 0, length"),
        pytest.param("04", id="number 0, end of group"),
        pytest.param("80808080100001", id="number 2**29"),
        pytest.param("ffffffff7f00", id="number over 2**29"),
        pytest.param("ffffffffffffffffff0100", id="number over 2**32"),
        pytest.param("ffffffffffffffffff0200", id="tag over 64 bits"),
        pytest.param("8080808080808080808001", id="tag of eleven bytes"),
        pytest.param("80", id="tag that does not end"),
        pytest.param("0e", id="wire type 6"),
        pytest.param("0f", id="wire type 7"),
        pytest.param("0c", id="end of a group that never began"),
        pytest.param("08", id="varint of no bytes"),
        pytest.param("08ffffffffffffffffff02", id="varint over 64 bits"),
        pytest.param("088080808080808080808000", id="varint of eleven bytes"),
        pytest.param("0901020304050607", id="seven of eight bytes"),
        pytest.param("0d010203", id="three of four bytes"),
        pytest.param("0b", id="group that does not end"),
        pytest.param("0b0801", id="group that does not end after a field"),
        pytest.param("0b14", id="group that ends under another number"),
        pytest.param("0b130c14", id="groups that cross"),
        pytest.param("0b0a7f0c", id="length that leaves its group and the message"),
        pytest.param("0b00000c", id="number 0 in a group"),
        pytest.param("0b0f0c", id="wire type 7 in a group"),
        pytest.param("0a", id="length that is missing"),
        pytest.param("0a01", id="length 1, nothing left"),
        pytest.param("0affffffff07ff", id="length 2**31 - 1"),
        pytest.param("0a8080808008ff", id="length 2**31"),
        pytest.param("0affffffff0fff", id="length 2**32 - 1"),
        pytest.param("0affffffffffffffff7fff", id="length 2**63 - 1"),
        pytest.param("0a80808080808080808001ff", id="length 2**63"),
        pytest.param("0affffffffffffffffff01ff", id="length 2**64 - 1"),
        pytest.param("0afdffffffffffffffff01ff", id="length that wraps to 0"),
    ],
)
def test_what_no_message_can_hold(stored: str) -> None:
    with pytest.raises(GraphDecodeError) as caught:
        scan_all(bytes.fromhex(stored))
    assert caught.value.offset == 0


@pytest.mark.parametrize("stored", ["8a80808080000161", "8a8080808080808080000161"])
def test_a_tag_over_five_bytes_is_refused_as_protobuf_does(stored: str) -> None:
    with pytest.raises(GraphDecodeError):
        scan_all(bytes.fromhex(stored))


def test_a_length_is_measured_from_its_payload() -> None:
    assert scan_all(b"\x0a\x02\x0a\x00") == [Field(1, LENGTH, 0, 2, 4)]


@pytest.mark.parametrize("depth", [1, 2, 99, 100])
def test_groups_within_groups_are_one_field(depth: int) -> None:
    data = b"\x0b" * depth + b"\x0c" * depth
    assert scan_all(data) == [Field(1, GROUP, 0, 1, 2 * depth)]


@pytest.mark.parametrize("depth", [101, 10_000, 1_000_000])
def test_groups_are_nested_a_hundred_deep_at_most(depth: int) -> None:
    with pytest.raises(GraphDecodeError, match="over 100 deep"):
        scan_all(b"\x0b" * depth + b"\x0c" * depth)


def test_groups_beside_each_other_are_counted_apart() -> None:
    data = b"\x0b" + b"\x13\x14" * 5_000 + b"\x0c"
    assert scan_all(data) == [Field(1, GROUP, 0, 1, 10_002)]
