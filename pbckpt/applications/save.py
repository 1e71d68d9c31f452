"""Save: a mapping from names to arrays becomes a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.applications.write import WrittenBundle, write_bundle
from pbckpt.errors import SelectionError
from pbckpt.names import Prefix, key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy.typing as npt

    from pbckpt.names import BundleKey


def save_checkpoint(
    tensors: Mapping[str, npt.ArrayLike],
    prefix: str | os.PathLike[str],
    *,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
) -> WrittenBundle:
    """Write arrays as the checkpoint ``prefix``, under their names.

    The files are those that TensorFlow's Saver writes for the same names and
    arrays, byte for byte. One array is taken from the mapping at a time, in the
    order of the names. Raises SelectionError for an empty name or an array
    of a type that cannot be stored, PathError, WriteError.
    """
    from pbckpt.applications.arrays import tensor_of_array  # noqa: PLC0415 - numpy, when needed

    target = Prefix.parse(prefix)
    target.check_writable()
    names = _names_by_key(tensors)
    return write_bundle(
        (tensor_of_array(key, tensors[names[key]]) for key in sorted(names)),
        0,
        target,
        on_existing=OnExisting(on_existing),
        durability=Durability(durability),
    )


def _names_by_key(tensors: Mapping[str, npt.ArrayLike]) -> dict[BundleKey, str]:
    names: dict[BundleKey, str] = {}
    for name in tensors:
        if not name or not hasattr(name, "encode"):
            raise SelectionError(f"a tensor's name is text that is not empty, not {name!r}")
        other = names.setdefault(key_to_bytes(name), name)
        if other is not name:
            raise SelectionError(f"the names {other!r} and {name!r} are the same bytes")
    return names
