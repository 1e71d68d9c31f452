"""Limits: what an evaluation may ask for, and the ledger that holds it to that.

A Fill of twenty bytes can claim to be a tensor of any size, so every operation
asks for room before it allocates. An array that is a view of another one takes
no memory of its own: what is counted is the array that owns the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pbckpt.errors import LimitError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class EvaluationLimits(NamedTuple):
    """What the evaluation of one tensor may ask for at most; LimitError beyond it.

    ``max_bytes`` bounds what all tensors that are held at one time take, and
    ``max_work`` how many elements are computed in all; of a product of matrices
    and of a reduction, those that go in count.
    """

    max_bytes: int = 4 << 30
    max_work: int = 1 << 36


DEFAULT_LIMITS = EvaluationLimits()


class Ledger:
    """What one evaluation holds and has done, against its limits."""

    def __init__(self, limits: EvaluationLimits) -> None:
        """Start with nothing held and nothing done."""
        self._limits = limits
        self._held = 0
        self._work = 0
        # Users and size of each array that owns bytes, by its identity.
        self._owners: dict[int, list[int]] = {}

    def reserve(self, nbytes: int, what: str) -> None:
        """Raise LimitError where ``nbytes`` more than what is held are too many."""
        if self._held + nbytes > self._limits.max_bytes:
            raise LimitError(
                f"the memory to evaluate {what}",
                limit="max_bytes",
                value=self._held + nbytes,
                maximum=self._limits.max_bytes,
            )

    def work(self, elements: int, what: str) -> None:
        """Count elements to be computed. Raises LimitError where they are too many."""
        self._work += elements
        if self._work > self._limits.max_work:
            raise LimitError(
                f"the elements to compute for {what}",
                limit="max_work",
                value=self._work,
                maximum=self._limits.max_work,
            )

    def hold(self, array: Array) -> None:
        """Count an array that is kept."""
        owner = _owner(array)
        users = self._owners.setdefault(id(owner), [0, owner.nbytes])
        users[0] += 1
        if users[0] == 1:
            self._held += users[1]

    def drop(self, array: Array) -> None:
        """Take back a `hold` of this array."""
        key = id(_owner(array))
        users = self._owners[key]
        users[0] -= 1
        if users[0] == 0:
            self._held -= users[1]
            del self._owners[key]


def _owner(array: Array) -> Array:
    """Return the array that owns the memory which this one looks at."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array
