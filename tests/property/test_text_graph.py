"""Values in text are what protobuf's own parser makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import text_format
from hypothesis import example, given
from hypothesis import strategies as st

from pbckpt.errors import GraphDecodeError
from pbckpt.graph.text import TextCursor
from pbckpt.graph.text_tensor import read_tensor
from pbckpt.protos import TensorProto
from pbckpt.wire.span import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence


class Source(Memory):
    def release_pages(self, start: int, end: int) -> None:
        """Nothing is mapped."""


def ours(text: str) -> bytes | None:
    try:
        wire = read_tensor(TextCursor(Source(text.encode() + b"}")), ord("}"))
    except GraphDecodeError:
        return None
    return TensorProto.FromString(bytes(wire)).SerializeToString(deterministic=True)


def theirs(text: str) -> bytes | None:
    tensor = TensorProto()
    try:
        text_format.Merge(text, tensor)
    except (text_format.ParseError, ValueError):
        return None
    return tensor.SerializeToString(deterministic=True)


NUMBERS = ("half_val", "float_val", "double_val", "int_val", "scomplex_val", "int64_val")
MORE_NUMBERS = ("bool_val", "dcomplex_val", "uint32_val", "uint64_val")
FIELDS = st.sampled_from(NUMBERS + MORE_NUMBERS)
WORDS = st.one_of(
    st.floats().map(repr),
    st.floats(width=32).map(lambda number: f"{number:.9g}"),
    st.integers(-(2**64), 2**65).map(str),
    st.integers(0, 2**64).map(hex),
    st.integers(0, 2**20).map(lambda number: f"0{number:o}"),
    st.sampled_from(
        [
            "inf",
            "-inf",
            "nan",
            "-nan",
            "Infinity",
            "-infinityf",
            "inff",
            "nanf",
            "1.5f",
            "1e3F",
            "0x1p3",
            "1_000",
            "010.5",
            "-0",
            "-0.0",
            "00",
            "0",
            "true",
            "false",
            "t",
            "f",
            "True",
            "False",
            "1.",
            ".5",
            "-.5",
            "+",
            "-",
            "e",
            "1e",
            "1e+5",
            "0b11",
            "0o17",
            "08",
            "-010",
            "truee",
            "1e400",
        ]
    ),
    st.text("0123456789.-+efxnai_", min_size=1, max_size=8),
)
BLANKS = st.sampled_from(["", " ", "\n", "\t ", " # a comment\n", "\r\n"])
SEPARATORS = st.sampled_from([" ", "\n", ", ", "; ", " ,\n", " # a comment\n"])


@given(FIELDS, st.lists(st.tuples(BLANKS, WORDS, SEPARATORS), min_size=1, max_size=6))
@example("float_val", [("", "010", " ")])
@example("int_val", [("", "010", " ")])
@example("float_val", [("", "1e39", " "), ("", "-1e39", " ")])
def test_numbers_line_by_line(field: str, lines: Sequence[tuple[str, str, str]]) -> None:
    text = "".join(f"{field}{blank}:{blank}{word}{after}" for blank, word, after in lines)
    assert ours(text) == theirs(text)


@given(FIELDS, BLANKS, st.lists(WORDS, max_size=6))
def test_numbers_in_a_list(field: str, blank: str, words: Sequence[str]) -> None:
    text = f"{field}: [{blank}{f'{blank},{blank}'.join(words)}{blank}]"
    assert ours(text) == theirs(text)


ESCAPES = st.one_of(
    st.sampled_from([f"\\{letter}" for letter in "abfnrtv\\'\""]),
    st.integers(0, 255).map(lambda byte: f"\\{byte:03o}"),
    st.integers(0, 255).map(lambda byte: f"\\{byte:o}"),
    st.integers(0, 255).map(lambda byte: f"\\x{byte:02x}"),
    st.integers(0, 255).map(lambda byte: f"\\x{byte:X}"),
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\\\n'\""),
)
LITERALS = st.lists(ESCAPES, max_size=8).map("".join)


@given(
    st.sampled_from(("tensor_content", "string_val", "float8_val")),
    st.lists(st.tuples(st.sampled_from("'\""), LITERALS, BLANKS), min_size=1, max_size=3),
)
def test_strings(field: str, literals: Sequence[tuple[str, str, str]]) -> None:
    text = f"{field}: " + "".join(
        f"{quote}{literal}{quote}{blank}" for quote, literal, blank in literals
    )
    assert ours(text) == theirs(text)


@given(st.binary(max_size=200), st.booleans())
def test_bytes_that_were_written_as_text(image: bytes, as_utf8: bool) -> None:  # noqa: FBT001
    tensor = TensorProto(dtype=1, tensor_content=image, string_val=[image, b"", image[:3]])
    text = text_format.MessageToString(tensor, as_utf8=as_utf8)
    assert ours(text) == tensor.SerializeToString(deterministic=True)
