"""Arrays in and out: every type, in place or not, whole or in parts, of every form."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from pbckpt.arrays.values import Partitioned
from pbckpt.bundle.entry import NO_CRC32C, BundleEntry, Extent
from pbckpt.bundle.slices import slice_key
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.names import BundleKey
from pbckpt.wire.checksum import crc32c
from tests.corrupt.forms import index_bytes, save_big_endian, write_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

GOLDEN_V1 = Path(__file__).parents[2] / "golden" / "v1"

# Each type with two elements, and the bytes that they are stored as.
TYPES = [
    pytest.param(np.array([1.5, -2], "f4"), "0000c03f 000000c0", DataType.FLOAT, id="float32"),
    pytest.param(
        np.array([1.5, -2], "f8"),
        "000000000000f83f 00000000000000c0",
        DataType.DOUBLE,
        id="float64",
    ),
    pytest.param(np.array([1.5, -2], "f2"), "003e 00c0", DataType.HALF, id="float16"),
    pytest.param(np.array([1, -2], "i1"), "01 fe", DataType.INT8, id="int8"),
    pytest.param(np.array([1, -2], "i2"), "0100 feff", DataType.INT16, id="int16"),
    pytest.param(np.array([1, -2], "i4"), "01000000 feffffff", DataType.INT32, id="int32"),
    pytest.param(
        np.array([1, -2], "i8"), "0100000000000000 feffffffffffffff", DataType.INT64, id="int64"
    ),
    pytest.param(np.array([1, 254], "u1"), "01 fe", DataType.UINT8, id="uint8"),
    pytest.param(np.array([1, 65534], "u2"), "0100 feff", DataType.UINT16, id="uint16"),
    pytest.param(np.array([1, 1 << 31], "u4"), "01000000 00000080", DataType.UINT32, id="uint32"),
    pytest.param(
        np.array([1, 1 << 63], "u8"), "0100000000000000 0000000000000080", DataType.UINT64, id="u8"
    ),
    pytest.param(np.array([True, False]), "01 00", DataType.BOOL, id="bool"),
    pytest.param(
        np.array([1 + 2j, -1j], "c8"),
        "0000803f 00000040 00000080 000080bf",
        DataType.COMPLEX64,
        id="complex64",
    ),
    pytest.param(
        np.array([1 + 2j, 1], "c16"),
        "000000000000f03f 0000000000000040 000000000000f03f 0000000000000000",
        DataType.COMPLEX128,
        id="complex128",
    ),
    pytest.param(
        np.array([1.5, -2], ml_dtypes.bfloat16), "c03f 00c0", DataType.BFLOAT16, id="bfloat16"
    ),
    pytest.param(
        np.array([1.5, -2], ml_dtypes.float8_e5m2), "3e c0", DataType.FLOAT8_E5M2, id="float8_e5m2"
    ),
    pytest.param(
        np.array([1.5, -2], ml_dtypes.float8_e4m3fn),
        "3c c0",
        DataType.FLOAT8_E4M3FN,
        id="float8_e4m3fn",
    ),
    pytest.param(
        np.array([1.5, -2], ml_dtypes.float8_e4m3fnuz),
        "44 c8",
        DataType.FLOAT8_E4M3FNUZ,
        id="float8_e4m3fnuz",
    ),
    pytest.param(
        np.array([1.5, -2], ml_dtypes.float8_e4m3b11fnuz),
        "5c e0",
        DataType.FLOAT8_E4M3B11FNUZ,
        id="float8_e4m3b11fnuz",
    ),
    pytest.param(
        np.array([1.5, -2], ml_dtypes.float8_e5m2fnuz),
        "42 c4",
        DataType.FLOAT8_E5M2FNUZ,
        id="float8_e5m2fnuz",
    ),
    pytest.param(np.array([1, 7], ml_dtypes.int4), "01 07", DataType.INT4, id="int4"),
    pytest.param(np.array([1, 15], ml_dtypes.uint4), "01 0f", DataType.UINT4, id="uint4"),
    pytest.param(
        np.array([b"a", b"\0"], object), "01 01 a1bbc38e 61 00", DataType.STRING, id="string"
    ),
]


def write(prefix: Path, tensors: dict[str, Any]) -> Path:
    pbckpt.save_checkpoint(tensors, prefix, durability=pbckpt.Durability.NONE)
    return prefix


def shard_of(prefix: Path) -> bytes:
    return prefix.with_name(prefix.name + ".data-00000-of-00001").read_bytes()


def assert_equal(found: Array, expected: Array) -> None:
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if expected.dtype == object:
        assert found.tolist() == expected.tolist()
    else:
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize(("array", "stored", "dtype"), TYPES)
def test_every_type_goes_in_and_comes_out(
    array: Array, stored: str, dtype: DataType, tmp_path: Path
) -> None:
    prefix = write(tmp_path / "m", {"w": array})
    if dtype is not DataType.STRING:
        assert shard_of(prefix) == bytes.fromhex(stored)
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert checkpoint.info("w").dtype is dtype
        assert checkpoint.info("w").shape == (2,)
        assert_equal(checkpoint["w"], array)
        assert_equal(checkpoint.load("w"), array)
        assert_equal(checkpoint.get_slice("w")[...], array)
        assert_equal(checkpoint.get_slice("w")[1], array[1:].reshape(()))


@pytest.mark.parametrize(("array", "stored", "dtype"), TYPES)
def test_every_type_comes_out_of_a_big_endian_checkpoint(
    array: Array, stored: str, dtype: DataType, tmp_path: Path
) -> None:
    save_big_endian(tmp_path / "m", {"w": array, "e": array[:0], "s": array[1:].reshape(())})
    if dtype.itemsize == 2:
        plain = bytes.fromhex(stored)
        assert shard_of(tmp_path / "m")[:2] == plain[1::-1]
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint.info("w").dtype is dtype
        for key, expected in {"w": array, "e": array[:0], "s": array[1:].reshape(())}.items():
            assert_equal(checkpoint[key], expected)
            assert_equal(checkpoint.load(key), expected)
            assert_equal(checkpoint.get_slice(key)[...], expected)
    assert pbckpt.verify(tmp_path / "m").problems == ()


@pytest.mark.parametrize(("array", "stored", "dtype"), TYPES)
def test_every_type_in_slices(
    array: Array,
    stored: str,  # noqa: ARG001 - of the table
    dtype: DataType,
    tmp_path: Path,
) -> None:
    parts = (((1,), array[1:]), ((0,), array[:1]))
    prefix = write(tmp_path / "m", {"w": Partitioned((2,), parts)})
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert checkpoint.info("w")[:2] == (dtype, (2,))
        assert checkpoint.info("w").num_slices == 2
        assert_equal(checkpoint["w"], array)
        assert_equal(checkpoint.load("w"), array)
        assert_equal(checkpoint.get_slice("w")[1:], array[1:])


@pytest.mark.parametrize("dtype", [d for d in DataType if d.is_fixed_size])
def test_every_type_number_can_be_read(dtype: DataType, tmp_path: Path) -> None:
    """Quantized types as the integers that store them."""
    data = bytes([1] * 2 * dtype.itemsize)
    entry = BundleEntry(dtype, (2,), 0, 0, len(data), crc32c(data))
    write_files(tmp_path / "m", index_bytes({b"w": entry}), data)
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        if dtype in (DataType.INT2, DataType.UINT2, DataType.FLOAT4_E2M1FN) and not hasattr(
            ml_dtypes, dtype.label
        ):
            with pytest.raises(pbckpt.UnsupportedBundleError):
                _ = checkpoint["w"]
            return
        assert checkpoint["w"].tobytes() == data
        assert checkpoint["w"].dtype == numpy_dtype(dtype)


# In place, or not

LARGE = np.arange(10_000, dtype="f4").reshape(100, 100)


def is_in_place(array: Array, prefix: Path) -> bool:
    """Tell whether an array changes when the file does."""
    with prefix.with_name(prefix.name + ".data-00000-of-00001").open("r+b") as file:
        before, whole = array.tobytes(), file.read()
        file.seek(0)
        file.write(bytes(byte ^ 0xFF for byte in whole))
        file.flush()
        after = array.tobytes()
        file.seek(0)
        file.write(whole)
    return before != after


def test_a_large_aligned_tensor_is_in_place_and_read_only(tmp_path: Path) -> None:
    prefix = write(tmp_path / "m", {"w": LARGE})
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        array = checkpoint["w"]
    assert_equal(array, LARGE)
    assert not array.flags.writeable
    assert not array.flags.owndata
    assert is_in_place(array, prefix)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True


def test_a_tensor_in_place_outlives_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = pbckpt.open_checkpoint(write(tmp_path / "m", {"w": LARGE}))
    array, piece = checkpoint["w"], checkpoint.get_slice("w")[10:20, 3]
    checkpoint.close()
    del checkpoint
    assert_equal(array, LARGE)
    assert_equal(piece, LARGE[10:20, 3])


def test_loading_gives_an_array_of_its_own(tmp_path: Path) -> None:
    prefix = write(tmp_path / "m", {"w": LARGE})
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        array = checkpoint.load("w")
    assert array.flags.writeable
    assert not is_in_place(array, prefix)
    array[:] = 7
    assert_equal(pbckpt.load_variable(prefix, "w"), LARGE)


def test_a_tensor_that_is_not_aligned_is_copied(tmp_path: Path) -> None:
    prefix = write(tmp_path / "m", {"a": np.int8(1), "w": LARGE})
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert checkpoint.entry("w").offset == 1
        array = checkpoint["w"]
        piece = checkpoint.get_slice("w")[3:5]
    for found, expected in ((array, LARGE), (piece, LARGE[3:5])):
        assert_equal(found, expected)
        assert found.flags.aligned
        assert not is_in_place(found, prefix)


def test_a_type_of_one_byte_is_always_aligned(tmp_path: Path) -> None:
    large = np.arange(20_000).astype("u1")
    prefix = write(tmp_path / "m", {"a": np.int8(1), "w": large})
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        array = checkpoint["w"]
    assert_equal(array, large)
    assert not array.flags.writeable
    assert is_in_place(array, prefix)


def test_a_small_tensor_is_an_array_of_its_own(tmp_path: Path) -> None:
    small = np.arange(4096, dtype="f4")
    prefix = write(tmp_path / "m", {"w": small})
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        array = checkpoint["w"]
    assert_equal(array, small)
    assert not is_in_place(array, prefix)


def test_an_array_in_place_was_checked_first(tmp_path: Path) -> None:
    prefix = write(tmp_path / "m", {"w": LARGE})
    data = bytearray(shard_of(prefix))
    data[39_999] ^= 1
    write_files(prefix, prefix.with_name("m.index").read_bytes(), bytes(data))
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        for read in (checkpoint.__getitem__, checkpoint.load):
            with pytest.raises(pbckpt.ChecksumError):
                read("w")
        # What is not read whole is not checked.
        assert_equal(checkpoint.get_slice("w")[:99], LARGE[:99])
    with pbckpt.open_checkpoint(prefix, verify=pbckpt.Verify.NOTHING) as checkpoint:
        assert not np.array_equal(checkpoint["w"], LARGE)


@pytest.mark.parametrize("kind", ["whole", "big", "parts", "strings"])
def test_what_is_loaded_can_be_written_to(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path) as checkpoint:
        for key in checkpoint:
            array = checkpoint.load(key)
            assert array.flags.writeable
            if array.size:
                array[(0,) * array.ndim] = array[(-1,) * array.ndim]
    assert all(array.flags.writeable for array in pbckpt.load_checkpoint(tmp_path / "m").values())


def opened(kind: str, folder: Path) -> pbckpt.Checkpoint:
    """Return a checkpoint of one of the forms in which a tensor w can be."""
    FORMS[kind](folder / "m")
    return pbckpt.open_checkpoint(folder / "m")


# Parts of a tensor, by every kind of index

WHOLE = np.arange(5 * 7 * 3, dtype="i4").reshape(5, 7, 3)
WORDS = np.array([b"w%d" % number for number in range(105)], object).reshape(5, 7, 3)


def grid(array: Array, cuts: tuple[tuple[int, ...], ...]) -> list[tuple[tuple[int, ...], Array]]:
    """Return the parts of an array that is cut at some places in each dimension."""
    found: list[tuple[tuple[int, ...], Array]] = [((), array)]
    for axis, places in enumerate(cuts):
        ends = [0, *places, array.shape[axis]]
        found = [
            ((*origin, start), part[(slice(None),) * axis + (slice(start, end),)])
            for origin, part in found
            for start, end in pairwise(ends)
        ]
    return found


def partitioned(array: Array, cuts: tuple[tuple[int, ...], ...]) -> Partitioned:
    return Partitioned(array.shape, tuple(grid(array, cuts)))


def in_slices(
    array: Array, cuts: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, ...], list[tuple[tuple[Extent, ...], Array]]]:
    parts = [
        (tuple(map(Extent, origin, part.shape)), np.ascontiguousarray(part))
        for origin, part in grid(array, cuts)
    ]
    return array.shape, parts


ROWS, COLUMNS, GRID = ((1, 3), (), ()), ((), (2, 5), ()), ((2,), (1, 4), (1, 2))

FORMS: dict[str, Callable[[Path], object]] = {
    "whole": lambda prefix: write(prefix, {"w": WHOLE}),
    "unaligned": lambda prefix: write(prefix, {"a": np.int8(1), "w": WHOLE}),
    "rows": lambda prefix: write(prefix, {"w": partitioned(WHOLE, ROWS)}),
    "columns": lambda prefix: write(prefix, {"w": partitioned(WHOLE, COLUMNS)}),
    "grid": lambda prefix: write(prefix, {"a": np.int8(1), "w": partitioned(WHOLE, GRID)}),
    "parts": lambda prefix: write(prefix, {"w": partitioned(WHOLE, GRID)}),
    "big": lambda prefix: save_big_endian(prefix, {"w": WHOLE}),
    "big unaligned": lambda prefix: save_big_endian(prefix, {"a": np.ones(1, "i1"), "w": WHOLE}),
    "big rows": lambda prefix: save_big_endian(prefix, {}, {"w": in_slices(WHOLE, ROWS)}),
    "big grid": lambda prefix: save_big_endian(prefix, {}, {"w": in_slices(WHOLE, GRID)}),
    "strings": lambda prefix: write(prefix, {"w": WORDS}),
    "string rows": lambda prefix: write(prefix, {"w": partitioned(WORDS, ROWS)}),
    "string grid": lambda prefix: write(prefix, {"w": partitioned(WORDS, GRID)}),
    "big strings": lambda prefix: save_big_endian(prefix, {"w": WORDS}),
    "big string grid": lambda prefix: save_big_endian(prefix, {}, {"w": in_slices(WORDS, GRID)}),
}

BASIC: list[Any] = [
    (),
    ...,
    0,
    -1,
    4,
    slice(None),
    slice(1, 3),
    slice(3, 1),
    slice(-2, None),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(4, 0, -2),
    slice(4, None, -3),
    slice(10, 20),
    slice(-100, 100),
    (0, 0, 0),
    (-1, -1, -1),
    (2, 3),
    (slice(1, 2), slice(1, 2), slice(1, 2)),
    (slice(2, 4), slice(None), 1),
    (slice(2, 4), 5, slice(None, None, -1)),
    (..., 1),
    (..., slice(0, 2)),
    (0, ...),
    (0, ..., 2),
    (0, 1, 2, ...),
    (..., 0, 1, 2),
    (slice(None, None, -2), slice(None, None, 3), slice(None, None, -1)),
    (slice(0, 0), 3),
    (slice(1, 4), slice(6, 1, -2), 0),
    (np.int64(2), np.uint8(3)),
    (slice(np.int64(1), np.int64(4)), -2),
]
# What touches the whole: these are numpy's to answer.
ADVANCED: list[Any] = [
    None,
    (None, 1),
    (1, None, ..., None),
    [0, 2],
    ([0, 2], 1),
    np.array([4, 0]),
    (slice(None), np.array([1, 1, 6])),
    np.array([True, False, True, False, True]),
    WHOLE % 2 == 0,
    True,
    False,
    np.array(3),
    (np.array([[0], [1]]), np.array([2, 3])),
]


def index_id(index: object) -> str:
    return repr(index).replace("slice", "s").replace("None", "")[:50]


def expected_of(kind: str) -> Array:
    return WORDS if "string" in kind else WHOLE


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    with opened(request.param, tmp_path) as checkpoint:
        yield request.param, checkpoint.get_slice("w")


@pytest.mark.parametrize("index", BASIC, ids=index_id)
def test_a_part_by_numbers_and_slices(form: tuple[str, Any], index: object) -> None:
    kind, slices = form
    assert_equal(slices[index], np.asarray(part_of(expected_of(kind), index)))


def part_of(array: Array, index: Any) -> Array:  # noqa: ANN401 - as an index is
    """Return a part as an array, even if it is one element."""
    part = array[index]
    if isinstance(part, np.ndarray):
        return part
    alone = np.empty((), array.dtype)
    alone[()] = part
    return alone


@pytest.mark.parametrize("index", ADVANCED, ids=index_id)
def test_a_part_by_other_kinds_of_index(form: tuple[str, Any], index: object) -> None:
    kind, slices = form
    assert_equal(slices[index], part_of(expected_of(kind), index))


@pytest.mark.parametrize(
    "index", [5, -6, (0, 7), (0, 0, 3), (0, 0, 0, 0), (..., ...), (..., 0, 0, 0, 0), "a", 1.5]
)
def test_a_part_that_is_not_there(form: tuple[str, Any], index: object) -> None:
    with pytest.raises(IndexError):
        form[1][index]


def test_what_is_known_of_a_tensor_without_reading_it(form: tuple[str, Any]) -> None:
    kind, slices = form
    assert slices.shape == (5, 7, 3)
    assert slices.dtype is (DataType.STRING if "string" in kind else DataType.INT32)


@pytest.mark.parametrize("kind", FORMS)
def test_the_whole_of_every_form(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path) as checkpoint:
        assert_equal(checkpoint["w"], expected_of(kind))
        assert_equal(checkpoint.load("w"), expected_of(kind))
    assert pbckpt.verify(tmp_path / "m").problems == ()


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_is_written_again_in_our_own(kind: str, tmp_path: Path) -> None:
    """Joined, and slice by slice."""
    from pbckpt.checkpoints.stored import open_stored  # noqa: PLC0415 - beside its use
    from pbckpt.checkpoints.write import write_bundle  # noqa: PLC0415
    from pbckpt.names import Prefix  # noqa: PLC0415

    FORMS[kind](tmp_path / "m")
    stored = open_stored(tmp_path / "m")
    keys = [BundleKey(key) for key in stored.keys()]  # noqa: SIM118 - no dictionary
    copied = (tensor for key in keys for tensor in stored.tensors(key, key))
    joined = (stored.joined(key, key) for key in keys)
    for name, tensors in (("copied", copied), ("joined", joined)):
        write_bundle(
            [tensors],
            0,
            Prefix.parse(tmp_path / name),
            on_existing=pbckpt.OnExisting.REFUSE,
            durability=pbckpt.Durability.NONE,
        )
        assert pbckpt.verify(tmp_path / name).problems == ()
        with pbckpt.open_checkpoint(tmp_path / name) as checkpoint:
            assert_equal(checkpoint["w"], expected_of(kind))
    with pbckpt.open_checkpoint(tmp_path / "joined") as checkpoint:
        assert checkpoint.info("w").num_slices == 0
    stored.close()


def test_a_part_reads_no_more_than_it_takes(tmp_path: Path) -> None:
    """A slice that is needed whole is checked; one that is not needed is not even looked at."""
    prefix = write(tmp_path / "m", {"w": partitioned(WHOLE, ROWS)})
    data = bytearray(shard_of(prefix))
    data[4 * 21] ^= 1  # the first element of the second part
    write_files(prefix, prefix.with_name("m.index").read_bytes(), bytes(data))
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        slices = checkpoint.get_slice("w")
        assert_equal(slices[0], WHOLE[0])
        assert_equal(slices[3:], WHOLE[3:])
        assert_equal(slices[2], WHOLE[2])
        for index in (slice(None), slice(1, 3), slice(0, 4)):
            with pytest.raises(pbckpt.ChecksumError):
                slices[index]
        with pytest.raises(pbckpt.ChecksumError):
            _ = checkpoint["w"]


def test_parts_of_several_shards(tmp_path: Path) -> None:
    from pbckpt.checkpoints.layout import Layout  # noqa: PLC0415

    tensors = {"a": partitioned(WHOLE, ROWS), "b": partitioned(WHOLE, GRID), "c": WHOLE}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", layout=Layout(num_shards=3))
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert {checkpoint.entry(key).shard_id for key in "abc"} == {0, 1, 2}
        for key in "abc":
            assert_equal(checkpoint[key], WHOLE)
            assert_equal(checkpoint.get_slice(key)[1:4, ::2], WHOLE[1:4, ::2])


# V1


@pytest.mark.parametrize("name", ["grid", "halves", "alone", "words"])
def test_a_part_of_a_tensor_of_the_first_version(name: str) -> None:
    with pbckpt.open_checkpoint(GOLDEN_V1 / "sliced" / "model.ckpt") as checkpoint:
        whole = checkpoint[name]
        slices = checkpoint.get_slice(name)
        assert slices.shape == whole.shape
        for index in [(), ..., 0, -1, slice(None, None, -1), slice(0, 1), None, [0, 1]]:
            assert_equal(slices[index], part_of(whole, index))
        with pytest.raises(IndexError):
            slices[99]
        assert checkpoint.load(name).flags.writeable


def test_a_grid_of_the_first_version() -> None:
    with pbckpt.open_checkpoint(GOLDEN_V1 / "sliced" / "model.ckpt") as checkpoint:
        grid = checkpoint["grid"]
        assert checkpoint.info("grid")[:3] == (DataType.INT32, (3, 70), 840)
        assert_equal(checkpoint.get_slice("grid")[1:, ::9], grid[1:, ::9])
        assert_equal(checkpoint.get_slice("grid")[2, 69], grid[2, 69:].reshape(()))


# Hostile entries: nothing is allocated by what an index claims


def sliced_index(
    shape: tuple[int, ...], places: Sequence[tuple[Extent, ...]], parts: list[BundleEntry]
) -> bytes:
    full = BundleEntry(DataType.FLOAT, shape, 0, 0, 0, NO_CRC32C, tuple(places))
    keys = [slice_key(b"p", place) for place in places]
    return index_bytes({b"p": full, **dict(zip(keys, parts, strict=True))})


def read_all(prefix: Path) -> None:
    """Read a tensor p in every way that there is."""
    from pbckpt.checkpoints.stored import open_stored  # noqa: PLC0415

    errors = []
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        for read in (
            lambda: checkpoint["p"],
            lambda: checkpoint.load("p"),
            lambda: checkpoint.get_slice("p")[...],
            lambda: checkpoint.get_slice("p")[0:1],
        ):
            try:
                read()  # type: ignore[no-untyped-call]
            except pbckpt.PbckptError as error:  # noqa: PERF203 - any other is a failure
                errors.append(error)
    stored = open_stored(prefix)
    try:
        tensor = stored.joined(b"p", BundleKey(b"p"))
        assert not isinstance(tensor.payload, bytes)
        for _ in tensor.payload.spans:
            pass
    except pbckpt.PbckptError as error:
        errors.append(error)
    finally:
        stored.close()
    pbckpt.verify(prefix)
    if errors:
        raise errors[0]


def test_slices_of_terabytes_that_are_not_there(tmp_path: Path) -> None:
    half = 1 << 40
    places = [(Extent(0, half),), (Extent(half, half),)]
    parts = [BundleEntry(DataType.FLOAT, (half,), 0, 0, 4 * half, 0)] * 2
    write_files(tmp_path / "m", sliced_index((2 * half,), places, parts), b"")
    with pytest.raises(pbckpt.CorruptFileError, match="past the end"):
        read_all(tmp_path / "m")


def test_slices_of_more_dimensions_than_numpy_has(tmp_path: Path) -> None:
    rest = (Extent(0, None),) * 64
    places = [(Extent(0, 1), *rest), (Extent(1, 1), *rest)]
    shape = (1,) * 65
    parts = [BundleEntry(DataType.FLOAT, shape, 0, at, 4, 0x224302AF) for at in (0, 4)]
    index = sliced_index((2, *(1,) * 64), places, parts)
    write_files(tmp_path / "m", index, bytes.fromhex("0000c03f 0000c03f"))
    with pytest.raises(pbckpt.UnsupportedBundleError):
        read_all(tmp_path / "m")


def test_a_slice_without_elements_beside_many(tmp_path: Path) -> None:
    shape = (0, 1 << 62)
    part = BundleEntry(DataType.FLOAT, shape, 0, 0, 0, 0)
    index = sliced_index(shape, [(Extent(0, None), Extent(0, None))], [part])
    write_files(tmp_path / "m", index, b"")
    with pytest.raises(pbckpt.UnsupportedBundleError):
        read_all(tmp_path / "m")


def test_a_scalar_in_one_slice(tmp_path: Path) -> None:
    part = BundleEntry(DataType.FLOAT, (), 0, 0, 4, 0x224302AF)
    write_files(tmp_path / "m", sliced_index((), [()], [part]), bytes.fromhex("0000c03f"))
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert_equal(checkpoint["p"], np.array(1.5, "f4"))
    from pbckpt.checkpoints.stored import open_stored  # noqa: PLC0415

    payload = open_stored(tmp_path / "m").joined(b"p", BundleKey(b"p")).payload
    assert not isinstance(payload, bytes)
    assert b"".join(bytes(span.view) for span in payload.spans) == bytes.fromhex("0000c03f")


def test_slices_in_more_dimensions_than_anybody_cuts(tmp_path: Path) -> None:
    places = [(Extent(0, 1),) * 9, (Extent(1, 1), *(Extent(0, None),) * 8)]
    part = BundleEntry(DataType.FLOAT, (1,) * 9, 0, 0, 4, 0x224302AF)
    index = sliced_index((2,) * 9, places, [part, part._replace(shape=(1, *(2,) * 8), nbytes=1024)])
    write_files(tmp_path / "m", index, bytes(1024))
    with pytest.raises(pbckpt.LimitError), pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        _ = checkpoint["p"]
    problems = pbckpt.verify(tmp_path / "m").problems
    assert [problem.key for problem in problems][:1] == ["p"]
