"""Explain: why a constant was a variable, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.applications.frozen_graph import detect_variables, open_graph
from pbckpt.applications.inspect import shown_as_stored
from pbckpt.applications.values import DEFAULT_VALUES, Values
from pbckpt.variables.story import tell

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from pbckpt.variables.story import Story
    from pbckpt.variables.variable import Variable


def explain(
    path: str | os.PathLike[str],
    name: str,
    *,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
) -> Story:
    """Return the story of the constant ``name`` in the graph at ``path``.

    ``name`` is a node's, in a function ``FUNCTION::node``, or a variable's key, as
    ``values`` have it stored. Raises SelectionError where there is no such constant,
    GraphError for what is wrong with the graph. The tensor of the story refers to the
    file, which is closed.
    """
    with open_graph(path, tags=tags) as graph:
        found = detect_variables(graph)
        stored = shown_as_stored(graph, found, values._replace(tensors=())).variables
        whole = next((one for one in stored if one.parts and one.key == name), None)
        single = tuple(part for one in stored for part in one.parts or (one,))
        # The name of a partitioned variable means its first part.
        story = tell(
            graph.graph, found._replace(variables=single), whole.nodes[0] if whole else name
        )
    return _with_part(story, stored)


def _with_part(story: Story, variables: Iterable[Variable]) -> Story:
    """Return the story of a constant with the variable that it is a part of, if it is."""
    for variable in variables:
        if variable.parts and story.node in variable.nodes:
            place = variable.nodes.index(story.node)
            part = f"part {place} of {len(variable.parts)} of {variable.key!r}"
            return story._replace(keys=(variable.key,), part=part)
    return story
