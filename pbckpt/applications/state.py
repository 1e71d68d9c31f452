"""State: the ``checkpoint`` file of a directory, shown, set and repaired.

It says which checkpoint is the newest, and which there are. TensorFlow writes
absolute paths into it, which are wrong as soon as the directory is moved;
a repair makes them relative and leaves out what is gone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import CorruptFileError, MissingFileError, PathError
from pbckpt.names import STATE_FILE, Prefix
from pbckpt.storage import state as state_file
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.single_file import SingleFile

if TYPE_CHECKING:
    from collections.abc import Sequence


class ListedCheckpoint(NamedTuple):
    """A checkpoint as the file lists it, and whether its files are there under that path."""

    path: str
    exists: bool


class State(NamedTuple):
    """What the ``checkpoint`` file of a directory says: ``latest`` is empty where it names none."""

    directory: str
    latest: str
    checkpoints: tuple[ListedCheckpoint, ...]


def read_state(directory: str | os.PathLike[str]) -> State:
    """Return what a directory's ``checkpoint`` file says.

    Raises MissingFileError where there is none, CorruptFileError for one that
    does not parse.
    """
    folder = _folder(directory)
    if not state_file.has_state(folder):
        path = state_file.path_in(folder)
        msg = f"{path} is not there; pbckpt state --repair makes one of the checkpoints beside it"
        raise MissingFileError(msg, file=path)
    found = state_file.read_state(folder)
    listed = [
        ListedCheckpoint(path, state_file.is_there(folder, path))
        for path in found.all_model_checkpoint_paths
    ]
    return State(folder, found.model_checkpoint_path, tuple(listed))


def set_state(
    directory: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    *,
    durability: Durability = Durability.FULL,
) -> State:
    """Make a checkpoint of the directory the newest, and list it.

    ``prefix`` is relative to the directory, or a path that leads there. Raises
    MissingFileError where it is not there, PathError for one outside.
    """
    folder = _folder(directory)
    name = _name_in(folder, prefix)
    if not state_file.is_there(folder, name):
        path = os.path.join(folder, name) + ".index"
        raise MissingFileError(f"no checkpoint {prefix}: {path} is not there", file=path)
    _write(folder, state_file.updated_state(folder, name), durability)
    return read_state(folder)


def _name_in(folder: str, prefix: str | os.PathLike[str]) -> str:
    """Return a checkpoint's path relative to the directory."""
    text = Prefix.parse(prefix).path
    for candidate in (os.path.join(folder, text), text):
        if state_file.is_there("", candidate):
            name = os.path.relpath(candidate, folder or os.curdir)
            if name.split(os.sep)[0] == os.pardir:
                break
            return name.replace(os.sep, "/")
    else:
        return text
    raise PathError(f"{text} lies outside of {folder}; the state of its own directory lists it")


def repair_state(
    directory: str | os.PathLike[str], *, durability: Durability = Durability.FULL
) -> State:
    """Make the ``checkpoint`` file name what is there, by relative paths.

    What is gone is left out; where the newest is gone or nothing can be read,
    the one that was written last is the newest. Checkpoints that were not listed
    are listed if there was no list to read. Raises MissingFileError for a
    directory without checkpoints.
    """
    folder = _folder(directory)
    try:
        found = state_file.read_state(folder)
        latest, listed = found.model_checkpoint_path, list(found.all_model_checkpoint_paths)
    except CorruptFileError:
        latest, listed = "", []
    there = state_file.checkpoints_in(folder)
    kept = list(dict.fromkeys(filter(None, (state_file.listed_as(folder, one) for one in listed))))
    newest = state_file.listed_as(folder, latest) if latest else ""
    kept = kept or ([newest] if newest else there)
    newest = newest or _last_written(kept, there)
    if not newest:
        path = state_file.path_in(folder)
        raise MissingFileError(f"no checkpoint in {folder}, so nothing to repair", file=path)
    text = state_file.state_text(newest, [*(one for one in kept if one != newest), newest])
    _write(folder, text, durability)
    return read_state(folder)


def _write(folder: str, text: str, durability: Durability) -> None:
    """Put a state file in place, whole. Raises NotCommittedError with the old one as it was."""
    path = state_file.path_in(folder)
    with SingleFile(path, OnExisting.REPLACE, Durability(durability)) as file:
        file.write(text.encode())
        file.commit()


def _last_written(listed: Sequence[str], there: Sequence[str]) -> str:
    """Return the listed checkpoint that was written last, or else any."""
    ordered = [name for name in there if name in listed] or list(there)
    return ordered[-1] if ordered else ""


def _folder(directory: str | os.PathLike[str]) -> str:
    """Return the directory of a path that may be the state file's own."""
    text = os.fsdecode(directory)
    if os.path.basename(text) == STATE_FILE and os.path.isfile(text):
        text = os.path.dirname(text)
    if text and not os.path.isdir(text):
        raise PathError(f"{text}: no such directory; give the one that holds the checkpoint file")
    return text
