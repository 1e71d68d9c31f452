r"""Place: variables where constants were, with their reads and initial values.

    was                        is, of a resource                 of a reference
    Const w                    VarHandleOp w                     VariableV2 w
     |                          |   \-> w/Read/ReadVariableOp    |
     +-> Identity w/read        +-> ReadVariableOp w/read        +-> Identity w/read
     '-> MatMul                 '-> w/Read/... -> MatMul         '-> w/read -> MatMul

    Const x/MatMul/ReadVariableOp/resource           of a variable called x/kernel:
     |                         VarHandleOp x/kernel
     |                          '-> ReadVariableOp x/MatMul/ReadVariableOp/resource
     '-> Identity                    '-> Identity

The names of nodes stay: a constant that the variable is not called by becomes a read
of it. In a loop or in a branch what is read outside comes in as everything does, by an
Enter or a Switch.

Reference: tensorflow/python/ops/resource_variable_ops.py and variables.py.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pbckpt.rewrite.build import (
    KEPT_OUTPUT_SHAPES,
    OUTPUT_SHAPES,
    Mark,
    build_node,
    is_control,
    mark_of,
    number_attr,
    producer,
    set_mark,
    tensor_of_input,
    text_attr,
    true_attr,
    type_attr,
)
from pbckpt.thaw.contexts import Loop, way_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.protos import NodeDef
    from pbckpt.rewrite.draft import Draft
    from pbckpt.thaw.contexts import Context, ControlFlow
    from pbckpt.thaw.variable import FrozenVariable, ThawedVariable
    from pbckpt.thaw.variable_nodes import VariableBuilder

# A few thousand constants in contexts that are nested a hundred deep: no model has them.
_MAX_WAYS = 500_000


class Placement:
    """Puts variables into a draft, one after the other."""

    def __init__(
        self,
        builder: VariableBuilder,
        control_flow: ControlFlow | None,
        tensors: Iterable[str],
    ) -> None:
        """``tensors`` are those whose consumers will be asked for."""
        self.draft = builder.draft
        self._builder = builder
        self._control_flow = control_flow
        self._sources = {producer(one) for one in tensors}
        self._consumers = _consumers(self.draft, self._sources)
        self._several = {producer(taken) for taken in self._consumers if ":" in taken}
        self._rewired: dict[str, str] = {}
        self._reads: set[str] = set()
        self._ways: dict[tuple[str, Context], str] = {}

    def finish(self) -> None:
        """Have everybody take what is in place of what they took."""
        self.draft.rewire(self._rewired, frozenset(self._reads))

    def put(self, variable: FrozenVariable) -> ThawedVariable:
        """Put a variable in the place of the tensor of the main graph that has its value."""
        tensor = tensor_of_input(variable.tensor)
        definition = self.draft.look(producer(tensor))
        controls = [text for text in definition.input if is_control(text)]
        if definition.name in self._several or ":" in tensor:
            thawed = self.add(variable, before=definition.name)
            self._rewired[tensor] = thawed.snapshot
            return thawed
        self._drop_unused(definition)
        if variable.name != definition.name:
            thawed = self.add(variable, before=definition.name)
            self._read_in_place(thawed, definition, controls)
        elif controls or self._context(definition.name) is not None:
            thawed = self._take_name(variable, definition, read="")
            self._rewired[tensor] = self._read_apart(thawed, definition, controls)
        else:
            thawed = self._take_name(variable, definition, self._existing_read(definition.name))
            self._convert_reads(thawed, tensor)
        return thawed

    def add(self, variable: FrozenVariable, before: str = "") -> ThawedVariable:
        """Add a variable with a read of its own, of which the main graph has no value."""
        name = self.draft.fresh(variable.name)
        nodes, thawed = self._builder.nodes(variable, name, Mark.ADDED)
        self.draft.add(*nodes, before=before)
        return thawed

    def read_for(self, thawed: ThawedVariable, caller: str) -> str:
        """Return the tensor by which a node of the main graph has a variable's value."""
        return self._into(thawed.snapshot, thawed, self._context(caller))

    def _context(self, name: str) -> Context | None:
        return self._control_flow.context(name) if self._control_flow else None

    def _take_name(
        self, variable: FrozenVariable, definition: NodeDef, read: str
    ) -> ThawedVariable:
        """Put a variable where a node of its name is; ``read`` is a read that is there."""
        nodes, thawed = self._builder.nodes(variable, definition.name, Mark.VARIABLE, read)
        variable_node, *others = nodes
        kept = [key for key in definition.attr if key.startswith("_")]
        if kept or definition.device:
            handle = variable_node.definition()
            handle.device = definition.device
            for key in kept:
                is_shape = key == OUTPUT_SHAPES and self._builder.is_resource
                kept_key = KEPT_OUTPUT_SHAPES if is_shape else key
                handle.attr[kept_key].CopyFrom(definition.attr[key])
            self.draft.replace(definition.name, handle, *others)
        else:
            self.draft.replace(definition.name, *nodes)
        return thawed

    def _existing_read(self, name: str) -> str:
        """Return the read of a constant that can stand for all of them; empty if there is none."""
        read = self._builder.usual_read(name)
        node = self.draft.original(read)
        is_read = (
            node is not None
            and read in self.draft
            and node.op == "Identity"
            and list(node.definition.input) == [name]
            and self._context(read) is None
        )
        return read if is_read else ""

    def _convert_reads(self, thawed: ThawedVariable, tensor: str) -> None:
        """Have Identities of the constant read the variable; who takes it itself, a read."""
        is_taken_itself = False
        for name in dict.fromkeys(self._consumers.get(tensor, ())):
            if name not in self.draft:
                continue
            definition = self.draft.look(name)
            if definition.op != "Identity" or self._context(name) is not None:
                is_taken_itself = True
                continue
            self._reads.add(name)
            if self._builder.is_resource:
                self.draft.replace(name, self._to_read(self.draft.change(name)))
        if is_taken_itself:
            self._rewired[tensor] = self._own_read(thawed)

    def _own_read(self, thawed: ThawedVariable) -> str:
        """Return a read that was not in the graph: only that goes away again."""
        if mark_of(self.draft.look(thawed.snapshot)) is Mark.ADDED:
            return thawed.snapshot
        name = self.draft.fresh(f"{thawed.name}/Read/ReadVariableOp")
        read = self._builder.read(name, thawed.name, thawed.frozen.dtype, Mark.ADDED)
        self.draft.add(read, after=thawed.name)
        return name

    @staticmethod
    def _to_read(definition: NodeDef) -> NodeDef:
        set_mark(definition, Mark.READ)
        definition.op = "ReadVariableOp"
        definition.attr["dtype"].CopyFrom(definition.attr["T"])
        del definition.attr["T"]
        return definition

    def _read_in_place(
        self, thawed: ThawedVariable, definition: NodeDef, controls: list[str]
    ) -> None:
        """Have the node that was the constant read the variable."""
        context = self._context(definition.name)
        if context is None:
            dtype = thawed.frozen.dtype
            read = self._builder.read(definition.name, thawed.name, dtype, Mark.CONSTANT)
        else:
            source = self._into(thawed.snapshot, thawed, context)
            read = build_node(
                definition.name,
                "Identity",
                [source],
                T=type_attr(thawed.frozen.dtype),
                mark=Mark.CONSTANT,
            )
        read.input.extend(controls)
        read.device = definition.device
        for key, value in definition.attr.items():
            if key.startswith("_"):
                read.attr[key].CopyFrom(value)
        self.draft.replace(definition.name, read)

    def _read_apart(self, thawed: ThawedVariable, definition: NodeDef, controls: list[str]) -> str:
        """Return a read that waits for what the constant waited for."""
        context = self._context(definition.name)
        name = self.draft.fresh(f"{thawed.name}/Read/Identity")
        read = build_node(
            name,
            "Identity",
            [self._into(thawed.snapshot, thawed, context), *controls],
            T=type_attr(thawed.frozen.dtype),
            mark=Mark.ADDED,
        )
        self.draft.add(read, after=definition.name)
        return name

    def _into(self, tensor: str, thawed: ThawedVariable, context: Context | None) -> str:
        """Return what a tensor of no context is in a context, brought in by added nodes."""
        for step in way_to(context):
            key = (thawed.name, step)
            if key not in self._ways:
                self._ways[key] = self._step(tensor, thawed, step)
                if len(self._ways) > _MAX_WAYS:
                    raise_too_many(len(self._ways))
            tensor = self._ways[key]
        return tensor

    def _step(self, tensor: str, thawed: ThawedVariable, step: Context) -> str:
        dtype = type_attr(thawed.frozen.dtype)
        if isinstance(step, Loop):
            name = self.draft.fresh(f"{thawed.name}/Enter")
            node = build_node(
                name,
                "Enter",
                [tensor],
                T=dtype,
                frame_name=text_attr(step.frame),
                is_constant=true_attr(),
                parallel_iterations=number_attr(step.parallel_iterations),
                mark=Mark.ADDED,
            )
            self.draft.add(node, after=thawed.name)
            return name
        if step.is_case:
            return tensor
        name = self.draft.fresh(f"{thawed.name}/Switch")
        node = build_node(name, "Switch", [tensor, step.pred], T=dtype, mark=Mark.ADDED)
        self.draft.add(node, after=thawed.name)
        return f"{name}:{step.taken}" if step.taken else name

    def _drop_unused(self, definition: NodeDef) -> None:
        """Take away what only led to a value that is a variable's now."""
        waiting = [producer(text) for text in definition.input if not is_control(text)]
        gone = {definition.name}
        while waiting:
            name = waiting.pop()
            is_there = self.draft.original(name) is not None and name not in gone
            is_kept = name in self._sources or name in self._reads
            if is_there and not is_kept and self._takers[name] <= gone:
                gone.add(name)
                waiting += [producer(text) for text in self.draft.look(name).input]
                self.draft.remove(name)

    @cached_property
    def _takers(self) -> dict[str, set[str]]:
        """Who takes anything of a node of the graph, or waits for it."""
        takers: dict[str, set[str]] = {}
        for node in self.draft.originals():
            for text in node.definition.input:
                takers.setdefault(producer(text), set()).add(node.name)
        return takers


def raise_too_many(ways: int) -> None:
    """Refuse variables that are brought into more contexts than in any model."""
    from pbckpt.errors import LimitError  # noqa: PLC0415 - only for an error

    raise LimitError(
        "variables that are brought into loops and branches",
        limit="entered variables",
        value=ways,
        maximum=_MAX_WAYS,
    )


def _consumers(draft: Draft, nodes: set[str]) -> dict[str, list[str]]:
    """Return who takes each of the outputs of some nodes."""
    found: dict[str, list[str]] = {}
    for node in draft.originals():
        for text in node.definition.input:
            if not is_control(text) and producer(text) in nodes:
                found.setdefault(tensor_of_input(text), []).append(node.name)
    return found
