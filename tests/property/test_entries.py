"""Entries of every form: the short way to decode them gives what protobuf gives."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from pbckpt.bundle import entry as module
from pbckpt.bundle.entry import (
    BundleEntry,
    BundleHeader,
    Extent,
    TensorSlice,
    decode_entry,
    encode_entry,
)
from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError
from pbckpt.protos import BundleEntryProto
from pbckpt.wire.checksum import mask
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Sequence

patiently = settings(deadline=None, max_examples=200)

HEADER = BundleHeader(3)
FIXED = [dtype for dtype in DataType if dtype.is_fixed_size]
STORED = [*FIXED, DataType.STRING, DataType.VARIANT]
SHAPES = st.lists(st.integers(0, 300), max_size=5).map(tuple)
UINT64 = st.integers(0, (1 << 64) - 1)


@st.composite
def entries(draw: st.DrawFn) -> BundleEntry:
    """Entries that a writer can have written."""
    dtype, shape = draw(st.sampled_from(STORED)), draw(SHAPES)
    nbytes = draw(st.integers(0, 1 << 40))
    if dtype.is_fixed_size:
        nbytes = dtype.itemsize
        for size in shape:
            nbytes *= size
    return BundleEntry(
        dtype,
        shape,
        draw(st.integers(0, 2)),
        draw(st.integers(0, 1 << 62)),
        nbytes,
        draw(st.integers(0, (1 << 32) - 1)),
    )


@st.composite
def sliced(draw: st.DrawFn) -> BundleEntry:
    """Full entries of tensors that are partitioned by rows."""
    rows, columns = draw(st.integers(2, 1 << 40)), draw(st.integers(1, 1 << 20))
    cuts = sorted({0, rows, *draw(st.lists(st.integers(1, rows - 1), max_size=5))})
    last = draw(st.sampled_from([Extent(0, columns), Extent(0, None)]))
    slices: list[TensorSlice] = [
        (Extent(start, end - start), last) for start, end in pairwise(cuts)
    ]
    order = draw(st.permutations(slices))
    shard = draw(st.integers(0, 2))
    return BundleEntry(DataType.UINT8, (rows, columns), shard, 0, 0, module.NO_CRC32C, tuple(order))


def proto_of(entry: BundleEntry) -> BundleEntryProto:
    proto = BundleEntryProto(
        dtype=int(entry.dtype),
        shard_id=entry.shard_id,
        offset=entry.offset,
        size=entry.nbytes,
        crc32c=mask(entry.crc32c),
    )
    proto.shape.SetInParent()
    for size in entry.shape:
        proto.shape.dim.add(size=size)
    for part in entry.slices:
        stored = proto.slices.add()
        for extent in part:
            one = stored.extent.add(start=extent.start)
            if extent.length is not None:
                one.length = extent.length
    return proto


def outcome(data: bytes, *, usual: bool) -> BundleEntry | str:
    """Return what decoding gives, or the message of its error."""
    try:
        return decode_entry(data, HEADER) if usual else module._decode_any(data, HEADER)
    except CorruptFileError as error:
        return str(error)


def assert_same(data: bytes) -> None:
    assert outcome(data, usual=True) == outcome(data, usual=False)


@patiently
@given(st.one_of(entries(), sliced()))
def test_an_entry_is_written_as_protobuf_writes_it(entry: BundleEntry) -> None:
    assert encode_entry(entry) == proto_of(entry).SerializeToString(deterministic=True)


@patiently
@given(entries())
def test_the_usual_form_is_decoded_without_protobuf(entry: BundleEntry) -> None:
    """Unless the shape is so long that it is not usual, or a checksum is stored as 0."""
    stored = encode_entry(entry)
    if mask(entry.crc32c):
        assert module.decode_usual_entry(stored, HEADER) == entry
    assert decode_entry(stored, HEADER) == entry
    assert module._decode_any(stored, HEADER) == entry


@patiently
@given(sliced())
def test_a_partitioned_tensor_comes_back(entry: BundleEntry) -> None:
    assert decode_entry(encode_entry(entry), HEADER) == entry
    assert module.decode_usual_entry(encode_entry(entry), HEADER) is None


def varint(value: int, longer: int = 0) -> bytes:
    """Return a varint that is some bytes longer than it has to be."""
    out = bytearray(encode_varint(value))
    for _ in range(min(longer, 10 - len(out))):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


LONGER = st.sampled_from([0, 0, 0, 1, 2, 9])
NUMBERS = st.one_of(st.integers(0, 4), st.integers(0, 400), UINT64)


@st.composite
def dims(draw: st.DrawFn) -> bytes:
    """A dimension, with fields of other numbers or twice."""
    body = b"".join(
        draw(
            st.lists(
                st.one_of(
                    st.builds(lambda n, more: b"\x08" + varint(n, more), NUMBERS, LONGER),
                    st.just(b"\x12\x02na"),
                    st.just(b"\x78\x01"),
                ),
                max_size=2,
            )
        )
    )
    return b"\x12" + varint(len(body), draw(LONGER)) + body


@st.composite
def shapes(draw: st.DrawFn) -> bytes:
    body = b"".join(draw(st.lists(st.one_of(dims(), st.just(b"\x18\x01")), max_size=3)))
    return b"\x12" + varint(len(body), draw(LONGER)) + body


def number_field(number: int) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda value, more, longer_tag: varint(number << 3, longer_tag) + varint(value, more),
        NUMBERS,
        LONGER,
        st.sampled_from([0, 0, 0, 0, 1, 4]),
    )


CRCS = st.binary(min_size=4, max_size=4).map(lambda crc: b"\x35" + crc)
UNKNOWN = st.sampled_from([b"\x7a\x03abc", b"\xf8\x3f\x01", b"\x7d\x35\x35\x35\x35", b"\x7b\x7c"])
SLICES = st.sampled_from([b"\x3a\x00", b"\x3a\x04\x0a\x02\x10\x01", b"\x3a\x02\x0a\x00"])
FIELDS = st.one_of(
    number_field(1),
    shapes(),
    number_field(3),
    number_field(4),
    number_field(5),
    CRCS,
    UNKNOWN,
    SLICES,
)


@settings(deadline=None, max_examples=300)
@given(st.lists(FIELDS, max_size=8))
def test_any_fields_in_any_order_give_what_protobuf_gives(fields: Sequence[bytes]) -> None:
    assert_same(b"".join(fields))


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([1, 4, 7, 9, 10, 20, 21, 33, 34, 101]),
    shapes(),
    st.lists(st.one_of(number_field(3), number_field(4), number_field(5), UNKNOWN), max_size=4),
    CRCS,
)
def test_fields_in_nearly_the_usual_order_give_what_protobuf_gives(
    dtype: int, shape: bytes, fields: Sequence[bytes], crc: bytes
) -> None:
    assert_same(b"\x08" + varint(dtype) + shape + b"".join(fields) + crc)


@patiently
@given(entries(), st.permutations(range(6)), st.data())
def test_the_fields_of_an_entry_in_another_order(
    entry: BundleEntry, order: Sequence[int], data: st.DataObject
) -> None:
    fields = [
        b"\x08" + varint(entry.dtype, data.draw(LONGER)),
        shape_field(entry.shape),
        b"\x18" + varint(entry.shard_id, data.draw(LONGER)),
        b"\x20" + varint(entry.offset, data.draw(LONGER)),
        b"\x28" + varint(entry.nbytes, data.draw(LONGER)),
        b"\x35" + mask(entry.crc32c).to_bytes(4, "little"),
    ]
    stored = b"".join(fields[place] for place in order) + data.draw(
        st.one_of(st.just(b""), UNKNOWN)
    )
    assert decode_entry(stored, HEADER) == entry
    assert_same(stored)


def shape_field(shape: Sequence[int]) -> bytes:
    body = b"".join(
        b"\x12" + varint(len(dim)) + dim for dim in (b"\x08" + varint(size) for size in shape)
    )
    return b"\x12" + varint(len(body)) + body


@settings(deadline=None, max_examples=200)
@given(entries(), st.data())
def test_a_changed_byte_gives_what_protobuf_gives(entry: BundleEntry, data: st.DataObject) -> None:
    stored = bytearray(encode_entry(entry))
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    assert_same(bytes(stored))
    assert_same(bytes(stored[: data.draw(st.integers(0, len(stored)))]))
