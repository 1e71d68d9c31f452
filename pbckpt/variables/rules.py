"""The rules: what freezing leaves on a constant that was a variable.

    rule              what is left
    read_identity     Const X, Identity X/read: a reference variable
    resource_capture  Const …/resource: a variable that a TensorFlow 2 function
                      captured; the name is that of the place where it was read
    resource_read     Const X, Identity …/ReadVariableOp: a resource variable

A rule looks at one constant and its surroundings and answers with a finding
or with nothing; the first that finds something decides.

Reference: tensorflow/python/framework/convert_to_constants.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pbckpt.graph.decode import Node
    from pbckpt.graph.view import GraphView

_READ = "/read"
_RESOURCE = "/resource"
_READ_VARIABLE_OP = "ReadVariableOp"


class Finding(NamedTuple):
    """Why a constant was a variable, and the key to store it under."""

    rule: str
    reason: str
    key: str


class Rule(Protocol):
    """Looks for one kind of trace."""

    def __call__(self, node: Node, view: GraphView) -> Finding | None:
        """Return a finding for a Const node, or None."""


def read_identity(node: Node, view: GraphView) -> Finding | None:
    """Find the Identity ``X/read`` that reads a reference variable ``X``."""
    read = node.name + _READ
    if any(identity.name == read for identity in view.identities(node.name)):
        reason = f"Identity {read!r} reads it, as freezing leaves a reference variable"
        return Finding("read_identity", reason, node.name)
    return None


def resource_capture(node: Node, view: GraphView) -> Finding | None:
    """Find the name that TensorFlow 2's freezing gives a captured variable.

    It is that of the node that reads it, and of that node's input.
    """
    reader = node.name.removesuffix(_RESOURCE)
    if reader == node.name:
        return None
    is_read = _last_component(reader).startswith(_READ_VARIABLE_OP)
    if not is_read and all(consumer.name != reader for consumer in view.consumers(node.name)):
        return None
    reason = f"it is named after {reader!r}, as TensorFlow 2 freezes a captured variable"
    return Finding(
        "resource_capture", reason, reader.removesuffix("/" + _READ_VARIABLE_OP) or node.name
    )


def _last_component(name: str) -> str:
    return name.rpartition("/")[2]


def resource_read(node: Node, view: GraphView) -> Finding | None:
    """Find the Identity that a ReadVariableOp became."""
    for identity in view.identities(node.name):
        if _last_component(identity.name).startswith(_READ_VARIABLE_OP):
            reason = f"Identity {identity.name!r} reads it, as freezing leaves a resource variable"
            return Finding("resource_read", reason, node.name)
    return None


RULES: tuple[Rule, ...] = (read_identity, resource_capture, resource_read)
