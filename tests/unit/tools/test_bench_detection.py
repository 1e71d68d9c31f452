from __future__ import annotations

import pytest

from tools.bench.detection import KINDS, main, measure


@pytest.mark.parametrize(
    ("kind", "nodes", "constants"),
    [
        ("layers", 97, 36),
        ("chain", 102, 1),
        ("hub", 101, 1),
        ("loops", 100, 20),
        ("calls", 100, 33),
        ("concat", 102, 51),
        ("reads", 102, 1),
        ("scalars", 100, 50),
        ("affine", 100, 50),
    ],
)
def test_graphs_are_what_their_names_say(kind: str, nodes: int, constants: int) -> None:
    row = measure(kind, 100, 1)
    assert (row.kind, row.nodes, row.constants) == (kind, nodes, constants)
    assert row.parse > 0
    assert row.detect > 0
    assert row.ratio == row.detect / row.parse


def test_a_line_for_each_graph(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nodes", "50", "--runs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["graph", "nodes", "parse", "s", "detect", "s", "ratio", "constants"]
    assert [line.split()[0] for line in lines[1:]] == list(KINDS)


@pytest.mark.parametrize("arguments", [["--only", "rings"], ["--nodes", "0"], ["--runs", "0"]])
def test_what_there_is_not(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "kinds are layers, chain" in capsys.readouterr().err
