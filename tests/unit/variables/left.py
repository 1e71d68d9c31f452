"""What freezing left on a constant, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.variables.network import Network
from pbckpt.variables.traces import find_traces
from pbckpt.variables.walk import Walker
from tests.unit.variables.graphs import graph, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import FunctionDef, NodeDef
    from pbckpt.variables.traces import Trace


class Left(NamedTuple):
    """A trace in words: its rule, the variable's name, its reader, the nodes of its value, read."""

    rule: str
    name: str
    reader: str
    value: str
    read: str = ""


def in_words(trace: Trace, net: Network) -> Left:
    read = net.title(trace.read) if trace.read >= 0 else ""
    return Left(trace.evidence.rule, trace.name, trace.reader, net.title(trace.value), read)


def found(title: str, *nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> list[Trace]:
    net = Network(graph(*nodes, functions=functions))
    number = number_of(net, title)
    return find_traces(number, Walker(net).walk(number), net)


def traces(title: str, *nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> list[Left]:
    net = Network(graph(*nodes, functions=functions))
    return [in_words(trace, net) for trace in found(title, *nodes, functions=functions)]
