"""The command as a person or a script uses it: a process, its output, its status."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pbckpt
from pbckpt.cli.progress import ProgressBar

SAMPLE = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``pbckpt`` in a process of its own."""
    command = [sys.executable, "-m", "pbckpt", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def result_of(*arguments: str | Path, cwd: Path) -> dict[str, Any]:
    done = run(*arguments, "--json", cwd=cwd)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["schema"] == 1
    return found


def test_convert_as_json(tmp_path: Path) -> None:
    found = result_of("convert", SAMPLE, "out/m", cwd=tmp_path)
    assert set(found) == {
        "schema",
        "prefix",
        "files",
        "bytes",
        "variables",
        "added",
        "skipped",
        "warnings",
    }
    assert found["prefix"] == "out/m"
    assert found["files"] == [
        "out/m.data-00000-of-00001",
        "out/m.meta",
        "out/m.index",
        "out/checkpoint",
    ]
    assert (found["bytes"], found["warnings"]) == (1030376, [])
    moving_mean = found["variables"][2]
    assert [one["rule"] for one in moving_mean.pop("evidence")] == ["read_identity", "weight_input"]
    assert moving_mean == {
        "key": "bn1/moving_mean",
        "node": "bn1/moving_mean",
        "dtype": "float32",
        "shape": [16],
        "bytes": 64,
        "trainable": False,
        "role": "moving_mean",
        "rule": "read_identity",
        "reason": "Identity 'bn1/moving_mean/read' reads it, "
        "as freezing leaves a reference variable",
        "value": None,
        "ranges": None,
        "folded": None,
        "parts": None,
    }
    assert len(found["variables"]) == 14
    size = found["skipped"][3]
    assert [one["rule"] for one in size.pop("evidence")] == ["unmarked", "literal", "not_a_number"]
    assert size == {
        "node": "flatten/Reshape/shape/1",
        "dtype": "int32",
        "shape": [],
        "ambiguous": False,
        "role": None,
        "reason": "it is named after its place in Pack 'flatten/Reshape/shape', "
        "as TensorFlow names plain numbers",
        "folded": None,
    }


def test_inspect_as_json(tmp_path: Path) -> None:
    graph = result_of("inspect", SAMPLE, cwd=tmp_path)
    assert (graph["kind"], graph["nodes"], graph["constants"]) == ("graph", 51, 18)
    assert (len(graph["variables"]), len(graph["skipped"])) == (14, 4)
    pbckpt.save_checkpoint({"w": np.float32(1.5), "\udcff": np.int64(1)}, tmp_path / "m")
    for name in ("m", "m.index", "m.data-00000-of-00001", ".", "checkpoint"):
        found = result_of("inspect", name, cwd=tmp_path)
        assert (found["kind"], found["num_shards"]) == ("checkpoint", 1)
        assert found["entries"][0] == {
            "key": "w",
            "dtype": "float32",
            "shape": [],
            "shard": 0,
            "offset": 0,
            "bytes": 4,
            "crc32c": "224302af",
        }
        assert found["entries"][1]["key"] == "\udcff"


def test_verify_as_json(tmp_path: Path) -> None:
    pbckpt.convert(SAMPLE, tmp_path / "m")
    found = result_of("verify", "m", "--against", SAMPLE, cwd=tmp_path)
    assert found == {"schema": 1, "prefix": "m", "ok": True, "checked": 14, "problems": []}
    shard = tmp_path / "m.data-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[3] ^= 1
    shard.write_bytes(data)
    done = run("verify", "m", "--json", cwd=tmp_path)
    assert done.returncode == 1
    (problem,) = json.loads(done.stdout)["problems"]
    assert set(problem) == {"key", "file", "problem"}
    assert (problem["key"], problem["file"]) == ("bn1/beta", "m.data-00000-of-00001")
    assert "checksum of a tensor does not match" in problem["problem"]


def test_verify_against_another_graph(tmp_path: Path) -> None:
    only = pbckpt.Selection(include=("bn*",))
    pbckpt.convert(SAMPLE, tmp_path / "m", selection=only)
    assert run("verify", "m", "--against", SAMPLE, "--include", "bn*", cwd=tmp_path).returncode == 0
    done = run("verify", "m", "--against", SAMPLE, cwd=tmp_path)
    assert done.returncode == 1
    assert (
        "conv1/kernel in m.index: the graph has this variable, the checkpoint does not"
        in done.stdout
    )


def test_the_demo(tmp_path: Path) -> None:
    for _ in range(2):
        done = run("demo", "here", cwd=tmp_path)
        assert done.returncode == 0
        assert "here/model.ckpt: 14 variables (10 trainable), 1.0 MB" in done.stdout
        assert "Next:" in done.stderr
    assert run("demo", "--quiet", cwd=tmp_path).stderr == ""
    assert (tmp_path / "pbckpt-demo" / "model.ckpt.index").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "absent.pb", "m"], "absent.pb: No such file or directory"),
        (["convert", str(SAMPLE), "m[1]"], "cannot restore a checkpoint whose prefix holds ["),
        (["convert", str(SAMPLE), "m", "--exclude", "bn1/gama"], "nearest: bn1/gamma"),
        (["verify", "absent"], "no checkpoint absent: absent.index is not there"),
        (["inspect", "."], "no checkpoint file that names a checkpoint"),
        (["convert", ".", "m"], ".: a directory, but not that of a SavedModel; give the path"),
    ],
)
def test_what_pbckpt_reports_has_status_1(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pbckpt: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [[], ["convert"], ["convert", "a", "b", "--select", "some"], ["melt"]]
)
def test_what_cannot_be_understood_has_status_2(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: pbckpt" in done.stderr


def test_an_existing_checkpoint_is_kept(tmp_path: Path) -> None:
    run("convert", SAMPLE, "m", cwd=tmp_path)
    done = run("convert", SAMPLE, "m", cwd=tmp_path)
    assert done.returncode == 1
    assert "--on-existing replace" in done.stderr
    assert run("convert", SAMPLE, "m", "--on-existing", "replace", cwd=tmp_path).returncode == 0


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    line = f"{sys.executable} -m pbckpt inspect {SAMPLE} | head -n 1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S602 - a pipeline is what this is about
        line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("frozen graph")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--version"], {"numpy", "google.protobuf", "ml_dtypes", "json"}),
        (["convert", str(SAMPLE), "m"], {"numpy", "ml_dtypes", "importlib.metadata"}),
        (["inspect", "m"], {"numpy", "ml_dtypes"}),
        (["verify", "m", "--against", str(SAMPLE)], {"numpy", "ml_dtypes"}),
    ],
)
def test_nothing_heavy_is_imported(arguments: list[str], absent: set[str], tmp_path: Path) -> None:
    pbckpt.convert(SAMPLE, tmp_path / "m", durability=pbckpt.Durability.NONE)
    if arguments[0] == "convert":
        arguments = [*arguments, "--on-existing", "replace"]
    program = (
        "import sys\nfrom pbckpt.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(chr(10) + ' '.join(sys.modules))"
    )
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "pbckpt.cli.main" in loaded
    assert not loaded & absent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """The writer is stopped amid a block; what it began is gone, and nothing was committed."""
    program = (
        "import sys, threading, time\nfrom pbckpt.storage.directory import TemporaryFile\n"
        "def stuck(*_):\n"
        "    if threading.current_thread() is threading.main_thread():\n"
        "        print('writing', flush=True)\n        time.sleep(60)\n"
        "TemporaryFile.write_at = stuck\n"
        "from pbckpt.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "convert", str(SAMPLE), "new/m"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    # One is the shard, the other the .meta.
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".tmp"] * 2
    child.send_signal(number)
    child.communicate(timeout=30)
    assert child.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_the_bar_is_for_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    outside, inside = pty.openpty()
    with os.fdopen(inside, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        bar = ProgressBar("writing", enabled=True)
        bar(1, 4)
        clock[0] = 1.5
        bar(2, 4)
        clock[0] = 3
        bar(4, 4)
        drawn = os.read(outside, 1000).decode()
        while not drawn.endswith("\n"):
            drawn += os.read(outside, 1000).decode()
    os.close(outside)
    assert drawn == (
        "\rwriting [###############               ]  50%"
        "\rwriting [##############################] 100%\r\n"
    )


def test_no_bar_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    bar = ProgressBar("writing", enabled=True)
    clock[0] = 5
    bar(1, 2)
    assert capsys.readouterr().err == ""


def test_public_names() -> None:
    """What the package promises; a change here is a change for users."""
    from pbckpt import api  # noqa: PLC0415

    assert {name for name in api.__all__ if name[0].islower()} == {
        "average",
        "convert",
        "convert_to_saved_model",
        "detect_variables",
        "diff",
        "edit",
        "explain",
        "freeze",
        "inspect",
        "latest_checkpoint",
        "list_variables",
        "load_checkpoint",
        "load_variable",
        "match_target",
        "merge",
        "open_checkpoint",
        "open_graph",
        "pack",
        "partition",
        "read_map",
        "read_state",
        "repair_state",
        "save_checkpoint",
        "score",
        "set_state",
        "unpack",
        "verify",
    }
    for name in api.__all__:
        assert getattr(pbckpt, name) is getattr(api, name)
    assert set(api.__all__) <= set(dir(pbckpt))
    with pytest.raises(AttributeError, match="no attribute 'melt'"):
        _ = pbckpt.melt
