"""Constancy: which nodes have a value that depends on nothing but constants.

    Const a --.
              Add ---> Rsqrt        known: a, b, Add, Rsqrt
    Const b --'          |
                         Mul        not known, for x is data
    Placeholder x -------'

Such a value is the same at every step. What draws random numbers, reads a state or
calls a function is not looked into, whatever goes in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbckpt.variables.network import Network

# Their results are not the same each time, though all that goes in is constant.
_RESTLESS = re.compile(
    "Random|Truncated|Parameterized|Multinomial|Read|Var|Queue|Stack|TensorArray|TensorList|Lookup"
    "|Hash|Iterator|Py|Eager|While|If|Case|.*PartitionedCall|_|Enter|Exit|Next|Merge|Ref"
)


def constant_only(network: Network) -> bytearray:
    """Return, for each node, 1 if its value depends on nothing but constants."""
    size = len(network)
    known = bytearray(size)
    unknown_inputs = [len(inputs) for inputs in network.inputs]
    ready = list(network.constants())
    for number in ready:
        known[number] = 1
    restless: dict[str, bool] = {}
    while ready:
        number = ready.pop()
        for output in network.outputs(number):
            for taker, _ in network.consumers(number, output):
                unknown_inputs[taker] -= 1
                if unknown_inputs[taker] == 0:
                    op = network.ops[taker]
                    if op not in restless:
                        restless[op] = _RESTLESS.match(op) is not None
                    # What a function computes is not looked at.
                    if not restless[op] and not network.is_called(taker):
                        known[taker] = 1
                        ready.append(taker)
    return known
