"""Meta targets: what the saver of a MetaGraphDef saves, and hence what its restore asks for.

    MetaGraphDef   2 graph_def   3 saver_def -> 3 restore_op_name: save/restore_all
    SaveV2         inputs: prefix, tensor_names, shape_and_slices, then each tensor
    tensor         the variable itself, or what reads it

A graph can have several savers; that of the saver_def counts, if it says which it
is. One that is sharded has a SaveV2 for each device. A graph without any has its
variables' names. The traps are names that the saver changes, such as those of
partitioned variables, whose parts are saved as slices under one name; so nothing
is read from a variable's name where there is a saver.

Reference: tensorflow/core/protobuf/{meta_graph,saver}.proto and
tensorflow/python/training/saver.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.frozen_graph import FrozenGraph, open_graph
from pbckpt.errors import GraphError, SelectionError, UnsupportedGraphError
from pbckpt.graph.still_variables import VARIABLE_OPS, variable_nodes
from pbckpt.matching.sides import Target
from pbckpt.matching.slots import with_slots
from pbckpt.names import is_control_input, key_to_text, node_of_input
from pbckpt.shapes import count_elements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.graph.decode import Node
    from pbckpt.matching.sides import Slice

# Ops that save -> the slots of the names, of the slices, and of the first tensor.
_SAVES: dict[str, tuple[int, int | None, int]] = {
    "SaveV2": (1, 2, 3),
    "SaveSlices": (1, 2, 3),
    "Save": (1, None, 2),
}
# What hands the value of a variable on to what saves it.
_HANDS_ON = frozenset(
    ("Identity", "ReadVariableOp", "Cast", "Enter", "Switch", "RefIdentity", "RefSwitch")
)
# From what is saved to its variable: a read or two, an Identity, a cast.
_MAX_STEPS = 8


class _Saved(NamedTuple):
    """One tensor that a saver saves."""

    name: str
    slice_spec: str
    tensor: str
    scope: str


class SavedVariable(NamedTuple):
    """Where a checkpoint has the value of a variable: under which key, and in which slice.

    ``is_cast``: the saver stores another type than the variable's.
    """

    key: str
    part: Slice | None = None
    is_cast: bool = False

    @property
    def selection(self) -> tuple[slice, ...]:
        """The slice as arrays are indexed."""
        return tuple(
            slice(start, None if size is None else start + size) for start, size in self.part or ()
        )

    def is_slice(self, place: Sequence[tuple[int, int | None]]) -> bool:
        """Tell whether a stored slice is just this one."""
        return self.part is not None and [tuple(one) for one in place] == list(self.part)


def saved_variables(graph: FrozenGraph) -> dict[str, SavedVariable]:
    """Return where a checkpoint of a graph has the value of each variable, by node.

    It is what the graph's saver says; empty where it has none. Raises SelectionError
    where several say different things, and nothing says which of them counts.
    """
    nodes = {node.name: node for node in graph.nodes}
    restore = graph.meta_graph.rest.saver_def.restore_op_name if graph.meta_graph else ""
    found: dict[str, SavedVariable] = {}
    savers: dict[str, str] = {}
    for one in _saved(nodes, _scope(restore)):
        variable = _variable_of(one.tensor, nodes)
        if variable is None:
            continue
        part = parse_spec(one.slice_spec)[1] if one.slice_spec else None
        is_cast = nodes[one.tensor].op == "Cast"
        saved = SavedVariable(one.name, part, is_cast=is_cast)
        known = found.setdefault(variable.name, saved)
        if known != saved and savers[variable.name] != one.scope:
            raise SelectionError(
                f"{graph.file.name}: one saver stores {variable.name!r} as {known.key!r}, another "
                f"as {saved.key!r}; give the .meta file of the checkpoint, which says whose it is"
            )
        savers.setdefault(variable.name, one.scope)
    return found


def read_meta_targets(path: str) -> tuple[Target, ...]:
    """Return what a checkpoint of the graph in ``path`` holds.

    Raises GraphError for what is wrong with it, and the system's OSError.
    """
    with open_graph(path) as graph:
        try:
            targets = _targets(graph)
        except GraphError as error:
            raise error.in_file(path) from None
    if not targets:
        msg = f"{path} has no saver and no variables; give the .meta of a graph that was trained"
        raise UnsupportedGraphError(msg, kind="meta_graph")
    return tuple(with_slots(targets))


def _targets(graph: FrozenGraph) -> list[Target]:
    nodes = {node.name: node for node in graph.nodes}
    restore = graph.meta_graph.rest.saver_def.restore_op_name if graph.meta_graph else ""
    saved = list(_saved(nodes, _scope(restore)))
    return _of_saved(saved, nodes) if saved else _of_variables(graph)


def _scope(restore_op: str) -> str:
    """Return the scope of the saver's nodes, or nothing."""
    scope = restore_op.rpartition("/")[0]
    return scope + "/" if scope else ""


def _saved(nodes: Mapping[str, Node], scope: str) -> Iterator[_Saved]:
    savers = [node for node in nodes.values() if node.op in _SAVES]
    mine = [node for node in savers if scope and node.name.startswith(scope)]
    strings = Strings(nodes)
    for node in mine or savers:
        names_slot, specs_slot, first = _SAVES[node.op]
        inputs = [text for text in node.definition.input if not is_control_input(text)]
        if len(inputs) < first:
            continue
        most = len(inputs) - first
        names = strings.of(node_of_input(inputs[names_slot]), most)
        specs = [b""] * len(names)
        if specs_slot is not None:
            specs = list(strings.of(node_of_input(inputs[specs_slot]), most))
        own = node.name.rpartition("/")[0]
        for one, spec, tensor in zip(names, specs, inputs[first:], strict=False):
            yield _Saved(key_to_text(one), key_to_text(spec), node_of_input(tensor), own)


class Strings:
    """The strings of the constants of a graph, or of a function, each looked at once."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        """Look at constants when they are asked for."""
        self._nodes = nodes
        self._known: dict[str, ConstantTensor | None] = {}

    def of(self, name: str, most: int) -> Sequence[bytes]:
        """Return the first strings of a constant, ``most`` of them; none of what is none."""
        if name not in self._known:
            node = self._nodes.get(name)
            is_constant = node is not None and node.op == "Const"
            self._known[name] = node.constant() if node and is_constant else None
        tensor = self._known[name]
        if tensor is None:
            return ()
        strings = tensor.strings[:most]
        # One element may stand for all.
        repeats = min(tensor.num_elements, most) - len(strings)
        return [*strings, *strings[-1:] * repeats]


def _of_saved(saved: Sequence[_Saved], nodes: Mapping[str, Node]) -> list[Target]:
    places = {name: at for at, name in enumerate(nodes)}
    found: dict[str, Target] = {}
    slices: dict[str, list[Slice]] = {}
    for one in saved:
        variable = _variable_of(one.tensor, nodes)
        dtype, shape = _facts(variable)
        if one.slice_spec:
            shape, part = parse_spec(one.slice_spec)
            slices.setdefault(one.name, []).append(part)
        else:
            slices.pop(one.name, None)
        order = places.get(variable.name if variable else one.tensor, len(places))
        if one.name in found:
            order = min(order, found[one.name].order or 0)
        found[one.name] = Target(one.name, dtype, shape, order=order)
    return [one._replace(slices=tuple(slices.get(one.name, ()))) for one in found.values()]


def _variable_of(name: str, nodes: Mapping[str, Node]) -> Node | None:
    """Return the variable whose value a tensor is."""
    for _ in range(_MAX_STEPS):
        node = nodes.get(name)
        if node is None or node.op in VARIABLE_OPS:
            return node
        if node.op not in _HANDS_ON:
            return None
        inputs = [text for text in node.definition.input if not is_control_input(text)]
        if not inputs:
            return None
        name = node_of_input(inputs[0])
    return None


def _facts(variable: Node | None) -> tuple[DataType | None, tuple[int, ...] | None]:
    """Return type and shape, each None where it is not told."""
    if variable is None:
        return None, None
    found = variable_nodes([variable])
    return (found[0].dtype, _known(found[0].shape)) if found else (None, None)


def _known(shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return the shape if all of its dimensions are known."""
    return None if shape is None or count_elements(shape) is None else shape


def parse_spec(spec: str) -> tuple[tuple[int, ...] | None, Slice]:
    """Take ``31 12 0,11:-``: the sizes of all, and start and length in each dimension."""
    *sizes, parts = spec.split(" ")
    try:
        extents = tuple(_extent(part) for part in parts.split(":"))
        shape = tuple(map(int, sizes))
    except ValueError:
        raise UnsupportedGraphError(f"the saver's slice {spec[:60]!r} is none") from None
    if len(extents) != len(shape) or count_elements(shape) is None:
        raise UnsupportedGraphError(f"the saver's slice {spec[:60]!r} does not fit its shape")
    for (start, length), size in zip(extents, shape, strict=True):
        if start < 0 or start + (length or 0) > size or (length is not None and length < 0):
            raise UnsupportedGraphError(f"the saver's slice {spec[:60]!r} is not within its shape")
    return shape, extents


def _extent(text: str) -> tuple[int, int | None]:
    if text == "-":
        return 0, None
    start, length = text.split(",")
    return int(start), int(length)


def _of_variables(graph: FrozenGraph) -> list[Target]:
    places = {node.name: at for at, node in enumerate(graph.nodes)}
    found: dict[str, Target] = {}
    for one in graph.still_variables():
        target = Target(one.name, one.dtype, _known(one.shape), order=places[one.node])
        found.setdefault(one.name, target)
    return list(found.values())
