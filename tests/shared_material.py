"""Graphs and checkpoints beside the checkout, used in addition where they are.

The project's own fixtures are enough for a full run. This is the one place of
the tests that says where the rest may lie.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent / "shared"
ABSENT = f"shared material is not beside the checkout: no {ROOT.name}/ there, own fixtures only"


def corpus_entries() -> list[dict[str, Any]]:
    """Return the index of the frozen graphs with their truth; empty where there is none."""
    index = ROOT / "corpus" / "index.json"
    return json.loads(index.read_text()) if index.is_file() else []


def frozen_graphs() -> list[Any]:
    """Return a parameter per frozen graph, or one that is skipped and says why."""
    found = [
        pytest.param(ROOT / "corpus" / entry["id"] / "frozen.pb", id=entry["id"])
        for entry in corpus_entries()
        if entry["frozen"] == "frozen.pb"
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


def runnable_graphs() -> list[Any]:
    """Return a parameter per frozen graph with what goes in and comes out, or a skipped one."""
    found = [
        pytest.param(ROOT / "corpus" / entry["id"] / entry["frozen"], id=entry["id"])
        for entry in corpus_entries()
        if entry["has_io"]
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


def base_checkpoint(entry: str) -> Path:
    """Return the checkpoint that variants of a frozen graph were made from."""
    return ROOT / "corpus" / entry / "model.ckpt"


def corpus_graph(entry: str, name: str) -> list[Any]:
    """Return a parameter for a file of a frozen graph's folder, or a skipped one."""
    path = ROOT / "corpus" / entry / name
    if path.is_file():
        return [pytest.param(path, id=f"{entry}/{name}")]
    return [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


def graphs_of_variables() -> list[Any]:
    """Return a parameter per MetaGraphDef and SavedModel of TensorFlow's, or a skipped one."""
    found = [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for pattern in ("*.meta", "saved_model.pb")
        for path in sorted(ROOT.rglob(pattern))
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


def golden_index_files() -> list[Any]:
    """Return a parameter per index file that TensorFlow wrote, or a skipped one."""
    golden = ROOT / "golden"
    found = [
        pytest.param(path, id=str(path.relative_to(golden)))
        for path in sorted(golden.rglob("*.index"))
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]
