from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools import reports
from tools.reports import Tally, read_outcomes, report_folder, table, tally_junit, total

if TYPE_CHECKING:
    from pathlib import Path

JUNIT = """<testsuites><testsuite>
<testcase name="passes"/>
<testcase name="prints"><system-out>hello</system-out></testcase>
<testcase name="fails"><failure message="no"/></testcase>
<testcase name="fails, then errs"><failure message="no"/><error message="oh"/></testcase>
<testcase name="errs"><error message="oh"/></testcase>
<testcase name="is skipped"><skipped message="later"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def _build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "REPORTS", tmp_path / "reports")


def leave_junit(session: str, text: str = JUNIT) -> Path:
    file = report_folder(session) / "tests.xml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def leave_nox_report(tmp_path: Path, *results: tuple[str, str]) -> Path:
    sessions = [
        {
            "name": session.partition("(")[0],
            "signatures": [session],
            "result": result,
            "duration": 1.6,
            "reason": "not here" if result == "skipped" else None,
        }
        for session, result in results
    ]
    file = tmp_path / "nox.json"
    file.write_text(json.dumps({"sessions": sessions}), encoding="utf-8")
    return file


def test_errors_are_failures_and_a_case_counts_once() -> None:
    assert tally_junit(leave_junit("tests(3.10)")) == Tally(passed=2, failed=3, skipped=1)


@pytest.mark.parametrize("text", ["", JUNIT[:80]])
def test_a_report_that_was_cut_off_is_a_failure(text: str) -> None:
    assert tally_junit(leave_junit("tests", text)) == Tally(failed=1)


def test_sessions_have_folders_of_their_own() -> None:
    names = ["tests(3.10)", "tests(3.1)", "tests", "protobuf(4.25.0)"]
    assert len({report_folder(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("success", Tally(passed=1)),
        ("failed", Tally(failed=1)),
        ("aborted", Tally(failed=1)),
        ("skipped", Tally(skipped=1)),
    ],
)
def test_a_session_without_tests_counts_as_one(
    tmp_path: Path, result: str, expected: Tally
) -> None:
    [outcome] = read_outcomes(leave_nox_report(tmp_path, ("lint", result)))
    assert outcome.tally == expected


def test_a_session_that_failed_beside_passing_tests_is_a_failure(tmp_path: Path) -> None:
    leave_junit("tests(3.10)", '<testsuites><testcase name="passes"/></testsuites>')
    [outcome] = read_outcomes(leave_nox_report(tmp_path, ("tests(3.10)", "failed")))
    assert outcome.tally == Tally(passed=1, failed=1)


def test_failed_tests_are_not_counted_again_for_their_session(tmp_path: Path) -> None:
    leave_junit("tests(3.10)")
    [outcome] = read_outcomes(leave_nox_report(tmp_path, ("tests(3.10)", "failed")))
    assert outcome.tally == Tally(passed=2, failed=3, skipped=1)


def test_without_a_report_of_nox_there_are_no_outcomes(tmp_path: Path) -> None:
    assert total(read_outcomes(tmp_path / "nox.json")) == Tally()


def test_the_table_gives_results_and_reasons(tmp_path: Path) -> None:
    leave_junit("tests(3.10)")
    report = leave_nox_report(
        tmp_path, ("lint", "success"), ("tests(3.10)", "failed"), ("tests(3.14)", "skipped")
    )
    outcomes = read_outcomes(report)
    assert table(outcomes).splitlines() == [
        "lint         passed   2 s  1 passed, 0 failed, 0 skipped",
        "tests(3.10)  failed   2 s  2 passed, 3 failed, 1 skipped",
        "tests(3.14)  skipped  2 s  0 passed, 0 failed, 1 skipped",
        "tests(3.14): not here",
    ]
    assert str(total(outcomes)) == "3 passed, 3 failed, 2 skipped"
