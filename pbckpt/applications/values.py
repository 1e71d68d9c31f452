"""Values: what a user asks of the values that are stored.

quantized    float     weights that a tool made smaller, integers or halves, come back as
                       what the graph makes of them
             stored    as the graph has them, under the names of their nodes
partitions   slices    a variable that was cut into parts is stored as TensorFlow 1
                       does: under its own name, in slices
             merged    under its own name, whole
             parts     each part under a name of its own
tensors                more tensors that are computed of constants alone
names        graph     by the names that the graph says, or that were derived
             keras     by the words that Keras has for what they are
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from pbckpt.variables.keras import Names


class Quantized(Enum):
    """What becomes of weights that a tool made integers or halves of."""

    FLOAT = "float"
    STORED = "stored"


class Partitions(Enum):
    """How a variable is stored that was frozen part by part."""

    SLICES = "slices"
    MERGED = "merged"
    PARTS = "parts"


class Values(NamedTuple):
    """How values are stored, and what is stored beside the variables.

    ``partitions`` None is slices, and whole ones in object-based checkpoints, which
    have no slices. ``tensors`` are names of tensors: ``NAME`` or ``NAME:k``, in a
    function ``FUNCTION::NAME``. ``names`` tells whose words variables are called by.
    """

    quantized: Quantized = Quantized.FLOAT
    partitions: Partitions | None = None
    tensors: tuple[str, ...] = ()
    names: Names = Names.GRAPH


DEFAULT_VALUES = Values()
