"""Shards: how tensors are divided among them, the same way each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from pbckpt.arrays.values import LazyTensor, Partitioned, partition
from pbckpt.bundle.payload import Tensor
from pbckpt.checkpoints.layout import Format, Item, Layout, arrange, arrange_stream
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NAME_LAYOUTS = [
    Layout(),
    Layout(num_shards=1),
    Layout(num_shards=3),
    Layout(max_shard_bytes=1),
    Layout(max_shard_bytes=100),
    Layout(max_shard_bytes=1 << 40),
    Layout(shard_of=len),
]


def item(name: str, nbytes: int) -> Item:
    key = BundleKey(name.encode())
    tensor = Tensor(key, DataType.UINT8, (nbytes,), bytes(nbytes))
    return Item(key, nbytes, lambda: iter([tensor]), key)


def items(*sizes: int) -> list[Item]:
    """Return items called a, b, c and so on."""
    return [item(chr(97 + number), nbytes) for number, nbytes in enumerate(sizes)]


def names_of(shards: Iterable[Iterable[Tensor]]) -> list[str]:
    """Return the names of each shard, joined."""
    return ["".join(tensor.key.decode() for tensor in shard) for shard in shards]


def divided(sizes: list[int], layout: Layout) -> list[str]:
    return names_of(arrange(items(*sizes), layout).shards)


# A number of shards


@pytest.mark.parametrize(
    ("sizes", "num_shards", "expected"),
    [
        pytest.param([1, 1, 1, 1], 2, ["ac", "bd"], id="turn by turn"),
        pytest.param([1, 2, 3, 4], 2, ["ad", "bc"], id="the largest with the smallest"),
        pytest.param([10, 1, 1, 1], 2, ["a", "bcd"], id="one large, the others together"),
        pytest.param([1, 1, 1, 10], 2, ["abc", "d"], id="the large one last"),
        pytest.param([5, 5, 5], 3, ["a", "b", "c"], id="one each"),
        pytest.param([5, 5], 1, ["ab"], id="one shard"),
        pytest.param([5, 5], 7, ["a", "b"], id="more shards than tensors"),
        pytest.param([0, 0, 0, 0], 2, ["ac", "bd"], id="empty tensors are spread"),
        pytest.param([0], 3, ["a"], id="an empty tensor"),
        pytest.param([], 3, [""], id="nothing"),
    ],
)
def test_a_number_of_shards(sizes: list[int], num_shards: int, expected: list[str]) -> None:
    assert divided(sizes, Layout(num_shards=num_shards)) == expected


@pytest.mark.parametrize("num_shards", [2, 3, 7, 16])
def test_shards_are_about_as_large(num_shards: int) -> None:
    sizes = [number * 7919 % 1000 for number in range(200)]
    shards = arrange(items(*sizes), Layout(num_shards=num_shards)).shards
    totals = [sum(tensor.shape[0] for tensor in shard) for shard in shards]
    assert len(totals) == num_shards
    assert sum(totals) == sum(sizes)
    assert max(totals) - min(totals) <= 1000


@pytest.mark.parametrize("layout", NAME_LAYOUTS, ids=repr)
def test_the_same_tensors_are_divided_the_same_way(layout: Layout) -> None:
    sizes = [number * 7919 % 100 for number in range(60)]
    assert divided(sizes, layout) == divided(sizes, layout)
    assert sorted("".join(divided(sizes, layout))) == sorted(map(chr, range(97, 157)))


def test_items_may_come_in_any_order() -> None:
    """Their data lies as each of them says, in its shard."""
    given = [
        one._replace(order=one.key[::-1]) for one in (item("bz", 4), item("ay", 4), item("cx", 4))
    ]
    assert names_of(arrange(given, Layout()).shards) == ["cxaybz"]
    assert names_of(arrange(given[::-1], Layout(num_shards=2)).shards) == ["cxbz", "ay"]


@pytest.mark.parametrize("layout", NAME_LAYOUTS, ids=repr)
def test_the_order_within_a_shard_is_that_of_the_names(layout: Layout) -> None:
    sizes = [number * 7919 % 100 for number in range(60)]
    for shard in divided(sizes, layout):
        assert list(shard) == sorted(shard)


# A size of shards


@pytest.mark.parametrize(
    ("sizes", "max_bytes", "expected"),
    [
        pytest.param([4, 4, 4, 4], 8, ["ac", "bd"], id="full shards"),
        pytest.param([4, 4, 4], 8, ["ac", "b"], id="one that is half full"),
        pytest.param([5, 5, 5], 9, ["a", "b", "c"], id="two that do not fit together"),
        pytest.param([5, 100, 5], 10, ["ac", "b"], id="one that is over the limit"),
        pytest.param([100, 200], 10, ["a", "b"], id="all over the limit"),
        pytest.param([10], 10, ["a"], id="one at the limit"),
        pytest.param([0, 0, 0], 10, ["abc"], id="empty tensors"),
        pytest.param([], 10, [""], id="nothing"),
        pytest.param([6, 6, 4, 4], 10, ["ac", "bd"], id="pairs that fit"),
    ],
)
def test_a_size_of_shards(sizes: list[int], max_bytes: int, expected: list[str]) -> None:
    assert divided(sizes, Layout(max_shard_bytes=max_bytes)) == expected


@pytest.mark.parametrize("max_bytes", [1, 10, 99, 500, 5000])
def test_no_shard_is_over_the_limit_unless_one_tensor_is(max_bytes: int) -> None:
    sizes = [number * 7919 % 100 for number in range(300)]
    shards = [
        list(shard) for shard in arrange(items(*sizes), Layout(max_shard_bytes=max_bytes)).shards
    ]
    for shard in shards:
        total = sum(tensor.shape[0] for tensor in shard)
        assert total <= max_bytes or len(shard) == 1
    assert sum(map(len, shards)) == 300


# A function


def test_a_function_tells_the_shard_of_each_name() -> None:
    asked: list[str] = []

    def shard_of(name: str) -> int:
        asked.append(name)
        return {"a": 2, "b": 0, "c": 2}[name]

    assert divided([1, 1, 1], Layout(shard_of=shard_of)) == ["b", "", "ac"]
    assert asked == ["a", "b", "c"]


def test_a_function_is_asked_nothing_where_there_is_nothing() -> None:
    assert divided([], Layout(shard_of=lambda _: 1 // 0)) == [""]


def test_a_shard_has_no_negative_number() -> None:
    with pytest.raises(pbckpt.SelectionError, match="not negative, as -1 is"):
        divided([1, 1], Layout(shard_of=lambda name: -1 if name == "b" else 0))


# What makes no sense


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (
            Layout(num_shards=2, max_shard_bytes=3),
            r"\(num_shards\) and \S+ \(max_shard_bytes\) exclude",
        ),
        (Layout(num_shards=2, shard_of=len), r"\(num_shards\) and shard_of exclude"),
        (Layout(max_shard_bytes=2, shard_of=len), r"\(max_shard_bytes\) and shard_of exclude"),
        (
            Layout(num_shards=1, max_shard_bytes=2, shard_of=len),
            r"\(num_shards\) and \S+ \(max_shard_bytes\) and shard_of exclude",
        ),
        (Layout(num_shards=0), r"\(num_shards\) is at least 1, not 0"),
        (Layout(num_shards=-1), r"\(num_shards\) is at least 1, not -1"),
        (Layout(max_shard_bytes=0), r"\(max_shard_bytes\) is at least 1, not 0"),
        (Layout(max_shard_bytes=-5), r"\(max_shard_bytes\) is at least 1, not -5"),
        (Layout(save_counter=1), "counts no saves"),
        (Layout(save_counter=0), "counts no saves"),
    ],
)
@pytest.mark.parametrize("pairs", [False, True])
def test_a_layout_that_makes_no_sense(
    layout: Layout,
    message: str,
    pairs: bool,  # noqa: FBT001 - of the table
    tmp_path: Path,
) -> None:
    tensors: Any = {"a": np.zeros(2)}
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.save_checkpoint(tensors.items() if pairs else tensors, tmp_path / "m", layout=layout)
    assert list(tmp_path.iterdir()) == []


def test_a_format_may_be_given_as_its_text(tmp_path: Path) -> None:
    text: Any = "name"
    pbckpt.save_checkpoint({"a": np.zeros(2)}, tmp_path / "m", layout=Layout(format=text))
    text = "melted"
    with pytest.raises(ValueError, match="melted"):
        pbckpt.save_checkpoint({"a": np.zeros(2)}, tmp_path / "n", layout=Layout(format=text))
    assert list(pbckpt.load_checkpoint(tmp_path / "m")) == ["a"]
    assert not (tmp_path / "n.index").exists()


# Pairs, of which none is known before its turn


@pytest.mark.parametrize(
    ("sizes", "max_bytes", "expected"),
    [
        pytest.param([4, 4, 4], 8, ["ab", "c"], id="as they come"),
        pytest.param([1, 8, 1], 8, ["a", "b", "c"], id="what would not fit begins the next"),
        pytest.param([4, 100, 4, 4], 8, ["a", "b", "cd"], id="one over the limit is alone"),
        pytest.param([8, 0, 0, 1], 8, ["abc", "d"], id="empty ones fit always"),
        pytest.param([0, 0], 8, ["ab"], id="empty ones alone"),
        pytest.param([0, 9, 0], 8, ["ab", "c"], id="an empty one leaves room for a large one"),
        pytest.param([], 8, [""], id="nothing"),
        pytest.param([9], 8, ["a"], id="one that is too large"),
    ],
)
def test_pairs_fill_shards_as_they_come(
    sizes: list[int], max_bytes: int, expected: list[str]
) -> None:
    stream = arrange_stream(iter(items(*sizes)), Layout(max_shard_bytes=max_bytes))
    assert names_of(stream.shards) == expected


def test_pairs_are_asked_for_one_ahead_at_most() -> None:
    asked: list[str] = []

    def coming() -> Iterator[Item]:
        for one in items(4, 4, 4, 4):
            asked.append(one.key.decode())
            yield one

    shards = iter(arrange_stream(coming(), Layout(max_shard_bytes=8)).shards)
    first = iter(next(shards))
    assert len(asked) <= 1
    assert next(iter(first)).key == b"a"
    assert len(asked) <= 2
    assert [tensor.key for tensor in first] == [b"b"]
    assert asked == ["a", "b", "c"]


@pytest.mark.parametrize("layout", [Layout(num_shards=2), Layout(shard_of=len)], ids=repr)
def test_pairs_cannot_be_divided_beforehand(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="give a mapping"):
        pbckpt.save_checkpoint([("a", 1)], tmp_path / "m", layout=layout)
    assert list(tmp_path.iterdir()) == []


# On disk


def all_tensors() -> dict[str, Any]:
    """Tensors of all kinds, by name."""
    return {
        "a": np.arange(100, dtype="f4"),
        "b": np.arange(50, dtype="f8"),
        "c": [b"hello", b""],
        "d": np.zeros((0, 3), "i4"),
        "e": LazyTensor("int16", (30,), lambda: np.arange(30, dtype="i2")),
        "f": partition(np.arange(60, dtype="f4").reshape(20, 3), 3),
        "g": np.int64(7),
    }


EXPECTED = {
    "a": np.arange(100, dtype="f4"),
    "b": np.arange(50, dtype="f8"),
    "c": np.array([b"hello", b""], object),
    "d": np.zeros((0, 3), "i4"),
    "e": np.arange(30, dtype="i2"),
    "f": np.arange(60, dtype="f4").reshape(20, 3),
    "g": np.int64(7),
}


def assert_right(prefix: Path, num_shards: int | None = None) -> None:
    assert pbckpt.verify(prefix).problems == ()
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == list(EXPECTED)
        for key, value in EXPECTED.items():
            assert checkpoint[key].tolist() == np.asarray(value).tolist()
            assert checkpoint[key].dtype == np.asarray(value).dtype
        if num_shards is not None:
            assert checkpoint.num_shards == num_shards


@pytest.mark.parametrize(
    ("layout", "num_shards"),
    [
        (Layout(), 1),
        (Layout(num_shards=1), 1),
        (Layout(num_shards=3), 3),
        (Layout(num_shards=100), 7),
        (Layout(max_shard_bytes=1), None),
        (Layout(max_shard_bytes=500), None),
        (Layout(max_shard_bytes=1 << 30), 1),
        (Layout(shard_of=lambda name: "abcdefg".index(name) // 2), 4),
    ],
)
def test_what_is_saved_in_shards_is_read(
    layout: Layout, num_shards: int | None, tmp_path: Path
) -> None:
    pbckpt.save_checkpoint(all_tensors(), tmp_path / "m", layout=layout)
    assert_right(tmp_path / "m", num_shards)
    files = sorted(path.name for path in tmp_path.glob("m.data-*"))
    count = len(files)
    assert files == [f"m.data-{n:05d}-of-{count:05d}" for n in range(count)]


@pytest.mark.parametrize("max_bytes", [1, 100, 500, 1 << 30])
def test_pairs_in_shards_are_read(max_bytes: int, tmp_path: Path) -> None:
    pairs = iter(list(all_tensors().items())[::-1])
    layout = Layout(max_shard_bytes=max_bytes)
    pbckpt.save_checkpoint(pairs, tmp_path / "m", layout=layout)
    assert_right(tmp_path / "m")


def test_the_same_files_each_time(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        tensors = all_tensors()
        if folder == "second":
            tensors = dict(reversed(tensors.items()))
        pbckpt.save_checkpoint(tensors, tmp_path / folder / "m", layout=Layout(num_shards=3))
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("first", "second")
    )
    assert first == second


def test_nothing_in_shards(tmp_path: Path) -> None:
    for number, layout in enumerate(NAME_LAYOUTS):
        prefix = tmp_path / str(number)
        pbckpt.save_checkpoint({}, prefix, layout=layout)
        assert pbckpt.load_checkpoint(prefix) == {}
        with pbckpt.open_checkpoint(prefix) as checkpoint:
            assert checkpoint.num_shards == 1
        assert pbckpt.verify(prefix).ok


def test_a_shard_that_no_tensor_is_in(tmp_path: Path) -> None:
    layout = Layout(shard_of=lambda name: 2 if name == "a" else 0)
    pbckpt.save_checkpoint({"a": np.uint8(1), "b": np.uint8(2)}, tmp_path / "m", layout=layout)
    assert pbckpt.verify(tmp_path / "m").problems == ()
    assert sorted(path.name for path in tmp_path.glob("m.data-*")) == [
        "m.data-00000-of-00003",
        "m.data-00001-of-00003",
        "m.data-00002-of-00003",
    ]


def test_slices_stay_together_in_the_shard_of_their_tensor(tmp_path: Path) -> None:
    tensors = {"a": partition(np.arange(4), 2), "b": partition(np.arange(4), 4), "c": np.arange(3)}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", layout=Layout(num_shards=2))
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert {checkpoint.entry(key).shard_id for key in "ab"} == {0, 1}
    for shard_id in (0, 1):
        path = tmp_path / f"m.data-0000{shard_id}-of-00002"
        path.write_bytes(b"")
        bad = {problem.key for problem in pbckpt.verify(tmp_path / "m").problems}
        assert bad & {"a", "b"}


# Object graphs


def object_format(name: str) -> Format:
    pytest.importorskip("pbckpt.objects.flat")
    return Format(name)


GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@pytest.mark.parametrize("num_shards", [None, 1, 2])
@pytest.mark.parametrize("pairs", [False, True])
def test_an_object_based_checkpoint(
    num_shards: int | None,
    pairs: bool,  # noqa: FBT001 - of the table
    tmp_path: Path,
) -> None:
    if pairs and num_shards:
        pytest.skip("pairs have no number of shards")
    layout = Layout(object_format("object"), num_shards=num_shards)
    tensors: Any = {"b": np.arange(3), "a": np.float32(1)}
    tensors = iter(tensors.items()) if pairs else tensors
    pbckpt.save_checkpoint(tensors, tmp_path / "m", layout=layout)
    assert pbckpt.verify(tmp_path / "m").problems == ()
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert list(checkpoint) == [
            GRAPH,
            "a/.ATTRIBUTES/VARIABLE_VALUE",
            "b/.ATTRIBUTES/VARIABLE_VALUE",
        ]
        assert checkpoint.num_shards == (num_shards or 1)
        assert checkpoint.keys_by_path() == {
            "a": "a/.ATTRIBUTES/VARIABLE_VALUE",
            "b": "b/.ATTRIBUTES/VARIABLE_VALUE",
        }
        assert checkpoint["b/.ATTRIBUTES/VARIABLE_VALUE"].tolist() == [0, 1, 2]


def test_a_checkpoint_for_both(tmp_path: Path) -> None:
    layout = Layout(object_format("both"), max_shard_bytes=30)
    tensors = {"a": np.float32(1), "b": np.arange(3), "c": np.arange(3)}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", layout=layout)
    assert pbckpt.verify(tmp_path / "m").problems == ()
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert [key for key in checkpoint if "/" not in key] == [GRAPH, "a", "b", "c"]
        for key in "abc":
            other = f"{key}/.ATTRIBUTES/VARIABLE_VALUE"
            assert checkpoint.entry(key) == checkpoint.entry(other)
            assert checkpoint[key].tolist() == checkpoint[other].tolist()


def test_a_counter_of_saves(tmp_path: Path) -> None:
    layout = Layout(object_format("object"), save_counter=3)
    pbckpt.save_checkpoint({"a": np.float32(1)}, tmp_path / "m", layout=layout)
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        counter = checkpoint["save_counter/.ATTRIBUTES/VARIABLE_VALUE"]
        assert (counter.dtype.name, counter.shape, counter.item()) == ("int64", (), 3)
        assert sorted(checkpoint.keys_by_path()) == ["a", "save_counter"]


@pytest.mark.parametrize("name", ["object", "both"])
def test_an_object_graph_has_no_slices(name: str, tmp_path: Path) -> None:
    value = Partitioned((2,), (((0,), np.zeros(1)), ((1,), np.zeros(1))))
    with pytest.raises(pbckpt.SelectionError, match="'p' is partitioned"):
        pbckpt.save_checkpoint({"p": value}, tmp_path / "m", layout=Layout(object_format(name)))
    assert list(tmp_path.iterdir()) == []


def test_an_object_graph_of_nothing(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({}, tmp_path / "m", layout=Layout(object_format("object")))
    assert list(pbckpt.load_checkpoint(tmp_path / "m")) == [GRAPH]
    pbckpt.save_checkpoint([], tmp_path / "n", layout=Layout(object_format("both")))
    assert list(pbckpt.load_checkpoint(tmp_path / "n")) == [GRAPH]
