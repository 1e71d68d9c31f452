from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pbckpt.archives.directory import name_of_path, path_of_name
from pbckpt.archives.names import NameRule
from pbckpt.names import key_to_bytes, key_to_text

SAFETENSORS, NPZ, DIRECTORY = NameRule

# Pieces that mean something to one of the rules, and some that do not.
PIECES = [
    *(b"%", b"25", b"%25", b"%FF", b"%ff", b"%00", b"%2E", b"%2F", b"%5F", b"%C3%A9", b"%G0"),
    *(b"\0", b"/", b".", b"..", b"//", b"\\", b"\xff", b"\xc3", b"\xa9", b"_", b"__metadata__"),
    *(b"a", b"A", b" ", b"\n", b"\xc3\xa9", b"\xf0\x9f\x98\x80", b".npy"),
]
keys = st.one_of(
    st.binary(max_size=12),
    st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
).map(key_to_text)


@pytest.mark.parametrize("rule", NameRule)
@pytest.mark.parametrize(
    "name",
    [
        "dense/kernel",
        "dense/kernel:0",
        "a b",
        "50%",
        "%",
        "%%",
        "100%25",
        "a%20b",
        "%2525",
        "%zz",
        "%ff",
        "%C3%A9",
        "é",
        "😀",
        "a\\b",
        "a\nb",
        "_",
        "x__metadata__",
    ],
)
def test_ordinary_names_stay_as_they_are(rule: NameRule, name: str) -> None:
    assert rule.escape(name) == name
    assert rule.unescape(name) == name


@pytest.mark.parametrize(
    ("rule", "key", "name"),
    [
        (SAFETENSORS, b"a\xff", "a%FF"),
        (SAFETENSORS, b"a\x00", "a\0"),
        (SAFETENSORS, b"\xc3", "%C3"),
        (SAFETENSORS, b"50%\xff", "50%25%FF"),
        (SAFETENSORS, b"__metadata__", "%5F_metadata__"),
        (SAFETENSORS, b"%5F_metadata__", "%255F_metadata__"),
        (SAFETENSORS, b"%255F_metadata__", "%25255F_metadata__"),
        (SAFETENSORS, b"%5Fmetadata__", "%5Fmetadata__"),
        (SAFETENSORS, b"a%FF", "a%25FF"),
        (SAFETENSORS, b"a%25FF", "a%2525FF"),
        (SAFETENSORS, b"a%25FF%", "a%25FF%"),
        (SAFETENSORS, b"%41%FF", "%41%FF"),
        (NPZ, b"a\x00b", "a%00b"),
        (NPZ, b"a%00b", "a%2500b"),
        (NPZ, b"\xff\xfe", "%FF%FE"),
        (NPZ, b"../a", "../a"),
        (NPZ, b"/a", "/a"),
        (NPZ, b"__metadata__", "__metadata__"),
        (NPZ, b"%5F_metadata__", "%5F_metadata__"),
        (DIRECTORY, b"a\xff", "a\udcff"),
        (DIRECTORY, b"a\x00b", "a%00b"),
        (DIRECTORY, b"/a", "%2Fa"),
        (DIRECTORY, b"//a", "%2F%2Fa"),
        (DIRECTORY, b"a//b", "a/%2Fb"),
        (DIRECTORY, b"../a", "%2E./a"),
        (DIRECTORY, b"a/../b", "a/%2E./b"),
        (DIRECTORY, b"./a", "%2E/a"),
        (DIRECTORY, b"a/..", "a/.."),
        (DIRECTORY, b"...", "..."),
        (DIRECTORY, b".../a", ".../a"),
        (DIRECTORY, b"%2E./a", "%252E./a"),
        (DIRECTORY, b"%2Fa%2F", "%2Fa%2F"),
        (DIRECTORY, b"a/", "a/"),
    ],
)
def test_escapes(rule: NameRule, key: bytes, name: str) -> None:
    assert rule.escape(key_to_text(key)) == name
    assert rule.unescape(name) == key_to_text(key)


@pytest.mark.parametrize("rule", NameRule)
@given(key=keys)
@example(key="%FF")
@example(key="%25FF%00")
@example(key="\udcff%25")
@example(key="\udcc3%A9")
def test_every_key_comes_back(rule: NameRule, key: str) -> None:
    name = rule.escape(key)
    assert rule.unescape(name) == key


@pytest.mark.parametrize("rule", NameRule)
@given(key=keys)
def test_every_name_comes_back(rule: NameRule, key: str) -> None:
    """A name of somebody else's file is a key, and that key has this name."""
    name = rule.escape(key)  # A name that the kind can hold, and through it all there are.
    assert rule.escape(rule.unescape(name)) == name


@given(text=st.text(max_size=12))
def test_any_text_of_a_header_is_some_key(text: str) -> None:
    if text != "__metadata__":
        key = SAFETENSORS.unescape(text)
        key_to_bytes(key)
        assert SAFETENSORS.escape(key) == text


@given(key=keys)
def test_a_header_holds_every_name(key: str) -> None:
    name = SAFETENSORS.escape(key)
    name.encode()
    assert name != "__metadata__"


@given(key=keys)
def test_a_zip_holds_every_name(key: str) -> None:
    name = NPZ.escape(key)
    name.encode()
    assert "\0" not in name


@given(key=keys)
def test_a_path_stays_in_its_folder(key: str) -> None:
    path = path_of_name(key)
    *folders, file = path.split("/")
    assert not {"", ".", ".."} & set(folders)
    assert file.endswith(".npy")
    assert "\0" not in path
    assert name_of_path(path) == key


def test_a_long_name_takes_no_long_time() -> None:
    """Undone one layer at a time, this would take hours."""
    name = "%" + "25" * 1_000_000 + "FF"
    assert NPZ.unescape(name) == "%" + "25" * 999_999 + "FF"
    assert NPZ.escape(name) == "%" + "25" * 1_000_001 + "FF"
    assert NPZ.unescape("%25" * 500_000 + "%") == "%25" * 500_000 + "%"
