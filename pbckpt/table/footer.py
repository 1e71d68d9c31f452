"""The footer: the last 48 bytes of every table file.

A reader starts here: the footer locates the two root blocks, and its magic
number is the only sign that the file is a table at all.

    bytes   field
     0..    metaindex handle   varint64 offset, varint64 size
       ..   index handle       varint64 offset, varint64 size
       ..40 zero padding
    40..48  magic              fixed64, little-endian

Handles are varints, so the second has no fixed offset: decode in order.

Reference: tensorflow/core/lib/io/format.h. Pure: bytes in, bytes out.
"""

from __future__ import annotations

from typing import NamedTuple

from pbckpt.errors import CorruptFileError
from pbckpt.wire.varint import MAX_VARINT64_BYTES, VarintError, decode_varint, encode_varint

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
MAX_HANDLE_BYTES = 2 * MAX_VARINT64_BYTES
FOOTER_BYTES = 2 * MAX_HANDLE_BYTES + len(MAGIC)


class BlockHandle(NamedTuple):
    """Where a block lies; ``size`` leaves out the block's trailer."""

    offset: int
    size: int

    def encode(self) -> bytes:
        """Return both numbers as varints."""
        return encode_varint(self.offset) + encode_varint(self.size)


class Footer(NamedTuple):
    """The two root blocks of a table."""

    metaindex_block: BlockHandle
    index_block: BlockHandle

    def encode(self) -> bytes:
        """Return the 48 bytes that end a table file."""
        handles = self.metaindex_block.encode() + self.index_block.encode()
        return handles.ljust(2 * MAX_HANDLE_BYTES, b"\0") + MAGIC


def decode_handle(data: bytes, start: int) -> tuple[BlockHandle, int]:
    """Decode a handle at ``start``; return it and the position after it.

    Raises CorruptFileError with an offset counted within ``data``.
    """
    try:
        offset, position = decode_varint(data, start, len(data))
        size, position = decode_varint(data, position, len(data))
    except VarintError as error:
        msg = f"the handle of a block holds {error}"
        raise CorruptFileError(msg, offset=start) from None
    return BlockHandle(offset, size), position


def decode_footer(data: bytes) -> Footer:
    """Decode the last `FOOTER_BYTES` bytes of a table file.

    The padding is not looked at, as TensorFlow does not look at it; a check of
    the whole layout compares the footer with what `Footer.encode` gives.
    """
    if len(data) != FOOTER_BYTES or data[-len(MAGIC) :] != MAGIC:
        raise CorruptFileError(
            "no table ends here: the file is cut short, or is not an index file",
            offset=max(0, len(data) - len(MAGIC)),
            expected=MAGIC.hex(),
            actual=data[-len(MAGIC) :].hex() or "nothing",
        )
    handles = data[: 2 * MAX_HANDLE_BYTES]
    metaindex, position = decode_handle(handles, 0)
    index, _ = decode_handle(handles, position)
    return Footer(metaindex, index)
