"""Arrays: numpy on the outside, tensors of a bundle on the inside.

The one room where numpy is imported; whoever handles spans alone never pays
for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.dtypes import DataType, dtype_of_array, numpy_dtype
from pbckpt.errors import SelectionError, UnsupportedBundleError
from pbckpt.names import key_to_bytes
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    import numpy.typing as npt

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.bundle.reader import BundleReader
    from pbckpt.names import BundleKey


def tensor_of_array(key: BundleKey, value: npt.ArrayLike) -> Tensor:
    """Return an array as a tensor to be written.

    Arrays that are not contiguous or not little-endian are copied. (numpy's
    fixed-width strings have no NULs at their ends; lists and object arrays of
    bytes keep them.) Raises
    SelectionError for an array of a type that no checkpoint can hold.
    """
    array = _as_array(key, value)
    dtype = dtype_of_array(array.dtype)
    if dtype is None:
        msg = f"tensor {key!r}: arrays of type {array.dtype} cannot be stored in a checkpoint"
        raise SelectionError(msg)
    if dtype is DataType.STRING:
        elements = [_to_bytes(key, element) for element in array.reshape(-1).tolist()]
        return Tensor(key, dtype, array.shape, string_payload(elements))
    # ascontiguousarray would turn a scalar into a vector.
    image = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    view = image.reshape(-1).view(np.uint8).data if image.size else memoryview(b"")
    return Tensor(key, dtype, array.shape, Payload([Span.of(view)]))


def _as_array(key: BundleKey, value: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the value as an array; numpy's own fixed-width strings would lose NULs."""
    try:
        array = np.asarray(value)
        if array.dtype.kind in "SU" and not isinstance(value, np.ndarray):
            array = np.asarray(value, dtype=object)
    except ValueError as error:
        raise SelectionError(f"tensor {key!r}: not an array ({error})") from None
    return array


def _to_bytes(key: BundleKey, element: object) -> bytes:
    if isinstance(element, bytes):
        return element
    if isinstance(element, str):
        return key_to_bytes(element)
    msg = f"tensor {key!r}: an element of type {type(element).__name__}, not bytes or str"
    raise SelectionError(msg)


def read_array(reader: BundleReader, entry: BundleEntry) -> npt.NDArray[Any]:
    """Return a stored tensor as an array of its own; strings as bytes objects."""
    if entry.dtype is DataType.STRING:
        elements = reader.read_strings(entry)
        array = np.empty(len(elements), dtype=object)
        array[:] = elements
        return _shaped(array, entry)
    dtype = numpy_dtype(entry.dtype)
    return _shaped(np.frombuffer(reader.read(entry), dtype=dtype), entry)


def _shaped(array: npt.NDArray[Any], entry: BundleEntry) -> npt.NDArray[Any]:
    try:
        return array.reshape(entry.shape)
    except ValueError:
        # TensorFlow has up to 254 dimensions, and sizes without elements.
        msg = f"numpy has no array of {len(entry.shape)} dimensions {list(entry.shape)[:8]}"
        raise UnsupportedBundleError(msg) from None
