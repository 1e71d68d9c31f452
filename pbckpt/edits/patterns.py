r"""Patterns: how people name several tensors at once.

conv*/kernel      a glob; ``*`` also matches ``/``, ``?`` one character,
                  ``[abc]`` one of them
re:conv\d+/.*    a regular expression, which must match the whole name

A glob is matched by what `fnmatch` makes of it, which takes a time that grows
with the name only, but has no groups of its own. Where a rename wants to know
what each wildcard stood for, `parse_capture` makes a second expression, in
which a ``*`` takes as much as it can.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pbckpt.errors import SelectionError

REGEX_PREFIX = "re:"
# A bracket that is never closed stands for itself, and one that comes first
# inside does not close, as in fnmatch.
_WILDCARD = re.compile(r"(\*|\?|\[(?:!?\][^\]]*|![^\]]+|[^\]!][^\]]*)\])")
_ANCHOR = r"\Z"


class Pattern(NamedTuple):
    """A compiled pattern and the text that it was given as."""

    text: str
    regex: re.Pattern[str]

    def matches(self, *names: str) -> bool:
        """Tell whether any of the names matches as a whole."""
        return any(map(self.regex.fullmatch, names))

    @property
    def is_plain(self) -> bool:
        """Whether the text is one name, which can be looked up instead of searched for."""
        return not self.text.startswith(REGEX_PREFIX) and not any(c in self.text for c in "*?[")


def parse_pattern(text: str) -> Pattern:
    """Compile a pattern. Raises SelectionError for a regular expression that is none."""
    if not text.startswith(REGEX_PREFIX):
        import fnmatch  # noqa: PLC0415 - start-up time

        return Pattern(text, re.compile(fnmatch.translate(text)))
    try:
        return Pattern(text, re.compile(text[len(REGEX_PREFIX) :]))
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"pattern {text!r} is not a regular expression: {error}"
        raise SelectionError(msg, unknown=[text]) from None


def parse_capture(pattern: Pattern) -> re.Pattern[str]:
    """Return an expression that matches the same names; each wildcard of a glob is a group."""
    if pattern.text.startswith(REGEX_PREFIX):
        return pattern.regex
    # Every second part is a wildcard, as there is one group to split by.
    parts = _WILDCARD.split(pattern.text)
    regex = [_group(part) if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(regex), re.DOTALL)


def _group(wildcard: str) -> str:
    import fnmatch  # noqa: PLC0415 - start-up time

    # fnmatch ends what it makes with an anchor, which is no part of the wildcard.
    return f"({fnmatch.translate(wildcard)[: -len(_ANCHOR)]})"
