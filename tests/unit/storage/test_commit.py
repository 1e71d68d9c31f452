from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.errors import CorruptFileError, DurabilityError, NotCommittedError, PathError
from pbckpt.names import Prefix
from pbckpt.storage.commit import Commit, Committed, OnExisting
from pbckpt.storage.directory import Directory, Durability

if TYPE_CHECKING:
    from collections.abc import Callable

STATE = b'model_checkpoint_path: "m"\nall_model_checkpoint_paths: "m"\n'

needs_modes = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="modes do not bind this user"
)


def begin(
    prefix: Path | str,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.NONE,
    *,
    has_state: bool = True,
) -> Commit:
    return Commit(Prefix.parse(prefix), on_existing, durability, has_state=has_state)


def write_index(num_shards: int, write: Callable[[bytes], None]) -> None:
    """Write what stands for an index here: how many shards it counts."""
    write(b"index of ")
    write(str(num_shards).encode())


def put(
    prefix: Path | str,
    *shards: bytes,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.NONE,
    has_state: bool = True,
) -> Committed:
    """Commit shards of these bytes."""
    with begin(prefix, on_existing, durability, has_state=has_state) as commit:
        files = []
        for data in shards:
            file = commit.new_shard()
            file.write_at(0, memoryview(data))
            files.append(file)
        return commit.commit(files, write_index)


def shard_count(committed: Committed) -> int:
    """Return what the name of the first file says."""
    return int(committed.files[0][-5:])


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# A new checkpoint


@pytest.mark.parametrize("durability", Durability)
def test_a_new_checkpoint_has_three_files(durability: Durability, tmp_path: Path) -> None:
    committed = put(tmp_path / "m", b"weights", durability=durability)
    assert contents(tmp_path) == {
        "m.data-00000-of-00001": b"weights",
        "m.index": b"index of 1",
        "checkpoint": STATE,
    }
    assert committed.files == (
        str(tmp_path / "m.data-00000-of-00001"),
        str(tmp_path / "m.index"),
        str(tmp_path / "checkpoint"),
    )


def test_each_shard_has_a_file(tmp_path: Path) -> None:
    put(tmp_path / "m", b"one", b"two", b"")
    assert contents(tmp_path) == {
        "m.data-00000-of-00003": b"one",
        "m.data-00001-of-00003": b"two",
        "m.data-00002-of-00003": b"",
        "m.index": b"index of 3",
        "checkpoint": STATE,
    }


def test_paths_are_told_as_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert put("m", b"").files == ("m.data-00000-of-00001", "m.index", "checkpoint")
    assert put("./out/m", b"").files[1] == "./out/m.index"


@pytest.mark.parametrize("name", ["a b%20{c}*?~", "with.dots-and_15", "café", "-rf", "m.meta"])
def test_a_checkpoint_can_have_any_name_that_can_be_restored(name: str, tmp_path: Path) -> None:
    put(tmp_path / name, b"weights")
    assert sorted(contents(tmp_path)) == sorted(
        [f"{name}.data-00000-of-00001", f"{name}.index", "checkpoint"]
    )
    assert f'path: "{name}"\n' in contents(tmp_path)["checkpoint"].decode()


@pytest.mark.parametrize("prefix", ["m[0]", "a\\b", "in[x]/m", ".", "..", "out/", "a/.."])
def test_a_name_that_cannot_be_restored_is_refused(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathError):
        pbckpt.save_checkpoint({"w": np.zeros(2)}, prefix)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="is not UTF-8"):
        put(tmp_path / "m\udcff", b"weights")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)]
)
def test_modes_follow_the_umask(
    umask: int, file_mode: int, folder_mode: int, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        put(tmp_path / "new" / "m", b"weights")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == {file_mode}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == folder_mode


def test_missing_directories_are_made(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "m", b"weights")
    assert sorted(contents(tmp_path)) == [
        "a/b/checkpoint",
        "a/b/m.data-00000-of-00001",
        "a/b/m.index",
    ]


def test_a_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    put(tmp_path / "link" / "m", b"weights")
    assert len(contents(tmp_path / "real")) == 3


def test_nothing_is_touched_before_the_beginning(tmp_path: Path) -> None:
    begin(tmp_path / "new" / "m")
    assert list(tmp_path.iterdir()) == []


# What was not committed leaves nothing


class _StopError(Exception):
    pass


@pytest.mark.parametrize("error", [_StopError, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("place", ["at once", "in a shard", "in the index"])
def test_an_error_on_the_way_leaves_nothing(
    error: type[BaseException], place: str, tmp_path: Path
) -> None:
    def fail(num_shards: int, write: Callable[[bytes], None]) -> None:
        write_index(num_shards, write)
        raise error

    def stop_at(stage: str) -> None:
        if place == stage:
            raise error

    def run() -> None:
        with begin(tmp_path / "a" / "b" / "m") as commit:
            stop_at("at once")
            shard = commit.new_shard()
            shard.write_at(0, memoryview(b"weights"))
            stop_at("in a shard")
            commit.commit([shard], fail)

    with pytest.raises(error):
        run()
    assert list(tmp_path.iterdir()) == []


def test_leaving_without_a_commit_leaves_nothing(tmp_path: Path) -> None:
    with begin(tmp_path / "a" / "m") as commit:
        commit.new_shard()
    assert list(tmp_path.iterdir()) == []


def test_directories_that_others_use_meanwhile_stay(tmp_path: Path) -> None:
    with begin(tmp_path / "a" / "b" / "m") as commit:
        commit.new_shard()
        (tmp_path / "a" / "file").touch()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "a",
        "a/file",
    ]


@pytest.mark.parametrize(
    "state",
    [b"garbage", b'model_checkpoint_path: "m', b"\xff\xfe", b"\0"],
)
@pytest.mark.parametrize("on_existing", OnExisting)
def test_a_damaged_state_file_stops_the_commit(
    state: bytes, on_existing: OnExisting, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint").write_bytes(state)
    with pytest.raises(CorruptFileError) as caught:
        put(tmp_path / "m", b"weights", on_existing=on_existing)
    assert caught.value.file == str(tmp_path / "checkpoint")
    assert contents(tmp_path) == {"checkpoint": state}


def test_a_damaged_state_file_stops_a_replacement(tmp_path: Path) -> None:
    put(tmp_path / "m", b"old")
    (tmp_path / "checkpoint").write_bytes(b"garbage")
    before = contents(tmp_path)
    with pytest.raises(CorruptFileError):
        put(tmp_path / "m", b"new", on_existing=OnExisting.REPLACE)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("path", ["file/m", "file/sub/m"])
def test_a_directory_that_cannot_be_is_an_error(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotCommittedError) as caught:
        put(f"{tmp_path}/{path}", b"weights")
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)
    assert sorted(tmp_path.iterdir()) == before


@needs_modes
def test_a_directory_that_may_not_be_written_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    for prefix in (home / "m", home / "new" / "m"):
        with pytest.raises(NotCommittedError) as caught:
            put(prefix, b"weights")
        assert caught.value.errno == errno.EACCES
        assert str(prefix) in str(caught.value)


@needs_modes
def test_directories_made_on_the_way_to_a_refusal_are_removed(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        with pytest.raises(NotCommittedError):
            put(tmp_path / "new" / "m", b"weights")
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_refuses_says_what_and_that_all_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "file" / "m", b"weights")
    assert isinstance(caught.value, OSError)
    assert caught.value.strerror is not None
    assert caught.value.strerror.startswith(f"checkpoint {tmp_path / 'file' / 'm'} was not written")
    assert caught.value.strerror.endswith("what was there before is untouched")


def test_a_message_names_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "m.index").mkdir()
    with pytest.raises(NotCommittedError) as caught:
        put(tmp_path / "m", b"weights", on_existing=OnExisting.REPLACE)
    assert caught.value.errno == errno.EISDIR
    assert ".pbckpt-" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["m.index"]


# An existing checkpoint


def test_an_existing_checkpoint_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "m", b"old")
    before = contents(tmp_path)
    with pytest.raises(PathError) as caught:
        put(tmp_path / "m", b"new")
    assert str(caught.value) == (
        f"checkpoint {tmp_path / 'm'} exists already; choose another prefix, or allow it with "
        "--on-existing replace (on_existing=OnExisting.REPLACE)"
    )
    assert contents(tmp_path) == before


def test_an_index_alone_is_an_existing_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "m.index").write_bytes(b"old")
    with pytest.raises(PathError, match="m exists already"):
        put(tmp_path / "m", b"new")
    assert contents(tmp_path) == {"m.index": b"old"}


def test_data_files_without_an_index_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"old")
    with pytest.raises(PathError, match="m has data files without an index"):
        put(tmp_path / "m", b"new")
    assert contents(tmp_path) == {"m.data-00000-of-00001": b"old"}


@pytest.mark.parametrize("name", ["m.index", "m.data-00007-of-00008"])
def test_a_dangling_link_is_something_that_exists(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(PathError):
        put(tmp_path / "m", b"new")


@pytest.mark.parametrize(
    "name",
    [
        "m.meta",
        "m2.index",
        "m.index.bak",
        "am.index",
        "m.data-0000-of-0001",
        "m.data-00000-of-00001.bak",
        "m-1.data-00000-of-00001",
        "m",
    ],
)
def test_files_of_others_do_not_matter(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"other")
    put(tmp_path / "m", b"new")
    put(tmp_path / "m", b"newer", on_existing=OnExisting.REPLACE)
    assert contents(tmp_path) == {
        name: b"other",
        "m.data-00000-of-00002": b"newer",
        "m.data-00001-of-00002": b"\0",
        "m.index": b"index of 2",
        "checkpoint": STATE,
    }


def test_a_checkpoint_that_appears_meanwhile_is_refused(tmp_path: Path) -> None:
    with begin(tmp_path / "m") as commit:
        shard = commit.new_shard()
        put(tmp_path / "m", b"theirs")
        with pytest.raises(PathError, match="exists already"):
            commit.commit([shard], write_index)
    assert contents(tmp_path) == {
        "m.data-00000-of-00001": b"theirs",
        "m.index": b"index of 1",
        "checkpoint": STATE,
    }


@pytest.mark.parametrize("durability", Durability)
def test_a_replacement_never_uses_the_names_of_what_it_replaces(
    durability: Durability, tmp_path: Path
) -> None:
    put(tmp_path / "m", b"0", durability=durability)
    for turn, count in ((1, 2), (2, 1), (3, 2)):
        committed = put(
            tmp_path / "m",
            str(turn).encode(),
            on_existing=OnExisting.REPLACE,
            durability=durability,
        )
        assert contents(tmp_path) == {
            f"m.data-00000-of-{count:05d}": str(turn).encode(),
            **({"m.data-00001-of-00002": b"\0"} if count == 2 else {}),
            "m.index": f"index of {count}".encode(),
            "checkpoint": STATE,
        }
        assert committed.files[0] == str(tmp_path / f"m.data-00000-of-{count:05d}")


def test_a_replacement_has_room_for_its_own_shards(tmp_path: Path) -> None:
    put(tmp_path / "m", b"a", b"b", b"c")
    assert shard_count(put(tmp_path / "m", b"d", on_existing=OnExisting.REPLACE)) == 1
    assert shard_count(put(tmp_path / "m", b"e", b"f", on_existing=OnExisting.REPLACE)) == 2
    assert shard_count(put(tmp_path / "m", b"g", b"h", on_existing=OnExisting.REPLACE)) == 3
    assert contents(tmp_path) == {
        "m.data-00000-of-00003": b"g",
        "m.data-00001-of-00003": b"h",
        "m.data-00002-of-00003": b"\0",
        "m.index": b"index of 3",
        "checkpoint": STATE,
    }


def test_replacing_removes_the_data_files_of_every_old_run(tmp_path: Path) -> None:
    for name in ("m.data-00000-of-00001", "m.data-00003-of-00004", "m.data-00000-of-100000"):
        (tmp_path / name).write_bytes(b"orphan")
    assert shard_count(put(tmp_path / "m", b"new", on_existing=OnExisting.REPLACE)) == 2
    assert contents(tmp_path) == {
        "m.data-00000-of-00002": b"new",
        "m.data-00001-of-00002": b"\0",
        "m.index": b"index of 2",
        "checkpoint": STATE,
    }


def test_replacing_nothing_is_writing(tmp_path: Path) -> None:
    assert shard_count(put(tmp_path / "m", b"new", on_existing=OnExisting.REPLACE)) == 1


def test_replacing_replaces_links_and_not_what_they_lead_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "far").write_bytes(b"theirs")
    for name in ("m.index", "m.data-00000-of-00001"):
        (home / name).symlink_to(tmp_path / "far")
    put(home / "m", b"new", on_existing=OnExisting.REPLACE)
    assert (tmp_path / "far").read_bytes() == b"theirs"
    assert contents(home) == {
        "m.data-00000-of-00002": b"new",
        "m.data-00001-of-00002": b"\0",
        "m.index": b"index of 2",
        "checkpoint": STATE,
    }


def test_the_state_lists_what_is_there(tmp_path: Path) -> None:
    for name in ("m-1", "m-2", "m-1"):
        put(tmp_path / name, b"", on_existing=OnExisting.REPLACE)
    assert contents(tmp_path)["checkpoint"] == (
        b'model_checkpoint_path: "m-1"\n'
        b'all_model_checkpoint_paths: "m-2"\n'
        b'all_model_checkpoint_paths: "m-1"\n'
    )


def test_a_directory_in_place_of_a_file_is_not_replaced(tmp_path: Path) -> None:
    for name in ("m.index", "checkpoint"):
        home = tmp_path / name
        (home / name).mkdir(parents=True)
        with pytest.raises((NotCommittedError, PathError)):
            put(home / "m", b"new", on_existing=OnExisting.REPLACE)
        assert [path.name for path in home.iterdir()] == [name]


def test_what_follows_the_commit_cannot_take_it_back(tmp_path: Path) -> None:
    """A directory that has the name of an old data file is in the way of its removal."""
    (tmp_path / "m.data-00000-of-00001").mkdir()
    with pytest.raises(DurabilityError) as caught:
        put(tmp_path / "m", b"new", on_existing=OnExisting.REPLACE)
    assert str(caught.value).startswith(f"checkpoint {tmp_path / 'm'} is in place, but the system")
    assert contents(tmp_path) == {
        "m.data-00000-of-00002": b"new",
        "m.data-00001-of-00002": b"\0",
        "m.index": b"index of 2",
        "checkpoint": STATE,
    }


# A checkpoint that no state tells of


@pytest.mark.parametrize("durability", Durability)
def test_a_checkpoint_without_a_state(durability: Durability, tmp_path: Path) -> None:
    committed = put(tmp_path / "m", b"weights", durability=durability, has_state=False)
    assert contents(tmp_path) == {
        "m.data-00000-of-00001": b"weights",
        "m.index": b"index of 1",
    }
    assert names_of(committed) == ["m.data-00000-of-00001", "m.index"]


@pytest.mark.parametrize("state", [STATE, b"garbage"])
def test_the_state_of_others_stays(state: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(state)
    put(tmp_path / "n", b"weights", has_state=False)
    put(tmp_path / "n", b"new", has_state=False, on_existing=OnExisting.REPLACE)
    assert contents(tmp_path) == {
        "checkpoint": state,
        "n.data-00000-of-00002": b"new",
        "n.data-00001-of-00002": b"\0",
        "n.index": b"index of 2",
    }


# What a killed writer left


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_the_temporary_files_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            with begin(tmp_path / "m") as commit:
                commit.new_shard().write_at(0, memoryview(b"half"))
                os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert len(contents(tmp_path)) == 1
    put(tmp_path / "m", b"new")
    assert sorted(contents(tmp_path)) == ["checkpoint", "m.data-00000-of-00001", "m.index"]


def test_the_temporary_files_of_a_living_writer_are_kept(tmp_path: Path) -> None:
    with Directory(str(tmp_path)) as directory:
        living = directory.create_temporary(Durability.NONE)
        put(tmp_path / "m", b"new")
        assert sorted(contents(tmp_path)) == [
            living.name,
            "checkpoint",
            "m.data-00000-of-00001",
            "m.index",
        ]
        living.close()


# The .meta


def names_of(committed: Committed) -> list[str]:
    return [Path(file).name for file in committed.files]


def put_with_meta(
    prefix: Path | str,
    shard: bytes,
    meta: bytes,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.NONE,
) -> Committed:
    with begin(prefix, on_existing, durability) as commit:
        file = commit.new_meta()
        file.append(meta)
        data = commit.new_shard()
        data.append(shard)
        return commit.commit([data], write_index)


WITH_META = {
    "m.data-00000-of-00001": b"weights",
    "m.meta": b"graph",
    "m.index": b"index of 1",
    "checkpoint": STATE,
}


@pytest.mark.parametrize("durability", Durability)
def test_a_meta_is_committed_with_the_rest(durability: Durability, tmp_path: Path) -> None:
    committed = put_with_meta(tmp_path / "m", b"weights", b"graph", durability=durability)
    assert contents(tmp_path) == WITH_META
    assert names_of(committed) == list(WITH_META)


def test_the_place_of_a_shard_is_no_part_of_its_name(tmp_path: Path) -> None:
    put_with_meta(tmp_path / "m-00001-of-00002", b"weights", b"graph")
    assert contents(tmp_path)["m.meta"] == b"graph"


def test_a_meta_that_is_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "m.meta").write_bytes(b"theirs")
    with pytest.raises(PathError) as caught:
        put_with_meta(tmp_path / "m", b"weights", b"graph")
    assert str(caught.value) == (
        f"{tmp_path / 'm.meta'} exists already; choose another prefix, allow it with "
        "--on-existing replace (on_existing=OnExisting.REPLACE), or write none with --no-meta"
    )
    assert contents(tmp_path) == {"m.meta": b"theirs"}


def test_a_meta_that_appears_meanwhile_is_refused_too(tmp_path: Path) -> None:
    with begin(tmp_path / "m") as commit:
        commit.new_meta().append(b"graph")
        data = commit.new_shard()
        (tmp_path / "m.meta").write_bytes(b"theirs")
        with pytest.raises(PathError, match="exists already"):
            commit.commit([data], write_index)
    assert contents(tmp_path) == {"m.meta": b"theirs"}


def test_a_meta_is_replaced_with_the_checkpoint(tmp_path: Path) -> None:
    put_with_meta(tmp_path / "m", b"old", b"old graph")
    committed = put_with_meta(tmp_path / "m", b"new", b"new graph", OnExisting.REPLACE)
    assert contents(tmp_path) == {
        "m.data-00000-of-00002": b"new",
        "m.data-00001-of-00002": b"\0",
        "m.meta": b"new graph",
        "m.index": b"index of 2",
        "checkpoint": STATE,
    }
    assert names_of(committed) == [
        "m.data-00000-of-00002",
        "m.data-00001-of-00002",
        "m.meta",
        "m.index",
        "checkpoint",
    ]


def test_without_a_new_meta_the_old_one_stays(tmp_path: Path) -> None:
    put_with_meta(tmp_path / "m", b"old", b"old graph")
    put(tmp_path / "m", b"new", on_existing=OnExisting.REPLACE)
    assert contents(tmp_path)["m.meta"] == b"old graph"


def put_without_meta(
    prefix: Path | str,
    shard: bytes,
    on_existing: OnExisting = OnExisting.REPLACE,
    durability: Durability = Durability.NONE,
) -> Committed:
    """Commit a checkpoint with which the .meta of the one before goes."""
    with begin(prefix, on_existing, durability) as commit:
        commit.drop_meta()
        data = commit.new_shard()
        data.append(shard)
        return commit.commit([data], write_index)


WITHOUT_META = {
    "m.data-00000-of-00002": b"new",
    "m.data-00001-of-00002": b"\0",
    "m.index": b"index of 2",
    "checkpoint": STATE,
}


@pytest.mark.parametrize("durability", Durability)
def test_the_meta_of_a_replaced_checkpoint_goes_with_it(
    durability: Durability, tmp_path: Path
) -> None:
    put_with_meta(tmp_path / "m", b"old", b"old graph")
    committed = put_without_meta(tmp_path / "m", b"new", durability=durability)
    assert contents(tmp_path) == WITHOUT_META
    assert committed.removed_meta == str(tmp_path / "m.meta")
    assert names_of(committed) == list(WITHOUT_META)


def test_the_meta_of_an_interrupted_save_goes_with_its_data(tmp_path: Path) -> None:
    put_with_meta(tmp_path / "m", b"old", b"old graph")
    (tmp_path / "m.index").unlink()
    put_without_meta(tmp_path / "m", b"new")
    assert contents(tmp_path) == WITHOUT_META


def test_a_meta_beside_no_checkpoint_stays(tmp_path: Path) -> None:
    (tmp_path / "m.meta").write_bytes(b"theirs")
    assert put_without_meta(tmp_path / "m", b"new").removed_meta == ""
    assert contents(tmp_path)["m.meta"] == b"theirs"


def test_a_meta_that_several_prefixes_share_stays(tmp_path: Path) -> None:
    put_with_meta(tmp_path / "m-00001-of-00002", b"old", b"graph")
    assert put_without_meta(tmp_path / "m-00001-of-00002", b"new").removed_meta == ""
    assert contents(tmp_path)["m.meta"] == b"graph"


def test_a_directory_in_place_of_the_meta_stays(tmp_path: Path) -> None:
    put(tmp_path / "m", b"old")
    (tmp_path / "m.meta").mkdir()
    assert put_without_meta(tmp_path / "m", b"new").removed_meta == ""
    assert (tmp_path / "m.meta").is_dir()


def test_a_link_in_place_of_the_meta_goes_and_not_what_it_leads_to(tmp_path: Path) -> None:
    put(tmp_path / "m", b"old")
    (tmp_path / "theirs").write_bytes(b"graph")
    (tmp_path / "m.meta").symlink_to("theirs")
    put_without_meta(tmp_path / "m", b"new")
    assert contents(tmp_path) == {**WITHOUT_META, "theirs": b"graph"}


def test_a_meta_that_is_refused_its_removal_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_with_meta(tmp_path / "m", b"old", b"old graph")
    remove = Directory.remove

    def refuse(directory: Directory, name: str) -> None:
        if name == "m.meta":
            raise OSError(errno.EIO, "broken")
        remove(directory, name)

    monkeypatch.setattr(Directory, "remove", refuse)
    with pytest.raises(DurabilityError, match="is in place, but the system reported broken"):
        put_without_meta(tmp_path / "m", b"new")
    assert contents(tmp_path)["m.index"] == b"index of 2"


class Renames:
    """Stands for `Directory.rename`; refuses what would get one name."""

    def __init__(self, refused: str, error: BaseException) -> None:
        self.done: list[str] = []
        self._refused = refused
        self._error = error
        self._rename = Directory.rename

    def __call__(self, directory: Directory, old: str, new: str) -> None:
        if new == self._refused and self._error is not None:
            error, self._error = self._error, None  # type: ignore[assignment]
            raise error
        self.done.append(new)
        self._rename(directory, old, new)


def renames(monkeypatch: pytest.MonkeyPatch, refused: str, error: BaseException) -> Renames:
    made = Renames(refused, error)
    monkeypatch.setattr(Directory, "rename", lambda *arguments: made(*arguments))  # noqa: PLW0108 - binds as a method
    return made


def test_the_meta_is_in_place_before_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = renames(monkeypatch, "", OSError())
    put_with_meta(tmp_path / "m", b"weights", b"graph")
    assert made.done == ["m.data-00000-of-00001", "m.meta", "m.index", "checkpoint"]


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("refused", ["m.data-00000-of-00002", "m.meta", "m.index"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_what_was_there_comes_back_with_its_meta(
    error: BaseException,
    refused: str,
    *,
    has_links: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_with_meta(tmp_path / "m", b"weights", b"graph")
    if not has_links:
        monkeypatch.setattr(Directory, "_link", refuse_links)
    renames(monkeypatch, refused, error)
    with pytest.raises((NotCommittedError, KeyboardInterrupt)):
        put_with_meta(tmp_path / "m", b"new", b"new graph", OnExisting.REPLACE)
    assert contents(tmp_path) == WITH_META


@pytest.mark.parametrize("refused", ["m.data-00000-of-00002", "m.index"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_meta_that_is_to_go_stays_where_the_commit_fails(
    error: BaseException, refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_with_meta(tmp_path / "m", b"weights", b"graph")
    renames(monkeypatch, refused, error)
    with pytest.raises((NotCommittedError, KeyboardInterrupt)):
        put_without_meta(tmp_path / "m", b"new")
    assert contents(tmp_path) == WITH_META


@pytest.mark.parametrize("refused", ["m.meta", "m.index"])
def test_a_meta_of_no_checkpoint_goes(
    refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renames(monkeypatch, refused, OSError(errno.EIO, "broken"))
    with pytest.raises(NotCommittedError):
        put_with_meta(tmp_path / "m", b"new", b"new graph")
    assert contents(tmp_path) == {}


def test_the_old_meta_is_back_before_another_writer_may_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer takes the name that it is kept under for a killed one's."""
    put_with_meta(tmp_path / "m", b"weights", b"graph")
    renames(monkeypatch, "m.index", OSError(errno.EIO, "broken"))
    with begin(tmp_path / "m", OnExisting.REPLACE) as commit:
        commit.new_meta().append(b"new graph")
        data = commit.new_shard()
        with pytest.raises(NotCommittedError):
            commit.commit([data], write_index)
        assert contents(tmp_path)["m.meta"] == b"graph"
        with begin(tmp_path / "other") as other:
            other.new_shard()
    assert contents(tmp_path) == WITH_META


def test_a_directory_in_place_of_the_meta_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "m.meta").mkdir()
    with pytest.raises((NotCommittedError, PathError)):
        put_with_meta(tmp_path / "m", b"new", b"graph", OnExisting.REPLACE)
    assert [path.name for path in tmp_path.iterdir()] == ["m.meta"]


def refuse_links(*_: object) -> None:
    raise OSError(errno.EPERM, "there are no links here")
