from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pbckpt.cli.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pbckpt.cli.progress.time", clock)
    return clock


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("pbckpt.cli.progress.sys", SimpleNamespace(stderr=terminal))
    return terminal


def test_nothing_is_drawn_in_the_first_second(clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("writing", enabled=True)
    for tenth in range(10):
        clock.now = 1000.0 + tenth / 10
        bar(tenth, 100)
    assert screen.getvalue() == ""


def test_a_job_that_is_done_in_a_second_shows_nothing(clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("writing", enabled=True)
    clock.now += 0.9
    bar(100, 100)
    assert screen.getvalue() == ""


def test_after_a_second_the_bar_is_drawn_in_place(clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("writing", enabled=True)
    clock.now += 1.0
    bar(50, 100)
    assert screen.getvalue() == "\rwriting [###############               ]  50%"
    clock.now += 1.0
    bar(60, 100)
    assert screen.getvalue().endswith("\rwriting [##################            ]  60%")


def test_the_bar_is_drawn_ten_times_a_second_at_most(clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("writing", enabled=True)
    clock.now += 1.0
    for done in range(100):
        clock.now += 0.011
        bar(done, 1000)
    assert screen.getvalue().count("\r") == 10


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (0, 100, "[                              ]   0%"),
        (1, 100, "[                              ]   1%"),
        (33, 100, "[##########                    ]  33%"),
        (99, 100, "[##############################]  99%"),
        (5 << 40, 10 << 40, "[###############               ]  50%"),
    ],
)
def test_how_far_it_is(done: int, total: int, text: str, clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("x", enabled=True)
    clock.now += 2.0
    bar(done, total)
    assert screen.getvalue() == f"\rx {text}"


@pytest.mark.parametrize(("done", "total"), [(100, 100), (120, 100), (1, 0)])
def test_the_last_bar_ends_its_line(done: int, total: int, clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("x", enabled=True)
    clock.now += 2.0
    bar(done, total)
    assert screen.getvalue() == "\rx [##############################] 100%\n"


def test_the_last_bar_does_not_wait_for_its_turn(clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("x", enabled=True)
    clock.now += 2.0
    bar(99, 100)
    bar(100, 100)
    assert screen.getvalue().endswith("99%\rx [##############################] 100%\n")


def test_nothing_is_drawn_after_the_last_bar(clock: Clock, screen: Terminal) -> None:
    """A job can turn out longer than it was said to be."""
    bar = ProgressBar("x", enabled=True)
    clock.now += 2.0
    bar(100, 100)
    for done in (101, 102, 103):
        bar(done, 100)
        clock.now += 1.0
    assert screen.getvalue().count("\n") == 1


def test_nothing_is_drawn_where_nobody_looks(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr("pbckpt.cli.progress.sys", SimpleNamespace(stderr=pipe))
    bar = ProgressBar("x", enabled=True)
    clock.now += 2.0
    bar(50, 100)
    bar(100, 100)
    assert pipe.getvalue() == ""


def test_nothing_is_drawn_where_it_is_not_wanted(clock: Clock, screen: Terminal) -> None:
    bar = ProgressBar("x", enabled=False)
    clock.now += 2.0
    bar(100, 100)
    assert screen.getvalue() == ""
