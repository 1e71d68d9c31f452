"""Saver: the nodes by which a graph saves its variables and restores them.

    save/filename/input -> save/filename -> save/Const          the prefix, to be fed
    save/SaveV2             names, slices, values               -> save/control_dependency
    save/RestoreV2          names, slices -> an assignment each -> save/restore_all

The names and their order are those of TensorFlow's own Saver. A variable whose value is
stored in another type goes through a Cast on both ways.

Reference: tensorflow/python/training/saver.py, BaseSaverBuilder.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.names import key_to_bytes
from pbckpt.protos import SaverDef
from pbckpt.rewrite.build import (
    build_constant,
    build_node,
    colocated_attr,
    shape_attr,
    type_attr,
    types_attr,
)
from pbckpt.rewrite.mould import EncodedNode, Mould, colocated_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.protos import AttrValue, NodeDef
    from pbckpt.rewrite.draft import Draft
    from pbckpt.thaw.variable import ThawedVariable

_CPU = "/device:CPU:0"
_MAX_TO_KEEP = 5
_KEEP_HOURS = 10000.0
_USUAL_PREFIX = b"model"


def add_saver(draft: Draft, variables: Sequence[ThawedVariable]) -> SaverDef:
    """Add the nodes that save and restore ``variables``, and return what names them."""
    ordered = sorted(variables, key=lambda one: (key_to_bytes(one.frozen.key), one.name))
    scope = _free_scope(draft)
    for node in _Saver(scope, ordered).nodes():
        draft.add(node)
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

    def nodes(self) -> Iterator[NodeDef | EncodedNode]:
        """Yield all of them, in TensorFlow's order."""
        name = self._name
        yield build_constant(name("filename/input"), DataType.STRING, (), [_USUAL_PREFIX])
        yield _placeholder(name("filename"), name("filename/input"))
        yield _placeholder(name("Const"), name("filename"))
        yield from self._save()
        yield from self._restore()

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

    def _save(self) -> Iterator[NodeDef]:
        name = self._name
        lists = self._lists("SaveV2", "")
        yield from lists
        values = []
        for number, one in enumerate(self._variables):
            value = one.snapshot if one.is_resource else one.name
            if one.frozen.stored is not one.frozen.dtype:
                value = name("SaveCast", number)
                yield build_node(
                    value,
                    "Cast",
                    [one.snapshot],
                    SrcT=type_attr(one.frozen.dtype),
                    DstT=type_attr(one.frozen.stored),
                )
            values.append(value)
        yield build_node(
            name("SaveV2"),
            "SaveV2",
            [name("Const"), *(one.name for one in lists), *values],
            dtypes=self._stored_types(),
        )
        yield build_node(
            name("control_dependency"),
            "Identity",
            [name("Const"), f"^{name('SaveV2')}"],
            T=type_attr(DataType.STRING),
            _class=colocated_attr(name("Const")),
        )

    def _stored_types(self) -> AttrValue:
        return types_attr(one.frozen.stored for one in self._variables)

    def _restore(self) -> Iterator[NodeDef | EncodedNode]:
        name = self._name
        lists = self._lists("RestoreV2", _CPU)
        yield from lists
        restore = name("RestoreV2")
        yield build_node(
            restore,
            "RestoreV2",
            [name("Const"), *(one.name for one in lists)],
            device=_CPU,
            dtypes=self._stored_types(),
        )
        assigns = []
        for number, one in enumerate(self._variables):
            nodes = self._assignment(one, f"{restore}:{number}" if number else restore, number)
            yield from nodes
            assigns.append(nodes[-1].name)
        yield build_node(name("restore_all"), "NoOp", [f"^{assign}" for assign in assigns])

    def _assignment(
        self, one: ThawedVariable, value: str, number: int
    ) -> list[NodeDef | EncodedNode]:
        dtype, stored = one.frozen.dtype, one.frozen.stored
        nodes: list[NodeDef | EncodedNode] = []
        if stored is not dtype:
            cast = self._name("RestoreCast", number)
            source, result = type_attr(stored), type_attr(dtype)
            nodes.append(build_node(cast, "Cast", [value], SrcT=source, DstT=result))
            value = cast
        if not one.is_resource:
            assign, place = self._name("Assign", number), colocated_bytes(one.name)
            return [*nodes, _assign_mould(dtype).node(assign, (one.name, value), place)]
        identity, assign = self._name("Identity", number), self._name("AssignVariableOp", number)
        return [
            *nodes,
            _identity_mould(dtype).node(identity, (value,)),
            _assign_variable_mould(dtype).node(assign, (one.name, identity)),
        ]


@cache
def _assign_mould(dtype: DataType) -> Mould:
    return Mould("Assign", own="_class", T=type_attr(dtype))


@cache
def _identity_mould(dtype: DataType) -> Mould:
    return Mould("Identity", T=type_attr(dtype))


@cache
def _assign_variable_mould(dtype: DataType) -> Mould:
    return Mould("AssignVariableOp", dtype=type_attr(dtype))


def _placeholder(name: str, default: str) -> NodeDef:
    """Return a string that can be fed."""
    return build_node(
        name,
        "PlaceholderWithDefault",
        [default],
        dtype=type_attr(DataType.STRING),
        shape=shape_attr(()),
    )
