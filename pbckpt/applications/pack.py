"""Pack: an archive of arrays becomes a checkpoint.

    X.npz  X.safetensors  a folder of .npy files

Elements go from the archive to the data file as a stream. The names are those
of the archive; edits rename them, since few programs call a weight the same.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pbckpt.applications.edit import EditedTensor, EditReport
from pbckpt.archives.tensor import raise_refused
from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.checkpoints.layout import Item, Layout, arrange
from pbckpt.checkpoints.settings import item_of_setting
from pbckpt.checkpoints.write import Progress, no_progress, write_bundle
from pbckpt.dtypes import DataType
from pbckpt.edits.candidate import Candidate
from pbckpt.edits.patterns import parse_pattern
from pbckpt.edits.plan import NO_EDITS, Edits, plan_edits
from pbckpt.errors import PathError
from pbckpt.names import Prefix, key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.local import MappedFile
from pbckpt.storage.tree import files_under

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.archives.tensor import ArchivedTensor, Contents, Refused
    from pbckpt.edits.plan import EditPlan, Planned

DEFAULT_LAYOUT = Layout()
_ZIP = b"PK"


def pack(  # noqa: PLR0913 - all but two have defaults
    source: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    *,
    edits: Edits = NO_EDITS,
    layout: Layout = DEFAULT_LAYOUT,
    dry_run: bool = False,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    progress: Progress = no_progress,
) -> EditReport:
    """Write the arrays of ``source`` as the checkpoint ``prefix``.

    Raises PathError for a file that is no such archive, CorruptFileError and
    LimitError for one that is damaged, UnsupportedBundleError for arrays that no
    checkpoint can hold, SelectionError for edits that cannot be made, PathError
    and WriteError as `save_checkpoint` does.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    with ExitStack() as files:
        contents = _read(os.fsdecode(source), files)
        tensors, refused = contents.tensors, _named(contents, edits, os.fsdecode(source))
        plan = plan_edits(_candidates(tensors, refused), edits)
        taken = [planned.source - len(tensors) for planned in plan.tensors]
        raise_refused((refused[at] for at in taken if at >= 0), os.fsdecode(source))
        items = [_item(tensors[planned.source], planned) for planned in plan.tensors]
        arrangement = arrange([*items, *map(item_of_setting, plan.settings)], layout)
        names = [*(one.name for one in tensors), *(one.name for one in refused)]
        report = _report(target, tensors, names, plan)
        if dry_run:
            return report
        written = write_bundle(
            arrangement.shards,
            report.nbytes,
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            aliases=arrangement.aliases,
            progress=progress,
        )
    return report._replace(files=written.files, nbytes=written.nbytes, warnings=written.warnings)


def _read(path: str, files: ExitStack) -> Contents:
    """Return what an archive lists; its file is open as long as ``files`` is."""
    if os.path.isdir(path):
        from pbckpt.archives.directory import read_directory  # noqa: PLC0415 - numpy

        found = read_directory(
            files_under(path), lambda inside: MappedFile(os.path.join(path, inside))
        )
        if not found.tensors and not found.refused:
            raise PathError(f"{path}: no .npy file in it or below; give the folder of the arrays")
        return found
    file = files.enter_context(MappedFile(path))
    if path.endswith(".safetensors"):
        from pbckpt.archives.safetensors import read_safetensors  # noqa: PLC0415 - start-up time

        return read_safetensors(file)
    if path.endswith(".npz") or bytes(file.view[: len(_ZIP)]) == _ZIP:
        from pbckpt.archives.npz import read_npz  # noqa: PLC0415 - numpy

        return read_npz(file)
    raise PathError(f"{path}: give a .npz or .safetensors file, or a folder of .npy files")


def _named(contents: Contents, edits: Edits, path: str) -> list[Refused]:
    """Return what no checkpoint can hold, but for what has no name: no edit can be about that.

    Raises UnsupportedBundleError for these, unless only others are to be taken.
    """
    include = [parse_pattern(text) for text in edits.selection.include]
    if not include or any(pattern.matches("") for pattern in include):
        raise_refused((one for one in contents.refused if not one.name), path)
    return [one for one in contents.refused if one.name]


def _candidates(tensors: Sequence[ArchivedTensor], refused: Sequence[Refused]) -> list[Candidate]:
    """Return what may be taken; what no checkpoint can hold comes last, to be left out."""
    return [
        *(Candidate((one.name,), one.dtype, one.shape) for one in tensors),
        *(Candidate((one.name,), DataType.VARIANT, ()) for one in refused),
    ]


def _item(tensor: ArchivedTensor, planned: Planned) -> Item:
    key = key_to_bytes(planned.new)

    def tensors() -> Iterator[Tensor]:
        payload: Payload
        if tensor.dtype is DataType.STRING:
            payload = string_payload(list(tensor.strings()))
        else:
            payload = Payload(tensor.spans())
        stored = Tensor(key, tensor.dtype, tensor.shape, payload)
        if planned.dtype is not tensor.dtype:
            from pbckpt.arrays.cast import cast_tensor  # noqa: PLC0415 - numpy

            stored = cast_tensor(stored, planned.dtype)
        yield stored

    return Item(key, tensor.nbytes, tensors, key)


def _report(
    target: Prefix, tensors: Sequence[ArchivedTensor], names: Sequence[str], plan: EditPlan
) -> EditReport:
    edited = [
        EditedTensor(planned.old, planned.new, planned.dtype, tensors[planned.source].shape)
        for planned in plan.tensors
    ]
    edited += [EditedTensor("", one.name, one.dtype, one.shape) for one in plan.settings]
    nbytes = sum(tensors[planned.source].nbytes for planned in plan.tensors)
    dropped = tuple((names[place], why) for place, why in plan.dropped)
    return EditReport(target.path, (), nbytes, tuple(edited), dropped, ())
