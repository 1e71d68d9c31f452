"""The documents of the ways through TensorFlow: every block is run, in order.

What is marked `no-run: needs TensorFlow, …` is run by TensorFlow of any version,
`needs TensorFlow 1.15` and `needs TensorFlow 2` by that one; each of the three in
a process of its own, with one namespace. A console block so marked takes what they wrote.
Everything else is run as in tests/docs.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.reader import ROOT, Reader, parse_blocks
from tests.oracle.judge import INTERPRETER_VARIABLE, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.docs.reader import Block
    from tests.oracle.judge import TensorFlowJudge

DRIVER = ROOT / "tests" / "oracle" / "tensorflow_document.py"
NEEDS = re.compile(r"no-run: needs (?P<version>TensorFlow(?: 1\.15| 2)?), whose test stage runs it")
TIMEOUT = 300.0
# What shall be the same to the bit, where TensorFlow does the same sums.
SAME_BITS = {
    "fine-tune.md": [("TensorFlow", "again", "after"), ("TensorFlow", "frozen_again", "after")],
    "own-code.md": [("TensorFlow", "restored", "frozen")],
    "speech.md": [("TensorFlow 1.15", "restored", "frozen")],
    "thaw.md": [("TensorFlow", "before", "frozen")],
}


class TensorFlowReader:
    """Somebody who has TensorFlow, and runs the blocks that need it."""

    def __init__(self, home: Path, options: Sequence[str] = ()) -> None:
        self._home = home
        self._options = options
        self.is_plain = "--plain" in options
        self._workers: dict[str, Worker] = {}

    def run(self, version: str, code: str, line: int = 0) -> None:
        """Run a block; the version has a process and a namespace of its own."""
        if version not in self._workers:
            command = (os.environ[INTERPRETER_VARIABLE], str(DRIVER), *self._options)
            self._workers[version] = Worker(command)
            self.run(version, f"import os\nos.chdir({str(self._home)!r})\n")
        request: dict[str, Any] = {"op": "run", "code": code, "line": line}
        answer = self._workers[version].ask(request, TIMEOUT)
        assert answer["ok"], answer["message"]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.kill()


def version_needed(block: Block) -> str:
    """Return which TensorFlow a block needs, nothing if it needs none."""
    needs = NEEDS.fullmatch(block.info)
    return needs["version"] if needs else ""


def try_document(name: str, reader: Reader, tensorflow: TensorFlowReader, version: str) -> int:
    """Run all of a document that this version of TensorFlow can; return how much it ran."""
    count = 0
    for block in parse_blocks((ROOT / "docs" / name).read_text("utf-8")):
        needed = version_needed(block)
        if not needed:
            reader.try_block(block)
        elif f"TensorFlow {version}".startswith(needed) and block.language == "console":
            reader.try_block(block._replace(info=""))
        elif f"TensorFlow {version}".startswith(needed):
            tensorflow.run(needed, block.text, block.line)
            count += 1
    return count


def documents() -> list[str]:
    """Return the documents that have blocks for TensorFlow."""
    texts = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
    return [name for name, text in texts.items() if any(map(version_needed, parse_blocks(text)))]


@pytest.fixture(params=[(), ("--plain",)], ids=["as it is", "plain"])
def tensorflow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TensorFlowReader]:
    one = TensorFlowReader(tmp_path / "home", request.param)
    yield one
    one.close()


@pytest.mark.skipif(os.name != "posix", reason="the documents show a POSIX shell")
@pytest.mark.parametrize("document", documents())
def test_a_workflow(
    document: str, judge: TensorFlowJudge, tensorflow: TensorFlowReader, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    version = judge.version()
    count = try_document(document, Reader(home, tmp_path / "programs"), tensorflow, version)
    assert count >= 2
    if tensorflow.is_plain:
        for needed, first, second in SAME_BITS.get(document, []):
            if f"TensorFlow {version}".startswith(needed):
                tensorflow.run(needed, f"assert {first}.tobytes() == {second}.tobytes()\n")
