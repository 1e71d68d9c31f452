"""Source: a checkpoint that is about to become another one.

places kept     no name, form or number of shards changes: data in the order
                in which it lies, bytes that keys share stored once
by name         everything else: as a Saver stores the new names
object graph    kept and changed along with the keys, if the form has one
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from pbckpt.checkpoints.candidates import find_tensors, flat_names, place_of
from pbckpt.checkpoints.layout import Arrangement, Format, Item, Layout, arrange
from pbckpt.checkpoints.object_layout import ObjectLayout
from pbckpt.checkpoints.settings import item_of_setting
from pbckpt.checkpoints.stored import V1, Bundle, open_stored
from pbckpt.dtypes import DataType
from pbckpt.edits.candidate import Candidate
from pbckpt.errors import CorruptFileError, SelectionError
from pbckpt.names import BundleKey, key_to_bytes, key_to_text
from pbckpt.objects.keys import GRAPH_KEY, SAVE_COUNTER

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from pbckpt.bundle.payload import Tensor
    from pbckpt.checkpoints.stored import Array, Placed, TensorInfo
    from pbckpt.edits.plan import EditPlan, Planned
    from pbckpt.objects.graph import ObjectGraph

_PATHS_FOR_NAMES = (
    "full names are missing or not unique, so tensors are called by their object paths"
)


class Source:
    """An open checkpoint and what may be taken from it; a context manager."""

    def __init__(
        self, stored: Bundle | V1, layout: Layout | None = None, *, join_slices: bool = False
    ) -> None:
        """Read the list of tensors, and the object graph where there is one."""
        self.stored = stored
        self.change: Callable[[int, Tensor], Tensor] = _unchanged
        """Told a candidate's place and its tensor; returns what is written in its stead."""
        self._join_slices = join_slices
        self._graph = graph_of(stored)
        layout = layout or Layout()
        found = find_tensors(stored, self._graph, layout.form if layout.format else None)
        self._found, self._form = found.tensors, found.form
        self.warnings = (_PATHS_FOR_NAMES,) if found.has_paths_for_names else ()
        self.layout = layout if layout.format else layout._replace(format=found.form)
        self.layout.check()
        self._infos = [self._info(one.key) for one in self._found]
        self.candidates = [
            Candidate(one.names, info.dtype, info.shape)
            for one, info in zip(self._found, self._infos, strict=True)
        ]

    def _info(self, key: bytes) -> TensorInfo:
        info = self.stored.info(key)
        if info is None:
            raise CorruptFileError(
                f"the object graph names the key {key_to_text(key)!r}, which is not there",
                file=self.stored.prefix.path,
            )
        return info

    def nbytes(self, places: Iterable[int]) -> int:
        """Return how many bytes candidates have together."""
        return sum(self._infos[place].nbytes for place in set(places))

    def item(self, planned: Planned, key: BundleKey) -> Item:
        """Return a planned tensor, to be stored under a key."""
        info = self._infos[planned.source]
        return Item(key, info.nbytes, lambda: self._tensors(planned, key), key)

    def _tensors(self, planned: Planned, key: BundleKey) -> Iterator[Tensor]:
        stored_key = self._found[planned.source].key
        if self._join_slices:
            yield self._changed(planned, self.stored.joined(stored_key, key))
            return
        for tensor in self.stored.tensors(stored_key, key):
            yield self._changed(planned, tensor)

    def _changed(self, planned: Planned, tensor: Tensor) -> Tensor:
        tensor = self.change(planned.source, tensor)
        if tensor.dtype is planned.dtype:
            return tensor
        from pbckpt.arrays.cast import cast_tensor  # noqa: PLC0415 - numpy

        return cast_tensor(tensor, planned.dtype)

    def planned_tensor(self, planned: Planned) -> Tensor:
        """Return a planned tensor whole, with the type that it is to have."""
        return self._changed(planned, self.tensor(planned.source))

    def tensor(self, place: int) -> Tensor:
        """Return a candidate whole, under its own key."""
        key = self._found[place].key
        return self.stored.joined(key, BundleKey(key))

    def array(self, place: int) -> Array:
        """Return a candidate as an array of its own."""
        return self.stored.array(self._found[place].key, own=True)

    def arranged(self, plan: EditPlan) -> Arrangement:
        """Lay out what was planned. Raises SelectionError for what the layout cannot hold."""
        _refuse_graph_key(plan)
        self._refuse_slices(plan)
        if self._graph is not None and self.layout.form is not Format.NAME and not self._is_flat():
            parts = self._graph, self._found, self._form, self.layout
            return ObjectLayout(*parts, self.item, self._data_order).arranged(plan)
        if isinstance(self.stored, Bundle) and self._keeps_places(plan):
            return self._in_place(self.stored, plan.tensors)
        planned = [one for one in plan.tensors if not self._is_counter(one)]
        items = [self.item(one, key_to_bytes(one.new)) for one in planned]
        layout = self.layout
        if layout.save_counter is None and len(planned) < len(plan.tensors):
            layout = layout._replace(save_counter=self._saves())
        return arrange([*items, *map(item_of_setting, plan.settings)], layout)

    def _is_counter(self, planned: Planned) -> bool:
        """Tell whether a tensor is the save counter, which a flat graph makes anew."""
        return self._form is Format.BOTH and self._found[planned.source].names[0] == SAVE_COUNTER

    def _saves(self) -> int:
        """Return how many saves the checkpoint counts."""
        place = next(at for at, one in enumerate(self._found) if one.names[0] == SAVE_COUNTER)
        return int(self.array(place).reshape(-1)[0])

    def _refuse_slices(self, plan: EditPlan) -> None:
        """Raise SelectionError for partitioned tensors where objects have no form for them."""
        if self.layout.form is Format.NAME or self._join_slices:
            return
        sliced = [repr(one.new) for one in plan.tensors if self._infos[one.source].num_slices]
        if sliced:
            raise SelectionError(
                f"an object-based checkpoint has no form for partitioned tensors: "
                f"{', '.join(sliced[:20])}; join them with --join-slices"
            )

    def _is_flat(self) -> bool:
        """Whether the object graph is that of a mapping, which names alone can make again."""
        if self._form is not Format.BOTH or self.layout.form is not Format.BOTH or not self._graph:
            return False
        return flat_names(self._graph) is not None

    def _keeps_places(self, plan: EditPlan) -> bool:
        return (
            self._form is self.layout.form is Format.NAME
            and not self.layout.is_divided
            and not plan.settings
            and all(one.old == one.new for one in plan.tensors)
            and not (self._join_slices and any(info.num_slices for info in self._infos))
        )

    def _in_place(self, bundle: Bundle, tensors: Sequence[Planned]) -> Arrangement:
        """Lay tensors out in the shards and the order in which they are stored."""
        placed: list[tuple[int, int, int, Placed, Planned]] = []
        aliases: dict[BundleKey, BundleKey] = {}
        owners: dict[object, BundleKey] = {}
        for planned in tensors:
            key = self._found[planned.source].key
            new_key = key_to_bytes(planned.new)
            owner = owners.setdefault((place_of(bundle, key), planned.dtype), new_key)
            if owner != new_key:
                aliases[new_key] = owner
                continue
            for one in bundle.placed(key, new_key):
                placed.append((one.shard_id, one.offset, len(placed), one, planned))
        placed.sort(key=itemgetter(0, 1, 2))
        shards: dict[int, list[tuple[Placed, Planned]]] = {}
        for shard_id, _, _, one, planned in placed:
            shards.setdefault(shard_id, []).append((one, planned))
        return Arrangement([self._made(shard) for shard in shards.values()] or [()], aliases)

    def _made(self, placed: Sequence[tuple[Placed, Planned]]) -> Iterator[Tensor]:
        for one, planned in placed:
            yield self._changed(planned, one.tensor())

    def _data_order(self, planned: Planned) -> bytes:
        """Sort by where the bytes lie: an object-based checkpoint has the order of its objects."""
        key = self._found[planned.source].key
        entry = self.stored.entry(key) if isinstance(self.stored, Bundle) else None
        place = (entry.shard_id, entry.offset) if entry else (0, 0)
        return b"".join(number.to_bytes(8, "big") for number in place)

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its files."""
        self.stored.close()


def _refuse_graph_key(plan: EditPlan) -> None:
    names = [one.new for one in plan.tensors] + [one.name for one in plan.settings]
    if key_to_text(GRAPH_KEY) in names:
        raise SelectionError(
            f"nothing can be called {key_to_text(GRAPH_KEY)}: that is where the object graph lies"
        )


def open_source(
    path: str | os.PathLike[str], layout: Layout | None = None, *, join_slices: bool = False
) -> Source:
    """Open a checkpoint to make another one of it. Raises a BundleError."""
    stored = open_stored(path)
    try:
        return Source(stored, layout, join_slices=join_slices)
    except BaseException:
        stored.close()
        raise


def graph_of(stored: Bundle | V1) -> ObjectGraph | None:
    """Return the object graph of a checkpoint, or None. Raises CorruptFileError."""
    info = stored.info(GRAPH_KEY)
    if info is None or info.dtype is not DataType.STRING or info.shape != ():
        return None
    from pbckpt.objects.graph import decode_graph  # noqa: PLC0415 - protobuf

    if isinstance(stored, V1):
        data: bytes = stored.array(GRAPH_KEY, own=True).reshape(-1)[0]
    else:
        data = stored.strings(GRAPH_KEY)[0]
    try:
        return decode_graph(data)
    except CorruptFileError as error:
        raise error.in_file(stored.prefix.path) from None


def _unchanged(place: int, tensor: Tensor) -> Tensor:  # noqa: ARG001 - as others have it
    return tensor
