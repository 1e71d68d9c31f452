"""One checkpoint for many readers: names, objects, both; big-endian; and variants."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

import pbckpt
from pbckpt.bundle.entry import BundleEntry, BundleHeader, encode_entry, encode_header
from pbckpt.checkpoints.stored import open_stored
from pbckpt.checkpoints.write import write_bundle
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey, Prefix
from pbckpt.table.builder import write_table
from pbckpt.wire.checksum import crc32c, mask
from pbckpt.wire.varint import encode_varint
from tests.oracle.forms import Call, checkpoint_restore, resave, saver_restore
from tests.oracle.judge import (
    DT_STRING,
    RefusedError,
    TensorFacts,
    TensorFlowJudge,
    TensorRequest,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

VARIANT = 21
save_checkpoint = partial(pbckpt.save_checkpoint, durability=pbckpt.Durability.NONE)
ARRAYS: dict[str, Array] = {
    "Größe": np.arange(4, dtype=np.float64),
    "dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "dense/kernel.half": np.array([1.5, -0.0], np.float16),
    "empty": np.zeros((0, 4), np.float32),
    "global_step": np.array(17, np.int64),
    "labels": np.array([b"cat", b"", b"\xff\0"], object),
}
EXPECTED = {
    "Größe": TensorFacts.of(2, (4,), struct.pack("<4d", 0, 1, 2, 3)),
    "dense/kernel": TensorFacts.of(1, (2, 3), struct.pack("<6f", *range(6))),
    "dense/kernel.half": TensorFacts.of(19, (2,), bytes.fromhex("003e0080")),
    "empty": TensorFacts.of(1, (0, 4), b""),
    "global_step": TensorFacts.of(9, (), struct.pack("<q", 17)),
    "labels": TensorFacts.of(DT_STRING, (3,), [b"cat", b"", b"\xff\0"]),
}
OBJECT = pbckpt.Layout(format=pbckpt.Format.OBJECT)
BOTH = pbckpt.Layout(format=pbckpt.Format.BOTH)
COUNTED = pbckpt.Layout(format=pbckpt.Format.OBJECT, save_counter=3)
BOTH_COUNTED = pbckpt.Layout(format=pbckpt.Format.BOTH, save_counter=3)
BOTH_IN_SHARDS = pbckpt.Layout(format=pbckpt.Format.BOTH, num_shards=3)
LAYOUTS = {
    "object": OBJECT,
    "object, counted": COUNTED,
    "both": BOTH,
    "both, counted": BOTH_COUNTED,
    "both, in shards": BOTH_IN_SHARDS,
}
FORMS = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


# -- for objects, for a Saver, for both


@FORMS
def test_a_saver_restores(judge: TensorFlowJudge, tmp_path: Path, layout: pbckpt.Layout) -> None:
    """By the names in the index, or by the full names in the graph."""
    save_checkpoint(ARRAYS, tmp_path / "m", layout=layout)
    assert saver_restore(judge, tmp_path / "m", EXPECTED) == EXPECTED


@FORMS
def test_a_checkpoint_restores(
    object_judge: TensorFlowJudge, tmp_path: Path, layout: pbckpt.Layout
) -> None:
    """`read` knows no counter, and `restore` misses it where there is none."""
    save_checkpoint(ARRAYS, tmp_path / "m", layout=layout)
    asserts = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")
    found = {
        call: checkpoint_restore(object_judge, tmp_path / "m", call, EXPECTED, asserts)
        for call in (Call.READ, Call.RESTORE)
    }
    counted = layout.save_counter is not None
    for call, is_consumed in ((Call.READ, not counted), (Call.RESTORE, counted)):
        assert found[call].tensors == list(EXPECTED.values())
        assert (found[call].refused[0] == "") == is_consumed
        assert found[call].refused[2] == ""
    assert found[Call.READ].refused[1] == ""


def test_a_saver_lists_what_is_stored_for_both(judge: TensorFlowJudge, tmp_path: Path) -> None:
    save_checkpoint(ARRAYS, tmp_path / "m", layout=BOTH)
    loaded = judge.load(tmp_path / "m")
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    names = {"dense.Skernel": "dense/kernel", "dense.Skernel..half": "dense/kernel.half"}
    objects = {name: EXPECTED[names.get(name, name)] for name in [*EXPECTED, *names]}
    for name in names.values():
        del objects[name]
    expected = EXPECTED | {name + suffix: facts for name, facts in objects.items()}
    graph = loaded.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    assert (graph.dtype, graph.shape) == (DT_STRING, ())
    assert loaded == expected


def test_objects_are_read_by_name(object_judge: TensorFlowJudge, tmp_path: Path) -> None:
    """A Checkpoint reads what a Saver wrote by the names of its variables."""
    save_checkpoint(ARRAYS, tmp_path / "m")
    asserts = ("assert_consumed",)
    for call in (Call.READ, Call.RESTORE):
        found = checkpoint_restore(object_judge, tmp_path / "m", call, EXPECTED, asserts)
        assert found.tensors == list(EXPECTED.values())
        assert found.refused == [""]


# -- variants, and the order of bytes


class File(NamedTuple):
    """A checkpoint of one tensor made by hand: what its data file holds, and its entry's CRC."""

    dtype: int
    shape: tuple[int, ...]
    data: bytes
    crc: int

    def write(self, key: bytes, prefix: Path, *, order: str) -> None:
        entry = BundleEntry(DataType(self.dtype), self.shape, 0, 0, len(self.data), self.crc)
        values = [
            (b"", encode_header(BundleHeader(1, big_endian=order == ">"))),
            (key, encode_entry(entry)),
        ]
        index = bytearray()
        write_table(values, index.extend)
        prefix.with_name(prefix.name + ".index").write_bytes(index)
        prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(self.data)


# An empty list of tensors: its type, and of what type and shape its elements are.
LIST = bytes.fromhex("0a1674656e736f72666c6f773a3a54656e736f724c6973741207000103120208") + b"\2"
ELEMENTS = [b"cat", b"", b"x" * 300]


def variant_file(order: str) -> File:
    """Make the file of a variant with numbers in this order, in the CRC as well."""
    crc = crc32c(struct.pack(order + "Q", len(LIST)) + LIST)
    stored = struct.pack(order + "I", mask(crc))
    return File(VARIANT, (), encode_varint(len(LIST)) + LIST + stored, crc32c(stored, crc))


def string_file(order: str) -> File:
    """Make the file of strings with numbers in this order, in the CRC as well."""
    crc = crc32c(struct.pack(f"{order}{len(ELEMENTS)}I", *map(len, ELEMENTS)))
    stored = struct.pack(order + "I", mask(crc))
    data = b"".join(ELEMENTS)
    lengths = b"".join(encode_varint(len(one)) for one in ELEMENTS)
    return File(DT_STRING, (3,), lengths + stored + data, crc32c(stored + data, crc))


def test_files_made_by_hand_are_those_of_tensorflow() -> None:
    """As far as it writes such: the lower order of bytes, taken from its golden files."""
    variant = "210a1674656e736f72666c6f773a3a54656e736f724c6973741207000103120208028b9aa640"
    assert variant_file("<").data == bytes.fromhex(variant)


def test_a_variant_that_was_copied(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """TensorFlow takes the copy for its own, and stores it as it was."""
    variant_file("<").write(b"list", tmp_path / "source", order="<")
    stored = open_stored(tmp_path / "source")
    write_bundle(
        [stored.tensors(b"list", BundleKey(b"copied/list"))],
        0,
        Prefix.parse(tmp_path / "copy"),
        on_existing=pbckpt.OnExisting.REFUSE,
        durability=pbckpt.Durability.NONE,
    )
    stored.close()
    wanted = [TensorRequest("copied/list", VARIANT)]
    resave(judge, tmp_path / "copy", wanted, tmp_path / "back")
    for ending in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"copy{ending}").read_bytes() == (
            tmp_path / f"back{ending}"
        ).read_bytes()
    assert pbckpt.verify(tmp_path / "back").ok


BIG: dict[str, Array] = {
    "c64": np.array([1 + 2j, -3.5j], np.complex64),
    "f32": np.array([[1.5, -0.0], [np.inf, 1e-40]], np.float32),
    "f64": np.array(2.5, np.float64),
    "i16": np.array([1, -2, 300], np.int16),
    "i64": np.array([1 << 40], np.int64),
    "u8": np.array([1, 2, 255], np.uint8),
    "bool": np.array([True, False]),
    "f16": np.array([1.5], np.float16),
    "c128": np.array([1 + 2j], np.complex128),
}
NUMBERS = dict(zip(BIG, (8, 1, 2, 5, 9, 4, 10, 19, 18), strict=True))


@pytest.mark.parametrize("name", BIG)
def test_big_endian_numbers(judge: TensorFlowJudge, tmp_path: Path, name: str) -> None:
    array, number = BIG[name], NUMBERS[name]
    data = array.astype(array.dtype.newbyteorder(">")).tobytes()
    File(number, array.shape, data, crc32c(data)).write(b"w", tmp_path / "m", order=">")
    expected = TensorFacts.of(number, array.shape, array.tobytes())
    assert judge.load(tmp_path / "m") == {"w": expected}
    assert pbckpt.load_variable(tmp_path / "m", "w").tobytes() == array.tobytes()
    assert pbckpt.verify(tmp_path / "m").ok


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_endian_strings(judge: TensorFlowJudge, tmp_path: Path, order: str) -> None:
    """Whose checksums are over numbers in the order of the file."""
    string_file(order).write(b"s", tmp_path / "m", order=">")
    if order == ">":
        assert judge.load(tmp_path / "m") == {"s": TensorFacts.of(DT_STRING, (3,), ELEMENTS)}
        assert pbckpt.load_variable(tmp_path / "m", "s").tolist() == ELEMENTS
        assert pbckpt.verify(tmp_path / "m").ok
        return
    with pytest.raises(RefusedError, match=r"[Cc]hecksum"):
        judge.load(tmp_path / "m")
    with pytest.raises(pbckpt.ChecksumError):
        pbckpt.load_variable(tmp_path / "m", "s")


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_endian_variants(judge: TensorFlowJudge, tmp_path: Path, order: str) -> None:
    """Which neither reads: only the type itself would know how to turn its bytes round."""
    variant_file(order).write(b"list", tmp_path / "m", order=">")
    with pytest.raises(RefusedError, match=r"(?s)UnimplementedError.*endianness"):
        resave(judge, tmp_path / "m", [TensorRequest("list", VARIANT)], tmp_path / "back")
    (problem,) = pbckpt.verify(tmp_path / "m").problems
    assert problem.problem == "a variant of a big-endian machine is not read"
