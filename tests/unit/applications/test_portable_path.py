"""Without the calls that only some systems have, everything works all the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.engine import pipeline
from pbckpt.storage import directory, local

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def poor_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what Windows does not have."""
    monkeypatch.delattr(os, "pwrite")
    monkeypatch.delattr(os, "preadv")
    monkeypatch.setattr(local, "_HAS_PREAD", False)
    monkeypatch.setattr(directory, "_HAS_DIR_FD", False)
    monkeypatch.setattr(directory, "_HAS_LOCKS", False)


def test_save_replace_and_read(tmp_path: Path) -> None:
    """Large enough that elsewhere two threads would take turns."""
    large = np.arange(3 * pipeline.BLOCK_BYTES // 4 + 1, dtype=np.float32)
    prefix = tmp_path / "new" / "m"
    pbckpt.save_checkpoint({"a": large, "b": np.int64(1)}, prefix)
    replace = pbckpt.OnExisting.REPLACE
    pbckpt.save_checkpoint({"a": large, "b": np.int64(2)}, prefix, on_existing=replace)
    assert pbckpt.verify(prefix).problems == ()
    loaded = pbckpt.load_checkpoint(prefix)
    assert loaded["b"] == 2
    assert np.array_equal(loaded["a"], large)
    assert sorted(path.name for path in prefix.parent.iterdir()) == [
        "checkpoint",
        "m.data-00000-of-00002",
        "m.data-00001-of-00002",
        "m.index",
    ]


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(pbckpt.NotCommittedError, match="No space left"):
        pbckpt.save_checkpoint({"a": np.float32(1)}, tmp_path / "new" / "m")
    assert list(tmp_path.iterdir()) == []
