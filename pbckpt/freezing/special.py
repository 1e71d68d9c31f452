"""Special functions: what takes a variable, again as what takes its value.

    f(x, resource w): ReadVariableOp w     f_frozen_7(x, float w): Identity w

TensorFlow gives what it changes another name, since a program may have loaded the
function as it was: NAME_7 becomes NAME_frozen_ and a number of the session. Here it is
the number that it had. A function that is called with variables of other types, or
without any, is there once for each way.

What nothing calls any more is left out of the library, but for functions that nothing
called to begin with, in a graph that was thawed: what was there comes back.

Reference: tensorflow/python/framework/convert_to_constants.py.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import InvalidGraphError, LimitError, UnsupportedGraphError
from pbckpt.freezing.body import Body, Place, ResultNames
from pbckpt.freezing.marks import Undone
from pbckpt.freezing.references import References
from pbckpt.freezing.takers import Carried, Special, turn_takers, value_at
from pbckpt.graph.encode import EncodedFunction
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.protos import GraphDef

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from pbckpt.freezing.functions import AddedArguments, Constant
    from pbckpt.graph.decode import Graph
    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node
    from pbckpt.protos import FunctionDef, NodeDef
    from pbckpt.rewrite.draft import Draft

_MAX_DEPTH = 64
_MAX_SIZE = 5_000_000
_MAX_BYTES = 256 << 20
_MAX_SPECIAL = 20_000
_Arguments = tuple["Carried | None", ...]


class _Begun(NamedTuple):
    """A function on the way: its nodes, all else of it if that changed, what it was called."""

    draft: Draft
    definition: FunctionDef | None
    before: str


class SpecialFunctions:
    """The functions of a graph, and those that take values where they took variables."""

    def __init__(self, graph: Graph, added: AddedArguments) -> None:
        """Take the functions of a graph; ``added`` knows which arguments thawing gave them."""
        self._functions = {one.name: one for one in graph.functions}
        self._added = added
        self._library = graph.rest.library
        self._numbers: dict[str, count[int]] = {}
        self.results_of = ResultNames(self._functions)
        self._made: dict[tuple[str, _Arguments], Special | None] = {}
        self._begun: dict[str, _Begun] = {}
        self._plain: dict[str, _Begun] = {}
        self._depth = self._size = self._num_bytes = 0

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a function of that name."""
        return name in self._functions

    def special(self, name: str, arguments: _Arguments, where: str) -> Special:
        """Return a function that takes values, where some ``arguments`` were variables."""
        if not any(arguments):
            return Special(name, (None,) * len(self.results_of(name) or ()))
        key = (name, arguments)
        if key in self._made:
            known = self._made[key]
            if known is None:
                raise UnsupportedGraphError(
                    f"{where} calls function {name!r} in itself with a variable, which pbckpt does "
                    "not freeze; give outputs that do not need it with --outputs"
                )
            return known
        self._made[key] = None
        made = self._made[key] = self._make(self._checked(name, where), arguments)
        return made

    def _checked(self, name: str, where: str) -> Function:
        """Return a function; raise what keeps it from being called like this."""
        function = self._functions.get(name)
        if function is None:
            msg = f"{where} calls it, and the graph does not have it"
            raise InvalidGraphError(msg, node_name=name, thing="function")
        self._size += sum(1 + len(node.definition.input) for node in function.nodes)
        # Its signature and attributes are copied; what its nodes have stays where it lies.
        self._num_bytes += len(function.rest)
        for limit, value, maximum in (
            ("special functions", len(self._made), _MAX_SPECIAL),
            ("size of special functions", self._size, _MAX_SIZE),
            ("bytes of special functions", self._num_bytes, _MAX_BYTES),
            ("nested functions", self._depth + 1, _MAX_DEPTH),
        ):
            if value > maximum:
                raise LimitError(
                    "functions, once for each way in which they take variables",
                    limit=limit,
                    value=value,
                    maximum=maximum,
                )
        return function

    def _make(self, function: Function, arguments: _Arguments) -> Special:
        draft, definition = self._added.begin(function)
        definition = function.definition() if definition is None else definition
        signature = definition.signature
        if len(signature.input_arg) != len(arguments):
            msg = f"it takes {len(signature.input_arg)} arguments, and is given {len(arguments)}"
            raise InvalidGraphError(msg, node_name=function.name, thing="function")
        body = Body(draft, self.results_of, function.name)
        carried = {
            Place(declared.name): one
            for declared, one in zip(signature.input_arg, arguments, strict=True)
            if one is not None
        }
        self._depth += 1
        turned = turn_takers(body, Undone.nothing(draft), carried, self)
        self._depth -= 1
        results = tuple(
            value_at(body.place(definition.ret[result.name]), turned.carried)
            for result in signature.output_arg
        )
        name = self._fresh(function.name)
        for result, tensor in list(definition.ret.items()):
            definition.ret[result] = turned.renamed.get(tensor.removesuffix(":0"), tensor)
        _declare(definition, name, arguments, results)
        self._begun[name] = _Begun(draft, definition, function.name)
        return Special(name, tuple(one and Carried(one.dtype, one.shape) for one in results))

    def _fresh(self, name: str) -> str:
        base, _, number = name.rpartition("_")
        is_numbered = base and number.isascii() and number.isdecimal()
        wanted = f"{base}_frozen_{number}" if is_numbered else f"{name}_frozen_0"
        numbers = self._numbers.setdefault(wanted, count())
        names = (f"{wanted}_{one}" if one else wanted for one in numbers)
        return next(one for one in names if one not in self._begun and one not in self._functions)

    def encoded(
        self, nodes: Iterable[Node | NodeDef], constant: Constant, before: Sequence[Node] | None
    ) -> dict[str, EncodedFunction]:
        """Return the functions that some nodes call, and those that were never called.

        ``before`` are all nodes as they were; None leaves out whatever is not called.
        """
        called = self._called(nodes)
        kept = set(called)
        if before is not None:
            kept |= self._functions.keys() - self._called(before)
        places = self._places()
        for name in called:
            self._refuse_variables(name)
        names = sorted(kept, key=places.__getitem__)
        return {name: self._encoded(name, constant) for name in names}

    def _called(self, nodes: Iterable[Node | NodeDef]) -> set[str]:
        gradients = {one.function_name: one.gradient_func for one in self._library.gradient}
        references = References((*self._functions, *self._begun), gradients)
        references.follow(nodes, self._draft_of)
        return set(references.found)

    def kept_gradients(self, rest: GraphDef, kept: Container[str]) -> GraphDef:
        """Return all else of a graph, without the gradients of functions that are gone."""
        if all(one in kept for one in self._functions):
            return rest
        changed = GraphDef()
        changed.CopyFrom(rest)
        library = changed.library
        gradients = [one for one in library.gradient if one.function_name in kept]
        registered = [one for one in library.registered_gradients if one.gradient_func in kept]
        del library.gradient[:], library.registered_gradients[:]
        library.gradient.extend(gradients)
        library.registered_gradients.extend(registered)
        return changed

    def _places(self) -> dict[str, tuple[int, int]]:
        """Return where functions stand: those made of one behind it."""
        places = {name: (place, 0) for place, name in enumerate(self._functions)}
        for number, (name, begun) in enumerate(self._begun.items(), 1):
            places[name] = (places[begun.before][0], number)
        return places

    def _of(self, name: str) -> _Begun:
        if name in self._begun:
            return self._begun[name]
        if name not in self._plain:
            self._plain[name] = _Begun(*self._added.begin(self._functions[name]), name)
        return self._plain[name]

    def _draft_of(self, name: str) -> Draft:
        return self._of(name).draft

    def _refuse_variables(self, name: str) -> None:
        for node in self._of(name).draft.definitions():
            if node.op in VARIABLE_OPS:
                raise UnsupportedGraphError(
                    f"node {node.name!r} ({node.op}) of function {name!r} is a variable of its "
                    "own; pbckpt freezes variables of the main graph; give outputs that do not "
                    "need it with --outputs",
                    node_name=node.name,
                    op=node.op,
                )

    def _encoded(self, name: str, constant: Constant) -> EncodedFunction:
        begun = self._of(name)
        nodes = self._added.nodes(begun.before, begun.draft, constant)
        if begun.definition is None:
            return EncodedFunction(self._functions[name].rest, nodes)
        return EncodedFunction(begun.definition.SerializeToString(deterministic=True), nodes)


def _declare(
    definition: FunctionDef, name: str, arguments: _Arguments, results: _Arguments
) -> None:
    """Have a function say what it is called, and which types it takes and returns."""
    signature = definition.signature
    signature.name = name
    noted_shapes = definition.attr.get("_input_shapes")
    shapes = noted_shapes.list.shape if noted_shapes is not None else ()
    for place, one in enumerate(arguments):
        if one is None:
            continue
        declared = signature.input_arg[place]
        declared.type = int(one.dtype)
        declared.ClearField("type_attr")
        declared.ClearField("handle_data")
        if len(shapes) > place:
            shapes[place].Clear()
            shapes[place].unknown_rank = True
        noted = definition.arg_attr[place].attr if place in definition.arg_attr else {}
        if "_output_shapes" in noted and noted["_output_shapes"].list.shape:
            del noted["_output_shapes"].list.shape[:]
            noted["_output_shapes"].list.shape.add(unknown_rank=True)
        definition.resource_arg_unique_id.pop(place, None)
    for declared, one in zip(signature.output_arg, results, strict=True):
        if one is not None:
            declared.type = int(one.dtype)
            declared.ClearField("type_attr")
            declared.ClearField("handle_data")
