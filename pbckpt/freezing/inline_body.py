"""Inline body: the nodes of a function as they are in the place of a call.

    f(a):  m MatMul a  w:output:0         call/m  MatMul  x  call/w
           w Const                        call/w  Const
           returns m:product:0            results: call/m

Attributes that the function leaves open are the call's. A node without a device is
where the call is. Nodes that stand together stand together here.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import InvalidGraphError, UnsupportedGraphError
from pbckpt.freezing.body import Body
from pbckpt.freezing.effects import listed_nodes
from pbckpt.rewrite.build import build_node, data_inputs, is_control, producer
from pbckpt.rewrite.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from pbckpt.freezing.body import ResultNames
    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node
    from pbckpt.protos import AttrValue, NodeDef, OpDef

_TOGETHER = b"loc:@"
# What the name of an argument or a result takes, about, besides the characters.
_TENSOR_BYTES = 64
_NODE_BYTES = 512


class PutNode(NamedTuple):
    """A node of a graph on the way: its message, and the node that it comes of."""

    definition: NodeDef
    source: Node | None
    is_new: bool = True


class Put(NamedTuple):
    """A function in the place of a call.

    ``results`` are the tensors that the call gave, of ``types``; ``effects`` nodes that
    the function says are to run, whoever takes its results.
    """

    nodes: list[PutNode]
    results: list[str]
    types: list[int]
    effects: list[str]


class Size(NamedTuple):
    """How much a function is in the place of a call: nodes, and bytes for them."""

    num_nodes: int
    nbytes: int


class InlineBody:
    """A function, to be put in the places of its calls."""

    def __init__(self, function: Function, results_of: ResultNames) -> None:
        """``results_of`` knows the functions that its nodes may call by their names."""
        self._function = function
        self._nodes = function.nodes
        self._definition = function.definition()
        self._names = {node.name for node in function.nodes}
        consts = (node for node in function.nodes if node.op == "Const")
        self._constants = {node.name for node in consts if not node.definition.input}
        # Whom to take is to wait for what the call waits for, where constants do not.
        self._waiting = self._names - self._constants
        self._body = Body(Draft(function.nodes), results_of, function.name)
        self._num_bytes = sum(node.definition.ByteSize() for node in function.nodes)
        self._num_open = sum(
            value.WhichOneof("value") == "placeholder"
            for node in function.nodes
            for value in node.definition.attr.values()
        )

    def size(self, call: NodeDef, *, has_frames: bool) -> Size:
        """Return how much is made of the function in the place of a call, before it is."""
        signature = self._definition.signature
        num_arguments, num_results = len(signature.input_arg), len(signature.output_arg)
        num_nodes = len(self._nodes) + 1 + (num_arguments if has_frames else 0)
        each = len(call.name) + len(call.device)
        nbytes = (
            self._num_bytes
            + num_nodes * each
            + (num_arguments + num_results) * (_TENSOR_BYTES + len(call.name))
        )
        if self._num_open:
            nbytes += self._num_open * call.ByteSize()
        if has_frames:
            # Each argument waits for all that the call waits for.
            waits = sum(len(text) for text in call.input if is_control(text))
            nbytes += num_arguments * (_NODE_BYTES + waits)
        return Size(num_nodes, nbytes)

    def put(self, call: NodeDef, taken: Container[str], *, has_frames: bool) -> Put:
        """Return the function in the place of a call.

        No node is called as one of those ``taken``. ``has_frames``: the graph has loops or
        branches of TensorFlow 1, so that it matters where nodes run that take nothing.
        """
        arguments = data_inputs(call)
        declared = self._definition.signature.input_arg
        if len(arguments) != len(declared):
            msg = f"it takes {len(declared)} arguments, and is given {len(arguments)}"
            raise InvalidGraphError(msg, node_name=self._function.name, thing="function")
        names = self._new_names(call, taken)
        placing = _Placing(self._body, call, names)
        waits = list(dict.fromkeys(text for text in call.input if is_control(text)))
        nodes = []
        if has_frames:
            nodes += placing.inputs(declared, arguments, waits, taken)
            arguments = [one.definition.name for one in nodes]
            waits += [f"^{name}" for name in arguments]
        placing.given.update(zip(self._function.arguments, arguments, strict=True))
        if len(waits) > 1:
            start = placing.fresh("start", taken)
            nodes.append(PutNode(build_node(start, "NoOp", waits, device=call.device), None))
            waits = [f"^{start}"]
        nodes += [
            PutNode(self._placed(placing, node, waits, constants_wait=has_frames), node)
            for node in self._nodes
        ]
        return self._put(placing, nodes)

    def _placed(
        self, placing: _Placing, node: Node, waits: Sequence[str], *, constants_wait: bool
    ) -> NodeDef:
        made = placing.definition(node)
        waiting = self._names if constants_wait else self._waiting
        is_first = not any(producer(text) in waiting for text in node.definition.input)
        if is_first and (constants_wait or node.name not in self._constants):
            made.input.extend(text for text in waits if text not in made.input)
        return made

    def _put(self, placing: _Placing, nodes: list[PutNode]) -> Put:
        declared = self._definition.signature.output_arg
        results = [placing.input(self._definition.ret[one.name]) for one in declared]
        types = [placing.type_of(one) for one in declared]
        listed = listed_nodes(self._function, self._definition)
        return Put(nodes, results, types, [placing.names[node.name] for node in listed])

    def _new_names(self, call: NodeDef, taken: Container[str]) -> dict[str, str]:
        names: dict[str, str] = {}
        used: set[str] = set()
        for node in self._nodes:
            name = names[node.name] = _fresh(f"{call.name}/{node.name}", used, taken)
            used.add(name)
        return names


def _fresh(wanted: str, used: Container[str], taken: Container[str]) -> str:
    names = (wanted if number == 0 else f"{wanted}_{number}" for number in count())
    return next(name for name in names if name not in used and name not in taken)


class _Placing:
    """What the names in a function are where a call was."""

    def __init__(self, body: Body, call: NodeDef, names: Mapping[str, str]) -> None:
        self._body = body
        self._call = call
        self.names = names
        self._used = frozenset(names.values())
        self.given: dict[str, str] = {}
        named = call.attr.get("f")
        self._attrs = named.func.attr if named is not None else call.attr

    def fresh(self, name: str, taken: Container[str]) -> str:
        """Return the name of a node that the function does not have."""
        return _fresh(f"{self._call.name}/{name}", self._used, taken)

    def inputs(
        self,
        declared: Sequence[OpDef.ArgDef],
        arguments: Sequence[str],
        waits: Sequence[str],
        taken: Container[str],
    ) -> list[PutNode]:
        """Return an Identity for each argument of the call."""
        found = []
        for place, (one, text) in enumerate(zip(declared, arguments, strict=True)):
            name = self.fresh(f"input_{place}", taken)
            made = build_node(name, "Identity", [text, *waits], device=self._call.device)
            made.attr["T"].type = self.type_of(one)
            found.append(PutNode(made, None))
        return found

    def definition(self, node: Node) -> NodeDef:
        """Return a node as it is there."""
        made = type(node.definition)()
        made.CopyFrom(node.definition)
        made.name = self.names[node.name]
        made.device = made.device or self._call.device
        del made.input[:]
        made.input.extend(self.input(text) for text in node.definition.input)
        for value in made.attr.values():
            if value.WhichOneof("value") == "placeholder":
                value.CopyFrom(self._open(node.name, value.placeholder))
        if "_class" in made.attr:
            together = made.attr["_class"].list.s
            beside = [self._beside(one) for one in together]
            del together[:]
            # What a function does not have, TensorFlow does not look for there.
            together.extend(one for one in beside if one)
            if not together:
                del made.attr["_class"]
        return made

    def input(self, text: str) -> str:
        """Return what an input of the function is there."""
        name = producer(text)
        if is_control(text):
            return f"^{producer(self.given[name]) if name in self.given else self._new(name)}"
        if name in self.given:
            return self.given[name]
        new = self._new(name)
        output = self._body.place(text).output
        return f"{new}:{output}" if output else new

    def type_of(self, declared: OpDef.ArgDef) -> int:
        """Return the type of a result."""
        if declared.number_attr or declared.type_list_attr:
            msg = f"{declared.name!r} is a list of tensors, and has no place in a call"
            raise UnsupportedGraphError(f"function {self._body.function!r}: {msg}")
        if not declared.type_attr:
            return declared.type
        return self._open(self._call.name, declared.type_attr).type

    def _new(self, name: str) -> str:
        if name not in self.names:
            msg = f"it takes {name!r}, which is no node and no argument of it"
            raise InvalidGraphError(msg, node_name=self._body.function, thing="function")
        return self.names[name]

    def _open(self, node: str, name: str) -> AttrValue:
        if name not in self._attrs:
            msg = f"an attribute is to be {name!r} of its call, {self._call.name!r}, which has none"
            raise InvalidGraphError(msg, node_name=node)
        return self._attrs[name]

    def _beside(self, place: bytes) -> bytes:
        name = place.removeprefix(_TOGETHER).decode("utf-8", "surrogateescape")
        if not place.startswith(_TOGETHER):
            return place
        if name not in self.names:
            return b""
        return _TOGETHER + self.names[name].encode("utf-8", "surrogateescape")
