from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.applications.frozen_graph import open_graph
from pbckpt.applications.outputs import choose_outputs
from pbckpt.errors import SelectionError
from pbckpt.protos import GraphDef, MetaGraphDef
from tests.unit.variables.graphs import const, node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pbckpt.protos import NodeDef

X = node("Placeholder", "x")
MODEL = [X, const("w", 2), node("MatMul", "logits", "x", "w"), node("Softmax", "probs", "logits")]


def meta_of(*nodes: NodeDef, before: Sequence[str] = ()) -> MetaGraphDef:
    meta = MetaGraphDef(graph_def=GraphDef(node=nodes))
    if before:
        meta.collection_def["pbckpt_outputs"].node_list.value.extend(before)
    return meta


def chosen(folder: Path, graph: MetaGraphDef | Sequence[NodeDef], *given: str) -> tuple[str, ...]:
    path = folder / "m.meta"
    whole = graph if isinstance(graph, MetaGraphDef) else meta_of(*graph)
    path.write_bytes(whole.SerializeToString())
    with open_graph(path) as opened:
        return choose_outputs(opened, given)[0]


def test_what_is_given(tmp_path: Path) -> None:
    assert chosen(tmp_path, MODEL, "logits:0", "x", "logits") == ("logits", "x")


def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SelectionError) as caught:
        chosen(tmp_path, MODEL, "probs", "logit", "no")
    assert "has no node 'logit', 'no' (nearest: logits)" in str(caught.value)
    assert caught.value.unknown == ("logit", "no")
    assert caught.value.suggestions == ("logits",)


def test_those_of_the_signatures_come_first(tmp_path: Path) -> None:
    meta = meta_of(*MODEL, before=["x"])
    meta.signature_def["b"].outputs["o"].name = "logits:0"
    meta.signature_def["a"].outputs["o"].name = "w:0"
    meta.signature_def["c"].outputs["o"].name = "gone:0"
    meta.signature_def["c"].outputs["p"].name = "logits:0"
    meta.signature_def["__saved_model_init_op"].outputs["i"].name = "probs"
    sparse = meta.signature_def["d"].outputs["s"].coo_sparse
    sparse.values_tensor_name, sparse.indices_tensor_name = "x:1", "probs:0"
    assert chosen(tmp_path, meta) == ("w", "logits", "x", "probs")


def test_then_those_of_the_graph_before_that_are_there(tmp_path: Path) -> None:
    assert chosen(tmp_path, meta_of(*MODEL, before=["w", "gone", "logits:0"])) == ("w", "logits")


def test_then_what_nothing_takes(tmp_path: Path) -> None:
    assert chosen(tmp_path, [*MODEL, node("Neg", "z", "x"), node("NoOp", "n", "^z")]) == (
        "probs",
        "z",
    )


@pytest.mark.parametrize(
    "more",
    [
        node("ApplyGradientDescent", "t", "w", "probs"),
        node("ResourceApplyAdam", "t", "w", "probs"),
        node("AssignVariableOp", "t", "w", "probs"),
        node("SaveV2", "t", "x", "probs"),
        node("ScalarSummary", "t", "x", "probs"),
        node("NoOp", "t", "^probs"),
        node("Neg", "gradients/Neg", "probs"),
        node("Neg", "tower/gradients_1/Neg", "probs"),
        node("Identity", "save/Identity", "probs"),
    ],
    ids=lambda one: one.op + "-" + one.name.replace("/", "."),
)
def test_what_only_trains_or_saves_takes_nothing(tmp_path: Path, more: NodeDef) -> None:
    assert chosen(tmp_path, [*MODEL, more]) == ("probs",)


def test_what_depends_on_no_input_is_no_result(tmp_path: Path) -> None:
    assert chosen(tmp_path, [*MODEL, node("Neg", "init", "w")]) == ("probs",)


def test_a_loop_has_the_result_that_leaves_it(tmp_path: Path) -> None:
    nodes = [
        X,
        node("Merge", "m", "x", "n"),
        node("NextIteration", "n", "m"),
        node("Exit", "e", "m"),
    ]
    assert chosen(tmp_path, nodes) == ("e",)


def test_nothing_can_be_told(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="give them with --outputs NODE"):
        chosen(tmp_path, [const("w", 2)])
