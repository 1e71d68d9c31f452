"""Small graphs of constants, hundreds for each op: what `test_evaluation.py` asks TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle import (
    evaluation_arithmetic,
    evaluation_parts,
    evaluation_places,
    evaluation_quantization,
    evaluation_reductions,
    evaluation_shapes,
)
from tests.oracle.evaluation_values import MAKERS, Maker

if TYPE_CHECKING:
    from tests.oracle.evaluation_case import Case

# Each registers its makers as it is imported.
FAMILIES = (
    evaluation_arithmetic,
    evaluation_parts,
    evaluation_places,
    evaluation_quantization,
    evaluation_reductions,
    evaluation_shapes,
)


def cases_of(name: str) -> list[Case]:
    """Return the cases of one op."""
    return list(MAKERS[name](Maker(name)))
