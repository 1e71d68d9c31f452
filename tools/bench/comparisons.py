"""Comparisons: which commands are measured against which, here for a graph.

    no waiting    pbckpt convert --durability none    cp
    durable       pbckpt convert                      cp, then sync of the copy
    .meta         pbckpt convert --durability none    the same with --no-meta
    start-up      pbckpt convert, on a small graph    an import of numpy
    TensorFlow    pbckpt convert --durability none    each peer; none of them waits

Each command has a folder of its own for what it writes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tools.bench.graphs import SIZES, Perceptron, write_graph
from tools.bench.measure import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.bench.measure import Measurable
    from tools.bench.peers import Peer

NO_WAITING = "no waiting"
"""The title of the comparison in which neither side waits for the disk."""

_PREFIX = "model.ckpt"
_COPY_AND_SYNC = 'cp "$0" "$1" && sync "$1"'
# Of converting this little, nearly all is the start of an interpreter.
_START_UP_SIZE = "1MB"


class Subject(Protocol):
    """What both sides are given: a graph, or arrays."""

    @property
    def size(self) -> str:
        """The name of how large it is."""

    @property
    def num_tensors(self) -> int:
        """How many variables or arrays there are."""

    @property
    def nbytes(self) -> int:
        """Bytes of all of them."""


class Graph(NamedTuple):
    """A frozen graph on the disk, by the name of its size."""

    size: str
    perceptron: Perceptron
    path: Path

    @property
    def num_tensors(self) -> int:
        """How many variables there are."""
        return self.perceptron.num_variables

    @property
    def nbytes(self) -> int:
        """Bytes of all variables."""
        return self.perceptron.nbytes


class Comparison(NamedTuple):
    """Two commands or calls to be run by turns, and the ratio that is aimed at, if any."""

    subject: Subject
    title: str
    ours: Measurable
    theirs: Measurable
    wanted: float | None = None


def make_graph(size: str, folder: Path) -> Graph:
    """Write the graph of a size into ``folder``."""
    path = folder / f"{size}.pb"
    write_graph(SIZES[size], path)
    return Graph(size, SIZES[size], path)


def plain_comparisons(graph: Graph, folder: Path) -> Iterator[Comparison]:
    """Yield what a graph is compared in everywhere; outputs go into ``folder``."""
    hasty, durable = _convert(graph, folder, "--durability", "none"), _convert(graph, folder)
    outputs = folder / "theirs"
    paths = (str(graph.path), str(outputs / "copy.pb"))
    copy = Command("cp", ("cp", *paths), outputs, (graph.path,))
    synced = Command("cp && sync", ("sh", "-c", _COPY_AND_SYNC, *paths), outputs, (graph.path,))
    yield Comparison(graph, NO_WAITING, hasty, copy)
    yield Comparison(graph, "durable", durable, synced)
    yield Comparison(graph, ".meta", hasty, _without_meta(graph, folder))
    if graph.size == _START_UP_SIZE:
        numpy = Command("import numpy", (sys.executable, "-c", "import numpy"), outputs)
        yield Comparison(graph, "start-up", durable, numpy)


def _without_meta(graph: Graph, folder: Path) -> Command:
    """Return a conversion that writes the weights alone."""
    options = ("--durability", "none", "--no-meta")
    return _convert(graph, folder, *options, to="theirs")


def peer_comparison(graph: Graph, folder: Path, peer: Peer) -> Comparison:
    """Return the comparison with one of TensorFlow's ways."""
    ours = _convert(graph, folder, "--durability", "none")
    outputs = folder / "theirs"
    arguments = peer.arguments(graph.path, outputs / _PREFIX)
    theirs = Command(peer.label, arguments, outputs, (graph.path,))
    return Comparison(graph, "TensorFlow", ours, theirs)


def _convert(graph: Graph, folder: Path, *options: str, to: str = "ours") -> Command:
    outputs = folder / to
    arguments = ("convert", *options, str(graph.path), str(outputs / _PREFIX))
    label = " ".join(("pbckpt convert", *options))
    return Command(label, (sys.executable, "-m", "pbckpt", *arguments), outputs, (graph.path,))
