from __future__ import annotations

import time

import pytest

from pbckpt.dtypes import DataType
from pbckpt.operators.roles import Role
from pbckpt.variables.variable import is_trainable
from tests.unit.variables.graphs import detect_in, variable

# Seconds: far more than it takes, far less than it would if time grew with the square.
LONG = 2


@pytest.mark.parametrize(
    ("name", "trainable"),
    [
        ("bn/moving_mean", False),
        ("bn/moving_variance", False),
        ("moving_mean", False),
        ("global_step", False),
        ("net/global_step", False),
        ("w/ExponentialMovingAverage", False),
        ("bn/gamma", True),
        ("moving_mean/w", True),
        ("bn/moving_mean_1", True),
        ("bn/running_var", False),
        ("obs/runningsum", False),
        ("obs/running_sumsq", False),
        ("weighted_sum", True),
        ("bn/pop_mean", False),
        ("a/avg_std", False),
        ("bn_1/bn1_mean", False),
        ("vq/ema_count", False),
        ("vq/w_ema", False),
        ("ema_codes/hidden", False),
        ("net/ema_codes/counter", False),
        ("codes/hidden", True),
        ("obs_rms/mean", False),
        ("net/obs_rms/var", False),
        ("normalizer/count", False),
        ("normalizer/kernel", True),
        ("rms/means", True),
        ("conv/sn_u", False),
        ("learning_rate", False),
        ("lr", False),
        ("bn/num_batches_tracked", False),
        ("dlatent_avg", False),
        ("bn/renorm_mean", False),
        ("training_step", False),
        ("net/previous_state_c", False),
        ("previous_state_h", False),
        ("rnn/prev_states", False),
        ("rnn/initial_state", True),
        ("rnn/state/gamma", True),
        ("previous_state_gate", True),
        ("mean", True),
        ("average_pool/w", True),
    ],
)
def test_statistics_and_the_step_are_not_trained(name: str, trainable: bool) -> None:  # noqa: FBT001
    assert is_trainable(DataType.FLOAT, None, name) is trainable
    (found,) = detect_in(*variable(name)).variables
    assert found.trainable is trainable


@pytest.mark.parametrize("role", list(Role))
def test_what_gradients_do_not_reach_is_not_trained(role: Role) -> None:
    assert is_trainable(DataType.FLOAT, role, "a/b") is role.trainable
    assert not is_trainable(DataType.FLOAT, role, "a/moving_mean")
    assert not is_trainable(DataType.INT32, role, "a/b")


def test_a_scope_that_nobody_types_is_of_no_statistics() -> None:
    assert not is_trainable(DataType.FLOAT, None, "a" * 246 + "ema/hidden")
    assert is_trainable(DataType.FLOAT, None, "a" * 247 + "ema/hidden")
    assert not is_trainable(DataType.FLOAT, None, "a/" * 300 + "ema/hidden")


@pytest.mark.parametrize("key", ["ema" * 100_000, "ema" * 100_000 + "/", "ema/" * 100_000])
def test_long_keys_take_no_longer_than_it_takes_to_read_them(key: str) -> None:
    start = time.monotonic()
    assert is_trainable(DataType.FLOAT, None, key)
    assert time.monotonic() - start < LONG
