"""Signatures: what goes into an op and what comes out, in one line of text.

    T Tperm=int32 -> T              types by attr, one with its default value
    int32 N*T -> T                  N times the same, N being an attr
    T[] -> T[]                      an attr that is a list of types
    T bool -> off:T on:T            outputs with names, for bodies of functions

A word that is the name of a type stands for that type, all others for an attr.
So the type of every tensor follows from attrs alone, before anything is
computed, and inputs that an op would refuse are found out in one place.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType, data_type, dtype_of_label
from pbckpt.errors import InvalidGraphError

if TYPE_CHECKING:
    from pbckpt.graph.decode import Node

MAX_PORTS = 1 << 16


class Argument(NamedTuple):
    """One word of a signature: a type, or the attr that tells it, and how often it comes."""

    name: str
    type_attr: str
    default: DataType | None
    count_attr: str
    is_list: bool

    def types(self, node: Node) -> list[DataType]:
        """Return the types of the tensors that this argument stands for in a node."""
        if self.is_list:
            return _listed_types(node, self.type_attr)
        dtype = _attr_type(node, self)
        return [dtype] * (_count(node, self.count_attr) if self.count_attr else 1)


class Signature(NamedTuple):
    """All inputs and all outputs of an op."""

    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]

    def input_types(self, node: Node) -> list[DataType]:
        """Return the types of a node's inputs. Raises InvalidGraphError."""
        return [dtype for argument in self.inputs for dtype in argument.types(node)]

    def output_types(self, node: Node) -> list[DataType]:
        """Return the types of a node's outputs. Raises InvalidGraphError."""
        return [dtype for argument in self.outputs for dtype in argument.types(node)]

    def port(self, node: Node, name: str, index: int) -> int | None:
        """Return the number of the output that a function's body calls ``name:index``."""
        at = 0
        for argument in self.outputs:
            count = len(argument.types(node))
            if argument.name in (name, "") and index < count:
                return at + index
            at += count
        return None


@cache
def parse_signature(text: str) -> Signature:
    """Read a signature as it is written in the table."""
    given, _, results = text.partition("->")
    return Signature(tuple(map(_argument, given.split())), tuple(map(_argument, results.split())))


def _argument(word: str) -> Argument:
    name, _, rest = word.rpartition(":")
    count, _, rest = rest.rpartition("*")
    type_name, _, default = rest.partition("=")
    is_list = type_name.endswith("[]")
    fixed = dtype_of_label(type_name)
    attr = "" if fixed is not None else type_name.removesuffix("[]")
    return Argument(name, attr, fixed or dtype_of_label(default), count, is_list)


def _attr_type(node: Node, argument: Argument) -> DataType:
    value = node.definition.attr.get(argument.type_attr) if argument.type_attr else None
    if value is None:
        if argument.default is None:
            raise InvalidGraphError(f"no attr {argument.type_attr}", node_name=node.name)
        return argument.default
    return _known_type(node, argument.type_attr, value.type)


def _listed_types(node: Node, attr: str) -> list[DataType]:
    value = node.definition.attr.get(attr)
    if value is None:
        raise InvalidGraphError(f"no attr {attr}", node_name=node.name)
    return [_known_type(node, attr, number) for number in value.list.type]


def _known_type(node: Node, attr: str, number: int) -> DataType:
    dtype = data_type(number)
    if dtype is None:
        fact = f"the attr {attr} is type number {number}, which no tensor here can have"
        raise InvalidGraphError(fact, node_name=node.name)
    return dtype


def _count(node: Node, attr: str) -> int:
    value = node.definition.attr.get(attr)
    count = -1 if value is None else value.i
    if not 0 <= count <= MAX_PORTS:
        fact = f"the attr {attr} says how many tensors there are: {count}"
        raise InvalidGraphError(fact, node_name=node.name)
    return int(count)
