"""Settings: tensors that a user writes down, as in ``global_step=int64:0``.

    NAME=DTYPE:VALUE

    step=int64:0              a number
    debug=bool:true           true or false
    note=string:a text        a text as it is, or in JSON's quotes
    table=float32:[[1, 2]]    a JSON list: an array; of strings, too

The name may hold a ``=``: the first one that a type and a colon follow
divides. Values are checked against what the type can hold, without numpy.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pbckpt.dtypes import DataType
from pbckpt.edits.casts import find_type, is_castable, parse_type
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

Scalar: TypeAlias = bool | int | float | complex | bytes
Value: TypeAlias = Scalar | tuple["Value", ...]

_TYPE = re.compile(r"=(\w+):")
_MAX_RANK = 254
_SHOWN = 60

# What an integer type can hold: bits, and whether it has a sign.
_INTEGERS = {
    DataType.INT8: (8, True),
    DataType.INT16: (16, True),
    DataType.INT32: (32, True),
    DataType.INT64: (64, True),
    DataType.UINT8: (8, False),
    DataType.UINT16: (16, False),
    DataType.UINT32: (32, False),
    DataType.UINT64: (64, False),
    DataType.INT4: (4, True),
    DataType.UINT4: (4, False),
    DataType.INT2: (2, True),
    DataType.UINT2: (2, False),
}


class _Floats(NamedTuple):
    largest: float
    has_infinity: bool = True
    has_nan: bool = True


_FLOAT32 = _Floats((2 - 2**-23) * 2.0**127)
_FLOAT64 = _Floats(math.inf)
_FLOATS = {
    DataType.HALF: _Floats(65504.0),
    DataType.BFLOAT16: _Floats((2 - 2**-7) * 2.0**127),
    DataType.FLOAT: _FLOAT32,
    DataType.DOUBLE: _FLOAT64,
    DataType.COMPLEX64: _FLOAT32,
    DataType.COMPLEX128: _FLOAT64,
    DataType.FLOAT8_E5M2: _Floats(57344.0),
    DataType.FLOAT8_E4M3FN: _Floats(448.0, has_infinity=False),
    DataType.FLOAT8_E4M3FNUZ: _Floats(240.0, has_infinity=False),
    DataType.FLOAT8_E4M3B11FNUZ: _Floats(30.0, has_infinity=False),
    DataType.FLOAT8_E5M2FNUZ: _Floats(57344.0, has_infinity=False),
    DataType.FLOAT4_E2M1FN: _Floats(6.0, has_infinity=False, has_nan=False),
}


class Setting(NamedTuple):
    """A tensor by its value: a scalar, or tuples in tuples; strings are bytes."""

    name: str
    dtype: DataType
    shape: tuple[int, ...]
    value: Value

    @classmethod
    def of(cls, name: str, dtype: DataType, value: object) -> Setting:
        """Check a scalar, or lists in lists. Raises SelectionError for what does not fit."""
        if not name:
            raise SelectionError(f"a setting needs a name: {_show(value)}")
        key_to_bytes(name)
        if not (is_castable(dtype) or dtype is DataType.STRING):
            raise SelectionError(f"setting {name!r}: no value of {dtype.label} can be written down")
        try:
            shape = _shape_of(value)
            return cls(name, dtype, shape, _checked(dtype, shape, value))
        except _MisfitError as error:
            raise SelectionError(f"setting {name!r}: {error}", unknown=[name]) from None

    def elements(self) -> list[Scalar]:
        """Return all elements in C order."""
        return list(_flat(self.value))


def parse_setting(text: str) -> Setting:
    """Take NAME=DTYPE:VALUE. Raises SelectionError."""
    found = list(_TYPE.finditer(text))
    if not found:
        msg = f"setting {text!r} is not NAME=DTYPE:VALUE, such as global_step=int64:0"
        raise SelectionError(msg, unknown=[text])
    match = next((match for match in found if find_type(match[1])), found[0])
    dtype = parse_type(match[1])
    return Setting.of(text[: match.start()], dtype, _parse_value(dtype, text[match.end() :]))


def _parse_value(dtype: DataType, text: str) -> object:
    import json  # noqa: PLC0415 - start-up time

    is_json = text.startswith(("[", '"'))
    if dtype is DataType.STRING and not is_json:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if is_json:
            raise SelectionError(f"value {_show(text)} is not JSON: {error}") from None
        # Python reads numbers that are none in JSON: +1, .5, nan, 1+2j.
        return text


class _MisfitError(ValueError):
    """A value that the type cannot hold."""


def _show(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # an integer of too many digits
        return "a number"
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."


def _shape_of(value: object) -> tuple[int, ...]:
    """Return the shape of lists in lists, judged by the first of each."""
    shape = []
    while isinstance(value, (list, tuple)):
        shape.append(len(value))
        if len(shape) > _MAX_RANK:
            raise _MisfitError(f"more than {_MAX_RANK} dimensions")
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _checked(dtype: DataType, shape: tuple[int, ...], value: object) -> Value:
    if not shape:
        return _element(dtype, value)
    if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
        raise _MisfitError("the lists are not of equal length")
    return tuple(_checked(dtype, shape[1:], part) for part in value)


def _flat(value: Value) -> Iterator[Scalar]:
    if isinstance(value, tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _element(dtype: DataType, value: object) -> Scalar:
    if dtype is DataType.STRING:
        return _string(value)
    if dtype is DataType.BOOL:
        return _boolean(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, complex, str)):
        raise _MisfitError(f"{_show(value)} is no {dtype.label}")
    if dtype in _INTEGERS:
        return _integer(dtype, value)
    return _complex(dtype, value) if dtype.is_complex else _real(dtype, value)


def _string(value: object) -> bytes:
    if isinstance(value, str):
        return key_to_bytes(value)
    if isinstance(value, bytes):
        return value
    raise _MisfitError(f"{_show(value)} is no string; give it in quotes")


def _boolean(value: object) -> bool:
    known = {"true": True, "false": False}
    found = known.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise _MisfitError(f"{_show(value)} is no bool: true or false")
    return found


def _integer(dtype: DataType, value: complex | str) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        raise _MisfitError(f"{_show(value)} is no {dtype.label}") from None
    if not isinstance(number, int):
        raise _MisfitError(f"{_show(value)} is no {dtype.label}; give it without a fraction")
    bits, has_sign = _INTEGERS[dtype]
    lowest = -(1 << (bits - 1)) if has_sign else 0
    highest = lowest + (1 << bits) - 1
    if not lowest <= number <= highest:
        raise _MisfitError(f"{_show(number)} is no {dtype.label}: {lowest} to {highest}")
    return number


def _real(dtype: DataType, value: complex | str) -> float:
    try:
        # A complex number is a TypeError, an integer beyond all floats an OverflowError.
        number = float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        raise _MisfitError(f"{_show(value)} is no {dtype.label}") from None
    _check_float(dtype, number)
    return number


def _complex(dtype: DataType, value: complex | str) -> complex:
    try:
        number = complex(value)
    except (ValueError, OverflowError):
        raise _MisfitError(f"{_show(value)} is no {dtype.label}") from None
    _check_float(dtype, number.real)
    _check_float(dtype, number.imag)
    return number


def _check_float(dtype: DataType, number: float) -> None:
    floats = _FLOATS[dtype]
    if math.isnan(number):
        fits = floats.has_nan
    elif math.isinf(number):
        fits = floats.has_infinity
    else:
        fits = abs(number) <= floats.largest
    if not fits:
        raise _MisfitError(f"{number} is beyond {dtype.label}: {floats.largest} is the largest")
