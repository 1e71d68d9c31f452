"""Like items: the tensors of a result that has a target's form, ready to be laid out.

matched     the graph's bytes; parts as slices, whole ones cut where the target is
kept        the target's own bytes
zeros, ones repeated bytes, none of which is held
set         what was written down
objects     the target's graph, as it is
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pbckpt.applications.convert import stored_tensor
from pbckpt.applications.like import Fill
from pbckpt.bundle.entry import Extent
from pbckpt.bundle.payload import Part, Payload, Tensor, string_payload
from pbckpt.bundle.slices import bounds, part_shape, slice_key
from pbckpt.checkpoints.layout import Item
from pbckpt.checkpoints.settings import item_of_setting
from pbckpt.dtypes import DataType
from pbckpt.edits.settings import Setting
from pbckpt.errors import LimitError, SelectionError
from pbckpt.names import BundleKey, key_to_bytes
from pbckpt.objects.keys import GRAPH_KEY
from pbckpt.shapes import count_elements
from pbckpt.wire.span import repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.applications.like import Filled, MatchPlan
    from pbckpt.applications.targets import OpenTarget
    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.graph.decode import Limits
    from pbckpt.matching.match import Pair
    from pbckpt.matching.sides import Source, Target
    from pbckpt.variables.variable import Variable

_AFTER_ALL = b"\xff" * 17
_STRING_COST = 64


class LikeItems:
    """The items of a plan without problems."""

    def __init__(
        self,
        opened: OpenTarget,
        plan: MatchPlan,
        variables: Mapping[str, Variable],
        limits: Limits,
    ) -> None:
        """Raise LimitError for values that a target asks for beyond ``limits``."""
        self._opened = opened
        self._plan = plan
        self._variables = variables
        made = sum(_size(one.target) for one in plan.report.filled if _is_made(one))
        if made > limits.max_expanded_bytes:
            raise LimitError(
                "the bytes of zeros and ones that the target asks for",
                limit="max_expanded_bytes",
                value=made,
                maximum=limits.max_expanded_bytes,
                advice="raise it with --max-expanded-bytes",
            )
        self.nbytes = sum(one.nbytes for one in self.variables()) + sum(
            _size(one.target) for one in plan.report.filled
        )
        """About how long all is."""

    def variables(self) -> tuple[Variable, ...]:
        """Return what is stored of the graph, with the keys and types that it gets."""
        found = (
            self._variable(key, pair.target)
            for pair in self._plan.report.pairs
            for key in _keys(pair.source)
        )
        return tuple(sorted(found, key=lambda one: key_to_bytes(one.key)))

    def _variable(self, key: str, target: Target) -> Variable:
        variable = self._variables[key]._replace(key=target.key)
        if target.dtype is None or target.dtype is variable.dtype:
            return variable
        return variable._replace(cast=target.dtype)

    def items(self) -> list[Item]:
        """Return everything that is to be written, in no order."""
        items = [self._of_pair(pair) for pair in self._plan.report.pairs]
        items += [self._of_filled(one) for one in self._plan.report.filled]
        if self._opened.graph is not None:
            data = self._opened.graph.encode()
            key = BundleKey(GRAPH_KEY)
            graph = partial(_graph_tensor, key, data)
            items.append(Item(key, len(data), graph, _AFTER_ALL))
        return items

    def _of_pair(self, pair: Pair) -> Item:
        key = key_to_bytes(pair.target.key)
        variables = [self._variable(one, pair.target) for one in _keys(pair.source)]
        nbytes = sum(one.nbytes for one in variables)
        tensors = partial(_pair_tensors, pair, variables)
        return Item(key, nbytes, tensors, self._opened.data_order(key))

    def _of_filled(self, filled: Filled) -> Item:
        target = filled.target
        key = key_to_bytes(target.key)
        order = self._opened.data_order(key)
        if filled.fill is Fill.SET:
            return item_of_setting(self._plan.settings[target.key])._replace(order=order)
        stored = self._opened.stored
        if filled.fill is Fill.KEPT:
            if stored is None:
                raise SelectionError(f"{self._opened.path} has no value of {target.key!r} to keep")
            return Item(key, _size(target), partial(stored.tensors, key, key), order)
        return Item(key, _size(target), partial(_made_tensors, key, filled), order)


def _keys(source: Source) -> tuple[str, ...]:
    return source.parts or (source.key,)


def _size(target: Target) -> int:
    count = count_elements(target.shape or ()) or 0
    itemsize = target.dtype.itemsize if target.dtype else 0
    return count * (itemsize or _STRING_COST)


def _is_made(filled: Filled) -> bool:
    return filled.fill in (Fill.ZEROS, Fill.ONES)


def _slices(target: Target) -> tuple[TensorSlice, ...]:
    return tuple(tuple(Extent(*extent) for extent in one) for one in target.slices)


def _pair_tensors(pair: Pair, variables: Sequence[Variable]) -> Iterator[Tensor]:
    key = key_to_bytes(pair.target.key)
    tensors = [stored_tensor(one) for one in variables]
    slices = _slices(pair.target)
    if len(tensors) == 1 and not slices:
        return iter(tensors)
    if slices and len(tensors) > 1:
        placed = _as_slices(key, tensors, pair.source, slices)
        if placed is not None:
            return iter(placed)
    from pbckpt.arrays.parts import cut_tensor, joined_tensor  # noqa: PLC0415 - numpy

    whole = joined_tensor(tensors, pair.source.axis) if len(tensors) > 1 else tensors[0]
    return cut_tensor(whole, slices) if slices else iter([whole])


def _as_slices(
    key: BundleKey, tensors: Sequence[Tensor], source: Source, slices: Sequence[TensorSlice]
) -> list[Tensor] | None:
    """Return the parts of a graph as the slices of the target, where they are the same."""
    boxes = {}
    start = 0
    for tensor in tensors:
        box = [(0, size) for size in source.shape]
        box[source.axis] = start, start + tensor.shape[source.axis]
        start = box[source.axis][1]
        boxes[tuple(box)] = tensor
    wanted = {bounds(source.shape, one): one for one in slices}
    if boxes.keys() != wanted.keys():
        return None
    return [
        boxes[box]._replace(key=BundleKey(slice_key(key, one)), part=Part(key, source.shape, one))
        for box, one in wanted.items()
    ]


def _made_tensors(key: BundleKey, filled: Filled) -> Iterable[Tensor]:
    """Yield zeros or ones, in slices where the target has them."""
    target = filled.target
    if target.dtype is None or target.shape is None:
        raise SelectionError(f"{target.key!r}: its type and shape are not known")
    slices = _slices(target)
    if not slices:
        yield Tensor(key, target.dtype, target.shape, _made(target.dtype, target.shape, filled))
    for one in slices:
        shape = part_shape(target.shape, one)
        payload = _made(target.dtype, shape, filled)
        part = Part(key, target.shape, one)
        yield Tensor(BundleKey(slice_key(key, one)), target.dtype, shape, payload, part)


def _made(dtype: DataType, shape: tuple[int, ...], filled: Filled) -> Payload:
    count = count_elements(shape) or 0
    if dtype is DataType.STRING:
        return string_payload([], count)
    element = bytes(dtype.itemsize)
    if filled.fill is Fill.ONES:
        (one,) = item_of_setting(Setting.of("one", dtype, 1)).tensors()
        element = one.payload if isinstance(one.payload, bytes) else element
    return Payload(repeated(element, count * dtype.itemsize))


def _graph_tensor(key: BundleKey, data: bytes) -> list[Tensor]:
    return [Tensor(key, DataType.STRING, (), string_payload([data]))]
