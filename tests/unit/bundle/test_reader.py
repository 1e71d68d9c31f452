from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pbckpt.bundle import reader as reader_module
from pbckpt.bundle.entry import BundleEntry, Extent
from pbckpt.bundle.index import Index
from pbckpt.bundle.reader import BundleReader, Verify
from pbckpt.dtypes import DataType
from pbckpt.errors import (
    ChecksumError,
    CorruptFileError,
    LimitError,
    UnsupportedBundleError,
)
from pbckpt.table.block import BlockBuilder, encode_trailer
from pbckpt.table.builder import write_table
from pbckpt.table.footer import BlockHandle, Footer
from pbckpt.wire.checksum import crc32c
from pbckpt.wire.span import Memory

if TYPE_CHECKING:
    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.bundle.payload import Payload
    from pbckpt.wire.span import ByteSource

# b = [7, 8] and w = [[0, 1, 2], [3, 4, 5]], as TensorFlow wrote them.
INDEX = bytes.fromhex(
    "000006     08011a020801"
    "00010f 62  0801 1204 12020802 2808 35fb29da1a"
    "000115 77  0801 1208 12020802 12020803 2008 2818 35c0db3d17"
    "00000000 01000000  00 e4d02cc4"
    "00000000 01000000  00 c0f2a1b0"
    "000102 78 003d  00000000 01000000  00 793006f4"
    "4208 4f0e  0000000000000000 0000000000000000 0000000000000000 0000000000000000 00000000"
    "57fb808b247547db"
)
DATA = bytes.fromhex("0000e040 00000041 00000000 0000803f 00000040 00004040 00008040 0000a040")
B_ENTRY = BundleEntry(DataType.FLOAT, (2,), 0, 0, 8, 0x9F91BC2B)
W_ENTRY = BundleEntry(DataType.FLOAT, (2, 3), 0, 8, 24, 0x78743A5D)

HEADER = "0801 1a020801"
# The scalar 1.5 at the start of the only shard.
SCALAR = "0801 1200 2804 355e2fe1a7"
# Four elements, of 5, 0, 3 and 300 bytes.
STRINGS = "0807 1204 12020804 28bd02 3596e0dbb9"
STRINGS_DATA = bytes.fromhex("05 00 03 ac02 548f6f73") + b"hello\xff\x00z" + b"x" * 300


def table_of(entries: dict[bytes, str]) -> bytes:
    out: list[bytes] = []
    write_table(((key, bytes.fromhex(value)) for key, value in sorted(entries.items())), out.append)
    return b"".join(out)


def index_of(entries: dict[bytes, str], header: str = HEADER) -> Index:
    return Index(Memory(table_of({b"": header, **entries}), "some.index"))


def reader_of(index: Index, data: bytes, verify: Verify = Verify.CHECKSUMS) -> BundleReader:
    shard = Memory(data, "some.data")
    return BundleReader(index, lambda _: shard, verify)


def test_the_index_that_tensorflow_wrote() -> None:
    index = Index(Memory(INDEX))
    assert index.header.num_shards == 1
    assert index.header.big_endian is False
    assert index.entries == {b"b": B_ENTRY, b"w": W_ENTRY}
    assert index.slice_entries == {}


def test_the_data_that_tensorflow_wrote() -> None:
    reader = reader_of(Index(Memory(INDEX)), DATA)
    assert reader.read(B_ENTRY) == DATA[:8]
    assert reader.read(W_ENTRY) == DATA[8:]


def test_entries_are_listed_in_the_order_of_their_keys() -> None:
    keys = [b"\x01", b"Z", b"a", b"a/b", b"a0", b"\xc3\xa9", b"\xff"]
    assert list(index_of(dict.fromkeys(reversed(keys), SCALAR)).entries) == keys


def test_an_index_of_nothing_but_a_header() -> None:
    assert index_of({}).entries == {}


@pytest.mark.parametrize(
    "entries", [{}, {b"w": SCALAR}], ids=["no entries", "an entry in the header's place"]
)
def test_an_index_without_a_header_is_corrupt(entries: dict[bytes, str]) -> None:
    with pytest.raises(CorruptFileError, match="without a header") as caught:
        Index(Memory(table_of(entries), "some.index"))
    assert caught.value.file == "some.index"


def test_a_checkpoint_of_the_first_version_is_named() -> None:
    first_version = table_of({b"": "0a0e 0a0a 0a0177 1202 1200 1801 22001202 0801"})
    with pytest.raises(UnsupportedBundleError, match="V1 checkpoint"):
        Index(Memory(first_version))


@pytest.mark.parametrize(
    ("header", "entry"),
    [
        pytest.param("0800", SCALAR, id="a header of no shards"),
        pytest.param("08", SCALAR, id="a header that is cut"),
        pytest.param(HEADER, "", id="an entry of no bytes"),
        pytest.param(HEADER, "deadbeef", id="an entry of other bytes"),
        pytest.param(HEADER, "0801 1200 2805", id="an entry of the wrong size"),
        pytest.param(HEADER, "0801 1200 1801 2804", id="an entry in another shard"),
    ],
)
def test_what_is_wrong_with_an_index_is_told_with_its_name(header: str, entry: str) -> None:
    with pytest.raises(CorruptFileError, match=r"^some\.index: ") as caught:
        _ = index_of({b"w": entry}, header).entries
    assert caught.value.file == "some.index"
    with pytest.raises(CorruptFileError, match=r"^some\.index: "):
        index_of({b"w": entry}, header).find(b"w")


def test_an_entry_that_is_wrong_is_told_with_its_key() -> None:
    with pytest.raises(CorruptFileError, match=r"^some\.index: key 'layer/kernel': ") as caught:
        index_of({b"layer/kernel": "0801 1200 2805"}).find(b"layer/kernel")
    assert (caught.value.expected, caught.value.actual) == ("4", "5")
    with pytest.raises(CorruptFileError, match=r"^some\.index: key 'layer/kernel': "):
        _ = index_of({b"layer/kernel": "0801 1200 2805"}).entries


def test_a_damaged_index_is_told_with_its_name() -> None:
    with pytest.raises(ChecksumError) as caught:
        Index(Memory(b"\x01" + INDEX[1:], "some.index"))
    assert (caught.value.file, caught.value.offset) == ("some.index", 0)


def test_the_layout_is_checked_where_reading_does_not_look() -> None:
    Index(Memory(INDEX)).check_layout()
    damaged = bytearray(INDEX)
    damaged[0x43] ^= 1  # in the metaindex block
    assert Index(Memory(damaged)).entries
    with pytest.raises(ChecksumError) as caught:
        Index(Memory(damaged, "some.index")).check_layout()
    assert (caught.value.file, caught.value.offset) == ("some.index", 0x42)


def test_a_small_index_does_not_take_much_memory() -> None:
    """Each entry adds one byte to a key of 64 KiB: 1,000 of them are 64 MiB from 0.2."""
    block = BlockBuilder(restart_interval=1_000_000)
    block.add(b"", bytes.fromhex(HEADER))
    key = b"k" * 65536
    for _ in range(1000):
        key += b"k"
        block.add(key, bytes.fromhex(SCALAR))
    stored = block.finish()
    index = BlockBuilder(restart_interval=1)
    index.add(key, BlockHandle(0, len(stored)).encode())
    metaindex = BlockBuilder().finish()
    start = len(stored) + 5
    footer = Footer(BlockHandle(start, 8), BlockHandle(start + 13, len(index.finish())))
    blocks = [stored, metaindex, index.finish()]
    table = b"".join(part + encode_trailer(part) for part in blocks) + footer.encode()
    assert len(table) < 250_000
    with pytest.raises(LimitError, match="the size of all keys"):
        _ = Index(Memory(table)).entries


# Two parts of a float32 of shape [2, 2], a row each.
PARTS = "3a08 0a021001 0a021002 3a0a 0a0408011001 0a021002"
FULL = "0801 1208 12020802 12020802" + PARTS
FIRST_ROW_KEY = bytes.fromhex("00 70 0001 0102 80 81 80 82")
SECOND_ROW_KEY = bytes.fromhex("00 70 0001 0102 81 81 80 82")
FIRST_ROW = "0801 1208 12020801 12020802 2808 35fb29da1a"
SECOND_ROW = "0801 1208 12020801 12020802 2008 2808 35fb29da1a"
PARTITIONED = {b"p": FULL, FIRST_ROW_KEY: FIRST_ROW, SECOND_ROW_KEY: SECOND_ROW}


def parts_of(entries: dict[bytes, str]) -> list[tuple[TensorSlice, BundleEntry]]:
    index = index_of(entries)
    return list(reader_of(index, b"").slices_of(b"p", index.entries[b"p"]))


def test_the_parts_of_a_partitioned_tensor_are_not_among_the_names() -> None:
    index = index_of({**PARTITIONED, b"q": SCALAR})
    assert list(index.entries) == [b"p", b"q"]
    assert list(index.slice_entries) == [FIRST_ROW_KEY, SECOND_ROW_KEY]


def test_the_parts_of_a_partitioned_tensor_are_found() -> None:
    assert parts_of(PARTITIONED) == [
        (
            (Extent(0, 1), Extent(0, 2)),
            BundleEntry(DataType.FLOAT, (1, 2), 0, 0, 8, 0x9F91BC2B),
        ),
        (
            (Extent(1, 1), Extent(0, 2)),
            BundleEntry(DataType.FLOAT, (1, 2), 0, 8, 8, 0x9F91BC2B),
        ),
    ]


def test_a_part_that_takes_a_dimension_whole() -> None:
    key = bytes.fromhex("00 70 0001 0102 80 82 80 7f")
    full = "0801 1208 12020802 12020802 3a06 0a021002 0a00"
    part = "0801 1208 12020802 12020802 2810 35d8ea82a2"
    assert parts_of({b"p": full, key: part}) == [
        ((Extent(0, 2), Extent(0, None)), BundleEntry(DataType.FLOAT, (2, 2), 0, 0, 16, 0))
    ]


def test_a_key_that_looks_like_a_part_and_is_listed_nowhere_is_a_name() -> None:
    assert list(index_of({FIRST_ROW_KEY: FIRST_ROW}).entries) == [FIRST_ROW_KEY]


def test_a_part_that_is_not_stored_is_missed() -> None:
    with pytest.raises(CorruptFileError, match="not all stored"):
        parts_of({b"p": FULL, FIRST_ROW_KEY: FIRST_ROW})


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("0803 1208 12020801 12020802 2808", id="of another type"),
        pytest.param("0801 1208 12020801 12020801 2804", id="of fewer elements"),
        pytest.param("0801 1208 12020802 12020802 2810", id="of more elements"),
        pytest.param("0801 1204 12020802 2808", id="of another rank"),
        pytest.param("0801 1208 12020801 12020802 3a08 0a021001 0a021002", id="in parts itself"),
    ],
)
def test_a_part_of_another_tensor_is_refused(part: str) -> None:
    with pytest.raises(CorruptFileError, match="of another tensor"):
        parts_of({**PARTITIONED, SECOND_ROW_KEY: part})


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        pytest.param("12020803 12020802", PARTS, id="a hole"),
        pytest.param("12020802 12020802", PARTS + "3a08 0a021001 0a021002", id="a part twice"),
        pytest.param(
            "12020802 12020802",
            "3a08 0a021001 0a021002 3a08 0a021002 0a021002",
            id="parts that overlap",
        ),
    ],
)
def test_the_parts_of_a_tensor_cover_it_once(shape: str, parts: str) -> None:
    both_rows = bytes.fromhex("00 70 0001 0102 80 82 80 82")
    both = "0801 1208 12020802 12020802 2810 35d8ea82a2"
    with pytest.raises(CorruptFileError):
        parts_of({**PARTITIONED, b"p": f"0801 1208 {shape} {parts}", both_rows: both})


def test_the_parts_of_a_partitioned_tensor_are_read_one_by_one() -> None:
    index = index_of(PARTITIONED)
    reader = reader_of(index, DATA[:8] * 2)
    assert [reader.read(part) for _, part in reader.slices_of(b"p", index.entries[b"p"])] == [
        DATA[:8],
        DATA[:8],
    ]


BIG_ENDIAN = "0801 1001 1a020801"


def test_a_big_endian_tensor_is_read_as_it_is_stored() -> None:
    """Whoever knows the type turns the bytes of its elements around."""
    index = index_of({b"w": "0801 1200 2804 355e2fe1a7"}, BIG_ENDIAN)
    reader = reader_of(index, b"\x00\x00\xc0\x3f")
    assert reader.big_endian is True
    assert reader.read(index.entries[b"w"]) == b"\x00\x00\xc0\x3f"
    reader.check(index.entries[b"w"])
    with pytest.raises(UnsupportedBundleError, match="big-endian"):
        reader.payload(index.entries[b"w"])


# The strings above as a big-endian machine writes them: their lengths are summed as
# 00000005, 00000000, 00000003 and 0000012c, and the sum is written from its high byte on.
BIG_ENDIAN_STRINGS_DATA = bytes.fromhex("05 00 03 ac02 f7aff9e2") + b"hello\xff\x00z" + b"x" * 300
BIG_ENDIAN_STRINGS = "0807 1204 12020804 28bd02 357af4b91b"


def test_big_endian_strings_are_read() -> None:
    index = index_of({b"s": BIG_ENDIAN_STRINGS}, BIG_ENDIAN)
    reader = reader_of(index, BIG_ENDIAN_STRINGS_DATA)
    assert reader.read_strings(index.entries[b"s"]) == [b"hello", b"", b"\xff\x00z", b"x" * 300]
    reader.check(index.entries[b"s"])


@pytest.mark.parametrize(
    ("header", "entry", "data"),
    [
        pytest.param(HEADER, BIG_ENDIAN_STRINGS, BIG_ENDIAN_STRINGS_DATA, id="big as little"),
        pytest.param(BIG_ENDIAN, STRINGS, STRINGS_DATA, id="little as big"),
    ],
)
def test_strings_of_the_other_order_are_noticed(header: str, entry: str, data: bytes) -> None:
    index = index_of({b"s": entry}, header)
    with pytest.raises(ChecksumError, match="lengths of strings"):
        reader_of(index, data).read_strings(index.entries[b"s"])


def test_every_flipped_bit_of_big_endian_strings_is_noticed() -> None:
    index = index_of({b"s": BIG_ENDIAN_STRINGS}, BIG_ENDIAN)
    for bit in range(8 * len(BIG_ENDIAN_STRINGS_DATA)):
        damaged = bytearray(BIG_ENDIAN_STRINGS_DATA)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError):
            reader_of(index, bytes(damaged)).read_strings(index.entries[b"s"])
        with pytest.raises(CorruptFileError):
            reader_of(index, bytes(damaged)).check(index.entries[b"s"])


def test_a_tensor_that_is_damaged_is_not_handed_out() -> None:
    reader = reader_of(Index(Memory(INDEX)), DATA[:10] + b"\x01" + DATA[11:])
    assert reader.read(B_ENTRY) == DATA[:8]
    with pytest.raises(ChecksumError) as caught:
        reader.read(W_ENTRY)
    error = caught.value
    assert (error.file, error.offset, error.expected) == ("some.data", 8, "78743a5d")


def test_checksums_can_be_left_out() -> None:
    damaged = DATA[:10] + b"\x01" + DATA[11:]
    reader = reader_of(Index(Memory(INDEX)), damaged, Verify.NOTHING)
    assert reader.read(W_ENTRY) == damaged[8:]


def test_an_entry_without_a_checksum_is_not_taken_on_trust() -> None:
    index = index_of({b"w": "0801 1200 2804"})
    with pytest.raises(ChecksumError):
        reader_of(index, b"\x00\x00\xc0\x3f").read(index.entries[b"w"])


@pytest.mark.parametrize("size", [0, 7, 8, 31])
def test_a_tensor_past_the_end_of_its_shard_is_refused(size: int) -> None:
    reader = reader_of(Index(Memory(INDEX)), DATA[:size])
    with pytest.raises(CorruptFileError, match="past the end") as caught:
        reader.read(W_ENTRY)
    assert caught.value.file == "some.data"
    assert caught.value.expected == "32 bytes"
    assert caught.value.actual == f"{size} bytes"


def test_a_tensor_past_the_end_is_refused_before_memory_is_taken() -> None:
    index = index_of({b"w": "0804 1209 1207 08808080808040 28808080808040"})
    with pytest.raises(CorruptFileError, match="past the end"):
        reader_of(index, b"").read(index.entries[b"w"])


def test_bytes_that_belong_to_no_tensor_are_not_in_the_way() -> None:
    index = index_of({b"w": "0801 1200 2003 2804 355e2fe1a7"})
    reader = reader_of(index, b"---\x00\x00\xc0\x3f---")
    assert reader.read(index.entries[b"w"]) == b"\x00\x00\xc0\x3f"


def test_two_tensors_may_share_their_bytes() -> None:
    index = index_of({b"v": SCALAR, b"w": SCALAR})
    reader = reader_of(index, b"\x00\x00\xc0\x3f")
    assert reader.read(index.entries[b"v"]) == reader.read(index.entries[b"w"])


def test_a_tensor_without_elements_has_no_bytes() -> None:
    index = index_of({b"w": "0801 1202 1200 35d8ea82a2"})
    assert reader_of(index, b"").read(index.entries[b"w"]) == b""


def test_a_tensor_is_read_from_its_own_shard() -> None:
    index = index_of({b"v": SCALAR, b"w": SCALAR + "1801"}, "0802 1a020801")
    shards = [Memory(b"----", "first"), Memory(b"\x00\x00\xc0\x3f", "second")]
    reader = BundleReader(index, lambda shard_id: shards[shard_id])
    assert reader.read(index.entries[b"w"]) == b"\x00\x00\xc0\x3f"
    with pytest.raises(ChecksumError, match=r"^first: "):
        reader.read(index.entries[b"v"])


def test_a_shard_is_opened_when_a_tensor_of_it_is_asked_for() -> None:
    opened = []

    def open_shard(shard_id: int) -> ByteSource:
        opened.append(shard_id)
        return Memory(b"\x00\x00\xc0\x3f")

    index = index_of({b"w": SCALAR + "1801"}, "0802 1a020801")
    reader = BundleReader(index, open_shard)
    assert opened == []
    reader.read(index.entries[b"w"])
    assert set(opened) == {1}


class File:
    """A source that reads into the buffer; its first reads may go wrong."""

    name = "file"

    def __init__(self, data: bytes, bad_reads: int = 0) -> None:
        self.view = memoryview(data)
        self.bad_reads = bad_reads
        self.sizes: list[int] = []
        self.buffers: list[object] = []

    def chunk(self, offset: int, nbytes: int, buffer: memoryview) -> memoryview:
        self.sizes.append(nbytes)
        self.buffers.append(buffer.obj)
        buffer[:nbytes] = self.view[offset : offset + nbytes]
        if self.bad_reads:
            self.bad_reads -= 1
            buffer[0] ^= 1
        return buffer[:nbytes]


def test_a_large_tensor_is_read_a_mebibyte_at_a_time() -> None:
    data = bytes(range(256)) * 10_000
    index = index_of({b"w": "0804 1207 1205 0880a09c01 2880a09c01"})
    file = File(data)
    reader = BundleReader(index, lambda _: file, Verify.NOTHING)
    assert reader.read(index.entries[b"w"]) == data
    assert file.sizes == [1048576, 1048576, 462848]


def test_bytes_that_were_read_wrong_are_not_handed_out() -> None:
    index = index_of({b"w": SCALAR})
    file = File(b"\x00\x00\xc0\x3f", bad_reads=1)
    reader = BundleReader(index, lambda _: file)
    with suppress(ChecksumError):
        assert reader.read(index.entries[b"w"]) == b"\x00\x00\xc0\x3f"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_check_works_with_any_buffer(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "CHUNK_BYTES", size)
    index = Index(Memory(INDEX))
    file = File(DATA)
    reader = BundleReader(index, lambda _: file)
    assert bytes(reader.check(W_ENTRY).view) == DATA[8:]
    assert max(file.sizes) == min(size, 24)
    with pytest.raises(ChecksumError):
        reader.check(W_ENTRY._replace(crc32c=0x78743A5C))


def test_the_buffer_of_a_check_is_its_own() -> None:
    """Another thread may be checking at the same time."""
    index = index_of({b"w": "0804 1207 1205 0880a09c01 2880a09c01"})
    file = File(bytes(2_560_000))
    reader = BundleReader(index, lambda _: file)
    for _ in range(2):
        with pytest.raises(ChecksumError):
            reader.check(index.entries[b"w"])
    assert file.sizes == [1048576, 1048576, 462848] * 2
    assert len({id(buffer) for buffer in file.buffers}) == 2


def test_a_span_is_checked_unless_nothing_is() -> None:
    index = index_of({b"w": SCALAR})
    assert bytes(reader_of(index, b"\0\0\xc0\x3f").checked_span(index.entries[b"w"]).view) == (
        b"\0\0\xc0\x3f"
    )
    with pytest.raises(ChecksumError):
        reader_of(index, b"\1\0\xc0\x3f").checked_span(index.entries[b"w"])
    unchecked = reader_of(index, b"\1\0\xc0\x3f", Verify.NOTHING)
    assert bytes(unchecked.checked_span(index.entries[b"w"]).view) == b"\1\0\xc0\x3f"
    with pytest.raises(CorruptFileError, match="past the end"):
        reader_of(index, b"\0\0\xc0", Verify.NOTHING).checked_span(index.entries[b"w"])


def test_strings_are_read_as_their_elements() -> None:
    index = index_of({b"s": STRINGS})
    elements = reader_of(index, STRINGS_DATA).read_strings(index.entries[b"s"])
    assert elements == [b"hello", b"", b"\xff\x00z", b"x" * 300]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_strings_are_checked_with_any_buffer(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "CHUNK_BYTES", size)
    index = index_of({b"s": STRINGS})
    file = File(STRINGS_DATA)
    BundleReader(index, lambda _: file).check(index.entries[b"s"])
    with pytest.raises(ChecksumError):
        reader_of(index, STRINGS_DATA[:-1] + b"y").check(index.entries[b"s"])


def test_strings_of_no_elements() -> None:
    index = index_of({b"s": "0807 1202 1200 2804 35f6c10c64"})
    reader = reader_of(index, bytes.fromhex("d8ea82a2"))
    assert reader.read_strings(index.entries[b"s"]) == []
    reader.check(index.entries[b"s"])


def test_every_flipped_bit_of_strings_is_noticed() -> None:
    index = index_of({b"s": STRINGS})
    for bit in range(8 * len(STRINGS_DATA)):
        damaged = bytearray(STRINGS_DATA)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError):
            reader_of(index, bytes(damaged)).read_strings(index.entries[b"s"])


def test_wrong_lengths_of_strings_are_told_with_their_place() -> None:
    index = index_of({b"s": STRINGS + "2064"})  # at byte 100
    with pytest.raises(CorruptFileError, match=r"^some\.data: .* at byte 100 ") as caught:
        reader_of(index, b"-" * 100 + b"\x06" + STRINGS_DATA[1:]).read_strings(index.entries[b"s"])
    assert not isinstance(caught.value, ChecksumError)


def test_wrong_lengths_are_noticed_without_checksums_too() -> None:
    index = index_of({b"s": STRINGS})
    reader = reader_of(index, b"\x06" + STRINGS_DATA[1:], Verify.NOTHING)
    with pytest.raises(CorruptFileError, match=r"^some\.data: "):
        reader.read_strings(index.entries[b"s"])


@pytest.mark.parametrize(
    "dims",
    [
        pytest.param("1205 088080 8020", id="2**26"),
        pytest.param("1206 0880808080 08", id="2**31"),
        pytest.param("120a 08ffffffffffffffff7f", id="2**63 - 1"),
    ],
)
def test_strings_without_number_are_refused_by_their_size(dims: str) -> None:
    shape = bytes.fromhex(dims)
    index = index_of({b"s": f"0807 12{len(shape):02x} {shape.hex()} 2840"})
    with pytest.raises(CorruptFileError, match="strings in 64 bytes"):
        reader_of(index, bytes(64)).read_strings(index.entries[b"s"])


def test_a_variant_is_checked_though_it_is_not_read() -> None:
    index = index_of({b"v": "0815 1204 12020802 280f 3568deb44e"})
    data = bytes.fromhex("05 68656c6c6f 5d0c5c05  00 08355234")
    entry = index.entries[b"v"]
    reader_of(index, data).check(entry)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(CorruptFileError, match=r"^some\.data: "):
            reader_of(index, bytes(damaged)).check(entry)


def test_an_extent_without_length_is_not_one_of_length_0() -> None:
    assert Extent(0, None) != Extent(0, 0)


# Payloads, to be written again


def taken(payload: Payload) -> tuple[bytes, int]:
    """Take a payload as a writer does; return its bytes, and the CRC of its entry."""
    out, crc = bytearray(payload.head), payload.head_crc32c
    for span in payload.spans:
        out += span.view
        crc = crc32c(span.view, crc)
    if payload.crc32c is not None:
        crc = payload.crc32c
    if payload.confirm is not None:
        payload.confirm(crc)
    return bytes(out), crc


@pytest.mark.parametrize(
    ("entry", "data"),
    [
        pytest.param(SCALAR, bytes.fromhex("0000c03f"), id="a number"),
        pytest.param(STRINGS, STRINGS_DATA, id="strings"),
        pytest.param("0807 1202 1200 2804 35f6c10c64", bytes.fromhex("d8ea82a2"), id="no strings"),
        pytest.param(
            "0815 1204 12020802 280f 3568deb44e",
            bytes.fromhex("05 68656c6c6f 5d0c5c05  00 08355234"),
            id="variants",
        ),
        pytest.param("0801 1202 1200 35d8ea82a2", b"", id="no elements"),
    ],
)
def test_a_payload_is_the_stored_bytes_with_their_checksum(entry: str, data: bytes) -> None:
    index = index_of({b"w": entry})
    stored = index.entries[b"w"]
    assert taken(reader_of(index, data).payload(stored)) == (data, stored.crc32c)


@pytest.mark.parametrize(
    ("entry", "data"),
    [
        pytest.param(SCALAR, bytes.fromhex("0000c03f"), id="a number"),
        pytest.param(STRINGS, STRINGS_DATA, id="strings"),
        pytest.param(
            "0815 1204 12020802 280f 3568deb44e",
            bytes.fromhex("05 68656c6c6f 5d0c5c05  00 08355234"),
            id="variants",
        ),
    ],
)
def test_every_flipped_bit_of_a_payload_is_noticed_by_its_end(entry: str, data: bytes) -> None:
    index = index_of({b"w": entry})
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFileError, match=r"^some\.data: "):
            taken(reader_of(index, bytes(damaged)).payload(index.entries[b"w"]))


def test_a_payload_is_confirmed_without_checks_too() -> None:
    """A copy of a damaged tensor under a new checksum would hide the damage."""
    index = index_of({b"w": SCALAR})
    reader = reader_of(index, bytes.fromhex("0100c03f"), Verify.NOTHING)
    with pytest.raises(ChecksumError):
        taken(reader.payload(index.entries[b"w"]))


def test_a_payload_past_the_end_is_refused() -> None:
    index = index_of({b"w": SCALAR})
    with pytest.raises(CorruptFileError, match="past the end"):
        reader_of(index, b"\0\0\xc0").payload(index.entries[b"w"])


def test_numbers_without_elements_have_no_order() -> None:
    index = index_of({b"w": "0801 1202 1200 35d8ea82a2"}, BIG_ENDIAN)
    assert taken(reader_of(index, b"").payload(index.entries[b"w"])) == (b"", 0)
