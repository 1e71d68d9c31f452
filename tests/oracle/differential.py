"""A great many random cases, judged in batches; a failing one again alone, so that it shrinks.

    collect   hypothesis makes all cases, which are judged a batch at a time
    shrink    if some failed: the same cases again; those that were right are
              passed over, and the first that fails is made as small as it gets

Every run has the same cases, unless an environment variable gives another seed:

    PBCKPT_DIFFERENTIAL_SEED=7 python -m pytest tests/oracle/test_differential.py
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    Judge = Callable[[Sequence[Any]], list[str]]
    """Gives for each case what is wrong with it; nothing for most."""

SEED_VARIABLE = "PBCKPT_DIFFERENTIAL_SEED"
BATCH = 50


def judge_cases(cases: SearchStrategy[Any], judge: Judge, count: int) -> int:
    """Judge ``count`` cases; return how many different ones were right.

    Raises AssertionError that shows the smallest case that is wrong.
    """
    number = int(os.environ.get(SEED_VARIABLE, "0"))
    print(f"seed {number}; {SEED_VARIABLE} gives another")  # noqa: T201 - pytest shows it on failure
    drawn: list[Any] = []
    _each(cases, drawn.append, number, count, [Phase.generate])
    problems: dict[str, str] = {}
    for start in range(0, len(drawn), BATCH):
        batch = drawn[start : start + BATCH]
        problems.update(zip(map(repr, batch), judge(batch), strict=True))

    def judge_alone(case: Any) -> None:  # noqa: ANN401 - whatever is drawn
        if problems.get(repr(case), "not judged yet"):
            (problem,) = judge([case])
            assert not problem, problem

    if any(problems.values()):
        _each(cases, judge_alone, number, count, [Phase.generate, Phase.shrink])
        wrong = next(filter(None, problems.values()))
        raise AssertionError(f"wrong in a batch, but right alone: {wrong}")
    return len(problems)


def _each(
    cases: SearchStrategy[Any],
    act: Callable[[Any], None],
    number: int,
    count: int,
    phases: Sequence[Phase],
) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        phases=phases,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def look(case: Any) -> None:  # noqa: ANN401
        act(case)

    look()
