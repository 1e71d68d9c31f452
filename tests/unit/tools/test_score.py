"""How well detection does, held: these figures may only rise.

Shares are in thousandths, rounded down: recall, precision, trainable flags, bits,
last components of names, layers. All but the first two are shares of what was found:
a variable that is found by another name than its own lowers those.

The trap: where a tool has merged equal constants, each name of the truth needs a
variable of its own, and a graph may say no more than one. Those that are left
over ("changed") are missed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pbckpt.protos import GraphDef
from tests.shared_material import ABSENT, ROOT, corpus_entries
from tools.score.__main__ import ZOO
from tools.score.corpus import Entry, Total, add_up, find_entries

if TYPE_CHECKING:
    from pathlib import Path

Floors = dict[str, tuple[int, int, int, int, int, int]]

OPEN: Floors = {
    "changed": (1000, 1000, 1000, 1000, 964, 1000),
    "full": (1000, 1000, 997, 1000, 938, 997),
    "none": (983, 992, 1000, 1000, 801, 993),
}
HELD: Floors = {
    "changed": (975, 1000, 882, 1000, 907, 1000),
    "full": (998, 997, 972, 1000, 907, 964),
    "none": (995, 978, 967, 1000, 574, 995),
}
CORPUS: Floors = {
    "changed": (1000, 1000, 1000, 1000, 1000, 1000),
    "full": (1000, 1000, 998, 1000, 989, 1000),
    "none": (1000, 1000, 1000, 1000, 623, 1000),
}


def shares(total: Total) -> tuple[int, int, int, int, int, int]:
    """Return recall, precision, trainable, bits, last components and layers."""
    return (
        1000 * total.found // total.wanted,
        1000 * (total.taken - total.wrong) // total.taken,
        1000 * total.trainable // total.found,
        1000 * total.bits // total.comparable,
        1000 * total.last_names // total.found,
        1000 * total.layers // total.found,
    )


def fallen(totals: dict[str, Total], floors: Floors) -> dict[str, tuple[int, ...]]:
    """Return the shares that are below their floors."""
    assert totals.keys() == floors.keys()
    found = {trace: shares(total) for trace, total in totals.items()}
    return {
        trace: found[trace]
        for trace, floor in floors.items()
        if any(share < least for share, least in zip(found[trace], floor, strict=True))
    }


def test_figures_of_the_open_graphs() -> None:
    totals = add_up(find_entries(ZOO / "open"))
    assert fallen(totals, OPEN) == {}
    assert totals["full"].misses == []


def test_figures_of_the_other_half() -> None:
    assert fallen(add_up(find_entries(ZOO / "held")), HELD) == {}


@pytest.mark.skipif(not corpus_entries(), reason=ABSENT)
def test_figures_of_the_shared_corpus() -> None:
    traces = {entry["id"]: entry["trace"] for entry in corpus_entries()}
    totals = add_up(find_entries(ROOT / "corpus", traces))
    assert fallen(totals, CORPUS) == {}
    assert totals["full"].misses == []


# --- how they are added up


def make_entry(folder: Path, name: str, trace: str | None, wanted: tuple[str, ...]) -> None:
    graph = GraphDef()
    for node in ("a", "b"):
        made = graph.node.add(name=node, op="Const")
        made.attr["dtype"].type = 1
        made.attr["value"].tensor.dtype = 1
        graph.node.add(name=f"{node}/read", op="Identity", input=[node])
    truth = {
        "variables": {
            key: {"const": key, "status": "exact", "trainable": True, "sha256": ""}
            for key in wanted
        },
        "consts_not_variables": ["b"],
    }
    (folder / name).mkdir()
    (folder / name / "frozen.pb").write_bytes(graph.SerializeToString())
    (folder / name / "truth.json").write_text(
        json.dumps(truth | ({"trace": trace} if trace else {}))
    )


def test_entries_are_folders_of_a_graph_and_its_truth(tmp_path: Path) -> None:
    make_entry(tmp_path, "one", "none", ("a",))
    make_entry(tmp_path, "two", None, ("a",))
    make_entry(tmp_path, "three", "changed", ("a",))
    (tmp_path / "three" / "frozen.pb").unlink()
    (tmp_path / "empty").mkdir()
    one, two = tmp_path / "one", tmp_path / "two"
    assert list(find_entries(tmp_path, {"one": "changed"})) == [
        Entry("one", one / "frozen.pb", one / "truth.json", "changed"),
        Entry("two", two / "frozen.pb", two / "truth.json", "full"),
    ]


def test_scores_add_up_by_what_freezing_left(tmp_path: Path) -> None:
    make_entry(tmp_path, "one", "full", ("a",))
    make_entry(tmp_path, "two", "full", ("a", "c"))
    make_entry(tmp_path, "three", "none", ("a",))
    totals = add_up(find_entries(tmp_path))
    assert totals.keys() == {"full", "none"}
    full = totals["full"]
    assert (full.graphs, full.wanted, full.found, full.taken, full.wrong) == (2, 3, 2, 4, 2)
    assert full.misses == ["one: wrong b", "two: missed c", "two: wrong b"]
