"""A match as a table and as fields: each of both sides with what becomes of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pbckpt.report.text import shape_text, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.applications.like import MatchReport
    from pbckpt.matching.match import Pair
    from pbckpt.matching.sides import Source, Target

_HEAD = ("status", "target", "graph", "dtype", "shape", "how", "sure", "note")
_Row = tuple[str, ...]


def match_text(report: MatchReport) -> str:
    """Return the table of a match, with a line above that counts."""
    rows = list(_rows(report))
    counts = Counter(row[0] for row in rows)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{report.source} in the form of {report.target}: {told}\n\n{table(_HEAD, rows)}"


def _rows(report: MatchReport) -> Iterator[_Row]:
    match = report.match
    for pair in match.matched:
        yield ("matched", *_pair_cells(pair), pair.reason)
    for misfit in match.wrong_dtype:
        is_cast = report.is_cast and misfit.can_cast
        wanted = misfit.pair.target.dtype
        change = f"{misfit.pair.source.dtype.label} to {wanted.label if wanted else '?'}"
        note = change if is_cast else f"{change}: {misfit.problem}"
        yield ("cast" if is_cast else "wrong dtype", *_pair_cells(misfit.pair), note)
    for filled in report.filled:
        yield (filled.fill.value, filled.target.key, "", *_facts(filled.target), "", "", "")
    for misfit in match.wrong_shape:
        note = f"the graph has {shape_text(misfit.pair.source.shape)}: {misfit.problem}"
        yield ("wrong shape", *_pair_cells(misfit.pair), note)
    for one in match.ambiguous:
        note = "candidates: " + ", ".join(one.candidates)
        yield ("ambiguous", one.target.key, "", *_facts(one.target), "", "", note)
    filled_keys = {filled.target.key for filled in report.filled}
    for absent in match.missing:
        if absent.target.key not in filled_keys:
            note = "nearest: " + ", ".join(absent.nearest) if absent.nearest else ""
            yield ("missing", absent.target.key, "", *_facts(absent.target), "", "", note)
    for source in match.left_over:
        facts = (source.dtype.label, shape_text(source.shape))
        yield ("left over", "", source.key, *facts, "", "", _was(source))


def _pair_cells(pair: Pair) -> _Row:
    facts = _facts(pair.target, pair.source)
    return (pair.target.key, pair.source.key, *facts, pair.how.value, f"{pair.confidence:.2f}")


def _facts(target: Target, source: Source | None = None) -> tuple[str, str]:
    """Return type and shape of a target; those of the graph where it tells none."""
    dtype = target.dtype or (source.dtype if source else None)
    shape = target.shape
    if shape is None and source is not None:
        shape = source.shape
    return dtype.label if dtype else "-", "-" if shape is None else shape_text(shape)


def _was(source: Source) -> str:
    return f"renamed from {source.was}" if source.is_renamed else ""


def match_fields(report: MatchReport) -> dict[str, Any]:
    """Return what is to be known of a match."""
    match = report.match
    return {
        "source": report.source,
        "target": report.target,
        "kind": report.kind,
        "ok": report.ok,
        "matched": [_pair(pair) for pair in match.matched],
        "wrong_dtype": [
            {**_pair(one.pair), "problem": one.problem, "can_cast": one.can_cast}
            for one in match.wrong_dtype
        ],
        "wrong_shape": [{**_pair(one.pair), "problem": one.problem} for one in match.wrong_shape],
        "filled": [{**_target(one.target), "with": one.fill.value} for one in report.filled],
        "ambiguous": [
            {**_target(one.target), "candidates": one.candidates} for one in match.ambiguous
        ],
        "missing": [{**_target(one.target), "nearest": one.nearest} for one in match.missing],
        "left_over": [_source(source) for source in match.left_over],
        "problems": report.problems,
        "warnings": report.warnings,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        **_target(pair.target),
        "graph": _source(pair.source),
        "how": pair.how.value,
        "confidence": round(pair.confidence, 4),
        "reason": pair.reason,
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        "key": target.key,
        "names": target.names,
        "dtype": target.dtype.label if target.dtype else None,
        "shape": target.shape,
        "slices": len(target.slices),
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "key": source.key,
        "was": source.was,
        "dtype": source.dtype.label,
        "shape": source.shape,
        "parts": source.parts,
    }
