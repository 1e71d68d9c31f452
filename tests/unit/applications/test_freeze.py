from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.objects.graph import decode_graph
from pbckpt.protos import (
    FunctionDef,
    GraphDef,
    MetaGraphDef,
    NodeDef,
    SavedModel,
    TrackableObjectGraph,
)
from tests.unit.variables.graphs import const, function, node, numbers, variable

if TYPE_CHECKING:
    from collections.abc import Sequence

GOLDEN = Path(__file__).parents[2] / "golden"
FAST = pbckpt.Durability.NONE
BYTES = np.array([1, 2], np.float32).tobytes()


def reference(name: str = "w", *dims: int, dtype: int = 1) -> NodeDef:
    made = node("VariableV2", name)
    made.attr["dtype"].type = dtype
    made.attr["shape"].shape.SetInParent()
    for size in dims or (2,):
        made.attr["shape"].shape.dim.add(size=size)
    return made


def strings(name: str, *values: str) -> NodeDef:
    made = const(name, len(values), dtype=7)
    made.attr["value"].tensor.string_val.extend(one.encode() for one in values)
    return made


def saver(names: Sequence[str], slices: Sequence[str], tensors: Sequence[str]) -> list[NodeDef]:
    return [
        strings("save/names", *names),
        strings("save/slices", *slices),
        node("SaveV2", "save/SaveV2", "save/prefix", "save/names", "save/slices", *tensors),
    ]


def stored(folder: Path, *nodes: NodeDef, **tensors: object) -> Path:
    """Write m.meta of some nodes, which end in y, and a checkpoint beside it."""
    pbckpt.save_checkpoint(
        {name.replace("__", "/"): np.asarray(one) for name, one in tensors.items()},
        folder / "m",
        durability=FAST,
    )
    meta = MetaGraphDef(graph_def=GraphDef(node=nodes))
    (folder / "m.meta").write_bytes(meta.SerializeToString())
    return folder / "m.meta"


def freeze(source: Path, *, outputs: Sequence[str] = ("y",), **options: object) -> GraphDef:
    target = source.parent / "f.pb"
    pbckpt.freeze(source, target, outputs=outputs, durability=FAST, **options)  # type: ignore[arg-type]
    return GraphDef.FromString(target.read_bytes())


def value(graph: GraphDef, name: str) -> bytes:
    [found] = [one for one in graph.node if one.name == name]
    assert found.op == "Const"
    return found.attr["value"].tensor.tensor_content


Y = node("Relu", "y", "w")
W = np.array([1, 2], np.float32)


def test_what_the_report_says(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    report = pbckpt.freeze(source, tmp_path / "f.pb", outputs=["y:0"], durability=FAST)
    assert report == pbckpt.FreezeReport(
        str(tmp_path / "f.pb"),
        (tmp_path / "f.pb").stat().st_size,
        2,
        ("w",),
        ("y",),
        pbckpt.OutputsFrom.GIVEN,
    )


def test_names_are_those_of_the_nodes_without_a_saver(tmp_path: Path) -> None:
    assert value(freeze(stored(tmp_path, reference(), Y, w=W)), "w") == BYTES


def test_names_are_those_of_the_saver(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), Y, *saver(["other"], [""], ["w"]), other=W, w=W + 1)
    assert value(freeze(source), "w") == BYTES


def test_a_slice_is_cut_out_of_what_is_stored_whole(tmp_path: Path) -> None:
    nodes = [reference("w", 2), reference("v", 1), node("ConcatV2", "y", "w", "v")]
    nodes += saver(["k", "k"], ["3 0,2", "3 2,1"], ["w", "v"])
    made = freeze(stored(tmp_path, *nodes, k=np.array([1, 2, 3], np.float32)))
    assert value(made, "w") == BYTES
    assert value(made, "v") == np.float32(3).tobytes()


def test_a_value_of_another_type_is_refused(tmp_path: Path) -> None:
    """Only where the graph's own saver casts it, it is cast."""
    source = stored(tmp_path, reference(), Y, w=W.astype(np.float64))
    with pytest.raises(pbckpt.SelectionError, match=r"'w' is float32 in the graph.*is float64"):
        freeze(source)


def test_strings(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(dtype=7), Y, w=np.array([b"a", b"\xff"], object))
    assert list(freeze(source).node[0].attr["value"].tensor.string_val) == [b"a", b"\xff"]


def test_a_checkpoint_of_another_name(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    pbckpt.save_checkpoint({"w": W + 1}, tmp_path / "n", durability=FAST)
    made = freeze(source, checkpoint=tmp_path / "n")
    assert value(made, "w") == (W + 1).tobytes()


def test_a_graph_by_itself_needs_a_checkpoint(tmp_path: Path) -> None:
    stored(tmp_path, reference(), Y, w=W)
    path = tmp_path / "g.pb"
    path.write_bytes(GraphDef(node=[reference(), Y]).SerializeToString())
    with pytest.raises(pbckpt.PathError, match="--checkpoint PREFIX"):
        freeze(path)
    assert value(freeze(path, checkpoint=tmp_path / "m"), "w") == BYTES


def test_a_checkpoint_has_its_graph_beside_it(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    assert value(freeze(tmp_path / "m"), "w") == BYTES
    source.unlink()
    with pytest.raises(pbckpt.PathError, match=r"m\.meta is not there"):
        freeze(tmp_path / "m")


@pytest.mark.parametrize("version", ["tf1", "tf2"])
def test_a_saved_model_of_tensorflow_1(tmp_path: Path, version: str) -> None:
    model = tmp_path / "model"
    shutil.copytree(GOLDEN / version / "saved_model" / "v1api_resource", model)
    report = pbckpt.freeze(model, tmp_path / "f.pb", durability=FAST)
    assert report.outputs_from is pbckpt.OutputsFrom.SIGNATURES
    graph = GraphDef.FromString((tmp_path / "f.pb").read_bytes())
    with pbckpt.open_checkpoint(model / "variables" / "variables") as checkpoint:
        for name in report.variables:
            assert value(graph, name) == checkpoint[name].tobytes()
    assert report.variables


@pytest.mark.parametrize("functions", pbckpt.Functions)
def test_a_saved_model_of_tensorflow_2(tmp_path: Path, functions: pbckpt.Functions) -> None:
    """Its keys are those of objects, which a function of the model says."""
    model = GOLDEN / "tf2" / "saved_model" / "module"
    target = tmp_path / "f.pb"
    report = pbckpt.freeze(model, target, functions=functions, durability=FAST)
    assert report.variables == ("w", "b")
    assert report.outputs == ("StatefulPartitionedCall",)
    graph = GraphDef.FromString(target.read_bytes())
    with pbckpt.open_checkpoint(model / "variables" / "variables") as checkpoint:
        for name in ("w", "b"):
            key = f"{name.upper()}/.ATTRIBUTES/VARIABLE_VALUE"
            assert value(graph, name) == checkpoint[key].tobytes()
    kept = functions is pbckpt.Functions.KEEP
    assert [one.signature.name for one in graph.library.function] == (
        ["__inference_apply_frozen_269", "__inference_signature_wrapper_apply_frozen_279"]
        if kept
        else []
    )


def test_a_missing_value_names_the_nearest(tmp_path: Path) -> None:
    source = stored(tmp_path, reference("kernel"), node("Relu", "y", "kernel"), kernal=W)
    with pytest.raises(pbckpt.SelectionError) as caught:
        freeze(source)
    assert "has no value for 'kernel' (nearest: kernal)" in str(caught.value)
    assert (caught.value.unknown, caught.value.suggestions) == (("kernel",), ("kernal",))


def test_what_no_output_needs_may_be_missing(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), reference("gone"), Y, w=W)
    assert [one.name for one in freeze(source).node] == ["w", "y"]


def test_another_shape_is_refused(tmp_path: Path) -> None:
    source = stored(tmp_path, reference("w", 3), Y, w=W)
    with pytest.raises(pbckpt.SelectionError) as caught:
        freeze(source)
    assert "variable 'w' has the shape [3] in the graph, and 'w' in" in str(caught.value)
    assert "the shape [2]" in str(caught.value)


def test_an_unknown_dimension_is_that_of_the_value(tmp_path: Path) -> None:
    made = freeze(stored(tmp_path, reference("w", -1), Y, w=W))
    assert [one.size for one in made.node[0].attr["value"].tensor.tensor_shape.dim] == [2]


def test_a_graph_that_is_too_large(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    size = freeze(source).ByteSize()
    (tmp_path / "f.pb").unlink()
    with pytest.raises(pbckpt.LimitError, match="--allow-large") as caught:
        freeze(source, max_bytes=size - 1)
    assert (caught.value.limit, caught.value.value) == ("max_bytes", size)
    assert not (tmp_path / "f.pb").exists()
    freeze(source, max_bytes=size)


def test_a_damaged_value_leaves_nothing(tmp_path: Path) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    data = tmp_path / "m.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1] + b"\xff")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(pbckpt.ChecksumError):
        freeze(source)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["m.meta", "m.index", "m.data-00000-of-00001"])
def test_an_input_is_not_overwritten(tmp_path: Path, name: str) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(pbckpt.PathError, match="is an input itself"):
        pbckpt.freeze(source, tmp_path / name, outputs=["y"], on_existing=pbckpt.OnExisting.REPLACE)
    assert (tmp_path / name).read_bytes() == before


def test_what_it_ended_in_before_is_what_it_ends_in(tmp_path: Path) -> None:
    """Even a constant, which nothing would be inferred from."""
    nodes = [*variable("a", 2), numbers("c", 1.0), node("Relu", "y", "a/read")]
    (tmp_path / "g.pb").write_bytes(GraphDef(node=nodes).SerializeToString())
    pbckpt.convert(
        tmp_path / "g.pb",
        tmp_path / "m",
        thaw=pbckpt.Thaw(pbckpt.MetaFile.REQUIRED),
        durability=FAST,
    )
    report = pbckpt.freeze(tmp_path / "m.meta", tmp_path / "f.pb", durability=FAST)
    assert report.outputs == ("c", "y")
    assert report.outputs_from is pbckpt.OutputsFrom.THAWED


def saved_model(
    folder: Path,
    *nodes: NodeDef,
    functions: Sequence[FunctionDef] = (),
    has_objects: bool = True,
) -> Path:
    """Write a SavedModel without a checkpoint, with y as its signature."""
    model = SavedModel(saved_model_schema_version=1)
    meta = model.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.graph_def.node.extend(nodes)
    meta.graph_def.library.function.extend(functions)
    meta.signature_def["serving_default"].outputs["o"].name = "y:0"
    if has_objects:
        meta.object_graph_def.SetInParent()
    (folder / "model").mkdir()
    (folder / "model" / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder / "model"


def test_a_saved_model_without_variables(tmp_path: Path) -> None:
    functions = [function("f", ["a"], ["n:y:0"], node("Neg", "n", "a"))]
    functions[0].signature.input_arg[0].type = 1
    functions[0].signature.output_arg[0].type = 1
    nodes = [node("Placeholder", "x"), node("PartitionedCall", "y", "x", f="f")]
    model = saved_model(tmp_path, *nodes, functions=functions)
    pbckpt.freeze(model, tmp_path / "f.pb", functions=pbckpt.Functions.INLINE, durability=FAST)
    made = GraphDef.FromString((tmp_path / "f.pb").read_bytes())
    assert [one.name for one in made.node] == ["x", "y/n", "y"]


def test_a_saved_model_whose_values_are_elsewhere(tmp_path: Path) -> None:
    model = saved_model(tmp_path, reference(), Y, has_objects=False)
    with pytest.raises(pbckpt.SelectionError, match=r"where is the value of 'w'\?") as caught:
        pbckpt.freeze(model, tmp_path / "f.pb", durability=FAST)
    assert caught.value.unknown == ("w",)
    pbckpt.save_checkpoint({"w": W}, tmp_path / "n", durability=FAST)
    report = pbckpt.freeze(model, tmp_path / "f.pb", checkpoint=tmp_path / "n", durability=FAST)
    assert report.variables == ("w",)


def test_a_name_says_nothing_where_there_are_objects(tmp_path: Path) -> None:
    """It may be that of another variable: only what restores the model tells."""
    model = saved_model(tmp_path, reference(), Y)
    pbckpt.save_checkpoint({"w": W}, tmp_path / "n", durability=FAST)
    with pytest.raises(pbckpt.SelectionError, match="no function restores the variable 'w'"):
        pbckpt.freeze(model, tmp_path / "f.pb", checkpoint=tmp_path / "n", durability=FAST)


def test_a_constant_of_a_function_is_told_with_it(tmp_path: Path) -> None:
    weight = numbers("w", 1.0, 2.0)
    body = function("f", ["a"], ["m:product:0"], weight, node("MatMul", "m", "a", "w:output:0"))
    body.node_def[1].attr["T"].type = 1
    call = node("PartitionedCall", "y", "x", f="f")
    call.attr["Tin"].list.type.append(1)
    before = GraphDef(node=[node("Placeholder", "x"), call])
    before.library.function.append(body)
    (tmp_path / "g.pb").write_bytes(before.SerializeToString())
    pbckpt.convert(
        tmp_path / "g.pb",
        tmp_path / "m",
        selection=pbckpt.Selection(take=("f::w",)),
        thaw=pbckpt.Thaw(pbckpt.MetaFile.REQUIRED),
        durability=FAST,
    )
    report = pbckpt.freeze(tmp_path / "m.meta", tmp_path / "f.pb", durability=FAST)
    assert report.variables == ("f::w",)
    assert GraphDef.FromString((tmp_path / "f.pb").read_bytes()) == before
    report = pbckpt.freeze(
        tmp_path / "m.meta",
        tmp_path / "i.pb",
        functions=pbckpt.Functions.INLINE,
        outputs=["y"],
        durability=FAST,
    )
    assert report.variables == ("y/w",)


def handle(name: str) -> NodeDef:
    made = node("VarHandleOp", name)
    made.attr["dtype"].type = 1
    made.attr["shared_name"].s = b"w"
    return made


def restorer(name: str, *nodes: NodeDef, arguments: Sequence[str]) -> FunctionDef:
    return function(name, arguments, [], *nodes)


def restored(*assignments: tuple[str, int], keys: Sequence[str]) -> list[NodeDef]:
    """Return the nodes of a function that assign keys of a number to arguments."""
    nodes = [strings("names", *keys), strings("slices", *[""] * len(keys))]
    nodes.append(node("RestoreV2", "r", "prefix", "names:output:0", "slices:output:0"))
    nodes[-1].attr["dtypes"].list.type.extend([1] * len(keys))
    for argument, number in assignments:
        nodes.append(node("Identity", f"i{argument}", f"r:tensors:{number}"))
        nodes.append(node("AssignVariableOp", f"a{argument}", argument, f"i{argument}:output:0"))
    return nodes


def two_of_a_name(folder: Path, *functions: FunctionDef, **tensors: object) -> Path:
    """Write m.meta of two variables called w, restored by the first of some functions."""
    call = node("PartitionedCall", "restore", "prefix", "one", "two", f=functions[0].signature.name)
    nodes = [handle("one"), handle("two"), node("Placeholder", "prefix"), call]
    for name in ("one", "two"):
        read = node("ReadVariableOp", f"y_{name}", name)
        read.attr["dtype"].type = 1
        nodes.append(read)
    source = stored(folder, *nodes, **tensors)
    meta = MetaGraphDef.FromString(source.read_bytes())
    meta.graph_def.library.function.extend(functions)
    meta.saver_def.restore_op_name = "restore"
    source.write_bytes(meta.SerializeToString())
    return source


def test_two_variables_of_a_name_have_the_keys_that_restoring_says(tmp_path: Path) -> None:
    nodes = restored(("b", 0), ("a", 1), keys=["k", "l"])
    restore = restorer("restore_1", *nodes, arguments=["p", "a", "b"])
    source = two_of_a_name(tmp_path, restore, k=W, l=W + 1)
    made = freeze(source, outputs=["y_one", "y_two"])
    assert value(made, "one") == (W + 1).tobytes()
    assert value(made, "two") == W.tobytes()


def test_restoring_functions_in_functions(tmp_path: Path) -> None:
    """Each may have some of the variables, and may call itself, which is nothing."""
    inner = restorer("inner", *restored(("x", 0), keys=["k"]), arguments=["x", "prefix"])
    calls = [
        node("PartitionedCall", "c", "b", "p", f="inner"),
        node("PartitionedCall", "again", "p", "a", "b", f="outer"),
        node("StatefulPartitionedCall", "gone", "a", f="gone"),
    ]
    nodes = restored(("a", 0), keys=["l"])
    outer = restorer("outer", *nodes, *calls, arguments=["p", "a", "b"])
    source = two_of_a_name(tmp_path, outer, inner, k=W, l=W + 1)
    made = freeze(source, outputs=["y_one", "y_two"])
    assert value(made, "one") == (W + 1).tobytes()
    assert value(made, "two") == W.tobytes()


def test_functions_that_restore_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each calls itself with its arguments turned."""
    again = node("PartitionedCall", "c", "b", "a", "p", f="outer")
    outer = restorer("outer", again, arguments=["p", "a", "b"])
    source = two_of_a_name(tmp_path, outer, k=W)
    with pytest.raises(pbckpt.SelectionError):
        freeze(source, outputs=["y_one"])
    monkeypatch.setattr("pbckpt.applications.restored._MAX_SIZE", 10)
    with pytest.raises(pbckpt.LimitError, match="is over the limit restoring functions of 10"):
        freeze(source, outputs=["y_one"])


def test_one_string_that_stands_for_a_million(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more are looked at than there are tensors, and these are counted."""
    nodes = restored(("a", 1), keys=["k", "k"])
    for one in nodes[:2]:
        tensor = one.attr["value"].tensor
        tensor.tensor_shape.dim[0].size = 1 << 20
        del tensor.string_val[1:]
    restore = restorer("restore_1", *nodes, arguments=["p", "a", "b"])
    source = two_of_a_name(tmp_path, restore, k=W)
    assert value(freeze(source, outputs=["y_one"]), "one") == BYTES
    monkeypatch.setattr("pbckpt.applications.restored._MAX_SIZE", 16)
    with pytest.raises(pbckpt.LimitError, match="17 is over the limit restoring functions of 16"):
        freeze(source, outputs=["y_one"])


def test_what_no_function_restores_has_no_value(tmp_path: Path) -> None:
    restore = restorer("restore_1", *restored(("a", 7), keys=["k", "l"]), arguments=["p", "a", "b"])
    source = two_of_a_name(tmp_path, restore, k=W, l=W + 1)
    with pytest.raises(pbckpt.SelectionError, match="has no value for 'w'"):
        freeze(source, outputs=["y_one"])


@pytest.mark.parametrize(("names", "is_found"), [(["w", "v"], True), (["w", "w"], False)])
def test_objects_are_found_by_full_names_that_are_theirs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: Sequence[str], *, is_found: bool
) -> None:
    source = stored(tmp_path, reference(), Y, w=W)
    objects = TrackableObjectGraph()
    root = objects.nodes.add()
    for number, name in enumerate(names, 1):
        root.children.add(node_id=number, local_name=f"k{number}")
        attribute = objects.nodes.add().attributes.add(name="VARIABLE_VALUE", full_name=name)
        attribute.checkpoint_key = f"k{number}/.ATTRIBUTES/VARIABLE_VALUE"
    tensors = {f"k{one}/.ATTRIBUTES/VARIABLE_VALUE": W + one for one in (1, 2)}
    pbckpt.save_checkpoint(tensors, tmp_path / "o", durability=FAST)
    graph = decode_graph(objects.SerializeToString())
    monkeypatch.setattr("pbckpt.applications.variable_values.graph_of", lambda _: graph)
    if is_found:
        assert value(freeze(source, checkpoint=tmp_path / "o"), "w") == (W + 1).tobytes()
    else:
        with pytest.raises(pbckpt.SelectionError, match="has no value for 'w'"):
            freeze(source, checkpoint=tmp_path / "o")
