"""SavedModel: a frozen graph becomes a directory that TensorFlow loads, trainable again.

    DIR/saved_model.pb                 the graph with its variables, and signatures
    DIR/variables/variables.index      their values
    DIR/variables/variables.data-…

The whole directory appears at once.
"""

from __future__ import annotations

import os
import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.convert import (
    DEFAULT_SELECTION,
    Report,
    arranged_variables,
    conversion_warnings,
    edited_variables,
    plan_variables,
    selection_of,
    variables_items,
)
from pbckpt.applications.frozen_graph import open_graph
from pbckpt.applications.signature import (
    PLACEHOLDERS,
    GivenPorts,
    choose_signatures,
    is_handle,
    left_out_signatures,
    needed_nodes,
)
from pbckpt.applications.thaw import frozen_variables, idle_warnings, left_warnings, shown
from pbckpt.applications.values import DEFAULT_VALUES, Partitions
from pbckpt.bundle.payload import Tensor, string_payload
from pbckpt.checkpoints.layout import Item, Layout, arrange
from pbckpt.checkpoints.write import Progress, no_progress, write_bundle
from pbckpt.dtypes import DataType
from pbckpt.errors import GraphError, PathError, SelectionError, UnsupportedGraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.names import BundleKey, Prefix, key_to_text
from pbckpt.objects.flat import check_flat_names, flat_variable_key
from pbckpt.objects.keys import GRAPH_KEY
from pbckpt.rewrite.reach import leading_to
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.staged_directory import StagedDirectory
from pbckpt.thaw.collections import TABLE_INITIALIZERS
from pbckpt.thaw.graph import GraphFile, thaw_graph
from pbckpt.thaw.model_objects import checkpoint_objects, saved_objects
from pbckpt.thaw.saved_model import encode_saved_model
from pbckpt.thaw.variable import VariableKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.applications.values import Values
    from pbckpt.checkpoints.layout import Arrangement
    from pbckpt.edits.plan import Edits
    from pbckpt.edits.selection import Selection
    from pbckpt.edits.settings import Setting
    from pbckpt.graph.encode import Pieces
    from pbckpt.thaw.graph import ThawedGraph
    from pbckpt.thaw.signature import Signature
    from pbckpt.thaw.variable import FrozenVariable
    from pbckpt.variables.variable import Detection, Variable

FILE = "saved_model.pb"
_VARIABLES = "variables"
# What TensorFlow and Keras write; whatever else there is in a directory is somebody's own.
_PARTS = re.compile(
    r"saved_model\.pb(?:txt)?|fingerprint\.pb|keras_metadata\.pb"
    r"|variables(?:/variables\.(?:index|data-\d+-of-\d+))?"
    r"|debug(?:/saved_model_debug_info\.pb)?|(?:assets|assets\.extra)(?:/.*)?",
    re.DOTALL,
)
_SIGNS = frozenset((FILE, "saved_model.pbtxt"))
_CHUNK_BYTES = 1 << 20
# No name of a variable sorts behind it.
_LAST = b"\xff" * 8


class SavedModelForm(Enum):
    """In which form a SavedModel is written.

    V1 is that of TensorFlow 1, one graph with signatures, which every TensorFlow loads.
    V2 is that of TensorFlow 2, with objects and functions besides; graphs with loops of
    single nodes, as TensorFlow 1 makes them, have no such form.
    """

    V1 = "saved-model"
    V2 = "saved-model-v2"


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
    _refuse_format(layout)
    target = os.fsdecode(directory)
    prefix = Prefix(os.path.join(target, _VARIABLES), _VARIABLES)
    prefix.check_writable()
    staging = StagedDirectory(
        target, _PARTS, _SIGNS, OnExisting(on_existing), Durability(durability)
    )
    selection, edits = selection_of(selection, edits)
    with open_graph(source, limits=limits, tags=tags) as graph:
        _refuse_own_input(graph, target)
        _refuse_assets(graph)
        plan = plan_variables(graph, selection, limits, _values_of(form, values))
        signatures = choose_signatures(graph, GivenPorts(tuple(inputs), tuple(outputs)))
        make = _native_model if form is SavedModelForm.V2 else _model
        try:
            model = make(graph, plan, edits, layout, VariableKind(variables), signatures)
        except GraphError as error:
            raise error.in_file(graph.file.name) from None
        stored = model.variables
        report = Report(
            target,
            (),
            sum(variable.nbytes for variable in stored),
            tuple(one._replace(compute=None) for one in stored),
            plan.skipped,
            (
                *conversion_warnings(plan, stored, selection),
                *_signature_warnings(
                    graph, model.thawed.signatures, form, is_given=bool(inputs or outputs)
                ),
                *left_warnings(stored, model.thawed, FILE),
                *idle_warnings(graph, stored, model.settings, FILE),
            ),
            tuple(one.name for one in model.settings),
            signatures=model.thawed.signatures,
        )
        if dry_run:
            return report
        with staging:
            with staging.reporting_errors():
                files = _write(staging, model, report.nbytes, progress)
                graph.file.check_unchanged()
            staging.commit()
    return report._replace(files=tuple(os.path.join(target, name) for name in files))


class _Model(NamedTuple):
    """A graph with its variables, the bytes of its file, and what its checkpoint has."""

    thawed: ThawedGraph
    pieces: Pieces
    variables: tuple[Variable, ...]
    settings: tuple[Setting, ...]
    arrangement: Arrangement


def _refuse_format(layout: Layout | None) -> None:
    if layout is not None and (layout.format is not None or layout.save_counter is not None):
        raise SelectionError(
            "the form of a SavedModel says what its checkpoint is like; give a layout without a "
            "format and without a save_counter"
        )


def _values_of(form: SavedModelForm, values: Values) -> Values:
    """Return the values with each part of a variable by itself, where there are no slices."""
    if form is SavedModelForm.V1:
        return values
    if values.partitions not in (None, Partitions.PARTS):
        raise SelectionError(
            "a model of TensorFlow 2 has each part of a partitioned variable by itself, as the "
            f"graph takes it; leave --partitions {values.partitions.value} out, or say --format "
            "saved-model"
        )
    return values._replace(partitions=Partitions.PARTS)


def _refuse_assets(graph: FrozenGraph) -> None:
    """Raise UnsupportedGraphError for a SavedModel with files that its graph reads."""
    assets = graph.meta_graph.rest.asset_file_def if graph.meta_graph else ()
    if assets:
        raise UnsupportedGraphError(
            f"it has assets, such as {assets[0].filename!r}, which its graph reads as it is loaded "
            "and which would not be in the new one; write a checkpoint with --format name",
            kind="saved_model",
        ).in_file(graph.file.name)


def _signature_warnings(
    graph: FrozenGraph,
    signatures: Mapping[str, Signature],
    form: SavedModelForm,
    *,
    is_given: bool,
) -> Iterator[str]:
    lost = [] if is_given else left_out_signatures(graph, signatures)
    if lost:
        yield (
            f"{shown(lost)} of the signatures of {graph.file.name} are left out: of sparse "
            "tensors, of tensors that are gone, or of a type that is not known"
        )
    for key, signature in signatures.items():
        problem = signature.unusable_input()
        if problem and form is SavedModelForm.V1:
            yield f"signature {key!r} is for TensorFlow 1 and for servers: {problem}"


def _model(  # noqa: PLR0913, PLR0917 - the one caller has them all
    graph: FrozenGraph,
    plan: Detection,
    edits: Edits | None,
    layout: Layout | None,
    kind: VariableKind,
    signatures: Mapping[str, Signature],
) -> _Model:
    variables, settings, arrangement = arranged_variables(plan, edits, layout)
    frozen = frozen_variables(variables, settings)
    thawed = thaw_graph(graph.graph, frozen, kind, GraphFile.SAVED_MODEL, signatures)
    _refuse_without_value(graph, signatures)
    pieces = encode_saved_model(thawed)
    return _Model(thawed, pieces, variables, settings, arrangement)


def _native_model(  # noqa: PLR0913, PLR0917 - the one caller has them all
    graph: FrozenGraph,
    plan: Detection,
    edits: Edits | None,
    layout: Layout | None,
    kind: VariableKind,
    signatures: Mapping[str, Signature],
) -> _Model:
    if kind is not VariableKind.RESOURCE:
        raise SelectionError(
            "a model of TensorFlow 2 has resource variables alone; leave --variables ref out, or "
            "say --format saved-model"
        )
    variables, settings = edited_variables(plan, edits)
    frozen = frozen_variables(variables, settings)
    _refuse_casts(frozen)
    check_flat_names([one.name for one in frozen])
    keyed = [one._replace(key=flat_variable_key(one.name)) for one in frozen]
    thawed = thaw_graph(graph.graph, keyed, kind, GraphFile.OBJECTS, signatures)
    _refuse_without_value(graph, signatures)
    stored = [one for one in thawed.variables if one.is_stored]
    objects = saved_objects(stored, thawed.model)
    pieces = encode_saved_model(thawed, objects)
    listed = checkpoint_objects(objects, stored).SerializeToString(deterministic=True)
    items = [*map(_object_item, variables_items(variables, settings)), _graph_item(listed)]
    return _Model(thawed, pieces, variables, settings, arrange(items, layout or Layout()))


def _refuse_casts(variables: Sequence[FrozenVariable]) -> None:
    cast = next((one for one in variables if one.stored is not one.dtype), None)
    if cast is not None:
        raise SelectionError(
            f"{cast.key!r} is {cast.dtype.label} in the graph, and a model of TensorFlow 2 has its "
            f"variables as they are there, not as {cast.stored.label}; leave --cast out, or say "
            "--format saved-model"
        )


def _object_item(item: Item) -> Item:
    """Return a tensor under the key of an object's variable."""
    key = BundleKey(flat_variable_key(key_to_text(item.key)).encode())

    def tensors() -> Iterator[Tensor]:
        for tensor in item.tensors():
            yield tensor._replace(key=key)

    return item._replace(key=key, tensors=tensors)


def _graph_item(graph: bytes) -> Item:
    """Return the objects of a checkpoint, whose data comes last."""
    tensor = Tensor(BundleKey(GRAPH_KEY), DataType.STRING, (), string_payload([graph]))
    return Item(GRAPH_KEY, len(graph), lambda: [tensor], _LAST)


def _refuse_without_value(graph: FrozenGraph, signatures: Mapping[str, Signature]) -> None:
    """Raise UnsupportedGraphError for a signature that needs a variable without a value."""
    needed = set().union(*(needed_nodes(graph, one) for one in signatures.values()))
    fillers = [node.name for node in graph.nodes if node.op in TABLE_INITIALIZERS]
    filling = leading_to(graph.nodes, fillers)
    unfed = [node.name for node in graph.nodes if node.name in filling and node.op in PLACEHOLDERS]
    if unfed:
        raise UnsupportedGraphError(
            f"a table is filled from {unfed[0]!r}, which nobody feeds as a SavedModel is loaded; "
            "write a checkpoint with --format name",
            kind="saved_model",
        )
    needed |= filling
    fed = [node.name for node in graph.nodes if node.name in needed and is_handle(node)]
    if fed:
        raise UnsupportedGraphError(
            f"its outputs need the resource {fed[0]!r}, a variable or a table, to be fed, which "
            "was never frozen and which no SavedModel can be fed; give outputs that do not need it "
            "with --outputs, or write a checkpoint with --format name",
            kind="saved_model",
        )
    # All others were constants.
    missing = [node.name for node in graph.nodes if node.name in needed and node.op in VARIABLE_OPS]
    if missing:
        raise UnsupportedGraphError(
            f"its outputs need {shown(missing)}, which "
            f"{'was' if len(missing) == 1 else 'were'} never frozen, so that the graph has no value"
            "; give outputs that do not need it with --outputs, or write a checkpoint with "
            "--format name",
            kind="saved_model",
        )


def _refuse_own_input(graph: FrozenGraph, target: str) -> None:
    """Raise PathError for a SavedModel that would be written over the graph itself."""
    inside = os.path.join(os.path.realpath(target), "")
    if os.path.realpath(graph.file.name).startswith(inside):
        raise PathError(
            f"{target} has the input itself in it, which would be overwritten; choose another name"
        )


def _write(staging: StagedDirectory, model: _Model, nbytes: int, progress: Progress) -> list[str]:
    """Fill a directory, and return the paths in it of its files."""
    written = write_bundle(
        model.arrangement.shards,
        nbytes,
        Prefix(os.path.join(staging.staged, _VARIABLES), _VARIABLES),
        on_existing=OnExisting.REFUSE,
        durability=staging.durability,
        aliases=model.arrangement.aliases,
        has_state=False,
        progress=progress,
    )
    path = staging.write(FILE, model.pieces.chunks(memoryview(bytearray(_CHUNK_BYTES))))
    return [os.path.relpath(name, staging.staged) for name in (*written.files, path)]
