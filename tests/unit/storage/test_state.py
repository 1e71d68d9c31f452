from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pbckpt.errors import (
    CorruptFileError,
    LimitError,
    MissingFileError,
    PathError,
    PbckptError,
)
from pbckpt.storage.state import MAX_STATE_BYTES, latest_checkpoint, read_state, updated_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

needs_alarm = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="no alarm to end a test that hangs"
)


class TooSlowError(BaseException):
    """Not to be taken for something that the code under test raised."""


@contextmanager
def seconds(limit: float) -> Iterator[None]:
    """Fail what takes longer, instead of waiting for it."""

    def ring(number: int, frame: object) -> None:  # noqa: ARG001
        raise TooSlowError(f"not done after {limit} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def put(folder: Path, text: str | bytes, *names: str) -> str:
    """Write a state file and an empty file of each name; return the folder as text."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "checkpoint").write_bytes(data)
    return str(folder)


def add_m(folder: str) -> str:
    return updated_state(folder, "m")


# What is written


def test_the_first_checkpoint_of_a_directory(tmp_path: Path) -> None:
    assert updated_state(str(tmp_path), "model.ckpt") == (
        'model_checkpoint_path: "model.ckpt"\nall_model_checkpoint_paths: "model.ckpt"\n'
    )


def test_nothing_is_written_yet(tmp_path: Path) -> None:
    updated_state(str(tmp_path), "model.ckpt")
    assert list(tmp_path.iterdir()) == []


def test_a_second_checkpoint_is_added_last(tmp_path: Path) -> None:
    before = 'model_checkpoint_path: "m-1"\nall_model_checkpoint_paths: "m-1"\n'
    assert updated_state(put(tmp_path, before, "m-1.index"), "m-2") == (
        'model_checkpoint_path: "m-2"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
    )


def test_a_replaced_checkpoint_becomes_the_last(tmp_path: Path) -> None:
    before = (
        'model_checkpoint_path: "m-2"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
    )
    assert updated_state(put(tmp_path, before, "m-1.index", "m-2.index"), "m-1") == (
        'model_checkpoint_path: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
        'all_model_checkpoint_paths: "m-1"\n'
    )


def test_a_checkpoint_that_is_gone_is_not_listed_any_more(tmp_path: Path) -> None:
    before = (
        'model_checkpoint_path: "m-3"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
        'all_model_checkpoint_paths: "m-3"\n'
    )
    assert updated_state(put(tmp_path, before, "m-2.index"), "m-4") == (
        'model_checkpoint_path: "m-4"\n'
        'all_model_checkpoint_paths: "m-2"\n'
        'all_model_checkpoint_paths: "m-4"\n'
    )


@pytest.mark.parametrize(
    ("listed", "file"),
    [
        ("v1.ckpt", "v1.ckpt"),
        ("v1.ckpt-?????-of-00002", "v1.ckpt-00000-of-00002"),
    ],
)
def test_checkpoints_of_the_first_version_stay_listed(
    listed: str, file: str, tmp_path: Path
) -> None:
    before = f'model_checkpoint_path: "{listed}"\nall_model_checkpoint_paths: "{listed}"\n'
    assert updated_state(put(tmp_path, before, file), "m") == (
        'model_checkpoint_path: "m"\n'
        f'all_model_checkpoint_paths: "{listed}"\n'
        'all_model_checkpoint_paths: "m"\n'
    )


def test_paths_inside_the_directory_become_relative(tmp_path: Path) -> None:
    inside = tmp_path / "below" / "m-1"
    before = f'model_checkpoint_path: "{inside}"\nall_model_checkpoint_paths: "{inside}"\n'
    assert updated_state(put(tmp_path, before, "below/m-1.index"), "m-2") == (
        'model_checkpoint_path: "m-2"\n'
        'all_model_checkpoint_paths: "below/m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
    )


def test_paths_outside_of_the_directory_stay_as_they_are(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    put(tmp_path, "", "far/m-1.index", "far/m-2.index")
    before = (
        f'all_model_checkpoint_paths: "{tmp_path}/far/m-1"\n'
        'all_model_checkpoint_paths: "../far/m-2"\n'
    )
    assert updated_state(put(home, before), "m-3") == (
        'model_checkpoint_path: "m-3"\n'
        f'all_model_checkpoint_paths: "{tmp_path}/far/m-1"\n'
        'all_model_checkpoint_paths: "../far/m-2"\n'
        'all_model_checkpoint_paths: "m-3"\n'
    )


def test_after_a_move_checkpoints_are_listed_where_they_are(tmp_path: Path) -> None:
    before = (
        'model_checkpoint_path: "/gone/m-2"\n'
        'all_model_checkpoint_paths: "/gone/m-1"\n'
        'all_model_checkpoint_paths: "/gone/m-2"\n'
    )
    assert updated_state(put(tmp_path, before, "m-1.index"), "m-3") == (
        'model_checkpoint_path: "m-3"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-3"\n'
    )


@pytest.mark.parametrize("spelling", ["{}/m", "./m", "m", "sub/../m"])
def test_one_checkpoint_is_listed_once_however_it_was_spelled(
    spelling: str, tmp_path: Path
) -> None:
    """Whoever prunes the list from its start would delete the files of the last."""
    same = spelling.format(tmp_path)
    before = f'model_checkpoint_path: "{same}"\nall_model_checkpoint_paths: "{same}"\n'
    assert updated_state(put(tmp_path, before, "m.index", "sub/x"), "m") == (
        'model_checkpoint_path: "m"\nall_model_checkpoint_paths: "m"\n'
    )


def test_times_stay_beside_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbckpt.storage.state.time.time", lambda: 1795313999.25)
    before = (
        'model_checkpoint_path: "m-3"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
        'all_model_checkpoint_paths: "m-3"\n'
        "all_model_checkpoint_timestamps: 1.5\n"
        "all_model_checkpoint_timestamps: 2.5\n"
        "all_model_checkpoint_timestamps: 1795313741.5197737\n"
        "last_preserved_timestamp: 0.5\n"
    )
    assert updated_state(put(tmp_path, before, "m-1.index", "m-3.index"), "m-1") == (
        'model_checkpoint_path: "m-1"\n'
        'all_model_checkpoint_paths: "m-3"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        "all_model_checkpoint_timestamps: 1795313741.5197737\n"
        "all_model_checkpoint_timestamps: 1795313999.25\n"
        "last_preserved_timestamp: 0.5\n"
    )


def test_times_that_fit_no_path_are_left_out(tmp_path: Path) -> None:
    before = (
        'model_checkpoint_path: "m-2"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
        "all_model_checkpoint_timestamps: 1.5\n"
    )
    assert updated_state(put(tmp_path, before, "m-1.index", "m-2.index"), "m-3") == (
        'model_checkpoint_path: "m-3"\n'
        'all_model_checkpoint_paths: "m-1"\n'
        'all_model_checkpoint_paths: "m-2"\n'
        'all_model_checkpoint_paths: "m-3"\n'
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("café", "café"),
        ("模型", "模型"),
        ('a"b', r"a\"b"),
        ("a'b", r"a\'b"),
        ("a\\b", r"a\\b"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("a\x01\x7f", r"a\001\177"),
        ("a b{c}*?~#", "a b{c}*?~#"),
    ],
)
def test_names_are_escaped_as_protobuf_does_and_read_back(
    name: str, text: str, tmp_path: Path
) -> None:
    written = updated_state(str(tmp_path), name)
    assert written == f'model_checkpoint_path: "{text}"\nall_model_checkpoint_paths: "{text}"\n'
    put(tmp_path, written, f"{name}.index")
    assert read_state(str(tmp_path)).model_checkpoint_path == name
    assert latest_checkpoint(str(tmp_path)) == str(tmp_path / name)


def test_bytes_in_octal_are_the_name_that_they_spell(tmp_path: Path) -> None:
    before = (
        r'model_checkpoint_path: "caf\303\251"'
        "\n"
        r'all_model_checkpoint_paths: "caf\303\251"'
        "\n"
    )
    folder = put(tmp_path, before, "café.index")
    assert latest_checkpoint(folder) == str(tmp_path / "café")
    assert updated_state(folder, "m").splitlines()[1] == 'all_model_checkpoint_paths: "café"'


def test_a_name_that_is_not_utf8_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="is not UTF-8, so a checkpoint file cannot hold it"):
        updated_state(str(tmp_path), "m\udcff")


# What is read


@pytest.mark.parametrize(
    "text",
    [
        b"garbage",
        b"\x00\x01\x02",
        b"\xff\xfe",
        b"model_checkpoint_path",
        b'model_checkpoint_path: "m',
        b"model_checkpoint_path: 3",
        rb'model_checkpoint_path: "\377"',
        rb'model_checkpoint_path: "\777"',
        rb'model_checkpoint_path: "\ud800"',
        rb'model_checkpoint_path: "\xzz"',
        b"last_preserved_timestamp: soon",
        b"unknown: [1, 2,",
        b"unknown { a: 1",
    ],
)
@pytest.mark.filterwarnings("ignore:.*invalid octal escape:DeprecationWarning")
def test_a_file_that_is_no_state_is_an_error(text: bytes, tmp_path: Path) -> None:
    folder = put(tmp_path, text, "m.index")
    with pytest.raises(CorruptFileError, match="not the text form of a checkpoint state") as caught:
        read_state(folder)
    assert caught.value.file == str(tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint").read_bytes() == text


@pytest.mark.parametrize("use", [latest_checkpoint, add_m])
def test_nobody_guesses_what_a_damaged_file_said(use: Callable[[str], str], tmp_path: Path) -> None:
    folder = put(tmp_path, 'model_checkpoint_path: "m', "m.index")
    with pytest.raises(CorruptFileError):
        use(folder)
    assert (tmp_path / "checkpoint").read_bytes() == b'model_checkpoint_path: "m'


def test_the_message_ends_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError) as caught:
        read_state(put(tmp_path, "garbage"))
    assert str(caught.value).endswith("remove or repair the file")


def test_the_message_does_not_repeat_a_long_line(tmp_path: Path) -> None:
    with pytest.raises((CorruptFileError, LimitError)) as caught:
        read_state(put(tmp_path, f'model_checkpoint_path: "{"m" * 100_000}'))
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "text",
    [
        'model_checkpoint_path: "m"',
        'model_checkpoint_path:"m"\r\n',
        "model_checkpoint_path: 'm'",
        'model_checkpoint_path: "m" # a remark',
        'model_checkpoint_path: "other"\nmodel_checkpoint_path: "m"\n',
        'model_checkpoint_path: "m"\nunknown: 1\nunknown { a: "b" c: [1, 2] }\n',
        'model_checkpoint_path: "m"\nall_model_checkpoint_paths: ["a", "m"]\n',
        r'model_checkpoint_path: "\155"',
    ],
)
def test_what_the_text_form_allows_is_read(text: str, tmp_path: Path) -> None:
    assert latest_checkpoint(put(tmp_path, text, "m.index")) == str(tmp_path / "m")


@pytest.mark.parametrize("depth", [50, 5000])
def test_unknown_fields_of_any_depth_are_no_crash(depth: int, tmp_path: Path) -> None:
    text = 'model_checkpoint_path: "m"\n' + "a {" * depth + "}" * depth
    folder = put(tmp_path, text, "m.index")
    try:
        found = latest_checkpoint(folder)
    except PbckptError:
        assert depth > 100
    else:
        assert found == str(tmp_path / "m")


@needs_alarm
def test_the_time_to_read_grows_with_the_size_only(tmp_path: Path) -> None:
    folder = put(tmp_path, b"a:1 " * 131072)
    with seconds(8):
        try:
            read_state(folder)
        except PbckptError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either answer will do, in time


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "checkpoint").open("wb") as file:
        file.truncate(MAX_STATE_BYTES + 1)
    with pytest.raises(LimitError) as caught:
        read_state(str(tmp_path))
    assert caught.value.limit == "MAX_STATE_BYTES"
    assert caught.value.maximum == MAX_STATE_BYTES


def test_no_file_is_an_empty_state(tmp_path: Path) -> None:
    assert read_state(str(tmp_path)).ByteSize() == 0


@needs_alarm
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("use", [latest_checkpoint, add_m])
def test_a_pipe_in_place_of_the_file_is_not_waited_for(
    use: Callable[[str], str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "checkpoint")
    with seconds(2), pytest.raises(PathError, match="not a regular file"):
        use(str(tmp_path))


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises((OSError, PathError)):
        updated_state(str(tmp_path), "m")


# Which checkpoint is the newest


def test_the_newest_is_found_beside_the_file(tmp_path: Path) -> None:
    folder = put(tmp_path, 'model_checkpoint_path: "m-2"\n', "m-2.index")
    assert latest_checkpoint(folder) == str(tmp_path / "m-2")


def test_the_newest_is_found_below_the_file(tmp_path: Path) -> None:
    folder = put(tmp_path, 'model_checkpoint_path: "sub/m"\n', "sub/m.index")
    assert latest_checkpoint(folder) == str(tmp_path / "sub" / "m")


def test_an_absolute_path_inside_is_followed(tmp_path: Path) -> None:
    folder = put(tmp_path, f'model_checkpoint_path: "{tmp_path}/m"\n', "m.index")
    assert latest_checkpoint(folder) == str(tmp_path / "m")


@pytest.mark.parametrize("named", ["/gone/m", "../gone/m", "gone/m"])
def test_after_a_move_the_sibling_of_that_name_is_meant(named: str, tmp_path: Path) -> None:
    folder = put(tmp_path, f'model_checkpoint_path: "{named}"\n', "m.index")
    assert latest_checkpoint(folder) == str(tmp_path / "m")


@pytest.mark.parametrize("named", ["../other/m", "{}/other/m"])
def test_a_checkpoint_outside_is_not_followed(named: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    put(tmp_path, "", "other/m.index")
    folder = put(home, f'model_checkpoint_path: "{named.format(tmp_path)}"\n')
    with pytest.raises(PathError, match="outside of its directory; give that prefix itself"):
        latest_checkpoint(folder)


@pytest.mark.parametrize("named", ["http://host/m", "file:m", "~/m", "m\\000x", "a\\nb", "C:m"])
def test_a_path_is_a_path_and_nothing_else(named: str, tmp_path: Path) -> None:
    folder = put(tmp_path, f'model_checkpoint_path: "{named}"\n')
    with pytest.raises(MissingFileError, match="is not there"):
        latest_checkpoint(folder)


def test_a_named_checkpoint_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    folder = put(tmp_path, 'model_checkpoint_path: "m"\n')
    with pytest.raises(MissingFileError) as caught:
        latest_checkpoint(folder)
    assert caught.value.file == str(tmp_path / "m.index")
    assert str(caught.value) == (
        f"{tmp_path / 'checkpoint'} names 'm', but {tmp_path / 'm'}.index is not there"
    )


@pytest.mark.parametrize("text", [None, "", 'all_model_checkpoint_paths: "m"\n'])
def test_a_directory_without_a_newest_checkpoint(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        put(tmp_path, text, "m.index")
    with pytest.raises(MissingFileError) as caught:
        latest_checkpoint(str(tmp_path))
    assert caught.value.file == str(tmp_path / "checkpoint")
    assert str(caught.value) == (
        f"{tmp_path}: no checkpoint file that names a checkpoint; give its prefix"
    )
