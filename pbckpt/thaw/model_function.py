"""Model function: a signature of a thawed graph as one function, as TensorFlow 2 calls it.

    graph                             function
    x: Placeholder                    x           an argument, called by the signature's key
    w: VarHandleOp                    w           an argument that is captured: the variable
    y: MatMul(x, w/read)              y           a result

The traps: TensorFlow 2 sorts arguments and results by their keys, whatever the model says,
and would exchange those of one type without a word. So they are sorted here, as it does.

Reference: tensorflow/python/saved_model/function_deserialization.py; what loaders need of
it was tried on 1.15 and 2.21.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType
from pbckpt.errors import LimitError, SelectionError, UnsupportedGraphError
from pbckpt.graph.encode import EncodedFunction
from pbckpt.graph.node import Node
from pbckpt.protos import FunctionDef, OpDef
from pbckpt.rewrite.build import (
    HANDLE_OP,
    data_inputs,
    is_control,
    producer,
    shape_message,
    tensor_of_input,
)
from pbckpt.thaw.collections import TABLE_INITIALIZERS
from pbckpt.thaw.function_body import ArgumentNames, function_body
from pbckpt.thaw.signature import Port, Signature, keyword_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.graph.library import Function
    from pbckpt.protos import NodeDef

TABLE_OPS = frozenset(("HashTableV2", "MutableHashTableV2", "MutableHashTableOfTensorsV2"))
"""Ops of tables that a model can keep: handles that depend on nothing else."""
_CAPTURED = TABLE_OPS | {HANDLE_OP}
_LOOP = re.compile(r"(?:Ref)?(?:Enter|Exit|NextIteration)|LoopCond")
_TABLE = re.compile(r"(?:Anonymous)?(?:Mutable)?(?:Dense)?HashTable(?:OfTensors)?(?:V[23])?")
_RESULT_END = "_RetVal"
# Models have a few signatures. Nothing is taken as often as this from all of a graph.
_COPIES = 20
_FREE_COPIES = 100_000
_INSTEAD = "write it in the form of TensorFlow 1 with --format saved-model"


class ModelFunction(NamedTuple):
    """A function that a signature calls.

    ``signature`` has its ports in the order of the arguments and the results; behind those
    come the arguments that are ``captured``, by the names of the nodes: variables, tables.
    """

    key: str
    name: str
    signature: Signature
    captured: tuple[str, ...]
    encoded: EncodedFunction


class ModelTable(NamedTuple):
    """A table that a model keeps: a function that makes it, and one that fills it, if any."""

    name: str
    create: ModelFunction
    initialize: ModelFunction | None


class Model(NamedTuple):
    """What TensorFlow 2 calls in a graph: the functions of its signatures, and its tables."""

    functions: tuple[ModelFunction, ...] = ()
    tables: tuple[ModelTable, ...] = ()

    def encoded(self) -> Iterator[EncodedFunction]:
        """Yield all functions."""
        for function in self.functions:
            yield function.encoded
        for table in self.tables:
            yield table.create.encoded
            if table.initialize is not None:
                yield table.initialize.encoded


class ModelFunctions:
    """Makes functions of a graph's signatures, and of its tables."""

    def __init__(self, nodes: Iterable[Node | NodeDef], functions: Sequence[Function]) -> None:
        """``functions`` are those that the graph of the nodes has."""
        self._nodes = {node.name: node for node in nodes}
        self._places = {name: place for place, name in enumerate(self._nodes)}
        self._functions = functions
        self._names = {function.name for function in functions}
        self._fillers: dict[str, list[str]] = {}
        for node in self._nodes.values():
            if node.op in TABLE_INITIALIZERS:
                for text in data_inputs(_message(node))[:1]:
                    self._fillers.setdefault(producer(text), []).append(node.name)
        # Bodies share nodes, and each has its own copies.
        self._room = _FREE_COPIES + _COPIES * len(self._nodes)

    def make(self, key: str, signature: Signature) -> ModelFunction:
        """Return the function of a signature.

        Raises UnsupportedGraphError for a graph that no function can be made of, and
        SelectionError for keys that TensorFlow 2 cannot tell from each other, or not call.
        """
        ordered = _ordered(signature)
        needed = self._needed(ordered)
        for node in needed.nodes:
            _refuse_unfit(node)
        return self._made(key, ordered, needed)

    def _needed(self, signature: Signature, run: Iterable[str] = ()) -> _Needed:
        needed = _Needed(self._nodes, self._places, signature, run)
        self._room -= len(needed.nodes)
        if self._room < 0:
            maximum = _FREE_COPIES + _COPIES * len(self._nodes)
            raise LimitError(
                "nodes in the functions of signatures and tables",
                limit="copied nodes",
                value=maximum - self._room,
                maximum=maximum,
                advice=f"no model has as many; {_INSTEAD}",
            )
        return needed

    def tables(self, functions: Iterable[ModelFunction]) -> list[ModelTable]:
        """Return the tables that some functions capture."""
        captured = {name for function in functions for name in function.captured}
        return [
            ModelTable(node.name, self._maker(node), self._initializer(node.name))
            for node in self._nodes.values()
            if node.op in TABLE_OPS and node.name in captured
        ]

    def _maker(self, table: Node | NodeDef) -> ModelFunction:
        port = Port("handle", f"{table.name}:0", DataType.RESOURCE, ())
        body = function_body([table], {}, [port.tensor], self._functions)
        name = self._fresh_name(f"create_{table.name}")
        made = Signature((), (port,))
        definition = _definition(name, made, (), (), {}, [port.key])
        definition.ret[port.key] = body.results[0]
        rest = definition.SerializeToString(deterministic=True)
        return ModelFunction(port.key, name, made, (), EncodedFunction(rest, body.nodes))

    def _initializer(self, table: str) -> ModelFunction | None:
        """Return what fills a table: what nodes that fill it need, and those themselves."""
        fillers = self._fillers.get(table)
        if not fillers:
            return None
        needed = self._needed(Signature((), ()), fillers)
        names = ArgumentNames(node.name for node in needed.nodes)
        captured = {node.name: names.fresh(node.name) for node in needed.handles}
        body = function_body(needed.nodes, captured, (), self._functions)
        name = self._fresh_name(f"initialize_{table}")
        nothing = Signature((), ())
        definition = _definition(name, nothing, (), needed.handles, captured, ())
        for filler in fillers:
            definition.signature.control_output.append(filler)
            definition.control_ret[filler] = filler
        rest = definition.SerializeToString(deterministic=True)
        encoded = EncodedFunction(rest, body.nodes)
        return ModelFunction(table, name, nothing, tuple(captured), encoded)

    def _made(self, key: str, signature: Signature, needed: _Needed) -> ModelFunction:
        names = ArgumentNames(
            name for node in needed.nodes for name in (node.name, node.name.lower())
        )
        given = [names.fresh(port.key) for port in signature.inputs]
        # Of one tensor under two names, the first is taken.
        arguments = {
            port.tensor: name
            for port, name in reversed(list(zip(signature.inputs, given, strict=True)))
        }
        captured = {node.name: names.fresh(node.name) for node in needed.handles}
        results = [names.fresh(port.key) for port in signature.outputs]
        body = function_body(
            needed.nodes,
            {**arguments, **captured},
            (port.tensor for port in signature.outputs),
            self._functions,
        )
        name = self._fresh_name(key)
        definition = _definition(name, signature, given, needed.handles, captured, results)
        definition.ret.update(zip(results, body.results, strict=True))
        rest = definition.SerializeToString(deterministic=True)
        return ModelFunction(
            key, name, signature, tuple(captured), EncodedFunction(rest, body.nodes)
        )

    def _fresh_name(self, key: str) -> str:
        base = "__inference_" + re.sub(r"\W", "_", key, flags=re.ASCII)
        number = 0
        while f"{base}_{number}" in self._names:
            number += 1
        self._names.add(f"{base}_{number}")
        return f"{base}_{number}"


def _definition(  # noqa: PLR0913, PLR0917 - the parts of one message
    name: str,
    signature: Signature,
    arguments: Sequence[str],
    handles: Sequence[NodeDef],
    captured: Mapping[str, str],
    results: Sequence[str],
) -> FunctionDef:
    """Return all of a function but its body."""
    function = FunctionDef()
    function.signature.name = name
    function.signature.is_stateful = True
    shapes = function.attr["_input_shapes"].list.shape
    for number, port in enumerate(signature.inputs):
        function.signature.input_arg.append(OpDef.ArgDef(name=arguments[number], type=port.dtype))
        shapes.append(shape_message(port.shape))
        function.arg_attr[number].attr["_user_specified_name"].s = port.key.encode()
    for handle in handles:
        argument = OpDef.ArgDef(name=captured[handle.name], type=DataType.RESOURCE)
        if handle.op == HANDLE_OP:
            data = argument.handle_data.add(dtype=handle.attr["dtype"].type)
            data.shape.CopyFrom(handle.attr["shape"].shape)
        function.signature.input_arg.append(argument)
        shapes.append(shape_message(()))
    for result, port in zip(results, signature.outputs, strict=True):
        function.signature.output_arg.append(OpDef.ArgDef(name=result, type=port.dtype))
    return function


class _Needed:
    """What the outputs of a signature need: nodes in their order, and variables."""

    def __init__(
        self,
        nodes: Mapping[str, Node | NodeDef],
        places: Mapping[str, int],
        signature: Signature,
        run: Iterable[str],
    ) -> None:
        """``places`` are those of the nodes, ``run`` nodes that must be there too."""
        self._nodes = nodes
        self._fed = {tensor_of_input(port.tensor) for port in signature.inputs}
        self._fed_nodes = {
            producer(text) for text in self._fed if not _message(nodes[producer(text)]).input
        }
        found = self._leading_to((*(port.tensor for port in signature.outputs), *run))
        inside = [nodes[name] for name in sorted(found, key=places.__getitem__)]
        self.nodes = [node for node in inside if node.op not in _CAPTURED]
        self.handles = [_message(node) for node in inside if node.op in _CAPTURED]

    def _leading_to(self, tensors: Iterable[str]) -> set[str]:
        waiting = [producer(text) for text in tensors if not self._is_given(text)]
        found = set(waiting)
        while waiting:
            for text in _message(self._nodes[waiting.pop()]).input:
                name = producer(text)
                if name not in found and not self._is_given(text) and name in self._nodes:
                    found.add(name)
                    waiting.append(name)
        return found

    def _is_given(self, text: str) -> bool:
        """Tell whether an input is there before the function begins."""
        if is_control(text):
            return producer(text) in self._fed_nodes
        return tensor_of_input(text) in self._fed


def _message(node: Node | NodeDef) -> NodeDef:
    return node.definition if isinstance(node, Node) else node


def _refuse_unfit(node: Node | NodeDef) -> None:
    """Raise UnsupportedGraphError for a node that no function of TensorFlow 2 can have."""
    if _LOOP.fullmatch(node.op):
        what = "is of a loop of TensorFlow 1, through which a function has no gradients"
    elif _TABLE.fullmatch(node.op):
        what = "is a table of a kind that such a model cannot keep beside its functions"
    elif node.name.lower().endswith(_RESULT_END.lower()):
        what = f"has a name that ends with {_RESULT_END}, as those of results do"
    else:
        return
    raise UnsupportedGraphError(
        f"node {node.name!r} ({node.op}) {what}; {_INSTEAD}", node_name=node.name, op=node.op
    )


def _ordered(signature: Signature) -> Signature:
    """Return a signature in the order in which TensorFlow 2 passes what goes in and out."""
    problem = signature.unusable_input()
    if problem:
        raise SelectionError(problem)
    return signature._replace(
        inputs=tuple(sorted(signature.inputs, key=lambda port: keyword_name(port.key))),
        outputs=tuple(sorted(signature.outputs, key=lambda port: port.key)),
    )
