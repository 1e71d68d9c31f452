"""Merge: the tensors of several checkpoints become one.

Keys that more than one of them has are an error that lists them, unless the
caller prefers the first or the last. Object graphs are of one program each and
are not merged: object-based checkpoints are made name-based first.
"""

from __future__ import annotations

from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.checkpoints.layout import Format, Item, Layout, arrange
from pbckpt.checkpoints.source import open_source
from pbckpt.checkpoints.write import Progress, WrittenBundle, no_progress, write_bundle
from pbckpt.edits.plan import plan_edits
from pbckpt.errors import SelectionError
from pbckpt.names import Prefix, key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from pbckpt.checkpoints.source import Source

DEFAULT_LAYOUT = Layout()
_SHOWN = 20


class Prefer(Enum):
    """Whose tensor counts where several have one of that name."""

    NEITHER = "neither"
    FIRST = "first"
    LAST = "last"


def merge(  # noqa: PLR0913 - all but two have defaults
    sources: Sequence[str | os.PathLike[str]],
    prefix: str | os.PathLike[str],
    *,
    prefer: Prefer = Prefer.NEITHER,
    layout: Layout = DEFAULT_LAYOUT,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    progress: Progress = no_progress,
) -> WrittenBundle:
    """Write the tensors of several checkpoints as the checkpoint ``prefix``.

    Raises SelectionError for keys that several have, with all of them, and for
    object-based checkpoints; BundleError, PathError and WriteError as `edit`
    does.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    if not sources:
        raise SelectionError("nothing to merge; give at least one checkpoint")
    with ExitStack() as stack:
        opened = [stack.enter_context(open_source(path)) for path in sources]
        items = _merged(opened, Prefer(prefer))
        arrangement = arrange(items, layout)
        return write_bundle(
            arrangement.shards,
            sum(item.nbytes for item in items),
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            aliases=arrangement.aliases,
            progress=progress,
        )


def _merged(sources: Sequence[Source], prefer: Prefer) -> list[Item]:
    items: dict[bytes, Item] = {}
    owners: dict[bytes, str] = {}
    clashes: list[str] = []
    for source in sources:
        path = source.stored.prefix.path
        if source.layout.form is not Format.NAME:
            raise SelectionError(
                f"{path} is object-based, and object graphs cannot be merged; make it name-based "
                "first: pbckpt edit --format name"
            )
        for planned in plan_edits(source.candidates).tensors:
            key = key_to_bytes(planned.new)
            if key in items and prefer is Prefer.NEITHER:
                clashes.append(f"{planned.new!r} in {owners[key]} and {path}")
            if key not in items or prefer is Prefer.LAST:
                items[key] = source.item(planned, key)
                owners[key] = path
    if clashes:
        more = f"; and {len(clashes) - _SHOWN} more" if len(clashes) > _SHOWN else ""
        raise SelectionError(
            f"several checkpoints have the same keys: {'; '.join(clashes[:_SHOWN])}{more}; rename "
            "or leave out with pbckpt edit, or say whose count with --prefer first or last"
        )
    return list(items.values())
