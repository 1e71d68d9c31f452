from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbckpt.errors import LimitError, PbckptError, UnsupportedGraphError
from pbckpt.graph.encode import Pieces
from pbckpt.protos import MetaGraphDef
from pbckpt.thaw import meta_graph, place
from pbckpt.thaw.meta_graph import encode_meta_graph
from pbckpt.thaw.variable import VariableKind
from tests.unit.thaw.graphs import encoded, enter, frozen, lines, thaw, typed
from tests.unit.variables.graphs import const, function, identity, node

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef
    from pbckpt.thaw.variable import FrozenVariable

# A few thousand nodes take less than one; what grows with their square takes minutes.
PATIENCE = 60


def meta_of(nodes: list[NodeDef], *variables: FrozenVariable) -> MetaGraphDef:
    pieces = encode_meta_graph(thaw(nodes, *variables))
    return MetaGraphDef.FromString(
        b"".join(map(bytes, pieces.chunks(memoryview(bytearray(1 << 16)))))
    )


def test_a_meta_graph_has_the_graph_its_saver_and_its_collections() -> None:
    nodes = [const("w", 2), identity("y", "w")]
    meta = meta_of(nodes, frozen("w", "w", 2))
    assert meta.graph_def == encoded(thaw(nodes, frozen("w", "w", 2)))
    assert meta.saver_def.restore_op_name == "save/restore_all"
    assert sorted(meta.collection_def) == [
        "model_variables",
        "pbckpt_outputs",
        "trainable_variables",
        "variables",
    ]
    assert meta.collection_def["pbckpt_outputs"].node_list.value == ["y"]
    assert len(meta.collection_def["variables"].bytes_list.value) == 1


def test_a_meta_graph_is_no_larger_than_a_message_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    thawed = thaw([const("w", 2)], frozen("w", "w", 2))
    monkeypatch.setattr(meta_graph, "_MAX_MESSAGE", encode_meta_graph(thawed).nbytes)
    assert isinstance(encode_meta_graph(thawed), Pieces)
    monkeypatch.setattr(meta_graph, "_MAX_MESSAGE", encode_meta_graph(thawed).nbytes - 1)
    with pytest.raises(UnsupportedGraphError, match=r"leave the \.meta file out with --no-meta"):
        encode_meta_graph(thawed)


def test_what_nothing_changes_stays() -> None:
    nodes = [node("Placeholder", "x"), const("c", 3), node("Add", "y", "x", "c"), const("w", 2)]
    found = encoded(thaw(nodes, frozen("w", "w", 2)))
    assert list(found.node[:3]) == nodes[:3]


def test_a_graph_without_variables_has_no_saver() -> None:
    with pytest.raises(UnsupportedGraphError) as caught:
        thaw([const("w", 2)])
    assert str(caught.value) == (
        "none of the variables can be put into the graph; leave the .meta file out with --no-meta"
    )


# Graphs that no model has


def test_contexts_nested_ten_thousand_deep() -> None:
    nodes = [const("w", 2), identity("e0", "w")]
    nodes += [enter(f"e{number + 1}", f"e{number}", f"f{number}") for number in range(10_000)]
    with pytest.raises(LimitError, match="over the limit nested contexts of 256"):
        thaw(nodes, frozen("w", "w", 2))


def test_branches_nested_ten_thousand_deep() -> None:
    nodes = [const("w", 2), identity("s0", "w")]
    for number in range(10_000):
        nodes += [
            node("Placeholder", f"p{number}"),
            node("Switch", f"s{number + 1}", f"s{number}", f"p{number}"),
        ]
    with pytest.raises(LimitError, match="over the limit nested contexts of 256"):
        thaw(nodes, frozen("w", "w", 2))


def test_variables_in_deep_contexts_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_MAX_WAYS", 10)
    nodes = [node("Placeholder", "e0")]
    nodes += [enter(f"e{number + 1}", f"e{number}", f"f{number}") for number in range(11)]
    made = const("w", 2)
    made.input.append("^e11")
    with pytest.raises(LimitError, match="over the limit entered variables of 10"):
        thaw([*nodes, made], frozen("w", "w", 2))


def test_many_branches_without_pivots_take_no_longer() -> None:
    nodes = [const("w", 2)]
    for number in range(3000):
        nodes += [
            node("Placeholder", f"p{number}"),
            typed("Switch", f"s{number}", "w", f"p{number}"),
            identity(f"i{number}", f"s{number}:1"),
        ]
    begun = time.monotonic()
    thawed = thaw(nodes, frozen("w", "w", 2))
    assert time.monotonic() - begun < PATIENCE
    assert len(thawed.messages["cond_context"]) == 3000


def test_a_long_row_of_predicates_takes_no_longer() -> None:
    nodes = [const("w", 2), node("Placeholder", "p0")]
    nodes += [identity(f"p{number + 1}", f"p{number}") for number in range(20_000)]
    nodes += [typed("Switch", f"s{number}", "w", f"p{20_000 - number}") for number in range(2000)]
    nodes += [identity(f"i{number}", f"s{number}") for number in range(2000)]
    begun = time.monotonic()
    thawed = thaw(nodes, frozen("w", "w", 2))
    assert time.monotonic() - begun < PATIENCE
    assert len(thawed.messages["cond_context"]) == 1


NAMES = ["a", "b", "c", "d", "e", "f"]
OPS = [
    *("Enter", "Merge", "Switch", "NextIteration", "Exit", "LoopCond", "_SwitchN"),
    *("Const", "Identity", "Add", "f", "PartitionedCall", "While", "If", "VarHandleOp"),
]
INPUTS = st.sampled_from(
    [*NAMES, *(f"{one}:1" for one in NAMES), *(f"^{one}" for one in NAMES), "no", "^no", "a:7", ""]
)


@st.composite
def any_nodes(draw: st.DrawFn) -> list[NodeDef]:
    nodes = [const("w", 2), node("Placeholder", "x")]
    for name in NAMES:
        op = draw(st.sampled_from(OPS))
        made = node(op, name, *draw(st.lists(INPUTS | st.sampled_from(["w", "x"]), max_size=3)))
        if op == "Const":
            made.attr["value"].tensor.dtype = 1
            # What only leads to a value goes, as tests of places show.
            made.input[:] = [text for text in made.input if text[:1] == "^"]
        if op == "Enter":
            made.attr["frame_name"].s = draw(st.sampled_from([b"", b"f", b"g", b"\xff"]))
            made.attr["is_constant"].b = draw(st.booleans())
        for attr in draw(
            st.lists(st.sampled_from(["f", "cond", "body", "then_branch"]), max_size=3)
        ):
            made.attr[attr].func.name = draw(st.sampled_from(["f", "g", "h"]))
        nodes.append(made)
    return draw(st.permutations(nodes))


@settings(deadline=None, max_examples=400)
@given(any_nodes(), st.sampled_from(VariableKind), st.booleans())
def test_any_control_flow_gives_a_graph_or_an_error_of_ours(
    nodes: list[NodeDef],
    kind: VariableKind,
    in_function: bool,  # noqa: FBT001 - drawn
) -> None:
    functions = [
        function("f", ["z"], ["m:o:0"], const("k", 2), node("Add", "m", "z", "k:output:0")),
        function("g", ["z"], ["m:o:0"], node("PartitionedCall", "m", "z", f="f")),
    ]
    variables = [frozen("w", "w", 2)]
    variables += [
        frozen(f"v/{one.name}", one.name, 2)
        for one in nodes
        if one.op == "Const" and one.name != "w"
    ]
    if in_function:
        variables.append(frozen("k", "f::k", 2))
    try:
        thawed = thaw(nodes, *variables, kind=kind, functions=functions)
        pieces = encode_meta_graph(thawed)
    except PbckptError:
        return
    meta = MetaGraphDef.FromString(
        b"".join(map(bytes, pieces.chunks(memoryview(bytearray(1 << 16)))))
    )
    names = [one.name for one in meta.graph_def.node]
    assert len(set(names)) == len(names)
    assert {name for name in names if not name.startswith(("save", "v", "k"))} >= {"w", *NAMES}
    for variable in thawed.variables:
        assert {variable.name, variable.initializer, variable.snapshot} <= set(names)
    assert lines(thawed)
