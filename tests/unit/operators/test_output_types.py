from __future__ import annotations

import pytest

from pbckpt.dtypes import dtype_of_label
from pbckpt.operators import output_arguments, output_types
from pbckpt.operators.output_types import OutputType
from pbckpt.operators.outputs import known_ops


@pytest.mark.parametrize(
    ("op", "types"),
    [
        ("MatMul", (OutputType("T"),)),
        ("Const", (OutputType("dtype"),)),
        ("Cast", (OutputType("DstT"),)),
        ("Equal", (OutputType("", "bool"),)),
        ("VarHandleOp", (OutputType("", "resource"),)),
        ("Shape", (OutputType("out_type", "int32"),)),
        ("TopKV2", (OutputType("T"), OutputType("index_type", "int32"))),
        ("Split", (OutputType("T"),)),
        ("While", (OutputType("T", is_list=True),)),
        ("IteratorGetNext", (OutputType("output_types", is_list=True),)),
        ("FusedBatchNormV3", (OutputType("T"), *[OutputType("U")] * 5)),
        ("NoOp", ()),
        ("Mystery", None),
    ],
)
def test_types_of_outputs(op: str, types: tuple[OutputType, ...] | None) -> None:
    assert output_types(op) == types


def test_every_output_of_every_op_has_a_type() -> None:
    lengths = {op: len(output_types(op) or ()) for op in known_ops()}
    assert lengths == {op: len(output_arguments(op) or ()) for op in known_ops()}


def test_every_label_is_that_of_a_type() -> None:
    labels = {one.label for op in known_ops() for one in output_types(op) or ()} - {""}
    assert {label for label in labels if dtype_of_label(label) is None} == set()
    assert {"bool", "double", "float", "int32", "int64", "resource", "string"} <= labels


def test_a_type_is_an_attribute_or_a_label() -> None:
    found = {one for op in known_ops() for one in output_types(op) or ()}
    assert {one for one in found if not one.attr and not one.label} == set()
    assert {one for one in found if one.is_list and (one.label or not one.attr)} == set()
