"""The files under a directory, by their paths in it."""

from __future__ import annotations

import os


def files_under(directory: str | os.PathLike[str]) -> list[str]:
    """Return the files in a directory and those below, sorted, with slashes on every system.

    Links to files count as files; directories behind links are not entered,
    so that no loop and nothing outside is. What is neither is left out. Raises
    the system's OSError for any directory that cannot be read.
    """
    home = os.fsdecode(directory)
    found: list[str] = []
    for place, _, names in os.walk(home, onerror=_raise):
        inside = os.path.relpath(place, home)
        folder = "" if inside == os.curdir else inside.replace(os.sep, "/") + "/"
        found += [folder + name for name in names if os.path.isfile(os.path.join(place, name))]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error
