"""Marks undone: what thawing added to a graph goes, and what it turned is turned back.

    added      goes: who takes it takes what it took, and so on
    copy       goes: who takes it takes the node that it was one with
    swapped    has its two inputs the other way round again

Somebody may have built on what was added since: a variable that a new node takes stays
one, and becomes a constant of its own name. So does what was asked for as an output.

See `pbckpt.rewrite.build.Mark`; the other marks are for `pbckpt.freezing.graph`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.rewrite.build import (
    MARK,
    Mark,
    data_inputs,
    is_control,
    mark_of,
    producer,
    tensor_of_input,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.graph.node import Node
    from pbckpt.protos import NodeDef
    from pbckpt.rewrite.draft import Draft

_SIDES = 2
_GONE = frozenset((Mark.ADDED, Mark.COPY))


class Origins:
    """Tells which variable a tensor has the value of, by the nodes as they were."""

    def __init__(self, draft: Draft) -> None:
        """Each step of a way is taken once."""
        self._draft = draft
        self._known: dict[str, str] = {}

    def of_node(self, node: Node) -> str:
        """Return the variable whose value a node has, which is read and brought to it."""
        data = data_inputs(node.definition)
        return self.of_tensor(data[0]) if data else ""

    def of_tensor(self, text: str) -> str:
        """Return the variable whose value a tensor has; the first node of its way if none."""
        name = producer(text)
        way: list[str] = []
        while name not in self._known:
            self._known[name] = name
            node = self._draft.original(name)
            data = data_inputs(node.definition) if node is not None else []
            if node is None or not data or node.op in VARIABLE_OPS:
                break
            way.append(name)
            name = producer(data[0])
        origin = self._known[name]
        self._known.update(dict.fromkeys(way, origin))
        return origin


class Undone(NamedTuple):
    """A draft without what was added to it.

    ``marks`` are those of the nodes, ``removed`` the nodes that are gone, ``redirected``
    says by tensor what those who took it take now, and ``controls`` which constants wait
    for what an added read waited for.
    """

    draft: Draft
    marks: dict[str, Mark]
    removed: set[str]
    redirected: dict[str, str]
    controls: dict[str, list[str]]

    @classmethod
    def nothing(cls, draft: Draft) -> Undone:
        """Return a draft to which nothing was added."""
        return cls(draft, {}, set(), {}, {})

    def rewire(self) -> None:
        """Have everybody take what is there; nobody waits for what is gone."""
        self.draft.rewire_all(self.redirected)
        if not self.removed:
            return
        for definition in list(self.draft.definitions()):
            if any(
                is_control(text) and producer(text) in self.removed for text in definition.input
            ):
                changed = self.draft.change(definition.name)
                waits = [self._waiting(text) for text in changed.input]
                del changed.input[:]
                changed.input.extend(dict.fromkeys(text for text in waits if text))

    def _waiting(self, text: str) -> str:
        if not is_control(text) or producer(text) not in self.removed:
            return text
        target = producer(self.redirected.get(producer(text), ""))
        return f"^{target}" if target and target not in self.removed else ""


def undo_marks(draft: Draft, nodes: Sequence[Node], outputs: Iterable[str]) -> Undone:
    """Take what was added out of a draft, but for what the outputs or new nodes need."""
    ends = set(outputs)
    marks = {
        node.name: mark
        for node in nodes
        if (mark := mark_of(node.definition)) is not None
        and not (mark in _GONE and node.name in ends)
    }
    redirected, controls = _redirected(nodes, marks)
    removed = {name for name, mark in marks.items() if mark in _GONE}
    removed -= _needed(draft, marks, redirected)
    for node in nodes:
        if node.name in removed:
            draft.remove(node.name)
        elif marks.get(node.name) is Mark.SWAPPED:
            _turn_back(draft.change(node.name))
        elif node.name in ends and MARK in node.definition.attr:
            draft.change(node.name).attr.pop(MARK)
    return Undone(draft, marks, removed, redirected, controls)


def _redirected(
    nodes: Sequence[Node], marks: dict[str, Mark]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return what those who take an added tensor take instead, and who waits for what."""
    redirected: dict[str, str] = {}
    controls: dict[str, list[str]] = {}
    originals = _originals(nodes, marks)
    for node in nodes:
        mark = marks.get(node.name)
        data = data_inputs(node.definition)
        if mark is Mark.ADDED and node.op not in VARIABLE_OPS and data:
            for output in ("", ":1"):
                redirected[node.name + output] = tensor_of_input(data[0])
            waits = [text for text in node.definition.input if is_control(text)]
            if waits:
                controls.setdefault(producer(data[0]), []).extend(waits)
        elif mark is Mark.COPY:
            original = originals.get(_likeness(node.definition), "")
            redirected |= {node.name: original, f"{node.name}:1": f"{original}:1"}
    return {name: settle(name, redirected) for name in redirected}, controls


def settle(name: str, redirected: dict[str, str]) -> str:
    """Return where a way ends that goes on through more nodes; all on it know it then."""
    way: dict[str, None] = {}
    target = name
    while target in redirected and target not in way:
        way[target] = None
        target = redirected[target]
    redirected.update(dict.fromkeys(way, target))
    return target


def _needed(draft: Draft, marks: dict[str, Mark], redirected: dict[str, str]) -> set[str]:
    """Return the added variables that somebody takes who was not there, or was no constant."""
    needed = set()
    for definition in draft.definitions():
        mark = marks.get(definition.name)
        if mark in _GONE or mark is Mark.CONSTANT:
            continue
        for text in data_inputs(definition):
            tensor = tensor_of_input(text)
            needed.add(producer(redirected.get(tensor, tensor)))
    return needed


def _turn_back(definition: NodeDef) -> None:
    data = data_inputs(definition)
    controls = [text for text in definition.input if is_control(text)]
    definition.attr.pop(MARK)
    if len(data) == _SIDES:
        del definition.input[:]
        definition.input.extend([*data[::-1], *controls])


def _originals(nodes: Iterable[Node], marks: dict[str, Mark]) -> dict[tuple[str, ...], str]:
    """Return the nodes without a mark that copies were made of, by op and inputs."""
    nodes = list(nodes)
    copies = {_likeness(one.definition) for one in nodes if marks.get(one.name) is Mark.COPY}
    if not copies:
        return {}
    return {
        likeness: one.name
        for one in nodes
        if one.name not in marks and (likeness := _likeness(one.definition)) in copies
    }


def _likeness(node: NodeDef) -> tuple[str, ...]:
    return (node.op, *node.input)
