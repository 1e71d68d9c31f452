"""Checkpoints for the tests of the commands, and what they hold afterwards.

saved     arrays under a prefix, as TensorFlow's Saver stores them
files     the bytes of a checkpoint's own files, by what follows the prefix
held      key -> type, shape, elements: what a test expects, written down
placed    key -> shard, offset, size: where the bytes lie
listing   the names in a folder, to see that nothing was left behind
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pbckpt

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    Held = tuple[str, tuple[int, ...], Any]

GOLDEN = Path(__file__).parents[2] / "golden"
FAST = pbckpt.Durability.NONE
OBJECT = "/.ATTRIBUTES/VARIABLE_VALUE"
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def saved(prefix: Path, tensors: Mapping[str, object], layout: pbckpt.Layout | None = None) -> Path:
    """Save arrays and return the prefix."""
    pbckpt.save_checkpoint(tensors, prefix, layout=layout or pbckpt.Layout(), durability=FAST)
    return prefix


def files(prefix: Path) -> dict[str, bytes]:
    """Return the index and the data files of a prefix, by their endings."""
    start = prefix.name + "."
    return {
        path.name.removeprefix(prefix.name): path.read_bytes()
        for path in sorted(prefix.parent.iterdir())
        if path.name.startswith((start + "index", start + "data-"))
    }


def held(prefix: str | os.PathLike[str]) -> dict[str, Held]:
    """Return what a checkpoint holds, but for an object graph."""
    found = {}
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        for key in checkpoint:
            info = checkpoint.info(key)
            if key != GRAPH:
                found[key] = (info.dtype.label, info.shape, checkpoint[key].tolist())
    return found


def placed(prefix: str | os.PathLike[str]) -> dict[str, tuple[int, int, int]]:
    """Return where the bytes of each tensor lie."""
    contents = pbckpt.inspect(prefix)
    assert isinstance(contents, pbckpt.CheckpointContents)
    return {key: (entry.shard_id, entry.offset, entry.nbytes) for key, entry in contents.entries}


def paths(prefix: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Return the path and the full name of each object of a checkpoint."""
    contents = pbckpt.inspect(prefix)
    assert isinstance(contents, pbckpt.CheckpointContents)
    return [(one.path, one.full_name) for one in contents.objects]


def listing(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


class Node(NamedTuple):
    """An object of a graph: its children, its own value, (variable, slot name, slot)."""

    children: Mapping[str, int]
    path: str = ""
    full_name: str = ""
    slots: tuple[tuple[int, str, int], ...] = ()


def object_graph(*nodes: Node) -> bytes:
    """Encode a graph of fewer than 128 objects, the root first."""
    return b"".join(_field(1, _node(node)) for node in nodes)


def saved_objects(prefix: Path, values: Mapping[str, object], *nodes: Node) -> Path:
    """Save values under the keys of their paths, and the graph of their objects."""
    tensors = {path + OBJECT: value for path, value in values.items()}
    return saved(prefix, {**tensors, GRAPH: object_graph(*nodes)})


def _node(node: Node) -> bytes:
    encoded = b""
    for name, child in node.children.items():
        encoded += _field(1, b"\x08" + bytes([child]) + _field(2, name.encode()))
    if node.path:
        full_name = _field(2, node.full_name.encode()) if node.full_name else b""
        key = _field(3, (node.path + OBJECT).encode())
        encoded += _field(2, _field(1, b"VARIABLE_VALUE") + full_name + key)
    for variable, name, slot in node.slots:
        end = b"\x18" + bytes([slot])
        encoded += _field(3, b"\x08" + bytes([variable]) + _field(2, name.encode()) + end)
    return encoded + _field(5, b"\x08\x01")


def _field(number: int, body: bytes) -> bytes:
    low, high = len(body) & 0x7F, len(body) >> 7
    return bytes([number << 3 | 2, low | 0x80, high] if high else [number << 3 | 2, low]) + body
