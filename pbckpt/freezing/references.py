"""References: which functions some nodes name, and what these name in turn.

A node names a function by its op, or by any attribute, whether it calls it or hands it
on to something that does. A function's gradient is named with it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pbckpt.graph.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from pbckpt.protos import AttrValue, NodeDef


class References:
    """The functions that are named, in ``found``, by what was followed so far."""

    def __init__(self, functions: Iterable[str], gradients: Mapping[str, str]) -> None:
        """``functions`` are all that there are; ``gradients`` have their gradient functions."""
        self._functions: Container[str] = frozenset(functions)
        self._gradients = gradients
        self.found: dict[str, None] = {}

    def follow(
        self,
        nodes: Iterable[Node | NodeDef],
        body_of: Callable[[str], Iterable[Node | NodeDef]],
    ) -> None:
        """Note what some nodes name, and what the functions name that they do."""
        waiting = deque(self._fresh(nodes))
        while waiting:
            waiting.extend(self._fresh(body_of(waiting.popleft())))

    def _fresh(self, nodes: Iterable[Node | NodeDef]) -> list[str]:
        fresh = []
        for node in nodes:
            definition = node.definition if isinstance(node, Node) else node
            names = named_by(definition)
            names += [self._gradients[name] for name in names if name in self._gradients]
            for name in names:
                if name in self._functions and name not in self.found:
                    self.found[name] = None
                    fresh.append(name)
        return fresh


def named_by(node: NodeDef) -> list[str]:
    """Return all that may be names of functions in a node."""
    return [node.op, *(name for value in node.attr.values() for name in _named(value))]


def _named(value: AttrValue) -> list[str]:
    """Return the functions that an attribute names; what is named has attributes, too."""
    found = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        kind = one.WhichOneof("value")
        if kind in ("func", "list"):
            named = [one.func] if kind == "func" else list(one.list.func)
            found += [function.name for function in named]
            waiting += [attr for function in named for attr in function.attr.values()]
    return found
