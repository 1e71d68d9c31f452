"""The index of a bundle: which tensors there are, and where their bytes lie.

    find       one key: the one block of the table that can hold it
    entries    all names, after every block was checked

Opening reads the header and what the table's footer leads to, so that it takes
as long for a hundred thousand entries as for one. A list of names is complete,
or there is an error instead.

Slices: the entry of a partitioned tensor lists its parts, and the parts are
entries of their own under keys that are hidden from the list of names. They
begin with a zero byte, as a plain name may too.

Reference: tensorflow/core/util/tensor_bundle/tensor_bundle.cc (BundleReader).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.entry import (
    HEADER_KEY,
    BundleEntry,
    BundleHeader,
    decode_entry,
    decode_header,
    decode_usual_entry,
)
from pbckpt.bundle.slices import slice_key
from pbckpt.errors import CorruptFileError, UnsupportedBundleError
from pbckpt.names import key_to_text
from pbckpt.table.reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView

    from pbckpt.table.block import Entry
    from pbckpt.wire.span import ByteSource

_SLICE_MARK = b"\0"


class _Listed(NamedTuple):
    """Everything that an index lists, encoded: names and slices apart.

    Each value was decoded once, to be checked. They are kept as bytes, for a
    hundred thousand decoded ones take ten times the memory, and time.
    """

    entries: dict[bytes, bytes]
    slice_entries: dict[bytes, bytes]


class Index:
    """An open index file."""

    def __init__(self, source: ByteSource) -> None:
        """Read the header.

        Raises a BundleError that names ``source`` where it is wrong, and LimitError
        for keys of blocks that are out of proportion to it.
        """
        self._source = source
        self._listed: _Listed | None = None
        try:
            self._table = TableReader(source)
            self.header = _read_header(self._table)
        except CorruptFileError as error:
            raise error.in_file(source.name) from None

    @property
    def name(self) -> str:
        """What the file is called."""
        return self._source.name

    def names(self) -> KeysView[bytes]:
        """Return the names of all tensors, in key order; all is read and checked first.

        Raises a BundleError where anything is wrong with the file, and
        LimitError for keys that are out of proportion to it.
        """
        return self._list().entries.keys()

    @property
    def entries(self) -> dict[bytes, BundleEntry]:
        """Every tensor by name, in key order; as `names`."""
        return dict(self.items())

    def items(self) -> Iterator[tuple[bytes, BundleEntry]]:
        """Yield the tensors by name, one decoded at a time; as `names`."""
        for key, value in self._list().entries.items():
            yield key, decode_entry(value, self.header)

    def stream(self) -> Iterator[tuple[bytes, BundleEntry]]:
        """Yield the tensors by name while the file is being read and checked.

        Who wants all of them needs no list first, but must be ready for a
        BundleError after some. (Slices come first in the file; where there are
        any, the list tells which keys are names.)
        """
        header = self.header
        if self._listed is None:
            try:
                for batch in self._batches():
                    # Keys ascend: where there are slices, they are the first.
                    if batch and batch[0][0].startswith(_SLICE_MARK):
                        break
                    for key, value in batch:
                        yield key, decode_usual_entry(value, header) or self._decode(key, value)
                else:
                    return
            except CorruptFileError as error:
                raise error.in_file(self._source.name) from None
        yield from self.items()

    @property
    def slice_entries(self) -> dict[bytes, BundleEntry]:
        """The parts of partitioned tensors by their slice keys; as `names`."""
        listed = self._list().slice_entries.items()
        return {key: decode_entry(value, self.header) for key, value in listed}

    def find(self, key: bytes) -> BundleEntry | None:
        """Return the entry of one name, or None; checks the block that can hold it."""
        if self._listed is None and not key.startswith(_SLICE_MARK):
            return self.find_stored(key) if key != HEADER_KEY else None
        value = self._list().entries.get(key)
        return None if value is None else decode_entry(value, self.header)

    def find_stored(self, key: bytes) -> BundleEntry | None:
        """Return the entry of a name or of a slice key."""
        if self._listed is not None:
            value = self._listed.entries.get(key) or self._listed.slice_entries.get(key)
            return None if value is None else decode_entry(value, self.header)
        try:
            value = self._table.find(key)
            return None if value is None else self._decode(key, value)
        except CorruptFileError as error:
            raise error.in_file(self._source.name) from None

    def check_layout(self) -> None:
        """Check the parts of the file that reading does not touch."""
        try:
            self._table.check_layout()
        except CorruptFileError as error:
            raise error.in_file(self._source.name) from None

    def _decode(self, key: bytes, value: bytes) -> BundleEntry:
        try:
            return decode_entry(value, self.header)
        except CorruptFileError as error:
            fact = f"key {key_to_text(key)!r}: {error.fact}"
            raise CorruptFileError(
                fact, offset=self._table.position, expected=error.expected, actual=error.actual
            ) from None

    def _list(self) -> _Listed:
        if self._listed is None:
            try:
                self._listed = self._read_entries()
            except CorruptFileError as error:
                raise error.in_file(self._source.name) from None
        return self._listed

    def _read_entries(self) -> _Listed:
        """Check all values."""
        header = self.header
        stored: dict[bytes, bytes] = {}
        partitioned: list[tuple[bytes, BundleEntry]] = []
        for batch in self._batches():
            stored.update(batch)
            for key, value in batch:
                entry = decode_usual_entry(value, header) or self._decode(key, value)
                if entry.slices:
                    partitioned.append((key, entry))
        parts = {
            key: stored.pop(key)
            for name, entry in partitioned
            for key in (slice_key(name, part) for part in entry.slices)
            if key in stored
        }
        return _Listed(stored, parts)

    def _batches(self) -> Iterator[list[Entry]]:
        """Yield what the file lists after the header, which is the first entry of all."""
        batches = self._table.batches()
        first = next(batches)
        if first[0][0] != HEADER_KEY:
            raise _without_header()
        yield first[1:]
        yield from batches


def _read_header(table: TableReader) -> BundleHeader:
    value = table.find(HEADER_KEY)
    if value is None:
        raise _without_header()
    # The first value of a single-file V1 checkpoint begins with field 1, a message.
    if value[:1] == b"\x0a":
        raise UnsupportedBundleError(
            "a V1 checkpoint in a file that is named as the index of a V2 one; "
            "give it a name without .index"
        )
    return decode_header(value)


def _without_header() -> CorruptFileError:
    return CorruptFileError("an index without a header: its first key is not empty")
