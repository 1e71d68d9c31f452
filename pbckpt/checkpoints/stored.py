"""Stored tensors: an open checkpoint of either version, behind one face.

    Bundle   V2: an index file and data files, opened as they are asked for
    V1       every file a table of its own, with the elements inside

Keys are bytes here, and names of whole tensors alone: slices are joined, or
given one by one to be copied.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pbckpt.bundle.index import Index
from pbckpt.bundle.payload import Part, Payload, Tensor, string_payload
from pbckpt.bundle.reader import BundleReader, Verify
from pbckpt.bundle.slices import part_shape, slice_key
from pbckpt.dtypes import DataType
from pbckpt.errors import BundleError
from pbckpt.names import BundleKey
from pbckpt.shapes import count_elements
from pbckpt.storage.local import MappedFile, open_existing
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator

    import numpy.typing as npt

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.errors import CorruptFileError
    from pbckpt.names import Prefix
    from pbckpt.v1.reader import V1Reader

    Array = npt.NDArray[Any]


class TensorInfo(NamedTuple):
    """What is known of a stored tensor.

    ``nbytes`` is what it takes in the data files; ``num_slices`` is 0 for a
    tensor that is stored whole.
    """

    dtype: DataType
    shape: tuple[int, ...]
    nbytes: int
    num_slices: int = 0


class Placed(NamedTuple):
    """A tensor, or a slice of one, by the place of its bytes; ``tensor`` is to be written."""

    shard_id: int
    offset: int
    nbytes: int
    tensor: Callable[[], Tensor]


class _Reading(Protocol):
    """What a bundle asks of `pbckpt.arrays.reading`."""

    def read_array(self, reader: BundleReader, name: bytes, entry: BundleEntry, /) -> Array: ...
    def read_own_array(self, reader: BundleReader, name: bytes, entry: BundleEntry, /) -> Array: ...
    def read_piece(
        self, reader: BundleReader, name: bytes, entry: BundleEntry, index: object, /
    ) -> Array: ...


class Bundle:
    """A V2 checkpoint: its index, and its shards, opened as they are asked for."""

    def __init__(self, prefix: Prefix, verify: Verify) -> None:
        """Open the index. Raises MissingFileError or what is wrong with it."""
        self.prefix = prefix
        self._closed = False
        self._files = ExitStack()
        self._shards: dict[int, MappedFile] = {}
        needed_by = f"checkpoint {prefix.path} needs it"
        try:
            file = self._files.enter_context(open_existing(prefix.index_path(), needed_by))
            self.index = Index(file)
        except BaseException:
            self._files.close()
            raise
        self.reader = BundleReader(self.index, self.open_shard, verify)

    @property
    def num_shards(self) -> int:
        """How many data files the index counts."""
        return self.index.header.num_shards

    @property
    def is_big_endian(self) -> bool:
        """Whether numbers are stored in big-endian order."""
        return self.index.header.big_endian

    def open_shard(self, shard_id: int) -> MappedFile:
        """Return the data file of that number, opened once."""
        self._refuse_closed()
        if shard_id not in self._shards:
            path = self.prefix.shard_path(shard_id, self.index.header.num_shards)
            file = open_existing(path, f"the index of {self.prefix.path} refers to it")
            self._shards[shard_id] = self._files.enter_context(file)
        return self._shards[shard_id]

    def _refuse_closed(self) -> None:
        if self._closed:
            raise BundleError(f"checkpoint {self.prefix.path} is closed; open it again")

    def keys(self) -> Collection[bytes]:
        """Return the names of all tensors."""
        self._refuse_closed()
        return self.index.names()

    def entry(self, key: bytes) -> BundleEntry | None:
        """Return the entry of a tensor."""
        self._refuse_closed()
        return self.index.find(key)

    def _known(self, key: bytes) -> BundleEntry:
        entry = self.entry(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def info(self, key: bytes) -> TensorInfo | None:
        """Return what is known of one tensor."""
        entry = self.entry(key)
        if entry is None:
            return None
        nbytes = entry.nbytes
        if entry.slices:
            nbytes = (count_elements(entry.shape) or 0) * entry.dtype.itemsize
        return TensorInfo(entry.dtype, entry.shape, nbytes, len(entry.slices))

    def array(self, key: bytes, *, own: bool) -> Array:
        """Return a tensor."""
        read = self._reading.read_own_array if own else self._reading.read_array
        return read(self.reader, key, self._known(key))

    def arrays(self, *, own: bool) -> Iterator[tuple[bytes, Array]]:
        """Yield the names of all tensors and the tensors, while the list is being read."""
        self._refuse_closed()
        read = self._reading.read_own_array if own else self._reading.read_array
        for key, entry in self.index.stream():
            yield key, read(self.reader, key, entry)

    @cached_property
    def _reading(self) -> _Reading:
        """Numpy's side, imported once: listing keys needs none of it."""
        from pbckpt.arrays import reading  # noqa: PLC0415

        return reading

    def piece(self, key: bytes, index: object) -> Array:
        """Return ``array[index]`` of a tensor."""
        return self._reading.read_piece(self.reader, key, self._known(key), index)

    def strings(self, key: bytes) -> list[bytes]:
        """Return the elements of a string tensor that is stored whole, without numpy."""
        return self.reader.read_strings(self._known(key))

    def tensors(self, key: bytes, new_key: BundleKey) -> Iterator[Tensor]:
        """Yield a tensor, or its slices, to be written under a name."""
        for placed in self.placed(key, new_key):
            yield placed.tensor()

    def placed(self, key: bytes, new_key: BundleKey) -> Iterator[Placed]:
        """Yield a tensor, or its slices, with the places of their bytes."""
        entry = self._known(key)
        if not entry.slices:
            make = partial(self._tensor, new_key, entry)
            yield Placed(entry.shard_id, entry.offset, entry.nbytes, make)
            return
        for place, stored in self.reader.slices_of(key, entry, is_whole=False):
            part = Part(new_key, entry.shape, place)
            make = partial(self._tensor, BundleKey(slice_key(new_key, place)), stored, part)
            yield Placed(stored.shard_id, stored.offset, stored.nbytes, make)

    def _tensor(self, key: BundleKey, entry: BundleEntry, part: Part | None = None) -> Tensor:
        if self.reader.big_endian and entry.dtype.is_fixed_size:
            from pbckpt.arrays.byteorder import swapped_spans  # noqa: PLC0415

            payload = Payload(swapped_spans(self.reader, entry))
        else:
            payload = self.reader.payload(entry)
        return Tensor(key, entry.dtype, entry.shape, payload, part)

    def joined(self, key: bytes, new_key: BundleKey) -> Tensor:
        """Return a tensor to be written whole."""
        entry = self._known(key)
        if not entry.slices:
            return self._tensor(new_key, entry)
        from pbckpt.arrays.given import tensor_of_array  # noqa: PLC0415
        from pbckpt.arrays.reading import joined_spans  # noqa: PLC0415

        if not entry.dtype.is_fixed_size:
            return tensor_of_array(new_key, self.array(key, own=True))
        payload = Payload(joined_spans(self.reader, key, entry))
        return Tensor(new_key, entry.dtype, entry.shape, payload)

    def close(self) -> None:
        """Close the files; arrays that are views of them stay valid."""
        self._closed = True
        self._shards.clear()
        self._files.close()


class V1:
    """A V1 checkpoint: one file, or several that a pattern stands for."""

    def __init__(self, prefix: Prefix, paths: list[str]) -> None:
        """Open all files. Raises what is wrong with them."""
        from pbckpt.v1.reader import V1Reader  # noqa: PLC0415 - few are left

        self.prefix = prefix
        self.num_shards = len(paths)
        self.is_big_endian = False
        self._files = ExitStack()
        try:
            needed_by = f"checkpoint {prefix.path} consists of it"
            files = [self._files.enter_context(open_existing(path, needed_by)) for path in paths]
            self.reader: V1Reader | None = V1Reader(files)
        except BaseException:
            self._files.close()
            raise
        self._names = sorted(self.reader.tensors)

    def check_layout(self) -> Iterator[CorruptFileError]:
        """Yield what is wrong with the parts of the files that reading does not touch."""
        return self._open_reader().check_layout()

    def _open_reader(self) -> V1Reader:
        if self.reader is None:
            raise BundleError(f"checkpoint {self.prefix.path} is closed; open it again")
        return self.reader

    def keys(self) -> Collection[bytes]:
        """Return the names of all tensors."""
        self._open_reader()
        return self._names

    def info(self, key: bytes) -> TensorInfo | None:
        """Return what is known of one tensor."""
        tensor = self._open_reader().tensors.get(key)
        if tensor is None:
            return None
        nbytes = (count_elements(tensor.shape) or 0) * tensor.dtype.itemsize
        num_slices = len(tensor.parts) if len(tensor.parts) > 1 else 0
        return TensorInfo(tensor.dtype, tensor.shape, nbytes, num_slices)

    def array(self, key: bytes, *, own: bool) -> Array:  # noqa: ARG002 - it always is its own
        """Return a tensor."""
        from pbckpt.arrays.reading import read_v1_array  # noqa: PLC0415

        return read_v1_array(self._open_reader(), key)

    def arrays(self, *, own: bool) -> Iterator[tuple[bytes, Array]]:
        """Yield the names of all tensors and the tensors, while the list is being read."""
        for key in self._names:
            yield key, self.array(key, own=own)

    def piece(self, key: bytes, index: object) -> Array:
        """Return ``array[index]`` of a tensor, which is read whole."""
        from pbckpt.arrays.reading import part_of_array  # noqa: PLC0415

        return part_of_array(self.array(key, own=True), index)

    def tensors(self, key: bytes, new_key: BundleKey) -> Iterator[Tensor]:
        """Yield a tensor, or its slices, to be written under a name."""
        reader = self._open_reader()
        tensor = reader.tensors[key]
        for stored in tensor.parts:
            shape = part_shape(tensor.shape, stored.part)
            payload: Payload
            if tensor.dtype is DataType.STRING:
                payload = string_payload(reader.part_strings(tensor, stored))
            else:
                payload = Payload([Span.of(reader.part_bytes(tensor, stored))])
            if len(tensor.parts) == 1:
                yield Tensor(new_key, tensor.dtype, shape, payload)
                return
            part = Part(new_key, tensor.shape, stored.part)
            own_key = BundleKey(slice_key(new_key, stored.part))
            yield Tensor(own_key, tensor.dtype, shape, payload, part)

    def joined(self, key: bytes, new_key: BundleKey) -> Tensor:
        """Return a tensor to be written whole."""
        tensor = self._open_reader().tensors[key]
        if len(tensor.parts) == 1:
            return next(self.tensors(key, new_key))
        from pbckpt.arrays.given import tensor_of_array  # noqa: PLC0415

        whole = tensor_of_array(new_key, self.array(key, own=True))
        return whole._replace(dtype=tensor.dtype)

    def close(self) -> None:
        """Close the files."""
        self.reader = None
        self._files.close()


def open_stored(path: str | os.PathLike[str], verify: Verify = Verify.CHECKSUMS) -> Bundle | V1:
    """Open the checkpoint that ``path`` stands for, of whichever version it is."""
    from pbckpt.checkpoints.locate import locate_checkpoint  # noqa: PLC0415

    found = locate_checkpoint(path)
    if found.v1_files:
        return V1(found.prefix, list(found.v1_files))
    return Bundle(found.prefix, Verify(verify))
