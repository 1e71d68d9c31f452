"""Convert: a frozen graph becomes a checkpoint.

    file -> graph -> variables -> plan -> bundle -> storage

The rooms do the work; this joins them. A weight's bytes stay a span of the
input until they are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.frozen_graph import FrozenGraph, detect_variables, open_graph
from pbckpt.applications.write import Progress, no_progress, write_bundle
from pbckpt.bundle.payload import Payload, Tensor, string_payload
from pbckpt.dtypes import DataType
from pbckpt.edits.selection import Selection
from pbckpt.errors import LimitError, PathError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import STATE_FILE, Prefix, key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.variables.select import plan_selection

if TYPE_CHECKING:
    import os

    from pbckpt.storage.local import MappedFile
    from pbckpt.variables.detect import Detection, Skipped, Variable

DEFAULT_SELECTION = Selection()
# What a string costs beside its text, in bytes: its length is held in memory
# twice, as it is stored and as it is checksummed.
_STRING_COST = 64


class Report(NamedTuple):
    """What a conversion did.

    ``files`` are the paths written, ``nbytes`` the size of the tensors' data.
    The variables' spans are of the input, which is closed: read values from the
    checkpoint.
    """

    prefix: str
    files: tuple[str, ...]
    nbytes: int
    variables: tuple[Variable, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...]


def convert(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    *,
    selection: Selection = DEFAULT_SELECTION,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = no_progress,
) -> Report:
    """Write the variables of the frozen graph in ``source`` as the checkpoint ``prefix``.

    Raises GraphError for what is wrong with the graph, SelectionError where
    nothing fits the selection, PathError for a prefix that must not be used,
    LimitError beyond ``limits``, CorruptFileError for an input that changes
    meanwhile, WriteError where writing failed; what was at the prefix before is
    then still there.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    with open_graph(source, limits=limits) as graph:
        _refuse_own_input(graph.file, target)
        plan = plan_variables(graph, selection, limits)
        tensors = [tensor_of(variable) for variable in plan.variables]
        nbytes = sum(variable.nbytes for variable in plan.variables)
        committed = write_bundle(
            [tensors],
            nbytes,
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            progress=progress,
            before_commit=graph.file.check_unchanged,
        )
    return Report(
        target.path,
        committed.files,
        committed.nbytes,
        plan.variables,
        plan.skipped,
        _warnings(plan, committed.warnings),
    )


def plan_variables(graph: FrozenGraph, selection: Selection, limits: Limits) -> Detection:
    """Return which constants of an open graph become variables, and which do not.

    Raises SelectionError, and LimitError where they would grow beyond ``limits``.
    """
    plan = plan_selection(detect_variables(graph), selection)
    _check_expansion(plan, limits)
    return plan


def tensor_of(variable: Variable) -> Tensor:
    """Return the variable as a tensor to be written."""
    key = key_to_bytes(variable.key)
    if variable.dtype is DataType.STRING:
        strings = variable.tensor.strings
        payload = string_payload(strings, variable.tensor.num_elements - len(strings))
    else:
        payload = Payload(variable.tensor.spans())
    return Tensor(key, variable.dtype, variable.shape, payload)


def _refuse_own_input(file: MappedFile, target: Prefix) -> None:
    state = Prefix(target.directory, STATE_FILE).path
    for path in (target.index_path(), target.shard_path(0, 1), state):
        if file.is_same_file(path):
            msg = f"{path} is the input itself and would be overwritten; choose another prefix"
            raise PathError(msg)


def _check_expansion(plan: Detection, limits: Limits) -> None:
    """Refuse a few bytes of input that would become a disk full of repeated values."""
    total = 0
    for variable in plan.variables:
        tensor = variable.tensor
        if tensor.dtype is DataType.STRING:
            last = len(tensor.strings[-1]) if tensor.strings else 0
            total += tensor.expanded * (_STRING_COST + last)
        else:
            total += tensor.expanded * tensor.dtype.itemsize
    if total > limits.max_expanded_bytes:
        raise LimitError(
            "the bytes of repeated values and zeros that the graph does not hold itself",
            limit="max_expanded_bytes",
            value=total,
            maximum=limits.max_expanded_bytes,
            advice="raise it with --max-expanded-bytes, or leave such variables out with --exclude",
        )


def _warnings(plan: Detection, from_writing: tuple[str, ...]) -> tuple[str, ...]:
    frozen = [v.key for v in plan.variables if v.rule == "resource_capture"]
    if not frozen:
        return from_writing
    note = (
        f"{len(frozen)} variables have the names of the places that read them, such as "
        f"{frozen[0]!r}: TensorFlow 2 freezes their own names away"
    )
    return (*from_writing, note)
