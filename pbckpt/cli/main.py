"""The command ``pbckpt``: options in, one call of the library, its result out.

The result goes to stdout, everything else to stderr. Exit status: 0 done,
1 for anything that pbckpt reports, problems found by ``verify`` and differences
found by ``diff`` included, 2 for a command that cannot be understood, and for
what keeps ``diff`` from comparing.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from pbckpt.cli.arguments import build_parser
from pbckpt.errors import PbckptError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from types import FrameType

EXIT_REPORTED = 1
EXIT_TROUBLE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    options = build_parser().parse_args(arguments)
    try:
        with _orderly_termination():
            return _run(options)
    except (PbckptError, OSError) as error:
        _report(error)
        # Of a comparison, 1 says that something differs.
        return EXIT_TROUBLE if options.command == "diff" else EXIT_REPORTED
    except KeyboardInterrupt:
        sys.stderr.write("pbckpt: interrupted\n")
        return EXIT_INTERRUPTED


def run() -> NoReturn:
    """Be the process: run the command of its arguments and exit.

    One command makes no garbage worth looking for. Looking through all nodes
    of a large graph again and again takes a quarter of its time, and once more
    at the exit a tenth of a small one's.
    """
    gc.disable()
    status = main()
    gc.freeze()
    sys.exit(status)


def _run(options: argparse.Namespace) -> int:
    from pbckpt.cli import commands  # noqa: PLC0415 - after usage errors and --help

    status: int = getattr(commands, f"run_{options.command}")(options)
    if sys.stdout is not None:
        sys.stdout.flush()
    return status


def _report(error: PbckptError | OSError) -> None:
    from pbckpt.report.text import printable  # noqa: PLC0415 - only for an error

    if isinstance(error, OSError) and error.filename is None:
        _give_stdout_up()
    # A reader that has gone, as `head` goes, is nothing to report.
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"pbckpt: {printable(_message(error))}\n")


def _give_stdout_up() -> None:
    """Drop what could not be printed: Python would try, and complain, once more at the exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: PbckptError | OSError) -> str:
    if isinstance(error, PbckptError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


@contextlib.contextmanager
def _orderly_termination() -> Iterator[None]:
    """Let a request to end run the clean-up on its way."""
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
    except ValueError:
        # Only the main thread of a program has its signals.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Leave through the clean-up that an exit runs, instead of at once."""
    sys.exit(EXIT_TERMINATED)
