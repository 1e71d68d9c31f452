from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

import pbckpt
from pbckpt.graph.kind import FileKind, GraphKind, known_kind
from pbckpt.protos import GraphDef, NodeDef

if TYPE_CHECKING:
    from pathlib import Path

# One node without inputs, as a GraphDef and in text.
GRAPH = b"\x0a\x09\x0a\x01w\x12\x04NoOp"
TEXT_GRAPH = b'node {\n  name: "w"\n  op: "NoOp"\n}\n'
# A MetaGraphDef: meta_info_def with a tag, the graph, a saver_def.
META_GRAPH = b"\x0a\x07\x22\x05serve" + b"\x12\x0b" + GRAPH + b"\x1a\x02\x0a\x00"
# 40 bytes of block handles and padding, then the magic number of a table.
TABLE = bytes(40) + bytes.fromhex("57fb808b247547db")
LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)


def zipped(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, b"text")
    return target.getvalue()


class WrongFile(NamedTuple):
    """A file that is no GraphDef, and what must be said about it."""

    content: bytes
    kind: str
    says: str
    advice: str
    name: str = "model.pb"


WRONG_FILES = {
    "empty": WrongFile(b"", "empty", "is an empty file", "copy or export"),
    "checkpoint state": WrongFile(
        b'model_checkpoint_path: "model.ckpt-1"\nall_model_checkpoint_paths: "model.ckpt-1"\n',
        "checkpoint_state",
        "is a checkpoint state file",
        "a frozen graph is wanted",
        "checkpoint",
    ),
    "checkpoint state without a latest": WrongFile(
        b'all_model_checkpoint_paths: "model.ckpt-1"\n',
        "checkpoint_state",
        "is a checkpoint state file",
        "a frozen graph is wanted",
    ),
    "index": WrongFile(
        TABLE,
        "index",
        "is the index file of a checkpoint",
        "pbckpt inspect or verify",
        "model.ckpt.index",
    ),
    "V1 checkpoint": WrongFile(
        TABLE,
        "v1_checkpoint",
        "is a V1 checkpoint, one file without .index",
        "change it with pbckpt edit",
        "model.ckpt",
    ),
    "V1 shard": WrongFile(
        b"\x00data" + TABLE,
        "v1_checkpoint",
        "is a V1 checkpoint",
        "change it with pbckpt edit",
        "model.ckpt-00000-of-00002",
    ),
    "data file": WrongFile(
        bytes.fromhex("0000803f00000040"),
        "shard",
        "is a data file of a checkpoint",
        "pbckpt inspect or verify",
        "model.ckpt.data-00000-of-00001",
    ),
    "data file of many": WrongFile(
        GRAPH,
        "shard",
        "is a data file of a checkpoint",
        "pbckpt inspect or verify",
        "model.ckpt.data-123456-of-200000",
    ),
    "TensorFlow Lite": WrongFile(
        b"\x1c\x00\x00\x00TFL3" + bytes(40),
        "tflite",
        "is a TensorFlow Lite model",
        "the model that it was made from",
        "model.tflite",
    ),
    "ONNX": WrongFile(
        b"\x08\x07\x12\x07pytorch\x1a\x032.1\x3a\x07\x12\x05graph",
        "onnx",
        "is an ONNX model",
        "convert the TensorFlow model",
        "model.onnx",
    ),
    "HDF5": WrongFile(
        b"\x89HDF\r\n\x1a\n" + bytes(40), "hdf5", "is an HDF5 file", "frozen graph first", "m.h5"
    ),
    "zip": WrongFile(
        zipped("config.json"), "zip", "is a zip archive", "unpack it first", "model.keras"
    ),
    "empty zip": WrongFile(
        b"PK\x05\x06" + bytes(18), "zip", "is a zip archive", "unpack it first", "model.zip"
    ),
    "gzip": WrongFile(gzip.compress(GRAPH), "gzip", "is a gzip file", "decompress it", "m.pb.gz"),
    "Git LFS pointer": WrongFile(
        LFS_POINTER, "lfs_pointer", "is a Git LFS pointer, not the file itself", "git lfs pull"
    ),
    "HTML": WrongFile(
        b"<!DOCTYPE html>\n<html><body>Not Found</body></html>",
        "html",
        "is an HTML page, not the file itself",
        "download the raw file",
    ),
    "HTML after blanks": WrongFile(
        b"\n\n  <html lang='en'>", "html", "is an HTML page", "download the raw file"
    ),
    "XHTML": WrongFile(b"<?xml version='1.0'?>", "html", "is an HTML page", "raw file"),
    "numpy": WrongFile(
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'", "numpy", "is a numpy array file", "is wanted"
    ),
    "JSON": WrongFile(b'{"class_name": "Functional"}', "text", "is a text file", "is wanted"),
    "Python": WrongFile(
        b"import tensorflow as tf\n\ndef model():\n\tpass\n", "text", "is a text file", "is wanted"
    ),
    "text that is not ASCII": WrongFile(
        "Größe: 3\r\n".encode(), "text", "is a text file", "is wanted"
    ),
}
for protocol in (2, 3, 4, 5):
    WRONG_FILES[f"pickle {protocol}"] = WrongFile(
        pickle.dumps({"w": [1.0]}, protocol), "pickle", "is a pickle", "never unpickles", "m.pkl"
    )

KINDS = {
    "graph": (GRAPH, GraphKind.GRAPH),
    "saved model": (b"\x08\x01\x12\x19" + META_GRAPH, GraphKind.SAVED_MODEL),
    "saved model of a graph alone": (b"\x08\x01\x12\x0d\x12\x0b" + GRAPH, GraphKind.SAVED_MODEL),
    "saved model of two graphs": (
        b"\x08\x01" + 2 * (b"\x12\x19" + META_GRAPH),
        GraphKind.SAVED_MODEL,
    ),
    "saved model of no graphs": (b"\x08\x01", GraphKind.SAVED_MODEL),
    "meta graph": (META_GRAPH, GraphKind.META_GRAPH),
    "meta graph without meta info": (b"\x12\x0b" + GRAPH, GraphKind.META_GRAPH),
    "text": (TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text with a colon": (b"node: { name: 'w' }", GraphKind.TEXT_GRAPH),
    "text in pointed brackets": (b"node < name: 'w' >", GraphKind.TEXT_GRAPH),
    "text, versions first": (b"versions { producer: 27 }\n" + TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text, library first": (b"library {\n}\n" + TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text, debug info first": (b"debug_info {\n}\n" + TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text after comments": (b"# one\n#\n\n# two\n" + TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text after an empty line": (b"\n" + TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text with a byte order mark": (b"\xef\xbb\xbf" + TEXT_GRAPH, GraphKind.TEXT_GRAPH),
    "text with Windows line ends": (TEXT_GRAPH.replace(b"\n", b"\r\n"), GraphKind.TEXT_GRAPH),
    "text of a meta graph": (b"graph_def {\n}\n", GraphKind.TEXT_META_GRAPH),
    "text of a meta graph with tags": (
        b"meta_info_def { tags: 'serve' }\ngraph_def {\n}\n",
        GraphKind.TEXT_META_GRAPH,
    ),
    "text of a saved model": (b"saved_model_schema_version: 1\n", GraphKind.TEXT_SAVED_MODEL),
    "text of a saved model's graph": (b"meta_graphs {\n}\n", GraphKind.TEXT_SAVED_MODEL),
}


@pytest.mark.parametrize(("content", "kind"), KINDS.values(), ids=KINDS)
def test_the_kind_of_a_graph_is_told_by_the_content(content: bytes, kind: GraphKind) -> None:
    assert known_kind(memoryview(content), "graph") is kind


parametrize_wrong_files = pytest.mark.parametrize("wrong", WRONG_FILES.values(), ids=WRONG_FILES)


@parametrize_wrong_files
def test_opening_a_wrong_file_says_what_it_is_and_what_to_do(
    wrong: WrongFile, tmp_path: Path
) -> None:
    path = tmp_path / wrong.name
    path.write_bytes(wrong.content)
    with pytest.raises(pbckpt.UnsupportedGraphError) as caught:
        pbckpt.open_graph(path)
    assert caught.value.kind == wrong.kind
    assert str(caught.value).startswith(f"{path} {wrong.says}")
    assert wrong.advice in str(caught.value).partition("; ")[2]


@parametrize_wrong_files
def test_converting_a_wrong_file_writes_nothing(wrong: WrongFile, tmp_path: Path) -> None:
    path = tmp_path / wrong.name
    path.write_bytes(wrong.content)
    with pytest.raises(pbckpt.UnsupportedGraphError) as caught:
        pbckpt.convert(path, tmp_path / "out" / "model.ckpt")
    assert caught.value.kind == wrong.kind
    assert [entry.name for entry in tmp_path.iterdir()] == [wrong.name]


def test_every_kind_is_among_the_wrong_files() -> None:
    assert {wrong.kind for wrong in WRONG_FILES.values()} == {
        kind.name.lower() for kind in FileKind
    }


def test_a_real_index_file_is_an_index(tmp_path: Path) -> None:
    pbckpt.save_checkpoint({"w": [1.0, 2.0]}, tmp_path / "model.ckpt")
    with pytest.raises(pbckpt.UnsupportedGraphError) as caught:
        pbckpt.open_graph(tmp_path / "model.ckpt.index")
    assert caught.value.kind == "index"


def test_a_plain_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.PathError, match="a directory, but not that of a SavedModel; "):
        pbckpt.open_graph(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pb")
    with pytest.raises(pbckpt.PathError, match="not a regular file"):
        pbckpt.open_graph(tmp_path / "pipe.pb")


def test_a_missing_file_is_the_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        pbckpt.open_graph(tmp_path / "none.pb")
    assert caught.value.filename == str(tmp_path / "none.pb")


def node(name: str) -> NodeDef:
    return NodeDef(name=name, op="NoOp")


def with_library() -> GraphDef:
    graph = GraphDef()
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="x", type=1)
    function.node_def.add(name="y", op="Identity", input=["x"])
    function.ret["z"] = "y:output:0"
    return graph


def opened_names(content: bytes, tmp_path: Path) -> list[str]:
    (tmp_path / "graph.pb").write_bytes(content)
    with pbckpt.open_graph(tmp_path / "graph.pb") as graph:
        return [node.name for node in graph.nodes]


@pytest.mark.parametrize("op", ["A", "NoOp"])
def test_a_first_node_with_a_name_of_any_length_is_no_other_file(op: str) -> None:
    # The lengths of node and name take every value of their bytes, blanks and letters among them.
    for length in range(1, 600):
        graph = GraphDef(node=[NodeDef(name="n" * length, op=op)]).SerializeToString()
        assert known_kind(memoryview(graph), "graph.pb") is GraphKind.GRAPH, length


@pytest.mark.parametrize(
    "name",
    [
        "node",
        "version",
        "library",
        "model_checkpoint_path",
        "all_model_checkpoint_paths",
        "version https",
        "TF",
        "HDF",
        "NUMPY",
        "PK",
        "html",
        "serve",
        "pytorch",
    ],
)
def test_a_first_node_with_the_name_of_another_kind_is_still_a_node(
    name: str, tmp_path: Path
) -> None:
    assert opened_names(GraphDef(node=[node(name)]).SerializeToString(), tmp_path) == [name]


@pytest.mark.parametrize("name", ["TFL3", "TFL3_input"])
def test_a_first_node_named_like_the_magic_of_tflite_is_still_a_node(
    name: str, tmp_path: Path
) -> None:
    assert opened_names(GraphDef(node=[node(name)]).SerializeToString(), tmp_path) == [name]


def test_a_graph_of_a_library_alone_is_a_graph_without_nodes(tmp_path: Path) -> None:
    assert opened_names(with_library().SerializeToString(), tmp_path) == []


def test_a_library_may_come_before_the_nodes(tmp_path: Path) -> None:
    content = with_library().SerializeToString() + GRAPH
    assert content[0] == 0x12
    assert opened_names(content, tmp_path) == ["w"]


def test_a_library_of_gradients_alone_may_come_first(tmp_path: Path) -> None:
    graph = GraphDef()
    graph.library.gradient.add(function_name="Const", gradient_func="Const")
    assert opened_names(graph.SerializeToString() + GRAPH, tmp_path) == ["w"]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\x22\x02\x08\x1b", id="versions"),
        pytest.param(b"\x22\x00", id="versions without a field"),
        pytest.param(b"\x22\x24\x08\x1b\x1a\x20" + bytes(range(1, 33)), id="many bad consumers"),
        pytest.param(b"\x18\x1b", id="the old version field"),
        pytest.param(b"\x2a\x0a\x0a\x08model.py", id="debug info"),
        pytest.param(b"\x12\x00", id="a library without a field"),
        pytest.param(b"\xca\x3e\x04node", id="an unknown field"),
    ],
)
def test_other_fields_may_come_before_the_nodes(head: bytes, tmp_path: Path) -> None:
    assert opened_names(head + GRAPH, tmp_path) == ["w"]


def test_a_graph_of_versions_alone_is_a_graph_without_nodes(tmp_path: Path) -> None:
    assert opened_names(b"\x22\x02\x08\x1b", tmp_path) == []


def test_the_suffix_of_a_graph_does_not_matter(tmp_path: Path) -> None:
    for name in ("graph", "graph.index", "graph.meta", "graph.pbtxt", "graph.data-0-of-1"):
        (tmp_path / name).write_bytes(GRAPH)
        with pbckpt.open_graph(tmp_path / name) as graph:
            assert len(graph.nodes) == 1


def test_the_advice_of_every_kind_is_a_sentence_to_follow() -> None:
    assert all(form.description.startswith("a ") for form in GraphKind)
    for kind in FileKind:
        assert kind.description
        assert kind.advice
        assert not kind.advice.endswith(".")
