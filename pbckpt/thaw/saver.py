"""Saver: the nodes by which a graph saves its variables and restores them.

    save/filename/input -> save/filename -> save/Const          the prefix, to be fed
    save/SaveV2             names, slices, values               -> save/control_dependency
    save/RestoreV2          names, slices -> an assignment each -> save/restore_all

The names and their order are those of TensorFlow's own Saver. A variable whose value is
stored in another type goes through a Cast on both ways.

Reference: tensorflow/python/training/saver.py, BaseSaverBuilder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.names import key_to_bytes
from pbckpt.protos import SaverDef
from pbckpt.thaw.build import (
    build_constant,
    build_node,
    colocated_attr,
    shape_attr,
    type_attr,
    types_attr,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.protos import AttrValue, NodeDef
    from pbckpt.thaw.draft import Draft
    from pbckpt.thaw.variable import ThawedVariable

_CPU = "/device:CPU:0"
_MAX_TO_KEEP = 5
_KEEP_HOURS = 10000.0
_USUAL_PREFIX = b"model"


def add_saver(draft: Draft, variables: Sequence[ThawedVariable]) -> SaverDef:
    """Add the nodes that save and restore ``variables``, and return what names them."""
    ordered = sorted(variables, key=lambda one: (key_to_bytes(one.frozen.key), one.name))
    nodes = _Saver(_free_scope(draft), ordered).nodes()
    draft.add(*nodes)
    scope = nodes[0].name.partition("/")[0]
    return SaverDef(
        filename_tensor_name=f"{scope}/Const:0",
        save_tensor_name=f"{scope}/control_dependency:0",
        restore_op_name=f"{scope}/restore_all",
        max_to_keep=_MAX_TO_KEEP,
        keep_checkpoint_every_n_hours=_KEEP_HOURS,
        version=SaverDef.V2,
    )


def _free_scope(draft: Draft) -> str:
    """Return a scope that no node is in: ``save``, or that with a number."""
    taken = draft.scopes()
    scope, number = "save", 0
    while scope in taken:
        number += 1
        scope = f"save_{number}"
    return scope


class _Saver:
    """Builds the nodes of one saver."""

    def __init__(self, scope: str, variables: Sequence[ThawedVariable]) -> None:
        self._scope = scope
        self._variables = variables

    def nodes(self) -> list[NodeDef]:
        """Return all of them, in TensorFlow's order."""
        name = self._name
        filename = [
            build_constant(name("filename/input"), DataType.STRING, (), [_USUAL_PREFIX]),
            _placeholder(name("filename"), name("filename/input")),
            _placeholder(name("Const"), name("filename")),
        ]
        return [*filename, *self._save(), *self._restore()]

    def _name(self, name: str, number: int = 0) -> str:
        """Return a name in the scope, numbered as TensorFlow numbers names."""
        return f"{self._scope}/{name}_{number}" if number else f"{self._scope}/{name}"

    def _lists(self, op: str, device: str) -> list[NodeDef]:
        """Return the constants that say under which keys, and which slices, variables are."""
        keys = [key_to_bytes(one.frozen.key) for one in self._variables]
        specs = [
            one.frozen.slice.spec.encode() if one.frozen.slice else b"" for one in self._variables
        ]
        shape = (len(self._variables),)
        return [
            build_constant(self._name(f"{op}/tensor_names"), DataType.STRING, shape, keys, device),
            build_constant(
                self._name(f"{op}/shape_and_slices"), DataType.STRING, shape, specs, device
            ),
        ]

    def _save(self) -> list[NodeDef]:
        name = self._name
        lists = self._lists("SaveV2", "")
        casts: list[NodeDef] = []
        values = []
        for number, one in enumerate(self._variables):
            value = one.snapshot if one.is_resource else one.name
            if one.frozen.stored is not one.frozen.dtype:
                casts.append(
                    build_node(
                        name("SaveCast", number),
                        "Cast",
                        [one.snapshot],
                        SrcT=type_attr(one.frozen.dtype),
                        DstT=type_attr(one.frozen.stored),
                    )
                )
                value = casts[-1].name
            values.append(value)
        return [
            *lists,
            *casts,
            build_node(
                name("SaveV2"),
                "SaveV2",
                [name("Const"), *(one.name for one in lists), *values],
                dtypes=self._stored_types(),
            ),
            build_node(
                name("control_dependency"),
                "Identity",
                [name("Const"), f"^{name('SaveV2')}"],
                T=type_attr(DataType.STRING),
                _class=colocated_attr(name("Const")),
            ),
        ]

    def _stored_types(self) -> AttrValue:
        return types_attr(one.frozen.stored for one in self._variables)

    def _restore(self) -> list[NodeDef]:
        name = self._name
        lists = self._lists("RestoreV2", _CPU)
        restore = build_node(
            name("RestoreV2"),
            "RestoreV2",
            [name("Const"), *(one.name for one in lists)],
            device=_CPU,
            dtypes=self._stored_types(),
        )
        assigns: list[NodeDef] = []
        nodes: list[NodeDef] = []
        for number, one in enumerate(self._variables):
            value = f"{restore.name}:{number}" if number else restore.name
            *others, assign = self._assignment(one, value, number)
            nodes += [*others, assign]
            assigns.append(assign)
        all_of_them = build_node(
            name("restore_all"), "NoOp", [f"^{assign.name}" for assign in assigns]
        )
        return [*lists, restore, *nodes, all_of_them]

    def _assignment(self, one: ThawedVariable, value: str, number: int) -> list[NodeDef]:
        dtype, stored = type_attr(one.frozen.dtype), type_attr(one.frozen.stored)
        nodes = []
        if one.frozen.stored is not one.frozen.dtype:
            cast = self._name("RestoreCast", number)
            nodes.append(build_node(cast, "Cast", [value], SrcT=stored, DstT=dtype))
            value = cast
        if not one.is_resource:
            assign = build_node(
                self._name("Assign", number),
                "Assign",
                [one.name, value],
                T=dtype,
                _class=colocated_attr(one.name),
            )
            return [*nodes, assign]
        identity = self._name("Identity", number)
        return [
            *nodes,
            build_node(identity, "Identity", [value], T=dtype),
            build_node(
                self._name("AssignVariableOp", number),
                "AssignVariableOp",
                [one.name, identity],
                dtype=dtype,
            ),
        ]


def _placeholder(name: str, default: str) -> NodeDef:
    """Return a string that can be fed."""
    return build_node(
        name,
        "PlaceholderWithDefault",
        [default],
        dtype=type_attr(DataType.STRING),
        shape=shape_attr(()),
    )
