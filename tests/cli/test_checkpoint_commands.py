"""The commands that make checkpoints of checkpoints, as users call them."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pbckpt
from pbckpt.cli.main import main
from tests.cli.graphs import run_command, write_dense

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[1] / "golden"
FAST = pbckpt.Durability.NONE
# What the commands that write take beside their own options.
SELECTION = {"--include", "--exclude", "--take"}
EDITS = {
    "--drop-slots",
    "--ema",
    "--map",
    "--rename",
    "--strip-prefix",
    "--add-prefix",
    "--cast",
    "--set",
}
LAYOUT = {"--format", "--save-counter", "--shards", "--max-shard-size"}
OUTPUT = {"--on-existing", "--durability"}
EVERY = {"--help", "--json", "--quiet"}
OPTIONS = {
    "edit": {*SELECTION, *EDITS, *LAYOUT, *OUTPUT, "--join-slices", "--dry-run"},
    "merge": {*LAYOUT, *OUTPUT, "--prefer"},
    "average": OUTPUT,
    "diff": set(),
    "pack": {*SELECTION, *EDITS, *LAYOUT, *OUTPUT, "--dry-run"},
    "unpack": {*SELECTION, *EDITS, *OUTPUT, "--dry-run"},
    "state": {"--set", "--repair", "--durability"},
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work among two checkpoints, and give the tests' process its handlers back."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    save(
        "in/m",
        {
            "model/b": np.array([1, 2], np.float32),
            "model/w": np.array([[1, 2], [3, 4]], np.float32),
            "step": np.int64(3),
        },
    )
    save(
        "in/n",
        {
            "model/b": np.array([1, 2], np.float32),
            "model/w": np.array([[1, 2], [3, 5]], np.float32),
            "x": np.int64(3),
        },
    )
    yield
    signal.signal(signal.SIGTERM, before)


def save(prefix: str, tensors: dict[str, Any]) -> None:
    pbckpt.save_checkpoint(tensors, prefix, durability=FAST)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command that has nothing to tell; return its result."""
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def result(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """Run a command with --json; return its object."""
    found: dict[str, Any] = json.loads(shown(capsys, *arguments, "--json", status=status))
    assert found.pop("schema") == 1
    return found


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that fails; return its one line."""
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pbckpt: ")
    assert err.count("\n") == 1
    return err.removeprefix("pbckpt: ").removesuffix("\n")


def misuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that cannot be understood; return the last line."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


def keys(prefix: str) -> list[str]:
    return [key for key, _ in pbckpt.list_variables(prefix)]


def listing(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def row(old: str, new: str, dtype: str, shape: list[int]) -> dict[str, Any]:
    return {"old": old, "new": new, "dtype": dtype, "shape": shape}


# Help and usage.


@pytest.mark.parametrize("command", OPTIONS)
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: pbckpt {command} [-h]")
    # A line may end within an option, behind a hyphen.
    options = set(re.findall(r"--[a-z-]+", text.replace("-\n", "-")))
    assert options == OPTIONS[command] | EVERY
    assert ("Order:" in text) == ("--rename" in OPTIONS[command])


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for command in OPTIONS:
        assert f"\n    {command} " in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["edit", "in/m"], "pbckpt edit: error: the following arguments are required: OUT"),
        (["merge", "in/m"], "pbckpt merge: error: the following arguments are required: OUT"),
        (["average"], "the following arguments are required: IN, OUT"),
        (["diff", "in/m"], "the following arguments are required: B"),
        (["edit", "in/m", "o", "--max-shard-size", "2XB"], "invalid size value: '2XB'"),
        (["edit", "in/m", "o", "--shards", "-1"], "argument --shards: "),
        (["edit", "in/m", "o", "--shards", "many"], "invalid number value: 'many'"),
        (["edit", "in/m", "o", "--format", "json"], "argument --format: invalid choice: 'json'"),
        (["edit", "in/m", "o", "--ema", "raw"], "argument --ema: invalid choice: 'raw'"),
        (["merge", "in/m", "o", "--prefer", "both"], "argument --prefer: invalid choice"),
        (["merge", "in/m", "o", "--rename", "a=b"], "unrecognized arguments: --rename a=b"),
        (["unpack", "in/m", "o.npz", "--shards", "2"], "unrecognized arguments: --shards 2"),
        (["edit", "in/m", "o", "--select", "all"], "unrecognized arguments: --select"),
        (["state", "--set", "m", "--repair"], "--repair: not allowed with argument --set"),
        (["remove", "in/m"], "invalid choice: 'remove'"),
    ],
)
def test_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in misuse(capsys, *arguments)
    assert listing(".") == ["in"]


# edit


def test_edit(capsys: pytest.CaptureFixture[str]) -> None:
    edits = ("--rename", r"model/*=net/\1", "--exclude", "step", "--set", "n=int64:1")
    assert shown(capsys, "edit", "in/m", "out/m", *edits) == (
        "out/m: 3 tensors (2 renamed, 1 left out), 32 bytes\n"
        "  wrote out/m.data-00000-of-00001\n"
        "  wrote out/m.index\n"
        "  wrote out/checkpoint\n"
    )
    assert keys("out/m") == ["n", "net/b", "net/w"]


def test_edit_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    edits = (
        "--cast",
        "*/w=float16",
        "--drop-slots",
        "--include",
        "re:.*[bw]",
        "--set",
        "t=bool:true",
    )
    refused = complaint(capsys, "edit", "in/m", "out/m", *edits)
    assert refused == "--drop-slots matches nothing: no tensor is known as an optimizer's"
    others = [one for one in edits if one != "--drop-slots"]
    assert result(capsys, "edit", "in/m", "out/m", *others) == {
        "prefix": "out/m",
        "files": ["out/m.data-00000-of-00001", "out/m.index", "out/checkpoint"],
        "bytes": 17,
        "tensors": [
            row("model/b", "model/b", "float32", [2]),
            row("model/w", "model/w", "float16", [2, 2]),
            row("", "t", "bool", []),
        ],
        "dropped": [{"name": "step", "reason": "matches no --include pattern"}],
        "warnings": [],
    }


def test_dry_run_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    edits = ("--rename", r"model/*=net/\1", "--exclude", "step", "--set", "n=int64:1")
    assert shown(capsys, "edit", "in/m", "out/m", *edits, "--dry-run") == (
        "out/m: would hold 3 tensors, 24 bytes as they are now\n"
        "\n"
        "old      new    dtype    shape\n"
        "model/b  net/b  float32  [2]\n"
        "model/w  net/w  float32  [2, 2]\n"
        "(set)    n      int64    []\n"
        "\n"
        "left out:\n"
        "name  reason\n"
        "step  matches --exclude 'step'\n"
    )
    planned = result(capsys, "edit", "in/m", "out/m", *edits, "--dry-run")
    assert (planned["files"], planned["bytes"]) == ([], 24)
    assert planned["tensors"][0] == row("model/b", "net/b", "float32", [2])
    assert listing(".") == ["in"]


def test_maps_and_renames_in_the_order_given(capsys: pytest.CaptureFixture[str]) -> None:
    Path("map.csv").write_text("model/b,a\nmodel/w,b\n")
    Path("map.json").write_text('{"a": "b", "b": "a"}')
    options = (
        *("--rename", "step=model/step", "--map", "map.csv", "--map", "map.json"),
        *("--rename", "a=z", "--strip-prefix", "model/", "--add-prefix", "new/"),
    )
    shown(capsys, "edit", "in/m", "out/m", *options)
    assert keys("out/m") == ["new/b", "new/step", "new/z"]
    assert pbckpt.load_variable("out/m", "new/b").tolist() == [1, 2]
    refused = complaint(capsys, "edit", "in/m", "out/n", "--rename", "a=z", "--map", "map.csv")
    assert refused.startswith("--rename matches nothing: 'a'")


def test_sizes_and_shards(capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "edit", "in/m", "out/m", "--shards", "2")
    two = ["m.data-00000-of-00002", "m.data-00001-of-00002"]
    assert listing("out") == ["checkpoint", *two, "m.index"]
    for number, size in enumerate(("16", "0.016kB", "16B", "16 b")):
        shown(capsys, "edit", "in/m", f"size{number}/m", "--max-shard-size", size)
        assert listing(f"size{number}") == listing("out")
    shown(capsys, "edit", "in/m", "large/m", "--max-shard-size", "2GiB")
    assert listing("large") == ["checkpoint", "m.data-00000-of-00001", "m.index"]
    refused = complaint(capsys, "edit", "in/m", "out/n", "--shards", "2", "--max-shard-size", "2GB")
    assert "--shards" in refused
    assert "--max-shard-size" in refused
    assert "--shards" in complaint(capsys, "edit", "in/m", "out/n", "--shards", "0")


def test_forms(capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "edit", "in/m", "out/m", "--format", "both", "--save-counter", "2")
    assert "step" in keys("out/m")
    assert "model.Sb/.ATTRIBUTES/VARIABLE_VALUE" in keys("out/m")
    assert "save_counter/.ATTRIBUTES/VARIABLE_VALUE" in keys("out/m")
    shown(capsys, "edit", "out/m", "out/n", "--format", "name")
    assert keys("out/n") == keys("in/m")
    shown(capsys, "edit", "out/m", "out/o", "--format", "object")
    assert "step" not in keys("out/o")


def test_slices_are_joined(capsys: pytest.CaptureFixture[str]) -> None:
    source = str(GOLDEN / "tf2" / "partitioned" / "ckpt")
    shown(capsys, "edit", source, "out/m", "--join-slices")
    assert "slices" not in shown(capsys, "inspect", "out/m")
    assert "11 slices" in shown(capsys, "inspect", source)


def test_edit_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    rename = ("--rename", "step=global_step")
    assert complaint(capsys, "edit", "in/m", "in/m", *rename) == (
        "checkpoint in/m exists already; choose another prefix, or allow it with "
        "--on-existing replace (on_existing=OnExisting.REPLACE)"
    )
    shown(capsys, "edit", "in/m", "in/m", *rename, "--on-existing", "replace")
    assert keys("in/m") == ["global_step", "model/b", "model/w"]


def test_warnings_are_not_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/m.meta").write_bytes(b"graph")
    assert main(["edit", "in/m", "out/m"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("out/m: 3 tensors, 32 bytes\n")
    assert err == (
        "warning: out/m.meta was there before and describes another checkpoint's graph\n"
    )
    options = ("--on-existing", "replace", "--quiet")
    assert len(result(capsys, "edit", "in/m", "out/m", *options)["warnings"]) == 1


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "edit", "in/x", "out/m").startswith("no checkpoint in/x: ")
    assert complaint(capsys, "edit", "in/m", "out/m", "--map", "no.csv") == (
        "no.csv: No such file or directory"
    )


# merge and average


def test_merge(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "merge", "in/m", "in/n", "out/m") == (
        "several checkpoints have the same keys: 'model/b' in in/m and in/n; "
        "'model/w' in in/m and in/n; rename or leave out with pbckpt edit, or say whose count "
        "with --prefer first or last"
    )
    assert shown(capsys, "merge", "in/m", "in/n", "out/m", "--prefer", "first") == (
        "out/m: 40 bytes\n"
        "  wrote out/m.data-00000-of-00001\n"
        "  wrote out/m.index\n"
        "  wrote out/checkpoint\n"
    )
    assert pbckpt.load_variable("out/m", "model/w").tolist() == [[1, 2], [3, 4]]
    last = result(capsys, "merge", "in/m", "in/n", "out/n", "--prefer", "last", "--shards", "2")
    two = ["out/n.data-00000-of-00002", "out/n.data-00001-of-00002"]
    assert last == {
        "prefix": "out/n",
        "files": [*two, "out/n.index", "out/checkpoint"],
        "bytes": 40,
        "warnings": [],
    }
    assert pbckpt.load_variable("out/n", "model/w").tolist() == [[1, 2], [3, 5]]


def test_average(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "average", "in/m", "in/n", "out/m") == (
        "checkpoints that cannot be averaged with in/m: 'step' is missing in in/n; "
        "'x' is only in in/n"
    )
    shown(capsys, "edit", "in/n", "in/o", "--rename", "x=step")
    shown(capsys, "average", "in/m", "in/o", "out/m")
    assert pbckpt.load_variable("out/m", "model/w").tolist() == [[1, 2], [3, 4.5]]
    assert result(capsys, "average", "in/m", "out/n") == {
        "prefix": "out/n",
        "files": ["out/n.data-00000-of-00001", "out/n.index", "out/checkpoint"],
        "bytes": 32,
        "warnings": [],
    }


# diff


def test_diff(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "diff", "in/m", "in/m") == "in/m and in/m: 3 tensors the same\n"
    assert shown(capsys, "diff", "in/m", "in/n", status=1) == (
        "in/m and in/n: 1 tensor the same, 3 not\n"
        "\n"
        "key      differs in          first           second          elements  max abs  max rel\n"
        "model/w  values              float32 [2, 2]  float32 [2, 2]  1         1        0.2\n"
        "step     only in the first   int64 []        -\n"
        "x        only in the second  -               int64 []\n"
    )


def test_diff_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    save("a", {"w": np.array([np.nan, 1], np.float32), "s": np.array([b"x"], object)})
    save("b", {"w": np.array([1, 1], np.float32), "s": np.array([b"y"], object)})
    assert result(capsys, "diff", "a", "b", status=1) == {
        "first": "a",
        "second": "b",
        "same": 0,
        "differences": [
            {
                "key": "s",
                "kind": "values",
                "first": "string [1]",
                "second": "string [1]",
                "elements": 1,
                "max_abs": None,
                "max_rel": None,
            },
            {
                "key": "w",
                "kind": "values",
                "first": "float32 [2]",
                "second": "float32 [2]",
                "elements": 1,
                "max_abs": "inf",
                "max_rel": "inf",
            },
        ],
    }
    same = {"first": "a", "second": "a", "same": 2, "differences": []}
    assert result(capsys, "diff", "a", "a") == same


# pack and unpack


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_unpack_and_pack(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    archive = f"out/m{ending}"
    assert shown(capsys, "unpack", "in/m", archive) == (
        f"{archive}: 3 tensors, 32 bytes\n  wrote {archive}\n"
    )
    assert complaint(capsys, "unpack", "in/m", archive).startswith(f"{archive} exists already")
    shown(capsys, "unpack", "in/m", archive, "--on-existing", "replace")
    assert shown(capsys, "pack", archive, "back/m") == (
        "back/m: 3 tensors, 32 bytes\n"
        "  wrote back/m.data-00000-of-00001\n"
        "  wrote back/m.index\n"
        "  wrote back/checkpoint\n"
    )
    for name in ("m.index", "m.data-00000-of-00001"):
        assert Path("back", name).read_bytes() == Path("in", name).read_bytes()


def test_unpack_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    edits = ("--include", "model/*", "--strip-prefix", "model/", "--cast", "b=float64")
    found = result(capsys, "unpack", "in/m", "out/m.npz", *edits)
    assert found == {
        "prefix": "out/m.npz",
        "files": ["out/m.npz"],
        "bytes": 24,
        "tensors": [
            row("model/b", "b", "float64", [2]),
            row("model/w", "w", "float32", [2, 2]),
        ],
        "dropped": [{"name": "step", "reason": "matches no --include pattern"}],
        "warnings": [],
    }
    with np.load("out/m.npz") as archive:
        assert archive["b"].dtype == np.float64


def test_dry_runs_of_pack_and_unpack(capsys: pytest.CaptureFixture[str]) -> None:
    planned = shown(capsys, "unpack", "in/m", "out/m.npz", "--dry-run", "--rename", "step=s")
    assert "step     s        int64    []\n" in planned
    assert listing(".") == ["in"]
    shown(capsys, "unpack", "in/m", "m.npz")
    planned = shown(capsys, "pack", "m.npz", "out/m", "--dry-run", "--exclude", "model/*")
    assert planned.startswith("out/m: would hold 1 tensor, 8 bytes as they are now\n")
    assert listing(".") == ["in", "m.npz"]


def test_pack_takes_a_state_of_pytorch(capsys: pytest.CaptureFixture[str]) -> None:
    source = str(GOLDEN / "torch" / "state.safetensors")
    options = (
        *("--rename", r"re:(\w+)\.(\w+)=\1/\2", "--exclude", "other.*", "--format", "both"),
        *("--save-counter", "1", "--set", "global_step=int64:7"),
    )
    found = result(capsys, "pack", source, "out/m", *options)
    assert row("conv.weight", "conv/weight", "float32", [3, 2, 3, 2]) in found["tensors"]
    assert pbckpt.load_variable("out/m", "global_step") == 7
    # At a save_counter, Saver does not look.
    assert pbckpt.load_variable("out/m", "save_counter/.ATTRIBUTES/VARIABLE_VALUE") == 1


def test_archives_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    message = "out/m.zip: the archive's name ends with .npz or .safetensors"
    assert complaint(capsys, "unpack", "in/m", "out/m.zip") == message
    assert complaint(capsys, "pack", "no.npz", "out/m") == "no.npz: No such file or directory"
    save("s", {"s": np.array([b"x"], object)})
    assert complaint(capsys, "unpack", "s", "s.safetensors").startswith(
        ".safetensors has no type for 's' (string)"
    )


# state


def test_state(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table = "\n\nlisted  is there\n{}       yes\n{}       yes\n".format
    assert shown(capsys, "state", "in") == "latest: n" + table("m", "n")
    assert shown(capsys, "state", "in", "--set", "m") == "latest: m" + table("n", "m")
    assert result(capsys, "state", "in", "--set", "in/n") == {
        "directory": "in",
        "latest": "n",
        "checkpoints": [{"path": "m", "exists": True}, {"path": "n", "exists": True}],
    }
    monkeypatch.chdir("in")
    assert shown(capsys, "state") == "latest: n" + table("m", "n")


def test_state_repairs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/checkpoint").write_text(
        'model_checkpoint_path: "/gone/n"\n'
        'all_model_checkpoint_paths: "/gone/x"\nall_model_checkpoint_paths: "/gone/n"\n'
    )
    assert shown(capsys, "state", "in") == (
        "latest: /gone/n\n\nlisted   is there\n/gone/x  no\n/gone/n  no\n"
    )
    only = "latest: n\n\nlisted  is there\nn       yes\n"
    assert shown(capsys, "state", "in", "--repair") == only
    assert Path("in/checkpoint").read_text() == (
        'model_checkpoint_path: "n"\nall_model_checkpoint_paths: "n"\n'
    )
    Path("in/checkpoint").write_text("junk {{")
    assert complaint(capsys, "state", "in") == (
        "in/checkpoint: not the text form of a checkpoint state at byte 6; "
        "remove or repair the file"
    )
    assert shown(capsys, "state", "in", "--repair").endswith("m       yes\nn       yes\n")


def test_state_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "state", "nothing").startswith("nothing: no such directory")
    Path("empty").mkdir()
    assert "pbckpt state --repair" in complaint(capsys, "state", "empty")
    assert "nothing to repair" in complaint(capsys, "state", "empty", "--repair")
    message = complaint(capsys, "state", "in", "--set", "x")
    assert message == "no checkpoint x: in/x.index is not there"


# As convert takes them, and as a process.


def test_convert_takes_edits_and_layouts(capsys: pytest.CaptureFixture[str]) -> None:
    write_dense(Path("dense.pb"))
    options = (
        *("--rename", r"dense/*=model/\1", "--cast", "*/kernel=float16", "--shards", "2"),
        *("--set", "new=bool:true", "--format", "both", "--exclude", "global_step"),
    )
    shown(capsys, "convert", "dense.pb", "out/m", *options)
    assert [key for key in keys("out/m") if "ATTRIBUTES" not in key] == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "model/bias",
        "model/kernel",
        "new",
    ]
    assert pbckpt.load_variable("out/m", "model/kernel").dtype == np.float16
    assert "m.data-00001-of-00002" in listing("out")


def test_verify_takes_the_edits_of_convert(capsys: pytest.CaptureFixture[str]) -> None:
    write_dense(Path("dense.pb"))
    edits = ("--add-prefix", "net/", "--set", "new=bool:true")
    shown(capsys, "convert", "dense.pb", "out/m", *edits)
    assert main(["verify", "out/m", "--against", "dense.pb"]) == 1
    capsys.readouterr()
    checked = shown(capsys, "verify", "out/m", "--against", "dense.pb", *edits)
    assert checked == "out/m: 4 tensors checked, no problem found\n"


def test_the_process(tmp_path: Path) -> None:
    def status(*arguments: str) -> int:
        return run_command(*arguments, cwd=tmp_path).returncode

    rename = ("--rename", "step=global_step")
    done = run_command("edit", "in/m", "out/m", *rename, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "out/m: 3 tensors (1 renamed), 32 bytes"
    assert status("diff", "in/m", "in/m") == 0
    assert status("diff", "in/m", "out/m") == 1
    assert status("diff", "in/m", "nothing") == 2
    assert status("diff", "in/m") == 2
