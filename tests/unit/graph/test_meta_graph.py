from __future__ import annotations

import pytest
from google.protobuf import text_format

from pbckpt.errors import GraphDecodeError, LimitError, SelectionError, UnsupportedGraphError
from pbckpt.graph import meta_graph
from pbckpt.graph.decode import Limits
from pbckpt.graph.meta_graph import MetaGraph, decode_meta_graph, decode_saved_model
from pbckpt.graph.text_graph import decode_text_meta_graph, decode_text_saved_model
from pbckpt.protos import MetaGraphDef, SavedModel
from tests.unit.graph.test_decode import Source, field

# One node, in a GraphDef, and a MetaGraphDef of tags, graph and saver.
NODE = b"\x0a\x09\x0a\x01w\x12\x04NoOp"
META = b"\x0a\x07\x22\x05serve" + b"\x12\x0b" + NODE + b"\x1a\x02\x0a\x00"


def meta(node: str, *tags: str) -> MetaGraphDef:
    message = MetaGraphDef()
    message.meta_info_def.tags.extend(tags)
    message.graph_def.node.add(name=node, op="NoOp")
    message.graph_def.library.function.add().signature.name = f"{node}_f"
    message.saver_def.restore_op_name = f"{node}/restore"
    message.collection_def["losses"].node_list.value.append(node)
    return message


def saved(*graphs: MetaGraphDef) -> SavedModel:
    return SavedModel(saved_model_schema_version=1, meta_graphs=graphs)


def read(model: SavedModel, tags: tuple[str, ...] | None, form: str) -> MetaGraph:
    if form == "binary":
        return decode_saved_model(Source(model.SerializeToString()), tags=tags)
    text = text_format.MessageToString(model, pointy_brackets=form == "pointed")
    return decode_text_saved_model(Source(text.encode()), tags=tags)


def name(found: MetaGraph) -> str:
    (node,) = found.graph.nodes
    return node.name


def test_a_meta_graph_has_tags_a_graph_and_a_rest() -> None:
    found = decode_meta_graph(Source(META))
    assert found.tags == ("serve",)
    assert name(found) == "w"
    assert found.rest.HasField("saver_def")
    assert not found.rest.HasField("graph_def")


def test_a_meta_graph_lies_within_a_larger_file() -> None:
    source = Source(b"\xff" + META + b"\xff")
    found = decode_meta_graph(source, start=1, end=1 + len(META))
    assert bytes(found.graph.nodes[0].span.view) == NODE[2:]
    assert found.graph.nodes[0].span.offset == 1 + META.index(NODE) + 2


def test_a_graph_in_two_fields_is_merged() -> None:
    message = meta("w", "serve")
    other = field(2, b"\x0a\x09\x0a\x01v\x12\x04NoOp\x22\x02\x08\x09")
    found = decode_meta_graph(Source(message.SerializeToString() + other))
    assert [node.name for node in found.graph.nodes] == ["w", "v"]
    assert found.graph.rest.versions.producer == 9
    assert found.rest.saver_def.restore_op_name == "w/restore"


@pytest.mark.parametrize("form", ["binary", "text", "pointed"])
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (None, "s"),
        (("serve",), "s"),
        (("serve", "gpu"), "g"),
        (("gpu", "serve"), "g"),
        (("train",), "t"),
        ((), "n"),
    ],
)
def test_tags_choose_a_graph(tags: tuple[str, ...] | None, expected: str, form: str) -> None:
    graphs = (meta("t", "train"), meta("g", "serve", "gpu"), meta("s", "serve"), meta("n"))
    found = read(saved(*graphs), tags, form)
    assert name(found) == expected
    assert found.rest.saver_def.restore_op_name == f"{expected}/restore"
    assert list(found.rest.collection_def["losses"].node_list.value) == [expected]
    assert [function.name for function in found.graph.functions] == [f"{expected}_f"]


@pytest.mark.parametrize("form", ["binary", "text", "pointed"])
def test_the_only_graph_needs_no_tags(form: str) -> None:
    assert name(read(saved(meta("t", "train")), None, form)) == "t"
    assert read(saved(meta("t", "train", "tpu")), None, form).tags == ("train", "tpu")


@pytest.mark.parametrize("form", ["binary", "text", "pointed"])
@pytest.mark.parametrize(
    ("tags", "fact"),
    [
        (None, "graph.pb has 2 graphs, none of them tagged serve alone"),
        (("serve",), "graph.pb has no graph tagged serve"),
        ((), "graph.pb has no graph tagged with nothing"),
    ],
)
def test_tags_that_are_not_there_are_answered_with_those_that_are(
    tags: tuple[str, ...] | None, fact: str, form: str
) -> None:
    with pytest.raises(SelectionError) as caught:
        read(saved(meta("t", "train"), meta("g", "serve", "gpu")), tags, form)
    assert str(caught.value) == f"{fact}; choose by --tags one of: train; serve,gpu"
    assert caught.value.suggestions == ("train", "serve,gpu")


@pytest.mark.parametrize("form", ["binary", "text", "pointed"])
def test_a_saved_model_without_a_graph(form: str) -> None:
    with pytest.raises(UnsupportedGraphError, match="a SavedModel without a graph") as caught:
        read(saved(), None, form)
    assert caught.value.kind == "saved_model"


@pytest.mark.parametrize("form", ["binary", "text", "pointed"])
def test_more_graphs_than_any_model_has(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_graph, "MAX_GRAPHS", 2)
    assert name(read(saved(meta("a", "serve"), meta("b")), None, form)) == "a"
    with pytest.raises(LimitError, match="the number of graphs"):
        read(saved(meta("a", "serve"), meta("b"), meta("c")), None, form)


def test_limits_hold_for_graphs_within() -> None:
    with pytest.raises(LimitError):
        decode_meta_graph(Source(META), Limits(max_nodes=0))
    with pytest.raises(LimitError):
        decode_text_meta_graph(
            Source(b"graph_def { node { name: 'w' op: 'A' } }"), Limits(max_nodes=0)
        )


def test_damage_within_is_at_a_byte_of_the_file() -> None:
    data = b"\x08\x01" + field(2, META)
    for length in range(3, len(data)):
        with pytest.raises((GraphDecodeError, UnsupportedGraphError)):
            decode_saved_model(Source(data[:length]))
    broken = data.replace(b"\x12\x04NoOp", b"\x12\x05NoOp")
    with pytest.raises(GraphDecodeError) as caught:
        decode_saved_model(Source(broken))
    assert caught.value.offset == broken.index(NODE[:2])
    with pytest.raises(GraphDecodeError, match="saver, collections or signatures"):
        decode_meta_graph(Source(META + b"\x1a\x02\x0a\x05"))
