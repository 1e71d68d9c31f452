from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format

import pbckpt
from pbckpt.applications.frozen_graph import is_bare_saved_model
from pbckpt.graph.kind import GraphKind
from pbckpt.protos import GraphDef, MetaGraphDef, SavedModel
from tests.shared_material import corpus_graph, graphs_of_variables

if TYPE_CHECKING:
    from google.protobuf.message import Message


FILES = Path("/proc/self/fd")


def frozen() -> GraphDef:
    graph = GraphDef()
    node = graph.node.add(name="w", op="Const")
    node.attr["dtype"].type = 1
    node.attr["value"].tensor.dtype = 1
    node.attr["value"].tensor.tensor_shape.dim.add(size=2)
    node.attr["value"].tensor.tensor_content = bytes.fromhex("0000803f00000040")
    graph.node.add(name="w/read", op="Identity", input=["w"])
    function = graph.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="x", op="NoOp")
    return graph


def with_variable() -> GraphDef:
    graph = GraphDef()
    node = graph.node.add(name="v", op="VariableV2")
    node.attr["dtype"].type = 1
    node.attr["shape"].shape.dim.add(size=3)
    return graph


def meta(graph: GraphDef, *tags: str) -> MetaGraphDef:
    message = MetaGraphDef(graph_def=graph)
    message.meta_info_def.tags.extend(tags)
    return message


def saved(*graphs: MetaGraphDef) -> SavedModel:
    return SavedModel(saved_model_schema_version=1, meta_graphs=graphs)


FORMS: dict[GraphKind, Message] = {
    GraphKind.GRAPH: frozen(),
    GraphKind.TEXT_GRAPH: frozen(),
    GraphKind.META_GRAPH: meta(frozen(), "serve"),
    GraphKind.TEXT_META_GRAPH: meta(frozen(), "serve"),
    GraphKind.SAVED_MODEL: saved(meta(frozen(), "serve")),
    GraphKind.TEXT_SAVED_MODEL: saved(meta(frozen(), "serve")),
}


def write(path: Path, message: Message, kind: GraphKind) -> Path:
    text = text_format.MessageToString(message).encode()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if kind.is_text else message.SerializeToString())
    return path


def open_files() -> int:
    return len(list(FILES.iterdir()))


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.name)
def test_every_form_of_a_graph_is_opened_and_converted(kind: GraphKind, tmp_path: Path) -> None:
    path = write(tmp_path / "graph", FORMS[kind], kind)
    with pbckpt.open_graph(path) as graph:
        assert graph.kind is kind
        assert [node.name for node in graph.nodes] == ["w", "w/read"]
        assert [function.name for function in graph.functions] == ["f"]
        assert (graph.meta_graph is None) == ("META" not in kind.name and not kind.has_tags)
        assert graph.still_variables() == ()
    report = pbckpt.convert(path, tmp_path / "out" / "m")
    assert [variable.key for variable in report.variables] == ["w"]
    assert pbckpt.load_checkpoint(tmp_path / "out" / "m")["w"].tolist() == [1.0, 2.0]
    assert pbckpt.verify(tmp_path / "out" / "m", against=path).ok


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("saved_model.pb", GraphKind.SAVED_MODEL),
        ("saved_model.pbtxt", GraphKind.TEXT_SAVED_MODEL),
    ],
)
def test_a_saved_model_is_known_by_its_directory(
    name: str, kind: GraphKind, tmp_path: Path
) -> None:
    write(tmp_path / "model" / name, FORMS[kind], kind)
    for path in (tmp_path / "model", f"{tmp_path}/model/", tmp_path / "model" / name):
        with pbckpt.open_graph(path) as graph:
            assert (graph.kind, len(graph.nodes)) == (kind, 2)
    assert is_bare_saved_model(tmp_path / "model")
    contents = pbckpt.inspect(tmp_path / "model")
    assert isinstance(contents, pbckpt.GraphContents)
    assert contents.constants == 1


def test_the_directory_of_a_saved_model_stands_for_its_variables(tmp_path: Path) -> None:
    model = tmp_path / "model"
    write(model / "saved_model.pb", saved(meta(with_variable(), "serve")), GraphKind.SAVED_MODEL)
    pbckpt.save_checkpoint({"v": [1.0, 2.0, 3.0]}, model / "variables" / "variables")
    assert not is_bare_saved_model(model)
    assert isinstance(pbckpt.inspect(model), pbckpt.CheckpointContents)
    assert isinstance(pbckpt.inspect(model, tags=("serve",)), pbckpt.GraphContents)
    assert isinstance(pbckpt.inspect(model / "saved_model.pb"), pbckpt.GraphContents)


def test_tags_choose_a_graph(tmp_path: Path) -> None:
    model = saved(meta(with_variable(), "train"), meta(frozen(), "serve", "gpu"))
    path = write(tmp_path / "saved_model.pb", model, GraphKind.SAVED_MODEL)
    with pytest.raises(pbckpt.SelectionError, match="choose by --tags one of: train; serve,gpu"):
        pbckpt.open_graph(path)
    pbckpt.convert(path, tmp_path / "out" / "m", tags=("gpu", "serve"))
    assert pbckpt.verify(tmp_path / "out" / "m", against=path, tags=("serve", "gpu")).ok
    with pbckpt.open_graph(path, tags=("train",)) as graph:
        (variable,) = graph.still_variables()
        assert (variable.name, variable.shape) == ("v", (3,))


@pytest.mark.parametrize(
    "kind",
    [kind for kind in FORMS if not kind.has_tags],
    ids=lambda kind: kind.name,
)
def test_other_files_have_no_tags(kind: GraphKind, tmp_path: Path) -> None:
    path = write(tmp_path / "graph", FORMS[kind], kind)
    with pytest.raises(pbckpt.SelectionError, match="tags choose among the graphs of a SavedModel"):
        pbckpt.open_graph(path, tags=("serve",))


@pytest.mark.skipif(not FILES.is_dir(), reason="no list of open files")
@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.name)
def test_an_error_leaves_no_file_open(kind: GraphKind, tmp_path: Path) -> None:
    path = write(tmp_path / "graph", FORMS[kind], kind)
    content = path.read_bytes()
    before = open_files()
    for length in range(2, len(content), 7):
        path.write_bytes(content[:length])
        with contextlib.suppress(pbckpt.PbckptError), pbckpt.open_graph(path):
            pass
        assert open_files() == before
    path.write_bytes(content)
    # The error that is kept keeps what was in use where it was raised.
    with pytest.raises(pbckpt.LimitError) as caught:
        pbckpt.open_graph(path, limits=pbckpt.Limits(max_nodes=1))
    assert open_files() == before, caught.value


def test_what_is_not_frozen_says_where_its_values_are(tmp_path: Path) -> None:
    says = {
        "graph.pb": (GraphKind.GRAPH, with_variable(), "value is in its checkpoint,"),
        "m.ckpt-1.meta": (
            GraphKind.META_GRAPH,
            meta(with_variable()),
            f"value is in the checkpoint beside it: {tmp_path}/m.ckpt-1,",
        ),
        "saved_model.pb": (
            GraphKind.SAVED_MODEL,
            saved(meta(with_variable(), "serve")),
            f"value is in the checkpoint beside it: {tmp_path}/variables/variables,",
        ),
    }
    for name, (kind, message, place) in says.items():
        path = write(tmp_path / name, message, kind)
        with pytest.raises(pbckpt.SelectionError) as caught:
            pbckpt.convert(path, tmp_path / "out" / "m")
        text = str(caught.value)
        assert text.startswith(f"{path}: the graph has no constants")
        assert "It has a variable that is not frozen, 'v'; its value is in" in text
        assert place in text


def test_a_pattern_that_fits_nothing_is_the_error_even_so(tmp_path: Path) -> None:
    path = write(tmp_path / "g.pb", with_variable(), GraphKind.GRAPH)
    with pytest.raises(pbckpt.SelectionError) as caught:
        pbckpt.convert(path, tmp_path / "m", selection=pbckpt.Selection(take=("nothing",)))
    assert caught.value.unknown == ("nothing",)


def test_a_checkpoint_is_no_graph(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": 1.0}, tmp_path / "m")
    told = (
        f"{tmp_path}/m: a checkpoint, which has no graph; give the file of the frozen graph. "
        "pbckpt inspect shows the checkpoint, pbckpt edit changes it"
    )
    for ask in (
        lambda path: pbckpt.explain(path, "w"),
        pbckpt.open_graph,
        lambda path: pbckpt.convert(path, tmp_path / "n"),
    ):
        with pytest.raises(pbckpt.UnsupportedGraphError) as caught:
            ask(tmp_path / "m")
        assert str(caught.value) == told
        assert caught.value.kind == "checkpoint"
    with pytest.raises(FileNotFoundError):
        pbckpt.open_graph(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("names", "fact"),
    [
        ((), "give the path of a file"),
        (("notes.txt",), "give the path of a file"),
        (("frozen.pb", "x.txt"), "give the graph that is meant: {0}/frozen.pb"),
        (
            ("m.meta", "m.index", "m.data-00000-of-00001"),
            (
                "give the graph that is meant: {0}/m.meta; it holds a checkpoint, for pbckpt "
                "inspect and pbckpt edit: {0}/m"
            ),
        ),
        (
            ("a.index", "b.index", "c.index", "d.index"),
            (
                "it holds checkpoints, for pbckpt inspect and pbckpt edit: {0}/a, {0}/b, {0}/c "
                "and 1 more"
            ),
        ),
    ],
)
def test_what_is_in_a_directory_is_told(tmp_path: Path, names: tuple[str, ...], fact: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(pbckpt.PathError) as caught:
        pbckpt.open_graph(tmp_path)
    prefix = f"{tmp_path}: a directory, but not that of a SavedModel; "
    assert str(caught.value) == prefix + fact.format(tmp_path)


@pytest.mark.parametrize("text", corpus_graph("d1v-pbtxt", "frozen.pbtxt"))
def test_a_real_graph_in_text_is_the_same(text: Path, tmp_path: Path) -> None:
    binary = text.parent.parent / "d1v-base" / "frozen.pb"
    pbckpt.convert(text, tmp_path / "text")
    pbckpt.convert(binary, tmp_path / "binary")
    for name in ("index", "data-00000-of-00001"):
        written = (tmp_path / f"text.{name}").read_bytes()
        assert written == (tmp_path / f"binary.{name}").read_bytes()


@pytest.mark.parametrize("path", graphs_of_variables())
def test_real_graphs_of_variables(path: Path, tmp_path: Path) -> None:
    with pbckpt.open_graph(path) as graph:
        assert graph.kind in (GraphKind.META_GRAPH, GraphKind.SAVED_MODEL)
        assert len(graph.still_variables()) > 0
        is_meta = graph.kind is GraphKind.META_GRAPH
        message = MetaGraphDef() if is_meta else SavedModel()
        message.MergeFromString(path.read_bytes())
        text_kind = GraphKind.TEXT_META_GRAPH if is_meta else GraphKind.TEXT_SAVED_MODEL
        write(tmp_path / "text", message, text_kind)
        with pbckpt.open_graph(tmp_path / "text") as text:
            assert text.kind is text_kind
            assert [n.name for n in text.nodes] == [n.name for n in graph.nodes]
            assert [f.returns for f in text.functions] == [f.returns for f in graph.functions]
            assert text.still_variables() == graph.still_variables()
            assert text.meta_graph is not None
            assert graph.meta_graph is not None
            assert text.meta_graph.rest == graph.meta_graph.rest
