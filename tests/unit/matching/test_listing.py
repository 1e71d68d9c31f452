from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.matching.listing import parse_listing
from pbckpt.matching.sides import Target

TEXT = """\
# of a network
conv/kernel float32 [3, 3, 1, 8]
conv/bias:0

step int64 []
fc/kernel half 4x2
"""


def test_text() -> None:
    assert parse_listing(TEXT) == (
        Target("conv/kernel", DataType.FLOAT, (3, 3, 1, 8), order=0),
        Target("conv/bias", order=1),
        Target("step", DataType.INT64, (), order=2),
        Target("fc/kernel", DataType.HALF, (4, 2), order=3),
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"dtype": "float32", "shape": [2]}, "b": null}',
        '[{"name": "a:0", "dtype": "float32", "shape": [2]}, "b"]',
        '\ufeff {"a": {"dtype": "float32", "shape": [2]}, "b": {}}',
    ],
)
def test_json(text: str) -> None:
    assert parse_listing(text) == (Target("a", DataType.FLOAT, (2,)), Target("b"))


def test_sorted_names_are_in_no_order_of_layers() -> None:
    assert [one.order for one in parse_listing("b\na\nc")] == [0, 1, 2]
    assert [one.order for one in parse_listing("a\nb\nc")] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'names' lists no names"),
        ("# nothing\n", "'names' lists no names"),
        ("[]", "'names' lists no names"),
        ("a\nb\na:0\n", "'names' lists 'a' twice"),
        ('{"a": null, "a": null}', "'names' lists 'a' twice"),
        (
            "a flote32",
            (
                "'names', line 1: .*; a row is NAME, or NAME DTYPE SHAPE, such as "
                r"conv1/kernel float32 \[3, 3, 1, 8\]"
            ),
        ),
        ("a,flote32,3", "'names', line 1: no type is called 'flote32'.*"),
        ("a,\0" + "b" * 200_000, "'names', line 1: .*; a row is such as .*"),
        ('{"schema": 1, "variables": []}', "'names' lists no names"),
        ("a,float32,3;3", "'names', line 1: '3;3' is no shape, such as .*"),
        (
            "\na float32 [2, -1]",
            r"'names', line 2: '\[2, -1\]' is no shape, such as \[3, 3, 1, 8\]",
        ),
        ('{"a": {"shape": [-1]}}', "'names', 'a': no tensor has such a shape"),
        ('{"a": {"shape": [true]}}', "'names', 'a': no tensor has such a shape"),
        ('{"a": {"shape": 3}}', "'names', 'a': a shape is a list of numbers"),
        ('{"a": {"shape": {"x": 1}}}', "'names', 'a': a shape is a list of numbers"),
        (
            '{"a": {"type": "float32"}}',
            "'names', 'a': not a dtype and a shape: .'type'.; a row is .*",
        ),
        ('{"a": 3}', "'names', 'a': give names, each with its dtype and shape, or null: .*"),
        ("[3]", "'names', 3: give names, each with its dtype and shape, or null: .*"),
        ("[[]]", "give names, each with its dtype and shape, or null: .*"),
        ("[", "'names' is not JSON: .*"),
        ("[" * 100_000, "'names' is not JSON: .*"),
        ('[""]', "a name in a listing is empty"),
        ("{}", "'names' lists no names"),
    ],
)
def test_what_is_no_listing(text: str, message: str) -> None:
    with pytest.raises(SelectionError, match=f"{message}\\Z"):
        parse_listing(text, "names")


KERNEL = Target("w", DataType.FLOAT, (3, 3))


@pytest.mark.parametrize(
    "text",
    [
        '{"w": ["float32", [3, 3]]}',
        (
            '{"schema": 1, "kind": "graph", "nodes": 7, "variables": [{"key": "w", "node": "n", '
            '"dtype": "float32", "shape": [3, 3], "bytes": 36}], "skipped": []}'
        ),
        (
            '{"schema": 1, "kind": "checkpoint", "entries": [{"key": "w", "dtype": "float32", '
            '"shape": [3, 3], "slices": [[]]}], "objects": []}'
        ),
        '{"tensors": [{"old": "v", "new": "w", "dtype": "float32", "shape": [3, 3]}]}',
        '[{"key": "w", "dtype": "float32", "shape": [3, 3]}]',
        "w,float32,3x3",
        "w,float32,3,3",
        "w, float32, [3, 3]",
        'w,float32,"[3, 3]"',
        "name,dtype,shape\r\nw:0,float32,(3, 3)",
        "Variable\tdtype\tshape\nw\tfloat32\t[3, 3]",
    ],
)
def test_other_ways_to_write_a_row(text: str) -> None:
    assert parse_listing(text) == (KERNEL,)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ('{"w": [3, 3]}', Target("w", None, (3, 3))),
        ('{"w": []}', Target("w", None, ())),
        ('{"w": "float32"}', Target("w", DataType.FLOAT)),
        ("w,float32", Target("w", DataType.FLOAT)),
        ("w,[3, 3]", Target("w", None, (3, 3))),
        ("w,,3", Target("w", None, (3,))),
        ("w,", Target("w")),
        # A tensor may be called as what has the rows.
        ('{"variables": [3, 3]}', Target("variables", None, (3, 3))),
        ('{"entries": []}', Target("entries", None, ())),
        ("name", Target("name")),
    ],
)
def test_rows_that_tell_less(text: str, target: Target) -> None:
    assert parse_listing(text) == (target,)


@pytest.mark.parametrize("shape", ["[" + "1" * 5000 + "y", "[" + "1 " * 5000 + "y"])
def test_a_long_text_that_is_no_shape(shape: str) -> None:
    # There are very many ways to part it.
    with pytest.raises(SelectionError, match="is no shape"):
        parse_listing(f"a float32 {shape}")


def test_a_size_of_very_many_digits_is_no_shape() -> None:
    with pytest.raises(SelectionError, match="is no shape"):
        parse_listing("a float32 [" + "1" * 5000 + "]")
