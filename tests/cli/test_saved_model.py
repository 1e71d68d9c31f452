"""``pbckpt convert --format saved-model``, as users call it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pbckpt.cli.main import main
from pbckpt.protos import GraphDef, SavedModel
from tests.cli.graphs import CRC_OF_00_TO_1F, FLOAT, GraphMaker, run_command

if TYPE_CHECKING:
    from collections.abc import Iterator

CONVERT = ("convert", "frozen.pb", "out/m")
FORMS = ("saved-model", "saved-model-v2")
BOTH = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work beside a frozen graph; give the tests' process its handlers back."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    maker = GraphMaker()
    image = maker.graph.node.add(name="x", op="Placeholder")
    image.attr["dtype"].type = FLOAT
    image.attr["shape"].shape.dim.add(size=-1)
    image.attr["shape"].shape.dim.add(size=2)
    maker.variable("kernel", FLOAT, (2, 4), bytes(range(32)))
    maker.graph.node.add(name="y", op="MatMul", input=["x", "kernel/read"])
    for made in maker.graph.node[-2:]:
        made.attr["T"].type = FLOAT
    maker.write(tmp_path / "frozen.pb")
    yield
    signal.signal(signal.SIGTERM, before)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that has nothing to tell; return its result."""
    assert main(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def converted(capsys: pytest.CaptureFixture[str], form: str, *arguments: str) -> str:
    return shown(capsys, *CONVERT, "--format", form, "--durability", "none", *arguments)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a conversion that fails; return its one line. It leaves nothing."""
    before = sorted(Path().rglob("*"))
    assert main([*CONVERT, *arguments]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sorted(Path().rglob("*")) == before
    return err.removeprefix("pbckpt: ").removesuffix("\n")


def signatures() -> dict[str, tuple[list[str], list[str]]]:
    [graph] = SavedModel.FromString(Path("out/m/saved_model.pb").read_bytes()).meta_graphs
    return {
        key: (
            sorted(f"{name}={info.name}" for name, info in one.inputs.items()),
            sorted(f"{name}={info.name}" for name, info in one.outputs.items()),
        )
        for key, one in graph.signature_def.items()
    }


# What it says


@BOTH
def test_text(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert converted(capsys, form) == (
        "out/m: 1 variable (1 trainable), 32 bytes\n"
        "  wrote out/m/variables/variables.data-00000-of-00001\n"
        "  wrote out/m/variables/variables.index\n"
        "  wrote out/m/saved_model.pb\n"
        "  signature serving_default: x (float32 [-1, 2]) -> y (float32 of any shape)\n"
    )
    assert sorted(path.as_posix() for path in Path("out").rglob("*") if path.is_file()) == [
        "out/m/saved_model.pb",
        "out/m/variables/variables.data-00000-of-00001",
        "out/m/variables/variables.index",
    ]


@BOTH
def test_json(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(converted(capsys, form, "--json", "--inputs", "image=x"))
    assert (found["schema"], found["prefix"], found["bytes"]) == (1, "out/m", 32)
    assert found["files"] == [
        "out/m/variables/variables.data-00000-of-00001",
        "out/m/variables/variables.index",
        "out/m/saved_model.pb",
    ]
    assert [one["key"] for one in found["variables"]] == ["kernel"]
    assert found["signatures"] == {
        "serving_default": {
            "inputs": {"image": {"tensor": "x:0", "dtype": "float32", "shape": [-1, 2]}},
            "outputs": {"y": {"tensor": "y:0", "dtype": "float32", "shape": None}},
        }
    }


def test_other_conversions_say_nothing_of_signatures(capsys: pytest.CaptureFixture[str]) -> None:
    assert "signatures" not in json.loads(shown(capsys, *CONVERT, "--json"))


@BOTH
def test_a_dry_run(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert converted(capsys, form, "--dry-run") == (
        "out/m: 1 variable (1 trainable), 32 bytes\n"
        "  signature serving_default: x (float32 [-1, 2]) -> y (float32 of any shape)\n"
        "  nothing was written, as --dry-run says\n"
        "\n"
        "key     node    dtype    shape\n"
        "kernel  kernel  float32  [2, 4]\n"
    )
    assert [path.name for path in Path().iterdir()] == ["frozen.pb"]


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--format {name,object,both,saved-model,saved-model-v2}" in text
    assert "as a checkpoint, or as a SavedModel." in text
    assert "--inputs TENSOR,... with --format saved-model: what its signature takes" in text
    assert "--outputs TENSOR,... with --format saved-model: what it gives" in text


@pytest.mark.parametrize("command", ["edit", "merge"])
def test_only_what_reads_a_graph_writes_one(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "saved-model" not in capsys.readouterr().out


# What is asked for


def test_inputs_and_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--inputs", "image=x:0", "--outputs", "y,w=kernel/read:0")
    assert converted(capsys, "saved-model", *given).endswith(
        "signature serving_default: image (float32 [-1, 2]) -> y (float32 of any shape), "
        "w (float32 of any shape)\n"
    )
    assert signatures() == {"serving_default": (["image=x:0"], ["w=kernel/read:0", "y=y:0"])}


@BOTH
def test_what_is_in_it(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    converted(capsys, form, "--quiet")
    listed = shown(capsys, "inspect", "out/m")
    assert listed.startswith("checkpoint out/m/variables/variables: ")
    key = "kernel" if form == "saved-model" else "kernel/.ATTRIBUTES/VARIABLE_VALUE"
    [line] = [one for one in listed.split("\n") if CRC_OF_00_TO_1F in one]
    assert line.split() == [key, "float32", "[2,", "4]", "32", CRC_OF_00_TO_1F]
    count = "1 tensor" if form == "saved-model" else "2 tensors"
    assert shown(capsys, "verify", "out/m/variables/variables") == (
        f"out/m/variables/variables: {count} checked, no problem found\n"
    )


def test_it_can_be_frozen_again(capsys: pytest.CaptureFixture[str]) -> None:
    converted(capsys, "saved-model")
    shown(capsys, "freeze", "out/m", "again.pb")
    again = GraphDef.FromString(Path("again.pb").read_bytes())
    assert again == GraphDef.FromString(Path("frozen.pb").read_bytes())


def test_an_existing_one(capsys: pytest.CaptureFixture[str]) -> None:
    converted(capsys, "saved-model")
    assert complaint(capsys, "--format", "saved-model-v2") == (
        "out/m exists already; choose another name, or allow it with --on-existing replace "
        "(on_existing=OnExisting.REPLACE)"
    )
    converted(capsys, "saved-model-v2", "--on-existing", "replace", "--shards", "2")
    assert len(list(Path("out/m/variables").iterdir())) == 3
    assert [path.name for path in Path("out").iterdir()] == ["m"]


def test_references(capsys: pytest.CaptureFixture[str]) -> None:
    converted(capsys, "saved-model", "--variables", "ref")
    [graph] = SavedModel.FromString(Path("out/m/saved_model.pb").read_bytes()).meta_graphs
    assert [one.op for one in graph.graph_def.node if one.name == "kernel"] == ["VariableV2"]


# What is refused


@pytest.mark.parametrize("form", [(), ("--format", "name"), ("--format", "object")])
@pytest.mark.parametrize("option", ["--inputs", "--outputs"])
def test_signatures_of_a_checkpoint(
    option: str, form: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint(capsys, *form, option, "x") == (
        "--inputs and --outputs are those of a SavedModel's signature; say --format saved-model, "
        "or leave them out"
    )


@BOTH
@pytest.mark.parametrize(
    ("option", "value"),
    [("--like", ("m",)), ("--meta", ()), ("--no-meta", ()), ("--save-counter", ("0",))],
)
def test_options_of_a_checkpoint(
    option: str, value: tuple[str, ...], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint(capsys, "--format", form, option, *value) == (
        f"{option} is about a checkpoint, and --format {form} writes a SavedModel, which has its "
        "graph in saved_model.pb; leave one of the two out"
    )


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (("--like-cast",), "--match, --missing, --left-over and --like-cast are about a target;"),
        (("--variables", "ref"), "a model of TensorFlow 2 has resource variables alone;"),
        (("--cast", "*=half"), "'kernel' is float32 in the graph, and a model of TensorFlow 2"),
        (("--outputs", "yy"), "frozen.pb has no node 'yy' (nearest: y)"),
        (("--inputs", "kernel/read"), "frozen.pb: the outputs need 'x' too, which nothing feeds"),
        (("--outputs", "y,y:0"), "two outputs are called 'y'; give each a name of its own"),
    ],
)
def test_what_the_second_form_cannot_be(
    options: tuple[str, ...], start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint(capsys, "--format", "saved-model-v2", *options).startswith(start)


@pytest.mark.parametrize("command", ["edit", "merge"])
def test_a_form_that_a_command_has_not(command: str, tmp_path: Path) -> None:
    done = run_command(command, "a", "b", "--format", "saved-model", cwd=tmp_path)
    assert done.returncode == 2
    assert "invalid choice: 'saved-model'" in done.stderr


def test_files_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    converted(capsys, "saved-model")
    Path("out/m/notes.txt").write_bytes(b"mine")
    text = complaint(capsys, "--format", "saved-model", "--on-existing", "replace")
    assert text == (
        "out/m has 'notes.txt' in it, which would be lost if the directory was replaced; choose "
        "another name"
    )


def test_its_own_input(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out/m").mkdir(parents=True)
    Path("frozen.pb").rename("out/m/saved_model.pb")
    before = Path("out/m/saved_model.pb").read_bytes()
    options = ("--format", "saved-model", "--on-existing", "replace")
    assert main(["convert", "out/m/saved_model.pb", "out/m", *options]) == 1
    assert "has the input itself in it" in capsys.readouterr().err
    assert Path("out/m/saved_model.pb").read_bytes() == before
