from __future__ import annotations

import pytest

from pbckpt.bundle.entry import Extent
from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, UnsupportedBundleError
from pbckpt.v1.meta import ListedTensor, decode_meta
from tests.unit.v1.files import field, listing

# Names, shapes, slices in hex.
B, P = "0a0162", "0a0170"
FLOAT, SCALAR = "1801", "1200"
WHOLE_SCALAR = "2200"
SHAPE_5_4 = "1208 12020805 12020804"


def decode(hexed: str) -> list[ListedTensor]:
    return list(decode_meta(bytes.fromhex(hexed)))


def test_a_scalar_is_one_slice_without_extents() -> None:
    meta = "0a0f 0a09 0a0162 1200 1801 2200 1202 0801"
    assert decode(meta) == [ListedTensor(b"b", DataType.FLOAT, (), ((),))]


def test_a_whole_dimension_has_no_length() -> None:
    meta = listing("0a0176 1204 12020803 1809 2202 0a00")
    assert decode(meta) == [ListedTensor(b"v", DataType.INT64, (3,), ((Extent(0, None),),))]


def test_slices_are_in_the_order_of_saving() -> None:
    meta = listing(P + SHAPE_5_4 + FLOAT + "220a 0a0408021003 0a021004" + "2208 0a021002 0a021004")
    (tensor,) = decode(meta)
    assert tensor.shape == (5, 4)
    assert tensor.slices == ((Extent(2, 3), Extent(0, 4)), (Extent(0, 2), Extent(0, 4)))


def test_tensors_are_in_the_order_of_saving() -> None:
    scalar = SCALAR + FLOAT + WHOLE_SCALAR
    meta = listing("0a0162" + scalar, "0a0161" + scalar, "0a0163" + scalar)
    assert [tensor.name for tensor in decode(meta)] == [b"b", b"a", b"c"]


def test_one_file_may_hold_no_slice_of_a_tensor() -> None:
    assert decode(listing(B + SCALAR + FLOAT)) == [ListedTensor(b"b", DataType.FLOAT, (), ())]


def test_names_are_bytes_of_utf8() -> None:
    (tensor,) = decode(listing("0a05 67c3b6c39f" + SCALAR + FLOAT))
    assert tensor.name == "göß".encode()


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(field(1), id="an empty list"),
        pytest.param("", id="nothing"),
        pytest.param(listing(), id="a version alone"),
    ],
)
def test_a_file_without_tensors(meta: str) -> None:
    assert decode(meta) == []


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("", id="none"),
        pytest.param("1200", id="empty"),
        pytest.param("1202 0805", id="a later producer"),
        pytest.param("1202 1001", id="asks for ours"),
        pytest.param("1203 1a0102", id="refuses another"),
    ],
)
def test_versions_that_are_read(version: str) -> None:
    (tensor,) = decode(listing(B + SCALAR + FLOAT, version=version))
    assert tensor.name == b"b"


@pytest.mark.parametrize("version", ["1204 0801 1002", "1205 0801 1a0101", "1202 1801"])
@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_refuses_its_readers(version: str, *, first: bool) -> None:
    tensor = field(1, B + SCALAR + FLOAT)
    meta = field(1, version, tensor) if first else field(1, tensor, version)
    with pytest.raises(UnsupportedBundleError, match="refuses readers of version 1"):
        decode(meta)


def test_pieces_of_a_list_are_one_list() -> None:
    tensor = SCALAR + FLOAT + WHOLE_SCALAR
    meta = field(1, field(1, "0a0161", tensor)) + field(1, field(1, B, tensor))
    assert [tensor.name for tensor in decode(meta)] == [b"a", b"b"]


def test_fields_in_any_order_and_fields_of_the_future() -> None:
    backwards = "c23e0161" + WHOLE_SCALAR + FLOAT + SCALAR + B
    meta = "c23e0161 0801 1a00" + field(1, "c23e0161 0801 1001", field(1, backwards), "3d00000000")
    assert decode(meta) == [ListedTensor(b"b", DataType.FLOAT, (), ((),))]


@pytest.mark.parametrize("number", [0, 20, 21, 24, 29, 33, 34, 101, 999])
def test_a_type_that_no_saver_of_v1_knew(number: int) -> None:
    number_hex = f"18{number:02x}" if number < 128 else "18e707"
    with pytest.raises(CorruptFileError, match=f"'b' has the type number {number}, which V1"):
        decode(listing(B + SCALAR + number_hex))


@pytest.mark.parametrize("number", [14, 15, 16, 22, 23])
def test_types_that_a_saver_may_have_known(number: int) -> None:
    assert decode(listing(B + SCALAR + f"18{number:02x}"))[0].dtype == number


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param("120d 120b 08ffffffffffffffffff01", id="a negative dimension"),
        pytest.param("1202 1801", id="no rank"),
        pytest.param("121c" + 2 * "120c 08ffffffffffffffff7f 1200", id="too many elements"),
        pytest.param("12fe07" + 255 * "12020801" + "1200", id="too many dimensions"),
    ],
)
def test_a_shape_that_no_tensor_has(shape: str) -> None:
    with pytest.raises(CorruptFileError):
        decode(listing(B + shape + FLOAT))


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("2200", id="no extents"),
        pytest.param("2202 0a00", id="too few extents"),
        pytest.param("2206 0a00 0a00 0a00", id="too many extents"),
        pytest.param("2206 0a021006 0a00", id="too long"),
        pytest.param("2208 0a0408031003 0a00", id="beyond the end"),
        pytest.param("2206 0a021000 0a00", id="of length zero"),
        pytest.param("2206 0a020801 0a00", id="a start without a length"),
        pytest.param("220f 0a0b10ffffffffffffffffff01 0a00", id="a negative length"),
        pytest.param("2211 0a0d08ffffffffffffffffff01 1002 0a00", id="a negative start"),
        pytest.param("220e 0a0a10ffffffffffffffff7f 0a00", id="far too long"),
    ],
)
def test_a_slice_outside_of_its_tensor(part: str) -> None:
    with pytest.raises(CorruptFileError, match=r"'p' of shape \[5, 4\] has a slice that lies out"):
        decode(listing(P + SHAPE_5_4 + FLOAT + part))


def test_a_tensor_without_a_name() -> None:
    with pytest.raises(UnsupportedBundleError, match="without a name"):
        decode(listing(SCALAR + FLOAT + WHOLE_SCALAR))


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(listing("0a01ff" + SCALAR + FLOAT), id="a name that is not UTF-8"),
        pytest.param(listing("0a0562"), id="a cut tensor"),
        pytest.param(listing("1203 120208"), id="a cut shape"),
        pytest.param(field(1, "0a05 0a0162"), id="a cut list"),
        pytest.param("0a05 0a0162", id="a cut record"),
        pytest.param(listing(version="1202 08ff"), id="a cut version"),
        pytest.param("07", id="no wire type"),
        pytest.param(field(1, "00"), id="no field number"),
    ],
)
def test_a_list_that_does_not_decode(meta: str) -> None:
    with pytest.raises(CorruptFileError):
        decode(meta)
