"""Numbers: what the elements of a constant tell of who made them.

    values                                rule
    0.299, 0.587, 0.114, …                written_values: short, as people write
    0.01, 0.02, 0.04, 0.02, 0.01, …       repeated_values: symmetric, or a pattern

Training and random initial values leave numbers of full length, hardly any two of
which are equal. Filters of blur, colour matrices, windows, masks and tables of
anchors were written down or computed from few numbers. Values that are all equal
tell nothing: an initial bias is zero everywhere.

The trap: weights that a tool has rounded to few levels are weights all the same,
so this only ever speaks against a constant that little else speaks for.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.variables.evidence import Evidence, Strength

if TYPE_CHECKING:
    from pbckpt.graph.constant import ConstantTensor

_FORMATS = {DataType.FLOAT: "f", DataType.DOUBLE: "d"}
# So many elements are looked at, from the first on.
_MAX_ELEMENTS = 256
_MIN_ELEMENTS = 2
# From so many on, it is no chance that all are short, or that many are equal.
_MANY = 6
# So many random numbers at least tell that they are random.
_SOME = 4
# How many digits a number has that somebody wrote.
_DIGITS = 3
# Of so few different numbers, each that often, no trained weights are made.
_FEW_VALUES = 32
_OFTEN = 3


def number_evidence(tensor: ConstantTensor) -> Evidence | None:
    """Return what speaks against a constant by the numbers in it."""
    values = _elements(tensor)
    if len(values) < _MIN_ELEMENTS or len(set(values)) == 1:
        return None
    strength = Strength.STRONG if len(values) >= _MANY else Strength.FAIR
    if all(_is_short(value, _FORMATS[tensor.dtype]) for value in values):
        shown = ", ".join(f"{value:.{_DIGITS}g}" for value in values[:3])
        reason = f"its values are short numbers, as people write them: {shown}, …"
        return Evidence("written_values", strength, reason, speaks_for=False)
    distinct = set(map(abs, values))
    if len(values) < _MANY or len(distinct) * 2 > len(values):
        return None
    is_pattern = len(distinct) <= _FEW_VALUES and len(distinct) * _OFTEN <= len(values)
    strength = Strength.STRONG if is_pattern else Strength.FAIR
    reason = f"its values repeat: {len(distinct)} different numbers in {len(values)}"
    return Evidence("repeated_values", strength, reason, speaks_for=False)


def look_trained(tensor: ConstantTensor) -> bool:
    """Tell whether the elements are such as training leaves: of full length, all different."""
    values = _elements(tensor)
    if len(values) < _SOME or len({abs(value) for value in values}) < len(values):
        return False
    letter = _FORMATS[tensor.dtype]
    return not any(_is_short(value, letter) for value in values)


def _elements(tensor: ConstantTensor) -> tuple[float, ...]:
    """Return the first elements; none of a type that training code seldom writes."""
    letter = _FORMATS.get(tensor.dtype)
    if letter is None or not tensor.shape or not tensor.images:
        # Without a value of its own each element is the same as the next.
        return ()
    wanted = min(tensor.num_elements, _MAX_ELEMENTS) * tensor.dtype.itemsize
    first = tensor.images[0]
    if first.nbytes >= wanted:
        buffer = memoryview(bytearray(wanted))
        chunk = first.source.chunk(first.offset, wanted, buffer)
        return struct.unpack(f"<{wanted // tensor.dtype.itemsize}{letter}", chunk)
    data = bytearray()
    for span in tensor.images:
        if len(data) >= wanted:
            break
        nbytes = min(span.nbytes, wanted - len(data))
        buffer = memoryview(bytearray(nbytes))
        data += span.source.chunk(span.offset, nbytes, buffer)
    if len(data) < wanted and tensor.fill:
        data += (tensor.fill * (wanted // len(tensor.fill) + 1))[: wanted - len(data)]
    return struct.unpack(f"<{len(data) // tensor.dtype.itemsize}{letter}", data)


def _is_short(value: float, letter: str) -> bool:
    """Tell whether a number is one of few digits, as near as its type comes to that."""
    short = float(f"{value:.{_DIGITS}g}")
    return struct.pack(letter, short) == struct.pack(letter, value)
