"""SavedModel: a frozen graph becomes a directory that TensorFlow loads, trainable again.

    DIR/saved_model.pb                 the graph with its variables, and signatures
    DIR/variables/variables.index      their values
    DIR/variables/variables.data-…

The whole directory appears at once.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.convert import (
    DEFAULT_SELECTION,
    Report,
    arranged_variables,
    conversion_warnings,
    plan_variables,
    selection_of,
)
from pbckpt.applications.frozen_graph import open_graph
from pbckpt.applications.signature import PLACEHOLDERS, GivenPorts, choose_signatures
from pbckpt.applications.thaw import frozen_variables, left_warnings, shown
from pbckpt.applications.values import DEFAULT_VALUES
from pbckpt.checkpoints.write import Progress, no_progress, write_bundle
from pbckpt.dtypes import DataType
from pbckpt.errors import GraphError, PathError, UnsupportedGraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import Prefix, node_of_input
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.staged_directory import StagedDirectory
from pbckpt.thaw.freeze import leading_to
from pbckpt.thaw.graph import GraphFile, thaw_graph
from pbckpt.thaw.saved_model import encode_saved_model
from pbckpt.thaw.variable import VariableKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.applications.values import Values
    from pbckpt.checkpoints.layout import Arrangement, Layout
    from pbckpt.edits.plan import Edits
    from pbckpt.edits.selection import Selection
    from pbckpt.graph.encode import Pieces
    from pbckpt.graph.node import Node
    from pbckpt.thaw.graph import ThawedGraph
    from pbckpt.thaw.signature import Signature
    from pbckpt.thaw.variable import FrozenVariable

FILE = "saved_model.pb"
_VARIABLES = "variables"
_PARTS = frozenset(
    (
        FILE,
        "saved_model.pbtxt",
        _VARIABLES,
        "assets",
        "assets.extra",
        "debug",
        "fingerprint.pb",
        "keras_metadata.pb",
    )
)
_CHUNK_BYTES = 1 << 20


class SavedModelForm(Enum):
    """In which form a SavedModel is written.

    V1 is that of TensorFlow 1, one graph with signatures, which every TensorFlow loads.
    """

    V1 = "saved-model"


def convert_to_saved_model(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    form: SavedModelForm = SavedModelForm.V1,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    variables: VariableKind = VariableKind.RESOURCE,
    selection: Selection = DEFAULT_SELECTION,
    edits: Edits | None = None,
    layout: Layout | None = None,
    dry_run: bool = False,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = no_progress,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
) -> Report:
    """Write the frozen graph in ``source`` as the SavedModel ``directory``.

    ``inputs`` and ``outputs`` are tensors of its signature: ``x``, ``x:0``, or with
    another name for it ``image=x:0``; none are inferred. ``variables`` is their kind. All
    else is as in `pbckpt.applications.convert.convert`; ``layout`` says how many shards
    there are.

    Raises what that raises, SelectionError for tensors that the graph has not, and
    UnsupportedGraphError for a graph that no SavedModel can be made of.
    """
    SavedModelForm(form)
    target = os.fsdecode(directory)
    prefix = Prefix(os.path.join(target, _VARIABLES), _VARIABLES)
    prefix.check_writable()
    staging = StagedDirectory(target, _PARTS, OnExisting(on_existing), Durability(durability))
    selection, edits = selection_of(selection, edits)
    with open_graph(source, limits=limits, tags=tags) as graph:
        _refuse_own_input(graph, target)
        plan = plan_variables(graph, selection, limits, values)
        stored, settings, arrangement = arranged_variables(plan, edits, layout)
        signatures = choose_signatures(graph, GivenPorts(tuple(inputs), tuple(outputs)))
        frozen = frozen_variables(stored, settings)
        model = _thawed(graph, frozen, VariableKind(variables), signatures)
        report = Report(
            target,
            (),
            sum(variable.nbytes for variable in stored),
            tuple(one._replace(compute=None) for one in stored),
            plan.skipped,
            (
                *conversion_warnings(plan, stored, selection),
                *left_warnings(stored, model.thawed, FILE),
            ),
            tuple(one.name for one in settings),
            signatures=signatures,
        )
        if dry_run:
            return report
        with staging:
            with staging.reporting_errors():
                files = _write(staging, model.pieces, report.nbytes, arrangement, progress)
                graph.file.check_unchanged()
            staging.commit()
    return report._replace(files=tuple(os.path.join(target, name) for name in files))


class _Model(NamedTuple):
    """A graph with its variables, and the bytes of its file."""

    thawed: ThawedGraph
    pieces: Pieces


def _thawed(
    graph: FrozenGraph,
    variables: Sequence[FrozenVariable],
    kind: VariableKind,
    signatures: Mapping[str, Signature],
) -> _Model:
    try:
        thawed = thaw_graph(graph.graph, variables, kind, GraphFile.SAVED_MODEL)
        _refuse_without_value(graph, thawed, signatures)
        return _Model(thawed, encode_saved_model(thawed, signatures))
    except GraphError as error:
        raise error.in_file(graph.file.name) from None


def _refuse_without_value(
    graph: FrozenGraph, thawed: ThawedGraph, signatures: Mapping[str, Signature]
) -> None:
    """Raise UnsupportedGraphError for a signature that needs a variable without a value."""
    outputs = (port.tensor for one in signatures.values() for port in one.outputs)
    needed = leading_to(graph.nodes, map(node_of_input, outputs))
    fed = [node.name for node in graph.nodes if node.name in needed and _is_handle(node)]
    if fed:
        raise UnsupportedGraphError(
            f"its outputs need the resource {fed[0]!r}, a variable or a table, to be fed, which "
            "was never frozen and which no SavedModel can be fed; give outputs that do not need it "
            "with --outputs, or write a checkpoint with --format name",
            kind="saved_model",
        )
    missing = [one.name for one in thawed.variables if not one.is_stored and one.name in needed]
    if missing:
        raise UnsupportedGraphError(
            f"its outputs need {shown(missing)}, which "
            f"{'was' if len(missing) == 1 else 'were'} never frozen, so that the graph has no value"
            "; give outputs that do not need it with --outputs, or write a checkpoint with "
            "--format name",
            kind="saved_model",
        )


def _is_handle(node: Node) -> bool:
    dtype = node.definition.attr.get("dtype")
    return node.op in PLACEHOLDERS and dtype is not None and dtype.type == DataType.RESOURCE


def _refuse_own_input(graph: FrozenGraph, target: str) -> None:
    """Raise PathError for a SavedModel that would be written over the graph itself."""
    inside = os.path.join(os.path.realpath(target), "")
    if os.path.realpath(graph.file.name).startswith(inside):
        raise PathError(
            f"{target} has the input itself in it, which would be overwritten; choose another name"
        )


def _write(
    staging: StagedDirectory,
    pieces: Pieces,
    nbytes: int,
    arrangement: Arrangement,
    progress: Progress,
) -> list[str]:
    """Fill a directory, and return the paths in it of its files."""
    written = write_bundle(
        arrangement.shards,
        nbytes,
        Prefix(os.path.join(staging.staged, _VARIABLES), _VARIABLES),
        on_existing=OnExisting.REFUSE,
        durability=staging.durability,
        aliases=arrangement.aliases,
        has_state=False,
        progress=progress,
    )
    path = staging.write(FILE, pieces.chunks(memoryview(bytearray(_CHUNK_BYTES))))
    return [os.path.relpath(name, staging.staged) for name in (*written.files, path)]
