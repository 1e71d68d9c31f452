"""Values that are computed of constants are those that TensorFlow computes in the frozen graph."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.protos import GraphDef
from tests.oracle.test_like import STEP, Maker

if TYPE_CHECKING:
    from pbckpt import Variable
    from tests.oracle.judge import TensorFacts, TensorFlowJudge

ZOO = Path(__file__).parents[1] / "golden" / "zoo"
convert = partial(pbckpt.convert, durability=pbckpt.Durability.NONE)


def computed(path: Path) -> list[Variable]:
    """Return the variables of a graph whose values are not constants themselves."""
    with pbckpt.open_graph(path) as graph:
        found = pbckpt.detect_variables(graph).variables
    main = [one for one in found if "::" not in one.node + one.value]
    return [one for one in main if one.value or any(one.ranges)]


GRAPHS = [path for path in sorted(ZOO.glob("open/*/frozen.pb")) if computed(path)]


def run(
    judge: TensorFlowJudge, path: Path, variables: list[Variable], out: Path
) -> list[TensorFacts]:
    """Return what TensorFlow computes for variables; of integers with a range, by a Dequantize."""
    graph = GraphDef.FromString(path.read_bytes())
    outputs = []
    for number, one in enumerate(variables):
        outputs.append(f"{one.value or f'dequantized_{number}'}:0")
        if not one.value:
            node = graph.node.add(name=f"dequantized_{number}", op="Dequantize")
            node.input.extend((one.node, *one.ranges))
            node.attr["T"].type = one.tensor.dtype
            node.attr["mode"].s = b"MIN_FIRST"
    # The constants are enough, and ops of other versions are in no one's way.
    needed: dict[str, None] = {}
    by_name = {node.name: node for node in graph.node}
    waiting = [text.partition(":")[0] for text in outputs]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = None
            waiting += [text.lstrip("^").partition(":")[0] for text in by_name[name].input]
    small = GraphDef(node=[by_name[name] for name in needed], versions=graph.versions)
    small.versions.ClearField("min_consumer")
    out.write_bytes(small.SerializeToString())
    found = judge.run_frozen(out, outputs)
    return [found[name] for name in outputs]


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.parent.name)
def test_computed_values_are_those_of_the_graph(
    path: Path, tmp_path: Path, judge: TensorFlowJudge
) -> None:
    variables = computed(path)
    partitions = pbckpt.Values(partitions=pbckpt.Partitions.PARTS)
    report = convert(path, tmp_path / "m", values=partitions)
    assert not any("not computed" in warning for warning in report.warnings)
    loaded = judge.load(tmp_path / "m")
    expected = run(judge, path, variables, tmp_path / "small.pb")
    assert {one.key: loaded[one.key] for one in variables} == {
        one.key: facts for one, facts in zip(variables, expected, strict=True)
    }


def test_there_are_graphs_of_every_kind() -> None:
    kinds = {path.parent.name.rpartition("-")[2] for path in GRAPHS}
    assert {"weights", "nodes", "int8", "cast", "fp16"} <= kinds


@pytest.mark.parametrize("parts", [3, 0], ids=["in parts", "whole"])
def test_a_partitioned_network_is_restored(
    judge: TensorFlowJudge, tmp_path: Path, parts: int
) -> None:
    """By a program that cuts its variables, and by one that does not."""
    network = Maker(judge, tmp_path, "convnet")
    frozen = network.freeze(parts=3)
    convert(network.frozen, tmp_path / "m", edits=STEP)
    restored = network.restore(tmp_path / "m", parts=parts)
    assert restored.output == frozen.output
    assert restored.step == 7


def test_tensors_by_name(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """A transposed kernel, and the second half of it."""
    graph = GraphDef()
    kernel = graph.node.add(name="w", op="Const")
    kernel.attr["dtype"].type = kernel.attr["value"].tensor.dtype = 1
    kernel.attr["value"].tensor.tensor_shape.dim.add(size=2)
    kernel.attr["value"].tensor.tensor_shape.dim.add(size=4)
    kernel.attr["value"].tensor.float_val.extend((1.5, -0.0, 3, 4, 5, 6, 7, 1e-30))
    for name, values in (("perm", (1, 0)), ("axis", (0,))):
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = node.attr["value"].tensor.dtype = 3
        if len(values) > 1:
            node.attr["value"].tensor.tensor_shape.dim.add(size=len(values))
        node.attr["value"].tensor.int_val.extend(values)
    turned = graph.node.add(name="turned", op="Transpose", input=["w", "perm"])
    turned.attr["T"].type, turned.attr["Tperm"].type = 1, 3
    halves = graph.node.add(name="halves", op="Split", input=["axis", "turned"])
    halves.attr["T"].type, halves.attr["num_split"].i = 1, 2
    path = tmp_path / "g.pb"
    path.write_bytes(graph.SerializeToString())
    names = ("turned", "halves:1")
    convert(path, tmp_path / "m", values=pbckpt.Values(tensors=names))
    loaded = judge.load(tmp_path / "m")
    expected = judge.run_frozen(path, ["turned:0", "halves:1"])
    assert {name: loaded[name] for name in names} == {
        "turned": expected["turned:0"],
        "halves:1": expected["halves:1"],
    }
