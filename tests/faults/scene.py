"""Where saves happen in these tests, what they save, and whether it is there.

A file system has the same checkpoint twice: one that shall be written anew or
replaced, and in the second case one beside it, which nobody may touch.
"""

from __future__ import annotations

import os
import shutil
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import pbckpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    Tensors = dict[str, npt.NDArray[Any]]

SAVED, REPORTED, FAILED = 10, 11, 1

OLD: Tensors = {"w": np.arange(6, dtype=np.float32), "step": np.array(1, np.int64)}
NEW: Tensors = {
    "w": np.arange(100, 106, dtype=np.float32),
    "text": np.array([b"one", b"\xff", b""], dtype=object),
    "step": np.array(2, np.int64),
}
# Long enough for two threads to take turns.
LONG: Tensors = {"w": np.arange(300_000, dtype=np.int32), "v": np.ones(90_000, np.float32)}
NEXT: Tensors = {"w": np.zeros(3, np.float16)}


class Scene(Enum):
    """Where a save begins."""

    FRESH = "fresh"
    REPLACE = "replace"


class Place(NamedTuple):
    """A directory in which a save is about to happen, and what was there before."""

    home: Path
    prefix: Path
    scene: Scene
    before: dict[str, bytes | None]


def make_places(scene: Scene, folder: Path) -> Iterator[Place]:
    """Replacing happens beside another checkpoint, writing anew in a missing directory."""
    template = folder / "template"
    template.mkdir()
    if scene is Scene.REPLACE:
        for name in ("other", "m"):
            pbckpt.save_checkpoint(OLD, template / name, durability=pbckpt.Durability.NONE)
    before = snapshot(template)
    for number in count(1):
        home = folder / str(number)
        shutil.copytree(template, home)
        prefix = home / "m" if scene is Scene.REPLACE else home / "a" / "b" / "m"
        yield Place(home, prefix, scene, before)


def snapshot(home: Path) -> dict[str, bytes | None]:
    """Return what is in a directory: bytes of files, None for directories."""
    return {
        str(path.relative_to(home)): None if path.is_dir() else path.read_bytes()
        for path in home.rglob("*")
    }


def save(place: Place, tensors: Tensors, durability: pbckpt.Durability) -> None:
    fresh = place.scene is Scene.FRESH
    pbckpt.save_checkpoint(
        tensors,
        place.prefix,
        on_existing=pbckpt.OnExisting.REFUSE if fresh else pbckpt.OnExisting.REPLACE,
        durability=durability,
    )


def holds(prefix: Path, tensors: Tensors) -> bool:
    """Tell whether a checkpoint is there, whole, and these very bits."""
    try:
        found = pbckpt.load_checkpoint(prefix)
        whole = pbckpt.verify(prefix).ok
    except pbckpt.BundleError:
        return False
    return (
        whole
        and found.keys() == tensors.keys()
        and all(same_bits(found[key], value) for key, value in tensors.items())
    )


def same_bits(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    if one.dtype == object:
        return bool((one == other).all())
    return one.tobytes() == other.tobytes()


def in_child(action: Callable[[], object]) -> int:
    """Do something in a child process; return how that ended."""
    child = os.fork()
    if child == 0:
        status = FAILED
        try:
            action()
            status = SAVED
        except pbckpt.NotCommittedError:
            status = REPORTED
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
