"""Thaw: the variables of a conversion, put back into the graph that they came from."""

from __future__ import annotations

from enum import Enum
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.checkpoints.layout import Format
from pbckpt.errors import LimitError, SelectionError, UnsupportedGraphError
from pbckpt.thaw.graph import thaw_graph
from pbckpt.thaw.meta_graph import encode_meta_graph
from pbckpt.thaw.unused import unused_variables
from pbckpt.thaw.variable import FrozenVariable, Slice, VariableKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.checkpoints.layout import Layout
    from pbckpt.edits.settings import Setting
    from pbckpt.graph.encode import Pieces
    from pbckpt.thaw.graph import ThawedGraph
    from pbckpt.variables.variable import Variable

_SHOWN = 3
_FILE = "the .meta file"


class MetaFile(Enum):
    """Whether a .meta file is written beside a checkpoint.

    AUTO writes it where there can be one, and warns where there cannot; REQUIRED
    refuses instead.
    """

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"


class Thaw(NamedTuple):
    """What becomes of the graph: whether it is written, and with which kind of variables."""

    meta: MetaFile = MetaFile.AUTO
    variables: VariableKind = VariableKind.RESOURCE


DEFAULT_THAW = Thaw()


class Meta(NamedTuple):
    """The bytes of a .meta file, None for none, and what is to be said of it."""

    pieces: Pieces | None
    warnings: tuple[str, ...] = ()


NO_META = Meta(None)


def check_thaw(thaw: Thaw, layout: Layout | None, *, has_target: bool) -> bool:
    """Tell whether a .meta file belongs to a checkpoint of that layout.

    Raises SelectionError where one is demanded and there can be none.
    """
    wanted = MetaFile(thaw.meta)
    VariableKind(thaw.variables)
    if wanted is MetaFile.NONE:
        return False
    is_object = layout is not None and layout.form is Format.OBJECT
    if wanted is MetaFile.REQUIRED and is_object:
        raise SelectionError(
            "an object-based checkpoint has no .meta file; leave --meta out, or say --format both"
        )
    if wanted is MetaFile.REQUIRED and has_target:
        raise SelectionError(
            "a checkpoint that fills a target goes with the target's own graph; leave --meta out"
        )
    return not is_object and not has_target


def thawed_meta(
    graph: FrozenGraph, variables: Sequence[Variable], settings: Sequence[Setting], thaw: Thaw
) -> Meta:
    """Return the .meta file of a graph whose variables are stored as ``variables`` say.

    Raises UnsupportedGraphError or LimitError where it is demanded and cannot be.
    """
    frozen = frozen_variables(variables, settings)
    try:
        thawed = thaw_graph(graph.graph, frozen, VariableKind(thaw.variables))
        pieces = encode_meta_graph(thawed)
    except (UnsupportedGraphError, LimitError) as error:
        if MetaFile(thaw.meta) is MetaFile.REQUIRED:
            raise
        return Meta(None, (f"no .meta file was written: {error}",))
    warnings = (
        *left_warnings(variables, thawed, _FILE),
        *idle_warnings(graph, variables, settings, _FILE),
        *_kept_warnings(thawed),
    )
    return Meta(pieces, warnings)


def frozen_variables(
    variables: Sequence[Variable], settings: Sequence[Setting]
) -> list[FrozenVariable]:
    """Return what thawing is to put back of what is stored as ``variables`` say."""
    return _distinct(_all_frozen(variables, settings))


def _all_frozen(variables: Sequence[Variable], settings: Sequence[Setting]) -> list[FrozenVariable]:
    frozen = [one for variable in variables for one in _frozen(variable)]
    return [*frozen, *map(_added, settings)]


def _frozen(variable: Variable) -> Iterator[FrozenVariable]:
    """Yield the variables of the graph that a stored one is: one, or those of its parts."""
    parts = variable.parts or (variable,)
    ends = list(accumulate(part.shape[variable.axis] for part in parts)) if variable.parts else []
    for number, part in enumerate(parts):
        if _has_no_tensor(part):
            continue
        dtype = part.value_dtype or part.tensor.dtype
        name, piece = variable.key, None
        if variable.parts:
            name = f"{variable.key}/part_{number}"
            offset = [0] * len(part.shape)
            offset[variable.axis] = ends[number] - part.shape[variable.axis]
            piece = Slice(variable.key, variable.shape, tuple(offset), part.shape)
        yield FrozenVariable(
            name,
            variable.key,
            part.value or part.node,
            dtype,
            part.shape,
            is_trainable=part.trainable,
            stored=variable.cast or dtype,
            slice=piece,
        )


def _has_no_tensor(variable: Variable) -> bool:
    """Tell whether the value of a variable is nowhere in the graph as one tensor."""
    return any(variable.ranges) and not variable.value


def _left(variables: Sequence[Variable]) -> dict[str, str]:
    reason = (
        "the graph has its values as integers alone, which an op takes as they are; store those "
        "with --quantized stored"
    )
    return {one.key: reason for one in variables if _has_no_tensor(one)}


def _added(setting: Setting) -> FrozenVariable:
    """Return the variable that a graph gets for a tensor that was added to its checkpoint."""
    return FrozenVariable(
        setting.name,
        setting.name,
        "",
        setting.dtype,
        setting.shape,
        is_trainable=False,
        stored=setting.dtype,
    )


def _distinct(variables: Sequence[FrozenVariable]) -> list[FrozenVariable]:
    """Return variables of which no two have the same name, or the same tensor.

    The second of a tensor has none.
    """
    tensors: set[str] = set()
    names: set[str] = set()
    found = []
    for one in variables:
        tensor = "" if one.tensor in tensors else one.tensor
        name, number = one.name, 0
        while name in names:
            number += 1
            name = f"{one.name}_{number}"
        tensors.add(tensor)
        names.add(name)
        found.append(one._replace(name=name, tensor=tensor))
    return found


def idle_warnings(
    graph: FrozenGraph, variables: Sequence[Variable], settings: Sequence[Setting], file: str
) -> Iterator[str]:
    """Yield what to say in the words of a ``file`` of variables that the graph does not use."""
    frozen = _all_frozen(variables, settings)
    distinct = _distinct(frozen)
    pairs = zip(frozen, distinct, strict=True)
    merged = [one.name for before, one in pairs if before.tensor and not one.tensor]
    if merged:
        is_one = len(merged) == 1
        were, them = ("its constant was", "it") if is_one else ("their constants were", "them")
        yield (
            f"in {file} the graph takes another variable in place of {shown(merged)}: {were} "
            f"merged with that of another, which had the same values. To train {them}, convert "
            "the graph as it was before it was optimized"
        )
    unused = unused_variables(graph.graph, distinct)
    if unused:
        them = "it" if len(unused) == 1 else "them"
        yield (
            f"in {file} no node takes the value of {shown(unused)}, and training does not change "
            f"{them}. Where other constants have the values by now, convert the graph as it was "
            "before it was optimized, or name those with --take"
        )


def _kept_warnings(thawed: ThawedGraph) -> Iterator[str]:
    names = [one.name for one in thawed.variables if not one.is_stored]
    if names:
        what = "1 variable was" if len(names) == 1 else f"{len(names)} variables were"
        yield (
            f"{what} never frozen: {shown(names)}; their values are in another checkpoint, which "
            "the saver of the .meta file leaves out"
        )


def shown(names: Sequence[str]) -> str:
    """Return the first few of some names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def left_warnings(variables: Sequence[Variable], thawed: ThawedGraph, file: str) -> list[str]:
    """Return what is to be said of variables that stay constants in the graph of a file."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in {**_left(variables), **thawed.left}.items():
        by_reason.setdefault(reason, []).append(name)
    return [
        f"in {file} {shown(names)} {'stays a constant' if len(names) == 1 else 'stay constants'}: "
        f"{reason}"
        for reason, names in by_reason.items()
    ]
