"""Convert like: the values of a graph under the keys, types, slices and objects of a target.

    target -> targets --+
    graph -> variables -+-> plan (like) -> items -> layout -> bundle -> storage

A target that names a constant exactly proves that it was a variable, so such
constants are taken whether they bear a trace of freezing or not. Values stay
spans of the input, but for what is cast, and for partitions that are not those
of the graph.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.cautions import value_warnings
from pbckpt.applications.computed import planned_values
from pbckpt.applications.convert import (
    DEFAULT_SELECTION,
    Report,
    check_expansion,
    refuse_own_input,
    selection_of,
)
from pbckpt.applications.frozen_graph import detect_variables, not_frozen, open_graph
from pbckpt.applications.like import MatchReport, plan_match
from pbckpt.applications.like_items import LikeItems
from pbckpt.applications.targets import open_target
from pbckpt.applications.values import DEFAULT_VALUES, Partitions, Values
from pbckpt.checkpoints.layout import Format, Layout, arrange
from pbckpt.checkpoints.write import Progress, no_progress, write_bundle
from pbckpt.dtypes import DataType
from pbckpt.edits.candidate import Candidate
from pbckpt.edits.patterns import parse_pattern
from pbckpt.edits.plan import NO_EDITS, plan_edits
from pbckpt.edits.settings import Setting
from pbckpt.errors import SelectionError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.matching.sides import Source
from pbckpt.names import Prefix
from pbckpt.objects.keys import SAVE_COUNTER
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.variables.keras import with_names
from pbckpt.variables.select import plan_selection

if TYPE_CHECKING:
    import os

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.applications.like import Like, MatchPlan
    from pbckpt.applications.targets import OpenTarget
    from pbckpt.edits.plan import Edits, Planned
    from pbckpt.edits.selection import Selection
    from pbckpt.variables.variable import Detection, Variable


class _Planned(NamedTuple):
    """What is known before anything is written."""

    plan: MatchPlan
    detection: Detection
    variables: dict[str, Variable]


def match_target(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    like: Like,
    *,
    selection: Selection = DEFAULT_SELECTION,
    edits: Edits | None = None,
    limits: Limits = DEFAULT_LIMITS,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
) -> MatchReport:
    """Return how the variables of the frozen graph in ``source`` fill a target.

    Nothing is written, and what is wrong is in the report. ``tags`` choose among
    the graphs of a SavedModel, as in `open_graph`. Raises GraphError, BundleError
    and SelectionError for a graph, a target and edits that cannot be read or made.
    """
    with contextlib.ExitStack() as files:
        opened = open_target(like.target, files)
        graph = files.enter_context(open_graph(source, limits=limits, tags=tags))
        return _planned(graph, opened, like, selection, edits, limits, values).plan.report


def convert_like(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    like: Like,
    *,
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
    """Write the values of a frozen graph as a checkpoint of a target's form.

    Raises MatchError where they do not fill it, and what `convert` raises.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    with contextlib.ExitStack() as files:
        opened = open_target(like.target, files)
        graph = files.enter_context(open_graph(source, limits=limits, tags=tags))
        refuse_own_input(graph.file, target)
        edits, layout = _with_counter(edits, layout or Layout(), opened)
        planned = _planned(graph, opened, like, selection, edits, limits, values)
        report = planned.plan.report
        report.check()
        items = LikeItems(opened, planned.plan, planned.variables, limits)
        result = _report(target, planned, items)
        if dry_run:
            return result
        arrangement = arrange(items.items(), layout)
        written = write_bundle(
            arrangement.shards,
            items.nbytes,
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            aliases=opened.aliases,
            progress=progress,
            before_commit=graph.file.check_unchanged,
        )
    return result._replace(
        files=written.files,
        nbytes=written.nbytes,
        warnings=(*result.warnings, *written.warnings),
    )


def _report(target: Prefix, planned: _Planned, items: LikeItems) -> Report:
    report = planned.plan.report
    return Report(
        target.path,
        (),
        items.nbytes,
        tuple(one._replace(compute=None) for one in items.variables()),
        planned.detection.skipped,
        (
            *report.warnings,
            *planned.detection.warnings,
            *value_warnings(items.variables()),
        ),
        tuple(one.target.key for one in report.filled),
        report,
    )


def _with_counter(
    edits: Edits | None, layout: Layout, opened: OpenTarget
) -> tuple[Edits | None, Layout]:
    """Return edits that set the number of saves, and a layout without what the target tells."""
    if layout.format is not None:
        raise SelectionError(
            "the form is that of the target; leave out --format, or change it afterwards with "
            "pbckpt edit"
        )
    count = layout.save_counter
    layout = layout._replace(format=Format.NAME, save_counter=None)
    if count is None:
        return edits, layout
    if not any(SAVE_COUNTER in one.names for one in opened.kept):
        raise SelectionError(f"{opened.path} counts no saves; leave --save-counter out")
    layout._replace(format=Format.OBJECT, save_counter=count).check()
    counter = Setting.of(SAVE_COUNTER, DataType.INT64, count)
    edits = edits or NO_EDITS
    return edits._replace(settings=(*edits.settings, counter)), layout


def _planned(  # noqa: PLR0913, PLR0917 - everything that a plan depends on
    graph: FrozenGraph,
    opened: OpenTarget,
    like: Like,
    selection: Selection,
    edits: Edits | None,
    limits: Limits,
    values: Values,
) -> _Planned:
    _refuse_partitions(values)
    selection, edits = selection_of(selection, edits)
    edits = edits or NO_EDITS
    detection = _detected(graph, opened, selection, limits, values)
    candidates = [
        Candidate((one.key, one.node), one.dtype, one.shape) for one in detection.variables
    ]
    places = {node.name: at for at, node in enumerate(graph.nodes)}
    sources, variables = [], {}
    for tensor in plan_edits(candidates, edits._replace(settings=())).tensors:
        variable = detection.variables[tensor.source]
        is_cast = tensor.dtype is not variable.dtype
        variables[tensor.new] = variable._replace(cast=tensor.dtype) if is_cast else variable
        order = places.get(variable.node, len(places))
        sources.append(_source(tensor, variable, order))
    plan = plan_match(graph.file.name, sources, opened, like, edits.settings)
    return _Planned(plan, detection, variables)


def _source(tensor: Planned, variable: Variable, order: int) -> Source:
    return Source(
        tensor.new,
        (tensor.old, variable.node),
        tensor.dtype,
        variable.shape,
        variable.role.value if variable.role else "",
        order,
        tensor.old,
    )


def _detected(
    graph: FrozenGraph, opened: OpenTarget, selection: Selection, limits: Limits, values: Values
) -> Detection:
    """Return the variables of a graph, and those of its constants that the target names."""
    found = with_names(detect_variables(graph), values.names)
    try:
        detection = plan_selection(found, _with_named(selection, found, opened))
    except SelectionError as error:
        if error.unknown or found.variables:
            raise
        raise not_frozen(graph, error) from None
    detection = planned_values(graph, detection, values, limits)
    check_expansion(detection, limits)
    return detection


def _refuse_partitions(values: Values) -> None:
    """Raise SelectionError for a form of partitioned variables: the target has its own."""
    if values.partitions is not None:
        raise SelectionError(
            f"partitioned variables are stored as the target has them; leave out --partitions "
            f"{Partitions(values.partitions).value}"
        )


def _with_named(selection: Selection, found: Detection, opened: OpenTarget) -> Selection:
    """Return a selection that takes the constants too that the target names.

    What the user chose himself, or left out, stays as he said.
    """
    if selection.include:
        return selection
    wanted = {name: one for one in opened.targets for name in (one.key, *one.names)}
    left_out = [parse_pattern(text) for text in selection.exclude]
    known = {one.key for one in found.variables}
    named = [
        constant.node
        for constant in found.skipped
        if constant.tensor is not None
        and constant.node in wanted
        and constant.node not in known
        and wanted[constant.node].shape in (None, constant.tensor.shape)
        and parse_pattern(constant.node).is_plain
        and not any(pattern.matches(constant.node) for pattern in left_out)
    ]
    return selection._replace(take=(*selection.take, *named))
