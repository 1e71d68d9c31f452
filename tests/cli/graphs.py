"""Frozen graphs for the command line's tests, and how to start the command line.

    dense/bias    float32 [8]     zeros, of which the file holds none
    dense/kernel  float32 [2, 4]  the bytes 00 to 1f
    global_step   int64   []      7

The CRC32C of 32 zero bytes and of 00 to 1f are examples of RFC 3720, B.4.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pbckpt.protos import GraphDef

if TYPE_CHECKING:
    from collections.abc import Sequence

    Value = bytes | Sequence[int]

ROOT = Path(__file__).resolve().parents[2]
FLOAT, INT32, INT64 = 1, 3, 9
CRC_OF_32_ZEROS = "8a9136aa"
CRC_OF_00_TO_1F = "46dd794e"


class GraphMaker:
    """A graph in the making."""

    def __init__(self) -> None:
        self.graph = GraphDef()

    def constant(self, name: str, dtype: int, shape: Sequence[int], value: Value = b"") -> None:
        node = self.graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = dtype
        tensor = node.attr["value"].tensor
        tensor.dtype = dtype
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
        if isinstance(value, bytes):
            tensor.tensor_content = value
        elif dtype == INT64:
            tensor.int64_val.extend(value)
        else:
            tensor.int_val.extend(value)

    def variable(self, name: str, dtype: int, shape: Sequence[int], value: Value = b"") -> None:
        """Add what freezing leaves of a reference variable."""
        self.constant(name, dtype, shape, value)
        self.graph.node.add(name=f"{name}/read", op="Identity", input=[name])

    def write(self, path: Path) -> Path:
        path.write_bytes(self.graph.SerializeToString())
        return path


def write_dense(path: Path, *, kernel: bytes = bytes(range(32))) -> Path:
    """Write the graph that is drawn above, with two constants that were no variables."""
    maker = GraphMaker()
    maker.variable("dense/kernel", FLOAT, (2, 4), kernel)
    maker.variable("dense/bias", FLOAT, (8,))
    maker.variable("global_step", INT64, (), [7])
    maker.constant("axis", INT32, (), [1])
    maker.constant("unused", INT32, (2,), [1, 2])
    maker.graph.node.add(name="total", op="Sum", input=["dense/kernel/read", "axis"])
    return maker.write(path)


def write_zeros(path: Path, mebibytes: int) -> Path:
    """Write a graph of a few bytes that becomes a checkpoint of many."""
    maker = GraphMaker()
    maker.variable("zeros", FLOAT, (mebibytes, 1 << 18))
    return maker.write(path)


def environment(**changes: str) -> dict[str, str]:
    """Return an environment in which the package under test is found from any directory."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    places = os.pathsep.join([str(ROOT), inherited.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**inherited, "PYTHONPATH": places, **changes}


def run_command(
    *arguments: str | Path, cwd: Path, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pbckpt", *map(str, arguments)],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=60,
    )
