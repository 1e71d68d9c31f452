"""Locate: from what the user typed to the files of a checkpoint that is there."""

from __future__ import annotations

import os
from typing import NamedTuple

from pbckpt.errors import MissingFileError, PathError
from pbckpt.names import STATE_FILE, Prefix
from pbckpt.storage.local import MappedFile

_SAVED_MODEL_VARIABLES = os.path.join("variables", "variables")


class Located(NamedTuple):
    """A checkpoint's prefix, and the files of one that is of version 1."""

    prefix: Prefix
    v1_files: tuple[str, ...] = ()


def locate_checkpoint(path: str | os.PathLike[str]) -> Located:
    """Return the checkpoint that ``path`` stands for.

    A prefix, one of its files, a directory with a ``checkpoint`` file or that
    file itself (the newest checkpoint it names), a SavedModel directory, the
    file of a V1 checkpoint or the pattern of its files. Raises MissingFileError
    where no such file is found.
    """
    text = os.fsdecode(path)
    if os.path.isdir(text) and not os.path.exists(text + ".index"):
        inside = Prefix(text, _SAVED_MODEL_VARIABLES)
        if not os.path.exists(os.path.join(text, STATE_FILE)) and _has_index(inside):
            return Located(Prefix.parse(inside.path))
        return _locate_prefix(_newest(text))
    prefix = Prefix.parse(path)
    if prefix.basename == STATE_FILE and os.path.isfile(text) and not _has_index(prefix):
        return _locate_prefix(_newest(prefix.directory or os.curdir))
    return _locate_prefix(text)


def _newest(directory: str) -> str:
    from pbckpt.storage.state import latest_checkpoint  # noqa: PLC0415 - imports protobuf's text form

    return latest_checkpoint(directory)


def _locate_prefix(path: str) -> Located:
    prefix = Prefix.parse(path)
    if _has_index(prefix):
        return Located(prefix)
    v1_files = _v1_files(path)
    if not v1_files:
        msg = f"no checkpoint {prefix.path}: {prefix.index_path()} is not there"
        raise MissingFileError(msg, file=prefix.index_path())
    return Located(Prefix(*os.path.split(path)), v1_files)


def _v1_files(path: str) -> tuple[str, ...]:
    """Return the files of the V1 checkpoint ``path``; none if that is something else.

    Raises MissingFileError where some of its shards are not there.
    """
    if os.path.isfile(path):
        return (path,) if _is_v1(path) else ()
    from pbckpt.v1.shards import find_shards  # noqa: PLC0415 - few are left

    directory, pattern = os.path.split(path)
    try:
        found = find_shards(pattern, os.listdir(directory or os.curdir))
    except OSError:
        return ()
    if found.missing:
        first = os.path.join(directory, found.missing[0])
        msg = f"{first}: no such file, but the other shards of {path} count it"
        raise MissingFileError(msg, file=first)
    return tuple(os.path.join(directory, name) for name in found.names)


def _is_v1(path: str) -> bool:
    from pbckpt.v1.reader import is_v1  # noqa: PLC0415

    try:
        with MappedFile(path) as file:
            return is_v1(file)
    except (OSError, PathError):
        return False


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Tell whether ``path`` stands for a checkpoint rather than for a graph."""
    text = os.fsdecode(path)
    if os.path.isdir(text):
        return True
    prefix = Prefix.parse(path)
    named_by_file = os.path.basename(text) != prefix.basename and os.path.exists(text)
    is_state = prefix.basename == STATE_FILE and os.path.isfile(text)
    if named_by_file or is_state:
        return True
    return (
        bool(_v1_files(text))
        if os.path.isfile(text)
        else _has_index(prefix) or _is_sharded_v1(text)
    )


def _is_sharded_v1(path: str) -> bool:
    try:
        return bool(_v1_files(path))
    except MissingFileError:
        return True


def _has_index(prefix: Prefix) -> bool:
    return os.path.exists(prefix.index_path())
