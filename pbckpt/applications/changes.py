"""Changes: which nodes of a graph depend on something that changes a variable.

Training does, and what it gives cannot be had of constants. What changes a variable may be
in a function, or in one that this calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.freezing.changing import CHANGES_VARIABLE
from pbckpt.freezing.references import named_by
from pbckpt.names import node_of_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pbckpt.graph.decode import Graph


def depending_on_changes(graph: Graph) -> set[str]:
    """Return the nodes that change a variable, or take or await what does."""
    changing = _changing_functions(graph)
    takers: dict[str, list[str]] = {}
    start = []
    for node in graph.nodes:
        if CHANGES_VARIABLE.fullmatch(node.op) or not changing.isdisjoint(
            named_by(node.definition)
        ):
            start.append(node.name)
        for text in node.definition.input:
            takers.setdefault(node_of_input(text), []).append(node.name)
    return _reached(start, takers)


def _changing_functions(graph: Graph) -> set[str]:
    names = {one.name for one in graph.functions}
    callers: dict[str, list[str]] = {}
    start = []
    for function in graph.functions:
        for node in function.nodes:
            if CHANGES_VARIABLE.fullmatch(node.op):
                start.append(function.name)
            for name in names.intersection(named_by(node.definition)):
                callers.setdefault(name, []).append(function.name)
    return _reached(start, callers)


def _reached(start: Iterable[str], takers: Mapping[str, Iterable[str]]) -> set[str]:
    found = set(start)
    waiting = list(found)
    while waiting:
        fresh = [name for name in takers.get(waiting.pop(), ()) if name not in found]
        found.update(fresh)
        waiting += fresh
    return found
