from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.numbers import look_trained, number_evidence
from tests.unit.variables.graphs import const, graph, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.protos import NodeDef

# Such as training leaves: of full length, no two alike.
LONG = (0.123456, -0.654321, 1.234567, -7.654321, 0.111222, 0.333444, -0.555666)


def tensor(made: NodeDef) -> ConstantTensor:
    (node,) = graph(made).nodes
    found = node.constant()
    assert found is not None
    return found


def found(*values: float, dims: Sequence[int] = (), dtype: int = 1) -> Evidence | None:
    return number_evidence(tensor(numbers("n", *values, dims=dims, dtype=dtype)))


def rule(*values: float) -> tuple[str, Strength] | None:
    evidence = found(*values)
    assert evidence is None or not evidence.speaks_for
    return evidence and (evidence.rule, evidence.strength)


def test_numbers_that_somebody_wrote() -> None:
    assert found(0.299, 0.587, 0.114, -1.0, 1e-5, 123.0) == Evidence(
        "written_values",
        Strength.STRONG,
        "its values are short numbers, as people write them: 0.299, 0.587, 0.114, …",
        speaks_for=False,
    )


def test_few_short_numbers_tell_less() -> None:
    assert rule(0.5, 0.25) == ("written_values", Strength.FAIR)
    assert rule(0.5, 0.25, 1, 2, 3) == ("written_values", Strength.FAIR)
    assert rule(0.5, 0.25, 1, 2, 3, 4) == ("written_values", Strength.STRONG)


@pytest.mark.parametrize("value", [0.1234, 1234.5, 1.001, 3.14159])
def test_one_long_number_is_enough_to_have_been_computed(value: float) -> None:
    assert rule(0.5, 0.25, 1, 2, 3, 4, value) is None


def test_doubles_are_short_by_their_own_type() -> None:
    assert found(0.299, 0.587, dtype=2) is not None
    # What was a float32 before is long as a double.
    assert found(0.29899999499320984, 0.587, dtype=2) is None


def test_what_is_no_finite_number_does_no_harm() -> None:
    assert rule(float("nan"), float("inf"), 1.0) == ("written_values", Strength.FAIR)
    assert found(1.7976931348623157e308, 1.5, dtype=2) is None


def test_few_numbers_again_and_again() -> None:
    assert found(*LONG[:2] * 3) == Evidence(
        "repeated_values",
        Strength.STRONG,
        "its values repeat: 2 different numbers in 6",
        speaks_for=False,
    )


def test_each_number_twice() -> None:
    assert rule(*LONG[:3], *LONG[:3]) == ("repeated_values", Strength.FAIR)
    # A filter that is symmetric, or antisymmetric.
    assert rule(*LONG[:3], *(-value for value in LONG[:3])) == ("repeated_values", Strength.FAIR)
    assert rule(*LONG[:4], *LONG[:3]) is None
    # Of five, some are equal by chance.
    assert rule(*LONG[:2], *LONG[:2], LONG[0]) is None


def test_a_pattern_has_few_numbers() -> None:
    some = [0.123456 + 0.001 * k for k in range(33)]
    assert rule(*some[:32] * 3) == ("repeated_values", Strength.STRONG)
    assert rule(*some * 3) == ("repeated_values", Strength.FAIR)


def test_what_tells_nothing() -> None:
    assert rule(*LONG) is None
    assert rule(0.0, 0.0, 0.0) is None
    assert rule(0.5) is None
    assert number_evidence(tensor(const("n", 0))) is None
    assert number_evidence(tensor(const("n"))) is None
    assert found(0.5, 0.25, dims=(2, 1)) is not None


@pytest.mark.parametrize("dtype", [3, 7, 9, 10, 12, 14, 19])
def test_other_types_tell_nothing(dtype: int) -> None:
    assert number_evidence(tensor(const("n", 8, dtype=dtype))) is None
    assert not look_trained(tensor(const("n", 8, dtype=dtype)))


def test_integers_tell_nothing() -> None:
    made = const("n", 8, dtype=3)
    made.attr["value"].tensor.int_val.extend(range(1, 9))
    assert number_evidence(tensor(made)) is None


def test_the_first_256_numbers_are_looked_at() -> None:
    short = [float(k) for k in range(256)]
    assert rule(*short, 0.123456) == ("written_values", Strength.STRONG)
    assert rule(*short[:255], 0.123456) is None


def test_numbers_that_fill_the_rest() -> None:
    made = const("n", 100)
    made.attr["value"].tensor.float_val.extend([0.123456, 0.654321])
    evidence = number_evidence(tensor(made))
    assert evidence is not None
    assert evidence.reason == "its values repeat: 2 different numbers in 100"
    filled = const("n", 4)
    filled.attr["value"].tensor.float_val.append(0.5)
    assert number_evidence(tensor(filled)) is None


# --- trained


def trained(*values: float) -> bool:
    return look_trained(tensor(numbers("n", *values)))


def test_numbers_that_training_leaves() -> None:
    assert trained(*LONG)
    assert trained(*LONG[:4])


def test_numbers_that_training_does_not_leave() -> None:
    assert not trained(*LONG[:3])
    assert not trained(*LONG, LONG[0])
    assert not trained(*LONG, -LONG[0])
    assert not trained(*LONG, 0.5)
    assert not look_trained(tensor(const("n", 9)))
    assert not look_trained(tensor(const("n")))
