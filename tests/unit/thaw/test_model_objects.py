from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.protos import SavedObjectGraph, StructuredValue
from pbckpt.thaw.model_function import Model
from pbckpt.thaw.model_objects import checkpoint_objects, saved_objects
from pbckpt.thaw.variable import FrozenVariable, ThawedVariable
from tests.unit.thaw.models import DENSE, TABLE, functions_of, handle, port, signature
from tests.unit.variables.graphs import node


def variable(
    name: str,
    *dims: int,
    node_name: str = "",
    dtype: DataType = DataType.FLOAT,
    trainable: bool = True,
) -> ThawedVariable:
    key = f"{name}/.ATTRIBUTES/VARIABLE_VALUE"
    one = FrozenVariable(name, key, f"{name}:0", dtype, dims, trainable, dtype)
    return ThawedVariable(one, node_name or name, "", "", "", is_resource=True)


def dense_model() -> Model:
    functions = functions_of(DENSE)
    made = functions.make(
        "serve", signature([port("x:0", "image", shape=(-1, 2))], [port("y:0", "probs")])
    )
    return Model((made,))


def table_model() -> Model:
    functions = functions_of(TABLE)
    made = functions.make("k", signature([port("x:0")], [port("y:0", dtype=DataType.INT64)]))
    return Model((made,), tuple(functions.tables([made])))


def children(objects: SavedObjectGraph, place: int) -> dict[str, int]:
    return {one.local_name: one.node_id for one in objects.nodes[place].children}


def kinds(objects: SavedObjectGraph) -> list[str]:
    return [str(one.WhichOneof("kind")) for one in objects.nodes]


W, STEP = variable("w", 2, 3), variable("step", dtype=DataType.INT64, trainable=False)


def test_the_objects_of_a_model() -> None:
    objects = saved_objects([W, STEP], dense_model())
    assert kinds(objects) == [
        "user_object",
        "variable",
        "variable",
        "user_object",
        "bare_concrete_function",
        "user_object",
        "user_object",
    ]
    assert [one.user_object.identifier for one in objects.nodes if one.HasField("user_object")] == [
        "_generic_user_object",
        "signature_map",
        "trackable_list_wrapper",
        "trackable_list_wrapper",
    ]
    assert {one.user_object.version.producer for one in objects.nodes} == {0, 1}
    assert [children(objects, place) for place in range(7)] == [
        {"w": 1, "step": 2, "signatures": 3, "trainable_variables": 5, "variables": 6},
        {},
        {},
        {"serve": 4},
        {},
        {"0": 1},
        {"0": 1, "1": 2},
    ]


def test_variables_are_said_what_they_are() -> None:
    objects = saved_objects([variable("a", 2, 3, node_name="a_1"), STEP], dense_model_of("a_1"))
    first, second = objects.nodes[1].variable, objects.nodes[2].variable
    assert (first.name, first.dtype, first.trainable) == ("a_1", 1, True)
    assert [dim.size for dim in first.shape.dim] == [2, 3]
    assert (second.name, second.dtype, second.trainable) == ("step", 9, False)
    assert second.HasField("shape")
    assert list(children(objects, 0))[:2] == ["a", "step"]


def dense_model_of(name: str) -> Model:
    nodes = [DENSE[0], handle(name, 2, 3), node("ReadVariableOp", "y", name)]
    return Model((functions_of(nodes).make("k", signature([], [port("y:0")])),))


def test_a_function_says_what_it_takes_and_gives() -> None:
    objects = saved_objects([STEP, W], dense_model())
    bare = objects.nodes[4].bare_concrete_function
    assert bare.concrete_function_name == "__inference_serve_0"
    assert list(bare.argument_keywords) == ["image"]
    assert bare.allowed_positional_arguments == 1
    assert list(objects.concrete_functions) == ["__inference_serve_0"]
    function = objects.concrete_functions["__inference_serve_0"]
    assert list(function.bound_inputs) == [2]
    taken, keywords = function.canonicalized_input_signature.tuple_value.values
    assert taken.HasField("tuple_value")
    assert not taken.tuple_value.values
    [(name, spec)] = keywords.dict_value.fields.items()
    assert (name, spec.tensor_spec_value.name, spec.tensor_spec_value.dtype) == (
        "image",
        "image",
        1,
    )
    assert [dim.size for dim in spec.tensor_spec_value.shape.dim] == [-1, 2]
    [(name, spec)] = function.output_signature.dict_value.fields.items()
    assert (name, spec.tensor_spec_value.name) == ("probs", "probs")
    assert spec.tensor_spec_value.shape.unknown_rank


def test_a_function_without_inputs() -> None:
    objects = saved_objects([W], dense_model_of("w"))
    bare = objects.nodes[3].bare_concrete_function
    assert (list(bare.argument_keywords), bare.allowed_positional_arguments) == ([], 0)
    function = objects.concrete_functions["__inference_k_0"]
    assert function.canonicalized_input_signature.tuple_value.values[1].HasField("dict_value")


def test_a_table_is_an_object_with_functions_of_its_own() -> None:
    objects = saved_objects([W], table_model())
    assert kinds(objects) == [
        "user_object",
        "variable",
        "resource",
        "bare_concrete_function",
        "bare_concrete_function",
        "user_object",
        "bare_concrete_function",
        "user_object",
        "user_object",
    ]
    assert children(objects, 0) == {
        "w": 1,
        "t": 2,
        "signatures": 5,
        "trainable_variables": 7,
        "variables": 8,
    }
    assert children(objects, 2) == {"_create_resource": 3, "_initialize": 4}
    assert children(objects, 5) == {"k": 6}
    create = objects.concrete_functions["__inference_create_t_0"]
    assert list(create.bound_inputs) == []
    assert create.output_signature.tensor_spec_value.dtype == DataType.RESOURCE
    assert create.output_signature.tensor_spec_value.HasField("shape")
    filled = objects.concrete_functions["__inference_initialize_t_0"]
    assert list(filled.bound_inputs) == [2]
    nothing = StructuredValue()
    nothing.none_value.SetInParent()
    assert filled.output_signature == nothing
    assert list(objects.concrete_functions["__inference_k_0"].bound_inputs) == [2]


def test_a_table_that_nothing_fills_has_one_function() -> None:
    model = table_model()
    [table] = model.tables
    objects = saved_objects([W], model._replace(tables=(table._replace(initialize=None),)))
    assert children(objects, 2) == {"_create_resource": 3}


@pytest.mark.parametrize("name", ["signatures", "trainable_variables", "variables", "t"])
def test_a_name_that_is_occupied(name: str) -> None:
    with pytest.raises(SelectionError) as caught:
        saved_objects([W, variable(name, 2)], table_model())
    assert str(caught.value) == (
        f"a variable is called {name!r}, as something else of the model is; rename it with "
        "--rename, or say --format saved-model"
    )


def test_the_checkpoint_has_the_same_objects() -> None:
    variables = [variable("a", 2, node_name="a_1"), STEP]
    model = dense_model_of("a_1")
    objects = saved_objects(variables, model)
    found = checkpoint_objects(objects, variables)
    assert [list(one.children) for one in found.nodes] == [
        list(one.children) for one in objects.nodes
    ]
    assert [
        (place, one.name, one.full_name, one.checkpoint_key)
        for place, node_of in enumerate(found.nodes)
        for one in node_of.attributes
    ] == [
        (1, "VARIABLE_VALUE", "a_1", "a/.ATTRIBUTES/VARIABLE_VALUE"),
        (2, "VARIABLE_VALUE", "step", "step/.ATTRIBUTES/VARIABLE_VALUE"),
    ]
    assert [one.has_checkpoint_values.value for one in found.nodes] == [
        True,
        True,
        True,
        True,
        False,
        True,
        True,
    ]
