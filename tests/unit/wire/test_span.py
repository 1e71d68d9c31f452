from __future__ import annotations

import pytest

from pbckpt.wire.span import REPEATED_BYTES, Memory, Span, chunks, repeated


class File:
    """A source that is not in memory: it reads into the buffer, and tells how."""

    def __init__(self, data: bytes) -> None:
        self.view = memoryview(data)
        self.name = "file"
        self.reads: list[tuple[int, int]] = []

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        self.reads.append((offset, nbytes))
        buffer[:nbytes] = self.view[offset : offset + nbytes]
        return buffer[:nbytes]


def buffer_of(nbytes: int) -> memoryview:
    return memoryview(bytearray(nbytes))


def test_memory_hands_its_bytes_out_in_place() -> None:
    data = b"abcdef"
    buffer = buffer_of(4)
    chunk = Memory(data).chunk(1, 4, buffer)
    assert bytes(chunk) == b"bcde"
    assert chunk.obj is data
    assert bytes(buffer) == b"\0\0\0\0"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_memory_takes_any_bytes(kind: type) -> None:
    assert bytes(Memory(kind(b"abc")).view) == b"abc"


@pytest.mark.parametrize("empty", [b"", bytearray(), memoryview(b"")])
def test_memory_of_nothing_has_no_bytes(empty: bytes) -> None:
    memory = Memory(empty)
    assert memory.view.nbytes == 0
    assert Span.of(empty).nbytes == 0


def test_memory_has_a_name_for_messages() -> None:
    assert Memory(b"x").name == "memory"
    assert Memory(b"x", "model.pb").name == "model.pb"


def test_a_span_of_all_bytes() -> None:
    span = Span.of(b"abc")
    assert (span.offset, span.nbytes) == (0, 3)
    assert bytes(span.view) == b"abc"


def test_a_span_is_a_part_of_its_source() -> None:
    span = Span(Memory(b"0123456789"), 3, 4)
    assert bytes(span.view) == b"3456"
    assert bytes(span.chunk(1, 2, buffer_of(2))) == b"45"


def test_the_head_of_a_span_starts_where_it_starts() -> None:
    source = Memory(b"0123456789")
    assert Span(source, 3, 4).head(2) == Span(source, 3, 2)


def test_a_file_is_asked_for_no_more_than_the_span_has() -> None:
    file = File(b"0123456789")
    buffer = buffer_of(3)
    seen = [bytes(chunk) for chunk in chunks(iter([Span(file, 1, 8)]), buffer)]
    assert seen == [b"123", b"456", b"78"]
    assert file.reads == [(1, 3), (4, 3), (7, 2)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, [b"a", b"b", b"c", b"d", b"e", b"f"]),
        (2, [b"ab", b"c", b"de", b"f"]),
        (3, [b"abc", b"def"]),
        (7, [b"abc", b"def"]),
    ],
)
def test_spans_come_in_order_and_never_share_a_chunk(size: int, expected: list[bytes]) -> None:
    spans = [Span.of(b"abc"), Span.of(b""), Span(Memory(b"--def--"), 2, 3)]
    assert [bytes(chunk) for chunk in chunks(iter(spans), buffer_of(size))] == expected


def test_no_spans_give_no_chunks() -> None:
    assert list(chunks(iter([]), buffer_of(1))) == []


@pytest.mark.parametrize(
    ("data", "nbytes", "sizes"),
    [
        (b"\0", 0, []),
        (b"", 0, []),
        (b"abc", 3, [3]),
        (b"abc", 12, [12]),
        (b"a", 65536, [65536]),
        (b"a", 65537, [65536, 1]),
        (b"abc", 131_073, [65535, 65535, 3]),
        (b"x" * 65537, 2 * 65537, [65537, 65537]),
    ],
)
def test_bytes_that_are_repeated(data: bytes, nbytes: int, sizes: list[int]) -> None:
    spans = list(repeated(data, nbytes))
    assert [span.nbytes for span in spans] == sizes
    assert b"".join(bytes(span.view) for span in spans) == data * (nbytes // max(1, len(data)))


def test_nothing_is_not_repeated() -> None:
    assert list(repeated(b"", 0)) == []
    with pytest.raises(ValueError, match="nothing to repeat for 3 bytes"):
        next(repeated(b"", 3))


def test_repeated_bytes_share_their_memory() -> None:
    assert REPEATED_BYTES == 65536
    spans = repeated(b"\0", 1 << 50)
    assert next(spans).source is next(spans).source
