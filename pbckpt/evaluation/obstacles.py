"""Obstacles: why a tensor cannot be computed from constants, by the node that stands in the way."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pbckpt.graph.decode import Node


class ObstacleKind(Enum):
    """Kinds of obstacles, each with its reason in words."""

    INPUT = "what it gives is fed when the graph runs"
    VARIABLE = "it is a variable still, and its value is in a checkpoint; freeze the graph first"
    LOOP = "it is part of a loop"
    UNKNOWN = "this op is not computed here"
    ABSENT = "the graph has no such node"
    BROKEN = "its attrs or inputs are not what the op takes"


class Obstacle(NamedTuple):
    """The node that stands in the way, and why; ``detail`` is more of it where there is more."""

    kind: ObstacleKind
    node: str
    op: str
    detail: str = ""

    @property
    def reason(self) -> str:
        """The reason in words, with the node's name and op."""
        op = f" ({self.op})" if self.op else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"node {self.node!r}{op}: {self.kind.value}{detail}"


_KINDS = {
    **dict.fromkeys(
        (
            "Placeholder",
            "PlaceholderV2",
            "_Arg",
            "_DeviceArg",
            "_Recv",
            "_HostRecv",
            "IteratorGetNext",
            "IteratorGetNextSync",
            "OneShotIterator",
        ),
        ObstacleKind.INPUT,
    ),
    **dict.fromkeys(
        (
            "Variable",
            "VariableV2",
            "TemporaryVariable",
            "VarHandleOp",
            "VarHandlesOp",
            "AutoReloadVariable",
            "ReadVariableOp",
            "ResourceGather",
            "ResourceGatherNd",
            "RestoreV2",
            "Restore",
        ),
        ObstacleKind.VARIABLE,
    ),
    **dict.fromkeys(
        ("NextIteration", "LoopCond", "Exit", "While", "StatelessWhile"), ObstacleKind.LOOP
    ),
}


def obstacle_of(node: Node) -> Obstacle:
    """Return why a node whose op is not computed stands in the way."""
    return Obstacle(_KINDS.get(node.op, ObstacleKind.UNKNOWN), node.name, node.op)
