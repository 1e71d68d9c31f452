"""What README.md and docs/ show is run as a reader would run it.

    ```console            each `$ ` line in a shell, in one directory per document;
                          the lines below it are what the terminal shows
    ```sh                 the same, without output
    ```python             all of a document in one namespace; a block with `>>> `
                          is compared with its output
    ```json               the output of the last command before it, or just JSON
    ```text, ``` alone    a drawing
    … no-run: reason      not run, for a reason that is allowed

A line `...` stands for any lines.
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

import pytest

import pbckpt

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(pbckpt.__file__).parent / "sample" / "frozen_digits.pb"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

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
        }
        self._environment.pop("PYTHONUNBUFFERED", None)
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._last_output: list[str] | None = None
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
        failed = done.returncode != 0 and not done.stdout.startswith("pbckpt: ")
        assert not failed, f"{command}: {done.stdout}"
        self._last_output = done.stdout.splitlines()
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


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "home").mkdir()
    return Reader(tmp_path / "home", tmp_path / "programs")


needs_shell = pytest.mark.skipif(os.name != "posix", reason="the documents show a POSIX shell")


# The documents


def test_there_is_a_readme() -> None:
    assert (ROOT / "README.md").is_file(), "README.md is missing"
    assert SAMPLE.is_file(), "the bundled sample is missing"


@needs_shell
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_shows_is_so(document: Path, reader: Reader) -> None:
    for block in parse_blocks(document.read_text("utf-8")):
        reader.try_block(block)


def test_the_first_screen_shows_a_command_that_is_run() -> None:
    first = next(parse_blocks((ROOT / "README.md").read_text("utf-8")))
    assert first.line < 30
    assert first.is_run
    assert parse_examples(first.text)[0].shown


# The runner


SAMPLE_TEXT = """\
# Title

```console
$ pbckpt --version
pbckpt 1
```

Inline ``` is no block.

  ```python title
  a = 1

  b = 2
  ```

~~~~text
```
not a block
~~~
~~~~

```
drawing
```
"""


def test_blocks_are_found_with_their_lines() -> None:
    assert list(parse_blocks(SAMPLE_TEXT)) == [
        Block(3, "console", "", "$ pbckpt --version\npbckpt 1\n"),
        Block(10, "python", "title", "a = 1\n\nb = 2\n"),
        Block(16, "text", "", "```\nnot a block\n~~~\n"),
        Block(22, "", "", "drawing\n"),
    ]


def test_a_block_has_to_end() -> None:
    with pytest.raises(AssertionError, match="line 2: a block that does not end"):
        list(parse_blocks("a\n```sh\n$ ls\n"))


def test_examples_are_commands_with_their_output() -> None:
    text = "$ one\n$ two \\\n>   more\nout\n\nput\n$ three \\\n  and\n"
    assert parse_examples(text) == [
        Example("one", []),
        Example("two \\\n  more", ["out", "", "put"]),
        Example("three \\\n  and", []),
    ]


def test_output_needs_a_command() -> None:
    with pytest.raises(AssertionError, match="output without a command: 'out'"):
        parse_examples("out\n$ one\n")


@pytest.mark.parametrize(
    ("shown", "actual"),
    [
        ("", ""),
        ("a", "a"),
        ("...", ""),
        ("...", "a b c"),
        ("a ...", "a"),
        ("a ... c", "a b b c"),
        ("... c", "a b c"),
        ("... b ... d", "a b c d"),
    ],
)
def test_outputs_that_match(shown: str, actual: str) -> None:
    assert matches(shown.split(" ") if shown else [], actual.split(" ") if actual else [])


@pytest.mark.parametrize(
    ("shown", "actual"),
    [("a", ""), ("", "a"), ("a", "b"), ("a", "a b"), ("a ... c", "a b"), ("... a", "a b")],
)
def test_outputs_that_do_not_match(shown: str, actual: str) -> None:
    assert not matches(shown.split() if shown else [], actual.split() if actual else [])


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ("no-run: installs a package", "$ pip install .\n"),
        ("no-run: installs a package", "$ python -m pip install pbckpt\n"),
        ("no-run: runs these tests", "$ python3 tools/run.py test\n"),
        ("no-run: needs TensorFlow", "import tensorflow as tf\n"),
        ("no-run: needs TensorFlow", "reader = tf.train.load_checkpoint('m')\n"),
        ("no-run: needs TensorFlow", "a = 1\nb = tf.train.Saver()\n"),
    ],
)
def test_excuses_that_are_allowed(info: str, text: str) -> None:
    check_excuse(Block(1, "sh", info, text))


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ("no-run", "$ pip install .\n"),
        ("no-run:", "$ pip install .\n"),
        ("no-run: ", "$ pip install .\n"),
        ("skip: it is slow", "$ pip install .\n"),
        ("no-run: it is slow", "$ pbckpt convert a.pb m\n"),
        ("no-run: it is slow", "import numpy\n"),
    ],
)
def test_excuses_that_are_not(info: str, text: str) -> None:
    with pytest.raises(AssertionError, match="line 1: "):
        check_excuse(Block(1, "sh", info.strip(), text))


@needs_shell
def test_a_document_that_is_right(reader: Reader) -> None:
    blocks = [
        ("console", "$ pbckpt convert frozen_digits.pb out/m\nout/m: 14 variables\n"),
        ("console", "$ pbckpt inspect frozen_digits.pb | head -n 1\n...\n"),
        ("console", "$ pbckpt convert frozen_digits.pb out/m\npbckpt: checkpoint out/m\n"),
        ("sh", "$ pbckpt verify out/m --json\n"),
        ("json", '{\n "schema": 1,\n...\n}\n'),
        ("python", "import pbckpt\nwith pbckpt.open_checkpoint('out/m') as m:\n    n = len(m)\n"),
        ("python", ">>> n\n14\n>>> k = n\n"),
        ("python", "assert (k, __name__) == (14, '__main__')\n"),
        ("text", "anything\n"),
    ]
    for line, (language, text) in enumerate(blocks):
        shortened = text.replace("variables\n", "variables (10 trainable), 1.0 MB\n...\n")
        full = shortened.replace("checkpoint out/m\n", f"{EXISTS}\n")
        reader.try_block(Block(line, language, "", full))


EXISTS = (
    "checkpoint out/m exists already; choose another prefix, or allow it with "
    "--on-existing replace (on_existing=OnExisting.REPLACE)"
)


@needs_shell
@pytest.mark.parametrize(
    ("language", "text", "fact"),
    [
        ("console", "$ pbckpt inspect frozen_digits.pb\nsomething else\n", "but was"),
        ("console", "$ pbckpt melt\n", "invalid choice"),
        ("console", "$ rm -r .\n", "rm is not run by tests"),
        ("console", "$ cat absent\n", "absent"),
        ("python", "assert 1 == 2, 'no'\n", "no"),
        ("python", ">>> 1 + 1\n3\n", "Got:"),
        ("ruby", "puts 1\n", "what is 'ruby'"),
    ],
)
def test_a_document_that_is_wrong(language: str, text: str, fact: str, reader: Reader) -> None:
    with pytest.raises(AssertionError, match=fact):
        reader.try_block(Block(1, language, "", text))


@needs_shell
def test_json_that_is_wrong(reader: Reader) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        reader.try_block(Block(1, "json", "", "{...}\n"))
    reader.try_block(Block(1, "sh", "", "$ pbckpt inspect frozen_digits.pb --json\n"))
    with pytest.raises(AssertionError, match="but was"):
        reader.try_block(Block(1, "json", "", '{\n "schema": 2,\n...\n}\n'))
