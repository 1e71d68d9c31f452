"""Text that asks for much: each is refused, or done, in little time and memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.hostile.test_graph_bombs import convert_apart

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no way to ask for the peak there")

SECONDS = 20
SLACK = 48 << 20
MILLION = 1_000_000
HEAD = b'node { name: "w" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } '
VALUE = HEAD + b'attr { key: "value" value { tensor { dtype: DT_FLOAT '
DECODE = "GraphDecodeError"


def tensor(body: bytes) -> bytes:
    return VALUE + body + b" } } } }\n"


BOMBS = {
    "braces that open": (b"versions " + 5 * MILLION * b"{", f"{DECODE}: messages nested over 100"),
    "braces of an attribute": (
        HEAD + MILLION * b"attr { value { tensor { ",
        f"{DECODE}: messages nested over 100",
    ),
    "brackets": (b"versions { x: " + 5 * MILLION * b"[", f"{DECODE}: messages nested over 100"),
    "braces that open and close": (b"versions { x " + MILLION * b"{}", f"{DECODE}: a message"),
    "messages without a field": (MILLION // 10 * b"versions {}\n", "SelectionError: "),
    "a string without an end": (b'node { name: "' + 20 * MILLION * b"x", f"{DECODE}: a string"),
    "escapes without an end": (b'node { name: "' + 5 * MILLION * b"\\n", f"{DECODE}: a string"),
    "backslashes": (b'node { name: "' + 5 * MILLION * b"\\\\", f"{DECODE}: a string"),
    "quotes": (b"node { name: " + MILLION * b"''", f"{DECODE}: the text ends"),
    "a content without an end": (
        VALUE + b'tensor_content: "' + 5 * MILLION * b"\\001",
        f"{DECODE}: a string",
    ),
    "rare escapes": (tensor(b"tensor_content: '" + MILLION // 10 * b"\\x1," + b"'"), "Invalid"),
    "comments": (b"versions {}\n" + 3 * MILLION * b"#\n", "SelectionError: "),
    "blanks": (b"node {" + 20 * MILLION * b" " + b"}", "InvalidGraphError: "),
    "blanks within a message": (
        b"versions {" + 20 * MILLION * b" " + b"producer: 1 }",
        "SelectionError: ",
    ),
    "comments within a message": (
        b"versions {" + 3 * MILLION * b"#\n" + b"producer: 1 }",
        "SelectionError: ",
    ),
    "fields on one line": (
        b"versions {" + MILLION // 10 * b" bad_consumers: 1" + b"}",
        "SelectionError: ",
    ),
    "escapes elsewhere": (
        b'node { name: "' + MILLION * b"\\001" + b'" op: "NoOp" }',
        "SelectionError: ",
    ),
    "a string that is joined": (
        b"node { name: " + MILLION // 4 * b"'x' " + b' op: "NoOp" }',
        "SelectionError: ",
    ),
    "blanks between values": (
        tensor(b"float_val: 1" + 100 * (MILLION // 10 * b" " + b"float_va")),
        f"{DECODE}: ",
    ),
    "blanks after values": (
        tensor(50 * (b"float_val: 1" + MILLION // 10 * b" ") + b"x: 1"),
        f"{DECODE}: ",
    ),
    "a name": (b"versions {} " + 20 * MILLION * b"n", f"{DECODE}: no field name"),
    "a number": (tensor(b"int_val: " + 5 * MILLION * b"9"), f"{DECODE}: no value"),
    "a number in hexadecimal": (tensor(b"int_val: 0x" + 5 * MILLION * b"f"), f"{DECODE}: no value"),
    "a number elsewhere": (
        HEAD + b'attr { key: "i" value { i: ' + 4000 * b"9" + b"} } }",
        f"{DECODE}: ",
    ),
    "a long list": (tensor(b"float_val: [" + MILLION * b"1," + b"1]"), "4"),
    "a list without an end": (VALUE + b"float_val: [" + MILLION * b"1,", f"{DECODE}: no value"),
    "many values": (tensor(MILLION * b"float_val: 1\n"), "4"),
    "values between comments": (tensor(MILLION // 10 * b"float_val: 1 #\n"), "4"),
    "values of strings": (tensor(MILLION // 4 * b"string_val: 'x' "), "4"),
    "a huge shape": (
        tensor(b"tensor_shape { dim { size: 1152921504606846976 } } float_val: 1"),
        "LimitError: ",
    ),
    "functions": (b"library {" + MILLION // 10 * b"function{}" + b"}", "SelectionError: "),
    "graphs of a model": (MILLION // 10 * b"meta_graphs{}", "LimitError: "),
    "commas": (b"versions {}" + 5 * MILLION * b",", f"{DECODE}: no field name"),
}


@pytest.mark.parametrize(("content", "expected"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_of_text_ends_soon_and_small(content: bytes, expected: str, tmp_path: Path) -> None:
    outcome = convert_apart(content, tmp_path)
    kind, _, fact = expected.partition(": ")
    assert outcome.result.startswith(kind)
    assert fact in outcome.result
    assert outcome.seconds < SECONDS
    assert outcome.grown < 4 * len(content) + SLACK
    assert (tmp_path / "out").exists() == expected.isdigit()
