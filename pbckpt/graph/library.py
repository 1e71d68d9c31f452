"""Functions of a graph: bodies that nodes call by the name of their op or of an attribute.

    FunctionDefLibrary  1 function*   2 gradient*   3 registered_gradients*
    FunctionDef         1 signature   3 node_def*   4 ret   5 attr   …

A function's body holds weights as the main graph does, so its nodes are found
in place as those are, and all else of it goes through protobuf.

Reference: tensorflow/core/framework/function.proto.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import GraphDecodeError, InvalidGraphError
from pbckpt.graph.node import NodeField, decode_nodes, fields_of
from pbckpt.protos import FunctionDef
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.wire.fields import LENGTH, Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.graph.limits import NodeCount
    from pbckpt.graph.node import Node
    from pbckpt.graph.source import GraphSource
    from pbckpt.protos import NodeDef

_LIBRARY_FUNCTION = 1
_FUNCTION_TAG = _LIBRARY_FUNCTION << 3 | LENGTH


class Function(NamedTuple):
    """A function of the library: its body, what goes in and what comes out.

    ``arguments`` are names that inputs of the body's nodes refer to, without
    ``:k``; ``returns`` are tensors of the body such as ``node:output:0``, or an
    argument's name, in the order of the signature. ``rest`` is all of it but
    the nodes, as bytes: there may be as many functions as nodes.
    """

    name: str
    nodes: tuple[Node, ...]
    arguments: tuple[str, ...]
    returns: tuple[str, ...]
    rest: bytes = b""

    @classmethod
    def of(cls, rest: bytes, definition: FunctionDef, nodes: tuple[Node, ...]) -> Function:
        """Return a function of its nodes and all else of it.

        Raises InvalidGraphError for a node with the name of an argument: in the
        body the two would be one.
        """
        signature = definition.signature
        arguments = tuple(argument.name for argument in signature.input_arg)
        known = frozenset(arguments)
        for node in nodes:
            if node.name in known:
                fact = f"an argument of function {signature.name!r} has the same name"
                raise InvalidGraphError(fact, node_name=node.name)
        returns = tuple(definition.ret.get(result.name, "") for result in signature.output_arg)
        return cls(signature.name, nodes, arguments, returns, rest)

    def definition(self) -> FunctionDef:
        """Return all of the function but its nodes."""
        return decode(FunctionDef, self.rest)

    def contents(self) -> Iterator[bytes]:
        """Yield all that is in it, in a form that tells whether another is the same."""
        yield self.definition().SerializeToString(deterministic=True)
        for node in self.nodes:
            yield node.definition.SerializeToString(deterministic=True)
            yield from (bytes(tensor.view) for tensor in node.tensors)


class Library:
    """The functions of a graph, each once, though the file may list one again.

    What is listed again is let go of at once: a file may be nothing but that.
    """

    def __init__(self) -> None:
        """Begin with no function."""
        self._found: dict[str, Function] = {}

    def add(self, function: Function) -> None:
        """Take a function up.

        Raises InvalidGraphError for one of another's name that differs, as
        TensorFlow does.
        """
        other = self._found.setdefault(function.name, function)
        if other is not function and not _are_same(function, other):
            fact = "another function has the same name and differs; rename one of the two"
            raise InvalidGraphError(fact, node_name=function.name, thing="function")

    def functions(self) -> tuple[Function, ...]:
        """Return them in the order of the file."""
        return tuple(self._found.values())


def _are_same(one: Function, other: Function) -> bool:
    pairs = zip_longest(one.contents(), other.contents())
    return all(content == again for content, again in pairs)


def decode_functions(
    source: GraphSource, library: Field, count: NodeCount, rest: bytearray
) -> Iterator[Function]:
    """Yield the functions of a library, and gather the bytes of all else of it in ``rest``.

    Raises GraphDecodeError for bytes that protobuf would not decode,
    InvalidGraphError for nodes of one body without a name or op or with the
    same name, LimitError for more nodes than allowed.
    """
    for field in fields_of(source, library.body, library.end, _FUNCTION_TAG):
        if field.number == _LIBRARY_FUNCTION and field.wire_type == LENGTH:
            count.add_function()
            yield _decode_function(source, field, count)
        else:
            rest += source.view[field.start : field.end]


def _decode_function(source: GraphSource, function: Field, count: NodeCount) -> Function:
    others = bytearray()

    def other(field: Field) -> None:
        nonlocal others
        others += source.view[field.start : field.end]

    nodes = decode_nodes(source, function.body, function.end, FUNCTION_NODES, other)
    try:
        found = count.collect(nodes)
    except InvalidGraphError as error:
        raise within_function(error, _definition(bytes(others), function)) from None
    rest = bytes(others)
    return Function.of(rest, _definition(rest, function), found)


def _definition(rest: bytes, function: Field) -> FunctionDef:
    try:
        return decode(FunctionDef, rest)
    except ProtoDecodeError:
        msg = "a function that does not decode"
        raise GraphDecodeError(msg, offset=function.start) from None


def within_function(error: InvalidGraphError, definition: FunctionDef) -> InvalidGraphError:
    """Return an error about a node with the function named that the node is in."""
    name = definition.signature.name
    fact = f"{error.fact}, in function {name!r}" if name else f"{error.fact}, in a function"
    return InvalidGraphError(fact, node_name=error.node_name)


def _definitions(data: bytes) -> Sequence[NodeDef]:
    return decode(FunctionDef, data).node_def


FUNCTION_NODES = NodeField(3, _definitions)
