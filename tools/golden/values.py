"""The tensors of the golden files: element bytes, told independently of any library's types.

A value is bytes, little-endian in C order, or a list of byte strings for
DT_STRING. The digest in `expected.json` is taken over the bytes; of strings,
over a little-endian u64 length and the bytes of each element in turn.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    Value = bytes | list[bytes]

FLOAT, DOUBLE, INT32, STRING, INT64, BOOL, BFLOAT16, HALF = 1, 2, 3, 7, 9, 10, 14, 19
INT4, INT2 = 29, 31


class Tensor(NamedTuple):
    """One tensor to be written: its key as bytes, its DT number, its shape and its value."""

    key: bytes
    dtype: int
    shape: tuple[int, ...]
    value: Value


def tensor(key: str, dtype: int, shape: tuple[int, ...], value: Value) -> Tensor:
    """Make a tensor whose key is text."""
    return Tensor(key.encode("utf-8"), dtype, shape, value)


def packed(letter: str, *numbers: float) -> bytes:
    """Pack numbers of one `struct` format, little-endian."""
    return struct.pack(f"<{len(numbers)}{letter}", *numbers)


INFINITY, NAN = float("inf"), float("nan")

# DT number -> the six elements of a [2, 3] matrix, chosen at the edges of the type.
MATRICES = {
    1: packed("f", 0.0, -0.0, 2.5, INFINITY, NAN, 1e-45),
    2: packed("d", -0.0, 0.1, 1e308, -INFINITY, NAN, 5e-324),
    3: packed("i", 0, -1, 2**31 - 1, -(2**31), 12345, -7),
    4: packed("B", 0, 1, 127, 128, 254, 255),
    5: packed("h", 0, -1, 2**15 - 1, -(2**15), 300, -300),
    6: packed("b", 0, -1, 127, -128, 77, -77),
    8: packed("f", 0, 1, -0.0, -1.5, INFINITY, 2, NAN, NAN, 3, -4, 1e-45, 0),
    9: packed("q", 0, -1, 2**63 - 1, -(2**63), 10**12, -(10**12)),
    10: bytes([0, 1, 1, 0, 0, 1]),
    11: packed("b", -128, 127, 0, 5, -5, 1),
    12: packed("B", 255, 0, 128, 5, 250, 1),
    13: packed("i", -(2**31), 2**31 - 1, 0, 5, -5, 1),
    14: packed("H", 0x0000, 0x8000, 0x4020, 0x7F80, 0x7FC1, 0x0001),
    15: packed("h", -(2**15), 2**15 - 1, 0, 5, -5, 1),
    16: packed("H", 2**16 - 1, 0, 2**15, 5, 250, 1),
    17: packed("H", 0, 1, 2**15 - 1, 2**15, 2**16 - 2, 2**16 - 1),
    18: packed("d", 0, 1, -0.0, -1.5, INFINITY, 2, NAN, NAN, 3, -4, 5e-324, 0),
    19: packed("H", 0x0000, 0x8000, 0x4100, 0x7C00, 0x7E01, 0x0001),
    22: packed("I", 0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1),
    23: packed("Q", 0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1),
    # The 8-bit floats: zero, sign bit, a number, its negative, all ones, the smallest.
    **{number: bytes([0x00, 0x80, 0x3A, 0xBA, 0xFF, 0x01]) for number in range(24, 29)},
    # Types of less than a byte, one element a byte, the bits above the value zero.
    29: bytes([0x0, 0x1, 0x7, 0x8, 0xE, 0xF]),
    30: bytes([0x0, 0x1, 0x7, 0x8, 0xE, 0xF]),
    31: bytes([0, 1, 2, 3, 2, 1]),
    32: bytes([0, 1, 2, 3, 2, 1]),
    33: bytes([0x0, 0x1, 0x7, 0x8, 0xE, 0xF]),
}


def item_size(dtype: int) -> int:
    """Give the bytes of one element."""
    return len(MATRICES[dtype]) // 6


def dtype_tensors(known: list[int]) -> list[Tensor]:
    """Make a matrix, a scalar and an empty tensor of each type, in the order of their keys.

    Negative int4 and int2 come in two forms: with zeros above the value, and sign
    extended, which is what TensorFlow makes of the integers of a constant.
    """
    tensors = []
    for dtype in sorted(set(known) & set(MATRICES)):
        matrix, size = MATRICES[dtype], item_size(dtype)
        tensors.append(tensor(f"dtype_{dtype:02}/empty", dtype, (2, 0, 3), b""))
        tensors.append(tensor(f"dtype_{dtype:02}/matrix", dtype, (2, 3), matrix))
        tensors.append(tensor(f"dtype_{dtype:02}/scalar", dtype, (), matrix[-size:]))
        if dtype in (INT4, INT2):
            extended = bytes([0x00, 0x01, 0xFE, 0xFF])
            tensors.append(tensor(f"dtype_{dtype:02}/sign_extended", dtype, (4,), extended))
    return tensors


STRINGS = [
    tensor("strings/accents", STRING, (2,), ["déjà vu".encode(), "雪".encode()]),
    tensor("strings/all_empty", STRING, (3,), [b"", b"", b""]),
    tensor("strings/empty_scalar", STRING, (), [b""]),
    tensor("strings/lengths", STRING, (4,), [b"a" * 127, b"b" * 128, b"", b"c" * 16384]),
    tensor("strings/matrix", STRING, (2, 2), [b"one", b"", b"three", b"\n"]),
    tensor("strings/no_elements", STRING, (0, 4), []),
    tensor("strings/not_utf8", STRING, (3,), [b"\xff", b"\x00\x80\xc3\x00", b"\xc3("]),
    tensor("strings/scalar", STRING, (), [b"one string"]),
]

NAMES = sorted(
    [
        "A",
        "Z/upper/before/lower",
        "a",
        "a/b",
        "a/b/c",
        "a b with spaces",
        "a:0",
        "a_",
        "dot.and-dash",
        "new\nline",
        "percent%20s",
        "tab\there",
        "x" * 300,
        "x" * 300 + "/suffix",
        "~tilde",
        "été/weights",
        "网络/权重",
        "\U0001f9e0/emoji",
        *[f"long/shared/prefix/of/many/layers/layer_{number:03}/kernel" for number in range(40)],
    ],
    key=lambda name: name.encode("utf-8"),
)

KEYS_OF_BYTES = [b"\x01", b"a\xffb", b"nul\x00inside", b"\xc3(", b"\xfe", b"\xff\xff"]

MANY = 3000


def many_key(number: int) -> bytes:
    """Give a key that its digest makes long and unlike its neighbours: it is stored whole."""
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    return f"{digest}/tower_{number % 7}/layer_{number:05}/kernel".encode("ascii")


def counted(keys: list[bytes]) -> list[Tensor]:
    """Give each key an int32 of one element, its place in the list."""
    return [Tensor(key, INT32, (1,), packed("i", place)) for place, key in enumerate(keys)]


def digest_payload(value: Value) -> bytes:
    """Lay out a value as the digest wants it."""
    if isinstance(value, bytes):
        return value
    return b"".join(struct.pack("<Q", len(element)) + element for element in value)


def describe(dtype: int, shape: tuple[int, ...], value: Value) -> dict[str, Any]:
    """Describe a value for `expected.json`."""
    payload = digest_payload(value)
    return {
        "dtype": dtype,
        "shape": list(shape),
        "nbytes": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }


def describe_tensor(one: Tensor) -> dict[str, Any]:
    """Describe a tensor for `expected.json`: a key that is not UTF-8 is given as hex."""
    try:
        named = {"key": one.key.decode("utf-8")}
    except UnicodeDecodeError:
        named = {"key_hex": one.key.hex()}
    return dict(named, **describe(one.dtype, one.shape, one.value))
