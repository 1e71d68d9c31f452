"""Variables: constants that become variables, and those that do not, each with its reason."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.dtypes import DataType
from pbckpt.shapes import count_elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from pbckpt.graph.constant import ConstantTensor
    from pbckpt.operators.roles import Role
    from pbckpt.variables.evidence import Evidence

# Names of variables that training code updates by other means than gradients.
_NOT_TRAINABLE = re.compile(
    r"(?:moving|running|pop|population|avg|average|ema|global|mov)_?"
    r"(?:mean|var|variance|avg|average|std|stddev|sigma|mu|sum|sumsq)|(?:global|local|train|training)_step"
    r"|ExponentialMovingAverage|EMA|ema|ema_\w+|\w+_ema|renorm_\w+|biased|sn_u|w_avg|dlatent_avg"
    r"|(?:bn|batch_?norm)\w*_(?:mean|var|variance)|learning_rate|lr|num_batches_tracked|u_hat|u_vec|u_var"
    # What a recurrent network was left in by the piece before.
    r"|(?:previous|prev)_states?(?:_[ch0-9])?"
)
# And by the scope that they are in.
_STATISTIC = re.compile(
    r"\w*ema\w*/(?:hidden|average|counter)"
    r"|(?:\w*rms|normalizer|running\w*|statistics|stats)/(?:mean|var|variance|std|sum|sumsq|count)"
)
# Nobody gives longer names; to look for words in one takes long.
_LONGEST = 256


class Variable(NamedTuple):
    """A constant that becomes a variable.

    ``key`` is its name in the checkpoint, ``node`` the constant's in the graph,
    with ``FUNCTION::`` before it in a function. ``value`` names the tensor that
    the variable's value is where it is not the constant itself: what a cast or a
    dequantization makes of it. ``ranges`` name the tensors that say which
    numbers its lowest and highest values stand for, where an op of quantized
    values takes all three. ``folded`` tells what a tool has multiplied into it:
    its values are then not those that were trained. ``parts`` are those of a
    partitioned variable, which follow each other in the dimension ``axis``, and
    ``is_sliced`` whether they are stored as slices of it.

    ``value_shape`` and ``compute`` are filled in for what is about to be stored:
    the shape of a computed value, and what gives its array.
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
    ranges: tuple[str, str] = ("", "")
    folded: str = ""
    parts: tuple[Variable, ...] = ()
    axis: int = 0
    is_sliced: bool = False
    value_shape: tuple[int, ...] | None = None
    compute: Callable[[], object] | None = None

    @property
    def dtype(self) -> DataType:
        """The element type that is stored: that of the value, unless it is cast."""
        return self.cast or self.value_dtype or self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape; empty for a scalar."""
        return self.tensor.shape if self.value_shape is None else self.value_shape

    @property
    def source(self) -> str:
        """The tensor of the graph that has its value; empty where no single one has."""
        is_nowhere = self.parts or (any(self.ranges) and not self.value)
        return "" if is_nowhere else self.value or self.node

    @property
    def nodes(self) -> tuple[str, ...]:
        """The constants that hold it: several for a partitioned variable."""
        return tuple(part.node for part in self.parts) or (self.node,)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements as stored; for strings, of their texts alone."""
        if self.dtype is DataType.STRING:
            return sum(part.tensor.nbytes for part in self.parts) or self.tensor.nbytes
        return (count_elements(self.shape) or 0) * self.dtype.itemsize


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
    folded: str = ""


class Detection(NamedTuple):
    """The verdicts on all constants of a graph, in file order.

    ``warnings`` are what there is to say of values that are about to be stored.
    """

    variables: tuple[Variable, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...] = ()


class Found(NamedTuple):
    """Why a constant was a variable, the key to store it under, and what it was."""

    rule: str
    reason: str
    key: str
    role: Role | None = None


def variable_of(node: str, tensor: ConstantTensor, found: Found) -> Variable:
    """Return the variable that a finding makes of a constant."""
    trainable = is_trainable(tensor.dtype, found.role, found.key)
    return Variable(found.key, node, tensor, trainable, found.rule, found.reason, role=found.role)


def is_trainable(dtype: DataType, role: Role | None, key: str) -> bool:
    """Tell whether training changes a variable by its gradient."""
    if not (dtype.is_floating or dtype.is_complex):
        return False
    if role is not None and not role.trainable:
        return False
    scope, last = ("", *key.rsplit("/", 2))[-2:]
    name = f"{scope}/{last}"
    return not _NOT_TRAINABLE.fullmatch(last) and not (
        len(name) <= _LONGEST and _STATISTIC.fullmatch(name)
    )
