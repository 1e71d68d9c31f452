from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.graph.outputs import MAX_OUTPUTS
from pbckpt.protos import FunctionDef, NodeDef, TensorShapeProto
from pbckpt.thaw.tensor_types import TensorTypes, stated_shape
from tests.unit.variables.graphs import const, function, graph, node

FLOAT, INT32, STRING, INT64, BOOL = (
    DataType.FLOAT,
    DataType.INT32,
    DataType.STRING,
    DataType.INT64,
    DataType.BOOL,
)


def types(made: NodeDef, *functions: FunctionDef) -> list[DataType] | None:
    return TensorTypes(graph(functions=functions).functions)(made)


def with_types(made: NodeDef, **attrs: int) -> NodeDef:
    for name, dtype in attrs.items():
        made.attr[name].type = dtype
    return made


def with_lists(made: NodeDef, **attrs: list[int]) -> NodeDef:
    for name, dtypes in attrs.items():
        made.attr[name].list.type.extend(dtypes)
    return made


def with_numbers(made: NodeDef, **attrs: int) -> NodeDef:
    for name, number in attrs.items():
        made.attr[name].i = number
    return made


# Types


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (with_types(node("MatMul", "m"), T=FLOAT), [FLOAT]),
        (const("c", 2, dtype=INT64), [INT64]),
        (with_types(node("Cast", "c"), SrcT=FLOAT, DstT=BOOL), [BOOL]),
        (with_types(node("Equal", "e"), T=FLOAT), [BOOL]),
        (with_types(node("ReadVariableOp", "r"), dtype=DataType.HALF), [DataType.HALF]),
        (node("NoOp", "n"), []),
        (node("SaveV2", "s"), []),
        (node("VarHandleOp", "v"), [DataType.RESOURCE]),
    ],
    ids=lambda one: one.op if isinstance(one, NodeDef) else "",
)
def test_a_type_is_an_attribute_or_always_the_same(made: NodeDef, found: list[DataType]) -> None:
    assert types(made) == found


def test_several_outputs_have_each_its_type() -> None:
    half = DataType.HALF
    norm = with_types(node("FusedBatchNormV3", "b"), T=half, U=FLOAT)
    assert types(norm) == [half, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT]


def test_a_type_that_the_node_does_not_say_is_that_of_the_op() -> None:
    assert types(node("Shape", "s")) == [INT32]
    assert types(with_types(node("Shape", "s"), out_type=INT64)) == [INT64]
    assert types(with_types(node("TopKV2", "t"), T=FLOAT)) == [FLOAT, INT32]
    assert types(with_types(node("TopKV2", "t"), T=FLOAT, index_type=INT64)) == [FLOAT, INT64]


def test_a_list_of_one_type() -> None:
    split = with_numbers(with_types(node("Split", "s"), T=FLOAT), num_split=3)
    assert types(split) == [FLOAT] * 3
    assert types(with_types(node("Split", "s"), T=FLOAT)) == []


def test_lists_and_what_is_behind_them() -> None:
    decoder = with_numbers(with_types(node("CTCBeamSearchDecoder", "d"), T=FLOAT), top_paths=2)
    assert types(decoder) == [INT64] * 6 + [FLOAT]


def test_a_list_of_types() -> None:
    made = with_lists(node("IteratorGetNext", "i"), output_types=[FLOAT, STRING])
    assert types(made) == [FLOAT, STRING]
    assert types(with_lists(node("While", "w"), T=[INT32, BOOL])) == [INT32, BOOL]
    assert types(node("IteratorGetNext", "i")) == []


@pytest.mark.parametrize(
    "made",
    [
        node("Mystery", "m"),
        node("MatMul", "m"),
        with_types(node("MatMul", "m"), T=0),
        with_types(node("MatMul", "m"), T=999),
        with_lists(node("While", "w"), T=[FLOAT, 999]),
    ],
    ids=["op", "no attribute", "no type", "a type to come", "one of a list"],
)
def test_what_is_not_known(made: NodeDef) -> None:
    assert types(made) is None


@pytest.mark.parametrize("number", [-1, MAX_OUTPUTS + 1, 1 << 62])
def test_numbers_that_no_node_has_make_no_list_without_an_end(number: int) -> None:
    found = types(with_numbers(with_types(node("Split", "s"), T=FLOAT), num_split=number))
    assert len(found or ()) <= MAX_OUTPUTS


def test_a_list_of_types_has_an_end() -> None:
    found = types(with_lists(node("While", "w"), T=[1] * (MAX_OUTPUTS + 5)))
    assert found is not None
    assert len(found) == MAX_OUTPUTS


def called() -> FunctionDef:
    made = function("F", ["a"], ["a", "a", "a"])
    results = made.signature.output_arg
    results[0].type = STRING
    results[1].type_attr = "T"
    results[1].type = INT32
    results[2].type_attr = "U"
    results[2].type = INT64
    return made


def test_a_call_gives_what_its_function_does() -> None:
    assert types(with_types(node("F", "c"), T=BOOL), called()) == [STRING, BOOL, INT64]


def test_a_function_goes_before_an_op_of_its_name() -> None:
    made = called()
    made.signature.name = "MatMul"
    assert types(with_types(node("MatMul", "c"), T=FLOAT), made) == [STRING, FLOAT, INT64]


def test_a_function_that_says_no_type() -> None:
    assert types(node("F", "c"), function("F", ["a"], ["a"])) is None


def test_a_function_without_results() -> None:
    assert types(node("F", "c"), function("F", ["a"], [])) == []


# Shapes


def shape(*sizes: int) -> TensorShapeProto:
    made = TensorShapeProto()
    for size in sizes:
        made.dim.add(size=size)
    return made


UNKNOWN = TensorShapeProto(unknown_rank=True)


@pytest.mark.parametrize("op", ["Placeholder", "PlaceholderV2", "PlaceholderWithDefault"])
def test_placeholders_state_their_shapes(op: str) -> None:
    made = node(op, "x")
    assert stated_shape(made, 0) is None
    made.attr["shape"].shape.CopyFrom(shape(-1, 3))
    assert stated_shape(made, 0) == (-1, 3)
    made.attr["shape"].shape.CopyFrom(shape())
    assert stated_shape(made, 0) == ()
    made.attr["shape"].shape.CopyFrom(UNKNOWN)
    assert stated_shape(made, 0) is None


def test_a_shape_of_another_op_is_not_that_of_its_output() -> None:
    made = node("VariableV2", "v")
    made.attr["shape"].shape.CopyFrom(shape(2))
    assert stated_shape(made, 0) is None


@pytest.mark.parametrize("attr", ["_output_shapes", "output_shapes"])
def test_shapes_that_were_kept(attr: str) -> None:
    made = node("IteratorGetNext", "i")
    made.attr[attr].list.shape.extend([shape(2, -7), UNKNOWN, shape()])
    assert [stated_shape(made, index) for index in range(4)] == [(2, -1), None, (), None]
