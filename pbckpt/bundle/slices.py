r"""Slice keys: under which key the parts of a partitioned tensor are stored.

    key      00 | name | N(rank) | per dimension Z(start) Z(length)
    name     00 as 00 ff, ff as ff 00, closed by 00 01
    N(u)     one byte: how many bytes follow; then big-endian, minimal
    Z(v)     signed, ordered as text: the first bits tell the length and sign

A dimension that is taken whole is start 0 and length -1. Keys of slices begin
with 00, so they sort before every plain name, and can be told from one that
begins with 00 only by the full entry that lists them.

Reference: tensorflow/core/util/saved_tensor_slice_util.cc and
tensorflow/core/lib/strings/ordered_code.cc. Pure.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from pbckpt.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.bundle.entry import TensorSlice

    Box = tuple[tuple[int, int], ...]
    """The start and the end in each dimension."""

MAX_CUT_DIMENSIONS = 8
_WHOLE = -1
# Z of n bytes: a positive number's first byte begins with n one-bits.
_ONE_BYTE_BITS = 6
_BITS_PER_BYTE = 7


def slice_key(name: bytes, part: TensorSlice) -> bytes:
    """Return the key under which the slice ``part`` of the tensor ``name`` is stored."""
    out = [b"\0", _ordered_text(name), _ordered_number(len(part))]
    for extent in part:
        length = _WHOLE if extent.length is None else extent.length
        out += (_ordered_signed(extent.start), _ordered_signed(length))
    return b"".join(out)


def _ordered_text(text: bytes) -> bytes:
    # Split first: the zero byte that escaping ff adds must not be escaped again.
    parts = [part.replace(b"\0", b"\0\xff") for part in text.split(b"\xff")]
    return b"\xff\x00".join(parts) + b"\0\x01"


def _ordered_number(value: int) -> bytes:
    body = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((len(body),)) + body


def _ordered_signed(value: int) -> bytes:
    """Encode a signed 64-bit number so that its bytes sort as the numbers do."""
    magnitude = ~value if value < 0 else value
    if magnitude.bit_length() <= _ONE_BYTE_BITS:
        return bytes((0x80 ^ (value & 0xFF),))
    nbytes = magnitude.bit_length() // _BITS_PER_BYTE + 1
    # nbytes one-bits, then a zero, at the top of as many bytes as it takes.
    header = (((1 << nbytes) - 1) << 1) << (8 * nbytes - nbytes - 1)
    body = value & ((1 << 8 * nbytes) - 1)
    return (body ^ header).to_bytes(nbytes, "big")


def part_shape(shape: Sequence[int], part: TensorSlice) -> tuple[int, ...]:
    """Return the shape of a part of a tensor of that shape."""
    return tuple(
        size if extent.length is None else extent.length
        for extent, size in zip(part, shape, strict=True)
    )


def bounds(shape: Sequence[int], part: TensorSlice) -> Box:
    """Return the start and end of a part in each dimension."""
    return tuple(
        (extent.start, extent.start + (size if extent.length is None else extent.length))
        for extent, size in zip(part, shape, strict=True)
    )


def covers(shape: Sequence[int], parts: Sequence[TensorSlice]) -> bool:
    """Tell whether the parts, which lie within the tensor, cover it and no place twice.

    Every box adds one place to a sum at each of its corners, with a sign that
    turns from corner to corner. Where boxes meet, the corners that they share
    cancel out; what is left of a cover are the corners of the tensor itself,
    and no other set of boxes leaves just those. That takes time in proportion
    to the parts, however they lie. Raises LimitError for parts that are cut in
    more dimensions than anybody cuts.
    """
    cut = [
        axis
        for axis, size in enumerate(shape)
        if any(part[axis].length not in (None, size) for part in parts)
    ]
    if len(cut) > MAX_CUT_DIMENSIONS:
        raise LimitError(
            "a tensor that is partitioned",
            limit="dimensions",
            value=len(cut),
            maximum=MAX_CUT_DIMENSIONS,
        )
    corners: Counter[tuple[int, ...]] = Counter()
    for part in parts:
        _add_corners(corners, [bounds(shape, part)[axis] for axis in cut], 1)
    _add_corners(corners, [(0, shape[axis]) for axis in cut], -1)
    return not any(corners.values())


def _add_corners(
    corners: Counter[tuple[int, ...]], box: Sequence[tuple[int, int]], by: int
) -> None:
    for ends in product((0, 1), repeat=len(box)):
        place = tuple(interval[end] for interval, end in zip(box, ends, strict=True))
        corners[place] += -by if sum(ends) % 2 else by
