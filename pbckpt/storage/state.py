"""The ``checkpoint`` file: which checkpoint of a directory is the newest.

    model_checkpoint_path: "model.ckpt-17"
    all_model_checkpoint_paths: "model.ckpt-9"
    all_model_checkpoint_paths: "model.ckpt-17"

Text form of CheckpointState. Paths are relative to the file's own directory,
so that a directory can be moved; TensorFlow writes absolute ones too, which
are gone after a move although the checkpoint itself lies beside the file.

Reference: tensorflow/python/checkpoint/checkpoint_management.py.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from google.protobuf import text_format

from pbckpt.errors import CorruptFileError, LimitError, MissingFileError, PathError
from pbckpt.names import INDEX_SUFFIX, STATE_FILE
from pbckpt.protos import CheckpointState
from pbckpt.storage.local import MappedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_STATE_BYTES = 16 << 20
# A line is one path. Protobuf takes time that grows with the square of a line.
MAX_LINE_BYTES = 64 << 10


def updated_state(directory: str, newest: str) -> str:
    """Return the text of the state file with the checkpoint ``newest`` added last.

    Listed checkpoints stay listed while their files are there, those in the
    directory by relative paths. Raises
    CorruptFileError for a state file that does not parse, PathError for a name
    that the format cannot hold.
    """
    state = read_state(directory)
    listed = list(state.all_model_checkpoint_paths)
    times = list(state.all_model_checkpoint_timestamps)
    kept = [(place, listed_as(directory, path)) for place, path in enumerate(listed)]
    keep = {path: place for place, path in kept if path not in ("", newest)}
    has_times = len(times) == len(listed) and bool(times)
    try:
        state.model_checkpoint_path = newest
        state.all_model_checkpoint_paths[:] = [*keep, newest]
    except (UnicodeEncodeError, ValueError):
        msg = f"the name {newest!r} is not UTF-8, so a checkpoint file cannot hold it"
        raise PathError(msg) from None
    kept_times = [*(times[place] for place in keep.values()), time.time()] if has_times else []
    state.all_model_checkpoint_timestamps[:] = kept_times
    return text_format.MessageToString(state, as_utf8=True)


def state_text(newest: str, paths: Sequence[str]) -> str:
    """Return the text of a state file that lists these checkpoints, the newest last."""
    state = CheckpointState(model_checkpoint_path=newest, all_model_checkpoint_paths=paths)
    return text_format.MessageToString(state, as_utf8=True)


def path_in(directory: str) -> str:
    """Return the path of a directory's state file."""
    return os.path.join(directory, STATE_FILE)


def has_state(directory: str) -> bool:
    """Tell whether a directory has a state file."""
    return os.path.exists(path_in(directory))


def is_there(directory: str, path: str) -> bool:
    """Tell whether the files of a listed checkpoint are there, under just that path."""
    return bool(path) and exists(os.path.join(directory, path))


def checkpoints_in(directory: str) -> list[str]:
    """Return the names of the V2 checkpoints of a directory, the one written last at the end."""
    found = [
        (entry.stat().st_mtime_ns, entry.name.removesuffix(INDEX_SUFFIX))
        for entry in os.scandir(directory or os.curdir)
        if entry.name.endswith(INDEX_SUFFIX) and entry.is_file()
    ]
    return [name for _, name in sorted(found) if name]


def listed_as(directory: str, path: str) -> str:
    """Return a listed path as it is now, relative to the directory; empty if it is gone.

    After a move the checkpoint of an absolute path lies beside the state file.
    """
    for candidate in (path, os.path.basename(path)):
        full = os.path.normpath(os.path.join(directory, candidate))
        if candidate and exists(full):
            inside = _is_inside(full, directory)
            return os.path.relpath(full, directory or os.curdir) if inside else path
    return ""


def read_state(directory: str) -> CheckpointState:
    """Return the state file of a directory, empty where there is none."""
    path = os.path.join(directory, STATE_FILE)
    state = CheckpointState()
    try:
        data = _read_limited(path)
    except FileNotFoundError:
        return state
    if max(map(len, data.split(b"\n"))) > MAX_LINE_BYTES:
        raise _not_a_state(path, 0)
    try:
        # Of a field that is given twice the last counts, so Merge and not Parse.
        text_format.Merge(data.decode(), state, allow_unknown_field=True)
    except UnicodeDecodeError as error:
        raise _not_a_state(path, error.start) from None
    except text_format.ParseError as error:
        raise _not_a_state(path, _offset(data, error)) from None
    except RecursionError:
        raise _not_a_state(path, 0) from None
    return state


def _read_limited(path: str) -> bytes:
    with MappedFile(path) as file:
        if len(file) > MAX_STATE_BYTES:
            msg = f"{path}: the state file's size"
            raise LimitError(msg, limit="MAX_STATE_BYTES", value=len(file), maximum=MAX_STATE_BYTES)
        return bytes(file.view)


def _not_a_state(path: str, offset: int) -> CorruptFileError:
    return CorruptFileError(
        "not the text form of a checkpoint state",
        file=path,
        offset=offset,
        advice="remove or repair the file",
    )


def _offset(data: bytes, error: text_format.ParseError) -> int:
    """Return the byte that a parser's line and column mean."""
    lines = data.split(b"\n")[: max(0, (error.GetLine() or 1) - 1)]
    return sum(len(line) + 1 for line in lines) + max(0, (error.GetColumn() or 1) - 1)


def latest_checkpoint(directory: str) -> str:
    """Return the prefix of the newest checkpoint that the directory's state file names.

    Raises MissingFileError where there is no state file, or where it names a
    checkpoint that is gone, and PathError for one outside of the directory.
    """
    state = read_state(directory)
    named = state.model_checkpoint_path
    state_path = os.path.join(directory, STATE_FILE)
    if not named:
        msg = f"{directory}: no checkpoint file that names a checkpoint; give its prefix"
        raise MissingFileError(msg, file=state_path)
    candidate = os.path.join(directory, named)
    sibling = os.path.join(directory, os.path.basename(named))
    if not exists(candidate) and exists(sibling):
        candidate = sibling
    if not _is_inside(candidate, directory):
        msg = f"{state_path} names {named!r}, outside of its directory; give that prefix itself"
        raise PathError(msg)
    if not exists(candidate):
        msg = f"{state_path} names {named!r}, but {candidate}{INDEX_SUFFIX} is not there"
        raise MissingFileError(msg, file=candidate + INDEX_SUFFIX)
    return candidate


def exists(prefix: str) -> bool:
    """Tell whether a checkpoint's files are there; V1 patterns have ``?`` for digits."""
    if "\0" in prefix:
        return False
    if os.path.isfile(prefix + INDEX_SUFFIX) or os.path.isfile(prefix):
        return True
    return "?" in prefix and os.path.isfile(_first_of_pattern(prefix))


def _first_of_pattern(pattern: str) -> str:
    return pattern.replace("?", "0")


def _is_inside(path: str, directory: str) -> bool:
    home = os.path.abspath(directory)
    return os.path.commonpath([home, os.path.abspath(path)]) == home
