"""What no SavedModel is made of, or only with a warning: never one that does not load."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.protos import NodeDef, SavedModel
from pbckpt.thaw import model_function
from tests.unit.applications.test_saved_model import (
    BOTH,
    DENSE,
    FAST,
    V1,
    V2,
    convert,
    placeholder,
    refusal,
    weights,
    write,
)
from tests.unit.thaw.graphs import typed
from tests.unit.variables.graphs import graph_def, node, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

ZOO = Path(__file__).parents[2] / "golden" / "zoo"


def cast_weights() -> list[NodeDef]:
    """Return a variable behind a Cast, as tools that store halves leave it."""
    half = numbers("w16", 1.0, 2.0, 3.0, 4.0, dims=(2, 2))
    half.attr["dtype"].type = half.attr["value"].tensor.dtype = 19
    half.attr["value"].tensor.tensor_content = b"\x00\x3c\x00\x40\x00\x42\x00\x44"
    cast = node("Cast", "w", "w16")
    cast.attr["SrcT"].type, cast.attr["DstT"].type = 19, 1
    return [placeholder("x", -1, 2), half, cast, typed("MatMul", "y", "x", "w")]


@BOTH
@pytest.mark.parametrize("given", [{"outputs": ["y", "w16"]}, {"inputs": ["x", "w16"]}])
def test_what_only_led_to_a_variable(
    given: dict[str, list[str]], form: pbckpt.SavedModelForm, tmp_path: Path
) -> None:
    assert refusal(tmp_path, cast_weights(), pbckpt.SelectionError, form=form, **given) == (
        "'w16:0' only led to the value of a variable, which is there in its place; name another "
        "tensor, or leave the variable out with --exclude"
    )


@BOTH
@pytest.mark.parametrize("op", ["VarHandleOp", "VariableV2"])
def test_a_variable_of_unknown_shape_that_was_never_frozen(
    op: str, form: pbckpt.SavedModelForm, tmp_path: Path
) -> None:
    variable = node(op, "v")
    variable.attr["dtype"].type = 1
    variable.attr["shape"].shape.unknown_rank = True
    read = node("ReadVariableOp" if op == "VarHandleOp" else "Identity", "r", "v")
    read.attr["dtype" if op == "VarHandleOp" else "T"].type = 1
    nodes = [*DENSE, variable, read, typed("Mul", "z", "y", "r")]
    found = refusal(tmp_path, nodes, pbckpt.UnsupportedGraphError, form=form)
    assert found.startswith("its outputs need 'v', which was never frozen")


@pytest.mark.parametrize("partitions", [pbckpt.Partitions.SLICES, pbckpt.Partitions.MERGED])
def test_parts_are_variables_of_their_own_in_the_second_form(
    partitions: pbckpt.Partitions, tmp_path: Path
) -> None:
    values = pbckpt.Values(partitions=partitions)
    found = refusal(tmp_path, DENSE, pbckpt.SelectionError, form=V2, values=values)
    assert f"leave --partitions {partitions.value} out" in found
    convert(tmp_path, write(tmp_path, DENSE), form=V1, values=values)


@BOTH
def test_more_outputs_than_anybody_calls_by_name(
    form: pbckpt.SavedModelForm, tmp_path: Path
) -> None:
    split = typed("Split", "s", "x", "y")
    split.attr["num_split"].i = 1 << 30
    found = refusal(tmp_path, [*DENSE, split], pbckpt.LimitError, form=form)
    assert "over the limit ports of 4096; name those that are meant with --inputs" in found


def with_signatures(folder: Path, count: int, method: str = "") -> Path:
    """Write a frozen SavedModel with many signatures."""
    model = SavedModel(saved_model_schema_version=1)
    meta = model.meta_graphs.add(graph_def=graph_def(*DENSE))
    meta.meta_info_def.tags.append("serve")
    for number in range(count):
        meta.signature_def[f"s{number}"].inputs["class"].name = "x:0"
        meta.signature_def[f"s{number}"].outputs["y"].name = "y:0"
        meta.signature_def[f"s{number}"].method_name = method
    meta.signature_def["sparse"].outputs["s"].coo_sparse.values_tensor_name = "y:0"
    (folder / "in").mkdir()
    (folder / "in" / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder / "in"


def test_more_signatures_than_any_model_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a copy of the nodes that it needs."""
    monkeypatch.setattr(model_function, "_FREE_COPIES", 0)
    source = with_signatures(tmp_path, 200)
    with pytest.raises(pbckpt.SelectionError, match="no input called 'class'"):
        convert(tmp_path, source, form=V2)
    with pytest.raises(pbckpt.LimitError, match="copied nodes") as caught:
        pbckpt.convert_to_saved_model(with_keys(source), tmp_path / "m", form=V2, durability=FAST)
    assert caught.value.limit == "copied nodes"


def with_keys(source: Path) -> Path:
    """Give the inputs of a SavedModel names that TensorFlow 2 can call."""
    model = SavedModel.FromString((source / "saved_model.pb").read_bytes())
    for signature in model.meta_graphs[0].signature_def.values():
        for key in list(signature.inputs):
            signature.inputs["x"].CopyFrom(signature.inputs[key])
            del signature.inputs[key]
    (source / "saved_model.pb").write_bytes(model.SerializeToString())
    return source


def test_what_a_signature_says_to_servers_stays_and_what_is_lost_is_told(tmp_path: Path) -> None:
    source = with_signatures(tmp_path, 1, "tensorflow/serving/classify")
    report = convert(tmp_path, source, form=V1)
    model = SavedModel.FromString((tmp_path / "m" / "saved_model.pb").read_bytes())
    [(key, definition)] = model.meta_graphs[0].signature_def.items()
    assert (key, definition.method_name) == ("s0", "tensorflow/serving/classify")
    lost, unusable = report.warnings
    assert lost.startswith("'sparse' of the signatures of ")
    assert unusable == (
        "signature 's0' is for TensorFlow 1 and for servers: TensorFlow 2 can have no input called "
        "'class'; give it another name with --inputs NAME=x:0,..."
    )


def test_what_is_given_takes_the_place_of_what_the_graph_came_with(tmp_path: Path) -> None:
    source = with_keys(with_signatures(tmp_path, 2))
    report = convert(tmp_path, source, form=V1, outputs=["y"])
    assert (list(report.signatures or ()), report.warnings) == (["serving_default"], ())


@BOTH
def test_files_that_the_graph_reads(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    source = with_keys(with_signatures(tmp_path, 1))
    model = SavedModel.FromString((source / "saved_model.pb").read_bytes())
    model.meta_graphs[0].asset_file_def.add(filename="words.txt").tensor_info.name = "x:0"
    (source / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(pbckpt.UnsupportedGraphError, match=r"assets, such as 'words\.txt'"):
        convert(tmp_path, source, form=form)


@BOTH
def test_a_key_that_is_no_text(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    found = refusal(tmp_path, DENSE, pbckpt.SelectionError, form=form, inputs=["\udcff=x"])
    assert found == "'\\udcff' is not UTF-8, as names of tensors are; give another name"


@BOTH
def test_a_table_that_is_filled_from_what_nobody_feeds(
    form: pbckpt.SavedModelForm, tmp_path: Path
) -> None:
    nodes = [
        *DENSE,
        node("HashTableV2", "t"),
        placeholder("words", 3, dtype=7),
        node("InitializeTableV2", "fill", "t", "words", "words"),
    ]
    found = refusal(tmp_path, nodes, pbckpt.UnsupportedGraphError, form=form, outputs=["y"])
    assert found.startswith("a table is filled from 'words', which nobody feeds")


@BOTH
def test_what_fills_no_table(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    nodes = [*DENSE, node("HashTableV2", "t"), node("InitializeTableV2", "fill")]
    convert(tmp_path, write(tmp_path, nodes), form=form, outputs=["y"])


@pytest.mark.parametrize("name", ["graph_debug_info", "tensorflow_version", "signatures"])
def test_a_name_that_loading_gives_to_something_else(name: str, tmp_path: Path) -> None:
    nodes = [placeholder("x", -1, 2), *weights(name), typed("MatMul", "y", "x", f"{name}/read")]
    found = refusal(tmp_path, nodes, pbckpt.SelectionError, form=V2)
    assert found.startswith(f"a variable is called {name!r}, as something else of the model is")


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 40) :]


def doubled(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[: start + chance.randint(1, 60)] + data[start:]


@BOTH
@pytest.mark.parametrize("damage", [flipped, cut, doubled])
@pytest.mark.parametrize(
    "name", ["tf1-label-tables", "t2-m-control-flow-functional", "tf1-number-types"]
)
def test_damaged_graphs_are_refused_or_become_models(
    name: str,
    damage: Callable[[bytes, random.Random], bytes],
    form: pbckpt.SavedModelForm,
    tmp_path: Path,
) -> None:
    """Nothing but errors of pbckpt's own, whatever the bytes say."""
    [path] = ZOO.glob(f"*/{name}/frozen.pb")
    data = path.read_bytes()
    source = tmp_path / "frozen.pb"
    chance = random.Random(f"{name}{damage.__name__}{form}")  # noqa: S311 - not a secret
    for _ in range(60):
        source.write_bytes(damage(data, chance))
        with contextlib.suppress(pbckpt.PbckptError):
            pbckpt.convert_to_saved_model(source, tmp_path / "m", form=form, dry_run=True)
