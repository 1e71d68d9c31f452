"""The two sides of a match: what a graph has, and what a target wants.

    Source   a tensor with a value      by its key, which edits may have changed
    Target   a key that wants a value   by its key, and by what else it is called

What is not known of a target is None: an index of names may hold names alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pbckpt.dtypes import DataType

Slice: TypeAlias = "tuple[tuple[int, int | None], ...]"
"""A start and a length in each dimension; no length is all of it."""


class Source(NamedTuple):
    """A tensor that has a value.

    ``names`` are what else it may be looked up by; ``was`` is the key that it
    had before edits changed it. ``order`` is its place in the graph. ``parts``
    are the keys of the tensors that it is made of, where it is not one itself,
    and ``axis`` is where they are joined.
    """

    key: str
    names: tuple[str, ...]
    dtype: DataType
    shape: tuple[int, ...]
    role: str = ""
    order: int = 0
    was: str = ""
    parts: tuple[str, ...] = ()
    axis: int = 0

    @property
    def is_renamed(self) -> bool:
        """Whether edits gave it another key."""
        return bool(self.was) and self.was != self.key


class Target(NamedTuple):
    """A tensor that is wanted.

    ``names`` are what else it is called, the most telling first; ``order`` is
    its place in what it is from, None where that says nothing, as it does for
    keys that are sorted.
    """

    key: str
    dtype: DataType | None = None
    shape: tuple[int, ...] | None = None
    slices: tuple[Slice, ...] = ()
    role: str = ""
    order: int | None = None
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.names[0] if self.names else self.key
