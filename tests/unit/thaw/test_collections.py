from __future__ import annotations

from pbckpt.dtypes import DataType
from pbckpt.protos import VariableDef
from pbckpt.thaw.variable import Slice
from tests.unit.thaw.graphs import REF, frozen, thaw
from tests.unit.variables.graphs import const, identity, node


def names(found: object) -> list[str]:
    return [VariableDef.FromString(one).variable_name for one in found]  # type: ignore[attr-defined]


def test_a_reference_as_tensorflow_writes_it() -> None:
    thawed = thaw([const("w", 2), identity("w/read", "w")], frozen("w", "w", 2), kind=REF)
    written = b"\x0a\x03w:0\x12\x08w/Assign\x1a\x08w/read:0\x32\x11w/initial_value:0\x38\x01"
    assert thawed.messages == {
        "variables": [written],
        "trainable_variables": [written],
        "model_variables": [written],
    }


def test_a_resource() -> None:
    thawed = thaw([const("w", 2)], frozen("w", "w", 2, trainable=False))
    [data] = thawed.messages["variables"]
    assert VariableDef.FromString(data) == VariableDef(
        variable_name="w:0",
        initializer_name="w/Assign",
        snapshot_name="w/Read/ReadVariableOp:0",
        initial_value_name="w/Initializer/initial_value:0",
        is_resource=True,
    )
    assert list(thawed.messages) == ["variables", "model_variables"]


def test_collections_have_the_order_of_the_nodes() -> None:
    nodes = [const("b", 2), const("step", dtype=9), const("a", 2)]
    variables = (
        frozen("a", "a", 2),
        frozen("added", "", 2, trainable=False),
        frozen("net/global_step", "step", dtype=DataType.INT64, trainable=False),
        frozen("b", "b", 2),
    )
    messages = thaw(nodes, *variables).messages
    assert {name: names(found) for name, found in messages.items()} == {
        "variables": ["b:0", "net/global_step:0", "a:0", "added:0"],
        "trainable_variables": ["b:0", "a:0"],
        "model_variables": ["b:0", "a:0"],
        "global_step": ["net/global_step:0"],
    }


def test_a_global_step_is_a_whole_number() -> None:
    nodes = [const("global_step"), const("a/global_step", 1, dtype=9)]
    variables = (
        frozen("global_step", "global_step", trainable=False),
        frozen("a/global_step", "a/global_step", 1, dtype=DataType.INT64, trainable=False),
    )
    assert "global_step" not in thaw(nodes, *variables).messages


def test_a_part_says_which() -> None:
    part = Slice("w\udcff", (10, 4), (5, 0), (5, 4))
    variable = frozen("w/part_1", "p", 5, 4)._replace(slice=part)
    [data] = thaw([const("p", 5, 4)], variable).messages["variables"]
    info = VariableDef.FromString(data).save_slice_info_def
    assert info.full_name == "w?"
    assert (list(info.full_shape), list(info.var_offset), list(info.var_shape)) == (
        [10, 4],
        [5, 0],
        [5, 4],
    )


def test_outputs_and_tables() -> None:
    nodes = [
        const("w", 2),
        node("HashTableV2", "table"),
        node("InitializeTableV2", "init", "table", "w", "w"),
        node("LookupTableImportV2", "load", "table", "w", "w"),
        identity("y", "w"),
        node("NoOp", "all", "^y"),
    ]
    thawed = thaw(nodes, frozen("w", "w", 2))
    assert thawed.names == {
        "pbckpt_outputs": ["init", "load", "all"],
        "table_initializer": ["init", "load"],
    }
    assert thaw([const("w", 2), node("NoOp", "w2", "w", "^w2")], frozen("w", "w", 2)).names == {}
