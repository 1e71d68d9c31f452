"""What TensorFlow wrote with one saver, we write again byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.applications.write import write_bundle
from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.names import BundleKey, Prefix
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.wire.span import Span
from tests.shared_material import golden_index_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.applications.checkpoint import OpenBundle

OWN = Path(__file__).parents[2] / "golden"
# Of our own fixtures, what is not written by one saver in key order into one shard,
# and, of the sample, what has no data file beside its index.
OTHERS = {"unsorted", "sharded2", "partitioned", "zero_object", "sample"}
OWN_INDEX_FILES = [
    pytest.param(path, id=path.relative_to(OWN).as_posix())
    for path in sorted(OWN.rglob("*.index"))
    if path.parent.name not in OTHERS
]


def bundle_of(index: Path) -> OpenBundle:
    checkpoint = pbckpt.open_checkpoint(index)
    return checkpoint._bundle


def is_one_plain_shard(bundle: OpenBundle) -> bool:
    """Tell whether a saver that sorts its names into one shard could have written it."""
    entries = list(bundle.index.entries.values())
    places = [entry.offset for entry in entries]
    plain = all(
        not entry.slices and entry.dtype is not pbckpt.DataType.VARIANT for entry in entries
    )
    return bundle.index.header.num_shards == 1 and plain and places == sorted(places)


def tensors_of(bundle: OpenBundle) -> Iterator[Tensor]:
    for key, entry in bundle.index.entries.items():
        if entry.dtype is pbckpt.DataType.STRING:
            payload = string_payload(bundle.reader.read_strings(entry))
        else:
            payload = Payload([Span.of(bundle.reader.read(entry))])
        yield Tensor(BundleKey(key), entry.dtype, entry.shape, payload)


def write_again(bundle: OpenBundle, prefix: Path) -> None:
    write_bundle(
        tensors_of(bundle),
        0,
        Prefix.parse(prefix),
        on_existing=OnExisting.REFUSE,
        durability=Durability.NONE,
    )


def assert_same_files(index: Path, prefix: Path) -> None:
    assert prefix.with_name("m.index").read_bytes() == index.read_bytes()
    shard = index.with_name(index.stem + ".data-00000-of-00001")
    assert prefix.with_name("m.data-00000-of-00001").read_bytes() == shard.read_bytes()


@pytest.mark.parametrize("index", OWN_INDEX_FILES)
def test_own_golden_files(index: Path, tmp_path: Path) -> None:
    bundle = bundle_of(index)
    assert is_one_plain_shard(bundle)
    write_again(bundle, tmp_path / "m")
    assert_same_files(index, tmp_path / "m")
    bundle.close()


@pytest.mark.parametrize("index", golden_index_files())
def test_shared_golden_files(index: Path, tmp_path: Path) -> None:
    bundle = bundle_of(index)
    shard = index.with_name(index.stem + ".data-00000-of-00001")
    if not is_one_plain_shard(bundle) or not shard.is_file():
        pytest.skip("several shards, slices, variants, another order, or no data beside it")
    write_again(bundle, tmp_path / "m")
    assert_same_files(index, tmp_path / "m")
    bundle.close()
