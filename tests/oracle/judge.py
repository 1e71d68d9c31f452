"""TensorFlow as the judge: the client of `tensorflow_worker.py`.

A round trip through our own reader proves nothing; what TensorFlow reads does.
The interpreter that has TensorFlow is named by the environment variable
`PBCKPT_TENSORFLOW_PYTHON`. One worker serves many questions, for the import
takes seconds, and a worker that dies is replaced at the next question.

    with TensorFlowJudge.from_environment() as judge:
        found = judge.load(prefix)              # {key: TensorFacts}
        assert found["w"] == TensorFacts.of(1, (2, 3), payload)

    JudgeError
      RefusedError      TensorFlow raised: .error is the class, .message the text
      WorkerDiedError   TensorFlow ended the process (it aborts on some inputs)
      WorkerTimeoutError  no answer in time; the worker was killed

Keys are text with surrogateescape, so that a key that is not UTF-8 survives.
The digest layout is the worker's: little-endian C-order element bytes; of
strings, a u64 length before the bytes of each element.

Nothing of pbckpt is imported here: the judge does not know whom it judges.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import struct
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

INTERPRETER_VARIABLE = "PBCKPT_TENSORFLOW_PYTHON"
WORKER = Path(__file__).with_name("tensorflow_worker.py")
DEFAULT_TIMEOUT = 300.0
SHUTDOWN_TIMEOUT = 10.0
STDERR_TAIL = 2000
DT_STRING = 7

Json = dict[str, Any]
Value = bytes | list[bytes]
"""Element bytes, little-endian in C order; or the elements of a string tensor."""
Manifest = dict[str | bytes, tuple[int, tuple[int, ...], Value]]
"""Key -> (DT number, shape, value), in the order of saving."""


class JudgeError(Exception):
    """The judge gave no verdict."""


class RefusedError(JudgeError):
    """TensorFlow raised an exception: a verdict in itself."""

    def __init__(self, error: str, message: str) -> None:
        """Keep the class name and the text of TensorFlow's exception."""
        super().__init__(f"{error}: {message}")
        self.error = error
        self.message = message


class WorkerDiedError(JudgeError):
    """The worker's process ended without an answer."""


class WorkerTimeoutError(JudgeError):
    """The worker did not answer in time and was killed."""


class VariableKind(Enum):
    """The two kinds of variable that TensorFlow has."""

    REFERENCE = "VariableV2"
    RESOURCE = "VarHandleOp"


class Behavior(Enum):
    """How TensorFlow behaves: as its first version did, or as it does by itself."""

    GRAPHS = ()
    EAGER = ("--eager",)


@dataclass(frozen=True)
class TensorFacts:
    """What is known of one tensor. The digest is None where there are no bytes to look at."""

    dtype: int
    shape: tuple[int, ...]
    nbytes: int
    sha256: str | None

    @classmethod
    def of(cls, dtype: int, shape: Iterable[int], value: Value) -> TensorFacts:
        """Give the facts that TensorFlow must find when this value was written."""
        payload = digest_payload(value)
        return cls(dtype, tuple(shape), len(payload), hashlib.sha256(payload).hexdigest())


@dataclass(frozen=True)
class TensorRequest:
    """One tensor to ask RestoreV2 for. The slice is in SaveV2's notation, empty for all of it."""

    key: str | bytes
    dtype: int
    shape_and_slice: str = ""


@dataclass(frozen=True)
class CheckpointState:
    """What TensorFlow makes of a `checkpoint` file."""

    latest: str | None
    model_checkpoint_path: str | None
    all_paths: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why TensorFlow refused one part of a request."""

    error: str
    message: str


@dataclass(frozen=True)
class ConstFacts:
    """One Const node; `function` is empty for a node of the graph itself."""

    name: str
    function: str
    value: TensorFacts | Refusal


@dataclass(frozen=True)
class GraphFacts:
    """What TensorFlow finds in a serialized GraphDef."""

    nodes: int
    consts: tuple[ConstFacts, ...]


@dataclass(frozen=True)
class ParsedTensor:
    """A decoded TensorProto; the payload is in the digest's layout, None if it is large."""

    facts: TensorFacts
    payload: bytes | None


def digest_payload(value: Value) -> bytes:
    """Lay out a value as the worker does before it takes the digest."""
    if isinstance(value, bytes):
        return value
    return b"".join(struct.pack("<Q", len(element)) + element for element in value)


def write_manifest(directory: Path, tensors: Manifest) -> Path:
    """Write a manifest and its data file for `saver_save` and `savev2`; give its path."""
    items: list[Json] = []
    with (directory / "manifest.bin").open("wb") as data:
        for key, (dtype, shape, value) in tensors.items():
            item: Json = {"name_hex": key_bytes(key).hex(), "dtype_enum": dtype, "shape": shape}
            if isinstance(value, bytes):
                item |= {"file": "manifest.bin", "offset": data.tell(), "nbytes": len(value)}
                data.write(value)
            else:
                item["strings_hex"] = [element.hex() for element in value]
            items.append(item)
    path = directory / "manifest.json"
    path.write_text(json.dumps({"tensors": items}), encoding="ascii")
    return path


def key_bytes(key: str | bytes) -> bytes:
    """Give the bytes of a key."""
    return key if isinstance(key, bytes) else key.encode("utf-8", "surrogateescape")


def key_text(name_hex: str) -> str:
    """Give the text of a key in an answer."""
    return bytes.fromhex(name_hex).decode("utf-8", "surrogateescape")


def tensor_facts(answer: Json) -> TensorFacts:
    """Read one tensor of an answer."""
    shape = tuple(answer["shape"])
    return TensorFacts(answer["dtype"], shape, answer["nbytes"], answer["sha256"])


def graph_facts(answer: Json) -> GraphFacts | Refusal:
    """Read one decoded graph of an answer."""
    if not answer["ok"]:
        return Refusal(answer["error"], answer["message"])
    return GraphFacts(answer["nodes"], tuple(const_facts(one) for one in answer["consts"]))


def const_facts(answer: Json) -> ConstFacts:
    """Read one Const of an answer."""
    refused = "error" in answer
    value = Refusal(answer["error"], answer["message"]) if refused else tensor_facts(answer)
    return ConstFacts(answer["name"], answer["function"], value)


class Worker:
    """One process that answers a line with a line, and the thread that reads its answers."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start the process; it answers once TensorFlow is imported."""
        # A pipe nobody reads would fill up and stop the worker: stderr is a file.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives with the worker
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_answers, daemon=True)
        self._reader.start()

    def _read_answers(self) -> None:
        """Hand over each answer, and an empty line at the end of the process."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def ask(self, request: Json, timeout: float) -> Json:
        """Send one request and wait for its answer."""
        try:
            self._send(request)
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            raise WorkerTimeoutError(f"no answer to {request['op']} in {timeout:g} s") from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise WorkerDiedError(self._obituary(request))
        answer: Json = json.loads(line)
        return answer

    def _send(self, request: Json) -> None:
        """Write one request; raises BrokenPipeError if the worker is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
        self._process.stdin.flush()

    def _obituary(self, request: Json) -> str:
        """Say how the process ended and what it said last."""
        code = self._process.wait()
        self._stderr.seek(0)
        last_words = self._stderr.read()[-STDERR_TAIL:].decode("utf-8", "replace").strip()
        return f"the worker ended with code {code} on {request['op']}: {last_words}"

    def kill(self) -> None:
        """End the process and free what belongs to it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdout, self._stderr):
            if stream is not None:
                stream.close()
        self._close_stdin()

    def _close_stdin(self) -> None:
        """Close stdin; what it still buffers for a dead process is lost, and may be."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.close()
        except OSError:
            pass


@final
class TensorFlowJudge:
    """Real TensorFlow, asked over a pipe. Use it as a context manager."""

    def __init__(
        self,
        python: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        behavior: Behavior = Behavior.GRAPHS,
    ) -> None:
        """Take the interpreter that has TensorFlow; the worker starts at the first question."""
        self._command = (python, str(WORKER), *behavior.value)
        self._timeout = timeout
        self._worker: Worker | None = None

    @classmethod
    def from_environment(cls, behavior: Behavior = Behavior.GRAPHS) -> TensorFlowJudge:
        """Take the interpreter from the environment."""
        python = os.environ.get(INTERPRETER_VARIABLE)
        if not python:
            raise JudgeError(f"{INTERPRETER_VARIABLE} names no interpreter that has TensorFlow")
        return cls(python, behavior=behavior)

    def __enter__(self) -> TensorFlowJudge:
        """Give the judge itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the worker."""
        self.close()

    def close(self) -> None:
        """End the worker if there is one."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def ask(self, op: str, **arguments: object) -> Json:
        """Ask one question: the answer without `ok`, or a JudgeError."""
        if self._worker is None:
            self._worker = Worker(self._command)
        try:
            answer = self._worker.ask({"op": op, **arguments}, self._timeout)
        except JudgeError:
            self.close()
            raise
        if not answer.pop("ok"):
            raise RefusedError(answer["error"], answer["message"])
        return answer

    def version(self) -> str:
        """Give TensorFlow's version."""
        return str(self.ask("version")["version"])

    def dtypes(self) -> tuple[int, ...]:
        """Give the DT numbers that this TensorFlow knows."""
        return tuple(self.ask("dtypes")["dtypes"])

    def load(self, prefix: Path) -> dict[str, TensorFacts]:
        """Read a whole checkpoint with `tf.train.load_checkpoint`."""
        answer = self.ask("load", prefix=str(prefix))
        return {key_text(one["name_hex"]): tensor_facts(one) for one in answer["tensors"]}

    def load_keys(self, prefix: Path, keys: Sequence[str | bytes]) -> dict[str, TensorFacts]:
        """Read some keys of a checkpoint with `tf.train.load_checkpoint`."""
        wanted = [key_bytes(key).hex() for key in keys]
        answer = self.ask("load", prefix=str(prefix), keys_hex=wanted)
        return {key_text(one["name_hex"]): tensor_facts(one) for one in answer["tensors"]}

    def list_keys(self, prefix: Path) -> dict[str, tuple[int, tuple[int, ...]]]:
        """List a checkpoint without reading its data file: key -> (DT number, shape)."""
        tensors = self.ask("load", prefix=str(prefix), digests=False)["tensors"]
        return {key_text(one["name_hex"]): (one["dtype"], tuple(one["shape"])) for one in tensors}

    def restore(self, prefix: Path, wanted: Sequence[TensorRequest]) -> list[TensorFacts]:
        """Read tensors with one RestoreV2 op, in the order of the request."""
        names = [
            {
                "name_hex": key_bytes(one.key).hex(),
                "dtype_enum": one.dtype,
                "shape_and_slice": one.shape_and_slice,
            }
            for one in wanted
        ]
        answer = self.ask("restore", prefix=str(prefix), names=names)
        return [tensor_facts(one) for one in answer["tensors"]]

    def saver_save(self, manifest: Path, prefix: Path, kind: VariableKind) -> Path:
        """Save variables with the Saver of TensorFlow 1; give the prefix that it reports."""
        resource = kind is VariableKind.RESOURCE
        answer = self.ask(
            "saver_save", manifest=str(manifest), prefix=str(prefix), resource=resource
        )
        return Path(answer["path"])

    def savev2(
        self, manifest: Path, prefix: Path, shape_and_slices: Sequence[str] | None = None
    ) -> Path:
        """Save tensors with the SaveV2 op, in the order of the manifest."""
        slices = None if shape_and_slices is None else list(shape_and_slices)
        answer = self.ask(
            "savev2", manifest=str(manifest), prefix=str(prefix), shape_and_slices=slices
        )
        return Path(answer["path"])

    def state(self, directory: Path) -> CheckpointState:
        """Read the `checkpoint` file of a directory."""
        answer = self.ask("state", directory=str(directory))
        paths = tuple(answer["all_paths"])
        return CheckpointState(answer["latest"], answer["model_checkpoint_path"], paths)

    def decode_graph(self, graph: bytes) -> GraphFacts:
        """Parse a serialized GraphDef and decode its Const nodes."""
        answer = self.ask("decode_graph", payload_hex=graph.hex())
        return GraphFacts(answer["nodes"], tuple(const_facts(one) for one in answer["consts"]))

    def decode_graphs(self, graphs: Sequence[bytes]) -> list[GraphFacts | Refusal]:
        """Decode many graphs in one question.

        If TensorFlow ends the process on one of them, each is asked about alone,
        so that the one is found and the others get their verdict.
        """
        try:
            answer = self.ask("decode_graph_many", payloads_hex=[one.hex() for one in graphs])
        except WorkerDiedError as error:
            if len(graphs) == 1:
                return [Refusal(type(error).__name__, str(error))]
            middle = len(graphs) // 2
            return self.decode_graphs(graphs[:middle]) + self.decode_graphs(graphs[middle:])
        return [graph_facts(one) for one in answer["graphs"]]

    def parse_tensor(self, proto: bytes, dtype: int) -> ParsedTensor:
        """Let the runtime decode a serialized TensorProto of this type."""
        answer = self.ask("parse_tensor", proto_hex=proto.hex(), dtype_enum=dtype)
        payload = answer["payload_hex"]
        facts = tensor_facts(answer["tensor"])
        return ParsedTensor(facts, None if payload is None else bytes.fromhex(payload))

    def run_frozen(
        self, graph: Path, outputs: Sequence[str], inputs: Path | None = None
    ) -> dict[str, TensorFacts]:
        """Run a frozen graph on the values of an .npz: output tensor name -> what came out."""
        npz = None if inputs is None else str(inputs)
        answer = self.ask("run_frozen", path=str(graph), inputs=npz, outputs=list(outputs))
        return {one["name"]: tensor_facts(one) for one in answer["tensors"]}
