"""Detection: each constant of a graph is a variable with a reason, or not with a reason.

    network -> walks -> traces, roles, surroundings -> verdicts -> names

Every constant is looked at, in the main graph and in functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import QUANTIZED, DataType
from pbckpt.errors import UnsupportedGraphError
from pbckpt.operators.roles import Role
from pbckpt.variables.evidence import Evidence
from pbckpt.variables.naming import Nameless, derive_names, without_import
from pbckpt.variables.network import Network
from pbckpt.variables.sight import Sight
from pbckpt.variables.structure import Surroundings, strongest
from pbckpt.variables.traces import Trace, find_computed_reads, find_traces
from pbckpt.variables.verdict import Outcome, Verdict, judge
from pbckpt.variables.walk import Walker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.graph.decode import Graph, Node
    from pbckpt.graph.tensor_proto import ConstantTensor

# Names of variables that training code updates by other means than gradients.
_NOT_TRAINABLE = re.compile(
    r"moving_mean|moving_variance|moving_avg|moving_average|global_step|running_mean|running_var"
    r"|ExponentialMovingAverage|renorm_\w+|moving_stddev|biased|local_step"
)


class Variable(NamedTuple):
    """A constant that becomes a variable.

    ``key`` is its name in the checkpoint, ``node`` the constant's in the graph,
    with ``FUNCTION::`` before it in a function. ``value`` names the tensor that
    the variable's value is where it is not the constant itself: what a cast or a
    dequantization makes of it.
    """

    key: str
    node: str
    tensor: ConstantTensor
    trainable: bool
    rule: str
    reason: str
    cast: DataType | None = None
    role: Role | None = None
    evidence: tuple[Evidence, ...] = ()
    value: str = ""
    value_dtype: DataType | None = None

    @property
    def dtype(self) -> DataType:
        """The element type that is stored: that of the value, unless it is cast."""
        return self.cast or self.value_dtype or self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape; empty for a scalar."""
        return self.tensor.shape

    @property
    def nbytes(self) -> int:
        """Bytes of all elements as stored; for strings, of their texts alone."""
        if self.dtype is DataType.STRING:
            return self.tensor.nbytes
        return self.tensor.num_elements * self.dtype.itemsize


class Skipped(NamedTuple):
    """A constant that does not become a variable; without a tensor it cannot be stored.

    ``is_ambiguous``: it may have been one, and the user decides.
    """

    node: str
    tensor: ConstantTensor | None
    reason: str
    is_ambiguous: bool = False
    role: Role | None = None
    evidence: tuple[Evidence, ...] = ()


class Detection(NamedTuple):
    """The verdicts on all constants of a graph, in file order."""

    variables: tuple[Variable, ...]
    skipped: tuple[Skipped, ...]


class Found(NamedTuple):
    """Why a constant was a variable, the key to store it under, and what it was."""

    rule: str
    reason: str
    key: str
    role: Role | None = None


class _Claim(NamedTuple):
    """A variable before it has a name; ``trace`` says what is known of that."""

    verdict: Verdict
    trace: Trace | None
    value: int


def detect(graph: Graph) -> Detection:
    """Return which constants of a graph were variables.

    Raises InvalidGraphError for a constant that TensorFlow would refuse,
    whether it was a variable or not.
    """
    network = Network(graph)
    verdicts = examine(network)
    claims = [claim for verdict in verdicts for claim in _claims(verdict)]
    variables = _variables(claims, network)
    skipped = [_skipped(verdict) for verdict in verdicts if verdict.outcome is not Outcome.VARIABLE]
    return Detection(_with_unique_keys(variables), tuple(skipped))


def examine(network: Network) -> list[Verdict]:
    """Return the verdict on each constant, in file order."""
    walker = Walker(network)
    sights = [_sight(number, walker) for number in network.constants()]
    ranks = {
        sight.number: sight.rank
        for sight in sights
        if sight.tensor is not None and _is_numeric(sight.tensor.dtype)
    }
    add_computed_reads(sights, walker)
    surroundings = Surroundings(walker, ranks)
    for sight in sights:
        sight.parts = surroundings.parts.get(sight.number, sight.parts)
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
    return Sight(number, network, tensor, reach, find_traces(number, reach, network), problem)


def _tensor(node: Node) -> tuple[ConstantTensor | None, str]:
    try:
        return node.constant(), ""
    except UnsupportedGraphError as error:
        return None, str(error)


def _is_numeric(dtype: DataType) -> bool:
    """Tell whether arithmetic with weights is done in a type."""
    return dtype.is_floating or dtype.is_complex or dtype in QUANTIZED


def _claims(verdict: Verdict) -> Iterator[_Claim]:
    """Yield the variables that a constant was: several, where equal ones were merged."""
    if verdict.outcome is not Outcome.VARIABLE:
        return
    sight = verdict.sight
    if not sight.traces:
        yield _Claim(verdict, None, _direct_value(sight))
    names = set()
    for trace in sight.traces:
        if trace.name not in names:
            names.add(trace.name)
            yield _Claim(verdict, trace, trace.value)


def _direct_value(sight: Sight) -> int:
    """Return the node that has the value of a constant without a read.

    It is what a Dequantize or a Cast to a wider float makes of it, if nothing else
    is done with it.
    """
    network = sight.network
    takers = network.consumers(sight.number)
    if len(takers) == 1 and takers[0][1] == 0:
        taker = takers[0][0]
        if network.ops[taker] in ("Dequantize", "Cast") and _is_widened(sight, taker):
            return taker
    return sight.number


def _is_widened(sight: Sight, taker: int) -> bool:
    node = sight.network.nodes[taker]
    if node is None or sight.tensor is None:
        return False
    made = value_dtype(node)
    return made is not None and made.is_floating and made.itemsize > sight.tensor.dtype.itemsize


def value_dtype(node: Node) -> DataType | None:
    """Return the type of a node's output 0, as far as its attrs say it."""
    attrs = node.definition.attr
    for name in ("DstT", "dtype") if node.op in ("Cast", "Dequantize") else ("T", "dtype"):
        if name in attrs and attrs[name].type:
            return DataType(attrs[name].type)
    return DataType.FLOAT if node.op == "Dequantize" else None


def main_role(sight: Sight) -> Role | None:
    """Return what a variable is, as its uses tell best."""
    roles = [role for _, role in sight.roles()]
    sure = [role for role in roles if role is not Role.MATRIX]
    parts = [part.role for part in strongest(list(sight.parts))]
    return next(iter([*sure, *parts, *roles]), None)


def _variables(claims: Sequence[_Claim], network: Network) -> list[Variable]:
    nodes = set(network.names)
    named = [claim for claim in claims if _own_name(claim)]
    nameless = [claim for claim in claims if not _own_name(claim)]
    names = dict(
        zip(
            map(id, named),
            without_import([_own_name(claim) for claim in named]),
            strict=True,
        )
    )
    derived = derive_names([_nameless(claim) for claim in nameless], nodes)
    names.update(zip(map(id, nameless), derived, strict=True))
    made = (_variable(claim, names[id(claim)]) for claim in claims)
    return [variable for variable in made if variable is not None]


def _own_name(claim: _Claim) -> str:
    """Return the name that the graph says, empty if it says none."""
    if claim.trace is not None:
        return claim.trace.name
    return claim.verdict.sight.network.names[claim.value]


def _nameless(claim: _Claim) -> Nameless:
    sight = claim.verdict.sight
    reader = claim.trace.reader if claim.trace else ""
    shape = sight.tensor.shape if sight.tensor else ()
    return Nameless(sight.name, reader, main_role(sight), shape)


def _variable(claim: _Claim, key: str) -> Variable | None:
    sight = claim.verdict.sight
    decisive = claim.trace.evidence if claim.trace else claim.verdict.decisive
    if sight.tensor is None or decisive is None:
        return None
    network = sight.network
    variable = variable_of(
        network.title(sight.number),
        sight.tensor,
        Found(decisive.rule, decisive.reason, key, main_role(sight)),
    )
    node = network.nodes[claim.value]
    if claim.value != sight.number and node is not None:
        dtype = value_dtype(node)
        variable = variable._replace(
            value=network.title(claim.value),
            value_dtype=dtype,
            trainable=is_trainable(dtype or sight.tensor.dtype, variable.role, key),
        )
    return variable._replace(evidence=claim.verdict.evidence)


def variable_of(node: str, tensor: ConstantTensor, found: Found) -> Variable:
    """Return the variable that a finding makes of a constant."""
    trainable = is_trainable(tensor.dtype, found.role, found.key)
    return Variable(found.key, node, tensor, trainable, found.rule, found.reason, role=found.role)


def is_trainable(dtype: DataType, role: Role | None, key: str) -> bool:
    """Tell whether training changes a variable by its gradient."""
    if not (dtype.is_floating or dtype.is_complex):
        return False
    if _NOT_TRAINABLE.fullmatch(key.rpartition("/")[2]):
        return False
    return role is None or role.trainable


def _skipped(verdict: Verdict) -> Skipped:
    sight = verdict.sight
    decisive = verdict.decisive
    is_ambiguous = verdict.outcome is Outcome.AMBIGUOUS
    reason = sight.problem or (decisive.reason if decisive else _no_evidence(sight))
    return Skipped(
        sight.network.title(sight.number),
        sight.tensor,
        reason,
        is_ambiguous,
        main_role(sight),
        verdict.evidence,
    )


def _no_evidence(sight: Sight) -> str:
    network = sight.network
    ops = sorted({network.ops[taker] for taker, _ in network.consumers(sight.number)})
    return f"nothing speaks for it: it feeds {', '.join(ops)}" if ops else "it feeds nothing"


def _with_unique_keys(variables: list[Variable]) -> tuple[Variable, ...]:
    """Give variables whose derived keys are the same numbers, and where the graph's own
    names are the same, the names of their nodes.

    Such a name may be the derived key of another variable, which then gets its
    node's name too, and so on. Names of nodes are unique.
    """
    owners: dict[str, list[int]] = {}
    for place, variable in enumerate(variables):
        owners.setdefault(variable.key, []).append(place)
    keys = [variable.key for variable in variables]
    crowded = [key for key, places in owners.items() if len(places) > 1]
    while crowded:
        for place in owners.pop(crowded.pop()):
            keys[place] = node = variables[place].node
            owners.setdefault(node, []).append(place)
            if len(owners[node]) > 1 and node not in crowded:
                crowded.append(node)
    return tuple(v._replace(key=key) for v, key in zip(variables, keys, strict=True))
