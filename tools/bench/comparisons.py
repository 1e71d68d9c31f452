"""Comparisons: which commands are measured against which, for one graph.

    no waiting    pbckpt convert --durability none    cp
    durable       pbckpt convert                      cp, then sync of the copy
    start-up      pbckpt convert, on a small graph    an import of numpy
    TensorFlow    pbckpt convert --durability none    each peer; none of them waits

Each command has a folder of its own for what it writes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from tools.bench.graphs import SIZES, Perceptron, write_graph
from tools.bench.measure import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.bench.peers import Peer

NO_WAITING = "no waiting"
"""The title of the comparison in which neither side waits for the disk."""

_PREFIX = "model.ckpt"
_COPY_AND_SYNC = 'cp "$0" "$1" && sync "$1"'
# Of converting this little, nearly all is the start of an interpreter.
_START_UP_SIZE = "1MB"


class Subject(NamedTuple):
    """A frozen graph on the disk, by the name of its size."""

    size: str
    perceptron: Perceptron
    path: Path


class Comparison(NamedTuple):
    """Two commands to be run by turns."""

    subject: Subject
    title: str
    ours: Command
    theirs: Command


def make_subject(size: str, folder: Path) -> Subject:
    """Write the graph of a size into ``folder``."""
    path = folder / f"{size}.pb"
    write_graph(SIZES[size], path)
    return Subject(size, SIZES[size], path)


def plain_comparisons(subject: Subject, folder: Path) -> Iterator[Comparison]:
    """Yield what a graph is compared in everywhere; outputs go into ``folder``."""
    hasty, durable = _convert(subject, folder, "--durability", "none"), _convert(subject, folder)
    outputs = folder / "theirs"
    paths = (str(subject.path), str(outputs / "copy.pb"))
    copy = Command("cp", ("cp", *paths), outputs, (subject.path,))
    synced = Command("cp && sync", ("sh", "-c", _COPY_AND_SYNC, *paths), outputs, (subject.path,))
    yield Comparison(subject, NO_WAITING, hasty, copy)
    yield Comparison(subject, "durable", durable, synced)
    if subject.size == _START_UP_SIZE:
        numpy = Command("import numpy", (sys.executable, "-c", "import numpy"), outputs)
        yield Comparison(subject, "start-up", durable, numpy)


def peer_comparison(subject: Subject, folder: Path, peer: Peer) -> Comparison:
    """Return the comparison with one of TensorFlow's ways."""
    ours = _convert(subject, folder, "--durability", "none")
    outputs = folder / "theirs"
    arguments = peer.arguments(subject.path, outputs / _PREFIX)
    theirs = Command(peer.label, arguments, outputs, (subject.path,))
    return Comparison(subject, "TensorFlow", ours, theirs)


def _convert(subject: Subject, folder: Path, *options: str) -> Command:
    outputs = folder / "ours"
    arguments = ("convert", *options, str(subject.path), str(outputs / _PREFIX))
    label = " ".join(("pbckpt convert", *options))
    return Command(label, (sys.executable, "-m", "pbckpt", *arguments), outputs, (subject.path,))
