"""Sight: one constant and all that is seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators import fused_role, takes_fused_arguments, weight_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.operators.roles import Role
    from pbckpt.variables.evidence import Evidence
    from pbckpt.variables.network import Network
    from pbckpt.variables.structure import Part
    from pbckpt.variables.traces import Trace
    from pbckpt.variables.walk import Reach, Use

_NONE: tuple[Part, ...] = ()


class Sight:
    """A constant: its value, where that goes, and what is known of the places.

    ``tensor`` is None for a value that cannot be stored, and ``problem`` says why.
    ``last_name`` is the last component of the node's name, ``rank`` the number of
    dimensions. What its uses say for it, what speaks against it in any graph, and what
    its numbers say, many rules may want to know: it is kept, None before it was asked.
    """

    __slots__ = (
        "_roles",
        "by_numbers",
        "by_uses",
        "last_name",
        "name",
        "network",
        "number",
        "parts",
        "plain_doubts",
        "problem",
        "rank",
        "reach",
        "tensor",
        "traces",
    )

    def __init__(
        self,
        number: int,
        network: Network,
        tensor: ConstantTensor | None,
        reach: Reach,
        traces: list[Trace],
    ) -> None:
        """See the constant ``number``; ``parts`` are filled in when all constants were seen."""
        self.number = number
        self.network = network
        self.name = network.names[number]
        self.last_name = self.name.rpartition("/")[2]
        self.tensor = tensor
        self.rank = len(tensor.shape) if tensor is not None else 0
        self.problem = ""
        self.reach = reach
        self.traces = traces
        self.parts: tuple[Part, ...] | list[Part] = _NONE
        self._roles: tuple[tuple[Use, Role], ...] | None = None
        self.by_uses: Sequence[Evidence] | None = None
        self.plain_doubts: Sequence[Evidence] | None = None
        self.by_numbers: Sequence[Evidence] | None = None

    def roles(self) -> tuple[tuple[Use, Role], ...]:
        """Return the uses in which ops take weights, and as what."""
        if self._roles is None:
            network = self.network
            self._roles = tuple(
                [
                    (use, role)
                    for use in self.reach.uses
                    if (role := use_role(network, use)) is not None
                ]
            )
        return self._roles

    def describe(self, use: Use) -> str:
        """Return a use in words."""
        return self.network.describe(use.node)


def use_role(network: Network, use: Use) -> Role | None:
    """Return what a constant is to the op that uses it, as far as the op tells."""
    op = network.ops[use.node]
    if takes_fused_arguments(op):
        names = network.fused_ops(use.node)
        if names is not None:
            return fused_role(op, use.slot, names)
    return weight_role(op, use.slot, len(network.inputs[use.node]))


class Scene(NamedTuple):
    """What is known of the graph as a whole when a constant is judged.

    ``marked`` is how many constants bear the trace of a read, if freezing left it
    on most of those that could be weights; 0 where nothing is to be made of that.
    ``has_names`` unless a tool has taken away the names that TensorFlow gave;
    ``names_weights`` unless all weights are called Const, as some converters leave
    them. ``reads`` are the constants that an Identity of any name reads, if that is
    what tells the weights of a graph whose names are lost.
    """

    marked: int = 0
    has_names: bool = False
    names_weights: bool = True
    reads: frozenset[int] = frozenset()
