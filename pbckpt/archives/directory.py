"""A folder of .npy files: each one is a tensor, named by its path.

    weights/dense/kernel.npy    dense/kernel
    weights/dense/bias.npy      dense/bias

Paths are relative, with slashes on every system. A file is open only while it
is read, so that a folder may have more files than a process.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pbckpt.archives.names import NameRule
from pbckpt.archives.npy import Npy, read_npy, tensor_of_npy
from pbckpt.archives.tensor import ArchivedTensor, Contents, Refused, contents_of
from pbckpt.errors import CorruptFileError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from pbckpt.archives.npy_header import NpyHeader
    from pbckpt.wire.span import ByteSource, Span

    OpenFile = Callable[[str], AbstractContextManager[ByteSource]]

SUFFIX = ".npy"


def name_of_path(path: str) -> str:
    """Return the name of the tensor in the file ``path``, which ends with .npy."""
    return NameRule.DIRECTORY.unescape(path.removesuffix(SUFFIX))


def path_of_name(name: str) -> str:
    """Return the path of the file for the tensor ``name``; it never leaves the folder.

    A name that ends a folder's with .npy can be in the way of another's file,
    and a system may refuse long names: that is found out by making the file.
    """
    return NameRule.DIRECTORY.escape(name) + SUFFIX


def read_directory(paths: Iterable[str], open_file: OpenFile) -> Contents:
    """Return the tensors of those files; other files than .npy are passed over.

    ``open_file(path)`` opens one of them for reading. Raises CorruptFileError
    or LimitError that names the file.
    """
    arrays = (path for path in paths if path.endswith(SUFFIX))
    return contents_of(_item(path, open_file) for path in arrays)


def _item(path: str, open_file: OpenFile) -> ArchivedTensor | Refused:
    with open_file(path) as source:
        npy = read_npy(source)
    body = partial(_body, path, open_file, npy.header)
    return tensor_of_npy(name_of_path(path), Npy(npy.header, body, npy.file))


def _body(path: str, open_file: OpenFile, header: NpyHeader) -> Iterator[Span]:
    """Open the file again; it must be what it was."""
    with open_file(path) as source:
        try:
            again = read_npy(source)
        except LimitError:
            again = None
        if again is None or again.header != header:
            raise CorruptFileError(
                "the file was changed while it was read; run again when it is complete",
                file=source.name,
            )
        yield from again.body()
