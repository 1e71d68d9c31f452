from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError

import pbckpt.protos
from pbckpt.protos import (
    AttrValue,
    BundleHeaderProto,
    GraphDebugInfo,
    GraphDef,
    NodeDef,
    TensorProto,
    TensorSliceProto,
)
from tools import compile_protos

if TYPE_CHECKING:
    from google.protobuf.message import Message

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "pbckpt" / "protos"


def run(code: str, path: Path = ROOT) -> None:
    """Run code in a fresh interpreter, as only there nothing is imported yet."""
    code = f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_of_protobuf() -> None:
    run(
        "import pbckpt\n"
        "before = set(sys.modules)\n"
        "import pbckpt.protos\n"
        "assert set(sys.modules) - before == {'pbckpt.protos'}, set(sys.modules) - before\n"
    )


def test_probing_for_other_names_imports_nothing_of_protobuf() -> None:
    run(
        "import pbckpt.protos\n"
        "before = set(sys.modules)\n"
        "assert not hasattr(pbckpt.protos, '__wrapped__')\n"
        "assert not hasattr(pbckpt.protos, 'graph_pb2')\n"
        "assert not hasattr(pbckpt.protos, '')\n"
        "assert set(sys.modules) == before\n"
    )


def test_the_pool_of_the_process_knows_nothing_of_ours() -> None:
    run(
        "from google.protobuf import descriptor_pool\n"
        "from pbckpt.protos import GraphDef\n"
        "default = descriptor_pool.Default()\n"
        "assert GraphDef.DESCRIPTOR.full_name == 'tensorflow.GraphDef'\n"
        "for find, name in ((default.FindMessageTypeByName, 'tensorflow.GraphDef'),\n"
        "                   (default.FindFileByName, 'pbckpt/graph.proto')):\n"
        "    try: find(name)\n"
        "    except KeyError: continue\n"
        "    raise SystemExit(name)\n"
    )


def test_threads_that_ask_together_get_one_class() -> None:
    run(
        "import threading\n"
        "import pbckpt.protos\n"
        "start, got = threading.Barrier(8), []\n"
        "def ask():\n"
        "    start.wait()\n"
        "    got.append(pbckpt.protos.GraphDef)\n"
        "threads = [threading.Thread(target=ask) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "assert len(got) == 8 and len(set(got)) == 1, got\n"
    )


def test_loads_from_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "pbckpt.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("pbckpt/__init__.py", "")
        for name in ("__init__.py", "pool.py", "descriptors.binpb"):
            zipped.write(PACKAGE / name, f"pbckpt/protos/{name}")
    run(
        "import pbckpt.protos\n"
        f"assert pbckpt.protos.__file__.startswith({str(archive)!r})\n"
        "assert pbckpt.protos.GraphDef().SerializeToString() == b''\n",
        path=archive,
    )


def test_a_class_is_made_once_and_knows_its_module() -> None:
    assert pbckpt.protos.GraphDef is GraphDef
    assert type(GraphDef().node.add()) is NodeDef
    assert repr(GraphDef) == "<class 'pbckpt.protos.GraphDef'>"


def test_what_is_no_message_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no message 'NoSuchMessage'"):
        pbckpt.protos.NoSuchMessage  # type: ignore[attr-defined]  # noqa: B018


def test_nested_classes_and_constants_are_attributes() -> None:
    assert type(AttrValue().list) is AttrValue.ListValue
    assert type(TensorSliceProto().extent.add()) is TensorSliceProto.Extent
    assert (BundleHeaderProto.LITTLE, BundleHeaderProto.BIG) == (0, 1)


@pytest.mark.parametrize(
    ("message", "known"),
    [
        (GraphDef, b"\x0a\x03\x0a\x01w"),
        (NodeDef, b"\x0a\x01w"),
        (TensorProto, b"\x08\x01"),
        (GraphDebugInfo, b"\x0a\x01f"),
    ],
)
def test_unknown_fields_survive_a_round_trip(message: type[Message], known: bytes) -> None:
    unknown = b"\xc2\x3e\x05later"  # Field 1000.
    assert message.FromString(known + unknown).SerializeToString() == known + unknown


def test_unknown_fields_survive_within_a_message() -> None:
    graph = b"\x0a\x0b\x0a\x01w\xc2\x3e\x05later"
    assert GraphDef.FromString(graph).SerializeToString() == graph


def test_an_enum_number_of_the_future_survives() -> None:
    tensor = TensorProto.FromString(b"\x08\xe7\x07")
    assert tensor.dtype == 999
    assert tensor.SerializeToString() == b"\x08\xe7\x07"


def test_an_extent_without_length_differs_from_one_of_length_zero() -> None:
    whole, nothing = (TensorSliceProto.Extent.FromString(wire) for wire in (b"", b"\x10\x00"))
    assert whole.WhichOneof("has_length_hack") is None
    assert nothing.WhichOneof("has_length_hack") == "length"
    assert nothing.SerializeToString() == b"\x10\x00"


def test_names_must_be_utf8() -> None:
    with pytest.raises((DecodeError, UnicodeDecodeError)):
        NodeDef.FromString(b"\x0a\x01\xff")


@pytest.mark.skipif(
    api_implementation.Type() == "python", reason="protobuf in pure Python checks every string"
)
def test_debug_information_need_not_be_utf8() -> None:
    assert GraphDebugInfo.FromString(b"\x0a\x01\xff").SerializeToString() == b"\x0a\x01\xff"


def test_debug_information_keeps_a_written_zero() -> None:
    place = GraphDebugInfo.FileLineCol.FromString(b"\x10\x00")
    assert place.HasField("line")
    assert not place.HasField("col")
    assert place.SerializeToString() == b"\x10\x00"


@pytest.mark.skipif(
    not hasattr(FieldDescriptor, "is_repeated"),
    reason="the stub's generator asks for what only newer protobuf tells of a field",
)
def test_the_committed_stub_is_that_of_the_committed_set() -> None:
    committed = FileDescriptorSet.FromString((PACKAGE / "descriptors.binpb").read_bytes())
    assert compile_protos.stub(committed) == (PACKAGE / "__init__.pyi").read_text("utf-8")


def test_the_committed_outputs_are_those_of_the_sources(capfd: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("grpc_tools") is None:
        pytest.skip("grpcio-tools, which has protoc, is not installed")
    assert compile_protos.main(["--check"]) == 0
    assert capfd.readouterr().out == ""


def test_a_stale_output_is_named_then_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh, stale = tmp_path / "fresh", tmp_path / "stale"
    fresh.write_bytes(b"1")
    stale.write_bytes(b"old")
    monkeypatch.setattr(compile_protos, "ROOT", tmp_path)
    monkeypatch.setattr(compile_protos, "outputs", lambda: {fresh: b"1", stale: b"new"})
    assert compile_protos.main(["--check"]) == 1
    assert stale.read_bytes() == b"old"
    assert compile_protos.main([]) == 0
    assert stale.read_bytes() == b"new"
    assert compile_protos.main(["--check"]) == 0
    assert capsys.readouterr().out == "stale: stale\nwritten: stale\n"
