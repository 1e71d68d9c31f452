from __future__ import annotations

import pytest

from pbckpt.protos import NodeDef
from pbckpt.rewrite.build import (
    Mark,
    build_node,
    colocated_attr,
    shape_attr,
    text_attr,
    type_attr,
)
from pbckpt.rewrite.mould import Mould, colocated_bytes, text_bytes

FLOAT = type_attr(1)


def test_a_node_is_its_fields_in_order() -> None:
    mould = Mould("Assign", own="_class", mark=Mark.ADDED, T=FLOAT)
    node = mould.node("w/Assign", ("w", "v"), colocated_bytes("w"))
    assert node.name == "w/Assign"
    assert node.data == (
        b"\n\x08w/Assign"
        b"\x12\x06Assign"
        b"\x1a\x01w\x1a\x01v"
        b"*\x07\n\x01T\x12\x020\x01"
        b"*\x14\n\x06_class\x12\n\n\x08\x12\x06loc:@w"
        b"*\x17\n\x0c_pbckpt_thaw\x12\x07\x12\x05added"
    )
    assert node.definition() == NodeDef.FromString(node.data)


@pytest.mark.parametrize("name", ["w", "ä", "w" * 127, "w" * 128, "w" * 20_000])
def test_the_bytes_are_those_of_protobuf(name: str) -> None:
    shape = shape_attr((2, 3))
    node = Mould("V", own="shared_name", mark=Mark.KEPT, dtype=FLOAT, shape=shape, z=FLOAT).node(
        name, (name, f"^{name}"), text_bytes(name)
    )
    expected = build_node(
        name,
        "V",
        (name, f"^{name}"),
        mark=Mark.KEPT,
        dtype=FLOAT,
        shape=shape,
        shared_name=text_attr(name),
        z=FLOAT,
    )
    assert node.data == expected.SerializeToString(deterministic=True)
    placed = Mould("A", own="_class", T=FLOAT).node(name, own=colocated_bytes(name))
    other = build_node(name, "A", T=FLOAT, _class=colocated_attr(name))
    assert placed.data == other.SerializeToString(deterministic=True)


def test_without_a_value_of_its_own_a_node_has_no_such_attribute() -> None:
    assert Mould("NoOp", own="_class").node("n").data == b"\n\x01n\x12\x04NoOp"
