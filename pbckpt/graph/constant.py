"""Constants: the value of a Const node, as spans of the file it came from.

    dtype, shape           what TensorFlow's runtime makes of a TensorProto
    images                 the elements' bytes, as far as the file gives them
    fill                   what the rest is, over and over: the last value, or zeros
    strings                instead, of a string tensor

A constant of a gigabyte takes no memory here, and one that a few bytes of the file
repeat a billion times takes none either.

Reference: tensorflow/core/framework/tensor.cc (Tensor::FromProto).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType
from pbckpt.wire.span import Span, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator


class ConstantTensor(NamedTuple):
    """The value of a constant: type, shape, and where its elements come from.

    ``images`` are the elements' bytes as far as they are given; what is left up to
    ``nbytes`` is ``fill`` over and over. A string tensor has ``strings``
    instead, of which the last repeats.
    """

    dtype: DataType
    shape: tuple[int, ...]
    num_elements: int
    images: tuple[Span, ...] = ()
    fill: bytes = b""
    strings: tuple[bytes, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all elements; for strings, of their texts alone."""
        if self.dtype is DataType.STRING:
            missing = self.num_elements - len(self.strings)
            last = len(self.strings[-1]) if self.strings else 0
            return sum(map(len, self.strings)) + missing * last
        return self.num_elements * self.dtype.itemsize

    @property
    def expanded(self) -> int:
        """How many elements the file does not hold: repeated values and zeros."""
        if self.dtype is DataType.STRING:
            return self.num_elements - len(self.strings)
        return self.num_elements - sum(s.nbytes for s in self.images) // self.dtype.itemsize

    def spans(self) -> Iterator[Span]:
        """Yield the elements' bytes, C order, little-endian."""
        yield from self.images
        yield from repeated(self.fill, self.nbytes - sum(span.nbytes for span in self.images))

    def elements(self) -> list[bytes]:
        """Return the elements of a string tensor."""
        last = self.strings[-1] if self.strings else b""
        return [*self.strings, *[last] * (self.num_elements - len(self.strings))]
