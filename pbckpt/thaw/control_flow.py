"""Control flow collections: loops and branches as TensorFlow 1 notes them.

    cond_context     CondContextDef     one for each branch
    while_context    WhileContextDef    one for each loop

The outermost are listed; what is inside of one is nested in it. Without them a graph
runs and cannot be differentiated. A context's name must be its frame's: TensorFlow
adds nodes to the frame by that name.

Reference: tensorflow/core/protobuf/control_flow.proto; CondContext and WhileContext in
tensorflow/python/ops/control_flow_ops.py, to_proto and from_proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.errors import LimitError
from pbckpt.protos import CondContextDef, ControlFlowContextDef, WhileContextDef
from pbckpt.rewrite.build import producer, tensor_of_input
from pbckpt.thaw.contexts import ENTERS, SWITCHES, Branch, Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pbckpt.protos import NodeDef, ValuesDef
    from pbckpt.thaw.completion import Completed
    from pbckpt.thaw.contexts import Context

# TensorFlow's own recursion over nested contexts ends before this.
_MAX_DEPTH = 50
# Names of tensors, each in all contexts that it is in; no model comes near.
_MAX_VALUES = 2_000_000


def control_flow_collections(
    completed: Completed, outputs: Callable[[NodeDef], int]
) -> dict[str, list[bytes]]:
    """Return the collections; ``outputs`` tells how many outputs a node has."""
    contexts = _Contexts(completed, outputs)
    found: dict[str, list[bytes]] = {}
    for context in contexts.children(None):
        message = contexts.message(context)
        name = "while_context" if isinstance(context, Loop) else "cond_context"
        found.setdefault(name, []).append(message.SerializeToString(deterministic=True))
    return found


class _Contexts:
    """Builds the messages of contexts, with what is nested in them."""

    def __init__(self, completed: Completed, outputs: Callable[[NodeDef], int]) -> None:
        self._completed = completed
        self._outputs = outputs
        self._nodes: dict[Context | None, list[NodeDef]] = {}
        self._children: dict[Context | None, dict[Context, None]] = {}
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._values = 0
        control_flow = completed.control_flow
        for node, context in zip(control_flow.nodes, control_flow.contexts(), strict=True):
            self._nodes.setdefault(context, []).append(node)
            inner = context
            while inner is not None and inner not in self._children.get(inner.parent, {}):
                self._children.setdefault(inner.parent, {})[inner] = None
                inner = inner.parent

    def children(self, context: Context | None) -> list[Context]:
        """Return the contexts in another, past those that TensorFlow 1 has no word for."""
        found: list[Context] = []
        for child in self._children.get(context, {}):
            found += [child] if self._is_known(child) else self.children(child)
        return found

    def _is_known(self, context: Context) -> bool:
        if context.depth > _MAX_DEPTH:
            return False
        if isinstance(context, Loop):
            return context in self._completed.loops and _is_text(context.frame)
        return context in self._completed.pivots

    def message(self, context: Context) -> WhileContextDef | CondContextDef:
        """Return a context with all that is in it."""
        message = self._loop(context) if isinstance(context, Loop) else self._branch(context)
        for child in self.children(context):
            nested = self.message(child)
            held = ControlFlowContextDef()
            if isinstance(nested, WhileContextDef):
                held.while_ctxt.CopyFrom(nested)
            else:
                held.cond_ctxt.CopyFrom(nested)
            message.nested_contexts.append(held)
        return message

    def _loop(self, loop: Loop) -> WhileContextDef:
        parts = self._completed.loops[loop]
        message = WhileContextDef(
            context_name=loop.frame,
            parallel_iterations=loop.parallel_iterations,
            back_prop=True,
            pivot_name=_tensor(parts.condition),
            pivot_for_pred_name=_tensor(parts.first_merge),
            pivot_for_body_name=_tensor(parts.body_pivot),
            loop_exit_names=map(_tensor, parts.exits),
            loop_enter_names=map(_tensor, parts.enters),
        )
        known = frozenset(parts.enters)
        taken = {
            _tensor(node.input[0]): _tensor(node.name)
            for node in reversed(self._nodes.get(loop, []))
            if node.op in ENTERS
            and node.input
            and node.name not in known
            and node.attr["is_constant"].b
        }
        self._fill(message.values_def, loop, taken)
        return message

    def _branch(self, branch: Branch) -> CondContextDef:
        pivot = self._completed.pivots[branch]
        pred = _tensor(branch.pred)
        message = CondContextDef(
            context_name=self._name_of(pivot),
            pred_name=pred,
            pivot_name=_tensor(pivot),
            branch=branch.taken,
        )
        taken = {
            _tensor(node.input[0]): f"{node.name}:{branch.taken}"
            for node in reversed(self._nodes.get(branch, []))
            if node.op in SWITCHES
        }
        self._fill(message.values_def, branch, {**taken, pred: pred})
        return message

    def _name_of(self, pivot: str) -> str:
        scope, slash, _ = pivot.rpartition("/")
        wanted = name = f"{scope}{slash}cond_text"
        while name in self._names:
            self._numbers[wanted] = self._numbers.get(wanted, 0) + 1
            name = f"{wanted}_{self._numbers[wanted]}"
        self._names.add(name)
        return name

    def _fill(self, message: ValuesDef, context: Context, taken: dict[str, str]) -> None:
        """Say what is known in a context: outputs of nodes inside, and what is taken in."""
        inside: set[str] = set()
        for node in self._all_nodes(context):
            number = self._outputs(node)
            self._values += max(number, 0)
            if self._values > _MAX_VALUES:
                raise_too_many(self._values)
            inside.update(f"{node.name}:{output}" for output in range(number))
        message.values.extend(sorted(inside | set(taken)))
        for outer, inner in taken.items():
            message.external_values[outer] = inner

    def _all_nodes(self, context: Context) -> list[NodeDef]:
        found: list[NodeDef] = []
        waiting = [context]
        while waiting:
            one = waiting.pop()
            found += self._nodes.get(one, [])
            waiting += self._children.get(one, {})
        return found


def raise_too_many(values: int) -> None:
    """Refuse loops and branches with more in them than in any model."""
    raise LimitError(
        "outputs of nodes in loops and branches",
        limit="values of contexts",
        value=values,
        maximum=_MAX_VALUES,
    )


def _is_text(frame: str) -> bool:
    """Tell whether a message can have the name of a frame, which may be any bytes."""
    return frame.encode("utf-8", "ignore").decode() == frame


def _tensor(text: str) -> str:
    """Return the full name of a tensor: of output 0 where none is said."""
    text = tensor_of_input(text)
    return text if ":" in text and producer(text) != text else f"{text}:0"
