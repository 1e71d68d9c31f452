"""The evaluator: the value of a tensor that depends on constants only.

    wanted tensor -> survey    what stands in the way, if anything; no numpy yet
                  -> order     the nodes it needs, each after its inputs
                  -> compute   one by one; an array is let go after its last use

Nothing recurses: chains of any length are walked with a list, and a cycle is an
obstacle like a placeholder. A branch that a constant predicate does not take is
dead: its tensors have no value, and a Merge takes the one that has.

The arithmetic is TensorFlow's on a CPU. What only moves data has the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pbckpt.errors import InvalidGraphError, LimitError, SelectionError, UnsupportedGraphError
from pbckpt.evaluation.limits import DEFAULT_LIMITS, EvaluationLimits, Ledger
from pbckpt.evaluation.obstacles import Obstacle, ObstacleKind
from pbckpt.evaluation.reference import parse_reference
from pbckpt.evaluation.steps import Place, Step, check_inputs, step_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from pbckpt.dtypes import DataType
    from pbckpt.graph.decode import Node

    Array = npt.NDArray[Any]

_FEW_STEPS = 1_000_000
_STEPS_PER_NODE = 8


class Evaluator:
    """Computes tensors of one graph, or of one function's body.

    ``nodes`` are its nodes by their names. What is known of them is kept from one
    tensor to the next; arrays are not.
    """

    def __init__(
        self, nodes: Mapping[str, Node], *, limits: EvaluationLimits = DEFAULT_LIMITS
    ) -> None:
        """Take the nodes, which must not change."""
        self._nodes = nodes
        self._limits = limits
        self._steps: dict[str, Step | Obstacle] = {}
        self._verdicts: dict[str, Obstacle | None] = {}
        self._max_steps = _FEW_STEPS + _STEPS_PER_NODE * len(nodes)
        self._steps_done = 0

    def evaluate(self, tensor: str) -> Array:
        """Return the value of the tensor ``NAME``, ``NAME:k`` or, in a body, ``NAME:output:k``.

        The array is the caller's own, in C order. Raises SelectionError for a
        name that is none of the graph's, UnsupportedGraphError that names the
        node where the tensor depends on an input, a variable or an op that is
        not computed, InvalidGraphError for what TensorFlow would refuse,
        LimitError beyond the limits.
        """
        from pbckpt.evaluation.compute import compute  # noqa: PLC0415 - numpy

        place = self._place(tensor)
        order, uses = self._order(place)
        found = compute(order, uses, place, Ledger(self._limits))
        if found is None:
            fact = f"the tensor {tensor!r} is of a branch that is not taken, and has no value"
            raise UnsupportedGraphError(fact, node_name=place.node, op=self._nodes[place.node].op)
        return found

    def dtype(self, tensor: str) -> DataType:
        """Return the type of a tensor that can be evaluated: quantized ones are numpy's integers.

        Raises what `evaluate` raises.
        """
        place = self._place(tensor)
        return self._ready(place.node).results[place.port]

    def outputs(self, name: str) -> int:
        """Return how many outputs a node has that can be evaluated.

        Raises what `evaluate` raises.
        """
        return len(self._ready(name).results)

    def obstacle(self, tensor: str) -> Obstacle | None:
        """Return the first node that keeps a tensor from being evaluated, and why; or None.

        Values are not looked at: it may turn out that shapes do not fit.
        """
        reference = parse_reference(tensor)
        if reference is None:
            return Obstacle(ObstacleKind.ABSENT, tensor, "")
        verdict = self._survey(reference.node)
        if verdict is None and self._ready(reference.node).place(reference) is None:
            return Obstacle(ObstacleKind.ABSENT, tensor, "")
        return verdict

    def missing(self, tensor: str) -> tuple[str, ...]:
        """Return the names of all nodes that keep a tensor from being evaluated."""
        reference = parse_reference(tensor)
        if reference is None:
            return (tensor,)
        if self._survey(reference.node) is None:
            return () if self.obstacle(tensor) is None else (tensor,)
        seen = {reference.node}
        waiting = [reference.node]
        found: dict[str, None] = {}
        while waiting:
            name = waiting.pop()
            verdict = self._survey(name)
            if verdict is not None and (verdict.node == name or name not in self._nodes):
                found[verdict.node] = None
            step = self._step(name)
            if isinstance(step, Obstacle):
                continue
            fresh = [one.node for one in step.references if one.node not in seen]
            seen.update(fresh)
            waiting += reversed(list(dict.fromkeys(fresh)))
        return tuple(found)

    def _step(self, name: str) -> Step | Obstacle:
        step = self._steps.get(name)
        if step is None:
            step = self._steps[name] = step_of(self._nodes, name)
        return step

    def _ready(self, name: str) -> Step:
        """Return the step of a node in whose way nothing stands."""
        step = self._step(name)
        if isinstance(step, Obstacle):
            raise _refused(name, step)
        return step

    def _place(self, tensor: str) -> Place:
        reference = parse_reference(tensor)
        if reference is None or reference.node not in self._nodes:
            fact = f"the graph has no tensor {tensor!r}; give NAME or NAME:k of a node in it"
            raise SelectionError(fact, unknown=(tensor,))
        verdict = self._survey(reference.node)
        if verdict is not None:
            raise _refused(tensor, verdict)
        place = self._ready(reference.node).place(reference)
        if place is None:
            fact = f"node {reference.node!r} has no output that {tensor!r} names"
            raise SelectionError(fact, unknown=(tensor,))
        return place

    def _survey(self, name: str) -> Obstacle | None:
        """Return what stands in the way of a node, having looked at all that it depends on."""
        verdicts = self._verdicts
        waiting = [name]
        # Entered and not left: what leads from the wanted node to this one.
        entered: set[str] = set()
        while waiting:
            at = waiting[-1]
            if at in verdicts:
                waiting.pop()
                continue
            step = self._step(at)
            if isinstance(step, Obstacle):
                verdicts[at] = step
            elif at not in entered:
                entered.add(at)
                unknown = [one.node for one in step.references if one.node not in verdicts]
                looped = entered.intersection(unknown)
                if looped:
                    verdicts[at] = Obstacle(ObstacleKind.LOOP, at, step.node.op)
                else:
                    waiting += reversed(unknown)
            else:
                verdicts[at] = self._verdict(step)
        return verdicts[name]

    def _verdict(self, step: Step) -> Obstacle | None:
        """Return what stands in the way of a node whose inputs have been looked at."""
        for reference in step.references:
            verdict = self._verdicts[reference.node]
            if verdict is not None:
                return verdict
        return check_inputs(step, [self._ready(one.node) for one in step.references])

    def _order(self, place: Place) -> tuple[list[tuple[Step, list[Place]]], dict[Place, int]]:
        """Return the steps to a tensor, each after its inputs, and how often each is used."""
        order: list[tuple[Step, list[Place]]] = []
        uses = {place: 1}
        done: set[str] = set()
        entered: set[str] = set()
        waiting = [place.node]
        while waiting:
            at = waiting[-1]
            step = self._ready(at)
            if at in done:
                waiting.pop()
            elif at not in entered:
                entered.add(at)
                waiting += [one.node for one in reversed(step.references) if one.node not in done]
            else:
                done.add(at)
                sources = [self._source(one.node, step, k) for k, one in enumerate(step.references)]
                for source in sources:
                    uses[source] = uses.get(source, 0) + 1
                order.append((step, sources))
        self._count(len(order), place.node)
        return order, uses

    def _count(self, steps: int, node: str) -> None:
        """Count steps of all tensors: many that end long chains are as many times their length."""
        self._steps_done += steps
        if self._steps_done > self._max_steps:
            raise LimitError(
                f"the steps to evaluate node {node!r} and those before it",
                limit="max_steps",
                value=self._steps_done,
                maximum=self._max_steps,
            )

    def _source(self, name: str, step: Step, at: int) -> Place:
        place = self._ready(name).place(step.references[at])
        if place is None:  # the survey has looked at it
            raise InvalidGraphError(f"no tensor for input {at}", node_name=step.node.name)
        return place


def _refused(tensor: str, obstacle: Obstacle) -> InvalidGraphError | UnsupportedGraphError:
    """Return the error for a tensor that an obstacle keeps from being evaluated."""
    if obstacle.kind in (ObstacleKind.BROKEN, ObstacleKind.ABSENT):
        fact = obstacle.detail or f"the graph has none of this name, but {tensor!r} needs it"
        return InvalidGraphError(fact, node_name=obstacle.node)
    return UnsupportedGraphError(
        f"the tensor {tensor!r} depends on more than constants: {obstacle.reason}",
        node_name=obstacle.node,
        op=obstacle.op,
    )
