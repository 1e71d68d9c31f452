"""Verdicts: what the evidence on a constant comes to.

    proof                            a variable, whatever else is said
    for - against >= 2               a variable
    something for it, not that much  ambiguous: the user decides
    else                             a constant

Whether freezing marked the variables of this graph is asked first. Where it left
a read on most constants that could be weights, one without a read is none: it
was a constant of the model's code. Where tools took the reads away, what a
constant is used for decides, and its name, if the graph still has names.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators import CALLS
from pbckpt.variables.doubts import doubts, is_usually_a_variable
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.sight import Scene
from pbckpt.variables.uses import use_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.variables.sight import Sight
    from pbckpt.variables.traces import Trace
    from pbckpt.variables.walk import Walker

_ENOUGH = int(Strength.FAIR)
# Rules of traces that an Identity left, rather than only a name.
_MARKS = frozenset(
    ("read_identity", "resource_read", "resource_capture", "gather_capture", "resource_input")
)
# Doubts that keep a constant from being asked why freezing left no mark on it.
_SETTLED = frozenset(("parameter", "literal", "default_name", "folded", "empty", "not_a_number"))
_CONTROL_FLOW = frozenset(("Enter", "RefEnter", "Switch", "RefSwitch", "Merge", "RefMerge", "_Arg"))
_DEFAULT_VARIABLE = re.compile(r"Variable(?:_\d+)?")


class Outcome(Enum):
    """What a constant was."""

    VARIABLE = "variable"
    AMBIGUOUS = "ambiguous"
    CONSTANT = "constant"


class Verdict(NamedTuple):
    """A constant, what it was, and all evidence, the weightiest of its side first."""

    sight: Sight
    outcome: Outcome
    evidence: tuple[Evidence, ...]

    @property
    def decisive(self) -> Evidence | None:
        """The weightiest evidence for the outcome; None where nothing was found."""
        speaks_for = self.outcome is Outcome.VARIABLE
        fitting = [one for one in self.evidence if one.speaks_for is speaks_for]
        return max(fitting, key=lambda one: one.strength, default=None)


def judge(sights: Sequence[Sight], walker: Walker) -> list[Verdict]:
    """Return the verdict on each constant of a graph."""
    scene = _scene(sights, walker)
    verdicts = [_verdict(sight, list(_evidence(sight, walker, scene))) for sight in sights]
    return verdicts if scene.marked else _with_families(verdicts)


def _evidence(sight: Sight, walker: Walker, scene: Scene) -> Iterator[Evidence]:
    yield from (trace.evidence for trace in sight.traces)
    if any(trace.evidence.strength is Strength.PROOF for trace in sight.traces):
        yield from use_evidence(sight)
        return
    yield from use_evidence(sight)
    yield from _usual_name(sight)
    yield from doubts(sight, walker, scene)


def _usual_name(sight: Sight) -> Iterator[Evidence]:
    last = sight.last_name
    if _DEFAULT_VARIABLE.fullmatch(last):
        reason = f"it is called {last}, as tf.Variable calls what is given no name"
        yield Evidence("default_variable_name", Strength.STRONG, reason)
    elif is_usually_a_variable(last):
        yield Evidence("usual_name", Strength.FAIR, f"{last} is a usual name of variables")


def _verdict(sight: Sight, evidence: list[Evidence]) -> Verdict:
    return Verdict(
        sight,
        _outcome(sight, evidence),
        tuple(sorted(evidence, key=lambda one: (not one.speaks_for, -one.strength))),
    )


def _outcome(sight: Sight, evidence: Sequence[Evidence]) -> Outcome:
    weights = [one.weight for one in evidence]
    supported = sum(weight for weight in weights if weight > 0)
    if sight.tensor is None or not supported:
        return Outcome.CONSTANT
    if max(weights) >= Strength.PROOF or sum(weights) >= _ENOUGH:
        return Outcome.VARIABLE
    unsettled = not any(one.rule in _SETTLED and not one.speaks_for for one in evidence)
    if supported >= _ENOUGH and (unsettled or sum(weights) >= 0):
        return Outcome.AMBIGUOUS
    return Outcome.CONSTANT


def _scene(sights: Sequence[Sight], walker: Walker) -> Scene:
    """Find out whether freezing left its marks in this graph."""
    marks = [sight for sight in sights if any(_is_mark(trace) for trace in sight.traces)]
    if any(_is_removable(sight, walker) for sight in marks):
        return Scene(len(marks))
    unmarked = sum(not sight.traces and _could_be_a_weight(sight, walker) for sight in sights)
    return Scene(len(marks) if len(marks) >= unmarked else 0)


def _is_mark(trace: Trace) -> bool:
    return trace.evidence.rule in _MARKS


def _is_removable(sight: Sight, walker: Walker) -> bool:
    """Tell whether a tool that takes Identities away would have taken this read.

    Tools leave those that have control inputs, and those between constants and
    control flow.
    """
    network = walker.network
    reads = [taker for taker, _ in network.consumers(sight.number)]
    for read in reads:
        node = network.nodes[read]
        if node is None or node.op != "Identity" or len(node.definition.input) != 1:
            continue
        takers = [network.ops[taker] for taker, _ in network.consumers(read)]
        if takers and not any(op in _CONTROL_FLOW or op in CALLS for op in takers):
            return True
    return False


def _could_be_a_weight(sight: Sight, walker: Walker) -> bool:
    if all(one.strength < Strength.FAIR for one in use_evidence(sight)):
        return False
    return not any(one.rule in _SETTLED for one in doubts(sight, walker, Scene()))


def _with_families(verdicts: list[Verdict]) -> list[Verdict]:
    """Let constants that are nearly proven follow their proven siblings."""
    proven: dict[str, str] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.VARIABLE:
            scope = verdict.sight.name.rpartition("/")[0]
            proven.setdefault(scope, verdict.sight.name)
    return [_with_family(verdict, proven) for verdict in verdicts]


def _with_family(verdict: Verdict, proven: dict[str, str]) -> Verdict:
    scope = verdict.sight.name.rpartition("/")[0]
    if verdict.outcome is not Outcome.AMBIGUOUS or not scope or scope not in proven:
        return verdict
    if any(one.rule in _SETTLED for one in verdict.evidence):
        return verdict
    reason = f"{proven[scope]!r} beside it was a variable"
    evidence = Evidence("family", Strength.FAIR, reason)
    return _verdict(verdict.sight, [*verdict.evidence, evidence])
