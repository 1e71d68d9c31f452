"""Uses: evidence by what a constant is to the operations that take it.

    rule               says
    weight_input       an op takes it where weights sit: the filter of Conv2D
    matrix_operand     a matrix multiplication takes it
    part_of            its surroundings make it a scale, an offset, a bias, a slope
    table_rows         rows of it are looked up

Reference: `pbckpt.operators` for the table of ops and slots.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pbckpt.operators.roles import Role
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.structure import strongest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.variables.sight import Sight

USES = frozenset(("weight_input", "matrix_operand", "part_of", "table_rows"))
_RANGES = frozenset((Role.RANGE_MIN, Role.RANGE_MAX))
_FAKE_QUANTIZATION = "FakeQuant"
_MATRIX_RANK = 2
# What constants that were never trained are as well.
_AS_OFTEN_NOT = frozenset((Role.BIAS, Role.MATRIX))
# What a network's state is at the first step; zeros in the graph as a rule.
_WEAK = frozenset((Role.STATE, Role.SCALE, Role.WEIGHT))


def use_evidence(sight: Sight) -> tuple[Evidence, ...]:
    """Return what its uses say for a constant."""
    return sight.once("for", lambda: chain(_weight_input(sight), _part_of(sight)))


def _weight_input(sight: Sight) -> Iterator[Evidence]:
    """Find the strongest of the ops that take it where weights sit."""
    found: Evidence | None = None
    for use, role in sight.roles():
        evidence = _judge(sight, role, sight.describe(use), sight.network.ops[use.node])
        if evidence and (found is None or evidence.strength > found.strength):
            found = evidence
    if found:
        yield found


def _judge(sight: Sight, role: Role, where: str, op: str) -> Evidence | None:
    if role is Role.MATRIX:
        if sight.rank < _MATRIX_RANK:
            return None
        return Evidence("matrix_operand", Strength.FAIR, f"{where} multiplies with it")
    if role is Role.EMBEDDINGS:
        strength = Strength.FAIR if _is_table(sight) else Strength.SLIGHT
        return Evidence("table_rows", strength, f"{where} looks rows of it up")
    if role in _RANGES and not op.startswith(_FAKE_QUANTIZATION):
        # The range of what a tool has quantized is the tool's, not the model's.
        return None
    strength = Strength.SLIGHT if role in _WEAK else Strength.STRONG
    return Evidence("weight_input", strength, f"{where} takes it as {role.phrase}")


def _is_table(sight: Sight) -> bool:
    """Tell whether a constant may be a table of weights, one at least for each row."""
    is_float = sight.tensor is not None and sight.tensor.dtype.is_floating
    return sight.rank >= _MATRIX_RANK or (sight.rank == 1 and is_float)


def _part_of(sight: Sight) -> Iterator[Evidence]:
    for part in strongest(sight.parts) if sight.parts else ():
        strength = Strength.FAIR if part.is_sure else Strength.SLIGHT
        if part.is_sure and part.role not in _AS_OFTEN_NOT:
            strength = Strength.STRONG
        yield Evidence("part_of", strength, f"it is {part.role.phrase}: {part.reason}")
        return
