"""What each command does: one call of the library, and its result as text or JSON."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from pbckpt.api import (
    Durability,
    Limits,
    OnExisting,
    PbckptError,
    Select,
    Selection,
    convert,
    inspect,
    verify,
)
from pbckpt.cli.progress import ProgressBar
from pbckpt.report import text

if TYPE_CHECKING:
    import argparse

    from pbckpt.api import Report

_SAMPLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "sample", "frozen_digits.pb")


def run_convert(options: argparse.Namespace) -> int:
    """``pbckpt convert``."""
    with ProgressBar("writing", enabled=not options.quiet) as progress:
        report = convert(
            options.input,
            options.prefix,
            selection=_selection(options),
            on_existing=OnExisting(options.on_existing),
            durability=Durability(options.durability),
            limits=_limits(options),
            progress=progress,
        )
    _show_conversion(report, options)
    return 0


def run_inspect(options: argparse.Namespace) -> int:
    """``pbckpt inspect``."""
    contents = inspect(options.path)
    if options.json:
        from pbckpt.report.json import inspect_json  # noqa: PLC0415 - start-up time

        _print(inspect_json(contents))
    else:
        _print(text.inspect_text(contents))
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """``pbckpt verify``: status 1 where problems were found."""
    report = verify(
        options.prefix,
        against=options.against,
        selection=_selection(options),
        limits=_limits(options),
    )
    if options.json:
        from pbckpt.report.json import verify_json  # noqa: PLC0415

        _print(verify_json(report))
    else:
        _print(text.verify_text(report))
    return 0 if report.ok else 1


def run_demo(options: argparse.Namespace) -> int:
    """``pbckpt demo``."""
    prefix = os.path.join(options.directory, "model.ckpt")
    _say(options, f"$ pbckpt convert {os.path.basename(_SAMPLE)} {prefix}")
    report = convert(_SAMPLE, prefix, on_existing=_policy_of_demo(prefix))
    _show_conversion(report, options)
    if not options.json:
        _print("\n" + text.variables_table(report.variables))
    _say(options, _NEXT.format(prefix=shlex.quote(prefix), sample=shlex.quote(_SAMPLE)))
    return 0


def _policy_of_demo(prefix: str) -> OnExisting:
    """Replace what an earlier demo left, and nothing else."""
    try:
        is_ours = verify(prefix, against=_SAMPLE).ok
    except PbckptError:
        is_ours = False
    return OnExisting.REPLACE if is_ours else OnExisting.REFUSE


_NEXT = """
Next:
  pbckpt verify {prefix} --against {sample}
  pbckpt inspect {prefix}
  pbckpt convert YOUR_FROZEN_GRAPH.pb out/model.ckpt
and in TensorFlow:
  tf.train.load_checkpoint("{prefix}")"""


def _limits(options: argparse.Namespace) -> Limits:
    if options.max_expanded_bytes is None:
        return Limits()
    return Limits(max_expanded_bytes=options.max_expanded_bytes)


def _selection(options: argparse.Namespace) -> Selection:
    return Selection(
        Select(options.select),
        tuple(options.include),
        tuple(options.exclude),
        tuple(options.take),
    )


def _show_conversion(report: Report, options: argparse.Namespace) -> None:
    for warning in report.warnings:
        _say(options, f"warning: {warning}")
    if options.json:
        from pbckpt.report.json import convert_json  # noqa: PLC0415

        _print(convert_json(report))
    else:
        _print(text.convert_text(report))


def _say(options: argparse.Namespace, line: str) -> None:
    """Tell the user something that is not the result."""
    if not options.quiet:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _print(result: str) -> None:
    """Print a result, whatever names are in it, on any terminal, or on none."""
    if sys.stdout is None:
        return
    encoding = sys.stdout.encoding or "ascii"
    lines = "\n".join(map(text.printable, result.split("\n")))
    sys.stdout.write(lines.encode(encoding, "backslashreplace").decode(encoding) + "\n")
