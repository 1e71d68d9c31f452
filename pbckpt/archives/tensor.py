"""Tensors of an archive: what every kind of archive lists, and what a writer takes.

A tensor of an archive is a name, a type, a shape, and a way to its elements:

    fixed-size types   spans(): all elements, little-endian, in C order
    string             strings(): the bytes of each element, in C order

Both can be called as often as wanted, and read when they are iterated, not
before. What an archive holds and a checkpoint cannot is listed beside the
tensors: it is an error only for those who want it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, UnsupportedBundleError
from pbckpt.shapes import MAX_ELEMENTS, count_elements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pbckpt.wire.span import Span


class ArchivedTensor(NamedTuple):
    """One tensor of an archive; ``name`` is the key's text, escapes undone.

    ``nbytes`` is what the spans add up to. Of strings it is what they take in
    the archive, where that is known.
    """

    name: str
    dtype: DataType
    shape: tuple[int, ...]
    nbytes: int
    spans: Callable[[], Iterator[Span]]
    strings: Callable[[], Iterator[bytes]]


class Refused(NamedTuple):
    """Something in an archive that no checkpoint can hold, and why."""

    name: str
    reason: str


class Contents(NamedTuple):
    """All that an archive lists, in its order."""

    tensors: tuple[ArchivedTensor, ...]
    refused: tuple[Refused, ...]
    metadata: Mapping[str, str]
    """Texts that came with the tensors; only .safetensors has them."""


def contents_of(
    items: Iterable[ArchivedTensor | Refused], metadata: Mapping[str, str] | None = None
) -> Contents:
    """Sort what an archive lists into tensors and the rest."""
    tensors: list[ArchivedTensor] = []
    refused: list[Refused] = []
    for item in items:
        if isinstance(item, Refused):
            refused.append(item)
        elif not item.name:
            refused.append(Refused("", "its name is empty, and a key is not"))
        else:
            tensors.append(item)
    return Contents(tuple(tensors), tuple(refused), metadata or {})


def raise_refused(refused: Iterable[Refused], archive: str) -> None:
    """Raise UnsupportedBundleError if there is anything in ``refused``; it lists all."""
    listed = "; ".join(f"{name!r}: {reason}" for name, reason in refused)
    if listed:
        msg = (
            f"{archive}: not everything in it can be in a checkpoint: {listed}; "
            "leave these out with --exclude"
        )
        raise UnsupportedBundleError(msg)


def fixed_size(
    name: str, dtype: DataType, shape: tuple[int, ...], spans: Callable[[], Iterator[Span]]
) -> ArchivedTensor:
    """Return a tensor of a type whose elements are all of one size."""
    nbytes = (count_elements(shape) or 0) * dtype.itemsize
    return ArchivedTensor(name, dtype, shape, nbytes, spans, _no_strings)


def of_strings(
    name: str, shape: tuple[int, ...], strings: Callable[[], Iterator[bytes]], nbytes: int = 0
) -> ArchivedTensor:
    """Return a tensor of strings."""
    return ArchivedTensor(name, DataType.STRING, shape, nbytes, _no_spans, strings)


def _no_strings() -> Iterator[bytes]:
    raise TypeError("only a string tensor has strings")


def _no_spans() -> Iterator[Span]:
    raise TypeError("a string tensor has no spans")


def checked_spans(tensor: ArchivedTensor) -> Iterator[Span]:
    """Yield the tensor's spans, which must be as many bytes as it says.

    A writer has said how many come, so anything else would spoil the archive.
    """
    left = tensor.nbytes
    for span in tensor.spans():
        left -= span.nbytes
        if left < 0:
            break
        yield span
    if left:
        raise CorruptFileError(
            f"tensor {tensor.name!r} has another number of bytes than it said",
            expected=str(tensor.nbytes),
            actual="more" if left < 0 else str(tensor.nbytes - left),
        )


def is_shape_of_tensor(shape: tuple[int, ...]) -> bool:
    """Tell whether a checkpoint can hold that shape: each size counts, beside zeros too."""
    return count_elements(shape) is not None and all(size <= MAX_ELEMENTS for size in shape)
