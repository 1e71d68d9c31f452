"""Verdicts: what the evidence on a constant comes to.

    proof                            a variable, whatever else is said
    for - against >= 2               a variable
    something for it, not that much  ambiguous: the user decides
    else                             a constant; ambiguous if not all of its uses are known

Whether freezing marked the variables of this graph is asked first. Where it left
a read on most constants that could be weights, one without a read is none: it
was a constant of the model's code. Where tools took the reads away, what a
constant is used for decides, and its name, if the graph still has names.
"""

from __future__ import annotations

import re
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators import CALLS
from pbckpt.operators.roles import Role
from pbckpt.variables.doubts import doubts, is_copied, plain_doubts
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.numbers import look_trained
from pbckpt.variables.sight import Scene
from pbckpt.variables.uses import use_evidence
from pbckpt.variables.words import is_default_name, is_made_up, is_usual_name, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.variables.sight import Sight
    from pbckpt.variables.traces import Trace
    from pbckpt.variables.walk import Walker

_ENOUGH = int(Strength.FAIR)
_STRONG = int(Strength.STRONG)
_PROOF = int(Strength.PROOF)
_STRENGTH = attrgetter("strength")
_SPEAKS_FOR = attrgetter("speaks_for")
# Rules of traces that an Identity left, rather than only a name.
_MARKS = frozenset(
    ("read_identity", "resource_read", "resource_capture", "gather_capture", "resource_input")
)
# Doubts that keep a constant from being asked why freezing left no mark on it.
_SETTLED = frozenset(("parameter", "literal", "default_name", "folded", "empty", "not_a_number"))
# Doubts about the numbers themselves: constants of the model's code have names, too.
_MADE = frozenset(("written_values", "repeated_values"))
_PLAIN_CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
_CONTROL_FLOW = frozenset(("Enter", "RefEnter", "Switch", "RefSwitch", "Merge", "RefMerge", "_Arg"))
# Nodes whose names are the model's rather than TensorFlow's.
_NAMED_BY_PEOPLE = frozenset(("Const", "Placeholder", "PlaceholderWithDefault", "Identity"))
# Of so many nodes, one at least has the name of its op.
_FEW = 20
# What may take a variable besides its reads: branches and loops, which read it there,
# and what training is left.
_BESIDE_READS = frozenset(
    (
        *("Identity", "Switch", "RefSwitch", "Enter", "RefEnter"),
        *("Assign", "AssignAdd", "AssignSub"),
    )
)
# Of how many weights an Identity has to read how large a share, to tell a frozen graph.
_MIN_READS = 2
_MOST = 0.6
_DEFAULT_VARIABLE = re.compile(r"Variable(?:_\d+)?")


# Against a constant of which nothing can be told by what it is not used for.
_ENTANGLED = Evidence(
    "entangled",
    Strength.SLIGHT,
    "the graph is too entangled to follow it to all of its uses",
    speaks_for=False,
)


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
        if self.outcome is Outcome.VARIABLE:
            return next((one for one in self.evidence if one.speaks_for), None)
        if self.outcome is Outcome.AMBIGUOUS and _ENTANGLED in self.evidence:
            return _ENTANGLED
        against = [one for one in self.evidence if not one.speaks_for]
        if self.outcome is Outcome.CONSTANT and len(against) > 1:
            # What it is tells more than that freezing did not mark it.
            against = [one for one in against if one.rule != "unmarked"] or against
        return against[0] if against else None


def judge(sights: Sequence[Sight], walker: Walker) -> list[Verdict]:
    """Return the verdict on each constant of a graph."""
    scene = _scene(sights, walker)
    verdicts = [_verdict(sight, _evidence(sight, walker, scene)) for sight in sights]
    return verdicts if scene.marked else _with_families(verdicts)


def _evidence(sight: Sight, walker: Walker, scene: Scene) -> list[Evidence]:
    evidence = [trace.evidence for trace in sight.traces]
    is_proven = Strength.PROOF in [one.strength for one in evidence]
    evidence += use_evidence(sight)
    if is_proven:
        return evidence
    if sight.number in scene.reads:
        reason = "an Identity reads it, as freezing leaves variables, and one reads most weights"
        evidence.append(Evidence("plain_read", Strength.STRONG, reason))
    against = doubts(sight, walker, scene)
    named = _said_by_name(sight, scene, against)
    if named is not None:
        evidence.append(named)
    evidence += against
    return evidence


def _said_by_name(sight: Sight, scene: Scene, against: Sequence[Evidence]) -> Evidence | None:
    """Find what its name says for a constant."""
    last = sight.last_name
    if last.startswith("Variable") and _DEFAULT_VARIABLE.fullmatch(last):
        reason = f"it is called {last}, as tf.Variable calls what is given no name"
        return Evidence("default_variable_name", Strength.STRONG, reason)
    if "literal" in [one.rule for one in against]:
        return None
    if is_usual_name(last):
        return Evidence("usual_name", Strength.FAIR, f"{last} is a usual name of variables")
    if not scene.has_names and not scene.marked and _looks_trained(sight, against):
        reason = "its numbers are of full length and all different, as training leaves them"
        return Evidence("trained_values", Strength.FAIR, reason)
    if scene.has_names and _is_named(sight, against):
        reason = f"somebody has named it {last}, which plain numbers in formulas are not"
        return Evidence("given_name", Strength.FAIR, reason)
    return None


def _is_named(sight: Sight, against: Sequence[Evidence]) -> bool:
    """Tell whether a name was given to a constant by a person, and to use it."""
    if is_made_up(sight.last_name) or not (sight.reach.uses or is_copied(sight)):
        return False
    return not any(one.rule in _SETTLED or one.rule in _MADE for one in against)


def _looks_trained(sight: Sight, against: Sequence[Evidence]) -> bool:
    """Tell whether the numbers are those of a weight, where names and reads are lost."""
    if sight.tensor is None or not sight.reach.uses:
        return False
    return not any(one.rule in _SETTLED for one in against) and look_trained(sight.tensor)


def _verdict(sight: Sight, evidence: list[Evidence]) -> Verdict:
    outcome = _outcome(sight, evidence)
    if outcome is Outcome.CONSTANT and sight.tensor is not None and not sight.reach.is_whole:
        outcome = Outcome.AMBIGUOUS
        evidence = [*evidence, _ENTANGLED]
    if len(evidence) > 1:
        # What speaks for it comes first.
        evidence.sort(key=_STRENGTH, reverse=True)
        evidence.sort(key=_SPEAKS_FOR, reverse=True)
    return Verdict(sight, outcome, tuple(evidence))


def _outcome(sight: Sight, evidence: Sequence[Evidence]) -> Outcome:
    weights = [one.weight for one in evidence]
    supported = sum([weight for weight in weights if weight > 0])
    if not supported or sight.tensor is None:
        return Outcome.CONSTANT
    balance = sum(weights)
    if balance >= _ENOUGH or max(weights) >= _PROOF:
        return Outcome.VARIABLE
    unsettled = not any(one.rule in _SETTLED and not one.speaks_for for one in evidence)
    enough = _STRONG if min(weights) <= -_PROOF else _ENOUGH
    if supported >= enough and (unsettled or balance >= 0):
        return Outcome.AMBIGUOUS
    return Outcome.CONSTANT


def _scene(sights: Sequence[Sight], walker: Walker) -> Scene:
    """Find out whether freezing left its marks in this graph."""
    marks = [sight for sight in sights if any(_is_mark(trace) for trace in sight.traces)]
    if any(_is_removable(sight, walker) for sight in marks):
        return Scene(len(marks), _has_names(walker))
    weights = [sight for sight in sights if _could_be_a_weight(sight, walker)]
    unmarked = sum(not sight.traces for sight in weights)
    has_names, names_weights = _has_names(walker), _names_weights(sights)
    if marks and len(marks) >= unmarked:
        return Scene(len(marks), has_names, names_weights)
    reads = _plain_reads(sights, weights, walker)
    return Scene(len(reads), has_names, names_weights, reads)


def _plain_reads(
    sights: Sequence[Sight], weights: Sequence[Sight], walker: Walker
) -> frozenset[int]:
    """Return the constants that nothing but Identities take, if most weights are such.

    That is what freezing leaves where a tool has changed every name.
    """
    network = walker.network

    def is_read(sight: Sight) -> bool:
        takers = {network.ops[taker] for taker, _ in network.consumers(sight.number)}
        if not takers or not takers <= _BESIDE_READS:
            return False
        return any(network.ops[passed.node] == "Identity" for passed in sight.reach.passed)

    tables = frozenset((Role.EMBEDDINGS,))
    telling = [sight for sight in weights if not {role for _, role in sight.roles()} & tables]
    if sum(is_read(sight) for sight in telling) < max(_MIN_READS, _MOST * len(telling)):
        return frozenset()
    return frozenset(sight.number for sight in sights if is_read(sight))


def _has_names(walker: Walker) -> bool:
    """Tell whether nodes still have the names that TensorFlow gives: of their ops.

    Where a tool has made up the names, one may be that of an op by chance, and those
    in functions are left.
    """
    network = walker.network
    computing = [
        name.rpartition("/")[2].startswith(op)
        for name, op, function in zip(network.names, network.ops, network.functions, strict=True)
        if not function and op not in _NAMED_BY_PEOPLE
    ]
    return sum(computing) * _FEW > len(computing)


def _names_weights(sights: Sequence[Sight]) -> bool:
    """Tell whether any constant that is surely a weight is called anything but Const."""
    weights = [
        is_default_name(sight.last_name)
        for sight in sights
        if any(one.strength >= Strength.STRONG for one in use_evidence(sight))
    ]
    return not weights or not all(weights)


def _is_mark(trace: Trace) -> bool:
    return trace.evidence.rule in _MARKS


def _is_removable(sight: Sight, walker: Walker) -> bool:
    """Tell whether a tool that takes Identities away would have taken this read.

    Tools leave those that have control inputs, and those between constants and
    control flow.
    """
    network = walker.network
    reads = [taker for taker, _ in network.consumers(sight.number)]
    if any(network.ops[read] in _PLAIN_CALLS for read in reads):
        # What is called, and is neither loop nor branch, reads its variables itself.
        reads += [one.node for one in sight.reach.passed if network.functions[one.node]]
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
    return not any(one.rule in _SETTLED for one in plain_doubts(sight, walker))


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
    if verdict.outcome is Outcome.VARIABLE or not scope or scope not in proven:
        return verdict
    if _ENTANGLED in verdict.evidence:
        return verdict
    if not any(one.speaks_for for one in verdict.evidence):
        return verdict
    if any(one.rule in _SETTLED for one in verdict.evidence):
        return verdict
    reason = f"{quoted(proven[scope])} beside it was a variable"
    evidence = Evidence("family", Strength.FAIR, reason)
    return _verdict(verdict.sight, [*verdict.evidence, evidence])
