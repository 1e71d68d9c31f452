"""Partitions: a variable that was cut into parts, and frozen part by part, is one again.

    X/part_0/read --+
    X/part_1/read --+-> ConcatV2 X/ConcatPartitions/concat      the dimension is told
    X/part_0/read ----> Identity X                              a single part
    X/part_0/read ----> GatherV2                                a table, cut by its rows

TensorFlow 1 names the parts so, and its Saver stores them as slices of X. The trap:
anybody may call a variable part_0. So the numbers must be complete, the shapes
must fit, and what takes the parts must be what takes parts.

Reference: PartitionedVariable of tensorflow/python/ops/variables.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbckpt.errors import UnsupportedGraphError
from pbckpt.operators import GATHERS
from pbckpt.variables.words import READ
from pbckpt.wire.span import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.graph.decode import Node
    from pbckpt.variables.variable import Variable

_PART = re.compile(r"(.+)/part_(0|[1-9][0-9]{0,5})")
_JOINS = frozenset(("Concat", "ConcatV2"))
_JOIN_SCOPE = "/ConcatPartitions/"
_AXIS_BYTES = 8


def join_partitions(
    variables: Sequence[Variable], nodes: Sequence[Node], *, as_slices: bool
) -> tuple[Variable, ...]:
    """Return the variables with the parts of each partitioned one as that one."""
    families: dict[str, dict[int, Variable]] = {}
    for variable in variables:
        match = _PART.fullmatch(variable.key)
        if match:
            families.setdefault(match[1], {})[int(match[2])] = variable
    if not families:
        return tuple(variables)
    taken = {variable.key for variable in variables}
    takers = _takers(nodes, [one for family in families.values() for one in family.values()])
    axis_of = _AxisOf(nodes, takers)
    joined: dict[str, Variable] = {}
    for name, family in families.items():
        whole = None if name in taken else _joined(name, family, axis_of)
        if whole is not None:
            joined |= dict.fromkeys(
                (part.key for part in whole.parts), whole._replace(is_sliced=as_slices)
            )
    return tuple(_with_joined(variables, joined))


def _with_joined(
    variables: Iterable[Variable], joined: Mapping[str, Variable]
) -> Iterator[Variable]:
    for variable in variables:
        whole = joined.get(variable.key)
        if whole is None:
            yield variable
        elif whole.parts[0].key == variable.key:
            yield whole


def _joined(name: str, family: Mapping[int, Variable], axis_of: _AxisOf) -> Variable | None:
    """Return the whole of a family, or None where it is none."""
    if sorted(family) != list(range(len(family))):
        return None
    parts = tuple(family[number] for number in range(len(family)))
    shapes = [part.shape for part in parts]
    axis = axis_of(name, parts)
    if axis is None or len({part.dtype for part in parts}) > 1 or not _fit(shapes, axis):
        return None
    total = sum(shape[axis] for shape in shapes)
    return parts[0]._replace(
        key=name,
        parts=parts,
        axis=axis,
        value_shape=(*shapes[0][:axis], total, *shapes[0][axis + 1 :]),
    )


def _fit(shapes: Sequence[tuple[int, ...]], axis: int) -> bool:
    """Tell whether shapes differ in one dimension alone."""
    if not 0 <= axis < len(shapes[0]):
        return False
    return len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) == 1


def _takers(nodes: Iterable[Node], parts: Iterable[Variable]) -> dict[str, list[Node]]:
    """Return which nodes take each of the parts, or what is read of it, by its constant."""
    readers: dict[str, str] = {}
    for part in parts:
        readers |= dict.fromkeys((part.node, f"{part.node}{READ}"), part.node)
        if part.value:
            readers[part.value] = part.node
    takers: dict[str, list[Node]] = {}
    for node in nodes:
        for text in node.definition.input:
            constant = readers.get(_producer(text))
            if constant is not None and node.name not in readers:
                takers.setdefault(constant, []).append(node)
    return takers


def _producer(text: str) -> str:
    return text.partition(":")[0]


class _AxisOf:
    """Tells in which dimension parts follow each other, by what takes them."""

    def __init__(self, nodes: Sequence[Node], takers: Mapping[str, Sequence[Node]]) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._takers = takers

    def __call__(self, name: str, parts: Sequence[Variable]) -> int | None:
        """Return the dimension, or None where nothing takes these as the parts of one."""
        takers = [self._takers.get(part.node, ()) for part in parts]
        common = [one for one in takers[0] if all(one in others for others in takers[1:])]
        for taker in common:
            if taker.op in _JOINS and (_JOIN_SCOPE in taker.name or _is_joined(taker, parts)):
                return self._axis(taker, len(parts[0].shape))
            if taker.op == "Identity" and len(parts) == 1 and _is_named(taker.name, name):
                return 0
        is_table = all(any(one.op in GATHERS for one in some) for some in takers)
        return 0 if is_table else None

    def _axis(self, taker: Node, rank: int) -> int | None:
        """Return the dimension in which a node joins its inputs."""
        inputs = [text for text in taker.definition.input if text[:1] != "^"]
        node = self._nodes.get(_producer(inputs[0 if taker.op == "Concat" else -1]))
        if node is None or node.op != "Const":
            return None
        try:
            tensor = node.constant()
        except UnsupportedGraphError:
            # A resource, a variant: no number.
            return None
        if tensor.num_elements != 1 or tensor.dtype.itemsize not in (4, _AXIS_BYTES):
            return None
        buffer = memoryview(bytearray(_AXIS_BYTES))
        axis = int.from_bytes(
            b"".join(map(bytes, chunks(tensor.spans(), buffer))), "little", signed=True
        )
        return axis + rank if axis < 0 else axis


def _is_joined(taker: Node, parts: Sequence[Variable]) -> bool:
    """Tell whether a node joins just these parts, in their order."""
    inputs = [text for text in taker.definition.input if text[:1] != "^"]
    data = inputs[1:] if taker.op == "Concat" else inputs[:-1]
    names = [_producer(text).removesuffix(READ) for text in data]
    return names == [(part.value or part.node).removesuffix(READ) for part in parts]


def _is_named(node: str, name: str) -> bool:
    """Tell whether a node has a variable's name, but for the scope of an import."""
    return node == name or node.endswith(f"/{name}")
