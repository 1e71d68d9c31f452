"""Candidate: a tensor that may be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pbckpt.dtypes import DataType


class Candidate(NamedTuple):
    """A tensor by its names: the first is what it is stored under, patterns look at all."""

    names: tuple[str, ...]
    dtype: DataType
    shape: tuple[int, ...]
