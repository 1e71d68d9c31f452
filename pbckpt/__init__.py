"""pbckpt: frozen TensorFlow graphs back to checkpoints, without TensorFlow.

    >>> import pbckpt
    >>> report = pbckpt.convert("frozen.pb", "out/model.ckpt")  # doctest: +SKIP

Everything public is listed in `pbckpt.api`; names are imported when they are
first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbckpt.api import *  # noqa: F403

from pbckpt.version import __version__ as __version__


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    is_private = name.startswith("__") and name != "__all__"
    api = None if is_private else importlib.import_module("pbckpt.api")
    if api is None or name not in ("__all__", *api.__all__):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(api, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    api = importlib.import_module("pbckpt.api")
    return sorted([*api.__all__, "__version__"])
