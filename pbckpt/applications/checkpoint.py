"""Checkpoint: an open checkpoint as a mapping from keys to arrays, read on demand."""

from __future__ import annotations

import contextlib
import os
from collections.abc import ItemsView, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pbckpt.bundle.reader import Verify
from pbckpt.checkpoints.stored import Bundle, open_stored
from pbckpt.errors import SelectionError, UnknownKeyError, UnsupportedBundleError
from pbckpt.names import key_to_bytes, key_to_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import numpy.typing as npt
    from typing_extensions import Self

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.checkpoints.stored import V1, TensorInfo
    from pbckpt.dtypes import DataType
    from pbckpt.objects.graph import ObjectGraph

    Array = npt.NDArray[Any]


class TensorSlices:
    """A stored tensor that gives parts of itself: ``slices[10:20, :, 3]``.

    No more is read than the part; what is not read whole is not checked
    against its CRC.
    """

    def __init__(self, stored: Bundle | V1, key: bytes, info: TensorInfo) -> None:
        """Use `Checkpoint.get_slice`."""
        self._stored = stored
        self._key = key
        self.dtype: DataType = info.dtype
        self.shape: tuple[int, ...] = info.shape

    def __getitem__(self, index: object) -> Array:
        """Return a part, as numpy's indexing has it; read-only where it is in place."""
        return self._stored.piece(self._key, index)


class _Items(ItemsView[str, "npt.NDArray[Any]"]):
    """All tensors of a checkpoint, read one after the other without looking each up."""

    def __init__(self, checkpoint: Checkpoint, stored: Bundle | V1) -> None:
        super().__init__(checkpoint)
        self._stored = stored

    def __iter__(self) -> Iterator[tuple[str, Array]]:
        for key, array in self._stored.arrays(own=False):
            yield key_to_text(key), array


class Checkpoint(Mapping[str, "npt.NDArray[Any]"]):
    """The tensors of a checkpoint by key; a context manager.

    Looking a key up reads that tensor, checks its CRC and gives a read-only
    array. It is in place where the bytes in the file are those of an array: it
    stays valid when the checkpoint is closed, but not when another program cuts
    the file short. `load` gives arrays of their own, to write to. Keys that are
    not UTF-8 have surrogate escapes.
    """

    def __init__(self, stored: Bundle | V1) -> None:
        """Use `open_checkpoint`."""
        self._stored = stored

    @property
    def prefix(self) -> str:
        """The prefix that was opened."""
        return self._stored.prefix.path

    @property
    def num_shards(self) -> int:
        """How many data files there are."""
        return self._stored.num_shards

    def info(self, key: str) -> TensorInfo:
        """Return a tensor's type, shape and size. Raises UnknownKeyError."""
        info = self._info(key)
        if info is None:
            raise self._unknown(key)
        return info

    def _unknown(self, key: str) -> UnknownKeyError:
        from pbckpt.edits.nearest import nearest_names  # noqa: PLC0415 - only for an error

        # Whatever the types say, people look up other things than text.
        near = nearest_names(str(key), self)
        return UnknownKeyError(key, prefix=self.prefix, suggestions=near)

    def _array(self, key: str, *, own: bool) -> Array:
        try:
            return self._stored.array(self._bytes_of(key), own=own)
        except KeyError:
            raise self._unknown(key) from None

    @staticmethod
    def _bytes_of(key: object) -> bytes:
        """Return what a key is in the index. Raises KeyError for what cannot be one."""
        try:
            if isinstance(key, str):
                return key_to_bytes(key)
        except SelectionError:
            pass
        raise KeyError(key)

    def _info(self, key: object) -> TensorInfo | None:
        try:
            return self._stored.info(key_to_bytes(key)) if isinstance(key, str) else None
        except SelectionError:
            return None

    @property
    def has_entries(self) -> bool:
        """Whether tensors have places in data files, as those of V2 checkpoints have."""
        return isinstance(self._stored, Bundle)

    def entry(self, key: str) -> BundleEntry:
        """Return a tensor's type, shape and place in the data files. Raises UnknownKeyError.

        V1 checkpoints have no such places: UnsupportedBundleError.
        """
        self.info(key)
        entry = self._stored.entry(key_to_bytes(key)) if isinstance(self._stored, Bundle) else None
        if entry is None:
            raise UnsupportedBundleError(f"{self.prefix} is a V1 checkpoint, without entries")
        return entry

    def __getitem__(self, key: str) -> Array:
        """Return the tensor as an array. Raises UnknownKeyError, BundleError."""
        return self._array(key, own=False)

    def load(self, key: str) -> Array:
        """Return the tensor as an array of its own, to write to as well. Raises as above."""
        return self._array(key, own=True)

    def load_text(self, key: str, encoding: str = "utf-8") -> Array:
        """Return a string tensor as an array of str, decoded.

        Raises UnknownKeyError, SelectionError for a tensor of another type, and
        UnsupportedBundleError for bytes that are no such text.
        """
        array = self.load(key)
        if array.dtype != object:
            raise SelectionError(f"{key!r} is of type {self.info(key).dtype.label}, not strings")
        flat = array.reshape(-1)
        try:
            flat[:] = [element.decode(encoding) for element in flat.tolist()]
        except UnicodeDecodeError as error:
            raise UnsupportedBundleError(
                f"a string of {key!r} is not {encoding}: {error.reason}; load it as bytes"
            ) from None
        return array

    def get_slice(self, key: str) -> TensorSlices:
        """Return the tensor without reading it, to take parts of. Raises UnknownKeyError."""
        return TensorSlices(self._stored, key_to_bytes(key), self.info(key))

    def __iter__(self) -> Iterator[str]:
        """Yield the keys in the order of their bytes, after all of them were checked."""
        return map(key_to_text, self._stored.keys())

    def items(self) -> ItemsView[str, Array]:
        """Return a view of all keys and arrays: the fastest way to all of them."""
        return _Items(self, self._stored)

    def __len__(self) -> int:
        """Return the number of tensors."""
        return len(self._stored.keys())

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a tensor of that key, without reading it."""
        return self._info(key) is not None

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as in Mapping
        """Return the tensor, or ``default``, without looking for what is near."""
        return self[key] if key in self else default  # noqa: SIM401 - this is get

    @cached_property
    def object_graph(self) -> ObjectGraph | None:
        """The graph of an object-based checkpoint; None for a name-based one."""
        from pbckpt.checkpoints.source import graph_of  # noqa: PLC0415 - only who asks pays

        return graph_of(self._stored)

    def keys_by_path(self) -> dict[str, str]:
        """Return the key of each variable by its path from the root object.

        Empty for a name-based checkpoint. Raises CorruptFileError.
        """
        graph = self.object_graph
        return {variable.path: variable.key for variable in graph.variables} if graph else {}

    def keys_by_full_name(self) -> dict[str, str]:
        """Return the key of each variable by the name that it had in the program.

        Of several variables of one name the first counts, and those that have
        none are left out. Empty for a name-based checkpoint.
        """
        found: dict[str, str] = {}
        graph = self.object_graph
        for variable in graph.variables if graph else ():
            if variable.full_name:
                found.setdefault(variable.full_name, variable.key)
        return found

    def close(self) -> None:
        """Close the files; arrays that were read stay valid."""
        self._stored.close()

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

    That takes no longer for many tensors than for few. A tensor is found when
    it is looked up, and checked against its CRC unless ``verify`` is
    Verify.NOTHING; the list of all keys is checked whole when it is asked for.
    Raises MissingFileError, CorruptFileError, UnsupportedBundleError, and
    LimitError for an index whose keys are out of proportion to its size.
    """
    return Checkpoint(open_stored(prefix, Verify(verify)))


def load_checkpoint(
    prefix: str | os.PathLike[str], *, verify: Verify = Verify.CHECKSUMS
) -> dict[str, Array]:
    """Return all tensors of a checkpoint, as arrays of their own."""
    with contextlib.closing(open_stored(prefix, Verify(verify))) as stored:
        return {key_to_text(key): array for key, array in stored.arrays(own=True)}


def list_variables(prefix: str | os.PathLike[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Return key and shape of every tensor of a checkpoint."""
    with open_checkpoint(prefix) as checkpoint:
        return [(key, checkpoint.info(key).shape) for key in checkpoint]


def load_variable(prefix: str | os.PathLike[str], key: str) -> Array:
    """Return one tensor of a checkpoint. Raises UnknownKeyError."""
    with open_checkpoint(prefix) as checkpoint:
        return checkpoint.load(key)


def latest_checkpoint(directory: str | os.PathLike[str]) -> str:
    """Return the prefix of the newest checkpoint that a directory's state file names.

    Raises MissingFileError where there is none, or where it is gone.
    """
    from pbckpt.storage.state import latest_checkpoint as newest  # noqa: PLC0415 - protobuf

    return newest(os.fsdecode(directory))
