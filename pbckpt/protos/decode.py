"""Decoding with one kind of failure, whatever the protobuf runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    MessageType = TypeVar("MessageType", bound=Message)


class ProtoDecodeError(ValueError):
    """The bytes are not a message of that type."""


def decode(kind: type[MessageType], data: bytes) -> MessageType:
    """Decode a message; ProtoDecodeError where protobuf refuses.

    Runtimes differ in what they raise for text that is not UTF-8, and for
    messages nested too deep.
    """
    try:
        return kind.FromString(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtoDecodeError(str(error)) from None
