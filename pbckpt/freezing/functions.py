"""Freeze functions: arguments that thawing added go, and constants are in the bodies again.

    main:   PartitionedCall(x, read of w)      main: PartitionedCall(x)
    body f(x, c_1): Identity c <- c_1          body f(x): Const c

Which variable an argument has is found from its calls, from the main graph inwards.
The inverse of `pbckpt.thaw.functions`.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from pbckpt.graph.node import Node
from pbckpt.rewrite.build import MARK, Mark, data_inputs, is_control, mark_of
from pbckpt.rewrite.calls import LOOPS, ORIGINAL_OUTPUTS, called_functions, types_attribute
from pbckpt.rewrite.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pbckpt.graph.decode import Graph
    from pbckpt.graph.encode import Pieces
    from pbckpt.graph.library import Function
    from pbckpt.protos import FunctionDef, NodeDef

    Constant = Callable[[str, NodeDef, str], Pieces | None]


class AddedArguments:
    """The arguments that thawing added to functions, and the variables that they are given."""

    def __init__(self, graph: Graph, variable_of: Callable[[str], str]) -> None:
        """``variable_of`` tells which variable a tensor of the main graph has the value of."""
        self._functions = {one.name: one for one in graph.functions}
        self._added = {one.name: added for one in graph.functions if (added := _added(one))}
        self._given: dict[str, dict[str, str]] = {}
        if self._added:
            self._find(graph.nodes, variable_of)

    def _find(self, nodes: Iterable[Node], variable_of: Callable[[str], str]) -> None:
        waiting = deque(self._bind(nodes, variable_of))
        while waiting:
            name = waiting.popleft()
            given = partial(_known, self._given[name])
            waiting.extend(self._bind(self._functions[name].nodes, given))

    def _bind(self, nodes: Iterable[Node], variable_of: Callable[[str], str]) -> list[str]:
        """Note what the calls of a body give; return the functions that are called first here."""
        fresh = []
        for node in nodes:
            for name in self._marked(node):
                if name not in self._given:
                    inputs = data_inputs(node.definition)[-len(self._added[name]) :]
                    pairs = zip(self._added[name], inputs, strict=False)
                    self._given[name] = {one: variable_of(text) for one, text in pairs}
                    fresh.append(name)
        return fresh

    def _marked(self, node: Node) -> list[str]:
        if not self._added:
            return []
        return [name for name in called_functions(node, self._functions) if name in self._added]

    def take_from(self, draft: Draft) -> None:
        """Have the calls of a body pass no more than they did when it was frozen."""
        for node in draft.originals():
            marked = self._marked(node)
            if marked and node.name in draft:
                _pass_less(draft.change(node.name), len(self._added[marked[0]]))

    def begin(self, function: Function) -> tuple[Draft, FunctionDef | None]:
        """Return the nodes of a function that pass no more than they did, and all else of it.

        That is None where nothing of it changes.
        """
        draft = Draft(function.nodes)
        self.take_from(draft)
        if function.name not in self._given:
            return draft, None
        definition = function.definition()
        _undeclare(definition, set(self._added[function.name]))
        return draft, definition

    def nodes(
        self, function: str, draft: Draft, constant: Constant
    ) -> list[Node | NodeDef | Pieces]:
        """Return the nodes of a function; ``constant`` makes one the constant that it was."""
        given = self._given.get(function, {})
        nodes: list[Node | NodeDef | Pieces] = []
        for item in draft:
            definition = item.definition if isinstance(item, Node) else item
            variable = given.get(definition.input[0]) if definition.input else None
            found = None
            if variable is not None and mark_of(definition) is Mark.CONSTANT:
                found = constant(function, definition, variable)
            nodes.append(item if found is None else found)
        return nodes


def _known(given: Mapping[str, str], text: str) -> str:
    return given.get(text, "")


def _added(function: Function) -> list[str]:
    if MARK.encode() not in function.rest:
        return []
    marked = function.definition().arg_attr
    names: list[str] = []
    for place, name in reversed(list(enumerate(function.arguments))):
        if place not in marked or marked[place].attr[MARK].s != Mark.ADDED.value:
            break
        names.insert(0, name)
    return names


def _pass_less(call: NodeDef, number: int) -> None:
    data = data_inputs(call)
    controls = [text for text in call.input if is_control(text)]
    del call.input[:]
    call.input.extend([*data[:-number], *controls])
    types = types_attribute(call.op)
    if types:
        del call.attr[types].list.type[-number:]
    if call.op not in LOOPS:
        return
    for name in ("output_shapes", "_output_shapes"):
        if name in call.attr and len(call.attr[name].list.shape) == len(data):
            del call.attr[name].list.shape[-number:]
    outputs = call.attr.get(ORIGINAL_OUTPUTS)
    if outputs is not None and outputs.i == len(data):
        outputs.i -= number


def _undeclare(definition: FunctionDef, added: set[str]) -> None:
    """Have a function take and return what it did before some arguments were added."""
    signature = definition.signature
    shapes = definition.attr.get("_input_shapes")
    if shapes is not None and len(shapes.list.shape) == len(signature.input_arg):
        del shapes.list.shape[-len(added) :]
    for place in range(len(signature.input_arg) - len(added), len(signature.input_arg)):
        definition.arg_attr.pop(place)
    kept = [argument for argument in signature.input_arg if argument.name not in added]
    del signature.input_arg[:]
    signature.input_arg.extend(kept)
    gone = {result for result, tensor in definition.ret.items() if tensor in added}
    results = [result for result in signature.output_arg if result.name not in gone]
    del signature.output_arg[:]
    signature.output_arg.extend(results)
    for result in gone:
        del definition.ret[result]
