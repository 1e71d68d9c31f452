"""Damage to the index file: all of the checkpoint is read as it was, or none of it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.bundle.entry import encode_header
from pbckpt.bundle.index import Index
from pbckpt.wire.span import Memory
from tests.corrupt.checkpoints import (
    OPEN_FILES,
    Saved,
    finished,
    forge,
    make_tensors,
    open_files,
    replace,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_not_damaged_is_right(saved: Saved) -> None:
    assert saved.is_right()
    assert saved.is_verified()
    assert pbckpt.verify(saved.prefix).checked == 8


def test_every_byte_inverted(saved: Saved) -> None:
    whole = saved.index_file.read_bytes()
    unverified = []
    for place, byte in enumerate(whole):
        saved.index_file.write_bytes(whole[:place] + bytes((byte ^ 0xFF,)) + whole[place + 1 :])
        saved.is_right()
        if saved.is_verified():
            unverified.append(place)
    assert unverified == []


def test_every_bit_flipped(saved: Saved) -> None:
    whole = saved.index_file.read_bytes()
    unverified, right = [], 0
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        saved.index_file.write_bytes(damaged)
        right += saved.is_right()
        if saved.is_verified():
            unverified.append(bit)
    assert unverified == []
    # Only what no reader needs: the metaindex block with its trailer and its handle, and
    # the padding; a bit of the index handle can give a longer form of the same number.
    assert right <= 8 * (13 + 3 + 40)


def test_every_length_cut(saved: Saved) -> None:
    whole = saved.index_file.read_bytes()
    for size in range(len(whole)):
        saved.index_file.write_bytes(whole[:size])
        with pytest.raises(pbckpt.CorruptFileError, match=r"model\.index"):
            saved.load()
        assert not saved.is_verified()


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 64])
def test_zeros_everywhere(saved: Saved, size: int) -> None:
    whole = saved.index_file.read_bytes()
    for start in range(len(whole) - size):
        damaged = whole[:start] + bytes(size) + whole[start + size :]
        saved.index_file.write_bytes(damaged)
        saved.is_right()
        assert saved.is_verified() is (damaged == whole)


def test_deleted(saved: Saved) -> None:
    saved.index_file.unlink()
    with pytest.raises(pbckpt.MissingFileError) as caught:
        saved.load()
    assert caught.value.file == os.fspath(saved.index_file)
    with pytest.raises(pbckpt.MissingFileError):
        pbckpt.verify(saved.prefix)


def test_empty(saved: Saved) -> None:
    saved.index_file.write_bytes(b"")
    with pytest.raises(pbckpt.CorruptFileError, match="found nothing"):
        saved.load()
    assert not saved.is_verified()


@pytest.mark.parametrize("tail", [b"\0", b"\n", b"junk", bytes(48), bytes(4096)])
def test_bytes_after_the_end(saved: Saved, tail: bytes) -> None:
    saved.index_file.write_bytes(saved.index_file.read_bytes() + tail)
    with pytest.raises(pbckpt.CorruptFileError, match="no table ends here"):
        saved.load()
    assert not saved.is_verified()


def test_a_second_footer_after_the_end(saved: Saved) -> None:
    whole = saved.index_file.read_bytes()
    saved.index_file.write_bytes(whole + b"hidden" + whole[-48:])
    assert saved.is_right()
    assert not saved.is_verified()


@pytest.mark.parametrize("head", [b"\0", b"#!/bin/sh\n", bytes(48)])
def test_bytes_before_the_start(saved: Saved, head: bytes) -> None:
    saved.index_file.write_bytes(head + saved.index_file.read_bytes())
    with pytest.raises(pbckpt.CorruptFileError):
        saved.load()
    assert not saved.is_verified()


def test_two_files_in_one(saved: Saved) -> None:
    saved.index_file.write_bytes(saved.index_file.read_bytes() * 2)
    saved.is_right()
    assert not saved.is_verified()


def test_the_index_of_other_values(saved: Saved, tmp_path: Path) -> None:
    tensors = make_tensors()
    tensors["steps"] += 1
    other = save(tmp_path / "other" / "model", tensors)
    saved.index_file.write_bytes(other.index_file.read_bytes())
    with pytest.raises(pbckpt.ChecksumError, match=r"model\.data-00000-of-00001"):
        saved.load()
    assert [problem.key for problem in pbckpt.verify(saved.prefix).problems] == ["steps"]


def test_the_index_of_other_sizes(saved: Saved, tmp_path: Path) -> None:
    other = save(tmp_path / "other" / "model", {"bias": np.zeros(1000, "f4")})
    saved.index_file.write_bytes(other.index_file.read_bytes())
    with pytest.raises(pbckpt.CorruptFileError, match="past the end"):
        saved.load()
    assert not saved.is_verified()


def test_the_index_of_fewer_tensors(saved: Saved, tmp_path: Path) -> None:
    """What is there is right, but a part of the data file belongs to nobody."""
    tensors = {name: value for name, value in make_tensors().items() if name != "words"}
    other = save(tmp_path / "other" / "model", tensors)
    saved.index_file.write_bytes(other.index_file.read_bytes())
    assert other._replace(prefix=saved.prefix).is_right()
    (problem,) = pbckpt.verify(saved.prefix).problems
    assert problem.key == ""
    assert "belong to no tensor" in problem.problem


def test_a_header_of_more_shards_than_there_are(saved: Saved) -> None:
    index = Index(Memory(saved.index_file.read_bytes()))
    header = encode_header(index.header._replace(num_shards=2)).hex()
    forge(saved.index_file, {b"": header, b"bias": "0801 1200 2804 355e2fe1a7"})
    with pytest.raises(pbckpt.MissingFileError, match="data-00000-of-00002"):
        saved.load()
    assert not saved.is_verified()


def test_a_header_of_two_thousand_million_shards(saved: Saved) -> None:
    forge(saved.index_file, {b"": "08ffffffff07", b"w": "0801 1200 18feffffff07 2804 355e2fe1a7"})
    with pytest.raises(pbckpt.MissingFileError, match="data-2147483646-of-2147483647"):
        finished(saved.load)
    assert not finished(saved.is_verified)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("0801 12820212ff01 0a" + "00" * 254, id="a cut shape"),
        pytest.param("0801 12848002" + "12020801" * 8193 + "2804", id="8193 dimensions"),
        pytest.param("0865 1200 2804 355e2fe1a7", id="a reference"),
        pytest.param("0814 1200", id="a resource"),
        pytest.param("0801 1200 2004 28fcffffffffffffffff01", id="a negative size"),
        pytest.param("0801 1200 20ffffffffffffffff7f 2804", id="a far place"),
    ],
)
def test_forged_entries(saved: Saved, entry: str) -> None:
    forge(saved.index_file, {b"w": entry})
    with pytest.raises(pbckpt.BundleError):
        saved.load()
    assert not saved.is_verified()


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("0801 128402" + "12020801" * 65 + "2804 355e2fe1a7", id="65 dimensions"),
        pytest.param("0801 12f807" + "12020801" * 254 + "2804 355e2fe1a7", id="254 dimensions"),
        pytest.param(
            "0801 120e 1200 120a 08ffffffffffffffff3f 35d8ea82a2",
            id="no elements, and 2**62 beside them",
        ),
    ],
)
def test_shapes_that_numpy_does_not_have(saved: Saved, entry: str) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f"))
    forge(saved.index_file, {b"w": entry})
    with pytest.raises(pbckpt.UnsupportedBundleError):
        saved.load()


def test_a_key_that_is_a_path_is_only_a_key(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f"))
    forge(saved.index_file, {b"../../etc/passwd": "0801 1200 2804 355e2fe1a7"})
    assert saved.load() == {"../../etc/passwd": 1.5}


@pytest.mark.skipif(sys.platform != "linux", reason="not every system can make these")
@pytest.mark.parametrize("kind", ["directory", "pipe", "socket", "device", "loop"])
def test_something_else_in_its_place(saved: Saved, kind: str) -> None:
    replace(saved.index_file, kind)
    with pytest.raises(pbckpt.PbckptError, match=r"model\.index"):
        finished(saved.load)


@pytest.mark.skipif(sys.platform != "linux", reason="not every system can make these")
@pytest.mark.parametrize("kind", ["directory", "pipe", "socket", "device"])
def test_something_else_in_its_place_is_a_problem_that_is_reported(saved: Saved, kind: str) -> None:
    replace(saved.index_file, kind)
    assert not finished(saved.is_verified)


@pytest.mark.skipif(sys.platform != "linux", reason="not every system can make these")
@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
def test_something_else_in_the_place_of_the_state_file(saved: Saved, kind: str) -> None:
    state = saved.prefix.with_name("checkpoint")
    replace(state, kind)
    assert finished(saved.is_right)
    with pytest.raises(pbckpt.PbckptError, match="checkpoint"):
        finished(lambda: pbckpt.open_checkpoint(saved.prefix.parent))
    with pytest.raises(pbckpt.PbckptError):
        finished(lambda: save(saved.prefix.with_name("second"), make_tensors()))
    assert not saved.prefix.with_name("second.index").exists()


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files cannot be counted")
def test_no_file_stays_open(saved: Saved) -> None:
    whole = saved.index_file.read_bytes()
    before = open_files()
    for size in range(0, len(whole), 7):
        saved.index_file.write_bytes(whole[:size])
        assert not saved.is_right()
        assert not saved.is_verified()
    assert open_files() == before
