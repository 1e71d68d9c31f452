"""Selection: from what was detected to what is taken.

The steps are those of `pbckpt.edits.selection`; a pattern looks at a variable's
key and at its node's name, and at those of all its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.edits.refusal import Refusal
from pbckpt.edits.selection import Choice, Patterns, Select, Selection, Why
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes
from pbckpt.variables.evidence import Strength
from pbckpt.variables.traces import TRACES
from pbckpt.variables.uses import USES
from pbckpt.variables.variable import Detection, Found, Skipped, Variable, variable_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.variables.evidence import Evidence

_BY_ROLE = Why("weights", "an operation takes it as a weight")
_EVERYTHING = Why("all", "every constant was asked for")


def plan_selection(detection: Detection, selection: Selection) -> Detection:
    """Return the variables to write, by ascending key, and all other constants.

    Raises SelectionError for patterns that match nothing, and where nothing is
    left to write.
    """
    patterns = Patterns.of(selection)
    refusal = Refusal()
    choice = _choice(detection, refusal)
    _start(choice, detection, Select(selection.select))
    choice.include(patterns.include)
    choice.exclude(patterns.exclude, _ambiguous(detection))
    choice.take(patterns.take)
    refusal.check()
    if not choice.taken:
        raise _nothing_left(detection, Select(selection.select))
    return Detection(_taken(detection, choice), _left(detection, choice), detection.warnings)


def _start(choice: Choice, detection: Detection, select: Select) -> None:
    """Begin with other constants than those that were detected, if others are asked for."""
    if select is Select.ALL:
        choice.take_all(_EVERYTHING)
    elif select is Select.TRACED:
        for place, variable in enumerate(detection.variables):
            if variable.rule not in TRACES:
                choice.leave(place, f"freezing left no trace on it: {variable.reason}")
    elif select is Select.WEIGHTS:
        for place, variable in enumerate(detection.variables):
            if not _is_weight(variable.evidence):
                choice.leave(place, "no operation takes it as a weight")
        first = len(detection.variables)
        weights = (
            place
            for place, constant in enumerate(detection.skipped, first)
            if _is_weight(constant.evidence)
        )
        choice.take_these(weights, _BY_ROLE)


def _ambiguous(detection: Detection) -> Iterator[int]:
    """Yield the places of the constants of which the user has to say what they are."""
    for place, constant in enumerate(detection.skipped, len(detection.variables)):
        if constant.is_ambiguous:
            yield place


def _is_weight(evidence: Sequence[Evidence]) -> bool:
    """Tell whether an operation takes a constant as a weight."""
    return any(one.rule in USES and one.strength >= Strength.FAIR for one in evidence)


def _choice(detection: Detection, refusal: Refusal) -> Choice:
    """Start with the variables taken, and the other constants after them."""
    constants = dict(enumerate(detection.skipped, len(detection.variables)))
    return Choice(
        [
            *(_names(variable) for variable in detection.variables),
            *((constant.node,) for constant in detection.skipped),
        ],
        refusal,
        left={place: constant.reason for place, constant in constants.items()},
        impossible={
            place: constant.reason
            for place, constant in constants.items()
            if constant.tensor is None
        },
    )


def _names(variable: Variable) -> tuple[str, ...]:
    """Return all names of a variable: its key, its nodes, those of its parts."""
    parts = (part.key for part in variable.parts)
    return tuple(dict.fromkeys((variable.key, *variable.nodes, *parts)))


def _nothing_left(detection: Detection, select: Select) -> SelectionError:
    if detection.variables:
        options = "" if select is Select.AUTO else "--select, "
        count = len(detection.variables)
        left = "the only variable out" if count == 1 else f"none of the {count} variables"
        return SelectionError(
            f"the selection leaves {left}; loosen {options}--include or --exclude"
        )
    if not detection.skipped:
        return SelectionError(
            "the graph has no constants, so it holds no weights: it is not a frozen graph; "
            "freeze it with its checkpoint first"
        )
    return SelectionError(
        f"no variable was found among {_counted(len(detection.skipped), 'constant')}: "
        f"{_what_they_are(detection)}. See them with pbckpt inspect, then name those "
        "to take with --take PATTERN, or take every constant with --select all"
    )


def _what_they_are(detection: Detection) -> str:
    """Return what is known of constants none of which was a variable."""
    storable = [one for one in detection.skipped if one.tensor is not None]
    weights = [one.node for one in storable if _is_weight(one.evidence)]
    ambiguous = [one.node for one in detection.skipped if one.is_ambiguous]
    facts = ["none bears a trace of freezing"]
    if ambiguous:
        facts.append(f"{_some(ambiguous)} ambiguous")
    if weights:
        facts.append(f"{_some(weights)} used as a weight, which --select weights takes")
    elif not ambiguous:
        facts.append("none is used as a weight")
    return f"{', '.join(facts[:-1])}, and {facts[-1]}"


def _some(nodes: Sequence[str]) -> str:
    if len(nodes) == 1:
        return f"{nodes[0]!r} is"
    return f"{len(nodes)} are, such as {nodes[0]!r},"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _taken(detection: Detection, choice: Choice) -> tuple[Variable, ...]:
    keys: dict[str, Variable] = {}
    for place, why in choice.taken.items():
        variable = _variable(detection, place, why)
        _check_key(variable)
        other = keys.setdefault(variable.key, variable)
        if other is not variable:
            msg = (
                f"nodes {other.node!r} and {variable.node!r} would both be stored as "
                f"{variable.key!r}; leave one out with --exclude"
            )
            raise SelectionError(msg)
    # Code points sort as their UTF-8 bytes do, and so as bundle keys must.
    return tuple(keys[key] for key in sorted(keys))


def _check_key(variable: Variable) -> None:
    """Raise SelectionError for a key that no checkpoint can hold."""
    if not variable.key:
        msg = f"node {variable.node!r} cannot be stored under an empty name; leave it out"
        raise SelectionError(msg)
    key_to_bytes(variable.key)


def _variable(detection: Detection, place: int, why: Why) -> Variable:
    if place < len(detection.variables):
        # What was detected and then left out is still what it was.
        return detection.variables[place]
    constant = detection.skipped[place - len(detection.variables)]
    node, tensor = constant.node, constant.tensor
    if tensor is None:
        raise SelectionError(f"{node!r} has no value to store")
    variable = variable_of(node, tensor, Found(why.option, why.reason, node))
    return variable._replace(folded=constant.folded)


def _left(detection: Detection, choice: Choice) -> tuple[Skipped, ...]:
    return tuple(
        skipped
        for place, reason in choice.left.items()
        for skipped in _skipped(detection, place, reason)
    )


def _skipped(detection: Detection, place: int, reason: str) -> Iterator[Skipped]:
    """Yield a constant that is left, or all those of a variable that is."""
    if place >= len(detection.variables):
        constant = detection.skipped[place - len(detection.variables)]
        # What the user left out himself is ambiguous no more.
        is_ambiguous = constant.is_ambiguous and reason == constant.reason
        yield constant._replace(reason=reason, is_ambiguous=is_ambiguous)
        return
    variable = detection.variables[place]
    for one in variable.parts or (variable,):
        yield Skipped(
            one.node, one.tensor, reason, role=one.role, evidence=one.evidence, folded=one.folded
        )
