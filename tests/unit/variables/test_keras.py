"""The words that Keras has for variables."""

from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.graph.constant import ConstantTensor
from pbckpt.operators.roles import Role
from pbckpt.variables.keras import Names, keras_keys, with_names
from pbckpt.variables.variable import Detection, Variable

TENSOR = ConstantTensor(DataType.FLOAT, (2,), 2)


def of(key: str, role: Role | None) -> Variable:
    return Variable(key, key, TENSOR, trainable=True, rule="r", reason="why", role=role)


@pytest.mark.parametrize(
    ("key", "role", "renamed"),
    [
        ("conv1/weights", Role.KERNEL, "conv1/kernel"),
        ("fc/W", Role.MATRIX, "fc/kernel"),
        ("conv1/biases", Role.BIAS, "conv1/bias"),
        ("sep/depthwise_weights", Role.DEPTHWISE_KERNEL, "sep/depthwise_kernel"),
        ("bn/mean/EMA", Role.MOVING_MEAN, "bn/mean/moving_mean"),
        ("table", Role.EMBEDDINGS, "embeddings"),
        ("conv1/kernel_1", Role.KERNEL, "conv1/kernel_1"),
        ("temperature", None, "temperature"),
        ("state", Role.STATE, "state"),
    ],
)
def test_words_of_roles(key: str, role: Role | None, renamed: str) -> None:
    assert keras_keys([of(key, role)]) == [renamed]


def test_those_that_would_be_called_the_same_keep_their_names() -> None:
    variables = [of("W1", Role.MATRIX), of("W2", Role.MATRIX), of("b1", Role.BIAS)]
    assert keras_keys(variables) == ["W1", "W2", "bias"]


def test_one_that_keeps_its_name_is_not_robbed_of_it() -> None:
    variables = [of("a/kernel", None), of("a/w", Role.KERNEL)]
    assert keras_keys(variables) == ["a/kernel", "a/w"]
    chain = [of("bias", None), of("kernel", Role.BIAS), of("w", Role.KERNEL)]
    assert keras_keys(chain) == ["bias", "kernel", "w"]


def test_names_on_request() -> None:
    detection = Detection((of("c/weights", Role.KERNEL),), ())
    assert with_names(detection, Names.GRAPH) is detection
    assert [one.key for one in with_names(detection, Names.KERAS).variables] == ["c/kernel"]
