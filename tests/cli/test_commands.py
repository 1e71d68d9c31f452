"""The commands as users call them: what is shown where, and what is on disk afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from google.protobuf import text_format

import pbckpt
from pbckpt.cli.main import main
from pbckpt.protos import GraphDef, MetaGraphDef, SavedModel
from tests.cli.graphs import (
    CRC_OF_00_TO_1F,
    CRC_OF_32_ZEROS,
    FLOAT,
    INT32,
    GraphMaker,
    environment,
    run_command,
    write_dense,
    write_zeros,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

needs_signals = pytest.mark.skipif(os.name != "posix", reason="there are no such signals here")

# A disk on which half a megabyte takes a twentieth of a second.
SLOW_DISK = """
import signal, sys, time
from pbckpt.storage.directory import TemporaryFile
fast = TemporaryFile.write_at
def slow(self, offset, data):
    time.sleep(0.1)
    fast(self, offset, data)
TemporaryFile.write_at = slow
signal.signal(signal.SIGINT, signal.default_int_handler)
from pbckpt.cli.main import main
sys.exit(main())
"""

CONVERTED = """\
out/m: 3 variables (2 trainable), 72 bytes
  wrote out/m.data-00000-of-00001
  wrote out/m.meta
  wrote out/m.index
  wrote out/checkpoint
  2 constants were not taken
"""
READ = "Identity '{}/read' reads it, as freezing leaves a reference variable"
GRAPH_TABLES = """\
frozen graph dense.pb: 9 nodes, 5 constants, 3 of them variables

key           dtype    shape   bytes  trainable  role  rule           reason
dense/kernel  float32  [2, 4]     32  yes        -     read_identity  {}
dense/bias    float32  [8]        32  yes        -     read_identity  {}
global_step   int64    []          8  no         -     read_identity  {}

not variables:
node    dtype  shape  reason
axis    int32  []     Sum 'total' takes it as the reduction_indices
unused  int32  [2]    no operation takes it
""".format(*(READ.format(key) for key in ("dense/kernel", "dense/bias", "global_step")))
CHECKPOINT_TABLE = """\
checkpoint out/m: 3 tensors, 72 bytes, 1 shard

key           dtype    shape   bytes  crc32c
dense/bias    float32  [8]        32  8a9136aa
dense/kernel  float32  [2, 4]     32  46dd794e
global_step   int64    []          8  7671b78e
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in an empty directory, and give the tests' process its handlers back."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def graph() -> Path:
    return write_dense(Path("dense.pb"))


@pytest.fixture
def checkpoint(graph: Path) -> str:
    pbckpt.convert(graph, "out/m", durability=pbckpt.Durability.NONE)
    return "out/m"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command that has nothing to tell; return its result."""
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that fails; return its one line."""
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pbckpt: ")
    assert err.count("\n") == 1
    return err.removeprefix("pbckpt: ").removesuffix("\n")


def result(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """Run a command with --json; return its object."""
    text = shown(capsys, *arguments, "--json", status=status)
    found: dict[str, Any] = json.loads(text)
    assert found["schema"] == 1
    return found


def files(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def flip(path: str, offset: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= 1
    Path(path).write_bytes(data)


# convert


@pytest.mark.usefixtures("graph")
def test_convert(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "convert", "dense.pb", "out/m") == CONVERTED
    assert files("out") == ["checkpoint", "m.data-00000-of-00001", "m.index", "m.meta"]
    data = Path("out/m.data-00000-of-00001").read_bytes()
    assert data == bytes(32) + bytes(range(32)) + b"\7" + bytes(7)


def traced(key: str, dtype: str, shape: list[int], size: int) -> dict[str, Any]:
    """Return what is told of a variable that freezing has left an Identity of."""
    reason = READ.format(key)
    return {
        "key": key,
        "node": key,
        "dtype": dtype,
        "shape": shape,
        "bytes": size,
        "trainable": dtype == "float32",
        "role": None,
        "rule": "read_identity",
        "reason": reason,
        "value": None,
        "ranges": None,
        "folded": None,
        "parts": None,
        "evidence": [
            {"rule": "read_identity", "strength": "proof", "speaks_for": True, "reason": reason}
        ],
    }


def against(rule: str, strength: str, reason: str) -> dict[str, Any]:
    return {"rule": rule, "strength": strength, "speaks_for": False, "reason": reason}


UNMARKED = "freezing left the read of a variable on 3 others, and not on this one"
INTEGERS = "it holds int32, and weights are seldom that"
TAKEN_BY_SUM = "Sum 'total' takes it as the reduction_indices"


@pytest.mark.usefixtures("graph")
def test_convert_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert result(capsys, "convert", "dense.pb", "out/m") == {
        "schema": 1,
        "prefix": "out/m",
        "files": [
            "out/m.data-00000-of-00001",
            "out/m.meta",
            "out/m.index",
            "out/checkpoint",
        ],
        "bytes": 72,
        "variables": [
            traced("dense/bias", "float32", [8], 32),
            traced("dense/kernel", "float32", [2, 4], 32),
            traced("global_step", "int64", [], 8),
        ],
        "added": [],
        "skipped": [
            {
                "node": "axis",
                "dtype": "int32",
                "shape": [],
                "ambiguous": False,
                "role": None,
                "reason": TAKEN_BY_SUM,
                "folded": None,
                "evidence": [
                    against("unmarked", "proof", UNMARKED),
                    against("parameter", "strong", TAKEN_BY_SUM),
                    against("not_a_number", "fair", INTEGERS),
                ],
            },
            {
                "node": "unused",
                "dtype": "int32",
                "shape": [2],
                "ambiguous": False,
                "role": None,
                "reason": "no operation takes it",
                "folded": None,
                "evidence": [
                    against("unmarked", "proof", UNMARKED),
                    against("unused", "fair", "no operation takes it"),
                    against("not_a_number", "fair", INTEGERS),
                ],
            },
        ],
        "warnings": [],
    }


@pytest.mark.parametrize("target", ["out/m", "out/m.index", "out/m.data-00000-of-00001"])
@pytest.mark.usefixtures("graph")
def test_convert_takes_the_name_of_a_file_for_its_prefix(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert result(capsys, "convert", "dense.pb", target)["prefix"] == "out/m"


@pytest.mark.usefixtures("graph")
def test_convert_refuses_what_exists_and_replaces_it_on_demand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown(capsys, "convert", "dense.pb", "out/m")
    assert complaint(capsys, "convert", "dense.pb", "out/m") == (
        "checkpoint out/m exists already; choose another prefix, or allow it with "
        "--on-existing replace (on_existing=OnExisting.REPLACE)"
    )
    shown(capsys, "convert", "dense.pb", "out/m", "--on-existing", "replace")
    assert files("out") == [
        "checkpoint",
        "m.data-00000-of-00002",
        "m.data-00001-of-00002",
        "m.index",
        "m.meta",
    ]


@pytest.mark.usefixtures("graph")
def test_convert_takes_what_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--include", "dense/*", "--exclude", "re:.*bias", "--take", "axis")
    report = result(capsys, "convert", "dense.pb", "out/m", *chosen)
    assert [variable["key"] for variable in report["variables"]] == ["axis", "dense/kernel"]
    assert {constant["node"]: constant["reason"] for constant in report["skipped"]} == {
        "unused": "no operation takes it",
        "global_step": "matches no --include pattern",
        "dense/bias": "matches --exclude 're:.*bias'",
    }


@pytest.mark.usefixtures("graph")
def test_convert_takes_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    report = result(capsys, "convert", "dense.pb", "out/m", "--select", "all")
    keys = [variable["key"] for variable in report["variables"]]
    assert keys == ["axis", "dense/bias", "dense/kernel", "global_step", "unused"]
    assert report["skipped"] == []


@pytest.mark.usefixtures("graph")
def test_convert_offers_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    text = complaint(capsys, "convert", "dense.pb", "out/m", "--include", "dense/kernal")
    assert text.startswith("--include matches nothing: 'dense/kernal' (nearest: dense/kernel")
    assert not Path("out").exists()


def test_convert_says_what_a_file_is_instead(
    checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint(capsys, "convert", f"{checkpoint}.index", "new/m") == (
        "out/m.index is the index file of a checkpoint; it is a checkpoint already; "
        "use pbckpt inspect or verify on it"
    )
    Path("page.pb").write_text("<!DOCTYPE html><p>404</p>")
    assert "page.pb is an HTML page" in complaint(capsys, "convert", "page.pb", "new/m")
    assert not Path("new").exists()


def test_convert_names_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "convert", "absent.pb", "m") == (f"absent.pb: {os.strerror(2)}")


@pytest.mark.usefixtures("graph")
def test_convert_warns_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/m.meta").touch()
    warning = "out/m.meta was there before and describes another checkpoint's graph"
    assert main(["convert", "dense.pb", "out/m", "--no-meta"]) == 0
    without = CONVERTED.replace("  wrote out/m.meta\n", "")
    assert capsys.readouterr() == (without, f"warning: {warning}\n")


@pytest.mark.usefixtures("graph")
@pytest.mark.parametrize("options", [["--no-meta"], ["--format", "object"]])
def test_converting_anew_without_a_meta_takes_the_old_one_away(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shown(capsys, "convert", "dense.pb", "out/m")
    anew = ("convert", "dense.pb", "out/m", *options, "--on-existing", "replace", "--quiet")
    assert result(capsys, *anew)["warnings"] == [
        "out/m.meta described the checkpoint that was replaced, and was removed with it"
    ]
    assert not Path("out/m.meta").exists()
    assert result(capsys, *anew)["warnings"] == []


@pytest.mark.usefixtures("graph")
def test_a_checkpoint_that_fills_its_own_form_keeps_its_meta(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown(capsys, "convert", "dense.pb", "out/m")
    meta = Path("out/m.meta").read_bytes()
    anew = ("--like", "out/m", "--on-existing", "replace", "--quiet")
    assert main(["convert", "dense.pb", "out/m", *anew]) == 0
    assert Path("out/m.meta").read_bytes() == meta


@pytest.mark.usefixtures("graph")
def test_a_meta_that_is_there_is_replaced_on_demand_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("out").mkdir()
    Path("out/m.meta").write_bytes(b"theirs")
    assert complaint(capsys, "convert", "dense.pb", "out/m") == (
        "out/m.meta exists already; choose another prefix, allow it with --on-existing replace "
        "(on_existing=OnExisting.REPLACE), or write none with --no-meta"
    )
    assert files("out") == ["m.meta"]
    assert Path("out/m.meta").read_bytes() == b"theirs"
    assert shown(capsys, "convert", "dense.pb", "out/m", "--on-existing", "replace") == CONVERTED
    assert MetaGraphDef.FromString(Path("out/m.meta").read_bytes()).graph_def.node


@pytest.mark.usefixtures("graph")
@pytest.mark.parametrize(
    ("options", "ops"),
    [
        ([], {"VarHandleOp"}),
        (["--meta"], {"VarHandleOp"}),
        (["--variables", "resource"], {"VarHandleOp"}),
        (["--variables", "ref"], {"VariableV2"}),
    ],
)
def test_convert_puts_variables_of_the_chosen_kind_into_the_meta(
    options: list[str], ops: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(capsys, "convert", "dense.pb", "out/m", *options) == CONVERTED
    nodes = MetaGraphDef.FromString(Path("out/m.meta").read_bytes()).graph_def.node
    assert {node.op for node in nodes} & {"VarHandleOp", "VariableV2"} == ops
    assert [node.name for node in nodes if node.op in ops] == [
        "dense/kernel",
        "dense/bias",
        "global_step",
    ]


@pytest.mark.usefixtures("graph")
def test_an_object_based_checkpoint_has_no_meta(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "convert", "dense.pb", "out/m", "--format", "object", "--meta") == (
        "an object-based checkpoint has no .meta file; leave --meta out, or say --format both"
    )
    shown(capsys, "convert", "dense.pb", "out/m", "--format", "object")
    assert files("out") == ["checkpoint", "m.data-00000-of-00001", "m.index"]


def test_convert_limits_what_few_bytes_may_become(capsys: pytest.CaptureFixture[str]) -> None:
    write_zeros(Path("zeros.pb"), 1)
    limit = ("--max-expanded-bytes", "1048575")
    text = complaint(capsys, "convert", "zeros.pb", "out/m", *limit)
    assert text.startswith("the bytes of repeated values and zeros that the graph does not hold")
    assert "1048576 is over the limit max_expanded_bytes of 1048575" in text
    assert not Path("out").exists()
    shown(capsys, "convert", "zeros.pb", "out/m", "--max-expanded-bytes", "1048576")


def write_models(folder: Path) -> None:
    """Write a SavedModel of two graphs: the dense one for serving on a GPU, and an empty one."""
    model = SavedModel(saved_model_schema_version=1)
    graph = GraphDef.FromString(Path("dense.pb").read_bytes())
    for tags, definition in ((["serve", "gpu"], graph), (["train"], GraphDef())):
        definition.node.add(name="last", op="NoOp")
        one = model.meta_graphs.add(graph_def=definition)
        one.meta_info_def.tags.extend(tags)
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())


@pytest.mark.usefixtures("graph")
def test_tags_choose_a_graph_of_a_saved_model(capsys: pytest.CaptureFixture[str]) -> None:
    write_models(Path("model"))
    choices = "choose by --tags one of: serve,gpu; train"
    wrong = complaint(capsys, "convert", "model", "out/m")
    assert wrong == (
        f"model/saved_model.pb has 2 graphs, none of them tagged serve alone; {choices}"
    )
    wrong = complaint(capsys, "inspect", "model", "--tags", "serve")
    assert wrong == f"model/saved_model.pb has no graph tagged serve; {choices}"
    assert shown(capsys, "convert", "model", "out/m", "--tags", "gpu,serve") == CONVERTED
    against = ("--against", "model", "--tags", "serve,gpu")
    assert result(capsys, "verify", "out/m", *against)["ok"]
    assert result(capsys, "inspect", "model", "--tags", "train")["nodes"] == 1
    wrong = complaint(capsys, "verify", "out/m", "--against", "dense.pb", "--tags", "serve")
    assert wrong == "dense.pb is a GraphDef: tags choose among the graphs of a SavedModel"


@pytest.mark.usefixtures("graph")
def test_a_text_graph_is_as_good_as_a_binary_one(capsys: pytest.CaptureFixture[str]) -> None:
    graph = GraphDef.FromString(Path("dense.pb").read_bytes())
    Path("dense.pbtxt").write_text(text_format.MessageToString(graph))
    shown_of_binary = shown(capsys, "inspect", "dense.pb")
    assert shown(capsys, "inspect", "dense.pbtxt") == shown_of_binary.replace(".pb:", ".pbtxt:")
    assert shown(capsys, "convert", "dense.pbtxt", "out/m") == CONVERTED
    assert result(capsys, "verify", "out/m", "--against", "dense.pb")["ok"]


# inspect


@pytest.mark.usefixtures("graph")
def test_inspect_a_graph(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "inspect", "dense.pb") == GRAPH_TABLES


@pytest.mark.usefixtures("graph")
def test_inspect_a_graph_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    contents = result(capsys, "inspect", "dense.pb")
    converted = result(capsys, "convert", "dense.pb", "out/m")
    assert list(contents) == [
        "schema",
        "kind",
        "path",
        "nodes",
        "constants",
        "variables",
        "skipped",
        "functions",
        "remaining",
        "warnings",
        "state",
    ]
    assert contents["kind"] == "graph"
    assert contents["state"] == "frozen"
    assert contents["path"] == "dense.pb"
    assert (contents["nodes"], contents["constants"]) == (9, 5)
    assert contents["skipped"] == converted["skipped"]
    in_file_order = ["dense/kernel", "dense/bias", "global_step"]
    assert [variable["key"] for variable in contents["variables"]] == in_file_order
    assert sorted(contents["variables"], key=lambda v: v["key"]) == converted["variables"]


def still_variable(maker: GraphMaker, name: str) -> None:
    made = maker.graph.node.add(name=name, op="VarHandleOp")
    made.attr["dtype"].type = 1
    made.attr["shape"].shape.dim.add(size=2)


def test_inspect_a_graph_with_variables(capsys: pytest.CaptureFixture[str]) -> None:
    maker = GraphMaker()
    still_variable(maker, "v")
    still_variable(maker, "w")
    graph = str(maker.write(Path("some.pb")))
    assert shown(capsys, "inspect", graph) == (
        """\
graph some.pb: 2 nodes, 2 variables, 0 constants

variables, whose values are not in the graph:
node  name  dtype    shape
v     v     float32  [2]
w     w     float32  [2]
"""
    )
    assert result(capsys, "inspect", graph)["state"] == "variables"


def test_inspect_a_graph_that_is_frozen_in_part(capsys: pytest.CaptureFixture[str]) -> None:
    maker = GraphMaker()
    maker.variable("a", 1, (1,), b"\0\0\0\0")
    still_variable(maker, "v")
    graph = str(maker.write(Path("some.pb")))
    text = shown(capsys, "inspect", graph)
    assert text.startswith(
        "partly frozen graph some.pb: 3 nodes, 1 variable, 1 constant, 1 of them a frozen variable"
    )
    assert "\nstill variables, whose values are not in the graph:\n" in text
    assert result(capsys, "inspect", graph)["state"] == "partly_frozen"
    maker.variable("b", 1, (1,), b"\0\0\0\0")
    maker.write(Path("some.pb"))
    assert shown(capsys, "inspect", graph).startswith(
        "partly frozen graph some.pb: 5 nodes, 1 variable, 2 constants, 2 of them frozen variables"
    )


@pytest.mark.usefixtures("checkpoint")
def test_inspect_a_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "inspect", "out/m") == CHECKPOINT_TABLE


@pytest.mark.parametrize(
    "path",
    ["out/m", "out/m.index", "out/m.data-00000-of-00001", "out", "out/", "out/checkpoint", "./out"],
)
@pytest.mark.usefixtures("checkpoint")
def test_inspect_a_checkpoint_as_json(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    contents = result(capsys, "inspect", path)
    assert os.path.normpath(contents.pop("prefix")) == "out/m"
    assert contents == {
        "schema": 1,
        "kind": "checkpoint",
        "num_shards": 1,
        "entries": [
            {
                "key": "dense/bias",
                "dtype": "float32",
                "shape": [8],
                "shard": 0,
                "offset": 0,
                "bytes": 32,
                "crc32c": CRC_OF_32_ZEROS,
            },
            {
                "key": "dense/kernel",
                "dtype": "float32",
                "shape": [2, 4],
                "shard": 0,
                "offset": 32,
                "bytes": 32,
                "crc32c": CRC_OF_00_TO_1F,
            },
            {
                "key": "global_step",
                "dtype": "int64",
                "shape": [],
                "shard": 0,
                "offset": 64,
                "bytes": 8,
                "crc32c": "7671b78e",
            },
        ],
        "objects": [],
    }


def test_checksums_have_eight_digits(capsys: pytest.CaptureFixture[str]) -> None:
    pbckpt.save_checkpoint({"empty": np.zeros((0, 3), np.float32)}, "m")
    assert result(capsys, "inspect", "m")["entries"][0]["crc32c"] == "00000000"


def test_inspect_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert complaint(capsys, "inspect", "absent") == f"absent: {os.strerror(2)}"
    assert complaint(capsys, "inspect", "empty") == (
        "empty: no checkpoint file that names a checkpoint; give its prefix"
    )


# verify


@pytest.mark.parametrize(
    "path", ["out/m", "out/m.index", "out/m.data-00000-of-00001", "out", "out/checkpoint"]
)
@pytest.mark.usefixtures("checkpoint")
def test_verify_a_whole_checkpoint(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "verify", path) == "out/m: 3 tensors checked, no problem found\n"
    assert result(capsys, "verify", path, "--against", "dense.pb") == {
        "schema": 1,
        "prefix": "out/m",
        "ok": True,
        "checked": 3,
        "problems": [],
    }


@pytest.mark.usefixtures("checkpoint")
def test_verify_names_every_damaged_tensor(capsys: pytest.CaptureFixture[str]) -> None:
    for offset in (31, 32):
        flip("out/m.data-00000-of-00001", offset)
    found = result(capsys, "verify", "out/m", status=1)
    assert (found["ok"], found["checked"]) == (False, 3)
    assert [(p["key"], p["file"]) for p in found["problems"]] == [
        ("dense/bias", "out/m.data-00000-of-00001"),
        ("dense/kernel", "out/m.data-00000-of-00001"),
    ]
    for problem, offset, crc in zip(
        found["problems"], (0, 32), (CRC_OF_32_ZEROS, CRC_OF_00_TO_1F), strict=True
    ):
        assert problem["problem"].startswith(
            f"the checksum of a tensor does not match at byte {offset} (expected {crc}, found "
        )
    text = shown(capsys, "verify", "out/m", status=1).splitlines()
    assert text[0] == "out/m: 2 problems"
    assert text[1].startswith("  dense/bias in out/m.data-00000-of-00001: the checksum of")


@pytest.mark.parametrize("offset", [0, 60, -1, -10, -48])
@pytest.mark.usefixtures("checkpoint")
def test_verify_tells_a_damaged_index_once(offset: int, capsys: pytest.CaptureFixture[str]) -> None:
    flip("out/m.index", offset)
    found = result(capsys, "verify", "out/m", status=1)
    assert found["ok"] is False
    assert len(found["problems"]) == 1
    [problem] = found["problems"]
    assert (problem["key"], problem["file"]) == ("", "out/m.index")
    lines = shown(capsys, "verify", "out/m", status=1).splitlines()
    assert len(lines) == 2
    assert lines[1].count("out/m.index") == 1


@pytest.mark.usefixtures("checkpoint")
def test_verify_tells_what_belongs_to_no_tensor(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("out/m.data-00000-of-00001").open("ab") as file:
        file.write(b"more")
    assert result(capsys, "verify", "out/m", status=1)["problems"] == [
        {
            "key": "",
            "file": "out/m.data-00000-of-00001",
            "problem": "4 bytes at 72 that belong to no tensor",
        }
    ]


@pytest.mark.usefixtures("checkpoint")
def test_verify_tells_a_missing_data_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out/m.data-00000-of-00001").unlink()
    found = result(capsys, "verify", "out/m", status=1)
    assert found["problems"]
    assert {problem["file"] for problem in found["problems"]} == {"out/m.data-00000-of-00001"}
    assert "no such file" in found["problems"][0]["problem"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
@pytest.mark.usefixtures("checkpoint")
def test_verify_tells_a_data_file_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out/m.data-00000-of-00001").unlink()
    os.mkfifo("out/m.data-00000-of-00001")
    found = result(capsys, "verify", "out/m", status=1)
    assert "not a regular file" in found["problems"][0]["problem"]


@pytest.mark.usefixtures("checkpoint")
def test_verify_against_another_graph(capsys: pytest.CaptureFixture[str]) -> None:
    write_dense(Path("other.pb"), kernel=bytes(32))
    assert shown(capsys, "verify", "out/m", "--against", "other.pb", status=1).splitlines()[1:] == [
        "  dense/kernel in out/m.index: the values differ from the graph's"
    ]
    maker = GraphMaker()
    maker.variable("dense/bias", INT32, (8,))
    maker.variable("dense/kernel", FLOAT, (4, 2), bytes(range(32)))
    maker.variable("more", FLOAT, ())
    maker.write(Path("another.pb"))
    found = result(capsys, "verify", "out/m", "--against", "another.pb", status=1)
    assert {problem["key"]: problem["problem"] for problem in found["problems"]} == {
        "dense/bias": "the graph's type is int32, the checkpoint's float32",
        "dense/kernel": "the graph's shape is [4, 2], the checkpoint's [2, 4]",
        "global_step": "the checkpoint has this key, the graph has no such variable",
        "more": "the graph has this variable, the checkpoint does not",
    }


@pytest.mark.usefixtures("graph")
def test_verify_expects_what_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--exclude", "dense/*", "--take", "axis")
    shown(capsys, "convert", "dense.pb", "m", *chosen)
    assert result(capsys, "verify", "m", "--against", "dense.pb", *chosen)["ok"] is True
    assert result(capsys, "verify", "m", "--against", "dense.pb", status=1)["ok"] is False


@pytest.mark.usefixtures("checkpoint")
def test_verify_cannot_judge_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "verify", "absent") == (
        "no checkpoint absent: absent.index is not there"
    )
    assert complaint(capsys, "verify", "out/m", "--against", "absent.pb") == (
        f"absent.pb: {os.strerror(2)}"
    )
    complaint(capsys, "verify", "out/m", "--against", "out/m.index")


# demo


def test_demo_shows_a_conversion_and_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert files("pbckpt-demo") == [
        "checkpoint",
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
        "model.ckpt.meta",
    ]
    assert out.startswith("pbckpt-demo/model.ckpt: ")
    assert "\nkey " in out
    assert err.startswith("$ pbckpt convert frozen_digits.pb pbckpt-demo/model.ckpt\n")
    next_steps = [line.split()[1:] for line in err.splitlines() if line.startswith("  pbckpt ")]
    assert [step[0] for step in next_steps] == ["verify", "inspect", "convert"]
    for step in next_steps[:2]:
        shown(capsys, *step)


def test_demo_can_be_seen_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "there", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert result(capsys, "demo", "there", "--quiet")["prefix"] == "there/model.ckpt"


# Names that are hard to show


HARD_KEYS = {
    "w\udcff": "w\\udcff",
    "red\x1b[31m": "red\\x1b[31m",
    "two\nlines": "two\\nlines",
    "café": "caf\\xe9",
    "tab\there": "tab\\there",
}


@pytest.fixture
def hard_keys() -> str:
    pbckpt.save_checkpoint({key: np.zeros(2) for key in HARD_KEYS}, "hard")
    return "hard"


def test_any_key_survives_json(hard_keys: str, tmp_path: Path) -> None:
    for encoding in ("ascii", "utf-8"):
        done = run_command("inspect", hard_keys, "--json", cwd=tmp_path, PYTHONIOENCODING=encoding)
        assert done.stdout.isascii()
        keys = [entry["key"] for entry in json.loads(done.stdout)["entries"]]
        assert sorted(keys) == sorted(HARD_KEYS)
        assert '"w\\udcff"' in done.stdout


def test_any_key_can_be_shown(hard_keys: str, tmp_path: Path) -> None:
    done = run_command("inspect", hard_keys, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    names = [line.split("  ")[0] for line in done.stdout.splitlines()[3:]]
    assert sorted(names) == sorted(HARD_KEYS.values())


def test_any_damaged_key_can_be_shown(hard_keys: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"{hard_keys}.data-00000-of-00001"
    Path(path).write_bytes(b"\xff" * Path(path).stat().st_size)
    text = shown(capsys, "verify", hard_keys, status=1)
    assert len(text.splitlines()) == 6
    assert "\x1b" not in text


def test_nothing_of_a_graph_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    maker = GraphMaker()
    maker.constant("red\x1b[31m", INT32, (), [1])
    maker.graph.node.add(name="n", op="Blue\x1b[34m\nX", input=["red\x1b[31m"])
    maker.write(Path("colours.pb"))
    text = shown(capsys, "inspect", "colours.pb")
    assert "red\\x1b[31m" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5


def test_nothing_of_a_state_file_reaches_the_terminal_raw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pbckpt.save_checkpoint({"w": np.zeros(2)}, "home/bell\x1b\x07")
    for command in ("inspect", "verify"):
        text = shown(capsys, command, "home")
        assert "\x1b" not in text
    Path("home/bell\x1b\x07.index").unlink()
    assert "\x1b" not in complaint(capsys, "inspect", "home")


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    try:
        write_dense(tmp_path / "gr\udcff.pb")
    except OSError:
        pytest.skip("the file system has no such names")
    done = run_command("inspect", "gr\udcff.pb", cwd=tmp_path)
    assert done.returncode == 0
    assert "gr\\udcff.pb: 9 nodes" in done.stdout
    done = run_command("convert", "gr\udcff.pb", "m\udcff", cwd=tmp_path)
    assert done.returncode == 1
    assert "is not UTF-8" in done.stderr
    assert files(".") == ["gr\udcff.pb"]


# The process


@pytest.mark.usefixtures("graph")
def test_the_process_ends_with_the_status(tmp_path: Path) -> None:
    def status(*arguments: str) -> int:
        return run_command(*arguments, cwd=tmp_path).returncode

    assert status("convert", "dense.pb", "out/m") == 0
    assert status("convert", "dense.pb", "out/m") == 1
    assert status("verify", "out/m") == 0
    assert status("verify", "absent") == 1
    assert status("convert") == 2
    assert status() == 2
    flip("out/m.data-00000-of-00001", 0)
    assert status("verify", "out/m") == 1


@pytest.mark.usefixtures("graph")
def test_the_result_alone_is_on_stdout(tmp_path: Path) -> None:
    done = run_command("convert", "dense.pb", "out/m", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, CONVERTED, "")
    done = run_command("convert", "dense.pb", "out/m", cwd=tmp_path)
    assert done.stdout == ""
    assert done.stderr.startswith("pbckpt: checkpoint out/m exists already")


def modules_after(*commands: Sequence[str]) -> set[str]:
    """Return the modules that a process has imported after some commands."""
    code = (
        "import contextlib, io, sys\n"
        "from pbckpt.cli.main import main\n"
        f"for arguments in {list(commands)!r}:\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "        assert main(arguments) == 0\n"
        "print(*sorted(sys.modules), sep='\\n')\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.usefixtures("graph")
def test_numpy_is_not_imported_where_there_are_no_arrays() -> None:
    loaded = modules_after(
        ["--version"],
        ["convert", "dense.pb", "out/m"],
        ["inspect", "dense.pb"],
        ["inspect", "out/m", "--json"],
        ["verify", "out/m", "--against", "dense.pb"],
    )
    assert "pbckpt.applications.convert" in loaded
    assert loaded.isdisjoint({"numpy", "ml_dtypes", "tensorflow"})


def test_protobuf_is_not_imported_to_say_the_version() -> None:
    loaded = modules_after(["--version"])
    assert "pbckpt.cli.main" in loaded
    assert loaded.isdisjoint({"numpy", "google.protobuf", "pbckpt.api"})


@needs_signals
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    maker = GraphMaker()
    for number in range(3000):
        maker.variable(f"a/rather/long/name/of/a/variable/{number}", FLOAT, ())
    maker.write(tmp_path / "many.pb")
    process = subprocess.Popen(
        [sys.executable, "-m", "pbckpt", "inspect", "many.pb"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"frozen graph many.pb: 6000 nodes")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


@needs_signals
@pytest.mark.usefixtures("graph")
def test_an_output_that_is_full_or_closed(tmp_path: Path) -> None:
    for redirection in (">/dev/full", ">&-"):
        done = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'exec "$0" -m pbckpt inspect dense.pb {redirection}',
                sys.executable,
            ],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
    assert not Path("out").exists()


# Long conversions


def start_slow_conversion(cwd: Path, *options: str, stderr: int) -> subprocess.Popen[bytes]:
    write_zeros(cwd / "zeros.pb", 40)
    command = [sys.executable, "-c", SLOW_DISK, "convert", "zeros.pb", "out/m", *options]
    return subprocess.Popen(
        [*command, "--durability", "none"],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def wait_until_it_writes(process: subprocess.Popen[bytes], folder: Path) -> None:
    while not any(path.stat().st_size > 1 << 20 for path in folder.glob(".pbckpt-*")):
        assert process.poll() is None
        time.sleep(0.01)


@needs_signals
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, b"pbckpt: interrupted\n"), (signal.SIGTERM, 143, b"")],
    ids=["SIGINT", "SIGTERM"],
)
@pytest.mark.parametrize("scene", ["fresh", "replace"])
def test_a_conversion_that_is_stopped_leaves_nothing(
    number: signal.Signals, status: int, said: bytes, scene: str, tmp_path: Path
) -> None:
    if scene == "replace":
        pbckpt.convert(write_dense(tmp_path / "dense.pb"), tmp_path / "out" / "m")
    home = tmp_path / "out"
    before = {path.name: path.read_bytes() for path in home.iterdir()} if home.exists() else None
    options = ("--on-existing", "replace") if scene == "replace" else ()
    process = start_slow_conversion(tmp_path, *options, stderr=subprocess.PIPE)
    wait_until_it_writes(process, home)
    process.send_signal(number)
    assert process.communicate(timeout=60) == (b"", said)
    assert process.returncode == status
    after = {path.name: path.read_bytes() for path in home.iterdir()} if home.exists() else None
    assert after == before


def read_screen(terminal: int) -> str:
    """Read what is written to a terminal until its last writer has gone."""
    text = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux's word for the end.
            break
        if not part:
            break
        text += part
    os.close(terminal)
    return text.decode()


@needs_signals
def test_a_person_who_waits_sees_a_bar(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    terminal, stderr = pty.openpty()
    process = start_slow_conversion(tmp_path, stderr=stderr)
    os.close(stderr)
    screen = read_screen(terminal)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(b"out/m: 1 variable")
    assert b"41.9 MB\n" in out
    assert b"writing" not in out
    assert screen.startswith("\rwriting [")
    assert screen.endswith("\rwriting [##############################] 100%\r\n")
    assert 2 < screen.count("\rwriting [") < 40


@needs_signals
def test_a_message_begins_a_line_after_a_bar(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    terminal, stderr = pty.openpty()
    process = start_slow_conversion(tmp_path, stderr=stderr)
    os.close(stderr)
    first = os.read(terminal, 1)  # The bar has begun.
    process.send_signal(signal.SIGINT)
    screen = first.decode() + read_screen(terminal)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert screen.startswith("\rwriting [")
    assert screen.endswith("\npbckpt: interrupted\r\n")


@needs_signals
@pytest.mark.usefixtures("graph")
def test_a_person_who_need_not_wait_sees_none(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    terminal, stderr = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pbckpt", "convert", "dense.pb", "out/m"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=stderr,
    ) as process:
        os.close(stderr)
        assert read_screen(terminal) == ""
        assert process.communicate(timeout=60)[0].decode() == CONVERTED


# --- values


def write_values(path: Path) -> None:
    """Write a half that is cast where it is read, and a variable of two parts."""
    maker = GraphMaker()
    maker.constant("w", 19, (2,), bytes.fromhex("003e00c0"))
    cast = maker.graph.node.add(name="w/cast", op="Cast", input=["w"])
    cast.attr["SrcT"].type, cast.attr["DstT"].type = 19, FLOAT
    maker.graph.node.add(name="w/read", op="Identity", input=["w/cast"]).attr["T"].type = FLOAT
    for number in range(2):
        maker.variable(f"p/part_{number}", FLOAT, (1, 2))
    maker.constant("p/ConcatPartitions/concat/axis", INT32, (), [0])
    maker.graph.node.add(
        name="p/ConcatPartitions/concat",
        op="ConcatV2",
        input=["p/part_0/read", "p/part_1/read", "p/ConcatPartitions/concat/axis"],
    )
    maker.graph.node.add(name="x", op="Placeholder")
    maker.graph.node.add(name="y", op="Mul", input=["x", "w/read"])
    maker.write(path)


def test_convert_stores_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    write_values(Path("g.pb"))
    shown(capsys, "convert", "g.pb", "out/m")
    with pbckpt.open_checkpoint("out/m") as stored:
        assert {key: stored.info(key).num_slices for key in stored} == {"p": 2, "w": 0}
        assert stored["w"].tolist() == [1.5, -2.0]
    shown(capsys, "verify", "out/m", "--against", "g.pb")
    rows = [line.split()[:4] for line in shown(capsys, "inspect", "g.pb").split("\n")[3:5]]
    assert rows == [["w", "float32", "[2]", "8"], ["p", "float32", "[2,", "2]"]]


def test_convert_with_other_values(capsys: pytest.CaptureFixture[str]) -> None:
    write_values(Path("g.pb"))
    options = ("--partitions", "parts", "--tensor", "w", "--tensor", "w/cast:0")
    found = result(capsys, "convert", "g.pb", "out/m", *options)
    assert [(one["key"], one["dtype"], one["value"]) for one in found["variables"]] == [
        ("p/part_0", "float32", None),
        ("p/part_1", "float32", None),
        ("w", "float16", None),
        ("w/cast", "float32", "w/cast"),
    ]
    shown(capsys, "verify", "out/m", "--against", "g.pb", *options)
    assert not json.loads(
        shown(capsys, "verify", "out/m", "--against", "g.pb", "--json", status=1)
    )["ok"]


def test_convert_of_a_tensor_that_needs_an_input(capsys: pytest.CaptureFixture[str]) -> None:
    write_values(Path("g.pb"))
    assert complaint(capsys, "convert", "g.pb", "out/m", "--tensor", "y") == (
        "g.pb: --tensor y: it depends on more than constants: node 'x' (Placeholder): what it "
        "gives is fed when the graph runs; ask for a tensor that constants alone lead to, or "
        "compute it in TensorFlow"
    )
    assert not Path("out").exists()


def test_folded_weights_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    maker = GraphMaker()
    maker.constant("c/kernel", FLOAT, (1, 1, 1, 2))
    maker.graph.node.add(name="c/Conv2D", op="Conv2D", input=["x", "c/kernel"])
    maker.constant("c/Conv2D_bn_offset", FLOAT, (2,))
    maker.graph.node.add(name="bn", op="BiasAdd", input=["c/Conv2D", "c/Conv2D_bn_offset"])
    maker.write(Path("g.pb"))
    told = "batch norm 'bn' was folded into it, and into 'c/Conv2D_bn_offset'"
    assert main(["convert", "g.pb", "out/m", "--include", "c/kernel"]) == 0
    assert capsys.readouterr().err == (
        f"warning: 1 variable is not as trained, such as 'c/kernel': {told}\n"
    )
    assert f"c/kernel  {told}" in shown(capsys, "inspect", "g.pb")
    assert f"not as trained: {told}" in shown(capsys, "inspect", "g.pb", "--why", "c/kernel")
    found = result(capsys, "inspect", "g.pb")
    assert [one["folded"] for one in found["variables"] if one["key"] == "c/kernel"] == [told]


def test_one_question_at_a_time(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["inspect", str(graph), "--why", "axis", "--score", "truth.json", "--json"])
    assert caught.value.code == 2
    assert "argument --score: not allowed with argument --why" in capsys.readouterr().err


def test_why_asks_of_a_graph(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "inspect", checkpoint, "--why", "dense/kernel") == (
        "out/m: a checkpoint, which has no graph; give the file of the frozen graph. "
        "pbckpt inspect shows the checkpoint, pbckpt edit changes it"
    )


def test_one_of_each_is_told_in_the_singular(capsys: pytest.CaptureFixture[str]) -> None:
    maker = GraphMaker()
    maker.constant("w", 4, (1,), b"\7")
    graph = str(maker.write(Path("one.pb")))
    assert shown(capsys, "inspect", graph).startswith(
        "frozen graph one.pb: 1 node, 1 constant, 0 of them variables\n"
    )
    pbckpt.convert(graph, "one", selection=pbckpt.Selection(pbckpt.Select.ALL))
    assert shown(capsys, "inspect", "one").startswith("checkpoint one: 1 tensor, 1 byte, 1 shard\n")
    assert shown(capsys, "verify", "one") == "one: 1 tensor checked, no problem found\n"
    maker.graph.node.add(name="w/read", op="Identity", input=["w"])
    maker.write(Path("one.pb"))
    assert shown(capsys, "inspect", graph).startswith(
        "frozen graph one.pb: 2 nodes, 1 constant, 1 of them a variable\n"
    )


def test_a_dry_run_shows_old_and_new_names(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--rename", "dense/*=d/\\1", "--set", "step=int64:3", "--cast", "d/*=half")
    assert shown(capsys, "convert", str(graph), "out/m", "--dry-run", *options) == (
        """\
out/m: 3 variables (2 trainable), 40 bytes
  1 tensor added
  2 constants were not taken
  nothing was written, as --dry-run says

key          node          dtype    shape
d/bias       dense/bias    float16  [8]
d/kernel     dense/kernel  float16  [2, 4]
global_step  global_step   int64    []
step         (set)
"""
    )


def test_inspect_shows_variables_as_they_would_be_stored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    maker = GraphMaker()
    for number in range(2):
        maker.variable(f"X/part_{number}", FLOAT, (1, 2), bytes(8))
        maker.graph.node.add(name=f"look_{number}", op="GatherV2", input=[f"X/part_{number}/read"])
    maker.constant("w_quantized_const", 12, (2,), b"\0\7")
    maker.constant("lo", FLOAT, (), bytes(4))
    maker.constant("hi", FLOAT, (), bytes.fromhex("00007f43"))
    node = maker.graph.node.add(name="w", op="Dequantize", input=["w_quantized_const", "lo", "hi"])
    node.attr["T"].type = 12
    node.attr["mode"].s = b"MIN_FIRST"
    maker.graph.node.add(name="w/read", op="Identity", input=["w"]).attr["T"].type = FLOAT
    graph = str(maker.write(Path("g.pb")))

    def listed(*options: str) -> list[tuple[str, str]]:
        found = json.loads(shown(capsys, "inspect", graph, "--json", *options))
        return [(one["key"], one["dtype"]) for one in found["variables"]]

    assert listed() == [("X", "float32"), ("w", "float32")]
    assert listed("--partitions", "parts", "--quantized", "stored") == [
        ("X/part_0", "float32"),
        ("X/part_1", "float32"),
        ("w_quantized_const", "quint8"),
    ]
