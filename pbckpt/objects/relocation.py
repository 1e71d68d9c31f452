"""A relocation: objects move to where the new keys of their values say.

    key of a variable   its object gets an edge at the new path, and loses that at the old
    key of a slot       its variable or its optimizer has moved, or the slot has another name

Slot variables hang on the ids of a variable and an optimizer, and no edge leads
to them. Those ids stay, so slots go along with what moves, under their old keys
or under new ones.

The trap is objects that are held under more than one name: the key has one of
them, and only that edge is moved.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError
from pbckpt.objects.edges import Edges, objects_with_values
from pbckpt.objects.keys import AttributeKey, SlotPath, unescape
from pbckpt.objects.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.objects.places import Move
    from pbckpt.protos import TrackableObjectGraph

    SlotReference = TrackableObjectGraph.TrackableObject.SlotVariableReference


class Value(NamedTuple):
    """A value whose key is an object's: the path in it, and that in its new key."""

    node_id: int
    key: str
    path: str
    new_path: str


class Slot(NamedTuple):
    """An optimizer's reference to a slot variable."""

    optimizer_id: int
    reference: SlotReference


class SlotMove(NamedTuple):
    """A slot variable whose key changes."""

    slot: Slot
    old: SlotPath
    new: SlotPath


class Relocation:
    """The move of all objects whose keys change, in a graph that is ours to change."""

    def __init__(self, graph: TrackableObjectGraph, changes: Mapping[str, str]) -> None:
        """Take the old and new keys; each change has been checked for itself."""
        self._graph = graph
        self._changes = changes
        self._edges = Edges(graph)
        self._places = Places(self._edges, objects_with_values(graph))
        self._slots = _slots(graph)

    def carry_out(self) -> None:
        """Move the objects, then give their values the new keys.

        Raises SelectionError for what cannot be moved so; the graph is then
        good for nothing.
        """
        if not self._changes:
            return
        objects, slots = self._values()
        self._place_objects(objects)
        self._place_optimizers(slots)
        self._note_other_values()
        self._move(self._places.moves())
        self._check_objects(objects)
        self._name_slots(slots)
        self._edges.write()
        for node in self._graph.nodes:
            for value in node.attributes:
                value.checkpoint_key = self._changes.get(value.checkpoint_key, value.checkpoint_key)

    def _values(self) -> tuple[list[Value], list[SlotMove]]:
        """Return the values of all objects, and the slots that change."""
        objects, slots = [], []
        for node_id, node in enumerate(self._graph.nodes):
            for attribute in node.attributes:
                value = _value(node_id, attribute.checkpoint_key, self._changes)
                if value is not None and node_id not in self._slots:
                    objects.append(value)
                elif value is not None and value.path != value.new_path:
                    slots += _slot_moves(value, self._slots[node_id])
        return objects, slots

    def _place_objects(self, values: list[Value]) -> None:
        """Say of all objects where they shall lie, those that stay included."""
        moved = {value.key for value in values if value.path != value.new_path}
        for value in values:
            place = self._places.at(value.path)
            # A graph may give two objects one key. Then one lies where it says.
            if place.node_id == value.node_id:
                place.settle(self._places.at(value.new_path))
                moved.discard(value.key)
        if moved:
            lost = ", ".join(map(repr, sorted(moved)))
            raise SelectionError(f"no object lies where its key says, so it cannot move: {lost}")

    def _place_optimizers(self, slots: list[SlotMove]) -> None:
        """Say of optimizers where they shall lie, where keys of slots tell."""
        for slot, old, new in slots:
            place = self._places.at(old.optimizer)
            if old.optimizer != new.optimizer and place.node_id == slot.optimizer_id:
                place.settle(self._places.at(new.optimizer))

    def _note_other_values(self) -> None:
        """Say which objects have values that only hang on them: slots, or of a saver's own."""
        for node_id, path in self._other_values():
            place = self._places.at(path)
            if place.node_id == node_id:
                place.has_other_values = True

    def _other_values(self) -> Iterator[tuple[int, str]]:
        for node_id, node in enumerate(self._graph.nodes):
            if node.HasField("registered_saver"):
                yield node_id, node.registered_saver.object_name
            for slot in self._slots.get(node_id, ()):
                keys = (AttributeKey.parse(value.checkpoint_key) for value in node.attributes)
                paths = (SlotPath.parse(key.path) for key in keys if key is not None)
                yield from ((slot.optimizer_id, path.optimizer) for path in paths if path)

    def _move(self, moves: list[Move]) -> None:
        """Take all edges away, then add the new ones, those nearest to the root first."""
        arrivals = []
        for place, target in moves:
            if place.node_id is not None and place.owner.node_id is not None:
                self._edges.remove(place.owner.node_id, place.name)
                if target is not None:
                    arrivals.append((target.names, place.node_id))
        for (*way, name), node_id in sorted(arrivals, key=lambda arrival: len(arrival[0])):
            owner_id = self._object_at(way)
            if self._edges.child(owner_id, name) is not None:
                # Something without a key, which came here along with its owner.
                path = "/".join([*way, name])
                raise SelectionError(f"an object cannot move to where another one lies: {path!r}")
            self._edges.add(owner_id, name, node_id)

    def _object_at(self, names: Sequence[str]) -> int:
        """Return the object that names lead to; where there is none, it is made."""
        node_id = 0
        for name in names:
            child = self._edges.child(node_id, name)
            if child is None:
                child = len(self._graph.nodes)
                self._graph.nodes.add()
                self._edges.add(node_id, name, child)
            node_id = child
        return node_id

    def _check_objects(self, values: list[Value]) -> None:
        """Raise SelectionError if one edge was on the ways to objects that part.

        TensorFlow's keys never share one so; those of a graph made by hand can.
        """
        for value in values:
            was_there = self._places.at(value.path).node_id == value.node_id
            if was_there and not self._edges.leads_to(value.new_path, value.node_id):
                msg = f"an edge that was moved leads to {value.key!r} too; rename that likewise"
                raise SelectionError(msg)

    def _name_slots(self, slots: list[SlotMove]) -> None:
        """Give slots their new names; what else is new in their keys must be true."""
        for slot, old, new in slots:
            reference = slot.reference
            variable_id = reference.original_variable_node_id
            for path, before, node_id in (
                (new.variable, old.variable, variable_id),
                (new.optimizer, old.optimizer, slot.optimizer_id),
            ):
                if path != before and not self._edges.leads_to(path, node_id):
                    msg = (
                        f"the slot variable {old.slot_name!r} of {old.variable!r} does not belong "
                        f"to {path!r}; rename its variable and its optimizer likewise"
                    )
                    raise SelectionError(msg)
            if new.slot_name != old.slot_name:
                reference.slot_name = unescape(new.slot_name)


def _slots(graph: TrackableObjectGraph) -> dict[int, list[Slot]]:
    """Return the references to each slot variable, by its node id."""
    slots: defaultdict[int, list[Slot]] = defaultdict(list)
    for optimizer_id, node in enumerate(graph.nodes):
        for reference in node.slot_variables:
            slots[reference.slot_variable_node_id].append(Slot(optimizer_id, reference))
    return dict(slots)


def _value(node_id: int, key: str, changes: Mapping[str, str]) -> Value | None:
    old, new = AttributeKey.parse(key), AttributeKey.parse(changes.get(key, key))
    return Value(node_id, key, old.path, new.path) if old and new else None


def _slot_moves(value: Value, slots: list[Slot]) -> list[SlotMove]:
    old, new = SlotPath.parse(value.path), SlotPath.parse(value.new_path)
    if old is None or new is None:
        msg = f"the key of a slot variable can only become that of another: {value.key!r}"
        raise SelectionError(msg)
    return [SlotMove(slot, old, new) for slot in slots]
