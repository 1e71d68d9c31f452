"""Model objects: the objects of a SavedModel of TensorFlow 2, and of its checkpoint.

    0        root                          a child for each variable, by its name, and:
    1 …      variables
             tables, their functions       a child of the root each, by its node's name
             signatures                    a child for each signature
             functions
             trainable_variables, variables    lists, as Keras and others know them

The checkpoint has the same objects in the same order, with the keys of the values.

Reference: tensorflow/core/protobuf/saved_object_graph.proto and
trackable_object_graph.proto; what loaders need of them was tried on 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.protos import (
    SavedBareConcreteFunction,
    SavedConcreteFunction,
    SavedObject,
    SavedObjectGraph,
    SavedResource,
    SavedUserObject,
    SavedVariable,
    StructuredValue,
    TensorSpecProto,
    TrackableObjectGraph,
    VersionDef,
)
from pbckpt.rewrite.build import shape_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.thaw.model_function import Model, ModelFunction, ModelTable
    from pbckpt.thaw.signature import Port
    from pbckpt.thaw.variable import ThawedVariable

_ROOT, _SIGNATURES, _LIST = "_generic_user_object", "signature_map", "trackable_list_wrapper"
_VALUE = "VARIABLE_VALUE"
SIGNATURES, TRAINABLE, VARIABLES = "signatures", "trainable_variables", "variables"
# What loading looks for at every object, or puts there.
_OF_LOADER = frozenset(
    (
        "_deserialization_dependencies",
        "_export_to_saved_model_graph",
        "graph_debug_info",
        "tensorflow_git_version",
        "tensorflow_version",
    )
)


def saved_objects(variables: Sequence[ThawedVariable], model: Model) -> SavedObjectGraph:
    """Return the objects of a model.

    Raises SelectionError for a variable with the name of something else of the model.
    """
    _refuse_occupied(variables, model.tables)
    graph = SavedObjectGraph()
    root = _user_object(graph, _ROOT)
    places = {one.name: _variable(graph, one) for one in variables}
    for one in variables:
        _add_child(root, places[one.name], one.frozen.name)
    for table in model.tables:
        places[table.name] = len(graph.nodes)
        _add_child(root, places[table.name], table.name)
        _add_table(graph, table, places)
    _add_child(root, len(graph.nodes), SIGNATURES)
    signatures = _user_object(graph, _SIGNATURES)
    for function in model.functions:
        _add_child(signatures, len(graph.nodes), function.key)
        _add_function(graph, function, places, _specs(function.signature.outputs))
    trainable = [places[one.name] for one in variables if one.frozen.is_trainable]
    for name, listed in (
        (TRAINABLE, trainable),
        (VARIABLES, [places[one.name] for one in variables]),
    ):
        _add_child(root, len(graph.nodes), name)
        row = _user_object(graph, _LIST)
        for number, place in enumerate(listed):
            _add_child(row, place, str(number))
    return graph


def _add_table(graph: SavedObjectGraph, table: ModelTable, places: Mapping[str, int]) -> None:
    node = graph.nodes.add(resource=SavedResource())
    _add_child(node, len(graph.nodes), "_create_resource")
    handle = StructuredValue()
    handle.tensor_spec_value.dtype = DataType.RESOURCE
    handle.tensor_spec_value.shape.SetInParent()
    _add_function(graph, table.create, places, handle)
    if table.initialize is not None:
        _add_child(node, len(graph.nodes), "_initialize")
        nothing = StructuredValue()
        nothing.none_value.SetInParent()
        _add_function(graph, table.initialize, places, nothing)


def checkpoint_objects(
    objects: SavedObjectGraph, variables: Sequence[ThawedVariable]
) -> TrackableObjectGraph:
    """Return the objects of a model as its checkpoint lists them."""
    graph = TrackableObjectGraph()
    keys = iter(variables)
    for one in objects.nodes:
        node = graph.nodes.add(children=one.children)
        kind = one.WhichOneof("kind")
        if kind == "variable":
            variable = next(keys)
            node.attributes.add(
                name=_VALUE, full_name=variable.name, checkpoint_key=variable.frozen.key
            )
        node.has_checkpoint_values.value = kind != "bare_concrete_function"
    return graph


def _refuse_occupied(variables: Iterable[ThawedVariable], tables: Iterable[ModelTable]) -> None:
    occupied = {SIGNATURES, TRAINABLE, VARIABLES, *_OF_LOADER, *(table.name for table in tables)}
    for one in variables:
        if one.frozen.name in occupied:
            raise SelectionError(
                f"a variable is called {one.frozen.name!r}, as something else of the model is; "
                "rename it with --rename, or say --format saved-model"
            )


def _user_object(graph: SavedObjectGraph, identifier: str) -> SavedObject:
    version = VersionDef(producer=1, min_consumer=1)
    user = SavedUserObject(identifier=identifier, version=version)
    return graph.nodes.add(user_object=user)


def _add_child(node: SavedObject, place: int, name: str) -> None:
    node.children.add(node_id=place, local_name=name)


def _variable(graph: SavedObjectGraph, one: ThawedVariable) -> int:
    """Add a variable, and return its place."""
    graph.nodes.add(
        variable=SavedVariable(
            dtype=one.frozen.dtype,
            shape=shape_message(one.frozen.shape),
            trainable=one.frozen.is_trainable,
            name=one.name,
        )
    )
    return len(graph.nodes) - 1


def _add_function(
    graph: SavedObjectGraph,
    function: ModelFunction,
    places: Mapping[str, int],
    given: StructuredValue,
) -> None:
    keywords = [port.key for port in function.signature.inputs]
    graph.nodes.add(
        bare_concrete_function=SavedBareConcreteFunction(
            concrete_function_name=function.name,
            argument_keywords=keywords,
            allowed_positional_arguments=len(keywords),
        )
    )
    taken = StructuredValue()
    taken.tuple_value.values.add().tuple_value.SetInParent()
    taken.tuple_value.values.append(_specs(function.signature.inputs))
    graph.concrete_functions[function.name].CopyFrom(
        SavedConcreteFunction(
            bound_inputs=[places[name] for name in function.captured],
            canonicalized_input_signature=taken,
            output_signature=given,
        )
    )


def _specs(ports: Iterable[Port]) -> StructuredValue:
    value = StructuredValue()
    value.dict_value.SetInParent()
    for port in ports:
        spec = TensorSpecProto(name=port.key, dtype=port.dtype, shape=shape_message(port.shape))
        value.dict_value.fields[port.key].tensor_spec_value.CopyFrom(spec)
    return value
