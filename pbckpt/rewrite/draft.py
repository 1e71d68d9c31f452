"""Draft: the nodes of a graph while they are being changed.

What is not changed stays what it was, a span of the file. Nodes are added before
or after one of the graph, or at the end; the order of the others is kept, since it
is theirs that comes back when the graph is frozen again.

A message takes ten times the memory of its bytes, and a graph gets six nodes for each of
its variables. So what is added is kept as bytes, and is a message again where somebody
looks at it or changes it.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from pbckpt.graph.encode import whole_definition
from pbckpt.graph.node import Node
from pbckpt.protos import NodeDef
from pbckpt.rewrite.build import is_control, tensor_of_input
from pbckpt.rewrite.mould import EncodedNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_INVALID = re.compile(r"[^A-Za-z0-9_.\-/]")


class Draft:
    """Nodes by name, with what changes of them."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        """Begin with the nodes as they are."""
        self._nodes = {node.name: node for node in nodes}
        self._names = set(self._nodes)
        self._numbers: dict[str, count[int]] = {}
        self._changed: dict[str, NodeDef | bytes | None] = {}
        self._before: dict[str, list[str]] = {}
        self._after: dict[str, list[str]] = {}
        self._last: list[str] = []
        self._added: dict[str, NodeDef | bytes] = {}

    def __contains__(self, name: str) -> bool:
        """Tell whether a node has the name."""
        return name in self._names

    def original(self, name: str) -> Node | None:
        """Return the node of the graph that has the name, as it was."""
        return self._nodes.get(name)

    def originals(self) -> Iterable[Node]:
        """Return the nodes of the graph, as they were."""
        return self._nodes.values()

    def look(self, name: str) -> NodeDef:
        """Return a node as it is by now, to be read only; of a large one, without tensors."""
        found = self._changed.get(name) or self._added.get(name)
        return self._nodes[name].definition if found is None else _message(found)

    def change(self, name: str) -> NodeDef:
        """Return a node, to be changed."""
        place = self._changed if name in self._nodes else self._added
        found = place.get(name)
        if found is None:
            changed = whole_definition(self._nodes[name])
        elif isinstance(found, bytes):
            changed = _message(found)
        else:
            return found
        place[name] = changed
        return changed

    def replace(self, name: str, *definitions: NodeDef | EncodedNode) -> None:
        """Put nodes where one was, which has the name of the first of them."""
        first, *others = definitions
        self._changed[name] = _encoded(first)
        self._names.add(name)
        if others:
            self._note(self._after.setdefault(name, []), others)

    def remove(self, name: str) -> None:
        """Take a node of the graph away."""
        self._changed[name] = None
        self._names.discard(name)

    def add(self, *definitions: NodeDef | EncodedNode, before: str = "", after: str = "") -> None:
        """Add nodes beside one of the graph, or behind all others; they are copied."""
        if before in self._nodes:
            places = self._before.setdefault(before, [])
        elif after in self._nodes:
            places = self._after.setdefault(after, [])
        else:
            places = self._last
        self._note(places, definitions)

    def _note(self, places: list[str], definitions: Iterable[NodeDef | EncodedNode]) -> None:
        for definition in definitions:
            name = definition.name
            places.append(name)
            self._names.add(name)
            self._added[name] = _encoded(definition)

    def fresh(self, wanted: str) -> str:
        """Return a name that no node has: the wanted one, or that with a number.

        What cannot be in a name of TensorFlow 1 becomes an underscore.
        """
        name = _INVALID.sub("_", wanted)
        name = name if name[:1].isalnum() or name[:1] == "." else f"v{name}"
        if name in self._names:
            numbers = self._numbers.setdefault(name, count(1))
            name = next(one for one in (f"{name}_{i}" for i in numbers) if one not in self._names)
        self._names.add(name)
        return name

    def scopes(self) -> set[str]:
        """Return the first parts of all names."""
        return {name.partition("/")[0] for name in self._names}

    def rewire(self, tensors: Mapping[str, str], but: frozenset[str] = frozenset()) -> None:
        """Have the nodes of the graph take other tensors; those called ``but`` stay."""
        for name, node in self._nodes.items():
            found = self._changed.get(name, node.definition)
            if found is not None and name not in but:
                self._rewire(name, _message(found), tensors)

    def rewire_all(self, tensors: Mapping[str, str]) -> None:
        """Have all nodes take other tensors, those too that were added."""
        if not tensors:
            return
        self.rewire(tensors)
        for name, found in self._added.items():
            self._rewire(name, _message(found), tensors)

    def _rewire(self, name: str, definition: NodeDef, tensors: Mapping[str, str]) -> None:
        for place, text in enumerate(definition.input):
            if not is_control(text) and tensor_of_input(text) in tensors:
                self.change(name).input[place] = tensors[tensor_of_input(text)]

    def encoded(self) -> Iterator[Node | NodeDef | bytes]:
        """Yield all nodes, in their order: what was added or replaced as bytes."""
        for name, node in self._nodes.items():
            for added in self._before.get(name, ()):
                yield self._added[added]
            found = self._changed.get(name, node)
            if found is not None:
                yield found
            for added in self._after.get(name, ()):
                yield self._added[added]
        for added in self._last:
            yield self._added[added]

    def __iter__(self) -> Iterator[Node | NodeDef]:
        """Yield all nodes, in their order: changed ones as messages."""
        for node in self.encoded():
            yield node if isinstance(node, Node) else _message(node)

    def definitions(self) -> Iterator[NodeDef]:
        """Yield all nodes as messages to be read; of a large one, without its tensors."""
        for node in self:
            yield node.definition if isinstance(node, Node) else node


def _encoded(definition: NodeDef | EncodedNode) -> bytes:
    if isinstance(definition, EncodedNode):
        return definition.data
    return definition.SerializeToString(deterministic=True)


def _message(node: NodeDef | bytes) -> NodeDef:
    return NodeDef.FromString(node) if isinstance(node, bytes) else node
