"""Signature: which tensors of a graph its SavedModel takes, and which it gives.

given       as they are: x, x:0, or with another name for it, image=x:0
of before   what the graph's own signatures say, if it came with some
inferred    placeholders in; out, what nothing takes of that which depends on them
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.outputs import choose_outputs
from pbckpt.dtypes import DataType
from pbckpt.errors import LimitError, SelectionError
from pbckpt.names import node_of_input
from pbckpt.rewrite.build import is_control, tensor_of_input
from pbckpt.rewrite.reach import leading_to
from pbckpt.thaw.contexts import CONTROL_FLOW_OPS, ControlFlow
from pbckpt.thaw.signature import DEFAULT_SIGNATURE, Port, Signature, named_signatures
from pbckpt.thaw.tensor_types import TensorTypes, stated_shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.graph.node import Node
    from pbckpt.thaw.signature import NamedTensor, SignatureNames

    Signatures = Mapping[str, Signature]

_KEY = "="
# Any number of an output that a node can have, and int() takes more than that.
_NUMBER = re.compile(r"[0-9]{1,9}")
PLACEHOLDERS = frozenset(("Placeholder", "PlaceholderV2"))
_FED = frozenset(("IteratorGetNext", "QueueDequeueV2", "QueueDequeueManyV2"))
_WITH_DEFAULT = "PlaceholderWithDefault"
# Functional loops and branches that were lowered end in nodes such as while/exit/_23.
_LOWERED = re.compile(r"/_[0-9]+$")
# What an assertion looked at, which freezing took away.
_ASSERTION = re.compile(r"(?:^|/)(?:[Aa]ssert\w*|AssertGuard(?:_\d+)?)/")
_ASSERTED = frozenset(("All", "LogicalAnd", "LogicalOr"))
# What a batch normalization gives besides is for its gradient.
_FIRST_ALONE = "FusedBatchNorm"
_MAX_PORTS = 4096
_NO_VALUE = frozenset((DataType.RESOURCE, DataType.VARIANT))


class GivenPorts(NamedTuple):
    """The inputs and outputs that somebody gave, each ``TENSOR`` or ``KEY=TENSOR``."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def choose_signatures(graph: FrozenGraph, given: GivenPorts) -> Signatures:
    """Return the signatures of a graph's SavedModel, by their keys.

    Raises SelectionError for tensors that it has not, for two of one name, and where
    nothing is given and nothing can be inferred.
    """
    ports = _Ports(graph)
    if not given.inputs and not given.outputs:
        kept = _of_before(graph, ports)
        if kept:
            return kept
    outputs = _given(given.outputs, ports, "output") or _inferred_outputs(graph, ports)
    inputs = _given(given.inputs, ports, "input") or _inferred_inputs(graph, ports, outputs)
    chosen = Signature(tuple(inputs), tuple(outputs))
    _refuse_unfed(graph, chosen)
    return {DEFAULT_SIGNATURE: chosen}


class _Ports:
    """The tensors of a graph."""

    def __init__(self, graph: FrozenGraph) -> None:
        self._file = graph.file.name
        self._nodes = {node.name: node for node in graph.nodes}
        self._types_of = TensorTypes(graph.functions)
        self._known_types: dict[str, list[DataType] | None] = {}

    def _types(self, node: Node) -> list[DataType] | None:
        if node.name not in self._known_types:
            self._known_types[node.name] = self._types_of(node.definition)
        return self._known_types[node.name]

    def of_node(self, node: Node) -> Iterator[Port]:
        """Yield what a node gives that can be fed or fetched."""
        for index, dtype in enumerate(self._types(node) or ()):
            if dtype not in _NO_VALUE:
                yield self._port(node, index, dtype)

    @staticmethod
    def _port(node: Node, index: int, dtype: DataType, key: str = "") -> Port:
        name = f"{node.name}:{index}"
        shape = stated_shape(node.definition, index)
        return Port(key or name.removesuffix(":0"), name, dtype, shape)

    def find(self, text: str) -> Port:
        """Return the tensor that somebody named."""
        key, _, tensor = text.rpartition(_KEY)
        name, colon, number = tensor.rpartition(":")
        if not colon or not _NUMBER.fullmatch(number):
            name, number = tensor, "0"
        node = self._nodes.get(name)
        if node is None:
            raise self._unknown(name)
        types = self._types(node)
        if types is None:
            raise SelectionError(
                f"{self._file}: the type of {tensor!r} is not known, since no TensorFlow has its "
                f"op {node.op!r}; give a tensor of another node",
                unknown=(tensor,),
            )
        if int(number) >= len(types):
            count = "1 output" if len(types) == 1 else f"{len(types)} outputs"
            raise SelectionError(
                f"{self._file}: node {name!r} ({node.op}) has {count} and no number "
                f"{number}; give a tensor that it has",
                unknown=(tensor,),
            )
        return self._port(node, int(number), types[int(number)], key)

    def _unknown(self, name: str) -> SelectionError:
        from pbckpt.edits.nearest import nearest_names  # noqa: PLC0415 - only for an error

        near = nearest_names(name, self._nodes)
        hint = f" (nearest: {', '.join(near)})" if near else ""
        return SelectionError(
            f"{self._file} has no node {name!r}{hint}; give the names of tensors that it has, "
            "which a viewer such as Netron shows",
            unknown=(name,),
            suggestions=tuple(near),
        )

    def has(self, names: SignatureNames) -> bool:
        """Tell whether all tensors of a signature are there."""
        told = (*names.inputs.values(), *names.outputs.values())
        return all(node_of_input(one.tensor) in self._nodes for one in told)


def _of_before(graph: FrozenGraph, ports: _Ports) -> dict[str, Signature]:
    """Return the signatures that the graph came with, as far as their tensors are there."""
    if graph.meta_graph is None:
        return {}
    found = {}
    for key, names in named_signatures(graph.meta_graph.rest).items():
        if ports.has(names):
            # One of which a tensor is of a type that is not known is as good as none.
            with suppress(SelectionError):
                found[key] = Signature(
                    _told(ports, names.inputs), _told(ports, names.outputs), names.method
                )
    return found


def left_out_signatures(graph: FrozenGraph, signatures: Signatures) -> list[str]:
    """Return the keys of those that the graph came with and that could not be kept."""
    if graph.meta_graph is None:
        return []
    return sorted(named_signatures(graph.meta_graph.rest).keys() - signatures.keys())


def _told(ports: _Ports, tensors: Mapping[str, NamedTensor]) -> tuple[Port, ...]:
    return tuple(_as_told(ports.find(one.tensor), key, one) for key, one in tensors.items())


def _as_told(port: Port, key: str, told: NamedTensor) -> Port:
    return port._replace(key=key, shape=port.shape if told.shape is None else told.shape)


def _given(texts: Sequence[str], ports: _Ports, what: str) -> list[Port]:
    found = [ports.find(text) for text in texts]
    odd = next((port.key for port in found if not _is_text(port.key)), None)
    if odd is not None:
        raise SelectionError(f"{odd!r} is not UTF-8, as names of tensors are; give another name")
    keys = Counter(port.key for port in found)
    twice = next((key for key, count in keys.items() if count > 1), None)
    if twice is not None:
        raise SelectionError(
            f"two {what}s are called {twice!r}; give each a name of its own, such as a={twice}"
        )
    tensors = Counter(port.tensor for port in found)
    same = next((one for one, count in tensors.items() if count > 1), None)
    if same is not None and what == "input":
        raise SelectionError(f"the input {same!r} is given twice; one tensor is fed once")
    return found


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inferred_outputs(graph: FrozenGraph, ports: _Ports) -> list[Port]:
    nodes = {node.name: node for node in graph.nodes}
    found: list[Port] = []
    ends, _ = choose_outputs(graph, ())
    for name in _results(graph, ends) or ends:
        of_node = list(ports.of_node(nodes[name]))
        found += of_node[:1] if nodes[name].op.startswith(_FIRST_ALONE) else of_node
        _limit_ports(found)
    if not found:
        raise SelectionError(
            f"{graph.file.name}: what does the model give? Nothing that could be told from the "
            "graph has a value; give it with --outputs TENSOR,..."
        )
    return found


def _refuse_unfed(graph: FrozenGraph, signature: Signature) -> None:
    """Raise SelectionError for a placeholder that outputs need and that is no input."""
    needed = needed_nodes(graph, signature)
    unfed = [
        node.name
        for node in graph.nodes
        if node.name in needed and node.op in PLACEHOLDERS and not is_handle(node)
    ]
    if unfed:
        raise SelectionError(
            f"{graph.file.name}: the outputs need {unfed[0]!r} too, which nothing feeds; add it to "
            "--inputs",
            unknown=tuple(unfed),
        )


def needed_nodes(graph: FrozenGraph, signature: Signature) -> set[str]:
    """Return the nodes that run for the outputs of a signature when its inputs are fed.

    A node can be among them of which one output is fed and another is taken.
    """
    nodes = {node.name: node for node in graph.nodes}
    fed = {tensor_of_input(port.tensor) for port in signature.inputs}
    # What waits for a placeholder that is fed does not make it run.
    given = {name for name in map(node_of_input, fed) if nodes[name].op in PLACEHOLDERS}
    found: set[str] = set()
    waiting = [port.tensor for port in signature.outputs]
    while waiting:
        text = waiting.pop()
        name = node_of_input(text)
        is_fed = name in given if is_control(text) else tensor_of_input(text) in fed
        if not is_fed and name in nodes and name not in found:
            found.add(name)
            waiting += nodes[name].definition.input
    return found


def is_handle(node: Node) -> bool:
    """Tell whether a placeholder is one of a resource, such as a variable or a table."""
    dtype = node.definition.attr.get("dtype")
    return node.op in PLACEHOLDERS and dtype is not None and dtype.type == DataType.RESOURCE


def _limit_ports(found: Sequence[Port]) -> None:
    """Raise LimitError for more than anybody calls by name: a few bytes claim many outputs."""
    if len(found) > _MAX_PORTS:
        raise LimitError(
            "tensors of an inferred signature",
            limit="ports",
            value=len(found),
            maximum=_MAX_PORTS,
            advice="name those that are meant with --inputs and --outputs",
        )


def _results(graph: FrozenGraph, names: Sequence[str]) -> list[str]:
    """Return those of some nodes that a user would ask for.

    Not what is inside of a loop or a branch, which may have no value, nor what was left
    when loops and assertions were taken to pieces.
    """
    ops = {node.name: node.op for node in graph.nodes}
    contexts = None
    if not CONTROL_FLOW_OPS.isdisjoint(ops.values()):
        contexts = ControlFlow(node.definition for node in graph.nodes)
    return [
        name
        for name in names
        if (contexts is None or contexts.context(name) is None)
        and not _LOWERED.search(name)
        and ops[name] not in _ASSERTED
        and not _ASSERTION.search(name)
    ]


def _inferred_inputs(graph: FrozenGraph, ports: _Ports, outputs: Iterable[Port]) -> list[Port]:
    """Return the placeholders that outputs depend on; those with a default if there are none."""
    leading = leading_to(graph.nodes, (node_of_input(port.tensor) for port in outputs))
    nodes = [node for node in graph.nodes if node.name in leading]
    for ops in (PLACEHOLDERS | _FED, frozenset((_WITH_DEFAULT,))):
        found: list[Port] = []
        for node in nodes:
            if node.op in ops:
                found += ports.of_node(node)
                _limit_ports(found)
        if found:
            return found
    return []
