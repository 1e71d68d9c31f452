"""Netron opens what pbckpt writes and shows every tensor: name, type, shape, values."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from tests.readers.netron_reader import NetronError, Shown, netron_tensors
from tools.golden.values import MANY, many_key

pytestmark = pytest.mark.usefixtures("netron")

INDEX, DATA = ".index", ".data-00000-of-00001"
GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLE = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"


def file_of(prefix: Path, suffix: str) -> Path:
    return prefix.with_name(prefix.name + suffix)


@pytest.mark.parametrize("suffix", [INDEX, DATA])
def test_either_file_opens_the_checkpoint(suffix: str, tmp_path: Path) -> None:
    tensors = {
        "dense/kernel": np.array([[0, 1, 2], [3, 4, 5]], np.float32),
        "dense/bias": np.array([0.5, -2.25, 1e30], np.float32),
        "global_step": np.int64(1234),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "model.ckpt-1234")
    assert netron_tensors(file_of(tmp_path / "model.ckpt-1234", suffix)) == {
        "dense/bias": Shown("float32", (3,), [0.5, -2.25, 1.0000000150474662e30]),
        "dense/kernel": Shown("float32", (2, 3), [[0, 1, 2], [3, 4, 5]]),
        "global_step": Shown("int64", (), 1234),
    }


def test_types(tmp_path: Path) -> None:
    tensors = {
        "bfloat16": np.array([1, -2.5, 3.140625]).astype(ml_dtypes.bfloat16),
        "bool": np.array([True, False, True]),
        "complex128": np.array([0.1 + 1j]),
        "complex64": np.array([1 - 2j, 0.5j], np.complex64),
        "float16": np.array([0.5, 65504, 5.960464477539063e-08], np.float16),
        "float64": np.array([0.1, 1e308]),
        "float8_e4m3fn": np.array([0.5, -448]).astype(ml_dtypes.float8_e4m3fn),
        "float8_e5m2": np.array([0.25, -57344]).astype(ml_dtypes.float8_e5m2),
        "int16": np.array([-(2**15), 2**15 - 1], np.int16),
        "int32": np.array([-(2**31), 2**31 - 1], np.int32),
        "int64": np.array([-(2**63), 2**63 - 1], np.int64),
        "int8": np.array([-128, 127], np.int8),
        "uint16": np.array([0, 2**16 - 1], np.uint16),
        "uint32": np.array([0, 2**32 - 1], np.uint32),
        "uint64": np.array([0, 2**64 - 1], np.uint64),
        "uint8": np.array([0, 255], np.uint8),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    assert netron_tensors(tmp_path / "m.index") == {
        "bfloat16": Shown("bfloat16", (3,), [1, -2.5, 3.140625]),
        "bool": Shown("boolean", (3,), [True, False, True]),
        "complex128": Shown("complex<float64>", (1,), [0.1 + 1j]),
        "complex64": Shown("complex<float32>", (2,), [1 - 2j, 0.5j]),
        "float16": Shown("float16", (3,), [0.5, 65504, 5.960464477539063e-08]),
        "float64": Shown("float64", (2,), [0.1, 1e308]),
        "float8_e4m3fn": Shown("float8e4m3fn", (2,), [0.5, -448]),
        "float8_e5m2": Shown("float8e5m2", (2,), [0.25, -57344]),
        "int16": Shown("int16", (2,), [-32768, 32767]),
        "int32": Shown("int32", (2,), [-2147483648, 2147483647]),
        "int64": Shown("int64", (2,), [-9223372036854775808, 9223372036854775807]),
        "int8": Shown("int8", (2,), [-128, 127]),
        "uint16": Shown("uint16", (2,), [0, 65535]),
        "uint32": Shown("uint32", (2,), [0, 4294967295]),
        "uint64": Shown("uint64", (2,), [0, 18446744073709551615]),
        "uint8": Shown("uint8", (2,), [0, 255]),
    }


def test_edges_of_floats(tmp_path: Path) -> None:
    edges = np.array([np.inf, -np.inf, -0.0, np.nan], np.float32)
    pbckpt.save_checkpoint({"edges": edges}, tmp_path / "m")
    infinity, minus, zero, nan = netron_tensors(tmp_path / "m.index")["edges"].value
    assert (infinity, minus) == (math.inf, -math.inf)
    assert math.copysign(1, zero) == -1
    assert math.isnan(nan)


def test_strings_are_the_bytes_that_are_stored(tmp_path: Path) -> None:
    tensors = {
        "matrix": np.array([[b"one", b""], [b"\xff", b"\n"]], object),
        "scalar": np.array(b"x", object),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    # Varint lengths, a masked CRC of them, the elements.
    assert netron_tensors(tmp_path / "m.index") == {
        "matrix": Shown("string", (2, 2), b"\3\0\1\1\xba\x76\x90\xfdone\xff\n"),
        "scalar": Shown("string", (), b"\1\x1d\x15\x82\x65x"),
    }


def test_no_elements(tmp_path: Path) -> None:
    tensors = {
        "between": np.float32(1),
        "a": np.zeros((0,), np.float32),
        "matrix": np.zeros((2, 0, 3), np.int64),
        "strings": np.zeros((0,), object),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    assert netron_tensors(tmp_path / "m.index") == {
        "a": Shown("float32", (0,), b""),
        "between": Shown("float32", (), 1),
        "matrix": Shown("int64", (2, "?", 3), b""),
        # Of no strings, the masked CRC of no lengths is stored.
        "strings": Shown("string", (0,), b"\xd8\xea\x82\xa2"),
    }


def test_deep_shapes_and_odd_names(tmp_path: Path) -> None:
    tensors = {
        "a b:0": np.arange(24, dtype=np.uint8).reshape(2, 1, 3, 2, 2),
        "x" * 300: np.int32(1),
        "网络/权重": np.int32(2),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    assert netron_tensors(tmp_path / "m.index") == {
        "a b:0": Shown(
            "uint8",
            (2, 1, 3, 2, 2),
            [
                [[[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]],
                [[[[12, 13], [14, 15]], [[16, 17], [18, 19]], [[20, 21], [22, 23]]]],
            ],
        ),
        "x" * 300: Shown("int32", (), 1),
        "网络/权重": Shown("int32", (), 2),
    }


def test_an_index_of_two_blocks(tmp_path: Path) -> None:
    names = [many_key(number).decode("ascii") for number in range(MANY)]
    tensors = {name: np.array([place], np.int32) for place, name in enumerate(names)}
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    assert (tmp_path / "m.index").stat().st_size > 300_000
    found = netron_tensors(tmp_path / "m.index")
    assert list(found) == sorted(names)
    assert found == {name: Shown("int32", (1,), [place]) for place, name in enumerate(names)}


def test_many_values(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": np.arange(200_000, dtype=np.float32)}, tmp_path / "m")
    assert netron_tensors(tmp_path / "m.index") == {
        "w": Shown("float32", (200_000,), list(range(200_000)))
    }


def test_what_a_frozen_graph_was_converted_to(tmp_path: Path) -> None:
    pbckpt.convert(SAMPLE, tmp_path / "m")
    found = netron_tensors(tmp_path / "m.index")
    truth = json.loads((GOLDEN / "sample_truth.json").read_bytes())
    assert len(truth) == 14
    assert found.keys() == truth.keys()
    for name, told in truth.items():
        assert (found[name].dtype, list(found[name].shape)) == ("float32", told["shape"])
        digest = hashlib.sha256(np.array(found[name].value, "<f4").tobytes()).hexdigest()
        assert digest == told["sha256"]


def test_a_checkpoint_replaced_twice(tmp_path: Path) -> None:
    prefix = tmp_path / "m"
    for step in range(3):
        pbckpt.save_checkpoint({"w": np.int32(step)}, prefix, on_existing=pbckpt.OnExisting.REPLACE)
    assert netron_tensors(tmp_path / "m.index") == {"w": Shown("int32", (), 2)}


def test_a_checkpoint_replaced_once(tmp_path: Path) -> None:
    prefix = tmp_path / "m"
    for step in range(2):
        pbckpt.save_checkpoint({"w": np.int32(step)}, prefix, on_existing=pbckpt.OnExisting.REPLACE)
    assert netron_tensors(tmp_path / "m.index") == {"w": Shown("int32", (), 1)}


def test_several_shards(tmp_path: Path) -> None:
    tensors = {name: np.arange(3, dtype=np.int32) + place for place, name in enumerate("abcde")}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", layout=pbckpt.Layout(num_shards=3))
    assert netron_tensors(tmp_path / "m.index") == {
        name: Shown("int32", (3,), [place, place + 1, place + 2])
        for place, name in enumerate("abcde")
    }


def test_both_forms_in_one(tmp_path: Path) -> None:
    layout = pbckpt.Layout(pbckpt.Format.BOTH, save_counter=1)
    pbckpt.save_checkpoint({"w": np.int32(7)}, tmp_path / "m", layout=layout)
    found = netron_tensors(tmp_path / "m.index")
    assert found["w"] == found["w/.ATTRIBUTES/VARIABLE_VALUE"] == Shown("int32", (), 7)
    assert found["save_counter/.ATTRIBUTES/VARIABLE_VALUE"] == Shown("int64", (), 1)


def test_a_packed_state_dict(tmp_path: Path) -> None:
    pbckpt.pack(GOLDEN / "torch" / "state.safetensors", tmp_path / "m")
    expected = json.loads((GOLDEN / "torch" / "expected.json").read_bytes())
    found = netron_tensors(tmp_path / "m.index")
    assert len(found) > 15
    assert found.keys() <= json_names(expected)


def json_names(expected: object) -> set[str]:
    """Return every key of a JSON value, however deep."""
    if not isinstance(expected, dict):
        return set()
    return set(expected).union(*map(json_names, expected.values()))


def test_the_driver_says_what_netron_says(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": np.float32(1)}, tmp_path / "m")
    (tmp_path / "m.data-00000-of-00001").unlink()
    with pytest.raises(NetronError, match="no such file"):
        netron_tensors(tmp_path / "m.index")
    (tmp_path / "m.index").write_bytes(b"no index" * 20)
    with pytest.raises(NetronError, match="Unsupported file content"):
        netron_tensors(tmp_path / "m.index")
