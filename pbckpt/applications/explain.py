"""Explain: why a constant was a variable, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.applications.frozen_graph import detect_variables, open_graph
from pbckpt.errors import SelectionError
from pbckpt.variables.story import tell

if TYPE_CHECKING:
    import os

    from pbckpt.variables.story import Story


def explain(
    path: str | os.PathLike[str], name: str, *, tags: tuple[str, ...] | None = None
) -> Story:
    """Return the story of the constant ``name`` in the graph at ``path``.

    ``name`` is a node's, in a function ``FUNCTION::node``, or a variable's key.
    Raises SelectionError where there is no such constant, GraphError for what is
    wrong with the graph. The tensor of the story refers to the file, which is
    closed.
    """
    with open_graph(path, tags=tags) as graph:
        detection = detect_variables(graph)
        try:
            return tell(graph.graph, detection, name)
        except SelectionError:
            first = f"{name}/part_0"
            if all(one.key != first for one in detection.variables):
                raise
            # The name of a partitioned variable means its parts.
            return tell(graph.graph, detection, first)
