from __future__ import annotations

import itertools

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import InvalidGraphError, LimitError
from pbckpt.operators.roles import Role
from pbckpt.variables.variable import Detection
from tests.unit.variables.graphs import const, detect_in, function, identity, node, variable


def keys(found: Detection) -> list[tuple[str, str]]:
    return [(one.key, one.node) for one in found.variables]


def test_every_constant_gets_a_verdict_in_the_order_of_the_file() -> None:
    found = detect_in(
        const("b", 2, 3),
        const("axis", dtype=3),
        identity("b/read", "b"),
        const("net/m/MatMul/ReadVariableOp/resource", 3, 4),
        node("MatMul", "net/m/MatMul", "b/read", "net/m/MatMul/ReadVariableOp/resource"),
        const("a", dtype=9),
        identity("m/ReadVariableOp", "a"),
        const("unused"),
        node("ConcatV2", "concat", "b/read", "x", "axis"),
    )
    assert [(v.key, v.node, v.rule) for v in found.variables] == [
        ("b", "b", "read_identity"),
        ("m/kernel", "net/m/MatMul/ReadVariableOp/resource", "resource_capture"),
        ("a", "a", "resource_read"),
    ]
    assert [(skipped.node, skipped.reason) for skipped in found.skipped] == [
        ("axis", "ConcatV2 'concat' takes it as the axis"),
        ("unused", "no operation takes it"),
    ]


def test_a_variable_carries_what_was_found() -> None:
    (found,) = detect_in(*variable("w", 2, 3), node("MatMul", "m", "x", "w/read")).variables
    assert (found.dtype, found.shape, found.nbytes) == (DataType.FLOAT, (2, 3), 24)
    assert (found.trainable, found.role, found.value) == (True, Role.MATRIX, "")
    assert found.reason == "Identity 'w/read' reads it, as freezing leaves a reference variable"
    assert [one.rule for one in found.evidence] == ["read_identity", "matrix_operand"]


def test_why_a_constant_was_no_variable() -> None:
    found = detect_in(
        const("shape", 2, dtype=3),
        const("factor", 4),
        node("Reshape", "r2", "x", "shape"),
        node("Reshape", "r1", "y", "shape"),
        node("Mul", "m", "x", "factor", "^shape"),
        node("Abs", "n", "factor"),
    )
    assert [skipped.reason for skipped in found.skipped] == [
        "Reshape 'r1' takes it as the shape",
        "nothing speaks for it: it feeds Abs, Mul",
    ]
    tensor = found.skipped[0].tensor
    assert tensor is not None
    assert (tensor.dtype, tensor.shape) == (DataType.INT32, (2,))
    assert not found.skipped[0].is_ambiguous


def test_an_ambiguous_constant_is_told_as_such() -> None:
    (skipped,) = detect_in(const("l/bias", 4), node("Maximum", "m", "x", "l/bias")).skipped
    assert skipped.is_ambiguous
    assert [one.rule for one in skipped.evidence] == ["usual_name", "bound"]


def test_a_constant_in_a_function() -> None:
    body = function("f", [], [], *variable("w", 2, 2), node("MatMul", "m", "x", "w/read"))
    found = detect_in(node("f", "call"), functions=[body])
    assert keys(found) == [("w", "f::w")]


def test_a_constant_that_goes_into_a_function() -> None:
    body = function("f", ["a"], [], identity("dense/MatMul/ReadVariableOp", "a"))
    found = detect_in(const("dense/kernel"), node("f", "call", "dense/kernel"), functions=[body])
    assert keys(found) == [("dense/kernel", "dense/kernel")]


@pytest.mark.parametrize(
    ("dtype", "trainable"),
    [
        (DataType.FLOAT, True),
        (DataType.DOUBLE, True),
        (DataType.HALF, True),
        (DataType.BFLOAT16, True),
        (DataType.COMPLEX64, True),
        (DataType.INT32, False),
        (DataType.INT64, False),
        (DataType.BOOL, False),
        (DataType.STRING, False),
        (DataType.QUINT8, False),
        (DataType.UINT8, False),
    ],
)
def test_only_floating_point_is_trained(dtype: DataType, trainable: bool) -> None:  # noqa: FBT001
    (found,) = detect_in(const("w", dtype=dtype), identity("w/read", "w")).variables
    assert found.trainable is trainable


def test_what_an_op_takes_as_statistics_is_not_trained() -> None:
    names = ("a", "b", "c", "d")
    nodes = [one for name in names for one in variable(name, 4)]
    norm = node("FusedBatchNormV3", "n", "x", *(f"{name}/read" for name in names))
    found = detect_in(*nodes, norm).variables
    assert [(one.role, one.trainable) for one in found] == [
        (Role.GAMMA, True),
        (Role.BETA, True),
        (Role.MOVING_MEAN, False),
        (Role.MOVING_VARIANCE, False),
    ]


@pytest.mark.parametrize(("dtype", "label"), [(20, "resource"), (21, "variant")])
def test_a_constant_without_elements_to_store_is_skipped(dtype: int, label: str) -> None:
    found = detect_in(const("handle", dtype=dtype), identity("handle/read", "handle"), const("c"))
    assert found.variables == ()
    skipped = found.skipped[0]
    assert (skipped.node, skipped.tensor, skipped.is_ambiguous) == ("handle", None, False)
    assert skipped.reason == f"node 'handle': a constant of type {label} has no value to store"


def test_a_constant_that_tensorflow_refuses_is_an_error_even_if_it_was_no_variable() -> None:
    broken = const("axis")
    broken.attr["dtype"].type = 3
    with pytest.raises(InvalidGraphError, match="the attr dtype is type number 3") as caught:
        detect_in(*variable("w"), broken)
    assert caught.value.node_name == "axis"


def test_merged_constants_become_several_variables() -> None:
    found = detect_in(
        *variable("a/bias", 4),
        identity("b/bias/read", "a/bias"),
        node("BiasAdd", "x", "y", "a/bias/read"),
        node("FusedBatchNormV3", "n", "y", "g", "b/bias/read", "m", "v"),
    )
    assert [(one.key, one.node, one.role) for one in found.variables] == [
        ("a/bias", "a/bias", Role.BIAS),
        ("b/bias", "a/bias", Role.BETA),
    ]


def test_a_merged_constant_whose_own_read_is_gone_keeps_its_name() -> None:
    found = detect_in(
        *variable("b/kernel", 4), const("b/bias", 4), identity("a/bias/read", "b/bias")
    )
    assert keys(found) == [("b/kernel", "b/kernel"), ("a/bias", "b/bias"), ("b/bias", "b/bias")]


def test_reasons_show_the_ends_of_long_names() -> None:
    """A name of a megabyte would else be told of each of thousands of constants."""
    long = "n" * 1000
    weights = [const(f"w{number}", 4, 4) for number in range(20)]
    names = [f"w{number}" for number in range(20)]
    joined = node("ConcatV2", "joined", *names, "axis")
    found = detect_in(*weights, const("axis", dtype=3), joined, node("MatMul", long, "x", "joined"))
    reasons = [one.reason for one in found.variables] + [one.reason for one in found.skipped]
    assert f"MatMul '{'n' * 100}…{'n' * 100}' multiplies with it" in reasons
    assert max(map(len, reasons)) < 300


def test_names_of_functions_are_not_told_without_end() -> None:
    """A title has the whole name, as others find the constant by it."""
    nodes = [const(f"w{number}", 4, 4) for number in range(300)]
    body = function("f" * (1 << 20), [], [], *nodes)
    with pytest.raises(LimitError, match="title characters of 268435456"):
        detect_in(functions=[body])


def test_the_value_of_what_a_tool_made_smaller_is_what_is_read() -> None:
    cast = node("Cast", "c", "w/half")
    cast.attr["SrcT"].type, cast.attr["DstT"].type = 19, 1
    read = identity("w/read", "c")
    read.attr["T"].type = 1
    nodes = [const("w/half", 4, dtype=19), cast, read]
    (found,) = detect_in(*nodes).variables
    assert (found.key, found.node, found.value) == ("w", "w/half", "w/read")
    assert (found.tensor.dtype, found.dtype, found.nbytes) == (DataType.HALF, DataType.FLOAT, 16)


def test_a_dequantized_weight_without_a_read() -> None:
    nodes = [
        const("c/kernel", 3, 3, 1, 8, dtype=12),
        node("Dequantize", "c/deq", "c/kernel", "min", "max"),
        node("Conv2D", "c/Conv2D", "x", "c/deq"),
    ]
    (found,) = detect_in(*nodes).variables
    assert (found.node, found.value, found.dtype) == ("c/kernel", "c/deq", DataType.FLOAT)
    assert found.trainable


def test_a_weight_of_a_quantized_op_has_a_range() -> None:
    nodes = [
        const("c/kernel_quantized_const", 3, 3, 1, 8, dtype=12),
        const("lo"),
        const("hi"),
        node("QuantizedConv2D", "q", "x", "c/kernel_quantized_const", "xlo", "xhi", "lo", "hi"),
    ]
    (found,) = detect_in(*nodes).variables
    assert (found.key, found.ranges, found.dtype) == ("c/kernel", ("lo", "hi"), DataType.FLOAT)


def test_a_weight_whose_name_is_what_quantizing_adds_keeps_it() -> None:
    (found,) = detect_in(
        const("_quantized_const", 3, 3, 1, 8, dtype=12),
        const("lo"),
        const("hi"),
        node("QuantizedConv2D", "q", "x", "_quantized_const", "xlo", "xhi", "lo", "hi"),
    ).variables
    assert (found.key, found.ranges) == ("_quantized_const", ("lo", "hi"))


# --- keys


def test_variables_read_at_one_place_get_numbers() -> None:
    found = detect_in(
        const("m/ReadVariableOp/resource"),
        const("m/resource"),
        node("GatherV2", "m", "m/resource", "ids", "axis"),
        const("n/ReadVariableOp/resource"),
    )
    assert len({key for key, _ in keys(found)}) == 3


# Several that are read at one place, by names that are made of each other.
CROWD = [
    "m/resource",
    "m/ReadVariableOp/resource",
    "m/resource/ReadVariableOp/resource",
    "m/ReadVariableOp/resource/ReadVariableOp/resource",
    "m/resource/ReadVariableOp/resource/ReadVariableOp/resource",
]


def test_keys_are_unique_whatever_the_names() -> None:
    for count in range(1, len(CROWD) + 1):
        for some in itertools.permutations(CROWD, count):
            gather = node("GatherV2", "m", "m/resource", "ids", "axis")
            found = detect_in(*map(const, some), gather)
            assert len({key for key, _ in keys(found)}) == count == len(found.variables)


def test_keys_of_merged_variables_that_others_have() -> None:
    nodes = [const("a", 4), identity("x/read", "a"), identity("z/read", "a")]
    for name in "xz":
        nodes += [const(name, 4), identity(f"{name}_/ReadVariableOp", name)]
    assert keys(detect_in(*nodes)) == [("a", "a"), ("a_1", "a"), ("x", "x"), ("z", "z")]


def test_keys_where_a_node_is_called_as_one_in_a_function() -> None:
    inner = [const("c", 4), identity("w/read", "c:output:0")]
    found = detect_in(
        const("f::c", 4),
        const("f::c_1", 4),
        identity("f::c_1/read", "f::c_1"),
        identity("w/read", "f::c"),
        functions=[function("f", [], [], *inner)],
    )
    assert keys(found) == [("f::c", "f::c"), ("f::c_1", "f::c_1"), ("f::c_2", "f::c")]


def test_a_type_that_is_unknown_is_left_open() -> None:
    cast = node("Cast", "cast", "w")
    cast.attr["DstT"].type = 999
    (found,) = detect_in(const("w", 4), cast, identity("w/read", "cast")).variables
    assert (found.value, found.value_dtype, found.dtype) == ("w/read", None, DataType.FLOAT)


def test_a_function_without_a_name_is_none_of_the_graph() -> None:
    nameless = function("", ["a"], ["a"], *variable("w", 4))
    found = detect_in(*variable("w", 4), functions=[nameless])
    assert keys(found) == [("w", "w")]
    assert found.skipped == ()


def test_a_derived_key_is_not_the_name_of_another_variable() -> None:
    nodes = [
        *variable("m/variable"),
        const("unknown"),
        identity("net/m/ReadVariableOp", "unknown"),
        const("unknown_1"),
        identity("net/o/ReadVariableOp", "unknown_1"),
    ]
    assert keys(detect_in(*nodes)) == [
        ("m/variable", "m/variable"),
        ("m/variable_1", "unknown"),
        ("o/variable", "unknown_1"),
    ]


def test_the_scope_of_an_import_is_taken_off() -> None:
    nodes = [*variable("import/a/w"), *variable("import/b/w")]
    assert keys(detect_in(*nodes)) == [("a/w", "import/a/w"), ("b/w", "import/b/w")]


def test_names_of_two_bodies_are_told_apart() -> None:
    bodies = [function(name, [], [], *variable("w", 4)) for name in ("f", "g")]
    found = detect_in(node("f", "x"), node("g", "y"), functions=bodies)
    assert keys(found) == [("f::w", "f::w"), ("g::w", "g::w")]


def test_a_graph_without_constants() -> None:
    assert detect_in(node("Placeholder", "x")) == Detection((), ())
    assert detect_in() == Detection((), ())
