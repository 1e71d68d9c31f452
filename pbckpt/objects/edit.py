"""Editing a graph: values get other keys, or go, and their objects with them.

    check   every change is of a value that the graph has, to a key of the same kind
    drop    values, the slots that they were, edges to what is left empty
    move    edges, so that each object lies where its key says
    mark    has_checkpoint_values, as TensorFlow would set it

TensorFlow restores by edges, and takes keys as they are. So a key that changes
without its object's edges is read into the variable of the old name, and a
variable of the new name gets nothing.

Reference: tensorflow/python/checkpoint/{restore,util}.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.errors import SelectionError
from pbckpt.objects.edges import has_own_values, objects_with_values
from pbckpt.objects.keys import AttributeKey, unescape
from pbckpt.objects.relocation import Relocation
from pbckpt.protos import TrackableObjectGraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    Node = TrackableObjectGraph.TrackableObject

_ROOT = 0


def edit(graph: TrackableObjectGraph, changes: Mapping[str, str | None]) -> TrackableObjectGraph:
    """Return the graph with keys changed, or dropped for None.

    Raises SelectionError for changes that cannot be made.
    """
    changed = {old: new for old, new in changes.items() if new != old}
    _check(graph, changed)
    edited = TrackableObjectGraph()
    edited.CopyFrom(graph)
    _drop(edited, {old for old, new in changed.items() if new is None})
    Relocation(edited, {old: new for old, new in changed.items() if new is not None}).carry_out()
    _mark(edited)
    return edited


def _check(graph: TrackableObjectGraph, changes: Mapping[str, str | None]) -> None:
    """Raise SelectionError for keys that are not there or cannot be, telling all."""
    keys = {value.checkpoint_key for node in graph.nodes for value in node.attributes}
    unknown = sorted(changes.keys() - keys)
    if unknown:
        msg = f"the object graph has no values under {', '.join(map(repr, unknown))}"
        raise SelectionError(msg, unknown=unknown)
    problems = [
        f"{old!r} cannot become {new!r}: {problem}"
        for old, new in changes.items()
        if new is not None and (problem := _problem(old, new))
    ]
    problems += [f"two values cannot become {key!r}" for key in sorted(_shared(keys, changes))]
    if problems:
        raise SelectionError("; ".join(problems))


def _problem(old: str, new: str) -> str:
    """Return why a value cannot get a key; nothing if it can."""
    before, after = AttributeKey.parse(old), AttributeKey.parse(new)
    if before is None:
        return "the old key is no object's, so its value can only stay or go"
    if after is None or after.attribute != before.attribute:
        return f"the new key must end in /.ATTRIBUTES/{before.attribute}"
    try:
        new.encode()
        for name in after.path.replace("/.OPTIMIZER_SLOT/", "/").split("/"):
            unescape(name)
    except UnicodeEncodeError:
        return "the new key is not UTF-8"
    except SelectionError as error:
        return str(error)
    return ""


def _shared(keys: set[str], changes: Mapping[str, str | None]) -> set[str]:
    """Return the keys that values would have to share."""
    taken = keys - changes.keys()
    shared: set[str] = set()
    for new in changes.values():
        if new is not None:
            (shared if new in taken else taken).add(new)
    return shared


def _drop(graph: TrackableObjectGraph, keys: set[str]) -> None:
    """Drop values, the slots that they were, and the edges to objects that are left empty.

    An object that is held counts as restored, be there a value or not: hence
    the edges. But one whose slots stay must be held, or they would be lost.
    """
    if not keys:
        return
    bare = {node_id for node_id, node in enumerate(graph.nodes) if _drop_values(node, keys)}
    for node in graph.nodes:
        _drop_slots(node, bare)
    held = {slot.original_variable_node_id for node in graph.nodes for slot in node.slot_variables}
    empty = {node_id for node_id in bare - held - {_ROOT} if _is_empty(graph.nodes[node_id])}
    for node in graph.nodes:
        _drop_children(node, empty)


def _drop_values(node: Node, keys: set[str]) -> bool:
    """Drop the values under these keys; tell whether these were all that there are."""
    kept = [value for value in node.attributes if value.checkpoint_key not in keys]
    if len(kept) == len(node.attributes):
        return False
    rest = TrackableObjectGraph.TrackableObject(attributes=kept)
    del node.attributes[:]
    node.attributes.MergeFrom(rest.attributes)
    return not kept


def _drop_slots(node: Node, bare: set[int]) -> None:
    kept = [slot for slot in node.slot_variables if slot.slot_variable_node_id not in bare]
    if len(kept) < len(node.slot_variables):
        rest = TrackableObjectGraph.TrackableObject(slot_variables=kept)
        del node.slot_variables[:]
        node.slot_variables.MergeFrom(rest.slot_variables)


def _drop_children(node: Node, empty: set[int]) -> None:
    kept = [child for child in node.children if child.node_id not in empty]
    if len(kept) < len(node.children):
        rest = TrackableObjectGraph.TrackableObject(children=kept)
        del node.children[:]
        node.children.MergeFrom(rest.children)


def _is_empty(node: Node) -> bool:
    return not node.children and not has_own_values(node)


def _mark(graph: TrackableObjectGraph) -> None:
    """Set has_checkpoint_values where it is in use: TensorFlow 1 knows no such field."""
    if graph.nodes[_ROOT].HasField("has_checkpoint_values"):
        marked = objects_with_values(graph)
        for node_id, node in enumerate(graph.nodes):
            node.has_checkpoint_values.value = node_id in marked
