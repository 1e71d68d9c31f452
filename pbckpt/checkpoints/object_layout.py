"""Object layout: tensors under the keys of an object graph that is kept and changed with them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.payload import Tensor, string_payload
from pbckpt.checkpoints.layout import Arrangement, Format, Item, Layout, arrange
from pbckpt.checkpoints.settings import item_of_setting
from pbckpt.dtypes import DataType
from pbckpt.edits.settings import Setting
from pbckpt.errors import SelectionError
from pbckpt.names import BundleKey, key_to_bytes, key_to_text
from pbckpt.objects.keys import GRAPH_KEY, SAVE_COUNTER, key_of_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pbckpt.checkpoints.candidates import Found
    from pbckpt.edits.plan import EditPlan, Planned
    from pbckpt.objects.graph import ObjectGraph

_AFTER_ALL = b"\xff" * 17


class ObjectLayout(NamedTuple):
    """The tensors of a checkpoint, the graph of their objects, and how both are to be stored.

    ``form`` is the one that the checkpoint has. ``item(planned, key)`` is a
    tensor to be stored under a key, ``order(planned)`` what to sort it by.
    """

    graph: ObjectGraph
    tensors: Sequence[Found]
    form: Format
    layout: Layout
    item: Callable[[Planned, BundleKey], Item]
    order: Callable[[Planned], bytes]

    def arranged(self, plan: EditPlan) -> Arrangement:
        """Lay out what was planned. Raises SelectionError for what objects have no place for."""
        self._refuse_new_objects(plan)
        _refuse_copies(plan)
        changes: dict[str, str | None] = {one.object_key: None for one in self.tensors}
        aliases: dict[BundleKey, BundleKey] = {}
        items: list[Item] = []
        for planned in plan.tensors:
            found = self.tensors[planned.source]
            new_key = key_to_bytes(self._object_key(planned))
            if self._has_plain_name(found):
                aliases[key_to_bytes(planned.new)] = new_key
            changes[found.object_key] = key_to_text(new_key)
            items.append(self.item(planned, new_key)._replace(order=self.order(planned)))
        for setting in self._object_settings(plan.settings):
            found = next(one for one in self.tensors if setting.name in one.names)
            if self._has_plain_name(found):
                aliases[key_to_bytes(found.names[0])] = key_to_bytes(found.object_key)
            changes[found.object_key] = found.object_key
            items = [item for item in items if item.key != key_to_bytes(found.object_key)]
            items.append(item_of_setting(setting._replace(name=found.object_key)))
        changes.pop("", None)
        edited = self.graph.edited(changes)
        if self.layout.save_counter is not None and SAVE_COUNTER not in self._names():
            edited = edited.with_save_counter()
            items.append(self._counter(key_of_path(SAVE_COUNTER)))
        data = edited.encode()
        last = Item(BundleKey(GRAPH_KEY), len(data), lambda: [_graph_tensor(data)], _AFTER_ALL)
        layout = self.layout._replace(format=Format.NAME, save_counter=None)
        return arrange([*items, last], layout)._replace(aliases=aliases)

    def _names(self) -> set[str]:
        return {one.names[0] for one in self.tensors}

    def _has_plain_name(self, found: Found) -> bool:
        """Tell whether a tensor is stored under a plain name as well as under its object's."""
        if self.layout.form is not Format.BOTH or not found.object_key:
            return False
        is_only_object = self.form is Format.BOTH and found.key == key_to_bytes(found.object_key)
        return not is_only_object and found.names[0] != SAVE_COUNTER

    def _object_settings(self, settings: Sequence[Setting]) -> list[Setting]:
        """Return what is set, the number of saves included."""
        counter = self.layout.save_counter
        if counter is None or SAVE_COUNTER not in self._names():
            return list(settings)
        return [*settings, Setting.of(SAVE_COUNTER, DataType.INT64, counter)]

    def _counter(self, key: str) -> Item:
        return item_of_setting(Setting.of(key, DataType.INT64, self.layout.save_counter))

    def _object_key(self, planned: Planned) -> str:
        """Return the key that a tensor gets; a new path is a new key."""
        found = self.tensors[planned.source]
        if not found.object_key:
            return planned.new
        keeps = self.layout.form is Format.BOTH or planned.old == planned.new
        return found.object_key if keeps else key_of_path(planned.new)

    def _refuse_new_objects(self, plan: EditPlan) -> None:
        known = {name for one in self.tensors if one.object_key for name in one.names}
        new = [setting.name for setting in plan.settings if setting.name not in known]
        if new:
            raise SelectionError(
                f"--set cannot add {', '.join(map(repr, new))} to an object-based checkpoint: no "
                "object would own it; make it name-based with --format name",
                unknown=new,
            )


def _refuse_copies(plan: EditPlan) -> None:
    """Raise SelectionError for tensors under two names: an object has one place."""
    counts = Counter(one.source for one in plan.tensors)
    twice = [repr(one.new) for one in plan.tensors if counts[one.source] > 1]
    if twice:
        raise SelectionError(
            f"--ema from-raw stores tensors under two names ({', '.join(twice[:6])}), and an "
            "object has one; make the checkpoint name-based with --format name"
        )


def _graph_tensor(graph: bytes) -> Tensor:
    return Tensor(BundleKey(GRAPH_KEY), DataType.STRING, (), string_payload([graph]))
