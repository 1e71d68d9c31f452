"""Snappy blocks: what some writers other than TensorFlow compress a table with.

    varint32 uncompressed length | literals and copies, without framing

The library is an extra, since no writer of TensorFlow's own makes such blocks.
The trap is the declared length, which is allocated before anything is known to
be true: a copy of three bytes makes at most 64, so a block that claims more
than that is not a Snappy block.

Reference: google/snappy, format_description.txt. Pure.
"""

from __future__ import annotations

from pbckpt.errors import CorruptFileError, UnsupportedBundleError
from pbckpt.wire.varint import VarintError, decode_varint32

_MAX_EXPANSION = 64 // 3 + 1


def decompress(block: bytes) -> bytes:
    """Return what a compressed block holds.

    Raises CorruptFileError, and UnsupportedBundleError where the library is
    not installed.
    """
    try:
        import cramjam  # noqa: PLC0415 - an extra
    except ImportError:
        raise UnsupportedBundleError(
            "the index file has Snappy blocks; install what reads them: pip install pbckpt[snappy]"
        ) from None
    _check_declared_length(block)
    try:
        return bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError:
        raise CorruptFileError("a Snappy block that does not decompress") from None


def _check_declared_length(block: bytes) -> None:
    try:
        declared, position = decode_varint32(block, 0, len(block))
    except VarintError as error:
        raise CorruptFileError(f"the length of a Snappy block is {error}") from None
    if declared > _MAX_EXPANSION * (len(block) - position):
        raise CorruptFileError(
            "a Snappy block that claims more than it can hold",
            expected=f"at most {_MAX_EXPANSION * (len(block) - position)} bytes",
            actual=str(declared),
        )
