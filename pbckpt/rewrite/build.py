"""Build: nodes and their attributes, as messages.

    build_node("w/read", "Identity", ["w"], T=type_attr(FLOAT))

An attribute that thawing itself needs begins with an underscore: every version of
TensorFlow allows those on every node, and keeps them.

Reference: tensorflow/core/framework/node_def.proto and attr_value.proto.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.names import is_control_input
from pbckpt.protos import AttrValue, NodeDef, TensorProto, TensorShapeProto

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.dtypes import DataType

    Shape = Sequence[int] | None

MARK = "_pbckpt_thaw"
"""The attribute that says what thawing made of a node: see `Mark`."""


HANDLE_OP = "VarHandleOp"
"""The op of a variable that is a resource."""
SEPARATOR = "::"
"""Between the name of a function and that of a tensor in it."""
OUTPUT_SHAPES = "_output_shapes"
"""The attribute that says which shapes a node puts out, where somebody noted them."""
KEPT_OUTPUT_SHAPES = "_pbckpt_output_shapes"
"""What a constant said of its shape, where the handle of a variable has none."""


class Mark(Enum):
    """What a node is that was not there, or was another, when the graph was frozen.

    VARIABLE    was the constant of its name
    CONSTANT    was the constant whose value it reads
    READ        was an Identity of a constant
    ADDED       was not there: who takes what it puts out took what it takes
    COPY        was one with another node of its op and inputs
    SWAPPED     had its two inputs the other way round
    KEPT        was a variable all the time
    NAMED       was one too, and had no shared_name
    """

    VARIABLE = b"variable"
    CONSTANT = b"constant"
    READ = b"read"
    ADDED = b"added"
    COPY = b"copy"
    SWAPPED = b"swapped"
    KEPT = b"kept"
    NAMED = b"named"


def set_mark(node: NodeDef, mark: Mark) -> None:
    """Say of a node what it was."""
    node.attr[MARK].s = mark.value


def build_node(
    name: str,
    op: str,
    inputs: Iterable[str] = (),
    *,
    mark: Mark | None = None,
    device: str = "",
    **attrs: AttrValue,
) -> NodeDef:
    """Return a node of its parts."""
    node = NodeDef(name=name, op=op, input=inputs, device=device)
    for key, value in attrs.items():
        node.attr[key].CopyFrom(value)
    if mark is not None:
        set_mark(node, mark)
    return node


def mark_of(node: NodeDef) -> Mark | None:
    """Return the mark of a node, or None where it has none that is known."""
    value = node.attr[MARK].s if MARK in node.attr else b""
    return next((mark for mark in Mark if mark.value == value), None)


def type_attr(dtype: int) -> AttrValue:
    """Return an attribute that is an element type."""
    return AttrValue(type=dtype)


def types_attr(dtypes: Iterable[DataType]) -> AttrValue:
    """Return an attribute that is a list of element types."""
    return AttrValue(list=AttrValue.ListValue(type=map(int, dtypes)))


def shape_attr(shape: Shape) -> AttrValue:
    """Return an attribute that is a shape; None is one of unknown rank."""
    return AttrValue(shape=shape_message(shape))


def text_attr(text: str) -> AttrValue:
    """Return an attribute that is a string."""
    # Bytes of a graph that are no UTF-8 are escapes in text.
    return AttrValue(s=text.encode("utf-8", "surrogateescape"))


def true_attr() -> AttrValue:
    """Return an attribute that is true."""
    return AttrValue(b=True)


def number_attr(number: int) -> AttrValue:
    """Return an attribute that is an integer."""
    return AttrValue(i=number)


def colocated_attr(name: str) -> AttrValue:
    """Return the attribute ``_class`` of a node that is placed where ``name`` is."""
    return AttrValue(list=AttrValue.ListValue(s=[b"loc:@" + name.encode()]))


def tensor_attr(dtype: DataType, shape: Sequence[int], strings: Iterable[bytes] = ()) -> AttrValue:
    """Return an attribute that is a tensor: of zeros and empty strings, or of ``strings``.

    A TensorProto without values is zeros, however large its shape.
    """
    tensor = TensorProto(dtype=dtype, tensor_shape=shape_message(shape), string_val=strings)
    return AttrValue(tensor=tensor)


def build_constant(
    name: str,
    dtype: DataType,
    shape: Sequence[int],
    strings: Iterable[bytes] = (),
    device: str = "",
) -> NodeDef:
    """Return a Const node: of zeros and empty strings, or of ``strings``."""
    value = tensor_attr(dtype, shape, strings)
    return build_node(name, "Const", dtype=type_attr(dtype), value=value, device=device)


def shape_message(shape: Shape) -> TensorShapeProto:
    """Return a shape as a message; None is one of unknown rank, -1 an unknown dimension."""
    if shape is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in shape])


is_control = is_control_input


def data_inputs(node: NodeDef) -> list[str]:
    """Return the inputs of a node that carry data."""
    return [text for text in node.input if not is_control(text)]


def tensor_of_input(text: str) -> str:
    """Return the one spelling of a tensor that an input names: ``w`` for ``w:0``."""
    return text.removesuffix(":0")


def producer(text: str) -> str:
    """Return the node that an input names, in a function as well: ``w`` of ``w:output:0``.

    `pbckpt.names.node_of_input` is for graphs alone, where a name may have a colon in it.
    """
    return text.lstrip("^").partition(":")[0]
