"""What freezing leaves of tables that rows were gathered from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.variables.evidence import Strength
from tests.unit.variables.graphs import const, identity, node, placed
from tests.unit.variables.left import Left, found, traces

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


def test_gather_capture() -> None:
    nodes = [
        const("emb/lookup/92", 9, 2),
        node("ResourceGather", "emb/lookup", "emb/lookup/92", "i"),
    ]
    assert traces("emb/lookup/92", *nodes) == [
        Left("gather_capture", "", "emb/lookup", "emb/lookup/92")
    ]
    # The indices may be named so as well.
    other = node("GatherV2", "emb/lookup", "w", "emb/lookup/92")
    assert traces("emb/lookup/92", nodes[0], other) == []


def test_resource_gather_by_its_place() -> None:
    gather = placed(node("GatherV2", "g", "emb/table", "ids", "axis"), "emb/table")
    (trace,) = found("emb/table", const("emb/table", 9, 2), gather)
    assert (trace.evidence.rule, trace.name, trace.value) == ("resource_gather", "emb/table", 0)
    assert trace.evidence.strength is Strength.STRONG
    assert trace.evidence.reason == "GatherV2 'g' was placed with the variable 'emb/table'"
    gather.attr["batch_dims"].i = 0
    assert traces("emb/table", const("emb/table", 9, 2), gather) == []


def test_resource_gather_that_was_imported_with_all_its_attrs() -> None:
    """Reading rows of a resource hands them on within the read, and the look-up once more."""
    gather = placed(node("GatherV2", "g", "emb/table", "ids", "axis"), "emb/table")
    gather.attr["batch_dims"].i = 0
    read = [identity("g/Identity", "g"), identity("g/Identity_1", "g/Identity")]
    nodes = [const("emb/table", 9, 2), gather, *read]
    assert traces("emb/table", *nodes) == [Left("resource_gather", "emb/table", "", "emb/table")]
    # Of a look-up in a constant.
    assert traces("emb/table", *nodes[:-1]) == []
    assert traces("emb/table", *nodes[:-1], identity("g/Identity_1", "g")) == []
    assert traces("emb/table", *nodes[:-1], node("Relu", "g/Identity_1", "g/Identity")) == []


def test_what_a_loaded_model_captured_may_be_a_table_of_its_code() -> None:
    nodes = [const("call/unknown_3", 9, 2), node("GatherV2", "g", "call/unknown_3", "ids", "axis")]
    assert traces("call/unknown_3", *nodes) == []


def gathered(*nodes: NodeDef, axis: str = "g/axis", **attrs: bool) -> list[Left]:
    """Return the traces on a table that a GatherV2 takes."""
    gather = node("GatherV2", "g", "table", "ids", axis)
    for name, value in attrs.items():
        gather.attr[name].b = value
    return traces("table", const("table", 9, 2), gather, *nodes)


GATHERED = [Left("resource_gather", "table", "g", "table")]
RESOURCE = [const("w"), identity("m/ReadVariableOp", "w")]


def test_resource_gather_by_the_mark_of_what_has_side_effects() -> None:
    assert gathered(_has_manual_control_dependencies=True, batch_dims=False) == GATHERED
    assert gathered(batch_dims=False) == []
    # Freezing makes the axis, and names it after the gather.
    assert gathered(axis="axis", _has_manual_control_dependencies=True) == []


def test_resource_gather_without_an_attr_beside_other_resources() -> None:
    assert gathered(*RESOURCE) == GATHERED
    assert gathered(const("m/resource")) == GATHERED
    assert gathered(*RESOURCE, batch_dims=False) == []
    assert gathered(*RESOURCE, axis="axis") == []
    # TensorFlow 1 writes no such attr.
    assert gathered() == []
    assert gathered(const("w"), identity("w/read", "w")) == []


def test_the_indices_of_a_resource_gather_are_none() -> None:
    gather = node("GatherV2", "g", "w", "ids", "g/axis")
    assert traces("ids", const("ids", 9), gather, *RESOURCE) == []
