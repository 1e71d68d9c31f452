"""Calls: the ops that can hand more on to functions than they do, and how they say so.

    op                                    functions                    types of arguments
    While StatelessWhile                  cond body                    T
    If StatelessIf                        then_branch else_branch      Tin
    Case StatelessCase                    branches                     Tin
    PartitionedCall and the stateful one  f                            Tin
    a function's own name                 it                           in its signature

Reference: tensorflow/core/ops/functional_ops.cc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from pbckpt.graph.node import Node
    from pbckpt.protos import NodeDef

_LOOP = (("cond", "body"), "T")
_BRANCHES = (("then_branch", "else_branch"), "Tin")
_CASES = (("branches",), "Tin")
_CALL = (("f",), "Tin")
_CALLS = {
    "While": _LOOP,
    "StatelessWhile": _LOOP,
    "If": _BRANCHES,
    "StatelessIf": _BRANCHES,
    "Case": _CASES,
    "StatelessCase": _CASES,
    "PartitionedCall": _CALL,
    "StatefulPartitionedCall": _CALL,
}
LOOPS = frozenset(("While", "StatelessWhile"))
ORIGINAL_OUTPUTS = "_num_original_outputs"
"""The attribute that says how many outputs of a loop gradients may come in at."""


def function_attributes(op: str) -> tuple[str, ...]:
    """Return the attributes by which a call names what it calls."""
    return _CALLS[op][0] if op in _CALLS else ()


def types_attribute(op: str) -> str:
    """Return the attribute that lists the types of a call's arguments, or nothing."""
    return _CALLS[op][1] if op in _CALLS else ""


def first_argument(op: str) -> int:
    """Return the place of the first input of a call that is an argument of what it calls."""
    return 1 if op in _CALLS and _CALLS[op] in (_BRANCHES, _CASES) else 0


def called_functions(node: Node, functions: Container[str]) -> tuple[str, ...]:
    """Return the functions that a node calls in a way that can hand more on."""
    return functions_called(node.definition, functions)


def functions_called(node: NodeDef, functions: Container[str]) -> tuple[str, ...]:
    """Return the functions that a node calls in a way that can hand more on."""
    names = [name for attr in function_attributes(node.op) for name in _named(node, attr)]
    if node.op in functions:
        names.append(node.op)
    return tuple(dict.fromkeys(names))


def named_functions(node: Node, attr: str) -> list[str]:
    """Return the functions that an attribute of a node names."""
    return _named(node.definition, attr)


def _named(node: NodeDef, attr: str) -> list[str]:
    value = node.attr.get(attr)
    if value is None:
        return []
    if value.WhichOneof("value") == "func":
        return [value.func.name]
    return [one.name for one in value.list.func]
