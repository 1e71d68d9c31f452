"""What each command does: one call of the library, and its result as text or JSON."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, TypeVar

from pbckpt import api
from pbckpt.cli import asked
from pbckpt.cli.progress import ProgressBar
from pbckpt.report import text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pbckpt.api import (
        EditReport,
        MatchReport,
        Report,
        SavedModelForm,
        WrittenBundle,
    )

Result = TypeVar("Result")

_SAMPLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "sample", "frozen_digits.pb")


def run_convert(options: argparse.Namespace) -> int:
    """``pbckpt convert``: the table of a target is shown whether it is filled or not."""
    try:
        report = _convert(options)
    except api.MatchError as error:
        _show_match(error.report, options)
        # What is shown already is not told once more.
        brief: str = error.report.brief
        raise api.MatchError(brief, report=error.report, unknown=error.unknown) from None
    if report.match is not None and (options.dry_run or not (options.json or options.quiet)):
        _show_match(report.match, options)
    if report.match is None or not options.dry_run:
        _show_conversion(report, options)
    return 0


def _convert(options: argparse.Namespace) -> Report:
    form = asked.saved_model(options)
    with _progress(options) as progress:
        if form is not None:
            return _convert_to_saved_model(options, form, progress)
        return api.convert(
            options.input,
            options.prefix,
            selection=asked.selection(options),
            edits=asked.edits(options),
            layout=asked.layout(options),
            like=asked.like(options),
            dry_run=options.dry_run,
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            limits=asked.limits(options),
            progress=progress,
            tags=options.tags,
            values=asked.values(options),
            thaw=asked.thaw(options),
        )


def _convert_to_saved_model(
    options: argparse.Namespace, form: SavedModelForm, progress: ProgressBar
) -> Report:
    # With a target's options and no target this raises.
    asked.like(options)
    return api.convert_to_saved_model(
        options.input,
        options.prefix,
        form=form,
        inputs=options.inputs,
        outputs=options.outputs,
        variables=api.VariableKind(options.variables),
        selection=asked.selection(options),
        edits=asked.edits(options),
        layout=asked.layout(options),
        dry_run=options.dry_run,
        on_existing=api.OnExisting(options.on_existing),
        durability=api.Durability(options.durability),
        limits=asked.limits(options),
        progress=progress,
        tags=options.tags,
        values=asked.values(options),
    )


def _show_match(report: MatchReport, options: argparse.Namespace) -> None:
    from pbckpt.report.match import match_text  # noqa: PLC0415 - start-up time

    if options.dry_run:
        for warning in report.warnings:
            _say(options, f"warning: {warning}")
    _show(options, match_text, "match_json", report)


def run_freeze(options: argparse.Namespace) -> int:
    """``pbckpt freeze``."""
    large = {"max_bytes": api.NO_MAXIMUM} if options.allow_large else {}
    with _progress(options) as progress:
        report = api.freeze(
            options.input,
            options.output,
            checkpoint=options.checkpoint,
            outputs=options.outputs,
            functions=api.Functions(options.functions),
            tags=options.tags,
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            limits=asked.limits(options),
            progress=progress,
            **large,
        )
    _show(options, text.freeze_text, "freeze_json", report)
    return 0


def run_inspect(options: argparse.Namespace) -> int:
    """``pbckpt inspect``."""
    if options.why is not None:
        values = asked.values(options)
        story = api.explain(options.path, options.why, tags=options.tags, values=values)
        _show(options, text.story_text, "story_json", story)
    elif options.score is not None:
        score = api.score(options.path, options.score, tags=options.tags)
        _show(options, text.score_text, "score_json", score)
    else:
        contents = api.inspect(options.path, tags=options.tags, values=asked.values(options))
        for warning in getattr(contents, "warnings", ()):
            _say(options, f"warning: {warning}")
        _show(options, text.inspect_text, "inspect_json", contents)
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """``pbckpt verify``: status 1 where problems were found."""
    report = api.verify(
        options.prefix,
        against=options.against,
        selection=asked.selection(options),
        edits=asked.edits(options),
        limits=asked.limits(options),
        tags=options.tags,
        values=asked.values(options),
    )
    _show(options, text.verify_text, "verify_json", report)
    return 0 if report.ok else 1


def run_demo(options: argparse.Namespace) -> int:
    """``pbckpt demo``."""
    prefix = os.path.join(options.directory, "model.ckpt")
    _say(options, f"$ pbckpt convert {os.path.basename(_SAMPLE)} {prefix}")
    report = api.convert(_SAMPLE, prefix, on_existing=_policy_of_demo(prefix))
    _show(options, text.convert_text, "convert_json", report)
    if not options.json:
        _print("\n" + text.variables_table(report.variables))
    _say(options, _NEXT.format(prefix=shlex.quote(prefix), sample=shlex.quote(_SAMPLE)))
    return 0


def _policy_of_demo(prefix: str) -> api.OnExisting:
    """Replace what an earlier demo left, and nothing else."""
    try:
        is_ours = api.verify(prefix, against=_SAMPLE).ok
    except api.PbckptError:
        is_ours = False
    return api.OnExisting.REPLACE if is_ours else api.OnExisting.REFUSE


_NEXT = """
Next:
  pbckpt verify {prefix} --against {sample}
  pbckpt inspect {prefix}
  pbckpt convert YOUR_FROZEN_GRAPH.pb out/model.ckpt
and in TensorFlow:
  tf.train.load_checkpoint("{prefix}")"""


def run_edit(options: argparse.Namespace) -> int:
    """``pbckpt edit``."""
    with _progress(options) as progress:
        report = api.edit(
            options.input,
            options.prefix,
            edits=asked.all_edits(options),
            layout=asked.layout(options),
            join_slices=options.join_slices,
            dry_run=options.dry_run,
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            progress=progress,
        )
    _show_edit(report, options)
    return 0


def run_merge(options: argparse.Namespace) -> int:
    """``pbckpt merge``."""
    with _progress(options) as progress:
        written = api.merge(
            options.inputs,
            options.prefix,
            prefer=api.Prefer(options.prefer),
            layout=asked.layout(options) or api.Layout(),
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            progress=progress,
        )
    _show_written(options.prefix, written, options)
    return 0


def run_average(options: argparse.Namespace) -> int:
    """``pbckpt average``."""
    with _progress(options) as progress:
        written = api.average(
            options.inputs,
            options.prefix,
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            progress=progress,
        )
    _show_written(options.prefix, written, options)
    return 0


def run_diff(options: argparse.Namespace) -> int:
    """``pbckpt diff``: status 1 where the checkpoints differ."""
    report = api.diff(options.first, options.second)
    _show(options, text.diff_text, "diff_json", report)
    return 1 if report.differences else 0


def run_pack(options: argparse.Namespace) -> int:
    """``pbckpt pack``."""
    with _progress(options) as progress:
        report = api.pack(
            options.input,
            options.prefix,
            edits=asked.all_edits(options),
            layout=asked.layout(options) or api.Layout(),
            dry_run=options.dry_run,
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            progress=progress,
        )
    _show_edit(report, options)
    return 0


def run_unpack(options: argparse.Namespace) -> int:
    """``pbckpt unpack``."""
    with _progress(options) as progress:
        report = api.unpack(
            options.input,
            options.output,
            edits=asked.all_edits(options),
            dry_run=options.dry_run,
            on_existing=api.OnExisting(options.on_existing),
            durability=api.Durability(options.durability),
            progress=progress,
        )
    _show_edit(report, options)
    return 0


def run_state(options: argparse.Namespace) -> int:
    """``pbckpt state``."""
    durability = api.Durability(options.durability)
    if options.set is not None:
        state = api.set_state(options.directory, options.set, durability=durability)
    elif options.repair:
        state = api.repair_state(options.directory, durability=durability)
    else:
        state = api.read_state(options.directory)
    _show(options, text.state_text, "state_json", state)
    return 0


def _progress(options: argparse.Namespace) -> ProgressBar:
    return ProgressBar("writing", enabled=not options.quiet)


def _show_edit(report: EditReport, options: argparse.Namespace) -> None:
    for warning in report.warnings:
        _say(options, f"warning: {warning}")
    shown = text.plan_text if options.dry_run else text.edit_text
    _show(options, shown, "edit_json", report)


def _show_written(prefix: str, written: WrittenBundle, options: argparse.Namespace) -> None:
    for warning in written.warnings:
        _say(options, f"warning: {warning}")
    if options.json:
        from pbckpt.report.json import written_json  # noqa: PLC0415 - start-up time

        _print(written_json(prefix, written))
    else:
        _print(text.written_text(prefix, written))


def _show(
    options: argparse.Namespace,
    as_text: Callable[[Result], str],
    as_json: str,
    result: Result,
) -> None:
    """Print a result as text, or as JSON by the function of that name."""
    if options.json:
        from pbckpt.report import json  # noqa: PLC0415 - start-up time

        _print(getattr(json, as_json)(result))
    else:
        _print(as_text(result))


def _show_conversion(report: Report, options: argparse.Namespace) -> None:
    for warning in report.warnings:
        _say(options, f"warning: {warning}")
    as_text = text.conversion_plan_text if options.dry_run else text.convert_text
    _show(options, as_text, "convert_json", report)


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
