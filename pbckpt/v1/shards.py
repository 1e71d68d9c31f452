"""Shards: which files a V1 checkpoint that was saved in several goes by.

    pattern   PREFIX-?????-of-00002     what the state file names, what people pass
    files     PREFIX-00000-of-00002, PREFIX-00001-of-00002

A question mark stands for any one character, as in the glob that TensorFlow
makes of it. Nothing else in a pattern is special: a prefix may hold brackets.

Reference: tensorflow/core/util/tensor_slice_reader.cc and
tensorflow/core/kernels/save_op.cc (ShardedFilename, ShardedFilespec).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANY = "?"
_SHARD = re.compile(r"-([0-9]{5,})-of-([0-9]{5,})\Z")


class Shards(NamedTuple):
    """The files of one checkpoint that are there, and those that are not, by name."""

    names: tuple[str, ...]
    missing: tuple[str, ...]


def find_shards(pattern: str, names: Iterable[str]) -> Shards:
    """Return the shards that ``pattern``, or a prefix alone, stands for among the names.

    A prefix of which there are shards of several counts stands for none of
    them.
    """
    if _ANY in pattern:
        found = sorted(name for name in names if pattern_matches(pattern, name))
    else:
        found = sorted(
            name
            for name in names
            if (match := _SHARD.search(name)) and name[: match.start()] == pattern
        )
    counts = {match[2] for name in found if (match := _SHARD.search(name))}
    if len(counts) != 1:
        return Shards(tuple(found) if _ANY in pattern else (), ())
    (count,) = counts
    stem = found[0][: -len(f"-{count}-of-{count}")]
    every = [f"{stem}-{number:05d}-of-{count}" for number in range(min(int(count), _MAX_SHARDS))]
    return Shards(tuple(found), tuple(sorted(set(every) - set(found))))


def pattern_matches(pattern: str, name: str) -> bool:
    """Tell whether the file ``name`` is one of those that ``pattern`` stands for.

    Both are base names, without a directory.
    """
    return len(name) == len(pattern) and all(
        wanted in (_ANY, found) for wanted, found in zip(pattern, name, strict=True)
    )


# Enough to find one that is missing, whatever number a name claims.
_MAX_SHARDS = 1 << 16
