"""Calls: ops that run functions, and how their inputs become arguments.

    op input slot    0    1    2    3                 If: first=1
                   cond   a    b    c
    argument              0    1    2    of then_branch and of else_branch

    op input slot    0      1     2     3    4        For: first=3, argument=1
                   start limit delta   a    b
    argument         (0 is the count)   1    2    of body

A node whose op is itself the name of a function of the library calls that one, with its
inputs as arguments (`DIRECT_CALL`). A loop's results come round as arguments, in the same order.

Left out: functions of datasets and iterators, reducers and comparators of XLA,
replicated computations of TPUs. No weights go in there, or not slot by slot.

The trap: SymbolicGradient's inputs are the function's arguments and then as many
gradients as it has results, and what it puts out are gradients, no results.
"""

from __future__ import annotations

from typing import NamedTuple


class Call(NamedTuple):
    """How an op runs functions.

    ``functions`` are the attributes that name them, ``returns`` those of them
    whose results are the op's outputs. Input slot ``first`` becomes argument
    ``argument``, and so on; ``last`` slots at the end are the op's own.
    """

    functions: tuple[str, ...]
    returns: tuple[str, ...]
    first: int = 0
    argument: int = 0
    last: int = 0
    loops: bool = False

    def argument_of(self, slot: int, num_inputs: int) -> int | None:
        """Return which argument of each function an input slot becomes, or None."""
        if self.first <= slot < num_inputs - self.last:
            return slot - self.first + self.argument
        return None

    def slot_of_result(self, output: int) -> int | None:
        """Return which input slot a result of a loop comes round to."""
        return output + self.first if self.loops else None


_BRANCHES = ("then_branch", "else_branch")
_IF = Call(_BRANCHES, _BRANCHES, first=1)
_CASE = Call(("branches",), ("branches",), first=1)
_WHILE = Call(("cond", "body"), ("body",), loops=True)
_PARTITIONED = Call(("f",), ("f",))
_XLA = Call(("function",), ("function",))

# A node whose op is the name of a function in the graph's library: it runs that.
DIRECT_CALL = Call((), ())

CALLS = {
    "BatchFunction": _PARTITIONED,
    "Case": _CASE,
    "For": Call(("body",), ("body",), first=3, argument=1, loops=True),
    "If": _IF,
    "MapDefun": _PARTITIONED,
    "PartitionedCall": _PARTITIONED,
    "RemoteCall": Call(("f",), ("f",), first=1),
    "RiscWhile": _WHILE,
    "StatefulPartitionedCall": _PARTITIONED,
    "StatelessCase": _CASE,
    "StatelessIf": _IF,
    "StatelessWhile": _WHILE,
    "SymbolicGradient": Call(("f",), ()),
    "TPUPartitionedCall": Call(("f",), ("f",), last=1),
    "While": _WHILE,
    "XlaIf": _IF,
    "XlaLaunch": _XLA,
    "XlaLaunchV2": _XLA,
    "XlaWhile": _WHILE,
    "_If": _IF,
    "_While": _WHILE,
}
