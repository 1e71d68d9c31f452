"""The golden V1 checkpoints: one file, or one per shard, without an index file.

`expected.json` names the `file` to open, or the `pattern` that all shards match.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tools.golden.checkpoints import Maker, elements, load_parts, write_json
from tools.golden.values import (
    DOUBLE,
    FLOAT,
    HALF,
    INT32,
    STRING,
    STRINGS,
    Tensor,
    describe_tensor,
    dtype_tensors,
    packed,
    tensor,
)

if TYPE_CHECKING:
    from pathlib import Path

FILE = "model.ckpt"
# What the Save op takes beside strings. It refuses bfloat16, qint16, quint16, uint32, uint64.
TYPES = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 17, 18, 19]
# Signalling NaNs, one with a sign: what passes through a float of another width loses them.
NAN_BITS = [
    tensor("nan_bits/01", FLOAT, (2,), packed("I", 0x7F800001, 0xFFA00000)),
    tensor("nan_bits/02", DOUBLE, (2,), packed("Q", 0x7FF0000000000001, 0xFFF4000000000000)),
    tensor("nan_bits/08", 8, (), packed("I", 0x7F800001, 0xFFA00000)),
    tensor("nan_bits/18", 18, (), packed("Q", 0x7FF0000000000001, 0xFFF4000000000000)),
    tensor("nan_bits/19", HALF, (2,), packed("H", 0x7C01, 0xFD00)),
]


def write_v1(maker: Maker, folder: Path, writer: str, tensors: list[Tensor], **opened: str) -> None:
    """Write `expected.json`."""
    described = [describe_tensor(one) for one in sorted(tensors)]
    write_json(maker, folder, dict({"writer": writer}, **opened, tensors=described))


def save(maker: Maker, folder: Path, tensors: list[Tensor], slices: list[str]) -> None:
    """Write tensors with the SaveSlices op, in their order; Save is the same without slices."""
    with maker.session(folder) as session:
        feeds = [maker.v1.placeholder(maker.tf.as_dtype(one.dtype), one.shape) for one in tensors]
        names = [one.key.decode("utf-8") for one in tensors]
        save_slices = maker.tf.raw_ops.SaveSlices(
            filename=FILE, tensor_names=names, shapes_and_slices=slices, data=feeds
        )
        values = {feeds[place]: elements(maker, one) for place, one in enumerate(tensors)}
        session.run(save_slices, values)


def make_dtypes(maker: Maker) -> None:
    """Write every type that the op takes, and the NaNs that are easily lost."""
    folder = maker.folder("dtypes")
    tensors = dtype_tensors(TYPES) + NAN_BITS
    save(maker, folder, tensors, [""] * len(tensors))
    write_v1(maker, folder, "SaveSlices, no slices", tensors, file=FILE)


def make_strings(maker: Maker) -> None:
    """Write string tensors."""
    folder = maker.folder("strings")
    save(maker, folder, STRINGS, [""] * len(STRINGS))
    write_v1(maker, folder, "SaveSlices, no slices", STRINGS, file=FILE)


def make_sliced(maker: Maker) -> None:
    """Write slices as no variable has them: open dimensions, a grid, strings, a single one."""
    folder = maker.folder("sliced")
    grid = np.arange(3 * 70, dtype="<i4").reshape(3, 70)
    whole = [
        tensor("alone", DOUBLE, (2,), packed("d", 0.5, -0.5)),
        tensor("grid", INT32, (3, 70), grid.tobytes()),
        tensor("halves", HALF, (2, 2), packed("H", 0x3C00, 0xC000, 0x7C01, 0x8000)),
        tensor("words", STRING, (3,), [b"one", b"\xff\x00", b""]),
    ]
    parts = [
        (whole[0], "2 0,2"),
        *[
            (tensor("grid", INT32, part.shape, part.tobytes()), f"3 70 {spec}")
            for part, spec in (
                (grid[1:, 64:], "1,2:64,6"),
                (grid[:1], "0,1:-"),
                (grid[1:, :64], "1,2:0,64"),
            )
        ],
        (tensor("halves", HALF, (2, 1), packed("H", 0xC000, 0x8000)), "2 2 -:1,1"),
        (tensor("halves", HALF, (2, 1), packed("H", 0x3C00, 0x7C01)), "2 2 -:0,1"),
        (tensor("words", STRING, (2,), [b"\xff\x00", b""]), "3 1,2"),
        (tensor("words", STRING, (1,), [b"one"]), "3 0,1"),
    ]
    save(maker, folder, [part for part, _ in parts], [spec for _, spec in parts])
    write_v1(maker, folder, "SaveSlices", whole, file=FILE)


def saver(maker: Maker, **arguments: bool) -> Any:
    """Make a Saver of V1."""
    return maker.v1.train.Saver(write_version=maker.v1.train.SaverDef.V1, **arguments)


def make_partitioned(maker: Maker) -> None:
    """Write a variable in eleven parts, which the Saver sorts as text, and one in a single part."""
    folder = maker.folder("partitioned")
    rows = np.arange(13 * 2, dtype="<f4").reshape(13, 2)
    tensors = [
        tensor("embedding", FLOAT, (13, 2), rows.tobytes()),
        tensor("in_one_part", FLOAT, (2,), packed("f", 1, 1)),
        tensor("plain", FLOAT, (), packed("f", 3)),
    ]
    by, variable = maker.v1.fixed_size_partitioner, maker.v1.get_variable
    with maker.session(folder) as session:
        embedding = variable("embedding", [13, 2], partitioner=by(11), use_resource=True)
        ones = maker.v1.ones_initializer()
        variable("in_one_part", [2], initializer=ones, partitioner=by(1), use_resource=False)
        variable("plain", initializer=np.float32(3), use_resource=False)
        session.run(maker.v1.global_variables_initializer())
        load_parts(list(embedding), rows, session)
        saver(maker).save(session, f"./{FILE}", write_meta_graph=False, write_state=False)
    write_v1(maker, folder, "Saver of V1, partitioned variables", tensors, file=FILE)


def make_sharded2(maker: Maker) -> None:
    """Write from two devices, with the `checkpoint` file: one variable has parts on both."""
    folder = maker.folder("sharded2")
    rows = np.arange(4 * 2, dtype="<f8").reshape(4, 2)
    tensors = [
        tensor("first", FLOAT, (3,), packed("f", 1, 2, 3)),
        tensor("second", INT32, (1, 2), packed("i", 4, -5)),
        tensor("split", DOUBLE, (4, 2), rows.tobytes()),
    ]
    slice_info = maker.v1.Variable.SaveSliceInfo
    with maker.session(folder, devices=2) as session:
        for device, one in ((1, tensors[0]), (0, tensors[1])):
            with maker.tf.device(f"/cpu:{device}"):
                name, value = one.key.decode("utf-8"), elements(maker, one)
                maker.v1.get_variable(name, initializer=value, use_resource=False)
        for device, start, end in ((1, 0, 1), (0, 1, 4)):
            with maker.tf.device(f"/cpu:{device}"):
                name = f"split/part_{start}"
                part = maker.v1.get_variable(name, initializer=rows[start:end], use_resource=False)
            place = slice_info("split", [4, 2], [start, 0], [end - start, 2])
            part._set_save_slice_info(place)  # noqa: SLF001 - as a partitioner does
        session.run(maker.v1.global_variables_initializer())
        saver(maker, sharded=True).save(session, f"./{FILE}", write_meta_graph=False)
    pattern = f"{FILE}-?????-of-00002"
    write_v1(maker, folder, "Saver(sharded=True) of V1", tensors, pattern=pattern)


CASES = (make_dtypes, make_strings, make_sliced, make_partitioned, make_sharded2)
