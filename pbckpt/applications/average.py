"""Average: several checkpoints of one model become their mean.

Floating types are added up in float64, complex ones in complex128, and rounded
once at the end. Everything else must be the same in all of them.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.arrays.blocks import are_equal
from pbckpt.arrays.mean import mean_spans
from pbckpt.bundle.payload import Payload, Tensor
from pbckpt.checkpoints.layout import Format, Layout
from pbckpt.checkpoints.source import open_source
from pbckpt.checkpoints.write import Progress, WrittenBundle, no_progress, write_bundle
from pbckpt.edits.plan import plan_edits
from pbckpt.errors import SelectionError
from pbckpt.names import Prefix
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from pbckpt.checkpoints.source import Source
    from pbckpt.dtypes import DataType
    from pbckpt.edits.candidate import Candidate


def average(
    sources: Sequence[str | os.PathLike[str]],
    prefix: str | os.PathLike[str],
    *,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    progress: Progress = no_progress,
) -> WrittenBundle:
    """Write the mean of several checkpoints, which have the same keys, types and shapes.

    The form and the order are those of the first, but partitioned tensors are
    joined. Raises SelectionError where
    they do not fit together, with all differences, and for tensors that cannot
    be averaged and differ; BundleError, PathError and WriteError as `edit` does.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    if not sources:
        raise SelectionError("nothing to average; give at least one checkpoint")
    with ExitStack() as stack:
        opened = _opened(sources, stack)
        _check_alike(opened)
        _check_others(opened)
        opened[0].change = _Mean.of(opened).tensor
        plan = plan_edits(opened[0].candidates)
        arrangement = opened[0].arranged(plan)
        return write_bundle(
            arrangement.shards,
            opened[0].nbytes(planned.source for planned in plan.tensors),
            target,
            on_existing=OnExisting(on_existing),
            durability=Durability(durability),
            aliases=arrangement.aliases,
            progress=progress,
        )


def _opened(sources: Sequence[str | os.PathLike[str]], stack: ExitStack) -> list[Source]:
    """Open all checkpoints, by names where their forms are not the same."""
    opened = [stack.enter_context(open_source(path, join_slices=True)) for path in sources]
    if len({source.layout.form for source in opened}) == 1:
        return opened
    by_name = Layout(format=Format.NAME)
    return [stack.enter_context(open_source(path, by_name, join_slices=True)) for path in sources]


def _check_others(sources: Sequence[Source]) -> None:
    """Compare what has no mean before anything is written, and tell all differences."""
    mean = _Mean.of(sources)
    problems = [
        f"{one.names[0]!r} ({one.dtype.label})"
        for place, one in enumerate(sources[0].candidates)
        if not mean.is_of(one.dtype) and not mean.agree(place)
    ]
    if problems:
        raise SelectionError(
            f"these are no floating point, so they have no mean, and they differ: "
            f"{', '.join(problems[:20])}; make them the same with pbckpt edit --set, or leave "
            "them out with --exclude"
        )


def _check_alike(sources: Sequence[Source]) -> None:
    first = {one.names[0]: one for one in sources[0].candidates}
    problems = []
    for source in sources[1:]:
        path = source.stored.prefix.path
        others = {one.names[0]: one for one in source.candidates}
        for name in sorted(first.keys() | others.keys()):
            fact = _difference(first.get(name), others.get(name))
            if fact:
                problems.append(f"{name!r} {fact} {path}")
    if problems:
        more = f"; and {len(problems) - 20} more" if len(problems) > 20 else ""  # noqa: PLR2004
        raise SelectionError(
            f"checkpoints that cannot be averaged with {sources[0].stored.prefix.path}: "
            f"{'; '.join(problems[:20])}{more}"
        )


def _difference(first: Candidate | None, other: Candidate | None) -> str:
    if other is None:
        return "is missing in"
    if first is None:
        return "is only in"
    if (first.dtype, first.shape) != (other.dtype, other.shape):
        was = f"{first.dtype.label} {list(first.shape)}"
        return f"is {other.dtype.label} {list(other.shape)}, not {was}, in"
    return ""


class _Mean(NamedTuple):
    """What is written in the stead of the first checkpoint's tensors."""

    sources: Sequence[Source]
    places: Sequence[dict[str, int]]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> _Mean:
        """Look up where each checkpoint has which tensor."""
        places = [
            {one.names[0]: place for place, one in enumerate(source.candidates)}
            for source in sources[1:]
        ]
        return cls(sources, places)

    @staticmethod
    def is_of(dtype: DataType) -> bool:
        """Tell whether tensors of the type have a mean."""
        return dtype.is_floating or dtype.is_complex

    def agree(self, place: int) -> bool:
        """Tell whether a tensor has the same bytes in all checkpoints."""
        first = self.sources[0]
        return all(
            are_equal(first.tensor(place), source.tensor(at)) for source, at in self._others(place)
        )

    def _others(self, place: int) -> list[tuple[Source, int]]:
        name = self.sources[0].candidates[place].names[0]
        pairs = zip(self.sources[1:], self.places, strict=True)
        return [(source, places[name]) for source, places in pairs]

    def tensor(self, place: int, tensor: Tensor) -> Tensor:
        """Return the mean of a tensor, or the tensor itself if it has none."""
        if not self.is_of(tensor.dtype):
            return tensor
        tensors = [tensor, *(source.tensor(at) for source, at in self._others(place))]
        return tensor._replace(payload=Payload(mean_spans(tensors)))
