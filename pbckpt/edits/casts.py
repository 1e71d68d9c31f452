"""Casts: other types for the tensors that match a pattern.

A type is called by the name that pbckpt shows or by TensorFlow's: ``float16``
is ``half``. Numbers and booleans are cast, whatever their width; strings,
variants, resources and quantized types are not: their bytes are no numbers
that another type could hold.
"""

from __future__ import annotations

from typing import NamedTuple

from pbckpt.dtypes import DataType
from pbckpt.edits.nearest import nearest_names
from pbckpt.edits.patterns import Pattern, parse_pattern
from pbckpt.errors import SelectionError

_TYPES = {dtype.label: dtype for dtype in DataType} | {
    "half": DataType.HALF,
    "float": DataType.FLOAT,
    "double": DataType.DOUBLE,
}
_QUANTIZED = (
    DataType.QINT8,
    DataType.QUINT8,
    DataType.QINT16,
    DataType.QUINT16,
    DataType.QINT32,
)


class Cast(NamedTuple):
    """What matches ``pattern`` becomes ``dtype``."""

    pattern: Pattern
    dtype: DataType


def find_type(name: str) -> DataType | None:
    """Return the type of that name, or None."""
    return _TYPES.get(name)


def parse_type(name: str) -> DataType:
    """Return the type of that name. Raises SelectionError with what is near."""
    dtype = find_type(name)
    if dtype is None:
        near = nearest_names(name, _TYPES)
        nearest = f"; nearest: {', '.join(near)}" if near else ""
        msg = f"no type is called {name!r}{nearest}"
        raise SelectionError(msg, unknown=[name], suggestions=near)
    return dtype


def is_castable(dtype: DataType) -> bool:
    """Tell whether the type holds numbers or booleans that other types can hold too."""
    return dtype.is_fixed_size and dtype not in _QUANTIZED


def parse_cast(text: str) -> Cast:
    """Take PATTERN=DTYPE; the last ``=`` divides. Raises SelectionError."""
    pattern, _, name = text.rpartition("=")
    if not pattern:
        raise SelectionError(f"cast {text!r} is not PATTERN=DTYPE", unknown=[text])
    dtype = parse_type(name)
    if not is_castable(dtype):
        raise SelectionError(f"cast {text!r}: nothing is cast to {dtype.label}", unknown=[text])
    return Cast(parse_pattern(pattern), dtype)
