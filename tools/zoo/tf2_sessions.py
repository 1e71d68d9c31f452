"""Networks of the TF 1 API inside TF 2: graphs with sessions, frozen by name.

Here the Const has the variable's own name. A reference variable is read by
`x/read`, a resource variable by `…/ReadVariableOp`.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tools.zoo.tf2_networks import Kit


ROUNDS = 3


class Session(NamedTuple):
    """A network in a graph of its own: session, outputs, variables by name."""

    session: Any
    outputs: tuple[str, ...]
    variables: dict[str, Any]
    trainable: frozenset[str]
    resource: bool


def started(kit: Kit, output: Any, *, resource: bool) -> Session:
    """Give all variables of the current graph random values and take the network."""
    v1 = kit.tf.compat.v1
    session = v1.Session()
    session.run(v1.global_variables_initializer())
    found = {v.op.name: v for v in v1.global_variables()}
    for name, variable in found.items():
        shape = tuple(variable.shape)
        positive = name.endswith(("variance", "gamma"))
        value = kit.positive(*shape) if positive else kit.normal(*shape)
        if variable.dtype.base_dtype.is_integer:
            value = np.full(shape, kit.rng.integers(100, 900))
        variable.load(value, session)
    trained = frozenset(v.op.name for v in v1.trainable_variables())
    return Session(session, (output.op.name,), found, trained, resource)


def towers(kit: Kit) -> Session:
    """Read references under scopes: convolutions, hand-made batch norm, partitions."""
    v1, nn = kit.tf.compat.v1, kit.tf.compat.v1.nn
    image = v1.placeholder(kit.tf.float32, [None, 8, 8, 2], name="input")
    v1.train.get_or_create_global_step()
    with v1.variable_scope("tower_0/conv1", use_resource=False):
        x = nn.conv2d(image, v1.get_variable("weights", [3, 3, 2, 4]), 1, "SAME")
        names = ("moving_mean", "moving_variance", "beta", "gamma")
        parts = [v1.get_variable(n, [4], trainable=n[0] != "m") for n in names]
        x = nn.relu(nn.batch_normalization(x, *parts, 0.001))
    x = kit.tf.reshape(x, [-1, 256])
    cut = v1.fixed_size_partitioner(2)
    with v1.variable_scope("tower_0/logits", use_resource=False, partitioner=cut):
        kernel = v1.get_variable("weights", [256, 3])
        x = kit.tf.matmul(x, kernel) + kit.tf.constant(kit.normal(3), name="prior")
    return started(kit, kit.tf.nn.softmax(x, name="probs"), resource=False)


def layers(kit: Kit) -> Session:
    """Resource variables of Keras layers in a graph, and a gather from one."""
    v1, tf = kit.tf.compat.v1, kit.tf
    ids = v1.placeholder(tf.int32, [None, 3], name="ids")
    with v1.variable_scope("lm", use_resource=True):
        table = v1.get_variable("embedding_table", [11, 4])
        x = tf.reshape(tf.gather(table, ids), [-1, 12])
        x = x + tf.tile(v1.get_variable("position", [1, 4]), [1, 3])
    for number, units in enumerate((6, 5)):
        x = kit.layers2.Dense(units, activation="elu", name=f"dense_{number + 4}")(x)
        kernel = v1.get_variable(
            f"skip_{number}", [12 if number == 0 else 6, units], use_resource=True
        )
        x = x + tf.reduce_mean(kernel, 0)
    return started(kit, tf.identity(x, name="hidden"), resource=True)


def loop(kit: Kit) -> Session:
    """Old control flow: a loop with Enter and a cond with Switch over references."""
    v1, tf = kit.tf.compat.v1, kit.tf
    v1.disable_control_flow_v2()
    x = v1.placeholder(tf.float32, [2, 4], name="x")
    with v1.variable_scope("rnn/cell", use_resource=False):
        w, b = v1.get_variable("w", [4, 4]), v1.get_variable("b", [4])
        scale = v1.get_variable("scale", [])
    fixed = tf.constant(kit.normal(4, 4), name="fixed_rotation")
    _, h = v1.while_loop(
        lambda i, _: i < ROUNDS,
        lambda i, h: (i + 1, tf.tanh(h @ w + b) @ fixed),
        [tf.constant(0), x],
    )
    h = v1.cond(tf.reduce_sum(x) > 0, lambda: h * scale, lambda: h + b)
    return started(kit, tf.identity(h, name="state"), resource=False)


RECIPES = {"s-towers": towers, "s-layers": layers, "s-loop": loop}
