"""Find a Python interpreter of a wanted version by starting it, not by its name.

A name on PATH proves nothing: a version manager's shim called ``python3.7`` is
there even when all it can answer is "command not found". So each candidate is
started and asked who it is, and the first that answers rightly is taken, under
the path that it gives of itself.

    on PATH            every match, not only the first
    version managers   pyenv, asdf, uv
    usual folders      of Linux distributions, macOS and Homebrew, /opt
    Windows            the py launcher
    this interpreter   last, as it may be a virtual environment's

Starts on Python 3.8 with the standard library alone: it is needed before there
is any environment.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_SECONDS_TO_ANSWER = 30

_USUAL_FOLDERS = (
    "/usr/local/bin",
    "/usr/bin",
    "/usr/lib/*/bin",
    "/opt/*/bin",
    "/opt/python/*/bin",
    "/opt/homebrew/opt/python@*/bin",
    "/Library/Frameworks/Python.framework/Versions/*/bin",
)


@dataclass(frozen=True)
class Answer:
    """What an interpreter says of itself: its ``3.11`` form of the version and its path."""

    version: str
    path: str


@dataclass(frozen=True)
class Search:
    """How a search ended; ``tried`` holds, in order, the commands that were no answer."""

    version: str
    path: str | None
    tried: tuple[str, ...]

    @property
    def failure(self) -> str:
        """The sentence for people where ``path`` is None."""
        return f"no working Python {self.version} found (tried {', '.join(self.tried)})"


def ask_interpreter(command: tuple[str, ...], modules: Iterable[str] = ()) -> Answer | None:
    """Start a command as a Python interpreter; None if it is none or lacks one of the modules."""
    question = (
        f"import {', '.join(('sys', *modules))}\n"
        "print('%d.%d' % sys.version_info[:2])\n"
        "print(sys.executable)"
    )
    try:
        answer = subprocess.run(
            [*command, "-I", "-c", question],
            check=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS_TO_ANSWER,
        ).stdout.splitlines()
        return Answer(*answer)
    except (OSError, ValueError, TypeError, subprocess.SubprocessError):
        return None


def find_interpreter(
    version: str,
    commands: Iterable[tuple[str, ...]],
    *,
    modules: Iterable[str] = (),
    ask: Callable[[tuple[str, ...], Iterable[str]], Answer | None] = ask_interpreter,
) -> Search:
    """Return the first command that is Python ``version`` (``3.11``) and has all ``modules``."""
    wanted = tuple(modules)
    tried: list[str] = []
    for command in commands:
        answer = ask(command, wanted)
        if answer is not None and answer.version == version:
            return Search(version, answer.path, tuple(tried))
        tried.append(" ".join(command))
    return Search(version, None, tuple(tried))


def candidate_commands(
    version: str, environ: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, ...]]:
    """Yield the commands that may start Python ``version``, the likeliest first.

    A place that holds nothing is yielded as it was looked for: it fails to
    start, and is so named to people among the things that were tried.
    """
    name = f"python{version}"
    yield from _on_path(name, environ)
    for pattern in _version_manager_patterns(version, environ):
        yield from _matches(pattern)
    yield _uv_answer(version, environ)
    for folder in _USUAL_FOLDERS:
        yield from _matches(f"{folder}/{name}")
    if os.name == "nt":
        yield ("py", f"-{version}")
    yield (sys.executable,)


def search(version: str, *, modules: Iterable[str] = ()) -> Search:
    """Look for Python ``version`` everywhere on this machine."""
    return find_interpreter(version, candidate_commands(version), modules=modules)


def _on_path(name: str, environ: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    found = [place for folder in folders if (place := shutil.which(name, path=folder))]
    return ((place,) for place in dict.fromkeys(found or [name]))


def _version_manager_patterns(version: str, environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME") or str(Path.home())
    pyenv = environ.get("PYENV_ROOT") or f"{home}/.pyenv"
    asdf = environ.get("ASDF_DATA_DIR") or f"{home}/.asdf"
    uv = environ.get("UV_PYTHON_INSTALL_DIR") or f"{home}/.local/share/uv/python"
    yield f"{pyenv}/versions/{version}.*/bin/python"
    yield f"{asdf}/installs/python/{version}.*/bin/python"
    yield f"{uv}/cpython-{version}.*/bin/python"


def _matches(pattern: str) -> Iterator[tuple[str, ...]]:
    """Yield what a pattern finds, plain builds before variants (``3.13.0t``), or the pattern."""
    found = sorted(glob.glob(pattern))  # noqa: PTH207 - pathlib takes no absolute patterns
    return ((place,) for place in found or [pattern])


def _uv_answer(version: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what uv knows without a download, or the question where there is no answer."""
    uv = shutil.which("uv", path=environ.get("PATH"))
    question = ("uv", "python", "find", "--system", version)
    if uv is None:
        return question
    found = subprocess.run(
        [uv, *question[1:]],
        check=False,
        encoding="utf-8",
        env={**environ, "UV_PYTHON_DOWNLOADS": "never"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return (found.stdout.strip(),) if found.returncode == 0 else question
