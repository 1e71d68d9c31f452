"""What the worker's parts share: one TensorFlow, and how names and values travel.

Imported by `tensorflow_worker.py` alone, in an interpreter that has TensorFlow,
as a file beside it: the layouts told there are made here. Runs on Python 3.7.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import functools
import hashlib
import json
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]
    Array = np.ndarray[Any, Any]


# A line of CheckpointReader.debug_string: the key (any bytes), its type and shape.
DEBUG_LINE = re.compile(rb"(.*?) \((DT_\w+)\) \[([\d,]*)\]\n", re.DOTALL)


class Entry(NamedTuple):
    """One tensor of a manifest, its value ready to be fed."""

    name: bytes
    dtype: int
    shape: list[int]
    value: Array


class Host:
    """Has an imported TensorFlow: the library, its first API, and how sessions are made."""

    tf: Any
    v1: Any
    config: Any
    types_pb2: Any

    def listing(self, reader: Any) -> dict[bytes, tuple[int, list[int]]]:
        """Give key -> (dtype, shape).

        The reader's maps raise on a key that is not UTF-8. Its textual dump does
        not: there the keys are raw bytes, and partitioned tensors are listed by
        their slices, under the keys that those are stored under.
        """
        try:
            types = reader.get_variable_to_dtype_map()
            shapes = reader.get_variable_to_shape_map()
        except UnicodeDecodeError:
            number = self.types_pb2.DataType.Value
            return {
                key: (number(dtype.decode()), [int(size) for size in shape.split(b",") if size])
                for key, dtype, shape in DEBUG_LINE.findall(reader.debug_string())
            }
        return {
            key.encode("utf-8"): (dtype.as_datatype_enum, [int(size) for size in shapes[key]])
            for key, dtype in types.items()
        }

    def read_entry(self, item: Json, folder: Path) -> Entry:
        """Read one item of a manifest and the bytes that it points at in ``folder``."""
        if "strings_hex" in item:
            flat = string_array([bytes.fromhex(text) for text in item["strings_hex"]])
        else:
            flat = self._elements(read_once(folder / item["file"]), item)
        value = flat.reshape(item["shape"])
        return Entry(name_of(item), item["dtype_enum"], item["shape"], value)

    def read_manifest(self, path: str) -> list[Entry]:
        """Read a manifest and the bytes that it points at."""
        read_once.cache_clear()
        manifest = Path(path)
        items = json.loads(manifest.read_text(encoding="utf-8"))["tensors"]
        return [self.read_entry(item, manifest.parent) for item in items]

    def _elements(self, data: bytes, item: Json) -> Array:
        """View the bytes of one manifest entry as elements of TensorFlow's numpy type for them."""
        dtype = np.dtype(self.tf.as_dtype(item["dtype_enum"]).as_numpy_dtype)
        count = item["nbytes"] // dtype.itemsize
        if count == 0:  # numpy refuses to view an empty buffer
            return np.zeros(0, dtype)
        return np.frombuffer(data, dtype, count, item["offset"])


@functools.lru_cache(maxsize=4)
def read_once(path: Path) -> bytes:
    """Read a file that many items point into."""
    return path.read_bytes()


def string_array(values: list[bytes]) -> Array:
    """Byte strings as an object array: numpy's own string type drops trailing NULs."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def flat_array(value: Any) -> Array:
    """Whatever TensorFlow returned, as an array of one dimension."""
    if isinstance(value, bytes):
        return string_array([value])
    return np.asarray(value).reshape(-1)


def payload_parts(flat: Array) -> Iterator[bytes]:
    """Yield the bytes that the digest of a flat array is taken over."""
    if flat.dtype != np.dtype(object):
        yield flat.tobytes()
        return
    for element in flat:
        yield struct.pack("<Q", len(element))
        yield element


def size_and_digest(flat: Array) -> Json:
    """Describe the bytes of a flat array."""
    sha256, size = hashlib.sha256(), 0
    for part in payload_parts(flat):
        sha256.update(part)
        size += len(part)
    return {"nbytes": size, "sha256": sha256.hexdigest()}


def described(dtype: int, value: Any) -> Json:
    """Describe what was fetched: shape and digest."""
    shape = [int(size) for size in np.shape(value)]
    return dict(size_and_digest(flat_array(value)), dtype=dtype, shape=shape)


def refusal(error: Exception) -> Json:
    """Describe what TensorFlow raised."""
    return {"ok": False, "error": type(error).__name__, "message": str(error)}


def name_of(item: Json) -> bytes:
    """Give the key in a manifest entry or in an item of a restore request."""
    if "name_hex" in item:
        return bytes.fromhex(item["name_hex"])
    return str(item["name"]).encode("utf-8", "surrogateescape")
