"""Settings: tensors that a user wrote down, to be stored among others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.checkpoints.layout import Item
from pbckpt.names import key_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.bundle.payload import Tensor
    from pbckpt.edits.settings import Setting


def item_of_setting(setting: Setting) -> Item:
    """Return a tensor that a user wrote down."""
    key = key_to_bytes(setting.name)

    def tensors() -> Iterator[Tensor]:
        from pbckpt.arrays.cast import tensor_of_setting  # noqa: PLC0415 - numpy

        yield tensor_of_setting(key, setting)

    return Item(key, 0, tensors, key)
