"""Slots of a target: what is an optimizer's, which no frozen graph has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.edits.candidate import Candidate
from pbckpt.edits.slots import find_slots
from pbckpt.matching.roles import SLOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.matching.sides import Target


def with_slots(targets: Sequence[Target]) -> list[Target]:
    """Return the targets with the role of a slot where they are known as one."""
    known = {
        at: Candidate((one.key, *one.names), one.dtype, one.shape)
        for at, one in enumerate(targets)
        if one.dtype is not None and one.shape is not None
    }
    places = list(known)
    slots = {places[slot] for slot in find_slots(list(known.values()))}
    return [one._replace(role=SLOT) if at in slots else one for at, one in enumerate(targets)]
