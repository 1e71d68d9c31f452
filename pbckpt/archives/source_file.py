"""A source of bytes as the binary file that the standard library reads zips from."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbckpt.wire.span import ByteSource


class SourceFile(io.RawIOBase):
    """A seekable file object over a source; closing it leaves the source open.

    Bytes come through `ByteSource.chunk`, so that a file that became shorter is
    the error that it is everywhere.
    """

    def __init__(self, source: ByteSource) -> None:
        """Stand at the start of the source."""
        self._source = source
        self._size = len(source.view)
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place. One before the start is the error that files have for it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            msg = f"no place {base + offset}"
            raise ValueError(msg) if whence == os.SEEK_SET else OSError(errno.EINVAL, msg)
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return as many bytes as asked for, or as there are; all at once."""
        left = max(0, self._size - self._position)
        buffer = bytearray(left if size < 0 else min(size, left))
        chunk = self._source.chunk(self._position, len(buffer), memoryview(buffer))
        self._position += len(buffer)
        return bytes(chunk)
