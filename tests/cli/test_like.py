"""``pbckpt convert --like``: the table, what is refused, and what is on disk afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.cli.main import main
from tests.cli.graphs import write_dense

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """\
dense.pb in the form of target/m: 1 matched, 1 wrong dtype, 1 wrong shape, 1 missing

status       target        graph         dtype    shape   how   sure  note
matched      dense/bias    dense/bias    float32  [8]     name  1.00  the same name
wrong dtype  global_step   global_step   int32    []      name  1.00  \
int64 to int32: a cast would make it fit
wrong shape  dense/kernel  dense/kernel  float32  [4, 2]  name  1.00  \
the graph has [2, 4]: transposed, it would fit
missing      dense/gamma                 float32  [8]                 \
nearest: dense/bias, dense/kernel
"""
REFUSED = (
    "pbckpt: dense.pb does not fill target/m: 1 missing in the graph; rename, fill with --set, or "
    "say --missing keep or init; 1 of the wrong shape; leave them out of the graph's with "
    "--exclude to have them treated as missing; 1 of the wrong type; cast them with --like-cast\n"
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with the graph and a target that it does not fill."""
    monkeypatch.chdir(tmp_path)
    write_dense(tmp_path / "dense.pb")
    pbckpt.save_checkpoint(
        {
            "dense/kernel": np.zeros((4, 2), np.float32),
            "dense/bias": np.zeros(8, np.float32),
            "dense/gamma": np.full(8, 3, np.float32),
            "global_step": np.array(1, np.int32),
        },
        tmp_path / "target" / "m",
        durability=pbckpt.Durability.NONE,
    )
    return tmp_path


def convert(*options: str) -> int:
    return main(["convert", "dense.pb", "out/m", *options])


def read(prefix: str) -> dict[str, list[float]]:
    return {key: value.tolist() for key, value in pbckpt.load_checkpoint(prefix).items()}


def test_everything_that_is_wrong_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("--like", "target/m") == 1
    out, err = capsys.readouterr()
    assert out == TABLE
    assert err == REFUSED
    assert not (place / "out").exists()


def test_json_of_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("--like", "target/m", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert [one["key"] for one in found["matched"]] == ["dense/bias"]
    assert found["missing"] == [
        {
            "key": "dense/gamma",
            "names": [],
            "dtype": "float32",
            "shape": [8],
            "slices": 0,
            "nearest": ["dense/bias", "dense/kernel"],
        }
    ]
    assert found["wrong_shape"][0]["problem"] == "transposed, it would fit"
    assert found["wrong_dtype"][0]["can_cast"] is True
    assert len(found["problems"]) == 3


def test_what_is_missing_is_kept_or_made() -> None:
    rest = ("--like", "target/m", "--exclude", "dense/kernel", "--like-cast")
    assert convert(*rest, "--missing", "keep") == 0
    kept = read("out/m")
    assert kept == {
        "dense/bias": [0] * 8,
        "dense/gamma": [3] * 8,
        "dense/kernel": [[0, 0]] * 4,
        "global_step": 7,
    }
    assert convert(*rest, "--missing", "init", "--on-existing", "replace") == 0
    assert read("out/m") == kept | {"dense/gamma": [1] * 8}
    with pbckpt.open_checkpoint("out/m") as stored:
        assert stored.info("global_step").dtype is pbckpt.DataType.INT32


def test_a_dry_run_writes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "names.txt").write_text("net/kernel\nnet/bias half [8]\nstep int64 []\n")
    options = ("--like", "names.txt", "--rename", "dense/*=net/\\1", "--set", "step=int64:5")
    assert convert(*options, "--like-cast", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert out == (
        "dense.pb in the form of names.txt: 1 matched, 1 cast, 1 set, 1 left over\n\n"
        "status     target      graph        dtype    shape   how   sure  note\n"
        "matched    net/kernel  net/kernel   float32  [2, 4]  rule  1.00  "
        "renamed from 'dense/kernel'\n"
        "cast       net/bias    net/bias     float16  [8]     rule  1.00  float32 to float16\n"
        "set        step                     int64    []\n"
        "left over              global_step  int64    []\n"
    )
    assert err == (
        "warning: 1 of the graph's has no place in the target: 'global_step'; it is not stored\n"
    )
    assert not (place / "out").exists()


def test_json_of_a_dry_run_and_of_a_conversion(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "names.json").write_text('["net/kernel", "net/bias", "net/global_step"]')
    options = ("--like", "names.json", "--match", "suffix", "--json")
    assert convert(*options, "--dry-run") == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    prefixed = (*options, "--add-prefix", "net/")
    assert convert(*prefixed, "--dry-run") == 0
    dry = json.loads(capsys.readouterr().out)
    assert dry["ok"] is True
    assert convert(*prefixed) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["match"] == {key: dry[key] for key in dry if key != "schema"}
    assert [one["key"] for one in done["variables"]] == [
        "net/bias",
        "net/global_step",
        "net/kernel",
    ]


def test_left_over_as_an_error(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "names.txt").write_text("dense/kernel\ndense/bias\n")
    assert convert("--like", "names.txt", "--left-over", "error") == 1
    assert capsys.readouterr().err == (
        "pbckpt: dense.pb does not fill names.txt: 1 of the graph's has no place in the target; "
        "leave it out with --exclude\n"
    )
    options = ("--exclude", "global_step")
    assert convert("--like", "names.txt", "--left-over", "error", *options) == 0


@pytest.mark.parametrize(
    "options", [("--match", "suffix"), ("--missing", "keep"), ("--like-cast",)], ids=" ".join
)
def test_options_about_a_target_need_one(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(*options) == 1
    assert "give it with --like" in capsys.readouterr().err


def test_a_dry_run_without_a_target(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("--dry-run") == 0
    assert capsys.readouterr().out == (
        "out/m: 3 variables (2 trainable), 72 bytes\n"
        "  2 constants were not taken\n"
        "  nothing was written, as --dry-run says\n"
        "\n"
        "key           node          dtype    shape\n"
        "dense/bias    dense/bias    float32  [8]\n"
        "dense/kernel  dense/kernel  float32  [2, 4]\n"
        "global_step   global_step   int64    []\n"
    )
    assert not (place / "out").exists()
    assert convert("--dry-run", "--json") == 0


def test_what_is_no_target(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("--like", "nothing") == 1
    assert "nothing" in capsys.readouterr().err
    (place / "binary").write_bytes(b"\xff\xfe")
    assert convert("--like", "binary") == 1
    assert capsys.readouterr().err == (
        "pbckpt: binary is no checkpoint, no .meta and no index of names; give one of these, or "
        "the directory of a SavedModel\n"
    )
