"""Damage to the data file: no tensor is handed out that is not what was saved."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from pbckpt.bundle.payload import Payload, Tensor
from pbckpt.bundle.writer import ShardStream, write_index
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey
from pbckpt.wire.span import Span
from tests.corrupt.checkpoints import (
    OPEN_FILES,
    Saved,
    bits_of,
    finished,
    forge,
    make_tensors,
    open_files,
    replace,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

# What each tensor takes of the data file, in the order of their names.
PLACES = {
    "bias": range(12),
    "brain": range(12, 16),
    "flags": range(16, 19),
    "half": range(19, 27),
    "nothing": range(27, 27),
    "steps": range(27, 35),
    "waves": range(35, 51),
    "words": range(51, 51 + 9 + 138),
}


def test_where_tensors_lie(saved: Saved) -> None:
    with pbckpt.open_checkpoint(saved.prefix) as checkpoint:
        entries = {name: checkpoint.entry(name) for name in checkpoint}
    assert {
        name: range(entry.offset, entry.offset + entry.nbytes) for name, entry in entries.items()
    } == PLACES
    assert saved.data_file.stat().st_size == 198


def damaged_tensors(saved: Saved) -> list[str]:
    """Return the tensors that cannot be read; what can be read must be what was saved."""
    with pbckpt.open_checkpoint(saved.prefix) as checkpoint:
        return [name for name in checkpoint if is_refused(checkpoint, name, saved.tensors[name])]


def is_refused(checkpoint: pbckpt.Checkpoint, name: str, value: npt.NDArray[Any]) -> bool:
    try:
        loaded = checkpoint[name]
    except pbckpt.CorruptFileError:
        return True
    assert bits_of(loaded) == bits_of(value)
    return False


def owner(place: int) -> list[str]:
    return [name for name, places in PLACES.items() if place in places]


def problem_keys(saved: Saved) -> list[str]:
    return [problem.key for problem in pbckpt.verify(saved.prefix).problems]


def test_every_byte_inverted(saved: Saved) -> None:
    whole = saved.data_file.read_bytes()
    for place, byte in enumerate(whole):
        saved.data_file.write_bytes(whole[:place] + bytes((byte ^ 0xFF,)) + whole[place + 1 :])
        assert damaged_tensors(saved) == owner(place)
        assert problem_keys(saved) == owner(place)


def test_every_bit_flipped(saved: Saved) -> None:
    whole = saved.data_file.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        saved.data_file.write_bytes(damaged)
        assert damaged_tensors(saved) == owner(bit // 8)
        assert problem_keys(saved) == owner(bit // 8)


def test_every_length_cut(saved: Saved) -> None:
    whole = saved.data_file.read_bytes()
    for size in range(len(whole)):
        saved.data_file.write_bytes(whole[:size])
        beyond = [name for name, places in PLACES.items() if places.stop > size]
        assert damaged_tensors(saved) == beyond
        assert problem_keys(saved) == beyond


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 64])
def test_zeros_everywhere(saved: Saved, size: int) -> None:
    whole = saved.data_file.read_bytes()
    for start in range(len(whole) - size):
        damaged = whole[:start] + bytes(size) + whole[start + size :]
        saved.data_file.write_bytes(damaged)
        changed = {
            name for place in range(198) if damaged[place] != whole[place] for name in owner(place)
        }
        assert set(damaged_tensors(saved)) == changed
        assert set(problem_keys(saved)) == changed


def test_a_damaged_tensor_is_told_with_its_file_and_place(saved: Saved) -> None:
    whole = saved.data_file.read_bytes()
    saved.data_file.write_bytes(whole[:30] + b"\xff" + whole[31:])
    with pytest.raises(pbckpt.ChecksumError) as caught:
        saved.load()
    assert (caught.value.file, caught.value.offset) == (os.fspath(saved.data_file), 27)
    (problem,) = pbckpt.verify(saved.prefix).problems
    assert (problem.key, problem.file) == ("steps", os.fspath(saved.data_file))
    assert "at byte 27" in problem.problem


def test_the_command_line_fails_for_damage(
    saved: Saved, capsys: pytest.CaptureFixture[str]
) -> None:
    from pbckpt.cli.main import main  # noqa: PLC0415 - the only test of the command here

    assert main(["verify", os.fspath(saved.prefix)]) == 0
    saved.data_file.write_bytes(saved.data_file.read_bytes()[:-1])
    assert main(["verify", os.fspath(saved.prefix)]) == 1
    assert "words" in capsys.readouterr().out


def test_without_checksums_damage_is_handed_out_on_request(saved: Saved) -> None:
    whole = saved.data_file.read_bytes()
    saved.data_file.write_bytes(whole[:27] + b"\xff" + whole[28:])
    loaded = pbckpt.load_checkpoint(saved.prefix, verify=pbckpt.Verify.NOTHING)
    assert loaded["steps"] != saved.tensors["steps"]


def test_deleted(saved: Saved) -> None:
    saved.data_file.unlink()
    with pytest.raises(pbckpt.MissingFileError, match=r"data-00000-of-00001") as caught:
        saved.load()
    assert caught.value.file == os.fspath(saved.data_file)
    assert problem_keys(saved) == list(PLACES)
    assert len(pbckpt.list_variables(saved.prefix)) == 8


def test_deleted_after_the_index_was_opened(saved: Saved) -> None:
    with pbckpt.open_checkpoint(saved.prefix) as checkpoint:
        saved.data_file.unlink()
        with pytest.raises(pbckpt.MissingFileError, match=r"data-00000-of-00001"):
            checkpoint["steps"]


def test_deleted_where_there_are_no_tensors(tmp_path: Path) -> None:
    nothing = save(tmp_path / "nothing", {})
    assert nothing.is_verified()
    nothing.data_file.unlink()
    assert not nothing.is_verified()


def test_empty(saved: Saved) -> None:
    saved.data_file.write_bytes(b"")
    assert damaged_tensors(saved) == list(PLACES)
    assert not saved.is_verified()


@pytest.mark.parametrize("tail", [b"\0", b"junk", bytes(4096)])
def test_bytes_after_the_end(saved: Saved, tail: bytes) -> None:
    saved.data_file.write_bytes(saved.data_file.read_bytes() + tail)
    assert saved.is_right()
    (problem,) = pbckpt.verify(saved.prefix).problems
    assert (problem.key, problem.file) == ("", os.fspath(saved.data_file))
    assert f"{len(tail)} bytes at 198" in problem.problem


def test_bytes_before_the_start(saved: Saved) -> None:
    saved.data_file.write_bytes(b"\x01" + saved.data_file.read_bytes())
    assert set(damaged_tensors(saved)) == {name for name in PLACES if name != "nothing"}
    assert not saved.is_verified()


def test_the_data_of_other_values(saved: Saved, tmp_path: Path) -> None:
    tensors = make_tensors()
    tensors["steps"] += 1
    tensors["words"][0] = b"jello"
    other = save(tmp_path / "other" / "model", tensors)
    saved.data_file.write_bytes(other.data_file.read_bytes())
    assert damaged_tensors(saved) == ["steps", "words"]
    assert problem_keys(saved) == ["steps", "words"]


def two_shards(prefix: Path) -> None:
    """Write a checkpoint of two shards, of the same size."""
    entries = []
    for shard_id, (key, data) in enumerate([(b"a", b"first"), (b"b", b"other")]):
        payload = Payload([Span.of(data)])
        tensor = Tensor(BundleKey(key), DataType.UINT8, (5,), payload)
        stream = ShardStream([tensor], shard_id)
        block = stream.next_block(memoryview(bytearray(8)))
        assert block is not None
        assert stream.next_block(memoryview(bytearray(8))) is None
        shard_of(prefix, shard_id).write_bytes(block.data)
        entries += stream.entries
    index: list[bytes] = []
    write_index(entries, 2, index.append)
    prefix.with_name(prefix.name + ".index").write_bytes(b"".join(index))


def shard_of(prefix: Path, shard_id: int) -> Path:
    return prefix.with_name(f"{prefix.name}.data-0000{shard_id}-of-00002")


def test_two_shards_are_read(tmp_path: Path) -> None:
    two_shards(tmp_path / "two")
    loaded = pbckpt.load_checkpoint(tmp_path / "two")
    assert {name: value.tobytes() for name, value in loaded.items()} == {
        "a": b"first",
        "b": b"other",
    }
    assert pbckpt.verify(tmp_path / "two").ok


def test_shards_that_changed_places(tmp_path: Path) -> None:
    prefix = tmp_path / "two"
    two_shards(prefix)
    shard_of(prefix, 0).rename(tmp_path / "moved")
    shard_of(prefix, 1).rename(shard_of(prefix, 0))
    (tmp_path / "moved").rename(shard_of(prefix, 1))
    with pytest.raises(pbckpt.ChecksumError, match="data-00000-of-00002"):
        pbckpt.load_checkpoint(prefix)
    assert [problem.key for problem in pbckpt.verify(prefix).problems] == ["a", "b"]


@pytest.mark.parametrize("shard_id", [0, 1])
def test_one_of_two_shards_deleted(tmp_path: Path, shard_id: int) -> None:
    prefix = tmp_path / "two"
    two_shards(prefix)
    shard_of(prefix, shard_id).unlink()
    gone, there = ("a", "b") if shard_id == 0 else ("b", "a")
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert len(checkpoint[there]) == 5
        with pytest.raises(pbckpt.MissingFileError):
            checkpoint[gone]
    assert [problem.key for problem in pbckpt.verify(prefix).problems] == [gone]


def scalar_at(offset: int) -> str:
    """Return the entry of a float32 of 1.5."""
    return f"0801 1200 20{offset:02x} 2804 355e2fe1a7"


def test_a_hole_between_tensors(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f ffff 0000c03f"))
    forge(saved.index_file, {b"v": scalar_at(0), b"w": scalar_at(6)})
    assert saved.load() == {"v": 1.5, "w": 1.5}
    (problem,) = pbckpt.verify(saved.prefix).problems
    assert "2 bytes at 4 that belong to no tensor" in problem.problem


def test_tensors_that_overlap_in_part(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f 0000"))
    forge(saved.index_file, {b"v": scalar_at(0), b"w": "0813 1200 2002 2802 3500000000"})
    problems = pbckpt.verify(saved.prefix).problems
    assert any("overlap at byte 2" in problem.problem for problem in problems)


def test_two_names_of_the_same_bytes_are_no_problem(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f"))
    forge(saved.index_file, {b"v": scalar_at(0), b"w": scalar_at(0)})
    assert saved.load() == {"v": 1.5, "w": 1.5}
    assert saved.is_verified()


# A float32 of shape [2, 1] in two parts, a row each.
FULL = "0801 1208 12020802 12020801 3a08 0a021001 0a021001 3a0a 0a0408011001 0a021001"
FIRST_ROW_KEY = bytes.fromhex("00 70 0001 0102 80 81 80 81")
SECOND_ROW_KEY = bytes.fromhex("00 70 0001 0102 81 81 80 81")
FIRST_ROW = "0801 1208 12020801 12020801 2804 355e2fe1a7"
SECOND_ROW = "0801 1208 12020801 12020801 2004 2804 355e2fe1a7"


def test_parts_of_a_tensor_are_verified(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f 0000c03f"))
    forge(saved.index_file, {b"p": FULL, FIRST_ROW_KEY: FIRST_ROW, SECOND_ROW_KEY: SECOND_ROW})
    report = pbckpt.verify(saved.prefix)
    assert (report.checked, report.problems) == (2, ())
    saved.data_file.write_bytes(bytes.fromhex("0000c03f 0100c03f"))
    assert problem_keys(saved) == ["p"]


def test_a_part_of_a_tensor_that_is_not_stored(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes.fromhex("0000c03f"))
    forge(saved.index_file, {b"p": FULL, FIRST_ROW_KEY: FIRST_ROW})
    assert problem_keys(saved) == ["p"]


@pytest.mark.skipif(sys.platform != "linux", reason="not every system can make these")
@pytest.mark.parametrize("kind", ["directory", "pipe", "socket", "device"])
def test_something_else_in_its_place(saved: Saved, kind: str) -> None:
    replace(saved.data_file, kind)
    with pytest.raises(pbckpt.PbckptError, match=r"data-00000-of-00001"):
        finished(saved.load)


@pytest.mark.skipif(sys.platform != "linux", reason="not every system can make these")
@pytest.mark.parametrize("kind", ["directory", "pipe", "socket", "device"])
def test_something_else_in_its_place_is_a_problem_that_is_reported(saved: Saved, kind: str) -> None:
    replace(saved.data_file, kind)
    assert not finished(saved.is_verified)


@pytest.mark.skipif(sys.platform != "linux", reason="not every system can make these")
def test_a_link_that_leads_to_the_data_is_followed(saved: Saved, tmp_path: Path) -> None:
    saved.data_file.rename(tmp_path / "elsewhere")
    saved.data_file.symlink_to(tmp_path / "elsewhere")
    assert saved.is_right()
    assert saved.is_verified()


def test_a_large_tensor_is_checked_to_its_end(tmp_path: Path) -> None:
    large = save(tmp_path / "large", {"w": np.arange(1_000_003, dtype=ml_dtypes.bfloat16)})
    assert large.is_right()
    whole = large.data_file.read_bytes()
    for place in (0, 1 << 20, len(whole) - 1):
        large.data_file.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        assert not large.is_right()
        assert problem_keys(large) == ["w"]


def test_a_small_file_that_tells_of_many_strings_takes_no_memory(saved: Saved) -> None:
    saved.data_file.write_bytes(bytes(64))
    forge(saved.index_file, {b"s": "0807 1207 1205 0880808020 2840"})
    with pytest.raises(pbckpt.CorruptFileError, match="67108864 strings in 64 bytes"):
        saved.load()
    assert not saved.is_verified()


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files cannot be counted")
def test_no_file_stays_open(saved: Saved) -> None:
    whole = saved.data_file.read_bytes()
    before = open_files()
    for size in range(0, len(whole), 3):
        saved.data_file.write_bytes(whole[:size])
        assert not saved.is_right()
        assert not saved.is_verified()
    assert open_files() == before
