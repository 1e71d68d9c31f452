r"""Renames: one pattern at a time, or a table of names from a file.

--rename OLD=NEW   OLD is a pattern, NEW a text with groups: \1, \g<name>.
                   Each wildcard of a glob is a group.
--map FILE         names, as they are: a JSON object, or two columns as CSV or
                   TSV. All rows look at the names as they were before the
                   first, so that a table can also swap names.

A tensor's name may itself hold a ``=``: the last one of OLD=NEW divides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.edits.patterns import Pattern, parse_capture, parse_pattern
from pbckpt.edits.selection import find_places
from pbckpt.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.edits.refusal import Refusal

_RENAME_OPTION = "--rename"
_MAP_OPTION = "--map"


class Rename(NamedTuple):
    """What matches ``pattern`` gets the name that ``template`` makes of the match."""

    pattern: Pattern
    capture: re.Pattern[str]
    template: str

    def new_name(self, name: str) -> str:
        """Return the new name of one that matches."""
        if "\\" not in self.template:
            return self.template
        match = self.capture.fullmatch(name)
        return match.expand(self.template) if match else name


class NameMap(NamedTuple):
    """A table of old and new names; ``file`` is where it is from, for messages."""

    rows: tuple[tuple[str, str], ...]
    file: str = ""

    @property
    def option(self) -> str:
        """What to call the table in a message."""
        return f"{_MAP_OPTION} {self.file}".rstrip()


def parse_rename(text: str) -> Rename:
    """Take OLD=NEW. Raises SelectionError where either is missing or cannot be compiled."""
    old, equals, template = text.rpartition("=")
    if not (old and equals and template):
        raise SelectionError(f"rename {text!r} is not OLD=NEW", unknown=[text])
    pattern = parse_pattern(old)
    capture = parse_capture(pattern)
    try:
        # Compiles the template, whether there is a match or not.
        capture.sub(template, "")
    except (re.error, IndexError) as error:
        msg = f"rename {text!r}: {template!r} cannot be a new name: {error}"
        raise SelectionError(msg, unknown=[text]) from None
    return Rename(pattern, capture, template)


def parse_map(text: str, file_name: str = "") -> NameMap:
    """Take the text of a map: JSON if it begins with a brace, else TSV or CSV.

    Columns are divided by tabs where the first line holds one. Raises
    SelectionError with the line, and for an old name that comes twice.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        rows = _json_rows(text, file_name)
    else:
        rows = _table_rows(text, file_name)
    if not rows:
        raise SelectionError(f"map {file_name!r} holds no names")
    twice = _repeated(old for old, _ in rows)
    if twice:
        raise SelectionError(f"map {file_name!r} has two rows for {twice!r}", unknown=[twice])
    return NameMap(tuple(rows), file_name)


def map_of(names: Mapping[str, str]) -> NameMap:
    """Return the map that a dict of old and new names is."""
    return NameMap(tuple(names.items()))


def _json_rows(text: str, file_name: str) -> list[tuple[str, str]]:
    import json  # noqa: PLC0415 - start-up time

    try:
        # As pairs, for a dict would lose the first of two equal names.
        pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError) as error:
        raise SelectionError(f"map {file_name!r} is not a JSON object: {error}") from None
    for old, new in pairs:
        if not isinstance(new, str):
            msg = f"map {file_name!r}: the new name of {old!r} is not a text"
            raise SelectionError(msg, unknown=[old])
    return [(old, new) for old, new in pairs]


def _table_rows(text: str, file_name: str) -> list[tuple[str, str]]:
    import csv  # noqa: PLC0415 - start-up time

    # Not splitlines: a name may hold characters that it takes for ends of lines.
    lines = text.split("\n")
    reader = csv.reader(
        (line.removesuffix("\r") + "\n" for line in lines),
        delimiter="\t" if "\t" in lines[0] else ",",
        strict=True,
    )
    rows = []
    try:
        for row in reader:
            if row:
                old, new = row
                rows.append((old, new))
    except (csv.Error, ValueError) as error:
        fact = str(error) if isinstance(error, csv.Error) else "not two columns"
        msg = f"map {file_name!r}, line {reader.line_num}: {fact}; give an old and a new name each"
        raise SelectionError(msg) from None
    return rows


def _repeated(names: Iterable[str]) -> str:
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


class Naming:
    """The names of what is taken, by place, on their way through the renames."""

    def __init__(self, names: Iterable[str]) -> None:
        """Start with the names of now."""
        self.names = list(names)
        self._places_of: dict[str, list[int]] | None = None

    def apply(self, renames: Sequence[Rename | NameMap], refusal: Refusal) -> None:
        """Apply them in order; what matches nothing goes to ``refusal``."""
        before = dict.fromkeys(self.names)
        unmatched: dict[str, list[str]] = {}
        for rename in renames:
            if isinstance(rename, NameMap):
                unmatched.setdefault(rename.option, []).extend(self._apply_map(rename))
            elif not self._apply_rename(rename):
                unmatched.setdefault(_RENAME_OPTION, []).append(rename.pattern.text)
        for option, texts in unmatched.items():
            refusal.add_unmatched(option, texts, before | dict.fromkeys(self.names))

    def _apply_rename(self, rename: Rename) -> bool:
        index = self._index()
        places = list(find_places(rename.pattern, index))
        if rename.pattern.is_plain:
            index.pop(rename.pattern.text, None)
            self._move(places, rename.new_name(rename.pattern.text))
            return bool(places)
        for place in places:
            self.names[place] = rename.new_name(self.names[place])
        if places:
            self._places_of = None
        return bool(places)

    def _apply_map(self, table: NameMap) -> list[str]:
        index = self._index()
        # All are looked up before the first moves.
        moves = [(old, index.pop(old, []), new) for old, new in table.rows]
        for _, places, new in moves:
            self._move(places, new)
        return [old for old, places, _ in moves if not places]

    def _move(self, places: list[int], new: str) -> None:
        if places:
            self._index().setdefault(new, []).extend(places)
        for place in places:
            self.names[place] = new

    def _index(self) -> dict[str, list[int]]:
        if self._places_of is None:
            self._places_of = {}
            for place, name in enumerate(self.names):
                self._places_of.setdefault(name, []).append(place)
        return self._places_of

    def strip_prefix(self, prefix: str, refusal: Refusal) -> None:
        """Take the prefix off the names that have it."""
        stripped = [name.removeprefix(prefix) for name in self.names]
        if stripped == self.names:
            refusal.add_unmatched("--strip-prefix", [prefix], self.names)
        self.names = stripped
        self._places_of = None

    def add_prefix(self, prefix: str) -> None:
        """Put the prefix before every name."""
        self.names = [prefix + name for name in self.names]
        self._places_of = None
