"""``pbckpt freeze``, as users call it."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.cli.main import main
from pbckpt.protos import GraphDef, MetaGraphDef
from tests.cli.graphs import FLOAT, GraphMaker

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[1] / "golden"
FREEZE = ("freeze", "m.meta", "f.pb")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work beside a checkpoint with its graph; give the tests' process its handlers back."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    maker = GraphMaker()
    maker.variable("kernel", FLOAT, (2, 4), bytes(range(32)))
    maker.graph.node.add(name="y", op="Relu", input=["kernel/read"])
    maker.graph.node.add(name="z", op="Neg", input=["y"])
    source = maker.write(tmp_path / "g.pb")
    thaw = pbckpt.Thaw(pbckpt.MetaFile.REQUIRED)
    pbckpt.convert(source, tmp_path / "m", thaw=thaw, durability=pbckpt.Durability.NONE)
    yield
    signal.signal(signal.SIGTERM, before)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that has nothing to tell; return its result."""
    assert main([*arguments, "--durability", "none"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that fails; return its one line. It leaves nothing."""
    before = sorted(Path().iterdir())
    assert main([*arguments, "--durability", "none"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sorted(Path().iterdir()) == before
    return err.removeprefix("pbckpt: ").removesuffix("\n")


def names(path: str = "f.pb") -> list[str]:
    return [one.name for one in GraphDef.FromString(Path(path).read_bytes()).node]


def stored_meta() -> MetaGraphDef:
    return MetaGraphDef.FromString(Path("m.meta").read_bytes())


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, *FREEZE)
    size = Path("f.pb").stat().st_size
    assert out == (
        f"f.pb: 4 nodes, 1 variable frozen, {size} bytes\n"
        "  ends in z (as the frozen graph before; choose with --outputs)\n"
    )
    assert names() == ["kernel", "kernel/read", "y", "z"]


def test_a_table_that_nothing_fills(capsys: pytest.CaptureFixture[str]) -> None:
    meta = stored_meta()
    for name in ("table", "other"):
        meta.graph_def.node.add(name=name, op="HashTableV2")
    meta.graph_def.node.add(name="t", op="LookupTableFindV2", input=["table", "y", "^other"])
    Path("m.meta").write_bytes(meta.SerializeToString())
    out = shown(capsys, *FREEZE, "--outputs", "t")
    assert out.splitlines()[1:] == [
        "  ends in t (as given)",
        "  warning: nothing in it fills the table table and 1 more; have its program do so",
    ]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(shown(capsys, *FREEZE, "--json", "--outputs", "y:0,kernel/read")) == {
        "schema": 1,
        "path": "f.pb",
        "bytes": Path("f.pb").stat().st_size,
        "nodes": 3,
        "variables": ["kernel"],
        "outputs": ["y", "kernel/read"],
        "outputs_from": "given",
        "unfilled": [],
    }
    assert names() == ["kernel", "kernel/read", "y"]


def test_outputs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, *FREEZE, "--outputs", "y").endswith("  ends in y (as given)\n")


def test_an_unknown_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no node 'kernel/raed' (nearest: kernel/read, " in complaint(
        capsys, *FREEZE, "--outputs", "kernel/raed"
    )


def test_another_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    for suffix in (".index", ".data-00000-of-00001"):
        Path(f"m{suffix}").rename(f"in/n{suffix}")
    assert "m" in complaint(capsys, *FREEZE)
    shown(capsys, *FREEZE, "--checkpoint", "in/n")
    assert names() == ["kernel", "kernel/read", "y", "z"]


def test_a_file_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.pb").write_bytes(b"mine")
    assert "f.pb" in complaint(capsys, *FREEZE)
    assert Path("f.pb").read_bytes() == b"mine"
    shown(capsys, *FREEZE, "--on-existing", "replace")
    assert names() == ["kernel", "kernel/read", "y", "z"]


def test_its_own_input(capsys: pytest.CaptureFixture[str]) -> None:
    text = complaint(capsys, "freeze", "m.meta", "m.meta", "--on-existing", "replace")
    assert text == "m.meta is an input itself and would be overwritten; choose another name"


def test_a_large_graph_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is 2 GiB; here it is a hundred bytes, for all that do not lift it."""
    frozen = pbckpt.freeze

    def strict(*args: object, max_bytes: int = 100, **options: object) -> object:
        return frozen(*args, max_bytes=max_bytes, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("pbckpt.api.freeze", strict)
    assert "--allow-large" in complaint(capsys, *FREEZE)
    shown(capsys, *FREEZE, "--allow-large")


def test_no_graph_beside_the_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.meta").unlink()
    text = complaint(capsys, "freeze", "m", "f.pb")
    assert "m.meta is not there, and a checkpoint alone has no graph" in text
    assert "--checkpoint" in text


def test_a_missing_key(capsys: pytest.CaptureFixture[str]) -> None:
    edits = pbckpt.Edits(renames=("kernel=kernels",))
    pbckpt.edit("m", "n", edits=edits, durability=pbckpt.Durability.NONE)
    text = complaint(capsys, *FREEZE, "--checkpoint", "n")
    assert text.startswith("n has no value for 'kernel' (nearest: kernels); give the checkpoint")


def test_another_shape(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np  # noqa: PLC0415 - for this one

    pbckpt.save_checkpoint({"kernel": np.zeros((4, 2), np.float32)}, "n")
    text = complaint(capsys, *FREEZE, "--checkpoint", "n")
    assert "variable 'kernel' has the shape [2, 4] in the graph" in text
    assert "the shape [4, 2]" in text


def test_a_saved_model_of_tensorflow_2(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(GOLDEN / "tf2" / "saved_model" / "module", "model")
    out = shown(capsys, "freeze", "model", "f.pb")
    assert out.endswith(
        "  ends in StatefulPartitionedCall (as its signatures say; choose with --outputs)\n"
    )
    assert names() == ["w", "b", "serving_default_x", "StatefulPartitionedCall"]


def test_functions_in_the_places_of_their_calls(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(GOLDEN / "tf2" / "saved_model" / "module", "model")
    shown(capsys, "freeze", "model", "f.pb", "--functions", "inline")
    nodes = GraphDef.FromString(Path("f.pb").read_bytes()).node
    assert {one.op for one in nodes} == {
        *("Const", "Placeholder", "Identity", "NoOp"),
        *("MatMul", "AddV2"),
    }
    assert nodes[-1].name == "StatefulPartitionedCall"


def test_a_damaged_data_file(capsys: pytest.CaptureFixture[str]) -> None:
    data = Path("m.data-00000-of-00001")
    data.write_bytes(b"\xff" + data.read_bytes()[1:])
    assert complaint(capsys, *FREEZE) == (
        "m.data-00000-of-00001: the checksum of a tensor does not match at byte 0 "
        "(expected 46dd794e, found 86863b23)"
    )
