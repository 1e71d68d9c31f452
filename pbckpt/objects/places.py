"""Places: where objects lie, where they shall lie, and which edges that takes.

    root - model - dense - kernel   an end: an object that has a key
                         - bias
                 - opt   - step

A place is a path from the root. The object at an end shall lie where its new
key says, mostly where it is. An object above follows those below it: where all
that is below ``model`` goes to ``net``, so does ``model`` itself, and takes
along what has no key, such as an optimizer's slots. It stays where the others
go apart, where something else stays at ``net``, or goes there too; then the
objects below it are moved one by one. An object that all values have left makes
way for another.

Places form a tree while objects may form cycles: the tree has the paths of keys
alone, so that it is as large as all keys together.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pbckpt.objects.edges import Edges


class Place:
    """A path. ``node_id`` is the object there, if any, before anything is moved."""

    __slots__ = (
        "children",
        "end",
        "has_other_values",
        "is_torn",
        "name",
        "node_id",
        "parent",
        "target",
    )

    def __init__(self, parent: Place | None, name: str, node_id: int | None) -> None:
        self.parent = parent
        self.name = name
        self.node_id = node_id
        self.children: dict[str, Place] = {}
        # Where the object here shall lie, if it has a key.
        self.end: Place | None = None
        # Whether the object here has values whose keys do not tell its place.
        self.has_other_values = False
        # Where all ends here and below would have it lie, unless they disagree.
        self.target: Place | None = None
        self.is_torn = False

    @property
    def owner(self) -> Place:
        """The place above; the root has none, and is its own."""
        return self.parent or self

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the way from the root."""
        return tuple(place.name for place in self.way_up() if place.parent is not None)[::-1]

    @property
    def path(self) -> str:
        """The path as keys hold it."""
        return "/".join(self.names)

    def way_up(self) -> Iterator[Place]:
        """Yield this place, the one above it and so on, the root last."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.parent

    def settle(self, target: Place) -> None:
        """Say where the object here shall lie. Raises SelectionError for a second answer."""
        if self.end not in (None, target):
            msg = f"the values of one object must move together: those of {self.path!r}"
            raise SelectionError(msg)
        self.end = target

    def follow(self, target: Place | None) -> None:
        """Take a target that what is below needs; None or a second one tears it apart."""
        if target is None or self.target not in (None, target):
            self.is_torn = True
        self.target = target


class Move(NamedTuple):
    """The object at a place gets an edge at the target instead, or none."""

    place: Place
    target: Place | None


class Places:
    """All places that keys name."""

    def __init__(self, edges: Edges, valued: Collection[int]) -> None:
        """Look objects up in ``edges``, which must not change until `moves` is called.

        ``valued`` are the objects with values in them or below.
        """
        self._edges = edges
        self._valued = valued
        self._root = Place(None, "", 0)
        self._all = [self._root]  # Each after the one above it.

    def at(self, path: str) -> Place:
        """Return the place at a path."""
        place = self._root
        for name in path.split("/"):
            found = place.children.get(name)
            place = self._make(place, name) if found is None else found
        return place

    def _make(self, owner: Place, name: str) -> Place:
        node_id = None if owner.node_id is None else self._edges.child(owner.node_id, name)
        owner.children[name] = made = Place(owner, name, node_id)
        self._all.append(made)
        return made

    def moves(self) -> list[Move]:
        """Return the moves that bring every object to where it shall lie.

        Call it once, when all ends are settled. Raises SelectionError where
        objects would be in each other's way, telling all of them.
        """
        self._agree()
        staying = {self._root}
        while True:
            lie = self._lie(staying)
            targets = _targets(lie)
            crowded = {target for target, count in _arriving(lie).items() if count > 1}
            obstructed = self._obstructed(targets, crowded)
            following = [place for place in obstructed if place.end is None]
            if not following:
                break
            for place in following:
                staying.update(place.way_up())
        if obstructed:
            pairs = sorted(f"{place.path!r} to {targets[place].path!r}" for place in obstructed)
            msg = f"an object cannot move to where another one lies: {', '.join(pairs)}"
            raise SelectionError(msg)
        left = [Move(place, None) for place in targets.values() if _stays(place, targets)]
        return left + [Move(place, target) for place, target in targets.items()]

    def _agree(self) -> None:
        """Let all places follow those below them."""
        for place in reversed(self._all):
            if place.end is not None:
                place.follow(place.end)
            if place.is_torn:
                place.owner.follow(None)
            elif place.target is not None:
                place.owner.follow(place.target.parent)

    def _lie(self, staying: set[Place]) -> dict[Place, Place]:
        """Return where the objects of all places will lie, those above first."""
        lie: dict[Place, Place] = {}
        for place in self._all:
            target = place if place.is_torn or place in staying else place.target
            if target is None:
                continue
            if place.end not in (None, target):
                msg = (
                    f"the object {place.path!r} cannot move without what lies below it; "
                    "rename all of that likewise"
                )
                raise SelectionError(msg)
            lie[place] = target
        return lie

    def _held(self, targets: dict[Place, Place]) -> set[Place]:
        """Return the places whose objects keep a value, in them or below."""
        held = set()
        for place in reversed(self._all):
            if place.end is not None or place.has_other_values:
                held.add(place)
            if place in held and place not in targets:
                held.add(place.owner)
        return held

    def _obstructed(self, targets: dict[Place, Place], crowded: set[Place]) -> list[Place]:
        """Return the places that cannot move: others go to the target too, or one stays."""
        held = self._held(targets)
        return [
            place
            for place, target in targets.items()
            if target in crowded
            or (_stays(target, targets) and not self._can_go(target, target in held))
        ]

    def _can_go(self, place: Place, is_held: bool) -> bool:  # noqa: FBT001 - one of two facts
        """Tell whether the object at a place has no values, or all that it had leave it."""
        had_values = place.is_torn or place.target is not None
        emptied = place.node_id not in self._valued or (had_values and not is_held)
        return emptied and place is not self._root


def _targets(lie: dict[Place, Place]) -> dict[Place, Place]:
    """Return the targets of the objects that get another edge: others go along."""
    return {
        place: target
        for place, target in lie.items()
        if target.name != place.name or target.owner is not lie[place.owner]
    }


def _arriving(lie: dict[Place, Place]) -> Counter[Place]:
    """Count the objects that come to each place from elsewhere."""
    return Counter(target for place, target in lie.items() if target is not place)


def _stays(place: Place, targets: dict[Place, Place]) -> bool:
    """Tell whether the object at a place, if there is one, is not taken along by any move."""
    return place.node_id is not None and targets.keys().isdisjoint(place.way_up())
