r"""Patterns: how people name several variables at once.

conv*/kernel      a glob; ``*`` also matches ``/``, ``?`` one character,
                  ``[abc]`` one of them
re:conv\d+/.*    a regular expression, which must match the whole name
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_REGEX_PREFIX = "re:"
_NEAREST = 3


class Pattern(NamedTuple):
    """A compiled pattern and the text that it was given as."""

    text: str
    regex: re.Pattern[str]

    def matches(self, *names: str) -> bool:
        """Tell whether any of the names matches as a whole."""
        return any(self.regex.fullmatch(name) for name in names)


def parse_pattern(text: str) -> Pattern:
    """Compile a pattern. Raises SelectionError for a regular expression that is none."""
    if not text.startswith(_REGEX_PREFIX):
        import fnmatch  # noqa: PLC0415 - start-up time

        return Pattern(text, re.compile(fnmatch.translate(text)))
    try:
        return Pattern(text, re.compile(text[len(_REGEX_PREFIX) :]))
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"pattern {text!r} is not a regular expression: {error}"
        raise SelectionError(msg, unknown=[text]) from None


def nearest_names(text: str, names: Iterable[str]) -> list[str]:
    """Return the few names that are most like the text of a pattern."""
    import difflib  # noqa: PLC0415 - only for an error message

    plain = text.removeprefix(_REGEX_PREFIX).replace("*", "")
    candidates = list(names)
    close = difflib.get_close_matches(plain, candidates, n=_NEAREST, cutoff=0.5)
    return close or [name for name in candidates if plain and plain in name][:_NEAREST]


def unmatched_error(option: str, patterns: Sequence[str], names: Iterable[str]) -> SelectionError:
    """Return the error that names each pattern that matched nothing, with what is near."""
    known = list(names)
    suggestions = {text: nearest_names(text, known) for text in patterns}
    parts = [
        f"{text!r}" + (f" (nearest: {', '.join(near)})" if near else "")
        for text, near in suggestions.items()
    ]
    flat = [name for near in suggestions.values() for name in near]
    msg = f"{option} matches nothing: {'; '.join(parts)}"
    return SelectionError(msg, unknown=patterns, suggestions=flat)
