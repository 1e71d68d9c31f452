"""Checkpoints of the forms that we read and do not write: big-endian, Snappy, small blocks."""

from __future__ import annotations

import struct
from itertools import chain
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from pbckpt.bundle.entry import BundleEntry, BundleHeader, encode_entry, encode_header
from pbckpt.bundle.slices import slice_key
from pbckpt.dtypes import DataType, dtype_of_array
from pbckpt.table import builder
from pbckpt.table.footer import BlockHandle, decode_footer, decode_handle
from pbckpt.wire.checksum import crc32c, mask
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from pbckpt.bundle.entry import TensorSlice

    Array = npt.NDArray[Any]
    Parts = Sequence[tuple[TensorSlice, Array]]


def index_bytes(
    entries: Mapping[bytes, BundleEntry],
    header: BundleHeader = BundleHeader(1),  # noqa: B008 - a named tuple cannot change
    block_bytes: int = builder.BLOCK_BYTES,
) -> bytes:
    """Return an index whose data blocks are cut at some size."""
    values = {b"": encode_header(header), **{k: encode_entry(e) for k, e in entries.items()}}
    out: list[bytes] = []
    with mock.patch.object(builder, "BLOCK_BYTES", block_bytes):
        builder.write_table(sorted(values.items()), out.append)
    return b"".join(out)


def big_endian_image(array: Array) -> tuple[bytes, int]:
    """Return what a big-endian machine stores of an array, and its CRC."""
    if array.dtype == object:
        return big_endian_strings(array.reshape(-1).tolist())
    # Types that numpy does not know are turned around as integers of their size.
    unit = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
    flat = np.ascontiguousarray(array).reshape(-1)
    image = b"".join(
        flat.tobytes()[start : start + unit][::-1] for start in range(0, flat.nbytes, unit)
    )
    return image, crc32c(image)


def big_endian_strings(elements: Sequence[bytes]) -> tuple[bytes, int]:
    """Return strings with the CRC of their lengths in the writer's own order."""
    crc = crc32c(b"".join(struct.pack(">I", len(element)) for element in elements))
    stored = struct.pack(">I", mask(crc))
    head = b"".join(encode_varint(len(element)) for element in elements) + stored
    return head + b"".join(elements), crc32c(b"".join(elements), crc32c(stored, crc))


def save_big_endian(
    prefix: Path,
    tensors: Mapping[str, Array],
    partitioned: Mapping[str, tuple[tuple[int, ...], Parts]] | None = None,
) -> None:
    """Write a big-endian checkpoint, some of it in slices."""
    data = bytearray()
    entries: dict[bytes, BundleEntry] = {}

    def add(key: bytes, array: Array) -> None:
        dtype = dtype_of_array(array.dtype)
        assert dtype is not None
        image, crc = big_endian_image(array)
        entries[key] = BundleEntry(dtype, array.shape, 0, len(data), len(image), crc)
        data.extend(image)

    for name, array in tensors.items():
        add(name.encode(), array)
    for name, (shape, parts) in (partitioned or {}).items():
        for place, array in parts:
            add(slice_key(name.encode(), place), array)
        dtype = dtype_of_array(parts[0][1].dtype) or DataType.FLOAT
        slices = tuple(place for place, _ in parts)
        entries[name.encode()] = BundleEntry(dtype, shape, 0, 0, 0, 0x8A942EBE, slices)
    write_files(prefix, index_bytes(entries, BundleHeader(1, big_endian=True)), bytes(data))


def write_files(prefix: Path, index: bytes, data: bytes) -> None:
    prefix.with_name(prefix.name + ".index").write_bytes(index)
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)


def snappy_literal(data: bytes) -> bytes:
    """Return a Snappy block of one literal."""
    length = len(data) - 1
    assert 60 <= length < 1 << 16
    return encode_varint(len(data)) + bytes((61 << 2,)) + struct.pack("<H", length) + data


def with_snappy_blocks(table: bytes) -> bytes:
    """Return a table with its data blocks and its index block as Snappy blocks."""
    footer = decode_footer(table[-48:])
    out = bytearray()

    def move(handle: BlockHandle, kind: int) -> BlockHandle:
        block = table[handle.offset : handle.offset + handle.size]
        if kind:
            block = snappy_literal(block)
        moved = BlockHandle(len(out), len(block))
        crc = mask(crc32c(bytes((kind,)), crc32c(block)))
        out.extend(block + struct.pack("<BI", kind, crc))
        return moved

    from pbckpt.table.block import BlockBuilder, entry_batches  # noqa: PLC0415 - only here

    index_handle = footer.index_block
    index = BlockBuilder(1)
    stored = table[index_handle.offset : index_handle.offset + index_handle.size]
    for key, value in chain.from_iterable(entry_batches(stored)):
        index.add(key, move(decode_handle(value, 0)[0], 1).encode())
    metaindex = move(footer.metaindex_block, 0)
    block = index.finish()
    image = snappy_literal(block) if len(block) > 60 else block
    kind = int(image is not block)
    moved = BlockHandle(len(out), len(image))
    crc = mask(crc32c(bytes((kind,)), crc32c(image)))
    out.extend(image + struct.pack("<BI", kind, crc))
    return bytes(out) + footer._replace(metaindex_block=metaindex, index_block=moved).encode()
