"""Unused variables: those whose value no node of the graph takes.

    Const w    Const w_copy -> MatMul                    merged duplicates
    Const w -> Enter    ^Enter -> Const w_enter -> Mul   a constant folded into a loop

What optimises a graph after it was frozen leaves such constants. The graph runs without
them; as variables they look as if training could change something.

An Identity, an Enter and a Switch only hand a value on. What nothing takes anything of, and
waits for, is an output of the graph, and counts; but for a constant, which is left over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.rewrite.build import producer, tensor_of_input
from pbckpt.variables.network import CONSTANT_OP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.graph.decode import Graph
    from pbckpt.thaw.variable import FrozenVariable

_PASSING = frozenset(("Enter", "Identity", "RefEnter", "RefSwitch", "Switch"))


def unused_variables(graph: Graph, variables: Sequence[FrozenVariable]) -> list[str]:
    """Return the trainable variables in the main graph whose value is not taken."""
    used = _used_tensors(graph)
    return [
        one.name
        for one in variables
        if one.is_trainable and one.is_in_graph and tensor_of_input(one.tensor) not in used
    ]


def _used_tensors(graph: Graph) -> set[str]:
    """Return what is taken by more than nodes that hand it on to nobody."""
    used: set[str] = set()
    waited: set[str] = set()
    passing: dict[str, str] = {}
    for node in graph.nodes:
        is_passing = node.op in _PASSING
        # All inputs of all nodes: this is most of the time, and calls are most of that.
        for text in node.definition.input:
            if text[:1] == "^":
                waited.add(text[1:])
            elif is_passing:
                passing[node.name] = tensor_of_input(text)
                is_passing = False
            else:
                used.add(text.removesuffix(":0"))
    named = waited.union(map(_producer, used), map(_producer, passing.values()))
    used.update(
        node.name for node in graph.nodes if node.op != CONSTANT_OP and node.name not in named
    )
    waiting = [name for tensor in used if (name := _producer(tensor)) in passing]
    while waiting:
        tensor = passing.pop(waiting.pop(), None)
        if tensor is not None:
            used.add(tensor)
            waiting.append(_producer(tensor))
    return used


def _producer(tensor: str) -> str:
    return producer(tensor) if ":" in tensor else tensor
