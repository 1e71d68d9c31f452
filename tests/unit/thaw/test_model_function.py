from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError, UnsupportedGraphError
from pbckpt.thaw.model_function import Model, ModelFunction, ModelFunctions
from tests.unit.thaw.graphs import loop, typed
from tests.unit.thaw.models import (
    DENSE,
    TABLE,
    X,
    definition,
    functions_of,
    handle,
    lines,
    port,
    signature,
    table,
)
from tests.unit.variables.graphs import const, function, graph, node

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef
    from pbckpt.thaw.signature import Port

K = node("Placeholder", "k")


def made(
    nodes: list[NodeDef], inputs: list[Port], outputs: list[Port], key: str = "serve"
) -> ModelFunction:
    return functions_of(nodes).make(key, signature(inputs, outputs))


# What it takes and gives


def test_variables_are_captured_and_inputs_are_arguments() -> None:
    found = made(DENSE, [port("x:0", "image", shape=(-1, 2))], [port("y:0", "probs")])
    assert lines(found) == [
        "__inference_serve_0(image: 1, w: 20) -> probs: 1",
        "w/read ReadVariableOp w",
        "y MatMul image w/read:value:0",
        "probs = y:product:0",
    ]
    assert (found.key, found.name, found.captured) == ("serve", "__inference_serve_0", ("w",))


def test_what_is_known_of_arguments() -> None:
    found = definition(made(DENSE, [port("x:0", "image", shape=(-1, 2))], [port("y:0")]))
    assert found.signature.is_stateful
    image, w = found.signature.input_arg
    assert not image.handle_data
    [data] = w.handle_data
    assert data.dtype == 1
    assert [dim.size for dim in data.shape.dim] == [2, 3]
    shapes = found.attr["_input_shapes"].list.shape
    assert [[dim.size for dim in one.dim] for one in shapes] == [[-1, 2], []]
    assert list(found.arg_attr) == [0]
    assert found.arg_attr[0].attr["_user_specified_name"].s == b"image"


def test_a_shape_that_is_not_known_says_so() -> None:
    found = definition(made(DENSE, [port("x:0")], [port("y:0")]))
    assert [one.unknown_rank for one in found.attr["_input_shapes"].list.shape] == [True, False]


def test_arguments_and_results_are_in_the_order_of_their_keys() -> None:
    """TensorFlow 2 passes them in that order, whatever the model says."""
    nodes = [X, K, typed("Sub", "a", "x", "k"), typed("Sub", "b", "k", "x")]
    found = made(nodes, [port("x:0", "z"), port("k:0", "c")], [port("b:0", "q"), port("a:0", "p")])
    assert lines(found) == [
        "__inference_serve_0(c: 1, z: 1) -> p: 1, q: 1",
        "a Sub z c",
        "b Sub c z",
        "p = a:z:0",
        "q = b:z:0",
    ]
    assert [one.key for one in found.signature.inputs] == ["c", "z"]
    assert [one.key for one in found.signature.outputs] == ["p", "q"]


def test_inputs_are_sorted_by_the_names_that_parameters_get_from_them() -> None:
    """``a/b`` becomes a_b and sorts behind ``a1``, ``1`` becomes arg_1; outputs stay."""
    names = ["a1", "a/b", "1", "B"]
    nodes = [node("Placeholder", f"p{number}") for number in range(4)]
    inputs = [port(f"p{number}:0", key) for number, key in enumerate(names)]
    outputs = [port(f"p{number}:0", key) for number, key in enumerate(names)]
    found = made(nodes, inputs, outputs)
    assert [one.key for one in found.signature.inputs] == ["B", "a1", "a/b", "1"]
    assert [one.key for one in found.signature.outputs] == ["1", "B", "a/b", "a1"]
    head = definition(found).signature
    assert [one.name for one in head.input_arg] == ["b", "a1", "a_b", "w1"]
    named = definition(found).arg_attr
    assert [named[number].attr["_user_specified_name"].s for number in range(4)] == [
        b"B",
        b"a1",
        b"a/b",
        b"1",
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("class", "x"), "no input called 'class'; "),
        (("self", "x"), "no input called 'self'; "),
        (("a/b", "a:b"), "no input called 'a:b' beside 'a/b'; "),
        (("1", "arg_1"), "no input called 'arg_1' beside '1'; "),
    ],
)
def test_keys_that_no_parameter_can_have(keys: tuple[str, str], message: str) -> None:
    nodes = [X, K, typed("Sub", "y", "x", "k")]
    inputs = [port(f"{name}:0", key) for name, key in zip("xk", keys, strict=True)]
    with pytest.raises(SelectionError) as caught:
        made(nodes, inputs, [port("y:0")])
    given = "k:0" if " beside " in message else "x:0"
    assert str(caught.value) == (
        f"TensorFlow 2 can have {message}give it another name with --inputs NAME={given},..."
    )


def test_a_result_can_be_called_anything() -> None:
    found = made(DENSE, [port("x:0")], [port("y:0", "class"), port("w/read:0", "self")])
    assert [one.name for one in definition(found).signature.output_arg] == ["class", "self"]


def test_names_of_arguments_and_results_are_no_nodes() -> None:
    nodes = [X, handle("W", 2), node("ReadVariableOp", "w", "W"), typed("Add", "Y", "x", "w")]
    found = made(nodes, [port("x:0", "W")], [port("Y:0", "y"), port("w:0", "W")])
    assert lines(found) == [
        "__inference_serve_0(w_1: 1, w_2: 20) -> w_3: 1, y_1: 1",
        "w ReadVariableOp w_2",
        "Y Add w_1 w:value:0",
        "w_3 = w:value:0",
        "y_1 = Y:z:0",
    ]


def test_a_result_can_be_an_argument() -> None:
    found = made(DENSE, [port("x:0")], [port("x:0", "same")])
    assert lines(found) == ["__inference_serve_0(x: 1) -> same: 1", "same = x"]
    assert found.captured == ()


def test_one_tensor_can_go_out_twice() -> None:
    found = made(DENSE, [port("x:0")], [port("y:0", "a"), port("y:0", "b")])
    assert lines(found)[-2:] == ["a = y:product:0", "b = y:product:0"]


def test_one_tensor_can_go_in_under_two_names() -> None:
    """The first is taken, the other one is there for those who pass it."""
    nodes = [X, node("Relu", "y", "x")]
    found = made(nodes, [port("x:0", "b"), port("x:0", "a")], [port("y:0")])
    assert lines(found) == [
        "__inference_serve_0(a: 1, b: 1) -> y_1: 1",
        "y Relu a",
        "y_1 = y:activations:0",
    ]


def test_only_what_is_needed_is_in() -> None:
    nodes = [*DENSE, handle("v", 1), node("Relu", "z", "y"), const("c"), node("Log", "n", "c")]
    found = made(nodes, [port("x:0"), port("c:0")], [port("y:0")])
    assert [one.name for one in definition(found).node_def] == ["w/read", "y"]
    assert found.captured == ("w",)


def test_an_input_that_nothing_needs_is_an_argument_all_the_same() -> None:
    found = made([*DENSE, K], [port("x:0"), port("k:0", dtype=DataType.INT32)], [port("y:0")])
    assert lines(found)[0] == "__inference_serve_0(k: 3, x: 1, w: 20) -> y_1: 1"


def test_what_leads_to_a_tensor_that_is_fed_is_not_needed() -> None:
    nodes = [
        handle("w", 2),
        node("ReadVariableOp", "r", "w"),
        node("Unique", "u", "r"),
        node("AddN", "y", "u", "u:1"),
    ]
    assert lines(made(nodes, [port("u:0", "u"), port("u:1", "i")], [port("y:0")])) == [
        "__inference_serve_0(i: 1, u: 1) -> y_1: 1",
        "y AddN u i",
        "y_1 = y:sum:0",
    ]


def test_another_output_of_a_node_that_is_fed_needs_the_node() -> None:
    nodes = [const("c", 4), node("Unique", "u", "c"), node("AddN", "y", "u", "u:1")]
    assert lines(made(nodes, [port("u:1", "i")], [port("y:0")]))[1:] == [
        "c Const",
        "u Unique c:output:0",
        "y AddN u:y:0 i",
        "y_1 = y:sum:0",
    ]


def test_nothing_waits_for_a_placeholder_but_for_a_node_in_between() -> None:
    nodes = [
        X,
        node("Assert", "check", "x"),
        node("Relu", "m", "x", "^check"),
        node("Neg", "y", "m", "^x", "^m"),
    ]
    assert lines(made(nodes, [port("x:0")], [port("y:0")]))[1:] == [
        "check Assert x",
        "m Relu x ^check",
        "y Neg m:activations:0 ^m",
        "y_1 = y:y:0",
    ]
    assert lines(made(nodes, [port("x:0"), port("m:0")], [port("y:0")]))[1:] == [
        "check Assert x",
        "m Relu x ^check",
        "y Neg m_1 ^m",
        "y_1 = y:y:0",
    ]


def test_functions_have_names_of_their_own() -> None:
    taken = function("__inference_a_b_0", ["a"], ["a"])
    functions = functions_of(DENSE, [taken])
    asked = signature([port("x:0")], [port("y:0")])
    names = [functions.make(key, asked).name for key in ("a b", "a/b", "ä")]
    assert names == ["__inference_a_b_1", "__inference_a_b_2", "__inference___0"]


def test_functions_of_the_library_are_called_by_their_results() -> None:
    called = function("F", ["a"], ["a"])
    nodes = [X, node("F", "c", "x"), node("Relu", "y", "c")]
    found = functions_of(nodes, [called]).make("k", signature([port("x:0")], [port("y:0")]))
    assert lines(found)[2] == "y Relu c:r0:0"


def test_nodes_of_a_file_stay_what_they_are() -> None:
    nodes = graph(*DENSE).nodes
    before = [one.definition.SerializeToString() for one in nodes]
    found = ModelFunctions(nodes, ()).make("k", signature([port("x:0")], [port("y:0")]))
    assert lines(found)[1:3] == ["w/read ReadVariableOp w", "y MatMul x w/read:value:0"]
    assert [one.definition.SerializeToString() for one in nodes] == before


# What no function can have


def refusal(nodes: list[NodeDef], output: str) -> UnsupportedGraphError:
    with pytest.raises(UnsupportedGraphError) as caught:
        made(nodes, [port("x:0")], [port(output)])
    return caught.value


def test_loops_are_refused() -> None:
    nodes = [X, *loop("while", "x", result="while/Identity"), node("Relu", "y", "while/Exit")]
    error = refusal(nodes, "y:0")
    assert str(error) == (
        "node 'while/Enter' (Enter) is of a loop of TensorFlow 1, through which a function has no "
        "gradients; write it in the form of TensorFlow 1 with --format saved-model"
    )
    assert (error.node_name, error.op) == ("while/Enter", "Enter")
    assert made(nodes, [port("while/Exit:0")], [port("y:0")]).captured == ()


@pytest.mark.parametrize("op", ["RefEnter", "Exit", "RefExit", "NextIteration", "LoopCond"])
def test_parts_of_loops_are_refused(op: str) -> None:
    assert (error := refusal([X, node(op, "y", "x")], "y:0")).op == op
    assert "is of a loop of TensorFlow 1" in str(error)


@pytest.mark.parametrize(
    "op",
    [
        "HashTable",
        "MutableHashTable",
        "MutableDenseHashTableV2",
        "AnonymousHashTable",
        "AnonymousMutableHashTableOfTensors",
    ],
)
def test_tables_of_other_kinds_are_refused(op: str) -> None:
    error = refusal([X, node(op, "t"), node("LookupTableFindV2", "y", "t", "x")], "y:0")
    assert str(error).startswith(
        f"node 't' ({op}) is a table of a kind that such a model cannot keep beside its functions;"
    )


@pytest.mark.parametrize("name", ["y_RetVal", "a/y_retval", "_RETVAL"])
def test_names_of_results_are_refused(name: str) -> None:
    error = refusal([X, node("Relu", name, "x")], f"{name}:0")
    assert str(error).startswith(
        f"node '{name}' (Relu) has a name that ends with _RetVal, as those of results do; write "
    )


def test_what_is_not_needed_is_not_refused() -> None:
    nodes = [*DENSE, node("Relu", "z_RetVal", "y"), node("HashTable", "t"), node("Enter", "e", "y")]
    assert made(nodes, [port("x:0")], [port("y:0")]).captured == ("w",)


def test_an_op_that_is_not_known() -> None:
    error = refusal([X, node("Mystery", "m", "x"), node("Relu", "y", "m")], "y:0")
    assert (error.node_name, error.op) == ("m", "Mystery")


# Tables


def test_a_table_is_captured_and_made_and_filled_by_functions() -> None:
    functions = functions_of(TABLE)
    found = functions.make("k", signature([port("x:0")], [port("y:0", dtype=DataType.INT64)]))
    assert found.captured == ("t",)
    assert lines(found) == [
        "__inference_k_0(x: 1, t: 20) -> y_1: 9",
        "default Const",
        "y LookupTableFindV2 t x default:output:0",
        "y_1 = y:values:0",
    ]
    assert not definition(found).signature.input_arg[1].handle_data
    [kept] = functions.tables([found])
    assert kept.name == "t"
    assert lines(kept.create) == [
        "__inference_create_t_0() -> handle: 20",
        "t HashTableV2",
        "handle = t:table_handle:0",
    ]
    assert kept.initialize is not None
    assert lines(kept.initialize) == [
        "__inference_initialize_t_0(t: 20) ->",
        "keys Const",
        "values Const",
        "t/fill LookupTableImportV2 t keys:output:0 values:output:0",
    ]
    filled = definition(kept.initialize)
    assert list(filled.signature.control_output) == ["t/fill"]
    assert dict(filled.control_ret) == {"t/fill": "t/fill"}
    assert kept.initialize.captured == ("t",)
    assert (kept.create.captured, kept.create.signature.outputs[0].key) == ((), "handle")


@pytest.mark.parametrize("op", ["MutableHashTableV2", "MutableHashTableOfTensorsV2"])
def test_a_table_that_nothing_fills(op: str) -> None:
    nodes = [X, table("t", op), node("LookupTableSizeV2", "y", "t")]
    functions = functions_of(nodes)
    found = functions.make("k", signature([], [port("y:0", dtype=DataType.INT64)]))
    [kept] = functions.tables([found])
    assert kept.initialize is None
    assert lines(kept.create)[1] == f"t {op}"
    assert list(Model((found,), (kept,)).encoded()) == [found.encoded, kept.create.encoded]


def test_tables_that_no_function_takes_are_left_out() -> None:
    functions = functions_of([*TABLE, *DENSE[1:3], typed("MatMul", "z", "x", "w/read")])
    found = functions.make("k", signature([port("x:0")], [port("z:0")]))
    assert functions.tables([found]) == []


def test_functions_of_a_model_come_with_those_of_its_tables() -> None:
    functions = functions_of(TABLE)
    found = functions.make("k", signature([port("x:0")], [port("y:0", dtype=DataType.INT64)]))
    [kept] = functions.tables([found])
    assert kept.initialize is not None
    assert list(Model((found,), (kept,)).encoded()) == [
        found.encoded,
        kept.create.encoded,
        kept.initialize.encoded,
    ]
    assert list(Model().encoded()) == []
