from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.edits.nearest import nearest_names
from pbckpt.edits.patterns import parse_capture, parse_pattern
from pbckpt.edits.refusal import unmatched_error
from pbckpt.errors import SelectionError


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


def test_a_long_list_of_patterns_is_cut_but_kept() -> None:
    texts = [f"zzz{number}" for number in range(25)]
    error = unmatched_error("--map m.csv", texts, NAMES)
    assert str(error).startswith("--map m.csv matches nothing: 'zzz0'; 'zzz1'; ")
    assert str(error).endswith("; 'zzz19'; and 5 more")
    assert error.unknown == tuple(texts)


def test_the_nearest_of_very_many_names() -> None:
    names = [f"block_{n}/layer_{m}/kernel" for n in range(400) for m in range(250)]
    started = time.process_time()
    near = [
        nearest_names("block_17/layer_8/kernal", names)[0],
        nearest_names("blok_17/layer_8/kernel", names)[0],
        nearest_names("block_17/layer_8/krenel", names)[0],
        nearest_names("k_399/layer_249", names)[0],
    ]
    assert near == [*["block_17/layer_8/kernel"] * 3, "block_399/layer_249/kernel"]
    assert time.process_time() - started < 10


@pytest.mark.parametrize("length", [199, 1_000_000])
def test_names_that_are_hard_to_compare_take_bounded_time(length: int) -> None:
    names = [f"{'ab' * (length // 2)}{number}" for number in range(200 if length < 200 else 5)]
    started = time.process_time()
    nearest_names("ba" * (length // 2), names)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "name", "groups"),
    [
        ("*/kernel", "a/b/kernel", ("a/b",)),
        ("*/*", "a/b/c", ("a/b", "c")),
        ("**", "ab", ("ab", "")),
        ("d?/[xy]*", "d1/x\ny", ("1", "x", "\ny")),
        ("[!a][]b][[]", "c]["[:3], ("c", "]", "[")),
        ("[a.+", "[a.+", ()),
        ("[]", "[]", ()),
        ("[!]", "[!]", ()),
        ("re:(a)(?P<n>b)?", "a", ("a", None)),
        ("re:a", "a", ()),
    ],
)
def test_each_wildcard_is_a_group(text: str, name: str, groups: tuple[str, ...]) -> None:
    match = parse_capture(parse_pattern(text)).fullmatch(name)
    assert match is not None
    assert match.groups() == groups


GLOBS = st.text("ab*?[]!^-\\/\n", max_size=8)


@given(GLOBS, st.text("ab*?[]!^-\\/\n", max_size=8))
def test_groups_match_what_the_glob_matches(text: str, name: str) -> None:
    pattern = parse_pattern(text)
    assert pattern.matches(name) == (parse_capture(pattern).fullmatch(name) is not None)


@given(GLOBS)
def test_a_plain_pattern_matches_itself_alone(text: str) -> None:
    pattern = parse_pattern(text)
    if pattern.is_plain:
        assert pattern.matches(text)
        assert not pattern.matches(text + "a")
        assert not parse_capture(pattern).groups


def test_a_regular_expression_is_not_plain() -> None:
    assert not parse_pattern("re:a").is_plain
