"""Score detection on folders of graphs: `python -m tools.score FOLDER ... [--misses]`.

Without a folder the graphs of tests/golden/zoo are scored, the open half and the
other half, `held`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tools.score.corpus import Total, add_up, find_entries

ZOO = Path(__file__).parent.parent.parent / "tests" / "golden" / "zoo"


def main() -> None:
    """Print a table for each folder."""
    parser = argparse.ArgumentParser(prog="python -m tools.score", description=__doc__)
    parser.add_argument("folder", nargs="*", type=Path, default=[ZOO / "open", ZOO / "held"])
    parser.add_argument("--misses", action="store_true", help="list what was missed and wrong")
    options = parser.parse_args()
    for folder in options.folder:
        totals = add_up(find_entries(folder, _traces(folder)))
        sys.stdout.write(f"{folder}\n{_table(totals)}\n")
        if options.misses:
            misses = [miss for total in totals.values() for miss in total.misses]
            sys.stdout.write("\n".join(misses) + "\n")


def _traces(folder: Path) -> dict[str, str]:
    """Return what an index beside the entries says of their traces, if there is one."""
    index = folder / "index.json"
    if not index.is_file():
        return {}
    return {entry["id"]: entry["trace"] for entry in json.loads(index.read_text())}


def _table(totals: dict[str, Total]) -> str:
    head = "trace    graphs  wanted  recall   precision  names   last    layer   trainable  bits"
    lines = [head]
    for trace, total in sorted(totals.items()):
        shares = [
            _share(total.found, total.wanted),
            _share(total.taken - total.wrong, total.taken),
            _share(total.names, total.found),
            _share(total.last_names, total.found),
            _share(total.layers, total.found),
            _share(total.trainable, total.found),
            _share(total.bits, total.comparable),
        ]
        row = "  ".join(share.ljust(6) for share in shares)
        lines.append(f"{trace:<8} {total.graphs:<7} {total.wanted:<7} {row}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


if __name__ == "__main__":
    main()
