"""The elements of a .npy stream, made into what a checkpoint holds.

    in the file                       read as
    C order, little-endian            the bytes that are there
    big-endian                        turned round, a part at a time
    Fortran order                     transposed: the one form that is held whole
    S, U: fixed width, NUL-padded     strings: bytes, or UTF-8 of the text

Where the bytes come from does not matter here: a body gives them in order, as
often as asked. So one member of a zip, which can only be read from its start,
and a file are the same.

The trap is padding: numpy cannot tell the NULs at the end of a string from it,
so they are not read, and a string that ends with one is not written.

Reference: numpy.lib.format. numpy is imported for arrays in another order only.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pbckpt.archives.npy_header import Element, NpyHeader, Text, Unfit, read_npy_header
from pbckpt.archives.source_file import SourceFile
from pbckpt.archives.tensor import (
    ArchivedTensor,
    Refused,
    fixed_size,
    is_shape_of_tensor,
    of_strings,
)
from pbckpt.errors import CorruptFileError, SelectionError, UnsupportedBundleError
from pbckpt.names import key_to_bytes
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from pbckpt.wire.span import ByteSource

CHUNK_BYTES = 1 << 20
_MAX_NUMPY_RANK = 32


class Body(Protocol):
    """Gives all bytes after the header in order, as often as it is called."""

    def __call__(self) -> Iterator[Span]:
        """Yield the bytes; each span is valid until the next one is asked for."""


class Npy(NamedTuple):
    """A .npy stream: its decoded header and its body, of ``file`` for messages."""

    header: NpyHeader
    body: Body
    file: str


def read_npy(source: ByteSource) -> Npy:
    """Return the array that is all of ``source``. Raises CorruptFileError, LimitError."""
    try:
        header = read_npy_header(SourceFile(source).read)
        check_size(header, len(source.view))
    except CorruptFileError as error:
        raise error.in_file(source.name) from None
    span = Span(source, header.nbytes, len(source.view) - header.nbytes)
    return Npy(header, partial(_one, span), source.name)


def _one(span: Span) -> Iterator[Span]:
    yield span


def check_size(header: NpyHeader, nbytes: int) -> None:
    """Compare the size of a whole stream with what its header promises."""
    if isinstance(header.element, Unfit) or not is_shape_of_tensor(header.shape):
        return
    expected = header.nbytes + prod(header.shape) * header.element.nbytes
    if expected != nbytes:
        raise CorruptFileError(
            "a .npy array of another size than its header says; it is cut short or has a tail",
            offset=header.nbytes,
            expected=f"{expected} bytes",
            actual=f"{nbytes} bytes",
        )


def tensor_of_npy(name: str, npy: Npy) -> ArchivedTensor | Refused:
    """Return the stream as the tensor ``name``."""
    element, shape = npy.header.element, npy.header.shape
    if isinstance(element, Unfit):
        return Refused(name, element.reason)
    if not is_shape_of_tensor(shape):
        return Refused(name, f"TensorFlow has no shape {list(shape)}")
    if element.text is Text.NONE:
        return fixed_size(name, element.dtype, shape, partial(_spans, npy, element))
    nbytes = prod(shape) * element.nbytes
    return of_strings(name, shape, partial(_strings, npy, element), nbytes)


def is_held_whole(header: NpyHeader) -> bool:
    """Tell whether reading needs all bytes of the array at once."""
    # With one axis there is one order.
    return header.is_fortran_order and sum(size > 1 for size in header.shape) > 1


def _spans(npy: Npy, element: Element) -> Iterator[Span]:
    return _little_endian(npy, element) if element.is_big_endian else _in_c_order(npy, element)


def _strings(npy: Npy, element: Element) -> Iterator[bytes]:
    for group in _groups(npy, element):
        for start in range(0, len(group), element.nbytes):
            padded = bytes(group[start : start + element.nbytes])
            yield _string(padded, element.text, npy.file)


def _string(padded: bytes, text: Text, file: str) -> bytes:
    if text is Text.BYTES:
        return padded.rstrip(b"\0")
    try:
        return key_to_bytes(padded.decode(text.value, "surrogatepass").rstrip("\0"))
    except (UnicodeDecodeError, SelectionError):
        raise CorruptFileError(f"a string that is no text: {padded[:64]!r}", file=file) from None


def _groups(npy: Npy, element: Element) -> Iterator[memoryview]:
    """Yield the array in C order in pieces of whole elements."""
    whole = prod(npy.header.shape) * element.nbytes
    unit = max(element.nbytes, CHUNK_BYTES // element.nbytes * element.nbytes)
    buffer = memoryview(bytearray(min(unit, whole)))
    filled = 0
    for span in _in_c_order(npy, element):
        start = 0
        while start < span.nbytes:
            taken = min(len(buffer) - filled, span.nbytes - start)
            room = buffer[filled : filled + taken]
            chunk = span.chunk(start, taken, room)
            if chunk.obj is not buffer.obj:
                room[:] = chunk
            start += taken
            filled += taken
            if filled == len(buffer):
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]


def _little_endian(npy: Npy, element: Element) -> Iterator[Span]:
    import numpy as np  # noqa: PLC0415 - only for arrays of other machines

    # Both halves of a complex number are turned by themselves.
    is_complex = element.dtype.label.startswith("complex")
    unit = element.nbytes // 2 if is_complex else element.nbytes
    for group in _groups(npy, element):
        turned = np.frombuffer(group, dtype=f">u{unit}").astype(f"<u{unit}")
        yield Span.of(_bytes_of(turned))


def _bytes_of(array: npt.NDArray[np.generic]) -> memoryview:
    return array.reshape(-1).view("u1").data


def _in_c_order(npy: Npy, element: Element) -> Iterator[Span]:
    return _transposed(npy, element.nbytes) if is_held_whole(npy.header) else npy.body()


def _transposed(npy: Npy, itemsize: int) -> Iterator[Span]:
    """Yield an array in Fortran order in C order, some rows at a time."""
    import numpy as np  # noqa: PLC0415 - only for arrays in another order

    # Axes of one element make no difference, and numpy has few.
    shape = [size for size in npy.header.shape if size > 1]
    if len(shape) > _MAX_NUMPY_RANK:
        raise UnsupportedBundleError(f"{npy.file}: numpy transposes no {len(shape)} dimensions")
    if 0 in npy.header.shape:
        return
    elements = np.frombuffer(_load(npy.body), dtype=f"V{itemsize}")
    array = elements.reshape(shape, order="F")
    rows = max(1, CHUNK_BYTES * shape[0] // (elements.size * itemsize))
    for row in range(0, shape[0], rows):
        yield Span.of(_bytes_of(np.ascontiguousarray(array[row : row + rows])))


def _load(body: Body) -> bytearray:
    """Return all bytes; memory grows as they come, not by what a header says."""
    data = bytearray()
    buffer = memoryview(bytearray(CHUNK_BYTES))
    for chunk in chunks(body(), buffer):
        data += chunk
    return data
