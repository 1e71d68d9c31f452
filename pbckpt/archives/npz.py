"""The .npz file: a zip whose members are .npy streams, one for each array.

    local header | one .npy, as it is or deflated    for each member
    central directory                                names, sizes, CRC-32s, places
    end of central directory                         with zip64 where needed

Members are read from their start to their end each time they are asked for, in
parts, and the CRC-32 is checked with the last part. What is written has no
times and no modes of the machine: the same tensors give the same bytes, and
stored ones those of numpy.savez.

The trap is what a small zip may ask for: a deflated member grows up to a
thousandfold. Sizes are compared with shapes before anything is read; what is
read in parts needs no bound, and what must be held whole has one.

Reference: PKWARE's APPNOTE, numpy.savez. Pure: the caller has the files.
"""

from __future__ import annotations

import contextlib
import struct
from enum import Enum
from functools import partial
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol, cast

from pbckpt.archives.names import NameRule
from pbckpt.archives.npy import CHUNK_BYTES, Npy, check_size, is_held_whole, tensor_of_npy
from pbckpt.archives.npy_header import DTYPES, encode_npy_header, read_npy_header
from pbckpt.archives.source_file import SourceFile
from pbckpt.archives.tensor import (
    ArchivedTensor,
    Contents,
    Refused,
    checked_spans,
    contents_of,
)
from pbckpt.dtypes import DataType
from pbckpt.errors import CorruptFileError, LimitError, PbckptError, SelectionError
from pbckpt.shapes import count_elements
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Iterator, Sequence

    from pbckpt.wire.span import ByteSource

SUFFIX = ".npy"
# What a deflated member may grow to where it has to be in memory at once.
MAX_WHOLE_BYTES = 1 << 30
# What Python needs for a string beside its bytes.
_STRING_OVERHEAD = 64
_STORED, _DEFLATED = 0, 8
_ENCRYPTED_OR_PATCHED = 0x1 | 0x20 | 0x40
# The end of the central directory; of its fields only how many members there are.
_END_MAGIC, _END = b"PK\5\6", struct.Struct("<10xH10x")
_END64_MAGIC, _END64 = b"PK\6\6", struct.Struct("<32xQ16x")
_END64_AND_LOCATOR = _END64.size + 20
_IN_ZIP64 = 0xFFFF
# With the longest comment.
_MAX_TAIL = _END64_AND_LOCATOR + _END.size + 0xFFFF
_MAX_MEMBER_NAME = 0xFFFF
# numpy 2 has as many; numpy 1 has 32.
_MAX_NUMPY_RANK = 64
# Strings are padded to the longest: one long one among many must not fill the disk.
_MAX_PADDING = 1 << 30


class Compression(Enum):
    """How the members of a zip are stored."""

    STORED = _STORED
    DEFLATED = _DEFLATED


def read_npz(source: ByteSource) -> Contents:
    """Return what a zip lists, in the order of its directory.

    Folders are passed over; other members that are no arrays are refused.
    Raises CorruptFileError or LimitError that names the source.
    """
    import zipfile  # noqa: PLC0415 - only for zips

    with _zip_errors(source.name):
        archive = zipfile.ZipFile(SourceFile(source))
        members = archive.infolist()
        _check_count(len(members), source)
    _check_members(members, source)
    return contents_of(
        _item(archive, info, source.name)
        for info in members
        if not info.orig_filename.endswith("/")
    )


def _check_members(members: Iterable[zipfile.ZipInfo], source: ByteSource) -> None:
    seen: set[str] = set()
    nbytes = 0
    for info in members:
        name = info.orig_filename
        if name in seen or "\0" in name:
            fact = f"two members named {name!r}" if name in seen else f"a NUL in the name {name!r}"
            raise CorruptFileError(fact, file=source.name, offset=info.header_offset)
        seen.add(name)
        nbytes += info.compress_size
    if nbytes > len(source.view):
        raise CorruptFileError(
            "members that overlap",
            file=source.name,
            expected=f"at most {len(source.view)} bytes",
            actual=f"{nbytes} bytes",
        )


def _check_count(found: int, source: ByteSource) -> None:
    """Compare how many members were found with how many the end of the zip counts.

    zipfile does not: a directory whose lengths are damaged may lose some.
    """
    tail_bytes = min(_MAX_TAIL, len(source.view))
    start = len(source.view) - tail_bytes
    tail = bytes(source.chunk(start, tail_bytes, memoryview(bytearray(tail_bytes))))
    plain = tail_bytes - _END.size
    end = plain if tail.startswith(_END_MAGIC, plain) else tail.rfind(_END_MAGIC)
    (listed,) = _END.unpack_from(tail, end)
    end64 = end - _END64_AND_LOCATOR
    if listed == _IN_ZIP64 and end64 >= 0 and tail.startswith(_END64_MAGIC, end64):
        (listed,) = _END64.unpack_from(tail, end64)
    if found != listed:
        raise CorruptFileError(
            "a zip whose directory is damaged",
            offset=start + end,
            expected=f"{listed} members",
            actual=str(found),
        ).in_file(source.name)


@contextlib.contextmanager
def _zip_errors(file: str) -> Iterator[None]:
    """Turn what zipfile and zlib raise for damaged files into CorruptFileError."""
    import zipfile  # noqa: PLC0415 - only for zips
    import zlib  # noqa: PLC0415

    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        ValueError,
        OverflowError,
        LookupError,
        NotImplementedError,
    ) as error:
        if isinstance(error, PbckptError):
            raise
        fact = f"no zip, or a damaged one: {error}".rstrip(": ")
        raise CorruptFileError(fact, file=file, advice="copy the file again") from None


def _item(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: str) -> ArchivedTensor | Refused:
    name = info.orig_filename
    if not name.endswith(SUFFIX):
        return Refused(name, "it is not called .npy, so it is no array")
    name = NameRule.NPZ.unescape(name.removesuffix(SUFFIX))
    if info.flag_bits & _ENCRYPTED_OR_PATCHED:
        return Refused(name, "it is encrypted or a patch")
    if info.compress_type not in (_STORED, _DEFLATED):
        return Refused(name, f"it is compressed by method {info.compress_type}, not deflated")
    where = f"{file}: {info.orig_filename}"
    with _zip_errors(where), archive.open(info) as stream:
        try:
            header = read_npy_header(stream.read)
            check_size(header, info.file_size)
        except CorruptFileError as error:
            raise error.in_file(where) from None
    npy = Npy(header, partial(_body, archive, info, header.nbytes, where), where)
    tensor = tensor_of_npy(name, npy)
    if isinstance(tensor, ArchivedTensor):
        _check_expansion(tensor, npy, info)
    return tensor


def _check_expansion(tensor: ArchivedTensor, npy: Npy, info: zipfile.ZipInfo) -> None:
    """Refuse a small member that needs much memory: what is held whole, and strings."""
    needed = tensor.nbytes if is_held_whole(npy.header) else 0
    if tensor.dtype is DataType.STRING:
        needed += tensor.nbytes + (count_elements(tensor.shape) or 0) * _STRING_OVERHEAD
    if info.compress_type == _DEFLATED and needed > max(MAX_WHOLE_BYTES, info.compress_size):
        raise LimitError(
            f"{npy.file}: the memory that reading takes",
            limit="MAX_WHOLE_BYTES",
            value=needed,
            maximum=MAX_WHOLE_BYTES,
            advice="store it without compression, and numbers in C order",
        )


def _body(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, header_bytes: int, where: str
) -> Iterator[Span]:
    """Yield a member's bytes after its header; zipfile checks the CRC-32 with the last."""
    left = info.file_size - header_bytes
    with contextlib.ExitStack() as stack:
        with _zip_errors(where):
            stream = stack.enter_context(archive.open(info))
            stream.read(header_bytes)
        while left:
            part = _next_part(stream, min(CHUNK_BYTES, left), where)
            if len(part) != min(CHUNK_BYTES, left):
                raise CorruptFileError("a member of another size than listed", file=where)
            left -= len(part)
            yield Span.of(part)


def _next_part(stream: IO[bytes], nbytes: int, where: str) -> bytes:
    with _zip_errors(where):
        return stream.read(nbytes)


class SeekableSink(Protocol):
    """What a zip is written to: it goes back to tell a member's size and CRC-32."""

    def write(self, data: bytes, /) -> int:
        """Write all of ``data``, which may also be a view, and return its size."""

    def tell(self) -> int:
        """Return the place of the next byte."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Go to a place."""

    def flush(self) -> None:
        """Do nothing, where nothing is kept back."""


class _Member(NamedTuple):
    """A member to be written: its name, its .npy header, how wide its strings are."""

    tensor: ArchivedTensor
    name: str
    head: bytes
    width: int


class NpzPlan(NamedTuple):
    """A zip to be written: its members in their order."""

    members: tuple[_Member, ...]

    def write(self, file: SeekableSink, compression: Compression = Compression.STORED) -> None:
        """Write the zip to an empty, seekable file. A tensor is read when its turn comes."""
        import zipfile  # noqa: PLC0415 - only for zips

        with zipfile.ZipFile(cast("IO[bytes]", file), "w") as archive:
            for member in self.members:
                info = zipfile.ZipInfo()
                # Not as an argument: on Windows that would turn backslashes round.
                info.filename = info.orig_filename = member.name
                info.create_system = 3
                info.external_attr = 0o600 << 16
                info.compress_type = compression.value
                # Readers of zip64 are everywhere, and numpy.savez always writes it.
                with archive.open(info, "w", force_zip64=True) as stream:
                    stream.write(member.head)
                    for data in _stored_form(member):
                        stream.write(data)


def _stored_form(member: _Member) -> Iterator[memoryview | bytes]:
    """Yield the elements as they are stored; their number and size were told before."""
    if member.tensor.dtype is DataType.STRING:
        yield from _padded(member)
    else:
        buffer = memoryview(bytearray(min(CHUNK_BYTES, max(1, member.tensor.nbytes))))
        yield from chunks(checked_spans(member.tensor), buffer)


def _padded(member: _Member) -> Iterator[bytes]:
    left = count_elements(member.tensor.shape) or 0
    for element in member.tensor.strings():
        left -= 1
        if left < 0 or len(element) > member.width:
            break
        yield element.ljust(member.width, b"\0")
    else:
        if left == 0:
            return
    raise CorruptFileError(f"the strings of {member.tensor.name!r} are not those planned with")


def plan_npz(tensors: Sequence[ArchivedTensor]) -> NpzPlan:
    """Decide on the members of a zip of those tensors, whose names differ.

    String tensors are read for their longest element. Raises SelectionError
    that lists every tensor that .npy cannot hold.
    """
    planned = [_plan(tensor) for tensor in tensors]
    unfit = [reason for reason in planned if isinstance(reason, str)]
    if unfit:
        msg = (
            f".npz cannot hold {'; '.join(unfit)}; give them another "
            "type with --cast, or leave them out with --exclude (.safetensors holds more types)"
        )
        raise SelectionError(msg)
    return NpzPlan(tuple(member for member in planned if isinstance(member, _Member)))


def _plan(tensor: ArchivedTensor) -> _Member | str:
    """Return how a tensor is written, or why it cannot be."""
    name = NameRule.NPZ.escape(tensor.name) + SUFFIX
    if len(name.encode()) > _MAX_MEMBER_NAME:
        return f"{tensor.name[:64]!r}… (a name of {len(name.encode())} bytes)"
    if len(tensor.shape) > _MAX_NUMPY_RANK:
        return f"{tensor.name!r} ({len(tensor.shape)} dimensions)"
    if tensor.dtype is DataType.STRING:
        return _plan_strings(tensor, name)
    if tensor.dtype not in DTYPES:
        return f"{tensor.name!r} ({tensor.dtype.label})"
    return _Member(tensor, name, encode_npy_header(tensor.dtype, tensor.shape), 0)


def _plan_strings(tensor: ArchivedTensor, name: str) -> _Member | str:
    width = count = 0
    for element in tensor.strings():
        if element.endswith(b"\0"):
            return f"{tensor.name!r} (a string that ends with a NUL, which numpy drops)"
        width = max(width, len(element))
        count += 1
    if width * count > _MAX_PADDING:
        return f"{tensor.name!r} ({count} strings that would all be stored as {width} bytes)"
    width = max(1, width)
    return _Member(tensor, name, encode_npy_header(tensor.dtype, tensor.shape, width), width)
