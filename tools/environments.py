"""Private virtual environments: made where it is hard, kept while they are good.

Nothing is ever installed into the Python that runs this. That Python may be
a distribution's, which is marked as externally managed and may come without
ensurepip, so several ways of making an environment are tried in order:

    venv                         needs ensurepip; Debian packs it separately
    venv --without-pip, and pip  of the Python outside, version 22.3 or newer
    virtualenv                   as a module or as a program
    uv

Starts on Python 3.8 with the standard library alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_STAMP = "installed.txt"

# What of the caller's environment would reach into a private one. macOS sets the last.
_LEAKS = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__")


class NoEnvironmentError(Exception):
    """No way of making a virtual environment works here; the text is for people."""


def environment_program(folder: Path, name: str) -> Path:
    """Return where an environment keeps the program ``name``."""
    if os.name == "nt":
        return folder / "Scripts" / f"{name}.exe"
    return folder / "bin" / name


def clean_environ() -> dict[str, str]:
    """Return this process's environment variables without those that mislead a private Python."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEAKS}
    return {**kept, "PIP_USER": "0", "PYTHONNOUSERSITE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def has_pip(folder: Path) -> bool:
    """Tell whether an environment is there and whole enough to install something in it."""
    python = str(environment_program(folder, "python"))
    return _succeeds([python, "-m", "pip", "--version"])


def make_environment(folder: Path) -> None:
    """Make an environment where ``has_pip`` finds none.

    One whose Python starts but has no pip may be somebody's own: it gets pip and
    loses nothing. What does not start is replaced. Raises NoEnvironmentError,
    which says what to install.
    """
    inside = str(environment_program(folder, "python"))
    starts = _succeeds([inside, "-c", ""])
    for commands in _ways_to_add_pip(inside) if starts else _ways_to_make(folder):
        if not starts:
            shutil.rmtree(folder, ignore_errors=True)
        if all(map(_succeeds, commands)) and has_pip(folder):
            return
    if not starts:
        shutil.rmtree(folder, ignore_errors=True)
    raise NoEnvironmentError(_advice())


def ensure_installed(folder: Path, arguments: Sequence[str], *, reason: str) -> None:
    """Give ``pip install`` these arguments, unless it was the last thing done with this ``reason``.

    ``reason`` is everything that would make another installation needed, as text.
    Raises CalledProcessError; pip has then said why.
    """
    stamp = folder / _STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == reason:
        return
    python = str(environment_program(folder, "python"))
    command = [python, "-m", "pip", "install", "--quiet", *arguments]
    subprocess.run(command, check=True, env=clean_environ(), stdout=sys.stderr)
    stamp.write_text(reason, encoding="utf-8")


def _ways_to_make(folder: Path) -> Iterator[list[list[str]]]:
    """Yield the ways of making an environment, each as commands that all have to succeed."""
    me, target = sys.executable, str(folder)
    inside = str(environment_program(folder, "python"))
    yield [[me, "-m", "venv", target]]
    yield [[me, "-m", "venv", "--without-pip", target], _pip_from_outside(inside)]
    yield [[me, "-m", "virtualenv", target]]
    yield [["virtualenv", "--python", me, target]]
    yield [["uv", "venv", "--seed", "--python", me, target]]


def _ways_to_add_pip(inside: str) -> Iterator[list[list[str]]]:
    yield [[inside, "-m", "ensurepip"]]
    yield [_pip_from_outside(inside)]
    yield [["uv", "pip", "install", "--python", inside, "pip"]]


def _pip_from_outside(inside: str) -> list[str]:
    return [sys.executable, "-m", "pip", "--python", inside, "install", "pip"]


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            check=False,
            env=clean_environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return done.returncode == 0


def _advice() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"no virtual environment can be made with {sys.executable}: its venv module brings no pip "
        "(ensurepip is missing), and there is neither pip 22.3 or newer, nor virtualenv, nor uv. "
        f"On Debian and Ubuntu, 'apt install python{version}-venv' puts that right; "
        "elsewhere, install virtualenv or uv."
    )
