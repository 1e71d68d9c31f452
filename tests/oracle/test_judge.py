"""The judge itself: what TensorFlow writes through it, it reads back bit by bit.

A wrong judge would pass wrong checkpoints, so every verdict is compared here
with a digest that the test took over bytes of its own making.
"""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.oracle.judge import (
    CheckpointState,
    ConstFacts,
    GraphFacts,
    JudgeError,
    Manifest,
    Refusal,
    RefusedError,
    TensorFacts,
    TensorFlowJudge,
    TensorRequest,
    Value,
    VariableKind,
    Worker,
    WorkerDiedError,
    WorkerTimeoutError,
    write_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path

FLOAT, INT32, STRING, INT64, BOOL, BFLOAT16 = 1, 3, 7, 9, 10, 14
# DT number -> bytes of an element in a data file.
ITEM_SIZES = {
    **dict.fromkeys((4, 6, 10, 11, 12, *range(24, 34)), 1),
    **dict.fromkeys((5, 14, 15, 16, 17, 19), 2),
    **dict.fromkeys((1, 3, 13, 22), 4),
    **dict.fromkeys((2, 8, 9, 23), 8),
    18: 16,
}
# These have no Assign kernel in one version or the other, so there can be no such variables.
NOT_EVERY_VARIABLE = {15, 16, 22, 23, *range(24, 34)}
STRINGS: dict[tuple[int, ...], list[bytes]] = {
    (4,): [b"hello", b"", b"\xff\x00z\x00", b"x" * 20000],
    (): [b"a scalar\x00"],
    (1, 1): [b""],
    (0, 2): [],
}


def sample_bytes(dtype: int, count: int) -> bytes:
    """Random bits, the same in every run: infinities and NaNs of all kinds are among them."""
    bits = random.Random(dtype).randbytes(ITEM_SIZES[dtype] * count)  # noqa: S311 - not a secret
    return bytes(byte & 1 for byte in bits) if dtype == BOOL else bits


def every_dtype(dtypes: tuple[int, ...]) -> Manifest:
    """A matrix, a scalar and an empty tensor of each type, names in byte order."""
    tensors: Manifest = {}
    for dtype in sorted(set(dtypes) & ITEM_SIZES.keys()):
        tensors[f"d{dtype:02}/empty"] = (dtype, (0, 3), b"")
        tensors[f"d{dtype:02}/matrix"] = (dtype, (2, 3), sample_bytes(dtype, 6))
        tensors[f"d{dtype:02}/scalar"] = (dtype, (), sample_bytes(dtype, 1))
    for number, (shape, elements) in enumerate(STRINGS.items()):
        tensors[f"strings/{number}"] = (STRING, shape, elements)
    return tensors


def expected(tensors: Manifest) -> dict[str | bytes, TensorFacts]:
    """What TensorFlow has to find."""
    return {key: TensorFacts.of(*tensor) for key, tensor in tensors.items()}


def requests(tensors: Manifest) -> list[TensorRequest]:
    """Ask for each tensor under its own type."""
    return [TensorRequest(key, dtype) for key, (dtype, _, _) in tensors.items()]


def save_one(
    judge: TensorFlowJudge, folder: Path, tensor: tuple[int, tuple[int, ...], Value]
) -> Path:
    return judge.savev2(write_manifest(folder, {"w": tensor}), folder / "one")


def saver_verdict(
    judge: TensorFlowJudge, manifest: Path, kind: VariableKind
) -> Path | RefusedError:
    """The prefix that was saved, or why it was not."""
    try:
        return judge.saver_save(manifest, manifest.with_name("saved"), kind)
    except RefusedError as error:
        return error


# -- checkpoints


def test_version_is_of_tensorflow(judge: TensorFlowJudge) -> None:
    assert judge.version().split(".")[0] in {"1", "2"}


def test_every_known_dtype_is_covered_here(judge: TensorFlowJudge) -> None:
    handles = {20, 21}
    assert set(judge.dtypes()) <= ITEM_SIZES.keys() | handles | {STRING}


def test_savev2_keeps_every_bit_of_every_dtype(judge: TensorFlowJudge, tmp_path: Path) -> None:
    tensors = every_dtype(judge.dtypes())
    judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "all")
    assert judge.load(tmp_path / "all") == expected(tensors)
    assert judge.restore(tmp_path / "all", requests(tensors)) == list(expected(tensors).values())


def test_savev2_writes_the_bytes_it_was_given(judge: TensorFlowJudge, tmp_path: Path) -> None:
    tensors = {key: one for key, one in every_dtype(judge.dtypes()).items() if one[0] != STRING}
    judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "all")
    data = (tmp_path / "all.data-00000-of-00001").read_bytes()
    assert data == (tmp_path / "manifest.bin").read_bytes()


def test_a_bool_that_is_neither_0_nor_1_is_kept(judge: TensorFlowJudge, tmp_path: Path) -> None:
    prefix = save_one(judge, tmp_path, (BOOL, (), b"\x02"))
    assert judge.load(prefix)["w"] == TensorFacts.of(BOOL, (), b"\x02")


@pytest.mark.parametrize("kind", VariableKind)
def test_saver_keeps_every_bit_of_usual_dtypes(
    judge: TensorFlowJudge, tmp_path: Path, kind: VariableKind
) -> None:
    usual = tuple(set(judge.dtypes()) - NOT_EVERY_VARIABLE)
    tensors = every_dtype(usual)
    prefix = judge.saver_save(write_manifest(tmp_path, tensors), tmp_path / "all", kind)
    assert judge.load(prefix) == expected(tensors)


@pytest.mark.parametrize("dtype", sorted(NOT_EVERY_VARIABLE))
@pytest.mark.parametrize("kind", VariableKind)
def test_saver_keeps_every_bit_or_refuses(
    judge: TensorFlowJudge, tmp_path: Path, dtype: int, kind: VariableKind
) -> None:
    if dtype not in judge.dtypes():
        pytest.skip(f"this TensorFlow has no type {dtype}")
    tensors: Manifest = {"w": (dtype, (2,), sample_bytes(dtype, 2))}
    manifest = write_manifest(tmp_path, tensors)
    saved = saver_verdict(judge, manifest, kind)
    if isinstance(saved, RefusedError):
        assert "Assign" in saved.message
    else:
        assert judge.load(saved) == expected(tensors)


@pytest.mark.parametrize("kind", VariableKind)
def test_saver_takes_names_that_collide_as_nodes(
    judge: TensorFlowJudge, tmp_path: Path, kind: VariableKind
) -> None:
    names = ["w", "W", "w/read", "w/Assign", "a b", "caf\u00e9", "pbckpt", "pbckpt/feed_0"]
    tensors: Manifest = {
        name: (FLOAT, (), np.float32(at).tobytes()) for at, name in enumerate(names)
    }
    prefix = judge.saver_save(write_manifest(tmp_path, tensors), tmp_path / "odd", kind)
    assert judge.load(prefix) == expected(tensors)


def test_saver_and_sorted_savev2_write_the_same_files(
    judge: TensorFlowJudge, tmp_path: Path
) -> None:
    manifest = write_manifest(tmp_path, every_dtype((FLOAT, INT64, BOOL, BFLOAT16)))
    judge.saver_save(manifest, tmp_path / "saver", VariableKind.REFERENCE)
    judge.savev2(manifest, tmp_path / "op")
    for suffix in (".index", ".data-00000-of-00001"):
        ours = (tmp_path / f"saver{suffix}").read_bytes()
        assert ours == (tmp_path / f"op{suffix}").read_bytes()


@pytest.mark.parametrize("key", [b"a\xffb", b"with\nnewline", b"nul\x00", b"sp (DT_FLOAT) [2]"])
def test_keys_are_bytes(judge: TensorFlowJudge, tmp_path: Path, key: bytes) -> None:
    tensors: Manifest = {key: (INT32, (1,), b"\x01\x02\x03\x04"), b"\xfe": (INT64, (), b"\x05" * 8)}
    judge.savev2(write_manifest(tmp_path, tensors), tmp_path / "odd")
    facts = list(expected(tensors).values())
    text = [name.decode("utf-8", "surrogateescape") for name in (key, b"\xfe")]
    assert judge.load(tmp_path / "odd") == dict(zip(text, facts, strict=True))
    assert judge.load_keys(tmp_path / "odd", [key]) == {text[0]: facts[0]}
    assert judge.restore(tmp_path / "odd", requests(tensors)) == facts


def test_listing_needs_no_data_file(judge: TensorFlowJudge, tmp_path: Path) -> None:
    prefix = save_one(judge, tmp_path, (FLOAT, (2,), b"\0" * 8))
    (tmp_path / "one.data-00000-of-00001").unlink()
    assert judge.list_keys(prefix) == {"w": (FLOAT, (2,))}


def test_slices_are_written_and_joined(judge: TensorFlowJudge, tmp_path: Path) -> None:
    rows = np.arange(6, dtype="<f4").reshape(3, 2)
    halves: Manifest = {"low": (FLOAT, (2, 2), rows[:2].tobytes())}
    halves |= {"high": (FLOAT, (1, 2), rows[2:].tobytes())}
    manifest = write_manifest(tmp_path, halves)
    same_name = manifest.read_text().replace(b"low".hex(), b"w".hex())
    manifest.write_text(same_name.replace(b"high".hex(), b"w".hex()))
    prefix = judge.savev2(manifest, tmp_path / "cut", ["3 2 0,2:-", "3 2 2,1:-"])
    assert judge.load(prefix) == {"w": TensorFacts.of(FLOAT, (3, 2), rows.tobytes())}
    (low,) = judge.restore(prefix, [TensorRequest("w", FLOAT, "3 2 0,2:0,2")])
    assert low == TensorFacts.of(FLOAT, (2, 2), rows[:2].tobytes())


def test_a_wrong_type_is_refused(judge: TensorFlowJudge, tmp_path: Path) -> None:
    prefix = save_one(judge, tmp_path, (FLOAT, (), b"\0" * 4))
    with pytest.raises(RefusedError, match="does not equal"):
        judge.restore(prefix, [TensorRequest("w", INT32)])


def test_a_damaged_data_file_is_refused(judge: TensorFlowJudge, tmp_path: Path) -> None:
    prefix = save_one(judge, tmp_path, (FLOAT, (), b"\0" * 4))
    (tmp_path / "one.data-00000-of-00001").write_bytes(b"\0\0\0\1")
    with pytest.raises(RefusedError, match=r"[Cc]hecksum") as caught:
        judge.load(prefix)
    assert caught.value.error in {"DataLossError", "OpError"}


def test_a_missing_checkpoint_is_refused(judge: TensorFlowJudge, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="nothing"):
        judge.load(tmp_path / "nothing")


def test_state_names_the_saved_prefix(judge: TensorFlowJudge, tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, {"w": (FLOAT, (), b"\0" * 4)})
    prefix = judge.saver_save(manifest, tmp_path / "model", VariableKind.REFERENCE)
    text = str(prefix)
    assert judge.state(tmp_path) == CheckpointState(text, text, (text,))


def test_state_of_a_folder_without_one(judge: TensorFlowJudge, tmp_path: Path) -> None:
    assert judge.state(tmp_path) == CheckpointState(None, None, ())


# -- graphs and protos: the wire is written by hand, so that nothing vouches for itself


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def shape_proto(*sizes: int) -> bytes:
    return b"".join(field(2, bytes([0x08, size])) for size in sizes)


def tensor_proto(dtype: int, sizes: tuple[int, ...], *fields: bytes) -> bytes:
    return bytes([0x08, dtype]) + field(2, shape_proto(*sizes)) + b"".join(fields)


def const_node(name: bytes, dtype: int, tensor: bytes) -> bytes:
    value = field(5, field(1, b"value") + field(2, field(8, tensor)))
    dtype_attr = field(5, field(1, b"dtype") + field(2, bytes([0x30, dtype])))
    return field(1, name) + field(2, b"Const") + value + dtype_attr


TWO_FLOATS = tensor_proto(FLOAT, (2,), field(5, b"\0\0\x80\x3f"))
GRAPH = field(1, const_node(b"w", FLOAT, TWO_FLOATS)) + field(1, field(1, b"x") + field(2, b"NoOp"))
GRAPH_FACTS = GraphFacts(
    2, (ConstFacts("w", "", TensorFacts.of(FLOAT, (2,), b"\0\0\x80\x3f" * 2)),)
)


def test_graph_is_decoded_by_the_runtime(judge: TensorFlowJudge) -> None:
    assert judge.decode_graph(GRAPH) == GRAPH_FACTS


def test_a_const_in_a_function_is_found(judge: TensorFlowJudge) -> None:
    function = field(1, field(1, b"f")) + field(3, const_node(b"w", FLOAT, TWO_FLOATS))
    (const,) = judge.decode_graph(field(2, field(1, function))).consts
    assert (const.function, const.name) == ("f", "w")


def test_what_is_no_graph_is_refused(judge: TensorFlowJudge) -> None:
    with pytest.raises(RefusedError, match="DecodeError"):
        judge.decode_graph(b"\x0a\x7fshort")


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(field(1, b"w") + field(2, b"Const"), id="no value"),
        pytest.param(const_node(b"w", INT32, TWO_FLOATS), id="types differ"),
        pytest.param(const_node(b"w", FLOAT + 100, TWO_FLOATS), id="reference type"),
        pytest.param(
            const_node(b"w", FLOAT, b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\0\x22\1a"), id="size"
        ),
    ],
)
def test_a_bad_const_is_refused_alone(judge: TensorFlowJudge, node: bytes) -> None:
    bad, good = judge.decode_graph(field(1, node) + GRAPH).consts
    assert isinstance(bad.value, Refusal)
    assert good == GRAPH_FACTS.consts[0]


def test_a_huge_tensor_in_a_small_proto_is_not_allocated(judge: TensorFlowJudge) -> None:
    proto = b"\x08\x01\x12\x08\x12\x06\x08\xff\xff\xff\xff\x0f"
    with pytest.raises(RefusedError, match="TooLargeError"):
        judge.parse_tensor(proto, FLOAT)


def test_every_flipped_byte_of_a_graph_gets_a_verdict(judge: TensorFlowJudge) -> None:
    flipped = [
        GRAPH[:at] + bytes([byte ^ mask]) + GRAPH[at + 1 :]
        for at, byte in enumerate(GRAPH)
        for mask in (0x01, 0x80, 0xFF)
    ]
    verdicts = judge.decode_graphs([*flipped, GRAPH])
    assert len(verdicts) == len(flipped) + 1
    assert any(isinstance(verdict, Refusal) for verdict in verdicts)
    assert verdicts[-1] == GRAPH_FACTS


def test_parse_tensor_gives_the_payload(judge: TensorFlowJudge) -> None:
    parsed = judge.parse_tensor(TWO_FLOATS, FLOAT)
    assert parsed.payload == b"\0\0\x80\x3f" * 2
    assert parsed.facts == TensorFacts.of(FLOAT, (2,), parsed.payload)


def test_parse_tensor_of_strings(judge: TensorFlowJudge) -> None:
    parsed = judge.parse_tensor(tensor_proto(STRING, (2,), field(8, b"a\0")), STRING)
    assert parsed.facts == TensorFacts.of(STRING, (2,), [b"a\0", b"a\0"])


def test_a_frozen_graph_runs(judge: TensorFlowJudge, tmp_path: Path) -> None:
    (tmp_path / "frozen.pb").write_bytes(GRAPH)
    feeds: dict[str, Any] = {"w:0": np.array([3, 4], np.float32)}
    np.savez(tmp_path / "in.npz", **feeds)
    assert judge.run_frozen(tmp_path / "frozen.pb", ["w:0"]) == {"w:0": GRAPH_FACTS.consts[0].value}
    fed = judge.run_frozen(tmp_path / "frozen.pb", ["w:0"], tmp_path / "in.npz")
    assert fed == {"w:0": TensorFacts.of(FLOAT, (2,), np.array([3, 4], "<f4").tobytes())}


# -- the pipe


def test_an_unknown_question_is_refused(judge: TensorFlowJudge) -> None:
    with pytest.raises(RefusedError, match="op_nonsense"):
        judge.ask("nonsense")


def test_a_death_is_reported_and_the_worker_replaced(
    judge: TensorFlowJudge, tmp_path: Path
) -> None:
    # A tensor without a name aborts the process, in TensorFlow 1.15 and 2.21.
    manifest = write_manifest(tmp_path, {"": (FLOAT, (), b"\0" * 4)})
    with pytest.raises(WorkerDiedError, match="savev2"):
        judge.savev2(manifest, tmp_path / "dies")
    assert judge.decode_graph(GRAPH) == GRAPH_FACTS


def test_silence_is_reported() -> None:
    worker = Worker([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(WorkerTimeoutError, match="version"):
        worker.ask({"op": "version"}, timeout=0.1)


def test_an_interpreter_without_tensorflow_is_reported() -> None:
    with (
        TensorFlowJudge(sys.executable) as judge,
        pytest.raises(WorkerDiedError, match="tensorflow"),
    ):
        judge.version()


def test_no_interpreter_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PBCKPT_TENSORFLOW_PYTHON")
    with pytest.raises(JudgeError, match="PBCKPT_TENSORFLOW_PYTHON"):
        TensorFlowJudge.from_environment()
