"""What TensorFlow wrote, in shards and in slices, we write again byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.bundle.payload import Payload, string_payload
from pbckpt.checkpoints.stored import Bundle, open_stored
from pbckpt.checkpoints.write import write_bundle
from pbckpt.names import BundleKey, Prefix
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.wire.span import Span
from tests.shared_material import golden_index_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.bundle.payload import Tensor

OWN = Path(__file__).parents[2] / "golden"
# The sample has no data file beside its index.
OWN_INDEX_FILES = [
    pytest.param(path, id=path.relative_to(OWN).as_posix())
    for path in sorted(OWN.rglob("*.index"))
    if path.parent.name != "sample"
]


def bundle_of(index: Path) -> Bundle:
    stored = open_stored(index)
    assert isinstance(stored, Bundle)
    return stored


def places_of(bundle: Bundle) -> Iterator[tuple[BundleEntry, Tensor]]:
    """Yield every stored tensor or slice with its place, to be copied."""
    for key, entry in bundle.index.entries.items():
        tensors = bundle.tensors(key, BundleKey(key))
        if entry.slices:
            parts = [part for _, part in bundle.reader.slices_of(key, entry)]
            yield from zip(parts, tensors, strict=True)
        else:
            yield entry, next(tensors)


def made_again(bundle: Bundle, entry: BundleEntry, tensor: Tensor) -> Tensor:
    """Return a tensor whose bytes were read and are packed again, but for variants."""
    if entry.dtype is pbckpt.DataType.STRING:
        return tensor._replace(payload=string_payload(bundle.reader.read_strings(entry)))
    if entry.dtype is not pbckpt.DataType.VARIANT:
        return tensor._replace(payload=Payload([Span.of(bundle.reader.read(entry))]))
    return tensor


def shards_of(bundle: Bundle, *, read: bool) -> list[list[Tensor]]:
    """Return the tensors of each shard in the order of its data."""
    shards: list[list[Tensor]] = [[] for _ in range(bundle.num_shards)]
    places = sorted(places_of(bundle), key=lambda place: (place[0].offset, place[0].nbytes))
    for entry, tensor in places:
        shards[entry.shard_id].append(made_again(bundle, entry, tensor) if read else tensor)
    return shards


def assert_written_again(index: Path, folder: Path, *, read: bool) -> None:
    bundle = bundle_of(index)
    write_bundle(
        shards_of(bundle, read=read),
        0,
        Prefix.parse(folder / index.stem),
        on_existing=OnExisting.REFUSE,
        durability=Durability.NONE,
    )
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    written.pop("checkpoint")
    shards = [f"{index.stem}.data-{n:05d}-of-{bundle.num_shards:05d}" for n in range(len(written))]
    original = [index.name, *shards[: bundle.num_shards]]
    assert written == {name: index.with_name(name).read_bytes() for name in original}
    bundle.close()


@pytest.mark.parametrize("read", [False, True], ids=["copied", "read"])
@pytest.mark.parametrize("index", OWN_INDEX_FILES)
def test_own_golden_files(index: Path, read: bool, tmp_path: Path) -> None:  # noqa: FBT001
    assert_written_again(index, tmp_path, read=read)


@pytest.mark.parametrize("read", [False, True], ids=["copied", "read"])
@pytest.mark.parametrize("index", golden_index_files())
def test_shared_golden_files(index: Path, read: bool, tmp_path: Path) -> None:  # noqa: FBT001
    if index.stem == "partial" or not list(index.parent.glob(index.stem + ".data-*")):
        pytest.skip("slices that do not cover their tensor, or no data beside it")
    assert_written_again(index, tmp_path, read=read)
