"""Story: everything that is known of one constant, for whoever asks why.

constant -> the variables that it became, or the reason why none
uses     -> every operation that its value reaches, and what is done on the way
evidence -> all of it, for and against
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import SelectionError
from pbckpt.variables.network import Network
from pbckpt.variables.verdict import Outcome
from pbckpt.variables.walk import Walker
from pbckpt.variables.words import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.graph.decode import Graph
    from pbckpt.variables.evidence import Evidence
    from pbckpt.variables.variable import Detection, Variable

_NEAREST = 3
# What gives the value of a constant on, as it is or in another form.
_READS = frozenset(("Identity", "Cast", "Dequantize", "Enter", "RefEnter", "StopGradient", "_Arg"))
# How many of the nodes on the way to a use are named.
_MAX_WAY = 16


class Consumer(NamedTuple):
    """An operation that takes a constant's value in an input slot.

    ``through`` are the nodes that hand the value on, in words: op and name. Of many
    they are the last few, and first how many more there are.
    """

    op: str
    node: str
    slot: int
    through: tuple[str, ...]


class Story(NamedTuple):
    """One constant: what it was, under which keys it is stored, and why.

    ``value`` names what is stored where that is not the constant itself, and
    ``folded`` tells what a tool has folded into it, ``part`` which part it is of
    what variable.
    """

    node: str
    tensor: ConstantTensor | None
    outcome: Outcome
    keys: tuple[str, ...]
    reason: str
    evidence: tuple[Evidence, ...]
    consumers: tuple[Consumer, ...]
    value: str = ""
    folded: str = ""
    part: str = ""


def tell(graph: Graph, detection: Detection, name: str) -> Story:
    """Return the story of the constant ``name``, by its node's name or by a variable's key.

    Raises SelectionError, with what is near, where there is none of that name.
    """
    network = Network(graph)
    node = _find(detection, name, network)
    number = next(one for one in network.constants() if network.title(one) == node)
    consumers = tuple(_consumers(number, network))
    variables = [variable for variable in detection.variables if variable.node == node]
    if variables:
        first = variables[0]
        keys = tuple(variable.key for variable in variables)
        return Story(
            node,
            first.tensor,
            Outcome.VARIABLE,
            keys,
            first.reason,
            first.evidence,
            consumers,
            value_text(first),
            first.folded,
        )
    constant = next(one for one in detection.skipped if one.node == node)
    outcome = Outcome.AMBIGUOUS if constant.is_ambiguous else Outcome.CONSTANT
    return Story(
        node,
        constant.tensor,
        outcome,
        (),
        constant.reason,
        constant.evidence,
        consumers,
        folded=constant.folded,
    )


def value_text(variable: Variable) -> str:
    """Return what a variable's value is computed of; empty where it is the constant's."""
    if variable.value:
        return f"the tensor {variable.value!r}"
    if any(variable.ranges):
        low, high = variable.ranges
        return f"its integers between {low!r} and {high!r}"
    return ""


def _find(detection: Detection, name: str, network: Network) -> str:
    """Return the node of the constant that has a name, as a node or as a key.

    What reads a constant stands for it.
    """
    by_name = {variable.key: variable.node for variable in reversed(detection.variables)}
    by_name.update((variable.node, variable.node) for variable in detection.variables)
    by_name.update((constant.node, constant.node) for constant in detection.skipped)
    plain = name.removesuffix(":0")
    if plain not in by_name:
        plain = _behind(plain, network)
    if plain not in by_name:
        plain = name.removesuffix(":0")
        from pbckpt.edits.nearest import nearest_names  # noqa: PLC0415 - only for an error

        near = nearest_names(plain, list(by_name))[:_NEAREST]
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        op = next((network.ops[n] for n in range(len(network)) if network.title(n) == plain), "")
        fact = f"node {name!r} is no constant, but {op}" if op else ""
        msg = f"{fact or f'no constant or variable is called {name!r}'}{hint}"
        raise SelectionError(msg, unknown=(name,), suggestions=tuple(near))
    return by_name[plain]


def _behind(title: str, network: Network) -> str:
    """Return the title of the constant that a node hands on; empty if it is not one."""
    number = next((one for one in range(len(network)) if network.title(one) == title), -1)
    seen = set()
    while number >= 0 and number not in seen and network.ops[number] in _READS:
        seen.add(number)
        number = network.input(number, 0)[0]
    return network.title(number) if number >= 0 else ""


def _consumers(number: int, network: Network) -> Iterator[Consumer]:
    reach = Walker(network).walk(number)
    sources: dict[int, int] = {}
    steps: dict[int, int] = {number: 0}
    for passed in reach.passed:
        sources[passed.node] = passed.source
        steps[passed.node] = steps.get(passed.source, 0) + 1
    for use in reach.uses:
        # The way back from the use goes by the node that feeds its slot.
        way: list[str] = []
        step = network.input(use.node, use.slot)[0]
        while step in sources and len(way) < _MAX_WAY:
            way.append(f"{shown(network.ops[step])} {quoted(network.title(step))}")
            step = sources[step]
        if step in sources:
            way.append(f"{steps[step]} more")
        yield Consumer(
            network.ops[use.node], network.title(use.node), use.slot, tuple(reversed(way))
        )
