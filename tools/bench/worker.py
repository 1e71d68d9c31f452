"""Worker: a process that has a library imported, and does what it is asked for.

Whole processes say little about a library: importing TensorFlow takes seconds,
its first save of many tensors many more. A worker has both behind it. See
`libraries` for what goes through its pipes.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.bench.measure import MeasureError, Run, environment, last_line

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from tools.bench.libraries import Job

_CHECKOUT = Path(__file__).resolve().parents[2]
# An import of TensorFlow that has to come from a slow disk.
_START_SECONDS = 300


class Interpreter(NamedTuple):
    """A Python, the library that it has, and what results call it."""

    label: str
    python: str
    library: str


class Worker:
    """A process that answers; a context manager.

    Raises MeasureError for an answer that does not come, and for one that is an
    error. Of the first kind there is only one: the process is stopped then.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        """Start the process, and wait until it has imported its library."""
        self.label = interpreter.label
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        try:
            self._process = subprocess.Popen(
                [interpreter.python, "-m", "tools.bench.libraries", interpreter.library],
                bufsize=0,
                env=_environment(),
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError as error:
            self._errors.close()
            raise MeasureError(self.label, str(error)) from None
        try:
            self.version: str = self._answer(_START_SECONDS)["version"]
        except BaseException:
            self.close()
            raise

    def ask(
        self, job: Job, *arguments: object, repeats: int = 1, limit: float | None = None
    ) -> Run:
        """Have a job done in ``limit`` seconds, and return what it took."""
        request = {"job": job.value, "arguments": arguments, "repeats": repeats}
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        with contextlib.suppress(BrokenPipeError):  # its last words say more
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = self._answer(limit)
        if "error" in answer:
            raise MeasureError(self.label, last_line(answer["error"]))
        return Run(answer["seconds"], answer["peak_bytes"])

    def _answer(self, limit: float | None) -> dict[str, Any]:
        """Return the next line; never more than one is under way."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        ready, _, _ = select.select([self._process.stdout], [], [], limit)
        if not ready:
            self.close()
            raise MeasureError(self.label, f"not done after {limit:g} s")
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            raise MeasureError(self.label, f"exit status {status}: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._errors.seek(0)
        return last_line(self._errors.read().decode("utf-8", "replace"))

    def close(self) -> None:
        """Stop the process, whatever it is doing. Twice is harmless."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            pass
        self._errors.close()

    def __enter__(self) -> Self:
        """Return the worker itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.close()


class Call(NamedTuple):
    """A job for a worker, to be measured as commands are."""

    label: str
    worker: Worker
    job: Job
    arguments: tuple[object, ...]
    outputs: Path
    inputs: tuple[Path, ...] = ()
    repeats: int = 1

    def run(self, limit: float | None = None) -> Run:
        """Have it done."""
        return self.worker.ask(self.job, *self.arguments, repeats=self.repeats, limit=limit)


def _environment() -> dict[str, str]:
    """Return our environment, in which `tools` is found by any interpreter."""
    inherited = environment()
    paths = [str(_CHECKOUT), inherited.get("PYTHONPATH", "")]
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
