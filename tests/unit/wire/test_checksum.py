"""The vectors of RFC 3720, B.4, and those of the formats that mask."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from typing import TYPE_CHECKING

import pytest

from pbckpt.wire import checksum
from pbckpt.wire.checksum import crc32c, mask, unmask

if TYPE_CHECKING:
    from collections.abc import Sequence

# A SCSI Read (10) command, as the RFC gives it.
READ_COMMAND = bytes.fromhex(
    "01c00000 00000000 00000000 00000000 14000000 00000400"
    "00000014 00000018 28000000 00000000 02000000 00000000"
)

VECTORS = [
    pytest.param(b"\x00" * 32, 0x8A9136AA, id="zeros"),
    pytest.param(b"\xff" * 32, 0x62A8AB43, id="ones"),
    pytest.param(bytes(range(32)), 0x46DD794E, id="ascending"),
    pytest.param(bytes(range(31, -1, -1)), 0x113FDB5C, id="descending"),
    pytest.param(READ_COMMAND, 0xD9963A56, id="read command"),
    pytest.param(b"123456789", 0xE3069283, id="digits"),
    pytest.param(b"\x00\x00\xc0\x3f", 0x224302AF, id="the float 1.5"),
    pytest.param(b"", 0, id="nothing"),
]

MASKED = [
    (0x00000000, 0xA282EAD8),
    (0xE3069283, 0xC78AB0E5),
    (0x224302AF, 0xA7E12F5E),
    (0xFFFFFFFF, 0xA282EAD7),
    (0x00000001, 0xA284EAD8),
    (0x00008000, 0xA282EAD9),
]


@pytest.mark.parametrize(("data", "crc"), VECTORS)
def test_the_polynomial_is_castagnolis(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


@pytest.mark.parametrize(("data", "crc"), VECTORS)
def test_a_sum_goes_on_from_any_place(data: bytes, crc: int) -> None:
    for cut in range(len(data) + 1):
        assert crc32c(data[cut:], crc32c(data[:cut])) == crc


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_summed(kind: type) -> None:
    assert crc32c(kind(b"123456789")) == 0xE3069283


def test_a_part_of_a_view_is_summed_alone() -> None:
    assert crc32c(memoryview(b"--123456789--")[2:-2]) == 0xE3069283


@pytest.mark.parametrize(("crc", "masked"), MASKED)
def test_what_is_stored_is_rotated_and_moved(crc: int, masked: int) -> None:
    assert mask(crc) == masked


@pytest.mark.parametrize(("crc", "masked"), MASKED)
def test_what_is_stored_leads_back(crc: int, masked: int) -> None:
    assert unmask(masked) == crc


def test_a_stored_zero_stands_for_a_sum_too() -> None:
    assert unmask(0) == 0x8A942EBE
    assert mask(0x8A942EBE) == 0


def test_where_the_extension_has_another_name_the_package_itself_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = importlib.import_module("crc32c")
    find = importlib.machinery.PathFinder.find_spec

    def find_package_only(
        name: str, path: Sequence[str] | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return None if name == "crc32c._crc32c" else find(name, path)

    monkeypatch.delitem(sys.modules, "crc32c._crc32c")
    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", find_package_only)
    assert checksum._load_extension() is package
    assert package.crc32c(b"123456789") == 0xE3069283


def test_an_extension_that_is_loaded_already_is_not_loaded_twice() -> None:
    package = importlib.import_module("crc32c")
    assert checksum._load_extension() is package
