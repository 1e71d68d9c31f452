"""Protobuf fields in place: where each field of a message lies, without decoding it.

    tag      varint   field number << 3 | wire type
    0        varint
    1        8 bytes
    2        varint length, then so many bytes
    3 … 4    a group: fields up to the end tag of the same number
    5        4 bytes

A scan visits one level of a message: it costs a step per field and no copy,
whatever the fields hold. The trap is hostile nesting: groups nest without a
length, so they are skipped with a counter of open groups, never by recursion.

Reference: the protobuf encoding guide. Pure: a view in, positions out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import GraphDecodeError
from pbckpt.wire.varint import MAX_VARINT32_BYTES, VarintError, decode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, LENGTH, GROUP, GROUP_END, FIXED32 = range(6)

# Protobuf's own limit for messages within messages, which counts groups too.
MAX_NESTING = 100
_MAX_TAG = 0xFFFFFFFF
_FIXED_SIZE = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """One field: its bytes with tag are ``start:end``, its payload ``body:end``.

    For a group the payload includes the end tag.
    """

    number: int
    wire_type: int
    start: int
    body: int
    end: int


def scan(view: memoryview, start: int, end: int, *, base: int = 0) -> Iterator[Field]:
    """Yield the fields of the message in ``view[start:end]``, in order.

    ``base`` is where the view lies in the file, for the offsets in errors.
    Raises GraphDecodeError where the bytes cannot be a message.
    """
    position = start
    while position < end:
        field = read_field(view, position, end, base=base)
        yield field
        position = field.end


def read_field(view: memoryview, start: int, end: int, *, base: int = 0) -> Field:
    """Return the field whose tag is at ``start``."""
    try:
        number, wire_type, body = _read_tag(view, start, end)
        stop = _end_of_body(view, number, wire_type, body, end)
    except VarintError as error:
        raise GraphDecodeError(str(error), offset=base + start) from None
    except _MalformedFieldError as error:
        raise GraphDecodeError(str(error), offset=base + start) from None
    return Field(number, wire_type, start, _body_start(view, wire_type, body, end), stop)


class _MalformedFieldError(ValueError):
    pass


def _read_tag(view: memoryview, start: int, end: int) -> tuple[int, int, int]:
    tag, body = decode_varint(view, start, min(end, start + MAX_VARINT32_BYTES))
    number, wire_type = tag >> 3, tag & 7
    if number == 0 or tag > _MAX_TAG:
        msg = f"field number {number}"
        raise _MalformedFieldError(msg)
    return number, wire_type, body


def _body_start(view: memoryview, wire_type: int, body: int, end: int) -> int:
    return decode_varint(view, body, end)[1] if wire_type == LENGTH else body


def _end_of_body(view: memoryview, number: int, wire_type: int, body: int, end: int) -> int:
    """Return where a field ends; a group is walked field by field."""
    if wire_type == GROUP:
        return _end_of_group(view, number, body, end)
    return _end_of_plain(view, wire_type, body, end)


def _end_of_plain(view: memoryview, wire_type: int, body: int, end: int) -> int:
    if wire_type == VARINT:
        return decode_varint(view, body, end)[1]
    if wire_type == LENGTH:
        length, body = decode_varint(view, body, end)
        stop = body + length
    elif wire_type in _FIXED_SIZE:
        stop = body + _FIXED_SIZE[wire_type]
    else:
        msg = "a group that ends without a start" if wire_type == GROUP_END else "no wire type"
        raise _MalformedFieldError(msg)
    if stop > end:
        msg = f"a field of {stop - body} bytes where {end - body} are left"
        raise _MalformedFieldError(msg)
    return stop


def _end_of_group(view: memoryview, number: int, body: int, end: int) -> int:
    open_groups = [number]
    position = body
    while open_groups:
        if position >= end:
            raise _MalformedFieldError("a group that does not end")
        number, wire_type, position = _read_tag(view, position, end)
        if wire_type == GROUP:
            open_groups.append(number)
            if len(open_groups) > MAX_NESTING:
                raise _MalformedFieldError("groups nested over 100 deep")
        elif wire_type == GROUP_END:
            if open_groups.pop() != number:
                raise _MalformedFieldError("a group that ends under another number")
        else:
            position = _end_of_plain(view, wire_type, position, end)
    return position
