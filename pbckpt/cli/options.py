"""Options that several commands share: what is taken, what changes, how it is laid out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

PATTERN_HELP = (
    "A PATTERN is a glob in which * also matches /, or re: and a regular expression that must "
    "match the whole name."
)
EDIT_HELP = (
    f"{PATTERN_HELP} Order: --include, --exclude, --drop-slots, --take; --ema; --map and --rename "
    "as they are given; --strip-prefix, --add-prefix; --cast; --set. In the NEW of --rename, \\1 "
    "is what the first group or wildcard of OLD matched."
)
_UNITS = {
    "": 1,
    "k": 1000,
    "m": 1000**2,
    "g": 1000**3,
    "t": 1000**4,
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?)?b?", re.IGNORECASE)


def count(text: str) -> int:
    """Return a number that is not negative; argparse reports the ValueError."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def size(text: str) -> int:
    """Return a size in bytes: 2GB, 512MiB, 1000; argparse reports the ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])


def tags(text: str) -> tuple[str, ...]:
    """Return the tags of a graph: serve or serve,gpu; none where the text is empty."""
    return tuple(tag for tag in text.split(",") if tag)


def _map(text: str) -> tuple[str, str]:
    return "map", text


def _rename(text: str) -> tuple[str, str]:
    return "rename", text


# argparse calls a value by these names in its messages.
count.__name__, size.__name__ = "number", "size"


def add_selection(command: argparse.ArgumentParser, *, of_graph: bool) -> None:
    """Add the options that say what is taken."""
    if of_graph:
        command.add_argument(
            "--select",
            choices=("auto", "traced", "weights", "all"),
            default="auto",
            help="start from the variables that were detected, from those that freezing left a "
            "trace of, from all that operations take as weights, or from all constants "
            "(default: auto)",
        )
    for name, text in (
        ("--include", "keep only these"),
        ("--exclude", "leave these out"),
        ("--take", "add these, detected and kept or not" if of_graph else "keep these after all"),
    ):
        command.add_argument(name, action="append", default=[], metavar="PATTERN", help=text)


def add_limits(command: argparse.ArgumentParser) -> None:
    """Add the limit on what a graph may expand to."""
    command.add_argument(
        "--max-expanded-bytes",
        type=count,
        metavar="N",
        help="let repeated values and zeros that the graph does not hold itself take up to "
        "N bytes (default: 4 GiB)",
    )


def add_forms(command: argparse.ArgumentParser) -> None:
    """Add the options about quantized weights and partitioned variables."""
    command.add_argument(
        "--quantized",
        choices=("float", "stored"),
        default="float",
        help="weights that a tool made integers or halves of: as what the graph makes of these, or "
        "as they are in the graph, under the names of their nodes, or under their own where "
        "several share one node (default: float)",
    )
    command.add_argument(
        "--partitions",
        choices=("slices", "merged", "parts"),
        help="a variable that was cut into parts X/part_0, X/part_1, ...: as X in slices, as "
        "TensorFlow 1 stores it; as X whole; or each part by itself (default: slices, and "
        "merged with --format object or both)",
    )
    command.add_argument(
        "--names",
        choices=("graph", "keras"),
        default="graph",
        help="what variables are called, before any renaming: as the graph says, or with the "
        "word that Keras has for what they are as the last component, such as conv1/kernel for "
        "conv1/weights (default: graph)",
    )


def add_thaw(command: argparse.ArgumentParser) -> None:
    """Add the options about the graph that is written beside a checkpoint."""
    import argparse  # noqa: PLC0415 - the command line has it by now

    command.add_argument(
        "--meta",
        action=argparse.BooleanOptionalAction,
        help="write PREFIX.meta, the graph with its variables back, which TensorFlow imports and "
        "trains; with --meta it is an error if that cannot be (default: write it where it can be, "
        "and warn; not with --like or --format object)",
    )
    command.add_argument(
        "--variables",
        choices=("resource", "ref"),
        default="resource",
        help="the kind of variables in the graph: those that TensorFlow 2 has and 1.15 knows, or "
        "those of TensorFlow 1 (default: resource)",
    )
    command.add_argument(
        "--inputs",
        type=names,
        default=(),
        metavar="TENSOR,...",
        help="with --format saved-model: what its signature takes, with or without :0, and with "
        "another name as NAME=TENSOR (default: the placeholders)",
    )
    command.add_argument(
        "--outputs",
        type=names,
        default=(),
        metavar="TENSOR,...",
        help="with --format saved-model: what it gives (default: what nothing else takes)",
    )


def names(text: str) -> tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(name for name in text.split(",") if name)


def add_values(command: argparse.ArgumentParser) -> None:
    """Add the options about the values that are stored."""
    add_forms(command)
    command.add_argument(
        "--tensor",
        action="append",
        default=[],
        metavar="NAME[:k]",
        help="store this tensor too, which may be computed, of constants alone",
    )


def add_tags(command: argparse.ArgumentParser) -> None:
    """Add the option that chooses a graph of a SavedModel."""
    command.add_argument(
        "--tags",
        type=tags,
        metavar="TAG[,TAG]",
        help="of a SavedModel, take the graph with just these tags (default: its only graph, "
        "or the one tagged serve alone)",
    )


def add_edits(command: argparse.ArgumentParser) -> None:
    """Add the options that change names, types and values."""
    command.add_argument(
        "--drop-slots", action="store_true", help="leave the state of optimizers out"
    )
    command.add_argument(
        "--ema",
        choices=("to-raw", "from-raw"),
        help="to-raw: X/ExponentialMovingAverage takes the place of X; "
        "from-raw: X is stored under both names",
    )
    command.add_argument(
        "--map",
        dest="renames",
        action="append",
        type=_map,
        metavar="FILE",
        help="rename as a file says: a JSON object, or two columns of CSV or TSV",
    )
    command.add_argument(
        "--rename",
        dest="renames",
        action="append",
        type=_rename,
        metavar="OLD=NEW",
        help="rename what matches the PATTERN OLD",
    )
    command.add_argument(
        "--strip-prefix", default="", metavar="TEXT", help="take this off every name"
    )
    command.add_argument("--add-prefix", default="", metavar="TEXT", help="put this before it")
    command.add_argument(
        "--cast",
        action="append",
        default=[],
        metavar="PATTERN=DTYPE",
        help="store these with another type, such as '*=float16'",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=DTYPE:VALUE",
        help="store this value, such as global_step=int64:0",
    )


def add_like(command: argparse.ArgumentParser) -> None:
    """Add the options about a target that the result shall look like."""
    command.add_argument(
        "--like",
        metavar="TARGET",
        help="store exactly the keys, dtypes, shapes, slices and objects of this checkpoint, "
        "SavedModel, .meta or index of names (text or JSON)",
    )
    command.add_argument(
        "--match",
        choices=("name", "suffix", "structure"),
        default="name",
        help="with --like: name: what has the same name; suffix: and what has the same end of a "
        "name; structure: and what has the same role, shape and place (default: name)",
    )
    command.add_argument(
        "--missing",
        choices=("error", "keep", "init"),
        default="error",
        help="with --like: what the graph has no value for is an error, keeps the target's value, "
        "or is made of zeros, or of ones by its role (default: error)",
    )
    command.add_argument(
        "--left-over",
        choices=("warn", "error"),
        default="warn",
        help="with --like: warn of what the target has no place for, which is not stored, or "
        "stop (default: warn)",
    )
    command.add_argument(
        "--like-cast",
        action="store_true",
        help="with --like: cast values to the target's types",
    )


def add_layout(
    command: argparse.ArgumentParser, *, of_source: bool = False, has_graph: bool = False
) -> None:
    """Add the options that say in which form and how many files tensors are stored."""
    default = "that of IN" if of_source else "name"
    models = (
        "; or a SavedModel, in the form of TensorFlow 1, which every TensorFlow loads, or in that "
        "of TensorFlow 2"
        if has_graph
        else ""
    )
    command.add_argument(
        "--format",
        choices=(
            "name",
            "object",
            "both",
            *(("saved-model", "saved-model-v2") if has_graph else ()),
        ),
        help="for Saver, for tf.train.Checkpoint of TensorFlow 2, or for both with one copy of "
        f"the data{models} (default: {default})",
    )
    command.add_argument(
        "--save-counter",
        type=count,
        metavar="N",
        help="with object or both: count N saves, as Checkpoint.save does and .restore asks for",
    )
    command.add_argument("--shards", type=count, metavar="N", help="divide the data into N files")
    command.add_argument(
        "--max-shard-size",
        type=size,
        metavar="SIZE",
        help="divide the data into as few files as keep to SIZE, such as 2GB",
    )


def add_output(command: argparse.ArgumentParser, what: str) -> None:
    """Add the options about files that are written."""
    command.add_argument(
        "--on-existing",
        choices=("refuse", "replace"),
        default="refuse",
        help=f"what to do where {what} exists already (default: refuse)",
    )
    add_durability(command)


def add_durability(command: argparse.ArgumentParser) -> None:
    """Add the option about waiting for the disk."""
    command.add_argument(
        "--durability",
        choices=("full", "none"),
        default="full",
        help="full: wait until the disk has everything; none: leave that to the system, "
        "as cp does (default: full)",
    )


def add_dry_run(command: argparse.ArgumentParser) -> None:
    """Add the option to show what would be done."""
    command.add_argument(
        "--dry-run", action="store_true", help="write nothing, show old and new names"
    )
