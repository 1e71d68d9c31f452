"""Shards, parts and object graphs: our files are those of TensorFlow, byte for byte."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import strategies as st

import pbckpt
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.objects.flat import check_flat_names
from tests.oracle.cases import QUANTIZED, value_of
from tests.oracle.differential import judge_cases
from tests.oracle.forms import (
    Call,
    Placement,
    checkpoint_save,
    saver_save_parts,
    variable_dtypes,
)
from tests.oracle.judge import Manifest, TensorFlowJudge, VariableKind
from tests.oracle.many import Order, Stored, save_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

save_checkpoint = partial(pbckpt.save_checkpoint, durability=pbckpt.Durability.NONE)
NUMBERS = {numpy_dtype(one): one for one in DataType if one.is_fixed_size and one not in QUANTIZED}
KINDS = pytest.mark.parametrize("kind", list(VariableKind))
ODD_NAMES = (
    "w",
    "W",
    "a.b",
    "a/b",
    "a..b",
    "a./b",
    ".",
    "..",
    ".S",
    "/first",
    "last/",
    "a//b",
    "0",
    "10",
    "2",
    "two words",
    "Größe",
    "日本/ü.k",
    "\U0001f600",
    "a:0",
    "CamelCase",
    "_private",
    "VARIABLE_VALUE",
    ".ATTRIBUTES/x",
    "write",
    "save",
    "with\nline",
)


def manifest_of(arrays: Mapping[str, Array]) -> Manifest:
    """Return arrays as the judge takes them, in the order of their names."""
    numbers = {name: dtype_number(array) for name, array in arrays.items()}
    return {
        name: (numbers[name], arrays[name].shape, value_of(arrays[name])) for name in sorted(arrays)
    }


def dtype_number(array: Array) -> int:
    by_numpy = {
        numpy_dtype(one): one for one in DataType if one.is_fixed_size and one not in QUANTIZED
    }
    return DataType.STRING if array.dtype == object else by_numpy[array.dtype]


def files_of(prefix: Path) -> dict[str, bytes]:
    """Return index and data files by what follows the prefix."""
    start = len(prefix.name)
    found = [
        *prefix.parent.glob(f"{prefix.name}.index"),
        *prefix.parent.glob(f"{prefix.name}.data-*"),
    ]
    return {path.name[start:]: path.read_bytes() for path in found}


def some_array(number: int) -> Array:
    shapes: tuple[tuple[int, ...], ...] = ((), (2, 3), (4,), (0, 2))
    shape = shapes[number % 4]
    return np.full(shape, number, ("f4", "f8", "i4", "i8")[number // 4 % 4])


# -- Saver


@KINDS
def test_a_sharded_saver(judge: TensorFlowJudge, tmp_path: Path, kind: VariableKind) -> None:
    arrays = {f"m/{name}": some_array(number) for number, name in enumerate("abcdefghij")}
    shards = {name: number * 7 % 3 for number, name in enumerate(arrays)}
    placements = {name: Placement(f"/cpu:{shard}") for name, shard in shards.items()}
    theirs = saver_save_parts(
        judge, manifest_of(arrays), tmp_path / "tf", kind, placements, sharded=True
    )
    save_checkpoint(arrays, tmp_path / "ours", layout=pbckpt.Layout(shard_of=shards.__getitem__))
    assert files_of(tmp_path / "ours") == files_of(theirs)
    assert len(files_of(theirs)) == 4


@KINDS
def test_a_sharded_saver_on_one_device(
    judge: TensorFlowJudge, tmp_path: Path, kind: VariableKind
) -> None:
    arrays = {f"m/{name}": some_array(number) for number, name in enumerate("zyxwv")}
    theirs = saver_save_parts(judge, manifest_of(arrays), tmp_path / "tf", kind, {}, sharded=True)
    save_checkpoint(arrays, tmp_path / "ours")
    assert files_of(tmp_path / "ours") == files_of(theirs)


@KINDS
def test_partitioned_variables(judge: TensorFlowJudge, tmp_path: Path, kind: VariableKind) -> None:
    """Twelve parts, which a Saver sorts as text; and names between which they are sorted."""
    arrays: dict[str, Array] = {
        "p": np.arange(40, dtype=np.float32).reshape(20, 2),
        "p-before": np.arange(3, dtype=np.float64),
        "p0": np.arange(3, dtype=np.int64),
        "q": np.arange(15, dtype=np.int32).reshape(3, 5),
        "q/a": np.arange(2, dtype=np.float32),
        "q/z": np.arange(2, dtype=np.float32),
        "r": np.arange(4, dtype=np.float32).reshape(2, 2),
    }
    cuts = {"p": (12, 0), "q": (2, 1), "r": (1, 0)}
    placements = {name: Placement("", *cut) for name, cut in cuts.items()}
    theirs = saver_save_parts(judge, manifest_of(arrays), tmp_path / "tf", kind, placements)
    values: dict[str, object] = dict(arrays)
    for name, (num_parts, axis) in cuts.items():
        values[name] = pbckpt.partition(arrays[name], num_parts, axis)
    save_checkpoint(values, tmp_path / "ours")
    assert files_of(tmp_path / "ours") == files_of(theirs)


def test_slices_of_savev2(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """In the order in which they are given."""
    whole = np.arange(24, dtype=np.int16).reshape(4, 6)
    given = {
        "4 6 2,2:0,6": ((2, 0), whole[2:]),
        "4 6 0,2:4,2": ((0, 4), whole[:2, 4:]),
        "4 6 0,2:0,4": ((0, 0), whole[:2, :4]),
    }
    stored = [Stored(b"w", 5, part.shape, part.tobytes(), at) for at, (_, part) in given.items()]
    assert save_many(judge, tmp_path, [Order(tmp_path / "tf", [stored])]) == [None]
    value = pbckpt.Partitioned(whole.shape, tuple(given.values()))
    save_checkpoint({"w": value}, tmp_path / "ours")
    assert files_of(tmp_path / "ours") == files_of(tmp_path / "tf")


# -- tf.train.Checkpoint


def assert_same_object_files(
    judge: TensorFlowJudge, folder: Path, arrays: Mapping[str, Array]
) -> None:
    """Compare with `write`, which counts no save, and with `save`, which counts one."""
    for call, counter in ((Call.WRITE, None), (Call.SAVE, 1)):
        theirs = checkpoint_save(judge, manifest_of(arrays), folder / f"tf_{call.value}", call)
        ours = folder / f"ours_{call.value}"
        layout = pbckpt.Layout(format=pbckpt.Format.OBJECT, save_counter=counter)
        save_checkpoint(arrays, ours, layout=layout, on_existing=pbckpt.OnExisting.REPLACE)
        assert files_of(ours) == files_of(theirs)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 16, 17, 100])
def test_objects(object_judge: TensorFlowJudge, tmp_path: Path, count: int) -> None:
    arrays = {f"layer_{number}": some_array(number) for number in range(count)}
    assert_same_object_files(object_judge, tmp_path, arrays)


def test_odd_names_of_objects(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    arrays = {name: some_array(number) for number, name in enumerate(ODD_NAMES)}
    assert_same_object_files(object_judge, tmp_path, arrays)


def test_every_dtype_of_objects(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    arrays: dict[str, Array] = {}
    for number in variable_dtypes(object_judge):
        dtype = DataType(number)
        if dtype in QUANTIZED or dtype is DataType.STRING:
            continue
        element = bytes(dtype.itemsize) + b"\1" + bytes(dtype.itemsize - 1)
        arrays[f"v{number:02}"] = np.frombuffer(element * 3, numpy_dtype(dtype)).reshape(2, 3)
        arrays[f"v{number:02}/scalar"] = np.frombuffer(element, numpy_dtype(dtype))[1:].reshape(())
    assert len(arrays) > 30
    arrays["text"] = np.array([b"a", b"", b"\xff" * 300], object)
    assert_same_object_files(object_judge, tmp_path, arrays)


def test_random_names_of_objects(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    names = st.one_of(
        st.text(min_size=1, max_size=12),
        st.lists(st.sampled_from(["a", ".", "/", ":", "S", "b", "é"]), min_size=1, max_size=6).map(
            "".join
        ),
    )

    def judged(batch: Sequence[list[str]]) -> list[str]:
        return [problem_of(object_judge, tmp_path, case) for case in batch]

    cases = st.lists(names, min_size=1, max_size=6, unique=True)
    assert judge_cases(cases, judged, 220) >= 180


def problem_of(judge: TensorFlowJudge, folder: Path, names: Sequence[str]) -> str:
    """Return what is wrong; nothing for names that pbckpt refuses."""
    arrays = {name: some_array(number) for number, name in enumerate(names)}
    for path in folder.iterdir():
        path.unlink()
    try:
        check_flat_names(names)
    except pbckpt.SelectionError:
        return ""
    try:
        assert_same_object_files(judge, folder, arrays)
    except Exception as error:  # noqa: BLE001 - whatever it is, the case is not as it should be
        return f"{type(error).__name__}: {error}"
    return ""
