"""The program: makes the graphs, runs the comparisons, prints what came out.

The result goes to stdout, what is being done to stderr. Exit status: 0 done,
1 where pbckpt or a copy failed. A peer that fails is reported and passed over.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench import results
from tools.bench.comparisons import make_subject, peer_comparison, plain_comparisons
from tools.bench.graphs import SIZES
from tools.bench.measure import MeasureError, measure_pairs
from tools.bench.peers import DEFAULT_FOLDER, find_peers
from tools.bench.results import Result, Results

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.bench.comparisons import Comparison, Subject
    from tools.bench.peers import Peer

# Not the system's folder for temporary files: that is often memory, which no
# one has to wait for.
_FOLDER = Path(__file__).resolve().parents[2] / "build" / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    options = _parse(arguments)
    options.dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pbckpt-bench-", dir=options.dir) as folder:
        try:
            measured = _measure(options, Path(folder))
        except MeasureError as error:
            _tell(f"error: {error}")
            return 1
    print(results.to_json(measured) if options.json else results.table(measured))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description="Compare pbckpt with a copy of the same file, and with TensorFlow.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = parser.add_argument
    option("--sizes", type=_sizes, default=",".join(SIZES), help="which graphs, with commas")
    option("--runs", type=_count, default=5, metavar="N", help="runs of each command")
    option("--dir", type=Path, default=_FOLDER, help="where files may go: the disk to measure")
    option("--json", action="store_true", help="print one JSON object with every run")
    peers = parser.add_argument_group("TensorFlow")
    option = peers.add_argument
    option(
        "--tensorflow",
        action="append",
        default=[],
        metavar="PYTHON",
        help="an interpreter that has TensorFlow; may be given again",
    )
    option("--peers", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="where scripts lie")
    option("--peer-runs", type=_count, default=1, metavar="N", help="runs of each script")
    option("--peer-limit", type=float, default=600, metavar="SECONDS", help="stop scripts then")
    return parser.parse_args(arguments)


def _sizes(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SIZES]
    if unknown:
        msg = f"no size {', '.join(unknown)}; there are {', '.join(SIZES)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _measure(options: argparse.Namespace, folder: Path) -> Results:
    """Run all comparisons, one graph after the other; a graph is removed when it is done."""
    peers = find_peers(options.peers, options.tensorflow)
    found: list[Result] = []
    skipped = list(peers.skipped)
    for size in options.sizes:
        _tell(f"{size}: making the graph")
        subject = make_subject(size, folder)
        found += _against_all(subject, folder, options.runs)
        for peer in peers.found:
            result = _against_peer(subject, folder, peer, options)
            if isinstance(result, Result):
                found.append(result)
            else:
                skipped.append(result)
        subject.path.unlink()
    return Results(tuple(found), tuple(skipped))


def _against_all(subject: Subject, folder: Path, runs: int) -> Iterator[Result]:
    for comparison in plain_comparisons(subject, folder):
        _announce(comparison)
        yield Result(comparison, measure_pairs(comparison.ours, comparison.theirs, runs))


def _against_peer(
    subject: Subject, folder: Path, peer: Peer, options: argparse.Namespace
) -> Result | str:
    """Compare with a peer, or say why that was not possible.

    Without a warm-up: the interpreter was started before, to ask for its
    version, and on the large graphs a script takes long and much memory.
    """
    comparison = peer_comparison(subject, folder, peer)
    _announce(comparison)
    try:
        pairs = measure_pairs(
            comparison.ours,
            comparison.theirs,
            options.peer_runs,
            warm_up=False,
            limit=options.peer_limit,
        )
    except MeasureError as error:
        return f"{subject.size}: {error}"
    return Result(comparison, pairs)


def _announce(comparison: Comparison) -> None:
    _tell(f"{comparison.subject.size}: {comparison.ours.label} | {comparison.theirs.label}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
