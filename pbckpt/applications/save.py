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


def save_checkpoint(
    tensors: Mapping[str, npt.ArrayLike],
    prefix: str | os.PathLike[str],
    *,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
) -> WrittenBundle:
    """Write arrays as the checkpoint ``prefix``, under their names.

    The files are those that TensorFlow's Saver writes for the same names and
    arrays, byte for byte. Raises SelectionError for an empty name or an array
    of a type that cannot be stored, PathError, WriteError.
    """
    from pbckpt.applications.arrays import nbytes_of_array, tensor_of_array  # noqa: PLC0415 - numpy, when it is needed

    target = Prefix.parse(prefix)
    target.check_writable()
    by_key = {key_to_bytes(name): value for name, value in tensors.items()}
    if b"" in by_key:
        raise SelectionError("a tensor needs a name: the empty key is the header's")
    ready = [tensor_of_array(key, by_key[key]) for key in sorted(by_key)]
    nbytes = sum(nbytes_of_array(value) for value in by_key.values())
    return write_bundle(ready, nbytes, target, on_existing=on_existing, durability=durability)
