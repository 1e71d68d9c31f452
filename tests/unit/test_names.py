from __future__ import annotations

import ntpath
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from pbckpt import names
from pbckpt.errors import PathError, SelectionError
from pbckpt.names import (
    Prefix,
    index_name,
    is_control_input,
    is_shard_of,
    key_to_bytes,
    key_to_text,
    node_of_input,
    shard_name,
)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("w", "w"),
        ("w:0", "w"),
        ("w:17", "w"),
        ("^w", "w"),
        ("scope/w", "scope/w"),
        ("scope/w:1", "scope/w"),
        ("^scope/w", "scope/w"),
        ("w:", "w:"),
        ("w:x", "w:x"),
        ("w:-1", "w:-1"),
        ("w:output:0", "w:output"),
        ("", ""),
    ],
)
def test_an_input_names_a_node(text: str, node: str) -> None:
    assert node_of_input(text) == node


def test_a_port_has_the_digits_0_to_9() -> None:
    assert node_of_input("w:\N{SUPERSCRIPT TWO}") == "w:\N{SUPERSCRIPT TWO}"


@pytest.mark.parametrize(
    ("text", "is_control"), [("^w", True), ("w", False), ("w^", False), ("w:0", False), ("", False)]
)
def test_a_control_input_starts_with_a_caret(text: str, is_control: bool) -> None:  # noqa: FBT001
    assert is_control_input(text) is is_control


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (b"w", "w"),
        (b"layer/kernel", "layer/kernel"),
        ("größe".encode(), "größe"),
        ("\N{PILE OF POO}".encode(), "\N{PILE OF POO}"),
        (b"a\x00b", "a\x00b"),
        (b"", ""),
        (b"\xff", "\udcff"),
        (b"\xc3", "\udcc3"),
        (b"\xc3\x28", "\udcc3("),
        (b"\xed\xa0\x80", "\udced\udca0\udc80"),
        (b"\xc0\x80", "\udcc0\udc80"),
    ],
)
def test_every_key_goes_out_as_text_and_comes_back(key: bytes, text: str) -> None:
    assert key_to_text(key) == text
    assert key_to_bytes(text) == key


def test_every_byte_can_be_in_a_key() -> None:
    key = bytes(range(256))
    assert key_to_bytes(key_to_text(key)) == key


def test_text_that_stands_for_no_bytes_is_an_error_of_ours() -> None:
    with pytest.raises(SelectionError, match=r"'w\\ud800'"):
        key_to_bytes("w\ud800")


def test_two_texts_are_never_the_same_key() -> None:
    assert key_to_bytes("\N{LATIN SMALL LETTER E WITH ACUTE}") == b"\xc3\xa9"
    with pytest.raises(SelectionError):
        key_to_bytes("\udcc3\udca9")


@pytest.mark.parametrize(
    ("shard_id", "num_shards", "name"),
    [
        (0, 1, "model.ckpt.data-00000-of-00001"),
        (7, 12, "model.ckpt.data-00007-of-00012"),
        (99999, 100000, "model.ckpt.data-99999-of-100000"),
        (123456, 2147483647, "model.ckpt.data-123456-of-2147483647"),
    ],
)
def test_a_shard_has_five_digits_or_more(shard_id: int, num_shards: int, name: str) -> None:
    assert shard_name("model.ckpt", shard_id, num_shards) == name
    assert is_shard_of(name, "model.ckpt")


def test_an_index_has_a_suffix() -> None:
    assert index_name("model.ckpt") == "model.ckpt.index"


@pytest.mark.parametrize(
    "name",
    [
        "model.ckpt",
        "model.ckpt.index",
        "model.ckpt.meta",
        "model.ckpt.data-0000-of-00001",
        "model.ckpt.data-00000-of-0001",
        "model.ckpt.data-00000",
        "model.ckpt.data-00000-of-00001.tempstate123",
        "model.ckpt-1.data-00000-of-00001",
        "other.data-00000-of-00001",
        "xmodel.ckpt.data-00000-of-00001",
        "modelxckpt.data-00000-of-00001",
        "model.ckptxdata-00000-of-00001",
        "model.ckpt.data-0000x-of-00001",
        "model.ckpt.data--0000-of-00001",
        "model.ckpt.data-00000-OF-00001",
    ],
)
def test_other_names_are_not_of_a_shard(name: str) -> None:
    assert not is_shard_of(name, "model.ckpt")


@pytest.mark.parametrize(
    "name",
    [
        "model.ckpt.data-00000-of-00001\n",
        "model.ckpt.data-00000-of-0000\N{ARABIC-INDIC DIGIT ONE}",
        "model.ckpt.data-0000\N{FULLWIDTH DIGIT ZERO}-of-00001",
    ],
)
def test_a_name_that_only_looks_like_a_shard_is_none(name: str) -> None:
    assert not is_shard_of(name, "model.ckpt")


def test_a_shard_of_a_prefix_that_looks_like_one() -> None:
    name = "a.data-00000-of-00001.data-00000-of-00001"
    assert is_shard_of(name, "a.data-00000-of-00001")
    assert not is_shard_of(name, "a")


@pytest.mark.parametrize(
    ("path", "directory", "basename"),
    [
        ("model.ckpt", "", "model.ckpt"),
        ("out/model.ckpt", "out", "model.ckpt"),
        ("/out/model.ckpt-17", "/out", "model.ckpt-17"),
        ("out/model.ckpt.index", "out", "model.ckpt"),
        ("out/model.ckpt.data-00000-of-00001", "out", "model.ckpt"),
        ("out/model.ckpt.data-123456-of-234567", "out", "model.ckpt"),
        ("out/model.index.index", "out", "model.index"),
        ("out/model.data-00000-of-00001.index", "out", "model.data-00000-of-00001"),
        ("out/model.ckpt.data-0000-of-0001", "out", "model.ckpt.data-0000-of-0001"),
        ("out/model.ckpt.meta", "out", "model.ckpt.meta"),
        ("out.index/model", "out.index", "model"),
        ("out/", "out", ""),
        ("out/.index", "out", ""),
        ("out/.data-00000-of-00001", "out", ""),
        ("größe/\udcff", "größe", "\udcff"),
    ],
)
def test_a_prefix_or_a_file_of_it(path: str, directory: str, basename: str) -> None:
    assert Prefix.parse(path) == Prefix(directory, basename)


def test_a_prefix_can_be_a_path_object() -> None:
    assert Prefix.parse(Path("out") / "model.ckpt") == Prefix("out", "model.ckpt")


@pytest.mark.parametrize("path", ["", "\0", "out/mo\0del"])
def test_a_path_that_no_system_takes(path: str) -> None:
    with pytest.raises(PathError, match="must not be empty or hold a NUL"):
        Prefix.parse(path)


def test_the_files_of_a_prefix() -> None:
    prefix = Prefix("out", "model.ckpt")
    assert Path(prefix.path) == Path("out", "model.ckpt")
    assert Path(prefix.index_path()) == Path("out", "model.ckpt.index")
    assert Path(prefix.shard_path(1, 2)) == Path("out", "model.ckpt.data-00001-of-00002")


def test_the_files_of_a_prefix_in_this_directory() -> None:
    prefix = Prefix("", "model")
    assert prefix.path == "model"
    assert prefix.index_path() == "model.index"
    assert prefix.shard_path(0, 1) == "model.data-00000-of-00001"


@pytest.mark.parametrize(
    "basename",
    ["model.ckpt", "model*", "model?", "{a,b}", "100%", "a b", "größe", "-x", "]", "..."],
)
def test_a_prefix_that_tensorflow_restores(basename: str) -> None:
    Prefix("", basename).check_writable()


@pytest.mark.parametrize("basename", ["model[1]", "[", "mo\\del"])
def test_a_prefix_that_tensorflow_does_not_find_again(basename: str) -> None:
    with pytest.raises(PathError, match="cannot restore"):
        Prefix("", basename).check_writable()


def test_a_directory_counts_towards_what_tensorflow_does_not_find() -> None:
    with pytest.raises(PathError, match="cannot restore"):
        Prefix("runs[1]", "model").check_writable()


def test_a_prefix_on_windows_has_backslashes(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = SimpleNamespace(
        path=ntpath, name="nt", sep="\\", altsep="/", fsdecode=os.fsdecode, PathLike=os.PathLike
    )
    monkeypatch.setattr(names, "os", windows)
    prefix = Prefix.parse("out\\model.ckpt")
    assert prefix == Prefix("out", "model.ckpt")
    prefix.check_writable()


@pytest.mark.parametrize("path", ["out/", ".", "..", "out/.", "out/..", "/"])
def test_a_directory_is_no_prefix_to_write(path: str) -> None:
    with pytest.raises(PathError, match="names a directory"):
        Prefix.parse(path).check_writable()
