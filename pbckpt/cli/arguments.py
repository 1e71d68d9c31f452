"""The options of every command, and their help."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from pbckpt.version import __version__

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

_USUAL_WIDTH, _LEAST_WIDTH = 80, 40
_PATTERN_HELP = (
    "A PATTERN is a glob in which * also matches /, or re: and a regular expression that must "
    "match the whole name. It is compared with a variable's key and with its node's name."
)


def _count(text: str) -> int:
    """Return a number that is not negative; argparse reports the ValueError."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


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
    _add_convert(commands)
    _add_inspect(commands)
    _add_verify(commands)
    _add_demo(commands)
    return parser


def _add_convert(commands: _Commands) -> None:
    command = _add_command(
        commands,
        "convert",
        "write the variables of a frozen graph as a checkpoint",
        epilog=_PATTERN_HELP,
    )
    command.add_argument("input", metavar="INPUT", help="a frozen graph (.pb)")
    command.add_argument("prefix", metavar="PREFIX", help="the checkpoint's prefix: out/model.ckpt")
    _add_selection(command)
    command.add_argument(
        "--on-existing",
        choices=("refuse", "replace"),
        default="refuse",
        help="what to do where PREFIX has a checkpoint already (default: refuse)",
    )
    command.add_argument(
        "--durability",
        choices=("full", "none"),
        default="full",
        help="full: wait until the disk has everything; none: leave that to the system, "
        "as cp does (default: full)",
    )


def _add_inspect(commands: _Commands) -> None:
    command = _add_command(commands, "inspect", "show what a frozen graph or a checkpoint holds")
    command.add_argument(
        "path", metavar="PATH", help="a frozen graph, or a checkpoint's prefix, file or directory"
    )


def _add_verify(commands: _Commands) -> None:
    command = _add_command(
        commands, "verify", "check every byte of a checkpoint", epilog=_PATTERN_HELP
    )
    command.add_argument(
        "prefix", metavar="PREFIX", help="a checkpoint's prefix, file or directory"
    )
    command.add_argument(
        "--against", metavar="INPUT", help="compare keys and values with this frozen graph, too"
    )
    _add_selection(command)


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


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--select",
        choices=("auto", "all"),
        default="auto",
        help="start from the variables that were detected, or from all constants (default: auto)",
    )
    command.add_argument(
        "--include", action="append", default=[], metavar="PATTERN", help="keep only these"
    )
    command.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN", help="leave these out"
    )
    command.add_argument(
        "--take",
        action="append",
        default=[],
        metavar="PATTERN",
        help="add constants that were not detected",
    )
    command.add_argument(
        "--max-expanded-bytes",
        type=_count,
        metavar="N",
        help="let repeated values and zeros that the graph does not hold itself take up to "
        "N bytes (default: 4 GiB)",
    )
