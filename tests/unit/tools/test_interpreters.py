from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tools.interpreters import Answer, ask_interpreter, candidate_commands, find_interpreter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"

needs_posix = pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")


def script(place: Path, body: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    place.chmod(0o755)
    return place


def shim(place: Path) -> Path:
    """A version manager's entry for a Python that is not switched on."""
    return script(place, f"echo '{place.name}: command not found' >&2; exit 127")


def python(place: Path) -> Path:
    return script(place, f'exec {shlex.quote(sys.executable)} "$@"')


def answers(known: dict[str, str]) -> object:
    def ask(command: tuple[str, ...], modules: Iterable[str]) -> Answer | None:
        assert not list(modules)
        version = known.get(command[0])
        return Answer(version, f"/real/{command[0]}") if version else None

    return ask


def test_the_first_command_of_the_wanted_version_wins() -> None:
    known = {"old": "3.6", "right": "3.7", "later": "3.7"}
    commands = [("absent",), ("old",), ("right",), ("later",)]
    search = find_interpreter("3.7", commands, ask=answers(known))  # type: ignore[arg-type]
    assert search.path == "/real/right"
    assert search.tried == ("absent", "old")


def test_a_vain_search_names_what_was_tried() -> None:
    commands = [("python3.7",), ("py", "-3.7")]
    search = find_interpreter("3.7", commands, ask=answers({}))  # type: ignore[arg-type]
    assert search.path is None
    assert search.failure == "no working Python 3.7 found (tried python3.7, py -3.7)"


@needs_posix
def test_a_shim_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    name = f"python{THIS}"
    broken, good = shim(tmp_path / "shims" / name), python(tmp_path / "bin" / name)
    environ = {"PATH": f"{broken.parent}{os.pathsep}{good.parent}", "HOME": str(tmp_path)}
    search = find_interpreter(THIS, candidate_commands(THIS, environ))
    assert search.tried == (str(broken),)
    assert search.path == sys.executable


@needs_posix
@pytest.mark.parametrize(
    ("variable", "folder"),
    [("HOME", ".pyenv/versions"), ("PYENV_ROOT", "versions"), ("ASDF_DATA_DIR", "installs/python")],
)
def test_a_version_manager_is_asked_behind_its_broken_shim(
    tmp_path: Path, variable: str, folder: str
) -> None:
    broken = shim(tmp_path / "shims" / f"python{THIS}")
    python(tmp_path / folder / f"{THIS}.99" / "bin" / "python")
    environ = {"HOME": str(tmp_path / "home"), "PATH": str(broken.parent), variable: str(tmp_path)}
    search = find_interpreter(THIS, candidate_commands(THIS, environ))
    assert search.path == sys.executable
    assert search.tried[0] == str(broken)


def test_places_that_hold_nothing_are_among_the_candidates(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    places = [" ".join(command) for command in candidate_commands("2.0", environ)]
    assert places[0] == "python2.0"
    assert f"{tmp_path}/.pyenv/versions/2.0.*/bin/python" in places
    assert "uv python find --system 2.0" in places
    assert places[-1] == sys.executable


def test_this_interpreter_answers_with_its_version_and_path() -> None:
    assert ask_interpreter((sys.executable,)) == Answer(THIS, sys.executable)


def test_an_interpreter_without_a_module_is_no_answer() -> None:
    assert ask_interpreter((sys.executable,), ["a_module_that_nobody_has"]) is None


@needs_posix
@pytest.mark.parametrize(
    "body", ["echo hello", "printf '\\377\\n\\377\\n'", "true", "echo a;echo b;echo c"]
)
def test_a_program_that_is_no_python_is_no_answer(tmp_path: Path, body: str) -> None:
    search = find_interpreter(THIS, [(str(script(tmp_path / "python", body)),)])
    assert search.path is None
