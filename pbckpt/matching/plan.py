"""The plan of a match: from two sides to pairs, and to what is wrong with them.

    name        the same name, after edits
    suffix      and then the same end of a name
    structure   and then the same end with other words for a role; role, shape, place

What a later step pairs is never what an earlier one could have.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.edits.nearest import NameIndex
from pbckpt.edits.refusal import MAX_SHOWN
from pbckpt.matching.by_name import all_names, pair_exact, pair_suffixes
from pbckpt.matching.fits import can_cast, shape_problem
from pbckpt.matching.match import How, Match, Misfit, Missing
from pbckpt.matching.pairing import Pairing, scope_of
from pbckpt.matching.parts import join_parts
from pbckpt.matching.roles import SLOT
from pbckpt.matching.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.matching.match import Ambiguous, Pair
    from pbckpt.matching.sides import Source, Target

_OTHER_WORDS = 0.95


class MatchBy(Enum):
    """How far a match goes; each goes as far as the one before, too."""

    NAME = "name"
    SUFFIX = "suffix"
    STRUCTURE = "structure"


def match(
    sources: Sequence[Source], targets: Sequence[Target], by: MatchBy = MatchBy.NAME
) -> Match:
    """Return which source goes where. Keys of either side must be unique."""
    pairing = Pairing(join_parts(sources, targets), targets)
    pair_exact(pairing)
    ambiguous: dict[int, Ambiguous] = {}
    if by is not MatchBy.NAME:
        _pair_ends(pairing)
    if by is MatchBy.STRUCTURE:
        _pair_roles(pairing)
        structure = Structure(pairing)
        structure.pair()
        ambiguous = dict(structure.ambiguous())
    return _judged(pairing, ambiguous)


def _pair_ends(pairing: Pairing) -> None:
    pair_suffixes(
        pairing,
        lambda at: (pairing.sources[at].key,),
        lambda at: () if pairing.target_roles[at] == SLOT else all_names(pairing, at),
        How.SUFFIX,
    )


def _pair_roles(pairing: Pairing) -> None:
    """Pair by ends in which every word for a role is the same."""
    pair_suffixes(
        pairing,
        lambda at: _with_role((pairing.sources[at].key,), pairing.source_roles[at]),
        lambda at: _with_role(all_names(pairing, at), pairing.target_roles[at]),
        How.STRUCTURE,
        scale=_OTHER_WORDS,
    )


def _with_role(names: Iterable[str], role: str) -> tuple[str, ...]:
    """Return the names with the role in the place of their last components."""
    if role in ("", SLOT):
        return ()
    return tuple(f"{scope_of(name)}/{role}".removeprefix("/") for name in names)


def _judged(pairing: Pairing, ambiguous: dict[int, Ambiguous]) -> Match:
    matched: list[Pair] = []
    wrong_dtype: list[Misfit] = []
    wrong_shape: list[Misfit] = []
    for pair in pairing.pairs():
        source, target = pair.source, pair.target
        problem = shape_problem(source.shape, target.shape)
        if problem:
            wrong_shape.append(Misfit(pair, problem))
        elif target.dtype is None or source.dtype is target.dtype:
            matched.append(pair)
        else:
            helps = can_cast(source.dtype, target.dtype)
            told = "a cast would make it fit" if helps else "no cast makes it fit"
            wrong_dtype.append(Misfit(pair, told, helps))
    return Match(
        tuple(matched),
        tuple(wrong_dtype),
        tuple(wrong_shape),
        tuple(ambiguous.values()),
        tuple(_missing(pairing, ambiguous)),
        tuple(pairing.sources[at] for at in pairing.free_sources),
    )


def _missing(pairing: Pairing, ambiguous: dict[int, Ambiguous]) -> Iterable[Missing]:
    """Yield what has no source; the nearest names are looked for while few are missing."""
    index = NameIndex(source.key for source in pairing.sources)
    absent = [at for at in pairing.free_targets if at not in ambiguous]
    for count, at in enumerate(absent):
        target = pairing.targets[at]
        near = index.nearest(target.name) if count < MAX_SHOWN else []
        yield Missing(target, tuple(near))
