"""Structure: roles that no single op tells, by what is around a constant.

    batch norm      variance -> Add eps -> Rsqrt -> Mul gamma = inv
                    x * inv + (beta - mean * inv)
    layer norm      (x - mean(x)) * Rsqrt(var(x) + eps) * gamma + beta, or gamma and
                    beta behind a FusedBatchNorm whose own are ones and zeros
    bias            what is added to the output of a matrix multiplication
    slope           PReLU: max(x, 0) + alpha * min(x, 0), written in many ways

Elementwise ops take weights and anything else alike; only their neighbours tell.

Reference: tf.nn.batch_normalization, and Keras' layers by how they look in a graph.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators.roles import Role
from pbckpt.operators.weights import weight_role
from pbckpt.variables.formulas import Formulas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pbckpt.variables.walk import Walker

_ADDS = frozenset(("Add", "AddV2"))
_SUMS = frozenset((*_ADDS, "AddN", "BiasAdd", "BiasAddV1", "Sub"))
_ROOTS = frozenset(("Rsqrt", "Sqrt", "Pow"))
_DIVISIONS = frozenset(("RealDiv", "Div", "DivNoNan"))
_FUSED_NORMS = frozenset(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"))
# How many sums deep the matrix multiplications may be whose outputs a bias is added to.
_MAX_SUMS = 3
# How many of a multiplication's inputs may be its kernel.
_OPERANDS = 3


class Part(NamedTuple):
    """What a constant is to the node ``user``; ``is_sure`` unless other things look like that."""

    role: Role
    reason: str
    is_sure: bool
    user: int


class Surroundings:
    """Looks around constants, once all walks are done."""

    def __init__(self, walker: Walker, shapes: Mapping[int, tuple[int, ...]]) -> None:
        """Look in the walker's network; ``shapes`` are of the constants that hold numbers."""
        self._walker = walker
        self._network = walker.network
        self._ranks = {number: len(shape) for number, shape in shapes.items()}
        self._shapes = shapes
        sizes = {number: prod(shape) for number, shape in shapes.items() if shape}
        self._formulas = Formulas(walker, sizes)
        self._slots: dict[tuple[str, int], Sequence[tuple[int, Role]]] = {}
        self.parts: dict[int, list[Part]] = {}
        for number, op in enumerate(self._network.ops):
            if not self._network.inputs[number]:
                continue
            self._see_weights(number, op)
            if op in _ROOTS:
                self._see_root(number)
            elif op in _FUSED_NORMS:
                self._see_affine(number, "behind a normalisation")
            elif op in _ADDS:
                self._see_sum(number)
            elif op == "Mul":
                self._see_product(number)

    def _note(
        self, number: int | None, user: int, role: Role, reason: str, *, is_sure: bool = True
    ) -> None:
        if number is not None:
            self.parts.setdefault(number, []).append(Part(role, reason, is_sure, user))

    def _see_weights(self, number: int, op: str) -> None:
        """Look at weights that are computed from constants before an op takes them."""
        inputs = self._network.inputs[number]
        slots = self._slots.get((op, len(inputs)))
        if slots is None:
            slots = self._slots[op, len(inputs)] = _computed_slots(op, len(inputs))
        for slot, role in slots:
            producer = inputs[slot]
            if self._walker.origin(producer) is not None:
                continue
            formula = self._formulas.of(producer)
            if formula is None:
                continue
            where = f"{self._title(number)} takes what is computed from it as {role.phrase}"
            self._note(formula.main, number, role, where)
            for factor in formula.factors:
                self._note(factor, number, self._factor(factor), where, is_sure=False)

    def _factor(self, constant: int) -> Role:
        """Return what else there is in a formula of a kernel: gains, and vectors of its norm."""
        shape = self._shapes[constant]
        is_row = len(shape) == 2 and shape[0] == 1 and shape[1] > 1  # noqa: PLR2004 - axes
        return Role.POWER_VECTOR if is_row else Role.WEIGHT

    def _array(self, producer: tuple[int, int]) -> int | None:
        """Return the constant, not a scalar, whose value a producer hands on."""
        origin = self._walker.origin(producer)
        return origin if origin is not None and self._ranks.get(origin, 0) > 0 else None

    def _operands(self, number: int, slot: int) -> tuple[int, int]:
        """Return the other operand of a binary op."""
        return self._network.input(number, 1 - slot)

    def _title(self, number: int) -> str:
        return self._network.describe(number)

    def _see_root(self, root: int) -> None:
        """Look at 1/sqrt(variance + epsilon), and at what is done with it."""
        direct = self._array(self._network.input(root, 0))
        if direct is not None:
            self._see_deviation(root, direct)
            return
        add, _ = self._walker.behind(self._network.input(root, 0))
        if add < 0 or self._network.ops[add] not in _ADDS:
            return
        operands = [self._network.input(add, slot) for slot in (0, 1)]
        arrays = (self._array(operand) for operand in operands)
        variance = next((one for one in arrays if one is not None), None)
        scalars = [self._walker.origin(operand) for operand in operands]
        if all(scalar is None or self._ranks.get(scalar) != 0 for scalar in scalars):
            return
        where = f"the normalisation with {self._title(root)}"
        self._note(variance, add, Role.MOVING_VARIANCE, f"the variance in {where}")
        self._see_scaled(root, where, has_variance=variance is not None)

    def _see_deviation(self, root: int, variance: int) -> None:
        """Look at (x - mean) / (sqrt(variance) + epsilon), or without an epsilon."""
        where = f"the normalisation with {self._title(root)}"
        sums = [
            taker for taker, _ in self._walker.takers(root) if self._network.ops[taker] in _ADDS
        ]
        for divisor in (root, *sums):
            for taker, slot in self._walker.takers(divisor):
                if self._network.ops[taker] in _DIVISIONS and slot == 1:
                    self._note(variance, root, Role.MOVING_VARIANCE, f"the variance in {where}")
                    centred = self._operands(taker, slot)
                    self._see_normalised(taker, centred, where, has_variance=True)

    def _see_scaled(self, root: int, where: str, *, has_variance: bool) -> None:
        """Look at what is multiplied with, or divided by, the root."""
        for taker, slot in self._walker.takers(root):
            op = self._network.ops[taker]
            if op == "Mul" or (op in _DIVISIONS and slot == 1):
                other = self._operands(taker, slot)
                constant = self._array(other)
                if constant is None:
                    if has_variance:
                        self._see_negated_mean(taker, other, where)
                    self._see_normalised(taker, other, where, has_variance=has_variance)
                elif self._is_subtracted(taker):
                    self._note(constant, taker, Role.MOVING_MEAN, f"the mean in {where}")
                    self._see_offset(taker, where)
                else:
                    self._note(constant, taker, Role.GAMMA, f"the scale in {where}")
                    self._see_scaled_inverse(taker, where)

    def _see_scaled_inverse(self, inverse: int, where: str) -> None:
        """Look at the products of gamma / sqrt(variance + epsilon) with x and with the mean."""
        for taker, slot in self._walker.takers(inverse):
            if self._network.ops[taker] == "Mul" and self._is_subtracted(taker):
                mean = self._array(self._operands(taker, slot))
                self._note(mean, taker, Role.MOVING_MEAN, f"the mean in {where}")
                self._see_offset(taker, where)
            elif self._network.ops[taker] == "Mul":
                self._see_negated_mean(taker, self._operands(taker, slot), where)

    def _see_negated_mean(self, product: int, factor: tuple[int, int], where: str) -> None:
        """Look at beta + (-mean) * inverse."""
        number, _ = self._walker.behind(factor)
        if number >= 0 and self._network.ops[number] == "Neg":
            mean = self._array(self._network.input(number, 0))
            self._note(mean, number, Role.MOVING_MEAN, f"the mean in {where}")
            self._see_added(product, f"in {where}")

    def _is_subtracted(self, product: int) -> bool:
        return any(
            (self._network.ops[taker] == "Sub" and slot == 1) or self._network.ops[taker] == "Neg"
            for taker, slot in self._walker.takers(product)
        )

    def _see_offset(self, product: int, where: str) -> None:
        """Look at beta - mean * inverse."""
        for taker, slot in self._walker.takers(product):
            if self._network.ops[taker] == "Sub" and slot == 1:
                beta = self._array(self._network.input(taker, 0))
                self._note(beta, taker, Role.BETA, f"the offset in {where}")

    def _see_normalised(
        self, product: int, centred: tuple[int, int], where: str, *, has_variance: bool
    ) -> None:
        """Look at (x - mean) / sqrt(variance + epsilon), and what comes after."""
        number, _ = self._walker.behind(centred)
        if number >= 0 and self._network.ops[number] == "Sub":
            mean = self._array(self._network.input(number, 1))
            if has_variance:
                self._note(mean, number, Role.MOVING_MEAN, f"the mean in {where}")
            self._see_affine(product, f"in {where}")
        elif number >= 0 and self._network.ops[number] == "Mul":
            for slot in (0, 1):
                gamma = self._array(self._network.input(number, slot))
                self._note(gamma, number, Role.GAMMA, f"the scale in {where}")
            self._see_added(product, f"in {where}")
        elif has_variance:
            # x * inverse, with no scale: the offset is what is left of beta.
            return
        else:
            self._see_affine(product, f"in {where}")

    def _see_affine(self, normalised: int, where: str) -> None:
        """Look at gamma and beta behind something normalised."""
        for taker, slot in self._walker.takers(normalised):
            op = self._network.ops[taker]
            if op == "Mul":
                gamma = self._array(self._operands(taker, slot))
                if gamma is None:
                    continue
                self._note(gamma, taker, Role.GAMMA, f"the scale {where}")
                self._see_added(taker, where)
            elif op in _ADDS:
                beta = self._array(self._operands(taker, slot))
                self._note(beta, taker, Role.BETA, f"the offset {where}", is_sure=False)

    def _see_added(self, scaled: int, where: str) -> None:
        """Look at beta, which is added to something scaled."""
        for taker, slot in self._walker.takers(scaled):
            if self._network.ops[taker] in _ADDS:
                beta = self._array(self._operands(taker, slot))
                self._note(beta, taker, Role.BETA, f"the offset {where}")

    def _see_sum(self, number: int) -> None:
        """Look whether a constant is added to the output of a matrix multiplication."""
        for slot in (0, 1):
            constant = self._array(self._network.input(number, slot))
            if constant is None:
                continue
            linear = self._linear(self._operands(number, slot))
            if linear is not None:
                reason = f"added to the output of {self._title(linear)}"
                is_sure = self._fits(self._shapes[constant], linear)
                self._note(constant, number, Role.BIAS, reason, is_sure=is_sure)

    def _fits(self, shape: tuple[int, ...], linear: int) -> bool:
        """Tell whether a bias of a shape may be that of a multiplication.

        A vector may. An array of more axes has an element for each output, in heads;
        a table of positions has not.
        """
        if sum(size > 1 for size in shape) <= 1 or self._network.ops[linear] == "Einsum":
            return True
        kernels = (self._array(producer) for producer in self._network.inputs[linear][:_OPERANDS])
        return any(kernel is not None and prod(shape) in self._shapes[kernel] for kernel in kernels)

    def _linear(self, producer: tuple[int, int]) -> int | None:
        """Return the multiplication or convolution of which a producer is a sum."""
        level = [producer]
        for _ in range(_MAX_SUMS):
            found = [self._walker.behind(one)[0] for one in level]
            for number in found:
                if number >= 0 and _is_linear(self._network.ops[number]):
                    return number
            level = [
                one
                for number in found
                if number >= 0 and self._network.ops[number] in _SUMS
                for one in self._network.inputs[number][:2]
            ]
        return None

    def _see_product(self, number: int) -> None:
        """Look for the slope of a PReLU, and for the scale of a layer's output."""
        for slot in (0, 1):
            factor = self._network.input(number, slot)
            constant = self._walker.origin(factor)
            if constant is None:
                constant = self._negated(factor)
            if constant is None or constant not in self._ranks:
                continue
            other, _ = self._walker.behind(self._operands(number, slot))
            if other < 0:
                continue
            if self._is_half_wave(other):
                reason = f"multiplied with the negative half of a signal in {self._title(number)}"
                self._note(constant, number, Role.ALPHA, reason, is_sure=self._ranks[constant] > 0)
            elif self._ranks[constant] > 0 and _is_linear(self._network.ops[other]):
                reason = f"multiplied with the output of {self._title(other)}"
                self._note(constant, number, Role.GAMMA, reason, is_sure=False)

    def _negated(self, producer: tuple[int, int]) -> int | None:
        number, _ = self._walker.behind(producer)
        if number < 0 or self._network.ops[number] != "Neg":
            return None
        return self._walker.origin(self._network.input(number, 0))

    def _is_half_wave(self, number: int) -> bool:
        """Tell whether a node gives the negative half of a signal: relu(-x), min(x, 0), x - |x|."""
        op = self._network.ops[number]
        if op == "Neg":
            number, _ = self._walker.behind(self._network.input(number, 0))
            op = self._network.ops[number] if number >= 0 else ""
        if op == "Relu":
            before, _ = self._walker.behind(self._network.input(number, 0))
            return before >= 0 and self._network.ops[before] == "Neg"
        if op == "Minimum":
            origins = [self._walker.origin(one) for one in self._network.inputs[number][:2]]
            return any(one is not None and self._ranks.get(one) == 0 for one in origins)
        if op == "Sub":
            sizes = [self._walker.behind(one)[0] for one in self._network.inputs[number][:2]]
            return any(one >= 0 and self._network.ops[one] in ("Abs", "Relu") for one in sizes)
        return False


def _computed_slots(op: str, count: int) -> Sequence[tuple[int, Role]]:
    """Return which of so many inputs of an op may be computed weights, and what they are."""
    roles = ((slot, weight_role(op, slot, count)) for slot in range(count))
    return [(slot, role) for slot, role in roles if role in _COMPUTED and role is not None]


def _is_linear(op: str) -> bool:
    role = _LINEAR.get(op)
    if role is None:
        role = _LINEAR[op] = any(
            weight_role(op, slot, 2) in _MULTIPLIED for slot in (0, 1, 2)
        ) and op not in ("BiasAdd", "BiasAddV1")
    return role


_LINEAR: dict[str, bool] = {}
_COMPUTED = frozenset(
    (
        Role.KERNEL,
        Role.DEPTHWISE_KERNEL,
        Role.POINTWISE_KERNEL,
        Role.RECURRENT_KERNEL,
        Role.MATRIX,
        Role.BIAS,
        Role.EMBEDDINGS,
    )
)
_MULTIPLIED = frozenset((Role.KERNEL, Role.DEPTHWISE_KERNEL, Role.POINTWISE_KERNEL, Role.MATRIX))


def strongest(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield the parts, sure ones first, and of these last what may be a matrix of anything.

    A network that divides a filter by its norm multiplies matrices to find that.
    """
    yield from sorted(parts, key=lambda part: (not part.is_sure, part.role is Role.MATRIX))
