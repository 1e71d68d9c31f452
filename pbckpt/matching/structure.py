"""Structure: pairs by role, shape and position, where names tell nothing.

    family    enc/w, enc/b <-> a/kernel, a/bias: one of them is paired, and so are the scopes
    only one  no other tensor of this shape and role is left, on either side
    numbers   layer_1 … layer_12 <-> block1 … block12: names that differ in numbers alone
    place     the n-th of so many between two pairs, where all pairs are in the same order

The steps are repeated until none finds anything. None of them ever chooses: a
target that two sources would do for stays without one. A role that is not known
fits any other, but less than the same role does. Scalars are
paired by their roles or not at all, and what an optimizer keeps is left alone.

The trap is order: keys of a checkpoint are sorted, which says nothing of where a
layer is. Only targets that have an ``order`` are paired by place.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.matching.fits import kind_of
from pbckpt.matching.match import Ambiguous, How
from pbckpt.matching.pairing import Evidence, scope_of
from pbckpt.matching.roles import SLOT, are_compatible, rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pbckpt.matching.pairing import Pairing

    Signature = tuple[tuple[int, ...], str]
    Place = tuple[int, int, int]

_MAX_ROUNDS = 20
_FAMILY, _ONLY_ONE, _ONLY_ONE_BY_SHAPE, _IN_ORDER = 0.8, 0.75, 0.65, 0.6
_SHOWN = 5
_AVERAGE = "/ExponentialMovingAverage"
_NUMBERING = re.compile(r"_[0-9]+(?=/|\Z)")
_DIGITS = re.compile(r"[0-9]+")


class _Group(NamedTuple):
    """Sources and targets that could be each other's, in the order of their places."""

    sources: list[int]
    targets: list[int]
    has_roles: bool


class Structure:
    """Pairs what is left by what it is."""

    def __init__(self, pairing: Pairing) -> None:
        """Look at what has no partner yet."""
        self._pairing = pairing
        self._source_scopes = [scope_of(one.key) for one in pairing.sources]
        self._target_scopes = [scope_of(one.name) for one in pairing.targets]
        self._has_types = all(one.dtype is not None for one in pairing.targets)
        self._known_scopes: set[tuple[str, str]] = set()

    def pair(self) -> None:
        """Pair what can be paired without a choice."""
        for _ in range(_MAX_ROUNDS):
            if not (self._families() or self._only_ones() or self._numbered() or self._placed()):
                break

    def ambiguous(self) -> Iterator[tuple[int, Ambiguous]]:
        """Yield each target that several sources would do for, or one that others want too."""
        by_signature: dict[Signature, list[int]] = {}
        for source in self._pairing.free_sources:
            by_signature.setdefault(self._source_signature(source), []).append(source)
        for target in self._free_targets():
            alike = by_signature.get(self._target_signature(target), ())
            fitting = (self._pairing.sources[one].key for one in alike if self._may_be(one, target))
            candidates = tuple(islice(fitting, _SHOWN))
            if candidates:
                yield target, Ambiguous(self._pairing.targets[target], candidates)

    def _may_be(self, source: int, target: int) -> bool:
        role, other = self._pairing.source_roles[source], self._pairing.target_roles[target]
        is_scalar = not self._pairing.sources[source].shape
        return are_compatible(role, other) and not (is_scalar and not (role and other))

    # What is alike

    def _free_targets(self) -> Iterator[int]:
        """Yield the targets of a known shape that a graph can have a value for."""
        for at in self._pairing.free_targets:
            one = self._pairing.targets[at]
            is_model = self._pairing.target_roles[at] != SLOT and not one.name.endswith(_AVERAGE)
            if one.shape is not None and is_model:
                yield at

    def _source_signature(self, at: int) -> Signature:
        one = self._pairing.sources[at]
        return one.shape, kind_of(one.dtype) if self._has_types else ""

    def _target_signature(self, at: int) -> Signature:
        one = self._pairing.targets[at]
        return one.shape or (), kind_of(one.dtype) if self._has_types else ""

    def _groups(self, sources: Iterable[int], targets: Iterable[int]) -> Iterator[_Group]:
        """Yield what is alike on both sides; roles divide where all are known."""
        sides: dict[Signature, tuple[list[int], list[int]]] = {}
        for at in sources:
            sides.setdefault(self._source_signature(at), ([], []))[0].append(at)
        for at in targets:
            sides.setdefault(self._target_signature(at), ([], []))[1].append(at)
        for (shape, _), (some, others) in sides.items():
            if some and others:
                yield from self._by_role(shape, some, others)

    def _by_role(
        self, shape: tuple[int, ...], sources: list[int], targets: list[int]
    ) -> Iterator[_Group]:
        """Yield a group for each role that both sides know, and one for the rest.

        An equal role is better than one that is not known; of the rest, each
        must fit all of the other side.
        """
        by_role: dict[str, _Group] = {}
        for at in sources:
            role = self._pairing.source_roles[at]
            by_role.setdefault(role, _Group([], [], has_roles=True)).sources.append(at)
        for at in targets:
            role = self._pairing.target_roles[at]
            by_role.setdefault(role, _Group([], [], has_roles=True)).targets.append(at)
        rest = _Group([], [], has_roles=False)
        for role, group in by_role.items():
            if role and group.sources and group.targets:
                yield group
            else:
                rest.sources.extend(group.sources)
                rest.targets.extend(group.targets)
        roles, others = self._pairing.source_roles, self._pairing.target_roles
        known, wanted = {roles[at] for at in rest.sources}, {others[at] for at in rest.targets}
        fits = all(are_compatible(role, other) for role in known for other in wanted)
        if shape and fits and rest.sources and rest.targets:
            yield rest

    # Steps

    def _families(self) -> bool:
        """Pair members of two scopes of which others are a pair."""
        partners = self._partner_scopes()
        new = {pair for pair in partners if pair not in self._known_scopes}
        self._known_scopes |= new
        if not new:
            return False
        sources = _members(self._pairing.free_sources, self._source_scopes)
        targets = _members(self._free_targets(), self._target_scopes)
        found = False
        for source_scope, target_scope in sorted(new):
            groups = self._groups(sources.get(source_scope, ()), targets.get(target_scope, ()))
            reason = f"others of {source_scope}/ are of {target_scope}/"
            found |= self._pair_single(groups, _FAMILY, _FAMILY, reason)
        return found

    def _partner_scopes(self) -> set[tuple[str, str]]:
        """Return scopes that are paired with one other scope alone; the root is no family."""
        partners: dict[str, set[str]] = {}
        owners: dict[str, set[str]] = {}
        for source, target in self._pairing.partner_of.items():
            here, there = self._source_scopes[source], self._target_scopes[target]
            partners.setdefault(here, set()).add(there)
            owners.setdefault(there, set()).add(here)
        pairs = ((here, next(iter(there))) for here, there in partners.items() if len(there) == 1)
        return {(a, b) for a, b in pairs if a and b and len(owners[b]) == 1}

    def _only_ones(self) -> bool:
        groups = self._groups(self._pairing.free_sources, self._free_targets())
        reason = "nothing else of this shape is left"
        return self._pair_single(groups, _ONLY_ONE, _ONLY_ONE_BY_SHAPE, reason)

    def _pair_single(
        self, groups: Iterable[_Group], sure: float, by_shape: float, reason: str
    ) -> bool:
        found = False
        for group in list(groups):
            if len(group.sources) == len(group.targets) == 1:
                confidence = sure if group.has_roles else by_shape
                self._pair_all(group.sources, group.targets, confidence, reason)
                found = True
        return found

    def _pair_all(
        self, sources: list[int], targets: list[int], confidence: float, reason: str
    ) -> None:
        for source, target in zip(sources, targets, strict=True):
            role = self._pairing.target_roles[target]
            told = f"{reason} ({role})" if role else reason
            self._pairing.pair(source, target, Evidence(How.STRUCTURE, confidence, told))

    def _numbered(self) -> bool:
        """Pair those whose names differ in numbers alone, on either side, by their numbers."""
        found = False
        for group in list(self._groups(self._pairing.free_sources, self._free_targets())):
            if len(group.sources) != len(group.targets):
                continue
            sources = _in_numbers({at: self._pairing.sources[at].key for at in group.sources})
            targets = _in_numbers({at: self._pairing.targets[at].name for at in group.targets})
            if sources and targets:
                self._pair_all(sources, targets, _IN_ORDER, "the same place by their numbers")
                found = True
        return found

    def _placed(self) -> bool:
        """Pair those that have the same place between pairs that are in order."""
        pairing = self._pairing
        free = list(self._free_targets())
        if not free or any(pairing.targets[at].order is None for at in free):
            return False
        sources, targets = self._source_places(), self._target_places()
        anchors = [(s, t) for s, t in pairing.partner_of.items() if t in targets]
        if not _is_in_order((sources[s], targets[t]) for s, t in anchors):
            return False
        found = [
            (source, target)
            for group in self._segments(free, anchors, sources, targets)
            if len(group.sources) == len(group.targets)
            for source, target in zip(
                sorted(group.sources, key=sources.__getitem__),
                sorted(group.targets, key=targets.__getitem__),
                strict=True,
            )
        ]
        if not _is_in_order((sources[s], targets[t]) for s, t in (*anchors, *found)):
            return False
        reason = "the same place among those of its shape"
        for source, target in found:
            self._pair_all([source], [target], _IN_ORDER, reason)
        return bool(found)

    def _segments(
        self,
        free: list[int],
        anchors: list[tuple[int, int]],
        sources: dict[int, Place],
        targets: dict[int, Place],
    ) -> Iterator[_Group]:
        """Yield what is alike between the same two pairs."""
        source_ends = sorted(sources[source] for source, _ in anchors)
        target_ends = sorted(targets[target] for _, target in anchors)
        members: dict[int, tuple[list[int], list[int]]] = {}
        for at in self._pairing.free_sources:
            members.setdefault(bisect_left(source_ends, sources[at]), ([], []))[0].append(at)
        for at in free:
            members.setdefault(bisect_left(target_ends, targets[at]), ([], []))[1].append(at)
        for some, others in members.values():
            yield from self._groups(some, others)

    def _source_places(self) -> dict[int, Place]:
        orders = {at: one.order for at, one in enumerate(self._pairing.sources)}
        return _places(orders, self._source_scopes, self._pairing.source_roles)

    def _target_places(self) -> dict[int, Place]:
        orders = {
            at: one.order for at, one in enumerate(self._pairing.targets) if one.order is not None
        }
        return _places(orders, self._target_scopes, self._pairing.target_roles)


def _members(places: Iterable[int], scopes: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at in places:
        found.setdefault(scopes[at], []).append(at)
    return found


def _places(orders: dict[int, int], scopes: list[str], roles: list[str]) -> dict[int, Place]:
    """Return where each tensor comes: by its layer, by its role there, by itself.

    Within a layer graphs have no order that could be relied on.
    """
    first: dict[str, int] = {}
    for at, order in orders.items():
        first[scopes[at]] = min(order, first.get(scopes[at], order))
    return {
        at: (first[scopes[at]] if scopes[at] else order, rank(roles[at]), order)
        for at, order in orders.items()
    }


def _is_in_order(pairs: Iterable[tuple[Place, Place]]) -> bool:
    """Tell whether what comes later on one side comes later on the other."""
    ordered = [target for _, target in sorted(pairs)]
    return all(one < following for one, following in pairwise(ordered))


def _in_numbers(names: dict[int, str]) -> list[int]:
    """Return the places of names that differ in numbers alone, by these; else nothing.

    What has no number at the end of a component is the first: dense, dense_1.
    """
    patterns = {_DIGITS.sub("#", _NUMBERING.sub("", name)) for name in names.values()}
    numbers = {at: _numbers(name) for at, name in names.items()}
    if len(patterns) != 1 or len(set(numbers.values())) != len(names):
        return []
    return sorted(names, key=numbers.__getitem__)


def _numbers(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the numbers of each component, as texts that sort as the numbers do."""
    found = []
    for part in name.split("/"):
        match = _NUMBERING.search(part)
        inner = part[: match.start()] if match else part
        last = match[0][1:] if match else "0"
        found.append(tuple(map(_sortable, (*_DIGITS.findall(inner), last))))
    return tuple(found)


def _sortable(digits: str) -> str:
    plain = digits.lstrip("0")
    return f"{len(plain):06d}{plain}"
