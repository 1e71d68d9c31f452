"""Spans: bytes that lie somewhere and are not copied until they are written.

A weight of a frozen graph is a span of the mapped file from the moment it is
found until the moment it is written. `Span.chunk` is the one way to its bytes:
a source in memory answers with a view of itself, a file reads into the
caller's buffer, so that no weight is ever held whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


REPEATED_BYTES = 64 << 10


class ByteSource(Protocol):
    """Something with bytes at offsets: a mapped file, or memory."""

    @property
    def name(self) -> str:
        """What to call the source in a message."""

    @property
    def view(self) -> memoryview:
        """All bytes, to look at in place."""

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        """Return ``nbytes`` bytes at ``offset``, in ``buffer`` or in place.

        The result is valid until the buffer is used again. ``buffer`` holds at
        least ``nbytes`` bytes.
        """


class Memory:
    """A source of bytes that are in memory already."""

    __slots__ = ("name", "view")

    def __init__(self, data: bytes | bytearray | memoryview, name: str = "memory") -> None:
        """Look at ``data``, whose items are bytes; it must not change while it is in use."""
        self.view = memoryview(data)
        self.name = name

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:  # noqa: ARG002
        """Return the bytes in place; the buffer is not needed."""
        return self.view[offset : offset + nbytes]


class Span(NamedTuple):
    """``nbytes`` bytes of ``source`` from ``offset`` on."""

    source: ByteSource
    offset: int
    nbytes: int

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Span:
        """Return the span of all of ``data``."""
        return cls(Memory(data), 0, len(data))

    @property
    def view(self) -> memoryview:
        """The bytes in place."""
        return self.source.view[self.offset : self.offset + self.nbytes]

    def head(self, nbytes: int) -> Span:
        """Return the first ``nbytes`` bytes of the span."""
        return Span(self.source, self.offset, nbytes)

    def after(self, nbytes: int) -> Span:
        """Return what follows the first ``nbytes`` bytes."""
        return Span(self.source, self.offset + nbytes, self.nbytes - nbytes)

    def chunk(self, start: int, nbytes: int, buffer: memoryview) -> memoryview:
        """Return ``nbytes`` bytes from ``start`` within the span, in ``buffer`` or in place."""
        return self.source.chunk(self.offset + start, nbytes, buffer)


class Stream(NamedTuple):
    """``nbytes`` bytes that are made, or checked, as they are asked for.

    ``chunks`` yields them in order, a buffer's length at most at a time; each view is
    valid until the next is asked for. It can be called more than once.
    """

    nbytes: int
    chunks: Callable[[memoryview], Iterator[memoryview]]


def repeated(data: bytes, nbytes: int) -> Iterator[Span]:
    """Yield ``nbytes`` bytes that are ``data`` over and over, in memory that does not grow."""
    if nbytes > 0 and not data:
        msg = f"nothing to repeat for {nbytes} bytes"
        raise ValueError(msg)
    block = Span.of(data * max(1, min(nbytes, REPEATED_BYTES) // max(1, len(data))))
    while nbytes > 0:
        yield block.head(min(nbytes, block.nbytes))
        nbytes -= block.nbytes


def chunks(spans: Iterator[Span], buffer: memoryview) -> Iterator[memoryview]:
    """Yield all bytes of the spans in order, a buffer's length at most at a time.

    Each view is valid until the next one is asked for.
    """
    for span in spans:
        for start in range(0, span.nbytes, len(buffer) or 1):
            yield span.chunk(start, min(len(buffer), span.nbytes - start), buffer)
