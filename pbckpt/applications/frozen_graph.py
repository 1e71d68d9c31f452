"""Frozen graph: an open GraphDef file, its nodes, and the verdicts on its constants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pbckpt.errors import GraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits, decode_graph
from pbckpt.graph.kind import FileKind, check_is_graph, unsupported_kind
from pbckpt.graph.view import GraphView
from pbckpt.storage.local import MappedFile
from pbckpt.variables.detect import Detection, detect

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from pbckpt.graph.decode import Node


class FrozenGraph:
    """A decoded GraphDef and the file it lies in; a context manager.

    Nodes and constants refer to the file and are of use while it is open.
    """

    def __init__(self, file: MappedFile, view: GraphView) -> None:
        """Use `open_graph`."""
        self.file = file
        self.view = view

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes of the main graph, in file order."""
        return self.view.graph.nodes

    @property
    def constants(self) -> list[Node]:
        """The Const nodes, in file order."""
        return self.view.constants()

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


def open_graph(source: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> FrozenGraph:
    """Open and decode the frozen graph in the file ``source``.

    Raises UnsupportedGraphError that names what the file is where it is not a
    GraphDef, GraphDecodeError and InvalidGraphError for what is wrong with it.
    """
    _refuse_saved_model(source)
    file = MappedFile(source)
    try:
        check_is_graph(file.view, file.name)
        return FrozenGraph(file, GraphView(decode_graph(file, limits)))
    except GraphError as error:
        file.close()
        raise error.in_file(file.name) from None
    except BaseException:
        file.close()
        raise


def _refuse_saved_model(source: str | os.PathLike[str]) -> None:
    text = os.fsdecode(source)
    names = ("saved_model.pb", "saved_model.pbtxt")
    if any(os.path.isfile(os.path.join(text, name)) for name in names):
        raise unsupported_kind(text, FileKind.SAVED_MODEL)


def detect_variables(graph: FrozenGraph) -> Detection:
    """Return which constants of an open graph were variables, and why."""
    try:
        return detect(graph.view.graph)
    except GraphError as error:
        raise error.in_file(graph.file.name) from None
