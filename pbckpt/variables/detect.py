"""Detection: each constant of a graph is a variable with a reason, or not with a reason.

    network -> walks -> traces, roles, surroundings -> verdicts -> names

Every constant is looked at, in the main graph and in functions.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pbckpt.dtypes import QUANTIZED, DataType
from pbckpt.errors import LimitError, UnsupportedGraphError
from pbckpt.operators import Change, range_slots
from pbckpt.variables.claims import Claim, find_claims, find_scopes, main_role, value_dtype
from pbckpt.variables.folding import find_folds
from pbckpt.variables.naming import (
    Nameless,
    derive_names,
    is_reader,
    numbered_names,
    without_import,
)
from pbckpt.variables.network import CONSTANT_OP, Network
from pbckpt.variables.sight import Sight
from pbckpt.variables.structure import Surroundings
from pbckpt.variables.traces import TRACES, find_computed_reads, find_traces
from pbckpt.variables.variable import (
    Detection,
    Skipped,
    Variable,
    is_trainable,
)
from pbckpt.variables.verdict import Outcome, judge
from pbckpt.variables.walk import Walker
from pbckpt.variables.words import QUANTIZED_END, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.graph.decode import Graph, Node
    from pbckpt.variables.verdict import Verdict

_LOOPS = frozenset(("While", "StatelessWhile", "Enter", "RefEnter"))
# A hundred characters of a function before each of some million constants.
_MAX_TITLES = 1 << 28
# Behind these, the integers of a constant are other ones, or none.
_OTHER_NUMBERS = frozenset((Change.TYPE, Change.QUANTIZATION))


def detect(graph: Graph) -> Detection:
    """Return which constants of a graph were variables.

    Raises InvalidGraphError for a constant that TensorFlow would refuse,
    whether it was a variable or not; LimitError for names without end.
    """
    with _uncollected():
        return _detect(graph)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the collector of cycles back, as hundreds of thousands of objects are made.

    None of them makes a cycle, and looking for some takes as long as the rest.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_titles(graph: Graph) -> None:
    """Raise LimitError where a few long names of functions make titles without end."""
    total = sum(
        len(function.name) * sum(node.op == CONSTANT_OP for node in function.nodes)
        for function in graph.functions
    )
    if total > _MAX_TITLES:
        raise LimitError(
            "the names of functions before those of the constants in them",
            limit="title characters",
            value=total,
            maximum=_MAX_TITLES,
        )


def _detect(graph: Graph) -> Detection:
    _check_titles(graph)
    network = Network(graph)
    walker = Walker(network)
    verdicts = examine(walker)
    scopes = find_scopes(verdicts)
    claims = [claim for verdict in verdicts for claim in find_claims(verdict, walker, scopes)]
    folds = find_folds(walker)
    found = _variables(claims, walker, folds)
    ends = _ends_of_ranges(found)
    variables = [one for one in found if one.node not in ends]
    skipped = [
        _skipped(verdict, folds, ends)
        for verdict in verdicts
        if verdict.outcome is not Outcome.VARIABLE
        or (ends and network.title(verdict.sight.number) in ends)
    ]
    return Detection(_with_unique_keys(variables), tuple(skipped))


def _ends_of_ranges(variables: Sequence[Variable]) -> dict[str, str]:
    """Return which constants are an end of a quantized variable's range, and whose.

    What freezing left a trace of was a variable all the same.
    """
    ends = {node: one.key for one in variables for node in one.ranges if node}
    traced = {one.node for one in variables if one.rule in TRACES}
    return {node: key for node, key in ends.items() if node not in traced}


def examine(walker: Walker) -> list[Verdict]:
    """Return the verdict on each constant, in file order."""
    sights = [_sight(number, walker) for number in walker.network.constants()]
    shapes = {
        sight.number: sight.tensor.shape
        for sight in sights
        if sight.tensor is not None and sight.tensor.dtype.is_numeric
    }
    add_computed_reads(sights, walker)
    surroundings = Surroundings(walker, shapes)
    for sight in sights:
        sight.parts = surroundings.parts.get(sight.number, sight.parts)
        if not walker.is_whole:
            sight.reach = sight.reach._replace(is_whole=False)
    return judge(sights, walker)


def add_computed_reads(sights: Sequence[Sight], walker: Walker) -> None:
    """Add the traces of reads whose values are computed from constants.

    Of these the largest is what holds the weight: others are its scale, its range.
    """
    by_number = {sight.number: sight for sight in sights}
    for trace, sources in find_computed_reads(walker):
        known = [by_number[source] for source in sources]
        stored = [sight for sight in known if sight.tensor is not None]
        if stored:
            largest = max(stored, key=lambda sight: sight.tensor.nbytes if sight.tensor else 0)
            largest.traces.append(trace)


def _sight(number: int, walker: Walker) -> Sight:
    network = walker.network
    node = network.nodes[number]
    tensor, problem = _tensor(node) if node else (None, "")
    reach = walker.walk(number)
    sight = Sight(number, network, tensor, reach, find_traces(number, reach, network))
    sight.problem = problem
    return sight


def _tensor(node: Node) -> tuple[ConstantTensor | None, str]:
    try:
        return node.constant(), ""
    except UnsupportedGraphError as error:
        return None, str(error)


def _variables(claims: Sequence[Claim], walker: Walker, folds: Mapping[int, str]) -> list[Variable]:
    network = walker.network
    by_reader = any(not _own_name(claim) for claim in claims)
    own = {
        place: name
        for place, claim in enumerate(claims)
        if (name := _own_name(claim)) and not (by_reader and _is_named_by_op(claim, name))
    }
    names = dict(zip(own, without_import(list(own.values())), strict=True))
    others = [place for place in range(len(claims)) if place not in own]
    nameless = [_nameless(claims[place]) for place in others]
    derived = derive_names(nameless, set(network.names), set(names.values()))
    names.update(zip(others, derived, strict=True))
    made = (_variable(claim, names[place], walker, folds) for place, claim in enumerate(claims))
    return [variable for variable in made if variable is not None]


def _is_named_by_op(claim: Claim, name: str) -> bool:
    """Tell whether an optimizer gave the constant the name of the op that it took away."""
    return claim.trace is None and is_reader(name.rpartition("/")[2])


def _own_name(claim: Claim) -> str:
    """Return the name that the graph says, empty if it says none."""
    if claim.trace is not None:
        return claim.merged or claim.trace.name
    return claim.verdict.sight.network.names[claim.value]


def _nameless(claim: Claim) -> Nameless:
    sight = claim.verdict.sight
    reader = claim.trace.reader if claim.trace else sight.name
    shape = sight.tensor.shape if sight.tensor else ()
    return Nameless(sight.name, reader, claim.role, shape, _is_in_loop(sight))


def _is_in_loop(sight: Sight) -> bool:
    """Tell whether a loop takes a constant."""
    network = sight.network
    nodes = (sight.number, *(passed.node for passed in sight.reach.passed))
    return any(
        network.ops[taker] in _LOOPS for node in nodes for taker, _ in network.consumers(node)
    )


def _variable(claim: Claim, key: str, walker: Walker, folds: Mapping[int, str]) -> Variable | None:
    sight = claim.verdict.sight
    decisive = claim.trace.evidence if claim.trace else claim.verdict.decisive
    if sight.tensor is None or decisive is None:
        return None
    network = sight.network
    tensor = sight.tensor
    variable = Variable(
        key,
        network.title(sight.number),
        tensor,
        is_trainable(tensor.dtype, claim.role, key),
        decisive.rule,
        decisive.reason,
        role=claim.role,
        evidence=claim.verdict.evidence,
        folded=folds.get(sight.number, ""),
    )
    node = network.nodes[claim.value]
    if claim.value != sight.number and node is not None:
        dtype = value_dtype(node)
        variable = variable._replace(
            value=network.title(claim.value),
            value_dtype=dtype,
            trainable=is_trainable(dtype or sight.tensor.dtype, variable.role, key),
        )
    elif sight.tensor.dtype in QUANTIZED:
        variable = _with_ranges(variable, sight, walker)
    return variable


def _with_ranges(variable: Variable, sight: Sight, walker: Walker) -> Variable:
    """Return what real numbers the values stand for, where an op of quantized values says it."""
    network = sight.network
    for use, _ in sight.roles():
        op = network.ops[use.node]
        slots = range_slots(op, use.slot, len(network.inputs[use.node]))
        if slots is None or use.changes & _OTHER_NUMBERS:
            continue
        ends = [network.input(use.node, slot) for slot in slots]
        if all(number >= 0 and walker.constant_only[number] for number, _ in ends):
            low, high = (_tensor_title(network, *end) for end in ends)
            # What is called nothing but that keeps its name: no key may be empty.
            key = variable.key.removesuffix(QUANTIZED_END) or variable.key
            return variable._replace(
                key=key,
                ranges=(low, high),
                value_dtype=DataType.FLOAT,
                trainable=is_trainable(DataType.FLOAT, variable.role, key),
            )
    return variable


def _tensor_title(network: Network, number: int, output: int) -> str:
    return f"{network.title(number)}:{output}" if output else network.title(number)


def _skipped(verdict: Verdict, folds: Mapping[int, str], ends: Mapping[str, str]) -> Skipped:
    sight = verdict.sight
    decisive = verdict.decisive
    is_ambiguous = verdict.outcome is Outcome.AMBIGUOUS
    reason = sight.problem or (decisive.reason if decisive else _no_evidence(sight))
    title = sight.network.title(sight.number)
    folded = folds.get(sight.number, "")
    if title in ends:
        reason = f"it is an end of the range of {quoted(ends[title])}, which is quantized"
    return Skipped(
        title,
        sight.tensor,
        folded or reason,
        is_ambiguous,
        main_role(sight),
        verdict.evidence,
        folded,
    )


def _no_evidence(sight: Sight) -> str:
    network = sight.network
    ops = sorted({shown(network.ops[taker]) for taker, _ in network.consumers(sight.number)})
    return f"nothing speaks for it: it feeds {', '.join(ops)}" if ops else "it feeds nothing"


def _with_unique_keys(variables: list[Variable]) -> tuple[Variable, ...]:
    """Give variables whose keys are the same the names of their nodes.

    Such a name may be the derived key of another variable, which then gets its
    node's name too, and so on: each once. Of one node there may be several
    variables, and a node may be called as one in a function: these get numbers.
    """
    owners: dict[str, list[int]] = {}
    for place, variable in enumerate(variables):
        owners.setdefault(variable.key, []).append(place)
    keys = [variable.key for variable in variables]
    crowded = [key for key, places in owners.items() if len(places) > 1]
    while crowded:
        for place in owners.pop(crowded.pop(), ()):
            keys[place] = variables[place].node
            crowded.append(keys[place])
    keys = numbered_names(keys)
    return tuple(
        one if one.key == key else one._replace(key=key)
        for one, key in zip(variables, keys, strict=True)
    )
