"""The plan: what an edited checkpoint holds, before a byte of it is read.

    select, include, exclude, drop-slots, take     which tensors
    ema                                            averages and variables
    map and rename in order, strip, add            under which names
    cast                                           with which types
    set                                            and what else

Every tensor is in the plan or among what was dropped, with a reason. All that
is wrong is told at once: rules that match nothing, names that two tensors
want, casts that cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.edits.averages import Ema, averages_of, new_averages
from pbckpt.edits.casts import Cast, is_castable, parse_cast
from pbckpt.edits.refusal import Refusal
from pbckpt.edits.renames import NameMap, Naming, Rename, map_of, parse_rename
from pbckpt.edits.selection import Choice, Patterns, Selection, find_places, refuse_one_text
from pbckpt.edits.settings import Setting, parse_setting
from pbckpt.edits.slots import find_slots
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.edits.candidate import Candidate

NO_SELECTION = Selection()


class Edits(NamedTuple):
    """What a user wants changed; by itself nothing.

    Texts are as on the command line; a dict among ``renames`` is a map.
    """

    selection: Selection = NO_SELECTION
    drop_slots: bool = False
    ema: Ema | None = None
    renames: tuple[Rename | NameMap | Mapping[str, str] | str, ...] = ()
    strip_prefix: str = ""
    add_prefix: str = ""
    casts: tuple[Cast | str, ...] = ()
    settings: tuple[Setting | str, ...] = ()


NO_EDITS = Edits()


class Planned(NamedTuple):
    """A tensor to be stored: its place among the candidates, both names, the type to store."""

    source: int
    old: str
    new: str
    dtype: DataType


class EditPlan(NamedTuple):
    """``tensors`` and ``settings`` ascend by the bytes of their names.

    ``dropped`` are the places of the other candidates and the reasons.
    """

    tensors: tuple[Planned, ...]
    settings: tuple[Setting, ...]
    dropped: tuple[tuple[int, str], ...]


def plan_edits(candidates: Sequence[Candidate], edits: Edits = NO_EDITS) -> EditPlan:
    """Return what becomes of the candidates. Raises SelectionError with all that is wrong."""
    rules = _parsed(edits)
    plan = _Plan(candidates)
    plan.choose(Patterns.of(edits.selection), drop_slots=edits.drop_slots)
    plan.average(edits.ema)
    plan.rename(rules.renames, edits.strip_prefix, edits.add_prefix)
    plan.cast(rules.casts)
    plan.set(rules.settings)
    return plan.result()


class _Rules(NamedTuple):
    renames: list[Rename | NameMap]
    casts: list[Cast]
    settings: list[Setting]


def _parsed(edits: Edits) -> _Rules:
    refuse_one_text("renames", edits.renames)
    refuse_one_text("casts", edits.casts)
    refuse_one_text("settings", edits.settings)
    return _Rules(
        [_parse_rename(rename) for rename in edits.renames],
        [parse_cast(cast) if isinstance(cast, str) else cast for cast in edits.casts],
        [parse_setting(one) if isinstance(one, str) else one for one in edits.settings],
    )


def _parse_rename(rename: Rename | NameMap | Mapping[str, str] | str) -> Rename | NameMap:
    if isinstance(rename, str):
        return parse_rename(rename)
    return rename if isinstance(rename, (Rename, NameMap)) else map_of(rename)


class _Plan:
    """The tensors on their way through the steps: what is taken, its names, its types."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._refusal = Refusal()
        self._choice = Choice([candidate.names for candidate in candidates], self._refusal)
        # From the averages on: places of the candidates, one or two of each.
        self._sources: list[int] = []
        self._naming = Naming(())
        self._dtypes: list[DataType] = []
        self._settings: dict[str, Setting] = {}

    def choose(self, patterns: Patterns, *, drop_slots: bool) -> None:
        self._choice.include(patterns.include)
        self._choice.exclude(patterns.exclude)
        if drop_slots:
            self._drop_slots()
        self._choice.take(patterns.take)

    def _drop_slots(self) -> None:
        slots = find_slots(self._candidates)
        found = [place for place in self._choice.taken if place in slots]
        for place in found:
            self._choice.leave(place, slots[place])
        if not found:
            self._refusal.add("--drop-slots matches nothing: no tensor is known as an optimizer's")

    def average(self, ema: Ema | None) -> None:
        taken = self._choice.taken
        names = {place: self._candidates[place].names[0] for place in taken}
        added: list[tuple[int, str]] = []
        if ema is not None and Ema(ema) is Ema.TO_RAW:
            averages = averages_of(self._candidates, taken, self._refusal)
            self._replace(names, averages)
            names |= averages
        elif ema is not None:
            added = new_averages(self._candidates, taken, self._refusal)
        self._sources = [*names, *(place for place, _ in added)]
        self._naming = Naming([*names.values(), *(name for _, name in added)])

    def _replace(self, names: dict[int, str], averages: Mapping[int, str]) -> None:
        """Leave the variables whose averages take their names."""
        by_variable = {variable: names[place] for place, variable in averages.items()}
        for place, name in list(names.items()):
            if name in by_variable and place not in averages:
                del names[place]
                self._choice.leave(place, f"its average {by_variable[name]!r} takes its place")

    def rename(self, renames: Sequence[Rename | NameMap], strip: str, add: str) -> None:
        if renames:
            self._naming.apply(renames, self._refusal)
        if strip:
            self._naming.strip_prefix(strip, self._refusal)
        if add:
            self._naming.add_prefix(add)

    def cast(self, casts: Sequence[Cast]) -> None:
        self._dtypes = [self._candidates[source].dtype for source in self._sources]
        if not casts:
            return
        places_of: dict[str, list[int]] = {}
        for place, (source, new) in enumerate(zip(self._sources, self._naming.names, strict=True)):
            for name in dict.fromkeys((*self._candidates[source].names, new)):
                places_of.setdefault(name, []).append(place)
        unmatched = []
        for cast in casts:
            found = find_places(cast.pattern, places_of)
            for place in found:
                self._dtypes[place] = cast.dtype
            if not found:
                unmatched.append(cast.pattern.text)
        self._refusal.add_unmatched("--cast", unmatched, places_of)
        self._refusal.add_list("--cast cannot change", list(self._impossible_casts()))

    def _impossible_casts(self) -> Iterable[str]:
        for source, dtype in zip(self._sources, self._dtypes, strict=True):
            candidate = self._candidates[source]
            if dtype is candidate.dtype:
                continue
            change = f"{candidate.names[0]!r} from {candidate.dtype.label} to {dtype.label}"
            if not is_castable(candidate.dtype):
                yield change
            elif candidate.dtype.is_complex and not dtype.is_complex:
                yield f"{change}, which would drop the imaginary parts"

    def set(self, settings: Sequence[Setting]) -> None:
        twice = []
        for setting in settings:
            if setting.name in self._settings:
                twice.append(repr(setting.name))
            self._settings[setting.name] = setting
        self._refusal.add_list("--set gives more than one value", list(dict.fromkeys(twice)))

    def result(self) -> EditPlan:
        self._check_unique()
        order = self._order(self._naming.names)
        self._refusal.check()
        if self._candidates and not self._sources and not self._settings:
            count = len(self._candidates)
            raise SelectionError(
                f"the selection leaves none of the {count} tensors; loosen --include or --exclude"
            )
        tensors = self._planned(order)
        return EditPlan(tensors, self._ordered_settings(), self._dropped(tensors))

    def _planned(self, order: Sequence[int]) -> tuple[Planned, ...]:
        sources = [self._sources[place] for place in order]
        old = [self._candidates[source].names[0] for source in sources]
        new = map(self._naming.names.__getitem__, order)
        dtypes = map(self._dtypes.__getitem__, order)
        return tuple(map(Planned, sources, old, new, dtypes))

    def _check_unique(self) -> None:
        names = self._naming.names
        if len(set(names)) == len(names):
            return
        owners: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            owners.setdefault(name, []).append(place)
        crowds = [
            f"{self._name_all(places)} would be stored as {name!r}"
            for name, places in owners.items()
            if len(places) > 1
        ]
        advice = "rename them apart, or leave one out with --exclude"
        self._refusal.add_list("several tensors want one name", crowds, advice)

    def _name_all(self, places: Sequence[int]) -> str:
        few = [repr(self._candidates[self._sources[place]].names[0]) for place in places[:3]]
        more = len(places) - len(few)
        return " and ".join(few) + (f" and {more} more" if more else "")

    def _order(self, names: Sequence[str]) -> list[int]:
        """Return the places that stay, by ascending name, as bytes."""
        stay = list(range(len(names)))
        if self._settings:
            stay = [place for place in stay if names[place] not in self._settings]
        if "" in names:
            empty = [place for place, name in enumerate(names) if not name]
            self._refusal.add(
                f"{self._name_all(empty)} would be stored under an empty name; change "
                "--strip-prefix, --rename or --map, or leave it out with --exclude"
            )
        try:
            # Code points ascend as their bytes in UTF-8 do.
            "".join(names).encode()
        except UnicodeEncodeError:
            keys = [self._key(name) for name in names]
            return sorted(stay, key=keys.__getitem__)
        return sorted(stay, key=names.__getitem__)

    def _key(self, name: str) -> bytes:
        try:
            return key_to_bytes(name)
        except SelectionError as error:
            self._refusal.add(str(error))
            return b""

    def _ordered_settings(self) -> tuple[Setting, ...]:
        return tuple(
            sorted(self._settings.values(), key=lambda setting: key_to_bytes(setting.name))
        )

    def _dropped(self, tensors: Sequence[Planned]) -> tuple[tuple[int, str], ...]:
        reasons = dict(self._choice.left)
        if self._settings:
            planned = {tensor.source for tensor in tensors}
            for source, name in zip(self._sources, self._naming.names, strict=True):
                if source not in planned:
                    reasons[source] = f"--set gives {name!r} another value"
        return tuple(sorted(reasons.items()))
