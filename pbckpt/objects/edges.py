"""Edges: the children of each object by name, to look up and to change.

    object 0 --"model"--> object 1 --"w"--> object 2        the path model/w

Names are as keys hold them, escaped. Of two children with one name the first
counts. Changes show at once in what is looked up; `write` puts them into the
graph, where an edge that only got another name keeps its place among the others.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pbckpt.objects.keys import escape, unescape
from pbckpt.protos import TrackableObjectGraph

if TYPE_CHECKING:
    Children = dict[str, int]


class Edges:
    """The edges of a graph that is being edited."""

    def __init__(self, graph: TrackableObjectGraph) -> None:
        """Look at ``graph``, whose node ids are in range."""
        self._graph = graph
        self._children: dict[int, Children] = {}
        self._removed: defaultdict[int, Children] = defaultdict(dict)
        self._added: defaultdict[int, Children] = defaultdict(dict)

    def child(self, node_id: int, name: str) -> int | None:
        """Return the object that one object holds under a name, if any."""
        return self._children_of(node_id).get(name)

    def walk(self, path: str) -> int | None:
        """Return the object at a path, if any."""
        node_id: int | None = 0
        for name in path.split("/"):
            node_id = None if node_id is None else self.child(node_id, name)
        return node_id

    def leads_to(self, path: str, node_id: int) -> bool:
        """Tell whether the object at a path is this; the root's path is empty."""
        return (not path and node_id == 0) or self.walk(path) == node_id

    def remove(self, node_id: int, name: str) -> None:
        """Take an edge away, if it is there."""
        child = self._children_of(node_id).pop(name, None)
        if child is not None:
            self._removed[node_id][name] = child

    def add(self, node_id: int, name: str, child: int) -> None:
        """Add an edge; the caller knows that the name is free."""
        self._children_of(node_id)[name] = child
        self._added[node_id][name] = child

    def write(self) -> None:
        """Put all changes into the graph."""
        for node_id in sorted({*self._removed, *self._added}):
            removed, added = self._removed[node_id], self._added[node_id]
            node = self._graph.nodes[node_id]
            _take_away(node, removed, added)
            for name, child in added.items():
                node.children.add(node_id=child, local_name=unescape(name))
        self._removed.clear()
        self._added.clear()

    def _children_of(self, node_id: int) -> Children:
        if node_id not in self._children:
            children = [
                (escape(c.local_name), c.node_id) for c in self._graph.nodes[node_id].children
            ]
            self._children[node_id] = dict(reversed(children))
        return self._children[node_id]


def _take_away(
    node: TrackableObjectGraph.TrackableObject, removed: Children, added: Children
) -> None:
    """Take edges away from a node, or give them the name that they are to be added under."""
    names = {child: name for name, child in added.items()}
    kept = TrackableObjectGraph.TrackableObject()
    for edge in node.children:
        name = escape(edge.local_name)
        if removed.get(name) == edge.node_id:
            del removed[name]
            name = names.pop(edge.node_id, "")
            if added.pop(name, None) is None:
                continue
            edge.local_name = unescape(name)
        kept.children.append(edge)
    del node.children[:]
    node.children.MergeFrom(kept.children)


def objects_with_values(graph: TrackableObjectGraph) -> set[int]:
    """Return the objects in which or below which values are, as TensorFlow counts."""
    owners: defaultdict[int, list[int]] = defaultdict(list)
    for node_id, node in enumerate(graph.nodes):
        for child in node.children:
            owners[child.node_id].append(node_id)
    reached = [node_id for node_id, node in enumerate(graph.nodes) if has_own_values(node)]
    found = set(reached)
    while reached:
        above = [owner for owner in owners.pop(reached.pop(), ()) if owner not in found]
        found.update(above)
        reached.extend(above)
    return found


def has_own_values(node: TrackableObjectGraph.TrackableObject) -> bool:
    """Tell whether an object has values, apart from those below it."""
    return bool(node.attributes or node.slot_variables) or node.HasField("registered_saver")
