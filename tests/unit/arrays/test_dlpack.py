"""Types that numpy lacks: the capsule of an array of numpy's, said to be of another type."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from pbckpt.arrays.dlpack import _capsule_pointer, _DLTensor, array_of_dlpack

if TYPE_CHECKING:
    from pathlib import Path

BFLOAT, FLOAT8_E4M3FN, FLOAT8_E5M2, OPAQUE = 4, 10, 12, 3


class Exporter:
    """Has ``__dlpack__`` and no ``__array__``."""

    def __init__(self, array: Any, code: int | None = None, device: int = 1) -> None:  # noqa: ANN401
        self._array = array
        self._code = code
        self._device = device

    def __dlpack__(self, **options: object) -> object:
        capsule = self._array.__dlpack__()
        pointer = _capsule_pointer(capsule)
        tensor = ctypes.cast(pointer, ctypes.POINTER(_DLTensor)).contents
        if self._code is not None:
            tensor.code = self._code
        tensor.device_type = self._device
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device, 0


def test_types_of_numpy() -> None:
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert array_of_dlpack(Exporter(array)).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("code", "bits", "dtype", "values"),
    [
        (BFLOAT, np.array([0x3F80, 0xC020], np.uint16), ml_dtypes.bfloat16, [1.0, -2.5]),
        (FLOAT8_E4M3FN, np.array([0x38, 0xFE], np.uint8), ml_dtypes.float8_e4m3fn, [1.0, -448.0]),
        (FLOAT8_E5M2, np.array([0x3C, 0xFB], np.uint8), ml_dtypes.float8_e5m2, [1.0, -57344.0]),
    ],
)
def test_types_of_others(code: int, bits: Any, dtype: Any, values: list[float]) -> None:  # noqa: ANN401
    found = array_of_dlpack(Exporter(bits, code))
    assert found.dtype == dtype
    assert found.astype(np.float64).tolist() == values


def test_strides_and_scalars() -> None:
    bits = np.array([[0x3F80, 0x4000], [0x4040, 0x4080]], np.uint16)
    found = array_of_dlpack(Exporter(bits.T[:, ::-1], BFLOAT))
    assert found.astype(np.float64).tolist() == [[3, 1], [4, 2]]
    assert array_of_dlpack(Exporter(bits[0, 0:1].reshape(()), BFLOAT)).astype(float) == 1


def test_they_are_saved(tmp_path: Path) -> None:
    bits = np.arange(40_000, dtype=np.uint16).reshape(200, 200)
    pbckpt.save_checkpoint({"w": Exporter(bits, BFLOAT), "v": Exporter(bits)}, tmp_path / "m")
    with pbckpt.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint["w"].dtype == ml_dtypes.bfloat16
        assert checkpoint["w"].view(np.uint16).tolist() == bits.tolist()
        assert checkpoint["v"].tolist() == bits.tolist()


@pytest.mark.parametrize(
    ("exporter", "reason"),
    [
        (Exporter(np.zeros(2, np.uint8), OPAQUE), "DLPack type 3 of 8 bits"),
        (Exporter(np.zeros(2, np.uint16), BFLOAT, device=2), "copy it to the CPU"),
    ],
)
def test_what_cannot_be_read(exporter: Exporter, reason: str, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match=reason):
        pbckpt.save_checkpoint({"w": exporter}, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
