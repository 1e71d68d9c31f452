"""Shards: which files a V1 checkpoint that was saved in several goes by.

    pattern   PREFIX-?????-of-00002     what the state file names, what people pass
    files     PREFIX-00000-of-00002, PREFIX-00001-of-00002

A question mark stands for any one character, as in the glob that TensorFlow
makes of it. Nothing else in a pattern is special: a prefix may hold brackets.

Reference: tensorflow/core/util/tensor_slice_reader.cc and
tensorflow/core/kernels/save_op.cc (ShardedFilename, ShardedFilespec).
"""

from __future__ import annotations

_ANY = "?"


def pattern_matches(pattern: str, name: str) -> bool:
    """Tell whether the file ``name`` is one of those that ``pattern`` stands for.

    Both are base names, without a directory.
    """
    return len(name) == len(pattern) and all(
        wanted in (_ANY, found) for wanted, found in zip(pattern, name, strict=True)
    )
