"""Roles: what a variable does in a network, as the op that takes it tells.

A role is a word for the last part of a name (`kernel`, `moving_mean`), a phrase
for explanations, and whether training changes it by gradients. Some are not to be
told from an op alone: a slope of PReLU is multiplied like anything else, the
recurrent kernel of a cell is a matrix. Rules that look further use those.

The trap: the mean and the variance of a batch normalisation are weights of the
model that no gradient ever touches.
"""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """What a variable is to the op that takes it; values are words for names."""

    KERNEL = "kernel"
    DEPTHWISE_KERNEL = "depthwise_kernel"
    POINTWISE_KERNEL = "pointwise_kernel"
    RECURRENT_KERNEL = "recurrent_kernel"
    BIAS = "bias"
    RECURRENT_BIAS = "recurrent_bias"
    GAMMA = "gamma"
    BETA = "beta"
    MOVING_MEAN = "moving_mean"
    MOVING_VARIANCE = "moving_variance"
    EMBEDDINGS = "embeddings"
    ALPHA = "alpha"
    PEEPHOLE = "peephole"
    STATE = "state"
    MATRIX = "matrix"
    RANGE_MIN = "range_min"
    RANGE_MAX = "range_max"
    SCALE = "scale"
    WEIGHT = "weight"
    POWER_VECTOR = "u"

    @property
    def phrase(self) -> str:
        """What to call it in an explanation."""
        return _PHRASES[self]

    @property
    def trainable(self) -> bool:
        """Whether training changes such a variable by its gradient."""
        return self not in _NOT_TRAINABLE


_PHRASES = {
    Role.KERNEL: "the filter of a convolution or the kernel of a cell",
    Role.DEPTHWISE_KERNEL: "the filter of a depthwise convolution",
    Role.POINTWISE_KERNEL: "the 1x1 filter behind a depthwise convolution",
    Role.RECURRENT_KERNEL: "the recurrent kernel of a cell",
    Role.BIAS: "a bias",
    Role.RECURRENT_BIAS: "the recurrent bias of a cell",
    Role.GAMMA: "the scale of a normalisation",
    Role.BETA: "the offset of a normalisation",
    Role.MOVING_MEAN: "the mean of a batch normalisation",
    Role.MOVING_VARIANCE: "the variance of a batch normalisation",
    Role.EMBEDDINGS: "the table that rows are looked up in",
    Role.ALPHA: "the slope of a PReLU",
    Role.PEEPHOLE: "the peephole weights of an LSTM cell",
    Role.STATE: "the initial state of a recurrent op",
    Role.MATRIX: "an operand of a matrix multiplication",
    Role.RANGE_MIN: "the lower end of a quantized range",
    Role.RANGE_MAX: "the upper end of a quantized range",
    Role.SCALE: "the scale of quantized values",
    Role.WEIGHT: "a weight",
    Role.POWER_VECTOR: "the vector by which the norm of a kernel is estimated",
}
_NOT_TRAINABLE = frozenset(
    (
        Role.MOVING_MEAN,
        Role.MOVING_VARIANCE,
        Role.STATE,
        Role.RANGE_MIN,
        Role.RANGE_MAX,
        Role.SCALE,
        Role.POWER_VECTOR,
    )
)
