"""A small checkpoint of every kind of tensor, and what can be put in the place of its files."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import ml_dtypes
import numpy as np

import pbckpt
from pbckpt.table.builder import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Result = TypeVar("Result")

OPEN_FILES = Path("/proc/self/fd")

# Long enough for a busy machine; what hangs, hangs for ever.
PATIENCE_SECONDS = 20


def make_tensors() -> dict[str, npt.NDArray[Any]]:
    return {
        "bias": np.array([1.5, -2.5, np.nan], "f4"),
        "flags": np.array([True, False, True]),
        "half": np.array([[1, 2], [3, 4]], "f2"),
        "brain": np.array([0.5, -0.5], ml_dtypes.bfloat16),
        "steps": np.array(1234567890123, "i8"),
        "waves": np.array([1 + 2j, 3 - 4j], "c8"),
        "nothing": np.zeros((0, 3), "f4"),
        "words": np.array([b"hello", b"", b"\xff\x00z", b"x" * 130], object),
    }


def bits_of(array: npt.NDArray[Any]) -> object:
    bits = array.tolist() if array.dtype == object else array.tobytes()
    return (array.dtype, array.shape, bits)


class Saved(NamedTuple):
    """A checkpoint on disk, and what is in it."""

    prefix: Path
    tensors: Mapping[str, npt.NDArray[Any]]

    @property
    def index_file(self) -> Path:
        return self.prefix.with_name(self.prefix.name + ".index")

    @property
    def data_file(self) -> Path:
        return self.prefix.with_name(self.prefix.name + ".data-00000-of-00001")

    def load(self) -> dict[str, npt.NDArray[Any]]:
        return pbckpt.load_checkpoint(self.prefix)

    def is_right(self) -> bool:
        """Tell whether all of it can be read; what is read must be what was saved."""
        try:
            loaded = self.load()
        except pbckpt.PbckptError:
            return False
        assert loaded.keys() == self.tensors.keys()
        for name, value in loaded.items():
            assert bits_of(value) == bits_of(self.tensors[name])
        return True

    def is_verified(self) -> bool:
        """Tell whether `verify` finds nothing; it must not fail either."""
        return pbckpt.verify(self.prefix).ok


def save(prefix: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> Saved:
    pbckpt.save_checkpoint(tensors, prefix, durability=pbckpt.Durability.NONE)
    return Saved(prefix, tensors)


def forge(path: Path, entries: dict[bytes, str]) -> None:
    """Write an index that has these entries, with right checksums."""
    out: list[bytes] = []
    header = {b"": "08011a020801"}
    values = sorted({**header, **entries}.items())
    write_table(((key, bytes.fromhex(value)) for key, value in values), out.append)
    path.write_bytes(b"".join(out))


def replace(path: Path, kind: str) -> None:
    """Put something that is not a file in the place of a file."""
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    else:
        os.mknod(path, 0o600 | (stat.S_IFIFO if kind == "pipe" else stat.S_IFSOCK))


def finished(call: Callable[[], Result]) -> Result:
    """Return or raise what a call does; fail where it does not end."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]
    return results[0]


def open_files() -> int:
    return len(list(OPEN_FILES.iterdir()))
