"""Small graphs that ask for much: each is refused, or done, in little time and memory.

Every graph is converted in a process of its own, which says how that ended, how
long it computed and how far its memory grew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import pbckpt
from pbckpt.protos import GraphDef
from pbckpt.variables.network import Network
from pbckpt.variables.walk import Walker
from pbckpt.wire.varint import encode_varint

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no way to ask for the peak there")

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20
SLACK = 32 << 20

CONVERT = """
import json, sys, time
import pbckpt

def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:
        import resource
        unit = 1 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

source, prefix = sys.argv[1:]
everything = pbckpt.Selection(pbckpt.Select.ALL)
convert = pbckpt.convert  # imported now, and not counted
before, begin = peak(), time.process_time()
try:
    outcome = str(convert(source, prefix, selection=everything).nbytes)
except BaseException as error:
    outcome = f"{type(error).__name__}: {error}"
print(json.dumps([outcome, time.process_time() - begin, peak() - before]))
"""


class Outcome(NamedTuple):
    """How a conversion ended: bytes written or an error; processor time, growth in memory."""

    result: str
    seconds: float
    grown: int


def convert_apart(content: bytes, directory: Path) -> Outcome:
    path = directory / "graph.pb"
    path.write_bytes(content)
    return convert_file_apart(path)


def convert_file_apart(path: Path, timeout: float = 3 * SECONDS) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-c", CONVERT, str(path), str(path.parent / "out" / "model.ckpt")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return Outcome(*json.loads(done.stdout))


# --- writing


def field(number: int, payload: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(payload)) + payload


def node(body: bytes, name: bytes = b"w", op: bytes = b"Const") -> bytes:
    """Return a GraphDef of one node."""
    return field(1, field(1, name) + field(2, op) + body)


def const(proto: bytes, dtype: int = 1, name: bytes = b"w") -> bytes:
    """Return a GraphDef of one constant with the value ``proto``."""
    declared = field(5, field(1, b"dtype") + field(2, b"\x30" + encode_varint(dtype)))
    value = field(
        5, field(1, b"value") + field(2, field(8, b"\x08" + encode_varint(dtype) + proto))
    )
    return node(declared + value, name)


def shape(*dims: int) -> bytes:
    return field(2, b"".join(field(2, b"\x08" + encode_varint(size)) for size in dims))


def nested(*numbers: int, depth: int) -> bytes:
    """Return messages within messages, by field numbers from the outside in, ``depth`` times."""
    heads = []
    size = 0
    for _ in range(depth):
        for number in reversed(numbers):
            heads.append(encode_varint(number << 3 | 2) + encode_varint(size))
            size += len(heads[-1])
    return b"".join(reversed(heads))


def groups(depth: int) -> bytes:
    return depth * b"\xa3\x1f" + depth * b"\xa4\x1f"


MANY = 200_000
MILLION = 1_000_000
DEEP = 100_000
ONE = b"\x2a\x04\x00\x00\x80\x3f"
BEYOND_LIMIT = "LimitError: the bytes of repeated values and zeros"
NOT_DECODED = "GraphDecodeError: not a GraphDef: "
NO_CONSTANTS = "SelectionError: the graph has no constants"

CLAIMS = {
    "2**31 floats of one value": (const(shape(1 << 31) + ONE), BEYOND_LIMIT),
    "2**31 floats of no value": (const(shape(1 << 31)), BEYOND_LIMIT),
    "2**40 zeros": (const(shape(1 << 40)), BEYOND_LIMIT),
    "2**60 floats": (const(shape(1 << 30, 1 << 30) + ONE), BEYOND_LIMIT),
    "2**62 bytes": (const(shape(1 << 62), dtype=4), BEYOND_LIMIT),
    "2**40 complex numbers": (const(shape(1 << 40), dtype=18), BEYOND_LIMIT),
    "2**63 elements": (const(shape(1 << 32, 1 << 31)), "InvalidGraphError: node 'w': a constant"),
    "many that fit each": (
        b"".join(const(shape(1 << 28) + ONE, name=b"w%d" % number) for number in range(5)),
        BEYOND_LIMIT,
    ),
    "2**40 strings": (const(shape(1 << 40) + b"\x42\x01a", dtype=7), BEYOND_LIMIT),
    "2**40 empty strings": (const(shape(1 << 40), dtype=7), BEYOND_LIMIT),
    "2**31 strings of three": (const(shape(1 << 31) + b"\x42\x03abc", dtype=7), BEYOND_LIMIT),
    "a long string, many times": (
        const(shape(1 << 20) + field(8, 5000 * b"x"), dtype=7),
        BEYOND_LIMIT,
    ),
    "2**40 strings of content": (
        const(shape(1 << 40) + field(4, bytes(100)), dtype=7),
        "InvalidGraphError: node 'w': tensor_content does not hold the lengths",
    ),
    "2**40 floats of content": (
        const(shape(1 << 40) + field(4, bytes(100))),
        "InvalidGraphError: node 'w': tensor_content has 100 bytes",
    ),
    "many dims": (
        const(field(2, MANY * b"\x12\x02\x08\x01")),
        "InvalidGraphError: node 'w': a constant of the impossible shape [1, 1, 1, 1, 1, 1, 1, 1]",
    ),
}
DEPTHS = {
    "groups in the graph": (const(ONE) + groups(DEEP), NOT_DECODED + "groups nested over 100"),
    "groups that do not end": (const(ONE) + DEEP * b"\xa3\x1f", NOT_DECODED + "groups nested"),
    "groups in a node": (node(groups(DEEP)), NOT_DECODED),
    "groups in a small node": (node(groups(3000)), NOT_DECODED),
    "groups in a tensor": (const(ONE + groups(DEEP)), NOT_DECODED + "groups nested over 100"),
    "groups in a small tensor": (const(ONE + groups(3000)), NOT_DECODED),
    "functions in attrs": (
        node(field(5, field(1, b"f") + field(2, nested(10, 2, 2, depth=DEEP)))),
        NOT_DECODED,
    ),
    "functions in attrs of a small node": (
        node(field(5, field(1, b"f") + field(2, nested(10, 2, 2, depth=300)))),
        NOT_DECODED,
    ),
    "lists of functions": (
        node(field(5, field(1, b"f") + field(2, nested(1, 9, 2, 2, depth=DEEP)))),
        NOT_DECODED,
    ),
    "tensors in tensors": (const(nested(15, 3, depth=DEEP)), NOT_DECODED),
    "functions in a library": (
        field(2, field(1, field(5, field(2, nested(10, 2, 2, depth=DEEP))))),
        NOT_DECODED,
    ),
    "full types": (node(field(7, nested(2, depth=DEEP))), NOT_DECODED),
}
COUNTS = {
    "nodes": (MILLION * b"\x0a\x00", "InvalidGraphError: node '': node number 0 has no name"),
    "libraries": (MILLION * b"\x12\x00", NO_CONSTANTS),
    "functions": (field(2, MANY * b"\x0a\x00"), NO_CONSTANTS),
    "versions": (MANY * b"\x22\x00", NO_CONSTANTS),
    "unknown fields": (const(ONE) + MANY * b"\xa0\x1f\x00", "4"),
    "attrs": (node(MANY * b"\x2a\x00"), "InvalidGraphError: node 'w': a constant without a value"),
    "inputs": (const(ONE) + node(MANY * b"\x1a\x00", b"n", b"N"), "4"),
    "tensors": (
        node(field(5, field(1, b"value") + field(2, MANY * b"\x42\x00"))),
        "InvalidGraphError: node 'w': the attr dtype is type number 0, the value's is 0",
    ),
    "shapes": (const(ONE + MANY * b"\x12\x00"), "4"),
    "dims": (const(field(2, MANY * b"\x12\x00")), "InvalidGraphError: node 'w': a constant of the"),
    "contents": (const(ONE + MANY * b"\x22\x00"), "4"),
    "strings": (const(ONE + MANY * b"\x42\x00"), "4"),
    "packed integers": (const(MANY * b"\x3a\x00", dtype=3), "4"),
}
VARINTS = {
    "a length that does not end": (b"\x0a" + MILLION * b"\xff", NOT_DECODED + "a varint of more"),
    "a tag that does not end": (const(ONE) + MILLION * b"\xff", NOT_DECODED + "a varint"),
    "an over-long length": (
        b"\x0a" + MILLION * b"\x80" + b"\x01",
        NOT_DECODED + "a varint of more",
    ),
    "a length of 2**31": (
        b"\x0a\x80\x80\x80\x80\x08w",
        NOT_DECODED + "a field of 2147483648 bytes",
    ),
    "a length of 2**63": (
        b"\x0a" + 9 * b"\x80" + b"\x01w",
        NOT_DECODED + "a field of 922337203685",
    ),
    "a length of 2**64 - 1": (
        b"\x12" + 9 * b"\xff" + b"\x01",
        NOT_DECODED + "a field of 1844674407",
    ),
    "packed values that do not end": (
        const(b"\x3a\xc0\x84\x3d" + MILLION * b"\xff", 3),
        NOT_DECODED,
    ),
    "a string's length that does not end": (
        const(field(4, MILLION * b"\xff"), dtype=7),
        "InvalidGraphError: node 'w': tensor_content does not hold the lengths of 1 strings",
    ),
}
BOMBS = CLAIMS | DEPTHS | COUNTS | VARINTS


@pytest.mark.parametrize(("content", "expected"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_ends_soon_and_small(content: bytes, expected: str, tmp_path: Path) -> None:
    outcome = convert_apart(content, tmp_path)
    kind, _, fact = expected.partition(": ")
    assert outcome.result.partition(": ")[0] == kind
    assert fact in outcome.result
    assert outcome.seconds < SECONDS
    assert outcome.grown < 4 * len(content) + SLACK
    assert (tmp_path / "out").exists() == expected.isdigit()


# --- graphs that are done, and what they may cost


@pytest.mark.parametrize(
    ("content", "written"),
    [
        pytest.param(
            const(shape(1 << 20) + b"\x42\x03abc", dtype=7),
            (1 << 22) + 4,
            id="strings that repeat",
        ),
        pytest.param(
            const(shape(1 << 20), dtype=7),
            (1 << 20) + 4,
            id="empty strings",
        ),
        pytest.param(
            const(ONE + 2 * MANY * b"\x2a\x00"),
            4,
            id="packed fields without floats",
        ),
        pytest.param(
            const(shape(2 * MANY) + 2 * MANY * b"\x2d\x00\x00\x80\x3f"),
            8 * MANY,
            id="unpacked floats",
        ),
    ],
)
def test_what_grows_on_the_way_grows_in_proportion(
    content: bytes, written: int, tmp_path: Path
) -> None:
    outcome = convert_apart(content, tmp_path)
    assert outcome.result == str(written)
    assert outcome.seconds < SECONDS
    assert outcome.grown < 4 * (len(content) + written) + SLACK


def write_hole(path: Path, dtype: int, size: int) -> None:
    """Write the graph of a constant of bytes whose content, all zeros, is a hole in the file."""
    head = b"\x08" + encode_varint(dtype) + shape(size) + b"\x22" + encode_varint(size)
    key = field(1, b"value")
    named = field(1, b"w") + field(2, b"Const")
    named += field(5, field(1, b"dtype") + field(2, b"\x30" + encode_varint(dtype)))
    for number, before in ((8, b""), (2, b""), (5, key), (1, named)):
        head = before + head
        head = encode_varint(number << 3 | 2) + encode_varint(len(head) + size) + head
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(4, id="uint8"),
        pytest.param(10, id="bool"),
    ],
)
def test_a_large_content_is_written_without_its_memory(dtype: int, tmp_path: Path) -> None:
    size = 64 << 20
    write_hole(tmp_path / "graph.pb", dtype, size)
    outcome = convert_file_apart(tmp_path / "graph.pb")
    assert outcome.result == str(size)
    assert outcome.grown < SLACK


def test_a_hole_of_a_tebibyte_is_opened_at_once(tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    try:
        write_hole(path, 4, 1 << 40)
    except OSError:
        pytest.skip("the file system has no files of a tebibyte")
    with pbckpt.open_graph(path) as graph:
        (variable,) = pbckpt.detect_variables(graph).skipped
        assert variable.tensor is not None
        assert variable.tensor.nbytes == 1 << 40


def test_comments_are_read_in_one_way(tmp_path: Path) -> None:
    path = tmp_path / "graph.pbtxt"
    path.write_bytes(60 * b"# " + b"\n")
    outcome = convert_file_apart(path, timeout=20)
    assert outcome.result.startswith("UnsupportedGraphError: ")
    assert "is a text file" in outcome.result


def test_identities_of_many_inputs_are_not_walked_for_each(tmp_path: Path) -> None:
    # An Identity has one data input; here all constants claim to feed the first of a chain.
    count = 300
    graph = GraphDef()
    for number in range(count):
        graph.node.add(name=f"c{number}", op="Const")
    graph.node.add(name="i0", op="Identity", input=[f"c{number}" for number in range(count)])
    for number in range(1, count):
        graph.node.add(name=f"i{number}", op="Identity", input=[f"i{number - 1}"])
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.SerializeToString())
    with pbckpt.open_graph(path) as opened:
        network = Network(opened.graph)
    walker = Walker(network)
    walked = sum(len(walker.walk(number).passed) for number in network.constants())
    assert walked <= len(network)
