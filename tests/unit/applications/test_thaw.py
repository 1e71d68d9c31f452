from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.applications import thaw as thaw_module
from pbckpt.applications.thaw import check_thaw
from pbckpt.protos import MetaGraphDef, NodeDef, VariableDef
from tests.unit.variables.graphs import const, function, graph_def, identity, node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import FunctionDef

NONE = pbckpt.Durability.NONE
REQUIRED = pbckpt.Thaw(pbckpt.MetaFile.REQUIRED)


def variable(name: str, *dims: int, dtype: int = 1) -> list[NodeDef]:
    return [const(name, *dims, dtype=dtype), identity(f"{name}/read", name)]


def converted(
    folder: Path, *nodes: NodeDef, functions: Sequence[FunctionDef] = (), **options: object
) -> tuple[pbckpt.Report, MetaGraphDef | None]:
    """Convert a graph; return the report and the .meta, None where there is none."""
    source = folder / "frozen.pb"
    source.write_bytes(graph_def(*nodes, functions=functions).SerializeToString())
    report = pbckpt.convert(source, folder / "m", durability=NONE, **options)  # type: ignore[arg-type]
    meta = folder / "m.meta"
    assert meta.exists() == any(Path(file) == meta for file in report.files)
    return report, MetaGraphDef.FromString(meta.read_bytes()) if meta.exists() else None


def node_of(meta: MetaGraphDef | None, name: str) -> NodeDef:
    assert meta is not None
    return next(one for one in meta.graph_def.node if one.name == name)


def strings(meta: MetaGraphDef | None, name: str) -> list[bytes]:
    return list(node_of(meta, name).attr["value"].tensor.string_val)


def variables_of(meta: MetaGraphDef | None, collection: str = "variables") -> list[str]:
    assert meta is not None
    values = meta.collection_def[collection].bytes_list.value
    return [VariableDef.FromString(one).variable_name for one in values]


def test_the_meta_restores_what_the_checkpoint_has(tmp_path: Path) -> None:
    nodes = [*variable("a/w", 2), *variable("b", 3, dtype=19), node("Relu", "y", "a/w/read")]
    report, meta = converted(tmp_path, *nodes)
    assert report.warnings == ()
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        keys = [key.encode() for key in checkpoint]
    assert strings(meta, "save/RestoreV2/tensor_names") == keys == [b"a/w", b"b"]
    assert list(node_of(meta, "save/RestoreV2").attr["dtypes"].list.type) == [1, 19]
    assert variables_of(meta) == ["a/w:0", "b:0"]


def test_names_and_types_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    edits = pbckpt.Edits(add_prefix="net/", casts=("*=half",), settings=("global_step=int64:7",))
    _, meta = converted(tmp_path, *variable("w", 2), edits=edits)
    assert strings(meta, "save/RestoreV2/tensor_names") == [b"global_step", b"net/w"]
    assert list(node_of(meta, "save/RestoreV2").attr["dtypes"].list.type) == [9, 19]
    assert node_of(meta, "net/w").attr["dtype"].type == 1
    assert node_of(meta, "w").op == "ReadVariableOp"
    assert variables_of(meta) == ["net/w:0", "global_step:0"]
    assert variables_of(meta, "trainable_variables") == ["net/w:0"]
    assert variables_of(meta, "global_step") == ["global_step:0"]


def test_references_on_demand(tmp_path: Path) -> None:
    thaw = pbckpt.Thaw(variables=pbckpt.VariableKind.REF)
    _, meta = converted(tmp_path, *variable("w", 2), thaw=thaw)
    assert node_of(meta, "w").op == "VariableV2"


def test_without_a_meta(tmp_path: Path) -> None:
    thaw = pbckpt.Thaw(pbckpt.MetaFile.NONE)
    assert converted(tmp_path, *variable("w", 2), thaw=thaw)[1] is None


def test_a_dry_run_writes_none_and_says_what_there_is_to_say(tmp_path: Path) -> None:
    old = node("VariableV2", "old")
    old.attr["dtype"].type = 1
    old.attr["shape"].shape.SetInParent()
    report, meta = converted(tmp_path, *variable("w", 2), old, dry_run=True)
    assert meta is None
    assert report.warnings[-1] == (
        "1 variable was never frozen: 'old'; their values are in another checkpoint, which the "
        "saver of the .meta file leaves out"
    )


@pytest.mark.parametrize(
    ("layout", "has_target", "is_written"),
    [
        (None, False, True),
        (pbckpt.Layout(pbckpt.Format.NAME), False, True),
        (pbckpt.Layout(pbckpt.Format.BOTH), False, True),
        (pbckpt.Layout(pbckpt.Format.OBJECT), False, False),
        (None, True, False),
    ],
)
def test_where_a_meta_belongs(
    layout: pbckpt.Layout | None, *, has_target: bool, is_written: bool
) -> None:
    assert check_thaw(pbckpt.Thaw(), layout, has_target=has_target) is is_written
    nothing = pbckpt.Thaw(pbckpt.MetaFile.NONE)
    assert not check_thaw(nothing, layout, has_target=has_target)
    if is_written:
        assert check_thaw(REQUIRED, layout, has_target=has_target)
    else:
        with pytest.raises(pbckpt.SelectionError, match="leave --meta out"):
            check_thaw(REQUIRED, layout, has_target=has_target)


def test_the_parts_of_a_variable_are_variables(tmp_path: Path) -> None:
    nodes = [
        *variable("w/part_0", 5, 4),
        *variable("w/part_1", 3, 4),
        const("axis", dtype=3),
        node("ConcatV2", "w", "w/part_0/read", "w/part_1/read", "axis"),
    ]
    nodes[-1].attr["N"].i = 2
    values = pbckpt.Values(partitions=pbckpt.Partitions.SLICES)
    _, meta = converted(tmp_path, *nodes, values=values)
    assert strings(meta, "save/RestoreV2/tensor_names") == [b"w", b"w"]
    assert strings(meta, "save/RestoreV2/shape_and_slices") == [b"8 4 0,5:0,4", b"8 4 5,3:0,4"]
    assert variables_of(meta) == ["w/part_0:0", "w/part_1:0"]


def in_function() -> tuple[list[NodeDef], FunctionDef]:
    made = function(
        "f", ["x"], ["m:product:0"], const("k", 2, 2), node("MatMul", "m", "x", "k:output:0")
    )
    call = node("MapDataset", "data", "x", f="f")
    return [node("Placeholder", "x"), call], made


def test_constants_that_stay_are_told_of(tmp_path: Path) -> None:
    nodes, made = in_function()
    selection = pbckpt.Selection(take=("f::k",))
    report, meta = converted(
        tmp_path, *variable("w", 2), *nodes, functions=[made], selection=selection
    )
    assert variables_of(meta) == ["w:0"]
    [key] = [one.key for one in report.variables if one.node == "f::k"]
    assert report.warnings[-1] == (
        f"in the .meta file {key!r} stays a constant: MapDataset 'data' calls it, which cannot "
        "pass a variable on"
    )


def test_where_there_can_be_none_it_is_left_out_or_refused(tmp_path: Path) -> None:
    nodes, made = in_function()
    selection = pbckpt.Selection(take=("f::k",))
    report, meta = converted(tmp_path, *nodes, functions=[made], selection=selection)
    assert meta is None
    assert report.warnings[-1].startswith(
        "no .meta file was written: none of the variables can be put into the graph: "
    )
    with pytest.raises(pbckpt.UnsupportedGraphError, match="none of the variables"):
        converted(
            tmp_path,
            *nodes,
            functions=[made],
            selection=selection,
            thaw=REQUIRED,
            on_existing=pbckpt.OnExisting.REPLACE,
        )


def test_the_graph_that_is_too_large_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise pbckpt.UnsupportedGraphError("the graph alone is too large", kind="meta_graph")

    monkeypatch.setattr(thaw_module, "encode_meta_graph", refuse)
    report, meta = converted(tmp_path, *variable("w", 2))
    assert meta is None
    assert report.warnings == ("no .meta file was written: the graph alone is too large",)


def test_strings_are_variables_too(tmp_path: Path) -> None:
    selection = pbckpt.Selection(take=("words",))
    made = const("words", 2, dtype=7)
    made.attr["value"].tensor.string_val.extend([b"a", b"b"])
    _, meta = converted(tmp_path, made, node("Print", "y", "words"), selection=selection)
    assert node_of(meta, "words").attr["dtype"].type == 7
    assert list(node_of(meta, "save/RestoreV2").attr["dtypes"].list.type) == [7]


def test_a_key_that_is_no_text_is_the_checkpoints(tmp_path: Path) -> None:
    edits = pbckpt.Edits(renames=("w=k\udcff",))
    _, meta = converted(tmp_path, *variable("w", 2), edits=edits)
    assert strings(meta, "save/RestoreV2/tensor_names") == [b"k\xff"]
    assert variables_of(meta) == ["k_:0"]


def test_a_variable_that_no_node_takes_is_told_of(tmp_path: Path) -> None:
    nodes = [const("a", 2, 3), const("b", 2, 3), *variable("c", 2, 3), node("NoOp", "n", "^a")]
    both = pbckpt.Selection(take=("a", "b"))
    report, meta = converted(tmp_path, *nodes, selection=both)
    assert variables_of(meta) == ["a:0", "b:0", "c:0"]
    (warning,) = report.warnings
    assert warning == (
        "in the .meta file no node takes the value of 'a', 'b', and training does not change "
        "them. Where other constants have the values by now, convert the graph as it was before "
        "it was optimized, or name those with --take"
    )
    again = tmp_path / "again"
    again.mkdir()
    report, _ = converted(again, *nodes, selection=pbckpt.Selection(take=("a",)))
    (warning,) = report.warnings
    assert warning == (
        "in the .meta file no node takes the value of 'a', and training does not change it. Where "
        "other constants have the values by now, convert the graph as it was before it was "
        "optimized, or name those with --take"
    )


def test_variables_that_were_merged_are_told_of(tmp_path: Path) -> None:
    nodes = [
        const("a/w", 2, 3),
        *(identity(f"{name}/w/read", "a/w") for name in "abc"),
        *(node("MatMul", f"{name}/m", "x", f"{name}/w/read") for name in "abc"),
        node("Placeholder", "x"),
    ]
    report, meta = converted(tmp_path, *nodes)
    assert variables_of(meta) == ["a/w:0", "b/w:0", "c/w:0"]
    (warning,) = report.warnings
    assert warning == (
        "in the .meta file the graph takes another variable in place of 'b/w', 'c/w': their "
        "constants were merged with that of another, which had the same values. To train them, "
        "convert the graph as it was before it was optimized"
    )


ZOO = Path(__file__).parents[2] / "golden" / "zoo"
FOLDED = ZOO / "held" / "tf1-loops-and-branches-grappler-all" / "frozen.pb"
MERGED = ZOO / "open" / "t2-k3-fresh-merge" / "frozen.pb"


def test_what_tools_leave_is_told_of(tmp_path: Path) -> None:
    report = pbckpt.convert(FOLDED, tmp_path / "folded", durability=NONE)
    assert report.warnings[-1].startswith(
        "in the .meta file no node takes the value of 'inside/fixed', 'inside/r', 'inside/w' and 1 "
        "more, and training does not change them. "
    )
    copies = pbckpt.Selection(take=("ConstantFolding/*_enter",), exclude=("inside/*", "per_row"))
    report = pbckpt.convert(FOLDED, tmp_path / "copies", durability=NONE, selection=copies)
    assert "ConstantFolding/inside/w_enter" in [one.key for one in report.variables]
    assert not any("no node takes" in warning for warning in report.warnings)
    report = pbckpt.convert(MERGED, tmp_path / "merged", durability=NONE)
    assert report.warnings[-1].startswith(
        "in the .meta file the graph takes another variable in place of "
        "'batch_normalization/moving_mean', 'batch_normalization/moving_variance', "
        "'batch_normalization_1/beta' and 5 more: their constants were merged with that of "
    )
