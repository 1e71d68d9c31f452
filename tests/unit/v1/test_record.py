from __future__ import annotations

import struct
import tracemalloc

import pytest

from pbckpt.bundle.entry import Extent
from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError
from pbckpt.v1.record import decode_elements, decode_record, decode_strings
from pbckpt.wire.varint import encode_varint
from tests.unit.v1.files import field

MINUS_1 = "ffffffffffffffffff01"

# Type -> the fields of the TensorProto, how many elements, and their bytes.
VALUES = {
    "float": (1, "2a08 0000803f 00000040", 2, "0000803f 00000040"),
    "float, unpacked": (1, "2d 0000803f 2d 00000040", 2, "0000803f 00000040"),
    "float, both": (1, "2d 0000803f 2a04 00000040 2d 00004040", 3, "0000803f 00000040 00004040"),
    "float, chunks": (1, "2a04 0000803f 2a00 2a04 00000040", 2, "0000803f 00000040"),
    "float, signalling NaNs": (1, "2a08 0100807f 0000a0ff", 2, "0100807f 0000a0ff"),
    "float, an unpacked signalling NaN": (1, "2d 0100807f", 1, "0100807f"),
    "float, no elements": (1, "", 0, ""),
    "double": (2, "3208 000000000000f83f", 1, "000000000000f83f"),
    "double, unpacked": (2, "31 000000000000f83f", 1, "000000000000f83f"),
    "double, a signalling NaN": (2, "3208 010000000000f47f", 1, "010000000000f47f"),
    "int32": (3, "3a0c 0708" + MINUS_1, 3, "07000000 08000000 ffffffff"),
    "int32, unpacked": (3, "3807 3808", 2, "07000000 08000000"),
    "int32, chunks": (3, "3a01 07 3808 3a01 09", 3, "07000000 08000000 09000000"),
    "uint8": (4, "3a03 00ff01", 2, "00ff"),
    "uint8, over its range": (4, "3a0c 8002" + MINUS_1, 2, "00ff"),
    "int16": (5, "3a0d ffff01" + MINUS_1, 2, "ff7f ffff"),
    "int8": (6, "3a0b 7f 80ffffffffffffffff01", 2, "7f80"),
    "complex64": (8, "4a08 0000803f 0100807f", 1, "0000803f 0100807f"),
    "complex64, a pair in two": (8, "4a04 0000803f 4d 00000040", 1, "0000803f 00000040"),
    "int64": (9, "520b 05" + MINUS_1, 2, "0500000000000000 ffffffffffffffff"),
    "bool": (10, "5a03 010001", 3, "010001"),
    "bool, any nonzero": (10, "5a03 02 8002", 2, "0101"),
    "qint8": (11, "3a0a" + MINUS_1, 1, "ff"),
    "quint8": (12, "3a02 ff01", 1, "ff"),
    "qint32": (13, "3a0a" + MINUS_1, 1, "ffffffff"),
    "bfloat16": (14, "6a03 81ff01", 1, "817f"),
    "qint16": (15, "3a0a" + MINUS_1, 1, "ffff"),
    "quint16": (16, "3a03 ffff03", 1, "ffff"),
    "uint16": (17, "3a03 ffff03", 1, "ffff"),
    "complex128": (
        18,
        "6210 000000000000f03f 010000000000f07f",
        1,
        "000000000000f03f 010000000000f07f",
    ),
    "half is bits": (19, "6a05 8078 81f801", 2, "003c 017c"),
    "half, unpacked": (19, "688078", 1, "003c"),
    "uint32": (22, "820105 ffffffff0f", 1, "ffffffff"),
    "uint64": (23, "8a010a" + MINUS_1, 1, "ffffffffffffffff"),
    "another type and a shape": (1, "0803 1204 12020807 2a04 0000803f", 1, "0000803f"),
    "other fields": (1, "3a01 07 2a04 0000803f 4201 61 2204 00000000", 1, "0000803f"),
    "fields of the future": (1, "c23e0161 2a04 0000803f c33e0801c43e", 1, "0000803f"),
    "the wrong wire type": (1, "2807 2a04 0000803f 29 0000000000000000", 1, "0000803f"),
}
TOO_FEW_OR_MANY = {
    "fewer": (1, "2a04 0000803f", 2),
    "the last would repeat": (3, "3a01 07", 3),
    "more": (1, "2a08 0000803f 00000040", 1),
    "more integers": (9, "5202 0708", 1),
    "none": (10, "", 1),
    "some, of no elements": (1, "2a04 0000803f", 0),
    "half a pair": (8, "4a04 0000803f", 1),
    "a pair and a half": (8, "4a0c 0000803f 00000040 00004040", 1),
    "content": (1, "2204 0000803f", 1),
    "another field": (3, "5201 07", 1),
    "floats for integers": (3, "2a04 0000803f", 1),
    "a number of elements that is not there": (1, "2a04 0000803f", 1 << 62),
    "a number of bools that is not there": (10, "5a01 01", 1 << 62),
}


def elements(dtype: int, tensor: str, count: int) -> bytearray:
    record = decode_record(bytes.fromhex(field(2, "0a0162 1200", field(3, tensor))), 0)
    return decode_elements(record, DataType(dtype), count)


def strings(tensor: str, count: int) -> list[bytes]:
    record = decode_record(bytes.fromhex(field(2, "0a0162 1200", field(3, tensor))), 0)
    return decode_strings(record, count)


def test_the_record_of_a_scalar() -> None:
    record = decode_record(bytes.fromhex("120d 0a0162 1200 1a06 2a04 0000c03f"), 0)
    assert (record.name, record.part) == (b"b", ())
    assert decode_elements(record, DataType.FLOAT, 1) == bytes.fromhex("0000c03f")


def test_the_record_of_two_rows() -> None:
    floats = "".join(struct.pack("<f", number).hex() for number in range(8))
    stored = "1231 0a0170 1208 0a021002 0a021004 1a22 2a20" + floats
    record = decode_record(bytes.fromhex(stored), 2)
    assert (record.name, record.part) == (b"p", (Extent(0, 2), Extent(0, 4)))
    assert decode_elements(record, DataType.FLOAT, 8).hex() == floats


@pytest.mark.parametrize("case", VALUES)
def test_elements(case: str) -> None:
    dtype, tensor, count, expected = VALUES[case]
    assert elements(dtype, tensor, count) == bytes.fromhex(expected)


@pytest.mark.parametrize("case", TOO_FEW_OR_MANY)
def test_another_number_of_elements(case: str) -> None:
    dtype, tensor, count = TOO_FEW_OR_MANY[case]
    with pytest.raises(CorruptFileError, match="another number of elements"):
        elements(dtype, tensor, count)


def test_strings() -> None:
    assert strings("4203616263 4200 4202ff00", 3) == [b"abc", b"", b"\xff\x00"]
    assert strings("", 0) == []
    assert strings("08 07 4200 4061 2204 00000000", 1) == [b""]


@pytest.mark.parametrize("count", [0, 1, 3, 1 << 62])
def test_another_number_of_strings(count: int) -> None:
    with pytest.raises(CorruptFileError, match="another number of elements"):
        strings("420161 420162", count)


def test_all_pieces_of_a_record_count() -> None:
    """What protobuf makes of a message in pieces: lists are joined, of names the last one wins."""
    stored = (
        field(2, "1a06 2a04 0000803f", "0a0161")
        + field(2, "1a05 2d 00000040", "0a0162", "1204 0a021003")
        + field(2, "1a00 1a06 2a04 00004040")
    )
    record = decode_record(bytes.fromhex(stored), 1)
    assert (record.name, record.part) == (b"b", (Extent(0, 3),))
    expected = bytes.fromhex("0000803f 00000040 00004040")
    assert decode_elements(record, DataType.FLOAT, 3) == expected


def test_fields_in_any_order_and_fields_of_the_future() -> None:
    stored = "c23e0161 0807" + field(2, "1a06 2a04 0000803f", "c23e0161 1200 3807 0a0162 1807")
    record = decode_record(bytes.fromhex(stored), 0)
    assert (record.name, record.part) == (b"b", ())
    assert decode_elements(record, DataType.FLOAT, 1) == bytes.fromhex("0000803f")


def test_a_record_without_data_is_nobodys() -> None:
    assert decode_record(b"", 0) == (b"", (), ())


@pytest.mark.parametrize("extents", ["", "0a00 0a00", 1000 * "0a00"])
def test_a_slice_of_another_rank(extents: str) -> None:
    with pytest.raises(CorruptFileError, match="another rank"):
        decode_record(bytes.fromhex(field(2, "0a0162", field(2, extents))), 1)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("120d 0a0162", id="a cut record"),
        pytest.param("1203 0a0962", id="a cut name"),
        pytest.param("1203 1a0900", id="a cut tensor"),
        pytest.param(field(2, "0a01ff 1200"), id="a name that is not UTF-8"),
        pytest.param(field(2, "0a0162 1202 0a09"), id="a cut slice"),
        pytest.param("07", id="no wire type"),
    ],
)
def test_a_record_that_does_not_decode(stored: str) -> None:
    with pytest.raises(CorruptFileError, match="a record"):
        decode_record(bytes.fromhex(stored), 0)


@pytest.mark.parametrize(
    ("dtype", "tensor"),
    [
        pytest.param(1, "2a03 000080", id="a cut last float"),
        pytest.param(2, "320c" + 12 * "00", id="a cut last double"),
        pytest.param(1, "2a03 000080 2a01 3f", id="a float in two chunks"),
        pytest.param(1, "2d 0000", id="a cut float"),
        pytest.param(1, "2a05 0000803f", id="a cut field"),
        pytest.param(3, "3a01 80", id="a cut integer"),
        pytest.param(3, "3a0b 8080808080808080808001", id="a long integer"),
        pytest.param(9, "5201", id="a cut list of integers"),
        pytest.param(1, "2a04 0000803f 07", id="no wire type"),
    ],
)
def test_elements_that_do_not_decode(dtype: int, tensor: str) -> None:
    with pytest.raises(CorruptFileError, match="a record"):
        elements(dtype, tensor, 1)


def test_strings_that_do_not_decode() -> None:
    with pytest.raises(CorruptFileError, match="a record whose elements"):
        strings("420161 4205", 1)


@pytest.mark.parametrize(
    ("dtype", "key", "body"),
    [
        pytest.param(DataType.FLOAT, "2a", bytes(1 << 22), id="float"),
        pytest.param(DataType.INT8, "3a", bytes(1 << 20), id="int8"),
        pytest.param(DataType.INT64, "52", bytes(1 << 20), id="int64"),
        pytest.param(DataType.STRING, "3a", bytes(1 << 22), id="strings that are not there"),
    ],
)
def test_memory_is_in_proportion_to_the_record(dtype: DataType, key: str, body: bytes) -> None:
    tensor = bytes.fromhex(key) + encode_varint(len(body)) + body
    data = bytes.fromhex("0a0162 1a") + encode_varint(len(tensor)) + tensor
    stored = b"\x12" + encode_varint(len(data)) + data
    count = 0 if dtype is DataType.STRING else len(body) // (4 if dtype is DataType.FLOAT else 1)
    tracemalloc.start()
    record = decode_record(stored, 0)
    if dtype is DataType.STRING:
        assert decode_strings(record, count) == []
    else:
        assert len(decode_elements(record, dtype, count)) == count * dtype.itemsize
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * len(stored)
