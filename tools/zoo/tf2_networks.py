"""What a network of the zoo is, and how those of Keras and of tf.Module become one.

A recipe (`tf2_keras3`, `tf2_keras2`, `tf2_modules`) takes a `Kit` and returns a
`Network`: something to call, what it is called with, and its variables by their
own names. Every variable gets a random value of its own here, moving statistics
and biases too, because equal values (all the zeros of an untrained network)
would leave open which constant was which variable. The trap is Keras 3, whose
variable is a wrapper: `path` is its name and `value` the variable of TensorFlow.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEEP = ("normalization/mean", "normalization/variance", "normalization/count")


class Network(NamedTuple):
    """A network that is called: the function, its inputs, its variables by name."""

    call: Callable[..., Any]
    inputs: tuple[Any, ...]
    variables: dict[str, Any]
    trainable: frozenset[str]
    root: Any


class Kit(NamedTuple):
    """TensorFlow, Keras 3 and Keras 2, and the source of the random values."""

    tf: Any
    keras: Any
    tf_keras: Any
    rng: np.random.Generator

    @property
    def layers(self) -> Any:
        """The layers of Keras 3."""
        return self.keras.layers

    @property
    def layers2(self) -> Any:
        """The layers of Keras 2."""
        return self.tf_keras.layers

    def spec(self, *shape: int | None, dtype: str = "float32") -> Any:
        """Describe an input."""
        return self.tf.TensorSpec(shape, self.tf.as_dtype(dtype))

    def normal(self, *shape: int) -> np.ndarray[Any, Any]:
        """Give random numbers about zero."""
        return (self.rng.standard_normal(shape) * 0.4).astype(np.float32)

    def positive(self, *shape: int) -> np.ndarray[Any, Any]:
        """Give random numbers about one, none near zero."""
        return self.rng.uniform(0.4, 1.7, shape).astype(np.float32)

    def variable(self, *shape: int, name: str | None = None, **options: Any) -> Any:
        """Make a variable of float32 with random values."""
        return self.tf.Variable(self.normal(*shape), name=name, **options)

    def keras3(self, model: Any, *inputs: Any, call: Callable[..., Any] | None = None) -> Network:
        """Give a model of Keras 3 random values and take it as a network."""
        found = {v.path: v.value for v in model.variables}
        if len(found) != len(model.variables):
            raise ValueError([v.path for v in model.variables])
        trained = frozenset(v.path for v in model.trainable_variables)
        self.fill(found)
        return Network(call or applied(model), inputs, found, trained, model)

    def keras2(self, model: Any, *inputs: Any, call: Callable[..., Any] | None = None) -> Network:
        """Give a model of Keras 2 random values and take it as a network."""
        return self.module(model, *inputs, call=call or applied(model))

    def module(self, root: Any, *inputs: Any, call: Callable[..., Any]) -> Network:
        """Take the variables of a tf.Module as they are named; values come random."""
        found = named(root.variables)
        trained = {id(v) for v in root.trainable_variables}
        self.fill(found)
        kept = frozenset(name for name, v in found.items() if id(v) in trained)
        return Network(call, inputs, found, kept, root)

    def fill(self, variables: dict[str, Any]) -> None:
        """Give every variable a random value that fits its dtype and its use."""
        for name, variable in variables.items():
            if not name.endswith(KEEP) and variable.dtype != self.tf.string:
                variable.assign(self.value_of(name, variable))

    def value_of(self, name: str, variable: Any) -> Any:
        """Draw a value for one variable."""
        shape, dtype = tuple(variable.shape), variable.dtype
        if dtype.is_bool:
            return self.rng.integers(0, 2, shape).astype(bool)
        if dtype.is_integer:
            return self.tf.cast(self.rng.integers(11, 90, shape), dtype)
        positive = name.endswith(("variance", "var", "scale"))
        drawn = self.positive(*shape) if positive else self.normal(*shape)
        return self.tf.cast(drawn.astype(np.float64) * 1.0000001, dtype)


def applied(model: Any) -> Callable[..., Any]:
    """Call a model on its inputs, for inference."""

    def call(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    return call


def named(variables: Iterable[Any]) -> dict[str, Any]:
    """Name variables as they say themselves; what is called the same gets a number."""
    found: dict[str, Any] = {}
    for variable in variables:
        name = variable.name.split(":")[0]
        taken, number = name, 0
        while taken in found:
            number += 1
            taken = f"{name}_{number}"
        found[taken] = variable
    return found


def generator(name: str) -> np.random.Generator:
    """Seed the random values of a network by its name."""
    return np.random.default_rng(zlib.crc32(name.encode()))
