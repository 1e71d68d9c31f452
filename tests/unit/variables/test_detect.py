from __future__ import annotations

import itertools

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import InvalidGraphError
from pbckpt.graph.decode import decode_graph
from pbckpt.graph.view import GraphView
from pbckpt.protos import GraphDef, NodeDef, TensorProto
from pbckpt.variables.detect import Detection, Skipped, detect
from pbckpt.wire.span import Memory


class Source(Memory):
    def release_pages(self, start: int, end: int) -> None:
        """Keep all pages: this is memory."""


def const(name: str, dtype: int = 1, *dims: int) -> NodeDef:
    value = TensorProto(dtype=dtype)
    for size in dims:
        value.tensor_shape.dim.add(size=size)
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    node.attr["value"].tensor.CopyFrom(value)
    return node


def identity(name: str, of: str) -> NodeDef:
    return NodeDef(name=name, op="Identity", input=[of])


def lookup(name: str, of: str) -> NodeDef:
    return NodeDef(name=name, op="GatherV2", input=[of])


def detect_in(*nodes: NodeDef) -> Detection:
    return detect(GraphView(decode_graph(Source(GraphDef(node=nodes).SerializeToString()))))


def keys(found: Detection) -> list[tuple[str, str]]:
    return [(variable.key, variable.node) for variable in found.variables]


def test_every_constant_gets_a_verdict_in_the_order_of_the_file() -> None:
    found = detect_in(
        const("b", 1, 2, 3),
        const("axis", 3),
        identity("b/read", "b"),
        const("m/MatMul/ReadVariableOp/resource", 2),
        const("a", 9),
        identity("m/ReadVariableOp", "a"),
        const("unused"),
        NodeDef(name="concat", op="ConcatV2", input=["b/read", "axis"]),
    )
    assert [(v.key, v.node, v.rule) for v in found.variables] == [
        ("b", "b", "read_identity"),
        ("m/MatMul", "m/MatMul/ReadVariableOp/resource", "resource_capture"),
        ("a", "a", "resource_read"),
    ]
    assert [skipped.node for skipped in found.skipped] == ["axis", "unused"]


def test_a_variable_carries_what_was_found() -> None:
    (variable,) = detect_in(const("w", 1, 2, 3), identity("w/read", "w")).variables
    assert (variable.dtype, variable.shape, variable.nbytes) == (DataType.FLOAT, (2, 3), 24)
    assert variable.trainable
    assert variable.reason == (
        "Identity 'w/read' reads it, as freezing leaves a reference variable"
    )


def test_the_first_rule_that_finds_something_decides() -> None:
    found = detect_in(
        const("a/resource"),
        identity("a/resource/read", "a/resource"),
        const("b/ReadVariableOp/resource"),
        identity("b/ReadVariableOp", "b/ReadVariableOp/resource"),
    )
    assert [(v.key, v.rule) for v in found.variables] == [
        ("a/resource", "read_identity"),
        ("b", "resource_capture"),
    ]


def test_why_a_constant_was_no_variable() -> None:
    found = detect_in(
        const("shape", 3, 2),
        const("alone"),
        NodeDef(name="r2", op="Reshape", input=["x", "shape"]),
        NodeDef(name="r1", op="Reshape", input=["y", "shape"]),
        NodeDef(name="f", op="Fill", input=["shape", "^alone"]),
    )
    assert [skipped.reason for skipped in found.skipped] == [
        "no trace of a variable: feeds Fill, Reshape without a variable's read between",
        "no trace of a variable: feeds nothing without a variable's read between",
    ]
    tensor = found.skipped[0].tensor
    assert tensor is not None
    assert (tensor.dtype, tensor.shape) == (DataType.INT32, (2,))


@pytest.mark.parametrize(
    ("dtype", "trainable"),
    [
        (DataType.FLOAT, True),
        (DataType.DOUBLE, True),
        (DataType.HALF, True),
        (DataType.BFLOAT16, True),
        (DataType.INT32, False),
        (DataType.INT64, False),
        (DataType.BOOL, False),
        (DataType.STRING, False),
        (DataType.QUINT8, False),
        (DataType.UINT8, False),
    ],
)
def test_only_floating_point_is_trained(dtype: DataType, trainable: bool) -> None:  # noqa: FBT001
    (variable,) = detect_in(const("w", dtype), identity("w/read", "w")).variables
    assert variable.trainable is trainable


@pytest.mark.parametrize(
    ("name", "trainable"),
    [
        ("bn/moving_mean", False),
        ("bn/moving_variance", False),
        ("moving_mean", False),
        ("global_step", False),
        ("net/global_step", False),
        ("bn/gamma", True),
        ("moving_mean/w", True),
        ("bn/moving_mean_1", True),
    ],
)
def test_statistics_and_the_step_are_not_trained(name: str, trainable: bool) -> None:  # noqa: FBT001
    (variable,) = detect_in(const(name), identity(f"{name}/read", name)).variables
    assert variable.trainable is trainable


@pytest.mark.parametrize(("dtype", "label"), [(20, "resource"), (21, "variant")])
def test_a_constant_without_elements_to_store_is_skipped(dtype: int, label: str) -> None:
    found = detect_in(const("handle", dtype), identity("handle/read", "handle"), const("c"))
    assert found.variables == ()
    assert found.skipped[0] == Skipped(
        "handle",
        None,
        f"node 'handle': a constant of type {label} has no value to store",
    )


def test_a_constant_that_tensorflow_refuses_is_an_error_even_if_it_was_no_variable() -> None:
    broken = const("axis")
    broken.attr["dtype"].type = 3
    with pytest.raises(InvalidGraphError, match="the attr dtype is type number 3") as caught:
        detect_in(const("w"), identity("w/read", "w"), broken)
    assert caught.value.node_name == "axis"


def test_variables_read_at_one_place_keep_the_names_of_their_nodes() -> None:
    found = detect_in(
        const("m/ReadVariableOp/resource"),
        const("m/resource"),
        lookup("m", "m/resource"),
        const("n/ReadVariableOp/resource"),
    )
    assert keys(found) == [
        ("m/ReadVariableOp/resource", "m/ReadVariableOp/resource"),
        ("m/resource", "m/resource"),
        ("n", "n/ReadVariableOp/resource"),
    ]


def test_a_variable_whose_place_is_the_name_of_another_keeps_its_own() -> None:
    found = detect_in(const("m"), identity("m/read", "m"), const("m/ReadVariableOp/resource"))
    assert keys(found) == [("m", "m"), ("m/ReadVariableOp/resource", "m/ReadVariableOp/resource")]


# Two that are read at m, one of which has the name that a third is read at, and so on.
CROWD = [
    "m/resource",
    "m/ReadVariableOp/resource",
    "m/resource/ReadVariableOp/resource",
    "m/ReadVariableOp/resource/ReadVariableOp/resource",
    "m/resource/ReadVariableOp/resource/ReadVariableOp/resource",
]


def test_a_name_that_is_given_back_may_be_the_place_of_another() -> None:
    for order in itertools.permutations(CROWD):
        found = detect_in(*map(const, order), lookup("m", "m/resource"))
        assert keys(found) == [(name, name) for name in order]


def test_keys_are_unique_whatever_the_names() -> None:
    for count in range(1, len(CROWD) + 1):
        for some in itertools.combinations(CROWD, count):
            found = detect_in(*map(const, some), lookup("m", "m/resource"))
            assert len({key for key, _ in keys(found)}) == count


def test_a_graph_without_constants() -> None:
    assert detect_in(NodeDef(name="x", op="Placeholder")) == Detection((), ())
