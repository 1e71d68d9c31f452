from __future__ import annotations

import json
import mmap
import os
import sys
from typing import TYPE_CHECKING

import pytest

from pbckpt import convert, list_variables, verify
from pbckpt.protos import GraphDef
from tools.bench.__main__ import main
from tools.bench.graphs import SIZES, Perceptron, write_graph
from tools.bench.measure import (
    Command,
    MeasureError,
    Pairs,
    Run,
    Spread,
    measure,
    measure_pairs,
    spread,
)
from tools.bench.peers import find_peers
from tools.bench.ready import touch

if TYPE_CHECKING:
    from pathlib import Path

TENSORFLOW_READS_BELOW = 1 << 31

needs_posix = pytest.mark.skipif(os.name == "nt", reason="memory is measured with wait4")


def python(tmp_path: Path, script: str, *arguments: str) -> Command:
    return Command("a script", (sys.executable, "-c", script, *arguments), tmp_path / "outputs")


def test_a_graph_converts_and_verifies(tmp_path: Path) -> None:
    source, prefix = tmp_path / "graph.pb", tmp_path / "model.ckpt"
    write_graph(Perceptron(layers=2, width=3), source)
    convert(source, prefix)
    assert verify(prefix, against=source).ok
    assert [(name, tuple(shape)) for name, shape in list_variables(prefix)] == [
        ("layer_0/bias", (3,)),
        ("layer_0/kernel", (3, 3)),
        ("layer_1/bias", (3,)),
        ("layer_1/kernel", (3, 3)),
    ]


def test_a_graph_is_one_that_protobuf_reads_with_all_its_edges(tmp_path: Path) -> None:
    write_graph(Perceptron(layers=3, width=2), tmp_path / "graph.pb")
    graph = GraphDef.FromString((tmp_path / "graph.pb").read_bytes())
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    assert {name for node in graph.node for name in node.input} <= set(names)
    assert sum(node.op == "Const" for node in graph.node) == 6


def test_a_graph_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("first.pb", "second.pb"):
        write_graph(Perceptron(layers=2, width=600, has_bias=False), tmp_path / name)
    assert (tmp_path / "first.pb").read_bytes() == (tmp_path / "second.pb").read_bytes()


@pytest.mark.parametrize(
    ("size", "variables", "nbytes"),
    [
        ("1MB", 8, 1_000_000),
        ("100MB", 50, 100_000_000),
        ("1.6GB", 50, 1_600_000_000),
        ("20k", 20_000, 20_000 * 64 * 4),
    ],
)
def test_sizes_are_what_their_names_say(size: str, variables: int, nbytes: int) -> None:
    perceptron = SIZES[size]
    assert perceptron.num_variables == variables
    assert nbytes <= perceptron.nbytes < 1.06 * nbytes < TENSORFLOW_READS_BELOW


@needs_posix
def test_two_commands_run_by_turns_after_a_warm_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import sys; print(sys.argv[2], end='', file=open(sys.argv[1], 'a'))"
    first, second = (python(tmp_path, script, str(log), letter) for letter in "AB")
    pairs = measure_pairs(first, second, 2)
    assert log.read_text(encoding="utf-8") == "ABABAB"
    assert len(pairs.ours) == len(pairs.theirs) == len(pairs.ratios) == 2


@needs_posix
def test_every_run_finds_an_empty_folder_and_leaves_none(tmp_path: Path) -> None:
    command = python(
        tmp_path, "import sys; open(sys.argv[1], 'x')", str(tmp_path / "outputs" / "it")
    )
    measure(command)
    measure(command)
    assert not command.outputs.exists()


@needs_posix
def test_the_peak_is_that_of_the_command_and_not_of_who_runs_it(tmp_path: Path) -> None:
    held_by_us = b"x" * (100 << 20)
    small = measure(python(tmp_path, "pass"))
    large = measure(python(tmp_path, "b'x' * (60 << 20)"))
    assert small.peak_bytes < 60 << 20 < large.peak_bytes < len(held_by_us)


@needs_posix
def test_a_command_that_fails_is_an_error_with_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="a script: exit status 3: sorry"):
        measure(python(tmp_path, "import sys; print('sorry', file=sys.stderr); sys.exit(3)"))


@needs_posix
def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    command = Command("nothing", (str(tmp_path / "nothing"),), tmp_path / "outputs")
    with pytest.raises(MeasureError, match=r"nothing: .*No such file"):
        measure(command)


@needs_posix
def test_a_command_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="not done after"):
        measure(python(tmp_path, "import time; time.sleep(600)"), limit=0.2)


def test_ratios_are_taken_pair_by_pair() -> None:
    pairs = Pairs((Run(1.0, 0), Run(9.0, 0), Run(2.0, 0)), (Run(2.0, 0), Run(3.0, 0), Run(2.0, 0)))
    assert pairs.ratios == (0.5, 3.0, 1.0)
    assert spread(pairs.ratios) == Spread(1.0, 0.5, 3.0)


def test_what_tensorflow_needs_may_be_missing(tmp_path: Path) -> None:
    assert find_peers(tmp_path, []).skipped == (
        "TensorFlow: no interpreter given, see --tensorflow",
    )
    assert find_peers(tmp_path / "none", ["python"]).skipped == (
        "TensorFlow: no folder of peer scripts, see --peers",
    )
    nobody = str(tmp_path / "nobody")
    assert find_peers(tmp_path, [nobody]).skipped == (f"{nobody}: cannot import tensorflow",)


@needs_posix
def test_an_interpreter_gets_the_scripts_for_its_tensorflow(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho 2.21.0\n", encoding="utf-8")
    interpreter.chmod(0o755)
    (tmp_path / "peer_raw.py").touch()
    peers = find_peers(tmp_path, [str(interpreter)])
    assert [peer.label for peer in peers.found] == ["TensorFlow 2.21.0, raw"]
    assert peers.skipped == ("peer_values.py: not in the folder of peer scripts",)


@needs_posix
def test_the_program_measures_and_cleans_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--only", "graphs", "--sizes", "1MB", "--runs", "1", "--dir", str(tmp_path)]
    assert main([*options, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert [result["what"] for result in results["comparisons"]] == [
        "no waiting",
        "durable",
        ".meta",
        "start-up",
    ]
    assert results["not_measured"] == ["TensorFlow: no interpreter given, see --tensorflow"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "option",
    ["--sizes=2MB", "--runs=0", "--runs=many", "--only=it", "--scale=0", "--scale=2"],
)
def test_a_command_line_without_sense_is_refused(option: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([option])


@pytest.mark.skipif(not hasattr(mmap, "MAP_POPULATE"), reason="Linux alone can")
@pytest.mark.parametrize("nbytes", [0, 1 << 20, 1 << 60])
def test_memory_is_made_ready_as_far_as_there_is_any(
    nbytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    class Taken:
        def __init__(self, _fd: int, length: int, flags: int) -> None:
            assert flags & mmap.MAP_PRIVATE
            taken.append(length)
            if length > 1 << 30:
                raise OSError(12, "no memory")

        def close(self) -> None:
            taken.append(0)

    monkeypatch.setattr(mmap, "mmap", Taken)
    touch(nbytes)
    free = os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE
    if nbytes == 1 << 20:
        assert taken == [(5 << 19) + (64 << 20), 0]
    else:
        assert len(taken) == bool(nbytes)
        assert all(length < free + (1 << 30) for length in taken)


@needs_posix
def test_memory_made_ready_is_no_part_of_a_peak(tmp_path: Path) -> None:
    assert measure(python(tmp_path, "pass"), 200 << 20).peak_bytes < 60 << 20
