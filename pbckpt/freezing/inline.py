"""Inline: the bodies of functions in the places of their calls, as a graph of TensorFlow 1.

    f(a) = MatMul(a, w)        call = PartitionedCall(x, f)  ->  call/MatMul(x, w)
    y = Relu(call)             y = Relu(call)                ->  y = Relu(call/MatMul)

What is called by PartitionedCall, StatefulPartitionedCall and by its own name is put in
place, and what that calls. While, If and Case stay, and their functions in the library.
Names are ``CALL/NODE``; TensorFlow gives the same.

A call runs as a whole: nothing of it before all that it waits for, and who waits for it
waits for what it does. So nodes that take nothing wait for what the call waits for, and
where the call waits, or something in it has an effect (it prints, it fills a table), it
is left as an Identity of its results, which waits for that. It is left as well where the
graph ends in it. In loops and branches of TensorFlow 1 what the call takes goes through
Identities, and nodes that take nothing wait for those: they run in the same loop, and not
at all in the branch that is not taken.

Reference: tensorflow/core/common_runtime/inline_function_utils.h.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import InvalidGraphError, LimitError, UnsupportedGraphError
from pbckpt.freezing.body import ResultNames
from pbckpt.freezing.effects import Effects
from pbckpt.freezing.inline_body import InlineBody, PutNode
from pbckpt.freezing.marks import settle
from pbckpt.freezing.references import References
from pbckpt.graph.node import Node
from pbckpt.rewrite.build import build_node, data_inputs, is_control, producer, tensor_of_input
from pbckpt.rewrite.reach import leading_to
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from pbckpt.freezing.inline_body import Put
    from pbckpt.graph.decode import Graph
    from pbckpt.protos import NodeDef

_CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
_FRAMES = frozenset(("Switch", "RefSwitch", "Enter", "RefEnter", "_SwitchN"))
_MAX_DEPTH = 64
# Who waits for a call of more results waits for one node that waits for them.
_MAX_AWAITED = 8
_MAX_NODES = 1_000_000
_MAX_BYTES = 256 << 20


class Functions(Enum):
    """What becomes of the functions that a frozen graph calls.

    KEEP leaves them functions; INLINE puts them in the places of their calls.
    """

    KEEP = "keep"
    INLINE = "inline"


class _Waiting(NamedTuple):
    """A node that may be a call, and the functions that it is in."""

    node: PutNode
    inside: tuple[str, ...] = ()


def inline_calls(graph: Graph, outputs: Iterable[str], max_nodes: int = _MAX_NODES) -> Graph:
    """Return what leads to some nodes, with the bodies of functions in their calls' places.

    Raises UnsupportedGraphError for a function that calls itself, InvalidGraphError for
    a call that does not fit, LimitError for more nodes than allowed.
    """
    ends = frozenset(outputs)
    kept = leading_to(graph.nodes, ends)
    nodes = [node for node in graph.nodes if node.name in kept]
    inlining = _Inlining(graph, nodes, min(max_nodes, _MAX_NODES))
    made = tuple(inlining.nodes(ends))
    before, after = _called(graph, graph.nodes), _called(graph, made)
    left = [one for one in graph.functions if one.name in after or one.name not in before]
    return graph._replace(nodes=made, functions=tuple(left))


def _called(graph: Graph, nodes: Iterable[Node]) -> Container[str]:
    """Return the functions that some nodes call, and what these call."""
    functions = {one.name: one for one in graph.functions}
    gradients = {one.function_name: one.gradient_func for one in graph.rest.library.gradient}
    references = References(functions, gradients)
    references.follow(nodes, lambda name: functions[name].nodes)
    return references.found


class _Inlining:
    """The nodes of a graph, the calls among them being put in place."""

    def __init__(self, graph: Graph, nodes: Sequence[Node], max_nodes: int) -> None:
        self._functions = {one.name: one for one in graph.functions}
        self._results_of = ResultNames(self._functions)
        self._bodies: dict[str, InlineBody] = {}
        self._effects = Effects(self._functions)
        self._nodes = nodes
        self._max_nodes = max_nodes
        self._num_nodes = self._num_bytes = 0
        self._names = {node.name for node in nodes}
        bodies = (nodes, *(one.nodes for one in graph.functions))
        self._has_frames = any(node.op in _FRAMES for body in bodies for node in body)
        self._calls: dict[str, tuple[NodeDef, Put]] = {}
        self._left: dict[str, NodeDef] = {}
        self._effective: set[str] = set()
        self._awaited: dict[str, list[str]] = {}
        self._tensors: dict[str, str] = {}

    def nodes(self, ends: frozenset[str]) -> Iterator[Node]:
        """Yield the nodes, those of each call in its place."""
        items = [item for node in self._nodes for item in self._expanded(node)]
        if not self._calls:
            yield from self._nodes
            return
        ops = {item.definition.name: item.definition for item in items}
        awaited = {producer(text) for one in ops.values() for text in one.input if is_control(text)}
        # Those in a call come behind it.
        for name in reversed(self._calls):
            self._leave(name, ops, is_end=name in ends, is_awaited=name in awaited)
        for tensor in list(self._tensors):
            settle(tensor, self._tensors)
        for name in self._awaited:
            self._gather(name)
        for item in items:
            name = item.definition.name
            if name in self._left:
                yield self._finished(PutNode(self._left[name], None))
            elif name not in self._calls:
                yield self._finished(item)

    def _expanded(self, root: Node) -> Iterator[PutNode]:
        """Yield a node, or what its call runs, and the call itself behind that."""
        waiting = [_Waiting(PutNode(root.definition, root, is_new=False))]
        while waiting:
            one = waiting.pop()
            definition = one.node.definition
            called = "" if definition.name in self._calls else self._called(definition)
            if not called:
                yield one.node
                continue
            self._check_nesting(definition, called, one.inside)
            put = self._put(definition, called)
            self._calls[definition.name] = definition, put
            waiting.append(one)
            inside = (*one.inside, called)
            waiting += [_Waiting(inner, inside) for inner in reversed(put.nodes)]

    def _called(self, definition: NodeDef) -> str:
        if definition.op in self._functions:
            return definition.op
        if definition.op not in _CALLS:
            return ""
        name = definition.attr["f"].func.name
        if name not in self._functions:
            msg = f"node {definition.name!r} calls it, and the graph does not have it"
            raise InvalidGraphError(msg, node_name=name, thing="function")
        return name

    def _check_nesting(self, call: NodeDef, called: str, inside: Sequence[str]) -> None:
        if called in inside:
            raise UnsupportedGraphError(
                f"node {call.name!r} calls function {called!r} in itself, which cannot be put in "
                "its place; keep the functions with --functions keep",
                node_name=call.name,
                op=call.op,
            )
        if len(inside) >= _MAX_DEPTH:
            raise LimitError(
                "functions that call each other",
                limit="nested functions",
                value=len(inside) + 1,
                maximum=_MAX_DEPTH,
                advice="keep the functions with --functions keep",
            )

    def _put(self, call: NodeDef, called: str) -> Put:
        """Return the nodes of a function as they are in the place of a call."""
        if called not in self._bodies:
            self._bodies[called] = InlineBody(self._functions[called], self._results_of)
        body = self._bodies[called]
        self._count(call, body)
        put = body.put(call, self._names, has_frames=self._has_frames)
        self._names.update(one.definition.name for one in put.nodes)
        return put

    def _count(self, call: NodeDef, body: InlineBody) -> None:
        """Raise LimitError where functions that call functions become too much."""
        size = body.size(call, has_frames=self._has_frames)
        self._num_nodes += size.num_nodes
        self._num_bytes += size.nbytes
        for limit, value, maximum in (
            ("max_nodes", self._num_nodes, self._max_nodes),
            ("inlined bytes", self._num_bytes, _MAX_BYTES),
        ):
            if value > maximum:
                raise LimitError(
                    "what functions have, once for each of their calls",
                    limit=limit,
                    value=value,
                    maximum=maximum,
                    advice="keep the functions with --functions keep",
                )

    def _leave(self, name: str, ops: dict[str, NodeDef], *, is_end: bool, is_awaited: bool) -> None:
        """Leave a call as an Identity of its results where it is needed."""
        call, put = self._calls[name]
        waits = [text for text in call.input if is_control(text)]
        effects = [f"^{one}" for one in put.effects if self._has_effect(one, ops)]
        waits += effects
        if effects:
            self._effective.add(name)
        if waits or is_end:
            self._left[name] = _identity(call, put, waits)
            return
        for place, tensor in enumerate(put.results):
            self._tensors[f"{name}:{place}" if place else name] = tensor_of_input(tensor)
        if is_awaited:
            # Who waits for it waits for what it gives, or takes.
            awaited = put.results or data_inputs(call)
            self._awaited[name] = [tensor_of_input(text) for text in awaited]

    def _gather(self, name: str) -> None:
        """Note whom to wait for, now that calls are gone; one node where these are many."""
        tensors = (self._tensors.get(tensor, tensor) for tensor in self._awaited[name])
        waits = self._awaited[name] = list(dict.fromkeys(f"^{producer(one)}" for one in tensors))
        if len(waits) > _MAX_AWAITED:
            device = self._calls[name][0].device
            self._left[name] = build_node(name, "NoOp", waits, device=device)

    def _has_effect(self, name: str, ops: dict[str, NodeDef]) -> bool:
        if name in self._calls:
            return name in self._effective
        return name in ops and self._effects.has(ops[name])

    def _finished(self, item: PutNode) -> Node:
        """Return a node that takes what is there."""
        definition, source, is_new = item
        inputs = [text for text in self._inputs(definition) if not is_control(text)]
        controls = [text for text in self._inputs(definition) if is_control(text)]
        inputs += dict.fromkeys(controls)
        if source is not None and not is_new and inputs == list(definition.input):
            return source
        made = type(definition)()
        made.CopyFrom(definition)
        del made.input[:]
        made.input.extend(inputs)
        span = Span.of(made.SerializeToString(deterministic=True))
        tensors = source.tensors if source is not None else ()
        return Node(made.name, made.op, made, span, tensors, is_cut=bool(tensors))

    def _inputs(self, definition: NodeDef) -> Iterator[str]:
        for text in definition.input:
            name = producer(text)
            if not is_control(text):
                yield self._tensors.get(tensor_of_input(text), text)
            elif name in self._left or name not in self._awaited:
                yield text
            else:
                yield from self._awaited[name]


def _identity(call: NodeDef, put: Put, waits: Sequence[str]) -> NodeDef:
    """Return what gives the results of a call."""
    op = {0: "NoOp", 1: "Identity"}.get(len(put.results), "IdentityN")
    made = build_node(call.name, op, [*put.results, *dict.fromkeys(waits)], device=call.device)
    if op == "Identity":
        made.attr["T"].type = put.types[0]
    elif op == "IdentityN":
        made.attr["T"].list.type.extend(put.types)
    return made
