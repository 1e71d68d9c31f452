"""Parts: a partitioned variable, frozen part by part, becomes one source again.

    net/emb/part_0  [11, 12]
    net/emb/part_1  [10, 12]   ->   net/emb  [31, 12]   parts, axis 0
    net/emb/part_2  [10, 12]

Checkpoints call it by its own name, and the parts are slices there. The names
prove nothing, so the numbers must be complete, and the shapes must differ in one
dimension at most. Where all parts are alike, the target of that name tells in
which dimension they follow each other; where there is none, it is the first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.matching.sides import Source, Target

_PART = re.compile(r"(.+)/part_([0-9]{1,6})\Z")


def join_parts(sources: Sequence[Source], targets: Sequence[Target]) -> list[Source]:
    """Return the sources with the parts of variables as one each, where no target wants a part."""
    wanted = {name: target for target in targets for name in (target.key, *target.names)}
    known = {source.key for source in sources}
    families: dict[str, dict[int, Source]] = {}
    for source in sources:
        match = _PART.fullmatch(source.key)
        if match and source.key not in wanted:
            families.setdefault(match[1], {})[int(match[2])] = source
    joined: dict[str, Source] = {}
    for name, family in families.items():
        whole = None if name in known else _joined(name, family, wanted.get(name))
        if whole is not None:
            joined |= dict.fromkeys(whole.parts, whole)
    return list(_with_joined(sources, joined))


def _with_joined(sources: Sequence[Source], joined: dict[str, Source]) -> Iterator[Source]:
    for source in sources:
        whole = joined.get(source.key)
        if whole is None:
            yield source
        elif whole.parts[0] == source.key:
            yield whole


def _joined(name: str, family: dict[int, Source], target: Target | None) -> Source | None:
    """Return the whole of a family, or None where it is none."""
    parts = [family[number] for number in sorted(family)]
    shapes = [part.shape for part in parts]
    is_complete = sorted(family) == list(range(len(parts)))
    if not is_complete or not shapes[0] or len({part.dtype for part in parts}) > 1:
        return None
    axes = [axis for axis in range(len(shapes[0])) if _follow_each_other(shapes, axis)]
    wholes = {axis: _whole_shape(shapes, axis) for axis in axes}
    told = [axis for axis in axes if target is not None and wholes[axis] == target.shape]
    if not axes:
        return None
    axis = (told or axes)[0]
    first = parts[0]
    return first._replace(
        key=name,
        names=(),
        shape=wholes[axis],
        was=_PART.sub(r"\1", first.was),
        parts=tuple(part.key for part in parts),
        axis=axis,
    )


def _follow_each_other(shapes: Sequence[tuple[int, ...]], axis: int) -> bool:
    return len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) == 1


def _whole_shape(shapes: Sequence[tuple[int, ...]], axis: int) -> tuple[int, ...]:
    total = sum(shape[axis] for shape in shapes)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])
