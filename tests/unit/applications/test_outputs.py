from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.applications.frozen_graph import open_graph
from pbckpt.applications.outputs import OutputsFrom, choose_outputs, filling
from pbckpt.applications.tables import unfilled_tables
from pbckpt.errors import SelectionError
from pbckpt.protos import GraphDef, MetaGraphDef
from tests.unit.variables.graphs import const, function, node

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


def test_those_of_the_frozen_graph_of_before_come_first(tmp_path: Path) -> None:
    meta = meta_of(*MODEL, before=["x"])
    meta.signature_def["b"].outputs["o"].name = "logits:0"
    assert chosen(tmp_path, meta) == ("x",)


def test_those_of_the_signatures_come_next(tmp_path: Path) -> None:
    meta = meta_of(*MODEL)
    meta.signature_def["b"].outputs["o"].name = "logits:0"
    meta.signature_def["a"].outputs["o"].name = "w:0"
    meta.signature_def["c"].outputs["o"].name = "gone:0"
    meta.signature_def["c"].outputs["p"].name = "logits:0"
    meta.signature_def["__saved_model_init_op"].outputs["i"].name = "probs"
    sparse = meta.signature_def["d"].outputs["s"].coo_sparse
    sparse.values_tensor_name, sparse.indices_tensor_name = "x:1", "probs:0"
    assert chosen(tmp_path, meta) == ("w", "logits", "x", "probs")


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("AssignVariableOp", ("probs",)),
        ("ResourceApplyAdam", ("probs",)),
        ("ScatterNdUpdate", ("probs",)),
        ("StridedSliceAssign", ("probs",)),
        ("ResourceStridedSliceAssign", ("probs",)),
        ("ResourceCountUpTo", ("probs",)),
        ("RngReadAndSkip", ("probs",)),
        ("StatefulPartitionedCall", ("logits", "probs")),
        ("ScatterNd", ("logits", "probs")),
        ("TensorScatterUpdate", ("logits", "probs")),
    ],
)
def test_signatures_that_train_are_left_out(
    tmp_path: Path, op: str, expected: tuple[str, ...]
) -> None:
    """What trains may be in a function, or in what that calls."""
    meta = meta_of(*MODEL)
    meta.graph_def.node[2].op = "PartitionedCall"
    meta.graph_def.node[2].attr["f"].func.name = "f"
    meta.graph_def.library.function.extend(
        [
            function("f", ["a"], ["a"], node("PartitionedCall", "c", "a", f="g")),
            function("g", ["a"], ["a"], node(op, "u", "a")),
        ]
    )
    meta.graph_def.node[3].input[0] = "x"
    meta.signature_def["train"].outputs["o"].name = "logits:0"
    meta.signature_def["use"].outputs["o"].name = "probs:0"
    assert sorted(chosen(tmp_path, meta)) == sorted(expected)


def test_only_signatures_that_train(tmp_path: Path) -> None:
    meta = meta_of(X, node("Assign", "a", "x"))
    meta.signature_def["train"].outputs["o"].name = "a:0"
    assert chosen(tmp_path, meta) == ("a",)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (["probs"], OutputsFrom.GIVEN),
        ([], OutputsFrom.SIGNATURES),
    ],
)
def test_who_said_so(tmp_path: Path, given: Sequence[str], where: OutputsFrom) -> None:
    meta = meta_of(*MODEL)
    meta.signature_def["use"].outputs["o"].name = "probs:0"
    (tmp_path / "m.meta").write_bytes(meta.SerializeToString())
    with open_graph(tmp_path / "m.meta") as opened:
        assert choose_outputs(opened, given) == (("probs",), where)


TABLE = [X, node("HashTableV2", "table"), node("LookupTableFindV2", "found", "table", "x")]
FILL = [node("LookupTableImportV2", "import", "table"), node("NoOp", "init", "^import")]


@pytest.mark.parametrize(
    ("nodes", "output", "expected"),
    [
        ([*TABLE, *FILL], "found", ("init",)),
        ([*TABLE, *FILL], "x", ()),
        ([*TABLE, node("NoOp", "init")], "found", ()),
        (TABLE, "found", ()),
        ([*TABLE, *FILL, node("VarHandleOp", "v")], "found", ("init",)),
        (
            [*TABLE, FILL[0], node("NoOp", "init", "^import", "^v"), node("VarHandleOp", "v")],
            "found",
            ("init",),
        ),
        (
            [
                *(*TABLE, FILL[0], node("NoOp", "init", "^import", "^a")),
                *(node("VarHandleOp", "v"), node("AssignVariableOp", "a", "v", "x")),
            ],
            "found",
            (),
        ),
    ],
    ids=["fills", "no table", "fills nothing", "gone", "a variable", "passes one", "sets one"],
)
@pytest.mark.parametrize("where", ["signature", "collection"])
def test_what_fills_tables(
    tmp_path: Path, nodes: Sequence[NodeDef], output: str, expected: tuple[str, ...], where: str
) -> None:
    meta = meta_of(*nodes)
    if where == "signature":
        meta.signature_def["__saved_model_init_op"].outputs["i"].name = "init"
    else:
        meta.collection_def["legacy_init_op"].node_list.value.append("init")
    (tmp_path / "m.meta").write_bytes(meta.SerializeToString())
    with open_graph(tmp_path / "m.meta") as opened:
        assert filling(opened, [output]) == expected


@pytest.mark.parametrize(("shared", "expected"), [("words", ("init",)), ("others", ())])
def test_what_fills_tables_of_functions(
    tmp_path: Path, shared: str, expected: tuple[str, ...]
) -> None:
    """They are those of one shared name."""
    tables = [node("HashTableV2", name) for name in ("t", "u")]
    for one, name in zip(tables, ("words", shared), strict=True):
        one.attr["shared_name"].s = name.encode()
    find = node("LookupTableFindV2", "n", "t:table_handle:0", "a")
    fill = node("LookupTableImportV2", "n", "u:table_handle:0")
    meta = meta_of(
        X, node("PartitionedCall", "y", "x", f="f"), node("PartitionedCall", "init", f="g")
    )
    meta.graph_def.library.function.extend(
        [
            function("f", ["a"], ["n:values:0"], tables[0], find),
            function("g", [], [], tables[1], fill),
        ]
    )
    meta.signature_def["__saved_model_init_op"].outputs["i"].name = "init"
    (tmp_path / "m.meta").write_bytes(meta.SerializeToString())
    with open_graph(tmp_path / "m.meta") as opened:
        assert filling(opened, ["y"]) == expected
        assert unfilled_tables(opened.graph, ["y"]) == ("f::t",)
        assert unfilled_tables(opened.graph, ["y", "init"]) == (() if expected else ("f::t",))


@pytest.mark.parametrize("how", ["in the graph", "in a function"])
def test_tables_that_nothing_fills(tmp_path: Path, how: str) -> None:
    fill: list[NodeDef] = [node("LookupTableInsertV2", "fill", "table")]
    meta = meta_of(*TABLE, *fill)
    if how == "in a function":
        meta.graph_def.node[3].CopyFrom(node("PartitionedCall", "fill", "table", f="f"))
        inner = node("InitializeTableV2", "i", "t")
        functions = [
            function("f", ["t"], [], node("PartitionedCall", "c", "t", f="g")),
            function("g", ["t"], [], inner),
        ]
        meta.graph_def.library.function.extend(functions)
    (tmp_path / "m.meta").write_bytes(meta.SerializeToString())
    with open_graph(tmp_path / "m.meta") as opened:
        assert unfilled_tables(opened.graph, ["x"]) == ()
        assert unfilled_tables(opened.graph, ["found"]) == ("table",)
        assert unfilled_tables(opened.graph, ["found", "fill"]) == ()


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
