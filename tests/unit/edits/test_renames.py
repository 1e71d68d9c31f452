from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.edits.refusal import Refusal
from pbckpt.edits.renames import NameMap, Naming, Rename, map_of, parse_map, parse_rename
from pbckpt.errors import SelectionError


def renamed(names: list[str], *renames: str | NameMap) -> list[str]:
    refusal = Refusal()
    naming = Naming(names)
    naming.apply([parse_rename(r) if isinstance(r, str) else r for r in renames], refusal)
    refusal.check()
    return naming.names


@pytest.mark.parametrize(
    ("text", "name", "new"),
    [
        ("a=b", "a", "b"),
        ("a=b=c", "a=b", "c"),
        (r"conv*/kernel=c\1/k", "conv12/kernel", "c12/k"),
        (r"*/*=\2/\1", "a/b/c", "c/a/b"),
        (r"d?/[xy]=\2\1", "d1/x", "x1"),
        (r"re:conv(\d+)/(?P<rest>.*)=c/\g<rest>/\1", "conv3/b/k", "c/b/k/3"),
        (r"re:a(x)?=b\1c", "a", "bc"),
        (r"re:(?:a)=b\\c", "a", "b\\c"),
        (r"*=\g<1>0", "a", "a0"),
        (r"*=\g<0>0", "a", "a0"),
        (r"a=\g<0>0", "a", "a0"),
        ("a\nb=c", "a\nb", "c"),
    ],
)
def test_a_rename(text: str, name: str, new: str) -> None:
    assert renamed([name], text) == [new]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("a", "rename 'a' is not OLD=NEW"),
        ("=b", "rename '=b' is not OLD=NEW"),
        ("a=", "rename 'a=' is not OLD=NEW"),
        ("", "rename '' is not OLD=NEW"),
        ("re:(=b", "pattern 're:(' is not a regular expression: "),
        (r"a=\1", r"rename 'a=\\1': '\\1' cannot be a new name: invalid group reference"),
        (r"*=\2", r"rename '*=\\2': '\\2' cannot be a new name: invalid group reference"),
        (r"*=\g<x>", r"rename '*=\\g<x>': '\\g<x>' cannot be a new name: "),
        ("*=\\", r"rename '*=\\': '\\' cannot be a new name: bad escape"),
    ],
)
def test_a_rename_that_is_none(text: str, fact: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_rename(text)
    assert str(caught.value).startswith(fact)
    assert caught.value.unknown


def test_renames_apply_one_after_the_other() -> None:
    assert renamed(["a", "x"], "a=b", "b=c", "?=n/c") == ["n/c", "n/c"]
    assert renamed(["a", "x"], "a=b", "b=c", r"re:(.)=n/\1") == ["n/c", "n/x"]
    assert renamed(["a/w", "a/b"], r"a/*=b/\1", r"b/*=c/\1", "c/w=d", "d=e") == ["e", "c/b"]


def test_a_plain_name_sees_what_patterns_made() -> None:
    assert renamed(["a", "b"], "a=c", r"*=x/\1", "x/c=y", "x/b=z") == ["y", "z"]


def test_rows_of_a_map_apply_at_once() -> None:
    swap = parse_map('{"a": "b", "b": "a"}')
    assert renamed(["a", "b", "c"], swap) == ["b", "a", "c"]
    assert renamed(["a", "b", "c"], swap, "a=d", swap._replace(rows=(("b", "a"),))) == [
        "a",
        "d",
        "c",
    ]


def test_names_of_a_map_are_no_patterns() -> None:
    assert renamed(["w[0]*", "w0"], map_of({"w[0]*": r"\1=b"})) == [r"\1=b", "w0"]


def test_what_matches_nothing_is_all_told() -> None:
    with pytest.raises(SelectionError) as caught:
        renamed(["conv/w", "conv/b"], "conv/x=a", NameMap((("c", "d"),), "m.csv"), "z?=b")
    assert str(caught.value) == (
        "--rename matches nothing: 'conv/x' (nearest: conv/w, conv/b); 'z?'; "
        "--map m.csv matches nothing: 'c' (nearest: conv/w, conv/b)"
    )
    assert caught.value.unknown == ("conv/x", "z?", "c")


def test_a_rename_that_comes_too_late_matches_nothing() -> None:
    with pytest.raises(SelectionError) as caught:
        renamed(["a"], "a=b", "a=c")
    assert caught.value.unknown == ("a",)


def test_prefixes() -> None:
    refusal = Refusal()
    naming = Naming(["m/a", "n/m/b", "mm"])
    naming.strip_prefix("m/", refusal)
    assert naming.names == ["a", "n/m/b", "mm"]
    naming.add_prefix("p/")
    assert naming.names == ["p/a", "p/n/m/b", "p/mm"]
    refusal.check()
    naming.strip_prefix("q/", refusal)
    with pytest.raises(SelectionError, match="--strip-prefix matches nothing: 'q/'"):
        refusal.check()


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "b", "c d": "e,f"}',
        '\ufeff  {"a": "b", "c d": "e,f"}\n',
        'a,b\nc d,"e,f"',
        'a,b\r\nc d,"e,f"\r\n\r\n',
        "a\tb\nc d\te,f\n",
        "\ufeffa\tb\n\nc d\te,f",
    ],
)
def test_the_forms_of_a_map(text: str) -> None:
    assert parse_map(text, "m").rows == (("a", "b"), ("c d", "e,f"))


def test_names_in_quotes_may_hold_anything() -> None:
    assert parse_map('"a\nb","c""d"\nx,"y,z"').rows == (("a\nb", 'c"d'), ("x", "y,z"))
    assert parse_map("a\x0bb,c\x85d").rows == (("a\x0bb", "c\x85d"),)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "map 'm' holds no names"),
        ("{}", "map 'm' holds no names"),
        ("a,b\nc", "map 'm', line 2: not two columns; give an old and a new name each"),
        ("a,b,c", "map 'm', line 1: not two columns; give an old and a new name each"),
        ("a,b\na,c", "map 'm' has two rows for 'a'"),
        ('{"a": "b", "a": "c"}', "map 'm' has two rows for 'a'"),
        ('{"a": 1}', "map 'm': the new name of 'a' is not a text"),
        ('{"a": {"b": "c"}}', "map 'm': the new name of 'a' is not a text"),
        ('{"a"', "map 'm' is not a JSON object: "),
        ('{"a":' * 100_000, "map 'm' is not a JSON object: "),
        ('{"a": "b"} x', "map 'm' is not a JSON object: "),
        ('a,"b', "map 'm', line 1: unexpected end of data"),
        ("a," + 200_000 * "b", "map 'm', line 1: field larger than field limit"),
    ],
)
def test_a_map_that_is_none(text: str, fact: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_map(text, "m")
    assert str(caught.value).startswith(fact)


@given(st.text())
def test_any_text_is_a_map_or_refused(text: str) -> None:
    try:
        table = parse_map(text, "m")
    except SelectionError:
        return
    assert len({old for old, _ in table.rows}) == len(table.rows) > 0


@given(st.text("ab*?[]=\\1re:<>g", max_size=12), st.text("ab1", max_size=4))
def test_any_text_is_a_rename_or_refused(text: str, name: str) -> None:
    try:
        rename = parse_rename(text)
    except SelectionError:
        return
    assert isinstance(rename, Rename)
    if rename.pattern.matches(name):
        assert isinstance(rename.new_name(name), str)
