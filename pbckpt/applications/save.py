"""Save: names and arrays become a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pbckpt.checkpoints.layout import Arrangement, Item, Layout, arrange, arrange_stream
from pbckpt.checkpoints.write import Progress, WrittenBundle, no_progress, write_bundle
from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey, Prefix, key_to_bytes
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator


DEFAULT_LAYOUT = Layout()


def save_checkpoint(  # noqa: PLR0913 - all but two have defaults
    tensors: Mapping[str, object] | Iterable[tuple[str, object]],
    prefix: str | os.PathLike[str],
    *,
    layout: Layout = DEFAULT_LAYOUT,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    progress: Progress = no_progress,
) -> WrittenBundle:
    """Write arrays as the checkpoint ``prefix``, under their names.

    A value is an array (anything with the buffer protocol, ``__array__`` or
    DLPack), a function that returns one when its turn comes, a `LazyTensor` or
    a `Partitioned`. From a mapping, one value is taken at a time, in the order
    of the names: the files are those that TensorFlow's Saver writes for the same
    names and arrays, byte for byte. Pairs of name and value are written in the
    order in which they come, and each is forgotten when it was written.
    ``progress`` is told 0 bytes in all where that is not known beforehand: of
    pairs, functions, and mappings that make their values. Raises SelectionError
    for a name or a value that cannot be stored, PathError, WriteError.
    """
    target = Prefix.parse(prefix)
    target.check_writable()
    shards, aliases = _arranged(tensors, layout)
    return write_bundle(
        shards,
        0 if progress is no_progress else _nbytes(tensors),
        target,
        on_existing=OnExisting(on_existing),
        durability=Durability(durability),
        aliases=aliases,
        progress=progress,
    )


def _nbytes(tensors: Mapping[str, object] | Iterable[tuple[str, object]]) -> int:
    """Return about how many bytes there are in all; 0 where that is not known."""
    from pbckpt.arrays.values import nbytes_of_value  # noqa: PLC0415 - numpy, when needed

    if not isinstance(tensors, dict):
        return 0
    try:
        return sum(nbytes_of_value(_key_of(name), value) for name, value in tensors.items())
    except SelectionError:
        return 0


def _arranged(
    tensors: Mapping[str, object] | Iterable[tuple[str, object]], layout: Layout
) -> Arrangement:
    if not isinstance(tensors, Mapping):
        return arrange_stream(_items_of_pairs(iter(tensors), layout), layout)
    names = _names_by_key(tensors)
    if layout == DEFAULT_LAYOUT:
        from pbckpt.arrays.values import tensors_of_mapping  # noqa: PLC0415 - numpy, when needed

        return Arrangement([tensors_of_mapping(tensors, names)], {})
    return arrange([_item(key, tensors, name, layout) for key, name in names.items()], layout)


def _item(key: BundleKey, tensors: Mapping[str, object], name: str, layout: Layout) -> Item:
    from pbckpt.arrays.values import nbytes_of_value, tensors_of_value  # noqa: PLC0415

    nbytes = nbytes_of_value(key, tensors[name]) if layout.is_divided else 0
    return Item(key, nbytes, lambda: tensors_of_value(key, tensors[name]), key)


def _items_of_pairs(pairs: Iterator[tuple[str, object]], layout: Layout) -> Iterator[Item]:
    """Yield an item for each pair, and hold no value while the next one is being made."""
    from pbckpt.arrays.values import nbytes_of_value, tensors_of_value  # noqa: PLC0415

    for pair in pairs:
        try:
            name, value = pair
        except (TypeError, ValueError):
            raise SelectionError(f"not a pair of name and array: {pair!r:.80}") from None
        del pair
        key = _key_of(name)
        nbytes = nbytes_of_value(key, value) if layout.is_divided else 0
        item = Item(key, nbytes, partial(tensors_of_value, key, value), key)
        del value
        yield item
        del item


def _names_by_key(tensors: Mapping[str, object]) -> dict[BundleKey, str]:
    given: list[Any] = list(tensors)
    # As nearly always: text that is ASCII, so that different names are different bytes.
    try:
        joined = "\0".join(given)
    except TypeError:
        joined = ""
    keys: list[Any] = joined.encode().split(b"\0") if joined.isascii() else []
    names: dict[BundleKey, str] = {}
    if len(keys) == len(given) and b"" not in keys:
        names = dict(zip(keys, given, strict=True))
        if len(names) == len(given):
            return names
        names.clear()
    for name in given:
        other = names.setdefault(_key_of(name), name)
        if other is not name:
            raise SelectionError(f"the names {other!r} and {name!r} are the same bytes")
    return names


def _key_of(name: str) -> BundleKey:
    if not name or not hasattr(name, "encode"):
        raise SelectionError(f"a tensor's name is text that is not empty, not {name!r}")
    return key_to_bytes(name)
