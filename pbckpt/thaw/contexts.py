"""Contexts: in which loop and in which branch each node of a graph runs.

    Enter -> Merge -> Switch -+-> Exit                  a loop: the nodes between
               ^              +-> body -> NextIteration     Enter and Exit
               +------------------------------'

    Switch(x, pred) -+-> :0  the branch where pred is false --+-> Merge
                     +-> :1  the branch where it is true -----+

TensorFlow 1 notes these when the graph is built; in a frozen graph only the nodes are
left. A node runs where its inputs come from: in the innermost context of them. A Switch
whose condition is the loop's LoopCond belongs to the loop; any other one opens the
branches of its predicate, and a Merge closes what its inputs do not share. Identities
of one predicate are one predicate: `cond/pred_id` is one of it.

The walk is once over the nodes in the order of their edges, without the edges that
NextIteration closes; nothing recurses.

Reference: tensorflow/python/ops/control_flow_ops.py, ControlFlowContext and its kin;
core/common_runtime/executor.cc for what runs where.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import LimitError
from pbckpt.rewrite.build import is_control, producer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pbckpt.protos import NodeDef

ENTERS = frozenset(("Enter", "RefEnter"))
EXITS = frozenset(("Exit", "RefExit"))
MERGES = frozenset(("Merge", "RefMerge"))
SWITCHES = frozenset(("Switch", "RefSwitch"))
# Opens as many branches as it has outputs; TensorFlow 1 has no context for them.
_CASE_SWITCHES = frozenset(("_SwitchN",))
CLOSERS = frozenset(("NextIteration", "RefNextIteration"))
CONTROL_FLOW_OPS = ENTERS | SWITCHES | _CASE_SWITCHES
"""Ops without which a graph has one context only."""
# A case of TensorFlow 1 nests a branch for each of its own; no loop has more.
_MAX_DEPTH = 256
_MAX_PARALLEL = (1 << 31) - 1
# No op has more outputs; Python converts no longer numbers.
_MAX_OUTPUT = 1 << 16
_MAX_DIGITS = 10


class Loop:
    """A frame; ``parent`` is the context that it is entered from, None the whole graph."""

    def __init__(self, frame: str, parent: Context | None, parallel_iterations: int) -> None:
        """Hold what all Enters of the loop say of it."""
        self.frame = frame
        self.parent = parent
        self.depth = _depth_below(parent)
        self.parallel_iterations = parallel_iterations


class Branch:
    """One side of a condition.

    ``pred`` is a tensor that says which one, ``taken`` what it says: 0 or 1 of a
    Switch. A branch of a case ``is_case``: it has no context in TensorFlow 1.
    """

    def __init__(self, pred: str, taken: int, parent: Context | None, *, is_case: bool) -> None:
        """Hold one of the outputs."""
        self.pred = pred
        self.taken = taken
        self.parent = parent
        self.depth = _depth_below(parent)
        self.is_case = is_case


Context = Loop | Branch


class Edge(NamedTuple):
    """Where an input comes from; ``output`` None is a control edge."""

    source: int
    output: int | None


class ControlFlow:
    """The context of each node of a graph, by its name.

    ``nodes`` are all nodes, to be read only. Those that wait for each other, as in no graph
    that runs, are in no context.
    """

    def __init__(self, nodes: Iterable[NodeDef]) -> None:
        """Place all nodes.

        Raises LimitError for contexts that are nested more deeply than in any model.
        """
        self.nodes = list(nodes)
        self._ops = [node.op for node in self.nodes]
        self._places = {node.name: place for place, node in enumerate(self.nodes)}
        self._edges = [self._edges_of(node) for node in self.nodes]
        self._own: list[Context | None] = [None] * len(self.nodes)
        self._out: list[Context | None] = [None] * len(self.nodes)
        self._branches: dict[int, tuple[Context | None, str, bool]] = {}
        self._made: dict[tuple[Context | None, str, int], Context] = {}
        self._preds: dict[str, str] = {}
        for place in self._ordered():
            self._place(place)
        self._settle_switches()

    def context(self, name: str) -> Context | None:
        """Return the innermost context that a node belongs to."""
        return self._own[self._places[name]]

    def contexts(self) -> Iterator[Context | None]:
        """Yield the context of each of ``nodes``, in their order."""
        return iter(self._own)

    def context_of_tensor(self, text: str) -> Context | None:
        """Return the context in which what an input names is to be had."""
        place = self._places.get(producer(text))
        return None if place is None else self._context(_edge(text, place))

    def canonical_predicate(self, text: str) -> str:
        """Return the tensor that an input is an Identity of, or it itself."""
        seen = []
        while text not in self._preds:
            seen.append(text)
            self._preds[text] = text
            place = self._places.get(producer(text))
            node = None if place is None else self.nodes[place]
            if (
                node is None
                or node.op != "Identity"
                or not node.input
                or producer(node.input[0]) not in self._places
            ):
                break
            text = node.input[0].removesuffix(":0")
        found = self._preds[text]
        self._preds.update(dict.fromkeys(seen, found))
        return found

    def _edges_of(self, node: NodeDef) -> list[Edge]:
        places = self._places
        return [
            _edge(text, places[name]) for text in node.input if (name := producer(text)) in places
        ]

    def _ordered(self) -> Iterator[int]:
        """Yield the nodes, each behind those that it takes from."""
        ops = self._ops
        takers: list[list[int]] = [[] for _ in ops]
        waiting = [0] * len(ops)
        for place, edges in enumerate(self._edges):
            for edge in edges:
                if ops[edge.source] not in CLOSERS:
                    takers[edge.source].append(place)
                    waiting[place] += 1
        ready = deque(place for place, number in enumerate(waiting) if not number)
        while ready:
            place = ready.popleft()
            yield place
            for taker in takers[place]:
                waiting[taker] -= 1
                if not waiting[taker]:
                    ready.append(taker)

    def _place(self, place: int) -> None:
        op = self._ops[place]
        edges = self._edges[place]
        inner = self._innermost(edges)
        self._own[place] = self._out[place] = inner
        if op in ENTERS:
            node = self.nodes[place]
            frame = node.attr["frame_name"].s.decode("utf-8", "surrogateescape")
            self._own[place] = self._out[place] = self._loop(node, frame, inner)
        elif op in EXITS:
            loop = loop_of(inner)
            self._own[place] = loop
            self._out[place] = loop.parent if loop else None
        elif op in MERGES:
            self._own[place] = self._out[place] = self._merged(edges)
        elif (op in SWITCHES or op in _CASE_SWITCHES) and not self._is_loop_switch(place):
            # Of inputs that name a node, as what tells whether there is one.
            data = [
                text
                for text in self.nodes[place].input
                if not is_control(text) and producer(text) in self._places
            ]
            pred = data[-1 if op in _CASE_SWITCHES else 1]
            self._branches[place] = (inner, pred, op in _CASE_SWITCHES)

    def _is_loop_switch(self, place: int) -> bool:
        """Tell whether a Switch ends an iteration; so does one without a predicate."""
        data = [edge for edge in self._edges[place] if edge.output is not None]
        return len(data) < 2 or self._ops[data[1].source] == "LoopCond"  # noqa: PLR2004

    def _loop(self, node: NodeDef, frame: str, parent: Context | None) -> Context:
        key = (parent, frame, -1)
        if key not in self._made:
            parallel = min(node.attr["parallel_iterations"].i, _MAX_PARALLEL)
            self._made[key] = Loop(frame, parent, parallel if parallel > 0 else 10)
        return self._made[key]

    def _branch(self, place: int, output: int) -> Context:
        parent, pred, is_case = self._branches[place]
        key = (parent, self.canonical_predicate(pred), output)
        if key not in self._made:
            self._made[key] = Branch(pred, output, parent, is_case=is_case)
        return self._made[key]

    def _context(self, edge: Edge) -> Context | None:
        """Return the context in which an edge is taken."""
        if edge.output is not None and edge.source in self._branches:
            return self._branch(edge.source, edge.output)
        return self._out[edge.source]

    def _innermost(self, edges: Iterable[Edge]) -> Context | None:
        found = None
        for edge in edges:
            context = self._context(edge)
            if context is not None and (found is None or context.depth > found.depth):
                found = context
        return found

    def _merged(self, edges: Iterable[Edge]) -> Context | None:
        """Return what the inputs of a Merge share; of a loop's, the loop."""
        known = [edge for edge in edges if self._ops[edge.source] not in CLOSERS]
        contexts = [self._context(edge) for edge in known if edge.output is not None]
        found = contexts[0] if contexts else None
        for context in contexts[1:]:
            found = _shared(found, context)
        return found

    def _settle_switches(self) -> None:
        """Give each Switch to the branch that it opens, where it opens one only."""
        outputs: dict[int, set[int]] = {}
        for edges in self._edges:
            for edge in edges:
                if edge.output is not None and edge.source in self._branches:
                    outputs.setdefault(edge.source, set()).add(edge.output)
        for place, used in outputs.items():
            if len(used) == 1:
                self._own[place] = self._branch(place, used.pop())

    def shared_switches(self) -> list[str]:
        """Return the Switches of which both outputs are taken, each in its branch."""
        used: dict[int, set[int]] = {}
        for edges in self._edges:
            for edge in edges:
                is_switch = edge.source in self._branches and self._ops[edge.source] in SWITCHES
                if is_switch and edge.output is not None:
                    used.setdefault(edge.source, set()).add(edge.output)
        return [self.nodes[place].name for place, outputs in used.items() if len(outputs) > 1]


def loop_of(context: Context | None) -> Loop | None:
    """Return the innermost loop that a context is, or is in."""
    while context is not None and not isinstance(context, Loop):
        context = context.parent
    return context


def way_to(context: Context | None) -> list[Context]:
    """Return a context with all that it is in, from the outermost on."""
    way: list[Context] = []
    while context is not None:
        way.append(context)
        context = context.parent
    return way[::-1]


def _shared(one: Context | None, other: Context | None) -> Context | None:
    while one is not other:
        if other is None or (one is not None and one.depth >= other.depth):
            one = one.parent if one else None
        else:
            other = other.parent
    return one


def _edge(text: str, source: int) -> Edge:
    if is_control(text):
        return Edge(source, None)
    _, _, output = text.partition(":")
    is_number = output.isdecimal() and len(output) <= _MAX_DIGITS
    return Edge(source, min(int(output), _MAX_OUTPUT) if is_number else 0)


def _depth_below(parent: Context | None) -> int:
    depth = 1 + (parent.depth if parent else 0)
    if depth > _MAX_DEPTH:
        raise LimitError(
            "loops and branches in each other",
            limit="nested contexts",
            value=depth,
            maximum=_MAX_DEPTH,
        )
    return depth
