"""Freeze: a graph with variables and their checkpoint become one frozen graph.

    .meta, SavedModel or GraphDef --+
                                    +--> one GraphDef, its variables constants
    checkpoint ---------------------+

Which variable has which tensor, or slice of one, the graph's saver says; where there is
none, they have the same names. The weights are streamed from the data files, and their
checksums compared.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.frozen_graph import graph_file, is_bare_saved_model, open_graph
from pbckpt.applications.outputs import OutputsFrom, choose_outputs, filling
from pbckpt.applications.tables import refuse_stored_tables, unfilled_tables
from pbckpt.applications.variable_values import VariableValues, functions_of_objects, no_value
from pbckpt.checkpoints.locate import is_checkpoint, locate_checkpoint
from pbckpt.checkpoints.stored import open_stored
from pbckpt.checkpoints.write import Progress, no_progress
from pbckpt.errors import GraphError, LimitError, PathError, SelectionError
from pbckpt.freezing.graph import freeze_graph
from pbckpt.freezing.inline import Functions, inline_calls
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import INDEX_SUFFIX, META_SUFFIX
from pbckpt.rewrite.reach import leading_to
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.single_file import SingleFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.checkpoints.stored import V1, Bundle
    from pbckpt.freezing.graph import Value
    from pbckpt.graph.encode import Pieces

_CHUNK_BYTES = 1 << 20
_MAX_MESSAGE = (1 << 31) - 1
NO_MAXIMUM = (1 << 63) - 1
"""The ``max_bytes`` of a graph that may be larger than what TensorFlow reads."""
_VARIABLES = os.path.join("variables", "variables")


class FreezeReport(NamedTuple):
    """What a freezing did: the file, its size, the nodes that it ends in and how many it has.

    ``variables`` are the nodes that became constants, ``FUNCTION::NODE`` of a function.
    ``outputs_from`` tells who said that it should end in these. ``unfilled`` are tables in
    it that nothing in it fills, in the same form as ``variables``.
    """

    path: str
    nbytes: int
    num_nodes: int
    variables: tuple[str, ...]
    outputs: tuple[str, ...]
    outputs_from: OutputsFrom
    unfilled: tuple[str, ...] = ()


class _Job(NamedTuple):
    """What is to be written, and how."""

    target: str
    outputs: Sequence[str]
    functions: Functions
    max_nodes: int
    max_bytes: int
    on_existing: OnExisting
    durability: Durability
    progress: Progress


def freeze(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    outputs: Sequence[str] = (),
    functions: Functions = Functions.KEEP,
    tags: tuple[str, ...] | None = None,
    max_bytes: int = _MAX_MESSAGE,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = no_progress,
) -> FreezeReport:
    """Write the graph in ``source`` with constants for its variables as ``target``.

    ``source`` is a .meta file, a checkpoint with one beside it, the directory of a
    SavedModel, or a GraphDef; ``checkpoint`` is where the values are, if not beside it.
    ``outputs`` are the nodes that the frozen graph ends in, with or without ``:0``; none
    are those of its signatures, of the frozen graph that it was thawed from, or those
    that nothing takes. ``functions`` that are called are kept, or put in the places of
    their calls.

    Raises GraphError for what is wrong with the graph, BundleError for the checkpoint,
    SelectionError for outputs that it has not and variables that the checkpoint has not,
    LimitError for more than ``max_bytes``, PathError and WriteError.
    """
    path, prefix = _located(source, checkpoint)
    job = _Job(
        os.fsdecode(target),
        outputs,
        Functions(functions),
        limits.max_nodes,
        max_bytes,
        OnExisting(on_existing),
        Durability(durability),
        progress,
    )
    with open_graph(path, limits=limits, tags=tags) as graph, _opened(prefix) as stored:
        try:
            return _frozen(graph, stored, job)
        except GraphError as error:
            raise error.in_file(graph.file.name) from None


def _frozen(graph: FrozenGraph, stored: Bundle | V1 | None, job: _Job) -> FreezeReport:
    _refuse_own_input(graph, stored, job.target)
    chosen, chosen_from = choose_outputs(graph, job.outputs)
    if chosen_from is OutputsFrom.SIGNATURES:
        chosen = tuple(dict.fromkeys(chosen + filling(graph, chosen)))
    whole = graph.graph
    if job.functions is Functions.INLINE:
        whole = inline_calls(whole, chosen, job.max_nodes)
    refuse_stored_tables(whole, chosen, stored)
    values = _values(graph, stored, leading_to(whole.nodes, chosen))
    frozen = freeze_graph(whole, chosen, values, of_objects=functions_of_objects(graph))
    if frozen.graph.nbytes > job.max_bytes:
        raise LimitError(
            f"the bytes of the frozen graph of {graph.file.name}",
            limit="max_bytes",
            value=frozen.graph.nbytes,
            maximum=job.max_bytes,
            advice="TensorFlow reads no larger file; keep the checkpoint with its .meta, or write "
            "it for other readers with --allow-large",
        )
    with SingleFile(job.target, job.on_existing, job.durability) as file:
        _write(frozen.graph, file, job.progress)
        graph.file.check_unchanged()
        path = file.commit()
    return FreezeReport(
        path,
        frozen.graph.nbytes,
        frozen.num_nodes,
        frozen.variables,
        chosen,
        chosen_from,
        unfilled_tables(whole, chosen),
    )


def _values(
    graph: FrozenGraph, stored: Bundle | V1 | None, kept: set[str]
) -> Callable[[str], Value | None]:
    """Return what gives the values of the variables; all that are needed are there."""
    if stored is not None:
        values = VariableValues(graph, stored)
        values.check(kept)
        return values
    needed = [one.node for one in graph.still_variables() if one.node in kept]
    if needed:
        raise SelectionError(
            f"{graph.file.name}: where is the value of {needed[0]!r}? There is no "
            f"{_VARIABLES}{INDEX_SUFFIX} beside it; give the checkpoint with --checkpoint PREFIX",
            unknown=needed,
        )
    return no_value


def _refuse_own_input(graph: FrozenGraph, stored: Bundle | V1 | None, target: str) -> None:
    """Raise PathError for a frozen graph that would be written over what it is made of."""
    inputs = set()
    if stored is not None:
        prefix = stored.prefix
        shards = (prefix.shard_path(one, stored.num_shards) for one in range(stored.num_shards))
        inputs = {os.path.realpath(path) for path in (prefix.index_path(), prefix.path, *shards)}
    if graph.file.is_same_file(target) or os.path.realpath(target) in inputs:
        raise PathError(
            f"{target} is an input itself and would be overwritten; choose another name"
        )


def _write(pieces: Pieces, file: SingleFile, progress: Progress) -> None:
    """Write the pieces, gathered into large ones."""
    gathered = bytearray()
    for chunk in pieces.chunks(memoryview(bytearray(_CHUNK_BYTES))):
        gathered += chunk
        if len(gathered) >= _CHUNK_BYTES:
            file.write(gathered)
            gathered.clear()
            progress(file.tell(), pieces.nbytes)
    file.write(gathered)
    progress(file.tell(), pieces.nbytes)


def _located(
    source: str | os.PathLike[str], checkpoint: str | os.PathLike[str] | None
) -> tuple[str, str | None]:
    """Return the file of the graph, and the prefix of the checkpoint with its values.

    None: it is a SavedModel that has no variables.
    """
    text = os.fsdecode(source)
    given = None if checkpoint is None else os.fsdecode(checkpoint)
    if given is None and is_bare_saved_model(text):
        return text, None
    if graph_file(text) != text:
        return text, given or os.path.join(text, _VARIABLES)
    if os.path.isfile(text) and not is_checkpoint(text):
        if given is None and text.endswith(META_SUFFIX):
            given = text.removesuffix(META_SUFFIX)
        if given is None:
            raise PathError(
                f"{text}: where are the values of its variables? Give the checkpoint with "
                "--checkpoint PREFIX"
            )
        return text, given
    prefix = locate_checkpoint(text).prefix
    if not os.path.exists(prefix.meta_path()):
        raise PathError(
            f"{prefix.meta_path()} is not there, and a checkpoint alone has no graph; give the "
            "file of the graph, and the checkpoint with --checkpoint"
        )
    return prefix.meta_path(), given or prefix.path


@contextmanager
def _opened(prefix: str | None) -> Iterator[Bundle | V1 | None]:
    stored = None if prefix is None else open_stored(prefix)
    try:
        yield stored
    finally:
        if stored is not None:
            stored.close()
