"""Keys of objects: where a value lies, told by the names on the way from the root.

    key        path /.ATTRIBUTES/ attribute         layer/w/.ATTRIBUTES/VARIABLE_VALUE
    path       escaped local names, joined with /   layer/w
    escape     "." -> "..", then "/" -> ".S"        a/b.c -> a.Sb..c
    slot       path of the variable /.OPTIMIZER_SLOT/ path of the optimizer
               / escaped slot name /.ATTRIBUTES/ VARIABLE_VALUE

Escaped names have their dots in pairs, or before an S, so the words that start
with a single dot cannot be names. The trap is the empty name: the path of a
child called "" is that of the root.

Reference: tensorflow/python/trackable/trackable_utils.py. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAPH_KEY = BundleKey(b"_CHECKPOINTABLE_OBJECT_GRAPH")
VARIABLE_VALUE = "VARIABLE_VALUE"
SAVE_COUNTER = "save_counter"
"""The child of the root that counts saves."""
_ATTRIBUTES = "/.ATTRIBUTES/"
_SLOT = "/.OPTIMIZER_SLOT/"
_ESCAPE = re.compile(r"\.(.?)", re.DOTALL)
_MEANINGS = {".": ".", "S": "/"}


class AttributeKey(NamedTuple):
    """A key in its parts: the path of an object, and which of its values it is."""

    path: str
    attribute: str

    @classmethod
    def parse(cls, key: str) -> AttributeKey | None:
        """Split a key; None for one that is no object's."""
        path, separator, attribute = key.partition(_ATTRIBUTES)
        return cls(path, attribute) if separator else None


class SlotPath(NamedTuple):
    """The path of a slot variable in its parts, as keys hold them."""

    variable: str
    optimizer: str
    slot_name: str

    @classmethod
    def parse(cls, path: str) -> SlotPath | None:
        """Split a path; None for one that is no slot variable's."""
        variable, separator, rest = path.partition(_SLOT)
        optimizer, slash, slot_name = rest.rpartition("/")
        return cls(variable, optimizer, slot_name) if separator and slash else None


def escape(local_name: str) -> str:
    """Return a local name as it stands in keys."""
    return local_name.replace(".", "..").replace("/", ".S")


def unescape(text: str) -> str:
    """Return the local name that stands in a key as ``text``.

    Raises SelectionError for what `escape` returns for no name.
    """
    name = _ESCAPE.sub(lambda found: _MEANINGS.get(found[1], ""), text)
    if escape(name) != text:
        msg = f"{text!r} is no local name as keys hold it: there . is .. and / is .S"
        raise SelectionError(msg)
    return name


def variable_key(path: Sequence[str]) -> str:
    """Return the key of the variable that these local names lead to."""
    return key_of_path("/".join(map(escape, path)))


def key_of_path(path: str) -> str:
    """Return the key of what `path_of_key` calls ``path``."""
    return path if _ATTRIBUTES in path else path + _ATTRIBUTES + VARIABLE_VALUE


def path_of_key(key: str) -> str | None:
    """Return what to call the value under a key of an object; None for other keys.

    The value of a variable has the path of the variable. Any other value is
    called by its whole key.
    """
    parts = AttributeKey.parse(key)
    if parts is None:
        return None
    return parts.path if parts.attribute == VARIABLE_VALUE else key
