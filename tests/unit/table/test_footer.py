from __future__ import annotations

import pytest

from pbckpt.errors import CorruptFileError
from pbckpt.table.footer import (
    FOOTER_BYTES,
    MAGIC,
    MAX_HANDLE_BYTES,
    BlockHandle,
    Footer,
    decode_footer,
    decode_handle,
)

# The footer of a file of 146 bytes that TensorFlow wrote.
WORKED = bytes.fromhex("4208 4f0e" + "00" * 36 + "57fb808b247547db")
WORKED_FOOTER = Footer(BlockHandle(0x42, 8), BlockHandle(0x4F, 0x0E))

LARGEST = Footer(
    BlockHandle(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF),
    BlockHandle(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF),
)


def test_sizes_and_magic() -> None:
    assert FOOTER_BYTES == 48
    assert MAX_HANDLE_BYTES == 20
    assert MAGIC.hex() == "57fb808b247547db"


def test_the_footer_that_tensorflow_wrote() -> None:
    assert len(WORKED) == 48
    assert WORKED_FOOTER.encode() == WORKED
    assert decode_footer(WORKED) == WORKED_FOOTER


def test_the_largest_numbers_leave_no_padding() -> None:
    stored = bytes.fromhex("ffffffffffffffffff01" * 4 + "57fb808b247547db")
    assert LARGEST.encode() == stored
    assert decode_footer(stored) == LARGEST


@pytest.mark.parametrize(
    ("handle", "stored"),
    [
        (BlockHandle(0, 0), "0000"),
        (BlockHandle(0, 61), "003d"),
        (BlockHandle(262149, 13), "8580100d"),
        (BlockHandle(1 << 63, 1), "8080808080808080800101"),
    ],
)
def test_a_handle_is_two_numbers(handle: BlockHandle, stored: str) -> None:
    data = bytes.fromhex(stored)
    assert handle.encode() == data
    assert decode_handle(data, 0) == (handle, len(data))
    assert decode_handle(b"\xff\xff" + data + b"\xff", 2) == (handle, 2 + len(data))


@pytest.mark.parametrize("stored", ["", "00", "80", "0080", "80808080808080808080000001"])
def test_a_handle_that_does_not_end(stored: str) -> None:
    with pytest.raises(CorruptFileError, match="handle of a block") as caught:
        decode_handle(b"\x00\x00" + bytes.fromhex(stored), 2)
    assert caught.value.offset == 2


@pytest.mark.parametrize("size", [0, 1, 7, 8, 47, 49])
def test_a_footer_has_48_bytes(size: int) -> None:
    with pytest.raises(CorruptFileError, match="no table ends here"):
        decode_footer(WORKED[-size:].rjust(size, b"\0") if size else b"")


def test_every_flipped_bit_of_the_magic_is_noticed() -> None:
    for bit in range(40 * 8, 48 * 8):
        damaged = bytearray(WORKED)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError, match="no table ends here") as caught:
            decode_footer(bytes(damaged))
        assert caught.value.offset == 40
        assert caught.value.expected == "57fb808b247547db"
        assert caught.value.actual == damaged[40:].hex()


def test_nothing_is_told_as_nothing() -> None:
    with pytest.raises(CorruptFileError, match=r"found nothing\)") as caught:
        decode_footer(b"")
    assert caught.value.offset == 0


def test_padding_is_not_looked_at() -> None:
    stored = bytes.fromhex("4208 4f0e" + "a5" * 36 + "57fb808b247547db")
    assert decode_footer(stored) == WORKED_FOOTER


def test_longer_forms_of_the_numbers_are_read() -> None:
    stored = bytes.fromhex("c200 8800 cf00 8e00" + "00" * 32 + "57fb808b247547db")
    assert decode_footer(stored) == WORKED_FOOTER


@pytest.mark.parametrize(
    "handles",
    [
        pytest.param("80" * 40, id="one number without end"),
        pytest.param("ffffffffffffffffff01" * 3 + "ff" * 10, id="a last number without end"),
        pytest.param("000000" + "80" * 37, id="a size of the index block without end"),
        pytest.param("ffffffffffffffffff02" * 4, id="numbers over 64 bits"),
    ],
)
def test_handles_that_are_no_numbers(handles: str) -> None:
    with pytest.raises(CorruptFileError, match="handle of a block"):
        decode_footer(bytes.fromhex(handles) + MAGIC)
