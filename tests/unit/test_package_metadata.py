from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pbckpt.version

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pbckpt"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel of this checkout, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*command, folder], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    [file] = folder.glob("*.whl")
    return zipfile.Path(file)


@pytest.fixture(scope="module")
def names(wheel: zipfile.Path) -> set[str]:
    return {name for name in wheel.root.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.Path) -> Message:
    info = f"pbckpt-{pbckpt.version.__version__}.dist-info"
    return Parser().parsestr((wheel / info / "METADATA").read_text(encoding="utf-8"))


def source_files() -> set[str]:
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_and_nothing_else(names: set[str]) -> None:
    inside = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert inside == source_files()


@pytest.mark.parametrize("pattern", ["py.typed", "protos/*.binpb", "protos/*.pyi", "sample/*"])
def test_the_data_files_are_there_to_be_packed(pattern: str, names: set[str]) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in PACKAGE.glob(pattern)}
    assert files
    assert files <= names


def test_the_licence_comes_with_the_wheel(names: set[str], metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_base_dependencies_are_four(metadata: Message) -> None:
    requirements = metadata.get_all("Requires-Dist")
    assert requirements is not None
    base = {re.split(r"[^\w-]", text)[0] for text in requirements if "extra ==" not in text}
    assert base == {"crc32c", "ml-dtypes", "numpy", "protobuf"}


def test_the_version_has_one_source(metadata: Message) -> None:
    assert metadata["Version"] == pbckpt.version.__version__


def test_the_command_line_program_is_declared(wheel: zipfile.Path) -> None:
    info = f"pbckpt-{pbckpt.version.__version__}.dist-info"
    entry_points = (wheel / info / "entry_points.txt").read_text(encoding="utf-8")
    assert entry_points.split() == ["[console_scripts]", "pbckpt", "=", "pbckpt.cli.main:run"]


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "python3 tools/run.py test" in (ROOT / ".ci" / "run").read_text()
    assert "$ python3 tools/run.py test" in (ROOT / "README.md").read_text()
