"""Results: what was measured, as a table for people and as JSON for machines.

A ratio is pbckpt's time over the other's: below 1 pbckpt is faster. Megabytes
are millions of bytes.
"""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.bench.comparisons import NO_WAITING
from tools.bench.measure import peak_bytes, seconds, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.comparisons import Comparison
    from tools.bench.measure import Command, Pairs, Run, Spread

_MEGABYTE = 1_000_000
_SMALL, _LARGE = "1MB", "1.6GB"
_HEADINGS = ("graph", "what", "against", "pbckpt", "other", "ratio", "pbckpt's peak", "other's")


class Result(NamedTuple):
    """A comparison and its runs."""

    comparison: Comparison
    pairs: Pairs


class Results(NamedTuple):
    """All that was measured, and in words what was not."""

    results: tuple[Result, ...]
    skipped: tuple[str, ...]

    @property
    def memory_growth(self) -> int | None:
        """How much more memory the large graph takes than the small one; None if not measured."""
        peaks = {
            result.comparison.subject.size: peak_bytes(result.pairs.ours)
            for result in self.results
            if result.comparison.title == NO_WAITING
        }
        return peaks[_LARGE] - peaks[_SMALL] if {_LARGE, _SMALL} <= peaks.keys() else None


def table(results: Results) -> str:
    """Return the medians with the least and the most of each, a comparison a line."""
    lines = _aligned([_HEADINGS, *map(_row, results.results)])
    if results.memory_growth is not None:
        growth = f"{results.memory_growth / _MEGABYTE:.1f} MB"
        lines.append(f"peak memory of {_LARGE} minus that of {_SMALL}: {growth}")
    lines += [f"not measured: {reason}" for reason in results.skipped]
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    comparison, pairs = result
    return (
        comparison.subject.size,
        comparison.title,
        comparison.theirs.label,
        _figures(seconds(pairs.ours), " s"),
        _figures(seconds(pairs.theirs), " s"),
        _figures(spread(pairs.ratios)),
        f"{peak_bytes(pairs.ours) / _MEGABYTE:.1f} MB",
        f"{peak_bytes(pairs.theirs) / _MEGABYTE:.1f} MB",
    )


def _figures(figures: Spread, unit: str = "") -> str:
    median, least, most = (f"{figure:.3f}" for figure in figures)
    return f"{median}{unit} ({least}-{most})" if least != most else f"{median}{unit}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def to_json(results: Results) -> str:
    """Return every run, and the figures of the table, as one JSON object."""
    content = {
        "machine": {
            "platform": platform.platform(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
        },
        "comparisons": [_comparison(result) for result in results.results],
        "memory_growth_bytes": results.memory_growth,
        "not_measured": results.skipped,
    }
    return json.dumps(content, indent=2)


def _comparison(result: Result) -> dict[str, Any]:
    comparison, pairs = result
    subject = comparison.subject
    return {
        "graph": subject.size,
        "variables": subject.perceptron.num_variables,
        "variables_bytes": subject.perceptron.nbytes,
        "what": comparison.title,
        "pbckpt": _side(comparison.ours, pairs.ours),
        "other": _side(comparison.theirs, pairs.theirs),
        "ratio": {**spread(pairs.ratios)._asdict(), "pairs": pairs.ratios},
    }


def _side(command: Command, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "command": command.label,
        "seconds": {**seconds(runs)._asdict(), "runs": [run.seconds for run in runs]},
        "peak_bytes": {"median": peak_bytes(runs), "runs": [run.peak_bytes for run in runs]},
    }
