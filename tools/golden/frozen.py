"""The golden frozen graphs: small networks with seeded random weights.

`expected.json` tells for each variable the Const that holds it now: known from
the variables and from what was captured, never guessed from the graph.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.golden.checkpoints import Maker, write_json
from tools.golden.values import FLOAT, describe

if TYPE_CHECKING:
    from pathlib import Path

    Array = np.ndarray[Any, Any]

SEED = 77
INPUTS, UNITS, OUTPUTS = 5, 4, 3
STEPS = 3
GRAPH = "frozen.pb"


def weights(*shape: int, seed: int) -> Array:
    """Give random weights, the same in every run and with every version of numpy."""
    return np.random.RandomState(SEED + seed).standard_normal(shape).astype(np.float32)


def variable_truth(name: str, const: str, value: Array, *, trainable: bool) -> dict[str, Any]:
    """Describe a variable and the Const that holds it; all of them are float32."""
    described = describe(FLOAT, value.shape, value.astype("<f4").tobytes())
    return dict({"name": name, "const": const, "trainable": trainable}, **described)


def write_frozen(
    maker: Maker, folder: Path, writer: str, graph_def: Any, variables: list[dict[str, Any]]
) -> None:
    """Write a frozen graph and what is to be found in it. Input is `x`, output is `y`."""
    (folder / GRAPH).write_bytes(graph_def.SerializeToString(deterministic=True))
    consts = {node.name: node for node in graph_def.node if node.op == "Const"}
    held = {one["const"] for one in variables}
    for one in variables:
        check_const(maker, consts[one["const"]], one)
    expected = {
        "writer": writer,
        "graph": GRAPH,
        "inputs": ["x:0"],
        "outputs": ["y:0"],
        "variables": sorted(variables, key=lambda one: str(one["name"])),
        "other_constants": sorted(set(consts) - held),
    }
    write_json(maker, folder, expected)


def check_const(maker: Maker, node: Any, truth: dict[str, Any]) -> None:
    """Make sure that a Const holds the variable that it is said to hold."""
    value = maker.tf.make_ndarray(node.attr["value"].tensor)
    found = describe(FLOAT, value.shape, value.astype("<f4").tobytes())
    if found["sha256"] != truth["sha256"]:
        raise AssertionError(f"{node.name} is not {truth['name']}")


# -- TensorFlow 1


def build_network(v1: Any, *, resource: bool) -> dict[str, tuple[Array, bool]]:
    """Build a network of two layers and a normalization; give name -> (value, trainable).

    The table `levels` and the small number of the normalization are constants
    that never were variables.
    """
    values = {
        "hidden/kernel": (weights(INPUTS, UNITS, seed=1), True),
        "hidden/bias": (weights(UNITS, seed=2), True),
        "norm/gamma": (weights(UNITS, seed=3), True),
        "norm/beta": (weights(UNITS, seed=4), True),
        "norm/moving_mean": (weights(UNITS, seed=5), False),
        "norm/moving_variance": (np.abs(weights(UNITS, seed=6)) + np.float32(0.5), False),
        "out/kernel": (weights(UNITS, OUTPUTS, seed=7), True),
    }
    made = {
        name: v1.get_variable(name, initializer=value, trainable=trained, use_resource=resource)
        for name, (value, trained) in values.items()
    }
    x = v1.placeholder(v1.float32, [None, INPUTS], name="x")
    hidden = v1.matmul(x, made["hidden/kernel"], name="hidden/MatMul") + made["hidden/bias"]
    mean, variance = made["norm/moving_mean"], made["norm/moving_variance"]
    beta, gamma = made["norm/beta"], made["norm/gamma"]
    normal = v1.nn.batch_normalization(
        hidden, mean, variance, beta, gamma, 0.001, name="norm/apply"
    )
    levels = v1.constant(weights(OUTPUTS, seed=8), name="levels")
    output = v1.matmul(v1.nn.relu(normal), made["out/kernel"], name="out/MatMul")
    v1.add(output, levels, name="y")
    return values


def make_frozen_v1(maker: Maker, kind: str) -> None:
    """Freeze with `convert_variables_to_constants`: the Const gets the variable's name."""
    folder = maker.folder(f"frozen_{kind}")
    with maker.session(folder) as session:
        values = build_network(maker.v1, resource=kind == "resource")
        session.run(maker.v1.global_variables_initializer())
        graph_def = session.graph.as_graph_def()
        convert = maker.v1.graph_util.convert_variables_to_constants
        frozen = convert(session, graph_def, ["y"])
    variables = [
        variable_truth(name, name, value, trainable=trainable)
        for name, (value, trainable) in values.items()
    ]
    writer = f"convert_variables_to_constants, {kind} variables"
    write_frozen(maker, folder, writer, frozen, variables)


def make_frozen_ref(maker: Maker) -> None:
    """Freeze reference variables: each Const is read through an Identity `NAME/read`."""
    make_frozen_v1(maker, "ref")


def make_frozen_resource(maker: Maker) -> None:
    """Freeze resource variables: each Const is read through what was a ReadVariableOp."""
    make_frozen_v1(maker, "resource")


# -- TensorFlow 2


def build_module(tf: Any) -> Any:
    """Make a module of two layers and a recurrent kernel; the inner layer is a function itself."""

    class Network(tf.Module):  # type: ignore[misc]
        """A dense layer, then either a scale or a loop of three steps."""

        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(weights(INPUTS, UNITS, seed=11), name="dense/kernel")
            self.bias = tf.Variable(weights(UNITS, seed=12), name="dense/bias")
            self.recurrent = tf.Variable(weights(UNITS, UNITS, seed=13), name="loop/recurrent")
            self.output = tf.Variable(weights(UNITS, UNITS, seed=15), name="out/kernel")
            self.scale = tf.Variable(weights(UNITS, seed=14), name="scale", trainable=False)

        @tf.function  # type: ignore[untyped-decorator]
        def dense(self, x: Any) -> Any:
            """Apply the dense layer."""
            return tf.nn.relu(tf.matmul(x, self.kernel) + self.bias)

        @tf.function  # type: ignore[untyped-decorator]
        def straight(self, x: Any) -> Any:
            """Apply the layer, another one and the scale."""
            with tf.name_scope("out"):
                output = tf.matmul(self.dense(x), self.output)
            return tf.multiply(output, self.scale, name="y")

        @tf.function  # type: ignore[untyped-decorator]
        def loop(self, x: Any) -> Any:
            """Apply the layer and three steps of the recurrent kernel."""

            def step(number: Any, state: Any) -> tuple[Any, Any]:
                return number + 1, tf.matmul(state, self.recurrent) * self.scale

            start = (tf.constant(0), self.dense(x))
            _, state = tf.while_loop(lambda number, _: number < STEPS, step, start)
            return tf.identity(state, name="y")

    return Network()


def make_frozen_v2(maker: Maker, case: str, method: str) -> None:
    """Freeze with `convert_variables_to_constants_v2`: the Const gets the name of the capture.

    Control flow stays functional: lowered, it comes out in another order in each run.
    """
    folder = maker.folder(case)
    tf, network = maker.tf, build_module(maker.tf)
    signature = tf.TensorSpec([None, INPUTS], tf.float32, name="x")
    concrete = getattr(network, method).get_concrete_function(signature)
    module = importlib.import_module("tensorflow.python.framework.convert_to_constants")
    frozen = module.convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    captured = {id(outer): inner.op.name for outer, inner in concrete.graph.captures}
    variables = [
        variable_truth(
            variable.name.split(":")[0],
            captured[id(variable.handle)],
            variable.numpy(),
            trainable=variable.trainable,
        )
        for variable in network.variables
        if id(variable.handle) in captured
    ]
    writer = "convert_variables_to_constants_v2, lower_control_flow=False"
    write_frozen(maker, folder, writer, frozen.graph.as_graph_def(), variables)


def make_frozen_v2_straight(maker: Maker) -> None:
    """Freeze a function that calls another, which is inlined."""
    make_frozen_v2(maker, "frozen_v2", "straight")


def make_frozen_v2_loop(maker: Maker) -> None:
    """Freeze a loop that stays a While with its body in a library function."""
    make_frozen_v2(maker, "frozen_v2_loop", "loop")
