from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from pbckpt.bundle.entry import BundleHeader, decode_entry
from pbckpt.bundle.payload import Payload, Tensor
from pbckpt.bundle.writer import ShardStream
from pbckpt.dtypes import DataType
from pbckpt.engine.pipeline import BLOCK_BYTES, Pump
from pbckpt.names import BundleKey
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = 8 << 20
# A pipeline that waits for itself would wait for ever.
PATIENCE_SECONDS = 30


class Block(NamedTuple):
    offset: int
    data: memoryview
    num_tensors: int = 1


class Numbers:
    """A stream of bytes that tell where they are, made in the caller's buffer."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.position = 0
        self.threads: set[int] = set()
        self.buffer_sizes: set[int] = set()
        self._busy = threading.Lock()

    def next_block(self, buffer: memoryview) -> Block | None:
        assert self._busy.acquire(blocking=False), "two threads at once"
        try:
            self.threads.add(threading.get_ident())
            self.buffer_sizes.add(len(buffer))
            return self._next(buffer)
        finally:
            self._busy.release()

    def _next(self, buffer: memoryview) -> Block | None:
        start = self.position
        size = min(len(buffer), self.nbytes - start)
        buffer[:size] = numbers(start, size)
        self.position += size
        return Block(start, buffer[:size]) if size else None


def numbers(start: int, size: int) -> bytes:
    first = start // 4
    words = np.arange(first, first + size // 4 + 2, dtype=">u4").tobytes()
    return words[start % 4 : start % 4 + size]


class BrokenNumbers(Numbers):
    """A stream that fails at its third block."""

    def __init__(self, nbytes: int, error: BaseException) -> None:
        super().__init__(nbytes)
        self.error = error
        self.blocks = 0

    def _next(self, buffer: memoryview) -> Block | None:
        self.blocks += 1
        if self.blocks == 3:
            raise self.error
        return super()._next(buffer)


class Sink:
    """A file of bytes in memory that refuses to have a byte written twice."""

    def __init__(self, nbytes: int) -> None:
        self.data = bytearray(nbytes)
        self.written: set[int] = set()
        self.threads: set[int] = set()

    def write_at(self, offset: int, data: memoryview) -> None:
        assert offset not in self.written
        assert offset + len(data) <= len(self.data)
        self.written.add(offset)
        self.threads.add(threading.get_ident())
        self.data[offset : offset + len(data)] = data


class BrokenSink(Sink):
    """A sink that fails once, after two writes, whichever thread that is in."""

    def __init__(self, nbytes: int, error: BaseException) -> None:
        super().__init__(nbytes)
        self.errors = [error]

    def write_at(self, offset: int, data: memoryview) -> None:
        if len(self.written) >= 2 and self.errors:
            raise self.errors.pop()
        super().write_at(offset, data)


class SlowSink(Sink):
    """A sink in which the first write of each thread waits for the other's."""

    def __init__(self, nbytes: int) -> None:
        super().__init__(nbytes)
        self.met = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def write_at(self, offset: int, data: memoryview) -> None:
        if threading.get_ident() not in self.threads:
            self.met.wait()
        super().write_at(offset, data)


def nothing(count: int) -> None:
    pass


def run(pump: Pump) -> None:
    """Run a pump; fail where it does not come back, and raise what it raises."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            pump.run()
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "the pipeline waits for itself"
    if raised:
        raise raised[0]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


SIZES = [
    0,
    1,
    7,
    BLOCK_BYTES - 1,
    BLOCK_BYTES,
    BLOCK_BYTES + 1,
    2 * BLOCK_BYTES,
    2 * BLOCK_BYTES + 1,
    LARGE,
    LARGE + 12345,
]


def test_the_size_of_a_block() -> None:
    assert BLOCK_BYTES == 1048576


@pytest.mark.parametrize("nbytes", SIZES)
def test_every_byte_arrives_at_its_place(nbytes: int) -> None:
    stream, sink = Numbers(nbytes), Sink(nbytes)
    run(Pump(stream, sink, nothing))
    assert bytes(sink.data) == numbers(0, nbytes)


@pytest.mark.parametrize("nbytes", SIZES)
def test_progress_adds_up(nbytes: int) -> None:
    counts: list[int] = []
    run(Pump(Numbers(nbytes), Sink(nbytes), counts.append))
    assert sum(counts) == nbytes
    assert all(0 < count <= BLOCK_BYTES for count in counts)


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="there is one thread only here")
def test_progress_is_told_by_one_thread_at_a_time() -> None:
    busy = threading.Lock()
    pause = threading.Event()
    overlaps = []

    def advanced(count: int) -> None:
        if not busy.acquire(blocking=False):
            overlaps.append(count)
            return
        pause.wait(0.02)
        busy.release()

    run(Pump(Numbers(LARGE), Sink(LARGE), advanced))
    assert overlaps == []


def test_a_small_stream_needs_no_thread() -> None:
    stream, sink = Numbers(1000), Sink(1000)
    Pump(stream, sink, nothing).run()
    assert stream.threads == sink.threads == {threading.get_ident()}
    assert stream.buffer_sizes == {BLOCK_BYTES}


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="writes share one position here")
def test_one_thread_writes_while_another_reads_and_writes() -> None:
    stream, sink = Numbers(LARGE), SlowSink(LARGE)
    run(Pump(stream, sink, nothing))
    assert len(sink.threads) == 2
    assert stream.buffer_sizes == {BLOCK_BYTES}
    assert bytes(sink.data) == numbers(0, LARGE)


class ManyTensors(Numbers):
    """A stream whose blocks hold many tensors each, but for some."""

    def __init__(self, nbytes: int, few: range) -> None:
        super().__init__(nbytes)
        self.few = few

    def _next(self, buffer: memoryview) -> Block | None:
        block = super()._next(buffer)
        is_few = block is None or block.offset // BLOCK_BYTES in self.few
        return block if block is None or is_few else block._replace(num_tensors=65)


def test_a_block_of_many_tensors_is_written_before_the_next_is_taken() -> None:
    stream = ManyTensors(LARGE, few=range(2, 4))
    taken_meanwhile: list[int] = []

    class Watching(Sink):
        def write_at(self, offset: int, data: memoryview) -> None:
            position = stream.position
            time.sleep(0.02)
            if offset // BLOCK_BYTES not in stream.few:
                taken_meanwhile.append(stream.position - position)
            super().write_at(offset, data)

    sink = Watching(LARGE)
    run(Pump(stream, sink, nothing))
    assert bytes(sink.data) == numbers(0, LARGE)
    assert len(stream.threads) == 2
    assert taken_meanwhile == [0, 0, 0, 0, 0, 0]


def test_blocks_of_many_tensors_alone_need_no_thread() -> None:
    stream, sink = ManyTensors(LARGE, few=range(0)), Sink(LARGE)
    Pump(stream, sink, nothing).run()
    assert stream.threads == sink.threads == {threading.get_ident()}
    assert bytes(sink.data) == numbers(0, LARGE)


def test_without_writes_at_offsets_there_is_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pwrite", raising=False)
    stream, sink = Numbers(LARGE), Sink(LARGE)
    Pump(stream, sink, nothing).run()
    assert stream.threads == sink.threads == {threading.get_ident()}
    assert bytes(sink.data) == numbers(0, LARGE)


ERRORS = [
    OSError(28, "No space left on device"),
    ValueError("bad"),
    MemoryError(),
    KeyboardInterrupt(),
    SystemExit(143),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("nbytes", [LARGE, 2 * BLOCK_BYTES + 1])
def test_an_error_of_the_source_is_raised(error: BaseException, nbytes: int) -> None:
    pump = Pump(BrokenNumbers(nbytes, error), Sink(nbytes), nothing)
    with pytest.raises(type(error)) as caught:
        run(pump)
    assert caught.value is error


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("nbytes", [LARGE, 2 * BLOCK_BYTES + 1])
def test_an_error_of_the_sink_is_raised(error: BaseException, nbytes: int) -> None:
    sink = BrokenSink(nbytes, error)
    with pytest.raises(type(error)) as caught:
        run(Pump(Numbers(nbytes), sink, nothing))
    assert caught.value is error


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_at_a_block_of_many_tensors_is_raised(error: BaseException) -> None:
    for few in (range(0), range(1), range(2)):
        sink = BrokenSink(LARGE, error)
        with pytest.raises(type(error)) as caught:
            run(Pump(ManyTensors(LARGE, few), sink, nothing))
        assert caught.value is error


def test_progress_of_all_kinds_of_blocks_is_told_by_one_thread_at_a_time() -> None:
    busy, told = threading.Lock(), []

    def advanced(count: int) -> None:
        assert busy.acquire(blocking=False), "two threads at once"
        time.sleep(0.005)
        told.append(count)
        busy.release()

    run(Pump(ManyTensors(LARGE, range(1, 7, 2)), Sink(LARGE), advanced))
    assert sum(told) == LARGE


@pytest.mark.parametrize("nbytes", [1000, LARGE])
def test_an_error_of_the_progress_is_raised(nbytes: int) -> None:
    def broken(count: int) -> None:
        raise RuntimeError(count)

    with pytest.raises(RuntimeError):
        run(Pump(Numbers(nbytes), Sink(nbytes), broken))


def test_after_an_error_hardly_a_block_is_written() -> None:
    """The other thread could go on, but it would be for nothing."""
    nbytes = 64 * BLOCK_BYTES

    class Slow(BrokenSink):
        def write_at(self, offset: int, data: memoryview) -> None:
            super().write_at(offset, data)
            time.sleep(0.005)

    stream, sink = Numbers(nbytes), Slow(nbytes, OSError(28, "No space"))
    with pytest.raises(OSError, match="No space"):
        run(Pump(stream, sink, nothing))
    assert stream.position <= 16 * BLOCK_BYTES


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="there is one thread only here")
def test_an_error_of_the_other_thread_is_raised() -> None:
    """The thread that was started fails while the one that started it is well."""
    main = threading.get_ident()
    started = threading.Event()

    class Picky(Sink):
        def write_at(self, offset: int, data: memoryview) -> None:
            if threading.get_ident() != main:
                started.set()
                raise OSError(5, "Input/output error")
            assert started.wait(PATIENCE_SECONDS)
            super().write_at(offset, data)

    with pytest.raises(OSError, match="Input/output error"):
        Pump(Numbers(LARGE), Picky(LARGE), nothing).run()


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="there is one thread only here")
def test_an_interrupt_while_waiting_waits_for_the_other_thread() -> None:
    """Whoever catches the interrupt closes the file, so nobody may write to it any more."""
    main = threading.get_ident()
    busy, release, left = threading.Event(), threading.Event(), threading.Event()

    class Stuck(Sink):
        def write_at(self, offset: int, data: memoryview) -> None:
            if threading.get_ident() != main:
                busy.set()
                assert release.wait(PATIENCE_SECONDS)
                left.set()
            else:
                assert busy.wait(PATIENCE_SECONDS)
            super().write_at(offset, data)

    stream = Numbers(LARGE)

    def interrupt() -> None:
        while stream.position < LARGE:
            time.sleep(0.01)
        time.sleep(0.1)  # until the main thread has nothing to do but to wait
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        release.set()

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        Pump(stream, Stuck(LARGE), nothing).run()
    was_finished = left.is_set()
    thread.join()
    assert left.wait(PATIENCE_SECONDS)
    time.sleep(0.05)
    assert was_finished


def test_a_checksum_runs_over_a_tensor_whoever_takes_its_blocks() -> None:
    parts = [bytes(range(256)) * 5000, b"", b"123456789" * 100_000, bytes(3_000_001), b"123456789"]
    stream = ShardStream(
        Tensor(BundleKey(b"%d" % place), DataType.UINT8, (len(part),), Payload([Span.of(part)]))
        for place, part in enumerate(parts)
    )
    sink = Sink(5_180_010)
    run(Pump(stream, sink, nothing))
    assert bytes(sink.data) == b"".join(parts)
    entries = [decode_entry(value, BundleHeader(1)) for _, value in stream.entries]
    assert [(entry.offset, entry.crc32c) for entry in entries] == [
        (0, 0xC6F6FD9D),
        (1_280_000, 0),
        (1_280_000, 0x1C8A4FF8),
        (2_180_000, 0x9F6DF3A2),
        (5_180_001, 0xE3069283),
    ]
