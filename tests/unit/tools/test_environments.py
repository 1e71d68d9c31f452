from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import environments
from tools.environments import NoEnvironmentError, clean_environ, make_environment


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record the commands that would be started; all of them fail."""
    started: list[list[str]] = []

    def fail(command: list[str]) -> bool:
        started.append(command)
        return False

    monkeypatch.setattr(environments, "_succeeds", fail)
    return started


def test_where_no_way_works_the_message_names_the_package(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    with pytest.raises(NoEnvironmentError, match=r"apt install python3\.\d+-venv"):
        make_environment(tmp_path / "private")
    programs = [command[0] for command in commands]
    assert "uv" in programs
    assert "virtualenv" in programs


def test_no_way_installs_into_the_python_outside(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    for way in environments._ways_to_make(folder):
        for command in way:
            if "install" in command:
                assert command[:4] == [sys.executable, "-m", "pip", "--python"]
                assert Path(command[4]).is_relative_to(folder)


def test_what_does_not_start_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leftover").touch()
    results = iter([False, True, True])  # Python does not start; venv works; pip is there
    monkeypatch.setattr(environments, "_succeeds", lambda _: next(results))
    make_environment(tmp_path)
    assert not tmp_path.exists()


def test_an_environment_without_pip_gets_it_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").touch()
    results = iter([True, False, True, True])  # starts; no ensurepip; pip from outside; is there
    monkeypatch.setattr(environments, "_succeeds", lambda _: next(results))
    make_environment(tmp_path)
    assert (tmp_path / "mine").exists()


def test_an_environment_that_cannot_be_given_pip_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").touch()
    monkeypatch.setattr(environments, "_succeeds", lambda command: command[1:] == ["-c", ""])
    with pytest.raises(NoEnvironmentError):
        make_environment(tmp_path)
    assert (tmp_path / "mine").exists()


def test_what_misleads_a_private_python_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("A_VARIABLE_OF_OURS", "kept")
    environ = clean_environ()
    assert "PYTHONPATH" not in environ
    assert environ["PIP_USER"] == "0"
    assert environ["A_VARIABLE_OF_OURS"] == "kept"
