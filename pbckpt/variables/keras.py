"""Keras names: the words that Keras has for variables, whatever the model's code called them.

    graph says             role                Keras
    conv1/weights          kernel              conv1/kernel
    conv1/biases           bias                conv1/bias
    BatchNorm/moving_avg   moving_mean         BatchNorm/moving_mean
    user_table             embeddings          embeddings

The layer stays as it is; the last component becomes the word for what the variable
is. A variable of which that is not known keeps its name, and so do those that would
otherwise be called the same.

Reference: the build methods of the layers in keras/src/layers.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.operators.roles import Role
from pbckpt.variables.words import is_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.variables.variable import Detection, Variable

_WORDS = {
    Role.KERNEL: "kernel",
    Role.MATRIX: "kernel",
    Role.DEPTHWISE_KERNEL: "depthwise_kernel",
    Role.POINTWISE_KERNEL: "pointwise_kernel",
    Role.RECURRENT_KERNEL: "recurrent_kernel",
    Role.BIAS: "bias",
    Role.RECURRENT_BIAS: "bias",
    Role.GAMMA: "gamma",
    Role.BETA: "beta",
    Role.MOVING_MEAN: "moving_mean",
    Role.MOVING_VARIANCE: "moving_variance",
    Role.EMBEDDINGS: "embeddings",
    Role.ALPHA: "alpha",
}


# Names that hang together longer than that were made to.
_MAX_ROUNDS = 16


class Names(Enum):
    """Whose words the variables are called by."""

    GRAPH = "graph"
    KERAS = "keras"


def with_names(detection: Detection, names: Names) -> Detection:
    """Return a detection whose variables are called as ``names`` says."""
    if names is Names.GRAPH:
        return detection
    variables = detection.variables
    keys = keras_keys(variables)
    renamed = tuple(v._replace(key=key) for v, key in zip(variables, keys, strict=True))
    return detection._replace(variables=renamed)


def keras_keys(variables: Sequence[Variable]) -> list[str]:
    """Return a key for each variable with the word that Keras has for its role."""
    own = [variable.key for variable in variables]
    wanted = [_keras_key(variable) for variable in variables]
    for _ in range(_MAX_ROUNDS):
        # One that keeps its name may have another's new one: then that keeps its own, too.
        count = Counter(wanted)
        settled = [key if count[key] == 1 else old for key, old in zip(wanted, own, strict=True)]
        if settled == wanted:
            return settled
        wanted = settled
    return own


def _keras_key(variable: Variable) -> str:
    word = _WORDS.get(variable.role) if variable.role else None
    if word is None:
        return variable.key
    layer, slash, last = variable.key.rpartition("/")
    # The word with a number is the word: conv2d/kernel_1 is another kernel.
    return variable.key if is_word(last, word) else f"{layer}{slash}{word}"
