"""Reach: what leads to some nodes of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.rewrite.build import producer

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from pbckpt.graph.node import Node


def leading_to(nodes: Sequence[Node], outputs: Iterable[str], fed: Container[str] = ()) -> set[str]:
    """Return the names of the nodes that lead to some, over data and control edges.

    What leads to those that are ``fed`` is not asked for.
    """
    inputs = {node.name: node.definition.input for node in nodes}
    found = set(outputs)
    waiting = list(found)
    while waiting:
        taker = waiting.pop()
        for text in () if taker in fed else inputs[taker]:
            name = producer(text)
            if name not in found and name in inputs:
                found.add(name)
                waiting.append(name)
    return found
