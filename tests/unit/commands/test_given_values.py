"""What is given to be saved and is refused before anything is written, or is stored exactly."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt

if TYPE_CHECKING:
    from pathlib import Path

FAST = pbckpt.Durability.NONE


class Refusing:
    """Like a tensor whose own library refuses to hand it out as an array, and says why."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __array__(self, dtype: object = None, copy: object = None) -> Any:  # noqa: ANN401
        raise self._error

    def __dlpack__(self, **options: object) -> Any:  # noqa: ANN401
        return np.ones(2, np.float32).__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


@pytest.mark.parametrize("error", [RuntimeError("resolve_neg() first"), BufferError("detach()")])
def test_what_a_library_refuses_is_not_had_by_dlpack(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match=r"resolve_neg\(\) first|detach\(\)"):
        pbckpt.save_checkpoint({"w": Refusing(error)}, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_type_that_numpy_lacks_is_had_by_dlpack(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": Refusing(TypeError("bfloat16"))}, tmp_path / "m", durability=FAST)
    assert pbckpt.load_variable(tmp_path / "m", "w").tolist() == [1, 1]


@pytest.mark.parametrize("shape", [(-1, -6), (-1, 0), 6, ("2",), (1 << 40, 1 << 40), None])
def test_shapes_that_are_none(shape: Any, tmp_path: Path) -> None:  # noqa: ANN401
    lazy = pbckpt.LazyTensor("float32", shape, lambda: np.ones(6, np.float32))
    with pytest.raises(pbckpt.SelectionError, match="is no shape"):
        pbckpt.save_checkpoint({"w": lazy}, tmp_path / "m")
    parts = pbckpt.Partitioned(shape, (((0,), np.ones(2)),))
    with pytest.raises(pbckpt.SelectionError, match="is no shape"):
        pbckpt.save_checkpoint({"w": parts}, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32")])
def test_types_and_shapes_of_numpy_will_do(dtype: Any, tmp_path: Path) -> None:  # noqa: ANN401
    shape: Any = np.array([2, 3], np.int32)
    lazy = pbckpt.LazyTensor(dtype, shape, lambda: np.ones((2, 3), np.float32))
    pbckpt.save_checkpoint({"w": lazy}, tmp_path / "m", durability=FAST)
    assert pbckpt.load_variable(tmp_path / "m", "w").tolist() == [[1, 1, 1], [1, 1, 1]]


def test_slices_may_be_made_when_their_turn_comes(tmp_path: Path) -> None:
    made: list[int] = []

    def rows(start: int) -> Any:  # noqa: ANN401
        made.append(start)
        return np.full((2, 3), start, np.float32)

    parts = pbckpt.Partitioned(
        (4, 3),
        tuple(
            ((start, 0), pbckpt.LazyTensor("float32", (2, 3), partial(rows, start)))
            for start in (0, 2)
        ),
    )
    pbckpt.save_checkpoint({"w": parts}, tmp_path / "m", durability=FAST)
    assert made == [0, 2]
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint.info("w").num_slices == 2
        assert checkpoint["w"][:, 0].tolist() == [0, 0, 2, 2]


def test_an_iterator_alone_says_nothing_of_its_size(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="give LazyTensor"):
        pbckpt.save_checkpoint({"w": iter([np.ones(2)])}, tmp_path / "m")


def test_pairs_that_are_none(tmp_path: Path) -> None:
    pairs: Any = [("a", 1, 2)]
    with pytest.raises(pbckpt.SelectionError, match="not a pair"):
        pbckpt.save_checkpoint(pairs, tmp_path / "m")


@pytest.mark.parametrize("saves", [-1, 1 << 63])
def test_saves_that_no_checkpoint_counts(saves: int, tmp_path: Path) -> None:
    layout = pbckpt.Layout(pbckpt.Format.OBJECT, save_counter=saves)
    with pytest.raises(pbckpt.SelectionError, match="counts"):
        pbckpt.save_checkpoint({"w": np.ones(2)}, tmp_path / "m", layout=layout)


def test_names_of_a_flat_graph_come_back_as_they_were(tmp_path: Path) -> None:
    """TensorFlow cuts :0 and a final / off full names; the objects' own names are whole."""
    tensors = {"d/kernel:0": np.ones(2), "d/bias:0": np.zeros(2), "a/": np.ones(1)}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", durability=FAST)
    to_object = pbckpt.Layout(pbckpt.Format.OBJECT)
    pbckpt.edit(tmp_path / "m", tmp_path / "objects", layout=to_object, durability=FAST)
    assert pbckpt.diff(tmp_path / "m", tmp_path / "objects").differences == ()
    to_name = pbckpt.Layout(pbckpt.Format.NAME)
    pbckpt.edit(tmp_path / "objects", tmp_path / "back", layout=to_name, durability=FAST)
    assert [key for key, _ in pbckpt.list_variables(tmp_path / "back")] == sorted(tensors)


def test_a_format_may_be_a_text(tmp_path: Path) -> None:
    text: Any = "object"
    layout = pbckpt.Layout(pbckpt.Format.OBJECT, save_counter=1)
    pbckpt.save_checkpoint({"w": np.ones(2)}, tmp_path / "m", layout=layout, durability=FAST)
    for form in (text, pbckpt.Format.OBJECT):
        report = pbckpt.edit(
            tmp_path / "m", tmp_path / "x", layout=pbckpt.Layout(form), dry_run=True
        )
        assert [one.new for one in report.tensors] == ["save_counter", "w"]


def test_a_folder_without_arrays(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(pbckpt.PathError, match=r"no \.npy file"):
        pbckpt.pack(tmp_path / "in", tmp_path / "m")


@pytest.mark.parametrize("key", [5, b"w", None, "\ud800"])
def test_keys_that_are_none(key: Any, tmp_path: Path) -> None:  # noqa: ANN401
    pbckpt.save_checkpoint({"w": np.ones(2)}, tmp_path / "m", durability=FAST)
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert key not in checkpoint
        with pytest.raises(pbckpt.UnknownKeyError):
            _ = checkpoint[key]


def test_items_come_in_the_order_of_the_keys(tmp_path: Path) -> None:
    tensors = {"b": np.ones(1), "\0z": np.ones(2), "a": np.ones(3)}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", durability=FAST)
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert [key for key, _ in checkpoint.items()] == ["\0z", "a", "b"] == list(checkpoint)
    assert list(pbckpt.load_checkpoint(tmp_path / "m")) == ["\0z", "a", "b"]


def test_a_whole_slice_is_checked(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": np.zeros(100_000)}, tmp_path / "m", durability=FAST)
    data = tmp_path / "m.data-00000-of-00001"
    data.write_bytes(b"\1" + data.read_bytes()[1:])
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        with pytest.raises(pbckpt.ChecksumError):
            _ = checkpoint.get_slice("w")[:]
        assert checkpoint.get_slice("w")[1:3].tolist() == [0, 0]


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": np.zeros(1_000_000)}, tmp_path / "m", durability=FAST)
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        part = checkpoint.get_slice("w")
        assert part[:2].tolist() == [0, 0]
        with (tmp_path / "m.data-00000-of-00001").open("r+b") as data:
            data.truncate(4096)
        with pytest.raises(pbckpt.CorruptFileError, match="became shorter"):
            _ = part[900_000:]
