"""Verify: every byte of a checkpoint, checked; and its values against their graph.

All problems are reported, not only the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.applications.convert import (
    DEFAULT_SELECTION,
    edited_variables,
    plan_variables,
    selection_of,
    stored_tensor,
)
from pbckpt.applications.frozen_graph import open_graph
from pbckpt.applications.values import DEFAULT_VALUES, Partitions, Values
from pbckpt.bundle.entry import BundleHeader, decode_entry
from pbckpt.bundle.reader import CHUNK_BYTES
from pbckpt.bundle.writer import ShardStream
from pbckpt.checkpoints.candidates import find_tensors
from pbckpt.checkpoints.layout import Format
from pbckpt.checkpoints.locate import locate_checkpoint
from pbckpt.checkpoints.source import graph_of
from pbckpt.checkpoints.stored import V1, Bundle, open_stored
from pbckpt.errors import (
    BundleError,
    CorruptFileError,
    LimitError,
    MissingFileError,
    PathError,
    PbckptError,
)
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import BundleKey, key_to_bytes, key_to_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from pbckpt.bundle.entry import BundleEntry
    from pbckpt.bundle.payload import Tensor
    from pbckpt.edits.plan import Edits
    from pbckpt.edits.selection import Selection


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


def verify(  # noqa: PLR0913 - the options of one job, all with defaults
    prefix: str | os.PathLike[str],
    *,
    against: str | os.PathLike[str] | None = None,
    selection: Selection = DEFAULT_SELECTION,
    edits: Edits | None = None,
    limits: Limits = DEFAULT_LIMITS,
    tags: tuple[str, ...] | None = None,
    values: Values = DEFAULT_VALUES,
) -> VerifyReport:
    """Check a checkpoint's files, and its tensors against a frozen graph where one is given.

    ``selection`` and ``edits`` say which constants of the graph are expected,
    and how they were changed, ``tags`` which graph is meant, and ``values`` what was
    stored of it, as in `convert`; in slices or whole is the same here.
    Raises MissingFileError where there is no such checkpoint, and GraphError for
    what is wrong with the graph;
    what is wrong with the checkpoint is in the report.
    """
    located = locate_checkpoint(prefix)
    path, file = located.prefix.path, (located.v1_files or (located.prefix.index_path(),))[0]
    problems: list[Problem] = []
    try:
        stored = open_stored(prefix)
    except (BundleError, LimitError, PathError) as error:
        return VerifyReport(path, 0, (_problem_of_file(error, file),))
    try:
        if isinstance(stored, V1):
            checked = _check_v1(stored, problems)
        else:
            checked = _check_bundle(stored, problems)
        if against is not None:
            expected = _expected(against, selection, edits, limits, tags, values)
            _compare(stored, expected, file, problems)
    except _UnreadableListError as error:
        return VerifyReport(path, 0, (_problem_of_file(error.reason, file), *problems))
    finally:
        stored.close()
    return VerifyReport(path, checked, tuple(problems))


class _UnreadableListError(Exception):
    """The list of tensors cannot be read, so nothing that follows makes sense."""

    def __init__(self, reason: PbckptError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _problem_of_file(error: PbckptError, default: str) -> Problem:
    file = getattr(error, "file", "") or default
    return Problem("", file, _fact(error, file))


def _check_v1(stored: V1, problems: list[Problem]) -> int:
    """Read every record: a V1 checkpoint has no other sums than those of its blocks."""
    path = stored.prefix.path
    problems.extend(_problem_of_file(error, path) for error in stored.check_layout())
    names = stored.keys()
    for key in names:
        try:
            for _ in stored.tensors(key, BundleKey(key)):
                pass
        except CorruptFileError as error:  # noqa: PERF203 - all of them are told
            file = error.file or path
            problems.append(Problem(key_to_text(key), file, _fact(error, file)))
    return len(names)


def _check_bundle(bundle: Bundle, problems: list[Problem]) -> int:
    try:
        entries = bundle.index.entries
    except (BundleError, LimitError) as error:
        raise _UnreadableListError(error) from None
    try:
        bundle.index.check_layout()
    except CorruptFileError as error:
        problems.append(_problem_of_file(error, bundle.prefix.index_path()))
    checked = 0
    for key, entry in entries.items():
        for part in _stored_parts(bundle, key, entry, problems):
            checked += 1
            try:
                bundle.reader.check(part)
            except (BundleError, PathError) as error:
                problems.append(_problem(bundle, key, part, error))
    _check_shards(bundle, problems)
    return checked


def _stored_parts(
    bundle: Bundle, key: bytes, entry: BundleEntry, problems: list[Problem]
) -> Iterator[BundleEntry]:
    """Yield the entries that hold a tensor's bytes: itself, or its slices."""
    if not entry.slices:
        yield entry
        return
    try:
        for _, part in bundle.reader.slices_of(key, entry):
            yield part
    except (CorruptFileError, LimitError) as error:
        index = bundle.prefix.index_path()
        fact = error.fact if isinstance(error, CorruptFileError) else str(error)
        problems.append(Problem(key_to_text(key), index, fact))


def _problem(bundle: Bundle, key: bytes, entry: BundleEntry, error: PbckptError) -> Problem:
    shard = bundle.prefix.shard_path(entry.shard_id, bundle.index.header.num_shards)
    return Problem(key_to_text(key), shard, _fact(error, shard))


def _fact(error: PbckptError, path: str) -> str:
    """Return the message without the file, which is said beside it."""
    return str(error).removeprefix(f"{path}: ")


def _check_shards(bundle: Bundle, problems: list[Problem]) -> None:
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


def _expected(  # noqa: PLR0913, PLR0917 - everything that a conversion depends on
    against: str | os.PathLike[str],
    selection: Selection,
    edits: Edits | None,
    limits: Limits,
    tags: tuple[str, ...] | None,
    values: Values,
) -> dict[bytes, BundleEntry]:
    """Return the entries that converting a graph would give, without writing it.

    The CRCs are computed by the writer's own stream, whose bytes go nowhere.
    """
    selection, edits = selection_of(selection, edits)
    if values.partitions is not Partitions.PARTS:
        values = values._replace(partitions=Partitions.MERGED)
    with open_graph(against, limits=limits, tags=tags) as graph:
        plan = plan_variables(graph, selection, limits, values)
        if edits is None:
            return dict(_written(map(stored_tensor, plan.variables)))
        from pbckpt.checkpoints.settings import item_of_setting  # noqa: PLC0415 - start-up time

        variables, settings = edited_variables(plan, edits)
        added = [tensor for one in settings for tensor in item_of_setting(one).tensors()]
        return dict(_written([*map(stored_tensor, variables), *added]))


def _compare(
    stored: Bundle | V1, expected: dict[bytes, BundleEntry], file: str, problems: list[Problem]
) -> None:
    """Compare names, types, shapes and bits; the stored CRCs were checked before.

    The tensors of an object-based checkpoint are compared by their full names.
    """
    tensors = find_tensors(stored, graph_of(stored), Format.NAME).tensors
    found: dict[bytes, bytes] = {key_to_bytes(one.names[0]): one.key for one in tensors}
    for name in sorted(expected.keys() | found.keys()):
        try:
            fact = _difference(expected.get(name), stored, found.get(name))
        except (BundleError, LimitError, PathError):
            continue  # said already
        if fact:
            problems.append(Problem(key_to_text(name), file, fact))


def _written(tensors: Iterable[Tensor]) -> list[tuple[bytes, BundleEntry]]:
    """Return the entries that tensors would get."""
    stream = ShardStream(tensors)
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while stream.next_block(buffer) is not None:
        pass
    header = BundleHeader(1)
    return [(key, decode_entry(entry, header)) for key, entry in stream.entries]


def _difference(graph: BundleEntry | None, stored: Bundle | V1, key: bytes | None) -> str:
    info = stored.info(key) if key is not None else None
    if info is None or key is None:
        return "the graph has this variable, the checkpoint does not"
    if graph is None:
        return "the checkpoint has this key, the graph has no such variable"
    if graph.dtype is not info.dtype:
        return f"the graph's type is {graph.dtype.label}, the checkpoint's {info.dtype.label}"
    if graph.shape != info.shape:
        return f"the graph's shape is {list(graph.shape)}, the checkpoint's {list(info.shape)}"
    if graph.crc32c != _crc32c_of(stored, key):
        return "the values differ from the graph's"
    return ""


def _crc32c_of(stored: Bundle | V1, key: bytes) -> int:
    """Return the CRC of a tensor's bytes as they are written whole."""
    entry = stored.entry(key) if isinstance(stored, Bundle) else None
    if entry is not None and not entry.slices and not stored.is_big_endian:
        return entry.crc32c
    return _written([stored.joined(key, BundleKey(key))])[0][1].crc32c
