"""Edits that choose and rename: the files are those of a Saver for the new names."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from tests.shared_material import ABSENT, ROOT
from tests.unit.commands.material import FAST, GOLDEN, files, held, placed, saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

MODEL = {
    "model/conv1/bias": np.array([1, 2], np.float32),
    "model/conv1/kernel": np.array([[1, 2], [3, 4]], np.float32),
    "model/conv2/bias": np.array([3], np.float32),
    "model/step": np.int64(9),
    "other": np.array([b"text"], object),
}
SELECT = pbckpt.Selection
RAW_SLICES = ROOT / "golden" / "tf2" / "raw_slices"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "model", MODEL)


def names(model: Path, edits: pbckpt.Edits) -> dict[str, str]:
    """Return new name -> old name of what an edit would write."""
    report = pbckpt.edit(model, model.with_name("out"), edits=edits, dry_run=True)
    return {one.new: one.old for one in report.tensors}


def test_a_renamed_checkpoint_is_that_of_a_saver(model: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(renames=(r"model/conv*/*=z\1/\2", "other=a"))
    pbckpt.edit(model, tmp_path / "out", edits=edits, durability=FAST)
    assert files(tmp_path / "out") == files(
        saved(
            tmp_path / "expected",
            {
                "z1/bias": MODEL["model/conv1/bias"],
                "z1/kernel": MODEL["model/conv1/kernel"],
                "z2/bias": MODEL["model/conv2/bias"],
                "model/step": MODEL["model/step"],
                "a": MODEL["other"],
            },
        )
    )
    # The text comes first now, then the step, as their names sort.
    assert placed(tmp_path / "out") == {
        "a": (0, 0, 9),
        "model/step": (0, 9, 8),
        "z1/bias": (0, 17, 8),
        "z1/kernel": (0, 25, 16),
        "z2/bias": (0, 41, 4),
    }


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            pbckpt.Edits(SELECT(include=("*conv1*", "other"))),
            {name: name for name in ("model/conv1/bias", "model/conv1/kernel", "other")},
        ),
        (
            pbckpt.Edits(SELECT(exclude=("re:model/conv[12]/.*",))),
            {"model/step": "model/step", "other": "other"},
        ),
        (
            pbckpt.Edits(SELECT(include=("model/*",), exclude=("*bias",), take=("*2/bias",))),
            {name: name for name in ("model/conv1/kernel", "model/conv2/bias", "model/step")},
        ),
        (
            pbckpt.Edits(SELECT(exclude=("other",)), strip_prefix="model/"),
            {
                "conv1/bias": "model/conv1/bias",
                "conv1/kernel": "model/conv1/kernel",
                "conv2/bias": "model/conv2/bias",
                "step": "model/step",
            },
        ),
        (
            pbckpt.Edits(SELECT(include=("other",)), add_prefix="top:"),
            {"top:other": "other"},
        ),
        (
            pbckpt.Edits(SELECT(include=("*bias",)), renames=(r"re:model/(\w+)(\d)/.*=\2\1",)),
            {"1conv": "model/conv1/bias", "2conv": "model/conv2/bias"},
        ),
        (
            pbckpt.Edits(SELECT(include=("*bias",)), renames=(r"re:.*(?P<n>\d).*=b\g<n>",)),
            {"b1": "model/conv1/bias", "b2": "model/conv2/bias"},
        ),
        # One after the other: the second renames what the first made.
        (pbckpt.Edits(SELECT(include=("other",)), renames=("other=x", "x=y")), {"y": "other"}),
        # A table looks at the names as they were before it: it may swap them.
        (
            pbckpt.Edits(
                SELECT(include=("*bias",)),
                renames=(
                    {
                        "model/conv1/bias": "model/conv2/bias",
                        "model/conv2/bias": "model/conv1/bias",
                    },
                ),
            ),
            {
                "model/conv1/bias": "model/conv2/bias",
                "model/conv2/bias": "model/conv1/bias",
            },
        ),
        # The order of all: select, rename, strip, add.
        (
            pbckpt.Edits(
                SELECT(include=("other", "*step")),
                renames=({"other": "model/o"}, "model/o=model/p"),
                strip_prefix="model/",
                add_prefix="model/new/",
            ),
            {"model/new/p": "other", "model/new/step": "model/step"},
        ),
        # The last = divides, for a name may hold one.
        (
            pbckpt.Edits(SELECT(include=("other",)), renames=("other=a", "a=b", "b=c")),
            {"c": "other"},
        ),
    ],
)
def test_names_that_tensors_get(model: Path, edits: pbckpt.Edits, expected: dict[str, str]) -> None:
    assert names(model, edits) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.json", '{"other": "x", "model/step": "y"}'),
        ("map.csv", "other,x\nmodel/step,y\n"),
        ("map.tsv", "other\tx\r\nmodel/step\ty"),
        ("map.txt", '\ufeff"other","x"\n\nmodel/step,y'),
    ],
)
def test_maps_of_all_kinds(name: str, text: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    table = pbckpt.read_map(tmp_path / name)
    found = names(model, pbckpt.Edits(SELECT(exclude=("*conv*",)), renames=(table,)))
    assert found == {"x": "other", "y": "model/step"}


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"a\udcff": np.float32(1), "b": np.float32(2)})
    edits = pbckpt.Edits(renames=("b=\udcfe", r"re:a(.)=\1"))
    pbckpt.edit(source, tmp_path / "out", edits=edits, durability=FAST)
    assert held(tmp_path / "out") == {
        "\udcff": ("float32", (), 1),
        "\udcfe": ("float32", (), 2),  # noqa: F601 - ruff takes them for the same
    }


def in_parts(array: npt.NDArray[Any], count: int, axis: int = 0) -> pbckpt.Partitioned:
    """Cut an array as a Saver stores it, which sorts ``part_10:0`` before ``part_1:0``."""
    shape, parts = pbckpt.partition(array, count, axis)
    by_origin = sorted(parts, key=itemgetter(0))
    order = sorted(range(count), key="{}:0".format)
    return pbckpt.Partitioned(shape, tuple(by_origin[number] for number in order))


def renamed_partitions(prefix: Path, name: Callable[[str], str]) -> Path:
    """Save what the golden partitioned checkpoint holds, under other names."""
    wide = np.arange(20, dtype=np.int32).reshape(4, 5)
    embedding = np.arange(78, dtype=np.float32).reshape(26, 3)
    return saved(
        prefix,
        {
            name("embedding"): in_parts(embedding, 11),
            name("in_one_part"): np.ones(2, np.float32),
            name("plain"): np.float32(3),
            name("wide"): in_parts(wide, 2, axis=1),
        },
    )


@pytest.mark.parametrize("version", ["tf1", "tf2"])
def test_partitioned_tensors_keep_their_slices(version: str, tmp_path: Path) -> None:
    source = GOLDEN / version / "partitioned" / "ckpt"
    assert files(source) == files(renamed_partitions(tmp_path / "same", str))
    edits = pbckpt.Edits(renames=(r"re:(.*)=scope/\1",))
    pbckpt.edit(source, tmp_path / "out", edits=edits, durability=FAST)
    expected = renamed_partitions(tmp_path / "expected", "scope/{}".format)
    assert files(tmp_path / "out") == files(expected)


def test_parts_are_cut_in_the_order_of_a_saver() -> None:
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    _, parts = pbckpt.partition(np.zeros((26, 3)), 11)
    assert [start for (start, _), _ in parts] == [
        part[0][0] for part in slices(source)["embedding"]
    ]


def test_partitioned_tensors_are_ordered_by_their_new_names(tmp_path: Path) -> None:
    """To a Saver the slices of z are one variable of that name: they come before z/a."""
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    new = {"embedding": "z", "in_one_part": "z/a", "plain": "z/q", "wide": "a"}
    pbckpt.edit(source, tmp_path / "out", edits=pbckpt.Edits(renames=(new,)), durability=FAST)
    expected = renamed_partitions(tmp_path / "expected", new.__getitem__)
    assert files(tmp_path / "out") == files(expected)
    where = placed(tmp_path / "out")
    # a is 80 bytes; the parts of z, z/a, z/q.
    assert (where["z/a"], where["z/q"]) == ((0, 80 + 312, 8), (0, 80 + 312 + 8, 4))


def test_partitioned_tensors_are_joined(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    pbckpt.edit(source, tmp_path / "out", join_slices=True, durability=FAST)
    whole = pbckpt.load_checkpoint(source)
    assert files(tmp_path / "out") == files(saved(tmp_path / "expected", whole))
    assert whole["wide"].tolist()[1] == [5, 6, 7, 8, 9]


needs_raw_slices = pytest.mark.skipif(not RAW_SLICES.is_dir(), reason=ABSENT)


@needs_raw_slices
def test_raw_slices_are_renamed(tmp_path: Path) -> None:
    """SaveV2 stores what it is told, in the order in which it is told."""
    source = RAW_SLICES / "ckpt"
    pbckpt.edit(source, tmp_path / "m", edits=pbckpt.Edits(add_prefix="x/"), durability=FAST)
    assert held(tmp_path / "m") == {f"x/{key}": value for key, value in held(source).items()}
    assert slices(tmp_path / "m") == {f"x/{key}": value for key, value in slices(source).items()}
    assert slices(source)["w"] == (((0, 2), (0, None)), ((2, 1), (0, None)))
    where = placed(tmp_path / "m")
    whole = [key for key in sorted(where) if not slices(tmp_path / "m")[key]]
    assert [where[key][1] for key in whole] == [0, 3, 7, 15]


@needs_raw_slices
def test_slices_that_do_not_cover_a_tensor_are_renamed(tmp_path: Path) -> None:
    source = RAW_SLICES / "partial"
    there, back = pbckpt.Edits(renames=("w=v",)), pbckpt.Edits(renames=("v=w",))
    pbckpt.edit(source, tmp_path / "m", edits=there, durability=FAST)
    assert slices(tmp_path / "m") == {"v": (((0, 2), (0, None)),)}
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=back, durability=FAST)
    assert files(tmp_path / "n") == files(source)
    with pytest.raises(pbckpt.CorruptFileError, match="do not cover it"):
        pbckpt.edit(source, tmp_path / "out" / "m", join_slices=True, durability=FAST)
    assert not (tmp_path / "out").exists()


@needs_raw_slices
def test_slices_of_a_key_that_is_no_text(tmp_path: Path) -> None:
    source = RAW_SLICES / "weird"
    (name,) = held(source)
    there = pbckpt.Edits(renames=({name: "a"},))
    back = pbckpt.Edits(renames=({"a": name},))
    pbckpt.edit(source, tmp_path / "m", edits=there, durability=FAST)
    assert held(tmp_path / "m") == {"a": ("int8", (3,), [1, 2, 3])}
    pbckpt.edit(tmp_path / "m", tmp_path / "n", edits=back, durability=FAST)
    assert files(tmp_path / "n") == files(source)


def slices(prefix: Path) -> dict[str, tuple[tuple[tuple[int, int | None], ...], ...]]:
    """Return the extents of the slices of each tensor."""
    contents = pbckpt.inspect(prefix)
    assert isinstance(contents, pbckpt.CheckpointContents)
    return {
        key: tuple(tuple((start, length) for start, length in part) for part in entry.slices)
        for key, entry in contents.entries
    }


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (
            pbckpt.Layout(num_shards=2),
            {"a": (0, 0, 40), "b": (1, 0, 20), "c": (1, 20, 16), "d": (1, 36, 4)},
        ),
        (
            pbckpt.Layout(num_shards=9),
            {"a": (0, 0, 40), "b": (1, 0, 20), "c": (2, 0, 16), "d": (3, 0, 4)},
        ),
        (
            pbckpt.Layout(max_shard_bytes=24),
            {"a": (0, 0, 40), "b": (1, 0, 20), "c": (2, 0, 16), "d": (2, 16, 4)},
        ),
        (
            pbckpt.Layout(shard_of=lambda name: int(name in "ad")),
            {"b": (0, 0, 20), "c": (0, 20, 16), "a": (1, 0, 40), "d": (1, 40, 4)},
        ),
    ],
)
def test_shards(
    layout: pbckpt.Layout, expected: dict[str, tuple[int, int, int]], tmp_path: Path
) -> None:
    sizes = {"a": 10, "b": 5, "c": 4, "d": 1}
    tensors = {name: np.full(size, size, np.float32) for name, size in sizes.items()}
    source = saved(tmp_path / "m", tensors)
    pbckpt.edit(source, tmp_path / "out", layout=layout, durability=FAST)
    assert placed(tmp_path / "out") == expected
    assert files(tmp_path / "out") == files(saved(tmp_path / "expected", tensors, layout))
    assert held(tmp_path / "out") == held(source)


def test_one_shard_of_several(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "sharded2" / "ckpt"
    assert placed(source)["a/first"][0] == 1
    one = pbckpt.Layout(num_shards=1)
    pbckpt.edit(source, tmp_path / "out", layout=one, durability=FAST)
    assert placed(tmp_path / "out") == {
        "a/first": (0, 0, 12),
        "b/second": (0, 12, 16),
        "c/third": (0, 28, 8),
        "d/fourth": (0, 36, 16),
    }
    assert held(tmp_path / "out") == held(source)


def test_everything_together(model: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(
        SELECT(include=("model/*",), exclude=("*/step",), take=("other",)),
        renames=({"other": "model/text"}, r"model/conv*/kernel=model/w\1"),
        strip_prefix="model/",
        add_prefix="net/",
        casts=("net/w?=float16",),
        settings=("net/step=int64:0", "net/new=bool:[true, false]"),
    )
    layout = pbckpt.Layout(num_shards=2)
    pbckpt.edit(model, tmp_path / "out", edits=edits, layout=layout, durability=FAST)
    assert held(tmp_path / "out") == {
        "net/conv1/bias": ("float32", (2,), [1, 2]),
        "net/conv2/bias": ("float32", (1,), [3]),
        "net/new": ("bool", (2,), [True, False]),
        "net/step": ("int64", (), 0),
        "net/text": ("string", (1,), [b"text"]),
        "net/w1": ("float16", (2, 2), [[1, 2], [3, 4]]),
    }
    assert len(files(tmp_path / "out")) == 3
