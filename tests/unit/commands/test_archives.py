"""Packing arrays of others, and unpacking them again: no bit and no name is lost."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import FAST, GOLDEN, files, held, listing, saved

if TYPE_CHECKING:
    from pathlib import Path

TORCH = GOLDEN / "torch"
MODULE = GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables"
# A name of every kind that an archive, a file system or a zip has trouble with.
ODD_NAMES = (
    *("a/b", "a//b", "a/", "/a", "../a", "./a", ".", "..", "a\\b", " ", "é\n", "a.npy", "x" * 300),
    *("%", "%25", "50%", "a%20b", "a%FF", "a%25FF", "a\0", "a\udcff", "__metadata__"),
    *("%5F_metadata__", "A", "arr_0", "file", "\U0001f600", "data_offsets"),
)
ODD = {name: np.float32(at) for at, name in enumerate(ODD_NAMES)}


def unpacked(prefix: Path, target: Path, **edits: Any) -> pbckpt.EditReport:  # noqa: ANN401
    return pbckpt.unpack(prefix, target, edits=pbckpt.Edits(**edits), durability=FAST)


def packed(source: Path, prefix: Path, **edits: Any) -> pbckpt.EditReport:  # noqa: ANN401
    return pbckpt.pack(source, prefix, edits=pbckpt.Edits(**edits), durability=FAST)


# .safetensors


@pytest.mark.parametrize("file", ["state.safetensors", "half.safetensors"])
def test_a_state_of_pytorch_is_packed_bit_by_bit(file: str, tmp_path: Path) -> None:
    facts = json.loads((TORCH / "expected.json").read_text())["files"][file]["tensors"]
    report = packed(TORCH / file, tmp_path / "m")
    assert report.files == tuple(
        str(tmp_path / name) for name in ("m.data-00000-of-00001", "m.index", "checkpoint")
    )
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        found = {
            key: {
                "dtype": checkpoint.info(key).dtype.label,
                "shape": list(checkpoint.info(key).shape),
                "hex": checkpoint[key].tobytes().hex(),
            }
            for key in checkpoint
        }
    assert found == facts
    assert pbckpt.verify(tmp_path / "m").problems == ()


def test_the_file_of_pytorch_comes_back_as_it_was(tmp_path: Path) -> None:
    packed(TORCH / "state.safetensors", tmp_path / "m")
    report = unpacked(tmp_path / "m", tmp_path / "back.safetensors")
    target = tmp_path / "back.safetensors"
    assert target.read_bytes() == (TORCH / "state.safetensors").read_bytes()
    assert (report.prefix, report.files) == (str(target), (str(target),))


def test_types_of_others_are_packed(tmp_path: Path) -> None:
    packed(GOLDEN / "archives" / "types.safetensors", tmp_path / "m")
    unpacked(tmp_path / "m", tmp_path / "back.safetensors")
    original = (GOLDEN / "archives" / "types.safetensors").read_bytes()
    assert (tmp_path / "back.safetensors").read_bytes() == original


def test_names_of_others_are_packed(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.UnsupportedBundleError, match="its name is empty"):
        packed(GOLDEN / "archives" / "names.safetensors", tmp_path / "m")
    some = pbckpt.Selection(include=("?*",))
    packed(GOLDEN / "archives" / "names.safetensors", tmp_path / "m", selection=some)
    keys = {"a\0b", 'a"b\\c', "line\nbreak", "é😀", "50%", "a%00", "%FF", "../a", "_"}
    # In this kind of file %FF stands for a byte that JSON cannot hold.
    assert held(tmp_path / "m").keys() == keys - {"%FF"} | {"\udcff"}


def test_what_tensorflow_has_no_type_for(tmp_path: Path) -> None:
    source = GOLDEN / "archives" / "foreign.safetensors"
    with pytest.raises(pbckpt.UnsupportedBundleError) as caught:
        packed(source, tmp_path / "m")
    for name in ("'scale'", "'weight'"):
        assert name in str(caught.value)
    assert listing(tmp_path) == []
    packed(source, tmp_path / "m", selection=pbckpt.Selection(include=("bias",)))
    assert held(tmp_path / "m").keys() == {"bias"}


def test_what_tensorflow_has_no_type_for_is_left_out_as_the_message_says(tmp_path: Path) -> None:
    source = GOLDEN / "archives" / "foreign.safetensors"
    packed(source, tmp_path / "m", selection=pbckpt.Selection(exclude=("scale", "w*")))
    assert held(tmp_path / "m").keys() == {"bias"}


def test_an_empty_file(tmp_path: Path) -> None:
    packed(GOLDEN / "archives" / "empty.safetensors", tmp_path / "m")
    assert held(tmp_path / "m") == {}


def test_bfloat16_and_float8_go_through_safetensors(tmp_path: Path) -> None:
    every = np.arange(256, dtype=np.uint8)
    tensors: dict[str, Any] = {
        name: every.view(name)
        for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
    }
    tensors["bfloat16"] = np.arange(1 << 16, dtype=np.uint16).view(ml_dtypes.bfloat16)
    source = saved(tmp_path / "m", tensors)
    unpacked(source, tmp_path / "m.safetensors")
    packed(tmp_path / "m.safetensors", tmp_path / "n")
    assert files(tmp_path / "n") == files(source)


@pytest.mark.parametrize(
    ("ending", "names"),
    [
        (
            ".npz",
            ["float8_e5m2", "bfloat16", "int4"],
        ),
        (".safetensors", ["complex128", "string", "int4"]),
    ],
)
def test_types_that_an_archive_cannot_hold_are_all_told(
    ending: str, names: list[str], tmp_path: Path
) -> None:
    tensors = {
        "bfloat16": np.array(1, ml_dtypes.bfloat16),
        "complex128": np.complex128(1),
        "float32": np.float32(1),
        "float8_e5m2": np.array(1, ml_dtypes.float8_e5m2),
        "int4": np.array(1, ml_dtypes.int4),
        "string": np.array([b"x"], object),
    }
    source = saved(tmp_path / "in" / "m", tensors)
    for dry_run in (False, True):
        with pytest.raises(pbckpt.SelectionError) as caught:
            pbckpt.unpack(source, tmp_path / f"out{ending}", dry_run=dry_run)
        for name in tensors:
            assert (f"'{name}' ({name})" in str(caught.value)) == (name in names)
        assert "--cast or leave them out with --exclude" in str(caught.value).replace(",", "")
    assert listing(tmp_path) == ["in"]
    leave = pbckpt.Selection(exclude=tuple(names))
    unpacked(source, tmp_path / f"out{ending}", selection=leave)


# Names and identity


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_odd_names_come_back(ending: str, tmp_path: Path) -> None:
    source = saved(tmp_path / "m", ODD)
    report = unpacked(source, tmp_path / f"out{ending}")
    assert {one.new for one in report.tensors} == set(ODD)
    packed(tmp_path / f"out{ending}", tmp_path / "n")
    assert files(tmp_path / "n") == files(source)


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_golden_checkpoints_come_back(ending: str, tmp_path: Path) -> None:
    for number, folder in enumerate(("names", "names_of_bytes", "many")):
        source = GOLDEN / "tf1" / folder / "ckpt"
        archive, target = tmp_path / f"{number}{ending}", tmp_path / str(number)
        unpacked(source, archive)
        packed(archive, target)
        assert files(target) == files(source)


def test_strings_go_through_npz(tmp_path: Path) -> None:
    tensors = {
        "matrix": np.array([[b"a", b"\xff\0b"], [b"", b"x" * 200]], object),
        "none": np.zeros((0, 3), object),
        "scalar": np.array(b"one", object),
        "empty": np.array([b"", b""], object),
    }
    source = saved(tmp_path / "m", tensors)
    unpacked(source, tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as archive:
        assert {name: (a.dtype.str, a.shape, a.tolist()) for name, a in archive.items()} == {
            "empty": ("|S1", (2,), [b"", b""]),
            "matrix": ("|S200", (2, 2), [[b"a", b"\xff\0b"], [b"", b"x" * 200]]),
            "none": ("|S1", (0, 3), []),
            "scalar": ("|S3", (), b"one"),
        }
    packed(tmp_path / "m.npz", tmp_path / "n")
    assert files(tmp_path / "n") == files(source)
    with pytest.raises(pbckpt.SelectionError, match="a string that ends with a NUL"):
        unpacked(saved(tmp_path / "o", {"s": np.array([b"a\0"], object)}), tmp_path / "o.npz")
    assert "o.npz" not in listing(tmp_path)


# .npz and folders of .npy


def test_arrays_of_numpy_are_packed(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "big": np.array([1, -2], ">i4"),
        "text": np.array(["é", "b"]),
        "bool": np.array([[True], [False]]),
        "scalar": np.float64(1.5),
        "none": np.zeros((2, 0), np.complex64),
        "half": np.array([1, 2], np.float16),
    }
    np.savez(tmp_path / "stored.npz", **arrays)
    np.savez_compressed(tmp_path / "deflated.npz", **arrays)
    (tmp_path / "folder").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "folder" / name, array)
    expected = saved(
        tmp_path / "expected",
        {
            **arrays,
            "text": np.array([b"\xc3\xa9", b"b"], object),
            "big": np.array([1, -2], np.int32),
        },
    )
    for number, source in enumerate(("stored.npz", "deflated.npz", "folder")):
        packed(tmp_path / source, tmp_path / str(number))
        assert files(tmp_path / str(number)) == files(expected)


def test_folders_in_a_folder_are_part_of_the_names(tmp_path: Path) -> None:
    (tmp_path / "arrays" / "dense" / "deep").mkdir(parents=True)
    np.save(tmp_path / "arrays" / "dense" / "kernel.npy", np.array([1, 2], np.float32))
    np.save(tmp_path / "arrays" / "dense" / "deep" / "b%FF.npy", np.float32(3))
    packed(tmp_path / "arrays", tmp_path / "m", renames=(r"dense/*=model/\1",))
    assert held(tmp_path / "m") == {
        "model/deep/b%FF": ("float32", (), 3),
        "model/kernel": ("float32", (2,), [1, 2]),
    }


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"o": np.array([{}], object), "t": np.zeros(1, "M8[s]")}
    np.savez(tmp_path / "a.npz", w=np.float32(1), **arrays)
    with pytest.raises(pbckpt.UnsupportedBundleError) as caught:
        packed(tmp_path / "a.npz", tmp_path / "m")
    assert "'o': it is an array of Python objects, a pickle" in str(caught.value)
    assert "'t': TensorFlow has no elements of numpy's type '<M8[s]'" in str(caught.value)
    only = pbckpt.Selection(include=("w",))
    packed(tmp_path / "a.npz", tmp_path / "m", selection=only)
    assert held(tmp_path / "m") == {"w": ("float32", (), 1)}


# Edits, layouts and forms


def test_packing_takes_edits_and_layouts(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz",
        b=np.array([1, 2], np.float32),
        w=np.ones((2, 2), np.float32),
        x=np.int64(1),
    )
    layout = pbckpt.Layout(format=pbckpt.Format.BOTH, save_counter=1, num_shards=2)
    edits = pbckpt.Edits(
        pbckpt.Selection(exclude=("x",)),
        renames=("b=bias",),
        add_prefix="net/",
        casts=("w=bfloat16",),
        settings=("step=int64:4",),
    )
    report = pbckpt.pack(
        tmp_path / "a.npz", tmp_path / "m", edits=edits, layout=layout, durability=FAST
    )
    expected = {
        "net/bias": np.array([1, 2], np.float32),
        "net/w": np.ones((2, 2), ml_dtypes.bfloat16),
        "step": np.int64(4),
    }
    assert held(tmp_path / "m") == held(saved(tmp_path / "expected", expected, layout))
    assert len(files(tmp_path / "m")) == 3
    assert [(one.old, one.new, one.dtype.label) for one in report.tensors] == [
        ("b", "net/bias", "float32"),
        ("w", "net/w", "bfloat16"),
        ("", "step", "int64"),
    ]
    assert report.dropped == (("x", "matches --exclude 'x'"),)


def test_unpacking_takes_edits(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    report = unpacked(
        source,
        tmp_path / "m.npz",
        selection=pbckpt.Selection(include=("wide", "plain")),
        renames=("wide=w",),
        casts=("w=int16", "plain=float64"),
        settings=("text=string:hi", "step=int64:[1, 2]"),
    )
    with np.load(tmp_path / "m.npz") as archive:
        assert {name: (a.dtype.str, a.tolist()) for name, a in archive.items()} == {
            "plain": ("<f8", 3),
            "step": ("<i8", [1, 2]),
            "text": ("|S2", b"hi"),
            "w": ("<i2", np.arange(20).reshape(4, 5).tolist()),
        }
    assert dict(report.dropped).keys() == {"embedding", "in_one_part"}


def test_numbers_that_do_not_fit_leave_no_archive(tmp_path: Path) -> None:
    source = saved(tmp_path / "in" / "m", {"w": np.float32(300)})
    for ending in (".npz", ".safetensors"):
        with pytest.raises(pbckpt.SelectionError, match="do not fit int8"):
            unpacked(source, tmp_path / "out" / f"m{ending}", casts=("w=int8",))
    assert listing(tmp_path) == ["in"]


def test_objects_are_unpacked_by_name(tmp_path: Path) -> None:
    unpacked(MODULE, tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as archive:
        assert {name: a.tolist() for name, a in archive.items()} == {
            "b": [7, 8, 9],
            "w": [[0, 1, 2], [3, 4, 5]],
        }


def test_v1_is_unpacked(tmp_path: Path) -> None:
    unpacked(GOLDEN / "v1" / "partitioned" / "model.ckpt", tmp_path / "m.npz")
    packed(tmp_path / "m.npz", tmp_path / "m")
    assert (
        pbckpt.diff(GOLDEN / "v1" / "partitioned" / "model.ckpt", tmp_path / "m").differences == ()
    )


def test_dry_runs_write_nothing(tmp_path: Path) -> None:
    source = saved(tmp_path / "in" / "m", {"w": np.array([1, 2], np.float32)})
    report = pbckpt.unpack(source, tmp_path / "out" / "m.npz", dry_run=True)
    assert (report.files, report.nbytes) == ((), 8)
    unpacked(source, tmp_path / "in" / "m.npz")
    report = pbckpt.pack(tmp_path / "in" / "m.npz", tmp_path / "out" / "m", dry_run=True)
    assert (report.files, report.nbytes) == ((), 8)
    assert [(one.old, one.new) for one in report.tensors] == [("w", "w")]
    assert listing(tmp_path) == ["in"]


def test_existing_archives_are_replaced_on_demand_alone(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"w": np.float32(1)})
    for ending in (".npz", ".safetensors"):
        target = tmp_path / f"out{ending}"
        target.write_bytes(b"something else")
        with pytest.raises(pbckpt.PathError, match="exists already"):
            unpacked(source, target)
        assert target.read_bytes() == b"something else"
        pbckpt.unpack(source, target, on_existing=pbckpt.OnExisting.REPLACE, durability=FAST)
        assert len(target.read_bytes()) > 50


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    source = saved(
        tmp_path / "m", {"w": np.array([1, 2], np.float32), "s": np.array([b"x"], object)}
    )
    digests = set()
    for name in ("a.npz", "b.npz"):
        unpacked(source, tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.npz", b"junk", pbckpt.CorruptFileError, "no zip, or a damaged one"),
        ("a.safetensors", b"junk", pbckpt.CorruptFileError, "too short for a .safetensors"),
        ("a.bin", b"junk", pbckpt.PathError, "give a .npz or .safetensors file, or a folder"),
        ("a.bin", b"PK\3\4", pbckpt.CorruptFileError, "no zip"),
    ],
)
def test_files_that_are_no_archives(
    name: str, content: bytes, error: type[Exception], message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        packed(tmp_path / name, tmp_path / "m")
    assert listing(tmp_path) == [name]


def test_targets_that_are_no_archives(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.PathError, match=r"ends with .npz or .safetensors"):
        unpacked(MODULE, tmp_path / "m.zip")
    with pytest.raises(FileNotFoundError):
        packed(tmp_path / "nothing.npz", tmp_path / "m")


def test_a_damaged_member_is_noticed(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"w": np.arange(100, dtype=np.float32)})
    unpacked(source, tmp_path / "m.npz")
    with zipfile.ZipFile(tmp_path / "m.npz") as archive:
        assert archive.testzip() is None
    data = bytearray((tmp_path / "m.npz").read_bytes())
    data[data.index(np.array([50, 51], np.float32).tobytes())] ^= 1
    (tmp_path / "m.npz").write_bytes(data)
    with pytest.raises(pbckpt.CorruptFileError, match="CRC-32"):
        packed(tmp_path / "m.npz", tmp_path / "n")
    assert "n.index" not in listing(tmp_path)
