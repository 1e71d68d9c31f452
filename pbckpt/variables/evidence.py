"""Evidence: what speaks for a constant having been a variable, or against it.

    strength   means
    PROOF      nothing but freezing leaves this
    STRONG     decides where nothing else is known
    FAIR       decides together with something else
    SLIGHT     tips the balance

Every piece has the name of its rule and a reason in plain words, whichever way
the verdict goes: a verdict can be told, and argued with.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Strength(IntEnum):
    """How much a piece of evidence weighs."""

    SLIGHT = 1
    FAIR = 2
    STRONG = 4
    PROOF = 16


class Evidence(NamedTuple):
    """What one rule found. ``speaks_for`` is False for what speaks against."""

    rule: str
    strength: Strength
    reason: str
    speaks_for: bool = True

    @property
    def weight(self) -> int:
        """The strength, negative for what speaks against."""
        return self.strength if self.speaks_for else -self.strength
