"""Effects: which nodes do more than to give tensors.

A function lists the nodes that are to run whoever takes its results (``control_ret``), and
TensorFlow lists all there that have a state: what reads a variable, looks a word up or
draws a random number too. These need not run where nobody takes what they give; what
assigns, fills, prints or asserts has to. An op that is not known has an effect.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from pbckpt.rewrite.build import is_control, producer
from pbckpt.rewrite.calls import called_functions, function_attributes, functions_called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node
    from pbckpt.protos import FunctionDef, NodeDef

_IDENTITIES = frozenset(("Identity", "IdentityN"))
_NONE = re.compile(
    r"ReadVariableOp|ResourceGather(?:Nd)?|VariableShape|VarIsInitializedOp|VarHandleOp"
    r"|Variable(?:V2)?|Placeholder\w*|Const|Identity(?:N)?|NoOp|Shape"
    r"|(?:Anonymous)?(?:Mutable)?(?:Dense)?HashTable\w*|LookupTable(?:Find|Size|Export)\w*"
    r"|Random(?!ShuffleQueue)\w+|TruncatedNormal|Parameterized\w+|Multinomial"
    r"|Stateless\w+|StatefulRandom\w+|StatefulUniform\w*|StatefulTruncatedNormal"
    r"|StatefulStandardNormal\w*|TensorList\w+|EmptyTensorList|TensorArray\w*V3"
)
# Where a function has a state and does not list what is to run.
_SOME = re.compile(
    r"Assert|Print(?:V2)?|Assign\w*|(?:Resource)?(?:Sparse)?Apply\w+|ResourceScatter\w+"
    r"|LookupTable(?:Import|Insert|Remove)\w*|InitializeTable\w*|\w*Enqueue\w*|\w*PyFunc\w*|Save\w*|Write\w*|MergeV2Checkpoints|\w*Summary"
)


def listed_nodes(function: Function, definition: FunctionDef) -> list[Node]:
    """Return the nodes of a function that are to run, whoever takes its results.

    What one that is listed waits for is among them: the list may name nothing but a NoOp
    that waits for all that counts.
    """
    listed = set(definition.control_ret.values())
    if listed or not definition.signature.is_stateful:
        run = _awaited(function, listed)
        return [node for node in function.nodes if node.name in run]
    return [
        node for node in function.nodes if function_attributes(node.op) or _SOME.fullmatch(node.op)
    ]


def _awaited(function: Function, listed: Iterable[str]) -> set[str]:
    """Return some nodes of a function, and those that they wait for; Identities take them."""
    run = set(listed)
    nodes = {node.name: node.definition for node in function.nodes} if run else {}
    waiting = list(run)
    while waiting:
        node = nodes.get(waiting.pop())
        if node is None:
            continue
        for text in node.input:
            name = producer(text)
            if name not in run and (is_control(text) or node.op in _IDENTITIES):
                run.add(name)
                waiting.append(name)
    return run


class Effects:
    """Which nodes of a graph with some functions have effects."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        """Look at functions when they are asked for."""
        self._functions = functions

    def has(self, node: NodeDef) -> bool:
        """Tell whether a node does more than to give tensors: itself, or what it calls."""
        called = functions_called(node, self._functions)
        if not called:
            return not _NONE.fullmatch(node.op)
        return any(name not in self._functions or name in self._with_effects for name in called)

    @cached_property
    def _with_effects(self) -> set[str]:
        """The functions that have effects: of their own, or of functions that they call."""
        callers: dict[str, list[str]] = {}
        waiting = []
        for name, function in self._functions.items():
            for node in listed_nodes(function, function.definition()):
                called = called_functions(node, self._functions)
                for one in called:
                    callers.setdefault(one, []).append(name)
                is_one = not called and not _NONE.fullmatch(node.op)
                if is_one or any(one not in self._functions for one in called):
                    waiting.append(name)
        found = set(waiting)
        while waiting:
            fresh = [name for name in callers.get(waiting.pop(), ()) if name not in found]
            found.update(fresh)
            waiting += fresh
        return found
