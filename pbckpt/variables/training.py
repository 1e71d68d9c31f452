"""Training: which variables it changes by their gradients.

    name, type or role                      changed by
    dense/kernel, bn/gamma                  gradients
    bn/moving_mean, obs_rms/var, w_ema      the forward pass: an average
    conv/u, global_step                     the model's own code
    int32, string, quantized                nothing that has a gradient

The trap: a graph does not say it. Names do, and what an op takes the variable as.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbckpt.dtypes import DataType
    from pbckpt.operators.roles import Role

# Names of variables that training code updates by other means than gradients.
_NOT_TRAINABLE = re.compile(
    r"(?:moving|running|pop|population|avg|average|ema|global|mov)_?"
    r"(?:mean|var|variance|avg|average|std|stddev|sigma|mu)|(?:global|local|train|training)_step"
    r"|ExponentialMovingAverage|EMA|ema|ema_\w+|\w+_ema|renorm_\w+|biased|sn_u|w_avg|dlatent_avg"
    r"|(?:bn|batch_?norm)\w*_(?:mean|var|variance)|learning_rate|lr|num_batches_tracked|u_hat|u_vec|u_var"
)
# And by the scope that they are in.
_STATISTIC = re.compile(
    r"\w*ema\w*/(?:hidden|average|counter)"
    r"|(?:\w*rms|normalizer|running\w*|statistics|stats)/(?:mean|var|variance|std|sum|sumsq|count)"
)
# Nobody gives longer names; to look for words in one takes long.
_LONGEST = 256


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
