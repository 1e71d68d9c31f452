"""Walks: which operations use a constant, seen through what hands its value on.

    Const -> Identity w/read -> Cast -> Transpose -> MatMul slot 1
             passed             passed  passed       used

What is on the way matters: a value that was only handed on is still the
constant's, one that was cast or dequantized is what was read of it, and one that
was transposed is used as something of another layout. Where several values come
together, as in a concatenation, the walk goes on if all of them are constants;
where a loop hands a value round, if the value stays the same.

A node that hands on has one source, so all walks together pass it once. Where
they could meet again and again, in concatenations and functions, a budget for
the whole graph ends them.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators.passing import Change, Pass, passing
from pbckpt.variables.network import ARGUMENT_OP, CONSTANT_OP, NOWHERE, RESULT_OP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.variables.network import Network

# What does not change which variable it is: its value is read after these.
READING = frozenset((Change.NOTHING, Change.TYPE, Change.QUANTIZATION))
_NEXT_ITERATION = frozenset(("NextIteration", "RefNextIteration"))
_MERGES = frozenset(("Merge", "RefMerge"))
_JOINS = frozenset(("Concat", "ConcatV2", "Pack", "ParallelConcat"))
# Their results are not the same each time, though all that goes in is constant.
_RESTLESS = re.compile(
    "Random|Truncated|Parameterized|Multinomial|Read|Var|Queue|Stack|TensorArray|TensorList|Lookup"
    "|Hash|Iterator|Py|Eager|While|If|Case|.*PartitionedCall|_|Enter|Exit|Next|Merge|Ref"
)
# How far round a loop's body a value is followed to see that it stays the same.
_MAX_ROUND = 16
# How far back, or on, the surroundings of a node are looked at.
_MAX_BACK = 16
FUNCTION_EDGES = frozenset((ARGUMENT_OP, RESULT_OP))
_AS_IT_IS = Pass(Change.NOTHING, (0,))
_STEPS_PER_NODE = 40
_MIN_STEPS = 1_000_000


class Use(NamedTuple):
    """A slot that a constant's value reaches, and what is done to it on the way."""

    node: int
    slot: int
    changes: frozenset[Change]


class Passed(NamedTuple):
    """A node that hands a constant's value on, as it has it from the node ``source``.

    ``changes`` include its own.
    """

    node: int
    changes: frozenset[Change]
    source: int


class Reach(NamedTuple):
    """Where a constant's value goes; nearest first. ``is_whole`` unless the budget ended it."""

    uses: tuple[Use, ...]
    passed: tuple[Passed, ...]
    is_whole: bool = True


_UNCHANGED: frozenset[Change] = frozenset()


class Walker:
    """Walks of one graph, which share what they find out and their budget."""

    def __init__(self, network: Network) -> None:
        """Walk in ``network``. ``origins`` tells, after the walks, whose value a node hands on."""
        self.network = network
        self.constant_only = constant_only(network)
        self.origins: dict[int, int] = {}
        self._ways: dict[tuple[str, int, int], Pass | None] = {}
        self._steps = max(_MIN_STEPS, _STEPS_PER_NODE * len(network))

    def walk(self, start: int) -> Reach:
        """Return where the value of a Const node goes."""
        network, origins = self.network, self.origins
        consumers = network.consumers
        uses: list[Use] = []
        passed: list[Passed] = []
        seen = {start}
        waiting = deque([(start, 0, _UNCHANGED)])
        while waiting:
            number, output, changes = waiting.popleft()
            takers = consumers(number, output)
            self._steps -= len(takers)
            if self._steps < 0:
                return Reach(tuple(uses), tuple(passed), is_whole=False)
            for taker, slot in takers:
                way = self.way(taker, slot)
                if way is None or not self._goes_on(taker):
                    uses.append(Use(taker, slot, changes))
                elif taker not in seen:
                    seen.add(taker)
                    origins.setdefault(taker, start)
                    after = changes if way.change is Change.NOTHING else changes | {way.change}
                    passed.append(Passed(taker, after, number))
                    waiting.extend((taker, k, after) for k in self._outputs(taker, way))
        return Reach(tuple(uses), tuple(passed))

    def way(self, number: int, slot: int) -> Pass | None:
        """Return how a node hands on what a slot takes, or None."""
        op = self.network.ops[number]
        if op in FUNCTION_EDGES:
            return _AS_IT_IS
        key = (op, slot, len(self.network.inputs[number]))
        if key not in self._ways:
            self._ways[key] = passing(*key)
        return self._ways[key]

    def behind(self, producer: tuple[int, int]) -> tuple[int, int]:
        """Return the producer whose value another only hands on, back to what computes it."""
        for _ in range(_MAX_BACK):
            number, _output = producer
            if number < 0 or self.way(number, 0) is None or not self._goes_on(number):
                return producer
            producer = self.network.input(number, 0)
        return producer

    def takers(self, number: int) -> list[tuple[int, int]]:
        """Return who takes a node's value, seen through a few nodes that only hand it on."""
        found = []
        waiting = [number]
        for place in range(_MAX_BACK):
            if place >= len(waiting):
                break
            for output in self.network.outputs(waiting[place]):
                for taker, slot in self.network.consumers(waiting[place], output):
                    if self.way(taker, slot) is None:
                        found.append((taker, slot))
                    elif taker not in waiting:
                        waiting.append(taker)
        return found

    def origin(self, producer: tuple[int, int]) -> int | None:
        """Return the Const node whose value a producer hands on, once all walks are done."""
        number = producer[0]
        if number < 0:
            return None
        return number if self.network.ops[number] == CONSTANT_OP else self.origins.get(number)

    def _goes_on(self, number: int) -> bool:
        """Tell whether what comes out of a passing node is the value that went in."""
        inputs = self.network.inputs[number]
        if len(inputs) == 1:
            return True
        op = self.network.ops[number]
        if op in _MERGES:
            return all(self._stays(number, producer) for producer in inputs)
        return op not in _JOINS or self.constant_only[number] == 1

    def _outputs(self, number: int, way: Pass) -> Iterable[int]:
        """Return the outputs at which the value comes out."""
        return self.network.outputs(number) if way.outputs is None else way.outputs

    def _stays(self, merge: int, producer: tuple[int, int]) -> bool:
        """Tell whether what a loop hands back to a Merge is what the Merge gave it."""
        network = self.network
        if producer == NOWHERE or network.ops[producer[0]] not in _NEXT_ITERATION:
            return True
        number = producer[0]
        for _ in range(_MAX_ROUND):
            number = network.input(number, 0)[0]
            if number == merge:
                return True
            if number < 0 or self.way(number, 0) is None:
                return False
        return False


def constant_only(network: Network) -> bytearray:
    """Return, for each node, 1 if its value depends on nothing but constants."""
    size = len(network)
    known = bytearray(size)
    unknown_inputs = [len(inputs) for inputs in network.inputs]
    ready = list(network.constants())
    for number in ready:
        known[number] = 1
    restless: dict[str, bool] = {}
    while ready:
        number = ready.pop()
        for output in network.outputs(number):
            for taker, _ in network.consumers(number, output):
                unknown_inputs[taker] -= 1
                if unknown_inputs[taker] == 0:
                    op = network.ops[taker]
                    if op not in restless:
                        restless[op] = _RESTLESS.match(op) is not None
                    if not restless[op]:
                        known[taker] = 1
                        ready.append(taker)
    return known
