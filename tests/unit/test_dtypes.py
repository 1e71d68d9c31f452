from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np
import pytest

from pbckpt import dtypes
from pbckpt.dtypes import (
    REF_OFFSET,
    DataType,
    data_type,
    dtype_of_array,
    numpy_dtype,
)
from pbckpt.errors import UnsupportedBundleError

ROOT = Path(__file__).resolve().parents[2]


class Row(NamedTuple):
    """A type: its name, its bytes per element, its field of TensorProto, how numpy stores it."""

    name: str
    itemsize: int
    field: int
    stored: str


# TensorFlow's types.proto and tensor.proto, by number.
TYPES = {
    1: Row("float32", 4, 5, "float32"),
    2: Row("float64", 8, 6, "float64"),
    3: Row("int32", 4, 7, "int32"),
    4: Row("uint8", 1, 7, "uint8"),
    5: Row("int16", 2, 7, "int16"),
    6: Row("int8", 1, 7, "int8"),
    7: Row("string", 0, 8, "object"),
    8: Row("complex64", 8, 9, "complex64"),
    9: Row("int64", 8, 10, "int64"),
    10: Row("bool", 1, 11, "bool"),
    11: Row("qint8", 1, 7, "int8"),
    12: Row("quint8", 1, 7, "uint8"),
    13: Row("qint32", 4, 7, "int32"),
    14: Row("bfloat16", 2, 13, "bfloat16"),
    15: Row("qint16", 2, 7, "int16"),
    16: Row("quint16", 2, 7, "uint16"),
    17: Row("uint16", 2, 7, "uint16"),
    18: Row("complex128", 16, 12, "complex128"),
    19: Row("float16", 2, 13, "float16"),
    20: Row("resource", 0, 14, ""),
    21: Row("variant", 0, 15, ""),
    22: Row("uint32", 4, 16, "uint32"),
    23: Row("uint64", 8, 17, "uint64"),
    24: Row("float8_e5m2", 1, 18, "float8_e5m2"),
    25: Row("float8_e4m3fn", 1, 18, "float8_e4m3fn"),
    26: Row("float8_e4m3fnuz", 1, 18, "float8_e4m3fnuz"),
    27: Row("float8_e4m3b11fnuz", 1, 18, "float8_e4m3b11fnuz"),
    28: Row("float8_e5m2fnuz", 1, 18, "float8_e5m2fnuz"),
    29: Row("int4", 1, 7, "int4"),
    30: Row("uint4", 1, 7, "uint4"),
    31: Row("int2", 1, 7, "int2"),
    32: Row("uint2", 1, 7, "uint2"),
    33: Row("float4_e2m1fn", 1, 18, "float4_e2m1fn"),
}
# What numpy has of its own, or any ml_dtypes that we allow.
WITH_ARRAYS = [number for number in TYPES if number not in (20, 21, 31, 32, 33)]
# What came to ml_dtypes later.
NEWER = {31: "int2", 32: "uint2", 33: "float4_e2m1fn"}


def test_every_type_is_in_the_table() -> None:
    assert {int(member) for member in DataType} == set(TYPES)


@pytest.mark.parametrize("number", TYPES)
def test_a_type_by_its_number(number: int) -> None:
    row = TYPES[number]
    dtype = data_type(number)
    assert isinstance(dtype, DataType)
    assert (dtype.label, dtype.itemsize, dtype.field.value) == (row.name, row.itemsize, row.field)


@pytest.mark.parametrize("number", [0, -1, 34, 100, 101, 109, 133, 9999, 1 << 31])
def test_numbers_that_no_stored_tensor_has(number: int) -> None:
    assert data_type(number) is None


def test_a_reference_is_a_hundred_above_its_type() -> None:
    assert REF_OFFSET == 100


@pytest.mark.parametrize("number", TYPES)
def test_types_of_real_floating_point(number: int) -> None:
    floating = {1, 2, 14, 19, 24, 25, 26, 27, 28, 33}
    assert DataType(number).is_floating is (number in floating)


@pytest.mark.parametrize("number", TYPES)
def test_types_whose_elements_have_no_fixed_size(number: int) -> None:
    assert DataType(number).is_fixed_size is (number not in {7, 20, 21})


@pytest.mark.parametrize("number", WITH_ARRAYS)
def test_the_array_of_a_type(number: int) -> None:
    row = TYPES[number]
    found = numpy_dtype(DataType(number))
    assert found.name == row.stored
    if row.itemsize:
        assert found.itemsize == row.itemsize


@pytest.mark.parametrize("number", [20, 21])
def test_a_type_without_arrays(number: int) -> None:
    with pytest.raises(UnsupportedBundleError, match=TYPES[number].name):
        numpy_dtype(DataType(number))


@pytest.mark.parametrize("number", NEWER)
def test_a_type_that_a_newer_ml_dtypes_has(number: int) -> None:
    if not hasattr(ml_dtypes, NEWER[number]):
        pytest.skip("this ml_dtypes does not have it")
    assert numpy_dtype(DataType(number)).name == NEWER[number]


def test_a_type_that_ml_dtypes_lacks_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dtypes._TABLE[DataType.INT2]
    monkeypatch.setitem(dtypes._TABLE, DataType.INT2, row._replace(storage="int2_of_tomorrow"))
    numpy_dtype.cache_clear()
    with pytest.raises(UnsupportedBundleError, match="int2"):
        numpy_dtype(DataType.INT2)


PLAIN = [number for number in WITH_ARRAYS if not TYPES[number].name.startswith(("q", "string"))]


@pytest.mark.parametrize("number", PLAIN)
def test_the_type_of_an_array(number: int) -> None:
    array_dtype = numpy_dtype(DataType(number))
    assert dtype_of_array(array_dtype) is DataType(number)


@pytest.mark.parametrize(
    ("array_dtype", "number"),
    [
        (">f4", 1),
        ("<f8", 2),
        (">i8", 9),
        ("?", 10),
        (">c16", 18),
        ("<f2", 19),
        ("int", 9 if np.dtype("int").itemsize == 8 else 3),
        ("longlong", 9),
        ("ulonglong", 23),
        ("S1", 7),
        ("S0", 7),
        (">U7", 7),
        ("O", 7),
    ],
)
def test_the_type_of_an_array_in_any_byte_order_and_width(array_dtype: str, number: int) -> None:
    assert dtype_of_array(np.dtype(array_dtype)) is DataType(number)


@pytest.mark.parametrize("array_dtype", ["M8[s]", "m8[us]", "V4", "i4,f4"])
def test_arrays_that_no_tensor_stores(array_dtype: str) -> None:
    assert dtype_of_array(np.dtype(array_dtype)) is None


@pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="it is a double here")
def test_a_long_double_is_not_stored() -> None:
    assert dtype_of_array(np.dtype("longdouble")) is None
    assert dtype_of_array(np.dtype("clongdouble")) is None


def test_the_table_itself_needs_no_numpy() -> None:
    code = (
        "import sys; import pbckpt.dtypes as d; d.DataType.HALF.label; d.data_type(14).itemsize; "
        "assert not {'numpy', 'ml_dtypes'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
