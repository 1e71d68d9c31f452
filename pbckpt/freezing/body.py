"""Body: the nodes of a graph, or of a function, while they change, and how they name tensors.

    main graph   node      node:1
    function     argument  node:output:0   node:output_true:0   call:output:3

Both are one here: a node, or an argument, and the place among all that it puts out. A
call by a function's own name puts out what the function calls its results.

Reference: NodeDef.input in a FunctionDef, tensorflow/core/framework/function.proto.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.outputs import output_length
from pbckpt.operators import output_index
from pbckpt.rewrite.build import data_inputs, producer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node
    from pbckpt.protos import NodeDef
    from pbckpt.rewrite.draft import Draft

NUMBER = re.compile(r"[0-9]{1,9}")
"""Any number of an output that a node can have; int() does not take just any."""
_BACK = frozenset(("NextIteration", "RefNextIteration"))
_PARTS_IN_FUNCTION = 3


class Place(NamedTuple):
    """A tensor: the node or argument that puts it out, and which of its outputs it is."""

    node: str
    output: int = 0


class ResultNames:
    """Tells what functions call their results, by the functions' names."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        """Look at functions when they are asked for, and once."""
        self._functions = functions
        self._known: dict[str, dict[str, int]] = {}

    def __call__(self, name: str) -> dict[str, int] | None:
        """Return the places of a function's results by what it calls them.

        None where there is no such function.
        """
        if name not in self._functions:
            return None
        if name not in self._known:
            signature = self._functions[name].definition().signature
            named = enumerate(one.name for one in signature.output_arg)
            self._known[name] = {result: place for place, result in named}
        return self._known[name]


class Body:
    """A draft, and the names of tensors in it. ``function`` is empty for the main graph."""

    def __init__(self, draft: Draft, results_of: ResultNames, function: str = "") -> None:
        """``results_of`` tells what a function that is an op calls its results."""
        self.draft = draft
        self.function = function
        self._results_of = results_of

    def place(self, text: str) -> Place:
        """Return the tensor that an input names."""
        name, *rest = text.split(":")
        if not rest:
            return Place(name)
        number = _number(rest[-1])
        if not self.function:
            return Place(name, number)
        node = self.draft.original(name)
        if node is None or (len(rest) + 1 < _PARTS_IN_FUNCTION and NUMBER.fullmatch(rest[-1])):
            return Place(name, number)
        return Place(name, self._output(node, rest[0], number if len(rest) > 1 else 0))

    def _output(self, node: Node, output: str, number: int) -> int:
        places = self._results_of(node.op)
        if places is None:
            length = partial(output_length, node.definition)
            return output_index(node.op, output, number, length)
        return number + places.get(output, 0)

    def text(self, node: str, output: str = "output") -> str:
        """Return how the first output of a node is named as an input."""
        return f"{node}:{output}:0" if self.function else node

    def described(self, node: Node) -> str:
        """Return how to call a node in a message."""
        inside = f" of function {self.function!r}" if self.function else ""
        return f"node {node.name!r} ({node.op}){inside}"

    def in_order(self, redirected: Mapping[str, str]) -> Iterator[Node]:
        """Yield the nodes as they were, each behind what it takes, but for ways back in loops."""
        done: set[str] = set()
        for root in self.draft.originals():
            waiting = [(root, False)]
            while waiting:
                node, is_ready = waiting.pop()
                if is_ready:
                    yield node
                    continue
                if node.name in done:
                    continue
                done.add(node.name)
                waiting.append((node, True))
                waiting += [
                    (taken, False)
                    for taken in self._taken(node.definition, redirected)
                    if taken.name not in done
                ]

    def _taken(self, definition: NodeDef, redirected: Mapping[str, str]) -> Sequence[Node]:
        texts = (redirected.get(text.removesuffix(":0"), text) for text in data_inputs(definition))
        nodes = (self.draft.original(producer(text)) for text in texts)
        return [node for node in nodes if node is not None and node.op not in _BACK]


def _number(text: str) -> int:
    return int(text) if NUMBER.fullmatch(text) else 0
