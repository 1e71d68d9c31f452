"""Candidates: what the tensors of a checkpoint are called when they are edited.

    form       becomes     called by
    name       any         their keys
    object     name, both  the names of a flat graph; else full names, or paths
                           where those are missing or not unique
    object     object      paths: w, layer/w
    both       name, both  their plain names
    both       object      paths

Patterns look at the other names too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.checkpoints.layout import Format
from pbckpt.checkpoints.stored import Bundle
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes, key_to_text
from pbckpt.objects.keys import GRAPH_KEY, SAVE_COUNTER, escape, unescape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.checkpoints.stored import V1
    from pbckpt.objects.graph import ObjectGraph, ObjectVariable


class Found(NamedTuple):
    """A tensor: the key of its bytes, what it is called, and its object's key if it has one."""

    key: bytes
    names: tuple[str, ...]
    object_key: str = ""


class FoundTensors(NamedTuple):
    """The tensors of a checkpoint, its own form, and whether paths took the place of names."""

    tensors: list[Found]
    form: Format
    has_paths_for_names: bool = False


def find_tensors(
    stored: Bundle | V1, graph: ObjectGraph | None, wanted: Format | None
) -> FoundTensors:
    """Return the tensors of a checkpoint that is to have a form, its own if none is wanted."""
    if graph is None:
        names = [Found(key, (key_to_text(key),)) for key in stored.keys()]  # noqa: SIM118 - no dict
        return FoundTensors(names, Format.NAME)
    of_objects = {key_to_bytes(one.key) for one in graph.variables}
    plain = [key for key in stored.keys() if key not in of_objects and key != GRAPH_KEY]  # noqa: SIM118
    form = Format.BOTH if plain else Format.OBJECT
    wanted = wanted or form
    if wanted is Format.OBJECT:
        return FoundTensors([_by_path(one) for one in graph.variables], form)
    if form is Format.BOTH:
        found = _by_plain_name(stored, plain, graph.variables)
        if wanted is Format.BOTH:
            known = {one.object_key for one in found}
            found += [_by_path(one) for one in graph.variables if one.key not in known]
        return FoundTensors(found, form)
    counted = [one for one in graph.variables if one.path != SAVE_COUNTER]
    own_names = flat_names(graph)
    if own_names is not None:
        return FoundTensors(
            [_by_name(name, one) for name, one in zip(own_names, counted, strict=True)], form
        )
    variables = counted if wanted is Format.NAME else graph.variables
    if _are_unique(one.full_name for one in variables):
        return FoundTensors([_by_full_name(one) for one in variables], form)
    return FoundTensors([_by_path(one) for one in variables], form, has_paths_for_names=True)


def flat_names(graph: ObjectGraph) -> list[str] | None:
    """Return the names of the mapping whose object graph this is; None if it is of no mapping.

    They are those of the objects: full names have lost what TensorFlow cuts off.
    """
    from pbckpt.objects.flat import flat_graph  # noqa: PLC0415 - few have a graph

    paths = [one.path for one in graph.variables if one.path != SAVE_COUNTER]
    try:
        names = [unescape(path) for path in paths]
        flat = flat_graph(names, save_counter=len(paths) < len(graph.variables))
    except SelectionError:
        return None
    return names if flat == graph.encode() else None


def _by_name(name: str, one: ObjectVariable) -> Found:
    return Found(key_to_bytes(one.key), (name, one.path, one.key), one.key)


def _by_path(one: ObjectVariable) -> Found:
    names = (one.path, one.full_name, one.key) if one.full_name else (one.path, one.key)
    return Found(key_to_bytes(one.key), names, one.key)


def _by_full_name(one: ObjectVariable) -> Found:
    return Found(key_to_bytes(one.key), (one.full_name, one.path, one.key), one.key)


def _are_unique(names: Iterable[str]) -> bool:
    counts = Counter(names)
    return "" not in counts and all(count == 1 for count in counts.values())


def _by_plain_name(
    stored: Bundle | V1, plain: Sequence[bytes], variables: Sequence[ObjectVariable]
) -> list[Found]:
    """Match the two names that the same bytes have."""
    objects = {place_of(stored, key_to_bytes(one.key)): one for one in variables}
    # Tensors without bytes share none; they are known by their names.
    empty = [one for one in variables if _is_empty(stored, key_to_bytes(one.key))]
    named = {one.full_name: one for one in empty} | {one.path: one for one in empty}
    found = []
    for key in plain:
        text = key_to_text(key)
        one = objects.get(place_of(stored, key))
        if one is None and _is_empty(stored, key):
            one = named.get(escape(text)) or named.get(text)
        names = (text, one.path, one.key) if one else (text,)
        found.append(Found(key, names, one.key if one else ""))
    return found


def _is_empty(stored: Bundle | V1, key: bytes) -> bool:
    info = stored.info(key)
    return info is not None and not info.nbytes


def place_of(stored: Bundle | V1, key: bytes) -> object:
    """Return something that tensors have in common that share their bytes."""
    entry = stored.entry(key) if isinstance(stored, Bundle) else None
    return key if entry is None or not entry.nbytes else entry
