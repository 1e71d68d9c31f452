"""Restored: which key the variables of a SavedModel of TensorFlow 2 are restored from.

    saver_def.restore_op_name     StatefulPartitionedCall_3(saver_filename, w, w_1)
    function     RestoreV2/tensor_names   w/.ATTRIBUTES/VARIABLE_VALUE, ...
                 Identity <- RestoreV2:tensors:0
                 AssignVariableOp(argument 1, Identity)         so w is the first key

This is what TensorFlow itself runs to load the model, so that it holds whatever the
variables are called: two of them may have one name. Where savers are many, each is a
function of its own that the first one calls.

Reference: tensorflow/python/checkpoint/functional_saver.py.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.meta_targets import SavedVariable, Strings, parse_spec
from pbckpt.errors import LimitError
from pbckpt.freezing.body import NUMBER
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.names import is_control_input, key_to_text, node_of_input
from pbckpt.rewrite.build import producer
from pbckpt.rewrite.calls import called_functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node

_MAX_SIZE = 10_000_000
_MAX_STEPS = 8
_HANDS_ON = frozenset(("Identity", "Cast"))


class _Frame(NamedTuple):
    """A function that is called, and what its arguments are: variables, or nothing."""

    function: Function
    arguments: tuple[str, ...]

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells it from others."""
        return self.function.name, self.arguments

    @property
    def size(self) -> int:
        """How much there is to look at."""
        inputs = sum(len(node.definition.input) for node in self.function.nodes)
        outputs = sum(_num_restored(node) for node in self.function.nodes)
        return 1 + len(self.arguments) + len(self.function.nodes) + inputs + outputs


class _Body:
    """What a function restores, whoever calls it."""

    def __init__(self, function: Function) -> None:
        self._nodes = {node.name: node for node in function.nodes}
        self._strings = Strings(self._nodes)
        self._tables: dict[str, list[SavedVariable]] = {}

    def restored(self, text: str) -> SavedVariable | None:
        """Return what of a checkpoint a tensor of the function is."""
        is_cast = False
        for _ in range(_MAX_STEPS):
            node = self._nodes.get(producer(text))
            if node is None:
                break
            if node.op == "RestoreV2":
                number = text.rpartition(":")[2]
                place = int(number) if NUMBER.fullmatch(number) else 0
                table = self._table(node)
                return table[place]._replace(is_cast=is_cast) if place < len(table) else None
            data = _data(node)
            if node.op not in _HANDS_ON or not data:
                break
            is_cast |= node.op == "Cast"
            text = data[0]
        return None

    def _table(self, restore: Node) -> list[SavedVariable]:
        """Return what a RestoreV2 puts out."""
        if restore.name not in self._tables:
            self._tables[restore.name] = list(self._entries(restore))
        return self._tables[restore.name]

    def _entries(self, restore: Node) -> Iterator[SavedVariable]:
        data = _data(restore)
        if len(data) < len(("prefix", "names", "slices")):
            return
        most = _num_restored(restore)
        names, specs = (self._strings.of(producer(text), most) for text in data[1:3])
        for place, name in enumerate(names):
            spec = key_to_text(specs[place]) if place < len(specs) else ""
            yield SavedVariable(key_to_text(name), parse_spec(spec)[1] if spec else None)


def restored_variables(graph: FrozenGraph) -> dict[str, SavedVariable]:
    """Return where a checkpoint has the value of each variable, by node, as functions say.

    It is empty where the graph is not restored by a function.
    """
    nodes = {node.name: node for node in graph.nodes}
    restore = graph.meta_graph.rest.saver_def.restore_op_name if graph.meta_graph else ""
    call = nodes.get(node_of_input(restore))
    if call is None:
        return {}
    functions = {one.name: one for one in graph.functions}
    found: dict[str, SavedVariable] = {}
    waiting = deque(_called(call, [_origin(text, nodes) for text in _data(call)], functions))
    seen = {one.key for one in waiting}
    bodies: dict[str, _Body] = {}
    count = 0
    while waiting:
        frame = waiting.popleft()
        count += frame.size
        if count > _MAX_SIZE:
            raise LimitError(
                f"the functions that restore {graph.file.name}",
                limit="restoring functions",
                value=count,
                maximum=_MAX_SIZE,
            )
        name = frame.function.name
        if name not in bodies:
            bodies[name] = _Body(frame.function)
        for variable, saved in _assigned(frame, bodies[name]).items():
            found.setdefault(variable, saved)
        for one in _calls(frame, functions):
            if one.key not in seen:
                seen.add(one.key)
                waiting.append(one)
    return found


def _data(node: Node) -> list[str]:
    return [text for text in node.definition.input if not is_control_input(text)]


def _called(
    call: Node, arguments: Sequence[str], functions: Mapping[str, Function]
) -> list[_Frame]:
    names = called_functions(call, functions)
    return [_Frame(functions[name], tuple(arguments)) for name in names if name in functions]


def _origin(text: str, nodes: Mapping[str, Node]) -> str:
    """Return the variable that a tensor of the main graph is; nothing for what is none."""
    for _ in range(_MAX_STEPS):
        node = nodes.get(node_of_input(text))
        if node is None or node.op in VARIABLE_OPS:
            return node.name if node else ""
        data = _data(node)
        if node.op != "Identity" or not data:
            break
        text = data[0]
    return ""


def _calls(frame: _Frame, functions: Mapping[str, Function]) -> list[_Frame]:
    """Return what a function calls with variables."""
    given = dict(zip(frame.function.arguments, frame.arguments, strict=False))
    found = []
    for node in frame.function.nodes:
        arguments = [given.get(text, "") for text in _data(node)]
        if any(arguments):
            found += _called(node, arguments, functions)
    return found


def _num_restored(node: Node) -> int:
    """Return how many tensors a RestoreV2 puts out."""
    types = node.definition.attr.get("dtypes") if node.op == "RestoreV2" else None
    return len(types.list.type) if types is not None else 0


def _assigned(frame: _Frame, body: _Body) -> dict[str, SavedVariable]:
    """Return what a function assigns to its arguments, by the variables that they are."""
    given = dict(zip(frame.function.arguments, frame.arguments, strict=False))
    found = {}
    for node in frame.function.nodes:
        data = _data(node)
        if node.op != "AssignVariableOp" or len(data) < len(("resource", "value")):
            continue
        variable, saved = given.get(data[0], ""), body.restored(data[1])
        if variable and saved is not None:
            found[variable] = saved
    return found
