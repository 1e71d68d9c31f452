from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.edits.casts import is_castable, parse_cast, parse_type
from pbckpt.errors import SelectionError


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("float32", DataType.FLOAT),
        ("float", DataType.FLOAT),
        ("float16", DataType.HALF),
        ("half", DataType.HALF),
        ("double", DataType.DOUBLE),
        ("bfloat16", DataType.BFLOAT16),
        ("bool", DataType.BOOL),
        ("string", DataType.STRING),
        ("float8_e4m3fn", DataType.FLOAT8_E4M3FN),
    ],
)
def test_the_names_of_types(name: str, dtype: DataType) -> None:
    assert parse_type(name) is dtype


def test_every_type_has_a_name() -> None:
    assert [parse_type(dtype.label) for dtype in DataType] == list(DataType)


def test_a_name_of_no_type_offers_what_is_near() -> None:
    with pytest.raises(SelectionError) as caught:
        parse_type("flot32")
    assert str(caught.value) == ("no type is called 'flot32'; nearest: float32, float, float64")
    assert caught.value.unknown == ("flot32",)


def test_the_types_that_are_cast() -> None:
    assert [dtype.label for dtype in DataType if not is_castable(dtype)] == [
        "string",
        "qint8",
        "quint8",
        "qint32",
        "qint16",
        "quint16",
        "resource",
        "variant",
    ]


def test_the_last_equals_sign_divides() -> None:
    cast = parse_cast("a=*/w=half")
    assert (cast.pattern.text, cast.dtype) == ("a=*/w", DataType.HALF)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("w", "cast 'w' is not PATTERN=DTYPE"),
        ("=half", "cast '=half' is not PATTERN=DTYPE"),
        ("w=", "no type is called ''"),
        ("w=string", "cast 'w=string': nothing is cast to string"),
        ("w=qint8", "cast 'w=qint8': nothing is cast to qint8"),
        ("re:(=half", "pattern 're:(' is not a regular expression: "),
    ],
)
def test_a_cast_that_is_none(text: str, fact: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_cast(text)
    assert str(caught.value).startswith(fact)
