"""Several processes at one prefix: one checkpoint is there, whole, and of one of them."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs several processes"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]

SAVES = 15
WON, LOST = 10, 11


def tensors(writer: int) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Tensors that all hold the number of who wrote them; a longer one for a higher number."""
    return {f"v{key}": np.full(100 * writer + key, writer, np.int64) for key in range(8)}


def writer_of(prefix: Path) -> int:
    """Return the number that all tensors hold."""
    numbers = {int(n) for value in pbckpt.load_checkpoint(prefix).values() for n in value}
    assert len(numbers) == 1
    return numbers.pop()


def run_together(actions: Sequence[Callable[[], object]]) -> list[int]:
    """Run each in a process of its own, all from the same moment on; return how they ended."""
    begin, started = os.pipe()
    children = []
    for action in actions:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(started)
                os.read(begin, 1)  # Returns when the parent closes the other end.
                action()
                status = WON
            except pbckpt.PathError:
                status = LOST
            finally:
                os._exit(status)
        children.append(child)
    os.close(begin)
    os.close(started)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def save_many(writer: int, prefix: Path) -> None:
    for _ in range(SAVES):
        pbckpt.save_checkpoint(
            tensors(writer),
            prefix,
            on_existing=pbckpt.OnExisting.REPLACE,
            durability=pbckpt.Durability.NONE,
        )


def read_many(prefix: Path, until: float) -> None:
    """Open and read until that time: all of one writer, or an error that says why not."""
    whole = 0
    while time.monotonic() < until:
        with suppress(pbckpt.MissingFileError, pbckpt.CorruptFileError):
            writer_of(prefix)
            whole += 1
    assert whole > 0


@pytest.mark.parametrize("writers", [2, 4])
def test_writers_that_replace_follow_each_other(writers: int, tmp_path: Path) -> None:
    prefix = tmp_path / "new" / "m"

    def writing(number: int) -> Callable[[], None]:
        return lambda: save_many(number, prefix)

    ends = run_together([writing(number) for number in range(1, writers + 1)])
    assert ends == [WON] * writers
    assert pbckpt.verify(prefix).ok
    assert writer_of(prefix) in range(1, writers + 1)
    names = {path.name for path in prefix.parent.iterdir()}
    shards = names - {"m.index", "checkpoint"}
    assert shards in (
        {"m.data-00000-of-00001"},
        {"m.data-00000-of-00002", "m.data-00001-of-00002"},
    )


@pytest.mark.parametrize("writers", [2, 4])
def test_of_writers_that_refuse_one_wins(writers: int, tmp_path: Path) -> None:
    for turn in range(10):
        prefix = tmp_path / str(turn) / "m"

        def writing(number: int, prefix: Path = prefix) -> Callable[[], object]:
            return lambda: pbckpt.save_checkpoint(
                tensors(number), prefix, durability=pbckpt.Durability.NONE
            )

        ends = run_together([writing(number) for number in range(1, writers + 1)])
        assert sorted(ends) == [WON] + [LOST] * (writers - 1)
        assert writer_of(prefix) == ends.index(WON) + 1
        assert sorted(path.name for path in prefix.parent.iterdir()) == [
            "checkpoint",
            "m.data-00000-of-00001",
            "m.index",
        ]


def test_writers_of_several_prefixes_share_a_directory(tmp_path: Path) -> None:
    def writing(number: int) -> Callable[[], None]:
        return lambda: save_many(number, tmp_path / f"m-{number}")

    assert run_together([writing(number) for number in (1, 2, 3)]) == [WON] * 3
    for number in (1, 2, 3):
        assert writer_of(tmp_path / f"m-{number}") == number
    state = (tmp_path / "checkpoint").read_text()
    for number in (1, 2, 3):
        assert state.count(f'all_model_checkpoint_paths: "m-{number}"\n') == 1


def test_readers_never_see_a_mixture(tmp_path: Path) -> None:
    prefix = tmp_path / "m"
    save_many(1, prefix)
    until = time.monotonic() + 1.0

    def write() -> None:
        while time.monotonic() < until:
            save_many(1, prefix)
            save_many(2, prefix)

    assert run_together([write, *[lambda: read_many(prefix, until)] * 3]) == [WON] * 4
    assert writer_of(prefix) in (1, 2)
