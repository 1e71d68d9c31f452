"""Locate: from what the user typed to the prefix of a checkpoint that is there."""

from __future__ import annotations

import os

from pbckpt.errors import MissingFileError
from pbckpt.names import STATE_FILE, Prefix
from pbckpt.storage.state import latest_checkpoint

_SAVED_MODEL_VARIABLES = os.path.join("variables", "variables")


def locate_checkpoint(path: str | os.PathLike[str]) -> Prefix:
    """Return the prefix that ``path`` stands for.

    A prefix, one of its files, a directory with a ``checkpoint`` file or that
    file itself (the newest checkpoint it names), or a SavedModel directory.
    Raises MissingFileError where no index file is found.
    """
    text = os.fsdecode(path)
    if os.path.isdir(text) and not os.path.exists(text + ".index"):
        inside = Prefix(text, _SAVED_MODEL_VARIABLES)
        if not os.path.exists(os.path.join(text, STATE_FILE)) and _has_index(inside):
            return Prefix.parse(inside.path)
        return Prefix.parse(latest_checkpoint(text))
    prefix = Prefix.parse(path)
    if prefix.basename == STATE_FILE and os.path.isfile(text) and not _has_index(prefix):
        return Prefix.parse(latest_checkpoint(prefix.directory or os.curdir))
    if not _has_index(prefix):
        msg = f"no checkpoint {prefix.path}: {prefix.index_path()} is not there"
        raise MissingFileError(msg, file=prefix.index_path())
    return prefix


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Tell whether ``path`` stands for a checkpoint rather than for a graph."""
    text = os.fsdecode(path)
    if os.path.isdir(text):
        return True
    prefix = Prefix.parse(path)
    named_by_file = os.path.basename(text) != prefix.basename and os.path.exists(text)
    is_state = prefix.basename == STATE_FILE and os.path.isfile(text)
    return named_by_file or is_state or (_has_index(prefix) and not os.path.isfile(text))


def _has_index(prefix: Prefix) -> bool:
    return os.path.exists(prefix.index_path())
