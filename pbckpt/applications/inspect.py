"""Inspect: what a graph or a checkpoint holds."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.checkpoint import open_checkpoint
from pbckpt.applications.computed import planned_values
from pbckpt.applications.convert import as_stored
from pbckpt.applications.frozen_graph import detect_variables, is_bare_saved_model, open_graph
from pbckpt.applications.values import DEFAULT_VALUES, Values
from pbckpt.checkpoints.locate import is_checkpoint
from pbckpt.errors import LimitError

if TYPE_CHECKING:
    import os

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.checkpoints.stored import TensorInfo
    from pbckpt.graph.still_variables import StillVariable
    from pbckpt.objects.graph import ObjectVariable
    from pbckpt.variables.variable import Detection, Skipped, Variable


class GraphState(Enum):
    """Where the variables of a graph are: constants of it, nodes with values elsewhere, or both.

    A graph without any is FROZEN.
    """

    FROZEN = "frozen"
    PARTLY_FROZEN = "partly_frozen"
    VARIABLES = "variables"


class GraphContents(NamedTuple):
    """What a graph holds, and which of its constants were variables.

    ``remaining`` are variables that were not frozen, whose values the graph lacks,
    ``warnings`` tell of values that are not computed.
    """

    path: str
    nodes: int
    constants: int
    variables: tuple[Variable, ...]
    skipped: tuple[Skipped, ...]
    functions: int = 0
    remaining: tuple[StillVariable, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def state(self) -> GraphState:
        """Whether it is frozen."""
        if not self.remaining:
            return GraphState.FROZEN
        return GraphState.PARTLY_FROZEN if self.variables else GraphState.VARIABLES


class CheckpointContents(NamedTuple):
    """What a checkpoint lists, in key order; entries are of V2 checkpoints alone.

    ``objects`` are the variables of an object-based one.
    """

    prefix: str
    num_shards: int
    tensors: tuple[tuple[str, TensorInfo], ...]
    entries: tuple[tuple[str, BundleEntry], ...]
    objects: tuple[ObjectVariable, ...]


def inspect(
    path: str | os.PathLike[str],
    *,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
) -> GraphContents | CheckpointContents:
    """Return what is in a graph or a checkpoint.

    ``path`` is a graph's file, or whatever stands for a checkpoint: a prefix,
    one of its files, a directory. A SavedModel's directory stands for its
    variables where it has any, and for its graph where it has none or where
    ``tags`` choose a graph. ``values`` say what becomes of a graph's quantized weights
    and partitioned variables, as in `convert`; their ``tensors`` are not looked at.
    Raises GraphError or BundleError.
    """
    if tags is None and is_checkpoint(path) and not is_bare_saved_model(path):
        return inspect_checkpoint(path)
    return inspect_graph(path, tags=tags, values=values)


def inspect_checkpoint(path: str | os.PathLike[str]) -> CheckpointContents:
    """Return what a checkpoint's index lists."""
    with open_checkpoint(path) as checkpoint:
        keys = tuple(checkpoint)
        graph = checkpoint.object_graph
        return CheckpointContents(
            checkpoint.prefix,
            checkpoint.num_shards,
            tuple((key, checkpoint.info(key)) for key in keys),
            tuple((key, checkpoint.entry(key)) for key in keys if checkpoint.has_entries),
            graph.variables if graph else (),
        )


def inspect_graph(
    path: str | os.PathLike[str],
    *,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
) -> GraphContents:
    """Return what a graph holds, by ``values``; ``tags`` choose among those of a SavedModel."""
    values = values._replace(tensors=())
    with open_graph(path, tags=tags) as graph:
        found = detect_variables(graph)
        stored = shown_as_stored(graph, found, values)
        return GraphContents(
            graph.file.name,
            len(graph.nodes),
            len(found.skipped) + len({variable.node for variable in found.variables}),
            _in_file_order(found, stored),
            found.skipped,
            len(graph.functions),
            graph.still_variables(),
            stored.warnings,
        )


def shown_as_stored(graph: FrozenGraph, found: Detection, values: Values) -> Detection:
    """Return the variables as they are stored, with warnings where values are too many for that."""
    named = as_stored(graph, found, values)
    try:
        return planned_values(graph, named, values)
    except LimitError as error:
        note = f"the values of some variables are not computed to show them: {error}"
        return named._replace(warnings=(note,))


def _in_file_order(found: Detection, stored: Detection) -> tuple[Variable, ...]:
    """Return the variables as they are stored, in the order of their constants."""
    places = {variable.node: place for place, variable in enumerate(found.variables)}
    ordered = sorted(stored.variables, key=lambda one: places[one.nodes[0]])
    return tuple(one._replace(compute=None) for one in ordered)
