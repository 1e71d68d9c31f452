"""Peers: the scripts with which TensorFlow itself makes a checkpoint of a frozen graph.

They are no part of this repository: each takes FROZEN.pb OUT_PREFIX and needs an
interpreter that has TensorFlow. Where scripts or interpreters are missing, that
is said, and the rest of the benchmark goes on.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "../shared/peers"
"""Where the scripts are looked for; nothing else in the tools knows of the place."""

_SCRIPTS = {
    "1": ("peer_graph_editor.py", "peer_values.py"),
    "2": ("peer_values.py", "peer_raw.py"),
}
_ASK_VERSION = "import tensorflow; print(tensorflow.__version__)"


class Peer(NamedTuple):
    """One way to a checkpoint: a script under an interpreter."""

    label: str
    python: str
    script: Path

    def arguments(self, graph: Path, prefix: Path) -> tuple[str, ...]:
        """Return the command that makes the checkpoint ``prefix`` of a frozen graph."""
        return (self.python, str(self.script), str(graph), str(prefix))


class Peers(NamedTuple):
    """What can be compared with, and why the rest cannot."""

    found: tuple[Peer, ...]
    skipped: tuple[str, ...]


def find_peers(folder: Path, interpreters: Sequence[str]) -> Peers:
    """Match scripts with interpreters."""
    if not interpreters:
        return Peers((), ("TensorFlow: no interpreter given, see --tensorflow",))
    if not folder.is_dir():
        return Peers((), ("TensorFlow: no folder of peer scripts, see --peers",))
    found: list[Peer] = []
    skipped: list[str] = []
    for python in interpreters:
        version = tensorflow_version(python)
        if version is None:
            skipped.append(f"{python}: cannot import tensorflow")
            continue
        for name in _SCRIPTS.get(version.partition(".")[0], ()):
            script = folder / name
            if script.is_file():
                found.append(Peer(_label(name, version), python, script))
            else:
                skipped.append(f"{name}: not in the folder of peer scripts")
    return Peers(tuple(found), tuple(skipped))


def _label(name: str, version: str) -> str:
    way = name.removeprefix("peer_").removesuffix(".py").replace("_", " ")
    return f"TensorFlow {version}, {way}"


@cache
def tensorflow_version(python: str) -> str | None:
    """Ask an interpreter, which also warms it up: the first import reads a lot from the disk.

    None for one that cannot import TensorFlow.
    """
    try:
        answer = subprocess.run(
            [python, "-c", _ASK_VERSION], check=True, capture_output=True, encoding="utf-8"
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    words = answer.stdout.split()
    return words[-1] if words else None
