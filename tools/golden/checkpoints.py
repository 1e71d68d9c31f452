"""The golden checkpoints, written by TensorFlow's own savers.

Each function takes a `Maker` and leaves one folder with a checkpoint and an
`expected.json`. The current directory is that folder while TensorFlow writes,
so that no path of this machine gets into a `checkpoint` file.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tools.golden.values import (
    BFLOAT16,
    BOOL,
    DOUBLE,
    FLOAT,
    HALF,
    INT32,
    INT64,
    KEYS_OF_BYTES,
    MANY,
    NAMES,
    STRING,
    STRINGS,
    Tensor,
    counted,
    describe_tensor,
    dtype_tensors,
    many_key,
    packed,
    tensor,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, Any]

PREFIX = "ckpt"
STEP = 1234
PARTS = 11


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Make a folder the current directory for a while."""
    before = Path.cwd()
    os.chdir(str(folder))
    try:
        yield
    finally:
        os.chdir(str(before))


class Maker(NamedTuple):
    """The TensorFlow that writes, and the folder that its cases go into."""

    tf: Any
    root: Path

    @property
    def v1(self) -> Any:
        """The API of TensorFlow 1, in either version."""
        return self.tf.compat.v1

    def folder(self, case: str) -> Path:
        """Give an empty folder for a case."""
        folder = self.root / case
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    @contextlib.contextmanager
    def session(self, folder: Path, devices: int = 1) -> Iterator[Any]:
        """Open a session of one thread in a graph of its own, with `folder` as the current one."""
        config = self.v1.ConfigProto(
            device_count={"CPU": devices},
            intra_op_parallelism_threads=1,
            inter_op_parallelism_threads=1,
        )
        graph = self.tf.Graph()
        with inside(folder), graph.as_default(), self.v1.Session(config=config) as session:
            yield session

    def known_dtypes(self) -> list[int]:
        """Give the DT numbers of types that this TensorFlow can store, strings left out."""
        known = []
        for number in range(1, 34):
            with contextlib.suppress(TypeError):
                known.append(self.tf.as_dtype(number).as_datatype_enum)
        return known


def write_expected(
    maker: Maker, folder: Path, writer: str, tensors: list[Tensor], prefix: str = PREFIX
) -> None:
    """Write `expected.json`, with the digests of the files beside it."""
    described = [describe_tensor(one) for one in sorted(tensors)]
    write_json(maker, folder, {"writer": writer, "prefix": prefix, "tensors": described})


def write_json(maker: Maker, folder: Path, expected: dict[str, Any]) -> None:
    """Write `expected.json`: TensorFlow's version, the digests of its files, what they hold."""
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }
    found = dict({"tensorflow": maker.tf.__version__, "files": files}, **expected)
    text = json.dumps(found, indent=1, ensure_ascii=True) + "\n"
    (folder / "expected.json").write_text(text, encoding="ascii")


def elements(maker: Maker, one: Tensor) -> Array:
    """Give a value as the array that TensorFlow takes for it, bit by bit."""
    if isinstance(one.value, list):
        array = np.empty(len(one.value), dtype=object)
        array[:] = one.value
        return array.reshape(one.shape)
    dtype = np.dtype(maker.tf.as_dtype(one.dtype).as_numpy_dtype)
    if not one.value:
        return np.zeros(one.shape, dtype)
    return np.frombuffer(one.value, dtype).reshape(one.shape)


def save_v2(
    maker: Maker, folder: Path, tensors: list[Tensor], slices: list[str] | None = None
) -> None:
    """Write tensors with the SaveV2 op, in their order."""
    names = np.empty(len(tensors), dtype=object)
    names[:] = [one.key for one in tensors]
    with maker.session(folder) as session:
        names_in = maker.v1.placeholder(maker.tf.string, [len(tensors)])
        feeds = [maker.v1.placeholder(maker.tf.as_dtype(one.dtype), one.shape) for one in tensors]
        save = maker.tf.raw_ops.SaveV2(
            prefix=PREFIX,
            tensor_names=names_in,
            shape_and_slices=slices or [""] * len(tensors),
            tensors=feeds,
        )
        values = {feeds[place]: elements(maker, one) for place, one in enumerate(tensors)}
        session.run(save, {**values, names_in: names})


# -- one case a function


def make_dtypes(maker: Maker) -> None:
    """Write every type that this TensorFlow can store."""
    folder = maker.folder("dtypes")
    tensors = dtype_tensors(maker.known_dtypes())
    save_v2(maker, folder, tensors)
    write_expected(maker, folder, "SaveV2", tensors)


def make_strings(maker: Maker) -> None:
    """Write string tensors, whose bytes are laid out unlike all others."""
    folder = maker.folder("strings")
    save_v2(maker, folder, STRINGS)
    write_expected(maker, folder, "SaveV2", STRINGS)


def make_names(maker: Maker) -> None:
    """Write keys that are odd as text, and many that share a long prefix."""
    folder = maker.folder("names")
    tensors = counted([name.encode("utf-8") for name in NAMES])
    save_v2(maker, folder, tensors)
    write_expected(maker, folder, "SaveV2", tensors)


def make_names_of_bytes(maker: Maker) -> None:
    """Write keys that are not UTF-8: TensorFlow cannot list them."""
    folder = maker.folder("names_of_bytes")
    tensors = counted(sorted(KEYS_OF_BYTES))
    save_v2(maker, folder, tensors)
    write_expected(maker, folder, "SaveV2", tensors)


def make_unsorted(maker: Maker) -> None:
    """Write tensors whose order in the data file is not that of their keys."""
    folder = maker.folder("unsorted")
    tensors = counted([b"m", b"z", b"a", b"k/k", b"B"])
    save_v2(maker, folder, tensors)
    order = ", ".join(one.key.decode("ascii") for one in tensors)
    write_expected(maker, folder, f"SaveV2, keys in the order {order}", tensors)


def make_many(maker: Maker) -> None:
    """Write keys so long that the index has two blocks.

    A list of 3,000 keys would be larger than the checkpoint. The rule is given
    instead, with digests of all keys and all values, and the first tensors in full.
    """
    folder = maker.folder("many")
    tensors = counted(sorted(many_key(number) for number in range(MANY)))
    save_v2(maker, folder, tensors)
    everything = {
        "count": MANY,
        "keys": "sha256 in hex of the decimal number n, then /tower_{n % 7}/layer_{n:05}/kernel",
        "values": "int32 of shape [1]: the place of the key in the sorted list, from 0",
        "keys_sha256": hashlib.sha256(b"\n".join(one.key for one in tensors)).hexdigest(),
        "values_sha256": hashlib.sha256(packed("i", *range(MANY))).hexdigest(),
    }
    first = [describe_tensor(one) for one in tensors[:20]]
    expected = {"writer": "SaveV2", "prefix": PREFIX, "all": everything, "tensors": first}
    write_json(maker, folder, expected)


MIXED = [
    tensor(
        "conv/kernel", FLOAT, (3, 3, 1, 2), packed("f", *[place / 8 - 1 for place in range(18)])
    ),
    tensor("conv/bias", FLOAT, (2,), packed("f", 0.5, -0.5)),
    tensor("Dense/kernel", HALF, (2, 3), packed("H", 0x3C00, 0xC000, 0x7BFF, 1, 0x8000, 0x3555)),
    tensor("Dense/bias", BFLOAT16, (3,), packed("H", 0x3F80, 0xC040, 0x7F80)),
    tensor("mask", BOOL, (5,), bytes([1, 0, 0, 1, 1])),
    tensor("scale", DOUBLE, (), packed("d", 0.1)),
    tensor("table", INT32, (2, 2), packed("i", -1, 2, -3, 4)),
    tensor("vocabulary", STRING, (3,), [b"the", "größe".encode(), b""]),
    tensor("nothing", FLOAT, (0, 7), b""),
    tensor("global_step", INT64, (), packed("q", STEP)),
]


def make_saver_mixed(maker: Maker) -> None:
    """Write the usual case: the Saver, some variables, a step, and the `checkpoint` file."""
    folder = maker.folder("saver_mixed")
    with maker.session(folder) as session:
        for place, one in enumerate(MIXED):
            maker.v1.get_variable(
                one.key.decode("utf-8"),
                initializer=maker.tf.constant(elements(maker, one), maker.tf.as_dtype(one.dtype)),
                use_resource=bool(place % 2),
            )
        session.run(maker.v1.global_variables_initializer())
        path = maker.v1.train.Saver().save(session, "./ckpt", STEP, write_meta_graph=False)
    writer = "Saver, reference and resource variables in turn"
    write_expected(maker, folder, writer, MIXED, prefix=Path(path).name)


def load_parts(variables: list[Any], whole: Array, session: Any) -> None:
    """Give the parts of a partitioned variable their share of a value."""
    for variable in variables:
        place = variable._get_save_slice_info()  # noqa: SLF001 - where its part begins
        ends = np.add(place.var_offset, place.var_shape)
        part = tuple(slice(place.var_offset[axis], ends[axis]) for axis in range(whole.ndim))
        variable.load(whole[part], session)


def make_partitioned(maker: Maker) -> None:
    """Write partitioned variables: one of eleven parts, which the Saver sorts as text."""
    folder = maker.folder("partitioned")
    rows = np.arange(26 * 3, dtype="<f4").reshape(26, 3)
    columns = np.arange(4 * 5, dtype="<i4").reshape(4, 5)
    tensors = [
        tensor("embedding", FLOAT, (26, 3), rows.tobytes()),
        tensor("wide", INT32, (4, 5), columns.tobytes()),
        tensor("in_one_part", FLOAT, (2,), packed("f", 1, 1)),
        tensor("plain", FLOAT, (), packed("f", 3)),
    ]
    by = maker.v1.fixed_size_partitioner
    with maker.session(folder) as session:
        variable = maker.v1.get_variable
        embedding = variable("embedding", [26, 3], partitioner=by(PARTS), use_resource=True)
        wide = variable(
            "wide",
            [4, 5],
            maker.tf.int32,
            partitioner=by(2, axis=1),
            use_resource=False,
            initializer=maker.v1.zeros_initializer(),
        )
        ones = maker.v1.ones_initializer()
        variable("in_one_part", [2], initializer=ones, partitioner=by(1), use_resource=False)
        variable("plain", initializer=np.float32(3), use_resource=False)
        session.run(maker.v1.global_variables_initializer())
        load_parts(list(embedding), rows, session)
        load_parts(list(wide), columns, session)
        maker.v1.train.Saver().save(session, "./ckpt", write_meta_graph=False, write_state=False)
    write_expected(maker, folder, "Saver, partitioned variables", tensors)


def make_sharded2(maker: Maker) -> None:
    """Write with Saver(sharded=True) from two devices: two data files under one index."""
    folder = maker.folder("sharded2")
    tensors = [
        tensor("a/first", FLOAT, (3,), packed("f", 1, 2, 3)),
        tensor("b/second", INT64, (2,), packed("q", -1, 1)),
        tensor("c/third", DOUBLE, (), packed("d", 2.5)),
        tensor("d/fourth", FLOAT, (2, 2), packed("f", 4, 5, 6, 7)),
    ]
    with maker.session(folder, devices=2) as session:
        for place, one in enumerate(tensors):
            with maker.tf.device(f"/cpu:{1 - place % 2}"):
                name, value = one.key.decode("utf-8"), elements(maker, one)
                maker.v1.get_variable(name, initializer=value, use_resource=False)
        session.run(maker.v1.global_variables_initializer())
        saver = maker.v1.train.Saver(sharded=True)
        saver.save(session, "./ckpt", write_meta_graph=False, write_state=False)
    write_expected(maker, folder, "Saver(sharded=True) over two devices", tensors)


# -- no variables at all


def masked_crc32c(data: bytes) -> int:
    """Give the CRC32C of a few bytes, masked as the table format wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def table_block(entries: bytes) -> bytes:
    """Give an uncompressed block of one entry, or none, with its trailer."""
    restarts = struct.pack("<2I", 0, 1)
    typed = entries + restarts + b"\0"
    return typed + struct.pack("<I", masked_crc32c(typed))


def empty_index() -> bytes:
    """Build an index that holds a header (one shard, version 1) and nothing else."""
    header = bytes.fromhex("08011a020801")
    data = table_block(bytes([0, 0, len(header)]) + header)
    meta = table_block(b"")
    # The only key of the index block is "", and its value the place of the data block.
    index = table_block(bytes([0, 0, 2, 0, len(data) - 5]))
    handles = bytes([len(data), len(meta) - 5, len(data) + len(meta), len(index) - 5])
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    return data + meta + index + handles.ljust(40, b"\0") + magic


def make_zero(maker: Maker) -> None:
    """Write a checkpoint of no variables.

    No saver writes one, so this one is put together here, and TensorFlow opens it.
    """
    folder = maker.folder("zero")
    (folder / "ckpt.index").write_bytes(empty_index())
    (folder / "ckpt.data-00000-of-00001").write_bytes(b"")
    reader = maker.tf.train.load_checkpoint(str(folder / PREFIX))
    if reader.get_variable_to_shape_map():
        raise AssertionError("TensorFlow sees variables where there are none")
    write_expected(maker, folder, "tools/golden/checkpoints.py; opened by TensorFlow", [])


def make_zero_object(maker: Maker) -> None:
    """Write a tf.train.Checkpoint of no variables: only its object graph is in it."""
    folder = maker.folder("zero_object")
    with inside(folder):
        maker.tf.train.Checkpoint().write("./ckpt")
    key = "_CHECKPOINTABLE_OBJECT_GRAPH"
    graph = maker.tf.train.load_checkpoint(str(folder / PREFIX)).get_tensor(key)
    tensors = [tensor(key, STRING, (), [graph])]
    write_expected(maker, folder, "tf.train.Checkpoint().write, no variables", tensors)


CASES = (
    make_saver_mixed,
    make_dtypes,
    make_strings,
    make_names,
    make_names_of_bytes,
    make_unsorted,
    make_many,
    make_partitioned,
    make_sharded2,
    make_zero,
)
