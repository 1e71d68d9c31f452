"""What README.md and docs/ show is so, and `reader.py`, which tries it, sees what is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.docs.reader import (
    ROOT,
    SAMPLE,
    Block,
    Example,
    Reader,
    check_excuse,
    matches,
    parse_blocks,
    parse_examples,
)

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


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
