"""Frozen graphs of known sizes, written as a stream.

    input    Placeholder
    layer_N  kernel, kernel/read   Const, Identity   width x width floats
             bias, bias/read       Const, Identity   width floats
             MatMul, BiasAdd, Relu

The shape of a frozen multilayer perceptron, down to the types that TensorFlow
asks of every node. A weight is never held whole: a Const is written as all that
comes before its bytes, and then the bytes, which are random but the same each
time. Nobody computes with them, so it does no harm that some are NaN.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple

from pbckpt import DataType
from pbckpt.protos import GraphDef, NodeDef, TensorProto
from pbckpt.wire.fields import LENGTH
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_SEED = 1
_CHUNK_BYTES = 1 << 20
_FLOAT_BYTES = 4
_FLOAT = DataType.FLOAT.value
# The version of GraphDef that TensorFlow 1.15 writes, and TensorFlow 2 reads.
_PRODUCER = 134
# Field numbers from a graph down to the bytes of a constant.
_GRAPH_NODE, _NODE_ATTR, _ENTRY_VALUE, _VALUE_TENSOR, _TENSOR_CONTENT = 1, 5, 2, 8, 4
_VALUE_KEY = b"\x0a\x05value"


class Perceptron(NamedTuple):
    """A stack of layers of one width, each with a kernel and perhaps a bias."""

    layers: int
    width: int
    has_bias: bool = True

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The variables of each layer, in file order."""
        shapes: dict[str, tuple[int, ...]] = {"kernel": (self.width, self.width)}
        if self.has_bias:
            shapes["bias"] = (self.width,)
        return shapes

    @property
    def num_variables(self) -> int:
        """How many variables all layers have."""
        return self.layers * len(self.shapes)

    @property
    def nbytes(self) -> int:
        """Bytes of all variables."""
        return self.layers * sum(_nbytes(shape) for shape in self.shapes.values())


SIZES = {
    "1MB": Perceptron(layers=4, width=256),
    "100MB": Perceptron(layers=25, width=1000),
    "1.6GB": Perceptron(layers=25, width=4000),
    "20k": Perceptron(layers=20_000, width=8, has_bias=False),
}
"""The graphs by name. All stay below the 2 GiB that TensorFlow can read."""


def write_graph(perceptron: Perceptron, path: Path) -> None:
    """Write a graph to the file ``path``."""
    source = random.Random(_SEED)  # noqa: S311 - weights, not secrets
    with path.open("wb") as file:
        previous = _node("input", "Placeholder")
        previous.attr["dtype"].type = _FLOAT
        _write_nodes(file, previous)
        for number in range(perceptron.layers):
            layer = f"layer_{number}"
            for name, shape in perceptron.shapes.items():
                _write_constant(file, f"{layer}/{name}", shape, source)
            for node in _operations(layer, previous.name, has_bias=perceptron.has_bias):
                _write_nodes(file, node)
                previous = node
        rest = GraphDef()
        rest.versions.producer = _PRODUCER
        file.write(rest.SerializeToString())


def _write_nodes(file: BinaryIO, *nodes: NodeDef) -> None:
    """Append nodes: graphs one after the other in a file are one graph."""
    file.write(GraphDef(node=nodes).SerializeToString())


def _write_constant(
    file: BinaryIO, name: str, shape: tuple[int, ...], source: random.Random
) -> None:
    """Append a variable as freezing leaves it: its value, and the Identity that reads it."""
    left = _nbytes(shape)
    file.write(_head_of_constant(name, shape, left))
    while left:
        chunk = source.randbytes(min(left, _CHUNK_BYTES))
        file.write(chunk)
        left -= len(chunk)
    _write_nodes(file, _typed_node(f"{name}/read", "Identity", name))


def _head_of_constant(name: str, shape: tuple[int, ...], nbytes: int) -> bytes:
    """Return everything of a Const up to its ``nbytes`` bytes, which end every message it is in."""
    tensor = TensorProto(dtype=_FLOAT)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    node = _node(name, "Const")
    node.attr["dtype"].type = _FLOAT
    head = tensor.SerializeToString() + _opening(_TENSOR_CONTENT, b"", nbytes)
    head = _VALUE_KEY + _opening(_ENTRY_VALUE, _opening(_VALUE_TENSOR, head, nbytes), nbytes)
    head = node.SerializeToString() + _opening(_NODE_ATTR, head, nbytes)
    return _opening(_GRAPH_NODE, head, nbytes)


def _opening(number: int, head: bytes, following: int) -> bytes:
    """Return a field's tag, length and first bytes; ``following`` more complete it."""
    return encode_varint(number << 3 | LENGTH) + encode_varint(len(head) + following) + head


def _operations(layer: str, previous: str, *, has_bias: bool) -> Iterator[NodeDef]:
    """Yield what a layer computes, each node from the one before."""
    product = _typed_node(f"{layer}/MatMul", "MatMul", previous, f"{layer}/kernel/read")
    product.attr["transpose_a"].b = False
    product.attr["transpose_b"].b = False
    yield product
    last = product.name
    if has_bias:
        total = _typed_node(f"{layer}/BiasAdd", "BiasAdd", last, f"{layer}/bias/read")
        total.attr["data_format"].s = b"NHWC"
        yield total
        last = total.name
    yield _typed_node(f"{layer}/Relu", "Relu", last)


def _node(name: str, op: str, *inputs: str) -> NodeDef:
    return NodeDef(name=name, op=op, input=inputs)


def _typed_node(name: str, op: str, *inputs: str) -> NodeDef:
    node = _node(name, op, *inputs)
    node.attr["T"].type = _FLOAT
    return node


def _nbytes(shape: tuple[int, ...]) -> int:
    return _FLOAT_BYTES * math.prod(shape)
