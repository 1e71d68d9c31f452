"""A save that is stopped at any point leaves the old checkpoint or the new one.

Every call of a save to the system is tried as the one at which an error, an
interrupt or the end of the process comes. What lies in the directory then is
judged file by file and bit by bit, and by a save that follows.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.arrays.given import tensor_of_array
from pbckpt.checkpoints.write import OldMeta, write_bundle
from pbckpt.names import BundleKey, Prefix
from pbckpt.storage.state import latest_checkpoint
from tests.faults.layer import (
    KILLED,
    Call,
    DoneButReportedAsFailed,
    ErrorAt,
    InterruptAt,
    KillAt,
    Layer,
    pass_on,
)
from tests.faults.scene import (
    LONG,
    NEW,
    NEXT,
    OLD,
    REPORTED,
    SAVED,
    Place,
    Scene,
    holds,
    in_child,
    make_places,
    save,
    snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.faults.scene import Tensors

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="the calls that are counted are those of POSIX"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")


@pytest.fixture(params=Scene, ids=lambda scene: scene.value)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Any number of equal places."""
    return make_places(request.param, tmp_path)


def attempt(
    place: Place, tensors: Tensors, durability: pbckpt.Durability, layer: Layer
) -> BaseException | None:
    """Save through a layer; return what came out of it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        layer.install(monkeypatch)
        try:
            save(place, tensors, durability)
        except BaseException as error:  # noqa: BLE001 - all of them are judged
            return error
    return None


# The judge


def temporary_files(place: Place) -> list[str]:
    return [path.name for path in place.home.rglob(".pbckpt-*")]


def judge_result(place: Place, error: BaseException | None, tensors: Tensors) -> Iterator[str]:
    """Yield what is wrong with how a save ended."""
    untouched = snapshot(place.home) == place.before
    done = holds(place.prefix, tensors)
    if temporary_files(place):
        yield "temporary files are left"
    if isinstance(error, pbckpt.NotCommittedError):
        if not untouched:
            yield f"{error!r}, but now there are {sorted(snapshot(place.home))}"
    elif error is None or isinstance(error, pbckpt.DurabilityError):
        if not done:
            yield f"{error!r}, but the new checkpoint is not whole"
    elif isinstance(error, KeyboardInterrupt):
        if not (untouched or done):
            yield f"neither as before nor done: {sorted(snapshot(place.home))}"
    else:
        yield f"raised {error!r}"
    yield from judge_others(place, tensors)


def judge_others(place: Place, tensors: Tensors) -> Iterator[str]:
    """Yield what is lost: never both of old and new, never the checkpoint beside them."""
    if place.scene is Scene.REPLACE:
        if not holds(place.home / "other", OLD):
            yield "the other checkpoint is lost"
        if not (holds(place.prefix, OLD) or holds(place.prefix, tensors)):
            yield "both checkpoints are lost"
        if latest_checkpoint(str(place.home)) not in (f"{place.home}/other", f"{place.home}/m"):
            yield "the state names something else"


class TooSlowError(BaseException):
    """Not to be taken for something that the code under test raised."""


def ring(number: int, frame: object) -> None:  # noqa: ARG001
    raise TooSlowError


def shards_of(count: int) -> set[str]:
    """Return the names of all data files of a checkpoint that counts so many."""
    return {f"m.data-{number:05d}-of-{count:05d}" for number in range(count)}


def judge_next_save(place: Place) -> Iterator[str]:
    """Yield what a following save did not put right."""
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        pbckpt.save_checkpoint(
            NEXT,
            place.prefix,
            on_existing=pbckpt.OnExisting.REPLACE,
            durability=pbckpt.Durability.NONE,
        )
    except TooSlowError:
        yield "the next save waits for ever"
        return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if not holds(place.prefix, NEXT):
        yield "the next save is not whole"
    names = {path.name for path in place.prefix.parent.iterdir()}
    others = {name for name in place.before if name.startswith("other")}
    whole = [shards_of(count) | {"m.index", "checkpoint"} | others for count in (1, 2, 3)]
    if names not in whole:
        yield f"the next save left {sorted(names)}"


def every_point(
    places: Iterator[Place],
    tensors: Tensors,
    durability: pbckpt.Durability,
    fault_at: Callable[[int], Callable[[Call], object]],
    judge: Callable[[Place, BaseException | None, Tensors], Iterator[str]] = judge_result,
) -> list[str]:
    """Save once per call, with the fault at that call, and return all that went wrong."""
    problems: list[str] = []
    for number, place in enumerate(places, 1):
        layer = Layer(fault_at(number))
        files_before = open_files()
        error = attempt(place, tensors, durability, layer)
        files_after = open_files()
        found = [*judge(place, error, tensors), *judge_next_save(place)]
        if files_after != files_before and not isinstance(error, KeyboardInterrupt):
            found.append("files are left open")
        if len(layer.names) < number:
            assert error is None
            assert found == []
            assert number > 12
            return problems
        problems += [f"call {number}, {layer.names[number - 1]}: {text}" for text in found]
    raise AssertionError


def none_of(problems: Iterable[str]) -> None:
    """Fail with all of them, if there are any."""
    text = "\n".join(problems)
    if text:
        pytest.fail(text, pytrace=False)


def open_files() -> list[str]:
    """Return the numbers of this process's open files, where the system lists them."""
    folder = Path("/proc/self/fd")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def close_others(files: list[str]) -> None:
    """Close what an interrupt left open: other tests count how many files may be."""
    for number in set(open_files()) - set(files):
        with contextlib.suppress(OSError):
            os.close(int(number))


# Errors


def test_without_a_fault_every_call_is_counted(tmp_path: Path) -> None:
    for scene in Scene:
        (tmp_path / scene.value).mkdir()
        place = next(make_places(scene, tmp_path / scene.value))
        layer = Layer(pass_on)
        assert attempt(place, NEW, pbckpt.Durability.FULL, layer) is None
        seen = {"open", "close", "write", "pwrite", "fsync", "rename", "listdir"}
        assert seen <= set(layer.names)
        assert ("mkdir" in layer.names) is (scene is Scene.FRESH)
        none_of(judge_result(place, None, NEW))


@pytest.mark.parametrize("durability", pbckpt.Durability, ids=lambda kind: kind.value)
@pytest.mark.parametrize(
    "code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS], ids=errno.errorcode.get
)
def test_an_error_of_any_call(
    code: int, durability: pbckpt.Durability, places: Iterator[Place]
) -> None:
    none_of(every_point(places, NEW, durability, lambda number: ErrorAt(number, code)))


@pytest.mark.parametrize("durability", pbckpt.Durability, ids=lambda kind: kind.value)
@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS], ids=errno.errorcode.get)
def test_a_disk_that_fails_for_good(
    code: int, durability: pbckpt.Durability, places: Iterator[Place]
) -> None:
    """Nothing can be removed from it any more, but nothing is lost either."""

    def judge(place: Place, error: BaseException | None, tensors: Tensors) -> Iterator[str]:
        now = snapshot(place.home)
        if isinstance(error, pbckpt.NotCommittedError):
            if any(now.get(name, b"absent") != data for name, data in place.before.items()):
                yield f"{error!r}, but something is gone: {sorted(now)}"
        elif not isinstance(error, pbckpt.DurabilityError | None):
            yield f"raised {error!r}"
        elif not holds(place.prefix, tensors):
            yield f"{error!r}, but the new checkpoint is not whole"
        yield from judge_others(place, tensors)

    def fault(number: int) -> ErrorAt:
        return ErrorAt(number, code, for_good=True)

    none_of(every_point(places, NEW, durability, fault, judge))


def test_a_call_that_is_done_and_reported_as_failed(places: Iterator[Place]) -> None:
    def fault(number: int) -> DoneButReportedAsFailed:
        return DoneButReportedAsFailed(number, errno.EIO)

    none_of(every_point(places, NEW, pbckpt.Durability.FULL, fault))


def test_an_error_in_one_of_several_threads(places: Iterator[Place]) -> None:
    def fault(number: int) -> ErrorAt:
        return ErrorAt(number, errno.ENOSPC)

    none_of(every_point(places, LONG, pbckpt.Durability.FULL, fault))


def test_locks_that_do_not_work_stop_nothing(places: Iterator[Place]) -> None:
    def no_locks(call: Call) -> object:
        if call.name == "flock":
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        return call.go_on()

    place = next(places)
    assert attempt(place, NEW, pbckpt.Durability.FULL, Layer(no_locks)) is None
    none_of(judge_result(place, None, NEW))


# Interrupts


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("durability", pbckpt.Durability, ids=lambda kind: kind.value)
def test_an_interrupt_at_any_call(
    when: str, durability: pbckpt.Durability, places: Iterator[Place]
) -> None:
    def fault(number: int) -> InterruptAt:
        return InterruptAt(number, after=when == "after")

    none_of(every_point(places, NEW, durability, fault))


def test_an_interrupt_in_one_of_several_threads(places: Iterator[Place]) -> None:
    def fault(number: int) -> InterruptAt:
        return InterruptAt(number, after=False)

    none_of(every_point(places, LONG, pbckpt.Durability.NONE, fault))


def test_signals_that_are_handled_stop_nothing(places: Iterator[Place]) -> None:
    """They cut system calls short, which then have to be gone on with."""
    rung = 0

    def note(number: int, frame: object) -> None:  # noqa: ARG001
        nonlocal rung
        rung += 1

    place = next(places)
    before = signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        error = attempt(place, LONG, pbckpt.Durability.FULL, Layer(pass_on))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    none_of(judge_result(place, error, LONG))
    assert rung > 0


@pytest.mark.parametrize("at_once", [1, 7, 4096])
@pytest.mark.parametrize("tensors", [NEW, LONG], ids=["short", "long"])
def test_writes_that_take_a_part_of_it(
    at_once: int, tensors: Tensors, places: Iterator[Place]
) -> None:
    def fault(call: Call) -> object:
        if call.name not in ("write", "pwrite"):
            return call.go_on()
        fd, data, *place = call.arguments
        return call.real(fd, memoryview(data)[: max(at_once, len(data) // 100)], *place)

    place = next(places)
    error = attempt(place, tensors, pbckpt.Durability.FULL, Layer(fault))
    none_of(judge_result(place, error, tensors))
    assert error is None


# A graph that goes with its checkpoint

GRAPH = b"the graph of the old checkpoint"


def places_with_a_graph(folder: Path) -> Iterator[Place]:
    """Yield places whose checkpoint has a .meta beside it."""
    for place in make_places(Scene.REPLACE, folder):
        (place.home / "m.meta").write_bytes(GRAPH)
        yield place._replace(before={**place.before, "m.meta": GRAPH})


def save_without_graph(place: Place, layer: Layer) -> BaseException | None:
    """Replace the checkpoint as a conversion without a .meta does."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        layer.install(monkeypatch)
        try:
            write_bundle(
                [[tensor_of_array(BundleKey(b"w"), NEXT["w"])]],
                0,
                Prefix.parse(place.prefix),
                on_existing=pbckpt.OnExisting.REPLACE,
                durability=pbckpt.Durability.FULL,
                old_meta=OldMeta.REMOVED,
            )
        except BaseException as error:  # noqa: BLE001 - all of them are judged
            return error
    return None


def judge_graph(place: Place) -> Iterator[str]:
    """Yield what is wrong: an old checkpoint without its graph, a new one with that."""
    meta = place.home / "m.meta"
    if holds(place.prefix, OLD):
        if not meta.exists() or meta.read_bytes() != GRAPH:
            yield "the old checkpoint has lost its graph"
    elif not holds(place.prefix, NEXT):
        yield "both checkpoints are lost"


@pytest.mark.parametrize(
    "fault_at",
    [
        lambda number: ErrorAt(number, errno.EIO),
        lambda number: ErrorAt(number, errno.EIO, for_good=True),
        lambda number: DoneButReportedAsFailed(number, errno.EIO),
        lambda number: InterruptAt(number, after=False),
        lambda number: InterruptAt(number, after=True),
    ],
    ids=["error", "disk", "lost answer", "interrupt before", "interrupt after"],
)
def test_no_fault_parts_a_checkpoint_from_its_graph(
    fault_at: Callable[[int], Callable[[Call], object]], tmp_path: Path
) -> None:
    problems: list[str] = []
    for number, place in enumerate(places_with_a_graph(tmp_path), 1):
        layer = Layer(fault_at(number))
        files_before = open_files()
        error = save_without_graph(place, layer)
        close_others(files_before)
        found = [*judge_graph(place)]
        if isinstance(error, pbckpt.NotCommittedError) and not holds(place.prefix, OLD):
            found.append(f"{error!r}, but the old checkpoint is gone")
        if error is None and (place.home / "m.meta").exists():
            found.append("the graph of the old checkpoint is still there")
        problems += [f"call {number}: {text}" for text in found]
        if len(layer.names) < number:
            assert error is None
            assert number > 12
            break
    none_of(problems)


@needs_fork
def test_no_end_of_the_process_parts_a_checkpoint_from_its_graph(tmp_path: Path) -> None:
    problems: list[str] = []
    for number, place in enumerate(places_with_a_graph(tmp_path), 1):

        def run(place: Place = place, number: int = number) -> None:
            error = save_without_graph(place, Layer(KillAt(number)))
            assert error is None

        status = in_child(run)
        assert status in (KILLED, SAVED)
        problems += [f"call {number}: {text}" for text in judge_graph(place)]
        if status == SAVED:
            assert number > 12
            break
    none_of(problems)


# The end of the process


@needs_fork
@pytest.mark.parametrize("tensors", [NEW, LONG], ids=["short", "long"])
@pytest.mark.parametrize("durability", pbckpt.Durability, ids=lambda kind: kind.value)
def test_the_end_of_the_process_at_any_call(
    durability: pbckpt.Durability, tensors: Tensors, places: Iterator[Place]
) -> None:
    problems: list[str] = []
    for number, place in enumerate(places, 1):

        def run(place: Place = place, number: int = number) -> None:
            with pytest.MonkeyPatch.context() as monkeypatch:
                Layer(KillAt(number)).install(monkeypatch)
                save(place, tensors, durability)

        status = in_child(run)
        assert status in (KILLED, SAVED)
        found = [*judge_after_kill(place, tensors), *judge_next_save(place)]
        problems += [f"call {number}: {text}" for text in found]
        if status == SAVED:
            assert number > 12
            break
    none_of(problems)


def judge_after_kill(place: Place, tensors: Tensors) -> Iterator[str]:
    if place.scene is Scene.FRESH:
        index = place.prefix.with_name("m.index")
        if index.exists() and not holds(place.prefix, tensors):
            yield "an index, but no checkpoint"
    yield from judge_others(place, tensors)


def judge_limits(
    limits: Iterable[int], places: Iterator[Place], limit_to: Callable[[int], None]
) -> None:
    """Save under limits that grow: at first nothing is written, in the end all."""
    statuses = []
    for limit, place in zip(limits, places, strict=False):

        def run(place: Place = place, limit: int = limit) -> None:
            limit_to(limit)
            save(place, NEW, pbckpt.Durability.FULL)

        statuses.append(in_child(run))
        if statuses[-1] == SAVED:
            assert holds(place.prefix, NEW)
        else:
            assert snapshot(place.home) == place.before
    assert statuses == sorted(statuses, reverse=True)
    assert set(statuses) == {REPORTED, SAVED}


@needs_fork
def test_files_that_may_not_grow(places: Iterator[Place]) -> None:
    resource = pytest.importorskip("resource")

    def limit_to(limit: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    judge_limits((0, 1, 20, 40, 60, 80, 100, 120, 160, 200, 10_000), places, limit_to)


@needs_fork
def test_too_many_open_files(places: Iterator[Place]) -> None:
    resource = pytest.importorskip("resource")

    def limit_to(limit: int) -> None:
        first_free = os.dup(0)
        os.close(first_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + limit, first_free + limit))

    judge_limits(range(12), places, limit_to)
