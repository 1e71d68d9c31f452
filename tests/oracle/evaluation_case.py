"""One small graph of constants: a node whose inputs are Const nodes, and how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pbckpt.dtypes import DataType
from pbckpt.graph.decode import Node
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Array = npt.NDArray[Any]

NODE = "node"


class Case(NamedTuple):
    """One node over constants. Attrs are what an AttrValue holds, by Python's types."""

    op: str
    inputs: tuple[tuple[DataType, Array], ...]
    attrs: Mapping[str, object]
    outputs: int = 1

    @property
    def names(self) -> list[str]:
        """The names of the tensors to ask for."""
        return [f"{NODE}:{at}" for at in range(self.outputs)]

    def graph(self) -> GraphDef:
        """Return the graph."""
        graph = GraphDef()
        for at, (dtype, array) in enumerate(self.inputs):
            graph.node.append(constant(f"in{at}", dtype, array))
        node = graph.node.add(name=NODE, op=self.op)
        node.input.extend(f"in{at}" for at in range(len(self.inputs)))
        for name, value in self.attrs.items():
            set_attr(node, name, value)
        return graph

    def nodes(self) -> dict[str, Node]:
        """Return the nodes as the decoder would."""
        return nodes_of(self.graph())

    def __str__(self) -> str:
        """Say what the case is, for a message."""
        inputs = ", ".join(f"{d.label}{list(a.shape)} {a.tolist()!r:.120}" for d, a in self.inputs)
        attrs = {name: getattr(v, "name", v) for name, v in self.attrs.items()}
        return f"{self.op}({inputs}) {attrs}"


def nodes_of(graph: GraphDef) -> dict[str, Node]:
    """Return the nodes of a graph as the decoder would."""
    return {
        node.name: Node(node.name, node.op, node, Span.of(node.SerializeToString()))
        for node in graph.node
    }


def constant(name: str, dtype: DataType, array: Array) -> NodeDef:
    """Return a Const node."""
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.size:
        tensor.tensor_content = np.ascontiguousarray(array).tobytes()
    return node


def set_attr(node: NodeDef, name: str, value: object) -> None:
    """Set an attr by the type of what it is to be."""
    attr = node.attr[name]
    if isinstance(value, DataType):
        attr.type = value
    elif isinstance(value, bool):
        attr.b = value
    elif isinstance(value, int):
        attr.i = value
    elif isinstance(value, float):
        attr.f = value
    elif isinstance(value, str):
        attr.s = value.encode()
    elif isinstance(value, list):
        attr.list.SetInParent()
        for one in value:
            if isinstance(one, DataType):
                attr.list.type.append(one)
            else:
                attr.list.i.append(one)
    else:
        raise TypeError(name)
