"""TensorFlow restores what was packed, renamed, cast, averaged, divided: programs go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from tests.oracle.judge import (
    RefusedError,
    TensorFacts,
    TensorFlowJudge,
    TensorRequest,
    key_bytes,
    tensor_facts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = Path(__file__).parents[1] / "golden"
TORCH = GOLDEN / "torch"
FAST = pbckpt.Durability.NONE
FLOAT, DOUBLE, INT64, HALF, BFLOAT16 = 1, 2, 9, 19, 14
BOTH = pbckpt.Layout(format=pbckpt.Format.BOTH)
STATE = json.loads((TORCH / "expected.json").read_text())["files"]["state.safetensors"]["tensors"]
NUMBERS = {dtype.label: int(dtype) for dtype in pbckpt.DataType}


def facts_of_state() -> dict[str, TensorFacts]:
    """Return what PyTorch had in the file."""
    return {
        name: TensorFacts.of(NUMBERS[fact["dtype"]], fact["shape"], bytes.fromhex(fact["hex"]))
        for name, fact in STATE.items()
    }


def floats(values: Any, dtype: int = FLOAT) -> TensorFacts:  # noqa: ANN401 - lists in lists
    """Return the facts of numbers that both numpy and TensorFlow know."""
    array = np.array(values, {FLOAT: "<f4", DOUBLE: "<f8", HALF: "<f2", INT64: "<i8"}[dtype])
    return TensorFacts.of(dtype, array.shape, array.tobytes())


def restored(
    judge: TensorFlowJudge, op: str, prefix: Path, wanted: Mapping[str, TensorFacts], **more: object
) -> dict[str, TensorFacts]:
    """Let a program of variables of these names and types restore them."""
    names = [
        {"name_hex": key_bytes(name).hex(), "dtype_enum": fact.dtype, "shape": fact.shape}
        for name, fact in wanted.items()
    ]
    answer = judge.ask(op, prefix=str(prefix), names=names, **more)
    assert answer.get("refused", [""]) == [""]
    return dict(zip(wanted, map(tensor_facts, answer["tensors"]), strict=True))


def packed_state(prefix: Path, **layout: Any) -> Path:  # noqa: ANN401 - fields of a layout
    source = TORCH / "state.safetensors"
    pbckpt.pack(source, prefix, layout=BOTH._replace(**layout), durability=FAST)
    return prefix


# PyTorch -> TensorFlow


def test_a_state_of_pytorch_is_read(judge: TensorFlowJudge, tmp_path: Path) -> None:
    known = judge.dtypes()
    facts = {name: fact for name, fact in facts_of_state().items() if fact.dtype in known}
    prefix = packed_state(tmp_path / "m")
    requests = [TensorRequest(name, fact.dtype) for name, fact in facts.items()]
    assert dict(zip(facts, judge.restore(prefix, requests), strict=True)) == facts
    assert len(facts) >= 15


def test_a_state_of_pytorch_is_restored_by_a_saver(judge: TensorFlowJudge, tmp_path: Path) -> None:
    facts = {
        name: fact
        for name, fact in facts_of_state().items()
        # What a variable of a graph can be; no kernel assigns 8-bit floats.
        if fact.dtype in judge.dtypes() and "float8" not in name
    }
    prefix = packed_state(tmp_path / "m")
    assert restored(judge, "saver_restore", prefix, facts) == facts
    assert len(facts) == len(STATE) - 2


def test_a_state_of_pytorch_is_restored_by_objects(
    object_judge: TensorFlowJudge, tmp_path: Path
) -> None:
    known = object_judge.ask("variable_dtypes")["dtypes"]
    facts = {name: fact for name, fact in facts_of_state().items() if fact.dtype in known}
    prefix = packed_state(tmp_path / "m")
    asserts = ["assert_consumed"] if len(facts) == len(STATE) else ["expect_partial"]
    found = restored(
        object_judge, "checkpoint_restore", prefix, facts, call="read", asserts=asserts
    )
    assert found == facts
    assert "other.bfloat16" in facts
    assert len(facts) >= len(STATE) - 2


def test_a_state_that_counts_saves_is_restored(
    object_judge: TensorFlowJudge, tmp_path: Path
) -> None:
    only = pbckpt.Edits(pbckpt.Selection(include=("conv*", "norm*")), renames=(r"*.*=\1/\2",))
    pbckpt.pack(
        TORCH / "state.safetensors",
        tmp_path / "m",
        edits=only,
        layout=BOTH._replace(save_counter=1, num_shards=3),
        durability=FAST,
    )
    facts = {
        name.replace(".", "/"): fact
        for name, fact in facts_of_state().items()
        if name.startswith(("conv", "norm"))
    }
    options = {"call": "restore", "asserts": ["assert_consumed"]}
    assert restored(object_judge, "checkpoint_restore", tmp_path / "m", facts, **options) == facts


# Names, types, shards


def test_renamed_cast_and_divided(judge: TensorFlowJudge, tmp_path: Path) -> None:
    edits = pbckpt.Edits(
        renames=(r"embedding=table", "re:(plain)=scope/\\1"),
        casts=("table=float64", "wide=float64"),
        settings=("global_step=int64:7",),
    )
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    layout = pbckpt.Layout(num_shards=3)
    pbckpt.edit(source, tmp_path / "m", edits=edits, layout=layout, durability=FAST)
    table = np.arange(78, dtype=np.float32).reshape(26, 3)
    expected = {
        "global_step": floats(7, INT64),
        "in_one_part": floats([1, 1]),
        "scope/plain": floats(3),
        "table": floats(table, DOUBLE),
        "wide": floats(np.arange(20).reshape(4, 5), DOUBLE),
    }
    assert judge.load(tmp_path / "m") == expected
    # The slices are there under their new name, as a partitioned variable asks for them.
    request = TensorRequest("table", DOUBLE, "26 3 3,3:0,3")
    assert judge.restore(tmp_path / "m", [request]) == [floats(table[3:6], DOUBLE)]
    request = TensorRequest("wide", DOUBLE, "4 5 0,4:3,2")
    wide = np.arange(20).reshape(4, 5)[:, 3:]
    assert judge.restore(tmp_path / "m", [request]) == [floats(wide, DOUBLE)]


def test_slices_of_halves_are_restored_one_by_one(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """TensorFlow does not put slices of this type together, whoever wrote them."""
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    edits = pbckpt.Edits(casts=("embedding=float16",))
    pbckpt.edit(source, tmp_path / "m", edits=edits, durability=FAST)
    part = floats(np.arange(9, 18).reshape(3, 3), HALF)
    request = TensorRequest("embedding", HALF, "26 3 3,3:0,3")
    assert judge.restore(tmp_path / "m", [request]) == [part]
    with pytest.raises(RefusedError, match="half not supported"):
        judge.load_keys(tmp_path / "m", ["embedding"])
    pbckpt.edit(source, tmp_path / "n", edits=edits, join_slices=True, durability=FAST)
    whole = floats(np.arange(78).reshape(26, 3), HALF)
    assert judge.load_keys(tmp_path / "n", ["embedding"]) == {"embedding": whole}


def test_a_cast_is_that_of_tensorflow(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """Halves lie in the middle of two neighbours: they go to the even one."""
    values = np.array([1 + 2**-8, 1 + 3 * 2**-8, -2.7, 65504, 1e-8], np.float32)
    pbckpt.save_checkpoint({"w": values}, tmp_path / "m", durability=FAST)
    edits = pbckpt.Edits(casts=("w=bfloat16",))
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=edits, durability=FAST)
    stored = bytes.fromhex("803f823f2dc080472c32")
    assert judge.load(tmp_path / "n") == {"w": TensorFacts.of(BFLOAT16, (5,), stored)}


def test_a_renamed_checkpoint_is_restored_by_a_saver(
    judge: TensorFlowJudge, tmp_path: Path
) -> None:
    source = tmp_path / "trained"
    values = judge.ask("train_saver", prefix=str(source))["values"]
    edits = pbckpt.Edits(renames=(r"dense/*=net/layer/\1",), add_prefix="model/")
    pbckpt.edit(source, tmp_path / "m", edits=edits, durability=FAST)
    wanted = {
        f"model/net/layer/{name}": floats(values[f"dense/{name}"])
        for name in ("kernel", "bias", "kernel/Adam", "bias/ExponentialMovingAverage")
    }
    wanted["model/global_step"] = floats(1, INT64)
    assert restored(judge, "saver_restore", tmp_path / "m", wanted) == wanted


def test_a_trained_checkpoint_becomes_one_for_use(judge: TensorFlowJudge, tmp_path: Path) -> None:
    source = tmp_path / "trained"
    values = judge.ask("train_saver", prefix=str(source))["values"]
    assert len(values) == 11
    edits = pbckpt.Edits(drop_slots=True, ema=pbckpt.Ema.TO_RAW)
    pbckpt.edit(source, tmp_path / "m", edits=edits, durability=FAST)
    assert judge.load(tmp_path / "m") == {
        "dense/bias": floats(values["dense/bias/ExponentialMovingAverage"]),
        "dense/kernel": floats(values["dense/kernel/ExponentialMovingAverage"]),
        "global_step": floats(1, INT64),
    }


def test_a_checkpoint_for_use_gets_averages(judge: TensorFlowJudge, tmp_path: Path) -> None:
    source = tmp_path / "trained"
    values = judge.ask("train_saver", prefix=str(source))["values"]
    leave = pbckpt.Edits(
        pbckpt.Selection(exclude=("*Average",)), drop_slots=True, ema=pbckpt.Ema.FROM_RAW
    )
    pbckpt.edit(source, tmp_path / "m", edits=leave, durability=FAST)
    kernel, bias = (floats(values[f"dense/{name}"]) for name in ("kernel", "bias"))
    assert judge.load(tmp_path / "m") == {
        "dense/bias": bias,
        "dense/bias/ExponentialMovingAverage": bias,
        "dense/kernel": kernel,
        "dense/kernel/ExponentialMovingAverage": kernel,
        "global_step": floats(1, INT64),
    }


def test_a_mean_is_read(judge: TensorFlowJudge, tmp_path: Path) -> None:
    for at in (1, 2):
        tensors = {"w": np.array([at, 10 * at], np.float32), "n": np.int64(5)}
        pbckpt.save_checkpoint(tensors, tmp_path / str(at), durability=FAST)
    pbckpt.average([tmp_path / "1", tmp_path / "2"], tmp_path / "m", durability=FAST)
    expected = {"n": floats(5, INT64), "w": floats([1.5, 15])}
    assert judge.load(tmp_path / "m") == expected
    other = {"x": np.array([3], np.float32)}
    pbckpt.save_checkpoint(other, tmp_path / "x", durability=FAST)
    pbckpt.merge([tmp_path / "m", tmp_path / "x"], tmp_path / "all", durability=FAST)
    assert judge.load(tmp_path / "all") == {**expected, "x": floats([3])}


def test_a_state_that_was_set_is_read(judge: TensorFlowJudge, tmp_path: Path) -> None:
    for name in ("a", "b"):
        pbckpt.save_checkpoint({"w": np.float32(1)}, tmp_path / name, durability=FAST)
    assert judge.state(tmp_path).latest == str(tmp_path / "b")
    pbckpt.set_state(tmp_path, "a", durability=FAST)
    state = judge.state(tmp_path)
    assert state.latest == state.model_checkpoint_path == str(tmp_path / "a")
    assert state.all_paths == (str(tmp_path / "b"), str(tmp_path / "a"))
    gone = tmp_path / "gone" / "b"
    gone.parent.mkdir()
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{gone}"\n')
    assert judge.state(tmp_path).latest is None
    pbckpt.repair_state(tmp_path, durability=FAST)
    assert judge.state(tmp_path).latest == str(tmp_path / "b")


# Objects


def trained(object_judge: TensorFlowJudge, prefix: Path) -> dict[str, list[float]]:
    """Train a model at ``model`` with an optimizer at ``opt``, and write it."""
    answer = object_judge.ask("train_objects", prefix=str(prefix), path=["model"])
    values: dict[str, list[float]] = answer["values"]
    assert values.keys() == {"w", "b", "m", "v"}
    assert values["m"][0] > 0
    return values


def restored_objects(
    object_judge: TensorFlowJudge, prefix: Path, *path: str
) -> dict[str, list[float]]:
    answer = object_judge.ask(
        "restore_objects",
        prefix=str(prefix),
        path=path,
        asserts=["assert_existing_objects_matched"],
    )
    assert answer["refused"] == [""]
    values: dict[str, list[float]] = answer["values"]
    return values


@pytest.mark.parametrize("path", ["net", "net/inner", "model/inner"])
def test_objects_that_moved_are_restored_where_they_are(
    object_judge: TensorFlowJudge, tmp_path: Path, path: str
) -> None:
    values = trained(object_judge, tmp_path / "m")
    edits = pbckpt.Edits(renames=(rf"model/*={path}/\1",))
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=edits, durability=FAST)
    # Slots go with their variables.
    assert restored_objects(object_judge, tmp_path / "n", *path.split("/")) == values


def test_one_variable_moves(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables"
    edits = pbckpt.Edits(renames=("W=kernel",))
    pbckpt.edit(source, tmp_path / "m", edits=edits, durability=FAST)
    wanted = {"kernel": floats(np.arange(6).reshape(2, 3)), "B": floats([7, 8, 9])}
    options = {"call": "read", "asserts": ["assert_existing_objects_matched"]}
    assert restored(object_judge, "checkpoint_restore", tmp_path / "m", wanted, **options) == wanted


def test_objects_without_slots(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    values = trained(object_judge, tmp_path / "m")
    edits = pbckpt.Edits(drop_slots=True)
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=edits, durability=FAST)
    found = restored_objects(object_judge, tmp_path / "n", "model")
    assert found == {"w": values["w"], "b": values["b"]}
    assert not any("SLOT" in key for key in object_judge.list_keys(tmp_path / "n"))


def test_objects_without_their_optimizer(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    values = trained(object_judge, tmp_path / "m")
    edits = pbckpt.Edits(pbckpt.Selection(include=("model/w", "model/b")))
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=edits, durability=FAST)
    found = restored_objects(object_judge, tmp_path / "n", "model")
    assert found == {"w": values["w"], "b": values["b"]}


def test_objects_become_names(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    values = trained(object_judge, tmp_path / "m")
    by_name = pbckpt.Layout(format=pbckpt.Format.NAME)
    edits = pbckpt.Edits(pbckpt.Selection(include=("model/w", "model/b")))
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=edits, layout=by_name, durability=FAST)
    assert object_judge.load(tmp_path / "n") == {"w": floats(values["w"]), "b": floats(values["b"])}


def test_objects_keep_their_form_beside_names(
    object_judge: TensorFlowJudge, tmp_path: Path
) -> None:
    values = trained(object_judge, tmp_path / "m")
    edits = pbckpt.Edits(pbckpt.Selection(include=("model/*",)))
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=edits, layout=BOTH, durability=FAST)
    found = restored_objects(object_judge, tmp_path / "n", "model")
    assert (found["w"], found["b"]) == (values["w"], values["b"])
    assert object_judge.load(tmp_path / "n")["w"] == floats(values["w"])


def test_values_of_objects_are_set_and_cast(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables"
    edits = pbckpt.Edits(casts=("W=float64",), settings=("B=float32:[1, 2, 3]",))
    pbckpt.edit(source, tmp_path / "m", edits=edits, durability=FAST)
    wanted = {"W": floats(np.arange(6).reshape(2, 3), DOUBLE), "B": floats([1, 2, 3])}
    options = {"call": "read", "asserts": ["assert_existing_objects_matched"]}
    assert restored(object_judge, "checkpoint_restore", tmp_path / "m", wanted, **options) == wanted
