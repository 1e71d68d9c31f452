"""Attributes: what TensorFlow 1.15 does not know is left out where it says nothing.

Reference: `pbckpt.operators.newer_attributes`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pbckpt.operators import newer_attributes
from pbckpt.protos import AttrValue

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


def superfluous_attributes(definition: NodeDef) -> list[str]:
    """Return the attributes of a node that 1.15 would refuse and that hold their default."""
    newer = newer_attributes(definition.op)
    if not newer:
        return []
    attrs = definition.attr
    return [
        name
        for name, (kind, value) in newer.items()
        if name in attrs and _is(attrs[name], kind, value)
    ]


def _is(attr: AttrValue, kind: str, value: object) -> bool:
    if kind == "list":
        return attr.WhichOneof("value") in ("list", None) and attr.list == AttrValue.ListValue()
    return attr.WhichOneof("value") == kind and attr == _default(kind, value)


@cache
def _default(kind: str, value: object) -> AttrValue:
    default = AttrValue()
    setattr(default, kind, value)
    return default
