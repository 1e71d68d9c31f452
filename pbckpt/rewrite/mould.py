"""Moulds: the bytes of nodes that differ in their name, their inputs and one attribute.

    NodeDef   1 name   2 op   3 input*   5 attr*       by key
    attr      1 key   2 AttrValue -> 1 list -> 2 s*
                                  -> 2 s

A graph gets six nodes for each of its variables, of a few kinds. To build each as a message
takes three times as long as to join its bytes. They are what protobuf writes.

Reference: tensorflow/core/framework/node_def.proto and attr_value.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.protos import NodeDef
from pbckpt.rewrite.build import set_mark
from pbckpt.wire.fields import LENGTH
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.protos import AttrValue
    from pbckpt.rewrite.build import Mark

_NAME, _OP, _INPUT, _ATTR = (bytes((number << 3 | LENGTH,)) for number in (1, 2, 3, 5))
_KEY, _VALUE = _NAME, _OP
_LIST, _TEXT = _NAME, _OP


class EncodedNode(NamedTuple):
    """A node as bytes."""

    name: str
    data: bytes

    def definition(self) -> NodeDef:
        """Return it as a message."""
        return NodeDef.FromString(self.data)


class Mould:
    """Nodes of one op and of the same attributes, but for one that each has its own value of."""

    def __init__(
        self, op: str, *, own: str = "", mark: Mark | None = None, **attrs: AttrValue
    ) -> None:
        """``own`` is the attribute that is told of each node."""
        whole = NodeDef(attr=attrs)
        if mark is not None:
            set_mark(whole, mark)
        entries = {
            key: NodeDef(attr={key: value}).SerializeToString()
            for key, value in sorted(whole.attr.items())
        }
        self._op = _field(_OP, op.encode())
        self._own = _field(_KEY, own.encode())
        self._before = b"".join(data for key, data in entries.items() if key < own)
        self._after = b"".join(data for key, data in entries.items() if key > own)

    def node(self, name: str, inputs: Iterable[str] = (), own: bytes = b"") -> EncodedNode:
        """Return a node; ``own`` is the value of its own attribute, as bytes."""
        data = _field(_NAME, name.encode()) + self._op
        for text in inputs:
            data += _field(_INPUT, text.encode())
        data += self._before
        if own:
            data += _field(_ATTR, self._own + _field(_VALUE, own))
        return EncodedNode(name, data + self._after)


def text_bytes(text: str) -> bytes:
    """Return the bytes of an attribute that is a string."""
    return _field(_TEXT, text.encode("utf-8", "surrogateescape"))


def colocated_bytes(name: str) -> bytes:
    """Return the bytes of the attribute ``_class`` of a node that is placed where ``name`` is."""
    return _field(_LIST, _field(_TEXT, b"loc:@" + name.encode()))


def _field(tag: bytes, data: bytes) -> bytes:
    return tag + encode_varint(len(data)) + data
