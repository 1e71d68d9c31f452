"""Claims: which variables a constant was, before they have names.

    one read                       one variable
    reads under several names      several, whose equal constants a tool merged
    a name of its own beside it    one more, whose read was merged as well
    no read                        one, which is what a Dequantize makes of it

A claim knows where its value is and what it was by the uses behind its own read.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType, data_type
from pbckpt.operators.roles import Role
from pbckpt.variables.structure import strongest
from pbckpt.variables.verdict import Outcome
from pbckpt.variables.words import is_usual_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.graph.decode import Node
    from pbckpt.variables.sight import Sight
    from pbckpt.variables.structure import Part
    from pbckpt.variables.traces import Trace
    from pbckpt.variables.verdict import Verdict
    from pbckpt.variables.walk import Walker


_SEVERAL = 2
# The read itself, and the operation of a layer that reads.
_INSIDE_LAYER = re.compile(r"(?:/[A-Z]\w*)?/ReadVariableOp(?:_\d+)?$")
# The name that tf.cast gives.
_CAST = re.compile(r"(?:.*/)?Cast(?:_\d+)?")


class Claim(NamedTuple):
    """A variable before it has a name; ``trace`` says what is known of that.

    ``merged`` is a name that the constant itself has, beside that of its read.
    """

    verdict: Verdict
    trace: Trace | None
    value: int
    role: Role | None
    merged: str = ""


def find_scopes(verdicts: Sequence[Verdict]) -> frozenset[str]:
    """Return the scopes in which variables are that have their own names."""
    names = (trace.name for verdict in verdicts for trace in verdict.sight.traces)
    return frozenset(name.rpartition("/")[0] for name in names if "/" in name)


def find_claims(verdict: Verdict, walker: Walker, scopes: frozenset[str]) -> Iterator[Claim]:
    """Yield the variables that a constant was: several, where equal ones were merged."""
    if verdict.outcome is not Outcome.VARIABLE:
        return
    sight = verdict.sight
    if not sight.traces:
        yield Claim(verdict, None, _direct_value(sight), main_role(sight))
        return
    if len(sight.traces) == 1 and _is_read_of_resource(sight.traces[0]):
        apart = _reads_of_merged(sight, sight.traces[0], walker)
        if apart:
            yield from (Claim(verdict, trace, trace.value, role) for trace, role in apart)
            return
    traces = {trace.name: trace for trace in reversed(sight.traces)}
    main = main_role(sight)
    roles = _Roles(sight) if len(traces) > 1 else None
    for trace in reversed(traces.values()):
        role = main if roles is None or trace.read < 0 else roles.of_read(trace.read, walker)
        yield Claim(verdict, trace, trace.value, role)
    if _bears_another_name(sight, scopes):
        yield Claim(verdict, sight.traces[0], sight.number, None, merged=sight.name)


def _is_read_of_resource(trace: Trace) -> bool:
    return trace.evidence.rule == "resource_read" and not trace.name


def _reads_of_merged(sight: Sight, trace: Trace, walker: Walker) -> list[tuple[Trace, Role]]:
    """Return a read for each variable of a constant that was several; none where it was one.

    A variable is one thing to its network. Where a constant is read as a bias and
    as a mean, a tool has merged equal constants, and each layer has its own.
    """
    names = sight.network.names
    places = _reads_in_layers(sight)
    if len(places) < _SEVERAL:
        return []
    roles_of = _Roles(sight)
    reads: dict[tuple[str, Role], Trace] = {}
    for node in places:
        role = roles_of.of_read(node, walker)
        if role is None:
            return []
        read = trace._replace(reader=names[node], read=node, value=sight.number)
        reads.setdefault((_INSIDE_LAYER.sub("", names[node]), role), read)
    roles = {role for _, role in reads}
    if len(roles) < _SEVERAL or Role.MATRIX in roles:
        return []
    return [(read, role) for (_, role), read in reads.items()]


def _reads_in_layers(sight: Sight) -> list[int]:
    """Return the Identities that operations of layers read a constant by.

    What comes behind a read is the same variable, and would be walked again.
    """
    network = sight.network
    found: list[int] = []
    behind: set[int] = set()
    for passed in sight.reach.passed:
        if passed.source in behind:
            behind.add(passed.node)
        elif (
            network.ops[passed.node] == "Identity"
            and not passed.changes
            and _INSIDE_LAYER.search(network.names[passed.node])
        ):
            behind.add(passed.node)
            found.append(passed.node)
    return found


def _bears_another_name(sight: Sight, scopes: frozenset[str]) -> bool:
    """Tell whether a constant has the name of a variable whose own read was merged away."""
    return (
        all(trace.name and trace.name != sight.name for trace in sight.traces)
        and all(trace.value == sight.number for trace in sight.traces)
        and sight.name.rpartition("/")[0] in scopes
        and is_usual_name(sight.last_name)
    )


class _Roles:
    """What a constant is to each node that takes it, for the reads of several variables."""

    def __init__(self, sight: Sight) -> None:
        self._roles: dict[tuple[int, int], list[tuple[int, Role]]] = {}
        self._parts: dict[int, list[tuple[int, Part]]] = {}
        for place, (use, role) in enumerate(sight.roles()):
            self._roles.setdefault((use.node, use.slot), []).append((place, role))
        for place, part in enumerate(sight.parts):
            self._parts.setdefault(part.user, []).append((place, part))

    def of_read(self, read: int, walker: Walker) -> Role | None:
        """Return what a variable is by the uses behind its own read."""
        uses = {(use.node, use.slot) for use in walker.walk(read).uses}
        users = {user for user, _ in uses}
        roles = sorted(
            (found for use in uses for found in self._roles.get(use, ())), key=itemgetter(0)
        )
        parts = sorted(
            (found for user in users for found in self._parts.get(user, ())), key=itemgetter(0)
        )
        return _best_role([role for _, role in roles], [part for _, part in parts])


def _direct_value(sight: Sight) -> int:
    """Return the node that has the value of a constant without a read.

    It is what a Dequantize or a Cast to a wider float makes of it, if nothing else
    is done with it. A Cast that has the name of its op is one of the model's own
    code, and what it takes was the variable.
    """
    network = sight.network
    takers = network.consumers(sight.number)
    if len(takers) == 1 and takers[0][1] == 0:
        taker = takers[0][0]
        is_own = network.ops[taker] == "Cast" and _CAST.fullmatch(network.names[taker])
        if (
            network.ops[taker] in ("Dequantize", "Cast")
            and not is_own
            and _is_widened(sight, taker)
        ):
            return taker
    return sight.number


def _is_widened(sight: Sight, taker: int) -> bool:
    node = sight.network.nodes[taker]
    if node is None or sight.tensor is None:
        return False
    made = value_dtype(node)
    return made is not None and made.is_floating and made.itemsize > sight.tensor.dtype.itemsize


def value_dtype(node: Node) -> DataType | None:
    """Return the type of a node's output 0, as far as its attrs say it and it is known."""
    attrs = node.definition.attr
    for name in ("DstT", "dtype") if node.op in ("Cast", "Dequantize") else ("T", "dtype"):
        if name in attrs and attrs[name].type:
            return data_type(attrs[name].type)
    return DataType.FLOAT if node.op == "Dequantize" else None


def main_role(sight: Sight) -> Role | None:
    """Return what a variable is, as its uses tell best."""
    roles = sight.roles()
    return _best_role([role for _, role in roles], sight.parts) if roles or sight.parts else None


def _best_role(roles: Sequence[Role], parts: Sequence[Part]) -> Role | None:
    matrix = Role.MATRIX
    for role in roles:
        if role is not matrix:
            return role
    for part in strongest(parts):
        return part.role
    return roles[0] if roles else None
