from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.evidence import Strength
from pbckpt.variables.uses import use_evidence
from tests.unit.variables.graphs import const, identity, node, verdicts

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


def found(*nodes: NodeDef) -> list[tuple[str, Strength, str]]:
    """Return what the uses of the first node say."""
    sight = verdicts(*nodes)[nodes[0].name].sight
    return [(one.rule, one.strength, one.reason) for one in use_evidence(sight)]


@pytest.mark.parametrize(
    ("op", "slot", "phrase"),
    [
        ("Conv2D", 1, "the filter of a convolution or the kernel of a cell"),
        ("Conv3DBackpropInputV2", 1, "the filter of a convolution or the kernel of a cell"),
        ("DepthwiseConv2dNative", 1, "the filter of a depthwise convolution"),
        ("BiasAdd", 1, "a bias"),
        ("FusedBatchNormV3", 1, "the scale of a normalisation"),
        ("FusedBatchNormV3", 2, "the offset of a normalisation"),
        ("FusedBatchNormV3", 3, "the mean of a batch normalisation"),
        ("FusedBatchNormV3", 4, "the variance of a batch normalisation"),
        ("LSTMBlockCell", 3, "the filter of a convolution or the kernel of a cell"),
        ("LSTMBlockCell", 5, "the peephole weights of an LSTM cell"),
        ("FakeQuantWithMinMaxVars", 1, "the lower end of a quantized range"),
    ],
)
def test_weight_input(op: str, slot: int, phrase: str) -> None:
    inputs = [f"x{k}" for k in range(8 if op == "LSTMBlockCell" else 5)]
    inputs[slot] = "w"
    assert found(const("w", 4, 4), node(op, "n", *inputs)) == [
        ("weight_input", Strength.STRONG, f"{op} 'n' takes it as {phrase}")
    ]


def test_a_state_is_weak() -> None:
    inputs = ["x", "w", "h", "k", "wci", "wcf", "wco", "b"]
    assert found(const("w", 4, 4), node("LSTMBlockCell", "n", *inputs)) == [
        (
            "weight_input",
            Strength.SLIGHT,
            "LSTMBlockCell 'n' takes it as the initial state of a recurrent op",
        )
    ]


def test_the_range_of_a_quantized_weight_is_the_tools() -> None:
    inputs = ["x", "k", "xmin", "xmax", "w", "kmax"]
    assert found(const("w"), node("QuantizedConv2D", "n", *inputs)) == []


def test_matrix_operand() -> None:
    for slot in (0, 1):
        inputs = ["w", "x"] if slot == 0 else ["x", "w"]
        assert found(const("w", 4, 4), node("MatMul", "m", *inputs)) == [
            ("matrix_operand", Strength.FAIR, "MatMul 'm' multiplies with it")
        ]
    assert found(const("w", 4), node("Einsum", "m", "x", "w")) == []


def test_table_rows() -> None:
    gather = node("GatherV2", "g", "w", "ids", "axis")
    assert found(const("w", 9, 4), gather) == [
        ("table_rows", Strength.FAIR, "GatherV2 'g' looks rows of it up")
    ]
    assert found(const("w", 9), gather)[0][1] is Strength.FAIR
    for other in (const("w", 9, dtype=3), const("w", 9, dtype=12), const("w")):
        assert found(other, gather) == [
            ("table_rows", Strength.SLIGHT, "GatherV2 'g' looks rows of it up")
        ]
    assert found(const("ids", 9, dtype=3), node("GatherV2", "g", "w", "ids", "axis")) == []


def test_part_of() -> None:
    nodes = [const("b", 4), node("MatMul", "m", "x", "y"), node("AddV2", "add", "m", "b")]
    assert found(*nodes) == [
        ("part_of", Strength.FAIR, "it is a bias: added to the output of MatMul 'm'")
    ]


def test_the_strongest_use_tells() -> None:
    nodes = [
        const("w", 4, 4),
        node("GatherV2", "g", "w", "ids", "axis"),
        node("Conv2D", "c", "x", "w"),
        node("MatMul", "m", "x", "w"),
    ]
    assert [rule for rule, _, _ in found(*nodes)] == ["weight_input"]


def test_uses_are_seen_through_what_hands_on() -> None:
    nodes = [
        const("w", 4, 4),
        identity("i", "w"),
        node("Cast", "c", "i"),
        node("Conv2D", "n", "x", "c"),
    ]
    assert [rule for rule, _, _ in found(*nodes)] == ["weight_input"]


def test_what_a_fused_op_takes_is_told_by_its_list() -> None:
    fused = node("_FusedConv2D", "n", "x", "k", "b")
    fused.attr["fused_ops"].list.s.extend([b"BiasAdd", b"Relu"])
    assert found(const("b", 4), fused) == [
        ("weight_input", Strength.STRONG, "_FusedConv2D 'n' takes it as a bias")
    ]


def test_other_ops_say_nothing() -> None:
    assert found(const("w", 4, 4), node("Mul", "m", "x", "w"), node("Relu", "r", "w")) == []
    assert found(const("w", 4, 4)) == []
    assert found(const("w", 4, 4), node("Unheard", "u", "x", "w")) == []
