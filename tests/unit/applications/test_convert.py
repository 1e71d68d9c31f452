from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import pbckpt
from pbckpt import DataType, Limits, OnExisting, Select, Selection
from pbckpt.protos import GraphDef, NodeDef, TensorProto
from pbckpt.wire.varint import encode_varint

ROOT = Path(__file__).resolve().parents[3]


def const(name: str, value: TensorProto, *dims: int) -> NodeDef:
    for size in dims:
        value.tensor_shape.dim.add(size=size)
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = value.dtype
    node.attr["value"].tensor.CopyFrom(value)
    return node


def variable(name: str, value: TensorProto, *dims: int) -> list[NodeDef]:
    """Return the nodes that freezing makes of a reference variable."""
    return [
        const(name, value, *dims),
        NodeDef(name=f"{name}/read", op="Identity", input=[name]),
    ]


def write_graph(path: Path, *nodes: NodeDef) -> Path:
    path.write_bytes(GraphDef(node=nodes).SerializeToString())
    return path


def field(number: int, payload: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(payload)) + payload


def raw_const(proto: bytes) -> bytes:
    """Return a GraphDef of one constant of floats with the TensorProto as it is."""
    dtype = field(5, field(1, b"dtype") + field(2, b"\x30\x01"))
    value = field(5, field(1, b"value") + field(2, field(8, proto)))
    return field(1, field(1, b"w") + field(2, b"Const") + dtype + value)


def floats(*values: float) -> TensorProto:
    return TensorProto(dtype=1, tensor_content=struct.pack(f"<{len(values)}f", *values))


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Return a graph of two variables and a constant that was none."""
    return write_graph(
        tmp_path / "frozen.pb",
        *variable("w", floats(1, 2, 3, 4), 2, 2),
        *variable("b", floats(5, 6), 2),
        const("axis", TensorProto(dtype=3, int_val=[1])),
        NodeDef(name="y", op="Concat", input=["w/read", "b/read", "axis"]),
    )


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def data_of(prefix: Path) -> bytes:
    return Path(f"{prefix}.data-00000-of-00001").read_bytes()


# --- what is written


def test_the_variables_of_a_graph_become_a_checkpoint(graph: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "out" / "model.ckpt"
    report = pbckpt.convert(graph, prefix)
    assert data_of(prefix).hex() == (
        "0000a0400000c040"  # b
        "0000803f000000400000404000008040"  # w
    )
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert list(checkpoint) == ["b", "w"]
        b, w = checkpoint.entry("b"), checkpoint.entry("w")
        assert (b.dtype, b.shape, b.shard_id, b.offset, b.nbytes) == (DataType.FLOAT, (2,), 0, 0, 8)
        assert (w.dtype, w.shape, w.shard_id, w.offset, w.nbytes) == (
            DataType.FLOAT,
            (2, 2),
            0,
            8,
            16,
        )
        assert checkpoint["w"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert pbckpt.verify(prefix).problems == ()
    assert report.prefix == str(prefix)
    assert [Path(file).name for file in report.files] == [
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.meta",
        "model.ckpt.index",
        "checkpoint",
    ]
    assert report.nbytes == 24
    assert [(v.key, v.node, v.rule) for v in report.variables] == [
        ("b", "b", "read_identity"),
        ("w", "w", "read_identity"),
    ]
    assert [s.node for s in report.skipped] == ["axis"]
    assert report.warnings == ()
    assert names(prefix.parent) == [
        "checkpoint",
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
        "model.ckpt.meta",
    ]


def test_values_of_every_form_become_the_bytes_that_they_mean(tmp_path: Path) -> None:
    source = write_graph(
        tmp_path / "frozen.pb",
        *variable("a", TensorProto(dtype=1, float_val=[1.0, 2.0]), 4),
        *variable("b", TensorProto(dtype=1), 2),
        *variable("c", TensorProto(dtype=3, int_val=[-1, 7])),
        *variable("d", TensorProto(dtype=6, int_val=[300]), 1),
        *variable("e", TensorProto(dtype=19, half_val=[0x3C00]), 2),
        *variable("f", TensorProto(dtype=14, half_val=[0x3F80]), 1),
        *variable("g", TensorProto(dtype=8, scomplex_val=[1.0, 2.0, 3.0]), 1),
        *variable("h", TensorProto(dtype=10, bool_val=[False, True]), 3),
        *variable("i", TensorProto(dtype=9, int64_val=[-2]), 1),
        *variable("j", TensorProto(dtype=29, int_val=[-1, 1]), 2),
        *variable("k", TensorProto(dtype=24, float8_val=b"\x3c"), 2),
        *variable("l", TensorProto(dtype=2), 0, 3),
        *variable("m", TensorProto(dtype=23, uint64_val=[2**64 - 1])),
    )
    prefix = tmp_path / "model.ckpt"
    pbckpt.convert(source, prefix)
    image = data_of(prefix)
    expected = {
        "a": (DataType.FLOAT, (4,), "0000803f 00000040 00000040 00000040"),
        "b": (DataType.FLOAT, (2,), "00000000 00000000"),
        "c": (DataType.INT32, (), "ffffffff"),
        "d": (DataType.INT8, (1,), "2c"),
        "e": (DataType.HALF, (2,), "003c 003c"),
        "f": (DataType.BFLOAT16, (1,), "803f"),
        "g": (DataType.COMPLEX64, (1,), "0000803f 00000040"),
        "h": (DataType.BOOL, (3,), "000101"),
        "i": (DataType.INT64, (1,), "feffffffffffffff"),
        "j": (DataType.INT4, (2,), "ff01"),
        "k": (DataType.FLOAT8_E5M2, (2,), "3c3c"),
        "l": (DataType.DOUBLE, (0, 3), ""),
        "m": (DataType.UINT64, (), "ffffffffffffffff"),
    }
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        found = {}
        for key in checkpoint:
            entry = checkpoint.entry(key)
            stored = image[entry.offset : entry.offset + entry.nbytes]
            found[key] = (entry.dtype, entry.shape, stored.hex())
        assert found == {
            key: (dtype, shape, stored.replace(" ", ""))
            for key, (dtype, shape, stored) in expected.items()
        }
        assert checkpoint["f"].dtype == ml_dtypes.bfloat16
        assert checkpoint["l"].shape == (0, 3)


def test_strings_become_strings(tmp_path: Path) -> None:
    source = write_graph(
        tmp_path / "frozen.pb",
        *variable("content", TensorProto(dtype=7, tensor_content=b"\x01\x02abc"), 2),
        *variable("given", TensorProto(dtype=7, string_val=[b"", b"\xff\x00"]), 3),
        *variable("none", TensorProto(dtype=7), 2),
        *variable("empty", TensorProto(dtype=7), 0),
    )
    pbckpt.convert(source, tmp_path / "model.ckpt")
    with pbckpt.open_checkpoint(tmp_path / "model.ckpt") as checkpoint:
        assert {key: value.tolist() for key, value in checkpoint.items()} == {
            "content": [b"a", b"bc"],
            "empty": [],
            "given": [b"", b"\xff\x00", b"\xff\x00"],
            "none": [b"", b""],
        }


def test_large_typed_fields(tmp_path: Path) -> None:
    # Over 65,536 integers, and floats over the size of a block of the pipeline.
    integers = list(range(-70_000, 70_000, 2))
    values = np.arange(300_000, dtype=np.float32)
    complexes = np.arange(40_000, dtype=np.float32)
    source = write_graph(
        tmp_path / "frozen.pb",
        *variable("bools", TensorProto(dtype=10, bool_val=[True, False] * 40_000), 80_000),
        *variable("complex", TensorProto(dtype=8, scomplex_val=complexes.tolist()), 20_000),
        *variable("floats", TensorProto(dtype=1, float_val=values.tolist()), 300_000),
        *variable("halves", TensorProto(dtype=19, half_val=[0x3C00, 0xBC00] * 10_000), 20_000),
        *variable("integers", TensorProto(dtype=3, int_val=integers), 100_000),
    )
    pbckpt.convert(source, tmp_path / "model.ckpt")
    loaded = pbckpt.load_checkpoint(tmp_path / "model.ckpt")
    assert loaded["floats"].tobytes() == values.tobytes()
    assert loaded["complex"].tobytes() == complexes.tobytes()
    assert loaded["integers"].tolist() == integers + 30_000 * [integers[-1]]
    assert loaded["bools"].tolist() == [True, False] * 40_000
    assert loaded["halves"].tolist() == [1.0, -1.0] * 10_000


def test_unpacked_values_of_a_large_node(tmp_path: Path) -> None:
    values = b"".join(b"\x2d" + struct.pack("<f", number) for number in range(5000))
    path = tmp_path / "frozen.pb"
    path.write_bytes(raw_const(b"\x08\x01\x12\x05\x12\x03\x08\x88\x27" + values))
    pbckpt.convert(path, tmp_path / "model.ckpt", selection=Selection(Select.ALL))
    assert pbckpt.load_variable(tmp_path / "model.ckpt", "w").tolist() == list(range(5000))


def test_the_bits_of_every_nan_are_kept(tmp_path: Path) -> None:
    bits = bytes.fromhex("0100a07f efbeedff ffffff7f 010080ff 00000080")
    for name, number in (("content", 4), ("floats", 5)):
        path = tmp_path / f"{name}.pb"
        path.write_bytes(raw_const(b"\x08\x01\x12\x04\x12\x02\x08\x05" + field(number, bits)))
        prefix = tmp_path / name
        pbckpt.convert(path, prefix, selection=Selection(Select.ALL))
        assert data_of(prefix) == bits


def test_names_are_kept_and_sorted_as_bytes(tmp_path: Path) -> None:
    keys = ["b", "a/b", "a", "größe", "\U0001f600", "\uffff", "Z", "a b"]
    nodes = [node for key in keys for node in variable(key, floats(1))]
    source = write_graph(tmp_path / "frozen.pb", *nodes)
    pbckpt.convert(source, tmp_path / "model.ckpt")
    with pbckpt.open_checkpoint(tmp_path / "model.ckpt") as checkpoint:
        assert list(checkpoint) == [
            "Z",
            "a",
            "a b",
            "a/b",
            "b",
            "größe",
            "\uffff",
            "\U0001f600",
        ]


def test_variables_without_a_name_come_with_a_warning(tmp_path: Path) -> None:
    kernel, bias = "m/dense/MatMul/ReadVariableOp", "m/dense/BiasAdd/ReadVariableOp"
    own = variable("own", floats(3))
    source = write_graph(
        tmp_path / "frozen.pb",
        const(f"{kernel}/resource", floats(1)),
        const(f"{bias}/resource", floats(2)),
        NodeDef(name=kernel, op="Identity", input=[f"{kernel}/resource"]),
        NodeDef(name=bias, op="Identity", input=[f"{bias}/resource"]),
        NodeDef(name="m/dense/MatMul", op="MatMul", input=["x", kernel]),
        NodeDef(name="m/dense/BiasAdd", op="BiasAdd", input=["m/dense/MatMul", bias]),
        *own,
    )
    report = pbckpt.convert(source, tmp_path / "model.ckpt")
    assert list(report.warnings) == [
        (
            "2 variables have names made of the layer and the role there, such as "
            "'dense/bias': TensorFlow 2 freezes a variable's own name away"
        )
    ]
    with pbckpt.open_checkpoint(tmp_path / "model.ckpt") as checkpoint:
        assert list(checkpoint) == ["dense/bias", "dense/kernel", "own"]


def test_a_variable_that_another_operation_captured_comes_with_a_warning(tmp_path: Path) -> None:
    source = write_graph(
        tmp_path / "frozen.pb",
        const("m/words/Lookup/resource", floats(1)),
        NodeDef(name="m/words/Lookup", op="GatherV2", input=["m/words/Lookup/resource", "x", "a"]),
    )
    report = pbckpt.convert(source, tmp_path / "model.ckpt")
    assert list(report.warnings) == [
        (
            "1 variable has a name made of the layer and the role there, such as "
            "'words/embeddings': TensorFlow 2 freezes a variable's own name away"
        )
    ]


def test_the_selection_decides_what_is_written(graph: Path, tmp_path: Path) -> None:
    def written(selection: Selection) -> list[str]:
        prefix = tmp_path / "model.ckpt"
        pbckpt.convert(graph, prefix, selection=selection, on_existing=OnExisting.REPLACE)
        with pbckpt.open_checkpoint(prefix) as checkpoint:
            return list(checkpoint)

    assert written(Selection(Select.ALL)) == ["axis", "b", "w"]
    assert written(Selection(include=("w",))) == ["w"]
    assert written(Selection(exclude=("w",))) == ["b"]
    assert written(Selection(include=("b",), take=("axis",))) == ["axis", "b"]


# --- what is refused, and what is left then


def test_a_selection_that_fits_nothing_writes_nothing(graph: Path, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="--include matches nothing: 'v'"):
        pbckpt.convert(graph, tmp_path / "out" / "m", selection=Selection(include=("v",)))
    assert names(tmp_path) == ["frozen.pb"]


def test_a_graph_of_no_constants_is_not_frozen(tmp_path: Path) -> None:
    source = write_graph(tmp_path / "graph.pb", NodeDef(name="v", op="VariableV2"))
    with pytest.raises(pbckpt.SelectionError, match="it is not a frozen graph"):
        pbckpt.convert(source, tmp_path / "out" / "m")
    assert names(tmp_path) == ["graph.pb"]


def test_a_damaged_graph_writes_nothing(graph: Path, tmp_path: Path) -> None:
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(pbckpt.GraphDecodeError):
        pbckpt.convert(graph, tmp_path / "out" / "m")
    assert names(tmp_path) == ["frozen.pb"]


@pytest.mark.parametrize("allowed", [142, 141])
def test_the_limit_of_repeated_values_is_a_number_of_bytes(allowed: int, tmp_path: Path) -> None:
    # 8 bytes of ones, 4 of zeros, and two texts, each of which counts for 64 bytes more.
    source = write_graph(
        tmp_path / "frozen.pb",
        *variable("ones", TensorProto(dtype=1, float_val=[1.0]), 3),
        *variable("zeros", TensorProto(dtype=1), 1),
        *variable("texts", TensorProto(dtype=7, string_val=[b"a"]), 3),
        *variable("given", floats(1, 2, 3), 3),
    )
    limits = Limits(max_expanded_bytes=allowed)
    if allowed == 142:
        assert pbckpt.convert(source, tmp_path / "out" / "m", limits=limits).nbytes == 38
        return
    with pytest.raises(pbckpt.LimitError) as caught:
        pbckpt.convert(source, tmp_path / "out" / "m", limits=limits)
    assert (caught.value.limit, caught.value.value, caught.value.maximum) == (
        "max_expanded_bytes",
        142,
        141,
    )
    assert names(tmp_path) == ["frozen.pb"]


def test_what_is_not_selected_does_not_count(tmp_path: Path) -> None:
    source = write_graph(
        tmp_path / "frozen.pb",
        *variable("huge", TensorProto(dtype=1), 1 << 40),
        *variable("w", floats(1), 1),
    )
    report = pbckpt.convert(source, tmp_path / "m", selection=Selection(include=("w",)))
    assert report.nbytes == 4
    assert report.skipped[0].node == "huge"


def test_an_existing_checkpoint_is_kept_unless_it_may_be_replaced(
    graph: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "model.ckpt"
    pbckpt.convert(graph, prefix, selection=Selection(include=("b",)))
    before = data_of(prefix)
    with pytest.raises(pbckpt.PathError, match="exists already"):
        pbckpt.convert(graph, prefix)
    assert data_of(prefix) == before
    pbckpt.convert(graph, prefix, on_existing=OnExisting.REPLACE)
    assert sorted(pbckpt.load_checkpoint(prefix)) == ["b", "w"]


@pytest.mark.parametrize("prefix", ["", "a\0b", "m[1]"])
def test_a_prefix_that_cannot_be_is_refused_before_the_graph_is_opened(prefix: str) -> None:
    with pytest.raises(pbckpt.PathError):
        pbckpt.convert("no such graph", prefix)


def test_a_source_with_a_nul_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.PathError):
        pbckpt.convert("a\0b", tmp_path / "m")


@pytest.mark.parametrize("on_existing", OnExisting)
@pytest.mark.parametrize("name", ["model.ckpt.index", "checkpoint"])
def test_the_input_is_not_overwritten(
    name: str, on_existing: OnExisting, graph: Path, tmp_path: Path
) -> None:
    content = graph.read_bytes()
    source = graph.rename(tmp_path / name)
    with pytest.raises(pbckpt.PathError, match="is the input itself and would be overwritten"):
        pbckpt.convert(source, tmp_path / "model.ckpt", on_existing=on_existing)
    assert names(tmp_path) == [name]
    assert source.read_bytes() == content


def test_the_input_is_known_under_another_name(graph: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    os.link(graph, out / "model.ckpt.index")
    with pytest.raises(pbckpt.PathError, match="is the input itself"):
        pbckpt.convert(graph, out / "model.ckpt", on_existing=OnExisting.REPLACE)
    (out / "model.ckpt.index").unlink()
    (out / "checkpoint").symlink_to(graph)
    with pytest.raises(pbckpt.PathError, match="is the input itself"):
        pbckpt.convert(graph, out / "model.ckpt")
    assert names(out) == ["checkpoint"]


def test_a_prefix_may_have_the_name_of_the_input(graph: Path) -> None:
    content = graph.read_bytes()
    pbckpt.convert(graph, graph)
    assert graph.read_bytes() == content
    assert sorted(pbckpt.load_checkpoint(graph)) == ["b", "w"]


# --- an input that changes


@pytest.mark.parametrize("change", ["touched", "longer", "shorter", "rewritten"])
def test_an_input_that_changes_while_it_is_read_is_not_committed(
    change: str, graph: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "out" / "model.ckpt"
    pbckpt.convert(graph, prefix)
    before = {path: path.read_bytes() for path in prefix.parent.iterdir()}
    content = graph.read_bytes()
    status = graph.stat()

    def changed(done: int, total: int) -> None:
        assert (done, total) == (24, 24)
        if change == "touched":
            os.utime(graph, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
        elif change == "longer":
            graph.write_bytes(content + b"\x22\x00")
        elif change == "shorter":
            os.truncate(graph, len(content) - 2)
        else:
            graph.write_bytes(content.replace(b"Concat", b"ConcaT"))
            os.utime(graph, ns=(status.st_atime_ns, status.st_mtime_ns + 1))

    with pytest.raises(pbckpt.CorruptFileError, match="changed while it was read") as caught:
        pbckpt.convert(graph, prefix, on_existing=OnExisting.REPLACE, progress=changed)
    assert caught.value.file == str(graph)
    assert {path: path.read_bytes() for path in prefix.parent.iterdir()} == before


def test_an_input_that_is_replaced_by_a_rename_is_read_to_its_end(
    graph: Path, tmp_path: Path
) -> None:
    other = write_graph(tmp_path / "other.pb", *variable("x", floats(9)))

    def replaced(_done: int, _total: int) -> None:
        other.replace(graph)

    pbckpt.convert(graph, tmp_path / "m", progress=replaced)
    assert sorted(pbckpt.load_checkpoint(tmp_path / "m")) == ["b", "w"]


TRUNCATED = """
import os, sys
import pbckpt
path, prefix = sys.argv[1:]
shorten = lambda done, total: os.truncate(path, 100)
try:
    pbckpt.convert(path, prefix, progress=shorten)
except pbckpt.CorruptFileError:
    raise SystemExit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be cut there")
def test_an_input_that_is_cut_while_weights_are_written_does_not_kill_the_process(
    tmp_path: Path,
) -> None:
    # 20,000 bytes a weight: a block of the pipeline ends within one, and the rest of it is short.
    nodes = [
        node
        for number in range(200)
        for node in variable(
            f"w{number}", TensorProto(dtype=4, tensor_content=bytes(20_000)), 20_000
        )
    ]
    source = write_graph(tmp_path / "frozen.pb", *nodes)
    done = subprocess.run(
        [sys.executable, "-c", TRUNCATED, str(source), str(tmp_path / "out" / "m")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != -signal.SIGBUS
    assert done.returncode == 3, done.stderr
    assert names(tmp_path) == ["frozen.pb"]


# --- sizes


def test_a_variable_behind_two_gibibytes(tmp_path: Path) -> None:
    size = (1 << 31) + 5
    content = field(1, b"big") + field(2, b"Const")
    content += field(5, field(1, b"dtype") + field(2, b"\x30\x04"))
    head = b"\x08\x04\x12\x08\x12\x06\x08" + encode_varint(size) + b"\x22" + encode_varint(size)
    for number, before in ((8, b""), (2, b""), (5, field(1, b"value")), (1, content)):
        head = before + head
        head = encode_varint(number << 3 | 2) + encode_varint(len(head) + size) + head
    small = [*variable("small", floats(7, 8), 2)]
    large = variable("large", TensorProto(dtype=4, tensor_content=20_000 * b"\x07"), 20_000)
    read = NodeDef(name="big/read", op="Identity", input=["big"])
    source = tmp_path / "frozen.pb"
    with source.open("wb") as file:
        file.write(head)
        try:
            file.truncate(len(head) + size)
        except OSError:
            pytest.skip("the file system has no files of two gibibytes")
        file.seek(0, os.SEEK_END)
        file.write(GraphDef(node=[read, *small, *large]).SerializeToString())
    if sys.platform != "win32" and source.stat().st_blocks > 1 << 20:
        pytest.skip("the file system has no holes in files")
    report = pbckpt.convert(
        source, tmp_path / "model.ckpt", selection=Selection(include=("small", "large"))
    )
    assert [v.key for v in report.variables] == ["large", "small"]
    (span,) = report.variables[0].tensor.images
    assert span.offset > 1 << 31
    (big,) = report.skipped
    assert (big.node, big.reason) == ("big", "matches no --include pattern")
    assert big.tensor is not None
    assert big.tensor.nbytes == size
    assert data_of(tmp_path / "model.ckpt") == 20_000 * b"\x07" + struct.pack("<2f", 7, 8)


def test_progress_goes_up_to_the_size_of_the_data(tmp_path: Path) -> None:
    count = 3 << 20
    source = write_graph(
        tmp_path / "frozen.pb",
        *variable("a", TensorProto(dtype=4, tensor_content=bytes(count)), count),
        *variable("b", floats(1), 1),
    )
    told: list[tuple[int, int]] = []
    pbckpt.convert(source, tmp_path / "m", progress=lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {count + 4}
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == count + 4
    assert 1 < len(done) < 20


def test_empty_strings_are_written_in_blocks(tmp_path: Path) -> None:
    source = write_graph(tmp_path / "frozen.pb", *variable("s", TensorProto(dtype=7), 10_000))
    told: list[int] = []
    pbckpt.convert(source, tmp_path / "m", progress=lambda done, _total: told.append(done))
    assert told[-1] == 10_004
    assert len(told) < 10


@pytest.mark.parametrize(
    "dims",
    [
        pytest.param(65 * (1,), id="65 dims"),
        pytest.param((0, 1 << 62), id="no elements of a size beyond numpy"),
    ],
)
def test_a_shape_that_tensorflow_has_and_numpy_has_not(
    dims: tuple[int, ...], tmp_path: Path
) -> None:
    source = write_graph(tmp_path / "frozen.pb", *variable("w", TensorProto(dtype=1), *dims))
    prefix = tmp_path / "model.ckpt"
    pbckpt.convert(source, prefix)
    assert pbckpt.verify(prefix).problems == ()
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        assert checkpoint.entry("w").shape == dims
        with pytest.raises(pbckpt.UnsupportedBundleError):
            checkpoint["w"]
