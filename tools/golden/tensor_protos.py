"""Serialized TensorProtos, and what the runtime of TensorFlow decodes from each.

The protos are put together from bytes of the wire format, not by TensorFlow's
classes, which cannot say a field twice or in an encoding that is not their own.

    field                     wire
    1 dtype                   varint
    2 tensor_shape            message {2 dim {1 size, 2 name}, 3 unknown_rank}
    3 version_number          varint
    4 tensor_content          bytes
    5 float_val, 9 scomplex   fixed32, packed or not
    6 double_val, 12 dcomplex fixed64, packed or not
    7 int_val, 10 int64_val, 11 bool_val, 13 half_val, 16 uint32_val, 17 uint64_val
                              varint, packed or not
    8 string_val              bytes, repeated
    18 float8_val             bytes

Reference: tensorflow/core/framework/tensor.proto and tensor.cc.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tools.golden.checkpoints import Maker

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DT_STRING = 7
REFERENCE = 100
FILE = "tensorproto_cases.json"


class Case(NamedTuple):
    """A proto and the type that it is decoded as, which is a Const's attr `dtype`."""

    label: str
    dtype: int
    proto: bytes


def varint(number: int) -> bytes:
    """Encode a varint; a negative number takes ten bytes, as in a field of type int64."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number >> 7:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(number: int, wire: int) -> bytes:
    """Encode the tag of a field."""
    return varint(number << 3 | wire)


def block(number: int, payload: bytes) -> bytes:
    """Encode a field of bytes, a message or a packed list."""
    return tag(number, BYTES) + varint(len(payload)) + payload


def packed(number: int, *numbers: int) -> bytes:
    """Encode a packed list of varints."""
    return block(number, b"".join(map(varint, numbers)))


def unpacked(number: int, *numbers: int) -> bytes:
    """Encode a list of varints, one field each."""
    return b"".join(tag(number, VARINT) + varint(one) for one in numbers)


def floats(number: int, *numbers: float) -> bytes:
    """Encode a packed list of floats."""
    return block(number, struct.pack(f"<{len(numbers)}f", *numbers))


def doubles(number: int, *numbers: float) -> bytes:
    """Encode a packed list of doubles."""
    return block(number, struct.pack(f"<{len(numbers)}d", *numbers))


def dims(*sizes: int) -> bytes:
    """Encode the dims of a shape. A size of 0 is written out, which no writer does."""
    return b"".join(block(2, tag(1, VARINT) + varint(size)) for size in sizes)


def proto(dtype: int, shape: tuple[int, ...] | None, *fields: bytes) -> bytes:
    """Put a TensorProto together; a shape of None leaves the field out."""
    head = tag(1, VARINT) + varint(dtype)
    return head + (b"" if shape is None else block(2, dims(*shape))) + b"".join(fields)


def case(label: str, dtype: int, shape: tuple[int, ...] | None, *fields: bytes) -> Case:
    """Make a case whose proto has the type that is asked for."""
    return Case(label, dtype, proto(dtype, shape, *fields))


def shape_cases() -> list[Case]:
    """List shapes, complete and not."""
    one = floats(5, 7.5)
    unknown = tag(3, VARINT) + b"\1"
    head = tag(1, VARINT) + b"\1"
    return [
        case("shape: field absent is a scalar", 1, None, one),
        case("shape: empty field is a scalar", 1, (), one),
        case("shape: scalar without a value", 1, ()),
        case("shape: scalar with surplus values", 1, (), floats(5, 1, 2, 3)),
        case("shape: a dim of 0", 1, (0,)),
        case("shape: a dim of 0 ignores values", 1, (3, 0), one),
        case("shape: a dim of 0 ignores tensor_content", 1, (0, 3), block(4, b"\1\2\3")),
        Case("shape: a dim without size is 0", 1, head + block(2, block(2, b"")) + one),
        Case("shape: a dim with a name", 1, head + block(2, block(2, b"\x08\2\x12\1n")) + one),
        Case("shape: given twice, dims add up", 1, proto(1, (2,)) + block(2, dims(3)) + one),
        Case("shape: unknown_rank alone is a scalar", 1, head + block(2, unknown) + one),
        Case("shape: unknown_rank with dims", 1, head + block(2, dims(2) + unknown) + one),
        case("shape: a dim of -1", 1, (-1,), one),
        case("shape: a dim of -5 beside one of 0", 1, (0, -5), one),
        case("shape: elements overflow 64 bits", 1, (1 << 33, 1 << 33), one),
        case("shape: 0 before dims that overflow", 1, (0, 1 << 40, 1 << 40)),
        case("shape: 0 after dims that overflow", 1, (1 << 40, 1 << 40, 0)),
        case("shape: 254 dims", 1, (1,) * 254, one),
        case("shape: 255 dims", 1, (1,) * 255, one),
    ]


def fill_cases() -> list[Case]:
    """List how values fill a shape, and which field is read."""
    content = block(4, struct.pack("<2f", 1.0, 2.0))
    return [
        case("fill: no value at all is zeros", 1, (2, 2)),
        case("fill: one value is repeated", 1, (2, 2), floats(5, 7.5)),
        case("fill: the last value is repeated", 1, (2, 2), floats(5, 1, 2, 3)),
        case("fill: surplus values are dropped", 1, (2,), floats(5, 1, 2, 3)),
        case("fill: minus zero is repeated as it is", 1, (3,), floats(5, -0.0)),
        case("fill: an empty packed field is no value", 1, (2,), block(5, b"")),
        case("content: exact", 1, (2,), content),
        case("content: wins over values", 1, (2,), floats(5, 9, 9), content),
        case("content: empty lets values speak", 1, (2,), block(4, b""), floats(5, 9)),
        case("content: given twice, the last counts", 1, (2,), block(4, b"\1" * 8), content),
        case("content: one element does not fill", 1, (2,), block(4, b"\0\0\x80\x3f")),
        case("content: too short by a byte", 1, (2,), block(4, b"\0" * 7)),
        case("content: too long by a byte", 1, (2,), block(4, b"\0" * 9)),
        case("content: too long by an element", 1, (2,), block(4, b"\0" * 12)),
        case("field: that of another type reads as zeros", 1, (2,), doubles(6, 3)),
        case("field: version_number is ignored", 1, (2,), b"\x18\x07", floats(5, 3)),
        case("field: an unknown one is skipped", 1, (2,), block(99, b"what"), floats(5, 3)),
        case(
            "field: a group of an unknown number is skipped", 1, (2,), b"\xf3\6\xf4\6", floats(5, 3)
        ),
        Case("dtype: given twice, the last counts", 1, b"\x08\3" + proto(1, (2,), floats(5, 3))),
        Case("dtype: after the values", 1, floats(5, 3) + block(2, dims(2)) + b"\x08\1"),
        Case("dtype: absent", 1, block(2, dims(2)) + floats(5, 3)),
        Case("dtype: a reference type", 1, proto(1 + REFERENCE, (2,), floats(5, 3))),
        Case("dtype: one that does not exist", 1, proto(99, (2,), floats(5, 3))),
        Case("dtype: another than the Const's", 2, proto(1, (2,), floats(5, 3))),
        Case("wire: cut in a field", 1, proto(1, (2,), floats(5, 3))[:-1]),
        Case("wire: nothing at all", 1, b""),
    ]


def packing_cases() -> list[Case]:
    """List the encodings of a repeated field, which a reader must all take."""
    half = [tag(5, FIXED32) + struct.pack("<f", one) for one in (1, 2)]
    whole = [tag(6, FIXED64) + struct.pack("<d", one) for one in (1, 2)]
    return [
        case("packing: floats, one field each", 1, (3,), *half),
        case("packing: floats in two chunks", 1, (3,), floats(5, 1), floats(5, 2)),
        case("packing: floats, packed and not", 1, (4,), half[0], floats(5, 5, 6), half[1]),
        case("packing: floats, a chunk cut within an element", 1, (2,), block(5, b"\0" * 6)),
        case("packing: doubles, one field each", 2, (3,), *whole),
        case("packing: ints, one field each", 3, (3,), unpacked(7, 5, -6)),
        case("packing: ints in two chunks", 3, (4,), packed(7, 1, 2), packed(7, 3)),
        case("packing: ints, a chunk cut within a varint", 3, (2,), block(7, b"\x05\x80")),
        case("packing: half, one field each", 19, (2,), unpacked(13, 0x3C00, 0xC000)),
        case("packing: bools, packed and not", 10, (3,), packed(11, 1, 0), unpacked(11, 1)),
        case("packing: other fields between", 3, (2,), packed(7, 1), floats(5, 9), packed(7, 2)),
    ]


def number_cases() -> list[Case]:
    """List each type of a fixed size through its own field."""
    cases = [
        case("double: double_val", 2, (3,), doubles(6, 0.1, -2)),
        case("int64: int64_val", 9, (3,), packed(10, -1, 1 << 62)),
        case("int64: int_val is not read", 9, (2,), packed(7, 5)),
        case("uint32: uint32_val", 22, (2,), packed(16, (1 << 32) - 1)),
        case("uint32: wider than 32 bits", 22, (2,), packed(16, (1 << 32) + 5)),
        case("uint32: int_val is not read", 22, (2,), packed(7, 5)),
        case("uint64: uint64_val", 23, (2,), packed(17, (1 << 64) - 1)),
        case("uint64: int64_val is not read", 23, (2,), packed(10, 5)),
        case("int32: int_val", 3, (3,), packed(7, -1, 5)),
        case("int32: wider than 32 bits", 3, (2,), packed(7, (1 << 32) + 5)),
        case("int32: a negative number of five bytes", 3, (2,), block(7, b"\xff\xff\xff\xff\x0f")),
        case("half: half_val", 19, (3,), packed(13, 0x3C00, 0x7E01)),
        case("half: low 16 bits count", 19, (2,), packed(13, 0x53C00, -1)),
        case("half: float_val is not read", 19, (2,), floats(5, 3)),
        case("bfloat16: half_val", 14, (3,), packed(13, 0x4049, 0xFF80)),
        case("bfloat16: int_val is not read", 14, (2,), packed(7, 0x4049)),
        case("bfloat16: tensor_content", 14, (2,), block(4, b"\x49\x40\x80\xff")),
        case("bool: bool_val", 10, (3,), packed(11, 0, 1)),
        case("bool: any other number is true", 10, (2,), packed(11, 2, 1 << 40)),
        case("bool: tensor_content", 10, (2,), block(4, b"\1\0")),
        case("bool: tensor_content of other bytes", 10, (2,), block(4, b"\2\0")),
        case("complex64: pairs", 8, (2,), floats(9, 1, 2, 3, 4)),
        case("complex64: a pair is repeated", 8, (3,), floats(9, 1, 2)),
        case("complex64: an odd number is dropped", 8, (3,), floats(9, 1, 2, 3)),
        case("complex64: one number alone is no value", 8, (2,), floats(9, 1)),
        case("complex128: pairs", 18, (2,), doubles(12, 1, 2, 3, 4)),
        case("complex128: an odd number is dropped", 18, (2,), doubles(12, 1, 2, 3)),
    ]
    for dtype, low, high in ((4, -1, 256), (5, -40000, 70000), (6, -129, 300), (17, -1, 70000)):
        cases.append(case(f"type {dtype}: int_val", dtype, (3,), packed(7, 3, 4)))
        cases.append(case(f"type {dtype}: int_val wraps", dtype, (3,), packed(7, low, high, 1)))
    for dtype in (11, 12, 13, 15, 16):
        cases.append(case(f"quantized type {dtype}: int_val", dtype, (3,), packed(7, -3, 100)))
        cases.append(case(f"quantized type {dtype}: no value", dtype, (2,)))
    return cases


def small_cases() -> list[Case]:
    """List the types of one byte and less."""
    cases = []
    for dtype in (24, 25, 26, 27, 28, 33):
        cases.append(case(f"type {dtype}: float8_val", dtype, (4,), block(18, b"\x38\x05")))
        cases.append(case(f"type {dtype}: tensor_content", dtype, (2,), block(4, b"\x38\x05")))
    twice = (block(18, b"\1\2"), block(18, b"\3"))
    cases.append(case("type 25: float8_val given twice, the last counts", 25, (2,), *twice))
    cases.append(case("type 25: int_val is not read", 25, (2,), packed(7, 5)))
    for dtype in (29, 30, 31, 32):
        cases.append(case(f"type {dtype}: int_val", dtype, (4,), packed(7, 1, -1)))
        cases.append(case(f"type {dtype}: int_val out of range", dtype, (3,), packed(7, 17, 300)))
        cases.append(case(f"type {dtype}: tensor_content", dtype, (2,), block(4, b"\xf1\x0e")))
        cases.append(case(f"type {dtype}: tensor_content packed", dtype, (4,), block(4, b"\x21\1")))
    return cases


def string_cases() -> list[Case]:
    """List strings, in their field and in tensor_content."""
    return [
        case("string: as many as elements", 7, (2,), block(8, b"a"), block(8, b"\xff\0")),
        case("string: the last is repeated", 7, (3,), block(8, b"a"), block(8, b"bc")),
        case("string: surplus is dropped", 7, (1,), block(8, b"a"), block(8, b"bc")),
        case("string: none is empty strings", 7, (2,)),
        case("string: an empty one", 7, (), block(8, b"")),
        case("string: no elements", 7, (0,), block(8, b"a")),
        case("string: tensor_content", 7, (3,), block(4, b"\1\0\2abc")),
        case("string: tensor_content with a byte too many", 7, (3,), block(4, b"\1\0\2abcd")),
        case("string: tensor_content with a byte too few", 7, (3,), block(4, b"\1\0\2ab")),
        case("string: tensor_content with a length too few", 7, (3,), block(4, b"\1\0")),
        case("string: tensor_content wins", 7, (1,), block(8, b"a"), block(4, b"\1b")),
    ]


def all_cases() -> list[Case]:
    """Give all cases."""
    parts = (shape_cases, fill_cases, packing_cases, number_cases, small_cases, string_cases)
    return [one for part in parts for one in part()]


def decode(tf: Any, one: Case) -> dict[str, Any]:
    """Let the runtime decode a proto: what it gives, or that it refuses."""
    try:
        tensor = tf.io.parse_tensor(tf.constant(one.proto), tf.as_dtype(one.dtype))
        # Of one dimension: a bool as a numpy scalar would lose bits, and a shape like
        # [0, 2**40, 2**40] is one for TensorFlow but none for numpy.
        flat = tf.reshape(tensor, [-1]).numpy()
    except (tf.errors.OpError, TypeError, ValueError) as error:
        return {"error": type(error).__name__}
    shape = {"shape": [int(size) for size in tensor.shape]}
    if one.dtype == DT_STRING:
        return dict(shape, strings_hex=[element.hex() for element in flat])
    return dict(shape, bytes_hex=np.ascontiguousarray(flat).tobytes().hex())


def make_tensorproto_cases(maker: Maker) -> None:
    """Write the cases, one a line, into the folder above the version's own."""
    lines = []
    for one in all_cases():
        told = {"label": one.label, "dtype": one.dtype, "proto_hex": one.proto.hex()}
        lines.append(json.dumps(dict(told, **decode(maker.tf, one))))
    head = json.dumps(maker.tf.__version__)
    text = '{\n"tensorflow": ' + head + ',\n"cases": [\n' + ",\n".join(lines) + "\n]\n}\n"
    (maker.root.parent / FILE).write_text(text, encoding="ascii")
