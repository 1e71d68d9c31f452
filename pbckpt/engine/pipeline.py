"""The pipeline: one stream of blocks, several threads that take turns at it.

    thread 1   take block 0 | write block 0        | take block 2 | …
    thread 2                | take block 1 | write block 1        | …

Taking a block reads its bytes into the thread's own buffer and checksums them
while they are in the processor's cache; it happens under a lock, in order, so
that a CRC runs over a tensor from its first byte to its last. Writing happens
outside the lock, at the block's own offset. Both release the interpreter, so
that a copy takes as long as its writes do. A block of many small tensors keeps
the interpreter busy instead: whoever took it keeps the lock until it is written.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from contextlib import AbstractContextManager

# A usual second-level cache: a block that was just read is checksummed and written
# from the cache. Half as much has the threads wait for each other more often.
BLOCK_BYTES = 1 << 20
WORKERS = 2
# A block of more tensors than this is one of many small ones, below 16 KiB each.
MANY_TENSORS = 64


class _Block(Protocol):
    @property
    def offset(self) -> int: ...
    @property
    def data(self) -> memoryview: ...
    @property
    def num_tensors(self) -> int: ...


class BlockStream(Protocol):
    """Hands out blocks of bytes, each with its offset, until there are none left."""

    def next_block(self, buffer: memoryview) -> _Block | None:
        """Return the next block, in ``buffer`` or elsewhere; None at the end."""


class Sink(Protocol):
    """Takes bytes at offsets; each offset is written once, in any order."""

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write all of ``data`` at ``offset``."""


class Pump(NamedTuple):
    """Moves every block of ``stream`` to ``sink``; ``advanced(nbytes)`` after each."""

    stream: BlockStream
    sink: Sink
    advanced: Callable[[int], None]

    def run(self) -> None:
        """Move the stream; a short one needs no second thread.

        The first error of any thread is raised after all have stopped.
        """
        buffer = memoryview(bytearray(BLOCK_BYTES))
        while (block := self.stream.next_block(buffer)) is not None:
            is_full = len(block.data) == BLOCK_BYTES
            if is_full and not _is_many(block) and hasattr(os, "pwrite"):
                self._run_threads(buffer, block)
                return
            self._write(block, contextlib.nullcontext())

    def _write(self, block: _Block, telling: AbstractContextManager[object]) -> None:
        self.sink.write_at(block.offset, block.data)
        with telling:
            self.advanced(len(block.data))

    def _run_threads(self, buffer: memoryview, block: _Block) -> None:
        """Move the rest of the stream with several threads, of which this one has a block."""
        import threading  # noqa: PLC0415 - small graphs never need it

        turn, telling = threading.Lock(), threading.Lock()
        errors: list[BaseException] = []

        def work(done: threading.Event, buffer: memoryview, block: _Block | None) -> None:
            try:
                self._take_turns(turn, telling, errors, buffer, block)
            except BaseException as error:  # noqa: BLE001 - raised by the caller's thread
                errors.append(error)
            finally:
                done.set()

        running = []
        # Where no thread can be had, one does the work of all.
        with contextlib.suppress(RuntimeError):
            for _ in range(WORKERS - 1):
                done = threading.Event()
                own = memoryview(bytearray(BLOCK_BYTES))
                thread = threading.Thread(target=work, args=(done, own, None), daemon=True)
                running.append(done)
                try:
                    thread.start()
                except RuntimeError:
                    running.remove(done)
                    raise
        work(threading.Event(), buffer, block)
        for done in running:
            _wait_for(done, errors)
        if errors:
            raise errors[0]

    def _take_turns(
        self,
        turn: threading.Lock,
        telling: threading.Lock,
        errors: list[BaseException],
        buffer: memoryview,
        block: _Block | None,
    ) -> None:
        """Write the block in hand, then take and write others until there are none left.

        ``telling`` is taken within ``turn`` at times, never the other way round.
        """
        while not errors:
            if block is not None:
                self._write(block, telling)
            with turn:
                block = self.stream.next_block(buffer)
                while block is not None and _is_many(block) and not errors:
                    self._write(block, telling)
                    block = self.stream.next_block(buffer)
            if block is None:
                return


def _is_many(block: _Block) -> bool:
    """Tell whether a block took the interpreter's time, which threads cannot share."""
    return block.num_tensors > MANY_TENSORS


def _wait_for(done: threading.Event, errors: list[BaseException]) -> None:
    """Wait until a thread has stopped, interrupted or not: it still has the file.

    An interrupt is an error like another: the thread sees it after its block.
    (Not with `Thread.join`, which takes a thread for stopped when it is
    interrupted itself.)
    """
    while not done.is_set():
        try:
            done.wait()
        except BaseException as error:  # noqa: BLE001, PERF203 - raised when all have stopped
            errors.append(error)
