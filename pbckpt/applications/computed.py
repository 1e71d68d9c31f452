"""Computed: the values of variables that are not constants themselves.

    Const quint8, Dequantize, Identity X/read      X is what Dequantize makes of it
    Const half, Cast, Identity X/read              X is what is read: float32
    Const quint8 --> QuantizedConv2D               X is what its range makes of it

Each is computed once before anything is written, to learn its shape and that it
can be computed, and let go unless it is small; and again when its turn to be
written comes. Where it cannot be computed, what the constant holds is stored,
and a warning says why.
"""

from __future__ import annotations

from collections import Counter, deque
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from pbckpt.applications.values import DEFAULT_VALUES, Quantized, Values
from pbckpt.dtypes import QUANTIZED, DataType
from pbckpt.errors import (
    GraphError,
    LimitError,
    PbckptError,
    SelectionError,
    UnsupportedGraphError,
)
from pbckpt.graph.constant import ConstantTensor
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.shapes import count_elements
from pbckpt.variables.network import ARGUMENT_OP, CONSTANT_OP, SEPARATOR, Network
from pbckpt.variables.variable import Detection, Found, Variable, is_trainable, variable_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.evaluation.evaluator import Evaluator
    from pbckpt.evaluation.obstacles import Obstacle
    from pbckpt.graph.decode import Function, Node

    Array = npt.NDArray[Any]

# Arrays up to this size in all are kept from the first look until they are written.
_KEPT_BYTES = 64 << 20
# What tools make of weights that were float32, to save room.
_SMALLER = QUANTIZED | {
    DataType.INT8,
    DataType.UINT8,
    DataType.INT16,
    DataType.UINT16,
    DataType.HALF,
    DataType.BFLOAT16,
}
_ASKED = "asked_for"
# What hands the value of a constant on, as it is, to the function that computes.
_HANDED_ON = frozenset(("Identity", ARGUMENT_OP))


class Computed:
    """The values of an open graph, computed of its constants; ``warnings`` say what was not."""

    def __init__(
        self, graph: FrozenGraph, values: Values = DEFAULT_VALUES, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """Compute nothing yet. What all take together is held to ``limits``."""
        self.warnings: list[str] = []
        self._graph = graph
        self._values = values
        self._limits = limits
        self._evaluators: dict[str, Evaluator] = {}
        self._bodies: dict[str, Mapping[str, Node]] = {}
        self._claimed: Counter[str] = Counter()
        self._nbytes = 0
        self._kept = 0

    def settle(self, variables: Iterable[Variable]) -> tuple[Variable, ...]:
        """Return the variables with the shapes and types of what is stored of them."""
        variables = tuple(variables)
        keys = (one.key for one in variables if one.key != one.node)
        self._claimed = Counter((*keys, *(one.node for one in variables)))
        return tuple(map(self._settled, variables))

    def _settled(self, variable: Variable) -> Variable:
        if variable.parts:
            return self._whole(variable, [self._settled(part) for part in variable.parts])
        if not variable.value and not any(variable.ranges):
            return variable
        if self._is_kept_quantized(variable):
            # A name that others have too is no key: each has its own then.
            is_claimed = self._claimed[variable.node] > 1
            key = variable.key if is_claimed else variable.node
            return _as_constant(variable)._replace(key=key)
        try:
            return self._with_array(variable)
        except PbckptError as error:
            if isinstance(error, LimitError) and error.limit == "max_expanded_bytes":
                raise
            self.warnings.append(
                f"{variable.key!r} holds what the constant {variable.node!r} does, "
                f"{variable.tensor.dtype.label}: what the graph makes of it is not computed "
                f"({_plain(error)})"
            )
            return _as_constant(variable)

    @staticmethod
    def _whole(variable: Variable, parts: list[Variable]) -> Variable:
        """Return a partitioned variable of settled parts, which may have other shapes."""
        first = parts[0]
        others = [part.shape[: variable.axis] + part.shape[variable.axis + 1 :] for part in parts]
        is_one = len(set(others)) == 1 and len({part.dtype for part in parts}) == 1
        if not is_one or any(len(part.shape) <= variable.axis for part in parts):
            raise SelectionError(
                f"the parts of {variable.key!r} do not fit together; store them as they are with "
                "--partitions parts"
            )
        shape = list(first.shape)
        shape[variable.axis] = sum(part.shape[variable.axis] for part in parts)
        return variable._replace(
            parts=tuple(parts),
            value_shape=tuple(shape),
            value_dtype=first.value_dtype,
            trainable=first.trainable,
        )

    def _is_kept_quantized(self, variable: Variable) -> bool:
        return (
            Quantized(self._values.quantized) is Quantized.STORED
            and variable.tensor.dtype in _SMALLER
            and (variable.value_dtype is None or variable.value_dtype.is_floating)
        )

    def _with_array(self, variable: Variable) -> Variable:
        dtype = self._dtype(variable)
        array = self._array(variable)
        self._count(array.nbytes, variable.key)
        compute = partial(self._array, variable)
        if self._kept + array.nbytes <= _KEPT_BYTES:
            self._kept += array.nbytes
            compute = partial(_same, array)
        return variable._replace(
            value_dtype=dtype,
            value_shape=array.shape,
            compute=compute,
            trainable=is_trainable(dtype, variable.role, variable.key),
        )

    def _count(self, nbytes: int, key: str) -> None:
        self._nbytes += nbytes
        if self._nbytes > self._limits.max_expanded_bytes:
            raise LimitError(
                f"the bytes of values that are computed of constants, up to {key!r}",
                limit="max_expanded_bytes",
                value=self._nbytes,
                maximum=self._limits.max_expanded_bytes,
                advice="raise it with --max-expanded-bytes, or leave such variables out with "
                "--exclude",
            )

    def _dtype(self, variable: Variable) -> DataType:
        if not variable.value:
            return DataType.FLOAT
        evaluator, tensor = self._place(variable.value)
        return evaluator.dtype(tensor)

    def _array(self, variable: Variable) -> Array:
        if variable.value:
            return self._tensor(variable.value)
        from pbckpt.evaluation.dequantize import dequantize_weights  # noqa: PLC0415 - numpy

        low, high = (self._tensor(end) for end in variable.ranges)
        try:
            return dequantize_weights(self._tensor(variable.node), low, high)
        except ValueError as error:
            raise UnsupportedGraphError(
                f"node {variable.node!r}: {error}", node_name=variable.node, op="Const"
            ) from None

    def _tensor(self, title: str) -> Array:
        evaluator, tensor = self._place(title)
        return evaluator.evaluate(tensor)

    def _place(self, title: str) -> tuple[Evaluator, str]:
        """Return the evaluator of the body that a tensor is in, and its name there."""
        from pbckpt.evaluation.evaluator import Evaluator  # noqa: PLC0415 - start-up time
        from pbckpt.evaluation.limits import EvaluationLimits  # noqa: PLC0415

        function, _, tensor = title.rpartition(SEPARATOR)
        if function not in self._evaluators:
            limit = EvaluationLimits(max_bytes=self._limits.max_expanded_bytes)
            self._bodies[function] = self._nodes(function, title)
            self._evaluators[function] = Evaluator(self._bodies[function], limits=limit)
        return self._evaluators[function], tensor

    def _nodes(self, function: str, title: str) -> Mapping[str, Node]:
        if not function:
            return {node.name: node for node in self._graph.nodes}
        found = self._functions.get(function)
        if found is not None:
            return self._given.get(function, {}) | {node.name: node for node in found.nodes}
        fact = f"the graph has no function {function!r}, of which {title!r} is a tensor"
        raise _with_nearest(fact, title, function, self._functions)

    @cached_property
    def _functions(self) -> Mapping[str, Function]:
        return {one.name: one for one in reversed(self._graph.functions)}

    @cached_property
    def _given(self) -> Mapping[str, dict[str, Node]]:
        """What is handed into the functions; found for all at once, as that takes a network."""
        return _given(Network(self._graph.graph))

    def asked(self, name: str) -> Variable:
        """Return a tensor that the user asked for by name, to be stored under that name.

        Raises SelectionError for a name that is none of the graph's, and GraphError
        where it depends on more than constants.
        """
        is_first = name.rpartition(SEPARATOR)[2].count(":") == 1
        title = name.removesuffix(":0") if is_first else name
        reason = "--tensor asked for it"
        try:
            evaluator, tensor = self._place(title)
            constant = self._bodies[title.rpartition(SEPARATOR)[0]].get(tensor)
            if constant is not None and constant.op == CONSTANT_OP:
                # Its bytes stay where they are.
                return variable_of(title, constant.constant(), Found(_ASKED, reason, title))
            dtype = evaluator.dtype(tensor)
            array = evaluator.evaluate(tensor)
        except SelectionError as error:
            raise self._unknown(name, title, error) from None
        except GraphError as error:
            raise self._refused(name, title, error) from None
        self._count(array.nbytes, name)
        shape = cast("tuple[int, ...]", array.shape)
        known = ConstantTensor(dtype, shape, count_elements(shape) or 0)
        variable = Variable(
            title, title, known, is_trainable(dtype, None, title), _ASKED, reason, value=title
        )
        return variable._replace(
            value_dtype=dtype, value_shape=shape, compute=partial(self._tensor, title)
        )

    def _unknown(self, name: str, title: str, error: SelectionError) -> SelectionError:
        """Return the error for a name that is no tensor's, with what there is instead."""
        function, _, tensor = title.rpartition(SEPARATOR)
        body = self._bodies.get(function)
        node = tensor.partition(":")[0]
        if body is not None and node in body:
            count = self._evaluators[function].outputs(node)
            last = f" to {node}:{count - 1}" if count > 1 else ""
            fact = f"node {node!r} has {count} output{'s' * (count != 1)}"
            advice = f"; ask for {node}:0{last}" if count else ""
            error = SelectionError(f"{fact}{advice}", unknown=(name,))
        elif body is not None:
            where = f"function {function!r}" if function else "the graph"
            error = _with_nearest(f"{where} has no node {node!r}", title, node, body)
        return SelectionError(
            f"{self._graph.file.name}: --tensor {name}: {error}",
            unknown=(name,),
            suggestions=error.suggestions,
        )

    def _refused(self, name: str, title: str, error: GraphError) -> UnsupportedGraphError:
        """Return the error for a tensor that cannot be computed, with what it needs at the end."""
        function, _, tensor = title.rpartition(SEPARATOR)
        source = _fed_by(self._bodies.get(function, {}), tensor.partition(":")[0])
        node, op = getattr(error, "node_name", ""), getattr(error, "op", "")
        fact = _plain(error)
        if source is not None:
            node, op = source.node, source.op
            fact = f"it depends on more than constants: {source.reason}"
        return UnsupportedGraphError(
            f"{self._graph.file.name}: --tensor {name}: {fact}; ask for a tensor that constants "
            "alone lead to, or compute it in TensorFlow",
            node_name=node,
            op=op,
        )


def _with_nearest(fact: str, title: str, name: str, names: Iterable[str]) -> SelectionError:
    """Return the error for a name that is not there, with those that are near."""
    from pbckpt.edits.nearest import nearest_names  # noqa: PLC0415 - only for an error

    near = nearest_names(name, names)
    nearest = f" (nearest: {', '.join(near)})" if near else ""
    advice = "give NAME or NAME:k, in a function FUNCTION::NAME"
    return SelectionError(f"{fact}{nearest}; {advice}", unknown=(title,), suggestions=near)


def _fed_by(nodes: Mapping[str, Node], name: str) -> Obstacle | None:
    """Return what has no value in the graph, nearest behind a node, whatever is between."""
    from pbckpt.evaluation.obstacles import (  # noqa: PLC0415 - only for an error
        ObstacleKind,
        obstacle_of,
    )

    seen = {name}
    waiting = deque((name,))
    while waiting:
        node = nodes.get(waiting.popleft())
        if node is None:
            continue
        obstacle = obstacle_of(node)
        if obstacle.kind in (ObstacleKind.INPUT, ObstacleKind.VARIABLE):
            return obstacle
        fresh = [text.lstrip("^").partition(":")[0] for text in node.definition.input]
        waiting += [one for one in dict.fromkeys(fresh) if one not in seen]
        seen.update(fresh)
    return None


def _same(array: Array) -> Array:
    return array


def _plain(error: PbckptError) -> str:
    return str(error).rstrip(".")


def _as_constant(variable: Variable) -> Variable:
    """Return the variable as what its constant holds."""
    return variable._replace(
        value="",
        value_dtype=None,
        ranges=("", ""),
        trainable=is_trainable(variable.tensor.dtype, variable.role, variable.key),
    )


def _given(network: Network) -> dict[str, dict[str, Node]]:
    """Return the constants that are handed into functions at all their calls, by argument."""
    given: dict[str, dict[str, Node]] = {}
    known: dict[int, int] = {}
    for number, op in enumerate(network.ops):
        source = _origin(number, network, known) if op == ARGUMENT_OP else -1
        node = network.nodes[source] if source >= 0 else None
        if node is not None and node.op == CONSTANT_OP:
            name = network.names[number]
            given.setdefault(network.functions[number], {})[name] = node._replace(name=name)
    return given


def _origin(number: int, network: Network, known: dict[int, int]) -> int:
    """Return the one node that a value is handed on from, or -1; each step is taken once."""
    way = []
    while number >= 0 and number not in known and network.ops[number] in _HANDED_ON:
        way.append(number)
        # What leads back here has no origin.
        known[number] = -1
        producers = set(network.inputs[number])
        number = producers.pop()[0] if len(producers) == 1 else -1
    origin = known.get(number, number)
    known.update(dict.fromkeys(way, origin))
    return origin


def planned_values(
    graph: FrozenGraph,
    plan: Detection,
    values: Values = DEFAULT_VALUES,
    limits: Limits = DEFAULT_LIMITS,
) -> Detection:
    """Return what was planned with the shapes and types of what is stored, and what was asked for.

    A tensor that was asked for takes the place of a variable of that name, and of the one
    variable that has its value: nothing is stored twice. Raises
    LimitError where values would grow beyond ``limits``, and what `Computed.asked` raises.
    """
    computed = Computed(graph, values, limits)
    counts = Counter(one.source for one in plan.variables)
    known = {one.source: one for one in plan.variables if counts[one.source] == 1}
    asked: dict[str, Variable] = {}
    for one in map(computed.asked, values.tensors):
        same = known.get(one.source, one)
        asked[one.key] = one._replace(trainable=same.trainable, role=same.role)
    gone = {*asked, *(known[one.source].key for one in asked.values() if one.source in known)}
    settled = computed.settle(one for one in plan.variables if one.key not in gone)
    # As it is stored, a quantized weight has the name of its constant.
    kept = [one for one in settled if one.key not in asked or one.node != asked[one.key].node]
    taken: dict[str, Variable] = {}
    for variable in (*kept, *asked.values()):
        other = taken.setdefault(variable.key, variable)
        if other is not variable:
            raise SelectionError(
                f"nodes {other.node!r} and {variable.node!r} would both be stored as "
                f"{variable.key!r}; leave one out with --exclude"
            )
    # Code points sort as their UTF-8 bytes do, and so as bundle keys must.
    ordered = tuple(taken[key] for key in sorted(taken))
    asked_nodes = {one.node for one in asked.values()}
    skipped = tuple(one for one in plan.skipped if one.node not in asked_nodes)
    return Detection(ordered, skipped, (*plan.warnings, *computed.warnings))
