"""Function bodies: nodes of a graph as the body of a function has them.

    graph                          body, where x and w are arguments
    x: Placeholder                 (gone)
    w: VarHandleOp                 (gone)
    r: ReadVariableOp(w)           r: ReadVariableOp(w)
    s: Split(axis, x)              s: Split(axis:output:0, x)
    m: MatMul(s:1, r, ^x, ^c)      m: MatMul(s:output:1, r:value:0, ^c)

In a graph an input is a node and a number, in a body a node, the name of an output
and a place in that output, or an argument. The names are those of the op's definition;
of a node that calls a function by its op, those of the results of the function.

The trap: nothing waits for an argument. It is there before the body begins, and its node
is not in it; so a control input on it goes, and orders nothing.

Reference: NodeDef.input in a FunctionDef, tensorflow/core/framework/function.proto.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import UnsupportedGraphError
from pbckpt.graph.node import Node
from pbckpt.graph.outputs import output_length
from pbckpt.operators import NamedOutput, named_output, output_arguments
from pbckpt.protos import NodeDef
from pbckpt.rewrite.build import is_control, producer, tensor_of_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.graph.library import Function

_NO_NAME = re.compile(r"[^a-z0-9_]")
# Any number of an output that a node can have, and int() takes more than that.
_NUMBER = re.compile(r"[0-9]{1,9}")


class FunctionBody(NamedTuple):
    """The nodes of a function, and the tensors of it that are its results."""

    nodes: tuple[Node | NodeDef, ...]
    results: tuple[str, ...]


def function_body(
    nodes: Sequence[Node | NodeDef],
    arguments: Mapping[str, str],
    results: Iterable[str],
    functions: Iterable[Function] = (),
) -> FunctionBody:
    """Return nodes of a graph as the body of a function, in their order.

    ``arguments`` are what tensors of the graph, ``x`` or ``x:1``, are called that are
    arguments; the nodes that put them out are not among ``nodes``, unless for others of
    their outputs. ``functions`` are those of the graph's library. What does not change
    stays as it was given, and a constant a span of its file.

    Raises UnsupportedGraphError for a tensor that is not there, and for one that has no
    name because the op of its node is not known.
    """
    body = _Body(nodes, arguments, functions)
    changed = tuple(body.changed(node) for node in nodes)
    return FunctionBody(changed, tuple(body.tensor(text) for text in results))


class ArgumentNames:
    """Names for the arguments of a function: lower case, and no other's."""

    def __init__(self, taken: Iterable[str]) -> None:
        """``taken`` are the nodes of its body, and arguments that it has."""
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """Return a name like the wanted one, of a node or a variable."""
        base = _NO_NAME.sub("_", wanted.lower())
        base = name = base if base[:1].isalpha() else f"w{base}"
        while name in self._taken:
            self._numbers[base] = self._numbers.get(base, 0) + 1
            name = f"{base}_{self._numbers[base]}"
        self._taken.add(name)
        return name


class _Body:
    """Names the tensors of a graph as a body does."""

    def __init__(
        self,
        nodes: Iterable[Node | NodeDef],
        arguments: Mapping[str, str],
        functions: Iterable[Function],
    ) -> None:
        self._nodes = {node.name: _definition(node) for node in nodes}
        self._arguments = {tensor_of_input(text): name for text, name in arguments.items()}
        self._gone = {producer(text) for text in arguments} - self._nodes.keys()
        self._functions = {function.name: function for function in functions}
        self._results: dict[str, list[str]] = {}

    def changed(self, node: Node | NodeDef) -> Node | NodeDef:
        """Return a node with its inputs as they are in the body, or as it is if they are."""
        definition = _definition(node)
        inputs = list(self._inputs(definition))
        return node if inputs == list(definition.input) else _with_inputs(node, inputs)

    def _inputs(self, node: NodeDef) -> Iterator[str]:
        for text in node.input:
            if not is_control(text):
                yield self.tensor(text, node)
            elif producer(text) in self._nodes:
                yield text
            elif producer(text) not in self._gone:
                raise _missing(text, node)

    def tensor(self, text: str, taker: NodeDef | None = None) -> str:
        """Return what a tensor of the graph is called in the body."""
        argument = self._arguments.get(tensor_of_input(text))
        if argument is not None:
            return argument
        name, colon, number = text.partition(":")
        node = self._nodes.get(name)
        if node is None or (colon and not _NUMBER.fullmatch(number)):
            raise _missing(text, taker)
        found = self._named(node, int(number or "0"))
        if found is None:
            raise _missing(text, taker)
        return f"{name}:{found.name}:{found.place}"

    def _named(self, node: NodeDef, index: int) -> NamedOutput | None:
        """Return an output of a node; a function of the library goes before an op."""
        function = self._functions.get(node.op)
        if function is not None:
            results = self._results_of(function)
            return NamedOutput(results[index], 0) if index < len(results) else None
        outputs = output_arguments(node.op)
        if outputs is None:
            raise UnsupportedGraphError(
                f"node {node.name!r} has the op {node.op!r}, which is no known op of TensorFlow, "
                "and the body of a function takes outputs by the names that an op gives them; "
                "write it in the form of TensorFlow 1 with --format saved-model",
                node_name=node.name,
                op=node.op,
            )
        return named_output(outputs, index, partial(output_length, node))

    def _results_of(self, function: Function) -> Sequence[str]:
        """Return the results of a function; none is a list, which only ops have."""
        found = self._results.get(function.name)
        if found is None:
            results = function.definition().signature.output_arg
            found = self._results[function.name] = [one.name for one in results]
        return found


def _definition(node: Node | NodeDef) -> NodeDef:
    return node.definition if isinstance(node, Node) else node


def _with_inputs(node: Node | NodeDef, inputs: Sequence[str]) -> Node | NodeDef:
    """Return a copy of a node that takes other inputs; tensors that are spans stay spans."""
    changed = NodeDef()
    changed.CopyFrom(_definition(node))
    del changed.input[:]
    changed.input.extend(inputs)
    if isinstance(node, Node) and node.tensors:
        return node._replace(definition=changed, is_cut=True)
    return changed


def _missing(text: str, taker: NodeDef | None) -> UnsupportedGraphError:
    if taker is None:
        return UnsupportedGraphError(
            f"the result {text!r} is no tensor of the graph; give other outputs",
            node_name=producer(text),
        )
    return UnsupportedGraphError(
        f"node {taker.name!r} ({taker.op}) takes {text!r}, which is no tensor of the part of the "
        "graph that becomes a function; give other inputs or outputs",
        node_name=taker.name,
        op=taker.op,
    )
