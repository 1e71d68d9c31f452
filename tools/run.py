"""Show or test a fresh checkout with nothing installed but git and Python.

    python3 tools/run.py demo [DIR]       the demonstration, its files in DIR
    python3 tools/run.py test [SESSION…]  every test session, or only those named

Both work in a virtual environment inside the checkout and leave the Python that
started them alone. Where that one is too old for pbckpt, another is looked for
and goes on.

Starts on Python 3.8 with the standard library alone.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    # Started as a program, this file has its own folder first on the path, not the checkout.
    sys.path[0] = str(ROOT)

from tools import environments, interpreters, reports  # noqa: E402 - found by the lines above

OLDEST = (3, 10)
NEWEST_FIRST = ("3.14", "3.13", "3.12", "3.11", "3.10")

DEMO_ENVIRONMENT = ROOT / ".venv"
TEST_ENVIRONMENT = ROOT / ".venv-nox"
NOX = "nox>=2026.2"

SESSIONS = ("lint", "types", "tests", "protobuf", "readers", "tensorflow2", "tensorflow1")


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    options = _parse(arguments)
    if sys.version_info < OLDEST:
        return _go_on_with_newer_python(arguments)
    try:
        return _demo(options.directory) if options.command == "demo" else _test(options.session)
    except (environments.NoEnvironmentError, subprocess.CalledProcessError) as error:
        _tell(f"error: {error}")
        return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description="Show or test this checkout.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="install the checkout privately and run 'pbckpt demo'")
    demo.add_argument("directory", metavar="DIR", nargs="?", help="where the files shall go")
    test = commands.add_parser("test", help="run the test sessions and add up the results")
    test.add_argument("session", metavar="SESSION", nargs="*", help="; ".join(SESSIONS))
    return parser.parse_args(arguments)


def _go_on_with_newer_python(arguments: list[str]) -> int:
    for version in NEWEST_FIRST:
        python = interpreters.search(version).path
        if python is not None:
            return subprocess.call([python, __file__, *arguments])
    _tell(
        f"error: pbckpt needs Python {NEWEST_FIRST[-1]} or newer; this is {sys.version.split()[0]} "
        f"({sys.executable}), and none of {', '.join(NEWEST_FIRST)} was found. Install one of them "
        "and call this again with it."
    )
    return 1


def _demo(directory: str | None) -> int:
    # An installation that points here stays good until the project itself is described anew or
    # the checkout moves.
    description = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    _prepare(DEMO_ENVIRONMENT, ["--editable", str(ROOT)], reason=f"{ROOT}\n{description}")
    program = str(environments.environment_program(DEMO_ENVIRONMENT, "pbckpt"))
    command = [program, "demo", *([directory] if directory else [])]
    return subprocess.call(command, env=environments.clean_environ())


def _test(sessions: list[str]) -> int:
    _prepare(TEST_ENVIRONMENT, [NOX], reason=NOX)
    code = _run_nox(sessions or list(SESSIONS))
    outcomes = reports.read_outcomes(reports.NOX_REPORT)
    total = reports.total(outcomes)
    if code and not total.failed:
        total += reports.Tally(failed=1)
    print("", reports.table(outcomes), total, sep="\n", flush=True)
    return 1 if total.failed else 0


def _prepare(folder: Path, arguments: list[str], *, reason: str) -> None:
    """Have an environment in ``folder`` in which pip was given these arguments."""
    if not environments.has_pip(folder):
        _tell(f"making a private environment in {folder.name} …")
        environments.make_environment(folder)
    environments.ensure_installed(folder, arguments, reason=reason)


def _run_nox(sessions: list[str]) -> int:
    """Run the sessions, each whether or not another failed, on freshly cleared reports."""
    shutil.rmtree(reports.REPORTS, ignore_errors=True)
    reports.NOX_REPORT.unlink(missing_ok=True)
    reports.BUILD.mkdir(exist_ok=True)
    python = str(environments.environment_program(TEST_ENVIRONMENT, "python"))
    command = [python, "-m", "nox", "--report", str(reports.NOX_REPORT), "--session"]
    return subprocess.call([*command, *sessions], cwd=ROOT, env=environments.clean_environ())


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
