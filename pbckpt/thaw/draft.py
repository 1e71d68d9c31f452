"""Draft: the nodes of a graph while they are being changed.

What is not changed stays what it was, a span of the file. Nodes are added before
or after one of the graph, or at the end; the order of the others is kept, since it
is theirs that comes back when the graph is frozen again.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from pbckpt.graph.encode import whole_definition
from pbckpt.graph.node import Node
from pbckpt.thaw.build import is_control, tensor_of_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.protos import NodeDef

_INVALID = re.compile(r"[^A-Za-z0-9_.\-/]")


class Draft:
    """Nodes by name, with what changes of them."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        """Begin with the nodes as they are."""
        self._nodes = {node.name: node for node in nodes}
        self._names = set(self._nodes)
        self._numbers: dict[str, count[int]] = {}
        self._changed: dict[str, NodeDef | None] = {}
        self._before: dict[str, list[NodeDef]] = {}
        self._after: dict[str, list[NodeDef]] = {}
        self._last: list[NodeDef] = []
        self._added: dict[str, NodeDef] = {}

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
        return self._nodes[name].definition if found is None else found

    def change(self, name: str) -> NodeDef:
        """Return a node, to be changed."""
        found = self._changed.get(name) or self._added.get(name)
        if found is None:
            found = self._changed[name] = whole_definition(self._nodes[name])
        return found

    def replace(self, name: str, *definitions: NodeDef) -> None:
        """Put nodes where one was, which has the name of the first of them."""
        first, *others = definitions
        self._changed[name] = first
        if others:
            self._after.setdefault(name, []).extend(others)
        self._note(definitions)

    def remove(self, name: str) -> None:
        """Take a node of the graph away."""
        self._changed[name] = None
        self._names.discard(name)

    def add(self, *definitions: NodeDef, before: str = "", after: str = "") -> None:
        """Add nodes beside one of the graph, or behind all others."""
        if before in self._nodes:
            self._before.setdefault(before, []).extend(definitions)
        elif after in self._nodes:
            self._after.setdefault(after, []).extend(definitions)
        else:
            self._last.extend(definitions)
        self._note(definitions)

    def _note(self, definitions: Iterable[NodeDef]) -> None:
        for definition in definitions:
            self._names.add(definition.name)
            self._added[definition.name] = definition

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
            if found is None or name in but:
                continue
            for place, text in enumerate(found.input):
                if not is_control(text) and tensor_of_input(text) in tensors:
                    self.change(name).input[place] = tensors[tensor_of_input(text)]

    def rewire_all(self, tensors: Mapping[str, str]) -> None:
        """Have all nodes take other tensors, those too that were added."""
        if not tensors:
            return
        self.rewire(tensors)
        for definition in self._added.values():
            for place, text in enumerate(definition.input):
                if not is_control(text) and tensor_of_input(text) in tensors:
                    definition.input[place] = tensors[tensor_of_input(text)]

    def __iter__(self) -> Iterator[Node | NodeDef]:
        """Yield all nodes, in their order: changed ones as messages."""
        for name, node in self._nodes.items():
            yield from self._before.get(name, ())
            found = self._changed.get(name, node)
            if found is not None:
                yield found
            yield from self._after.get(name, ())
        yield from self._last

    def definitions(self) -> Iterator[NodeDef]:
        """Yield all nodes as messages to be read; of a large one, without its tensors."""
        for node in self:
            yield node.definition if isinstance(node, Node) else node
