"""What is said of a conversion's result: of ambiguous constants, and how they are settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt.applications.cautions import ambiguity_warnings
from pbckpt.edits.selection import Select, Selection
from pbckpt.report.json import convert_json
from pbckpt.report.text import convert_text
from pbckpt.variables.variable import Detection, Skipped
from tests.cli.graphs import FLOAT, GraphMaker

if TYPE_CHECKING:
    from pathlib import Path

TOLD = (
    "1 constant is ambiguous and not taken: 'image_mean'; settle each with --take NODE or "
    "--exclude NODE, or take what operations take as weights with --select weights"
)


def write_images(path: Path) -> Path:
    """Write a network whose input is prepared with a number that may have been trained."""
    maker = GraphMaker()
    maker.graph.node.add(name="images", op="Placeholder").attr["dtype"].type = FLOAT
    maker.constant("image_mean", FLOAT, (), bytes(4))
    maker.graph.node.add(name="sub", op="Sub", input=["images", "image_mean"])
    maker.constant("conv/kernel", FLOAT, (3, 3, 1, 4), bytes(range(144)))
    maker.graph.node.add(name="conv/Conv2D", op="Conv2D", input=["sub", "conv/kernel"])
    return maker.write(path)


def converted(tmp_path: Path, selection: Selection) -> pbckpt.Report:
    graph = write_images(tmp_path / "images.pb")
    return pbckpt.convert(graph, tmp_path / "m", selection=selection, dry_run=True)


def test_an_ambiguous_constant_is_told_wherever_a_report_is_read(tmp_path: Path) -> None:
    report = converted(tmp_path, Selection())
    assert report.warnings == (TOLD,)
    assert "  1 constant was not taken (1 ambiguous)\n" in convert_text(report)
    assert TOLD in convert_json(report)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(take=("image_mean",)),
        Selection(exclude=("image_mean",)),
        Selection(Select.WEIGHTS),
        Selection(include=("conv/*",)),
    ],
)
def test_what_settles_it_ends_the_warning(tmp_path: Path, selection: Selection) -> None:
    assert converted(tmp_path, selection).warnings == ()


def test_of_many_the_first_are_named() -> None:
    many = tuple(Skipped(f"c{n}", None, "why", is_ambiguous=True) for n in range(5))
    (told,) = ambiguity_warnings(Detection((), many), Selection())
    assert told.startswith("5 constants are ambiguous and not taken: 'c0', 'c1', 'c2' and 2 more;")


def test_a_refusal_names_the_graph(tmp_path: Path) -> None:
    maker = GraphMaker()
    maker.constant("c", FLOAT, (), bytes(4))
    graph = maker.write(tmp_path / "bare.pb")
    with pytest.raises(pbckpt.SelectionError) as caught:
        pbckpt.convert(graph, tmp_path / "m")
    assert str(caught.value).startswith(f"{graph}: no variable was found among 1 constant: ")
