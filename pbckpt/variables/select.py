"""Selection: from what was detected to what is taken, in four steps.

    select    auto: what detection found; all: every constant that can be stored
    include   keep only what matches one of these patterns
    exclude   then drop what matches one of these
    take      then add constants that are not taken yet

A pattern looks at a variable's key and at its node's name. One that matches
nothing is a mistake of the user's, and an error that names what is near.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError
from pbckpt.variables.detect import Detection, Skipped, Variable, variable_of
from pbckpt.variables.patterns import Pattern, parse_pattern, unmatched_error
from pbckpt.variables.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence


class Select(Enum):
    """Where the selection starts."""

    AUTO = "auto"
    ALL = "all"


class Selection(NamedTuple):
    """What the user wants taken; the patterns are texts as in `patterns`."""

    select: Select = Select.AUTO
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    take: tuple[str, ...] = ()


def plan_selection(detection: Detection, selection: Selection) -> Detection:
    """Return the variables to write, by ascending key, and all other constants.

    Raises SelectionError for patterns that match nothing, and where nothing is
    left to write.
    """
    plan = _Plan(detection)
    if Select(selection.select) is Select.ALL:
        plan.take_all()
    if selection.include:
        plan.include(_parse(selection.include))
    if selection.exclude:
        plan.exclude(_parse(selection.exclude))
    if selection.take:
        plan.take(_parse(selection.take))
    if not plan.taken:
        raise _nothing_left(detection)
    return plan.result()


def _parse(texts: Sequence[str]) -> list[Pattern]:
    if isinstance(texts, str):
        # It is a sequence of texts too, of one letter each.
        raise SelectionError(f"patterns come as a list of texts, not as one text: {texts!r}")
    return [parse_pattern(text) for text in texts]


def _nothing_left(detection: Detection) -> SelectionError:
    if detection.variables:
        return SelectionError(
            f"the selection leaves none of the {len(detection.variables)} variables; "
            "loosen --include or --exclude"
        )
    if not detection.skipped:
        return SelectionError(
            "the graph has no constants, so it holds no weights: it is not a frozen graph; "
            "freeze it with its checkpoint first"
        )
    return SelectionError(
        f"no variable was found among {len(detection.skipped)} constants: none bears a trace of "
        "freezing. See them with pbckpt inspect, then name those to take with --take PATTERN, "
        "or take every constant with --select all"
    )


class _Plan:
    """The selection on its way through the steps."""

    def __init__(self, detection: Detection) -> None:
        self._found = {variable.node: variable for variable in detection.variables}
        self.taken = dict(self._found)
        self._left = {constant.node: constant for constant in detection.skipped}

    def take_all(self) -> None:
        for constant in list(self._left.values()):
            self._add(constant, Finding("all", "every constant was asked for", constant.node))

    def include(self, patterns: Sequence[Pattern]) -> None:
        self._check("--include", patterns)
        for variable in list(self.taken.values()):
            if not any(_matches(pattern, variable) for pattern in patterns):
                self._drop(variable, "matches no --include pattern")

    def exclude(self, patterns: Sequence[Pattern]) -> None:
        self._check("--exclude", patterns)
        for variable in list(self.taken.values()):
            for pattern in patterns:
                if _matches(pattern, variable):
                    self._drop(variable, f"matches --exclude {pattern.text!r}")
                    break

    def take(self, patterns: Sequence[Pattern]) -> None:
        names = [*self.taken, *self._left, *(v.key for v in self._found.values())]
        unmatched = [p.text for p in patterns if not any(map(p.matches, names))]
        if unmatched:
            raise unmatched_error("--take", unmatched, dict.fromkeys(names))
        for constant in list(self._left.values()):
            found = self._found.get(constant.node)
            own_names = (constant.node, found.key) if found else (constant.node,)
            for pattern in patterns:
                if pattern.matches(*own_names):
                    reason = f"matches --take {pattern.text!r}"
                    self._take_one(constant, Finding("take", reason, constant.node))
                    break

    def _take_one(self, constant: Skipped, finding: Finding) -> None:
        if constant.tensor is None:
            raise SelectionError(f"{finding.reason}, but {constant.reason}")
        self._add(constant, finding)

    def _add(self, constant: Skipped, finding: Finding) -> None:
        if constant.tensor is not None:
            # What was detected and then left out is still what it was.
            self.taken[constant.node] = self._found.get(constant.node) or variable_of(
                constant.node, constant.tensor, finding
            )
            del self._left[constant.node]

    def _drop(self, variable: Variable, reason: str) -> None:
        del self.taken[variable.node]
        self._left[variable.node] = Skipped(variable.node, variable.tensor, reason)

    def _check(self, option: str, patterns: Sequence[Pattern]) -> None:
        variables = list(self.taken.values())
        unmatched = [p.text for p in patterns if not any(_matches(p, v) for v in variables)]
        if unmatched:
            names = {name: None for v in variables for name in (v.key, v.node)}
            raise unmatched_error(option, unmatched, names)

    def result(self) -> Detection:
        keys: dict[str, Variable] = {}
        for variable in self.taken.values():
            other = keys.setdefault(variable.key, variable)
            if other is not variable:
                msg = (
                    f"nodes {other.node!r} and {variable.node!r} would both be stored as "
                    f"{variable.key!r}; leave one out with --exclude"
                )
                raise SelectionError(msg)
        # Code points sort as their UTF-8 bytes do, and so as bundle keys must.
        ordered = tuple(keys[key] for key in sorted(keys))
        return Detection(ordered, tuple(self._left.values()))


def _matches(pattern: Pattern, variable: Variable) -> bool:
    return pattern.matches(variable.key, variable.node)
