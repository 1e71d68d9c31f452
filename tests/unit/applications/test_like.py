"""Graphs in the form of a target: what is stored, what is refused, and where targets are from."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from pbckpt import DataType, Layout, Like, MatchBy, OnLeftOver, OnMissing, Selection
from pbckpt.names import key_to_bytes
from pbckpt.objects.keys import GRAPH_KEY
from pbckpt.protos import GraphDef, MetaGraphDef, NodeDef, TensorProto
from pbckpt.report.json import inspect_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

convert = partial(pbckpt.convert, durability=pbckpt.Durability.NONE)
save_checkpoint = partial(pbckpt.save_checkpoint, durability=pbckpt.Durability.NONE)


def const(name: str, dtype: int, shape: tuple[int, ...], data: bytes) -> NodeDef:
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = TensorProto(dtype=dtype, tensor_content=data)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    node.attr["value"].tensor.CopyFrom(tensor)
    return node


def floats(name: str, *shape: int) -> list[NodeDef]:
    """Return what freezing leaves of a variable of the values 1, 2, 3 and so on."""
    count = int(np.prod(shape))
    data = struct.pack(f"<{count}f", *range(1, count + 1))
    return [const(name, 1, shape, data), NodeDef(name=f"{name}/read", op="Identity", input=[name])]


def write_graph(path: Path, *nodes: list[NodeDef]) -> Path:
    graph = GraphDef(node=[node for some in nodes for node in some])
    path.write_bytes(graph.SerializeToString())
    return path


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Return a graph of two variables, and of a constant that was none."""
    axis = const("axis", 3, (), b"\1\0\0\0")
    add = NodeDef(name="y", op="ConcatV2", input=["net/w/read", "net/b/read", "axis"])
    nodes = [floats("net/w", 2, 3), floats("net/b", 3), [axis, add]]
    return write_graph(tmp_path / "frozen.pb", *nodes)


def listing(directory: Path, *rows: str) -> Path:
    path = directory / "names.txt"
    path.write_text("\n".join(rows))
    return path


def target(directory: Path, arrays: Mapping[str, Any], **options: Any) -> Path:  # noqa: ANN401
    prefix = directory / "target" / "m"
    save_checkpoint(arrays, prefix, **options)
    return prefix


def values(prefix: Path) -> dict[str, Any]:
    return {key: value.tolist() for key, value in pbckpt.load_checkpoint(prefix).items()}


W, B = [[1, 2, 3], [4, 5, 6]], [1, 2, 3]
LIKE_NET = {"net/w": np.zeros((2, 3), np.float32), "net/b": np.zeros(3, np.float32)}


# -- what is stored


def test_exactly_the_keys_of_the_target(graph: Path, tmp_path: Path) -> None:
    report = convert(graph, tmp_path / "m", like=Like(listing(tmp_path, "net/w:0")))
    assert values(tmp_path / "m") == {"net/w": W}
    assert [one.key for one in report.variables] == ["net/w"]
    assert report.warnings == (
        "1 of the graph's has no place in the target: 'net/b'; it is not stored",
    )


def test_what_inspect_prints_as_json_is_a_target(graph: Path, tmp_path: Path) -> None:
    """Of a graph, of a checkpoint, and of one with objects, whose graph is no variable."""
    names = tmp_path / "names.json"
    names.write_text(inspect_json(pbckpt.inspect(graph)))
    convert(graph, tmp_path / "of_graph", like=Like(names))
    assert values(tmp_path / "of_graph") == {"net/w": W, "net/b": B}
    names.write_text(inspect_json(pbckpt.inspect(tmp_path / "of_graph")))
    convert(graph, tmp_path / "again", like=Like(names))
    assert values(tmp_path / "again") == {"net/w": W, "net/b": B}
    prefix = target(tmp_path, LIKE_NET, layout=Layout(pbckpt.Format.BOTH))
    names.write_text(inspect_json(pbckpt.inspect(prefix)))
    report = pbckpt.match_target(graph, Like(names, MatchBy.SUFFIX, OnMissing.INIT))
    assert GRAPH_KEY not in [key_to_bytes(one.target.key) for one in report.match.missing]


def test_a_saved_model_without_variables_is_no_target(graph: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "saved_model.pb").touch()
    for path in (model, model / "saved_model.pb"):
        with pytest.raises(pbckpt.SelectionError) as caught:
            convert(graph, tmp_path / "m", like=Like(path))
        assert str(caught.value) == (
            f"{model} is a SavedModel without variables, so it names no keys; give a checkpoint "
            "of the model, the .meta of its training graph, or an index of names"
        )


def test_a_target_proves_that_a_constant_was_a_variable(graph: Path, tmp_path: Path) -> None:
    names = listing(tmp_path, "net/w", "net/b", "axis int32 []")
    convert(graph, tmp_path / "m", like=Like(names))
    assert values(tmp_path / "m") == {"net/w": W, "net/b": B, "axis": 1}


def test_what_was_left_out_stays_out(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "net/w", "net/b"))
    selection = Selection(exclude=("net/b",))
    with pytest.raises(pbckpt.MatchError, match="1 missing in the graph: 'net/b'"):
        convert(graph, tmp_path / "m", like=like, selection=selection)


def test_types_of_the_target_on_request(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "net/w half [2, 3]", "net/b"))
    with pytest.raises(pbckpt.MatchError, match=r"'net/w' is float16, the graph has float32; cast"):
        convert(graph, tmp_path / "m", like=like)
    convert(graph, tmp_path / "m", like=like._replace(cast=True))
    assert values(tmp_path / "m") == {"net/w": W, "net/b": B}
    with pbckpt.open_checkpoint(tmp_path / "m") as stored:
        assert stored.info("net/w").dtype is DataType.HALF


def test_a_cast_of_the_edits_counts(graph: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(casts=("net/w=float16",))
    like = Like(listing(tmp_path, "net/w half [2, 3]", "net/b"))
    convert(graph, tmp_path / "m", like=like, edits=edits)
    assert values(tmp_path / "m")["net/w"] == W


def test_slices_of_the_target(graph: Path, tmp_path: Path) -> None:
    whole = np.zeros((2, 3), np.float32)
    arrays = {"net/w": pbckpt.partition(whole, 2, axis=0), "net/b": LIKE_NET["net/b"]}
    prefix = target(tmp_path, arrays)
    convert(graph, tmp_path / "m", like=Like(prefix))
    assert values(tmp_path / "m") == {"net/w": W, "net/b": B}
    with pbckpt.open_checkpoint(tmp_path / "m") as made, pbckpt.open_checkpoint(prefix) as wanted:
        assert made.info("net/w").num_slices == wanted.info("net/w").num_slices == 2


def test_parts_become_whole(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.pb", floats("e/part_0", 1, 2), floats("e/part_1", 2, 2))
    prefix = target(tmp_path, {"e": np.zeros((3, 2), np.float32)})
    convert(graph, tmp_path / "m", like=Like(prefix))
    assert values(tmp_path / "m") == {"e": [[1, 2], [1, 2], [3, 4]]}


def test_parts_of_another_cut(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.pb", floats("e/part_0", 1, 2), floats("e/part_1", 2, 2))
    whole = np.zeros((3, 2), np.float32)
    prefix = target(tmp_path, {"e": pbckpt.partition(whole, 3, axis=0)})
    convert(graph, tmp_path / "m", like=Like(prefix))
    assert values(tmp_path / "m") == {"e": [[1, 2], [1, 2], [3, 4]]}
    with pbckpt.open_checkpoint(tmp_path / "m") as stored:
        assert stored.info("e").num_slices == 3


@pytest.mark.parametrize("form", [pbckpt.Format.OBJECT, pbckpt.Format.BOTH])
def test_the_objects_of_the_target(graph: Path, tmp_path: Path, form: pbckpt.Format) -> None:
    prefix = target(tmp_path, LIKE_NET, layout=Layout(format=form, save_counter=3))
    convert(graph, tmp_path / "m", like=Like(prefix))
    with pbckpt.open_checkpoint(tmp_path / "m") as made, pbckpt.open_checkpoint(prefix) as wanted:
        assert list(made) == list(wanted)
        assert made.object_graph is not None
        assert wanted.object_graph is not None
        assert made.object_graph.encode() == wanted.object_graph.encode()
    stored = pbckpt.load_checkpoint(tmp_path / "m")
    assert stored["net.Sw/.ATTRIBUTES/VARIABLE_VALUE"].tolist() == W
    assert stored["save_counter/.ATTRIBUTES/VARIABLE_VALUE"].tolist() == 3
    assert pbckpt.verify(tmp_path / "m").problems == ()


def test_another_number_of_saves(graph: Path, tmp_path: Path) -> None:
    prefix = target(tmp_path, LIKE_NET, layout=Layout(format=pbckpt.Format.OBJECT, save_counter=3))
    convert(graph, tmp_path / "m", like=Like(prefix), layout=Layout(save_counter=8))
    stored = pbckpt.load_checkpoint(tmp_path / "m")
    assert stored["save_counter/.ATTRIBUTES/VARIABLE_VALUE"].tolist() == 8


def test_the_form_is_the_target_s(graph: Path, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="leave out --format"):
        convert(
            graph,
            tmp_path / "m",
            like=Like(target(tmp_path, LIKE_NET)),
            layout=Layout(format=pbckpt.Format.OBJECT),
        )


def test_in_place_of_the_target(graph: Path, tmp_path: Path) -> None:
    """What is kept is read while the target is replaced."""
    prefix = target(tmp_path, LIKE_NET | {"step": np.array(41, np.int64)})
    like = Like(prefix, missing=OnMissing.KEEP)
    convert(graph, prefix, like=like, on_existing=pbckpt.OnExisting.REPLACE)
    assert values(prefix) == {"net/w": W, "net/b": B, "step": 41}


# -- what the graph has not


def test_what_is_wrong_is_told_at_length_and_in_brief(graph: Path, tmp_path: Path) -> None:
    names = listing(tmp_path, "net/w", "net/v")
    report = pbckpt.match_target(graph, Like(names))
    assert report.problems == (
        (
            "1 missing in the graph: 'net/v' (nearest: net/w, net/b); rename, fill with --set, or "
            "say --missing init"
        ),
    )
    assert report.brief == (
        f"{graph} does not fill {names}: 1 missing in the graph; rename, fill with --set, or say "
        "--missing init"
    )
    prefix = target(tmp_path, {"net/v": np.zeros(2, np.float32)})
    assert pbckpt.match_target(graph, Like(prefix)).briefs[0] == (
        "1 missing in the graph; rename, fill with --set, or say --missing keep or init"
    )


def test_zeros_and_ones_by_role(graph: Path, tmp_path: Path) -> None:
    rows = ["net/w", "net/b", "bn/gamma float32 [2]", "bn/moving_variance half [2]"]
    rows += ["bn/beta float32 [2]", "step int64 []", "text string [2]", "v/w float32 [2, 2]"]
    like = Like(listing(tmp_path, *rows), missing=OnMissing.INIT)
    report = convert(graph, tmp_path / "m", like=like)
    assert values(tmp_path / "m") == {
        "net/w": W,
        "net/b": B,
        "bn/gamma": [1, 1],
        "bn/moving_variance": [1, 1],
        "bn/beta": [0, 0],
        "step": 0,
        "text": [b"", b""],
        "v/w": [[0, 0], [0, 0]],
    }
    assert report.warnings == ("1 start as zeros, from which a network does not learn: 'v/w'",)


def test_init_needs_types_and_shapes(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "net/w", "net/b", "x", "y"), missing=OnMissing.INIT)
    with pytest.raises(pbckpt.MatchError, match="cannot make 'x'; 'y': type and shape are not"):
        convert(graph, tmp_path / "m", like=like)


def test_init_is_limited(graph: Path, tmp_path: Path) -> None:
    rows = ["net/w", "net/b", "x float32 [4611686018427387904]"]
    like = Like(listing(tmp_path, *rows), missing=OnMissing.INIT)
    with pytest.raises(pbckpt.LimitError, match="zeros and ones that the target asks for"):
        convert(graph, tmp_path / "m", like=like)


def test_an_index_keeps_nothing(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "net/w", "net/b", "x"), missing=OnMissing.KEEP)
    with pytest.raises(pbckpt.MatchError, match="has no values to keep; say --missing init"):
        convert(graph, tmp_path / "m", like=like)


def test_set_fits_the_target(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "net/w", "net/b", "step int64 []"))
    edits = pbckpt.Edits(settings=("step=int32:3", "stop=int64:3"))
    with pytest.raises(pbckpt.MatchError) as caught:
        convert(graph, tmp_path / "m", like=like, edits=edits)
    assert caught.value.report.problems == (
        "--set does not fit 'step': its type is int64",
        "--set 'stop': the target has no such key (nearest: step)",
        "1 missing in the graph: 'step'; rename, fill with --set, or say --missing init",
    )


def test_set_comes_before_the_graph(graph: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(settings=("net/b=float32:[7, 8, 9]",))
    convert(graph, tmp_path / "m", like=Like(listing(tmp_path, "net/w", "net/b")), edits=edits)
    assert values(tmp_path / "m") == {"net/w": W, "net/b": [7, 8, 9]}


# -- what is refused, all at once


def test_all_problems_at_once(graph: Path, tmp_path: Path) -> None:
    rows = ["net/w float32 [3, 2]", "net/b string [3]", "nut/w"]
    like = Like(listing(tmp_path, *rows), left_over=OnLeftOver.ERROR)
    edits = pbckpt.Edits(selection=Selection(take=("axis",)))
    with pytest.raises(pbckpt.MatchError) as caught:
        convert(graph, tmp_path / "m", like=like, edits=edits)
    report = caught.value.report
    assert [problem.partition(":")[0] for problem in report.problems] == [
        "1 missing in the graph",
        "1 of the wrong shape",
        "1 of a type that no cast makes right",
        "1 of the graph's has no place in the target",
    ]
    assert caught.value.unknown == ("nut/w",)
    assert not (tmp_path / "m.index").exists()
    seen = pbckpt.match_target(graph, like, edits=edits)
    assert seen == report
    assert not seen.ok


@pytest.mark.parametrize("name", ["previous_state_c", "rnn/initial_state", "cell/states"])
def test_a_state_starts_as_zeros(graph: Path, tmp_path: Path, name: str) -> None:
    rows = ("net/w", "net/b", f"{name} float32 [2, 2]")
    report = convert(
        graph, tmp_path / "m", like=Like(listing(tmp_path, *rows), missing=OnMissing.INIT)
    )
    assert values(tmp_path / "m") == {"net/w": W, "net/b": B, name: [[0, 0], [0, 0]]}
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("by", "advice"),
    [
        (MatchBy.NAME, ", or match further with --match suffix or structure"),
        (MatchBy.SUFFIX, ", or match further with --match structure"),
        (MatchBy.STRUCTURE, ""),
    ],
)
def test_what_was_tried_is_not_advised(
    graph: Path, tmp_path: Path, by: MatchBy, advice: str
) -> None:
    like = Like(listing(tmp_path, "x/y float32 [9]"), by, missing=OnMissing.INIT)
    with pytest.raises(pbckpt.MatchError) as caught:
        convert(graph, tmp_path / "m", like=like)
    assert caught.value.report.problems[-1].endswith("--strip-prefix and --add-prefix" + advice)


def test_a_wrong_shape_has_a_place(graph: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(selection=pbckpt.Selection(exclude=("net/b",)))
    with pytest.raises(pbckpt.MatchError) as caught:
        convert(
            graph,
            tmp_path / "m",
            like=Like(listing(tmp_path, "net/w float32 [9]")),
            edits=edits,
        )
    assert [text.partition(":")[0] for text in caught.value.report.problems] == [
        "1 of the wrong shape"
    ]


def test_nothing_fits(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "x/y float32 [9]"), missing=OnMissing.INIT)
    with pytest.raises(pbckpt.MatchError, match="nothing of the graph has a place in it; rename"):
        convert(graph, tmp_path / "m", like=like)


def test_two_equally_good_choices(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.pb", floats("a/x", 2, 2), floats("b/y", 2, 2))
    prefix = target(tmp_path, {"p": np.zeros((2, 2), np.float32)})
    like = Like(prefix, MatchBy.STRUCTURE)
    told = r"1 ambiguous, as several variables would fit: 'p' \(candidates: a/x, b/y\)"
    with pytest.raises(pbckpt.MatchError, match=told):
        convert(graph, tmp_path / "m", like=like)
    convert(graph, tmp_path / "m", like=like, edits=pbckpt.Edits(renames=("b/y=p",)))
    assert values(tmp_path / "m") == {"p": [[1, 2], [3, 4]]}


def test_pairs_without_a_name_are_told(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.pb", floats("a/x", 2, 2))
    like = Like(target(tmp_path, {"p": np.zeros((2, 2), np.float32)}), MatchBy.STRUCTURE)
    report = convert(graph, tmp_path / "m", like=like)
    (warning,) = report.warnings
    assert warning == (
        "1 were matched without a name that tells: 'a/x' for 'p' (0.65: nothing else of this "
        "shape is left); see that they are right"
    )


def test_texts_as_options(graph: Path, tmp_path: Path) -> None:
    """Words as on the command line do, and no others."""
    like = Like(listing(tmp_path, "net/w", "net/b", "x int8 [2]"), MatchBy("suffix"))
    assert pbckpt.match_target(graph, like._replace(missing=OnMissing("init"))).ok


def test_a_dry_run(graph: Path, tmp_path: Path) -> None:
    like = Like(listing(tmp_path, "net/w", "net/b"))
    report = convert(graph, tmp_path / "m", like=like, dry_run=True)
    assert (report.files, report.nbytes) == ((), 36)
    assert report.match is not None
    assert report.match.ok
    assert not (tmp_path / "m.index").exists()


def test_the_graph_itself_is_not_overwritten(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "m.index", floats("w", 2))
    like = Like(listing(tmp_path, "w"))
    with pytest.raises(pbckpt.PathError, match="is the input itself"):
        convert(graph, tmp_path / "m", like=like, on_existing=pbckpt.OnExisting.REPLACE)


def test_values_that_the_graph_casts_are_what_it_reads(tmp_path: Path) -> None:
    """Weights that were stored as half: the target has what the network computes with."""
    half = const("w", 19, (2,), np.array([1.5, -2], np.float16).tobytes())
    cast = NodeDef(name="w/read", op="Cast", input=["w"])
    cast.attr["SrcT"].type, cast.attr["DstT"].type = 19, 1
    graph = write_graph(tmp_path / "g.pb", [half, cast])
    like = Like(target(tmp_path, {"w": np.zeros(2, np.float32)}))
    convert(graph, tmp_path / "m", like=like)
    with pbckpt.open_checkpoint(tmp_path / "m") as stored:
        assert stored.info("w").dtype is DataType.FLOAT
        assert stored["w"].tolist() == [1.5, -2]


# -- a .meta


def variable_node(name: str, *shape: int, dtype: int = 1) -> NodeDef:
    node = NodeDef(name=name, op="VariableV2")
    node.attr["dtype"].type = dtype
    for size in shape:
        node.attr["shape"].shape.dim.add(size=size)
    return node


def strings(name: str, *texts: str) -> NodeDef:
    node = const(name, 7, (len(texts),), b"")
    tensor = node.attr["value"].tensor
    tensor.ClearField("tensor_content")
    tensor.string_val.extend(text.encode() for text in texts)
    return node


def write_meta(path: Path, *nodes: NodeDef, restore_op: str = "") -> Path:
    meta = MetaGraphDef(graph_def=GraphDef(node=nodes))
    meta.saver_def.restore_op_name = restore_op
    meta.meta_info_def.tensorflow_version = "1.15.5"
    path.write_bytes(meta.SerializeToString())
    return path


def saver(scope: str, keys: list[str], specs: list[str], tensors: list[str]) -> list[NodeDef]:
    inputs = ["prefix", f"{scope}/names", f"{scope}/specs", *tensors]
    return [
        strings(f"{scope}/names", *keys),
        strings(f"{scope}/specs", *specs),
        NodeDef(name=f"{scope}/SaveV2", op="SaveV2", input=inputs),
    ]


def test_what_a_saver_saves(graph: Path, tmp_path: Path) -> None:
    """The saver's own keys, and parts as slices; other savers do not count."""
    meta = write_meta(
        tmp_path / "m.meta",
        variable_node("w/part_0", 1, 3),
        variable_node("w/part_1", 1, 3),
        variable_node("other", 3),
        *saver(
            "save_1",
            ["net/b", "net/w", "net/w"],
            ["", "2 3 0,1:0,3", "2 3 1,1:0,3"],
            ["other", "w/part_0", "w/part_1"],
        ),
        *saver("save", ["unused"], [""], ["other"]),
        restore_op="save_1/restore_all",
    )
    convert(graph, tmp_path / "out" / "m", like=Like(meta))
    assert values(tmp_path / "out" / "m") == {"net/w": W, "net/b": B}
    with pbckpt.open_checkpoint(tmp_path / "out" / "m") as stored:
        assert stored.info("net/w").num_slices == 2


def test_variables_where_there_is_no_saver(graph: Path, tmp_path: Path) -> None:
    meta = write_meta(tmp_path / "m.meta", variable_node("net/w", 2, 3), variable_node("net/b", 3))
    report = pbckpt.match_target(graph, Like(meta))
    assert (report.ok, report.kind) == (True, "meta graph")
    assert {one.target.key: one.target.shape for one in report.pairs} == {
        "net/w": (2, 3),
        "net/b": (3,),
    }


def test_a_meta_without_variables(graph: Path, tmp_path: Path) -> None:
    meta = write_meta(tmp_path / "m.meta", NodeDef(name="x", op="Placeholder"))
    with pytest.raises(pbckpt.UnsupportedGraphError, match="has no saver and no variables"):
        pbckpt.match_target(graph, Like(meta))


@pytest.mark.parametrize("spec", ["2 3 0,1", "2 3 0,x:0,3", "2 3 1,2:0,3", "-1 3 0,1:0,3", ":"])
def test_slices_that_are_none(graph: Path, tmp_path: Path, spec: str) -> None:
    nodes = [variable_node("w", 2, 3), *saver("save", ["w"], [spec], ["w"])]
    meta = write_meta(tmp_path / "m.meta", *nodes)
    with pytest.raises(pbckpt.UnsupportedGraphError, match="the saver's slice"):
        pbckpt.match_target(graph, Like(meta))
