from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.archives import npz as npz_module
from pbckpt.archives.npz import Compression, plan_npz, read_npz
from pbckpt.archives.tensor import ArchivedTensor, Contents, fixed_size, of_strings
from pbckpt.dtypes import DataType, dtype_of_array
from pbckpt.errors import CorruptFileError, LimitError, PbckptError, SelectionError
from pbckpt.names import key_to_text
from pbckpt.wire.span import Memory, Span, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Array = np.ndarray[Any, Any]

# One array of one byte, by hand: local header, .npy, central directory, end.
NPY = b"\x93NUMPY\x01\x00\x36\x00{'descr': '|u1', 'fortran_order': False, 'shape': ()} \n\7"
NPY = NPY[:8] + struct.pack("<H", len(NPY) - 11) + NPY[10:]


def member(name: bytes, data: bytes, **fields: int) -> dict[str, Any]:
    """Return what a zip says of a stored member, and what is not as it should be."""
    return {"name": name, "data": data, **fields}


def zipped(*members: dict[str, Any], end: bytes = b"") -> bytes:
    """Return a zip as somebody may write it by hand."""
    out = directory = b""
    for m in members:
        data: bytes = m["data"]
        name: bytes = m["name"]
        crc = m.get("crc", zlib.crc32(data))
        size = m.get("size", len(data))
        stored = m.get("stored", len(data))
        common = struct.pack(
            "<HHHHHIIIHH",
            *(20, m.get("flags", 0), m.get("method", 0), 0, 33, crc, stored, size),
            *(len(name), 0),
        )
        directory += b"PK\1\2\x14\3" + common + bytes(10) + struct.pack("<I", len(out)) + name
        out += b"PK\3\4" + common + m.get("local_name", name) + data
    count = len(members)
    tail = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0)
    return out + directory + b"PK\5\6" + (end or tail)


FILE = zipped(member(b"a.npy", NPY))


def read(data: bytes) -> Contents:
    return read_npz(Memory(data, "x.npz"))


def data_of(tensor: ArchivedTensor) -> bytes:
    buffer = memoryview(bytearray(1000))
    return b"".join(bytes(part) for part in chunks(tensor.spans(), buffer))


def read_all(data: bytes) -> dict[str, bytes | list[bytes]]:
    """Read every byte of every tensor; nothing may be refused."""
    contents = read(data)
    assert contents.refused == ()
    return {
        t.name: list(t.strings()) if t.dtype is DataType.STRING else data_of(t)
        for t in contents.tensors
    }


def tensor(name: str, array: Array) -> ArchivedTensor:
    dtype = dtype_of_array(array.dtype)
    assert dtype is not None
    if dtype is DataType.STRING:
        return of_strings(name, array.shape, lambda: iter(array.reshape(-1).tolist()))

    def spans() -> Iterator[Span]:
        yield Span.of(array.tobytes()[:1])
        yield Span.of(array.tobytes()[1:])

    return fixed_size(name, dtype, array.shape, spans)


def written(arrays: dict[str, Array], compression: Compression = Compression.STORED) -> bytes:
    out = io.BytesIO()
    plan_npz([tensor(name, array) for name, array in arrays.items()]).write(out, compression)
    return out.getvalue()


ARRAYS: dict[str, Array] = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/b": np.array(7, np.int64),
    "empty": np.zeros((0, 2), np.uint8),
    "z": np.array([[1 + 2j]], np.complex128),
    "flags": np.array([True, False]),
    "naïve": np.ones(3, np.float16),
}


# With numpy


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(save: Callable[..., None]) -> None:
    out = io.BytesIO()
    save(out, **ARRAYS)
    contents = read(out.getvalue())
    assert contents.refused == ()
    assert {t.name: (t.dtype, t.shape, data_of(t)) for t in contents.tensors} == {
        name: (dtype_of_array(array.dtype), array.shape, array.tobytes())
        for name, array in ARRAYS.items()
    }


@pytest.mark.parametrize("compression", Compression)
def test_what_is_written_numpy_reads(compression: Compression) -> None:
    with np.load(io.BytesIO(written(ARRAYS, compression))) as found:
        assert found.files == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype
            assert found[name].shape == array.shape
            assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("save", "compression"),
    [(np.savez, Compression.STORED), (np.savez_compressed, Compression.DEFLATED)],
)
def test_the_bytes_are_those_of_numpy(save: Callable[..., None], compression: Compression) -> None:
    arrays = {name: ARRAYS[name] for name in ("w", "a/b")}
    out = io.BytesIO()
    save(out, **arrays)
    data = written(arrays, compression)
    if compression is Compression.STORED:
        assert data == out.getvalue()
    assert data == written(arrays, compression)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {compression.value}


def test_a_zip_of_nothing() -> None:
    assert written({}) == b"PK\5\6" + bytes(18)
    assert read(written({})) == ((), (), {})


def test_large_members_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_module, "CHUNK_BYTES", 100)
    array = np.arange(1000, dtype=np.int32)
    for compression in Compression:
        [found] = read(written({"w": array}, compression)).tensors
        spans = list(found.spans())
        assert {span.nbytes for span in spans} == {100}
        assert b"".join(bytes(span.view) for span in spans) == array.tobytes()
        assert data_of(found) == array.tobytes()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_other_orders_and_strings(save: Callable[..., None]) -> None:
    array = np.arange(6, dtype=">i2").reshape(2, 3)
    out = io.BytesIO()
    save(out, f=np.asfortranarray(array), s=np.array(["a", "ö"]))
    assert read_all(out.getvalue()) == {
        "f": array.astype("<i2").tobytes(),
        "s": [b"a", "ö".encode()],
    }


def test_strings_are_padded_to_the_longest() -> None:
    data = written({"s": np.array([[b"a", b""], [b"\xffbc", b"\0x"]], object)})
    with np.load(io.BytesIO(data)) as found:
        assert found["s"].dtype == np.dtype("S3")
        assert found["s"].tolist() == [[b"a", b""], [b"\xffbc", b"\0x"]]
    assert read_all(data) == {"s": [b"a", b"", b"\xffbc", b"\0x"]}


def test_empty_strings_and_none_at_all() -> None:
    data = written({"e": np.array([b"", b""], object), "n": np.zeros((0, 3), object)})
    with np.load(io.BytesIO(data)) as found:
        assert found["e"].tolist() == [b"", b""]
        assert found["n"].shape == (0, 3)
    assert read_all(data) == {"e": [b"", b""], "n": []}


def test_more_members_than_the_old_end_of_a_zip_can_count() -> None:
    count = 66_000
    one = np.array(7, np.uint8)
    source = Memory(written({str(i): one for i in range(count)}))
    npz_module._check_count(count, source)
    for found in (count - 1, count & 0xFFFF, 0xFFFF):
        with pytest.raises(CorruptFileError, match=f"expected 66000 members, found {found}"):
            npz_module._check_count(found, source)


def test_a_zip_with_a_comment_and_something_before_it() -> None:
    out = io.BytesIO(FILE)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"weights"
    assert read_all(b"#!/bin/sh" + out.getvalue()) == {"a": b"\7"}


# Names

KEYS = [
    *(b"a\0b", b"a/b", b"../a", b"/a", b"a\\b", b"50%", b"%00", b"a%2500", b"\xc3\xa9", b"\xff"),
    *(b"a.npy", b"__metadata__", b"a/", b" ", b"\n", b"C:\\x", b"\xed\xa0\x80"),
]


@pytest.mark.parametrize("key", KEYS)
def test_keys_come_back(key: bytes) -> None:
    name = key_to_text(key)
    data = written({name: np.array(7, np.uint8)})
    assert read_all(data) == {name: b"\7"}
    with np.load(io.BytesIO(data)) as found:
        [seen] = found.files
        assert found[seen] == 7


@given(st.lists(st.binary(min_size=1, max_size=6).map(key_to_text), unique=True, max_size=6))
def test_any_keys_come_back(names: list[str]) -> None:
    arrays = {name: np.array(i, np.uint8) for i, name in enumerate(names)}
    assert read_all(written(arrays)) == {name: bytes((i,)) for i, name in enumerate(names)}


def test_names_of_others_with_percent_signs() -> None:
    names = ["%", "%25", "50%", "a%20b", "%ff", "%2500", "%00"]
    out = io.BytesIO()
    np.savez(out, **{name: np.array(i, np.uint8) for i, name in enumerate(names)})  # type: ignore[arg-type]
    keys = list(read_all(out.getvalue()))
    assert keys == ["%", "%25", "50%", "a%20b", "%ff", "%00", "\0"]
    data = written({key: np.array(i, np.uint8) for i, key in enumerate(keys)})
    assert data == out.getvalue()


# What is refused


def test_what_no_checkpoint_can_hold_is_refused_one_by_one() -> None:
    out = io.BytesIO()
    np.savez(out, o=np.array([None]), w=np.zeros(1, np.uint8), v=np.zeros(1, "V2"))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("README", "")
        archive.writestr("folder/", "")
        archive.writestr("l.npy", NPY, compress_type=zipfile.ZIP_LZMA)
    contents = read(out.getvalue())
    assert [t.name for t in contents.tensors] == ["w"]
    assert [name for name, _ in contents.refused] == ["o", "v", "README", "l"]
    assert "pickle" in contents.refused[0].reason
    assert contents.refused[2].reason == "it is not called .npy, so it is no array"
    assert contents.refused[3].reason == "it is compressed by method 14, not deflated"


def test_encrypted_members_are_refused() -> None:
    contents = read(zipped(member(b"a.npy", NPY, flags=1)))
    assert contents.refused == (("a", "it is encrypted or a patch"),)


def test_types_that_cannot_be_stored_are_all_listed() -> None:
    def fixed(name: str, dtype: DataType) -> ArchivedTensor:
        return fixed_size(name, dtype, (), lambda: iter([Span.of(bytes(dtype.itemsize))]))

    with pytest.raises(SelectionError) as caught:
        plan_npz(
            [
                fixed("ok", DataType.FLOAT),
                fixed("b", DataType.BFLOAT16),
                fixed("f8", DataType.FLOAT8_E5M2),
                fixed("q", DataType.QINT8),
                of_strings("nul", (1,), lambda: iter([b"a\0"])),
                fixed_size("deep", DataType.INT8, (1,) * 65, lambda: iter([Span.of(b"x")])),
                fixed("n" * 70_000, DataType.INT8),
            ]
        )
    assert str(caught.value) == (
        ".npz cannot hold 'b' (bfloat16); 'f8' (float8_e5m2); 'q' (qint8); "
        "'nul' (a string that ends with a NUL, which numpy drops); 'deep' (65 dimensions); "
        f"'{'n' * 64}'… (a name of 70004 bytes); give them another type "
        "with --cast, or leave them out with --exclude (.safetensors holds more types)"
    )


def test_strings_that_padding_would_blow_up_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_module, "_MAX_PADDING", 100)
    strings = [b"x" * 50, b"", b""]
    with pytest.raises(SelectionError, match="3 strings that would all be stored as 50 bytes"):
        plan_npz([of_strings("s", (3,), lambda: iter(strings))])


@pytest.mark.parametrize("later", [[b"ab"], [b"ab", b"c", b"d"], [b"ab", b"abc"]])
def test_strings_that_change_meanwhile_are_an_error(later: list[bytes]) -> None:
    strings = [b"ab", b"c"]
    plan = plan_npz([of_strings("s", (2,), lambda: iter(strings))])
    strings[:] = later
    with pytest.raises(CorruptFileError, match="not those planned with"):
        plan.write(io.BytesIO())


def test_a_tensor_that_is_too_short_is_an_error() -> None:
    plan = plan_npz([fixed_size("a", DataType.FLOAT, (), lambda: iter([Span.of(b"123")]))])
    with pytest.raises(CorruptFileError, match="another number of bytes"):
        plan.write(io.BytesIO())


# Damage


def test_a_zip_by_hand() -> None:
    assert read_all(FILE) == {"a": b"\7"}


@pytest.mark.parametrize("compression", Compression)
def test_every_truncation_is_an_error(compression: Compression) -> None:
    data = written({"a": ARRAYS["w"], "b": ARRAYS["a/b"]}, compression)
    for size in range(len(data)):
        with pytest.raises(CorruptFileError) as caught:
            read(data[:size])
        assert caught.value.file == "x.npz"


@pytest.mark.parametrize("compression", Compression)
def test_every_flipped_bit_is_an_error_or_the_right_answer(compression: Compression) -> None:
    arrays = {"a": ARRAYS["w"], "b": ARRAYS["a/b"]}
    right: list[object] = [arrays["a"].tobytes(), arrays["b"].tobytes()]
    data = written(arrays, compression)
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            try:
                contents = read(bytes(damaged))
                found = [data_of(t) for t in contents.tensors]
            except PbckptError:
                continue
            # Names have no checksum; whatever is not refused has the right bytes.
            assert all(values in right for values in found)
            # A directory that says that it is shorter is not noticed by zip.
            assert len(found) + len(contents.refused) == 2, (place, bit)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_result_or_an_error(data: bytes) -> None:
    for candidate in (
        data,
        data + FILE,
        FILE + data,
        FILE[: len(data)] + data,
        data[:22] + FILE[22:],
    ):
        with contextlib.suppress(PbckptError):
            for found in read(candidate).tensors:
                data_of(found)


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "no zip, or a damaged one"),
        (FILE[:-14] + b"\2\0\2\0" + FILE[-10:], "expected 2 members, found 1"),
        (b"\x93NUMPY", "no zip, or a damaged one"),
        (zipped(member(b"a.npy", NPY), member(b"a.npy", NPY)), "two members named 'a.npy'"),
        (zipped(member(b"a\0.npy", NPY)), "a NUL in the name"),
        (zipped(member(b"\xff.npy", NPY, flags=0x800)), "no zip, or a damaged one"),
        (zipped(member(b"a.npy", NPY, stored=10_000, size=10_000)), "members that overlap"),
        (zipped(member(b"a.npy", NPY, size=len(NPY) + 1)), "another size than its header says"),
        (zipped(member(b"a.npy", NPY[:-1])), "another size than its header says"),
        (zipped(member(b"a.npy", b"text")), "cut short"),
        (zipped(member(b"a.npy", b"not an array")), "it does not begin with"),
        (zipped(member(b"a.npy", b"")), "cut short"),
        ({"local_name": b"b.npy"}, "no zip, or a damaged one"),
        ({"method": 8}, "no zip, or a damaged one"),
    ],
)
def test_damage(data: bytes | dict[str, Any], fact: str) -> None:
    if isinstance(data, dict):
        data = zipped(member(b"a.npy", NPY, **data))
    with pytest.raises(CorruptFileError) as caught:
        read(data)
    assert fact in str(caught.value)
    assert caught.value.file.startswith("x.npz")


def test_a_wrong_checksum_is_an_error() -> None:
    with pytest.raises(CorruptFileError, match="Bad CRC-32"):
        read(zipped(member(b"a.npy", NPY, crc=1)))


def test_an_array_of_no_bytes_has_its_checksum_checked_too() -> None:
    empty = NPY[:-1].replace(b"()", b"(0,)").replace(b"'shape': (0,)} \n", b"'shape': (0,)}\n")
    empty = empty[:8] + struct.pack("<H", len(empty) - 10) + empty[10:]
    assert read_all(zipped(member(b"a.npy", empty))) == {"a": b""}
    with pytest.raises(CorruptFileError, match="Bad CRC-32"):
        read_all(zipped(member(b"a.npy", empty, crc=1)))


def test_a_checksum_that_is_wrong_in_a_large_member_is_found_at_its_end() -> None:
    data = bytearray(written({"w": np.zeros(1 << 18)}))
    data[1 << 20] ^= 1
    [found] = read(bytes(data)).tensors
    spans = found.spans()
    next(spans)
    with pytest.raises(CorruptFileError, match="Bad CRC-32"):
        list(spans)


def deflated(shape: tuple[int, ...], descr: str, order: str, nbytes: int) -> bytes:
    """Return a zip of a few kilobytes whose one array is all zeros."""
    out = io.BytesIO()
    head = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}\n".encode()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w") as stream,
    ):
        stream.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head)
        for start in range(0, nbytes, 1 << 20):
            stream.write(bytes(min(1 << 20, nbytes - start)))
    return out.getvalue()


def test_a_bomb_takes_no_memory() -> None:
    nbytes = 64 << 20
    data = deflated((nbytes,), "|u1", "False", nbytes)
    assert len(data) < 100_000
    tracemalloc.start()
    try:
        [found] = read(data).tensors
        assert found.nbytes == nbytes
        assert sum(span.nbytes for span in found.spans()) == nbytes
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("descr", "order", "shape"),
    [("|u1", "True", (1 << 10, 1 << 10)), ("|S1", "False", (1 << 14,))],
)
def test_a_bomb_that_would_be_held_whole_is_refused(
    descr: str, order: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = deflated(shape, descr, order, int(np.prod(shape)))
    assert len(read(data).tensors) == 1
    monkeypatch.setattr(npz_module, "MAX_WHOLE_BYTES", 1_000_000)
    with pytest.raises(LimitError, match="the memory that reading takes"):
        read(data)


def test_stored_members_may_be_as_large_as_their_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_module, "MAX_WHOLE_BYTES", 100)
    array = np.asfortranarray(np.arange(1000).reshape(10, 100))
    out = io.BytesIO()
    np.savez(out, a=array)
    assert read_all(out.getvalue()) == {"a": np.ascontiguousarray(array).tobytes()}


def test_a_size_that_lies_is_found_out() -> None:
    """A member that inflates to more than is listed, and to less."""
    for listed in (50, 150):
        head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d,)}\n" % listed
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                "a.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(100)
            )
        data = bytearray(out.getvalue())
        size = struct.pack("<I", 10 + len(head) + 100)
        data[:] = data.replace(size, struct.pack("<I", 10 + len(head) + listed))
        with pytest.raises(CorruptFileError):
            read_all(bytes(data))


def test_a_shrinking_source_stays_its_own_error() -> None:
    class Shrinking(Memory):
        def chunk(self, *_: object) -> memoryview:
            raise CorruptFileError("the file became shorter while it was read", file=self.name)

    with pytest.raises(CorruptFileError, match="became shorter"):
        read_npz(Shrinking(FILE, "x.npz"))
