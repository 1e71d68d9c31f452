r"""The text form of messages, field by field and without a tree.

    node { name: "w" op: "Const" attr { key: "value" value { tensor { … } } } }

A field is a name, a colon that may be left out before a message, and a value: a
message in ``{}`` or ``<>``, a list in ``[]``, strings that are joined, or one
word. A comma or a semicolon may follow. Comments run from ``#`` to the end of
the line.

The cursor moves over the file in place; what is of interest is descended into,
all else is taken as text, for protobuf to parse. The traps are size and depth:
a string may be most of the file, so patterns repeat a bounded number of times
and begin again, and what is open is counted, never recursed into.

Reference: https://protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import GraphDecodeError
from pbckpt.wire.fields import MAX_NESTING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.graph.source import GraphSource
BLANK = rb"[ \t\n\r\f\v]*"
WORD = rb"[0-9A-Za-z_.+-]{1,512}(?![0-9A-Za-z_.+-])"
"""A number or a name, as far as it goes."""

_BLANKS = re.compile(BLANK + rb"(?:#[^\n]*" + BLANK + rb"){0,1000}")
_NAME = re.compile(rb"[A-Za-z_][0-9A-Za-z_]{0,255}(?![0-9A-Za-z_])")
_FIELD = re.compile(
    BLANK
    + rb"([A-Za-z_][0-9A-Za-z_]{0,255})(?![0-9A-Za-z_])"
    + BLANK
    + rb"(:?)"
    + BLANK
    + rb"(?=[^ \t\n\r\f\v#:])"
)
_WORD = re.compile(WORD)
_SEPARATOR = re.compile(BLANK + rb"(?:[,;]|(?=#))?")
_COMMENT = re.compile(rb"[^\n]*")
_UNQUOTED = re.compile(rb"[^\"'#]*")
_MANY_BLANKS = re.compile(rb"[ \t\n\r\f\v]+")
_LINE = re.compile(rb"(?:[^ ]* ){256}")
_DULL = re.compile(rb"[^\"'#{}<>\[\]]*")

# A pattern that repeats a group keeps a note of each round, so it must not for
# long. An octal escape of one or two digits is not followed by a digit.
_ROUNDS = 2048
_PLAIN_ESCAPE = rb"[abfnrtv\\\"']|[0-3][0-7]{2}|[0-7]{1,2}(?![0-7])|x[0-9A-Fa-f]{2}"
_RARE_ESCAPE = rb"x[0-9A-Fa-f]|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}"


def _literals(escape: bytes) -> dict[int, re.Pattern[bytes]]:
    """Return what of a string lies before its closing quote, by the quote."""
    return {
        quote[0]: re.compile(
            rb"[^%b\\\n]*(?:\\(?:%b)[^%b\\\n]*){0,%d}" % (quote, escape, quote, _ROUNDS)
        )
        for quote in (b'"', b"'")
    }


_LITERAL = _literals(_PLAIN_ESCAPE + rb"|" + _RARE_ESCAPE)
_PLAIN_LITERAL = _literals(_PLAIN_ESCAPE)
_CODE_POINT = re.compile(rb"\\[uU]")
_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_RARE = re.compile(rb"\\(?:%b)" % _RARE_ESCAPE)

_CLOSERS = {ord("{"): ord("}"), ord("<"): ord(">")}
_BRACKETS = _CLOSERS | {ord("["): ord("]")}
_LIST, _LIST_END, _HASH, _COMMA = map(ord, "[]#,")
_BACKSLASH, _COLON = map(ord, "\\:")
_SEPARATORS = tuple(b",;")
_RELEASE_BYTES = 32 << 20
_COUNT_BYTES = 1 << 20
_ENDS_OF_LITERALS = (b"' ", b'" ')
_TAME_BYTES = 64 << 10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

END = -1
"""What closes a message that is the whole file: its end."""


class TextField(NamedTuple):
    """The name of a field, where it begins, and whether a colon follows it."""

    name: bytes
    start: int
    has_colon: bool


class TextCursor:
    """A place in a text, which moves on as fields are read."""

    def __init__(self, source: GraphSource) -> None:
        """Begin at the start of a file."""
        self.view = source.view
        self.end = len(source.view)
        self.position = 0
        self._source = source
        self._released = 0
        if bytes(self.view[: len(_BYTE_ORDER_MARK)]) == _BYTE_ORDER_MARK:
            self.position = len(_BYTE_ORDER_MARK)

    def field(self, closer: int) -> TextField | None:
        """Return the next field of a message, and move to its value; None at the end of it."""
        if self.position - self._released > _RELEASE_BYTES:
            self._source.release_pages(self._released, self.position)
            self._released = self.position
        found = _FIELD.match(self.view, self.position, self.end)
        if found is not None:
            self.position = found.end()
            return TextField(found[1], found.start(1), bool(found[2]))
        return self._unusual_field(closer)

    def _unusual_field(self, closer: int) -> TextField | None:
        """Return a field with comments in it, or what there is instead of one."""
        following = self.next()
        if following == closer:
            self.position += closer != END
            return None
        start = self.position
        name = _NAME.match(self.view, start, self.end)
        if name is None:
            fact = "the text ends within a message" if following == END else "no field name"
            raise self.error(fact)
        self.position = name.end()
        has_colon = self.next() == _COLON
        if has_colon:
            self.position += 1
            self.next()
        return TextField(name[0], start, has_colon)

    def next(self) -> int:
        """Skip blanks and comments, and return the byte that follows; END at the end."""
        while True:
            self.position = _BLANKS.match(self.view, self.position, self.end).end()  # type: ignore[union-attr]
            if self.position >= self.end:
                return END
            if self.view[self.position] != _HASH:
                return self.view[self.position]

    def separator(self) -> None:
        """Skip what may stand between two fields."""
        found = _SEPARATOR.match(self.view, self.position, self.end)
        self.position = found.end()  # type: ignore[union-attr]
        commented = self.position < self.end and self.view[self.position] == _HASH
        if commented and self.next() in _SEPARATORS:
            self.position += 1

    def messages(self, field: TextField) -> Iterator[int]:
        """Move into the message that is a field's value, or each of a list; yield its closer.

        Whoever iterates has to read up to that closer.
        """
        first = self.next()
        if first in _CLOSERS:
            self.position += 1
            yield _CLOSERS[first]
            return
        if first != _LIST:
            raise self.error(f"no message as the value of {field.name.decode()}")
        yield from self._listed()

    def _listed(self) -> Iterator[int]:
        self.position += 1
        while (first := self.next()) in _CLOSERS:
            self.position += 1
            yield _CLOSERS[first]
            if self.list_goes_on() is False:
                return
        raise self.error("no message in a list of messages")

    def list_goes_on(self) -> bool:
        """Move over the comma after an element of a list; False, and out of it, at its end."""
        following = self.next()
        if following not in (_COMMA, _LIST_END):
            raise self.error("neither a comma nor the end of a list")
        self.position += 1
        return following == _COMMA

    def enter_list(self) -> bool:
        """Move into the list that comes next; False if it is none."""
        if self.next() != _LIST:
            return False
        self.position += 1
        return True

    def leave_empty_list(self) -> bool:
        """Move out of a list if it ends here."""
        if self.next() != _LIST_END:
            return False
        self.position += 1
        return True

    def word(self) -> bytes:
        """Return a number or a name, and move over it."""
        self.next()
        found = _WORD.match(self.view, self.position, self.end)
        if found is None:
            raise self.error("no value")
        self.position = found.end()
        return found[0]

    def take(self, field: TextField) -> tuple[bytes, bool]:
        """Move over a field's value; return name and value as text, and if it is as in the file.

        It is where it is small. In a long one blanks are made few, and strings
        short: protobuf's parser takes a hundred bytes of memory for each blank in
        a row, and for each escape of a string. Nor is it given escapes of code
        points, which some versions of it take for bytes.
        """
        self.skip()
        if self.position - field.start <= _TAME_BYTES:
            text = bytes(self.view[field.start : self.position])
            if _CODE_POINT.search(text) is None:
                return text, True
        return self._tamed(field.start, self.position), False

    def _tamed(self, position: int, end: int) -> bytes:
        out = bytearray()
        while position < end:
            found = _UNQUOTED.match(self.view, position, end)
            position = found.end()  # type: ignore[union-attr]
            text = _MANY_BLANKS.sub(b" ", found[0])  # type: ignore[index]
            out += _LINE.sub(rb"\g<0>\n", text.lstrip(b" ") if out.endswith(b" ") else text)
            if position < end and self.view[position] == _HASH:
                position = _COMMENT.match(self.view, position, end).end()  # type: ignore[union-attr]
            elif position < end:
                position = self._split_literal(position, out)
        return bytes(out)

    def _split_literal(self, position: int, out: bytearray) -> int:
        """Append a string as several that stand one after the other; return where it ends."""
        quote = self.view[position : position + 1]
        pattern = _LITERAL[quote[0]]
        position += 1
        while True:
            part = pattern.match(self.view, position, self.end)[0]  # type: ignore[index]
            start, position = position, position + len(part)
            if _CODE_POINT.search(part) is not None:
                part = _ESCAPE.sub(lambda found: self._in_octal(found[0], start), part)  # noqa: B023
            # One that adds nothing to the one before is none.
            if part or not out.endswith(_ENDS_OF_LITERALS):
                out += bytes(quote) + part + bytes(quote) + b" "
            if self.view[position] == quote[0]:
                return position + 1

    def _in_octal(self, escape: bytes, position: int) -> bytes:
        """Return an escape of a code point as those of its bytes, any other as it is."""
        if _CODE_POINT.match(escape) is None:
            return escape
        return b"".join(b"\\%03o" % byte for byte in self._unescaped(escape, position))

    def _unescaped(self, escape: bytes, position: int) -> bytes:
        """Return what a rare escape stands for."""
        digits = escape[2:].decode()
        number = int(digits, base=16)
        try:
            return chr(number).encode() if escape[1:2] in b"uU" else bytes((number,))
        except (ValueError, OverflowError):
            raise self.error("an escape of what is no character", position) from None

    def skip(self) -> None:
        """Move over the value that comes next."""
        first = self.next()
        if first in _BRACKETS:
            self._skip_brackets()
        elif first in _LITERAL:
            self._skip_literals(first)
        else:
            self.word()

    def _skip_brackets(self) -> None:
        view, end, start = self.view, self.end, self.position
        opened = [_BRACKETS[view[start]]]
        position = start + 1
        while opened:
            position = _DULL.match(view, position, end).end()  # type: ignore[union-attr]
            if position >= end:
                raise self.error("a message that does not end", start)
            byte = view[position]
            if byte in _LITERAL:
                position = self._end_of_literal(position, byte)
            elif byte == _HASH:
                position = _COMMENT.match(view, position, end).end()  # type: ignore[union-attr]
            else:
                self._open_or_close(opened, byte, position)
                position += 1
        self.position = position

    def _open_or_close(self, opened: list[int], byte: int, position: int) -> None:
        if byte in _BRACKETS:
            opened.append(_BRACKETS[byte])
            if len(opened) > MAX_NESTING:
                raise self.error(f"messages nested over {MAX_NESTING} deep", position)
        elif opened.pop() != byte:
            raise self.error("a bracket that closes nothing", position)

    def _skip_literals(self, quote: int) -> None:
        """Move over strings that stand one after the other, which are one value."""
        end = self.position
        while quote in _LITERAL:
            end = self.position = self._end_of_literal(self.position, quote)
            quote = self.next()
        self.position = end

    def _end_of_literal(self, position: int, quote: int) -> int:
        pattern = _LITERAL[quote]
        position += 1
        while True:
            found = pattern.match(self.view, position, self.end)
            stop = found.end()  # type: ignore[union-attr]
            if stop < self.end and self.view[stop] == quote:
                return stop + 1
            if stop == position:
                raise self._no_literal(position)
            position = stop

    def _no_literal(self, position: int) -> GraphDecodeError:
        is_escape = position < self.end and self.view[position] == _BACKSLASH
        fact = "an unknown escape in a string" if is_escape else "a string that does not end"
        return self.error(fact, position)

    def string(self, out: bytearray) -> None:
        """Append the value of the strings that come next, and move over them."""
        quote = self.next()
        if quote not in _LITERAL:
            raise self.error("no string")
        end = self.position
        while quote in _LITERAL:
            end = self.position = self._unescape(self.position + 1, quote, out)
            quote = self.next()
        self.position = end

    def _unescape(self, position: int, quote: int, out: bytearray) -> int:
        """Append a string from after its quote on, and return where it ends."""
        pattern = _PLAIN_LITERAL[quote]
        while True:
            found = pattern.match(self.view, position, self.end)
            part = found[0]  # type: ignore[index]
            if part:
                self._append(part, position, out)
            stop = position + len(part)
            if stop < self.end and self.view[stop] == quote:
                return stop + 1
            position = stop if part else self._unescape_one(stop, out)

    def _append(self, part: bytes, position: int, out: bytearray) -> None:
        if not part.isascii():
            try:
                part.decode()
            except UnicodeDecodeError as error:
                raise self.error("text that is not UTF-8", position + error.start) from None
        # All escapes in it are known to be those that Python has too.
        out += codecs.escape_decode(part)[0] if b"\\" in part else part
        if position - self._released > _RELEASE_BYTES:
            self._source.release_pages(self._released, position)
            self._released = position

    def _unescape_one(self, position: int, out: bytearray) -> int:
        rare = _RARE.match(self.view, position, self.end)
        if rare is None:
            raise self._no_literal(position)
        out += self._unescaped(rare[0], position)
        return rare.end()

    def error(self, fact: str, position: int | None = None) -> GraphDecodeError:
        """Return an error about a byte of the text, here if no other is given."""
        offset = min(self.position if position is None else position, self.end)
        line = 1
        for start in range(0, offset, _COUNT_BYTES):
            line += bytes(self.view[start : min(start + _COUNT_BYTES, offset)]).count(b"\n")
        return GraphDecodeError(f"{fact} in line {line}", offset=offset)
