"""The graph as a network: who consumes whom.

Only data edges count; a control input orders execution and says nothing about
what a constant is. Nothing here recurses, so chains of any length and cycles
are walked in time that grows with the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.names import is_control_input, node_of_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.graph.decode import Graph, Node

# The op of a node whose value is given in the graph.
CONSTANT_OP = "Const"
_IDENTITY_OP = "Identity"
# Ops that hand their input on unchanged: into a frame, or into a branch.
_PASSING_OPS = frozenset((_IDENTITY_OP, "Enter", "Switch"))


class GraphView:
    """The nodes of a graph with the data edges between them."""

    def __init__(self, graph: Graph) -> None:
        """Index the edges; inputs that name no node lead nowhere."""
        self.graph = graph
        self._consumers: dict[str, list[Node]] = {}
        self._passing: dict[str, list[Node]] = {}
        for node in graph.nodes:
            inputs = node.definition.input
            for text in inputs:
                if not is_control_input(text):
                    self._consumers.setdefault(node_of_input(text), []).append(node)
            # Of a Switch the second input is the predicate, not the value.
            if node.op in _PASSING_OPS and inputs and not is_control_input(inputs[0]):
                self._passing.setdefault(node_of_input(inputs[0]), []).append(node)

    def constants(self) -> list[Node]:
        """Return all Const nodes, in file order."""
        return [node for node in self.graph.nodes if node.op == CONSTANT_OP]

    def consumers(self, name: str) -> list[Node]:
        """Return the nodes that take data from a node."""
        return self._consumers.get(name, [])

    def identities(self, name: str) -> Iterator[Node]:
        """Yield the Identity nodes that a node's value reaches unchanged."""
        seen = {name}
        waiting = [name]
        while waiting:
            for node in self._passing.get(waiting.pop(), ()):
                if node.name not in seen:
                    seen.add(node.name)
                    waiting.append(node.name)
                    if node.op == _IDENTITY_OP:
                        yield node
