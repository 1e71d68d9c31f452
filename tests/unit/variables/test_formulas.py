from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.operators.roles import Role
from pbckpt.variables.evidence import Strength
from pbckpt.variables.formulas import Formula, Formulas
from pbckpt.variables.verdict import Outcome
from tests.unit.variables.graphs import const, detect_in, node, number_of, verdicts, walker

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef

X = node("Placeholder", "x")
SIZES = {"w": 216, "v": 216, "g": 8, "u": 8, "n": 0}


def formula(producer: str, *nodes: NodeDef) -> tuple[str, tuple[str, ...]] | None:
    """Return the constants of a formula by their names."""
    walks = walker(*nodes)
    net = walks.network
    sizes = {
        number: SIZES[net.names[number]] for number in net.constants() if net.names[number] in SIZES
    }
    found = Formulas(walks, sizes).of((number_of(net, producer), 0))
    return found and (net.names[found.main], tuple(net.names[one] for one in found.factors))


def parts(*nodes: NodeDef) -> dict[str, list[tuple[str, bool]]]:
    return {
        name: [(part.role.value, part.is_sure) for part in verdict.sight.parts]
        for name, verdict in verdicts(*nodes).items()
        if verdict.sight.parts
    }


# --- what a value is made of


def test_the_largest_constant_is_what_others_scale() -> None:
    nodes = [const("g", 8), const("w", 3, 3, 3, 8), node("Mul", "mul", "g", "w")]
    assert formula("mul", *nodes) == ("w", ("g",))


def test_of_two_of_a_size_the_first_in_the_file_is_it() -> None:
    nodes = [const("v", 216), const("w", 216), node("Mul", "mul", "w", "v")]
    assert formula("mul", *nodes) == ("v", ("w",))


def test_what_depends_on_data_is_no_formula() -> None:
    assert formula("mul", X, const("w", 216), node("Mul", "mul", "x", "w")) is None


def test_what_is_random_is_no_formula() -> None:
    nodes = [const("n", 2), node("RandomUniform", "r", "n"), const("w", 216)]
    assert formula("mul", *nodes, node("Mul", "mul", "r", "w")) is None


def test_single_numbers_alone_are_no_weights() -> None:
    assert formula("mul", const("a"), const("b"), node("Mul", "mul", "a", "b")) is None


def test_nowhere_is_no_formula() -> None:
    walks = walker(const("w", 216))
    assert Formulas(walks, {0: 216}).of((-1, 0)) is None


def test_a_formula_is_looked_up_once() -> None:
    walks = walker(const("w", 216), node("Neg", "neg", "w"))
    sizes = {0: 216}
    formulas = Formulas(walks, sizes)
    assert formulas.of((1, 0)) == Formula(0, ())
    sizes.clear()
    assert formulas.of((1, 0)) == Formula(0, ())


@pytest.mark.parametrize(("op", "slot"), [("Reshape", 1), ("Transpose", 1), ("Sum", 1)])
def test_a_parameter_is_no_part_of_a_value(op: str, slot: int) -> None:
    inputs = ["w", "w"]
    inputs[slot] = "v"
    nodes = [const("w", 216), const("v", 216), node(op, "made", *inputs)]
    assert formula("made", *nodes) == ("w", ())


@pytest.mark.parametrize("op", ["Fill", "Range", "OneHot", "Shape", "ZerosLike", "OnesLike"])
def test_what_makes_arrays_of_sizes_is_no_part_of_a_value(op: str) -> None:
    nodes = [const("w", 216), const("g", 8), node(op, "made", "w")]
    assert formula("sum", *nodes, node("AddV2", "sum", "made", "g")) == ("g", ())


def chain(length: int) -> list[NodeDef]:
    """Return a formula of so many nodes, its constant included."""
    nodes = [const("w", 216), node("Neg", "n1", "w")]
    nodes += [node("Neg", f"n{k}", f"n{k - 1}") for k in range(2, length)]
    return nodes


def test_a_long_formula_is_none() -> None:
    assert formula("n47", *chain(48)) == ("w", ())
    assert formula("n48", *chain(49)) is None


def test_a_formula_of_many_inputs_is_none() -> None:
    def wide(count: int) -> list[NodeDef]:
        return [const("w", 216), node("AddN", "sum", *["w"] * count)]

    assert formula("sum", *wide(1536)) == ("w", ())
    assert formula("sum", *wide(1537)) is None


# --- weights that a network computes as it runs


def test_weights_scaled_by_a_gain() -> None:
    nodes = [
        const("w", 3, 3, 3, 8),
        const("gain", 8),
        const("half"),
        node("Mul", "scaled", "w", "gain"),
        node("Mul", "filter", "scaled", "half"),
        node("Conv2D", "c", "x", "filter"),
    ]
    assert parts(*nodes) == {"w": [("kernel", True)], "gain": [("weight", False)]}
    found = verdicts(*nodes)
    evidence = found["w"].evidence[0]
    assert (evidence.rule, evidence.strength) == ("part_of", Strength.STRONG)
    assert evidence.reason == (
        "it is the filter of a convolution or the kernel of a cell: Conv2D 'c' takes what is "
        "computed from it as the filter of a convolution or the kernel of a cell"
    )
    assert found["w"].outcome is Outcome.VARIABLE
    assert [(one.rule, one.strength) for one in found["gain"].evidence] == [
        ("part_of", Strength.SLIGHT)
    ]
    assert found["half"].evidence == ()


def test_weights_by_their_own_norm() -> None:
    nodes = [
        const("v", 4, 8),
        const("g", 8),
        const("axis", 1, dtype=3),
        node("Square", "square", "v"),
        node("Sum", "sum", "square", "axis"),
        node("Rsqrt", "rsqrt", "sum"),
        node("Mul", "unit", "v", "rsqrt"),
        node("Mul", "kernel", "unit", "g"),
        node("MatMul", "m", "x", "kernel"),
    ]
    assert parts(*nodes)["v"] == [("matrix", True)]
    assert ("weight", False) in parts(*nodes)["g"]


def spectral_norm() -> list[NodeDef]:
    """Return a convolution whose filter is divided by its largest singular value."""
    return [
        const("conv/kernel", 3, 3, 3, 8),
        const("conv/u", 1, 8),
        const("shape", 2, dtype=3),
        node("Reshape", "matrix", "conv/kernel", "shape"),
        node("MatMul", "v", "conv/u", "matrix"),
        node("MatMul", "wv", "v", "matrix"),
        node("MatMul", "sigma", "wv", "conv/u"),
        node("RealDiv", "filter", "conv/kernel", "sigma"),
        node("Conv2D", "c", "x", "filter"),
        node("Relu", "Relu", "c"),
    ]


def test_weights_by_their_largest_singular_value() -> None:
    assert parts(*spectral_norm())["conv/u"][-1] == ("u", False)
    kernel, vector = detect_in(*spectral_norm()).variables
    assert (kernel.key, kernel.role, kernel.trainable) == ("conv/kernel", Role.KERNEL, True)
    assert (vector.key, vector.role, vector.trainable) == ("conv/u", Role.POWER_VECTOR, False)


@pytest.mark.parametrize(
    ("dims", "role"), [((1, 8), "u"), ((8,), "weight"), ((1, 1), "weight"), ((8, 1), "weight")]
)
def test_a_row_is_the_vector_of_a_norm(dims: tuple[int, ...], role: str) -> None:
    nodes = [const("w", 3, 3, 3, 8), const("u", *dims), node("Mul", "m", "w", "u")]
    assert parts(*nodes, node("Conv2D", "c", "x", "m"))["u"] == [(role, False)]


def test_an_op_that_takes_no_weights_says_nothing_of_a_formula() -> None:
    nodes = [const("w", 3, 3, 3, 8), const("gain", 8), node("Mul", "m", "w", "gain")]
    assert parts(*nodes, node("Pow", "c", "x", "m")) == {}


def test_statistics_that_are_computed_are_not_the_variables() -> None:
    nodes = [const("v", 8), const("f"), node("Mul", "m", "v", "f")]
    norm = node("FusedBatchNormV3", "n", "x", "g", "b", "mean", "m")
    assert parts(*nodes, norm) == {}
