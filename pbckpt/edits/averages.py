"""Averages: the exponential moving averages of TensorFlow 1, and the variables they are of.

    X                              the variable, as training left it
    X/ExponentialMovingAverage     its average, which most models are used with
    S/X/ExponentialMovingAverage   the same, made in the scope S

``to-raw`` stores averages under the names of their variables, for code that
knows no averages. ``from-raw`` stores each variable as its own average too, for
code that asks for them.

Reference: tensorflow/python/training/moving_averages.py.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.edits.slots import find_slots, find_variable, is_object_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.edits.candidate import Candidate
    from pbckpt.edits.refusal import Refusal

_AVERAGE = "/ExponentialMovingAverage"
# Averages already, by other means.
_STATISTICS = ("moving_mean", "moving_variance")


class Ema(Enum):
    """Which way averages go."""

    TO_RAW = "to-raw"
    FROM_RAW = "from-raw"


def averages_of(
    candidates: Sequence[Candidate], taken: Iterable[int], refusal: Refusal
) -> dict[int, str]:
    """Return the taken averages by place, each with the name of its variable."""
    known = {candidate.names[0]: candidate for candidate in candidates}
    found = {}
    wrong = []
    for place in taken:
        name, _, shape = candidates[place].names[0], *candidates[place][1:]
        if not name.endswith(_AVERAGE) or name == _AVERAGE:
            continue
        stem = name.removesuffix(_AVERAGE)
        if stem in known and known[stem].shape != shape:
            wrong.append(f"{name!r} {list(shape)}, {stem!r} {list(known[stem].shape)}")
        variable = find_variable(stem, shape, known)
        # A variable with an average of its own is not meant by a longer name.
        found[place] = stem if variable + _AVERAGE in known else variable or stem
    refusal.add_list("--ema to-raw: an average and its variable differ in shape", wrong)
    if not found:
        refusal.add("--ema to-raw matches nothing: no name ends in " + _AVERAGE[1:])
    return found


def new_averages(
    candidates: Sequence[Candidate], taken: Iterable[int], refusal: Refusal
) -> list[tuple[int, str]]:
    """Return places of variables and the names of averages that they lack."""
    slots = find_slots(candidates)
    names = {candidates[place].names[0]: place for place in taken}
    found = [
        (place, name + _AVERAGE)
        for name, place in names.items()
        if place not in slots
        and name + _AVERAGE not in names
        and _may_have_average(name, candidates[place])
    ]
    if not found:
        refusal.add("--ema from-raw matches nothing: no variable lacks an average")
    return found


def _may_have_average(name: str, candidate: Candidate) -> bool:
    return (
        candidate.dtype.is_floating
        and not name.endswith(_AVERAGE)
        and not is_object_key(name)
        and name.rpartition("/")[2] not in _STATISTICS
    )
