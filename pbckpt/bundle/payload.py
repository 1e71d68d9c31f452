"""Payloads: what a tensor's bytes are in a data file, and what its CRC covers.

    fixed-size types   the elements, C order, little-endian; the CRC is over them
    string             varint64 length of each | u32 masked CRC of L | the bytes
                       L = each length as u32, or as u64 where it does not fit;
                       the CRC is over L, the four masked bytes, and the bytes
    variant            per element: varint64 length | message | u32 masked CRC;
                       one CRC over u64 length, message, masked CRC, and so on

The trap is string lengths: the CRC covers a form of them that is not stored.

Reference: tensorflow/core/util/tensor_bundle/tensor_bundle.cc.
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import ChecksumError, CorruptFileError
from pbckpt.wire.checksum import crc32c, mask, unmask
from pbckpt.wire.span import Span, repeated
from pbckpt.wire.varint import MAX_VARINT64_BYTES, VarintError, decode_varint, encode_varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.dtypes import DataType
    from pbckpt.names import BundleKey

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_MAX_U32 = 0xFFFFFFFF


class Payload(NamedTuple):
    """The bytes of one tensor: ``head``, then ``spans``.

    The entry's CRC starts from ``head_crc32c`` and goes on over the spans;
    for all types but strings there is no head. A payload whose CRC covers
    something else brings it along as ``crc32c``. ``confirm`` is told the
    entry's CRC when the last byte was taken, and may raise.
    """

    spans: Iterable[Span]
    head: bytes = b""
    head_crc32c: int = 0
    crc32c: int | None = None
    confirm: Callable[[int], None] | None = None


class Part(NamedTuple):
    """The partitioned tensor that a tensor is a slice of."""

    name: BundleKey
    shape: tuple[int, ...]
    slice: TensorSlice


class Tensor(NamedTuple):
    """A tensor to be written.

    ``payload.spans`` is read once, when its turn comes; the few bytes of a small
    tensor come as they are. A slice has the key that `slice_key` gives it.
    """

    key: BundleKey
    dtype: DataType
    shape: tuple[int, ...]
    payload: Payload | bytes
    part: Part | None = None


def string_payload(elements: Sequence[bytes], repeats: int = 0) -> Payload:
    """Return the payload of a string tensor of those elements, in C order.

    The last element follows ``repeats`` times more; where there is none, empty
    strings do.
    """
    last = elements[-1] if elements else b""
    lengths = b"".join(_checksummed_length(len(element)) for element in elements)
    lengths_crc = crc32c(lengths + _checksummed_length(len(last)) * repeats)
    stored_crc = _U32.pack(mask(lengths_crc))
    head = b"".join(encode_varint(len(element)) for element in elements)
    return Payload(
        chain([Span.of(b"".join(elements))], repeated(last, len(last) * repeats)),
        head + encode_varint(len(last)) * repeats + stored_crc,
        crc32c(stored_crc, lengths_crc),
    )


def _checksummed_length(length: int, big_endian: bool = False) -> bytes:  # noqa: FBT001, FBT002
    return length.to_bytes(4 if length <= _MAX_U32 else 8, "big" if big_endian else "little")


def stored_chunks(payload: Payload | bytes, buffer: memoryview) -> Iterator[memoryview]:
    """Yield the bytes of a payload, a buffer's length at a time; each is valid until the next.

    The payload is confirmed after the last, as it is when it is written.
    """
    if isinstance(payload, bytes):
        payload = Payload([Span.of(payload)])
    crc = filled = 0
    head = [Span.of(payload.head)] if payload.head else []
    for place, span in enumerate(chain(head, payload.spans)):
        if place == len(head):
            crc = payload.head_crc32c
        start = 0
        while start < span.nbytes:
            taken = min(span.nbytes - start, len(buffer) - filled)
            room = buffer[filled : filled + taken]
            chunk = span.chunk(start, taken, room)
            if chunk.obj is not buffer.obj:
                room[:] = chunk
            crc = crc32c(room, crc)
            start += taken
            filled += taken
            if filled == len(buffer):
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]
    if payload.confirm is not None:
        payload.confirm(crc)


class StringLayout(NamedTuple):
    """What lies before the elements of a stored string tensor."""

    lengths: list[int]
    head_bytes: int
    head_crc32c: int


def max_string_head(count: int, nbytes: int) -> int:
    """Return how many of a stored tensor's ``nbytes`` its lengths and their CRC can take."""
    return min(nbytes, count * MAX_VARINT64_BYTES + _U32.size)


def decode_string_head(
    head: memoryview, count: int, nbytes: int, *, big_endian: bool = False
) -> StringLayout:
    """Decode the lengths of ``count`` strings stored in ``nbytes`` bytes, and check them.

    ``head`` is the beginning of these, at least `max_string_head` long. Nothing
    is allocated by what the file claims: the number of elements and the sum of
    their lengths must fit the stored size first. The byte order is that of the
    machine that wrote the CRC of the lengths, over numbers in its own order.
    """
    if count + _U32.size > nbytes:
        raise CorruptFileError(f"{count} strings in {nbytes} bytes")
    lengths, position = _decode_lengths(head, count)
    if position + _U32.size + sum(lengths) != nbytes:
        raise CorruptFileError(
            "the lengths of strings do not add up to the stored size",
            expected=str(nbytes),
            actual=str(position + _U32.size + sum(lengths)),
        )
    stored = bytes(head[position : position + _U32.size])
    crc = crc32c(b"".join(_checksummed_length(length, big_endian) for length in lengths))
    _compare("the lengths of strings", unmask(_number(stored, big_endian)), crc)
    return StringLayout(lengths, position + _U32.size, crc32c(stored, crc))


def _number(stored: bytes, big_endian: bool) -> int:  # noqa: FBT001 - as the header has it
    return int.from_bytes(stored, "big" if big_endian else "little")


def _decode_lengths(data: memoryview, count: int) -> tuple[list[int], int]:
    lengths = []
    position = 0
    try:
        for _ in range(count):
            length, position = decode_varint(data, position, len(data))
            lengths.append(length)
    except VarintError as error:
        msg = f"the length of a string is {error}"
        raise CorruptFileError(msg, offset=position) from None
    return lengths, position


def split_strings(data: memoryview, layout: StringLayout) -> Iterator[bytes]:
    """Yield the elements of a stored string tensor."""
    position = layout.head_bytes
    for length in layout.lengths:
        yield bytes(data[position : position + length])
        position += length


def variant_crc32c(data: memoryview, count: int) -> int:
    """Return the CRC of a stored variant tensor, checking each element's on the way."""
    crc = position = 0
    for _ in range(count):
        try:
            length, start = decode_varint(data, position, len(data))
        except VarintError as error:
            msg = f"the length of a variant is {error}"
            raise CorruptFileError(msg, offset=position) from None
        position = start + length + _U32.size
        if position > len(data):
            raise CorruptFileError("a variant that runs out of its entry", offset=start)
        crc = crc32c(data[start : start + length], crc32c(_U64.pack(length), crc))
        stored = bytes(data[position - _U32.size : position])
        _compare("a variant", unmask(_U32.unpack(stored)[0]), crc)
        crc = crc32c(stored, crc)
    if position != len(data):
        raise CorruptFileError("bytes after the last variant", offset=position)
    return crc


def _compare(what: str, expected: int, actual: int) -> None:
    if expected != actual:
        raise ChecksumError(
            f"the checksum of {what} does not match",
            expected=f"{expected:08x}",
            actual=f"{actual:08x}",
        )
