"""Cast: a tensor on its way to a file gets another type, a block at a time.

Numbers are rounded as numpy and TensorFlow round them. One that the new type
cannot hold at all, such as 300 in int8 or 1e10 in float16, is an error: nobody
asked for infinity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.arrays.blocks import blocks_of
from pbckpt.arrays.given import span_of_array, tensor_of_array
from pbckpt.bundle.payload import Payload, Tensor
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.arrays.blocks import Array
    from pbckpt.edits.settings import Setting
    from pbckpt.names import BundleKey
    from pbckpt.wire.span import Span


def cast_tensor(tensor: Tensor, dtype: DataType) -> Tensor:
    """Return a tensor with another type; its elements are cast when they are written.

    Raises SelectionError, then, for a number that the new type cannot hold.
    """
    if tensor.dtype is dtype:
        return tensor
    if tensor.dtype.is_complex and not dtype.is_complex:
        raise SelectionError(
            f"tensor {key_to_text(tensor.key)!r}: casting {tensor.dtype.label} to {dtype.label} "
            "would drop the imaginary parts"
        )
    return tensor._replace(dtype=dtype, payload=Payload(_cast_spans(tensor, dtype)))


def _cast_spans(tensor: Tensor, dtype: DataType) -> Iterator[Span]:
    target = numpy_dtype(dtype)
    for block in blocks_of(tensor):
        yield span_of_array(_cast(tensor.key, block, target))


def _cast(key: BundleKey, array: Array, dtype: np.dtype[Any]) -> Array:
    with np.errstate(all="ignore"):
        cast: Array = array.astype(dtype)
        misfits = _misfits(array, cast)
    if misfits.any():
        first = array[misfits][0]
        raise SelectionError(
            f"tensor {key_to_text(key)!r}: {np.count_nonzero(misfits)} or more of its numbers, "
            f"such as {first}, do not fit {dtype.name}; leave it out of the cast"
        )
    return cast


def _misfits(array: Array, cast: Array) -> Array:
    """Tell of each number whether the new type cannot hold it, rounded or not."""
    if cast.dtype == np.bool_:
        return np.zeros(array.shape, bool)
    wide = array if array.dtype.kind in "biufc" else array.astype(np.float64)
    if cast.dtype.kind in "iu" or "int" in cast.dtype.name:
        return _integer_misfits(wide, cast)
    back = cast.astype(np.complex128 if cast.dtype.kind == "c" else np.float64)
    # Some types have no infinity, some not even a NaN.
    misfits: Array = (np.isfinite(wide) != np.isfinite(back)) | (np.isnan(wide) != np.isnan(back))
    return misfits


def _integer_misfits(wide: Array, cast: Array) -> Array:
    """Compare what was cast, and is back, with what was there, but for the fraction."""
    back = cast.astype(np.int64) if cast.dtype.kind not in "iu" else cast
    misfits: Array
    if wide.dtype.kind in "biu":
        misfits = (back != wide) | ((back < 0) != (wide < 0))
    else:
        misfits = ~np.isfinite(wide) | (np.trunc(wide) != back.astype(np.float64))
    return misfits


def tensor_of_setting(key: BundleKey, setting: Setting) -> Tensor:
    """Return a tensor whose elements a user wrote down."""
    if setting.dtype is DataType.STRING:
        array = np.empty(len(setting.elements()), object)
        array[:] = setting.elements()
        return tensor_of_array(key, array.reshape(setting.shape))
    elements = np.array(setting.elements(), _widest(setting.dtype))
    cast = elements.astype(numpy_dtype(setting.dtype)).reshape(setting.shape)
    return tensor_of_array(key, cast)


def _widest(dtype: DataType) -> type[np.generic]:
    """Return the type in which every number that a setting may hold arrives whole."""
    if dtype.is_complex:
        return np.complex128
    if dtype is DataType.UINT64:
        return np.uint64
    return np.int64 if "int" in dtype.label else np.bool_ if dtype is DataType.BOOL else np.float64
