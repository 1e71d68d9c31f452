"""Every code block of the documents runs, and shows what it says it shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

import pbckpt
from pbckpt.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SAMPLE = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
BLOCK = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Blocks that cannot run here say so with a reason; these are all there may be.
NOT_RUN = {
    "$ python3 tools/run.py demo\n",
    "$ python3 tools/run.py test\n",
    ('reader = tf.train.load_checkpoint("out/model.ckpt")\nreader.get_tensor("conv1/kernel")\n'),
}
DRAWING = ""


class Block(NamedTuple):
    """A fenced block: its language, what else its first line says, its text."""

    language: str
    info: str
    text: str


def blocks(document: Path) -> list[Block]:
    found = BLOCK.findall(document.read_text())
    return [Block(language, info.strip(), text) for language, info, text in found]


def shows(expected: str, actual: str) -> bool:
    """Tell whether the output is as shown; a line of dots stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else re.escape(line) + r"\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern, actual) is not None


def run_command(line: str) -> str:
    """Run one command line of pbckpt and return what it printed."""
    program, *arguments = shlex.split(line)
    assert program == "pbckpt", line
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert main(arguments) == 0, line
    return output.getvalue()


def run_console(text: str) -> None:
    for example in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, expected = example.partition("\n")
        actual = run_command(line)
        assert not expected.strip() or shows(expected.rstrip("\n"), actual), actual


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_blocks_run(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(SAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    for block in blocks(document):
        if block.info.startswith("no-run:"):
            assert block.text in NOT_RUN
        elif block.language == "console":
            run_console(block.text)
        elif block.language == "python":
            exec(compile(block.text, str(document), "exec"), {})  # noqa: S102 - our own document
        else:
            assert block.language == DRAWING, block.language


def test_the_first_screen_has_a_result() -> None:
    first = (ROOT / "README.md").read_text().splitlines()[:30]
    assert "out/model.ckpt: 14 variables (10 trainable), 1.0 MB" in first


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\n...", "a\nb\nc\n", True),
        ("a\n...\nc", "a\nb\nc\n", True),
        ("a\n...\nd", "a\nb\nc\n", False),
        ("a", "a\nb\n", False),
    ],
)
def test_dots_stand_for_any_lines(expected: str, actual: str, same: bool) -> None:  # noqa: FBT001
    assert shows(expected, actual) is same


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "python3 tools/run.py test" in script
    assert "$ python3 tools/run.py test" in (ROOT / "README.md").read_text()
