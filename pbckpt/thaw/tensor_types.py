"""Tensor types: of what a node puts out, the element type, and the shape that it states.

Types follow from the op and the attributes of the node. Of shapes only those are known
that the graph states: of placeholders, and where freezing kept ``_output_shapes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType, data_type, dtype_of_label
from pbckpt.graph.outputs import MAX_OUTPUTS, output_length
from pbckpt.operators import output_arguments, output_types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbckpt.graph.library import Function
    from pbckpt.operators.output_types import OutputType
    from pbckpt.protos import NodeDef, OpDef, TensorShapeProto

    Shape = tuple[int, ...] | None

_STATED_SHAPES = ("_output_shapes", "output_shapes")
_PLACEHOLDERS = frozenset(("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"))


class TensorTypes:
    """Tells the types of what nodes put out, calls of a graph's functions among them."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {one.name: one for one in functions}
        self._results: dict[str, list[OpDef.ArgDef]] = {}

    def __call__(self, node: NodeDef) -> list[DataType] | None:
        """Return the types of all outputs; None for an op or a type that is not known."""
        function = self._functions.get(node.op)
        if function is not None:
            if node.op not in self._results:
                self._results[node.op] = list(function.definition().signature.output_arg)
            return _known(data_type(_result_type(node, one)) for one in self._results[node.op])
        outputs, kinds = output_arguments(node.op), output_types(node.op)
        if outputs is None or kinds is None:
            return None
        found: list[DataType | None] = []
        for output, kind in zip(outputs, kinds, strict=True):
            if kind.is_list:
                found += map(data_type, node.attr[kind.attr].list.type[:MAX_OUTPUTS])
                continue
            length = output_length(node, output.length) if output.length else 1
            found += [_type(node, kind)] * length
        return _known(found)


def _known(types: Iterable[DataType | None]) -> list[DataType] | None:
    found = []
    for one in types:
        if one is None:
            return None
        found.append(one)
    return found


def _type(node: NodeDef, kind: OutputType) -> DataType | None:
    if kind.attr in node.attr:
        return data_type(node.attr[kind.attr].type)
    return dtype_of_label(kind.label)


def _result_type(node: NodeDef, result: OpDef.ArgDef) -> int:
    if result.type_attr and result.type_attr in node.attr:
        return node.attr[result.type_attr].type
    return result.type


def stated_shape(node: NodeDef, index: int) -> Shape:
    """Return the shape of an output as the graph states it, -1 for a size that it does not.

    None where it states none.
    """
    if node.op in _PLACEHOLDERS and "shape" in node.attr:
        return _sizes(node.attr["shape"].shape)
    for name in _STATED_SHAPES:
        if name in node.attr and index < len(node.attr[name].list.shape):
            return _sizes(node.attr[name].list.shape[index])
    return None


def _sizes(shape: TensorShapeProto) -> Shape:
    return None if shape.unknown_rank else tuple(max(-1, dim.size) for dim in shape.dim)
