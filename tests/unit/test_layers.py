"""The rooms import what docs/architecture.md says they may, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "pbckpt"
# The faces that start the others, and what belongs to no layer.
FACES = {"__init__", "__main__", "sample"}
# Where each of these may be imported, and nowhere else.
GUESTS = {
    "crc32c": set(),  # by path, in wire/checksum
    "numpy": {
        "dtypes",
        "archives/npy",
        "applications/checkpoint",
        "applications/computed",
        "applications/variable_values",
        "checkpoints/stored",
        *(f"arrays/{path.stem}" for path in (PACKAGE / "arrays").glob("*.py")),
        # Whether a tensor can be evaluated is answered without numpy.
        *(
            f"evaluation/{name}"
            for name in ("call", "compute", "constants", "denormals", "dequantize", "limits")
        ),
        *(
            f"evaluation/operations/{path.stem}"
            for path in (PACKAGE / "evaluation/operations").glob("*.py")
        ),
        "evaluation/evaluator",
    },
    "ml_dtypes": {"dtypes"},
    "cramjam": {"table/snappy"},
    "google": {
        "protos/pool",
        "protos/decode",
        "protos/text",
        "protos/__init__",
        "storage/state",
    },
    "mmap": {"storage/local"},
    "fcntl": {"storage/directory"},
    "argparse": {"cli/arguments", "cli/asked", "cli/options", "cli/main", "cli/commands"},
}
# numpy's types are named where arrays pass through; only these import it to run.
RUNS_NUMPY = {name for name in GUESTS["numpy"] if not name.startswith(("app", "checkpoints"))}
OPENERS = {"open", "fdopen", "mmap"}


def allowed() -> dict[str, set[str]]:
    """Return the table of rooms in the drawing."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", cell)) for room, cell in rows}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports anywhere, for types included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_every_room_is_drawn() -> None:
    rooms = {name_of(path).split("/")[0] for path in modules()}
    assert rooms - FACES == set(allowed())


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    room = name_of(path).split("/")[0]
    if room in FACES:
        return
    used = {room_of(name) for name in imported(path) if name.startswith("pbckpt.")}
    assert used - {room} <= allowed()[room]


def test_the_drawing_promises_nothing_unused() -> None:
    """A permission that no import needs is a door that should not be there."""
    used: dict[str, set[str]] = {room: set() for room in allowed()}
    for path in modules():
        room = name_of(path).split("/")[0]
        if room not in FACES:
            names = {room_of(name) for name in imported(path) if name.startswith("pbckpt.")}
            used[room] |= names - {room}
    assert used == allowed()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_guests_stay_in_their_rooms(path: Path) -> None:
    for name in imported(path):
        guest = name.split(".")[0]
        assert guest not in GUESTS or name_of(path) in GUESTS[guest], name


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_arrays_run_numpy(path: Path) -> None:
    """Elsewhere numpy is named for types, in a block that never runs."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    ran = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert "numpy" not in ran or name_of(path) in RUNS_NUMPY


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_storage_opens_files(path: Path) -> None:
    if name_of(path).startswith("storage/"):
        return
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    # It opens members of a zip that storage opened.
    if name_of(path) == "archives/npz":
        calls.discard("archive.open")
    # The command line points stdout at /dev/null when its reader is gone.
    if name_of(path) == "cli/main":
        calls.discard("os.open")
    assert not {call for call in calls if call.split(".")[-1] in OPENERS}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_no_room_for_odds_and_ends(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    assert len(path.read_text().splitlines()) <= 400
