"""Targets: what a checkpoint shall look like, read from whatever tells it.

    a checkpoint       its keys, types, shapes, slices, its object graph
    a SavedModel       its variables
    X.meta             what its saver saves
    an index           names, as text or as JSON

A value that is no variable's is kept as it is: how often an object-based
checkpoint was saved, and what objects remember beside their variables.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.frozen_graph import is_bare_saved_model
from pbckpt.checkpoints.candidates import place_of
from pbckpt.checkpoints.locate import is_checkpoint
from pbckpt.checkpoints.source import graph_of
from pbckpt.checkpoints.stored import V1, Bundle, open_stored
from pbckpt.errors import CorruptFileError, MissingFileError, SelectionError
from pbckpt.matching.listing import parse_listing
from pbckpt.matching.sides import Target
from pbckpt.matching.slots import with_slots
from pbckpt.names import META_SUFFIX, BundleKey, key_to_bytes, key_to_text
from pbckpt.objects.keys import GRAPH_KEY, SAVE_COUNTER, VARIABLE_VALUE, AttributeKey
from pbckpt.storage.local import MappedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import ExitStack

    from pbckpt.checkpoints.stored import TensorInfo
    from pbckpt.matching.sides import Slice
    from pbckpt.objects.graph import ObjectGraph, ObjectVariable

_SAVED_MODELS = ("saved_model.pb", "saved_model.pbtxt")


class TargetKind(Enum):
    """What a target was read from."""

    CHECKPOINT = "checkpoint"
    META_GRAPH = "meta graph"
    LISTING = "index of names"


class OpenTarget(NamedTuple):
    """A target and, where it has values, the checkpoint that they are in.

    ``kept`` are those that no graph has a value for. ``aliases`` are further
    keys for the same bytes.
    """

    path: str
    kind: TargetKind
    targets: tuple[Target, ...]
    kept: tuple[Target, ...] = ()
    aliases: Mapping[BundleKey, BundleKey] = {}
    stored: Bundle | V1 | None = None
    graph: ObjectGraph | None = None

    def data_order(self, key: BundleKey) -> bytes:
        """Return what to sort the data by: object-based checkpoints have an order of their own."""
        entry = self.stored.entry(key) if isinstance(self.stored, Bundle) else None
        if self.graph is None or entry is None:
            return key
        return b"".join(number.to_bytes(8, "big") for number in (entry.shard_id, entry.offset))


def open_target(path: str | os.PathLike[str], files: ExitStack) -> OpenTarget:
    """Read a target; what it keeps open is closed with ``files``.

    Raises SelectionError for a file that tells no names, BundleError and
    GraphError for what is wrong with it, and the system's OSError.
    """
    text = os.fsdecode(path)
    directory, name = os.path.split(text)
    if name in _SAVED_MODELS:
        text = directory or os.curdir
    if text.endswith(META_SUFFIX) and os.path.isfile(text):
        from pbckpt.applications.meta_targets import read_meta_targets  # noqa: PLC0415 - few are

        return OpenTarget(text, TargetKind.META_GRAPH, read_meta_targets(text))
    if os.path.isfile(text) and not is_checkpoint(text):
        return OpenTarget(text, TargetKind.LISTING, _read_listing(text))
    try:
        stored = open_stored(text)
    except MissingFileError:
        if not is_bare_saved_model(text):
            raise
        raise SelectionError(
            f"{text} is a SavedModel without variables, so it names no keys; give a checkpoint of "
            "the model, the .meta of its training graph, or an index of names"
        ) from None
    files.callback(stored.close)
    return _checkpoint_target(stored)


def _read_listing(path: str) -> tuple[Target, ...]:
    with MappedFile(path) as file:
        data = bytes(file.view)
    try:
        targets = parse_listing(data.decode(), path)
    except UnicodeDecodeError:
        raise SelectionError(
            f"{path} is no checkpoint, no .meta and no index of names; give one of these, or "
            "the directory of a SavedModel"
        ) from None
    # Listed of an object-based checkpoint, it is of no use without the objects.
    return tuple(one for one in targets if key_to_bytes(one.key) != GRAPH_KEY)


def _checkpoint_target(stored: Bundle | V1) -> OpenTarget:
    graph = graph_of(stored)
    variables: dict[bytes, ObjectVariable] = {
        key_to_bytes(one.key): one for one in (graph.variables if graph else ())
    }
    keys = [key for key in stored.keys() if not (graph and key == GRAPH_KEY)]  # noqa: SIM118
    _refuse_absent(stored, variables, keys)
    aliases = _aliases(stored, keys, variables)
    known = [key for key in keys if key not in aliases]
    found = with_slots([_target(stored, key, variables.get(key)) for key in known])
    is_kept = [_is_kept(target.key) and graph is not None for target in found]
    return OpenTarget(
        stored.prefix.path,
        TargetKind.CHECKPOINT,
        tuple(one for one, kept in zip(found, is_kept, strict=True) if not kept),
        tuple(one for one, kept in zip(found, is_kept, strict=True) if kept),
        {BundleKey(alias): BundleKey(key) for alias, key in aliases.items()},
        stored,
        graph,
    )


def _refuse_absent(stored: Bundle | V1, variables: Iterable[bytes], keys: Sequence[bytes]) -> None:
    absent = set(variables).difference(keys)
    if absent:
        raise CorruptFileError(
            f"the object graph names the key {key_to_text(min(absent))!r}, which is not there",
            file=stored.prefix.path,
        )


def _aliases(
    stored: Bundle | V1, keys: Sequence[bytes], variables: Mapping[bytes, ObjectVariable]
) -> dict[bytes, bytes]:
    """Return the objects' keys whose bytes are those of a plain name."""
    plain = {place_of(stored, key): key for key in keys if key not in variables}
    if not variables or not plain:
        return {}
    owners = {key: plain.get(place_of(stored, key)) for key in variables}
    return {key: owner for key, owner in owners.items() if owner is not None}


def _target(
    stored: Bundle | V1,
    key: bytes,
    variable: ObjectVariable | None,
) -> Target:
    info = _info(stored, key)
    names = (variable.full_name, variable.path) if variable else ()
    text = key_to_text(key)
    return Target(
        text,
        info.dtype,
        info.shape,
        _slices(stored, key) if info.num_slices else (),
        names=tuple(dict.fromkeys(name for name in names if name)),
    )


def _info(stored: Bundle | V1, key: bytes) -> TensorInfo:
    info = stored.info(key)
    if info is None:
        raise CorruptFileError(f"no entry {key_to_text(key)!r}", file=stored.prefix.path)
    return info


def _slices(stored: Bundle | V1, key: bytes) -> tuple[Slice, ...]:
    if isinstance(stored, V1):
        parts = stored.reader.tensors[key].parts if stored.reader else ()
        return tuple(one.part for one in parts)
    entry = stored.entry(key)
    return entry.slices if entry else ()


def _is_kept(key: str) -> bool:
    """Tell whether a value under an object's key is no variable's, or counts saves."""
    parts = AttributeKey.parse(key)
    return parts is not None and (parts.path == SAVE_COUNTER or parts.attribute != VARIABLE_VALUE)
