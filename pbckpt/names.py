"""Names: nodes, tensors, bundle keys, and the prefix of a checkpoint.

    w          node name      what a NodeDef calls itself
    w:0        tensor name    output 0 of that node
    ^w         control input  run w first; no data
    w          bundle key     what the index file sorts by, as bytes

A bundle key is any non-empty byte string. Outside the bundle it is text:
UTF-8, with bytes that are not UTF-8 kept as surrogate escapes (PEP 383), so
that every key survives the way out and back.

A prefix is the common start of the paths of one checkpoint's files; people
often name one of the files instead, and `Prefix.parse` takes those too.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple, NewType

from pbckpt.errors import PathError, SelectionError

NodeName = NewType("NodeName", str)
BundleKey = NewType("BundleKey", bytes)

INDEX_SUFFIX = ".index"
META_SUFFIX = ".meta"
STATE_FILE = "checkpoint"
_SHARD_SUFFIX = re.compile(r"\.data-([0-9]{5,})-of-([0-9]{5,})\Z")
# What a Saver takes off a path before it adds .meta.
_SHARD_PLACE = re.compile(r"-[\d?]+-of-\d+\Z", re.ASCII)
_PORT = re.compile(r":[0-9]+\Z")

# RestoreV2 looks the index up with a glob, so a prefix with one of these is
# written without complaint and then never found again. (Where a backslash
# separates directories, it is no part of a name.)
_UNRESTORABLE = ("[", "\\")


def node_of_input(text: str) -> NodeName:
    """Return the node that an input string such as ``w``, ``w:1`` or ``^w`` names."""
    return NodeName(_PORT.sub("", text.removeprefix("^")))


def is_control_input(text: str) -> bool:
    """Tell whether an input only orders execution and carries no data."""
    return text.startswith("^")


def key_to_bytes(text: str) -> BundleKey:
    """Encode a key for the index; surrogate escapes become the bytes they stand for.

    Raises SelectionError for other surrogates, which stand for nothing.
    """
    if text.isascii():
        return BundleKey(text.encode())
    try:
        key = BundleKey(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        key = BundleKey(b"")
    # Escapes that together are UTF-8 would be a second text for the same bytes.
    if key_to_text(key) != text:
        raise SelectionError(f"a key cannot be written as bytes: {text!r}")
    return key


def key_to_text(key: bytes) -> str:
    """Decode a key of the index; bytes that are not UTF-8 become surrogate escapes."""
    return key.decode("utf-8", "surrogateescape")


def index_name(basename: str) -> str:
    """Return the name of the index file of a prefix's last component."""
    return basename + INDEX_SUFFIX


def meta_name(basename: str) -> str:
    """Return the name of the file of a prefix's graph: a shard's place is no part of it."""
    return _SHARD_PLACE.sub("", basename) + META_SUFFIX


def shard_name(basename: str, shard_id: int, num_shards: int) -> str:
    """Return the name of one data file: at least five digits each, more where needed."""
    return f"{basename}.data-{shard_id:05d}-of-{num_shards:05d}"


def is_shard_of(name: str, basename: str) -> bool:
    """Tell whether the file ``name`` is some data file of the prefix ``basename``."""
    match = _SHARD_SUFFIX.search(name)
    return match is not None and name[: match.start()] == basename


class Prefix(NamedTuple):
    """A checkpoint's prefix, split where its files live: ``directory`` and ``basename``."""

    directory: str
    basename: str

    @classmethod
    def parse(cls, path: str | os.PathLike[str]) -> Prefix:
        """Take a prefix, or the name of an index or data file of one.

        Raises PathError for an empty path or one with a NUL.
        """
        text = os.fsdecode(path)
        if not text or "\0" in text:
            msg = f"a checkpoint prefix must not be empty or hold a NUL: {text!r}"
            raise PathError(msg)
        directory, basename = os.path.split(text)
        if basename.endswith(INDEX_SUFFIX):
            basename = basename[: -len(INDEX_SUFFIX)]
        else:
            basename = _SHARD_SUFFIX.sub("", basename)
        return cls(directory, basename)

    @property
    def path(self) -> str:
        """The prefix as one path, as it was given."""
        return os.path.join(self.directory, self.basename)

    def check_writable(self) -> None:
        """Raise PathError for a prefix that TensorFlow could write but not restore."""
        found = [c for c in _UNRESTORABLE if c in self.path and c != os.sep]
        if found:
            msg = (
                f"TensorFlow cannot restore a checkpoint whose prefix holds {' or '.join(found)}: "
                f"{self.path!r}; choose another name"
            )
            raise PathError(msg)
        if self.basename in ("", ".", ".."):
            msg = f"{self.path!r} names a directory; add the checkpoint's name, such as model.ckpt"
            raise PathError(msg)

    def index_path(self) -> str:
        """Return the path of the index file."""
        return os.path.join(self.directory, index_name(self.basename))

    def meta_path(self) -> str:
        """Return the path of the file of its graph."""
        return os.path.join(self.directory, meta_name(self.basename))

    def shard_path(self, shard_id: int, num_shards: int) -> str:
        """Return the path of one data file."""
        return os.path.join(self.directory, shard_name(self.basename, shard_id, num_shards))
