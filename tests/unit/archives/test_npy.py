from __future__ import annotations

import io
import itertools
import subprocess
import sys
import tracemalloc
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbckpt.archives import npy as npy_module
from pbckpt.archives.directory import name_of_path, path_of_name, read_directory
from pbckpt.archives.npy import read_npy, tensor_of_npy
from pbckpt.archives.npy_header import (
    DTYPES,
    MAGIC,
    MAX_HEADER_BYTES,
    Element,
    NpyHeader,
    Text,
    Unfit,
    encode_npy_header,
    read_npy_header,
)
from pbckpt.archives.tensor import ArchivedTensor, Refused
from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import CorruptFileError, LimitError, PbckptError
from pbckpt.storage.local import MappedFile
from pbckpt.storage.tree import files_under
from pbckpt.wire.span import ByteSource, Memory, Span, chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

ROOT = Path(__file__).parents[3]
ByteOrder = Literal["<", ">"]
AxisOrder = Literal["C", "F"]
BYTE_ORDERS: tuple[ByteOrder, ...] = ("<", ">")
AXIS_ORDERS: tuple[AxisOrder, ...] = ("C", "F")
OPEN_FILES = Path("/proc/self/fd")

# A matrix of int16 by hand, as numpy writes it.
FILE = (
    b"\x93NUMPY\x01\x00\x76\x00"
    b"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }" + b" " * 58 + b"\n"
    b"\1\0\2\0\3\0\4\0\5\0\6\0"
)


def npy_bytes(array: npt.NDArray[Any], version: tuple[int, int] | None = None) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions that old readers do not know
        np.lib.format.write_array(out, array, version)
    return out.getvalue()


def stream(header: str, data: bytes = b"", version: int = 1) -> bytes:
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return MAGIC + bytes((version, 0)) + size + header.encode("latin-1") + data


def literal(descr: str = "'|u1'", order: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def item(data: bytes) -> ArchivedTensor | Refused:
    return tensor_of_npy("a", read_npy(Memory(data, "a.npy")))


def read(data: bytes) -> ArchivedTensor:
    found = item(data)
    assert isinstance(found, ArchivedTensor)
    return found


def data_of(tensor: ArchivedTensor) -> bytes:
    buffer = memoryview(bytearray(5))
    return b"".join(bytes(part) for part in chunks(tensor.spans(), buffer))


def header_of(data: bytes) -> NpyHeader:
    return read_npy_header(io.BytesIO(data).read)


# Headers


def test_a_stream_by_hand() -> None:
    found = read(FILE)
    assert (found.name, found.dtype, found.shape, found.nbytes) == (
        "a",
        DataType.INT16,
        (2, 3),
        12,
    )
    assert data_of(found) == FILE[128:]


def test_elements_in_their_order_are_spans_of_the_file() -> None:
    source = Memory(FILE)
    found = tensor_of_npy("a", read_npy(source))
    assert isinstance(found, ArchivedTensor)
    assert list(found.spans()) == [Span(source, 128, 12)]


def test_what_is_written_is_what_numpy_writes() -> None:
    assert encode_npy_header(DataType.INT16, (2, 3)) == FILE[:128]


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 1), (1,) * 30, (1 << 40, 0)])
def test_numpy_reads_every_header(dtype: DataType, shape: tuple[int, ...]) -> None:
    data = encode_npy_header(dtype, shape)
    assert len(data) % 64 == 0
    found = io.BytesIO(data)
    assert np.lib.format.read_magic(found) == (1, 0)
    assert np.lib.format.read_array_header_1_0(found) == (shape, False, numpy_dtype(dtype))
    assert header_of(data) == NpyHeader(
        Element(dtype, dtype.itemsize), is_fortran_order=False, shape=shape, nbytes=len(data)
    )


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("order", BYTE_ORDERS)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_header_of_numpy_is_read(
    dtype: DataType, order: ByteOrder, version: tuple[int, int]
) -> None:
    array = np.zeros((2, 3), numpy_dtype(dtype).newbyteorder(order))
    is_big = order == ">" and dtype.itemsize > 1
    assert header_of(npy_bytes(array, version))[:3] == (
        Element(dtype, dtype.itemsize, is_big),
        False,
        (2, 3),
    )


def test_strings_of_numpy() -> None:
    assert header_of(npy_bytes(np.array([b"abc"])))[0] == Element(
        DataType.STRING, 3, text=Text.BYTES
    )
    assert header_of(npy_bytes(np.array(["abc"], "<U3")))[0] == Element(
        DataType.STRING, 12, text=Text.UTF32_LITTLE
    )
    assert header_of(npy_bytes(np.array(["abc"], ">U3")))[0] == Element(
        DataType.STRING, 12, text=Text.UTF32_BIG
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"descr":"|u1","fortran_order":False,"shape":(2,)}',
        "{'shape': (2,), 'fortran_order': False, 'descr': '|u1'}",
        "{ 'descr' : '|u1' ,\n'fortran_order' : False,'shape' : ( 2 , ) , } \n",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2L,), }",
        "{'descr': 'u1', 'fortran_order': True, 'shape': (2,), }",
        "{'descr': '=u1', 'fortran_order': False, 'shape': (2,), }",
    ],
)
def test_headers_of_other_writers(text: str) -> None:
    assert data_of(read(stream(text, b"xy"))) == b"xy"
    assert np.load(io.BytesIO(stream(text.replace("L", ""), b"xy"))).tobytes() == b"xy"


@pytest.mark.parametrize(
    ("descr", "reason"),
    [
        ("'|O'", "pickles are never loaded"),
        ("'O'", "pickles are never loaded"),
        ("'<V2'", "use .safetensors"),
        ("'|V1'", "use .safetensors"),
        ("'<f16'", "no elements of numpy's type '<f16'"),
        ("'<c32'", "no elements of numpy's type '<c32'"),
        ("'<M8[ns]'", "no elements of numpy's type '<M8[ns]'"),
        ("'<i3'", "no elements of numpy's type '<i3'"),
        ("''", "no elements of numpy's type ''"),
        ("'|S0'", "its strings are 0 letters long"),
        ("'<U0'", "its strings are 0 letters long"),
        ("'|S2147483648'", "its strings are 2147483648 letters long"),
        ("[('a', '<f4'), ('b', '<i4', (2,))]", "an array of records"),
        ("[]", "an array of records"),
    ],
)
def test_types_that_no_checkpoint_has(descr: str, reason: str) -> None:
    found = item(stream(literal(descr), b"xy"))
    assert isinstance(found, Refused)
    assert found.name == "a"
    assert reason in found.reason


def test_records_are_known_wherever_their_fields_stand() -> None:
    text = "{'fortran_order': False, 'descr': [('x', '<f4')], 'shape': (1,)}"
    assert isinstance(item(stream(text, b"1234")), Refused)


@pytest.mark.parametrize("shape", ["(" + "1, " * 255 + ")", f"({1 << 40}, {1 << 40})"])
def test_shapes_that_no_checkpoint_has(shape: str) -> None:
    assert isinstance(item(stream(literal(shape=shape), b"x")), Refused)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"PK\3\4" + bytes(20),
        b"\x93NUMPY\0\0" + FILE[8:],
        b"\x93NUMPY\4\0" + FILE[8:],
        b"\x93NUMPY\1\1" + FILE[8:],
        stream(""),
        stream("{}"),
        stream("(2,)"),
        stream(literal() + "x", b"xy"),
        stream("{" + literal(), b"xy"),
        stream(literal().replace("'shape': (2,), ", ""), b"xy"),
        stream(literal().replace("}", "'more': True}"), b"xy"),
        stream(literal().replace("}", "'shape': (2,)}"), b"xy"),
        stream(literal(descr="7"), b"xy"),
        stream(literal(descr="True"), b"xy"),
        stream(literal(descr="'\\x75'"), b"xy"),
        stream(literal(order="1"), b"xy"),
        stream(literal(order="'False'"), b"xy"),
        stream(literal(shape="2"), b"xy"),
        stream(literal(shape="(2)"), b"xy"),
        stream(literal(shape="(-2,)"), b"xy"),
        stream(literal(shape="(2.0,)"), b"xy"),
        stream(literal(shape="(02,)"), b"xy"),
        stream(literal(shape="(True,)"), b"xy"),
        stream(literal(shape="(2,,)"), b"xy"),
        stream(literal(shape="(" + "9" * 5000 + ",)"), b"xy"),
        stream(literal(shape="'(2,)'"), b"xy"),
        stream(literal(), b"x"),
        stream(literal(), b"xyz"),
        stream(literal(), b""),
        stream(literal(shape="(4611686018427387904,)"), b"xy"),
        stream(literal(shape="(0,)"), b"x"),
    ],
)
def test_damage(data: bytes) -> None:
    with pytest.raises(CorruptFileError) as caught:
        item(data)
    assert caught.value.file == "a.npy"


def test_every_truncation_is_an_error() -> None:
    for size in range(len(FILE)):
        with pytest.raises(CorruptFileError):
            item(FILE[:size])


@settings(max_examples=300)
@given(st.integers(0, 120), st.integers(0, 255), st.binary(max_size=4))
def test_what_is_read_from_a_damaged_header_numpy_reads_too(
    place: int, byte: int, insert: bytes
) -> None:
    damaged = FILE[:place] + bytes((byte,)) + insert + FILE[place + 1 + len(insert) :]
    try:
        found = item(damaged)
    except PbckptError:
        return
    if isinstance(found, ArchivedTensor):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.load(io.BytesIO(damaged))
        assert array.shape == found.shape
        if found.dtype is not DataType.STRING:
            assert array.dtype == numpy_dtype(found.dtype).newbyteorder(array.dtype.byteorder)


@pytest.mark.parametrize("version", [2, 3])
def test_a_long_header_is_not_read(version: int) -> None:
    head = MAGIC + bytes((version, 0)) + (MAX_HEADER_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(LimitError):
        item(head + bytes(MAX_HEADER_BYTES + 1))


@pytest.mark.parametrize(
    "text",
    [
        "{" * 1_000_000,
        "(" * 1_000_000,
        "{'shape': (" + "1," * 500_000,
        "{'shape': (" + " " * 1_000_000,
        "{'descr': '" + "'descr': [" * 100_000,
        "{" + "," * 1_000_000,
        "{" + "'descr' : " * 100_000,
        "{" + " " * 1_000_000 + "}",
    ],
)
def test_hostile_headers_take_no_long_time(text: str) -> None:
    with pytest.raises(CorruptFileError):
        item(stream(text, version=2))


def test_a_hostile_shape_takes_no_long_time() -> None:
    shape = "(" + "9" * 19 + "," + "9999999999999," * 70_000 + ")"
    assert isinstance(item(stream(literal(shape=shape), version=2)), Refused)


# Elements in other forms


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read so few bytes at once that small arrays have many parts."""
    monkeypatch.setattr(npy_module, "CHUNK_BYTES", 16)


def sample(dtype: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.random.default_rng(7).integers(0, 256, count, np.uint8)
    return raw.view(dtype).reshape(shape)


@pytest.mark.usefixtures("in_small_parts")
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8", "c8", "c16", "u8"])
@pytest.mark.parametrize("byte_order", BYTE_ORDERS)
@pytest.mark.parametrize("order", AXIS_ORDERS)
@pytest.mark.parametrize(
    "shape", [(), (1,), (7,), (3, 5), (5, 1), (1, 5), (2, 3, 4), (40, 2), (2, 40), (0, 3), (3, 0)]
)
def test_every_order(
    dtype: str, byte_order: ByteOrder, order: AxisOrder, shape: tuple[int, ...]
) -> None:
    expected = sample(dtype, shape)
    stored = expected.astype(np.dtype(dtype).newbyteorder(byte_order)).copy(order=order)
    found = read(npy_bytes(stored))
    assert found.shape == shape
    assert data_of(found) == expected.tobytes()
    assert data_of(found) == expected.tobytes()  # as often as wanted


@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (7, 1)])
def test_one_axis_has_one_order(shape: tuple[int, ...]) -> None:
    data = stream(literal("'|u1'", "True", repr(shape)), b"1234567"[: int(np.prod(shape))])
    source = Memory(data)
    found = tensor_of_npy("a", read_npy(source))
    assert isinstance(found, ArchivedTensor)
    assert [span.source for span in found.spans()] == [source]


@pytest.mark.usefixtures("in_small_parts")
@pytest.mark.parametrize("order", AXIS_ORDERS)
@pytest.mark.parametrize("dtype", ["S", "<U", ">U", "S40", "<U40"])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (3, 2, 1)])
def test_strings(dtype: str, order: AxisOrder, shape: tuple[int, ...]) -> None:
    texts = ["", "a", "seven", "with\0inside", " ", "zwölf"[: 2 if dtype.startswith("S") else 5]]
    texts = [text.replace("ö", "o") if dtype.startswith("S") else text for text in texts]
    array = np.array(texts, dtype).reshape(shape).copy(order=order)
    found = read(npy_bytes(array))
    assert (found.dtype, found.shape) == (DataType.STRING, shape)
    assert list(found.strings()) == [text.encode() for text in texts]


def test_bytes_that_are_not_utf8_are_strings() -> None:
    assert list(read(npy_bytes(np.array([b"\xff\xfe", b"\0a"]))).strings()) == [b"\xff\xfe", b"\0a"]


def test_surrogate_escapes_are_the_bytes_they_stand_for() -> None:
    assert list(read(npy_bytes(np.array(["a\udcff"]))).strings()) == [b"a\xff"]


def test_no_strings_and_one_scalar() -> None:
    assert list(read(npy_bytes(np.zeros((0, 2), "S3"))).strings()) == []
    assert list(read(npy_bytes(np.array(b"xyz"))).strings()) == [b"xyz"]


@pytest.mark.parametrize("data", [b"\0\0\x11\0", b"\0\xd8\0\0"])
def test_letters_that_are_none(data: bytes) -> None:
    """Beyond the last code point, and half of a surrogate pair."""
    with pytest.raises(CorruptFileError, match="a string that is no text") as caught:
        list(read(stream(literal("'<U1'", shape="()"), data)).strings())
    assert caught.value.file == "a.npy"


def test_no_elements_of_great_width_take_no_memory() -> None:
    found = read(stream(literal("'|S2147483647'", shape="(0,)")))
    tracemalloc.start()
    try:
        assert list(found.strings()) == []
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_each_kind_has_its_own_way_to_its_elements() -> None:
    with pytest.raises(TypeError):
        read(FILE).strings()
    with pytest.raises(TypeError):
        read(npy_bytes(np.array([b"x"]))).spans()


def test_numpy_is_not_imported_where_it_is_not_needed() -> None:
    program = """
import sys
from pbckpt.archives.npy import read_npy, tensor_of_npy
from pbckpt.archives.npz import plan_npz
from pbckpt.archives.safetensors import plan_safetensors
from pbckpt.wire.span import Memory
list(tensor_of_npy("a", read_npy(Memory(bytes.fromhex(sys.argv[1])))).spans())
assert not {"numpy", "zipfile"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, FILE.hex()], check=True, cwd=ROOT)


# Folders


@contextmanager
def opened(folder: Path, path: str) -> Iterator[ByteSource]:
    with MappedFile(folder / path) as file:
        yield file


def test_a_folder(tmp_path: Path) -> None:
    arrays = {
        "w": np.arange(6.0).reshape(2, 3),
        "a/b/c": np.array(3, ">i4"),
        "a/s": np.array(["x"]),
    }
    for name, array in arrays.items():
        path = tmp_path / path_of_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    (tmp_path / "README.txt").touch()
    np.save(tmp_path / "object.npy", np.array([None]), allow_pickle=True)
    contents = read_directory(files_under(tmp_path), lambda path: opened(tmp_path, path))
    assert [t.name for t in contents.tensors] == ["a/b/c", "a/s", "w"]
    assert [name for name, _ in contents.refused] == ["object"]
    assert data_of(contents.tensors[0]) == b"\3\0\0\0"
    assert list(contents.tensors[1].strings()) == [b"x"]
    assert data_of(contents.tensors[2]) == arrays["w"].tobytes()


def test_paths_and_names() -> None:
    assert path_of_name("a/b/c") == "a/b/c.npy"
    assert path_of_name("../a") == "%2E./a.npy"
    assert name_of_path("a/b/c.npy") == "a/b/c"
    assert name_of_path("a.npy.npy") == "a.npy"


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are not listed")
def test_files_are_open_only_while_they_are_read(tmp_path: Path) -> None:
    for i in range(10):
        np.save(tmp_path / f"{i}.npy", np.zeros(3))
    before = len(list(OPEN_FILES.iterdir()))
    contents = read_directory(files_under(tmp_path), lambda path: opened(tmp_path, path))
    spans = [next(tensor.spans()) for tensor in itertools.islice(contents.tensors, 3)]
    assert len(spans) == 3
    assert len(contents.tensors) == 10
    assert len(list(OPEN_FILES.iterdir())) == before


@pytest.mark.parametrize("array", [np.zeros(4), np.zeros((3, 1)), np.zeros(3, np.float32)])
def test_a_file_that_changes_meanwhile_is_an_error(array: npt.NDArray[Any], tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.zeros(3))
    contents = read_directory(["w.npy"], lambda path: opened(tmp_path, path))
    np.save(tmp_path / "w.npy", array)
    with pytest.raises(CorruptFileError, match="was changed while it was read"):
        data_of(contents.tensors[0])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.npy").write_bytes(FILE[:-1])
    with pytest.raises(CorruptFileError) as caught:
        read_directory(["w.npy"], lambda path: opened(tmp_path, path))
    assert caught.value.file == str(tmp_path / "w.npy")


def test_unfit_types_keep_their_reason() -> None:
    assert header_of(stream(literal("'|O'"))).element == Unfit(
        "it is an array of Python objects, a pickle, and pickles are never loaded"
    )
