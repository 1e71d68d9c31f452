"""The text form: messages out of it, and single numbers as it writes them.

Every failure is one kind of error, with its place where protobuf says so.
protobuf raises several for a value that does not fit its field.

Reference: https://protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, cast

from google.protobuf import text_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

    _Number = TypeVar("_Number")

MessageType = TypeVar("MessageType", bound="Message")
"""Any class of `pbckpt.protos`."""

# A token of the text may be in it, as long as that is.
_FACT_LENGTH = 200
_OCTAL = re.compile(rb" -?0[0-9]")
_TRUTH = {
    b"true": True,
    b"True": True,
    b"t": True,
    b"1": True,
    b"false": False,
    b"False": False,
    b"f": False,
    b"0": False,
}


class TextParseError(ValueError):
    """The text is not a message of that type; ``offset`` is a byte of it."""

    def __init__(self, fact: str, offset: int = 0) -> None:
        """State the fact about the byte."""
        super().__init__(fact)
        self.offset = offset


def merge(message: Message, data: bytes) -> None:
    """Parse text into a message; of a field that is given twice the last counts.

    Raises TextParseError where protobuf refuses.
    """
    try:
        # The pool is ours, for messages of any type within.
        pool = cast("DescriptorPool", message.DESCRIPTOR.file.pool)
        text_format.Merge(data.decode(), message, descriptor_pool=pool)
    except text_format.ParseError as error:
        raise TextParseError(_fact(error), _offset(data, error)) from None
    except UnicodeDecodeError as error:
        raise TextParseError("text that is not UTF-8", error.start) from None
    except RecursionError:
        raise TextParseError("messages nested too deep") from None
    except (ValueError, OverflowError, TypeError) as error:
        raise TextParseError(str(error)) from None


def _fact(error: text_format.ParseError) -> str:
    """Return what a parser says without its own place: that is not one in the file."""
    _, separator, fact = str(error).partition(" : ")
    return (fact if separator else str(error))[:_FACT_LENGTH]


def _offset(data: bytes, error: text_format.ParseError) -> int:
    """Return the byte that a parser's line and column mean."""
    lines = data.split(b"\n")[: max(0, (error.GetLine() or 1) - 1)]
    return sum(len(line) + 1 for line in lines) + max(0, (error.GetColumn() or 1) - 1)


def parse_floats(tokens: list[bytes]) -> list[float]:
    """Return numbers as they are written for a field of floats.

    Raises TextParseError for what is no number. Nearly all are written as
    Python writes them, who takes 010 for ten where it might mean eight.
    """
    if not _OCTAL.search(b" ".join((b"", *tokens))):
        try:
            return list(map(float, tokens))
        except ValueError:
            pass
    return _each(text_format.ParseFloat, tokens)


def parse_integers(tokens: list[bytes]) -> list[int]:
    """Return integers, whatever their size: decimal, hexadecimal or octal."""
    try:
        return [int(token, 0) for token in tokens]
    except ValueError:
        # Too large for one of the types of protobuf is too large for all.
        return _each(_parse_integer, tokens)


def _parse_integer(text: str) -> int:
    signed = text.startswith("-")
    return int(text_format.ParseInteger(text, is_signed=signed, is_long=True))


def parse_bools(tokens: list[bytes]) -> list[bool]:
    """Return truth values."""
    try:
        return [_TRUTH[token] for token in tokens]
    except KeyError as error:
        raise TextParseError(f"{error.args[0]!r} is not a truth value") from None


def _each(parse_one: Callable[[str], _Number], tokens: list[bytes]) -> list[_Number]:
    try:
        return [parse_one(token.decode()) for token in tokens]
    except ValueError as error:
        raise TextParseError(str(error)) from None
