"""Calls: one node about to be computed, with its inputs, its attrs and the room it may take.

What an operation needs to know goes through here, so that a damaged node is the
same error wherever it is noticed, and nothing is allocated without asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import InvalidGraphError, UnsupportedGraphError
from pbckpt.shapes import count_elements

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from pbckpt.evaluation.limits import Ledger
    from pbckpt.graph.decode import Node
    from pbckpt.protos import AttrValue

    Array = npt.NDArray[Any]

# What an operation may need beside its result, in results of its own.
_SLACK = 2
# numpy itself has no arrays of more dimensions.
MAX_NUMPY_RANK = 32
_NO_NUMBERS = frozenset(
    (
        DataType.BOOL,
        DataType.STRING,
        DataType.QINT8,
        DataType.QUINT8,
        DataType.QINT16,
        DataType.QUINT16,
        DataType.QINT32,
        DataType.INT4,
        DataType.UINT4,
        DataType.INT2,
        DataType.UINT2,
        DataType.FLOAT4_E2M1FN,
    )
)


class Call:
    """A node, the arrays that go into it, and the types of what comes out."""

    def __init__(
        self, node: Node, inputs: Sequence[Array], results: Sequence[DataType], ledger: Ledger
    ) -> None:
        """Take the inputs in order, their number and types being those of the signature."""
        self.node = node
        self.op = node.op
        self.inputs = inputs
        self.results = results
        self._ledger = ledger

    # -- errors

    def invalid(self, fact: str) -> InvalidGraphError:
        """Return the error of a node that TensorFlow would refuse too."""
        return InvalidGraphError(f"{self.op}: {fact}", node_name=self.node.name)

    def unsupported(self, fact: str) -> UnsupportedGraphError:
        """Return the error of a node that TensorFlow may compute, but this cannot."""
        return UnsupportedGraphError(
            f"node {self.node.name!r}: {self.op} {fact}, which is not computed here",
            node_name=self.node.name,
            op=self.op,
        )

    # -- room

    def room(self, shape: Sequence[int], dtype: np.dtype[Any] | None = None) -> tuple[int, ...]:
        """Return the shape of an array about to be made, of the result's type by default.

        Raises InvalidGraphError for a shape that no tensor has, LimitError where
        there is no room for it.
        """
        sizes = tuple(int(size) for size in shape)
        count = count_elements(sizes)
        if count is None:
            raise self.invalid(f"the impossible shape {list(sizes)[:8]}")
        if len(sizes) > MAX_NUMPY_RANK:
            raise self.unsupported(f"has {len(sizes)} dimensions")
        itemsize = (dtype or self.dtype()).itemsize
        what = f"node {self.node.name!r}"
        self._ledger.reserve(count * itemsize * _SLACK, what)
        self._ledger.work(count, what)
        return sizes

    def work(self, elements: int) -> None:
        """Count elements that are computed beyond those of the result."""
        self._ledger.work(elements, f"node {self.node.name!r}")

    def reserve(self, nbytes: int) -> None:
        """Ask for memory beside the result."""
        self._ledger.reserve(nbytes, f"node {self.node.name!r}")

    def dtype(self, at: int = 0) -> np.dtype[Any]:
        """Return the numpy type of a result."""
        return numpy_dtype(self.results[at])

    # -- inputs

    def scalar(self, at: int) -> Any:  # noqa: ANN401 - an int, a float, a bool
        """Return an input of one element as a Python number."""
        if self.inputs[at].size != 1:
            raise self.invalid(f"input {at} is {self._described(at)}, where a scalar is wanted")
        return self.inputs[at].reshape(()).item()

    def ints(self, at: int, *, length: int | None = None) -> list[int]:
        """Return an input of integers that is a vector."""
        array = self.inputs[at]
        if array.ndim != 1 or (length is not None and array.size != length):
            wanted = "a vector" if length is None else f"a vector of {length}"
            raise self.invalid(f"input {at} is {self._described(at)}, where {wanted} is wanted")
        self.work(array.size)
        return [int(number) for number in array.tolist()]

    def axis(self, value: int, rank: int) -> int:
        """Return an axis counted from the front."""
        if not -rank <= value < rank:
            raise self.invalid(f"axis {value} of a tensor of {rank} dimensions")
        return value + rank if value < 0 else value

    def axes(self, values: Sequence[int], rank: int) -> tuple[int, ...]:
        """Return axes counted from the front, none of them twice."""
        if len(values) > rank:
            raise self.invalid(f"{len(values)} axes of a tensor of {rank} dimensions")
        found = tuple(self.axis(value, rank) for value in values)
        if len(set(found)) != len(found):
            raise self.invalid(f"the axes {list(values)}, one of them twice")
        return found

    def broadcast(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that shapes broadcast to."""
        rank = max((len(shape) for shape in shapes), default=0)
        sizes = [1] * rank
        for shape in shapes:
            for at, size in enumerate(shape, rank - len(shape)):
                if size not in (1, sizes[at]):
                    if sizes[at] != 1:
                        told = " and ".join(map(str, map(list, shapes)))
                        raise self.invalid(f"the shapes {told} do not fit each other")
                    sizes[at] = size
        return tuple(sizes)

    def _described(self, at: int) -> str:
        return f"of shape {list(self.inputs[at].shape)[:8]}"

    def check_numbers(self) -> None:
        """Raise UnsupportedGraphError where the result's type is none to compute with."""
        if self.results[0] in _NO_NUMBERS:
            raise self.unsupported(f"of type {self.results[0].label}")

    # -- attrs

    def _attr(self, name: str, kind: str) -> AttrValue | None:
        value = self.node.definition.attr.get(name)
        if value is not None and value.WhichOneof("value") != kind:
            raise self.invalid(f"the attr {name} is no {kind}")
        return value

    def has(self, name: str) -> bool:
        """Tell whether the node has an attr."""
        return name in self.node.definition.attr

    def flag(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - its value
        """Return an attr that is true or false."""
        value = self._attr(name, "b")
        return default if value is None else value.b

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an attr that is an integer."""
        value = self._attr(name, "i")
        if value is not None:
            return int(value.i)
        if default is None:
            raise self.invalid(f"no attr {name}")
        return default

    def number(self, name: str, default: float) -> float:
        """Return an attr that is a number."""
        value = self._attr(name, "f")
        return default if value is None else value.f

    def text(self, name: str, default: str) -> str:
        """Return an attr that is a word."""
        value = self._attr(name, "s")
        return default if value is None else value.s.decode("utf-8", "replace")

    def int_list(self, name: str) -> list[int]:
        """Return an attr that is a list of integers; empty where there is none."""
        value = self._attr(name, "list")
        return [] if value is None else [int(number) for number in value.list.i]
