from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.protos import (
    GraphDef,
    MetaGraphDef,
    NodeDef,
    SavedModel,
    TrackableObjectGraph,
)
from pbckpt.storage.local import MappedFile
from tests.unit.thaw.graphs import loop, typed
from tests.unit.variables.graphs import const, function, graph_def, node, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pbckpt.protos import FunctionDef
    from pbckpt.thaw.signature import Port, Signature

FAST = pbckpt.Durability.NONE
V1, V2 = pbckpt.SavedModelForm.V1, pbckpt.SavedModelForm.V2
BOTH = pytest.mark.parametrize("form", [V1, V2], ids=["v1", "v2"])


def placeholder(name: str, *sizes: int, dtype: int = 1, op: str = "Placeholder") -> NodeDef:
    """Return a placeholder; without sizes its shape is not known."""
    made = node(op, name)
    made.attr["dtype"].type = dtype
    made.attr["shape"].shape.unknown_rank = not sizes
    for size in sizes:
        made.attr["shape"].shape.dim.add(size=size)
    return made


def weights(name: str = "w", *values: float, dims: Sequence[int] = ()) -> list[NodeDef]:
    """Return what freezing leaves of a variable of some numbers."""
    return [
        numbers(name, *(values or (1, 2, 3, 4)), dims=dims or (() if values else (2, 2))),
        typed("Identity", f"{name}/read", name),
    ]


DENSE = [placeholder("x", -1, 2), *weights(), typed("MatMul", "y", "x", "w/read")]


def write(folder: Path, nodes: Sequence[NodeDef], functions: Sequence[FunctionDef] = ()) -> Path:
    source = folder / "frozen.pb"
    source.write_bytes(graph_def(*nodes, functions=functions).SerializeToString())
    return source


def convert(folder: Path, source: Path, **options: object) -> pbckpt.Report:
    return pbckpt.convert_to_saved_model(source, folder / "m", durability=FAST, **options)  # type: ignore[arg-type]


def saved(folder: Path, nodes: Sequence[NodeDef], **options: object) -> MetaGraphDef:
    """Convert a graph, and return that of the SavedModel."""
    convert(folder, write(folder, nodes), **options)
    return read(folder / "m")


def read(directory: Path) -> MetaGraphDef:
    model = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    assert model.saved_model_schema_version == 1
    [graph] = model.meta_graphs
    return graph


def signature(folder: Path, nodes: Sequence[NodeDef], **options: object) -> list[str]:
    """Return the signature of a SavedModel as text: ``x = x:0 float32 [-1, 2]``."""
    report = convert(folder, write(folder, nodes), dry_run=True, **options)
    assert report.signatures is not None
    assert list(report.signatures) == ["serving_default"]
    return text_of(report.signatures["serving_default"])


def text_of(found: Signature) -> list[str]:
    return [*map(port_text, found.inputs), "->", *map(port_text, found.outputs)]


def port_text(port: Port) -> str:
    shape = "" if port.shape is None else f" {list(port.shape)}"
    return f"{port.key} = {port.tensor} {port.dtype.label}{shape}"


def values(folder: Path) -> dict[str, object]:
    found = pbckpt.load_checkpoint(folder / "m" / "variables" / "variables")
    return {name: one.tolist() for name, one in found.items() if not name.startswith("_CHECK")}


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def refusal(
    folder: Path, nodes: Sequence[NodeDef], kind: type[pbckpt.PbckptError], **options: object
) -> str:
    """Return the message of a conversion that is refused, which leaves nothing."""
    source = write(folder, nodes)
    before = files(folder)
    with pytest.raises(kind) as caught:
        convert(folder, source, **options)
    assert files(folder) == before
    return str(caught.value).removeprefix(f"{source}: ").removeprefix(f"{source} ")


# What is written


@BOTH
def test_the_files_of_a_directory(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    report = convert(tmp_path, write(tmp_path, DENSE), form=form)
    assert files(tmp_path / "m") == [
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]
    assert names(tmp_path) == ["frozen.pb", "m"]
    assert report.files == (
        str(tmp_path / "m" / "variables" / "variables.data-00000-of-00001"),
        str(tmp_path / "m" / "variables" / "variables.index"),
        str(tmp_path / "m" / "saved_model.pb"),
    )
    assert (report.prefix, report.nbytes, report.warnings) == (str(tmp_path / "m"), 16, ())
    assert [one.key for one in report.variables] == ["w"]


@BOTH
@pytest.mark.parametrize("durability", pbckpt.Durability)
def test_variables_can_be_read(
    durability: pbckpt.Durability, form: pbckpt.SavedModelForm, tmp_path: Path
) -> None:
    source = write(tmp_path, DENSE)
    pbckpt.convert_to_saved_model(source, tmp_path / "m", form=form, durability=durability)
    prefix = tmp_path / "m" / "variables" / "variables"
    assert pbckpt.verify(prefix).ok
    key = "w" if form is V1 else "w/.ATTRIBUTES/VARIABLE_VALUE"
    assert values(tmp_path) == {key: [[1, 2], [3, 4]]}


def test_the_form_of_tensorflow_1(tmp_path: Path) -> None:
    meta = saved(tmp_path, DENSE)
    assert list(meta.meta_info_def.tags) == ["serve"]
    assert meta.saver_def.restore_op_name == "save/restore_all"
    assert meta.saver_def.filename_tensor_name == "save/Const:0"
    assert sorted(meta.collection_def) == [
        "model_variables",
        "pbckpt_outputs",
        "trainable_variables",
        "variables",
    ]
    assert not meta.HasField("object_graph_def")
    assert not meta.graph_def.library.function
    [(key, made)] = meta.signature_def.items()
    assert (key, made.method_name) == ("serving_default", "tensorflow/serving/predict")
    assert (made.inputs["x"].name, made.inputs["x"].dtype) == ("x:0", 1)
    assert [one.size for one in made.inputs["x"].tensor_shape.dim] == [-1, 2]
    assert made.outputs["y"].tensor_shape.unknown_rank
    ops = {one.name: one.op for one in meta.graph_def.node}
    assert (ops["x"], ops["w"], ops["w/read"]) == ("Placeholder", "VarHandleOp", "ReadVariableOp")


def test_the_form_of_tensorflow_2_has_all_that_and_more(tmp_path: Path) -> None:
    first = saved(tmp_path, DENSE)
    meta = saved(tmp_path, DENSE, form=V2, on_existing=pbckpt.OnExisting.REPLACE)
    [made] = meta.graph_def.library.function
    assert made.signature.name == "__inference_serving_default_0"
    assert [(one.name, one.type) for one in made.signature.input_arg] == [("x", 1), ("w", 20)]
    assert list(meta.object_graph_def.concrete_functions) == [made.signature.name]
    assert [one.local_name for one in meta.object_graph_def.nodes[0].children] == [
        "w",
        "signatures",
        "trainable_variables",
        "variables",
    ]
    assert restored(meta) == [b"w/.ATTRIBUTES/VARIABLE_VALUE"]
    for name in ("meta_info_def", "signature_def", "saver_def", "collection_def"):
        assert getattr(meta, name) == getattr(first, name)


def restored(meta: MetaGraphDef) -> list[bytes]:
    found = next(one for one in meta.graph_def.node if one.name == "save/RestoreV2/tensor_names")
    return list(found.attr["value"].tensor.string_val)


def test_the_checkpoint_of_the_second_form_has_its_objects(tmp_path: Path) -> None:
    meta = saved(tmp_path, DENSE, form=V2)
    with pbckpt.open_checkpoint(tmp_path / "m" / "variables" / "variables") as checkpoint:
        assert list(checkpoint) == ["_CHECKPOINTABLE_OBJECT_GRAPH", "w/.ATTRIBUTES/VARIABLE_VALUE"]
        data = checkpoint["_CHECKPOINTABLE_OBJECT_GRAPH"].item()
    objects = TrackableObjectGraph.FromString(data)
    assert [list(one.children) for one in objects.nodes] == [
        list(one.children) for one in meta.object_graph_def.nodes
    ]
    [stored] = objects.nodes[1].attributes
    assert stored.checkpoint_key == "w/.ATTRIBUTES/VARIABLE_VALUE"


@BOTH
def test_it_is_the_same_every_time(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    nodes = [*DENSE, *weights("v/a", 1.0), *weights("b", 1.0), typed("Mul", "z", "x", "v/a/read")]
    nodes.append(typed("Mul", "q", "x", "b/read"))
    found = []
    for _ in range(2):
        convert(tmp_path, write(tmp_path, nodes), form=form, on_existing=pbckpt.OnExisting.REPLACE)
        found.append([(tmp_path / "m" / name).read_bytes() for name in files(tmp_path / "m")])
    assert found[0] == found[1]


@BOTH
def test_a_dry_run_writes_nothing_and_says_all(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    source = write(tmp_path, DENSE)
    report = convert(tmp_path, source, form=form, dry_run=True)
    assert names(tmp_path) == ["frozen.pb"]
    assert report.files == ()
    whole = convert(tmp_path, source, form=form)
    assert report.signatures == whole.signatures
    assert report.nbytes == whole.nbytes == 16
    assert [one.key for one in report.variables] == [one.key for one in whole.variables] == ["w"]


@BOTH
def test_shards(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    nodes = [*DENSE, *weights("v", 5.0), typed("Mul", "z", "y", "v/read")]
    saved(tmp_path, nodes, form=form, layout=pbckpt.Layout(num_shards=2))
    assert files(tmp_path / "m" / "variables") == [
        "variables.data-00000-of-00002",
        "variables.data-00001-of-00002",
        "variables.index",
    ]
    assert pbckpt.verify(tmp_path / "m" / "variables" / "variables").ok
    end = "" if form is V1 else "/.ATTRIBUTES/VARIABLE_VALUE"
    assert values(tmp_path) == {f"v{end}": [5], f"w{end}": [[1, 2], [3, 4]]}


@BOTH
@pytest.mark.parametrize(
    "layout",
    [
        pbckpt.Layout(pbckpt.Format.NAME),
        pbckpt.Layout(pbckpt.Format.OBJECT),
        pbckpt.Layout(save_counter=0),
    ],
    ids=["name", "object", "save_counter"],
)
def test_the_form_says_what_its_checkpoint_is_like(
    layout: pbckpt.Layout, form: pbckpt.SavedModelForm, tmp_path: Path
) -> None:
    assert refusal(tmp_path, DENSE, pbckpt.SelectionError, form=form, layout=layout) == (
        "the form of a SavedModel says what its checkpoint is like; give a layout without a "
        "format and without a save_counter"
    )


# What there is already


@BOTH
def test_an_existing_one(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    source = write(tmp_path, DENSE)
    convert(tmp_path, source, form=V1, layout=pbckpt.Layout(num_shards=3))
    before = files(tmp_path)
    with pytest.raises(pbckpt.PathError, match=r"m exists already; .* --on-existing replace"):
        convert(tmp_path, source, form=form)
    assert files(tmp_path) == before
    for name in (
        "assets/vocabulary.txt",
        "assets.extra/deep/x",
        "fingerprint.pb",
        "debug/saved_model_debug_info.pb",
    ):
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m" / name).touch()
    convert(tmp_path, source, form=form, on_existing=pbckpt.OnExisting.REPLACE)
    assert len(files(tmp_path / "m")) == 3
    assert names(tmp_path) == ["frozen.pb", "m"]


@pytest.mark.parametrize(
    "name", ["notes.txt", "variables/mine.index", "variables/checkpoint", "saved_model.pb.bak"]
)
def test_files_of_others_are_never_lost(name: str, tmp_path: Path) -> None:
    source = write(tmp_path, DENSE)
    convert(tmp_path, source)
    (tmp_path / "m" / name).write_bytes(b"mine")
    before = files(tmp_path)
    with pytest.raises(pbckpt.PathError) as caught:
        convert(tmp_path, source, on_existing=pbckpt.OnExisting.REPLACE)
    assert str(caught.value).startswith(f"{tmp_path / 'm'} has {name!r} in it, which would be lost")
    assert files(tmp_path) == before


@pytest.mark.parametrize("directory", ["m", "link", "other/../m"])
def test_its_own_input(directory: str, tmp_path: Path) -> None:
    convert(tmp_path, write(tmp_path, DENSE))
    frozen = tmp_path / "m" / "saved_model.pb"
    frozen.write_bytes(graph_def(*DENSE).SerializeToString())
    (tmp_path / "link").symlink_to("m")
    (tmp_path / "other").mkdir()
    with pytest.raises(pbckpt.PathError) as caught:
        pbckpt.convert_to_saved_model(
            frozen, tmp_path / directory, on_existing=pbckpt.OnExisting.REPLACE
        )
    assert str(caught.value) == (
        f"{tmp_path / directory} has the input itself in it, which would be overwritten; choose "
        "another name"
    )


def test_a_name_that_only_begins_like_that_of_the_input(tmp_path: Path) -> None:
    source = tmp_path / "model.pb"
    write(tmp_path, DENSE).rename(source)
    pbckpt.convert_to_saved_model(source, tmp_path / "model", durability=FAST)
    assert len(files(tmp_path / "model")) == 3


@pytest.mark.parametrize("directory", ["", ".", "a/..", "m[0]", "a\0b"])
def test_a_name_that_no_directory_can_have(
    directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, DENSE)
    with pytest.raises(pbckpt.PathError):
        pbckpt.convert_to_saved_model("frozen.pb", directory)
    assert names(tmp_path) == ["frozen.pb"]


def test_a_graph_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path, DENSE)
    check = MappedFile.check_unchanged

    def change(self: MappedFile) -> None:
        with source.open("ab") as file:
            file.write(b"\n\0")
        check(self)

    monkeypatch.setattr(MappedFile, "check_unchanged", change)
    with pytest.raises(pbckpt.PbckptError, match="changed"):
        convert(tmp_path, source)
    assert names(tmp_path) == ["frozen.pb"]


# Signatures that are given


def test_tensors_by_their_names(tmp_path: Path) -> None:
    assert signature(tmp_path, DENSE) == ["x = x:0 float32 [-1, 2]", "->", "y = y:0 float32"]
    given = {"inputs": ["x"], "outputs": ["y:0", "w/read"]}
    assert signature(tmp_path, DENSE, **given) == [
        "x = x:0 float32 [-1, 2]",
        "->",
        "y = y:0 float32",
        "w/read = w/read:0 float32",
    ]


def test_tensors_by_other_names(tmp_path: Path) -> None:
    nodes = [*DENSE, typed("TopKV2", "top", "y", "k"), const("k", dtype=3)]
    given = {"inputs": ["image=x:0"], "outputs": ["top", "top:1", "a=b=top:1", "=y"]}
    assert signature(tmp_path, nodes, **given) == [
        "image = x:0 float32 [-1, 2]",
        "->",
        "top = top:0 float32",
        "top:1 = top:1 int32",
        "a=b = top:1 int32",
        "y = y:0 float32",
    ]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            ["w/raed"],
            (
                "has no node 'w/raed' (nearest: w/read); give the names of tensors that it has, "
                "which a viewer such as Netron shows"
            ),
        ),
        (
            ["zzzzzz:1"],
            (
                "has no node 'zzzzzz'; give the names of tensors that it has, which a viewer such "
                "as Netron shows"
            ),
        ),
        (["y:1"], "node 'y' (MatMul) has 1 output and no number 1; give a tensor that it has"),
        (["t:2"], "node 't' (TopKV2) has 2 outputs and no number 2; give a tensor that it has"),
        (
            ["m"],
            (
                "the type of 'm' is not known, since no TensorFlow has its op 'Mystery'; give a "
                "tensor of another node"
            ),
        ),
        (["y", "y:0"], "two outputs are called 'y'; give each a name of its own, such as a=y"),
    ],
    ids=["name", "far", "number", "of several", "type", "twice"],
)
def test_tensors_that_cannot_be(outputs: list[str], message: str, tmp_path: Path) -> None:
    nodes = [*DENSE, node("Mystery", "m", "y"), typed("TopKV2", "t", "y", "x")]
    assert refusal(tmp_path, nodes, pbckpt.SelectionError, outputs=outputs) == message


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "\u0660", "", "x"])
def test_what_is_no_number_is_part_of_a_name(number: str, tmp_path: Path) -> None:
    text = refusal(tmp_path, DENSE, pbckpt.SelectionError, outputs=[f"y:{number}"])
    assert text.startswith(f"has no node {f'y:{number}'!r}")


def test_what_the_error_of_an_unknown_name_offers(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError) as caught:
        convert(tmp_path, write(tmp_path, DENSE), inputs=["w/raed"])
    assert (caught.value.unknown, caught.value.suggestions) == (("w/raed",), ("w/read",))


def test_two_inputs_of_one_name(tmp_path: Path) -> None:
    found = refusal(tmp_path, DENSE, pbckpt.SelectionError, inputs=["a=x", "a=y"])
    assert found == "two inputs are called 'a'; give each a name of its own, such as a=a"


def test_one_input_under_two_names(tmp_path: Path) -> None:
    found = refusal(tmp_path, DENSE, pbckpt.SelectionError, inputs=["a=x", "b=x:0"])
    assert found == "the input 'x:0' is given twice; one tensor is fed once"


def test_a_placeholder_that_nothing_feeds(tmp_path: Path) -> None:
    nodes = [*DENSE, placeholder("k"), typed("Mul", "z", "y", "k")]
    assert refusal(tmp_path, nodes, pbckpt.SelectionError, inputs=["x"]) == (
        "the outputs need 'k' too, which nothing feeds; add it to --inputs"
    )
    assert signature(tmp_path, nodes, inputs=["k", "y"])[:2] == [
        "k = k:0 float32",
        "y = y:0 float32",
    ]
    assert signature(tmp_path, nodes, inputs=["x"], outputs=["y"])[-1] == "y = y:0 float32"


def test_a_node_of_which_one_output_is_fed_and_another_is_needed(tmp_path: Path) -> None:
    nodes = [
        *DENSE,
        placeholder("k"),
        typed("TopKV2", "top", "k", "n"),
        const("n", dtype=3),
        typed("Mul", "z", "top", "y"),
    ]
    given = {"inputs": ["x", "top:1"], "outputs": ["z"]}
    assert refusal(tmp_path, nodes, pbckpt.SelectionError, **given) == (
        "the outputs need 'k' too, which nothing feeds; add it to --inputs"
    )
    given["inputs"] = ["x", "top"]
    assert signature(tmp_path, nodes, **given)[-1] == "z = z:0 float32"


def test_what_waits_for_a_placeholder_that_is_fed(tmp_path: Path) -> None:
    nodes = [*DENSE, typed("Relu", "z", "y", "^x")]
    assert signature(tmp_path, nodes, inputs=["x"])[-1] == "z = z:0 float32"
    nodes = [*DENSE, placeholder("k"), typed("Relu", "z", "y", "^k")]
    found = refusal(tmp_path, nodes, pbckpt.SelectionError, inputs=["x"])
    assert found.startswith("the outputs need 'k' too")
    assert signature(tmp_path, nodes)[:2] == ["x = x:0 float32 [-1, 2]", "k = k:0 float32"]
    nodes = [*DENSE, placeholder("k"), typed("Neg", "n", "k"), typed("Relu", "z", "y", "^n")]
    found = refusal(tmp_path, nodes, pbckpt.SelectionError, inputs=["x", "n"])
    assert found.startswith("the outputs need 'k' too")


# Signatures that are inferred


def test_only_inputs_that_the_outputs_need(tmp_path: Path) -> None:
    nodes = [*DENSE, placeholder("k", dtype=3), typed("Mul", "z", "y", "k")]
    assert signature(tmp_path, nodes, outputs=["y"]) == [
        "x = x:0 float32 [-1, 2]",
        "->",
        "y = y:0 float32",
    ]
    assert signature(tmp_path, nodes)[:3] == ["x = x:0 float32 [-1, 2]", "k = k:0 int32", "->"]


def test_a_placeholder_with_a_default_is_an_input_where_there_is_no_other(tmp_path: Path) -> None:
    default = [numbers("d", 1.0, 2.0, dims=(1, 2)), placeholder("p", op="PlaceholderWithDefault")]
    default[1].input.append("d")
    with_other = [*default, *DENSE, typed("Add", "z", "y", "p")]
    assert signature(tmp_path, with_other)[:2] == ["x = x:0 float32 [-1, 2]", "->"]
    alone = [*default, *weights(), typed("MatMul", "y", "p", "w/read")]
    assert signature(tmp_path, alone) == ["p = p:0 float32", "->", "y = y:0 float32"]
    assert signature(tmp_path, with_other, inputs=["x", "p"])[1] == "p = p:0 float32"


def test_several_outputs_of_a_node(tmp_path: Path) -> None:
    nodes = [*DENSE, const("k", dtype=3), typed("TopKV2", "top", "y", "k")]
    assert signature(tmp_path, nodes)[1:] == ["->", "top = top:0 float32", "top:1 = top:1 int32"]


@pytest.mark.parametrize("op", ["FusedBatchNorm", "FusedBatchNormV3"])
def test_of_a_batch_normalization_the_first_alone(op: str, tmp_path: Path) -> None:
    norm = typed(op, "n", "y", *["w/read"] * 4)
    norm.attr["U"].type = 1
    assert signature(tmp_path, [*DENSE, norm])[1:] == ["->", "n = n:0 float32"]
    assert signature(tmp_path, [*DENSE, norm], outputs=["n:3"])[1:] == ["->", "n:3 = n:3 float32"]


def test_what_is_left_of_loops_and_assertions_is_no_output(tmp_path: Path) -> None:
    inside = typed("Relu", "while/inside", "while/Identity")
    nodes = [
        *DENSE,
        *loop("while", "x", inside, result="while/Identity"),
        typed("Identity", "after/_23", "y"),
        typed("All", "assert/All", "y"),
        typed("Neg", "z", "while/Exit"),
    ]
    assert signature(tmp_path, nodes)[1:] == ["->", "z = z:0 float32"]
    assert (
        signature(tmp_path, nodes, outputs=["assert/All"])[-1] == "assert/All = assert/All:0 bool"
    )


def test_what_is_left_of_assertions_is_an_output_where_there_is_no_other(tmp_path: Path) -> None:
    nodes = [*DENSE, typed("All", "assert/All", "y")]
    assert signature(tmp_path, nodes)[-1] == "assert/All = assert/All:0 bool"


def test_a_tensor_without_a_value_is_no_output(tmp_path: Path) -> None:
    table = node("HashTableV2", "t", "^x")
    assert signature(tmp_path, [*DENSE, table])[1:] == ["->", "y = y:0 float32"]


def test_nothing_that_could_be_an_output(tmp_path: Path) -> None:
    nodes = [placeholder("x"), *weights(), node("HashTableV2", "t", "^x")]
    assert refusal(tmp_path, nodes, pbckpt.SelectionError) == (
        "what does the model give? Nothing that could be told from the graph has a value; give it "
        "with --outputs TENSOR,..."
    )


def with_signatures(folder: Path, **outputs: str) -> Path:
    """Write a frozen SavedModel, with a signature of each keyword."""
    model = SavedModel(saved_model_schema_version=1)
    others = [typed("Relu", "z", "y"), node("NoOpOfOurs", "odd", "y")]
    meta = model.meta_graphs.add(graph_def=graph_def(*DENSE, *others))
    meta.meta_info_def.tags.append("serve")
    for key, tensor in outputs.items():
        meta.signature_def[key].inputs["image"].name = "x:0"
        meta.signature_def[key].outputs["probs"].name = tensor
        meta.signature_def[key].outputs["probs"].tensor_shape.dim.add(size=7)
    (folder / "in").mkdir()
    (folder / "in" / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder / "in"


@BOTH
def test_signatures_that_the_graph_came_with(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    """Not those of tensors that are gone, or of an op that nobody knows."""
    others = {"gone": "lost:0", "odd": "odd:0", "__saved_model_init_op": "y:0"}
    source = with_signatures(tmp_path, b="z:0", a="y:0", **others)
    report = convert(tmp_path, source, form=form)
    assert report.signatures is not None
    assert {key: text_of(one) for key, one in report.signatures.items()} == {
        "a": ["image = x:0 float32 [-1, 2]", "->", "probs = y:0 float32 [7]"],
        "b": ["image = x:0 float32 [-1, 2]", "->", "probs = z:0 float32 [7]"],
    }
    meta = read(tmp_path / "m")
    assert sorted(meta.signature_def) == ["a", "b"]
    made = [one.signature.name for one in meta.graph_def.library.function]
    assert made == ([] if form is V1 else ["__inference_a_0", "__inference_b_0"])


def test_what_is_given_goes_before_what_the_graph_came_with(tmp_path: Path) -> None:
    source = with_signatures(tmp_path, b="z:0", a="y:0")
    report = convert(tmp_path, source, outputs=["y"])
    assert list(report.signatures or ()) == ["serving_default"]


# Variables and their values


def reference(name: str, *users: str) -> NodeDef:
    made = node("VariableV2", name, *users)
    made.attr["dtype"].type = 1
    made.attr["shape"].shape.dim.add(size=2)
    return made


@BOTH
def test_variables_that_were_never_frozen(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    nodes = [*DENSE, reference("old"), typed("Mul", "z", "y", "old")]
    found = refusal(tmp_path, nodes, pbckpt.UnsupportedGraphError, form=form)
    assert found == (
        "its outputs need 'old', which was never frozen, so that the graph has no value; give "
        "outputs that do not need it with --outputs, or write a checkpoint with --format name"
    )
    report = convert(tmp_path, write(tmp_path, nodes), form=form, outputs=["y"])
    assert [one.key for one in report.variables] == ["w"]
    assert "old" not in " ".join(values(tmp_path))
    meta = read(tmp_path / "m")
    assert len(meta.collection_def["variables"].bytes_list.value) == 1


@BOTH
def test_a_resource_that_would_have_to_be_fed(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    nodes = [
        *DENSE,
        placeholder("handle", dtype=20),
        node("ReadVariableOp", "r", "handle"),
        typed("Mul", "z", "y", "r"),
    ]
    nodes[-2].attr["dtype"].type = 1
    assert refusal(tmp_path, nodes, pbckpt.UnsupportedGraphError, form=form) == (
        "its outputs need the resource 'handle', a variable or a table, to be fed, which was "
        "never frozen and which no SavedModel can be fed; give outputs that do not need it with "
        "--outputs, or write a checkpoint with --format name"
    )
    assert signature(tmp_path, nodes, form=form, outputs=["y"])[-1] == "y = y:0 float32"
    fed = signature(tmp_path, nodes, form=form, inputs=["x", "r"])
    assert fed == ["x = x:0 float32 [-1, 2]", "r = r:0 float32", "->", "z = z:0 float32"]


@BOTH
def test_renames(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    edits = pbckpt.Edits(renames=("w=kernel",), add_prefix="net/")
    meta = saved(tmp_path, DENSE, form=form, edits=edits)
    end = "" if form is V1 else "/.ATTRIBUTES/VARIABLE_VALUE"
    key = "net/kernel" if form is V1 else "net.Skernel"
    assert list(values(tmp_path)) == [restored(meta)[0].decode()] == [f"{key}{end}"]
    if form is V2:
        assert meta.object_graph_def.nodes[0].children[0].local_name == "net/kernel"


@BOTH
def test_settings_are_variables_too(form: pbckpt.SavedModelForm, tmp_path: Path) -> None:
    edits = pbckpt.Edits(settings=("global_step=int64:7",))
    meta = saved(tmp_path, DENSE, form=form, edits=edits)
    end = "" if form is V1 else "/.ATTRIBUTES/VARIABLE_VALUE"
    assert values(tmp_path) == {f"global_step{end}": 7, f"w{end}": [[1, 2], [3, 4]]}
    assert restored(meta) == [f"{name}{end}".encode() for name in ("global_step", "w")]
    assert len(meta.collection_def["global_step"].bytes_list.value) == 1
    if form is V2:
        found = {one.variable.name: one.variable for one in meta.object_graph_def.nodes}
        assert (found["global_step"].dtype, found["global_step"].trainable) == (9, False)


def test_the_saver_of_the_first_form_casts(tmp_path: Path) -> None:
    edits = pbckpt.Edits(casts=("*=half",))
    meta = saved(tmp_path, DENSE, edits=edits)
    found = pbckpt.load_checkpoint(tmp_path / "m" / "variables" / "variables")["w"]
    assert found.dtype == np.float16
    nodes = {one.name: one for one in meta.graph_def.node}
    assert nodes["w"].attr["dtype"].type == 1
    assert list(nodes["save/RestoreV2"].attr["dtypes"].list.type) == [19]


def test_the_second_form_has_no_casts(tmp_path: Path) -> None:
    edits = pbckpt.Edits(casts=("*=half",))
    assert refusal(tmp_path, DENSE, pbckpt.SelectionError, form=V2, edits=edits) == (
        "'w' is float32 in the graph, and a model of TensorFlow 2 has its variables as they are "
        "there, not as float16; leave --cast out, or say --format saved-model"
    )


def test_references(tmp_path: Path) -> None:
    kind = pbckpt.VariableKind.REF
    assert refusal(tmp_path, DENSE, pbckpt.SelectionError, form=V2, variables=kind) == (
        "a model of TensorFlow 2 has resource variables alone; leave --variables ref out, or say "
        "--format saved-model"
    )
    meta = saved(tmp_path, DENSE, variables=kind)
    assert next(one.op for one in meta.graph_def.node if one.name == "w") == "VariableV2"


PARTS = [
    placeholder("x", -1, 2),
    *weights("w/part_0", 1.0, 2.0, dims=(1, 2)),
    *weights("w/part_1", 3.0, 4.0, dims=(1, 2)),
    const("axis", dtype=3),
    typed("ConcatV2", "w", "w/part_0/read", "w/part_1/read", "axis"),
    typed("MatMul", "y", "x", "w"),
]
PARTS[-2].attr["N"].i = 2


def test_parts_of_a_variable_are_slices_or_variables_of_their_own(tmp_path: Path) -> None:
    meta = saved(tmp_path, PARTS)
    assert values(tmp_path) == {"w": [[1, 2], [3, 4]]}
    assert restored(meta) == [b"w", b"w"]
    meta = saved(tmp_path, PARTS, form=V2, on_existing=pbckpt.OnExisting.REPLACE)
    keys = [f"w.Spart_{number}/.ATTRIBUTES/VARIABLE_VALUE" for number in range(2)]
    assert values(tmp_path) == {keys[0]: [[1, 2]], keys[1]: [[3, 4]]}
    assert restored(meta) == [key.encode() for key in keys]


def test_a_name_that_something_else_of_a_model_has(tmp_path: Path) -> None:
    nodes = [
        placeholder("x", -1, 2),
        *weights("variables"),
        typed("MatMul", "y", "x", "variables/read"),
    ]
    found = refusal(tmp_path, nodes, pbckpt.SelectionError, form=V2)
    assert found.startswith("a variable is called 'variables', as something else of the model is;")
    assert values_of_names(tmp_path, nodes) == ["variables"]


def values_of_names(folder: Path, nodes: Sequence[NodeDef]) -> list[str]:
    saved(folder, nodes)
    return list(values(folder))


def test_loops_have_the_first_form_alone(tmp_path: Path) -> None:
    nodes = [*DENSE, *loop("while", "y", result="while/Identity"), typed("Neg", "z", "while/Exit")]
    found = refusal(tmp_path, nodes, pbckpt.UnsupportedGraphError, form=V2, outputs=["z"])
    assert found.startswith("node 'while/Enter' (Enter) is of a loop of TensorFlow 1")
    assert signature(tmp_path, nodes, outputs=["z"])[-1] == "z = z:0 float32"


def test_a_graph_without_variables(tmp_path: Path) -> None:
    found = refusal(tmp_path, [placeholder("x"), typed("Relu", "y", "x")], pbckpt.PbckptError)
    assert found.startswith("the graph has no constants, so it holds no weights")


@pytest.mark.parametrize("durability", pbckpt.Durability)
def test_tables_are_filled_as_it_is_loaded(durability: pbckpt.Durability, tmp_path: Path) -> None:
    nodes = [
        *DENSE,
        node("HashTableV2", "t"),
        const("keys", 2, dtype=9),
        const("words", 2, dtype=9),
        node("LookupTableImportV2", "fill", "t", "keys", "words"),
    ]
    source = write(tmp_path, nodes)
    pbckpt.convert_to_saved_model(source, tmp_path / "m", outputs=["y"], durability=durability)
    collections = read(tmp_path / "m").collection_def
    assert collections["table_initializer"].node_list.value == ["fill"]
    assert collections["saved_model_main_op"].node_list.value == ["init_all_tables"]


# Functions, and back


def test_constants_of_functions(tmp_path: Path) -> None:
    """A call hands the variable on as an argument; the functions of a model call that."""
    inner = function(
        "f",
        ["a"],
        ["m:product:0"],
        numbers("k", 1, 2, 3, 4, dims=(2, 2)),
        typed("MatMul", "m", "a", "k:output:0"),
    )
    inner.signature.input_arg[0].type = inner.signature.output_arg[0].type = 1
    call = node("PartitionedCall", "y", "x", f="f")
    call.attr["Tin"].list.type.append(1)
    call.attr["Tout"].list.type.append(1)
    source = write(tmp_path, [placeholder("x", -1, 2), call], [inner])
    selection = pbckpt.Selection(take=("f::k",))
    for form in (V1, V2):
        report = convert(
            tmp_path,
            source,
            form=form,
            selection=selection,
            on_existing=pbckpt.OnExisting.REPLACE,
        )
        assert report.warnings == ()
        assert list(values(tmp_path).values()) == [[[1, 2], [3, 4]]]


def frozen_again(folder: Path, nodes: Sequence[NodeDef], **options: object) -> GraphDef:
    saved(folder, nodes, **options)
    pbckpt.freeze(folder / "m", folder / "again.pb", durability=FAST)
    return GraphDef.FromString((folder / "again.pb").read_bytes())


@pytest.mark.parametrize("kind", pbckpt.VariableKind)
def test_freezing_gives_the_frozen_graph_back(kind: pbckpt.VariableKind, tmp_path: Path) -> None:
    assert frozen_again(tmp_path, DENSE, variables=kind) == graph_def(*DENSE)


def test_freezing_gives_a_partitioned_one_back(tmp_path: Path) -> None:
    assert frozen_again(tmp_path, PARTS) == graph_def(*PARTS)


def test_freezing_ends_in_what_the_frozen_graph_ended_in(tmp_path: Path) -> None:
    nodes = [*DENSE, typed("Relu", "z", "y")]
    assert frozen_again(tmp_path, nodes, outputs=["y"]) == graph_def(*nodes)
