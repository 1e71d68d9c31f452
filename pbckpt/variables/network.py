"""The graph as a network of nodes, its functions included: who takes whose value.

    main graph      Const w ---------> While loop          slot 4
                       |
    body "loop_b"      +-------------> argument w_arg ---> Identity ---> MatMul
                                       a node of its own

A node is a number, so that the walks over 100,000 of them are quick. Every
argument and every result of a function is a node too: what goes into a call
goes on at the argument, and what a function returns goes on where the outputs of
its calls are taken. A function that calls itself is a cycle like any other.

Only data edges count; a control input orders execution and says nothing about
what a constant is. Nothing here recurses.

Reference: tensorflow/core/framework/function.proto on the names in a body.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.outputs import output_length
from pbckpt.operators.calls import CALLS, DIRECT_CALL
from pbckpt.operators.outputs import output_index
from pbckpt.variables.called import called_functions, listed_functions
from pbckpt.variables.words import RESOURCE, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbckpt.graph.decode import Graph, Node
    from pbckpt.operators.calls import Call
    from pbckpt.protos import AttrValue

# The op of a node whose value is given in the graph.
CONSTANT_OP = "Const"
# The ops of the nodes that stand for what goes in and out of functions.
ARGUMENT_OP = "_Arg"
RESULT_OP = "_Retval"
# A part of the name of an Identity that was the read of a resource.
_READ = "ReadVariableOp"
# Between the name of a function and that of a node in it.
SEPARATOR = "::"
# Of a node that takes nothing; never added to.
_NO_INPUTS: list[tuple[int, int]] = []
_NOBODY: tuple[tuple[int, int], ...] = ()
# How many inputs and results of calls are followed in all: a few thousand calls of
# a few thousand functions each would make edges without end.
_MAX_ENTERED = 2_000_000
_ENTERED_PER_NODE = 8
# Stands for the call by which a value goes into a function and does not come back.
_NO_CALL = -1
_FIRST = (0,)
_SEVERAL = 2
_ANY_NUMBER = 1 << 31
# An input that names no node.
NOWHERE = (-1, 0)


class _Body(NamedTuple):
    """The main graph, or a function: numbers by name."""

    name: str
    numbers: dict[str, int]
    arguments: tuple[int, ...]
    results: tuple[int, ...]


class Network:
    """All nodes, numbered, with the data edges between them.

    ``names`` are as in the graph, ``functions`` those of the function that each
    node is in, empty in the main graph. ``nodes`` are None for arguments and
    results. ``inputs`` are pairs of a producer and which of its outputs; those of an
    argument come from its calls, one each. ``is_whole`` unless there are more calls
    than are followed.
    """

    def __init__(self, graph: Graph) -> None:
        """Index the edges; inputs that name no node lead nowhere."""
        self.names: list[str] = []
        self.ops: list[str] = []
        self.nodes: list[Node | None] = []
        self.functions: list[str] = []
        self.inputs: list[list[tuple[int, int]]] = []
        self._first: list[list[tuple[int, int]] | None] = []
        self._other: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._taken: dict[int, list[int]] = {}
        self._calls: list[tuple[int, _Body]] = []
        self._called: set[int] = set()
        self._callers: dict[int, list[int]] = {}
        self._places: dict[int, int] = {}
        self._mixed: dict[int, bool] = {}
        self._fused: dict[int, tuple[str, ...] | None] = {}
        self._resources: dict[int, frozenset[int]] = {}
        self._placed: dict[int, frozenset[bytes]] = {}
        self._kept_by: dict[str, frozenset[int]] = {}
        # A function without a name is one that nothing can call, and its nodes
        # would pass for those of the graph.
        functions = [function for function in graph.functions if function.name]
        self._functions = {function.name: function for function in functions}
        main = self._add_body("", graph.nodes, (), 0)
        self._bodies = {
            function.name: self._add_body(
                function.name, function.nodes, function.arguments, len(function.returns)
            )
            for function in functions
        }
        self._budget = max(_MAX_ENTERED, _ENTERED_PER_NODE * len(self.names))
        self._connect(main, graph.nodes)
        for function in functions:
            body = self._bodies[function.name]
            self._connect(body, function.nodes)
            for result, text in zip(body.results, function.returns, strict=True):
                self._feed(result, 0, self._resolve_in_function(text, body))
        self._connect_results()

    @cached_property
    def known_names(self) -> frozenset[str]:
        """The names of all nodes."""
        return frozenset(self.names)

    @cached_property
    def has_resources(self) -> bool:
        """Whether there were resource variables: reads became Identities, captures constants."""
        return any(
            (op == "Identity" and _READ in name) or (op == CONSTANT_OP and name.endswith(RESOURCE))
            for op, name in zip(self.ops, self.names, strict=True)
        )

    def __len__(self) -> int:
        """Return how many nodes there are, arguments and results included."""
        return len(self.names)

    def title(self, number: int) -> str:
        """Return the name of a node, in a function as ``FUNCTION::node``."""
        function = self.functions[number]
        return f"{function}{SEPARATOR}{self.names[number]}" if function else self.names[number]

    def describe(self, number: int) -> str:
        """Return a node in words, its op and its name, as reasons tell it."""
        return f"{shown(self.ops[number])} {quoted(self.names[number])}"

    def constants(self) -> Iterator[int]:
        """Yield the numbers of all Const nodes, in file order."""
        return (number for number, op in enumerate(self.ops) if op == CONSTANT_OP)

    def consumers(self, number: int, output: int = 0) -> Sequence[tuple[int, int]]:
        """Return who takes an output: pairs of a node and its input slot."""
        if output == 0:
            return self._first[number] or _NOBODY
        return self._other.get((number, output), _NOBODY)

    def outputs(self, number: int) -> Iterable[int]:
        """Return the outputs of a node that are taken; 0 always."""
        return self._taken.get(number, _FIRST)

    def input(self, number: int, slot: int) -> tuple[int, int]:
        """Return who feeds a slot: a producer and its output; NOWHERE if nobody does."""
        inputs = self.inputs[number]
        return inputs[slot] if slot < len(inputs) else NOWHERE

    @property
    def is_whole(self) -> bool:
        """Whether all calls are followed."""
        return self._budget >= 0

    def call_of(self, argument: int, slot: int) -> int:
        """Return the call that feeds a slot of an argument; -1 if nothing comes back to it."""
        calls = self._callers.get(argument, ())
        return calls[slot] if slot < len(calls) else _NO_CALL

    def is_mixed(self, number: int) -> bool:
        """Tell whether a node is an argument to which several calls give different values."""
        if self.ops[number] != ARGUMENT_OP or len(self.inputs[number]) < _SEVERAL:
            return False
        if number not in self._mixed:
            self._mixed[number] = len(set(self.inputs[number])) > 1
        return self._mixed[number]

    def fused_ops(self, number: int) -> tuple[str, ...] | None:
        """Return what a node does beside its op, as its attr says it; None without one."""
        if number not in self._fused:
            attr = self._attr(number, "fused_ops")
            self._fused[number] = (
                None
                if attr is None
                else tuple(name.decode("utf-8", "replace") for name in attr.list.s)
            )
        return self._fused[number]

    def is_call(self, op: str) -> bool:
        """Tell whether an op runs functions, its own or those that its attrs name."""
        return op in CALLS or op in self._bodies

    def resource_slots(self, number: int) -> frozenset[int]:
        """Return which inputs of a node were resources, where freezing has listed them."""
        if number not in self._resources:
            attr = self._attr(number, "_read_only_resource_inputs")
            self._resources[number] = frozenset(attr.list.i if attr is not None else ())
        return self._resources[number]

    def places(self, number: int) -> frozenset[bytes]:
        """Return what a node is placed with, each as ``loc:@NAME``."""
        if number not in self._placed:
            attr = self._attr(number, "_class")
            self._placed[number] = frozenset(attr.list.s if attr is not None else ())
        return self._placed[number]

    def _attr(self, number: int, name: str) -> AttrValue | None:
        node = self.nodes[number]
        return node.definition.attr.get(name) if node is not None else None

    def returned(self, result: int, call: int) -> Sequence[tuple[int, int]]:
        """Return who takes the output of a call that is this result of the function."""
        place = self._places.get(result)
        return _NOBODY if call < 0 or place is None else self.consumers(call, place)

    def is_called(self, number: int) -> bool:
        """Tell whether a node calls a function, whose results its outputs are."""
        return number in self._called

    def _add(self, name: str, op: str, function: str, node: Node | None) -> int:
        self.names.append(name)
        self.ops.append(op)
        self.functions.append(function)
        self.nodes.append(node)
        self.inputs.append([])
        self._first.append([] if op == RESULT_OP else None)
        return len(self.names) - 1

    def _add_body(
        self, name: str, nodes: Sequence[Node], arguments: Sequence[str], results: int
    ) -> _Body:
        add = self._add
        first, count = len(self.names), len(nodes)
        names = [node.name for node in nodes]
        self.names += names
        self.ops += [node.op for node in nodes]
        self.functions += [name] * count
        self.nodes += nodes
        self.inputs += [_NO_INPUTS] * count
        self._first += [None] * count
        numbers = dict(zip(names, range(first, first + count), strict=True))
        given = tuple(add(argument, ARGUMENT_OP, name, None) for argument in arguments)
        taken = tuple(add(f"result {place}", RESULT_OP, name, None) for place in range(results))
        self._places.update(zip(taken, range(results), strict=True))
        numbers.update(zip(arguments, given, strict=True))
        return _Body(name, numbers, given, taken)

    def _connect(self, body: _Body, nodes: Sequence[Node]) -> None:
        resolve = self._resolve_in_function if body.name else self._resolve
        numbers, feed, first = body.numbers, self._feed, self._first
        for node in nodes:
            texts = node.definition.input
            op = node.op
            call = CALLS.get(op) or (DIRECT_CALL if op in self._bodies else None)
            if not texts and call is None:
                continue
            number = numbers[node.name]
            inputs: list[tuple[int, int]] = []
            for text in texts:
                if text[:1] == "^":
                    continue
                source = numbers.get(text)
                if source is None:
                    producer = resolve(text, body)
                    feed(number, len(inputs), producer)
                    inputs.append(producer)
                    continue
                # Most inputs are the first outputs of nodes, and this is most of the time.
                takers = first[source]
                if takers is None:
                    first[source] = [(number, len(inputs))]
                else:
                    takers.append((number, len(inputs)))
                inputs.append((source, 0))
            self.inputs[number] = inputs
            if call is not None:
                self._enter(number, call, node)

    def _feed(self, number: int, slot: int, producer: tuple[int, int]) -> None:
        """Note that a slot takes a producer's output."""
        source, output = producer
        if source < 0:
            return
        if output:
            takers = self._other.get(producer)
            if takers is None:
                takers = self._other[producer] = []
                self._taken.setdefault(source, [0]).append(output)
            takers.append((number, slot))
        elif (first := self._first[source]) is None:
            self._first[source] = [(number, slot)]
        else:
            first.append((number, slot))

    def _enter(self, number: int, call: Call, node: Node) -> None:
        """Let what goes into a call go on in the functions that are called.

        Into a loop only what stays the same from round to round.
        """
        inputs = self.inputs[number]
        kept = self._kept(call, node) if call.loops else None
        for function, returns in called_functions(call, node).items():
            body = self._bodies.get(function)
            self._budget -= len(inputs)
            if body is None or self._budget < 0:
                continue
            if returns:
                self._calls.append((number, body))
                self._called.add(number)
            for slot, producer in enumerate(inputs):
                place = call.argument_of(slot, len(inputs))
                if place is None or place >= len(body.arguments):
                    continue
                if kept is None or place in kept:
                    argument = body.arguments[place]
                    self._feed(argument, len(self.inputs[argument]), producer)
                    self.inputs[argument].append(producer)
                    self._callers.setdefault(argument, []).append(number if returns else _NO_CALL)

    def _kept(self, call: Call, node: Node) -> frozenset[int]:
        """Return which arguments a loop's body returns as it got them."""
        function = next(
            (name for attr in call.returns for name in listed_functions(node, attr)), ""
        )
        if function not in self._kept_by:
            self._kept_by[function] = frozenset(self._find_kept(call, function))
        return self._kept_by[function]

    def _find_kept(self, call: Call, function: str) -> Iterator[int]:
        body = self._bodies.get(function)
        definition = self._functions.get(function)
        if body is None or definition is None:
            return
        nodes = {node.name: node for node in definition.nodes}
        for output, text in enumerate(definition.returns):
            place = call.argument_of(call.slot_of_result(output) or 0, _ANY_NUMBER)
            if place is None or place >= len(body.arguments):
                continue
            # Bodies hand on what stays the same as it is, or by an Identity.
            handed = nodes.get(text.partition(":")[0])
            is_handed = handed is not None and handed.op == "Identity"
            given = handed.definition.input[:1] if handed and is_handed else [text]
            if list(given) == [definition.arguments[place]]:
                yield place

    def _connect_results(self) -> None:
        """Let what functions return go on where the outputs of their calls are taken."""
        for number, body in self._calls:
            self._budget -= len(body.results)
            for place, result in enumerate(body.results):
                takers = self.consumers(number, place)
                self._budget -= len(takers)
                if self._budget < 0:
                    return
                first = self._first[result]
                if takers and first is not None:
                    first.extend(takers)

    @staticmethod
    def _resolve(text: str, body: _Body) -> tuple[int, int]:
        """Return the producer that an input of the main graph names: ``node`` or ``node:k``."""
        number = body.numbers.get(text)
        if number is not None:
            return number, 0
        name, _, output = text.rpartition(":")
        number = body.numbers.get(name)
        if number is None or not _is_number(output):
            return NOWHERE
        return number, int(output)

    def _resolve_in_function(self, text: str, body: _Body) -> tuple[int, int]:
        """Return the producer that ``argument`` or ``node:output:k`` names in a function."""
        number = body.numbers.get(text)
        if number is not None:
            return number, 0
        name, _, rest = text.partition(":")
        number = body.numbers.get(name)
        output, _, place = rest.partition(":")
        if number is None or not _is_number(place or "0"):
            return NOWHERE
        return number, self._output_index(number, output, int(place or "0"))

    def _output_index(self, number: int, output: str, place: int) -> int:
        """Return which of a node's outputs a name and a place in it mean."""
        node = self.nodes[number]
        length = partial(output_length, node.definition) if node else None
        return output_index(self.ops[number], output, place, length)


def _is_number(text: str) -> bool:
    """Tell whether a text is a count that fits an output; int() takes more than that."""
    return text.isascii() and text.isdecimal() and len(text) < 10  # noqa: PLR2004 - below 2^31
