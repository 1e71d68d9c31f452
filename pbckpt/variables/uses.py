"""Uses: evidence by what a constant is to the operations that take it.

    rule               says
    weight_input       an op takes it where weights sit: the filter of Conv2D
    matrix_operand     a matrix multiplication takes it
    part_of            its surroundings make it a scale, an offset, a bias, a slope
    table_rows         rows of it are looked up

Reference: `pbckpt.operators` for the table of ops and slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.operators.roles import Role
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.structure import strongest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.variables.sight import Sight
    from pbckpt.variables.walk import Use

USES = frozenset(("weight_input", "matrix_operand", "part_of", "table_rows"))
_RANGES = frozenset((Role.RANGE_MIN, Role.RANGE_MAX))
_FAKE_QUANTIZATION = "FakeQuant"
_MATRIX_RANK = 2
# What constants that were never trained are as well.
_AS_OFTEN_NOT = frozenset((Role.BIAS, Role.MATRIX))
# What a network's state is at the first step; zeros in the graph as a rule.
_WEAK = frozenset((Role.STATE, Role.SCALE, Role.WEIGHT))


def use_evidence(sight: Sight) -> Sequence[Evidence]:
    """Return what its uses say for a constant."""
    if sight.by_uses is None:
        found = (_weight_input(sight), _part_of(sight))
        sight.by_uses = [one for one in found if one is not None]
    return sight.by_uses


def _weight_input(sight: Sight) -> Evidence | None:
    """Return the strongest of the ops that take it where weights sit."""
    found: Evidence | None = None
    for use, role in sight.roles():
        evidence = _judge(sight, role, use)
        if evidence and (found is None or evidence.strength > found.strength):
            found = evidence
    return found


def _judge(sight: Sight, role: Role, use: Use) -> Evidence | None:
    if role is Role.MATRIX:
        if sight.rank < _MATRIX_RANK:
            return None
        reason = f"{sight.describe(use)} multiplies with it"
        return Evidence("matrix_operand", Strength.FAIR, reason)
    if role is Role.EMBEDDINGS:
        strength = Strength.FAIR if _is_table(sight) else Strength.SLIGHT
        return Evidence("table_rows", strength, f"{sight.describe(use)} looks rows of it up")
    if role in _RANGES and not sight.network.ops[use.node].startswith(_FAKE_QUANTIZATION):
        # The range of what a tool has quantized is the tool's, not the model's.
        return None
    strength = Strength.SLIGHT if role in _WEAK else Strength.STRONG
    return Evidence("weight_input", strength, f"{sight.describe(use)} takes it as {role.phrase}")


def _is_table(sight: Sight) -> bool:
    """Tell whether a constant may be a table of weights, one at least for each row."""
    is_float = sight.tensor is not None and sight.tensor.dtype.is_floating
    return sight.rank >= _MATRIX_RANK or (sight.rank == 1 and is_float)


def _part_of(sight: Sight) -> Evidence | None:
    part = next(strongest(sight.parts), None) if sight.parts else None
    if part is None:
        return None
    strength = Strength.FAIR if part.is_sure else Strength.SLIGHT
    if part.is_sure and part.role not in _AS_OFTEN_NOT:
        strength = Strength.STRONG
    return Evidence("part_of", strength, f"it is {part.role.phrase}: {part.reason}")
