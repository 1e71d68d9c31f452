"""The programs that read what pbckpt wrote; where one is not installed, its tests are skipped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.readers import netron_reader


@pytest.fixture(scope="session")
def netron() -> None:
    """Skip what asks Netron where it cannot be asked."""
    reason = netron_reader.missing()
    if reason:
        pytest.skip(f"{reason}; see the session 'readers' of noxfile.py")


@pytest.fixture(scope="session")
def openvino() -> Any:  # noqa: ANN401 - not installed where types are checked
    """OpenVINO as a module."""
    return pytest.importorskip(
        "openvino",
        reason="needs openvino, which pip can install; see the session 'readers' of noxfile.py",
    )
