"""A damaged graph is refused, or means to us exactly what it means to TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.protos import GraphDef, TensorProto
from tests.oracle.judge import ConstFacts, GraphFacts, Refusal, TensorFacts, TensorFlowJudge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BATCH = 500


def small_graph() -> bytes:
    """Return a frozen graph with every way that a constant's value can be given."""
    graph = GraphDef()
    add_const(graph, "w", 1, [2, 2]).tensor_content = bytes(range(16))
    add_const(graph, "b", 1, [4]).float_val.extend([1.5, -2.0])
    add_const(graph, "step", 9, []).int64_val.append(17)
    add_const(graph, "names", 7, [2]).string_val.extend([b"cat", b"\xff"])
    add_const(graph, "flags", 10, [3]).bool_val.extend([True, False])
    add_const(graph, "half", 19, [2]).half_val.extend([0x3E00])
    add_const(graph, "small", 6, [2]).int_val.extend([300, -1])
    add_const(graph, "zeros", 18, [0, 3])
    for name in ("w", "b", "step", "names", "flags", "half", "small", "zeros"):
        graph.node.add(name=f"{name}/read", op="Identity", input=[name]).attr["T"].type = 1
    graph.versions.producer = 134
    return graph.SerializeToString()


def add_const(graph: GraphDef, name: str, dtype: int, shape: list[int]) -> TensorProto:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def our_verdict(data: bytes, path: Path) -> set[ConstFacts] | None:
    """Return every constant as we decode it, or None where we refuse; nothing else may happen."""
    path.write_bytes(data)
    found = set()
    try:
        with pbckpt.open_graph(path) as graph:
            detection = pbckpt.detect_variables(graph)
            constants = [(v.node, v.tensor) for v in detection.variables]
            constants += [(s.node, s.tensor) for s in detection.skipped if s.tensor]
            for node, tensor in constants:
                if tensor.dtype is pbckpt.DataType.STRING:
                    facts = TensorFacts.of(7, tensor.shape, tensor.elements())
                else:
                    image = b"".join(span.view for span in tensor.spans())
                    facts = TensorFacts.of(tensor.dtype, tensor.shape, image)
                found.add(ConstFacts(node, "", facts))
    except pbckpt.PbckptError:
        return None
    return found


def flipped(data: bytes) -> list[bytes]:
    """Return the data with each byte inverted, and with its lowest and highest bit flipped."""
    return [
        data[:place] + bytes((data[place] ^ change,)) + data[place + 1 :]
        for place in range(len(data))
        for change in (0xFF, 0x01, 0x80)
    ]


def cut(data: bytes) -> list[bytes]:
    """Return every beginning of the data."""
    return [data[:length] for length in range(1, len(data))]


@pytest.mark.parametrize("damage", [flipped, cut])
@pytest.mark.parametrize("inline_bytes", [0, 1 << 14], ids=["cut out", "whole"])
def test_every_byte(
    judge: TensorFlowJudge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], list[bytes]],
    inline_bytes: int,
) -> None:
    """Both ways of decoding a node: from the whole node, and with its tensors cut out."""
    monkeypatch.setattr("pbckpt.graph.node.WHOLE_NODE_BYTES", inline_bytes)
    cases = list(damage(small_graph()))
    accepted = 0
    for start in range(0, len(cases), BATCH):
        batch = cases[start : start + BATCH]
        for data, theirs in zip(batch, judge.decode_graphs(batch), strict=True):
            ours = our_verdict(data, tmp_path / "graph.pb")
            if ours is None:
                continue
            accepted += 1
            assert isinstance(theirs, GraphFacts), (data.hex(), theirs)
            assert ours == {c for c in theirs.consts if not unheard(c)}, data.hex()
    assert accepted > 10


def unheard(constant: ConstFacts) -> bool:
    """Tell whether a constant cannot be stored: TensorFlow reads it, we only list it."""
    if isinstance(constant.value, Refusal):
        return False
    return constant.value.dtype in (20, 21)


def test_the_undamaged_graph(judge: TensorFlowJudge, tmp_path: Path) -> None:
    ours = our_verdict(small_graph(), tmp_path / "graph.pb")
    assert ours == set(judge.decode_graph(small_graph()).consts)
    assert len(ours) == 8
