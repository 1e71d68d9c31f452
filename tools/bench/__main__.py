"""The program: makes graphs and arrays, runs the comparisons, prints what came out.

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
from tools.bench.arrays import ARRAYS, Setting, tensorflow_interpreters
from tools.bench.comparisons import make_graph, peer_comparison, plain_comparisons
from tools.bench.graphs import SIZES
from tools.bench.measure import MeasureError, measure_pairs
from tools.bench.peers import DEFAULT_FOLDER, find_peers
from tools.bench.results import Footprint, Result, Results

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.bench.arrays import Outcome
    from tools.bench.comparisons import Comparison, Graph
    from tools.bench.peers import Peer

# What --only can name: the comparisons of graphs, those of arrays, and each of these.
_GRAPHS = "graphs"
_GROUPS = {_GRAPHS: (_GRAPHS,), "arrays": tuple(ARRAYS), **{name: (name,) for name in ARRAYS}}
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
    option(
        "--only",
        type=_groups,
        default=f"{_GRAPHS},arrays",
        metavar="WHAT",
        help=f"what to compare, with commas: {', '.join(_GROUPS)}",
    )
    option("--sizes", type=_sizes, default=",".join(SIZES), help="which graphs, with commas")
    option("--scale", type=_scale, default=1.0, help="less than 1: smaller arrays, a quick look")
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


def _groups(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in _GROUPS]
    if unknown:
        msg = f"no {', '.join(unknown)}; there are {', '.join(_GROUPS)}"
        raise argparse.ArgumentTypeError(msg)
    return [member for name in names for member in _GROUPS[name]]


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale <= 1:
        raise argparse.ArgumentTypeError("more than 0, and 1 at most")
    return scale


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _measure(options: argparse.Namespace, folder: Path) -> Results:
    """Run all comparisons and sort what comes."""
    found = [*_of_graphs(options, folder), *_of_arrays(options, folder)]
    return Results(
        tuple(outcome for outcome in found if isinstance(outcome, Result)),
        tuple(outcome for outcome in found if isinstance(outcome, str)),
        tuple(outcome for outcome in found if isinstance(outcome, Footprint)),
    )


def _of_graphs(options: argparse.Namespace, folder: Path) -> Iterator[Outcome]:
    """Yield the results of one graph after the other; a graph is removed when it is done."""
    if _GRAPHS not in options.only:
        return
    peers = find_peers(options.peers, options.tensorflow)
    yield from peers.skipped
    for size in options.sizes:
        _tell(f"{size}: making the graph")
        graph = make_graph(size, folder)
        yield from _against_all(graph, folder, options.runs)
        for peer in peers.found:
            yield _against_peer(graph, folder, peer, options)
        graph.path.unlink()


def _of_arrays(options: argparse.Namespace, folder: Path) -> Iterator[Outcome]:
    """Yield the results of arrays, each comparison once."""
    names = [name for name in ARRAYS if name in options.only]
    if not names:
        return
    found, skipped = tensorflow_interpreters(options.tensorflow)
    yield from skipped
    setting = Setting(folder, found, options.runs, options.scale, options.peer_limit, _tell)
    for name in names:
        yield from ARRAYS[name](setting)


def _against_all(graph: Graph, folder: Path, runs: int) -> Iterator[Result]:
    for comparison in plain_comparisons(graph, folder):
        _announce(comparison)
        pairs = measure_pairs(comparison.ours, comparison.theirs, runs, nbytes=graph.nbytes)
        yield Result(comparison, pairs)


def _against_peer(
    graph: Graph, folder: Path, peer: Peer, options: argparse.Namespace
) -> Result | str:
    """Compare with a peer, or say why that was not possible.

    Without a warm-up: the interpreter was started before, to ask for its
    version, and on the large graphs a script takes long and much memory.
    """
    comparison = peer_comparison(graph, folder, peer)
    _announce(comparison)
    try:
        pairs = measure_pairs(
            comparison.ours,
            comparison.theirs,
            options.peer_runs,
            nbytes=graph.nbytes,
            warm_up=False,
            limit=options.peer_limit,
        )
    except MeasureError as error:
        return f"{graph.size}: {error}"
    return Result(comparison, pairs)


def _announce(comparison: Comparison) -> None:
    _tell(f"{comparison.subject.size}: {comparison.ours.label} | {comparison.theirs.label}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
