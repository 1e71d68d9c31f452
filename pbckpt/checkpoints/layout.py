"""Layout: in which form, in how many shards and in which order tensors are stored.

    name      w, b                             what Saver reads
    object    w/.ATTRIBUTES/VARIABLE_VALUE, …  what tf.train.Checkpoint reads
              _CHECKPOINTABLE_OBJECT_GRAPH
    both      the keys of both, for the same bytes

A name-based checkpoint has its data in the order of names, as Saver has; an
object-based one in the order of the graph's nodes, the graph itself last.
"""

from __future__ import annotations

from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.payload import Tensor, string_payload
from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey, key_to_text
from pbckpt.objects.keys import GRAPH_KEY, SAVE_COUNTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_MAX_SAVES = (1 << 63) - 1
# As a user of the command line, or of the library, knows them.
_OPTIONS = {
    "num_shards": "--shards (num_shards)",
    "max_shard_bytes": "--max-shard-size (max_shard_bytes)",
    "shard_of": "shard_of",
}


class Format(Enum):
    """Whom a checkpoint is for."""

    NAME = "name"
    OBJECT = "object"
    BOTH = "both"


class Layout(NamedTuple):
    """How tensors are laid out.

    No ``format`` is that of the source; what has none becomes name-based.
    At most one of ``num_shards``, ``max_shard_bytes`` and ``shard_of`` (a name's
    shard) divides the data; the first two balance it, the same way each time.
    ``save_counter`` is the number of a save that an object-based checkpoint
    counts, as tf.train.Checkpoint.save does; None is for one that does not, as
    tf.train.Checkpoint.write leaves it.
    """

    format: Format | None = None
    num_shards: int | None = None
    max_shard_bytes: int | None = None
    shard_of: Callable[[str], int] | None = None
    save_counter: int | None = None

    def check(self) -> None:
        """Raise SelectionError for numbers that make no sense, alone or together."""
        given = [
            name
            for name in ("num_shards", "max_shard_bytes", "shard_of")
            if getattr(self, name) is not None
        ]
        if len(given) > 1:
            options = " and ".join(_OPTIONS[name] for name in given)
            raise SelectionError(f"{options} exclude each other; give one of them")
        for name in ("num_shards", "max_shard_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SelectionError(f"{_OPTIONS[name]} is at least 1, not {value}")
        if self.save_counter is not None and not 0 <= self.save_counter <= _MAX_SAVES:
            raise SelectionError(f"no checkpoint counts {self.save_counter} saves")
        if self.save_counter is not None and self.form is Format.NAME:
            raise SelectionError(
                "a name-based checkpoint counts no saves; leave --save-counter out, "
                "or say --format object"
            )

    @property
    def form(self) -> Format:
        """The format, name-based where none is given."""
        return Format.NAME if self.format is None else Format(self.format)

    @property
    def is_divided(self) -> bool:
        """Whether there may be several shards."""
        return (self.num_shards, self.max_shard_bytes, self.shard_of) != (None, None, None)


class Item(NamedTuple):
    """Something that is stored under one name: a tensor, or the slices of one.

    ``nbytes`` is about how long it is. ``tensors`` is asked once, when its turn
    comes. ``order`` is what the data of a shard is sorted by.
    """

    key: BundleKey
    nbytes: int
    tensors: Callable[[], Iterable[Tensor]]
    order: bytes


class Arrangement(NamedTuple):
    """What is written: the tensors of each shard, in order, and keys that share their bytes.

    Both are complete when all tensors were taken, one shard after the other.
    """

    shards: Iterable[Iterable[Tensor]]
    aliases: Mapping[BundleKey, BundleKey]


def arrange(items: Sequence[Item], layout: Layout) -> Arrangement:
    """Lay items out, which may come in any order.

    Raises SelectionError for a layout that makes no sense, and for names that an
    object graph cannot hold.
    """
    layout.check()
    items = sorted(items, key=attrgetter("order"))
    shards = [[items[place] for place in shard] for shard in _divided(items, layout)]
    if layout.form is not Format.NAME:
        from pbckpt.objects.flat import check_flat_names  # noqa: PLC0415 - protobuf

        check_flat_names([key_to_text(item.key) for item in items])
    return _formatted(shards, layout)


def arrange_stream(items: Iterator[Item], layout: Layout) -> Arrangement:
    """Lay items out as they come, none of them known before its turn.

    Raises SelectionError for a layout that needs to know all of them first.
    """
    layout.check()
    if layout.num_shards is not None or layout.shard_of is not None:
        raise SelectionError(
            "tensors that come one by one cannot be given to shards beforehand; "
            "limit the shards with max_shard_bytes, or give a mapping"
        )
    if layout.max_shard_bytes is None:
        return _formatted([items], layout)
    return _formatted(_packed(items, layout.max_shard_bytes), layout)


def _packed(items: Iterator[Item], max_bytes: int) -> Iterator[Iterator[Item]]:
    """Yield shards, each begun where an item would not fit the one before."""
    held = [item for item in (next(items, None),) if item is not None]

    def shard() -> Iterator[Item]:
        room = max_bytes
        while held and (held[0].nbytes <= room or room == max_bytes):
            room -= held[0].nbytes
            yield held.pop()
            held.extend(item for item in (next(items, None),) if item is not None)

    yield shard()
    while held:
        yield shard()


def _formatted(shards: Iterable[Iterable[Item]], layout: Layout) -> Arrangement:
    if layout.form is Format.NAME:
        return Arrangement(map(_tensors, shards), {})
    form = _ObjectForm(layout)
    return Arrangement(form.shards(shards), form.aliases)


def _tensors(items: Iterable[Item]) -> Iterator[Tensor]:
    for item in items:
        yield from item.tensors()
        # Or its value would be held while the next one is being made.
        del item


def _divided(items: Sequence[Item], layout: Layout) -> list[list[int]]:
    """Return the places of the items of each shard."""
    if layout.shard_of is not None:
        return _as_told(items, layout.shard_of)
    if layout.num_shards is not None:
        return _balanced(items, min(layout.num_shards, max(1, len(items))))
    if layout.max_shard_bytes is not None:
        return _limited(items, layout.max_shard_bytes)
    return [list(range(len(items)))]


def _as_told(items: Sequence[Item], shard_of: Callable[[str], int]) -> list[list[int]]:
    told = [shard_of(key_to_text(item.key)) for item in items]
    if told and min(told) < 0:
        raise SelectionError(f"a shard's number is not negative, as {min(told)} is")
    shards: list[list[int]] = [[] for _ in range(max(told, default=0) + 1)]
    for place, shard in enumerate(told):
        shards[shard].append(place)
    return shards


def _balanced(items: Sequence[Item], num_shards: int) -> list[list[int]]:
    """Give each item, the largest first, to the shard that has least so far."""
    import heapq  # noqa: PLC0415 - few checkpoints are divided

    shards: list[list[int]] = [[] for _ in range(num_shards)]
    # The number of items comes second, so that empty tensors are spread as well.
    least = [(0, 0, shard) for shard in range(num_shards)]
    for place in _largest_first(items):
        nbytes, count, shard = heapq.heappop(least)
        shards[shard].append(place)
        heapq.heappush(least, (nbytes + items[place].nbytes, count + 1, shard))
    # Which shard is which must not depend on sizes alone: by their first items.
    return sorted(map(sorted, shards))


def _largest_first(items: Sequence[Item]) -> list[int]:
    return sorted(range(len(items)), key=lambda place: (-items[place].nbytes, place))


def _limited(items: Sequence[Item], max_bytes: int) -> list[list[int]]:
    """Balance over as few shards as keep to the limit; an item over it has one of its own."""
    large = [[place] for place, item in enumerate(items) if item.nbytes > max_bytes]
    rest = [place for place, item in enumerate(items) if item.nbytes <= max_bytes]
    total = sum(items[place].nbytes for place in rest)
    count = -(-total // max_bytes)
    while rest:
        shards = _balanced([items[place] for place in rest], max(1, min(count, len(rest))))
        sizes = [sum(items[rest[place]].nbytes for place in shard) for shard in shards]
        if max(sizes) <= max_bytes:
            large += [[rest[place] for place in shard] for shard in shards]
            break
        count += max(1, count // 100)
    return sorted(large) or [[]]


class _ObjectForm:
    """Puts tensors under the keys of a flat object graph, and the graph after the last.

    The graph is made from the names that came by.
    """

    def __init__(self, layout: Layout) -> None:
        self.aliases: dict[BundleKey, BundleKey] = {}
        self._names: list[str] = []
        self._save_counter = layout.save_counter
        self._is_both = layout.form is Format.BOTH

    def shards(self, shards: Iterable[Iterable[Item]]) -> Iterator[Iterator[Tensor]]:
        """Yield the tensors of each shard; one shard is looked ahead for the last."""
        coming = iter(shards)
        shard: Iterable[Item] | None = next(coming, ())
        while shard is not None:
            # Where shards are cut as items come, the next is only known to be
            # there when this one is done.
            done: list[Iterable[Item] | None] = []
            yield self._tensors(shard, coming, done)
            shard = done[0] if done else None

    def _tensors(
        self,
        items: Iterable[Item],
        coming: Iterator[Iterable[Item]],
        done: list[Iterable[Item] | None],
    ) -> Iterator[Tensor]:
        for item in items:
            yield from self._of_item(item)
            del item
        following = next(coming, None)
        done.append(following)
        if following is None:
            yield from _object_tensors(self._names, self._save_counter)

    def _of_item(self, item: Item) -> Iterator[Tensor]:
        from pbckpt.objects.flat import flat_variable_key  # noqa: PLC0415 - protobuf

        name = key_to_text(item.key)
        self._names.append(name)
        object_key = BundleKey(flat_variable_key(name).encode())
        if self._is_both:
            self.aliases[object_key] = item.key
        for tensor in item.tensors():
            if tensor.part is not None:
                raise SelectionError(
                    f"{name!r} is partitioned, which an object-based checkpoint has no form "
                    "for; join its slices (pbckpt edit --join-slices), or keep the names "
                    "(format name)"
                )
            yield tensor if self._is_both else tensor._replace(key=object_key)


def _object_tensors(names: list[str], save_counter: int | None) -> Iterator[Tensor]:
    from pbckpt.objects.flat import flat_graph, flat_variable_key  # noqa: PLC0415

    if save_counter is not None:
        counter = save_counter.to_bytes(8, "little", signed=True)
        key = BundleKey(flat_variable_key(SAVE_COUNTER).encode())
        yield Tensor(key, DataType.INT64, (), counter)
    graph = flat_graph(names, save_counter=save_counter is not None)
    yield Tensor(BundleKey(GRAPH_KEY), DataType.STRING, (), string_payload([graph]))
