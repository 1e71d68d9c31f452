"""What can be saved besides an array: functions, lazy and partitioned tensors, anything alike."""

from __future__ import annotations

import array
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from pbckpt.arrays.values import LazyTensor, Partitioned, partition
from pbckpt.bundle.entry import Extent
from pbckpt.checkpoints.layout import Layout
from pbckpt.dtypes import DataType

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

NOT_DURABLE = pbckpt.Durability.NONE


def saved(value: object, folder: Path, layout: Layout | None = None) -> Array:
    """Return a value as it comes back."""
    prefix = folder / "m"
    pbckpt.save_checkpoint({"w": value}, prefix, layout=layout or Layout(), durability=NOT_DURABLE)
    assert pbckpt.verify(prefix).problems == ()
    return pbckpt.load_variable(prefix, "w")


def assert_refused(value: object, folder: Path, message: str) -> None:
    """A value that is refused leaves nothing behind."""
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.save_checkpoint({"a": np.zeros(2), "w": value}, folder / "new" / "m")
    assert list(folder.iterdir()) == []


def assert_same(found: Array, expected: Array) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tolist() == expected.tolist()


# Anything that is like an array


class WithArray:
    """Something that makes an array of itself, and can be called as well."""

    def __array__(self, dtype: object = None, copy: object = None) -> Array:
        return np.array([1, 2], "i2")

    def __call__(self) -> None:
        raise AssertionError("called")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1.5, np.array(1.5), id="a float"),
        pytest.param([True], np.array([True]), id="a bool"),
        pytest.param(1 + 2j, np.array(1 + 2j), id="a complex number"),
        pytest.param(np.float16(1.5), np.array(1.5, "f2"), id="a scalar of numpy"),
        pytest.param([[1.0, 2.0], [3.0, 4.0]], np.array([[1.0, 2], [3, 4]]), id="lists"),
        pytest.param([], np.zeros(0), id="an empty list"),
        pytest.param((1.0, 2.0), np.array([1.0, 2]), id="a tuple"),
        pytest.param(range(3), np.arange(3), id="a range"),
        pytest.param(array.array("f", [1, 2]), np.array([1, 2], "f4"), id="an array.array"),
        pytest.param(bytearray(b"ab"), np.array([97, 98], "u1"), id="a bytearray"),
        pytest.param(memoryview(b"ab"), np.array([97, 98], "u1"), id="a memoryview"),
        pytest.param(
            memoryview(array.array("h", [1, -2])), np.array([1, -2], "i2"), id="one of shorts"
        ),
        pytest.param(
            memoryview(bytes(range(6))).cast("B", (2, 3)),
            np.arange(6, dtype="u1").reshape(2, 3),
            id="one of two dimensions",
        ),
        pytest.param(memoryview(b"abcdef")[::2], np.array([97, 99, 101], "u1"), id="with steps"),
        pytest.param(np.arange(6)[::-2], np.array([5, 3, 1]), id="a reversed view"),
        pytest.param(
            np.arange(6, dtype="f4").reshape(2, 3).T,
            np.array([[0, 3], [1, 4], [2, 5]], "f4"),
            id="a transposed view",
        ),
        pytest.param(
            np.broadcast_to(np.float32(7), (2, 2)), np.full((2, 2), 7, "f4"), id="a broadcast view"
        ),
        pytest.param(np.array([1, 300], ">i2"), np.array([1, 300], "i2"), id="big-endian"),
        pytest.param(np.array(1.5, ">f8"), np.array(1.5), id="a big-endian scalar"),
        pytest.param(np.array([1 + 2j], ">c8"), np.array([1 + 2j], "c8"), id="big-endian complex"),
        pytest.param(
            np.array([1.5], ml_dtypes.bfloat16), np.array([1.5], ml_dtypes.bfloat16), id="bfloat16"
        ),
        pytest.param(ml_dtypes.int4(3), np.array(3, ml_dtypes.int4), id="int4"),
        pytest.param(
            np.ma.masked_array([1, 2], [False, True]), np.array([1, 2]), id="a masked array"
        ),
        pytest.param(np.array(["é", ""]), np.array([b"\xc3\xa9", b""], object), id="text"),
        pytest.param(np.array([b"ab", b"c"]), np.array([b"ab", b"c"], object), id="byte strings"),
        pytest.param(["a", b"b\0"], np.array([b"a", b"b\0"], object), id="text and bytes"),
        pytest.param("text", np.array(b"text", object), id="a text"),
        pytest.param(WithArray(), np.array([1, 2], "i2"), id="an object with __array__"),
        pytest.param(np.zeros((0, 3), ">f4"), np.zeros((0, 3), "f4"), id="no elements"),
    ],
)
@pytest.mark.parametrize("layout", [Layout(), Layout(num_shards=2)], ids=["plain", "divided"])
def test_what_is_like_an_array(
    value: object, expected: Array, layout: Layout, tmp_path: Path
) -> None:
    assert_same(saved(value, tmp_path, layout), expected)


def test_large_arrays_of_every_kind(tmp_path: Path) -> None:
    """Over the size up to which arrays are copied."""
    large = np.arange(30_000, dtype="f8").reshape(100, 300)
    views = {"c": large, "t": large.T, "s": large[::3, ::-2], "b": large.astype(">f8")}
    pbckpt.save_checkpoint(views, tmp_path / "m", durability=NOT_DURABLE)
    found = pbckpt.load_checkpoint(tmp_path / "m")
    for key, view in views.items():
        assert found[key].dtype == np.float64
        assert np.array_equal(found[key], view)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(None, "not bytes or str", id="None"),
        pytest.param(object(), "not bytes or str", id="an object"),
        pytest.param([b"a", 1], "not bytes or str", id="a number among bytes"),
        pytest.param(np.array([b"a", None], object), "of type NoneType", id="None among bytes"),
        pytest.param(np.array([1.5, 2], object), "of type float", id="numbers in an object array"),
        pytest.param([[1], [1, 2]], "not an array", id="a ragged list"),
        pytest.param(np.zeros(2, "M8[s]"), "datetime64", id="dates"),
        pytest.param(np.zeros(2, "m8[s]"), "timedelta64", id="times"),
        pytest.param(np.zeros(2, [("a", "f4")]), "cannot be stored", id="records"),
        pytest.param(np.zeros(2, "V4"), "cannot be stored", id="bytes without a type"),
        pytest.param(np.zeros(2, np.longdouble), "cannot be stored", id="long doubles"),
        pytest.param(["\ud800"], "cannot be written as bytes", id="a surrogate"),
        pytest.param({"a": 1}, "of type dict", id="a dictionary"),
        pytest.param({1, 2}, "of type set", id="a set"),
    ],
)
def test_what_cannot_be_stored(value: object, message: str, tmp_path: Path) -> None:
    assert_refused(value, tmp_path, message)


@pytest.mark.parametrize("value", [[b"a", 1], np.array([b"a", None], object), None, object()])
@pytest.mark.parametrize(
    "layout", [Layout(num_shards=2), Layout(max_shard_bytes=10), Layout(shard_of=lambda _: 0)]
)
def test_what_cannot_be_stored_in_several_shards(
    value: object, layout: Layout, tmp_path: Path
) -> None:
    with pytest.raises(pbckpt.SelectionError, match="not bytes or str"):
        pbckpt.save_checkpoint({"w": value}, tmp_path / "new" / "m", layout=layout)
    assert list(tmp_path.iterdir()) == []


# Functions


def test_a_function_is_called_when_its_turn_comes(tmp_path: Path) -> None:
    called: list[str] = []

    def maker(name: str) -> Callable[[], Array]:
        def make() -> Array:
            called.append(name)
            return np.full(2, ord(name), "i4")

        return make

    tensors = {name: maker(name) for name in "cab"}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", durability=NOT_DURABLE)
    assert called == ["a", "b", "c"]
    assert pbckpt.load_variable(tmp_path / "m", "b").tolist() == [98, 98]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(lambda: [b"a"], np.array([b"a"], object), id="a list"),
        pytest.param(lambda: lambda: np.int8(1), np.array(1, "i1"), id="a function"),
        pytest.param(
            lambda: LazyTensor("int8", (2,), lambda: np.ones(2, "i1")),
            np.ones(2, "i1"),
            id="a lazy tensor",
        ),
        pytest.param(lambda: partition(np.arange(4), 2), np.arange(4), id="a partitioned tensor"),
        pytest.param(WithArray, np.array([1, 2], "i2"), id="a class whose objects are arrays"),
    ],
)
def test_what_a_function_may_return(
    value: Callable[[], object], expected: Array, tmp_path: Path
) -> None:
    if isinstance(value, type):
        value = lambda: WithArray()  # noqa: E731, PLW0108 - a class has __array__ itself
    assert_same(saved(value, tmp_path), expected)


def test_what_a_function_raises_passes_through_and_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pbckpt.save_checkpoint({"a": np.zeros(10_000), "w": fail}, tmp_path / "new" / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", [Layout(num_shards=2), Layout(max_shard_bytes=10)])
def test_the_size_of_what_a_function_makes_is_not_known(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="LazyTensor"):
        pbckpt.save_checkpoint({"w": lambda: 1.5}, tmp_path / "m", layout=layout)
    assert list(tmp_path.iterdir()) == []


# Lazy tensors


@pytest.mark.parametrize("dtype", ["float32", "float", DataType.FLOAT])
def test_a_lazy_tensor_of_one_array(dtype: DataType | str, tmp_path: Path) -> None:
    value = LazyTensor(dtype, (2, 3), lambda: np.arange(6, dtype="f4").reshape(2, 3))
    assert_same(saved(value, tmp_path), np.arange(6, dtype="f4").reshape(2, 3))


@pytest.mark.parametrize("rows", [[1, 1, 1, 1], [4], [1, 3], [0, 2, 0, 2, 0]])
def test_a_lazy_tensor_of_several_arrays(rows: list[int], tmp_path: Path) -> None:
    whole = np.arange(12, dtype="i8").reshape(4, 3)

    def make() -> Iterator[Array]:
        start = 0
        for count in rows:
            yield whole[start : start + count]
            start += count

    value = LazyTensor(DataType.INT64, (4, 3), make)
    assert_same(saved(value, tmp_path), whole)
    assert_same(saved(value, tmp_path / "again", Layout(num_shards=1)), whole)


@pytest.mark.parametrize(
    ("dtype", "shape", "pieces", "expected"),
    [
        pytest.param("bfloat16", (2,), [np.zeros(2, ml_dtypes.bfloat16)], [0, 0], id="bfloat16"),
        pytest.param("int16", (2,), [np.array([1, 300], ">i2")], [1, 300], id="big-endian"),
        pytest.param("int16", (2, 2), [np.arange(4, dtype="i2")], [[0, 1], [2, 3]], id="flat"),
        pytest.param("int16", (), [np.int16(7)], 7, id="a scalar"),
        pytest.param("int16", (0, 2), [], [], id="no elements and no arrays"),
        pytest.param("float64", (2,), [[1.5], [2.5]], [1.5, 2.5], id="lists"),
    ],
)
def test_what_a_lazy_tensor_may_be_made_of(
    dtype: str, shape: tuple[int, ...], pieces: list[object], expected: object, tmp_path: Path
) -> None:
    found = saved(LazyTensor(dtype, shape, lambda: iter(pieces)), tmp_path)
    assert found.shape == shape
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(
            LazyTensor("float32", (2,), lambda: np.zeros(2)), "float64, not float32", id="a type"
        ),
        pytest.param(
            LazyTensor("float32", (2,), lambda: iter([np.zeros(1, "f4"), np.zeros(1, "i4")])),
            "int32, not float32",
            id="the type of a second array",
        ),
        pytest.param(
            LazyTensor("float32", (2,), lambda: np.zeros(3, "f4")), "more elements", id="one more"
        ),
        pytest.param(
            LazyTensor("float32", (2,), lambda: iter([np.zeros(1, "f4")] * 3)),
            "more elements",
            id="an array more",
        ),
        pytest.param(
            LazyTensor("float32", (2,), lambda: np.zeros(1, "f4")), "4 bytes fewer", id="one fewer"
        ),
        pytest.param(LazyTensor("float32", (2,), lambda: iter([])), "8 bytes fewer", id="no array"),
        pytest.param(LazyTensor("string", (2,), lambda: [b"", b""]), "'string'", id="strings"),
        pytest.param(
            LazyTensor(DataType.STRING, (2,), lambda: [b"", b""]), "no type whose", id="STRING"
        ),
        pytest.param(LazyTensor("variant", (), lambda: 1), "'variant'", id="variants"),
        pytest.param(LazyTensor("resource", (), lambda: 1), "'resource'", id="resources"),
        pytest.param(LazyTensor("floaty", (), lambda: 1), "'floaty'", id="an unknown type"),
        pytest.param(LazyTensor("", (), lambda: 1), "''", id="no type"),
    ],
)
def test_a_lazy_tensor_that_is_not_what_it_said(
    value: LazyTensor, message: str, tmp_path: Path
) -> None:
    assert_refused(value, tmp_path, message)


def test_an_array_is_refused_before_the_next_is_made(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> Iterator[Array]:
        for number in range(1000):
            made.append(number)
            yield np.zeros(1, "f4")

    assert_refused(LazyTensor("float32", (2,), make), tmp_path, "more elements")
    assert made == [0, 1, 2]


def test_what_makes_a_lazy_tensor_is_called_once(tmp_path: Path) -> None:
    called: list[int] = []

    def make() -> Array:
        called.append(1)
        return np.zeros(2, "f4")

    saved(LazyTensor("float32", (2,), make), tmp_path, Layout(max_shard_bytes=100))
    assert called == [1]


# Nothing is held for longer than it takes


class Alive:
    """Makes arrays, and counts how many of those made before are still there."""

    def __init__(self, elements: int) -> None:
        self.elements = elements
        self.counts: list[int] = []
        self._made: list[weakref.ref[Array]] = []

    def make(self) -> Array:
        self.counts.append(sum(one() is not None for one in self._made))
        made = np.zeros(self.elements, "f4")
        self._made.append(weakref.ref(made))
        return made

    def pairs(self) -> Iterator[tuple[str, Array]]:
        for name in "dacb":
            yield name, self.make()

    def pieces(self) -> Iterator[Array]:
        for _ in range(4):
            yield self.make()


# Copied when they are looked at, of one block, and of more blocks than there are threads.
SIZES = [10, 30_000, 1_000_000]


@pytest.mark.parametrize("elements", SIZES)
@pytest.mark.parametrize(
    "layout", [Layout(), Layout(max_shard_bytes=1), Layout(max_shard_bytes=1 << 30)], ids=repr
)
def test_an_array_of_a_pair_is_let_go_before_the_next(
    layout: Layout, elements: int, tmp_path: Path
) -> None:
    alive = Alive(elements)
    pbckpt.save_checkpoint(alive.pairs(), tmp_path / "m", layout=layout, durability=NOT_DURABLE)
    assert alive.counts == [0, 0, 0, 0]


@pytest.mark.parametrize("elements", SIZES)
@pytest.mark.parametrize("layout", [Layout(), Layout(num_shards=1)], ids=["plain", "divided"])
def test_a_piece_of_a_lazy_tensor_is_let_go_before_the_next(
    layout: Layout, elements: int, tmp_path: Path
) -> None:
    alive = Alive(elements)
    value = LazyTensor("float32", (4, elements), alive.pieces)
    pbckpt.save_checkpoint(
        {"w": value, "x": value}, tmp_path / "m", layout=layout, durability=NOT_DURABLE
    )
    assert alive.counts == [0] * 8


@pytest.mark.parametrize("elements", SIZES)
def test_what_a_function_made_is_let_go_before_the_next(elements: int, tmp_path: Path) -> None:
    alive = Alive(elements)
    tensors = dict.fromkeys("abcd", alive.make)
    pbckpt.save_checkpoint(tensors, tmp_path / "m", durability=NOT_DURABLE)
    assert alive.counts == [0, 0, 0, 0]


class Making(Mapping[str, Any]):
    """A mapping that makes each value when it is asked for."""

    def __init__(self, alive: Alive) -> None:
        self.alive = alive

    def __getitem__(self, key: str) -> Array:
        return self.alive.make()

    def __iter__(self) -> Iterator[str]:
        return iter("abcd")

    def __len__(self) -> int:
        return 4


@pytest.mark.parametrize("elements", SIZES)
@pytest.mark.parametrize("layout", [Layout(), Layout(num_shards=1)], ids=["plain", "divided"])
def test_a_value_of_a_mapping_is_let_go_before_the_next(
    layout: Layout, elements: int, tmp_path: Path
) -> None:
    alive = Alive(elements)
    pbckpt.save_checkpoint(Making(alive), tmp_path / "m", layout=layout, durability=NOT_DURABLE)
    assert set(alive.counts) == {0}


# Partitioned tensors


@pytest.mark.parametrize(
    ("rows", "num_parts", "sizes"),
    [
        (10, 1, [10]),
        (10, 2, [5, 5]),
        (10, 3, [4, 3, 3]),
        (10, 4, [3, 3, 2, 2]),
        (10, 10, [1] * 10),
        (13, 12, [2, *[1] * 11]),
        (1, 1, [1]),
    ],
)
def test_a_tensor_is_cut_as_by_fixed_size_partitioner(
    rows: int, num_parts: int, sizes: list[int]
) -> None:
    whole = np.arange(2 * rows).reshape(rows, 2)
    parts = sorted(partition(whole, num_parts).parts, key=lambda part: part[0])
    assert [len(part) for _, part in parts] == sizes
    assert [origin for origin, _ in parts] == [(sum(sizes[:n]), 0) for n in range(num_parts)]
    assert np.array_equal(np.concatenate([part for _, part in parts]), whole)


def test_parts_are_stored_in_the_order_of_their_names() -> None:
    """TensorFlow's Saver sorts part_10:0 and part_11:0 before part_1:0."""
    parts = partition(np.arange(12), 12).parts
    assert [origin for origin, _ in parts] == [
        (0,), (10,), (11,), (1,), (2,), (3,), (4,), (5,), (6,), (7,), (8,), (9,)
    ]  # fmt: skip


@pytest.mark.parametrize("axis", [1, -1])
def test_columns_are_cut(axis: int) -> None:
    cut = partition(np.arange(6).reshape(2, 3), 2, axis=axis)
    assert cut.shape == (2, 3)
    assert [(origin, part.tolist()) for origin, part in cut.parts] == [
        ((0, 0), [[0, 1], [3, 4]]),
        ((0, 2), [[2], [5]]),
    ]


@pytest.mark.parametrize(
    ("value", "num_parts", "axis"),
    [
        pytest.param(np.zeros(3), 0, 0, id="no parts"),
        pytest.param(np.zeros(3), -1, 0, id="fewer than none"),
        pytest.param(np.zeros(3), 4, 0, id="more parts than rows"),
        pytest.param(np.float32(1), 1, 0, id="a scalar"),
        pytest.param(np.zeros(3), 1, 1, id="a dimension that it does not have"),
        pytest.param(np.zeros(3), 1, -2, id="one before the first"),
        pytest.param([[1], [1, 2]], 1, 0, id="no array"),
    ],
)
def test_what_cannot_be_cut(value: object, num_parts: int, axis: int) -> None:
    with pytest.raises(pbckpt.SelectionError):
        partition(value, num_parts, axis=axis)


def test_a_partitioned_tensor_is_stored_in_slices(tmp_path: Path) -> None:
    whole = np.arange(10, dtype="f4").reshape(5, 2)
    found = saved(partition(whole, 2), tmp_path)
    assert_same(found, whole)
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert list(checkpoint) == ["w"]
        assert checkpoint.entry("w").slices == (
            (Extent(0, 3), Extent(0, 2)),
            (Extent(3, 2), Extent(0, 2)),
        )
        assert checkpoint.info("w") == (DataType.FLOAT, (5, 2), 40, 2)


def test_a_single_part_is_stored_whole(tmp_path: Path) -> None:
    whole = np.arange(6, dtype="f4").reshape(3, 2)
    for number, value in enumerate(
        [partition(whole, 1), Partitioned((3, 2), (((0, 0), whole),)), whole]
    ):
        folder = tmp_path / str(number)
        assert_same(saved(value, folder), whole)
        assert (folder / "m.index").read_bytes() == (tmp_path / "0" / "m.index").read_bytes()
    with pbckpt.open_checkpoint(tmp_path / "0" / "m") as checkpoint:
        assert checkpoint.info("w").num_slices == 0


def test_slices_lie_in_the_order_in_which_they_are_given(tmp_path: Path) -> None:
    parts = (((2,), np.array([3], "u1")), ((0,), np.array([1, 2], "u1")))
    saved(Partitioned((3,), parts), tmp_path)
    assert (tmp_path / "m.data-00000-of-00001").read_bytes() == b"\x03\x01\x02"


def test_slices_lie_among_other_tensors_by_the_name_of_the_whole(tmp_path: Path) -> None:
    """A Saver sorts the parts of ``w`` before ``w/a``, whatever they are called."""
    tensors = {
        "w": partition(np.array([1, 2], "u1"), 2),
        "w/a": np.array([3], "u1"),
        "w/z": np.array([4], "u1"),
        "v": np.array([5], "u1"),
    }
    pbckpt.save_checkpoint(tensors, tmp_path / "m", durability=NOT_DURABLE)
    assert (tmp_path / "m.data-00000-of-00001").read_bytes() == b"\x05\x01\x02\x03\x04"


def test_slices_of_strings(tmp_path: Path) -> None:
    found = saved(Partitioned((3,), (((0,), [b"a", b""]), ((2,), ["é"]))), tmp_path)
    assert found.tolist() == [b"a", b"", b"\xc3\xa9"]


ONE = np.zeros(1, "f4")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(Partitioned((2,), ()), "do not cover", id="no parts"),
        pytest.param(Partitioned((2,), (((0,), ONE),)), "do not cover", id="a hole"),
        pytest.param(
            Partitioned((2,), (((0,), ONE), ((0,), ONE), ((1,), ONE))), "do not cover", id="twice"
        ),
        pytest.param(
            Partitioned((2,), (((0,), ONE), ((0,), np.zeros(2, "f4")))), "do not cover", id="over"
        ),
        pytest.param(Partitioned((2,), (((0,), ONE), ((2,), ONE))), "outside", id="behind it"),
        pytest.param(Partitioned((2,), (((-1,), ONE), ((1,), ONE))), "outside", id="before it"),
        pytest.param(
            Partitioned((2,), (((0,), ONE), ((1,), np.zeros(2, "f4")))),
            "outside",
            id="past its end",
        ),
        pytest.param(
            Partitioned((2,), (((0,), ONE), ((1,), np.zeros(0, "f4")))), "outside", id="of nothing"
        ),
        pytest.param(
            Partitioned((2,), (((0, 0), ONE), ((1, 0), ONE))), "1 dimensions", id="another rank"
        ),
        pytest.param(Partitioned((2,), (((), np.float32(1)),)), "slice", id="a scalar"),
        pytest.param(
            Partitioned((2, 1), (((0,), ONE), ((1,), ONE))), "slice", id="fewer dimensions"
        ),
        pytest.param(
            Partitioned((2,), (((0,), ONE), ((1,), np.zeros(1)))), "type", id="of two types"
        ),
        pytest.param(
            Partitioned((2,), (((0,), ONE), ((1,), [b"a"]))), "type", id="numbers and strings"
        ),
    ],
)
def test_parts_that_do_not_make_a_tensor(value: Partitioned, message: str, tmp_path: Path) -> None:
    assert_refused(value, tmp_path, message)


def test_a_grid_of_many_parts(tmp_path: Path) -> None:
    whole = np.arange(36, dtype="i2").reshape(6, 6)
    parts = tuple(
        ((row, column), whole[row : row + 2, column : column + 3])
        for row in (4, 0, 2)
        for column in (3, 0)
    )
    assert_same(saved(Partitioned((6, 6), parts), tmp_path), whole)


# Names


@pytest.mark.parametrize("large", [1, 100_000])
def test_a_name_of_two_pairs_leaves_nothing(large: int, tmp_path: Path) -> None:
    pairs = [("a", np.zeros(large)), ("b", 1.5), ("a", np.zeros(large))]
    with pytest.raises(pbckpt.SelectionError, match="two tensors under one name: 'a'"):
        pbckpt.save_checkpoint(pairs, tmp_path / "new" / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_two_pairs_leaves_what_was_there(tmp_path: Path) -> None:
    saved(np.zeros(3), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(pbckpt.SelectionError):
        pbckpt.save_checkpoint(
            iter([("a", 1), ("a", 2)]), tmp_path / "m", on_existing=pbckpt.OnExisting.REPLACE
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_pairs_lie_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    pairs = [("a", np.uint8(49)), ("b", np.uint8(50)), ("9", np.uint8(57))]
    pbckpt.save_checkpoint(pairs, tmp_path / "m")
    assert (tmp_path / "m.data-00000-of-00001").read_bytes() == b"129"
    assert list(pbckpt.load_checkpoint(tmp_path / "m")) == ["9", "a", "b"]


def test_no_pairs(tmp_path: Path) -> None:
    pbckpt.save_checkpoint([], tmp_path / "m")
    assert pbckpt.load_checkpoint(tmp_path / "m") == {}


@pytest.mark.parametrize("name", ["", b"w", None, 1])
def test_what_is_no_name_of_a_pair(name: Any, tmp_path: Path) -> None:  # noqa: ANN401
    with pytest.raises(pbckpt.SelectionError, match="a tensor's name is text"):
        pbckpt.save_checkpoint([("a", 1), (name, 2)], tmp_path / "new" / "m")
    assert list(tmp_path.iterdir()) == []
