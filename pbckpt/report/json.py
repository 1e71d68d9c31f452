"""Results as JSON: one object each, with ``schema`` 1.

Types have numpy's names, CRCs are unmasked and 8 hex digits, keys that are not
UTF-8 have surrogate escapes.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from pbckpt.applications.inspect import GraphContents
from pbckpt.report.match import match_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pbckpt.applications.convert import Report
    from pbckpt.applications.diff import DiffReport
    from pbckpt.applications.edit import EditReport
    from pbckpt.applications.freeze import FreezeReport
    from pbckpt.applications.inspect import CheckpointContents
    from pbckpt.applications.like import MatchReport
    from pbckpt.applications.score import Score
    from pbckpt.applications.state import State
    from pbckpt.applications.verify import VerifyReport
    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.checkpoints.stored import TensorInfo
    from pbckpt.checkpoints.write import WrittenBundle
    from pbckpt.thaw.signature import Port, Signature
    from pbckpt.variables.evidence import Evidence
    from pbckpt.variables.story import Story
    from pbckpt.variables.variable import Skipped, Variable

SCHEMA = 1


def convert_json(report: Report) -> str:
    """Return what a conversion did."""
    return _dump(
        prefix=report.prefix,
        files=report.files,
        bytes=report.nbytes,
        variables=[_variable(variable) for variable in report.variables],
        skipped=[_skipped(constant) for constant in report.skipped],
        added=report.added,
        warnings=report.warnings,
        **({"match": match_fields(report.match)} if report.match else {}),
        **({"signatures": _signatures(report.signatures)} if report.signatures else {}),
    )


def _signatures(signatures: Mapping[str, Signature]) -> dict[str, Any]:
    return {
        key: {"inputs": _ports(one.inputs), "outputs": _ports(one.outputs)}
        for key, one in signatures.items()
    }


def _ports(ports: Sequence[Port]) -> dict[str, Any]:
    return {
        port.key: {"tensor": port.tensor, "dtype": port.dtype.label, "shape": port.shape}
        for port in ports
    }


def freeze_json(report: FreezeReport) -> str:
    """Return what a freezing did."""
    return _dump(
        path=report.path,
        bytes=report.nbytes,
        nodes=report.num_nodes,
        variables=report.variables,
        outputs=report.outputs,
        outputs_from=report.outputs_from.value,
        unfilled=report.unfilled,
    )


def match_json(report: MatchReport) -> str:
    """Return how a graph fills a target."""
    return _dump(**match_fields(report))


def edit_json(report: EditReport) -> str:
    """Return what an edit wrote, or would write."""
    return _dump(
        prefix=report.prefix,
        files=report.files,
        bytes=report.nbytes,
        tensors=[
            {"old": one.old, "new": one.new, "dtype": one.dtype.label, "shape": one.shape}
            for one in report.tensors
        ],
        dropped=[{"name": name, "reason": reason} for name, reason in report.dropped],
        warnings=report.warnings,
    )


def written_json(prefix: str, written: WrittenBundle) -> str:
    """Return what was written where."""
    return _dump(
        prefix=prefix, files=written.files, bytes=written.nbytes, warnings=written.warnings
    )


def diff_json(report: DiffReport) -> str:
    """Return in what two checkpoints differ; what is no finite number is text."""
    return _dump(
        first=report.first,
        second=report.second,
        same=report.same,
        differences=[
            {
                **one._asdict(),
                "kind": one.kind.value,
                "max_abs": _number(one.max_abs),
                "max_rel": _number(one.max_rel),
            }
            for one in report.differences
        ],
    )


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def state_json(state: State) -> str:
    """Return which checkpoint is the newest and which there are."""
    return _dump(
        directory=state.directory,
        latest=state.latest,
        checkpoints=[one._asdict() for one in state.checkpoints],
    )


def inspect_json(contents: GraphContents | CheckpointContents) -> str:
    """Return what a file holds."""
    if isinstance(contents, GraphContents):
        return _dump(
            kind="graph",
            path=contents.path,
            nodes=contents.nodes,
            constants=contents.constants,
            variables=[_variable(variable) for variable in contents.variables],
            skipped=[_skipped(constant) for constant in contents.skipped],
            functions=contents.functions,
            remaining=[
                {**one._asdict(), "dtype": one.dtype.label if one.dtype else None}
                for one in contents.remaining
            ],
            warnings=contents.warnings,
            state=contents.state.value,
        )
    return _dump(
        kind="checkpoint",
        prefix=contents.prefix,
        num_shards=contents.num_shards,
        entries=[_entry(key, entry) for key, entry in contents.entries]
        or [_info(key, info) for key, info in contents.tensors],
        objects=[one._asdict() for one in contents.objects],
    )


def story_json(story: Story) -> str:
    """Return what was found of one constant."""
    tensor = story.tensor
    return _dump(
        node=story.node,
        dtype=tensor.dtype.label if tensor else None,
        shape=tensor.shape if tensor else None,
        outcome=story.outcome.value,
        keys=story.keys,
        reason=story.reason,
        evidence=[_evidence(one) for one in story.evidence],
        consumers=[one._asdict() for one in story.consumers],
        value=story.value or None,
        folded=story.folded or None,
        part=story.part or None,
    )


def score_json(score: Score) -> str:
    """Return how detection did by a truth file."""
    return _dump(**score._asdict(), found=score.found)


def verify_json(report: VerifyReport) -> str:
    """Return what a verification found."""
    return _dump(
        prefix=report.prefix,
        ok=report.ok,
        checked=report.checked,
        problems=[problem._asdict() for problem in report.problems],
    )


def _dump(**fields: object) -> str:
    return json.dumps({"schema": SCHEMA, **fields}, indent=1)


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "key": variable.key,
        "node": variable.node,
        "dtype": variable.dtype.label,
        "shape": variable.shape,
        "bytes": variable.nbytes,
        "trainable": variable.trainable,
        "role": variable.role.value if variable.role else None,
        "rule": variable.rule,
        "reason": variable.reason,
        "value": variable.value or None,
        "ranges": variable.ranges if any(variable.ranges) else None,
        "folded": variable.folded or None,
        "parts": variable.nodes if variable.parts else None,
        "evidence": [_evidence(one) for one in variable.evidence],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "rule": evidence.rule,
        "strength": evidence.strength.name.lower(),
        "speaks_for": evidence.speaks_for,
        "reason": evidence.reason,
    }


def _skipped(constant: Skipped) -> dict[str, Any]:
    tensor = constant.tensor
    return {
        "node": constant.node,
        "dtype": tensor.dtype.label if tensor else None,
        "shape": tensor.shape if tensor else None,
        "ambiguous": constant.is_ambiguous,
        "role": constant.role.value if constant.role else None,
        "reason": constant.reason,
        "folded": constant.folded or None,
        "evidence": [_evidence(one) for one in constant.evidence],
    }


def _info(key: str, info: TensorInfo) -> dict[str, Any]:
    shown = {"key": key, "dtype": info.dtype.label, "shape": info.shape, "bytes": info.nbytes}
    return {**shown, "num_slices": info.num_slices}


def _entry(key: str, entry: BundleEntry) -> dict[str, Any]:
    row: dict[str, Any] = {"key": key, "dtype": entry.dtype.label, "shape": entry.shape}
    if entry.slices:
        # A partitioned tensor has no bytes of its own.
        parts = [[extent._asdict() for extent in part] for part in entry.slices]
        place = dict.fromkeys(("shard", "offset", "bytes", "crc32c"))
        return {**row, **place, "slices": parts}
    return {
        **row,
        "shard": entry.shard_id,
        "offset": entry.offset,
        "bytes": entry.nbytes,
        "crc32c": f"{entry.crc32c:08x}",
    }
