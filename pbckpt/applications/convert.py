"""Convert: a frozen graph becomes a checkpoint.

    file -> graph -> variables -> plan -> bundle -> storage

The rooms do the work; this joins them. A weight's bytes stay a span of the
input until they are written.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate, chain
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.cautions import ambiguity_warnings, name_warnings, value_warnings
from pbckpt.applications.frozen_graph import (
    FrozenGraph,
    detect_variables,
    not_frozen,
    open_graph,
)
from pbckpt.applications.thaw import DEFAULT_THAW, NO_META, Thaw, check_thaw, thawed_meta
from pbckpt.applications.values import DEFAULT_VALUES, Partitions, Values
from pbckpt.bundle.entry import Extent
from pbckpt.bundle.payload import Part, Payload, Tensor, string_payload
from pbckpt.bundle.slices import slice_key
from pbckpt.checkpoints.layout import Arrangement, Format, Item, Layout, arrange
from pbckpt.checkpoints.write import OldMeta, Progress, no_progress, write_bundle
from pbckpt.dtypes import DataType
from pbckpt.edits.selection import Selection
from pbckpt.errors import LimitError, PathError, SelectionError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import STATE_FILE, BundleKey, Prefix, key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.variables.keras import with_names
from pbckpt.variables.partitions import join_partitions
from pbckpt.variables.select import plan_selection

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.applications.like import Like, MatchReport
    from pbckpt.edits.plan import Edits
    from pbckpt.edits.settings import Setting
    from pbckpt.storage.local import MappedFile
    from pbckpt.thaw.signature import Signature
    from pbckpt.variables.variable import Detection, Skipped, Variable

DEFAULT_SELECTION = Selection()
# What a string costs beside its text, in bytes: its length is held in memory
# twice, as it is stored and as it is checksummed.
_STRING_COST = 64


class Report(NamedTuple):
    """What a conversion did.

    ``files`` are the paths written, ``nbytes`` the size of the tensors' data.
    ``variables`` have the names and types that they are stored with, ``added``
    are names of tensors that the graph does not have. ``match`` is how a target was
    filled, where there was one; ``signatures`` are those of a SavedModel by their keys.
    The variables' spans are of the input, which is closed: read values from the
    checkpoint.
    """

    prefix: str
    files: tuple[str, ...]
    nbytes: int
    variables: tuple[Variable, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...]
    added: tuple[str, ...] = ()
    match: MatchReport | None = None
    signatures: Mapping[str, Signature] | None = None


def convert(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    prefix: str | os.PathLike[str],
    *,
    selection: Selection = DEFAULT_SELECTION,
    edits: Edits | None = None,
    layout: Layout | None = None,
    like: Like | None = None,
    dry_run: bool = False,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = no_progress,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
    thaw: Thaw = DEFAULT_THAW,
) -> Report:
    """Write the variables of the frozen graph in ``source`` as the checkpoint ``prefix``.

    ``source`` is a file that holds a graph, or the directory of a SavedModel;
    ``tags`` choose among the graphs of a SavedModel, as in `open_graph`.
    ``edits`` rename and cast what was selected, and add to it; their own
    selection counts where none is given. ``layout`` says in which form and how
    many shards it is stored. ``like`` is a target that the result has the keys,
    types, shapes, slices and objects of. ``dry_run`` writes nothing and reports
    what would be written. ``values`` say what becomes of quantized weights and of
    partitioned variables, and name more tensors to store. ``thaw`` says whether the
    graph is written beside it as a .meta file, with the variables back in it.

    Raises GraphError for what is wrong with the graph, SelectionError where
    nothing fits the selection, MatchError where a target is not filled,
    PathError for a prefix that must not be used, LimitError beyond ``limits``,
    CorruptFileError for an input that changes meanwhile, WriteError where
    writing failed; what was at the prefix before is then still there.
    """
    has_meta = check_thaw(thaw, layout, has_target=like is not None)
    if like is not None:
        from pbckpt.applications.convert_like import convert_like  # noqa: PLC0415 - start-up time

        return convert_like(
            source,
            prefix,
            like,
            selection=selection,
            edits=edits,
            layout=layout,
            dry_run=dry_run,
            on_existing=on_existing,
            durability=durability,
            limits=limits,
            progress=progress,
            tags=tags,
            values=values,
        )
    target = Prefix.parse(prefix)
    target.check_writable()
    selection, edits = selection_of(selection, edits)
    with open_graph(source, limits=limits, tags=tags) as graph:
        refuse_own_input(graph.file, target)
        plan = plan_variables(graph, selection, limits, _values_of_layout(values, layout))
        variables, settings, arrangement = arranged_variables(plan, edits, layout)
        meta = thawed_meta(graph, variables, settings, thaw) if has_meta else NO_META
        nbytes = sum(variable.nbytes for variable in variables)
        report = Report(
            target.path,
            (),
            nbytes,
            tuple(one._replace(compute=None) for one in variables),
            plan.skipped,
            (*conversion_warnings(plan, variables, selection), *meta.warnings),
            tuple(one.name for one in settings),
        )
        if dry_run:
            return report
        committed = write_bundle(
            arrangement.shards,
            nbytes,
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            aliases=arrangement.aliases,
            meta=meta.pieces.chunks if meta.pieces else None,
            old_meta=OldMeta.REMOVED,
            progress=progress,
            before_commit=graph.file.check_unchanged,
        )
    return report._replace(
        files=committed.files,
        nbytes=committed.nbytes,
        warnings=(*committed.warnings, *report.warnings),
    )


def conversion_warnings(
    plan: Detection, variables: tuple[Variable, ...], selection: Selection
) -> tuple[str, ...]:
    """Return what is to be said of what was detected, and of what is stored of it."""
    return (
        *plan.warnings,
        *ambiguity_warnings(plan, selection),
        *value_warnings(variables),
        *name_warnings(plan, variables),
    )


def selection_of(selection: Selection, edits: Edits | None) -> tuple[Selection, Edits | None]:
    """Return what is selected, and the edits without a selection."""
    if edits is None:
        return selection, None
    chosen = edits.selection if selection == DEFAULT_SELECTION else selection
    return chosen, edits._replace(selection=DEFAULT_SELECTION)


def _values_of_layout(values: Values, layout: Layout | None) -> Values:
    """Return the values with whole tensors where a form has no slices and nothing else is said."""
    if values.partitions is None and layout is not None and layout.form is not Format.NAME:
        return values._replace(partitions=Partitions.MERGED)
    return values


def plan_variables(
    graph: FrozenGraph,
    selection: Selection,
    limits: Limits,
    values: Values = DEFAULT_VALUES,
) -> Detection:
    """Return which constants of an open graph become variables, and which do not.

    Raises SelectionError, and LimitError where they would grow beyond ``limits``.
    """
    from pbckpt.applications.computed import planned_values  # noqa: PLC0415 - start-up time

    detection = as_stored(graph, detect_variables(graph), values)
    try:
        plan = plan_selection(detection, selection)
    except SelectionError as error:
        if error.unknown or (detection.variables and not values.tensors):
            raise
        if not values.tensors:
            raise not_frozen(graph, error) from None
        plan = detection._replace(variables=())
    plan = planned_values(graph, plan, values, limits)
    check_expansion(plan, limits)
    return plan


def as_stored(graph: FrozenGraph, detection: Detection, values: Values) -> Detection:
    """Return what was detected, called and, if partitioned, put together as it is stored."""
    chosen = Partitions(values.partitions or Partitions.SLICES)
    if chosen is Partitions.PARTS:
        return with_names(detection, values.names)
    joined = join_partitions(
        detection.variables, graph.nodes, as_slices=chosen is Partitions.SLICES
    )
    return with_names(detection._replace(variables=joined), values.names)


def arranged_variables(
    plan: Detection, edits: Edits | None, layout: Layout | None
) -> tuple[tuple[Variable, ...], tuple[Setting, ...], Arrangement]:
    """Return the variables as they are stored, what was added, and how all is laid out."""
    if edits is None and layout is None:
        tensors = chain.from_iterable(map(stored_tensors, plan.variables))
        return plan.variables, (), Arrangement([tensors], {})
    variables, settings = edited_variables(plan, edits)
    items = variables_items(variables, settings)
    return variables, settings, arrange(items, layout or Layout())


def variables_items(variables: Sequence[Variable], settings: Sequence[Setting]) -> list[Item]:
    """Return the variables of a graph, and what was added to them, as what is laid out."""
    from pbckpt.checkpoints.settings import item_of_setting  # noqa: PLC0415 - start-up time

    return [*map(_item, variables), *map(item_of_setting, settings)]


def edited_variables(
    plan: Detection, edits: Edits | None
) -> tuple[tuple[Variable, ...], tuple[Setting, ...]]:
    """Return the variables with the names and types that edits give them, and what these add.

    Raises SelectionError for edits that cannot be made, with all that is wrong.
    """
    from pbckpt.edits.candidate import Candidate  # noqa: PLC0415 - start-up time
    from pbckpt.edits.plan import NO_EDITS, plan_edits  # noqa: PLC0415

    candidates = [Candidate((one.key, one.node), one.dtype, one.shape) for one in plan.variables]
    edited = plan_edits(candidates, edits or NO_EDITS)
    variables = tuple(
        plan.variables[planned.source]._replace(
            key=planned.new,
            cast=None if planned.dtype is candidates[planned.source].dtype else planned.dtype,
        )
        for planned in edited.tensors
    )
    return variables, edited.settings


def _item(variable: Variable) -> Item:
    key = key_to_bytes(variable.key)
    return Item(key, variable.nbytes, partial(stored_tensors, variable), key)


def stored_tensors(variable: Variable) -> Iterable[Tensor]:
    """Return the variable as it is written: one tensor, or the slices of one."""
    if not variable.is_sliced:
        return [stored_tensor(variable)]
    return _slices(variable)


def _slices(variable: Variable) -> Iterator[Tensor]:
    """Yield the parts of a variable, in the order in which a Saver stores them."""
    name = key_to_bytes(variable.key)
    ends = list(accumulate(part.shape[variable.axis] for part in variable.parts))
    # TensorFlow sorts by the names of the variables' tensors: part_10:0 before part_1:0.
    for number in sorted(range(len(variable.parts)), key="{}:0".format):
        part = variable.parts[number]
        extents = [Extent(0, size) for size in part.shape]
        size = part.shape[variable.axis]
        extents[variable.axis] = Extent(ends[number] - size, size)
        tensor = stored_tensor(part._replace(key=variable.key, cast=variable.cast))
        key = BundleKey(slice_key(name, tuple(extents)))
        yield tensor._replace(key=key, part=Part(name, variable.shape, tuple(extents)))


def stored_tensor(variable: Variable) -> Tensor:
    """Return the variable as a tensor to be written, cast if it is to be."""
    tensor = tensor_of(variable)
    if variable.cast is None:
        return tensor
    from pbckpt.arrays.cast import cast_tensor  # noqa: PLC0415 - numpy

    return cast_tensor(tensor, variable.cast)


def tensor_of(variable: Variable) -> Tensor:
    """Return the variable as a tensor to be written, with the type that it has uncast."""
    key = key_to_bytes(variable.key)
    if variable.parts:
        return _joined(key, variable)
    if variable.compute is not None:
        from pbckpt.arrays.given import tensor_of_array  # noqa: PLC0415 - numpy

        tensor = tensor_of_array(key, variable.compute())
        return tensor._replace(dtype=variable.value_dtype or tensor.dtype)
    dtype = variable.tensor.dtype
    if dtype is DataType.STRING:
        strings = variable.tensor.strings
        payload = string_payload(strings, variable.tensor.num_elements - len(strings))
    else:
        payload = Payload(variable.tensor.spans())
    return Tensor(key, dtype, variable.shape, payload)


def _joined(key: BundleKey, variable: Variable) -> Tensor:
    """Return a partitioned variable whole; rows that follow each other are not held for it."""
    tensors = [tensor_of(part._replace(key=variable.key)) for part in variable.parts]
    if len(tensors) == 1:
        return tensors[0]
    payloads = [one.payload for one in tensors if isinstance(one.payload, Payload)]
    if variable.axis == 0 and len(payloads) == len(tensors) and tensors[0].dtype.is_fixed_size:
        spans = chain.from_iterable(payload.spans for payload in payloads)
        return Tensor(key, tensors[0].dtype, variable.shape, Payload(spans))
    from pbckpt.arrays.parts import joined_tensor  # noqa: PLC0415 - numpy

    return joined_tensor(tensors, variable.axis)


def refuse_own_input(file: MappedFile, target: Prefix) -> None:
    """Raise PathError for a checkpoint that would be written over the graph itself."""
    state = Prefix(target.directory, STATE_FILE).path
    for path in (target.index_path(), target.shard_path(0, 1), target.meta_path(), state):
        if file.is_same_file(path):
            msg = f"{path} is the input itself and would be overwritten; choose another prefix"
            raise PathError(msg)


def check_expansion(plan: Detection, limits: Limits) -> None:
    """Raise LimitError for a few bytes of input that would become a disk full of values."""
    total = 0
    for variable in chain.from_iterable(one.parts or (one,) for one in plan.variables):
        tensor = variable.tensor
        if variable.compute is not None:
            total += variable.nbytes
        elif tensor.dtype is DataType.STRING:
            last = len(tensor.strings[-1]) if tensor.strings else 0
            total += tensor.expanded * (_STRING_COST + last)
        else:
            total += tensor.expanded * tensor.dtype.itemsize
    if total > limits.max_expanded_bytes:
        raise LimitError(
            "the bytes of repeated values and zeros that the graph does not hold itself, and of "
            "computed ones",
            limit="max_expanded_bytes",
            value=total,
            maximum=limits.max_expanded_bytes,
            advice="raise it with --max-expanded-bytes, or leave such variables out with --exclude",
        )
