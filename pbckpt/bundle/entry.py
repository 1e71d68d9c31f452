"""Headers and entries: the values of an index file.

    ""      BundleHeaderProto   1 num_shards, 2 endianness, 3 version
    key     BundleEntryProto    1 dtype, 2 shape, 3 shard_id, 4 offset, 5 size,
                                6 crc32c (fixed32, masked), 7 slices

A checkpoint can have a hundred thousand entries, and most share their type and
shape. So entries are encoded by hand, and decoded by hand where they have the
form that TensorFlow writes; every other form that a reader must accept is left
to protobuf. Numbers that are zero are left out, the shape never is.

Reference: tensorflow/core/protobuf/tensor_bundle.proto. Pure.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType, data_type
from pbckpt.errors import CorruptFileError, UnsupportedBundleError
from pbckpt.protos import BundleEntryProto, BundleHeaderProto
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.shapes import MAX_ELEMENTS, count_elements
from pbckpt.wire.checksum import mask, unmask
from pbckpt.wire.varint import VarintError, decode_varint, encode_varint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import TensorSliceProto

HEADER_KEY = b""
PRODUCER_VERSION = 1
NO_CRC32C = unmask(0)
"""The CRC of an entry that stores none, as the full entry of a partitioned tensor does."""
_CRC = struct.Struct("<BI")
_TAG_DTYPE, _TAG_SHAPE, _TAG_SHARD, _TAG_OFFSET, _TAG_SIZE, _TAG_CRC = range(0x08, 0x38, 0x08)
_TAG_SLICE, _TAG_EXTENT = 0x3A, 0x0A
_LENGTH, _FIXED32 = 2, 5
_CRC_TAG = _TAG_CRC | _FIXED32
_SHARD, _OFFSET, _SIZE = (bytes((tag,)) for tag in (_TAG_SHARD, _TAG_OFFSET, _TAG_SIZE))
_ONE_BYTE = 0x80  # below this a varint is one byte
_TWO_BYTES = _ONE_BYTE * _ONE_BYTE
# What `BundleEntry` does, without its Python half: there may be a hundred thousand.
_new_entry = tuple.__new__


class Extent(NamedTuple):
    """A part of one dimension; ``length`` is None for all of it."""

    start: int
    length: int | None


TensorSlice = tuple[Extent, ...]


class BundleEntry(NamedTuple):
    """Where one tensor's bytes lie, and what they are.

    ``crc32c`` is not masked. A full entry of a partitioned tensor has
    ``slices`` and no bytes of its own.
    """

    dtype: DataType
    shape: tuple[int, ...]
    shard_id: int
    offset: int
    nbytes: int
    crc32c: int
    slices: tuple[TensorSlice, ...] = ()


class BundleHeader(NamedTuple):
    """How many shards a bundle has and in which byte order."""

    num_shards: int
    big_endian: bool = False


def encode_header(header: BundleHeader) -> bytes:
    """Return the value under the empty key."""
    endianness = b"\x10\x01" if header.big_endian else b""
    version = bytes((0x1A, 2, 0x08, PRODUCER_VERSION))
    return b"\x08" + encode_varint(header.num_shards) + endianness + version


def encode_entry(entry: BundleEntry) -> bytes:
    """Return the value of a tensor's key."""
    dtype, shape, shard_id, offset, nbytes, crc, slices = entry
    place = encode_place(dtype, shape, shard_id, offset, nbytes, crc)
    return place + b"".join(map(_encode_slice, slices))


def encode_place(  # noqa: PLR0913, PLR0917 - the fields of an entry, without making one
    dtype: DataType, shape: tuple[int, ...], shard_id: int, offset: int, nbytes: int, crc: int
) -> bytes:
    """Return the value of the key of a tensor that is stored whole."""
    out = encode_type(dtype, shape)
    if shard_id:
        out += _SHARD + encode_varint(shard_id)
    return out + _encode_offset(offset) + _encode_size(nbytes) + _encode_crc(crc)


def encode_places(
    types: Sequence[bytes], shard_id: int, offset: int, sizes: Sequence[int], crcs: Sequence[int]
) -> list[bytes]:
    """Return the values of tensors that follow each other from ``offset`` on.

    ``types`` are what `encode_type` returns for each, and a value is what
    `encode_place` returns. There may be a hundred thousand, so each field is
    made for all of them before the next.
    """
    shard = _SHARD + encode_varint(shard_id) if shard_id else b""
    fields = zip(
        types,
        repeat(shard),
        map(_encode_offset, accumulate(sizes, initial=offset)),
        map(_encode_size, sizes),
        map(_encode_crc, crcs),
        strict=False,
    )
    return list(map(b"".join, fields))


def _encode_offset(offset: int) -> bytes:
    """Encode where a tensor begins: the parts of many offsets are few."""
    if offset < _TWO_BYTES:
        return _OFFSET + encode_varint(offset) if offset else b""
    return _encode_low(offset % _TWO_BYTES) + _encode_high(offset // _TWO_BYTES)


@lru_cache(maxsize=_TWO_BYTES)
def _encode_low(low: int) -> bytes:
    """Encode the tag and the first two bytes, which more follow."""
    return bytes((_TAG_OFFSET, low % _ONE_BYTE | _ONE_BYTE, low // _ONE_BYTE | _ONE_BYTE))


_encode_high = lru_cache(maxsize=4096)(encode_varint)


@lru_cache(maxsize=4096)
def _encode_size(nbytes: int) -> bytes:
    return _SIZE + encode_varint(nbytes) if nbytes else b""


def _encode_crc(crc: int) -> bytes:
    return b"" if crc == NO_CRC32C else _CRC.pack(_CRC_TAG, mask(crc))


def _encode_slice(part: TensorSlice) -> bytes:
    body = b"".join(map(_encode_extent, part))
    return bytes((_TAG_SLICE,)) + encode_varint(len(body)) + body


def _encode_extent(extent: Extent) -> bytes:
    """Encode where a part lies in one dimension; without a length it is all of it."""
    body = b"\x08" + encode_varint(extent.start) if extent.start else b""
    if extent.length is not None:
        body += b"\x10" + encode_varint(extent.length)
    return bytes((_TAG_EXTENT, len(body))) + body


@lru_cache(maxsize=4096)
def encode_type(dtype: DataType, shape: tuple[int, ...]) -> bytes:
    """Return the fields that every entry begins with."""
    dims = b"".join(_encode_dim(size) for size in shape)
    head = bytes((_TAG_DTYPE, dtype, _TAG_SHAPE | _LENGTH))
    return head + encode_varint(len(dims)) + dims


def _encode_dim(size: int) -> bytes:
    body = b"\x08" + encode_varint(size) if size else b""
    return b"\x12" + bytes((len(body),)) + body


def decode_header(data: bytes) -> BundleHeader:
    """Decode the value under the empty key.

    Raises CorruptFileError, or UnsupportedBundleError for a bundle whose
    writer asks for a newer reader.
    """
    try:
        proto = decode(BundleHeaderProto, data)
    except ProtoDecodeError:
        raise CorruptFileError("the header of the index does not decode") from None
    if proto.num_shards < 1 or proto.endianness not in (0, 1):
        raise CorruptFileError(
            f"a header with {proto.num_shards} shards and byte order {proto.endianness}"
        )
    version = proto.version
    if version.min_consumer > PRODUCER_VERSION or PRODUCER_VERSION in version.bad_consumers:
        msg = (
            f"the checkpoint refuses readers of version {PRODUCER_VERSION}, as this one is: "
            f"it asks for version {version.min_consumer} or newer, "
            f"and for none of {list(version.bad_consumers)}"
        )
        raise UnsupportedBundleError(msg)
    return BundleHeader(proto.num_shards, proto.endianness == 1)


def decode_entry(data: bytes, header: BundleHeader) -> BundleEntry:
    """Decode and check the value of a tensor's key against itself and the header."""
    return decode_usual_entry(data, header) or _decode_any(data, header)


def decode_usual_entry(data: bytes, header: BundleHeader) -> BundleEntry | None:
    """Decode an entry of the form that writers give it, or return None for a closer look."""
    end = len(data) - _CRC.size
    if end < 4:  # noqa: PLR2004
        return None
    tag, masked = _CRC.unpack_from(data, end)
    position = 4 + data[3]
    is_near = tag == _CRC_TAG and position <= end
    kind = _decode_type(data[:position]) if is_near else None
    if kind is None:
        return None
    dtype, shape, nbytes, size_field = kind
    shard_id = offset = 0
    try:
        if data[position] == _TAG_SHARD:
            shard_id, position = decode_varint(data, position + 1, end)
        if data[position] == _TAG_OFFSET:
            offset, position = decode_varint(data, position + 1, end)
        if size_field is not None:
            position = position + len(size_field) if data.startswith(size_field, position) else -1
        elif data[position] == _TAG_SIZE:
            nbytes, position = decode_varint(data, position + 1, end)
    except VarintError:
        return None
    if position != end or shard_id >= header.num_shards or offset + nbytes > MAX_ELEMENTS:
        return None
    return _new_entry(BundleEntry, (dtype, shape, shard_id, offset, nbytes, unmask(masked), ()))


@lru_cache(maxsize=4096)
def _decode_type(head: bytes) -> tuple[DataType, tuple[int, ...], int, bytes | None] | None:
    """Decode the fields dtype and shape that begin an entry.

    Returns None unless they are these two and make a tensor that can be stored;
    else how many bytes that makes, and the field that says so. Where the type
    has no size, this is None.
    """
    if (head[0], head[2]) != (_TAG_DTYPE, _TAG_SHAPE | _LENGTH):
        return None
    if (head[1] | head[3]) >= _ONE_BYTE:
        return None
    try:
        proto = decode(BundleEntryProto, head)
    except ProtoDecodeError:
        return None
    dtype, shape = data_type(proto.dtype), tuple(dim.size for dim in proto.shape.dim)
    count = count_elements(shape)
    if dtype is None or dtype is DataType.RESOURCE or count is None:
        return None
    if not dtype.is_fixed_size:
        return dtype, shape, 0, None
    nbytes = count * dtype.itemsize
    return dtype, shape, nbytes, _encode_size(nbytes)


def _decode_any(data: bytes, header: BundleHeader) -> BundleEntry:
    try:
        proto = decode(BundleEntryProto, data)
    except ProtoDecodeError:
        raise CorruptFileError("an entry that does not decode") from None
    dtype = data_type(proto.dtype)
    if dtype is None or dtype is DataType.RESOURCE:
        msg = f"an entry of the type number {proto.dtype}, which cannot be stored"
        raise CorruptFileError(msg)
    entry = BundleEntry(
        dtype,
        tuple(dim.size for dim in proto.shape.dim),
        proto.shard_id,
        proto.offset,
        proto.size,
        unmask(proto.crc32c),
        tuple(_decode_slice(part) for part in proto.slices),
    )
    _check_entry(entry, header)
    return entry


def _decode_slice(proto: TensorSliceProto) -> TensorSlice:
    return tuple(
        Extent(extent.start, extent.length if extent.HasField("length") else None)
        for extent in proto.extent
    )


def _check_entry(entry: BundleEntry, header: BundleHeader) -> None:
    count = count_elements(entry.shape)
    if count is None:
        msg = f"an entry of the impossible shape {list(entry.shape)[:8]}"
        raise CorruptFileError(msg)
    if entry.slices:
        _check_slices(entry)
        return
    if not 0 <= entry.shard_id < header.num_shards:
        msg = f"an entry in shard {entry.shard_id} of {header.num_shards}"
        raise CorruptFileError(msg)
    if entry.offset < 0 or entry.nbytes < 0 or entry.offset + entry.nbytes > MAX_ELEMENTS:
        msg = f"an entry of {entry.nbytes} bytes at {entry.offset}"
        raise CorruptFileError(msg)
    if entry.dtype.is_fixed_size and entry.nbytes != count * entry.dtype.itemsize:
        raise CorruptFileError(
            f"the size of an entry of type {entry.dtype.label} and shape {list(entry.shape)}",
            expected=str(count * entry.dtype.itemsize),
            actual=str(entry.nbytes),
        )


def _check_slices(entry: BundleEntry) -> None:
    """Every slice must lie within the tensor, in as many dimensions."""
    for part in entry.slices:
        inside = len(part) == len(entry.shape) and all(
            (extent.start == 0 and extent.length is None)
            or (
                extent.length is not None
                and extent.start >= 0
                and extent.length >= 1
                and extent.start + extent.length <= size
            )
            for extent, size in zip(part, entry.shape, strict=False)
        )
        if not inside:
            msg = f"a slice {part} outside its tensor of shape {list(entry.shape)}"
            raise CorruptFileError(msg)
