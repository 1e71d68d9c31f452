"""Forms of checkpoints, asked of the judge: parts and shards of a Saver, objects, copies.

The client's side of `tensorflow_forms.py`.
"""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.oracle.judge import (
    Json,
    Manifest,
    TensorFacts,
    TensorFlowJudge,
    TensorRequest,
    VariableKind,
    key_bytes,
    tensor_facts,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Call(Enum):
    """The methods of tf.train.Checkpoint."""

    WRITE = "write"
    SAVE = "save"
    READ = "read"
    RESTORE = "restore"


class Placement(NamedTuple):
    """Where a variable of a Saver lies, and into how many parts of which axis it is cut."""

    device: str = ""
    num_parts: int = 0
    axis: int = 0


class Restored(NamedTuple):
    """What a Checkpoint got, and for each assertion what it raised: nothing, or a class."""

    tensors: list[TensorFacts]
    refused: list[str]


def saver_save_parts(  # noqa: PLR0913 - as many as the worker wants to know
    judge: TensorFlowJudge,
    tensors: Manifest,
    prefix: Path,
    kind: VariableKind,
    placements: Mapping[str, Placement],
    *,
    sharded: bool = False,
) -> Path:
    """Save variables on devices and in parts with the Saver of TensorFlow 1."""
    manifest = write_manifest(prefix.parent, tensors)
    told = json.loads(manifest.read_text(encoding="ascii"))
    for item, key in zip(told["tensors"], tensors, strict=True):
        item.update(placements.get(str(key), Placement())._asdict())
    manifest.write_text(json.dumps(told), encoding="ascii")
    answer = judge.ask(
        "saver_save_parts",
        manifest=str(manifest),
        prefix=str(prefix),
        resource=kind is VariableKind.RESOURCE,
        sharded=sharded,
    )
    return Path(answer["path"])


def saver_restore(
    judge: TensorFlowJudge, prefix: Path, expected: Mapping[str, TensorFacts]
) -> dict[str, TensorFacts]:
    """Restore variables of these types and shapes with the Saver of TensorFlow 1."""
    answer = judge.ask("saver_restore", prefix=str(prefix), names=_variables(expected))
    return dict(zip(expected, map(tensor_facts, answer["tensors"]), strict=True))


def checkpoint_save(judge: TensorFlowJudge, tensors: Manifest, prefix: Path, call: Call) -> Path:
    """Save variables as the attributes of a tf.train.Checkpoint."""
    manifest = str(write_manifest(prefix.parent, tensors))
    answer = judge.ask("checkpoint_save", manifest=manifest, prefix=str(prefix), call=call.value)
    return Path(answer["path"])


def checkpoint_restore(
    judge: TensorFlowJudge,
    prefix: Path,
    call: Call,
    expected: Mapping[str, TensorFacts],
    asserts: Sequence[str],
) -> Restored:
    """Restore the attributes of a tf.train.Checkpoint, and call methods of the status."""
    answer = judge.ask(
        "checkpoint_restore",
        prefix=str(prefix),
        call=call.value,
        names=_variables(expected),
        asserts=list(asserts),
    )
    return Restored([tensor_facts(one) for one in answer["tensors"]], answer["refused"])


def variable_dtypes(judge: TensorFlowJudge) -> tuple[int, ...]:
    """Give the DT numbers that a tf.Variable can have."""
    return tuple(judge.ask("variable_dtypes")["dtypes"])


def resave(judge: TensorFlowJudge, prefix: Path, wanted: Sequence[TensorRequest], to: Path) -> None:
    """Have tensors restored and saved again, whatever they are."""
    names = [{"name_hex": key_bytes(one.key).hex(), "dtype_enum": one.dtype} for one in wanted]
    judge.ask("resave", prefix=str(prefix), names=names, to=str(to))


def _variables(expected: Mapping[str, TensorFacts]) -> list[Json]:
    return [
        {"name_hex": key_bytes(name).hex(), "dtype_enum": facts.dtype, "shape": facts.shape}
        for name, facts in expected.items()
    ]
