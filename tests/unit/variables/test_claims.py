"""Which variables a constant was, where the graph has one constant for several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.variables.walk import Reach, Walker
from tests.unit.variables.graphs import const, detect_in, identity, node

if TYPE_CHECKING:
    import pytest


def norm(layer: str, constant: str) -> list[object]:
    """Return a batch norm whose offset and mean are read of one constant."""
    reads = [f"{layer}/Cast_{number}/ReadVariableOp" for number in (1, 2)]
    return [
        *(identity(read, constant) for read in reads),
        node("FusedBatchNormV3", f"{layer}/norm", "x", "scale", *reads, "variance"),
    ]


def found(*nodes: object) -> list[tuple[str, str]]:
    made = detect_in(*nodes)  # type: ignore[arg-type]
    return [(one.key, one.role.value if one.role else "-") for one in made.variables]


def test_reads_in_several_roles_are_of_merged_variables() -> None:
    constant = "m/bn/Cast_1/ReadVariableOp/resource"
    assert found(const(constant, 4), *norm("m/bn", constant), *norm("m/bn2", constant)) == [
        ("bn/beta", "beta"),
        ("bn/moving_mean", "moving_mean"),
        ("bn2/beta", "beta"),
        ("bn2/moving_mean", "moving_mean"),
    ]


def test_reads_in_one_role_are_of_one_variable() -> None:
    """A network that is called twice reads each of its variables twice."""
    constant = "m/dense/BiasAdd/ReadVariableOp/resource"
    reads = ("m/dense/BiasAdd/ReadVariableOp", "m/dense/BiasAdd_1/ReadVariableOp")
    takers = [node("BiasAdd", read.rpartition("/")[0], "x", read) for read in reads]
    nodes = [const(constant, 4), *(identity(read, constant) for read in reads), *takers]
    assert found(*nodes) == [("dense/bias", "bias")]


def test_reads_behind_a_read_are_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """And they are not walked from again, each to the end of the same chain."""
    steps = []
    walk = Walker.walk

    def counting(walker: Walker, start: int) -> Reach:
        reach = walk(walker, start)
        steps.append(len(reach.passed))
        return reach

    monkeypatch.setattr(Walker, "walk", counting)
    reads = [f"a{number}/ReadVariableOp" for number in range(100)]
    chain = [identity(*pair) for pair in zip(reads, ["unknown_1", *reads], strict=False)]
    product = node("Conv2D", "mm", "x", reads[-1])
    assert found(const("unknown_1", 1, 1, 4, 4), *chain, product) == [("a0/kernel", "kernel")]
    assert sum(steps) == 100 + 99


def test_a_cast_with_the_name_of_its_op_is_of_the_models_code() -> None:
    for cast, value in (("w", "w"), ("Cast_1", "")):
        made = node("Cast", cast, "w_half")
        made.attr["DstT"].type = 1
        product = node("MatMul", "y", "x", cast)
        (one,) = detect_in(const("w_half", 3, 4, dtype=19), made, product).variables
        assert one.value == value
