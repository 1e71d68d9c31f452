"""DLPack: arrays of libraries that numpy cannot ask in another way.

    DLTensor   data | device | ndim | dtype (code, bits, lanes) | shape | strides | offset

numpy takes the types that it has itself. The others, bfloat16 and float8, are
found through the capsule, which says where the elements lie; they are copied
from there while the capsule keeps them alive.

Reference: dmlc/dlpack, include/dlpack/dlpack.h.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from pbckpt.dtypes import DataType, numpy_dtype

_CAPSULE = b"dltensor"
_ON_HOST = (1, 3)  # kDLCPU, kDLCUDAHost
_TYPES = {
    (4, 16): DataType.BFLOAT16,
    (9, 8): DataType.FLOAT8_E4M3B11FNUZ,
    (10, 8): DataType.FLOAT8_E4M3FN,
    (11, 8): DataType.FLOAT8_E4M3FNUZ,
    (12, 8): DataType.FLOAT8_E5M2,
    (13, 8): DataType.FLOAT8_E5M2FNUZ,
}


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Memory:
    """Memory that numpy looks at as an array."""

    def __init__(self, interface: dict[str, object]) -> None:
        self.__array_interface__ = interface


def array_of_dlpack(value: Any) -> np.ndarray[Any, np.dtype[Any]]:  # noqa: ANN401 - it has __dlpack__
    """Return the array that a DLPack object is.

    Raises TypeError, ValueError, RuntimeError or BufferError for one that is not
    in this machine's memory, or has a type that no checkpoint can hold.
    """
    try:
        return np.from_dlpack(value)
    except (RuntimeError, BufferError, TypeError, ValueError):
        capsule = value.__dlpack__()
    pointer = _capsule_pointer(capsule)
    tensor = ctypes.cast(pointer, ctypes.POINTER(_DLTensor)).contents
    dtype = _TYPES.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if dtype is None:
        raise TypeError(f"DLPack type {tensor.code} of {tensor.bits} bits")
    if tensor.device_type not in _ON_HOST:
        raise BufferError(f"it is on device {tensor.device_type}; copy it to the CPU first")
    return _copy(tensor, numpy_dtype(dtype))


def _capsule_pointer(capsule: object) -> int:
    """Return where the capsule's tensor lies. Raises ValueError for another capsule."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    pointer: int = get(capsule, _CAPSULE)
    return pointer


def _copy(tensor: _DLTensor, dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = None
    if tensor.strides:
        strides = tuple(step * dtype.itemsize for step in tensor.strides[: tensor.ndim])
    interface: dict[str, object] = {
        "version": 3,
        "typestr": "|u1" if dtype.itemsize == 1 else np.dtype(f"u{dtype.itemsize}").str,
        "data": ((tensor.data or 0) + tensor.byte_offset, True),
        "shape": shape,
        "strides": strides,
    }
    return np.array(np.asarray(_Memory(interface)), copy=True, order="C").view(dtype)
