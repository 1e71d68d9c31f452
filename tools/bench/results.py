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

    from tools.bench.comparisons import Comparison, Subject
    from tools.bench.measure import Measurable, Pairs, Run, Spread

_MEGABYTE = 1_000_000
_LEAST = 0.1
_SMALL, _LARGE = "1MB", "1.6GB"
_HEADINGS = (
    *("size", "what", "against", "pbckpt", "other"),
    *("ratio", "wanted", "pbckpt's peak", "other's"),
)


class Result(NamedTuple):
    """A comparison and its runs."""

    comparison: Comparison
    pairs: Pairs


class Footprint(NamedTuple):
    """A run of ours that is about memory, and below how many bytes its peak is to stay."""

    subject: Subject
    label: str
    run: Run
    wanted_bytes: int


class Results(NamedTuple):
    """All that was measured, and in words what was not."""

    results: tuple[Result, ...]
    skipped: tuple[str, ...]
    footprints: tuple[Footprint, ...] = ()

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
    lines = _aligned([_HEADINGS, *map(_row, results.results)]) if results.results else []
    if results.memory_growth is not None:
        growth = f"{results.memory_growth / _MEGABYTE:.1f} MB"
        lines.append(f"peak memory of {_LARGE} minus that of {_SMALL}: {growth}")
    lines += map(_footprint_line, results.footprints)
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
        "" if comparison.wanted is None else f"<= {comparison.wanted:g}",
        f"{peak_bytes(pairs.ours) / _MEGABYTE:.1f} MB",
        f"{peak_bytes(pairs.theirs) / _MEGABYTE:.1f} MB",
    )


def _footprint_line(footprint: Footprint) -> str:
    subject, label, run, wanted = footprint
    peak, limit = run.peak_bytes / _MEGABYTE, wanted / _MEGABYTE
    time = f"{run.seconds:.3f} s"
    return (
        f"peak memory of {label}, {subject.size}: {peak:.1f} MB in {time} (wanted: < {limit:g} MB)"
    )


def _figures(figures: Spread, unit: str = "") -> str:
    median, least, most = map(_number, figures)
    return f"{median}{unit} ({least}-{most})" if least != most else f"{median}{unit}"


def _number(figure: float) -> str:
    """Return three decimals, or three digits of what is too little for that."""
    return f"{figure:.3f}" if figure >= _LEAST else f"{figure:.3g}"


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
        "footprints": [_footprint(footprint) for footprint in results.footprints],
        "not_measured": results.skipped,
    }
    return json.dumps(content, indent=2)


def _comparison(result: Result) -> dict[str, Any]:
    comparison, pairs = result
    return {
        **_subject(comparison.subject),
        "what": comparison.title,
        "pbckpt": _side(comparison.ours, pairs.ours),
        "other": _side(comparison.theirs, pairs.theirs),
        "ratio": {**spread(pairs.ratios)._asdict(), "pairs": pairs.ratios},
        "wanted": comparison.wanted,
    }


def _footprint(footprint: Footprint) -> dict[str, Any]:
    subject, label, run, wanted = footprint
    return {
        **_subject(subject),
        "command": label,
        **run._asdict(),
        "wanted_bytes": wanted,
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return {"size": subject.size, "tensors": subject.num_tensors, "bytes": subject.nbytes}


def _side(command: Measurable, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "command": command.label,
        "seconds": {**seconds(runs)._asdict(), "runs": [run.seconds for run in runs]},
        "peak_bytes": {"median": peak_bytes(runs), "runs": [run.peak_bytes for run in runs]},
    }
