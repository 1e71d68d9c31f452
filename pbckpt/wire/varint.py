"""Base-128 varints, as protobuf and the table format write them.

Seven bits a byte, lowest first, the top bit set on every byte but the last.
A varint of 64 bits takes at most ten bytes, and the tenth can only be 0 or 1.

Over-long forms such as ``80 00`` are accepted, as protobuf accepts them.
Pure: bytes in, bytes out. Errors are ValueError here; the rooms above know
whose bytes they are and raise the right type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    ByteSequence = bytes | memoryview | Sequence[int]

MAX_VARINT64_BYTES = 10
MAX_VARINT32_BYTES = 5
_CONTINUE = 0x80
_PAYLOAD = 0x7F


class VarintError(ValueError):
    """A varint that ends too early or is too long."""


def encode_varint(value: int) -> bytes:
    """Encode an unsigned integer below 2**64.

    Lengths and offsets are written by the hundred thousand, and most take four
    bytes or fewer: those are spelled out.
    """
    if value < _CONTINUE:
        return _ONE_BYTE[value]
    a = value & _PAYLOAD | _CONTINUE
    if value < 1 << 14:
        return bytes((a, value >> 7))
    b = value >> 7 & _PAYLOAD | _CONTINUE
    if value < 1 << 21:
        return bytes((a, b, value >> 14))
    c = value >> 14 & _PAYLOAD | _CONTINUE
    if value < 1 << 28:
        return bytes((a, b, c, value >> 21))
    return bytes((a, b, c)) + encode_varint(value >> 21)


# What the top bits of all bytes but the last add up to.
_OF_TWO = 1 << 7
_OF_THREE = 1 << 7 | 1 << 14
_OF_FOUR = 1 << 7 | 1 << 14 | 1 << 21
_SPELLED_OUT = 4
_ONE_BYTE = [bytes((value,)) for value in range(_CONTINUE)]


def decode_varint(data: ByteSequence, start: int, end: int) -> tuple[int, int]:
    """Decode the varint at ``start``; return it and the position after it.

    Raises VarintError if it runs past ``end`` or over 64 bits. Up to four bytes
    are spelled out, as above.
    """
    if end - start >= _SPELLED_OUT:
        a = data[start]
        if a < _CONTINUE:
            return a, start + 1
        b = data[start + 1]
        if b < _CONTINUE:
            return a + (b << 7) - _OF_TWO, start + 2
        c = data[start + 2]
        if c < _CONTINUE:
            return a + (b << 7) + (c << 14) - _OF_THREE, start + 3
        d = data[start + 3]
        if d < _CONTINUE:
            return a + (b << 7) + (c << 14) + (d << 21) - _OF_FOUR, start + 4
    value = shift = 0
    position = start
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & _PAYLOAD) << shift
        if byte < _CONTINUE:
            if value >> 64:
                raise VarintError("a varint of more than 64 bits")
            return value, position
        shift += 7
        if shift >= 7 * MAX_VARINT64_BYTES:
            raise VarintError("a varint of more than ten bytes")
    raise VarintError("a varint that does not end")


def decode_varint32(data: ByteSequence, start: int, end: int) -> tuple[int, int]:
    """Decode a varint that must fit 32 bits and five bytes, as the table format demands."""
    value, position = decode_varint(data, start, min(end, start + MAX_VARINT32_BYTES))
    if value >> 32:
        raise VarintError("a varint of more than 32 bits")
    return value, position
