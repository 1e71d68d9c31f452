"""What TensorFlow wrote as V1 reads to what it wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pbckpt.bundle.entry import Extent
from pbckpt.v1.reader import is_v1
from pbckpt.v1.shards import pattern_matches
from pbckpt.wire.span import Memory
from tests import shared_material
from tests.unit.v1.files import digest, open_files, whole

if TYPE_CHECKING:
    from pbckpt.v1.reader import V1Reader

GOLDEN = Path(__file__).parents[2] / "golden"
FOLDERS = sorted(path.parent for path in (GOLDEN / "v1").glob("*/expected.json"))


def shared_folders() -> list[Any]:
    golden = shared_material.ROOT / "golden"
    found = [
        pytest.param(path, id=f"{path.parent.name}-{path.name}")
        for path in sorted(golden.glob("*/v1_*"))
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=shared_material.ABSENT))]


def expected_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return found


def open_folder(folder: Path) -> V1Reader:
    expected = expected_of(folder)
    wanted = expected["pattern"] if "pattern" in expected else expected["file"]
    return open_files(*(p for p in sorted(folder.iterdir()) if pattern_matches(wanted, p.name)))


def check(opened: V1Reader, told: dict[bytes, tuple[int, list[int], str]]) -> None:
    found = {
        name: (int(tensor.dtype), list(tensor.shape), digest(whole(opened, tensor)))
        for name, tensor in opened.tensors.items()
    }
    assert found == told


def test_there_are_golden_files() -> None:
    names = {folder.name for folder in FOLDERS}
    assert names == {"dtypes", "partitioned", "sharded2", "sliced", "strings"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_files_are_as_they_were_written(folder: Path) -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "expected.json"
    }
    assert found == expected_of(folder)["files"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_own_files(folder: Path) -> None:
    told = expected_of(folder)["tensors"]
    check(
        open_folder(folder),
        {one["key"].encode(): (one["dtype"], one["shape"], one["sha256"]) for one in told},
    )


@pytest.mark.parametrize("folder", shared_folders())
def test_shared_files(folder: Path) -> None:
    told = expected_of(folder)["tensors"]
    check(
        open_folder(folder),
        {name.encode(): (one["enum"], one["shape"], one["sha256"]) for name, one in told.items()},
    )


def test_every_type_that_v1_takes_is_there() -> None:
    tensors = open_folder(GOLDEN / "v1" / "dtypes").tensors.values()
    assert {int(one.dtype) for one in tensors} == {*range(1, 14), 17, 18, 19} - {7}


def test_nans_keep_their_bits() -> None:
    opened = open_folder(GOLDEN / "v1" / "dtypes")
    found = {name: whole(opened, one) for name, one in opened.tensors.items() if b"nan" in name}
    assert found == {
        b"nan_bits/01": bytes.fromhex("0100807f 0000a0ff"),
        b"nan_bits/02": bytes.fromhex("010000000000f07f 000000000000f4ff"),
        b"nan_bits/08": bytes.fromhex("0100807f 0000a0ff"),
        b"nan_bits/18": bytes.fromhex("010000000000f07f 000000000000f4ff"),
        b"nan_bits/19": bytes.fromhex("017c 00fd"),
    }


def test_a_variable_in_one_part_keeps_its_explicit_form() -> None:
    tensors = open_folder(GOLDEN / "v1" / "partitioned").tensors
    assert [part.part for part in tensors[b"in_one_part"].parts] == [(Extent(0, 2),)]
    assert [part.part for part in tensors[b"plain"].parts] == [()]
    # The Saver sorts part_0:0, part_10:0, part_1:0, part_2:0, and so on, as text.
    assert [part.part[0].start for part in tensors[b"embedding"].parts][:4] == [0, 12, 2, 4]


def test_a_variable_is_split_over_both_shards() -> None:
    tensors = open_folder(GOLDEN / "v1" / "sharded2").tensors
    assert [part.shard_id for part in tensors[b"split"].parts] == [0, 1]


@pytest.mark.parametrize("path", sorted((GOLDEN / "v1").glob("*/model.ckpt*")), ids=str)
def test_every_file_is_told_to_be_v1(path: Path) -> None:
    assert is_v1(Memory(path.read_bytes()))


def test_no_index_file_is_told_to_be_v1() -> None:
    paths = sorted(GOLDEN.rglob("*.index"))
    assert paths
    assert not any(is_v1(Memory(path.read_bytes())) for path in paths)
