"""Match: which source goes where, what nothing goes to, what goes nowhere, and why.

    matched       a source for a target, stored as it is or after a cast
    wrong_dtype   a source whose type is not the target's
    wrong_shape   a source of that name, but of another shape
    ambiguous     several sources are as good as each other: none is taken
    missing       nothing in the graph
    left_over     sources that no target wants

Every target is in one of the first five, every source in one of the first three
or left over; what is ambiguous is left over too.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pbckpt.matching.sides import Source, Target


class How(Enum):
    """What a pair is matched by."""

    NAME = "name"
    RULE = "rule"
    SUFFIX = "suffix"
    STRUCTURE = "structure"


class Pair(NamedTuple):
    """A source and the target that it is for; ``confidence`` is at most 1, ``reason`` in words."""

    source: Source
    target: Target
    how: How
    confidence: float
    reason: str


class Misfit(NamedTuple):
    """A pair that cannot be stored as it is, and why; ``can_cast`` says whether a cast helps."""

    pair: Pair
    problem: str
    can_cast: bool = False


class Ambiguous(NamedTuple):
    """A target and the sources that it could have, each as well as the others."""

    target: Target
    candidates: tuple[str, ...]


class Missing(NamedTuple):
    """A target without a source, and the names in the graph that are most like it."""

    target: Target
    nearest: tuple[str, ...] = ()


class Match(NamedTuple):
    """Everything about both sides; see above."""

    matched: tuple[Pair, ...] = ()
    wrong_dtype: tuple[Misfit, ...] = ()
    wrong_shape: tuple[Misfit, ...] = ()
    ambiguous: tuple[Ambiguous, ...] = ()
    missing: tuple[Missing, ...] = ()
    left_over: tuple[Source, ...] = ()
