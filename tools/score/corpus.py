"""A corpus: folders of a frozen graph and its truth, scored style by style."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pbckpt.applications.score import Score, score

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_GRAPHS = ("frozen.pb", "frozen.pbtxt", "saved_model/saved_model.pb")


@dataclass(frozen=True)
class Entry:
    """A graph with its truth; ``trace`` says what freezing left: full, changed or none."""

    name: str
    graph: Path
    truth: Path
    trace: str


@dataclass
class Total:
    """The scores of many graphs, added up."""

    graphs: int = 0
    wanted: int = 0
    found: int = 0
    taken: int = 0
    wrong: int = 0
    names: int = 0
    last_names: int = 0
    layers: int = 0
    trainable: int = 0
    comparable: int = 0
    bits: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, name: str, one: Score) -> None:
        """Add the score of a graph."""
        self.graphs += 1
        self.wrong += len(one.wrong)
        for what in ("wanted", "found", "taken", "names", "last_names", "layers"):
            setattr(self, what, getattr(self, what) + getattr(one, what))
        for what in ("trainable", "comparable", "bits"):
            setattr(self, what, getattr(self, what) + getattr(one, what))
        self.misses += [f"{name}: missed {missed}" for missed in one.missed]
        self.misses += [f"{name}: wrong {wrong}" for wrong in one.wrong]


def find_entries(folder: Path, traces: Mapping[str, str] | None = None) -> Iterator[Entry]:
    """Yield the graphs of a folder that have a truth file.

    What freezing left is said by the truth, or by ``traces``, by the entry's name.
    """
    for truth in sorted(folder.glob("*/truth.json")):
        graph = next(
            (truth.parent / name for name in _GRAPHS if (truth.parent / name).exists()), None
        )
        known = json.loads(truth.read_text())
        if graph is not None and _is_frozen(known):
            name = truth.parent.name
            trace = (traces or {}).get(name) or known.get("trace", "full")
            yield Entry(name, graph, truth, trace)


def _is_frozen(truth: Mapping[str, Any]) -> bool:
    """Tell whether a truth is of a frozen graph, and not of a checkpoint alone."""
    return any(fact.get("const") for fact in truth["variables"].values())


def add_up(entries: Iterable[Entry]) -> dict[str, Total]:
    """Return the totals by what freezing left."""
    totals: dict[str, Total] = {}
    for entry in entries:
        totals.setdefault(entry.trace, Total()).add(entry.name, score(entry.graph, entry.truth))
    return totals
