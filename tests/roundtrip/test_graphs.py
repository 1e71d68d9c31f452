"""A frozen graph that is converted and frozen again is the graph that it was, node for node.

Equal are names, order, ops, inputs, devices, attributes, functions and versions, and
the values of constants, however they are written. Attributes that hold a default that
TensorFlow 1.15 does not know go when a graph is thawed, and are left out of both sides.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from pbckpt.applications.frozen_graph import open_graph
from pbckpt.dtypes import DataType
from pbckpt.graph.encode import whole_definition
from pbckpt.protos import GraphDef
from pbckpt.thaw.attributes import superfluous_attributes
from tests.shared_material import corpus_graph, frozen_graphs

if TYPE_CHECKING:
    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.graph.library import Function
    from pbckpt.graph.node import Node

GOLDEN = Path(__file__).parents[1] / "golden"
ZOO = [
    pytest.param(path, id=path.parent.name) for path in sorted(GOLDEN.glob("zoo/*/*/frozen.pb*"))
]
ALL = [*ZOO, *frozen_graphs(), *corpus_graph("d1v-pbtxt", "frozen.pbtxt")]
CAST_GRAPHS = {
    "t2-k2-speech-fp16",
    "tf1-label-tables-fp16-cast",
    "tf1-softmax-dictionary-fp16-cast",
    "t2-k3-unet-fp16",
    "t2-m-plain-fp16",
    "tf1-bert-encoder-fp16-cast",
    "tf1-generator-fp16-cast",
    "d1v-fp16-cast",
    "d1v-fp16-cast-named",
}
CAST = [one for one in ALL if one.id in CAST_GRAPHS]
# What is found to be a variable once the halves are gone, and not before.
MORE = {
    "t2-k2-speech-fp16": {
        "add/y",
        "kws/frontend/Conv2D/filter",
        "kws/frontend/MatMul/b",
        "kws/frontend/mul_1/y",
        "kws/frontend/sub/y",
    },
    "t2-m-plain-fp16": {"MatMul_3/b", "add_3/y"},
}
FAST = pbckpt.Durability.NONE
STORED = pbckpt.Values(quantized=pbckpt.Quantized.STORED)
AS_MADE = pbckpt.Values()


def there_and_back(
    path: Path, folder: Path, kind: pbckpt.VariableKind, values: pbckpt.Values = STORED
) -> tuple[pbckpt.Report, Path]:
    """Convert a graph and freeze what comes of it; return the frozen graph."""
    thaw = pbckpt.Thaw(pbckpt.MetaFile.REQUIRED, kind)
    report = pbckpt.convert(path, folder / "m", thaw=thaw, values=values, durability=FAST)
    frozen = folder / "frozen.pb"
    pbckpt.freeze(folder / "m.meta", frozen, durability=FAST)
    return report, frozen


def value_of(node: Node) -> tuple[DataType, tuple[int, ...], object]:
    tensor = node.constant()
    if tensor.dtype is DataType.STRING:
        return (tensor.dtype, tensor.shape, tuple(tensor.elements()))
    return (tensor.dtype, tensor.shape, b"".join(bytes(one.view) for one in tensor.spans()))


def facts(node: Node) -> tuple[Any, ...]:
    """Return all that a node is, its value decoded."""
    definition = whole_definition(node)
    for name in superfluous_attributes(definition):
        del definition.attr[name]
    value = None
    if node.op == "Const":
        value = value_of(node)
        del definition.attr["value"]
    return (
        node.name,
        node.op,
        list(definition.input),
        definition.device,
        dict(definition.attr),
        definition.experimental_debug_info,
        value,
    )


def differing(some: tuple[Node, ...], others: tuple[Node, ...]) -> list[str]:
    """Return the nodes that are not the same, each in the order that it has."""
    assert [one.name for one in some] == [one.name for one in others]
    pairs = zip(some, others, strict=True)
    return [one.name for one, other in pairs if facts(one) != facts(other)]


def same_functions(some: tuple[Function, ...], others: tuple[Function, ...]) -> None:
    assert [one.name for one in some] == [one.name for one in others]
    for one, other in zip(some, others, strict=True):
        assert one.definition() == other.definition()
        assert differing(one.nodes, other.nodes) == []


def rest_of(graph: FrozenGraph) -> GraphDef:
    """Return all but nodes and functions; a library without functions says nothing."""
    rest = GraphDef()
    rest.CopyFrom(graph.graph.rest)
    if not rest.library.ByteSize():
        rest.ClearField("library")
    return rest


def differences(graph: FrozenGraph, again: FrozenGraph) -> list[str]:
    """Return the nodes of the main graphs that differ; all else is the same."""
    same_functions(graph.functions, again.functions)
    assert rest_of(graph) == rest_of(again)
    return differing(graph.nodes, again.nodes)


def is_cast_of(node: Node, names: set[str]) -> bool:
    return node.op == "Cast" and not names.isdisjoint(node.definition.input)


def same_checkpoint(frozen: Path) -> None:
    """Convert a frozen graph: its checkpoint is the one that it was made of, bit for bit."""
    folder = frozen.parent
    pbckpt.convert(frozen, folder / "again", values=STORED, durability=FAST)
    for suffix in (".index", ".data-00000-of-00001"):
        assert (folder / f"m{suffix}").read_bytes() == (folder / f"again{suffix}").read_bytes()


@pytest.mark.parametrize("path", ALL)
def test_a_graph_comes_back_from_resources(path: Path, tmp_path: Path) -> None:
    report, frozen = there_and_back(path, tmp_path, pbckpt.VariableKind.RESOURCE)
    with open_graph(path) as graph, open_graph(frozen) as again:
        assert differences(graph, again) == []
    assert report.variables
    same_checkpoint(frozen)


@pytest.mark.parametrize("path", ALL)
def test_a_graph_comes_back_from_references(path: Path, tmp_path: Path) -> None:
    _, frozen = there_and_back(path, tmp_path, pbckpt.VariableKind.REF)
    with open_graph(path) as graph, open_graph(frozen) as again:
        assert differences(graph, again) == []


# As a SavedModel too, in the form of TensorFlow 2 where it has one.
NO_FUNCTION = "is of a loop|is a table of a kind|ends with _RetVal"
NO_MODEL = "which (?:was|were) never frozen|which nodes are its outputs"
# With the note of an optimizer, TensorFlow 2 would not save its functions again.
SPECIALIZED = {"t2-m-kept-calls-call", "t2-m-kept-calls-functional"}


def refusal(path: Path, directory: Path, form: pbckpt.SavedModelForm) -> str:
    """Convert a graph to a SavedModel; return why there is none."""
    try:
        pbckpt.convert_to_saved_model(path, directory, form=form, values=STORED, durability=FAST)
    except (pbckpt.UnsupportedGraphError, pbckpt.SelectionError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("path", ALL)
def test_a_graph_comes_back_from_a_saved_model(path: Path, tmp_path: Path) -> None:
    if refused := refusal(path, tmp_path / "model", pbckpt.SavedModelForm.V2):
        assert re.search(f"{NO_FUNCTION}|{NO_MODEL}", refused)
        refused = refusal(path, tmp_path / "model", pbckpt.SavedModelForm.V1)
    if refused:
        assert re.search(NO_MODEL, refused)
        pytest.skip("its outputs need what was never frozen, or are not known")
    frozen = tmp_path / "frozen.pb"
    report = pbckpt.freeze(tmp_path / "model", frozen, durability=FAST)
    assert report.outputs_from is pbckpt.OutputsFrom.THAWED
    with open_graph(path) as graph, open_graph(frozen) as again:
        if path.parent.name in SPECIALIZED:
            assert differing(graph.nodes, again.nodes) == []
        else:
            assert differences(graph, again) == []


# Weights that were cast to half when the graph was frozen. The variable is what the cast
# back gives, so that is the constant: its half and the cast are gone.


@pytest.mark.parametrize("kind", pbckpt.VariableKind)
@pytest.mark.parametrize("path", CAST)
def test_of_a_cast_weight_the_result_comes_back(
    path: Path, kind: pbckpt.VariableKind, tmp_path: Path
) -> None:
    report, frozen = there_and_back(path, tmp_path, kind, AS_MADE)
    with open_graph(path) as graph, open_graph(frozen) as again:
        before = {node.name: node for node in graph.nodes}
        variables = {name for one in report.variables for name in one.nodes}
        casts = {node.name for node in graph.nodes if is_cast_of(node, variables)}
        halves = {before[name].definition.input[0] for name in casts}
        same_functions(graph.functions, again.functions)
        assert graph.graph.rest == again.graph.rest
        kept = tuple(node for node in graph.nodes if node.name not in casts | halves)
        reads = [node.name for node in kept if set(node.definition.input) & casts]
        assert differing(kept, again.nodes) == reads
        assert 0 < len(reads) == len(casts)
        after = {node.name: node for node in again.nodes}
        for name in reads:
            cast = before[before[name].definition.input[0]]
            half = before[cast.definition.input[0]].constant()
            halved = b"".join(bytes(one.view) for one in half.spans())
            floats = np.frombuffer(halved, "<f2").astype("<f4").tobytes()
            assert value_of(after[name]) == (DataType.FLOAT, half.shape, floats)


@pytest.mark.parametrize("path", CAST)
def test_the_checkpoint_of_cast_weights_comes_back(path: Path, tmp_path: Path) -> None:
    """All of it does; without the halves beside them, two graphs have constants more to doubt."""
    _, frozen = there_and_back(path, tmp_path, pbckpt.VariableKind.RESOURCE, AS_MADE)
    if path.parent.name not in MORE:
        same_checkpoint(frozen)
        return
    pbckpt.convert(frozen, tmp_path / "again", durability=FAST)
    report = pbckpt.diff(tmp_path / "m", tmp_path / "again")
    assert {one.key for one in report.differences} == MORE[path.parent.name]
