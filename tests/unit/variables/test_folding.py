"""Folding is told by what the tools that fold leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.variables.graphs import const, detect_in, identity, node

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef

OFFSET = "batch norm 'bn' was folded into it, and into 'c/Conv2D_bn_offset'"
FACTOR = "a factor, such as a batch norm's, was folded into it: 'bn/batchnorm/mul_1'"


def folded(*nodes: NodeDef) -> dict[str, str]:
    """Return what was folded into which constant, taken or not."""
    found = detect_in(*nodes)
    taken = {one.node: one.folded for one in found.variables if one.folded}
    return taken | {one.node: one.folded for one in found.skipped if one.folded}


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative", "MatMul"])
def test_an_offset_with_the_name_of_its_product(op: str) -> None:
    """As fold_old_batch_norms and optimize_for_inference leave it."""
    assert folded(
        const("c/kernel", 3, 3, 1, 8),
        node(op, "c/Conv2D", "x", "c/kernel"),
        const("c/Conv2D_bn_offset", 8),
        node("BiasAdd", "bn", "c/Conv2D", "c/Conv2D_bn_offset"),
    ) == {
        "c/kernel": OFFSET,
        "c/Conv2D_bn_offset": "batch norm 'bn' was folded into 'c/kernel', and this is what is "
        "left",
    }


def test_the_same_quantized() -> None:
    found = folded(
        const("c/k_quantized_const", 3, 3, 1, 8, dtype=12),
        const("lo"),
        const("hi"),
        node(
            "QuantizedConv2D", "c/Conv2D/eightbit", "x", "c/k_quantized_const", "a", "b", "lo", "hi"
        ),
        const("c/Conv2D_bn_offset", 8),
        node("QuantizeV2", "q", "c/Conv2D_bn_offset", "lo", "hi"),
        node("QuantizedBiasAdd", "bn/eightbit", "c/Conv2D/eightbit", "q", "d", "e", "q:1", "q:2"),
    )
    assert found["c/k_quantized_const"] == OFFSET


def test_a_product_with_the_name_of_a_multiplication() -> None:
    """As fold_batch_norms leaves it."""
    assert folded(
        const("c/kernel", 3, 3, 1, 8), node("Conv2D", "bn/batchnorm/mul_1", "x", "c/kernel")
    ) == {"c/kernel": FACTOR}


@pytest.mark.parametrize("name", ["bn1/mul", "a/conv_bn/Mul_2", "BatchNorm/mul"])
def test_multiplications_of_normalizations(name: str) -> None:
    found = folded(const("k", 3, 3, 1, 8), node("Conv2D", name, "x", "k"))
    assert found == {"k": f"a factor, such as a batch norm's, was folded into it: {name!r}"}


@pytest.mark.parametrize("name", ["mul", "layer/mul_1", "subnet/Mul", "norm", "bnd/mul"])
@pytest.mark.parametrize("op", ["Conv2D", "MatMul"])
def test_a_stripped_product_that_somebody_called_mul(op: str, name: str) -> None:
    """Nothing of a normalization is near it."""
    assert not folded(
        const("w", 4, 8), node(op, name, "x", "w"), const("b", 8), node("Add", "add", name, "b")
    )


@pytest.mark.parametrize("name", ["c/merged_input", "bn/FusedBatchNormV3/Offset"])
def test_names_that_grappler_gives(name: str) -> None:
    assert folded(const(name, 3, 3, 1, 8), node("Conv2D", "c", "x", name)) == {
        name: "constants were folded into one by an optimizer, and this is the result"
    }


def test_what_is_as_it_was() -> None:
    assert (
        folded(
            const("c/kernel", 3, 3, 1, 8),
            identity("c/kernel/read", "c/kernel"),
            node("Conv2D", "c/Conv2D", "x", "c/kernel/read"),
            const("d/Conv2D_bn_offset", 8),
            node("BiasAdd", "bn", "c/Conv2D", "d/Conv2D_bn_offset"),
            node("Mul", "bn/mul", "bn", "d/Conv2D_bn_offset"),
        )
        == {}
    )


def test_a_product_that_somebody_called_mul() -> None:
    """What has a read was not folded into."""
    assert not folded(
        const("w", 4, 8), identity("w/read", "w"), node("MatMul", "mul", "x", "w/read")
    )


def test_a_constant_that_is_taken_all_the_same_says_so() -> None:
    found = detect_in(
        const("c/kernel", 3, 3, 1, 8),
        node("Conv2D", "c/Conv2D", "x", "c/kernel"),
        const("c/Conv2D_bn_offset", 8),
        node("BiasAdd", "bn", "c/Conv2D", "c/Conv2D_bn_offset"),
    )
    assert [one.reason for one in found.skipped] == [one.folded for one in found.skipped]
