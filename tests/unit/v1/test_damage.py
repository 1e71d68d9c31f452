"""Damage to V1 files: the values that were there, or an error of ours.

A damaged record whose block has the right checksum is forged: it may give other
values, but nothing else than values or an error.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, PbckptError
from pbckpt.table.reader import TableReader
from pbckpt.v1.meta import decode_meta
from pbckpt.v1.record import decode_elements, decode_record, decode_strings
from pbckpt.v1.shards import pattern_matches
from pbckpt.wire.span import Memory
from pbckpt.wire.varint import encode_varint
from tests.unit.v1.files import contents, field, reader, table_of

GOLDEN = Path(__file__).parents[2] / "golden" / "v1"
SHARDS = [(GOLDEN / "sharded2" / f"model.ckpt-0000{shard}-of-00002").read_bytes() for shard in "01"]
SLICED = (GOLDEN / "sliced" / "model.ckpt").read_bytes()
SHARDS_HOLD = contents(reader(*SHARDS))
SLICED_HOLDS = contents(reader(SLICED))
RECORDS = dict(TableReader(Memory(SLICED)))
KEYS = sorted(RECORDS)
DTYPES = [dtype for dtype in DataType if dtype.is_fixed_size and dtype <= DataType.UINT64]

patiently = settings(deadline=None, max_examples=150)


def flipped(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_every_bit_flipped() -> None:
    right = 0
    for bit in range(8 * len(SLICED)):
        with suppress(CorruptFileError):
            assert contents(reader(flipped(SLICED, bit))) == SLICED_HOLDS
            right += 1
    # Only what no reader needs: the metaindex block with its trailer and its handle, and
    # the padding; a bit of the index handle can give a longer form of the same number.
    assert 0 < right <= 8 * (13 + 3 + 40)


@pytest.mark.parametrize("shard", [0, 1])
def test_every_bit_of_a_shard_flipped(shard: int) -> None:
    for bit in range(8 * len(SHARDS[shard])):
        files = list(SHARDS)
        files[shard] = flipped(files[shard], bit)
        try:
            assert contents(reader(*files)) == SHARDS_HOLD
        except CorruptFileError as error:
            assert error.file == f"shard {shard}"  # noqa: PT017 - it is not always raised


def test_every_length_cut() -> None:
    for size in range(len(SLICED)):
        with pytest.raises(CorruptFileError, match=r"^shard 0: "):
            contents(reader(SLICED[:size]))


def test_every_start_cut() -> None:
    for start in range(1, len(SLICED)):
        with pytest.raises(CorruptFileError, match=r"^shard 0: "):
            contents(reader(SLICED[start:]))


@pytest.mark.parametrize("key", KEYS)
def test_every_bit_of_a_forged_record_flipped(key: bytes) -> None:
    for bit in range(8 * len(RECORDS[key])):
        with suppress(PbckptError):
            contents(reader(table_of({**RECORDS, key: flipped(RECORDS[key], bit)})))


@pytest.mark.parametrize("key", KEYS)
def test_every_length_of_a_forged_record_cut(key: bytes) -> None:
    for size in range(len(RECORDS[key])):
        with pytest.raises(CorruptFileError, match=r"^shard 0: "):
            contents(reader(table_of({**RECORDS, key: RECORDS[key][:size]})))


@pytest.mark.parametrize("key", KEYS)
def test_every_record_in_the_place_of_every_other(key: bytes) -> None:
    for other in KEYS:
        if other != key:
            with pytest.raises(CorruptFileError, match=r"^shard 0: "):
                contents(reader(table_of({**RECORDS, key: RECORDS[other]})))


@st.composite
def forged_records(draw: st.DrawFn) -> dict[bytes, bytes]:
    """The records of a file, of which some were edited."""
    records = dict(RECORDS)
    for _ in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(KEYS))
        record = records[key]
        start = draw(st.integers(0, len(record)))
        end = draw(st.integers(start, min(len(record), start + 8)))
        records[key] = record[:start] + draw(st.binary(max_size=8)) + record[end:]
    return records


@patiently
@given(forged_records())
def test_forged_records_give_values_or_an_error(records: dict[bytes, bytes]) -> None:
    with suppress(PbckptError):
        found = contents(reader(table_of(records)))
        if records[b""] == RECORDS[b""]:
            assert {name: value[:2] for name, value in found.items()} == {
                name: value[:2] for name, value in SLICED_HOLDS.items()
            }


PIECES = st.one_of(
    st.binary(max_size=12),
    st.builds(
        lambda number, body: bytes.fromhex(field(number, body.hex())),
        st.integers(1, 17),
        st.binary(max_size=24),
    ),
)
MESSAGES = st.lists(PIECES, max_size=6).map(b"".join)
NESTED = st.builds(
    lambda number, body: bytes.fromhex(field(number, body.hex())), st.integers(1, 4), MESSAGES
)
ANY_RECORD = st.one_of(MESSAGES, st.lists(NESTED, max_size=4).map(b"".join))


@patiently
@given(ANY_RECORD, st.integers(0, 3), st.sampled_from(DTYPES), st.integers(0, 8))
def test_any_bytes_as_a_record(record: bytes, rank: int, dtype: DataType, count: int) -> None:
    with suppress(CorruptFileError):
        decoded = decode_record(record, rank)
        assert len(decoded.part) == rank
        with suppress(CorruptFileError):
            assert len(decode_strings(decoded, count)) == count
        assert len(decode_elements(decoded, dtype, count)) == count * dtype.itemsize


@patiently
@given(st.one_of(ANY_RECORD, NESTED.map(lambda body: bytes.fromhex(field(1, body.hex())))))
def test_any_bytes_as_a_list(record: bytes) -> None:
    with suppress(PbckptError):
        for tensor in decode_meta(record):
            assert all(len(part) == len(tensor.shape) for part in tensor.slices)


def packed_or_not(data: st.DataObject, number: int, wire_type: int, values: list[bytes]) -> bytes:
    """Return the values of a repeated field in any of the forms that mean the same."""
    out = []
    while values:
        count = data.draw(st.integers(1, len(values)))
        chunk, values = values[:count], values[count:]
        if data.draw(st.booleans()):
            out.append(bytes.fromhex(field(number, b"".join(chunk).hex())))
        else:
            out += [encode_varint(number << 3 | wire_type) + value for value in chunk]
        # Of other fields nothing counts.
        out.append(data.draw(st.sampled_from([b"", b"\x08\x01", b"\x4a\x00", b"\x22\x01\xff"])))
    return b"".join(out)


def record_of(tensor: bytes) -> bytes:
    return bytes.fromhex(field(2, "0a0176", field(3, tensor.hex())))


@patiently
@given(st.data(), st.lists(st.binary(min_size=4, max_size=4), max_size=20))
def test_floats_of_any_bits_in_any_form(data: st.DataObject, values: list[bytes]) -> None:
    tensor = packed_or_not(data, 5, 5, values)
    record = decode_record(record_of(tensor), 0)
    assert decode_elements(record, DataType.FLOAT, len(values)) == b"".join(values)


@patiently
@given(st.data(), st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=20))
def test_integers_in_any_form(data: st.DataObject, values: list[int]) -> None:
    wire = [encode_varint(value & (1 << 64) - 1) for value in values]
    record = decode_record(record_of(packed_or_not(data, 10, 0, wire)), 0)
    expected = struct.pack(f"<{len(values)}q", *values)
    assert decode_elements(record, DataType.INT64, len(values)) == expected


@patiently
@given(st.text(alphabet="a?-0[*", max_size=6), st.text(alphabet="a?-0[*", max_size=6))
def test_a_pattern_matches_what_replaces_its_question_marks(pattern: str, name: str) -> None:
    filled = "".join(
        found if wanted == "?" else wanted for wanted, found in zip(pattern, name, strict=False)
    )
    assert pattern_matches(pattern[: len(name)], filled)
    assert pattern_matches(pattern, name) is (len(name) == len(pattern) and filled == name)
