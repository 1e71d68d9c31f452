"""Given: what a user gives as an array -> a tensor of a bundle.

Anything with the buffer protocol, ``__array__`` or DLPack is an array. Bytes
are taken from where they are if they lie there as they are to be stored.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.dtypes import DataType, dtype_of_array, numpy_dtype
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes, key_to_text
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    import numpy.typing as npt

    from pbckpt.names import BundleKey

    Array = npt.NDArray[Any]

# Up to this size a tensor's bytes are copied when it is looked at: that costs
# less than remembering where they are.
SMALL_BYTES = 16 << 10
# What `Tensor` does, without its Python half: there may be a hundred thousand.
_new_tensor = tuple.__new__


def tensor_of_array(key: BundleKey, value: object) -> Tensor:
    """Return an array as a tensor to be written.

    Anything with the buffer protocol, ``__array__`` or DLPack will do. Large
    arrays that are contiguous and little-endian are written from where they
    are. (numpy's fixed-width strings have no NULs at their ends; lists and
    object arrays of bytes keep them.) Raises SelectionError for an array of a
    type that no checkpoint can hold.
    """
    array = value if type(value) is np.ndarray else array_of(key, value)
    small = small_tensor(key, array)
    if small is not None:
        return small
    dtype = dtype_of_array(array.dtype)
    if dtype is None:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: arrays of type {array.dtype} cannot be stored in a "
            "checkpoint"
        )
    if dtype is DataType.STRING:
        return Tensor(key, dtype, array.shape, string_payload(elements_of_strings(key, array)))
    return Tensor(key, dtype, array.shape, Payload([span_of_array(array)]))


def small_tensor(key: BundleKey, value: object) -> Tensor | None:
    """Return a small array of one of numpy's own types as a tensor; None for all others."""
    if type(value) is not np.ndarray or value.nbytes > SMALL_BYTES:
        return None
    dtype = _NATIVE.get(value.dtype)
    if dtype is None:
        return None
    return _new_tensor(Tensor, (key, dtype, value.shape, value.tobytes(), None))


def span_of_array(array: Array) -> Span:
    """Return an array's elements in C order and little-endian, copied only if they are not."""
    # ascontiguousarray would turn a scalar into a vector.
    image = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return Span.of(image.reshape(-1).view(np.uint8).data if image.size else memoryview(b""))


def array_of(key: BundleKey, value: object) -> Array:
    """Return a value as an array; numpy's own fixed-width strings would lose NULs."""
    if hasattr(value, "__next__"):
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: the size of what an iterator gives is not known; give "
            "LazyTensor(dtype, shape, function that returns the iterator)"
        )
    if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        return _array_of_dlpack(key, value)
    try:
        array = np.asarray(value)
        if array.dtype.kind in "SU" and not isinstance(value, np.ndarray):
            array = np.asarray(value, dtype=object)
    except TypeError as error:
        # A type that numpy has not. (What else is refused, DLPack may hand out
        # all the same, without what a library keeps beside the elements.)
        if hasattr(value, "__dlpack__"):
            return _array_of_dlpack(key, value)
        raise SelectionError(f"tensor {key_to_text(key)!r}: not an array ({error})") from None
    except (ValueError, RuntimeError, BufferError) as error:
        raise SelectionError(f"tensor {key_to_text(key)!r}: not an array ({error})") from None
    return array


def _array_of_dlpack(key: BundleKey, value: object) -> Array:
    from pbckpt.arrays.dlpack import array_of_dlpack  # noqa: PLC0415 - rarely needed

    try:
        return array_of_dlpack(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: not an array that can be read ({error})"
        ) from None


def elements_of_strings(key: BundleKey, array: Array) -> list[bytes]:
    """Return the elements of an array of strings. Raises SelectionError for others."""
    return [_to_bytes(key, element) for element in array.reshape(-1).tolist()]


def _to_bytes(key: BundleKey, element: object) -> bytes:
    if isinstance(element, bytes):
        return element
    if isinstance(element, str):
        return key_to_bytes(element)
    kind = type(element).__name__
    msg = f"tensor {key_to_text(key)!r}: an element of type {kind}, not bytes or str"
    raise SelectionError(msg)


def _native_types() -> dict[np.dtype[np.generic], DataType]:
    """Return numpy's own types, whose memory image is what a data file holds."""
    plain = (
        DataType.FLOAT,
        DataType.DOUBLE,
        DataType.HALF,
        DataType.INT8,
        DataType.INT16,
        DataType.INT32,
        DataType.INT64,
        DataType.UINT8,
        DataType.UINT16,
        DataType.UINT32,
        DataType.UINT64,
        DataType.BOOL,
        DataType.COMPLEX64,
        DataType.COMPLEX128,
    )
    return {} if sys.byteorder == "big" else {numpy_dtype(dtype): dtype for dtype in plain}


_NATIVE = _native_types()
