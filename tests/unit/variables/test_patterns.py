from __future__ import annotations

import pytest

from pbckpt.errors import SelectionError
from pbckpt.variables.patterns import nearest_names, parse_pattern, unmatched_error


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("w", "w"),
        ("conv*/kernel", "conv1/kernel"),
        ("conv*/kernel", "conv/deep/er/kernel"),
        ("*", "a/b/c"),
        ("*", ""),
        ("*bias", "dense/bias"),
        ("dense_?/bias", "dense_1/bias"),
        ("dense[12]", "dense2"),
        ("dense[!12]", "dense3"),
        ("dense[0-9]", "dense7"),
        ("[*]", "*"),
        ("[", "["),
        ("a.b+c(d)", "a.b+c(d)"),
        ("größe*", "größe/w"),
        ("*", "a\nb"),
        ("re:w", "w"),
        (r"re:conv\d+/.*", "conv12/kernel"),
        ("re:a|b", "b"),
        ("re:(?i)W", "w"),
        ("re:", ""),
        ("re:re:x", "re:x"),
    ],
)
def test_matches(text: str, name: str) -> None:
    assert parse_pattern(text).matches(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("w", "w2"),
        ("w", "v/w"),
        ("w", "W"),
        ("", "w"),
        ("dense_?", "dense_12"),
        ("dense[12]", "dense3"),
        ("dense[12]", "dense[12]"),
        ("dense[z-a]", "dense"),
        ("a.b", "axb"),
        ("re:w", "w2"),
        ("re:w", "ww"),
        ("re:a|b", "ab"),
        (r"re:conv\d+", "conv1/kernel"),
        ("re:.*", "a\nb"),
        ("re:w", "w\n"),
        ("w", "w\n"),
    ],
)
def test_does_not_match(text: str, name: str) -> None:
    assert not parse_pattern(text).matches(name)


def test_any_of_several_names_is_enough() -> None:
    pattern = parse_pattern("m/*")
    assert pattern.matches("key", "m/node")
    assert not pattern.matches("key", "node")
    assert not pattern.matches()


def test_a_pattern_keeps_its_text() -> None:
    assert parse_pattern("re:a.*").text == "re:a.*"
    assert parse_pattern("a*").text == "a*"


@pytest.mark.parametrize(
    ("text", "fact"),
    [("re:(", "missing \\)"), ("re:[", "unterminated"), ("re:*", "nothing to repeat")],
)
def test_a_regular_expression_that_is_none(text: str, fact: str) -> None:
    with pytest.raises(SelectionError, match="is not a regular expression: " + fact) as caught:
        parse_pattern(text)
    assert caught.value.unknown == (text,)


@pytest.mark.parametrize("text", ["re:a{99999999999999999999}", "re:" + 5000 * "(" + 5000 * ")"])
def test_a_regular_expression_beyond_what_can_be_compiled(text: str) -> None:
    with pytest.raises(SelectionError):
        parse_pattern(text)


NAMES = ["conv1/kernel", "conv1/bias", "conv2/kernel", "conv2/bias", "dense/kernel", "step"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1/kernal", ["conv1/kernel", "conv2/kernel", "conv1/bias"]),
        ("steps", ["step"]),
        ("bias", ["conv2/bias", "conv1/bias"]),
        ("*bias", ["conv2/bias", "conv1/bias"]),
        ("re:stepp", ["step"]),
        ("v1", ["conv1/kernel", "conv1/bias"]),
        ("ne", ["conv1/kernel", "conv2/kernel", "dense/kernel"]),
        ("zzz", []),
        ("", []),
        ("*", []),
    ],
)
def test_the_nearest_names(text: str, expected: list[str]) -> None:
    assert nearest_names(text, NAMES) == expected


def test_nothing_is_near_where_there_are_no_names() -> None:
    assert nearest_names("w", []) == []


def test_the_error_names_every_pattern_and_what_is_near_each() -> None:
    error = unmatched_error("--include", ["zzz", "steps", "conv2/bia"], iter(NAMES))
    assert str(error) == (
        "--include matches nothing: 'zzz'; 'steps' (nearest: step); "
        "'conv2/bia' (nearest: conv2/bias, conv1/bias, conv2/kernel)"
    )
    assert error.unknown == ("zzz", "steps", "conv2/bia")
    assert error.suggestions == ("step", "conv2/bias", "conv1/bias", "conv2/kernel")
