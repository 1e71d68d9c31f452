"""Measure: two commands or calls by turns, under the same conditions.

    once        A B             to warm up: nothing is kept
    then        A B  A B  A B   a pair is two runs close in time

What disturbs a machine disturbs both halves of a pair, so the ratio within a
pair is steadier than either time, and the median of those ratios is the figure
to rely on.

Before each run, and outside its time, its outputs are removed, the disk is left
to finish what earlier runs gave it, memory for what will be moved is made
ready, and the inputs are read once so that they come from memory: what is
compared is the work, not who came first to the disk, or to memory that a
virtual machine has given back to its host.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_METER = Path(__file__).with_name("meter.py")
_READY = Path(__file__).with_name("ready.py")
_READ_BYTES = 1 << 20


class MeasureError(Exception):
    """A command that failed or took too long, with its last words."""

    def __init__(self, label: str, fact: str) -> None:
        """Say what happened to the command of that label."""
        super().__init__(f"{label}: {fact}")
        self.label = label


class Command(NamedTuple):
    """A program with arguments, what it reads, and the folder that it may fill."""

    label: str
    arguments: tuple[str, ...]
    outputs: Path
    inputs: tuple[Path, ...] = ()

    def run(self, limit: float | None = None) -> Run:
        """Run it as a process of its own."""
        return _metered(self, limit)


class Run(NamedTuple):
    """What one run took."""

    seconds: float
    peak_bytes: int


class Measurable(Protocol):
    """What can be measured: a command, or a call of a library."""

    @property
    def label(self) -> str:
        """What results call it."""

    @property
    def outputs(self) -> Path:
        """The folder that it may fill."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that it reads."""

    def run(self, limit: float | None = None) -> Run:
        """Do it once, in about ``limit`` seconds at most. Raises MeasureError."""


class Spread(NamedTuple):
    """Several figures in three."""

    median: float
    least: float
    most: float


class Pairs(NamedTuple):
    """The runs of two commands; runs at the same place were made one after the other."""

    ours: tuple[Run, ...]
    theirs: tuple[Run, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our time over theirs, pair by pair."""
        return tuple(a.seconds / b.seconds for a, b in zip(self.ours, self.theirs, strict=True))


def spread(figures: Sequence[float]) -> Spread:
    """Return the median, the least and the most of some figures."""
    return Spread(statistics.median(figures), min(figures), max(figures))


def seconds(runs: Sequence[Run]) -> Spread:
    """Return how long the runs took."""
    return spread([run.seconds for run in runs])


def peak_bytes(runs: Sequence[Run]) -> int:
    """Return the median of the runs' peaks."""
    return round(statistics.median(run.peak_bytes for run in runs))


def measure_pairs(  # noqa: PLR0913 - two commands, and how to run them
    ours: Measurable,
    theirs: Measurable,
    runs: int,
    *,
    nbytes: int = 0,
    warm_up: bool = True,
    limit: float | None = None,
) -> Pairs:
    """Run two commands by turns, ``runs`` times each after a warm-up.

    ``nbytes`` is about how much each writes or reads. Raises MeasureError for the first
    run that fails or exceeds ``limit`` seconds.
    """
    if warm_up:
        measure(ours, nbytes, limit)
        measure(theirs, nbytes, limit)
    pairs = [(measure(ours, nbytes, limit), measure(theirs, nbytes, limit)) for _ in range(runs)]
    ours_runs, theirs_runs = zip(*pairs, strict=True)
    return Pairs(ours_runs, theirs_runs)


def measure(command: Measurable, nbytes: int = 0, limit: float | None = None) -> Run:
    """Run a command that moves ``nbytes`` once, from a settled machine; leave no output."""
    _empty(command.outputs)
    os.sync()
    _ready_memory(nbytes)
    for path in command.inputs:
        _read_through(path)
    try:
        return command.run(limit)
    finally:
        shutil.rmtree(command.outputs)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _read_through(path: Path) -> None:
    """Bring a file into the system's cache."""
    buffer = bytearray(_READ_BYTES)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _ready_memory(nbytes: int) -> None:
    """Have the machine hold enough free memory, if it can."""
    if nbytes:
        program = (sys.executable, "-I", "-S", str(_READY), str(nbytes))
        subprocess.run(program, check=False)


def _metered(command: Command, limit: float | None) -> Run:
    """Run a command under the meter, in a session of its own so that it can be stopped whole."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(_METER), *command.arguments],
        encoding="utf-8",
        errors="replace",
        env=environment(),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, errors = process.communicate(timeout=limit)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise MeasureError(command.label, f"not done after {limit:g} s") from None
            raise
    if process.returncode:
        raise MeasureError(command.label, last_line(errors))
    measured = json.loads(output)
    if measured["status"]:
        raise MeasureError(command.label, f"exit status {measured['status']}: {last_line(errors)}")
    return Run(measured["seconds"], measured["peak_bytes"])


def environment() -> dict[str, str]:
    """Return our environment, in which Python may keep compiled modules for the next run."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def last_line(text: str) -> str:
    """Return the last line that is said, without the space around it."""
    return (text.strip().splitlines() or ["no message"])[-1]
