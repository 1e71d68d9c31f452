"""What is written is read: tables, payloads, whole checkpoints, whatever they hold.

And the law for damage: any bytes give a result or an error of ours.
"""

from __future__ import annotations

import itertools
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from unittest import mock

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pbckpt
from pbckpt.bundle.entry import (
    BundleEntry,
    BundleHeader,
    Extent,
    decode_entry,
    decode_header,
    encode_entry,
)
from pbckpt.bundle.index import Index
from pbckpt.bundle.payload import Payload, Tensor, decode_string_head, split_strings, string_payload
from pbckpt.bundle.reader import BundleReader
from pbckpt.bundle.slices import slice_key
from pbckpt.bundle.writer import ShardStream, index_entries, write_index
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey
from pbckpt.table import builder
from pbckpt.table.block import BlockBuilder, encode_trailer, entry_batches, find_in_block
from pbckpt.table.footer import BlockHandle, Footer
from pbckpt.table.reader import TableReader
from pbckpt.wire.fields import scan
from pbckpt.wire.span import Memory, Span
from pbckpt.wire.varint import decode_varint, encode_varint

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

# Files are written, and the machine may be busy with something else.
patiently = settings(deadline=None, max_examples=150)

UINT64 = st.integers(0, (1 << 64) - 1)
# Keys that share beginnings, as names of variables do, and any other.
KEYS = st.one_of(
    st.binary(max_size=20),
    st.lists(st.sampled_from([b"layer", b"/", b"\x00", b"\xff", b"k", b"0"]), max_size=8).map(
        b"".join
    ),
)
TABLES = st.dictionaries(KEYS, st.binary(max_size=60), max_size=60)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
NUMERIC = [
    *map(np.dtype, [">f2", ">f8", ">i4", ">c8"]),
    *map(np.dtype, ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "c8", "c16"]),
    *map(np.dtype, [ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn]),
]


@st.composite
def numeric_arrays(draw: st.DrawFn) -> npt.NDArray[Any]:
    """Arrays of any bits, NaN of all kinds among them."""
    dtype, shape = draw(st.sampled_from(NUMERIC)), draw(SHAPES)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(bytearray(data), dtype).reshape(shape)


@st.composite
def object_arrays(draw: st.DrawFn) -> npt.NDArray[Any]:
    """Arrays of strings of any bytes."""
    shape = draw(SHAPES)
    count = int(np.prod(shape, dtype=np.int64))
    array = np.empty(count, object)
    array[:] = draw(st.lists(st.binary(max_size=200), min_size=count, max_size=count))
    return array.reshape(shape)


@st.composite
def bool_arrays(draw: st.DrawFn) -> npt.NDArray[Any]:
    shape = draw(SHAPES)
    count = int(np.prod(shape, dtype=np.int64))
    return np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool).reshape(
        shape
    )


ARRAYS = st.one_of(numeric_arrays(), object_arrays(), bool_arrays())
NAMES = KEYS.filter(bool).map(lambda key: key.decode("utf-8", "surrogateescape"))


def bits_of(array: npt.NDArray[Any]) -> object:
    """Return what must be the same: values by their bits, since NaN is not NaN."""
    little = array.dtype.newbyteorder("<")
    if array.dtype != little:
        array = array.byteswap().view(little)
    bits = array.tolist() if array.dtype == object else array.tobytes()
    return (array.dtype, array.shape, bits)


@patiently
@given(st.dictionaries(NAMES, ARRAYS, max_size=6))
def test_a_checkpoint_has_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, npt.NDArray[Any]]
) -> None:
    prefix = tmp_path_factory.mktemp("saved") / "model"
    pbckpt.save_checkpoint(tensors, prefix, durability=pbckpt.Durability.NONE)
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        names = list(checkpoint)
        assert names == sorted(tensors, key=lambda name: name.encode("utf-8", "surrogateescape"))
        for name in names:
            assert bits_of(checkpoint[name]) == bits_of(tensors[name])
    assert pbckpt.verify(prefix).problems == ()


@pytest.mark.parametrize("value", [[b"ab\0", b"c"], b"ab\0", "ab\0", [["ab\0\0"]]])
def test_text_that_is_no_array_yet_keeps_its_end(
    tmp_path: Path, value: bytes | str | list[bytes] | list[list[str]]
) -> None:
    pbckpt.save_checkpoint({"s": value}, tmp_path / "model")
    (first, *_) = pbckpt.load_variable(tmp_path / "model", "s").reshape(-1).tolist()
    assert first.startswith(b"ab\0")


def table_of(entries: dict[bytes, bytes], block_bytes: int = builder.BLOCK_BYTES) -> bytes:
    out: list[bytes] = []
    with (
        mock.patch.object(builder, "BLOCK_BYTES", block_bytes),
        mock.patch.object(builder, "LARGE_ENTRY_BYTES", 2 * block_bytes),
    ):
        builder.write_table(sorted(entries.items()), out.append)
    return b"".join(out)


@patiently
@given(TABLES, st.integers(1, 2000))
def test_a_table_has_what_was_written_whatever_its_blocks(
    entries: dict[bytes, bytes], block_bytes: int
) -> None:
    reader = TableReader(Memory(table_of(entries, block_bytes)))
    assert {key: reader.find(key) for key in entries} == entries
    assert [tuple(entry) for entry in reader] == sorted(entries.items())
    reader.check_layout()


@patiently
@given(TABLES, KEYS, st.integers(1, 2000))
def test_a_key_that_is_not_in_a_table_is_not_found(
    entries: dict[bytes, bytes], key: bytes, block_bytes: int
) -> None:
    reader = TableReader(Memory(table_of(entries, block_bytes)))
    assert reader.find(key) == entries.get(key)


@patiently
@given(st.dictionaries(KEYS, st.binary(max_size=20), max_size=40), KEYS, st.integers(1, 50))
def test_a_key_is_found_in_a_block_with_any_restarts(
    entries: dict[bytes, bytes], other: bytes, interval: int
) -> None:
    block = BlockBuilder(interval)
    for key, value in sorted(entries.items()):
        block.add(key, value)
    stored = block.finish()
    assert {key: find_in_block(stored, key) for key in entries} == entries
    assert find_in_block(stored, other) == entries.get(other)


@patiently
@given(st.binary(max_size=300), st.binary(max_size=60), KEYS)
def test_any_block_has_the_value_that_it_lists_or_is_corrupt(
    entries: bytes, restarts: bytes, other: bytes
) -> None:
    block = entries + restarts + struct.pack("<I", len(restarts) // 4)
    try:
        listed = dict(itertools.chain.from_iterable(entry_batches(block)))
    except pbckpt.CorruptFileError:
        with suppress(pbckpt.CorruptFileError):
            find_in_block(block, other)
        return
    # A list that ascends is one in which each key can be found.
    assert {key: find_in_block(block, key) for key in listed} == listed
    assert find_in_block(block, other) == listed.get(other)


@patiently
@given(TABLES.filter(bool), st.integers(1, 2000), st.data())
def test_a_damaged_table_has_all_that_was_written_or_is_corrupt(
    entries: dict[bytes, bytes], block_bytes: int, data: st.DataObject
) -> None:
    table = bytearray(table_of(entries, block_bytes))
    for _ in range(data.draw(st.integers(1, 3))):
        table[data.draw(st.integers(0, len(table) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        reader = TableReader(Memory(table))
    except pbckpt.PbckptError:
        return
    for key, value in entries.items():
        with suppress(pbckpt.PbckptError):
            assert reader.find(key) == value
    try:
        found = list(reader)
    except pbckpt.PbckptError:
        return
    assert found == sorted(entries.items())


@patiently
@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_block_is_a_list_of_ascending_keys_or_corrupt(entries: bytes, restarts: bytes) -> None:
    block = entries + restarts + struct.pack("<I", len(restarts) // 4)
    try:
        keys = [key for batch in entry_batches(block) for key, _ in batch]
    except pbckpt.CorruptFileError:
        return
    assert all(a < b for a, b in itertools.pairwise(keys))


@patiently
@given(st.dictionaries(KEYS, st.binary(max_size=60), max_size=5), st.data())
def test_any_index_with_right_checksums_is_read_or_refused(
    values: dict[bytes, bytes], data: st.DataObject
) -> None:
    """The blocks are forged after their checksums would have told."""
    block = BlockBuilder()
    for key, value in sorted({b"": bytes.fromhex("08011a020801"), **values}.items()):
        block.add(key, value)
    stored = bytearray(block.finish())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(0, 255))
    index = BlockBuilder(1)
    index.add(b"\xff" * 30, BlockHandle(0, len(stored)).encode())
    blocks = [bytes(stored), BlockBuilder().finish(), index.finish()]
    start = len(stored) + 5
    footer = Footer(BlockHandle(start, 8), BlockHandle(start + 13, len(blocks[2])))
    table = b"".join(part + encode_trailer(part) for part in blocks) + footer.encode()
    try:
        found = Index(Memory(table))
        listed = found.entries
    except pbckpt.PbckptError:
        return
    assert found.header.num_shards >= 1
    again = Index(Memory(table))
    assert {key: again.find(key) for key in listed} == listed


@patiently
@given(st.binary(max_size=200), st.sampled_from([b"", bytes.fromhex("57fb808b247547db")]))
def test_any_bytes_are_a_table_or_corrupt(data: bytes, tail: bytes) -> None:
    with suppress(pbckpt.PbckptError):
        reader = TableReader(Memory(data + tail))
        reader.find(data[:3])
        list(reader)


@patiently
@given(st.binary(max_size=80))
def test_any_bytes_are_a_header_or_refused(data: bytes) -> None:
    try:
        header = decode_header(data)
    except pbckpt.PbckptError:
        return
    assert header.num_shards >= 1


@patiently
@given(st.binary(max_size=80))
def test_any_bytes_are_an_entry_that_fits_its_header_or_refused(data: bytes) -> None:
    try:
        entry = decode_entry(b"\x08\x01" + data, BundleHeader(2))
    except pbckpt.PbckptError:
        return
    assert entry.slices or 0 <= entry.shard_id < 2
    assert entry.slices or (entry.offset >= 0 and entry.nbytes >= 0)
    assert all(0 <= size < 1 << 63 for size in entry.shape)


@patiently
@given(st.binary(max_size=120))
def test_any_bytes_are_fields_that_follow_each_other_or_no_message(data: bytes) -> None:
    try:
        fields = list(scan(memoryview(data), 0, len(data)))
    except pbckpt.GraphDecodeError:
        return
    position = 0
    for field in fields:
        assert field.start == position
        assert field.start < field.body <= field.end
        position = field.end
    assert position == len(data)


@patiently
@given(UINT64, st.binary(max_size=4), st.binary(max_size=4))
def test_a_varint_is_read_from_among_others(value: int, before: bytes, after: bytes) -> None:
    stored = encode_varint(value)
    data = before + stored + after
    assert decode_varint(data, len(before), len(data)) == (value, len(before) + len(stored))


@patiently
@given(KEYS, KEYS)
def test_a_separator_lies_between(a: bytes, b: bytes) -> None:
    last, following = sorted([a, b])
    if last < following:
        separator = builder.shortest_separator(last, following)
        assert last <= separator < following
        assert len(separator) <= len(last)
    assert builder.short_successor(last) >= last
    assert len(builder.short_successor(last)) <= len(last)


@patiently
@given(
    st.builds(
        BundleEntry,
        st.sampled_from([DataType.STRING, DataType.VARIANT]),
        SHAPES,
        st.integers(0, 6),
        st.integers(0, (1 << 62) - 1),
        st.integers(0, (1 << 62) - 1),
        st.integers(0, (1 << 32) - 1),
        st.just(()),
    )
)
def test_an_entry_comes_back(entry: BundleEntry) -> None:
    assert decode_entry(encode_entry(entry), BundleHeader(7)) == entry


@patiently
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_strings_come_back(elements: list[bytes]) -> None:
    payload = string_payload(elements)
    data = memoryview(payload.head + b"".join(bytes(span.view) for span in payload.spans))
    layout = decode_string_head(data, len(elements), len(data))
    assert list(split_strings(data, layout)) == elements


NUMBERED_SLICES = st.tuples(KEYS, st.integers(0, (1 << 63) - 1), st.integers(1, (1 << 63) - 1))


@patiently
@given(NUMBERED_SLICES, NUMBERED_SLICES)
def test_slices_sort_by_name_then_start_then_length(
    a: tuple[bytes, int, int], b: tuple[bytes, int, int]
) -> None:
    keys = [slice_key(name, (Extent(start, length),)) for name, start, length in (a, b)]
    assert (keys[0] < keys[1]) == (a < b)
    assert (keys[0] == keys[1]) == (a == b)


@st.composite
def shards(draw: st.DrawFn) -> dict[bytes, list[bytes] | bytes]:
    """The parts that tensors lie in, or their bytes as they are, by key, in any order."""
    parts = st.one_of(st.lists(st.binary(max_size=50), max_size=5), st.binary(max_size=50))
    tensors = draw(st.dictionaries(KEYS.filter(bool), parts, max_size=8))
    return {key: tensors[key] for key in draw(st.permutations(list(tensors)))}


@patiently
@given(shards(), st.integers(1, 100))
def test_a_shard_and_its_index_are_read_back(
    tensors: dict[bytes, list[bytes] | bytes], buffer_size: int
) -> None:
    stream = ShardStream(
        Tensor(
            BundleKey(key),
            DataType.UINT8,
            (len(whole_of(parts)),),
            parts if isinstance(parts, bytes) else Payload([Span.of(part) for part in parts]),
        )
        for key, parts in tensors.items()
    )
    buffer = memoryview(bytearray(buffer_size))
    shard = bytearray()
    while (block := stream.next_block(buffer)) is not None:
        shard += block.data
    index: list[bytes] = []
    assert bytes(shard) == b"".join(map(whole_of, tensors.values()))
    write_index(index_entries([stream], {}), 1, index.append)
    found = Index(Memory(b"".join(index)))
    reader = BundleReader(found, lambda _: Memory(shard))
    assert {key: bytes(reader.read(entry)) for key, entry in found.entries.items()} == {
        key: whole_of(parts) for key, parts in tensors.items()
    }


def whole_of(parts: list[bytes] | bytes) -> bytes:
    return parts if isinstance(parts, bytes) else b"".join(parts)
