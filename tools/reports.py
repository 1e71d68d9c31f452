"""Add up what the test sessions reported.

    build/nox.json                   one object a session: name, result, seconds
    build/reports/SESSION/NAME.xml   one JUnit file a run of pytest

A session without tests (the linter) counts as one test. So does a session that
failed although no test of it did, since something else has then gone wrong.

Starts on Python 3.8 with the standard library alone.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BUILD = Path(__file__).resolve().parent.parent / "build"
NOX_REPORT = BUILD / "nox.json"
REPORTS = BUILD / "reports"

_PASSED = "success"
_SKIPPED = "skipped"


@dataclass(frozen=True)
class Tally:
    """How many tests ended in which way; an error in a test's set-up is a failure."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Outcome:
    """How one session ended; ``reason`` is empty where the session gave none."""

    session: str
    result: str
    seconds: float
    reason: str
    tally: Tally


def report_folder(session: str) -> Path:
    """Return where the runs of pytest in a session, such as ``tests(3.10)``, leave JUnit files."""
    return REPORTS / re.sub(r"[^\w.]+", "-", session).strip("-")


def read_outcomes(nox_report: Path) -> list[Outcome]:
    """Return the sessions in the order in which nox ran them; none if nox wrote no report."""
    if not nox_report.exists():
        return []
    sessions = json.loads(nox_report.read_text(encoding="utf-8"))["sessions"]
    return [_outcome(session) for session in sessions]


def total(outcomes: Iterable[Outcome]) -> Tally:
    """Return the sum over all sessions."""
    return sum((outcome.tally for outcome in outcomes), Tally())


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the sessions as lines for people, one a session, with the reasons where there are."""
    rows = [
        (outcome.session, _result(outcome), f"{outcome.seconds:.0f} s", str(outcome.tally))
        for outcome in outcomes
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )
    reasons = (f"{o.session}: {o.reason}" for o in outcomes if o.reason)
    return "\n".join([*lines, *reasons])


def tally_junit(file: Path) -> Tally:
    """Count the test cases of a JUnit file; one that was not written to its end is a failure."""
    try:
        cases = ET.parse(file).iter("testcase")  # noqa: S314 - written by our own pytest run
    except ET.ParseError:
        return Tally(failed=1)
    return sum(map(_tally_case, cases), Tally())


def _tally_case(case: ET.Element) -> Tally:
    if case.find("failure") is not None or case.find("error") is not None:
        return Tally(failed=1)
    return Tally(skipped=1) if case.find("skipped") is not None else Tally(passed=1)


def _outcome(session: dict[str, object]) -> Outcome:
    signatures = session.get("signatures")
    name = str(signatures[0] if isinstance(signatures, list) and signatures else session["name"])
    result = str(session["result"])
    files = sorted(report_folder(name).glob("*.xml"))
    tests = sum(map(tally_junit, files), Tally())
    seconds, reason = float(str(session["duration"])), str(session.get("reason") or "")
    return Outcome(name, result, seconds, reason, tests + _verdict(result, tests))


def _verdict(result: str, tests: Tally) -> Tally:
    """Return what the session itself adds to the tests that it ran."""
    if result not in (_PASSED, _SKIPPED):
        return Tally(failed=0 if tests.failed else 1)
    if tests != Tally():
        return Tally()
    return Tally(passed=1) if result == _PASSED else Tally(skipped=1)


def _result(outcome: Outcome) -> str:
    return {_PASSED: "passed", _SKIPPED: "skipped"}.get(outcome.result, "failed")
