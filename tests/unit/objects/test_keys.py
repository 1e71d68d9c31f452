from __future__ import annotations

import pytest

from pbckpt.errors import SelectionError
from pbckpt.objects.keys import (
    GRAPH_KEY,
    AttributeKey,
    SlotPath,
    escape,
    key_of_path,
    path_of_key,
    unescape,
    variable_key,
)

END = "/.ATTRIBUTES/VARIABLE_VALUE"


def test_the_graph_has_a_key() -> None:
    assert GRAPH_KEY == b"_CHECKPOINTABLE_OBJECT_GRAPH"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w", "w"),
        ("", ""),
        ("a/b", "a.Sb"),
        ("x.y", "x..y"),
        (".S", "..S"),
        ("./", "...S"),
        ("/.", ".S.."),
        (".", ".."),
        ("a//b", "a.S.Sb"),
        (".ATTRIBUTES", "..ATTRIBUTES"),
        ("ü\n", "ü\n"),
    ],
)
def test_a_name_is_escaped_and_back(name: str, text: str) -> None:
    assert escape(name) == text
    assert unescape(text) == name


@pytest.mark.parametrize("text", [".", "a.", "a.b", ".s", "...", "a/b", "/", ".\n", ".ATTRIBUTES"])
def test_what_is_no_escaped_name(text: str) -> None:
    with pytest.raises(SelectionError, match="is no local name"):
        unescape(text)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (["w"], "w" + END),
        (["layer", "w"], "layer/w" + END),
        (["a/b", "x.y"], "a.Sb/x..y" + END),
        ([""], END),
        ([], END),
        (["", ""], "/" + END),
    ],
)
def test_the_key_of_a_variable(path: list[str], key: str) -> None:
    assert variable_key(path) == key


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("w" + END, "w"),
        ("a.Sb/w" + END, "a.Sb/w"),
        (END, ""),
        ("..ATTRIBUTES" + END, "..ATTRIBUTES"),
        ("w/.OPTIMIZER_SLOT/opt/m" + END, "w/.OPTIMIZER_SLOT/opt/m"),
        ("t/.ATTRIBUTES/table-keys", "t/.ATTRIBUTES/table-keys"),
        ("t/.ATTRIBUTES/", "t/.ATTRIBUTES/"),
        ("w" + END + "/more", "w" + END + "/more"),
    ],
)
def test_the_path_of_a_key_and_back(key: str, path: str) -> None:
    assert path_of_key(key) == path
    assert key_of_path(path) == key


@pytest.mark.parametrize("key", ["w", "", "a/b", "_CHECKPOINTABLE_OBJECT_GRAPH", ".ATTRIBUTES/w"])
def test_a_key_that_is_no_objects(key: str) -> None:
    assert path_of_key(key) is None
    assert AttributeKey.parse(key) is None


def test_a_key_is_split_at_the_first_word() -> None:
    assert AttributeKey.parse("t/.ATTRIBUTES/a/.ATTRIBUTES/b") == ("t", "a/.ATTRIBUTES/b")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a/w/.OPTIMIZER_SLOT/opt/m", ("a/w", "opt", "m")),
        ("w/.OPTIMIZER_SLOT/train/opt/m..x", ("w", "train/opt", "m..x")),
        ("w/.OPTIMIZER_SLOT//m", ("w", "", "m")),
        ("/.OPTIMIZER_SLOT/opt/", ("", "opt", "")),
        ("w/.OPTIMIZER_SLOT/m", None),
        ("w", None),
    ],
)
def test_the_path_of_a_slot_variable(path: str, parts: tuple[str, str, str] | None) -> None:
    assert SlotPath.parse(path) == parts
