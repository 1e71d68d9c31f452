"""What the networks register themselves with, and a network that was built.

A network is a function that builds a graph in the default graph and returns
the names of its outputs. Its weights are set afterwards, all of them at random
from a seed made of the network's and the variable's name: random batch norm
statistics too, so that no two variables have the same bytes, except where a
network asks with `keep` (a pattern of names) that initial values stay.
"""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types

from __future__ import annotations

import re
import zlib
from typing import Any, Callable, NamedTuple

import numpy as np
import tensorflow as tf

from tools.zoo.truth import VARIABLE_OPS, Variable


class Network(NamedTuple):
    """A network to build, and what to do with its frozen graph."""

    name: str
    home: str
    style: str
    build: Callable[[], list[str]]
    tools: tuple[str, ...]
    keep: str
    cut: tuple[str, ...]
    first: tuple[str, ...]


class Built(NamedTuple):
    """A network in a graph, its session and its variables."""

    network: Network
    graph: Any
    session: Any
    outputs: list[str]
    inputs: list[str]
    variables: list[Variable]


NETWORKS: dict[str, Network] = {}


def network(  # noqa: PLR0913, PLR0917 - a table of networks reads best so
    name: str,
    home: str,
    style: str,
    tools: str,
    keep: str = "$^",
    cut: str = "",
    first: str = "",
) -> Callable[[Callable[[], list[str]]], Callable[[], list[str]]]:
    """Register a function as a network; `tools`, `cut` and `first` are lists in a text.

    `cut` are the inner outputs for a sub-graph; `first` the constants that were
    variables of a graph that was frozen earlier and imported here.
    """

    def register(build: Callable[[], list[str]]) -> Callable[[], list[str]]:
        lists = [tuple(text.split()) for text in (tools, cut, first)]
        NETWORKS[name] = Network(name, home, style, build, lists[0], keep, lists[1], lists[2])
        return build

    return register


def images(height: int = 16, width: int = 16, depth: int = 3, name: str = "images") -> Any:
    """Make an input of images."""
    return tf.placeholder(tf.float32, [None, height, width, depth], name)


def constant(*shape: int, seed: int = 5, scale: float = 1.0) -> Any:
    """Draw values for a constant that never was a variable."""
    return (np.random.RandomState(seed).normal(0, 1, shape) * scale).astype(np.float32)


def seed_of(text: str) -> int:
    """Make a seed of a text."""
    return zlib.crc32(text.encode()) & 0x7FFFFFFF


def drawn(seed: str, name: str, like: Any) -> Any:
    """Draw a value for a variable: variances are positive, integers stay what they are."""
    like = np.asarray(like)
    if like.dtype.kind not in "fV" or like.dtype.names:
        return like
    random = np.random.RandomState(seed_of(seed + ":" + name))
    if re.search("var|std|power", name.lower().split("/")[-1]) or re.search("max$", name):
        value = random.uniform(0.5, 1.5, like.shape)
    elif re.search("min$", name):
        value = -random.uniform(0.5, 1.5, like.shape)
    else:
        value = random.normal(0.0, 0.4, like.shape)
    return np.asarray(value).astype(like.dtype)


def build(net: Network) -> Built:
    """Build a network in a graph of its own and set its weights."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed_of(net.name))
        np.random.seed(seed_of(net.name) % 2**31)  # noqa: NPY002 - what layers of 1.15 use
        session = tf.Session(config=tf.ConfigProto(device_count={"GPU": 0}))
        with session.as_default():
            outputs = net.build()
            everything = tf.global_variables() + tf.local_variables()
            session.run(tf.variables_initializer(everything))
            settle(net, session, everything)
            variables = variables_of(graph, session, everything)
    inputs = [node.name for node in graph.as_graph_def().node if node.op == "Placeholder"]
    return Built(net, graph, session, outputs, inputs, variables)


def settle(net: Network, session: Any, everything: list[Any]) -> None:
    """Set the variables to random values."""
    for variable in everything:
        name = variable.op.name
        if re.search(net.keep, name):
            continue
        value = session.run(variable)
        if np.asarray(value).dtype.kind in "fV":
            variable.load(drawn(net.name, name, value), session)


def variables_of(graph: Any, session: Any, everything: list[Any]) -> list[Variable]:
    """Describe the variables, in the order of the graph."""
    trainable = {v.op.name for v in tf.trainable_variables()}
    known = {v.op.name: v for v in everything}
    found = []
    for op in graph.get_operations():
        if op.type in VARIABLE_OPS:
            variable = known[op.name]
            info = variable._save_slice_info  # noqa: SLF001 - where TensorFlow keeps it
            value = np.asarray(session.run(variable))
            resource = op.type == "VarHandleOp"
            key = info.full_name if info else op.name
            part = slice_of(info) if info else None
            found.append(Variable(op.name, value, op.name in trainable, resource, key, part))
    return found


def slice_of(info: Any) -> dict[str, Any]:
    """Describe the place of a part in its variable."""
    return {
        "full_name": info.full_name,
        "full_shape": list(info.full_shape),
        "offset": list(info.var_offset),
        "shape": list(info.var_shape),
        "spec": info.spec,
    }
