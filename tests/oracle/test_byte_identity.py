"""Our files are the files that TensorFlow writes, byte for byte."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.checkpoints.write import write_bundle
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey, Prefix
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.wire.span import Span
from tests.oracle.judge import (
    DT_STRING,
    Manifest,
    TensorFlowJudge,
    VariableKind,
    key_bytes,
    write_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path

FLOAT, INT64 = 1, 9


def write_ours(tensors: Manifest, prefix: Path) -> None:
    """Write what `tensors` says with pbckpt."""
    ready = []
    for key, (dtype, shape, value) in sorted(tensors.items(), key=lambda item: key_bytes(item[0])):
        payload = Payload([Span.of(value)]) if isinstance(value, bytes) else string_payload(value)
        ready.append(Tensor(BundleKey(key_bytes(key)), DataType(dtype), shape, payload))
    write_bundle(
        [ready],
        sum(len(value) for _, _, value in tensors.values()),
        Prefix.parse(prefix),
        on_existing=OnExisting.REFUSE,
        durability=Durability.NONE,
    )


def assert_same_files(ours: Path, theirs: Path) -> None:
    for ending in (".index", ".data-00000-of-00001"):
        mine = ours.with_name(ours.name + ending).read_bytes()
        tensorflow = theirs.with_name(theirs.name + ending).read_bytes()
        assert mine == tensorflow, f"{ending} differs"


def floats(count: int) -> bytes:
    return struct.pack(f"<{count}f", *range(count))


def many(count: int) -> Manifest:
    """Return variables of which every third is a scalar and every fifth has no elements."""
    tensors: Manifest = {}
    for number in range(count):
        name = f"tower_{number % 7}/layer_{number:05d}/kernel"
        shape = () if number % 3 == 0 else (0, 4) if number % 5 == 0 else (2, 3)
        tensors[name] = (FLOAT, shape, {(): floats(1), (0, 4): b""}.get(shape, floats(6)))
    return tensors


@pytest.mark.parametrize("count", [1, 14, 15, 16, 17, 30, 31, 32, 33, 1000])
@pytest.mark.parametrize("kind", list(VariableKind))
def test_saver(judge: TensorFlowJudge, tmp_path: Path, count: int, kind: VariableKind) -> None:
    if kind is VariableKind.RESOURCE and count == 1000:
        pytest.skip("resource variables write what reference variables write: seen at 33")
    tensors = many(count)
    theirs = judge.saver_save(write_manifest(tmp_path, tensors), tmp_path / "tf", kind)
    write_ours(tensors, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)


def test_20000_long_names(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """The index has many blocks. With the op that the Saver uses: variables take a minute."""
    tensors: Manifest = {
        f"a/rather/long/scope/that/many/variables/share/block_{n % 64}/ü{n}/gewicht_日本_{n}": (
            FLOAT,
            (),
            floats(1),
        )
        for n in range(20000)
    }
    tensors = {key: tensors[key] for key in sorted(map(str, tensors))}
    theirs = judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "tf")
    write_ours(tensors, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)


def test_every_dtype(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """All that SaveV2 takes, each as a matrix, a scalar and a tensor without elements."""
    tensors: Manifest = {}
    for number in judge.dtypes():
        dtype = DataType(number)
        if not dtype.is_fixed_size:
            continue
        # Bits that are valid in every type: zero, one, and all types' small positives.
        element = bytes([1]) + bytes(dtype.itemsize - 1)
        zero = bytes(dtype.itemsize)
        tensors[f"{number:02d}/matrix"] = (number, (2, 3), (element + zero) * 3)
        tensors[f"{number:02d}/scalar"] = (number, (), element)
        tensors[f"{number:02d}/empty"] = (number, (3, 0, 2), b"")
    ordered = dict(sorted(tensors.items()))
    theirs = judge.savev2(write_manifest(tmp_path, ordered), tmp_path / "tf")
    write_ours(ordered, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)
    assert len(ordered) >= 3 * 20


def test_strings(judge: TensorFlowJudge, tmp_path: Path) -> None:
    tensors: Manifest = {
        "a/empty": (DT_STRING, (2,), [b"", b""]),
        "b/long": (DT_STRING, (3,), [b"x" * 127, b"y" * 128, b"z" * 100_000]),
        "c/not utf-8": (DT_STRING, (2, 2), [b"\xff\x00", b"\xc3(", b"caf\xc3\xa9", b"\0"]),
        "d/none": (DT_STRING, (0, 5), []),
        "e/scalar": (DT_STRING, (), [b"scalar"]),
    }
    theirs = judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "tf")
    write_ours(tensors, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)


def test_names_that_are_not_text(judge: TensorFlowJudge, tmp_path: Path) -> None:
    tensors: Manifest = {
        name: (FLOAT, (1,), floats(1))
        for name in sorted([b"\x01", b"\xff", b"\xff\xfe", b"a b", b"a/b:0", b"a\\b", b"caf\xe9"])
    }
    theirs = judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "tf")
    write_ours(tensors, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)


@pytest.mark.parametrize("length", [524280, 524288, 600000])
def test_an_entry_of_over_512_kib(judge: TensorFlowJudge, tmp_path: Path, length: int) -> None:
    """Such an entry gets a block of its own, and the block before it is cut short."""
    tensors: Manifest = {
        "a": (FLOAT, (), floats(1)),
        "m" * length: (INT64, (2,), struct.pack("<2q", 1, 2)),
        "z": (FLOAT, (), floats(1)),
    }
    theirs = judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "tf")
    write_ours(tensors, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)


@pytest.mark.parametrize("last", [262113, 262114, 262115, 262116, 262117, 262118, 262119, 262120])
def test_a_block_of_exactly_256_kib(judge: TensorFlowJudge, tmp_path: Path, last: int) -> None:
    """Around the size at which a block is cut."""
    tensors: Manifest = {
        "k" * (last // 2): (FLOAT, (), floats(1)),
        "l" * (last - last // 2): (FLOAT, (), floats(1)),
        "m": (FLOAT, (), floats(1)),
    }
    theirs = judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "tf")
    write_ours(tensors, tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)


def test_no_variables_at_all(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """TensorFlow's savers write no such checkpoint; it must open one."""
    write_ours({}, tmp_path / "ours")
    assert judge.load(tmp_path / "ours") == {}
