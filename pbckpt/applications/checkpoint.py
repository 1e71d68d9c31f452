"""Checkpoint: an open checkpoint as a mapping from keys to arrays, read on demand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pbckpt.applications.locate import locate_checkpoint
from pbckpt.bundle.reader import BundleReader, Verify, read_index
from pbckpt.errors import BundleError, SelectionError, UnknownKeyError
from pbckpt.names import Prefix, key_to_bytes, key_to_text
from pbckpt.storage.local import MappedFile, open_existing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import TracebackType

    import numpy.typing as npt
    from typing_extensions import Self

    from pbckpt.bundle.entry import BundleEntry


class OpenBundle:
    """An index that was read, and its shards, opened as they are asked for."""

    def __init__(self, prefix: Prefix, verify: Verify) -> None:
        """Read the index. Raises MissingFileError or what is wrong with it."""
        self.prefix = prefix
        self._closed = False
        self._files = ExitStack()
        self._shards: dict[int, MappedFile] = {}
        with open_existing(prefix.index_path(), f"checkpoint {prefix.path} needs it") as file:
            self.index = read_index(file)
        self.reader = BundleReader(self.index, self.open_shard, verify)

    def open_shard(self, shard_id: int) -> MappedFile:
        """Return the data file of that number, opened once."""
        if self._closed:
            raise BundleError(f"checkpoint {self.prefix.path} is closed; open it again")
        if shard_id not in self._shards:
            path = self.prefix.shard_path(shard_id, self.index.header.num_shards)
            file = open_existing(path, f"the index of {self.prefix.path} refers to it")
            self._shards[shard_id] = self._files.enter_context(file)
        return self._shards[shard_id]

    def close(self) -> None:
        """Close the data files."""
        self._closed = True
        self._shards.clear()
        self._files.close()


class Checkpoint(Mapping[str, "npt.NDArray[Any]"]):
    """The tensors of a checkpoint by key; a context manager.

    Looking a key up reads that tensor, checks its CRC and returns an array of
    its own. Keys that are not UTF-8 have surrogate escapes.
    """

    def __init__(self, bundle: OpenBundle) -> None:
        """Use `open_checkpoint`."""
        self._bundle = bundle

    @property
    def prefix(self) -> str:
        """The prefix that was opened."""
        return self._bundle.prefix.path

    @property
    def num_shards(self) -> int:
        """How many data files the index counts."""
        return self._bundle.index.header.num_shards

    def entry(self, key: str) -> BundleEntry:
        """Return a tensor's type, shape and place. Raises UnknownKeyError."""
        entry = self._bundle.index.entries.get(key_to_bytes(key)) if key in self else None
        if entry is None:
            from pbckpt.variables.patterns import nearest_names  # noqa: PLC0415

            raise UnknownKeyError(key, prefix=self.prefix, suggestions=nearest_names(key, self))
        return entry

    def __getitem__(self, key: str) -> npt.NDArray[Any]:
        """Return the tensor as an array. Raises UnknownKeyError, BundleError."""
        from pbckpt.applications.arrays import read_array  # noqa: PLC0415 - listing keys needs no numpy

        return read_array(self._bundle.reader, self.entry(key))

    def __iter__(self) -> Iterator[str]:
        """Yield the keys in the order of the index."""
        return map(key_to_text, self._bundle.index.entries)

    def __len__(self) -> int:
        """Return the number of tensors."""
        return len(self._bundle.index.entries)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a tensor of that key, without reading it."""
        try:
            return isinstance(key, str) and key_to_bytes(key) in self._bundle.index.entries
        except SelectionError:
            return False

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as in Mapping
        """Return the tensor, or ``default``, without looking for what is near."""
        return self[key] if key in self else default  # noqa: SIM401 - this is get

    def close(self) -> None:
        """Close the data files; arrays that were read stay valid."""
        self._bundle.close()

    def __enter__(self) -> Self:
        """Return the checkpoint itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def open_checkpoint(
    prefix: str | os.PathLike[str], *, verify: Verify = Verify.CHECKSUMS
) -> Checkpoint:
    """Open a checkpoint by its prefix, one of its files, or its directory.

    The index is read and checked whole; tensors are read when they are looked
    up, and checked against their CRCs unless ``verify`` is Verify.NOTHING.
    Raises MissingFileError, CorruptFileError, UnsupportedBundleError.
    """
    return Checkpoint(OpenBundle(locate_checkpoint(prefix), Verify(verify)))


def load_checkpoint(
    prefix: str | os.PathLike[str], *, verify: Verify = Verify.CHECKSUMS
) -> dict[str, npt.NDArray[Any]]:
    """Return all tensors of a checkpoint as arrays."""
    with open_checkpoint(prefix, verify=verify) as checkpoint:
        return dict(checkpoint)


def list_variables(prefix: str | os.PathLike[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Return key and shape of every tensor of a checkpoint."""
    with open_checkpoint(prefix) as checkpoint:
        return [(key, checkpoint.entry(key).shape) for key in checkpoint]


def load_variable(prefix: str | os.PathLike[str], key: str) -> npt.NDArray[Any]:
    """Return one tensor of a checkpoint. Raises UnknownKeyError."""
    with open_checkpoint(prefix) as checkpoint:
        return checkpoint[key]
