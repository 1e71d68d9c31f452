from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.thaw.variable import Slice
from tests.unit.thaw.graphs import REF, RESOURCE, encoded, frozen, line, thaw
from tests.unit.variables.graphs import const, identity, node

if TYPE_CHECKING:
    from pbckpt.thaw.graph import ThawedGraph
    from pbckpt.thaw.variable import VariableKind

SAVED = ("save/SaveV2/tensor_names", "save/SaveV2/shape_and_slices")
RESTORED = ("save/RestoreV2/tensor_names", "save/RestoreV2/shape_and_slices")
READS = ("b/Read/ReadVariableOp", "w/Read/ReadVariableOp")


def saver_lines(thawed: ThawedGraph, scope: str = "save/") -> list[str]:
    return [line(one) for one in encoded(thawed).node if one.name.startswith(scope)]


def two(kind: VariableKind = RESOURCE) -> ThawedGraph:
    nodes = [const("w", 2, 3), const("b", 2)]
    return thaw(nodes, frozen("w", "w", 2, 3), frozen("b", "b", 2), kind=kind)


def test_the_saver_of_resources() -> None:
    thawed = two()
    assert saver_lines(thawed) == [
        "save/filename/input Const",
        "save/filename PlaceholderWithDefault save/filename/input",
        "save/Const PlaceholderWithDefault save/filename",
        "save/SaveV2/tensor_names Const",
        "save/SaveV2/shape_and_slices Const",
        " ".join(("save/SaveV2 SaveV2 save/Const", *SAVED, *READS)),
        "save/control_dependency Identity save/Const ^save/SaveV2",
        "save/RestoreV2/tensor_names Const",
        "save/RestoreV2/shape_and_slices Const",
        " ".join(("save/RestoreV2 RestoreV2 save/Const", *RESTORED)),
        "save/Identity Identity save/RestoreV2",
        "save/AssignVariableOp AssignVariableOp b save/Identity",
        "save/Identity_1 Identity save/RestoreV2:1",
        "save/AssignVariableOp_1 AssignVariableOp w save/Identity_1",
        "save/restore_all NoOp ^save/AssignVariableOp ^save/AssignVariableOp_1",
    ]
    saver = thawed.saver
    assert saver.filename_tensor_name == "save/Const:0"
    assert saver.save_tensor_name == "save/control_dependency:0"
    assert saver.restore_op_name == "save/restore_all"
    assert (saver.max_to_keep, saver.keep_checkpoint_every_n_hours) == (5, 10000.0)
    assert (saver.version, saver.sharded) == (2, False)
    by_name = {one.name: one for one in encoded(thawed).node}
    for op, device in (("SaveV2", ""), ("RestoreV2", "/device:CPU:0")):
        names, slices = (f"save/{op}/{what}" for what in ("tensor_names", "shape_and_slices"))
        assert by_name[names].attr["value"].tensor.string_val == [b"b", b"w"]
        assert by_name[names].attr["value"].tensor.tensor_shape.dim[0].size == 2
        assert by_name[slices].attr["value"].tensor.string_val == [b"", b""]
        assert list(by_name[f"save/{op}"].attr["dtypes"].list.type) == [1, 1]
        assert {by_name[one].device for one in (names, slices, f"save/{op}")} == {device}
    default = by_name["save/filename/input"].attr["value"].tensor
    assert (default.dtype, list(default.string_val)) == (7, [b"model"])
    assert len(default.tensor_shape.dim) == 0


def test_the_saver_of_references() -> None:
    found = saver_lines(two(kind=REF))
    assert found[5].endswith("shape_and_slices b w")
    assert found[-3:] == [
        "save/Assign Assign b save/RestoreV2",
        "save/Assign_1 Assign w save/RestoreV2:1",
        "save/restore_all NoOp ^save/Assign ^save/Assign_1",
    ]


def test_a_variable_is_cast_to_what_is_stored_and_back() -> None:
    variable = frozen("w", "w", 2, stored=DataType.HALF)
    thawed = thaw([const("w", 2)], variable)
    found = saver_lines(thawed)
    assert "save/SaveCast Cast w/Read/ReadVariableOp" in found
    assert found[6].endswith("save/SaveV2/shape_and_slices save/SaveCast")
    assert found[-4:] == [
        "save/RestoreCast Cast save/RestoreV2",
        "save/Identity Identity save/RestoreCast",
        "save/AssignVariableOp AssignVariableOp w save/Identity",
        "save/restore_all NoOp ^save/AssignVariableOp",
    ]
    by_name = {one.name: one.attr for one in encoded(thawed).node}
    casts = [by_name[f"save/{name}"] for name in ("SaveCast", "RestoreCast")]
    assert [(one["SrcT"].type, one["DstT"].type) for one in casts] == [(1, 19), (19, 1)]
    for op in ("SaveV2", "RestoreV2"):
        assert list(by_name[f"save/{op}"]["dtypes"].list.type) == [19]


def test_the_parts_of_a_variable_are_slices() -> None:
    parts = [
        frozen(f"w/part_{number}", f"p{number}", 5, 4)._replace(
            key="w", slice=Slice("w", (10, 4), (5 * number, 0), (5, 4))
        )
        for number in range(2)
    ]
    thawed = thaw([const("p0", 5, 4), const("p1", 5, 4)], *parts)
    by_name = {one.name: one.attr["value"].tensor for one in encoded(thawed).node}
    assert by_name["save/SaveV2/tensor_names"].string_val == [b"w", b"w"]
    specs = [b"10 4 0,5:0,4", b"10 4 5,5:0,4"]
    assert by_name["save/RestoreV2/shape_and_slices"].string_val == specs


def test_strings_and_keys_that_are_no_text() -> None:
    variable = frozen("v", "w", 2, dtype=DataType.STRING, trainable=False)._replace(key="k\udcff")
    thawed = thaw([const("w", 2, dtype=7)], variable)
    by_name = {one.name: one for one in encoded(thawed).node}
    assert by_name["save/SaveV2/tensor_names"].attr["value"].tensor.string_val == [b"k\xff"]
    assert list(by_name["save/RestoreV2"].attr["dtypes"].list.type) == [7]
    assert by_name["v"].attr["dtype"].type == 7


def test_a_scope_that_is_taken_is_numbered() -> None:
    nodes = [const("w", 2), identity("save/restore_all", "w"), node("NoOp", "save_1")]
    thawed = thaw(nodes, frozen("w", "w", 2))
    assert thawed.saver.restore_op_name == "save_2/restore_all"
    assert saver_lines(thawed, "save_2/")[-1] == "save_2/restore_all NoOp ^save_2/AssignVariableOp"


def test_variables_that_were_never_frozen_are_not_stored() -> None:
    old = node("VariableV2", "old")
    old.attr["dtype"].type = 1
    old.attr["shape"].shape.dim.add(size=2)
    thawed = thaw([old, const("w", 2)], frozen("w", "w", 2))
    assert [(one.name, one.is_stored) for one in thawed.variables] == [("w", True), ("old", False)]
    by_name = {one.name: one.attr["value"].tensor for one in encoded(thawed).node}
    assert by_name["save/SaveV2/tensor_names"].string_val == [b"w"]
