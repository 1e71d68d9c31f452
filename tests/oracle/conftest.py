"""The judge for all tests of this folder; without it the whole folder is skipped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.oracle.judge import INTERPRETER_VARIABLE, Behavior, TensorFlowJudge

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
HOW_TO_RUN = (
    "needs real TensorFlow, which is no dependency: install it in an environment of its own "
    f"and set {INTERPRETER_VARIABLE} to the Python there"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip every test of this folder, for one reason, where there is no TensorFlow to ask."""
    if os.environ.get(INTERPRETER_VARIABLE):
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=HOW_TO_RUN))


@pytest.fixture(scope="session")
def judge() -> Iterator[TensorFlowJudge]:
    """Real TensorFlow, started at the first question of the session."""
    with TensorFlowJudge.from_environment() as tensorflow:
        yield tensorflow


@pytest.fixture(scope="session")
def object_judge(judge: TensorFlowJudge) -> Iterator[TensorFlowJudge]:
    """TensorFlow 2 as it behaves by itself, for what is saved from objects."""
    if judge.version().startswith("1."):
        pytest.skip("TensorFlow 1 writes object graphs of an older form")
    with TensorFlowJudge.from_environment(Behavior.EAGER) as tensorflow:
        yield tensorflow
