"""Damage to slices, Snappy blocks, big-endian numbers and strings: right values or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from pbckpt.arrays.values import partition
from pbckpt.bundle.entry import Extent
from pbckpt.checkpoints.layout import Layout
from tests.corrupt.checkpoints import bits_of
from tests.corrupt.forms import save_big_endian, with_snappy_blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

TABLE = np.arange(6, dtype="f2").reshape(6, 1)
WORDS = np.array([b"hello", b"", b"\xff\x00z"], object)
SLICED = {"bias": np.arange(3, dtype="i1"), "table": TABLE, "words": WORDS}
BIG = {"half": np.array([1.5, -2], "f2"), "waves": np.array([1 + 2j], "c8"), "words": WORDS}
PLAIN = {
    "layer_1/bias": np.arange(3, dtype="f4"),
    "layer_1/kernel": np.arange(2, dtype="f8"),
    "layer_2/bias": np.array([True, False]),
}


def save_sliced(prefix: Path, layout: Layout) -> None:
    words = partition(WORDS, 2) if layout.is_divided else WORDS
    tensors = {**SLICED, "table": partition(TABLE, 3), "words": words}
    pbckpt.save_checkpoint(tensors, prefix, layout=layout, durability=pbckpt.Durability.NONE)


def save_with_snappy_blocks(prefix: Path) -> None:
    pbckpt.save_checkpoint(PLAIN, prefix, durability=pbckpt.Durability.NONE)
    index = prefix.with_name(prefix.name + ".index")
    index.write_bytes(with_snappy_blocks(index.read_bytes()))


def save_big(prefix: Path) -> None:
    rows = [((Extent(row, 3), Extent(0, None)), TABLE[row : row + 3]) for row in (3, 0)]
    save_big_endian(prefix, BIG, {"table": (TABLE.shape, rows)})


FORMS: dict[str, tuple[Callable[[Path], object], dict[str, Array]]] = {
    "sliced": (lambda prefix: save_sliced(prefix, Layout()), SLICED),
    "two shards": (lambda prefix: save_sliced(prefix, Layout(num_shards=2)), SLICED),
    "snappy": (save_with_snappy_blocks, PLAIN),
    "big-endian": (save_big, {**BIG, "table": TABLE}),
    "strings": (
        lambda prefix: pbckpt.save_checkpoint(
            {"words": WORDS, "none": np.zeros(0, object), "one": np.array(b"w", object)}, prefix
        ),
        {"words": WORDS, "none": np.zeros(0, object), "one": np.array(b"w", object)},
    ),
}


class Form:
    """A checkpoint of one form on disk, and what is in it."""

    def __init__(self, prefix: Path, tensors: dict[str, Array]) -> None:
        self.prefix = prefix
        self.tensors = tensors

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.prefix.parent.iterdir() if path.name != "checkpoint")

    def is_right(self) -> bool:
        """Tell whether all of it can be read; what is read must be what was saved."""
        listed = self.are_all_listed()
        right = listed
        try:
            checkpoint = pbckpt.open_checkpoint(self.prefix)
        except pbckpt.PbckptError:
            return False
        with checkpoint:
            for name, value in self.tensors.items():
                # Before the list was read, and so by the one block that has the key.
                right = self._is_read(checkpoint, name, value) and right
        return right

    def _is_read(self, checkpoint: pbckpt.Checkpoint, name: str, value: Array) -> bool:
        try:
            found = checkpoint[name]
            part = checkpoint.get_slice(name)[...]
        except pbckpt.UnknownKeyError as error:
            raise AssertionError(name) from error
        except pbckpt.PbckptError:
            return False
        assert bits_of(found) == bits_of(value)
        assert part.shape == value.shape
        return True

    def are_all_listed(self) -> bool:
        try:
            with pbckpt.open_checkpoint(self.prefix) as checkpoint:
                keys = list(checkpoint)
        except pbckpt.PbckptError:
            return False
        assert keys == sorted(self.tensors)
        return True

    def is_verified(self) -> bool:
        return pbckpt.verify(self.prefix).ok


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> Form:
    if request.param == "snappy":
        pytest.importorskip("cramjam")
    write, tensors = FORMS[request.param]
    write(tmp_path / "m")
    return Form(tmp_path / "m", tensors)


def test_what_is_not_damaged_is_right(form: Form) -> None:
    assert form.is_right()
    assert form.is_verified()


def flipped(whole: bytes, bit: int) -> bytes:
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_every_flipped_bit_is_found_by_verify(form: Form) -> None:
    for path in form.files:
        whole = path.read_bytes()
        unverified = []
        # Two shards hold what one does, so that one bit of each byte will do there.
        bits = range(8 * len(whole)) if len(form.files) == 2 else range(0, 8 * len(whole), 9)
        for bit in bits:
            path.write_bytes(flipped(whole, bit))
            if form.is_verified():
                unverified.append((path.name, bit))
        path.write_bytes(whole)
        assert unverified == []


def test_a_flipped_bit_of_every_byte_is_right_or_an_error(form: Form) -> None:
    for path in form.files:
        whole = path.read_bytes()
        right = 0
        for place in range(len(whole)):
            path.write_bytes(flipped(whole, 8 * place + place % 8))
            right += form.is_right()
        path.write_bytes(whole)
        # What no reader needs: the metaindex block, its handle, the padding of the footer.
        assert right <= (13 + 3 + 40 if path.suffix == ".index" else 0)


@pytest.mark.parametrize("size", [1, 8, 64])
def test_zeros(form: Form, size: int) -> None:
    for path in form.files:
        whole = path.read_bytes()
        for start in range(0, len(whole), 5):
            end = min(start + size, len(whole))
            damaged = whole[:start] + bytes(end - start) + whole[end:]
            path.write_bytes(damaged)
            form.is_right()
            assert form.is_verified() is (damaged == whole)
        path.write_bytes(whole)


def test_lengths_cut(form: Form) -> None:
    for path in form.files:
        whole = path.read_bytes()
        for size in range(0, len(whole), 3):
            path.write_bytes(whole[:size])
            assert not form.is_right()
            assert not form.is_verified()
        path.write_bytes(whole)


def test_a_file_deleted(form: Form) -> None:
    for path in form.files:
        whole = path.read_bytes()
        path.unlink()
        assert not form.is_right()
        if path.suffix != ".index":
            assert not form.is_verified()
        path.write_bytes(whole)
    assert form.is_right()


def test_a_slice_in_the_place_of_another(tmp_path: Path) -> None:
    """Two slices of a size that changed places have wrong checksums each."""
    save_sliced(tmp_path / "m", Layout())
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        entry = checkpoint.entry("table")
        assert len(entry.slices) == 3
    data = tmp_path / "m.data-00000-of-00001"
    whole = data.read_bytes()
    start = whole.index(TABLE[:2].tobytes())
    size = TABLE[:2].nbytes
    swapped = whole[start + size : start + 2 * size] + whole[start : start + size]
    data.write_bytes(whole[:start] + swapped + whole[start + 2 * size :])
    assert [problem.key for problem in pbckpt.verify(tmp_path / "m").problems] == ["table"] * 2
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint["bias"].tolist() == [0, 1, 2]
        assert checkpoint.get_slice("table")[4:].tolist() == [[4], [5]]
        with pytest.raises(pbckpt.ChecksumError):
            _ = checkpoint["table"]
