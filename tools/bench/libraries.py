"""Libraries: what each is asked to do, in a process that has imported it long before.

    python -m tools.bench.libraries pbckpt|tensorflow

    first     {"version": "2.21.0"}                      as soon as it is imported
    request   {"job": "write", "arguments": ["/tmp/m"], "repeats": 1}
    answer    {"seconds": 0.9, "peak_bytes": 2112000000}
              {"error": "OSError: …"}                    the process goes on

One JSON line each. Of several repeats the time is the median. The peak is that
of the process since its start, with the library and the arrays that it holds.

The traps: TensorFlow prints to file descriptor 1, also from C++, so the real
stdout is set aside first. And what a job returns is thrown away after the clock
was stopped: giving 2 GB back to the system takes time, too.

Runs under TensorFlow's interpreter as well, and imports there nothing of pbckpt.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from tools.bench.contents import Contents
from tools.bench.meter import RSS_UNIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

# One element in each page of memory.
_PAGE_FLOATS = 1024


class Job(Enum):
    """What a library can be asked for: its methods, by name."""

    PREPARE = "prepare"
    WRITE = "write"
    OPEN = "open"
    READ = "read"
    VIEW = "view"


class Library(Protocol):
    """One library's way to do each job."""

    version: str

    def prepare(self, num_tensors: int, elements: int) -> object:
        """Make the arrays that are to be written, and keep them in memory."""

    def write(self, prefix: str) -> object:
        """Write the arrays as a checkpoint, without waiting for the disk."""

    def open(self, prefix: str, key: str) -> object:
        """Open a checkpoint, read one tensor, and close it again."""

    def read(self, prefix: str) -> object:
        """Return every tensor by its key, as arrays of their own."""

    def view(self, prefix: str) -> object:
        """Return every tensor by its key, as whatever is quickest, each page of it in memory."""


class Pbckpt:
    """pbckpt, of the checkout that the benchmark belongs to."""

    def __init__(self) -> None:
        """Import what the jobs need."""
        self._pbckpt: Any = importlib.import_module("pbckpt.api")
        importlib.import_module("pbckpt.arrays.given")
        self.version: str = importlib.import_module("pbckpt").__version__
        self._arrays: dict[str, Any] = {}

    def prepare(self, num_tensors: int, elements: int) -> None:
        """Make the arrays."""
        self._arrays = dict(Contents("", num_tensors, elements).arrays())

    def write(self, prefix: str) -> object:
        """Call save_checkpoint."""
        durability = self._pbckpt.Durability.NONE
        return self._pbckpt.save_checkpoint(self._arrays, prefix, durability=durability)

    def open(self, prefix: str, key: str) -> object:
        """Call open_checkpoint; the reader is closed as it is forgotten."""
        return self._pbckpt.open_checkpoint(prefix)[key]

    def read(self, prefix: str) -> object:
        """Call load_checkpoint."""
        return self._pbckpt.load_checkpoint(prefix)

    def view(self, prefix: str) -> object:
        """Take every item of an open checkpoint, and touch what came."""
        with self._pbckpt.open_checkpoint(prefix) as checkpoint:
            views = dict(checkpoint.items())
        for view in views.values():
            if view.size > _PAGE_FLOATS:
                view.reshape(-1)[::_PAGE_FLOATS].max()
        return views


class TensorFlow:
    """TensorFlow 2."""

    def __init__(self) -> None:
        """Import it."""
        self._tf: Any = importlib.import_module("tensorflow")
        self.version: str = self._tf.__version__
        self._names: list[str] = []
        self._tensors: list[Any] = []

    def prepare(self, num_tensors: int, elements: int) -> None:
        """Make eager tensors of the arrays."""
        contents = Contents("", num_tensors, elements)
        self._names = contents.keys()
        self._tensors = [self._tf.constant(array) for _, array in contents.arrays()]

    def write(self, prefix: str) -> object:
        """Run the operation that tf.train.Checkpoint runs, with what that gives it."""
        return self._tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=self._names,
            shape_and_slices=[""] * len(self._names),
            tensors=self._tensors,
        )

    def open(self, prefix: str, key: str) -> object:
        """Call tf.train.load_checkpoint."""
        return self._tf.train.load_checkpoint(prefix).get_tensor(key)

    def read(self, prefix: str) -> object:
        """Ask its reader for the tensor of every key, in order: that is much quicker."""
        reader = self._tf.train.load_checkpoint(prefix)
        return {key: reader.get_tensor(key) for key in sorted(reader.get_variable_to_shape_map())}

    def view(self, prefix: str) -> object:
        """Read: TensorFlow has no other way."""
        return self.read(prefix)


LIBRARIES: dict[str, Callable[[], Library]] = {"pbckpt": Pbckpt, "tensorflow": TensorFlow}
"""The libraries by the name under which this program is asked for them."""


def main() -> int:
    """Import the library named by the first argument, then answer until stdin ends."""
    with _stdout_of_our_own() as answers:
        library = LIBRARIES[sys.argv[1]]()
        _tell(answers, version=library.version)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                _tell(answers, **_timed(library, Job(request["job"]), request))
            except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
                _tell(answers, error=f"{type(error).__name__}: {error}")
    return 0


def _timed(library: Library, job: Job, request: dict[str, Any]) -> dict[str, object]:
    """Do a job and return what it took."""
    import resource  # noqa: PLC0415 - not on Windows, where the rest can be imported

    do = getattr(library, job.value)
    times = []
    for _ in range(request["repeats"]):
        started = time.perf_counter()
        result = do(*request["arguments"])
        times.append(time.perf_counter() - started)
        del result
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
    return {"seconds": statistics.median(times), "peak_bytes": peak}


def _stdout_of_our_own() -> TextIO:
    """Return the real stdout, and let whatever is printed from now on go to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _tell(answers: TextIO, **content: object) -> None:
    print(json.dumps(content), file=answers, flush=True)


if __name__ == "__main__":
    sys.exit(main())
