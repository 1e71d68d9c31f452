"""Unpack: a checkpoint becomes an archive of arrays, .npz or .safetensors.

Object-based checkpoints give their variables by full name, or by path where
these are not unique; partitioned tensors are joined. A tensor's CRC is compared
when its last byte was taken, before the archive is put in place.
"""

from __future__ import annotations

import os
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from pbckpt.applications.edit import EditReport, report_of_plan
from pbckpt.archives.tensor import ArchivedTensor, fixed_size, of_strings
from pbckpt.bundle.payload import stored_chunks
from pbckpt.checkpoints.layout import Format, Layout
from pbckpt.checkpoints.source import Source, open_source
from pbckpt.checkpoints.write import Progress, no_progress
from pbckpt.dtypes import DataType
from pbckpt.edits.plan import NO_EDITS, Edits, plan_edits
from pbckpt.errors import PathError
from pbckpt.names import key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.single_file import SingleFile
from pbckpt.wire.span import Span, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pbckpt.edits.plan import Planned
    from pbckpt.edits.settings import Setting

_CHUNK_BYTES = 1 << 20
_BY_NAME = Layout(format=Format.NAME)


def unpack(  # noqa: PLR0913 - all but two have defaults
    prefix: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    edits: Edits = NO_EDITS,
    dry_run: bool = False,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    progress: Progress = no_progress,
) -> EditReport:
    """Write the tensors of the checkpoint ``prefix`` as the archive ``target``.

    Its ending says which kind it is. Raises SelectionError for types that it
    cannot hold, with all of them, and for edits that cannot be made; BundleError
    for what is wrong with the checkpoint, PathError and WriteError.
    """
    path = os.fsdecode(target)
    if not path.endswith((".npz", ".safetensors")):
        raise PathError(f"{path}: the archive's name ends with .npz or .safetensors")
    with open_source(prefix, _BY_NAME, join_slices=True) as source:
        plan = plan_edits(source.candidates, edits)
        report = report_of_plan(path, source, plan)
        told = _Told(progress, report.nbytes)
        tensors = [_archived(source, planned, told) for planned in plan.tensors]
        tensors += [_archived_setting(setting) for setting in plan.settings]
        write = _writer(path, tensors)
        if dry_run:
            return report
        with SingleFile(path, OnExisting(on_existing), Durability(durability)) as file:
            write(file)
            written = file.commit()
    return report._replace(files=(written,))


class _Told:
    """Tells a progress of the bytes that come by."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, nbytes: int) -> None:
        """Tell of some more bytes."""
        self._done += nbytes
        self._progress(self._done, self._total)


def _archived(source: Source, planned: Planned, told: _Told) -> ArchivedTensor:
    shape = source.candidates[planned.source].shape
    if planned.dtype is DataType.STRING:
        strings = partial(_strings, source, planned.source)
        return of_strings(planned.new, shape, strings, source.nbytes([planned.source]))

    nbytes = prod(shape) * planned.dtype.itemsize

    def spans() -> Iterator[Span]:
        tensor = source.planned_tensor(planned)
        buffer = memoryview(bytearray(max(1, min(nbytes, _CHUNK_BYTES))))
        for chunk in stored_chunks(tensor.payload, buffer):
            yield Span.of(chunk)
            told.add(len(chunk))

    return fixed_size(planned.new, planned.dtype, shape, spans)


def _strings(source: Source, place: int) -> Iterator[bytes]:
    yield from source.array(place).reshape(-1).tolist()


def _archived_setting(setting: Setting) -> ArchivedTensor:
    from pbckpt.arrays.cast import tensor_of_setting  # noqa: PLC0415 - numpy

    if setting.dtype is DataType.STRING:
        elements = [bytes(one) for one in setting.elements() if isinstance(one, bytes)]
        return of_strings(setting.name, setting.shape, lambda: iter(elements))
    payload = tensor_of_setting(key_to_bytes(setting.name), setting).payload
    chunk = b"".join(map(bytes, stored_chunks(payload, memoryview(bytearray(_CHUNK_BYTES)))))
    return fixed_size(setting.name, setting.dtype, setting.shape, lambda: iter([Span.of(chunk)]))


def _writer(path: str, tensors: list[ArchivedTensor]) -> Callable[[SingleFile], None]:
    """Decide what the archive holds, and return what writes it. Raises SelectionError."""
    if path.endswith(".npz"):
        from pbckpt.archives.npz import plan_npz  # noqa: PLC0415 - numpy

        return plan_npz(tensors).write
    from pbckpt.archives.safetensors import plan_safetensors  # noqa: PLC0415 - start-up time

    plan = plan_safetensors(tensors)

    def write(file: SingleFile) -> None:
        for chunk in chunks(plan.spans(), memoryview(bytearray(_CHUNK_BYTES))):
            file.write(chunk)

    return write
