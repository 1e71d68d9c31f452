"""Pairing: both sides on their way through the steps, and the pairs that were made so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.matching.match import Pair
from pbckpt.matching.roles import known_role, role_of_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.matching.match import How
    from pbckpt.matching.sides import Source, Target

MAX_DEPTH = 16
"""Names that are paths of more components than this are looked at from their ends only."""


class Evidence(NamedTuple):
    """Why a pair is made."""

    how: How
    confidence: float
    reason: str


class Pairing:
    """The sources and targets by place; those that have no partner yet, and the pairs."""

    def __init__(self, sources: Sequence[Source], targets: Sequence[Target]) -> None:
        """Start without any pair."""
        self.sources = sources
        self.targets = targets
        self.free_sources = dict.fromkeys(range(len(sources)))
        self.free_targets = dict.fromkeys(range(len(targets)))
        self.partner_of: dict[int, int] = {}
        """The target of each source that has one."""
        self._evidence: dict[int, Evidence] = {}
        self.source_roles = [known_role(one.role) or role_of_name(one.key) for one in sources]
        self.target_roles = [one.role or role_of_name(one.name) for one in targets]

    def pair(self, source: int, target: int, evidence: Evidence) -> None:
        """Make a pair of two that have no partner."""
        del self.free_sources[source]
        del self.free_targets[target]
        self.partner_of[source] = target
        self._evidence[source] = evidence

    def pairs(self) -> list[Pair]:
        """Return all pairs, in the order of the targets."""
        order = sorted(self.partner_of, key=self.partner_of.__getitem__)
        return [
            Pair(self.sources[at], self.targets[self.partner_of[at]], *self._evidence[at])
            for at in order
        ]


def scope_of(name: str) -> str:
    """Return the path of a name without its last component."""
    return name.rpartition("/")[0]


def last_components(name: str, count: int) -> str:
    """Return the last so many components of a path, or nothing if it has fewer."""
    parts = name.rsplit("/", count)
    if len(parts) > count:
        return "/".join(parts[1:])
    return name if len(parts) == count else ""
