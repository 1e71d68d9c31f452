"""TensorProto in text form, to the bytes of one: the part of a text that is large.

    tensor_content: "…"      the elements' memory image, escaped
    float_val: 1.5           a value of a list; the others are alike
    float_val: [1.5, 2]      several of them

Values are read here by the thousand, since protobuf's parser takes a
microsecond for each byte of them. Everything else of a tensor is left to it,
and what a number means is as it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbckpt.graph.text import BLANK, WORD, TextCursor, TextField
from pbckpt.graph.text_pieces import TextPieces
from pbckpt.protos import TensorProto
from pbckpt.protos.text import TextParseError, parse_bools, parse_floats, parse_integers
from pbckpt.wire.fields import LENGTH
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Callable

    Numbers = Callable[[list[bytes]], TensorProto]

# Fields of bytes, with their numbers: string_val is repeated, of the others the
# last one counts.
_BYTES = {b"tensor_content": 4, b"string_val": 8, b"float8_val": 18}
_NUMBERS: dict[bytes, Numbers] = {
    b"half_val": lambda words: TensorProto(half_val=parse_integers(words)),
    b"float_val": lambda words: TensorProto(float_val=parse_floats(words)),
    b"double_val": lambda words: TensorProto(double_val=parse_floats(words)),
    b"int_val": lambda words: TensorProto(int_val=parse_integers(words)),
    b"scomplex_val": lambda words: TensorProto(scomplex_val=parse_floats(words)),
    b"int64_val": lambda words: TensorProto(int64_val=parse_integers(words)),
    b"bool_val": lambda words: TensorProto(bool_val=parse_bools(words)),
    b"dcomplex_val": lambda words: TensorProto(dcomplex_val=parse_floats(words)),
    b"uint32_val": lambda words: TensorProto(uint32_val=parse_integers(words)),
    b"uint64_val": lambda words: TensorProto(uint64_val=parse_integers(words)),
}
_AT_ONCE = 4096
# More of the same field, after the value of one: what separates them comes first.
_MORE = {
    name: re.compile(
        b"(?:%b(?:[,;]%b)?%b%b:%b%b){1,%d}" % (BLANK, BLANK, name, BLANK, BLANK, WORD, _AT_ONCE)
    )
    for name in _NUMBERS
}
_VALUES = re.compile(b":%b(%b)" % (BLANK, WORD))
_MORE_LISTED = re.compile(b"(?:%b%b%b,){1,%d}" % (BLANK, WORD, BLANK, _AT_ONCE))
_LISTED = re.compile(WORD)


def read_tensor(cursor: TextCursor, closer: int) -> bytearray:
    """Return the bytes of the TensorProto that a cursor is in, and move it out.

    Raises GraphDecodeError for text that is none.
    """
    wire = bytearray()
    others = TextPieces(TensorProto, cursor)
    while (field := cursor.field(closer)) is not None:
        if field.name in _NUMBERS:
            _read_numbers(cursor, field, wire)
        elif field.name in _BYTES:
            _read_bytes(cursor, field, wire)
        else:
            others.take(field)
            others.settle()
        cursor.separator()
    wire += others.message().SerializeToString()
    return wire


def _check_colon(cursor: TextCursor, field: TextField) -> None:
    if not field.has_colon:
        raise cursor.error(f"no colon after {field.name.decode()}")


def _read_bytes(cursor: TextCursor, field: TextField, wire: bytearray) -> None:
    _check_colon(cursor, field)
    number = _BYTES[field.name]
    if field.name != b"string_val" or not cursor.enter_list():
        _append_bytes(cursor, number, wire)
    elif not cursor.leave_empty_list():
        _append_bytes(cursor, number, wire)
        while cursor.list_goes_on():
            _append_bytes(cursor, number, wire)


def _append_bytes(cursor: TextCursor, number: int, wire: bytearray) -> None:
    start = len(wire)
    cursor.string(wire)
    # How long it is, is known at its end.
    wire[start:start] = encode_varint(number << 3 | LENGTH) + encode_varint(len(wire) - start)


def _read_numbers(cursor: TextCursor, field: TextField, wire: bytearray) -> None:
    _check_colon(cursor, field)
    if cursor.enter_list():
        _read_listed(cursor, field, wire)
        return
    _append_numbers(cursor, field, [cursor.word()], wire)
    more = _MORE[field.name]
    while (found := more.match(cursor.view, cursor.position, cursor.end)) is not None:
        _append_numbers(cursor, field, _VALUES.findall(found[0]), wire)
        cursor.position = found.end()


def _read_listed(cursor: TextCursor, field: TextField, wire: bytearray) -> None:
    if cursor.leave_empty_list():
        return
    while True:
        found = _MORE_LISTED.match(cursor.view, cursor.position, cursor.end)
        if found is not None:
            _append_numbers(cursor, field, _LISTED.findall(found[0]), wire)
            cursor.position = found.end()
        _append_numbers(cursor, field, [cursor.word()], wire)
        if not cursor.list_goes_on():
            return


def _append_numbers(
    cursor: TextCursor, field: TextField, words: list[bytes], wire: bytearray
) -> None:
    try:
        wire += _NUMBERS[field.name](words).SerializeToString()
    except TextParseError as error:
        raise cursor.error(str(error)) from None
    except (ValueError, OverflowError) as error:
        # A number that does not fit the field.
        raise cursor.error(f"{field.name.decode()}: {error}") from None
