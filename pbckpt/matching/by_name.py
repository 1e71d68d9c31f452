"""By name: pairs of the same name, and of names that differ in their beginnings alone.

    exact     w                  w, or what else the target is called
    suffix    new/conv/kernel    model/deepspeech/conv/kernel

An exact name is looked for among the keys first, and then among the other
names of targets and of sources; what two targets are called is no name. A
source that edits renamed is looked up by its new name only.

Of suffixes the longest count first, and only one that a single source and a
single target end in. One component alone, such as ``kernel``, proves nothing,
unless other pairs have the same two beginnings.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.matching.fits import has_shape
from pbckpt.matching.match import How
from pbckpt.matching.pairing import MAX_DEPTH, Evidence, last_components

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pbckpt.matching.pairing import Pairing

OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_SURE, _SUPPORTED, _ALONE = 1.0, 0.9, 0.8


def pair_exact(pairing: Pairing) -> None:
    """Pair what has the same name."""
    by_key = {pairing.targets[at].key: at for at in pairing.free_targets}
    for source in list(pairing.free_sources):
        target = by_key.get(pairing.sources[source].key)
        if target is not None:
            _pair_named(pairing, source, target, "the same name")
    _pair_other_names(pairing, lambda at: (pairing.sources[at].key,))
    _pair_other_names(pairing, lambda at: _unchanged_names(pairing, at))


def _unchanged_names(pairing: Pairing, source: int) -> tuple[str, ...]:
    one = pairing.sources[source]
    return () if one.is_renamed else one.names


def _pair_other_names(pairing: Pairing, names_of: Callable[[int], Iterable[str]]) -> None:
    """Pair by names that one source and one target have among those that are left."""
    targets = _owners((name, at) for at in pairing.free_targets for name in all_names(pairing, at))
    sources = _owners(
        (name.removesuffix(OBJECT_VALUE), at)
        for at in pairing.free_sources
        for name in names_of(at)
    )
    for name, source in sources.items():
        target = targets.get(name)
        is_free = source in pairing.free_sources and target in pairing.free_targets
        if is_free and source is not None and target is not None:
            _pair_named(pairing, source, target, f"the target is called {name!r}, too")


def all_names(pairing: Pairing, target: int) -> set[str]:
    """Return everything that a target is called, without the endings of objects' keys."""
    one = pairing.targets[target]
    return {name.removesuffix(OBJECT_VALUE) for name in (one.key, *one.names) if name}


def _owners(named: Iterable[tuple[str, int]]) -> dict[str, int | None]:
    """Return the owner of each name, None where it has several."""
    owners: dict[str, int | None] = {}
    for name, at in named:
        if owners.setdefault(name, at) != at:
            owners[name] = None
    return owners


def _pair_named(pairing: Pairing, source: int, target: int, reason: str) -> None:
    one = pairing.sources[source]
    if one.is_renamed:
        evidence = Evidence(How.RULE, _SURE, f"renamed from {one.was!r}")
    else:
        evidence = Evidence(How.NAME, _SURE, reason)
    pairing.pair(source, target, evidence)


class _Proposal(NamedTuple):
    source: int
    target: int
    beginnings: tuple[str, str]
    length: int


def pair_suffixes(
    pairing: Pairing,
    names_of_source: Callable[[int], Iterable[str]],
    names_of_target: Callable[[int], Iterable[str]],
    how: How,
    *,
    scale: float = 1.0,
) -> None:
    """Pair what has the same end of a name, which no other has; see above.

    Only a wrong shape that others vouch for is let pass, to be told as such, and
    none where names were made alike before. ``scale`` lowers the confidence.
    """
    proposals = _proposals(pairing, names_of_source, names_of_target)
    support = Counter(proposal.beginnings for proposal in proposals)
    is_only_one = len(pairing.free_sources) == 1
    for one in proposals:
        has_support = support[one.beginnings] > 1
        fits = has_shape(pairing.sources[one.source], pairing.targets[one.target])
        if not fits and (not has_support or scale < 1):
            continue
        if has_support or one.length > 1 or is_only_one:
            old, new = (f"{text}/" if text else "no prefix" for text in one.beginnings)
            confidence = scale * (_SUPPORTED if has_support else _ALONE)
            reason = f"the same after {old} in the graph and {new} in the target"
            pairing.pair(one.source, one.target, Evidence(how, confidence, reason))


def _proposals(
    pairing: Pairing,
    names_of_source: Callable[[int], Iterable[str]],
    names_of_target: Callable[[int], Iterable[str]],
) -> list[_Proposal]:
    sources = {at: tuple(names_of_source(at)) for at in pairing.free_sources}
    targets = {at: tuple(names_of_target(at)) for at in pairing.free_targets}
    found = []
    for length in range(_depth(sources, targets), 0, -1):
        ends = _by_end(sources, length)
        wanted = _by_end(targets, length) if ends else {}
        for end, owner in ends.items():
            other = wanted.get(end)
            if owner is None or other is None:
                continue
            (source, name), (target, other_name) = owner, other
            if source in sources and target in targets:
                beginnings = _without(name, end), _without(other_name, end)
                found.append(_Proposal(source, target, beginnings, length))
                del sources[source], targets[target]
    return found


def _depth(*sides: dict[int, tuple[str, ...]]) -> int:
    """Return how many components the names of both sides can have in common at their ends."""
    deepest = [
        max((name.count("/") for names in side.values() for name in names), default=0) + 1
        for side in sides
    ]
    return min(MAX_DEPTH, *deepest)


def _without(name: str, end: str) -> str:
    return name[: len(name) - len(end)].rstrip("/")


def _by_end(names: dict[int, tuple[str, ...]], length: int) -> dict[str, tuple[int, str] | None]:
    """Return who has an end of so many components, and in which name; None for several."""
    owners: dict[str, tuple[int, str] | None] = {}
    for at, known in names.items():
        for name in known:
            end = last_components(name, length)
            owner = owners.setdefault(end, (at, name)) if end else None
            if owner is not None and owner[0] != at:
                owners[end] = None
    return owners
