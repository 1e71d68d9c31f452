"""Sources and targets from short texts: ``name 3x2 int64``, ``name 2 kernel`` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.matching.plan import MatchBy, match
from pbckpt.matching.sides import Source, Target

if TYPE_CHECKING:
    from pbckpt.matching.match import Match

TYPES = {one.label: one for one in DataType}


def _words(text: str) -> tuple[str, DataType, tuple[int, ...], str]:
    """Take a name, a shape (a scalar without one), a type (float32 without one), and a role."""
    name, *rest = text.split()
    dtype, role = DataType.FLOAT, ""
    shape: tuple[int, ...] = ()
    for word in rest:
        if word in TYPES:
            dtype = TYPES[word]
        elif word[0].isdigit():
            shape = tuple(map(int, word.split("x")))
        else:
            role = word
    return name, dtype, shape, role


def source(text: str, order: int = 0) -> Source:
    """Return what a graph has; ``was=>name`` was renamed."""
    was, arrow, rest = text.partition("=>")
    name, dtype, shape, role = _words(rest if arrow else text)
    old = was if arrow else name
    return Source(name, (old,), dtype, shape, role, order, old)


def target(text: str, order: int | None = None) -> Target:
    """Return what is wanted; ``name=key`` is called otherwise than its key."""
    name, dtype, shape, role = _words(text)
    called, _, key = name.partition("=")
    return Target(key or called, dtype, shape, role=role, order=order, names=(called,) * bool(key))


def matched(
    sources: list[str], targets: list[str], by: MatchBy = MatchBy.NAME, *, ordered: bool = False
) -> Match:
    """Match texts; ``ordered`` targets have a place."""
    return match(
        [source(text, at) for at, text in enumerate(sources)],
        [target(text, at if ordered else None) for at, text in enumerate(targets)],
        by,
    )


def pairs(found: Match) -> dict[str, str]:
    """Return the key of the target -> the key of the source, of all that is matched."""
    return {pair.target.key: pair.source.key for pair in found.matched}


def ways(found: Match) -> dict[str, tuple[str, float]]:
    """Return the key of the target -> how it was matched, and how sure that is."""
    return {pair.target.key: (pair.how.value, round(pair.confidence, 3)) for pair in found.matched}
