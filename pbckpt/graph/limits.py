"""Limits: what a graph may ask for at most, and a count of what it asked for so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import InvalidGraphError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.graph.node import Node


class Limits(NamedTuple):
    """What a graph may ask for at most; LimitError beyond it.

    ``max_nodes`` bounds the number of nodes, those of functions and the
    functions themselves among them, and ``max_expanded_bytes`` what
    repeated values and zeros of all variables together may grow to: a few
    bytes can claim to be a tensor of any size.
    """

    max_nodes: int = 10_000_000
    max_expanded_bytes: int = 4 << 30


DEFAULT_LIMITS = Limits()


class NodeCount:
    """How many nodes a file had so far, in its graph and its functions together."""

    def __init__(self, source_name: str, limits: Limits) -> None:
        """Start at none."""
        self._source_name = source_name
        self._maximum = limits.max_nodes
        self._count = 0

    def collect(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """Return nodes that have names and ops, and of which no two share a name."""
        found: dict[str, Node] = {}
        for node in nodes:
            if not node.name or not node.op or node.name in found:
                raise _misnamed(node, len(found))
            found[node.name] = node
            if len(found) > self._maximum:
                raise self._over()
        self._add(len(found))
        return tuple(found.values())

    def add_function(self) -> None:
        """Count a function: an empty one takes two bytes of the file."""
        self._add(1)

    def _add(self, number: int) -> None:
        self._count += number
        if self._count > self._maximum:
            raise self._over()

    def _over(self) -> LimitError:
        return LimitError(
            f"{self._source_name}: the number of nodes",
            limit="max_nodes",
            value=self._maximum + 1,
            maximum=self._maximum,
        )


def _misnamed(node: Node, number: int) -> InvalidGraphError:
    if node.name and node.op:
        return InvalidGraphError("another node has the same name", node_name=node.name)
    return InvalidGraphError(
        f"node number {number} has no {'op' if node.name else 'name'}", node_name=node.name
    )
