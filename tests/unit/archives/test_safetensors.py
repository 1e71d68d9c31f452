from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.archives import safetensors as safetensors_module
from pbckpt.archives.safetensors import (
    MAX_HEADER_BYTES,
    SafetensorsPlan,
    plan_safetensors,
    read_safetensors,
)
from pbckpt.archives.tensor import ArchivedTensor, Contents, fixed_size, of_strings, raise_refused
from pbckpt.dtypes import DataType
from pbckpt.errors import (
    CorruptFileError,
    LimitError,
    PbckptError,
    SelectionError,
    UnsupportedBundleError,
)
from pbckpt.names import key_to_text
from pbckpt.storage.local import MappedFile
from pbckpt.wire.span import Memory, Span, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GOLDEN = Path(__file__).parents[2] / "golden" / "archives"

# One file by hand: a scalar, a matrix, and no bytes at all.
HEADER = (
    b'{"m":{"dtype":"I16","shape":[2,1],"data_offsets":[0,4]},'
    b'"e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},'
    b'"s":{"dtype":"U8","shape":[],"data_offsets":[4,5]}}      '
)
FILE = b"\xa8\0\0\0\0\0\0\0" + HEADER + b"\1\0\2\0\7"


def read(data: bytes) -> Contents:
    return read_safetensors(Memory(data, "x.safetensors"))


def file(header: str | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(text)) + text + data


def one(fields: str, data: bytes = b"ab") -> bytes:
    """Return a file with one tensor of those fields."""
    return file('{"a":{' + fields + "}}", data)


def data_of(tensor: ArchivedTensor) -> bytes:
    return joined(tensor.spans())


def joined(spans: Iterable[Span]) -> bytes:
    return b"".join(bytes(part) for part in chunks(iter(spans), memoryview(bytearray(3))))


def tensor(name: str, dtype: DataType, shape: tuple[int, ...], data: bytes) -> ArchivedTensor:
    def spans() -> Iterator[Span]:
        yield Span.of(data[:3])
        yield Span.of(data[3:])

    return fixed_size(name, dtype, shape, spans)


def written(plan: SafetensorsPlan) -> bytes:
    data = joined(plan.spans())
    assert len(data) == plan.nbytes
    return data


# Reading


def test_a_file_by_hand() -> None:
    contents = read(FILE)
    assert [(t.name, t.dtype, t.shape, t.nbytes, data_of(t)) for t in contents.tensors] == [
        ("m", DataType.INT16, (2, 1), 4, b"\1\0\2\0"),
        ("e", DataType.FLOAT, (0, 3), 0, b""),
        ("s", DataType.UINT8, (), 1, b"\7"),
    ]
    assert contents.refused == ()
    assert contents.metadata == {}


def test_elements_are_spans_of_the_file() -> None:
    source = Memory(FILE)
    [span] = read_safetensors(source).tensors[0].spans()
    assert span == Span(source, 176, 4)


def test_every_type_of_the_library() -> None:
    with MappedFile(GOLDEN / "types.safetensors") as source:
        found = {t.name: (t.dtype.label, t.shape, data_of(t)) for t in tensors_of(source)}
        assert len(found) == 18
        for name, (label, shape, data) in found.items():
            size = len(data) // 2
            assert (name, (2, 1)) == (label, shape)
            assert data == bytes(16 * i + j for i in range(2) for j in range(size))


def tensors_of(source: MappedFile) -> tuple[ArchivedTensor, ...]:
    contents = read_safetensors(source)
    assert contents.refused == ()
    return contents.tensors


def test_types_that_tensorflow_lacks_are_refused_one_by_one() -> None:
    with MappedFile(GOLDEN / "foreign.safetensors") as source:
        contents = read_safetensors(source)
        assert [t.name for t in contents.tensors] == ["bias"]
        assert contents.refused == (
            ("scale", "TensorFlow has no type 'F8_E8M0'"),
            ("weight", "TensorFlow has no type 'F4'"),
        )
        with pytest.raises(UnsupportedBundleError) as caught:
            raise_refused(contents.refused, "x.safetensors")
    assert str(caught.value) == (
        "x.safetensors: not everything in it can be in a checkpoint: "
        "'scale': TensorFlow has no type 'F8_E8M0'; 'weight': TensorFlow has no type 'F4'; "
        "leave these out with --exclude"
    )


def test_nothing_refused_is_nothing_raised() -> None:
    raise_refused((), "x.safetensors")


def test_names_and_metadata_of_the_library() -> None:
    with MappedFile(GOLDEN / "names.safetensors") as source:
        contents = read_safetensors(source)
    assert {t.name for t in contents.tensors} == {
        *("a\0b", 'a"b\\c', "line\nbreak", "é😀", "50%", "a%00", "../a", "_"),
        "\udcff",  # of %FF
    }
    assert contents.refused == (("", "its name is empty, and a key is not"),)
    assert contents.metadata == {"format": "np"}


@pytest.mark.parametrize(
    "data",
    [
        file("{}"),
        (GOLDEN / "empty.safetensors").read_bytes(),
        file('{"__metadata__":{}}'),
        file('{"__metadata__":null}'),
    ],
)
def test_a_file_without_tensors(data: bytes) -> None:
    assert read(data) == ((), (), {})


@pytest.mark.parametrize(
    "data",
    [
        one('"data_offsets":[0,2],"shape":[2],"dtype":"U8"'),
        one(' "dtype" :\t"U8" ,\r\n"shape":[ 2 ],"data_offsets":[0,2]'),
        one('"dtype":"U8","shape":[2],"data_offsets":[0,2],"later":{"x":[1.5,-1,null]}'),
        file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}} \n\n ', b"ab"),
    ],
    ids=["other order", "white space", "fields of later versions", "a padded header"],
)
def test_forms_that_the_reference_reads(data: bytes) -> None:
    [found] = read(data).tensors
    assert (found.name, found.dtype, found.shape, data_of(found)) == (
        "a",
        DataType.UINT8,
        (2,),
        b"ab",
    )


def test_a_file_in_another_order_than_its_header() -> None:
    header = (
        '{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},'
        '"n":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},'
        '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    )
    found = read(file(header, b"xy")).tensors
    assert [(t.name, data_of(t)) for t in found] == [("a", b"x"), ("n", b""), ("b", b"y")]


def test_unknown_types_are_refused_with_their_bytes_accounted_for() -> None:
    contents = read(one('"dtype":"F128","shape":[2],"data_offsets":[0,2]'))
    assert contents.refused == (("a", "TensorFlow has no type 'F128'"),)


@pytest.mark.parametrize("shape", [[1] * 255, [0, 1 << 63]])
def test_shapes_that_tensorflow_lacks_are_refused(shape: list[int]) -> None:
    nbytes = 0 if 0 in shape else 1
    data = one(f'"dtype":"U8","shape":{shape},"data_offsets":[0,{nbytes}]', b"x" * nbytes)
    assert [name for name, _ in read(data).refused] == ["a"]


# Damage


def test_every_truncation_is_an_error() -> None:
    for size in range(len(FILE)):
        with pytest.raises(CorruptFileError) as caught:
            read(FILE[:size])
        assert caught.value.file == "x.safetensors"


def test_a_tail_is_an_error() -> None:
    with pytest.raises(CorruptFileError, match="do not end with the file"):
        read(FILE + b"\0")


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "a file of 0 bytes, too short"),
        (b"\xff" * 8, "runs out of the file"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "runs out of the file"),
        (file(""), "does not begin with a brace"),
        (file(" {}"), "does not begin with a brace"),
        (file("[]"), "does not begin with a brace"),
        (file("\ufeff{}"), "does not begin with a brace"),
        (file("{"), "Expecting property name"),
        (file("{}{}"), "Extra data"),
        (file("{}\0"), "Extra data"),
        (file('{"a":1}'), "is not an object"),
        (file('{"a":[]}'), "is not an object"),
        (file(b'{"\xff":{}}'), "can't decode byte 0xff"),
        (file('{"\n":{}}'), "Invalid control character"),
        (file('{"a":{},"a":{}}'), "the key 'a' comes twice"),
        (file('{"__metadata__":{},"__metadata__":{}}'), "the key '__metadata__' comes twice"),
        (one('"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]'), "comes twice"),
        (file('{"__metadata__":{"a":"1","a":"2"}}'), "comes twice"),
        (file('{"__metadata__":{"a":1}}'), "something else than text under 'a'"),
        (file('{"__metadata__":[]}'), "__metadata__ is not an object"),
        (file('{"__metadata__":{"\\ud800":""}}'), "half of a surrogate pair"),
        (file('{"__metadata__":{"a":"\\udfff"}}'), "half of a surrogate pair"),
        (
            file('{"\\udcff":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
            "half of a surrogate pair",
        ),
        (one('"dtype":"\\udcff","shape":[2],"data_offsets":[0,2]'), "half of a surrogate pair"),
        (one('"shape":[2],"data_offsets":[0,2]'), "has no dtype"),
        (one('"dtype":7,"shape":[2],"data_offsets":[0,2]'), "has no dtype"),
        (one('"dtype":"U8","data_offsets":[0,2]'), "shape is not a list of sizes"),
        (one('"dtype":"U8","shape":2,"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[2.0],"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[2e0],"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[-2],"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[-0],"data_offsets":[0,0]', b""), "shape is not a list"),
        (one('"dtype":"U8","shape":["2"],"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[true],"data_offsets":[0,1]', b"a"), "shape is not a list"),
        (one('"dtype":"U8","shape":[null],"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[NaN],"data_offsets":[0,2]'), "NaN is not JSON"),
        (one('"dtype":"U8","shape":[-Infinity],"data_offsets":[0,2]'), "-Infinity is not JSON"),
        (
            one(f'"dtype":"U8","shape":[{"9" * 5000}],"data_offsets":[0,2]'),
            "a number beyond 64 bits",
        ),
        (one(f'"dtype":"U8","shape":[{1 << 64}],"data_offsets":[0,2]'), "shape is not a list"),
        (one('"dtype":"U8","shape":[2]'), "data_offsets is not a list"),
        (one('"dtype":"U8","shape":[2],"data_offsets":[0]'), "data_offsets are not two"),
        (one('"dtype":"U8","shape":[2],"data_offsets":[0,2,2]'), "data_offsets are not two"),
        (one('"dtype":"U8","shape":[2],"data_offsets":[0,-2]'), "data_offsets is not a list"),
        (one('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), "lies at 1 to 2, not from 0"),
        (one('"dtype":"U8","shape":[2],"data_offsets":[2,0]'), "lies at 2 to 0"),
        (one('"dtype":"U8","shape":[3],"data_offsets":[0,2]'), "2 bytes, which are not U8 of"),
        (one('"dtype":"F4","shape":[3],"data_offsets":[0,2]'), "2 bytes, which are not F4 of"),
        (one('"dtype":"U8","shape":[2],"data_offsets":[0,2]', b"abc"), "do not end with the file"),
        (one('"dtype":"U8","shape":[3],"data_offsets":[0,3]'), "do not end with the file"),
        (
            one(f'"dtype":"U8","shape":[{1 << 40},{1 << 40},0],"data_offsets":[0,0]', b""),
            "overflows",
        ),
        (file("{" + '"a":{' * 100_000), "nested too deep"),
        (
            one('"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":' + "[" * 127 + "0" + "]" * 127),
            "nested too deep",
        ),
    ],
)
def test_damage(data: bytes, fact: str) -> None:
    with pytest.raises(CorruptFileError) as caught:
        read(data)
    assert fact in str(caught.value)
    assert str(caught.value).startswith("x.safetensors: ")


@pytest.mark.parametrize("begin", [0, 1, 3])
def test_overlaps_and_holes(begin: int) -> None:
    """Two tensors of two bytes; the second lies on the first, or away from it."""
    header = (
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
        f'"b":{{"dtype":"U8","shape":[2],"data_offsets":[{begin},{begin + 2}]}}}}'
    )
    with pytest.raises(CorruptFileError, match="tensor 'b' lies at"):
        read(file(header, b"x" * (begin + 2)))


def test_a_header_over_the_limit_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_HEADER_BYTES == 100_000_000
    monkeypatch.setattr(safetensors_module, "MAX_HEADER_BYTES", 100)
    assert read(file("{" + " " * 98 + "}")) == ((), (), {})
    with pytest.raises(LimitError) as caught:
        read(file("x" * 101))
    assert (caught.value.value, caught.value.maximum) == (101, 100)


@given(st.binary(max_size=60), st.binary(max_size=8))
def test_any_bytes_are_a_result_or_an_error(header: bytes, data: bytes) -> None:
    for candidate in (file(header, data), file(b"{" + header, data), header):
        with contextlib.suppress(PbckptError):
            read(candidate)


def test_every_flipped_bit_is_an_error_or_a_whole_file() -> None:
    for place in range(len(FILE) - 5):
        for bit in range(8):
            damaged = bytearray(FILE)
            damaged[place] ^= 1 << bit
            try:
                contents = read(bytes(damaged))
            except CorruptFileError:
                continue
            assert len(contents.tensors) + len(contents.refused) == 3
            assert sum(t.nbytes for t in contents.tensors) <= 5


def test_a_file_that_shrinks_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(FILE)
    with MappedFile(path) as source:
        contents = read_safetensors(source)
        path.write_bytes(FILE[:-1])
        with pytest.raises(CorruptFileError, match="became shorter"):
            data_of(contents.tensors[-1])


# Writing


def test_what_is_written() -> None:
    plan = plan_safetensors(
        [
            tensor("b", DataType.UINT8, (), b"\7"),
            tensor("a", DataType.INT16, (2, 1), b"\1\0\2\0"),
        ]
    )
    assert written(plan) == (
        b"\x70\0\0\0\0\0\0\0"
        b'{"a":{"dtype":"I16","shape":[2,1],"data_offsets":[0,4]},'
        b'"b":{"dtype":"U8","shape":[],"data_offsets":[4,5]}}     '
        b"\1\0\2\0\7"
    )
    assert [t.name for t in plan.tensors] == ["a", "b"]


def test_nothing_is_written_as_the_library_writes_it() -> None:
    plan = plan_safetensors([])
    assert written(plan) == (GOLDEN / "empty.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["types", "names"])
def test_what_was_read_is_written_as_the_library_wrote_it(name: str) -> None:
    data = (GOLDEN / f"{name}.safetensors").read_bytes()
    contents = read(data)
    # The file of names has one that no key can have.
    nameless = [tensor("", DataType.UINT8, (1,), b"\0")] if contents.refused else []
    plan = plan_safetensors([*reversed(contents.tensors), *nameless], contents.metadata)
    assert written(plan) == data


@pytest.mark.parametrize("key", [b"a\xff", b"__metadata__", b"%FF", b"a\x00/../b", b"\xc3\xa9%"])
def test_keys_come_back(key: bytes) -> None:
    name = key_to_text(key)
    data = written(plan_safetensors([tensor(name, DataType.UINT8, (1,), b"x")]))
    [found] = read(data).tensors
    assert found.name == name
    assert data_of(found) == b"x"


@given(st.lists(st.binary(min_size=1, max_size=6).map(key_to_text), unique=True, max_size=6))
def test_any_keys_come_back(names: list[str]) -> None:
    data = written(
        plan_safetensors(
            [tensor(name, DataType.INT8, (), bytes((i,))) for i, name in enumerate(names)]
        )
    )
    found = {t.name: data_of(t) for t in read(data).tensors}
    assert found == {name: bytes((i,)) for i, name in enumerate(names)}


def test_types_that_cannot_be_stored_are_all_listed() -> None:
    tensors = [
        tensor("ok", DataType.FLOAT, (), bytes(4)),
        of_strings("text", (), lambda: iter([b""])),
        tensor("wide", DataType.COMPLEX128, (), bytes(16)),
        tensor("q", DataType.QINT8, (), bytes(1)),
        tensor("nibble", DataType.INT4, (), bytes(1)),
        tensor("f8", DataType.FLOAT8_E4M3B11FNUZ, (), bytes(1)),
    ]
    with pytest.raises(SelectionError) as caught:
        plan_safetensors(tensors)
    assert str(caught.value) == (
        ".safetensors has no type for 'text' (string), 'wide' (complex128), 'q' (qint8), "
        "'nibble' (int4), 'f8' (float8_e4m3b11fnuz); "
        "give them another with --cast or leave them out with --exclude"
    )


@pytest.mark.parametrize("data", [b"", b"123", b"12345"])
def test_a_tensor_that_is_not_as_long_as_it_said_is_an_error(data: bytes) -> None:
    plan = plan_safetensors([tensor("a", DataType.FLOAT, (), data)])
    with pytest.raises(CorruptFileError, match="another number of bytes than it said"):
        written(plan)


def test_a_header_that_readers_would_refuse_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors_module, "MAX_HEADER_BYTES", 1000)
    with pytest.raises(LimitError):
        plan_safetensors([tensor("x" * 1000, DataType.UINT8, (), b"x")])


def test_data_starts_at_a_multiple_of_eight() -> None:
    for size in range(1, 17):
        plan = plan_safetensors([tensor("x" * size, DataType.UINT8, (), b"x")])
        assert len(plan.head) % 8 == 0
        assert json.loads(plan.head[8:])
