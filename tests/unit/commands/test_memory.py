"""A checkpoint of 300 MB goes through every command in memory that does not grow with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no way to ask for the peak there")

ROOT = Path(__file__).resolve().parents[3]
MAX_GROWTH = 64 << 20
BYTES = 300 << 20

COMMANDS = """
import json, os, sys
import numpy as np
import pbckpt

def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:
        import resource
        unit = 1 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

def rows(last):
    zeros = np.zeros((10, 1 << 18), np.float32)
    yield from [zeros] * 29
    yield np.full_like(zeros, last)

fast = pbckpt.Durability.NONE
for name, last in (("a", 2), ("b", 4)):
    large = pbckpt.LazyTensor("float32", (300, 1 << 18), lambda: rows(last))
    pbckpt.save_checkpoint({"w": large}, name, durability=fast)

steps = {
    "edit": lambda: pbckpt.edit(
        "a", "out", edits=pbckpt.Edits(renames=("w=v",)), durability=fast
    ).nbytes,
    "average": lambda: pbckpt.average(["a", "b"], "out", durability=fast).nbytes,
    "diff": lambda: pbckpt.diff("a", "b").differences[0].elements,
    "unpack": lambda: pbckpt.unpack("b", "out.safetensors", durability=fast).nbytes,
    "pack": lambda: pbckpt.pack("out.safetensors", "out", durability=fast).nbytes,
}
before = peak()
done = {}
for name, step in steps.items():
    result = step()
    done[name] = [result, peak() - before]
    for file in ("out.index", "out.data-00000-of-00001"):
        if os.path.exists(file):
            os.remove(file)
print(json.dumps(done))
"""


def test_peak_memory(tmp_path: Path) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        for path in tmp_path.iterdir():
            path.unlink()
    assert done.returncode == 0, done.stderr
    found: dict[str, list[int]] = json.loads(done.stdout)
    assert {name: result for name, (result, _) in found.items()} == {
        "edit": BYTES,
        "average": BYTES,
        "diff": 10 << 18,
        "unpack": BYTES,
        "pack": BYTES,
    }
    assert max(grown for _, grown in found.values()) < MAX_GROWTH, found
