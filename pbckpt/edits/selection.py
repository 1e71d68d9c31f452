"""Selection: what is taken, step by step.

    select    where it starts; auto: what was detected; traced: of that, what freezing
              left a trace of; weights: what has the role of a weight; all: every constant
    include   keep only what matches one of these patterns
    exclude   then drop what matches one of these
    take      then add what is not taken yet

A pattern looks at all names of a thing. One that matches nothing is a mistake
of the user's, and an error that names what is near.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.edits.patterns import Pattern, parse_pattern
from pbckpt.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.edits.refusal import Refusal


class Select(Enum):
    """Where the selection of a graph's constants starts; a checkpoint's is all of it."""

    AUTO = "auto"
    TRACED = "traced"
    WEIGHTS = "weights"
    ALL = "all"


class Selection(NamedTuple):
    """What the user wants taken; the patterns are texts as in `patterns`."""

    select: Select = Select.AUTO
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    take: tuple[str, ...] = ()


class Patterns(NamedTuple):
    """The patterns of a selection, compiled."""

    include: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...]
    take: tuple[Pattern, ...]

    @classmethod
    def of(cls, selection: Selection) -> Patterns:
        """Compile them. Raises SelectionError for one that is no pattern."""
        return cls(*map(_parse, (selection.include, selection.exclude, selection.take)))


def _parse(texts: Sequence[str]) -> tuple[Pattern, ...]:
    refuse_one_text("patterns", texts)
    return tuple(parse_pattern(text) for text in texts)


def refuse_one_text(what: str, texts: object) -> None:
    """Raise SelectionError for a text where a list of texts belongs."""
    if isinstance(texts, str):
        # It is a sequence of texts too, of one letter each.
        raise SelectionError(f"{what} come as a list of texts, not as one text: {texts!r}")


class Why(NamedTuple):
    """Why something is taken that was not to begin with: an option's name and a reason."""

    option: str = ""
    reason: str = ""


AS_FOUND = Why()


class Choice:
    """What is taken and what is left, by place in a list of things with names.

    ``taken`` says why, and ``left`` why not; ``impossible`` is what cannot be
    taken, and why.
    """

    def __init__(
        self,
        names: Sequence[tuple[str, ...]],
        refusal: Refusal,
        *,
        left: Mapping[int, str] | None = None,
        impossible: Mapping[int, str] | None = None,
    ) -> None:
        """Start with everything taken that is not ``left``; problems go to ``refusal``."""
        self._names = names
        self._refusal = refusal
        self._impossible = impossible or {}
        self.left = dict(left or {})
        places = [place for place in range(len(names)) if place not in self.left]
        self.taken = dict.fromkeys(places, AS_FOUND)

    def take_all(self, why: Why) -> None:
        """Take whatever can be taken."""
        self.take_these(list(self.left), why)

    def take_these(self, places: Iterable[int], why: Why) -> None:
        """Take these, as far as they can be taken."""
        for place in places:
            if place in self.left and place not in self._impossible:
                self._add(place, why)

    def include(self, patterns: Sequence[Pattern]) -> None:
        """Keep only what matches; patterns that all match nothing change nothing."""
        matched = set().union(*self._matched("--include", patterns, self.taken).values())
        if matched:
            for place in [place for place in self.taken if place not in matched]:
                self.leave(place, "matches no --include pattern")

    def exclude(self, patterns: Sequence[Pattern], doubtful: Iterable[int] = ()) -> None:
        """Drop what matches; of what is left already, the ``doubtful`` may be named too."""
        places_looked_at = [*self.taken, *(place for place in doubtful if place in self.left)]
        reasons: dict[int, str] = {}
        for pattern, places in self._matched("--exclude", patterns, places_looked_at).items():
            for place in places:
                reasons.setdefault(place, f"matches --exclude {pattern.text!r}")
        for place in [place for place in places_looked_at if place in reasons]:
            self.taken.pop(place, None)
            self.left[place] = reasons[place]

    def take(self, patterns: Sequence[Pattern]) -> None:
        """Add what matches and is not taken; that all of it is taken already is no mistake."""
        everything = [*self.taken, *self.left]
        reasons: dict[int, str] = {}
        for pattern, places in self._matched("--take", patterns, everything).items():
            for place in places:
                reasons.setdefault(place, f"matches --take {pattern.text!r}")
        for place in [place for place in self.left if place in reasons]:
            if place in self._impossible:
                self._refusal.add(f"{reasons[place]}, but {self._impossible[place]}")
            else:
                self._add(place, Why("take", reasons[place]))

    def leave(self, place: int, reason: str) -> None:
        """Drop what was taken."""
        del self.taken[place]
        self.left[place] = reason

    def _add(self, place: int, why: Why) -> None:
        del self.left[place]
        self.taken[place] = why

    def _matched(
        self, option: str, patterns: Sequence[Pattern], places: Iterable[int]
    ) -> dict[Pattern, list[int]]:
        """Return what each pattern matches; one that matches nothing is refused."""
        if not patterns:
            return {}
        places_of: dict[str, list[int]] = {}
        for place in places:
            for name in self._names[place]:
                places_of.setdefault(name, []).append(place)
        found = {pattern: find_places(pattern, places_of) for pattern in patterns}
        unmatched = [pattern.text for pattern, matched in found.items() if not matched]
        self._refusal.add_unmatched(option, unmatched, places_of)
        return found


def find_places(pattern: Pattern, places_of: Mapping[str, list[int]]) -> list[int]:
    """Return the places of all names that match; one may come twice."""
    if pattern.is_plain:
        return places_of.get(pattern.text, [])
    matches = pattern.regex.fullmatch
    return [place for name, places in places_of.items() if matches(name) for place in places]
