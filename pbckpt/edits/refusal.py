"""Refusal: everything that is wrong with a user's choice, as one error.

Each step of a plan adds what it finds and goes on, so that the user mends all
of it at once. Long lists are cut in the message; ``unknown`` of the error
keeps every pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.edits.nearest import NameIndex
from pbckpt.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SHOWN = 20


class Refusal:
    """Collects errors."""

    def __init__(self) -> None:
        """Start without any."""
        self._errors: list[SelectionError] = []

    def add(self, fact: str) -> None:
        """Add a fact and its advice."""
        self._errors.append(SelectionError(fact))

    def add_list(self, fact: str, things: Sequence[str], advice: str = "") -> None:
        """Add a fact about each of several things, unless there are none."""
        if things:
            self.add(f"{fact}: {shorten(things)}" + (f"; {advice}" if advice else ""))

    def add_unmatched(self, option: str, texts: Sequence[str], names: Iterable[str]) -> None:
        """Add the patterns of an option that match none of the names, unless there are none."""
        if texts:
            self._errors.append(unmatched_error(option, texts, names))

    def check(self) -> None:
        """Raise SelectionError with all that was added, if anything was."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise SelectionError(
                "; ".join(map(str, self._errors)),
                unknown=[text for error in self._errors for text in error.unknown],
                suggestions=[name for error in self._errors for name in error.suggestions],
            )


def shorten(things: Sequence[str]) -> str:
    """Join things for a message, the first few of many."""
    more = len(things) - MAX_SHOWN
    shown = "; ".join(things[:MAX_SHOWN])
    return f"{shown}; and {more} more" if more > 0 else shown


def unmatched_error(option: str, patterns: Sequence[str], names: Iterable[str]) -> SelectionError:
    """Return the error that names each pattern that matched nothing, with what is near."""
    index = NameIndex(names)
    texts = list(dict.fromkeys(patterns))
    suggestions = {text: index.nearest(text) for text in texts[:MAX_SHOWN]}
    parts = [
        f"{text!r}" + (f" (nearest: {', '.join(near)})" if near else "")
        for text, near in suggestions.items()
    ]
    # What is not shown is only counted.
    parts += texts[MAX_SHOWN:]
    flat = [name for near in suggestions.values() for name in near]
    msg = f"{option} matches nothing: {shorten(parts)}"
    return SelectionError(msg, unknown=patterns, suggestions=flat)
