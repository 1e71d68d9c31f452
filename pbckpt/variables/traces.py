"""Traces: what freezing leaves on a constant that was a variable.

    rule              what is left
    read_identity     Const X, Identity X/read: a reference variable
    resource_read     Const, Identity …/ReadVariableOp: a resource variable
    resource_capture  Const …/resource: a resource that another operation took
    resource_gather   GatherV2 as ResourceGather becomes it, placed with the variable
    gather_capture    Const NAME/92, GatherV2 NAME: a table gathered from
    resource_input    a loop or branch that lists its resource inputs
    resource_argument a function that calls its argument …_resource
    folded_read       Const X/read, Const …/ReadVariableOp: the read itself became
                      a constant when the graph was optimized
    computed_read     Identity X/read of what is computed from constants alone
    plain_read        Identity, of any name, where one reads every weight: see verdict
    colocated         Identity with loc:@X, which was placed with the variable X

A trace says where the variable's value is, too: at the Identity that read it. On
the way there it may have been cast or dequantized, by a tool that made the
constant smaller; what the model's code knows is what was read. And where a tool
has merged equal constants, one constant has the reads of several variables.

Reference: tensorflow/python/framework/convert_to_constants.py and
tensorflow/python/framework/graph_util_impl.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators import GATHERS
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.network import ARGUMENT_OP, CONSTANT_OP
from pbckpt.variables.walk import READING
from pbckpt.variables.words import READ, RESOURCE, quoted, without_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.graph.decode import Node
    from pbckpt.variables.network import Network
    from pbckpt.variables.walk import Passed, Reach, Walker

TRACES = frozenset(
    (
        "read_identity",
        "resource_read",
        "resource_capture",
        "resource_gather",
        "gather_capture",
        "resource_input",
        "resource_argument",
        "folded_read",
        "computed_read",
        "colocated",
        "plain_read",
    )
)
_IS_READ = re.compile(r"(?:.*/)?ReadVariableOp(?:_\d+)?")
# What functions of TensorFlow 2 mark ops with whose order matters.
_STATEFUL = "_has_manual_control_dependencies"
# How many nodes the formula of a value may have that a variable's read is left of.
_MAX_FORMULA = 32
_MAX_EDGES = 32 * _MAX_FORMULA
_IS_NUMBER = re.compile(r".*/\d+")
_RESOURCE_WORD = "resource"
_IS_RESOURCE_ARGUMENT = re.compile(rf".*{_RESOURCE_WORD}(?:_\d+)?")


class Trace(NamedTuple):
    """A piece of evidence, and what it says of the variable.

    ``name`` is the variable's own name, empty where the graph does not say it.
    ``reader`` is the node that the constant was read by or named after, empty
    if there is none. ``value`` is the number of the node that has what was
    read: the constant's, or that of an Identity behind a cast; ``read`` that of
    the Identity, -1 where there is none.
    """

    evidence: Evidence
    name: str
    reader: str
    value: int
    read: int = -1


def find_traces(number: int, reach: Reach, network: Network) -> list[Trace]:
    """Return all traces on a constant; several with different names where it was merged."""
    if _tells_nothing(number, reach, network):
        return []
    reads = list(_reads(reach, network))
    traces = [
        *_read_identities(number, reads, network),
        *_resource_reads(number, reach, reads, network),
    ]
    if not any(trace.evidence.strength is Strength.PROOF for trace in traces):
        for rule in (
            _resource_capture,
            _gather_capture,
            _resource_input,
            _resource_argument,
            _resource_gather,
        ):
            trace = rule(number, reach, network)
            if trace:
                traces.append(trace)
        folded = _folded_read(number, network)
        if folded:
            traces.append(folded)
        if not traces:
            traces += _colocated(number, reads, network)
    return traces


def _tells_nothing(number: int, reach: Reach, network: Network) -> bool:
    """Tell whether neither a constant's name nor the ways to its uses can be traces, as of most."""
    name = network.names[number]
    if READ in name or RESOURCE in name or "ReadVariableOp" in name or _ends_in_place(name):
        return False
    ops = network.ops
    for use in reach.uses:
        op = ops[use.node]
        if op in GATHERS or (network.is_call(op) and network.resource_slots(use.node)):
            return False
    for passed in reach.passed:
        op = ops[passed.node]
        if op == "Identity" or (op == ARGUMENT_OP and _RESOURCE_WORD in network.names[passed.node]):
            return False
    return True


def _ends_in_place(name: str) -> bool:
    """Tell whether the last component of a name is a number, that of a captured input."""
    return name[-1:].isdigit() and _IS_NUMBER.fullmatch(name) is not None


def _reads(reach: Reach, network: Network) -> Iterator[Passed]:
    """Yield the Identity nodes that read the constant, not those behind another's read."""
    behind: set[int] = set()
    for passed in reach.passed:
        if passed.source in behind:
            behind.add(passed.node)
        elif network.ops[passed.node] == "Identity" and passed.changes <= READING:
            if _names_a_read(network.names[passed.node]):
                behind.add(passed.node)
            yield passed


def _names_a_read(name: str) -> bool:
    return name.endswith(READ) or _IS_READ.fullmatch(name) is not None


def _value(number: int, passed: Passed) -> int:
    """Return the node whose value was read: the constant, unless it is changed on the way."""
    return passed.node if passed.changes else number


def _read_identities(number: int, reads: list[Passed], network: Network) -> Iterator[Trace]:
    """Find the Identities ``X/read`` that read reference variables."""
    for passed in reads:
        name = network.names[passed.node]
        if name.endswith(READ) and name != READ:
            reason = f"Identity {quoted(name)} reads it, as freezing leaves a reference variable"
            evidence = Evidence("read_identity", Strength.PROOF, reason)
            own = name.removesuffix(READ)
            yield Trace(evidence, own, name, _value(number, passed), passed.node)


def _resource_reads(
    number: int, reach: Reach, reads: list[Passed], network: Network
) -> Iterator[Trace]:
    """Find the Identities that ReadVariableOps became; they all read one variable."""
    found = [one for one in reads if _IS_READ.fullmatch(network.names[one.node])]
    if not found:
        return
    # Of the places that read it, the first tells most: others are copies.
    passed = min(found, key=lambda one: (bool(one.changes), one.node))
    reader = network.names[passed.node]
    name = network.names[number]
    own = "" if is_generic(name) or name.startswith(f"{reader}/") else name
    gather = _gather_capture(number, reach, network)
    # A table that is a kernel elsewhere, too, belongs to the layer that looks rows up.
    reader = gather.reader if gather else reader
    reason = f"Identity {quoted(reader)} reads it, as freezing leaves a resource variable"
    evidence = Evidence("resource_read", Strength.PROOF, reason)
    yield Trace(evidence, own, reader, _value(number, passed), passed.node)


# Names that TensorFlow makes up for what is captured, handed in or lowered.
_GENERIC = re.compile(
    r"(?:.*/)?(?:unknown(?:_\d+)?|(?:input|inputs|arg|args|captured?)\d*(?:_\d+)*|\d+|_\d+"
    r"|resource(?:_\d+)?|\w+_readvariableop(?:_\d+)?_resource|ReadVariableOp(?:_\d+)?(?:/resource)?)"
)


def is_generic(name: str) -> bool:
    """Tell whether a node's name says nothing of the variable that was there."""
    return _GENERIC.fullmatch(name) is not None


def _resource_capture(number: int, reach: Reach, network: Network) -> Trace | None:
    """Find the name that freezing gives a captured resource: its taker's, and that input's."""
    name = network.names[number]
    taker = name.removesuffix(RESOURCE)
    if taker == name:
        return None
    nodes = [use.node for use in reach.uses] + [passed.node for passed in reach.passed]
    if not _IS_READ.fullmatch(taker) and all(network.names[node] != taker for node in nodes):
        return None
    reason = f"it is named after {quoted(taker)}, as freezing names a variable that is captured"
    return Trace(Evidence("resource_capture", Strength.PROOF, reason), "", taker, number)


def _gather_capture(number: int, reach: Reach, network: Network) -> Trace | None:
    """Find the table whose name is that of the gathering node and a number."""
    name = network.names[number]
    if not _ends_in_place(name):
        return None
    taker = name.rpartition("/")[0]
    for use in reach.uses:
        if use.slot == 0 and network.ops[use.node] in GATHERS and network.names[use.node] == taker:
            reason = f"{quoted(taker)} gathers from it, named as a variable is that it captured"
            return Trace(Evidence("gather_capture", Strength.PROOF, reason), "", taker, number)
    return None


def _resource_input(number: int, reach: Reach, network: Network) -> Trace | None:
    """Find the loop, branch or call that lists which of its inputs were resources."""
    for use in reach.uses:
        is_call = network.is_call(network.ops[use.node])
        if is_call and use.slot in network.resource_slots(use.node):
            reason = f"{network.describe(use.node)} lists its input {use.slot} as a resource"
            own = network.names[number]
            evidence = Evidence("resource_input", Strength.PROOF, reason)
            return Trace(evidence, "" if is_generic(own) else own, "", number)
    return None


def _resource_argument(number: int, reach: Reach, network: Network) -> Trace | None:
    """Find the function that has a name for the argument which only resources get."""
    for passed in reach.passed:
        if network.ops[passed.node] != ARGUMENT_OP:
            continue
        name = network.names[passed.node]
        if passed.changes <= READING and _IS_RESOURCE_ARGUMENT.fullmatch(name):
            function = network.functions[passed.node]
            reason = f"function {quoted(function)} takes it as {quoted(name)}"
            own = network.names[number]
            evidence = Evidence("resource_argument", Strength.STRONG, reason)
            return Trace(evidence, "" if is_generic(own) else own, "", number)
    return None


def _resource_gather(number: int, reach: Reach, network: Network) -> Trace | None:
    """Find the GatherV2 that a ResourceGather became.

    It is placed with the variable and lacks an attr of TensorFlow's own GatherV2.
    """
    name = network.names[number]
    placed_with = f"loc:@{name}".encode()
    for use in reach.uses:
        node = network.nodes[use.node]
        if node is None or use.slot or node.op not in GATHERS or use.changes:
            continue
        attrs = node.definition.attr
        if _is_resource_gather(node, network):
            reason = (
                f"GatherV2 {quoted(node.name)} is what freezing makes of a gather from a variable"
            )
            evidence = Evidence("resource_gather", Strength.STRONG, reason)
            return Trace(evidence, "" if is_generic(name) else name, node.name, number)
        if placed_with in network.places(use.node) and (
            "batch_dims" not in attrs or _is_sparse_read(use.node, network)
        ):
            reason = f"GatherV2 {quoted(node.name)} was placed with the variable {quoted(name)}"
            return Trace(Evidence("resource_gather", Strength.STRONG, reason), name, "", number)
    return None


def _is_resource_gather(node: Node, network: Network) -> bool:
    """Tell whether a GatherV2 was made by freezing from a gather from a resource.

    Freezing gives it an axis named after it. It either keeps the mark that only ops
    with side effects get, as a read of a resource is, or lacks an attr that all of
    TensorFlow 2 writes; reads of other resources tell that it was TensorFlow 2.
    """
    attrs = node.definition.attr
    if node.op != "GatherV2" or list(node.definition.input[2:3]) != [f"{node.name}/axis"]:
        return False
    return _STATEFUL in attrs or (network.has_resources and "batch_dims" not in attrs)


def _is_sparse_read(gather: int, network: Network) -> bool:
    """Tell whether what is gathered is handed on twice, as where rows of a resource are read.

    That is how TensorFlow 1 looks up; a look-up in a constant hands on once. Importing
    a graph writes attrs that freezing had left out, and leaves this.
    """
    number = gather
    for last in ("Identity", "Identity_1"):
        name = f"{network.names[gather]}/{last}"
        takers = (taker for taker, _ in network.consumers(number))
        number = next((taker for taker in takers if network.names[taker] == name), -1)
        if number < 0 or network.ops[number] != "Identity":
            return False
    return True


def _folded_read(number: int, network: Network) -> Trace | None:
    """Find the name of a read on the constant itself, which an optimizer made of the read."""
    name = without_place(network.names[number])
    if name.endswith(READ) and name != READ:
        own, reader = name.removesuffix(READ), name
    elif _IS_READ.fullmatch(name):
        own, reader = "", name
    else:
        return None
    reason = f"it has the name of a read, {quoted(name)}, that an optimizer made a constant"
    return Trace(Evidence("folded_read", Strength.STRONG, reason), own, reader, number)


def _colocated(number: int, reads: list[Passed], network: Network) -> Iterator[Trace]:
    """Find Identities that were placed with a variable of the constant's name.

    One that waits for something is a check of a value, which TensorFlow places so too.
    """
    name = network.names[number]
    placed_with = f"loc:@{name}".encode()
    for passed in reads:
        node = network.nodes[passed.node]
        waits = node is not None and any(text[:1] == "^" for text in node.definition.input)
        if placed_with in network.places(passed.node) and not waits:
            read = quoted(network.names[passed.node])
            reason = f"Identity {read} was placed with the variable {quoted(name)}"
            evidence = Evidence("colocated", Strength.STRONG, reason)
            yield Trace(evidence, name, network.names[passed.node], _value(number, passed))
            return


def find_computed_reads(walker: Walker) -> Iterator[tuple[Trace, tuple[int, ...]]]:
    """Yield the reads of values that are computed, with the constants they are made of.

    A tool that makes constants smaller in a way of its own leaves such a formula
    in the place of the variable.
    """
    network = walker.network
    for number, op in enumerate(network.ops):
        if op != "Identity" or not walker.constant_only[number] or number in walker.origins:
            continue
        name = network.names[number]
        if not _names_a_read(name):
            continue
        sources = _sources(number, network)
        if sources:
            reason = f"Identity {quoted(name)} reads what is computed from it"
            evidence = Evidence("computed_read", Strength.PROOF, reason)
            own = name.removesuffix(READ) if name.endswith(READ) else ""
            yield Trace(evidence, own, name, number), sources


def _sources(number: int, network: Network) -> tuple[int, ...]:
    """Return the constants that a value is made of; none of a long formula."""
    seen = {number}
    formula = [number]
    edges = 0
    for node in formula:
        edges += len(network.inputs[node])
        if edges > _MAX_EDGES:
            return ()
        new = dict.fromkeys(one for one, _ in network.inputs[node] if one >= 0 and one not in seen)
        seen.update(new)
        formula += new
        if len(formula) >= _MAX_FORMULA:
            return ()
    return tuple(one for one in formula if network.ops[one] == CONSTANT_OP)
