"""Frozen graph: an open file that holds a graph, its nodes, and the verdicts on its constants.

Whatever form the graph comes in, a GraphDef, a MetaGraphDef or a SavedModel, as
bytes or as text, it is told by the content and read into the same nodes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pbckpt.errors import GraphError, PathError, SelectionError, UnsupportedGraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Graph, Limits, decode_graph
from pbckpt.graph.kind import GraphKind, graph_kind
from pbckpt.graph.meta_graph import MetaGraph, decode_meta_graph, decode_saved_model
from pbckpt.graph.still_variables import StillVariable, variable_nodes
from pbckpt.names import INDEX_SUFFIX, META_SUFFIX
from pbckpt.storage.local import MappedFile
from pbckpt.variables.detect import detect
from pbckpt.variables.network import CONSTANT_OP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Self

    from pbckpt.graph.decode import Function, Node
    from pbckpt.variables.variable import Detection

# What a SavedModel's directory holds: the second is the text form.
_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
# The prefix of its checkpoint.
_VARIABLES = os.path.join("variables", "variables")
# How many of a directory's files are named.
_SHOWN = 3


class FrozenGraph:
    """A decoded graph and the file it lies in; a context manager.

    Nodes and constants refer to the file and are of use while it is open.
    ``kind`` is the form that the graph came in, ``meta_graph`` what a
    MetaGraphDef or SavedModel has beside it.
    """

    def __init__(
        self,
        file: MappedFile,
        graph: Graph,
        kind: GraphKind = GraphKind.GRAPH,
        meta_graph: MetaGraph | None = None,
    ) -> None:
        """Use `open_graph`."""
        self.file = file
        self.graph = graph
        self.kind = kind
        self.meta_graph = meta_graph

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes of the main graph, in file order."""
        return self.graph.nodes

    @property
    def functions(self) -> tuple[Function, ...]:
        """The functions of the graph's library, in file order."""
        return self.graph.functions

    @property
    def constants(self) -> list[Node]:
        """The Const nodes, in file order."""
        return [node for node in self.nodes if node.op == CONSTANT_OP]

    def still_variables(self) -> tuple[StillVariable, ...]:
        """Return the variables of the main graph that were not frozen."""
        return variable_nodes(self.nodes)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        """Return the graph itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()


def open_graph(
    source: str | os.PathLike[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    tags: tuple[str, ...] | None = None,
) -> FrozenGraph:
    """Open and decode the graph in the file or SavedModel directory ``source``.

    ``tags`` choose the graph of a SavedModel; None is the only one, or the one
    tagged ``serve`` alone.

    Raises UnsupportedGraphError that names what the file is where it holds no
    graph, GraphDecodeError and InvalidGraphError for what is wrong with it,
    SelectionError for tags that it does not have.
    """
    path = graph_file(source)
    if not os.path.isfile(path):
        _refuse_no_graph(path)
    file = MappedFile(path)
    try:
        return _decode(file, limits, tags)
    except GraphError as error:
        file.close()
        raise error.in_file(file.name) from None
    except BaseException:
        file.close()
        raise


def _refuse_no_graph(path: str) -> None:
    """Raise an error for a directory or a checkpoint; say nothing of what else is no file."""
    if os.path.isdir(path):
        raise PathError(f"{path}: a directory, but not that of a SavedModel; {_inside(path)}")
    from pbckpt.checkpoints.locate import is_checkpoint  # noqa: PLC0415 - only for an error

    # What is there and no regular file is opened, to be told what it is.
    if "\0" not in path and not os.path.exists(path) and is_checkpoint(path):
        raise UnsupportedGraphError(
            f"{path}: a checkpoint, which has no graph; give the file of the frozen graph. "
            "pbckpt inspect shows the checkpoint, pbckpt edit changes it",
            kind="checkpoint",
        )


def _inside(directory: str) -> str:
    """Return which files of a directory may be meant."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        names = []
    graphs = [name for name in names if name.endswith((".pb", ".pbtxt", META_SUFFIX))]
    prefixes = [name.removesuffix(INDEX_SUFFIX) for name in names if name.endswith(INDEX_SUFFIX)]
    facts = []
    if graphs:
        facts.append(f"give the graph that is meant: {_listed(directory, graphs)}")
    if prefixes:
        facts.append(
            f"it holds {'a checkpoint' if len(prefixes) == 1 else 'checkpoints'}, for pbckpt "
            f"inspect and pbckpt edit: {_listed(directory, prefixes)}"
        )
    return "; ".join(facts) or "give the path of a file"


def _listed(directory: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(os.path.join(directory, name) for name in names[:_SHOWN]) + more


def graph_file(source: str | os.PathLike[str]) -> str:
    """Return the path of the file that holds the graph: of a SavedModel, one in its directory."""
    text = os.fsdecode(source)
    inside = (os.path.join(text, name) for name in _SAVED_MODEL_FILES)
    return next((path for path in inside if os.path.isfile(path)), text)


def is_bare_saved_model(source: str | os.PathLike[str]) -> bool:
    """Tell whether a path is the directory of a SavedModel without variables."""
    path = os.fsdecode(source)
    variables = os.path.join(path, _VARIABLES + INDEX_SUFFIX)
    return graph_file(path) != path and not os.path.exists(variables)


def _decode(file: MappedFile, limits: Limits, tags: tuple[str, ...] | None) -> FrozenGraph:
    kind = graph_kind(file.view, file.name)
    if tags is not None and not kind.has_tags:
        msg = f"{file.name} is {kind.description}: tags choose among the graphs of a SavedModel"
        raise SelectionError(msg, unknown=(",".join(tags),))
    decoded = _decode_kind(file, kind, limits, tags)
    if isinstance(decoded, Graph):
        return FrozenGraph(file, decoded, kind)
    return FrozenGraph(file, decoded.graph, kind, decoded)


def _decode_kind(
    file: MappedFile, kind: GraphKind, limits: Limits, tags: tuple[str, ...] | None
) -> Graph | MetaGraph:
    if kind.is_text:
        return _decode_text(file, kind, limits, tags)
    if kind is GraphKind.META_GRAPH:
        return decode_meta_graph(file, limits)
    if kind is GraphKind.SAVED_MODEL:
        return decode_saved_model(file, limits, tags)
    return decode_graph(file, limits)


def _decode_text(
    file: MappedFile, kind: GraphKind, limits: Limits, tags: tuple[str, ...] | None
) -> Graph | MetaGraph:
    from pbckpt.graph.text_graph import (  # noqa: PLC0415 - start-up time
        decode_text_graph,
        decode_text_meta_graph,
        decode_text_saved_model,
    )

    if kind is GraphKind.TEXT_META_GRAPH:
        return decode_text_meta_graph(file, limits)
    if kind is GraphKind.TEXT_SAVED_MODEL:
        return decode_text_saved_model(file, limits, tags)
    return decode_text_graph(file, limits)


def not_frozen(graph: FrozenGraph, error: SelectionError) -> SelectionError:
    """Return an error about a selection that leaves nothing, with what to do instead.

    Where the graph has its variables still, it was not frozen, and the values
    are in a checkpoint.
    """
    variables = graph.still_variables()
    name = graph.file.name
    if not variables:
        return SelectionError(
            f"{name}: {error}", unknown=error.unknown, suggestions=error.suggestions
        )
    beside = ""
    if graph.kind.has_tags:
        beside = os.path.join(os.path.dirname(name), _VARIABLES)
    elif name.endswith(META_SUFFIX):
        beside = name.removesuffix(META_SUFFIX)
    place = f"the checkpoint beside it: {beside}" if beside else "its checkpoint"
    first = variables[0].name
    what = f"{len(variables)} variables that are not frozen, such as {first!r}; their values are"
    if len(variables) == 1:
        what = f"a variable that is not frozen, {first!r}; its value is"
    return SelectionError(
        f"{name}: {error}. It has {what} in {place}, for pbckpt inspect and pbckpt edit"
    )


def detect_variables(graph: FrozenGraph) -> Detection:
    """Return which constants of an open graph were variables, and why."""
    try:
        return detect(graph.graph)
    except GraphError as error:
        raise error.in_file(graph.file.name) from None
