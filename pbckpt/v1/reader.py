"""The V1 reader: what the files of one V1 checkpoint list, and the tensors' elements.

Opening reads the list of every file, and with it the first block alone. A
tensor's parts are looked up by key when they are asked for, and each must be
the slice of the tensor that the list says.

    part_bytes -> key -> block, CRC checked -> record -> elements

There is no checksum of a tensor: that of the block is all there is.

Reference: tensorflow/core/util/tensor_slice_reader.cc.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.entry import HEADER_KEY
from pbckpt.bundle.slices import covers, part_shape, slice_key
from pbckpt.errors import CorruptFileError, LimitError
from pbckpt.names import key_to_text
from pbckpt.table.footer import MAGIC
from pbckpt.table.reader import MAX_KEY_RATIO, SPARE_KEY_BYTES, TableReader
from pbckpt.v1.meta import decode_meta
from pbckpt.v1.record import SliceRecord, decode_elements, decode_record, decode_strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.dtypes import DataType
    from pbckpt.v1.meta import ListedTensor
    from pbckpt.wire.span import ByteSource

# Field 1 of SavedTensorSlices, a message; the header of an index begins with a number.
_FIRST_BYTE = b"\x0a"


class V1Part(NamedTuple):
    """A slice of a tensor: which file has it, and under which key."""

    part: TensorSlice
    key: bytes
    shard_id: int


class V1Tensor(NamedTuple):
    """A tensor and the parts that it is stored in; a whole one has one, all of it."""

    dtype: DataType
    shape: tuple[int, ...]
    parts: tuple[V1Part, ...]


def is_v1(source: ByteSource) -> bool:
    """Tell whether a file is a V1 checkpoint and not an index file or no table at all.

    Raises CorruptFileError for a table whose first record cannot be read.
    """
    if bytes(source.view[-len(MAGIC) :]) != MAGIC:
        return False
    table = _open_table(source)
    try:
        record = table.find(HEADER_KEY)
    except CorruptFileError as error:
        raise error.in_file(source.name) from None
    return record is not None and record[:1] == _FIRST_BYTE


def _open_table(source: ByteSource) -> TableReader:
    try:
        return TableReader(source)
    except CorruptFileError as error:
        raise error.in_file(source.name) from None


class V1Reader:
    """Reads tensors of one V1 checkpoint.

    ``tensors`` maps each name to what is known of it, in the order of saving.
    """

    def __init__(self, sources: Sequence[ByteSource]) -> None:
        """Read the lists of all files: one, or every shard of a checkpoint.

        Raises a BundleError that names the file where a list is damaged, where
        files disagree, or where the parts of a tensor are not all of it.
        """
        self._sources = tuple(sources)
        self._tables: list[TableReader] = []
        self.tensors: dict[bytes, V1Tensor] = {}
        self._parts: dict[bytes, list[V1Part]] = {}
        self._key_budget = self._max_key_bytes = SPARE_KEY_BYTES + MAX_KEY_RATIO * sum(
            len(source.view) for source in self._sources
        )
        for shard_id, source in enumerate(self._sources):
            self._tables.append(_open_table(source))
            try:
                self._read_list(shard_id)
            except CorruptFileError as error:
                raise self._located(error, shard_id) from None
        self._join_parts()

    def _read_list(self, shard_id: int) -> None:
        record = self._find(shard_id, HEADER_KEY)
        if record is None or record[:1] != _FIRST_BYTE:
            raise CorruptFileError("this is no V1 checkpoint: it begins without a list of tensors")
        for listed in decode_meta(record):
            self._add(listed, shard_id)

    def _add(self, listed: ListedTensor, shard_id: int) -> None:
        """Join what one file lists with what was listed before."""
        mine = V1Tensor(listed.dtype, listed.shape, ())
        known = self.tensors.setdefault(listed.name, mine)
        if known != mine:
            name = key_to_text(listed.name)
            raise CorruptFileError(
                f"tensor {name!r} is listed twice, with another type or shape",
                expected=f"{known.dtype.label} {list(known.shape)[:8]}",
                actual=f"{mine.dtype.label} {list(mine.shape)[:8]}",
            )
        parts = self._parts.setdefault(listed.name, [])
        for part in listed.slices:
            key = slice_key(listed.name, part)
            self._spend_key_bytes(len(key), self._sources[shard_id].name)
            parts.append(V1Part(part, key, shard_id))

    def _spend_key_bytes(self, nbytes: int, file: str) -> None:
        """Every part repeats the name: keys must stay in proportion to the files."""
        self._key_budget -= nbytes
        if self._key_budget < 0:
            raise LimitError(
                f"{file}: the size of all keys",
                limit="key bytes",
                value=self._max_key_bytes - self._key_budget,
                maximum=self._max_key_bytes,
            )

    def _join_parts(self) -> None:
        for name, parts in self._parts.items():
            tensor = self.tensors[name]
            if not parts or not covers(tensor.shape, [part.part for part in parts]):
                raise CorruptFileError(
                    f"the slices of {key_to_text(name)!r} do not cover it, each part once",
                    file=self._sources[parts[-1].shard_id if parts else 0].name,
                    advice="all shards of a checkpoint are needed",
                )
            self.tensors[name] = tensor._replace(parts=tuple(parts))
        self._parts.clear()

    def check_layout(self) -> Iterator[CorruptFileError]:
        """Read every block of every file, and yield what is wrong where reading tensors is not."""
        for table, source in zip(self._tables, self._sources, strict=True):
            try:
                for _ in table:
                    pass
                table.check_layout()
            except CorruptFileError as error:  # noqa: PERF203 - all of them are told
                yield error.in_file(source.name)

    def part_bytes(self, tensor: V1Tensor, part: V1Part) -> bytearray:
        """Return a part of a fixed-size tensor: little-endian elements in C order.

        Raises CorruptFileError, naming the file, for a part that is not stored,
        that is another's, or that has too many or too few elements.
        """
        try:
            return decode_elements(self._record(part), tensor.dtype, _count(tensor, part))
        except CorruptFileError as error:
            raise self._located(error, part.shard_id) from None

    def part_strings(self, tensor: V1Tensor, part: V1Part) -> list[bytes]:
        """Return the elements of a part of a string tensor in C order. Raises as above."""
        try:
            return decode_strings(self._record(part), _count(tensor, part))
        except CorruptFileError as error:
            raise self._located(error, part.shard_id) from None

    def _record(self, part: V1Part) -> SliceRecord:
        stored = self._find(part.shard_id, part.key)
        if stored is None:
            raise CorruptFileError(
                f"no record under the key {part.key!r} of a slice that is listed"
            )
        record = decode_record(stored, len(part.part))
        if slice_key(record.name, record.part) != part.key:
            raise CorruptFileError(f"the record under the key {part.key!r} is of another slice")
        return record

    def _find(self, shard_id: int, key: bytes) -> bytes | None:
        try:
            return self._tables[shard_id].find(key)
        except CorruptFileError as error:
            raise error.in_file(self._sources[shard_id].name) from None

    def _located(self, error: CorruptFileError, shard_id: int) -> CorruptFileError:
        """Return what is wrong with a record as an error at its block."""
        name, block = self._sources[shard_id].name, self._tables[shard_id].position
        return error.in_file(name, base=block)


def _count(tensor: V1Tensor, part: V1Part) -> int:
    """Return the number of elements of a part, which lies within its tensor."""
    return math.prod(part_shape(tensor.shape, part.part))
