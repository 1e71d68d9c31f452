"""The object graph: which objects a TensorFlow 2 checkpoint is of, and their keys.

    TrackableObjectGraph   1 nodes; the first is the root
    TrackableObject        1 children (node, local name), 2 attributes (name, full name,
                           key), 3 slot variables (variable, slot name, slot),
                           4 registered saver, 5 has checkpoint values

It is the only element of the string tensor _CHECKPOINTABLE_OBJECT_GRAPH.
Objects are restored along the children's names, so two graphs with the same
keys can be of different programs. The trap is cycles, which are normal, and
objects with several owners: paths could be without end, or without number.
Hence nothing here walks over all of them.

Reference: tensorflow/core/protobuf/trackable_object_graph.proto. Pure.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import CorruptFileError
from pbckpt.objects.edit import edit
from pbckpt.objects.keys import SAVE_COUNTER, VARIABLE_VALUE, path_of_key, variable_key
from pbckpt.protos import TrackableObjectGraph
from pbckpt.protos.decode import ProtoDecodeError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class ObjectVariable(NamedTuple):
    """A value of an object; ``path`` is what `path_of_key` calls its key.

    A key that is no object's is its own path.
    """

    path: str
    full_name: str
    key: str


class ObjectGraph:
    """A graph that has been checked. It does not change."""

    def __init__(self, data: bytes, proto: TrackableObjectGraph) -> None:
        """Take a graph as it is stored, and as it was decoded; see `decode_graph`."""
        self._data = data
        self._proto = proto

    def encode(self) -> bytes:
        """Return the graph as it is stored: as it came, unless it was edited."""
        return self._data

    @cached_property
    def variables(self) -> tuple[ObjectVariable, ...]:
        """All values that have keys, in the order of the nodes; slot variables too."""
        return tuple(
            ObjectVariable(_path(value.checkpoint_key), value.full_name, value.checkpoint_key)
            for node in self._proto.nodes
            for value in node.attributes
            if value.checkpoint_key
        )

    def edited(self, changes: Mapping[str, str | None]) -> ObjectGraph:
        """Return the graph with keys changed, or dropped for None.

        A checkpoint of the new keys with the new graph is restored by a program
        whose variables lie where the new keys say. Objects move as a whole where
        all their values do, and slot variables go along. Raises SelectionError
        for keys that the graph has not, and for changes that cannot be made.
        """
        if not any(old != new for old, new in changes.items()):
            return self
        proto = edit(self._proto, changes)
        return ObjectGraph(proto.SerializeToString(), proto)

    def with_save_counter(self) -> ObjectGraph:
        """Return the graph with the counter of saves as the last of the root's children."""
        proto = TrackableObjectGraph()
        proto.CopyFrom(self._proto)
        child = proto.nodes[0].children.add()
        child.node_id, child.local_name = len(proto.nodes), SAVE_COUNTER
        node = proto.nodes.add()
        value = node.attributes.add()
        value.name, value.full_name = VARIABLE_VALUE, SAVE_COUNTER
        value.checkpoint_key = variable_key((SAVE_COUNTER,))
        node.has_checkpoint_values.value = True
        return ObjectGraph(proto.SerializeToString(), proto)


def decode_graph(data: bytes) -> ObjectGraph:
    """Decode and check a graph. Raises CorruptFileError."""
    try:
        proto = decode(TrackableObjectGraph, data)
    except ProtoDecodeError:
        raise CorruptFileError("the object graph does not decode") from None
    if not proto.nodes:
        raise CorruptFileError("an object graph without objects")
    count = len(proto.nodes)
    for node_id, node in enumerate(proto.nodes):
        for other in _references(node):
            if not 0 <= other < count:
                msg = f"the object graph: object {node_id} of {count} refers to object {other}"
                raise CorruptFileError(msg)
    return ObjectGraph(data, proto)


def _references(node: TrackableObjectGraph.TrackableObject) -> Iterator[int]:
    for child in node.children:
        yield child.node_id
    for slot in node.slot_variables:
        yield slot.original_variable_node_id
        yield slot.slot_variable_node_id


def _path(key: str) -> str:
    path = path_of_key(key)
    return key if path is None else path
