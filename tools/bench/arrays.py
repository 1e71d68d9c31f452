"""Arrays: pbckpt as a library for arrays, beside TensorFlow 2 and a copy.

    write        2GB    save_checkpoint              cp of the data file; SaveV2
    write-many   100k   save_checkpoint              SaveV2
    open         100k   open_checkpoint(prefix)[key] load_checkpoint(prefix).get_tensor(key)
    read         2GB    load_checkpoint              get_tensor of every key
                 2GB    open_checkpoint, every key   the same
    read-many    100k   open_checkpoint, every key   the same
    stream       8GB    save_checkpoint of a generator: its memory

Both sides are workers that have imported their library and hold their arrays
before the first run, and the warm-up of each pair takes what a first call costs
on top. Nobody waits for the disk, as TensorFlow never does.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tools.bench.comparisons import Comparison
from tools.bench.contents import CONTENTS
from tools.bench.libraries import Job
from tools.bench.measure import Command, MeasureError, measure, measure_pairs
from tools.bench.peers import tensorflow_version
from tools.bench.results import Footprint, Result
from tools.bench.worker import Call, Interpreter, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tools.bench.contents import Contents

    Outcome = Result | Footprint | str
    """What was measured, or why it was not."""

OURS = Interpreter("pbckpt", sys.executable, "pbckpt")
"""Where pbckpt is."""

_PREFIX = "model.ckpt"
_DATA = f"{_PREFIX}.data-00000-of-00001"
# Opening takes us so little that one run would measure the clock.
_OPENS, _THEIR_OPENS = 100, 5
_READING = {Job.READ: "read: own arrays", Job.VIEW: "read: in place"}
_STREAM_BYTES = 300_000_000


class Setting(NamedTuple):
    """Where, with whom and how thoroughly arrays are compared."""

    folder: Path
    tensorflow: tuple[Interpreter, ...]
    runs: int
    scale: float = 1
    limit: float | None = None
    tell: Callable[[str], None] = print

    def contents(self, size: str) -> Contents:
        """Return the contents of that name, at the scale of this setting."""
        return CONTENTS[size].scaled(self.scale)


def tensorflow_interpreters(
    pythons: Sequence[str],
) -> tuple[tuple[Interpreter, ...], tuple[str, ...]]:
    """Return those interpreters that have TensorFlow 2, and why not the others."""
    found, skipped = [], []
    for python in pythons:
        version = tensorflow_version(python)
        if version is None:
            skipped.append(f"arrays: {python}: cannot import tensorflow")
        elif version.startswith("1."):
            skipped.append(f"arrays: TensorFlow {version}: only TensorFlow 2 is compared with")
        else:
            found.append(Interpreter(f"TensorFlow {version}", python, "tensorflow"))
    if not pythons:
        skipped.append("arrays: TensorFlow: no interpreter given, see --tensorflow")
    return tuple(found), tuple(skipped)


def compare_writing(setting: Setting) -> Iterator[Outcome]:
    """Write few large arrays, beside a copy of the same file and beside SaveV2."""
    contents = setting.contents("2GB")
    with _prepared(OURS, contents) as ours:
        call = _write(setting, ours)
        with _checkpoint(setting, ours) as prefix:
            yield _against_copy(setting, contents, call, prefix.with_name(_DATA))
        yield from _writing(setting, contents, call, wanted=0.5)


def compare_writing_many(setting: Setting) -> Iterator[Outcome]:
    """Write many small arrays, beside SaveV2."""
    contents = setting.contents("100k")
    with _prepared(OURS, contents) as ours:
        yield from _writing(setting, contents, _write(setting, ours), wanted=1)


def compare_opening(setting: Setting) -> Iterator[Outcome]:
    """Open a checkpoint of many small arrays and read one of them."""
    contents = setting.contents("100k")
    key = contents.keys()[contents.num_tensors // 2]
    with _stored(setting, contents) as (ours, prefix):
        arguments = (str(prefix), key)
        call = _read(setting, ours, Job.OPEN, arguments, _OPENS)

        def comparison(theirs: Worker) -> Comparison:
            other = _read(setting, theirs, Job.OPEN, arguments, _THEIR_OPENS)
            return Comparison(contents, "open, read one", call, other, wanted=0.05)

        yield from _beside_tensorflow(setting, contents, comparison)


def compare_reading(setting: Setting) -> Iterator[Outcome]:
    """Read few large arrays: as arrays of our own, and in place."""
    contents = setting.contents("2GB")
    with _stored(setting, contents) as (ours, prefix):
        yield from _reading(setting, contents, ours, prefix, Job.READ)
        yield from _reading(setting, contents, ours, prefix, Job.VIEW)


def compare_reading_many(setting: Setting) -> Iterator[Outcome]:
    """Read many small arrays."""
    contents = setting.contents("100k")
    with _stored(setting, contents) as (ours, prefix):
        yield from _reading(setting, contents, ours, prefix, Job.READ, wanted=1)
        yield from _reading(setting, contents, ours, prefix, Job.VIEW, wanted=1)


def measure_stream(setting: Setting) -> Iterator[Outcome]:
    """Write large arrays that are made one by one, once: memory does not vary."""
    contents = setting.contents("8GB")
    outputs = setting.folder / "ours"
    program = (sys.executable, "-m", "tools.bench.stream")
    arguments = (str(outputs / _PREFIX), str(contents.num_tensors), str(contents.elements))
    command = Command("save_checkpoint of a generator", (*program, *arguments), outputs)
    setting.tell(f"{contents.size}: {command.label}")
    yield Footprint(contents, command.label, measure(command), _STREAM_BYTES)


ARRAYS: dict[str, Callable[[Setting], Iterator[Outcome]]] = {
    "write": compare_writing,
    "write-many": compare_writing_many,
    "open": compare_opening,
    "read": compare_reading,
    "read-many": compare_reading_many,
    "stream": measure_stream,
}
"""The comparisons by the names under which the command line has them."""


@contextmanager
def _prepared(interpreter: Interpreter, contents: Contents) -> Iterator[Worker]:
    """Start a worker that holds arrays."""
    with Worker(interpreter) as worker:
        worker.ask(Job.PREPARE, contents.num_tensors, contents.elements)
        yield worker


@contextmanager
def _stored(setting: Setting, contents: Contents) -> Iterator[tuple[Worker, Path]]:
    """Write arrays for others to read, and start a worker that does not hold them any more."""
    with _prepared(OURS, contents) as writer, _checkpoint(setting, writer) as prefix:
        writer.close()
        with Worker(OURS) as worker:
            yield worker, prefix


@contextmanager
def _checkpoint(setting: Setting, writer: Worker) -> Iterator[Path]:
    """Write a worker's arrays, and remove them at the end."""
    folder = setting.folder / "stored"
    folder.mkdir()
    try:
        writer.ask(Job.WRITE, str(folder / _PREFIX))
        yield folder / _PREFIX
    finally:
        shutil.rmtree(folder)


def _write(setting: Setting, worker: Worker) -> Call:
    outputs = setting.folder / "outputs"
    return Call(worker.label, worker, Job.WRITE, (str(outputs / _PREFIX),), outputs)


def _read(
    setting: Setting, worker: Worker, job: Job, arguments: tuple[str, ...], repeats: int = 1
) -> Call:
    stored = setting.folder / "stored"
    inputs = tuple(sorted(path for path in stored.iterdir() if path.is_file()))
    return Call(worker.label, worker, job, arguments, setting.folder / "outputs", inputs, repeats)


def _writing(setting: Setting, contents: Contents, call: Call, wanted: float) -> Iterator[Outcome]:
    def comparison(theirs: Worker) -> Comparison:
        theirs.ask(Job.PREPARE, contents.num_tensors, contents.elements, limit=setting.limit)
        return Comparison(contents, "write", call, _write(setting, theirs), wanted)

    return _beside_tensorflow(setting, contents, comparison)


def _reading(  # noqa: PLR0913 - what all comparisons are made of
    setting: Setting,
    contents: Contents,
    ours: Worker,
    prefix: Path,
    job: Job,
    *,
    wanted: float | None = None,
) -> Iterator[Outcome]:
    call = _read(setting, ours, job, (str(prefix),))

    def comparison(theirs: Worker) -> Comparison:
        other = _read(setting, theirs, Job.READ, (str(prefix),))
        return Comparison(contents, _READING[job], call, other, wanted)

    return _beside_tensorflow(setting, contents, comparison)


def _beside_tensorflow(
    setting: Setting, contents: Contents, comparison: Callable[[Worker], Comparison]
) -> Iterator[Outcome]:
    """Measure beside each TensorFlow in turn; one that fails is told and passed over."""
    for tensorflow in setting.tensorflow:
        yield _beside_one(tensorflow, setting, contents, comparison)


def _beside_one(
    tensorflow: Interpreter,
    setting: Setting,
    contents: Contents,
    comparison: Callable[[Worker], Comparison],
) -> Outcome:
    try:
        with Worker(tensorflow) as theirs:
            return _pairs(setting, comparison(theirs))
    except MeasureError as error:
        if error.label == OURS.label:
            raise
        return f"{contents.size}: {error}"


def _against_copy(setting: Setting, contents: Contents, call: Call, data: Path) -> Result:
    outputs = setting.folder / "outputs"
    copy = Command("cp", ("cp", str(data), str(outputs / "copy")), outputs, (data,))
    return _pairs(setting, Comparison(contents, "write", call, copy, 1.1))


def _pairs(setting: Setting, comparison: Comparison) -> Result:
    ours, theirs = comparison.ours, comparison.theirs
    setting.tell(f"{comparison.subject.size}: {comparison.title}: {ours.label} | {theirs.label}")
    nbytes = comparison.subject.nbytes
    pairs = measure_pairs(ours, theirs, setting.runs, nbytes=nbytes, limit=setting.limit)
    return Result(comparison, pairs)
