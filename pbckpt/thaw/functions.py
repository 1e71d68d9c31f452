"""Functions: constants in bodies become arguments, which every call passes a variable's value.

    body f: Const c -> MatMul           body f(..., c_1): Identity c -> MatMul
    main:   PartitionedCall(x)          main: w -> read --> PartitionedCall(x, read)

A function has no variables of its own: it is given values. What one function of a call
needs, the others are given too, since a While's cond and body, or the branches of an If,
take the same arguments; a loop hands them round. What a body's own calls need, the
body needs.

Where a function is called by something that cannot hand on more (a dataset, an op with
its own gradient function), its constants stay what they are, and are told of.

Reference: tensorflow/core/framework/function.proto; While, If, Case and PartitionedCall
in core/ops/functional_ops.cc.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.encode import EncodedFunction
from pbckpt.protos import FunctionDef, OpDef
from pbckpt.rewrite.build import (
    MARK,
    SEPARATOR,
    Mark,
    build_node,
    is_control,
    producer,
    shape_message,
    type_attr,
)
from pbckpt.rewrite.calls import (
    LOOPS,
    ORIGINAL_OUTPUTS,
    called_functions,
    function_attributes,
    named_functions,
    types_attribute,
)
from pbckpt.rewrite.draft import Draft
from pbckpt.thaw.function_body import ArgumentNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pbckpt.graph.decode import Graph, Node
    from pbckpt.graph.library import Function
    from pbckpt.protos import NodeDef
    from pbckpt.thaw.variable import FrozenVariable

# A few thousand functions that all pass on a few thousand constants: no model does.
_MAX_PASSED = 1_000_000


class _Site(NamedTuple):
    """A call: the body that it is in, empty for the main graph, its node, what it calls."""

    body: str
    node: Node
    called: tuple[str, ...]


class Arguments:
    """Which variables each function is to be given, and how that is done."""

    def __init__(self, graph: Graph, variables: Mapping[str, Sequence[FrozenVariable]]) -> None:
        """``variables`` are those whose values are in functions, by function."""
        self._functions = {function.name: function for function in graph.functions}
        self._sites: list[_Site] = []
        self._closed: dict[str, str] = {}
        for gradient in graph.rest.library.gradient:
            for name in (gradient.function_name, gradient.gradient_func):
                self._closed.setdefault(name, "it has a gradient function, or is one")
        for name in variables:
            if name not in self._functions:
                self._closed.setdefault(name, "the graph has no function of that name")
        self._find_sites("", graph.nodes)
        for function in graph.functions:
            self._find_sites(function.name, function.nodes)
        self._close()
        self.variables = [
            one for name, some in variables.items() if name not in self._closed for one in some
        ]
        self.closed = {
            one.name: self._closed[name]
            for name, some in variables.items()
            if name in self._closed
            for one in some
        }
        self._by_body: dict[str, list[_Site]] = {}
        for site in self._sites:
            self._by_body.setdefault(site.body, []).append(site)
        self._bodies = _bodies(self._sites)
        self._needs = self._passed_on(variables)
        self._names = {name: self._argument_names(name) for name in self._needs}

    def _find_sites(self, body: str, nodes: Iterable[Node]) -> None:
        for node in nodes:
            called = called_functions(node, self._functions)
            if called:
                self._sites.append(_Site(body, node, called))
            for name in called:
                if name not in self._functions:
                    reason = f"{node.op} {node.name!r} calls it, and the graph does not have it"
                    self._closed.setdefault(name, reason)
            for attr, value in node.definition.attr.items():
                is_known = attr in function_attributes(node.op)
                if value.WhichOneof("value") in ("func", "list") and not is_known:
                    reason = f"{node.op} {node.name!r} calls it, which cannot pass a variable on"
                    for name in named_functions(node, attr):
                        self._closed.setdefault(name, reason)

    def _close(self) -> None:
        """Close what is called from what is closed, what is not called, and mixed loops."""
        called = {name for site in self._sites for name in site.called}
        for name in self._functions:
            if name not in called:
                self._closed.setdefault(name, "nothing calls it")
        for name in _bodies(self._sites) & _others(self._sites):
            self._closed.setdefault(name, "it is the body of a loop and called as well")
        by_name: dict[str, list[_Site]] = {}
        for site in self._sites:
            for name in {site.body, *site.called} - {""}:
                by_name.setdefault(name, []).append(site)
        roots = {name: name for name in self._closed}
        waiting = deque(self._closed)
        while waiting:
            closed = waiting.popleft()
            for site in by_name.get(closed, ()):
                for name in site.called:
                    if name not in self._closed:
                        # Told of the first one alone: the way there may be long.
                        roots[name] = root = roots[closed]
                        reason = f"{root!r} is called with it, or calls it, and "
                        self._closed[name] = reason + self._closed[root]
                        waiting.append(name)

    def _passed_on(
        self, variables: Mapping[str, Sequence[FrozenVariable]]
    ) -> dict[str, dict[str, FrozenVariable]]:
        """Return the variables that each function needs, by their names, in one order."""
        order = {one.name: one for one in self.variables}
        needs = {
            name: {one.name for one in some}
            for name, some in variables.items()
            if name not in self._closed
        }
        by_called: dict[str, list[_Site]] = {}
        for site in self._sites:
            for name in site.called:
                by_called.setdefault(name, []).append(site)
        waiting = deque(needs)
        passed = 0
        while waiting:
            for site in by_called.get(waiting.popleft(), ()):
                union = set().union(*(needs.get(name, set()) for name in site.called))
                for name in {*site.called, site.body} - {""}:
                    more = union - needs.setdefault(name, set())
                    if more:
                        needs[name] |= more
                        waiting.append(name)
                        passed += len(more)
            if passed > _MAX_PASSED:
                raise_too_many(passed)
        return {
            name: {one: order[one] for one in order if one in some} for name, some in needs.items()
        }

    def _argument_names(self, function: str) -> dict[str, str]:
        """Return what each variable is called in a function."""
        body = self._functions[function]
        names = ArgumentNames((*body.arguments, *(node.name for node in body.nodes)))
        return {variable: names.fresh(variable) for variable in self._needs[function]}

    def pass_from_main(self, draft: Draft, read: Callable[[FrozenVariable, str], str]) -> None:
        """Have the calls of the main graph pass values; ``read`` names the tensor for a call."""
        for site in self._by_body.get("", ()):
            needed = self._needs.get(site.called[0])
            if needed:
                inputs = [read(one, site.node.name) for one in needed.values()]
                _pass(draft.change(site.node.name), inputs, list(needed.values()))

    def encoded(self, function: Function) -> EncodedFunction:
        """Return a function as it is by now."""
        needed = self._needs.get(function.name)
        if not needed:
            return EncodedFunction(function.rest, function.nodes)
        names = self._names[function.name]
        draft = Draft(function.nodes)
        renamed: dict[str, str] = {}
        for variable in needed.values():
            node = variable.tensor.rpartition(SEPARATOR)[2]
            if variable.function == function.name:
                _to_argument(draft, producer(node), names[variable.name], variable)
                renamed[producer(node)] = f"{producer(node)}:output:0"
        for site in self._by_body.get(function.name, ()):
            passed = self._needs.get(site.called[0])
            if passed:
                inputs = [names[one] for one in passed]
                _pass(draft.change(site.node.name), inputs, list(passed.values()))
        _take_only_output(draft, renamed)
        definition = function.definition()
        for result, tensor in list(definition.ret.items()):
            definition.ret[result] = renamed.get(producer(tensor), tensor)
        is_body = function.name in self._bodies
        _declare(definition, [(names[name], one) for name, one in needed.items()], is_body=is_body)
        return EncodedFunction(definition.SerializeToString(deterministic=True), list(draft))


def raise_too_many(passed: int) -> None:
    """Refuse variables that would be passed on more often than in any model."""
    from pbckpt.errors import LimitError  # noqa: PLC0415 - only for an error

    raise LimitError(
        "variables that functions pass on to each other",
        limit="passed variables",
        value=passed,
        maximum=_MAX_PASSED,
    )


def _bodies(sites: Iterable[_Site]) -> set[str]:
    """Return the functions that are bodies of loops."""
    return {site.node.definition.attr["body"].func.name for site in sites if site.node.op in LOOPS}


def _others(sites: Iterable[_Site]) -> set[str]:
    """Return the functions that are called as anything but the body of a loop."""
    found = set()
    for site in sites:
        if site.node.op in LOOPS:
            found.add(site.node.definition.attr["cond"].func.name)
        else:
            found.update(site.called)
    return found


def _pass(call: NodeDef, inputs: Sequence[str], variables: Sequence[FrozenVariable]) -> None:
    """Have a call pass more, behind what it passes."""
    data = [text for text in call.input if not is_control(text)]
    controls = [text for text in call.input if is_control(text)]
    del call.input[:]
    call.input.extend([*data, *inputs, *controls])
    types = types_attribute(call.op)
    if types:
        call.attr[types].list.type.extend(int(one.dtype) for one in variables)
    if call.op not in LOOPS:
        return
    for name in ("output_shapes", "_output_shapes"):
        if name in call.attr and len(call.attr[name].list.shape) == len(data):
            shapes = [shape_message(one.shape) for one in variables]
            call.attr[name].list.shape.extend(shapes)
    number = call.attr.get(ORIGINAL_OUTPUTS)
    if number is not None and number.i == len(data):
        # Behind these TensorFlow looks for no gradients.
        number.i += len(variables)


def _to_argument(draft: Draft, name: str, argument: str, variable: FrozenVariable) -> None:
    """Have the node that was the constant hand an argument on."""
    definition = draft.look(name)
    controls = [text for text in definition.input if is_control(text)]
    handed = build_node(
        name,
        "Identity",
        [argument, *controls],
        mark=Mark.CONSTANT,
        device=definition.device,
        T=type_attr(variable.dtype),
    )
    for key, value in definition.attr.items():
        if key.startswith("_"):
            handed.attr[key].CopyFrom(value)
    draft.replace(name, handed)


def _take_only_output(draft: Draft, tensors: Mapping[str, str]) -> None:
    """Have who takes an output of one of the nodes take its only one by its name now."""
    for node in draft.originals():
        for place, text in enumerate(node.definition.input):
            tensor = tensors.get(producer(text))
            if tensor is not None and ":" in text and text != tensor:
                draft.change(node.name).input[place] = tensor


def _declare(
    definition: FunctionDef, arguments: Sequence[tuple[str, FrozenVariable]], *, is_body: bool
) -> None:
    """Have a function take more arguments, and return them where it is the body of a loop."""
    shapes = definition.attr.get("_input_shapes")
    signature = definition.signature
    if shapes is not None and len(shapes.list.shape) == len(signature.input_arg):
        shapes.list.shape.extend(shape_message(one.shape) for _, one in arguments)
    results = {result.name for result in signature.output_arg}
    for name, variable in arguments:
        # Not as an attribute of the function: TensorFlow 2 refuses those that it does not know.
        definition.arg_attr[len(signature.input_arg)].attr[MARK].s = Mark.ADDED.value
        signature.input_arg.append(OpDef.ArgDef(name=name, type=int(variable.dtype)))
        if is_body:
            result = f"{name}_out"
            while result in results:
                result += "_"
            results.add(result)
            signature.output_arg.append(OpDef.ArgDef(name=result, type=int(variable.dtype)))
            definition.ret[result] = name
