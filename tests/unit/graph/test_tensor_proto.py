"""Every literal here is a serialized TensorProto, and what TensorFlow's runtime makes of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import GraphDecodeError, InvalidGraphError, UnsupportedGraphError
from pbckpt.graph import tensor_proto
from pbckpt.graph.tensor_proto import (
    decode_plain_tensor,
    decode_tensor,
    split_tensor,
)
from pbckpt.protos import TensorProto
from pbckpt.wire.span import Memory, Span

if TYPE_CHECKING:
    from pbckpt.graph.constant import ConstantTensor

# tensor_shape of one dimension.
OF_1, OF_2, OF_3, OF_4 = ("12041202080" + str(size) for size in (1, 2, 3, 4))
OF_0 = "120412020800"
# Bytes of a tensor that is not looked at whole.
_LARGE = 1 << 20


def decode(*fragments: str) -> ConstantTensor:
    """Return the tensor of fragments; what a message in memory gives at once is the same."""
    data = [bytes.fromhex(fragment) for fragment in fragments]
    tensor = decode_tensor(split_tensor(list(map(Span.of, data))), "w")
    plain = decode_plain_tensor(TensorProto.FromString(b"".join(data)), "w")
    if plain is not None:
        assert plain[:3] == tensor[:3]
        if tensor.nbytes < _LARGE:
            assert image(plain) == image(tensor)
    return tensor


def image(tensor: ConstantTensor) -> str:
    return b"".join(bytes(span.view) for span in tensor.spans()).hex()


FLOATS = {
    "no values are zeros": ("0801" + OF_2, "00000000 00000000"),
    "one value fills": ("0801" + OF_3 + "2a04 0000c03f", "0000c03f 0000c03f 0000c03f"),
    "the last value repeats": (
        "0801" + OF_3 + "2a08 0000803f 00000040",
        "0000803f 00000040 00000040",
    ),
    "a packed field without values": ("0801" + OF_1 + "2a00", "00000000"),
    "surplus is dropped": ("0801" + OF_1 + "2a08 0000803f 00000040", "0000803f"),
    "unpacked": ("0801" + OF_2 + "2d 0000803f 2d 00000040", "0000803f 00000040"),
    "two packed chunks": ("0801" + OF_2 + "2a04 0000803f 2a04 00000040", "0000803f 00000040"),
    "packed, empty, unpacked": (
        "0801" + OF_3 + "2a04 0000803f 2a00 2d 00000040",
        "0000803f 00000040 00000040",
    ),
    "surplus in a second chunk": (
        "0801" + OF_3 + "2a08 0000803f 00000040 2a08 00004040 00008040",
        "0000803f 00000040 00004040",
    ),
    "fields in any order": ("2a04 0000803f" + OF_2 + "0801", "0000803f 0000803f"),
    "content": ("0801" + OF_2 + "2208 0000803f 00000040", "0000803f 00000040"),
    "content wins over values": ("0801" + OF_1 + "2a04 0000803f 2204 00000040", "00000040"),
    "empty content does not": ("0801" + OF_1 + "2204 00000040 2200 2a04 0000803f", "0000803f"),
    "the last content wins": ("0801" + OF_1 + "2204 00000040 2204 0000803f", "0000803f"),
    "a signalling NaN": ("0801" + OF_2 + "2a04 0100a07f", "0100a07f 0100a07f"),
    "NaNs with sign and payload": (
        "0801" + OF_3 + "2a0c efbeedff ffffff7f 010080ff",
        "efbeedff ffffff7f 010080ff",
    ),
    "minus zero repeats": ("0801" + OF_2 + "2a04 00000080", "00000080 00000080"),
    "a signalling NaN in content": ("0801" + OF_1 + "2204 0100a07f", "0100a07f"),
    "values in double_val": ("0801" + OF_1 + "3208 000000000000f03f", "00000000"),
    "values in int_val": ("0801" + OF_1 + "3a01 07", "00000000"),
    "values of another wire type": ("0801" + OF_1 + "28 05", "00000000"),
    "the version number is ignored": ("0801 1807" + OF_1 + "2a04 0000803f", "0000803f"),
    "unknown fields are ignored": ("0801 ca3e02aabb" + OF_1 + "2a04 0000803f", "0000803f"),
    "over-long lengths": ("0801" + OF_1 + "2284 808000 0000803f", "0000803f"),
}
SHAPES = {
    "no shape": ("0801 2a04 0000803f", ()),
    "a shape without dims": ("0801 1200 2a04 0000803f", ()),
    "unknown rank": ("0801 1202 1801 2a04 0000803f", ()),
    "unknown rank, dims all the same": ("0801 1206 1801 12020802 2a04 0000803f", (2,)),
    "dims with names": ("0801 1207 1205 08021201 78", (2,)),
    "a dim without a size": ("0801 1202 1200", (0,)),
    "two shapes are merged": ("0801 1204 12020802 1204 12020803", (2, 3)),
    "two dims": ("0801 1208 12020802 12020803", (2, 3)),
    "a zero among dims": ("0801 120c 12020802 12020800 12020803", (2, 0, 3)),
}
VALUES = {
    "double": ("0802" + OF_2 + "3208 000000000000f83f", 2 * "000000000000f83f"),
    "double, unpacked": ("0802" + OF_1 + "31 000000000000f83f", "000000000000f83f"),
    "double, a signalling NaN": ("0802" + OF_1 + "3208 010000000000f47f", "010000000000f47f"),
    "double, float_val is not read": ("0802" + OF_1 + "2a04 0000803f", 8 * "00"),
    "int32": ("0803" + OF_3 + "3a0b 07 ffffffffffffffffff01", "07000000 ffffffff ffffffff"),
    "int32, unpacked": ("0803" + OF_2 + "3807 3808", "07000000 08000000"),
    "int32, packed and unpacked": ("0803" + OF_3 + "3a01 07 3808", "07000000 08000000 08000000"),
    "int32, content": ("0803" + OF_1 + "2204 ffffff7f", "ffffff7f"),
    "int32, int64_val is not read": ("0803" + OF_1 + "5201 07", "00000000"),
    "uint8, 255 and -1": ("0804" + OF_2 + "3a0c ff01 ffffffffffffffffff01", "ffff"),
    "int16, 70000": ("0805" + OF_1 + "3a03 f0a204", "7011"),
    "int8, 300 and -129": ("0806" + OF_2 + "3a0c ac02 fffeffffffffffffff01", "2c7f"),
    "int64": ("0809" + OF_2 + "520b 05 feffffffffffffffff01", "0500000000000000 feffffffffffffff"),
    "int64, int_val is not read": ("0809" + OF_1 + "3a01 07", 8 * "00"),
    "bool": ("080a" + OF_3 + "5a02 0001", "000101"),
    "bool, any nonzero": ("080a" + OF_2 + "5a03 02 8002", "0101"),
    "bool, none": ("080a" + OF_2, "0000"),
    "bool, content": ("080a" + OF_3 + "2203 010001", "010001"),
    "qint8": ("080b" + OF_1 + "3a0a ffffffffffffffffff01", "ff"),
    "quint8": ("080c" + OF_1 + "3a02 8002", "00"),
    "qint32": ("080d" + OF_2 + "3a01 07", "07000000 07000000"),
    "qint16": ("080f" + OF_1 + "3a03 f0a204", "7011"),
    "quint16": ("0810" + OF_1 + "3a03 ffff03", "ffff"),
    "uint16": ("0811" + OF_1 + "3a0a ffffffffffffffffff01", "ffff"),
    "half is bits": ("0813" + OF_2 + "6a02 8078", "003c 003c"),
    "half, only the low 16 bits": ("0813" + OF_1 + "6a03 80f806", "00bc"),
    "half, negative": ("0813" + OF_1 + "6a0a ffffffffffffffffff01", "ffff"),
    "half, a signalling NaN": ("0813" + OF_1 + "6a03 81fa01", "017d"),
    "half, int_val is not read": ("0813" + OF_1 + "3a01 07", "0000"),
    "half, float_val is not read": ("0813" + OF_1 + "2a04 0000803f", "0000"),
    "half, string_val is not read": ("0813" + OF_1 + "4202 003c", "0000"),
    "bfloat16 is bits": ("080e" + OF_2 + "6a02 807f", "803f 803f"),
    "bfloat16, int_val is not read": ("080e" + OF_1 + "3a01 07", "0000"),
    "bfloat16, content": ("080e" + OF_2 + "2204 803f 0040", "803f 0040"),
    "complex64": ("0808" + OF_1 + "4a08 0000803f 00000040", "0000803f 00000040"),
    "complex64, a pair repeats": ("0808" + OF_2 + "4a08 0000803f 00000040", 2 * "0000803f00000040"),
    "complex64, an odd number is dropped": (
        "0808" + OF_2 + "4a0c 0000803f 00000040 00004040",
        2 * "0000803f00000040",
    ),
    "complex64, one number is no value": ("0808" + OF_1 + "4a04 0000803f", 8 * "00"),
    "complex64, a pair over two chunks": (
        "0808" + OF_2 + "4a04 0000803f 4d 00000040",
        2 * "0000803f00000040",
    ),
    "complex64, a pair and a half over three": (
        "0808" + OF_2 + "4d 0000803f 4d 00000040 4d 00004040",
        2 * "0000803f00000040",
    ),
    "complex64, NaNs": ("0808" + OF_1 + "4a08 0100a07f efbeedff", "0100a07f efbeedff"),
    "complex128": (
        "0812" + OF_1 + "6210 000000000000f03f 0000000000000040",
        "000000000000f03f 0000000000000040",
    ),
    "complex128, an odd number is dropped": ("0812" + OF_1 + "61 000000000000f03f", 16 * "00"),
    "uint32": ("0816" + OF_1 + "820105 ffffffff0f", "ffffffff"),
    "uint32, unpacked": ("0816" + OF_2 + "80010780 0108", "07000000 08000000"),
    "uint32, int_val is not read": ("0816" + OF_1 + "3a01 07", "00000000"),
    "uint64": ("0817" + OF_1 + "8a010a ffffffffffffffffff01", "ffffffffffffffff"),
    "uint64, int64_val is not read": ("0817" + OF_1 + "5201 07", 8 * "00"),
    "float8_e5m2": ("0818" + OF_3 + "9201 02 003c", "003c3c"),
    "float8_e4m3fn": ("0819" + OF_1 + "9201 02 3840", "38"),
    "float8_e4m3fnuz": ("081a" + OF_2 + "9201 01 80", "8080"),
    "float8_e4m3b11fnuz": ("081b" + OF_2 + "2202 5860", "5860"),
    "float8_e5m2fnuz, the last field wins": ("081c" + OF_2 + "9201 02 4044 9201 01 46", "4646"),
    "float8_e5m2, an empty field wins too": ("0818" + OF_1 + "9201 01 3c 9201 00", "00"),
    "float4_e2m1fn": ("0821" + OF_3 + "9201 03 020405", "020405"),
    "int4, the sign reaches into the high bits": (
        "081d" + OF_3 + "3a15 ffffffffffffffffff01 feffffffffffffffff01 11",
        "fffe11",
    ),
    "int4, content as it is": ("081d" + OF_2 + "2202 0f0e", "0f0e"),
    "uint4": ("081e" + OF_2 + "3a02 8f02", "0f0f"),
    "int2": ("081f" + OF_1 + "3a0a ffffffffffffffffff01", "ff"),
    "uint2": ("0820" + OF_2 + "3a01 03", "0303"),
}
EMPTY = {
    "no values": "0801" + OF_0,
    "values": "0801" + OF_0 + "2a04 0000803f",
    "content": "0801" + OF_0 + "2204 0000803f",
    "content of the wrong length": "0801" + OF_0 + "2203 000080",
    "bool content of other bytes": "080a" + OF_0 + "2201 07",
}
STRINGS: dict[str, tuple[str, list[bytes]]] = {
    "none": ("0807" + OF_2, [b"", b""]),
    "given": ("0807" + OF_2 + "4202 6162 4200", [b"ab", b""]),
    "the last repeats": ("0807" + OF_3 + "4201 61 4201 62", [b"a", b"b", b"b"]),
    "surplus is dropped": ("0807" + OF_1 + "4201 61 4201 62", [b"a"]),
    "not UTF-8": ("0807 4202 ff00", [b"\xff\x00"]),
    "content is lengths, then bytes": ("0807" + OF_2 + "2205 01 02 616263", [b"a", b"bc"]),
    "content of a long string": ("0807 22ca01 c801" + 200 * "78", [200 * b"x"]),
    "content with an over-long length": ("0807 2206 8180808000 61", [b"a"]),
    "content wins over values": ("0807" + OF_1 + "4201 61 2202 01 62", [b"b"]),
    "content without bytes": ("0807" + OF_2 + "2202 00 00", [b"", b""]),
    "empty content does not count": ("0807" + OF_1 + "4201 61 2200", [b"a"]),
    "no elements": ("0807" + OF_0 + "4201 61", []),
    "no elements, content": ("0807" + OF_0 + "2202 01 62", []),
}
INVALID = {
    "type 0": ("0800", "the type number 0"),
    "no type": (OF_1, "the type number 0"),
    "a reference type": ("0865" + OF_1 + "2a04 0000803f", "the type number 101"),
    "an unknown type": ("088f4e", "the type number 9999"),
    "a negative type": ("08ffffffffffffffffff01", "the type number -1"),
    "an unknown type of no elements": ("088f4e" + OF_0, "the type number 9999"),
    "dim -1": ("0801 120d 120b 08ffffffffffffffffff01", r"impossible shape \[-1\]"),
    "dims -1 and 0": ("0801 1211 120b 08ffffffffffffffffff01 12020800", r"shape \[-1, 0\]"),
    "the least dim": ("0801 120d 120b 0880808080808080808001", "impossible shape"),
    "elements beyond 63 bits": (
        "0801 121c 1206 088080808010 1206 088080808010 1206 088080808010 12020810",
        "impossible shape",
    ),
    "a zero after dims beyond 63 bits": (
        "0801 121c 120a 08808080808080808040 120a 08808080808080808040 12020800",
        "impossible shape",
    ),
    "bytes beyond 63 bits": ("0802 120c 120a 08808080808080808040", "impossible shape"),
    "255 dims": ("0801 12fc07" + 255 * "12020801", "impossible shape"),
    "content too short": ("0801" + OF_2 + "2204 0000803f", "has 4 bytes, but 2 .* float32 take 8"),
    "content too long": ("0801 2208 0000803f 0000803f", "has 8 bytes, but 1 .* take 4"),
    "content of half an element": ("0801" + OF_1 + "2203 0000 80", "has 3 bytes"),
    "one element of content does not fill": ("0801" + OF_4 + "2204 0000803f", "has 4 bytes"),
    "packed int4 content": ("081d" + OF_4 + "2202 21 43", "4 elements of int4 take 4"),
    "bool content of 2": ("080a" + OF_2 + "2202 0102", "bytes other than 0 and 1"),
    "string content cut in the lengths": ("0807" + OF_3 + "2202 0000", "lengths of 3 strings"),
    "string content cut in the bytes": ("0807" + OF_1 + "2202 02 61", "do not add up"),
    "string content with a byte more": ("0807" + OF_1 + "2203 01 6162", "do not add up"),
    "string content with a length beyond 32 bits": (
        "0807" + OF_1 + "2206 8080808010 61",
        "lengths of 1 strings",
    ),
    "string content with a length that does not end": ("0807" + OF_1 + "2201 80", "of 1 strings"),
}
BROKEN = {
    "a cut varint": "08",
    "a field longer than the rest": "0801 2a05 0000803f",
    "a packed field with a cut value": "0801 2a05 0000803f 00",
    "packed doubles with a cut value": "0802 3204 0000803f",
    "packed pairs with a cut number": "0808 4a07 0000803f 000000",
    "packed varints with a cut one": "0803 3a02 0180",
    "a shape that is no message": "0801 1201 12",
    "a group without an end": "0801 63",
    "a group's end without a start": "0801 64",
    "field number 0": "0801 0000",
    "wire type 6": "0801 2e",
    "a varint of eleven bytes": "0801 18" + 10 * "80" + "01",
}


@pytest.mark.parametrize(("proto", "expected"), FLOATS.values(), ids=FLOATS)
def test_floats(proto: str, expected: str) -> None:
    tensor = decode(proto)
    assert tensor.dtype is DataType.FLOAT
    assert image(tensor) == bytes.fromhex(expected).hex()


@pytest.mark.parametrize(("proto", "expected"), SHAPES.values(), ids=SHAPES)
def test_shapes(proto: str, expected: tuple[int, ...]) -> None:
    tensor = decode(proto)
    assert tensor.shape == expected
    assert tensor.nbytes == len(image(tensor)) // 2


@pytest.mark.parametrize(("proto", "expected"), VALUES.values(), ids=VALUES)
def test_values_of_every_type(proto: str, expected: str) -> None:
    assert image(decode(proto)) == bytes.fromhex(expected).hex()


@pytest.mark.parametrize("proto", EMPTY.values(), ids=EMPTY)
def test_no_elements_ignore_all_values(proto: str) -> None:
    tensor = decode(proto)
    assert (tensor.shape, tensor.num_elements, tensor.nbytes) == ((0,), 0, 0)
    assert image(tensor) == ""


@pytest.mark.parametrize(("proto", "expected"), STRINGS.values(), ids=STRINGS)
def test_strings(proto: str, expected: list[bytes]) -> None:
    tensor = decode(proto)
    assert tensor.dtype is DataType.STRING
    assert tensor.elements() == expected
    assert tensor.nbytes == sum(map(len, expected))


@pytest.mark.parametrize(("proto", "fact"), INVALID.values(), ids=INVALID)
def test_what_the_runtime_refuses(proto: str, fact: str) -> None:
    with pytest.raises(InvalidGraphError, match=fact) as caught:
        decode(proto)
    assert caught.value.node_name == "w"


@pytest.mark.parametrize("proto", [proto for proto, _ in INVALID.values()], ids=INVALID)
def test_what_the_runtime_refuses_is_nothing_plain(proto: str) -> None:
    message = TensorProto.FromString(bytes.fromhex(proto))
    with contextlib.suppress(InvalidGraphError):
        assert decode_plain_tensor(message, "w") is None


PLAIN = {
    "content": ("0801" + OF_2 + "2208 0000803f 00000040", "0000803f 00000040", ""),
    "content of integers": ("0803" + OF_2 + "2208 01000000 02000000", "01000000 02000000", ""),
    "a number": ("0801 2a04 0000803f", "0000803f", ""),
    "a number that repeats": ("0801" + OF_2 + "2a04 0000803f", "0000803f", "0000803f"),
    "zeros": ("0803" + OF_2, "", "00000000"),
    "a negative integer": ("0803 3a0a ffffffffffffffffff01", "ffffffff", ""),
    "half": ("0813" + OF_2 + "6a02 8078", "003c", "003c"),
}


@pytest.mark.parametrize(("proto", "given", "fill"), PLAIN.values(), ids=PLAIN)
def test_most_messages_are_decoded_at_once(proto: str, given: str, fill: str) -> None:
    tensor = decode_plain_tensor(TensorProto.FromString(bytes.fromhex(proto)), "w")
    assert tensor is not None
    assert b"".join(bytes(span.view) for span in tensor.images) == bytes.fromhex(given)
    assert tensor.fill == bytes.fromhex(fill)


@pytest.mark.parametrize(
    "proto",
    [
        "0801" + OF_2 + "2a08 0000803f 00000040",
        "0801 2a04 0100a07f",
        "0808 4a08 0000803f 00000040",
        "080a 2201 01",
        "0807 4201 61",
        "0807 2202 01 61",
        "0801" + OF_0,
    ],
    ids=[
        *("several numbers", "a NaN", "a complex number", "bool content", "a string"),
        *("string content", "nothing"),
    ],
)
def test_others_are_taken_apart(proto: str) -> None:
    assert decode_plain_tensor(TensorProto.FromString(bytes.fromhex(proto)), "w") is None


def test_no_large_shape_is_kept() -> None:
    """A file may have thousands of them."""
    before = tensor_proto._known_shape.cache_info().currsize
    tensor = decode("0801 12a006" + 200 * "12020801" + "2a04 0000803f")
    assert tensor.shape == (1,) * 200
    assert tensor_proto._known_shape.cache_info().currsize == before


@pytest.mark.parametrize("number", ["14", "15"], ids=["resource", "variant"])
def test_types_without_elements_to_store(number: str) -> None:
    with pytest.raises(UnsupportedGraphError, match="has no value to store") as caught:
        decode("08" + number + OF_1)
    assert (caught.value.node_name, caught.value.op) == ("w", "Const")


@pytest.mark.parametrize("proto", BROKEN.values(), ids=BROKEN)
def test_bytes_that_are_no_message(proto: str) -> None:
    with pytest.raises(GraphDecodeError):
        decode(proto)


def test_254_dims_are_as_many_as_a_tensor_can_have() -> None:
    tensor = decode("0801 12f807" + 254 * "12020801" + "2a04 0000803f")
    assert (len(tensor.shape), image(tensor)) == (254, "0000803f")


def test_the_type_and_the_shape_may_come_in_two_fragments() -> None:
    tensor = decode("0801 2a04 0000803f", OF_3 + "2a04 00000040")
    assert (tensor.shape, image(tensor)) == ((3,), "0000803f0000004000000040")


@pytest.mark.parametrize(
    ("second", "expected"),
    [("2204 00000040", "00000040"), ("2200", "00000000"), ("", "0000803f"), ("0801", "0000803f")],
)
def test_the_content_of_the_last_fragment_that_has_one_wins(second: str, expected: str) -> None:
    assert image(decode("0801 2204 0000803f", second)) == expected


def test_content_and_packed_floats_stay_where_they_are() -> None:
    source = Memory(bytes.fromhex("ffff 0801" + OF_2 + "2208 0000803f 00000040"))
    tensor = decode_tensor(split_tensor([Span(source, 2, 18)]), "w")
    assert tensor.images == (Span(source, 12, 8),)
    source = Memory(
        bytes.fromhex("0801 120412020822 2a44" + 17 * "0000803f" + "2a44" + 17 * "00000040")
    )
    tensor = decode_tensor(split_tensor([Span(source, 0, 148)]), "w")
    assert tensor.images == (Span(source, 10, 68), Span(source, 80, 68))


def test_small_pieces_are_gathered_between_large_ones() -> None:
    pieces = ["2d 0000803f", "2a04 00000040", "2a00", "2a44" + 17 * "00004040", "2d 00008040"]
    tensor = decode("0801 120412020814" + "".join(pieces))
    assert [span.nbytes for span in tensor.images] == [8, 68, 4]
    assert image(tensor) == "0000803f 00000040".replace(" ", "") + 17 * "00004040" + "00008040"


def test_the_place_in_the_source_is_part_of_the_error() -> None:
    source = Memory(bytes.fromhex("ffffff 0801 2e"))
    with pytest.raises(GraphDecodeError) as caught:
        split_tensor([Span(source, 3, 3)])
    assert caught.value.offset == 5


def test_how_many_elements_the_file_does_not_hold() -> None:
    assert decode("0801" + OF_4).expanded == 4
    assert decode("0801" + OF_4 + "2a08 0000803f 00000040").expanded == 2
    assert decode("0801" + OF_1 + "2a08 0000803f 00000040").expanded == 0
    assert decode("0801" + OF_1 + "2204 0000803f").expanded == 0
    assert decode("0801" + OF_0).expanded == 0
    assert decode("0803" + OF_4 + "3807").expanded == 3
    assert decode("0807" + OF_4 + "4201 61").expanded == 3
    assert decode("0807" + OF_2 + "2203 00 01 61").expanded == 0


def test_a_tensor_of_any_size_is_decoded_and_begun_without_its_memory() -> None:
    tensor = decode("0801 120c 120a 08808080808080808010 2a04 0000803f")
    assert (tensor.shape, tensor.nbytes) == ((1 << 60,), 1 << 62)
    blocks = tensor.spans()
    assert bytes(next(blocks).view).hex() == "0000803f"
    for _ in range(3):
        assert bytes(next(blocks).view) == (64 << 8) * bytes.fromhex("0000803f")


def test_repeated_values_of_several_bytes_end_on_an_element() -> None:
    # 100,000 complex numbers of 16 bytes: neither the first block nor the last is cut within one.
    tensor = decode("0812 1206 1204 08a08d06 6210 000000000000f03f 0000000000000040")
    content = image(tensor)
    assert content == 100_000 * "000000000000f03f0000000000000040"
