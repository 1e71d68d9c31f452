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

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pbckpt.operators.passing import Change, Pass, passing
from pbckpt.variables.constancy import constant_only
from pbckpt.variables.network import ARGUMENT_OP, CONSTANT_OP, NOWHERE, RESULT_OP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbckpt.variables.network import Network

# What does not change which variable it is: its value is read after these.
READING = frozenset((Change.NOTHING, Change.TYPE, Change.QUANTIZATION))
_NEXT_ITERATION = frozenset(("NextIteration", "RefNextIteration"))
_MERGES = frozenset(("Merge", "RefMerge"))
_JOINS = frozenset(("Concat", "ConcatV2", "Pack", "ParallelConcat"))
# How far round a loop's body a value is followed to see that it stays the same.
_MAX_ROUND = 16
# How far back, or on, the surroundings of a node are looked at.
_MAX_BACK = 16
FUNCTION_EDGES = frozenset((ARGUMENT_OP, RESULT_OP))
_FIRST = (0,)
_AS_IT_IS = Pass(Change.NOTHING, _FIRST)
# How many of those that take a value.
_MAX_TAKERS = 256
_STEPS_PER_NODE = 4
_MIN_STEPS = 100_000


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
# Before the arguments of any function: a walk is where it began, or in what calls that.
_OWN = -1
# The origin of what several constants come to, each by a call of its own.
_MANY = -1


class _Step(NamedTuple):
    """What a walk looks at next: who takes what the node ``source`` hands on.

    ``via`` is the argument by which the walk went into the function that it is in.
    """

    source: int
    takers: Sequence[tuple[int, int]]
    changes: frozenset[Change]
    via: int = _OWN


# The first of those that take a value, which tell where it is, and what was done to it.
_Fork: TypeAlias = "tuple[tuple[tuple[int, int], ...], frozenset[Change]]"


class _Calls:
    """The calls by which one walk goes into functions, and comes back.

    A function that many call hands to each what it was given by that one: what goes
    in by a call comes out where this call's outputs are taken, and nowhere else. What
    a walk finds in a function that it began in, all calls of that are given.
    """

    __slots__ = ("_entered", "_left", "_network", "_shared")

    def __init__(self, network: Network) -> None:
        self._network = network
        self._entered: dict[int, list[tuple[int, int]]] = {}
        self._left: dict[int, list[tuple[int, frozenset[Change]]]] = {}
        # Arguments that are given other values by other calls.
        self._shared: set[int] = set()

    def first(self, edge: int, slot: int, changes: frozenset[Change], via: int) -> Iterable[_Step]:
        """Go into a function by an argument, or out of it by a result."""
        network = self._network
        if network.ops[edge] == ARGUMENT_OP:
            self._entered[edge] = [(network.call_of(edge, slot), via)]
            if network.is_mixed(edge) or via in self._shared:
                self._shared.add(edge)
            yield _Step(edge, network.consumers(edge), changes, edge)
        elif via == _OWN:
            yield _Step(edge, network.consumers(edge), changes)
        else:
            self._left.setdefault(via, []).append((edge, changes))
            for call, outer in self._entered[via] if network.is_whole else ():
                yield _Step(edge, network.returned(edge, call), changes, outer)

    def again(self, edge: int, slot: int, via: int) -> Iterable[_Step]:
        """Go by another call into a function that the walk has been in."""
        network = self._network
        if edge in self._entered and network.is_whole:
            call = network.call_of(edge, slot)
            self._entered[edge].append((call, via))
            for result, changes in self._left.get(edge, ()):
                yield _Step(result, network.returned(result, call), changes, via)

    def is_shared(self, node: int, via: int) -> bool:
        """Tell whether a node hands on what differs from call to call."""
        return via in self._shared or node in self._shared


def _with_change(changes: frozenset[Change], change: Change) -> frozenset[Change]:
    return changes if change is Change.NOTHING else changes | {change}


class Walker:
    """Walks of one graph, which share what they find out and their budget."""

    def __init__(self, network: Network) -> None:
        """Walk in ``network``. ``origins`` tells, after the walks, whose value a node hands on.

        ``before`` is what has been found out on the way back from an output.
        """
        self.network = network
        self.constant_only = constant_only(network)
        self.origins: dict[int, int] = {}
        self.before: dict[tuple[int, int], tuple[int, int] | str | None] = {}
        self._ways: dict[tuple[str, int, int], Pass | None] = {}
        self._round: dict[int, bool] = {}
        self._stretches: dict[_Fork, tuple[list[Passed], _Step]] = {}
        self._takers: dict[int, tuple[tuple[int, int], ...]] = {}
        self._steps = max(_MIN_STEPS, _STEPS_PER_NODE * len(network))
        self._looks = max(_MIN_STEPS, _STEPS_PER_NODE * len(network))

    @property
    def is_whole(self) -> bool:
        """Whether `takers` has always told all that it would, and all calls are followed."""
        return self._looks >= 0 and self.network.is_whole

    def walk(self, start: int) -> Reach:
        """Return where the value of a Const node goes."""
        takers = self.network.consumers(start)
        if len(takers) == 1 and self._handed_on(*takers[0]) is None:
            # Most constants have one use, and nothing between.
            return Reach((Use(*takers[0], _UNCHANGED),), (), self.network.is_whole)
        passed: list[Passed] = []
        first = _Step(start, takers, _UNCHANGED)
        step, is_end = self._go_straight(start, first, passed)
        if is_end:
            uses = tuple([Use(*one, step.changes) for one in step.takers])
            return Reach(uses, tuple(passed), self.network.is_whole)
        return self._walk_on(start, step, passed)

    def _go_straight(self, start: int, step: _Step, passed: list[Passed]) -> tuple[_Step, bool]:
        """Go on while one node hands to the next; return the next step, and if all is used there.

        No node is met again on such a way, for each takes one value alone.
        """
        network = self.network
        source, takers, changes, via = step
        while len(takers) == 1:
            taker, slot = takers[0]
            way = self._handed_on(taker, slot)
            if way is None:
                return _Step(source, takers, changes, via), True
            if way is _AS_IT_IS or way.outputs != _FIRST or len(network.inputs[taker]) > 1:
                return _Step(source, takers, changes, via), False
            changes = _with_change(changes, way.change)
            passed.append(Passed(taker, changes, source))
            self.origins.setdefault(taker, start)
            source, takers = taker, network.consumers(taker)
        is_end = not any(self._handed_on(*one) is not None for one in takers)
        return _Step(source, takers, changes, via), is_end

    def _walk_on(self, start: int, step: _Step, passed: list[Passed]) -> Reach:
        """Go on where ways part, join, or lead through functions."""
        network, inputs = self.network, self.network.inputs
        uses: list[Use] = []
        seen = {start, *[one.node for one in passed]}
        is_shared = False
        calls: _Calls | None = None
        waiting = deque([step])
        while waiting:
            source, takers, changes, via = waiting.popleft()
            if is_shared:
                self._steps -= len(takers)
                if self._steps < 0:
                    return Reach(tuple(uses), tuple(passed), is_whole=False)
            for taker, slot in takers:
                way = self._handed_on(taker, slot)
                if way is None:
                    uses.append(Use(taker, slot, changes))
                    continue
                if taker in seen:
                    if way is _AS_IT_IS and calls is not None:
                        waiting.extend(calls.again(taker, slot, via))
                    continue
                seen.add(taker)
                is_shared = is_shared or len(inputs[taker]) > 1
                after = _with_change(changes, way.change)
                passed.append(Passed(taker, after, source))
                if way is _AS_IT_IS:
                    calls = calls or _Calls(network)
                    waiting.extend(calls.first(taker, slot, after, via))
                else:
                    waiting.extend(self._following(taker, way, after, via))
                is_many = calls is not None and calls.is_shared(taker, via)
                self.origins.setdefault(taker, _MANY if is_many else start)
            if is_shared and calls is None and len(waiting) == 1 and self._steps > 0:
                waiting.append(self._go_along(start, waiting.pop(), passed))
        return Reach(tuple(uses), tuple(passed), network.is_whole)

    def _go_along(self, start: int, step: _Step, passed: list[Passed]) -> _Step:
        """Go on straight behind a join, where other walks come by as well.

        They pass the same nodes with the same changes, which are looked up once.
        """
        key = (tuple(step.takers[:2]), step.changes)
        found = self._stretches.get(key)
        if found is None:
            stretch: list[Passed] = []
            end, _ = self._go_straight(start, step, stretch)
            found = self._stretches[key] = (stretch, end)
        stretch, end = found
        left = self._steps
        self._steps -= min(len(stretch), left)
        passed += stretch[:left]
        if len(stretch) <= left:
            return end
        last = passed[-1]
        return _Step(last.node, self.network.consumers(last.node), last.changes)

    def way(self, number: int, slot: int) -> Pass | None:
        """Return how a node hands on what a slot takes, or None."""
        key = (self.network.ops[number], slot, len(self.network.inputs[number]))
        try:
            return self._ways[key]
        except KeyError:
            way = _AS_IT_IS if key[0] in FUNCTION_EDGES else passing(*key)
            self._ways[key] = way
            return way

    def _handed_on(self, number: int, slot: int) -> Pass | None:
        """Return how a node hands a value on that stays the same; None if it does not."""
        network = self.network
        count = len(network.inputs[number])
        key = (network.ops[number], slot, count)
        way = self._ways[key] if key in self._ways else self.way(number, slot)
        return way if way is not None and (count == 1 or self._goes_on(number)) else None

    def behind(self, producer: tuple[int, int]) -> tuple[int, int]:
        """Return the producer whose value another only hands on, back to what computes it.

        NOWHERE if that is an argument to which calls of a function give different values.
        """
        for _ in range(_MAX_BACK):
            number, _output = producer
            if number < 0 or self.way(number, 0) is None or not self._goes_on(number):
                return producer
            if self.network.is_mixed(number):
                return NOWHERE
            producer = self.network.input(number, 0)
        return producer

    def takers(self, number: int) -> tuple[tuple[int, int], ...]:
        """Return who takes a node's value, seen through a few nodes that only hand it on.

        No more than a few hundred are looked at, and none once a budget is spent.
        """
        found = self._takers.get(number)
        if found is None:
            found = self._takers[number] = tuple(self._find_takers(number))
        if self._looks < 0:
            return ()
        self._looks -= len(found)
        return found

    def _find_takers(self, number: int) -> Iterator[tuple[int, int]]:
        network = self.network
        seen = {number}
        waiting = [number]
        entered: set[str] = set()
        left = _MAX_TAKERS
        for place in range(_MAX_BACK):
            if place >= len(waiting):
                return
            for output in network.outputs(waiting[place]):
                for taker, slot in network.consumers(waiting[place], output):
                    left -= 1
                    if left < 0:
                        return
                    if self.way(taker, slot) is None:
                        yield taker, slot
                    elif taker not in seen and not (
                        # Out of a function that was gone into, the call is not known.
                        network.ops[taker] == RESULT_OP and network.functions[taker] in entered
                    ):
                        seen.add(taker)
                        waiting.append(taker)
                        if network.ops[taker] == ARGUMENT_OP:
                            entered.add(network.functions[taker])

    def origin(self, producer: tuple[int, int]) -> int | None:
        """Return the Const node whose value a producer hands on, once all walks are done.

        None where there are several, that come by different calls of a function.
        """
        number = producer[0]
        if number < 0:
            return None
        if self.network.ops[number] == CONSTANT_OP:
            return number
        origin = self.origins.get(number, _MANY)
        return None if origin == _MANY else origin

    def _goes_on(self, number: int) -> bool:
        """Tell whether what comes out of a passing node is the value that went in."""
        inputs = self.network.inputs[number]
        if len(inputs) == 1:
            return True
        op = self.network.ops[number]
        if op not in _MERGES:
            return op not in _JOINS or self.constant_only[number] == 1
        stays = self._round.get(number)
        if stays is None:
            stays = self._round[number] = all(self._stays(number, one) for one in inputs)
        return stays

    def _following(
        self, number: int, way: Pass, changes: frozenset[Change], via: int
    ) -> Sequence[_Step]:
        """Return who takes the outputs at which a node hands a value on."""
        network = self.network
        if way.outputs == _FIRST:
            takers = network.consumers(number)
            return (_Step(number, takers, changes, via),) if takers else ()
        outputs = network.outputs(number) if way.outputs is None else way.outputs
        steps = []
        for output in outputs:
            takers = network.consumers(number, output)
            if takers:
                steps.append(_Step(number, takers, changes, via))
        return steps

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
