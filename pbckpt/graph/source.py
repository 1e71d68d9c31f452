"""Where a graph's bytes come from: a file that is mapped, or memory."""

from __future__ import annotations

from typing import Protocol


class GraphSource(Protocol):
    """A mapped file: bytes at offsets, and pages that can be given back."""

    @property
    def name(self) -> str:
        """What to call the source in a message."""

    @property
    def view(self) -> memoryview:
        """All bytes, to look at in place."""

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        """Return ``nbytes`` bytes at ``offset``, in ``buffer`` or in place."""

    def release_pages(self, start: int, end: int) -> None:
        """Give back the memory of the mapped bytes ``start`` to ``end``."""
