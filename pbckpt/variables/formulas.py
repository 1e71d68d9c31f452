"""Formulas: values that are computed from constants alone, and what they are made of.

    Const W --.
              Mul ---------------> Conv2D filter      W is the filter's variable
    Const c --'

A network that scales its weights as it runs, by a gain, by their own norm or by
their largest singular value, gives its convolution what it has computed, and the
variable sits one or more operations before that. Which of several constants is
the variable, its size tells: the others are gains, axes and epsilons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators import argument_name
from pbckpt.variables.network import CONSTANT_OP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pbckpt.variables.walk import Walker

# How many nodes a formula may have, its constants included.
_MAX_NODES = 48
_MAX_EDGES = 32 * _MAX_NODES
# What makes a new array of the sizes, places or types it is given.
_MAKERS = frozenset(("Fill", "Range", "LinSpace", "OneHot", "Shape", "ZerosLike", "OnesLike"))


class Formula(NamedTuple):
    """The constants that a value is made of: the largest, and other arrays."""

    main: int
    factors: tuple[int, ...]


class Formulas:
    """Looks formulas up, each once."""

    def __init__(self, walker: Walker, sizes: Mapping[int, int]) -> None:
        """``sizes`` are how many elements the constants have that are arrays of numbers."""
        self._walker = walker
        self._sizes = sizes
        self._found: dict[int, Formula | None] = {}

    def of(self, producer: tuple[int, int]) -> Formula | None:
        """Return what a value is computed from; None of data, or where that is not told."""
        number = producer[0]
        if number < 0 or not self._walker.constant_only[number]:
            return None
        if number not in self._found:
            self._found[number] = self._look(number)
        return self._found[number]

    def _look(self, number: int) -> Formula | None:
        arrays = [one for one in self._constants(number) if one in self._sizes]
        if not arrays:
            return None
        main = max(arrays, key=lambda one: (self._sizes[one], -one))
        return Formula(main, tuple(one for one in arrays if one != main))

    def _constants(self, number: int) -> list[int]:
        """Return the constants behind a node, nearest first; none of a long formula."""
        network = self._walker.network
        seen = {number: None}
        waiting = [number]
        edges = 0
        for place in range(_MAX_NODES + 1):
            if place >= len(waiting):
                return [one for one in waiting if network.ops[one] == CONSTANT_OP]
            one = waiting[place]
            op = network.ops[one]
            if op in _MAKERS:
                continue
            inputs = network.inputs[one]
            edges += len(inputs)
            if edges > _MAX_EDGES or len(waiting) > _MAX_NODES:
                return []
            for slot, (source, _) in enumerate(inputs):
                is_new = source >= 0 and source not in seen
                if is_new and argument_name(op, slot, len(inputs)) is None:
                    seen[source] = None
                    waiting.append(source)
        return []
