from __future__ import annotations

import pytest

from pbckpt.operators import newer_attributes
from pbckpt.protos import AttrValue


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("MatMul", {"grad_a": ("b", False), "grad_b": ("b", False)}),
        ("BatchMatMulV2", {"grad_x": ("b", False), "grad_y": ("b", False)}),
        ("FusedBatchNormV3", {"exponential_avg_factor": ("f", 1.0)}),
        ("MaxPool", {"explicit_paddings": ("list", ())}),
        ("VarHandleOp", {"allowed_devices": ("list", ()), "debug_name": ("s", b"")}),
        ("AssignVariableOp", {"validate_shape": ("b", False)}),
        ("TopKV2", {"Tk": ("type", 3), "index_type": ("type", 3)}),
        ("Add", {}),
        ("NoSuchOp", {}),
    ],
)
def test_what_an_op_has_by_now(op: str, attributes: dict[str, object]) -> None:
    assert newer_attributes(op) == attributes


@pytest.mark.parametrize(
    "op", ["MatMul", "FusedBatchNormV3", "QuantizeV2", "TopKV2", "BatchFunction"]
)
def test_a_default_fills_a_field_of_its_kind(op: str) -> None:
    for kind, value in newer_attributes(op).values():
        if kind != "list":
            made = AttrValue()
            setattr(made, kind, value)
            assert made.WhichOneof("value") == kind
