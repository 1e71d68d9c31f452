"""Variables as they are put into a graph: what they are called, and what their values are now."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.rewrite.build import SEPARATOR

if TYPE_CHECKING:
    from pbckpt.dtypes import DataType


class VariableKind(Enum):
    """Which variables of TensorFlow a graph gets.

    RESOURCE is what TensorFlow 2 has alone, and 1.15 too; REF is what TensorFlow 1
    had from the start.
    """

    RESOURCE = "resource"
    REF = "ref"


class Slice(NamedTuple):
    """Which part of a partitioned variable a variable is; all numbers are of elements."""

    full_name: str
    full_shape: tuple[int, ...]
    offset: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def spec(self) -> str:
        """The slice as SaveV2 and RestoreV2 take it: ``10 4 0,5:0,4``."""
        extents = zip(self.offset, self.shape, strict=True)
        full = " ".join(map(str, self.full_shape))
        return f"{full} " + ":".join(f"{start},{size}" for start, size in extents)


class FrozenVariable(NamedTuple):
    """A variable that is to be put back.

    ``name`` is what it is to be called, ``key`` where the checkpoint has it.
    ``tensor`` is the tensor of the graph that has its value now, in a function
    ``FUNCTION::node``; empty for a variable that the graph has nothing of. ``stored``
    is the type in the checkpoint.
    """

    name: str
    key: str
    tensor: str
    dtype: DataType
    shape: tuple[int, ...]
    is_trainable: bool
    stored: DataType
    slice: Slice | None = None

    @property
    def function(self) -> str:
        """The function that its tensor is in; empty for the main graph."""
        return self.tensor.rpartition(SEPARATOR)[0]

    @property
    def is_in_graph(self) -> bool:
        """Whether its value is a tensor of the main graph."""
        return bool(self.tensor) and not self.function


class ThawedVariable(NamedTuple):
    """A variable that is back in the graph: ``name`` is its node's by now.

    ``is_stored`` unless it was a variable all the time, of which the checkpoint that the
    graph belongs to has no value.
    """

    frozen: FrozenVariable
    name: str
    initializer: str
    initial_value: str
    snapshot: str
    is_resource: bool
    is_stored: bool = True
