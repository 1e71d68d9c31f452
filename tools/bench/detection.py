"""Detection: what it costs beyond the parsing of the same graph.

    python -m tools.bench.detection
    python -m tools.bench.detection --only chain,concat --nodes 20000 --runs 3

    kind     what is large
    layers   nothing: a network of layers, each with variables and plain numbers
    chain    the way from a constant to its use, through as many nodes as there are
    hub      how often one constant is used
    loops    cycles: each node is given what it gives
    calls    a function that calls itself, and is called by many
    concat   how many constants one node brings together, each then seen at all uses
    reads    how many reads of a variable are one behind the other
    scalars  how many plain numbers a formula has
    affine   how many vectors shift and scale a signal, in a graph without reads

The graphs are made in memory and hold no weights to speak of. Times are the least
of several runs, without the collector of garbage, which a program that has just
read a file has not run either.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.graph.decode import decode_graph
from pbckpt.protos import GraphDef
from pbckpt.variables.detect import detect
from pbckpt.wire.span import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FLOAT = 1
_INT = 3
_NODES = 100_000


class Source(Memory):
    """A graph in memory."""

    def release_pages(self, start: int, end: int) -> None:
        """Keep all pages: there is no file behind them."""


class Figures(NamedTuple):
    """What one graph took, in seconds, and how many constants got a verdict."""

    kind: str
    nodes: int
    parse: float
    detect: float
    constants: int

    @property
    def ratio(self) -> float:
        """Detection over parsing."""
        return self.detect / self.parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.detection")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds of graphs, with commas")
    parser.add_argument("--nodes", type=int, default=_NODES, help="how many, about")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    kinds = options.only.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or options.nodes < 1 or options.runs < 1:
        parser.error(f"kinds are {', '.join(KINDS)}; of nodes and runs there is one at least")
    print(f"{'graph':8}{'nodes':>9}{'parse s':>9}{'detect s':>10}{'ratio':>7}{'constants':>11}")
    for kind in kinds:
        row = measure(kind, options.nodes, options.runs)
        print(
            f"{row.kind:8}{row.nodes:9}{row.parse:9.2f}{row.detect:10.2f}{row.ratio:7.1f}"
            f"{row.constants:11}",
            flush=True,
        )
    return 0


def measure(kind: str, nodes: int, runs: int) -> Figures:
    """Return what a graph takes to be parsed and looked at, each at best."""
    made = GraphDef()
    KINDS[kind](made, nodes)
    data = made.SerializeToString()
    runs_of = [_run(data) for _ in range(runs)]
    parse, found, constants, count = (min(column) for column in zip(*runs_of, strict=True))
    return Figures(kind, int(count), parse, found, int(constants))


def _run(data: bytes) -> tuple[float, float, int, int]:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        graph = decode_graph(Source(data))
        parsed = time.perf_counter()
        found = detect(graph)
        done = time.perf_counter()
    finally:
        if was_enabled:
            gc.enable()
    count = len(graph.nodes) + sum(len(function.nodes) for function in graph.functions)
    return parsed - start, done - parsed, len(found.variables) + len(found.skipped), count


def _constant(graph: GraphDef, name: str, *shape: int, dtype: int = _FLOAT) -> str:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return name


def _node(graph: GraphDef, op: str, name: str, *inputs: str) -> str:
    graph.node.add(name=name, op=op, input=inputs)
    return name


def _layers(graph: GraphDef, nodes: int) -> None:
    last = _node(graph, "Placeholder", "x")
    for number in range(max(1, nodes // 8)):
        scope = f"layer_{number}"
        kernel = _constant(graph, f"{scope}/kernel", 8, 8)
        bias = _constant(graph, f"{scope}/bias", 8)
        last = _node(
            graph,
            "MatMul",
            f"{scope}/MatMul",
            last,
            _node(graph, "Identity", f"{kernel}/read", kernel),
        )
        last = _node(
            graph,
            "BiasAdd",
            f"{scope}/BiasAdd",
            last,
            _node(graph, "Identity", f"{bias}/read", bias),
        )
        shape = _constant(graph, f"{scope}/Reshape/shape", 2, dtype=_INT)
        last = _node(graph, "Reshape", f"{scope}/Reshape", last, shape)


def _chain(graph: GraphDef, nodes: int) -> None:
    last = _constant(graph, "w", 8, 8)
    for number in range(nodes):
        last = _node(graph, "Identity", f"step_{number}", last)
    _node(graph, "MatMul", "MatMul", "x", last)


def _hub(graph: GraphDef, nodes: int) -> None:
    _constant(graph, "w", 8, 8)
    for number in range(nodes):
        _node(graph, "AddV2", f"add_{number}", "x", "w")


def _loops(graph: GraphDef, nodes: int) -> None:
    for number in range(max(1, nodes // 5)):
        scope = f"loop_{number}"
        _constant(graph, f"{scope}/w", 8, 8)
        _node(graph, "Enter", f"{scope}/Enter", f"{scope}/w")
        _node(graph, "Merge", f"{scope}/Merge", f"{scope}/Enter", f"{scope}/NextIteration")
        _node(graph, "NextIteration", f"{scope}/NextIteration", f"{scope}/Merge")
        _node(graph, "MatMul", f"{scope}/MatMul", "x", f"{scope}/Merge")


def _calls(graph: GraphDef, nodes: int) -> None:
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="a")
    function.signature.output_arg.add(name="r")
    function.ret["r"] = "a"
    function.node_def.add(name="again", op="f", input=["a"])
    for number in range(max(1, nodes // 3)):
        call = _node(graph, "f", f"call_{number}", _constant(graph, f"w_{number}", 8, 8))
        _node(graph, "MatMul", f"MatMul_{number}", "x", call)


def _concat(graph: GraphDef, nodes: int) -> None:
    names = [_constant(graph, f"w_{number}", 8, 8) for number in range(max(1, nodes // 2))]
    last = _node(graph, "ConcatV2", "concat", *names, _constant(graph, "axis", dtype=_INT))
    for number in range(nodes // 2):
        last = _node(graph, "Identity", f"step_{number}", last)


def _reads(graph: GraphDef, nodes: int) -> None:
    last = _constant(graph, "unknown_1", 8, 8)
    for number in range(nodes):
        last = _node(graph, "Identity", f"layer_{number}/ReadVariableOp", last)
    _node(graph, "Conv2D", "Conv2D", "x", last)


def _scalars(graph: GraphDef, nodes: int) -> None:
    last = "x"
    for number in range(max(1, nodes // 2)):
        factor = _constant(graph, f"c{number}/y")
        last = _node(graph, "Mul", f"c{number}", last, factor)


def _affine(graph: GraphDef, nodes: int) -> None:
    last = "x"
    for number in range(max(1, nodes // 4)):
        scope = f"layer_{number}"
        scale, offset = (_constant(graph, f"{scope}/{name}", 4) for name in ("w", "b"))
        last = _node(graph, "Mul", f"{scope}/mul", last, scale)
        last = _node(graph, "AddV2", f"{scope}/add", last, offset)


KINDS: dict[str, Callable[[GraphDef, int], None]] = {
    "layers": _layers,
    "chain": _chain,
    "hub": _hub,
    "loops": _loops,
    "calls": _calls,
    "concat": _concat,
    "reads": _reads,
    "scalars": _scalars,
    "affine": _affine,
}
"""How the graphs are made, by name."""


if __name__ == "__main__":
    sys.exit(main())
