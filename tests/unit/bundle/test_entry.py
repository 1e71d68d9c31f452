from __future__ import annotations

import pytest

from pbckpt.bundle.entry import (
    NO_CRC32C,
    BundleEntry,
    BundleHeader,
    Extent,
    decode_entry,
    decode_header,
    encode_entry,
    encode_header,
    encode_place,
    encode_places,
    encode_type,
)
from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, UnsupportedBundleError

ONE_SHARD = BundleHeader(1)
FLOAT_1_5 = 0x224302AF

# Entry, and the bytes that TensorFlow writes for it.
ENTRIES = [
    pytest.param(
        BundleEntry(DataType.FLOAT, (2,), 0, 0, 8, 0x9F91BC2B),
        "0801 1204 12020802 2808 35fb29da1a",
        id="vector",
    ),
    pytest.param(
        BundleEntry(DataType.FLOAT, (2, 3), 0, 8, 24, 0x78743A5D),
        "0801 1208 12020802 12020803 2008 2818 35c0db3d17",
        id="matrix",
    ),
    pytest.param(
        BundleEntry(DataType.FLOAT, (), 0, 0, 4, FLOAT_1_5),
        "0801 1200 2804 355e2fe1a7",
        id="scalar",
    ),
    pytest.param(
        BundleEntry(DataType.FLOAT, (0,), 0, 0, 0, 0), "0801 1202 1200 35d8ea82a2", id="no elements"
    ),
    pytest.param(
        BundleEntry(DataType.INT64, (3, 0, 200), 0, 300, 0, 0),
        "0809 120b 12020803 1200 120308c801 20ac02 35d8ea82a2",
        id="a dimension of 0 among others",
    ),
    pytest.param(
        BundleEntry(DataType.FLOAT4_E2M1FN, (1,), 2, 0, 1, 0),
        "0821 1204 12020801 1802 2801 35d8ea82a2",
        id="third shard",
    ),
    pytest.param(
        BundleEntry(DataType.UINT8, (1 << 32,), 0, 1 << 40, 1 << 32, 0),
        "0804 1208 1206 088080808010 20808080808020 288080808010 35d8ea82a2",
        id="four gigabytes",
    ),
    pytest.param(
        BundleEntry(DataType.STRING, (), 0, 0, 11, 0xBA16EA19),
        "0807 1200 280b 35055fb676",
        id="string",
    ),
    # The one checksum whose stored form is 0, and is left out.
    pytest.param(
        BundleEntry(DataType.BOOL, (1,), 0, 0, 1, 0x8A942EBE),
        "080a 1204 12020801 2801",
        id="stored checksum of 0",
    ),
]


def header_of(stored: str) -> BundleHeader:
    return decode_header(bytes.fromhex(stored))


def entry_of(stored: str, header: BundleHeader = ONE_SHARD) -> BundleEntry:
    return decode_entry(bytes.fromhex(stored), header)


@pytest.mark.parametrize(
    ("header", "stored"),
    [
        (BundleHeader(1), "0801 1a020801"),
        (BundleHeader(2), "0802 1a020801"),
        (BundleHeader(300), "08ac02 1a020801"),
        (BundleHeader(1, big_endian=True), "0801 1001 1a020801"),
    ],
)
def test_a_header(header: BundleHeader, stored: str) -> None:
    assert encode_header(header) == bytes.fromhex(stored)
    assert header_of(stored) == header


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("0801", id="no version"),
        pytest.param("0801 1a00", id="empty version"),
        pytest.param("0801 1a020805", id="newer producer"),
        pytest.param("0801 1a021001", id="asks for reader 1"),
        pytest.param("0801 1a04 0805 1001", id="newer producer that asks for reader 1"),
        pytest.param("0801 1a031a0102", id="bad consumer 2"),
        pytest.param("1a020801 0801", id="fields in another order"),
        pytest.param("0801 1a020801 7a03616263 f83f01", id="unknown fields"),
        pytest.param("0807 0801", id="a field twice, the last counts"),
    ],
)
def test_headers_that_tensorflow_reads_too(stored: str) -> None:
    assert header_of(stored) == BundleHeader(1)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("0801 1a021002", id="asks for reader 2"),
        pytest.param("0801 1a021063", id="asks for reader 99"),
        pytest.param("0801 1a031a0101", id="bad consumer 1"),
        pytest.param("0801 1a041a020201", id="bad consumers 2 and 1"),
    ],
)
def test_a_header_may_ask_for_a_newer_reader(stored: str) -> None:
    with pytest.raises(UnsupportedBundleError, match="version 1"):
        header_of(stored)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("", id="nothing"),
        pytest.param("1a020801", id="no number of shards"),
        pytest.param("0800", id="no shards"),
        pytest.param("08ffffffffffffffffff01", id="-1 shards"),
        pytest.param("0880808080f8ffffffff01", id="-2**31 shards"),
        pytest.param("0801 1002", id="byte order 2"),
        pytest.param("0801 1007", id="byte order 7"),
        pytest.param("0801 10ffffffffffffffffff01", id="byte order -1"),
        pytest.param("08", id="a cut field"),
        pytest.param("0801 1a0508", id="a cut message"),
        pytest.param("0801 0f", id="no wire type"),
        pytest.param("0801 0000", id="field number 0"),
    ],
)
def test_a_header_that_cannot_be(stored: str) -> None:
    with pytest.raises(CorruptFileError):
        header_of(stored)


@pytest.mark.parametrize(("entry", "stored"), ENTRIES)
def test_an_entry_is_written_in_field_order_without_zeros(entry: BundleEntry, stored: str) -> None:
    assert encode_entry(entry).hex() == bytes.fromhex(stored).hex()


@pytest.mark.parametrize(("entry", "stored"), ENTRIES)
def test_an_entry_is_read(entry: BundleEntry, stored: str) -> None:
    assert entry_of(stored, BundleHeader(3)) == entry


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("355e2fe1a7 2804 1200 0801", id="fields in another order"),
        pytest.param("0801 2804 355e2fe1a7", id="no shape"),
        pytest.param("0801 1200 1800 2000 2804 355e2fe1a7", id="zeros that are written"),
        pytest.param("0801 1200 2804 355e2fe1a7 7a03616263 f83f01", id="unknown fields"),
        pytest.param("0809 1200 2804 355e2fe1a7 0801", id="a field twice, the last counts"),
        pytest.param("08818000 1200 288400 355e2fe1a7", id="longer forms of numbers"),
    ],
)
def test_entries_that_tensorflow_reads_too(stored: str) -> None:
    assert entry_of(stored) == BundleEntry(DataType.FLOAT, (), 0, 0, 4, FLOAT_1_5)


def test_a_named_dimension_is_a_dimension() -> None:
    stored = "0801 1208 1206 0801 12026e61 2804 355e2fe1a7"
    assert entry_of(stored).shape == (1,)


def test_a_type_is_one_of_ours() -> None:
    assert entry_of("0801 1200 2804 355e2fe1a7").dtype is DataType.FLOAT


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("", id="nothing"),
        pytest.param("1200 2804 355e2fe1a7", id="no type"),
        pytest.param("0800 1200 2804 355e2fe1a7", id="type 0"),
        pytest.param("0814 1200", id="resource"),
        pytest.param("0822 1200 2801", id="type 34"),
        pytest.param("0865 1200 2804 355e2fe1a7", id="reference to float"),
        pytest.param("088f4e 1200 2804", id="type 9999"),
        pytest.param("08ffffffffffffffffff01 1200 2804", id="type -1"),
        pytest.param("0801 120d 120b 08ffffffffffffffffff01", id="dimension -1"),
        pytest.param("0801 120d 120b 0880808080808080808001", id="dimension -2**63"),
        pytest.param(
            "0801 1218 120a 08ffffffffffffffff7f 120a 08ffffffffffffffff7f", id="2**126 elements"
        ),
        pytest.param("0801 120f 1207 08808080808001 1204 08808001", id="2**63 bytes and more"),
        pytest.param("0801 1200", id="no bytes for an element"),
        pytest.param("0801 1200 2803", id="a byte too few"),
        pytest.param("0801 1200 2805", id="a byte too many"),
        pytest.param("0801 1202 1200 2804", id="bytes for no elements"),
        pytest.param("0801 1200 28ffffffffffffffffff01", id="size -1"),
        pytest.param("0801 1200 288080808080808080808001", id="size over 64 bits"),
        pytest.param("0801 1200 20ffffffffffffffffff01 2804", id="offset -1"),
        pytest.param("0801 1200 20ffffffffffffffff7f 2804", id="an end over 2**63"),
        pytest.param("0807 1200 20ffffffffffffffff7f 28ffffffffffffffff7f", id="both largest"),
        pytest.param("0801 1200 1801 2804", id="shard 1 of 1"),
        pytest.param("0801 1200 18ffffffffffffffffff01 2804", id="shard -1"),
        pytest.param("0801 1200 18ffffffff07 2804", id="shard 2**31 - 1"),
        pytest.param("0801 1205 2804", id="a cut shape"),
        pytest.param("0801 1200 2804 355e2fe1", id="a cut checksum"),
        pytest.param("0801 1200 2804 36", id="no wire type"),
        pytest.param("0801 1200 2804 0000", id="field number 0"),
        pytest.param("deadbeef", id="other bytes"),
        pytest.param("0801 1200 2804" + "7b" * 10_000 + "7c" * 10_000, id="10**4 groups nested"),
    ],
)
def test_an_entry_that_cannot_be(stored: str) -> None:
    with pytest.raises(CorruptFileError):
        entry_of(stored)


@pytest.mark.parametrize(
    ("rank", "is_readable"), [(1, True), (254, True), (255, False), (100_000, False)]
)
def test_a_shape_has_254_dimensions_at_most(rank: int, is_readable: bool) -> None:  # noqa: FBT001
    dims = bytes.fromhex("12020801") * rank
    length = len(dims)
    varint = bytes((length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14))
    stored = b"\x08\x04\x12" + varint + dims + b"\x28\x01"
    if is_readable:
        assert decode_entry(stored, ONE_SHARD).shape == (1,) * rank
    else:
        with pytest.raises(CorruptFileError, match="impossible shape"):
            decode_entry(stored, ONE_SHARD)


def test_the_size_of_a_string_is_not_known_from_its_shape() -> None:
    assert entry_of("0807 1200 28e807").nbytes == 1000


def test_the_wrong_size_is_told_with_the_right_one() -> None:
    with pytest.raises(CorruptFileError, match=r"float32 and shape \[2\]") as caught:
        entry_of("0801 1204 12020802 2807")
    assert (caught.value.expected, caught.value.actual) == ("8", "7")


# The first two of four rows of [4, 2], and the others.
SLICED = "0801 1208 12020804 12020802 3a08 0a021002 0a021002 3a0a 0a0408021002 0a021002"


def test_a_partitioned_tensor_lists_its_parts() -> None:
    entry = entry_of(SLICED)
    assert entry.shape == (4, 2)
    assert entry.slices == (
        (Extent(0, 2), Extent(0, 2)),
        (Extent(2, 2), Extent(0, 2)),
    )


def test_a_whole_dimension_has_no_length() -> None:
    entry = entry_of("0801 1208 12020804 12020802 3a06 0a021002 0a00")
    assert entry.slices == ((Extent(0, 2), Extent(0, None)),)


def test_the_shard_of_a_partitioned_tensor_means_nothing() -> None:
    assert entry_of(SLICED + "1809").slices


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("3a04 0a021002", id="too few dimensions"),
        pytest.param("3a0c 0a021002 0a021002 0a021001", id="too many dimensions"),
        pytest.param("3a00", id="no dimensions"),
        pytest.param("3a08 0a021005 0a021002", id="longer than the tensor"),
        pytest.param("3a0a 0a0408031002 0a021002", id="past the end"),
        pytest.param("3a0a 0a0408041001 0a021002", id="behind the end"),
        pytest.param("3a08 0a021000 0a021002", id="a length of 0"),
        pytest.param("3a11 0a0b10ffffffffffffffffff01 0a021002", id="a length of -1"),
        pytest.param(
            "3a13 0a0d08fbffffffffffffffff011002 0a021002", id="a start of -5"
        ),
        pytest.param(
            "3a12 0a0c080110ffffffffffffffff7f 0a021002", id="an end over 2**63"
        ),
        pytest.param("3a08 0a020801 0a021002", id="a start without a length"),
    ],
)  # fmt: skip
def test_a_part_lies_within_its_tensor(part: str) -> None:
    with pytest.raises(CorruptFileError, match="slice"):
        entry_of("0801 1208 12020804 12020802" + part)


# The full entry of a partitioned tensor of shape [10, 4], rows 0 to 3, 4 to 6 and 7 to 9.
PARTITIONED = "0801 1208 1202080a 12020804 3a08 0a021004 0a021004 3a0a 0a0408041003 0a021004"
PARTITIONED += "3a0a 0a0408071003 0a021004"


@pytest.mark.parametrize(
    ("shape", "slices", "shard_id", "stored"),
    [
        pytest.param(
            (10, 4),
            tuple(
                (Extent(start, count), Extent(0, 4)) for start, count in ((0, 4), (4, 3), (7, 3))
            ),
            0,
            PARTITIONED,
            id="rows",
        ),
        pytest.param(
            (3, 3),
            ((Extent(0, 2), Extent(0, None)), (Extent(2, 1), Extent(0, None))),
            0,
            "0801 1208 12020803 12020803 3a06 0a021002 0a00 3a08 0a0408021001 0a00",
            id="rows whose columns are all",
        ),
        pytest.param(
            (300,),
            ((Extent(0, 150),), (Extent(150, 150),)),
            2,
            "0801 1205 120308ac02 1802 3a05 0a03109601 3a08 0a0608960110 9601",
            id="long numbers, in a third shard",
        ),
        pytest.param((), ((),), 0, "0801 1200 3a00", id="no dimensions"),
        pytest.param(
            (1 << 40,),
            ((Extent(1 << 39, 1 << 39),),),
            0,
            "0801 1209 1207 08808080808020 3a10 0a0e 08808080808010 10808080808010",
            id="very long numbers",
        ),
    ],
)
def test_a_partitioned_tensor_is_written_with_its_slices(
    shape: tuple[int, ...], slices: tuple[tuple[Extent, ...], ...], shard_id: int, stored: str
) -> None:
    entry = BundleEntry(DataType.FLOAT, shape, shard_id, 0, 0, NO_CRC32C, slices)
    assert encode_entry(entry).hex() == bytes.fromhex(stored).hex()
    assert entry_of(stored, BundleHeader(3)) == entry


def test_slices_of_many_dimensions_have_long_lengths() -> None:
    place = (Extent(0, 1),) * 40
    entry = BundleEntry(DataType.FLOAT, (1,) * 40, 0, 0, 0, NO_CRC32C, (place,))
    stored = encode_entry(entry)
    assert stored.endswith(bytes.fromhex("3aa001" + "0a021001" * 40))
    assert decode_entry(stored, ONE_SHARD) == entry


def test_a_tensor_that_is_stored_whole_and_in_slices_keeps_both() -> None:
    """TensorFlow writes such entries for a slice that follows a whole tensor of its name."""
    stored = "0801 1204 12020802 2008 2808 35fb29da1a 3a04 0a021002"
    entry = BundleEntry(DataType.FLOAT, (2,), 0, 8, 8, 0x9F91BC2B, ((Extent(0, 2),),))
    assert entry_of(stored) == entry
    assert encode_entry(entry) == bytes.fromhex(stored)


def test_an_entry_without_a_checksum_is_one_whose_stored_form_is_0() -> None:
    assert NO_CRC32C == 0x8A942EBE
    assert entry_of("0801 1200 2804").crc32c == NO_CRC32C


@pytest.mark.parametrize(
    ("stored", "entry"),
    [
        pytest.param(
            "0801 127c" + "12020801" * 31 + "2804 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (1,) * 31, 0, 0, 4, FLOAT_1_5),
            id="a shape of 124 bytes",
        ),
        pytest.param(
            "0801 128001" + "12020801" * 32 + "2804 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (1,) * 32, 0, 0, 4, FLOAT_1_5),
            id="a shape of 128 bytes",
        ),
        pytest.param(
            "0801 1200 1802 20ac02 2804 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (), 2, 300, 4, FLOAT_1_5),
            id="every field",
        ),
        pytest.param(
            "0801 1200 188080808010 2804 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (), 0, 0, 4, FLOAT_1_5),
            id="a shard of 2**32, which is 0 in 32 bits",
        ),
        pytest.param(
            "0801 1200 2004 2000 2804 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (), 0, 0, 4, FLOAT_1_5),
            id="an offset twice",
        ),
        pytest.param(
            "0801 1200 3500000000 2804 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (), 0, 0, 4, FLOAT_1_5),
            id="a checksum twice",
        ),
        pytest.param(
            "0801 1200 1202 1200 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (0,), 0, 0, 0, FLOAT_1_5),
            id="a shape in two parts",
        ),
        pytest.param(
            "0801 1200 2804 7d 355e2fe1 355e2fe1a7",
            BundleEntry(DataType.FLOAT, (), 0, 0, 4, FLOAT_1_5),
            id="an unknown field of four bytes that look like a checksum's",
        ),
    ],
)
def test_forms_that_are_not_the_usual_ones(stored: str, entry: BundleEntry) -> None:
    assert entry_of(stored, BundleHeader(3)) == entry


def test_a_length_of_0_is_written_as_it_is_not_the_whole() -> None:
    entry = BundleEntry(DataType.FLOAT, (0,), 0, 0, 0, NO_CRC32C, ((Extent(0, 0),),))
    assert encode_entry(entry) == bytes.fromhex("0801 1202 1200 3a04 0a021000")


@pytest.mark.parametrize("shard_id", [0, 1, 300])
@pytest.mark.parametrize(
    "offset", [0, 1, 127, 128, 16383, 16384, (1 << 21) - 4, (1 << 28) - 4, 1 << 40]
)
def test_many_places_are_what_each_is_alone(shard_id: int, offset: int) -> None:
    dtypes = [DataType.FLOAT, DataType.INT64, DataType.BOOL, DataType.FLOAT, DataType.STRING]
    shapes = [(1,), (), (0, 3), (2, 200), ()]
    types = list(map(encode_type, dtypes, shapes))
    sizes = [4, 8, 0, 1600, 5]
    crcs = [0, 0x12345678, 0xFFFFFFFF, 1, 0x80000000]
    offsets = [offset, offset + 4, offset + 12, offset + 12, offset + 1612]
    expected = [
        encode_place(dtype, shape, shard_id, start, nbytes, crc)
        for dtype, shape, start, nbytes, crc in zip(
            dtypes, shapes, offsets, sizes, crcs, strict=True
        )
    ]
    assert encode_places(types, shard_id, offset, sizes, crcs) == expected
    masked_zero = encode_places(types[:1], shard_id, offset, [4], [NO_CRC32C])
    assert masked_zero == [encode_place(DataType.FLOAT, (1,), shard_id, offset, 4, NO_CRC32C)]


def test_the_bytes_of_many_places() -> None:
    types = [encode_type(DataType.FLOAT, (2,)), encode_type(DataType.FLOAT, (2, 3))]
    values = encode_places(types, 0, 8, [8, 24], [0x9F91BC2B, 0x78743A5D])
    assert values == [
        bytes.fromhex("0801 1204 12020802 2008 2808 35fb29da1a"),
        bytes.fromhex("0801 1208 12020802 12020803 2010 2818 35c0db3d17"),
    ]
    assert encode_places([], 0, 8, [], []) == []


def test_a_field_that_is_left_out_is_left_out_of_its_own_entry_alone() -> None:
    types = [encode_type(DataType.BOOL, (count,)) for count in (0, 0, 1, 1)]
    values = encode_places(types, 0, 0, [0, 0, 1, 1], [0, NO_CRC32C, 0, NO_CRC32C])
    assert values == [
        bytes.fromhex("080a 1202 1200 35d8ea82a2"),
        bytes.fromhex("080a 1202 1200"),
        bytes.fromhex("080a 1204 12020801 2801 35d8ea82a2"),
        bytes.fromhex("080a 1204 12020801 2001 2801"),
    ]
