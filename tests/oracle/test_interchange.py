"""TensorFlow reads what we write, and we read what TensorFlow writes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from tests.oracle.judge import (
    DT_STRING,
    Manifest,
    TensorFacts,
    TensorFlowJudge,
    VariableKind,
    digest_payload,
    write_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

SAMPLE_NAMES = ("model.ckpt", "a b%20{c}*?~", "with.dots-and_15")


def test_saved_arrays_load(judge: TensorFlowJudge, tmp_path: Path) -> None:
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors: dict[str, npt.ArrayLike] = {
        "dense/kernel": kernel,
        "global_step": np.int64(17),
        "labels": np.array([b"cat", b"", b"\xff"], dtype=object),
        "half": np.array([1.5, -0.0], dtype=np.float16),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    assert judge.load(tmp_path / "m") == {
        "dense/kernel": TensorFacts.of(1, (2, 3), kernel.tobytes()),
        "global_step": TensorFacts.of(9, (), (17).to_bytes(8, "little")),
        "half": TensorFacts.of(19, (2,), bytes.fromhex("003e0080")),
        "labels": TensorFacts.of(DT_STRING, (3,), [b"cat", b"", b"\xff"]),
    }


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_prefixes_restore(judge: TensorFlowJudge, tmp_path: Path, name: str) -> None:
    pbckpt.save_checkpoint({"w": np.float32(1)}, tmp_path / "new" / name)
    assert list(judge.load(tmp_path / "new" / name)) == ["w"]


def test_the_state_file_leads_to_the_newest(judge: TensorFlowJudge, tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": np.float32(1)}, tmp_path / "model.ckpt-1")
    pbckpt.save_checkpoint({"w": np.float32(2)}, tmp_path / "modèle.ckpt-2")
    state = judge.state(tmp_path)
    assert state.latest == str(tmp_path / "modèle.ckpt-2")
    assert [path.rpartition("/")[2] for path in state.all_paths] == [
        "model.ckpt-1",
        "modèle.ckpt-2",
    ]


def test_we_go_on_with_a_state_file_of_tensorflow(judge: TensorFlowJudge, tmp_path: Path) -> None:
    tensors: Manifest = {"w": (1, (), b"\0\0\x80\x3f")}
    judge.saver_save(write_manifest(tmp_path, tensors), tmp_path / "tf", VariableKind.REFERENCE)
    pbckpt.save_checkpoint({"w": np.float32(2)}, tmp_path / "ours")
    assert judge.state(tmp_path).latest == str(tmp_path / "ours")
    assert len(judge.state(tmp_path).all_paths) == 2


def test_a_replaced_checkpoint_loads(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """It has one shard that is called the first of two; the second makes up the number."""
    pbckpt.save_checkpoint({"w": np.float32(1)}, tmp_path / "m")
    replace = pbckpt.OnExisting.REPLACE
    pbckpt.save_checkpoint({"w": np.float32(2)}, tmp_path / "m", on_existing=replace)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint",
        "m.data-00000-of-00002",
        "m.data-00001-of-00002",
        "m.index",
    ]
    assert judge.load(tmp_path / "m") == {"w": TensorFacts.of(1, (), b"\0\0\0\x40")}
    pbckpt.save_checkpoint({"w": np.float32(3)}, tmp_path / "m", on_existing=replace)
    assert judge.load(tmp_path / "m") == {"w": TensorFacts.of(1, (), b"\0\0\x40\x40")}


def test_we_read_every_dtype_that_tensorflow_writes(judge: TensorFlowJudge, tmp_path: Path) -> None:
    tensors: Manifest = {}
    for number in judge.dtypes():
        dtype = pbckpt.DataType(number)
        if dtype.is_fixed_size:
            tensors[f"v{number:02d}"] = (
                number,
                (4,),
                bytes(dtype.itemsize) * 3 + b"\1" * dtype.itemsize,
            )
    tensors["v99"] = (DT_STRING, (2,), [b"\xff" * 300, b""])
    judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "tf")
    assert pbckpt.verify(tmp_path / "tf").problems == ()
    with pbckpt.open_checkpoint(tmp_path / "tf") as checkpoint:
        for key, (number, shape, value) in tensors.items():
            assert isinstance(key, str)
            entry = checkpoint.entry(key)
            assert (entry.dtype, entry.shape) == (number, shape)
            array = checkpoint[key]
            found = array.tolist() if number == DT_STRING else array.tobytes()
            assert digest_payload(found) == digest_payload(value)


def test_values_survive_tensorflow(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """NaN payloads, negative zero and infinities come back as they went in."""
    bits = bytes.fromhex("0000a07f 010080ff 00000080 0000807f 01000000")
    array = np.frombuffer(bits, dtype=np.float32)
    pbckpt.save_checkpoint({"odd": array}, tmp_path / "m")
    assert judge.load(tmp_path / "m")["odd"].sha256 == hashlib.sha256(bits).hexdigest()
