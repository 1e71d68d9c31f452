"""Arrays of all kinds, and callers who are not held by a type checker."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from pbckpt.dtypes import numpy_dtype

if TYPE_CHECKING:
    import numpy.typing as npt


def strings_of(prefix: Path, key: str) -> list[bytes]:
    found: list[bytes] = pbckpt.load_variable(prefix, key).reshape(-1).tolist()
    return found


def test_an_enum_given_as_its_text_is_that_enum(tmp_path: Path) -> None:
    anything: Any = {"w": np.float32(1)}
    text: Any = "refuse"
    pbckpt.save_checkpoint(anything, tmp_path / "m")
    with pytest.raises(pbckpt.PathError, match="exists already"):
        pbckpt.save_checkpoint(anything, tmp_path / "m", on_existing=text)
    text = "replace"
    pbckpt.save_checkpoint(anything, tmp_path / "m", on_existing=text)
    text = "melt"
    with pytest.raises(ValueError, match="melt"):
        pbckpt.save_checkpoint(anything, tmp_path / "n", durability=text)
    with pytest.raises(ValueError, match="True"):
        pbckpt.load_checkpoint(tmp_path / "m", verify=True)  # type: ignore[arg-type]


def test_patterns_given_as_one_text_are_refused(tmp_path: Path) -> None:
    one: Any = "conv*"
    sample = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
    with pytest.raises(pbckpt.SelectionError, match="as a list of texts"):
        pbckpt.convert(sample, tmp_path / "m", selection=pbckpt.Selection(include=one))
    assert list(tmp_path.iterdir()) == []


def test_strings_keep_the_nuls_at_their_ends(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"s": b"a\0", "t": [b"x\0\0", b"y"], "u": "é\0"}, tmp_path / "m")
    assert strings_of(tmp_path / "m", "s") == [b"a\0"]
    assert strings_of(tmp_path / "m", "t") == [b"x\0\0", b"y"]
    assert strings_of(tmp_path / "m", "u") == [b"\xc3\xa9\0"]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"": 1}, "not ''"),
        ({b"w": 1}, "not b'w'"),
        ({"w\ud800": 1}, "cannot be written as bytes"),
        ({"w": [[1], [1, 2]]}, "not an array"),
        ({"w": np.zeros(1, "M8[s]")}, "cannot be stored in a checkpoint"),
        ({"w": [object()]}, "not bytes or str"),
        ({"w": ["\ud800"]}, "cannot be written as bytes"),
    ],
)
def test_what_cannot_be_saved(tensors: Any, message: str, tmp_path: Path) -> None:  # noqa: ANN401
    with pytest.raises(pbckpt.SelectionError, match=message):
        pbckpt.save_checkpoint(tensors, tmp_path / "new" / "m")
    assert list(tmp_path.iterdir()) == []


class OneAtATime(Mapping[str, "npt.ArrayLike"]):
    """Makes each array when it is asked for, and counts how many are alive."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> npt.NDArray[np.float32]:
        self.asked.append(key)
        return np.full(3, float(key), dtype=np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(["3", "1", "2"])

    def __len__(self) -> int:
        return 3


def test_arrays_are_taken_one_at_a_time_in_key_order(tmp_path: Path) -> None:
    tensors = OneAtATime()
    pbckpt.save_checkpoint(tensors, tmp_path / "m")
    assert tensors.asked == ["1", "2", "3"]
    assert pbckpt.load_variable(tmp_path / "m", "2").tolist() == [2, 2, 2]


def test_an_array_that_changes_meanwhile_is_saved_as_it_was_read(tmp_path: Path) -> None:
    """Whatever mixture of values was written, its CRC is that of the mixture."""
    array = np.zeros(1 << 22, dtype=np.uint8)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            array[:] += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        pbckpt.save_checkpoint({"w": array}, tmp_path / "m")
    finally:
        stop.set()
        thread.join()
    assert pbckpt.verify(tmp_path / "m").problems == ()


def test_a_closed_checkpoint_says_so(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": np.float32(1)}, tmp_path / "m")
    checkpoint = pbckpt.open_checkpoint(tmp_path / "m")
    assert checkpoint.get("absent") is None
    assert "\ud800" not in checkpoint
    slices = checkpoint.get_slice("w")
    checkpoint.close()
    for use in (
        lambda: checkpoint["w"],
        lambda: checkpoint.load("w"),
        lambda: checkpoint.get("w"),
        lambda: "w" in checkpoint,
        lambda: list(checkpoint),
        lambda: len(checkpoint),
        lambda: checkpoint.info("w"),
        lambda: slices[...],
    ):
        with pytest.raises(pbckpt.BundleError, match="is closed"):
            use()
    checkpoint.close()


def told(tensors: Any, prefix: Path) -> list[tuple[int, int]]:  # noqa: ANN401 - anything
    found: list[tuple[int, int]] = []
    pbckpt.save_checkpoint(
        tensors, prefix, progress=lambda done, total: found.append((done, total))
    )
    return found


def test_progress_goes_up_to_the_size_of_the_data(tmp_path: Path) -> None:
    large = np.zeros((2 << 20) // 4, np.float32)
    found = told({"a": large, "b": large, "c": np.int64(1)}, tmp_path / "m")
    done = [count for count, _ in found]
    assert len(done) == 5
    assert done == sorted(done)
    assert done[-1] == 4_194_312
    assert {total for _, total in found} == {4_194_312}
    lazy = pbckpt.LazyTensor("float32", (1, 2), lambda: np.zeros((1, 2), np.float32))
    assert told({"a": lazy}, tmp_path / "lazy") == [(8, 8)]


def test_the_size_of_what_is_made_later_is_not_known(tmp_path: Path) -> None:
    array = np.array([1, 2], np.float32)
    assert told({"a": array, "b": lambda: array}, tmp_path / "function") == [(16, 0)]
    assert told([("a", array)], tmp_path / "pairs") == [(8, 0)]


class Named(str):
    """A name that equals no other, whatever it says."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def test_names_of_the_same_bytes_are_refused_whatever_they_are(tmp_path: Path) -> None:
    array = np.float32(1)
    twice: dict[str, object] = {Named("a"): array, Named("a"): array}
    with pytest.raises(pbckpt.SelectionError, match="are the same bytes"):
        pbckpt.save_checkpoint(twice, tmp_path / "m")
    names = ["a", "a\0", "a\0b", "\0", "b"]
    pbckpt.save_checkpoint(dict.fromkeys(names, array), tmp_path / "m")
    assert list(pbckpt.load_checkpoint(tmp_path / "m")) == sorted(names)


@pytest.mark.parametrize("dtype", ["bool", "float", "complex128", "bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (3, 0, 2)])
def test_small_arrays_read_own_their_memory_or_are_read_only(
    dtype: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    array = np.ones(shape, numpy_dtype(pbckpt.DataType[dtype.upper()]))
    # One byte before it: no array in the file is aligned.
    pbckpt.save_checkpoint({"a": np.uint8(7), "b": array, "c": array}, tmp_path / "m")
    own = pbckpt.load_checkpoint(tmp_path / "m")
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        for key in "bc":
            assert own[key].base is None
            assert own[key].flags.writeable
            assert own[key].flags.aligned
            assert not checkpoint[key].flags.writeable
            for found in (own[key], checkpoint[key]):
                assert (found.dtype, found.shape) == (array.dtype, shape)
                assert found.tobytes() == array.tobytes()
