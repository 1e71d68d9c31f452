"""Many checkpoints in one question to the judge: asked for, and made.

A question about one checkpoint takes longer for the way there and back than for
the checkpoint. If TensorFlow ends its process over a batch, each of the batch is
asked about alone, so that the one is found and the others get their verdict.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tests.oracle.judge import (
    Json,
    Refusal,
    TensorFacts,
    TensorFlowJudge,
    TensorRequest,
    Value,
    WorkerDiedError,
    key_bytes,
    key_text,
    tensor_facts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Listing = dict[str, tuple[int, tuple[int, ...]]]
_Q = TypeVar("_Q")


class Question(NamedTuple):
    """What to read of a checkpoint: keys through Python's reader, requests through RestoreV2."""

    prefix: Path
    whole: Sequence[TensorRequest]
    requests: Sequence[TensorRequest]


class Found(NamedTuple):
    """What TensorFlow found in a checkpoint: all its keys, and what was asked for, in order."""

    listing: Listing
    whole: list[TensorFacts]
    requests: list[TensorFacts]


class Stored(NamedTuple):
    """One input of SaveV2: a tensor, or a part of one, told in SaveV2's notation."""

    key: bytes
    dtype: int
    shape: tuple[int, ...]
    value: Value
    shape_and_slice: str = ""


class Order(NamedTuple):
    """A checkpoint for TensorFlow to write: the tensors of each shard in the order of its data."""

    prefix: Path
    shards: Sequence[Sequence[Stored]]


def read_many(judge: TensorFlowJudge, questions: Sequence[Question]) -> list[Found | Refusal]:
    """Read checkpoints: what was found in each, or why TensorFlow refused."""

    def read(some: Sequence[Question]) -> list[Found | Refusal]:
        answer = judge.ask("read_many", checkpoints=[_question(one) for one in some])
        return [_found(one) if one["ok"] else _refusal(one) for one in answer["checkpoints"]]

    return _surviving(read, questions)


def save_many(
    judge: TensorFlowJudge, folder: Path, orders: Sequence[Order]
) -> list[Refusal | None]:
    """Have checkpoints written; None for each that was."""

    def save(some: Sequence[Order]) -> list[Refusal | None]:
        answer = judge.ask("save_many", manifest=str(_write_orders(folder, some)))
        return [None if one["ok"] else _refusal(one) for one in answer["checkpoints"]]

    return _surviving(save, orders)


_A = TypeVar("_A")


def _surviving(
    ask: Callable[[Sequence[_Q]], list[_A]], questions: Sequence[_Q]
) -> list[_A | Refusal]:
    """Ask about all at once, and if that ends the worker, about each alone."""
    try:
        return [*ask(questions)]
    except WorkerDiedError as error:
        if len(questions) == 1:
            return [Refusal(type(error).__name__, str(error))]
        return [answer for one in questions for answer in _surviving(ask, [one])]


def _question(question: Question) -> Json:
    return {
        "prefix": str(question.prefix),
        "whole": list(map(_request, question.whole)),
        "names": list(map(_request, question.requests)),
    }


def _request(request: TensorRequest) -> Json:
    return {
        "name_hex": key_bytes(request.key).hex(),
        "dtype_enum": request.dtype,
        "shape_and_slice": request.shape_and_slice,
    }


def _found(answer: Json) -> Found:
    listing = {
        key_text(one["name_hex"]): (one["dtype"], tuple(one["shape"])) for one in answer["listing"]
    }
    whole = [tensor_facts(one) for one in answer["loaded"]]
    return Found(listing, whole, [tensor_facts(one) for one in answer["restored"]])


def _refusal(answer: Json) -> Refusal:
    return Refusal(answer["error"], answer["message"])


def _write_orders(folder: Path, orders: Sequence[Order]) -> Path:
    data = bytearray()
    told = [
        {
            "prefix": str(order.prefix),
            "shards": [[_item(one, data) for one in shard] for shard in order.shards],
        }
        for order in orders
    ]
    (folder / "many.bin").write_bytes(data)
    path = folder / "many.json"
    path.write_text(json.dumps({"checkpoints": told}), encoding="ascii")
    return path


def _item(stored: Stored, data: bytearray) -> Json:
    item: Json = {
        "name_hex": stored.key.hex(),
        "dtype_enum": stored.dtype,
        "shape": stored.shape,
        "shape_and_slice": stored.shape_and_slice,
    }
    if not isinstance(stored.value, bytes):
        return item | {"strings_hex": [element.hex() for element in stored.value]}
    item |= {"file": "many.bin", "offset": len(data), "nbytes": len(stored.value)}
    data += stored.value
    return item
