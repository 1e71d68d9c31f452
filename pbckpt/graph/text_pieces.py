"""Fields of a message in text form that are left for protobuf to parse.

They are parsed a megabyte at a time, one after the other into one message, so
that what waits is never more than that and the field that comes next.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Generic

from pbckpt.protos.text import MessageType, TextParseError, merge

if TYPE_CHECKING:
    from pbckpt.graph.text import TextCursor, TextField

_PARSE_BYTES = 1 << 20
_PARSE_PIECES = 4096


class TextPieces(Generic[MessageType]):
    """A message that grows by pieces of text, each known by its place in the file."""

    def __init__(self, kind: type[MessageType], cursor: TextCursor) -> None:
        """Begin with an empty message of that kind."""
        self._message = kind()
        self._cursor = cursor
        self._texts: list[bytes] = []
        self._places: list[tuple[int, bool]] = []
        self._nbytes = 0

    def take(self, field: TextField) -> None:
        """Move the cursor over the value of a field, and add that field."""
        text, is_exact = self._cursor.take(field)
        self._add(text, field.start, is_exact=is_exact)

    def put(self, text: bytes, field: TextField) -> None:
        """Add a piece of text in place of something of a field."""
        self._add(text, field.start, is_exact=False)

    def _add(self, text: bytes, offset: int, *, is_exact: bool) -> None:
        self._texts.append(text)
        self._places.append((offset, is_exact))
        self._nbytes += len(text)

    def settle(self) -> None:
        """Say that all pieces so far are whole fields; parse them when they are many."""
        if self._nbytes > _PARSE_BYTES or len(self._texts) > _PARSE_PIECES:
            self._parse()

    def message(self) -> MessageType:
        """Return the message of all pieces; GraphDecodeError where they are none."""
        self._parse()
        return self._message

    def _parse(self) -> None:
        if not self._texts:
            return
        try:
            merge(self._message, b"\n".join(self._texts))
        except TextParseError as error:
            raise self._cursor.error(str(error), self._place(error.offset)) from None
        self._texts, self._places, self._nbytes = [], [], 0

    def _place(self, offset: int) -> int:
        """Return where in the file a byte of the joined pieces is from, or its field."""
        starts = [0]
        for text in self._texts:
            starts.append(starts[-1] + len(text) + 1)
        piece = min(bisect_right(starts, offset), len(self._texts)) - 1
        start, is_exact = self._places[piece]
        return start + min(offset - starts[piece], len(self._texts[piece])) if is_exact else start
