"""Like: what a user asks of a target, and what comes of it before anything is written.

    graph -> variables -> edits ->  sources --+
                                              +-> match -> filled -> problems
    target ----------------------> targets ---+

``--set`` gives a target its value first; the rest is matched. What then has none
is an error, or is kept or made, as the user says. Everything that is wrong is
found before any of it is told.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.targets import TargetKind
from pbckpt.dtypes import DataType
from pbckpt.edits.nearest import nearest_names
from pbckpt.edits.refusal import shorten
from pbckpt.edits.settings import parse_setting
from pbckpt.errors import MatchError
from pbckpt.matching.match import Match
from pbckpt.matching.plan import MatchBy, match
from pbckpt.matching.roles import BIAS, ONES, SLOT, role_of_name

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from pbckpt.applications.targets import OpenTarget
    from pbckpt.edits.settings import Setting
    from pbckpt.matching.match import Pair
    from pbckpt.matching.sides import Source, Target


# Below it, no name and no role speaks for a pair.
_SURE_ENOUGH = 0.7
# Where else there may be pairs, said where there are none.
_FURTHER = {
    MatchBy.NAME: ", or match further with --match suffix or structure",
    MatchBy.SUFFIX: ", or match further with --match structure",
    MatchBy.STRUCTURE: "",
}
# The state of a recurrent network, which starts as zeros.
_STATE = re.compile(r"(^|[/_])states?(_[a-z0-9]+)?(/\.ATTRIBUTES/VARIABLE_VALUE)?$")
_POWER = re.compile(r"(^|/)beta[12]_power(_[0-9]+)?$")


class OnMissing(Enum):
    """What becomes of what the target has and the graph has not."""

    ERROR = "error"
    KEEP = "keep"
    INIT = "init"


class OnLeftOver(Enum):
    """What becomes of what the graph has and the target has not: none of it is stored."""

    WARN = "warn"
    ERROR = "error"


class Like(NamedTuple):
    """A target, and how a graph's variables are brought into its form.

    ``target`` is the path of a checkpoint, a SavedModel, a ``.meta`` or an index
    of names. ``cast`` gives values the target's types where these differ.
    """

    target: str | os.PathLike[str]
    match: MatchBy = MatchBy.NAME
    missing: OnMissing = OnMissing.ERROR
    left_over: OnLeftOver = OnLeftOver.WARN
    cast: bool = False


class Fill(Enum):
    """Where a value comes from that the graph has not."""

    SET = "set"
    KEPT = "kept from the target"
    ZEROS = "zeros"
    ONES = "ones"


class Filled(NamedTuple):
    """A target whose value is not the graph's."""

    target: Target
    fill: Fill


class MatchReport(NamedTuple):
    """What of a graph fills a target, and what does not.

    ``problems`` are what keeps it from being written, ``briefs`` the same without
    names, for whoever sees these beside. ``is_cast`` is whether what has another
    type is cast.
    """

    source: str
    target: str
    kind: str
    match: Match
    filled: tuple[Filled, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    is_cast: bool = False
    briefs: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing keeps the result from being written."""
        return not self.problems

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs that are stored."""
        return (*self.match.matched, *(one.pair for one in self.match.wrong_dtype))

    @property
    def brief(self) -> str:
        """What is wrong, in a line, without the names."""
        return f"{self.source} does not fill {self.target}: {'; '.join(self.briefs)}"

    def check(self) -> None:
        """Raise MatchError with everything that is wrong, if anything is."""
        if self.problems:
            missing = [one.target.key for one in self.match.missing]
            raise MatchError(
                f"{self.source} does not fill {self.target}: {'; '.join(self.problems)}",
                report=self,
                unknown=missing,
            )


class MatchPlan(NamedTuple):
    """A report, and the values that were written down, by the keys of their targets."""

    report: MatchReport
    settings: Mapping[str, Setting]


def plan_match(
    source: str,
    sources: Sequence[Source],
    opened: OpenTarget,
    like: Like,
    settings: Sequence[Setting | str] = (),
) -> MatchPlan:
    """Return what becomes of the sources, which are from ``source``."""
    planner = _Planner(opened, like)
    planner.set(settings)
    planner.match(sources)
    report = MatchReport(
        source,
        opened.path,
        opened.kind.value,
        planner.matched,
        tuple(planner.filled),
        tuple(planner.problems),
        tuple(planner.warnings),
        like.cast,
        tuple(planner.briefs),
    )
    return MatchPlan(report, planner.settings)


class _Planner:
    """A target on its way: what is set, what is matched, what is filled."""

    def __init__(self, opened: OpenTarget, like: Like) -> None:
        self._opened = opened
        self._like = like
        self.settings: dict[str, Setting] = {}
        self.matched = Match()
        self.filled: list[Filled] = []
        self.problems: list[str] = []
        self.briefs: list[str] = []
        self.warnings: list[str] = []

    def _refuse(self, fact: str, told: Sequence[str] = (), advice: str = "") -> None:
        """Add a problem: a fact, about what, and what to do."""
        about = f": {shorten(told)}" if told else ""
        ending = f"; {advice}" if advice else ""
        self.problems.append(f"{fact}{about}{ending}")
        self.briefs.append(f"{fact}{ending}")

    def set(self, settings: Sequence[Setting | str]) -> None:
        """Give targets the values that were written down."""
        by_name: dict[str, Target] = {}
        everything = (*self._opened.targets, *self._opened.kept)
        for target in everything:
            for name in target.names:
                by_name.setdefault(name, target)
        by_name |= {target.key: target for target in everything}
        for given in settings:
            setting = parse_setting(given) if isinstance(given, str) else given
            found = by_name.get(setting.name)
            problem = _misfit(setting, found) if found else _unknown(setting, by_name)
            if problem:
                self._refuse(problem)
            elif found is not None:
                self.settings[found.key] = setting._replace(name=found.key)
                self.filled.append(Filled(found, Fill.SET))
        kept = (one for one in self._opened.kept if one.key not in self.settings)
        self.filled.extend(Filled(one, Fill.KEPT) for one in kept)

    def match(self, sources: Sequence[Source]) -> None:
        """Match what is not set, fill what is missing, and tell what is wrong."""
        targets = [one for one in self._opened.targets if one.key not in self.settings]
        self.matched = match(sources, targets, MatchBy(self._like.match))
        self._tell_missing()
        self._tell_ambiguous()
        self._tell_shapes()
        self._tell_types()
        self._tell_left_over()
        self._tell_unsure()
        if sources and targets and not self._has_pairs():
            further = _FURTHER[MatchBy(self._like.match)]
            self._refuse(
                "nothing of the graph has a place in it",
                advice=f"rename with --rename, --strip-prefix and --add-prefix{further}",
            )

    def _has_pairs(self) -> bool:
        found = self.matched
        return bool(found.matched or found.wrong_dtype or found.wrong_shape or found.ambiguous)

    def _tell_missing(self) -> None:
        on_missing = OnMissing(self._like.missing)
        missing = [one.target for one in self.matched.missing]
        if not missing:
            return
        if on_missing is OnMissing.ERROR:
            told = [
                f"{_called(one.target)}" + (f" (nearest: {', '.join(near)})" if near else "")
                for one in self.matched.missing
                for near in (one.nearest,)
            ]
            has_values = self._opened.kind is TargetKind.CHECKPOINT
            self._refuse(
                f"{len(told)} missing in the graph",
                told,
                f"rename, fill with --set, or say --missing {'keep or ' * has_values}init",
            )
        elif on_missing is OnMissing.KEEP and self._opened.kind is not TargetKind.CHECKPOINT:
            self._refuse(
                f"{len(missing)} missing in the graph, and {self._opened.path} has no values to "
                "keep",
                advice="say --missing init, or give a checkpoint as the target",
            )
        elif on_missing is OnMissing.KEEP:
            self.filled.extend(Filled(target, Fill.KEPT) for target in missing)
        else:
            self._init(missing)

    def _init(self, missing: Sequence[Target]) -> None:
        unknown = [_called(one) for one in missing if one.dtype is None or one.shape is None]
        opaque = [_called(one) for one in missing if one.dtype and not _can_be_made(one)]
        for told, fact in ((unknown, "type and shape are not known"), (opaque, "has no zero")):
            if told:
                self._refuse(f"--missing init cannot make {shorten(told)}: {fact}")
        filled = [Filled(one, Fill.ONES if _role(one) in ONES else Fill.ZEROS) for one in missing]
        self.filled.extend(filled)
        doubtful = [_called(one.target) for one in filled if _is_doubtful(one)]
        if doubtful:
            self.warnings.append(
                f"{len(doubtful)} start as zeros, from which a network does not learn: "
                f"{shorten(doubtful)}"
            )
        powers = [_called(one) for one in missing if _POWER.search(one.key)]
        if powers:
            self.warnings.append(
                f"{shorten(powers)} start as zeros, with which Adam corrects nothing; set its "
                "betas, as in --set beta1_power=float32:0.9"
            )

    def _tell_ambiguous(self) -> None:
        told = [
            f"{_called(one.target)} (candidates: {', '.join(one.candidates)})"
            for one in self.matched.ambiguous
        ]
        if told:
            self._refuse(
                f"{len(told)} ambiguous, as several variables would fit",
                told,
                "decide with --rename or --map, or leave some out with --exclude",
            )

    def _tell_shapes(self) -> None:
        told = [
            f"{_called(one.pair.target)} {list(one.pair.target.shape or ())}, the graph has "
            f"{list(one.pair.source.shape)}, {one.problem}"
            for one in self.matched.wrong_shape
        ]
        if told:
            self._refuse(
                f"{len(told)} of the wrong shape",
                told,
                "leave them out of the graph's with --exclude to have them treated as missing",
            )

    def _tell_types(self) -> None:
        told: dict[bool, list[str]] = {True: [], False: []}
        for one in self.matched.wrong_dtype:
            target = one.pair.target
            wanted = target.dtype.label if target.dtype else ""
            text = f"{_called(target)} is {wanted}, the graph has {one.pair.source.dtype.label}"
            told[one.can_cast].append(text)
        if told[True] and not self._like.cast:
            self._refuse(
                f"{len(told[True])} of the wrong type", told[True], "cast them with --like-cast"
            )
        if told[False]:
            self._refuse(f"{len(told[False])} of a type that no cast makes right", told[False])

    def _tell_left_over(self) -> None:
        told = [repr(one.key) for one in self.matched.left_over]
        if not told:
            return
        is_one = len(told) == 1
        has, it_is = ("has", "it is") if is_one else ("have", "they are")
        fact = f"{len(told)} of the graph's {has} no place in the target"
        if OnLeftOver(self._like.left_over) is OnLeftOver.ERROR:
            self._refuse(fact, told, f"leave {'it' if is_one else 'them'} out with --exclude")
        else:
            self.warnings.append(f"{fact}: {shorten(told)}; {it_is} not stored")

    def _tell_unsure(self) -> None:
        told = [
            f"{pair.source.key!r} for {_called(pair.target)} ({pair.confidence:.2f}: {pair.reason})"
            for pair in (*self.matched.matched, *(one.pair for one in self.matched.wrong_dtype))
            if pair.confidence < _SURE_ENOUGH
        ]
        if told:
            self.warnings.append(
                f"{len(told)} were matched without a name that tells: {shorten(told)}; see that "
                "they are right"
            )


def _called(target: Target) -> str:
    slot = ", an optimizer's" if target.role == SLOT else ""
    return f"{target.key!r}{slot}"


def _role(target: Target) -> str:
    return target.role or role_of_name(target.name)


def _can_be_made(target: Target) -> bool:
    return target.dtype is DataType.STRING or (
        target.dtype is not None and target.dtype.is_fixed_size
    )


def _is_doubtful(filled: Filled) -> bool:
    """Tell whether a target gets zeros that may be a weight: no bias, slot or state."""
    target = filled.target
    is_weight = target.role != SLOT and len(target.shape or ()) > 1 and _role(target) != BIAS
    return is_weight and filled.fill is Fill.ZEROS and not _STATE.search(target.name)


def _misfit(setting: Setting, target: Target) -> str:
    """Return what keeps a value from being a target's, or nothing."""
    facts = []
    if target.dtype is not None and target.dtype is not setting.dtype:
        facts.append(f"its type is {target.dtype.label}")
    if target.shape is not None and target.shape != setting.shape:
        facts.append(f"its shape is {list(target.shape)}")
    if target.slices:
        facts.append("it is partitioned")
    return f"--set does not fit {setting.name!r}: {' and '.join(facts)}" if facts else ""


def _unknown(setting: Setting, names: Mapping[str, Target]) -> str:
    near = nearest_names(setting.name, names)
    nearest = f" (nearest: {', '.join(near)})" if near else ""
    return f"--set {setting.name!r}: the target has no such key{nearest}"
