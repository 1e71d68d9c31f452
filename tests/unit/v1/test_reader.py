from __future__ import annotations

import pytest

from pbckpt.bundle.entry import Extent
from pbckpt.dtypes import DataType
from pbckpt.errors import (
    ChecksumError,
    CorruptFileError,
    LimitError,
    UnsupportedBundleError,
)
from pbckpt.v1 import reader as reader_module
from pbckpt.v1.reader import V1Part, V1Tensor, is_v1
from pbckpt.wire.span import Memory
from tests.unit.v1.files import contents, field, listing, reader, table, whole

B_KEY, B_META = "00 62 0001 00", "0a0162 1200 1801 2200"
B_RECORD = "120d 0a0162 1200 1a06 2a04 0000c03f"
# Two rows and a row of an int32 [3, 2], and the second row of two in another file.
P_META = "0a0170 1208 12020803 12020802 1803"
TOP, BOTTOM = "2206 0a021002 0a00", "2208 0a0408021001 0a00"
TOP_KEY, BOTTOM_KEY = "00 70 0001 0102 8082 807f", "00 70 0001 0102 8281 807f"
TOP_RECORD = field(2, "0a0170 1206 0a021002 0a00", "1a06 3a04 01020304")
BOTTOM_RECORD = field(2, "0a0170 1208 0a0408021001 0a00", "1a04 3a02 0506")
P_VALUE = bytes.fromhex("01000000 02000000 03000000 04000000 05000000 06000000")
S_META = "0a0173 1204 12020802 1807 2202 0a00"
S_KEY, S_RECORD = "00 73 0001 0101 807f", field(2, "0a0173 1202 0a00", "1a06 4200 4202ff00")

ONE = table({"": listing(B_META), B_KEY: B_RECORD})
PARTS = {TOP_KEY: TOP_RECORD, BOTTOM_KEY: BOTTOM_RECORD}
ALL = {"": listing(B_META, P_META + TOP + BOTTOM, S_META), **PARTS}
ALL |= {B_KEY: B_RECORD, S_KEY: S_RECORD}
TWO = (
    table({"": listing(P_META + BOTTOM, B_META), BOTTOM_KEY: BOTTOM_RECORD, B_KEY: B_RECORD}),
    table({"": listing(P_META + TOP), TOP_KEY: TOP_RECORD}),
)
INDEX = table({"": "0801 1a02 0801", "62": "0801 1200 2804 355e2fe1a7"})


def test_a_whole_tensor_is_one_part() -> None:
    opened = reader(ONE)
    part = V1Part((), bytes.fromhex("0062000100"), 0)
    assert opened.tensors == {b"b": V1Tensor(DataType.FLOAT, (), (part,))}
    assert opened.part_bytes(opened.tensors[b"b"], part) == bytes.fromhex("0000c03f")


def test_parts_are_in_the_order_of_saving() -> None:
    opened = reader(table({"": listing(P_META + BOTTOM + TOP), **PARTS}))
    tensor = opened.tensors[b"p"]
    assert [part.part for part in tensor.parts] == [
        (Extent(2, 1), Extent(0, None)),
        (Extent(0, 2), Extent(0, None)),
    ]
    assert opened.part_bytes(tensor, tensor.parts[0]) == bytes.fromhex("05000000 06000000")
    assert whole(opened, tensor) == P_VALUE


def test_strings() -> None:
    opened = reader(table({"": listing(S_META), S_KEY: S_RECORD}))
    tensor = opened.tensors[b"s"]
    assert opened.part_strings(tensor, tensor.parts[0]) == [b"", b"\xff\x00"]


def test_tensors_are_in_the_order_of_saving() -> None:
    assert list(reader(table(ALL)).tensors) == [b"b", b"p", b"s"]


def test_shards_are_one_checkpoint() -> None:
    opened = reader(*TWO)
    assert list(opened.tensors) == [b"p", b"b"]
    assert [part.shard_id for part in opened.tensors[b"p"].parts] == [0, 1]
    assert contents(opened) == {
        b"p": (3, (3, 2), P_VALUE),
        b"b": (1, (), bytes.fromhex("0000c03f")),
    }


def test_shards_in_any_order() -> None:
    opened = reader(*reversed(TWO))
    assert whole(opened, opened.tensors[b"p"]) == P_VALUE


def test_a_file_without_tensors() -> None:
    assert reader(table({"": listing()})).tensors == {}


def test_a_tensor_without_elements() -> None:
    meta = "0a017a 1206 1200 12020803 1801 2204 0a00 0a00"
    record = field(2, "0a017a 1204 0a00 0a00 1a00")
    opened = reader(table({"": listing(meta), "00 7a 0001 0102 807f 807f": record}))
    assert contents(opened) == {b"z": (1, (0, 3), b"")}


def test_parts_of_no_elements_cover_as_others_do() -> None:
    meta = "0a017a 1206 1200 12020803 1801"
    left, right = "2206 0a00 0a021002", "2208 0a00 0a0408021001"
    assert len(reader(table({"": listing(meta + left + right)})).tensors[b"z"].parts) == 2
    with pytest.raises(CorruptFileError, match="do not cover"):
        reader(table({"": listing(meta + left)}))


def test_records_that_nobody_lists_are_not_looked_at() -> None:
    opened = reader(table({"": listing(B_META), B_KEY: B_RECORD, S_KEY: "ff", TOP_KEY: ""}))
    assert list(contents(opened)) == [b"b"]


@pytest.mark.parametrize(
    "slices",
    [
        pytest.param("", id="no slice"),
        pytest.param(TOP, id="a part missing"),
        pytest.param(TOP + BOTTOM + TOP, id="a part twice"),
        pytest.param(TOP + BOTTOM + "2204 0a00 0a00", id="a part and the whole"),
        pytest.param(TOP + "2208 0a0408011001 0a00", id="parts that overlap"),
    ],
)
def test_parts_that_do_not_cover_their_tensor(slices: str) -> None:
    with pytest.raises(CorruptFileError, match=r"^shard 0: the slices of 'p' do not cover it"):
        reader(table({"": listing(P_META + slices), **PARTS}))


def test_a_shard_that_is_missing() -> None:
    with pytest.raises(CorruptFileError, match=r"do not cover .* all shards .* are needed"):
        reader(TWO[0])


def test_the_same_shard_twice() -> None:
    with pytest.raises(CorruptFileError, match=r"^shard 2: the slices of 'p' do not cover it"):
        reader(*TWO, TWO[1])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("0a0170 1208 12020803 12020802 1801" + TOP, id="another type"),
        pytest.param("0a0170 1208 12020804 12020802 1803" + TOP, id="another shape"),
        pytest.param("0a0170 1204 12020803 1803 2204 0a021002", id="another rank"),
    ],
)
def test_files_that_disagree(other: str) -> None:
    with pytest.raises(CorruptFileError, match=r"^shard 1: tensor 'p' is listed twice") as caught:
        reader(TWO[0], table({"": listing(other)}))
    assert caught.value.expected == "int32 [3, 2]"


def test_a_list_that_disagrees_with_itself() -> None:
    with pytest.raises(CorruptFileError, match=r"^shard 0: tensor 'b' is listed twice"):
        reader(table({"": listing(B_META, "0a0162 1200 1803")}))


def test_a_tensor_that_is_listed_in_pieces() -> None:
    opened = reader(table({"": listing(P_META + TOP, B_META, P_META + BOTTOM), **PARTS}))
    assert whole(opened, opened.tensors[b"p"]) == P_VALUE


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        pytest.param(None, "no record under the key", id="none"),
        pytest.param(BOTTOM_RECORD, "is of another slice", id="another slice"),
        pytest.param(
            field(2, "0a0171 1206 0a021002 0a00", "1a06 3a04 01020304"),
            "is of another slice",
            id="another name",
        ),
        pytest.param(
            field(2, "0a0170 1208 0a021002 0a021002", "1a06 3a04 01020304"),
            "is of another slice",
            id="the same slice in another form",
        ),
        pytest.param(B_RECORD, "slice of another rank", id="another rank"),
        pytest.param(listing(P_META), "slice of another rank", id="a list"),
        pytest.param("", "slice of another rank", id="empty"),
        pytest.param("12", "a record that holds", id="cut"),
        pytest.param(
            field(2, "0a0170 1206 0a021002 0a00", "1a05 3a03 010203"),
            r"number of elements than its slice \(int32\) at byte 0 \(expected 4, found 3\)",
            id="too short",
        ),
    ],
)
def test_a_part_that_is_not_what_was_listed(record: str | None, problem: str) -> None:
    records = {"": listing(P_META + TOP + BOTTOM), BOTTOM_KEY: BOTTOM_RECORD}
    opened = reader(table(records if record is None else {**records, TOP_KEY: record}))
    tensor = opened.tensors[b"p"]
    assert opened.part_bytes(tensor, tensor.parts[1]) == bytes.fromhex("05000000 06000000")
    with pytest.raises(CorruptFileError, match=f"^shard 0: .*{problem}"):
        opened.part_bytes(tensor, tensor.parts[0])


def test_strings_that_are_not_what_was_listed() -> None:
    record = field(2, "0a0173 1202 0a00", "1a02 4200")
    opened = reader(table({"": listing(S_META), S_KEY: record}))
    tensor = opened.tensors[b"s"]
    with pytest.raises(CorruptFileError, match=r"^shard 0: .*\(string\)"):
        opened.part_strings(tensor, tensor.parts[0])


def test_a_shape_of_more_elements_than_memory_has() -> None:
    meta = "0a0176 120b 1209 08ffffffffffffff3f 1801 2202 0a00"
    record = field(2, "0a0176 1202 0a00", "1a06 2a04 0000c03f")
    opened = reader(table({"": listing(meta), "00 76 0001 0101 807f": record}))
    tensor = opened.tensors[b"v"]
    with pytest.raises(CorruptFileError, match="another number of elements"):
        opened.part_bytes(tensor, tensor.parts[0])


def test_keys_out_of_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is in the file once and in the keys of all its parts."""
    monkeypatch.setattr(reader_module, "SPARE_KEY_BYTES", 4000)
    name = field(1, 1000 * "61")
    parts = [f"2206 0a0408{row:02x}1001" for row in range(1, 100)]
    meta = name + "1204 12020864 1801" + "2204 0a021001" + "".join(parts)
    data = table({"": listing(meta)})
    with pytest.raises(LimitError, match="shard 0: the size of all keys") as caught:
        reader(data)
    assert caught.value.maximum == 4000 + 16 * len(data)


def test_blocks_are_looked_at_when_they_are_needed() -> None:
    """The list and what is before d fill the first block, d is in the second."""
    names = ["61", "62", "63", "64"]
    records = {"": listing(*(f"0a01{name} 1205 1203088006 1804 2202 0a00" for name in names))}
    records["00 60 0001 00"] = field(2, field(9, 250_000 * "00"))
    for name in names:
        elements = field(3, field(7, 768 * name))
        records[f"00 {name} 0001 0101 807f"] = field(2, f"0a01{name} 1202 0a00", elements)
    records["00 6361 0001 00"] = field(2, field(9, 20_000 * "00"))
    data = bytearray(table(records))
    data[data.index(768 * b"d")] ^= 1
    opened = reader(bytes(data))
    for key, tensor in opened.tensors.items():
        if key == b"d":
            with pytest.raises(ChecksumError, match=r"^shard 0: the checksum of a block"):
                opened.part_bytes(tensor, tensor.parts[0])
        else:
            assert opened.part_bytes(tensor, tensor.parts[0]) == 768 * key


def test_what_is_wrong_with_a_record_is_told_with_its_block() -> None:
    filler = {"00 61 0001 00": field(2, field(9, 300_000 * "00"))}
    data = table({"": listing(B_META), **filler, B_KEY: field(2, "0a0162 1200 1a00")})
    opened = reader(data)
    tensor = opened.tensors[b"b"]
    with pytest.raises(CorruptFileError, match="another number of elements") as caught:
        opened.part_bytes(tensor, tensor.parts[0])
    assert caught.value.offset == data.index(bytes.fromhex("00 05 09 00 62 0001 00 12 07"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(INDEX, id="an index file"),
        pytest.param(table({B_KEY: B_RECORD}), id="no list"),
        pytest.param(table({"": ""}), id="an empty record"),
        pytest.param(table({}), id="an empty table"),
    ],
)
def test_a_table_that_is_no_v1_checkpoint(data: bytes) -> None:
    assert not is_v1(Memory(data))
    with pytest.raises(CorruptFileError, match=r"^shard 0: this is no V1 checkpoint"):
        reader(data)


@pytest.mark.parametrize("data", [ONE, *TWO, table({"": listing()})])
def test_a_v1_checkpoint_is_told_by_its_first_record(data: bytes) -> None:
    assert is_v1(Memory(data))


@pytest.mark.parametrize("data", [b"", b"\x0a", bytes(100), B_RECORD.encode(), ONE[:-1]])
def test_what_is_no_table_is_no_v1_checkpoint(data: bytes) -> None:
    assert not is_v1(Memory(data))
    with pytest.raises(CorruptFileError, match=r"^shard 0: no table ends here"):
        reader(data)


def test_a_damaged_table_is_not_told() -> None:
    damaged = bytes((ONE[0] ^ 1,)) + ONE[1:]
    with pytest.raises(ChecksumError, match=r"^model\.ckpt: the checksum of a block"):
        is_v1(Memory(damaged, "model.ckpt"))
    with pytest.raises(CorruptFileError, match=r"^model\.ckpt: "):
        is_v1(Memory(ONE[-48:], "model.ckpt"))


def test_a_list_that_does_not_decode_is_told_with_its_file() -> None:
    with pytest.raises(CorruptFileError, match=r"^shard 1: a listed tensor that does not decode"):
        reader(ONE, table({"": listing("0a05")}))


def test_a_file_that_refuses_its_readers() -> None:
    with pytest.raises(UnsupportedBundleError, match="version 2 or newer"):
        reader(table({"": listing(B_META, version="1204 0801 1002"), B_KEY: B_RECORD}))
