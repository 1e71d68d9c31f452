"""What README.md and docs/ show, run as a reader would run it.

    ```console            each `$ ` line in a shell, in one directory per document;
                          the lines below it are what the terminal shows
    ```sh                 the same, without output
    ```python             all of a document in one namespace; a block with `>>> `
                          is compared with its output
    ```json               the output of the last command before it, or just JSON
    ```text, ``` alone    a drawing
    … no-run: reason      not run, for a reason that is allowed

A line `...` stands for any lines. The directory has the bundled sample in it, and
the files of `tests/golden/workflows`. What needs TensorFlow is run by
`tests/oracle/test_documents.py`.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pbckpt

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
MATERIAL = ROOT / "tests" / "golden" / "workflows"

FENCE = re.compile(r"(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)$")
NO_RUN = re.compile(r"no-run: (?P<reason>\S.*)$")
PROMPT = "$ "
ANYTHING = "..."
LANGUAGES = ("console", "sh", "python", "json", "text", "")
PROGRAMS = ("pbckpt", "python", "python3", "cat", "ls", "mkdir", "cp", "echo", "head")
# What a test must not do: install, test everything, or need TensorFlow.
ALLOWED_NOT_TO_RUN = (
    re.compile(r"(?:\$ )?(?:python3? -m )?(?:pip|pipx|uv) "),
    re.compile(r"(?:\$ )?git clone "),
    re.compile(r"(?:\$ )?python3? tools/run\.py (?:demo|test|bench)\b"),
    re.compile(r"(?s)(?:.*\n)?(?:import tensorflow\b|.*\btf\.)"),
    # What the code of the document saves with TensorFlow, and what comes of it.
    re.compile(r"\$ pbckpt \w+ (?:mine|tuned)/"),
)


class Block(NamedTuple):
    """A fenced code block, with the line of its document that it starts at."""

    line: int
    language: str
    info: str
    text: str

    @property
    def is_run(self) -> bool:
        return self.language not in ("text", "") and not self.info


class Example(NamedTuple):
    """A command and what it shows; nothing shown means that nothing is said about it."""

    command: str
    shown: list[str]


def parse_blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a markdown text."""
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        opening = FENCE.match(line)
        if opening is None:
            continue
        language, _, info = opening["info"].strip().partition(" ")
        closing = re.compile(rf" *{re.escape(opening['marks'][0])}{{{len(opening['marks'])},}} *$")
        body = []
        for _, inner in lines:
            if closing.match(inner):
                break
            body.append(inner.removeprefix(opening["indent"]))
        else:
            raise AssertionError(f"line {number}: a block that does not end")
        yield Block(number, language, info.strip(), "".join(f"{part}\n" for part in body))


def parse_examples(text: str) -> list[Example]:
    """Return the commands of a console block. A line that ends in a backslash goes on."""
    examples: list[Example] = []
    goes_on = False
    for line in text.splitlines():
        if goes_on:
            command, shown = examples.pop()
            examples.append(Example(f"{command}\n{line.removeprefix('> ')}", shown))
            goes_on = line.endswith("\\")
        elif line.startswith(PROMPT):
            examples.append(Example(line.removeprefix(PROMPT), []))
            goes_on = line.endswith("\\")
        else:
            assert examples, f"output without a command: {line!r}"
            examples[-1].shown.append(line)
    return examples


def matches(shown: list[str], actual: list[str]) -> bool:
    """Tell whether an output is the one that is shown."""
    if not shown:
        return not actual
    if shown[0].strip() == ANYTHING:
        return any(matches(shown[1:], actual[start:]) for start in range(len(actual) + 1))
    return (
        bool(actual) and shown[0].rstrip() == actual[0].rstrip() and matches(shown[1:], actual[1:])
    )


def check_excuse(block: Block) -> None:
    """Fail for a block that is not run without a reason, or with one that is not allowed."""
    assert NO_RUN.match(block.info), f"line {block.line}: {block.info!r} is no reason not to run"
    allowed = any(pattern.match(block.text) for pattern in ALLOWED_NOT_TO_RUN)
    assert allowed, f"line {block.line}: this can be run"


class Reader:
    """Somebody who tries all that a document shows, in a directory with the sample."""

    def __init__(self, home: Path, programs: Path) -> None:
        self._home = home
        places = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._environment = {
            **os.environ,
            "PATH": f"{make_programs(programs)}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": places.rstrip(os.pathsep),
            "PYTHONUNBUFFERED": "1",  # into a pipe, errors would come before what they are about
        }
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._last_output: list[str] | None = None
        shutil.copytree(MATERIAL, home, dirs_exist_ok=True)
        shutil.copy(SAMPLE, home)

    def try_block(self, block: Block) -> None:
        assert block.language in LANGUAGES, f"line {block.line}: what is {block.language!r}?"
        if block.info:
            check_excuse(block)
        if block.is_run:
            getattr(self, f"_try_{block.language}")(block)

    def _try_console(self, block: Block) -> None:
        for example in parse_examples(block.text):
            output = self._run(example.command)
            if example.shown:
                expected = "\n".join(example.shown)
                actual = "\n".join(output)
                assert matches(example.shown, output), (
                    f"line {block.line}, {example.command}: shown\n{expected}\nbut was\n{actual}"
                )

    _try_sh = _try_console

    def _run(self, command: str) -> list[str]:
        """Run a command line; both of its outputs come as a terminal shows them."""
        program = shlex.split(command)[0]
        assert program in PROGRAMS, f"{program} is not run by tests; mark the block no-run: reason"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self._home,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        # A failure that a document shows has its message; another one is ours.
        self._last_output = done.stdout.splitlines()
        is_told = done.returncode == 1 and any(
            line.startswith("pbckpt: ") for line in self._last_output
        )
        assert done.returncode == 0 or is_told, f"{command}: {done.stdout}"
        return self._last_output

    def _try_python(self, block: Block) -> None:
        with inside(self._home):
            if block.text.startswith(">>> "):
                self._try_session(block)
            else:
                code = compile("\n" * block.line + block.text, "document", "exec")
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(code, self._namespace)  # noqa: S102 - it is our own document

    def _try_session(self, block: Block) -> None:
        session = doctest.DocTestParser().get_doctest(
            block.text, self._namespace, "document", "document", block.line
        )
        report = io.StringIO()
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        failed = runner.run(session, out=report.write, clear_globs=False).failed
        assert not failed, report.getvalue()
        self._namespace.update(session.globs)

    def _try_json(self, block: Block) -> None:
        lines = block.text.splitlines()
        if self._last_output is not None and self._last_output[:1] == ["{"]:
            actual = "\n".join(self._last_output)
            assert matches(lines, self._last_output), f"line {block.line}: but was\n{actual}"
        else:
            json.loads(block.text)


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Do what contextlib.chdir does, which Python 3.10 lacks."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def make_programs(folder: Path) -> Path:
    """Make a folder for PATH with the commands that an installation would give."""
    folder.mkdir()
    for name, arguments in (("pbckpt", "-m pbckpt "), ("python", ""), ("python3", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments}"$@"\n')
        program.chmod(0o755)
    return folder
