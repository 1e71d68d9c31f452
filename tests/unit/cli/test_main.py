from __future__ import annotations

import argparse
import errno
import io
import os
import signal
from typing import TYPE_CHECKING

import pytest

from pbckpt import api
from pbckpt.api import (
    Durability,
    Edits,
    Ema,
    Format,
    GraphContents,
    Layout,
    Like,
    Limits,
    MatchBy,
    MetaFile,
    Names,
    NotCommittedError,
    OnExisting,
    OnLeftOver,
    OnMissing,
    Partitions,
    PathError,
    PbckptError,
    Quantized,
    Report,
    Select,
    Selection,
    Thaw,
    Values,
    VariableKind,
    VerifyReport,
)
from pbckpt.cli.arguments import build_parser
from pbckpt.cli.main import main
from pbckpt.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMANDS = (
    "convert",
    "edit",
    "merge",
    "average",
    "diff",
    "pack",
    "unpack",
    "state",
    "inspect",
    "verify",
    "demo",
)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Give the tests' own process its signal handlers back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class Spy:
    """Stands for a function of the library; keeps what it was asked."""

    def __init__(self, result: object) -> None:
        self.calls: list[tuple[tuple[object, ...], dict[str, object]]] = []
        self._result = result

    def __call__(self, *arguments: object, **options: object) -> object:
        self.calls.append((arguments, options))
        return self._result


def raising(error: BaseException) -> Callable[..., object]:
    def fail(*arguments: object, **options: object) -> object:  # noqa: ARG001
        raise error

    return fail


# What was typed


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr() == (f"pbckpt {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_goes_to_stdout(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    shown = capsys.readouterr()
    assert ended.value.code == 0
    assert shown.out.startswith(f"usage: pbckpt {arguments[0] if len(arguments) > 1 else '[-h]'}")
    assert shown.err == ""


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["--quiet"],
        ["convert"],
        ["convert", "in.pb"],
        ["convert", "in.pb", "out", "more"],
        ["convert", "in.pb", "out", "--on-existing", "ask"],
        ["convert", "in.pb", "out", "--durability", "some"],
        ["convert", "in.pb", "out", "--select", "some"],
        ["convert", "in.pb", "out", "--max-expanded-bytes", "much"],
        ["convert", "in.pb", "out", "--include"],
        ["inspect"],
        ["inspect", "a", "b"],
        ["inspect", "a", "--against", "b"],
        ["verify"],
        ["demo", "a", "b"],
    ],
)
def test_what_cannot_be_understood_is_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert shown.out == ""
    assert shown.err.startswith("usage: pbckpt")
    assert "error: " in shown.err


def test_what_is_not_said_has_a_default() -> None:
    assert build_parser().parse_args(["convert", "in.pb", "out/m"]) == argparse.Namespace(
        command="convert",
        input="in.pb",
        prefix="out/m",
        tags=None,
        select="auto",
        include=[],
        exclude=[],
        take=[],
        quantized="float",
        partitions=None,
        tensor=[],
        names="graph",
        drop_slots=False,
        ema=None,
        renames=None,
        strip_prefix="",
        add_prefix="",
        cast=[],
        set=[],
        like=None,
        match="name",
        missing="error",
        left_over="warn",
        like_cast=False,
        format=None,
        save_counter=None,
        shards=None,
        max_shard_size=None,
        meta=None,
        variables="resource",
        inputs=(),
        outputs=(),
        on_existing="refuse",
        durability="full",
        max_expanded_bytes=None,
        dry_run=False,
        json=False,
        quiet=False,
    )
    assert build_parser().parse_args(["demo"]).directory == "pbckpt-demo"
    assert build_parser().parse_args(["verify", "m"]).against is None


def test_every_option_reaches_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(Report("out/m", (), 0, (), (), ()))
    monkeypatch.setattr(api, "convert", spy)
    options = (
        "--select all --include a --include b --exclude c --take d --take e --on-existing replace "
        "--durability none --max-expanded-bytes 5 --json --quiet --drop-slots --ema to-raw "
        "--rename f=g --rename h=i --strip-prefix j --add-prefix k --cast l=half --set m=int8:1 "
        "--format both --save-counter 2 --max-shard-size 2GB --tags serve,gpu "
        "--like t --match suffix --missing init --left-over error --like-cast --dry-run "
        "--quantized stored --partitions parts --tensor n --tensor o:1 --names keras "
        "--no-meta --variables ref"
    )
    assert main(["convert", "in.pb", "out/m", *options.split()]) == 0
    [(arguments, named)] = spy.calls
    named.pop("progress")
    assert arguments == ("in.pb", "out/m")
    assert named == {
        "selection": Selection(Select.ALL, ("a", "b"), ("c",), ("d", "e")),
        "edits": Edits(
            drop_slots=True,
            ema=Ema.TO_RAW,
            renames=("f=g", "h=i"),
            strip_prefix="j",
            add_prefix="k",
            casts=("l=half",),
            settings=("m=int8:1",),
        ),
        "layout": Layout(Format.BOTH, max_shard_bytes=2_000_000_000, save_counter=2),
        "on_existing": OnExisting.REPLACE,
        "durability": Durability.NONE,
        "limits": Limits(max_expanded_bytes=5),
        "tags": ("serve", "gpu"),
        "like": Like("t", MatchBy.SUFFIX, OnMissing.INIT, OnLeftOver.ERROR, cast=True),
        "dry_run": True,
        "values": Values(Quantized.STORED, Partitions.PARTS, ("n", "o:1"), Names.KERAS),
        "thaw": Thaw(MetaFile.NONE, VariableKind.REF),
    }


def test_without_options_the_library_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(Report("out/m", (), 0, (), (), ()))
    monkeypatch.setattr(api, "convert", spy)
    assert main(["convert", "in.pb", "out/m"]) == 0
    named = spy.calls[0][1]
    named.pop("progress")
    assert named == {
        "selection": Selection(),
        "edits": None,
        "layout": None,
        "on_existing": OnExisting.REFUSE,
        "durability": Durability.FULL,
        "limits": Limits(),
        "tags": None,
        "like": None,
        "dry_run": False,
        "values": Values(),
        "thaw": Thaw(),
    }


def test_a_meta_file_can_be_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(Report("out/m", (), 0, (), (), ()))
    monkeypatch.setattr(api, "convert", spy)
    assert main(["convert", "in.pb", "out/m", "--meta"]) == 0
    assert spy.calls[0][1]["thaw"] == Thaw(MetaFile.REQUIRED, VariableKind.RESOURCE)


def test_verify_passes_on_what_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(VerifyReport("m", 0, ()))
    monkeypatch.setattr(api, "verify", spy)
    assert main(["verify", "m", "--against", "in.pb", "--exclude", "x", "--tags", "gpu"]) == 0
    assert spy.calls == [
        (
            ("m",),
            {
                "against": "in.pb",
                "selection": Selection(exclude=("x",)),
                "edits": None,
                "limits": Limits(),
                "tags": ("gpu",),
                "values": Values(),
            },
        ),
    ]


def test_inspect_passes_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(GraphContents("in.pb", 0, 0, (), ()))
    monkeypatch.setattr(api, "inspect", spy)
    assert main(["inspect", "in.pb"]) == 0
    assert main(["inspect", "in.pb", "--tags", ""]) == 0
    assert main(["inspect", "in.pb", "--quantized", "stored", "--partitions", "parts"]) == 0
    stored = api.Values(api.Quantized.STORED, api.Partitions.PARTS)
    assert spy.calls == [
        (("in.pb",), {"tags": None, "values": api.Values()}),
        (("in.pb",), {"tags": (), "values": api.Values()}),
        (("in.pb",), {"tags": None, "values": stored}),
    ]


# How it ends


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PbckptError("a fact; a next step"), "pbckpt: a fact; a next step\n"),
        (PathError("no"), "pbckpt: no\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.pb"), "pbckpt: x.pb: No such file\n"),
        (OSError(errno.EIO, "Input/output error"), "pbckpt: Input/output error\n"),
        (OSError("odd"), "pbckpt: odd\n"),
    ],
)
def test_what_is_reported_is_a_line_and_status_1(
    error: Exception,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(api, "inspect", raising(error))
    assert main(["inspect", "x.pb"]) == 1
    assert capsys.readouterr() == ("", line)


def test_what_was_not_committed_names_the_checkpoint_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = NotCommittedError(errno.ENOSPC, "checkpoint out/m was not written: full", "out/m")
    monkeypatch.setattr(api, "convert", raising(error))
    assert main(["convert", "in.pb", "out/m"]) == 1
    assert capsys.readouterr() == ("", "pbckpt: checkpoint out/m was not written: full\n")


def test_an_interrupt_is_a_line_and_the_status_of_the_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "inspect", raising(KeyboardInterrupt()))
    assert main(["inspect", "x.pb"]) == 130
    assert capsys.readouterr() == ("", "pbckpt: interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals here")
def test_a_request_to_end_unwinds(monkeypatch: pytest.MonkeyPatch) -> None:
    unwound = []

    def ask_to_end(path: str, *, tags: None, values: object) -> object:  # noqa: ARG001
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass
        finally:
            unwound.append(True)
        return None

    monkeypatch.setattr(api, "inspect", ask_to_end)
    with pytest.raises(SystemExit) as ended:
        main(["inspect", "x.pb"])
    assert ended.value.code == 143
    assert unwound == [True]


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "inspect", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["inspect", "x.pb"])


# What is shown


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "café: ".encode()), ("ascii", b"caf\\xe9: "), ("latin-1", b"caf\xe9: ")],
)
def test_what_the_terminal_cannot_show_is_escaped(
    encoding: str, shown: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(screen, encoding))
    monkeypatch.setattr(api, "verify", Spy(VerifyReport("café", 0, ())))
    assert main(["verify", "café"]) == 0
    assert screen.getvalue().startswith(shown)


def test_without_an_output_there_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A process can be started with its output closed."""
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr(api, "verify", Spy(VerifyReport("m", 0, ())))
    assert main(["verify", str(tmp_path)]) in (0, 1)
