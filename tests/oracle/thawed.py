"""Thawed graphs before the judge: how a graph is run, and what must come of it.

    convert   frozen graph -> checkpoint and .meta
    judge     both are run, what was thawed is trained and saved again
    check     what TensorFlow found

A check has no tolerance but for gradients, and for those it is far below what another
order of additions would make of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pbckpt import api

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.judge import TensorFlowJudge

STEPS = 3
FURTHEST = 1e-6
PARTS = ".index", ".data-00000-of-00001"


@dataclass(frozen=True)
class Network:
    """A frozen graph, and how it is run.

    ``original`` is a checkpoint and .meta of before it was frozen. ``kept`` are variables
    that never were, and ``handles`` resources that it wants to be fed.
    """

    frozen: Path
    values: Path
    feeds: list[dict[str, str]]
    fetches: list[str]
    init_ops: list[str] = field(default_factory=list)
    original: Path | None = None
    kept: dict[str, Any] | None = None
    handles: list[dict[str, Any]] = field(default_factory=list)

    def request(self, prefix: Path, *, is_whole: bool) -> dict[str, Any]:
        """Return what the judge is asked; if not for the whole, only to run and save."""
        asked: dict[str, Any] = {
            "frozen": str(self.frozen),
            "prefix": str(prefix),
            "values": str(self.values),
            "feeds": self.feeds,
            "fetches": self.fetches,
            "init_ops": self.init_ops,
            "handles": self.handles,
            "steps": STEPS if is_whole else 0,
        }
        if self.kept:
            asked["kept"] = self.kept
        if self.original and is_whole:
            asked["original"] = str(self.original)
        return asked


@dataclass(frozen=True)
class Exceptions:
    """What is not as it should be of one graph, and known to be so.

    ``refusal`` is why TensorFlow has no gradients. ``idle`` are trainable variables that
    get none, and ``missing`` those that had one before freezing and have none now.
    ``is_still`` says that the loss need not fall.
    """

    refusal: str = ""
    idle: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    is_still: bool = False


NONE = Exceptions()


def thaw(
    network: Network,
    prefix: Path,
    kind: api.VariableKind,
    selection: api.Selection | None = None,
) -> api.Report:
    """Convert a frozen graph, demanding that it be thawed."""
    return api.convert(
        network.frozen,
        prefix,
        selection=selection or api.Selection(),
        durability=api.Durability.NONE,
        thaw=api.Thaw(api.MetaFile.REQUIRED, kind),
    )


def one_prefix(folder: Path, meta: Path, checkpoint: Path) -> Path:
    """Link a .meta and a checkpoint that have different names under one."""
    folder.mkdir()
    (folder / "m.meta").symlink_to(meta)
    for end in PARTS:
        (folder / f"m{end}").symlink_to(f"{checkpoint}{end}")
    return folder / "m"


def variable_names(report: api.Report) -> dict[str, bool]:
    """Return the names that variables have in a thawed graph, and which are trainable."""
    found = {}
    for variable in report.variables:
        for number, part in enumerate(variable.parts):
            found[f"{variable.key}/part_{number}"] = part.trainable
        if not variable.parts:
            found[variable.key] = variable.trainable
    return found


def check(
    judge: TensorFlowJudge,
    network: Network,
    prefix: Path,
    known: Exceptions = NONE,
    *,
    is_whole: bool = True,
) -> dict[str, Any]:
    """Have TensorFlow run a thawed graph, and check everything that it found."""
    found = judge.ask("run_thawed", **network.request(prefix, is_whole=is_whole))
    assert found["outputs"]
    assert [one for one in found["outputs"] if not one["same"]] == []
    assert len(set(found["shared_names"])) == len(found["shared_names"])
    assert found["uninitialized"] == []
    assert found["saved"] == {"same": True, "zeroed": True}
    assert set(found["trainable"]) <= set(found["variables"])
    if not network.kept:
        assert found["fresh_saver"] == ""
    if is_whole:
        check_training(found["training"], set(found["trainable"]), known)
        if network.original:
            check_gradients(found["gradients"], known)
    return found


def check_training(training: dict[str, Any], trainable: set[str], known: Exceptions) -> None:
    """Check that training goes down and changes what is trainable, or is refused as known."""
    if known.refusal or training["refused"]:
        assert known.refusal
        assert known.refusal in training["refused"]
        return
    assert set(training["idle"]) == known.idle
    assert set(training["changed"]) <= trainable - known.idle
    losses = training["losses"]
    assert len(losses) == STEPS + 1
    if not known.is_still:
        assert training["changed"]
        falls = [after < before for before, after in pairwise(losses)]
        assert all(falls), losses


def check_gradients(gradients: dict[str, Any], known: Exceptions) -> None:
    """Check that the gradients are those of before freezing."""
    assert gradients["compared"] > 0
    assert set(gradients["missing"]) == known.missing
    assert gradients["furthest"] <= FURTHEST
