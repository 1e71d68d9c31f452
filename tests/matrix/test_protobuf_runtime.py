"""Does this protobuf, whichever is installed, do what we need of it?

Meant to be run under every supported protobuf, with nothing else installed but
pytest. What it parses and expects are literal bytes. The last tests run in
processes of their own: this file once more under protobuf's implementation in
Python, and our classes beside those of tensorboard and TensorFlow.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError

from pbckpt.protos import BundleEntryProto, CheckpointState, GraphDef, NodeDef, TensorProto
from pbckpt.protos.pool import CLASSES

ROOT = Path(__file__).resolve().parents[2]
CHOICE = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"

GRAPH = (
    b"\x0a\x36"  # node
    b"\x0a\x01w"  # name
    b"\x12\x05Const"  # op
    b"\x2a\x0b\x0a\x05dtype\x12\x02\x30\x01"  # attr["dtype"].type
    b"\x2a\x1d\x0a\x05value\x12\x14\x42\x12"  # attr["value"].tensor
    b"\x08\x01\x12\x04\x12\x02\x08\x02"  # dtype, tensor_shape
    b"\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40"  # tensor_content
    b"\x22\x02\x08\x1b"  # versions
)
ENTRY = (
    b"\x08\x01"  # dtype
    b"\x12\x04\x12\x02\x08\x02"  # shape
    b"\x18\x01\x20\x10\x28\x08"  # shard_id, offset, size
    b"\x35\x78\x56\x34\x12"  # crc32c
)
STATE = 'model_checkpoint_path: "model-2"\nall_model_checkpoint_paths: "model-1"\n'


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_message_can_be_made(name: str) -> None:
    message = CLASSES[name]
    package = "google.protobuf" if name in ("Any", "BoolValue") else "tensorflow"
    assert message.DESCRIPTOR.full_name == f"{package}.{name}"
    assert message().SerializeToString() == b""
    assert message.FromString(b"") == message()
    assert message().ByteSize() == 0


def test_a_graph_with_one_constant() -> None:
    graph = GraphDef.FromString(GRAPH)
    (node,) = graph.node
    assert (node.name, node.op, graph.versions.producer) == ("w", "Const", 27)
    assert node.attr["dtype"].WhichOneof("value") == "type"
    tensor = node.attr["value"].tensor
    assert tensor.dtype == 1
    assert [dim.size for dim in tensor.tensor_shape.dim] == [2]
    assert tensor.tensor_content == b"\x00\x00\x80\x3f\x00\x00\x00\x40"
    assert graph.SerializeToString(deterministic=True) == GRAPH
    assert graph.ByteSize() == len(GRAPH)


def test_a_graph_built_field_by_field() -> None:
    graph = GraphDef()
    graph.versions.producer = 27
    node = graph.node.add(name="w", op="Const")
    node.attr["dtype"].type = 1
    tensor = node.attr["value"].tensor
    tensor.CopyFrom(TensorProto(dtype=1, tensor_content=b"\x00\x00\x80\x3f\x00\x00\x00\x40"))
    tensor.tensor_shape.dim.add(size=2)
    assert graph.SerializeToString(deterministic=True) == GRAPH


def test_a_bundle_entry() -> None:
    entry = BundleEntryProto.FromString(ENTRY)
    assert [dim.size for dim in entry.shape.dim] == [2]
    assert (entry.shard_id, entry.offset, entry.size) == (1, 16, 8)
    assert entry.crc32c == 0x12345678
    assert entry.HasField("shape")
    assert entry.SerializeToString(deterministic=True) == ENTRY


def test_typed_values_packed_or_not() -> None:
    packed, loose = b"\x3a\x02\x01\x02", b"\x38\x01\x38\x02"
    assert TensorProto.FromString(loose + packed).int_val == [1, 2, 1, 2]
    assert TensorProto.FromString(loose).SerializeToString() == packed


def test_a_state_file_as_text() -> None:
    state = text_format.Parse(STATE, CheckpointState())
    assert state.model_checkpoint_path == "model-2"
    assert list(state.all_model_checkpoint_paths) == ["model-1"]
    assert text_format.MessageToString(state) == STATE


def test_unknown_fields_survive() -> None:
    node = b"\x0a\x01w\xc2\x3e\x05later"
    assert NodeDef.FromString(node).SerializeToString() == node


@pytest.mark.parametrize("damaged", [GRAPH[:-1], b"\x0a\x03\x0a\x01\xff", b"\x07"])
def test_damage_is_an_error(damaged: bytes) -> None:
    with pytest.raises((DecodeError, UnicodeDecodeError)):
        GraphDef.FromString(damaged)


@pytest.mark.skipif(os.environ.get(CHOICE) == "python", reason="this is that run")
def test_all_of_this_under_the_implementation_in_python() -> None:
    check = f"from {api_implementation.__name__} import Type; assert Type() == 'python'"
    for arguments in (["-c", check], ["-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]):
        done = _run(arguments, {CHOICE: "python"})
        assert done.returncode == 0, done.stdout + done.stderr


THEIRS = "from {package}.graph_pb2 import GraphDef as Theirs"
OURS = "from pbckpt.protos import GraphDef as Ours"
TOGETHER = f"""
for message in (Ours, Theirs):
    graph = message.FromString({GRAPH!r})
    assert graph.node[0].attr["value"].tensor.tensor_shape.dim[0].size == 2
    assert graph.SerializeToString(deterministic=True) == {GRAPH!r}
assert Ours.DESCRIPTOR.file.pool is not Theirs.DESCRIPTOR.file.pool
assert Ours.DESCRIPTOR.file.name == "pbckpt/graph.proto"
"""


@pytest.mark.parametrize("package", ["tensorboard.compat.proto", "tensorflow.core.framework"])
def test_our_classes_live_beside_theirs_whichever_come_first(package: str) -> None:
    library = package.partition(".")[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    theirs = THEIRS.format(package=package)
    alone = _run(["-c", theirs], {})
    if alone.returncode != 0:
        pytest.skip(f"{library} by itself does not import here: {alone.stderr.splitlines()[-1]}")
    for imports in ((theirs, OURS), (OURS, theirs)):
        done = _run(["-c", "\n".join([*imports, TOGETHER])], {})
        assert done.returncode == 0, f"{imports[0]} first\n{done.stderr}"


def _run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start this interpreter anew, with the repository on its path."""
    inherited = os.environ.get("PYTHONPATH", "")
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{inherited}"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
