"""Verify: every byte of a checkpoint, checked; and its values against their graph.

All problems are reported, not only the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.checkpoint import OpenBundle
from pbckpt.applications.convert import DEFAULT_SELECTION, plan_variables, tensor_of
from pbckpt.applications.frozen_graph import open_graph
from pbckpt.applications.locate import locate_checkpoint
from pbckpt.bundle.reader import CHUNK_BYTES, Verify, check_index_layout
from pbckpt.bundle.writer import ShardStream
from pbckpt.errors import (
    BundleError,
    CorruptFileError,
    LimitError,
    MissingFileError,
    PathError,
    PbckptError,
)
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import key_to_text
from pbckpt.storage.local import open_existing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.variables.select import Selection


class Problem(NamedTuple):
    """What is wrong with one tensor, or with a whole file (then ``key`` is empty)."""

    key: str
    file: str
    problem: str


class VerifyReport(NamedTuple):
    """``checked`` is how many tensors were read and compared with their CRCs."""

    prefix: str
    checked: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def verify(
    prefix: str | os.PathLike[str],
    *,
    against: str | os.PathLike[str] | None = None,
    selection: Selection = DEFAULT_SELECTION,
    limits: Limits = DEFAULT_LIMITS,
) -> VerifyReport:
    """Check a checkpoint's files, and its tensors against a frozen graph where one is given.

    ``selection`` says which constants of the graph are expected, as in
    `convert`. Raises MissingFileError where there is no such checkpoint, and
    GraphError for what is wrong with the graph; what is wrong with the
    checkpoint is in the report.
    """
    target = locate_checkpoint(prefix)
    problems: list[Problem] = []
    index_path = target.index_path()
    try:
        bundle = OpenBundle(target, Verify.CHECKSUMS)
    except (BundleError, LimitError, PathError) as error:
        return VerifyReport(target.path, 0, (Problem("", index_path, _fact(error, index_path)),))
    _check_layout(index_path, problems)
    try:
        checked = _check_tensors(bundle, problems)
        _check_shards(bundle, problems)
        if against is not None:
            _compare_with_graph(bundle, against, selection, limits, problems)
    finally:
        bundle.close()
    return VerifyReport(target.path, checked, tuple(problems))


def _check_layout(path: str, problems: list[Problem]) -> None:
    with open_existing(path, "a checkpoint needs it") as file:
        try:
            check_index_layout(file)
        except CorruptFileError as error:
            problems.append(Problem("", path, _fact(error, path)))


def _check_tensors(bundle: OpenBundle, problems: list[Problem]) -> int:
    buffer = memoryview(bytearray(CHUNK_BYTES))
    checked = 0
    for key, entry in bundle.index.entries.items():
        for part in _stored_parts(bundle, key, entry, problems):
            checked += 1
            try:
                bundle.reader.check(part, buffer)
            except (BundleError, PathError) as error:
                problems.append(_problem(bundle, key, part, error))
    return checked


def _stored_parts(
    bundle: OpenBundle, key: bytes, entry: BundleEntry, problems: list[Problem]
) -> Iterator[BundleEntry]:
    """Yield the entries that hold a tensor's bytes: itself, or its slices."""
    if not entry.slices:
        yield entry
        return
    try:
        for _, part in bundle.reader.slices_of(key, entry):
            yield part
    except CorruptFileError as error:
        index = bundle.prefix.index_path()
        problems.append(Problem(key_to_text(key), index, error.fact))


def _problem(bundle: OpenBundle, key: bytes, entry: BundleEntry, error: PbckptError) -> Problem:
    shard = bundle.prefix.shard_path(entry.shard_id, bundle.index.header.num_shards)
    return Problem(key_to_text(key), shard, _fact(error, shard))


def _fact(error: PbckptError, path: str) -> str:
    """Return the message without the file, which is said beside it."""
    return str(error).removeprefix(f"{path}: ")


def _check_shards(bundle: OpenBundle, problems: list[Problem]) -> None:
    """Find bytes of the shards that no checksum covers, and tensors that overlap."""
    places: dict[int, set[tuple[int, int]]] = {}
    for entry in [*bundle.index.entries.values(), *bundle.index.slice_entries.values()]:
        if not entry.slices:
            places.setdefault(entry.shard_id, set()).add(
                (entry.offset, entry.offset + entry.nbytes)
            )
    if not bundle.index.entries:
        places[0] = set()
    for shard_id, spans in places.items():
        try:
            shard = bundle.open_shard(shard_id)
        except (MissingFileError, PathError) as error:
            if not spans:  # else said already, for each of its tensors
                problems.append(Problem("", bundle.prefix.index_path(), _fact(error, "")))
            continue
        facts = _uncovered(spans, len(shard))
        problems.extend(Problem("", shard.name, fact) for fact in facts)


def _uncovered(spans: set[tuple[int, int]], size: int) -> Iterator[str]:
    position = 0
    for start, end in sorted(spans):
        if start > position:
            yield f"{start - position} bytes at {position} that belong to no tensor"
        elif start < position and end > start:
            yield f"two tensors that overlap at byte {start}"
        position = max(position, end)
    if size > position:
        yield f"{size - position} bytes at {position} that belong to no tensor"


def _compare_with_graph(
    bundle: OpenBundle,
    against: str | os.PathLike[str],
    selection: Selection,
    limits: Limits,
    problems: list[Problem],
) -> None:
    """Compare keys, types, shapes and bits with what converting the graph would write.

    Both sides have a CRC of the same bytes: the stored one was checked above,
    the graph's is computed by the writer's own stream, whose bytes go nowhere.
    """
    with open_graph(against, limits=limits) as graph:
        plan = plan_variables(graph, selection, limits)
        stream = ShardStream(tensor_of(variable) for variable in plan.variables)
        buffer = memoryview(bytearray(CHUNK_BYTES))
        while stream.next_block(buffer) is not None:
            pass
    index_file = bundle.prefix.index_path()
    expected = dict(stream.entries)
    stored = bundle.index.entries
    for key in sorted(expected.keys() | stored.keys()):
        fact = _difference(expected.get(key), stored.get(key))
        if fact:
            problems.append(Problem(key_to_text(key), index_file, fact))


def _difference(graph: BundleEntry | None, stored: BundleEntry | None) -> str:
    if stored is None:
        return "the graph has this variable, the checkpoint does not"
    if graph is None:
        return "the checkpoint has this key, the graph has no such variable"
    return _difference_of_tensors(graph, stored)


def _difference_of_tensors(graph: BundleEntry, stored: BundleEntry) -> str:
    if graph.dtype is not stored.dtype:
        return f"the graph's type is {graph.dtype.label}, the checkpoint's {stored.dtype.label}"
    if graph.shape != stored.shape:
        return f"the graph's shape is {list(graph.shape)}, the checkpoint's {list(stored.shape)}"
    if stored.slices:
        return "it is partitioned: its values are not compared with the graph's yet"
    if graph.crc32c != stored.crc32c:
        return "the values differ from the graph's"
    return ""
