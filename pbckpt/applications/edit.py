"""Edit: a checkpoint becomes another one, without its graph and without its arrays.

    open -> candidates -> plan (edits) -> items -> layout -> bundle -> storage

Tensors that keep their type are copied span by span, and checked on the way.
Shards and the order of the data stay as they are as long as no name, form or
number of shards changes; else they are those that a Saver would make of the
new names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.checkpoints.source import open_source
from pbckpt.checkpoints.write import Progress, no_progress, write_bundle
from pbckpt.edits.plan import NO_EDITS, Edits, plan_edits
from pbckpt.edits.renames import NameMap, parse_map
from pbckpt.errors import SelectionError
from pbckpt.names import Prefix
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.local import MappedFile

if TYPE_CHECKING:
    import os

    from pbckpt.checkpoints.layout import Layout
    from pbckpt.checkpoints.source import Source
    from pbckpt.dtypes import DataType
    from pbckpt.edits.plan import EditPlan


class EditedTensor(NamedTuple):
    """A tensor of the result. ``old`` is its name in the source, empty for one that was set."""

    old: str
    new: str
    dtype: DataType
    shape: tuple[int, ...]


class EditReport(NamedTuple):
    """What an edit wrote, or would write; ``dropped`` are names with the reasons."""

    prefix: str
    files: tuple[str, ...]
    nbytes: int
    tensors: tuple[EditedTensor, ...]
    dropped: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def edit(  # noqa: PLR0913 - all but two have defaults
    source: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    *,
    edits: Edits = NO_EDITS,
    layout: Layout | None = None,
    join_slices: bool = False,
    dry_run: bool = False,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    progress: Progress = no_progress,
) -> EditReport:
    """Write the checkpoint ``source``, edited, as the checkpoint ``prefix``.

    ``layout`` is that of the source unless it is given; ``join_slices`` stores
    partitioned tensors whole; ``dry_run`` writes nothing and reports what would
    be written. Raises SelectionError for edits that cannot be made, with all
    that is wrong, what is wrong with the source as BundleError, and PathError
    and WriteError as `save_checkpoint` does.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    with open_source(source, layout, join_slices=join_slices) as opened:
        plan = plan_edits(opened.candidates, edits)
        report = report_of_plan(target.path, opened, plan)
        arrangement = opened.arranged(plan)
        if dry_run:
            return report
        written = write_bundle(
            arrangement.shards,
            opened.nbytes(planned.source for planned in plan.tensors),
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            aliases=arrangement.aliases,
            progress=progress,
        )
    return report._replace(
        files=written.files,
        nbytes=written.nbytes,
        warnings=(*report.warnings, *written.warnings),
    )


def report_of_plan(path: str, source: Source, plan: EditPlan) -> EditReport:
    """Return what is to be written to ``path``, before any of it is."""
    shapes = [candidate.shape for candidate in source.candidates]
    tensors = [
        EditedTensor(planned.old, planned.new, planned.dtype, shapes[planned.source])
        for planned in plan.tensors
    ]
    tensors += [EditedTensor("", one.name, one.dtype, one.shape) for one in plan.settings]
    dropped = [(source.candidates[place].names[0], why) for place, why in plan.dropped]
    return EditReport(
        path,
        (),
        source.nbytes(planned.source for planned in plan.tensors),
        tuple(tensors),
        tuple(dropped),
        source.warnings,
    )


def read_map(path: str | os.PathLike[str]) -> NameMap:
    """Read a file of old and new names: a JSON object, or two columns of CSV or TSV.

    Raises SelectionError for one that is neither, and PathError or OSError where
    it cannot be read.
    """
    with MappedFile(path) as file:
        data = bytes(file.view)
        try:
            return parse_map(data.decode(), file.name)
        except UnicodeDecodeError as error:
            raise SelectionError(
                f"{file.name}: not UTF-8 at byte {error.start}; save it as UTF-8"
            ) from None
