"""The one table of tensor types: TensorFlow's numbers, names, sizes and fields.

    number   the value of TensorFlow's DataType enum; N + 100 is the
             reference form of N, used by variables in graphs only
    name     numpy's or ml_dtypes' name where there is one, else TensorFlow's
    size     bytes of one element in tensor_content and in a data file;
             types under a byte take a whole one
    field    the typed field of TensorProto that can hold such values

Reference: tensorflow/core/framework/types.proto and tensor.cc. numpy and
ml_dtypes are imported on first use only.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import UnsupportedBundleError

if TYPE_CHECKING:
    import numpy as np

REF_OFFSET = 100


class DataType(IntEnum):
    """TensorFlow's type numbers."""

    FLOAT = 1
    DOUBLE = 2
    INT32 = 3
    UINT8 = 4
    INT16 = 5
    INT8 = 6
    STRING = 7
    COMPLEX64 = 8
    INT64 = 9
    BOOL = 10
    QINT8 = 11
    QUINT8 = 12
    QINT32 = 13
    BFLOAT16 = 14
    QINT16 = 15
    QUINT16 = 16
    UINT16 = 17
    COMPLEX128 = 18
    HALF = 19
    RESOURCE = 20
    VARIANT = 21
    UINT32 = 22
    UINT64 = 23
    FLOAT8_E5M2 = 24
    FLOAT8_E4M3FN = 25
    FLOAT8_E4M3FNUZ = 26
    FLOAT8_E4M3B11FNUZ = 27
    FLOAT8_E5M2FNUZ = 28
    INT4 = 29
    UINT4 = 30
    INT2 = 31
    UINT2 = 32
    FLOAT4_E2M1FN = 33

    # Enum hashes the member's name in Python; these are keys of large tables.
    __hash__ = int.__hash__

    # What the members have of the table below, found without looking it up: the name
    # that people see, numpy's where numpy has the type; the bytes per element, 0 for
    # string, resource and variant; and the typed field of TensorProto that holds them.
    label: str
    itemsize: int
    field: TensorField
    # Whether gradients exist for the type: real floating point of any width.
    is_floating: bool
    # Whether an element is two numbers, a real and an imaginary part.
    is_complex: bool
    # Whether an element is a fixed number of bytes that can be stored as they are.
    is_fixed_size: bool
    # Whether arithmetic with weights is done in the type, as it is or for real numbers.
    is_numeric: bool


# Types of whole numbers that stand for real ones in a range.
QUANTIZED = frozenset(
    (DataType.QINT8, DataType.QUINT8, DataType.QINT16, DataType.QUINT16, DataType.QINT32)
)


class TensorField(IntEnum):
    """The typed fields of TensorProto, by field number."""

    FLOAT = 5
    DOUBLE = 6
    INT = 7
    STRING = 8
    SCOMPLEX = 9
    INT64 = 10
    BOOL = 11
    DCOMPLEX = 12
    HALF = 13
    RESOURCE_HANDLE = 14
    VARIANT = 15
    UINT32 = 16
    UINT64 = 17
    FLOAT8 = 18

    __hash__ = int.__hash__


class _Row(NamedTuple):
    name: str
    itemsize: int
    field: TensorField
    # What numpy stores the elements as where its name is not the one shown.
    storage: str = ""


_TABLE: dict[DataType, _Row] = {
    DataType.FLOAT: _Row("float32", 4, TensorField.FLOAT),
    DataType.DOUBLE: _Row("float64", 8, TensorField.DOUBLE),
    DataType.INT32: _Row("int32", 4, TensorField.INT),
    DataType.UINT8: _Row("uint8", 1, TensorField.INT),
    DataType.INT16: _Row("int16", 2, TensorField.INT),
    DataType.INT8: _Row("int8", 1, TensorField.INT),
    DataType.STRING: _Row("string", 0, TensorField.STRING, "object"),
    DataType.COMPLEX64: _Row("complex64", 8, TensorField.SCOMPLEX),
    DataType.INT64: _Row("int64", 8, TensorField.INT64),
    DataType.BOOL: _Row("bool", 1, TensorField.BOOL),
    DataType.QINT8: _Row("qint8", 1, TensorField.INT, "int8"),
    DataType.QUINT8: _Row("quint8", 1, TensorField.INT, "uint8"),
    DataType.QINT32: _Row("qint32", 4, TensorField.INT, "int32"),
    DataType.BFLOAT16: _Row("bfloat16", 2, TensorField.HALF),
    DataType.QINT16: _Row("qint16", 2, TensorField.INT, "int16"),
    DataType.QUINT16: _Row("quint16", 2, TensorField.INT, "uint16"),
    DataType.UINT16: _Row("uint16", 2, TensorField.INT),
    DataType.COMPLEX128: _Row("complex128", 16, TensorField.DCOMPLEX),
    DataType.HALF: _Row("float16", 2, TensorField.HALF),
    DataType.RESOURCE: _Row("resource", 0, TensorField.RESOURCE_HANDLE),
    DataType.VARIANT: _Row("variant", 0, TensorField.VARIANT),
    DataType.UINT32: _Row("uint32", 4, TensorField.UINT32),
    DataType.UINT64: _Row("uint64", 8, TensorField.UINT64),
    DataType.FLOAT8_E5M2: _Row("float8_e5m2", 1, TensorField.FLOAT8),
    DataType.FLOAT8_E4M3FN: _Row("float8_e4m3fn", 1, TensorField.FLOAT8),
    DataType.FLOAT8_E4M3FNUZ: _Row("float8_e4m3fnuz", 1, TensorField.FLOAT8),
    DataType.FLOAT8_E4M3B11FNUZ: _Row("float8_e4m3b11fnuz", 1, TensorField.FLOAT8),
    DataType.FLOAT8_E5M2FNUZ: _Row("float8_e5m2fnuz", 1, TensorField.FLOAT8),
    DataType.INT4: _Row("int4", 1, TensorField.INT),
    DataType.UINT4: _Row("uint4", 1, TensorField.INT),
    DataType.INT2: _Row("int2", 1, TensorField.INT),
    DataType.UINT2: _Row("uint2", 1, TensorField.INT),
    DataType.FLOAT4_E2M1FN: _Row("float4_e2m1fn", 1, TensorField.FLOAT8),
}


for _member, _row in _TABLE.items():
    _member.label = _row.name
    _member.itemsize = _row.itemsize
    _member.field = _row.field
    _member.is_floating = _row.name.startswith(("float", "bfloat"))
    _member.is_complex = _row.name.startswith("complex")
    _member.is_fixed_size = _row.itemsize > 0
    _member.is_numeric = _member.is_floating or _member.is_complex or _member in QUANTIZED


def data_type(number: int) -> DataType | None:
    """Return the type of that number, or None for 0, reference forms and unknown numbers."""
    return _BY_NUMBER.get(number)


_BY_NUMBER = {int(member): member for member in DataType}


def dtype_of_label(name: str) -> DataType | None:
    """Return the type that people call ``name``, as numpy or as TensorFlow does."""
    return _BY_LABEL.get(name)


_BY_LABEL = {
    **{row.name: dtype for dtype, row in _TABLE.items()},
    "half": DataType.HALF,
    "float": DataType.FLOAT,
    "double": DataType.DOUBLE,
}


@cache
def numpy_dtype(dtype: DataType) -> np.dtype[np.generic]:
    """Return the numpy dtype whose memory image is what a data file holds.

    Quantized types are read as the integers that store them. Raises
    UnsupportedBundleError for resource and variant, which have no arrays.
    """
    import numpy as np  # noqa: PLC0415 - only callers that want arrays pay for numpy

    row = _TABLE[dtype]
    if row.itemsize == 0 and dtype is not DataType.STRING:
        msg = f"a tensor of type {row.name} has no numpy form; copy its bytes instead"
        raise UnsupportedBundleError(msg)
    name = row.storage or row.name
    try:
        return np.dtype(name)
    except TypeError:
        return _ml_dtype(name)


def _ml_dtype(name: str) -> np.dtype[np.generic]:
    import ml_dtypes  # noqa: PLC0415 - rare types only
    import numpy as np  # noqa: PLC0415

    scalar_type = getattr(ml_dtypes, name, None)
    if scalar_type is None:
        msg = f"ml_dtypes {ml_dtypes.__version__} has no type {name}; install a newer one"
        raise UnsupportedBundleError(msg)
    found: np.dtype[np.generic] = np.dtype(scalar_type)
    return found


def dtype_of_array(array_dtype: np.dtype[np.generic]) -> DataType | None:
    """Return the type that stores arrays of this numpy dtype, or None if there is none.

    Text and bytes arrays of every width are strings.
    """
    if array_dtype.kind in "OSUT":
        return DataType.STRING
    return _BY_NUMPY_NAME.get(array_dtype.name)


# The last row of a name wins, so plain integers must come after quantized ones.
_BY_NUMPY_NAME = {row.name: dtype for dtype, row in _TABLE.items() if row.itemsize}
