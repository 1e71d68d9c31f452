"""Several threads may read one open checkpoint."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

import pbckpt

if TYPE_CHECKING:
    from pathlib import Path

THREADS = 4


def test_threads_read_one_checkpoint(tmp_path: Path) -> None:
    tensors = {f"large{n}": np.full(786_432, n, np.float32) for n in range(THREADS)}
    tensors |= {f"small{n:03d}": np.full(16, n, np.float32) for n in range(400)}
    pbckpt.save_checkpoint(tensors, tmp_path / "m", durability=pbckpt.Durability.NONE)
    wrong: list[str] = []
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:

        def read(thread: int) -> None:
            keys = [*tensors][thread:] + [*tensors][:thread]
            for key in keys:
                try:
                    found = checkpoint[key]
                except pbckpt.PbckptError as error:
                    wrong.append(f"{key}: {error}")
                    continue
                if not np.array_equal(found, tensors[key]):
                    wrong.append(key)

        threads = [threading.Thread(target=read, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
