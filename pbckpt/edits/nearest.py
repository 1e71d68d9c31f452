"""Nearest names: what people probably meant, for the message of an error.

Comparing one text with every name takes seconds where there are many, so only
a few hundred are compared then: the neighbours in the order of the names, the
neighbours in the order of the names read backwards, and those that hold the
text or its last component. A typing error is rarely at both ends.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from pbckpt.edits.patterns import REGEX_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NEAREST = 3
_ALIKE = 0.5
# Up to so many names, all are compared; of more, so many of each kind.
_FEW = 300
_NEIGHBOURS = 50
# The time of a comparison grows with the square of the lengths.
_LONGEST = 200


class NameIndex:
    """Names to be compared with several texts."""

    def __init__(self, names: Iterable[str]) -> None:
        """Keep the names; they are sorted when that is needed."""
        self._names = list(names)
        self._few = [name for name in islice(self._names, _FEW + 1) if len(name) <= _LONGEST]
        self._forwards: list[str] = []
        self._backwards: list[str] = []

    def nearest(self, text: str) -> list[str]:
        """Return the few names that are most like the text of a pattern."""
        import difflib  # noqa: PLC0415 - only for an error message

        plain = text.removeprefix(REGEX_PREFIX).replace("*", "")
        if not plain:
            return []
        near: list[str] = []
        if len(plain) <= _LONGEST:
            choice = self._shortlist(plain)
            near = difflib.get_close_matches(plain, choice, n=_NEAREST, cutoff=_ALIKE)
        return near or list(islice(self._holding(plain), _NEAREST))

    def _shortlist(self, plain: str) -> list[str]:
        if len(self._names) <= _FEW:
            return self._few
        if not self._forwards:
            self._forwards = sorted(name for name in self._names if len(name) <= _LONGEST)
            self._backwards = sorted(name[::-1] for name in self._forwards)
        last = plain.rpartition("/")[2] or plain
        found = [
            *_around(self._forwards, plain),
            *(name[::-1] for name in _around(self._backwards, plain[::-1])),
            *islice(self._holding(plain), _NEIGHBOURS),
            *islice(self._holding(last), _NEIGHBOURS),
        ]
        return [name for name in dict.fromkeys(found) if len(name) <= _LONGEST]

    def _holding(self, part: str) -> Iterator[str]:
        return (name for name in self._names if part in name)


def _around(ordered: list[str], text: str) -> list[str]:
    place = bisect_left(ordered, text)
    return ordered[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]


def nearest_names(text: str, names: Iterable[str]) -> list[str]:
    """Return the few names that are most like the text of a pattern."""
    return NameIndex(names).nearest(text)
