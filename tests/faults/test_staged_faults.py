"""A directory that is stopped at any point on its way is the old one or the new one.

As in `test_commit_faults`, every call to the system is tried as the one at which an
error, an interrupt or the end of the process comes.
"""

from __future__ import annotations

import errno
import os
import re
from itertools import count
from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import DurabilityError, NotCommittedError
from pbckpt.storage import staged_directory as module
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.staged_directory import StagedDirectory
from tests.faults.layer import (
    Call,
    DoneButReportedAsFailed,
    ErrorAt,
    InterruptAt,
    KillAt,
    Layer,
)
from tests.faults.scene import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Files = dict[str, bytes | None]

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="the calls that are counted are those of POSIX"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")

PARTS = re.compile(r"model\.pb|data(/x)?")
SIGNS = frozenset({"model.pb"})
OLD: Files = {"model": None, "model/model.pb": b"old", "model/data": None, "model/data/x": b"x"}
NEW: Files = {"model": None, "model/model.pb": b"new"}
FRESH, REPLACED = {"beside": b"mine"}, {"beside": b"mine", **OLD}


def put(home: Path, durability: Durability, data: bytes = b"new") -> None:
    with StagedDirectory(home / "model", PARTS, SIGNS, OnExisting.REPLACE, durability) as staging:
        with staging.reporting_errors():
            staging.write("model.pb", [data])
        staging.commit()


def places(folder: Path, before: Files) -> Iterator[Path]:
    """Yield any number of equal directories."""
    for number in count(1):
        home = folder / str(number)
        home.mkdir()
        for name, data in before.items():
            if data is None:
                (home / name).mkdir()
            else:
                (home / name).write_bytes(data)
        yield home


def attempt(home: Path, durability: Durability, layer: Layer) -> BaseException | None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        layer.install(monkeypatch)
        monkeypatch.setattr(module, "os", layer)
        try:
            put(home, durability)
        except BaseException as error:  # noqa: BLE001 - all of them are judged
            return error
    return None


def is_of_old(found: Files, old: str) -> bool:
    """Tell whether the directory that was replaced is all that there is besides."""
    besides = set(found) - set(NEW) - {"beside"}
    return all(name == old or name.startswith(f"{old}/") for name in besides)


def judge(home: Path, error: BaseException | None, before: Files) -> Iterator[str]:
    """Yield what is wrong with how it ended."""
    found = snapshot(home)
    done = {"beside": b"mine", **NEW}
    if isinstance(error, NotCommittedError):
        if found != before:
            yield f"{error}, but there is {sorted(found)}"
        if ".pbckpt-" in str(error):
            yield f"tells of a temporary name: {error}"
    elif isinstance(error, DurabilityError):
        left = re.search(r"be left as (\S+)", str(error))
        if done.items() - found.items() or not is_of_old(found, left[1] if left else ""):
            yield f"{error}, but there is {sorted(found)}"
    elif isinstance(error, KeyboardInterrupt):
        if found not in (before, done):
            yield f"neither as before nor done: {sorted(found)}"
    elif error is not None:
        yield f"raised {error!r}"
    elif found != done:
        yield f"ended well with {sorted(found)}"


def judge_loss(home: Path, error: BaseException | None, before: Files) -> Iterator[str]:
    """Yield what is wrong where nothing can be put right any more, but nothing is lost."""
    found = snapshot(home)
    if isinstance(error, NotCommittedError):
        aside = re.search(r"beside it as (\S+), to be renamed$", str(error))
        names = {name.replace(aside[1], "model", 1) if aside else name: name for name in found}
        if any(name not in names or found[names[name]] != before[name] for name in before):
            yield f"{error}, but there is {sorted(found)}"
    elif not isinstance(error, DurabilityError | None):
        yield f"raised {error!r}"
    elif found.get("model/model.pb") != b"new":
        yield f"{error!r}, but the new one is not there"


def judge_next(home: Path) -> Iterator[str]:
    put(home, Durability.NONE, b"next")
    found = snapshot(home)
    if found.get("model/model.pb") != b"next" or any(".pbckpt-" in name for name in found):
        yield f"the next one left {sorted(found)}"


def every_point(
    folder: Path,
    before: Files,
    durability: Durability,
    fault_at: Callable[[int], Callable[[Call], object]],
    judged: Callable[[Path, BaseException | None, Files], Iterator[str]] = judge,
) -> list[str]:
    """Make a directory once per call, with the fault at it, and return what went wrong."""
    problems: list[str] = []
    for number, home in enumerate(places(folder, before), 1):
        layer = Layer(fault_at(number))
        error = attempt(home, durability, layer)
        found = [*judged(home, error, before), *judge_next(home)]
        problems += [f"call {number}, {layer.names[number - 1 :][:1]}: {one}" for one in found]
        if number > len(layer.names):
            assert number > 15
            return problems
    return problems


@pytest.mark.parametrize("before", [FRESH, REPLACED], ids=["fresh", "replace"])
@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_an_error(code: int, durability: Durability, before: Files, tmp_path: Path) -> None:
    assert every_point(tmp_path, before, durability, lambda at: ErrorAt(at, code)) == []


@pytest.mark.parametrize("before", [FRESH, REPLACED], ids=["fresh", "replace"])
@pytest.mark.parametrize("durability", Durability)
def test_a_disk_that_fails_for_good(durability: Durability, before: Files, tmp_path: Path) -> None:
    def fault(number: int) -> ErrorAt:
        return ErrorAt(number, errno.EIO, for_good=True)

    assert every_point(tmp_path, before, durability, fault, judge_loss) == []


@pytest.mark.parametrize("before", [FRESH, REPLACED], ids=["fresh", "replace"])
def test_an_answer_that_is_lost(before: Files, tmp_path: Path) -> None:
    problems = every_point(
        tmp_path, before, Durability.FULL, lambda at: DoneButReportedAsFailed(at, errno.EIO)
    )
    assert problems == []


@pytest.mark.parametrize("before", [FRESH, REPLACED], ids=["fresh", "replace"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_interrupt(*, after: bool, before: Files, tmp_path: Path) -> None:
    problems = every_point(
        tmp_path, before, Durability.FULL, lambda at: InterruptAt(at, after=after)
    )
    assert problems == []


@needs_fork
@pytest.mark.parametrize("before", [FRESH, REPLACED], ids=["fresh", "replace"])
def test_the_end_of_the_process(before: Files, tmp_path: Path) -> None:
    """Both are there, or one of them, and the next one removes what has a temporary name."""
    for number, home in enumerate(places(tmp_path, before), 1):
        layer = Layer(KillAt(number))
        child = os.fork()
        if child == 0:
            attempt(home, Durability.FULL, layer)
            os._exit(0)
        ended_well = os.waitpid(child, 0)[1] == 0
        found = snapshot(home)
        names = {name.partition("/")[0] for name in found}
        [aside] = [name for name in names if ".replaced-" in name] or [""]
        is_old = found.get("model/model.pb") == b"old" or found.get(f"{aside}/model.pb") == b"old"
        assert is_old or found.get("model/model.pb") == b"new" or before is FRESH, number
        assert list(judge_next(home)) == []
        if aside:
            assert (home / aside).exists(), "what was put aside is not removed by a guess"
        if ended_well:
            assert number > 15
            return
