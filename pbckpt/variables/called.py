"""Called: the functions of the library that a node runs, as its op and its attrs say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.operators.calls import DIRECT_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.graph.decode import Node
    from pbckpt.operators.calls import Call


def called_functions(call: Call, node: Node) -> dict[str, bool]:
    """Return the functions that a call runs, and whether their results are the call's."""
    if call is DIRECT_CALL:
        return {node.op: True}
    return {
        name: attr in call.returns
        for attr in call.functions
        for name in listed_functions(node, attr)
    }


def listed_functions(node: Node, attr: str) -> Iterator[str]:
    """Yield the names of the functions that an attr of a call lists."""
    value = node.definition.attr.get(attr)
    if value is not None:
        if value.func.name:
            yield value.func.name
        for function in value.list.func:
            yield function.name
