"""The options of every command, and their help."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from pbckpt.cli import options
from pbckpt.version import __version__

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

_USUAL_WIDTH, _LEAST_WIDTH = 80, 40
_GRAPH = "a frozen graph: .pb, .pbtxt, .meta, or a SavedModel"
_CHECKPOINT = "a checkpoint's prefix, file or directory"


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Return a help formatter as wide as the terminal.

    argparse's own way to the width imports three compression libraries.
    """
    try:
        width = os.get_terminal_size().columns
    except OSError:
        width = _USUAL_WIDTH
    return argparse.HelpFormatter(prog, width=max(_LEAST_WIDTH, width - 2))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="pbckpt",
        formatter_class=_formatter,
        description="Frozen TensorFlow graphs back to checkpoints, without TensorFlow.",
    )
    parser.add_argument("--version", action="version", version=f"pbckpt {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _add_convert,
        _add_freeze,
        _add_edit,
        _add_merge,
        _add_average,
        _add_diff,
        _add_pack,
        _add_unpack,
        _add_state,
        _add_inspect,
        _add_verify,
        _add_demo,
    ):
        add(commands)
    return parser


def _add_convert(commands: _Commands) -> None:
    command = _add_command(
        commands,
        "convert",
        "write the variables of a frozen graph as a checkpoint, or as a SavedModel",
        epilog=options.EDIT_HELP,
    )
    command.add_argument("input", metavar="INPUT", help=_GRAPH)
    command.add_argument(
        "prefix",
        metavar="PREFIX",
        help="the checkpoint's prefix: out/model.ckpt; or the SavedModel's directory",
    )
    options.add_tags(command)
    options.add_selection(command, of_graph=True)
    options.add_values(command)
    options.add_edits(command)
    options.add_like(command)
    options.add_layout(command, has_graph=True)
    options.add_thaw(command)
    options.add_limits(command)
    options.add_dry_run(command)
    options.add_output(command, "PREFIX")


def _add_freeze(commands: _Commands) -> None:
    command = _add_command(
        commands, "freeze", "write a graph with its variables' values as one frozen graph"
    )
    command.add_argument(
        "input",
        metavar="SOURCE",
        help="a .meta file, a checkpoint with one beside it, a SavedModel, or a graph together "
        "with --checkpoint",
    )
    command.add_argument("output", metavar="OUT.pb", help="the frozen graph that is written")
    command.add_argument(
        "--outputs",
        type=options.names,
        default=(),
        metavar="NODE,...",
        help="the nodes that it ends in, with or without :0 (default: those of the signatures, of "
        "the frozen graph that this one was converted from, or what nothing else takes)",
    )
    command.add_argument(
        "--checkpoint", metavar="PREFIX", help="where the values are, if not beside the graph"
    )
    command.add_argument(
        "--functions",
        choices=("keep", "inline"),
        default="keep",
        help="what becomes of functions that are called: kept (default), or put in the places of "
        "their calls, for readers that know none",
    )
    command.add_argument(
        "--allow-large",
        action="store_true",
        help="write more than 2 GiB, which TensorFlow does not read",
    )
    options.add_tags(command)
    options.add_limits(command)
    options.add_output(command, "OUT.pb")


def _add_edit(commands: _Commands) -> None:
    command = _add_command(
        commands,
        "edit",
        "write a checkpoint with other names, types, values or files",
        epilog=options.EDIT_HELP,
    )
    command.add_argument("input", metavar="IN", help=_CHECKPOINT)
    command.add_argument("prefix", metavar="OUT", help="the prefix of the new checkpoint")
    options.add_selection(command, of_graph=False)
    options.add_edits(command)
    options.add_layout(command, of_source=True)
    command.add_argument(
        "--join-slices", action="store_true", help="store partitioned tensors whole"
    )
    options.add_dry_run(command)
    options.add_output(command, "OUT")


def _add_merge(commands: _Commands) -> None:
    command = _add_command(commands, "merge", "write the tensors of several checkpoints as one")
    command.add_argument("inputs", metavar="IN", nargs="+", help=_CHECKPOINT)
    command.add_argument("prefix", metavar="OUT", help="the prefix of the new checkpoint")
    command.add_argument(
        "--prefer",
        choices=("neither", "first", "last"),
        default="neither",
        help="whose tensor counts where several have one of that name (default: neither: an error)",
    )
    options.add_layout(command)
    options.add_output(command, "OUT")


def _add_average(commands: _Commands) -> None:
    command = _add_command(
        commands, "average", "write the mean of several checkpoints of one model"
    )
    command.add_argument("inputs", metavar="IN", nargs="+", help=_CHECKPOINT)
    command.add_argument("prefix", metavar="OUT", help="the prefix of the new checkpoint")
    options.add_output(command, "OUT")


def _add_diff(commands: _Commands) -> None:
    command = _add_command(commands, "diff", "compare two checkpoints; status 1 where they differ")
    command.add_argument("first", metavar="A", help=_CHECKPOINT)
    command.add_argument("second", metavar="B", help=_CHECKPOINT)


def _add_pack(commands: _Commands) -> None:
    command = _add_command(
        commands,
        "pack",
        "write the arrays of a .npz, a .safetensors or a folder of .npy as a checkpoint",
        epilog=options.EDIT_HELP,
    )
    command.add_argument("input", metavar="INPUT", help="the archive or the folder")
    command.add_argument("prefix", metavar="PREFIX", help="the checkpoint's prefix")
    options.add_selection(command, of_graph=False)
    options.add_edits(command)
    options.add_layout(command)
    options.add_dry_run(command)
    options.add_output(command, "PREFIX")


def _add_unpack(commands: _Commands) -> None:
    command = _add_command(
        commands,
        "unpack",
        "write the tensors of a checkpoint as a .npz or .safetensors",
        epilog=options.EDIT_HELP,
    )
    command.add_argument("input", metavar="PREFIX", help=_CHECKPOINT)
    command.add_argument("output", metavar="OUTPUT", help="the archive: out.npz or out.safetensors")
    options.add_selection(command, of_graph=False)
    options.add_edits(command)
    options.add_dry_run(command)
    options.add_output(command, "OUTPUT")


def _add_state(commands: _Commands) -> None:
    command = _add_command(
        commands, "state", "show, set or repair the checkpoint file of a directory"
    )
    command.add_argument("directory", metavar="DIR", nargs="?", default=".", help="default: .")
    change = command.add_mutually_exclusive_group()
    change.add_argument("--set", metavar="PREFIX", help="make this checkpoint the newest")
    change.add_argument(
        "--repair",
        action="store_true",
        help="name what is there, by relative paths, and leave out what is gone",
    )
    options.add_durability(command)


def _add_inspect(commands: _Commands) -> None:
    command = _add_command(commands, "inspect", "show what a frozen graph or a checkpoint holds")
    command.add_argument("path", metavar="PATH", help=f"{_GRAPH}; or {_CHECKPOINT}")
    options.add_tags(command)
    options.add_forms(command)
    question = command.add_mutually_exclusive_group()
    question.add_argument(
        "--why",
        metavar="NAME",
        help="of a graph, tell all that is known of one constant instead: its consumers, the "
        "evidence, the verdict",
    )
    question.add_argument(
        "--score",
        metavar="TRUTH",
        help="of a graph, compare the verdicts with this JSON file of the variables that there "
        "were instead",
    )


def _add_verify(commands: _Commands) -> None:
    command = _add_command(
        commands, "verify", "check every byte of a checkpoint", epilog=options.EDIT_HELP
    )
    command.add_argument(
        "prefix", metavar="PREFIX", help="a checkpoint's prefix, file or directory"
    )
    command.add_argument(
        "--against", metavar="INPUT", help="compare keys and values with this frozen graph, too"
    )
    options.add_tags(command)
    options.add_selection(command, of_graph=True)
    options.add_values(command)
    options.add_edits(command)
    options.add_limits(command)


def _add_demo(commands: _Commands) -> None:
    command = _add_command(commands, "demo", "convert the bundled sample and show the result")
    command.add_argument(
        "directory",
        metavar="DIR",
        nargs="?",
        default="pbckpt-demo",
        help="where to write the checkpoint (default: pbckpt-demo)",
    )


def _add_command(
    commands: _Commands, name: str, help_text: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ".",
        epilog=epilog,
        formatter_class=_formatter,
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead")
    command.add_argument("--quiet", action="store_true", help="say nothing but the result")
    return command
