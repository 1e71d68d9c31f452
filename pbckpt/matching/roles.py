"""Roles: what a variable is for, told by the last component of its name.

    weights  W  filter  w1  W_conv1   kernel
    biases   b  b_conv1               bias
    scale                             gamma
    offset                            beta
    mean     running_mean             moving_mean

Programs have their own words for the same thing. A name alone proves little, so
a role only ever narrows a choice: a role that is not known fits all others.
"""

from __future__ import annotations

import re

KERNEL, BIAS, GAMMA, BETA = "kernel", "bias", "gamma", "beta"
MOVING_MEAN, MOVING_VARIANCE = "moving_mean", "moving_variance"
EMBEDDINGS, RECURRENT_KERNEL = "embeddings", "recurrent_kernel"
SLOT = "slot"
"""An optimizer's, which no frozen graph has."""

_WORDS = {
    KERNEL: "kernel weights weight w filter filters",
    BIAS: "bias biases b",
    GAMMA: "gamma scale",
    BETA: "beta offset",
    MOVING_MEAN: "moving_mean mean running_mean pop_mean",
    MOVING_VARIANCE: "moving_variance variance var running_var running_variance pop_var",
    EMBEDDINGS: "embeddings embedding embedding_matrix embedding_weights lookup_table",
    RECURRENT_KERNEL: "recurrent_kernel recurrent_weights u",
    "depthwise_kernel": "depthwise_kernel depthwise_weights",
    "pointwise_kernel": "pointwise_kernel pointwise_weights",
    "alpha": "alpha alphas",
}
_ROLE_OF = {word: role for role, words in _WORDS.items() for word in words.split()}
# The order in which layers make their variables.
_RANKS = {role: rank for rank, role in enumerate(_WORDS)}
_NUMBER = re.compile(r"_?[0-9]+\Z")
_ENDINGS = ((RECURRENT_KERNEL, RECURRENT_KERNEL), (KERNEL, KERNEL), (BIAS, BIAS))
ONES = frozenset((GAMMA, MOVING_VARIANCE))
"""What an untrained network has ones for."""
# What a graph calls anything that is multiplied: no word for it means the same.
_VAGUE = frozenset(("scale", "weight", "matrix"))
# What many programs call a kernel or weights, too.
_KERNELS = frozenset((KERNEL, EMBEDDINGS, "depthwise_kernel", "pointwise_kernel"))
_OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def role_of_name(name: str) -> str:
    """Return the role that a name tells, or nothing."""
    last = name.removesuffix(_OBJECT_VALUE).rpartition("/")[2].lower().lstrip("_")
    role = _ROLE_OF.get(last) or _ROLE_OF.get(_NUMBER.sub("", last))
    if role:
        return role
    # As tutorials have it: W_conv1, b_fc2.
    first, underscore, _ = last.partition("_")
    return _ROLE_OF.get(first, "") if underscore and first in ("w", "b") else ""


def known_role(role: str) -> str:
    """Return the role of this table that another word for it means, or nothing."""
    if role in _VAGUE:
        return ""
    if role in _RANKS:
        return role
    return _ROLE_OF.get(role) or next(
        (known for ending, known in _ENDINGS if role.endswith("_" + ending)), ""
    )


def rank(role: str) -> int:
    """Return where among the variables of a layer one of that role comes."""
    return _RANKS.get(role, len(_RANKS))


def are_compatible(role: str, other: str) -> bool:
    """Tell whether two roles can be the same."""
    if not role or not other or role == other:
        return True
    return KERNEL in (role, other) and {role, other} <= _KERNELS
