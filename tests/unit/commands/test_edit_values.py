"""Edits that change values: casts, settings, averages and slots of optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import FAST, GOLDEN, files, held, listing, placed, saved

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = {
    "big": np.array([1e10, -1e39], np.float64),
    "bool": np.array([True, False]),
    "c": np.array([1 + 2j], np.complex64),
    "f": np.array([1.5, -2.7, 300], np.float32),
    "i": np.array([1, -2, 300], np.int64),
    "nan": np.array([np.nan, np.inf, -np.inf], np.float32),
    "q": np.array([0, 7], np.int32),
    "s": np.array([b"text"], object),
    "u": np.array([2**64 - 1], np.uint64),
}


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    return saved(tmp_path / "in" / "m", NUMBERS)


@pytest.mark.parametrize(
    ("cast", "stored"),
    [
        ("f=float16", "003e66c1b05c"),
        ("f=half", "003e66c1b05c"),
        ("f=bfloat16", "c03f2dc09643"),
        ("f=float8_e4m3fn", "3cc379"),
        ("f=float8_e5m2", "3ec15d"),
        ("f=float64", "000000000000f83f000000a0999905c00000000000c07240"),
        ("f=int32", "01000000feffffff2c010000"),
        ("f=int16", "0100feff2c01"),
        ("f=complex64", "0000c03f00000000cdcc2cc0000000000000964300000000"),
        ("i=float16", "003c00c0b05c"),
        ("i=float32", "0000803f000000c000009643"),
        ("i=int16", "0100feff2c01"),
        ("i=bool", "010101"),
        ("bool=float32", "0000803f00000000"),
        ("bool=int8", "0100"),
        ("q=uint4", "0007"),
        ("q=int64", "00000000000000000700000000000000"),
        ("nan=float16", "007e007c00fc"),
        ("nan=bfloat16", "c07f807f80ff"),
        ("u=float32", "0000805f"),
        ("c=complex128", "000000000000f03f0000000000000040"),
    ],
)
def test_casts(cast: str, stored: str, numbers: Path, tmp_path: Path) -> None:
    name, _, dtype = cast.partition("=")
    only = pbckpt.Selection(include=(name,))
    pbckpt.edit(numbers, tmp_path / "m", edits=pbckpt.Edits(only, casts=(cast,)), durability=FAST)
    assert files(tmp_path / "m")[".data-00000-of-00001"].hex() == stored
    label = {"half": "float16"}.get(dtype, dtype)
    assert held(tmp_path / "m")[name][:2] == (label, NUMBERS[name].shape)


@pytest.mark.parametrize(
    ("cast", "message"),
    [
        ("f=int8", "'f': 1 or more of its numbers, such as 300.0, do not fit int8"),
        ("f=uint8", "'f': 2 or more of its numbers, such as -2.7"),
        ("i=int8", "'i': 1 or more of its numbers, such as 300, do not fit int8"),
        ("i=uint64", "'i': 1 or more of its numbers, such as -2, do not fit uint64"),
        ("u=int64", "'u': 1 or more of its numbers, such as 18446744073709551615"),
        ("q=int2", "'q': 1 or more of its numbers, such as 7, do not fit int2"),
        ("big=float16", "'big': 2 or more of its numbers, such as 10000000000.0"),
        ("big=float32", "'big': 1 or more of its numbers, such as -1e[+]39, do not fit float32"),
        ("f=float8_e4m3b11fnuz", "'f': 1 or more of its numbers, such as 300.0"),
        ("nan=int32", "'nan': 3 or more of its numbers, such as nan, do not fit int32"),
        ("c=float32", "'c' from complex64 to float32, which would drop the imaginary parts"),
    ],
)
def test_numbers_that_do_not_fit(cast: str, message: str, numbers: Path, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.edit(numbers, tmp_path / "out" / "m", edits=pbckpt.Edits(casts=(cast,)))
    assert listing(tmp_path) == ["in"]
    # In place: what was there is there as it was.
    before = files(numbers)
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.edit(
            numbers,
            numbers,
            edits=pbckpt.Edits(casts=(cast,)),
            on_existing=pbckpt.OnExisting.REPLACE,
        )
    assert files(numbers) == before
    assert listing(tmp_path / "in") == ["checkpoint", "m.data-00000-of-00001", "m.index"]


@pytest.mark.parametrize(
    ("casts", "message"),
    [
        (("s=int32", "*=float32"), "'s' from string to float32"),
        (("f=string",), "cast 'f=string': nothing is cast to string"),
        (("f=qint8",), "cast 'f=qint8': nothing is cast to qint8"),
        (("f=flaot32",), "no type is called 'flaot32'; nearest: float32"),
        (("=float32",), "cast '=float32' is not PATTERN=DTYPE"),
        (("float32",), "cast 'float32' is not PATTERN=DTYPE"),
        (("x=int8", "y*=int8", "f=int32"), "--cast matches nothing: 'x'; 'y[*]'"),
    ],
)
def test_casts_that_cannot_be(
    casts: tuple[str, ...], message: str, numbers: Path, tmp_path: Path
) -> None:
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.edit(numbers, tmp_path / "m", edits=pbckpt.Edits(casts=casts), dry_run=True)


def test_a_plan_refuses_to_drop_imaginary_parts(numbers: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(casts=("c=float32",))
    with pytest.raises(pbckpt.SelectionError, match="imaginary"):
        pbckpt.edit(numbers, tmp_path / "m", edits=edits, dry_run=True)


def test_the_last_cast_counts_and_names_are_old_or_new(numbers: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(
        pbckpt.Selection(include=("[fiq]",)),
        renames=("i=j",),
        casts=("*=float16", "j=int32", "q=int32"),
    )
    pbckpt.edit(numbers, tmp_path / "m", edits=edits, durability=FAST)
    assert held(tmp_path / "m") == {
        "f": ("float16", (3,), np.array([1.5, -2.7, 300], np.float16).tolist()),
        "j": ("int32", (3,), [1, -2, 300]),
        "q": ("int32", (2,), [0, 7]),
    }


def test_bfloat16_is_rounded_to_even_and_widened_exactly(tmp_path: Path) -> None:
    # 1 + 2**-8 lies in the middle, 1 + 3 * 2**-8 as well: both go to the even neighbour.
    values = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, np.nan], np.float32)
    source = saved(tmp_path / "m", {"w": values})
    pbckpt.edit(source, tmp_path / "b", edits=pbckpt.Edits(casts=("w=bfloat16",)), durability=FAST)
    assert files(tmp_path / "b")[".data-00000-of-00001"].hex() == "803f803f823fc07f"
    back = pbckpt.Edits(casts=("w=float32",))
    pbckpt.edit(tmp_path / "b", tmp_path / "back", edits=back, durability=FAST)
    assert held(tmp_path / "back")["w"][2][:3] == [1, 1, 1 + 2**-6]


def test_float8_is_cast_to_other_types(tmp_path: Path) -> None:
    eight = np.array([0.5, -448, 1.125], ml_dtypes.float8_e4m3fn)
    source = saved(tmp_path / "m", {"w": eight})
    for dtype in ("float32", "bfloat16", "float16"):
        edits = pbckpt.Edits(casts=(f"w={dtype}",))
        pbckpt.edit(source, tmp_path / dtype, edits=edits, durability=FAST)
        expected = (dtype, (3,), [0.5, -448, 1.125])
        assert held(tmp_path / dtype)["w"] == expected


def test_partitioned_tensors_are_cast_slice_by_slice(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    edits = pbckpt.Edits(casts=("*=float64", "wide=int8"))
    pbckpt.edit(source, tmp_path / "m", edits=edits, durability=FAST)
    after = held(tmp_path / "m")
    assert after["embedding"] == ("float64", (26, 3), np.arange(78.0).reshape(26, 3).tolist())
    assert after["wide"] == ("int8", (4, 5), np.arange(20).reshape(4, 5).tolist())
    contents = pbckpt.inspect(tmp_path / "m")
    assert isinstance(contents, pbckpt.CheckpointContents)
    assert [info.num_slices for _, info in contents.tensors] == [11, 0, 0, 2]
    joined = tmp_path / "joined"
    pbckpt.edit(source, joined, edits=edits, join_slices=True, durability=FAST)
    assert held(joined) == after
    assert placed(joined)["wide"] == (0, 78 * 8 + 16 + 8, 20)


def test_large_tensors_are_cast_in_blocks(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"w": np.arange(700_001, dtype=np.float64)})
    pbckpt.edit(source, tmp_path / "n", edits=pbckpt.Edits(casts=("w=int32",)), durability=FAST)
    assert pbckpt.load_variable(tmp_path / "n", "w").sum() == 700_001 * 350_000
    late = np.zeros(700_001, np.float32)
    late[-1] = 1e5
    saved(tmp_path / "late", {"w": late})
    with pytest.raises(pbckpt.SelectionError, match=r"such as 100000.0, do not fit float16"):
        pbckpt.edit(tmp_path / "late", tmp_path / "x", edits=pbckpt.Edits(casts=("w=half",)))


def test_settings_add_and_replace(numbers: Path, tmp_path: Path) -> None:
    only = pbckpt.Selection(include=("f", "i"))
    edits = pbckpt.Edits(
        only,
        settings=(
            "i=int32:[[1, 2], [3, 4]]",
            "a=b=string:some text",
            'texts=string:["x", "\\u00e9"]',
            "flag=bool:true",
            "half=bfloat16:1.5",
            "big=uint64:18446744073709551615",
            "none=float32:[]",
            "tiny=int4:-8",
            "z=complex64:1+2j",
        ),
    )
    report = pbckpt.edit(numbers, tmp_path / "m", edits=edits, durability=FAST)
    assert held(tmp_path / "m") == {
        "a=b": ("string", (), b"some text"),
        "big": ("uint64", (), 2**64 - 1),
        "f": ("float32", (3,), NUMBERS["f"].tolist()),
        "flag": ("bool", (), True),
        "half": ("bfloat16", (), 1.5),
        "i": ("int32", (2, 2), [[1, 2], [3, 4]]),
        "none": ("float32", (0,), []),
        "texts": ("string", (2,), [b"x", b"\xc3\xa9"]),
        "tiny": ("int4", (), -8),
        "z": ("complex64", (), 1 + 2j),
    }
    assert ("i", "--set gives 'i' another value") in report.dropped
    assert [one.new for one in report.tensors if not one.old] == [
        "a=b",
        "big",
        "flag",
        "half",
        "i",
        "none",
        "texts",
        "tiny",
        "z",
    ]


def test_settings_look_at_new_names(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"w": np.float32(1), "x": np.float32(2)})
    edits = pbckpt.Edits(renames=("w=v",), settings=("v=int64:3", "w=int64:4"))
    pbckpt.edit(source, tmp_path / "n", edits=edits, durability=FAST)
    assert held(tmp_path / "n") == {
        "v": ("int64", (), 3),
        "w": ("int64", (), 4),
        "x": ("float32", (), 2),
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("a=int8:300",), "'a': 300 is no int8: -128 to 127"),
        (("a=int8:1.5",), "'a': 1.5 is no int8; give it without a fraction"),
        (("a=bool:1",), "'a': 1 is no bool: true or false"),
        (("a=float16:1e5",), "'a': 100000.0 is beyond float16: 65504.0 is the largest"),
        (("a=int32:[1, [2]]",), "'a': "),
        (("a=variant:1",), "'a': no value of variant can be written down"),
        (("a",), "setting 'a' is not NAME=DTYPE:VALUE"),
        (("=int8:1",), "a setting needs a name: 1"),
        (("a=int8:1", "a=int8:2", "b=int8:1", "b=int8:1"), "more than one value: 'a'; 'b'"),
    ],
)
def test_settings_that_cannot_be(
    settings: tuple[str, ...], message: str, numbers: Path, tmp_path: Path
) -> None:
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.edit(numbers, tmp_path / "m", edits=pbckpt.Edits(settings=settings))
    assert listing(tmp_path) == ["in"]


# Averages and slots.

TWO = np.zeros(2, np.float32)
TRAINED: dict[str, Any] = {
    "beta1_power": np.float32(0.9),
    "beta2_power": np.float32(0.99),
    "dense/bias": np.array([1], np.float32),
    "dense/kernel": np.array([1, 2], np.float32),
    "dense/kernel/Adam": np.array([3, 4], np.float32),
    "dense/kernel/Adam_1": np.array([5, 6], np.float32),
    "dense/kernel/ExponentialMovingAverage": np.array([7, 8], np.float32),
    "global_step": np.int64(5),
}


def test_averages_take_the_place_of_variables(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", TRAINED)
    edits = pbckpt.Edits(drop_slots=True, ema=pbckpt.Ema.TO_RAW)
    report = pbckpt.edit(source, tmp_path / "n", edits=edits, durability=FAST)
    assert held(tmp_path / "n") == {
        "dense/bias": ("float32", (1,), [1]),
        "dense/kernel": ("float32", (2,), [7, 8]),
        "global_step": ("int64", (), 5),
    }
    assert dict(report.dropped) == {
        "beta1_power": "an optimizer's own state",
        "beta2_power": "an optimizer's own state",
        "dense/kernel": ("its average 'dense/kernel/ExponentialMovingAverage' takes its place"),
        "dense/kernel/Adam": "an optimizer's slot of dense/kernel",
        "dense/kernel/Adam_1": "an optimizer's slot of dense/kernel",
    }


def test_variables_are_stored_as_their_averages_too(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", TRAINED)
    edits = pbckpt.Edits(ema=pbckpt.Ema.FROM_RAW, drop_slots=True)
    pbckpt.edit(source, tmp_path / "n", edits=edits, durability=FAST)
    after = held(tmp_path / "n")
    average = "/ExponentialMovingAverage"
    # The one that has an average keeps it; a counter gets none.
    assert after.keys() == {
        *("dense/bias", "dense/bias" + average),
        *("dense/kernel", "dense/kernel" + average, "global_step"),
    }
    assert after["dense/bias" + average] == after["dense/bias"]
    assert after["dense/kernel" + average] == ("float32", (2,), [7, 8])


LAYOUTS_OF_SLOTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "TF 1 Adam": (TRAINED, {"dense/bias", "dense/kernel", "global_step"}),
    "TF 1 in a scope": (
        {"a/w": TWO, "opt/a/w/Momentum": TWO, "w": TWO, "w/Momentum": TWO},
        {"a/w", "w"},
    ),
    "tf.keras to 2.10": (
        {
            "w": TWO,
            "Adam/w/m": TWO,
            "Adam/w/v": TWO,
            "Adam/iter": np.int64(1),
            "Adam/decay": np.float32(0),
        },
        {"w"},
    ),
    "tf.keras from 2.11": (
        {
            "w": TWO,
            "Adam/m/w": TWO,
            "Adam/v/w": TWO,
            "iteration": np.int64(1),
            "learning_rate": np.float32(0),
        },
        {"w"},
    ),
    "no slots but names like them": (
        {"w": TWO, "w/Momentum": np.zeros(3), "m": TWO, "v": TWO, "x/Adam": TWO, "y/Adam": TWO,
         "y": TWO},
        {"w", "w/Momentum", "m", "v", "x/Adam", "y"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAYOUTS_OF_SLOTS)
def test_slots_are_dropped(kind: str, tmp_path: Path) -> None:
    tensors, kept = LAYOUTS_OF_SLOTS[kind]
    source = saved(tmp_path / "m", tensors)
    edits = pbckpt.Edits(pbckpt.Selection(exclude=()), drop_slots=True)
    pbckpt.edit(source, tmp_path / "n", edits=edits, durability=FAST)
    left = {key for key in held(tmp_path / "n") if not key.endswith("MovingAverage")}
    assert left == kept


def test_a_slot_can_be_taken_after_all(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", TRAINED)
    edits = pbckpt.Edits(pbckpt.Selection(take=("*Adam_1",)), drop_slots=True)
    pbckpt.edit(source, tmp_path / "n", edits=edits, durability=FAST)
    assert "dense/kernel/Adam_1" in held(tmp_path / "n")
    assert "dense/kernel/Adam" not in held(tmp_path / "n")
