from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.protos import GraphDef, MetaGraphDef, NodeDef
from tests.unit.variables.graphs import const, node, numbers, variable

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
        inferred=False,
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
    assert report.inferred
    graph = GraphDef.FromString((tmp_path / "f.pb").read_bytes())
    with pbckpt.open_checkpoint(model / "variables" / "variables") as checkpoint:
        for name in report.variables:
            assert value(graph, name) == checkpoint[name].tobytes()
    assert report.variables


def test_a_saved_model_of_tensorflow_2_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.UnsupportedGraphError, match="a SavedModel of TensorFlow 2"):
        pbckpt.freeze(GOLDEN / "tf2" / "saved_model" / "module", tmp_path / "f.pb", durability=FAST)
    assert list(tmp_path.iterdir()) == []


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
    assert (report.outputs, report.inferred) == (("c", "y"), True)
