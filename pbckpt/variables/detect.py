"""Detection: each constant of a graph is a variable with a reason, or not with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import UnsupportedGraphError
from pbckpt.variables.rules import RULES, Finding

if TYPE_CHECKING:
    from pbckpt.dtypes import DataType
    from pbckpt.graph.decode import Node
    from pbckpt.graph.tensor_proto import ConstantTensor
    from pbckpt.graph.view import GraphView

# Variables that training code updates by other means than gradients.
_NOT_TRAINABLE = ("moving_mean", "moving_variance", "global_step")


class Variable(NamedTuple):
    """A constant that becomes a variable.

    ``key`` is its name in the checkpoint, ``node`` the constant's in the graph.
    """

    key: str
    node: str
    tensor: ConstantTensor
    trainable: bool
    rule: str
    reason: str
    cast: DataType | None = None

    @property
    def dtype(self) -> DataType:
        """The element type that is stored: the constant's, unless it is cast."""
        return self.tensor.dtype if self.cast is None else self.cast

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape; empty for a scalar."""
        return self.tensor.shape

    @property
    def nbytes(self) -> int:
        """Bytes of all elements as stored; for strings, of their texts alone."""
        if self.cast is None:
            return self.tensor.nbytes
        return self.tensor.num_elements * self.cast.itemsize


class Skipped(NamedTuple):
    """A constant that does not become a variable; without a tensor it cannot be stored."""

    node: str
    tensor: ConstantTensor | None
    reason: str


class Detection(NamedTuple):
    """The verdicts on all constants of a graph, in file order."""

    variables: tuple[Variable, ...]
    skipped: tuple[Skipped, ...]


def detect(view: GraphView) -> Detection:
    """Return which constants of a graph were variables.

    Raises InvalidGraphError for a constant that TensorFlow would refuse,
    whether it was a variable or not.
    """
    variables = []
    skipped = []
    for node in view.constants():
        try:
            tensor = node.constant()
        except UnsupportedGraphError as error:
            skipped.append(Skipped(node.name, None, str(error)))
            continue
        finding = _first_finding(node, view)
        if finding is None:
            skipped.append(Skipped(node.name, tensor, _why_not(node, view)))
        else:
            variables.append(variable_of(node.name, tensor, finding))
    return Detection(_with_unique_keys(variables), tuple(skipped))


def variable_of(node: str, tensor: ConstantTensor, finding: Finding) -> Variable:
    """Return the variable that a finding makes of a constant."""
    trainable = tensor.dtype.is_floating and finding.key.rpartition("/")[2] not in _NOT_TRAINABLE
    return Variable(finding.key, node, tensor, trainable, finding.rule, finding.reason)


def _first_finding(node: Node, view: GraphView) -> Finding | None:
    for rule in RULES:
        finding = rule(node, view)
        if finding is not None:
            return finding
    return None


def _why_not(node: Node, view: GraphView) -> str:
    ops = sorted({consumer.op for consumer in view.consumers(node.name)})
    fed = f"feeds {', '.join(ops)}" if ops else "feeds nothing"
    return f"no trace of a variable: {fed} without a variable's read between"


def _with_unique_keys(variables: list[Variable]) -> tuple[Variable, ...]:
    """Give variables whose derived keys are the same the names of their nodes.

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
