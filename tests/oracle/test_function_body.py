"""TensorFlow runs graphs that became functions, and they give what they gave.

A graph keeps its nodes, and gets one that calls the function made of them: with what is
fed, and, where it was thawed, with the handles of its variables. Both are run at once.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pbckpt import api
from pbckpt.graph.decode import decode_graph
from pbckpt.graph.encode import EncodedFunction, encode_graph
from pbckpt.protos import FunctionDef, MetaGraphDef, NodeDef
from pbckpt.rewrite.build import producer
from pbckpt.rewrite.reach import leading_to
from pbckpt.thaw.function_body import ArgumentNames, function_body
from tests.oracle.thawed import Network, thaw
from tests.shared_material import runnable_graphs
from tests.unit.variables.graphs import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.oracle.judge import TensorFlowJudge

ZOO = Path(__file__).parents[1] / "golden" / "zoo"
RESOURCE = 20
NAME = "as_a_function"
OWN_GRAPHS = {
    "t2-k2-custom-cell-aggressive": "held",
    "t2-k3-recurrent-functional": "open",
    "t2-k3-transformer": "open",
    "t2-m-control-flow": "open",
    "t2-m-control-flow-functional": "open",
    "t2-m-viterbi-functional": "open",
    "t2-s-loop": "held",
    "t2-s-towers-int8": "open",
    "tf1-attention-decoder": "held",
    "tf1-estimator-columns": "open",
    "tf1-functional-control": "open",
    "tf1-functions": "held",
    "tf1-loops-and-branches": "held",
    "tf1-number-types": "open",
    "tf1-quantization-aware": "open",
    "tf1-resnet-preactivation": "held",
}


# These want resources to be fed, or have variables that were never frozen; one is text.
LEFT_OUT = {
    "d1v-blacklist-partial",
    "d1v-pbtxt",
    "d1v-whitelist-partial",
    "d2-keras2-denylist",
    "d2-keras2-string-lookup",
}
GRAPHS = [one for one in runnable_graphs() if one.id not in LEFT_OUT]


class Signature(NamedTuple):
    """What a function takes and gives: names and types."""

    arguments: dict[str, int]
    results: dict[str, int]


def with_call(judge: TensorFlowJudge, path: Path, feeds: list[str], fetches: list[str]) -> bytes:
    """Return a graph with a function made of what leads to some tensors, and a call of it."""
    graph = decode_graph(Source(path.read_bytes()))
    fed = {producer(text) for text in feeds}
    open_nodes = [node for node in graph.nodes if node.name not in fed]
    needed = leading_to(open_nodes, map(producer, fetches)) - fed
    nodes = [node for node in open_nodes if node.name in needed]
    handles = [node.name for node in nodes if node.op == "VarHandleOp"]
    body = [node for node in nodes if node.op != "VarHandleOp"]
    names = ArgumentNames(node.name for node in body)
    arguments = {text: names.fresh(producer(text)) for text in [*feeds, *handles]}
    results = [names.fresh("result") for _ in fetches]
    made = function_body(body, arguments, fetches, graph.functions)
    types = judge.ask("tensor_types", graph=str(path), tensors=[*feeds, *fetches])["types"]
    taken = [*types[: len(feeds)], *(RESOURCE for _ in handles)]
    signature = Signature(
        dict(zip(arguments.values(), taken, strict=True)),
        dict(zip(results, types[len(feeds) :], strict=True)),
    )
    rest = definition(signature, made.results).SerializeToString()
    functions = [EncodedFunction(one.rest, one.nodes) for one in graph.functions]
    functions.append(EncodedFunction(rest, made.nodes))
    pieces = encode_graph(chain(graph.nodes, [call(signature, arguments)]), functions, graph.rest)
    return b"".join(map(bytes, pieces.chunks(memoryview(bytearray(1 << 20)))))


def definition(signature: Signature, tensors: Sequence[str]) -> FunctionDef:
    """Return a function without its nodes."""
    made = FunctionDef()
    made.signature.name = NAME
    made.signature.is_stateful = True
    for name, number in signature.arguments.items():
        made.signature.input_arg.add(name=name, type=number)
    for (name, number), tensor in zip(signature.results.items(), tensors, strict=True):
        made.signature.output_arg.add(name=name, type=number)
        made.ret[name] = tensor
    return made


def call(signature: Signature, inputs: Iterable[str]) -> NodeDef:
    """Return a node that calls the function."""
    made = NodeDef(name=NAME, op="StatefulPartitionedCall", input=inputs)
    made.attr["f"].func.name = NAME
    made.attr["Tin"].list.type.extend(signature.arguments.values())
    made.attr["Tout"].list.type.extend(signature.results.values())
    return made


def check(
    judge: TensorFlowJudge, network: Network, folder: Path, restore: dict[str, str] | None = None
) -> None:
    """Run a graph, of which the network says how, and the function made of it."""
    feeds = [feed["tensor"] for feed in network.feeds]
    path = folder / "called.pb"
    path.write_bytes(with_call(judge, network.frozen, feeds, network.fetches))
    answer = judge.ask(
        "run_called",
        graph=str(path),
        feeds=network.feeds,
        values=str(network.values),
        fetches=network.fetches,
        called=[f"{NAME}:{place}" for place in range(len(network.fetches))],
        init_ops=network.init_ops,
        restore=restore,
    )
    assert answer["same"] == [True] * len(network.fetches)


def check_thawed(judge: TensorFlowJudge, network: Network, folder: Path) -> None:
    """Thaw a graph, and run it and the function made of it, which is given the variables."""
    prefix = folder / "m"
    thaw(network, prefix, api.VariableKind.RESOURCE)
    meta = MetaGraphDef.FromString(prefix.with_suffix(".meta").read_bytes())
    path = folder / "thawed.pb"
    path.write_bytes(meta.graph_def.SerializeToString())
    saver = meta.saver_def
    restore = {
        "op": saver.restore_op_name,
        "filename": saver.filename_tensor_name,
        "prefix": str(prefix),
    }
    thawed = Network(path, network.values, network.feeds, network.fetches, network.init_ops)
    check(judge, thawed, folder, restore)


@pytest.mark.parametrize("name", OWN_GRAPHS)
def test_own_graphs(judge: TensorFlowJudge, tmp_path: Path, name: str) -> None:
    frozen = ZOO / OWN_GRAPHS[name] / name / "frozen.pb"
    values = tmp_path / "values.npz"
    asked = judge.ask("random_feeds", frozen=str(frozen), values=str(values))
    network = Network(frozen, values, asked["feeds"], asked["fetches"])
    check(judge, network, tmp_path)
    check_thawed(judge, network, tmp_path)


@pytest.mark.parametrize("graph", GRAPHS)
def test_corpus(judge: TensorFlowJudge, tmp_path: Path, graph: Path) -> None:
    told = json.loads(graph.with_name("io.json").read_text())
    network = Network(
        graph,
        graph.with_name("io.npz"),
        [{"tensor": one["tensor"], "npz": one["npz"]} for one in told["inputs"]],
        [one["tensor"] for one in told["outputs"]],
        told["init_ops"],
    )
    check(judge, network, tmp_path)
    check_thawed(judge, network, tmp_path)
