"""Collections: what TensorFlow 1 finds variables and the like by, in a MetaGraphDef.

    variables, trainable_variables, model_variables, global_step     VariableDef each
    table_initializer                                                names of nodes

Reference: tensorflow/python/framework/ops.py, GraphKeys; core/framework/variable.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.protos import SaveSliceInfoDef, VariableDef

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.graph.node import Node
    from pbckpt.protos import NodeDef
    from pbckpt.thaw.variable import ThawedVariable

_GLOBAL_STEP = "global_step"
TABLE_INITIALIZERS = frozenset(
    (
        "InitializeTable",
        "InitializeTableFromTextFile",
        "InitializeTableFromTextFileV2",
        "InitializeTableV2",
        "LookupTableImport",
        "LookupTableImportV2",
    )
)


def variable_collections(variables: Sequence[ThawedVariable]) -> dict[str, list[bytes]]:
    """Return the collections of variables, in the order that these are given in."""
    found: dict[str, list[bytes]] = {}
    for variable in variables:
        data = _definition(variable).SerializeToString(deterministic=True)
        names = ["variables"]
        if variable.frozen.is_trainable:
            names.append("trainable_variables")
        if _is_global_step(variable):
            names.append("global_step")
        elif variable.frozen.tensor:
            names.append("model_variables")
        for name in names:
            found.setdefault(name, []).append(data)
    return found


def table_initializers(nodes: Iterable[Node | NodeDef]) -> list[str]:
    """Return the nodes that fill look-up tables, which must run before anything is looked up."""
    return [node.name for node in nodes if node.op in TABLE_INITIALIZERS]


def _is_global_step(variable: ThawedVariable) -> bool:
    is_number = not variable.frozen.shape and not variable.frozen.dtype.is_floating
    return is_number and variable.name.rpartition("/")[2] == _GLOBAL_STEP


def _definition(variable: ThawedVariable) -> VariableDef:
    definition = VariableDef(
        variable_name=f"{variable.name}:0",
        initial_value_name=f"{variable.initial_value}:0",
        initializer_name=variable.initializer,
        snapshot_name=f"{variable.snapshot}:0",
        trainable=variable.frozen.is_trainable,
        is_resource=variable.is_resource,
    )
    part = variable.frozen.slice
    if part is not None:
        info = SaveSliceInfoDef(
            # Of a key that is no UTF-8 a message has what can be said.
            full_name=part.full_name.encode("utf-8", "replace").decode(),
            full_shape=part.full_shape,
            var_offset=part.offset,
            var_shape=part.shape,
        )
        definition.save_slice_info_def.CopyFrom(info)
    return definition
