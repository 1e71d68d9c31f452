"""Each test has a checkpoint of its own to damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.corrupt.checkpoints import Saved, make_tensors, save

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    return save(tmp_path / "model", make_tensors())
