from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.thaw.attributes import superfluous_attributes
from tests.unit.thaw.graphs import encoded, frozen, thaw
from tests.unit.variables.graphs import const, function, node

if TYPE_CHECKING:
    from collections.abc import Callable

    from pbckpt.protos import AttrValue, NodeDef


def with_attr(op: str, name: str, fill: Callable[[AttrValue], object]) -> NodeDef:
    made = node(op, "n", "w", "w")
    fill(made.attr[name])
    made.attr["T"].type = 1
    return made


def boolean(*, value: bool) -> Callable[[AttrValue], object]:
    return lambda attr: setattr(attr, "b", value)


def number(value: float) -> Callable[[AttrValue], object]:
    return lambda attr: setattr(attr, "f", value)


@pytest.mark.parametrize(
    ("op", "name", "fill", "is_left_out"),
    [
        ("MatMul", "grad_a", boolean(value=False), True),
        ("MatMul", "grad_a", boolean(value=True), False),
        ("MatMul", "transpose_a", boolean(value=False), False),
        ("Add", "grad_a", boolean(value=False), False),
        ("FusedBatchNormV3", "exponential_avg_factor", number(1.0), True),
        ("FusedBatchNormV3", "exponential_avg_factor", number(0.5), False),
        ("QuantizeV2", "ensure_minimum_range", number(0.01), True),
        ("QuantizeV2", "axis", lambda attr: setattr(attr, "i", -1), True),
        ("QuantizeV2", "axis", lambda attr: setattr(attr, "i", 0), False),
        ("MaxPool", "explicit_paddings", lambda attr: attr.list.SetInParent(), True),
        ("MaxPool", "explicit_paddings", lambda attr: None, True),  # noqa: ARG005
        ("MaxPool", "explicit_paddings", lambda attr: attr.list.i.append(0), False),
        ("VarHandleOp", "debug_name", lambda attr: setattr(attr, "s", b""), True),
        ("VarHandleOp", "debug_name", lambda attr: setattr(attr, "s", b"w/"), False),
        ("TopKV2", "index_type", lambda attr: setattr(attr, "type", 3), True),
        ("TopKV2", "index_type", lambda attr: setattr(attr, "type", 9), False),
        ("MatMul", "grad_a", lambda attr: setattr(attr, "i", 0), False),
    ],
)
def test_what_an_older_tensorflow_lacks_is_left_out_at_its_default_alone(
    op: str, name: str, fill: Callable[[AttrValue], object], *, is_left_out: bool
) -> None:
    made = with_attr(op, name, fill)
    assert superfluous_attributes(made) == ([name] if is_left_out else [])


def test_it_is_left_out_in_graph_and_functions() -> None:
    made = with_attr("MatMul", "grad_a", boolean(value=False))
    nodes = [const("w", 2), made]
    thawed = thaw(nodes, frozen("w", "w", 2), functions=[function("f", ["w"], [], made)])
    [found] = [one for one in encoded(thawed).node if one.op == "MatMul"]
    assert sorted(found.attr) == ["T"]
    assert sorted(encoded(thawed).library.function[0].node_def[0].attr) == ["T"]
